/// How many blocks a shared heap holds, in regions and pages of all sizes, and what its gates take, to the byte.
#define _DEFAULT_SOURCE // MAP_ANONYMOUS, MAP_NORESERVE
#include "steve/drivers/jeff/shared_drill_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "jeff_inline.h"
#include "jeff_shared.h"
#include "steve/drivers/jeff/refusing_pages_internal.h"

/// A sanitizer hides all that is free: of large regions that takes too long.
#ifdef JEFF_INLINE_CALLS
enum { IS_WATCHED = 1 };
#else
enum { IS_WATCHED = 0 };
#endif

enum {
    REGION = 32768,
    CONTROL = 128, ///< bytes of a shared heap's own control block, in front of the ordinary one
    GATE = 8,      ///< bytes of a gate
    LEAST = 28,    ///< bytes of the smallest block, with its entry
    LINE = 64,
    PAGE = 1024 ///< of heaps with pages
};

static _Alignas(PAGE) char memory[2 * REGION]; ///< one of them for gates, where a heap reserves them beside

static void nothing(void *context)
{
    (void)context;
}

static const struct jeff_mutex_hooks no_mutex = {nothing, nothing, nothing, NULL};

/* Blocks and gates */

static size_t fill(jeff_shared *heap, size_t most)
{
    size_t blocks = 0;
    while (blocks <= most && jeff_shared_malloc(heap, 1, NULL) != JEFF_NULL) {
        blocks++;
    }
    return blocks;
}

/// What a heap of one thread in the rest of the region says of itself.
static void stats_alone(size_t before, size_t bytes, struct jeff_stats *stats)
{
    jeff_heap *heap = jeff_init(memory + before, bytes - before, NULL, NULL);
    jeff_stats(heap, stats);
    jeff_destroy(heap);
}

/// What must lie in front of a heap for so many blocks: a gate for each, and one for none.
static size_t bytes_before(size_t bytes, size_t max_blocks)
{
    const size_t slots = ((size_t)1 << 24) - 2;
    const size_t wanted = max_blocks == 0 ? bytes / 64 : max_blocks;
    const size_t asked = wanted < slots ? wanted : slots;
    const size_t most = asked < bytes / LEAST ? asked : bytes / LEAST;
    return CONTROL + (most + 1) * GATE;
}

/// The same, up to a cache line.
static size_t lines_before(const char *region, size_t bytes, size_t max_blocks)
{
    const size_t before = bytes_before(bytes, max_blocks);
    return before + (LINE - ((uintptr_t)region + before) % LINE) % LINE;
}

/// As many blocks as may be, and what the statistics say of them.
static bool holds_blocks(size_t bytes, size_t max_blocks)
{
    const size_t asked = max_blocks == 0 ? bytes / 64 : max_blocks;
    const size_t most = asked < bytes / LEAST ? asked : bytes / LEAST;
    const size_t before = lines_before(memory, bytes, max_blocks);
    struct jeff_stats alone, stats;
    stats_alone(before, bytes, &alone);
    const struct jeff_shared_config config = {.mutex = &no_mutex, .max_blocks = max_blocks};
    jeff_shared *heap = jeff_shared_init(memory, bytes, &config, NULL);
    if (heap == NULL || (char *)heap + CONTROL != memory + before) {
        return false;
    }
    jeff_shared_stats(heap, &stats);
    const bool told =
        stats.heap_bytes == alone.heap_bytes + before && stats.control_bytes == alone.control_bytes + before;
    const size_t blocks = fill(heap, most);
    const bool room = most * LEAST + before + alone.control_bytes + LINE < bytes;
    const bool right = told && (room ? blocks == most : blocks <= most) && jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return right;
}

/// Regions as large as there are in practice and larger, of which hardly a page is touched.
static const char *drill_large_regions(void)
{
    static const size_t sizes[] = {
        1 << 20,         ((size_t)1 << 30) - 192, ((size_t)1 << 30) - 128, ((size_t)1 << 30) - 64,
        (size_t)1 << 30, ((size_t)1 << 30) + 4096};
    const size_t most = sizes[5] + 16;
    char *region = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const struct jeff_shared_config config = {.mutex = &no_mutex};
    const struct jeff_shared_config all = {.mutex = &no_mutex, .max_blocks = ((size_t)1 << 24) - 1};
    bool right = true;
    // A sanitizer hides all that is free: a gigabyte takes it too long.
    for (size_t i = 0; region != MAP_FAILED && i < (IS_WATCHED ? 2 : 12) && right; i++) {
        char *const begin = region + i % 2 * 16;
        const size_t bytes = sizes[i / 2];
        jeff_shared *heap = jeff_shared_init(begin, bytes, &config, NULL);
        right = heap != NULL && (size_t)((char *)heap - begin) + CONTROL == lines_before(begin, bytes, 0);
        jeff_shared_destroy(heap);
        heap = jeff_shared_init(begin, bytes, &all, NULL);
        right =
            right && heap != NULL && (size_t)((char *)heap - begin) + CONTROL == lines_before(begin, bytes, SIZE_MAX);
        jeff_shared_destroy(heap);
    }
    if (region != MAP_FAILED) {
        munmap(region, most);
    }
    return right ? NULL : "a shared heap in a large region has other gates than one for 64 bytes";
}

/// Of a region nothing is used beyond 64 GiB, gates included.
static const char *drill_largest_region(void)
{
    const uint64_t limit = (uint64_t)64 << 30;
    const uint64_t bytes = limit + (1 << 20);
    if (IS_WATCHED || bytes > SIZE_MAX) {
        return NULL; // all of it would have to be hidden, or there is no such region
    }
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *region = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (region == MAP_FAILED) {
        return NULL;
    }
    const struct jeff_shared_config config = {.mutex = &no_mutex};
    jeff_shared *heap = jeff_shared_init(region, (size_t)bytes, &config, NULL);
    struct jeff_stats stats = {0};
    if (heap != NULL) {
        jeff_shared_stats(heap, &stats);
    }
    jeff_shared_destroy(heap);
    munmap(region, (size_t)bytes);
    return stats.heap_bytes != 0 && stats.heap_bytes <= limit ? NULL
                                                              : "a shared heap uses more of a region than the most";
}

/// Regions that are too small, by whatever they are, and such as begin at no multiple of 16.
static const char *drill_regions(void)
{
    const struct jeff_shared_config few = {.mutex = &no_mutex, .max_blocks = 3};
    const struct jeff_shared_config eight = {.heap = {.alignment = 8}, .mutex = &no_mutex};
    const size_t least = lines_before(memory, REGION, 3) + JEFF_HEAP_MIN;
    enum jeff_status status = JEFF_OK;
    bool right = true;
    for (size_t bytes = 0; bytes < least && right; bytes++) {
        status = JEFF_OK;
        right = jeff_shared_init(memory, bytes, &few, &status) == NULL && status == JEFF_ERROR_TOO_SMALL;
    }
    jeff_shared *heap = jeff_shared_init(memory, least, &few, &status);
    right = right && heap != NULL;
    jeff_shared_destroy(heap);
    for (size_t at = 0; at < LINE && right; at++) {
        status = JEFF_OK;
        heap = jeff_shared_init(memory + at, REGION, &eight, &status);
        right = (heap != NULL) == (at % 8 == 0) && (heap != NULL || status == JEFF_ERROR_MISALIGNED);
        right = right && (heap == NULL || ((uintptr_t)heap % LINE == 0 && fill(heap, REGION / 64) > REGION / 64 - 2 &&
                                           jeff_shared_check(heap, NULL) == JEFF_OK));
        jeff_shared_destroy(heap);
        status = JEFF_OK;
        heap = jeff_shared_init(memory + at, REGION, &(struct jeff_shared_config){.mutex = &no_mutex}, &status);
        right = right && (heap != NULL) == (at % 16 == 0) && (heap != NULL || status == JEFF_ERROR_MISALIGNED);
        jeff_shared_destroy(heap);
    }
    return right ? NULL : "a region is taken that is too small or not aligned, or one is not that is neither";
}

static const char *drill_blocks(void)
{
    static const size_t most[] = {
        1, 2, 3, 7, 8, 63, 64, 65, 66, 127, 128, 129, 130, 200, 0, SIZE_MAX, ((size_t)1 << 24) - 2};
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        if (!holds_blocks(REGION, most[i]) || !holds_blocks(8192, most[i])) {
            return "a shared heap in a region has not as many blocks as it may, or not a gate for each";
        }
    }
    return NULL;
}

/* Gates in pages */

enum { PAGES = 2 * REGION / PAGE };

static unsigned char is_committed[PAGES];
static bool strays; ///< a page was committed twice, or what is not whole pages of the reservation

static void *reserve_whole(void *context, size_t bytes)
{
    (void)context;
    memset(is_committed, 0, sizeof is_committed);
    return bytes <= sizeof memory ? memory : NULL;
}

static bool commit_once(void *context, void *address, size_t bytes)
{
    (void)context;
    const size_t from = (size_t)((char *)address - memory);
    strays = strays || (char *)address < memory || from % PAGE != 0 || bytes % PAGE != 0 || bytes == 0 ||
             from > sizeof memory || bytes > sizeof memory - from;
    for (size_t page = from / PAGE; !strays && page < (from + bytes) / PAGE; page++) {
        strays = is_committed[page] != 0;
        is_committed[page] = 1;
    }
    if (!strays) {
        memset(address, 0, bytes);
    }
    return !strays;
}

static void decommit_known(void *context, void *address, size_t bytes)
{
    (void)context;
    const size_t from = (size_t)((char *)address - memory);
    for (size_t page = from / PAGE; page < (from + bytes) / PAGE && page < PAGES; page++) {
        is_committed[page] = 0;
    }
}

static size_t committed_bytes(void)
{
    size_t pages = 0;
    for (size_t page = 0; page < PAGES; page++) {
        pages += is_committed[page];
    }
    return pages * PAGE;
}

/// What the heap says to have is what was committed, after each block.
static bool counts_pages(size_t max_blocks, size_t most)
{
    const struct jeff_page_hooks pages = {PAGE, reserve_whole, commit_once, decommit_known, ignore_pages, NULL};
    const struct jeff_shared_config config = {.heap = {.pages = &pages}, .mutex = &no_mutex, .max_blocks = max_blocks};
    strays = false;
    jeff_shared *heap = jeff_shared_create(REGION, &config, NULL);
    if (heap == NULL) {
        return false;
    }
    bool right = true;
    size_t blocks = 0;
    while (right && jeff_shared_malloc(heap, 1, NULL) != JEFF_NULL) {
        struct jeff_stats stats;
        jeff_shared_stats(heap, &stats);
        right = stats.heap_bytes == committed_bytes() && !strays;
        blocks++;
    }
    right = right && (most == 0 ? blocks > 256 : blocks == most) && jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return right;
}

static const char *drill_pages(void)
{
    static const size_t most[] = {1, 2, 3, 111, 112, 113, 127, 128, 129, 200};
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        if (!counts_pages(most[i], most[i])) {
            return "a shared heap in pages has not as many blocks as it may, or other pages than it says";
        }
    }
    return counts_pages(0, 0) ? NULL : "a shared heap in pages has other pages than it says";
}

/// Blocks whose contents were dropped take less than a gate each is reckoned for: there are no more of them than gates.
static const char *drill_many_purged(void)
{
    enum { MOST = (REGION - LINE) / LEAST };
    memset(memory, 0x5e, LINE);
    const struct jeff_shared_config config = {.mutex = &no_mutex, .max_blocks = SIZE_MAX};
    jeff_shared *heap = jeff_shared_init(memory + LINE, REGION - LINE, &config, NULL);
    size_t blocks = 0;
    for (jeff_handle block; blocks <= MOST + LINE && (block = jeff_shared_malloc(heap, 1, NULL)) != JEFF_NULL;
         blocks++) {
        jeff_shared_set_purgeable(heap, block, true, NULL);
    }
    bool right = blocks > MOST / 2 && blocks <= MOST + LINE / GATE && jeff_shared_check(heap, NULL) == JEFF_OK;
    for (size_t i = 0; i < LINE; i++) {
        right = right && memory[i] == 0x5e;
    }
    jeff_shared_destroy(heap);
    return right ? NULL : "a shared heap has more blocks than gates, and writes below its region";
}

const char *steve_jeff_shared_gates(void)
{
    static const char *(*const drills[])(void) = {drill_blocks,         drill_pages,   drill_large_regions,
                                                  drill_largest_region, drill_regions, drill_many_purged};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof drills / sizeof drills[0] && wrong == NULL; i++) {
        wrong = drills[i]();
    }
    return wrong;
}
