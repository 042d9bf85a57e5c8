/// One tree by size: the best fit is found in O(log n), but not the free block below one that is freed: every node may be it.
///
///     free    | size, flags | left | right | height | ...
#include "tree_internal.h"

static void begin(struct baseline_heap *h)
{
    h->index.trees.by_size = tree_new(true, sizeof(struct block));
}

static void insert(struct baseline_heap *h, struct block *b)
{
    tree_insert(&h->index.trees.by_size, b);
}

static void drop(struct baseline_heap *h, struct block *b)
{
    tree_remove(&h->index.trees.by_size, b);
}

static struct block *find(struct baseline_heap *h, size_t bytes)
{
    return tree_best_fit(&h->index.trees.by_size, bytes);
}

static bool ends_at(const void *context, const struct block *b)
{
    return next_in_memory(b) == context;
}

static struct block *lower_neighbour(struct baseline_heap *h, struct block *b)
{
    return tree_search(&h->index.trees.by_size, ends_at, b);
}

static const char *check(const struct baseline_heap *h)
{
    return tree_check(&h->index.trees.by_size, h->free_blocks);
}

const struct kind tree_size_kind = {
    FIT_FUNCTIONS,
    .name = "tree-size",
    .least = sizeof(struct block) + sizeof(struct tree_node),
    .begin = begin,
    .insert = insert,
    .remove = drop,
    .find = find,
    .below = lower_neighbour,
    .check = check,
    .check_block = fit_check_block,
};
