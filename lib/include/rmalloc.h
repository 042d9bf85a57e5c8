/// The classic interface of a compacting allocator, over one default heap of Jeff's. For new code, jeff.h says more.
///
/// The default heap maps itself at first use and grows. One heap for the process, and not thread-safe.
#ifndef RMALLOC_H
#define RMALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Opaque. What rmmalloc() returns points to a cell that stays where it is and holds the handle: `lock(*h)`.
typedef uint64_t handle_t;

/// Allocates a block of `nbytes`. @return a stable cell that holds the handle, to be given to rmfree(); NULL if refused. O(1)
handle_t *rmmalloc(size_t nbytes);

/// Frees a block, even one that is locked, and its cell. NULL is ignored; a cell already freed is refused silently. O(1)
void rmfree(handle_t *handle);

/// Pins the block and returns its address; NULL if the handle is stale. Locks nest. O(1)
void *lock(handle_t handle);

/// Takes back one lock. O(1)
void unlock(handle_t handle);

/// Moves unlocked blocks together for at most that many milliseconds; 0: without limit.
void compact(uint32_t compact_time_max_ms);

#ifdef __cplusplus
}
#endif

#endif
