/// A balanced tree of free blocks (AVL: Adelson-Velsky and Landis, 1962; Knuth, volume 3, 6.2.3). Its nodes lie in the
/// blocks. Of two subtrees the one is at most one level higher than the other, so no path is longer than 1.44 log2 n.
#ifndef BASELINE_TREE_INTERNAL_H
#define BASELINE_TREE_INTERNAL_H

#include "heap_internal.h"

/// @param offset of a block's node from the block
static inline struct tree tree_new(bool by_size, size_t offset)
{
    return (struct tree){.by_size = by_size, .offset = offset};
}

static inline struct block *tree_block(const struct tree *tree, const struct tree_node *node)
{
    return below(node, tree->offset);
}

/// Each O(log n). A block must not change its size while it is in a tree by size.
void tree_insert(struct tree *tree, struct block *b);
void tree_remove(struct tree *tree, struct block *b);

/// In a tree by size: @return the smallest block of at least `bytes`, of these the lowest; or NULL. O(log n)
struct block *tree_best_fit(const struct tree *tree, size_t bytes);

/// In a tree by address: @return the highest block that begins below `b`, or NULL. O(log n)
struct block *tree_next_below(const struct tree *tree, const struct block *b);

/// The same, if it also ends where `b` begins; else NULL. O(log n)
static inline struct block *tree_neighbour_below(const struct tree *tree, const struct block *b)
{
    struct block *lower = tree_next_below(tree, b);
    return lower && next_in_memory(lower) == b ? lower : NULL;
}

/// Looks at the blocks in order until `is_it` says so. @return that block, or NULL. O(n)
struct block *tree_search(const struct tree *tree, bool (*is_it)(const void *context, const struct block *b),
                          const void *context);

/// @return what is wrong with the tree, or NULL. @param count how many free blocks it must hold. O(n)
const char *tree_check(const struct tree *tree, size_t count);

#endif
