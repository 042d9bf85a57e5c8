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
#define GUESSES_LONG  50000u
/// Trials of what is longer take too long to be thrown away.
#define TOO_LONG 200u

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
