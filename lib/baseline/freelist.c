/// The free list with boundary tags (Knuth, volume 1, 2.5, algorithms A and C): all free blocks in one list, by address or by
/// size.
///
///     free    | size, flags | next | prev | ...            | size |     the last word: for the block above
///
/// A block whose BELOW_FREE is set has that last word right below it. So the free neighbours of a block are found at once,
/// but to find a block that fits takes a walk, and so does to keep the list in order.
#include "list_internal.h"

static void begin(struct baseline_heap *h)
{
    h->index.list = NULL;
}

static bool comes_before(const struct baseline_heap *h, const struct block *a, const struct block *b)
{
    return h->by_size ? fit_size(a) < fit_size(b) : a < b;
}

static size_t *tag_of(const struct block *b)
{
    return below(next_in_memory(b), WORD);
}

static void insert(struct baseline_heap *h, struct block *b)
{
    struct link *prev = NULL;
    struct link *next = h->index.list;
    while (next && comes_before(h, block_at(next), b)) {
        prev = next;
        next = next->next;
    }
    link_between(&h->index.list, link_of(b), prev, next);
    *tag_of(b) = fit_size(b);
    next_in_memory(b)->word |= BELOW_FREE;
}

static void drop(struct baseline_heap *h, struct block *b)
{
    link_remove(&h->index.list, link_of(b));
    next_in_memory(b)->word &= ~(size_t)BELOW_FREE;
}

static struct block *find(struct baseline_heap *h, size_t bytes)
{
    struct block *best = NULL;
    for (const struct link *at = h->index.list; at; at = at->next) {
        struct block *b = block_at(at);
        if (fit_size(b) < bytes || (best && fit_size(b) >= fit_size(best)))
            continue;
        best = b;
        // By size the first that fits is the best, too.
        if (!h->best_fit || h->by_size || fit_size(b) == bytes)
            break;
    }
    return best;
}

static struct block *lower_neighbour(struct baseline_heap *h, struct block *b)
{
    (void)h;
    return (b->word & BELOW_FREE) != 0 ? below(b, word_below(b)) : NULL;
}

static const char *check(const struct baseline_heap *h)
{
    const struct link *prev = NULL;
    size_t count = 0;
    for (const struct link *at = h->index.list; at; prev = at, at = at->next) {
        if (++count > h->free_blocks)
            return "the free list holds more blocks than are free";
        if (at->prev != prev)
            return "the free list's links do not agree";
        if (!is_free(block_at(at)))
            return "a block in the free list is not free";
        if (prev && comes_before(h, block_at(at), block_at(prev)))
            return "the free list is out of order";
    }
    return count == h->free_blocks ? NULL : "the free list lacks a free block";
}

static const char *check_block(const struct baseline_heap *h, const struct block *b, const struct block *lower)
{
    const bool free_below = lower && is_free(lower);
    if (((b->word & BELOW_FREE) != 0) != free_below)
        return free_below ? "a block does not know that the one below it is free"
                          : "a block believes in a free one below it";
    if (is_free(b) && *tag_of(b) != fit_size(b))
        return "a free block's boundary tag is not its size";
    return fit_check_block(h, b, lower);
}

const struct kind freelist_kind = {
    FIT_FUNCTIONS,
    .name = "freelist",
    .least = 2 * WORD + sizeof(struct link),
    .begin = begin,
    .insert = insert,
    .remove = drop,
    .find = find,
    .below = lower_neighbour,
    .check = check,
    .check_block = check_block,
};
