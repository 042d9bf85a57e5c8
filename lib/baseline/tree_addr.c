/// One tree by address: the free block below one that is freed is found in O(log n), but a block that fits only by going
/// through them all, from the lowest on.
///
///     free    | size, flags | left | right | height | ...
#include "tree_internal.h"

static void begin(struct baseline_heap *h)
{
    h->index.trees.by_address = tree_new(false, sizeof(struct block));
}

static void insert(struct baseline_heap *h, struct block *b)
{
    tree_insert(&h->index.trees.by_address, b);
}

static void drop(struct baseline_heap *h, struct block *b)
{
    tree_remove(&h->index.trees.by_address, b);
}

static bool fits(const void *context, const struct block *b)
{
    const size_t *bytes = context;
    return fit_size(b) >= *bytes;
}

static struct block *find(struct baseline_heap *h, size_t bytes)
{
    return tree_search(&h->index.trees.by_address, fits, &bytes);
}

static struct block *lower_neighbour(struct baseline_heap *h, struct block *b)
{
    return tree_neighbour_below(&h->index.trees.by_address, b);
}

static const char *check(const struct baseline_heap *h)
{
    return tree_check(&h->index.trees.by_address, h->free_blocks);
}

const struct kind tree_addr_kind = {
    FIT_FUNCTIONS,
    .name = "tree-addr",
    .least = sizeof(struct block) + sizeof(struct tree_node),
    .begin = begin,
    .insert = insert,
    .remove = drop,
    .find = find,
    .below = lower_neighbour,
    .check = check,
    .check_block = fit_check_block,
};
