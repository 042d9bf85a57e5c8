/// The handle table: who has which slot, and how slots are born, recycled and dropped. Bins of cached blocks are lists of slots through
/// the entries; an entry whose block was merged away stays in its bin until it is popped.
#include "heap_internal.h"

/// How many entries of bins one call looks at for one whose block is gone, so that it stays O(1).
#define RECLAIM_TRIES 16u

void entry_to_bare(struct jeff_heap *h, uint32_t slot)
{
    struct entry *e = entry_at(h, slot);
    assert(!is_live(e) && slot != NIL);
    e->off = 0;
    e->cw = CW_FREE | h->bare;
    h->bare = slot;
    h->bare_count++;
}

void entry_release(struct jeff_heap *h, uint32_t slot)
{
    struct entry *e = entry_at(h, slot);
    assert(is_live(e));
    memory_came_free(h);
    e->gen++;
    if (e->gen == 0) {
        // Every generation was used: a further one could make an old handle live again.
        e->off = 0;
        e->cw = CW_FREE | CLASS_WIDE << CW_CLASS | NIL;
        h->retired_count++;
        return;
    }
    entry_to_bare(h, slot);
}

void entry_bury(struct jeff_heap *h, struct entry *e, uint32_t size)
{
    assert(is_cached(e));
    e->off = 0;
    h->cached -= cached_block(size);
    h->dead_count++;
}

/// Pops entries without a block off the heads of the bins.
static bool reclaim(struct jeff_heap *h)
{
    unsigned tries = RECLAIM_TRIES;
    for (uint32_t class = 0; class <= h->binned && tries; class ++) {
        while (h->bin[class] != NIL && entry_at(h, h->bin[class])->off == 0 && tries) {
            const uint32_t slot = h->bin[class];
            h->bin[class] = entry_at(h, slot)->cw & SLOT_MASK;
            h->dead_count--;
            entry_to_bare(h, slot);
            tries--;
        }
    }
    return h->bare != NIL;
}

static bool grow(struct jeff_heap *h)
{
    if (h->slot_low == 0)
        return false;
    const size_t low = table_low(h);
    const size_t top_bytes = (size_t)h->top * GRANULE - HEADER;
    if (low < top_bytes + sizeof(struct entry))
        return false;
    if (h->pages && !pages_grow_table(h, low - sizeof(struct entry)))
        return false;
    h->slot_low--;
    entry_at(h, h->slot_low)->gen = h->gen_floor;
    entry_to_bare(h, h->slot_low);
    return true;
}

bool entry_ensure(struct jeff_heap *h)
{
    if (LIKELY(h->bare != NIL))
        return true;
    if (h->dead_count && reclaim(h))
        return true;
    return grow(h);
}

uint32_t entry_take(struct jeff_heap *h)
{
    const uint32_t slot = h->bare;
    assert(slot != NIL);
    h->bare = entry_at(h, slot)->cw & SLOT_MASK;
    h->bare_count--;
    return slot;
}

static bool is_retired(const struct entry *e)
{
    return e->gen == 0; // new slots begin above 0
}

void table_tidy(struct jeff_heap *h)
{
    assert(h->cached == 0);
    for (uint32_t class = 0; class <= h->binned; class ++)
        h->bin[class] = NIL;
    h->dead_count = 0;
    h->bare = NIL;
    h->bare_count = 0;

    // A dropped slot's generation lives on in the floor; a retired one has none left to remember it by, and stays.
    while (h->slot_low < NIL) {
        const struct entry *e = entry_at(h, h->slot_low);
        if (is_live(e) || is_retired(e))
            break;
        if (e->gen > h->gen_floor)
            h->gen_floor = e->gen;
        h->slot_low++;
    }
    // The list is to begin with the highest slots: the table can then shrink again at its low end.
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        const struct entry *e = entry_at(h, slot);
        if (!is_live(e) && !is_retired(e))
            entry_to_bare(h, slot);
    }
}
