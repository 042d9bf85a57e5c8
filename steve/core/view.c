/// The narrow view: what the generator may see of an episode.
#include "steve/core/exec_internal.h"

bool steve_view_live(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].ref != 0;
}

size_t steve_view_size(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].bytes;
}

unsigned steve_view_locks(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].locks;
}

bool steve_view_has_stale(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].stale != 0;
}

size_t steve_view_live_count(const struct steve_exec *exec)
{
    return exec->live_blocks;
}

size_t steve_view_live_bytes(const struct steve_exec *exec)
{
    return exec->live_bytes;
}

uint64_t steve_view_moved_bytes(struct steve_exec *exec)
{
    if (exec->driver->now == NULL || exec->heap == NULL) {
        return exec->moved_bytes;
    }
    if (exec->clock_moves != exec->moves || exec->driver->moves == NULL) {
        const uint64_t now_ns = exec->driver->now(exec->heap);
        exec->clock_moves = exec->moves;
        exec->clock_ns = now_ns > exec->clock_begin_ns ? now_ns - exec->clock_begin_ns : 0;
    }
    return exec->clock_ns;
}

/// Blocks that the layout does not know: purged ones, and without checking all of them. In the order of first use.
static uint16_t slot_without_place(const struct steve_exec *exec, size_t rank)
{
    for (size_t i = 0; i < exec->used_count; i++) {
        const struct steve_slot *slot = &exec->slots[exec->used[i]];
        if (slot->ref == 0 || (exec->checked && steve_slot_has_memory(slot))) {
            continue;
        }
        if (rank-- == 0) {
            return exec->used[i];
        }
    }
    return 0;
}

uint16_t steve_view_slot_by_address(const struct steve_exec *exec, size_t rank)
{
    if (rank < exec->layout.count) {
        return steve_layout_at(&exec->layout, rank);
    }
    return slot_without_place(exec, rank - exec->layout.count);
}

uintptr_t steve_view_address(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].address;
}

enum steve_outcome steve_view_last(const struct steve_exec *exec)
{
    return exec->last;
}

size_t steve_view_resolve_size(const struct steve_exec *exec, struct steve_op op)
{
    return steve_op_bytes(op, exec->heap_bytes, exec->slots[op.arg].bytes);
}
