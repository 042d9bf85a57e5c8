/// The region: the memory that a heap under test lives in, and the guard zones around it.
///
///      no access | guard, a pattern | the heap's region | guard, a pattern | no access
///                ^ page             ^ base              ^ base + bytes     ^ page
///
/// The base is a chosen distance past a 64 KiB boundary, the size may be odd, and each guard begins at the very next byte; it has
/// 4 KiB or more, up to the next page's border. Address space is kept between episodes and grows when a larger region is
/// asked for; a terabyte costs what is touched of it.
#ifndef STEVE_CORE_REGION_H
#define STEVE_CORE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEVE_REGION_UNIT  ((size_t)65536) ///< bases are told apart modulo this
#define STEVE_REGION_GUARD ((size_t)4096)

struct steve_region {
    unsigned char *base; ///< the heap's first byte; NULL before the first placing
    size_t bytes;
    // The rest is region.c's own.
    unsigned char *open_begin; ///< the pages of heap and guards
    unsigned char *open_end;
    unsigned char *wide_begin; ///< the pages that may be touched: with keep_open more than these
    unsigned char *wide_end;
    unsigned char *mapping;
    size_t mapping_bytes;
};

struct steve_region_place {
    size_t bytes;
    size_t offset;  ///< of the base, modulo STEVE_REGION_UNIT
    unsigned shift; ///< by so many units more, so that the base differs but is congruent
    bool dirty;     ///< memory begins with a pattern instead of zeros (of large regions the ends alone)
    bool keep_open; ///< pages that were a region before stay open: no system call for a new geometry. Beyond the guards only
                    ///< AddressSanitizer then sees what is out of bounds, for 64 KiB
};

/// Where a guard was overwritten.
struct steve_region_damage {
    bool above;      ///< the heap; else below it
    size_t distance; ///< from the heap's nearest byte: 1 is the very next one
    uint8_t actual;
    uint8_t expected;
};

/// Places a region anew: guards written, memory zero or dirty, whatever it held before.
/// @return false if the system gives no address space. Costs one write of a small region (up to 256 KiB), of a large one
/// 192 KiB and the pages that are present, up to 1 MiB of them
bool steve_region_place(struct steve_region *region, const struct steve_region_place *place);

/// @return true if both guards are as they were written. O(guards: 8 to 16 KiB)
bool steve_region_guards_hold(const struct steve_region *region, struct steve_region_damage *damage);

/// @return what a byte of a guard, below or above the heap, must hold. O(1)
uint8_t steve_region_guard_byte(const struct steve_region *region, const unsigned char *at);

/// Gives the address space back. An all-zero region is fine.
void steve_region_release(struct steve_region *region);

#endif
