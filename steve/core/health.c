/// The allocator seen from outside: its statistics, its own heap check, and the guards around its region.
#include "steve/core/exec_internal.h"

bool steve_account(struct steve_exec *exec, bool extents)
{
    if (exec->driver->stats == NULL || !steve_oracle_on(exec, STEVE_ORACLE_ACCOUNT)) {
        return true;
    }
    struct steve_stats stats;
    exec->driver->stats(exec->heap, &stats);
    if (stats.live_blocks != exec->live_blocks) {
        return steve_broken(exec, STEVE_ORACLE_ACCOUNT, NULL, "the allocator counts %zu live blocks, but there are %zu",
                            stats.live_blocks, exec->live_blocks);
    }
    if (!extents || exec->driver->extent == NULL || stats.live_bytes == SIZE_MAX) {
        return true;
    }
    if (stats.live_bytes != exec->live_extent) {
        return steve_broken(exec, STEVE_ORACLE_ACCOUNT, NULL,
                            "the allocator counts %zu bytes in live blocks, but their extents are %zu bytes",
                            stats.live_bytes, exec->live_extent);
    }
    if (!exec->gaps || stats.free_bytes == SIZE_MAX) {
        return true;
    }
    struct steve_arena arena = exec->driver->arena(exec->heap);
    size_t most = (size_t)(arena.end - arena.begin) - exec->live_extent;
    if (stats.free_bytes > most) {
        return steve_broken(exec, STEVE_ORACLE_ACCOUNT, NULL,
                            "the allocator counts %zu free bytes, but only %zu are not in live blocks",
                            stats.free_bytes, most);
    }
    return true;
}

static bool check_guards(struct steve_exec *exec)
{
    struct steve_region_damage damage;
    if ((exec->promises & STEVE_PROMISE_REGION) == 0 || steve_region_guards_hold(&exec->region, &damage)) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_GUARD, NULL,
                        "the byte %zu %s the heap was overwritten: 0x%02x, expected 0x%02x", damage.distance,
                        damage.above ? "past the end of" : "below", (unsigned)damage.actual, (unsigned)damage.expected);
}

bool steve_health(struct steve_exec *exec)
{
    exec->last_check = exec->op;
    if (!check_guards(exec)) {
        return false;
    }
    if (exec->driver->check == NULL || !steve_oracle_on(exec, STEVE_ORACLE_CHECK)) {
        return true;
    }
    const char *damage = exec->driver->check(exec->heap);
    return damage == NULL || steve_broken(exec, STEVE_ORACLE_CHECK, NULL, "the allocator's own check says: %s", damage);
}

bool steve_health_if_due(struct steve_exec *exec, uint64_t after)
{
    return exec->op - exec->last_check < after || steve_health(exec);
}
