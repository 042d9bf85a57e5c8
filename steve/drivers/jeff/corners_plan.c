/// Corners of plans: what a goal, a settled block or a request that finds no room comes to in heaps that chance hardly makes.
#include "steve/drivers/jeff/probe_internal.h"

#include "steve/drivers/jeff/layout_internal.h"

#define GRANULE LAYOUT_GRANULE

static const char cannot_be_made[] = "a small heap cannot be made";

static struct jeff_stats stats_of(const struct layout *l)
{
    struct jeff_stats stats;
    jeff_stats(l->heap, &stats);
    return stats;
}

/* The largest run */

/// A run of 127 granules holds no larger block than one of 126: it is not made.
static const char *probe_no_gain(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0},  {FREE, 1, 0},   {PINNED, 1, 0}, {FREE, 126, 0},
                                                 {MOVABLE, 1, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    return report.moved_blocks == 0 && report.largest_after == steve_layout_bytes(126)
               ? NULL
               : "a block is moved for a run that holds no larger block than there was room for";
}

/// For one granule more in a hundred not all blocks are slid first.
static const char *probe_not_worth_a_slide(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0},  {FREE, 50, 0},  {MOVABLE, 3, 0}, {FREE, 50, 0},
                                                 {MOVABLE, 2, 0}, {PINNED, 1, 0}, {FREE, 2, 0},    {MOVABLE, 200, 0},
                                                 {FREE, 1, 0},    {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    return report.moved_blocks == 2 && report.moved_bytes == (size_t)5 * GRANULE &&
                   report.largest_after == steve_layout_bytes(102)
               ? NULL
               : "all blocks are slid for a gain that is not worth it";
}

/// For three they are: what then lies above the window's begin has slid already.
static const char *probe_worth_a_slide(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0},    {FREE, 50, 0},   {MOVABLE, 4, 0}, {MOVABLE, 4, 0},
                                                 {FREE, 50, 0},     {MOVABLE, 3, 0}, {PINNED, 1, 0},  {FREE, 2, 0},
                                                 {MOVABLE, 200, 0}, {FREE, 1, 0},    {PINNED, 1, 0},  {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const struct jeff_goal goal = {.dry_run = true};
    struct jeff_report price;
    jeff_compact_goal(l->heap, &goal, &price);
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    // Those below a gap move once, and the one that finds room twice.
    return price.moved_blocks == 5 && report.moved_blocks == 5 &&
                   report.moved_bytes == (size_t)(2 * 4 + 200 + 2 * 3) * GRANULE &&
                   report.largest_after == steve_layout_bytes(103)
               ? NULL
               : "blocks that have slid are slid again, or a price says so";
}

/// The second of two free runs of a class is the first that holds a block; the other one is still there for the next.
static const char *probe_second_of_class(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {MOVABLE, 9, 0}, {MOVABLE, 4, 0}, {MOVABLE, 4, 0},
                                                 {PINNED, 1, 0}, {FREE, 9, 0},    {PINNED, 1, 0},  {FREE, 8, 0},
                                                 {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const struct jeff_report report = steve_layout_reach(l, 17, 0);
    return report.stop == JEFF_STOP_GOAL && report.moved_blocks == 3
               ? NULL
               : "a wanted run is not made although there is just the room for what lies in the way";
}

/* Settling */

/// What lies in the way is looked at, and the block itself is not counted to it.
static const char *probe_settle_looks(struct layout *l)
{
    enum { WITHIN = 3, ALL = 7 }; // with what fills the heap
    static const struct layout_piece pieces[] = {{FREE, 1, 0}, {MOVABLE, 1, 0}, {MOVABLE, 30, 0}, {PINNED, 1, 0},
                                                 {FREE, 1, 0}, {PINNED, 1, 0},  {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const struct jeff_stats was = stats_of(l);
    const bool settled = jeff_settle(l->heap, l->handle[2]);
    const struct jeff_stats is = stats_of(l);
    // Where it lies and what lies there; a price; the same for good, a look whether all is gone, and free runs put into bins.
    const uint64_t looks = is.visited_blocks - was.visited_blocks;
    return settled && is.moved_blocks == 2 && looks <= 8 * WITHIN + 3 * ALL && looks >= 7 * WITHIN + 3 * ALL
               ? NULL
               : "to settle a block more is looked at than lies in its way, or it is not counted";
}

/// A lower place that cannot be had is not cleared in part, also when the block has moved to a higher one.
static const char *probe_settle_in_vain(struct layout *l)
{
    static const struct layout_piece pieces[] = {{MOVABLE, 5, 0},  {MOVABLE, 20, 0}, {PINNED, 1, 0}, {FREE, 14, 0},
                                                 {PINNED, 1, 0},   {FREE, 5, 0},     {PINNED, 1, 0}, {FREE, 2, 0},
                                                 {MOVABLE, 14, 0}, {PINNED, 1, 0},   {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const bool settled = jeff_settle(l->heap, l->handle[8]);
    return settled && stats_of(l).moved_blocks == 1 ? NULL : "something else moves than the block that is settled";
}

/// A few places that cannot be had are priced, not all, and what is looked at for that is counted.
static const char *probe_settle_places(struct layout *l)
{
    enum { PLACES = 30, LOOKED_AT = 4 };
    static const struct layout_piece taken[] = {{MOVABLE, 9, 0}, {PINNED, 1, 0}};
    static const struct layout_piece own = {MOVABLE, 8, 0};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t count = steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, taken, 2, PLACES), &own, 1, 1);
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const struct jeff_stats was = stats_of(l);
    const bool settled = jeff_settle(l->heap, l->handle[count - 1]);
    const uint64_t looks = stats_of(l).visited_blocks - was.visited_blocks;
    if (!settled || stats_of(l).moved_blocks != 0)
        return "a block that lies well is not settled, or something moves";
    // On the way to its own place, at each place that is priced, and when free runs are put into bins.
    const uint64_t walks = LOOKED_AT + 2;
    return looks <= (walks + 1) * (count + 1) && looks >= walks * count
               ? NULL
               : "to settle a block more is looked at than for a few places, or it is not counted";
}

/// A block with an alignment settles right where a larger one lies, and overlaps with its own place.
static const char *probe_settle_aligned(struct layout *l)
{
    enum { OTHER = 7, OWN = 6 };
    const struct layout_piece pieces[] = {{MOVABLE, OTHER, 0}, {MOVABLE, OWN, 4}, {PINNED, 1, 0},
                                          {FREE, OTHER, 0},    {PINNED, 1, 0},    {END, 0, 0}};
    for (uint32_t below = 1; below <= 4; below++) {
        struct layout_piece shifted[LAYOUT_PIECES] = {{PINNED, below, 0}};
        steve_layout_repeat(shifted, 1, pieces, sizeof pieces / sizeof pieces[0] - 1, 1);
        void *other = NULL;
        void *own = NULL;
        jeff_destroy(l->heap);
        if (!steve_layout_open(l, false) || !steve_layout_make(l, shifted, true))
            return cannot_be_made;
        jeff_extent(l->heap, l->handle[1], &other);
        jeff_extent(l->heap, l->handle[2], &own);
        if ((char *)own - (char *)other != (ptrdiff_t)OTHER * GRANULE)
            continue; // its alignment has left a gap
        const bool settled = jeff_settle(l->heap, l->handle[2]);
        jeff_extent(l->heap, l->handle[2], &own);
        return settled && stats_of(l).moved_blocks == 2 &&
                       (char *)own - (char *)other == (ptrdiff_t)(OTHER - 4) * GRANULE
                   ? NULL
                   : "a block with an alignment is not settled where it could be";
    }
    return "no place has the alignment of 64 bytes";
}

/* Requests */

/// What could not be had before is refused at once, also if the largest run that can be had was asked for since; but contents are
/// dropped for it if they may be.
static const char *probe_refused(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 40, 0}, {PINNED, 1, 0}, {MOVABLE, 60, 0},
                                                 {PINNED, 1, 0}, {FREE, 2, 0},  {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const bool refused = jeff_malloc(l->heap, steve_layout_bytes(41)) == JEFF_NULL;
    steve_layout_reach(l, 0, 0);
    const uint64_t looks = steve_layout_looks(l);
    const bool again = jeff_malloc(l->heap, steve_layout_bytes(41)) == JEFF_NULL;
    if (!refused || !again || steve_layout_looks(l) != looks)
        return "a request that was refused is not refused at once after a compaction that has moved nothing";
    jeff_set_purgeable(l->heap, l->handle[3], true);
    steve_layout_reach(l, 0, 0);
    return jeff_malloc(l->heap, steve_layout_bytes(55)) != JEFF_NULL
               ? NULL
               : "a request is refused although contents may be dropped, since the largest run was asked for";
}

/// @return whether a request that is larger than all free memory is refused without a look
static bool is_refused_at_once(const struct layout *l, uint32_t granules)
{
    const uint64_t looks = steve_layout_looks(l);
    return jeff_malloc(l->heap, steve_layout_bytes(granules)) == JEFF_NULL && steve_layout_looks(l) == looks;
}

static const char not_at_once[] = "the heap is looked at for a request that is larger than all free memory";

/// Many freed blocks that are kept whole, and more of them than slots without a block.
static const char *probe_beyond_kept(struct layout *l)
{
    enum { CRUMBS = 70 };
    static const struct layout_piece crumb[] = {{MOVABLE, 1, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t count = steve_layout_repeat(pieces, 0, crumb, 2, CRUMBS);
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    for (uint32_t i = 0; i < count; i += 2)
        jeff_free(l->heap, l->handle[i]);
    return is_refused_at_once(l, 3 * CRUMBS) ? NULL : not_at_once;
}

/// Large blocks that are freed take in those that are kept whole above them, whose slots wait in a list.
static const char *probe_beyond_merged(struct layout *l)
{
    enum { CRUMBS = 20, TIMES = 4, LARGE = 130 }; // no more than a few of these slots are looked through before
    static const struct layout_piece crumb[] = {{MOVABLE, 1, 0}, {PINNED, 1, 0}};
    static const struct layout_piece large[] = {{MOVABLE, LARGE, 0}, {MOVABLE, 2, 0}, {MOVABLE, 2, 0}, {MOVABLE, 2, 0},
                                                {MOVABLE, 2, 0},     {MOVABLE, 2, 0}, {MOVABLE, 2, 0}, {MOVABLE, 2, 0},
                                                {MOVABLE, 2, 0},     {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t count = steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, crumb, 2, CRUMBS), large,
                                               sizeof large / sizeof large[0], TIMES);
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    for (uint32_t i = count; i-- > 0;)
        if (pieces[i].kind == MOVABLE)
            jeff_free(l->heap, l->handle[i]);
    return is_refused_at_once(l, 2 * (LARGE + 20) * TIMES) ? NULL : not_at_once;
}

/// Above a hole lies a freed block that is merged with it and with the hole above, then a block for which there is no room: the second of
/// the two holes is no more.
static const char *probe_merged_in_vain(struct layout *l)
{
    enum { CRUMBS = 20 }; // more than are merged before blocks are moved
    static const struct layout_piece crumb[] = {{MOVABLE, 1, 0}, {PINNED, 1, 0}};
    static const struct layout_piece rest[] = {{MOVABLE, 130, 0}, {MOVABLE, 5, 0}, {MOVABLE, 130, 0},
                                               {MOVABLE, 200, 0}, {PINNED, 1, 0},  {MOVABLE, 140, 0},
                                               {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t first = steve_layout_repeat(pieces, 0, crumb, 2, CRUMBS);
    steve_layout_repeat(pieces, first, rest, sizeof rest / sizeof rest[0], 1);
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    static const uint32_t freed[] = {5, 2, 0, 1}; // large ones are holes at once, and the last of them is tried first
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        jeff_free(l->heap, l->handle[first + freed[i]]);
    for (uint32_t i = 0; i < first; i += 2)
        jeff_free(l->heap, l->handle[i]);
    return jeff_malloc(l->heap, steve_layout_bytes(300)) == JEFF_NULL
               ? NULL
               : "a request is served for which there is no room";
}

/// Sixteen holes are looked at for a request, and then the whole heap.
static const char *probe_many_holes(struct layout *l)
{
    enum { HOLES = 16 };
    static const struct layout_piece vain[] = {{FREE, 7, 0}, {PINNED, 1, 0}};
    static const struct layout_piece serves[] = {{FREE, 6, 0}, {MOVABLE, 2, 0}, {FREE, 2, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, vain, 2, HOLES), serves, 4, 1);
    if (!steve_layout_make(l, pieces, true))
        return cannot_be_made;
    const uint64_t looks = steve_layout_looks(l);
    const bool served = jeff_malloc(l->heap, steve_layout_bytes(8)) != JEFF_NULL;
    return served && steve_layout_looks(l) != looks
               ? NULL
               : "more holes are looked at for a request than it is worth, or it is refused";
}

/* Callbacks */

static jeff_handle freed;

static void free_one(struct layout *l, jeff_handle handle)
{
    (void)handle;
    if (freed == JEFF_NULL && jeff_free(l->heap, l->handle[3]))
        freed = l->handle[3];
}

/// A block that is freed while another moves is gone for good: its handle is never given out again.
static const char *probe_freed_while_moving(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 5, 0},      {MOVABLE, 3, 0}, {PINNED, 1, 0},
                                                 {MOVABLE, 130, 0}, {MOVABLE, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return cannot_be_made;
    for (uint32_t i = 0; i < 4; i++) {
        // Its slot has been used before.
        jeff_free(l->heap, l->handle[3]);
        l->handle[3] = jeff_malloc(l->heap, steve_layout_bytes(pieces[3].granules));
    }
    freed = JEFF_NULL;
    l->moved = free_one;
    jeff_compact(l->heap, 0);
    l->moved = NULL;
    for (uint32_t i = 0; i < 4; i++)
        if (jeff_malloc(l->heap, steve_layout_bytes(pieces[3].granules)) == freed)
            return "a handle is given out that was another block's";
    return freed != JEFF_NULL && jeff_lock(l->heap, freed) == NULL
               ? NULL
               : "a block that was freed while another moved can be reached";
}

const char *steve_jeff_probe_plans(void)
{
    static const char *(*const probes[])(struct layout *) = {
        probe_no_gain,        probe_not_worth_a_slide, probe_worth_a_slide,  probe_second_of_class, probe_settle_looks,
        probe_settle_in_vain, probe_settle_places,     probe_settle_aligned, probe_refused,         probe_beyond_kept,
        probe_beyond_merged,  probe_merged_in_vain,    probe_many_holes,
    };
    static const char *(*const told[])(struct layout *) = {probe_freed_while_moving};
    const char *const wrong = steve_layout_try(probes, sizeof probes / sizeof probes[0], false);
    return wrong != NULL ? wrong : steve_layout_try(told, sizeof told / sizeof told[0], true);
}
