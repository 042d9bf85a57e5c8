/// Sizes: what each distribution draws, and how an episode mixes them.
#include "steve/gen/size_model.h"

#define MEAN_MAX   (UINT32_C(1) << 28)
#define RARE_PARTS 1u /* of 16: kinds that few blocks of a full heap can have */

static uint32_t smaller(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

static unsigned log2_of(uint64_t value)
{
    return 63 - (unsigned)__builtin_clzll(value | 1);
}

static bool is_rare(uint8_t kind, uint32_t blocks)
{
    return kind == STEVE_SIZES_BOUNDARY || kind == STEVE_SIZES_HUGE || (kind == STEVE_SIZES_FRACTIONS && blocks > 48);
}

/// One of the allowed kinds that can make up most of an episode.
static uint8_t main_kind(struct steve_rng *rng, uint32_t allowed, uint32_t blocks)
{
    for (int tries = 0; tries < 16; tries++) {
        uint8_t kind = (uint8_t)steve_rng_below(rng, STEVE_SIZES_COUNT);
        // Copies of other sizes and tiny ones alone would leave the heap empty.
        bool fills = !is_rare(kind, blocks) && kind != STEVE_SIZES_SAME && kind != STEVE_SIZES_TINY;
        if (fills && (allowed >> kind & 1)) {
            return kind;
        }
    }
    return STEVE_SIZES_UNIFORM;
}

void steve_size_model_draw(struct steve_size_model *model, struct steve_rng *rng, uint32_t allowed, uint64_t heap,
                           uint32_t mean, uint32_t blocks)
{
    model->heap = heap;
    model->mean = mean < 1 ? 1 : smaller(mean, MEAN_MAX);

    uint8_t kind = main_kind(rng, allowed, blocks);
    for (unsigned i = 0; i < 16; i++) {
        model->kinds[i] = kind;
    }

    // Up to three more kinds take some of the sixteen places; the last place goes to a rare kind in most episodes.
    for (unsigned others = steve_rng_below(rng, 4), at = 0; others > 0; others--) {
        uint8_t more = (uint8_t)steve_rng_below(rng, STEVE_SIZES_COUNT);
        if ((allowed >> more & 1) == 0) {
            continue;
        }
        unsigned parts = is_rare(more, blocks) ? RARE_PARTS : steve_rng_between(rng, 1, 4);
        while (parts-- > 0) {
            model->kinds[at++] = more;
        }
    }
    if (allowed >> STEVE_SIZES_HUGE & 1) {
        model->kinds[14] = STEVE_SIZES_HUGE;
        model->kinds[13] = steve_rng_chance(rng, 128) ? STEVE_SIZES_HUGE : model->kinds[13];
    }

    model->few_count = steve_rng_between(rng, 1, STEVE_SIZES_FEW_MAX);
    for (unsigned i = 0; i < STEVE_SIZES_FEW_MAX; i++) {
        model->few[i] = (uint32_t)steve_rng_log_between(rng, 1, (uint64_t)model->mean * 2);
    }
}

/// A little more or less: mostly within a header's size, so that the edges between size classes are met.
static int16_t small_delta(struct steve_rng *rng)
{
    if (steve_rng_chance(rng, 96)) {
        return 0;
    }
    if (steve_rng_chance(rng, 32)) {
        return (int16_t)((int)steve_rng_below(rng, 513) - 256);
    }
    return (int16_t)((int)steve_rng_below(rng, 35) - 17);
}

static void power(struct steve_rng *rng, struct steve_op *op, unsigned low, unsigned high)
{
    op->size_class = (uint8_t)(STEVE_SIZE_POWER + steve_rng_between(rng, low, high));
    op->delta = small_delta(rng);
    op->arg = 0;
}

static void fraction(struct steve_rng *rng, struct steve_op *op, unsigned low, unsigned high)
{
    op->size_class = (uint8_t)(STEVE_SIZE_HEAP + steve_rng_between(rng, low, high));
    op->delta = small_delta(rng);
    op->arg = 0;
}

/// Sizes at which arithmetic goes wrong. Those that no heap can serve are one in eight of these.
static void boundary(const struct steve_size_model *model, struct steve_rng *rng, struct steve_op *op)
{
    switch (steve_rng_below(rng, 8)) {
    case 0:
    case 1:
    case 2:
        steve_size_absolute(op, steve_rng_below(rng, 3));
        return;
    case 3:
        op->size_class = STEVE_SIZE_MAX;
        op->delta =
            (int16_t)(uint16_t)(steve_rng_chance(rng, 128) ? steve_rng_below(rng, 64) : steve_rng_below(rng, 65536));
        op->arg = 0;
        return;
    case 4:
        if (model->heap < UINT32_MAX / 2) {
            steve_size_absolute(op, (uint32_t)model->heap * 2);
            return;
        }
        power(rng, op, log2_of(model->heap) + 1, 63);
        return;
    case 5:
        // About the heap's size, or what no address space has: what lies between, an allocator without a region might
        // grant.
        if (steve_rng_chance(rng, 192)) {
            power(rng, op, log2_of(model->heap), log2_of(model->heap) + 1);
        } else {
            power(rng, op, 48, 63);
        }
        return;
    default:
        fraction(rng, op, 1, 4);
        return;
    }
}

static void bimodal(const struct steve_size_model *model, struct steve_rng *rng, struct steve_op *op)
{
    uint32_t mean = model->mean;
    bool large = steve_rng_chance(rng, 24);
    steve_size_absolute(op, large ? steve_rng_between(rng, mean * 3, mean * 9) : steve_rng_below(rng, mean + 1));
}

static void huge(const struct steve_size_model *model, struct steve_rng *rng, struct steve_op *op)
{
    unsigned top = log2_of(model->heap);
    if (top <= 20 || steve_rng_chance(rng, 96)) {
        fraction(rng, op, 2, 63);
        return;
    }
    power(rng, op, 20, top - 1);
}

void steve_size_draw(const struct steve_size_model *model, struct steve_rng *rng, uint16_t other, struct steve_op *op)
{
    uint64_t bits = steve_rng_next(rng);
    uint32_t mean = model->mean;
    uint32_t draw = (uint32_t)(bits >> 32);

    if ((bits & 0x3ff) == 0) {
        boundary(model, rng, op);
        return;
    }
    switch (model->kinds[bits >> 10 & 15]) {
    case STEVE_SIZES_LOG:
        steve_size_absolute(op, (uint32_t)steve_rng_log_between(rng, mean / 16 + 1, (uint64_t)mean * 4));
        return;
    case STEVE_SIZES_POWERS: {
        unsigned middle = log2_of(mean);
        power(rng, op, middle > 3 ? middle - 3 : 0, middle + 1);
        return;
    }
    case STEVE_SIZES_FEW:
        steve_size_absolute(op, model->few[((uint64_t)draw * model->few_count) >> 32]);
        return;
    case STEVE_SIZES_BIMODAL:
        bimodal(model, rng, op);
        return;
    case STEVE_SIZES_SAME:
        op->size_class = STEVE_SIZE_OF_SLOT;
        op->delta = small_delta(rng);
        op->arg = other;
        return;
    case STEVE_SIZES_TINY:
        steve_size_absolute(op, (uint32_t)(((uint64_t)draw * 33) >> 32));
        return;
    case STEVE_SIZES_FRACTIONS:
        fraction(rng, op, 2, 63);
        return;
    case STEVE_SIZES_BOUNDARY:
        boundary(model, rng, op);
        return;
    case STEVE_SIZES_HUGE:
        huge(model, rng, op);
        return;
    default:
        steve_size_absolute(op, (uint32_t)(((uint64_t)draw * ((uint64_t)mean * 2 + 1)) >> 32));
        return;
    }
}
