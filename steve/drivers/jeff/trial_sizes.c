/// Heaps of every size from the smallest on, at bases aligned to 8 and to 16: what they have room for, and that nothing outside
/// of their region is touched.
#include "steve/drivers/jeff/trial_internal.h"

#include <string.h>

#include "jeff_inline.h"
#include "lib/jeff/heap_internal.h"
#include "steve/drivers/jeff/audit_internal.h"

#define GUARD        64u
#define GUARD_BYTE   0x3c
#define HANDLE_BYTES 12u
#define SLACK        48u ///< a granule at either end of the blocks, and one for what is odd of the region
#define FILLED_MOST  700u
#define LARGE        100000u
#define LAYOUTS      4u
#define CACHED_LEAST 16384u ///< granules that any heap may keep in blocks that were freed

struct region {
    char *begin;
    size_t bytes;
};

static bool guards_hold(const struct region *region)
{
    for (size_t i = 0; i < GUARD; i++) {
        if (region->begin[-1 - (ptrdiff_t)i] != GUARD_BYTE || region->begin[region->bytes + i] != GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

/// A refusal is right if the parts of the heap and what was asked for are more than the region.
static void judge_refusal(struct steve_jeff_trial *trial, const struct region *region, size_t bytes)
{
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t handle = stats.spare_handles == 0 ? HANDLE_BYTES : 0;
    const size_t taken = stats.control_bytes + stats.live_bytes + stats.table_bytes + handle + SLACK;
    const size_t needed = jeff_run_needed(trial->heap, 0, bytes);
    if (jeff_last_status(trial->heap) != JEFF_ERROR_NO_MEMORY ||
        (taken <= region->bytes && needed <= region->bytes - taken)) {
        steve_jeff_trial_note(trial, "a heap has room and refuses a request");
    }
}

/// What must be true of blocks that were made one after the other, each of which holds its number.
static void look_at(struct steve_jeff_trial *trial, const jeff_handle *handles, size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned char *address = jeff_weak_lock(trial->heap, handles[i]);
        if (address == NULL || (bytes > 0 && (address[0] != (i & 255) || address[bytes - 1] != (i & 255)))) {
            steve_jeff_trial_note(trial, "a block among many of one size is not what it was");
            return;
        }
    }
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    if (stats.live_blocks != count) {
        steve_jeff_trial_note(trial, "a heap full of blocks of one size counts another number of them");
    }
}

/// A request for which there may be room only if blocks move. A refusal is counted, and without the last resort none moves.
static void ask_between(struct steve_jeff_trial *trial, size_t bytes)
{
    struct jeff_stats before;
    struct jeff_stats after;
    jeff_stats(trial->heap, &before);
    const jeff_handle handle = jeff_malloc(trial->heap, 2 * bytes + 40);
    jeff_stats(trial->heap, &after);
    if (after.refused != before.refused + (handle == JEFF_NULL) ||
        (trial->stays && (after.moved_blocks != before.moved_blocks || after.compactions != before.compactions))) {
        steve_jeff_trial_note(trial, "a refusal is not counted, or a heap has compacted that was to refuse");
    }
    if (handle != JEFF_NULL && !jeff_free(trial->heap, handle)) {
        steve_jeff_trial_note(trial, "a block among many cannot be freed");
    }
}

static void fill_up(struct steve_jeff_trial *trial, const struct region *region, size_t bytes)
{
    static jeff_handle handles[FILLED_MOST];
    size_t count = 0;
    while (count < FILLED_MOST) {
        handles[count] = jeff_malloc(trial->heap, bytes);
        if (handles[count] == JEFF_NULL) {
            break;
        }
        void *address = jeff_weak_lock(trial->heap, handles[count]);
        if (address != NULL) {
            memset(address, (int)(count & 255), bytes);
        }
        count++;
    }
    if (count < FILLED_MOST && !trial->stays) { // else what was freed before may lie in the way
        judge_refusal(trial, region, bytes);
    }
    look_at(trial, handles, count, bytes);
    steve_jeff_trial_note(trial, steve_jeff_audit(trial->heap, (uintptr_t)region->begin));
    // Every second block first: what is left lies apart, and its slots are not the table's last.
    for (size_t i = 0; i < count; i++) {
        if (i == count / 2) {
            ask_between(trial, bytes);
        }
        if (!jeff_free(trial->heap, handles[(2 * i + 1) % (count | 1)])) {
            steve_jeff_trial_note(trial, "a block that filled a heap cannot be freed");
        }
    }
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t slots = stats.table_bytes / HANDLE_BYTES; // what is odd of the region may be less than one more
    if (stats.live_blocks != 0 || slots != 1 + stats.spare_handles) {
        steve_jeff_trial_note(trial, "a heap whose blocks were all freed has other slots than spare ones");
    }
}

/// A request for all that there is; @return whether it was served
static bool serves(struct steve_jeff_trial *trial, size_t bytes)
{
    const jeff_handle handle = jeff_malloc(trial->heap, bytes);
    return handle != JEFF_NULL && jeff_free(trial->heap, handle);
}

/// Almost all of a heap as one hole, below one small block.
static void one_hole(struct steve_jeff_trial *trial, size_t largest)
{
    const size_t bytes = largest > 256 ? largest - 128 : largest / 2;
    const jeff_handle large = jeff_malloc(trial->heap, bytes);
    const jeff_handle small = jeff_malloc(trial->heap, 8);
    if (large == JEFF_NULL || small == JEFF_NULL || jeff_lock(trial->heap, small) == NULL ||
        !jeff_free(trial->heap, large)) {
        steve_jeff_trial_note(trial,
                              "a fresh heap has no room for a block of almost all that is free, and a small one");
        return;
    }
    steve_jeff_trial_look(trial);
    if (trial->wrong == NULL && !serves(trial, bytes)) {
        steve_jeff_trial_note(trial, "the memory of a block that was freed does not serve the same request again");
    }
    if (!jeff_unlock(trial->heap, small) || !jeff_free(trial->heap, small)) {
        steve_jeff_trial_note(trial, "a block that was locked once cannot be freed after an unlock");
    }
}

/// A block whose slot is as if it had been freed so often that what is kept whole is counted at the next time.
static jeff_handle due(struct steve_jeff_trial *trial)
{
    const uint32_t last = 511; // each of 256 lives takes two generations
    const jeff_handle handle = jeff_malloc(trial->heap, 8);
    uint32_t *const entry = jeff_inline_entry(trial->heap, handle);
    jeff_inline_set_word(entry, jeff_inline_word(entry) | last);
    return handle | last;
}

/// What is kept whole is counted at a slot's every 256th free: if nothing might be kept, that one alone would keep nothing.
static void count_kept(struct steve_jeff_trial *trial)
{
    struct jeff_heap *const h = trial->heap;
    const uint32_t limit = h->cached_limit;
    bool sound = jeff_free(h, due(trial));
    h->cached_limit = 0;
    for (unsigned i = 0; i < 3; i++) {
        sound = jeff_free(h, jeff_malloc(h, 8)) && cached_count(h) == 1 && sound;
    }
    sound = jeff_free(h, due(trial)) && cached_count(h) == 0 && sound;
    h->cached_limit = limit;
    if (!sound) {
        steve_jeff_trial_note(trial, "what is kept whole is counted at another free than every 256th of a slot");
    }
}

static void run(struct steve_jeff_trial *trial, const struct region *region)
{
    struct jeff_stats stats;
    struct jeff_report report;
    jeff_stats(trial->heap, &stats);
    if (stats.heap_bytes != region->bytes || stats.live_blocks != 0 || stats.live_bytes != 0 || stats.refused != 0) {
        steve_jeff_trial_note(trial, "a fresh heap is not as large as its region, or is not empty");
    }
    if (stats.control_bytes + stats.table_bytes > JEFF_HEAP_MIN + region->bytes / 8) {
        steve_jeff_trial_note(trial, "a fresh heap takes more than its share for itself");
    }
    jeff_compact_goal(trial->heap, NULL, &report);
    const size_t largest = report.largest_after > 16 ? report.largest_after - 16 : 0; // a handle has to be made, too
    if (!serves(trial, largest)) {
        steve_jeff_trial_note(trial, "a fresh heap does not serve the largest block that it says to have room for");
    }
    jeff_compact(trial->heap, 0);
    count_kept(trial);
    one_hole(trial, largest);
    const uint32_t most = (uint32_t)(region->bytes / (1 + steve_jeff_trial_below(trial, 16)));
    fill_up(trial, region, steve_jeff_trial_below(trial, 2) * steve_jeff_trial_below(trial, most));
    if (trial->wrong == NULL && (jeff_compact(trial->heap, 0) != JEFF_STOP_DONE || !serves(trial, largest))) {
        steve_jeff_trial_note(trial, "a heap whose blocks were all freed does not serve what it did at first");
    }
}

static size_t rounded(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/// What follows from the size of a heap, once more: what it takes for itself is no more than its parts need, and blocks of up to an eighth
/// of it, 2 KiB at most, have bins.
static void lay_out(struct steve_jeff_trial *trial)
{
    const uint32_t octaves = sizeof(size_t) > sizeof(uint32_t) ? 27 : 22;
    const size_t power = (size_t)JEFF_HEAP_MIN << steve_jeff_trial_below(trial, octaves);
    const uint64_t draw = (uint64_t)steve_jeff_trial_draw(trial) << 32 | steve_jeff_trial_draw(trial);
    const size_t end = (power + (size_t)(draw % power)) / 4 * 4;
    const bool with_pages = steve_jeff_trial_below(trial, 2) == 0;
    const struct geometry is = heap_geometry(end, with_pages);

    const uint32_t granules = (uint32_t)(end / GRANULE);
    const uint32_t binned = granules / 8 < CLASS_MAX ? granules / 8 : CLASS_MAX;
    const uint32_t hole_bins = hole_bin_of(granules) + 1;
    const size_t bins = (binned + 1) * sizeof(struct bin) + hole_bins * sizeof(uint32_t);
    const size_t page_state = rounded(sizeof(struct jeff_heap) + bins, 8);
    const size_t control = page_state + (with_pages ? sizeof(struct page_state) : 0);
    if (is.page_state != page_state || is.control != control ||
        is.first != rounded(control + HEADER, GRANULE) / GRANULE || is.hole_bins != hole_bins) {
        steve_jeff_trial_note(trial, "a heap takes more or less for itself than its parts need");
    }
    // The smallest request that has no bin is one byte more than the largest class holds.
    if (is.binned != binned || is.small_limit != block_capacity(binned, false) + 1 ||
        is.cached_limit != larger(granules / 8, CACHED_LEAST)) {
        steve_jeff_trial_note(
            trial, "which blocks a heap keeps whole when they are freed, or how many, is not what it should be");
    }
}

void steve_jeff_trial_sizes(struct steve_jeff_trial *trial)
{
    const size_t alignment = steve_jeff_trial_below(trial, 3) * 8;
    const size_t skip = alignment == 8 ? steve_jeff_trial_below(trial, 8) * 8 : steve_jeff_trial_below(trial, 4) * 16;
    const uint32_t most = steve_jeff_trial_below(trial, 16) == 0 ? LARGE : 32u << steve_jeff_trial_below(trial, 9);
    const size_t bytes = JEFF_HEAP_MIN + steve_jeff_trial_below(trial, most);
    trial->stays = steve_jeff_trial_below(trial, 3) == 0;
    const struct jeff_config config = {.handle_salt = steve_jeff_trial_draw(trial) | 1,
                                       .alignment = alignment,
                                       .no_last_resort = trial->stays,
                                       .now_ns = steve_jeff_trial_now,
                                       .context = trial};
    for (unsigned i = 0; i < LAYOUTS; i++) {
        lay_out(trial);
    }
    enum jeff_status status = JEFF_ERROR_CORRUPT;
    const struct region region = {steve_jeff_trial_memory(bytes + 3 * GUARD) + GUARD + skip, bytes};
    memset(region.begin - GUARD, GUARD_BYTE, GUARD);
    memset(region.begin + bytes, GUARD_BYTE, GUARD);
    trial->heap = jeff_init(region.begin, bytes, &config, &status);
    if (trial->heap == NULL || status != JEFF_OK) {
        steve_jeff_trial_note(trial, "a region that is large enough was refused");
        return;
    }
    run(trial, &region);
    struct jeff_damage damage = {.what = "a heap that was filled and emptied is damaged"};
    if (trial->wrong == NULL && jeff_check(trial->heap, &damage) != JEFF_OK) {
        steve_jeff_trial_note(trial, damage.what);
    }
    jeff_destroy(trial->heap);
    if (!guards_hold(&region)) {
        steve_jeff_trial_note(trial, "memory outside of a heap's region was overwritten");
    }
}
