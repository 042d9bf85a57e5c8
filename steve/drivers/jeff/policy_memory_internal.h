/// The memory of the model in policy_internal.h: its list of stretches, its table, and what takes from both and gives back. Functions that look for room
/// make a block of POLICY_PENDING there and return where it begins, in granules, or POLICY_NONE.
#ifndef STEVE_DRIVERS_JEFF_POLICY_MEMORY_INTERNAL_H
#define STEVE_DRIVERS_JEFF_POLICY_MEMORY_INTERNAL_H

#include "steve/drivers/jeff/policy_internal.h"

#define POLICY_GRANULE 16u
#define POLICY_ENTRY   12u
#define POLICY_PENDING (POLICY_NONE - 1) ///< entry of a block that is being made
#define POLICY_MERGED  16u               ///< blocks kept whole that are merged at a time

uint32_t steve_policy_end_of(const struct policy_stretch *s);

/// The first stretch that begins at or above it.
uint32_t steve_policy_find_from(const struct policy *p, uint32_t begin);

/// Takes a stretch off the list, and puts one in, in address order.
void steve_policy_take_out(struct policy *p, uint32_t i);
void steve_policy_put_in(struct policy *p, const struct policy_stretch *s);
void steve_policy_put_hole(struct policy *p, uint32_t begin, uint32_t end);

/// Of the block of an entry; `count` if it has none.
uint32_t steve_policy_find_block(const struct policy *p, uint32_t entry);

/// Granules above the highest stretch.
uint32_t steve_policy_top_free(const struct policy *p);

/// The entry has no block, and is the first of its kind to be used again.
void steve_policy_make_bare(struct policy *p, uint32_t entry);

/// The entry that the next block gets; POLICY_NONE: there is none.
uint32_t steve_policy_bare(const struct policy *p);

/// The same, but that the table may grow for one. @return whether there is one
bool steve_policy_has_bare(struct policy *p);

/// Of all blocks that are kept whole.
uint32_t steve_policy_kept_granules(const struct policy *p);

/// The block of that class that was freed last. Entries without a block that are met become bare. @return its entry
uint32_t steve_policy_pop_whole(struct policy *p, uint32_t class);

/// Gives a run back: it is joined with the hole below, and with holes and a few blocks that are kept whole above.
void steve_policy_give_back(struct policy *p, uint32_t begin, uint32_t granules);

/// Where a block would begin.
uint32_t steve_policy_aligned(const struct policy *p, uint32_t from, uint32_t alignment, bool wide);

/// The hole of a class that was made next before `since`; POLICY_NONE: there is none.
uint32_t steve_policy_next_hole(const struct policy *p, uint32_t class, uint64_t since);

/// A hole of the least class in which one is found that fits: the newest are tried, a few of each class, or all if it is `thorough`.
uint32_t steve_policy_take_hole(struct policy *p, const struct policy_request *request, bool thorough);

/// So many requests to come do without a larger class.
void steve_policy_stay_exact(struct policy *p, uint32_t requests);

/// The lowest free granules above the highest stretch.
uint32_t steve_policy_take_top(struct policy *p, const struct policy_request *request);

/// The smallest block that is kept whole and larger, cut.
uint32_t steve_policy_take_part(struct policy *p, const struct policy_request *request);

/// Merges blocks that are kept whole with their neighbours, class by class, each time from where it ended. @return how many
uint32_t steve_policy_merge(struct policy *p, uint32_t most);

/// A block moves.
void steve_policy_note_move(struct policy *p, uint32_t granules);

/// Moves a few small blocks that are in the way of a request. @return whether there is room now
bool steve_policy_nudge(struct policy *p, const struct policy_request *request);

#endif
