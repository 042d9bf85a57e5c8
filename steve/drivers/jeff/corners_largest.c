/// Corners of heaps of 64 GiB, or of 2 GiB where addresses have 32 bits, the largest that there are: of address space, of which next to
/// nothing is touched.
#define _GNU_SOURCE
#include "steve/drivers/jeff/probe_internal.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "jeff_shared.h"
#include "steve/drivers/jeff/refusing_pages_internal.h"

/* Address space of the system's that begins where it is to */

static char *mapped;
static size_t unit; ///< where in so many bytes a heap begins is `past`
static size_t past;
static size_t scarce_from; ///< more than so many bytes are not given; 0: any number is

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    if (scarce_from != 0 && bytes > scarce_from) {
        return NULL;
    }
    mapped = mmap(NULL, bytes + unit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped + (past - (uintptr_t)mapped) % unit;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void release(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    munmap(mapped, bytes + unit);
}

#if SIZE_MAX > UINT32_MAX
#define MOST ((size_t)64 << 30)

/// Blocks all but as large as the largest heap, whose granules with their alignment are more than 32 bits count.
static const char *probe_most_aligned(jeff_heap *heap)
{
    const jeff_handle refused = jeff_aligned_alloc(heap, 32768, MOST - 4000);
    const jeff_handle below = jeff_malloc(heap, 500);
    const jeff_handle most = jeff_aligned_alloc(heap, 32768, MOST - 24000);
    jeff_free(heap, below);
    if (refused != JEFF_NULL || most == JEFF_NULL) {
        return "the largest aligned block is not that which fits";
    }
    for (size_t wanted = 18000; wanted < 21000; wanted += 200) {
        const struct jeff_goal goal = {.wanted_bytes = wanted};
        jeff_compact_goal(heap, &goal, NULL);
    }
    // There is no room for it, neither in front nor behind.
    const bool none = jeff_aligned_alloc(heap, 65536, 1) == JEFF_NULL;
    return none && jeff_free(heap, most) ? NULL : "a block was given out where none fits";
}

/// A run of all but the whole heap, which the alignment of one small block prevents.
static const char *probe_most_wanted(jeff_heap *heap)
{
    const jeff_handle small = jeff_aligned_alloc(heap, 65536, 100);
    const struct jeff_goal goal = {.wanted_bytes = MOST - 6000};
    struct jeff_report report;
    jeff_compact_goal(heap, &goal, &report);
    return report.stop == JEFF_STOP_DONE && jeff_free(heap, small) ? NULL : "a run was made that cannot be";
}

/// A hole of just so many granules that its header does not hold their number any more.
static const char *probe_long_hole(jeff_heap *heap)
{
    const size_t bytes = (((size_t)1 << 24) - 1) * 16 - 4;
    jeff_malloc(heap, 100);
    const jeff_handle freed = jeff_malloc(heap, bytes);
    void *const was = jeff_weak_lock(heap, freed);
    jeff_malloc(heap, 100);
    jeff_free(heap, freed);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK;
    return sound && jeff_weak_lock(heap, jeff_malloc(heap, bytes)) == was ? NULL : "a hole of 256 MiB is not sound";
}

/// A hole of more than half of the granules that there can be, and one whose class is the last of a word of the map.
static const char *probe_class(jeff_heap *heap, size_t bytes)
{
    jeff_malloc(heap, 100);
    const jeff_handle freed = jeff_malloc(heap, bytes);
    void *const was = jeff_weak_lock(heap, freed);
    jeff_lock(heap, jeff_malloc(heap, 100));
    jeff_free(heap, freed);
    const struct jeff_goal goal = {.wanted_bytes = bytes, .dry_run = true};
    struct jeff_report report;
    jeff_compact_goal(heap, &goal, &report);
    if (report.largest_before < bytes) {
        return "the largest hole is not told";
    }
    const jeff_handle again = jeff_malloc(heap, bytes);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK && was != NULL && jeff_weak_lock(heap, again) == was;
    return sound && jeff_free(heap, again) ? NULL : "a hole of some size is not found again";
}

static const char *probe_classes(jeff_heap *heap)
{
    const char *const wrong = probe_class(heap, (size_t)33 << 30);
    return wrong != NULL ? wrong : probe_class(heap, (size_t)1900 << 10);
}

/// Two blocks make way for a run of their size, one into each of two free runs. Nothing else is free, of all 64 GiB.
static const char *probe_most_planned(jeff_heap *heap)
{
    enum { FIRST = 92, SECOND = 60 };
    jeff_lock(heap, jeff_malloc(heap, 1));
    jeff_malloc(heap, FIRST);
    jeff_malloc(heap, SECOND);
    jeff_lock(heap, jeff_malloc(heap, 1));
    const jeff_handle room = jeff_malloc(heap, FIRST);
    jeff_lock(heap, jeff_malloc(heap, 1));
    const jeff_handle more = jeff_malloc(heap, SECOND);
    jeff_lock(heap, jeff_malloc(heap, 1));
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    jeff_handle rest = JEFF_NULL;
    for (size_t bytes = stats.free_bytes; rest == JEFF_NULL; bytes -= 16) {
        rest = jeff_malloc(heap, bytes);
    }
    jeff_lock(heap, rest);
    jeff_free(heap, room);
    jeff_free(heap, more);
    const struct jeff_goal goal = {.wanted_bytes = FIRST + SECOND + 4, .dry_run = true};
    const struct jeff_goal within = {.wanted_bytes = FIRST + SECOND + 4, .budget_ns = 1000000};
    struct jeff_report report;
    jeff_compact_goal(heap, &goal, &report);
    const bool priced = report.stop == JEFF_STOP_GOAL && report.moved_blocks == 2;
    jeff_compact_goal(heap, &within, &report);
    return priced && report.stop == JEFF_STOP_GOAL && report.moved_blocks == 2 ? NULL
                                                                               : "no plan is made in the largest heap";
}

/// A hole of each class holds a block of its size.
static const char *probe_each_class(jeff_heap *heap)
{
    enum { LEAST_LOG = 7, MOST_LOG = 31, PARTS = 4 };
    for (unsigned log = LEAST_LOG; log < MOST_LOG; log++) {
        for (uint64_t part = PARTS; part < (uint64_t)2 * PARTS; part++) {
            const size_t bytes = (part << log) / PARTS * 16 - 20;
            const jeff_handle freed = jeff_malloc(heap, bytes);
            const jeff_handle above = jeff_malloc(heap, 100);
            void *const was = jeff_weak_lock(heap, freed);
            jeff_free(heap, freed);
            const jeff_handle again = jeff_malloc(heap, bytes);
            if (again == JEFF_NULL || jeff_weak_lock(heap, again) != was) {
                return "a block is not made in the hole of its size";
            }
            jeff_free(heap, again);
            jeff_free(heap, above);
            jeff_compact(heap, 0);
        }
    }
    return NULL;
}

/// A plan for a small request where granules of all the heap are more than half of what 32 bits count.
static const char *probe_most_requested(jeff_heap *heap)
{
    enum { BLOCK = 50, WANTED = 2 * BLOCK };
    const size_t bytes = BLOCK * 16 - 4;
    jeff_lock(heap, jeff_malloc(heap, 100));
    jeff_malloc(heap, bytes);
    const jeff_handle beside = jeff_malloc(heap, bytes);
    jeff_lock(heap, jeff_malloc(heap, 100));
    const jeff_handle elsewhere = jeff_malloc(heap, bytes);
    jeff_lock(heap, jeff_malloc(heap, 100));
    jeff_handle rest = JEFF_NULL;
    for (size_t taken = MOST - bytes; rest == JEFF_NULL && taken > MOST / 2; taken -= bytes) {
        rest = jeff_malloc(heap, taken);
    }
    jeff_lock(heap, rest);
    jeff_free(heap, beside);
    jeff_free(heap, elsewhere);
    const jeff_handle wanted = jeff_malloc(heap, WANTED * 16 - 4);
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    return rest != JEFF_NULL && wanted != JEFF_NULL && stats.moved_blocks == 1
               ? NULL
               : "a large heap does not make room for a small request";
}

/// Growing in place to all but the whole of a heap with pages of its own.
static const char *probe_most_grown(void)
{
    const struct jeff_config config = {.own_mapping = SIZE_MAX, .handle_salt = 1};
    jeff_heap *heap = jeff_create(MOST, &config, NULL);
    if (heap == NULL) {
        return NULL; // the system has nothing to give
    }
    jeff_malloc(heap, 30000);
    const jeff_handle last = jeff_malloc(heap, 30000);
    const bool refused = !jeff_resize(heap, last, MOST - 30000);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK;
    jeff_destroy(heap);
    return refused && sound ? NULL : "a block has grown beyond the end of the largest heap";
}

/// A heap over pages of up to a quarter of the largest heap works, and so does one for several threads, whose counts of locks would not
/// fill one.
static const char *probe_large_pages(void)
{
    const char *wrong = NULL;
    past = 0;
    for (size_t page = (size_t)1 << 26; page <= MOST / 4 && wrong == NULL; page *= 4) {
        const struct jeff_page_hooks pages = {page, reserve, commit, ignore_pages, release, NULL};
        const struct jeff_shared_config config = {.heap = {.pages = &pages, .own_mapping = SIZE_MAX, .handle_salt = 1}};
        unit = page;
        jeff_heap *heap = jeff_create(3 * page, &config.heap, NULL);
        if (heap == NULL) {
            return NULL; // the system has nothing to give
        }
        const jeff_handle block = jeff_malloc(heap, page);
        bool sound = jeff_lock(heap, block) != NULL && jeff_check(heap, NULL) == JEFF_OK;
        jeff_destroy(heap);
        jeff_shared *shared = jeff_shared_create(3 * page, &config, NULL);
        if (shared == NULL) {
            return NULL;
        }
        const jeff_handle other = jeff_shared_malloc(shared, 100, NULL);
        sound = sound && jeff_shared_lock(shared, other, NULL) != NULL && jeff_shared_check(shared, NULL) == JEFF_OK;
        jeff_shared_destroy(shared);
        wrong = sound ? NULL : "a block cannot be had, or not be locked, in a heap over large pages";
    }
    return wrong;
}

/// A heap without a limit, for which there is just as much address space as such a heap needs, or less.
static const char *probe_least_share(void)
{
    const char *wrong = NULL;
    past = 0;
    for (size_t page = (size_t)1 << 19; page <= (size_t)1 << 21 && wrong == NULL; page *= 2) {
        const struct jeff_page_hooks pages = {page, reserve, commit, ignore_pages, release, NULL};
        const struct jeff_config config = {.pages = &pages, .own_mapping = SIZE_MAX, .handle_salt = 1};
        unit = page;
        scarce_from = 2 * page;
        jeff_heap *heap = jeff_create(0, &config, NULL);
        const bool works = heap != NULL && jeff_malloc(heap, page) != JEFF_NULL && jeff_check(heap, NULL) == JEFF_OK;
        jeff_destroy(heap);
        scarce_from = 2 * page - 1;
        const bool refused = jeff_create(0, &config, NULL) == NULL;
        wrong = works && refused ? NULL : "a heap without a limit is not made in the least address space that it needs";
    }
    scarce_from = 0;
    return wrong;
}

/// What is beyond the largest heap is no part of it.
static const char *probe_beyond(char *region)
{
    const struct jeff_config config = {.handle_salt = 1};
    jeff_heap *heap = jeff_init(region, MOST + 8192, &config, NULL);
    const bool served = jeff_malloc(heap, 100) != JEFF_NULL;
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    const bool sound =
        served && stats.heap_bytes <= MOST && stats.table_bytes <= 1000 && jeff_check(heap, NULL) == JEFF_OK;
    jeff_destroy(heap);
    return sound ? NULL : "a heap in a region that is too large for it says to have what it does not use";
}

/// Plans are made by the time that is left: by the system's clock that is none now and then.
static uint64_t stand_still(void *context)
{
    (void)context;
    return 1;
}

const char *steve_jeff_probe_largest(void)
{
    enum {
        UNIT = 65536,
        PAST = 28672
    }; // so far past a multiple of the alignment that little is left below the first multiple
    const size_t bytes = MOST + 2 * UNIT;
    char *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        return NULL;
    }
    char *const base = region + (UNIT - (uintptr_t)region % UNIT) + PAST;
    static const char *(*const probes[])(jeff_heap *) = {probe_most_aligned,  probe_most_wanted,  probe_long_hole,
                                                         probe_classes,       probe_most_planned, probe_each_class,
                                                         probe_most_requested};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0] && wrong == NULL; i++) {
        const struct jeff_config config = {.handle_salt = 1, .now_ns = stand_still};
        jeff_heap *heap = jeff_init(base, MOST, &config, NULL);
        wrong = probes[i](heap);
        if (wrong == NULL && jeff_check(heap, NULL) != JEFF_OK) {
            wrong = "the largest heap is not sound";
        }
    }
    if (wrong == NULL) {
        wrong = probe_beyond(base);
    }
    munmap(region, bytes);
    if (wrong == NULL) {
        wrong = probe_most_grown();
    }
    if (wrong == NULL) {
        wrong = probe_least_share();
    }
    return wrong == NULL ? probe_large_pages() : wrong;
}
#else
#define MOST ((size_t)1 << 31)
#define PAGE ((size_t)4096)
#define UNIT ((size_t)65536) ///< the largest alignment

/// A block as large as all of a heap of 2 GiB that is all but full, whose end, with its alignment, is more than 32 bits count.
static const char *probe_most_aligned(void)
{
    const struct jeff_page_hooks pages = {PAGE, reserve, commit, ignore_pages, release, NULL};
    const struct jeff_config config = {.pages = &pages, .own_mapping = SIZE_MAX, .handle_salt = 1};
    unit = UNIT;
    jeff_heap *heap = jeff_create(MOST - PAGE, &config, NULL);
    if (heap == NULL) {
        return NULL; // the system has nothing to give
    }
    const jeff_handle most = jeff_malloc(heap, MOST - 12 * PAGE);
    const jeff_handle refused = jeff_aligned_alloc(heap, UNIT, MOST - PAGE - 20);
    const bool sound = jeff_check(heap, NULL) == JEFF_OK && jeff_free(heap, most);
    jeff_destroy(heap);
    return refused == JEFF_NULL && sound ? NULL : "a block was given out where none fits";
}

const char *steve_jeff_probe_largest(void)
{
    const char *wrong = NULL;
    for (past = 0; past < UNIT && wrong == NULL; past += PAGE) {
        wrong = probe_most_aligned();
    }
    return wrong;
}
#endif
