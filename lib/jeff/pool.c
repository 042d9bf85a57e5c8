/// The free runs that a plan may move blocks into, in bins by size as holes are (hole.c), but on the stack: an item is the upper
/// part of a free run, [end - remaining, end), and blocks are taken from its low end. When only a price is asked for, the item's notes
/// stay where they are while the item shrinks, since nothing is written elsewhere.
#include "plan_internal.h"

/// How many items of a bin are tried for a block, of which not every one fits, so that planning stays linear.
#define TRIES_MOST 64u
#define VISIT_WORK 16u

struct item {
    uint32_t next; ///< where the notes of the next item of its bin stand
    uint32_t remaining;
    uint32_t end;
};

uint64_t walk_work(const struct jeff_heap *h)
{
    const uint32_t without_block = h->bare_count + h->dead_count + h->retired_count;
    return (2 * (uint64_t)(NIL - h->slot_low - without_block) + 1) * VISIT_WORK;
}

bool steps_book(struct planner *p, uint32_t granules)
{
    const unsigned steps = p->steps;
    p->steps = 0;
    if (p->dry)
        return false;
    p->h->visited_blocks += steps;
    p->pass->work += (uint64_t)steps * VISIT_WORK;
    // What cannot be broken off must still find the time: linking the holes anew.
    p->over = p->over || pass_over(p->h, p->pass, (uint64_t)granules * GRANULE + walk_work(p->h));
    return p->over;
}

bool piece_free(struct planner *p, struct piece *piece)
{
    const struct jeff_heap *h = p->h;
    const uint32_t start = piece->end;
    uint32_t end = start;
    const char *fetched = piece->fetched;
    while (end < h->top) {
        fetched = fetch_for_walk(h, at(h, end), fetched);
        const uint32_t header = header_of(h, end);
        if (!is_hole(header) && is_live(entry_at(h, header & SLOT_MASK)))
            break;
        if (++p->steps == CLOCK_STEPS)
            steps_book(p, 0);
        end += size_at(h, end);
    }
    *piece = (struct piece){start, end < h->top ? end : p->limit, 0, PIECE_FREE, fetched};
    return true;
}

/* Notes stand where neither a walk over the heap nor a wide record is disturbed. */

static unsigned notes_at(uint32_t header)
{
    return class_of(header) == CLASS_WIDE ? 8 : 0;
}

/// A hole of one granule has its third word free; in larger ones that is their size.
static unsigned last_note_at(uint32_t header)
{
    return notes_at(header) + (is_hole(header) && (header & SLOT_MASK) != 1 ? 12 : 8);
}

static struct item item_at(const struct jeff_heap *h, uint32_t where)
{
    const uint32_t header = header_of(h, where);
    const char *notes = at(h, where) + notes_at(header);
    return (struct item){load(notes), load(notes + 4), load(at(h, where) + last_note_at(header))};
}

static void item_store(struct jeff_heap *h, uint32_t where, struct item item)
{
    const uint32_t header = header_of(h, where);
    char *notes = at(h, where) + notes_at(header);
    store(notes, item.next);
    store(notes + 4, item.remaining);
    store(at(h, where) + last_note_at(header), item.end);
}

static void pool_add(struct jeff_heap *h, struct pool *pool, uint32_t where, uint32_t start, uint32_t end)
{
    if (start >= end)
        return;
    const unsigned bin = hole_bin_of(end - start);
    item_store(h, where, (struct item){.next = pool->bin[bin], .remaining = end - start, .end = end});
    pool->bin[bin] = where;
    bin_fill(pool->map, bin);
}

/// Takes an item out of its bin. @param previous the one before it there; 0: it is the first
static void pool_remove(struct jeff_heap *h, struct pool *pool, unsigned bin, uint32_t previous, struct item item)
{
    if (previous) {
        struct item before = item_at(h, previous);
        before.next = item.next;
        item_store(h, previous, before);
        return;
    }
    pool->bin[bin] = item.next;
    if (!item.next)
        bin_clear(pool->map, bin);
}

uint32_t pool_largest(const struct planner *p, const struct pool *pool)
{
    uint32_t largest = larger(pool->gap, pool->top_end - pool->top);
    struct item item;
    for (uint32_t where = pool->bin[bin_last(pool->map)]; where; where = item.next) {
        item = item_at(p->h, where);
        largest = larger(largest, item.remaining);
    }
    return largest;
}

void blank(struct jeff_heap *h, uint32_t start, uint32_t size)
{
    set_header(h, start, size == 1); // of larger ones the third word tells
    store(at(h, start) + 8, size);
}

/// The free runs as they are, but what of them lies in the window.
static void add_free_run(struct planner *p, struct pool *pool, const struct window *window, const struct piece *piece)
{
    struct jeff_heap *h = p->h;
    uint32_t start = piece->start;
    if (start >= window->begin && start < window->end)
        start = window->end;
    if (start >= piece->end)
        return;
    const bool last = piece->end == p->limit;
    if (start > piece->start) {
        assert(!last); // what a window is made for lies above it
        blank(h, piece->start, start - piece->start);
        blank(h, start, piece->end - start);
    }
    if (last) {
        pool->top = start;
        pool->top_end = p->limit;
    } else {
        pool_add(h, pool, piece->start, start, piece->end);
    }
}

/// What a slide would leave: one run below each pinned block, and the top.
static void add_tails(struct planner *p, struct pool *pool, const struct window *window, struct price *price)
{
    struct jeff_heap *h = p->h;
    struct piece piece = {.end = h->first}, last_free = {0};
    uint32_t dst = h->first;
    while (piece_next(p, &piece)) {
        const uint32_t size = piece.end - piece.start;
        if (piece.kind == PIECE_MOVABLE) {
            const uint32_t to =
                aligned_start(h, dst, alignment_of(h, piece.start, piece.header), class_of(piece.header) == CLASS_WIDE);
            price->blocks += to != piece.start;
            price->granules += to != piece.start ? size : 0;
            if (piece.start < window->begin || piece.start >= window->end)
                pool->gap = larger(pool->gap, to - dst);
            dst = to + size;
        } else if (piece.kind == PIECE_FREE) {
            last_free = piece;
        } else {
            // When carrying out, that slide is over, and a callback may have freed blocks since: what is free is what counts.
            if (p->moving)
                dst = last_free.end == piece.start ? last_free.start : piece.start;
            if (piece.start != window->end)
                pool_add(h, pool, last_free.start, dst, piece.start);
            dst = piece.end;
        }
    }
    if (p->moving)
        dst = last_free.end == p->limit ? last_free.start : p->limit;
    if (window->end != p->limit) {
        pool->top = dst;
        pool->top_end = p->limit;
    }
}

void pool_build(struct planner *p, struct pool *pool, const struct window *window, bool slid, struct price *price)
{
    *pool = (struct pool){0};
    p->noted = true;
    if (slid) {
        add_tails(p, pool, window, price);
        return;
    }
    struct piece piece = {.end = p->h->first};
    while (piece_next(p, &piece))
        if (piece.kind == PIECE_FREE)
            add_free_run(p, pool, window, &piece);
}

/// Cuts a block out of an item that was taken out of its bin; what is left above it goes back.
static uint32_t cut(struct planner *p, struct pool *pool, uint32_t where, struct item item,
                    const struct request *request)
{
    struct jeff_heap *h = p->h;
    const uint32_t begin = item.end - item.remaining;
    const uint32_t start = aligned_start(h, begin, request->alignment, request->wide);
    const uint32_t rest = start + request->granules;
    pool->gap = larger(pool->gap, start - begin);
    if (p->moving) {
        if (start > begin)
            blank(h, begin, start - begin);
        if (rest < item.end)
            blank(h, rest, item.end - rest);
        where = rest;
    }
    pool_add(h, pool, where, rest, item.end);
    return start;
}

static uint32_t cut_top(struct planner *p, struct pool *pool, const struct request *request)
{
    struct jeff_heap *h = p->h;
    const uint32_t start = aligned_start(h, pool->top, request->alignment, request->wide);
    const uint64_t end = (uint64_t)start + request->granules;
    if (end > pool->top_end)
        return 0;
    pool->gap = larger(pool->gap, start - pool->top);
    if (p->moving) {
        if (start > pool->top)
            blank(h, pool->top, start - pool->top);
        h->top = (uint32_t)end;
    }
    pool->top = (uint32_t)end;
    return start;
}

uint32_t pool_take(struct planner *p, struct pool *pool, const struct request *request)
{
    struct jeff_heap *h = p->h;
    for (unsigned bin = hole_bin_of(request->granules); (bin = bin_from(pool->map, bin)) != HOLE_BINS; bin++) {
        unsigned tries = 0;
        uint32_t previous = 0;
        struct item item;
        for (uint32_t where = pool->bin[bin]; where && tries < TRIES_MOST; previous = where, where = item.next) {
            item = item_at(h, where);
            tries++;
            const uint32_t begin = item.end - item.remaining;
            const uint64_t start = aligned_start(h, begin, request->alignment, request->wide);
            if (start + request->granules > item.end)
                continue;
            pool_remove(h, pool, bin, previous, item);
            return cut(p, pool, where, item, request);
        }
    }
    return cut_top(p, pool, request);
}

void holes_relink(struct planner *p, bool merge)
{
    struct jeff_heap *h = p->h;
    holes_forget(h);
    p->noted = false;

    const char *fetched = NULL;
    uint32_t run = 0, size; // where a free run begins; 0: there is none right below
    for (uint32_t start = h->first; start < h->top; start += size) {
        fetched = fetch_for_walk(h, at(h, start), fetched);
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        h->visited_blocks += merge;
        p->pass->work += VISIT_WORK;
        struct entry *e = is_hole(header) ? NULL : entry_at(h, header & SLOT_MASK);
        if (!e || (merge && is_cached(e))) {
            if (e) {
                entry_bury(h, e, size);
                memory_came_free(h); // a run may serve now what none of the pieces would
            }
            run = run ? run : start;
            continue;
        }
        if (run) {
            hole_make(h, run, start - run);
            mend_cursor(h, run, start);
        } else if (header & FREE_BELOW) {
            clear_free_below(h, start);
        }
        run = 0;
    }
    if (run) {
        mend_cursor(h, run, UINT32_MAX);
        h->top = run;
    }
}
