/// What Jeff's statistics come to in Steve's terms, for all of his drivers, and the clock that is computed from them.
///
/// Time is virtual: 1 ns for a byte moved and 16 ns for a block visited, so that a budget stops compaction at the same block on every machine.
#ifndef STEVE_DRIVERS_JEFF_FIGURES_INTERNAL_H
#define STEVE_DRIVERS_JEFF_FIGURES_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "jeff.h"
#include "steve/driver.h"

#define STEVE_JEFF_NS_PER_MOVED_BYTE    1u
#define STEVE_JEFF_NS_PER_VISITED_BLOCK 16u
/// One step of Jeff's, 16 KiB, and a piece more, by that clock.
#define STEVE_JEFF_BUDGET_STEP_NS 20000u

/// What jeff.h promises of the handle table.
#define STEVE_JEFF_HANDLE_BYTES 12u

/// The largest heap: all that Jeff can use, or with 32-bit addresses as much as fits in them a few times.
#define STEVE_JEFF_LARGEST_HEAP ((size_t)(SIZE_MAX > UINT32_MAX ? UINT64_C(64) << 30 : UINT64_C(1) << 29))

/// From this size on what an option tries beside the heap itself may take a millisecond or more.
#define STEVE_JEFF_LARGE ((size_t)1 << 30)

/// The salt of a heap's handles: 0 would take one from the heap's address.
static inline uint32_t steve_jeff_salt(const struct steve_geometry *geometry)
{
    return geometry->salt != 0 ? geometry->salt : 0x5bd1e995u;
}

/// Whether heaps are made beside the one under test. Not under a fuzzer: what is reached in such a heap would be taken for what the ops of an
/// input reach, and be nothing new in any input after it. `steve replay` of what a fuzzer found makes them all the same.
#ifdef STEVE_FUZZING
#define STEVE_JEFF_BESIDE false
#else
#define STEVE_JEFF_BESIDE true
#endif

/// What a driver's own heaps are drawn from: another one for each geometry.
static inline uint64_t steve_jeff_seed(const struct steve_geometry *geometry)
{
    return geometry->bytes * 31 + geometry->options;
}

static inline uint64_t steve_jeff_virtual_ns(const struct jeff_stats *stats)
{
    return stats->moved_bytes * STEVE_JEFF_NS_PER_MOVED_BYTE + stats->visited_blocks * STEVE_JEFF_NS_PER_VISITED_BLOCK;
}

/// @param region where the heap's memory begins
static inline struct steve_arena steve_jeff_arena(uintptr_t region, const struct jeff_stats *stats)
{
    return (struct steve_arena){
        .begin = region + stats->control_bytes,
        .end = region + stats->heap_bytes - stats->table_bytes,
        .spare_handles = stats->spare_handles,
        .handle_bytes = STEVE_JEFF_HANDLE_BYTES,
    };
}

static inline struct steve_stats steve_jeff_region_stats(const struct jeff_stats *stats)
{
    return (struct steve_stats){
        .live_blocks = stats->live_blocks,
        .live_bytes = stats->live_bytes,
        .free_bytes = stats->free_bytes,
    };
}

/// Of a heap with pages of its own: there is no arena to compare the free bytes with, and a block with its own mapping has those pages as
/// its extent, but its small share of the heap is counted, too.
static inline struct steve_stats steve_jeff_mapped_stats(const struct jeff_stats *stats)
{
    return (struct steve_stats){
        .live_blocks = stats->live_blocks,
        .live_bytes = stats->mapped_blocks == 0 ? stats->live_bytes : SIZE_MAX,
        .free_bytes = SIZE_MAX,
    };
}

#endif
