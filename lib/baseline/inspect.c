/// Looking at a heap: what a block is, what a request takes, figures, and a walk over all blocks.
#include "heap_internal.h"

size_t baseline_extent(const baseline_heap *heap, const void *address, void **begin)
{
    if (is_direct(address)) {
        const struct direct *direct = direct_of(address);
        if (begin)
            *begin = direct->pages;
        return direct->bytes;
    }
    struct block *b = heap->kind->block_of(address);
    if (begin)
        *begin = b;
    return heap->kind->size(b);
}

size_t baseline_usable_size(const baseline_heap *heap, const void *address)
{
    void *begin;
    const size_t extent = baseline_extent(heap, address, &begin);
    return extent - (size_t)((const char *)address - (const char *)begin);
}

size_t baseline_run_needed(const baseline_heap *heap, size_t alignment, size_t bytes)
{
    return heap->kind->run_needed(heap, alignment, bytes);
}

static bool note_largest(void *context, void *begin, size_t bytes, bool live)
{
    (void)begin;
    size_t *largest = context;
    if (!live && bytes > *largest)
        *largest = bytes;
    return true;
}

void baseline_stats(const baseline_heap *heap, struct baseline_stats *stats)
{
    *stats = (struct baseline_stats){
        .live_blocks = heap->live_blocks,
        .live_bytes = heap->live_bytes,
        .free_blocks = heap->free_blocks,
        .free_bytes = heap->free_bytes,
        .direct_blocks = heap->direct_blocks,
        .mapped_bytes = heap->mapped_bytes,
        .room_bytes = heap->limit == SIZE_MAX ? SIZE_MAX : heap->limit - heap->mapped_bytes,
    };
    for (const struct chunk *chunk = heap->chunks; chunk; chunk = chunk->next)
        stats->chunks++;
    if (!heap->mapped) {
        assert(heap->chunks && "a region is a chunk");
        stats->arena = heap->chunks->first;
        stats->arena_bytes = (size_t)((char *)heap->chunks->fence - (char *)heap->chunks->first);
    }
}

size_t baseline_largest_free(const baseline_heap *heap)
{
    size_t largest = 0;
    (void)baseline_walk(heap, note_largest, &largest);
    return largest;
}

bool baseline_walk(const baseline_heap *heap, bool (*visit)(void *context, void *begin, size_t bytes, bool live),
                   void *context)
{
    for (const struct chunk *chunk = heap->chunks; chunk; chunk = chunk->next) {
        for (struct block *b = chunk->first; b < chunk->fence;) {
            struct block *next = above(b, heap->kind->size(b));
            if (!visit(context, b, heap->kind->size(b), !is_free(b)))
                return false;
            b = next;
        }
    }
    for (const struct direct *direct = heap->directs; direct; direct = direct->next) {
        if (!visit(context, direct->pages, direct->bytes, true))
            return false;
    }
    return true;
}
