/// The layout: the live blocks in address order, so that an overlap shows at the op that makes it, gaps can be judged, and
/// blocks can be named by their rank.
///
/// A two-level sorted array: spans in chunks of up to 64, and the first address, the fill and the number of each chunk
/// in three arrays above them. Two neighbouring chunks hold more than half of one together, so there are never more than
/// STEVE_LAYOUT_CHUNKS of them.
///
///     first  0x1000     0x2a40     0x5100            order by address
///     chunk  [s3 s9 s1] [s7 s2]    [s4 s8 s5 s6]     begin[], end[], slot[]
#ifndef STEVE_CORE_LAYOUT_H
#define STEVE_CORE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEVE_LAYOUT_FILL   64u
#define STEVE_LAYOUT_CHUNKS 4096u

/// The memory that belongs to the block of a slot: [begin, end).
struct steve_span {
    uintptr_t begin;
    uintptr_t end;
    uint16_t slot;
};

struct steve_layout_chunk {
    uintptr_t begin[STEVE_LAYOUT_FILL];
    uintptr_t end[STEVE_LAYOUT_FILL];
    uint16_t slot[STEVE_LAYOUT_FILL];
    size_t gap;     ///< largest gap between two of its spans
    bool gap_known; ///< else `gap` has to be computed
};

/// All zero is an empty layout. About 5 MiB, touched as used.
struct steve_layout {
    size_t count;     ///< of spans
    size_t chunks;    ///< in use
    size_t fresh;     ///< chunk[fresh] and beyond were never used
    size_t spares;    ///< chunks that were used and are empty again
    uint64_t version; ///< changes whenever a span does
    uintptr_t first[STEVE_LAYOUT_CHUNKS];
    uint16_t fill[STEVE_LAYOUT_CHUNKS];
    uint16_t order[STEVE_LAYOUT_CHUNKS];
    uint16_t spare[STEVE_LAYOUT_CHUNKS];
    struct steve_layout_chunk chunk[STEVE_LAYOUT_CHUNKS];
};

/// Forgets all spans. O(1)
void steve_layout_clear(struct steve_layout *layout);

/// Puts a span in its place, also if it overlaps. At most 65536 spans, one per slot.
/// @param other gets the slot of a neighbour that it overlaps
/// @return true if it overlaps no neighbour. O(log n), and the moving of up to 64 entries
bool steve_layout_insert(struct steve_layout *layout, struct steve_span span, uint16_t *other);

/// Takes out the span of `slot` that begins at `begin`. @return false if it is not there. O(log n)
bool steve_layout_remove(struct steve_layout *layout, uintptr_t begin, uint16_t slot);

/// @return the slot of the rank-th span in address order; rank < count. O(chunks), a few nanoseconds per thousand spans
uint16_t steve_layout_at(const struct steve_layout *layout, size_t rank);

/// @return where the next span above that of `slot` at `begin` begins; `end` if it is the last. O(log n)
uintptr_t steve_layout_above(const struct steve_layout *layout, uintptr_t begin, uint16_t slot, uintptr_t end);

/// @return whether another span than that of `slot` begins at `begin`: one of the two is empty then, or they overlap. O(log n)
bool steve_layout_is_shared(const struct steve_layout *layout, uintptr_t begin, uint16_t slot);

/// @return the largest gap below any span, with memory beginning at `begin`. O(chunks), and 64 for each chunk that changed
size_t steve_layout_largest_gap(struct steve_layout *layout, uintptr_t begin);

/// @return the end of the last span; `begin` if there is none. O(1)
uintptr_t steve_layout_top(const struct steve_layout *layout, uintptr_t begin);

/// To be called after the begins and ends of the c-th chunk in order were written anew and are still in order. O(1)
void steve_layout_rewritten(struct steve_layout *layout, size_t c);

/// Makes the layout of sorted spans anew. O(count)
void steve_layout_rebuild(struct steve_layout *layout, const struct steve_span *spans, size_t count);

/// Sorts spans by begin, end, slot; fast where few are out of order (natural merge sort).
/// @param scratch as many spans; contents do not matter
void steve_spans_sort(struct steve_span *spans, struct steve_span *scratch, size_t count);

#endif
