/// The compact ops, and what must hold after one: the oracles compacted, idempotent and budget.
#include "steve/core/exec_internal.h"

/// At least so many ops lie between two of the allocator's own checks, or as many as there are blocks: it walks bins and blocks.
#define HEALTH_LEAST 64u

/// Steve sees bytes moved only from one sweep to the next; a driver's step is allowed for twice, and so is one small block.
#define MOVED_SLACK 4096u

static void count_compaction(struct steve_exec *exec)
{
    struct steve_counts *counts = &exec->counts;
    counts->compactions++;
    counts->compaction_blocks += exec->live_blocks;
    counts->compaction_locked_blocks += exec->locked_blocks;
    counts->compaction_bytes += exec->live_bytes;
    counts->compaction_locked_bytes += exec->locked_bytes;
}

/// A gap below this block that compaction may leave: one that its own alignment asks for.
static size_t gap_allowed(const struct steve_exec *exec, const struct steve_slot *slot)
{
    size_t alignment = (size_t)1 << slot->alignment;
    return alignment > exec->driver->alignment ? alignment - 1 : 0;
}

/// The first movable block that does not lie right above the one before, or at the arena's begin.
/// @return NULL if there is none; with no locks the free memory is then one run. `*gap`: the bytes below it
static const struct steve_slot *find_gap(const struct steve_exec *exec, size_t *gap)
{
    const struct steve_layout *layout = &exec->layout;
    uintptr_t below = exec->driver->arena(exec->heap).begin;
    for (size_t c = 0; c < layout->chunks; c++) {
        const struct steve_layout_chunk *chunk = &layout->chunk[layout->order[c]];
        for (size_t i = 0; i < layout->fill[c]; i++) {
            *gap = chunk->begin[i] > below ? chunk->begin[i] - below : 0;
            below = chunk->end[i];
            if (*gap == 0) {
                continue;
            }
            const struct steve_slot *slot = &exec->slots[chunk->slot[i]];
            if (slot->locks == 0 && *gap > gap_allowed(exec, slot)) {
                return slot;
            }
        }
    }
    return NULL;
}

static bool check_compacted(struct steve_exec *exec)
{
    size_t gap;
    if (find_gap(exec, &gap) == NULL) {
        return true;
    }
    // If blocks were moved untold, that is what is wrong; and extents may have changed where blocks did not move.
    if (!steve_sweep(exec, STEVE_DEPTH_ENDS)) {
        return false;
    }
    const struct steve_slot *slot = find_gap(exec, &gap);
    return slot == NULL ||
           steve_broken(exec, STEVE_ORACLE_COMPACTED, slot,
                        "after a full compaction %zu bytes are free right below this unlocked block", gap);
}

static bool is_twice_due(struct steve_exec *exec)
{
    uint64_t number = exec->full_compactions++;
    if (exec->effort.everything) {
        return true;
    }
    return number % exec->effort.idempotent_every == 0 && exec->op - exec->last_twice >= exec->live_blocks / 2;
}

static bool check_idempotent(struct steve_exec *exec)
{
    exec->last_twice = exec->op;
    exec->driver->compact(exec->heap, 0);
    if (!steve_sweep(exec, STEVE_DEPTH_CREDIT)) {
        return false;
    }
    return exec->sweep_moved_blocks == 0 ||
           steve_broken(exec, STEVE_ORACLE_IDEMPOTENT, NULL, "a second full compaction moved %zu blocks of %zu",
                        exec->sweep_moved_blocks, exec->live_blocks);
}

static bool compact_fully(struct steve_exec *exec)
{
    bool done = exec->driver->compact(exec->heap, 0);
    if (!exec->checked) {
        return true;
    }
    if (!steve_sweep_if_moved(exec)) {
        return false;
    }
    if ((exec->promises & STEVE_PROMISE_COMPACTS_FULLY) == 0) {
        return true;
    }
    if (!done &&
        !steve_broken(exec, STEVE_ORACLE_COMPACTED, NULL, "a full compaction says that something is left to do")) {
        return false;
    }
    if (exec->gaps && steve_oracle_on(exec, STEVE_ORACLE_COMPACTED) && !check_compacted(exec)) {
        return false;
    }
    return !steve_oracle_on(exec, STEVE_ORACLE_IDEMPOTENT) || !is_twice_due(exec) || check_idempotent(exec);
}

/// By the heap's clock, and by what Steve saw: a clock that stands still is no excuse.
static bool check_budget(struct steve_exec *exec, uint64_t budget_ns, uint64_t taken_ns)
{
    uint64_t step_ns = exec->driver->budget_step_ns;
    // A driver may state a step beyond all bounds.
    if (taken_ns > budget_ns && taken_ns - budget_ns > step_ns) {
        return steve_broken(exec, STEVE_ORACLE_BUDGET, NULL,
                            "a compaction with a budget of %llu ns took %llu ns; its step is %llu ns",
                            (unsigned long long)budget_ns, (unsigned long long)taken_ns, (unsigned long long)step_ns);
    }
    // One block may have been begun in calls before: it arrives as a whole in the call that ends it.
    uint64_t moved = exec->sweep_moved_bytes - exec->sweep_largest_moved;
    uint64_t allowed = budget_ns + MOVED_SLACK;
    if (moved > allowed && (moved - allowed) / 2 > step_ns) {
        return steve_broken(exec, STEVE_ORACLE_BUDGET, NULL,
                            "a compaction with a budget of %llu ns, so of at most as many bytes, moved %zu bytes",
                            (unsigned long long)budget_ns, exec->sweep_moved_bytes);
    }
    return true;
}

static bool compact_in_budget(struct steve_exec *exec, struct steve_op op)
{
    uint64_t budget_us = ((uint64_t)op.arg << 16) + (uint16_t)op.delta;
    uint64_t budget_ns = (budget_us == 0 ? 1 : budget_us) * 1000;
    if (!exec->checked || exec->driver->now == NULL) {
        exec->driver->compact(exec->heap, budget_ns);
        return steve_sweep_if_moved(exec);
    }
    uint64_t before_ns = exec->driver->now(exec->heap);
    exec->driver->compact(exec->heap, budget_ns);
    uint64_t taken_ns = exec->driver->now(exec->heap) - before_ns;
    exec->sweep_moved_bytes = exec->sweep_largest_moved = 0;
    return steve_sweep_if_moved(exec) && check_budget(exec, budget_ns, taken_ns);
}

/// If the driver says that a block of the wanted size fits, there is a run for it.
static bool check_goal(struct steve_exec *exec, size_t wanted)
{
    if (!exec->gaps || (exec->promises & STEVE_PROMISE_EXACT_REFUSAL) == 0) {
        return true;
    }
    // What serves a request for certain may be more than what serves it here, by the rounding.
    size_t needed = exec->driver->run_needed(exec->heap, 0, wanted);
    size_t least = needed < exec->driver->alignment ? 0 : needed - (exec->driver->alignment - 1);
    if (steve_largest_run(exec) >= least) {
        return true;
    }
    if (!steve_sweep(exec, STEVE_DEPTH_ENDS)) {
        return false;
    }
    size_t run = steve_largest_run(exec);
    if (run >= least) {
        return true;
    }
    return steve_broken(
        exec, STEVE_ORACLE_COMPACTED, NULL,
        "a compaction says that %zu bytes fit now; they need a run of %zu bytes, and the largest is %zu", wanted,
        needed, run);
}

static bool compact_to_goal(struct steve_exec *exec, size_t wanted)
{
    bool reached = exec->driver->compact_goal(exec->heap, wanted);
    if (!exec->checked) {
        return true;
    }
    return steve_sweep_if_moved(exec) && (!reached || wanted == 0 || check_goal(exec, wanted));
}

enum steve_outcome steve_op_compact(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    bool is_goal = op.code == STEVE_OP_COMPACT_GOAL;
    if (is_goal ? exec->driver->compact_goal == NULL : exec->driver->compact == NULL) {
        return STEVE_SKIPPED;
    }
    if (steve_is_unbearable(exec->live_bytes - exec->locked_bytes) || !steve_may_move(exec)) {
        return STEVE_SKIPPED;
    }
    count_compaction(exec);
    bool going_on = is_goal                       ? compact_to_goal(exec, bytes)
                    : op.code == STEVE_OP_COMPACT ? compact_fully(exec)
                                                  : compact_in_budget(exec, op);
    if (going_on && exec->checked) {
        const size_t apart = 4 * exec->live_blocks < HEALTH_LEAST ? HEALTH_LEAST : 4 * exec->live_blocks;
        going_on = steve_health_if_due(exec, exec->effort.everything ? 0 : apart);
    }
    return steve_outcome_of(going_on, STEVE_DONE);
}
