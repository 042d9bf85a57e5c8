/// An exam of calls with a budget: each keeps to it and uses it, together they come to an end, and then there is what can be had.
#include "steve/drivers/jeff/exam_internal.h"

#define VISIT 16u
#define STEP  16384u
#define PIECE 1152u ///< the least of a large block, and some visits
/// The pace is known to one part in so many.
#define EXACT_PARTS 64u
/// With a budget the largest run is told to a fifth.
#define TOLD_PARTS 5u
/// A budget that no plan overruns, in visits of each block.
#define AMPLE      128u
#define CALLS_MOST 400u
struct exam_counted steve_exam_count(const struct exam *e)
{
    struct jeff_stats stats;
    jeff_stats(e->heap, &stats);
    return (struct exam_counted){stats.moved_blocks, stats.moved_bytes, stats.visited_blocks, stats.compactions};
}

/// Granules of the largest block.
static uint32_t largest(const struct exam *e)
{
    uint32_t granules = 0;
    for (uint32_t i = 0; i < e->count; i++)
        granules = e->block[i].granules > granules ? e->block[i].granules : granules;
    return granules;
}

const char *steve_exam_judge_call(const struct exam *e, uint64_t bytes, const struct exam_counted *was,
                                  const struct exam_counted *is, bool learned, bool paused)
{
    const uint64_t work = is->bytes - was->bytes + (is->visited - was->visited) * VISIT;
    if (work == 0)
        return "a call with a budget does nothing and is not at the end";
    if (work > bytes + STEP + PIECE)
        return "a call with a budget overruns it by more than a step";
    if (learned && is->blocks - was->blocks > 1 && work > bytes + PIECE)
        return "a call with a budget begins another block although it has no time for it";
    if (paused && learned && work + VISIT + (uint64_t)largest(e) * GRANULE < bytes - bytes / EXACT_PARTS)
        return "a call with a budget ends although it has time for another block";
    return NULL;
}

/// What a client does between two calls: it uses a block, or frees one. @return whether it freed one
static bool disturb(struct exam *e)
{
    if (e->count == 0 || steve_exam_draw(e, 4) != 0)
        return false;
    struct exam_block *const block = &e->block[steve_exam_draw(e, e->count)];
    switch (steve_exam_draw(e, 4)) {
    case 0:
        if (!jeff_free(e->heap, block->handle))
            return false;
        *block = e->block[--e->count];
        return true;
    case 1:
        jeff_weak_lock(e->heap, block->handle);
        break;
    default:
        jeff_lock(e->heap, block->handle);
        jeff_unlock(e->heap, block->handle);
        break;
    }
    return false;
}

/// @param merged no freed block is kept whole, which is no run
static const char *judge_told(const struct jeff_report *report, const struct exam_map *before,
                              const struct exam_map *after, bool merged)
{
    const uint32_t least = after->largest - after->largest / TOLD_PARTS;
    if (report->largest_before > steve_exam_capacity(before->largest))
        return "a compaction reports a larger run than there was";
    if (report->largest_after > steve_exam_capacity(after->largest))
        return "a compaction reports a larger run than there is";
    if (merged && report->largest_after < steve_exam_capacity(least > 0 ? least - 1 : 0))
        return "a compaction with a budget reports a run that is less than four fifths of the largest";
    return NULL;
}

/// The last call. @param left it or one before has left blocks where they were
static const char *judge_end(const struct exam *e, const struct exam_map *after, const struct jeff_report *report,
                             uint32_t need, bool ample, bool left)
{
    const struct exam_reach reach = steve_exam_reach(e, after);
    const uint32_t most = ample ? steve_exam_most(e, after) : 0;
    if (report->stop == JEFF_STOP_GOAL)
        return need != 0 && after->largest < need ? "a compaction says that a wanted run is there that is not" : NULL;
    if (report->stop != JEFF_STOP_DONE)
        return "a compaction stops for a reason that it cannot have";
    if (need != 0 && after->largest >= need)
        return "a wanted run is there, and a compaction does not say so";
    if (!e->aligned && !left && reach.freest > after->largest)
        return "calls with a budget leave the free memory of a stretch in pieces";
    if (need == 0 ? after->largest < most : most >= need)
        return "calls with a budget do not make the run that can be had";
    return NULL;
}

/// Granules that slide until the free memory between two locked blocks that was met on the way makes a run of `need`;
/// UINT32_MAX if it never does, and what is above the last block is not met.
static uint32_t slid_for(const struct exam_map *map, uint32_t need)
{
    uint32_t gap = 0;
    uint32_t moved = 0;
    for (size_t i = 0; i < map->count && map->piece[i].end != map->limit; i++) {
        const uint32_t size = map->piece[i].end - map->piece[i].begin;
        if (map->piece[i].kind == EXAM_FREE)
            gap += size;
        else
            gap = map->piece[i].kind == EXAM_PINNED ? 0 : gap;
        if (gap >= need)
            return moved;
        moved += map->piece[i].kind == EXAM_MOVABLE && gap != 0 ? size : 0;
    }
    return UINT32_MAX;
}

/// All slides, each block and free run is looked at once, and then a plan is carried out, if it serves the goal.
/// @param visited so many were looked at
static const char *judge_plan(const struct exam *e, const struct exam_map *before, const struct exam_map *after,
                              uint32_t need, const struct jeff_report *report, uint64_t visited)
{
    struct exam_map slid;
    const struct exam_plan all = steve_exam_slid(before, &slid);
    const struct exam_plan plan = steve_exam_plan(e, &slid, need, false);
    if (report->stop == JEFF_STOP_BUDGET)
        return "a call with ample time ends for lack of it";
    if (report->moved_blocks != all.blocks + plan.blocks ||
        report->moved_bytes != (all.granules + plan.granules) * GRANULE)
        return "a call with ample time moves something else than a slide and the plan for its goal";
    const bool early = need != 0 && slid.largest >= need; // what is free at the top may not have been looked at
    if (!early && visited != before->headers + plan.looks + steve_exam_looks_to_end(&plan, after))
        return "a call with ample time takes other looks at its heap than a slide and a plan do";
    return NULL;
}

const char *steve_exam_budget(struct exam *e)
{
    const bool crumbs = steve_exam_draw(e, 4) == 0;
    const bool large = !crumbs && steve_exam_draw(e, 2) == 0;
    const bool huge = large && steve_exam_draw(e, 8) == 0;
    const struct exam_wish wish = {
        .bytes = huge    ? EXAM_HUGE
                 : large ? 8192 + steve_exam_draw(e, EXAM_HEAP - 8192)
                         : 1024 + steve_exam_draw(e, 4 * 1024),
        .sizes = large    ? 0
                 : crumbs ? EXAM_SIZES
                          : steve_exam_draw(e, EXAM_SIZES + 1),
        .most = huge    ? 1200
                : large ? 64 + steve_exam_draw(e, 500)
                        : 1 + steve_exam_draw(e, 24),
        .aligned = !crumbs && steve_exam_draw(e, 4) == 0 ? steve_exam_draw(e, 4) : 0,
        .freed = crumbs ? 12 : 2 + steve_exam_draw(e, 8),
        .pins = steve_exam_draw(e, crumbs ? 32 : 6),
        .spare = steve_exam_draw(e, 4),
        .tells = steve_exam_draw(e, 8) == 0,
    };
    if (!steve_exam_make(e, &wish))
        return "a small heap cannot be made";
    struct exam_map before;
    struct exam_map after;
    steve_exam_map(e, &before);
    if (before.overfull)
        return NULL;
    // Too little for a plan, about as much as one takes, or more than it takes.
    const uint32_t much = crumbs ? 2 : steve_exam_draw(e, 3);
    const bool ample = much == 2;
    bool disturbed = steve_exam_draw(e, 2) == 0;
    const uint64_t walk = (uint64_t)VISIT * (2 * before.headers + 4);
    const uint64_t bytes = much == 0   ? 256u + steve_exam_draw(e, 2048)
                           : much == 1 ? 4 * walk + steve_exam_draw(e, huge ? 3 * STEP : 4096)
                                       : AMPLE * walk + wish.bytes * 4;
    const uint32_t need = steve_exam_draw(e, 2) == 0 ? 0 : steve_exam_draw_need(e, &before);
    const struct jeff_goal goal = {.wanted_bytes = steve_exam_capacity(need), .budget_ns = bytes};
    bool freed = false;
    bool left = false;
    for (uint32_t calls = 0; calls < CALLS_MOST; calls++) {
        struct jeff_report report;
        const struct exam_counted was = steve_exam_count(e);
        steve_exam_map(e, &before);
        jeff_compact_goal(e->heap, &goal, &report);
        const struct exam_counted is = steve_exam_count(e);
        steve_exam_map(e, &after);
        left = left || report.left_blocks != 0;
        if (report.moved_blocks != is.blocks - was.blocks || report.moved_bytes != is.bytes - was.bytes ||
            report.time_ns != report.moved_bytes + (is.visited - was.visited) * VISIT)
            return "a compaction with a budget reports other moves or another time than there were";
        const char *wrong = judge_told(&report, &before, &after, report.stop == JEFF_STOP_DONE && !freed);
        if (wrong == NULL && report.stop == JEFF_STOP_BUDGET)
            wrong = steve_exam_judge_call(e, bytes, &was, &is, true, false);
        if (wrong == NULL && report.moved_blocks > 1 && report.time_ns > bytes + PIECE + walk)
            wrong = "a call with a budget overruns it by more than a walk";
        if (wrong == NULL)
            wrong = steve_exam_kept(e, &before, &after);
        const uint32_t slid = calls == 0 && ample && need != 0 && !e->aligned ? slid_for(&before, need) : UINT32_MAX;
        if (wrong == NULL && slid != UINT32_MAX && report.moved_bytes != (size_t)slid * GRANULE)
            wrong = "a call with a budget does not end as soon as the run that is wanted is there";
        const bool whole = calls == 0 || (report.stop == JEFF_STOP_DONE && report.moved_blocks == 0);
        if (wrong == NULL && whole && ample && slid == UINT32_MAX && e->sizes != 0)
            wrong = judge_plan(e, &before, &after, need, &report, is.visited - was.visited);
        if (wrong != NULL)
            return wrong;
        if (report.stop == JEFF_STOP_BUDGET) {
            freed = (disturbed && disturb(e)) || freed;
        } else if (report.stop == JEFF_STOP_DONE && (freed || report.moved_blocks != 0)) {
            freed = disturbed =
                false; // what was freed lies behind the cursor, and of several plans one was carried out
        } else {
            return judge_end(e, &after, &report, need, ample, left);
        }
    }
    return "calls with a budget do not come to an end";
}
