/// The bench over any drivers: a life that all of them go through, and that leaves holes.
///
///     grow     to the number of live blocks, of 16 to 1024 bytes
///     churn    twice as many pairs of free and malloc, at random
///     shrink   to half, at random
///     grow     again, with blocks four times as large, for which most holes are too small
///     churn
///     shrink   to a quarter
///
/// Memory is looked at a few dozen times, while the clock stands still.
#define _GNU_SOURCE
#include "steve/cli/bench_life.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steve/cli/bench_heap.h"
#include "steve/cli/bench_internal.h"
#include "steve/cli/bench_process.h"
#include "steve/cli/catalog.h"
#include "steve/core/external.h"

enum { LARGER = 4, LARGEST = 1024 * LARGER };

/// Ops between two looks at the time that is left.
enum { OPS_A_LOOK = 64 };

struct scene {
    const struct bench_life_task *task;
    struct bench_life *life;
    void *heap;
    steve_ref *ref;
    uint16_t *size;
    size_t live, payload, ops, ops_a_sample;
    size_t resident_before;
    uint64_t deadline_ns, random;
    uint64_t spent_ns, since_ns;
    uint16_t factor; ///< of sizes
};

static void take_sample(struct scene *s)
{
    s->spent_ns += bench_cpu_ns() - s->since_ns;
    size_t resident = bench_resident_bytes();
    if (s->life->samples < BENCH_LIFE_SAMPLES)
        s->life->sample[s->life->samples++] = (struct bench_life_sample){
            .ops = s->ops,
            .payload = s->payload,
            .footprint = resident > s->resident_before ? resident - s->resident_before : 0,
        };
    s->since_ns = bench_cpu_ns();
}

static enum bench_life_end end_op(struct scene *s)
{
    s->ops++;
    if (s->ops % s->ops_a_sample == 0)
        take_sample(s);
    return s->ops % OPS_A_LOOK == 0 && bench_cpu_ns() > s->deadline_ns ? BENCH_LIFE_CAPPED : BENCH_LIFE_DONE;
}

static enum bench_life_end make_one(struct scene *s)
{
    uint16_t size = (uint16_t)(bench_random_size(&s->random) * s->factor);
    steve_ref ref = bench_heap_make(s->task->driver, s->heap, size);
    if (!ref)
        return BENCH_LIFE_REFUSED;
    s->ref[s->live] = ref;
    s->size[s->live++] = size;
    s->payload += size;
    return end_op(s);
}

static enum bench_life_end free_one(struct scene *s)
{
    size_t victim = bench_random_below(&s->random, (uint32_t)s->live);
    s->task->driver->free(s->heap, s->ref[victim]);
    s->payload -= s->size[victim];
    s->ref[victim] = s->ref[--s->live];
    s->size[victim] = s->size[s->live];
    return end_op(s);
}

static enum bench_life_end resize_to(struct scene *s, size_t live)
{
    enum bench_life_end end = BENCH_LIFE_DONE;
    while (end == BENCH_LIFE_DONE && s->live != live)
        end = s->live < live ? make_one(s) : free_one(s);
    return end;
}

static enum bench_life_end churn(struct scene *s, size_t pairs)
{
    enum bench_life_end end = BENCH_LIFE_DONE;
    for (size_t i = 0; i < pairs && end == BENCH_LIFE_DONE; i++) {
        end = free_one(s);
        if (end == BENCH_LIFE_DONE)
            end = make_one(s);
    }
    return end;
}

static enum bench_life_end live_through(struct scene *s, size_t live)
{
    enum bench_life_end end = resize_to(s, live);
    if (end == BENCH_LIFE_DONE)
        end = churn(s, 2 * live);
    if (end == BENCH_LIFE_DONE)
        end = resize_to(s, live / 2);
    s->factor = LARGER;
    if (end == BENCH_LIFE_DONE)
        end = resize_to(s, live);
    if (end == BENCH_LIFE_DONE)
        end = churn(s, 2 * live);
    if (end == BENCH_LIFE_DONE)
        end = resize_to(s, live / 4);
    return end;
}

static enum bench_life_end measure(const struct bench_life_task *task, struct bench_life *life)
{
    struct scene s = {.task = task, .life = life, .random = task->seed, .factor = 1};
    s.ref = bench_memory(task->live * sizeof *s.ref);
    s.size = bench_memory(task->live * sizeof *s.size);
    const size_t all_ops = task->live * 43 / 4; // as live_through() adds up
    s.ops_a_sample = all_ops / BENCH_LIFE_SAMPLES + 1;
    bench_resident_bytes(); // touches what it needs
    s.resident_before = bench_resident_bytes();
    s.heap = bench_heap_open(task->driver, 2 * task->live * LARGEST);
    if (!s.heap)
        return BENCH_LIFE_FAILED;
    s.deadline_ns = bench_cpu_ns() + task->cap_ns;
    s.since_ns = bench_cpu_ns();
    enum bench_life_end end = live_through(&s, task->live);
    s.spent_ns += bench_cpu_ns() - s.since_ns;
    life->ns = s.ops ? (double)s.spent_ns / (double)s.ops : 0;
    return end;
}

int bench_life_child(int argc, char **argv)
{
    FILE *out = bench_heap_take_stdout();
    struct bench_life_task task = {
        .driver = argc == 4 ? steve_catalog_by_name(steve_known_drivers(), argv[0]) : NULL,
    };
    if (!out || !task.driver) {
        fprintf(stderr, "steve bench: --life is for its own use: a driver and three numbers follow\n");
        return 2;
    }
    task.live = strtoull(argv[1], NULL, 10);
    task.cap_ns = strtoull(argv[2], NULL, 10);
    task.seed = strtoull(argv[3], NULL, 10);
    alarm((unsigned)(task.cap_ns / 1000000000u) * 30 + 30); // an op that never ends; the machine may be busy

    struct bench_life life = {0};
    enum bench_life_end end = measure(&task, &life);
    fprintf(out, "%d %.3f %zu\n", (int)end, life.ns, life.samples);
    for (size_t i = 0; i < life.samples; i++)
        fprintf(out, "%zu %zu %zu\n", life.sample[i].ops, life.sample[i].payload, life.sample[i].footprint);
    // The blocks stay live: freeing them may take long, and no leak check should see them.
    _exit(fflush(out) == 0 && end != BENCH_LIFE_FAILED ? 0 : 3);
}

/// @return false if it did not say all
static bool read_life(FILE *in, enum bench_life_end *end, struct bench_life *life)
{
    char line[128], *rest;
    if (!fgets(line, sizeof line, in))
        return false;
    *end = (enum bench_life_end)strtoul(line, &rest, 10);
    life->ns = strtod(rest, &rest);
    size_t samples = strtoull(rest, NULL, 10);
    for (size_t i = 0; i < samples && i < BENCH_LIFE_SAMPLES; i++) {
        if (!fgets(line, sizeof line, in))
            return false;
        struct bench_life_sample *sample = &life->sample[life->samples++];
        sample->ops = strtoull(line, &rest, 10);
        sample->payload = strtoull(rest, &rest, 10);
        sample->footprint = strtoull(rest, NULL, 10);
    }
    return *end <= BENCH_LIFE_FAILED;
}

enum bench_life_end bench_life_measure(const struct bench_life_task *task, struct bench_life *life)
{
    char name[STEVE_DRIVER_NAME_SIZE], number[3][24];
    snprintf(name, sizeof name, "%s", task->driver->name);
    snprintf(number[0], sizeof number[0], "%zu", task->live);
    snprintf(number[1], sizeof number[1], "%" PRIu64, task->cap_ns);
    snprintf(number[2], sizeof number[2], "%" PRIu64, task->seed);
    char *arguments[] = {"steve", "bench", "--life", name, number[0], number[1], number[2], NULL};
    const struct steve_external *external = steve_external_of(task->driver);

    *life = (struct bench_life){0};
    struct bench_process process;
    if (!bench_process_start(&process, name, arguments, external ? external->preload : NULL, false))
        return BENCH_LIFE_FAILED;
    enum bench_life_end end = BENCH_LIFE_FAILED;
    bool all = read_life(process.out, &end, life);
    int status = bench_process_end(&process);
    if (all && status == 0)
        return end;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return BENCH_LIFE_CAPPED;
    if (WIFSIGNALED(status))
        fprintf(stderr, "steve bench: %s was ended by signal %d\n", name, WTERMSIG(status));
    else
        fprintf(stderr, "steve bench: %s could not be measured (child's exit status %d)\n", name, WEXITSTATUS(status));
    return BENCH_LIFE_FAILED;
}
