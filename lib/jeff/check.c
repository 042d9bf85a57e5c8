/// The heap's own check: every header, hole, bin, entry and counter against the others.
#include "heap_internal.h"

struct check {
    jeff_heap *h;
    struct jeff_damage *damage;
    uint32_t live, cached, holes; ///< blocks seen in memory
    uint64_t cached_granules, hole_granules;
    bool cursor_seen;
};

static bool damaged(struct check *c, const char *what, const void *address)
{
    if (c->damage)
        *c->damage = (struct jeff_damage){.what = what, .address = address};
    return false;
}

static bool check_control(struct check *c)
{
    const jeff_heap *h = c->h;
    if (h->slot_low > NIL)
        return damaged(c, "the handle table has lost its first entry", h);
    const struct entry *nil = entry_at(h, NIL);
    if (nil->off != 0 || nil->gen != 0)
        return damaged(c, "the handle table's first entry was overwritten", nil);
    if (h->top < h->first || (uint64_t)h->top * GRANULE - HEADER > table_low(h))
        return damaged(c, "the top of the heap lies outside of it", h);
    return true;
}

static bool check_hole(struct check *c, uint32_t start, uint32_t size)
{
    jeff_heap *h = c->h;
    const char *where = at(h, start) - HEADER;
    if (start + size >= h->top)
        return damaged(c, "a hole reaches the top of the heap", where);
    const uint32_t above = header_of(h, start + size);
    if (is_hole(above))
        return damaged(c, "two holes lie side by side", where);
    if (!(above & FREE_BELOW))
        return damaged(c, "the block above a hole does not know of it", at(h, start + size) - HEADER);
    if (hole_below(h, start + size) != start)
        return damaged(c, "a hole's last word does not name its start", where);
    c->holes++;
    c->hole_granules += size;
    return true;
}

static bool check_block(struct check *c, uint32_t start, uint32_t header, uint32_t size)
{
    const jeff_heap *h = c->h;
    const char *where = at(h, start) - HEADER;
    const uint32_t slot = header & SLOT_MASK;
    if (slot < h->slot_low || slot == NIL)
        return damaged(c, "a header names a slot that is not in the table", where);
    const struct entry *e = entry_at(h, slot);
    const bool wide = class_of(header) == CLASS_WIDE;
    if (e->off != start + wide)
        return damaged(c, "a header names a slot whose block lies elsewhere", where);
    if (!is_live(e)) {
        c->cached++;
        c->cached_granules += size;
        return (e->cw & CW_CLASS) == class_of(header) ||
               damaged(c, "a cached block is in the bin of another class", where);
    }
    c->live++;
    if (((e->cw & CW_WIDE) != 0) != wide)
        return damaged(c, "a live entry's flags contradict its block", e);
    if (wide && start != aligned_start(h, start, alignment_of(h, start, header), true))
        return damaged(c, "an aligned block is not aligned", where);
    if (!(e->cw & CW_RESIZED) && (e->cw & CW_CLASS) != class_of(header))
        return damaged(c, "a block's size is not that of its handle, though it was never resized", where);
    return true;
}

static bool check_memory(struct check *c)
{
    jeff_heap *h = c->h;
    bool below = false;
    uint32_t start = h->first;
    while (start < h->top) {
        const uint32_t header = header_of(h, start);
        const uint32_t size = size_at(h, start);
        if (size == 0 || (uint64_t)start + size > h->top)
            return damaged(c, "a header's size leads out of the heap", at(h, start) - HEADER);
        if (((header & FREE_BELOW) != 0) != below)
            return damaged(c, "a header is wrong about a hole below it", at(h, start) - HEADER);
        if (start == h->cursor)
            c->cursor_seen = true;
        below = is_hole(header);
        if (below ? !check_hole(c, start, size) : !check_block(c, start, header, size))
            return false;
        start += size;
    }
    if (h->cursor && h->cursor != h->top && !c->cursor_seen)
        return damaged(c, "a paused compaction would go on in the middle of a block", at(h, h->cursor));
    return true;
}

static bool check_holes(struct check *c)
{
    jeff_heap *h = c->h;
    uint32_t count = 0;
    for (uint32_t bin = 0; bin < h->hole_bins; bin++) {
        const bool mapped = h->hole_map[bin / 64] >> bin % 64 & 1;
        if (mapped != (hole_heads(h)[bin] != 0))
            return damaged(c, "the map of hole bins is wrong", hole_heads(h) + bin);
        uint32_t previous = 0;
        for (uint32_t hole = hole_heads(h)[bin]; hole; hole = load(at(h, hole))) {
            if (hole < h->first || hole >= h->top || count++ >= c->holes)
                return damaged(c, "a bin of holes leads astray", hole_heads(h) + bin);
            const uint32_t header = header_of(h, hole);
            if (!is_hole(header) || hole_bin_of(hole_size(h, hole, header)) != bin)
                return damaged(c, "a hole is in the wrong bin", at(h, hole) - HEADER);
            if (load(at(h, hole) + 4) != previous)
                return damaged(c, "a hole's link back is wrong", at(h, hole));
            previous = hole;
        }
    }
    if (count != c->holes)
        return damaged(c, "a hole is in no bin", h);
    return c->hole_granules == h->hole_granules || damaged(c, "the count of free memory in holes is wrong", h);
}

/// Walks one list of slots. @return false if it is damaged; the counts of what it holds are added up
static bool check_list(struct check *c, uint32_t slot, uint32_t class, uint32_t *attached, uint32_t *empty)
{
    const jeff_heap *h = c->h;
    const uint32_t most = NIL - h->slot_low;
    for (; slot != NIL; slot = next_of(entry_at(h, slot))) {
        if (slot < h->slot_low || *attached + *empty >= most)
            return damaged(c, "a list of slots leads astray", h);
        const struct entry *e = entry_at(h, slot);
        if (is_live(e))
            return damaged(c, "a live slot is in a list of free ones", e);
        if (!e->off) {
            (*empty)++;
            continue;
        }
        (*attached)++;
        if (class == UINT32_MAX || (class && (e->cw & CW_CLASS) != class))
            return damaged(c, "a slot is in the wrong list", e);
    }
    return true;
}

static bool check_table(struct check *c)
{
    const jeff_heap *h = c->h;
    uint32_t attached = 0, dead = 0, bare = 0;
    for (uint32_t class = 0; class <= h->binned; class ++) {
        const uint32_t before = attached;
        if (!check_list(c, h->bin[class].slot, class, &attached, &dead))
            return false;
        if (attached - before != h->bin[class].count)
            return damaged(c, "the count of cached blocks is wrong", &h->bin[class]);
    }
    uint32_t none = 0;
    if (!check_list(c, h->bare, UINT32_MAX, &none, &bare))
        return false;
    if (attached != c->cached || dead != h->dead_count || bare != h->bare_count)
        return damaged(c, "the lists of free slots do not hold what was counted", h);

    uint32_t live = 0, purged = 0, retired = 0;
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        const struct entry *e = entry_at(h, slot);
        live += is_live(e);
        purged += is_live(e) && e->cw & CW_PURGED;
        retired += e->gen == 0;
    }
    if (live - purged != c->live)
        return damaged(c, "a live slot has no block, or a block no live slot", h);
    if (retired != h->retired_count)
        return damaged(c, "the count of retired slots is wrong", h);
    if (live + attached + dead + bare + retired != NIL - h->slot_low)
        return damaged(c, "a slot is neither live nor in a list", h);
    if (cached_granules(h) != c->cached_granules)
        return damaged(c, "the count of cached memory is wrong", h);
    return true;
}

enum jeff_status jeff_check(jeff_heap *h, struct jeff_damage *damage)
{
    if (h->busy == BUSY_MOVING || h->busy == BUSY_DESTROYED) {
        fail(h, JEFF_ERROR_BUSY);
        return JEFF_ERROR_BUSY;
    }
    struct check check = {.h = h, .damage = damage};
    if (check_control(&check) && check_memory(&check) && check_holes(&check) && check_table(&check))
        return JEFF_OK;
    fail(h, JEFF_ERROR_CORRUPT);
    return JEFF_ERROR_CORRUPT;
}
