/// A heap that is just large enough for the ops that are there, as far as that can be told without running them: the edge of refusal is
/// where an allocator has most to do.
#include "fuzz/mutate_internal.h"

#include <string.h>

/// What a request is for, 0 if that is next to nothing or more than there is.
static uint64_t bytes_of(struct steve_op op, uint64_t heap, const uint64_t *size)
{
    uint64_t bytes = 0;
    if (op.size_class < STEVE_SIZE_POWER)
        bytes = (uint64_t)op.arg << 16 | (uint16_t)op.delta;
    else if (op.size_class < STEVE_SIZE_HEAP)
        bytes = (UINT64_C(1) << (op.size_class - STEVE_SIZE_POWER)) + (uint64_t)(int64_t)op.delta;
    else if (op.size_class < STEVE_SIZE_OF_SLOT)
        bytes = heap / (op.size_class > STEVE_SIZE_HEAP ? (unsigned)(op.size_class - STEVE_SIZE_HEAP) : 1u) +
                (uint64_t)(int64_t)op.delta;
    else if (op.size_class < STEVE_SIZE_MAX)
        bytes = (op.arg < MUTATE_SLOTS ? size[op.arg] : 0) + (uint64_t)(int64_t)op.delta;
    return bytes <= heap ? bytes : 0;
}

/// @return the bytes that live before the op at `i`, with what an allocator may want for each block, if every request is served
static uint64_t live_bytes(const struct mutate_work *w, size_t i)
{
    uint64_t size[MUTATE_SLOTS];
    uint64_t live = 0;
    const uint64_t heap = mutate_read_heap(w->bytes);
    memset(size, 0, sizeof size);
    for (size_t k = 0; k < i; k++) {
        const struct steve_op op = mutate_op_at(w, k);
        if (op.code == STEVE_OP_DRAIN) {
            memset(size, 0, sizeof size);
            live = 0;
        }
        if (op.slot >= MUTATE_SLOTS)
            continue;
        const bool sized = mutate_allocates(op) ? size[op.slot] == 0 : op.code == STEVE_OP_RESIZE && size[op.slot] != 0;
        if (!sized && op.code != STEVE_OP_FREE)
            continue;
        const uint64_t wants = sized ? (bytes_of(op, heap, size) + 4 + 15) / 16 * 16 : 0;
        live = live - size[op.slot] + wants;
        size[op.slot] = wants;
    }
    return live;
}

void mutate_fit_heap(struct mutate_work *w, size_t i)
{
    const uint64_t live = live_bytes(w, i);
    if (live == 0 || live > UINT32_MAX)
        return;
    // What an allocator needs for itself is not known: anything from nothing to some KiB, and some of it grows with the heap.
    const uint64_t own =
        steve_rng_log_between(w->rng, 1, 4096) + (mutate_chance(w, 128) ? 0 : live / 16 * mutate_below(w, 4));
    mutate_write_heap(w->bytes, live + own);
}
