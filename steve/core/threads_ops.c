/// One op of one thread: it calls the driver, brings the slot up to date, and checks what holds of one block whatever other
/// threads do. blocks.c has the same for a single thread, which may ask more.
#include "steve/core/threads_internal.h"

#include "steve/core/shadow.h"

// The index: which addresses are taken

static void lock_index(struct steve_crew *crew)
{
    pthread_mutex_lock(&crew->index_lock);
}

static void unlock_index(struct steve_crew *crew)
{
    pthread_mutex_unlock(&crew->index_lock);
}

/// The address of the block is known from now on.
static bool index_enter(struct steve_hand *hand, const struct steve_slot *slot)
{
    struct steve_crew *crew = hand->crew;
    uint16_t other;
    struct steve_span span = {slot->address, slot->address + slot->bytes, steve_slot_index(crew->exec, slot)};
    lock_index(crew);
    bool alone = steve_layout_insert(&crew->index, span, &other);
    unlock_index(crew);
    return alone ||
           steve_hand_broken(hand, STEVE_ORACLE_OVERLAP, slot, "it overlaps the live block s%u", (unsigned)other);
}

/// It no longer is: the allocator may give the memory to another thread before the call to come returns.
static void index_leave(struct steve_hand *hand, const struct steve_slot *slot)
{
    struct steve_crew *crew = hand->crew;
    lock_index(crew);
    bool was_there = steve_layout_remove(&crew->index, slot->address, steve_slot_index(crew->exec, slot));
    unlock_index(crew);
    assert(was_there);
    (void)was_there;
}

// Handles

static bool check_ref(struct steve_hand *hand, const struct steve_slot *slot)
{
    struct steve_crew *crew = hand->crew;
    struct steve_exec *exec = crew->exec;
    if (!exec->handles) {
        return true;
    }
    lock_index(crew);
    bool is_new = steve_refs_add(&exec->refs, slot->ref);
    bool is_stale = is_new && steve_refs_is_stale(&exec->refs, slot->ref);
    unlock_index(crew);
    if (!is_new) {
        return steve_hand_broken(hand, STEVE_ORACLE_HANDLE, slot, "its handle 0x%llx is that of another live block",
                                 (unsigned long long)slot->ref);
    }
    return !is_stale || steve_hand_broken(hand, STEVE_ORACLE_HANDLE, slot, "its handle 0x%llx was given out before",
                                          (unsigned long long)slot->ref);
}

static void retire_ref(struct steve_hand *hand, const struct steve_slot *slot)
{
    struct steve_crew *crew = hand->crew;
    if (crew->exec->handles) {
        lock_index(crew);
        steve_refs_retire(&crew->exec->refs, slot->ref);
        unlock_index(crew);
    }
}

// Reaching a block

static bool check_place(struct steve_hand *hand, const struct steve_slot *slot)
{
    const struct steve_exec *exec = hand->crew->exec;
    if (!steve_is_inside(exec, slot->address, slot->bytes)) {
        return steve_hand_broken(hand, STEVE_ORACLE_BOUNDS, slot, "it does not lie inside the heap of %zu bytes",
                                 exec->heap_bytes);
    }
    size_t alignment = steve_alignment_due(exec, slot);
    return (slot->address & (alignment - 1)) == 0 ||
           steve_hand_broken(hand, STEVE_ORACLE_ALIGN, slot, "its address is %zu past a multiple of %zu",
                             (size_t)(slot->address & (alignment - 1)), alignment);
}

/// A block that is locked, or whose allocator moves nothing, lies where it lay.
static bool check_same_place(struct steve_hand *hand, const struct steve_slot *slot, uintptr_t address)
{
    if (address == slot->address) {
        return true;
    }
    return steve_hand_broken(
        hand, STEVE_ORACLE_PIN, slot, "it now lies %zu bytes %s although %s",
        address < slot->address ? (size_t)(slot->address - address) : (size_t)(address - slot->address),
        address < slot->address ? "lower" : "higher", slot->locks > 0 ? "it is locked" : "nothing moves");
}

/// Where a block may have moved, it is entered into the index for as long as Steve holds it.
static bool take_place(struct steve_hand *hand, struct steve_slot *slot, uintptr_t address)
{
    if (steve_is_indexed(hand->crew->exec, slot)) {
        return check_same_place(hand, slot, address);
    }
    slot->address = address;
    return check_place(hand, slot) && index_enter(hand, slot);
}

static bool unreachable(struct steve_hand *hand, const struct steve_slot *slot, enum steve_lock_result result)
{
    if (result == STEVE_LOCK_PURGED) {
        return steve_hand_broken(hand, STEVE_ORACLE_CONTENT, slot,
                                 "its contents were dropped although it is not purgeable");
    }
    return steve_hand_broken(hand, STEVE_ORACLE_HANDLE, slot, "a lock of this live block was refused");
}

static enum steve_lock_result lock_block(struct steve_hand *hand, const struct steve_slot *slot, uintptr_t *address)
{
    struct steve_exec *exec = hand->crew->exec;
    void *at = NULL;
    enum steve_lock_result result = steve_hold(exec, slot, &at);
    *address = (uintptr_t)at;
    return result;
}

/// Locks a block for Steve's own access. To be undone by release(), unless it returns false.
static bool hold(struct steve_hand *hand, struct steve_slot *slot)
{
    uintptr_t address;
    enum steve_lock_result result = lock_block(hand, slot, &address);
    if (result != STEVE_LOCK_OK) {
        unreachable(hand, slot, result);
        return false;
    }
    return take_place(hand, slot, address);
}

static bool release(struct steve_hand *hand, const struct steve_slot *slot)
{
    const struct steve_exec *exec = hand->crew->exec;
    if (!steve_is_indexed(exec, slot)) {
        index_leave(hand, slot);
    }
    if (exec->driver->lock == NULL || steve_is_held_already(exec, slot) ||
        exec->driver->unlock(exec->heap, slot->ref)) {
        return true;
    }
    return steve_hand_broken(hand, STEVE_ORACLE_HANDLE, slot, "an unlock right after a lock was refused");
}

// Contents

static bool check_contents(struct steve_hand *hand, const struct steve_slot *slot, enum steve_depth depth)
{
    struct steve_shadow_diff diff;
    const void *block = (const void *)slot->address;
    if (depth == STEVE_DEPTH_CREDIT) {
        size_t cost = steve_shadow_cost(slot->bytes);
        depth = cost <= hand->credit ? STEVE_DEPTH_WHOLE : STEVE_DEPTH_ENDS;
        hand->credit -= depth == STEVE_DEPTH_WHOLE ? cost : 0;
    }
    bool same = depth == STEVE_DEPTH_ENDS ? steve_shadow_same_ends(block, slot->bytes, slot->stamp, &diff)
                                          : steve_shadow_same(block, slot->bytes, slot->bytes, slot->stamp, &diff);
    return same || steve_hand_broken(hand, STEVE_ORACLE_CONTENT, slot, "byte %zu is 0x%02x, expected 0x%02x",
                                     diff.offset, (unsigned)diff.actual, (unsigned)diff.expected);
}

static bool look(struct steve_hand *hand, struct steve_slot *slot, enum steve_depth depth)
{
    return hold(hand, slot) && check_contents(hand, slot, depth) && release(hand, slot);
}

/// Each op writes once, so that its index makes the contents unique.
static void write_contents(struct steve_hand *hand, struct steve_slot *slot)
{
    slot->stamp = steve_shadow_stamp(hand->op + 1);
    steve_shadow_fill((void *)slot->address, slot->bytes, slot->stamp);
}

static bool check_zero(struct steve_hand *hand, const struct steve_slot *slot)
{
    struct steve_shadow_diff diff;
    return steve_shadow_zero((const void *)slot->address, slot->bytes, &diff) ||
           steve_hand_broken(hand, STEVE_ORACLE_ZERO, slot, "byte %zu of calloc memory is 0x%02x", diff.offset,
                             (unsigned)diff.actual);
}

static bool check_usable(struct steve_hand *hand, const struct steve_slot *slot)
{
    const struct steve_exec *exec = hand->crew->exec;
    if (exec->driver->usable == NULL || (hand->op & (exec->effort.probe_every - 1)) != 0) {
        return true;
    }
    size_t usable = exec->driver->usable(exec->heap, slot->ref);
    return usable >= slot->bytes || steve_hand_broken(hand, STEVE_ORACLE_ACCOUNT, slot,
                                                      "only %zu bytes of it are usable, says the allocator", usable);
}

// Making and freeing

/// The block is at `slot->ref` and of `slot->bytes`; it lies somewhere.
/// @return false if the episode is over; `*address` is where it lies, and it is held there
static bool find_new(struct steve_hand *hand, struct steve_slot *slot)
{
    uintptr_t address;
    enum steve_lock_result result = lock_block(hand, slot, &address);
    if (result != STEVE_LOCK_OK) {
        unreachable(hand, slot, result);
        return false;
    }
    slot->address = address;
    return check_place(hand, slot) && index_enter(hand, slot);
}

static bool check_zero_served(struct steve_hand *hand, const struct steve_slot *slot)
{
    return slot->bytes != 0 || hand->crew->exec->driver->zero_size != STEVE_ZERO_REFUSED ||
           steve_hand_broken(hand, STEVE_ORACLE_REFUSAL, slot,
                             "0 bytes were served; its driver says that they are refused");
}

static enum steve_outcome op_request(struct steve_hand *hand, struct steve_slot *slot, struct steve_op op, size_t bytes)
{
    const struct steve_exec *exec = hand->crew->exec;
    if (slot->ref != 0 || !steve_has_function(exec->driver, op) ||
        (op.code == STEVE_OP_CALLOC && steve_is_unbearable(bytes))) {
        return STEVE_SKIPPED;
    }
    size_t alignment = steve_alignment_of(op);
    steve_ref ref = steve_call_request(exec, op, bytes);
    if (ref == 0) {
        return STEVE_REFUSED;
    }
    slot->ref = ref;
    slot->bytes = bytes;
    slot->alignment = alignment == 0 ? 0 : (uint8_t)__builtin_ctzll(alignment);
    slot->locks = 0;
    atomic_fetch_add_explicit(&hand->crew->live_bytes, bytes, memory_order_relaxed);
    hand->crew->made_by[op.slot] = (uint8_t)hand->number;
    if (!check_ref(hand, slot) || !check_zero_served(hand, slot) || !find_new(hand, slot) ||
        (op.code == STEVE_OP_CALLOC && !check_zero(hand, slot))) {
        return STEVE_FOUND;
    }
    write_contents(hand, slot);
    return steve_outcome_of(release(hand, slot) && check_usable(hand, slot), STEVE_DONE);
}

static void make_empty(struct steve_hand *hand, struct steve_slot *slot)
{
    atomic_fetch_sub_explicit(&hand->crew->live_bytes, slot->bytes, memory_order_relaxed);
    slot->ref = 0;
    slot->bytes = 0;
    slot->locks = 0;
    slot->address = 0;
}

/// Must be refused, with nothing changed.
static enum steve_outcome free_locked(struct steve_hand *hand, struct steve_slot *slot)
{
    const struct steve_exec *exec = hand->crew->exec;
    if ((exec->promises & STEVE_PROMISE_REFUSES_LOCKED) == 0) {
        return STEVE_SKIPPED;
    }
    if (exec->driver->free(exec->heap, slot->ref)) {
        steve_hand_broken(hand, STEVE_ORACLE_PIN, slot, "it was freed although it is locked");
        index_leave(hand, slot);
        retire_ref(hand, slot);
        make_empty(hand, slot);
        return steve_outcome_of(!steve_oracle_on(exec, STEVE_ORACLE_PIN), STEVE_DONE);
    }
    return steve_outcome_of(look(hand, slot, STEVE_DEPTH_ENDS), STEVE_REFUSED);
}

static enum steve_outcome op_free(struct steve_hand *hand, struct steve_slot *slot)
{
    const struct steve_exec *exec = hand->crew->exec;
    if (slot->ref == 0) {
        return STEVE_SKIPPED;
    }
    if (slot->locks > 0) {
        return free_locked(hand, slot);
    }
    if (!look(hand, slot, STEVE_DEPTH_CREDIT)) {
        return STEVE_FOUND;
    }
    if (steve_is_indexed(exec, slot)) {
        index_leave(hand, slot);
    }
    retire_ref(hand, slot);
    if (exec->driver->free(exec->heap, slot->ref)) {
        hand->counts.freed_elsewhere += hand->crew->made_by[steve_slot_index(exec, slot)] != hand->number;
        make_empty(hand, slot);
        return STEVE_DONE;
    }
    // With the oracle off it is a live block as before.
    bool going_on =
        steve_hand_broken(hand, STEVE_ORACLE_HANDLE, slot, "a free of this live and unlocked block was refused") &&
        check_ref(hand, slot) && (!steve_is_indexed(exec, slot) || index_enter(hand, slot));
    return steve_outcome_of(going_on, STEVE_REFUSED);
}

// Resizing

static bool check_kept(struct steve_hand *hand, const struct steve_slot *slot, size_t bytes_before)
{
    struct steve_shadow_diff diff;
    size_t kept = bytes_before < slot->bytes ? bytes_before : slot->bytes;
    return steve_shadow_same((const void *)slot->address, bytes_before, kept, slot->stamp, &diff) ||
           steve_hand_broken(hand, STEVE_ORACLE_CONTENT, slot,
                             "after the resize from %zu bytes byte %zu is 0x%02x, expected 0x%02x", bytes_before,
                             diff.offset, (unsigned)diff.actual, (unsigned)diff.expected);
}

static bool resized(struct steve_hand *hand, struct steve_slot *slot, steve_ref ref, size_t bytes)
{
    struct steve_exec *exec = hand->crew->exec;
    size_t bytes_before = slot->bytes;
    uintptr_t address_before = slot->address;
    if (exec->handles && ref != slot->ref &&
        !steve_hand_broken(hand, STEVE_ORACLE_HANDLE, slot, "a resize changed its handle")) {
        return false;
    }
    atomic_fetch_add_explicit(&hand->crew->live_bytes, bytes - bytes_before, memory_order_relaxed);
    slot->ref = ref;
    slot->bytes = bytes;
    if ((exec->promises & STEVE_PROMISE_HANDLES) == 0) {
        slot->alignment = 0; // realloc() keeps no alignment
    }
    if (!find_new(hand, slot)) {
        return false;
    }
    if (slot->locks > 0 && slot->address != address_before &&
        !steve_hand_broken(hand, STEVE_ORACLE_PIN, slot, "a resize moved it although it is locked")) {
        return false;
    }
    if (!check_kept(hand, slot, bytes_before)) {
        return false;
    }
    write_contents(hand, slot);
    return release(hand, slot);
}

/// The block must be as it was.
static bool check_refused_resize(struct steve_hand *hand, struct steve_slot *slot)
{
    if (steve_is_indexed(hand->crew->exec, slot) && !index_enter(hand, slot)) {
        return false;
    }
    return look(hand, slot, STEVE_DEPTH_WHOLE);
}

static enum steve_outcome op_resize(struct steve_hand *hand, struct steve_slot *slot, size_t bytes)
{
    const struct steve_exec *exec = hand->crew->exec;
    if (slot->ref == 0 || exec->driver->resize == NULL ||
        (slot->locks > 0 && (exec->promises & STEVE_PROMISE_RESIZE_IN_PLACE) == 0) ||
        (steve_is_unbearable(slot->bytes) && steve_is_unbearable(bytes))) {
        return STEVE_SKIPPED;
    }
    if (steve_is_indexed(exec, slot)) {
        index_leave(hand, slot);
    }
    steve_ref ref = exec->driver->resize(exec->heap, slot->ref, bytes);
    if (ref == 0 && exec->driver->failed_resize == STEVE_FAILED_RESIZE_FREES) {
        retire_ref(hand, slot);
        make_empty(hand, slot);
        return STEVE_REFUSED;
    }
    if (ref == 0) {
        return steve_outcome_of(check_refused_resize(hand, slot), STEVE_REFUSED);
    }
    return steve_outcome_of(resized(hand, slot, ref, bytes) && check_usable(hand, slot), STEVE_DONE);
}

// Locking and looking

static enum steve_outcome op_lock(struct steve_hand *hand, struct steve_slot *slot)
{
    struct steve_exec *exec = hand->crew->exec;
    if (!steve_may_lock(exec, slot)) {
        return STEVE_SKIPPED;
    }
    void *address;
    enum steve_lock_result result = exec->driver->lock(exec->heap, slot->ref, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_outcome_of(unreachable(hand, slot, result), STEVE_REFUSED);
    }
    bool placed = take_place(hand, slot, (uintptr_t)address);
    slot->locks++;
    return steve_outcome_of(placed && check_contents(hand, slot, STEVE_DEPTH_ENDS), STEVE_DONE);
}

static enum steve_outcome op_unlock(struct steve_hand *hand, struct steve_slot *slot)
{
    struct steve_exec *exec = hand->crew->exec;
    if (slot->locks == 0) {
        return STEVE_SKIPPED;
    }
    slot->locks--;
    if (!steve_is_indexed(exec, slot)) {
        index_leave(hand, slot); // before it may move
    }
    bool unlocked = exec->driver->unlock(exec->heap, slot->ref);
    return steve_outcome_of(unlocked || steve_hand_broken(hand, STEVE_ORACLE_PIN, slot,
                                                          "an unlock was refused although it is locked %u times",
                                                          (unsigned)slot->locks + 1),
                            STEVE_DONE);
}

static enum steve_outcome op_write(struct steve_hand *hand, struct steve_slot *slot)
{
    if (slot->ref == 0) {
        return STEVE_SKIPPED;
    }
    if (!hold(hand, slot) || !check_contents(hand, slot, STEVE_DEPTH_CREDIT)) {
        return STEVE_FOUND;
    }
    write_contents(hand, slot);
    return steve_outcome_of(release(hand, slot), STEVE_DONE);
}

static enum steve_outcome op_verify(struct steve_hand *hand, struct steve_slot *slot)
{
    return slot->ref == 0 ? STEVE_SKIPPED : steve_outcome_of(look(hand, slot, STEVE_DEPTH_WHOLE), STEVE_DONE);
}

// Compaction

static enum steve_outcome op_compact(struct steve_hand *hand, struct steve_op op, size_t bytes)
{
    const struct steve_exec *exec = hand->crew->exec;
    bool is_goal = op.code == STEVE_OP_COMPACT_GOAL;
    if ((is_goal ? exec->driver->compact_goal == NULL : exec->driver->compact == NULL) ||
        steve_is_unbearable(atomic_load_explicit(&hand->crew->live_bytes, memory_order_relaxed))) {
        return STEVE_SKIPPED;
    }
    if (is_goal) {
        exec->driver->compact_goal(exec->heap, bytes);
    } else {
        uint64_t budget_us = op.code == STEVE_OP_COMPACT ? 0 : ((uint64_t)op.arg << 16) + (uint16_t)op.delta;
        bool is_full = op.code == STEVE_OP_COMPACT;
        exec->driver->compact(exec->heap, is_full ? 0 : (budget_us == 0 ? 1 : budget_us) * 1000);
    }
    return STEVE_DONE;
}

enum steve_outcome steve_hand_op(struct steve_hand *hand, struct steve_op op)
{
    struct steve_exec *exec = hand->crew->exec;
    struct steve_slot *slot = &exec->slots[op.slot];
    // No size is another slot's: that slot may be changing.
    size_t bytes = steve_op_uses_size(op.code) ? steve_op_bytes(op, exec->heap_bytes, 0) : 0;
    switch (steve_op_kind(op.code)) {
    case STEVE_KIND_MALLOC:
    case STEVE_KIND_CALLOC:
    case STEVE_KIND_ALIGNED:
        return op_request(hand, slot, op, bytes);
    case STEVE_KIND_RESIZE:
        return op_resize(hand, slot, bytes);
    case STEVE_KIND_FREE:
        return op_free(hand, slot);
    case STEVE_KIND_LOCK:
        return op_lock(hand, slot);
    case STEVE_KIND_UNLOCK:
        return op_unlock(hand, slot);
    case STEVE_KIND_WRITE:
        return op_write(hand, slot);
    case STEVE_KIND_VERIFY:
        return op_verify(hand, slot);
    case STEVE_KIND_COMPACT:
    case STEVE_KIND_COMPACT_BUDGET:
    case STEVE_KIND_COMPACT_GOAL:
        return op_compact(hand, op, bytes);
    default:
        return STEVE_SKIPPED; // a weak lock is void at once, and misuse may hit what another thread has just made
    }
}
