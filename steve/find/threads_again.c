/// One thread first, then threads: see the header.
#include "steve/find/threads_again.h"

#include "steve/find/trial.h"

#define TRIES 20u
/// No further try is begun after so long: a hang takes its time.
#define PATIENCE_NS UINT64_C(10000000000)

static bool shows_alone(struct steve_found *found, struct steve_rerun_config how)
{
    struct steve_found seen;
    how.sequence = &found->linear;
    if (!steve_rerun(&how, &seen)) {
        return false;
    }
    const struct steve_sequence for_threads = found->sequence;
    found->threads.oracle = found->finding.oracle;
    found->finding = seen.finding;
    found->scene = seen.scene;
    found->sequence = found->linear;
    if (found->finding.op < found->sequence.count) {
        found->sequence.count = (size_t)found->finding.op + 1;
    }
    found->linear = for_threads; // owned, and given back with it
    return true;
}

void steve_threads_again(struct steve_found *found, const struct steve_rerun_config *how)
{
    if (found->sequence.header.threads < 2) {
        return;
    }
    found->threads = (struct steve_threads_seen){.count = found->sequence.header.threads};
    if (found->linear.count > 0 && shows_alone(found, *how)) {
        found->threads.alone = true;
        return;
    }
    struct steve_rerun_config again = *how;
    again.sequence = &found->sequence;
    again.rounds = 1;
    uint64_t begin = steve_trial_now();
    for (; found->threads.tries < TRIES && steve_trial_now() - begin < PATIENCE_NS; found->threads.tries++) {
        struct steve_found seen;
        found->threads.shown += steve_rerun(&again, &seen);
    }
}
