/// A child process with a page to watch it by: starting it, seeing how it fares, and putting into words what became of it.
/// What it runs is up to the caller.
#ifndef STEVE_FIND_CHILD_H
#define STEVE_FIND_CHILD_H

#include <sys/types.h>

#include "steve/find/board.h"

struct steve_limits {
    uint64_t op_time_ns;   ///< CPU time that one op may take; 0: no limit
    uint64_t asleep_ns;    ///< time on the wall that it may sleep in one op; 0: ten times op_time_ns, and 10 s at least
    uint64_t memory_bytes; ///< resident size that the process may reach; 0: no limit
};

/// @return time on the wall for which a child may sleep in one op, if there is a limit to an op's time
uint64_t steve_patience_with_sleep(const struct steve_limits *limits);

/// What a child was seen doing, and when that began.
struct steve_sight {
    uint32_t phase;
    uint64_t item;
    uint64_t op;
    uint64_t cpu_ns;  ///< of the child
    uint64_t wall_ns; ///< of this machine
};

struct steve_child {
    pid_t pid; ///< 0: none is running
    struct steve_page *page;
    struct steve_sight since;
    uint64_t seen_cpu_ns;  ///< its CPU time when it was last looked at
    uint64_t stuck_cpu_ns; ///< CPU time that it spent on the op since then, a jump between two looks counted as a step
};

enum steve_child_state {
    STEVE_CHILD_RUNNING,
    STEVE_CHILD_ENDED,  ///< by itself, and its page says how
    STEVE_CHILD_BROKEN, ///< it crashed, hung or ate the memory: a finding
};

/// Forks. The child runs `body` and exits; it dies with its parent, ignores Ctrl-C and SIGTERM (the parent sees to those), writes to
/// stderr alone and leaves no core.
/// @return false if there can be no process (errno)
bool steve_child_start(struct steve_child *child, void (*body)(void *context), void *context);

/// Looks once, without waiting. If the state is not RUNNING the process is gone, and its page may be read.
/// @param finding filled in for STEVE_CHILD_BROKEN: oracle crash, hang or memory
enum steve_child_state steve_child_look(struct steve_child *child, const struct steve_limits *limits,
                                        struct steve_finding *finding);

/// Ends it, whatever it is doing. Does nothing if there is none.
void steve_child_kill(struct steve_child *child);

#endif
