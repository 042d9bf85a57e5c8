/// Every sequence of up to K ops over a small alphabet: two slots in a tiny heap, sizes at the boundaries. Numbered without a gap, shorter
/// ones first, so that the first finding is a shortest one, and a sequence is made from its number alone.
///
/// Left out are renamings, as a block goes to the lowest slot that is empty, and ops that cannot apply: free of an
/// empty slot, unlock without a lock, whatever the driver does not have or promise. Which requests are refused shows only when they
/// are run, so both ways on are numbered, and the wrong one ends where an op has nothing to do: a malloc into a live slot, a
/// free of what was refused. Such a sequence is the same as a shorter one, and is not counted in the end.
///
/// The numbers come from counting: how many sequences of n ops go on from a state is a sum over the ops that apply in it.
#ifndef STEVE_GEN_EXHAUSTIVE_H
#define STEVE_GEN_EXHAUSTIVE_H

#include "steve/core/exec.h"

#define STEVE_EXHAUSTIVE_MOST       8u   ///< largest K
#define STEVE_EXHAUSTIVE_OPS        64u  ///< room for the alphabet, each op for each slot
#define STEVE_EXHAUSTIVE_STATES     256u ///< of two slots
#define STEVE_EXHAUSTIVE_HEAP_BYTES 1024u

struct steve_exhaustive {
    const struct steve_driver *driver;
    struct steve_header header; ///< of all sequences
    unsigned longest;           ///< K

    struct steve_op ops[STEVE_EXHAUSTIVE_OPS]; ///< the alphabet
    unsigned op_count;
    uint16_t next[STEVE_EXHAUSTIVE_STATES]
                 [STEVE_EXHAUSTIVE_OPS]; ///< the state after; STEVE_EXHAUSTIVE_STATES: does not apply
    uint64_t ways[STEVE_EXHAUSTIVE_MOST + 1][STEVE_EXHAUSTIVE_STATES]; ///< sequences of so many ops from a state on

    struct steve_op current[STEVE_EXHAUSTIVE_MOST];
    unsigned current_length;
};

/// @param longest    K, 1..STEVE_EXHAUSTIVE_MOST
/// @param heap_bytes 0: STEVE_EXHAUSTIVE_HEAP_BYTES, or the driver's minimum where that is more
void steve_exhaustive_init(struct steve_exhaustive *all, const struct steve_driver *driver, unsigned longest,
                           uint64_t heap_bytes);

/// How many sequences there are. O(K)
uint64_t steve_exhaustive_count(const struct steve_exhaustive *all);

/// How many ops a sequence has, if none of them proves void. O(K)
unsigned steve_exhaustive_length(const struct steve_exhaustive *all, uint64_t number);

/// Makes a sequence the current one. @param number below steve_exhaustive_count(). @return its length. O(K)
unsigned steve_exhaustive_begin(struct steve_exhaustive *all, uint64_t number);

/// The op at `index` of the current sequence; STEVE_OP_NONE if it proves void. O(1)
struct steve_op steve_exhaustive_next(const struct steve_exhaustive *all, unsigned index,
                                      const struct steve_exec *view);

#endif
