/// Both trees in the same node: the one by size finds the best fit, the one by address the free block below, each in
/// O(log n). The price is the least block.
///
///     free    | size, flags | left | right | height | left | right | height | ...      7 words: 56 bytes on 64-bit targets
///                             by size                 by address
#include "tree_internal.h"

#define BY_SIZE    sizeof(struct block)
#define BY_ADDRESS (BY_SIZE + sizeof(struct tree_node))

static_assert(BY_ADDRESS + sizeof(struct tree_node) == 7 * WORD, "the node has no padding");

static void begin(struct baseline_heap *h)
{
    h->index.trees.by_size = tree_new(true, BY_SIZE);
    h->index.trees.by_address = tree_new(false, BY_ADDRESS);
}

static void insert(struct baseline_heap *h, struct block *b)
{
    tree_insert(&h->index.trees.by_size, b);
    tree_insert(&h->index.trees.by_address, b);
}

static void drop(struct baseline_heap *h, struct block *b)
{
    tree_remove(&h->index.trees.by_size, b);
    tree_remove(&h->index.trees.by_address, b);
}

static struct block *find(struct baseline_heap *h, size_t bytes)
{
    return tree_best_fit(&h->index.trees.by_size, bytes);
}

static struct block *lower_neighbour(struct baseline_heap *h, struct block *b)
{
    return tree_neighbour_below(&h->index.trees.by_address, b);
}

static const char *check(const struct baseline_heap *h)
{
    const char *damage = tree_check(&h->index.trees.by_size, h->free_blocks);
    return damage ? damage : tree_check(&h->index.trees.by_address, h->free_blocks);
}

const struct kind combo_kind = {
    FIT_FUNCTIONS,
    .name = "combo",
    .least = BY_ADDRESS + sizeof(struct tree_node),
    .begin = begin,
    .insert = insert,
    .remove = drop,
    .find = find,
    .below = lower_neighbour,
    .check = check,
    .check_block = fit_check_block,
};
