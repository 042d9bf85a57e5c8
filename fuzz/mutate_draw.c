/// Drawing single ops: slots that fit where an op stands, sizes at boundaries, codes. Which slots live at a place is not known without
/// running the ops, and guessed by what was asked for before it.
#include "fuzz/mutate_internal.h"

#include <string.h>

/// New blocks take one of the lowest slots that are empty: low numbers meet again.
#define NEAR_SLOTS 24u

// Slots

bool mutate_allocates(struct steve_op op)
{
    const enum steve_op_kind kind = steve_op_kind(op.code);
    return kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED;
}

void mutate_find_live(const struct mutate_work *w, size_t i, struct mutate_slot_set *live)
{
    memset(live, 0, sizeof *live);
    for (size_t k = 0; k < i; k++) {
        const struct steve_op op = mutate_op_at(w, k);
        if (mutate_allocates(op))
            mutate_add_slot(live, op.slot);
        else if (op.code == STEVE_OP_FREE)
            mutate_drop_slot(live, op.slot);
        else if (op.code == STEVE_OP_DRAIN)
            memset(live, 0, sizeof *live);
    }
}

bool mutate_pick_live(const struct mutate_work *w, size_t i, const struct mutate_slot_set *live, uint16_t *slot)
{
    if (i == 0)
        return false;
    size_t at = mutate_below(w, i);
    for (size_t tried = 0; tried < i; tried++) {
        const struct steve_op op = mutate_op_at(w, at);
        if (steve_op_uses_slot(op.code) && mutate_has_slot(live, op.slot)) {
            *slot = op.slot;
            return true;
        }
        at = at == 0 ? i - 1 : at - 1;
    }
    return false;
}

uint16_t mutate_pick_empty(const struct mutate_work *w, const struct mutate_slot_set *live)
{
    const uint16_t first = (uint16_t)mutate_below(w, NEAR_SLOTS);
    for (uint16_t slot = first; slot < MUTATE_SLOTS; slot++) {
        if (!mutate_has_slot(live, slot))
            return slot;
    }
    return first;
}

// Sizes

int16_t mutate_small_shift(const struct mutate_work *w)
{
    static const int16_t shifts[] = {-64, -33, -32, -24, -17, -16, -15, -9, -8, -7, -4, -2, -1, 0,  0,
                                     0,   0,   1,   2,   4,   7,   8,   9,  15, 16, 17, 24, 32, 33, 64};
    return shifts[mutate_below(w, sizeof shifts / sizeof *shifts)];
}

void mutate_take_size(struct steve_op *op, struct steve_op from)
{
    op->size_class = from.size_class;
    op->delta = from.delta;
    op->arg = from.arg;
}

int16_t mutate_plus(int16_t delta, int shift)
{
    const uint16_t sum = (uint16_t)(delta + shift);
    return (int16_t)(sum < 0x8000u ? sum : (int32_t)sum - 0x10000);
}

void mutate_snap_size(const struct mutate_work *w, struct steve_op *op)
{
    op->arg = 0;
    op->delta = mutate_small_shift(w);
    switch (mutate_below(w, 8)) {
    case 0:
    case 1:
    case 2:
        op->size_class = (uint8_t)(STEVE_SIZE_HEAP + steve_rng_log_between(w->rng, 1, 63));
        break;
    case 3:
    case 4:
    case 5:
        op->size_class = (uint8_t)(STEVE_SIZE_POWER + 3 + mutate_below(w, 15));
        break;
    case 6:
        op->size_class = STEVE_SIZE_OF_SLOT;
        op->arg = w->count == 0 ? 0 : mutate_op_at(w, mutate_below(w, w->count)).slot;
        break;
    default:
        op->size_class = mutate_chance(w, 64) ? STEVE_SIZE_MAX : STEVE_SIZE_ABSOLUTE;
        op->delta = (int16_t)mutate_below(w, 9);
        break;
    }
}

bool mutate_copy_size(const struct mutate_work *w, struct steve_op *op)
{
    if (w->count == 0)
        return false;
    size_t at = mutate_below(w, w->count);
    for (size_t tried = 0; tried < w->count; tried++) {
        const struct steve_op from = mutate_op_at(w, at);
        if (steve_op_uses_size(from.code) && from.code != STEVE_OP_COMPACT_BUDGET) {
            mutate_take_size(op, from);
            op->delta = mutate_plus(op->delta, (int)mutate_below(w, 3) - 1);
            return true;
        }
        at = at + 1 == w->count ? 0 : at + 1;
    }
    return false;
}

void mutate_new_size(const struct mutate_work *w, struct steve_op *op)
{
    const size_t how = mutate_below(w, 8);
    if (how < 2 && mutate_copy_size(w, op))
        return;
    if (how < 5) {
        mutate_snap_size(w, op);
        return;
    }
    mutate_take_size(op, steve_op_sized(STEVE_OP_MALLOC, 0, (uint32_t)steve_rng_log_between(w->rng, 1, 16384)));
}

// New ops

uint8_t mutate_pick_code(const struct mutate_work *w)
{
    static const uint8_t codes[] = {
        STEVE_OP_MALLOC,  STEVE_OP_MALLOC,    STEVE_OP_MALLOC,     STEVE_OP_MALLOC,         STEVE_OP_MALLOC,
        STEVE_OP_MALLOC,  STEVE_OP_MALLOC,    STEVE_OP_MALLOC,     STEVE_OP_CALLOC,         STEVE_OP_CALLOC,
        STEVE_OP_ALIGNED, STEVE_OP_ALIGNED,   STEVE_OP_RESIZE,     STEVE_OP_RESIZE,         STEVE_OP_RESIZE,
        STEVE_OP_RESIZE,  STEVE_OP_FREE,      STEVE_OP_FREE,       STEVE_OP_FREE,           STEVE_OP_FREE,
        STEVE_OP_FREE,    STEVE_OP_FREE,      STEVE_OP_LOCK,       STEVE_OP_LOCK,           STEVE_OP_UNLOCK,
        STEVE_OP_UNLOCK,  STEVE_OP_WEAK_LOCK, STEVE_OP_PURGEABLE,  STEVE_OP_PURGEABLE,      STEVE_OP_KEEP,
        STEVE_OP_WRITE,   STEVE_OP_VERIFY,    STEVE_OP_COMPACT,    STEVE_OP_COMPACT_BUDGET, STEVE_OP_COMPACT_GOAL,
        STEVE_OP_DRAIN,   STEVE_OP_CHECK,     STEVE_OP_FREE_STALE, STEVE_OP_FREE_FORGED,    STEVE_OP_UNLOCK_UNLOCKED,
    };
    const uint8_t code = codes[mutate_below(w, sizeof codes)];
    if (code == STEVE_OP_ALIGNED)
        return (uint8_t)(code + mutate_below(w, 13));
    if (code == STEVE_OP_FREE_STALE) // any of its family: stale or foreign
        return (uint8_t)(code + mutate_below(w, 8));
    if (code == STEVE_OP_FREE_FORGED)
        return (uint8_t)(code + mutate_below(w, 4));
    return code;
}

struct steve_op mutate_new_compaction(const struct mutate_work *w)
{
    struct steve_op op = {.code = STEVE_OP_COMPACT};
    switch (mutate_below(w, 4)) {
    case 0:
    case 1:
        break;
    case 2:
        op = steve_op_sized(STEVE_OP_COMPACT_BUDGET, 0, (uint32_t)steve_rng_log_between(w->rng, 1, 4096) - 1);
        break;
    default:
        op.code = STEVE_OP_COMPACT_GOAL;
        mutate_new_size(w, &op);
        break;
    }
    return op;
}

struct steve_op mutate_new_op(const struct mutate_work *w, uint8_t code, size_t i, const struct mutate_slot_set *live)
{
    struct steve_op op = {.code = code};
    if (code == STEVE_OP_COMPACT || code == STEVE_OP_COMPACT_BUDGET || code == STEVE_OP_COMPACT_GOAL)
        return mutate_new_compaction(w);
    if (steve_op_uses_size(code))
        mutate_new_size(w, &op);
    if (steve_op_uses_bit(code))
        op.arg = (uint16_t)mutate_below(w, 64);
    if (mutate_allocates(op) || !mutate_pick_live(w, i, live, &op.slot))
        op.slot = mutate_pick_empty(w, live);
    return op;
}
