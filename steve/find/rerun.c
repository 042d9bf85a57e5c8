/// A run of one recorded episode.
#include "steve/find/rerun.h"

struct seen {
    struct steve_found *found;
    bool any;
};

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct seen *seen = context;
    if (result->found != NULL) {
        *seen->found = *result->found;
        seen->found->sequence = seen->found->linear = (struct steve_sequence){0};
        seen->any = true;
    }
}

bool steve_rerun(const struct steve_rerun_config *config, struct steve_found *found)
{
    const struct steve_recording recording = {
        .sequence = config->sequence, .driver = config->driver, .against = config->against};
    struct steve_recorded recorded = {.recordings = &recording, .count = 1};
    struct steve_source source = steve_source_recorded(&recorded);
    struct seen seen = {.found = found};
    struct steve_run_result result;
    char why[256];
    bool ran = steve_runner_run(
        &(struct steve_runner_config){
            .source = &source,
            .plan = steve_plan_episodes(0, 1),
            .jobs = 1,
            .without = config->without,
            .level = config->level,
            .repeat_every = 1,
            .rounds = config->rounds,
            .limits = config->limits,
            .on_episode = on_episode,
            .context = &seen,
        },
        &result, why, sizeof why);
    return ran && seen.any;
}
