/// How a run is cut into episodes.
#include "steve/find/plan.h"

#include <assert.h>

#include "steve/find/source.h"

struct steve_plan steve_plan_endless(void)
{
    return steve_plan_episodes(0, UINT64_MAX);
}

struct steve_plan steve_plan_episodes(uint64_t first, uint64_t count)
{
    return (struct steve_plan){.first = first, .count = count};
}

struct steve_plan steve_plan_ops(const struct steve_gen *gen, uint64_t first, uint64_t most, uint64_t ops)
{
    assert(ops > 0);

    uint64_t left = ops;
    for (uint64_t i = 0; i < most; i++) {
        uint64_t length = steve_generated_length(gen, first + i);
        if (length >= left) {
            return (struct steve_plan){.first = first, .count = i + 1, .last_length = left};
        }
        left -= length;
    }
    return steve_plan_episodes(first, most);
}
