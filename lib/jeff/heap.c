/// Making and dropping heaps. Everything of a heap is inside its memory: the control block at its start, the handle table at its end.
#include "heap_internal.h"

#define CACHED_LEAST (262144u / GRANULE)
/// Until a pass has measured it, a unit of its work counts as 1 ns.
#define PACE_FIRST_PS 1000

const char *jeff_strerror(enum jeff_status status)
{
    switch (status) {
    case JEFF_OK:
        return "no error";
    case JEFF_ERROR_ARGUMENT:
        return "an argument is NULL or out of its range";
    case JEFF_ERROR_MISALIGNED:
        return "the region is not aligned as the heap's blocks must be";
    case JEFF_ERROR_TOO_SMALL:
        return "the region is too small to hold a heap";
    case JEFF_ERROR_NO_MEMORY:
        return "no free run is large enough";
    case JEFF_ERROR_HANDLE:
        return "the handle is stale, foreign or made up";
    case JEFF_ERROR_LOCKED:
        return "the block is locked";
    case JEFF_ERROR_NOT_LOCKED:
        return "the block is not locked";
    case JEFF_ERROR_LOCK_LIMIT:
        return "the block is locked as often as it can be";
    case JEFF_ERROR_PURGED:
        return "the contents of the block were dropped";
    case JEFF_ERROR_BUSY:
        return "a callback may not do this";
    case JEFF_ERROR_MAP:
        return "the system gave no pages";
    case JEFF_ERROR_CORRUPT:
        return "the heap is damaged";
    }
    return "unknown status";
}

static void *refuse(enum jeff_status *status, enum jeff_status why)
{
    if (status)
        *status = why;
    return NULL;
}

/// A generation for the first handles of a heap: even, above 0, and different where the salts are.
static uint32_t first_generation(const struct jeff_heap *h, const struct jeff_config *config)
{
    const uint64_t address = (uint64_t)(uintptr_t)h;
    uint32_t salt = config->handle_salt;
    if (!salt)
        salt = (uint32_t)(address ^ address >> 32);
    // Fibonacci hashing (Knuth, TAOCP 3, 6.4). A quarter of the range at most, so that slots do not retire early.
    return ((salt * 2654435769u) >> 2 & ~(uint32_t)1) | 2;
}

struct geometry heap_geometry(size_t end, bool with_pages)
{
    const uint32_t granules = (uint32_t)(end / GRANULE);
    const uint32_t binned = granules / 8 < CLASS_MAX ? granules / 8 : CLASS_MAX;
    const uint32_t hole_bins = hole_bin_of(granules) + 1;
    const size_t bins = sizeof(struct jeff_heap) + (binned + 1) * sizeof(struct bin) + hole_bins * sizeof(uint32_t);
    const size_t page_state = (bins + 7) & ~(size_t)7;
    const size_t control = page_state + (with_pages ? sizeof(struct page_state) : 0);
    return (struct geometry){
        .page_state = page_state,
        .control = control,
        .first = (uint32_t)(control / GRANULE) + 1, // as a multiple of 4 it leaves room for a header
        .binned = binned,
        .hole_bins = hole_bins,
        .small_limit = (size_t)binned * GRANULE - HEADER + 1,
        .cached_limit = larger(granules / 8, CACHED_LEAST),
    };
}

void heap_lay_out(struct jeff_heap *h, size_t bytes, bool with_pages, const struct jeff_config *config)
{
    const size_t end = bytes & ~(size_t)3;
    const struct geometry g = heap_geometry(end, with_pages);
    assert(end >= (size_t)g.first * GRANULE + GRANULE + 2 * sizeof(struct entry));

    memory_show(h, (size_t)g.first * GRANULE - HEADER);
    memset(h, 0, g.control);
    h->table_bias = (uintptr_t)h + end - (size_t)SLOT_END * sizeof(struct entry);
    // A heap that scrambles takes the slow path each time.
    h->small_limit = config->scramble ? 0 : g.small_limit;
    h->slot_low = NIL;
    h->binned = g.binned;
    h->cached_limit = g.cached_limit;
    h->refused = NO_REFUSAL;
    h->first = g.first;
    h->top = g.first;
    h->bare = NIL;
    h->gen_floor = first_generation(h, config);
    h->hole_bins = g.hole_bins;
    h->no_last_resort = config->no_last_resort;
    h->scramble = config->scramble;
    h->pace_ps = PACE_FIRST_PS;
    h->end = end;
    h->region_bytes = bytes;
    h->pages = with_pages ? (struct page_state *)(void *)((char *)h + g.page_state) : NULL;
    h->now_ns = config->now_ns;
    h->moved = config->moved;
    h->low_memory = config->low_memory;
    h->context = config->context;
#if HAS_POSIX
    if (!h->now_ns)
        h->now_ns = jeff_posix_now_ns;
#endif
    for (uint32_t class = 0; class <= g.binned; class ++)
        h->bin[class].slot = NIL;
    memory_show(entry_at(h, NIL), sizeof(struct entry));
    if (!with_pages)
        memory_hide(at(h, g.first) - HEADER, table_low(h) - (size_t)g.first * GRANULE + HEADER);
    *entry_at(h, NIL) = (struct entry){.off = 0, .gen = 0, .cw = NIL << CW_NEXT};
}

jeff_heap *jeff_init(void *region, size_t bytes, const struct jeff_config *config, enum jeff_status *status)
{
    const struct jeff_config defaults = {0};
    config = config ? config : &defaults;
    const size_t alignment = config->alignment ? config->alignment : GRANULE;
    if (!region || (alignment != GRANULE && alignment != 8))
        return refuse(status, JEFF_ERROR_ARGUMENT);
    if ((uintptr_t)region % alignment != 0)
        return refuse(status, JEFF_ERROR_MISALIGNED);
    if (bytes < JEFF_HEAP_MIN)
        return refuse(status, JEFF_ERROR_TOO_SMALL);

    // A region that is aligned to 8 may begin in the middle of a granule.
    const size_t skip = (GRANULE - (uintptr_t)region % GRANULE) % GRANULE;
    size_t usable = bytes - skip;
    if (usable > HEAP_MOST)
        usable = (size_t)HEAP_MOST;
    struct jeff_heap *h = (struct jeff_heap *)(void *)((char *)region + skip);
    heap_lay_out(h, usable, false, config);
    h->begin_skip = (uint8_t)skip;
    h->region_bytes = skip + usable;
    if (status)
        *status = JEFF_OK;
    return h;
}

void jeff_destroy(jeff_heap *h)
{
    if (!h)
        return;
    if (h->busy == BUSY_MOVING || h->busy == BUSY_LOW_MEMORY) {
        fail(h, JEFF_ERROR_BUSY); // whoever called the callback goes on with the heap
        return;
    }
    if (h->pages) {
        pages_destroy(h);
        return;
    }
    memory_show(h, h->end);
    // No slot is in the table any more, so that no handle is live, and nothing can be allocated.
    h->slot_low = SLOT_END;
    h->small_limit = 0;
    h->busy = BUSY_DESTROYED;
}

enum jeff_status jeff_last_status(const jeff_heap *h)
{
    return (enum jeff_status)h->last_status;
}
