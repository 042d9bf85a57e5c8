/// The C library's malloc as Steve sees it.
#define _GNU_SOURCE
#include "steve/drivers/drivers.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "steve/drivers/malloc_heap_internal.h"
#include "steve/sanitizers.h"

static const struct steve_malloc_functions functions = {
    .malloc = malloc,
    .calloc = calloc,
    .realloc = realloc,
    .free = free,
    .aligned_alloc = aligned_alloc,
    .posix_memalign = posix_memalign,
    .usable_size = malloc_usable_size,
};

static void *open_heap(const struct steve_geometry *geometry, const char **why)
{
    return steve_malloc_heap_open(&functions, geometry->threads, why);
}

const struct steve_driver steve_driver_libc = {
    .version = STEVE_DRIVER_VERSION,
    .wire_id = 2,
    .name = "libc",
    .summary = "malloc of the C library: never moves, requests beyond 1 GiB refused by the driver",
    .promises = STEVE_PROMISE_THREADS,
    .alignment = _Alignof(max_align_t),
    .largest_aligned = STEVE_MALLOC_LARGEST_ALIGNED,
    .region_alignment = 1,
    .heap_min = 1,
    .open = open_heap,
    .close = steve_malloc_heap_close,
    .malloc = steve_malloc_heap_malloc,
    .calloc = steve_malloc_heap_calloc,
    .aligned = steve_malloc_heap_aligned,
    .resize = steve_malloc_heap_resize,
    .free = steve_malloc_heap_free,
#ifndef STEVE_THREAD_SANITIZER // it says that a block of 0 bytes has one, and reports who writes to it
    .usable = steve_malloc_heap_usable,
#endif
    .stats = steve_malloc_heap_stats,
    .snippets = &steve_malloc_heap_snippets,
};
