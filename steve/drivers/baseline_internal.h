/// The drivers of the baselines: their names, their numbers in byte files (never to be changed), and what their heaps are
/// made with.
#ifndef STEVE_DRIVERS_BASELINE_INTERNAL_H
#define STEVE_DRIVERS_BASELINE_INTERNAL_H

#include "steve/driver.h"

// X(identifier, name, wire id, alignment, (settings of struct baseline_options), what it is)
#define BASELINE_REGION_DRIVERS(X)                                                                                     \
    X(freelist, "freelist", 3, 16, (.kind = BASELINE_FREELIST), "free list by address, first fit")                     \
    X(freelist_best, "freelist-best", 4, 16, (.kind = BASELINE_FREELIST, .fit = BASELINE_BEST_FIT),                    \
      "free list by address, best fit")                                                                                \
    X(freelist_size, "freelist-size", 5, 16, (.kind = BASELINE_FREELIST, .order = BASELINE_BY_SIZE),                   \
      "free list by size")                                                                                             \
    X(tree_size, "tree-size", 6, 16, (.kind = BASELINE_TREE_SIZE), "tree of free blocks by size")                      \
    X(tree_addr, "tree-addr", 7, 16, (.kind = BASELINE_TREE_ADDR), "tree of free blocks by address")                   \
    X(combo, "combo", 8, 16, (.kind = BASELINE_COMBO), "trees by size and by address in one node")                     \
    X(combo_align8, "combo-align8", 20, 8, (.kind = BASELINE_COMBO, .alignment = 8),                                   \
      "combo with blocks 8-aligned, of 56 bytes or more")                                                              \
    X(buddy, "buddy", 9, 16, (.kind = BASELINE_BUDDY), "buddy system")

#define BASELINE_MAPPED_DRIVERS(X)                                                                                     \
    X(freelist_mmap, "freelist-mmap", 10, 16, (.kind = BASELINE_FREELIST), "free list by address, first fit")          \
    X(freelist_best_mmap, "freelist-best-mmap", 11, 16, (.kind = BASELINE_FREELIST, .fit = BASELINE_BEST_FIT),         \
      "free list by address, best fit")                                                                                \
    X(freelist_size_mmap, "freelist-size-mmap", 12, 16, (.kind = BASELINE_FREELIST, .order = BASELINE_BY_SIZE),        \
      "free list by size")                                                                                             \
    X(tree_size_mmap, "tree-size-mmap", 13, 16, (.kind = BASELINE_TREE_SIZE), "tree of free blocks by size")           \
    X(tree_addr_mmap, "tree-addr-mmap", 14, 16, (.kind = BASELINE_TREE_ADDR), "tree of free blocks by address")        \
    X(combo_mmap, "combo-mmap", 15, 16, (.kind = BASELINE_COMBO), "trees by size and by address in one node")          \
    X(buddy_mmap, "buddy-mmap", 19, 16, (.kind = BASELINE_BUDDY), "buddy system")

/// Calls of the API as text, for `repro.c`.
#define BASELINE_DECLARE_SNIPPETS(identifier, ...)                                                                     \
    extern const struct steve_snippets steve_baseline_snippets_##identifier;
BASELINE_REGION_DRIVERS(BASELINE_DECLARE_SNIPPETS)
BASELINE_MAPPED_DRIVERS(BASELINE_DECLARE_SNIPPETS)

#define BASELINE_DECLARE_DRIVER(identifier, ...) extern const struct steve_driver steve_driver_##identifier;
BASELINE_REGION_DRIVERS(BASELINE_DECLARE_DRIVER)
BASELINE_MAPPED_DRIVERS(BASELINE_DECLARE_DRIVER)

#endif
