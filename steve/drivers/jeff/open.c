/// How Jeff's drivers open a heap and close it: the options of each, what they configure, with the callbacks, and where the
/// driver's own bookkeeping lies.
#define _GNU_SOURCE
#include "steve/drivers/jeff/driver_internal.h"

#include <sys/mman.h>

#include "steve/drivers/jeff/draw_internal.h"
#include "steve/drivers/jeff/probe_internal.h"

enum {
    OPTION_NO_LAST_RESORT = 1 << 0,
    OPTION_LOW_MEMORY = 1 << 1,
    OPTION_MOVED = 1 << 2,
    OPTION_SETTLE = 1 << 3, ///< of the drivers with a region; for all that follows: see probe_internal.h
    OPTION_LOOK = 1 << 4,
    OPTION_WORN = 1 << 5,
    OPTION_DAMAGE = 1 << 6,
    OPTION_EXAM = 1 << 7,          ///< see exam_internal.h
    OPTION_FAILING_PAGES = 1 << 3, ///< of jeff-mapped
    OPTION_MAPPED_SETTLE = 1 << 4,
    OPTION_MAPPED_LOOK = 1 << 5,
    OPTION_MAPPED_DAMAGE = 1 << 6,
    OPTION_SYSTEM = 1 << 7,
    OPTION_SCRAMBLE = 1 << 1, ///< of jeff-callbacks
    OPTION_CALLBACKS_LOOK = 1 << 2,
};

const char *const steve_jeff_region_options[] = {"no-last-resort", "low-memory", "moved", "settle", "look",
                                                 "worn",           "damage",     "exam",  NULL};
const char *const steve_jeff_mapped_options[] = {
    "no-last-resort", "low-memory", "moved", "failing-pages", "settle", "look", "damage", "system", NULL};
const char *const steve_jeff_callbacks_options[] = {"no-last-resort", "scramble", "look", NULL};

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

/// Chooses what is tried beside the heap: by the geometry alone.
static void choose_beside(struct instance *instance, const struct steve_geometry *geometry)
{
    const uint64_t past = (uintptr_t)geometry->region % 65536;
    instance->trial = steve_jeff_draw(geometry->bytes * 16777259 + past * 256 + geometry->options);
    instance->seed = steve_jeff_seed(geometry);
    instance->exam = (uint32_t)geometry->bytes * 256 + geometry->options;
    instance->large = geometry->bytes >= STEVE_JEFF_LARGE;
}

static struct jeff_config make_config(struct instance *instance, const struct steve_geometry *geometry)
{
    return (struct jeff_config){
        .handle_salt = steve_jeff_salt(geometry),
        .no_last_resort = (geometry->options & OPTION_NO_LAST_RESORT) != 0,
        .now_ns = steve_jeff_now,
        .low_memory = (geometry->options & OPTION_LOW_MEMORY) != 0 ? on_low_memory : NULL,
        .moved = (geometry->options & OPTION_MOVED) != 0 ? on_moved : NULL,
        .context = instance,
    };
}

/// Keeps the heap that was made. @param heap NULL: none was, for the reason `status`; the instance is gone then
static bool has_opened(struct instance *instance, jeff_heap *heap, enum jeff_status status, const char **why)
{
    instance->heap = heap;
    if (heap == NULL) {
        *why = jeff_strerror(status);
        instance_free(instance);
        return false;
    }
    return true;
}

/// Makes the heap in the region.
static bool make_in_region(struct instance *instance, const struct steve_geometry *geometry,
                           const struct jeff_config *config, const char **why)
{
    enum jeff_status status = JEFF_OK;
    instance->region = (uintptr_t)geometry->region;
    instance->last_resort = !config->no_last_resort;
    jeff_heap *heap = jeff_init(geometry->region, geometry->bytes, config, &status);
    return has_opened(instance, heap, status, why);
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
    instance->exams = (geometry->options & OPTION_EXAM) != 0;
    if (instance->looks) {
        note(instance, steve_jeff_probe_arguments());
    }
    if ((geometry->options & OPTION_WORN) != 0) {
        note(instance, steve_jeff_probe_worn(instance->heap, &instance->worn));
    }
    choose_beside(instance, geometry);
    return instance;
}

void *steve_jeff_open_region(const struct steve_geometry *geometry, const char **why)
{
    return open_in_region(geometry, 16, false, why);
}

void *steve_jeff_open_align8(const struct steve_geometry *geometry, const char **why)
{
    return open_in_region(geometry, 8, false, why);
}

/// As much of the geometry as can be scrambled at each request.
static struct steve_geometry scrambled(const struct steve_geometry *geometry)
{
    struct steve_geometry small = *geometry;
    small.bytes = small.bytes < STEVE_JEFF_SCRAMBLED_MOST ? small.bytes : STEVE_JEFF_SCRAMBLED_MOST;
    return small;
}

void *steve_jeff_open_scramble(const struct steve_geometry *geometry, const char **why)
{
    const struct steve_geometry small = scrambled(geometry);
    return open_in_region(&small, 16, true, why);
}

void *steve_jeff_open_callbacks(const struct steve_geometry *geometry, const char **why)
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

void *steve_jeff_open_mapped(const struct steve_geometry *geometry, const char **why)
{
    struct instance *instance = new_instance(why);
    if (instance == NULL) {
        return NULL;
    }
    struct jeff_config config = make_config(instance, geometry);
    config.own_mapping = STEVE_JEFF_OWN_MAPPING;
    const size_t bytes = steve_jeff_pages_round(geometry->bytes);
    const struct jeff_page_hooks hooks = steve_jeff_pages_hooks(&instance->pages);
    config.pages = &hooks;

    const bool failing = (geometry->options & OPTION_FAILING_PAGES) != 0;
    if (failing) {
        note(instance, steve_jeff_pages_refuse(&instance->pages, bytes, &config));
    }
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(bytes, &config, &status);
    if (!has_opened(instance, heap, status, why)) {
        return NULL;
    }
    instance->settles = (geometry->options & OPTION_MAPPED_SETTLE) != 0;
    instance->looks = (geometry->options & OPTION_MAPPED_LOOK) != 0;
    instance->damages = (geometry->options & OPTION_MAPPED_DAMAGE) != 0;
    instance->pages.failing = failing;
    if ((geometry->options & OPTION_SYSTEM) != 0) {
        note(instance, steve_jeff_probe_system(geometry->bytes >= STEVE_JEFF_LARGE));
    }
    choose_beside(instance, geometry);
    return instance;
}

void steve_jeff_close(void *heap)
{
    struct instance *instance = heap;
    instance->pages.failing = false;
    jeff_destroy(instance->heap);
    instance_free(instance);
}
