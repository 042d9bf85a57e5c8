/// Ordinary traffic: malloc and free around a level that the trend makes for, resize, and accesses with locality, each
/// access locked as its block's model advises.
#include "steve/gen/gen_internal.h"

#define NOTHING steve_gen_op(STEVE_OP_NONE, 0)

/// A gap worth growing into: more than blocks are rounded by, and no more than an op can say.
#define GAP_MIN 32u
#define GAP_MAX 32000u

uint64_t steve_traffic_level(const struct steve_gen *gen, const struct steve_exec *view)
{
    return steve_view_live_bytes(view) + (uint64_t)gen->slots.count * STEVE_BLOCK_OVERHEAD;
}

/// True if the heap is so large that its memory must not be touched all over.
static bool is_lazy(const struct steve_gen *gen)
{
    return gen->plan.header.heap_bytes >= STEVE_HUGE_BLOCK;
}

/// The chance to allocate rather than to free, of 256. Never certain, so that the level is approached in a random walk.
static unsigned malloc_chance(const struct steve_gen *gen, const struct steve_exec *view)
{
    if (gen->slots.count >= gen->plan.most_blocks) {
        return 16;
    }
    bool below = steve_traffic_level(gen, view) < gen->aim;
    switch (gen->trend) {
    case STEVE_TREND_GROW:
        return below ? 236 : 112;
    case STEVE_TREND_SHRINK:
        return below ? 144 : 40;
    case STEVE_TREND_HOLD:
        break;
    }
    return below ? 160 : 96;
}

struct steve_op steve_traffic_malloc(struct steve_gen *gen, const struct steve_exec *view)
{
    struct steve_op op = {.code = STEVE_OP_MALLOC};
    if (!steve_slot_set_take(&gen->slots, &gen->rng, &op.slot)) {
        return NOTHING;
    }

    uint16_t other = gen->slots.count > 0 ? steve_slot_set_pick(&gen->slots, &gen->rng) : 0;
    steve_size_draw(&gen->plan.sizes, &gen->rng, other, &op);
    unsigned flavour = (unsigned)(steve_rng_next(&gen->rng) >> 56);
    if (flavour >= gen->plan.aligned) {
        return op;
    }
    if (flavour >= gen->plan.calloc) {
        unsigned log = steve_rng_below(&gen->rng, gen->plan.log_aligned + 1u);
        // Large alignments are as likely as small ones only one time in four: they leave wide gaps.
        bool any = steve_rng_chance(&gen->rng, 64) || log <= 7;
        op.code = (uint8_t)(STEVE_OP_ALIGNED + (any ? log : log / 2));
        return op;
    }
    // Clearing a huge block would touch memory that is only mapped.
    if (!is_lazy(gen) || steve_view_resolve_size(view, op) < STEVE_HUGE_BLOCK) {
        op.code = STEVE_OP_CALLOC;
    }
    return op;
}

struct steve_op steve_traffic_release(struct steve_gen *gen, const struct steve_exec *view, uint16_t slot,
                                      unsigned holds)
{
    unsigned locks = steve_view_locks(view, slot);
    bool ends = steve_locker_kind(&gen->locker, slot) == STEVE_LOCKS_WHOLE_LIFE && steve_view_live(view, slot);
    holds = holds < locks ? holds : locks;
    if (holds == 0) {
        return ends && locks == 0 ? steve_gen_op(STEVE_OP_FREE, slot) : NOTHING;
    }

    for (unsigned i = 1; i < holds; i++) {
        steve_gen_promise(gen, STEVE_OP_UNLOCK, slot);
    }
    if (ends) {
        steve_gen_promise(gen, STEVE_OP_FREE, slot);
    }
    return steve_gen_op(STEVE_OP_UNLOCK, slot);
}

/// Frees a block, and before that takes back all its locks, if its model allows: scopes end in their own order.
static struct steve_op free_whatever(struct steve_gen *gen, const struct steve_exec *view, uint16_t slot)
{
    unsigned locks = steve_view_locks(view, slot);
    if (locks == 0) {
        return steve_gen_op(STEVE_OP_FREE, slot);
    }
    if (steve_locker_kind(&gen->locker, slot) == STEVE_LOCKS_STACK) {
        return NOTHING;
    }

    steve_locker_forget(&gen->locker, slot);
    for (unsigned i = 1; i < locks; i++) {
        steve_gen_promise(gen, STEVE_OP_UNLOCK, slot);
    }
    steve_gen_promise(gen, STEVE_OP_FREE, slot);
    return steve_gen_op(STEVE_OP_UNLOCK, slot);
}

struct steve_op steve_traffic_free(struct steve_gen *gen, const struct steve_exec *view)
{
    if (gen->slots.count == 0) {
        return NOTHING;
    }
    if (is_lazy(gen)) {
        // Huge blocks are always locked: they go as often as others do.
        uint16_t slot = steve_slot_set_pick(&gen->slots, &gen->rng);
        if (steve_view_size(view, slot) >= STEVE_HUGE_BLOCK) {
            return free_whatever(gen, view, slot);
        }
    }

    // The latest one, now and then: allocators that keep the last freed block at hand should see it come back.
    uint16_t slot = gen->slots.live[gen->slots.count - 1];
    if (steve_rng_chance(&gen->rng, 24) && steve_view_locks(view, slot) == 0) {
        return steve_gen_op(STEVE_OP_FREE, slot);
    }
    if (steve_gen_unlocked(gen, view, &slot)) {
        return steve_gen_op(STEVE_OP_FREE, slot);
    }
    return free_whatever(gen, view, slot);
}

/// Grows a block into the free memory right above it: all of it but for a header or two, or by a little more than there is.
/// @return false if a few tries found no such place
static bool grow_into_gap(struct steve_gen *gen, const struct steve_exec *view, struct steve_op *op)
{
    uint32_t count = steve_gen_knows_places(gen) ? (uint32_t)steve_view_live_count(view) : 0;
    for (int tries = 0; tries < STEVE_LOCK_TRIES && count >= 2; tries++) {
        uint32_t rank = steve_rng_below(&gen->rng, count - 1);
        uint16_t slot = steve_view_slot_by_address(view, rank);
        uint64_t gap = steve_gen_gap_above(view, rank);
        if (gap < GAP_MIN || gap > GAP_MAX || !steve_slot_set_has(&gen->slots, slot)) {
            continue;
        }
        op->slot = slot;
        op->size_class = STEVE_SIZE_OF_SLOT;
        op->arg = slot;
        op->delta = (int16_t)((int)gap + 8 - (int)steve_rng_below(&gen->rng, 48));
        return true;
    }
    return false;
}

static struct steve_op next_resize(struct steve_gen *gen, const struct steve_exec *view)
{
    uint16_t slot = steve_slot_set_pick(&gen->slots, &gen->rng);
    bool in_place = (gen->config.driver->promises & STEVE_PROMISE_RESIZE_IN_PLACE) != 0;
    if (!in_place && steve_view_locks(view, slot) > 0 && !steve_gen_unlocked(gen, view, &slot)) {
        return NOTHING;
    }

    struct steve_op op = steve_gen_op(STEVE_OP_RESIZE, slot);
    uint16_t other = steve_slot_set_pick(&gen->slots, &gen->rng);
    if (in_place && steve_rng_chance(&gen->rng, 48) && grow_into_gap(gen, view, &op)) {
        slot = op.slot;
    } else if (steve_rng_chance(&gen->rng, 64)) {
        // By a little, from where it is: growing into a neighbour, giving back less than a block's worth.
        op.size_class = STEVE_SIZE_OF_SLOT;
        op.arg = slot;
        op.delta = (int16_t)((int)steve_rng_below(&gen->rng, 129) - 64);
    } else {
        steve_size_draw(&gen->plan.sizes, &gen->rng, other, &op);
    }

    // A huge block would be copied: not from, not to.
    if (is_lazy(gen) &&
        (steve_view_size(view, slot) >= STEVE_HUGE_BLOCK || steve_view_resolve_size(view, op) >= STEVE_HUGE_BLOCK)) {
        return NOTHING;
    }
    return op;
}

void steve_traffic_into_loop(struct steve_gen *gen, uint32_t place, uint16_t slot)
{
    if (place >= gen->hot_count) {
        place = gen->hot_count++;
    }
    gen->hot[place] = slot;
}

/// The block to access: the next one of the loop, or any other, which then takes a place in it.
static uint16_t next_accessed(struct steve_gen *gen)
{
    uint32_t at = gen->hot_next++ % gen->plan.hot;
    if (at < gen->hot_count && steve_slot_set_has(&gen->slots, gen->hot[at]) &&
        !steve_rng_chance(&gen->rng, gen->plan.hot_miss)) {
        return gen->hot[at];
    }

    uint16_t slot = steve_slot_set_pick(&gen->slots, &gen->rng);
    steve_traffic_into_loop(gen, at, slot);
    return slot;
}

static struct steve_op next_access(struct steve_gen *gen, const struct steve_exec *view)
{
    uint16_t slot = next_accessed(gen);
    uint8_t code = steve_rng_chance(&gen->rng, 144) ? STEVE_OP_WRITE : STEVE_OP_VERIFY;
    if (!steve_gen_can_lock(gen)) {
        return steve_gen_op(code, slot);
    }

    unsigned locks = steve_view_locks(view, slot);
    enum steve_lock_advice advice = steve_locker_access(&gen->locker, &gen->rng, slot, gen->now, locks);
    if (advice == STEVE_ACCESS_PLAIN || (locks > 0 && !gen->plan.locks.nest)) {
        return steve_gen_op(code, slot);
    }
    steve_gen_promise(gen, code, slot);
    if (advice == STEVE_ACCESS_BRACKET) {
        steve_gen_promise(gen, STEVE_OP_UNLOCK, slot);
    }
    return steve_gen_op(STEVE_OP_LOCK, slot);
}

struct steve_op steve_traffic_next(struct steve_gen *gen, const struct steve_exec *view)
{
    unsigned draw = (unsigned)(steve_rng_next(&gen->rng) >> 56);
    struct steve_op op = NOTHING;

    if (gen->slots.count == 0) {
        return steve_traffic_malloc(gen, view);
    }
    if (gen->filling && draw < 240) {
        gen->filling = steve_traffic_level(gen, view) < gen->aim && gen->slots.count < gen->plan.most_blocks;
        return steve_traffic_malloc(gen, view);
    }
    if (draw < gen->plan.churn) {
        bool more = steve_rng_chance(&gen->rng, malloc_chance(gen, view));
        op = more ? steve_traffic_malloc(gen, view) : steve_traffic_free(gen, view);
    } else if (draw < gen->plan.resize) {
        op = next_resize(gen, view);
    }
    return op.code != STEVE_OP_NONE ? op : next_access(gen, view);
}
