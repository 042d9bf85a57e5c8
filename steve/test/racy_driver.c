/// A driver in a shared object whose allocator is wrong for several threads, and right for one: FAULT says how (racy_heap.h).
#define _GNU_SOURCE
#include "steve/test/racy_heap.h"

static void *open_heap(const struct steve_geometry *geometry, const char **why)
{
    (void)geometry;
    *why = "memory is short";
    return racy_open(FAULT);
}

const struct steve_driver steve_exported_driver = {
    .version = STEVE_DRIVER_VERSION,
    .name = "racy",
    .summary = "cells of 2 KiB, for several threads",
    .promises = STEVE_PROMISE_THREADS,
    .alignment = 16,
    .heap_min = 1,
    .open = open_heap,
    .close = racy_close,
    .malloc = racy_malloc,
    .free = racy_free,
    .stats = racy_stats,
};
