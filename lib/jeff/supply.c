/// Which windows are not worth a plan: a bound on what can be made free in one, for the price of a walk over it.
///
/// A block can only go into a free run that is at least as large. So of the blocks of a window no more can be placed than those
/// smaller than some size together with what the runs from that size on take; and that for any size. What bounds most is usually
/// that the free memory lies in crumbs below locked blocks, smaller than any block of the window. (It is the least cut of a
/// flow from blocks to runs: Ford and Fulkerson, "Maximal flow through a network", 1956.)
#include "plan_internal.h"

/// Takes a piece of the window out of a copy of the supply: what is left, class by class, are the runs outside the window, less what the
/// blocks in it would take.
static void balance_add(struct supply *balance, const struct piece *piece)
{
    const uint32_t size = piece->end - piece->start;
    balance->granules[hole_bin_of(size)] -= (int32_t)size;
}

/// Differences of classes must fit in a word.
static bool is_countable(const struct planner *p)
{
    return p->limit <= INT32_MAX;
}

/// The least cut, and what is free in the window. A class is wider than one size, so a block may still be larger than a run of its class:
/// that is neglected.
static uint64_t balance_bound(const struct supply *balance)
{
    int64_t cut = balance->all, least = cut;
    for (uint32_t class = 0; class < balance->classes; class ++) {
        cut -= balance->granules[class];
        least = cut < least ? cut : least;
    }
    return (uint64_t)least;
}

void supply_count(struct planner *p, struct supply *supply)
{
    *supply = (struct supply){.classes = hole_bin_of(p->limit) + 1};
    if (!is_countable(p))
        return; // and nothing will ask
    struct piece piece = {.end = p->h->first};
    while (piece_next(p, &piece)) {
        if (piece.kind != PIECE_FREE)
            continue;
        supply->granules[hole_bin_of(piece.end - piece.start)] += (int32_t)(piece.end - piece.start);
        supply->all += piece.end - piece.start;
    }
}

uint64_t window_bound(struct planner *p, const struct supply *supply, const struct window *window)
{
    if (!is_countable(p))
        return UINT64_MAX;
    struct supply balance = *supply;
    struct piece piece = {.end = window->begin};
    while (piece.end < window->end && piece_next(p, &piece))
        balance_add(&balance, &piece);
    return balance_bound(&balance);
}

struct window supply_reaches(struct planner *p, const struct supply *supply, uint32_t need)
{
    struct window all = {.begin = p->h->first, .end = p->limit}, reached = {0};
    if (!is_countable(p))
        return all;
    struct piece piece = {.end = all.begin};
    uint32_t begin = all.begin;
    struct supply balance = *supply;
    bool more = true;
    while (more) {
        more = piece_next(p, &piece);
        if (more && piece.kind != PIECE_PINNED) {
            balance_add(&balance, &piece);
            continue;
        }
        const uint32_t end = more ? piece.start : p->limit;
        if (end - begin >= need && balance_bound(&balance) >= need) {
            reached.begin = reached.end ? reached.begin : begin;
            reached.end = end;
        }
        if (end - begin)
            balance = *supply;
        begin = piece.end;
    }
    return reached;
}
