/// A driver for each misdeed of the hostile family, and the well-behaved `hostile` itself. They differ in nothing but `open`.
#include "steve/drivers/drivers.h"
#include "steve/drivers/hostile_internal.h"

#define PROMISES                                                                                                       \
    (STEVE_PROMISE_REGION | STEVE_PROMISE_HANDLES | STEVE_PROMISE_REFUSES_MISUSE | STEVE_PROMISE_REFUSES_LOCKED |      \
     STEVE_PROMISE_MOVES | STEVE_PROMISE_RESIZE_IN_PLACE | STEVE_PROMISE_EXACT_REFUSAL |                               \
     STEVE_PROMISE_COMPACTS_FULLY | STEVE_PROMISE_RELOCATABLE | STEVE_PROMISE_LOCKS_NEST)

#define COMMON                                                                                                         \
    .version = STEVE_DRIVER_VERSION, .promises = PROMISES, .alignment = 16, .largest_aligned = 65536,                  \
    .region_alignment = 16, .heap_min = 64, .heap_max = HOSTILE_LARGEST_HEAP, .budget_step_ns = 64,                    \
    .close = hostile_close, .malloc = hostile_malloc, .calloc = hostile_calloc, .aligned = hostile_aligned,            \
    .resize = hostile_resize, .free = hostile_free, .lock = hostile_lock, .unlock = hostile_unlock,                    \
    .weak_lock = hostile_weak_lock, .compact = hostile_compact, .compact_goal = hostile_compact_goal,                  \
    .moves = hostile_moves, .now = hostile_now, .usable = hostile_usable, .extent = hostile_extent,                    \
    .arena = hostile_arena, .run_needed = hostile_run_needed, .stats = hostile_stats, .check = hostile_check

static void *open_hostile(const struct steve_geometry *geometry, const char **why)
{
    return hostile_open(geometry, MISDEED_NONE, 0, why);
}

const struct steve_driver steve_driver_hostile = {
    COMMON,
    .wire_id = 240,
    .name = "hostile",
    .summary = "for tests of Steve: behaves well; each hostile-* below commits one misdeed",
    .open = open_hostile,
};

#define MISDEED_DRIVER(suffix, identifier, wire, opportunity, oracle, what)                                            \
    static void *open_##identifier(const struct steve_geometry *geometry, const char **why)                            \
    {                                                                                                                  \
        return hostile_open(geometry, MISDEED_##identifier, opportunity, why);                                         \
    }                                                                                                                  \
    const struct steve_driver steve_driver_hostile_##identifier = {                                                    \
        COMMON,                                                                                                        \
        .wire_id = wire,                                                                                               \
        .name = "hostile-" suffix,                                                                                     \
        .summary = "for tests of Steve: " what,                                                                        \
        .open = open_##identifier,                                                                                     \
    };
HOSTILE_MISDEEDS(MISDEED_DRIVER)
