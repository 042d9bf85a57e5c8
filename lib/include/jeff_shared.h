/// Jeff for several threads: a heap that all of them may use at any time.
///
/// A shared heap is one of jeff.h's with a mutex, and with a way to lock and unlock blocks that does not take it. The functions are
/// those of jeff.h, do the same at the same cost, and refuse the same; what is said here is what is different.
///
/// - jeff_shared_lock() and jeff_shared_unlock() are lock-free but for one case: a block that is being moved, resized or purged at that
///   moment. Then jeff_shared_lock() waits while the block is copied: 16 KiB at most if compaction moves it and its old and its new place do
///   not overlap, else all of the block. Two threads that lock different blocks write to no common word, and to no common cache line
///   unless the blocks' handles are neighbours (eight a line).
/// - All other functions take the mutex, for as long as they take. A compaction keeps it until it ends: give it a budget. A malloc
///   may compact as its last resort (jeff_config.no_last_resort).
/// - A handle may be handed to another thread by whatever means orders memory (a mutex, an atomic store and load). Any thread may
///   unlock or free what another one has locked or allocated. What threads do to the *contents* of one block at the same time is
///   theirs to order.
/// - Misuse is refused as ever, from however many threads it comes: of two that free the same block at the same time one succeeds, and
///   the other is told JEFF_ERROR_HANDLE.
/// - There is no weak lock: it would hold until another thread's next call. Here a lock costs as little.
/// - There is no last status, which would be another thread's: functions that can fail tell the reason through `status`, which gets JEFF_OK
///   or why not, and may be NULL.
/// - Callbacks (jeff_config.moved, jeff_config.low_memory) run on the thread whose call they are part of, with the mutex taken, one
///   at a time. They may call what jeff.h allows them, through the functions here. While `moved` runs the block is at `to`, and other
///   threads may lock it and write to it, but neither free nor move it: to look at it, lock it. A callback must not wait for a
///   thread that might wait for the heap. `now_ns` runs with the mutex taken too. It and
///   the page hooks must not call into the heap; statistics are the exception.
/// - A heap must be made before other threads know of it, and destroyed after the last of them is done with it.
///
/// It needs compare and swap of 64 bits by the processor itself: x86 (from the Pentium on), ARMv7-A, 64-bit ARM, 64-bit RISC-V and
/// s390x have that. For other targets the library has none of these functions. Under AddressSanitizer, and in a library built for
/// Valgrind, lock and unlock take the mutex too, since they show and hide memory.
#ifndef JEFF_SHARED_H
#define JEFF_SHARED_H

#include "jeff.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A heap for several threads. Its control block lies in its memory.
typedef struct jeff_shared jeff_shared;

/// The smallest region that jeff_shared_init() accepts with the default of `max_blocks`, in bytes, at any alignment of its base that is accepted.
#define JEFF_SHARED_MIN 1024u

/// A mutex from the system.
struct jeff_mutex_hooks {
    /// Takes the mutex; the thread that has it may take it again, as callbacks do.
    void (*lock)(void *context);
    void (*unlock)(void *context);
    /// Lets other threads run, for one that waits for a block to be moved. Not called with the mutex taken.
    void (*yield)(void *context);
    void *context;
};

/// How a shared heap is made. All zero means the defaults; NULL in its place too.
struct jeff_shared_config {
    struct jeff_config heap;              ///< as for jeff_init() and jeff_create()
    const struct jeff_mutex_hooks *mutex; ///< NULL: a pthread mutex. Copied, need not outlive the call.

    /// How many blocks there may be at a time, cached ones included. Each takes 8 bytes: of a region at once, of a heap with pages of its own
    /// as it grows. 0: one for 64 bytes of a region, no limit but the memory's for a heap with pages of its own
    size_t max_blocks;
};

/// Makes a shared heap inside `region`, as jeff_init() does. @param bytes JEFF_SHARED_MIN or more
/// @return the heap, or NULL: JEFF_ERROR_ARGUMENT (also: no mutex hooks where there is no POSIX), JEFF_ERROR_MISALIGNED,
///         JEFF_ERROR_TOO_SMALL
/// @cost O(1)
jeff_shared *jeff_shared_init(void *region, size_t bytes, const struct jeff_shared_config *config,
                              enum jeff_status *status);

/// Makes a shared heap in pages of its own, as jeff_create() does. @return the heap, or NULL as there
jeff_shared *jeff_shared_create(size_t max_bytes, const struct jeff_shared_config *config, enum jeff_status *status);

/// As jeff_destroy(), and gives back the default mutex. No other thread may be in a call or make another one. From a callback it
/// does nothing.
void jeff_shared_destroy(jeff_shared *heap);

/* Each of these takes the mutex, and is else what jeff.h says of the function without `shared`. */

/// @return as jeff_malloc(); also refused with JEFF_ERROR_NO_MEMORY when there are `max_blocks` blocks: nothing is moved or
///         dropped then, and low_memory may free one
jeff_handle jeff_shared_malloc(jeff_shared *heap, size_t bytes, enum jeff_status *status);
jeff_handle jeff_shared_calloc(jeff_shared *heap, size_t count, size_t size, enum jeff_status *status);
jeff_handle jeff_shared_aligned_alloc(jeff_shared *heap, size_t alignment, size_t bytes, enum jeff_status *status);
/// A block that any thread has locked is resized where it lies or not at all.
bool jeff_shared_resize(jeff_shared *heap, jeff_handle handle, size_t bytes, enum jeff_status *status);
/// A block that any thread has locked is refused with JEFF_ERROR_LOCKED.
bool jeff_shared_free(jeff_shared *heap, jeff_handle handle, enum jeff_status *status);
bool jeff_shared_set_purgeable(jeff_shared *heap, jeff_handle handle, bool purgeable, enum jeff_status *status);
bool jeff_shared_settle(jeff_shared *heap, jeff_handle handle, enum jeff_status *status);
enum jeff_stop jeff_shared_compact(jeff_shared *heap, uint32_t max_ms);
/// What a dry run tells holds as long as no other thread calls.
enum jeff_stop jeff_shared_compact_goal(jeff_shared *heap, const struct jeff_goal *goal, struct jeff_report *report);
uint64_t jeff_shared_compactions(jeff_shared *heap);
size_t jeff_shared_usable_size(jeff_shared *heap, jeff_handle handle);
/// Where a block lies that is not locked may be past when the call returns.
size_t jeff_shared_extent(jeff_shared *heap, jeff_handle handle, void **begin);
size_t jeff_shared_run_needed(jeff_shared *heap, size_t alignment, size_t bytes);
/// @param address the first byte of a block, or outside the heap. Inside of a block it is answered too, but reads the bytes before it, which
///                another thread might be writing.
jeff_handle jeff_shared_handle_of(jeff_shared *heap, const void *address);
/// The gates of `max_blocks` count as part of the control block.
void jeff_shared_stats(jeff_shared *heap, struct jeff_stats *stats);
/// `visit` runs with the mutex taken, and may call what asks only. The counts of locks are those of the moment.
void jeff_shared_walk(jeff_shared *heap, bool (*visit)(void *context, const struct jeff_block *block), void *context);
void jeff_shared_pins(jeff_shared *heap, bool (*visit)(void *context, const struct jeff_pin *pin), void *context);
enum jeff_status jeff_shared_check(jeff_shared *heap, struct jeff_damage *damage);

/* These do not. */

/// As jeff_lock(). What the thread that unlocked, moved or filled the block before has written is there.
/// @cost O(1): one atomic operation on the block's own word, and its table entry. Blocks with pages of their own, purged ones and
///       whatever is refused take the mutex
void *jeff_shared_lock(jeff_shared *heap, jeff_handle handle, enum jeff_status *status);

/// As jeff_unlock(). @cost O(1): one atomic operation on the block's own word. It never waits
bool jeff_shared_unlock(jeff_shared *heap, jeff_handle handle, enum jeff_status *status);

/// How often the block is locked at this moment, by all threads; 0 for a handle that is not live. O(1)
unsigned jeff_shared_lock_count(const jeff_shared *heap, jeff_handle handle);

#ifdef __cplusplus
}
#endif

#endif
