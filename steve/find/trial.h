/// A trial: does this sequence break an oracle, and where? The shrinker asks thousands of times a second, so one child process
/// judges candidate after candidate from shared memory, and is replaced when it dies, hangs, or has seen too many findings (each
/// leaves a heap behind that nobody closes).
///
///     parent   puts header and ops into shared memory, sends a byte, waits, watches for hangs and greed
///     child    runs them as a worker would, notes outcomes and the finding, sends a byte back
///
/// What is judged is the same as in a worker (worker.h): one pass, and a second one at another base if it is asked for.
#ifndef STEVE_FIND_TRIAL_H
#define STEVE_FIND_TRIAL_H

#include "steve/find/child.h"

struct steve_trial_config {
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< a second one, as in the worker; NULL: none
    uint32_t without; ///< oracles that are off
    enum steve_check_level level;
    uint64_t memory_bytes; ///< resident memory that a candidate may take; 0: any
    bool count_memory;     ///< look at every op, not now and then, whether it took more
    size_t longest;        ///< ops of the longest candidate
    atomic_int *stop;      ///< not 0: give up
};

struct steve_trial_request {
    const struct steve_header *header;
    const struct steve_op *ops;
    size_t count;
    bool repeat;          ///< run it at another base, too, if the first pass holds
    bool fresh;           ///< in a process that has seen nothing yet
    uint64_t op_time_ns;  ///< CPU time that one op may take; 0: any
    uint64_t deadline_ns; ///< by steve_trial_now(): give up then; 0: never
};

enum steve_trial_end {
    STEVE_TRIAL_HELD,
    STEVE_TRIAL_BROKE,
    STEVE_TRIAL_GAVE_UP, ///< told to stop, out of time, or the driver opens no such heap
    STEVE_TRIAL_FAILED,  ///< no process could be had (errno)
};

struct steve_trial_verdict {
    enum steve_trial_end end;
    struct steve_finding finding; ///< of STEVE_TRIAL_BROKE
    size_t ops;                   ///< of STEVE_TRIAL_BROKE: so many show it
    bool certain;                 ///< they do for certain, since those after them were not even begun
    uint64_t cpu_ns;              ///< CPU time of the whole; of a hang: until the op that hung
};

struct steve_trial_shared;

struct steve_trial {
    struct steve_trial_config config;
    struct steve_child child;
    int socket;         ///< to the child
    uint64_t judged;    ///< trials that this child has ended
    uint64_t abandoned; ///< those of them that left a heap behind

    struct steve_trial_shared *shared;
    struct steve_op *ops; ///< shared, as are the next two
    uint8_t *outcomes;    ///< of the last trial, for each op that was begun: enum steve_outcome
    uint64_t *sizes;      ///< and the size that it asked for, where it asked for one
};

/// Makes the shared memory; no process yet. @return false if there is none (errno)
bool steve_trial_open(struct steve_trial *trial, const struct steve_trial_config *config);
void steve_trial_close(struct steve_trial *trial);

/// Judges one candidate.
struct steve_trial_verdict steve_trial_run(struct steve_trial *trial, const struct steve_trial_request *request);

/// The clock of deadlines, ns.
uint64_t steve_trial_now(void);

#endif
