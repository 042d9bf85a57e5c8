/// What jeff_shared.h says and no op asks for: arguments out of range, handles of addresses, the lock limit, calls that callbacks may not
/// make, and damaged gates. What becomes of two threads at one block is in meeting.c.
#include "steve/drivers/jeff/shared_probe_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff/mutex_refused_internal.h"
#include "steve/drivers/jeff/refusing_pages_internal.h"
#include "steve/drivers/jeff/shared_drill_internal.h"

/// Where the locks of a handle's block are counted: a word a slot, downwards from the heap; jeff_inline.h has what they have in common
/// with entries.
static uint64_t *gate_of(jeff_shared *heap, jeff_handle handle)
{
    return (uint64_t *)(void *)heap - (((size_t)1 << 24) - (size_t)(handle >> 40));
}

/* Arguments */

static void nothing(void *context)
{
    (void)context;
}

static const struct jeff_mutex_hooks no_mutex = {nothing, nothing, nothing, NULL};

static bool refuses_region(void *region, size_t bytes, const struct jeff_shared_config *config,
                           enum jeff_status expected)
{
    enum jeff_status status = JEFF_OK;
    return jeff_shared_init(region, bytes, config, &status) == NULL && status == expected &&
           jeff_shared_init(region, bytes, config, NULL) == NULL;
}

static void *refuse_reserve(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    return NULL;
}

static bool refuses_pages(const struct jeff_shared_config *config, enum jeff_status expected)
{
    enum jeff_status status = JEFF_OK;
    return jeff_shared_create(65536, config, &status) == NULL && status == expected &&
           jeff_shared_create(65536, config, NULL) == NULL;
}

/* Gates in pages */

static _Alignas(1024) char pages_memory[65536];
static bool pages_refused;

static void *reserve_pages(void *context, size_t bytes)
{
    (void)context;
    return bytes <= sizeof pages_memory ? pages_memory : NULL;
}

static bool commit_pages(void *context, void *address, size_t bytes)
{
    (void)context;
    if (pages_refused) {
        return false;
    }
    memset(address, 0, bytes);
    return true;
}

/// One page of gates comes with the heap. Where another one is refused, so is the block; later there is one.
static const char *probe_refused_gates(void)
{
    enum { FIRST = 100, MORE = 200 };
    const struct jeff_page_hooks pages = {1024, reserve_pages, commit_pages, ignore_pages, ignore_pages, NULL};
    const struct jeff_shared_config config = {.heap = {.pages = &pages}, .mutex = &no_mutex};
    pages_refused = false;
    jeff_shared *heap = jeff_shared_create(sizeof pages_memory, &config, NULL);
    if (heap == NULL) {
        return "a shared heap over small pages was refused";
    }
    size_t blocks = 0;
    for (enum jeff_status status = JEFF_OK; blocks < MORE && status == JEFF_OK; blocks++) {
        pages_refused = blocks >= FIRST;
        jeff_shared_malloc(heap, 0, &status);
    }
    pages_refused = false;
    const bool served = blocks > FIRST && blocks < MORE && jeff_shared_malloc(heap, 0, NULL) != JEFF_NULL;
    const bool sound = jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return served && sound ? NULL : "a page of gates that was refused is not asked for again";
}

/// As few pages as there can be, all of them committed when the heap is made.
static const char *probe_least_pages(void)
{
    const struct jeff_page_hooks pages = {1024, reserve_pages, commit_pages, ignore_pages, ignore_pages, NULL};
    const struct jeff_shared_config config = {.heap = {.pages = &pages}, .mutex = &no_mutex};
    pages_refused = false;
    jeff_shared *heap = jeff_shared_create(JEFF_HEAP_MIN, &config, NULL);
    if (heap == NULL) {
        return "a shared heap of four small pages was refused";
    }
    enum jeff_status status = JEFF_OK;
    size_t blocks = 0;
    while (jeff_shared_malloc(heap, 0, &status) != JEFF_NULL) {
        blocks++;
    }
    const bool sound = status == JEFF_ERROR_NO_MEMORY && jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return blocks > 0 && sound ? NULL
                               : "a shared heap of four small pages serves nothing, or is damaged when it is full";
}

/// Hooks of a mutex that lack one of their functions.
static bool refuses_half_a_mutex(void *region, size_t bytes)
{
    struct jeff_mutex_hooks half[3] = {no_mutex, no_mutex, no_mutex};
    half[0].lock = NULL;
    half[1].unlock = NULL;
    half[2].yield = NULL;
    bool refused = true;
    for (size_t i = 0; i < sizeof half / sizeof half[0]; i++) {
        const struct jeff_shared_config config = {.mutex = &half[i]};
        refused = refused && refuses_region(region, bytes, &config, JEFF_ERROR_ARGUMENT) &&
                  refuses_pages(&config, JEFF_ERROR_ARGUMENT);
    }
    return refused;
}

/// As many blocks as there may be, and no more. @return what is wrong
static const char *probe_max_blocks(void *region, size_t bytes)
{
    const struct jeff_shared_config any = {.mutex = &no_mutex, .max_blocks = SIZE_MAX};
    if (jeff_shared_init(region, bytes, &any, NULL) == NULL) {
        return "a shared heap for as many blocks as could be was refused";
    }
    const struct jeff_shared_config config = {.heap = {.alignment = 8}, .mutex = &no_mutex, .max_blocks = 3};
    enum jeff_status status = JEFF_OK;
    jeff_shared *heap = jeff_shared_init(region, bytes, &config, &status);
    if (heap == NULL || status != JEFF_OK) {
        return "a shared heap for three blocks was refused";
    }
    size_t blocks = 0;
    jeff_handle last = JEFF_NULL;
    for (jeff_handle next; blocks < 4 && (next = jeff_shared_malloc(heap, 0, &status)) != JEFF_NULL; blocks++) {
        last = next;
    }
    const bool exact = blocks == 3 && status == JEFF_ERROR_NO_MEMORY;
    // What it holds could be dropped, and still there would be no block more.
    const bool spared = jeff_shared_set_purgeable(heap, last, true, NULL) &&
                        jeff_shared_malloc(heap, 0, NULL) == JEFF_NULL && jeff_shared_usable_size(heap, last) != 0;
    const bool again = jeff_shared_free(heap, last, NULL) && jeff_shared_malloc(heap, 100, NULL) != JEFF_NULL;
    jeff_shared_destroy(heap);
    if (!exact || !again) {
        return "a shared heap has not as many blocks as it was asked for";
    }
    return spared ? NULL : "what a block holds is dropped although there may be no block more";
}

static unsigned pages_reserved, pages_released;

static void *count_reserve(void *context, size_t bytes)
{
    pages_reserved++;
    return reserve_pages(context, bytes);
}

static void count_release(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
    pages_released++;
}

/// Where the system has no mutex there is no heap, and what was reserved for it is given back.
static const char *probe_refused_mutex(void *region, size_t bytes)
{
    const struct jeff_page_hooks pages = {1024, count_reserve, commit_pages, ignore_pages, count_release, NULL};
    const struct jeff_shared_config over_region = {0};
    const struct jeff_shared_config over_pages = {.heap = {.pages = &pages}};
    const char *wrong = NULL;
    pages_refused = false;
    for (unsigned way = 1; way <= STEVE_MUTEX_REFUSALS && wrong == NULL; way++) {
        pages_reserved = pages_released = 0;
        if (!steve_jeff_refuse_mutexes(way)) {
            break;
        }
        if (!refuses_region(region, bytes, &over_region, JEFF_ERROR_ARGUMENT) ||
            !refuses_pages(&over_pages, JEFF_ERROR_ARGUMENT)) {
            wrong = "a shared heap was made without a mutex";
        } else if (pages_reserved != 2 || pages_released != 2) {
            wrong = "a shared heap that has no mutex keeps its address space";
        }
    }
    steve_jeff_refuse_mutexes(0);
    return wrong;
}

/// With the system's mutex and every default. @return what is wrong
static const char *probe_defaults(void *region, size_t bytes)
{
    jeff_shared *heap = jeff_shared_init(region, bytes, NULL, NULL);
    if (heap == NULL) {
        return "the smallest shared heap was refused";
    }
    const jeff_handle handle = jeff_shared_malloc(heap, 16, NULL);
    const bool works = handle != JEFF_NULL && jeff_shared_free(heap, JEFF_NULL, NULL) &&
                       jeff_shared_free(heap, handle, NULL) && !jeff_shared_free(heap, handle, NULL);
    jeff_shared_destroy(heap);
    jeff_shared_destroy(NULL);
    jeff_shared_destroy(jeff_shared_create(65536, NULL, NULL));
    return works ? NULL : "the smallest shared heap serves nothing";
}

/// A heap whose callbacks free a block of the last generation, which is refused while blocks move, and destroy the heap.
struct called {
    jeff_shared *heap;
    jeff_handle aged;
    unsigned moves, low;
    bool refused;
};

static void free_aged(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct called *called = context;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    enum jeff_status status = JEFF_OK;
    called->refused = !jeff_shared_free(called->heap, called->aged, &status) && status == JEFF_ERROR_BUSY;
    called->moves++;
    jeff_shared_destroy(called->heap);
}

static bool destroy_when_low(void *context, size_t bytes)
{
    struct called *called = context;
    (void)bytes;
    called->low++;
    jeff_shared_destroy(called->heap);
    return false;
}

/// Gives a block the last generation that there is, as if its slot had been used two billion times. @return its new handle
static jeff_handle age(jeff_shared *heap, jeff_handle handle)
{
    // Entries are found as in any heap, and gates below.
    uint32_t *entry = jeff_inline_entry((const jeff_heap *)(const void *)heap, handle);
    jeff_inline_set_word(entry, jeff_inline_word(entry) | UINT32_MAX);
    *gate_of(heap, handle) |= UINT32_MAX;
    return handle | UINT32_MAX;
}

static const char *probe_callbacks(void *region, size_t bytes)
{
    struct called called = {0};
    const struct jeff_shared_config config = {
        .heap = {.moved = free_aged, .low_memory = destroy_when_low, .context = &called}, .mutex = &no_mutex};
    called.heap = jeff_shared_init(region, bytes, &config, NULL);
    if (called.heap == NULL) {
        return "a shared heap with callbacks was refused";
    }
    const jeff_handle below = jeff_shared_malloc(called.heap, 40, NULL);
    called.aged = age(called.heap, jeff_shared_malloc(called.heap, 24, NULL));
    jeff_shared_free(called.heap, below, NULL);
    jeff_shared_compact(called.heap, 0);
    const bool stays = jeff_shared_lock(called.heap, called.aged, NULL) != NULL &&
                       jeff_shared_unlock(called.heap, called.aged, NULL) &&
                       jeff_shared_malloc(called.heap, bytes / 2, NULL) == JEFF_NULL &&
                       jeff_shared_free(called.heap, called.aged, NULL);
    const bool sound = jeff_shared_check(called.heap, NULL) == JEFF_OK;
    jeff_shared_destroy(called.heap);
    return called.moves == 1 && called.low == 1 && called.refused && stays && sound
               ? NULL
               : "a callback has freed what it may not, or destroyed the heap";
}

/// A block's contents are dropped for a request while blocks that were freed are still kept whole, one linked to the next.
static const char *probe_drop_beside_freed(void)
{
    enum { HEAP = 32768, FREED = 64, SMALL = 1, LARGE = 6000 };
    static _Alignas(64) char memory[HEAP];
    const struct jeff_shared_config config = {.mutex = &no_mutex};
    jeff_shared *heap = jeff_shared_init(memory, sizeof memory, &config, NULL);
    if (heap == NULL) {
        return "a small shared heap was refused";
    }
    jeff_handle freed[FREED];
    for (size_t i = 0; i < FREED; i++) {
        freed[i] = jeff_shared_malloc(heap, SMALL, NULL);
    }
    const jeff_handle dropped = jeff_shared_malloc(heap, LARGE, NULL);
    for (size_t bytes = LARGE; bytes != 0; bytes /= 2) {
        for (jeff_handle rest; (rest = jeff_shared_malloc(heap, bytes, NULL)) != JEFF_NULL;) {
            jeff_shared_lock(heap, rest, NULL);
        }
    }
    for (size_t i = 0; i < FREED; i++) {
        jeff_shared_free(heap, freed[i], NULL);
    }
    jeff_shared_set_purgeable(heap, dropped, true, NULL);
    const bool served = jeff_shared_malloc(heap, LARGE, NULL) != JEFF_NULL;
    const bool sound = jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return served && sound ? NULL : "contents are not dropped for a request, or not those alone";
}

/* Where there may be no more blocks, or can be none but for what is dropped */

/// A heap with a large block whose contents may be dropped, above two small ones.
struct scarce {
    jeff_shared *heap;
    jeff_handle dropped, small, freed;
};

static bool free_when_low(void *context, size_t bytes)
{
    struct scarce *scarce = context;
    (void)bytes;
    return jeff_shared_free(scarce->heap, scarce->freed, NULL);
}

/// @param asks with the callback, which frees one of the small ones @param most no room is left beside the large block, not even for a
/// handle more
static const char *open_scarce(struct scarce *scarce, size_t max_blocks, bool asks, size_t bytes, bool most)
{
    enum { HEAP = 32768 };
    static _Alignas(64) char memory[HEAP];
    const struct jeff_shared_config config = {.heap = {.low_memory = asks ? free_when_low : NULL, .context = scarce},
                                              .mutex = &no_mutex,
                                              .max_blocks = max_blocks};
    scarce->heap = jeff_shared_init(memory, sizeof memory, &config, NULL);
    if (scarce->heap == NULL) {
        return "a small shared heap was refused";
    }
    scarce->small = jeff_shared_malloc(scarce->heap, 40, NULL);
    scarce->freed = jeff_shared_malloc(scarce->heap, 40, NULL);
    scarce->dropped = most ? JEFF_NULL : jeff_shared_malloc(scarce->heap, bytes, NULL);
    for (size_t all = HEAP; most && scarce->dropped == JEFF_NULL && all > bytes; all -= 16) {
        scarce->dropped = jeff_shared_malloc(scarce->heap, all, NULL);
    }
    const bool made = jeff_shared_set_purgeable(scarce->heap, scarce->dropped, true, NULL);
    return made ? NULL : "a small shared heap does not hold a block of half its size";
}

/// Contents are dropped for another block where one more may be, or where one has been freed, before or when the client was asked; and for
/// a block that grows, where none may be.
static const char *probe_scarce(void)
{
    enum { GROWS, FREED, ASKED, MORE, CASES };
    enum { LARGE = 18000 };
    for (unsigned what = 0; what < CASES; what++) {
        struct scarce scarce;
        const char *const wrong = open_scarce(&scarce, what == MORE ? 4 : 3, what == ASKED, LARGE, what == MORE);
        if (wrong != NULL) {
            return wrong;
        }
        if (what == FREED) {
            jeff_shared_free(scarce.heap, scarce.freed, NULL);
        }
        const bool served = what == GROWS ? jeff_shared_resize(scarce.heap, scarce.small, LARGE, NULL)
                                          : jeff_shared_malloc(scarce.heap, LARGE, NULL) != JEFF_NULL;
        const bool sound = jeff_shared_check(scarce.heap, NULL) == JEFF_OK;
        jeff_shared_destroy(scarce.heap);
        if (!served || !sound) {
            return "a request is refused although contents may be dropped for it, and there may be one more block";
        }
    }
    return NULL;
}

static const char *probe_arguments(void)
{
    static _Alignas(64) char memory[JEFF_SHARED_MIN];
    const struct jeff_page_hooks pages = {4096, refuse_reserve, refuse_commit, ignore_pages, ignore_pages, NULL};
    const struct jeff_shared_config sound = {.mutex = &no_mutex};
    const struct jeff_shared_config odd = {.heap = {.alignment = 24}, .mutex = &no_mutex};
    const struct jeff_shared_config without = {.heap = {.pages = &pages}, .mutex = &no_mutex};
    if (!refuses_region(NULL, sizeof memory, &sound, JEFF_ERROR_ARGUMENT) ||
        !refuses_region(memory, sizeof memory, &odd, JEFF_ERROR_ARGUMENT) ||
        !refuses_half_a_mutex(memory, sizeof memory)) {
        return "jeff_shared_init() took an argument out of its range";
    }
    if (!refuses_region(memory + 8, sizeof memory - 8, &sound, JEFF_ERROR_MISALIGNED)) {
        return "jeff_shared_init() took a region that is not aligned";
    }
    if (!refuses_region(memory, JEFF_HEAP_MIN - 1, &sound, JEFF_ERROR_TOO_SMALL) ||
        !refuses_region(memory, JEFF_HEAP_MIN + 64, &sound, JEFF_ERROR_TOO_SMALL)) {
        return "jeff_shared_init() took a region that is too small";
    }
    if (!refuses_pages(&without, JEFF_ERROR_MAP) || !refuses_pages(&odd, JEFF_ERROR_ARGUMENT)) {
        return "a shared heap was made without address space";
    }
    const char *wrong = probe_max_blocks(memory, sizeof memory);
    if (wrong == NULL) {
        wrong = probe_least_pages();
    }
    if (wrong == NULL) {
        wrong = probe_refused_gates();
    }
    if (wrong == NULL) {
        wrong = probe_callbacks(memory, sizeof memory);
    }
    if (wrong == NULL) {
        wrong = probe_drop_beside_freed();
    }
    if (wrong == NULL) {
        wrong = probe_scarce();
    }
    if (wrong == NULL) {
        wrong = probe_refused_mutex(memory, sizeof memory);
    }
    if (wrong == NULL) {
        wrong = steve_jeff_shared_drill();
    }
    if (wrong == NULL) {
        wrong = steve_jeff_shared_gates();
    }
    return wrong == NULL ? probe_defaults(memory, sizeof memory) : wrong;
}

const char *steve_jeff_shared_probe_arguments(void)
{
    // No episode has a part in it: what has passed once in a process passes again.
    static bool passed;
    const char *wrong = passed ? NULL : probe_arguments();
    passed = wrong == NULL;
    return wrong;
}

/* Looking */

struct look {
    jeff_shared *heap;
    jeff_handle unlocked; ///< a block that is not locked
    jeff_handle own;      ///< one with pages of its own
    unsigned pins;
    const char *wrong;
};

static bool visit(void *context, const struct jeff_block *block)
{
    struct look *look = context;
    if (block->kind != JEFF_BLOCK_LIVE) {
        return true;
    }
    if (jeff_shared_lock_count(look->heap, block->handle) != block->locks) {
        look->wrong = "a walk counts other locks than the block has";
    }
    void *begin = NULL;
    jeff_shared_extent(look->heap, block->handle, &begin);
    const bool own = (uintptr_t)block->address % 4096 == 0 && begin == block->address;
    if (!own && jeff_shared_handle_of(look->heap, block->address) != block->handle) {
        look->wrong = "the handle of an address is not that which the walk tells";
    }
    if (block->locks == 0) {
        *(own ? &look->own : &look->unlocked) = block->handle;
    }
    return true;
}

static bool visit_pin(void *context, const struct jeff_pin *pin)
{
    struct look *look = context;
    look->pins++;
    if (pin->locks == 0 || jeff_shared_lock_count(look->heap, pin->handle) != pin->locks) {
        look->wrong = "a pin has other locks than its block";
    }
    return true;
}

/// A block that is locked as often as can be refuses one lock more. That often it is made to be locked by its gate.
static const char *probe_lock_limit(jeff_shared *heap, jeff_handle handle)
{
    uint64_t *gate = gate_of(heap, handle);
    enum jeff_status status = JEFF_OK;
    if (jeff_shared_lock(heap, handle, NULL) == NULL) {
        return NULL; // purged
    }
    *gate += (uint64_t)(JEFF_LOCK_MAX - 1) * JEFF_INLINE_LOCK;
    const bool refused = jeff_shared_lock(heap, handle, &status) == NULL && status == JEFF_ERROR_LOCK_LIMIT;
    const bool counted = jeff_shared_lock_count(heap, handle) == JEFF_LOCK_MAX;
    *gate -= (uint64_t)(JEFF_LOCK_MAX - 1) * JEFF_INLINE_LOCK;
    const bool unlocked = jeff_shared_unlock(heap, handle, &status) && status == JEFF_OK;
    const bool ended = !jeff_shared_unlock(heap, handle, &status) && status == JEFF_ERROR_NOT_LOCKED;
    return refused && counted && unlocked && ended ? NULL : "a block is not locked as often as it may be";
}

static const char *probe_dead_handle(jeff_shared *heap)
{
    enum jeff_status status = JEFF_OK;
    const jeff_handle dead = (jeff_handle)3; // slot 0: no table has it
    const bool refused = jeff_shared_lock_count(heap, dead) == 0 && jeff_shared_usable_size(heap, dead) == 0 &&
                         !jeff_shared_unlock(heap, dead, &status) && status == JEFF_ERROR_HANDLE &&
                         !jeff_shared_free(heap, dead, NULL) && !jeff_shared_settle(heap, dead, NULL) &&
                         jeff_shared_lock(heap, dead, NULL) == NULL;
    return refused && jeff_shared_handle_of(heap, heap) == JEFF_NULL ? NULL : "a handle of no block was not refused";
}

const char *steve_jeff_shared_probe_look(jeff_shared *heap)
{
    struct look look = {.heap = heap};
    jeff_shared_walk(heap, visit, &look);
    jeff_shared_pins(heap, visit_pin, &look);
    const char *wrong = look.wrong;
    if (wrong == NULL && look.unlocked != JEFF_NULL) {
        wrong = probe_lock_limit(heap, look.unlocked);
    }
    if (wrong == NULL && look.own != JEFF_NULL) {
        wrong = probe_lock_limit(heap, look.own);
    }
    return wrong == NULL ? probe_dead_handle(heap) : wrong;
}

const char *steve_jeff_shared_probe_busy(jeff_shared *heap, jeff_handle handle)
{
    enum jeff_status status = JEFF_OK;
    jeff_shared_destroy(heap);
    if (jeff_shared_malloc(heap, 1, &status) != JEFF_NULL || status != JEFF_ERROR_BUSY ||
        jeff_shared_calloc(heap, 1, 1, NULL) != JEFF_NULL || jeff_shared_resize(heap, handle, 1, NULL) ||
        jeff_shared_settle(heap, handle, NULL) || jeff_shared_compact(heap, 0) != JEFF_STOP_BUSY ||
        jeff_shared_check(heap, NULL) != JEFF_ERROR_BUSY) {
        return "a call that no callback may make was not refused";
    }
    return NULL;
}

/* Damage */

/// @return whether the check finds the heap damaged with other bits in a word of it
static bool is_found(jeff_shared *heap, uint64_t *word, uint64_t flip)
{
    struct jeff_damage damage = {0};
    *word ^= flip;
    const enum jeff_status status = jeff_shared_check(heap, &damage);
    *word ^= flip;
    return status == JEFF_ERROR_CORRUPT && damage.what != NULL;
}

static bool find_live(void *context, const struct jeff_block *block)
{
    jeff_handle *handle = context;
    *handle = block->kind == JEFF_BLOCK_LIVE ? block->handle : *handle;
    return true;
}

/// Whether the slot that a block had is in the table still, and free.
static bool has_free_slot(jeff_shared *heap, jeff_handle freed)
{
    struct jeff_stats stats;
    jeff_shared_stats(heap, &stats);
    const size_t slots_below = ((size_t)1 << 24) - stats.table_bytes / 12;
    return (size_t)(freed >> 40) >= slots_below && *gate_of(heap, freed) == 0;
}

const char *steve_jeff_shared_probe_damage(jeff_shared *heap, jeff_handle purgeable, jeff_handle freed)
{
    enum { WANTED = 41, AWAY = 43 };
    jeff_handle live = JEFF_NULL;
    jeff_shared_walk(heap, find_live, &live);
    for (unsigned bit = 0; live != JEFF_NULL && bit <= AWAY; bit++) {
        // Between them is what says that the block is halfway to elsewhere.
        if ((bit <= WANTED || bit == AWAY) && !is_found(heap, gate_of(heap, live), (uint64_t)1 << bit)) {
            return "a gate that is damaged is not found";
        }
    }
    enum jeff_status status = JEFF_OK;
    if (purgeable != JEFF_NULL && jeff_shared_lock(heap, purgeable, &status) == NULL && status == JEFF_ERROR_PURGED &&
        !is_found(heap, gate_of(heap, purgeable), JEFF_INLINE_LOCK)) {
        return "a purged block that is locked is not found";
    }
    if (status == JEFF_OK && purgeable != JEFF_NULL) {
        jeff_shared_unlock(heap, purgeable, NULL);
    }
    if (has_free_slot(heap, freed) && !is_found(heap, gate_of(heap, freed), freed & JEFF_INLINE_LIFE)) {
        return "the gate of a free slot that is open is not found";
    }
    return NULL;
}
