/// Making and destroying a heap.
///
///     region    | heap | lists of the buddy system | chunk ...                  |
///     mapped    | heap | lists of the buddy system |    a page;   chunks and direct blocks elsewhere
#define _DEFAULT_SOURCE
#include "heap_internal.h"

#include <unistd.h>

#define DEFAULT_ALIGNMENT 16u
#define DEFAULT_DIRECT    ((size_t)64 * 1024)
#define DEFAULT_CHUNK     ((size_t)256 * 1024)

/// Of the control block in a region. max_align_t's is 8 or 16, and a region would not hold the same everywhere.
#define HEAP_ALIGNMENT 16u

#define LISTS_MOST (8 * sizeof(size_t) - 5) ///< of a buddy system: one for each order from 2^5 bytes on

static_assert(sizeof(struct baseline_heap) + LISTS_MOST * sizeof(struct link *) <= 4096, "a page holds a heap");
static_assert(HEAP_ALIGNMENT >= _Alignof(struct baseline_heap), "a control block is aligned");
static_assert(HEAP_ALIGNMENT - 1 + sizeof(struct baseline_heap) + 5 * sizeof(struct link *) + sizeof(struct chunk) +
                      2 * 64 + WORD <=
                  BASELINE_REGION_MIN,
              "the least region holds a heap of any kind, at any address, and a least block");

static const struct kind *const kinds[] = {
    [BASELINE_FREELIST] = &freelist_kind,   [BASELINE_TREE_SIZE] = &tree_size_kind,
    [BASELINE_TREE_ADDR] = &tree_addr_kind, [BASELINE_COMBO] = &combo_kind,
    [BASELINE_BUDDY] = &buddy_kind,
};

#define KINDS (sizeof kinds / sizeof kinds[0])

const char *baseline_kind_name(enum baseline_kind kind)
{
    return (size_t)kind < KINDS ? kinds[kind]->name : "unknown";
}

const char *baseline_strerror(enum baseline_status status)
{
    switch (status) {
    case BASELINE_OK:
        return "no error";
    case BASELINE_ERROR_ARGUMENT:
        return "the region is NULL, or an option is out of its range";
    case BASELINE_ERROR_TOO_SMALL:
        return "the region cannot hold a heap";
    case BASELINE_ERROR_NO_PAGES:
        return "the limit, or the system, gives no pages";
    }
    return "unknown status";
}

static bool is_sound(const struct baseline_options *options)
{
    return (size_t)options->kind < KINDS && (unsigned)options->order <= BASELINE_BY_SIZE &&
           (unsigned)options->fit <= BASELINE_BEST_FIT && (options->map == NULL) == (options->unmap == NULL) &&
           (options->alignment == 0 || options->alignment == 8 || options->alignment == 16);
}

static size_t page_bytes(void)
{
    const long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? (size_t)page : 4096;
}

static size_t or_default(size_t value, size_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/// A heap without memory for blocks, as its options say.
static struct baseline_heap configured(const struct baseline_options *options, bool mapped)
{
    struct baseline_heap h = {
        .kind = kinds[options->kind],
        .alignment = or_default(options->alignment, DEFAULT_ALIGNMENT),
        .direct_past = or_default(options->direct, mapped ? DEFAULT_DIRECT : BASELINE_DIRECT_NEVER),
        .limit = or_default(options->limit, SIZE_MAX),
        .page_bytes = page_bytes(),
        .map = options->map,
        .unmap = options->unmap,
        .context = options->context,
        .mapped = mapped,
        .by_size = options->order == BASELINE_BY_SIZE,
        .best_fit = options->fit == BASELINE_BEST_FIT,
    };
    h.unit = h.kind == &buddy_kind ? h.kind->least : h.alignment;
    h.least = round_up(h.kind->least, h.unit);
    h.chunk_bytes = round_up(or_default(options->chunk, DEFAULT_CHUNK), h.page_bytes);
    return h;
}

/// Lists that a buddy system needs whose memory has so many bytes: one for each order that a block can have.
static unsigned buddy_lists(const struct baseline_heap *h, size_t bytes)
{
    unsigned lists = 0;
    while (h->kind == &buddy_kind && lists < LISTS_MOST && bytes >> lists >= h->least)
        lists++;
    return lists;
}

/// Puts the heap at its place. @return the end of its control block
static void *settle(struct baseline_heap *at, const struct baseline_heap *configured, unsigned lists)
{
    *at = *configured;
    if (lists > 0)
        at->index.buddy = (struct buddy){.lists = (struct link **)(at + 1), .count = lists};
    at->kind->begin(at);
    return above(at + 1, lists * sizeof(struct link *));
}

static baseline_heap *fail(enum baseline_status *status, enum baseline_status why)
{
    if (status)
        *status = why;
    return NULL;
}

static baseline_heap *succeed(enum baseline_status *status, baseline_heap *heap)
{
    if (status)
        *status = BASELINE_OK;
    return heap;
}

baseline_heap *baseline_init(void *region, size_t bytes, const struct baseline_options *options,
                             enum baseline_status *status)
{
    static const struct baseline_options defaults = {0};
    options = options ? options : &defaults;
    if (!region || !is_sound(options))
        return fail(status, BASELINE_ERROR_ARGUMENT);
    if (bytes < BASELINE_REGION_MIN)
        return fail(status, BASELINE_ERROR_TOO_SMALL);

    struct baseline_heap *h = above(region, distance_up(region, HEAP_ALIGNMENT));
    const struct baseline_heap heap = configured(options, false);
    char *memory = settle(h, &heap, buddy_lists(&heap, bytes));
    chunk_make(h, memory, bytes - (size_t)(memory - (char *)region), 0);
    return succeed(status, h);
}

baseline_heap *baseline_create(const struct baseline_options *options, enum baseline_status *status)
{
    static const struct baseline_options defaults = {0};
    options = options ? options : &defaults;
    if (!is_sound(options))
        return fail(status, BASELINE_ERROR_ARGUMENT);

    struct baseline_heap heap = configured(options, true);
    struct baseline_heap *h = pages_map(&heap, heap.page_bytes);
    if (!h)
        return fail(status, BASELINE_ERROR_NO_PAGES);
    (void)settle(h, &heap, buddy_lists(&heap, SIZE_MAX));
    return succeed(status, h);
}

void baseline_destroy(baseline_heap *heap)
{
    if (!heap)
        return;
    while (heap->directs)
        direct_unmap(heap, heap->directs + 1);
    if (!heap->mapped)
        return;
    while (heap->chunks) {
        struct chunk *chunk = heap->chunks;
        heap->chunks = chunk->next;
        chunk_unmap(heap, chunk);
    }
    pages_unmap(heap, heap, heap->page_bytes);
}
