/// Which memory serves a request: what lib/jeff/README.md says of malloc and free, written down a second time, over a list in address order
/// and without a thought for speed. exam_policy.c holds a heap against it, to the granule.
///
/// policy_memory.c has what memory there is, policy_nudge.c the blocks that make way. It knows heaps in client memory for one thread,
/// without callbacks. Plans of goal-directed compaction it does not know: where a request may come to one it says so, and is of no use
/// from there on.
#ifndef STEVE_DRIVERS_JEFF_POLICY_INTERNAL_H
#define STEVE_DRIVERS_JEFF_POLICY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_BLOCKS    400u
#define POLICY_STRETCHES (2 * POLICY_BLOCKS + 8)
#define POLICY_NONE      UINT32_MAX
#define POLICY_TALLY     0x1feu ///< a free counts what is kept whole if the next generation has none of these bits
enum policy_kind {
    POLICY_HOLE,
    POLICY_KEPT, ///< freed, and still with its handle's entry
    POLICY_LIVE,
};

/// A stretch of memory with a header. Places are in granules from the begin of the arena.
struct policy_stretch {
    enum policy_kind kind;
    uint32_t begin, granules;
    uint32_t entry;     ///< of a block
    uint32_t alignment; ///< of a block, in granules; 1: none asked for
    bool wide;          ///< the block has a record
    uint32_t class;     ///< of a hole: the class of its size
    uint64_t since;     ///< and when it was made
};

enum policy_use {
    POLICY_BARE,
    POLICY_USED,
    POLICY_WHOLE,  ///< its block was freed, and waits in a bin to be taken again
    POLICY_BURIED, ///< that block was merged with a neighbour: the entry alone waits
};

struct policy_entry {
    enum policy_use use;
    uint32_t class; ///< of what waits, in granules
    uint64_t since; ///< when it came into its list
    bool locked, purgeable;
    bool resized; ///< the block is not kept whole when it is freed
};

struct policy_request {
    uint32_t granules;
    uint32_t alignment;
    bool wide;
};

struct policy {
    size_t arena_bytes; ///< up to where the table would end if it had no entry
    uintptr_t arena;    ///< address of the first header
    uint32_t heap;      ///< granules of all of the heap
    uint32_t kept_most; ///< granules that may be kept whole before a free merges some
    uint32_t binned;    ///< granules of the largest block that is kept whole
    bool stays;         ///< no request moves anything

    uint32_t count;
    struct policy_stretch stretch[POLICY_STRETCHES];
    uint32_t entries; ///< the newest ones first go when the table shrinks
    struct policy_entry entry[POLICY_BLOCKS];

    uint64_t time;      ///< what is noted as `since`
    uint32_t top;       ///< end of the highest stretch
    uint32_t drain_bin; ///< where merging goes on
    uint32_t exact;     ///< so many requests with an empty bin to come do without a larger class
    uint32_t refused;   ///< granules that were refused since memory came free
    bool tallies;       ///< each free looks at what is kept

    uint64_t moved_blocks, moved_granules;
    uint64_t visited; ///< stretches that compactions looked at
    bool unknown;     ///< a plan may have been made
    bool overfull;    ///< there is more than fits in here
};

/// The size class of a hole: below 8 granules each size has its own, then four share each power of two.
uint32_t steve_policy_hole_class(uint32_t granules);

/// Starts anew. @param arena_bytes from the first header to where the table begins, and what its entries take
void steve_policy_start(struct policy *p, uintptr_t arena, size_t arena_bytes, size_t heap_bytes, bool stays);

/// Serves a request. @return the entry of the block; POLICY_NONE: it is refused
uint32_t steve_policy_malloc(struct policy *p, const struct policy_request *request);

/// Frees a block. @param generation that its handle's entry has from now on
void steve_policy_free(struct policy *p, uint32_t entry, uint32_t generation);

/// Resizes a block without a record, not locked and not purged, to so many granules that need none. @return false if that is refused
bool steve_policy_resize(struct policy *p, uint32_t entry, uint32_t granules);

void steve_policy_set_purgeable(struct policy *p, uint32_t entry, bool purgeable);

/// A full compaction.
void steve_policy_compact(struct policy *p);

/// The stretch of a block; NULL if it was purged.
const struct policy_stretch *steve_policy_block(const struct policy *p, uint32_t entry);

/// Granule that the highest block must end at or below.
uint32_t steve_policy_limit(const struct policy *p);

#endif
