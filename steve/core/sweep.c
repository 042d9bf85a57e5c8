/// Looking at all blocks after some may have moved, or because it is time to.
///
/// Addresses are learned anew of every block, always: an overlap or a moved pin shows at the op that made it. Whole contents
/// are compared as far as the credit goes, beginning at another block in each sweep.
#include "steve/core/exec_internal.h"

#include "steve/core/shadow.h"

/// A sweep while it is going on.
struct sweep {
    struct steve_exec *exec;
    bool may_move;    ///< the moves counter changed
    bool whole;       ///< contents of all blocks, moved or not
    bool whole_moved; ///< the credit suffices for all of the moved ones
    bool in_order;    ///< the new spans ascend and do not overlap
    bool purged;      ///< some blocks have no memory any more
    uintptr_t below;  ///< end of the span before
};

/// A lock failed in the sweep: the block may have been purged.
static bool lose(struct sweep *sweep, struct steve_slot *slot, enum steve_lock_result result)
{
    struct steve_exec *exec = sweep->exec;
    bool may_be_purged = sweep->may_move && slot->locks == 0 && (slot->state & STEVE_SLOT_PURGEABLE) != 0;
    if (result != STEVE_LOCK_PURGED || !may_be_purged) {
        return steve_unreachable(exec, slot, result);
    }
    slot->state |= STEVE_SLOT_PURGED;
    slot->address = 0;
    slot->begin = 0;
    exec->live_extent -= slot->extent;
    slot->extent = 0;
    exec->purged_blocks++;
    exec->purgeable_blocks--;
    sweep->purged = true;
    return true;
}

static bool note_move(struct sweep *sweep, struct steve_slot *slot, const void *address)
{
    struct steve_exec *exec = sweep->exec;
    if (!sweep->may_move || slot->locks > 0) {
        return steve_place_same(exec, slot, address);
    }
    slot->moved_in = exec->sweeps;
    exec->sweep_moved_blocks++;
    exec->sweep_moved_bytes += slot->extent;
    return true;
}

static bool look_at(struct sweep *sweep, struct steve_slot *slot)
{
    struct steve_exec *exec = sweep->exec;
    void *address;
    enum steve_lock_result result = steve_peek(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return lose(sweep, slot, result);
    }
    bool moved = (uintptr_t)address != slot->address;
    if (moved && !note_move(sweep, slot, address)) {
        return false;
    }
    if (!steve_place_learn(exec, slot, (uintptr_t)address)) {
        return false;
    }
    if (sweep->whole || (moved && sweep->whole_moved)) {
        return steve_contents(exec, slot, STEVE_DEPTH_WHOLE);
    }
    return !moved || steve_contents(exec, slot, STEVE_DEPTH_ENDS);
}

static bool look_at_chunk(struct sweep *sweep, size_t c)
{
    struct steve_exec *exec = sweep->exec;
    struct steve_layout_chunk *chunk = &exec->layout.chunk[exec->layout.order[c]];
    size_t fill = exec->layout.fill[c];
    for (size_t i = 0; i < fill; i++) {
        struct steve_slot *slot = &exec->slots[chunk->slot[i]];
        if (!look_at(sweep, slot)) {
            return false;
        }
        sweep->in_order = sweep->in_order && slot->begin >= sweep->below;
        sweep->below = slot->begin + slot->extent;
        chunk->begin[i] = slot->begin;
        chunk->end[i] = slot->begin + slot->extent;
    }
    steve_layout_rewritten(&exec->layout, c);
    return true;
}

/// Puts the spans in order again, without those that were purged.
static void reorder(struct steve_exec *exec)
{
    const struct steve_layout *layout = &exec->layout;
    size_t count = 0;
    for (size_t c = 0; c < layout->chunks; c++) {
        const struct steve_layout_chunk *chunk = &layout->chunk[layout->order[c]];
        for (size_t i = 0; i < layout->fill[c]; i++) {
            if (steve_slot_has_memory(&exec->slots[chunk->slot[i]])) {
                exec->spans[count++] = (struct steve_span){chunk->begin[i], chunk->end[i], chunk->slot[i]};
            }
        }
    }
    steve_spans_sort(exec->spans, exec->scratch, count);
    steve_layout_rebuild(&exec->layout, exec->spans, count);
}

/// Overlaps among spans that are in order of their begins.
static bool check_overlaps(struct steve_exec *exec, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct steve_span *below = &exec->spans[i - 1];
        const struct steve_span *span = &exec->spans[i];
        if (below->end > span->begin &&
            !steve_broken(exec, STEVE_ORACLE_OVERLAP, &exec->slots[span->slot],
                          "it begins %zu bytes before the end of s%u after blocks were moved",
                          (size_t)(below->end - span->begin), (unsigned)below->slot)) {
            return false;
        }
    }
    return true;
}

/// Compares whole contents of moved blocks from rank `from` to rank `to` while there is credit. @param rank gets where it ended
static bool compare_ranks(struct steve_exec *exec, size_t from, size_t to, size_t *rank)
{
    const struct steve_layout *layout = &exec->layout;
    size_t base = 0;
    for (size_t c = 0; c < layout->chunks && base < to; base += layout->fill[c], c++) {
        for (size_t i = from > base ? from - base : 0; i < layout->fill[c] && base + i < to; i++) {
            const struct steve_slot *slot = &exec->slots[layout->chunk[layout->order[c]].slot[i]];
            size_t cost = steve_shadow_cost(slot->bytes);
            if (slot->moved_in != exec->sweeps) {
                continue;
            }
            if (cost > exec->credit) {
                *rank = base + i;
                return true;
            }
            exec->credit -= cost;
            if (!steve_contents(exec, slot, STEVE_DEPTH_WHOLE)) {
                return false;
            }
        }
    }
    *rank = to;
    return true;
}

/// What the credit did not cover in one go: as many moved blocks as it does, from another one on each time.
static bool compare_some(struct steve_exec *exec)
{
    size_t count = exec->layout.count;
    size_t start = exec->sweep_start < count ? exec->sweep_start : 0;
    size_t rank;
    if (!compare_ranks(exec, start, count, &rank)) {
        return false;
    }
    if (rank == count && !compare_ranks(exec, 0, start, &rank)) {
        return false;
    }
    exec->sweep_start = rank;
    return true;
}

bool steve_sweep(struct steve_exec *exec, enum steve_depth depth)
{
    uint64_t moves = exec->driver->moves != NULL ? exec->driver->moves(exec->heap) : 0;
    struct sweep sweep = {
        .exec = exec,
        .may_move = moves != exec->moves,
        .whole = depth == STEVE_DEPTH_WHOLE,
        .whole_moved = exec->credit >= exec->live_bytes,
        .in_order = true,
    };
    exec->moves = moves;
    exec->sweeps++;
    exec->sweep_moved_blocks = 0;
    exec->sweep_moved_bytes = 0;
    for (size_t c = 0; c < exec->layout.chunks; c++) {
        if (!look_at_chunk(&sweep, c)) {
            return false;
        }
    }
    if (!sweep.in_order || sweep.purged) {
        reorder(exec);
        if (!check_overlaps(exec, exec->layout.count)) {
            return false;
        }
    }
    exec->counts.moved_blocks += exec->sweep_moved_blocks;
    if (sweep.whole || exec->sweep_moved_blocks == 0) {
        return true;
    }
    if (sweep.whole_moved) {
        exec->credit -= exec->sweep_moved_bytes < exec->credit ? exec->sweep_moved_bytes : exec->credit;
        return true;
    }
    return compare_some(exec);
}
