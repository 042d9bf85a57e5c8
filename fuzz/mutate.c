/// The mutations. All of them work in place on canonical bytes; an op is decoded where it is looked at, and encoded where it is
/// changed. Which slots live at a place is not known without running the ops, and guessed by what was asked for before it.
#include "fuzz/mutate.h"
#include "fuzz/mutate_internal.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "steve/core/codec.h"

/// The longest run of ops that is moved, duplicated or made at once.
#define MAX_RUN 32u

/// Slots from here on are folded when they are renamed, and never known to live.
#define SLOTS 4096u

/// New blocks take one of the lowest slots that are empty: low numbers meet again.
#define NEAR_SLOTS 24u

/// A sequence that is worked on.
struct work {
    struct steve_rng *rng;
    uint8_t *bytes;
    size_t count;    ///< of ops
    size_t capacity; ///< of ops
};

/// A set of slots below SLOTS.
struct slot_set {
    uint64_t bits[SLOTS / 64];
};

static bool contains(const struct slot_set *set, uint16_t slot)
{
    return slot < SLOTS && (set->bits[slot / 64] >> (slot % 64) & 1) != 0;
}

static void add(struct slot_set *set, uint16_t slot)
{
    if (slot < SLOTS)
        set->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void drop(struct slot_set *set, uint16_t slot)
{
    if (slot < SLOTS)
        set->bits[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

static uint8_t *record_at(const struct work *w, size_t i)
{
    assert(i <= w->count);
    return w->bytes + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD;
}

static struct steve_op op_at(const struct work *w, size_t i)
{
    assert(i < w->count);
    return steve_bytes_decode_op(record_at(w, i));
}

static void set_op(const struct work *w, size_t i, struct steve_op op)
{
    steve_bytes_encode_op(steve_op_canonical(op), record_at(w, i));
}

static size_t below(const struct work *w, size_t count)
{
    return steve_rng_below(w->rng, (uint32_t)count);
}

static bool chance(const struct work *w, unsigned of_256)
{
    return steve_rng_chance(w->rng, of_256);
}

/// Small numbers are likely: each one more is half as likely, up to `most`.
static size_t few(const struct work *w, size_t most)
{
    size_t number = 1;
    while (number < most && chance(w, 128))
        number++;
    return number;
}

/// The length of a run within `most` ops: any octave of lengths is as likely as another. @param most 1 or more
static size_t run_length(const struct work *w, size_t most)
{
    return (size_t)steve_rng_log_between(w->rng, 1, most < MAX_RUN ? most : MAX_RUN);
}

/// Makes room for `count` ops before the one at `i`. @return false if there is none
static bool open_gap(struct work *w, size_t i, size_t count)
{
    if (count > w->capacity - w->count)
        return false;
    uint8_t *at = record_at(w, i);
    memmove(at + count * STEVE_BYTES_RECORD, at, (w->count - i) * STEVE_BYTES_RECORD);
    w->count += count;
    return true;
}

static void cut(struct work *w, size_t i, size_t count)
{
    uint8_t *at = record_at(w, i);
    memmove(at, at + count * STEVE_BYTES_RECORD, (w->count - i - count) * STEVE_BYTES_RECORD);
    w->count -= count;
}

static bool insert(struct work *w, size_t i, struct steve_op op)
{
    if (!open_gap(w, i, 1))
        return false;
    set_op(w, i, op);
    return true;
}

// Slots

static bool allocates(struct steve_op op)
{
    const enum steve_op_kind kind = steve_op_kind(op.code);
    return kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED;
}

/// The slots that live before the op at `i`, if every request is served.
static void find_live(const struct work *w, size_t i, struct slot_set *live)
{
    memset(live, 0, sizeof *live);
    for (size_t k = 0; k < i; k++) {
        const struct steve_op op = op_at(w, k);
        if (allocates(op))
            add(live, op.slot);
        else if (op.code == STEVE_OP_FREE)
            drop(live, op.slot);
        else if (op.code == STEVE_OP_DRAIN)
            memset(live, 0, sizeof *live);
    }
}

/// One of the live slots, those of many ops more often than others. @return false if the ops before `i` name none
static bool pick_live(const struct work *w, size_t i, const struct slot_set *live, uint16_t *slot)
{
    if (i == 0)
        return false;
    size_t at = below(w, i);
    for (size_t tried = 0; tried < i; tried++) {
        const struct steve_op op = op_at(w, at);
        if (steve_op_uses_slot(op.code) && contains(live, op.slot)) {
            *slot = op.slot;
            return true;
        }
        at = at == 0 ? i - 1 : at - 1;
    }
    return false;
}

static uint16_t pick_empty(const struct work *w, const struct slot_set *live)
{
    const uint16_t first = (uint16_t)below(w, NEAR_SLOTS);
    for (uint16_t slot = first; slot < SLOTS; slot++) {
        if (!contains(live, slot))
            return slot;
    }
    return first;
}

/// A new name for every slot, in the order in which they are met: names that `taken` does not have.
struct renaming {
    struct slot_set taken;
    struct slot_set met;
    uint16_t next;
    uint16_t name[SLOTS];
};

static void begin_renaming(struct renaming *renaming, const struct work *w)
{
    memset(&renaming->taken, 0, sizeof renaming->taken);
    memset(&renaming->met, 0, sizeof renaming->met);
    renaming->next = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct steve_op op = op_at(w, i);
        if (steve_op_uses_slot(op.code))
            add(&renaming->taken, op.slot);
    }
}

static uint16_t rename_slot(struct renaming *renaming, uint16_t slot)
{
    slot %= SLOTS;
    if (!contains(&renaming->met, slot)) {
        while (renaming->next < SLOTS - 1 && contains(&renaming->taken, renaming->next))
            renaming->next++;
        add(&renaming->met, slot);
        add(&renaming->taken, renaming->next);
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

// Sizes

/// A little more, a little less, or just so; most often by less than a header.
static int16_t small_shift(const struct work *w)
{
    static const int16_t shifts[] = {-64, -33, -32, -24, -17, -16, -15, -9, -8, -7, -4, -2, -1, 0,  0,
                                     0,   0,   1,   2,   4,   7,   8,   9,  15, 16, 17, 24, 32, 33, 64};
    return shifts[below(w, sizeof shifts / sizeof *shifts)];
}

static void take_size(struct steve_op *op, struct steve_op from)
{
    op->size_class = from.size_class;
    op->delta = from.delta;
    op->arg = from.arg;
}

static int16_t plus(int16_t delta, int shift)
{
    // Around the end rather than beyond it: the field has 16 bits, and absolute sizes use them as such.
    const uint16_t sum = (uint16_t)(delta + shift);
    return (int16_t)(sum < 0x8000u ? sum : (int32_t)sum - 0x10000);
}

static void snap_size(const struct work *w, struct steve_op *op)
{
    op->arg = 0;
    op->delta = small_shift(w);
    switch (below(w, 8)) {
    case 0:
    case 1:
    case 2:
        op->size_class = (uint8_t)(STEVE_SIZE_HEAP + steve_rng_log_between(w->rng, 1, 63));
        break;
    case 3:
    case 4:
    case 5:
        op->size_class = (uint8_t)(STEVE_SIZE_POWER + 3 + below(w, 15));
        break;
    case 6:
        op->size_class = STEVE_SIZE_OF_SLOT;
        op->arg = w->count == 0 ? 0 : op_at(w, below(w, w->count)).slot;
        break;
    default:
        op->size_class = chance(w, 64) ? STEVE_SIZE_MAX : STEVE_SIZE_ABSOLUTE;
        op->delta = (int16_t)below(w, 9);
        break;
    }
}

/// @return false if no op before or after has a size
static bool copy_size(const struct work *w, struct steve_op *op)
{
    if (w->count == 0)
        return false;
    size_t at = below(w, w->count);
    for (size_t tried = 0; tried < w->count; tried++) {
        const struct steve_op from = op_at(w, at);
        if (steve_op_uses_size(from.code) && from.code != STEVE_OP_COMPACT_BUDGET) {
            take_size(op, from);
            op->delta = plus(op->delta, (int)below(w, 3) - 1);
            return true;
        }
        at = at + 1 == w->count ? 0 : at + 1;
    }
    return false;
}

static void new_size(const struct work *w, struct steve_op *op)
{
    const size_t how = below(w, 8);
    if (how < 2 && copy_size(w, op))
        return;
    if (how < 5) {
        snap_size(w, op);
        return;
    }
    take_size(op, steve_op_sized(STEVE_OP_MALLOC, 0, (uint32_t)steve_rng_log_between(w->rng, 1, 16384)));
}

// New ops

static uint8_t pick_code(const struct work *w)
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
    const uint8_t code = codes[below(w, sizeof codes)];
    if (code == STEVE_OP_ALIGNED)
        return (uint8_t)(code + below(w, 13));
    if (code == STEVE_OP_FREE_STALE) // any of its family: stale or foreign
        return (uint8_t)(code + below(w, 8));
    if (code == STEVE_OP_FREE_FORGED)
        return (uint8_t)(code + below(w, 4));
    return code;
}

static struct steve_op new_compaction(const struct work *w)
{
    struct steve_op op = {.code = STEVE_OP_COMPACT};
    switch (below(w, 4)) {
    case 0:
    case 1:
        break;
    case 2:
        op = steve_op_sized(STEVE_OP_COMPACT_BUDGET, 0, (uint32_t)steve_rng_log_between(w->rng, 1, 4096) - 1);
        break;
    default:
        op.code = STEVE_OP_COMPACT_GOAL;
        new_size(w, &op);
        break;
    }
    return op;
}

/// An op of `code` for the place before the op at `i`, where `live` are the slots that live.
static struct steve_op new_op(const struct work *w, uint8_t code, size_t i, const struct slot_set *live)
{
    struct steve_op op = {.code = code};
    if (code == STEVE_OP_COMPACT || code == STEVE_OP_COMPACT_BUDGET || code == STEVE_OP_COMPACT_GOAL)
        return new_compaction(w);
    if (steve_op_uses_size(code))
        new_size(w, &op);
    if (steve_op_uses_bit(code))
        op.arg = (uint16_t)below(w, 64);
    if (allocates(op) || !pick_live(w, i, live, &op.slot))
        op.slot = pick_empty(w, live);
    return op;
}

static void insert_op(struct work *w)
{
    struct slot_set live;
    const size_t i = below(w, w->count + 1);
    find_live(w, i, &live);
    struct steve_op op = new_op(w, pick_code(w), i, &live);
    const bool misuse = steve_op_kind(op.code) == STEVE_KIND_MISUSE;
    // A stale ref is one of a block that is gone: any slot that was named will do.
    if (misuse && i > 0 && chance(w, 128))
        op.slot = op_at(w, below(w, i)).slot;
    insert(w, i, op);
}

/// Allocations of one size side by side, or one thing done to many blocks: what makes holes, full heaps and long lists.
static void insert_run(struct work *w)
{
    static const uint8_t codes[] = {STEVE_OP_FREE,      STEVE_OP_FREE,   STEVE_OP_FREE,   STEVE_OP_RESIZE,
                                    STEVE_OP_PURGEABLE, STEVE_OP_LOCK,   STEVE_OP_UNLOCK, STEVE_OP_MALLOC,
                                    STEVE_OP_MALLOC,    STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_MALLOC,
                                    STEVE_OP_CALLOC,    STEVE_OP_ALIGNED};
    struct slot_set live;
    size_t i = below(w, w->count + 1);
    const size_t count = run_length(w, MAX_RUN);
    const bool one_size = chance(w, 160);
    uint8_t code = codes[below(w, sizeof codes)];
    if (code == STEVE_OP_ALIGNED)
        code = (uint8_t)(code + below(w, 13));
    find_live(w, i, &live);
    struct steve_op first = {.code = code};
    new_size(w, &first);
    for (size_t k = 0; k < count; k++, i++) {
        struct steve_op op = new_op(w, code, i, &live);
        if (one_size && steve_op_uses_size(code))
            take_size(&op, first);
        if (!insert(w, i, op))
            return;
        if (allocates(op))
            add(&live, op.slot);
        else if (code == STEVE_OP_FREE)
            drop(&live, op.slot);
    }
}

static void insert_compaction(struct work *w)
{
    insert(w, below(w, w->count + 1), new_compaction(w));
}

static void insert_lock_pair(struct work *w)
{
    struct slot_set live;
    uint16_t slot;
    const size_t lock = below(w, w->count + 1);
    find_live(w, lock, &live);
    if (w->capacity - w->count < 2 || !pick_live(w, lock, &live, &slot))
        return;
    const size_t between = w->count == lock ? 0 : run_length(w, w->count - lock);
    insert(w, lock + between, (struct steve_op){.code = STEVE_OP_UNLOCK, .slot = slot});
    insert(w, lock, (struct steve_op){.code = STEVE_OP_LOCK, .slot = slot});
}

// Ops that are there

/// A run within the sequence. @return its length, 0 if there are no ops
static size_t pick_run(const struct work *w, size_t *begin)
{
    if (w->count == 0)
        return 0;
    *begin = below(w, w->count);
    return run_length(w, w->count - *begin);
}

static void delete_run(struct work *w)
{
    size_t begin;
    const size_t count = pick_run(w, &begin);
    if (count > 0)
        cut(w, begin, count);
}

static void duplicate_run(struct work *w)
{
    size_t begin;
    const size_t count = pick_run(w, &begin);
    if (count == 0 || !open_gap(w, begin + count, count))
        return;
    memcpy(record_at(w, begin + count), record_at(w, begin), count * STEVE_BYTES_RECORD);
    if (chance(w, 96))
        return;
    struct renaming renaming;
    begin_renaming(&renaming, w);
    for (size_t i = begin + count; i < begin + 2 * count; i++)
        set_op(w, i, renamed(&renaming, op_at(w, i)));
}

static void swap_ops(struct work *w)
{
    if (w->count < 2)
        return;
    const size_t a = below(w, w->count);
    // Near ones more often: their order is what is likely to matter.
    const size_t b = chance(w, 128) ? (a + 1 == w->count ? a - 1 : a + 1) : below(w, w->count);
    const struct steve_op op = op_at(w, a);
    set_op(w, a, op_at(w, b));
    set_op(w, b, op);
}

static void move_run(struct work *w)
{
    uint8_t run[MAX_RUN * STEVE_BYTES_RECORD];
    size_t begin;
    const size_t count = pick_run(w, &begin);
    if (count == 0)
        return;
    memcpy(run, record_at(w, begin), count * STEVE_BYTES_RECORD);
    cut(w, begin, count);
    const size_t to = below(w, w->count + 1);
    open_gap(w, to, count);
    memcpy(record_at(w, to), run, count * STEVE_BYTES_RECORD);
}

/// An op for which `holds` is true. @return false if there is none
static bool pick_op(const struct work *w, bool (*holds)(uint8_t code), size_t *i)
{
    if (w->count == 0)
        return false;
    *i = below(w, w->count);
    for (size_t tried = 0; tried < w->count; tried++) {
        if (holds(op_at(w, *i).code))
            return true;
        *i = *i + 1 == w->count ? 0 : *i + 1;
    }
    return false;
}

static void change_code(struct work *w)
{
    size_t i;
    if (!pick_op(w, steve_op_uses_slot, &i))
        return;
    struct steve_op op = op_at(w, i);
    const bool sized = steve_op_uses_size(op.code);
    // Codes are drawn until one has the same arguments; a few tries find one.
    for (unsigned tries = 0; tries < 16; tries++) {
        const uint8_t code = pick_code(w);
        if (code == op.code || !steve_op_uses_slot(code) || steve_op_uses_size(code) != sized)
            continue;
        op.code = code;
        if (steve_op_uses_bit(code))
            op.arg = (uint16_t)below(w, 64);
        set_op(w, i, op);
        return;
    }
}

static void change_slot(struct work *w)
{
    size_t i;
    size_t from;
    if (!pick_op(w, steve_op_uses_slot, &i) || !pick_op(w, steve_op_uses_slot, &from))
        return;
    struct steve_op op = op_at(w, i);
    struct slot_set live;
    if (allocates(op)) {
        find_live(w, i, &live);
        op.slot = pick_empty(w, &live);
    } else {
        op.slot = op_at(w, from).slot;
    }
    set_op(w, i, op);
}

static void change_size(struct work *w, bool copied)
{
    size_t i;
    if (!pick_op(w, steve_op_uses_size, &i))
        return;
    struct steve_op op = op_at(w, i);
    if (!copied)
        snap_size(w, &op);
    else if (!copy_size(w, &op))
        return;
    set_op(w, i, op);
}

// Header

static void change_header(struct work *w)
{
    uint8_t *header = w->bytes;
    switch (below(w, 8)) {
    case 0:
    case 1: // a power of two or near it
        write_heap(header, (uint64_t)((int64_t)(UINT64_C(1) << (8 + below(w, 16))) + small_shift(w)));
        break;
    case 2: // any
        write_heap(header, steve_rng_log_between(w->rng, 1, UINT64_C(1) << (chance(w, 16) ? 40 : 20)));
        break;
    case 3:
        write_heap(header, (uint64_t)((int64_t)read_heap(header) + small_shift(w)));
        break;
    case 4:
        header[AT_BASE] = (uint8_t)below(w, 256);
        header[AT_BASE + 1] = chance(w, 64) ? (uint8_t)below(w, 256) : 0;
        break;
    case 5:
        header[AT_FLAGS] ^= 1;
        break;
    case 6:
        header[AT_OPTIONS] = (uint8_t)(header[AT_OPTIONS] ^ (1u << below(w, 8)));
        break;
    default: // a target passes over drivers that are not its own, and the engine over such inputs
        header[STEVE_BYTES_AT_DRIVER] = (uint8_t)below(w, 32);
        break;
    }
}

// Together

static const struct {
    const char *name;
    unsigned weight; ///< how often mutate() takes it
} kinds[MUTATE_KIND_COUNT] = {
    [MUTATE_INSERT] = {"insert", 12},      [MUTATE_INSERT_RUN] = {"insert-run", 6},
    [MUTATE_DELETE] = {"delete", 4},       [MUTATE_DUPLICATE] = {"duplicate", 4},
    [MUTATE_SWAP] = {"swap", 3},           [MUTATE_MOVE] = {"move", 3},
    [MUTATE_CODE] = {"code", 3},           [MUTATE_SLOT] = {"slot", 3},
    [MUTATE_COPY_SIZE] = {"copy-size", 4}, [MUTATE_SNAP_SIZE] = {"snap-size", 5},
    [MUTATE_COMPACT] = {"compact", 4},     [MUTATE_LOCK_PAIR] = {"lock-pair", 3},
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
static bool begin_work(struct work *w, struct steve_rng *rng, uint8_t *bytes, size_t size, size_t max_size)
{
    if (size < STEVE_BYTES_HEADER || max_size < size)
        return false;
    *w = (struct work){.rng = rng,
                       .bytes = bytes,
                       .count = (size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD,
                       .capacity = (max_size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD};
    return true;
}

static size_t size_of(const struct work *w)
{
    return STEVE_BYTES_HEADER + w->count * STEVE_BYTES_RECORD;
}

size_t mutate_one(enum mutate_kind kind, struct steve_rng *rng, uint8_t *bytes, size_t size, size_t max_size)
{
    struct work w;
    if (!begin_work(&w, rng, bytes, size, max_size))
        return size;
    switch (kind) {
    case MUTATE_INSERT:
        insert_op(&w);
        break;
    case MUTATE_INSERT_RUN:
        insert_run(&w);
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

size_t mutate(uint64_t seed, uint8_t *bytes, size_t size, size_t max_size)
{
    struct steve_rng rng = seeded(seed);
    size = mutate_canonical(bytes, size, max_size);
    const struct work w = {.rng = &rng};
    for (size_t left = few(&w, 8); left > 0; left--)
        size = mutate_one(pick_kind(&rng), &rng, bytes, size, max_size);
    return size;
}

size_t mutate_splice(uint64_t seed, uint8_t *bytes, size_t size, size_t max_size, const uint8_t *other,
                     size_t other_size)
{
    struct steve_rng rng = seeded(seed);
    struct work w;
    size = mutate_canonical(bytes, size, max_size);
    if (!begin_work(&w, &rng, bytes, size, max_size) || other_size < STEVE_BYTES_HEADER + STEVE_BYTES_RECORD)
        return size;

    const size_t others = (other_size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
    const size_t from = below(&w, others);
    size_t to = below(&w, w.count + 1);
    struct renaming renaming;
    begin_renaming(&renaming, &w);
    // Half of the time the rest of the other takes the place of the rest of this one; else a part of it comes between.
    size_t count = others - from;
    if (chance(&w, 128))
        w.count = to;
    else
        count = 1 + below(&w, count);
    if (count > w.capacity - w.count)
        count = w.capacity - w.count;
    for (size_t i = from; i < from + count; i++) {
        const struct steve_op op = steve_bytes_decode_op(other + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD);
        if (op.code != STEVE_OP_NONE)
            insert(&w, to++, renamed(&renaming, op));
    }
    return size_of(&w);
}
