/// Situations: runs of new ops that together bring an allocator to where single ones seldom do, such as right behind a compaction
/// that paused, or to its last resort before it refuses.
#include "fuzz/mutate_internal.h"

/// Large blocks, which allocators treat in another way: they have pages of their own, or move in pieces. As many of them as a target
/// lets live at a time.
#define LARGE_LOW  ((uint32_t)1 << 15)
#define LARGE_HIGH ((uint32_t)3 << 20)

/// Heaps that some of them fill, or nearly so.
#define LARGE_HEAP_LOW  ((uint64_t)1 << 20)
#define LARGE_HEAP_HIGH ((uint64_t)1 << 23)

/// A place in a sequence where one op after the other is inserted.
struct place {
    struct mutate_work *w;
    size_t at;
    struct mutate_slot_set live; ///< what lives there
    bool full;                   ///< there is no room for more
};

static struct place begin_at(struct mutate_work *w, size_t at)
{
    struct place place = {.w = w, .at = at};
    mutate_find_live(w, at, &place.live);
    return place;
}

static struct place begin(struct mutate_work *w)
{
    return begin_at(w, mutate_below(w, w->count + 1));
}

/// In front of all ops, most often: those that are there would mean other sizes in another heap, and leave other blocks in it.
static struct place begin_in_front(struct mutate_work *w)
{
    return begin_at(w, mutate_chance(w, 192) ? 0 : mutate_below(w, w->count + 1));
}

/// In a heap of at least `low` bytes: another one unless that is what it is, and now and then.
static struct place begin_in_heap(struct mutate_work *w, uint64_t low, uint64_t high)
{
    if (mutate_read_heap(w->bytes) >= low && !mutate_chance(w, 64))
        return begin(w);
    mutate_write_heap(w->bytes, steve_rng_log_between(w->rng, low, high));
    return begin_in_front(w);
}

static void put(struct place *place, struct steve_op op)
{
    place->full = place->full || !mutate_insert(place->w, place->at, op);
    if (place->full)
        return;
    place->at++;
    if (mutate_allocates(op))
        mutate_add_slot(&place->live, op.slot);
    else if (op.code == STEVE_OP_FREE)
        mutate_drop_slot(&place->live, op.slot);
    else if (op.code == STEVE_OP_DRAIN)
        place->live = (struct mutate_slot_set){0};
}

static uint8_t any_of(struct place *place, const uint8_t *codes, size_t count)
{
    const uint8_t code = codes[mutate_below(place->w, count)];
    return code == STEVE_OP_ALIGNED ? (uint8_t)(code + mutate_below(place->w, 13)) : code;
}
#define ANY_OF(place, ...) any_of(place, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

/// An op that fits here.
static struct steve_op new_op(struct place *place, uint8_t code)
{
    return mutate_new_op(place->w, code, place->at, &place->live);
}

static void put_on(struct place *place, uint8_t code, uint16_t slot)
{
    struct steve_op op = new_op(place, code);
    op.slot = slot;
    put(place, op);
}

/// A small block that stays where it is.
static void put_wall(struct place *place)
{
    struct steve_op wall = new_op(place, STEVE_OP_MALLOC);
    mutate_take_size(&wall, steve_op_sized(STEVE_OP_MALLOC, 0, (uint32_t)steve_rng_log_between(place->w->rng, 1, 256)));
    put(place, wall);
    put_on(place, STEVE_OP_LOCK, wall.slot);
}

/// At most so many microseconds.
static struct steve_op budget_within(struct place *place, uint32_t most)
{
    return steve_op_sized(STEVE_OP_COMPACT_BUDGET, 0, (uint32_t)steve_rng_log_between(place->w->rng, 1, most));
}

static struct steve_op short_budget(struct place *place)
{
    return budget_within(place, 32);
}

void mutate_insert_run(struct mutate_work *w)
{
    struct place place = begin(w);
    const size_t count = mutate_run_length(w, MUTATE_MAX_RUN);
    const bool one_size = mutate_chance(w, 160);
    const uint8_t code = ANY_OF(&place, STEVE_OP_FREE, STEVE_OP_FREE, STEVE_OP_FREE, STEVE_OP_RESIZE,
                                STEVE_OP_PURGEABLE, STEVE_OP_LOCK, STEVE_OP_UNLOCK, STEVE_OP_MALLOC, STEVE_OP_MALLOC,
                                STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_CALLOC, STEVE_OP_ALIGNED);
    const struct steve_op first = new_op(&place, code);
    for (size_t k = 0; k < count; k++) {
        struct steve_op op = new_op(&place, code);
        if (one_size && steve_op_uses_size(code))
            mutate_take_size(&op, first);
        put(&place, op);
    }
}

/// Asks for halves of what might be left, until next to nothing is.
static void fill(struct place *place)
{
    const unsigned smallest = 4 + (unsigned)mutate_below(place->w, 8);
    for (unsigned k = 1; k < smallest; k++) {
        struct steve_op op = new_op(place, STEVE_OP_MALLOC);
        mutate_take_size(&op, (struct steve_op){.size_class = (uint8_t)(STEVE_SIZE_HEAP + (k < 6 ? 1u << k : 63)),
                                                .delta = k < 6 ? 0 : (int16_t) - (int)mutate_below(place->w, 64)});
        put(place, op);
    }
}

/// The size that a slot's block was last asked for in front of this place, a little more or less. @return false if it was not
static bool take_size_of(const struct place *place, uint16_t slot, struct steve_op *op)
{
    for (size_t i = place->at; i-- > 0;) {
        const struct steve_op from = mutate_op_at(place->w, i);
        if (from.slot != slot || !(mutate_allocates(from) || from.code == STEVE_OP_RESIZE))
            continue;
        mutate_take_size(op, from);
        op->delta = mutate_plus(op->delta, mutate_small_shift(place->w));
        return true;
    }
    return false;
}

void mutate_insert_pause(struct mutate_work *w)
{
    const bool fits = mutate_chance(w, 64); // the heap is made to fit what lives there
    struct place place = fits ? begin_in_front(w) : begin(w);
    if (place.at == 0) {
        for (size_t left = 2 + mutate_below(w, 4); left > 0; left--)
            put(&place, new_op(&place, STEVE_OP_MALLOC));
    }
    const bool full = !fits && mutate_chance(w, 64);
    if (full)
        fill(&place);
    // Or else there is nothing to move. What is asked for then may just fit there, or just not.
    const struct steve_op gap = new_op(&place, ANY_OF(&place, STEVE_OP_FREE, STEVE_OP_FREE, STEVE_OP_RESIZE));
    if (mutate_chance(w, 160))
        put(&place, gap);
    // A block above it that is too large to be moved at once, to be used meanwhile; for that the gap must be as large.
    struct steve_op above = new_op(&place, STEVE_OP_MALLOC);
    const bool in_pieces = mutate_chance(w, 64);
    struct steve_op budget = short_budget(&place);
    if (in_pieces) {
        if (mutate_chance(w, 96)) // what is below it stays where it is
            put(&place, (struct steve_op){.code = STEVE_OP_COMPACT});
        const uint32_t size = (uint32_t)steve_rng_log_between(w->rng, 2048, 65536);
        budget = budget_within(&place, 1 + size / 1024); // over in its middle, where a byte takes a nanosecond
        const struct steve_op large = steve_op_sized(STEVE_OP_MALLOC, 0, size);
        struct steve_op below = above;
        const bool below_it = mutate_chance(w, 160);
        if (below_it) {
            mutate_take_size(&below, large);
            put(&place, below);
            above = new_op(&place, STEVE_OP_MALLOC);
        }
        mutate_take_size(&above, large);
        put(&place, above);
        if (below_it)
            put_on(&place, STEVE_OP_FREE, below.slot);
    }
    const size_t paused = place.at;
    put(&place, budget);
    for (size_t left = 1 + mutate_below(w, 3); left > 0; left--) {
        if (in_pieces && mutate_chance(w, 96)) { // of what is under way
            put_on(&place,
                   ANY_OF(&place, STEVE_OP_WRITE, STEVE_OP_WRITE, STEVE_OP_LOCK, STEVE_OP_RESIZE, STEVE_OP_FREE),
                   above.slot);
            continue;
        }
        const uint8_t code = ANY_OF(&place, STEVE_OP_RESIZE, STEVE_OP_RESIZE, STEVE_OP_FREE, STEVE_OP_FREE,
                                    STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_ALIGNED, STEVE_OP_LOCK, STEVE_OP_UNLOCK,
                                    STEVE_OP_WRITE, STEVE_OP_COMPACT_GOAL);
        struct steve_op op = new_op(&place, code);
        if (steve_op_uses_size(code) && mutate_chance(w, 96))
            take_size_of(&place, gap.slot, &op);
        put(&place, op);
    }
    const uint8_t last = ANY_OF(&place, STEVE_OP_COMPACT_BUDGET, STEVE_OP_COMPACT, STEVE_OP_CHECK, STEVE_OP_MALLOC);
    put(&place, last == STEVE_OP_COMPACT_BUDGET ? short_budget(&place) : new_op(&place, last));
    if (fits)
        mutate_fit_heap(w, paused);
}

void mutate_insert_pressure(struct mutate_work *w)
{
    struct place place = begin(w);
    uint16_t gives[4];
    const size_t count = 1 + mutate_below(w, 4);
    for (size_t i = 0; i < count; i++) {
        const bool fresh = mutate_chance(w, 160) || !mutate_pick_live(w, place.at, &place.live, &gives[i]);
        if (fresh) {
            const struct steve_op op = new_op(&place, ANY_OF(&place, STEVE_OP_MALLOC, STEVE_OP_ALIGNED));
            gives[i] = op.slot;
            put(&place, op);
        }
    }
    for (size_t i = 0; i < count; i++) {
        put_on(&place, STEVE_OP_PURGEABLE, gives[i]);
        if (mutate_chance(w, 64))
            put_on(&place, ANY_OF(&place, STEVE_OP_LOCK, STEVE_OP_WEAK_LOCK), gives[i]);
    }
    if (mutate_chance(w, 64))
        put(&place, new_op(&place, STEVE_OP_WEAK_LOCK));
    if (mutate_chance(w, 192))
        fill(&place);
    const uint8_t code = ANY_OF(&place, STEVE_OP_MALLOC, STEVE_OP_RESIZE, STEVE_OP_RESIZE, STEVE_OP_ALIGNED);
    struct steve_op op = new_op(&place, code);
    if (code == STEVE_OP_RESIZE && mutate_chance(w, 128))
        op.slot = gives[mutate_below(w, count)];
    put(&place, op);
    put_on(&place, ANY_OF(&place, STEVE_OP_LOCK, STEVE_OP_RESIZE, STEVE_OP_VERIFY, STEVE_OP_KEEP), gives[0]);
}

/// A hole, or a block, whose size needs more bits than a slot's number has.
#define HUGE_LOW       ((uint32_t)1 << 28)
#define HUGE_HIGH      ((uint32_t)19 << 24)
#define HUGE_HEAP_LOW  ((uint64_t)5 << 30)
#define HUGE_HEAP_HIGH ((uint64_t)1 << 40)

/// A huge block in a giant heap of the first driver without options, the only one in which a target lets it live; and what becomes of it.
static void insert_huge(struct mutate_work *w)
{
    w->bytes[STEVE_BYTES_AT_DRIVER] = 0;
    w->bytes[STEVE_BYTES_AT_OPTIONS] = 0;
    struct place place = begin_in_heap(w, HUGE_HEAP_LOW, HUGE_HEAP_HIGH);
    struct steve_op huge = new_op(&place, STEVE_OP_MALLOC);
    mutate_take_size(&huge,
                     steve_op_sized(STEVE_OP_MALLOC, 0, (uint32_t)steve_rng_log_between(w->rng, HUGE_LOW, HUGE_HIGH)));
    put(&place, huge);
    put(&place, new_op(&place, STEVE_OP_MALLOC));
    put_on(&place, ANY_OF(&place, STEVE_OP_FREE, STEVE_OP_FREE, STEVE_OP_LOCK, STEVE_OP_RESIZE), huge.slot);
    put(&place, new_op(&place, ANY_OF(&place, STEVE_OP_CHECK, STEVE_OP_DRAIN, STEVE_OP_MALLOC)));
}

/// @param evenly of 256, how often any size is as likely as another, instead of any octave: so that some are near the largest
/// @return the size
static uint32_t take_large(const struct mutate_work *w, unsigned evenly, struct steve_op *op)
{
    uint32_t size = mutate_chance(w, evenly) ? LARGE_LOW + (uint32_t)mutate_below(w, LARGE_HIGH - LARGE_LOW)
                                             : (uint32_t)steve_rng_log_between(w->rng, LARGE_LOW, LARGE_HIGH);
    const size_t how = mutate_below(w, 4);
    if (how < 2)
        size &= ~UINT32_C(0xfff); // whole pages
    if (how < 1)
        size = (uint32_t)((int64_t)size + mutate_small_shift(w));
    mutate_take_size(op, steve_op_sized(STEVE_OP_MALLOC, 0, size));
    return size;
}

void mutate_insert_large(struct mutate_work *w)
{
    if (mutate_chance(w, 16)) {
        insert_huge(w);
        return;
    }
    // They fill it more or less, unless it is larger.
    struct place place = begin_in_heap(w, LARGE_HEAP_LOW, LARGE_HEAP_HIGH);
    uint16_t slots[4];
    uint32_t sizes[4];
    const size_t count = 2 + mutate_below(w, 3);
    for (size_t i = 0; i < count; i++) {
        struct steve_op op = new_op(&place, ANY_OF(&place, STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_CALLOC));
        sizes[i] = take_large(w, 64, &op);
        slots[i] = op.slot;
        put(&place, op);
        if (mutate_chance(w, 96)) // what keeps it apart from the next, also when it is freed
            put_wall(&place);
    }
    if (mutate_chance(w, 96))
        mutate_fit_heap(w, place.at);
    for (size_t left = 1 + mutate_below(w, 4); left > 0; left--) {
        const uint8_t code =
            ANY_OF(&place, STEVE_OP_RESIZE, STEVE_OP_RESIZE, STEVE_OP_FREE, STEVE_OP_FREE, STEVE_OP_MALLOC,
                   STEVE_OP_LOCK, STEVE_OP_WRITE, STEVE_OP_COMPACT_BUDGET, STEVE_OP_DRAIN);
        struct steve_op op = new_op(&place, code);
        const size_t which = mutate_below(w, count);
        if (steve_op_uses_slot(code) && code != STEVE_OP_MALLOC)
            op.slot = slots[which];
        if (code == STEVE_OP_MALLOC || code == STEVE_OP_RESIZE)
            take_large(w, 64, &op);
        put(&place, code == STEVE_OP_COMPACT_BUDGET ? short_budget(&place) : op);
        if (code == STEVE_OP_FREE && mutate_chance(w, 96)) { // what it leaves holds as much again
            struct steve_op again = new_op(&place, STEVE_OP_MALLOC);
            mutate_take_size(&again, steve_op_sized(STEVE_OP_MALLOC, 0, sizes[which]));
            slots[which] = again.slot;
            put(&place, again);
        }
    }
    put(&place, new_op(&place, ANY_OF(&place, STEVE_OP_CHECK, STEVE_OP_COMPACT, STEVE_OP_MALLOC)));
}

/// Most often the size that is given, a little more or less; or a part of it, so that some of them fit there.
static struct steve_op request_for(struct place *place, struct steve_op sized, uint32_t bytes)
{
    struct mutate_work *w = place->w;
    struct steve_op op = new_op(
        place, ANY_OF(place, STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_CALLOC, STEVE_OP_ALIGNED, STEVE_OP_RESIZE));
    const size_t how = mutate_below(w, 8);
    if (how < 5) {
        mutate_take_size(&op, sized);
        op.delta = mutate_plus(op.delta, mutate_small_shift(w));
    } else if (how < 7) {
        mutate_take_size(&op, steve_op_sized(STEVE_OP_MALLOC, 0, bytes / (2 + (uint32_t)mutate_below(w, 3))));
    }
    return op;
}

void mutate_insert_hole(struct mutate_work *w)
{
    const bool large = mutate_chance(w, 64);
    struct steve_op sized = {0};
    uint32_t bytes = (uint32_t)steve_rng_log_between(w->rng, 1, 16384);
    if (large)
        bytes = take_large(w, 128, &sized);
    else
        sized = steve_op_sized(STEVE_OP_MALLOC, 0, bytes);
    struct place place = begin_in_heap(w, bytes + bytes / 8 + 1024, large ? LARGE_HEAP_HIGH : (uint64_t)1 << 16);
    struct steve_op block = new_op(&place, ANY_OF(&place, STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_ALIGNED));
    mutate_take_size(&block, sized);
    if (mutate_chance(w, 64))
        put_wall(&place);
    put(&place, block);
    if (mutate_chance(w, 192))
        put_wall(&place);
    if (mutate_chance(w, 160))
        mutate_fit_heap(w, place.at);
    put_on(&place, mutate_chance(w, 208) ? STEVE_OP_FREE : STEVE_OP_RESIZE, block.slot);
    for (size_t left = 1 + mutate_below(w, 3); left > 0; left--)
        put(&place, request_for(&place, sized, bytes));
    put(&place, new_op(&place, ANY_OF(&place, STEVE_OP_CHECK, STEVE_OP_COMPACT, STEVE_OP_FREE, STEVE_OP_MALLOC)));
}
