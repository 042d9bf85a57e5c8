/// Compaction as Jeff's drivers ask for it, with a budget or a goal: what it did is held against what it reports, what a dry run said
/// before, and what it must come to in the end.
/// The clock that his budgets are judged by is that of figures_internal.h.
#include "steve/drivers/jeff/driver_internal.h"

#include "steve/drivers/jeff/audit_internal.h"

#define NS_PER_MS 1000000u

/// One goal compaction in so many is priced by a dry run before.
#define PRICED_ONE_IN 4u
/// And one in so many is done twice.
#define DOUBLED_ONE_IN 16u
/// One in as many comes after slices of a budget, if there are not too many of them.
#define SLICES_MOST 64u
#define SLICE_NS    5000u

uint64_t steve_jeff_now(void *heap)
{
    const struct instance *instance = heap;
    if (instance->heap == NULL) {
        return 0; // asked while the heap is being made
    }
    const struct jeff_stats stats = stats_of(instance);
    return steve_jeff_virtual_ns(&stats);
}

/// Free memory that can be had in one run while no block is locked: what alignment may strand aside, and one part in 32, which is
/// not worth a slide.
static size_t free_in_one(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    const size_t most = stats.free_bytes - stats.free_bytes / 32;
    return most > instance->stranded + 64 ? most - instance->stranded - 64 : 0;
}

/// Whether the run that a compaction was to make, or else all free memory, is in one piece.
static bool has_all(const struct instance *instance, const struct jeff_goal *goal, const struct jeff_report *report)
{
    const size_t most = free_in_one(instance);
    if (goal->wanted_bytes == 0) {
        return report->largest_after >= most;
    }
    return report->stop == JEFF_STOP_GOAL || jeff_run_needed(instance->heap, 0, goal->wanted_bytes) > most;
}

/// A compaction with a goal, whose report is held against the statistics and the clock.
static enum jeff_stop reach_goal(struct instance *instance, const struct jeff_goal *goal, struct jeff_report *report)
{
    struct jeff_stats before;
    jeff_stats(instance->heap, &before);
    const uint64_t begin_ns = steve_jeff_now(instance);
    const enum jeff_stop stop = jeff_compact_goal(instance->heap, goal, report);
    if (!instance->meddles) { // callbacks change what was planned
        note(instance,
             steve_jeff_audit_report(instance->heap, goal, &before, steve_jeff_now(instance) - begin_ns, report));
    }
    instance->may_be_halfway |= stop == JEFF_STOP_BUDGET;
    if (stop != report->stop) {
        instance->damage = "a compaction returns another reason to have stopped than it reports";
    }
    if (goal->budget_ns == 0 && instance->locks == 0 && instance->region != 0 && !has_all(instance, goal, report)) {
        instance->damage = "a compaction leaves free memory in pieces although no block is locked";
    }
    return stop;
}

/// Whole milliseconds go the way that most clients go; finer budgets need the call that takes nanoseconds.
bool steve_jeff_compact(void *heap, uint64_t budget_ns)
{
    struct instance *instance = heap;
    jeff_heap *jeff = instance->heap;
    uint64_t ms = budget_ns / NS_PER_MS;
    if (budget_ns % NS_PER_MS == 0 && ms <= UINT32_MAX) {
        struct jeff_stats before;
        struct jeff_stats after;
        jeff_stats(jeff, &before);
        const enum jeff_stop stop = jeff_compact(jeff, (uint32_t)ms);
        jeff_stats(jeff, &after);
        if (ms == 0 && !instance->purges && after.visited_blocks - before.visited_blocks < after.live_blocks) {
            instance->damage = "a full compaction counts fewer blocks that it looked at than there are";
        }
        instance->may_be_halfway = stop == JEFF_STOP_BUDGET || (instance->may_be_halfway && ms != 0);
        return stop == JEFF_STOP_DONE;
    }
    struct jeff_goal goal = {.wanted_bytes = 0, .budget_ns = budget_ns};
    struct jeff_report report;
    // Odd ones in two calls: a block that the first one has moved a part of is not looked at, which would void that, before the
    // second goes on.
    if (budget_ns / 1000 % 2 != 0 && budget_ns > 2 * STEVE_JEFF_BUDGET_STEP_NS) {
        goal.budget_ns = budget_ns / 2;
        if (reach_goal(heap, &goal, &report) != JEFF_STOP_BUDGET || report.time_ns >= budget_ns) {
            return report.stop != JEFF_STOP_BUDGET;
        }
        goal.budget_ns = budget_ns - report.time_ns;
    }
    return reach_goal(heap, &goal, &report) != JEFF_STOP_BUDGET;
}

/// A price holds for what is done right afterwards, to the byte.
static bool is_price_of(const struct jeff_report *price, const struct jeff_report *done)
{
    return price->stop == done->stop && price->moved_blocks == done->moved_blocks &&
           price->moved_bytes == done->moved_bytes && price->left_blocks == done->left_blocks &&
           price->largest_before == done->largest_before && price->largest_after == done->largest_after;
}

/// What of the statistics a dry run must leave alone: all of them.
static bool are_same(const struct jeff_stats *a, const struct jeff_stats *b)
{
    return a->heap_bytes == b->heap_bytes && a->table_bytes == b->table_bytes && a->spare_handles == b->spare_handles &&
           a->live_blocks == b->live_blocks && a->live_bytes == b->live_bytes && a->free_bytes == b->free_bytes &&
           a->compactions == b->compactions && a->moved_blocks == b->moved_blocks && a->moved_bytes == b->moved_bytes &&
           a->visited_blocks == b->visited_blocks && a->refused == b->refused;
}

/// Prices a goal compaction by a dry run, which must change nothing.
static struct jeff_report price_of(struct instance *instance, size_t wanted)
{
    const struct jeff_goal goal = {.wanted_bytes = wanted, .dry_run = true};
    struct jeff_report price;
    const struct jeff_stats before = stats_of(instance);
    jeff_compact_goal(instance->heap, &goal, &price);
    const struct jeff_stats after = stats_of(instance);
    if (!are_same(&before, &after)) {
        instance->damage = "a dry run of a compaction changed the heap's statistics";
    }
    return price;
}

/// Calls with a budget, one after the other, come to an end: each moves a block or more, or a part of one as large as the budget.
static void finish_in_slices(struct instance *instance, uint64_t budget_ns)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    const struct jeff_goal goal = {.budget_ns = budget_ns};
    const uint64_t work =
        stats.live_bytes * STEVE_JEFF_NS_PER_MOVED_BYTE + stats.live_blocks * STEVE_JEFF_NS_PER_VISITED_BLOCK;
    if (stats.live_blocks + work / budget_ns > SLICES_MOST) {
        return;
    }
    struct jeff_report report;
    for (unsigned calls = 0; reach_goal(instance, &goal, &report) == JEFF_STOP_BUDGET; calls++) {
        if (calls > 4 * SLICES_MOST) {
            instance->damage = "compactions with a budget, one after the other, do not come to an end";
            return;
        }
    }
}

/// What a compaction has made room for is served, and given back. Not where that itself moves everything, and the run may be gone by
/// then; nor where the request may need pages that the system refuses.
static const char *is_served(struct instance *instance, size_t wanted, const struct jeff_report *report)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    if (instance->scrambles || instance->pages.failing || report->stop != JEFF_STOP_GOAL || stats.spare_handles == 0) {
        return NULL;
    }
    const jeff_handle handle = jeff_malloc(instance->heap, wanted);
    return handle != JEFF_NULL && jeff_free(instance->heap, handle) ? NULL : "a run that was made serves no request";
}

/// Under `look`: a budget first, which may be enough.
static void goal_in_slices(struct instance *instance, size_t wanted)
{
    const struct jeff_goal slice = {.wanted_bytes = wanted, .budget_ns = (uint64_t)instance->goals * 1000};
    struct jeff_report report;
    const enum jeff_stop stop = jeff_compact_goal(instance->heap, &slice, &report);
    instance->may_be_halfway |= stop == JEFF_STOP_BUDGET;
    if (stop == JEFF_STOP_GOAL && report.largest_after < wanted) {
        instance->damage = "a compaction that reached its goal has no run of the wanted size";
    }
}

/// Now and then a goal compaction is priced first, and must then do what its dry run said. Not each time: planning costs more than
/// all else that an episode does.
bool steve_jeff_compact_goal(void *heap, size_t wanted)
{
    struct instance *instance = heap;
    const bool priced = instance->goals++ % PRICED_ONE_IN == 0;
    struct jeff_report price = {0};
    if (priced) {
        price = price_of(instance, wanted);
    }
    if (instance->looks && !priced) {
        goal_in_slices(instance, wanted);
    }
    if (instance->goals % DOUBLED_ONE_IN == DOUBLED_ONE_IN / 2 - 1 && !instance->meddles) {
        finish_in_slices(instance, SLICE_NS);
    }
    const struct jeff_goal goal = {.wanted_bytes = wanted};
    struct jeff_report report;
    reach_goal(instance, &goal, &report);
    if (priced && !instance->meddles && !is_price_of(&price, &report)) {
        instance->damage = "a compaction did something else than its dry run had said";
    }
    if (instance->goals % DOUBLED_ONE_IN == 0 && !instance->meddles) {
        struct jeff_report second;
        reach_goal(instance, &goal, &second);
        if (second.moved_blocks != 0 || second.stop != report.stop || second.largest_after != report.largest_after) {
            instance->damage = "a second compaction with the same goal did something";
        }
        note(instance, is_served(instance, wanted, &report));
    }
    return report.largest_after >= wanted;
}
