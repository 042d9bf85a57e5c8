/// An exam of jeff_compact_goal(): what can be had is had, for no more than it must cost.
///
/// For a run of n granules everything that can move must leave some window of n granules between two locked blocks, so that the
/// window with the least in it is what it costs at least. Where blocks are of a few sizes, each of which divides the next, it is known
/// what is planned (exam_plan.c).
#include "steve/drivers/jeff/exam_internal.h"

/// Goals that are reached in one heap.
#define ROUNDS 3u
/// Walks over the blocks that a goal takes, at most.
#define WALKS_MOST 100u
/// And at least, if something moves: two to choose a window, two for its price, one to carry it out.
#define WALKS_LEAST 5u

/// What is in the window with the least in it that is so wide. UINT32_MAX: there is none
static uint32_t least_cost(const struct exam_map *map, uint32_t need)
{
    uint32_t least = UINT32_MAX;
    for (size_t first = 0; first < map->count; first++) {
        uint32_t width = 0, live = 0;
        for (size_t last = first; last < map->count && map->piece[last].kind != EXAM_PINNED; last++) {
            const uint32_t size = map->piece[last].end - map->piece[last].begin;
            width += size;
            live += map->piece[last].kind == EXAM_MOVABLE ? size : 0;
            if (width >= need && live < least)
                least = live;
        }
    }
    return least;
}

static const char *judge_largest(const struct exam *e, const struct exam_reach *reach, uint32_t most,
                                 const struct jeff_report *report, const struct exam_map *after)
{
    const uint32_t has = after->largest;
    if (report->stop != JEFF_STOP_DONE && report->stop != JEFF_STOP_GOAL)
        return "a compaction for the largest run stops for another reason than that nothing is left to do";
    if (!e->aligned && has + has / EXAM_WORTH_A_SLIDE < reach->freest)
        return "a compaction for the largest run leaves one smaller than what one stretch has free";
    if (has + has / EXAM_WORTH_A_SLIDE < most)
        return "a compaction for the largest run leaves one smaller than what can be had";
    return has > reach->widest ? "a run is larger than the heap has room for" : NULL;
}

static const char *judge_wanted(const struct exam *e, const struct exam_reach *reach, uint32_t most, uint32_t least,
                                uint32_t need, const struct jeff_report *report)
{
    const uint64_t moved = report->moved_bytes / GRANULE;
    if (report->stop != JEFF_STOP_GOAL) {
        if (!e->aligned && reach->freest >= need)
            return "a wanted run is not made although one stretch has so much free";
        if (most >= need)
            return "a wanted run is not made although it can be had";
        return moved != 0 ? "a compaction moved something for a run that it does not make" : NULL;
    }
    return moved < least ? "a wanted run was made for less than it costs" : NULL;
}

/// @param visited so many blocks and free runs were looked at; UINT64_MAX: that is not known
/// @param joins   so many of them at most before the plan, to join freed blocks with what lies beside them: all or none
static const char *judge_plan(const struct exam *e, const struct exam_map *before, const struct exam_map *after,
                              uint32_t need, const struct jeff_report *report, uint64_t visited, uint64_t joins)
{
    const struct exam_plan plan = steve_exam_plan(e, before, need, true);
    if (report->moved_blocks != plan.blocks || report->moved_bytes != plan.granules * GRANULE)
        return "a compaction moves something else than the plan that is made for its goal";
    if (report->largest_after != steve_exam_capacity(plan.run))
        return "a compaction makes another run than the plan says";
    const uint64_t looks = plan.looks + steve_exam_looks_to_end(&plan, after);
    if (visited != UINT64_MAX && visited != looks && visited != looks + joins)
        return "a compaction takes other looks at its heap than its plan does";
    return NULL;
}

static bool reports_equal(const struct jeff_report *a, const struct jeff_report *b)
{
    return a->stop == b->stop && a->moved_blocks == b->moved_blocks && a->moved_bytes == b->moved_bytes &&
           a->left_blocks == b->left_blocks && a->largest_before == b->largest_before &&
           a->largest_after == b->largest_after;
}

static const char *judge_report(const struct exam *e, const struct jeff_report *report, const struct exam_map *after,
                                const struct jeff_stats *was, const struct jeff_stats *is)
{
    const uint64_t visited = is->visited_blocks - was->visited_blocks;
    if (report->largest_after != steve_exam_capacity(after->largest))
        return "a compaction reports another largest run than there is";
    if (report->left_blocks != 0)
        return "a compaction without a budget leaves blocks for later";
    if (is->moved_blocks - was->moved_blocks != report->moved_blocks ||
        is->moved_bytes - was->moved_bytes != report->moved_bytes)
        return "a compaction reports other moves than the statistics count";
    if (e->tells && (e->told_blocks != report->moved_blocks || e->told_bytes != report->moved_bytes))
        return "a compaction reports other moves than it tells of";
    if (report->time_ns != visited * 16 + report->moved_bytes)
        return "a compaction reports another time than the clock tells";
    if (report->moved_blocks != 0 && visited < (uint64_t)after->headers * WALKS_LEAST)
        return "a compaction does not count what it looks at to find a plan";
    return visited <= (uint64_t)(after->headers + 1) * WALKS_MOST ? NULL : "a compaction takes more walks than it may";
}

/// A second call moves nothing. After one for the largest run it does not even look.
static const char *again(const struct exam *e, const struct jeff_goal *goal, const struct jeff_report *first)
{
    struct jeff_report second;
    jeff_compact_goal(e->heap, goal, &second);
    if (second.moved_blocks != 0 || second.moved_bytes != 0 || second.largest_after != first->largest_after ||
        second.largest_before != first->largest_after)
        return "a second compaction with the same goal does something";
    return NULL;
}

static struct exam_wish draw_wish(struct exam *e)
{
    const bool crumbs = steve_exam_draw(e, 4) == 0;
    const bool sized = crumbs || steve_exam_draw(e, 4) != 0;
    return (struct exam_wish){
        .bytes = 768 + steve_exam_draw(e, steve_exam_draw(e, 4) == 0 ? 12 * 1024 : 3 * 1024),
        .sizes = crumbs  ? EXAM_SIZES
                 : sized ? 1 + steve_exam_draw(e, EXAM_SIZES)
                         : 0,
        .most = 1 + steve_exam_draw(e, steve_exam_draw(e, 8) == 0 ? 140 : 12),
        .aligned = sized || steve_exam_draw(e, 3) == 0 ? 0 : steve_exam_draw(e, 6),
        .freed = 2 + steve_exam_draw(e, 8),
        .pins = steve_exam_draw(e, 2) == 0 ? steve_exam_draw(e, 30) : steve_exam_draw(e, 5),
        .spare = steve_exam_draw(e, steve_exam_draw(e, 4) == 0 ? 14 : 4),
        .tells = steve_exam_draw(e, 3) == 0,
        .stays = steve_exam_draw(e, 4) == 0,
        .crumbs = crumbs,
    };
}

/// A run that was made serves a request, also one that was refused before.
static const char *take(struct exam *e, uint32_t need)
{
    struct jeff_stats was;
    struct jeff_stats is;
    jeff_stats(e->heap, &was);
    const jeff_handle handle = was.spare_handles != 0 ? jeff_malloc(e->heap, steve_exam_capacity(need)) : JEFF_NULL;
    jeff_stats(e->heap, &is);
    if (handle == JEFF_NULL && was.spare_handles != 0)
        return "a request is refused although a compaction has made a run for it";
    jeff_free(e->heap, handle);
    return is.visited_blocks != was.visited_blocks ? "a compaction has made a run, and a request takes another one"
                                                   : NULL;
}

/// One goal, priced, reached and asked for again. @param need granules of the wanted run; 0: the largest
static const char *reach_goal(struct exam *e, struct exam_map *before, uint32_t need)
{
    struct jeff_goal goal = {.wanted_bytes = steve_exam_capacity(before->free + EXAM_HEAP / GRANULE)};
    struct jeff_report price;
    struct jeff_report report;
    struct jeff_stats was;
    struct jeff_stats is;
    const bool merges = steve_exam_draw(e, 2) == 0;
    if (merges) {
        // What all free memory would not serve: freed blocks are joined with what lies beside them, and nothing moves.
        jeff_compact_goal(e->heap, &goal, &report);
        steve_exam_map(e, before);
        if (report.stop != JEFF_STOP_DONE || report.moved_blocks != 0)
            return "a compaction for more than there is does something";
        need = before->largest < need ? need : 0;
    }
    const uint64_t joins = merges ? 0 : before->headers;
    jeff_stats(e->heap, &was);
    goal = (struct jeff_goal){.wanted_bytes = steve_exam_capacity(need), .dry_run = true};
    jeff_compact_goal(e->heap, &goal, &price);
    goal.dry_run = false;
    e->told_blocks = e->told_bytes = 0;
    jeff_compact_goal(e->heap, need == 0 && steve_exam_draw(e, 2) == 0 ? NULL : &goal, &report);
    jeff_stats(e->heap, &is);
    if (!reports_equal(&price, &report))
        return "a compaction does something else than its dry run says";
    steve_exam_extend(before, (uint32_t)((is.heap_bytes - is.control_bytes - is.table_bytes) / GRANULE));
    struct exam_map after;
    steve_exam_map(e, &after);
    const uint64_t visited = is.visited_blocks - was.visited_blocks;

    const struct exam_reach reach = steve_exam_reach(e, before);
    const uint32_t most = steve_exam_most(e, before);
    const char *wrong = NULL;
    if (need == 0) {
        wrong = judge_largest(e, &reach, most, &report, &after);
    } else {
        wrong = judge_wanted(e, &reach, most, least_cost(before, need), need, &report);
    }
    if (wrong == NULL && e->sizes != 0)
        wrong = judge_plan(e, before, &after, need, &report, before->free != 0 ? visited : UINT64_MAX, joins);
    if (wrong == NULL)
        wrong = judge_report(e, &report, &after, &was, &is);
    if (wrong == NULL)
        wrong = again(e, &goal, &report);
    if (wrong == NULL)
        wrong = steve_exam_kept(e, before, &after);
    return wrong == NULL && need > before->largest && report.stop == JEFF_STOP_GOAL ? take(e, need) : wrong;
}

const char *steve_exam_goal(struct exam *e)
{
    const struct exam_wish wish = draw_wish(e);
    const char *wrong = NULL;
    if (!steve_exam_make(e, &wish))
        return "a small heap cannot be made";
    // The largest run is made by one plan, which another one may better: it is made when memory has come free.
    bool came_free = true;
    for (unsigned round = 0; round < ROUNDS && wrong == NULL && came_free; round++) {
        if (steve_exam_draw(e, 8) == 0)
            jeff_compact(e->heap, 0); // what is cached becomes holes, and all free memory lies below locked blocks
        struct exam_map before;
        steve_exam_map(e, &before);
        uint32_t need = steve_exam_draw(e, 3) == 0 ? 0 : steve_exam_draw_need(e, &before);
        if (steve_exam_draw(e, 16) == 0)
            need = before.largest -
                   (before.largest == 127); // there, or as soon as freed blocks are joined with what lies beside them
        if (steve_exam_draw(e, 4) == 0) {
            // What is refused is remembered, and freed blocks may have been joined for it.
            jeff_free(e->heap,
                      jeff_malloc(e->heap, steve_exam_capacity(e->stays && need != 0 ? need : before.free + 64)));
            steve_exam_map(e, &before);
            need = before.largest < need ? need : 0;
        }
        if (before.overfull)
            return NULL;
        wrong = reach_goal(e, &before, need);
        came_free = steve_exam_stir(e);
    }
    return wrong;
}
