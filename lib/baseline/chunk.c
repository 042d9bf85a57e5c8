/// The memory that blocks lie in: the region, or chunks of pages, mapped as they are needed and given back by
/// baseline_trim().
#define _DEFAULT_SOURCE // MAP_ANONYMOUS, madvise
#include "heap_internal.h"

#include <sys/mman.h>

/// The most that a chunk has beside its blocks: its own struct, the way to the first block, the fence, a rest that makes no
/// unit.
#define CHUNK_OVERHEAD(h) (sizeof(struct chunk) + 2 * (h)->unit + WORD)

static bool has_room(const struct baseline_heap *h, size_t bytes)
{
    return bytes != SIZE_MAX && bytes <= h->limit - h->mapped_bytes;
}

void *pages_map(struct baseline_heap *h, size_t bytes)
{
    if (!has_room(h, bytes))
        return NULL;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    h->mapped_bytes += bytes;
    return pages;
}

void pages_unmap(struct baseline_heap *h, void *pages, size_t bytes)
{
    h->mapped_bytes -= bytes;
    (void)munmap(pages, bytes);
}

static void *chunk_map(struct baseline_heap *h, size_t bytes)
{
    if (!h->map)
        return pages_map(h, bytes);
    void *pages = has_room(h, bytes) ? h->map(h->context, bytes) : NULL;
    h->mapped_bytes += pages ? bytes : 0;
    return pages;
}

void chunk_unmap(struct baseline_heap *h, struct chunk *chunk)
{
    const size_t bytes = chunk->mapped_bytes;
    if (!h->unmap) {
        pages_unmap(h, chunk, bytes);
        return;
    }
    h->mapped_bytes -= bytes;
    h->unmap(h->context, chunk, bytes);
}

void chunk_make(struct baseline_heap *h, void *memory, size_t bytes, size_t mapped_bytes)
{
    struct chunk *chunk = memory;
    char *end = above(memory, bytes);

    // The first block and the fence begin one word below a multiple of the unit.
    char *first = above(chunk, sizeof *chunk + WORD);
    first += distance_up(first, h->unit);
    end -= (uintptr_t)end & (h->unit - 1);
    assert(first + h->least <= end);

    *chunk = (struct chunk){
        .next = h->chunks,
        .mapped_bytes = mapped_bytes,
        .first = below(first, WORD),
        .fence = below(end, WORD),
    };
    chunk->fence->word = USED;
    h->chunks = chunk;
    h->kind->adopt(h, chunk);
}

bool chunk_grow(struct baseline_heap *h, size_t run)
{
    const size_t least = round_up(add(run, CHUNK_OVERHEAD(h)), h->page_bytes);
    const size_t room = (h->limit - h->mapped_bytes) & ~(h->page_bytes - 1);
    size_t bytes = least > h->chunk_bytes ? least : h->chunk_bytes;
    if (bytes > room && room >= least)
        bytes = room;

    void *pages = chunk_map(h, bytes);
    if (!pages && bytes > least) {
        bytes = least; // perhaps the system has a little left
        pages = chunk_map(h, bytes);
    }
    if (!pages)
        return false;
    chunk_make(h, pages, bytes, bytes);
    return true;
}

static bool is_wholly_free(const struct baseline_heap *h, const struct chunk *chunk)
{
    for (struct block *b = chunk->first; b < chunk->fence; b = above(b, h->kind->size(b))) {
        if (!is_free(b))
            return false;
    }
    return true;
}

static void chunk_drop(struct baseline_heap *h, struct chunk *chunk)
{
    for (struct block *b = chunk->first; b < chunk->fence; b = above(b, h->kind->size(b)))
        free_remove(h, b);
    chunk_unmap(h, chunk);
}

/// Gives back the whole pages between the node of each free block and its last word.
static void drop_pages_inside(const struct baseline_heap *h, const struct chunk *chunk)
{
    for (struct block *b = chunk->first; b < chunk->fence; b = above(b, h->kind->size(b))) {
        if (!is_free(b))
            continue;
        char *begin = above(b, h->least);
        char *end = above(b, h->kind->size(b) - WORD);
        begin += distance_up(begin, h->page_bytes);
        end -= (uintptr_t)end & (h->page_bytes - 1);
        if (begin < end)
            (void)madvise(begin, (size_t)(end - begin), MADV_DONTNEED);
    }
}

size_t baseline_trim(baseline_heap *heap)
{
    const size_t before = heap->mapped_bytes;

    if (!heap->mapped)
        return 0;
    for (struct chunk **at = &heap->chunks; *at;) {
        struct chunk *chunk = *at;
        if (is_wholly_free(heap, chunk)) {
            *at = chunk->next;
            chunk_drop(heap, chunk);
        } else {
            drop_pages_inside(heap, chunk);
            at = &chunk->next;
        }
    }
    return before - heap->mapped_bytes;
}
