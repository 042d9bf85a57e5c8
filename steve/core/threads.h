/// The ops of one episode carried out by several threads at once, on one heap, with the same shadows.
///
///     thread 0   malloc s0 .......... write s0           free s2 <- made by thread 1
///     thread 1          malloc s1  malloc s2    free s0 <- made by thread 0
///
/// Each op belongs to a thread (steve_op_thread()), and a thread carries its ops out in order. An op on a slot waits
/// until the op before it on that slot is done, whichever thread that is: so a block is handed from thread to thread, its
/// shadow goes with it, and whoever has it may check it without a lock. Ops on different slots wait for nothing, and
/// neither does a compaction. Steve has a lock of its own around the addresses and handles that it knows; no call into
/// the allocator is made under it. A block leaves them before it is freed and enters them after it was made, so that
/// memory that is given again at once is no overlap.
///
/// `check` and `drain` are for one thread: all others have ended by then, and new ones begin after it.
///
/// What holds of one block holds with threads, too: content, bounds, overlap, align, pin, handle, zero, and that enough
/// of it is usable. What holds of the heap as a whole is looked at when no thread runs: account, check, guard, and
/// capacity at the end. What another thread may change meanwhile is not judged: refusal by the room that there is,
/// compacted, idempotent, budget, metamorphic. Where blocks may move, an address is known, and so an overlap seen, only
/// while a block is locked.
#ifndef STEVE_CORE_THREADS_H
#define STEVE_CORE_THREADS_H

#include <stdatomic.h>

#include "steve/core/exec.h"

struct steve_crew;

/// When an op was begun and ended, by a clock that all threads share; 0: it was not.
struct steve_stamps {
    _Atomic uint32_t begun;
    _Atomic uint32_t ended;
};

struct steve_crew_work {
    struct steve_exec *exec;     ///< its episode was begun with as many threads
    const struct steve_op *ops;  ///< none with the size of another slot's block: steve_resolve_sizes()
    size_t count;                ///< at most those that the crew was made for
    unsigned threads;            ///< 2..STEVE_THREADS_MOST
    struct steve_stamps *stamps; ///< one for each op, all zero
    _Atomic uint64_t *clock;     ///< ticks when an op begins and when it ends: whoever watches it sees progress
    const atomic_int *stop;      ///< not 0: end early
};

/// What the threads did, added up.
struct steve_crew_counts {
    uint64_t ops;             ///< carried out, skipped ones apart
    uint64_t handed_over;     ///< ops on a block whose last op was another thread's
    uint64_t freed_elsewhere; ///< frees by another thread than the one that made the block
};

/// @param longest ops of the longest episode. @return NULL if memory is short; it comes from no allocator under test
struct steve_crew *steve_crew_new(size_t longest);
void steve_crew_free(struct steve_crew *crew);

/// Carries the ops out. Afterwards the executor is as after steve_exec_step() of the last one: steve_exec_end() is to
/// follow.
/// @return STEVE_DONE; STEVE_FOUND, and steve_exec_finding() says what; STEVE_REFUSED if the system gives no thread
enum steve_outcome steve_crew_run(struct steve_crew *crew, const struct steve_crew_work *work);

/// Of the last steve_crew_run().
struct steve_crew_counts steve_crew_counts(const struct steve_crew *crew);
void steve_crew_counts_add(struct steve_crew_counts *sum, const struct steve_crew_counts *more);

/// The index of the op that the calling thread has in hand; UINT64_MAX if none. For signal handlers.
uint64_t steve_crew_op_in_hand(void);

/// Writes sizes that name another slot's block as numbers: those that they have in one thread, if all is served.
/// @param exec with an episode begun: it knows the size of the heap
void steve_resolve_sizes(const struct steve_exec *exec, struct steve_op *ops, size_t count);

/// The interleaving that was seen as a sequence for one thread: ops in an order that agrees with the times when they were
/// begun and ended, memory being given back at the beginning of a free and taken at the end of an op. What was begun
/// after `broken` ended is left out, and `broken` comes last.
/// @param broken the op that a finding is about; `count` or more: none
/// @param sequence zeroed or valid; only its ops are set. @return false if memory is short. O(n log n)
bool steve_linearize(const struct steve_op *ops, size_t count, const struct steve_stamps *stamps, uint64_t broken,
                     struct steve_sequence *sequence);

#endif
