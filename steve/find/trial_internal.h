/// What the two sides of a trial share: trial.c is the parent's, trial_server.c the child's.
#ifndef STEVE_FIND_TRIAL_INTERNAL_H
#define STEVE_FIND_TRIAL_INTERNAL_H

#include "steve/find/trial.h"

struct steve_trial_shared {
    struct steve_page page; ///< phase and op, for the watch; the header of the candidate

    size_t count; ///< of its ops
    bool repeat;
    uint64_t begun_cpu_ns; ///< CPU time of the child when it began

    /// The child's answer.
    bool is_judged; ///< it is there; the byte that says so may have no way back, where the driver closes files
    bool broke;
    bool unusable; ///< the driver opened no heap
    bool certain;
    size_t shown_by;
    struct steve_finding finding;
    uint64_t cpu_ns;
};

/// The child: judges what stands in the shared memory whenever a byte comes in, until the other side is gone.
struct steve_trial_server {
    struct steve_trial *trial;
    int socket;
    int socket_of_parent; ///< inherited, to be closed
};
void steve_trial_serve(void *server);

#endif
