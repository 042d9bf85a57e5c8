/// How sizes are drawn: a few distributions, mixed anew for every episode and scaled to its heap. Symbolic sizes (2^k,
/// heap/n, the size of a slot) are drawn as such, so that a reproducer says what was meant.
#ifndef STEVE_GEN_SIZE_MODEL_H
#define STEVE_GEN_SIZE_MODEL_H

#include "steve/core/op.h"
#include "steve/gen/rng.h"

enum steve_size_kind {
    STEVE_SIZES_UNIFORM,   ///< 0 .. twice the mean
    STEVE_SIZES_LOG,       ///< log-uniform, a sixteenth of the mean to four times it
    STEVE_SIZES_POWERS,    ///< powers of two around the mean, and a little more or less
    STEVE_SIZES_FEW,       ///< one of up to eight sizes
    STEVE_SIZES_BIMODAL,   ///< mostly small, sometimes large
    STEVE_SIZES_SAME,      ///< the size of another block, and a little more or less
    STEVE_SIZES_TINY,      ///< 0..32
    STEVE_SIZES_FRACTIONS, ///< heap/n, and a little more or less
    STEVE_SIZES_BOUNDARY,  ///< 0, 1, around the heap's size, twice the heap
    STEVE_SIZES_HUGE,      ///< 2^20 and more, and large parts of the heap: for heaps of lazily mapped memory
    STEVE_SIZES_COUNT
};

#define STEVE_SIZES_ORDINARY ((1u << STEVE_SIZES_HUGE) - 1)
#define STEVE_SIZES_FEW_MAX  8u

struct steve_size_model {
    uint8_t kinds[16]; ///< of enum steve_size_kind: one of these is drawn for every size
    uint64_t heap;     ///< in bytes
    uint32_t mean;     ///< in bytes, 1 or more
    uint32_t few_count;
    uint32_t few[STEVE_SIZES_FEW_MAX];
};

/// Draws a mixture for one episode.
/// @param allowed bits 1 << enum steve_size_kind
/// @param mean    what ordinary sizes are about, in bytes
/// @param blocks  how many blocks are to fit: where they are many, heap-sized ones are rare
void steve_size_model_draw(struct steve_size_model *model, struct steve_rng *rng, uint32_t allowed, uint64_t heap,
                           uint32_t mean, uint32_t blocks);

/// Draws a size: sets the size class, delta and arg of `op`, and nothing else of it. O(1)
/// @param other the slot of another live block, or of none
void steve_size_draw(const struct steve_size_model *model, struct steve_rng *rng, uint16_t other, struct steve_op *op);

/// Sets the size of `op` to a number of bytes.
static inline void steve_size_absolute(struct steve_op *op, uint32_t bytes)
{
    op->size_class = STEVE_SIZE_ABSOLUTE;
    op->arg = (uint16_t)(bytes >> 16);
    op->delta = (int16_t)(uint16_t)(bytes & 0xffff);
}

#endif
