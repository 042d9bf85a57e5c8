/// Address space: how much a heap asks for whose client states no limit, and heaps for several threads, which have their gates in front
/// of them.
#include "steve/drivers/jeff/trial_internal.h"

#include <string.h>

#include "jeff_shared.h"

#define FILLED_MOST 600u ///< blocks that fill a heap

/// A system with little address space.
struct scarce {
    char *memory;
    size_t has;   ///< bytes that it can give at a time
    size_t first; ///< that were asked for
    size_t last;
    unsigned open;
    bool wrong; ///< a hook was called for something else
};

static void *reserve_scarce(void *context, size_t bytes)
{
    struct scarce *scarce = context;
    scarce->first = scarce->first == 0 ? bytes : scarce->first;
    if (bytes > scarce->has || scarce->open != 0) {
        return NULL;
    }
    scarce->last = bytes;
    scarce->open++;
    return scarce->memory;
}

static bool commit_scarce(void *context, void *address, size_t bytes)
{
    struct scarce *scarce = context;
    const size_t offset = (size_t)((char *)address - scarce->memory);
    scarce->wrong |= scarce->open == 0 || offset > scarce->last || bytes > scarce->last - offset;
    const bool there = !scarce->wrong && offset + bytes <= STEVE_JEFF_TRIAL_BYTES;
    if (there) {
        memset(address, 0, bytes);
    }
    return there;
}

static void decommit_scarce(void *context, void *address, size_t bytes)
{
    struct scarce *scarce = context;
    (void)address;
    scarce->wrong |= bytes > scarce->last;
}

static void release_scarce(void *context, void *address, size_t bytes)
{
    struct scarce *scarce = context;
    scarce->wrong |= address != scarce->memory || bytes != scarce->last;
    scarce->open--;
}

/// A heap whose client states no limit asks for what jeff.h says, and then takes from a quarter to a half of what there is.
static void ask_for_any(struct steve_jeff_trial *trial)
{
    struct scarce scarce = {.memory = steve_jeff_trial_memory(0),
                            .has = STEVE_JEFF_TRIAL_BYTES + steve_jeff_trial_below(trial, STEVE_JEFF_TRIAL_BYTES)};
    const struct jeff_page_hooks hooks = {4096,           reserve_scarce, commit_scarce, decommit_scarce,
                                          release_scarce, &scarce};
    const struct jeff_config config = {
        .handle_salt = 1, .pages = &hooks, .now_ns = steve_jeff_trial_now, .context = trial};
    const uint64_t most = sizeof(void *) > 4 ? (uint64_t)64 << 30 : (uint64_t)256 << 20;
    jeff_heap *heap = jeff_create(0, &config, NULL);
    if (heap == NULL || scarce.open != 1 || scarce.first > most || most - scarce.first > hooks.page_bytes ||
        scarce.last < scarce.has / 4 || scarce.last > scarce.has / 2 || jeff_check(heap, NULL) != JEFF_OK) {
        steve_jeff_trial_note(trial, "a heap without a limit takes something else than from a quarter to a half");
    }
    jeff_destroy(heap);
    if (scarce.wrong || scarce.open != 0) {
        steve_jeff_trial_note(trial, "a heap without a limit has used what it had not, or has kept something");
    }
}

/// The same of a system that has as much address space, and no memory for it.
static void ask_in_vain(struct steve_jeff_trial *trial)
{
    struct scarce plenty = {.memory = steve_jeff_trial_memory(0), .has = SIZE_MAX};
    const struct jeff_page_hooks hooks = {4096,           reserve_scarce, commit_scarce, decommit_scarce,
                                          release_scarce, &plenty};
    const struct jeff_config config = {.handle_salt = 1, .pages = &hooks};
    enum jeff_status status = JEFF_OK;
    if (jeff_create(0, &config, &status) != NULL || status != JEFF_ERROR_MAP || plenty.wrong || plenty.open != 0 ||
        plenty.first != plenty.last) {
        steve_jeff_trial_note(trial,
                              "a heap without a limit takes less than it was given, or keeps what it cannot use");
    }
}

/// A handle table that ends where a page does.
static void fill_table(struct steve_jeff_trial *trial)
{
    enum { PAGE = 1024, HANDLES = 600 };
    trial->pages = (struct steve_jeff_trial_pages){.page = PAGE};
    steve_jeff_trial_memory(0);
    const struct jeff_page_hooks hooks = steve_jeff_trial_hooks(trial);
    const struct jeff_config config = {
        .handle_salt = 1, .pages = &hooks, .now_ns = steve_jeff_trial_now, .context = trial};
    jeff_heap *heap = jeff_create((96 + steve_jeff_trial_below(trial, 40)) * PAGE, &config, NULL);
    bool sound = heap != NULL;
    for (unsigned i = 0; sound && i < HANDLES; i++) {
        struct jeff_stats stats;
        sound = jeff_malloc(heap, 0) != JEFF_NULL;
        jeff_stats(heap, &stats);
        sound = sound && (stats.table_bytes % PAGE != 0 || jeff_check(heap, NULL) == JEFF_OK);
    }
    if (!sound) {
        steve_jeff_trial_note(trial, "a handle table that ends with a page is not sound");
    }
    jeff_destroy(heap);
}

static void nothing(void *context)
{
    (void)context;
}

/// Heaps for several threads, from the smallest on, in pages: they are filled, and nothing is touched in front of them.
static void share(struct steve_jeff_trial *trial)
{
    trial->pages = (struct steve_jeff_trial_pages){.page = (size_t)1024 << 2 * steve_jeff_trial_below(trial, 2)};
    steve_jeff_trial_memory(0);
    const struct jeff_page_hooks hooks = steve_jeff_trial_hooks(trial);
    const struct jeff_mutex_hooks mutex = {nothing, nothing, nothing, NULL};
    const struct jeff_shared_config config = {
        .heap = {.handle_salt = 1, .pages = &hooks, .now_ns = steve_jeff_trial_now, .context = trial},
        .mutex = &mutex,
    };
    const size_t bytes = JEFF_HEAP_MIN + steve_jeff_trial_below(trial, 2) * steve_jeff_trial_below(trial, 40000);
    jeff_shared *heap = jeff_shared_create(bytes, &config, NULL);
    if (heap == NULL) {
        steve_jeff_trial_note(trial, "a shared heap over small pages was refused");
        return;
    }
    if (trial->pages.heap_bytes != steve_jeff_trial_reserved(trial, bytes, 3)) { // for gates as well
        steve_jeff_trial_note(trial, "a shared heap has reserved other address space than its client allowed");
    }
    const size_t size = steve_jeff_trial_below(trial, 2) * steve_jeff_trial_below(trial, 300);
    bool sound = jeff_shared_check(heap, NULL) == JEFF_OK;
    size_t count = 0;
    while (count < FILLED_MOST && jeff_shared_malloc(heap, size, NULL) != JEFF_NULL) {
        count++;
    }
    sound = sound && count > 0 && jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    if (!sound || trial->pages.open != 0) {
        steve_jeff_trial_note(trial, "a shared heap over small pages is not sound, or has kept some");
    }
}

void steve_jeff_trial_reserve(struct steve_jeff_trial *trial)
{
    const struct steve_jeff_trial_pages before = trial->pages;
    ask_for_any(trial);
    ask_in_vain(trial);
    fill_table(trial);
    share(trial);
    trial->pages = before;
}
