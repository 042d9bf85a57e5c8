/// The check of a whole heap: block by block in each chunk, then the index, then the figures.
#include "heap_internal.h"

/// What lies in the chunks, as it is seen.
struct sum {
    size_t live_blocks;
    size_t live_bytes;
    size_t free_blocks;
    size_t free_bytes;
    size_t mapped_bytes;
};

static const char *check_chunk(const struct baseline_heap *h, const struct chunk *chunk, struct sum *sum)
{
    const struct block *lower = NULL;
    for (const struct block *b = chunk->first; b != chunk->fence;) {
        const size_t size = h->kind->size(b);
        const size_t room = (size_t)((const char *)chunk->fence - (const char *)b);
        if (size < h->least || size % h->unit != 0)
            return "a block's header has a size that no block has";
        if (size > room)
            return "a block reaches past the end of its chunk";
        const char *damage = h->kind->check_block(h, b, lower);
        if (damage)
            return damage;
        *(is_free(b) ? &sum->free_blocks : &sum->live_blocks) += 1;
        *(is_free(b) ? &sum->free_bytes : &sum->live_bytes) += size;
        lower = b;
        b = above(b, size);
    }
    sum->mapped_bytes += chunk->mapped_bytes;
    return (chunk->fence->word & ~(size_t)BELOW_FREE) == USED ? NULL : "the fence at a chunk's end was overwritten";
}

static const char *check_directs(const struct baseline_heap *h, struct sum *sum)
{
    const struct direct *prev = NULL;
    size_t count = 0;
    for (const struct direct *direct = h->directs; direct; prev = direct, direct = direct->next) {
        if (++count > h->direct_blocks || direct->prev != prev || direct->word != (USED | DIRECT))
            return "the list of blocks with pages of their own is damaged";
        sum->live_blocks++;
        sum->live_bytes += direct->bytes;
        sum->mapped_bytes += direct->bytes;
    }
    return count == h->direct_blocks ? NULL : "the list of blocks with pages of their own lacks one";
}

const char *baseline_check(const baseline_heap *heap)
{
    struct sum sum = {.mapped_bytes = heap->mapped ? heap->page_bytes : 0};
    const char *damage = NULL;
    for (const struct chunk *chunk = heap->chunks; chunk && !damage; chunk = chunk->next)
        damage = check_chunk(heap, chunk, &sum);
    if (!damage)
        damage = heap->kind->check(heap);
    if (!damage)
        damage = check_directs(heap, &sum);
    if (damage)
        return damage;

    if (sum.free_blocks != heap->free_blocks || sum.free_bytes != heap->free_bytes)
        return "the count of free blocks or of their bytes is wrong";
    if (sum.live_blocks != heap->live_blocks || sum.live_bytes != heap->live_bytes)
        return "the count of live blocks or of their bytes is wrong";
    return sum.mapped_bytes == heap->mapped_bytes ? NULL : "the count of mapped bytes is wrong";
}
