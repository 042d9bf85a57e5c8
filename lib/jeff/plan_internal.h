/// Planning moves without making them. The arena, from the first block to the handle table, is seen as pieces: free runs, blocks
/// that can move, and blocks that stay. A plan chooses a window between two that stay, moves what it can out of it into a pool of
/// free runs elsewhere, and slides the rest to the window's begin: what is left of the window is one free run.
///
/// The same functions price a plan and carry it out, step for step, so that a price is exact. While a pool is in use its notes
/// stand in the free runs themselves, over the links of the bins: holes_relink() must follow.
#ifndef JEFF_PLAN_INTERNAL_H
#define JEFF_PLAN_INTERNAL_H

#include "heap_internal.h"

#define PLAN_FETCH_BYTES 6144
#define PLAN_FETCH_LINE  64
#define PLAN_FETCH_MOST  1024 ///< at once: in larger pieces most lines are of no use

struct planner {
    struct jeff_heap *h;
    struct pass *pass;
    uint32_t limit;   ///< end of the arena
    uint32_t settled; ///< slot of the block that the window is emptied for, and which is left alone; NIL: none
    bool slid;        ///< everything has just slid
    bool dry;         ///< nothing may change that a client could see
    bool moving;      ///< carry out, do not price
    bool over;        ///< the time ran out
    bool noted;       ///< notes of a pool stand where the links of holes were
    unsigned steps;   ///< blocks and holes visited that are not booked yet
};

enum piece_kind { PIECE_FREE, PIECE_MOVABLE, PIECE_PINNED };

struct piece {
    uint32_t start, end;
    uint32_t header; ///< of a block
    enum piece_kind kind;
    const char *fetched; ///< memory up to here was prefetched
};

/// Fetches what a walk will read soon: in a large heap it is bound by memory, not by work. A walk begins without: many are short.
static inline const char *fetch_for_walk(const struct jeff_heap *h, const char *address, const char *fetched)
{
    if (h->top < FETCH_FROM)
        return NULL;
    const char *ahead = address + PLAN_FETCH_BYTES;
    if (fetched < ahead - PLAN_FETCH_MOST || fetched > ahead)
        return ahead;
    for (; fetched < ahead; fetched += PLAN_FETCH_LINE)
        PREFETCH(fetched);
    return fetched;
}

/// Free runs outside a window. The notes of each stand in a free piece of its own stretch; the one at the top is kept apart.
struct pool {
    uint32_t bin[HOLE_BINS];
    uint64_t map[2];
    uint32_t top, top_end;
    uint32_t gap; ///< granules of the largest one that an alignment has left
};

struct window {
    uint32_t begin, end;
    uint32_t live; ///< granules of movable blocks in it
};

/// What a plan comes to.
struct price {
    uint32_t run;      ///< granules of the largest free run that it leaves: as a rule the one that it makes
    uint32_t made;     ///< granules of the run that it makes, at the window's end
    uint32_t unplaced; ///< granules that stay in the window
    size_t blocks;     ///< that move, some of them twice if everything slides first
    uint64_t granules;
};

/* pool.c */

/// How many pieces are looked at between two looks at the clock.
#define CLOCK_STEPS 32u

/// Whether a live block is locked where that pins it.
static inline bool stays(const struct entry *e)
{
    assert(is_live(e));
    return locks_of(e) && !(e->cw & CW_MAPPED);
}
/// Books what was visited, and looks at the clock. Whoever ends with a planner calls it.
/// @return whether there is no time left to move so much
bool steps_book(struct planner *p, uint32_t granules);
/// piece_next() for what is no live block.
bool piece_free(struct planner *p, struct piece *piece);

/// The piece that begins at piece->end; {.end = h->first} begins. @return false at the end of the arena, and when the time is over
static FLATTENED bool piece_next(struct planner *p, struct piece *piece)
{
    const struct jeff_heap *h = p->h;
    const uint32_t start = piece->end;
    if (start >= p->limit || p->over)
        return false;
    if (start >= h->top)
        return piece_free(p, piece);
    const uint32_t header = header_of(h, start);
    const struct entry *e = entry_at(h, header & SLOT_MASK);
    if (is_hole(header) || !is_live(e))
        return piece_free(p, piece);
    if (++p->steps == CLOCK_STEPS)
        steps_book(p, 0);
    piece->fetched = fetch_for_walk(h, at(h, start), piece->fetched);
    piece->start = start;
    piece->end = start + block_size(h, start, header);
    piece->header = header;
    piece->kind = stays(e) ? PIECE_PINNED : PIECE_MOVABLE;
    return true;
}
/// The free runs outside the window, as they are, or as they would be after a full slide (`slid`). O(blocks)
/// @param price where the cost of that slide is added up
void pool_build(struct planner *p, struct pool *pool, const struct window *window, bool slid, struct price *price);
/// Takes room for a block. When carrying out, the block must be written there at once. @return its start, 0 if there is none
uint32_t pool_take(struct planner *p, struct pool *pool, const struct request *request);
/// Granules of the largest run that is left in a pool.
uint32_t pool_largest(const struct planner *p, const struct pool *pool);
/// Makes what lies there look like a free run to whoever walks the heap. It is in no bin.
void blank(struct jeff_heap *h, uint32_t start, uint32_t size);
/// Puts every hole into its bin anew, in address order; `merge`: joins neighbours first, cached blocks too. O(blocks)
void holes_relink(struct planner *p, bool merge);
/// Virtual ns that one walk over the heap takes at most.
uint64_t walk_work(const struct jeff_heap *h);

/* supply.c */

/// Free runs by size, in the classes of the bins of holes: granules of them all.
struct supply {
    int32_t granules[HOLE_BINS];
    uint32_t classes; ///< that this heap can have
    uint32_t all;
};

/// Counts all free runs. O(blocks)
void supply_count(struct planner *p, struct supply *supply);
/// No plan that empties the window makes more free granules of it. Not for one that slides everything first. O(blocks in it)
uint64_t window_bound(struct planner *p, const struct supply *supply, const struct window *window);
/// From the first to the last stretch between two blocks that stay of which so much could be made free, by that bound. No window elsewhere
/// will do. O(blocks) @return a window that ends at 0: there is none
struct window supply_reaches(struct planner *p, const struct supply *supply, uint32_t need);

/* evacuate.c */

/// What it would cost to empty a window until `enough` granules of it are free (0: by sliding alone), and what comes of it.
struct price window_price(struct planner *p, const struct window *window, uint32_t enough, bool slide_first);
/// Does that. O(blocks + bytes moved)
void window_empty(struct planner *p, const struct window *window, uint32_t enough, bool slide_first);
/// Empties a window of all but p->settled, and moves that to its begin. The window ends where it will, or with the piece there.
/// @return false if it could not be emptied, because a callback got in the way
bool window_settle(struct planner *p, const struct window *window);

#endif
