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

/// Episodes whose lengths are added one by one, in half a second. Of longer runs nobody asks to the op when they end.
#define COUNTED ((uint64_t)1 << 22)

struct steve_plan steve_plan_ops(const struct steve_gen *gen, uint64_t first, uint64_t most, uint64_t ops)
{
    assert(ops > 0);

    uint64_t left = ops;
    for (uint64_t i = 0; i < most && i < COUNTED; i++) {
        uint64_t length = steve_generated_length(gen, first + i);
        if (length >= left) {
            return (struct steve_plan){.first = first, .count = i + 1, .last_length = left};
        }
        left -= length;
    }
    const uint64_t mean = most > COUNTED ? (ops - left) / COUNTED : 0;
    const uint64_t more = mean == 0 ? most : left / mean;
    return steve_plan_episodes(first, most > COUNTED && more < most - COUNTED ? COUNTED + more : most);
}
