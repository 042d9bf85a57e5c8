/// The default hooks for POSIX: pages by mmap, time by the monotonic clock. A target without them leaves this file empty.
#define _DEFAULT_SOURCE
#include "heap_internal.h"

#if HAS_POSIX

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

uint64_t jeff_posix_now_ns(void *context)
{
    (void)context;
    struct timespec now = {0}; // where there is no such clock, no time passes
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Address space without memory. `where`: NULL and 0, or a place and MAP_FIXED
static void *map(void *where, int fixed, size_t bytes)
{
    return mmap(where, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
}

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    void *address = map(NULL, 0, bytes);
    return address == MAP_FAILED ? NULL : address;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void decommit(void *context, void *address, size_t bytes)
{
    (void)context;
    // Mapped anew rather than advised away: the pages are then zero when they are committed again, on every system.
    (void)map(address, MAP_FIXED, bytes);
}

static void release(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)munmap(address, bytes);
}

bool jeff_posix_pages(struct jeff_page_hooks *hooks)
{
    *hooks = (struct jeff_page_hooks){
        .page_bytes = (size_t)sysconf(_SC_PAGESIZE), // if that fails no power of two, and no heap is made
        .reserve = reserve,
        .commit = commit,
        .decommit = decommit,
        .release = release,
    };
    return true;
}
#endif
