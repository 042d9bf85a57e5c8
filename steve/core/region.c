/// Mapping, clearing and guarding the region.
#define _GNU_SOURCE
#include "steve/core/region.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "steve/core/shadow.h"
#include "steve/sanitizers.h"

#ifdef STEVE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

/// Up to here a region is cleared by writing. Of a larger one what is present is, as far as it is looked for, if it is no more than
/// that: a page fault costs as much as clearing many pages. Otherwise its pages are given back, but for the first.
#define CLEARED_BY_WRITING ((size_t)256 * 1024)
#define LOOKED_FOR         ((size_t)16 << 20)
#define PRESENT_MOST       ((size_t)1 << 20)
#define WRITTEN_BEGIN      ((size_t)128 * 1024)
/// AddressSanitizer has a byte of shadow for each 8, and so a page of it for 32 KiB or more.
#define SHADOW_RATIO      ((size_t)8)
#define SHADOWED_AT_LEAST ((size_t)32 * 1024)
/// How much of a large region's ends is made dirty.
#define DIRTY_END  ((size_t)64 * 1024)
#define DIRTY_TAIL ((size_t)4 * 1024) ///< of its end where pages are kept open: each is a page fault, every time
#define DIRTY_BYTE 0xd7
/// How far beyond the guards AddressSanitizer watches where pages are kept open.
#define FENCE ((size_t)64 * 1024)

/// Room in front of the base of shift 0: the guard, and pages without access below it, whatever the page size.
#define FRONT (2 * STEVE_REGION_UNIT)

/// Far from where programs, libraries and sanitizers put things, within 47 bits. A region for each shift has its own place: how
/// far the bases of the metamorphic oracle are apart is then the same in every process. 32 bits have no such places, and
/// ThreadSanitizer allows none.
#if UINTPTR_MAX > UINT32_MAX && !defined(STEVE_THREAD_SANITIZER)
#define REGION_WISH(shift) ((uintptr_t)(0x2000 + 0x400 * (uintptr_t)(shift)) << 32)
#endif

#define GUARD_STAMP UINT64_C(0x6775617264a5c39b)

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned char *page_down(unsigned char *at)
{
    return at - (uintptr_t)at % page_bytes();
}

static unsigned char *page_up(unsigned char *at)
{
    return page_down(at + (page_bytes() - 1));
}

static bool map(struct steve_region *region, size_t bytes, unsigned shift)
{
    steve_region_release(region);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *mapping = MAP_FAILED;
#ifdef REGION_WISH
    // The same address in every process where it can be had, so that what depends on it shows again.
    mapping = mmap((void *)REGION_WISH(shift), bytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
#else
    (void)shift;
#endif
    if (mapping == MAP_FAILED) {
        mapping = mmap(NULL, bytes, PROT_NONE, flags, -1, 0);
    }
    if (mapping == MAP_FAILED) {
        return false;
    }
    // A sample written into a huge page would cost the zeroing of 2 MiB.
    madvise(mapping, bytes, MADV_NOHUGEPAGE);
    *region = (struct steve_region){.mapping = mapping, .mapping_bytes = bytes};
    return true;
}

/// Opens the pages from `begin` to `end` and closes those that were open before, or leaves these open.
static bool open_pages(struct steve_region *region, unsigned char *begin, unsigned char *end, bool keep_open)
{
    region->open_begin = begin;
    region->open_end = end;
    if (region->wide_end == region->wide_begin) {
        region->wide_begin = begin;
        region->wide_end = end;
        return mprotect(begin, (size_t)(end - begin), PROT_READ | PROT_WRITE) == 0;
    }
    if (keep_open ? begin >= region->wide_begin && end <= region->wide_end
                  : begin == region->wide_begin && end == region->wide_end) {
        return true;
    }
    if (keep_open) {
        begin = begin < region->wide_begin ? begin : region->wide_begin;
        end = end > region->wide_end ? end : region->wide_end;
    } else {
        mprotect(region->wide_begin, (size_t)(region->wide_end - region->wide_begin), PROT_NONE);
    }
    region->wide_begin = begin;
    region->wide_end = end;
    return mprotect(begin, (size_t)(end - begin), PROT_READ | PROT_WRITE) == 0;
}

#ifdef STEVE_ADDRESS_SANITIZER
/// The shadow that AddressSanitizer has of an address: zero means usable, and so does a page that is not there.
static uintptr_t shadow_of(const unsigned char *at)
{
    size_t scale;
    size_t offset;
    __asan_get_shadow_mapping(&scale, &offset);
    return ((uintptr_t)at >> scale) + offset;
}

/// Unpoisons what has a shadow that is present, a page of it at a time: of a large one the sanitizer would give the pages back.
/// @param begin its shadow begins a page @return false if it cannot be told what is present
static bool unpoison_present(unsigned char *begin, unsigned char *end)
{
    static unsigned char present[LOOKED_FOR / SHADOWED_AT_LEAST];
    const size_t covered = page_bytes() * SHADOW_RATIO;
    const size_t pages = ((size_t)(end - begin) + covered - 1) / covered;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (pages > sizeof present || mincore((void *)shadow_of(begin), pages * page_bytes(), present) != 0) {
        return false;
    }
    for (size_t i = 0; i < pages; i++) {
        const size_t rest = (size_t)(end - begin) - i * covered;
        if ((present[i] & 1) != 0) {
            ASAN_UNPOISON_MEMORY_REGION(begin + i * covered, rest < covered ? rest : covered);
        }
    }
    return true;
}
#endif

/// Makes memory that a heap left poisoned behind usable again: beyond some way by giving back the pages of the shadow, for writing them at
/// ever new addresses would fill the memory. @param old_end of the region before
static void unpoison(const struct steve_region *region, const unsigned char *old_end)
{
#ifdef STEVE_ADDRESS_SANITIZER
    unsigned char *const end = region->open_end;
    const size_t covered = page_bytes() * SHADOW_RATIO;
    unsigned char *from = region->open_begin - (uintptr_t)region->open_begin % covered;
    unsigned char *const looked_for = from + LOOKED_FOR;
    if (region->bytes <= CLEARED_BY_WRITING) {
        ASAN_UNPOISON_MEMORY_REGION(region->open_begin, (size_t)(end - region->open_begin));
        from = looked_for;
    } else if (unpoison_present(from, end < looked_for ? end : looked_for)) {
        from = looked_for;
    }
    if (from >= end && from >= old_end) {
        return;
    }
    // The shadow's pages at both ends of the mapping are shared with other memory. Regions are far from there.
    const uintptr_t begin = shadow_of(from);
    uintptr_t all = shadow_of(region->mapping + region->mapping_bytes);
    all -= all % page_bytes();
    if (begin < all) {
        madvise((void *)begin, all - begin, MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
    }
#else
    (void)region;
    (void)old_end;
#endif
}

/// With pages kept open there is no fault beyond the guards: AddressSanitizer stands in for it, some way.
static void fence(const struct steve_region *region, bool up)
{
#ifdef STEVE_ADDRESS_SANITIZER
    if (region->wide_begin == NULL) {
        return;
    }
    size_t below = (size_t)(region->open_begin - region->wide_begin);
    size_t above = (size_t)(region->wide_end - region->open_end);
    below = below < FENCE ? below : FENCE;
    above = above < FENCE ? above : FENCE;
    if (up) {
        ASAN_POISON_MEMORY_REGION(region->open_begin - below, below);
        ASAN_POISON_MEMORY_REGION(region->open_end, above);
    } else {
        ASAN_UNPOISON_MEMORY_REGION(region->open_begin - below, below);
        ASAN_UNPOISON_MEMORY_REGION(region->open_end, above);
    }
#else
    (void)region;
    (void)up;
#endif
}

static void make_dirty(const struct steve_region *region, bool keep_open)
{
    if (region->bytes <= 2 * DIRTY_END) {
        memset(region->base, DIRTY_BYTE, region->bytes);
        return;
    }
    const size_t tail = keep_open && region->bytes > CLEARED_BY_WRITING ? DIRTY_TAIL : DIRTY_END;
    memset(region->base, DIRTY_BYTE, DIRTY_END);
    memset(region->base + region->bytes - tail, DIRTY_BYTE, tail);
}

/// Clears the pages that are present, runs of them at a time. What was touched and then swapped out would be missed: that takes a process
/// that sleeps in the middle of an episode.
/// @return false if there are too many, or it cannot be told: nothing was done
static bool clear_present(unsigned char *begin, unsigned char *end)
{
    static unsigned char present[LOOKED_FOR / 4096]; // bit 0 of each
    const size_t page = page_bytes();
    const size_t pages = (size_t)(end - begin) / page;
    if (pages > sizeof present || mincore(begin, pages * page, present) != 0) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        count += present[i] & 1;
    }
    if (count > PRESENT_MOST / page) {
        return false;
    }
    for (size_t i = 0; count > 0; i++) {
        const size_t first = i;
        while (i < pages && (present[i] & 1) != 0) {
            i++;
        }
        if (i > first) {
            memset(begin + first * page, 0, (i - first) * page);
            count -= i - first;
        }
    }
    return true;
}

/// Clears what the new region may hold. The first pages of a large one are cleared by writing in any case: they are used every time.
/// @param old_end of the region before: what it had beyond the pages that are looked for is given back
static void clear(const struct steve_region *region, unsigned char *first, unsigned char *old_end)
{
    unsigned char *const end = region->open_end;
    unsigned char *const kept = page_up(first + STEVE_REGION_UNIT + WRITTEN_BEGIN);
    unsigned char *const looked_for = kept + LOOKED_FOR;
    const bool is_large = region->bytes > CLEARED_BY_WRITING;
    memset(region->base, 0, is_large ? (size_t)(kept - region->base) : region->bytes);
    unsigned char *given_back = looked_for;
    if (is_large && !clear_present(kept, end < looked_for ? end : looked_for)) {
        given_back = kept;
    }
    unsigned char *const top = old_end > end ? old_end : end;
    if (given_back < top) {
        madvise(given_back, (size_t)(top - given_back), MADV_DONTNEED);
    }
}

bool steve_region_place(struct steve_region *region, const struct steve_region_place *place)
{
    size_t reserve = FRONT + STEVE_REGION_UNIT * (place->shift + 2) + 2 * STEVE_REGION_UNIT + STEVE_REGION_GUARD;
    if (place->bytes > SIZE_MAX / 2 - reserve) {
        return false;
    }
    if (region->mapping_bytes < place->bytes + reserve && !map(region, place->bytes + reserve, place->shift)) {
        return false;
    }
    unsigned char *old_end = region->open_end;

    size_t past_unit = (uintptr_t)region->mapping % STEVE_REGION_UNIT;
    unsigned char *unit = region->mapping + (past_unit == 0 ? 0 : STEVE_REGION_UNIT - past_unit);
    unsigned char *first = unit + FRONT + STEVE_REGION_UNIT * place->shift;
    region->base = first + place->offset % STEVE_REGION_UNIT;
    region->bytes = place->bytes;
    unsigned char *begin = page_down(region->base - STEVE_REGION_GUARD);
    unsigned char *end = page_up(region->base + region->bytes + STEVE_REGION_GUARD);
    fence(region, false); // that of the last region
    if (!open_pages(region, begin, end, place->keep_open)) {
        return false;
    }
    unpoison(region, old_end);
    clear(region, first, old_end);
    if (place->dirty) {
        make_dirty(region, place->keep_open);
    }
    steve_shadow_fill(begin, (size_t)(region->base - begin), GUARD_STAMP);
    unsigned char *above = region->base + region->bytes;
    steve_shadow_fill(above, (size_t)(end - above), GUARD_STAMP);
    fence(region, true);
    return true;
}

bool steve_region_guards_hold(const struct steve_region *region, struct steve_region_damage *damage)
{
    struct steve_shadow_diff diff;
    size_t below = (size_t)(region->base - region->open_begin);
    if (!steve_shadow_same(region->open_begin, below, below, GUARD_STAMP, &diff)) {
        *damage = (struct steve_region_damage){false, below - diff.offset, diff.actual, diff.expected};
        return false;
    }
    const unsigned char *end = region->base + region->bytes;
    size_t above = (size_t)(region->open_end - end);
    if (!steve_shadow_same(end, above, above, GUARD_STAMP, &diff)) {
        *damage = (struct steve_region_damage){true, diff.offset + 1, diff.actual, diff.expected};
        return false;
    }
    return true;
}

uint8_t steve_region_guard_byte(const struct steve_region *region, const unsigned char *at)
{
    const unsigned char *end = region->base + region->bytes;
    const unsigned char *begin = at < region->base ? region->open_begin : end;
    const unsigned char *stop = at < region->base ? region->base : region->open_end;
    uint8_t expected = 0;
    bool is_written = steve_shadow_byte((size_t)(stop - begin), GUARD_STAMP, (size_t)(at - begin), &expected);
    assert(is_written); // a guard is shorter than what is written in samples
    (void)is_written;
    return expected;
}

void steve_region_release(struct steve_region *region)
{
    if (region->mapping != NULL) {
        fence(region, false);
        munmap(region->mapping, region->mapping_bytes);
    }
    *region = (struct steve_region){0};
}
