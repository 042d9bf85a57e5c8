/// The executor: carries ops out on a driver's heap and checks every oracle that needs no second process. It also is the
/// narrow view through which the generator may look back.
///
/// It owns the region that the heap lives in, the guard zones around it, the shadow, and the layout (the live blocks in address order).
/// No memory is allocated per op or per episode, and none of it ever comes from the allocator under test (mmap).
#ifndef STEVE_CORE_EXEC_H
#define STEVE_CORE_EXEC_H

#include "steve/core/op.h"
#include "steve/core/oracle.h"
#include "steve/driver.h"

struct steve_exec;

struct steve_exec_config {
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< runs the same ops, as far as it has them (differential.c); NULL: none
    uint32_t without;              ///< oracles that are off: bits 1 << enum steve_oracle
    enum steve_check_level level;  ///< zero is light; the command line's default is normal
    bool unchecked;                ///< no checking at all, payloads are still written: the yardstick of the bench
    bool keep_open;                ///< as in steve_region_place: for fuzzers, which begin an episode every few microseconds
    uint8_t base_slot;             ///< 0 or 1: two executors of the same sequence that differ in it get congruent but different
                                   ///< bases (equal modulo 64 KiB): for the metamorphic oracle
};

enum steve_outcome {
    STEVE_DONE,    ///< carried out
    STEVE_REFUSED, ///< the allocator refused, as it may
    STEVE_SKIPPED, ///< does not apply here (malloc into a live slot, free of an empty one, no such function)
    STEVE_FOUND,   ///< an oracle is broken: see steve_exec_finding(); the episode is over
};

/// Counts of what an executor did since it was made (or since the last reset). Plain data, added up by steve_counts_add().
struct steve_counts {
    uint64_t ops;
    uint64_t by_kind[STEVE_KIND_COUNT][3]; ///< done, refused, skipped
    uint64_t compactions;                  ///< compact ops carried out
    uint64_t compaction_blocks, compaction_locked_blocks; ///< live and locked blocks, added up over the compactions
    uint64_t compaction_bytes, compaction_locked_bytes;
    uint64_t moved_blocks;  ///< seen by the shadow
    uint64_t peak_blocks;   ///< largest number of live blocks
};
void steve_counts_add(struct steve_counts *sum, const struct steve_counts *more);

/// @return NULL if memory is short or the driver is unusable; `*why` says which
struct steve_exec *steve_exec_new(const struct steve_exec_config *config, const char **why);
void steve_exec_free(struct steve_exec *exec);

/// The next episodes are of this driver, in the same memory: for fuzzers, whose drivers change from one episode to the next, and whose time
/// is that of caches that hold none of it any more. Ends the episode that there is, without a look at it, and closes the other heap that
/// misuse ops take foreign refs from: what the next episode does depends on nothing before it. @param driver a sound one
void steve_exec_drive(struct steve_exec *exec, const struct steve_driver *driver);

/// Begins an episode on a fresh heap. Time proportional to what the last episode used, not to the size of anything.
/// heap_bytes below the driver's minimum are raised to it.
/// @return false if the driver could not open a heap: `*why` says why
bool steve_exec_begin(struct steve_exec *exec, const struct steve_header *header, const char **why);

/// Carries out one op. With a second driver: on the first as if it were alone, then on the second; `view` is of the first.
enum steve_outcome steve_exec_step(struct steve_exec *exec, struct steve_op op);

/// Ends the episode: last sweep over all blocks, drain, capacity, then closes the heap.
/// @return STEVE_DONE or STEVE_FOUND. After STEVE_FOUND (here or in a step) the heap is not touched again, not even to close it.
enum steve_outcome steve_exec_end(struct steve_exec *exec);

/// The finding of the current episode; valid after STEVE_FOUND.
const struct steve_finding *steve_exec_finding(const struct steve_exec *exec);

/// Digest of the ops and outcomes of the episode so far: equal for equal ops on any machine, in any process, at any base.
uint64_t steve_exec_digest(const struct steve_exec *exec);
/// Digest of the block offsets seen too; equal for two bases that are congruent, if the driver promises RELOCATABLE.
uint64_t steve_exec_offset_digest(const struct steve_exec *exec);

struct steve_counts *steve_exec_counts(struct steve_exec *exec);

/// The narrow view. Slots are 0..65535. All O(1) unless said otherwise.
bool steve_view_live(const struct steve_exec *exec, uint16_t slot);
size_t steve_view_size(const struct steve_exec *exec, uint16_t slot);    ///< as asked for; 0 if empty
unsigned steve_view_locks(const struct steve_exec *exec, uint16_t slot); ///< taken by lock ops
bool steve_view_has_stale(const struct steve_exec *exec, uint16_t slot); ///< an earlier block of this slot is known
size_t steve_view_live_count(const struct steve_exec *exec);
size_t steve_view_live_bytes(const struct steve_exec *exec);
/// Bytes that were moved in the episode: as many as the allocator's clock has nanoseconds, where it has one, unseen moves and
/// visits included; else in extents, as far as they were seen. Costs a call of `now` after an op that moved something.
uint64_t steve_view_moved_bytes(struct steve_exec *exec);
/// The slot of the live block that is `rank`-th in address order as last seen, rank < live count. O(log n)
uint16_t steve_view_slot_by_address(const struct steve_exec *exec, size_t rank);
/// The address of a live block as last seen; 0 if it was purged.
uintptr_t steve_view_address(const struct steve_exec *exec, uint16_t slot);
/// The outcome of the last step.
enum steve_outcome steve_view_last(const struct steve_exec *exec);

/// Resolves the size of an op as the executor would now. O(1)
size_t steve_view_resolve_size(const struct steve_exec *exec, struct steve_op op);

#endif
