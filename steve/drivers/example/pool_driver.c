/// The pool as Steve sees it: pointers into a region that Steve gives. steve/driver.h says what each field means.
#include <steve/driver.h>

#include "pool.h"

static void *open_heap(const struct steve_geometry *geometry, const char **why)
{
    *why = "a pool needs more memory";
    return pool_init(geometry->region, geometry->bytes);
}

static void close_heap(void *heap)
{
    (void)heap; // all of it lies in the region
}

static steve_ref call_malloc(void *heap, size_t bytes)
{
    return (steve_ref)(uintptr_t)pool_alloc(heap, bytes);
}

static steve_ref call_calloc(void *heap, size_t count, size_t size)
{
    return (steve_ref)(uintptr_t)pool_calloc(heap, count, size);
}

static bool call_free(void *heap, steve_ref ref)
{
    pool_free(heap, (void *)(uintptr_t)ref);
    return true;
}

const struct steve_driver steve_exported_driver = {
    .version = STEVE_DRIVER_VERSION,
    .name = "pool",
    .summary = "the example: cells of seven sizes, up to 1024 bytes",
    .promises = STEVE_PROMISE_REGION | STEVE_PROMISE_RELOCATABLE,
    .alignment = 16,
    .region_alignment = 16,
    .heap_min = 2048,
    .zero_size = STEVE_ZERO_BLOCK,
    .open = open_heap, .close = close_heap,
    .malloc = call_malloc, .calloc = call_calloc, .free = call_free,
};
