/// Draining: every block is unlocked and freed; then the heap must be able to serve what it could on day one (capacity).
#include "steve/core/exec_internal.h"

static bool unlock_all(struct steve_exec *exec, struct steve_slot *slot)
{
    while (slot->locks > 0) {
        struct steve_op unlock = {.code = STEVE_OP_UNLOCK, .slot = steve_slot_index(exec, slot)};
        if (steve_op_block(exec, unlock, 0) == STEVE_FOUND) {
            return false;
        }
    }
    return true;
}

static bool free_all(struct steve_exec *exec)
{
    for (size_t i = 0; i < exec->used_count; i++) {
        struct steve_slot *slot = &exec->slots[exec->used[i]];
        bool freed;
        if (slot->ref != 0 && (!unlock_all(exec, slot) || !steve_free_block(exec, slot, &freed))) {
            return false;
        }
    }
    return true;
}

/// The largest size that a run of `run` bytes serves for certain, by what the driver states.
static size_t largest_served(struct steve_exec *exec, size_t run)
{
    size_t served = 0;
    size_t too_large = run + 1; // no block is larger than the run that it lies in
    while (too_large - served > 1) {
        size_t middle = served + (too_large - served) / 2;
        if (exec->driver->run_needed(exec->heap, 0, middle) <= run) {
            served = middle;
        } else {
            too_large = middle;
        }
    }
    return served;
}

static bool check_capacity(struct steve_exec *exec)
{
    const struct steve_driver *driver = exec->driver;
    const struct steve_arena *arena = &exec->first_arena;
    if (!exec->gaps || driver->run_needed == NULL || !steve_oracle_on(exec, STEVE_ORACLE_CAPACITY) ||
        exec->live_blocks > 0 || arena->end - arena->begin < arena->handle_bytes) {
        return true;
    }
    if (driver->compact != NULL) {
        driver->compact(exec->heap, 0);
    }
    size_t run = (size_t)(arena->end - arena->begin) - arena->handle_bytes;
    if (driver->run_needed(exec->heap, 0, 0) > run) {
        return true; // it could not even serve an empty block
    }
    size_t bytes = largest_served(exec, run);
    steve_ref ref = driver->malloc(exec->heap, bytes);
    if (ref == 0) {
        return steve_broken(exec, STEVE_ORACLE_CAPACITY, NULL,
                            "the empty heap refuses %zu bytes, which it could serve on day one", bytes);
    }
    if (!driver->free(exec->heap, ref)) {
        return steve_broken(exec, STEVE_ORACLE_HANDLE, NULL, "a free of the only live block was refused");
    }
    return steve_sweep_if_moved(exec);
}

enum steve_outcome steve_op_drain(struct steve_exec *exec)
{
    return steve_outcome_of(free_all(exec) && (!exec->checked || check_capacity(exec)), STEVE_DONE);
}
