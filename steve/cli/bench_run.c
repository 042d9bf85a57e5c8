/// The bench: the largest free run after freeing a random half of the blocks of a full heap, and after compacting it with a
/// share of the rest locked, beside what locked blocks leave possible.
///
/// The bound is min(all free bytes, widest gap between two neighbouring locked blocks), the ends of the heap counting as such.
///
/// Then the same heap once more, and a run half as large: what is moved for it, beside the least live memory in any window that
/// wide between two locked blocks, all of which must move.
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

/// A heap half of whose blocks are free, and a share of the rest locked. The same seed gives the same heap.
struct half_free {
    jeff_heap *heap;
    size_t lock_count;
    struct span *locked;
};

/// @return what is wrong; NULL if all is well
static const char *make_half_free(const struct bench_task *task, unsigned char *region, size_t bytes,
                                  struct half_free *made)
{
    const size_t most = task->live * 5 / 4;
    struct jeff_config config = {.no_last_resort = true};
    made->heap = jeff_init(region, bytes, &config, NULL);
    if (!made->heap)
        return "no heap could be made";
    uint64_t state = task->seed;
    jeff_handle *handle = bench_memory(most * sizeof *handle);
    size_t count = fill(made->heap, handle, most, &state), freed = count / 2;
    uint32_t *order = bench_memory(most * sizeof *order);
    bench_shuffle(order, count, &state);
    for (size_t i = 0; i < freed; i++)
        if (!jeff_free(made->heap, handle[order[i]]))
            return "a block could not be freed";
    made->lock_count = (count - freed) * task->locked_percent / 100;
    made->locked = lock_blocks(made->heap, handle, order + freed, made->lock_count);
    return made->locked ? NULL : "a block could not be locked";
}

/// What lies in a heap, in address order.
struct pieces {
    jeff_heap *heap;
    size_t count, capacity;
    struct piece {
        size_t bytes;
        bool live, locked;
    } * piece;
};

static bool add_piece(void *context, const struct jeff_block *block)
{
    struct pieces *pieces = context;
    void *begin;
    if (pieces->count == pieces->capacity)
        return false;
    bool live = block->kind == JEFF_BLOCK_LIVE;
    pieces->piece[pieces->count++] = (struct piece){
        .bytes =
            live ? jeff_extent(pieces->heap, block->handle, &begin) : jeff_run_needed(pieces->heap, 0, block->bytes),
        .live = live,
        .locked = block->locks > 0,
    };
    return true;
}

/// The least live memory in any window of so many bytes between two locked blocks; 0 if there is no such window.
static size_t least_live(jeff_heap *heap, size_t most_pieces, size_t bytes)
{
    struct pieces pieces = {
        .heap = heap, .capacity = most_pieces, .piece = bench_memory(most_pieces * sizeof(struct piece))};
    jeff_walk(heap, add_piece, &pieces);
    size_t least = SIZE_MAX, width = 0, live = 0, low = 0;
    for (size_t i = 0; i < pieces.count; i++) {
        const struct piece *piece = &pieces.piece[i];
        if (piece->locked) {
            width = live = 0;
            low = i + 1;
            continue;
        }
        width += piece->bytes;
        live += piece->live ? piece->bytes : 0;
        for (; width - pieces.piece[low].bytes >= bytes; low++) {
            width -= pieces.piece[low].bytes;
            live -= pieces.piece[low].live ? pieces.piece[low].bytes : 0;
        }
        if (width >= bytes && live < least)
            least = live;
    }
    return least == SIZE_MAX ? 0 : least;
}

bool bench_run(const struct bench_task *task)
{
    const size_t bytes = task->live * 266; // a block of 242 bytes on average, its header, rounding and handle
    unsigned char *region = bench_memory(bytes);
    struct half_free made;
    const char *wrong = make_half_free(task, region, bytes, &made);
    if (wrong)
        return failed(wrong);

    struct jeff_stats before, after;
    jeff_stats(made.heap, &before);
    struct jeff_report report, again, half;
    uint64_t begin = bench_now_ns();
    jeff_compact_goal(made.heap, NULL, &report);
    uint64_t ns = bench_now_ns() - begin;
    jeff_stats(made.heap, &after);
    size_t gap = widest_gap(made.locked, made.lock_count, (uintptr_t)region + after.control_bytes,
                            (uintptr_t)region + after.heap_bytes - after.table_bytes);
    jeff_compact_goal(made.heap, NULL, &again);
    const double largest = run_bytes(made.heap, report.largest_after);

    wrong = make_half_free(task, region, bytes, &made);
    if (wrong)
        return failed(wrong);
    const struct jeff_goal goal = {.wanted_bytes = report.largest_after / 2};
    size_t least = least_live(made.heap, task->live * 4, jeff_run_needed(made.heap, 0, goal.wanted_bytes));
    if (jeff_compact_goal(made.heap, &goal, &half) != JEFF_STOP_GOAL)
        return failed("half of the largest run could not be had");

    double figure[BENCH_RUN_FIGURES] = {
        [BENCH_RUN_FREE_BEFORE] = (double)before.free_bytes,
        [BENCH_RUN_LARGEST_BEFORE] = run_bytes(made.heap, report.largest_before),
        [BENCH_RUN_FREE] = (double)after.free_bytes,
        [BENCH_RUN_LARGEST] = largest,
        [BENCH_RUN_BOUND] = (double)(gap < after.free_bytes ? gap : after.free_bytes),
        [BENCH_RUN_NS] = (double)ns,
        [BENCH_RUN_MOVED] = (double)report.moved_bytes,
        [BENCH_RUN_MOVED_AGAIN] = (double)again.moved_bytes,
        [BENCH_RUN_HALF_MOVED] = (double)half.moved_bytes,
        [BENCH_RUN_HALF_LEAST] = (double)least,
    };
    for (int i = 0; i < BENCH_RUN_FIGURES; i++)
        printf("%.0f\n", figure[i]);
    return true;
}
