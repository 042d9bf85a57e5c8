/// Corners of plans: what a goal, a settled block or a request that finds no room comes to in heaps that chance hardly makes.
#include "steve/drivers/jeff/probe_internal.h"

#include "steve/drivers/jeff/layout_internal.h"

#define GRANULE LAYOUT_GRANULE

/* The largest run */

/// A run of 127 granules holds no larger block than one of 126: it is not made.
static const char *probe_no_gain(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0},  {FREE, 1, 0},   {PINNED, 1, 0}, {FREE, 126, 0},
                                                 {MOVABLE, 1, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
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
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    return report.moved_blocks == 2 && report.moved_bytes == (size_t)5 * GRANULE &&
                   report.largest_after == steve_layout_bytes(102)
               ? NULL
               : "all blocks are slid for a gain that is not worth it";
}

/// For three they are, from the start: it makes no difference that a call was broken off before, and what lies above the window's begin has
/// slid already.
static const char *probe_worth_a_slide(struct layout *l)
{
    static const struct layout_piece pieces[] = {{MOVABLE, 2, 0}, {MOVABLE, 7, 0}, {PINNED, 1, 0},    {FREE, 50, 0},
                                                 {MOVABLE, 4, 0}, {MOVABLE, 4, 0}, {FREE, 50, 0},     {MOVABLE, 3, 0},
                                                 {PINNED, 1, 0},  {FREE, 2, 0},    {MOVABLE, 200, 0}, {FREE, 1, 0},
                                                 {PINNED, 1, 0},  {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report paused = steve_layout_reach(l, LAYOUT_BEYOND, 200);
    if (paused.stop != JEFF_STOP_BUDGET || paused.moved_blocks != 1)
        return "a call with next to no budget does not move one block";
    jeff_free(l->heap, l->handle[0]); // far below where that call has stopped
    const struct jeff_goal goal = {.dry_run = true};
    struct jeff_report price;
    jeff_compact_goal(l->heap, &goal, &price);
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    // Those above a gap move once, and the one that finds room twice.
    return price.moved_blocks == 5 && report.moved_blocks == 5 &&
                   report.moved_bytes == (size_t)(7 + 4 + 200 + 2 * 3) * GRANULE &&
                   report.largest_after == steve_layout_bytes(103)
               ? NULL
               : "blocks that have slid are slid again, or not all slide, or a price says so";
}

/// The largest run is looked for in the widest stretches and the one with the most free memory. A wanted run that another has is made
/// afterwards all the same.
static const char *probe_wanted_after_largest(struct layout *l)
{
    static const struct layout_piece wide[] = {{MOVABLE, 300, 0}, {PINNED, 1, 0}};
    static const struct layout_piece rest[] = {{FREE, 14, 0}, {MOVABLE, 100, 0}, {FREE, 13, 0}, {MOVABLE, 100, 0},
                                               {FREE, 14, 0}, {PINNED, 1, 0},    {FREE, 20, 0}, {MOVABLE, 5, 0},
                                               {FREE, 20, 0}, {PINNED, 1, 0},    {FREE, 5, 0},  {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, wide, 2, 4), rest, sizeof rest / sizeof rest[0], 1);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    if (steve_layout_reach(l, 0, 0).largest_after != steve_layout_bytes(41))
        return "the largest run is not made of the stretch that has the most free memory";
    return steve_layout_reach(l, 45, 0).stop == JEFF_STOP_GOAL
               ? NULL
               : "a wanted run is not made since the largest was asked for before";
}

/// The second of two free runs of a class is the first that holds a block; the other one is still there for the next.
static const char *probe_second_of_class(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {MOVABLE, 9, 0}, {MOVABLE, 4, 0}, {MOVABLE, 4, 0},
                                                 {PINNED, 1, 0}, {FREE, 9, 0},    {PINNED, 1, 0},  {FREE, 8, 0},
                                                 {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, 17, 0);
    return report.stop == JEFF_STOP_GOAL && report.moved_blocks == 3
               ? NULL
               : "a wanted run is not made although there is just the room for what lies in the way";
}

/// Without a budget all free runs of a size are looked at to tell the largest.
static const char *probe_many_runs(struct layout *l)
{
    enum { RUNS = 20 };
    static const struct layout_piece largest[] = {{FREE, 9, 0}, {PINNED, 1, 0}};
    static const struct layout_piece run[] = {{FREE, 8, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, largest, 2, 1), run, 2, RUNS);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    return steve_layout_reach(l, 9, 0).largest_before == steve_layout_bytes(9) ? NULL
                                                                               : "not the largest free run is told";
}

/// What an alignment leaves free is the largest run, and a block that slides makes it larger.
static const char *probe_gap(struct layout *l)
{
    struct layout_piece pieces[] = {{PINNED, 1, 0},   {FREE, 10, 0}, {MOVABLE, 3, 0}, {FREE, 50, 0},
                                    {MOVABLE, 5, 64}, {FREE, 30, 0}, {PINNED, 1, 0},  {END, 0, 0}};
    if (!steve_layout_make_aligned(l, pieces, 4))
        return steve_layout_unmade;
    const struct jeff_goal goal = {.dry_run = true};
    struct jeff_report price;
    jeff_compact_goal(l->heap, &goal, &price);
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    return price.largest_after == report.largest_after && report.moved_blocks == 1 &&
                   report.largest_after == steve_layout_bytes(60)
               ? NULL
               : "the run that an alignment leaves is not made as large as it can be";
}

/// The stretch with the most free memory has it between blocks that their alignment keeps where they are; the widest ones have none. What all
/// can slide to in a stretch that is neither is the largest run then, whatever window is emptied.
/// @param wanted granules; 0: the largest run
static const char *try_tail(struct layout *l, uint32_t wanted, bool small)
{
    enum { EVERY = 256, SIZE = 5, TAIL = 258, SMALL = 4, SLIDES = 100 };
    // In each stretch that is tried there is something small, for which there is room in that run alone.
    const struct layout_piece aligned[] = {{FREE, EVERY - SIZE, 0}, {MOVABLE, SIZE, EVERY}};
    const struct layout_piece wide[] = {{MOVABLE, 400, 0}, {MOVABLE, SMALL, 0}, {PINNED, 1, 0}};
    const struct layout_piece rest[] = {{FREE, 60, 0}, {MOVABLE, SLIDES, 0}, {FREE, TAIL - 60, 0}, {PINNED, 1, 0},
                                        {FREE, 2, 0},  {MOVABLE, 3, 0},      {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    // So that no block of the other stretch fits there, the run begins right above where one could lie.
    const struct layout_piece apart = {PINNED, EVERY - SIZE - (small ? SMALL : 0) - SLIDES + 1, 0};
    static const struct layout_piece below = {PINNED, 1, 0};
    uint32_t count = steve_layout_repeat(pieces, 0, &below, 1, 1);
    count = steve_layout_repeat(pieces, count, aligned, 2, 3);
    if (small)
        count = steve_layout_repeat(pieces, count, &wide[1], 1, 1);
    count = steve_layout_repeat(pieces, count, &apart, 1, 1);
    count = steve_layout_repeat(pieces, count, rest, sizeof rest / sizeof rest[0], 1);
    steve_layout_repeat(pieces, count, wide, 3, 3);
    if (!steve_layout_make_aligned(l, pieces, 2))
        return steve_layout_unmade;
    const struct jeff_goal goal = {.wanted_bytes = wanted == 0 ? 0 : steve_layout_bytes(wanted), .dry_run = true};
    struct jeff_report price;
    jeff_compact_goal(l->heap, &goal, &price);
    const struct jeff_report report = steve_layout_reach(l, wanted, 0);
    const uint32_t least = small ? TAIL - SMALL : TAIL;
    return report.largest_after >= steve_layout_bytes(least) && price.largest_after == report.largest_after &&
                   price.moved_blocks == report.moved_blocks
               ? NULL
               : "the largest run that comes of sliding everything is not seen, or not priced";
}

static const char *probe_tail(struct layout *l)
{
    return try_tail(l, 0, false);
}

static const char *probe_tail_taken(struct layout *l)
{
    return try_tail(l, 0, true);
}

static const char *probe_tail_wanted(struct layout *l)
{
    return try_tail(l, 258, false);
}

/// What an alignment will leave, once all has slid, is the largest run that can be had. It is not had by emptying the stretch that it lies in,
/// since what is aligned then goes elsewhere; but by sliding alone, which a plan for the next stretch begins with.
static const char *probe_gap_by_sliding(struct layout *l)
{
    enum { ALIGNED = 4, NOW = 7, THEN = 10 };
    struct layout_piece pieces[] = {
        {PINNED, 1, 0},  {FREE, 3, 0},    {MOVABLE, 6, 0},  {FREE, NOW, 0}, {MOVABLE, 5, 16},
        {MOVABLE, 3, 0}, {MOVABLE, 8, 8}, {MOVABLE, 8, 16}, {PINNED, 1, 0}, {MOVABLE, 23, 0},
        {FREE, 5, 0},    {PINNED, 1, 0},  {END, 0, 0},
    };
    if (!steve_layout_make_aligned(l, pieces, ALIGNED))
        return steve_layout_unmade;
    struct jeff_report price;
    const struct jeff_goal goal = {.dry_run = true};
    jeff_compact_goal(l->heap, &goal, &price);
    if (price.largest_before != steve_layout_bytes(NOW))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    return report.largest_after == steve_layout_bytes(THEN) && price.largest_after == report.largest_after
               ? NULL
               : "the run that an alignment leaves once all has slid is not made, or another one is taken for it";
}

/* Settling */

/// What lies in the way is looked at, and the block itself is not counted to it.
static const char *probe_settle_looks(struct layout *l)
{
    enum { WITHIN = 3, ALL = 7 }; // with what fills the heap
    static const struct layout_piece pieces[] = {{FREE, 1, 0}, {MOVABLE, 1, 0}, {MOVABLE, 30, 0}, {PINNED, 1, 0},
                                                 {FREE, 1, 0}, {PINNED, 1, 0},  {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_stats was = steve_layout_stats(l);
    const bool settled = jeff_settle(l->heap, l->handle[2]);
    const struct jeff_stats is = steve_layout_stats(l);
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
        return steve_layout_unmade;
    const bool settled = jeff_settle(l->heap, l->handle[8]);
    return settled && steve_layout_stats(l).moved_blocks == 1 ? NULL
                                                              : "something else moves than the block that is settled";
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
        return steve_layout_unmade;
    const struct jeff_stats was = steve_layout_stats(l);
    const bool settled = jeff_settle(l->heap, l->handle[count - 1]);
    const uint64_t looks = steve_layout_stats(l).visited_blocks - was.visited_blocks;
    if (!settled || steve_layout_stats(l).moved_blocks != 0)
        return "a block that lies well is not settled, or something moves";
    // On the way to its own place, at each place that is priced, and when free runs are put into bins.
    const uint64_t walks = LOOKED_AT + 2;
    return looks <= (walks + 1) * (count + 1) && looks >= walks * count
               ? NULL
               : "to settle a block more is looked at than for a few places, or it is not counted";
}

/// What lies in the way goes into the same free run that the block settles in, above it.
static const char *probe_settle_in_run(struct layout *l)
{
    static const struct layout_piece pieces[] = {{MOVABLE, 3, 0}, {FREE, 20, 0},  {PINNED, 1, 0}, {FREE, 1, 0},
                                                 {MOVABLE, 5, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    void *lowest = NULL;
    void *own = NULL;
    jeff_extent(l->heap, l->handle[0], &lowest);
    const bool settled = jeff_settle(l->heap, l->handle[4]);
    jeff_extent(l->heap, l->handle[4], &own);
    return settled && own == lowest && steve_layout_stats(l).moved_blocks == 2
               ? NULL
               : "a block is not settled where the rest of a free run takes what lies in its way";
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
            return steve_layout_unmade;
        jeff_extent(l->heap, l->handle[1], &other);
        jeff_extent(l->heap, l->handle[2], &own);
        if ((char *)own - (char *)other != (ptrdiff_t)OTHER * GRANULE)
            continue; // its alignment has left a gap
        const bool settled = jeff_settle(l->heap, l->handle[2]);
        jeff_extent(l->heap, l->handle[2], &own);
        return settled && steve_layout_stats(l).moved_blocks == 2 &&
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
        return steve_layout_unmade;
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
        return steve_layout_unmade;
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
        return steve_layout_unmade;
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
        return steve_layout_unmade;
    static const uint32_t freed[] = {5, 2, 0, 1}; // large ones are holes at once, and the last of them is tried first
    for (size_t i = 0; i < sizeof freed / sizeof freed[0]; i++)
        jeff_free(l->heap, l->handle[first + freed[i]]);
    for (uint32_t i = 0; i < first; i += 2)
        jeff_free(l->heap, l->handle[i]);
    return jeff_malloc(l->heap, steve_layout_bytes(300)) == JEFF_NULL
               ? NULL
               : "a request is served for which there is no room";
}

/// Above a hole lies a freed block, then a hole, then a block that goes elsewhere: merged and moved they make room, and no more is looked at.
static const char *probe_merged_and_moved(struct layout *l)
{
    enum { CRUMBS = 20 };
    static const struct layout_piece crumb[] = {{MOVABLE, 1, 0}, {PINNED, 1, 0}};
    static const struct layout_piece rest[] = {{MOVABLE, 130, 0}, {MOVABLE, 5, 0}, {MOVABLE, 130, 0},
                                               {MOVABLE, 30, 0},  {PINNED, 1, 0},  {MOVABLE, 130, 0},
                                               {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t first = steve_layout_repeat(pieces, 0, crumb, 2, CRUMBS);
    steve_layout_repeat(pieces, first, rest, sizeof rest / sizeof rest[0], 1);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    static const uint32_t freed_first[] = {5, 2, 0, 1};
    for (size_t i = 0; i < sizeof freed_first / sizeof freed_first[0]; i++)
        jeff_free(l->heap, l->handle[first + freed_first[i]]);
    for (uint32_t i = 0; i < first; i += 2)
        jeff_free(l->heap, l->handle[i]);
    const uint64_t looks = steve_layout_looks(l);
    const bool served = jeff_malloc(l->heap, steve_layout_bytes(290)) != JEFF_NULL;
    return served && steve_layout_looks(l) == looks && steve_layout_stats(l).moved_blocks == 1
               ? NULL
               : "a request for which one block is merged and one moved looks at more, or is refused";
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
        return steve_layout_unmade;
    const uint64_t looks = steve_layout_looks(l);
    const bool served = jeff_malloc(l->heap, steve_layout_bytes(8)) != JEFF_NULL;
    return served && steve_layout_looks(l) != looks
               ? NULL
               : "more holes are looked at for a request than it is worth, or it is refused";
}

/// A run that was made is found among others of its class that are too small.
static const char *probe_made_among_others(struct layout *l)
{
    enum { OTHERS = 8 };
    static const struct layout_piece window[] = {
        {MOVABLE, 9, 0}, {FREE, 30, 0}, {PINNED, 1, 0}, {FREE, 9, 0}, {PINNED, 1, 0}};
    static const struct layout_piece other[] = {{FREE, 33, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, 0, window, 5, 1), other, 2, OTHERS);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    return jeff_malloc(l->heap, steve_layout_bytes(39)) != JEFF_NULL
               ? NULL
               : "a request is refused although a run was made for it";
}

/// What is known of the largest run outlives a request that is larger than all free memory.
static const char *probe_still_known(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 40, 0}, {PINNED, 1, 0}, {MOVABLE, 60, 0},
                                                 {PINNED, 1, 0}, {FREE, 2, 0},  {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    steve_layout_reach(l, 0, 0);
    const uint64_t looks = steve_layout_looks(l);
    const bool refused = jeff_malloc(l->heap, steve_layout_bytes(500)) == JEFF_NULL;
    steve_layout_reach(l, 0, 0);
    return refused && steve_layout_looks(l) == looks
               ? NULL
               : "the largest run is looked for again although nothing has changed";
}

/// Contents are dropped while freed blocks are still kept whole: of those there is nothing to drop.
static const char *probe_dropped_among_kept(struct layout *l)
{
    enum { CRUMBS = 60, LARGE = 300 };
    static const struct layout_piece crumb[] = {{MOVABLE, 1, 0}, {PINNED, 1, 0}};
    static const struct layout_piece large[] = {{MOVABLE, LARGE, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t count = steve_layout_repeat(pieces, 0, crumb, 2, CRUMBS);
    steve_layout_repeat(pieces, count, large, 2, 1);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    jeff_set_purgeable(l->heap, l->handle[count], true);
    for (uint32_t i = 0; i < count; i += 2)
        jeff_free(l->heap, l->handle[i]);
    const bool served = jeff_malloc(l->heap, steve_layout_bytes(LARGE - 20)) != JEFF_NULL;
    return served && steve_layout_stats(l).moved_blocks == 0
               ? NULL
               : "a request is refused although contents may be dropped for it";
}

/// A call was broken off, and a request needs all of the free memory.
static const char *probe_request_after_pause(struct layout *l)
{
    static const struct layout_piece pieces[] = {{MOVABLE, 5, 0},   {FREE, 9, 0}, {MOVABLE, 300, 0}, {FREE, 9, 0},
                                                 {MOVABLE, 290, 0}, {FREE, 9, 0}, {MOVABLE, 280, 0}, {FREE, 9, 0},
                                                 {PINNED, 1, 0},    {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true) || steve_layout_reach(l, LAYOUT_BEYOND, 6000).stop != JEFF_STOP_BUDGET)
        return steve_layout_unmade;
    jeff_free(l->heap, l->handle[0]); // far below where that call has stopped
    const bool served = jeff_malloc(l->heap, steve_layout_bytes(5 + 4 * 9)) != JEFF_NULL;
    return served ? NULL : "a request is refused although a compaction makes room for it";
}

const char *steve_jeff_probe_plans(void)
{
    static const char *(*const probes[])(struct layout *) = {
        probe_no_gain,
        probe_not_worth_a_slide,
        probe_worth_a_slide,
        probe_second_of_class,
        probe_settle_looks,
        probe_settle_in_vain,
        probe_settle_in_run,
        probe_settle_places,
        probe_settle_aligned,
        probe_refused,
        probe_beyond_kept,
        probe_beyond_merged,
        probe_merged_in_vain,
        probe_many_holes,
        probe_merged_and_moved,
        probe_wanted_after_largest,
        probe_many_runs,
        probe_gap,
        probe_tail,
        probe_tail_taken,
        probe_tail_wanted,
        probe_made_among_others,
        probe_still_known,
        probe_dropped_among_kept,
        probe_request_after_pause,
        probe_gap_by_sliding,
    };
    return steve_layout_try(probes, sizeof probes / sizeof probes[0], false);
}
