/// Heaps with pages of their own, of several page sizes, over memory of the driver's: pages are refused at one call or the
/// other, both ends of a heap meet, and blocks with pages of their own are made, resized and freed. `jeff-mapped` does that
/// with Steve's ops over the system's pages, of which there is one size.
#include "steve/drivers/jeff/trial_internal.h"

#include "jeff_inline.h"
#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define CALLS        60u
#define HANDLE_BYTES 12u
#define GRANULE      16u
#define HEADER       4u
#define SMALL_MOST   126u ///< granules of a block without a record of its own
#define FILLED_MOST  600u ///< blocks that fill a heap
#define SLACK        64u  ///< what alignment and the ends of a heap may cost
#define OWN_LEAST    ((size_t)4096)
#define LARGE        ((size_t)400 << 10)
#define OWN_DEFAULT  ((size_t)1 << 20)
#define MANY         34000u              ///< handles that fill a large heap
#define MANY_APART   23800u              ///< handles of which blocks and table do not meet
#define LAST         64u                 ///< blocks at its top
#define LEFT         ((size_t)192 << 10) ///< of its pages when it is empty, at most

/// What the heap says to have must be what the hooks gave it.
static void audit(struct steve_jeff_trial *trial)
{
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    if (trial->pages.open != 1 + stats.mapped_blocks) {
        steve_jeff_trial_note(trial, "a trial's heap has another number of reservations than of blocks with pages");
    }
    if (stats.heap_bytes != trial->pages.readable) {
        steve_jeff_trial_note(trial, "a trial's heap says to have other pages than it was given");
    }
    if (stats.table_bytes / HANDLE_BYTES != 1 + stats.live_blocks + stats.spare_handles) { // no slot was used up
        steve_jeff_trial_note(trial, "the slots of a trial's heap are not those of live blocks and spare ones");
    }
    steve_jeff_trial_note(trial, steve_jeff_audit(trial->heap, 0));
}

/// A refusal is right if the heap would have to reach beyond its reservation, or ask for more pages at once than it gets.
static void judge_refusal(struct steve_jeff_trial *trial, size_t bytes)
{
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t taken = stats.control_bytes + stats.live_bytes + stats.table_bytes + HANDLE_BYTES + SLACK;
    const size_t needed = jeff_run_needed(trial->heap, 0, bytes);
    if (jeff_last_status(trial->heap) != JEFF_ERROR_NO_MEMORY ||
        (taken <= trial->pages.heap_bytes && needed <= trial->pages.heap_bytes - taken &&
         (trial->pages.most == 0 || needed + SLACK < trial->pages.page))) {
        steve_jeff_trial_note(trial, "a heap with pages of its own has room and refuses a request");
    }
}

/// Blocks of one size until there is no room for one more; then all are freed again.
static void fill_up(struct steve_jeff_trial *trial, size_t bytes)
{
    static jeff_handle handles[FILLED_MOST];
    size_t count = 0;
    while (count < FILLED_MOST && trial->wrong == NULL) {
        handles[count] = jeff_malloc(trial->heap, bytes);
        if (handles[count] == JEFF_NULL) {
            judge_refusal(trial, bytes);
            break;
        }
        count++;
    }
    audit(trial);
    for (size_t i = 0; i < count; i++) {
        // From both ends, so that the table is not left in the order in which it grew.
        if (!jeff_free(trial->heap, handles[i % 2 == 0 ? i / 2 : count - 1 - i / 2])) {
            steve_jeff_trial_note(trial, "a block that filled a heap cannot be freed");
        }
    }
    if (jeff_compact(trial->heap, 0) != JEFF_STOP_DONE) {
        steve_jeff_trial_note(trial, "a compaction without a limit stopped before its end");
    }
}

/// What the whole reservation just holds is served, to the last granule below the table.
static void ask_for_all(struct steve_jeff_trial *trial)
{
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t table = stats.table_bytes + (stats.spare_handles == 0 ? HANDLE_BYTES : 0);
    const size_t granules = (trial->pages.heap_bytes - stats.control_bytes - table) / GRANULE;
    const size_t payload = (granules - (granules > SMALL_MOST)) * GRANULE - HEADER;
    const jeff_handle all = jeff_malloc(trial->heap, payload);
    if (all == JEFF_NULL && stats.live_blocks == 0) {
        steve_jeff_trial_note(trial, "a block that just fits in a heap's reservation is refused");
    }
    jeff_free(trial->heap, all);
}

/// The same of a fresh heap, above some small blocks, after which the table ends here or there in a granule.
static void ask_fresh(struct steve_jeff_trial *trial)
{
    jeff_handle small[4];
    const size_t count = steve_jeff_trial_below(trial, 5);
    for (size_t i = 0; i < count; i++) {
        small[i] = jeff_malloc(trial->heap, 8);
    }
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t rest = trial->pages.heap_bytes - stats.control_bytes - stats.live_bytes - stats.table_bytes;
    const size_t granules = (rest - HANDLE_BYTES) / GRANULE;
    if (stats.live_blocks == count && stats.spare_handles == 0 && granules > 2) {
        const jeff_handle all = jeff_malloc(trial->heap, (granules - (granules > SMALL_MOST)) * GRANULE - HEADER);
        if (all == JEFF_NULL || !jeff_free(trial->heap, all)) {
            steve_jeff_trial_note(trial, "a block that just fits in a fresh heap's reservation is refused");
        }
    }
    for (size_t i = 0; i < count; i++) {
        jeff_free(trial->heap, small[i]);
    }
    jeff_compact(trial->heap, 0);
}

/// What the whole reservation could not hold takes no pages.
static void ask_too_much(struct steve_jeff_trial *trial)
{
    ask_for_all(trial);
    jeff_compact(trial->heap, 0);
    struct jeff_stats stats;
    jeff_stats(trial->heap, &stats);
    const size_t readable = trial->pages.readable;
    if (jeff_malloc(trial->heap, trial->pages.heap_bytes - stats.control_bytes - stats.table_bytes) != JEFF_NULL ||
        trial->pages.readable > readable) {
        steve_jeff_trial_note(trial, "a request for more than a heap can hold has taken pages");
    }
}

/// Blocks of no bytes, so many that a large handle table lies apart from them, or until it meets them; or it grows into what was
/// committed for blocks before. Then the blocks give way alone, as the last handle is kept, or the table
/// does, as a locked block has got to the top; and then all does.
static void meet(struct steve_jeff_trial *trial)
{
    static jeff_handle many[MANY];
    const uint32_t how = steve_jeff_trial_below(trial, 3);
    if (how == 0) {
        ask_for_all(trial);
    }
    const size_t most = how == 1 ? MANY_APART : MANY;
    const jeff_handle mover = jeff_malloc(trial->heap, 100);
    size_t count = 0;
    while (count < most && (many[count] = jeff_malloc(trial->heap, 0)) != JEFF_NULL) {
        count++;
    }
    audit(trial);
    for (unsigned i = 0; i < LAST && count > 0; i++) {
        jeff_free(trial->heap, many[--count]);
    }
    const jeff_handle last = count > 0 && steve_jeff_trial_below(trial, 2) == 0 ? many[--count] : JEFF_NULL;
    const bool stays =
        last == JEFF_NULL && jeff_resize(trial->heap, mover, LAST * 8) && jeff_lock(trial->heap, mover) != NULL;
    while (count > 0) {
        jeff_free(trial->heap, many[--count]);
    }
    jeff_compact(trial->heap, 0);
    audit(trial);
    jeff_free(trial->heap, last);
    if ((stays && !jeff_unlock(trial->heap, mover)) || !jeff_free(trial->heap, mover) ||
        jeff_compact(trial->heap, 0) != JEFF_STOP_DONE || trial->pages.readable > LEFT) {
        steve_jeff_trial_note(trial, "a heap that was full of handles keeps the pages of what was freed");
    }
    audit(trial);
}

/// A heap that was large and is empty gives most of its pages back, and takes them again when it needs them.
static void shrink(struct steve_jeff_trial *trial)
{
    const jeff_handle large = jeff_malloc(trial->heap, LARGE);
    const size_t had = trial->pages.readable;
    if (large == JEFF_NULL) {
        steve_jeff_trial_note(trial, "a large heap refuses a large block");
        return;
    }
    if (!jeff_free(trial->heap, large) || jeff_compact(trial->heap, 0) != JEFF_STOP_DONE ||
        trial->pages.readable > had - LARGE / 2) {
        steve_jeff_trial_note(trial, "a heap that is empty keeps the pages of what was freed");
    }
    audit(trial);
    const jeff_handle locked = jeff_malloc(trial->heap, 3000);
    const void *const address = jeff_lock(trial->heap, locked);
    if (address == NULL || !jeff_resize(trial->heap, locked, LARGE / 4) ||
        !jeff_resize(trial->heap, locked, LARGE / 2) || !jeff_resize(trial->heap, locked, LARGE) ||
        jeff_lock(trial->heap, locked) != address || !jeff_unlock(trial->heap, locked) ||
        !jeff_unlock(trial->heap, locked) || !jeff_free(trial->heap, locked)) {
        steve_jeff_trial_note(trial, "a locked block did not grow into the pages above it");
    }
    const jeff_handle again = jeff_malloc(trial->heap, LARGE);
    if (again == JEFF_NULL || !jeff_free(trial->heap, again)) {
        steve_jeff_trial_note(trial, "a heap that has given pages back does not get them again");
    }
    audit(trial);
}

/* Blocks with pages of their own */

/// Whether a block lies in as few pages as hold it, and is found there.
static void judge_place(struct steve_jeff_trial *trial, const struct steve_jeff_trial_block *block)
{
    void *first = NULL;
    const size_t extent = jeff_extent(trial->heap, block->handle, &first);
    if (extent % trial->pages.page != 0 || extent < block->bytes || extent - block->bytes >= trial->pages.page ||
        (uintptr_t)first % block->alignment != 0 || jeff_usable_size(trial->heap, block->handle) != extent ||
        first != jeff_weak_lock(trial->heap, block->handle) || jeff_handle_of(trial->heap, first) != block->handle) {
        steve_jeff_trial_note(trial, "a block does not lie in pages of its own");
    }
}

/// No more addresses are taken than the block's pages have, and those on the way to its alignment.
static void judge_reservation(struct steve_jeff_trial *trial, const struct steve_jeff_trial_block *block,
                              size_t reserved)
{
    const size_t extra = block->alignment > trial->pages.page ? block->alignment : 0;
    if (reserved != jeff_usable_size(trial->heap, block->handle) + extra) {
        steve_jeff_trial_note(trial, "a block with pages of its own takes more addresses than it needs, or fewer");
    }
}

/// What a block has given up of its pages is no longer there.
static bool is_given_back(const struct steve_jeff_trial *trial, const char *from, const char *to)
{
    for (; from < to; from += trial->pages.page) {
        if (read_word(from) != STEVE_JEFF_TRIAL_UNCOMMITTED) {
            return false;
        }
    }
    return true;
}

/// @param locked  what is refused then is a matter of the lock
static void resize(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block, size_t bytes, bool locked)
{
    void *before = NULL;
    void *after = NULL;
    const size_t had = jeff_extent(trial->heap, block->handle, &before);
    const bool done = jeff_resize(trial->heap, block->handle, bytes);
    const size_t has = jeff_extent(trial->heap, block->handle, &after);
    if (!done && (jeff_last_status(trial->heap) != (locked ? JEFF_ERROR_LOCKED : JEFF_ERROR_NO_MEMORY) || has != had ||
                  after != before || bytes <= had)) {
        steve_jeff_trial_note(trial, "a block with pages of its own was not resized without need");
    }
    if (done && (locked || bytes <= had) && after != before) {
        steve_jeff_trial_note(trial, "a block with pages of its own was moved without need");
    }
    if (done && has < had && !is_given_back(trial, (const char *)after + has, (const char *)after + had)) {
        steve_jeff_trial_note(trial, "a block that was made smaller has kept its pages");
    }
    steve_jeff_trial_compare(trial, block, bytes < block->bytes ? bytes : block->bytes);
    block->bytes = done ? bytes : block->bytes;
    judge_place(trial, block);
    steve_jeff_trial_fill(trial, block);
}

/// A block that is locked as often as can be, which is made so by its entry: an address without a lock can still be had.
static void lock_most(struct steve_jeff_trial *trial, jeff_handle handle)
{
    uint32_t *entry = jeff_inline_entry(trial->heap, handle);
    const uint64_t word = jeff_inline_word(entry);
    const void *const address = jeff_weak_lock(trial->heap, handle);
    jeff_inline_set_word(entry, word + (JEFF_LOCK_MAX - 1) * JEFF_INLINE_LOCK);
    const bool last = jeff_lock(trial->heap, handle) == address;
    const bool refused = jeff_lock(trial->heap, handle) == NULL &&
                         jeff_last_status(trial->heap) == JEFF_ERROR_LOCK_LIMIT &&
                         jeff_lock_count(trial->heap, handle) == JEFF_LOCK_MAX;
    const bool weak = jeff_weak_lock(trial->heap, handle) == address;
    jeff_inline_set_word(entry, word + JEFF_INLINE_LOCK);
    if (!last || !refused || !weak || !jeff_unlock(trial->heap, handle)) {
        steve_jeff_trial_note(trial, "a block with pages of its own is not locked as often as it may be");
    }
}

static bool visit_pin(void *context, const struct jeff_pin *pin)
{
    *(bool *)context |= pin->locks != 0;
    return true;
}

/// A locked block that is made smaller has room to grow again, where the pages are to be had. It is in nobody's way.
static void regrow(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    void *first = NULL;
    struct jeff_stats before;
    struct jeff_stats after;
    bool pinned = false;
    const size_t most = jeff_extent(trial->heap, block->handle, &first);
    if (jeff_lock(trial->heap, block->handle) != first || !jeff_resize(trial->heap, block->handle, 1)) {
        steve_jeff_trial_note(trial, "a block with pages of its own cannot be made smaller");
        return;
    }
    jeff_pins(trial->heap, visit_pin, &pinned);
    jeff_stats(trial->heap, &before);
    trial->pages.failing_commit = trial->pages.commits + 1;
    trial->pages.fails_every = 0;
    const bool refused = most > trial->pages.page && !jeff_resize(trial->heap, block->handle, most) &&
                         jeff_last_status(trial->heap) == JEFF_ERROR_LOCKED;
    trial->pages.failing_commit = 0;
    jeff_stats(trial->heap, &after);
    if (pinned || (most > trial->pages.page && (!refused || after.refused != before.refused + 1)) ||
        after.mapped_bytes != before.mapped_bytes) {
        steve_jeff_trial_note(trial, "a locked block was refused its pages, and something is wrong with that");
    }
    if (!jeff_resize(trial->heap, block->handle, most) || jeff_lock(trial->heap, block->handle) != first ||
        !jeff_unlock(trial->heap, block->handle) || !jeff_unlock(trial->heap, block->handle)) {
        steve_jeff_trial_note(trial, "a locked block does not get the pages again that it has given up");
    }
    block->bytes = most;
    steve_jeff_trial_fill(trial, block);
}

/// What stands for a block in the heap is not where the block is.
static void stand_in(struct steve_jeff_trial *trial, const struct steve_jeff_trial_block *block)
{
    const size_t offset = (size_t)jeff_inline_entry(trial->heap, block->handle)[0] * GRANULE;
    if (jeff_handle_of(trial->heap, (const char *)trial->heap + offset) != JEFF_NULL) {
        steve_jeff_trial_note(trial, "a block with pages of its own is found where it is not");
    }
}

static void resize_some(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    const size_t page = trial->pages.page;
    const bool locked = steve_jeff_trial_below(trial, 2) == 0;
    if (locked && jeff_lock(trial->heap, block->handle) == NULL) {
        steve_jeff_trial_note(trial, "a block with pages of its own cannot be locked");
    }
    for (unsigned i = 0; i < 4 && trial->wrong == NULL; i++) {
        resize(trial, block, 1 + steve_jeff_trial_below(trial, (uint32_t)(3 * page)), locked);
    }
    if (jeff_resize(trial->heap, block->handle, SIZE_MAX) || jeff_resize(trial->heap, block->handle, SIZE_MAX / 2)) {
        steve_jeff_trial_note(trial, "a block was made larger than there are addresses");
    }
}

/// An aligned block with pages of its own, which are reserved and then refused.
static void refuse_own(struct steve_jeff_trial *trial, size_t own)
{
    const size_t open = trial->pages.open;
    struct jeff_stats before;
    struct jeff_stats after;
    jeff_stats(trial->heap, &before);
    trial->pages.failing_commit = trial->pages.commits + 1;
    trial->pages.fails_every = 0;
    trial->asked = 0;
    const bool refused = jeff_aligned_alloc(trial->heap, 4 * trial->pages.page, own) == JEFF_NULL;
    trial->pages.failing_commit = 0;
    jeff_stats(trial->heap, &after);
    if (!refused || after.refused != before.refused + 1 || trial->pages.open != open || trial->asked != 1 ||
        jeff_last_status(trial->heap) != JEFF_ERROR_NO_MEMORY) {
        steve_jeff_trial_note(trial, "a block was refused its pages, and was made, or has kept some");
    }
}

/// What the callback does when it is asked for memory, because pages of its own are refused to a block.
enum { LEAVE, FREE_IT, LOCK_IT, FREE_ANOTHER, DEEDS };

static bool on_low_memory(void *context, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    (void)bytes;
    trial->asked++;
    if (trial->deed == FREE_IT) {
        jeff_free(trial->heap, trial->block[0].handle);
    } else if (trial->deed == LOCK_IT) {
        jeff_lock(trial->heap, trial->block[0].handle);
    } else if (trial->deed == FREE_ANOTHER) {
        steve_jeff_trial_drop(trial, &trial->block[1]); // its neighbour in the list of such blocks
    }
    trial->pages.failing_reserve = 0;
    return trial->deed != LEAVE;
}

/// A block is to have more pages than it is given, and the client is asked first.
static void resize_when_asked(struct steve_jeff_trial *trial, size_t own)
{
    static const enum jeff_status why[DEEDS] = {JEFF_ERROR_NO_MEMORY, JEFF_ERROR_HANDLE, JEFF_ERROR_LOCKED, JEFF_OK};
    struct steve_jeff_trial_block *const block = trial->block;
    const size_t bytes = 2 * own + trial->pages.page;
    bool made = trial->pages.reserved + 8 * bytes < STEVE_JEFF_TRIAL_BYTES; // what is refused else is no test
    for (size_t i = 0; i < 3; i++) {
        block[i] = (struct steve_jeff_trial_block){.bytes = own, .alignment = 8};
        block[i].handle = jeff_malloc(trial->heap, own);
        made = made && block[i].handle != JEFF_NULL;
        if (block[i].handle != JEFF_NULL) {
            steve_jeff_trial_fill(trial, &block[i]);
        }
    }
    if (made) {
        trial->deed = steve_jeff_trial_below(trial, DEEDS);
        trial->asked = 0;
        trial->pages.failing_reserve = trial->pages.reserves + 1;
        trial->pages.fails_every = 0;
        const bool done = jeff_resize(trial->heap, block[0].handle, bytes);
        trial->pages.failing_reserve = 0;
        if (trial->asked != 1 || done != (why[trial->deed] == JEFF_OK) ||
            (!done && jeff_last_status(trial->heap) != why[trial->deed])) {
            steve_jeff_trial_note(trial, "a block is refused pages, and its client was not asked for any before");
        }
        if (trial->deed == FREE_IT) {
            block[0].handle = JEFF_NULL;
        } else if (trial->deed == LOCK_IT && !jeff_unlock(trial->heap, block[0].handle)) {
            steve_jeff_trial_note(trial, "a block that was locked in a callback is not locked");
        }
        trial->deed = LEAVE;
        audit(trial);
    }
    for (size_t i = 0; i < 3; i++) {
        if (block[i].handle != JEFF_NULL) {
            steve_jeff_trial_drop(trial, &block[i]);
        }
    }
}

/// Blocks around the size from which on they have pages of their own.
static void own_pages(struct steve_jeff_trial *trial, size_t own)
{
    struct jeff_stats before;
    struct jeff_stats after;
    const unsigned reserves = trial->pages.reserves;
    jeff_stats(trial->heap, &before);
    const jeff_handle small = jeff_malloc(trial->heap, own - 1);
    if (trial->pages.reserves != reserves || (small != JEFF_NULL && !jeff_free(trial->heap, small))) {
        steve_jeff_trial_note(trial, "a block that is too small for that has pages of its own");
    }
    for (size_t i = 0; i < 3 && trial->wrong == NULL; i++) {
        struct steve_jeff_trial_block *block = &trial->block[i];
        block->bytes = own + i * 3000;
        block->alignment = i == 0 ? 8 : (size_t)2048 << steve_jeff_trial_below(trial, 5);
        const size_t held = trial->pages.held;
        const uint32_t least = steve_jeff_trial_below(trial, 5); // no alignment, or one that any block has
        block->handle =
            i > 0 || least > 0
                ? jeff_aligned_alloc(trial->heap, i > 0 ? block->alignment : 1u << (least - 1), block->bytes)
                : jeff_malloc(trial->heap, block->bytes);
        if (trial->pages.reserves != reserves + i + 1) {
            steve_jeff_trial_note(trial, "a block that is large enough for that has no pages of its own");
        }
        if (block->handle != JEFF_NULL) {
            judge_place(trial, block);
            judge_reservation(trial, block, trial->pages.held - held);
            steve_jeff_trial_fill(trial, block);
        }
    }
    audit(trial);
    const size_t first = steve_jeff_trial_below(trial, 3); // out of their list at either end or in the middle
    for (size_t i = 0; i < 3 && trial->wrong == NULL; i++) {
        struct steve_jeff_trial_block *block = &trial->block[(first + i) % 3];
        if (block->handle != JEFF_NULL) {
            lock_most(trial, block->handle);
            stand_in(trial, block);
            regrow(trial, block);
            resize_some(trial, block);
            steve_jeff_trial_drop(trial, block);
            audit(trial);
        }
    }
    jeff_stats(trial->heap, &after);
    if (after.mapped_blocks != before.mapped_blocks || after.mapped_bytes != before.mapped_bytes) {
        steve_jeff_trial_note(trial, "blocks with pages of their own were freed and are counted");
    }
}

/* Heaps */

/// While it is made, something is refused to a heap.
static void refuse(struct steve_jeff_trial *trial, size_t bytes, const struct jeff_config *config)
{
    enum jeff_status status = JEFF_OK;
    const uint32_t draw = steve_jeff_trial_below(trial, 3);
    trial->pages.failing_reserve = draw == 0;
    trial->pages.failing_commit = draw;
    if (jeff_create(bytes, config, &status) != NULL || status != JEFF_ERROR_MAP || trial->pages.open != 0) {
        steve_jeff_trial_note(trial, "a heap that was refused pages was made, or has kept some");
    }
    trial->pages = (struct steve_jeff_trial_pages){.page = trial->pages.page};
}

static void make(struct steve_jeff_trial *trial, size_t bytes, const struct jeff_config *config)
{
    enum jeff_status status = JEFF_ERROR_CORRUPT;
    trial->heap = jeff_create(bytes, config, &status);
    if (trial->heap == NULL || status != JEFF_OK || trial->pages.open != 1) {
        steve_jeff_trial_note(trial, "a heap with pages of its own was refused");
    } else if (trial->pages.heap_bytes != steve_jeff_trial_reserved(trial, bytes, 2)) { // for blocks, and for the table
        steve_jeff_trial_note(trial, "a heap has reserved other address space than its client allowed");
    } else {
        steve_jeff_trial_look(trial);
        audit(trial);
        struct jeff_stats stats;
        jeff_stats(trial->heap, &stats);
        if (stats.control_bytes + stats.table_bytes > trial->pages.readable) {
            steve_jeff_trial_note(trial, "a heap has written to pages that it was not given");
        }
    }
}

static void run(struct steve_jeff_trial *trial, size_t own)
{
    if (own > trial->pages.heap_bytes) {
        ask_fresh(trial);
    }
    // Refusals that come soon; those while it is filled are of all that is more than two pages.
    trial->pages.failing_commit = trial->pages.commits + steve_jeff_trial_below(trial, 4);
    trial->pages.failing_reserve = trial->pages.reserves + steve_jeff_trial_below(trial, 4);
    trial->pages.fails_every = 1 + steve_jeff_trial_below(trial, 4);
    for (unsigned i = 0; i < CALLS; i++) {
        steve_jeff_trial_op(trial);
    }
    steve_jeff_trial_look(trial);
    for (size_t i = 0; i < STEVE_JEFF_TRIAL_BLOCKS && trial->wrong == NULL; i++) {
        if (trial->block[i].handle != JEFF_NULL) {
            steve_jeff_trial_drop(trial, &trial->block[i]);
        }
    }
    trial->pages.failing_commit = trial->pages.failing_reserve = 0;
    trial->pages.most = steve_jeff_trial_below(trial, 2) * 2 * trial->pages.page;
    // So large that some hundred blocks fill the heap, or so small that its table grows most.
    jeff_compact(trial->heap, 0); // so that a heap without a last resort, too, has all in one run
    const size_t some = trial->pages.heap_bytes / (FILLED_MOST / 4);
    const size_t most = some < 1000 ? 1000 : some < own ? some : own;
    fill_up(trial, steve_jeff_trial_below(trial, 3) == 0 ? 0 : steve_jeff_trial_below(trial, (uint32_t)most));
    trial->pages.most = 0;
    if (trial->wrong == NULL && own > trial->pages.heap_bytes) {
        ask_too_much(trial);
    }
    if (trial->wrong == NULL && trial->pages.heap_bytes > 2 * LARGE && own > LARGE) {
        if (steve_jeff_trial_below(trial, 4) == 0) {
            meet(trial);
        }
        shrink(trial);
    } else if (trial->wrong == NULL) {
        refuse_own(trial, own);
        resize_when_asked(trial, own);
        own_pages(trial, own);
    }
}

void steve_jeff_trial_pages(struct steve_jeff_trial *trial)
{
    if (steve_jeff_trial_below(trial, 16) == 0) {
        steve_jeff_trial_reserve(trial);
    }
    const size_t own[] = {0, 1, OWN_LEAST, OWN_LEAST + steve_jeff_trial_below(trial, 5000)};
    const size_t which = steve_jeff_trial_below(trial, 4);
    trial->pages.page = (size_t)1024 << 2 * steve_jeff_trial_below(trial, 3);
    const struct jeff_page_hooks hooks = steve_jeff_trial_hooks(trial);
    const struct jeff_config config = {.handle_salt = steve_jeff_trial_draw(trial) | 1,
                                       .alignment = steve_jeff_trial_below(trial, 2) * 8,
                                       .now_ns = steve_jeff_trial_now,
                                       .low_memory = on_low_memory,
                                       .context = trial,
                                       .own_mapping = own[which],
                                       .no_last_resort = steve_jeff_trial_below(trial, 4) == 0,
                                       .pages = &hooks};
    const bool large = which == 0 ? steve_jeff_trial_below(trial, 2) == 0 : steve_jeff_trial_below(trial, 8) == 0;
    size_t bytes = large ? 2 * LARGE + steve_jeff_trial_below(trial, 100000)
                         : JEFF_HEAP_MIN + steve_jeff_trial_below(trial, 512u << steve_jeff_trial_below(trial, 8));
    bytes = bytes % 4 == 0 ? bytes / trial->pages.page * trial->pages.page + 4 * trial->pages.page + 1 : bytes;
    steve_jeff_trial_memory(0);
    if (steve_jeff_trial_below(trial, 4) == 0) {
        refuse(trial, bytes, &config);
    }
    if (trial->wrong == NULL) {
        make(trial, bytes, &config);
    }
    if (trial->wrong == NULL) {
        run(trial, which == 0 ? OWN_DEFAULT : own[which] < OWN_LEAST ? OWN_LEAST : own[which]);
    }
    if (trial->heap == NULL) {
        return;
    }
    if (trial->wrong == NULL && which != 0 && jeff_malloc(trial->heap, 3 * OWN_LEAST) != JEFF_NULL) {
        audit(trial); // what is live goes with the heap
    }
    jeff_destroy(trial->heap);
    if (trial->pages.open != 0) {
        steve_jeff_trial_note(trial, "a heap was destroyed and has kept pages");
    }
}
