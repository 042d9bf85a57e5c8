/// Blocks that are resized to every size near an edge: where a size takes a granule more, where a block becomes a wide one, and
/// where the free memory above it ends.
#include "steve/drivers/jeff_trial_internal.h"

#define BYTES    ((size_t)12 << 10)
#define CALLS    24u
#define IN_PLACE 2012u ///< a block that was made for so many bytes, or fewer, grows up to this size where it lies

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
    if (!jeff_resize(trial->heap, block->handle, bytes)) {
        judge_refusal(trial, block, bytes);
        return;
    }
    steve_jeff_trial_compare(trial, block, bytes < block->bytes ? bytes : block->bytes);
    block->bytes = bytes;
    steve_jeff_trial_fill(trial, block);
}

static void neighbours(struct steve_jeff_trial *trial)
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
        if (steve_jeff_trial_below(trial, 4) == 0) {
            steve_jeff_trial_drop(trial, block);
        } else {
            resize(trial, block);
        }
    }
}

void steve_jeff_trial_resize(struct steve_jeff_trial *trial)
{
    const struct jeff_config config = {
        .handle_salt = steve_jeff_trial_draw(trial) | 1, .now_ns = steve_jeff_trial_now, .context = trial};
    trial->heap = jeff_init(steve_jeff_trial_memory(0), BYTES, &config, NULL);
    if (trial->heap == NULL) {
        steve_jeff_trial_note(trial, "a heap of a trial was refused");
        return;
    }
    grow_locked(trial);
    neighbours(trial);
    steve_jeff_trial_look(trial);
    jeff_destroy(trial->heap);
}
