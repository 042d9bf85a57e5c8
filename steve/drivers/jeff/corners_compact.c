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

/// What a budget comes to that ends when all has slid, or in the middle of a plan.
static const char *probe_plan_with_budget(struct bench *b)
{
    static const struct piece pieces[] = {{PINNED, 1}, {FREE, 5},   {MOVABLE, 3}, {PINNED, 1},
                                          {FREE, 3},   {PINNED, 1}, {END, 0}};
    struct jeff_goal goal = {.wanted_bytes = bytes_of(8), .budget_ns = 100000};
    struct jeff_report report;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    return jeff_compact_goal(b->heap, &goal, &report) == JEFF_STOP_GOAL && report.moved_blocks == 2 &&
                   report.largest_after == bytes_of(8)
               ? NULL
               : "a call with a budget does not say that it has made the run that was wanted";
}

static const char *probe_slide_with_budget(struct bench *b)
{
    static const struct piece pieces[] = {{FREE, 50}, {MOVABLE, 3}, {END, 0}};
    struct jeff_report report;
    if (!lay(b, pieces, false))
        return "a small heap cannot be made";
    struct jeff_goal goal = {.dry_run = true};
    jeff_compact_goal(b->heap, &goal, &report);
    goal = (struct jeff_goal){.wanted_bytes = report.largest_after, .budget_ns = 200};
    return jeff_compact_goal(b->heap, &goal, &report) == JEFF_STOP_GOAL && report.moved_blocks == 1
               ? NULL
               : "a call with a budget does not see that sliding has made the run that was wanted";
}

/// Lays the same pattern of pieces again and again.
static uint32_t repeat(struct piece *pieces, uint32_t count, const struct piece *pattern, uint32_t length,
                       uint32_t times)
{
    for (uint32_t i = 0; i < length * times; i++)
        pieces[count++] = pattern[i % length];
    return count;
}

/// A plan that moves many blocks is broken off when the time is over, and the next calls go on with it.
static const char *probe_broken_off(struct bench *b)
{
    enum { BLOCKS = 40, SIZE = 100 };
    static const struct piece ends[] = {{PINNED, 1}};
    static const struct piece room[] = {{FREE, SIZE}, {PINNED, 1}};
    static const struct piece block[] = {{MOVABLE, SIZE}};
    struct piece pieces[PIECES_MOST] = {{END, 0}};
    uint32_t count = repeat(pieces, 0, ends, 1, 1);
    count = repeat(pieces, count, block, 1, BLOCKS);
    count = repeat(pieces, count, ends, 1, 1);
    count = repeat(pieces, count, room, 2, BLOCKS);
    const uint64_t walk = (uint64_t)(count + 2) * VISIT, size = (uint64_t)SIZE * GRANULE;
    const struct jeff_goal goal = {.wanted_bytes = bytes_of(BLOCKS * SIZE), .budget_ns = 10 * walk + 10 * size};
    struct jeff_report report;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    uint32_t calls = 0;
    while (jeff_compact_goal(b->heap, &goal, &report) == JEFF_STOP_BUDGET) {
        if (report.moved_blocks == 0 || calls++ > BLOCKS)
            return "calls with a budget get nowhere with a plan";
        if (report.time_ns > goal.budget_ns + walk || report.time_ns + size + 4 * walk < goal.budget_ns)
            return "a call that breaks a plan off does not keep to its budget, or does not use it";
    }
    return report.stop == JEFF_STOP_GOAL && calls > 1
               ? NULL
               : "calls with a budget do not carry a plan out that they break off";
}

/// A large block for which the budget may not be enough is part of no plan.
static const char *probe_plan_with_large(struct bench *b)
{
    static const struct piece pieces[] = {{PINNED, 1},  {MOVABLE, 1500}, {FREE, 5}, {PINNED, 1},
                                          {FREE, 1500}, {PINNED, 1},     {END, 0}};
    const uint64_t large = 1500 * GRANULE;
    struct jeff_goal goal = {.wanted_bytes = bytes_of(1505), .budget_ns = large + STEP - 2000};
    struct jeff_report report;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    if (jeff_compact_goal(b->heap, &goal, &report) != JEFF_STOP_DONE || report.moved_bytes != 0)
        return "a plan moves a large block for which the budget may not be enough";
    goal.budget_ns = large + STEP + 8000;
    return jeff_compact_goal(b->heap, &goal, &report) == JEFF_STOP_GOAL && report.moved_blocks == 1
               ? NULL
               : "a plan does not move a large block although the budget is enough for it";
}

/* Settling */

/// What lies in the way is looked at, and the block itself is not counted to it.
static const char *probe_settle_looks(struct bench *b)
{
    static const struct piece pieces[] = {{FREE, 1}, {MOVABLE, 1}, {MOVABLE, 30}, {PINNED, 1},
                                          {FREE, 1}, {PINNED, 1},  {END, 0}};
    enum { WITHIN = 3, ALL = 7 }; // with what fills the heap
    struct jeff_stats was;
    struct jeff_stats is;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    jeff_stats(b->heap, &was);
    const bool settled = jeff_settle(b->heap, b->handle[2]);
    jeff_stats(b->heap, &is);
    // Where it lies and what lies there; a price; the same for good, a look whether all is gone, and free runs put into bins.
    return settled && is.moved_blocks == 2 && is.visited_blocks - was.visited_blocks <= 8 * WITHIN + 3 * ALL
               ? NULL
               : "to settle a block more is looked at than lies in its way";
}

/// A lower place that cannot be had is not cleared in part, also when the block has moved to a higher one.
static const char *probe_settle_in_vain(struct bench *b)
{
    static const struct piece pieces[] = {{MOVABLE, 5},  {MOVABLE, 20}, {PINNED, 1}, {FREE, 14},
                                          {PINNED, 1},   {FREE, 5},     {PINNED, 1}, {FREE, 2},
                                          {MOVABLE, 14}, {PINNED, 1},   {END, 0}};
    struct jeff_stats stats;
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    const bool settled = jeff_settle(b->heap, b->handle[8]);
    jeff_stats(b->heap, &stats);
    return settled && stats.moved_blocks == 1 ? NULL : "something else moves than the block that is settled";
}

/* Requests */

/// What could not be had before is refused at once, also if the largest run that can be had was asked for since; but contents are
/// dropped for it if they may be.
static const char *probe_refused(struct bench *b)
{
    static const struct piece pieces[] = {{PINNED, 1}, {FREE, 40}, {PINNED, 1}, {MOVABLE, 60},
                                          {PINNED, 1}, {FREE, 2},  {PINNED, 1}, {END, 0}};
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    const bool refused = jeff_malloc(b->heap, bytes_of(41)) == JEFF_NULL;
    jeff_compact_goal(b->heap, NULL, NULL);
    struct jeff_stats was;
    struct jeff_stats is;
    jeff_stats(b->heap, &was);
    const bool again = jeff_malloc(b->heap, bytes_of(41)) == JEFF_NULL;
    jeff_stats(b->heap, &is);
    if (!refused || !again || is.visited_blocks != was.visited_blocks)
        return "a request that was refused is not refused at once after a compaction that has moved nothing";
    jeff_set_purgeable(b->heap, b->handle[3], true);
    jeff_compact_goal(b->heap, NULL, NULL);
    return jeff_malloc(b->heap, bytes_of(55)) != JEFF_NULL
               ? NULL
               : "a request is refused although contents may be dropped, since the largest run was asked for";
}

/// Above a hole lies a freed block that is merged with it and with the hole above, then a block for which there is no room: the second of
/// the two holes is no more.
static const char *probe_merged_in_vain(struct bench *b)
{
    enum { CRUMBS = 20 }; // more than are merged before blocks are moved
    static const struct piece crumb[] = {{MOVABLE, 1}, {PINNED, 1}};
    static const struct piece rest[] = {{MOVABLE, 130}, {MOVABLE, 5},   {MOVABLE, 130}, {MOVABLE, 200},
                                        {PINNED, 1},    {MOVABLE, 140}, {PINNED, 1}};
    struct piece pieces[PIECES_MOST] = {{END, 0}};
    const uint32_t first = repeat(pieces, 0, crumb, 2, CRUMBS);
    repeat(pieces, first, rest, sizeof rest / sizeof rest[0], 1);
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    static const uint32_t freed[] = {5, 2, 0, 1}; // large ones are holes at once, and the last of them is tried first
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        jeff_free(b->heap, b->handle[first + freed[i]]);
    for (uint32_t i = 0; i < first; i += 2)
        jeff_free(b->heap, b->handle[i]);
    return jeff_malloc(b->heap, bytes_of(300)) == JEFF_NULL ? NULL : "a request is served for which there is no room";
}

/// Sixteen holes are looked at for a request, and then the whole heap.
static const char *probe_many_holes(struct bench *b)
{
    enum { HOLES = 16 };
    static const struct piece ends[] = {{PINNED, 1}};
    static const struct piece vain[] = {{FREE, 7}, {PINNED, 1}};
    static const struct piece serves[] = {{FREE, 6}, {MOVABLE, 2}, {FREE, 2}, {PINNED, 1}};
    struct piece pieces[PIECES_MOST] = {{END, 0}};
    uint32_t count = repeat(pieces, 0, ends, 1, 1);
    count = repeat(pieces, count, vain, 2, HOLES);
    repeat(pieces, count, serves, 4, 1);
    if (!lay(b, pieces, true))
        return "a small heap cannot be made";
    struct jeff_stats was;
    struct jeff_stats is;
    jeff_stats(b->heap, &was);
    const jeff_handle handle = jeff_malloc(b->heap, bytes_of(8));
    jeff_stats(b->heap, &is);
    return handle != JEFF_NULL && is.visited_blocks != was.visited_blocks
               ? NULL
               : "more holes are looked at for a request than it is worth, or it is refused";
}

const char *steve_jeff_probe_compaction(void)
{
    static const char *(*const probes[])(struct bench *) = {
        probe_large,
        probe_passed,
        probe_quick,
        probe_no_gain,
        probe_not_worth_a_slide,
        probe_plan_with_budget,
        probe_slide_with_budget,
        probe_broken_off,
        probe_plan_with_large,
        probe_settle_looks,
        probe_settle_in_vain,
        probe_refused,
        probe_merged_in_vain,
        probe_many_holes,
        probe_second_of_class,
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
