/// Blocks with pages of their own: requests past the threshold. They are linked, so that the heap can be destroyed.
///
///     | ... | struct direct | payload ...                    |
///     ^ pages               ^ aligned as asked for           ^ the last page's end
#define _GNU_SOURCE // MAP_ANONYMOUS, mremap
#include "heap_internal.h"

#include <string.h>
#include <sys/mman.h>

static_assert(offsetof(struct direct, word) == sizeof(struct direct) - WORD, "the word lies right below the payload");

struct direct *direct_of(const void *payload)
{
    return below(payload, sizeof(struct direct));
}

static size_t offset_of(const struct direct *direct)
{
    return (size_t)((const char *)(direct + 1) - (const char *)direct->pages);
}

/// Makes its neighbours in the list, or the heap, point at it. It may have moved.
static void link_in(struct baseline_heap *h, struct direct *direct)
{
    if (direct->next)
        direct->next->prev = direct;
    if (direct->prev)
        direct->prev->next = direct;
    else
        h->directs = direct;
}

void *direct_map(struct baseline_heap *h, size_t alignment, size_t bytes)
{
    const size_t offset = round_up(sizeof(struct direct), h->alignment);
    // Pages are aligned; beyond that the way to the next multiple may be as long as the alignment.
    const size_t beyond = alignment > h->alignment ? alignment : 0;
    const size_t whole = round_up(add(add(offset, beyond), bytes), h->page_bytes);
    void *pages = pages_map(h, whole);
    if (!pages)
        return NULL;

    char *payload = above(pages, offset);
    if (beyond > 0)
        payload += distance_up(payload, alignment);
    struct direct *direct = direct_of(payload);
    *direct = (struct direct){.next = h->directs, .pages = pages, .bytes = whole, .word = USED | DIRECT};
    link_in(h, direct);
    h->direct_blocks++;
    return payload;
}

void direct_unmap(struct baseline_heap *h, void *payload)
{
    const struct direct *direct = direct_of(payload);

    if (direct->next)
        direct->next->prev = direct->prev;
    if (direct->prev)
        direct->prev->next = direct->next;
    else
        h->directs = direct->next;
    h->direct_blocks--;
    pages_unmap(h, direct->pages, direct->bytes);
}

/// Lets the system find a place for more pages. @return NULL if there is none
static void *grow(struct baseline_heap *h, const struct direct *direct, size_t whole)
{
    const size_t more = whole - direct->bytes;
    if (more > h->limit - h->mapped_bytes)
        return NULL;
#ifdef MREMAP_MAYMOVE
    const size_t offset = offset_of(direct);
    void *pages = mremap(direct->pages, direct->bytes, whole, MREMAP_MAYMOVE);
    if (pages == MAP_FAILED)
        return NULL;
    h->mapped_bytes += more;
    struct direct *moved = direct_of(above(pages, offset));
    moved->pages = pages;
    moved->bytes = whole;
    link_in(h, moved);
    return moved + 1;
#else
    return NULL;
#endif
}

void *direct_resize(struct baseline_heap *h, void *payload, size_t bytes)
{
    struct direct *direct = direct_of(payload);
    const size_t whole = round_up(add(offset_of(direct), bytes), h->page_bytes);

    if (whole == SIZE_MAX)
        return NULL;
    if (whole > direct->bytes)
        return grow(h, direct, whole);
    if (whole < direct->bytes) {
        const size_t less = direct->bytes - whole;
        direct->bytes = whole;
        pages_unmap(h, above(direct->pages, whole), less);
    }
    return payload;
}
