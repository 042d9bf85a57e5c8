/// The bench over any drivers: one driver through a script.
///
/// Memory is looked at a few dozen times, while the clock stands still; it also does where heaps are opened and closed. What
/// a driver has no function for is done as its client would: an aligned block is a block, a resize is a copy.
#define _GNU_SOURCE
#include "steve/cli/bench_life.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steve/cli/bench_heap.h"
#include "steve/cli/bench_internal.h"
#include "steve/cli/bench_process.h"
#include "steve/cli/bench_room.h"
#include "steve/cli/bench_script.h"
#include "steve/cli/catalog.h"
#include "steve/core/external.h"

/// Calls between two looks at the time that is left.
enum { CALLS_A_LOOK = 64 };

/// How many times the cap may be spent on asking for the largest request, by the clock on the wall.
enum { ASKING = 3 };

struct block {
    steve_ref ref; ///< 0: none, or it was refused
    size_t bytes;
};

struct scene {
    const struct bench_life_task *task;
    const struct steve_driver *driver;
    struct bench_life *life;
    struct bench_script script;
    struct bench_heap heap;
    struct bench_room room;
    struct block *block; ///< by slot
    size_t payload, done, calls_a_sample, resident_before;
    uint64_t deadline_ns, spent_ns, since_ns;
};

static void stop_clock(struct scene *s)
{
    s->spent_ns += bench_cpu_ns() - s->since_ns;
}

static void start_clock(struct scene *s)
{
    s->since_ns = bench_cpu_ns();
}

static size_t largest_request(struct scene *s, size_t free)
{
    return s->task->asks ? bench_room_largest(&s->room, &s->heap, free) : BENCH_ROOM_UNKNOWN;
}

static void take_sample(struct scene *s)
{
    stop_clock(s);
    const size_t resident = bench_resident_bytes();
    const size_t free = s->heap.bytes > s->payload ? s->heap.bytes - s->payload : 0;
    if (s->life->samples < BENCH_LIFE_SAMPLES)
        s->life->sample[s->life->samples++] = (struct bench_life_sample){
            .calls = s->done,
            .payload = s->payload,
            .footprint = resident > s->resident_before ? resident - s->resident_before : 0,
            .free = free,
            .largest = largest_request(s, free),
        };
    start_clock(s);
}

static void set_block(struct scene *s, struct block *block, steve_ref ref, size_t bytes)
{
    s->payload += bytes - block->bytes;
    *block = (struct block){ref, bytes};
}

static steve_ref call_request(const struct scene *s, const struct bench_call *call)
{
    const size_t bytes = (size_t)call->bytes, alignment = (size_t)1 << call->alignment;
    if (call->kind == BENCH_CALL_CALLOC && s->driver->calloc)
        return s->driver->calloc(s->heap.heap, 1, bytes);
    if (call->kind == BENCH_CALL_ALIGNED && s->driver->aligned && alignment <= s->driver->largest_aligned)
        return s->driver->aligned(s->heap.heap, alignment, bytes);
    return s->driver->malloc(s->heap.heap, bytes);
}

static void request(struct scene *s, struct block *block, const struct bench_call *call)
{
    const steve_ref ref = call_request(s, call);
    if (ref) {
        set_block(s, block, ref, (size_t)call->bytes);
        bench_heap_touch(s->driver, s->heap.heap, ref, block->bytes);
    } else {
        s->life->refused++;
    }
}

static void *hold(const struct scene *s, steve_ref ref)
{
    void *address = (void *)(uintptr_t)ref; // NOLINT(performance-no-int-to-ptr)
    if (s->driver->lock && s->driver->lock(s->heap.heap, ref, &address) != STEVE_LOCK_OK)
        return NULL;
    return address;
}

static void let_go(const struct scene *s, steve_ref ref)
{
    if (s->driver->lock)
        s->driver->unlock(s->heap.heap, ref);
}

/// A resize by hand. @return the new block, and the old one is freed; 0 if it was refused
static steve_ref copy_to_new(const struct scene *s, const struct block *block, size_t bytes)
{
    const steve_ref ref = s->driver->malloc(s->heap.heap, bytes);
    if (!ref)
        return 0;
    void *from = hold(s, block->ref), *to = hold(s, ref);
    const size_t kept = block->bytes < bytes ? block->bytes : bytes;
    if (from && to && kept)
        memcpy(to, from, kept);
    let_go(s, ref);
    let_go(s, block->ref);
    s->driver->free(s->heap.heap, block->ref);
    return ref;
}

static void resize(struct scene *s, struct block *block, size_t bytes)
{
    const steve_ref ref =
        s->driver->resize ? s->driver->resize(s->heap.heap, block->ref, bytes) : copy_to_new(s, block, bytes);
    if (ref) {
        set_block(s, block, ref, bytes);
        bench_heap_touch(s->driver, s->heap.heap, ref, bytes);
        return;
    }
    s->life->refused++;
    if (s->driver->resize && s->driver->failed_resize == STEVE_FAILED_RESIZE_FREES)
        set_block(s, block, 0, 0);
}

/// A call on a block that is live in the script; here it may have been refused.
static void call_block(struct scene *s, struct block *block, const struct bench_call *call)
{
    if (!block->ref)
        return;
    switch (call->kind) {
    case BENCH_CALL_RESIZE:
        resize(s, block, (size_t)call->bytes);
        break;
    case BENCH_CALL_FREE:
        s->driver->free(s->heap.heap, block->ref);
        set_block(s, block, 0, 0);
        break;
    case BENCH_CALL_LOCK:
        (void)hold(s, block->ref);
        break;
    case BENCH_CALL_UNLOCK:
        let_go(s, block->ref);
        break;
    default:
        bench_heap_touch(s->driver, s->heap.heap, block->ref, block->bytes);
        break;
    }
}

/// A fresh heap; the one before is closed.
static bool open_heap(struct scene *s, size_t bytes)
{
    stop_clock(s);
    bench_heap_close(&s->heap);
    memset(s->block, 0, s->script.slots * sizeof *s->block);
    s->payload = 0;
    const bool open = bench_heap_open(&s->heap, s->driver, bytes);
    start_clock(s);
    return open;
}

/// @return false after a message
static bool make_call(struct scene *s, const struct bench_call *call)
{
    struct block *block = &s->block[call->slot];
    switch (call->kind) {
    case BENCH_CALL_OPEN:
        return open_heap(s, (size_t)call->bytes);
    case BENCH_CALL_MALLOC:
    case BENCH_CALL_CALLOC:
    case BENCH_CALL_ALIGNED:
        request(s, block, call);
        return true;
    case BENCH_CALL_COMPACT:
        if (s->driver->compact)
            s->driver->compact(s->heap.heap, call->bytes);
        return true;
    case BENCH_CALL_COMPACT_GOAL:
        if (s->driver->compact_goal)
            s->driver->compact_goal(s->heap.heap, (size_t)call->bytes);
        return true;
    default:
        call_block(s, block, call);
        return true;
    }
}

static enum bench_life_end go_through(struct scene *s)
{
    const bool first = s->done == 0;
    for (size_t i = 0; i < s->script.calls; i++) {
        if (!make_call(s, &s->script.call[i]))
            return BENCH_LIFE_FAILED;
        s->done++;
        if (first && s->done % s->calls_a_sample == 0)
            take_sample(s);
        if (s->done % CALLS_A_LOOK == 0 && bench_cpu_ns() > s->deadline_ns)
            return BENCH_LIFE_CAPPED;
    }
    return BENCH_LIFE_DONE;
}

static enum bench_life_end measure(struct scene *s)
{
    s->block = bench_memory((s->script.slots + 1) * sizeof *s->block);
    s->calls_a_sample = s->script.calls / BENCH_LIFE_SAMPLES + 1;
    if (s->task->asks && !bench_room_open(&s->room, ASKING * s->task->cap_ns)) {
        fprintf(stderr, "steve bench: %s: the system does not tell how much memory is used\n", s->driver->name);
        return BENCH_LIFE_FAILED;
    }
    bench_resident_bytes(); // touches what it needs
    s->resident_before = bench_resident_bytes();
    s->deadline_ns = bench_cpu_ns() + s->task->cap_ns;
    start_clock(s);
    enum bench_life_end end = BENCH_LIFE_DONE;
    for (unsigned pass = 0; pass < s->task->passes && end == BENCH_LIFE_DONE; pass++)
        end = go_through(s);
    stop_clock(s);
    s->life->ns = s->done ? (double)s->spent_ns / (double)s->done : 0;
    s->life->refused /= s->task->passes;
    return end;
}

int bench_life_child(int argc, char **argv)
{
    FILE *out = bench_heap_take_stdout();
    struct bench_life_task task = {
        .driver = argc == 5 ? steve_catalog_by_name(steve_known_drivers(), argv[0]) : NULL,
    };
    struct bench_life life = {0};
    struct scene scene = {.task = &task, .driver = task.driver, .life = &life};
    if (!out || !task.driver || !bench_script_inherit((int)strtol(argv[1], NULL, 10), &scene.script)) {
        fprintf(stderr, "steve bench: --life is for its own use: a driver and four numbers follow\n");
        return 2;
    }
    task.cap_ns = strtoull(argv[2], NULL, 10);
    task.passes = (unsigned)strtoul(argv[3], NULL, 10);
    task.asks = argv[4][0] == '1';
    alarm((unsigned)(task.cap_ns / 1000000000u) * 30 + 30); // a call that never ends; the machine may be busy

    enum bench_life_end end = measure(&scene);
    fprintf(out, "%d %.3f %zu %zu\n", (int)end, life.ns, life.refused, life.samples);
    for (size_t i = 0; i < life.samples; i++) {
        const struct bench_life_sample *sample = &life.sample[i];
        fprintf(out, "%zu %zu %zu %zu %zu\n", sample->calls, sample->payload, sample->footprint, sample->free,
                sample->largest);
    }
    // The blocks stay live: freeing them may take long, and no leak check should see them.
    _exit(fflush(out) == 0 && end != BENCH_LIFE_FAILED ? 0 : 3);
}

/// @return false if it did not say all
static bool read_life(FILE *in, enum bench_life_end *end, struct bench_life *life)
{
    char line[160], *rest;
    if (!fgets(line, sizeof line, in))
        return false;
    *end = (enum bench_life_end)strtoul(line, &rest, 10);
    life->ns = strtod(rest, &rest);
    life->refused = strtoull(rest, &rest, 10);
    size_t samples = strtoull(rest, NULL, 10);
    for (size_t i = 0; i < samples && i < BENCH_LIFE_SAMPLES; i++) {
        if (!fgets(line, sizeof line, in))
            return false;
        struct bench_life_sample *sample = &life->sample[life->samples++];
        sample->calls = strtoull(line, &rest, 10);
        sample->payload = strtoull(rest, &rest, 10);
        sample->footprint = strtoull(rest, &rest, 10);
        sample->free = strtoull(rest, &rest, 10);
        sample->largest = strtoull(rest, NULL, 10);
    }
    return *end <= BENCH_LIFE_FAILED;
}

enum bench_life_end bench_life_measure(const struct bench_life_task *task, struct bench_life *life)
{
    char name[STEVE_DRIVER_NAME_SIZE], number[3][24];
    snprintf(name, sizeof name, "%s", task->driver->name);
    snprintf(number[0], sizeof number[0], "%d", task->script);
    snprintf(number[1], sizeof number[1], "%" PRIu64, task->cap_ns);
    snprintf(number[2], sizeof number[2], "%u", task->passes);
    char asks[2] = {task->asks ? '1' : '0'};
    char *arguments[] = {"steve", "bench", "--life", name, number[0], number[1], number[2], asks, NULL};
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
