/// Corners of budgets: what a call does that ends in the middle of something, is interrupted, or runs under a clock that it does not know yet.
#include "steve/drivers/jeff/probe_internal.h"

#include "steve/drivers/jeff/layout_internal.h"

#define GRANULE       LAYOUT_GRANULE
#define VISIT         LAYOUT_VISIT
#define STEP          16384u ///< a block of so many bytes is moved within any budget
#define LOOK          128u   ///< between two looks at the clock so much is done at least
#define BETWEEN_LOOKS 32u    ///< blocks that a plan looks at between two looks at the clock

/// A free run, and as many blocks as there can be above it.
static bool make_row(struct layout *l, uint32_t granules)
{
    const struct layout_piece gap = {FREE, 10, 0};
    const struct layout_piece block = {MOVABLE, granules, 0};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, &gap, 1, 1), &block, 1, LAYOUT_PIECES);
    return steve_layout_make(l, pieces, false);
}

/* What is moved within a budget */

/// A large block that overlaps with its new place is left where it is by a call whose budget is not enough for it and a step, and moved by one
/// whose budget is.
static const char *probe_large(struct layout *l)
{
    enum { LARGE = 1500 };
    static const struct layout_piece pieces[] = {{FREE, 20, 0}, {MOVABLE, LARGE, 0}, {MOVABLE, 3, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, LARGE * GRANULE + STEP - 2000);
    if (report.stop != JEFF_STOP_DONE || report.moved_bytes != 0 || report.left_blocks != 1)
        return "a large block is not left for a longer call, or not counted";
    report = steve_layout_reach(l, LAYOUT_BEYOND, LARGE * GRANULE + STEP + 2000);
    return report.stop == JEFF_STOP_DONE && report.moved_blocks == 2 && report.left_blocks == 0
               ? NULL
               : "a large block is not moved although the budget is enough for it";
}

/// A block of just 16 KiB is not too large for any budget.
static const char *probe_step(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 20, 0}, {MOVABLE, STEP / GRANULE, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, 1000);
    return report.moved_blocks == 1 && report.left_blocks == 0 ? NULL : "a block of 16 KiB is left for a longer call";
}

/// A call that has passed locked blocks has got on: it begins no block for which there is no time.
static const char *probe_passed(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 2, 0},   {PINNED, 1, 0}, {PINNED, 1, 0},    {PINNED, 1, 0},
                                                 {PINNED, 1, 0}, {FREE, 4, 0},   {MOVABLE, 200, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, 400);
    if (report.stop != JEFF_STOP_BUDGET || report.moved_blocks != 0)
        return "a call that has passed locked blocks moves one for which it has no time";
    report = steve_layout_reach(l, LAYOUT_BEYOND, 400);
    return report.moved_blocks == 1 ? NULL : "a call that has passed nothing moves nothing";
}

/// A call that has made the run that was wanted is over, and the next one goes on where it was.
static const char *probe_goes_on(struct layout *l)
{
    enum { TIMES = 40, GAP = 10, FIRST = 20, SECOND = 25 };
    static const struct layout_piece pattern[] = {{FREE, GAP, 0}, {MOVABLE, 3, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, 0, pattern, 2, TIMES);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report first = steve_layout_reach(l, FIRST * GAP, 1000000);
    const uint64_t looks = steve_layout_looks(l);
    const struct jeff_report second = steve_layout_reach(l, SECOND * GAP, 1000000);
    if (first.stop != JEFF_STOP_GOAL || first.moved_blocks != FIRST - 1 || second.stop != JEFF_STOP_GOAL ||
        second.moved_blocks != SECOND - FIRST)
        return "a call with a budget does not end as soon as the run that is wanted is there";
    return steve_layout_looks(l) - looks <= 2 * (SECOND - FIRST + 1)
               ? NULL
               : "a call does not go on where the one before had made its run";
}

/* Plans */

/// A plan is made once all has slid, and the call says that it has made the run.
static const char *probe_plan(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 5, 0},   {MOVABLE, 3, 0}, {PINNED, 1, 0},
                                                 {FREE, 3, 0},   {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, 8, 100000);
    return report.stop == JEFF_STOP_GOAL && report.moved_blocks == 2 && report.largest_after == steve_layout_bytes(8)
               ? NULL
               : "a call with a budget does not say that it has made the run that was wanted";
}

/// Sliding alone has made it, and no time is left.
static const char *probe_no_plan(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 50, 0}, {MOVABLE, 3, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    // A budget does not matter to a dry run.
    struct jeff_goal goal = {.dry_run = true, .budget_ns = 100};
    struct jeff_report report;
    if (jeff_compact_goal(l->heap, &goal, &report) != JEFF_STOP_DONE || report.moved_blocks != 1 ||
        steve_layout_looks(l) != l->work / VISIT)
        return "a dry run with a budget is none";
    goal = (struct jeff_goal){.wanted_bytes = report.largest_after, .budget_ns = 200};
    return jeff_compact_goal(l->heap, &goal, &report) == JEFF_STOP_GOAL && report.moved_blocks == 1
               ? NULL
               : "a call with a budget does not see that sliding has made the run that was wanted";
}

/// All has slid, and there is no time left for a plan: the next call makes it.
static const char *probe_plan_later(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 5, 0},  {MOVABLE, 100, 0}, {PINNED, 1, 0},
                                                 {FREE, 50, 0}, {MOVABLE, 3, 0},   {PINNED, 1, 0},
                                                 {FREE, 3, 0},  {PINNED, 1, 0},    {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    struct jeff_report report = steve_layout_reach(l, 53, 103 * GRANULE + 9 * VISIT + 300);
    if (report.stop != JEFF_STOP_BUDGET || report.moved_blocks != 2)
        return "a call that has no time left to plan does not say so";
    report = steve_layout_reach(l, 53, 103 * GRANULE + 9 * VISIT + 300);
    return report.stop == JEFF_STOP_GOAL ? NULL : "a plan is not made although there is time for it";
}

/// A plan that moves many blocks is broken off when the time is over, and the next calls go on with it.
static const char *probe_broken_off(struct layout *l)
{
    enum { BLOCKS = 40, SIZE = 100 };
    static const struct layout_piece end = {PINNED, 1, 0};
    static const struct layout_piece room[] = {{FREE, SIZE, 0}, {PINNED, 1, 0}};
    static const struct layout_piece block = {MOVABLE, SIZE, 0};
    struct layout_piece pieces[LAYOUT_PIECES];
    uint32_t count = steve_layout_repeat(pieces, 0, &end, 1, 1);
    count = steve_layout_repeat(pieces, count, &block, 1, BLOCKS);
    count = steve_layout_repeat(pieces, count, &end, 1, 1);
    count = steve_layout_repeat(pieces, count, room, 2, BLOCKS);
    const uint64_t walk = (uint64_t)(count + 2) * VISIT;
    const uint64_t size = (uint64_t)SIZE * GRANULE;
    const uint64_t budget_ns = 10 * walk + 10 * size;
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    struct jeff_report report = steve_layout_reach(l, BLOCKS * SIZE, budget_ns);
    uint32_t calls = 0;
    for (; report.stop == JEFF_STOP_BUDGET; calls++) {
        if (report.moved_blocks == 0 || calls > BLOCKS)
            return "calls with a budget get nowhere with a plan";
        if (report.time_ns > budget_ns + walk || report.time_ns + size + 4 * walk < budget_ns)
            return "a call that breaks a plan off does not keep to its budget, or does not use it";
        report = steve_layout_reach(l, BLOCKS * SIZE, budget_ns);
    }
    return report.stop == JEFF_STOP_GOAL && calls > 1
               ? NULL
               : "calls with a budget do not carry out a plan that they break off";
}

/// A large block for which the budget may not be enough is part of no plan.
static const char *probe_plan_with_large(struct layout *l)
{
    enum { LARGE = 1500 };
    static const struct layout_piece pieces[] = {{PINNED, 1, 0},   {MOVABLE, LARGE, 0}, {FREE, 5, 0}, {PINNED, 1, 0},
                                                 {FREE, LARGE, 0}, {PINNED, 1, 0},      {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    struct jeff_report report = steve_layout_reach(l, LARGE + 5, LARGE * GRANULE + STEP - 2000);
    if (report.stop != JEFF_STOP_DONE || report.moved_bytes != 0)
        return "a plan moves a large block for which the budget may not be enough";
    report = steve_layout_reach(l, LARGE + 5, LARGE * GRANULE + STEP + 8000);
    return report.stop == JEFF_STOP_GOAL && report.moved_blocks == 1
               ? NULL
               : "a plan does not move a large block although the budget is enough for it";
}

/// Such a block may stay in a window of which another one goes. It slides there, if time is left for it.
static const char *probe_large_stays(struct layout *l)
{
    enum { LARGE = 1500 };
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {MOVABLE, 5, 0}, {MOVABLE, LARGE, 0}, {FREE, 5, 0},
                                                 {PINNED, 1, 0}, {FREE, 5, 0},    {PINNED, 1, 0},      {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, 10, LARGE * GRANULE + STEP - 2000);
    return report.stop == JEFF_STOP_GOAL && report.moved_blocks == 2
               ? NULL
               : "a wanted run is not made beside a large block although there is time for it";
}

/// What a large block is being copied into is a free run, too.
static const char *probe_halfway_run(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 400, 0}, {MOVABLE, 350, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, 1500);
    return report.stop == JEFF_STOP_BUDGET && report.moved_blocks == 0 &&
                   report.largest_after == steve_layout_bytes(400)
               ? NULL
               : "a free run that a block is being copied into is not told of";
}

/// The time is over when a block has moved.
static void jump(struct layout *l, jeff_handle handle)
{
    (void)handle;
    l->looks += UINT32_MAX;
}

/// A plan has been carried out when its time is over: what it takes to put free runs into bins is work as well, after which the clock is
/// looked at.
static const char *probe_over_at_end(struct layout *l)
{
    enum { MOVED = 600, OTHERS = 145 };
    static const struct layout_piece others = {MOVABLE, 1, 0};
    static const struct layout_piece rest[] = {{PINNED, 1, 0}, {MOVABLE, MOVED, 0}, {FREE, 10, 0},
                                               {PINNED, 1, 0}, {FREE, MOVED, 0},    {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, &others, 1, OTHERS), rest, sizeof rest / sizeof rest[0],
                        1);
    jeff_destroy(l->heap);
    if (!steve_layout_open(l, true) || !steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    l->stands = true;
    l->moved = jump;
    const struct jeff_report report = steve_layout_reach(l, 0, 100000000);
    if (report.moved_blocks != 1 || report.largest_after != steve_layout_bytes(MOVED + 10))
        return "a call with ample time does not carry out a plan";
    return report.stop == JEFF_STOP_BUDGET
               ? NULL
               : "a call whose time is over when it puts free runs into bins does not say so";
}

/// Blocks that a window drops while more free memory than is needed lies in it, all along its row. The time is over at any of them.
static const char *probe_over_in_row(struct layout *l)
{
    enum { ROW = 90, ROW_SIZE = 35, ALIGNMENT = 64, SIZE = 40, TAIL = 30, LEAST_WALKS = 12, MOST_WALKS = 28 };
    static const struct layout_piece below = {PINNED, 1, 0};
    static const struct layout_piece row = {MOVABLE, ROW_SIZE, 0};
    static const struct layout_piece rest[] = {
        {FREE, ALIGNMENT - SIZE, 0}, {MOVABLE, SIZE, ALIGNMENT}, {FREE, TAIL, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    uint32_t count = steve_layout_repeat(pieces, 0, &below, 1, 1);
    count = steve_layout_repeat(pieces, count, &row, 1, ROW);
    count = steve_layout_repeat(pieces, count, rest, sizeof rest / sizeof rest[0], 1);
    if (!steve_layout_make_aligned(l, pieces, ROW + 2))
        return steve_layout_unmade;
    const uint64_t walk = (uint64_t)(count + 2) * VISIT;
    for (uint64_t budget_ns = LEAST_WALKS * walk; budget_ns < MOST_WALKS * walk; budget_ns += BETWEEN_LOOKS * VISIT) {
        const struct jeff_report report = steve_layout_reach(l, ALIGNMENT - SIZE + TAIL - 4, budget_ns);
        if (report.moved_blocks != 0)
            return "a plan moves blocks for a run that cannot be made";
        if (report.time_ns > budget_ns + walk)
            return "a call overruns its budget in the middle of a plan";
    }
    return NULL;
}

/* Clocks */

/// Under a clock that hardly moves all is done within any budget.
static const char *probe_quick(struct layout *l)
{
    if (!make_row(l, 70))
        return steve_layout_unmade;
    l->stands = true;
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, 1000000);
    return report.stop == JEFF_STOP_DONE && report.moved_blocks == l->count - 1
               ? NULL
               : "a compaction is not done in time although time stands all but still";
}

/// A clock by which a move takes longer than can be remembered: it is taken for as slow as can be.
static const char *probe_slow(struct layout *l)
{
    enum { SIZE = 20, SLOW = 66 };
    const uint64_t bytes = 4096;
    if (!make_row(l, SIZE))
        return steve_layout_unmade;
    l->unit_ns = SLOW;
    steve_layout_reach(l, LAYOUT_BEYOND, bytes * SLOW);
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, bytes * SLOW);
    return report.stop == JEFF_STOP_BUDGET && report.time_ns <= (bytes + bytes / 16 + LOOK) * SLOW
               ? NULL
               : "a call overruns its budget by a clock that is so slow that its pace cannot be remembered";
}

/// The same of jeff_compact(), which counts in milliseconds: the second call knows what the first has learned.
static const char *probe_slow_milliseconds(struct layout *l)
{
    enum { SIZE = 70, SLOW = 100 };
    const uint64_t millisecond = 1000000;
    if (!make_row(l, SIZE))
        return steve_layout_unmade;
    l->unit_ns = SLOW;
    l->begins = true;
    jeff_compact(l->heap, 1);
    const uint64_t work = l->work;
    l->begins = true;
    const bool paused = jeff_compact(l->heap, 1) == JEFF_STOP_BUDGET;
    return paused && (l->work - work) * SLOW <= millisecond + millisecond / 4
               ? NULL
               : "a call overruns a budget of a millisecond although the one before has learned how long a move takes";
}

/// All takes ten times as long from the middle of a call on. The clock is looked at again after one step.
static const char *probe_slowed(struct layout *l)
{
    enum { SIZE = 70 };
    const uint64_t budget_ns = 150000;
    const uint64_t step_ns = (STEP + 2 * SIZE * GRANULE) * 10;
    if (!make_row(l, SIZE))
        return steve_layout_unmade;
    l->slow_from = steve_layout_looks(l) * VISIT + 20000;
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, budget_ns);
    return report.stop == JEFF_STOP_BUDGET && report.time_ns <= budget_ns + step_ns
               ? NULL
               : "a call overruns its budget by more than a step when the clock runs faster";
}

/* What ending takes */

/// Calls that pause, each of which takes so long to end.
static bool end_calls(struct layout *l, uint32_t calls, uint64_t ending_ns)
{
    l->ending_ns = ending_ns;
    for (uint32_t i = 0; i < calls; i++)
        if (steve_layout_reach(l, LAYOUT_BEYOND, 100).stop != JEFF_STOP_BUDGET)
            return false;
    return true;
}

/// What ending takes is remembered up to 65 us, and however long it is, three quarters of a budget are used.
static const char *probe_long_ends(struct layout *l)
{
    enum { SIZE = 20, CALLS = 30, SLOW = 20 };
    const uint64_t ending_ns = 100000;
    const uint64_t most_ns = UINT16_MAX;
    const uint64_t budget_ns = 300000;
    l->unit_ns = SLOW;
    if (!make_row(l, SIZE) || !end_calls(l, CALLS, ending_ns))
        return steve_layout_unmade;
    const struct jeff_report late = steve_layout_reach(l, LAYOUT_BEYOND, budget_ns);
    if (late.stop != JEFF_STOP_BUDGET || late.time_ns > budget_ns + ending_ns - most_ns + (LOOK + 2 * VISIT) * SLOW)
        return "a call overruns its budget because ending takes longer than can be remembered";
    l->ending_ns = 0;
    const struct jeff_report early = steve_layout_reach(l, LAYOUT_BEYOND, SLOW * 4000);
    return early.stop == JEFF_STOP_BUDGET && early.moved_bytes >= 2000
               ? NULL
               : "a call does not use its budget because ending has taken long before";
}

/// One call that takes for ever to end makes the next believe a quarter more, not all that can be remembered.
static const char *probe_interrupted(struct layout *l)
{
    enum { SIZE = 60, CALLS = 30 };
    const uint64_t ending_ns = 14000;
    const uint64_t budget_ns = 100000;
    if (!make_row(l, SIZE) || !end_calls(l, CALLS, ending_ns) || !end_calls(l, 1, 1000000000))
        return steve_layout_unmade;
    l->ending_ns = 0;
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, budget_ns);
    return report.stop == JEFF_STOP_BUDGET && report.time_ns + ending_ns + ending_ns / 4 + 2000 >= budget_ns
               ? NULL
               : "a call does not use its budget because ending has taken for ever once";
}

/// What a call does that comes to the end takes as long as it takes: nothing is learned of it but the pace.
static const char *probe_nothing_learned(struct layout *l)
{
    enum { SIZE = 60, CALLS = 8 };
    const uint64_t budget_ns = 12000;
    if (!make_row(l, SIZE))
        return steve_layout_unmade;
    jeff_compact(l->heap, 0);
    for (uint32_t i = 0; i < CALLS; i++)
        if (steve_layout_reach(l, LAYOUT_BEYOND, 1000000).stop != JEFF_STOP_DONE)
            return "a call with ample time does not come to the end";
    jeff_free(l->heap, l->handle[1]);
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, budget_ns);
    return report.stop == JEFF_STOP_BUDGET && report.time_ns + SIZE * GRANULE + LOOK + budget_ns / 64 >= budget_ns
               ? NULL
               : "a call does not use its budget since others before have come to the end";
}

const char *steve_jeff_probe_budgets(void)
{
    static const char *(*const probes[])(struct layout *) = {
        probe_large,           probe_step,        probe_passed,
        probe_goes_on,         probe_plan,        probe_no_plan,
        probe_plan_later,      probe_broken_off,  probe_plan_with_large,
        probe_quick,           probe_slow,        probe_slow_milliseconds,
        probe_slowed,          probe_long_ends,   probe_interrupted,
        probe_nothing_learned, probe_large_stays, probe_halfway_run,
        probe_over_at_end,     probe_over_in_row,
    };
    return steve_layout_try(probes, sizeof probes / sizeof probes[0], false);
}
