/// Nudging: room for one request by moving a block or a few, before the whole heap is compacted for it. In a heap that is all but full
/// and much used there is always some hole that is almost large enough, and what lies above it fits elsewhere:
///
///     | block | hole | above | ...  hole ... |    ->    | block | hole, larger | ...  above ... |
///     | block | hole | above | hole |            ->     | block | above | hole, larger |
///
/// A pass moves all that lies above the first hole, and is needed again as soon as what it has gathered is used up: at 98 % fill
/// that is after a few dozen requests. A nudge looks at a few of the largest holes, and so is O(1).
#include "gate_internal.h"

/// How many holes are looked at.
#define HOLES_MOST 16u
/// How many blocks go, moved or merged, for one request.
#define MOVES_MOST 4u
/// A block larger than that is moved only for a request of its own size or more, in granules.
#define CHEAP_SIZE 256u

/// Granules of free memory that begin there.
static uint32_t free_from(const struct jeff_heap *h, uint32_t start)
{
    if (start == h->top)
        return top_free(h);
    const uint32_t header = header_of(h, start);
    return is_hole(header) ? hole_size(h, start, header) : 0;
}

/// What moving would give: the blocks right above a hole, until hole and blocks and what is free above them are enough.
struct nudge {
    uint32_t hole, size; ///< the hole
    unsigned moves;      ///< how many blocks must go
    bool slide;          ///< it is enough to slide the first of them down into the hole
};

/// @return false if the blocks above the hole may not be moved, or cost more than they give
static bool plan(const struct jeff_heap *h, const struct request *request, struct nudge *nudge)
{
    const uint32_t dear = request->granules > CHEAP_SIZE ? request->granules : CHEAP_SIZE;
    uint64_t run = nudge->size;
    uint32_t start = nudge->hole + nudge->size;
    for (nudge->moves = 1; nudge->moves <= MOVES_MOST && start < h->top; nudge->moves++) {
        const uint32_t header = header_of(h, start);
        const uint32_t size = block_size(h, start, header);
        const struct entry *e = entry_at(h, header & SLOT_MASK);
        if ((is_live(e) && lock_count(h, header & SLOT_MASK)) || size > dear)
            return false;
        const uint32_t beyond = free_from(h, start + size);
        nudge->slide = nudge->moves == 1 && is_live(e) && alignment_of(h, start, header) == 1 &&
                       nudge->size + beyond >= request->granules;
        run += (uint64_t)size + beyond;
        if (run >= request->granules) // what a slide gives is less
            return true;
        start += size + beyond;
    }
    return false;
}

/// Slides the block above a hole, which is claimed, down to the hole's start.
static void slide(struct jeff_heap *h, struct pass *pass, const struct nudge *nudge)
{
    const uint32_t from = nudge->hole + nudge->size;
    const uint32_t header = header_of(h, from);
    const uint32_t size = block_size(h, from, header);
    hole_unlink(h, nudge->hole, nudge->size);
    hidden_move(at(h, nudge->hole) - HEADER, at(h, from) - HEADER, (size_t)size * GRANULE);
    clear_free_below(h, nudge->hole);
    mend_cursor(h, nudge->hole, from + size);
    pass_book_move(h, pass, header & SLOT_MASK, from, nudge->hole, size);
    run_free(h, nudge->hole + size, nudge->size, false);
}

/// Joins a cached block with the hole below it.
static void merge(struct jeff_heap *h, struct entry *e, uint32_t start, uint32_t size)
{
    entry_bury(h, e, size);
    run_free(h, start, size, true);
}

/// Moves the block above a hole, which is claimed, to a hole elsewhere. @return false if there is none for it
static bool evict(struct jeff_heap *h, struct pass *pass, uint32_t hole, uint32_t hole_granules)
{
    const uint32_t start = hole + hole_granules;
    const uint32_t header = header_of(h, start);
    const struct request request = {
        .granules = block_size(h, start, header),
        .alignment = alignment_of(h, start, header),
        .wide = class_of(header) == CLASS_WIDE,
    };
    hole_unlink(h, hole, hole_granules);
    const uint32_t room = hole_take(h, &request, false);
    hole_make(h, hole, hole_granules);
    if (!room) {
        gate_release(h, header & SLOT_MASK);
        return false;
    }
    set_header(h, room, (header_of(h, room) & FREE_BELOW) | (header & ~FREE_BELOW));
    hidden_copy(at(h, room), at(h, start), (size_t)request.granules * GRANULE - HEADER);
    pass_book_move(h, pass, header & SLOT_MASK, start, room, request.granules);
    run_free(h, start, request.granules, true);
    return true;
}

/// Carries a plan out as far as it goes. A callback, or another thread, may have changed things meanwhile: each step looks anew.
static bool carry_out(struct jeff_heap *h, struct pass *pass, const struct request *request, struct nudge nudge)
{
    if (nudge.slide) {
        const bool claimed = gate_claim(h, header_of(h, nudge.hole + nudge.size) & SLOT_MASK);
        if (claimed)
            slide(h, pass, &nudge);
        return claimed;
    }
    for (unsigned moves = 0; moves < nudge.moves && nudge.size < request->granules; moves++) {
        const uint32_t above = nudge.hole + nudge.size;
        const uint32_t header = header_of(h, above);
        struct entry *e = entry_at(h, header & SLOT_MASK);
        if (is_cached(e))
            merge(h, e, above, block_size(h, above, header));
        else if (lock_count(h, header & SLOT_MASK) || !gate_claim(h, header & SLOT_MASK) ||
                 !evict(h, pass, nudge.hole, nudge.size))
            return false;
        if (nudge.hole >= h->top)
            return true; // the top came down to it
        nudge.size = size_at(h, nudge.hole);
    }
    return nudge.size >= request->granules;
}

/// Looks at the holes of the largest bins. @return whether one of them is large enough now
static bool nudge_one(struct jeff_heap *h, const struct request *request)
{
    struct pass pass = {0};
    unsigned tries = 0;
    for (uint32_t bin = h->hole_bins; bin-- > 0;) {
        uint32_t next;
        for (uint32_t hole = hole_heads(h)[bin]; hole && tries < HOLES_MOST; hole = next) {
            tries++;
            next = hole_next(h, hole);
            struct nudge nudge = {.hole = hole, .size = size_at(h, hole)};
            if (!plan(h, request, &nudge))
                continue;
            const uint32_t dead = h->dead_count;
            if (carry_out(h, &pass, request, nudge))
                return true;
            if (pass.moved_any || h->dead_count != dead)
                return false; // the list is another one now
        }
    }
    return false;
}

bool nudge(struct jeff_heap *h, const struct request *request)
{
    if (request->alignment > 1)
        return false;
    const size_t small_limit = moving_begin(h);
    const bool done = nudge_one(h, request);
    moving_end(h, small_limit);
    return done;
}
