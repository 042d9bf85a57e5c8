/// Corners of plans in which an alignment leaves the largest run: all blocks slide first, and the one that moves out of a stretch takes
/// such a part of a free run elsewhere that what is left of that is larger than all that the stretch comes to. A price must know of it.
///
/// The widest stretches are full of blocks that find no room anywhere, but for a small one each. The free memory of the first of them
/// lies in gaps that alignments keep apart. Two other stretches, too narrow to be tried, have a run each once their block has slid:
///
///     | gap | large | gap | large | ... | gap | small |   | large | small | ...   | free | block | free |   | free | block | free |
#include "steve/drivers/jeff/probe_internal.h"

#include "steve/drivers/jeff/layout_internal.h"

#define GRANULE LAYOUT_GRANULE
#define HEADER  4u

enum {
    SMALL = 5,
    SMALL_UNIT = 64, ///< granules of its alignment
    LARGE = 100,
    LARGE_UNIT = 128,
    GAP = LARGE_UNIT - LARGE,
    GAPS = 5,
    FULL = 300,   ///< granules of a block that fills a stretch, at least
    STRETCHES = 3 ///< of those
};

/// Pieces in the making.
struct plan {
    struct layout_piece pieces[LAYOUT_PIECES];
    uint32_t count;
    uint32_t at; ///< granule of the next one's payload, if it has no record, up to a multiple of the alignments
};

static void add(struct plan *p, enum layout_kind kind, uint32_t granules, uint32_t alignment)
{
    p->pieces[p->count++] = (struct layout_piece){kind, granules, alignment};
    p->pieces[p->count] = (struct layout_piece){.kind = END};
    p->at += granules;
}

/// How much further it is to where a granule is so far past a multiple of an alignment.
static uint32_t way_to(const struct plan *p, uint32_t past, uint32_t unit)
{
    return (past + unit - p->at % unit) % unit;
}

/// A locked block that ends there.
static void pin_up_to(struct plan *p, uint32_t past, uint32_t unit)
{
    const uint32_t way = way_to(p, past, unit);
    add(p, PINNED, way == 0 ? unit : way, 0);
}

/// What the two runs are.
struct runs {
    uint32_t free,
        gap;        ///< of the one that takes the small block: its granules, and those below the first place for that
    uint32_t other; ///< granules of the other one, which has no place for it
    bool is_top;    ///< the first one ends with the heap
};

/// A run once its block has slid, which has so much below the first place for a small block.
static void add_run(struct plan *p, uint32_t free, uint32_t gap)
{
    pin_up_to(p, 2 * SMALL_UNIT - 1 - gap - 1, SMALL_UNIT);
    add(p, FREE, free / 2, 0);
    add(p, MOVABLE, 1, 0);
}

static void make_plan(struct plan *p, uint32_t at, const struct runs *runs, uint32_t filler)
{
    *p = (struct plan){.at = at};
    pin_up_to(p, LARGE_UNIT - 1 - GAP, LARGE_UNIT);
    for (uint32_t i = 1; i < GAPS; i++) {
        add(p, FREE, GAP, 0);
        add(p, MOVABLE, LARGE, LARGE_UNIT);
    }
    add(p, FREE, GAP, 0);
    add(p, MOVABLE, SMALL, SMALL_UNIT);
    for (uint32_t i = 0; i < STRETCHES; i++) {
        add(p, PINNED, 1, 0);
        p->at += FULL;
        const uint32_t way = way_to(p, SMALL_UNIT - 1, SMALL_UNIT);
        p->at -= FULL;
        add(p, MOVABLE, FULL + way, 0);
        add(p, MOVABLE, SMALL, SMALL_UNIT);
    }
    add_run(p, runs->other, SMALL_UNIT - 1);
    add(p, FREE, runs->other - runs->other / 2, 0);
    if (filler != 0)
        add(p, PINNED, filler, 0);
    add_run(p, runs->free, runs->gap);
    if (!runs->is_top) {
        add(p, FREE, runs->free - runs->free / 2, 0);
        add(p, PINNED, 1, 0);
    }
}

/// Where the first block begins in a heap.
static uint32_t first_at(const struct layout *l)
{
    void *begin = NULL;
    const jeff_handle first = jeff_malloc(l->heap, 1);
    jeff_extent(l->heap, first, &begin);
    jeff_free(l->heap, first);
    jeff_compact(l->heap, 0); // or else it is kept whole for a block of its size
    return (uint32_t)(((uintptr_t)begin + HEADER) / GRANULE % LARGE_UNIT);
}

static bool make(struct layout *l, const struct runs *runs, uint32_t filler)
{
    struct plan plan;
    jeff_destroy(l->heap);
    if (!steve_layout_open(l, false))
        return false;
    make_plan(&plan, first_at(l), runs, filler);
    return steve_layout_make(l, plan.pieces, !runs->is_top);
}

/// The largest run is what is left, and a dry run says so.
static const char *judge(const struct layout *l, uint32_t largest)
{
    const struct jeff_goal dry = {.dry_run = true};
    struct jeff_report price;
    struct jeff_report report;
    jeff_compact_goal(l->heap, &dry, &price);
    jeff_compact_goal(l->heap, NULL, &report);
    if (report.largest_after != steve_layout_bytes(largest))
        return "what is left of a run that takes a block with an alignment is not known to be the largest";
    return price.largest_after == report.largest_after && price.moved_blocks == report.moved_blocks
               ? NULL
               : "a dry run does not know what an alignment will leave";
}

/// What is left above the block.
static const char *probe_rest(struct layout *l)
{
    static const struct runs runs = {.free = 70, .gap = 5, .other = 58};
    return make(l, &runs, 0) ? judge(l, runs.free - runs.gap - SMALL) : steve_layout_unmade;
}

/// What is left below it.
static const char *probe_gap(struct layout *l)
{
    static const struct runs runs = {.free = 70, .gap = 60, .other = 40};
    return make(l, &runs, 0) ? judge(l, runs.gap) : steve_layout_unmade;
}

/// What lies below a block that does not slide, since it has an alignment.
static const char *probe_gap_between(struct layout *l)
{
    enum { RUN = 70, OTHER = 40 };
    static const struct runs runs = {.free = OTHER, .gap = SMALL_UNIT - 1, .other = OTHER};
    struct plan plan;
    jeff_destroy(l->heap);
    if (!steve_layout_open(l, false))
        return steve_layout_unmade;
    make_plan(&plan, first_at(l), &runs, 0);
    pin_up_to(&plan, 2 * LARGE_UNIT - 1 - RUN - 1, LARGE_UNIT);
    add(&plan, FREE, RUN / 2, 0);
    add(&plan, MOVABLE, 1, 0);
    add(&plan, FREE, RUN / 2, 0);
    add(&plan, MOVABLE, LARGE, LARGE_UNIT);
    add(&plan, PINNED, 1, 0);
    return steve_layout_make(l, plan.pieces, true) ? judge(l, RUN) : steve_layout_unmade;
}

/// What lies below a block that has gone to the top of the heap, where it is no matter of ours how large the run is. It must be larger than the gap and a block, and smaller
/// than twice the gap.
static const char *probe_gap_at_top(struct layout *l)
{
    enum { LEAST = 45, MOST = 60 };
    for (uint32_t gap = MOST; gap >= LEAST; gap--) {
        struct runs runs = {.free = 2 * SMALL_UNIT, .gap = gap, .other = 40, .is_top = true};
        if (!make(l, &runs, SMALL_UNIT))
            return steve_layout_unmade;
        struct jeff_stats stats;
        jeff_stats(l->heap, &stats);
        const uint32_t all = (uint32_t)(stats.free_bytes / GRANULE) - GAPS * GAP - runs.other;
        const uint32_t units = (all - gap - SMALL) / SMALL_UNIT;
        runs.free = all - units * SMALL_UNIT;
        if (runs.free + SMALL >= 2 * gap)
            continue;
        return make(l, &runs, (units + 1) * SMALL_UNIT) ? judge(l, gap) : steve_layout_unmade;
    }
    return NULL;
}

const char *steve_jeff_probe_gaps(void)
{
    static const char *(*const probes[])(struct layout *) = {probe_rest, probe_gap, probe_gap_between,
                                                             probe_gap_at_top};
    return steve_layout_try(probes, sizeof probes / sizeof probes[0], false);
}
