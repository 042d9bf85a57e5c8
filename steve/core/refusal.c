/// Whether a refusal was right: the free runs are what lies between the extents of live blocks and the ends of the arena, and
/// no run may have been large enough for the request by the driver's own statement of what a request needs.
#include "steve/core/exec_internal.h"

/// The largest gap below any block. Refusals often come in rows with nothing changed in between, so it is kept.
static size_t largest_gap(struct steve_exec *exec, uintptr_t begin)
{
    if (exec->run_version != exec->layout.version || exec->run_begin != begin) {
        exec->run_largest = steve_layout_largest_gap(&exec->layout, begin);
        exec->run_version = exec->layout.version;
        exec->run_begin = begin;
    }
    return exec->run_largest;
}

/// The run from the last block to the arena's end.
static size_t top_run(const struct steve_exec *exec, const struct steve_arena *arena)
{
    uintptr_t top = steve_layout_top(&exec->layout, arena->begin);
    return arena->end > top ? arena->end - top : 0;
}

size_t steve_largest_run(struct steve_exec *exec)
{
    struct steve_arena arena = exec->driver->arena(exec->heap);
    size_t gap = largest_gap(exec, arena.begin);
    size_t top = top_run(exec, &arena);
    return gap > top ? gap : top;
}

static bool is_wrong(struct steve_room verdict)
{
    return verdict.run >= verdict.needed && verdict.needed != SIZE_MAX;
}

struct steve_room steve_room_for_block(struct steve_exec *exec, size_t alignment, size_t bytes)
{
    struct steve_arena arena = exec->driver->arena(exec->heap);
    size_t top = top_run(exec, &arena);
    if (arena.spare_handles == 0) {
        if (top < arena.handle_bytes) {
            return (struct steve_room){0, SIZE_MAX}; // no place for one more handle
        }
        top -= arena.handle_bytes;
    }
    size_t gap = largest_gap(exec, arena.begin);
    return (struct steve_room){gap > top ? gap : top, exec->driver->run_needed(exec->heap, alignment, bytes)};
}

/// Before anything is said the layout is made sure of: if blocks were moved untold, that is what is wrong; and extents may have
/// changed where blocks did not move.
static bool make_sure(struct steve_exec *exec)
{
    return steve_sweep(exec, STEVE_DEPTH_ENDS);
}

bool steve_refusal_of_block(struct steve_exec *exec, size_t alignment, size_t bytes)
{
    if (!exec->gaps || (exec->promises & STEVE_PROMISE_EXACT_REFUSAL) == 0 ||
        !is_wrong(steve_room_for_block(exec, alignment, bytes))) {
        return true;
    }
    if (!make_sure(exec)) {
        return false;
    }
    struct steve_room verdict = steve_room_for_block(exec, alignment, bytes);
    return !is_wrong(verdict) || steve_broken(exec, STEVE_ORACLE_REFUSAL, NULL,
                                              "a request for %zu bytes (alignment %zu) was refused; it needs a run of "
                                              "%zu bytes, and one of %zu is free",
                                              bytes, alignment, verdict.needed, verdict.run);
}

/// Whether a locked block can be expected to grow where it lies, if there is room above it. What lies below its first byte cannot
/// change while it is locked; so its bookkeeping must be what a fresh block of the old size has, and what one of the new size
/// has: `alike` has the remainder of the new size and lies right below the old one, so that both are rounded by as much.
static bool grows_alike(struct steve_exec *exec, const struct steve_slot *slot, size_t bytes)
{
    const struct steve_driver *driver = exec->driver;
    size_t remainder = bytes % driver->alignment;
    size_t alike = slot->bytes - slot->bytes % driver->alignment + remainder;
    if (alike > slot->bytes) {
        // Above the old size the format may already be another.
        if (alike < driver->alignment) {
            return false;
        }
        alike -= driver->alignment;
    }
    return slot->extent == driver->run_needed(exec->heap, 0, slot->bytes) &&
           driver->run_needed(exec->heap, 0, bytes) - bytes == driver->run_needed(exec->heap, 0, alike) - alike;
}

/// A locked block can only grow into the run right above it.
static struct steve_room judge_resize_of_locked(struct steve_exec *exec, const struct steve_slot *slot, size_t bytes)
{
    if (!grows_alike(exec, slot, bytes)) {
        return (struct steve_room){0, SIZE_MAX};
    }
    struct steve_arena arena = exec->driver->arena(exec->heap);
    uintptr_t above = steve_layout_above(&exec->layout, slot->begin, steve_slot_index(exec, slot), arena.end);
    return (struct steve_room){above > slot->begin ? above - slot->begin : 0,
                               exec->driver->run_needed(exec->heap, 0, bytes)};
}

static struct steve_room judge_resize(struct steve_exec *exec, const struct steve_slot *slot, size_t bytes)
{
    if (slot->locks > 0) {
        return judge_resize_of_locked(exec, slot, bytes);
    }
    size_t alignment = slot->alignment == 0 ? 0 : (size_t)1 << slot->alignment;
    return (struct steve_room){steve_largest_run(exec), exec->driver->run_needed(exec->heap, alignment, bytes)};
}

bool steve_refusal_of_resize(struct steve_exec *exec, const struct steve_slot *slot, size_t bytes)
{
    if (!exec->gaps || (exec->promises & STEVE_PROMISE_EXACT_REFUSAL) == 0) {
        return true;
    }
    if (steve_slot_has_memory(slot) && bytes <= slot->bytes) {
        return steve_broken(exec, STEVE_ORACLE_REFUSAL, slot, "a resize to %zu bytes, no more than it has, was refused",
                            bytes);
    }
    if (!is_wrong(judge_resize(exec, slot, bytes))) {
        return true;
    }
    if (!make_sure(exec)) {
        return false;
    }
    struct steve_room verdict = judge_resize(exec, slot, bytes);
    return !is_wrong(verdict) ||
           steve_broken(exec, STEVE_ORACLE_REFUSAL, slot,
                        "a resize to %zu bytes was refused; it needs a run of %zu bytes, and one of %zu is free%s",
                        bytes, verdict.needed, verdict.run, slot->locks > 0 ? " where it lies" : "");
}
