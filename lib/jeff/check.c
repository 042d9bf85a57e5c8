/// The heap's own check: every header, hole, bin, entry and counter against the others, in this order:
///
///     control    what follows from the size of the heap, and the bounds of all that is read afterwards
///     table      each entry by itself, and that the header of its block names it
///     memory     each header leads to the next one
///     lists      bins of holes, lists of free slots, blocks with pages of their own
///     counters   what was counted on the way
///
/// Nothing is trusted before it was looked at: whatever word is damaged, the check stays inside the heap and comes to an end.
/// Where two words contradict each other, a third one tells which of them is wrong: a block is named by its entry, a hole by
/// its bin.
#include "gate_internal.h"

#define ALIGNMENT_LOG2_MOST 12u ///< of the largest alignment, in granules
#define CW_UNUSED           ((uint32_t)1 << 15 & ~CW_SHOWN)

struct check {
    const jeff_heap *h;
    struct jeff_damage *damage;
    uint32_t live, cached, retired, mapped; ///< slots of each kind; purged ones have no block and are not live
    uint32_t unattached;                    ///< free slots without a block
    uint32_t holes;
    uint32_t unlisted; ///< slots that were seen free, and not in a list or the reverse; all of them xored
    uint32_t deferred; ///< granules of cached blocks that have no bin of their own
    uint64_t hole_granules;
};

static bool damaged(struct check *c, const char *what, const void *address)
{
    if (c->damage)
        *c->damage = (struct jeff_damage){.what = what, .address = address};
    return false;
}

/// @return whether it holds
static bool expect(struct check *c, bool holds, const char *what, const void *address)
{
    if (!holds)
        damaged(c, what, address);
    return holds;
}

static char *header_at(const struct check *c, uint32_t start)
{
    return at(c->h, start) - HEADER;
}

static uint32_t list_class(const struct entry *e)
{
    return e->cw & CW_CLASS;
}

/* Control */

static bool check_geometry(struct check *c)
{
    const jeff_heap *h = c->h;
    const uint64_t usable = h->region_bytes - h->begin_skip;
    if (h->begin_skip % 8 || h->begin_skip >= GRANULE ||
        h->end != ((usable < HEAP_MOST ? usable : HEAP_MOST) & ~(uint64_t)3))
        return damaged(c, "the size of the heap is wrong", &h->end);
    if (h->table_bias != (uintptr_t)h + h->end - (size_t)SLOT_END * sizeof(struct entry))
        return damaged(c, "the place of the handle table is wrong", &h->table_bias);
    const struct geometry g = heap_geometry(h->end, h->pages != NULL);
    if (h->pages && (const char *)h->pages != (const char *)h + g.page_state)
        return damaged(c, "the place of what is known of the heap's pages is wrong", &h->pages);
    if (h->first != g.first || h->binned != g.binned || h->hole_bins != g.hole_bins ||
        h->cached_limit != g.cached_limit)
        return damaged(c, "the layout of the heap is not that of its size", &h->first);
    if (h->busy > BUSY_DESTROYED || h->no_last_resort > 1 || h->scramble > 1 || h->last_status > JEFF_ERROR_CORRUPT ||
        (h->tally_mask && h->tally_mask != TALLY_MASK) || (h->shared && !is_shared(h)) ||
        h->small_limit != (h->busy || h->scramble ? 0 : g.small_limit))
        return damaged(c, "the state of the heap is none that there is", &h->small_limit);
    return true;
}

static bool check_page_state(struct check *c)
{
    const jeff_heap *h = c->h;
    const struct page_state *p = h->pages;
    const size_t page = p->hooks.page_bytes;
    if (page < 1024 || (page & (page - 1)) || p->reserved != h->end || !p->hooks.reserve || !p->hooks.commit ||
        !p->hooks.decommit || !p->hooks.release)
        return damaged(c, "the page hooks are damaged", p);
    const bool met = p->commit_low == SIZE_MAX;
    if (p->commit_table % page || p->commit_table >= p->reserved ||
        (!met && (p->commit_low % page || p->commit_low >= p->commit_table)))
        return damaged(c, "the bounds of the committed pages are wrong", &p->commit_low);
    if (!met && ((uint64_t)h->top * GRANULE - HEADER > p->commit_low || table_low(h) < p->commit_table))
        return damaged(c, "the heap has grown beyond its pages", &p->commit_low);
    return true;
}

static bool check_control(struct check *c)
{
    const jeff_heap *h = c->h;
    if (h->slot_low > NIL)
        return damaged(c, "the handle table has no entry", &h->slot_low);
    const uint64_t table = (uint64_t)(SLOT_END - h->slot_low) * sizeof(struct entry);
    if (h->top < h->first || (uint64_t)h->top * GRANULE - HEADER + table > h->end)
        return damaged(c, "the top of the heap lies outside of it", &h->top);
    if (h->pages && !check_page_state(c))
        return false;
#if SANITIZED
    if (memory_is_hidden((const char *)h + table_low(h), table)) // reading on would fault there
        return damaged(c, "the handle table has entries in free memory", &h->slot_low);
#endif
    const struct entry *nil = entry_at(h, NIL);
    if (nil->off != 0 || nil->gen != 0 || nil->cw != NIL << CW_NEXT)
        return damaged(c, "the handle table's first entry was overwritten", nil);
    if (h->gen_floor == 0 || h->gen_floor & 1 || h->gen_floor > GEN_WORN)
        return damaged(c, "new slots would not begin as free ones", &h->gen_floor);
    if (h->drain_bin > h->binned)
        return damaged(c, "the bin to be looked at next is none", &h->drain_bin);
    return true;
}

/* What is wrong, where two words contradict each other */

static bool is_wide(const struct entry *e)
{
    return is_live(e) ? (e->cw & CW_WIDE) != 0 : list_class(e) == CLASS_WIDE;
}

/// Where the block of a slot starts, as its entry says; where there are no blocks if it has none.
static uint32_t block_start(const struct check *c, uint32_t slot)
{
    const struct entry *e = entry_at(c->h, slot);
    return is_live(e) && e->cw & CW_PURGED ? 0 : e->off - is_wide(e);
}

/// Whether the table has the slot, NIL aside.
static bool is_slot(const struct check *c, uint32_t slot)
{
    return slot >= c->h->slot_low && slot < NIL;
}

static bool claims(const struct check *c, uint32_t slot, uint32_t start)
{
    return is_slot(c, slot) && block_start(c, slot) == start;
}

/// The size of the stretch that starts there, 0 if it leads nowhere.
static uint32_t stretch_size(const struct check *c, uint32_t start)
{
    const uint32_t size = size_at(c->h, start);
    return size <= c->h->top - start ? size : 0;
}

/// Whether the headers lead there.
static bool is_stretch(const struct check *c, uint32_t wanted)
{
    uint32_t start = c->h->first;
    uint32_t size = 1;
    for (; start < wanted && size; start += size)
        size = stretch_size(c, start);
    return start == wanted;
}

/// Whether a bin of holes leads there.
static bool is_in_bin(const struct check *c, uint32_t wanted)
{
    jeff_heap *h = (jeff_heap *)(uintptr_t)c->h;
    for (uint32_t bin = 0; bin < h->hole_bins; bin++) {
        uint32_t tries = h->top - h->first;
        for (uint32_t hole = hole_heads(h)[bin]; hole && hole < h->top && tries; tries--) {
            if (hole == wanted)
                return true;
            hole = load(at(h, hole));
        }
    }
    return false;
}

/// Whether a slot or a bin knows of what starts there, or nothing does and the heap ends.
static bool is_start(const struct check *c, uint32_t start)
{
    const struct jeff_heap *h = c->h;
    if (start >= h->top)
        return start == h->top;
    const uint32_t header = header_of(h, start);
    return is_hole(header) ? is_in_bin(c, start) : claims(c, header & SLOT_MASK, start);
}

/// Whether a block of that size would end where another one starts, and hold none.
static bool leads_on(const struct check *c, uint32_t start, uint32_t size)
{
    const struct jeff_heap *h = c->h;
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        const uint32_t other = block_start(c, slot);
        if (other > start && other < start + size)
            return false;
    }
    const uint32_t end = start + size;
    return size && is_start(c, end) && (end == h->top || !(header_of(h, end) & FREE_BELOW));
}

/// What is wrong where a stretch reaches beyond the start of some slot's block. Bisection over the heap: below it, there are
/// as many headers of blocks as there are slots with blocks.
static const void *find_swallower(const struct check *c)
{
    const jeff_heap *h = c->h;
    uint32_t low = h->first;
    uint32_t high = h->top;
    while (low + 1 < high) {
        const uint32_t middle = low + (high - low) / 2;
        uint32_t blocks = 0;
        for (uint32_t start = h->first; start < middle; start += size_at(h, start))
            blocks += !is_hole(header_of(h, start));
        uint32_t slots = 0;
        for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
            const uint32_t start = block_start(c, slot);
            slots += start && start < middle;
        }
        if (slots > blocks)
            high = middle;
        else
            low = middle;
    }
    uint32_t start = h->first;
    while (start + size_at(h, start) <= low)
        start += size_at(h, start);
    return header_at(c, start);
}

/* The handle table */

/// The block of a slot against its header. `class`: what it must be; 0: anything
static bool check_place(struct check *c, uint32_t slot, uint32_t class)
{
    const jeff_heap *h = c->h;
    const struct entry *e = entry_at(h, slot);
    const uint32_t start = block_start(c, slot);
    if (start < h->first || start >= h->top)
        return damaged(c, "a slot's block lies outside of the heap", e);
    const uint32_t header = header_of(h, start);
    if (is_hole(header) || (header & SLOT_MASK) != slot) {
        if (is_start(c, start))
            return damaged(c, "a slot's block lies where something else does", e);
        if (is_stretch(c, start))
            return damaged(c, "a header does not name the slot that it belongs to", header_at(c, start));
        return damaged(c, "a slot's block lies where none is", e);
    }
    const bool is_other_class = class && class_of(header) != class;
    if ((class_of(header) == CLASS_WIDE) == is_wide(e) && !is_other_class)
        return true;
    const bool is_right = is_other_class && leads_on(c, start, stretch_size(c, start));
    return damaged(c, "a block's size is not the one that its slot tells",
                   is_right ? (const void *)e : header_at(c, start));
}

/// Whether a gate lets those in who have the block's handle. Others may lock and unlock meanwhile; nobody may claim, nor wait for who has.
static bool is_gate_of(const struct check *c, uint32_t slot, const struct entry *e)
{
    const uint64_t word = gate_word(c->h, slot);
    const bool away = e->cw & (CW_PURGED | CW_MAPPED);
    return life_of(word) == life_of(entry_word(e)) && away == ((word & GATE_AWAY) != 0) &&
           !(word & (GATE_CLAIMED | GATE_WANTED)) && !(e->cw & CW_PURGED && word >= GATE_LOCK);
}

static bool check_live(struct check *c, uint32_t slot, const struct entry *e)
{
    const uint32_t birth = e->cw & CW_CLASS;
    const bool unbinned = birth != CLASS_WIDE && birth > c->h->binned;
    if (e->cw & CW_UNUSED || birth == 0 || birth > CLASS_WIDE || ((e->cw & CW_UNBINNED) != 0) != unbinned)
        return damaged(c, "a live slot's flags contradict each other", e);
    if (is_shared(c->h) && !is_gate_of(c, slot, e))
        return damaged(c, "a live slot's gate is not that of its block", e);
    if (e->cw & CW_HALFWAY && (!c->h->halfway_hole || slot != c->h->halfway_slot))
        return damaged(c, "a block is marked as halfway to elsewhere, and no pass is about to move it", e);
    if (e->cw & CW_PURGED)
        return expect(c, e->off <= ALIGNMENT_LOG2_MOST && !locks_of(e) && !(e->cw & CW_MAPPED),
                      "a purged slot has a block, or locks", e);
    if (e->cw & CW_MAPPED && !c->h->pages)
        return damaged(c, "a slot has pages of its own in a heap that has none", e);
    c->live++;
    c->mapped += (e->cw & CW_MAPPED) != 0;
    return check_place(c, slot, e->cw & CW_RESIZED ? 0 : birth);
}

static bool check_free(struct check *c, uint32_t slot, const struct entry *e)
{
    if (is_shared(c->h) && gate_word(c->h, slot))
        return damaged(c, "the gate of a free slot is open", e);
    if (e->gen == 0) {
        c->retired++;
        return expect(c, e->off == 0 && e->cw == (NIL << CW_NEXT | CLASS_WIDE), "a retired slot was overwritten", e);
    }
    c->unlisted ^= slot;
    if (!e->off) {
        c->unattached++;
        return true;
    }
    c->cached++;
    return check_place(c, slot, list_class(e));
}

static bool check_table(struct check *c)
{
    for (uint32_t slot = c->h->slot_low; slot < NIL; slot++) {
        const struct entry *e = entry_at(c->h, slot);
        if (is_live(e) ? !check_live(c, slot, e) : !check_free(c, slot, e))
            return false;
    }
    return true;
}

/* Memory */

/// What is wrong with a hole, or NULL. `size` is what its header leads to.
static const char *hole_fault(const struct check *c, uint32_t start, uint32_t header, uint32_t size)
{
    const jeff_heap *h = c->h;
    if (size == 0 || size >= h->top - start)
        return "a hole's size leads out of the heap";
    if ((header & SLOT_MASK) != (size < SLOT_END ? size : 0) || (size > 1 && load(at(h, start) + 8) != size))
        return "a hole's two sizes differ";
    if (hole_below(h, start + size) != start)
        return "a hole's last word does not name its start";
    return header & FREE_BELOW ? "a hole is marked as having another right below it" : NULL;
}

/// What is wrong with a block that some slot claims, or NULL.
static const char *block_fault(const struct check *c, uint32_t start, uint32_t header, uint32_t size)
{
    const uint32_t alignment = alignment_of(c->h, start, header);
    if (size < 1u + (class_of(header) == CLASS_WIDE) || size > c->h->top - start)
        return "a block's size leads out of the heap";
    if ((alignment & (alignment - 1)) || start != aligned_start(c->h, start, alignment, true))
        return "an aligned block is not aligned";
    return NULL;
}

/// What is wrong where a header names a slot that has its block elsewhere, or none. `below`: what led here; 0: nothing
static const void *find_unclaimed(const struct check *c, uint32_t start, uint32_t header, uint32_t below)
{
    const uint32_t slot = header & SLOT_MASK;
    // More slots without a block than were counted: one of them has lost it.
    if (is_slot(c, slot) && c->unattached > c->h->dead_count + c->h->bare_count)
        return entry_at(c->h, slot);
    return header_at(c, below && !is_in_bin(c, start) ? below : start);
}

static bool check_memory(struct check *c)
{
    const jeff_heap *h = c->h;
    bool cursor_seen = h->cursor == 0 || h->cursor == h->top;
    bool halfway_seen = h->halfway_hole == 0;
    bool hole_is_below = false;
    uint32_t below = 0;
    uint32_t blocks = 0;
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; below = start, start += size) {
        const uint32_t header = header_of(h, start);
        const bool is_free = is_hole(header);
        size = size_at(h, start);
        if (!is_free && !claims(c, header & SLOT_MASK, start))
            return damaged(c, "a header names a slot whose block does not lie there",
                           find_unclaimed(c, start, header, below));
        const char *fault = is_free ? hole_fault(c, start, header, size) : block_fault(c, start, header, size);
        if (fault)
            return damaged(c, fault, header_at(c, is_free && below && !is_in_bin(c, start) ? below : start));
        if (((header & FREE_BELOW) != 0) != hole_is_below)
            return damaged(c, "a header is wrong about a hole below it",
                           header_at(c, !hole_is_below && below && is_in_bin(c, hole_below(h, start)) ? below : start));

        cursor_seen |= start == h->cursor;
        hole_is_below = is_free;
        if (is_free) {
            // The one that a block is being copied into is in no bin.
            c->holes += start != h->halfway_hole;
            halfway_seen |= start == h->halfway_hole;
            c->hole_granules += size;
        } else {
            const struct entry *e = entry_at(h, header & SLOT_MASK);
            if (is_live(e) && e->cw & CW_HALFWAY && below != h->halfway_hole)
                return damaged(c, "a block that is halfway does not lie above the hole that it is being copied into",
                               e);
            blocks++;
            if (is_cached(entry_at(h, header & SLOT_MASK)) && class_of(header) > h->binned)
                c->deferred += size;
        }
    }
    if (blocks != c->live + c->cached)
        return damaged(c, "a block reaches beyond the start of another", find_swallower(c));
    if (!halfway_seen)
        return damaged(c, "the hole that a block is being copied into is none", &h->halfway_hole);
    return expect(c, cursor_seen, "a paused compaction would go on in the middle of a block", &h->cursor);
}

/* Lists */

static bool check_hole_bins(struct check *c)
{
    jeff_heap *h = (jeff_heap *)(uintptr_t)c->h;
    uint32_t count = 0;
    for (uint32_t bin = 0; bin < 128; bin++) {
        const uint32_t *head = hole_heads(h) + bin;
        const bool mapped = h->hole_map[bin / 64] >> bin % 64 & 1;
        if (mapped != (bin < h->hole_bins && *head != 0))
            return damaged(c, "the map of hole bins is wrong", h->hole_map);
        if (!mapped)
            continue;
        const void *link = head;
        uint32_t previous = 0;
        for (uint32_t hole = *head; hole; hole = load(link)) {
            if (hole >= h->top || hole == h->halfway_hole || count++ >= c->holes)
                return damaged(c, "a bin of holes leads astray", link);
            const uint32_t header = header_of(h, hole);
            const uint32_t size = hole_size(h, hole, header);
            if (hole_fault(c, hole, header, size) || hole_bin_of(size) != bin)
                return damaged(c, "a bin leads to what is no hole of its size", link);
            const uint32_t back = load(at(h, hole) + 4);
            if (back != previous) {
                const bool is_right = back ? back < h->top && load(at(h, back)) == hole : *head == hole;
                return damaged(c, "a hole's links do not agree", is_right ? link : at(h, hole));
            }
            previous = hole;
            link = at(h, hole);
        }
    }
    if (count != c->holes)
        return damaged(c, "a hole is in no bin", h->hole_map);
    return expect(c, c->hole_granules == h->hole_granules, "the count of free memory in holes is wrong",
                  &h->hole_granules);
}

#define BARE UINT32_MAX

/// Walks one list of free slots: a bin, or BARE.
static bool check_list(struct check *c, const uint32_t *head, uint32_t class, uint32_t *attached, uint32_t *empty)
{
    const jeff_heap *h = c->h;
    const uint32_t most = c->cached + c->unattached;
    const void *link = head;
    for (uint32_t slot = *head; slot != NIL;) {
        if (!is_slot(c, slot) || *attached + *empty >= most)
            return damaged(c, "a list of free slots leads astray", link);
        const struct entry *e = entry_at(h, slot);
        if (is_live(e) || e->gen == 0)
            return damaged(c, "a slot that is not free is in a list of free ones", link);
        const uint32_t is = list_class(e);
        if (class == BARE ? is != 0 : class == BIN_DEFERRED ? is <= h->binned : is != class)
            return damaged(c, "a slot is in a list of another size", link);
        *(e->off ? attached : empty) += 1;
        c->unlisted ^= slot;
        link = e;
        slot = next_of(e);
    }
    return true;
}

static bool check_slot_lists(struct check *c)
{
    const jeff_heap *h = c->h;
    const void *wrong_count = NULL;
    uint32_t attached = 0, dead = 0, bare = 0;
    for (uint32_t class = 0; class <= h->binned; class ++) {
        const uint32_t before = attached;
        if (!check_list(c, &h->bin[class].slot, class, &attached, &dead))
            return false;
        if (attached - before != h->bin[class].count)
            wrong_count = &h->bin[class];
    }
    if (!check_list(c, &h->bare, BARE, &attached, &bare))
        return false;
    const uint32_t missing = c->cached + c->unattached - attached - dead - bare;
    if (missing) // none is in two: lists of other sizes have other classes, and one that meets itself leads astray
        return damaged(c, "a free slot is in no list", missing == 1 ? (const void *)entry_at(h, c->unlisted) : h->bin);
    if (wrong_count)
        return damaged(c, "the count of cached blocks is wrong", wrong_count);
    if (dead != h->dead_count || bare != h->bare_count)
        return damaged(c, "the count of slots without a block is wrong", &h->bare_count);
    return true;
}

/// The blocks with pages of their own: where these are, only the proxies know.
static bool check_proxies(struct check *c)
{
    const jeff_heap *h = c->h;
    if (!h->pages)
        return true;
    size_t count = 0;
    size_t bytes = 0;
    uint32_t previous = NIL;
    const void *link = &h->pages->proxies;
    for (uint32_t slot = h->pages->proxies; slot != NIL;) {
        if (!is_slot(c, slot))
            return damaged(c, "the list of blocks with pages of their own leads astray", link);
        const struct entry *e = entry_at(h, slot);
        if (!is_live(e) || !(e->cw & CW_MAPPED))
            return damaged(c, "the list of blocks with pages of their own leads to one that has none",
                           is_live(e) ? e : link);
        if (count++ >= c->mapped || !mapped_is_sound(h, e, previous))
            return damaged(c, "what a block knows of its own pages is damaged", at(h, e->off));
        bytes += mapped_usable(h, e);
        previous = slot;
        link = at(h, e->off);
        slot = mapped_next(h, slot);
    }
    if (count != c->mapped || count != h->pages->mapped_blocks)
        return damaged(c, "a block with pages of its own is in no list", h->pages);
    return expect(c, bytes == h->pages->mapped_bytes, "the count of blocks' own pages is wrong", h->pages);
}

static bool check_counters(struct check *c)
{
    const jeff_heap *h = c->h;
    if (c->retired != h->retired_count)
        return damaged(c, "the count of retired slots is wrong", &h->retired_count);
    return expect(c, c->deferred == h->deferred, "the count of deferred memory is wrong", &h->deferred);
}

enum jeff_status jeff_check(jeff_heap *h, struct jeff_damage *damage)
{
    struct check c = {.h = h, .damage = damage};
    bool whole = check_geometry(&c);
    if (whole && (h->busy == BUSY_MOVING || h->busy == BUSY_DESTROYED)) {
        fail(h, JEFF_ERROR_BUSY);
        return JEFF_ERROR_BUSY;
    }
    whole = whole && check_control(&c) && check_table(&c) && check_memory(&c) && check_hole_bins(&c) &&
            check_slot_lists(&c) && check_proxies(&c) && check_counters(&c);
    if (whole)
        return JEFF_OK;
    fail(h, JEFF_ERROR_CORRUPT);
    return JEFF_ERROR_CORRUPT;
}
