/// The calls that give and take blocks: which of them have pages of their own, when a chunk is added, and what is counted.
#include "heap_internal.h"

#include <string.h>

/// A block for a request, wherever it comes from. @param clean set to whether it is all zero
static void *find_memory(struct baseline_heap *h, size_t alignment, size_t bytes, bool *clean)
{
    *clean = false;
    if (bytes > h->direct_past) {
        void *payload = direct_map(h, alignment, bytes);
        *clean = payload != NULL;
        // Without pages it may still fit into what is free.
        return payload ? payload : h->kind->take(h, alignment, bytes);
    }
    void *payload = h->kind->take(h, alignment, bytes);
    if (payload || !h->mapped)
        return payload;
    const size_t run = h->kind->run_needed(h, alignment, bytes);
    return run != SIZE_MAX && chunk_grow(h, run) ? h->kind->take(h, alignment, bytes) : NULL;
}

static void *request(struct baseline_heap *h, size_t alignment, size_t bytes, bool *clean)
{
    void *payload = find_memory(h, alignment, bytes, clean);
    if (payload) {
        h->live_blocks++;
        h->live_bytes += baseline_extent(h, payload, NULL);
    }
    return payload;
}

void *baseline_malloc(baseline_heap *heap, size_t bytes)
{
    bool clean;
    return request(heap, 0, bytes, &clean);
}

void *baseline_calloc(baseline_heap *heap, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    bool clean;
    void *payload = request(heap, 0, count * size, &clean);
    if (payload && !clean)
        memset(payload, 0, count * size);
    return payload;
}

void *baseline_aligned_alloc(baseline_heap *heap, size_t alignment, size_t bytes)
{
    if (alignment == 0 || alignment > BASELINE_ALIGNMENT_MAX || (alignment & (alignment - 1)) != 0)
        return NULL;
    bool clean;
    return request(heap, alignment, bytes, &clean);
}

/// Resizes a block without copying it. @return NULL if that cannot be
static void *resize_itself(struct baseline_heap *h, void *payload, size_t bytes)
{
    const size_t before = baseline_extent(h, payload, NULL);
    if (is_direct(payload))
        payload = direct_resize(h, payload, bytes);
    else if (!h->kind->resize(h, payload, bytes))
        payload = NULL;
    if (payload)
        h->live_bytes += baseline_extent(h, payload, NULL) - before;
    return payload;
}

void *baseline_resize(baseline_heap *heap, void *address, size_t bytes)
{
    if (!address)
        return baseline_malloc(heap, bytes);
    void *same = resize_itself(heap, address, bytes);
    if (same)
        return same;
    void *moved = baseline_malloc(heap, bytes);
    if (moved) {
        const size_t had = baseline_usable_size(heap, address);
        memcpy(moved, address, had < bytes ? had : bytes);
        baseline_free(heap, address);
    }
    return moved;
}

void baseline_free(baseline_heap *heap, void *address)
{
    if (!address)
        return;
    heap->live_blocks--;
    heap->live_bytes -= baseline_extent(heap, address, NULL);
    if (is_direct(address))
        direct_unmap(heap, address);
    else
        heap->kind->give(heap, address);
}
