/// The mutations: ops and runs of ops are inserted, taken away, moved and changed, in place, on canonical bytes. What a new op looks
/// like is for mutate_draw.c; runs of new ones are mutate_situation.c's.
#include "fuzz/mutate.h"
#include "fuzz/mutate_internal.h"

#include <string.h>

/// Small numbers are likely: each one more is half as likely, up to `most`.
static size_t few(const struct mutate_work *w, size_t most)
{
    size_t number = 1;
    while (number < most && mutate_chance(w, 128))
        number++;
    return number;
}

size_t mutate_run_length(const struct mutate_work *w, size_t most)
{
    return (size_t)steve_rng_log_between(w->rng, 1, most < MUTATE_MAX_RUN ? most : MUTATE_MAX_RUN);
}

/// Makes room for `count` ops before the one at `i`. @return false if there is none
static bool open_gap(struct mutate_work *w, size_t i, size_t count)
{
    if (count > w->capacity - w->count)
        return false;
    uint8_t *at = mutate_record_at(w, i);
    memmove(at + count * STEVE_BYTES_RECORD, at, (w->count - i) * STEVE_BYTES_RECORD);
    w->count += count;
    return true;
}

static void cut(struct mutate_work *w, size_t i, size_t count)
{
    uint8_t *at = mutate_record_at(w, i);
    memmove(at, at + count * STEVE_BYTES_RECORD, (w->count - i - count) * STEVE_BYTES_RECORD);
    w->count -= count;
}

bool mutate_insert(struct mutate_work *w, size_t i, struct steve_op op)
{
    if (!open_gap(w, i, 1))
        return false;
    mutate_set_op(w, i, op);
    return true;
}

/// A new name for every slot, in the order in which they are met: names that `taken` does not have.
struct renaming {
    struct mutate_slot_set taken;
    struct mutate_slot_set met;
    uint16_t next;
    uint16_t name[MUTATE_SLOTS];
};

static void begin_renaming(struct renaming *renaming, const struct mutate_work *w)
{
    memset(&renaming->taken, 0, sizeof renaming->taken);
    memset(&renaming->met, 0, sizeof renaming->met);
    renaming->next = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct steve_op op = mutate_op_at(w, i);
        if (steve_op_uses_slot(op.code))
            mutate_add_slot(&renaming->taken, op.slot);
    }
}

static uint16_t rename_slot(struct renaming *renaming, uint16_t slot)
{
    slot %= MUTATE_SLOTS;
    if (!mutate_has_slot(&renaming->met, slot)) {
        while (renaming->next < MUTATE_SLOTS - 1 && mutate_has_slot(&renaming->taken, renaming->next))
            renaming->next++;
        mutate_add_slot(&renaming->met, slot);
        mutate_add_slot(&renaming->taken, renaming->next);
        renaming->name[slot] = renaming->next;
    }
    return renaming->name[slot];
}

static bool is_size_of_slot(struct steve_op op)
{
    return steve_op_uses_size(op.code) && op.size_class >= STEVE_SIZE_OF_SLOT && op.size_class < STEVE_SIZE_MAX;
}

static struct steve_op renamed(struct renaming *renaming, struct steve_op op)
{
    if (steve_op_uses_slot(op.code))
        op.slot = rename_slot(renaming, op.slot);
    if (is_size_of_slot(op))
        op.arg = rename_slot(renaming, op.arg);
    return op;
}

/// An op for which `holds` is true. @return false if there is none
static bool pick_op(const struct mutate_work *w, bool (*holds)(uint8_t code), size_t *i)
{
    if (w->count == 0)
        return false;
    *i = mutate_below(w, w->count);
    for (size_t tried = 0; tried < w->count; tried++) {
        if (holds(mutate_op_at(w, *i).code))
            return true;
        *i = *i + 1 == w->count ? 0 : *i + 1;
    }
    return false;
}

static bool is_free(uint8_t code)
{
    return code == STEVE_OP_FREE;
}

static void insert_op(struct mutate_work *w)
{
    struct mutate_slot_set live;
    size_t i = mutate_below(w, w->count + 1);
    mutate_find_live(w, i, &live);
    struct steve_op op = mutate_new_op(w, mutate_pick_code(w), i, &live);
    // A stale ref is one of a block that is gone: any slot that was named will do, best one that was freed just now.
    if (steve_op_kind(op.code) == STEVE_KIND_MISUSE) {
        const size_t how = mutate_below(w, 4);
        size_t gone;
        if (how < 2 && pick_op(w, is_free, &gone)) {
            op.slot = mutate_op_at(w, gone).slot;
            i = gone + 1;
        } else if (how < 3 && i > 0) {
            op.slot = mutate_op_at(w, mutate_below(w, i)).slot;
        }
    }
    mutate_insert(w, i, op);
}

static void insert_compaction(struct mutate_work *w)
{
    mutate_insert(w, mutate_below(w, w->count + 1), mutate_new_compaction(w));
}

static void insert_lock_pair(struct mutate_work *w)
{
    struct mutate_slot_set live;
    uint16_t slot;
    const size_t lock = mutate_below(w, w->count + 1);
    mutate_find_live(w, lock, &live);
    if (w->capacity - w->count < 2 || !mutate_pick_live(w, lock, &live, &slot))
        return;
    const size_t between = w->count == lock ? 0 : mutate_run_length(w, w->count - lock);
    mutate_insert(w, lock + between, (struct steve_op){.code = STEVE_OP_UNLOCK, .slot = slot});
    mutate_insert(w, lock, (struct steve_op){.code = STEVE_OP_LOCK, .slot = slot});
}

// Ops that are there

/// A run within the sequence. @return its length, 0 if there are no ops
static size_t pick_run(const struct mutate_work *w, size_t *begin)
{
    if (w->count == 0)
        return 0;
    *begin = mutate_below(w, w->count);
    return mutate_run_length(w, w->count - *begin);
}

static void delete_run(struct mutate_work *w)
{
    size_t begin;
    const size_t count = pick_run(w, &begin);
    if (count > 0)
        cut(w, begin, count);
}

static void duplicate_run(struct mutate_work *w)
{
    size_t begin;
    const size_t count = pick_run(w, &begin);
    if (count == 0 || !open_gap(w, begin + count, count))
        return;
    memcpy(mutate_record_at(w, begin + count), mutate_record_at(w, begin), count * STEVE_BYTES_RECORD);
    if (mutate_chance(w, 96))
        return;
    struct renaming renaming;
    begin_renaming(&renaming, w);
    for (size_t i = begin + count; i < begin + 2 * count; i++)
        mutate_set_op(w, i, renamed(&renaming, mutate_op_at(w, i)));
}

static void swap_ops(struct mutate_work *w)
{
    if (w->count < 2)
        return;
    const size_t a = mutate_below(w, w->count);
    // Near ones more often: their order is what is likely to matter.
    const size_t b = mutate_chance(w, 128) ? (a + 1 == w->count ? a - 1 : a + 1) : mutate_below(w, w->count);
    const struct steve_op op = mutate_op_at(w, a);
    mutate_set_op(w, a, mutate_op_at(w, b));
    mutate_set_op(w, b, op);
}

static void move_run(struct mutate_work *w)
{
    uint8_t run[MUTATE_MAX_RUN * STEVE_BYTES_RECORD];
    size_t begin;
    const size_t count = pick_run(w, &begin);
    if (count == 0)
        return;
    memcpy(run, mutate_record_at(w, begin), count * STEVE_BYTES_RECORD);
    cut(w, begin, count);
    const size_t to = mutate_below(w, w->count + 1);
    open_gap(w, to, count);
    memcpy(mutate_record_at(w, to), run, count * STEVE_BYTES_RECORD);
}

static void change_code(struct mutate_work *w)
{
    size_t i;
    if (!pick_op(w, steve_op_uses_slot, &i))
        return;
    struct steve_op op = mutate_op_at(w, i);
    const bool sized = steve_op_uses_size(op.code);
    // Codes are drawn until one has the same arguments; a few tries find one.
    for (unsigned tries = 0; tries < 16; tries++) {
        const uint8_t code = mutate_pick_code(w);
        if (code == op.code || !steve_op_uses_slot(code) || steve_op_uses_size(code) != sized)
            continue;
        op.code = code;
        if (steve_op_uses_bit(code))
            op.arg = (uint16_t)mutate_below(w, 64);
        mutate_set_op(w, i, op);
        return;
    }
}

static void change_slot(struct mutate_work *w)
{
    size_t i;
    size_t from;
    if (!pick_op(w, steve_op_uses_slot, &i) || !pick_op(w, steve_op_uses_slot, &from))
        return;
    struct steve_op op = mutate_op_at(w, i);
    struct mutate_slot_set live;
    if (mutate_allocates(op)) {
        mutate_find_live(w, i, &live);
        op.slot = mutate_pick_empty(w, &live);
    } else {
        op.slot = mutate_op_at(w, from).slot;
    }
    mutate_set_op(w, i, op);
}

static void change_size(struct mutate_work *w, bool copied)
{
    size_t i;
    if (!pick_op(w, steve_op_uses_size, &i))
        return;
    struct steve_op op = mutate_op_at(w, i);
    if (!copied)
        mutate_snap_size(w, &op);
    else if (!mutate_copy_size(w, &op))
        return;
    mutate_set_op(w, i, op);
}

// Header

static void change_header(struct mutate_work *w)
{
    uint8_t *header = w->bytes;
    switch (mutate_below(w, 8)) {
    case 0:
    case 1: // a power of two or near it
        mutate_write_heap(header,
                          (uint64_t)((int64_t)(UINT64_C(1) << (8 + mutate_below(w, 16))) + mutate_small_shift(w)));
        break;
    case 2: // any
        mutate_write_heap(header, steve_rng_log_between(w->rng, 1, UINT64_C(1) << (mutate_chance(w, 16) ? 40 : 20)));
        break;
    case 3:
        mutate_write_heap(header, (uint64_t)((int64_t)mutate_read_heap(header) + mutate_small_shift(w)));
        break;
    case 4:
        header[AT_BASE] = (uint8_t)mutate_below(w, 256);
        header[AT_BASE + 1] = mutate_chance(w, 64) ? (uint8_t)mutate_below(w, 256) : 0;
        break;
    case 5:
        header[AT_FLAGS] ^= 1;
        break;
    case 6:
        header[AT_OPTIONS] = (uint8_t)(header[AT_OPTIONS] ^ (1u << mutate_below(w, 8)));
        break;
    default: // a target passes over drivers that are not its own, and the engine over such inputs
        header[STEVE_BYTES_AT_DRIVER] = (uint8_t)mutate_below(w, 32);
        break;
    }
}

// Together

static const struct {
    const char *name;
    unsigned weight; ///< how often mutate() takes it
} kinds[MUTATE_KIND_COUNT] = {
    [MUTATE_INSERT] = {"insert", 12},
    [MUTATE_INSERT_RUN] = {"insert-run", 6},
    [MUTATE_DELETE] = {"delete", 4},
    [MUTATE_DUPLICATE] = {"duplicate", 4},
    [MUTATE_SWAP] = {"swap", 3},
    [MUTATE_MOVE] = {"move", 3},
    [MUTATE_CODE] = {"code", 3},
    [MUTATE_SLOT] = {"slot", 3},
    [MUTATE_COPY_SIZE] = {"copy-size", 4},
    [MUTATE_SNAP_SIZE] = {"snap-size", 5},
    [MUTATE_COMPACT] = {"compact", 4},
    [MUTATE_LOCK_PAIR] = {"lock-pair", 3},
    [MUTATE_PAUSE] = {"pause", 4},
    [MUTATE_PRESSURE] = {"pressure", 3},
    [MUTATE_LARGE] = {"large", 2},
    [MUTATE_HOLE] = {"hole", 2},
    [MUTATE_FIT] = {"fit", 2},
    [MUTATE_HEADER] = {"header", 2},
};

const char *mutate_kind_name(enum mutate_kind kind)
{
    return kinds[kind].name;
}

static enum mutate_kind pick_kind(struct steve_rng *rng)
{
    unsigned sum = 0;
    for (unsigned kind = 0; kind < MUTATE_KIND_COUNT; kind++)
        sum += kinds[kind].weight;
    uint32_t at = steve_rng_below(rng, sum);
    unsigned kind = 0;
    while (at >= kinds[kind].weight)
        at -= kinds[kind++].weight;
    return (enum mutate_kind)kind;
}

/// @return false if not even a header fits
static bool begin_work(struct mutate_work *w, struct steve_rng *rng, uint8_t *bytes, size_t size, size_t max_size)
{
    if (size < STEVE_BYTES_HEADER || max_size < size)
        return false;
    *w = (struct mutate_work){.rng = rng,
                              .bytes = bytes,
                              .count = (size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD,
                              .capacity = (max_size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD};
    return true;
}

static size_t size_of(const struct mutate_work *w)
{
    return STEVE_BYTES_HEADER + w->count * STEVE_BYTES_RECORD;
}

size_t mutate_one(enum mutate_kind kind, struct steve_rng *rng, uint8_t *bytes, size_t size, size_t max_size)
{
    struct mutate_work w;
    if (!begin_work(&w, rng, bytes, size, max_size))
        return size;
    switch (kind) {
    case MUTATE_INSERT:
        insert_op(&w);
        break;
    case MUTATE_INSERT_RUN:
        mutate_insert_run(&w);
        break;
    case MUTATE_DELETE:
        delete_run(&w);
        break;
    case MUTATE_DUPLICATE:
        duplicate_run(&w);
        break;
    case MUTATE_SWAP:
        swap_ops(&w);
        break;
    case MUTATE_MOVE:
        move_run(&w);
        break;
    case MUTATE_CODE:
        change_code(&w);
        break;
    case MUTATE_SLOT:
        change_slot(&w);
        break;
    case MUTATE_COPY_SIZE:
        change_size(&w, true);
        break;
    case MUTATE_SNAP_SIZE:
        change_size(&w, false);
        break;
    case MUTATE_COMPACT:
        insert_compaction(&w);
        break;
    case MUTATE_LOCK_PAIR:
        insert_lock_pair(&w);
        break;
    case MUTATE_PAUSE:
        mutate_insert_pause(&w);
        break;
    case MUTATE_PRESSURE:
        mutate_insert_pressure(&w);
        break;
    case MUTATE_LARGE:
        mutate_insert_large(&w);
        break;
    case MUTATE_HOLE:
        mutate_insert_hole(&w);
        break;
    case MUTATE_FIT:
        mutate_fit_heap(&w, mutate_below(&w, w.count + 1));
        break;
    case MUTATE_HEADER:
        change_header(&w);
        mutate_canonical(bytes, STEVE_BYTES_HEADER, STEVE_BYTES_HEADER);
        break;
    case MUTATE_KIND_COUNT:
        break;
    }
    return size_of(&w);
}

/// From an engine's seed, of which only 32 bits may be random.
static struct steve_rng seeded(uint64_t seed)
{
    struct steve_rng rng;
    for (unsigned i = 0; i < 4; i++)
        rng.state[i] = steve_splitmix64(&seed);
    return rng;
}

/// A run in a larger heap takes several times as long, for pages that are touched and blocks that are copied, and an engine keeps what is
/// new without asking what it costs.
#define SMALL_HEAP ((uint64_t)128 << 10)

/// Seven times of eight a large heap becomes a small one, before anything else: what wants a large one makes it large again.
static void prefer_small_heap(const struct mutate_work *w)
{
    if (mutate_read_heap(w->bytes) > SMALL_HEAP && mutate_chance(w, 224))
        mutate_write_heap(w->bytes, steve_rng_log_between(w->rng, 1024, SMALL_HEAP));
}

size_t mutate(uint64_t seed, uint8_t *bytes, size_t size, size_t max_size)
{
    struct steve_rng rng = seeded(seed);
    size = mutate_canonical(bytes, size, max_size);
    const struct mutate_work w = {.rng = &rng, .bytes = bytes};
    if (size >= STEVE_BYTES_HEADER)
        prefer_small_heap(&w);
    for (size_t left = few(&w, 8); left > 0; left--)
        size = mutate_one(pick_kind(&rng), &rng, bytes, size, max_size);
    return size;
}

size_t mutate_splice(uint64_t seed, uint8_t *bytes, size_t size, size_t max_size, const uint8_t *other,
                     size_t other_size)
{
    struct steve_rng rng = seeded(seed);
    struct mutate_work w;
    size = mutate_canonical(bytes, size, max_size);
    if (!begin_work(&w, &rng, bytes, size, max_size) || other_size < STEVE_BYTES_HEADER + STEVE_BYTES_RECORD)
        return size;

    const size_t others = (other_size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
    const size_t from = mutate_below(&w, others);
    size_t to = mutate_below(&w, w.count + 1);
    struct renaming renaming;
    begin_renaming(&renaming, &w);
    // Half of the time the rest of the other takes the place of the rest of this one; else a part of it comes between.
    size_t count = others - from;
    if (mutate_chance(&w, 128))
        w.count = to;
    else
        count = 1 + mutate_below(&w, count);
    if (count > w.capacity - w.count)
        count = w.capacity - w.count;
    for (size_t i = from; i < from + count; i++) {
        const struct steve_op op = steve_bytes_decode_op(other + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD);
        if (op.code != STEVE_OP_NONE)
            mutate_insert(&w, to++, renamed(&renaming, op));
    }
    return size_of(&w);
}
