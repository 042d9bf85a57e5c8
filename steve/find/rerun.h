/// Running one sequence once more, in a process of its own, to see what it shows: after shrinking, the finding is another
/// one, and so is its scene.
#ifndef STEVE_FIND_RERUN_H
#define STEVE_FIND_RERUN_H

#include "steve/find/runner.h"

struct steve_rerun_config {
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< NULL: none
    const struct steve_sequence *sequence;
    uint32_t without; ///< oracles that are off
    enum steve_check_level level;
    struct steve_limits limits;
    unsigned rounds; ///< see struct steve_work; 0: as is usual
};

/// @param found gets what it shows; its sequence is left empty
/// @return false if it showed nothing, or could not be run
bool steve_rerun(const struct steve_rerun_config *config, struct steve_found *found);

#endif
