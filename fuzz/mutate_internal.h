/// What the mutator's files share: the fields of a sequence's header in bytes (steve/core/codec.h), a sequence that is worked on, how
/// single ops are drawn (mutate_draw.c), runs of them that make a situation (mutate_situation.c), and the heap that fits (mutate_fit.c).
#ifndef STEVE_FUZZ_MUTATE_INTERNAL_H
#define STEVE_FUZZ_MUTATE_INTERNAL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/core/codec.h"
#include "steve/gen/rng.h"

/// Where the header has what is changed or completed.
enum {
    AT_FLAGS = 2,
    AT_OPTIONS = 3,
    AT_HEAP = 4,
    HEAP_WIDTH = 6,
    AT_BASE = 10,
    AT_ZERO = 12,
};

static inline uint64_t mutate_read_heap(const uint8_t *bytes)
{
    uint64_t heap = 0;
    for (unsigned i = 0; i < HEAP_WIDTH; i++)
        heap |= (uint64_t)bytes[AT_HEAP + i] << (8 * i);
    return heap;
}

static inline void mutate_write_heap(uint8_t *bytes, uint64_t heap)
{
    for (unsigned i = 0; i < HEAP_WIDTH; i++)
        bytes[AT_HEAP + i] = (uint8_t)(heap >> (8 * i));
}

/// The longest run of ops that is moved, duplicated or made at once.
#define MUTATE_MAX_RUN 32u

/// Slots from here on are folded when they are renamed, and never known to live.
#define MUTATE_SLOTS 4096u

/// A sequence that is worked on, in place: an op is decoded where it is looked at, and encoded where it is changed.
struct mutate_work {
    struct steve_rng *rng;
    uint8_t *bytes;
    size_t count;    ///< of ops
    size_t capacity; ///< of ops
};

static inline uint8_t *mutate_record_at(const struct mutate_work *w, size_t i)
{
    assert(i <= w->count);
    return w->bytes + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD;
}

static inline struct steve_op mutate_op_at(const struct mutate_work *w, size_t i)
{
    assert(i < w->count);
    return steve_bytes_decode_op(mutate_record_at(w, i));
}

static inline void mutate_set_op(const struct mutate_work *w, size_t i, struct steve_op op)
{
    steve_bytes_encode_op(steve_op_canonical(op), mutate_record_at(w, i));
}

static inline size_t mutate_below(const struct mutate_work *w, size_t count)
{
    return steve_rng_below(w->rng, (uint32_t)count);
}

static inline bool mutate_chance(const struct mutate_work *w, unsigned of_256)
{
    return steve_rng_chance(w->rng, of_256);
}

/// A set of slots below MUTATE_SLOTS.
struct mutate_slot_set {
    uint64_t bits[MUTATE_SLOTS / 64];
};

static inline bool mutate_has_slot(const struct mutate_slot_set *set, uint16_t slot)
{
    return slot < MUTATE_SLOTS && (set->bits[slot / 64] >> (slot % 64) & 1) != 0;
}

static inline void mutate_add_slot(struct mutate_slot_set *set, uint16_t slot)
{
    if (slot < MUTATE_SLOTS)
        set->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static inline void mutate_drop_slot(struct mutate_slot_set *set, uint16_t slot)
{
    if (slot < MUTATE_SLOTS)
        set->bits[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

/// True for malloc, calloc and aligned.
bool mutate_allocates(struct steve_op op);

/// The slots that live before the op at `i`, if every request is served. O(i)
void mutate_find_live(const struct mutate_work *w, size_t i, struct mutate_slot_set *live);

/// One of the live slots, those of many ops more often than others. @return false if the ops before `i` name none
bool mutate_pick_live(const struct mutate_work *w, size_t i, const struct mutate_slot_set *live, uint16_t *slot);

/// One of the lowest slots that are empty.
uint16_t mutate_pick_empty(const struct mutate_work *w, const struct mutate_slot_set *live);

/// A little more, a little less, or just so; most often by less than a header.
int16_t mutate_small_shift(const struct mutate_work *w);

/// A delta that is shifted. Around its end rather than beyond it: the field has 16 bits, and absolute sizes use them as such.
int16_t mutate_plus(int16_t delta, int shift);

/// Gives an op the size of another.
void mutate_take_size(struct steve_op *op, struct steve_op from);

/// Gives it one at a boundary: heap/n, 2^k, the size of a block, the maximum, each -/+ a little.
void mutate_snap_size(const struct mutate_work *w, struct steve_op *op);

/// Gives it that of an op of the sequence, -1 to +1. @return false if none has a size
bool mutate_copy_size(const struct mutate_work *w, struct steve_op *op);

/// Gives it a size of any of these kinds, or just a number.
void mutate_new_size(const struct mutate_work *w, struct steve_op *op);

/// A code, with the weights of new ops.
uint8_t mutate_pick_code(const struct mutate_work *w);

/// A compaction of one of its three forms.
struct steve_op mutate_new_compaction(const struct mutate_work *w);

/// An op of `code` for the place before the op at `i`, where `live` are the slots that live.
struct steve_op mutate_new_op(const struct mutate_work *w, uint8_t code, size_t i, const struct mutate_slot_set *live);

/// Puts an op before the one at `i`. @return false if there is no room
bool mutate_insert(struct mutate_work *w, size_t i, struct steve_op op);

/// The length of a run within `most` ops: any octave of lengths is as likely as another. @param most 1 or more
size_t mutate_run_length(const struct mutate_work *w, size_t most);

/// Allocations of one size side by side, or one thing done to many blocks: what makes holes, full heaps and long lists.
void mutate_insert_run(struct mutate_work *w);

/// A compaction with a budget that is soon over, a few ops, and what goes on from there.
void mutate_insert_pause(struct mutate_work *w);

/// Blocks become purgeable, the heap is filled, and one more request has them purged.
void mutate_insert_pressure(struct mutate_work *w);

/// Some large blocks, in a heap that has room for them, and what makes them move.
void mutate_insert_large(struct mutate_work *w);

/// A hole between blocks that stay, in a heap that has little else to give, and what just fits there, or just does not.
void mutate_insert_hole(struct mutate_work *w);

/// Makes the heap just about as large as what lives before the op at `i`, if every request is served. O(i)
void mutate_fit_heap(struct mutate_work *w, size_t i);

#endif
