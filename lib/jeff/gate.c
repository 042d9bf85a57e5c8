/// Gates: how they come to be, and what the thread that has the mutex does at them. What all threads do is in shared.c.
#include "gate_internal.h"

#if HAS_SHARED

/// Gates of a region are cleared that many at a time, so that no call takes O(max_blocks).
#define CLEARED_AT_ONCE 64u
/// Gates in pages are committed that many bytes at a time, or a page.
#define COMMITTED_AT_ONCE 16384u

size_t gates_before(uint32_t blocks, size_t bytes)
{
    // No block with its entry takes less; and one gate is that of NIL, which is never opened.
    const size_t most = bytes / (GRANULE + sizeof(struct entry));
    return sizeof(struct jeff_shared) + ((blocks < most ? blocks : most) + 1) * sizeof(uint64_t);
}

static bool commit(struct jeff_heap *h, char *from, char *to)
{
    const struct jeff_page_hooks *hooks = &h->pages->hooks;
    return hooks->commit(hooks->context, from, (size_t)(to - from));
}

bool gates_grow(struct jeff_heap *h, uint32_t slot)
{
    struct jeff_shared *s = shared_of(h);
    const uint32_t had = atomic_load_explicit(&s->gates_low, memory_order_relaxed);
    if (slot >= had)
        return true;
    if (!gates_reach(h, slot))
        return false;
    uint32_t low;
    if (h->pages) {
        const size_t page = h->pages->hooks.page_bytes;
        const size_t at_once = (COMMITTED_AT_ONCE + page - 1) & ~(page - 1);
        char *const base = (char *)h - s->before;
        // What is committed begins at a page, whose end may be a gate that is not used.
        char *const to = (char *)h - (((size_t)((char *)h - (char *)gate_at(s, had)) + page - 1) & ~(page - 1));
        char *const from = (size_t)(to - base) > at_once ? to - at_once : base;
        if (!commit(h, from, to))
            return false;
        low = gates_down_to(s, (size_t)((char *)s - from));
    } else {
        low = slot - s->slot_least > CLEARED_AT_ONCE ? slot - CLEARED_AT_ONCE : s->slot_least;
        const size_t bytes = (size_t)(had - low) * sizeof(uint64_t);
        memory_show(gate_at(s, low), bytes);
        memset((void *)(uintptr_t)gate_at(s, low), 0, bytes);
    }
    atomic_store_explicit(&s->gates_low, low, memory_order_release);
    return true;
}

bool gate_claim_shared(struct jeff_heap *h, uint32_t slot)
{
    if (entry_at(h, slot)->cw & (CW_MAPPED | CW_PURGED))
        return true;
    _Atomic uint64_t *gate = gate_at(shared_of(h), slot);
    uint64_t word = atomic_load(gate);
    assert(!(word & GATE_CLAIMED));
    while (word < GATE_LOCK) {
        if (atomic_compare_exchange_weak(gate, &word, word | GATE_CLAIMED))
            return true;
    }
    return false;
}

void gate_release_with(struct jeff_heap *h, uint32_t slot, uint64_t flags)
{
    _Atomic uint64_t *gate = gate_at(shared_of(h), slot);
    uint64_t word = atomic_load_explicit(gate, memory_order_relaxed);
    // The only change that others make meanwhile is to want it.
    while (word & GATE_CLAIMED) {
        const uint64_t released = (word & ~(GATE_CLAIMED | GATE_WANTED | GATE_HALFWAY)) | flags;
        if (atomic_compare_exchange_weak_explicit(gate, &word, released, memory_order_release, memory_order_relaxed))
            return;
    }
}

void gates_note_shared(struct jeff_heap *h, bool note)
{
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        struct entry *e = entry_at(h, slot);
        if (!is_live(e))
            continue;
        e->cw &= ((uint32_t)1 << CW_LOCK) - 1;
        if (note && gate_word(h, slot) >= GATE_LOCK)
            e->cw |= (uint32_t)1 << CW_LOCK;
    }
}

void gates_watch_shared(struct jeff_heap *h)
{
    // Before the first look at a gate: who unlocks one later sees it, and who unlocked one before was seen.
    if (!atomic_exchange(&shared_of(h)->watched, 1))
        memory_came_free(h);
}

#endif
