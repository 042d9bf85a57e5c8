/// Corners of compaction: heaps laid out block by block, so that what a budget, a plan or a settled block comes to is known to the
/// granule, and what chance makes of heaps hardly ever comes to it. Each is a heap of its own; no episode has a part in it.
#include "steve/drivers/jeff/probe_internal.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GRANULE     16u
#define HEADER      4u
#define SMALL_MOST  126u ///< granules of a block without a record of its own
#define VISIT       16u
#define STEP        16384u ///< a block of fewer bytes is moved within any budget
#define PIECES_MOST 160u

enum { HEAP = 192 * 1024 };

static _Alignas(4096) char memory[HEAP];

/// The heap, and a clock that counts what is done.
struct bench {
    jeff_heap *heap;
    uint64_t
        unit_ns; ///< what a byte moved takes; a block looked at takes VISIT times that. 0: each look at the clock takes 1 ns
    uint64_t looks;
    uint32_t told; ///< moves that the callback was told of
    uint32_t count;
    jeff_handle handle[PIECES_MOST];
};

static uint64_t now(void *context)
{
    struct bench *b = context;
    if (b->heap == NULL)
        return 0; // asked while it is being made
    if (b->unit_ns == 0)
        return ++b->looks;
    struct jeff_stats stats;
    jeff_stats(b->heap, &stats);
    return (stats.moved_bytes + VISIT * stats.visited_blocks) * b->unit_ns;
}

/* Layouts */

enum kind { END, FREE, MOVABLE, PINNED };

/// What lies in a heap, from its start.
struct piece {
    enum kind kind;
    uint32_t granules;
};

static size_t bytes_of(uint32_t granules)
{
    return (size_t)(granules - (granules > SMALL_MOST)) * GRANULE - HEADER;
}

/// Takes what is left of the heap, but for a granule or two, in a locked block.
static bool fill(struct bench *b)
{
    struct jeff_stats stats;
    jeff_stats(b->heap, &stats);
    jeff_handle rest = JEFF_NULL;
    for (size_t bytes = stats.free_bytes; rest == JEFF_NULL && bytes > 2 * GRANULE; bytes -= GRANULE)
        rest = jeff_malloc(b->heap, bytes);
    return jeff_lock(b->heap, rest) != NULL;
}

/// Makes blocks one above the other, and takes some away.
/// @param full nothing is left free above them
static bool lay(struct bench *b, const struct piece *pieces, bool full)
{
    for (b->count = 0; pieces[b->count].kind != END; b->count++) {
        b->handle[b->count] = jeff_malloc(b->heap, bytes_of(pieces[b->count].granules));
        if (b->handle[b->count] == JEFF_NULL)
            return false;
    }
    if (full && !fill(b))
        return false;
    for (uint32_t i = 0; i < b->count; i++) {
        if (pieces[i].kind == PINNED)
            jeff_lock(b->heap, b->handle[i]);
        if (pieces[i].kind == FREE)
            jeff_free(b->heap, b->handle[i]);
    }
    // More than there is: what was freed is merged, and nothing moves.
    const struct jeff_goal beyond = {.wanted_bytes = 2 * (size_t)HEAP};
    jeff_compact_goal(b->heap, &beyond, NULL);
    struct jeff_stats stats;
    jeff_stats(b->heap, &stats);
    return stats.moved_blocks == 0;
}

/* Budgets */

/// A large block that overlaps with its new place is left where it is by a call whose budget is not enough for it and a step, and moved by one
/// whose budget is.
static const char *probe_large(struct bench *b)
{
    static const struct piece pieces[] = {{FREE, 20}, {MOVABLE, 1500}, {MOVABLE, 3}, {END, 0}};
    const uint64_t large = 1500 * GRANULE;
    struct jeff_goal goal = {.wanted_bytes = 2 * (size_t)HEAP, .budget_ns = large + STEP - 2000};
    struct jeff_report report;
    if (!lay(b, pieces, false))
        return "a small heap cannot be made";
    if (jeff_compact_goal(b->heap, &goal, &report) != JEFF_STOP_DONE || report.moved_bytes != 0 ||
        report.left_blocks != 1)
        return "a large block is not left for a longer call, or not counted";
    goal.budget_ns = large + STEP + 2000;
    if (jeff_compact_goal(b->heap, &goal, &report) != JEFF_STOP_DONE || report.moved_blocks != 2 ||
        report.left_blocks != 0)
        return "a large block is not moved although the budget is enough for it";
    return NULL;
}

/// A call that has passed locked blocks has got on: it begins no block for which there is no time.
static const char *probe_passed(struct bench *b)
{
    static const struct piece pieces[] = {{FREE, 2},   {PINNED, 1}, {PINNED, 1}, {PINNED, 1},    {PINNED, 1},
                                          {PINNED, 1}, {PINNED, 1}, {FREE, 4},   {MOVABLE, 200}, {END, 0}};
    const struct jeff_goal goal = {.wanted_bytes = 2 * (size_t)HEAP, .budget_ns = 400};
    struct jeff_report report;
    if (!lay(b, pieces, false))
        return "a small heap cannot be made";
    if (jeff_compact_goal(b->heap, &goal, &report) != JEFF_STOP_BUDGET || report.moved_blocks != 0)
        return "a call that has passed locked blocks moves one for which it has no time";
    return jeff_compact_goal(b->heap, &goal, &report) != JEFF_STOP_BUSY && report.moved_blocks == 1
               ? NULL
               : "a call that has passed nothing moves nothing";
}

/// Under a clock that hardly moves all is done within any budget.
static const char *probe_quick(struct bench *b)
{
    enum { BLOCKS = PIECES_MOST - 2, SIZE = 70 };
    struct piece pieces[PIECES_MOST] = {{FREE, 10}};
    for (uint32_t i = 1; i <= BLOCKS; i++)
        pieces[i] = (struct piece){MOVABLE, SIZE};
    const struct jeff_goal goal = {.wanted_bytes = 2 * (size_t)HEAP, .budget_ns = 1000000};
    struct jeff_report report;
    if (!lay(b, pieces, false))
        return "a small heap cannot be made";
    b->unit_ns = 0;
    return jeff_compact_goal(b->heap, &goal, &report) == JEFF_STOP_DONE && report.moved_blocks == BLOCKS
               ? NULL
               : "a compaction is not done in time although time stands all but still";
}

/* Plans */

/// A run of 127 granules holds no larger block than one of 126: it is not made.
static const char *probe_no_gain(struct bench *b)
{
    static const struct piece pieces[] = {{PINNED, 1},  {FREE, 1},   {PINNED, 1}, {FREE, 126},
                                          {MOVABLE, 1}, {PINNED, 1}, {END, 0}};
    struct jeff_report report;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    jeff_compact_goal(b->heap, NULL, &report);
    return report.moved_blocks == 0 && report.largest_after == bytes_of(126)
               ? NULL
               : "a block is moved for a run that holds no larger block than there was room for";
}

/// For one granule more in a hundred not all blocks are slid first.
static const char *probe_not_worth_a_slide(struct bench *b)
{
    static const struct piece pieces[] = {{PINNED, 1},  {FREE, 50},  {MOVABLE, 3}, {FREE, 50},
                                          {MOVABLE, 2}, {PINNED, 1}, {FREE, 2},    {MOVABLE, 200},
                                          {FREE, 1},    {PINNED, 1}, {END, 0}};
    struct jeff_report report;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    jeff_compact_goal(b->heap, NULL, &report);
    return report.moved_blocks == 2 && report.moved_bytes == (size_t)5 * GRANULE &&
                   report.largest_after == bytes_of(102)
               ? NULL
               : "all blocks are slid for a gain that is not worth it";
}

/// The second of two free runs of a class is the first that holds a block; the other one is still there for the next.
static const char *probe_second_of_class(struct bench *b)
{
    static const struct piece pieces[] = {{PINNED, 1}, {MOVABLE, 9}, {MOVABLE, 4}, {MOVABLE, 4}, {PINNED, 1},
                                          {FREE, 9},   {PINNED, 1},  {FREE, 8},    {PINNED, 1},  {END, 0}};
    const struct jeff_goal goal = {.wanted_bytes = bytes_of(17)};
    struct jeff_report report;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    return jeff_compact_goal(b->heap, &goal, &report) == JEFF_STOP_GOAL && report.moved_blocks == 3
               ? NULL
               : "a wanted run is not made although there is just the room for what lies in the way";
}

const char *steve_jeff_probe_compaction(void)
{
    static const char *(*const probes[])(struct bench *) = {
        probe_large, probe_passed, probe_quick, probe_no_gain, probe_not_worth_a_slide, probe_second_of_class,
    };
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0] && wrong == NULL; i++) {
        struct bench bench = {.unit_ns = 1};
        const struct jeff_config config = {.now_ns = now, .handle_salt = 1, .context = &bench};
        bench.heap = jeff_init(memory, sizeof memory, &config, NULL);
        if (bench.heap == NULL)
            return "a small heap cannot be made";
        wrong = probes[i](&bench);
        if (wrong == NULL && jeff_check(bench.heap, NULL) != JEFF_OK)
            wrong = "a heap that was brought to one of the corners of compaction is not sound";
        jeff_destroy(bench.heap);
    }
    return wrong;
}
