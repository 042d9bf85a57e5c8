/// The alphabet, the states, and how numbers become sequences.
#include "steve/gen/exhaustive.h"

#include <assert.h>
#include <string.h>

#define SLOTS 2u

/// What is known of a slot before the sequence is run, in the low bits of its part of a state.
enum slot_state {
    EMPTY,
    ASKED, ///< a block was asked for: it is live or it was refused, and the next op on it tells
    LIVE,
    LOCKED,
    LOCKED_TWICE,
};
#define SLOT_BITS  4u
#define SLOT_MASK  15u
#define STATE_MASK 7u
#define STALE      8u ///< it had a block before

static_assert(1u << (SLOTS * SLOT_BITS) == STEVE_EXHAUSTIVE_STATES, "a state has four bits a slot");

static bool has(const struct steve_driver *driver, enum steve_promise promise)
{
    return (driver->promises & (uint32_t)promise) != 0;
}

// The alphabet

static struct steve_op of_slot(uint8_t code)
{
    return (struct steve_op){.code = code};
}

static struct steve_op with_size(uint8_t code, uint8_t size_class, int16_t delta)
{
    return (struct steve_op){.code = code, .size_class = size_class, .delta = delta};
}

/// Adds an op, for each slot if it has one.
static void add(struct steve_exhaustive *all, struct steve_op op)
{
    unsigned slots = steve_op_uses_slot(op.code) ? SLOTS : 1;
    assert(all->op_count + slots <= STEVE_EXHAUSTIVE_OPS);
    for (unsigned slot = 0; slot < slots; slot++) {
        op.slot = (uint16_t)slot;
        all->ops[all->op_count++] = steve_op_canonical(op);
    }
}

/// Requests: nothing, a byte, a granule, a piece, one of which two may just fit or just not, and all there is.
static void add_requests(struct steve_exhaustive *all, const struct steve_driver *driver)
{
    const uint8_t quarter = STEVE_SIZE_HEAP + 4;
    const uint8_t half = STEVE_SIZE_HEAP + 2;
    const uint8_t whole = STEVE_SIZE_HEAP + 1;
    add(all, with_size(STEVE_OP_MALLOC, STEVE_SIZE_ABSOLUTE, 0));
    add(all, with_size(STEVE_OP_MALLOC, STEVE_SIZE_ABSOLUTE, 1));
    add(all, with_size(STEVE_OP_MALLOC, STEVE_SIZE_ABSOLUTE, 16));
    add(all, with_size(STEVE_OP_MALLOC, quarter, 0));
    add(all, with_size(STEVE_OP_MALLOC, half, -16));
    add(all, with_size(STEVE_OP_MALLOC, half, 16));
    add(all, with_size(STEVE_OP_MALLOC, whole, 0));
    if (driver->calloc != NULL) {
        add(all, with_size(STEVE_OP_CALLOC, quarter, 1));
    }
    if (driver->aligned != NULL && driver->largest_aligned >= 64) {
        add(all, with_size(STEVE_OP_ALIGNED + 6, STEVE_SIZE_ABSOLUTE, 16));
    }
    if (driver->resize != NULL) {
        add(all, with_size(STEVE_OP_RESIZE, STEVE_SIZE_ABSOLUTE, 0));
        add(all, with_size(STEVE_OP_RESIZE, STEVE_SIZE_ABSOLUTE, 16));
        add(all, with_size(STEVE_OP_RESIZE, quarter, 0));
        add(all, with_size(STEVE_OP_RESIZE, half, 16));
        add(all, with_size(STEVE_OP_RESIZE, whole, 0));
    }
}

static void make_alphabet(struct steve_exhaustive *all, const struct steve_driver *driver)
{
    add_requests(all, driver);
    add(all, of_slot(STEVE_OP_FREE));
    if (driver->lock != NULL) {
        add(all, of_slot(STEVE_OP_LOCK));
        add(all, of_slot(STEVE_OP_UNLOCK));
    }
    if (has(driver, STEVE_PROMISE_REFUSES_MISUSE)) {
        add(all, of_slot(STEVE_OP_FREE_STALE));
    }
    if (driver->compact != NULL) {
        add(all, of_slot(STEVE_OP_COMPACT));
        add(all, with_size(STEVE_OP_COMPACT_BUDGET, STEVE_SIZE_ABSOLUTE, 1));
    }
    if (driver->compact_goal != NULL) {
        add(all, with_size(STEVE_OP_COMPACT_GOAL, STEVE_SIZE_HEAP + 2, 16));
    }
}

// States

static unsigned state_of(unsigned state, unsigned slot)
{
    return state >> slot * SLOT_BITS & STATE_MASK;
}

/// Blocks have no names but their slots: the one that is certainly empty and comes first is as good as any other.
static bool is_turn_of(unsigned state, unsigned slot)
{
    if (state_of(state, slot) == ASKED) {
        return true;
    }
    for (unsigned i = 0; i < slot; i++) {
        if (state_of(state, i) == EMPTY) {
            return false;
        }
    }
    return state_of(state, slot) == EMPTY;
}

static bool others_are_empty(unsigned state, unsigned slot)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (i != slot && state_of(state, i) != EMPTY) {
            return false;
        }
    }
    return true;
}

/// A request: what is small is served in an empty heap, and of the others nothing is known.
static enum slot_state after_request(unsigned state, struct steve_op op)
{
    bool small = op.size_class == STEVE_SIZE_ABSOLUTE || op.size_class == STEVE_SIZE_HEAP + 4;
    return small && others_are_empty(state, op.slot) ? LIVE : ASKED;
}

/// What an op makes of its slot. @return -1 if it does not apply
static int slot_after(const struct steve_exhaustive *all, unsigned state, struct steve_op op)
{
    const struct steve_driver *driver = all->driver;
    unsigned whole = state >> op.slot * SLOT_BITS & SLOT_MASK;
    unsigned stale = whole & STALE;
    unsigned slot = whole & STATE_MASK;
    unsigned live = slot == ASKED ? LIVE : slot; // an op on it goes on only if it is
    unsigned most = has(driver, STEVE_PROMISE_LOCKS_NEST) ? LOCKED_TWICE : LOCKED;
    switch (op.code) {
    case STEVE_OP_FREE:
        if (live > LIVE) {
            return has(driver, STEVE_PROMISE_REFUSES_LOCKED) ? (int)whole : -1;
        }
        return live == LIVE ? (int)(EMPTY | STALE) : -1;
    case STEVE_OP_LOCK:
        return live >= LIVE && live < most ? (int)(stale | (live + 1)) : -1;
    case STEVE_OP_UNLOCK:
        return live > LIVE ? (int)(stale | (live - 1)) : -1;
    case STEVE_OP_RESIZE:
        return live == LIVE || (live > LIVE && has(driver, STEVE_PROMISE_RESIZE_IN_PLACE)) ? (int)(stale | live) : -1;
    case STEVE_OP_FREE_STALE:
        return stale != 0 ? (int)whole : -1;
    default:
        return is_turn_of(state, op.slot) ? (int)(stale | after_request(state, op)) : -1;
    }
}

static uint16_t state_after(const struct steve_exhaustive *all, unsigned state, struct steve_op op)
{
    if (!steve_op_uses_slot(op.code)) {
        return (uint16_t)state;
    }
    int after = slot_after(all, state, op);
    if (after < 0) {
        return STEVE_EXHAUSTIVE_STATES;
    }
    unsigned shift = op.slot * SLOT_BITS;
    return (uint16_t)((state & ~(SLOT_MASK << shift)) | (unsigned)after << shift);
}

static uint64_t ways_on(const struct steve_exhaustive *all, unsigned length, unsigned state, unsigned op)
{
    uint16_t next = all->next[state][op];
    return next == STEVE_EXHAUSTIVE_STATES ? 0 : all->ways[length][next];
}

static void count_ways(struct steve_exhaustive *all)
{
    for (unsigned state = 0; state < STEVE_EXHAUSTIVE_STATES; state++) {
        for (unsigned op = 0; op < all->op_count; op++) {
            all->next[state][op] = state_after(all, state, all->ops[op]);
        }
        all->ways[0][state] = 1;
    }
    for (unsigned length = 1; length <= all->longest; length++) {
        for (unsigned state = 0; state < STEVE_EXHAUSTIVE_STATES; state++) {
            for (unsigned op = 0; op < all->op_count; op++) {
                all->ways[length][state] += ways_on(all, length - 1, state, op);
            }
        }
    }
}

void steve_exhaustive_init(struct steve_exhaustive *all, const struct steve_driver *driver, unsigned longest,
                           uint64_t heap_bytes)
{
    assert(longest >= 1 && longest <= STEVE_EXHAUSTIVE_MOST);

    *all = (struct steve_exhaustive){.driver = driver, .longest = longest};
    uint64_t least = driver->heap_min > STEVE_EXHAUSTIVE_HEAP_BYTES ? driver->heap_min : STEVE_EXHAUSTIVE_HEAP_BYTES;
    all->header.heap_bytes = heap_bytes != 0 ? heap_bytes : least;
    all->header.dirty = true;
    strncpy(all->header.driver, driver->name, sizeof all->header.driver - 1);
    make_alphabet(all, driver);
    count_ways(all);
}

// Numbers

unsigned steve_exhaustive_length(const struct steve_exhaustive *all, uint64_t number)
{
    unsigned length = 1;
    while (number >= all->ways[length][0]) {
        number -= all->ways[length++][0];
    }
    return length;
}

uint64_t steve_exhaustive_count(const struct steve_exhaustive *all)
{
    uint64_t count = 0;
    for (unsigned length = 1; length <= all->longest; length++) {
        count += all->ways[length][0];
    }
    return count;
}

unsigned steve_exhaustive_begin(struct steve_exhaustive *all, uint64_t number)
{
    assert(number < steve_exhaustive_count(all));

    unsigned length = 1;
    while (number >= all->ways[length][0]) {
        number -= all->ways[length++][0];
    }
    unsigned state = 0;
    for (unsigned left = length; left > 0; left--) {
        unsigned op = 0;
        for (uint64_t ways; number >= (ways = ways_on(all, left - 1, state, op)); op++) {
            number -= ways;
        }
        all->current[length - left] = all->ops[op];
        state = all->next[state][op];
    }
    all->current_length = length;
    return length;
}

/// A block goes to the lowest empty slot: any other is a renaming.
static bool is_lowest_empty(const struct steve_exec *view, uint16_t slot)
{
    for (uint16_t i = 0; i < slot; i++) {
        if (!steve_view_live(view, i)) {
            return false;
        }
    }
    return !steve_view_live(view, slot);
}

/// True if the outcome of a request leaves the op nothing to do: a free of what was refused, a malloc into what was not.
static bool is_void(struct steve_op op, const struct steve_exec *view)
{
    if (!steve_op_uses_slot(op.code)) {
        return false;
    }
    switch (op.code) {
    case STEVE_OP_FREE:
    case STEVE_OP_LOCK:
    case STEVE_OP_RESIZE:
        return !steve_view_live(view, op.slot);
    case STEVE_OP_UNLOCK:
        return steve_view_locks(view, op.slot) == 0;
    case STEVE_OP_FREE_STALE:
        return !steve_view_has_stale(view, op.slot);
    default:
        return !is_lowest_empty(view, op.slot);
    }
}

struct steve_op steve_exhaustive_next(const struct steve_exhaustive *all, unsigned index, const struct steve_exec *view)
{
    assert(index < all->current_length);
    struct steve_op op = all->current[index];
    return is_void(op, view) ? (struct steve_op){.code = STEVE_OP_NONE} : op;
}
