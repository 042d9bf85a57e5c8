/// The generator's outside, and the order in which an op is looked for: first what the last op did is taken in, then
/// come ops that earlier ones promised (the access and unlock after a lock), locks that are due, events, and ordinary
/// traffic.
#define _GNU_SOURCE
#include "steve/gen/gen_internal.h"

#include <sys/mman.h>

/// A heap that refuses so many requests in a row is taken to be full: single ones may have been too large for any.
#define REFUSALS_OF_FULL 3u

/// The memory is mapped, since malloc may be the allocator under test.
struct steve_gen *steve_gen_new(const struct steve_gen_config *config)
{
    void *memory = mmap(NULL, sizeof(struct steve_gen), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    struct steve_gen *gen = memory;
    gen->config = *config;
    gen->config.profile = config->profile != NULL ? config->profile : steve_profile_at(0);
    gen->config.locks = config->locks != NULL ? config->locks : steve_lock_model_at(0);
    return gen;
}

const struct steve_gen_config *steve_gen_config_of(const struct steve_gen *gen)
{
    return &gen->config;
}

void steve_gen_free(struct steve_gen *gen)
{
    if (gen != NULL) {
        munmap(gen, sizeof *gen);
    }
}

uint64_t steve_gen_length(const struct steve_gen *gen, uint64_t episode)
{
    struct steve_rng rng;
    steve_rng_seed(&rng, gen->config.seed, episode, STEVE_STREAM_LENGTH);
    return steve_profile_length(gen->config.profile, &rng);
}

void steve_gen_begin(struct steve_gen *gen, uint64_t episode, struct steve_header *header)
{
    const struct steve_gen_config *config = &gen->config;
    uint32_t length = (uint32_t)steve_gen_length(gen, episode);
    struct steve_rng rng;

    steve_rng_seed(&rng, config->seed, episode, STEVE_STREAM_PLAN);
    steve_episode_plan_draw(&gen->plan, config->profile, config->locks, config->driver, config->heap_bytes, length,
                            &rng);
    steve_rng_seed(&gen->rng, config->seed, episode, STEVE_STREAM_OPS);

    steve_slot_set_clear(&gen->slots);
    steve_locker_begin(&gen->locker, &gen->plan.locks, length);
    gen->now = 0;
    gen->last = (struct steve_op){.code = STEVE_OP_NONE};
    gen->trend = STEVE_TREND_GROW;
    gen->filling = gen->plan.fill_first;
    gen->refused = 0;
    gen->aim = gen->plan.high;
    gen->hot_count = 0;
    gen->hot_next = 0;
    gen->queue_first = 0;
    gen->queue_count = 0;
    steve_events_begin(gen);
    steve_script_begin(gen);
    *header = gen->plan.header;
}

void steve_gen_promise(struct steve_gen *gen, uint8_t code, uint16_t slot)
{
    if (gen->queue_count < STEVE_QUEUE) {
        gen->queue[(gen->queue_first + gen->queue_count++) % STEVE_QUEUE] = steve_gen_op(code, slot);
    }
}

bool steve_gen_unlocked(struct steve_gen *gen, const struct steve_exec *view, uint16_t *slot)
{
    for (int tries = 0; tries < STEVE_LOCK_TRIES && gen->slots.count > 0; tries++) {
        *slot = steve_slot_set_pick(&gen->slots, &gen->rng);
        if (steve_view_locks(view, *slot) == 0) {
            return true;
        }
    }
    return false;
}

/// True if the op does something to the block as it is now. What was promised may have been overtaken: the lock was
/// refused, the block is gone.
static bool still_applies(const struct steve_gen *gen, const struct steve_exec *view, struct steve_op op)
{
    if (!steve_view_live(view, op.slot)) {
        return false;
    }
    unsigned locks = steve_view_locks(view, op.slot);
    switch (op.code) {
    case STEVE_OP_UNLOCK:
        return locks > 0;
    case STEVE_OP_LOCK:
        return locks == 0 || gen->plan.locks.nest;
    case STEVE_OP_FREE:
        return locks == 0;
    default:
        return true;
    }
}

static struct steve_op next_promised(struct steve_gen *gen, const struct steve_exec *view)
{
    while (gen->queue_count > 0) {
        struct steve_op op = gen->queue[gen->queue_first];
        gen->queue_first = (gen->queue_first + 1) % STEVE_QUEUE;
        gen->queue_count--;
        if (still_applies(gen, view, op)) {
            return op;
        }
    }
    return steve_gen_op(STEVE_OP_NONE, 0);
}

/// A block was made: its model is drawn, and if it is locked for life, that begins here. A huge one is locked at once
/// and for good, since moving it would touch memory that is only mapped.
static void welcome(struct steve_gen *gen, const struct steve_exec *view, uint16_t slot)
{
    steve_slot_set_add(&gen->slots, slot);
    bool lock = steve_locker_born(&gen->locker, &gen->rng, slot, gen->now);
    if (!steve_gen_can_lock(gen)) {
        return;
    }
    if (lock && !gen->config.profile->script) {
        // Into the loop of accesses with it: these are what keeps it alive.
        steve_traffic_into_loop(gen, gen->hot_next % gen->plan.hot, slot);
        steve_gen_promise(gen, STEVE_OP_LOCK, slot);
    } else if (steve_view_size(view, slot) >= STEVE_HUGE_BLOCK) {
        gen->locker.states[slot].kind = STEVE_LOCKS_NONE;
        steve_gen_promise(gen, STEVE_OP_LOCK, slot);
    }
}

/// A request was refused. Where that happens again and again, the heap is full, and unless the episode is stubborn,
/// it is content with less for a while.
static void back_off(struct steve_gen *gen, const struct steve_exec *view)
{
    gen->refused++;
    if (gen->refused < REFUSALS_OF_FULL) {
        return;
    }
    gen->filling = false;
    if (steve_rng_chance(&gen->rng, gen->plan.stubborn)) {
        return;
    }
    uint64_t level = steve_traffic_level(gen, view);
    if (gen->aim > level) {
        gen->aim = level - level / 16;
        gen->trend = STEVE_TREND_HOLD;
    }
}

/// Takes in what the last op did.
static void settle(struct steve_gen *gen, const struct steve_exec *view)
{
    uint8_t code = gen->last.code;
    uint16_t slot = gen->last.slot;

    if (code == STEVE_OP_MALLOC || code == STEVE_OP_CALLOC ||
        (code >= STEVE_OP_ALIGNED && code <= STEVE_OP_ALIGNED_LAST)) {
        if (steve_slot_set_has(&gen->slots, slot)) {
            return;
        }
        if (steve_view_live(view, slot)) {
            gen->refused = 0;
            welcome(gen, view, slot);
            return;
        }
        steve_slot_set_give_back(&gen->slots, slot);
        back_off(gen, view);
        return;
    }
    // A resize that was refused frees the block, too, where the driver says so.
    if ((code == STEVE_OP_FREE || code == STEVE_OP_RESIZE) && !steve_view_live(view, slot)) {
        if (!steve_slot_set_has(&gen->slots, slot)) {
            return; // skipped: what is known of such a slot is of an episode before
        }
        steve_slot_set_remove(&gen->slots, slot);
        steve_locker_forget(&gen->locker, slot);
        return;
    }
    if (code == STEVE_OP_DRAIN && steve_view_live_count(view) == 0) {
        while (gen->slots.count > 0) {
            steve_slot_set_remove(&gen->slots, gen->slots.live[gen->slots.count - 1]);
        }
        steve_locker_clear(&gen->locker);
        gen->queue_count = 0;
    }
}

static struct steve_op draw(struct steve_gen *gen, const struct steve_exec *view)
{
    struct steve_op op = next_promised(gen, view);
    if (op.code != STEVE_OP_NONE) {
        return op;
    }
    if (gen->config.profile->script) {
        return steve_script_next(gen, view);
    }

    uint16_t slot;
    unsigned holds;
    while (steve_locker_due(&gen->locker, gen->now, &slot, &holds)) {
        op = steve_traffic_release(gen, view, slot, holds);
        if (op.code != STEVE_OP_NONE) {
            return op;
        }
    }
    while (gen->now >= gen->next_event) {
        op = steve_events_next(gen, view);
        if (op.code != STEVE_OP_NONE) {
            return op;
        }
    }
    return steve_traffic_next(gen, view);
}

struct steve_op steve_gen_next(struct steve_gen *gen, const struct steve_exec *view)
{
    settle(gen, view);
    gen->now++;
    gen->last = draw(gen, view);
    assert(gen->last.code != STEVE_OP_NONE);
    return gen->last;
}
