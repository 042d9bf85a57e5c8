/// Page hooks for `jeff-mapped` that fail now and then, always at the same call, so that Jeff's handling of refused pages is tested.
#ifndef STEVE_DRIVERS_JEFF_PAGES_INTERNAL_H
#define STEVE_DRIVERS_JEFF_PAGES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "jeff.h"

/// The hooks' context.
struct steve_jeff_pages {
    bool failing;      ///< set once the heap is open: making it must not fail
    unsigned reserves; ///< calls so far
    unsigned commits;
};

/// Hooks over mmap. `pages` must outlive the heap.
struct jeff_page_hooks steve_jeff_pages_hooks(struct steve_jeff_pages *pages);

/// @return `bytes` rounded up to whole pages
size_t steve_jeff_pages_round(size_t bytes);

#endif
