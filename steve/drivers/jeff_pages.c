/// The page hooks of `jeff-mapped` under the option `failing-pages`: mmap and its kin, with refusals at fixed intervals.
#define _GNU_SOURCE
#include "steve/drivers/jeff_pages_internal.h"

#include <sys/mman.h>
#include <unistd.h>

// Coprime, so that both kinds of refusal meet all kinds of ops in time.
#define RESERVE_FAILS_EVERY 5u
#define COMMIT_FAILS_EVERY  7u

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void *reserve(void *context, size_t bytes)
{
    struct steve_jeff_pages *pages = context;
    pages->reserves++;
    if (pages->failing && pages->reserves % RESERVE_FAILS_EVERY == 0) {
        return NULL;
    }
    void *address = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

static bool commit(void *context, void *address, size_t bytes)
{
    struct steve_jeff_pages *pages = context;
    pages->commits++;
    if (pages->failing && pages->commits % COMMIT_FAILS_EVERY == 0) {
        return false;
    }
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

/// Takes access away too, so that a touch of memory given back faults at its instruction.
static void decommit(void *context, void *address, size_t bytes)
{
    (void)context;
    madvise(address, bytes, MADV_DONTNEED);
    mprotect(address, bytes, PROT_NONE);
}

static void release(void *context, void *address, size_t bytes)
{
    (void)context;
    munmap(address, bytes);
}

struct jeff_page_hooks steve_jeff_pages_hooks(struct steve_jeff_pages *pages)
{
    return (struct jeff_page_hooks){
        .page_bytes = page_bytes(),
        .reserve = reserve,
        .commit = commit,
        .decommit = decommit,
        .release = release,
        .context = pages,
    };
}

size_t steve_jeff_pages_round(size_t bytes)
{
    size_t mask = page_bytes() - 1;
    return bytes > SIZE_MAX - mask ? SIZE_MAX & ~mask : (bytes + mask) & ~mask;
}
