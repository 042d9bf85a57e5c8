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

/// The classic interface has room for blocks, and none for their cells: each block must be given back that has got no cell.
static const char *probe_cells_refused(void)
{
    enum { CELLS = 8192, MORE = 200, BYTES = 4000 }; // fewer than a page has handles
    static handle_t *cells[CELLS];
    struct rlimit limit;
    handle_t *const room = rmmalloc((size_t)MORE * BYTES / 2);
    if (room == NULL || getrlimit(RLIMIT_DATA, &limit) != 0) {
        rmfree(room);
        return NULL;
    }
    rmfree(room);
    const struct rlimit none = {.rlim_cur = 4096, .rlim_max = limit.rlim_max};
    size_t count = 0;
    bool served = true;
    if (setrlimit(RLIMIT_DATA, &none) == 0) {
        while (count < CELLS && (cells[count] = rmmalloc(1)) != NULL) {
            count++;
        }
        if (count > 0 && count < CELLS) { // else the system does not mind the limit
            for (unsigned i = 0; i < MORE; i++) {
                served = served && rmmalloc(BYTES) == NULL;
            }
            rmfree(cells[--count]);
            cells[count] = rmmalloc(BYTES);
            served = served && cells[count++] != NULL;
        }
        setrlimit(RLIMIT_DATA, &limit);
    }
    while (count > 0) {
        rmfree(cells[--count]);
    }
    return served ? NULL : "the classic interface has lost blocks that it had no cells for";
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
    if (wrong == NULL) {
        wrong = probe_cells_refused();
    }
    handle_t *cell = rmmalloc(1);
    if (cell != NULL && lock(*cell) == NULL) {
        wrong = "a block of the classic interface cannot be locked after it was short of address space";
    }
    rmfree(cell);
    return wrong;
}
