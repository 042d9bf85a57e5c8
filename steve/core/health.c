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
    size_t rest = (size_t)(arena.end - arena.begin) - exec->live_extent;
    if (stats.free_bytes != rest) {
        return steve_broken(exec, STEVE_ORACLE_ACCOUNT, NULL,
                            "the allocator counts %zu free bytes, but %zu of its arena are not in live blocks",
                            stats.free_bytes, rest);
    }
    return true;
}

/// A block outside of the arena. @return NULL if there is none
static const struct steve_slot *find_outside(const struct steve_exec *exec, const struct steve_arena *arena)
{
    const struct steve_layout *layout = &exec->layout;
    if (layout->count == 0) {
        return NULL;
    }
    const struct steve_slot *lowest = &exec->slots[steve_layout_at(layout, 0)];
    const struct steve_slot *highest = &exec->slots[steve_layout_at(layout, layout->count - 1)];
    return lowest->begin < arena->begin ? lowest : steve_layout_top(layout, arena->begin) > arena->end ? highest : NULL;
}

bool steve_arena_holds(struct steve_exec *exec)
{
    if (!exec->gaps) {
        return true;
    }
    struct steve_arena arena = exec->driver->arena(exec->heap);
    if (arena.end < arena.begin || !steve_is_inside(exec, arena.begin, arena.end - arena.begin)) {
        return steve_broken(exec, STEVE_ORACLE_BOUNDS, NULL,
                            "the arena that the driver states does not lie in the heap of %zu bytes",
                            steve_heap_used(exec));
    }
    const struct steve_slot *slot = find_outside(exec, &arena);
    return slot == NULL || steve_broken(exec, STEVE_ORACLE_BOUNDS, slot,
                                        "its extent of %zu bytes is not inside the arena of %zu bytes that the driver "
                                        "states, which begins %zu bytes above the heap's base",
                                        slot->extent, (size_t)(arena.end - arena.begin),
                                        (size_t)(arena.begin - (uintptr_t)exec->region.base));
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
