/// The bench: one driver at one number of live blocks.
///
/// Twice as many blocks are made as shall live, and a random half of them is freed: so the free blocks, which are what the
/// textbook's n counts, are half as many as the live ones. They are freed from the highest down, which lists that are
/// ordered by address like best; preparing is not what is measured. Then blocks are freed and made at random, with the same
/// sizes, so that the holes stay as they are in number: first for a while, then counted, then timed.
///
/// Time is taken a batch at a time, and is the median of the means of some parts: what comes often, however unevenly, is in
/// it, and another program that took the processor once is not.
#define _GNU_SOURCE
#include "steve/cli/bench_point.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steve/cli/bench_heap.h"
#include "steve/cli/bench_internal.h"
#include "steve/cli/bench_process.h"
#include "steve/cli/bench_steps.h"
#include "steve/cli/catalog.h"
#include "steve/core/external.h"

enum {
    BATCH = 16,        ///< blocks; fewer than the least number of live ones
    BATCHES = 2000,    ///< timed at most
    WARM_UP = 640,     ///< batches at most
    COUNTED = 24,      ///< ops counted at most
    COUNTED_LEAST = 4, ///< with fewer there is no figure
    PARTS = 9,         ///< of what is timed
};

const char *const bench_point_op_names[BENCH_POINT_OPS] = {"malloc", "free", "malloc-large"};
const char *const bench_point_op_titles[BENCH_POINT_OPS] = {
    [BENCH_POINT_MALLOC] = "malloc, 16-1024 B",
    [BENCH_POINT_FREE] = "free, a block at random",
    [BENCH_POINT_LARGE] = "malloc of 32 KiB, which no hole is large enough for",
};

/// A heap and its live blocks, in any order.
struct scene {
    const struct steve_driver *driver;
    void *heap;
    steve_ref *ref;
    uint16_t *size;
    size_t live;
    uint64_t random;
    struct bench_timer timer;
};

static bool past(uint64_t deadline_ns)
{
    return bench_cpu_ns() > deadline_ns;
}

/// Room for all blocks with what allocators add, and as much again for those that round up to powers of two.
static size_t region_bytes(size_t payload, size_t blocks)
{
    return 2 * payload + blocks * 128 + ((size_t)8 << 20);
}

/// Makes all blocks and frees half of them. The live ones are the first in `ref` and `size` then.
static enum bench_point_end make_holes(struct scene *scene, size_t live, uint64_t deadline_ns)
{
    uint32_t *order = bench_memory(2 * live * sizeof *order);
    bool *dies = bench_memory(2 * live * sizeof *dies);
    bench_shuffle(order, 2 * live, &scene->random);
    for (size_t i = 0; i < live; i++)
        dies[order[i]] = true;
    for (size_t i = 0; i < 2 * live; i++) {
        scene->ref[i] = bench_heap_make(scene->driver, scene->heap, scene->size[i]);
        if (!scene->ref[i])
            return BENCH_POINT_REFUSED;
        if (i % BATCH == 0 && past(deadline_ns))
            return BENCH_POINT_CAPPED;
    }
    for (size_t i = 2 * live; i-- > 0;) {
        if (dies[i])
            scene->driver->free(scene->heap, scene->ref[i]);
        if (i % BATCH == 0 && past(deadline_ns))
            return BENCH_POINT_CAPPED;
    }
    for (size_t i = 0; i < 2 * live; i++) {
        if (dies[i])
            continue;
        scene->ref[scene->live] = scene->ref[i];
        scene->size[scene->live++] = scene->size[i];
    }
    return BENCH_POINT_DONE;
}

/// Puts the victims of the next batch at the end of the live blocks: so many blocks, chosen at random.
static void choose_victims(struct scene *scene, size_t count)
{
    for (size_t i = 1; i <= count; i++) {
        size_t last = scene->live - i, victim = bench_random_below(&scene->random, (uint32_t)(last + 1));
        steve_ref ref = scene->ref[victim];
        uint16_t size = scene->size[victim];
        scene->ref[victim] = scene->ref[last];
        scene->size[victim] = scene->size[last];
        scene->ref[last] = ref;
        scene->size[last] = size;
    }
}

/// Frees the victims, and makes as many of the same sizes in another order. @return false if one was refused
static bool run_batch(struct scene *scene, double ns[BENCH_POINT_OPS])
{
    choose_victims(scene, BATCH);
    const struct steve_driver *driver = scene->driver;
    steve_ref *ref = scene->ref + scene->live - BATCH;
    const uint16_t *size = scene->size + scene->live - BATCH;
    bool refused = false;
    uint64_t begin = bench_ticks();
    for (size_t i = 0; i < BATCH; i++)
        driver->free(scene->heap, ref[i]);
    uint64_t freed = bench_ticks();
    for (size_t i = 0; i < BATCH; i++) {
        ref[i] = driver->malloc(scene->heap, size[i]);
        refused |= !ref[i];
    }
    uint64_t made = bench_ticks();
    steve_ref large = driver->malloc(scene->heap, BENCH_POINT_LARGE_BYTES);
    uint64_t end = bench_ticks();
    if (large)
        driver->free(scene->heap, large);
    ns[BENCH_POINT_FREE] = bench_timer_ns(&scene->timer, begin, freed) / BATCH;
    ns[BENCH_POINT_MALLOC] = bench_timer_ns(&scene->timer, freed, made) / BATCH;
    ns[BENCH_POINT_LARGE] = bench_timer_ns(&scene->timer, made, end);
    return !refused && large;
}

/// Counts of one op.
struct counting {
    uint64_t left_ns; ///< of what it may take; when it is used up, the op is carried out uncounted
    uint64_t begin_ns;
    uint64_t steps;
    unsigned ops;
};

static inline void begin_count(struct counting *counting)
{
    counting->begin_ns = bench_cpu_ns();
    if (counting->left_ns)
        bench_steps_begin(counting->begin_ns + counting->left_ns);
}

static inline void end_count(struct counting *counting)
{
    uint64_t steps = bench_steps_end(), took_ns = bench_cpu_ns() - counting->begin_ns;
    if (!counting->left_ns)
        return;
    counting->left_ns = steps && took_ns < counting->left_ns ? counting->left_ns - took_ns : 0;
    counting->steps += steps;
    counting->ops += steps > 0;
}

/// @return false if a request was refused
static bool count_steps(struct scene *scene, const struct bench_point_task *task, double instructions[BENCH_POINT_OPS])
{
    const struct steve_driver *driver = scene->driver;
    struct counting counting[BENCH_POINT_OPS] = {0};
    for (int op = 0; op < BENCH_POINT_OPS; op++)
        counting[op].left_ns = task->uncounted & 1u << op ? 0 : task->cap_ns / BENCH_POINT_OPS;
    for (int i = 0; i < COUNTED; i++) {
        choose_victims(scene, 1);
        steve_ref *ref = &scene->ref[scene->live - 1];
        begin_count(&counting[BENCH_POINT_FREE]);
        driver->free(scene->heap, *ref);
        end_count(&counting[BENCH_POINT_FREE]);
        begin_count(&counting[BENCH_POINT_MALLOC]);
        *ref = driver->malloc(scene->heap, scene->size[scene->live - 1]);
        end_count(&counting[BENCH_POINT_MALLOC]);
        begin_count(&counting[BENCH_POINT_LARGE]);
        steve_ref large = driver->malloc(scene->heap, BENCH_POINT_LARGE_BYTES);
        end_count(&counting[BENCH_POINT_LARGE]);
        if (!*ref || !large)
            return false;
        driver->free(scene->heap, large);
    }
    for (int op = 0; op < BENCH_POINT_OPS; op++)
        if (counting[op].ops >= COUNTED_LEAST)
            instructions[op] = (double)counting[op].steps / counting[op].ops;
    return true;
}

/// The median of the means of PARTS parts. @param values in the order in which they were measured
static double typical(const struct bench_values *values)
{
    struct bench_values means = {0};
    size_t parts = values->count < PARTS ? values->count : PARTS;
    for (size_t part = 0; part < parts; part++) {
        size_t begin = part * values->count / parts, end = (part + 1) * values->count / parts;
        double sum = 0;
        for (size_t i = begin; i < end; i++)
            sum += values->value[i];
        if (!bench_values_push(&means, sum / (double)(end - begin)))
            break;
    }
    double median = means.count ? bench_median(&means) : NAN;
    bench_values_free(&means);
    return median;
}

static bool time_batches(struct scene *scene, uint64_t deadline_ns, double figure[BENCH_POINT_OPS])
{
    struct bench_values values[BENCH_POINT_OPS] = {0};
    bool served = true;
    for (int op = 0; op < BENCH_POINT_OPS; op++)
        served &= bench_values_reserve(&values[op], BATCHES);
    for (int i = 0; i < BATCHES && served && (i == 0 || !past(deadline_ns)); i++) {
        double ns[BENCH_POINT_OPS];
        served = run_batch(scene, ns);
        for (int op = 0; op < BENCH_POINT_OPS; op++)
            bench_values_push(&values[op], ns[op]);
    }
    for (int op = 0; op < BENCH_POINT_OPS; op++) {
        figure[op] = typical(&values[op]);
        bench_values_free(&values[op]);
    }
    return served;
}

static bool warm_up(struct scene *scene, uint64_t cap_ns)
{
    uint64_t deadline_ns = bench_cpu_ns() + cap_ns / 4;
    size_t batches = scene->live / BATCH < WARM_UP ? scene->live / BATCH : WARM_UP;
    double ns[BENCH_POINT_OPS];
    for (size_t i = 0; i < batches && !past(deadline_ns); i++)
        if (!run_batch(scene, ns))
            return false;
    return true;
}

static enum bench_point_end measure(const struct bench_point_task *task, struct bench_point *point)
{
    struct scene scene = {.driver = task->driver, .random = task->seed, .timer = bench_timer_calibrate()};
    scene.ref = bench_memory(2 * task->live * sizeof *scene.ref);
    scene.size = bench_memory(2 * task->live * sizeof *scene.size);
    size_t payload = 0;
    for (size_t i = 0; i < 2 * task->live; i++)
        payload += scene.size[i] = bench_random_size(&scene.random);

    struct bench_heap heap;
    if (!bench_heap_open(&heap, task->driver, region_bytes(payload, 2 * task->live)))
        return BENCH_POINT_FAILED;
    scene.heap = heap.heap;
    bool counts = bench_steps_open();
    enum bench_point_end end = make_holes(&scene, task->live, bench_cpu_ns() + task->cap_ns);
    if (end != BENCH_POINT_DONE)
        return end;
    // Mostly what the library did at its first call, such as to resolve a symbol, is over after this.
    bool served = warm_up(&scene, task->cap_ns) && (!counts || count_steps(&scene, task, point->instructions)) &&
                  time_batches(&scene, bench_cpu_ns() + task->cap_ns, point->ns);
    return served ? BENCH_POINT_DONE : BENCH_POINT_REFUSED;
}

static struct bench_point no_figures(void)
{
    struct bench_point point;
    for (int op = 0; op < BENCH_POINT_OPS; op++)
        point.ns[op] = point.instructions[op] = NAN;
    return point;
}

/// An op that never ends is ended by the alarm, which the parent takes for the cap. It looks at the clock on the wall, so
/// it is far off: the machine may be busy.
static void set_alarm(uint64_t cap_ns)
{
    alarm((unsigned)(cap_ns / 1000000000u) * 30 + 30);
}

int bench_point_child(int argc, char **argv)
{
    FILE *out = bench_heap_take_stdout();
    struct bench_point_task task = {
        .driver = argc == 5 ? steve_catalog_by_name(steve_known_drivers(), argv[0]) : NULL,
    };
    if (!out || !task.driver) {
        fprintf(stderr, "steve bench: --point is for its own use: a driver and four numbers follow\n");
        return 2;
    }
    task.live = strtoull(argv[1], NULL, 10);
    task.cap_ns = strtoull(argv[2], NULL, 10);
    task.seed = strtoull(argv[3], NULL, 10);
    task.uncounted = (unsigned)strtoul(argv[4], NULL, 10);
    set_alarm(task.cap_ns);

    struct bench_point point = no_figures();
    enum bench_point_end end = measure(&task, &point);
    fprintf(out, "%d\n", (int)end);
    for (int op = 0; op < BENCH_POINT_OPS; op++)
        fprintf(out, "%.3f %.3f\n", point.ns[op], point.instructions[op]);
    // The blocks stay live: freeing them may take long, and no leak check should see them.
    _exit(fflush(out) == 0 && end != BENCH_POINT_FAILED ? 0 : 3);
}

/// @return false if it did not say all
static bool read_point(FILE *in, enum bench_point_end *end, struct bench_point *point)
{
    char line[128];
    if (!fgets(line, sizeof line, in))
        return false;
    *end = (enum bench_point_end)strtoul(line, NULL, 10);
    for (int op = 0; op < BENCH_POINT_OPS; op++) {
        char *rest;
        if (!fgets(line, sizeof line, in))
            return false;
        point->ns[op] = strtod(line, &rest);
        point->instructions[op] = strtod(rest, NULL);
    }
    return *end <= BENCH_POINT_FAILED;
}

enum bench_point_end bench_point_measure(const struct bench_point_task *task, struct bench_point *point)
{
    char name[STEVE_DRIVER_NAME_SIZE], number[4][24];
    snprintf(name, sizeof name, "%s", task->driver->name);
    snprintf(number[0], sizeof number[0], "%zu", task->live);
    snprintf(number[1], sizeof number[1], "%" PRIu64, task->cap_ns);
    snprintf(number[2], sizeof number[2], "%" PRIu64, task->seed);
    snprintf(number[3], sizeof number[3], "%u", task->uncounted);
    char *arguments[] = {"steve", "bench", "--point", name, number[0], number[1], number[2], number[3], NULL};
    const struct steve_external *external = steve_external_of(task->driver);

    *point = no_figures();
    struct bench_process process;
    if (!bench_process_start(&process, name, arguments, external ? external->preload : NULL, false))
        return BENCH_POINT_FAILED;
    enum bench_point_end end = BENCH_POINT_FAILED;
    bool all = read_point(process.out, &end, point);
    int status = bench_process_end(&process);
    if (all && status == 0)
        return end;
    *point = no_figures();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return BENCH_POINT_CAPPED;
    if (WIFSIGNALED(status))
        fprintf(stderr, "steve bench: %s was ended by signal %d at %zu live blocks\n", name, WTERMSIG(status),
                task->live);
    else
        fprintf(stderr, "steve bench: %s could not be measured at %zu live blocks (child's exit status %d)\n", name,
                task->live, WEXITSTATUS(status));
    return BENCH_POINT_FAILED;
}
