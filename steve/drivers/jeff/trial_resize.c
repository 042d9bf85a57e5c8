/// Blocks that are resized to every size near an edge: where a size takes a granule more, where a block becomes a wide one, and
/// where the free memory above it ends.
#include "steve/drivers/jeff/trial_internal.h"

#include "lib/jeff/heap_internal.h"

#define BYTES    ((size_t)12 << 10)
#define CALLS    24u
#define IN_PLACE 2012u ///< a block that was made for so many bytes, or fewer, grows up to this size where it lies

/// What the callback does before a request for room is refused, to the block that is being resized and to others.
enum { LEAVE, FREE, LOCK, PURGE, FREE_ANOTHER, DEEDS };

struct resizing {
    struct steve_jeff_trial *trial;
    struct steve_jeff_trial_block *block; ///< NULL: none is being resized
    unsigned deed;
};

static bool on_low_memory(void *context, size_t bytes)
{
    struct resizing *resizing = context;
    struct steve_jeff_trial *trial = resizing->trial;
    (void)bytes;
    if (resizing->block == NULL) {
        return false;
    }
    const jeff_handle handle = resizing->block->handle;
    struct steve_jeff_trial_block *other = &trial->block[steve_jeff_trial_below(trial, STEVE_JEFF_TRIAL_BLOCKS / 2)];
    bool done = true;
    resizing->block = NULL;
    switch (resizing->deed) {
    case FREE:
        done = jeff_free(trial->heap, handle);
        break;
    case LOCK:
        done = jeff_lock(trial->heap, handle) != NULL;
        break;
    case PURGE:
        done = jeff_set_purgeable(trial->heap, handle, true);
        break;
    case FREE_ANOTHER:
        if (other->handle != JEFF_NULL && other->handle != handle) {
            steve_jeff_trial_drop(trial, other);
        }
        break;
    default:
        done = false;
    }
    if (!done) { // locked, or purged
        resizing->deed = LEAVE;
    }
    return done;
}

/// A size on or next to an edge of one of the kinds that there are.
static size_t edge(struct steve_jeff_trial *trial)
{
    const size_t kinds[] = {0, 16 * steve_jeff_trial_below(trial, 130), IN_PLACE, 126 * 16, 126 * 16 + 16};
    const size_t near = kinds[steve_jeff_trial_below(trial, 5)] + steve_jeff_trial_below(trial, 9);
    return near < 8 ? near : near - 8;
}

/// Whether the block may be refused another size: what is free, and its own memory, must not be enough.
static void judge_refusal(struct steve_jeff_trial *trial, const struct steve_jeff_trial_block *block, size_t bytes)
{
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t slack = 16 * 1024 / 256 * STEVE_JEFF_TRIAL_BLOCKS; // what the alignments of the others may strand
    if (jeff_lock_count(trial->heap, block->handle) == 0 && stats.free_bytes > slack &&
        jeff_run_needed(trial->heap, block->alignment, bytes) <= stats.free_bytes - slack) {
        steve_jeff_trial_note(trial, "a block was refused another size although enough memory is free");
    }
}

/// A small block that nobody has locked takes in free memory above it, however much larger it becomes: its contents move up by a granule
/// at most.
static void widen(struct steve_jeff_trial *trial)
{
    const jeff_handle handle = jeff_malloc(trial->heap, 40);
    const char *const was = jeff_lock(trial->heap, handle);
    if (jeff_resize(trial->heap, handle, SIZE_MAX) || jeff_last_status(trial->heap) != JEFF_ERROR_LOCKED ||
        !jeff_unlock(trial->heap, handle) || jeff_resize(trial->heap, handle, SIZE_MAX) ||
        jeff_last_status(trial->heap) != JEFF_ERROR_NO_MEMORY) {
        steve_jeff_trial_note(trial, "a block that cannot be so large is made larger, or refused for another reason");
    }
    if (!jeff_resize(trial->heap, handle, IN_PLACE + 500)) {
        steve_jeff_trial_note(trial, "the only block of a heap cannot be made larger");
    }
    const char *const is = jeff_weak_lock(trial->heap, handle);
    if (is != was && is != was + GRANULE) {
        steve_jeff_trial_note(trial, "a block was moved to be made larger, and there was room above it");
    }
    jeff_free(trial->heap, handle);
    jeff_compact(trial->heap, 0);
}

/// As if a compaction had run out of time right below the top, or above a block that is freed then: it goes on where it was.
static void paused(struct steve_jeff_trial *trial)
{
    struct jeff_heap *const h = trial->heap;
    jeff_handle block[4];
    for (size_t i = 0; i < 4; i++) {
        block[i] = jeff_malloc(h, i == 1 ? IN_PLACE + 500 : 100);
    }
    h->cursor = h->top;
    if (!jeff_resize(h, block[3], 600) || jeff_check(h, NULL) != JEFF_OK) {
        steve_jeff_trial_note(trial, "a block has grown over where a paused compaction goes on");
    }
    const uint32_t above = live_entry(h, block[2 + steve_jeff_trial_below(trial, 2)])->off;
    h->cursor = above;
    if (!jeff_free(h, block[1]) || h->cursor != above) {
        steve_jeff_trial_note(trial, "a paused compaction goes on elsewhere because a block below was freed");
    }
    h->cursor = 0;
    for (size_t i = 0; i < 4; i++) {
        jeff_free(h, block[i]);
    }
    jeff_compact(h, 0);
}

/// The only block of a heap, locked, has all of the memory above it to grow into.
static void grow_locked(struct steve_jeff_trial *trial)
{
    struct steve_jeff_trial_block *const block = &trial->block[0];
    *block = (struct steve_jeff_trial_block){.bytes = steve_jeff_trial_below(trial, IN_PLACE + 1), .alignment = 8};
    block->handle = jeff_malloc(trial->heap, block->bytes);
    const jeff_handle above = jeff_malloc(trial->heap, steve_jeff_trial_below(trial, 3000));
    if (block->handle == JEFF_NULL || above == JEFF_NULL || !jeff_free(trial->heap, above)) {
        steve_jeff_trial_note(trial, "an empty heap refuses two blocks");
        return;
    }
    steve_jeff_trial_fill(trial, block);
    const void *const address = jeff_lock(trial->heap, block->handle);
    for (unsigned i = 0; i < 4; i++) {
        const size_t bytes = steve_jeff_trial_below(trial, 2) == 0 ? edge(trial) : steve_jeff_trial_below(trial, 2000);
        const bool done = jeff_resize(trial->heap, block->handle, bytes);
        if (jeff_weak_lock(trial->heap, block->handle) != address || (!done && bytes <= IN_PLACE)) {
            steve_jeff_trial_note(trial, "a locked block moved, or did not grow into the free memory above it");
        }
        steve_jeff_trial_compare(trial, block, done && bytes < block->bytes ? bytes : block->bytes);
        block->bytes = done ? bytes : block->bytes;
        steve_jeff_trial_fill(trial, block);
    }
    steve_jeff_trial_look(trial);
    if (!jeff_unlock(trial->heap, block->handle)) {
        steve_jeff_trial_note(trial, "a block that was locked cannot be unlocked");
    }
}

static void resize(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    const size_t bytes = edge(trial);
    struct jeff_stats before;
    struct jeff_stats after;
    jeff_stats(trial->heap, &before);
    const bool done = jeff_resize(trial->heap, block->handle, bytes);
    jeff_stats(trial->heap, &after);
    if (after.refused != before.refused + !done) {
        steve_jeff_trial_note(trial, "a block that was not resized is not counted as a refusal, or one that was is");
    }
    if (!done) {
        judge_refusal(trial, block, bytes);
        return;
    }
    if (!block->purgeable) { // else it may be a fresh one
        steve_jeff_trial_compare(trial, block, bytes < block->bytes ? bytes : block->bytes);
    }
    block->bytes = bytes;
    steve_jeff_trial_fill(trial, block);
}

/// Resizes a block to more than there is room for, while the callback does something to it.
static void resize_while(struct steve_jeff_trial *trial, struct resizing *resizing,
                         struct steve_jeff_trial_block *block)
{
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    *resizing = (struct resizing){.trial = trial, .block = block, .deed = steve_jeff_trial_below(trial, DEEDS)};
    const uint64_t compactions = jeff_compactions(trial->heap);
    const bool locked = steve_jeff_trial_below(trial, 4) == 0 && jeff_lock(trial->heap, block->handle) != NULL;
    const size_t bytes = stats.free_bytes + steve_jeff_trial_below(trial, 4000);
    const bool done = jeff_resize(trial->heap, block->handle, bytes);
    const enum jeff_status status = jeff_last_status(trial->heap);
    const bool asked = resizing->block == NULL;
    const unsigned deed = resizing->deed;
    resizing->block = NULL;
    if (locked && (!jeff_unlock(trial->heap, block->handle) ||
                   (!done && (asked || status != JEFF_ERROR_LOCKED || jeff_compactions(trial->heap) != compactions)))) {
        steve_jeff_trial_note(trial, "room was sought for a block that cannot go there, as it is locked");
    }
    if (done) { // there was room, or another one was freed
        if (asked && deed <= LOCK && deed != LEAVE) {
            steve_jeff_trial_note(trial, "a block was resized that was freed or locked meanwhile");
        }
        if (!block->purgeable) { // before: what it holds is not dropped for it, whatever the callback allows
            steve_jeff_trial_compare(trial, block, bytes < block->bytes ? bytes : block->bytes);
        }
        block->bytes = 0;
    }
    block->purgeable |= asked && deed == PURGE;
    if (asked && !done &&
        status != (deed == FREE   ? JEFF_ERROR_HANDLE
                   : deed == LOCK ? JEFF_ERROR_LOCKED
                                  : JEFF_ERROR_NO_MEMORY)) {
        steve_jeff_trial_note(trial, "a block was not resized, for another reason than there is");
    }
    if (asked && deed == FREE) {
        if (jeff_free(trial->heap, block->handle)) {
            steve_jeff_trial_note(trial, "a block that was freed in a callback is live");
        }
        block->handle = JEFF_NULL;
    } else if (asked && deed == LOCK && !jeff_unlock(trial->heap, block->handle)) {
        steve_jeff_trial_note(trial, "a block that was locked in a callback is not locked");
    }
    steve_jeff_trial_look(trial);
}

static void neighbours(struct steve_jeff_trial *trial, struct resizing *resizing)
{
    for (size_t i = 1; i < STEVE_JEFF_TRIAL_BLOCKS / 2; i++) {
        struct steve_jeff_trial_block *block = &trial->block[i];
        const bool aligned = steve_jeff_trial_below(trial, 8) == 0;
        *block = (struct steve_jeff_trial_block){.bytes = edge(trial) / (1 + steve_jeff_trial_below(trial, 16)),
                                                 .alignment = aligned ? 64 : 8};
        block->handle = aligned ? jeff_aligned_alloc(trial->heap, block->alignment, block->bytes)
                                : jeff_malloc(trial->heap, block->bytes);
        if (block->handle != JEFF_NULL) {
            steve_jeff_trial_fill(trial, block);
        }
    }
    for (unsigned i = 0; i < CALLS && trial->wrong == NULL; i++) {
        struct steve_jeff_trial_block *block =
            &trial->block[steve_jeff_trial_below(trial, STEVE_JEFF_TRIAL_BLOCKS / 2)];
        if (block->handle == JEFF_NULL) {
            continue;
        }
        const uint32_t draw = steve_jeff_trial_below(trial, 8);
        if (draw < 2) {
            steve_jeff_trial_drop(trial, block);
        } else if (draw == 2) {
            resize_while(trial, resizing, block);
        } else {
            resize(trial, block);
        }
    }
}

static uint64_t now(void *context)
{
    return steve_jeff_trial_now(((struct resizing *)context)->trial);
}

void steve_jeff_trial_resize(struct steve_jeff_trial *trial)
{
    struct resizing resizing = {.trial = trial};
    const struct jeff_config config = {.handle_salt = steve_jeff_trial_draw(trial) | 1,
                                       .now_ns = now,
                                       .low_memory = on_low_memory,
                                       .context = &resizing};
    trial->heap = jeff_init(steve_jeff_trial_memory(0), BYTES, &config, NULL);
    if (trial->heap == NULL) {
        steve_jeff_trial_note(trial, "a heap of a trial was refused");
        return;
    }
    widen(trial);
    paused(trial);
    grow_locked(trial);
    neighbours(trial, &resizing);
    steve_jeff_trial_look(trial);
    jeff_destroy(trial->heap);
}
