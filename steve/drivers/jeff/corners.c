/// Corners that no op comes to, and chance hardly: each is a heap of its own that is brought there, and what must hold then.
#define _GNU_SOURCE
#include "steve/drivers/jeff/probe_internal.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff/refusing_pages_internal.h"

enum { HEAP = 96 * 1024 };

static _Alignas(1024) char memory[HEAP];

static uint64_t clock_ns;

/// A clock of which each look takes longer than any budget here.
static uint64_t tick(void *context)
{
    (void)context;
    return clock_ns += 1000000;
}

/* Handles and sizes */

static const char *probe_forged_handle(jeff_heap *heap)
{
    const jeff_handle freed = jeff_malloc(heap, 40);
    jeff_free(heap, freed);
    // The slot is free, of the next generation, and of the class that it had.
    const jeff_handle forged = freed + 1;
    return jeff_lock(heap, forged) == NULL && !jeff_free(heap, forged) && jeff_last_status(heap) == JEFF_ERROR_HANDLE
               ? NULL
               : "the handle of a free slot was taken for that of a block";
}

static const char *probe_no_bytes(jeff_heap *heap)
{
    const jeff_handle empty = jeff_calloc(heap, 5, 0);
    const bool sound = empty != JEFF_NULL && jeff_lock(heap, empty) != NULL && jeff_unlock(heap, empty);
    return sound && jeff_free(heap, empty) ? NULL : "calloc() of elements without bytes gives no empty block";
}

static const char *probe_purged(jeff_heap *heap)
{
    const jeff_handle purged = jeff_malloc(heap, HEAP / 2);
    jeff_set_purgeable(heap, purged, true);
    const jeff_handle large = jeff_malloc(heap, HEAP / 2);
    void *begin = NULL;
    const bool sound = large != JEFF_NULL && jeff_usable_size(heap, purged) == 0 &&
                       jeff_extent(heap, purged, &begin) == 0 && jeff_free(heap, purged) && jeff_free(heap, large);
    return sound ? NULL : "a purged block has a size, or is not purged";
}

/// A slot that was dropped shortly before its generations were used up: what comes in its place goes on from there.
static const char *probe_last_generations(jeff_heap *heap)
{
    const jeff_handle before = jeff_malloc(heap, 40);
    uint32_t *entry = jeff_inline_entry(heap, before);
    const jeff_handle old = before | (UINT32_MAX - 4);
    jeff_inline_set_word(entry, jeff_inline_word(entry) | (UINT32_MAX - 4));
    if (!jeff_free(heap, old) || jeff_compact(heap, 0) != JEFF_STOP_DONE) {
        return "a block of one of the last generations cannot be freed";
    }
    const jeff_handle next = jeff_malloc(heap, 40);
    const bool sound = next != JEFF_NULL && (next & UINT32_MAX) > (old & UINT32_MAX) && !jeff_free(heap, old);
    return sound && jeff_free(heap, next) ? NULL : "a slot begins anew with generations that it has had";
}

/* Budgets */

/// Exactly so many free stretches lie below a large block that the clock is due when it is to move, and says that the time is over: something
/// must be done all the same, or the next call would find as much to do.
static const char *probe_late_look(jeff_heap *heap)
{
    enum { SMALL = 6, LARGE = 30000 };
    jeff_handle small[SMALL];
    for (size_t i = 0; i < SMALL; i++) {
        small[i] = jeff_malloc(heap, 24);
    }
    const jeff_handle gap = jeff_malloc(heap, LARGE);
    const jeff_handle large = jeff_malloc(heap, LARGE);
    const void *was = jeff_weak_lock(heap, large);
    jeff_free(heap, gap);
    for (size_t i = 0; i < SMALL; i++) {
        jeff_free(heap, small[i]);
    }
    struct jeff_report report = {0};
    const struct jeff_goal goal = {.budget_ns = 1};
    for (unsigned i = 0; i < 100 && jeff_compact_goal(heap, &goal, &report) == JEFF_STOP_BUDGET; i++) {
        if (report.moved_bytes == 0) {
            return "a call with a budget leaves as much to do as it has found";
        }
    }
    const bool moved = jeff_weak_lock(heap, large) != was;
    return moved && jeff_free(heap, large) ? NULL : "a large block is never moved within budgets, however many";
}

/// A clock that takes longer with each look than the budget: what ending a call takes is learned, and bounded.
static const char *probe_slow_end(jeff_heap *heap)
{
    enum { BLOCKS = 200 };
    const struct jeff_goal goal = {.budget_ns = 1000000};
    jeff_handle blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = jeff_malloc(heap, 40);
    }
    for (size_t i = 0; i < BLOCKS; i += 2) {
        jeff_free(heap, blocks[i]);
        jeff_compact_goal(heap, &goal, NULL);
    }
    for (size_t i = 1; i < BLOCKS; i += 2) {
        if (!jeff_free(heap, blocks[i])) {
            return "a block was lost under a clock that is slow to look at";
        }
    }
    return NULL;
}

/* Blocks that are halfway to elsewhere */

/// What the callback `moved` does.
static struct {
    jeff_heap *heap;
    jeff_handle to_free; ///< JEFF_NULL: nothing
    jeff_handle to_unlock[2];
} called;

static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    jeff_free(called.heap, called.to_free);
    for (size_t i = 0; i < 2; i++) {
        jeff_unlock(called.heap, called.to_unlock[i]);
    }
}

enum { HALFWAY_BYTES = 30000, HALFWAY_MARK = 0x77 };

struct halfway {
    jeff_handle large, above;
};

/// So little that a large block is halfway when a call ends.
static const struct jeff_goal halfway_goal = {.budget_ns = 1000};

/// A large block with room for it right below.
static struct halfway make_halfway(jeff_heap *heap)
{
    const jeff_handle gap = jeff_malloc(heap, HALFWAY_BYTES + 1000);
    const jeff_handle large = jeff_malloc(heap, HALFWAY_BYTES);
    const jeff_handle above = jeff_malloc(heap, 100);
    memset(jeff_weak_lock(heap, large), HALFWAY_MARK, HALFWAY_BYTES);
    jeff_free(heap, gap);
    return (struct halfway){large, above};
}

/// A full compaction takes over from one that has left a large block halfway, at the very start of the heap. With a callback, that frees the
/// block when it is told of the move.
static const char *probe_halfway(jeff_heap *heap)
{
    const struct halfway made = make_halfway(heap);
    const jeff_handle large = made.large;
    if (jeff_compact_goal(heap, &halfway_goal, NULL) != JEFF_STOP_BUDGET) {
        return "a large block moves at once, whatever the budget";
    }
    called.to_free = called.heap != NULL ? large : JEFF_NULL;
    if (jeff_compact(heap, 0) != JEFF_STOP_DONE || jeff_check(heap, NULL) != JEFF_OK) {
        return "a full compaction does not take over a block that is halfway";
    }
    const unsigned char *bytes = jeff_weak_lock(heap, large);
    if ((bytes == NULL) != (called.heap != NULL) ||
        (bytes != NULL && (bytes[0] != HALFWAY_MARK || bytes[HALFWAY_BYTES - 1] != HALFWAY_MARK))) {
        return "a block that was halfway has lost its contents";
    }
    jeff_free(heap, large);
    return jeff_free(heap, made.above) ? NULL : "a block above one that was halfway is lost";
}

/// A large block that is halfway gets another size: what it holds stays whole, be it smaller, or larger, here or elsewhere.
static const char *probe_halfway_resized(jeff_heap *heap, size_t bytes, bool here)
{
    const struct halfway made = make_halfway(heap);
    const jeff_handle large = made.large;
    if (here) {
        jeff_free(heap, made.above);
    }
    if (jeff_compact_goal(heap, &halfway_goal, NULL) != JEFF_STOP_BUDGET || !jeff_resize(heap, large, bytes) ||
        jeff_check(heap, NULL) != JEFF_OK) {
        return "a block that is halfway does not get another size";
    }
    for (unsigned i = 0; i < 100 && jeff_compact_goal(heap, &halfway_goal, NULL) == JEFF_STOP_BUDGET; i++) {
    }
    const unsigned char *const kept = jeff_weak_lock(heap, large);
    bool whole = jeff_check(heap, NULL) == JEFF_OK && kept != NULL;
    for (size_t i = 0; whole && i < (bytes < HALFWAY_BYTES ? bytes : HALFWAY_BYTES); i++) {
        whole = kept[i] == HALFWAY_MARK;
    }
    if (!whole) {
        return "a block that was halfway and got another size has lost its contents";
    }
    return jeff_free(heap, large) && jeff_free(heap, made.above) != here ? NULL : "a block that was halfway is lost";
}

static const char *probe_halfway_smaller(jeff_heap *heap)
{
    return probe_halfway_resized(heap, 3000, false);
}

static const char *probe_halfway_larger(jeff_heap *heap)
{
    return probe_halfway_resized(heap, 31500, false);
}

static const char *probe_halfway_grown(jeff_heap *heap)
{
    return probe_halfway_resized(heap, 31500, true);
}

/// Takes all memory that is left. @return the block
static jeff_handle take_rest(jeff_heap *heap)
{
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    jeff_handle rest = JEFF_NULL;
    for (size_t bytes = stats.free_bytes; rest == JEFF_NULL && bytes > 16; bytes -= 16) {
        rest = jeff_malloc(heap, bytes);
    }
    return rest;
}

/// Of a heap that scrambles: the first move has a large block freed, any later one the block that has moved.
static void free_told(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)from;
    (void)to;
    (void)bytes;
    jeff_free(called.heap, called.to_free != JEFF_NULL ? called.to_free : handle);
    called.to_free = JEFF_NULL;
}

/// @return a locked block: in a heap that scrambles it stays where it was made
static jeff_handle make_locked(jeff_heap *heap, size_t bytes)
{
    const jeff_handle handle = jeff_malloc(heap, bytes);
    jeff_lock(heap, handle);
    return handle;
}

/// A heap that scrambles moves other blocks first when a large one is halfway. That one is then freed.
static const char *probe_halfway_scrambled(void)
{
    enum { LARGE = 20000, LITTLE = 1000 };
    const struct jeff_config config = {.now_ns = tick, .moved = free_told, .scramble = true, .handle_salt = 1};
    jeff_heap *heap = jeff_init(memory, sizeof memory, &config, NULL);
    const jeff_handle gap = make_locked(heap, LARGE + 1000);
    const jeff_handle large = make_locked(heap, LARGE);
    make_locked(heap, 100);
    const jeff_handle moved[] = {make_locked(heap, 100), make_locked(heap, 100)};
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    make_locked(heap, stats.free_bytes - LITTLE); // what is left above does not hold the large one
    jeff_unlock(heap, gap);
    jeff_free(heap, gap);
    jeff_unlock(heap, large);
    jeff_unlock(heap, moved[0]);
    jeff_unlock(heap, moved[1]);
    memset(&called, 0, sizeof called);
    called.heap = heap;
    called.to_free = large;
    const struct jeff_goal goal = {.budget_ns = 1000};
    const bool paused = jeff_compact_goal(heap, &goal, NULL) == JEFF_STOP_BUDGET && called.to_free != JEFF_NULL;
    const bool served = jeff_malloc(heap, 100) != JEFF_NULL;
    const bool freed = called.to_free == JEFF_NULL && !jeff_free(heap, large);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK;
    jeff_destroy(heap);
    return paused && served && freed && sound
               ? NULL
               : "a heap that scrambles is damaged when a block is freed that is halfway";
}

/// A block must go from between two locked ones to where sliding all the others makes room. When the first of these moves, the two are
/// unlocked, and slide as well: the plan holds no more.
static const char *probe_unlocked(jeff_heap *heap, bool also_left)
{
    enum { CRUMBS = 12, CRUMB = 1000, KEPT = 3000, GAP = 2500, LARGE = 11000 };
    jeff_handle crumb[2 * CRUMBS];
    for (size_t i = 0; i < 2 * (size_t)CRUMBS; i++) {
        crumb[i] = jeff_malloc(heap, i % 2 == 0 ? CRUMB : KEPT); // what stays fits into no gap
    }
    const jeff_handle left = jeff_malloc(heap, 40);
    const jeff_handle gap = jeff_malloc(heap, GAP);
    const jeff_handle large = jeff_malloc(heap, LARGE);
    const jeff_handle right = jeff_malloc(heap, 40);
    jeff_lock(heap, take_rest(heap)); // there is no other room
    for (size_t i = 0; i < 2 * (size_t)CRUMBS; i += 2) {
        jeff_free(heap, crumb[i]);
    }
    jeff_free(heap, gap);
    jeff_lock(heap, left);
    jeff_lock(heap, right);
    called.to_unlock[0] = right;
    called.to_unlock[1] = also_left ? left : JEFF_NULL;
    const struct jeff_goal goal = {.wanted_bytes = GAP + LARGE - 100};
    jeff_compact_goal(heap, &goal, NULL);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK && jeff_free(heap, large);
    return sound ? NULL : "a plan whose locked blocks are unlocked while it is carried out damages the heap";
}

static const char *probe_unlocked_beside(jeff_heap *heap)
{
    return probe_unlocked(heap, true);
}

static const char *probe_unlocked_above(jeff_heap *heap)
{
    return probe_unlocked(heap, false);
}

/* Pages of their own */

static unsigned reservations;
static bool is_refused;

/// One for the heap, and two for blocks.
static void *reserve(void *context, size_t bytes)
{
    static _Alignas(1024) char blocks[2][20480];
    (void)context;
    const unsigned number = reservations++;
    if (number == 0) {
        return bytes <= sizeof memory ? memory : NULL;
    }
    return number <= 2 && bytes <= sizeof blocks[0] ? blocks[number - 1] : NULL;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    if (!is_refused) {
        memset(address, 0, bytes);
    }
    return !is_refused;
}

static const char *probe_own_pages(bool large)
{
    const struct jeff_page_hooks pages = {1024, reserve, commit, ignore_pages, ignore_pages, NULL};
    const struct jeff_config config = {.pages = &pages, .own_mapping = 8192, .handle_salt = 1};
    enum { HANDLES = 150 }; // more than a page of them
    reservations = 0;
    is_refused = false;
    jeff_heap *heap = jeff_create(sizeof memory, &config, NULL);
    if (heap == NULL) {
        return "a heap over 1 KiB pages was refused";
    }
    const jeff_handle own = jeff_malloc(heap, 16384);
    const jeff_handle small = jeff_malloc(heap, 8); // the lower slot: that of the other is told by the list alone
    if (small == JEFF_NULL || own == JEFF_NULL) {
        return "a heap over 1 KiB pages serves nothing";
    }
    // What stands for the block in the heap is not where it is.
    const char *stands_in = (const char *)heap + (size_t)jeff_inline_entry(heap, own)[0] * 16;
    if (jeff_handle_of(heap, stands_in) != JEFF_NULL) {
        return "a block with pages of its own is found where it is not";
    }
    for (unsigned i = 0; i < HANDLES; i++) {
        jeff_malloc(heap, 0);
    }
    const char *wrong = steve_jeff_probe_forged_pages(heap, own, small);
    jeff_malloc(heap, 9000);
    for (unsigned turn = 0; turn < (large ? 600 : 10) && wrong == NULL; turn++) {
        wrong = steve_jeff_probe_damage(heap, sizeof memory, turn);
    }
    is_refused = true;
    jeff_handle more = small;
    for (unsigned i = 0; i < HANDLES && more != JEFF_NULL; i++) {
        more = jeff_malloc(heap, 0);
    }
    const bool table_ends = more == JEFF_NULL;
    is_refused = false;
    jeff_malloc(heap, 0);
    is_refused = true;
    do {
        more = jeff_malloc(heap, 4000);
    } while (more != JEFF_NULL);
    if (!table_ends || jeff_check(heap, NULL) != JEFF_OK) {
        wrong = "a heap grows into pages that it was refused";
    }
    jeff_destroy(heap);
    return wrong;
}

static unsigned moves_told;

static void count_told(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    moves_told++;
}

static bool is_no_hole(void *context, const struct jeff_block *block)
{
    bool *const holes = context;
    *holes = *holes || block->kind == JEFF_BLOCK_FREE;
    return true;
}

/// What stands in the heap for a locked block with pages of its own moves like any other, and nobody is told.
/// @param plan it moves for a goal, between two locked blocks
static const char *probe_stand_in(bool plan)
{
    enum { GAP = 2000, OWN = 16384, SMALL = 300 };
    const struct jeff_page_hooks pages = {1024, reserve, commit, ignore_pages, ignore_pages, NULL};
    const struct jeff_config config = {.pages = &pages, .own_mapping = 8192, .handle_salt = 1, .moved = count_told};
    reservations = 0;
    is_refused = false;
    jeff_heap *heap = jeff_create(sizeof memory, &config, NULL);
    if (heap == NULL) {
        return "a heap over 1 KiB pages was refused";
    }
    const jeff_handle gap = jeff_malloc(heap, GAP);
    const jeff_handle own = jeff_malloc(heap, OWN);
    const jeff_handle second = jeff_malloc(heap, GAP);
    const jeff_handle above = jeff_malloc(heap, SMALL);
    const void *const where = jeff_lock(heap, own);
    bool holes = false;
    bool done = true;
    moves_told = 0;
    if (plan) {
        jeff_lock(heap, above);
        while (jeff_lock(heap, jeff_malloc(heap, SMALL)) != NULL) {
        }
        jeff_free(heap, gap);
        jeff_free(heap, second);
        const struct jeff_goal goal = {.wanted_bytes = 2 * (size_t)GAP};
        done = jeff_compact_goal(heap, &goal, NULL) == JEFF_STOP_GOAL && moves_told == 0;
    } else {
        jeff_free(heap, gap);
        jeff_compact(heap, 0);
        jeff_walk(heap, is_no_hole, &holes);
        done = moves_told == 2 && jeff_settle(heap, own);
    }
    const bool sound = jeff_check(heap, NULL) == JEFF_OK && jeff_lock(heap, own) == where;
    jeff_destroy(heap);
    return done && sound && !holes ? NULL
                                   : "what stands for a block with pages of its own does not move, or is told of";
}

/// While a plan is carried out no pages are given back: blocks go to where many came free when all slid.
static const char *probe_trimmed(void)
{
    // All crumbs together are a little more than the large block, and less than that with the gap beside it.
    enum { LARGE = 349500, GAP = 3000, CRUMBS = 5, CRUMB = 70000, KEPT = 72000 };
    const struct jeff_config config = {.own_mapping = SIZE_MAX, .handle_salt = 1};
    jeff_heap *heap = jeff_create((size_t)5 << 18, &config, NULL);
    if (heap == NULL) {
        return NULL; // the system has nothing to give
    }
    jeff_lock(heap, jeff_malloc(heap, 40));
    const jeff_handle gap = jeff_malloc(heap, GAP);
    const jeff_handle large = jeff_malloc(heap, LARGE);
    jeff_lock(heap, jeff_malloc(heap, 40));
    jeff_handle crumb[CRUMBS];
    for (size_t i = 0; i < CRUMBS; i++) {
        crumb[i] = jeff_malloc(heap, CRUMB);
        jeff_malloc(heap, KEPT);
    }
    while (jeff_malloc(heap, KEPT) != JEFF_NULL) {
    }
    take_rest(heap);
    for (size_t i = 0; i < CRUMBS; i++) {
        jeff_free(heap, crumb[i]);
    }
    jeff_free(heap, gap);
    memset(jeff_weak_lock(heap, large), 0x5a, LARGE);
    const struct jeff_goal goal = {.wanted_bytes = LARGE + GAP - 100};
    const bool made = jeff_compact_goal(heap, &goal, NULL) == JEFF_STOP_GOAL;
    const unsigned char *const bytes = jeff_weak_lock(heap, large);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK && bytes[0] == 0x5a && bytes[LARGE - 1] == 0x5a;
    jeff_destroy(heap);
    return made && sound ? NULL
                         : "a plan that slides everything first makes no run, or moves a block to where no pages are";
}

/// A heap with pages of its own does not grow while a freed block is there of which a part would do.
static const char *probe_growth(void)
{
    const struct jeff_config config = {.handle_salt = 1};
    jeff_heap *heap = jeff_create((size_t)1 << 20, &config, NULL);
    if (heap == NULL) {
        return NULL; // the system has nothing to give
    }
    jeff_malloc(heap, 100);
    const jeff_handle freed = jeff_malloc(heap, 1000);
    jeff_malloc(heap, 100);
    const uintptr_t was = (uintptr_t)jeff_weak_lock(heap, freed);
    jeff_free(heap, freed);
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    const size_t before = stats.heap_bytes;
    bool taken = false;
    for (bool made = true; made && stats.heap_bytes == before; jeff_stats(heap, &stats)) {
        const jeff_handle handle = jeff_malloc(heap, 300);
        const uintptr_t now = (uintptr_t)jeff_weak_lock(heap, handle);
        made = handle != JEFF_NULL;
        taken = taken || (now >= was && now < was + 1000);
    }
    jeff_destroy(heap);
    return taken ? NULL : "a heap grows although a part of a freed block would do";
}

const char *steve_jeff_probe_corners(bool large)
{
    static const struct {
        const char *(*probe)(jeff_heap *heap);
        bool moved; ///< with the callback
    } corners[] = {
        {probe_forged_handle, false},    {probe_no_bytes, false},      {probe_purged, false},
        {probe_last_generations, false}, {probe_late_look, false},     {probe_slow_end, false},
        {probe_halfway, false},          {probe_halfway, true},        {probe_halfway_smaller, false},
        {probe_halfway_larger, false},   {probe_halfway_grown, false}, {probe_unlocked_beside, true},
        {probe_unlocked_above, true},
    };
    // No episode has a part in it: what has passed once in a process passes again.
    static bool passed[2];
    if (passed[large]) {
        return NULL;
    }
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof corners / sizeof corners[0] && wrong == NULL; i++) {
        clock_ns = 0;
        const struct jeff_config config = {
            .now_ns = tick, .moved = corners[i].moved ? on_moved : NULL, .handle_salt = 1};
        jeff_heap *heap = jeff_init(memory, sizeof memory, &config, NULL);
        memset(&called, 0, sizeof called);
        called.heap = corners[i].moved ? heap : NULL;
        wrong = corners[i].probe(heap);
        if (wrong == NULL && jeff_check(heap, NULL) != JEFF_OK) {
            wrong = "a heap that was brought to one of its corners is not sound";
        }
        jeff_destroy(heap);
    }
    static const char *(*const others[])(void) = {
        steve_jeff_probe_budgets,   steve_jeff_probe_plans, steve_jeff_probe_requests,
        steve_jeff_probe_gaps,      probe_growth,           probe_trimmed,
        steve_jeff_probe_callbacks, steve_jeff_probe_lives, probe_halfway_scrambled,
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0] && wrong == NULL; i++) {
        wrong = others[i]();
    }
    if (wrong == NULL) {
        wrong = steve_jeff_probe_forged(memory, sizeof memory);
    }
    if (wrong == NULL) {
        wrong = probe_own_pages(large);
    }
    if (wrong == NULL) {
        wrong = probe_stand_in(false);
    }
    if (wrong == NULL) {
        wrong = probe_stand_in(true);
    }
    if (wrong == NULL && large && RESERVING_IS_CHEAP) {
        wrong = steve_jeff_probe_largest();
    }
    passed[large] = wrong == NULL;
    return wrong;
}
