/// The shadow: what every block must hold, byte for byte.
///
/// Steve does not keep a copy of each block. A block's contents are made from a *stamp*, 64 bits that Steve keeps in its own memory:
///
///     word i of the block (8 bytes)  =  stamp + i * STEVE_SHADOW_STEP   (modulo 2^64)
///
/// So any byte can be made again at any time from memory that no allocator owns: a stamp *is* a full shadow copy that takes no
/// memory and no memory traffic. Every write gets a stamp of its own, from a counter mixed so that no two are alike and none is a
/// multiple of the step away from another but by a chance of about 2^-40. Contents that come from an older write, from a
/// neighbour, or from the same block shifted by any number of words therefore differ from what is expected in every word.
///
/// Blocks beyond STEVE_SHADOW_WHOLE bytes are written and compared at both ends and in samples between, so that
/// a terabyte that is mapped lazily costs nothing. Where the samples lie depends on the size of the block alone.
#ifndef STEVE_CORE_SHADOW_H
#define STEVE_CORE_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEVE_SHADOW_STEP  UINT64_C(0x9e3779b97f4a7c15) ///< odd: no two words of a block are alike
#define STEVE_SHADOW_WHOLE ((size_t)65536)              ///< blocks up to this many bytes are written whole

/// The first byte that is not as it should be.
struct steve_shadow_diff {
    size_t offset;
    uint8_t actual;
    uint8_t expected;
};

/// @return the stamp of write `number`: different numbers give different stamps. O(1)
uint64_t steve_shadow_stamp(uint64_t number);

/// Writes a block of `bytes` bytes. The address needs no alignment. O(min(bytes, STEVE_SHADOW_WHOLE))
void steve_shadow_fill(void *block, size_t bytes, uint64_t stamp);

/// Compares the first `kept` bytes of a block that steve_shadow_fill() wrote with `bytes` bytes.
/// @param kept at most `bytes`: less after the block has shrunk
/// @param diff filled in when they differ
/// @return true if every written byte among them is as it was written. O(min(kept, STEVE_SHADOW_WHOLE))
bool steve_shadow_same(const void *block, size_t bytes, size_t kept, uint64_t stamp, struct steve_shadow_diff *diff);

/// As steve_shadow_same(), but compares the first and the last 16 bytes alone. O(1)
bool steve_shadow_same_ends(const void *block, size_t bytes, uint64_t stamp, struct steve_shadow_diff *diff);

/// @return true if all bytes of the block that steve_shadow_fill() would write are zero
bool steve_shadow_zero(const void *block, size_t bytes, struct steve_shadow_diff *diff);

/// What steve_shadow_fill() writes at `offset` of a block of `bytes` bytes; offset < bytes.
/// @return false if it writes nothing there. O(1)
bool steve_shadow_byte(size_t bytes, uint64_t stamp, size_t offset, uint8_t *expected);

/// @return the first offset after `offset`, at which nothing is written, where something is; `bytes` if there is none. O(1)
size_t steve_shadow_next(size_t bytes, size_t offset);

/// @return how many bytes of such a block are written and compared. O(1)
size_t steve_shadow_cost(size_t bytes);

#endif
