/// Calls that must be refused: handles of which one bit is wrong, those of free slots, arguments out of range, and a block that
/// is locked, or purged, and may not be what a call needs. Each leaves the heap as it was, and has its status.
#include "steve/drivers/jeff/trial_internal.h"

#include <string.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff/audit_internal.h"

#define BYTES       4096u
#define CALLS       40u
#define OTHER_BYTES 2048u ///< of another heap
#define SALT        0x5bd1e995u
#define NO_BLOCK    ((jeff_handle)3) ///< slot 0: no table has it

/// Whether the heap tells of itself what it told before. What was refused is counted.
static bool is_same(const struct jeff_stats *before, jeff_heap *heap)
{
    struct jeff_stats after;
    jeff_stats(heap, &after);
    return after.control_bytes == before->control_bytes && after.table_bytes == before->table_bytes &&
           after.spare_handles == before->spare_handles && after.live_blocks == before->live_blocks &&
           after.live_bytes == before->live_bytes && after.free_bytes == before->free_bytes &&
           after.compactions == before->compactions && after.moved_bytes == before->moved_bytes;
}

/// Takes the last status, and puts another in its place: that of a call with an alignment that there is not.
static enum jeff_status last_status(jeff_heap *heap)
{
    const enum jeff_status status = jeff_last_status(heap);
    jeff_aligned_alloc(heap, 3, 1);
    return jeff_last_status(heap) == JEFF_ERROR_ARGUMENT ? status : JEFF_OK;
}

#define REFUSED(call, expected)                                                                                        \
    if ((call) || last_status(heap) != (expected)) {                                                                   \
        return false;                                                                                                  \
    }

/// Every function refuses the handle.
static bool refuses(jeff_heap *heap, jeff_handle handle)
{
    void *begin = NULL;
    REFUSED(jeff_lock(heap, handle) != NULL, JEFF_ERROR_HANDLE)
    REFUSED(jeff_weak_lock(heap, handle) != NULL, JEFF_ERROR_HANDLE)
    REFUSED(jeff_lock_inline(heap, handle) != NULL, JEFF_ERROR_HANDLE)
    REFUSED(jeff_weak_lock_inline(heap, handle) != NULL, JEFF_ERROR_HANDLE)
    REFUSED(jeff_unlock(heap, handle), JEFF_ERROR_HANDLE)
    REFUSED(jeff_unlock_inline(heap, handle), JEFF_ERROR_HANDLE)
    REFUSED(jeff_resize(heap, handle, 8), JEFF_ERROR_HANDLE)
    REFUSED(jeff_set_purgeable(heap, handle, true), JEFF_ERROR_HANDLE)
    REFUSED(jeff_settle(heap, handle), JEFF_ERROR_HANDLE)
    REFUSED(handle != JEFF_NULL && jeff_free(heap, handle),
            handle == JEFF_NULL ? JEFF_ERROR_ARGUMENT : JEFF_ERROR_HANDLE)
    return jeff_lock_count(heap, handle) == 0 && jeff_usable_size(heap, handle) == 0 &&
           jeff_extent(heap, handle, &begin) == 0;
}

static bool is_one_of(const struct steve_jeff_trial *trial, jeff_handle handle)
{
    for (size_t i = 0; i < STEVE_JEFF_TRIAL_BLOCKS; i++) {
        if (trial->block[i].handle == handle) {
            return true;
        }
    }
    return false;
}

/// Handles like those of a block that is, or was, there.
static void made_up(struct steve_jeff_trial *trial, jeff_handle handle)
{
    struct jeff_stats before;
    jeff_stats(trial->heap, &before);
    for (unsigned i = 0; i < 8; i++) {
        const jeff_handle other = handle ^ (jeff_handle)1 << steve_jeff_trial_below(trial, 64);
        if (!is_one_of(trial, other) && !refuses(trial->heap, other)) {
            steve_jeff_trial_note(trial, "a handle of which one bit is wrong was not refused");
        }
    }
    if (!refuses(trial->heap, JEFF_NULL) || !refuses(trial->heap, UINT64_MAX)) {
        steve_jeff_trial_note(trial, "a handle of no block was not refused");
    }
    // What the entry of a block says that is no longer there.
    if (!is_one_of(trial, handle) && jeff_inline_has_entry(trial->heap, handle)) {
        const uint64_t life = jeff_inline_word(jeff_inline_entry(trial->heap, handle)) & JEFF_INLINE_LIFE;
        const jeff_handle now = (handle & ~JEFF_INLINE_LIFE) | life;
        if (!is_one_of(trial, now) && !refuses(trial->heap, now)) {
            steve_jeff_trial_note(trial, "a handle of a free slot was not refused");
        }
    }
    if (!is_same(&before, trial->heap)) {
        steve_jeff_trial_note(trial, "a call with a handle that there is not has changed the heap");
    }
}

/// Handles of a heap with another salt, or with none, which is then that of its address.
static void foreign(struct steve_jeff_trial *trial, char *region, uint32_t salt)
{
    const struct jeff_config config = {.handle_salt = salt, .now_ns = steve_jeff_trial_now, .context = trial};
    jeff_heap *const other = jeff_init(region, OTHER_BYTES, &config, NULL);
    for (size_t i = 0; other != NULL && i < STEVE_JEFF_TRIAL_BLOCKS; i++) {
        const jeff_handle handle = trial->block[i].handle;
        const jeff_handle own = jeff_malloc(other, i);
        if (handle == JEFF_NULL || own == JEFF_NULL) {
            continue;
        }
        if (!refuses(other, handle) || !refuses(trial->heap, own)) {
            steve_jeff_trial_note(trial, "a handle of a heap with another salt was not refused");
        }
    }
    jeff_destroy(other);
}

/// Handles of two heaps without a salt, one beside the other.
static void foreign_neighbours(struct steve_jeff_trial *trial, char *region)
{
    const struct jeff_config config = {.now_ns = steve_jeff_trial_now, .context = trial};
    jeff_heap *const one = jeff_init(region, OTHER_BYTES, &config, NULL);
    jeff_heap *const other = jeff_init(region + OTHER_BYTES, OTHER_BYTES, &config, NULL);
    if (one == NULL || other == NULL || !refuses(other, jeff_malloc(one, 8)) || !refuses(one, jeff_malloc(other, 8))) {
        steve_jeff_trial_note(trial, "a handle of a heap beside it, neither of which has a salt, was not refused");
    }
    jeff_destroy(one);
    jeff_destroy(other);
}

/// Requests that no heap can serve, or not this one.
static void requests(struct steve_jeff_trial *trial)
{
    jeff_heap *const heap = trial->heap;
    const size_t bad[] = {0, 3, 24, 65537, 131072, SIZE_MAX, SIZE_MAX / 2 + 1};
    const size_t large[] = {BYTES, BYTES * 4, UINT32_MAX, SIZE_MAX / 2, SIZE_MAX - 64, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (jeff_aligned_alloc(heap, bad[i], 8) != JEFF_NULL || jeff_last_status(heap) != JEFF_ERROR_ARGUMENT) {
            steve_jeff_trial_note(trial, "an alignment that there is not was not refused");
        }
        if (bad[i] != 0 && jeff_run_needed(heap, bad[i], 8) != SIZE_MAX) { // 0 is none
            steve_jeff_trial_note(trial, "an alignment that there is not needs a run that a heap could have");
        }
    }
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        if (jeff_malloc(heap, large[i]) != JEFF_NULL || last_status(heap) != JEFF_ERROR_NO_MEMORY ||
            jeff_aligned_alloc(heap, 65536, large[i]) != JEFF_NULL || last_status(heap) != JEFF_ERROR_NO_MEMORY ||
            jeff_calloc(heap, large[i], 3) != JEFF_NULL || last_status(heap) != JEFF_ERROR_NO_MEMORY) {
            steve_jeff_trial_note(trial, "a request for more than all of a heap was not refused");
        }
        const size_t needed = jeff_run_needed(heap, 0, large[i]);
        if (needed < large[i] || (large[i] > BYTES && needed != SIZE_MAX)) {
            steve_jeff_trial_note(trial, "a request for more than all of a heap needs a run that it could have");
        }
    }
}

/// How large a run is said to be needed, against what a block takes.
static void run_needed(struct steve_jeff_trial *trial)
{
    const size_t bytes = steve_jeff_trial_below(trial, 16u << steve_jeff_trial_below(trial, 8));
    const size_t alignment = steve_jeff_trial_below(trial, 2) * ((size_t)1 << steve_jeff_trial_below(trial, 9));
    const jeff_handle handle =
        alignment != 0 ? jeff_aligned_alloc(trial->heap, alignment, bytes) : jeff_malloc(trial->heap, bytes);
    const size_t needed = jeff_run_needed(trial->heap, alignment, bytes);
    void *begin = NULL;
    const size_t extent = jeff_extent(trial->heap, handle, &begin);
    const size_t rounded = alignment > 16 ? alignment : 16;
    // A freed block of the next size may be given out whole.
    if (needed < bytes + 4 || (handle != JEFF_NULL && (extent < bytes + 4 || needed + 16 < extent)) ||
        needed > bytes + 4 + 16 + 16 + rounded) {
        steve_jeff_trial_note(trial, "a block takes another run than is said to be needed");
    }
    if (handle != JEFF_NULL && !jeff_free(trial->heap, handle)) {
        steve_jeff_trial_note(trial, "a block cannot be freed");
    }
}

static bool keep_address(void *context, const struct jeff_block *block)
{
    if (block->kind == JEFF_BLOCK_LIVE) {
        *(size_t *)context += 1;
    }
    return true;
}

/// Of all addresses in the heap, those of its blocks' first bytes have a handle.
static void addresses(struct steve_jeff_trial *trial)
{
    size_t blocks = 0;
    size_t found = 0;
    const char *const begin = (const char *)trial->heap - 32;
    jeff_walk(trial->heap, keep_address, &blocks);
    for (size_t i = 0; i < BYTES + 64; i += 8) {
        const jeff_handle handle = jeff_handle_of(trial->heap, begin + i);
        found += handle != JEFF_NULL;
        if (handle != JEFF_NULL && (!is_one_of(trial, handle) || jeff_weak_lock(trial->heap, handle) != begin + i)) {
            steve_jeff_trial_note(trial, "an address has the handle of a block that lies elsewhere");
        }
    }
    if (found != blocks) {
        steve_jeff_trial_note(trial, "another number of addresses have handles than there are blocks");
    }
}

/// A block that is locked, and one that is not.
static void locks(struct steve_jeff_trial *trial, jeff_handle handle)
{
    jeff_heap *const heap = trial->heap;
    const unsigned before = jeff_lock_count(heap, handle);
    void *const address = jeff_weak_lock(heap, handle);
    if (address == NULL) {
        return; // purged
    }
    struct jeff_stats stats;
    if (before == 0 && (jeff_unlock(heap, handle) || last_status(heap) != JEFF_ERROR_NOT_LOCKED)) {
        steve_jeff_trial_note(trial, "a block that is not locked was unlocked");
    }
    if (jeff_lock(heap, handle) != address || jeff_lock_inline(heap, handle) != address ||
        jeff_lock_count(heap, handle) != before + 2) {
        steve_jeff_trial_note(trial, "a block that is locked twice is not at one place, or not locked twice");
    }
    jeff_stats(heap, &stats);
    if (jeff_free(heap, handle) || last_status(heap) != JEFF_ERROR_LOCKED || jeff_settle(heap, handle) ||
        last_status(heap) != JEFF_ERROR_LOCKED || !is_same(&stats, heap)) {
        steve_jeff_trial_note(trial, "a block that is locked was freed or settled");
    }
    if (jeff_resize(heap, handle, BYTES) || last_status(heap) != JEFF_ERROR_LOCKED ||
        jeff_weak_lock(heap, handle) != address) {
        steve_jeff_trial_note(trial, "a block that is locked grew to more than its heap");
    }
    if (!jeff_unlock_inline(heap, handle) || !jeff_unlock(heap, handle) || jeff_lock_count(heap, handle) != before) {
        steve_jeff_trial_note(trial, "a block that was locked twice cannot be unlocked twice");
    }
}

/// A block whose contents are dropped for others.
static void purge(struct steve_jeff_trial *trial)
{
    jeff_heap *const heap = trial->heap;
    void *begin = NULL;
    const jeff_handle handle = jeff_malloc(heap, 64);
    if (handle == JEFF_NULL || !jeff_set_purgeable(heap, handle, true)) {
        return;
    }
    for (size_t bytes = BYTES; bytes >= 32 && jeff_usable_size(heap, handle) != 0; bytes /= 2) {
        while (jeff_malloc(heap, bytes) != JEFF_NULL) {
        }
    }
    for (unsigned i = 0; i < BYTES / 16 && jeff_usable_size(heap, handle) != 0 && jeff_malloc(heap, 40) != JEFF_NULL;
         i++) {
    }
    if (jeff_usable_size(heap, handle) != 0) {
        return;
    }
    if (jeff_lock(heap, handle) != NULL || last_status(heap) != JEFF_ERROR_PURGED ||
        jeff_weak_lock(heap, handle) != NULL || last_status(heap) != JEFF_ERROR_PURGED || jeff_settle(heap, handle) ||
        last_status(heap) != JEFF_ERROR_PURGED || jeff_set_purgeable(heap, handle, false) ||
        last_status(heap) != JEFF_ERROR_PURGED || jeff_unlock(heap, handle) ||
        last_status(heap) != JEFF_ERROR_NOT_LOCKED || jeff_lock_count(heap, handle) != 0 ||
        jeff_extent(heap, handle, &begin) != 0) {
        steve_jeff_trial_note(trial, "a block that was purged can be reached, or has a lock");
    }
    if (!jeff_free(heap, handle) || jeff_free(heap, handle)) {
        steve_jeff_trial_note(trial, "a block that was purged cannot be freed, or twice");
    }
}

static bool visit_none(void *context, const struct jeff_block *block)
{
    (void)block;
    ((struct steve_jeff_trial *)context)->wrong = "a heap was walked over while it was moving, or gone";
    return false;
}

static bool visit_no_pin(void *context, const struct jeff_pin *pin)
{
    (void)pin;
    ((struct steve_jeff_trial *)context)->wrong = "the pins of a heap were listed while it was moving, or gone";
    return false;
}

/// While a block moves: each function that needs more than the block itself is refused, and says so.
static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    jeff_heap *const heap = trial->heap;
    struct jeff_report report;
    bool refused = true;
    (void)from;
    if (jeff_weak_lock(heap, handle) != to || jeff_usable_size(heap, handle) < bytes || jeff_unlock(heap, NO_BLOCK)) {
        steve_jeff_trial_note(trial, "a block that was moved is not where it is said to be");
    }
    // The last status is now another.
    switch (steve_jeff_trial_below(trial, 10)) {
    case 0:
        refused = jeff_malloc(heap, 8) == JEFF_NULL;
        break;
    case 1:
        refused = jeff_calloc(heap, 1, 8) == JEFF_NULL;
        break;
    case 2:
        refused = jeff_aligned_alloc(heap, 64, 8) == JEFF_NULL;
        break;
    case 3:
        refused = !jeff_resize(heap, handle, 8);
        break;
    case 4:
        jeff_destroy(heap);
        break;
    case 5:
        refused = jeff_compact_goal(heap, NULL, &report) == JEFF_STOP_BUSY && report.stop == JEFF_STOP_BUSY;
        break;
    case 6:
        refused = !jeff_settle(heap, handle);
        break;
    case 7:
        refused = jeff_check(heap, NULL) == JEFF_ERROR_BUSY;
        break;
    case 8:
        jeff_walk(heap, visit_none, trial);
        break;
    default:
        jeff_pins(heap, visit_no_pin, trial);
    }
    if (!refused || jeff_last_status(heap) != JEFF_ERROR_BUSY) {
        steve_jeff_trial_note(trial,
                              "what may not be done while a block moves was done, or refused for another reason");
    }
}

/// Each status has a sentence of its own.
static void texts(struct steve_jeff_trial *trial)
{
    const char *const unknown = jeff_strerror((enum jeff_status)(JEFF_ERROR_CORRUPT + 1));
    for (int i = 0; i <= JEFF_ERROR_CORRUPT; i++) {
        const char *text = jeff_strerror((enum jeff_status)i);
        if (text == NULL || strlen(text) < 4 || text[strlen(text) - 1] == '.' || strcmp(text, unknown) == 0) {
            steve_jeff_trial_note(trial, "a status has no sentence");
            return;
        }
        for (int other = 0; other < i; other++) {
            if (strcmp(text, jeff_strerror((enum jeff_status)other)) == 0) {
                steve_jeff_trial_note(trial, "two statuses have the same sentence");
            }
        }
    }
    if (strlen(unknown) < 4) {
        steve_jeff_trial_note(trial, "what is no status has no sentence");
    }
}

static void run(struct steve_jeff_trial *trial, char *region)
{
    jeff_handle last = JEFF_NULL;
    for (unsigned i = 0; i < CALLS; i++) {
        const struct steve_jeff_trial_block *block =
            &trial->block[steve_jeff_trial_below(trial, STEVE_JEFF_TRIAL_BLOCKS)];
        last = block->handle != JEFF_NULL ? block->handle : last;
        steve_jeff_trial_op(trial);
    }
    steve_jeff_trial_look(trial);
    if (last != JEFF_NULL) {
        made_up(trial, last);
    }
    if (is_one_of(trial, last) && last != JEFF_NULL) {
        locks(trial, last);
    }
    foreign(trial, region, steve_jeff_trial_below(trial, 2) * (SALT - 1));
    foreign_neighbours(trial, region);
    requests(trial);
    run_needed(trial);
    addresses(trial);
    steve_jeff_trial_look(trial);
    purge(trial);
    if (steve_jeff_trial_below(trial, 8) == 0) {
        texts(trial);
    }
}

void steve_jeff_trial_misuse(struct steve_jeff_trial *trial)
{
    const struct jeff_config config = {.handle_salt = SALT + steve_jeff_trial_below(trial, 1000),
                                       .no_last_resort = steve_jeff_trial_below(trial, 4) == 0,
                                       .scramble = steve_jeff_trial_below(trial, 8) == 0,
                                       .now_ns = steve_jeff_trial_now,
                                       .moved = steve_jeff_trial_below(trial, 2) == 0 ? on_moved : NULL,
                                       .context = trial};
    char *const memory = steve_jeff_trial_memory(BYTES);
    trial->heap = jeff_init(memory + 64, BYTES, &config, NULL);
    if (trial->heap == NULL) {
        steve_jeff_trial_note(trial, "a heap of a trial was refused");
        return;
    }
    run(trial, memory + BYTES + 4096);
    jeff_lock(trial->heap, jeff_malloc(trial->heap, 0));
    jeff_destroy(trial->heap);
    jeff_walk(trial->heap, visit_none, trial);
    jeff_pins(trial->heap, visit_no_pin, trial);
    if (jeff_malloc(trial->heap, 0) != JEFF_NULL || jeff_last_status(trial->heap) != JEFF_ERROR_BUSY ||
        jeff_compact(trial->heap, 0) != JEFF_STOP_BUSY || jeff_check(trial->heap, NULL) != JEFF_ERROR_BUSY) {
        steve_jeff_trial_note(trial, "a heap that was destroyed is in use");
    }
}
