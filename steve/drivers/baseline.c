/// The baselines as Steve sees them, through baseline.h alone: each kind in the region, where everything lies inside it,
/// and over pages of its own (`-mmap`), with the big requests apart. Their blocks never move, and a ref is the address.
///
/// In a region a refusal is judged by Steve, from extents and run_needed. Over pages Steve cannot know what may still be
/// mapped; so there the driver itself judges, and tells by `check`. With the option `trim` unused pages go back to the
/// system before every call.
#define _GNU_SOURCE
#include "steve/drivers/drivers.h"

#include <sys/mman.h>
#include <unistd.h>

#include "baseline.h"
#include "steve/drivers/baseline_chunks_internal.h"
#include "steve/drivers/baseline_internal.h"

#define KIB ((size_t)1024)
#define GIB (KIB * KIB * KIB)

/// As much address space as Steve ever uses; with 32-bit addresses as much as fits in them a few times.
#define LARGEST_HEAP (SIZE_MAX > UINT32_MAX ? KIB * GIB : GIB / 2)

/// The most that pages of a request's own, or a chunk made for it, have beside the run that it needs.
#define PAGES_OVERHEAD ((size_t)128)

/// Beyond, the system itself may refuse what the limit allows.
#define JUDGED_MOST GIB

enum { OPTION_TRIM = 1 << 0 }; ///< -mmap only

static const char *const mapped_options[] = {"trim", NULL};

/// An open heap. It lives outside the region, because the region is the heap's alone.
struct instance {
    baseline_heap *heap;
    bool mapped;
    bool trims;
    const char *damage;                  ///< a refusal that was wrong; told by `check`
    struct steve_baseline_chunks chunks; ///< of a mapped heap
};

/// @return NULL with `*why` set
static baseline_heap *make_heap(struct instance *instance, const struct steve_geometry *geometry,
                                struct baseline_options *options, const char **why)
{
    enum baseline_status status = BASELINE_OK;
    baseline_heap *heap;
    if (!instance->mapped) {
        heap = baseline_init(geometry->region, geometry->bytes, options, &status);
    } else if (!steve_baseline_chunks_open(&instance->chunks)) {
        *why = "no address space for chunks";
        return NULL;
    } else {
        options->limit = geometry->bytes;
        options->map = steve_baseline_chunks_map;
        options->unmap = steve_baseline_chunks_unmap;
        options->context = &instance->chunks;
        heap = baseline_create(options, &status);
    }
    *why = baseline_strerror(status);
    return heap;
}

static void forget(struct instance *instance)
{
    if (instance->chunks.all != NULL) {
        steve_baseline_chunks_close(&instance->chunks);
    }
    munmap(instance, sizeof *instance);
}

static void *open_heap(const struct steve_geometry *geometry, struct baseline_options options, const char **why)
{
    void *memory = mmap(NULL, sizeof(struct instance), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        *why = "no memory for the driver's own bookkeeping";
        return NULL;
    }
    struct instance *instance = memory;
    instance->mapped = geometry->region == NULL;
    instance->trims = instance->mapped && (geometry->options & OPTION_TRIM) != 0;
    instance->heap = make_heap(instance, geometry, &options, why);
    if (instance->heap == NULL) {
        forget(instance);
        return NULL;
    }
    return instance;
}

static void close_heap(void *heap)
{
    struct instance *instance = heap;
    baseline_destroy(instance->heap);
    forget(instance);
}

static baseline_heap *heap_of(void *heap)
{
    return ((struct instance *)heap)->heap;
}

/// The heap at the beginning of a call that changes it.
static baseline_heap *call_of(void *heap)
{
    struct instance *instance = heap;
    if (instance->trims) {
        baseline_trim(instance->heap);
    }
    return instance->heap;
}

static struct baseline_stats stats_of(void *heap)
{
    struct baseline_stats stats;
    baseline_stats(heap_of(heap), &stats);
    return stats;
}

/// A free block that is large enough, and pages of a heap that has room for them, are there to be used.
static void judge_refusal(struct instance *instance, size_t alignment, size_t bytes)
{
    const size_t needed = baseline_run_needed(instance->heap, alignment, bytes);
    const struct baseline_stats stats = stats_of(instance);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (needed < JUDGED_MOST && (needed + PAGES_OVERHEAD + page - 1) / page * page <= stats.room_bytes) {
        instance->damage = "a request was refused although the limit has room for the pages that it needs";
    }
    if (needed <= stats.free_bytes && needed <= baseline_largest_free(instance->heap)) {
        instance->damage = "a request was refused although a free block is large enough";
    }
}

static steve_ref ref_of(struct instance *instance, void *address, size_t alignment, size_t bytes)
{
    if (address == NULL && instance->mapped) {
        judge_refusal(instance, alignment, bytes);
    }
    return (steve_ref)(uintptr_t)address;
}

static void *address_of(steve_ref ref)
{
    return (void *)(uintptr_t)ref; // NOLINT(performance-no-int-to-ptr)
}

static steve_ref call_malloc(void *heap, size_t bytes)
{
    return ref_of(heap, baseline_malloc(call_of(heap), bytes), 0, bytes);
}

static steve_ref call_calloc(void *heap, size_t count, size_t size)
{
    size_t bytes = size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;
    return ref_of(heap, baseline_calloc(call_of(heap), count, size), 0, bytes);
}

static steve_ref call_aligned(void *heap, size_t alignment, size_t bytes)
{
    return ref_of(heap, baseline_aligned_alloc(call_of(heap), alignment, bytes), alignment, bytes);
}

static steve_ref call_resize(void *heap, steve_ref ref, size_t bytes)
{
    return ref_of(heap, baseline_resize(call_of(heap), address_of(ref), bytes), 0, bytes);
}

static bool call_free(void *heap, steve_ref ref)
{
    baseline_free(call_of(heap), address_of(ref));
    return true;
}

static size_t call_usable(void *heap, steve_ref ref)
{
    return baseline_usable_size(heap_of(heap), address_of(ref));
}

static struct steve_extent call_extent(void *heap, steve_ref ref)
{
    void *begin = NULL;
    size_t bytes = baseline_extent(heap_of(heap), address_of(ref), &begin);
    return (struct steve_extent){.begin = (uintptr_t)begin, .bytes = bytes};
}

static struct steve_arena call_arena(void *heap)
{
    const struct baseline_stats stats = stats_of(heap);
    return (struct steve_arena){
        .begin = (uintptr_t)stats.arena,
        .end = (uintptr_t)stats.arena + stats.arena_bytes,
        .spare_handles = SIZE_MAX,
    };
}

static size_t call_run_needed(void *heap, size_t alignment, size_t bytes)
{
    return baseline_run_needed(heap_of(heap), alignment, bytes);
}

static void call_stats(void *heap, struct steve_stats *out)
{
    const struct baseline_stats stats = stats_of(heap);
    *out = (struct steve_stats){
        .live_blocks = stats.live_blocks,
        .live_bytes = stats.live_bytes,
        .free_bytes = stats.free_bytes,
    };
}

static const char *call_check(void *heap)
{
    const struct instance *instance = heap;
    return instance->damage != NULL ? instance->damage : baseline_check(instance->heap);
}

#define COMMON                                                                                                         \
    .version = STEVE_DRIVER_VERSION, .largest_aligned = BASELINE_ALIGNMENT_MAX, .region_alignment = 1,                 \
    .heap_max = LARGEST_HEAP, .close = close_heap, .malloc = call_malloc, .calloc = call_calloc,                       \
    .aligned = call_aligned, .resize = call_resize, .free = call_free, .usable = call_usable, .extent = call_extent,   \
    .run_needed = call_run_needed, .stats = call_stats, .check = call_check, .zero_size = STEVE_ZERO_BLOCK

/// A driver of each kind, with its `open`. @param settings designated initialisers of struct baseline_options, in parentheses
/// @param ... what depends on where its memory is
#define DRIVER(identifier, suffix, wire, aligned_to, settings, what, ...)                                              \
    static void *open_##identifier(const struct steve_geometry *geometry, const char **why)                            \
    {                                                                                                                  \
        return open_heap(geometry, (struct baseline_options){UNPACK settings}, why);                                   \
    }                                                                                                                  \
    const struct steve_driver steve_driver_##identifier = {                                                            \
        COMMON,                                                                                                        \
        .wire_id = wire,                                                                                               \
        .name = suffix,                                                                                                \
        .summary = what,                                                                                               \
        .alignment = aligned_to,                                                                                       \
        .open = open_##identifier,                                                                                     \
        .snippets = &steve_baseline_snippets_##identifier,                                                             \
        __VA_ARGS__,                                                                                                   \
    };

#define REGION_DRIVER(identifier, suffix, wire, aligned_to, settings, what)                                            \
    DRIVER(identifier, suffix, wire, aligned_to, settings, what ", in client memory", .arena = call_arena,             \
           .promises = STEVE_PROMISE_REGION | STEVE_PROMISE_EXACT_REFUSAL | STEVE_PROMISE_RELOCATABLE,                 \
           .heap_min = BASELINE_REGION_MIN)

#define MAPPED_DRIVER(identifier, suffix, wire, aligned_to, settings, what)                                            \
    DRIVER(identifier, suffix, wire, aligned_to, settings, what ", over mmap", .options = mapped_options,              \
           .promises = 0, .heap_min = 64 * KIB)

#define UNPACK(...) __VA_ARGS__
BASELINE_REGION_DRIVERS(REGION_DRIVER)
BASELINE_MAPPED_DRIVERS(MAPPED_DRIVER)
