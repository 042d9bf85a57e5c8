/// What the drivers over the interface of malloc share: the functions that such a driver is made of, over a table of the
/// library's own.
#ifndef STEVE_DRIVERS_MALLOC_HEAP_INTERNAL_H
#define STEVE_DRIVERS_MALLOC_HEAP_INTERNAL_H

#include "steve/driver.h"

/// Requests beyond this are refused by the driver. Linux overcommits: a library would grant a terabyte, and the first
/// sweep over the block, or calloc under a sanitizer, would then eat the machine's memory. Sanitizers also abort on sizes
/// near SIZE_MAX.
#define STEVE_MALLOC_LARGEST ((size_t)1 << 30)

/// The functions of a library. NULL: it has none, but malloc and free it must have.
struct steve_malloc_functions {
    void *(*malloc)(size_t bytes);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t bytes);
    void (*free)(void *block);
    void *(*aligned_alloc)(size_t alignment, size_t bytes);
    int (*posix_memalign)(void **block, size_t alignment, size_t bytes);
    size_t (*usable_size)(void *block);
    bool refuses_the_impossible; ///< sizes beyond PTRDIFF_MAX may be asked for: they end no process
};

/// The largest alignment that is asked of such a library.
#define STEVE_MALLOC_LARGEST_ALIGNED 65536u

/// A heap over a library. @param functions must outlive it @param threads of struct steve_geometry
void *steve_malloc_heap_open(const struct steve_malloc_functions *functions, unsigned threads, const char **why);

/// These are functions of a driver: see struct steve_driver.
void steve_malloc_heap_close(void *heap);
steve_ref steve_malloc_heap_malloc(void *heap, size_t bytes);
steve_ref steve_malloc_heap_calloc(void *heap, size_t count, size_t size);
steve_ref steve_malloc_heap_aligned(void *heap, size_t alignment, size_t bytes);
steve_ref steve_malloc_heap_resize(void *heap, steve_ref ref, size_t bytes);
bool steve_malloc_heap_free(void *heap, steve_ref ref);
size_t steve_malloc_heap_usable(void *heap, steve_ref ref);
void steve_malloc_heap_stats(void *heap, struct steve_stats *stats);

/// A client of malloc in C.
extern const struct steve_snippets steve_malloc_heap_snippets;

#endif
