/// The script of the profile `classic`, the loop that people write by hand: fill to refusal, free half, lock an
/// eighth, compact, verify, unlock; and again. Between two rounds the heap stays half full, so that each starts from
/// other holes. Of the lock models it heeds only `none`.
#include "steve/gen/gen_internal.h"

static void begin_act(struct steve_gen *gen, enum steve_act act)
{
    uint32_t count = gen->slots.count;
    gen->script.act = act;
    switch (act) {
    case STEVE_ACT_FILL:
        gen->script.left = gen->plan.most_blocks;
        break;
    case STEVE_ACT_FREE:
        gen->script.left = (count + 1) / 2;
        break;
    case STEVE_ACT_LOCK:
        gen->script.left = steve_gen_can_lock(gen) && gen->config.locks->kind != STEVE_LOCKS_NONE ? (count + 7) / 8 : 0;
        break;
    case STEVE_ACT_COMPACT:
        gen->script.left = steve_rng_between(&gen->rng, 1, 3);
        break;
    case STEVE_ACT_VERIFY:
        gen->script.left = count;
        break;
    case STEVE_ACT_UNLOCK:
        gen->script.left = gen->locker.depth;
        break;
    }
}

void steve_script_begin(struct steve_gen *gen)
{
    begin_act(gen, STEVE_ACT_FILL);
}

static bool is_malloc(uint8_t code)
{
    return code == STEVE_OP_MALLOC || code == STEVE_OP_CALLOC ||
           (code >= STEVE_OP_ALIGNED && code <= STEVE_OP_ALIGNED_LAST);
}

/// The next op of the act that is on; code STEVE_OP_NONE if the act is over.
static struct steve_op next_of_act(struct steve_gen *gen, const struct steve_exec *view)
{
    struct steve_op op = steve_gen_op(STEVE_OP_NONE, 0);
    uint16_t slot;
    if (gen->script.left == 0) {
        return op;
    }
    gen->script.left--;

    switch (gen->script.act) {
    case STEVE_ACT_FILL: {
        // Not for the first one: what was refused before it was refused in the round before.
        bool first = gen->script.left + 1 == gen->plan.most_blocks;
        bool full = !first && is_malloc(gen->last.code) && steve_view_last(view) == STEVE_REFUSED;
        return full ? op : steve_traffic_malloc(gen, view);
    }
    case STEVE_ACT_FREE:
        return steve_gen_unlocked(gen, view, &slot) ? steve_gen_op(STEVE_OP_FREE, slot) : op;
    case STEVE_ACT_LOCK:
        if (gen->locker.depth < STEVE_STACK_MAX && steve_gen_unlocked(gen, view, &slot)) {
            steve_locker_enter(&gen->locker, slot);
            return steve_gen_op(STEVE_OP_LOCK, slot);
        }
        return op;
    case STEVE_ACT_COMPACT:
        return steve_events_compaction(gen, view);
    case STEVE_ACT_VERIFY:
        if (gen->script.left == 0) {
            return steve_gen_op(STEVE_OP_CHECK, 0);
        }
        return steve_gen_op(STEVE_OP_VERIFY, gen->slots.live[gen->script.left]);
    case STEVE_ACT_UNLOCK:
        return steve_locker_leave(&gen->locker, &slot) ? steve_gen_op(STEVE_OP_UNLOCK, slot) : op;
    }
    return op;
}

struct steve_op steve_script_next(struct steve_gen *gen, const struct steve_exec *view)
{
    for (;;) {
        struct steve_op op = next_of_act(gen, view);
        if (op.code != STEVE_OP_NONE) {
            return op;
        }
        begin_act(gen, gen->script.act == STEVE_ACT_UNLOCK ? STEVE_ACT_FILL : (enum steve_act)(gen->script.act + 1));
    }
}
