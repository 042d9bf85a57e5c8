/// Page hooks for `jeff-mapped` that fail now and then, always at the same call, so that Jeff's handling of refused pages is tested.
#ifndef STEVE_DRIVERS_JEFF_PAGES_INTERNAL_H
#define STEVE_DRIVERS_JEFF_PAGES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

/// The hooks' context.
struct steve_jeff_pages {
    bool failing;      ///< set once the heap is open: making it must not fail
    unsigned reserves; ///< calls so far
    unsigned commits;
    size_t open;        ///< reservations that were not released
    uintptr_t heap;     ///< the first of them
    size_t bytes;       ///< of that
    size_t readable;    ///< of these, what is committed
    const char *damage; ///< what a call did that jeff.h rules out
};

/// Whether what the heap says that it has is what it was given. @return what is wrong, in static memory; NULL if nothing is. O(1)
const char *steve_jeff_pages_audit(const struct steve_jeff_pages *pages, const struct jeff_stats *stats);

/// Hooks over mmap. `pages` must outlive the heap.
struct jeff_page_hooks steve_jeff_pages_hooks(struct steve_jeff_pages *pages);

/// @return `bytes` rounded up to whole pages
size_t steve_jeff_pages_round(size_t bytes);

#endif
