/// Events: ops that come at intervals of their own (compactions, checks, drains, misuse, weak locks), the lock models
/// that act on their own (scopes, pins), and the turns from growing to shrinking.
#include "steve/gen/gen_internal.h"

#define NOTHING   steve_gen_op(STEVE_OP_NONE, 0)
#define SWEEP_MAX 64u

/// When an event comes next: anywhere up to twice its mean interval, so that no two keep step.
static void schedule(struct steve_gen *gen, enum steve_event event)
{
    uint32_t every = gen->plan.every[event];
    gen->event_at[event] = every == 0 ? UINT32_MAX : gen->now + steve_rng_between(&gen->rng, 1, every * 2 - 1);
}

static void find_next(struct steve_gen *gen)
{
    gen->next_event = UINT32_MAX;
    for (unsigned i = 0; i < STEVE_EVENTS; i++) {
        if (gen->event_at[i] < gen->next_event) {
            gen->next_event = gen->event_at[i];
            gen->event_due = (enum steve_event)i;
        }
    }
}

void steve_events_begin(struct steve_gen *gen)
{
    for (unsigned i = 0; i < STEVE_EVENTS; i++) {
        schedule(gen, (enum steve_event)i);
    }
    if (gen->plan.once) {
        // What comes after it are the ops that find the damage.
        gen->event_at[STEVE_EVENT_COMPACT] = gen->plan.length - gen->plan.length / 16;
    }
    find_next(gen);
}

// Compaction

static struct steve_op compact_budget(struct steve_gen *gen)
{
    struct steve_op op = {.code = STEVE_OP_COMPACT_BUDGET};
    steve_size_absolute(&op, steve_rng_between(&gen->rng, 1, gen->plan.budget_us * 2 - 1));
    return op;
}

/// Mostly what a malloc would ask for; else a part of the heap, which only moving many blocks can give.
static struct steve_op compact_goal(struct steve_gen *gen)
{
    struct steve_op op = {.code = STEVE_OP_COMPACT_GOAL};
    uint16_t other = gen->slots.count > 0 ? steve_slot_set_pick(&gen->slots, &gen->rng) : 0;
    if (steve_rng_chance(&gen->rng, 128)) {
        steve_size_draw(&gen->plan.sizes, &gen->rng, other, &op);
        return op;
    }
    op.size_class = (uint8_t)(STEVE_SIZE_HEAP + steve_rng_between(&gen->rng, 2, 40));
    op.delta = (int16_t)((int)steve_rng_below(&gen->rng, 65) - 32);
    return op;
}

struct steve_op steve_events_compaction(struct steve_gen *gen, const struct steve_exec *view)
{
    (void)view;
    const struct steve_driver *driver = gen->config.driver;
    unsigned draw = steve_rng_below(&gen->rng, 4);
    if (driver->compact_goal != NULL && draw == 0) {
        return compact_goal(gen);
    }
    if (driver->compact == NULL) {
        return NOTHING;
    }
    return draw == 1 ? compact_budget(gen) : steve_gen_op(STEVE_OP_COMPACT, 0);
}

// Misuse

/// One misuse op that the driver can refuse. Its slot has what it takes, unless a few tries found none.
static struct steve_op misuse(struct steve_gen *gen, const struct steve_exec *view)
{
    const struct steve_driver *driver = gen->config.driver;
    unsigned what = steve_rng_below(&gen->rng, STEVE_OP_UNLOCK_UNLOCKED - STEVE_OP_FREE_STALE + 1);
    struct steve_op op = steve_gen_op((uint8_t)(STEVE_OP_FREE_STALE + what), 0);
    bool of_lock = what % 4 == 1 || what % 4 == 2 || op.code == STEVE_OP_UNLOCK_UNLOCKED;
    if ((of_lock && !steve_gen_can_lock(gen)) || (what % 4 == 3 && driver->resize == NULL)) {
        return NOTHING;
    }

    if (op.code <= STEVE_OP_RESIZE_STALE) {
        for (int tries = 0; tries < STEVE_LOCK_TRIES && gen->slots.fresh > 0; tries++) {
            op.slot = (uint16_t)steve_rng_below(&gen->rng, gen->slots.fresh);
            if (steve_view_has_stale(view, op.slot)) {
                break;
            }
        }
        if (!steve_view_has_stale(view, op.slot)) {
            return NOTHING;
        }
    } else if (op.code <= STEVE_OP_RESIZE_FOREIGN) {
        op.slot = gen->slots.fresh > 0 ? (uint16_t)steve_rng_below(&gen->rng, gen->slots.fresh) : 0;
    } else if (op.code == STEVE_OP_UNLOCK_UNLOCKED) {
        if (!steve_gen_unlocked(gen, view, &op.slot)) {
            return NOTHING;
        }
    } else {
        if (gen->slots.count == 0) {
            return NOTHING;
        }
        op.slot = steve_slot_set_pick(&gen->slots, &gen->rng);
        op.arg = (uint16_t)steve_rng_below(&gen->rng, 64);
    }
    return op;
}

/// A free that must be refused.
static struct steve_op free_locked(struct steve_gen *gen, const struct steve_exec *view)
{
    for (int tries = 0; tries < STEVE_LOCK_TRIES && gen->slots.count > 0; tries++) {
        uint16_t slot = steve_slot_set_pick(&gen->slots, &gen->rng);
        if (steve_view_locks(view, slot) > 0) {
            return steve_gen_op(STEVE_OP_FREE, slot);
        }
    }
    return NOTHING;
}

/// An op that does not apply: into a live slot, or to an empty one.
static struct steve_op skipped(struct steve_gen *gen)
{
    static const uint8_t codes[] = {STEVE_OP_FREE, STEVE_OP_WRITE, STEVE_OP_VERIFY, STEVE_OP_MALLOC};
    struct steve_op op = {.code = codes[steve_rng_below(&gen->rng, sizeof codes)]};
    if (op.code == STEVE_OP_MALLOC && gen->slots.count > 0) {
        op.slot = steve_slot_set_pick(&gen->slots, &gen->rng);
        steve_size_draw(&gen->plan.sizes, &gen->rng, op.slot, &op);
        return op;
    }
    op.slot = (uint16_t)steve_rng_below(&gen->rng, STEVE_SLOTS);
    if (op.code == STEVE_OP_MALLOC || steve_slot_set_has(&gen->slots, op.slot)) {
        return NOTHING;
    }
    return op;
}

// Blocks by their place

bool steve_gen_knows_places(const struct steve_gen *gen)
{
    return (gen->config.driver->promises & STEVE_PROMISE_REGION) != 0;
}

/// The block of that rank in address order, or in any order where places are not known. @param rank below the live
/// count
static uint16_t at_rank(const struct steve_gen *gen, const struct steve_exec *view, uint32_t rank)
{
    return steve_gen_knows_places(gen) ? steve_view_slot_by_address(view, rank) : gen->slots.live[rank];
}

/// Frees a stretch of neighbours, or every second or third of them: one large hole, or many small ones.
static struct steve_op sweep(struct steve_gen *gen, const struct steve_exec *view)
{
    uint32_t count = gen->slots.count;
    if (count < 4) {
        return NOTHING;
    }
    uint32_t stride = steve_rng_between(&gen->rng, 1, 3);
    uint32_t victims = steve_rng_between(&gen->rng, 1, count / 4 < SWEEP_MAX ? count / 4 : SWEEP_MAX);
    uint32_t rank = steve_rng_below(&gen->rng, count);

    // All slots first: each free moves the ranks above it.
    for (; victims > 0 && rank < count; victims--, rank += stride) {
        uint16_t slot = at_rank(gen, view, rank);
        if (steve_view_locks(view, slot) == 0) {
            steve_gen_promise(gen, STEVE_OP_FREE, slot);
        }
    }
    if (gen->queue_count == 0) {
        return NOTHING;
    }
    struct steve_op first = gen->queue[gen->queue_first];
    gen->queue_first = (gen->queue_first + 1) % STEVE_QUEUE;
    gen->queue_count--;
    return first;
}

uint64_t steve_gen_gap_above(const struct steve_exec *view, uint32_t rank)
{
    uint16_t slot = steve_view_slot_by_address(view, rank);
    uint16_t above = steve_view_slot_by_address(view, rank + 1);
    uint64_t end = steve_view_address(view, slot) + steve_view_size(view, slot);
    uint64_t begin = steve_view_address(view, above);
    return begin > end ? begin - end : 0;
}

/// A block with free memory on both sides, the best of a few; the highest block in a third of the cases.
static uint16_t adversary(struct steve_gen *gen, const struct steve_exec *view, uint32_t count)
{
    if (!steve_gen_knows_places(gen)) {
        return steve_slot_set_pick(&gen->slots, &gen->rng);
    }
    if (count < 3 || steve_rng_chance(&gen->rng, 85)) {
        return steve_view_slot_by_address(view, count - 1);
    }
    uint32_t best = 0;
    uint64_t best_room = 0;
    for (int tries = 0; tries < STEVE_LOCK_TRIES; tries++) {
        uint32_t rank = steve_rng_between(&gen->rng, 1, count - 2);
        uint64_t below = steve_gen_gap_above(view, rank - 1);
        uint64_t above = steve_gen_gap_above(view, rank);
        uint64_t room = below < above ? below : above;
        if (best == 0 || room > best_room) {
            best = rank;
            best_room = room;
        }
    }
    return steve_view_slot_by_address(view, best);
}

static struct steve_op pin(struct steve_gen *gen, const struct steve_exec *view)
{
    uint32_t count = gen->slots.count;
    if (count == 0 || gen->locker.pinned >= gen->plan.locks.pins) {
        return NOTHING;
    }
    uint16_t slot = adversary(gen, view, count);
    if (!steve_view_live(view, slot) || steve_view_locks(view, slot) > 0) {
        return NOTHING;
    }
    uint32_t ops = gen->plan.locks.pin_ops;
    steve_locker_pin(&gen->locker, slot, gen->now + steve_rng_between(&gen->rng, ops / 2 + 1, ops + 1));
    return steve_gen_op(STEVE_OP_LOCK, slot);
}

// Scopes

/// Enters a scope: locks a block of this model, or the same one again where locks nest.
static struct steve_op enter(struct steve_gen *gen, const struct steve_exec *view)
{
    struct steve_locker *locker = &gen->locker;
    for (int tries = 0; tries < STEVE_LOCK_TRIES && gen->slots.count > 0; tries++) {
        bool again = gen->plan.locks.nest && locker->depth > 0 && steve_rng_chance(&gen->rng, 24);
        uint16_t slot = again ? locker->stack[locker->depth - 1] : steve_slot_set_pick(&gen->slots, &gen->rng);
        bool mine = steve_locker_kind(locker, slot) == STEVE_LOCKS_STACK;
        if (mine && steve_view_live(view, slot) && (again || steve_view_locks(view, slot) == 0)) {
            steve_locker_enter(locker, slot);
            return steve_gen_op(STEVE_OP_LOCK, slot);
        }
    }
    return NOTHING;
}

static struct steve_op leave(struct steve_gen *gen, const struct steve_exec *view)
{
    uint16_t slot;
    while (steve_locker_leave(&gen->locker, &slot)) {
        if (steve_view_locks(view, slot) > 0) {
            return steve_gen_op(STEVE_OP_UNLOCK, slot);
        }
    }
    return NOTHING;
}

static struct steve_op scope(struct steve_gen *gen, const struct steve_exec *view)
{
    bool entering = steve_locker_scope(&gen->locker, &gen->rng) == STEVE_SCOPE_ENTER;
    struct steve_op op = entering ? enter(gen, view) : leave(gen, view);
    // No block to be had: the scopes end here.
    return op.code == STEVE_OP_NONE && entering ? leave(gen, view) : op;
}

// Trends

static void turn(struct steve_gen *gen, const struct steve_exec *view)
{
    uint32_t draw = steve_rng_below(&gen->rng, 8);
    gen->trend = draw < 4 ? STEVE_TREND_GROW : draw < 6 ? STEVE_TREND_HOLD : STEVE_TREND_SHRINK;
    gen->aim = gen->trend == STEVE_TREND_GROW     ? gen->plan.high
               : gen->trend == STEVE_TREND_SHRINK ? gen->plan.low
                                                  : steve_traffic_level(gen, view);
}

static struct steve_op of_any_block(struct steve_gen *gen, uint8_t code)
{
    return gen->slots.count == 0 ? NOTHING : steve_gen_op(code, steve_slot_set_pick(&gen->slots, &gen->rng));
}

static struct steve_op op_of(struct steve_gen *gen, const struct steve_exec *view, enum steve_event event)
{
    switch (event) {
    case STEVE_EVENT_COMPACT:
        return steve_gen_op(STEVE_OP_COMPACT, 0);
    case STEVE_EVENT_BUDGET:
        return compact_budget(gen);
    case STEVE_EVENT_GOAL:
        return compact_goal(gen);
    case STEVE_EVENT_CHECK:
        return steve_gen_op(STEVE_OP_CHECK, 0);
    case STEVE_EVENT_DRAIN:
        return steve_gen_op(STEVE_OP_DRAIN, 0);
    case STEVE_EVENT_MISUSE:
        return misuse(gen, view);
    case STEVE_EVENT_FREE_LOCKED:
        return free_locked(gen, view);
    case STEVE_EVENT_WEAK_LOCK:
        return of_any_block(gen, STEVE_OP_WEAK_LOCK);
    case STEVE_EVENT_PURGEABLE:
        return of_any_block(gen, STEVE_OP_PURGEABLE);
    case STEVE_EVENT_KEEP:
        return of_any_block(gen, STEVE_OP_KEEP);
    case STEVE_EVENT_SWEEP:
        return sweep(gen, view);
    case STEVE_EVENT_SKIP:
        return skipped(gen);
    case STEVE_EVENT_SCOPE:
        return scope(gen, view);
    case STEVE_EVENT_PIN:
        return pin(gen, view);
    case STEVE_EVENT_TURN:
        turn(gen, view);
        break;
    case STEVE_EVENTS:
        break;
    }
    return NOTHING;
}

struct steve_op steve_events_next(struct steve_gen *gen, const struct steve_exec *view)
{
    enum steve_event due = gen->event_due;
    assert(gen->event_at[due] == gen->next_event && gen->next_event <= gen->now);

    struct steve_op op = op_of(gen, view, due);
    schedule(gen, due);
    if (due == STEVE_EVENT_COMPACT && gen->plan.once) {
        gen->event_at[due] = UINT32_MAX;
    }
    find_next(gen);
    return op;
}
