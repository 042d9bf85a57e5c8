/// Reaching a block through its handle: lock, unlock, weak lock, and the questions about one block.
#include "heap_internal.h"

#include "jeff_inline.h"

// jeff_inline.h looks into the heap from outside: this is what it sees there.
static_assert(offsetof(struct jeff_inline_heap, table_bias) == offsetof(struct jeff_heap, table_bias) &&
                  offsetof(struct jeff_inline_heap, slot_low) == offsetof(struct jeff_heap, slot_low) &&
                  offsetof(struct jeff_inline_heap, refused) == offsetof(struct jeff_heap, refused),
              "a heap begins as jeff_inline.h says");
static_assert(JEFF_INLINE_WORDS * sizeof(uint32_t) == sizeof(struct entry) && offsetof(struct entry, gen) == 4 &&
                  JEFF_INLINE_AWAY == (uint64_t)(CW_PURGED | CW_MAPPED | CW_HALFWAY) << 32 &&
                  JEFF_INLINE_LOCK == (uint64_t)1 << (32 + CW_LOCK) && NO_REFUSAL == UINT32_MAX && GRANULE == 16,
              "an entry is what jeff_inline.h says");

static void *refuse(struct jeff_heap *h, enum jeff_status status)
{
    fail(h, status);
    return NULL;
}

/// Purged and mapped blocks, those that are halfway to elsewhere, the lock limit, and handles that are not live.
static COLD void *lock_slow(struct jeff_heap *h, jeff_handle handle, uint32_t locks)
{
    struct entry *e = live_entry(h, handle);
    if (!e)
        return refuse(h, JEFF_ERROR_HANDLE);
    if (e->cw & CW_PURGED)
        return refuse(h, JEFF_ERROR_PURGED);
    if (locks && locks_of(e) == JEFF_LOCK_MAX)
        return refuse(h, JEFF_ERROR_LOCK_LIMIT);
    e->cw = (e->cw & ~CW_HALFWAY) + (locks << CW_LOCK);
    return e->cw & CW_MAPPED ? mapped_address(h, e) : at(h, e->off);
}

static COLD bool unlock_refused(struct jeff_heap *h, jeff_handle handle)
{
    return fail(h, live_entry(h, handle) ? JEFF_ERROR_NOT_LOCKED : JEFF_ERROR_HANDLE);
}

void *jeff_lock(jeff_heap *h, jeff_handle handle)
{
    void *address = jeff_inline_lock(h, handle, true);
    return show_locked(h, handle, LIKELY(address != NULL) ? address : lock_slow(h, handle, 1));
}

void *jeff_weak_lock(jeff_heap *h, jeff_handle handle)
{
    void *address = jeff_inline_lock(h, handle, false);
    return show_weakly(h, handle, LIKELY(address != NULL) ? address : lock_slow(h, handle, 0));
}

bool jeff_unlock(jeff_heap *h, jeff_handle handle)
{
    if (UNLIKELY(!jeff_inline_unlock(h, handle)))
        return unlock_refused(h, handle);
    hide_unlocked(h, handle);
    return true;
}

uint64_t jeff_compactions(const jeff_heap *h)
{
    return h->compactions;
}

unsigned jeff_lock_count(const jeff_heap *h, jeff_handle handle)
{
    const struct entry *e = live_entry(h, handle);
    return e ? locks_of(e) : 0;
}

bool jeff_set_purgeable(jeff_heap *h, jeff_handle handle, bool purgeable)
{
    struct entry *e = live_entry(h, handle);
    if (!e)
        return fail(h, JEFF_ERROR_HANDLE);
    if (e->cw & CW_PURGED)
        return fail(h, JEFF_ERROR_PURGED);
    if (purgeable)
        e->cw |= CW_PURGEABLE;
    else
        e->cw &= ~CW_PURGEABLE;
    memory_came_free(h);
    return true;
}

size_t jeff_usable_size(jeff_heap *h, jeff_handle handle)
{
    const struct entry *e = live_entry(h, handle);
    if (!e || e->cw & CW_PURGED)
        return 0;
    if (e->cw & CW_MAPPED)
        return mapped_usable(h, e);
    const uint32_t start = start_of(e);
    return block_capacity(block_size(h, start, header_of(h, start)), e->cw & CW_WIDE);
}

size_t jeff_extent(jeff_heap *h, jeff_handle handle, void **begin)
{
    const struct entry *e = live_entry(h, handle);
    if (!e || e->cw & CW_PURGED)
        return 0;
    if (e->cw & CW_MAPPED)
        return mapped_extent(h, e, begin);
    const uint32_t start = start_of(e);
    *begin = at(h, start) - HEADER;
    return (size_t)block_size(h, start, header_of(h, start)) * GRANULE;
}

size_t jeff_run_needed(const jeff_heap *h, size_t alignment, size_t bytes)
{
    struct request request;
    if (alignment && !alignment_usable(alignment))
        return SIZE_MAX;
    if (!request_make(bytes, alignment, &request) || request.granules > h->end / GRANULE)
        return SIZE_MAX;
    const uint64_t granules = (uint64_t)request.granules + request.alignment - 1;
    return granules > SIZE_MAX / GRANULE ? SIZE_MAX : (size_t)granules * GRANULE;
}

jeff_handle jeff_handle_of(jeff_heap *h, const void *address)
{
    const uintptr_t begin = (uintptr_t)at(h, h->first);
    const uintptr_t end = (uintptr_t)at(h, h->top);
    const uintptr_t wanted = (uintptr_t)address;
    if (wanted < begin || wanted >= end) {
        if (h->pages)
            for (uint32_t slot = h->pages->proxies; slot != NIL; slot = mapped_next(h, slot))
                if (mapped_address(h, entry_at(h, slot)) == address)
                    return handle_of_slot(h, slot);
        return JEFF_NULL;
    }
    const uint32_t granule = (uint32_t)((wanted - (uintptr_t)h) / GRANULE);
    if (at(h, granule) != address)
        return JEFF_NULL;
    // What stands before the address, or before the record of a wide block, may be a client's bytes: the entry is what tells.
    const uint32_t slots[] = {header_of(h, granule) & SLOT_MASK, header_of(h, granule - 1) & SLOT_MASK};
    for (unsigned i = 0; i < 2; i++) {
        if (slots[i] < h->slot_low)
            continue;
        const struct entry *e = entry_at(h, slots[i]);
        if (is_live(e) && e->off == granule && !(e->cw & CW_MAPPED))
            return handle_of_slot(h, slots[i]);
    }
    return JEFF_NULL;
}
