/// The handle table: who has which slot, and how slots are born, recycled and dropped. Bins of cached blocks are lists of slots through
/// the entries; an entry whose block was merged away stays in its bin until it is popped.
#include "gate_internal.h"

void entry_to_bare(struct jeff_heap *h, uint32_t slot)
{
    struct entry *e = entry_at(h, slot);
    assert(!is_live(e) && slot != NIL);
    e->off = 0;
    e->cw = h->bare << CW_NEXT;
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
        e->cw = NIL << CW_NEXT | CLASS_WIDE;
        h->retired_count++;
        return;
    }
    entry_to_bare(h, slot);
}

void entry_bury(struct jeff_heap *h, struct entry *e, uint32_t size)
{
    assert(is_cached(e) && e->off != 0);
    e->off = 0;
    struct bin *bin = bin_of(h, e->cw & CW_CLASS);
    bin->count--;
    if (bin == &h->bin[BIN_DEFERRED])
        h->deferred -= size;
    h->dead_count++;
}

uint32_t cached_count(const struct jeff_heap *h)
{
    uint32_t count = 0;
    for (uint32_t class = 0; class <= h->binned; class ++)
        count += h->bin[class].count;
    return count;
}

uint32_t cached_granules(const struct jeff_heap *h)
{
    uint32_t granules = h->deferred;
    for (uint32_t class = 1; class <= h->binned; class ++)
        granules += class * h->bin[class].count;
    return granules;
}

void cached_forget(struct jeff_heap *h)
{
    for (uint32_t class = 0; class <= h->binned; class ++)
        h->bin[class].count = 0;
    h->deferred = 0;
}

/// Slots begin at different generations, so that not all of them count what is cached at the same time.
static uint32_t generations_apart(uint32_t slot)
{
    return slot * 2 & TALLY_MASK;
}

static bool grow(struct jeff_heap *h)
{
    const size_t low = table_low(h);
    const size_t top_bytes = (size_t)h->top * GRANULE - HEADER;
    if (h->slot_low == 1 || low < top_bytes + sizeof(struct entry)) // no link may be 0
        return false;
    if (is_shared(h) && !gates_grow(h, h->slot_low - 1))
        return false;
    if (h->pages && !pages_grow_table(h, low - sizeof(struct entry)))
        return false;
    h->slot_low--;
    memory_show(entry_at(h, h->slot_low), sizeof(struct entry));
    entry_at(h, h->slot_low)->gen = h->gen_floor + generations_apart(h->slot_low);
    entry_to_bare(h, h->slot_low);
    return true;
}

bool entry_ensure(struct jeff_heap *h)
{
    return LIKELY(h->bare != NIL) || grow(h);
}

bool entry_possible(const struct jeff_heap *h)
{
    const bool more = h->slot_low > 1 && (!is_shared(h) || gates_reach(h, h->slot_low - 1));
    return more || h->bare != NIL || cached_count(h);
}

uint32_t entry_take(struct jeff_heap *h)
{
    const uint32_t slot = h->bare;
    assert(slot != NIL);
    h->bare = next_of(entry_at(h, slot));
    h->bare_count--;
    return slot;
}

static bool is_retired(const struct entry *e)
{
    return e->gen == 0; // new slots begin above 0
}

/// Whether a slot stays in the table without a block. A retired one has no generation left to remember it by; and the generation of one
/// that was used for most of what there are would leave too few to all that come after it.
static bool is_worn(const struct entry *e)
{
    return is_retired(e) || e->gen > GEN_WORN;
}

uint32_t slot_kept(const struct jeff_heap *h)
{
    uint32_t slot = h->slot_low;
    while (!is_live(entry_at(h, slot)) && !is_worn(entry_at(h, slot)))
        slot++; // NIL's generation is that of a retired one
    return slot;
}

uint32_t table_spare(const struct jeff_heap *h)
{
    const size_t low = table_low(h) + HEADER;
    const size_t dropped = (size_t)(slot_kept(h) - h->slot_low) * sizeof(struct entry);
    return (uint32_t)((low + dropped) / GRANULE - low / GRANULE);
}

void table_tidy(struct jeff_heap *h)
{
    assert(cached_count(h) == 0);
    for (uint32_t class = 0; class <= h->binned; class ++)
        h->bin[class].slot = NIL;
    h->dead_count = 0;

    const size_t low = table_low(h);
    // A dropped slot's generation lives on in the floor, without what it began apart: each shrinking would add that once more.
    for (const uint32_t kept = slot_kept(h); h->slot_low < kept; h->slot_low++) {
        const uint32_t gen = entry_at(h, h->slot_low)->gen;
        h->gen_floor = larger(h->gen_floor, gen - generations_apart(h->slot_low));
    }
    memory_hide((char *)h + low, table_low(h) - low);
    // The list is to begin with the highest slots: the table can then shrink again at its low end. Which entries are free is as random
    // as what was freed, hence no branch on it.
    uint32_t bare = NIL, count = 0;
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        struct entry *e = entry_at(h, slot);
        const uint32_t is_free = (~e->gen & 1) & (uint32_t)!is_retired(e);
        if (is_shared(h) && !is_free)
            continue; // another thread may be reading where its block lies
        const uint32_t mask = 0 - is_free;
        e->off &= ~mask;
        e->cw = (e->cw & ~mask) | (bare << CW_NEXT & mask);
        bare = (bare & ~mask) | (slot & mask);
        count += is_free;
    }
    h->bare = bare;
    h->bare_count = count;
}
