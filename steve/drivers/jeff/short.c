/// A process that has no address space left: what asks the system for pages must be refused then, and go on afterwards.
#define _GNU_SOURCE
#include "steve/drivers/jeff/probe_internal.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rmalloc.h"

#define MIB ((size_t)1 << 20)

/// Bytes of address space in use; 0 if the system does not tell.
static size_t in_use(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%lu", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

const char *steve_jeff_probe_short(void)
{
    struct rlimit limit;
    const size_t used = in_use();
    if (used == 0 || getrlimit(RLIMIT_AS, &limit) != 0) {
        return NULL;
    }
    // Nothing was made yet, if this is the first time.
    handle_t stray = 0;
    rmfree(NULL);
    rmfree(&stray);
    unlock(0);
    compact(1);
    const char *wrong = lock(0) == NULL ? NULL : "a handle of nothing can be locked";

    const struct rlimit none = {.rlim_cur = used, .rlim_max = limit.rlim_max};
    // Room for the blocks, whose heap takes half of what there is, and then not for their cells.
    const struct rlimit little = {.rlim_cur = used + MIB + MIB / 8, .rlim_max = limit.rlim_max};
    const struct rlimit *const limits[] = {&none, &little};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        // An emulator takes the limit, and does not mind it: then there is a block, which is given back.
        if (setrlimit(RLIMIT_AS, limits[i]) == 0) {
            rmfree(rmmalloc(1));
            setrlimit(RLIMIT_AS, &limit);
        }
    }
    // A heap without a limit makes do with a share of that.
    const struct rlimit some = {.rlim_cur = used + 32 * MIB, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_AS, &some) == 0) {
        jeff_heap *heap = jeff_create(0, NULL, NULL);
        setrlimit(RLIMIT_AS, &limit);
        if (heap == NULL) {
            wrong = "a heap without a limit was refused where there is some address space";
        }
        jeff_destroy(heap);
    }
    handle_t *cell = rmmalloc(1);
    if (cell != NULL && lock(*cell) == NULL) {
        wrong = "a block of the classic interface cannot be locked after it was short of address space";
    }
    rmfree(cell);
    return wrong;
}
