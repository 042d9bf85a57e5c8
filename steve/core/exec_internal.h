/// What the files of the executor share: its state, and the steps that more than one of them takes.
///
///     exec.c        begin, step, end; which op goes where
///     blocks.c      the ops on one block
///     compaction.c  the compact ops        misuse.c  the misuse ops        drain.c  drain, capacity
///     place.c       reaching a block; whether it may lie where it lies and holds what it must
///     sweep.c       looking at all blocks
///     refusal.c     whether a refusal was right
///     health.c      the allocator's statistics and its own check; the guards
///     finding.c     recording what is broken
///     view.c        the narrow view
///     differential.c  the second driver, and where outcomes differ
///     threads.c     the same ops in several threads        threads_ops.c  one op of one of them
///
/// A function that checks returns false when the episode is over: a finding is recorded, and the heap must not be touched again.
#ifndef STEVE_CORE_EXEC_INTERNAL_H
#define STEVE_CORE_EXEC_INTERNAL_H

#include <assert.h>

#include "steve/core/exec.h"
#include "steve/core/layout.h"
#include "steve/core/refs.h"
#include "steve/core/region.h"

#define STEVE_SLOTS 65536u

/// Steve locks a block at most this often, whatever the allocator allows.
#define STEVE_LOCKS_MOST 60000u

enum steve_slot_state {
    STEVE_SLOT_USED = 1 << 0,      ///< in the list of used slots
    STEVE_SLOT_PURGEABLE = 1 << 1, ///< its contents may be dropped
    STEVE_SLOT_PURGED = 1 << 2,    ///< they were: it has no memory
};

/// One slot, a cache line.
struct steve_slot {
    steve_ref ref;     ///< 0: no live block
    steve_ref stale;   ///< ref of the block before; 0 if there was none
    uintptr_t address; ///< of the first byte, as last seen; 0 if purged
    uintptr_t begin;   ///< of its extent, as last seen; of the block itself if the driver tells no extents
    size_t extent;     ///< bytes of the extent
    size_t bytes;      ///< as asked for
    uint64_t stamp;    ///< of its contents
    uint16_t locks;    ///< taken by lock ops
    uint8_t alignment; ///< log2 of what was asked for; 0: nothing
    uint8_t state;     ///< of enum steve_slot_state
};
static_assert(sizeof(struct steve_slot) <= 64, "a slot is a cache line, or less on 32-bit targets");

/// How much is looked at, and how often. Costs are spread: see steve_exec_step().
struct steve_effort {
    uint32_t credit_per_op;    ///< bytes of contents compared beyond the ends of blocks
    uint32_t probe_every;      ///< ops between looks at the next block in turn; a power of two
    uint32_t account_every;    ///< ops between looks at the statistics; a power of two
    uint32_t check_every;      ///< ops between runs of the allocator's own check, at least; more with many blocks
    uint32_t idempotent_every; ///< full compactions between two that are done twice; a power of two
    uint32_t drain_every;      ///< episodes between two that end with a drain; a power of two
    bool everything;           ///< all of it after every op
};

/// What an allocator may be made to write at a time. Steve touches huge blocks only here and there, but an allocator that
/// clears, copies or moves one touches all of it: ops that may do so are skipped, or they would be a hang or eat the memory
/// without any fault of the allocator's. Sizes that nobody can serve are let through.
#define STEVE_WRITTEN_MOST ((size_t)1 << 30)
/// Blocks from here on count to what an episode makes the allocator write in all.
#define STEVE_HUGE ((size_t)16 << 20)
/// The limit of that. Two bases side by side, and no more, are within the limit of memory.
#define STEVE_HUGE_MOST (STEVE_WRITTEN_MOST / 2)

static inline bool steve_is_unbearable(size_t bytes)
{
    return bytes > STEVE_WRITTEN_MOST && bytes < SIZE_MAX / 4;
}

/// In a heap beyond STEVE_WRITTEN_MOST, moved blocks from here on count to STEVE_HUGE_MOST: of smaller ones there are not enough.
#define STEVE_HUGE_MOVE ((size_t)1 << 20)

/// The most that a heap has held in this episode: what it could do once it can do again.
struct steve_past {
    size_t blocks;  ///< live ones
    size_t bytes;   ///< in live blocks, as asked for
    size_t largest; ///< of a request that was served, its alignment added
};

struct steve_exec {
    const struct steve_driver *driver;
    void *heap; ///< NULL: no episode
    bool checked;
    bool found;
    bool handles; ///< refs are handles: they are watched
    bool gaps;    ///< free runs can be told from arena and extents
    enum steve_outcome last;
    uint32_t promises;
    uint64_t op; ///< index of the current op
    uint64_t digest;
    uint64_t offset_digest;
    uint64_t stamps; ///< given in this episode
    uint64_t moves;  ///< the driver's counter when the layout was last right
    size_t heap_bytes;
    uint8_t options; ///< of the episode
    size_t credit;   ///< bytes of contents that may be compared now

    size_t live_blocks;
    size_t live_bytes;   ///< as asked for
    size_t live_extent;  ///< bytes in extents
    size_t huge_written; ///< what huge blocks made the allocator write in this episode, up to STEVE_HUGE_MOST
    size_t locked_blocks;
    size_t locked_bytes;
    size_t purged_blocks;
    size_t purgeable_blocks; ///< and not purged yet

    size_t sweep_start;        ///< rank where the next sweep begins to compare whole contents
    size_t sweep_moved_blocks; ///< of the last sweep
    size_t sweep_moved_bytes;  ///< in extents
    size_t sweep_largest_moved;
    uint64_t moved_bytes; ///< of all sweeps of the episode

    uint64_t clock_begin_ns; ///< of the driver's clock, where it has one
    uint64_t clock_ns;       ///< since the begin, when the moves counter was
    uint64_t clock_moves;    ///< this

    size_t probe_next;   ///< index into `used` of the next block to look at
    uint64_t last_check; ///< op of the allocator's last own check
    uint64_t last_twice; ///< op of the last compaction that was done twice
    uint64_t full_compactions;

    uint64_t run_version;           ///< layout version that `run_largest` belongs to
    uintptr_t run_begin;            ///< and the arena's begin
    size_t run_largest;             ///< largest gap, the run above the last block apart
    struct steve_arena first_arena; ///< right after open

    struct steve_exec *rival; ///< of the second driver, owned; NULL: there is none
    bool blames_rival;        ///< the finding was the rival's own
    struct steve_past past;   ///< kept up only where there are two drivers

    void *foreign_heap;
    steve_ref foreign[8];
    bool foreign_tried;

    struct steve_effort effort;
    struct steve_exec_config config;
    struct steve_counts counts;
    struct steve_finding finding;
    struct steve_region region;
    struct steve_region foreign_region;
    size_t used_count;
    uint16_t used[STEVE_SLOTS]; ///< slots that had a block in this episode
    struct steve_slot slots[STEVE_SLOTS];
    struct steve_refs refs;
    struct steve_layout layout;
    struct steve_span spans[STEVE_SLOTS];
    struct steve_span scratch[STEVE_SLOTS];
};

/// A heap of lazily mapped memory, which nobody could fill: what of it blocks are moved to is touched.
static inline bool steve_is_lazy(const struct steve_exec *exec)
{
    return exec->heap_bytes > STEVE_WRITTEN_MOST && (exec->promises & STEVE_PROMISE_REGION) != 0;
}

/// Whether the allocator may be made to move all that is not locked, as it may at any request. A huge block that is locked before the next
/// op harms nobody.
static inline bool steve_may_move(const struct steve_exec *exec)
{
    return !steve_is_lazy(exec) || (exec->promises & STEVE_PROMISE_MOVES) == 0 ||
           exec->live_bytes - exec->locked_bytes <= STEVE_HUGE_MOST - exec->huge_written;
}

/// A block was moved.
static inline void steve_count_huge_move(struct steve_exec *exec, size_t extent)
{
    if (extent >= STEVE_HUGE_MOVE && steve_is_lazy(exec)) {
        const size_t left = STEVE_HUGE_MOST - exec->huge_written;
        exec->huge_written += extent < left ? extent : left;
    }
}

static inline bool steve_oracle_on(const struct steve_exec *exec, enum steve_oracle oracle)
{
    return (exec->config.without >> oracle & 1u) == 0;
}

static inline bool steve_slot_has_memory(const struct steve_slot *slot)
{
    return slot->ref != 0 && (slot->state & STEVE_SLOT_PURGED) == 0;
}

static inline uint16_t steve_slot_index(const struct steve_exec *exec, const struct steve_slot *slot)
{
    return (uint16_t)(slot - exec->slots);
}

// finding.c

/// Records a broken oracle, unless it is off. `slot` may be NULL; else the sentence begins with what block it is about.
/// @return false: the episode is over; true: the oracle is off, go on
bool steve_broken(struct steve_exec *exec, enum steve_oracle oracle, const struct steve_slot *slot, const char *format,
                  ...) __attribute__((cold, format(printf, 4, 5)));

// place.c

enum steve_depth {
    STEVE_DEPTH_ENDS,   ///< first and last words
    STEVE_DEPTH_CREDIT, ///< all of it if the credit suffices, else the ends
    STEVE_DEPTH_WHOLE,
};

/// A driver whose locks do not nest is not asked to lock a block twice.
bool steve_is_held_already(const struct steve_exec *exec, const struct steve_slot *slot);

/// How many bytes of the heap's the driver says that it uses.
size_t steve_heap_used(const struct steve_exec *exec);

/// True if such a block may lie there at all.
bool steve_is_inside(const struct steve_exec *exec, uintptr_t begin, size_t bytes);

/// How many bytes from the block's first on can be its own at most, by what is known of extents and of other blocks. Only for a
/// block that lies where the layout has it. O(log n)
size_t steve_most_usable(const struct steve_exec *exec, const struct steve_slot *slot);

/// What the block's address must be a multiple of.
size_t steve_alignment_due(const struct steve_exec *exec, const struct steve_slot *slot);

/// Locks a block for Steve's own access, or finds its address where no lock is needed. To be undone by steve_release().
enum steve_lock_result steve_hold(struct steve_exec *exec, const struct steve_slot *slot, void **address);
bool steve_release(struct steve_exec *exec, const struct steve_slot *slot);

/// The address for a look, by a weak lock where there is one. To be undone by steve_peek_end(): an allocator may hide a block from
/// a sanitizer while nothing holds it.
enum steve_lock_result steve_peek(struct steve_exec *exec, const struct steve_slot *slot, void **address);
static inline bool steve_peek_end(struct steve_exec *exec, const struct steve_slot *slot)
{
    return exec->driver->weak_lock != NULL || steve_release(exec, slot);
}

/// Steve's lock failed although the block is live and has memory. Finds the reason.
bool steve_unreachable(struct steve_exec *exec, const struct steve_slot *slot, enum steve_lock_result result);

/// Bounds, alignment and extent of a block at `address`; notes address and extent in the slot.
bool steve_place_learn(struct steve_exec *exec, struct steve_slot *slot, uintptr_t address);

/// steve_place_learn() for a block that is not in the layout yet; puts it there and reports an overlap.
bool steve_place_enter(struct steve_exec *exec, struct steve_slot *slot, uintptr_t address);

/// Takes the block out of the layout.
void steve_place_leave(struct steve_exec *exec, struct steve_slot *slot);

/// A block that did not move must lie where it lay.
bool steve_place_same(struct steve_exec *exec, const struct steve_slot *slot, const void *address);

/// Compares the contents of a block that lies at its known address.
bool steve_contents(struct steve_exec *exec, const struct steve_slot *slot, enum steve_depth depth);

/// Holds the block, compares place and contents, lets go. Only for blocks with memory.
bool steve_look(struct steve_exec *exec, const struct steve_slot *slot, enum steve_depth depth);

/// Gives the block new contents. It is held at `address`.
void steve_write(struct steve_exec *exec, struct steve_slot *slot, void *address);

// sweep.c

/// Looks at every block: addresses are learned anew, the layout is made right, moved blocks are compared.
/// @param depth CREDIT: no more than that; ENDS: and extents are learned anew of all blocks; WHOLE: and all contents compared
bool steve_sweep(struct steve_exec *exec, enum steve_depth depth);

/// A sweep if the driver says that blocks may have moved.
static inline bool steve_sweep_if_moved(struct steve_exec *exec)
{
    if (!exec->checked || exec->driver->moves == NULL || exec->driver->moves(exec->heap) == exec->moves) {
        return true;
    }
    return steve_sweep(exec, STEVE_DEPTH_CREDIT);
}

// refusal.c

/// Whether a request for a new block could have been served.
bool steve_refusal_of_block(struct steve_exec *exec, size_t alignment, size_t bytes);
/// Whether a resize could have been.
bool steve_refusal_of_resize(struct steve_exec *exec, const struct steve_slot *slot, size_t bytes);
/// A request, against what is free for it.
struct steve_room {
    size_t run;    ///< the largest free run that may serve it
    size_t needed; ///< what serves it for certain; SIZE_MAX: nothing can be said
};
/// What the driver's own statements say about a request for a new block. Only if exec->gaps; the layout must be right.
struct steve_room steve_room_for_block(struct steve_exec *exec, size_t alignment, size_t bytes);
/// The largest free run there is, the one at the end included. Only if exec->gaps.
size_t steve_largest_run(struct steve_exec *exec);

// health.c

/// Statistics against the shadow. @param extents also the bytes, which are known exactly after a sweep alone
bool steve_account(struct steve_exec *exec, bool extents);
/// All blocks lie in the arena that the driver states, and that in the region: what is said of free runs rests on it. To be asked
/// after a sweep that learned all extents. O(chunks)
bool steve_arena_holds(struct steve_exec *exec);
/// The guards, and the allocator's own check.
bool steve_health(struct steve_exec *exec);
/// steve_health() if enough ops have passed since the last time for it to stay cheap. @param after as many ops at least
bool steve_health_if_due(struct steve_exec *exec, uint64_t after);

// blocks.c

enum steve_outcome steve_op_block(struct steve_exec *exec, struct steve_op op, size_t bytes);
/// Frees an unlocked live block. @return false if the episode is over
bool steve_free_block(struct steve_exec *exec, struct steve_slot *slot, bool *freed);

// differential.c

/// Makes the executor of the second driver. @return false with `*why` set
bool steve_rival_new(struct steve_exec *exec, const char **why);
bool steve_rival_begin(struct steve_exec *exec, const struct steve_header *header, const char **why);
/// One op, on both.
enum steve_outcome steve_differential_step(struct steve_exec *exec, struct steve_op op, size_t bytes);
/// The end of the second driver's episode. @return false if it broke an oracle
bool steve_rival_end(struct steve_exec *exec);

// exec.c

/// One op on this executor alone, and the checks after it. @param bytes the size it asks for
enum steve_outcome steve_carry_out(struct steve_exec *exec, struct steve_op op, size_t bytes);

// blocks.c: what the ops of threads need, too. None of them changes the executor.

/// The alignment that an op asks for; 0: none
size_t steve_alignment_of(struct steve_op op);
/// True if the driver can be asked for such a block.
bool steve_has_function(const struct steve_driver *driver, struct steve_op op);
/// Asks for a block. @return its ref; 0 if refused
steve_ref steve_call_request(const struct steve_exec *exec, struct steve_op op, size_t bytes);
/// True if a lock op applies to the slot.
bool steve_may_lock(const struct steve_exec *exec, const struct steve_slot *slot);

// compaction.c, misuse.c, drain.c

enum steve_outcome steve_op_compact(struct steve_exec *exec, struct steve_op op, size_t bytes);
enum steve_outcome steve_op_misuse(struct steve_exec *exec, struct steve_op op);
enum steve_outcome steve_op_drain(struct steve_exec *exec);

static inline enum steve_outcome steve_outcome_of(bool going_on, enum steve_outcome outcome)
{
    return going_on ? outcome : STEVE_FOUND;
}

#endif
