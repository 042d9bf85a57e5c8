/// A mutator that knows ops: it changes sequences in their byte form (steve/core/codec.h) by whole records, so that what
/// comes out is again a sequence that does something. What an engine calls is in mutate_libfuzzer.c and mutate_afl.c.
///
/// All functions are total: any bytes in, at most `max_size` bytes out. Nothing is allocated, nothing is kept from one call to
/// the next, and the same seed gives the same bytes. What comes out is canonical (header valid, no dead records, unused fields
/// zero), except where `max_size` leaves no room for a header: then it is the beginning of one.
#ifndef STEVE_FUZZ_MUTATE_H
#define STEVE_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "steve/gen/rng.h"

/// The kinds of mutation of one sequence.
enum mutate_kind {
    MUTATE_INSERT,     ///< an op that fits where it stands: frees what lives, allocates in a slot that is empty
    MUTATE_INSERT_RUN, ///< as many as 32 allocations of one size, or as many ops of one code on live slots
    MUTATE_DELETE,     ///< a run of ops
    MUTATE_DUPLICATE,  ///< a run, right behind itself, with its slots renamed or not
    MUTATE_SWAP,       ///< two ops
    MUTATE_MOVE,       ///< a run to another place
    MUTATE_CODE,       ///< an op becomes another that has the same arguments
    MUTATE_SLOT,       ///< an op takes the slot of another
    MUTATE_COPY_SIZE,  ///< an op takes the size of another, shifted by -1, 0 or +1
    MUTATE_SNAP_SIZE,  ///< a size becomes one at a boundary: heap/n, 2^k, size of a block, maximum, each -/+ a little
    MUTATE_COMPACT,    ///< a compaction, of one of its three forms, is inserted
    MUTATE_LOCK_PAIR,  ///< a lock of a live slot, and a later unlock of it
    MUTATE_PAUSE,      ///< a compaction with a short budget, a few ops, and what goes on from there
    MUTATE_PRESSURE,   ///< blocks become purgeable, the heap is filled, and one more request has them purged
    MUTATE_LARGE,      ///< some large blocks in a heap that has room for them, and what makes them move
    MUTATE_HOLE,       ///< a hole between blocks that stay, and what just fits there in a heap that is full otherwise
    MUTATE_FIT,        ///< a heap just about as large as what lives at some op
    MUTATE_HEADER,     ///< another heap size, base, option or driver
    MUTATE_KIND_COUNT
};

const char *mutate_kind_name(enum mutate_kind kind);

/// Brings `bytes` into canonical form without looking at what the ops do: header completed and valid, dead records and a partial
/// last one dropped. @return the new size. O(size)
size_t mutate_canonical(uint8_t *bytes, size_t size, size_t max_size);

/// One mutation of one kind, on canonical bytes. @return the new size; the bytes are unchanged where the kind has nothing
/// to work on (no op, no sized op, no live slot) or no room. O(size)
size_t mutate_one(enum mutate_kind kind, struct steve_rng *rng, uint8_t *bytes, size_t size, size_t max_size);

/// Some mutations, one after the other: most often one or two. What an engine's mutator does with one input.
/// @param bytes room for `max_size`, of which `size` are used. O(size)
size_t mutate(uint64_t seed, uint8_t *bytes, size_t size, size_t max_size);

/// Puts a run of `other` into `bytes`, or in place of its end, with its slots renamed to some that `bytes` does not use, so that
/// both keep their meaning. @param bytes as in mutate(); `other` may be any bytes, but not the same memory. O(size + other_size)
size_t mutate_splice(uint64_t seed, uint8_t *bytes, size_t size, size_t max_size, const uint8_t *other,
                     size_t other_size);

#endif
