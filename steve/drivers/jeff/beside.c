/// When heaps are made beside the one under test, and which.
#include "steve/drivers/jeff/driver_internal.h"

#include <stdio.h>

#include "steve/drivers/jeff/exam_internal.h"
#include "steve/drivers/jeff/probe_internal.h"
#include "steve/drivers/jeff/trial_internal.h"

/// Lives under odd clocks, for a large geometry.
#define MANY_LIVES 64u
/// Exams at an end, at most.
#define EXAMS_MOST 30u

static const char *try_clocks(const struct instance *instance)
{
    const char *wrong = NULL;
    for (uint64_t life = 0; life < (instance->large ? MANY_LIVES : 1) && wrong == NULL; life++) {
        wrong = steve_jeff_probe_clocks(instance->seed + life);
    }
    return wrong;
}

static const char *try_once(struct instance *instance)
{
    instance->tried = true;
    const char *wrong = steve_jeff_trial(instance->trial);
    if (wrong == NULL && instance->exams) {
        wrong = steve_jeff_probe_corners(instance->large);
    }
    return wrong == NULL && instance->exams ? try_clocks(instance) : wrong;
}

/// As many as the episode was long.
static const char *take_exams(struct instance *instance)
{
    const uint64_t exams = instance->checks < EXAMS_MOST / 2 ? 2 * (instance->checks + 1) : EXAMS_MOST;
    const char *wrong = NULL;
    for (uint64_t i = 0; i < exams && wrong == NULL; i++) {
        wrong = steve_jeff_exam(instance->exam++);
    }
    return wrong;
}

const char *steve_jeff_look_beside(struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    if (!STEVE_JEFF_BESIDE || stats.live_blocks != 0) {
        return NULL;
    }
    static char said[200];
    const char *wrong = instance->tried ? NULL : try_once(instance);
    if (wrong == NULL && instance->exams) {
        wrong = take_exams(instance);
    }
    if (wrong == NULL) {
        return NULL;
    }
    snprintf(said, sizeof said, STEVE_BESIDE "%s", wrong);
    return said;
}
