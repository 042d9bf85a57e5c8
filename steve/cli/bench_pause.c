/// The bench: by how much a compaction overruns its budget, on the wall clock.
///
/// A heap is fragmented (a random half of its blocks freed), compacted in calls of one budget each until it is done, and filled
/// up again. After each call that ran out of time, or left a block as too large for its time, a plain memmove loop that looks at
/// the clock every 16 KiB does the same in as much memory, and goes on where it was, as Jeff does: both find it cold, and the machine
/// interrupts both alike, so that the two can be compared even where it is not quiet. One of both begins by turns.
#include "steve/cli/bench_internal.h"

#include <string.h>

#include "jeff.h"

enum { PIECE = 16 << 10, CALLS_WANTED = 100 };
static const uint64_t most_ns = 700000000; ///< for one task, or what so many calls take

/// The plain memmove loop, and where it is.
struct loop {
    unsigned char *memory;
    size_t bytes, at;
};

struct blocks {
    jeff_heap *heap;
    jeff_handle *handle;
    size_t count;
    size_t block_bytes; ///< 0: small ones
    uint64_t state;     ///< of the random numbers
};

struct pauses {
    struct bench_values jeff, loop; ///< µs beyond the budget
    size_t left;                    ///< calls that left a block
    size_t moved_bytes, loop_bytes;
};

static double overrun_us(uint64_t ns, uint64_t budget_ns)
{
    return ns > budget_ns ? (double)(ns - budget_ns) / 1000 : 0.0;
}

static bool fill(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (blocks->handle[i] != JEFF_NULL)
            continue;
        size_t bytes = blocks->block_bytes ? blocks->block_bytes : bench_random_size(&blocks->state);
        blocks->handle[i] = jeff_malloc(blocks->heap, bytes);
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

/// Moves memory in pieces until the budget is over. @param moved grows by what was moved @return the time that it took
static uint64_t memmove_for_budget(struct loop *loop, uint64_t budget_ns, size_t *moved)
{
    uint64_t begin = bench_now_ns(), now = begin;
    for (; now - begin < budget_ns; now = bench_now_ns(), *moved += PIECE) {
        memmove(loop->memory + loop->at, loop->memory + loop->at + PIECE, PIECE);
        loop->at = loop->at + 3 * PIECE <= loop->bytes ? loop->at + PIECE : 0;
    }
    return now - begin;
}

/// Compacts in calls of one budget until the heap is compact. @return false when there are `most` figures
static bool compact_in_steps(jeff_heap *heap, const struct bench_task *task, struct pauses *pauses, struct loop *loop)
{
    const struct jeff_goal goal = {.budget_ns = task->budget_ns};
    while (pauses->jeff.count < task->count) {
        struct jeff_report report;
        bool loop_first = pauses->jeff.count % 2 != 0;
        uint64_t loop_ns = 0;
        size_t loop_bytes = 0;
        if (loop_first)
            loop_ns = memmove_for_budget(loop, task->budget_ns, &loop_bytes);
        uint64_t begin = bench_now_ns();
        enum jeff_stop stop = jeff_compact_goal(heap, &goal, &report);
        uint64_t ns = bench_now_ns() - begin;
        if (stop != JEFF_STOP_BUDGET && !report.left_blocks)
            return true;
        if (!loop_first)
            loop_ns = memmove_for_budget(loop, task->budget_ns, &loop_bytes);
        pauses->left += report.left_blocks != 0;
        pauses->moved_bytes += report.moved_bytes;
        pauses->loop_bytes += loop_bytes;
        if (!bench_values_push(&pauses->jeff, overrun_us(ns, task->budget_ns)) ||
            !bench_values_push(&pauses->loop, overrun_us(loop_ns, task->budget_ns)))
            return false;
        if (stop != JEFF_STOP_BUDGET)
            return true;
    }
    return false;
}

static void print_pauses(const struct pauses *pauses)
{
    size_t count = pauses->loop.count;
    double calls = count ? (double)count : 1;
    printf("%.4f\n%.0f\n%.0f\n", (double)pauses->left / calls, (double)pauses->moved_bytes / calls,
           (double)pauses->loop_bytes / calls);
    for (size_t i = 0; i < count; i++)
        printf("%.3f\n%.3f\n", pauses->jeff.value[i], pauses->loop.value[i]);
}

bool bench_pause(const struct bench_task *task)
{
    const size_t a_block = task->block_bytes ? task->block_bytes + 64 : 400;
    const size_t region_bytes = task->live * a_block + ((size_t)1 << 20);
    struct loop loop = {.memory = bench_memory(region_bytes), .bytes = region_bytes};
    enum jeff_status status = JEFF_OK;
    struct blocks blocks = {
        .heap = jeff_init(bench_memory(region_bytes), region_bytes, NULL, &status),
        .handle = bench_memory(task->live * sizeof *blocks.handle),
        .count = task->live,
        .block_bytes = task->block_bytes,
        .state = task->seed,
    };
    if (!blocks.heap) {
        fprintf(stderr, "steve bench: jeff_init: %s\n", jeff_strerror(status));
        return false;
    }

    struct pauses pauses = {0};
    size_t fruitless = 0;
    const uint64_t wanted_ns = 4 * CALLS_WANTED * task->budget_ns; // twice for both, and once more for filling up
    const uint64_t limit_ns = task->count > CALLS_WANTED && wanted_ns > most_ns ? wanted_ns : most_ns;
    uint64_t begin = bench_now_ns();
    while (fruitless < 3 && bench_now_ns() - begin < limit_ns) {
        if (!fill(&blocks) || !free_half(&blocks)) {
            fprintf(stderr, "steve bench: pause: %s\n", jeff_strerror(jeff_last_status(blocks.heap)));
            return false;
        }
        size_t stopped = pauses.jeff.count;
        if (!compact_in_steps(blocks.heap, task, &pauses, &loop))
            break;
        // The heap is compacted within the budget: no pause to be had.
        fruitless = pauses.jeff.count > stopped ? 0 : fruitless + 1;
    }
    print_pauses(&pauses);
    bench_values_free(&pauses.jeff);
    bench_values_free(&pauses.loop);
    return true;
}
