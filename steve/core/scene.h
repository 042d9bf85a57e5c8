/// The scene of a finding: how the heap lay and which bytes were wrong when an oracle broke, for a person to look at.
///
/// It is taken from the shadow: blocks lie where they were last seen, and the allocator is not asked again. The only memory of a heap
/// that is read is that of the comparison that failed, which was read a moment ago. Plain data of a fixed size without pointers, so
/// that it passes through shared memory.
#ifndef STEVE_CORE_SCENE_H
#define STEVE_CORE_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#define STEVE_SCENE_BLOCKS 64u
#define STEVE_SCENE_BYTES  64u

/// Places are offsets from steve_scene.origin.
struct steve_scene_block {
    uint64_t begin;     ///< of the extent: header, payload and rounding
    uint64_t extent;    ///< its bytes
    uint64_t first;     ///< of the block's own first byte
    uint64_t bytes;     ///< as asked for
    uint64_t alignment; ///< as asked for; 0: nothing
    uint16_t slot;
    uint16_t locks; ///< taken by lock ops
    bool purgeable;
};

enum steve_scene_dump {
    STEVE_SCENE_NO_BYTES,
    STEVE_SCENE_OF_BLOCK,       ///< offsets from the block's first byte
    STEVE_SCENE_OF_GUARD_BELOW, ///< bytes counted from the guard's first byte; the heap begins at `dump_end`
    STEVE_SCENE_OF_GUARD_ABOVE, ///< offsets from the heap's end
};

struct steve_scene {
    bool taken;      ///< false: none was, as after a crash
    bool has_region; ///< offsets are from the region's base; else from the lowest block shown
    uint64_t origin; ///< the address that they are from
    uint64_t heap_bytes;
    uint64_t blocks_begin; ///< offset of the first byte that blocks may lie at; 0 where not known
    uint64_t live_blocks, locked_blocks, purged_blocks;
    uint64_t live_bytes; ///< as asked for

    uint64_t left_out_below, left_out_above; ///< blocks with memory that do not fit in `blocks`
    uint32_t count;
    struct steve_scene_block blocks[STEVE_SCENE_BLOCKS]; ///< in order of `begin`; the one of the finding among them

    enum steve_scene_dump dump;
    uint64_t dump_begin;              ///< offset of actual[0]
    uint64_t dump_end;                ///< offset of the end of the block or guard
    uint64_t first_wrong, last_wrong; ///< offsets
    uint64_t wrong_bytes;
    uint32_t dump_count;
    uint8_t actual[STEVE_SCENE_BYTES];
    uint8_t expected[STEVE_SCENE_BYTES];
    bool compared[STEVE_SCENE_BYTES]; ///< false: the byte may be anything (of large blocks only samples are written)
};

struct steve_exec;

/// Takes the scene of the finding that just ended the episode. The heap is not touched but for reading what was compared last.
/// O(blocks log blocks)
void steve_scene_take(struct steve_exec *exec, struct steve_scene *scene);

#endif
