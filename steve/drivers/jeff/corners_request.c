/// Corners of requests, of frees and of settled blocks: which holes are looked at, what a nudge moves, when what is kept whole is merged, in
/// heaps that chance hardly makes.
#include "steve/drivers/jeff/probe_internal.h"

#include "steve/drivers/jeff/layout_internal.h"

#define GRANULE LAYOUT_GRANULE

static jeff_handle ask(const struct layout *l, uint32_t granules)
{
    return jeff_malloc(l->heap, steve_layout_bytes(granules));
}

static void *begin_of(const struct layout *l, jeff_handle handle)
{
    void *begin = NULL;
    jeff_extent(l->heap, handle, &begin);
    return begin;
}

/* Holes of one class, of which the last one tried holds the block */

static const struct layout_piece too_small[] = {{FREE, 8, 0}, {PINNED, 1, 0}};
enum { HOLDS = 9, TRIED = 4 };

/// After the blocks that are kept whole were merged no more holes are tried than before: all of them are when the heap was looked at.
static const char *probe_few_holes(struct layout *l)
{
    enum { CRUMBS = 17 }; // one more than are merged before the blocks in the way are looked at
    static const struct layout_piece crumb[] = {{MOVABLE, 1, 0}, {PINNED, 1, 0}};
    static const struct layout_piece holds[] = {{FREE, HOLDS, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    const uint32_t crumbs = steve_layout_repeat(pieces, 0, crumb, 2, CRUMBS);
    steve_layout_repeat(pieces, steve_layout_repeat(pieces, crumbs, holds, 2, 1), too_small, 2, TRIED);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    for (uint32_t i = 0; i < crumbs; i += 2)
        jeff_free(l->heap, l->handle[i]);
    const uint64_t looks = steve_layout_looks(l);
    return ask(l, HOLDS) != JEFF_NULL && steve_layout_looks(l) != looks
               ? NULL
               : "more holes of a class are tried than a few before the heap is looked at, or not all then";
}

/// The run that a plan has made is found, however many holes of its class are too small.
static const char *probe_planned_hole(struct layout *l)
{
    static const struct layout_piece end = {PINNED, 1, 0};
    static const struct layout_piece block = {MOVABLE, 1, 0};
    static const struct layout_piece room[] = {{FREE, 5, 0}, {PINNED, 1, 0}, {FREE, 4, 0}, {PINNED, 1, 0}};
    struct layout_piece pieces[LAYOUT_PIECES];
    uint32_t count = steve_layout_repeat(pieces, 0, &end, 1, 1);
    count = steve_layout_repeat(pieces, count, &block, 1, HOLDS);
    count = steve_layout_repeat(pieces, count, &end, 1, 1);
    count = steve_layout_repeat(pieces, count, room, 4, 1);
    steve_layout_repeat(pieces, count, too_small, 2, TRIED + 1);
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    return ask(l, HOLDS) != JEFF_NULL && steve_layout_stats(l).moved_blocks == HOLDS
               ? NULL
               : "a request does not get the run that was made for it";
}

/* Nudges */

/// @return whether a hole on each side of a block is enough, without a look at the heap
static bool is_nudged(struct layout *l, uint32_t granules)
{
    const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 5, 0},   {MOVABLE, granules, 0},
                                          {FREE, 5, 0},   {PINNED, 1, 0}, {END, 0, 0}};
    jeff_destroy(l->heap);
    if (!steve_layout_open(l, false) || !steve_layout_make(l, pieces, true))
        return false;
    const uint64_t looks = steve_layout_looks(l);
    return ask(l, 10) != JEFF_NULL && steve_layout_looks(l) == looks && steve_layout_stats(l).moved_blocks == 1;
}

/// A block of up to 4 KiB is cheap to move.
static const char *probe_cheap(struct layout *l)
{
    enum { CHEAP = 256 };
    if (!is_nudged(l, CHEAP))
        return "the heap is looked at for a request for which it is enough to move one block of 4 KiB";
    return is_nudged(l, CHEAP + 1) ? "a block of more than 4 KiB is moved for a small request" : NULL;
}

/// No block is moved on a chance that what it leaves has a place with the alignment that is asked for.
static const char *probe_aligned(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 5, 0},   {MOVABLE, 3, 0},
                                                 {FREE, 5, 0},   {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const uint64_t looks = steve_layout_looks(l);
    const size_t alignment = 2 * (size_t)GRANULE;
    return jeff_aligned_alloc(l->heap, alignment, steve_layout_bytes(7)) != JEFF_NULL && steve_layout_looks(l) != looks
               ? NULL
               : "a block is moved for an alignment before the heap is looked at, or a request is refused";
}

/* What is known */

/// What was found to be the largest run that can be had remains known when something is refused that is larger than all free memory.
static const char *probe_reached(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 5, 0},   {MOVABLE, 3, 0},
                                                 {FREE, 5, 0},   {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    steve_layout_reach(l, 0, 0);
    const uint64_t looks = steve_layout_looks(l);
    const bool refused = ask(l, 1000) == JEFF_NULL;
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    return refused && report.largest_after == steve_layout_bytes(10) && steve_layout_looks(l) == looks
               ? NULL
               : "the heap is looked at again for the largest run although nothing has come free";
}

/// A hole that a block is being copied into is free memory as long as it is not whole there.
static const char *probe_halfway_largest(struct layout *l)
{
    enum { LARGE = 600 };
    static const struct layout_piece pieces[] = {{FREE, LARGE, 0}, {MOVABLE, LARGE, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    const struct jeff_report report = steve_layout_reach(l, LAYOUT_BEYOND, 2000);
    if (report.stop != JEFF_STOP_BUDGET || report.moved_bytes == 0 || report.moved_blocks != 0)
        return "a large block does not move in pieces";
    return report.largest_after == steve_layout_bytes(LARGE)
               ? NULL
               : "the hole that a block is being copied into does not count as free memory";
}

/// A block whose notes of a plan stand behind its record: what a callback has freed waits until it is merged.
static void free_large(struct layout *l, jeff_handle handle)
{
    (void)handle;
    for (uint32_t i = 0; i < l->count; i++)
        if (jeff_usable_size(l->heap, l->handle[i]) > steve_layout_bytes(130) - GRANULE)
            jeff_free(l->heap, l->handle[i]);
}

/// A dry run leaves everything as it was, also the record of a large block that is freed and not merged yet.
static const char *probe_dry_run_of_kept(struct layout *l)
{
    enum { LARGE = 130, WANTED = 136 };
    static const struct layout_piece pieces[] = {
        {PINNED, 1, 0},      {FREE, 5, 0},   {MOVABLE, 3, 0},     {FREE, 5, 0},      {PINNED, 1, 0},
        {MOVABLE, LARGE, 0}, {PINNED, 1, 0}, {MOVABLE, 36, 0},    {MOVABLE, 100, 0}, {PINNED, 1, 0},
        {MOVABLE, LARGE, 0}, {PINNED, 1, 0}, {MOVABLE, LARGE, 0}, {PINNED, 1, 0},    {MOVABLE, LARGE, 0},
        {PINNED, 1, 0},      {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    l->moved = free_large;
    const bool served = ask(l, 10) != JEFF_NULL;
    l->moved = NULL;
    const struct jeff_goal goal = {.wanted_bytes = steve_layout_bytes(WANTED), .dry_run = true};
    struct jeff_report report;
    jeff_compact_goal(l->heap, &goal, &report);
    return served && report.stop == JEFF_STOP_GOAL && report.moved_blocks == 2
               ? NULL
               : "blocks that a callback has freed are no room for others";
}

/* Plans */

/// Where nearly all of the heap is one free run, no stretch that is smaller is planned for a larger one.
static const char *probe_all_but_free(struct layout *l)
{
    enum { HEADERS = 3 };
    static const struct layout_piece pieces[] = {{FREE, 2, 0}, {MOVABLE, 1, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    const uint64_t looks = steve_layout_looks(l);
    const struct jeff_report report = steve_layout_reach(l, 0, 0);
    // Free runs are counted, the one with most is found, stretches are, and what is in each that may be planned.
    return report.moved_blocks == 0 && steve_layout_looks(l) - looks <= 4 * HEADERS
               ? NULL
               : "a stretch is planned for a larger run than it has room for";
}

/// Calls with a budget, whatever it is, do not end before a plan is made of which one block was moved: the time was not enough for the next,
/// but for a smaller one that lies above.
static const char *probe_each_budget(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 1, 0},      {MOVABLE, 1, 0}, {PINNED, 1, 0}, {MOVABLE, 40, 0},
                                                 {MOVABLE, 100, 0}, {MOVABLE, 2, 0}, {PINNED, 1, 0}, {FREE, 100, 0},
                                                 {PINNED, 1, 0},    {FREE, 40, 0},   {PINNED, 1, 0}, {END, 0, 0}};
    enum { WANTED = 140, FROM = 500, TO = 6000, STEP = 50, CALLS_MOST = 40 };
    for (uint64_t budget_ns = FROM; budget_ns < TO; budget_ns += STEP) {
        jeff_destroy(l->heap);
        if (!steve_layout_open(l, false) || !steve_layout_make(l, pieces, true))
            return steve_layout_unmade;
        struct jeff_report report;
        uint32_t calls = 0;
        do {
            report = steve_layout_reach(l, WANTED, budget_ns);
        } while (report.stop == JEFF_STOP_BUDGET && ++calls < CALLS_MOST);
        if (report.stop != JEFF_STOP_GOAL && report.moved_blocks != 0)
            return "a call that has broken a plan off does not say so";
    }
    return NULL;
}

/* Settling */

/// What lies in the way finds room in what the settled block leaves over of the free run beside it.
static const char *probe_settle_beside(struct layout *l)
{
    static const struct layout_piece pieces[] = {{MOVABLE, 3, 0}, {FREE, 6, 0},   {PINNED, 1, 0}, {FREE, 1, 0},
                                                 {MOVABLE, 4, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    void *const start = begin_of(l, l->handle[0]);
    return jeff_settle(l->heap, l->handle[4]) && begin_of(l, l->handle[4]) == start &&
                   steve_layout_stats(l).moved_blocks == 2
               ? NULL
               : "a block is not settled where another one would only have to move over";
}

static void lock_it(struct layout *l, jeff_handle handle)
{
    jeff_lock(l->heap, handle);
}

static void free_it(struct layout *l, jeff_handle handle)
{
    jeff_free(l->heap, handle);
}

/// A block that comes to the second place first, and to the lowest one then: what it leaves is room for what lies there.
enum { SETTLED = 6 };
static const struct layout_piece twice[] = {{PINNED, 1, 0},  {MOVABLE, 9, 0}, {PINNED, 1, 0},
                                            {FREE, 5, 0},    {PINNED, 1, 0},  {FREE, 4, 0},
                                            {MOVABLE, 5, 0}, {PINNED, 1, 0},  {END, 0, 0}};

/// A block that has come to a lower place, and is locked or freed there, is not settled any lower, though its old place is room for what lies
/// in the way now.
static const char *settle_once(struct layout *l, void (*moved)(struct layout *l, jeff_handle handle))
{
    if (!steve_layout_make(l, twice, true))
        return steve_layout_unmade;
    l->moved = moved;
    jeff_settle(l->heap, l->handle[SETTLED]);
    l->moved = NULL;
    const uint64_t once = steve_layout_stats(l).moved_blocks;
    if (jeff_lock_count(l->heap, l->handle[SETTLED]) == 0)
        return once == (moved == NULL ? 3 : 1) ? NULL : "something moves for a block that was freed";
    return once == 1 ? NULL : "a block is settled again that a callback has locked";
}

static const char *probe_settle_twice(struct layout *l)
{
    return settle_once(l, NULL);
}

static const char *probe_settle_locked(struct layout *l)
{
    return settle_once(l, lock_it);
}

static const char *probe_settle_freed(struct layout *l)
{
    return settle_once(l, free_it);
}

static jeff_handle own_handle;

static void lock_settled(struct layout *l, jeff_handle handle)
{
    if (handle != own_handle)
        jeff_lock(l->heap, own_handle);
}

/// It is locked only when what lies in the way of the lower place has gone: it lies well all the same, where it came to first.
static const char *probe_settle_locked_late(struct layout *l)
{
    if (!steve_layout_make(l, twice, true))
        return steve_layout_unmade;
    own_handle = l->handle[SETTLED];
    const char *const was = begin_of(l, own_handle);
    l->moved = lock_settled;
    const bool done = jeff_settle(l->heap, own_handle);
    l->moved = NULL;
    return done && (const char *)begin_of(l, own_handle) < was && steve_layout_stats(l).moved_blocks == 2
               ? NULL
               : "a block that has come to lie well is not settled because it is locked then";
}

/// A block with pages of its own is in nobody's way.
static const char *probe_settle_pages(void)
{
    const struct jeff_config config = {.own_mapping = 8192, .handle_salt = 1};
    jeff_heap *heap = jeff_create((size_t)1 << 20, &config, NULL);
    if (heap == NULL)
        return NULL; // the system has nothing to give
    jeff_malloc(heap, 100);
    const jeff_handle own = jeff_malloc(heap, 16384);
    struct jeff_stats stats;
    const bool settled = own == JEFF_NULL || jeff_settle(heap, own);
    jeff_stats(heap, &stats);
    jeff_destroy(heap);
    return settled && stats.moved_blocks == 0 ? NULL : "something moves for a block that has pages of its own";
}

/* What is kept whole */

#define TALLY     0x1feu ///< a free counts what is kept whole if the next generation has none of these bits
#define KEPT_MOST (262144u / GRANULE)

static bool count(void *context, const struct jeff_block *block)
{
    *(uint32_t *)context += block->kind == JEFF_BLOCK_FREE;
    return true;
}

static uint32_t free_pieces(jeff_heap *heap)
{
    uint32_t pieces = 0;
    jeff_walk(heap, count, &pieces);
    return pieces;
}

static bool is_counted(jeff_handle handle)
{
    return ((handle + 1) & TALLY) == 0;
}

/// However much is kept whole, nothing is merged before a slot has its turn to count it, be it the lowest slot that is freed, or had
/// another its turn before.
static const char *keep_much(jeff_heap *heap)
{
    enum { BLOCKS = 170, SIZE = 126, ROUNDS = 256 };
    jeff_handle blocks[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        blocks[i] = jeff_malloc(heap, steve_layout_bytes(SIZE));
        if (blocks[i] == JEFF_NULL)
            return steve_layout_unmade;
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        jeff_free(heap, blocks[0]);
        blocks[0] = jeff_malloc(heap, steve_layout_bytes(SIZE)); // it has had its turn once, then
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i + 1 < BLOCKS; i++)
        kept += !is_counted(blocks[i]) && jeff_free(heap, blocks[i]);
    const jeff_handle last = blocks[BLOCKS - 1]; // of the lowest slot
    kept += is_counted(last) ? 0 : jeff_free(heap, last);
    if (kept * SIZE <= KEPT_MOST)
        return steve_layout_unmade;
    return free_pieces(heap) == kept ? NULL : "blocks that are kept whole are merged before it is time to count them";
}

static const char *probe_kept(void)
{
    enum { HEAP = 384 * 1024 };
    static _Alignas(4096) char memory[HEAP];
    const struct jeff_config config = {.handle_salt = 1};
    jeff_heap *heap = jeff_init(memory, sizeof memory, &config, NULL);
    const char *const wrong = heap == NULL ? steve_layout_unmade : keep_much(heap);
    jeff_destroy(heap);
    return wrong;
}

const char *steve_jeff_probe_requests(void)
{
    static const char *(*const probes[])(struct layout *) = {
        probe_few_holes,       probe_planned_hole, probe_cheap,       probe_aligned,       probe_reached,
        probe_halfway_largest, probe_all_but_free, probe_each_budget, probe_settle_beside, probe_settle_twice,
    };
    static const char *(*const told[])(struct layout *) = {probe_dry_run_of_kept, probe_settle_locked,
                                                           probe_settle_freed, probe_settle_locked_late};
    const char *wrong = steve_layout_try(probes, sizeof probes / sizeof probes[0], false);
    if (wrong == NULL)
        wrong = steve_layout_try(told, sizeof told / sizeof told[0], true);
    if (wrong == NULL)
        wrong = probe_settle_pages();
    return wrong == NULL ? probe_kept() : wrong;
}
