/// Finding the functions of a malloc library, and the driver that is made of them.
#define _GNU_SOURCE
#include "steve/drivers/malloc_library.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "steve/drivers/malloc_heap_internal.h"

/// A process runs one library at a time; `open` has no other way to know which.
static struct steve_malloc_functions in_use;

static void *base_of(void *address)
{
    Dl_info info;
    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/// Where the C library lies; NULL if it is one that does not tell.
static void *c_library(void)
{
    return base_of(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
}

/// dlsym() also looks in what a library depends on, so that every library seems to have malloc().
static bool is_its_own(void *handle, void *function)
{
    struct link_map *map = NULL;
    void *libc = c_library();
    if (libc == NULL || base_of(function) != libc) {
        return true;
    }
    return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && (void *)map->l_addr == libc;
}

/// @param function a pointer to a function pointer, which gets the address or NULL
static bool find(void *handle, const char *name, void *function)
{
    void *address = dlsym(handle, name);
    if (address != NULL && !is_its_own(handle, address)) {
        address = NULL;
    }
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

bool steve_malloc_library_use(void *handle, uint32_t *has)
{
    struct steve_malloc_functions functions = {.refuses_the_impossible = true};
    bool usable = find(handle, "malloc", &functions.malloc);
    usable &= find(handle, "free", &functions.free);
    *has = find(handle, "calloc", &functions.calloc) ? STEVE_MALLOC_CALLOC : 0;
    *has |= find(handle, "realloc", &functions.realloc) ? STEVE_MALLOC_REALLOC : 0;
    *has |= find(handle, "malloc_usable_size", &functions.usable_size) ? STEVE_MALLOC_USABLE : 0;
    *has |= find(handle, "posix_memalign", &functions.posix_memalign) ? STEVE_MALLOC_ALIGNED : 0;
    *has |= find(handle, "aligned_alloc", &functions.aligned_alloc) ? STEVE_MALLOC_ALIGNED : 0;
    in_use = functions;
    return usable;
}

static void *open_heap(const struct steve_geometry *geometry, const char **why)
{
    return steve_malloc_heap_open(&in_use, geometry->threads, why);
}

void steve_malloc_library_describe(uint32_t has, const struct steve_snippets *snippets, struct steve_driver *driver)
{
    bool aligns = (has & STEVE_MALLOC_ALIGNED) != 0;
    *driver = (struct steve_driver){
        .version = STEVE_DRIVER_VERSION,
        .summary = "a library with the interface of malloc",
        .promises = STEVE_PROMISE_ALIGNS_BY_SIZE | STEVE_PROMISE_THREADS,
        .alignment = _Alignof(max_align_t),
        .largest_aligned = aligns ? STEVE_MALLOC_LARGEST_ALIGNED : 0,
        .region_alignment = 1,
        .heap_min = 1,
        .open = open_heap,
        .close = steve_malloc_heap_close,
        .malloc = steve_malloc_heap_malloc,
        .calloc = (has & STEVE_MALLOC_CALLOC) != 0 ? steve_malloc_heap_calloc : NULL,
        .aligned = aligns ? steve_malloc_heap_aligned : NULL,
        .resize = (has & STEVE_MALLOC_REALLOC) != 0 ? steve_malloc_heap_resize : NULL,
        .free = steve_malloc_heap_free,
        .usable = (has & STEVE_MALLOC_USABLE) != 0 ? steve_malloc_heap_usable : NULL,
        .stats = steve_malloc_heap_stats,
        .snippets = snippets,
    };
}

struct steve_snippets steve_malloc_library_snippets(uint32_t has, const char *compile_command)
{
    struct steve_snippets snippets = steve_malloc_heap_snippets;
    snippets.compile = compile_command;
    snippets.calloc = (has & STEVE_MALLOC_CALLOC) != 0 ? snippets.calloc : NULL;
    snippets.aligned = (has & STEVE_MALLOC_ALIGNED) != 0 ? snippets.aligned : NULL;
    snippets.resize = (has & STEVE_MALLOC_REALLOC) != 0 ? snippets.resize : NULL;
    return snippets;
}
