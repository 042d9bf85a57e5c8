/// The misuse ops: calls with a ref that is stale, foreign or made up. They must be refused, and nothing may change.
#include "steve/core/exec_internal.h"

#define FOREIGN_BLOCKS     ((size_t)8)
#define FOREIGN_HEAP_BYTES ((size_t)65536)
#define RESIZED_TO         24u

enum call { CALL_FREE, CALL_LOCK, CALL_UNLOCK, CALL_RESIZE };
enum ref_kind { REF_STALE, REF_FOREIGN, REF_FORGED };

static const char *const call_names[] = {"free", "lock", "unlock", "resize"};
static const char *const ref_names[] = {"stale", "foreign", "made-up"};

/// Opens the second heap and makes some blocks in it, the later ones in places that were freed, so that their generations differ.
static void open_foreign(struct steve_exec *exec)
{
    const struct steve_driver *driver = exec->driver;
    size_t bytes = FOREIGN_HEAP_BYTES > driver->heap_min ? FOREIGN_HEAP_BYTES : driver->heap_min;
    struct steve_geometry geometry = {.bytes = bytes, .salt = 2};
    exec->foreign_tried = true;
    if ((exec->promises & STEVE_PROMISE_REGION) != 0) {
        if (!steve_region_place(&exec->foreign_region, &(struct steve_region_place){.bytes = bytes})) {
            return;
        }
        geometry.region = exec->foreign_region.base;
    }
    const char *why;
    exec->foreign_heap = driver->open(&geometry, &why);
    if (exec->foreign_heap == NULL) {
        return;
    }
    for (size_t i = 0; i < FOREIGN_BLOCKS; i++) {
        exec->foreign[i] = driver->malloc(exec->foreign_heap, 64);
        for (size_t again = 0; again < i % 4 && exec->foreign[i] != 0; again++) {
            driver->free(exec->foreign_heap, exec->foreign[i]);
            exec->foreign[i] = driver->malloc(exec->foreign_heap, 64);
        }
    }
}

/// A made-up ref may hit a live block by chance. Without checking no set of live refs is kept.
static bool is_live(const struct steve_exec *exec, steve_ref ref)
{
    if (exec->handles) {
        return steve_refs_has(&exec->refs, ref);
    }
    for (size_t i = 0; i < exec->used_count; i++) {
        if (exec->slots[exec->used[i]].ref == ref) {
            return true;
        }
    }
    return false;
}

/// @return 0 if there is none, or if a made-up one happens to be that of a live block. A foreign one may not be.
static steve_ref wrong_ref(struct steve_exec *exec, const struct steve_slot *slot, struct steve_op op,
                           enum ref_kind kind)
{
    steve_ref ref = slot->stale;
    if (kind == REF_FOREIGN) {
        if (!exec->foreign_tried) {
            open_foreign(exec);
        }
        ref = exec->foreign[op.slot % FOREIGN_BLOCKS];
    } else if (kind == REF_FORGED) {
        ref = slot->ref != 0 ? slot->ref : slot->stale;
        ref = ref == 0 ? 0 : ref ^ (steve_ref)1 << op.arg % 64u;
    }
    return kind != REF_FOREIGN && is_live(exec, ref) ? 0 : ref;
}

/// @return true if the driver refused
static bool call_refused(struct steve_exec *exec, enum call call, steve_ref ref)
{
    void *address;
    switch (call) {
    case CALL_FREE:
        return !exec->driver->free(exec->heap, ref);
    case CALL_LOCK:
        return exec->driver->lock(exec->heap, ref, &address) == STEVE_LOCK_REFUSED;
    case CALL_UNLOCK:
        return !exec->driver->unlock(exec->heap, ref);
    default:
        return exec->driver->resize(exec->heap, ref, RESIZED_TO) == 0;
    }
}

static bool has_function(const struct steve_driver *driver, enum call call)
{
    if (call == CALL_RESIZE) {
        return driver->resize != NULL;
    }
    return call == CALL_FREE || driver->lock != NULL;
}

/// What a client can see of a heap as a whole.
struct seen {
    struct steve_stats stats;
    uint64_t moves;
};

static struct seen see(const struct steve_driver *driver, void *heap)
{
    struct seen seen = {{0, 0, 0}, 0};
    if (driver->stats != NULL && heap != NULL) {
        driver->stats(heap, &seen.stats);
    }
    if (driver->moves != NULL && heap != NULL) {
        seen.moves = driver->moves(heap);
    }
    return seen;
}

static bool is_same(const struct seen *a, const struct seen *b)
{
    return a->stats.live_blocks == b->stats.live_blocks && a->stats.live_bytes == b->stats.live_bytes &&
           a->stats.free_bytes == b->stats.free_bytes && a->moves == b->moves;
}

/// The block whose ref was next to the wrong one is the likeliest victim.
static bool check_victim(struct steve_exec *exec, const struct steve_slot *slot)
{
    return slot->ref == 0 || !steve_slot_has_memory(slot) || steve_look(exec, slot, STEVE_DEPTH_ENDS);
}

/// @param owner the heap that a foreign ref is of; NULL for all others
static bool misuse(struct steve_exec *exec, const struct steve_slot *slot, enum call call, steve_ref ref,
                   const char *what, void *owner)
{
    if (!exec->checked) {
        call_refused(exec, call, ref);
        return true;
    }
    struct seen before = see(exec->driver, exec->heap);
    struct seen before_there = see(exec->driver, owner);
    if (!call_refused(exec, call, ref)) {
        return steve_broken(exec, STEVE_ORACLE_HANDLE, NULL, "%s with a %s ref (0x%llx, slot s%u) was not refused",
                            call_names[call], what, (unsigned long long)ref, (unsigned)steve_slot_index(exec, slot));
    }
    struct seen after = see(exec->driver, exec->heap);
    struct seen after_there = see(exec->driver, owner);
    if (!is_same(&before, &after)) {
        return steve_broken(
            exec, STEVE_ORACLE_HANDLE, NULL,
            "%s with a %s ref was refused, but changed something: %zu blocks, %zu bytes, %zu free before; "
            "%zu, %zu, %zu after",
            call_names[call], what, before.stats.live_blocks, before.stats.live_bytes, before.stats.free_bytes,
            after.stats.live_blocks, after.stats.live_bytes, after.stats.free_bytes);
    }
    if (!is_same(&before_there, &after_there)) {
        return steve_broken(exec, STEVE_ORACLE_HANDLE, NULL,
                            "%s with a %s ref was refused, but changed something in the heap that it is of: %zu blocks "
                            "before, %zu after",
                            call_names[call], what, before_there.stats.live_blocks, after_there.stats.live_blocks);
    }
    return check_victim(exec, slot);
}

static enum steve_outcome unlock_unlocked(struct steve_exec *exec, const struct steve_slot *slot)
{
    if (exec->driver->lock == NULL || slot->ref == 0 || slot->locks > 0) {
        return STEVE_SKIPPED;
    }
    return steve_outcome_of(misuse(exec, slot, CALL_UNLOCK, slot->ref, "live but unlocked block's", NULL),
                            STEVE_REFUSED);
}

enum steve_outcome steve_op_misuse(struct steve_exec *exec, struct steve_op op)
{
    const struct steve_slot *slot = &exec->slots[op.slot];
    if ((exec->promises & STEVE_PROMISE_REFUSES_MISUSE) == 0) {
        return STEVE_SKIPPED;
    }
    if (op.code == STEVE_OP_UNLOCK_UNLOCKED) {
        return unlock_unlocked(exec, slot);
    }
    unsigned number = op.code - (unsigned)STEVE_OP_FREE_STALE;
    enum call call = (enum call)(number % 4);
    enum ref_kind kind = (enum ref_kind)(number / 4);
    if (!has_function(exec->driver, call)) {
        return STEVE_SKIPPED;
    }
    steve_ref ref = wrong_ref(exec, slot, op, kind);
    if (ref == 0) {
        return STEVE_SKIPPED;
    }
    void *owner = kind == REF_FOREIGN ? exec->foreign_heap : NULL;
    return steve_outcome_of(misuse(exec, slot, call, ref, ref_names[kind], owner), STEVE_REFUSED);
}
