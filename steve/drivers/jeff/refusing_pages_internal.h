/// Page hooks that do nothing: for heaps that are refused, or whose pages are the driver's own memory.
#ifndef STEVE_DRIVERS_JEFF_REFUSING_PAGES_INTERNAL_H
#define STEVE_DRIVERS_JEFF_REFUSING_PAGES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

static inline bool refuse_commit(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
    return false;
}

/// For decommit and release.
static inline void ignore_pages(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
}

#endif
