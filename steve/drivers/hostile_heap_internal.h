/// The state of a hostile heap, and how its blocks lie: handles, address order, gaps.
///
/// The region holds payloads alone; all bookkeeping lies in mapped memory beside it:
///
///     blocks[]  one entry per handle slot: where the block lies, its size, its locks, its ref
///     order[]   the slots of the live blocks, sorted by address: the gaps between them are the free memory
#ifndef STEVE_DRIVERS_HOSTILE_HEAP_INTERNAL_H
#define STEVE_DRIVERS_HOSTILE_HEAP_INTERNAL_H

#include "steve/drivers/hostile_internal.h"

#define HOSTILE_GRANULE 16u

/// More than the 65,536 that can be live at once, since a slot retires when its generations are used up.
#define HOSTILE_BLOCKS_MAX ((size_t)1 << 18)

struct hostile_block {
    steve_ref ref; ///< 0: not live
    size_t offset; ///< from the region's base
    size_t bytes;  ///< of the extent
    size_t alignment;
    uint32_t generation;
    uint32_t locks;
    uint32_t next_free; ///< slot + 1, 0 at the end
};

struct hostile_heap {
    unsigned char *base;
    size_t begin; ///< of the arena, from the base: 0, but for MISDEED_LOSES_CAPACITY
    size_t end;
    uint32_t salt;

    enum misdeed misdeed;
    unsigned after;      ///< opportunities still to be let pass
    size_t freed_offset; ///< MISDEED_WRITES_AFTER_FREE: where the freed block lay
    bool has_freed_offset;
    unsigned char *eaten; ///< MISDEED_EATS_MEMORY
    size_t eaten_bytes;

    size_t live;
    size_t live_bytes;
    size_t slots_used;
    uint32_t first_free; ///< slot + 1
    uint64_t moves;
    uint64_t moved_bytes;
    uint64_t visited;

    uint32_t order[HOSTILE_BLOCKS_MAX];
    struct hostile_block blocks[HOSTILE_BLOCKS_MAX];
};

/// True if `misdeed` is this heap's, and the healthy stretch is over. Call it once per opportunity.
bool hostile_is_due(struct hostile_heap *h, enum misdeed misdeed);

// Sizes and offsets; an offset counts from the region's base

/// Bytes of the extent that serves a request.
size_t hostile_extent_for(size_t bytes);
/// The first offset at or after `offset` whose address is a multiple of `alignment`.
size_t hostile_align_offset(const struct hostile_heap *h, size_t offset, size_t alignment);

// Handles

/// @return the live block of that ref, or NULL
struct hostile_block *hostile_find(struct hostile_heap *h, steve_ref ref);
/// @return a slot with a fresh ref, not in the order yet; NULL when all are used up
struct hostile_block *hostile_take_slot(struct hostile_heap *h);
/// Makes the ref stale, and the slot free unless its generations are used up.
void hostile_give_slot_back(struct hostile_heap *h, struct hostile_block *block);

// Order and gaps

/// The block of that rank in address order.
struct hostile_block *hostile_at(struct hostile_heap *h, size_t index);
/// The number of live blocks that begin below `offset`: where a block at that offset is or belongs in the order.
size_t hostile_rank_of(struct hostile_heap *h, size_t offset);
/// Both keep the count of live blocks and bytes.
void hostile_order_insert(struct hostile_heap *h, struct hostile_block *block);
void hostile_order_remove(struct hostile_heap *h, struct hostile_block *block);
/// The gap below the block of that rank, or above the last one for rank `live`: offsets.
size_t hostile_gap_begin(struct hostile_heap *h, size_t index);
size_t hostile_gap_end(struct hostile_heap *h, size_t index);
/// @return true if the stretch holds that many bytes, from `*offset` on
bool hostile_fits(const struct hostile_heap *h, size_t begin, size_t end, size_t alignment, size_t bytes,
                  size_t *offset);
/// First fit. @return false if no gap holds that many bytes
bool hostile_find_gap(struct hostile_heap *h, size_t alignment, size_t bytes, size_t *offset);
/// The largest request that could be served, in bytes.
size_t hostile_largest_gap(struct hostile_heap *h);

#endif
