/// Jeff for several threads (jeff_shared.h) as Steve sees him: `jeff-threads`, in client memory, and `jeff-threads-mapped`, over pages of
/// his own. What is under the mutex is what the drivers `jeff` and `jeff-mapped` run; here it is the gates that are to be tested, and what
/// of it looks at locks.
#define _GNU_SOURCE
#include "steve/drivers/drivers.h"

#include <sys/mman.h>

#include "jeff_shared.h"
#include "steve/drivers/jeff/figures_internal.h"
#include "steve/drivers/jeff/pages_internal.h"
#include "steve/drivers/jeff/shared_drill_internal.h"
#include "steve/drivers/jeff/shared_probe_internal.h"
#include "steve/drivers/jeff/snippets_internal.h"

/// The least that a block takes. Where there is a gate for every block that could be, no request is refused for want of one.
#define LEAST_BLOCK 28u
/// Blocks that there may be under the option `few-blocks`.
#define FEW_BLOCKS 100u
/// Under `look`, one request of so many settles a block.
#define SETTLED_EVERY 4u
/// Under `meet`, for a large heap.
#define MANY_MEETINGS 32u

enum {
    OPTION_NO_LAST_RESORT = 1 << 0,
    OPTION_MOVED = 1 << 1,
    OPTION_LOOK = 1 << 2, ///< for this and the next two see shared_probe_internal.h
    OPTION_DAMAGE = 1 << 3,
    OPTION_MEET = 1 << 4,          ///< of the driver with a region
    OPTION_FAILING_PAGES = 1 << 4, ///< of the one with pages
    OPTION_FEW_BLOCKS = 1 << 5,
};

static const char *const region_options[] = {"no-last-resort", "moved", "look", "damage", "meet", NULL};
static const char *const mapped_options[] = {"no-last-resort", "moved",      "look", "damage",
                                             "failing-pages",  "few-blocks", NULL};

struct instance {
    jeff_shared *heap;
    uintptr_t region; ///< where the heap's memory begins; 0 for a mapped heap
    bool kept;        ///< it needs no system call:
    bool used;        ///< it is open
    bool looks;
    bool damages;
    bool alone;            ///< no other thread calls: what follows is kept
    unsigned requests;     ///< so far
    jeff_handle to_settle; ///< given out three requests before it is
    jeff_handle purgeable; ///< a block that was made so
    jeff_handle freed;     ///< the last one
    const char *damage;    ///< what a callback or a probe saw that must not be; told by `check`
    struct steve_jeff_pages pages;
};

static struct jeff_stats stats_of(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_shared_stats(instance->heap, &stats);
    return stats;
}

static uint64_t virtual_now(void *context)
{
    const struct instance *instance = context;
    if (instance->heap == NULL) {
        return 0; // asked while the heap is being made
    }
    const struct jeff_stats stats = stats_of(instance);
    return steve_jeff_virtual_ns(&stats);
}

static void note(struct instance *instance, const char *wrong)
{
    if (wrong != NULL) {
        instance->damage = wrong;
    }
}

/// Other threads may have locked the block already, but not moved or freed it.
static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct instance *instance = context;
    (void)from;
    if (jeff_shared_lock(instance->heap, handle, NULL) != to || !jeff_shared_unlock(instance->heap, handle, NULL)) {
        instance->damage = "the moved callback was told another address than a lock gives";
    } else if (jeff_shared_usable_size(instance->heap, handle) < bytes) {
        instance->damage = "the moved callback was told more bytes than the block has";
    } else if (jeff_shared_malloc(instance->heap, 1, NULL) != JEFF_NULL) {
        instance->damage = "malloc was not refused inside the moved callback";
    }
    if (instance->looks) {
        note(instance, steve_jeff_shared_probe_busy(instance->heap, handle));
    }
}

/// Those that need no system call, for the sake of fuzzers: an executor has two heaps open, and there are two. Heaps are opened and
/// closed by one thread.
static struct instance kept[4];

static struct instance *instance_map(void)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (!kept[i].used) {
            kept[i] = (struct instance){.used = true, .kept = true};
            return &kept[i];
        }
    }
    void *memory = mmap(NULL, sizeof(struct instance), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void instance_unmap(struct instance *instance)
{
    if (instance->kept) {
        instance->used = false;
    } else {
        munmap(instance, sizeof *instance);
    }
}

static struct instance *new_instance(const struct steve_geometry *geometry, const char **why)
{
    struct instance *instance = instance_map();
    if (instance == NULL) {
        *why = "no memory for the driver's own bookkeeping";
        return NULL;
    }
    instance->looks = (geometry->options & OPTION_LOOK) != 0;
    instance->damages = (geometry->options & OPTION_DAMAGE) != 0;
    instance->alone = geometry->threads <= 1;
    if (instance->looks) {
        note(instance, steve_jeff_shared_probe_arguments());
    }
    return instance;
}

static struct jeff_config make_config(struct instance *instance, const struct steve_geometry *geometry)
{
    return (struct jeff_config){
        .handle_salt = steve_jeff_salt(geometry),
        .no_last_resort = (geometry->options & OPTION_NO_LAST_RESORT) != 0,
        .now_ns = virtual_now,
        .moved = (geometry->options & OPTION_MOVED) != 0 ? on_moved : NULL,
        .context = instance,
    };
}

/// @param heap what was made, or NULL with a status
static void *opened(struct instance *instance, jeff_shared *heap, enum jeff_status status, const char **why)
{
    instance->heap = heap;
    if (heap == NULL) {
        *why = jeff_strerror(status);
        instance_unmap(instance);
        return NULL;
    }
    return instance;
}

static void *open_region(const struct steve_geometry *geometry, const char **why)
{
    struct instance *instance = new_instance(geometry, why);
    if (instance == NULL) {
        return NULL;
    }
    const struct jeff_shared_config config = {
        .heap = make_config(instance, geometry),
        .max_blocks = geometry->bytes / LEAST_BLOCK,
    };
    instance->region = (uintptr_t)geometry->region;
    if (STEVE_JEFF_BESIDE && instance->looks) {
        note(instance, steve_jeff_shared_twin(steve_jeff_seed(geometry)));
    }
    if (STEVE_JEFF_BESIDE && (geometry->options & OPTION_MEET) != 0) {
        const uint64_t seed = steve_jeff_seed(geometry);
        for (uint64_t i = 0; i < (geometry->bytes >= STEVE_JEFF_LARGE ? MANY_MEETINGS : 1); i++) {
            note(instance, steve_jeff_shared_probe_meeting(seed + i));
        }
    }
    enum jeff_status status = JEFF_OK;
    jeff_shared *heap = jeff_shared_init(geometry->region, geometry->bytes, &config, &status);
    return opened(instance, heap, status, why);
}

static void *open_mapped(const struct steve_geometry *geometry, const char **why)
{
    struct instance *instance = new_instance(geometry, why);
    if (instance == NULL) {
        return NULL;
    }
    struct jeff_shared_config config = {.heap = make_config(instance, geometry)};
    const struct jeff_page_hooks hooks = steve_jeff_pages_hooks(&instance->pages);
    config.heap.pages = &hooks;
    config.heap.own_mapping = STEVE_JEFF_OWN_MAPPING;
    config.max_blocks = (geometry->options & OPTION_FEW_BLOCKS) != 0 ? FEW_BLOCKS : 0;
    enum jeff_status status = JEFF_OK;
    jeff_shared *heap = jeff_shared_create(geometry->bytes, &config, &status);
    instance->pages.failing = (geometry->options & OPTION_FAILING_PAGES) != 0;
    return opened(instance, heap, status, why);
}

static void close_heap(void *heap)
{
    struct instance *instance = heap;
    instance->pages.failing = false;
    jeff_shared_destroy(instance->heap);
    instance_unmap(instance);
}

static jeff_shared *heap_of(void *heap)
{
    return ((struct instance *)heap)->heap;
}

static steve_ref call_malloc(void *heap, size_t bytes)
{
    struct instance *instance = heap;
    if (!instance->looks || !instance->alone) {
        return jeff_shared_malloc(instance->heap, bytes, NULL);
    }
    // It may copy whatever lives, several times: not before each.
    if (++instance->requests % SETTLED_EVERY == 0) {
        jeff_shared_settle(instance->heap, instance->to_settle, NULL);
    }
    const jeff_handle handle = jeff_shared_malloc(instance->heap, bytes, NULL);
    if (instance->requests % SETTLED_EVERY == 1) {
        instance->to_settle = handle;
    }
    return handle;
}

static steve_ref call_calloc(void *heap, size_t count, size_t size)
{
    return jeff_shared_calloc(heap_of(heap), count, size, NULL);
}

static steve_ref call_aligned(void *heap, size_t alignment, size_t bytes)
{
    return jeff_shared_aligned_alloc(heap_of(heap), alignment, bytes, NULL);
}

static steve_ref call_resize(void *heap, steve_ref ref, size_t bytes)
{
    return jeff_shared_resize(heap_of(heap), ref, bytes, NULL) ? ref : JEFF_NULL;
}

static bool call_free(void *heap, steve_ref ref)
{
    struct instance *instance = heap;
    const bool done = jeff_shared_free(instance->heap, ref, NULL);
    if (done && instance->alone) {
        instance->freed = ref;
    }
    return done;
}

static enum steve_lock_result call_lock(void *heap, steve_ref ref, void **address)
{
    enum jeff_status status;
    void *locked = jeff_shared_lock(heap_of(heap), ref, &status);
    if (locked != NULL) {
        *address = locked;
        return STEVE_LOCK_OK;
    }
    return status == JEFF_ERROR_PURGED ? STEVE_LOCK_PURGED : STEVE_LOCK_REFUSED;
}

static bool call_unlock(void *heap, steve_ref ref)
{
    return jeff_shared_unlock(heap_of(heap), ref, NULL);
}

static bool call_set_purgeable(void *heap, steve_ref ref, bool purgeable)
{
    struct instance *instance = heap;
    const bool done = jeff_shared_set_purgeable(instance->heap, ref, purgeable, NULL);
    if (done && purgeable && instance->alone) {
        instance->purgeable = ref;
    }
    return done;
}

static bool call_compact(void *heap, uint64_t budget_ns)
{
    if (budget_ns == 0) {
        return jeff_shared_compact(heap_of(heap), 0) == JEFF_STOP_DONE;
    }
    const struct jeff_goal goal = {.budget_ns = budget_ns};
    return jeff_shared_compact_goal(heap_of(heap), &goal, NULL) != JEFF_STOP_BUDGET;
}

static bool call_compact_goal(void *heap, size_t wanted)
{
    const struct jeff_goal goal = {.wanted_bytes = wanted};
    struct jeff_report report;
    jeff_shared_compact_goal(heap_of(heap), &goal, &report);
    return report.largest_after >= wanted;
}

static uint64_t call_moves(void *heap)
{
    return jeff_shared_compactions(heap_of(heap));
}

static size_t call_usable(void *heap, steve_ref ref)
{
    return jeff_shared_usable_size(heap_of(heap), ref);
}

static struct steve_extent call_extent(void *heap, steve_ref ref)
{
    void *begin = NULL;
    size_t bytes = jeff_shared_extent(heap_of(heap), ref, &begin);
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
    return jeff_shared_run_needed(heap_of(heap), alignment, bytes);
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

/// Called when no other thread is in a call.
static const char *call_check(void *heap)
{
    struct instance *instance = heap;
    struct jeff_damage damage = {.what = "damage without a description"};
    if (instance->damage == NULL && jeff_shared_check(instance->heap, &damage) != JEFF_OK) {
        instance->damage = damage.what;
    }
    if (instance->damage == NULL && instance->region == 0) {
        const struct jeff_stats stats = stats_of(instance);
        note(instance, steve_jeff_pages_audit(&instance->pages, &stats));
    }
    if (instance->damage == NULL && instance->looks) {
        note(instance, steve_jeff_shared_probe_look(instance->heap));
    }
    if (instance->damage == NULL && instance->damages) {
        note(instance, steve_jeff_shared_probe_damage(instance->heap, instance->purgeable, instance->freed));
    }
    return instance->damage;
}

/* The same, as a client's own program has it */

static const char snippet_code[] =
    STEVE_JEFF_CLOCK_CODE("jeff_shared_stats") "\n"
                                               "static enum jeff_status lock_status; ///< of the last lock\n"
                                               "\n"
                                               "static void *look_up(jeff_shared *of, jeff_handle handle)\n"
                                               "{\n"
                                               "    void *address = jeff_shared_lock(of, handle, &lock_status);\n"
                                               "    if (address != NULL) {\n"
                                               "        jeff_shared_unlock(of, handle, NULL);\n"
                                               "    }\n"
                                               "    return address;\n"
                                               "}\n";

static const char snippet_moved[] =
    STEVE_JEFF_MOVED_CODE("look_up", "jeff_shared_usable_size", "jeff_shared_malloc(heap, 1, NULL)");

static const struct steve_option_snippet snippet_options[] = {
    {.setting = "            .no_last_resort = true,\n"},
    {.code = snippet_moved,
     .setting = "            .moved = on_moved,\n",
     .before_op = "    if (callback_damage != NULL) {\n"
                  "        wrong(\"check\", \"%s\", callback_damage);\n"
                  "    }\n"},
    {0}, // look
    {0}, // damage
    {0}, // meet
};

static const struct steve_snippets snippets = {
    .compile = "cc -std=c11 -g$flags -I lib/include $file lib/jeff/*.c -pthread -o repro && ./repro",
    .compile_where = "from the root of Jeff's source tree",
    .compile_installed = "cc -std=c11 -g$flags $file -ljeff -pthread -o repro && ./repro",
    .includes = "#include \"jeff_shared.h\"\n",
    .code = snippet_code,
    .options = snippet_options,
    .heap_type = "jeff_shared *",
    .handle_type = "jeff_handle",
    .no_handle = "JEFF_NULL",
    .open = "    const struct jeff_shared_config config = {\n"
            "        .heap = {\n"
            "            .handle_salt = $salt,\n"
            "            .now_ns = virtual_now,\n"
            "$options"
            "        },\n"
            "        .max_blocks = bytes / 28,\n"
            "    };\n"
            "    return jeff_shared_init(region, bytes, &config, NULL);\n",
    .malloc = "jeff_shared_malloc($heap, $bytes, NULL)",
    .calloc = "jeff_shared_calloc($heap, $count, $size, NULL)",
    .aligned = "jeff_shared_aligned_alloc($heap, $alignment, $bytes, NULL)",
    .resize = "jeff_shared_resize($heap, $handle, $bytes, NULL) ? $handle : JEFF_NULL",
    .forge = "$handle ^ (jeff_handle)1 << $bit",
    .free = "jeff_shared_free($heap, $handle, NULL)",
    .lock = "jeff_shared_lock($heap, $handle, &lock_status)",
    .unlock = "jeff_shared_unlock($heap, $handle, NULL)",
    .address = "look_up($heap, $handle)",
    .was_purged = "lock_status == JEFF_ERROR_PURGED",
    .set_purgeable = "jeff_shared_set_purgeable($heap, $handle, $purgeable, NULL)",
    .compact = "jeff_shared_compact($heap, 0) == JEFF_STOP_DONE",
    .compact_within = "    const struct jeff_goal goal = {.budget_ns = $ns};\n"
                      "    jeff_shared_compact_goal($heap, &goal, NULL);\n",
    .compact_for = "    const struct jeff_goal goal = {.wanted_bytes = wanted};\n"
                   "    struct jeff_report report;\n"
                   "    jeff_shared_compact_goal($heap, &goal, &report);\n"
                   "    return report.largest_after >= wanted;\n",
    .moves = "jeff_shared_compactions($heap)",
    .now = "virtual_now(NULL)",
    .extent = "jeff_shared_extent($heap, $handle, $begin)",
    .run_needed = "jeff_shared_run_needed($heap, $alignment, $bytes)",
    .arena = "    struct jeff_stats stats;\n"
             "    jeff_shared_stats(heap, &stats);\n"
             "    spare_handles = stats.spare_handles;\n"
             "    begin = (uintptr_t)region + stats.control_bytes;\n"
             "    end = (uintptr_t)region + stats.heap_bytes - stats.table_bytes;\n",
    .handle_bytes = "12",
    .statistics = "    struct jeff_stats stats;\n"
                  "    jeff_shared_stats(heap, &stats);\n"
                  "    live_blocks = stats.live_blocks;\n"
                  "    live_bytes = stats.live_bytes;\n"
                  "    free_bytes = stats.free_bytes;\n",
    .check = "    struct jeff_damage damage = {.what = \"damage without a description\"};\n"
             "    return jeff_shared_check($heap, &damage) == JEFF_OK ? NULL : damage.what;\n",
};

#define COMMON_PROMISES                                                                                                \
    (STEVE_PROMISE_HANDLES | STEVE_PROMISE_REFUSES_MISUSE | STEVE_PROMISE_REFUSES_LOCKED | STEVE_PROMISE_MOVES |       \
     STEVE_PROMISE_RESIZE_IN_PLACE | STEVE_PROMISE_COMPACTS_FULLY | STEVE_PROMISE_LOCKS_NEST | STEVE_PROMISE_THREADS)

#define COMMON_FUNCTIONS                                                                                               \
    .version = STEVE_DRIVER_VERSION, .alignment = 16, .region_alignment = 16, .largest_aligned = 65536,                \
    .budget_step_ns = STEVE_JEFF_BUDGET_STEP_NS, .zero_size = STEVE_ZERO_BLOCK, .heap_max = STEVE_JEFF_LARGEST_HEAP,   \
    .close = close_heap, .malloc = call_malloc, .calloc = call_calloc, .aligned = call_aligned, .resize = call_resize, \
    .free = call_free, .lock = call_lock, .unlock = call_unlock, .set_purgeable = call_set_purgeable,                  \
    .compact = call_compact, .compact_goal = call_compact_goal, .moves = call_moves, .now = virtual_now,               \
    .usable = call_usable, .extent = call_extent, .run_needed = call_run_needed, .check = call_check

const struct steve_driver steve_driver_jeff_threads = {
    COMMON_FUNCTIONS,
    .wire_id = 21,
    .name = "jeff-threads",
    .summary = "Jeff in client memory, for several threads",
    .promises = COMMON_PROMISES | STEVE_PROMISE_REGION | STEVE_PROMISE_EXACT_REFUSAL | STEVE_PROMISE_RELOCATABLE,
    .heap_min = (size_t)2 * JEFF_SHARED_MIN,
    .options = region_options,
    .open = open_region,
    .arena = call_arena,
    .stats = region_stats,
    .snippets = &snippets,
};

const struct steve_driver steve_driver_jeff_threads_mapped = {
    COMMON_FUNCTIONS,
    .wire_id = 23,
    .name = "jeff-threads-mapped",
    .summary = "Jeff over pages of his own, growing, for several threads",
    .promises = COMMON_PROMISES,
    .heap_min = (size_t)64 * 1024,
    .options = mapped_options,
    .open = open_mapped,
    .stats = mapped_stats,
};
