/// A heap that scrambles: at each request every block that is not locked moves, and what is free is overwritten.
#include "steve/drivers/jeff/trial_internal.h"

#include <string.h>

#include "lib/jeff/heap_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define BYTES    ((size_t)8 << 10)
#define BLOCKS   6u
#define FREED    0x77u ///< what the block held that is freed
#define SCRUBBED 0xddu ///< what its memory holds then
#define REQUESTS 4u

/// Whether words of the freed block are still somewhere in the heap: one may be, right above the last block, where the next one's
/// header will be.
static bool is_left(const struct steve_jeff_trial *trial, size_t bytes)
{
    size_t left = 0;
    for (size_t i = 0; i < bytes; i += WORD) {
        left += read_word((const char *)trial->heap + i) == FREED * 0x01010101u;
    }
    return left > 1;
}

static void request(struct steve_jeff_trial *trial)
{
    const void *was[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        was[i] = jeff_weak_lock(trial->heap, trial->block[i].handle);
    }
    const uint64_t compactions = jeff_compactions(trial->heap);
    const jeff_handle handle = jeff_malloc(trial->heap, steve_jeff_trial_below(trial, 200));
    for (size_t i = 0; i < BLOCKS; i++) {
        const bool moved = jeff_weak_lock(trial->heap, trial->block[i].handle) != was[i];
        const bool locked = jeff_lock_count(trial->heap, trial->block[i].handle) != 0;
        if (moved ? locked || jeff_compactions(trial->heap) == compactions : !locked) {
            steve_jeff_trial_note(trial, locked ? "a heap that scrambles has moved a locked block"
                                                : "a heap that scrambles has left a block where it was");
        }
    }
    steve_jeff_trial_look(trial);
    if (handle == JEFF_NULL || !jeff_free(trial->heap, handle)) {
        steve_jeff_trial_note(trial, "a heap that scrambles and is half empty refuses a small request");
    }
}

/// The first block that moves has another one freed, which is kept behind those of the trial.
static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    jeff_handle *const doomed = &trial->block[BLOCKS].handle;
    (void)from;
    (void)to;
    (void)bytes;
    if (jeff_usable_size(trial->heap, handle) == 0) {
        steve_jeff_trial_note(trial, "a move was told of a block that is free");
    }
    if (trial->heap->busy != BUSY_MOVING) {
        steve_jeff_trial_note(trial, "a heap that scrambles lets a callback do what it may not");
    }
    if (*doomed != JEFF_NULL && *doomed != handle) {
        jeff_free(trial->heap, *doomed);
        *doomed = JEFF_NULL;
    }
}

/// A block that is freed while its own resize has everything moved.
static void free_inside(struct steve_jeff_trial *trial)
{
    const jeff_handle handle = jeff_malloc(trial->heap, 100);
    trial->block[BLOCKS].handle = handle;
    if (jeff_resize(trial->heap, handle, 200) || jeff_last_status(trial->heap) != JEFF_ERROR_HANDLE) {
        steve_jeff_trial_note(trial, "a block was resized that a callback had freed");
    }
}

/// Whether all of a hole is overwritten but what the heap itself keeps there: two links, its size, and at its end where it starts.
static bool is_scrubbed(const char *hole, size_t granules)
{
    bool scrubbed = true;
    for (size_t i = 3 * WORD; i < granules * GRANULE - HEADER - WORD; i += WORD) {
        scrubbed &= read_word(hole + i) == SCRUBBED * 0x01010101u;
    }
    return scrubbed;
}

/// Of five blocks of a size the one in the middle is freed. Those beside it are locked, or all of the others move.
static void free_between(struct steve_jeff_trial *trial)
{
    enum { COUNT = 5, FREED_ONE = 2 };
    struct jeff_heap *const h = trial->heap;
    const bool locked = steve_jeff_trial_below(trial, 2) == 0;
    const size_t granules = 1 + steve_jeff_trial_below(trial, 6);
    const size_t bytes = granules * GRANULE - HEADER;
    jeff_handle block[COUNT];
    const char *was[COUNT];
    h->scramble = false; // so that they lie side by side
    for (size_t i = 0; i < COUNT; i++) {
        block[i] = jeff_malloc(h, bytes);
        was[i] = jeff_weak_lock(h, block[i]);
    }
    h->scramble = true;
    memset(jeff_weak_lock(h, block[FREED_ONE]), FREED, bytes);
    if (locked && (jeff_lock(h, block[1]) == NULL || jeff_lock(h, block[3]) == NULL)) {
        steve_jeff_trial_note(trial, "a block of a heap that scrambles cannot be locked");
    }
    const bool freed = jeff_free(h, block[FREED_ONE]);
    const jeff_handle another = jeff_malloc(h, 200);
    if (!freed || another == JEFF_NULL || !jeff_free(h, another)) {
        steve_jeff_trial_note(trial, "a heap that scrambles and is all but empty refuses a small request");
    }
    for (size_t i = 0; i < COUNT; i++) {
        const bool stays = locked && (i == 1 || i == 3);
        if (i != FREED_ONE && (stays || !locked) && (jeff_weak_lock(h, block[i]) == was[i]) != stays) {
            steve_jeff_trial_note(trial, "a block beside one that was freed has moved and is locked, or has not");
        }
    }
    if (locked && !is_scrubbed(was[FREED_ONE], granules)) {
        steve_jeff_trial_note(trial, "a heap that scrambles has left a part of what a block held that was freed");
    }
    for (size_t i = 0; i < COUNT; i++) {
        jeff_unlock(h, block[i]);
        jeff_free(h, block[i]);
    }
    jeff_compact(h, 0);
}

static void make_blocks(struct steve_jeff_trial *trial)
{
    for (size_t i = 0; i < BLOCKS && trial->wrong == NULL; i++) {
        struct steve_jeff_trial_block *block = &trial->block[i];
        block->bytes =
            20 + steve_jeff_trial_below(trial, 300); // of different sizes, so that none takes another's place
        block->alignment = 8;
        block->handle = jeff_malloc(trial->heap, block->bytes);
        steve_jeff_trial_fill(trial, block);
    }
}

static void free_one(struct steve_jeff_trial *trial)
{
    const jeff_handle handle = jeff_malloc(trial->heap, 1000);
    void *address = jeff_lock(trial->heap, handle);
    if (address == NULL) {
        steve_jeff_trial_note(trial, "a heap that scrambles and is half empty refuses a request");
        return;
    }
    jeff_unlock(trial->heap, handle);
    if (steve_jeff_trial_below(trial, 2) == 0) { // a locked block above it keeps what was there
        jeff_lock(trial->heap, jeff_malloc(trial->heap, 20));
    }
    address = jeff_lock(trial->heap, handle);
    memset(address, FREED, 1000);
    if (!jeff_unlock(trial->heap, handle) || !jeff_free(trial->heap, handle)) {
        steve_jeff_trial_note(trial, "a block of a heap that scrambles cannot be freed");
    }
}

void steve_jeff_trial_scramble(struct steve_jeff_trial *trial)
{
    const struct jeff_config config = {.handle_salt = steve_jeff_trial_draw(trial) | 1,
                                       .scramble = true,
                                       .now_ns = steve_jeff_trial_now,
                                       .moved = on_moved,
                                       .context = trial};
    trial->heap = jeff_init(steve_jeff_trial_memory(BYTES), BYTES, &config, NULL);
    if (trial->heap == NULL) {
        steve_jeff_trial_note(trial, "a heap of a trial was refused");
        return;
    }
    free_between(trial);
    make_blocks(trial);
    free_one(trial);
    if (trial->wrong == NULL && steve_jeff_trial_below(trial, 2) == 0) {
        jeff_lock(trial->heap, trial->block[steve_jeff_trial_below(trial, BLOCKS)].handle);
    }
    for (unsigned i = 0; i < REQUESTS && trial->wrong == NULL; i++) {
        if (i == 1) { // as if a compaction had been paused
            trial->heap->cursor = live_entry(trial->heap, trial->block[0].handle)->off;
        }
        request(trial);
        if (is_left(trial, BYTES)) {
            steve_jeff_trial_note(trial, "a heap that scrambles has left what a block held that was freed");
        }
    }
    free_inside(trial);
    jeff_destroy(trial->heap);
}
