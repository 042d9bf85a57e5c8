/// Jeff: a compacting, handle-based memory allocator.
///
/// A block is reached through a *handle*. jeff_lock() pins a block and gives its address; jeff_compact() moves the blocks that
/// are not locked together, within a time budget, so that the free memory becomes one run again.
///
/// - A heap lives in memory that the client supplies (jeff_init: *everything* is inside it), or in pages that Jeff maps and
///   grows (jeff_create). There is no global state; heaps are independent. A heap is for one thread at a
///   time; jeff_shared.h has heaps for several.
/// - Every misuse of a handle (stale, freed twice, made up, of another heap) is refused in O(1), has a status, and changes
///   nothing. jeff_last_status() tells why the last call on a heap failed.
/// - Any call that may need space (jeff_malloc, jeff_calloc, jeff_aligned_alloc, jeff_resize) may compact before it would
///   refuse (see jeff_config.no_last_resort). An address is therefore valid only while its block is locked, or until
///   jeff_compactions() changes.
/// - Alignment of every block: 16 bytes (alignof(max_align_t) on the common 64-bit targets), or 8 if the heap is made so.
///
/// C11 or C++. The core needs memmove, memset and memcpy alone; clock and pages are hooks.
#ifndef JEFF_H
#define JEFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A heap. Its control block lives at the start of its memory.
typedef struct jeff_heap jeff_heap;

/// Names a block for its whole life, wherever it lies. Plain data: copy it, compare it, store it. 0 is never a live handle.
typedef uint64_t jeff_handle;

#define JEFF_NULL ((jeff_handle)0)

/// How often one block may be locked at a time.
#define JEFF_LOCK_MAX 65535u

/// The smallest region that jeff_init() accepts, in bytes, at any alignment of its base that is accepted.
#define JEFF_HEAP_MIN 512u

enum jeff_status {
    JEFF_OK = 0,
    JEFF_ERROR_ARGUMENT,   ///< an argument is NULL or out of its range
    JEFF_ERROR_MISALIGNED, ///< the region is not aligned as the heap's blocks must be
    JEFF_ERROR_TOO_SMALL,  ///< the region cannot hold a heap
    JEFF_ERROR_NO_MEMORY,  ///< no free run is large enough, or the handle table cannot grow
    JEFF_ERROR_HANDLE,     ///< the handle is stale, foreign or made up
    JEFF_ERROR_LOCKED,     ///< the block is locked, and the call would have to move or free it
    JEFF_ERROR_NOT_LOCKED, ///< unlock without a lock
    JEFF_ERROR_LOCK_LIMIT, ///< locked JEFF_LOCK_MAX times already
    JEFF_ERROR_PURGED,     ///< the contents of the purgeable block were dropped
    JEFF_ERROR_BUSY,       ///< called from a callback that may not do this
    JEFF_ERROR_MAP,        ///< the system gave no pages
    JEFF_ERROR_CORRUPT,    ///< jeff_check() found damage
};

/// @return a sentence without a full stop, in static memory, for any value. O(1).
const char *jeff_strerror(enum jeff_status status);

/// Pages from the system, for jeff_create(). All sizes are multiples of the page size that `page_bytes` states, and so are all addresses: what
/// `reserve` gives must begin with a page, or is given back and counts as refused. The hooks must not call into the heap.
struct jeff_page_hooks {
    size_t page_bytes; ///< a power of two from 1 KiB to 16 GiB, 512 MiB with 32-bit addresses
    void *(*reserve)(void *context, size_t bytes);                ///< address space without memory; NULL if refused
    bool (*commit)(void *context, void *address, size_t bytes);   ///< makes it readable, writable and zero
    void (*decommit)(void *context, void *address, size_t bytes); ///< gives the memory back, keeps the addresses
    void (*release)(void *context, void *address, size_t bytes);  ///< gives the addresses back
    void *context;
};

/// How a heap is made. All zero means the defaults; NULL in its place too.
struct jeff_config {
    size_t alignment; ///< 0 or 16: blocks and the region are 16-aligned; 8: both are 8-aligned only

    /// Where the heap's generations begin, so that it refuses handles of heaps with other salts: all but one in 2^29 of them.
    /// 0 takes a salt from the heap's address.
    uint32_t handle_salt;
    bool no_last_resort; ///< refuse without compacting first
    /// For tests of client code: every request for memory first moves all blocks that are not locked, though one may come back to where
    /// it was, and overwrites what is free, so that a pointer kept after unlock shows soon. O(heap) a request.
    bool scramble;
    /// jeff_create() only: blocks of this many bytes and more get pages of their own, besides `max_bytes`, which nobody touches before the
    /// client does. 0: 1 MiB
    size_t own_mapping;

    /// A monotonic clock in nanoseconds for compaction budgets; it must not call into the heap. NULL: the POSIX monotonic clock
    /// where there is one; on a freestanding target a budget then counts as 1 ns per byte moved and 16 ns per block visited.
    uint64_t (*now_ns)(void *context);
    /// Called after a block has moved, while it lies at `to`: there it may be used; what lay at `from` may be overwritten already. It
    /// may lock, unlock, free, mark purgeable, and ask the O(1) queries; a weak lock holds until it returns, since other blocks move
    /// on. Whatever needs space, compacts, walks, checks or destroys is refused with JEFF_ERROR_BUSY.
    void (*moved)(void *context, jeff_handle handle, void *from, void *to, size_t bytes);
    /// Called before a request for `bytes` is refused that the heap could serve if it were empty. It may free, lock, unlock, mark
    /// blocks purgeable, and look at the heap; whatever needs space, compacts or destroys is refused with JEFF_ERROR_BUSY. Returning
    /// true asks for one more try.
    bool (*low_memory)(void *context, size_t bytes);
    void *context; ///< passed to the three callbacks above

    const struct jeff_page_hooks *pages; ///< jeff_create() only; NULL: mmap. Copied, need not outlive the call.
};

/// Makes a heap inside `region`. Nothing outside it is ever touched, and nothing needs to be undone: to drop the heap, forget it.
///
/// Only AddressSanitizer and Valgrind (JEFF_VALGRIND) must be told: where they watch, everything in `region` that no client may touch is
/// hidden from it. There the heap must be given to jeff_destroy() before the memory is used for something else, or freed, or its stack frame ends.
///
/// @param region client memory, aligned to the heap's alignment; contents do not matter; owned by the heap from here on
/// @param bytes  its size, JEFF_HEAP_MIN or more, odd sizes too; what is beyond 64 GiB, or 2 GiB with 32-bit addresses, is not used
/// @param config NULL for the defaults; copied
/// @param status where the reason of a failure goes; may be NULL
/// @return the heap, or NULL: JEFF_ERROR_ARGUMENT, JEFF_ERROR_MISALIGNED, JEFF_ERROR_TOO_SMALL
/// @cost O(1)
jeff_heap *jeff_init(void *region, size_t bytes, const struct jeff_config *config, enum jeff_status *status);

/// Makes a heap in pages of its own. It reserves `max_bytes` of address space and commits memory as it grows.
///
/// @param max_bytes the most that the heap may grow to, in whole pages, two of them at least; 0: 64 GiB on 64-bit targets, 256 MiB
///                  on others, or, where the system has not that much address space to give, from a quarter to a half of what it has
/// @return the heap, to be given to jeff_destroy(), or NULL: JEFF_ERROR_ARGUMENT, JEFF_ERROR_TOO_SMALL, JEFF_ERROR_MAP
/// @cost O(1) and three calls of the page hooks
jeff_heap *jeff_create(size_t max_bytes, const struct jeff_config *config, enum jeff_status *status);

/// Gives back all memory of a heap from jeff_create(), whatever is live or locked in it. On a heap from jeff_init() it only
/// makes every handle stale, and all of the region usable where AddressSanitizer or Valgrind watches; what needs space, compacts,
/// walks or checks is then refused with JEFF_ERROR_BUSY. NULL is ignored, and so is a call from a callback (JEFF_ERROR_BUSY).
/// O(blocks with pages of their own).
void jeff_destroy(jeff_heap *heap);

/// Allocates a block of at least `bytes`. Contents are not set. 0 bytes give a live handle to an empty block.
/// @return a live handle, or JEFF_NULL (JEFF_ERROR_NO_MEMORY, JEFF_ERROR_BUSY), and then no client can see a change
/// @cost O(1); only a request that would otherwise be refused is O(blocks)
jeff_handle jeff_malloc(jeff_heap *heap, size_t bytes);

/// Allocates `count * size` bytes (overflow is refused), all zero. @cost that of jeff_malloc and the zeroing
jeff_handle jeff_calloc(jeff_heap *heap, size_t count, size_t size);

/// Allocates a block whose address is a multiple of `alignment`, wherever compaction moves it.
/// @param alignment a power of two, at most 64 KiB; else JEFF_ERROR_ARGUMENT
jeff_handle jeff_aligned_alloc(jeff_heap *heap, size_t alignment, size_t bytes);

/// Changes the size of a block. The handle stays, and so do the contents up to the smaller of both sizes, and the alignment. A locked
/// block is resized where it lies or not at all; one made for 2012 bytes or fewer grows up to 2012 there. What a
/// purgeable block holds is not dropped to make room for itself; a purged one becomes a fresh one of that size, contents not set.
/// @return true, or false with the block unchanged: JEFF_ERROR_HANDLE, JEFF_ERROR_NO_MEMORY, JEFF_ERROR_LOCKED (could not
///         grow where it lies), JEFF_ERROR_BUSY
/// @cost O(1) and the copying of the block; only a request that would otherwise be refused is O(blocks)
bool jeff_resize(jeff_heap *heap, jeff_handle handle, size_t bytes);

/// Frees a block; its handle is stale from here on. JEFF_NULL is ignored.
/// @return true, or false with nothing changed: JEFF_ERROR_HANDLE, JEFF_ERROR_LOCKED; in the callback `moved` also JEFF_ERROR_BUSY, which
///         one free in 2^31 of a slot's is told: its handle is the last that the slot has
/// @cost O(1), without touching the block's memory in the common case
bool jeff_free(jeff_heap *heap, jeff_handle handle);

/// Pins the block and returns its address. Until the matching jeff_unlock() the block does not move, whatever jeff_compact()
/// does. Locks nest: the block is movable again after as many unlocks as locks.
/// @return the first byte of the block, aligned as requested; NULL with nothing changed: JEFF_ERROR_HANDLE,
///         JEFF_ERROR_PURGED, JEFF_ERROR_LOCK_LIMIT
/// @cost O(1): the block's table entry alone
void *jeff_lock(jeff_heap *heap, jeff_handle handle);

/// Takes back one lock. @return true, or false with nothing changed: JEFF_ERROR_HANDLE, JEFF_ERROR_NOT_LOCKED. @cost O(1)
bool jeff_unlock(jeff_heap *heap, jeff_handle handle);

/// Gives the address without pinning. It holds until jeff_compactions() changes, or the block is resized or freed.
/// @return as jeff_lock(). @cost O(1)
void *jeff_weak_lock(jeff_heap *heap, jeff_handle handle);

/// @return a counter that changes whenever blocks may have moved or been purged: a weak lock taken before is then void. O(1)
uint64_t jeff_compactions(const jeff_heap *heap);

/// Moves a block that is not locked to where it does least harm if it is now locked for long: to the lowest place where it lies
/// against the start of the heap or against a locked block, so that no free memory is stranded below it. Blocks that lie there
/// move out of the way into other free memory.
/// @return true: it lies there now, or did before, or has pages of its own and is in nobody's way. false: JEFF_ERROR_HANDLE,
///         JEFF_ERROR_PURGED, JEFF_ERROR_LOCKED, JEFF_ERROR_BUSY with nothing changed; JEFF_ERROR_NO_MEMORY if what lies
///         there can go nowhere: the block is as usable as before
/// @cost O(blocks + bytes moved): a few walks over the blocks; only up to the block if it lies well already
bool jeff_settle(jeff_heap *heap, jeff_handle handle);

/// How often the block is locked now; 0 for a handle that is not live. O(1)
unsigned jeff_lock_count(const jeff_heap *heap, jeff_handle handle);

/// Makes a block purgeable, or not. When a request would otherwise be refused, the contents of purgeable blocks that are not
/// locked may be dropped; jeff_lock() then fails with JEFF_ERROR_PURGED; the handle stays live until it is freed.
/// @return true, or false: JEFF_ERROR_HANDLE, JEFF_ERROR_PURGED (too late). @cost O(1)
bool jeff_set_purgeable(jeff_heap *heap, jeff_handle handle, bool purgeable);

/// How many bytes the block may be used for: what was asked for, or a few more. 0 for a handle that is not live or was
/// purged. @cost O(1)
size_t jeff_usable_size(jeff_heap *heap, jeff_handle handle);

/// The memory that a block takes in all: its header, the payload and the rounding. Extents of live blocks never overlap, and
/// the memory between the control block, the extents and the handle table is free. The table grows by 12 bytes a handle.
/// @param begin  gets the first byte; for a block with pages of its own, those of its pages
/// @return its size in bytes; 0 for a handle that is not live or was purged. @cost O(1)
size_t jeff_extent(jeff_heap *heap, jeff_handle handle, void **begin);

/// How large a free run must be to serve a request for certain, by the layout of this heap: header and rounding, and the
/// way to the alignment.
/// @param alignment as for jeff_aligned_alloc(); 0: none asked for
/// @return bytes; SIZE_MAX if no heap can serve it. @cost O(1)
size_t jeff_run_needed(const jeff_heap *heap, size_t alignment, size_t bytes);

/// The handle of the live block whose first byte is at `address`, else JEFF_NULL. Any address may be asked for. O(1), and for
/// an address outside the heap O(blocks with pages of their own).
jeff_handle jeff_handle_of(jeff_heap *heap, const void *address);

enum jeff_stop {
    JEFF_STOP_DONE = 0, ///< nothing is left to do
    JEFF_STOP_GOAL,     ///< the wanted run is there
    JEFF_STOP_BUDGET,   ///< the time is over; the next call goes on where this one stopped
    JEFF_STOP_BUSY,     ///< called from a callback: nothing was done
};

struct jeff_goal {
    size_t
        wanted_bytes; ///< stop as soon as a block of this size fits in one free run; 0: the largest run that can be had
    uint64_t budget_ns; ///< 0: no limit
    bool dry_run;       ///< move nothing, tell the price; a budget does not matter then
};

struct jeff_report {
    enum jeff_stop stop;
    size_t moved_blocks;
    size_t moved_bytes;
    size_t left_blocks; ///< left where they were, see jeff_compact()
    uint64_t time_ns;   ///< by the heap's clock
    /// Bytes of the largest block that the largest free run could hold. With a budget not all runs of about that size are looked
    /// at, and it may be up to a fifth less than the truth.
    size_t largest_before;
    size_t largest_after;
};

/// Moves the blocks that are not locked towards the start of the heap, in address order, around those that are, within a
/// time budget. Resumable: a call goes on where the last one ran out of time. A call learns from the clock how quick the machine is,
/// and ends when there is no time left for the next block; one that would do nothing at all moves one block of up to 16 KiB.
///
/// A block of more than 4 KiB moves in pieces, over as many calls as it takes, if its new place lies wholly below its old one. Until it has
/// arrived, the free memory that it moves to is given out last, and reaching the block (jeff_lock(), jeff_weak_lock(),
/// jeff_resize()) stays O(1): what was copied is dropped. The call after that leaves the block where it is if it has more than 16 KiB;
/// so does every call with one that would overlap with its new place and takes longer than the budget. A later, or a longer, call
/// moves them.
/// @param max_ms 0: no limit, all of the heap
/// @return why it stopped. @cost O(blocks + bytes moved), or the budget, exceeded by what it takes to move 16 KiB at most
enum jeff_stop jeff_compact(jeff_heap *heap, uint32_t max_ms);

/// Moves what it must for one free run to be as large as wanted: it empties a window with the least live memory in it, between two
/// locked blocks or an end of the heap, into free memory elsewhere, and slides what finds no room there; of windows that are alike the
/// first, though another might slide less. What cannot be had moves nothing, and neither does a second call. With a budget it first slides as jeff_compact() does, resumable, and empties a window
/// only if the wanted run is still not there.
///
/// A dry run moves nothing, and no client can see a change: the report tells what the same call without it and without a
/// budget does right afterwards, block by block and byte by byte, the largest run that comes of it and why it stops.
/// @param goal   NULL: the largest run, no limit of time
/// @param report filled in; may be NULL
/// @return report->stop
/// @cost O(blocks + bytes moved): a few walks over the blocks to find the window; a dry run is the walks alone
enum jeff_stop jeff_compact_goal(jeff_heap *heap, const struct jeff_goal *goal, struct jeff_report *report);

struct jeff_stats {
    size_t heap_bytes;     ///< all memory of the heap now, with its control block and handle table
    size_t control_bytes;  ///< of that, the control block at its start
    size_t table_bytes;    ///< of that, the handle table at its end
    size_t spare_handles;  ///< handles that can be given out before the table must grow
    size_t live_blocks;    ///< blocks that are not freed, purged ones too
    size_t live_bytes;     ///< memory in live blocks, headers and rounding included; pages of their own apart
    size_t free_bytes;     ///< what is left of heap_bytes, in whatever pieces; spare pages of its table apart
    size_t mapped_blocks;  ///< blocks with pages of their own
    size_t mapped_bytes;   ///< and their pages
    uint64_t compactions;  ///< passes that moved something or might have
    uint64_t moved_blocks; ///< since the heap was made
    uint64_t moved_bytes;
    uint64_t visited_blocks; ///< blocks, also free ones, that compaction looked at
    uint64_t refused;        ///< requests for memory refused
};

/// Fills in `stats`. While the callback `moved` runs, free memory that blocks are on their way over counts as live. O(1)
void jeff_stats(const jeff_heap *heap, struct jeff_stats *stats);

enum jeff_block_kind {
    JEFF_BLOCK_LIVE,
    JEFF_BLOCK_FREE, ///< a free run, or a freed block kept whole for the next request of its size
    JEFF_BLOCK_TOP,  ///< the free memory between the last block and the handle table
};

struct jeff_block {
    enum jeff_block_kind kind;
    void *address;      ///< of the payload
    size_t bytes;       ///< that a client could use there
    jeff_handle handle; ///< JEFF_NULL unless live
    unsigned locks;
    bool purgeable;
};

/// Calls `visit` for every stretch of the heap in address order, then for the blocks with pages of their own. `visit` must not
/// change the heap; returning false ends the walk. Purged blocks have no memory and are not visited. O(blocks)
void jeff_walk(jeff_heap *heap, bool (*visit)(void *context, const struct jeff_block *block), void *context);

/// A locked block, and the harm it does.
struct jeff_pin {
    jeff_handle handle;
    void *address;
    size_t bytes; ///< that the block may be used for
    unsigned locks;
    size_t stranded_bytes; ///< free memory right below it, which compaction cannot join with what is above
};

/// Calls `visit` for every locked block in address order; a full compaction before shows what stays stranded for good. `visit`
/// must not change the heap; returning false ends it. Blocks with pages of their own are in nobody's way. O(blocks)
void jeff_pins(jeff_heap *heap, bool (*visit)(void *context, const struct jeff_pin *pin), void *context);

/// Where two words contradict each other, the address is that of the one which a third refutes.
struct jeff_damage {
    const char *what;    ///< a sentence, in static memory
    const void *address; ///< of the damaged header, entry or field
};

/// Checks everything that can be checked: headers, holes, bins, the handle table and all counters. Changes nothing. However a heap
/// is damaged, it reads nothing outside of it and comes to an end.
/// @param damage filled in when damage is found; may be NULL
/// @return JEFF_OK, JEFF_ERROR_CORRUPT, or JEFF_ERROR_BUSY from the callback `moved`. O(blocks + handles)
enum jeff_status jeff_check(jeff_heap *heap, struct jeff_damage *damage);

/// Why the last call on this heap failed; JEFF_OK if none has failed yet. Calls that succeed leave it alone. O(1)
enum jeff_status jeff_last_status(const jeff_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
