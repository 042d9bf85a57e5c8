/// A heap that scrambles moves every block that is not locked at each request, so that pointers which a client kept too long
/// go wrong in its tests and not at its customers'. The lowest block of each stretch between two locked ones goes to the top, and
/// everything above it slides down by its size.
#include "gate_internal.h"

#define FREED_BYTE 0xdd

/// Moves a block, which is claimed, to the top of the heap, if there is room. @return where what became of its place begins
static uint32_t lift(struct jeff_heap *h, struct pass *pass, uint32_t start, uint32_t header, uint32_t size)
{
    const struct request request = {
        .granules = size,
        .alignment = alignment_of(h, start, header),
        .wide = class_of(header) == CLASS_WIDE,
    };
    const uint32_t room = top_take(h, &request, false);
    if (!room) {
        gate_release(h, header & SLOT_MASK);
        return start;
    }
    set_header(h, room, (header_of(h, room) & FREE_BELOW) | (header & ~FREE_BELOW));
    hidden_copy(at(h, room), at(h, start), (size_t)size * GRANULE - HEADER);
    pass_book_move(h, pass, header & SLOT_MASK, start, room, size);
    const bool below = header & FREE_BELOW;
    const uint32_t hole = below ? hole_below(h, start) : start;
    run_free(h, start, size, below);
    return hole;
}

/// Lifts the lowest block of each stretch between two locked ones.
static void lift_lowest(struct jeff_heap *h, struct pass *pass)
{
    const uint32_t end = h->top;
    bool lowest = true;
    for (uint32_t start = h->first; start < end; start += size_at(h, start)) {
        const uint32_t header = header_of(h, start);
        const struct entry *e = is_hole(header) ? NULL : entry_at(h, header & SLOT_MASK);
        if (!e || !is_live(e))
            continue;
        if (lock_count(h, header & SLOT_MASK) || (lowest && !gate_claim(h, header & SLOT_MASK))) {
            lowest = true;
        } else if (lowest) {
            start = lift(h, pass, start, header, size_at(h, start));
            lowest = false;
        }
    }
}

/// Overwrites what a client may still read of memory that is free: all of a hole but what the heap itself keeps there.
static void overwrite_free(struct jeff_heap *h)
{
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        if (is_hole(header) && size > 1)
            hidden_fill(at(h, start) + 12, FREED_BYTE, (size_t)size * GRANULE - HEADER - 12 - HEADER);
    }
    const uint32_t top = top_free(h);
    if (top)
        hidden_fill(at(h, h->top), FREED_BYTE, (size_t)top * GRANULE - HEADER);
}

void scramble(struct jeff_heap *h)
{
    struct pass pass = {0};
    halfway_end(h);  // a callback may free what is halfway before the pass comes to it
    moving_begin(h); // which the pass ends
    lift_lowest(h, &pass);
    pass_run(h, &pass, false);
    overwrite_free(h);
}
