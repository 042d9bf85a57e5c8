/// An exam of jeff_compact(): after a full compaction every block lies where jeff.h says, to the granule, and what was moved and looked
/// at is what it takes to bring it there. In slices of a budget the same comes of it.
#include "steve/drivers/jeff/exam_internal.h"

/// Compactions of one heap.
#define ROUNDS     2u
#define LARGE_MOST 600u ///< granules; a block of a step or more may be left for a longer call

/// What blocks come to when those that are not locked move down in address order.
struct slid {
    uint64_t blocks, bytes;
    uint32_t at[EXAM_PIECES]; ///< where the pieces of the map begin then
};

static void slide(const struct exam *e, const struct exam_map *map, struct slid *slid)
{
    uint32_t end = 0;
    slid->blocks = slid->bytes = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        const uint32_t size = piece->end - piece->begin;
        slid->at[i] = piece->begin;
        if (piece->kind == EXAM_FREE)
            continue;
        if (piece->kind == EXAM_MOVABLE)
            slid->at[i] = steve_exam_aligned(e, steve_exam_block(e, piece->handle), end);
        if (slid->at[i] != piece->begin) {
            slid->blocks++;
            slid->bytes += (uint64_t)size * GRANULE;
        }
        end = slid->at[i] + size;
    }
}

static bool lie_there(const struct exam *e, const struct exam_map *map, const struct slid *slid)
{
    for (size_t i = 0; i < map->count; i++) {
        void *begin = NULL;
        if (map->piece[i].kind == EXAM_FREE)
            continue;
        jeff_extent(e->heap, map->piece[i].handle, &begin);
        if ((uintptr_t)begin != e->arena + (uintptr_t)slid->at[i] * GRANULE)
            return false;
    }
    return true;
}

/// Calls with a budget, for a run that no heap of that size has: they slide, and do no more.
static const char *in_slices(struct exam *e, const struct exam_map *map, const struct slid *slid)
{
    struct jeff_stats before;
    jeff_stats(e->heap, &before);
    const uint64_t bytes = 512 + steve_exam_draw(e, steve_exam_draw(e, 2) == 0 ? 1024 : 8192);
    const struct jeff_goal goal = {.wanted_bytes = 16 * (size_t)EXAM_HEAP, .budget_ns = bytes * e->unit_ns};
    // Of the second a product with 1000 would be that of some microseconds.
    const uint64_t ages_ns = ((uint64_t)1 << 61) + 512 + steve_exam_draw(e, 1024);
    const struct jeff_goal endless = {.wanted_bytes = goal.wanted_bytes,
                                      .budget_ns = steve_exam_draw(e, 2) == 0 ? UINT64_MAX : ages_ns};
    if (steve_exam_draw(e, 4) == 0)
        return jeff_compact_goal(e->heap, &endless, NULL) != JEFF_STOP_BUDGET
                   ? NULL
                   : "a compaction whose time never ends runs out of time";
    struct jeff_report report;
    struct exam_counted was = steve_exam_count(e);
    for (uint32_t calls = 0; jeff_compact_goal(e->heap, &goal, &report) == JEFF_STOP_BUDGET; calls++) {
        const struct exam_counted is = steve_exam_count(e);
        const bool learned = calls > 0 || e->unit_ns == 1;
        const char *wrong = steve_exam_judge_call(e, bytes, &was, &is, learned, !lie_there(e, map, slid));
        if (wrong != NULL)
            return wrong;
        struct jeff_stats stats;
        jeff_stats(e->heap, &stats);
        if (stats.table_bytes != before.table_bytes)
            return "a call with a budget takes the time to tidy the handle table";
        if (report.left_blocks != 0)
            return "a call with a budget leaves a block of less than a step for a longer one";
        if (calls > map->headers + EXAM_HEAP / 512)
            return "calls with a budget do not come to an end";
        was = is;
    }
    struct jeff_stats after;
    jeff_stats(e->heap, &after);
    return after.table_bytes == before.table_bytes ? NULL
                                                   : "a call with a budget takes the time to tidy the handle table";
}

static const char *judge(const struct exam *e, const struct exam_map *before, const struct slid *slid,
                         const struct exam_counted *was)
{
    struct exam_map after;
    steve_exam_map(e, &after);
    const struct exam_counted is = steve_exam_count(e);
    if (!lie_there(e, before, slid))
        return "a full compaction leaves a block elsewhere than right above the one below it";
    if (is.blocks - was->blocks != slid->blocks || is.bytes - was->bytes != slid->bytes)
        return "a full compaction counts other moves than it takes";
    if (e->tells && (e->told_blocks != slid->blocks || e->told_bytes != slid->bytes))
        return "a full compaction tells of other moves than it takes";
    return steve_exam_kept(e, before, &after);
}

const char *steve_exam_slide(struct exam *e)
{
    const bool sliced = steve_exam_draw(e, 2) == 0;
    const bool large = sliced && steve_exam_draw(e, 2) == 0;
    const struct exam_wish wish = {
        .bytes = large ? 8192 + steve_exam_draw(e, EXAM_HEAP - 8192) : 1024 + steve_exam_draw(e, 6 * 1024),
        .most = large ? 64 + steve_exam_draw(e, LARGE_MOST - 64) : 1 + steve_exam_draw(e, 16),
        .aligned = steve_exam_draw(e, 2) * steve_exam_draw(e, 6),
        .freed = 2 + steve_exam_draw(e, 10),
        .pins = steve_exam_draw(e, 2) * steve_exam_draw(e, 12),
        .spare = steve_exam_draw(e, 4),
        .tells = steve_exam_draw(e, 2) == 0,
    };
    if (!steve_exam_make(e, &wish))
        return "a small heap cannot be made";
    static const uint8_t units[] = {1, 1, 3, 40};
    e->unit_ns = units[steve_exam_draw(e, sizeof units)];
    const char *wrong = NULL;
    for (unsigned round = 0; round < ROUNDS && wrong == NULL; round++) {
        struct exam_map before;
        struct slid slid;
        steve_exam_map(e, &before);
        if (before.overfull)
            return NULL;
        slide(e, &before, &slid);
        e->told_blocks = e->told_bytes = 0;
        const struct exam_counted was = steve_exam_count(e);
        if (sliced)
            wrong = in_slices(e, &before, &slid);
        else if (jeff_compact(e->heap, 0) != JEFF_STOP_DONE)
            wrong = "a full compaction says that something is left to do";
        else if (steve_exam_count(e).passes - was.passes > 1)
            wrong = "a full compaction counts as several";
        else if (steve_exam_count(e).visited - was.visited != before.headers)
            wrong = "a full compaction does not look at each block once";
        if (wrong == NULL)
            wrong = judge(e, &before, &slid, &was);
        steve_exam_stir(e);
    }
    return wrong;
}
