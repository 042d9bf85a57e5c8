/// Reaching a block, and what must hold of the place where it lies and of what is in it: the oracles bounds, align, overlap,
/// pin and content.
#include "steve/core/exec_internal.h"

#include "steve/core/shadow.h"

bool steve_is_held_already(const struct steve_exec *exec, const struct steve_slot *slot)
{
    return slot->locks > 0 && (exec->promises & STEVE_PROMISE_LOCKS_NEST) == 0;
}

enum steve_lock_result steve_hold(struct steve_exec *exec, const struct steve_slot *slot, void **address)
{
    if (exec->driver->lock == NULL) {
        *address = (void *)(uintptr_t)slot->ref;
        return STEVE_LOCK_OK;
    }
    if (steve_is_held_already(exec, slot)) {
        *address = (void *)slot->address;
        return STEVE_LOCK_OK;
    }
    return exec->driver->lock(exec->heap, slot->ref, address);
}

bool steve_release(struct steve_exec *exec, const struct steve_slot *slot)
{
    if (exec->driver->lock == NULL || steve_is_held_already(exec, slot) ||
        exec->driver->unlock(exec->heap, slot->ref)) {
        return true;
    }
    return !exec->checked || steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "an unlock right after a lock was refused");
}

enum steve_lock_result steve_peek(struct steve_exec *exec, const struct steve_slot *slot, void **address)
{
    if (exec->driver->lock != NULL && exec->driver->weak_lock != NULL) {
        return exec->driver->weak_lock(exec->heap, slot->ref, address);
    }
    return steve_hold(exec, slot, address);
}

bool steve_unreachable(struct steve_exec *exec, const struct steve_slot *slot, enum steve_lock_result result)
{
    if (exec->found) {
        return false;
    }
    if (result == STEVE_LOCK_PURGED) {
        return steve_broken(exec, STEVE_ORACLE_CONTENT, slot, "its contents were dropped although it is %s",
                            slot->locks > 0 ? "locked" : "not purgeable, or without a change of the moves counter");
    }
    return steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "a lock of this live block was refused");
}

size_t steve_heap_used(const struct steve_exec *exec)
{
    size_t most = exec->driver->heap_max;
    return most != 0 && most < exec->heap_bytes ? most : exec->heap_bytes;
}

bool steve_is_inside(const struct steve_exec *exec, uintptr_t begin, size_t bytes)
{
    if ((exec->promises & STEVE_PROMISE_REGION) == 0) {
        return begin != 0 && bytes <= PTRDIFF_MAX && begin <= UINTPTR_MAX - bytes;
    }
    uintptr_t base = (uintptr_t)exec->region.base;
    size_t used = steve_heap_used(exec);
    return begin >= base && bytes <= used && begin - base <= used - bytes;
}

size_t steve_most_usable(const struct steve_exec *exec, const struct steve_slot *slot)
{
    if (exec->driver->extent != NULL) {
        size_t before = slot->address - slot->begin;
        return before <= slot->extent ? slot->extent - before : SIZE_MAX; // outside of it: the oracle bounds is off
    }
    bool in_region = (exec->promises & STEVE_PROMISE_REGION) != 0;
    uintptr_t end = in_region ? (uintptr_t)exec->region.base + steve_heap_used(exec) : UINTPTR_MAX;
    return steve_layout_above(&exec->layout, slot->begin, steve_slot_index(exec, slot), end) - slot->address;
}

static bool check_bounds(struct steve_exec *exec, const struct steve_slot *slot)
{
    if (!steve_is_inside(exec, slot->address, slot->bytes)) {
        uintptr_t base = (uintptr_t)exec->region.base;
        return steve_broken(exec, STEVE_ORACLE_BOUNDS, slot,
                            "it begins %zu bytes %s the base of a heap of %zu bytes and ends outside of it",
                            slot->address < base ? (size_t)(base - slot->address) : (size_t)(slot->address - base),
                            slot->address < base ? "below" : "above", steve_heap_used(exec));
    }
    if (!steve_is_inside(exec, slot->begin, slot->extent)) {
        return steve_broken(exec, STEVE_ORACLE_BOUNDS, slot,
                            "its extent of %zu bytes ends outside of the heap of %zu bytes", slot->extent,
                            steve_heap_used(exec));
    }
    if (slot->address < slot->begin || slot->address - slot->begin > slot->extent ||
        slot->bytes > slot->extent - (slot->address - slot->begin)) {
        return steve_broken(exec, STEVE_ORACLE_BOUNDS, slot, "it is not inside its own extent of %zu bytes",
                            slot->extent);
    }
    return true;
}

size_t steve_alignment_due(const struct steve_exec *exec, const struct steve_slot *slot)
{
    size_t asked = (size_t)1 << slot->alignment;
    size_t alignment = exec->driver->alignment;
    if ((exec->promises & STEVE_PROMISE_ALIGNS_BY_SIZE) == 0) {
        return asked > alignment ? asked : alignment;
    }
    while (alignment > 1 && alignment > slot->bytes) {
        alignment /= 2;
    }
    return asked > 1 ? asked : alignment;
}

static bool check_alignment(struct steve_exec *exec, const struct steve_slot *slot)
{
    size_t alignment = steve_alignment_due(exec, slot);
    if ((slot->address & (alignment - 1)) == 0) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_ALIGN, slot, "its address is %zu past a multiple of %zu",
                        (size_t)(slot->address & (alignment - 1)), alignment);
}

bool steve_place_learn(struct steve_exec *exec, struct steve_slot *slot, uintptr_t address)
{
    slot->address = address;
    slot->begin = address;
    exec->live_extent -= slot->extent;
    slot->extent = slot->bytes;
    if (exec->driver->extent != NULL) {
        struct steve_extent extent = exec->driver->extent(exec->heap, slot->ref);
        slot->begin = extent.begin;
        slot->extent = extent.bytes;
    }
    exec->live_extent += slot->extent;
    return check_bounds(exec, slot) && check_alignment(exec, slot);
}

bool steve_place_enter(struct steve_exec *exec, struct steve_slot *slot, uintptr_t address)
{
    if (!steve_place_learn(exec, slot, address)) {
        return false;
    }
    uint16_t other;
    struct steve_span span = {slot->begin, slot->begin + slot->extent, steve_slot_index(exec, slot)};
    if (steve_layout_insert(&exec->layout, span, &other)) {
        return true;
    }
    const struct steve_slot *neighbour = &exec->slots[other];
    return steve_broken(exec, STEVE_ORACLE_OVERLAP, slot,
                        "its extent of %zu bytes overlaps that of s%u, whose %zu bytes begin %zu bytes %s",
                        slot->extent, (unsigned)other, neighbour->extent,
                        neighbour->begin < slot->begin ? (size_t)(slot->begin - neighbour->begin)
                                                       : (size_t)(neighbour->begin - slot->begin),
                        neighbour->begin < slot->begin ? "below" : "above");
}

void steve_place_leave(struct steve_exec *exec, struct steve_slot *slot)
{
    bool was_there = steve_layout_remove(&exec->layout, slot->begin, steve_slot_index(exec, slot));
    assert(was_there);
    (void)was_there;
    exec->live_extent -= slot->extent;
    slot->extent = 0;
    slot->address = 0;
    slot->begin = 0;
}

bool steve_place_same(struct steve_exec *exec, const struct steve_slot *slot, const void *address)
{
    uintptr_t now = (uintptr_t)address;
    if (now == slot->address) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_PIN, slot, "it now lies %zu bytes %s although %s",
                        now < slot->address ? (size_t)(slot->address - now) : (size_t)(now - slot->address),
                        now < slot->address ? "lower" : "higher",
                        slot->locks > 0 ? "it is locked" : "the moves counter did not change");
}

static bool contents_differ(struct steve_exec *exec, const struct steve_slot *slot,
                            const struct steve_shadow_diff *diff)
{
    return steve_broken(exec, STEVE_ORACLE_CONTENT, slot, "byte %zu is 0x%02x, expected 0x%02x", diff->offset,
                        (unsigned)diff->actual, (unsigned)diff->expected);
}

bool steve_contents(struct steve_exec *exec, const struct steve_slot *slot, enum steve_depth depth)
{
    struct steve_shadow_diff diff;
    const void *block = (const void *)slot->address;
    if (depth == STEVE_DEPTH_CREDIT) {
        size_t cost = steve_shadow_cost(slot->bytes);
        depth = cost <= exec->credit ? STEVE_DEPTH_WHOLE : STEVE_DEPTH_ENDS;
        exec->credit -= depth == STEVE_DEPTH_WHOLE ? cost : 0;
    }
    bool same = depth == STEVE_DEPTH_ENDS ? steve_shadow_same_ends(block, slot->bytes, slot->stamp, &diff)
                                          : steve_shadow_same(block, slot->bytes, slot->bytes, slot->stamp, &diff);
    return same || contents_differ(exec, slot, &diff);
}

bool steve_look(struct steve_exec *exec, const struct steve_slot *slot, enum steve_depth depth)
{
    void *address;
    enum steve_lock_result result = steve_hold(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_unreachable(exec, slot, result);
    }
    return steve_place_same(exec, slot, address) && steve_contents(exec, slot, depth) && steve_release(exec, slot);
}

void steve_write(struct steve_exec *exec, struct steve_slot *slot, void *address)
{
    slot->stamp = steve_shadow_stamp(++exec->stamps);
    steve_shadow_fill(address, slot->bytes, slot->stamp);
}
