/// The hostile family: a simple, correct handle allocator (hostile.c) that commits one chosen misdeed, so that the tests can
/// see each oracle bite. hostile_drivers.c makes a driver of every row of the table below.
///
/// A misdeed begins at its `after`-th opportunity in a heap (an opportunity is named with each), so that a healthy stretch comes first
/// and the same ops always show it at the same op.
#ifndef STEVE_DRIVERS_HOSTILE_INTERNAL_H
#define STEVE_DRIVERS_HOSTILE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/driver.h"

/// First fit and a slide that restarts are quadratic: kept small, they stay quick. What of a region is beyond is left alone.
#define HOSTILE_LARGEST_HEAP ((size_t)256 * 1024)

/// X(driver's name after "hostile-", identifier, wire id, after, oracle that names it, what it does)
#define HOSTILE_MISDEEDS(X)                                                                                            \
    X("overlap", OVERLAP, 200, 20, OVERLAP, "a new block is put on top of a live one")                                 \
    X("forgets", FORGETS, 201, 8, CONTENT, "a moved block is not copied whole")                                        \
    X("moves-locked", MOVES_LOCKED, 202, 1, PIN, "compaction slides a locked block")                                   \
    X("loops", LOOPS, 203, 20, HANG, "a malloc never returns")                                                         \
    X("crashes", CRASHES, 204, 20, CRASH, "a malloc raises SIGSEGV")                                                   \
    X("exits", EXITS, 205, 20, CRASH, "a malloc ends the process with status 0")                                       \
    X("eats-memory", EATS_MEMORY, 206, 20, MEMORY, "the malloc calls take 16 MiB from the system, and then 32 each time") \
    X("refuses", REFUSES, 207, 20, REFUSAL, "a request is refused that a free run could serve")                        \
    X("misaligned", MISALIGNED, 208, 20, ALIGN, "a block begins 8 bytes past its alignment")                           \
    X("out-of-heap", OUT_OF_HEAP, 209, 10, BOUNDS, "a block ends beyond the heap")                                     \
    X("lies", LIES, 210, 20, ACCOUNT, "statistics count 16 bytes too many as live")                                    \
    X("writes-after-free", WRITES_AFTER_FREE, 211, 5, CONTENT, "memory is written to after it was freed and reused")   \
    X("writes-guard", WRITES_GUARD, 212, 20, GUARD, "the byte after the region is written to")                         \
    X("dirty-calloc", DIRTY_CALLOC, 213, 3, ZERO, "the last byte of a calloc block is not zeroed")                     \
    X("same-handle", SAME_HANDLE, 214, 20, HANDLE, "a malloc gives the ref of a live block")                           \
    X("accepts-stale", ACCEPTS_STALE, 215, 2, HANDLE, "a ref that is not live is accepted")                            \
    X("not-compacted", NOT_COMPACTED, 216, 1, COMPACTED, "compaction leaves its last block where it is")               \
    X("not-idempotent", NOT_IDEMPOTENT, 217, 1, IDEMPOTENT, "each compaction swaps two blocks of one size")            \
    X("overruns-budget", OVERRUNS_BUDGET, 218, 1, BUDGET, "a compaction ignores its budget")                           \
    X("loses-capacity", LOSES_CAPACITY, 219, 1, CAPACITY, "whenever the heap becomes empty, a part of it is lost")     \
    X("check-fails", CHECK_FAILS, 220, 1, CHECK, "its own check finds damage")                                         \
    X("base-dependent", BASE_DEPENDENT, 221, 1, METAMORPHIC, "where a block goes depends on the heap's address")       \
    X("resize-loses", RESIZE_LOSES, 222, 3, CONTENT, "a resize that moves drops the last byte")                        \
    X("failed-resize-frees", FAILED_RESIZE_FREES, 223, 1, REFUSAL, "a resize that is refused damages the block")

#define HOSTILE_ENUM(name, identifier, wire, after, oracle, what) MISDEED_##identifier,
enum misdeed { MISDEED_NONE, HOSTILE_MISDEEDS(HOSTILE_ENUM) MISDEED_COUNT };
#undef HOSTILE_ENUM

#define HOSTILE_DECLARE(name, identifier, wire, after, oracle, what)                                                   \
    extern const struct steve_driver steve_driver_hostile_##identifier;
HOSTILE_MISDEEDS(HOSTILE_DECLARE)
#undef HOSTILE_DECLARE

/// Opens a heap that commits `misdeed`, from its `after`-th opportunity on. For the rest of the functions the driver is all the same.
void *hostile_open(const struct steve_geometry *geometry, enum misdeed misdeed, unsigned after, const char **why);

void hostile_close(void *heap);
steve_ref hostile_malloc(void *heap, size_t bytes);
steve_ref hostile_calloc(void *heap, size_t count, size_t size);
steve_ref hostile_aligned(void *heap, size_t alignment, size_t bytes);
steve_ref hostile_resize(void *heap, steve_ref ref, size_t bytes);
bool hostile_free(void *heap, steve_ref ref);
enum steve_lock_result hostile_lock(void *heap, steve_ref ref, void **address);
bool hostile_unlock(void *heap, steve_ref ref);
enum steve_lock_result hostile_weak_lock(void *heap, steve_ref ref, void **address);
bool hostile_compact(void *heap, uint64_t budget_ns);
bool hostile_compact_goal(void *heap, size_t wanted);
uint64_t hostile_moves(void *heap);
uint64_t hostile_now(void *heap);
size_t hostile_usable(void *heap, steve_ref ref);
struct steve_extent hostile_extent(void *heap, steve_ref ref);
struct steve_arena hostile_arena(void *heap);
size_t hostile_run_needed(void *heap, size_t alignment, size_t bytes);
void hostile_stats(void *heap, struct steve_stats *stats);
const char *hostile_check(void *heap);

#endif
