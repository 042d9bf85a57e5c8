/// Page hooks for `jeff-mapped` that fail now and then, always at the same call, so that Jeff's handling of refused pages is tested.
#ifndef STEVE_DRIVERS_JEFF_PAGES_INTERNAL_H
#define STEVE_DRIVERS_JEFF_PAGES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

/// Blocks of so many bytes have pages of their own in the drivers with these hooks.
#define STEVE_JEFF_OWN_MAPPING ((size_t)64 * 1024)

/// The hooks' context.
struct steve_jeff_pages {
    bool failing;      ///< set once the heap is open: making it must not fail
    unsigned reserves; ///< calls so far
    unsigned commits;
    unsigned refusals;        ///< calls that got nothing, since somebody has set this to 0
    size_t open;              ///< reservations that were not released
    uintptr_t heap;           ///< the first of them
    size_t bytes;             ///< of that
    size_t readable;          ///< of these, what is committed
    const char *damage;       ///< what a call did that jeff.h rules out
    unsigned refused_reserve; ///< the call that is refused all the same; 0: none
    unsigned refused_commit;
    size_t most; ///< more bytes than that are not reserved at a time; 0: no limit
};

/// Whether what the heap says that it has is what it was given. @return what is wrong, in static memory; NULL if nothing is. O(1)
const char *steve_jeff_pages_audit(const struct steve_jeff_pages *pages, const struct jeff_stats *stats);

/// Hooks over mmap. `pages` must outlive the heap.
struct jeff_page_hooks steve_jeff_pages_hooks(struct steve_jeff_pages *pages);

/// Makes heaps to which something is refused, one call of the hooks after the other, and one whose client states no limit where address
/// space is short. Leaves `pages` as new. @param config with the hooks of `pages` @return NULL, or what is wrong
const char *steve_jeff_pages_refuse(struct steve_jeff_pages *pages, size_t bytes, const struct jeff_config *config);

/// @return `bytes` rounded up to whole pages
size_t steve_jeff_pages_round(size_t bytes);

#endif
