/// How the blocks of a hostile heap lie: handles, address order, gaps. First fit, O(blocks) a call.
#include "steve/drivers/hostile_heap_internal.h"

#include <string.h>

#define GENERATION_MAX 0xffffffu

bool hostile_is_due(struct hostile_heap *h, enum misdeed misdeed)
{
    if (h->misdeed != misdeed) {
        return false;
    }
    if (h->after > 0) {
        h->after--;
    }
    return h->after == 0;
}

static size_t round_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

size_t hostile_extent_for(size_t bytes)
{
    return bytes == 0 ? HOSTILE_GRANULE : round_up(bytes, HOSTILE_GRANULE);
}

size_t hostile_align_offset(const struct hostile_heap *h, size_t offset, size_t alignment)
{
    uintptr_t base = (uintptr_t)h->base;
    return (size_t)(round_up(base + offset, alignment) - base);
}

// Handles

/// Slot, generation and salt, and a parity bit: so one flipped bit never makes another live ref.
static steve_ref make_ref(const struct hostile_heap *h, size_t slot, uint32_t generation)
{
    steve_ref ref = (steve_ref)(slot + 1) | (steve_ref)generation << 24 | (steve_ref)(h->salt & 0x7fff) << 48;
    return ref | (steve_ref)(__builtin_popcountll(ref) & 1) << 63;
}

struct hostile_block *hostile_find(struct hostile_heap *h, steve_ref ref)
{
    size_t slot = (size_t)(ref & 0xffffff) - 1;
    if (ref == 0 || slot >= h->slots_used || h->blocks[slot].ref != ref) {
        return NULL;
    }
    return &h->blocks[slot];
}

struct hostile_block *hostile_take_slot(struct hostile_heap *h)
{
    size_t slot;
    if (h->first_free != 0) {
        slot = h->first_free - 1;
        h->first_free = h->blocks[slot].next_free;
    } else if (h->slots_used < HOSTILE_BLOCKS_MAX) {
        slot = h->slots_used++;
    } else {
        return NULL;
    }
    struct hostile_block *block = &h->blocks[slot];
    block->generation++;
    block->ref = make_ref(h, slot, block->generation);
    block->locks = 0;
    return block;
}

void hostile_give_slot_back(struct hostile_heap *h, struct hostile_block *block)
{
    block->ref = 0;
    if (block->generation < GENERATION_MAX) {
        block->next_free = h->first_free;
        h->first_free = (uint32_t)(block - h->blocks) + 1;
    }
}

// Order and gaps

struct hostile_block *hostile_at(struct hostile_heap *h, size_t index)
{
    return &h->blocks[h->order[index]];
}

size_t hostile_rank_of(struct hostile_heap *h, size_t offset)
{
    size_t low = 0;
    size_t high = h->live;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hostile_at(h, middle)->offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void hostile_order_insert(struct hostile_heap *h, struct hostile_block *block)
{
    size_t index = hostile_rank_of(h, block->offset);
    memmove(&h->order[index + 1], &h->order[index], (h->live - index) * sizeof h->order[0]);
    h->order[index] = (uint32_t)(block - h->blocks);
    h->live++;
    h->live_bytes += block->bytes;
}

void hostile_order_remove(struct hostile_heap *h, struct hostile_block *block)
{
    size_t index = hostile_rank_of(h, block->offset);
    while (hostile_at(h, index) != block) { // only an overlap makes two blocks begin at the same offset
        index++;
    }
    h->live--;
    h->live_bytes -= block->bytes;
    memmove(&h->order[index], &h->order[index + 1], (h->live - index) * sizeof h->order[0]);
}

size_t hostile_gap_begin(struct hostile_heap *h, size_t index)
{
    return index == 0 ? h->begin : hostile_at(h, index - 1)->offset + hostile_at(h, index - 1)->bytes;
}

size_t hostile_gap_end(struct hostile_heap *h, size_t index)
{
    return index == h->live ? h->end : hostile_at(h, index)->offset;
}

bool hostile_fits(const struct hostile_heap *h, size_t begin, size_t end, size_t alignment, size_t bytes,
                  size_t *offset)
{
    *offset = hostile_align_offset(h, begin, alignment);
    return *offset <= end && end - *offset >= bytes;
}

bool hostile_find_gap(struct hostile_heap *h, size_t alignment, size_t bytes, size_t *offset)
{
    for (size_t i = 0; i <= h->live; i++) {
        if (hostile_fits(h, hostile_gap_begin(h, i), hostile_gap_end(h, i), alignment, bytes, offset)) {
            return true;
        }
    }
    return false;
}

size_t hostile_largest_gap(struct hostile_heap *h)
{
    size_t largest = 0;
    for (size_t i = 0; i <= h->live; i++) {
        size_t begin = hostile_align_offset(h, hostile_gap_begin(h, i), HOSTILE_GRANULE);
        size_t end = hostile_gap_end(h, i);
        if (end > begin && end - begin > largest) {
            largest = end - begin;
        }
    }
    return largest;
}
