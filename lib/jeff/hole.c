/// Holes: free runs that belong to no slot. They are kept in bins by size, four to each power of two, with a bitmap of the bins
/// that are not empty (two-level segregated fit: Masmano et al., "TLSF: a new dynamic memory allocator for real-time
/// systems", 2004). A run that ends at the top of the heap is no hole: it lowers the top.
#include "heap_internal.h"

/// How many holes of the request's own bin are tried before a larger bin is taken, where any hole fits.
#define OWN_BIN_TRIES 4u
/// How many cached blocks one run may swallow, so that freeing stays O(1).
#define ABSORB_MOST 8u
/// For how many mallocs with an empty bin a heap counts as growing after one that took from the top.
#define GROWING_FOR 16u

static unsigned log2_floor(uint64_t value)
{
#if defined(__GNUC__)
    return 63u - (unsigned)__builtin_clzll(value);
#else
    unsigned log = 0;
    while (value >>= 1)
        log++;
    return log;
#endif
}

static unsigned lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned bit = 0;
    while (!(bits & 1)) {
        bits >>= 1;
        bit++;
    }
    return bit;
#endif
}

unsigned hole_bin_of(uint32_t size)
{
    if (size < 8)
        return size;
    const unsigned log = log2_floor(size);
    return 8 + (log - 3) * 4 + (size >> (log - 2) & 3);
}

unsigned bin_from(const uint64_t map[2], unsigned bin)
{
    for (unsigned word = bin / 64; word < 2; word++) {
        const uint64_t bits = map[word] & ~(uint64_t)0 << bin % 64;
        if (bits)
            return word * 64 + lowest_bit(bits);
        bin = 0;
    }
    return HOLE_BINS;
}

unsigned bin_last(const uint64_t map[2])
{
    return map[1] ? 64 + log2_floor(map[1]) : log2_floor(map[0] | 1); // no size is 0
}

uint32_t hole_next(const struct jeff_heap *h, uint32_t start)
{
    return load(at(h, start));
}

/// What was copied into the reserved hole is void.
static COLD void halfway_drop(struct jeff_heap *h)
{
    struct entry *e = entry_at(h, h->halfway_slot);
    if (is_live(e))
        e->cw &= ~CW_HALFWAY;
    h->halfway_hole = 0;
}

void hole_unlink(struct jeff_heap *h, uint32_t start, uint32_t size)
{
    if (UNLIKELY(start == h->halfway_hole)) {
        halfway_drop(h);
        h->hole_granules -= size;
        return;
    }
    const unsigned bin = hole_bin_of(size);
    const uint32_t next = load(at(h, start));
    const uint32_t previous = load(at(h, start) + 4);
    if (next)
        store(at(h, next) + 4, previous);
    if (previous) {
        store(at(h, previous), next);
    } else {
        assert(hole_heads(h)[bin] == start);
        hole_heads(h)[bin] = next;
        if (!next)
            bin_clear(h->hole_map, bin);
    }
    h->hole_granules -= size;
}

void holes_forget(struct jeff_heap *h)
{
    memset(hole_heads(h), 0, h->hole_bins * sizeof(uint32_t));
    h->hole_map[0] = h->hole_map[1] = 0;
    h->hole_granules = 0;
    assert(!h->halfway_hole);
}

void hole_reserve(struct jeff_heap *h, uint32_t start)
{
    assert(!h->halfway_hole);
    const uint32_t size = hole_size(h, start, header_of(h, start));
    hole_unlink(h, start, size);
    h->hole_granules += size;
    h->halfway_hole = start;
}

void hole_release(struct jeff_heap *h)
{
    const uint32_t start = h->halfway_hole;
    const uint32_t size = hole_size(h, start, header_of(h, start));
    hole_unlink(h, start, size);
    hole_make(h, start, size);
}

void hole_make(struct jeff_heap *h, uint32_t start, uint32_t size)
{
    assert(size > 0 && start >= h->first && start + size < h->top);
    const unsigned bin = hole_bin_of(size);
    assert(bin < h->hole_bins);
    const uint32_t next = hole_heads(h)[bin];
    char *hole = at(h, start);
    // A hole is never marked FREE_BELOW: two holes side by side are one.
    set_header(h, start, size < SLOT_END ? size : 0);
    store(hole, next);
    store(hole + 4, 0);
    store(hole + 8, size);
    // A hole of one granule has its start where larger ones have their size: the header tells that it is one.
    store(at(h, start + size) - 2 * HEADER, start);
    if (next)
        store(at(h, next) + 4, start);
    hole_heads(h)[bin] = start;
    bin_fill(h->hole_map, bin);
    h->hole_granules += size;
    set_free_below(h, start + size);
}

void run_free(struct jeff_heap *h, uint32_t start, uint32_t size, bool below)
{
    memory_came_free(h);
    const uint32_t end_of_run = start + size;
    if (below) {
        const uint32_t hole = hole_below(h, start);
        hole_unlink(h, hole, start - hole);
        size += start - hole;
        start = hole;
    }

    unsigned absorbed = 0;
    uint32_t end = end_of_run;
    while (end < h->top) {
        const uint32_t header = header_of(h, end);
        if (is_hole(header)) {
            const uint32_t above = hole_size(h, end, header);
            hole_unlink(h, end, above);
            end += above;
            continue;
        }
        struct entry *e = entry_at(h, header & SLOT_MASK);
        if (!is_cached(e) || absorbed == ABSORB_MOST)
            break;
        const uint32_t above = block_size(h, end, header);
        entry_bury(h, e, above);
        absorbed++;
        end += above;
    }
    mend_cursor(h, start, end + (end == h->top));
    if (end == h->top)
        h->top = start;
    else
        hole_make(h, start, end - start);
}

uint32_t aligned_start(const struct jeff_heap *h, uint32_t from, uint32_t alignment, bool wide)
{
    if (alignment == 1)
        return from;
    const uintptr_t mask = (uintptr_t)(alignment - 1) * GRANULE;
    const uintptr_t payload = (uintptr_t)at(h, from + wide);
    const uintptr_t aligned = (payload + mask) & ~mask;
    const uint64_t start = from + (uint64_t)((aligned - payload) / GRANULE);
    return start < UINT32_MAX ? (uint32_t)start : UINT32_MAX; // no block ends so high
}

/// Takes the block out of a hole in which it fits; what is left over stays a hole.
static uint32_t carve(struct jeff_heap *h, uint32_t hole, uint32_t size, const struct request *request)
{
    const uint32_t start = aligned_start(h, hole, request->alignment, request->wide);
    const uint32_t end = start + request->granules;
    hole_unlink(h, hole, size);
    if (end < hole + size)
        hole_make(h, end, hole + size - end);
    else
        clear_free_below(h, end);
    if (start > hole)
        hole_make(h, hole, start - hole);
    return start;
}

static bool fits(const struct jeff_heap *h, uint32_t hole, uint32_t size, const struct request *request)
{
    const uint64_t start = aligned_start(h, hole, request->alignment, request->wide);
    return start + request->granules <= (uint64_t)hole + size;
}

uint32_t hole_take(struct jeff_heap *h, const struct request *request, bool thorough)
{
    // In the first of these bins a hole may fit or not: a few tries in each, all of them before a request is refused. In later ones any fits.
    for (unsigned bin = hole_bin_of(request->granules); (bin = bin_from(h->hole_map, bin)) != HOLE_BINS; bin++) {
        uint32_t hole = hole_heads(h)[bin];
        for (unsigned tries = 0; hole && (thorough || tries < OWN_BIN_TRIES); hole = hole_next(h, hole), tries++) {
            const uint32_t size = hole_size(h, hole, header_of(h, hole));
            if (fits(h, hole, size, request))
                return carve(h, hole, size, request);
        }
    }
    return 0;
}

uint32_t top_take(struct jeff_heap *h, const struct request *request, bool grow)
{
    const uint32_t start = aligned_start(h, h->top, request->alignment, request->wide);
    const uint64_t end = (uint64_t)start + request->granules;
    if (end > top_limit(h)) {
        if (!grow || !h->pages || end > UINT32_MAX || !pages_grow(h, (uint32_t)end))
            return 0;
        assert(end <= top_limit(h));
    }
    exact_classes_for(h, GROWING_FOR);
    const uint32_t old_top = h->top;
    h->top = (uint32_t)end;
    set_header(h, start, 0);
    if (start > old_top)
        hole_make(h, old_top, start - old_top);
    return start;
}

uint32_t largest_run_among(struct jeff_heap *h, unsigned most)
{
    uint32_t largest = top_free(h);
    if (h->halfway_hole)
        largest = larger(largest, size_at(h, h->halfway_hole));
    uint32_t hole = hole_heads(h)[bin_last(h->hole_map)];
    for (; hole && most; hole = hole_next(h, hole), most--)
        largest = larger(largest, size_at(h, hole));
    return largest;
}
