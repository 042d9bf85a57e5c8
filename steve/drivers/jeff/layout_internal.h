/// Heaps laid out block by block, for corners of compaction: what must come of them is known to the granule.
#ifndef STEVE_DRIVERS_JEFF_LAYOUT_INTERNAL_H
#define STEVE_DRIVERS_JEFF_LAYOUT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

#define LAYOUT_GRANULE 16u
#define LAYOUT_VISIT   16u ///< what it takes to look at a block, in bytes moved
#define LAYOUT_HEAP    ((size_t)192 * 1024)
#define LAYOUT_PIECES  160u

enum layout_kind { END, FREE, MOVABLE, PINNED };

/// What lies in a heap, from its start.
struct layout_piece {
    enum layout_kind kind;
    uint32_t granules;
    uint32_t alignment; ///< in granules; 0: none asked for
};

/// A heap, and a clock that counts what is done in it.
struct layout {
    jeff_heap *heap;
    uint64_t unit_ns;   ///< what a byte moved takes; a look at a block takes LAYOUT_VISIT times that
    uint64_t slow_from; ///< so much is done before all takes ten times as long; 0: it never does
    uint64_t ending_ns; ///< what ending a call takes
    bool stands;        ///< each look at the clock takes 1 ns, and nothing else takes any time
    bool begins;        ///< a call does: nothing is over yet when it first looks at the clock
    uint64_t work, spent_ns, looks;
    void (*moved)(struct layout *l, jeff_handle handle); ///< called when a block has moved; NULL: nothing is
    uint32_t count;
    jeff_handle handle[LAYOUT_PIECES];
};

/// Bytes of the largest block that so many granules hold.
size_t steve_layout_bytes(uint32_t granules);

/// Adds a pattern to pieces, so many times. @return their number then; the next one is END
uint32_t steve_layout_repeat(struct layout_piece *pieces, uint32_t count, const struct layout_piece *pattern,
                             uint32_t length, uint32_t times);

/// Makes an empty heap. @param tells with the callback `moved`
bool steve_layout_open(struct layout *l, bool tells);

/// Makes blocks one above the other, locks some and takes others away; what was taken away is merged.
/// @param full nothing is left free above them
/// @return false if there is no room, or something has moved
bool steve_layout_make(struct layout *l, const struct layout_piece *pieces, bool full);

/// Makes a full heap anew, without the callback, in which an aligned piece lies right above the one below it: the first piece, PINNED, is made
/// larger by what the alignment would leave. @param aligned its number
bool steve_layout_make_aligned(struct layout *l, struct layout_piece *pieces, uint32_t aligned);

/// One call with a goal. @param wanted in granules; 0: the largest run @param budget_ns 0: no limit
struct jeff_report steve_layout_reach(struct layout *l, uint32_t wanted, uint64_t budget_ns);

/// Granules of no run that such a heap has: a call with a budget for it slides, and does no more.
#define LAYOUT_BEYOND ((uint32_t)(2 * LAYOUT_HEAP / LAYOUT_GRANULE))

/// What a corner says where steve_layout_make() fails.
extern const char steve_layout_unmade[];

struct jeff_stats steve_layout_stats(const struct layout *l);

/// Blocks and free runs that were looked at so far.
uint64_t steve_layout_looks(const struct layout *l);

/// Tries each in a heap of its own. @return what is wrong; NULL if nothing is
const char *steve_layout_try(const char *(*const *probes)(struct layout *), size_t count, bool tells);

#endif
