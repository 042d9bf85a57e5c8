/// The ops on one block: allocating, resizing, freeing, locking, writing. Each calls the driver, brings the slot up to date, and
/// checks what can be checked at once.
///
/// Without checking (steve_exec_config.unchecked) the same calls are made and the same payloads written, and nothing is asked.
#include "steve/core/exec_internal.h"

#include <string.h>

#include "steve/core/shadow.h"

/// What a block may use beyond what was asked for is written to so far from its end.
#define REST_WRITTEN 64u
#define REST_BYTE    0xa7

size_t steve_alignment_of(struct steve_op op)
{
    bool aligned = op.code >= STEVE_OP_ALIGNED && op.code <= STEVE_OP_ALIGNED_LAST;
    return aligned ? (size_t)1 << (op.code - STEVE_OP_ALIGNED) : 0;
}

/// Notes where a block lies, relative to the base, for the comparison of two congruent bases.
static void note_offset(struct steve_exec *exec, uintptr_t address)
{
    if ((exec->promises & STEVE_PROMISE_REGION) != 0) {
        uint64_t offset = address - (uintptr_t)exec->region.base;
        exec->offset_digest = (exec->offset_digest ^ offset) * UINT64_C(0x9fb21c651e98df25);
        exec->offset_digest ^= exec->offset_digest >> 32;
    }
}

// Allocating

/// Splits a size in two factors where it can be. One beyond half of the address space can only be refused; so the factors are
/// made to overflow to a small product, which a calloc that does not look would serve.
static steve_ref call_calloc(const struct steve_exec *exec, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) {
        return exec->driver->calloc(exec->heap, SIZE_MAX / 2 + 1 + bytes % 64, 2);
    }
    size_t size = bytes % 8 == 0 ? 8 : 1;
    return exec->driver->calloc(exec->heap, bytes / size, size);
}

bool steve_has_function(const struct steve_driver *driver, struct steve_op op)
{
    if (op.code == STEVE_OP_CALLOC) {
        return driver->calloc != NULL;
    }
    size_t alignment = steve_alignment_of(op);
    return alignment == 0 || (driver->aligned != NULL && alignment <= driver->largest_aligned);
}

steve_ref steve_call_request(const struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    if (op.code == STEVE_OP_MALLOC) {
        return exec->driver->malloc(exec->heap, bytes);
    }
    if (op.code == STEVE_OP_CALLOC) {
        return call_calloc(exec, bytes);
    }
    return exec->driver->aligned(exec->heap, steve_alignment_of(op), bytes);
}

/// A ref that has just been given must be new.
static bool check_ref(struct steve_exec *exec, const struct steve_slot *slot)
{
    if (!exec->handles) {
        return true;
    }
    bool is_new = steve_refs_add(&exec->refs, slot->ref);
    if (!is_new) {
        return steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "its handle 0x%llx is that of another live block",
                            (unsigned long long)slot->ref);
    }
    if (slot->ref == slot->stale || steve_refs_is_stale(&exec->refs, slot->ref)) {
        return steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "its handle 0x%llx was given out before",
                            (unsigned long long)slot->ref);
    }
    return true;
}

static bool check_zero(struct steve_exec *exec, const struct steve_slot *slot, const void *address)
{
    struct steve_shadow_diff diff;
    if (steve_shadow_zero(address, slot->bytes, &diff)) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_ZERO, slot, "byte %zu of calloc memory is 0x%02x", diff.offset,
                        (unsigned)diff.actual);
}

/// Empty blocks overlap with nothing; but where a ref is an address, two of them at one place have one ref.
static bool check_alone(struct steve_exec *exec, const struct steve_slot *slot)
{
    const struct steve_driver *driver = exec->driver;
    if (driver->zero_size != STEVE_ZERO_BLOCK || driver->lock != NULL ||
        !steve_layout_is_shared(&exec->layout, slot->begin, steve_slot_index(exec, slot))) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_OVERLAP, slot,
                        "it is where another live block is, and one of the two has 0 bytes; its driver says that these "
                        "have refs of their own");
}

static void write_unchecked(struct steve_exec *exec, struct steve_slot *slot)
{
    void *address;
    if (steve_hold(exec, slot, &address) == STEVE_LOCK_OK) {
        steve_write(exec, slot, address);
        steve_release(exec, slot);
    }
}

/// Finds out where a new block lies, whether it may, and gives it its first contents.
static bool settle(struct steve_exec *exec, struct steve_slot *slot, bool zero)
{
    if (!exec->checked) {
        write_unchecked(exec, slot);
        return true;
    }
    // The others first: the new block is entered among spans that are right.
    if (!check_ref(exec, slot) || !steve_sweep_if_moved(exec)) {
        return false;
    }
    void *address;
    enum steve_lock_result result = steve_hold(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_unreachable(exec, slot, result);
    }
    if (!steve_place_enter(exec, slot, (uintptr_t)address) || !check_alone(exec, slot) ||
        (zero && !check_zero(exec, slot, address))) {
        return false;
    }
    note_offset(exec, slot->address);
    steve_write(exec, slot, address);
    return steve_release(exec, slot);
}

/// What the driver states about requests for 0 bytes. Called for a block that was served.
static bool check_zero_served(struct steve_exec *exec, const struct steve_slot *slot)
{
    if (slot->bytes != 0 || exec->driver->zero_size != STEVE_ZERO_REFUSED || !exec->checked) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_REFUSAL, slot, "0 bytes were served; its driver says that they are refused");
}

/// Asks for so many bytes and gives them back. @return true if they were served
static bool can_have(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    steve_ref ref = steve_call_request(exec, op, bytes);
    return ref != 0 && exec->driver->free(exec->heap, ref);
}

/// The same for a refusal: there was room if one byte is served now, and nothing is yet. A refusal may have set the heap
/// in order, so that more is served after it than before.
static bool check_zero_refused(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    if (bytes != 0 || exec->driver->zero_size != STEVE_ZERO_BLOCK || !exec->checked) {
        return true;
    }
    if ((exec->promises & STEVE_PROMISE_EXACT_REFUSAL) != 0 || !can_have(exec, op, 1) || can_have(exec, op, 0)) {
        return true; // with STEVE_PROMISE_EXACT_REFUSAL it has been judged
    }
    return steve_broken(exec, STEVE_ORACLE_REFUSAL, NULL,
                        "0 bytes were refused and 1 byte is served; its driver says that 0 bytes give a block");
}

/// Writes to the last of the bytes that may be used and were not asked for. Where they are the allocator's own after all, it
/// will notice.
static bool use_the_rest(struct steve_exec *exec, const struct steve_slot *slot, size_t usable)
{
    size_t rest = usable - slot->bytes < REST_WRITTEN ? usable - slot->bytes : REST_WRITTEN;
    if (rest == 0) {
        return true;
    }
    void *address;
    enum steve_lock_result result = steve_hold(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_unreachable(exec, slot, result);
    }
    memset((unsigned char *)address + (usable - rest), REST_BYTE, rest);
    return steve_release(exec, slot);
}

/// Now and then, as a call more for each block would be felt.
static bool check_usable(struct steve_exec *exec, const struct steve_slot *slot)
{
    if (exec->driver->usable == NULL || !exec->checked || (exec->op & (exec->effort.probe_every - 1)) != 0) {
        return true;
    }
    size_t usable = exec->driver->usable(exec->heap, slot->ref);
    if (usable < slot->bytes) {
        return steve_broken(exec, STEVE_ORACLE_ACCOUNT, slot, "only %zu bytes of it are usable, says the allocator",
                            usable);
    }
    size_t most = steve_most_usable(exec, slot);
    if (usable > most) {
        return steve_broken(
            exec, STEVE_ORACLE_ACCOUNT, slot, "%zu bytes of it are usable, says the allocator; after %zu %s", usable,
            most, exec->driver->extent != NULL ? "its extent ends" : "another block begins, or the heap ends");
    }
    return use_the_rest(exec, slot, usable);
}

static void make_live(struct steve_exec *exec, struct steve_slot *slot, steve_ref ref, size_t bytes, size_t alignment)
{
    if ((slot->state & STEVE_SLOT_USED) == 0) {
        exec->used[exec->used_count++] = steve_slot_index(exec, slot);
    }
    slot->ref = ref;
    slot->bytes = bytes;
    slot->alignment = alignment == 0 ? 0 : (uint8_t)__builtin_ctzll(alignment);
    slot->state = STEVE_SLOT_USED;
    exec->live_blocks++;
    exec->live_bytes += bytes;
    if (exec->live_blocks > exec->counts.peak_blocks) {
        exec->counts.peak_blocks = exec->live_blocks;
    }
}

/// A refused request changes nothing and was refused for want of memory alone.
static bool check_refused_block(struct steve_exec *exec, size_t alignment, size_t bytes)
{
    return !exec->checked ||
           (steve_sweep_if_moved(exec) && steve_refusal_of_block(exec, alignment, bytes) && steve_account(exec, false));
}

/// Whether the allocator may be made to write so many bytes. Each time alone it may, but pages that were touched stay: some huge blocks
/// after the other would eat the memory, too.
static bool may_write(struct steve_exec *exec, size_t bytes)
{
    const bool in_region = (exec->promises & STEVE_PROMISE_REGION) != 0;
    if (bytes < STEVE_HUGE || bytes >= SIZE_MAX / 4 || (in_region && bytes > exec->heap_bytes)) {
        return true; // little, or nothing
    }
    if (bytes > STEVE_HUGE_MOST - exec->huge_written) {
        return false;
    }
    exec->huge_written += bytes;
    return true;
}

static enum steve_outcome op_request(struct steve_exec *exec, struct steve_slot *slot, struct steve_op op, size_t bytes)
{
    if (slot->ref != 0 || !steve_has_function(exec->driver, op) || !steve_may_move(exec)) {
        return STEVE_SKIPPED;
    }
    if (op.code == STEVE_OP_CALLOC && !may_write(exec, bytes)) {
        return STEVE_SKIPPED;
    }
    size_t alignment = steve_alignment_of(op);
    steve_ref ref = steve_call_request(exec, op, bytes);
    if (ref == 0) {
        return steve_outcome_of(check_refused_block(exec, alignment, bytes) && check_zero_refused(exec, op, bytes),
                                STEVE_REFUSED);
    }
    make_live(exec, slot, ref, bytes, alignment);
    return steve_outcome_of(check_zero_served(exec, slot) && settle(exec, slot, op.code == STEVE_OP_CALLOC) &&
                                check_usable(exec, slot),
                            STEVE_DONE);
}

// Freeing

static void note_unlocked(struct steve_exec *exec, const struct steve_slot *slot)
{
    exec->locked_blocks--;
    exec->locked_bytes -= slot->bytes;
}

/// The block is gone: its slot is empty again.
static void make_empty(struct steve_exec *exec, struct steve_slot *slot)
{
    if (steve_slot_has_memory(slot)) {
        if ((slot->state & STEVE_SLOT_PURGEABLE) != 0) {
            exec->purgeable_blocks--;
        }
        if (exec->checked) {
            steve_place_leave(exec, slot);
        }
    } else {
        exec->purged_blocks--;
    }
    if (exec->handles) {
        steve_refs_retire(&exec->refs, slot->ref);
    }
    if (slot->locks > 0) {
        note_unlocked(exec, slot);
    }
    exec->live_blocks--;
    exec->live_bytes -= slot->bytes;
    slot->stale = slot->ref;
    slot->ref = 0;
    slot->bytes = 0;
    slot->locks = 0;
    slot->state = STEVE_SLOT_USED;
}

bool steve_free_block(struct steve_exec *exec, struct steve_slot *slot, bool *freed)
{
    assert(slot->ref != 0 && slot->locks == 0);

    *freed = false;
    if (exec->checked && steve_slot_has_memory(slot) && !steve_look(exec, slot, STEVE_DEPTH_CREDIT)) {
        return false;
    }
    *freed = exec->driver->free(exec->heap, slot->ref);
    if (*freed) {
        make_empty(exec, slot);
        return true;
    }
    return !exec->checked ||
           steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "a free of this live and unlocked block was refused");
}

/// Must be refused, with nothing changed.
static enum steve_outcome free_locked(struct steve_exec *exec, struct steve_slot *slot)
{
    if ((exec->promises & STEVE_PROMISE_REFUSES_LOCKED) == 0) {
        return STEVE_SKIPPED;
    }
    if (exec->driver->free(exec->heap, slot->ref)) {
        bool going_on =
            !exec->checked || steve_broken(exec, STEVE_ORACLE_PIN, slot, "it was freed although it is locked");
        make_empty(exec, slot);
        return steve_outcome_of(going_on, STEVE_DONE);
    }
    bool going_on = !exec->checked || (steve_look(exec, slot, STEVE_DEPTH_ENDS) && steve_account(exec, false));
    return steve_outcome_of(going_on, STEVE_REFUSED);
}

static enum steve_outcome op_free(struct steve_exec *exec, struct steve_slot *slot)
{
    if (slot->ref == 0) {
        return STEVE_SKIPPED;
    }
    if (slot->locks > 0) {
        return free_locked(exec, slot);
    }
    bool freed;
    bool going_on = steve_free_block(exec, slot, &freed);
    return steve_outcome_of(going_on, freed ? STEVE_DONE : STEVE_REFUSED);
}

// Resizing

/// What a block was before its resize.
struct before {
    size_t bytes;
    uint64_t stamp;
    uintptr_t address;
    bool had_memory;
};

static void set_bytes(struct steve_exec *exec, struct steve_slot *slot, size_t bytes)
{
    exec->live_bytes += bytes - slot->bytes;
    if (slot->locks > 0) {
        exec->locked_bytes += bytes - slot->bytes;
    }
    slot->bytes = bytes;
}

/// A purged block that is resized is a fresh one. Whether it still is purgeable is made sure of.
static void make_fresh(struct steve_exec *exec, struct steve_slot *slot)
{
    slot->state &= (uint8_t) ~(STEVE_SLOT_PURGED | STEVE_SLOT_PURGEABLE);
    exec->purged_blocks--;
    exec->driver->set_purgeable(exec->heap, slot->ref, false);
}

static bool check_kept(struct steve_exec *exec, const struct steve_slot *slot, const struct before *before)
{
    struct steve_shadow_diff diff;
    size_t kept = before->bytes < slot->bytes ? before->bytes : slot->bytes;
    if (!before->had_memory ||
        steve_shadow_same((const void *)slot->address, before->bytes, kept, before->stamp, &diff)) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_CONTENT, slot,
                        "after the resize from %zu bytes byte %zu is 0x%02x, expected 0x%02x", before->bytes,
                        diff.offset, (unsigned)diff.actual, (unsigned)diff.expected);
}

/// The block has its new size and lies somewhere: what it held is still there, and it gets new contents.
static bool settle_resized(struct steve_exec *exec, struct steve_slot *slot, const struct before *before)
{
    if (!steve_sweep_if_moved(exec)) {
        return false;
    }
    void *address;
    enum steve_lock_result result = steve_hold(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_unreachable(exec, slot, result);
    }
    if (slot->locks > 0 && (uintptr_t)address != before->address &&
        !steve_broken(exec, STEVE_ORACLE_PIN, slot, "a resize moved it although it is locked")) {
        return false;
    }
    if (!steve_place_enter(exec, slot, (uintptr_t)address) || !check_kept(exec, slot, before)) {
        return false;
    }
    note_offset(exec, slot->address);
    steve_write(exec, slot, address);
    return steve_release(exec, slot);
}

static bool resized(struct steve_exec *exec, struct steve_slot *slot, steve_ref ref, size_t bytes)
{
    const struct before before = {slot->bytes, slot->stamp, slot->address, steve_slot_has_memory(slot)};
    if (exec->handles && ref != slot->ref &&
        !steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "a resize changed its handle")) {
        return false;
    }
    if (!before.had_memory) {
        make_fresh(exec, slot);
    } else if (exec->checked) {
        steve_place_leave(exec, slot);
    }
    slot->ref = ref;
    if ((exec->promises & STEVE_PROMISE_HANDLES) == 0) {
        slot->alignment = 0; // realloc() keeps no alignment
    }
    set_bytes(exec, slot, bytes);
    if (!exec->checked) {
        write_unchecked(exec, slot);
        return true;
    }
    return settle_resized(exec, slot, &before);
}

/// The block must be as it was before the resize that was refused.
static bool check_unchanged(struct steve_exec *exec, const struct steve_slot *slot)
{
    void *address;
    if (steve_peek(exec, slot, &address) != STEVE_LOCK_OK) {
        return exec->found
                   ? false
                   : steve_broken(exec, STEVE_ORACLE_REFUSAL, slot, "it cannot be locked after a refused resize");
    }
    if ((uintptr_t)address != slot->address &&
        !steve_broken(exec, STEVE_ORACLE_REFUSAL, slot, "a refused resize moved it")) {
        return false;
    }
    struct steve_shadow_diff diff;
    if (!steve_shadow_same(address, slot->bytes, slot->bytes, slot->stamp, &diff) &&
        !steve_broken(exec, STEVE_ORACLE_REFUSAL, slot, "after a refused resize byte %zu is 0x%02x, expected 0x%02x",
                      diff.offset, (unsigned)diff.actual, (unsigned)diff.expected)) {
        return false;
    }
    return steve_peek_end(exec, slot);
}

static bool check_refused_resize(struct steve_exec *exec, const struct steve_slot *slot, size_t bytes)
{
    if (!exec->checked) {
        return true;
    }
    return steve_sweep_if_moved(exec) && (!steve_slot_has_memory(slot) || check_unchanged(exec, slot)) &&
           steve_refusal_of_resize(exec, slot, bytes) && steve_account(exec, false);
}

static enum steve_outcome op_resize(struct steve_exec *exec, struct steve_slot *slot, size_t bytes)
{
    if (slot->ref == 0 || exec->driver->resize == NULL) {
        return STEVE_SKIPPED;
    }
    if (slot->locks > 0 && (exec->promises & STEVE_PROMISE_RESIZE_IN_PLACE) == 0) {
        return STEVE_SKIPPED;
    }
    if (!steve_may_move(exec) || !may_write(exec, slot->bytes < bytes ? slot->bytes : bytes)) {
        return STEVE_SKIPPED;
    }
    steve_ref ref = exec->driver->resize(exec->heap, slot->ref, bytes);
    if (ref == 0 && exec->driver->failed_resize == STEVE_FAILED_RESIZE_FREES) {
        make_empty(exec, slot);
        return steve_outcome_of(!exec->checked || steve_account(exec, false), STEVE_REFUSED);
    }
    if (ref == 0) {
        return steve_outcome_of(check_refused_resize(exec, slot, bytes), STEVE_REFUSED);
    }
    return steve_outcome_of(resized(exec, slot, ref, bytes) && check_usable(exec, slot), STEVE_DONE);
}

// Locking

/// A purged block cannot be locked.
static enum steve_outcome lock_of_purged(struct steve_exec *exec, const struct steve_slot *slot,
                                         enum steve_lock_result result)
{
    if (!exec->checked || result == STEVE_LOCK_PURGED) {
        return STEVE_REFUSED;
    }
    return steve_outcome_of(
        steve_broken(exec, STEVE_ORACLE_CONTENT, slot, "a lock does not tell that its contents were dropped"),
        STEVE_REFUSED);
}

static bool check_locked(struct steve_exec *exec, const struct steve_slot *slot, const void *address)
{
    if (!exec->checked) {
        return true;
    }
    if (!steve_place_same(exec, slot, address) || !steve_contents(exec, slot, STEVE_DEPTH_ENDS)) {
        return false;
    }
    note_offset(exec, slot->address);
    return true;
}

bool steve_may_lock(const struct steve_exec *exec, const struct steve_slot *slot)
{
    unsigned most = (exec->promises & STEVE_PROMISE_LOCKS_NEST) != 0 ? STEVE_LOCKS_MOST : 1;
    return exec->driver->lock != NULL && slot->ref != 0 && slot->locks < most;
}

static enum steve_outcome op_lock(struct steve_exec *exec, struct steve_slot *slot)
{
    if (!steve_may_lock(exec, slot)) {
        return STEVE_SKIPPED;
    }
    void *address;
    enum steve_lock_result result = exec->driver->lock(exec->heap, slot->ref, &address);
    if (!steve_slot_has_memory(slot)) {
        return lock_of_purged(exec, slot, result);
    }
    if (result != STEVE_LOCK_OK) {
        return steve_outcome_of(!exec->checked || steve_unreachable(exec, slot, result), STEVE_REFUSED);
    }
    if (slot->locks++ == 0) {
        exec->locked_blocks++;
        exec->locked_bytes += slot->bytes;
    }
    return steve_outcome_of(check_locked(exec, slot, address), STEVE_DONE);
}

static enum steve_outcome op_weak_lock(struct steve_exec *exec, struct steve_slot *slot)
{
    if (exec->driver->weak_lock == NULL || slot->ref == 0) {
        return STEVE_SKIPPED;
    }
    void *address;
    enum steve_lock_result result = exec->driver->weak_lock(exec->heap, slot->ref, &address);
    if (!steve_slot_has_memory(slot)) {
        return lock_of_purged(exec, slot, result);
    }
    if (result != STEVE_LOCK_OK) {
        return steve_outcome_of(!exec->checked || steve_unreachable(exec, slot, result), STEVE_REFUSED);
    }
    return steve_outcome_of(check_locked(exec, slot, address), STEVE_DONE);
}

static enum steve_outcome op_unlock(struct steve_exec *exec, struct steve_slot *slot)
{
    if (slot->locks == 0) {
        return STEVE_SKIPPED;
    }
    bool unlocked = exec->driver->unlock(exec->heap, slot->ref);
    bool going_on = unlocked || !exec->checked ||
                    steve_broken(exec, STEVE_ORACLE_PIN, slot, "an unlock was refused although it is locked %u times",
                                 (unsigned)slot->locks);
    if (going_on && --slot->locks == 0) {
        note_unlocked(exec, slot);
    }
    return steve_outcome_of(going_on, STEVE_DONE);
}

// Contents

static enum steve_outcome op_purgeable(struct steve_exec *exec, struct steve_slot *slot, bool purgeable)
{
    if (exec->driver->set_purgeable == NULL || !steve_slot_has_memory(slot)) {
        return STEVE_SKIPPED;
    }
    if (!exec->driver->set_purgeable(exec->heap, slot->ref, purgeable)) {
        return steve_outcome_of(!exec->checked ||
                                    steve_broken(exec, STEVE_ORACLE_HANDLE, slot, "it could not be made %s",
                                                 purgeable ? "purgeable" : "one to keep"),
                                STEVE_REFUSED);
    }
    bool was_purgeable = (slot->state & STEVE_SLOT_PURGEABLE) != 0;
    if (purgeable && !was_purgeable) {
        exec->purgeable_blocks++;
    } else if (!purgeable && was_purgeable) {
        exec->purgeable_blocks--;
    }
    slot->state = (uint8_t)(STEVE_SLOT_USED | (purgeable ? STEVE_SLOT_PURGEABLE : 0));
    return STEVE_DONE;
}

static bool write_checked(struct steve_exec *exec, struct steve_slot *slot)
{
    void *address;
    enum steve_lock_result result = steve_hold(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_unreachable(exec, slot, result);
    }
    if (!steve_place_same(exec, slot, address) || !steve_contents(exec, slot, STEVE_DEPTH_CREDIT)) {
        return false;
    }
    steve_write(exec, slot, address);
    return steve_release(exec, slot);
}

static enum steve_outcome op_write(struct steve_exec *exec, struct steve_slot *slot)
{
    if (!steve_slot_has_memory(slot)) {
        return STEVE_SKIPPED;
    }
    if (!exec->checked) {
        write_unchecked(exec, slot);
        return STEVE_DONE;
    }
    return steve_outcome_of(write_checked(exec, slot), STEVE_DONE);
}

static enum steve_outcome op_verify(struct steve_exec *exec, struct steve_slot *slot)
{
    if (!steve_slot_has_memory(slot)) {
        return STEVE_SKIPPED;
    }
    if (!exec->checked) {
        void *address;
        if (steve_hold(exec, slot, &address) == STEVE_LOCK_OK) {
            steve_release(exec, slot);
        }
        return STEVE_DONE;
    }
    return steve_outcome_of(steve_look(exec, slot, STEVE_DEPTH_WHOLE), STEVE_DONE);
}

enum steve_outcome steve_op_block(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    struct steve_slot *slot = &exec->slots[op.slot];
    switch (op.code) {
    case STEVE_OP_RESIZE:
        return op_resize(exec, slot, bytes);
    case STEVE_OP_FREE:
        return op_free(exec, slot);
    case STEVE_OP_LOCK:
        return op_lock(exec, slot);
    case STEVE_OP_UNLOCK:
        return op_unlock(exec, slot);
    case STEVE_OP_WEAK_LOCK:
        return op_weak_lock(exec, slot);
    case STEVE_OP_PURGEABLE:
        return op_purgeable(exec, slot, true);
    case STEVE_OP_KEEP:
        return op_purgeable(exec, slot, false);
    case STEVE_OP_WRITE:
        return op_write(exec, slot);
    case STEVE_OP_VERIFY:
        return op_verify(exec, slot);
    default:
        return op_request(exec, slot, op, bytes);
    }
}
