/// What jeff.h says and no op asks for: handles of addresses, arguments out of range, calls that callbacks may
/// not make, used up slots, and heaps over the system's own pages. Damaged heaps are in probe_damage.c.
#define _DEFAULT_SOURCE
#include "steve/drivers/jeff/probe_internal.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "jeff_inline.h"
#include "lib/jeff/heap_internal.h"
#include "rmalloc.h"
#include "steve/drivers/jeff/figures_internal.h"
#include "steve/drivers/jeff/refusing_pages_internal.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* Arguments */

static bool refuses_region(void *region, size_t bytes, size_t alignment, enum jeff_status expected)
{
    const struct jeff_config config = {.alignment = alignment};
    enum jeff_status status = JEFF_OK;
    const jeff_heap *heap = jeff_init(region, bytes, &config, &status);
    return heap == NULL && status == expected && jeff_init(region, bytes, &config, NULL) == NULL;
}

static void *refuse_reserve(void *context, size_t bytes)
{
    *(size_t *)context = bytes;
    return NULL;
}

static bool refuses_pages(const struct jeff_page_hooks *hooks, size_t bytes, size_t alignment,
                          enum jeff_status expected)
{
    const struct jeff_config config = {.alignment = alignment, .pages = hooks};
    enum jeff_status status = JEFF_OK;
    const jeff_heap *heap = jeff_create(bytes, &config, &status);
    return heap == NULL && status == expected && jeff_create(bytes, &config, NULL) == NULL;
}

static const char *probe_create(void)
{
    size_t asked = 0;
    const struct jeff_page_hooks good = {4096, refuse_reserve, refuse_commit, ignore_pages, ignore_pages, &asked};
    const uint64_t most = SIZE_MAX > UINT32_MAX ? (uint64_t)64 << 30 : (uint64_t)1 << 31;
    struct jeff_page_hooks largest = good;
    largest.page_bytes = (size_t)(most / 4);
    struct jeff_page_hooks bad[8] = {good, good, good, good, good, good, good, good};
    bad[0].reserve = NULL;
    bad[1].commit = NULL;
    bad[2].decommit = NULL;
    bad[3].release = NULL;
    bad[4].page_bytes = 512;
    bad[5].page_bytes = 5000;
    bad[6].page_bytes = SIZE_MAX / 2 + 1;   // no heap has two such pages
    bad[7].page_bytes = (size_t)(most / 2); // nor three of these
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (!refuses_pages(&bad[i], MIB, 0, JEFF_ERROR_ARGUMENT)) {
            return "page hooks that are incomplete were not refused";
        }
    }
    if (!refuses_pages(&good, MIB, 24, JEFF_ERROR_ARGUMENT)) {
        return "an alignment that there is not was taken";
    }
    if (!refuses_pages(&good, JEFF_HEAP_MIN - 1, 16, JEFF_ERROR_TOO_SMALL)) {
        return "a limit that is too small was taken";
    }
    if (!refuses_pages(&good, 1, 8, JEFF_ERROR_TOO_SMALL)) {
        return "a limit of one byte was taken";
    }
    if (!refuses_pages(&largest, 0, 0, JEFF_ERROR_MAP)) {
        return "the largest pages that a heap can have were refused";
    }
    if (!refuses_pages(&good, 0, 0, JEFF_ERROR_MAP) || !refuses_pages(&good, SIZE_MAX, 0, JEFF_ERROR_MAP)) {
        return "a heap was made without address space";
    }
    return asked <= most ? NULL : "more address space was asked for than a heap can use";
}

/* Address space that does not begin with a page */

static _Alignas(4096) char pages_memory[65536 + 4096];
static unsigned shifted_from, shifted_by, reserves, given;

static void *reserve_shifted(void *context, size_t bytes)
{
    (void)context;
    reserves++;
    given++;
    return bytes <= 65536 ? pages_memory + (reserves >= shifted_from ? shifted_by : 0) : NULL;
}

static bool commit_any(void *context, void *address, size_t bytes)
{
    (void)context;
    memset(address, 0, bytes);
    return true;
}

static void take_back(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
    given--;
}

/// The largest block with pages of its own: address space is asked for, in vain. For a larger one it is not.
static const char *probe_most_mapped(void)
{
    enum { PAGE = 4096 };
    const struct jeff_page_hooks hooks = {PAGE, reserve_shifted, commit_any, ignore_pages, take_back, NULL};
    const struct jeff_config config = {.pages = &hooks, .own_mapping = 1};
    const size_t most = SIZE_MAX / 2 - PAGE;
    reserves = given = shifted_by = 0;
    jeff_heap *heap = jeff_create(16384, &config, NULL);
    const bool refused = heap != NULL && jeff_malloc(heap, most) == JEFF_NULL;
    const bool asked = reserves == 2;
    const bool larger_refused = heap != NULL && jeff_malloc(heap, most + 1) == JEFF_NULL;
    const bool not_asked = reserves == 2;
    jeff_destroy(heap);
    return refused && asked && larger_refused && not_asked
               ? NULL
               : "the largest block with pages of its own is another than one whose distances ptrdiff_t holds";
}

static const char *try_shifted(void)
{
    const struct jeff_page_hooks hooks = {4096, reserve_shifted, commit_any, ignore_pages, take_back, NULL};
    reserves = given = 0;
    shifted_from = 1;
    if (!refuses_pages(&hooks, 65536, 0, JEFF_ERROR_MAP) || given != 0) {
        return "a heap was made where no page begins";
    }
    reserves = 0;
    shifted_from = 2;
    const struct jeff_config config = {.pages = &hooks, .own_mapping = 1};
    jeff_heap *heap = jeff_create(16384, &config, NULL);
    const bool refused = heap != NULL && jeff_aligned_alloc(heap, 512, 8192) == JEFF_NULL && given == 1;
    jeff_destroy(heap);
    return refused && given == 0 ? NULL : "a block got pages of its own where no page begins, or they were kept";
}

static const char *probe_shifted(void)
{
    static const unsigned by[] = {1, 64, 2048};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof by / sizeof by[0] && wrong == NULL; i++) {
        shifted_by = by[i];
        wrong = try_shifted();
    }
    return wrong == NULL ? probe_most_mapped() : wrong;
}

static const char *probe_arguments(void)
{
    static _Alignas(64) char memory[JEFF_HEAP_MIN];
    for (int status = -1; status <= JEFF_ERROR_CORRUPT + 1; status++) {
        const char *text = jeff_strerror((enum jeff_status)status);
        if (text == NULL || text[0] == '\0') {
            return "a status has no text";
        }
    }
    if (!refuses_region(NULL, sizeof memory, 0, JEFF_ERROR_ARGUMENT) ||
        !refuses_region(memory, sizeof memory, 32, JEFF_ERROR_ARGUMENT)) {
        return "jeff_init() took an argument out of its range";
    }
    if (!refuses_region(memory + 8, sizeof memory - 8, 16, JEFF_ERROR_MISALIGNED) ||
        !refuses_region(memory + 4, sizeof memory - 4, 8, JEFF_ERROR_MISALIGNED)) {
        return "jeff_init() took a region that is not aligned";
    }
    if (!refuses_region(memory, JEFF_HEAP_MIN - 1, 8, JEFF_ERROR_TOO_SMALL)) {
        return "jeff_init() took a region that is too small";
    }
    jeff_heap *heap = jeff_init(memory, sizeof memory, NULL, NULL);
    if (heap == NULL) {
        return "jeff_init() refused the smallest region that there is";
    }
    jeff_handle live = jeff_malloc(heap, 0);
    jeff_destroy(heap);
    jeff_destroy(NULL);
    if (jeff_free(heap, live) || jeff_malloc(heap, 1) != JEFF_NULL || jeff_check(heap, NULL) != JEFF_ERROR_BUSY) {
        return "a heap that was destroyed is in use";
    }
    jeff_walk(heap, NULL, NULL);
    jeff_pins(heap, NULL, NULL);
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    if (stats.heap_bytes != 0) {
        return "a heap that was destroyed has bytes";
    }
    const char *wrong = probe_create();
    return wrong == NULL ? probe_shifted() : wrong;
}

const char *steve_jeff_probe_arguments(void)
{
    // No episode has a part in it: what has passed once in a process passes again.
    static bool passed;
    const char *wrong = passed ? NULL : probe_arguments();
    passed = wrong == NULL;
    return wrong;
}

/* Looking */

/// A walk that asks for handles of addresses.
struct look {
    jeff_heap *heap;
    size_t seen; ///< stretches
    size_t last; ///< the one after which it is broken off
    jeff_handle unlocked;
    const char *wrong;
};

static bool visit(void *context, const struct jeff_block *block)
{
    struct look *look = context;
    const char *address = block->address;
    if (jeff_handle_of(look->heap, address) != block->handle) {
        look->wrong = "the handle of an address is not that which the walk tells";
    }
    if (jeff_handle_of(look->heap, address + 1) != JEFF_NULL ||
        (block->bytes > 32 && jeff_handle_of(look->heap, address + 16) != JEFF_NULL)) {
        look->wrong = "an address within a block has a handle";
    }
    if (block->kind == JEFF_BLOCK_LIVE && block->locks == 0) {
        look->unlocked = block->handle;
    }
    return look->seen++ != look->last;
}

/// A block that is locked as often as can be refuses one lock more. That often it is made to be locked by its entry.
static const char *probe_lock_limit(jeff_heap *heap, jeff_handle handle)
{
    uint32_t *entry = jeff_inline_entry(heap, handle);
    const uint64_t word = jeff_inline_word(entry);
    const uint64_t most = (JEFF_LOCK_MAX - 1) * JEFF_INLINE_LOCK;
    jeff_inline_set_word(entry, word + most);
    const bool last = jeff_lock_inline(heap, handle) != NULL;
    const bool refused = jeff_lock_inline(heap, handle) == NULL && jeff_last_status(heap) == JEFF_ERROR_LOCK_LIMIT;
    const bool counted = jeff_lock_count(heap, handle) == JEFF_LOCK_MAX && jeff_unlock_inline(heap, handle);
    // One lock is left for the unlock that makes of the block what it was, for sanitizers too.
    jeff_inline_set_word(entry, word + JEFF_INLINE_LOCK);
    return last && refused && counted && jeff_unlock_inline(heap, handle)
               ? NULL
               : "a block is not locked as often as it may be";
}

static const char *probe_dead_handle(jeff_heap *heap)
{
    void *begin = NULL;
    const jeff_handle dead = (jeff_handle)3; // slot 0: no table has it
    const bool refused = jeff_lock_count(heap, dead) == 0 && jeff_usable_size(heap, dead) == 0 &&
                         jeff_extent(heap, dead, &begin) == 0 && !jeff_set_purgeable(heap, dead, true) &&
                         !jeff_settle(heap, dead) && !jeff_resize(heap, dead, 1) &&
                         jeff_lock_inline(heap, dead) == NULL && jeff_weak_lock_inline(heap, dead) == NULL &&
                         !jeff_unlock_inline(heap, dead) && jeff_last_status(heap) == JEFF_ERROR_HANDLE;
    return refused && jeff_free(heap, JEFF_NULL) ? NULL : "a handle of no block was not refused";
}

static const char *probe_requests(jeff_heap *heap)
{
    const bool refused = jeff_aligned_alloc(heap, 0, 8) == JEFF_NULL && jeff_aligned_alloc(heap, 24, 8) == JEFF_NULL &&
                         jeff_aligned_alloc(heap, 131072, 8) == JEFF_NULL &&
                         jeff_last_status(heap) == JEFF_ERROR_ARGUMENT &&
                         jeff_calloc(heap, SIZE_MAX / 2, 3) == JEFF_NULL;
    return refused ? NULL : "a request out of range was not refused";
}

const char *steve_jeff_probe_look(jeff_heap *heap, unsigned turn)
{
    struct look all = {.heap = heap, .last = SIZE_MAX};
    jeff_walk(heap, visit, &all);
    struct look some = {.heap = heap, .last = all.seen > 0 ? all.seen - 1 - turn % all.seen : 0};
    jeff_walk(heap, visit, &some);
    if (all.wrong != NULL || some.seen > some.last + 1) {
        return all.wrong != NULL ? all.wrong : "a walk went on after it was broken off";
    }
    if (jeff_handle_of(heap, NULL) != JEFF_NULL || jeff_handle_of(heap, heap) != JEFF_NULL) {
        return "an address outside of all blocks has a handle";
    }
    const char *wrong = all.unlocked != JEFF_NULL ? probe_lock_limit(heap, all.unlocked) : NULL;
    if (wrong == NULL) {
        wrong = probe_dead_handle(heap);
    }
    return wrong == NULL ? probe_requests(heap) : wrong;
}

/* Callbacks */

static bool visit_none(void *context, const struct jeff_block *block)
{
    (void)block;
    *(bool *)context = true;
    return false;
}

static bool visit_no_pin(void *context, const struct jeff_pin *pin)
{
    (void)pin;
    *(bool *)context = true;
    return false;
}

const char *steve_jeff_probe_busy(jeff_heap *heap, jeff_handle handle, bool moving)
{
    if (jeff_calloc(heap, 1, 1) != JEFF_NULL || jeff_aligned_alloc(heap, 64, 1) != JEFF_NULL ||
        (handle != JEFF_NULL && jeff_resize(heap, handle, 1))) {
        return "a request was not refused inside a callback";
    }
    struct jeff_report report;
    if (jeff_compact(heap, 0) != JEFF_STOP_BUSY || jeff_compact_goal(heap, NULL, &report) != JEFF_STOP_BUSY ||
        jeff_compact_goal(heap, NULL, NULL) != JEFF_STOP_BUSY || report.stop != JEFF_STOP_BUSY ||
        jeff_settle(heap, handle)) {
        return "a compaction was not refused inside a callback";
    }
    jeff_destroy(heap);
    bool visited = false;
    if (moving) {
        jeff_walk(heap, visit_none, &visited);
        jeff_pins(heap, visit_no_pin, &visited);
        visited = visited || jeff_check(heap, NULL) != JEFF_ERROR_BUSY;
    } else if (jeff_check(heap, NULL) != JEFF_OK) {
        return "the heap's own check fails inside a callback";
    }
    if (visited) {
        return "a heap was looked at while it was moving";
    }
    return jeff_last_status(heap) == JEFF_ERROR_BUSY ? NULL : "a refusal inside a callback gave another reason";
}

/* Used up slots */

jeff_handle steve_jeff_age(jeff_heap *heap, jeff_handle handle)
{
    uint32_t *entry = jeff_inline_entry(heap, handle);
    jeff_inline_set_word(entry, jeff_inline_word(entry) | UINT32_MAX);
    return handle | UINT32_MAX;
}

const char *steve_jeff_probe_worn(jeff_heap *heap, jeff_handle *worn)
{
    *worn = jeff_malloc(heap, 0);
    if (*worn == JEFF_NULL) {
        return NULL;
    }
    *worn = steve_jeff_age(heap, *worn);
    if (!jeff_free(heap, *worn)) {
        return "a block of the last generation could not be freed";
    }
    return jeff_free(heap, *worn) ? "a block of the last generation was freed twice" : NULL;
}

/* The system's pages */

/// Whether the system would have given the pages of a small heap.
static bool system_gives(void)
{
    void *const pages = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages != MAP_FAILED && munmap(pages, MIB) == 0;
}

/// A block may be larger than the largest heap, made so at once or by a resize.
static const char *probe_huge(jeff_heap *heap)
{
#if SIZE_MAX > UINT32_MAX
    const size_t huge = (size_t)65 << 30;
    const jeff_handle small = jeff_malloc(heap, 16 * KIB);
    const bool served = small != JEFF_NULL && jeff_resize(heap, small, huge);
    jeff_free(heap, small);
    const jeff_handle large = jeff_malloc(heap, huge);
    if (served && (large == JEFF_NULL || jeff_usable_size(heap, large) < huge || !jeff_free(heap, large))) {
        return "a block can be made as large by a resize as none is made at once";
    }
#else
    (void)heap;
#endif
    return NULL;
}

static const char *probe_own_pages(void)
{
    const struct jeff_config config = {.own_mapping = 1};
    jeff_heap *heap = jeff_create(JEFF_HEAP_MIN, &config, NULL);
    if (heap == NULL) {
        return system_gives() ? "a heap over the system's pages was refused, and there were some" : NULL;
    }
    jeff_handle handle = jeff_malloc(heap, 16 * KIB);
    const bool grown = handle != JEFF_NULL && jeff_resize(heap, handle, 32 * KIB);
    const bool refused = handle != JEFF_NULL && !jeff_resize(heap, handle, SIZE_MAX);
    const char *wrong = probe_huge(heap);
    jeff_destroy(heap);
    if (wrong != NULL) {
        return wrong;
    }
    return handle == JEFF_NULL || (grown && refused) ? NULL : "a block with pages of its own was not resized";
}

static uint64_t system_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/// A heap whose client has no clock goes by the system's, read here before and after. By bytes moved it would take longer.
static const char *probe_clock(jeff_heap *heap)
{
    struct jeff_report report;
    const jeff_handle below = jeff_malloc(heap, 100 * KIB);
    const jeff_handle large = jeff_malloc(heap, 400 * KIB);
    jeff_free(heap, below);
    const uint64_t before = system_ns();
    const uint64_t between = jeff_posix_now_ns(NULL);
    const uint64_t middle = system_ns();
    jeff_compact_goal(heap, NULL, &report);
    const uint64_t after = system_ns();
    jeff_free(heap, large);
    return between < before || between > middle || report.time_ns > after - middle
               ? "a heap over the system's pages goes by another clock than the system's"
               : NULL;
}

/// @param gives whether the system has as much address space as a heap without a limit takes
static const char *probe_system_heap(bool *gives)
{
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(0, NULL, &status);
    *gives = heap != NULL;
    if (heap == NULL) {
        return status == JEFF_ERROR_MAP ? NULL : "a heap over the system's pages was refused without need";
    }
    jeff_handle small = jeff_malloc(heap, 100);
    jeff_handle much = jeff_malloc(heap, 400 * KIB);
    jeff_handle own = jeff_malloc(heap, MIB);
    const char *wrong = small != JEFF_NULL && jeff_lock(heap, small) == NULL ? "a block cannot be locked" : NULL;
    if (!jeff_free(heap, much) || !jeff_free(heap, own) || jeff_compact(heap, 1) == JEFF_STOP_BUSY ||
        jeff_compact(heap, 0) != JEFF_STOP_DONE || jeff_check(heap, NULL) != JEFF_OK) {
        wrong = "a heap over the system's pages is not sound";
    }
    wrong = wrong == NULL ? probe_clock(heap) : wrong;
    jeff_destroy(heap);
    return wrong;
}

/// Pages that were given back read as zero when they are taken again; those beside them stay what they were.
static const char *probe_hooks(void)
{
    struct jeff_page_hooks hooks;
    if (!jeff_posix_pages(&hooks)) {
        return NULL;
    }
    const size_t half = 4 * hooks.page_bytes;
    char *const pages = hooks.reserve(hooks.context, 2 * half);
    if (pages == NULL || !hooks.commit(hooks.context, pages, 2 * half)) {
        return NULL; // the system has nothing to give
    }
    memset(pages, 1, 2 * half);
    hooks.decommit(hooks.context, pages, half);
    bool sound = hooks.commit(hooks.context, pages, half);
    for (size_t i = 0; sound && i < 2 * half; i++) {
        sound = pages[i] == (i >= half);
    }
    hooks.release(hooks.context, pages, 2 * half);
    return sound ? NULL : "pages of the system's are not given back";
}

/// The handle table grows, and gives its pages back.
static const char *probe_large_table(void)
{
    enum { HANDLES = 40000 };
    jeff_heap *heap = jeff_create(64 * MIB, NULL, NULL);
    if (heap == NULL) {
        return NULL;
    }
    jeff_handle first = jeff_malloc(heap, 0);
    jeff_handle last = first;
    for (unsigned i = 1; i < HANDLES && last != JEFF_NULL; i++) {
        last = jeff_malloc(heap, 0);
    }
    struct jeff_stats before;
    struct jeff_stats after;
    jeff_stats(heap, &before);
    // Slots are given out one after the other, downwards.
    const jeff_handle slot = (jeff_handle)1 << 40;
    const jeff_handle life = slot - 1;
    for (jeff_handle handle = last; last != JEFF_NULL && handle >> 40 <= first >> 40; handle += slot) {
        const uint32_t *entry = jeff_inline_entry(heap, handle);
        jeff_free(heap, (handle & ~life) | (jeff_inline_word(entry) & life));
    }
    jeff_compact(heap, 0);
    jeff_stats(heap, &after);
    const bool freed = after.live_blocks == 0 && after.heap_bytes < before.heap_bytes;
    jeff_destroy(heap);
    return last == JEFF_NULL || freed ? NULL : "a handle table that is no longer used kept its pages";
}

/// Cells that are given out again once they are freed: a program that has few blocks at a time needs few of them.
static const char *probe_cells(void)
{
    handle_t *const first = rmmalloc(40);
    bool again = false;
    rmfree(first);
    for (unsigned i = 0; i < 64; i++) {
        handle_t *cell = rmmalloc(40);
        again = again || cell == first;
        rmfree(cell);
    }
    return again ? NULL : "the classic interface does not give out again what was freed";
}

/// Blocks of the classic interface beside each other; one is freed while it is locked.
static const char *probe_blocks(void)
{
    enum { BLOCKS = 5 };
    handle_t *cells[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        cells[i] = rmmalloc(i * 100);
        char *address = cells[i] != NULL ? lock(*cells[i]) : NULL;
        if (address == NULL) {
            return "the classic interface refuses a block, or to lock it";
        }
        memset(address, (int)i, i * 100);
        unlock(*cells[i]);
    }
    const handle_t gone = *cells[1];
    if (lock(gone) == NULL || lock(gone) == NULL) {
        return "a block of the classic interface cannot be locked twice";
    }
    rmfree(cells[1]);
    compact(0);
    bool whole = lock(gone) == NULL;
    unlock(gone);
    for (size_t i = 2; i < BLOCKS; i++) {
        const char *address = lock(*cells[i]);
        whole = whole && address != NULL && address[0] == (char)i && address[i * 100 - 1] == (char)i;
        rmfree(cells[i]);
        rmfree(cells[i]);
    }
    handle_t none = 0;
    rmfree(&none);
    rmfree(cells[0]);
    return whole && lock(0) == NULL ? NULL : "blocks of the classic interface are not what they were";
}

/// A block that was unlocked moves when what lies below it was freed.
static const char *probe_unlocked(void)
{
    handle_t *const below = rmmalloc(1000);
    handle_t *const above = rmmalloc(1000);
    if (below == NULL || above == NULL) {
        return "the classic interface refuses a block";
    }
    const char *const first = lock(*below);
    const char *const was = lock(*above);
    unlock(*above);
    rmfree(below);
    compact(0);
    const char *const is = lock(*above);
    rmfree(above);
    return is == (first < was ? was : first) ? "a block of the classic interface did not move" : NULL;
}

static const char *probe_classic(void)
{
    unlock(1);
    if (lock(1) != NULL) { // before there is any heap, too
        return "the classic interface locks a block that nobody has";
    }
    compact(1);
    handle_t *cell = rmmalloc(24);
    if (cell == NULL) {
        return "the classic interface has no heap where there is room for one";
    }
    const char *wrong = NULL;
    void *address = lock(*cell);
    if (address == NULL || lock(*cell) != address || rmmalloc(SIZE_MAX) != NULL) {
        wrong = "the classic interface locks nothing, or serves anything";
    }
    unlock(*cell);
    compact(1);
    if (lock(*cell) != address) {
        wrong = "a block of the classic interface moved while it was locked";
    }
    rmfree(cell);
    rmfree(cell);
    rmfree(NULL);
    if (wrong == NULL) {
        wrong = probe_cells();
    }
    if (wrong == NULL) {
        wrong = probe_unlocked();
    }
    return wrong == NULL ? probe_blocks() : wrong;
}

const char *steve_jeff_probe_system(bool large)
{
    // No episode has a part in it: what has passed once in a process passes again.
    static bool passed[2];
    if (!RESERVING_IS_CHEAP || passed[large]) {
        return NULL;
    }
    bool gives = false;
    // First of all: nothing has been made yet. Not beside an engine's own threads, which would be short of memory as well.
    const char *wrong = STEVE_JEFF_BESIDE ? steve_jeff_probe_short() : NULL;
    if (wrong == NULL && large) {
        wrong = probe_large_table();
    }
    if (wrong == NULL) {
        wrong = probe_hooks();
    }
    if (wrong == NULL) {
        wrong = probe_own_pages();
    }
    if (wrong == NULL) {
        wrong = probe_system_heap(&gives);
    }
    if (wrong == NULL && gives) {
        wrong = probe_classic();
    }
    passed[large] = wrong == NULL;
    return wrong;
}
