/// The bench: by how much jeff_compact(1) overruns its millisecond, on the wall clock.
///
/// A heap is fragmented (a random half of its blocks freed), compacted in calls of 1 ms each until it is done, and filled
/// up again. After each call that ran out of time, a plain memmove loop that looks at the clock every 16 KiB does the same:
/// the machine interrupts both alike, so that the two can be compared even where it is not quiet.
#include "steve/cli/bench_internal.h"

#include <string.h>

#include "jeff.h"

enum { BUDGET_NS = 1000000, PIECE = 16 << 10 };

struct blocks {
    jeff_heap *heap;
    jeff_handle *handle;
    size_t count;
    uint64_t state; ///< of the random numbers
};

static void print_overrun(uint64_t ns)
{
    printf("%.3f\n", ns > BUDGET_NS ? (double)(ns - BUDGET_NS) / 1000 : 0.0);
}

static bool fill(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (blocks->handle[i] != JEFF_NULL)
            continue;
        blocks->handle[i] = jeff_malloc(blocks->heap, bench_random_size(&blocks->state));
        if (blocks->handle[i] == JEFF_NULL)
            return false;
    }
    return true;
}

static bool free_half(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (bench_random(&blocks->state) & 1)
            continue;
        if (!jeff_free(blocks->heap, blocks->handle[i]))
            return false;
        blocks->handle[i] = JEFF_NULL;
    }
    return true;
}

/// Moves memory in pieces until the budget is over. @return the time that it took
static uint64_t memmove_for_budget(unsigned char *memory, size_t bytes)
{
    uint64_t begin = bench_now_ns(), now = begin;
    for (size_t at = PIECE; now - begin < BUDGET_NS; now = bench_now_ns()) {
        memmove(memory + at - PIECE, memory + at, PIECE);
        at = at + 2 * PIECE <= bytes ? at + PIECE : PIECE;
    }
    return now - begin;
}

/// Compacts in calls of 1 ms. @return how many ran out of time, at most `most`; each has had its two figures printed
static size_t compact_in_steps(jeff_heap *heap, size_t most, unsigned char *memory, size_t bytes)
{
    for (size_t done = 0; done < most; done++) {
        uint64_t begin = bench_now_ns();
        enum jeff_stop stop = jeff_compact(heap, 1);
        uint64_t ns = bench_now_ns() - begin;
        if (stop != JEFF_STOP_BUDGET)
            return done;
        print_overrun(ns);
        print_overrun(memmove_for_budget(memory, bytes));
    }
    return most;
}

bool bench_pause_jeff(const struct bench_task *task)
{
    const size_t region_bytes = task->live * 400 + ((size_t)1 << 20);
    const size_t memory_bytes = (size_t)64 << 20;
    unsigned char *memory = bench_memory(memory_bytes);
    enum jeff_status status = JEFF_OK;
    struct blocks blocks = {
        .heap = jeff_init(bench_memory(region_bytes), region_bytes, NULL, &status),
        .handle = bench_memory(task->live * sizeof *blocks.handle),
        .count = task->live,
        .state = task->seed,
    };
    if (!blocks.heap) {
        fprintf(stderr, "steve bench: jeff_init: %s\n", jeff_strerror(status));
        return false;
    }

    size_t fruitless = 0;
    for (size_t left = task->count; left > 0 && fruitless < 3;) {
        if (!fill(&blocks) || !free_half(&blocks)) {
            fprintf(stderr, "steve bench: pause: %s\n", jeff_strerror(jeff_last_status(blocks.heap)));
            return false;
        }
        size_t stopped = compact_in_steps(blocks.heap, left, memory, memory_bytes);
        left -= stopped;
        fruitless = stopped ? 0 : fruitless + 1; // the heap is compacted within 1 ms: no pause to be had
    }
    return true;
}
