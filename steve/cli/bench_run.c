/// The bench: the largest free run after freeing a random half of the blocks of a full heap, and after compacting it with a
/// share of the rest locked, beside what locked blocks leave possible.
///
/// The bound is min(all free bytes, widest gap between two neighbouring locked blocks), the ends of the heap counting as such.
#include "steve/cli/bench_internal.h"

#include <stdlib.h>

#include "jeff.h"

/// Where a locked block lies.
struct span {
    uintptr_t begin, end;
};

static int compare_spans(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    return (a->begin > b->begin) - (a->begin < b->begin);
}

/// @param locked sorted in place
static size_t widest_gap(struct span *locked, size_t count, uintptr_t begin, uintptr_t end)
{
    qsort(locked, count, sizeof *locked, compare_spans);
    size_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        if (locked[i].begin - begin > widest)
            widest = locked[i].begin - begin;
        begin = locked[i].end;
    }
    return end - begin > widest ? end - begin : widest;
}

/// Blocks until the heap is full. @return how many
static size_t fill(jeff_heap *heap, jeff_handle *handle, size_t most, uint64_t *state)
{
    size_t count = 0;
    while (count < most) {
        handle[count] = jeff_malloc(heap, bench_random_size(state));
        if (handle[count] == JEFF_NULL)
            break;
        count++;
    }
    return count;
}

/// Locks the first `count` of some blocks. @return where they lie, in memory of the bench; NULL if a lock was refused
static struct span *lock_blocks(jeff_heap *heap, const jeff_handle *handle, const uint32_t *order, size_t count)
{
    struct span *span = bench_memory(count * sizeof *span);
    for (size_t i = 0; i < count; i++) {
        void *begin = NULL;
        size_t bytes = jeff_extent(heap, handle[order[i]], &begin);
        if (!bytes || !jeff_lock(heap, handle[order[i]]))
            return NULL;
        span[i] = (struct span){.begin = (uintptr_t)begin, .end = (uintptr_t)begin + bytes};
    }
    return span;
}

/// A run that holds a block of so many bytes at most.
static double run_bytes(const jeff_heap *heap, size_t block_bytes)
{
    return block_bytes ? (double)jeff_run_needed(heap, 0, block_bytes) : 0;
}

static bool failed(const char *what)
{
    fprintf(stderr, "steve bench: largest run: %s\n", what);
    return false;
}

bool bench_run(const struct bench_task *task)
{
    const size_t bytes = task->live * 266; // a block of 242 bytes on average, its header, rounding and handle
    const size_t most = task->live * 5 / 4;
    unsigned char *region = bench_memory(bytes);
    struct jeff_config config = {.no_last_resort = true};
    jeff_heap *heap = jeff_init(region, bytes, &config, NULL);
    if (!heap)
        return failed("no heap could be made");

    uint64_t state = task->seed;
    jeff_handle *handle = bench_memory(most * sizeof *handle);
    size_t count = fill(heap, handle, most, &state), freed = count / 2;
    uint32_t *order = bench_memory(most * sizeof *order);
    bench_shuffle(order, count, &state);
    for (size_t i = 0; i < freed; i++)
        if (!jeff_free(heap, handle[order[i]]))
            return failed("a block could not be freed");
    size_t lock_count = (count - freed) * task->locked_percent / 100;
    struct span *locked = lock_blocks(heap, handle, order + freed, lock_count);
    if (!locked)
        return failed("a block could not be locked");

    struct jeff_stats before, after;
    jeff_stats(heap, &before);
    struct jeff_report report, again;
    uint64_t begin = bench_now_ns();
    jeff_compact_goal(heap, NULL, &report);
    uint64_t ns = bench_now_ns() - begin;
    jeff_stats(heap, &after);
    size_t gap = widest_gap(locked, lock_count, (uintptr_t)region + after.control_bytes,
                            (uintptr_t)region + after.heap_bytes - after.table_bytes);
    jeff_compact_goal(heap, NULL, &again);

    double figure[BENCH_RUN_FIGURES] = {
        [BENCH_RUN_FREE_BEFORE] = (double)before.free_bytes,
        [BENCH_RUN_LARGEST_BEFORE] = run_bytes(heap, report.largest_before),
        [BENCH_RUN_FREE] = (double)after.free_bytes,
        [BENCH_RUN_LARGEST] = run_bytes(heap, report.largest_after),
        [BENCH_RUN_BOUND] = (double)(gap < after.free_bytes ? gap : after.free_bytes),
        [BENCH_RUN_NS] = (double)ns,
        [BENCH_RUN_MOVED_AGAIN] = (double)again.moved_bytes,
    };
    for (int i = 0; i < BENCH_RUN_FIGURES; i++)
        printf("%.0f\n", figure[i]);
    return true;
}
