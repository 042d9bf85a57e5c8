/// Guessing: where no rule helps any more, an op or two are taken out at random and others changed at random, many thousand
/// times. What breaks the oracle has fewer ops, so a lucky guess is progress like any other. The guesses are the same every time.
#include "steve/find/shrink_internal.h"

#include <string.h>

#include "steve/gen/rng.h"

#define SEED 1u

/// Fewer ops are few enough; so many guesses in vain are enough; with more ops, so many.
#define SHORT_ENOUGH  6u
#define GUESSES_SHORT 5000u
#define LONG          12u
#define GUESSES_LONG  30000u
/// Trials of what is longer take too long to be thrown away.
#define TOO_LONG 200u

/// Windows are guessed on what is longer than this, so many, or until so many ops were run for each of its ops.
#define WINDOWS_FROM      64u
#define WINDOWS_MOST      4000u
#define WINDOW_OPS_PER_OP 20u

/// A block of so many bytes is moved, and one of four times as many, and so on.
#define MOVED_LEAST ((uint32_t)1 << 10)
#define MOVED_MOST  ((uint32_t)1 << 20)

/// Where every op has a part in how the heap lies, a large cut is as likely to leave the bug in sight as a small one, which is
/// not very likely. So large ones are tried again and again.
#define CUTS_FROM 64u

static size_t draw(struct steve_rng *rng, size_t count)
{
    return steve_rng_below(rng, (uint32_t)count);
}

static void take_out(struct steve_sequence *sequence, size_t i)
{
    memmove(sequence->ops + i, sequence->ops + i + 1, (sequence->count - i - 1) * sizeof sequence->ops[0]);
    sequence->count--;
}

/// Sizes near powers of two, of any magnitude up to the heap's.
static uint32_t draw_size(struct steve_rng *rng, uint64_t heap_bytes)
{
    unsigned bits = 0;
    while (bits < 31 && heap_bytes >> bits > 1) {
        bits++;
    }
    uint32_t size = (uint32_t)1 << draw(rng, bits + 1);
    switch (draw(rng, 3)) {
    case 0:
        return size - (uint32_t)draw(rng, size < 16 ? size + 1 : 17);
    case 1:
        return (uint32_t)draw(rng, size) + size;
    default:
        return draw(rng, 4) == 0 ? 0 : size;
    }
}

static void swap_two(struct steve_rng *rng, struct steve_sequence *sequence)
{
    size_t a = draw(rng, sequence->count);
    size_t b = draw(rng, sequence->count);
    struct steve_op op = sequence->ops[a];
    sequence->ops[a] = sequence->ops[b];
    sequence->ops[b] = op;
}

/// Another op for the same slot.
static void change_code(struct steve_rng *rng, struct steve_sequence *sequence)
{
    static const uint8_t codes[] = {STEVE_OP_MALLOC, STEVE_OP_FREE, STEVE_OP_LOCK, STEVE_OP_UNLOCK, STEVE_OP_RESIZE};
    struct steve_op *op = &sequence->ops[draw(rng, sequence->count)];
    if (steve_op_uses_slot(op->code)) {
        op->code = codes[draw(rng, sizeof codes)];
        *op = steve_op_canonical(*op);
    }
}

/// Another size, or another budget.
static void change_size(struct steve_rng *rng, struct steve_sequence *sequence)
{
    struct steve_op *op = &sequence->ops[draw(rng, sequence->count)];
    if (op->code == STEVE_OP_COMPACT_BUDGET) {
        *op = steve_op_sized(op->code, 0, 1 + (uint32_t)draw(rng, 64));
    } else if (steve_op_uses_size(op->code)) {
        *op = steve_op_sized(op->code, op->slot, draw_size(rng, sequence->header.heap_bytes));
    }
}

/// Another slot: one of those in use.
static void change_slot(struct steve_rng *rng, struct steve_sequence *sequence)
{
    struct steve_op *op = &sequence->ops[draw(rng, sequence->count)];
    const struct steve_op *other = &sequence->ops[draw(rng, sequence->count)];
    if (steve_op_uses_slot(op->code) && steve_op_uses_slot(other->code)) {
        op->slot = other->slot;
    }
}

static void change_something(struct steve_shrink *s, struct steve_rng *rng)
{
    struct steve_sequence *sequence = &s->candidate;
    switch (draw(rng, 8)) {
    case 0:
        swap_two(rng, sequence);
        break;
    case 1:
        change_code(rng, sequence);
        break;
    case 2:
        change_slot(rng, sequence);
        break;
    case 3:
        sequence->header.heap_bytes = sequence->header.heap_bytes * (2 + draw(rng, 8)) / 4;
        if (sequence->header.heap_bytes < steve_shrink_heap_min(s)) {
            sequence->header.heap_bytes = steve_shrink_heap_min(s);
        }
        break;
    default:
        change_size(rng, sequence);
        break;
    }
}

static bool guess(struct steve_shrink *s, struct steve_rng *rng)
{
    steve_shrink_copy(s);
    for (size_t gone = 1 + draw(rng, 2); gone > 0 && s->candidate.count > 1; gone--) {
        take_out(&s->candidate, draw(rng, s->candidate.count));
    }
    for (size_t changes = 1 + draw(rng, 3); changes > 0; changes--) {
        change_something(s, rng);
    }
    return steve_shrink_try(s);
}

void steve_shrink_guess(struct steve_shrink *s)
{
    struct steve_rng rng;
    unsigned in_vain = 0;
    steve_rng_seed(&rng, SEED, s->best.count, STEVE_STREAM_OPS);
    while (s->best.count > SHORT_ENOUGH && s->best.count < TOO_LONG && !steve_shrink_over(s) &&
           in_vain < (s->best.count > LONG ? GUESSES_LONG : GUESSES_SHORT)) {
        in_vain = guess(s, &rng) ? 0 : in_vain + 1;
    }
}

/// Sizes so many times as large: then a few blocks fill what many did, and a budget is soon used up.
static void draw_window(struct steve_shrink *s, struct steve_rng *rng)
{
    size_t width = (size_t)steve_rng_log_between(rng, 6, s->best.count / 4);
    size_t begin = draw(rng, s->best.count - width + 1);
    unsigned factor = 1u << draw(rng, 9);
    uint64_t heap = (s->best.header.heap_bytes << draw(rng, 9)) >> draw(rng, 9);
    bool short_budgets = draw(rng, 2) == 0;

    s->candidate.header = s->best.header;
    s->candidate.header.heap_bytes = heap < steve_shrink_heap_min(s) ? steve_shrink_heap_min(s) : heap;
    s->candidate.count = width;
    for (size_t i = 0; i < width; i++) {
        struct steve_op op = s->best.ops[begin + i];
        uint64_t bytes = s->sizes[begin + i];
        if (op.code == STEVE_OP_COMPACT_BUDGET) {
            op = short_budgets ? steve_op_sized(op.code, 0, 1) : op;
        } else if (steve_op_uses_size(op.code) && bytes <= UINT32_MAX / factor && bytes * factor <= heap) {
            op = steve_op_sized(op.code, op.slot, (uint32_t)(bytes * factor));
        }
        s->candidate.ops[i] = op;
    }
}

void steve_shrink_guess_window(struct steve_shrink *s)
{
    struct steve_rng rng;
    uint64_t ops = 0;
    uint64_t most = (uint64_t)WINDOW_OPS_PER_OP * s->best.count;
    unsigned windows = 0;
    steve_rng_seed(&rng, SEED + 1, s->best.count, STEVE_STREAM_OPS);
    while (s->best.count >= WINDOWS_FROM && ops < most && windows++ < WINDOWS_MOST && !steve_shrink_over(s)) {
        draw_window(s, &rng);
        ops += s->candidate.count;
        if (steve_shrink_try(s)) {
            return;
        }
    }
}

static bool is_compaction(struct steve_op op)
{
    return op.code == STEVE_OP_COMPACT || op.code == STEVE_OP_COMPACT_BUDGET || op.code == STEVE_OP_COMPACT_GOAL;
}

/// Hundreds of small blocks are as much work to a compaction as one large block that it has to move; but once the frees are cut, no
/// single change leads from the ones to the other.
void steve_shrink_guess_move(struct steve_shrink *s)
{
    if (s->best.count <= LONG || !is_compaction(s->best.ops[s->best.count - 1])) {
        return;
    }
    const struct steve_op last = s->best.ops[s->best.count - 1];
    for (uint32_t bytes = MOVED_LEAST; bytes <= MOVED_MOST && !steve_shrink_over(s); bytes *= 4) {
        const struct steve_op ops[] = {
            steve_op_sized(STEVE_OP_MALLOC, 0, 64),
            steve_op_sized(STEVE_OP_MALLOC, 1, bytes),
            {.code = STEVE_OP_FREE, .slot = 0},
            last,
        };
        s->candidate.header = s->best.header;
        s->candidate.header.heap_bytes = steve_shrink_larger_heap(s, 4 * (uint64_t)bytes);
        s->candidate.count = sizeof ops / sizeof ops[0];
        memcpy(s->candidate.ops, ops, sizeof ops);
        if (steve_shrink_try(s)) {
            return;
        }
    }
}

/// Marks all ops in a row, somewhere.
static void mark_range(struct steve_shrink *s, struct steve_rng *rng)
{
    size_t count = s->best.count;
    size_t length = (size_t)steve_rng_log_between(rng, count / 16, count - count / 16);
    memset(s->marks + draw(rng, count - length + 1), 1, length);
}

/// Marks the ops of so many slots of 256, whichever.
static void mark_slots(struct steve_shrink *s, struct steve_rng *rng)
{
    uint64_t salt = steve_rng_next(rng);
    size_t share = 16 + draw(rng, 224);
    for (size_t i = 0; i < s->best.count; i++) {
        uint64_t mixed = s->best.ops[i].slot + salt;
        bool chosen = (steve_splitmix64(&mixed) & 255) < share;
        s->marks[i] = chosen && steve_op_uses_slot(s->best.ops[i].code);
    }
}

/// Marks so many ops of 256, whichever.
static void mark_any(struct steve_shrink *s, struct steve_rng *rng)
{
    unsigned share = 16 + (unsigned)draw(rng, 224);
    for (size_t i = 0; i < s->best.count; i++) {
        s->marks[i] = steve_rng_chance(rng, share);
    }
}

void steve_shrink_guess_cuts(struct steve_shrink *s, unsigned in_vain)
{
    struct steve_rng rng;
    unsigned left = in_vain;
    steve_rng_seed(&rng, SEED + 2, s->best.count, STEVE_STREAM_OPS);
    while (s->best.count >= CUTS_FROM && left > 0 && !steve_shrink_over(s)) {
        void (*const marks[])(struct steve_shrink *, struct steve_rng *) = {mark_range, mark_slots, mark_any};
        marks[draw(&rng, 3)](s, &rng);
        left = steve_shrink_try_unmarked(s) ? in_vain : left - 1;
    }
}
