/// Cuts a run into episodes ahead of time, so that neither its digest nor its findings depend on how many processes run it.
#ifndef STEVE_FIND_PLAN_H
#define STEVE_FIND_PLAN_H

#include "steve/gen/gen.h"

struct steve_plan {
    uint64_t first;       ///< number of the first episode
    uint64_t count;       ///< how many; UINT64_MAX: until stopped
    uint64_t last_length; ///< ops of the last one; 0: all of it
};

/// Without a bound.
struct steve_plan steve_plan_endless(void);
/// `count` episodes from `first` on, each whole.
struct steve_plan steve_plan_episodes(uint64_t first, uint64_t count);
/// As many as hold `ops` ops from `first` on, `most` at most; the last one is cut short.
/// @param ops 1 or more; beyond four million episodes they are met by the mean of these. @cost O(episodes), half a second at most
struct steve_plan steve_plan_ops(const struct steve_gen *gen, uint64_t first, uint64_t most, uint64_t ops);

#endif
