/// Dealing: a style, then a thread for each op.
#define _GNU_SOURCE
#include "steve/gen/deal.h"

#include <sys/mman.h>

#define SLOTS 65536u

/// Chances are of 256.
struct style {
    unsigned stays;   ///< that a block stays with the thread of the op before
    unsigned goes_on; ///< that a thread takes the next op, too, whatever block it is on
    unsigned makers;  ///< threads 0..makers-1 make blocks and the others free them; 0: all do all
};

static struct style draw_style(struct steve_rng *rng, unsigned threads)
{
    static const unsigned chances[] = {0, 64, 160, 232};
    return (struct style){
        .stays = chances[steve_rng_below(rng, 4)],
        .goes_on = chances[steve_rng_below(rng, 4)],
        .makers = steve_rng_chance(rng, 64) ? 1 + steve_rng_below(rng, threads - 1) : 0,
    };
}

static bool makes(enum steve_op_kind kind)
{
    return kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED;
}

bool steve_deal(struct steve_rng *rng, struct steve_op *ops, size_t count, unsigned threads)
{
    // Mapped, since malloc may be the allocator under test.
    uint8_t *last = mmap(NULL, SLOTS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)last == MAP_FAILED) {
        return false;
    }
    struct style style = draw_style(rng, threads);
    unsigned thread = steve_rng_below(rng, threads);
    for (size_t i = 0; i < count; i++) {
        struct steve_op op = steve_op_canonical(ops[i]);
        enum steve_op_kind kind = steve_op_kind(op.code);
        if (style.makers > 0 && makes(kind)) {
            thread = steve_rng_below(rng, style.makers);
        } else if (style.makers > 0 && kind == STEVE_KIND_FREE) {
            thread = steve_rng_between(rng, style.makers, threads - 1);
        } else if (steve_op_uses_slot(op.code) && last[op.slot] > 0 && steve_rng_chance(rng, style.stays)) {
            thread = last[op.slot] - 1u;
        } else if (!steve_rng_chance(rng, style.goes_on)) {
            thread = steve_rng_below(rng, threads);
        }
        if (steve_op_uses_slot(op.code)) {
            last[op.slot] = (uint8_t)(thread + 1);
        }
        ops[i] = steve_op_on_thread(op, thread);
    }
    munmap(last, SLOTS);
    return true;
}
