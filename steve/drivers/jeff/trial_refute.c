/// Damage that is made for one test of jeff_check() each: all that another test would notice is made to agree, so that what is wrong
/// is told by that one alone, and the address must be that of the word which the others refute. And what looks odd, but is sound.
///
/// trial_damage.c draws words and values; what it damages is noticed by several tests at once, as a rule. The heap lies right against
/// memory that faults, above or below it: the check reads nothing outside.
/// Here are the heaps, and which cases are tried on each; what the cases do is in refute_*.c.
#define _DEFAULT_SOURCE
#include "steve/drivers/jeff/refute_internal.h"

#include <sys/mman.h>

#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/probe_internal.h"

#define WALL  ((size_t)65536) ///< no system has larger pages
#define BYTES ((size_t)12288)
#define CASES 24u   ///< of one heap, drawn
#define OWN   4096u ///< blocks of so many bytes have pages of their own
#define LARGE 30000u
#define DIRTY 0xa7
#define BLANK 0xa5a5a5a5u ///< no slot, no place and no size

/// Memory between pages that fault; NULL if the system has none.
static char *walled(void)
{
    static char *begin;
    if (begin == NULL) {
        char *const all = mmap(NULL, 3 * WALL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED || mprotect(all + WALL, WALL, PROT_READ | PROT_WRITE) != 0) {
            return NULL;
        }
        begin = all + WALL;
    }
    return begin;
}

static uint32_t slot_of_block(const struct refute *r, jeff_handle handle)
{
    if (handle == JEFF_NULL) {
        steve_jeff_trial_note(r->trial, "a heap of a trial refuses what it has room for");
        return NIL;
    }
    return slot_of(handle);
}

static jeff_handle make(const struct refute *r, uint32_t granules)
{
    return jeff_malloc(r->h, block_capacity(granules, granules > CLASS_MAX));
}

/// A block whose contents were dropped for another one, which is gone.
static void make_purged(struct refute *r, size_t bytes)
{
    const jeff_handle doomed = jeff_aligned_alloc(r->h, (size_t)64 << steve_jeff_trial_below(r->trial, 4), bytes / 2);
    jeff_set_purgeable(r->h, doomed, true);
    const jeff_handle other = jeff_malloc(r->h, bytes / 2);
    r->purged = jeff_weak_lock(r->h, doomed) == NULL ? slot_of_block(r, doomed) : NIL;
    jeff_free(r->h, other);
}

/// What was left behind in memory that nobody has written to since may look like a header.
static void blank(const struct refute *r)
{
    const struct jeff_heap *h = r->h;
    uint32_t size;
    for (uint32_t begin = h->first; begin < h->top; begin += size) {
        const uint32_t is = header_of(h, begin);
        const struct entry *e = is_hole(is) ? NULL : entry_at(h, is & SLOT_MASK);
        size = size_at(h, begin);
        const uint32_t words = size * (uint32_t)(GRANULE / WORD) - 1 - (e == NULL);
        for (uint32_t i = e == NULL ? 3 : class_of(is) == CLASS_WIDE ? 2 : 0; i < words; i++) {
            if (e == NULL || !is_live(e) || !(e->cw & CW_MAPPED)) {
                write_word(at(h, begin) + i * WORD, BLANK);
            }
        }
    }
}

/// Where holes are to be, blocks that no bin caches; what lies above the third one is merged into it, and leaves its slot behind.
static void fill(struct refute *r)
{
    const uint32_t binned = r->h->binned;
    const uint32_t sizes[REFUTE_ROW] = {
        2 + steve_jeff_trial_below(r->trial, 3), 1 + steve_jeff_trial_below(r->trial, 4),
        1 + steve_jeff_trial_below(r->trial, 4), 1,
        3 + steve_jeff_trial_below(r->trial, 2), 2 + steve_jeff_trial_below(r->trial, 3)};
    jeff_handle doomed[3];
    r->first = slot_of_block(r, make(r, 3));
    if (r->h->pages != NULL) {
        r->own[1] = slot_of_block(r, jeff_aligned_alloc(r->h, (size_t)2 * REFUTE_PAGE, OWN + 1000));
        r->own[0] = slot_of_block(r, jeff_malloc(r->h, OWN));
    }
    doomed[0] = make(r, binned + 2);
    r->between = slot_of_block(r, make(r, 3));
    doomed[1] = make(r, binned + 2);
    r->wide = slot_of_block(r, make(r, CLASS_MAX + 8));
    const jeff_handle cached = make(r, 6);
    r->even = slot_of_block(r, make(r, binned));
    doomed[2] = make(r, binned + 5);
    const jeff_handle dead = make(r, 2);
    for (size_t i = 0; i < REFUTE_ROW; i++) {
        r->row[i] = slot_of_block(r, make(r, sizes[i]));
    }
    const jeff_handle last = make(r, 1);
    r->cached = slot_of_block(r, cached);
    r->retired = slot_of_block(r, last);
    for (size_t i = 0; i < 3; i++) {
        r->hole[i] = slot_of_block(r, doomed[i]);
    }
    if (r->trial->wrong == NULL) {
        for (size_t i = 0; i < 3; i++) {
            r->hole[i] = steve_refute_start(r, r->hole[i]);
        }
        jeff_free(r->h, steve_jeff_age(r->h, last));
        jeff_free(r->h, dead);
        jeff_free(r->h, doomed[2]);
        jeff_free(r->h, doomed[0]);
        jeff_free(r->h, doomed[1]);
        jeff_free(r->h, cached);
        blank(r);
    }
}

static void nothing(void *context)
{
    (void)context;
}

/// A heap in a region, at either end of what there is, shared or not.
static void make_in_region(struct refute *r, bool shared)
{
    char *const memory = walled();
    const size_t bytes = BYTES - (size_t)16 * steve_jeff_trial_below(r->trial, 24);
    if (memory == NULL) {
        return;
    }
    char *const region = memory + steve_jeff_trial_below(r->trial, 2) * (WALL - bytes);
    memset(region, DIRTY, bytes);
    const struct jeff_config config = {
        .handle_salt = steve_jeff_trial_draw(r->trial) | 1, .now_ns = steve_jeff_trial_now, .context = r->trial};
    if (shared) {
        const struct jeff_mutex_hooks mutex = {nothing, nothing, nothing, NULL};
        const struct jeff_shared_config both = {.heap = config, .mutex = &mutex};
        jeff_shared *s = jeff_shared_init(region, bytes, &both, NULL);
        r->h = s == NULL ? NULL : heap_of(s);
        return;
    }
    r->h = jeff_init(region, bytes, &config, NULL);
}

static void make_shared(struct refute *r)
{
    make_in_region(r, true);
    if (r->h == NULL) {
        return;
    }
    jeff_shared *s = shared_of(r->h);
    r->purged = NIL;
    const jeff_handle doomed = jeff_shared_malloc(s, BYTES / 2, NULL);
    jeff_shared_set_purgeable(s, doomed, true, NULL);
    const jeff_handle other = jeff_shared_malloc(s, BYTES / 2, NULL);
    r->purged = slot_of_block(r, doomed);
    r->first = slot_of_block(r, jeff_shared_malloc(s, 40, NULL));
    const jeff_handle cached = jeff_shared_malloc(s, 90, NULL);
    jeff_shared_free(s, other, NULL);
    r->cached = slot_of_block(r, cached);
    jeff_shared_free(s, cached, NULL);
}

static void make_plain(struct refute *r)
{
    make_in_region(r, false);
    if (r->h != NULL) {
        make_purged(r, BYTES);
        fill(r);
    }
}

/// With pages of its own: all that there are, or some.
static void make_paged(struct refute *r)
{
    steve_jeff_trial_memory(0);
    r->trial->pages.page = REFUTE_PAGE;
    const struct jeff_page_hooks hooks = steve_jeff_trial_hooks(r->trial);
    const struct jeff_config config = {.handle_salt = steve_jeff_trial_draw(r->trial) | 1,
                                       .now_ns = steve_jeff_trial_now,
                                       .context = r->trial,
                                       .pages = &hooks,
                                       .own_mapping = OWN};
    r->h = jeff_create(BYTES + steve_jeff_trial_below(r->trial, 2) * 16 * BYTES, &config, NULL);
    if (r->h != NULL) {
        r->purged = NIL;
        fill(r);
    }
}

static uint64_t slow_clock(void *context)
{
    struct steve_jeff_trial *trial = context;
    return trial->clock_ns += 1000000;
}

static void make_halfway(struct refute *r)
{
    const struct jeff_config config = {
        .handle_salt = steve_jeff_trial_draw(r->trial) | 1, .now_ns = slow_clock, .context = r->trial};
    r->h = jeff_init(steve_jeff_trial_memory(0), 4 * LARGE, &config, NULL);
    if (r->h == NULL) {
        return;
    }
    const jeff_handle gap = jeff_malloc(r->h, LARGE + 1000);
    r->wide = slot_of_block(r, jeff_malloc(r->h, LARGE));
    r->first = slot_of_block(r, jeff_malloc(r->h, 100));
    jeff_free(r->h, gap);
    const struct jeff_goal goal = {.budget_ns = 1000};
    jeff_compact_goal(r->h, &goal, NULL);
    if (r->h->halfway_hole == 0) {
        steve_jeff_trial_note(r->trial, "a large block is not left halfway");
    }
}

struct one {
    void (*try)(struct refute *r);
    const char *wrong;
};

#define ALL(cases) cases, sizeof(cases) / sizeof(cases)[0]

static const struct one plain[] = {
    {steve_refute_case_where_it_begins, "jeff_check() misjudges where a heap begins"},
    {steve_refute_case_where_it_ends, "jeff_check() misjudges where a heap ends"},
    {steve_refute_case_layout, "jeff_check() misjudges the layout of a heap"},
    {steve_refute_case_state, "jeff_check() misjudges the state of a heap"},
    {steve_refute_case_busy, "jeff_check() of a heap that is busy says something else"},
    {steve_refute_case_bounds, "jeff_check() misjudges the bounds of blocks and table"},
    {steve_refute_case_counters, "jeff_check() misjudges a counter"},
    {steve_refute_case_cursor, "jeff_check() misjudges where a paused compaction goes on"},
    {steve_refute_case_live_flags, "jeff_check() misjudges the flags of a live slot"},
    {steve_refute_case_mapped_in_region, "jeff_check() passes over pages in a heap that has none"},
    {steve_refute_case_purged, "jeff_check() misjudges a purged slot"},
    {steve_refute_case_retired, "jeff_check() misjudges a retired slot"},
    {steve_refute_case_place_outside, "jeff_check() misjudges a slot whose block lies outside"},
    {steve_refute_case_place_of_another, "jeff_check() misjudges a slot whose block lies where another one does"},
    {steve_refute_case_size_of_small, "jeff_check() misjudges which of two sizes is right"},
    {steve_refute_case_swallows, "jeff_check() misjudges a block that holds others"},
    {steve_refute_case_leads_into_middle, "jeff_check() misjudges a header that leads into the middle of a block"},
    {steve_refute_case_lost, "jeff_check() misjudges a slot that has lost its block"},
    {steve_refute_case_lowest, "jeff_check() misjudges damage to the lowest block"},
    {steve_refute_case_wide_of_one, "jeff_check() passes over a large block without room"},
    {steve_refute_case_alignment, "jeff_check() misjudges the alignment of a block"},
    {steve_refute_case_hole_sizes, "jeff_check() misjudges the size of a hole"},
    {steve_refute_case_small_holes, "jeff_check() misjudges a small hole"},
    {steve_refute_case_highest_hole, "jeff_check() passes over a hole right below the top"},
    {steve_refute_case_two_holes, "jeff_check() passes over two holes side by side"},
    {steve_refute_case_marked_above, "jeff_check() misjudges what says that a hole lies below it"},
    {steve_refute_case_map_of_bins, "jeff_check() misjudges the map of bins"},
    {steve_refute_case_bin_leads_astray, "jeff_check() misjudges a bin that leads astray"},
    {steve_refute_case_links_of_holes, "jeff_check() misjudges the links of holes"},
    {steve_refute_case_hole_beside_halfway, "jeff_check() misjudges the hole that a block is being copied into"},
    {steve_refute_case_free_lists, "jeff_check() misjudges a list of free slots"},
    {steve_refute_case_deferred, "jeff_check() misjudges blocks that are to be merged later"},
};

static const struct one paged[] = {
    {steve_refute_case_page_bounds, "jeff_check() misjudges the bounds of a heap's pages"},
    {steve_refute_case_list_of_own, "jeff_check() misjudges the list of blocks with pages of their own"},
    {steve_refute_case_own_pages, "jeff_check() misjudges what a block knows of its pages"},
    {steve_refute_case_too_small_for_own,
     "jeff_check() passes over a block that is too small to have pages of its own"},
};

static const struct one of_halfway[] = {
    {steve_refute_case_halfway, "jeff_check() misjudges a block that is halfway to elsewhere"}};

static const struct one shared[] = {
    {steve_refute_case_gates, "jeff_check() misjudges a gate"},
    {steve_refute_case_state, "jeff_check() misjudges the state of a shared heap"},
};

static void try_some(struct refute *r, const struct one *cases, uint32_t count, uint32_t most)
{
    for (uint32_t i = 0; i < most && r->trial->wrong == NULL; i++) {
        const struct one *const one = &cases[steve_jeff_trial_below(r->trial, count)];
        r->about = one->wrong;
        one->try(r);
    }
}

void steve_jeff_trial_refute(struct steve_jeff_trial *trial)
{
    static const struct {
        void (*make)(struct refute *r);
        const struct one *cases;
        uint32_t count;
        uint32_t most;
    } kinds[] = {
        {make_plain, ALL(plain), CASES},     {make_plain, ALL(plain), CASES},    {make_plain, ALL(plain), CASES},
        {make_paged, ALL(paged), CASES / 4}, {make_halfway, ALL(of_halfway), 1}, {make_shared, ALL(shared), 2},
    };
    const uint32_t kind = steve_jeff_trial_below(trial, sizeof kinds / sizeof kinds[0]);
    struct refute r = {.trial = trial};
    kinds[kind].make(&r);
    if (r.h == NULL) {
        return; // the system has no walls to give
    }
    r.about = "jeff_check() finds something in a heap that is sound";
    steve_refute_sound(&r);
    try_some(&r, kinds[kind].cases, kinds[kind].count, kinds[kind].most);
    if (r.h->pages != NULL) {
        try_some(&r, ALL(plain), CASES / 2);
    }
    struct jeff_stats stats;
    jeff_stats(r.h, &stats);
    if (stats.table_bytes / sizeof(struct entry) != 1 + stats.live_blocks + stats.spare_handles + r.h->retired_count) {
        steve_jeff_trial_note(trial, "the slots of a heap are neither of live blocks nor spare ones");
    }
    r.about = "a heap that was damaged and put right is no longer sound";
    steve_refute_sound(&r);
    if (is_shared(r.h)) {
        jeff_shared_destroy(shared_of(r.h));
        return;
    }
    jeff_destroy(r.h);
}
