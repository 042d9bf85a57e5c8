/// The bench over any drivers: heaps in a child process.
#define _GNU_SOURCE
#include "steve/cli/bench_heap.h"

#include <sys/mman.h>
#include <unistd.h>

#include "steve/core/external.h"

#define REGION_ALIGNMENT ((size_t)65536)
#define PAGE             ((size_t)4096)

static bool no_heap(const struct steve_driver *driver, const char *why)
{
    fprintf(stderr, "steve bench: %s: no heap: %s\n", driver->name, why);
    return false;
}

bool bench_heap_open(struct bench_heap *heap, const struct steve_driver *driver, size_t bytes)
{
    *heap = (struct bench_heap){.driver = driver, .bytes = bytes < driver->heap_min ? driver->heap_min : bytes};
    const char *why = "";
    struct steve_geometry geometry = {.bytes = heap->bytes};
    if (!steve_driver_enter(driver, &why))
        return no_heap(driver, why);
    if (driver->promises & STEVE_PROMISE_REGION) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        heap->mapping_bytes = heap->bytes + REGION_ALIGNMENT;
        char *memory = mmap(NULL, heap->mapping_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory == MAP_FAILED)
            return no_heap(driver, "the system gives no memory for its region");
        heap->mapping = memory;
        geometry.region = memory + (REGION_ALIGNMENT - (uintptr_t)memory % REGION_ALIGNMENT) % REGION_ALIGNMENT;
    }
    heap->heap = driver->open(&geometry, &why);
    if (heap->heap)
        return true;
    bench_heap_close(heap);
    return no_heap(driver, why);
}

void bench_heap_close(struct bench_heap *heap)
{
    if (heap->heap)
        heap->driver->close(heap->heap);
    if (heap->mapping)
        munmap(heap->mapping, heap->mapping_bytes);
    heap->heap = heap->mapping = NULL;
}

void bench_heap_touch(const struct steve_driver *driver, void *heap, steve_ref ref, size_t bytes)
{
    void *address = (void *)(uintptr_t)ref; // NOLINT(performance-no-int-to-ptr)
    if (!bytes || (driver->lock && driver->lock(heap, ref, &address) != STEVE_LOCK_OK))
        return;
    volatile char *byte = address;
    for (size_t at = 0; at < bytes; at += PAGE)
        byte[at] = 1;
    byte[bytes - 1] = 1;
    if (driver->lock)
        driver->unlock(heap, ref);
}

steve_ref bench_heap_make(const struct steve_driver *driver, void *heap, size_t bytes)
{
    const steve_ref ref = driver->malloc(heap, bytes);
    if (ref)
        bench_heap_touch(driver, heap, ref, bytes);
    return ref;
}

FILE *bench_heap_take_stdout(void)
{
    int out = dup(STDOUT_FILENO);
    return out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 ? fdopen(out, "w") : NULL;
}
