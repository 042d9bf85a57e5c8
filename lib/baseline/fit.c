/// Splitting a block that fits and joining it again with its neighbours, for all kinds but the buddy system. They differ in
/// how a free block is found, which is the business of their index (struct kind).
///
/// No two free blocks ever lie side by side, so a run of free memory is one free block.
#include "heap_internal.h"

size_t fit_size(const struct block *b)
{
    return b->word & ~(size_t)FLAGS;
}

struct block *fit_block_of(const void *payload)
{
    return below(payload, WORD);
}

/// Sets size and use. What is known of the block below stays known.
static void set_header(struct block *b, size_t size, size_t used)
{
    b->word = size | used | (b->word & BELOW_FREE);
}

void fit_adopt(struct baseline_heap *h, struct chunk *chunk)
{
    chunk->first->word = (size_t)((char *)chunk->fence - (char *)chunk->first);
    free_insert(h, chunk->first);
}

/// Bytes of a block for a request. @return SIZE_MAX if there is no such block
static size_t block_size(const struct baseline_heap *h, size_t bytes)
{
    const size_t size = round_up(add(bytes, WORD), h->unit);
    return size < h->least ? h->least : size;
}

size_t fit_run_needed(const struct baseline_heap *h, size_t alignment, size_t bytes)
{
    const size_t size = block_size(h, bytes);
    // In front of an aligned block there is nothing, or what makes a free block: up to `least` and the way to the next multiple.
    return alignment <= h->alignment ? size : add(size, alignment - h->alignment + h->least);
}

/// How much of a free block is left in front of an aligned one.
static size_t front_gap(const struct baseline_heap *h, const struct block *b, size_t alignment)
{
    if (alignment <= h->alignment || distance_up(payload_of(b), alignment) == 0)
        return 0;
    const char *earliest = above(payload_of(b), h->least);
    return h->least + distance_up(earliest, alignment);
}

/// Frees what a live block has beyond `size`, if that makes a block. What lies above is not free.
static void split_tail(struct baseline_heap *h, struct block *b, size_t size)
{
    const size_t rest = fit_size(b) - size;
    if (rest < h->least)
        return;
    set_header(b, size, USED);
    struct block *tail = next_in_memory(b);
    tail->word = rest;
    free_insert(h, tail);
}

void *fit_take(struct baseline_heap *h, size_t alignment, size_t bytes)
{
    const size_t run = fit_run_needed(h, alignment, bytes);
    struct block *b = run == SIZE_MAX ? NULL : h->kind->find(h, run);
    if (!b)
        return NULL;
    assert(is_free(b) && fit_size(b) >= run);

    free_remove(h, b);
    const size_t size = fit_size(b);
    const size_t gap = front_gap(h, b, alignment);
    set_header(b, size, USED);
    if (gap > 0) {
        struct block *front = b;
        b = above(b, gap);
        b->word = (size - gap) | USED;
        set_header(front, gap, 0);
        free_insert(h, front);
    }
    split_tail(h, b, block_size(h, bytes));
    return payload_of(b);
}

/// Frees a block, joined with its free neighbours. They leave the index first: it may be ordered by their size.
static void join(struct baseline_heap *h, struct block *b)
{
    size_t size = fit_size(b);

    struct block *upper = next_in_memory(b);
    if (is_free(upper)) {
        free_remove(h, upper);
        size += fit_size(upper);
    }
    struct block *lower = h->kind->below(h, b);
    if (lower) {
        free_remove(h, lower);
        size += fit_size(lower);
        b = lower;
    }
    set_header(b, size, 0);
    free_insert(h, b);
}

void fit_give(struct baseline_heap *h, void *payload)
{
    join(h, fit_block_of(payload));
}

static void shrink(struct baseline_heap *h, struct block *b, size_t size)
{
    const size_t rest = fit_size(b) - size;
    if (rest < h->least)
        return;
    set_header(b, size, USED);
    struct block *tail = next_in_memory(b);
    tail->word = rest | USED;
    join(h, tail);
}

bool fit_resize(struct baseline_heap *h, void *payload, size_t bytes)
{
    struct block *b = fit_block_of(payload);
    const size_t size = block_size(h, bytes);
    if (size <= fit_size(b)) {
        shrink(h, b, size);
        return true;
    }
    struct block *upper = next_in_memory(b);
    if (size == SIZE_MAX || !is_free(upper) || fit_size(b) + fit_size(upper) < size)
        return false;
    free_remove(h, upper);
    set_header(b, fit_size(b) + fit_size(upper), USED);
    split_tail(h, b, size);
    return true;
}

const char *fit_check_block(const struct baseline_heap *h, const struct block *b, const struct block *lower)
{
    (void)h;
    if (lower && is_free(lower) && is_free(b))
        return "two free blocks lie side by side";
    return (b->word & DIRECT) != 0 ? "a block's header has a flag that it cannot have" : NULL;
}
