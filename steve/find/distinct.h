/// Which findings are the same. Two are if they break the same oracle and shrink to the same shape: the kinds of the ops and
/// their slots, renumbered in the order in which they come; sizes do not matter.
///
/// Shrinking takes its time, and a bug may show in every episode. So what can be seen without shrinking is looked at first, the
/// signature: the oracle, the kind of the op at which it broke, and the sentence about it without its figures. Of each
/// signature the first STEVE_DISTINCT_ALL findings are shrunk, and from there on those whose number is a power of two; the
/// others are taken for the first one of that signature. So are all others once one of them would not shrink to the end in
/// its time: what is left then has no shape to go by.
#ifndef STEVE_FIND_DISTINCT_H
#define STEVE_FIND_DISTINCT_H

#include "steve/find/runner.h"

#define STEVE_DISTINCT_ALL  4u
#define STEVE_DISTINCT_NONE SIZE_MAX

/// Owned: steve_shape_free().
struct steve_shape {
    enum steve_oracle oracle;
    uint32_t *ops; ///< kind and slot
    size_t count;
};

/// The shape of a finding, as it is: shrink it before. O(ops). @return false if memory is short
bool steve_shape(const struct steve_found *found, struct steve_shape *shape);
bool steve_shape_same(const struct steve_shape *a, const struct steve_shape *b);

/// A number for the ops of a shape, the same in every run and on every machine, so that what one run found is known in the next.
/// The oracle is not in it. O(ops)
uint64_t steve_shape_digest(const struct steve_shape *shape);
void steve_shape_free(struct steve_shape *shape);

struct steve_distinct_entry {
    struct steve_shape shape;
    uint64_t count; ///< how often it came
};

struct steve_signature {
    enum steve_oracle oracle;
    enum steve_op_kind kind;
    char what[128];
    uint64_t seen;
    bool unsettled; ///< one of them did not shrink to the end
    size_t entry;   ///< STEVE_DISTINCT_NONE: none of it has been shrunk yet
};

/// All zero: none yet.
struct steve_distinct {
    struct steve_distinct_entry *entries;
    size_t count, capacity;
    struct steve_signature *signatures;
    size_t signature_count, signature_capacity;
};

/// A finding has come. @return the entry that it is taken for, and counted; STEVE_DISTINCT_NONE if it is to be shrunk, and then handed
///         to steve_distinct_add(). O(signatures)
size_t steve_distinct_meet(struct steve_distinct *distinct, const struct steve_found *found);

/// @param found   as it came; NULL: it did not come in this run, and is not counted
/// @param shrunk  what it shrank to; may be the same
/// @param settled nothing more could be cut
/// @param is_new  gets true if there was none of this shape
/// @return its entry; STEVE_DISTINCT_NONE if memory is short. O(entries)
size_t steve_distinct_add(struct steve_distinct *distinct, const struct steve_found *found,
                          const struct steve_found *shrunk, bool settled, bool *is_new);

void steve_distinct_free(struct steve_distinct *distinct);

#endif
