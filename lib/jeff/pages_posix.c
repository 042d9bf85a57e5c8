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
    struct timespec now;
    const bool known = clock_gettime(CLOCK_MONOTONIC, &now) == 0;
    return known ? (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec : 0;
}

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    void *address = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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
    (void)mmap(address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

static void release(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)munmap(address, bytes);
}

bool jeff_posix_pages(struct jeff_page_hooks *hooks)
{
    const long page = sysconf(_SC_PAGESIZE);
    *hooks = (struct jeff_page_hooks){
        .page_bytes = page > 0 ? (size_t)page : 4096,
        .reserve = reserve,
        .commit = commit,
        .decommit = decommit,
        .release = release,
    };
    return true;
}
#endif
