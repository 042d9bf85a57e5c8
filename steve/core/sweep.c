/// Looking at all blocks after some may have moved, or because it is time to.
///
/// The address of every block is learned anew, always: a moved pin or an overlap shows at the op that made it. Extents are
/// learned of the blocks that moved; of all blocks only where it matters: in a sweep over whole contents, and before
/// anything is said about gaps or overlaps. Moved blocks are compared whole as far as the credit goes, and each sweep goes on
/// where the credit of the last one ended.
#include "steve/core/exec_internal.h"

#include "steve/core/shadow.h"

/// How many blocks ahead the slots are fetched: their order is that of addresses, so each is a cache miss.
#define FETCHED_AHEAD 8u

/// A sweep while it is going on.
struct sweep {
    struct steve_exec *exec;
    bool may_move;    ///< the moves counter changed
    bool whole;       ///< contents of all blocks, moved or not
    bool all_extents; ///< extents of all blocks, moved or not
    bool in_order;    ///< the spans ascend and do not overlap
    bool purged;      ///< some blocks have no memory any more
    uintptr_t below;  ///< end of the span before
    size_t rank;      ///< of the block being looked at
    size_t stopped;   ///< the first rank for which the credit did not suffice; SIZE_MAX: it did for all
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

/// How much of a moved block is compared.
static enum steve_depth depth_of_moved(struct sweep *sweep, const struct steve_slot *slot)
{
    struct steve_exec *exec = sweep->exec;
    if (sweep->whole) {
        return STEVE_DEPTH_WHOLE;
    }
    if (sweep->rank < exec->sweep_start || sweep->stopped != SIZE_MAX) {
        return STEVE_DEPTH_ENDS;
    }
    size_t cost = steve_shadow_cost(slot->bytes);
    if (cost > exec->credit) {
        sweep->stopped = sweep->rank;
        return STEVE_DEPTH_ENDS;
    }
    exec->credit -= cost;
    return STEVE_DEPTH_WHOLE;
}

static bool look_at_moved(struct sweep *sweep, struct steve_slot *slot, const void *address)
{
    struct steve_exec *exec = sweep->exec;
    if ((!sweep->may_move || slot->locks > 0) && !steve_place_same(exec, slot, address)) {
        return false;
    }
    exec->sweep_moved_blocks++;
    exec->sweep_moved_bytes += slot->extent;
    if (slot->extent > exec->sweep_largest_moved)
        exec->sweep_largest_moved = slot->extent;
    steve_count_huge_move(exec, slot->extent);
    return steve_place_learn(exec, slot, (uintptr_t)address) && steve_contents(exec, slot, depth_of_moved(sweep, slot));
}

static bool look_at_peeked(struct sweep *sweep, struct steve_slot *slot, const void *address)
{
    struct steve_exec *exec = sweep->exec;
    if ((uintptr_t)address != slot->address) {
        return look_at_moved(sweep, slot, address);
    }
    if (sweep->all_extents && !steve_place_learn(exec, slot, slot->address)) {
        return false;
    }
    return !sweep->whole || steve_contents(exec, slot, STEVE_DEPTH_WHOLE);
}

static bool look_at(struct sweep *sweep, struct steve_slot *slot)
{
    struct steve_exec *exec = sweep->exec;
    if (!steve_slot_has_memory(slot)) {
        return true; // purged in this very sweep
    }
    void *address;
    enum steve_lock_result result = steve_peek(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return lose(sweep, slot, result);
    }
    return look_at_peeked(sweep, slot, address) && steve_peek_end(exec, slot);
}

static bool look_at_chunk(struct sweep *sweep, size_t c)
{
    struct steve_exec *exec = sweep->exec;
    struct steve_layout_chunk *chunk = &exec->layout.chunk[exec->layout.order[c]];
    size_t fill = exec->layout.fill[c];
    for (size_t i = 0; i < fill; i++, sweep->rank++) {
        struct steve_slot *slot = &exec->slots[chunk->slot[i]];
        __builtin_prefetch(&exec->slots[chunk->slot[(i + FETCHED_AHEAD) % STEVE_LAYOUT_FILL]]);
        if (!look_at(sweep, slot)) {
            return false;
        }
        chunk->begin[i] = slot->begin;
        chunk->end[i] = slot->begin + slot->extent;
        sweep->in_order = sweep->in_order && slot->begin >= sweep->below;
        sweep->below = chunk->end[i];
    }
    steve_layout_rewritten(&exec->layout, c);
    return true;
}

static bool look_at_all(struct sweep *sweep)
{
    sweep->in_order = true;
    sweep->below = 0;
    sweep->rank = 0;
    for (size_t c = 0; c < sweep->exec->layout.chunks; c++) {
        if (!look_at_chunk(sweep, c)) {
            return false;
        }
    }
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

/// Blocks are out of order, or seem to overlap because an extent that was not learned anew has shrunk.
static bool put_in_order(struct sweep *sweep)
{
    sweep->all_extents = true;
    sweep->whole = false; // done
    if (!look_at_all(sweep)) {
        return false;
    }
    reorder(sweep->exec);
    return check_overlaps(sweep->exec, sweep->exec->layout.count);
}

bool steve_sweep(struct steve_exec *exec, enum steve_depth depth)
{
    uint64_t moves = exec->driver->moves != NULL ? exec->driver->moves(exec->heap) : 0;
    struct sweep sweep = {
        .exec = exec,
        .may_move = moves != exec->moves,
        .whole = depth == STEVE_DEPTH_WHOLE,
        .all_extents = depth != STEVE_DEPTH_CREDIT,
        .stopped = SIZE_MAX,
    };
    exec->moves = moves;
    exec->sweep_moved_blocks = 0;
    exec->sweep_moved_bytes = exec->sweep_largest_moved = 0;
    if (!look_at_all(&sweep)) {
        return false;
    }
    exec->counts.moved_blocks += exec->sweep_moved_blocks;
    exec->moved_bytes += exec->sweep_moved_bytes;
    exec->sweep_start = sweep.stopped == SIZE_MAX ? 0 : sweep.stopped;
    if (!sweep.in_order) {
        return put_in_order(&sweep);
    }
    if (sweep.purged) {
        reorder(exec);
    }
    return true;
}
