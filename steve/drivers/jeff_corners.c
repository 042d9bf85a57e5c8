/// Corners that no op comes to, and chance hardly: each is a heap of its own that is brought there, and what must hold then.
#include "steve/drivers/jeff_probe_internal.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff_words_internal.h"

enum { HEAP = 96 * 1024 };

static _Alignas(16) char memory[HEAP];

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

/* Pages of their own */

static bool is_reserved;

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    const size_t half = sizeof memory / 2;
    char *place = is_reserved ? memory + half : memory;
    is_reserved = true;
    return bytes <= half ? place : NULL;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    memset(address, 0, bytes);
    return true;
}

static void ignore(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
}

/// @return the word of the control block that has this value, if just one has
static char *find_word(jeff_heap *heap, uint32_t value)
{
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    char *found = NULL;
    for (size_t at = 0; at + WORD <= stats.control_bytes; at += WORD) {
        char *const word = (char *)heap + at;
        if (read_word(word) == value) {
            if (found != NULL) {
                return NULL;
            }
            found = word;
        }
    }
    return found;
}

/// A small block that is said to have pages of its own, where the list of these begins: there is no room for what it would know of them.
static bool finds_too_small(jeff_heap *heap, jeff_handle own, jeff_handle small)
{
    char *const first = find_word(heap, (uint32_t)(own >> 40));
    uint32_t *entry = jeff_inline_entry(heap, small);
    const uint64_t was = jeff_inline_word(entry);
    if (first == NULL) {
        return false;
    }
    write_word(first, (uint32_t)(small >> 40));
    jeff_inline_set_word(entry, was | UINT64_C(4) << 40);
    const bool found = jeff_check(heap, NULL) == JEFF_ERROR_CORRUPT;
    jeff_inline_set_word(entry, was);
    write_word(first, (uint32_t)(own >> 40));
    return found && jeff_check(heap, NULL) == JEFF_OK;
}

static const char *probe_own_pages(void)
{
    const struct jeff_page_hooks pages = {1024, reserve, commit, ignore, ignore, NULL};
    const struct jeff_config config = {.pages = &pages, .own_mapping = 8192, .handle_salt = 1};
    is_reserved = false;
    jeff_heap *heap = jeff_create(sizeof memory / 2, &config, NULL);
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
    const char *wrong =
        finds_too_small(heap, own, small) ? NULL : "a block that is too small to have pages of its own is not found";
    jeff_destroy(heap);
    return wrong;
}

const char *steve_jeff_probe_corners(void)
{
    static const char *(*const probes[])(jeff_heap *) = {probe_forged_handle,    probe_no_bytes,  probe_purged,
                                                         probe_last_generations, probe_late_look, probe_slow_end};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0] && wrong == NULL; i++) {
        clock_ns = 0;
        const struct jeff_config config = {.now_ns = tick, .handle_salt = 1};
        jeff_heap *heap = jeff_init(memory, sizeof memory, &config, NULL);
        wrong = probes[i](heap);
        if (wrong == NULL && jeff_check(heap, NULL) != JEFF_OK) {
            wrong = "a heap that was brought to one of its corners is not sound";
        }
        jeff_destroy(heap);
    }
    return wrong == NULL ? probe_own_pages() : wrong;
}
