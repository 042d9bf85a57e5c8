/// Jeff as Steve sees him, through jeff.h alone: what each op calls, and what must be true of the answer. Five drivers share these
/// functions: `jeff` (everything inside the region), `jeff-align8` (the same, blocks and region 8-aligned), `jeff-scramble` (moves
/// everything at each request), `jeff-mapped` (pages of its own, which grow; pages.c), and `jeff-callbacks` (blocks beside Steve's that
/// callbacks free and lock; callbacks.c). Their heaps are opened in open.c and compacted in compaction.c.
#include "steve/drivers/drivers.h"

#include "jeff.h"
#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/callbacks_internal.h"
#include "steve/drivers/jeff/driver_internal.h"
#include "steve/drivers/jeff/pages_internal.h"
#include "steve/drivers/jeff/places_internal.h"
#include "steve/drivers/jeff/probe_internal.h"
#include "steve/drivers/jeff/snippets_internal.h"

static jeff_heap *request(void *heap)
{
    struct instance *instance = heap;
    instance->asked_again = false;
    instance->pages.refusals = 0;
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
        stats.free_bytes - instance->stranded - needed >= STEVE_JEFF_HANDLE_BYTES + 16) {
        instance->damage =
            "a request was refused although no block is locked and enough memory is free, if not in one run";
    }
    return handle;
}

/// More than what a block with pages of its own has in the heap, and less than what an address space is short of.
#define RECORD_MOST ((size_t)512)
#define OWN_MOST    ((size_t)1 << 30)

/// A large block has pages of its own, and costs no memory until the client writes to it: nobody has touched the last one. From an empty
/// heap it can be had unless pages are refused.
static jeff_handle judged_pages(struct instance *instance, jeff_handle handle, size_t bytes)
{
    if (instance->region != 0 || bytes < STEVE_JEFF_OWN_MAPPING) {
        return handle;
    }
    if (handle == JEFF_NULL) {
        struct jeff_stats stats;
        jeff_stats(instance->heap, &stats);
        if (bytes <= OWN_MOST && instance->pages.refusals == 0 && stats.live_blocks == 0 &&
            stats.free_bytes >= RECORD_MOST) {
            instance->damage = "a block that would have had pages of its own was refused although no pages were";
        }
        return handle;
    }
    void *begin = NULL;
    const size_t extent = jeff_extent(instance->heap, handle, &begin);
    if ((uintptr_t)begin % 8 != 0) { // behind a header of 4 bytes
        instance->damage = "a block that is large enough for that has no pages of its own";
    } else if (steve_jeff_place_is_touched((const char *)begin + extent - 1)) {
        instance->damage = "the pages of a block that has its own were touched when they were mapped";
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
    if (instance->requests % (instance->requests < 64 ? 4 : 32) != 0) {
        return;
    }
    if (!judged(instance, jeff_settle(instance->heap, instance->to_settle), instance->to_settle,
                BIT(JEFF_ERROR_HANDLE) | BIT(JEFF_ERROR_PURGED) | BIT(JEFF_ERROR_LOCKED) | BIT(JEFF_ERROR_NO_MEMORY))) {
        if (instance->region != 0 && jeff_last_status(instance->heap) == JEFF_ERROR_NO_MEMORY) {
            note(instance, steve_jeff_audit_unsettled(instance->heap, instance->to_settle));
        }
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
    const jeff_handle handle = judged_pages(heap, jeff_malloc(request(heap), bytes), bytes);
    return remember(heap, judged_request(heap, handle, 0, bytes));
}

static steve_ref call_calloc(void *heap, size_t count, size_t size)
{
    settle_some(heap);
    const size_t bytes = size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;
    const jeff_handle handle = judged_pages(heap, jeff_calloc(request(heap), count, size), bytes);
    return remember(heap, judged_request(heap, handle, 0, bytes));
}

static steve_ref call_aligned(void *heap, size_t alignment, size_t bytes)
{
    settle_some(heap);
    const jeff_handle handle = judged_pages(heap, jeff_aligned_alloc(request(heap), alignment, bytes), bytes);
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
    return steve_jeff_arena(instance->region, &stats);
}

static size_t call_run_needed(void *heap, size_t alignment, size_t bytes)
{
    return jeff_run_needed(heap_of(heap), alignment, bytes);
}

static void region_stats(void *heap, struct steve_stats *out)
{
    const struct jeff_stats stats = stats_of(heap);
    *out = steve_jeff_region_stats(&stats);
}

static void mapped_stats(void *heap, struct steve_stats *out)
{
    const struct jeff_stats stats = stats_of(heap);
    *out = steve_jeff_mapped_stats(&stats);
}

/// All memory of the heap, as far as the driver knows it.
static size_t heap_bytes(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    const size_t skipped = instance->region == 0 ? 0 : (uintptr_t)instance->heap - instance->region;
    return instance->region == 0 ? instance->pages.bytes : stats.heap_bytes - skipped;
}

/// Whether to damage the heap in this check. A fuzzer's time is too dear for a heap that is empty again, as it is at each episode's end.
static bool is_to_damage(const struct instance *instance)
{
    return STEVE_JEFF_BESIDE || stats_of(instance).live_blocks > 0;
}

/// What the options look for, apart from what the callbacks saw.
static const char *look(struct instance *instance)
{
    if (instance->worn != JEFF_NULL && jeff_free(instance->heap, instance->worn)) {
        return "a block of a used up slot is live again";
    }
    const unsigned turn = (unsigned)instance->checks;
    const char *wrong = instance->looks ? steve_jeff_probe_look(instance->heap, turn) : NULL;
    if (wrong == NULL && instance->damages && is_to_damage(instance)) {
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
    instance->checks++;
    if (told == NULL && !instance->may_be_halfway && is_to_damage(instance)) {
        told = steve_jeff_audit_overrun(instance->heap, instance->checks);
    }
    if (told == NULL) {
        told = look(instance);
    }
    return told != NULL ? told : steve_jeff_look_beside(instance);
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
    .version = STEVE_DRIVER_VERSION, .largest_aligned = 65536, .budget_step_ns = STEVE_JEFF_BUDGET_STEP_NS,            \
    .close = steve_jeff_close, .resize = call_resize, .free = call_free, .lock = call_lock, .unlock = call_unlock,     \
    .weak_lock = call_weak_lock, .set_purgeable = call_set_purgeable, .compact = steve_jeff_compact,                   \
    .compact_goal = steve_jeff_compact_goal, .moves = call_moves, .now = steve_jeff_now, .usable = call_usable,        \
    .extent = call_extent
#define COMMON_FUNCTIONS                                                                                               \
    LEAST_FUNCTIONS, .zero_size = STEVE_ZERO_BLOCK, .malloc = call_malloc, .calloc = call_calloc,                      \
                     .aligned = call_aligned, .run_needed = call_run_needed, .check = call_check
#define REGION_FUNCTIONS                                                                                               \
    COMMON_FUNCTIONS, .promises = REGION_PROMISES, .heap_min = JEFF_HEAP_MIN, .options = steve_jeff_region_options,    \
                      .arena = call_arena, .stats = region_stats

const struct steve_driver steve_driver_jeff = {
    REGION_FUNCTIONS,
    .wire_id = 1,
    .name = "jeff",
    .heap_max = STEVE_JEFF_LARGEST_HEAP,
    .snippets = &steve_jeff_snippets,
    .summary = "Jeff in client memory: compacting, handle-based",
    .alignment = 16,
    .region_alignment = 16,
    .open = steve_jeff_open_region,
};

const struct steve_driver steve_driver_jeff_scramble = {
    REGION_FUNCTIONS,
    .wire_id = 18,
    .name = "jeff-scramble",
    .snippets = &steve_jeff_scramble_snippets,
    .summary = "Jeff in client memory, moving everything at every request",
    .alignment = 16,
    .region_alignment = 16,
    .heap_max = STEVE_JEFF_SCRAMBLED_MOST,
    .open = steve_jeff_open_scramble,
};

const struct steve_driver steve_driver_jeff_align8 = {
    REGION_FUNCTIONS,
    .wire_id = 17,
    .name = "jeff-align8",
    .heap_max = STEVE_JEFF_LARGEST_HEAP,
    .snippets = &steve_jeff_align8_snippets,
    .summary = "Jeff in client memory, blocks and region 8-aligned",
    .alignment = 8,
    .region_alignment = 8,
    .open = steve_jeff_open_align8,
};

const struct steve_driver steve_driver_jeff_mapped = {
    COMMON_FUNCTIONS,
    .wire_id = 16,
    .name = "jeff-mapped",
    .heap_max = STEVE_JEFF_LARGEST_HEAP,
    .snippets = &steve_jeff_mapped_snippets,
    .summary = "Jeff over pages of his own, growing, large blocks mapped apart",
    .promises = COMMON_PROMISES,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = (size_t)64 * 1024,
    .options = steve_jeff_mapped_options,
    .open = steve_jeff_open_mapped,
    .stats = mapped_stats,
};

/// Where the free memory is and how much of it, Steve does not know: the driver's own blocks lie there, too.
const struct steve_driver steve_driver_jeff_callbacks = {
    LEAST_FUNCTIONS,
    .wire_id = 22,
    .name = "jeff-callbacks",
    .heap_max = STEVE_JEFF_LARGEST_HEAP,
    .summary = "Jeff in client memory, with callbacks that free, lock and unlock",
    .promises = LEAST_PROMISES | STEVE_PROMISE_REGION,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = JEFF_HEAP_MIN,
    .options = steve_jeff_callbacks_options,
    .zero_size = STEVE_ZERO_EITHER,
    .open = steve_jeff_open_callbacks,
    .malloc = callbacks_malloc,
    .calloc = callbacks_calloc,
    .aligned = callbacks_aligned,
    .stats = callbacks_stats,
    .check = callbacks_check,
};
