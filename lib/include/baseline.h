/// The baselines: the textbook allocators, small and readable, as yardsticks for others.
///
///                 malloc       free         least block   finds free memory by
///     freelist    O(n)         O(n)         4 words       one list, by address (first or best fit) or by size
///     tree-size   O(log n)     O(n)         4 words       one balanced tree by size
///     tree-addr   O(n)         O(log n)     4 words       one balanced tree by address
///     combo       O(log n)     O(log n)     7 words       both trees in the same node: 56 bytes on 64-bit targets
///     buddy       O(log n)     O(log n)     32 bytes      a list for each power of two
///
/// n is the number of free blocks (for the buddy system: of bytes); a word is that of size_t. Whichever the kind:
///
/// - A heap lives in memory that the client supplies (baseline_init: *everything* is inside it) or in chunks of pages that it
///   maps (baseline_create). There is no global state; heaps are independent. A heap is not thread-safe.
/// - A block has a header of one word, and its size is a multiple of the alignment (of the buddy system: a power of two), at
///   least the kind's least block. baseline_run_needed() says exactly what a request takes.
/// - Free neighbours are joined at once, and what a request does not need is split off if it makes a least block. So a heap in a
///   region refuses only what no run of free memory can hold; a heap of mapped pages only what, besides, its limit or the system
///   gives no pages for.
/// - A request that is refused changes nothing.
/// - Requests past a threshold have pages of their own, and give them back when they are freed.
/// - Misuse (freeing twice, writing past the end, an address that no call gave) is not caught: baseline_check() may notice.
///
/// C11 or C++, on a system with mmap().
#ifndef BASELINE_H
#define BASELINE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A heap. Its control block lies at the start of its memory.
typedef struct baseline_heap baseline_heap;

/// The smallest region that baseline_init() accepts, in bytes, at any address.
#define BASELINE_REGION_MIN 512u

/// The largest alignment that baseline_aligned_alloc() takes, in bytes.
#define BASELINE_ALIGNMENT_MAX 65536u

/// As baseline_options.direct: no request has pages of its own.
#define BASELINE_DIRECT_NEVER ((size_t)-1)

enum baseline_kind {
    BASELINE_FREELIST = 0,
    BASELINE_TREE_SIZE,
    BASELINE_TREE_ADDR,
    BASELINE_COMBO,
    BASELINE_BUDDY,
};

/// How a freelist is ordered.
enum baseline_order {
    BASELINE_BY_ADDRESS = 0,
    BASELINE_BY_SIZE, ///< small ones first, so that the first fit is the best one
};

/// Which block of a freelist by address serves a request.
enum baseline_fit {
    BASELINE_FIRST_FIT = 0,
    BASELINE_BEST_FIT, ///< the smallest that is large enough; of these the lowest
};

/// How a heap is to be made. Zero is the default everywhere.
struct baseline_options {
    enum baseline_kind kind;
    enum baseline_order order; ///< freelist only
    enum baseline_fit fit;     ///< freelist only
    size_t alignment;          ///< of every block: 16 (default) or 8
    size_t direct; ///< larger requests, in bytes, have pages of their own; default 64 KiB, and in a region never
    size_t chunk;  ///< what is mapped at a time, in bytes, rounded up to pages; default 256 KiB; mapped heaps only
    size_t limit;  ///< the most that is mapped at a time, in bytes; default: no limit

    /// Where chunks come from, both or neither: `map` gives private pages that can be read and written, NULL if there are
    /// none, and `unmap` takes them back. Default: mmap() and munmap(). Which block serves a request depends on where
    /// chunks lie, so whoever wants the same calls to give the same blocks decides that here. Blocks with pages of their
    /// own come from mmap() always.
    void *(*map)(void *context, size_t bytes);
    void (*unmap)(void *context, void *pages, size_t bytes);
    void *context;
};

enum baseline_status {
    BASELINE_OK = 0,
    BASELINE_ERROR_ARGUMENT,  ///< the region is NULL, or an option is out of its range
    BASELINE_ERROR_TOO_SMALL, ///< the region cannot hold a heap
    BASELINE_ERROR_NO_PAGES,  ///< the limit, or the system, gives no pages
};

/// @return a sentence without a full stop, in static memory, for any value. O(1)
const char *baseline_strerror(enum baseline_status status);

/// @return the kind's name, such as "tree-size", in static memory; "unknown" for other values. O(1)
const char *baseline_kind_name(enum baseline_kind kind);

/// Makes a heap in a region, which need be neither aligned nor clean. All of the heap lies inside it; to be rid of the heap
/// is to forget it, or, if some requests have pages of their own, baseline_destroy().
///
/// @param region  the memory, the heap's alone from now on
/// @param bytes   its size, BASELINE_REGION_MIN or more
/// @param options NULL for a freelist with every default
/// @param status  gets the reason if NULL is returned; may be NULL
/// @return the heap, or NULL
/// @cost O(1); for the buddy system O(log bytes). Touches both ends of the region alone
baseline_heap *baseline_init(void *region, size_t bytes, const struct baseline_options *options,
                             enum baseline_status *status);

/// Makes a heap of mapped pages, one to begin with, which grows chunk by chunk.
/// @return the heap, or NULL with `*status` set if that is not NULL
/// @cost one mmap()
baseline_heap *baseline_create(const struct baseline_options *options, enum baseline_status *status);

/// Gives back all pages that the heap has mapped. Its blocks and, unless it lies in a region, the heap itself are gone.
/// NULL is fine.
/// @cost an munmap() for each chunk and each block with pages of its own
void baseline_destroy(baseline_heap *heap);

/// Allocates a block. Its contents are undefined. A request for 0 bytes gives a block, too.
/// @param bytes its size, at least
/// @return its first byte, aligned as the heap's blocks are; NULL if it is refused, and then nothing has changed
/// @cost by kind, see above; an mmap() where a chunk is needed or the request is past the threshold
void *baseline_malloc(baseline_heap *heap, size_t bytes);

/// The same for `count` elements of `size` bytes, all zero. Refused also if their product overflows.
/// @cost that of baseline_malloc() and of clearing; pages of the block's own are zero as they come
void *baseline_calloc(baseline_heap *heap, size_t count, size_t size);

/// The same at an address that is a multiple of `alignment`.
/// @param alignment a power of two up to BASELINE_ALIGNMENT_MAX; any other is refused
void *baseline_aligned_alloc(baseline_heap *heap, size_t alignment, size_t bytes);

/// Makes a block larger or smaller: where it lies if that can be, else by moving it. Its contents stay up to the smaller of
/// the two sizes. An alignment asked for by baseline_aligned_alloc() is kept only while the block stays. NULL: as
/// baseline_malloc().
/// @return the block, or NULL if it is refused, and then the old one is as it was. Never refused: a size that it already has
/// @cost that of malloc and free, and of copying. A block with pages of its own is moved by the system if it can do that
void *baseline_resize(baseline_heap *heap, void *address, size_t bytes);

/// Frees a block, and joins it with its free neighbours. NULL is fine.
/// @cost by kind, see above; an munmap() if it has pages of its own
void baseline_free(baseline_heap *heap, void *address);

/// Gives memory that is not used back to the system: chunks that are wholly free, and whole pages inside free blocks, which
/// read as zero from then on. Does nothing in a region, whose pages are the client's.
/// @return bytes of address space given back; pages inside free blocks are not counted
/// @cost O(blocks)
size_t baseline_trim(baseline_heap *heap);

/// @return how many bytes the block can hold, at least as many as were asked for. O(1)
size_t baseline_usable_size(const baseline_heap *heap, const void *address);

/// The memory that belongs to a block: header, payload and rounding.
/// @param begin gets its first byte; may be NULL
/// @return its size in bytes. O(1)
size_t baseline_extent(const baseline_heap *heap, const void *address, void **begin);

/// What a request takes: a run of free memory of so many bytes serves it for certain, wherever it begins.
///
///     size = header + bytes, rounded up to the alignment, at least the kind's least block
///     run  = size,                                                  if `alignment` is no more than the heap's
///          = size + alignment - the heap's alignment + least block, beyond
///
/// Of the buddy system, whose blocks of `size`, a power of two, begin at multiples of it:
///
///     size = header + bytes (+ alignment - the heap's alignment, beyond), rounded up to a power of two, at least 32
///     run  = 2 * size - 32
///
/// @param alignment as of baseline_aligned_alloc(); 0: none asked for
/// @return SIZE_MAX if no heap can serve it. O(1)
size_t baseline_run_needed(const baseline_heap *heap, size_t alignment, size_t bytes);

struct baseline_stats {
    size_t live_blocks;
    size_t live_bytes;    ///< in the extents of live blocks, pages of their own included
    size_t free_blocks;   ///< not counting pages that could still be mapped
    size_t free_bytes;    ///< in them
    size_t direct_blocks; ///< live blocks that have pages of their own
    size_t chunks;        ///< of the heap; 1 in a region
    size_t mapped_bytes;  ///< of pages, the control block's included; 0 in a region without direct blocks
    size_t room_bytes;    ///< by which the limit lets that grow; SIZE_MAX: no limit
    void *arena;          ///< where blocks may lie in a region; NULL if the heap is mapped
    size_t arena_bytes;
};

/// @cost O(chunks)
void baseline_stats(const baseline_heap *heap, struct baseline_stats *stats);

/// @return bytes of the largest free block, header included. @cost O(blocks)
size_t baseline_largest_free(const baseline_heap *heap);

/// Calls `visit` for each block in the chunks, in address order within each, live or free, and for each with pages of its
/// own. The heap must not be changed meanwhile. @return false if a visit did, which ends the walk. @cost O(blocks)
bool baseline_walk(const baseline_heap *heap, bool (*visit)(void *context, void *begin, size_t bytes, bool live),
                   void *context);

/// Checks the whole heap: every header, that free neighbours are joined, that lists and trees hold just the free blocks and
/// in order, trees in balance, and the statistics.
/// @return NULL if all is well, else what is wrong, in static memory
/// @cost O(blocks)
const char *baseline_check(const baseline_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
