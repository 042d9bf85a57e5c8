/// What the files of the baselines share: the block, the heap, and what a kind of heap is made of.
///
///     heap.c       making and destroying a heap          malloc.c    the calls that give and take blocks
///     chunk.c      the memory that blocks lie in         direct.c    blocks with pages of their own
///     fit.c        splitting and joining, for all kinds but the buddy system
///     freelist.c   tree_size.c   tree_addr.c   combo.c   how each of these finds a free block
///     tree.c       the balanced tree of three of them    list_internal.h   the list of two of them
///     buddy.c      the buddy system                      inspect.c, check.c    looking at a heap
///
/// A chunk is one run of memory: the heap's region, or pages. Its blocks lie side by side, without gaps:
///
///     | struct chunk | first block | block | ... | block | fence |
///
///     block    | size, flags | payload, or what is free's node ...                              |
///              ^ one word below a multiple of the heap's unit: so payloads are aligned
///     fence    | 0, USED |
#ifndef BASELINE_HEAP_INTERNAL_H
#define BASELINE_HEAP_INTERNAL_H

#include "baseline.h"

#include <assert.h>
#include <stdint.h>

#define WORD sizeof(size_t)

/// What the low bits of a header say; sizes are multiples of 8.
enum {
    USED = 1,       ///< not free
    BELOW_FREE = 2, ///< freelist: the block right below is free, and its last word holds its size
    OFFSET = 2,     ///< buddy: no header, but the distance down to the block's own: the payload was aligned
    DIRECT = 4,     ///< the block has pages of its own
    FLAGS = 7,
};

struct block {
    size_t word; ///< size (buddy: orders) and flags
};

struct chunk {
    struct chunk *next;
    size_t mapped_bytes; ///< to be given back; 0 in a region
    struct block *first;
    struct block *fence;
};

/// Bookkeeping of a block with pages of its own, right below its payload.
struct direct {
    struct direct *next;
    struct direct *prev;
    void *pages;
    size_t bytes; ///< of all its pages
    size_t word;  ///< DIRECT, where another block has its header
};

struct link {
    struct link *next;
    struct link *prev;
};

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
    size_t height; ///< of the tree below and including it: 1 without children
};

struct tree {
    struct tree_node *root;
    size_t offset; ///< of a block's node from the block
    bool by_size;  ///< ordered by size, then address; else by address alone
};

struct buddy {
    uintptr_t origin;    ///< a block of 2^k bytes begins at a multiple of that from here
    size_t nonempty;     ///< bit k: lists[k - 5] is not empty
    struct link **lists; ///< of free blocks, one for each order; behind the heap's control block
    unsigned count;      ///< of lists
};

struct kind;

struct baseline_heap {
    const struct kind *kind;
    size_t alignment;   ///< of every block
    size_t unit;        ///< blocks begin one word below its multiples and are multiples of it long
    size_t least;       ///< bytes of the smallest block
    size_t direct_past; ///< larger requests have pages of their own
    size_t chunk_bytes; ///< mapped at a time
    size_t limit;       ///< of mapped_bytes
    size_t page_bytes;
    void *(*map)(void *context, size_t bytes); ///< of chunks; NULL: as all other pages
    void (*unmap)(void *context, void *pages, size_t bytes);
    void *context;
    bool mapped; ///< chunks are mapped; else there is one, the region
    bool by_size;
    bool best_fit;
    struct chunk *chunks;
    struct direct *directs;
    size_t live_blocks;
    size_t live_bytes; ///< in extents
    size_t free_blocks;
    size_t free_bytes;
    size_t direct_blocks;
    size_t mapped_bytes;
    union {
        struct link *list;
        struct {
            struct tree by_size;
            struct tree by_address;
        } trees;
        struct buddy buddy;
    } index;
};

/// What a kind of heap is made of. insert, remove and check are about its index of free blocks, and nothing else.
struct kind {
    const char *name;
    size_t least; ///< bytes of a free block's header and node

    /// Makes the index empty.
    void (*begin)(struct baseline_heap *h);
    /// Makes free blocks of a fresh chunk's memory.
    void (*adopt)(struct baseline_heap *h, struct chunk *chunk);
    void (*insert)(struct baseline_heap *h, struct block *b);
    void (*remove)(struct baseline_heap *h, struct block *b);
    /// @return a free block of at least so many bytes, or NULL. Not for the buddy system
    struct block *(*find)(struct baseline_heap *h, size_t bytes);
    /// @return the free block that ends where this one begins, or NULL. Not for the buddy system
    struct block *(*below)(struct baseline_heap *h, struct block *b);
    /// @return what is wrong with the index, or NULL
    const char *(*check)(const struct baseline_heap *h);
    /// @return what is wrong with a block that lies right above `below`, which is NULL for a chunk's first, or NULL
    const char *(*check_block)(const struct baseline_heap *h, const struct block *b, const struct block *below);

    size_t (*size)(const struct block *b);
    size_t (*run_needed)(const struct baseline_heap *h, size_t alignment, size_t bytes);
    /// @return the payload of a block that is now live, or NULL if no free block serves the request
    void *(*take)(struct baseline_heap *h, size_t alignment, size_t bytes);
    void (*give)(struct baseline_heap *h, void *payload);
    /// Resizes a block where it lies. @return false if that cannot be
    bool (*resize)(struct baseline_heap *h, void *payload, size_t bytes);
    /// @return the block that a payload belongs to
    struct block *(*block_of)(const void *payload);
};

extern const struct kind freelist_kind;
extern const struct kind tree_size_kind;
extern const struct kind tree_addr_kind;
extern const struct kind combo_kind;
extern const struct kind buddy_kind;

/// `bytes` above (or, negative, below) an address. void *, so that no cast hides a loss of alignment.
static inline void *above(const void *address, size_t bytes)
{
    return (char *)address + bytes;
}

static inline void *below(const void *address, size_t bytes)
{
    return (char *)address - bytes;
}

/// @param to a power of two. @return SIZE_MAX if there is no such size
static inline size_t round_up(size_t bytes, size_t to)
{
    return bytes > SIZE_MAX - (to - 1) ? SIZE_MAX : (bytes + (to - 1)) & ~(to - 1);
}

/// @return SIZE_MAX if the sum is no size
static inline size_t add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

/// The distance from an address up to the next multiple of `to`, a power of two.
static inline size_t distance_up(const void *address, size_t to)
{
    return (size_t)(0 - (uintptr_t)address) & (to - 1);
}

static inline bool is_free(const struct block *b)
{
    return (b->word & USED) == 0;
}

static inline void *payload_of(const struct block *b)
{
    return above(b, WORD);
}

/// The word right below a payload: its header, that of pages of its own, or the way to its header.
static inline size_t word_below(const void *payload)
{
    return *(const size_t *)below(payload, WORD);
}

static inline bool is_direct(const void *payload)
{
    return (word_below(payload) & DIRECT) != 0;
}

/// Makes a block a free one. It has its size; joining it is up to the caller.
static inline void free_insert(struct baseline_heap *h, struct block *b)
{
    assert(is_free(b));

    h->free_blocks++;
    h->free_bytes += h->kind->size(b);
    h->kind->insert(h, b);
}

/// Takes a free block out of the index, before its size changes.
static inline void free_remove(struct baseline_heap *h, struct block *b)
{
    assert(is_free(b));

    h->free_blocks--;
    h->free_bytes -= h->kind->size(b);
    h->kind->remove(h, b);
}

// chunk.c

/// Pages from the system, counted, if the limit allows. @return NULL if there are none
void *pages_map(struct baseline_heap *h, size_t bytes);
void pages_unmap(struct baseline_heap *h, void *pages, size_t bytes);

/// Gives a chunk's pages back, whatever is in it.
void chunk_unmap(struct baseline_heap *h, struct chunk *chunk);
/// Makes a chunk of `bytes` of memory. @param mapped_bytes what is to be given back
void chunk_make(struct baseline_heap *h, void *memory, size_t bytes, size_t mapped_bytes);
/// Maps a chunk in which a run of so many bytes is free. @return false if there are no pages
bool chunk_grow(struct baseline_heap *h, size_t run);

// direct.c

/// @return the payload of a block with pages of its own, all zero; NULL if there are none
void *direct_map(struct baseline_heap *h, size_t alignment, size_t bytes);
void direct_unmap(struct baseline_heap *h, void *payload);
/// @return the payload, which may have moved; NULL if it cannot grow so, and then it is as it was
void *direct_resize(struct baseline_heap *h, void *payload, size_t bytes);
struct direct *direct_of(const void *payload);

// fit.c: the kinds that split a block that fits, and join it again

void fit_adopt(struct baseline_heap *h, struct chunk *chunk);
size_t fit_size(const struct block *b);
size_t fit_run_needed(const struct baseline_heap *h, size_t alignment, size_t bytes);
void *fit_take(struct baseline_heap *h, size_t alignment, size_t bytes);
void fit_give(struct baseline_heap *h, void *payload);
bool fit_resize(struct baseline_heap *h, void *payload, size_t bytes);
struct block *fit_block_of(const void *payload);
const char *fit_check_block(const struct baseline_heap *h, const struct block *b, const struct block *lower);

#define FIT_FUNCTIONS                                                                                                  \
    .adopt = fit_adopt, .size = fit_size, .run_needed = fit_run_needed, .take = fit_take, .give = fit_give,            \
    .resize = fit_resize, .block_of = fit_block_of

static inline struct block *next_in_memory(const struct block *b)
{
    return above(b, b->word & ~(size_t)FLAGS);
}

#endif
