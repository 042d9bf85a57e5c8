/// Settling a block that is about to be locked for long: it goes to the lowest place where it lies against the start of the heap
/// or against a block that stays, so that it strands no free memory. (The Mac OS Memory Manager did this at the far end: MoveHHi,
/// "Inside Macintosh: Memory", 1992; here the far end is where the handle table grows.)
#include "plan_internal.h"

#include "gate_internal.h"

/// How many places are tried: each costs a walk over the heap.
#define PLACES_MOST 4u

struct settling {
    struct planner *p;
    uint32_t start, size, alignment; ///< of the block
    bool wide;
};

/// The part of a stretch that the block would take, and what else the last block there takes. @return false if it does not fit
static bool find_place(const struct settling *s, uint32_t begin, struct window *window)
{
    struct planner *p = s->p;
    const uint64_t end = (uint64_t)aligned_start(p->h, begin, s->alignment, s->wide) + s->size;
    *window = (struct window){.begin = begin};
    struct piece piece = {.end = begin};
    while (piece.end < end) {
        const bool is_there = piece_next(p, &piece); // where the block lies itself, it ends below the top
        assert(is_there);
        (void)is_there;
        if (piece.kind == PIECE_PINNED)
            return false;
    }
    window->end = piece.kind == PIECE_FREE ? (uint32_t)end : piece.end;
    return true;
}

enum settled { NOWHERE, THERE, MOVED, MOVED_NOT_LOWEST };

/// Moves the block to the lowest place that can be had. No stretch above its own is looked at, which is always tried: where a block
/// lies against one that stays it may remain, however many lower places cannot be had.
static enum settled settle(const struct settling *s)
{
    struct planner *p = s->p;
    struct piece piece = {.end = p->h->first};
    uint32_t begin = p->h->first;
    unsigned tried = 0;
    for (bool own = false; !own; begin = piece.end) {
        do {
            const bool is_there = piece_next(p, &piece); // up to the block itself, and the time is not over
            assert(is_there);
            (void)is_there;
            own = piece.start == s->start;
        } while (!own && piece.kind != PIECE_PINNED);
        struct window window;
        if ((tried >= PLACES_MOST && !own) || !find_place(s, begin, &window))
            continue;
        if (s->start == aligned_start(p->h, begin, s->alignment, s->wide))
            return THERE;
        if (!window_price(p, &window, UINT32_MAX, false).unplaced)
            return !window_settle(p, &window) ? NOWHERE : tried ? MOVED_NOT_LOWEST : MOVED;
        tried++;
    }
    return NOWHERE;
}

bool jeff_settle(jeff_heap *h, jeff_handle handle)
{
    if (h->busy)
        return fail(h, JEFF_ERROR_BUSY);
    const struct entry *e = live_entry(h, handle);
    if (!e)
        return fail(h, JEFF_ERROR_HANDLE);
    if (e->cw & CW_PURGED)
        return fail(h, JEFF_ERROR_PURGED);
    if (e->cw & CW_MAPPED)
        return true;
    if (lock_count(h, slot_of(handle)))
        return fail(h, JEFF_ERROR_LOCKED);
    halfway_end(h);
    gates_note(h);
    struct pass pass = {0};
    struct planner p = {.h = h, .pass = &pass, .settled = slot_of(handle)};
    if (cached_count(h))
        holes_relink(&p, true);
    enum settled how;
    bool settled = false;
    // The place that it leaves may be what a lower one lacked: as many rounds as there are places at most.
    do {
        const uint32_t start = start_of(e), header = header_of(h, start);
        const struct settling s = {
            .p = &p,
            .start = start,
            .size = block_size(h, start, header),
            .alignment = alignment_of(h, start, header),
            .wide = class_of(header) == CLASS_WIDE,
        };
        p.limit = top_limit(h);
        how = settle(&s);
        settled = settled || how != NOWHERE;
    } while (how == MOVED_NOT_LOWEST && live_entry(h, handle) && !locks_of(e));
    if (p.noted)
        holes_relink(&p, true);
    steps_book(&p, 0);
    gates_forget(h);
    if (!settled)
        return fail(h, JEFF_ERROR_NO_MEMORY);
    return true;
}
