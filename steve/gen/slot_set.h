/// The slots that hold a live block: membership, a random one, and one to allocate into, each O(1).
///
/// Low slots are used again and again, so that slots have earlier blocks whose refs are stale; now and then a slot is
/// drawn from all 65536.
#ifndef STEVE_GEN_SLOT_SET_H
#define STEVE_GEN_SLOT_SET_H

#include "steve/gen/rng.h"

#define STEVE_SLOTS 65536u

/// All zero is the empty set. About 512 KiB, of which only the part in use is ever touched.
struct steve_slot_set {
    uint32_t count;              ///< live slots
    uint32_t spares;             ///< entries in `spare`
    uint32_t fresh;              ///< slots from here on were never taken in order
    uint32_t where[STEVE_SLOTS]; ///< index into `live` plus 1; 0: not live
    uint16_t live[STEVE_SLOTS];
    uint16_t spare[STEVE_SLOTS]; ///< freed slots, the latest last; some may be live again
};

/// Makes it empty. O(live slots)
void steve_slot_set_clear(struct steve_slot_set *set);

/// Both do nothing if it is so already. O(1)
void steve_slot_set_add(struct steve_slot_set *set, uint16_t slot);
void steve_slot_set_remove(struct steve_slot_set *set, uint16_t slot);

/// Finds a slot without a block, and reserves it: give it to steve_slot_set_add() or steve_slot_set_give_back().
/// @return false if all are live. O(1), amortised
bool steve_slot_set_take(struct steve_slot_set *set, struct steve_rng *rng, uint16_t *slot);
void steve_slot_set_give_back(struct steve_slot_set *set, uint16_t slot);

static inline bool steve_slot_set_has(const struct steve_slot_set *set, uint16_t slot)
{
    return set->where[slot] != 0;
}

/// A live slot at random. The set must not be empty.
static inline uint16_t steve_slot_set_pick(const struct steve_slot_set *set, struct steve_rng *rng)
{
    return set->live[steve_rng_below(rng, set->count)];
}

#endif
