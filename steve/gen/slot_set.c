/// The set of live slots: a dense array of them, each slot's place in it, and a stack of those that were freed.
#include "steve/gen/slot_set.h"

void steve_slot_set_clear(struct steve_slot_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        set->where[set->live[i]] = 0;
    }
    set->count = 0;
    set->spares = 0;
    set->fresh = 0;
}

void steve_slot_set_add(struct steve_slot_set *set, uint16_t slot)
{
    if (steve_slot_set_has(set, slot)) {
        return;
    }
    set->live[set->count] = slot;
    set->where[slot] = ++set->count;
}

void steve_slot_set_remove(struct steve_slot_set *set, uint16_t slot)
{
    if (!steve_slot_set_has(set, slot)) {
        return;
    }

    uint16_t last = set->live[--set->count];
    set->live[set->where[slot] - 1] = last;
    set->where[last] = set->where[slot];
    set->where[slot] = 0;
    steve_slot_set_give_back(set, slot);
}

bool steve_slot_set_take(struct steve_slot_set *set, struct steve_rng *rng, uint16_t *slot)
{
    if (steve_rng_chance(rng, 1)) {
        *slot = (uint16_t)steve_rng_below(rng, STEVE_SLOTS);
        if (!steve_slot_set_has(set, *slot)) {
            return true;
        }
    }
    while (set->spares > 0) {
        *slot = set->spare[--set->spares];
        if (!steve_slot_set_has(set, *slot)) {
            return true;
        }
    }
    while (set->fresh < STEVE_SLOTS) {
        *slot = (uint16_t)set->fresh++;
        if (!steve_slot_set_has(set, *slot)) {
            return true;
        }
    }
    return false;
}

void steve_slot_set_give_back(struct steve_slot_set *set, uint16_t slot)
{
    // A slot drawn at random may be here twice, so the stack can be full; then this one rests until the next episode.
    if (set->spares < STEVE_SLOTS) {
        set->spare[set->spares++] = slot;
    }
}
