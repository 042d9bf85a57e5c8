/// Jeff as Steve sees him, through jeff.h alone. Five drivers share the functions here: `jeff` (everything inside the
/// region), `jeff-align8` (the same, blocks and region 8-aligned), `jeff-scramble` (moves everything at each request), `jeff-mapped` (pages
/// of its own, which grow; jeff_pages.c), and `jeff-callbacks` (blocks beside Steve's that callbacks free and lock; jeff_callbacks.c).
///
/// Time is virtual: the clock that Jeff's budgets are judged by is computed from his own counters, 1 ns for a byte moved and
/// 16 ns for a block visited, so that a budget stops compaction at the same block on every machine.
#define _GNU_SOURCE
#include "steve/drivers/drivers.h"

#include <sys/mman.h>

#include "jeff.h"
#include "steve/drivers/jeff_audit_internal.h"
#include "steve/drivers/jeff_callbacks_internal.h"
#include "steve/drivers/jeff_pages_internal.h"
#include "steve/drivers/jeff_probe_internal.h"
#include "steve/drivers/jeff_snippets_internal.h"

#define NS_PER_MOVED_BYTE    1u
#define NS_PER_VISITED_BLOCK 16u
#define NS_PER_MS            1000000u

/// One step of Jeff's, 16 KiB, and a piece more.
#define BUDGET_STEP_NS 20000u

/// What jeff.h promises of the handle table.
#define HANDLE_BYTES 12u

/// Blocks this large get a mapping of their own in `jeff-mapped`: low, so that it happens.
#define OWN_MAPPING ((size_t)64 * 1024)

#define SCRAMBLED_MOST ((size_t)65536) ///< each request costs a pass over all of the heap
#define GIB            ((size_t)1 << 30)
/// The largest heap: all that Jeff can use, or with 32-bit addresses as much as fits in them a few times.
#define LARGEST_HEAP (SIZE_MAX > UINT32_MAX ? 64 * GIB : GIB / 2)

enum {
    OPTION_NO_LAST_RESORT = 1 << 0,
    OPTION_LOW_MEMORY = 1 << 1,
    OPTION_MOVED = 1 << 2,
    OPTION_SETTLE = 1 << 3, ///< of the drivers with a region; for all that follows: see jeff_probe_internal.h
    OPTION_LOOK = 1 << 4,
    OPTION_WORN = 1 << 5,
    OPTION_DAMAGE = 1 << 6,
    OPTION_FAILING_PAGES = 1 << 3, ///< of jeff-mapped
    OPTION_MAPPED_SETTLE = 1 << 4,
    OPTION_MAPPED_LOOK = 1 << 5,
    OPTION_MAPPED_DAMAGE = 1 << 6,
    OPTION_SYSTEM = 1 << 7,
    OPTION_SCRAMBLE = 1 << 1, ///< of jeff-callbacks
    OPTION_CALLBACKS_LOOK = 1 << 2,
};

static const char *const region_options[] = {"no-last-resort", "low-memory", "moved",  "settle",
                                             "look",           "worn",       "damage", NULL};
static const char *const mapped_options[] = {"no-last-resort", "low-memory", "moved", "failing-pages", "settle", "look",
                                             "damage",         "system",     NULL};
static const char *const callbacks_options[] = {"no-last-resort", "scramble", "look", NULL};

/// An open heap, with what the callbacks note. It lives outside the region, because the region is Jeff's alone.
struct instance {
    jeff_heap *heap;
    uintptr_t region; ///< where the heap's memory begins; 0 for a mapped heap
    bool used;
    bool pooled;
    bool settles;              ///< the option `settle` is on
    bool looks;                ///< `look`
    bool damages;              ///< `damage`
    unsigned requests;         ///< under it
    unsigned goals;            ///< compactions with a goal so far
    jeff_handle worn;          ///< of a slot that was used up
    struct steve_jeff_own own; ///< of `jeff-callbacks`
    bool meddles;              ///< `jeff-callbacks` itself
    jeff_handle to_settle;
    bool asked_again;    ///< low_memory has had its one more try in this request
    uint64_t checks;     ///< so far
    bool may_be_halfway; ///< a compaction has paused since the last one that went to the end
    bool purges;         ///< some block is purgeable, or was: it may have no memory
    bool last_resort;    ///< compacts before it refuses
    bool scrambles;      ///< moves everything at each request
    size_t locks;        ///< of all blocks together
    size_t stranded;     ///< at most, below blocks that are aligned: their alignments, with those of the freed ones
    const char *damage;  ///< what a callback or a dry run saw that must not be; told by `check`
    struct steve_jeff_pages pages;
};

/// One goal compaction in so many is priced by a dry run before.
#define PRICED_ONE_IN 4u
/// And one in so many is done twice.
#define DOUBLED_ONE_IN 16u
/// One in as many comes after slices of a budget, if there are not too many of them.
#define SLICES_MOST 64u
#define SLICE_NS    5000u

/// Instances that need no system call, for the sake of fuzzers that open a heap 60,000 times a second. Steve calls drivers from one
/// thread; an instance whose heap was abandoned after a finding stays in use, and the next one is mapped.
static struct instance pool[16];

static struct instance *instance_new(void)
{
    for (size_t i = 0; i < sizeof pool / sizeof pool[0]; i++) {
        if (!pool[i].used) {
            pool[i] = (struct instance){.used = true, .pooled = true};
            return &pool[i];
        }
    }
    void *memory = mmap(NULL, sizeof(struct instance), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void instance_free(struct instance *instance)
{
    if (instance->pooled) {
        instance->used = false;
    } else {
        munmap(instance, sizeof *instance);
    }
}

static struct jeff_stats stats_of(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    return stats;
}

static uint64_t virtual_now(void *context)
{
    const struct instance *instance = context;
    if (instance->heap == NULL) {
        return 0; // asked while the heap is being made
    }
    const struct jeff_stats stats = stats_of(instance);
    return stats.moved_bytes * NS_PER_MOVED_BYTE + stats.visited_blocks * NS_PER_VISITED_BLOCK;
}

/// What a callback, a probe or an audit found is told by the next `check`.
static void note(struct instance *instance, const char *wrong)
{
    if (wrong != NULL) {
        instance->damage = wrong;
    }
}

/// Frees nothing, but asks for one more try per request: that path must end, and refuse in the end.
static bool on_low_memory(void *context, size_t bytes)
{
    (void)bytes;
    struct instance *instance = context;
    bool again = !instance->asked_again;
    instance->asked_again = true;
    if (instance->looks) {
        note(instance, steve_jeff_probe_busy(instance->heap, JEFF_NULL, false));
    }
    return again;
}

static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct instance *instance = context;
    (void)from;
    if (jeff_weak_lock(instance->heap, handle) != to) {
        instance->damage = "the moved callback was told another address than a lock gives";
    } else if (jeff_usable_size(instance->heap, handle) < bytes) {
        instance->damage = "the moved callback was told more bytes than the block has";
    } else if (jeff_malloc(instance->heap, 1) != JEFF_NULL) {
        instance->damage = "malloc was not refused inside the moved callback";
    }
    if (instance->looks) {
        note(instance, steve_jeff_probe_busy(instance->heap, handle, true));
    }
}

static bool low_memory_of_own(void *context, size_t bytes)
{
    struct instance *instance = context;
    note(instance, steve_jeff_own_step_inside(&instance->own, instance->heap, false));
    note(instance, steve_jeff_own_step_inside(&instance->own, instance->heap, false));
    return on_low_memory(context, bytes);
}

static void moved_of_own(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct instance *instance = context;
    on_moved(context, handle, from, to, bytes);
    note(instance, steve_jeff_own_step_inside(&instance->own, instance->heap, true));
}

static struct jeff_config make_config(struct instance *instance, const struct steve_geometry *geometry)
{
    uint32_t salt = geometry->salt != 0 ? geometry->salt : 0x5bd1e995u; // 0 would take one from the address
    return (struct jeff_config){
        .handle_salt = salt,
        .no_last_resort = (geometry->options & OPTION_NO_LAST_RESORT) != 0,
        .now_ns = virtual_now,
        .low_memory = (geometry->options & OPTION_LOW_MEMORY) != 0 ? on_low_memory : NULL,
        .moved = (geometry->options & OPTION_MOVED) != 0 ? on_moved : NULL,
        .context = instance,
    };
}

/// Makes the heap in the region. @param scramble see jeff_config
static bool make_in_region(struct instance *instance, const struct steve_geometry *geometry,
                           const struct jeff_config *config, const char **why)
{
    enum jeff_status status = JEFF_OK;
    instance->region = (uintptr_t)geometry->region;
    instance->last_resort = !config->no_last_resort;
    instance->heap = jeff_init(geometry->region, geometry->bytes, config, &status);
    if (instance->heap == NULL) {
        *why = jeff_strerror(status);
        instance_free(instance);
        return false;
    }
    return true;
}

static struct instance *new_instance(const char **why)
{
    struct instance *instance = instance_new();
    if (instance == NULL) {
        *why = "no memory for the driver's own bookkeeping";
    }
    return instance;
}

static void *open_in_region(const struct steve_geometry *geometry, size_t alignment, bool scramble, const char **why)
{
    struct instance *instance = new_instance(why);
    if (instance == NULL) {
        return NULL;
    }
    struct jeff_config config = make_config(instance, geometry);
    config.alignment = alignment;
    config.scramble = scramble;
    instance->scrambles = scramble;
    if (!make_in_region(instance, geometry, &config, why)) {
        return NULL;
    }
    instance->settles = (geometry->options & OPTION_SETTLE) != 0;
    instance->looks = (geometry->options & OPTION_LOOK) != 0;
    instance->damages = (geometry->options & OPTION_DAMAGE) != 0;
    if (instance->looks) {
        note(instance, steve_jeff_probe_arguments());
    }
    if ((geometry->options & OPTION_WORN) != 0) {
        note(instance, steve_jeff_probe_worn(instance->heap, &instance->worn));
    }
    return instance;
}

static void *open_region(const struct steve_geometry *geometry, const char **why)
{
    return open_in_region(geometry, 16, false, why);
}

static void *open_align8(const struct steve_geometry *geometry, const char **why)
{
    return open_in_region(geometry, 8, false, why);
}

/// As much of the geometry as can be scrambled at each request.
static struct steve_geometry scrambled(const struct steve_geometry *geometry)
{
    struct steve_geometry small = *geometry;
    small.bytes = small.bytes < SCRAMBLED_MOST ? small.bytes : SCRAMBLED_MOST;
    return small;
}

static void *open_scramble(const struct steve_geometry *geometry, const char **why)
{
    const struct steve_geometry small = scrambled(geometry);
    return open_in_region(&small, 16, true, why);
}

static void *open_callbacks(const struct steve_geometry *geometry, const char **why)
{
    struct instance *instance = new_instance(why);
    if (instance == NULL) {
        return NULL;
    }
    struct jeff_config config = make_config(instance, geometry);
    config.low_memory = low_memory_of_own;
    config.moved = moved_of_own;
    config.scramble = (geometry->options & OPTION_SCRAMBLE) != 0;
    const struct steve_geometry used = config.scramble ? scrambled(geometry) : *geometry;
    if (!make_in_region(instance, &used, &config, why)) {
        return NULL;
    }
    instance->looks = (geometry->options & OPTION_CALLBACKS_LOOK) != 0;
    instance->meddles = true;
    instance->scrambles = config.scramble;
    instance->last_resort = false; // his own blocks may be locked: then a request may be refused
    instance->locks = 1;
    instance->purges = true; // and be purged
    return instance;
}

static void *open_mapped(const struct steve_geometry *geometry, const char **why)
{
    struct instance *instance = new_instance(why);
    if (instance == NULL) {
        return NULL;
    }
    struct jeff_config config = make_config(instance, geometry);
    config.own_mapping = OWN_MAPPING;
    const size_t bytes = steve_jeff_pages_round(geometry->bytes);
    const struct jeff_page_hooks hooks = steve_jeff_pages_hooks(&instance->pages);
    config.pages = &hooks;

    const bool failing = (geometry->options & OPTION_FAILING_PAGES) != 0;
    if (failing) {
        note(instance, steve_jeff_pages_refuse(&instance->pages, bytes, &config));
    }
    enum jeff_status status = JEFF_OK;
    instance->heap = jeff_create(bytes, &config, &status);
    if (instance->heap == NULL) {
        *why = jeff_strerror(status);
        instance_free(instance);
        return NULL;
    }
    instance->settles = (geometry->options & OPTION_MAPPED_SETTLE) != 0;
    instance->looks = (geometry->options & OPTION_MAPPED_LOOK) != 0;
    instance->damages = (geometry->options & OPTION_MAPPED_DAMAGE) != 0;
    instance->pages.failing = failing;
    if ((geometry->options & OPTION_SYSTEM) != 0) {
        note(instance, steve_jeff_probe_system(geometry->bytes >= GIB));
    }
    return instance;
}

static void close_heap(void *heap)
{
    struct instance *instance = heap;
    instance->pages.failing = false;
    jeff_destroy(instance->heap);
    instance_free(instance);
}

static jeff_heap *request(void *heap)
{
    struct instance *instance = heap;
    instance->asked_again = false;
    return instance->heap;
}

static jeff_heap *heap_of(void *heap)
{
    return ((struct instance *)heap)->heap;
}

#define BIT(status) (1u << (status))

/// A call with a handle came to an end. Passes on whether it was done. @param reasons statuses that it may be refused for
static bool judged(struct instance *instance, bool done, jeff_handle handle, unsigned reasons)
{
    if (!done) {
        note(instance, steve_jeff_audit_refusal(instance->heap, handle, reasons));
    }
    return done;
}

/// A request may be refused only if it needs more than is free, as long as no block is locked and the heap may compact.
static jeff_handle judged_request(struct instance *instance, jeff_handle handle, size_t alignment, size_t bytes)
{
    if (judged(instance, handle != JEFF_NULL, JEFF_NULL, BIT(JEFF_ERROR_NO_MEMORY)) || instance->locks != 0 ||
        !instance->last_resort) {
        return handle;
    }
    const size_t needed = jeff_run_needed(instance->heap, alignment, bytes);
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    if (stats.free_bytes > instance->stranded && stats.free_bytes - instance->stranded >= needed &&
        stats.free_bytes - instance->stranded - needed >= HANDLE_BYTES + 16) {
        instance->damage =
            "a request was refused although no block is locked and enough memory is free, if not in one run";
    }
    return handle;
}

/// Under the option `settle` every 4th request settles the block that was given out two requests before, whatever has become of
/// it; later every 32nd, since it costs a few walks over the heap.
static void settle_some(struct instance *instance)
{
    if (!instance->settles) {
        return;
    }
    instance->requests++;
    if (instance->requests % (instance->requests < 64 ? 4 : 32) != 0 ||
        !judged(instance, jeff_settle(instance->heap, instance->to_settle), instance->to_settle,
                BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_PURGED) | BIT(JEFF_ERROR_LOCKED) | BIT(JEFF_ERROR_NO_MEMORY))) {
        return;
    }
    if (instance->region != 0) {
        note(instance, steve_jeff_audit_settled(instance->heap, instance->to_settle, instance->stranded));
    }
    uint64_t moves = jeff_compactions(instance->heap);
    if (!jeff_settle(instance->heap, instance->to_settle) || jeff_compactions(instance->heap) != moves) {
        instance->damage = "a block that was settled did not lie well";
    }
}

static steve_ref remember(struct instance *instance, jeff_handle handle)
{
    if (instance->requests % 4 == 2) {
        instance->to_settle = handle;
    }
    return handle;
}

static steve_ref call_malloc(void *heap, size_t bytes)
{
    settle_some(heap);
    const jeff_handle handle = jeff_malloc(request(heap), bytes);
    return remember(heap, judged_request(heap, handle, 0, bytes));
}

static steve_ref call_calloc(void *heap, size_t count, size_t size)
{
    settle_some(heap);
    const jeff_handle handle = jeff_calloc(request(heap), count, size);
    return remember(heap,
                    judged_request(heap, handle, 0, size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size));
}

static steve_ref call_aligned(void *heap, size_t alignment, size_t bytes)
{
    settle_some(heap);
    const jeff_handle handle = jeff_aligned_alloc(request(heap), alignment, bytes);
    if (alignment > 16) {
        ((struct instance *)heap)->stranded += alignment;
    }
    return remember(heap, judged_request(heap, handle, alignment, bytes));
}

/// A handle that Steve makes up may be that of one of the driver's own blocks: it is not his.
static bool is_own(const void *heap, steve_ref ref)
{
    const struct instance *instance = heap;
    return instance->meddles && steve_jeff_own_has(&instance->own, ref);
}

static steve_ref call_resize(void *heap, steve_ref ref, size_t bytes)
{
    if (is_own(heap, ref)) {
        return JEFF_NULL;
    }
    const bool done = jeff_resize(request(heap), ref, bytes);
    const unsigned reasons = BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_NO_MEMORY) | BIT(JEFF_ERROR_LOCKED);
    return judged(heap, done, ref, reasons) ? ref : JEFF_NULL;
}

static bool call_free(void *heap, steve_ref ref)
{
    return !is_own(heap, ref) &&
           judged(heap, jeff_free(heap_of(heap), ref), ref, BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_LOCKED));
}

static enum steve_lock_result lock_result(struct instance *instance, jeff_handle handle, void *address, void **out)
{
    if (judged(instance, address != NULL, handle,
               BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_PURGED) | BIT(JEFF_ERROR_LOCK_LIMIT))) {
        *out = address;
        return STEVE_LOCK_OK;
    }
    return jeff_last_status(instance->heap) == JEFF_ERROR_PURGED ? STEVE_LOCK_PURGED : STEVE_LOCK_REFUSED;
}

static enum steve_lock_result call_lock(void *heap, steve_ref ref, void **address)
{
    struct instance *instance = heap;
    if (is_own(heap, ref)) {
        return STEVE_LOCK_REFUSED;
    }
    enum steve_lock_result result = lock_result(instance, ref, jeff_lock(instance->heap, ref), address);
    instance->locks += result == STEVE_LOCK_OK;
    return result;
}

static bool call_unlock(void *heap, steve_ref ref)
{
    struct instance *instance = heap;
    if (is_own(heap, ref)) {
        return false;
    }
    const bool done = jeff_unlock(instance->heap, ref);
    instance->locks -= done;
    return judged(instance, done, ref, BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_NOT_LOCKED));
}

static enum steve_lock_result call_weak_lock(void *heap, steve_ref ref, void **address)
{
    return lock_result(heap, ref, jeff_weak_lock(heap_of(heap), ref), address);
}

static bool call_set_purgeable(void *heap, steve_ref ref, bool purgeable)
{
    const bool done = jeff_set_purgeable(heap_of(heap), ref, purgeable);
    ((struct instance *)heap)->purges |= purgeable;
    void *begin = NULL;
    if (done && jeff_extent(heap_of(heap), ref, &begin) == 0) {
        ((struct instance *)heap)->damage = "a block that was purged can still be made purgeable, or not";
    }
    return judged(heap, done, ref, BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_PURGED));
}

/// Free memory that can be had in one run while no block is locked: what alignment may strand aside, and one part in 32, which is
/// not worth a slide.
static size_t free_in_one(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    const size_t most = stats.free_bytes - stats.free_bytes / 32;
    return most > instance->stranded + 64 ? most - instance->stranded - 64 : 0;
}

/// Whether the run that a compaction was to make, or else all free memory, is in one piece.
static bool has_all(const struct instance *instance, const struct jeff_goal *goal, const struct jeff_report *report)
{
    const size_t most = free_in_one(instance);
    if (goal->wanted_bytes == 0) {
        return report->largest_after >= most;
    }
    return report->stop == JEFF_STOP_GOAL || jeff_run_needed(instance->heap, 0, goal->wanted_bytes) > most;
}

/// A compaction with a goal, whose report is held against the statistics and the clock.
static enum jeff_stop reach_goal(struct instance *instance, const struct jeff_goal *goal, struct jeff_report *report)
{
    struct jeff_stats before;
    jeff_stats(instance->heap, &before);
    const uint64_t begin_ns = virtual_now(instance);
    const enum jeff_stop stop = jeff_compact_goal(instance->heap, goal, report);
    if (!instance->meddles) { // callbacks change what was planned
        note(instance,
             steve_jeff_audit_report(instance->heap, goal, &before, virtual_now(instance) - begin_ns, report));
    }
    instance->may_be_halfway |= stop == JEFF_STOP_BUDGET;
    if (stop != report->stop) {
        instance->damage = "a compaction returns another reason to have stopped than it reports";
    }
    if (goal->budget_ns == 0 && instance->locks == 0 && instance->region != 0 && !has_all(instance, goal, report)) {
        instance->damage = "a compaction leaves free memory in pieces although no block is locked";
    }
    return stop;
}

/// Whole milliseconds go the way that most clients go; finer budgets need the call that takes nanoseconds.
static bool call_compact(void *heap, uint64_t budget_ns)
{
    struct instance *instance = heap;
    jeff_heap *jeff = instance->heap;
    uint64_t ms = budget_ns / NS_PER_MS;
    if (budget_ns % NS_PER_MS == 0 && ms <= UINT32_MAX) {
        struct jeff_stats before;
        struct jeff_stats after;
        jeff_stats(jeff, &before);
        const enum jeff_stop stop = jeff_compact(jeff, (uint32_t)ms);
        jeff_stats(jeff, &after);
        if (ms == 0 && !instance->purges && after.visited_blocks - before.visited_blocks < after.live_blocks) {
            instance->damage = "a full compaction counts fewer blocks that it looked at than there are";
        }
        instance->may_be_halfway = stop == JEFF_STOP_BUDGET || (instance->may_be_halfway && ms != 0);
        return stop == JEFF_STOP_DONE;
    }
    struct jeff_goal goal = {.wanted_bytes = 0, .budget_ns = budget_ns};
    struct jeff_report report;
    // Odd ones in two calls: a block that the first one has moved a part of is not looked at, which would void that, before the
    // second goes on.
    if (budget_ns / 1000 % 2 != 0 && budget_ns > 2 * BUDGET_STEP_NS) {
        goal.budget_ns = budget_ns / 2;
        if (reach_goal(heap, &goal, &report) != JEFF_STOP_BUDGET || report.time_ns >= budget_ns) {
            return report.stop != JEFF_STOP_BUDGET;
        }
        goal.budget_ns = budget_ns - report.time_ns;
    }
    return reach_goal(heap, &goal, &report) != JEFF_STOP_BUDGET;
}

/// A price holds for what is done right afterwards, to the byte.
static bool is_price_of(const struct jeff_report *price, const struct jeff_report *done)
{
    return price->stop == done->stop && price->moved_blocks == done->moved_blocks &&
           price->moved_bytes == done->moved_bytes && price->left_blocks == done->left_blocks &&
           price->largest_before == done->largest_before && price->largest_after == done->largest_after;
}

/// What of the statistics a dry run must leave alone: all of them.
static bool are_same(const struct jeff_stats *a, const struct jeff_stats *b)
{
    return a->heap_bytes == b->heap_bytes && a->table_bytes == b->table_bytes && a->spare_handles == b->spare_handles &&
           a->live_blocks == b->live_blocks && a->live_bytes == b->live_bytes && a->free_bytes == b->free_bytes &&
           a->compactions == b->compactions && a->moved_blocks == b->moved_blocks && a->moved_bytes == b->moved_bytes &&
           a->visited_blocks == b->visited_blocks && a->refused == b->refused;
}

/// Prices a goal compaction by a dry run, which must change nothing.
static struct jeff_report price_of(struct instance *instance, size_t wanted)
{
    const struct jeff_goal goal = {.wanted_bytes = wanted, .dry_run = true};
    struct jeff_report price;
    const struct jeff_stats before = stats_of(instance);
    jeff_compact_goal(instance->heap, &goal, &price);
    const struct jeff_stats after = stats_of(instance);
    if (!are_same(&before, &after)) {
        instance->damage = "a dry run of a compaction changed the heap's statistics";
    }
    return price;
}

/// Calls with a budget, one after the other, come to an end: each moves a block or more, or a part of one as large as the budget.
static void finish_in_slices(struct instance *instance, uint64_t budget_ns)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    const struct jeff_goal goal = {.budget_ns = budget_ns};
    const uint64_t work = stats.live_bytes * NS_PER_MOVED_BYTE + stats.live_blocks * NS_PER_VISITED_BLOCK;
    if (stats.live_blocks + work / budget_ns > SLICES_MOST) {
        return;
    }
    struct jeff_report report;
    for (unsigned calls = 0; reach_goal(instance, &goal, &report) == JEFF_STOP_BUDGET; calls++) {
        if (calls > 4 * SLICES_MOST) {
            instance->damage = "compactions with a budget, one after the other, do not come to an end";
            return;
        }
    }
}

/// What a compaction has made room for is served, and given back. Where that itself moves everything, the run may be gone by then.
static const char *is_served(struct instance *instance, size_t wanted, const struct jeff_report *report)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    if (instance->scrambles || report->stop != JEFF_STOP_GOAL || stats.spare_handles == 0) {
        return NULL;
    }
    const jeff_handle handle = jeff_malloc(instance->heap, wanted);
    return handle != JEFF_NULL && jeff_free(instance->heap, handle) ? NULL : "a run that was made serves no request";
}

/// Under `look`: a budget first, which may be enough.
static void goal_in_slices(struct instance *instance, size_t wanted)
{
    const struct jeff_goal slice = {.wanted_bytes = wanted, .budget_ns = (uint64_t)instance->goals * 1000};
    struct jeff_report report;
    const enum jeff_stop stop = jeff_compact_goal(instance->heap, &slice, &report);
    instance->may_be_halfway |= stop == JEFF_STOP_BUDGET;
    if (stop == JEFF_STOP_GOAL && report.largest_after < wanted) {
        instance->damage = "a compaction that reached its goal has no run of the wanted size";
    }
}

/// Now and then a goal compaction is priced first, and must then do what its dry run said. Not each time: planning costs more than
/// all else that an episode does.
static bool call_compact_goal(void *heap, size_t wanted)
{
    struct instance *instance = heap;
    const bool priced = instance->goals++ % PRICED_ONE_IN == 0;
    struct jeff_report price = {0};
    if (priced) {
        price = price_of(instance, wanted);
    }
    if (instance->looks && !priced) {
        goal_in_slices(instance, wanted);
    }
    if (instance->goals % DOUBLED_ONE_IN == DOUBLED_ONE_IN / 2 - 1 && !instance->meddles) {
        finish_in_slices(instance, SLICE_NS);
    }
    const struct jeff_goal goal = {.wanted_bytes = wanted};
    struct jeff_report report;
    reach_goal(instance, &goal, &report);
    if (priced && !instance->meddles && !is_price_of(&price, &report)) {
        instance->damage = "a compaction did something else than its dry run had said";
    }
    if (instance->goals % DOUBLED_ONE_IN == 0 && !instance->meddles) {
        struct jeff_report second;
        reach_goal(instance, &goal, &second);
        if (second.moved_blocks != 0 || second.stop != report.stop || second.largest_after != report.largest_after) {
            instance->damage = "a second compaction with the same goal did something";
        }
        note(instance, is_served(instance, wanted, &report));
    }
    return report.largest_after >= wanted;
}

static uint64_t call_moves(void *heap)
{
    return jeff_compactions(heap_of(heap));
}

static size_t call_usable(void *heap, steve_ref ref)
{
    return jeff_usable_size(heap_of(heap), ref);
}

static struct steve_extent call_extent(void *heap, steve_ref ref)
{
    void *begin = NULL;
    size_t bytes = jeff_extent(heap_of(heap), ref, &begin);
    return (struct steve_extent){.begin = (uintptr_t)begin, .bytes = bytes};
}

static struct steve_arena call_arena(void *heap)
{
    const struct instance *instance = heap;
    const struct jeff_stats stats = stats_of(instance);
    return (struct steve_arena){
        .begin = instance->region + stats.control_bytes,
        .end = instance->region + stats.heap_bytes - stats.table_bytes,
        .spare_handles = stats.spare_handles,
        .handle_bytes = HANDLE_BYTES,
    };
}

static size_t call_run_needed(void *heap, size_t alignment, size_t bytes)
{
    return jeff_run_needed(heap_of(heap), alignment, bytes);
}

static void region_stats(void *heap, struct steve_stats *out)
{
    const struct jeff_stats stats = stats_of(heap);
    *out = (struct steve_stats){
        .live_blocks = stats.live_blocks,
        .live_bytes = stats.live_bytes,
        .free_bytes = stats.free_bytes,
    };
}

static void mapped_stats(void *heap, struct steve_stats *out)
{
    const struct jeff_stats stats = stats_of(heap);
    *out = (struct steve_stats){
        .live_blocks = stats.live_blocks,
        // With pages of its own a block's extent is those pages, but its small share of the heap is counted, too.
        .live_bytes = stats.mapped_blocks == 0 ? stats.live_bytes : SIZE_MAX,
        .free_bytes = SIZE_MAX, // no arena to compare it with
    };
}

/// All memory of the heap, as far as the driver knows it.
static size_t heap_bytes(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    const size_t skipped = instance->region == 0 ? 0 : (uintptr_t)instance->heap - instance->region;
    return instance->region == 0 ? instance->pages.bytes : stats.heap_bytes - skipped;
}

/// What the options look for, apart from what the callbacks saw.
static const char *look(struct instance *instance)
{
    if (instance->worn != JEFF_NULL && jeff_free(instance->heap, instance->worn)) {
        return "a block of a used up slot is live again";
    }
    const unsigned turn = (unsigned)instance->checks;
    const char *wrong = instance->looks ? steve_jeff_probe_look(instance->heap, turn) : NULL;
    if (wrong == NULL && instance->damages) {
        wrong = steve_jeff_probe_damage(instance->heap, heap_bytes(instance), turn);
    }
    return wrong;
}

static const char *call_check(void *heap)
{
    struct instance *instance = heap;
    if (instance->damage != NULL) {
        return instance->damage;
    }
    struct jeff_damage damage = {.what = "damage without a description"};
    if (jeff_check(instance->heap, &damage) != JEFF_OK) {
        return damage.what;
    }
    const char *told = steve_jeff_audit(instance->heap, instance->region);
    if (told == NULL && instance->region == 0) {
        struct jeff_stats stats;
        jeff_stats(instance->heap, &stats);
        told = steve_jeff_pages_audit(&instance->pages, &stats);
    }
    // While a block moves in pieces, the hole that it moves to is in no bin, and its links mean nothing.
    if (told == NULL && !instance->may_be_halfway) {
        told = steve_jeff_audit_overrun(instance->heap, ++instance->checks);
    }
    return told != NULL ? told : look(instance);
}

/* `jeff-callbacks`: before each request, the driver does something with its own blocks. */

static steve_ref callbacks_malloc(void *heap, size_t bytes)
{
    struct instance *instance = heap;
    steve_jeff_own_step(&instance->own, request(heap));
    return jeff_malloc(request(heap), bytes);
}

static steve_ref callbacks_calloc(void *heap, size_t count, size_t size)
{
    struct instance *instance = heap;
    steve_jeff_own_step(&instance->own, request(heap));
    return jeff_calloc(request(heap), count, size);
}

static steve_ref callbacks_aligned(void *heap, size_t alignment, size_t bytes)
{
    struct instance *instance = heap;
    steve_jeff_own_step(&instance->own, request(heap));
    return jeff_aligned_alloc(request(heap), alignment, bytes);
}

static void callbacks_stats(void *heap, struct steve_stats *out)
{
    const struct instance *instance = heap;
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    *out = (struct steve_stats){
        .live_blocks = stats.live_blocks - steve_jeff_own_count(&instance->own),
        .live_bytes = SIZE_MAX,
        .free_bytes = SIZE_MAX,
    };
}

static const char *callbacks_check(void *heap)
{
    struct instance *instance = heap;
    const char *wrong = call_check(heap);
    return wrong == NULL ? steve_jeff_own_check(&instance->own, instance->heap) : wrong;
}

// What all have in common, apart from how they are opened and what a region allows.
#define LEAST_PROMISES                                                                                                 \
    (STEVE_PROMISE_HANDLES | STEVE_PROMISE_REFUSES_MISUSE | STEVE_PROMISE_REFUSES_LOCKED | STEVE_PROMISE_MOVES |       \
     STEVE_PROMISE_RESIZE_IN_PLACE | STEVE_PROMISE_LOCKS_NEST)
#define COMMON_PROMISES (LEAST_PROMISES | STEVE_PROMISE_COMPACTS_FULLY)
#define REGION_PROMISES                                                                                                \
    (COMMON_PROMISES | STEVE_PROMISE_REGION | STEVE_PROMISE_EXACT_REFUSAL | STEVE_PROMISE_RELOCATABLE)

#define LEAST_FUNCTIONS                                                                                                \
    .version = STEVE_DRIVER_VERSION, .largest_aligned = 65536, .budget_step_ns = BUDGET_STEP_NS, .close = close_heap,  \
    .resize = call_resize, .free = call_free, .lock = call_lock, .unlock = call_unlock, .weak_lock = call_weak_lock,   \
    .set_purgeable = call_set_purgeable, .compact = call_compact, .compact_goal = call_compact_goal,                   \
    .moves = call_moves, .now = virtual_now, .usable = call_usable, .extent = call_extent
#define COMMON_FUNCTIONS                                                                                               \
    LEAST_FUNCTIONS, .zero_size = STEVE_ZERO_BLOCK, .malloc = call_malloc, .calloc = call_calloc,                      \
                     .aligned = call_aligned, .run_needed = call_run_needed, .check = call_check

const struct steve_driver steve_driver_jeff = {
    COMMON_FUNCTIONS,
    .wire_id = 1,
    .name = "jeff",
    .heap_max = LARGEST_HEAP,
    .snippets = &steve_jeff_snippets,
    .summary = "Jeff in client memory: compacting, handle-based",
    .promises = REGION_PROMISES,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = JEFF_HEAP_MIN,
    .options = region_options,
    .open = open_region,
    .arena = call_arena,
    .stats = region_stats,
};

const struct steve_driver steve_driver_jeff_scramble = {
    COMMON_FUNCTIONS,
    .wire_id = 18,
    .name = "jeff-scramble",
    .snippets = &steve_jeff_scramble_snippets,
    .summary = "Jeff in client memory, moving everything at every request",
    .promises = REGION_PROMISES,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = JEFF_HEAP_MIN,
    .heap_max = SCRAMBLED_MOST,
    .options = region_options,
    .open = open_scramble,
    .arena = call_arena,
    .stats = region_stats,
};

const struct steve_driver steve_driver_jeff_align8 = {
    COMMON_FUNCTIONS,
    .wire_id = 17,
    .name = "jeff-align8",
    .heap_max = LARGEST_HEAP,
    .snippets = &steve_jeff_align8_snippets,
    .summary = "Jeff in client memory, blocks and region 8-aligned",
    .promises = REGION_PROMISES,
    .alignment = 8,
    .region_alignment = 8,
    .heap_min = JEFF_HEAP_MIN,
    .options = region_options,
    .open = open_align8,
    .arena = call_arena,
    .stats = region_stats,
};

const struct steve_driver steve_driver_jeff_mapped = {
    COMMON_FUNCTIONS,
    .wire_id = 16,
    .name = "jeff-mapped",
    .heap_max = LARGEST_HEAP,
    .snippets = &steve_jeff_mapped_snippets,
    .summary = "Jeff over pages of his own, growing, large blocks mapped apart",
    .promises = COMMON_PROMISES,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = (size_t)64 * 1024,
    .options = mapped_options,
    .open = open_mapped,
    .stats = mapped_stats,
};

/// Where the free memory is and how much of it, Steve does not know: the driver's own blocks lie there, too.
const struct steve_driver steve_driver_jeff_callbacks = {
    LEAST_FUNCTIONS,
    .wire_id = 22,
    .name = "jeff-callbacks",
    .heap_max = LARGEST_HEAP,
    .summary = "Jeff in client memory, with callbacks that free, lock and unlock",
    .promises = LEAST_PROMISES | STEVE_PROMISE_REGION,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = JEFF_HEAP_MIN,
    .options = callbacks_options,
    .zero_size = STEVE_ZERO_EITHER,
    .open = open_callbacks,
    .malloc = callbacks_malloc,
    .calloc = callbacks_calloc,
    .aligned = callbacks_aligned,
    .stats = callbacks_stats,
    .check = callbacks_check,
};
