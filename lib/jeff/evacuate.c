/// Emptying a window: what lies in it moves into free runs elsewhere, the largest blocks first, and what finds no room there, or
/// may stay, slides to the window's begin. The same steps give the price of it, and do it.
#include "plan_internal.h"

#include "gate_internal.h"

/// Moves one block to a free place, which may overlap its own.
static void block_move(struct planner *p, uint32_t slot, uint32_t start, uint32_t to, uint32_t size)
{
    hidden_move(at(p->h, to) - HEADER, at(p->h, start) - HEADER, (size_t)size * GRANULE);
    pass_book_move(p->h, p->pass, slot, start, to, size);
}

/// Moves a block into the pool, or marks it as one that would move. @return false if there is no room
static bool place_block(struct planner *p, struct pool *pool, const struct piece *piece)
{
    struct jeff_heap *h = p->h;
    const uint32_t slot = piece->header & SLOT_MASK, size = piece->end - piece->start;
    const struct request request = {
        .granules = size,
        .alignment = alignment_of(h, piece->start, piece->header),
        .wide = class_of(piece->header) == CLASS_WIDE,
    };
    if (!pass_can_move(p->pass, size) || (p->moving && (steps_book(p, size) || !gate_claim(h, slot))))
        return false;
    const uint32_t room = pool_take(p, pool, &request);
    if (!room) {
        gate_release(h, slot);
        return false;
    }
    if (!p->moving) {
        entry_at(h, slot)->cw |= CW_PLANNED;
        return true;
    }
    block_move(p, slot, piece->start, room, size);
    // Only now, since the callback may still look at where the block lay.
    blank(h, piece->start, size);
    return true;
}

/// piece_next() as far as the window goes.
static bool piece_within(struct planner *p, const struct window *window, struct piece *piece)
{
    return piece->end < window->end && piece_next(p, piece);
}

/// Granules of the largest block in the window; `*live`: of all of them.
static uint32_t measure(struct planner *p, const struct window *window, uint32_t *live)
{
    struct piece piece = {.end = window->begin};
    uint32_t largest = 0;
    *live = 0;
    while (piece_within(p, window, &piece)) {
        const uint32_t size = piece.end - piece.start;
        if (piece.kind != PIECE_MOVABLE || (piece.header & SLOT_MASK) == p->settled)
            continue;
        *live += size;
        largest = larger(largest, size);
    }
    return largest;
}

/// Places the blocks of a window, the largest first by halves, until `enough` granules of it are free once the rest has
/// slid.
static void place_all(struct planner *p, struct pool *pool, const struct window *window, uint32_t enough,
                      struct price *price)
{
    const uint32_t width = window->end - window->begin;
    uint32_t to_go;
    const uint32_t largest = measure(p, window, &to_go);
    for (uint32_t most = largest; most && to_go; most /= 2) {
        struct piece piece = {.end = window->begin};
        while (piece_within(p, window, &piece)) {
            const uint32_t size = piece.end - piece.start;
            if (piece.kind != PIECE_MOVABLE || size > most || size <= most / 2 ||
                (piece.header & SLOT_MASK) == p->settled)
                continue;
            to_go -= size;
            if ((uint64_t)price->unplaced + size + to_go + enough <= width || !place_block(p, pool, &piece)) {
                price->unplaced += size;
            } else {
                price->blocks++;
                price->granules += size;
            }
        }
    }
}

/// Adds up what sliding the rest of a window costs, and takes the marks off the others.
static void price_slide(struct planner *p, const struct window *window, bool slide_first, struct price *price)
{
    struct jeff_heap *h = p->h;
    struct piece piece = {.end = window->begin};
    uint32_t dst = window->begin;  // with the rest alone
    uint32_t slid = window->begin; // with all blocks, as a slide before would leave them
    bool was_over = p->over;
    while (piece.end < window->end) {
        p->over = false; // the marks must go
        const bool is_there = piece_next(p, &piece);
        assert(is_there);
        (void)is_there;
        was_over = was_over || p->over;
        if (piece.kind != PIECE_MOVABLE)
            continue;
        struct entry *e = entry_at(h, piece.header & SLOT_MASK);
        const uint32_t size = piece.end - piece.start, alignment = alignment_of(h, piece.start, piece.header);
        const bool wide = class_of(piece.header) == CLASS_WIDE;
        const uint32_t from = slide_first ? aligned_start(h, slid, alignment, wide) : piece.start;
        slid = from + size;
        if (e->cw & CW_PLANNED) {
            e->cw &= ~CW_PLANNED;
            continue;
        }
        const uint32_t to = aligned_start(h, dst, alignment, wide);
        price->run = larger(price->run, to - dst);
        dst = to + size;
        price->blocks += to != from;
        price->granules += to != from ? size : 0;
    }
    p->over = was_over;
    price->made = window->end - dst;
    price->run = larger(price->run, price->made);
}

struct price window_price(struct planner *p, const struct window *window, uint32_t enough, bool slide_first)
{
    assert(!p->moving);
    struct price price = {0};
    struct pool pool;
    pool_build(p, &pool, window, slide_first, &price);
    place_all(p, &pool, window, enough, &price);
    price.run = pool_largest(p, &pool);
    price_slide(p, window, slide_first, &price);
    return price;
}

/// Slides what is left in a window to its begin, around what a callback has locked meanwhile.
static void slide_rest(struct planner *p, const struct window *window)
{
    struct jeff_heap *h = p->h;
    uint32_t dst = window->begin, start = window->begin;
    while (start < window->end && start < h->top) {
        const uint32_t header = header_of(h, start), size = size_at(h, start);
        struct entry *e = is_hole(header) ? NULL : entry_at(h, header & SLOT_MASK);
        if (!e || !is_live(e)) {
            if (e)
                entry_bury(h, e, size);
            start += size;
            continue;
        }
        const uint32_t to = aligned_start(h, dst, alignment_of(h, start, header), class_of(header) == CLASS_WIDE);
        const bool moves = to != start && !stays(e) && !steps_book(p, size) && gate_claim(h, header & SLOT_MASK);
        if (moves) {
            if (to > dst)
                blank(h, dst, to - dst);
            block_move(p, header & SLOT_MASK, start, to, size);
        } else if (start > dst) {
            blank(h, dst, start - dst);
        }
        dst = (moves ? to : start) + size;
        start += size;
    }
    if (dst < start)
        blank(h, dst, start - dst);
}

/// Whether the window still begins where something does: a callback may have unlocked the block below it.
static bool still_stands(struct planner *p, const struct window *window)
{
    struct piece piece = {.end = p->h->first};
    while (piece.end < window->begin && piece_next(p, &piece))
        continue;
    assert(!p->over); // all slides only where there is no budget
    return piece.end == window->begin;
}

/// Places the blocks of a window, for good.
static void move_out(struct planner *p, const struct window *window, uint32_t enough, bool slide_first)
{
    struct price unused = {0};
    struct pool pool;
    p->moving = true;
    pool_build(p, &pool, window, slide_first, &unused);
    place_all(p, &pool, window, enough, &unused);
    p->moving = false;
}

/// Makes a heap again of what was moved around.
static void all_moved(struct planner *p, const struct window *window, size_t small_limit)
{
    compacting_end(p->h, small_limit);
    mend_cursor(p->h, window->begin, window->end);
    holes_relink(p, true);
}

void window_empty(struct planner *p, const struct window *window, uint32_t enough, bool slide_first)
{
    struct jeff_heap *h = p->h;
    if (slide_first) {
        assert(p->noted); // by the price, in holes that the pass will meet
        holes_relink(p, true);
        pass_run(h, p->pass, false);
        holes_relink(p, true);
        if (!still_stands(p, window))
            return;
    }
    const size_t small_limit = moving_begin(h);
    move_out(p, window, enough, slide_first);
    slide_rest(p, window);
    all_moved(p, window, small_limit);
}

/// Whether nothing live lies in a window but the block that it is emptied for.
static bool is_empty(struct planner *p, const struct window *window)
{
    struct piece piece = {.end = window->begin};
    while (piece_within(p, window, &piece))
        if (piece.kind != PIECE_FREE && (piece.header & SLOT_MASK) != p->settled)
            return false;
    return true;
}

/// What a callback has freed in the window gives up its place, which will be overwritten.
static void bury_freed(struct jeff_heap *h, const struct window *window)
{
    uint32_t size;
    assert(h->top >= window->end);
    for (uint32_t start = window->begin; start < window->end; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        if (!is_hole(header) && is_cached(entry_at(h, header & SLOT_MASK)))
            entry_bury(h, entry_at(h, header & SLOT_MASK), size);
    }
}

bool window_settle(struct planner *p, const struct window *window)
{
    struct jeff_heap *h = p->h;
    const struct entry *e = entry_at(h, p->settled);
    const uint32_t start = start_of(e), header = header_of(h, start), size = block_size(h, start, header);
    const uint32_t to = aligned_start(h, window->begin, alignment_of(h, start, header), class_of(header) == CLASS_WIDE);
    const size_t small_limit = moving_begin(h);
    move_out(p, window, UINT32_MAX, false);
    const bool empty = is_live(e) && !stays(e) && is_empty(p, window) && gate_claim(h, p->settled);
    if (empty) {
        // All of the window is free now but the block itself, which may lie in it.
        bury_freed(h, window);
        if (to > window->begin)
            blank(h, window->begin, to - window->begin);
        block_move(p, p->settled, start, to, size);
        assert(start >= window->end || start + size <= window->end); // a window ends with a block, or in free memory
        if (start >= window->end)
            blank(h, start, size);
        if (to + size < window->end)
            blank(h, to + size, window->end - to - size);
    }
    all_moved(p, window, small_limit);
    return empty;
}
