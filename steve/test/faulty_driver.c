/// Drivers that are wrong in one way each, FAULT, made into a shared object each. What works in them is a bump allocator:
/// memory is taken from the region's begin and never given back.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORTS_NOTHING        1
#define OTHER_VERSION          2
#define LACKS_FREE             3
#define CONTRADICTS_ITSELF     4
#define FAILS_TO_OPEN          5
#define CRASHES_IN_CONSTRUCTOR 6
#define EXITS_IN_CONSTRUCTOR   7
#define PRINTS_TO_STDOUT       8
#define LIES_ABOUT_ALIGNMENT   9
#define LIES_ABOUT_ZERO        10
#define LIES_ABOUT_USABLE      11
#define LIES_ABOUT_THE_REGION  12
#define LIES_ABOUT_REFUSALS    13
#define LOSES_FAILED_RESIZES   14
#define FREES_ON_FAILED_RESIZE 15
#define REFUSES_ZERO           17
#define ALIGNS_BY_SIZE         16

#if FAULT == EXPORTS_NOTHING
#define steve_exported_driver some_other_name
#endif
#include "steve/driver.h"

struct heap {
    size_t used;
    size_t bytes;
};

#if FAULT == CRASHES_IN_CONSTRUCTOR
__attribute__((constructor)) static void crash(void)
{
    abort();
}
#elif FAULT == EXITS_IN_CONSTRUCTOR
__attribute__((constructor)) static void leave(void)
{
    _exit(0);
}
#elif FAULT == PRINTS_TO_STDOUT
__attribute__((constructor)) static void chat(void)
{
    printf("hello from the constructor\n");
    fflush(stdout);
}
__attribute__((destructor)) static void take_leave(void)
{
    printf("goodbye from the destructor\n");
}
#endif

#if FAULT == ALIGNS_BY_SIZE
#define UNIT(bytes) ((bytes) < 8 ? (size_t)4 : (bytes) < 16 ? (size_t)8 : (size_t)16)
#else
#define UNIT(bytes) ((size_t)16)
#endif

static void *open_heap(const struct steve_geometry *geometry, const char **why)
{
    struct heap *heap = geometry->region;
    *why = "the moon is in the wrong phase";
    if (FAULT == FAILS_TO_OPEN || geometry->bytes < 64)
        return NULL;
    *heap = (struct heap){.used = 32, .bytes = geometry->bytes};
    return heap;
}

static void close_heap(void *heap)
{
    (void)heap;
}

/// @return the offset of a block, or 0
static size_t take(struct heap *heap, size_t bytes)
{
    size_t unit = UNIT(bytes);
    size_t begin = (heap->used + unit - 1) & ~(unit - 1);
    if (begin > heap->bytes || bytes > heap->bytes - begin)
        return 0;
    heap->used = begin + (bytes == 0 ? 1 : bytes);
    return begin;
}

static steve_ref call_malloc(void *heap, size_t bytes)
{
#if FAULT == PRINTS_TO_STDOUT
    printf("malloc %zu\n", bytes);
#endif
#if FAULT == LIES_ABOUT_THE_REGION
    if (bytes == 100)
        return (steve_ref)(uintptr_t)malloc(bytes);
#endif
    if ((FAULT == LIES_ABOUT_REFUSALS && bytes > 16) || (FAULT == REFUSES_ZERO && bytes == 0))
        return 0;
    size_t begin = take(heap, FAULT == LIES_ABOUT_REFUSALS ? 16 : bytes);
    return begin == 0 ? 0 : (steve_ref)(uintptr_t)heap + begin;
}

#if FAULT != LACKS_FREE
static bool call_free(void *heap, steve_ref ref)
{
    (void)heap;
    (void)ref;
    return true;
}
#endif

#if FAULT == LIES_ABOUT_USABLE
static size_t call_usable(void *heap, steve_ref ref)
{
    (void)heap;
    (void)ref;
    return 7;
}
#endif

#if FAULT == LOSES_FAILED_RESIZES || FAULT == FREES_ON_FAILED_RESIZE
/// Always refused. The block is gone then: what is at its place is overwritten.
static steve_ref call_resize(void *heap, steve_ref ref, size_t bytes)
{
    (void)heap;
    (void)bytes;
    *(volatile unsigned char *)(uintptr_t)ref ^= 0xff;
    return 0;
}
#endif

#if FAULT == LIES_ABOUT_REFUSALS
static struct steve_extent call_extent(void *heap, steve_ref ref)
{
    (void)heap;
    return (struct steve_extent){(uintptr_t)ref, 16};
}

static struct steve_arena call_arena(void *heap)
{
    const struct heap *h = heap;
    return (struct steve_arena){.begin = (uintptr_t)heap + 32, .end = (uintptr_t)heap + h->bytes, .spare_handles = 1};
}

static size_t call_run_needed(void *heap, size_t alignment, size_t bytes)
{
    (void)heap;
    (void)alignment;
    return bytes <= 16 ? 32 : SIZE_MAX;
}
#endif

const struct steve_driver steve_exported_driver = {
    .version = FAULT == OTHER_VERSION ? 99 : STEVE_DRIVER_VERSION,
    .name = "faulty",
    .summary = "wrong in one way",
#if FAULT == CONTRADICTS_ITSELF
    .promises = STEVE_PROMISE_LOCKS_NEST | STEVE_PROMISE_RELOCATABLE,
    .alignment = 24,
    .largest_aligned = 64,
#else
    .promises = STEVE_PROMISE_REGION | (FAULT == LIES_ABOUT_REFUSALS ? STEVE_PROMISE_EXACT_REFUSAL : 0) |
                (FAULT == ALIGNS_BY_SIZE ? STEVE_PROMISE_ALIGNS_BY_SIZE : 0),
    .alignment = FAULT == LIES_ABOUT_ALIGNMENT ? 64 : 16,
#endif
    .region_alignment = 64,
    .heap_min = 64,
    .zero_size = FAULT == LIES_ABOUT_ZERO ? STEVE_ZERO_REFUSED
                 : FAULT == REFUSES_ZERO  ? STEVE_ZERO_BLOCK
                                          : STEVE_ZERO_EITHER,
    .failed_resize = FAULT == FREES_ON_FAILED_RESIZE ? STEVE_FAILED_RESIZE_FREES : STEVE_FAILED_RESIZE_KEEPS,
    .open = open_heap,
    .close = close_heap,
    .malloc = call_malloc,
#if FAULT != LACKS_FREE
    .free = call_free,
#endif
#if FAULT == LIES_ABOUT_USABLE
    .usable = call_usable,
#endif
#if FAULT == LOSES_FAILED_RESIZES || FAULT == FREES_ON_FAILED_RESIZE
    .resize = call_resize,
#endif
#if FAULT == LIES_ABOUT_REFUSALS
    .extent = call_extent,
    .arena = call_arena,
    .run_needed = call_run_needed,
#endif
};
