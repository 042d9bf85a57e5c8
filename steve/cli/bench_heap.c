/// The bench over any drivers: heaps in a child process.
#define _GNU_SOURCE
#include "steve/cli/bench_heap.h"

#include <sys/mman.h>
#include <unistd.h>

#include "steve/core/external.h"

#define REGION_ALIGNMENT ((size_t)65536)
#define PAGE             ((size_t)4096)

static void *no_heap(const struct steve_driver *driver, const char *why)
{
    fprintf(stderr, "steve bench: %s: no heap: %s\n", driver->name, why);
    return NULL;
}

void *bench_heap_open(const struct steve_driver *driver, size_t bytes)
{
    const char *why = "";
    struct steve_geometry geometry = {.bytes = bytes};
    if (!steve_driver_enter(driver, &why))
        return no_heap(driver, why);
    if (driver->promises & STEVE_PROMISE_REGION) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        char *memory = mmap(NULL, bytes + REGION_ALIGNMENT, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory == MAP_FAILED)
            return no_heap(driver, "the system gives no memory for its region");
        geometry.region = memory + (REGION_ALIGNMENT - (uintptr_t)memory % REGION_ALIGNMENT) % REGION_ALIGNMENT;
    }
    void *heap = driver->open(&geometry, &why);
    return heap ? heap : no_heap(driver, why);
}

steve_ref bench_heap_make(const struct steve_driver *driver, void *heap, size_t bytes)
{
    steve_ref ref = driver->malloc(heap, bytes);
    void *address = (void *)(uintptr_t)ref; // NOLINT(performance-no-int-to-ptr)
    if (!ref || !bytes || (driver->lock && driver->lock(heap, ref, &address) != STEVE_LOCK_OK))
        return ref;
    volatile char *byte = address;
    for (size_t at = 0; at < bytes; at += PAGE)
        byte[at] = 1;
    byte[bytes - 1] = 1;
    if (driver->lock)
        driver->unlock(heap, ref);
    return ref;
}

FILE *bench_heap_take_stdout(void)
{
    int out = dup(STDOUT_FILENO);
    return out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 ? fdopen(out, "w") : NULL;
}
