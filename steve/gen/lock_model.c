/// The lock models: their list, how an episode's parameters are drawn, and the bookkeeping of who is locked for how
/// long.
///
/// A bucket is a doubly linked list through the lock states of its blocks, one bucket for each op number.
#include "steve/gen/lock_model.h"

#include <string.h>

static const struct steve_lock_model models[] = {
    {"mixed", "a model drawn for each block (the default)", STEVE_LOCKS_KINDS},
    {"none", "never locked", STEVE_LOCKS_NONE},
    {"access", "locked around one access only", STEVE_LOCKS_ACCESS},
    {"float-sink", "locked while its life is above 0: an access adds to it, ops on other blocks take off",
     STEVE_LOCKS_FLOAT_SINK},
    {"whole-life", "locked from malloc to free, which comes when own accesses fall below half of the ops in its life",
     STEVE_LOCKS_WHOLE_LIFE},
    {"stack", "locked in nested scopes, last in first out", STEVE_LOCKS_STACK},
    {"pin", "locked for long by an adversary: the highest block, or one in the middle of a free run", STEVE_LOCKS_PIN},
};

const struct steve_lock_model *steve_lock_model_at(size_t index)
{
    return index < sizeof models / sizeof models[0] ? &models[index] : NULL;
}

const struct steve_lock_model *steve_lock_model_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (strcmp(models[i].name, name) == 0) {
            return &models[i];
        }
    }
    return NULL;
}

const char *steve_lock_model_name(const struct steve_lock_model *model)
{
    return model->name;
}

const char *steve_lock_model_summary(const struct steve_lock_model *model)
{
    return model->summary;
}

// Drawing an episode's parameters

static uint32_t at_least(uint64_t value, uint32_t least)
{
    return value < least ? least : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static uint32_t at_most(uint32_t value, uint32_t most)
{
    return value > most ? most : value;
}

/// Fills the table that new blocks draw from.
static void draw_kinds(struct steve_lock_plan *plan, enum steve_lock_kind kind, struct steve_rng *rng)
{
    const unsigned places = sizeof plan->kinds;
    if (kind != STEVE_LOCKS_KINDS) {
        memset(plan->kinds, (int)kind, places);
        if (kind == STEVE_LOCKS_WHOLE_LIFE) {
            // The others are those whose own accesses are fewer: they are not locked.
            memset(plan->kinds, STEVE_LOCKS_NONE, steve_rng_between(rng, 8, (uint32_t)places - 1));
        }
        return;
    }

    // Cut into random stretches: in some episodes one model is nearly alone, in others all are there.
    unsigned at = 0;
    while (at < places) {
        unsigned drawn = steve_rng_below(rng, STEVE_LOCKS_KINDS);
        unsigned stretch = steve_rng_between(rng, 1, 12);
        for (; stretch > 0 && at < places; stretch--) {
            plan->kinds[at++] = (uint8_t)drawn;
        }
    }
}

static unsigned places_of(const struct steve_lock_plan *plan, enum steve_lock_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof plan->kinds; i++) {
        count += plan->kinds[i] == kind;
    }
    return count;
}

/// An access is worth `float / sink` ops under lock, and there are access_of_256 / 256 accesses an op: their product is
/// how many blocks are locked at a time, if all accesses are to different ones. With locality they are not, so the aim is
/// twice what is wanted.
static void draw_float_sink(struct steve_lock_plan *plan, const struct steve_lock_scale *scale, struct steve_rng *rng)
{
    plan->life_float = STEVE_LIFE_ONE;
    plan->life_sink = STEVE_LIFE_ONE / 2;
    if (steve_rng_chance(rng, 64)) {
        return;
    }

    uint64_t wanted = (uint64_t)scale->blocks * scale->share_of_1000 * 2;
    uint64_t ops = wanted * 256 / (1000 * (uint64_t)at_least(scale->access_of_256, 1));
    plan->life_sink = at_least(STEVE_LIFE_ONE / at_least(ops, 1), 1);
}

static void draw_stack(struct steve_lock_plan *plan, const struct steve_lock_scale *scale, struct steve_rng *rng)
{
    // The depth wanders between nothing and its limit, so the limit is twice what is locked on average.
    uint32_t wanted = (uint32_t)((uint64_t)scale->blocks * scale->share_of_1000 * 2 / 1000 *
                                 places_of(plan, STEVE_LOCKS_STACK) / sizeof plan->kinds);
    if (places_of(plan, STEVE_LOCKS_STACK) == 0) {
        return;
    }
    plan->stack_depth = at_most(at_most(at_least(wanted, 2), at_least(scale->length / 8, 2)), STEVE_STACK_MAX);
    plan->stack_interval = steve_rng_between(rng, 2, 6);
}

static void draw_pin(struct steve_lock_plan *plan, const struct steve_lock_scale *scale, struct steve_rng *rng)
{
    if (places_of(plan, STEVE_LOCKS_PIN) == 0) {
        return;
    }
    uint32_t most = at_least((uint64_t)scale->blocks * scale->share_of_1000 / 1000, 1);
    plan->pins = (uint32_t)steve_rng_log_between(rng, at_least(most / 4, 1), most);
    plan->pin_ops = (uint32_t)steve_rng_log_between(rng, at_most(64, scale->length), scale->length);
    plan->pin_interval = at_most(at_least(plan->pin_ops / (2 * plan->pins), 2), at_least(scale->length / 8, 2));
}

void steve_lock_plan_draw(struct steve_lock_plan *plan, const struct steve_lock_model *model,
                          const struct steve_driver *driver, const struct steve_lock_scale *scale,
                          struct steve_rng *rng)
{
    memset(plan, 0, sizeof *plan);
    bool can_lock = driver->lock != NULL && driver->unlock != NULL;
    plan->nest = (driver->promises & STEVE_PROMISE_LOCKS_NEST) != 0;
    draw_kinds(plan, can_lock ? model->kind : STEVE_LOCKS_NONE, rng);
    draw_float_sink(plan, scale, rng);
    draw_stack(plan, scale, rng);
    draw_pin(plan, scale, rng);

    // The macro rule as it stands leaves room for few such blocks at a time; with a smaller part there are many.
    uint32_t most = at_least((uint64_t)scale->blocks * 2, 4);
    plan->ops_per_access = steve_rng_chance(rng, 96) ? 2 : (uint32_t)steve_rng_log_between(rng, 2, most);
}

// Waiting for an op

static void unlink_waiting(struct steve_locker *locker, uint16_t slot)
{
    struct steve_lock_state *state = &locker->states[slot];
    if (state->due == 0) {
        return;
    }
    if (state->next != 0) {
        locker->states[state->next - 1].prev = state->prev;
    }
    if (state->prev != 0) {
        locker->states[state->prev - 1].next = state->next;
    } else {
        locker->buckets[state->due] = state->next;
    }
    state->due = 0;
}

/// Makes a block wait for op `due`; past the end of the episode there is nothing to wait for.
static void wait_until(struct steve_locker *locker, uint16_t slot, uint64_t due)
{
    unlink_waiting(locker, slot);
    if (due > locker->length) {
        return;
    }

    struct steve_lock_state *state = &locker->states[slot];
    uint32_t *head = &locker->buckets[due];
    assert(due >= locker->cursor);
    state->due = (uint32_t)due;
    state->prev = 0;
    state->next = *head;
    if (*head != 0) {
        locker->states[*head - 1].prev = (uint32_t)slot + 1;
    }
    *head = (uint32_t)slot + 1;
}

void steve_locker_begin(struct steve_locker *locker, const struct steve_lock_plan *plan, uint32_t length)
{
    assert(length <= STEVE_LENGTH_MAX);
    locker->plan = *plan;
    locker->length = length;
    locker->cursor = 1;
    steve_locker_clear(locker);
}

void steve_locker_clear(struct steve_locker *locker)
{
    memset(locker->buckets, 0, (locker->length + 1) * sizeof locker->buckets[0]);
    locker->pinned = 0;
    locker->depth = 0;
    locker->depth_aim = 0;
}

bool steve_locker_born(struct steve_locker *locker, struct steve_rng *rng, uint16_t slot, uint32_t now)
{
    struct steve_lock_state *state = &locker->states[slot];
    *state = (struct steve_lock_state){.born = now, .last = now, .own = 1};
    state->kind = locker->plan.kinds[steve_rng_next(rng) >> 59];
    if (state->kind != STEVE_LOCKS_WHOLE_LIFE) {
        return false;
    }

    // The lock itself is an access.
    state->own = 2;
    state->holds = 1;
    wait_until(locker, slot, (uint64_t)now + (uint64_t)state->own * locker->plan.ops_per_access);
    return true;
}

void steve_locker_forget(struct steve_locker *locker, uint16_t slot)
{
    struct steve_lock_state *state = &locker->states[slot];
    unlink_waiting(locker, slot);
    if (state->kind == STEVE_LOCKS_PIN && state->holds > 0 && locker->pinned > 0) {
        locker->pinned--;
    }
    state->holds = 0;
}

// What an access does to a block's locks

/// Life before op `now`: what it was at the last access less what the ops in between, all on other blocks, have taken
/// off.
static uint32_t life_at(const struct steve_locker *locker, const struct steve_lock_state *state, uint32_t now)
{
    uint64_t others = now > state->last ? now - state->last - 1 : 0;
    uint64_t sunk = others * locker->plan.life_sink;
    return sunk >= state->life ? 0 : (uint32_t)(state->life - sunk);
}

static enum steve_lock_advice float_up(struct steve_locker *locker, struct steve_rng *rng, uint16_t slot, uint32_t now)
{
    struct steve_lock_state *state = &locker->states[slot];
    const uint32_t most = UINT32_MAX - locker->plan.life_float;
    uint32_t life = life_at(locker, state, now);
    state->life = (life > most ? most : life) + locker->plan.life_float;
    state->last = now;
    wait_until(locker, slot, (uint64_t)now + 1 + state->life / locker->plan.life_sink);

    // A second lock of the same block now and then; both end together.
    bool again = state->holds > 0 && state->holds < 4 && locker->plan.nest && steve_rng_chance(rng, 16);
    if (state->holds > 0 && !again) {
        return STEVE_ACCESS_PLAIN;
    }
    state->holds++;
    return STEVE_ACCESS_HOLD;
}

/// Around one access; in some cases other ops come in between.
static enum steve_lock_advice lock_around(struct steve_locker *locker, struct steve_rng *rng, uint16_t slot,
                                          uint32_t now, unsigned locks)
{
    if (locks > 0 || !steve_rng_chance(rng, 64)) {
        return STEVE_ACCESS_BRACKET;
    }
    steve_locker_hold(locker, slot, now + steve_rng_between(rng, 3, 24));
    return STEVE_ACCESS_HOLD;
}

enum steve_lock_advice steve_locker_access(struct steve_locker *locker, struct steve_rng *rng, uint16_t slot,
                                           uint32_t now, unsigned locks)
{
    struct steve_lock_state *state = &locker->states[slot];
    bool may_lock = locks == 0 || locker->plan.nest;
    state->own++;

    switch ((enum steve_lock_kind)state->kind) {
    case STEVE_LOCKS_ACCESS:
        return may_lock ? lock_around(locker, rng, slot, now, locks) : STEVE_ACCESS_PLAIN;
    case STEVE_LOCKS_FLOAT_SINK:
        return float_up(locker, rng, slot, now);
    case STEVE_LOCKS_WHOLE_LIFE:
        if (state->holds > 0) {
            uint64_t end = state->born + (uint64_t)state->own * locker->plan.ops_per_access;
            wait_until(locker, slot, end > now ? end : (uint64_t)now + 1);
        }
        return STEVE_ACCESS_PLAIN;
    case STEVE_LOCKS_STACK:
    case STEVE_LOCKS_PIN:
        return may_lock && steve_rng_chance(rng, 64) ? STEVE_ACCESS_BRACKET : STEVE_ACCESS_PLAIN;
    case STEVE_LOCKS_NONE:
    case STEVE_LOCKS_KINDS:
        break;
    }
    return STEVE_ACCESS_PLAIN;
}

void steve_locker_hold(struct steve_locker *locker, uint16_t slot, uint32_t until)
{
    locker->states[slot].holds++;
    wait_until(locker, slot, until);
}

void steve_locker_pin(struct steve_locker *locker, uint16_t slot, uint32_t until)
{
    locker->states[slot].kind = STEVE_LOCKS_PIN;
    locker->pinned++;
    steve_locker_hold(locker, slot, until);
}

bool steve_locker_due(struct steve_locker *locker, uint32_t now, uint16_t *slot, unsigned *holds)
{
    for (; locker->cursor <= now && locker->cursor <= locker->length; locker->cursor++) {
        uint32_t first = locker->buckets[locker->cursor];
        if (first != 0) {
            *slot = (uint16_t)(first - 1);
            *holds = locker->states[*slot].holds;
            steve_locker_forget(locker, *slot);
            return true;
        }
    }
    return false;
}

// Nested scopes

enum steve_scope steve_locker_scope(struct steve_locker *locker, struct steve_rng *rng)
{
    if (locker->depth == locker->depth_aim) {
        locker->depth_aim = steve_rng_below(rng, locker->plan.stack_depth + 1);
    }
    return locker->depth < locker->depth_aim || locker->depth == 0 ? STEVE_SCOPE_ENTER : STEVE_SCOPE_LEAVE;
}

void steve_locker_enter(struct steve_locker *locker, uint16_t slot)
{
    assert(locker->depth < STEVE_STACK_MAX);
    locker->stack[locker->depth++] = slot;
}

bool steve_locker_leave(struct steve_locker *locker, uint16_t *slot)
{
    if (locker->depth == 0) {
        return false;
    }
    *slot = locker->stack[--locker->depth];
    return true;
}
