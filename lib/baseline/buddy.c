/// The buddy system (Knowlton, 1965; Knuth, volume 1, 2.5, algorithms R and S): a block has 2^k bytes, its order is k, and
/// it begins at a multiple of its size from the heap's origin. It is split in two buddies, and joined with its buddy when
/// both are free.
///
///     block   | flags, order, order of its tile | payload; free: next | prev ...
///     list    one for each order
///
/// Memory of any size is tiled with blocks that are as large as can be; a tile is never joined with another. Each block
/// knows the order of the tile that it was split from, so that nothing below or above the chunk is taken for a buddy. An
/// aligned payload that does not begin right behind its header has the way there in the word below it.
#include "list_internal.h"

#define LEAST_ORDER 5u
#define LEAST       ((size_t)1 << LEAST_ORDER)
#define NO_ORDER    (8 * (unsigned)sizeof(size_t)) ///< of what is too large

#define ORDER_SHIFT 3u
#define TILE_SHIFT  9u
#define ORDER_MASK  63u

static_assert(sizeof(struct block) + sizeof(struct link) <= LEAST, "a free block has room for its node");

static unsigned order_of(const struct block *b)
{
    return (unsigned)(b->word >> ORDER_SHIFT) & ORDER_MASK;
}

static unsigned tile_of(const struct block *b)
{
    return (unsigned)(b->word >> TILE_SHIFT) & ORDER_MASK;
}

static void set_header(struct block *b, unsigned order, unsigned tile, size_t used)
{
    b->word = used | (size_t)order << ORDER_SHIFT | (size_t)tile << TILE_SHIFT;
}

static size_t size_of(const struct block *b)
{
    return (size_t)1 << order_of(b);
}

static uintptr_t offset_of(const struct baseline_heap *h, const struct block *b)
{
    return (uintptr_t)b - h->index.buddy.origin;
}

static bool is_upper(const struct baseline_heap *h, const struct block *b, unsigned order)
{
    return (offset_of(h, b) >> order & 1) != 0;
}

/// The other half of the block that this one of the order was split from.
static struct block *buddy_of(const struct baseline_heap *h, const struct block *b, unsigned order)
{
    const size_t size = (size_t)1 << order;
    return is_upper(h, b, order) ? below(b, size) : above(b, size);
}

/// @return the least order whose blocks have so many bytes; NO_ORDER if there is none
static unsigned order_for(size_t bytes)
{
    unsigned order = LEAST_ORDER;
    while (order < NO_ORDER && (size_t)1 << order < bytes)
        order++;
    return order;
}

static unsigned order_needed(const struct baseline_heap *h, size_t alignment, size_t bytes)
{
    const size_t way = alignment > h->alignment ? alignment - h->alignment : 0;
    return order_for(add(add(bytes, WORD), way));
}

static void begin(struct baseline_heap *h)
{
    struct buddy *buddy = &h->index.buddy;
    buddy->nonempty = 0;
    buddy->origin = 0; // the first chunk's
    for (unsigned i = 0; i < buddy->count; i++)
        buddy->lists[i] = NULL;
}

static struct link **list_of(const struct baseline_heap *h, unsigned order)
{
    assert(order >= LEAST_ORDER && order - LEAST_ORDER < h->index.buddy.count);
    return &h->index.buddy.lists[order - LEAST_ORDER];
}

static void insert(struct baseline_heap *h, struct block *b)
{
    struct link **list = list_of(h, order_of(b));
    link_between(list, link_of(b), NULL, *list);
    h->index.buddy.nonempty |= size_of(b);
}

static void drop(struct baseline_heap *h, struct block *b)
{
    struct link **list = list_of(h, order_of(b));
    link_remove(list, link_of(b));
    if (!*list)
        h->index.buddy.nonempty &= ~size_of(b);
}

static void adopt(struct baseline_heap *h, struct chunk *chunk)
{
    if (h->index.buddy.origin == 0)
        h->index.buddy.origin = (uintptr_t)chunk->first;
    for (struct block *b = chunk->first; b < chunk->fence;) {
        const uintptr_t offset = offset_of(h, b);
        const size_t room = (size_t)((char *)chunk->fence - (char *)b);
        unsigned order = LEAST_ORDER;
        while (room >> order > 1 && (offset >> order & 1) == 0)
            order++;
        set_header(b, order, order, 0);
        free_insert(h, b);
        b = above(b, size_of(b));
    }
}

static size_t run_needed(const struct baseline_heap *h, size_t alignment, size_t bytes)
{
    const unsigned order = order_needed(h, alignment, bytes);
    // Wherever a run begins, at a multiple of the least block, the next multiple of the size is at most `size - LEAST` away.
    return order >= NO_ORDER - 1 ? SIZE_MAX : ((size_t)2 << order) - LEAST;
}

/// Frees upper halves until the block is of the order.
static void split(struct baseline_heap *h, struct block *b, unsigned order)
{
    const unsigned tile = tile_of(b);
    unsigned at = order_of(b);
    while (at > order) {
        at--;
        struct block *upper = above(b, (size_t)1 << at);
        set_header(upper, at, tile, 0);
        free_insert(h, upper);
    }
    set_header(b, order, tile, USED);
}

/// The order of the smallest free block of at least this order. @return NO_ORDER if there is none
static unsigned order_found(const struct baseline_heap *h, unsigned order)
{
    while (order < NO_ORDER && (h->index.buddy.nonempty >> order & 1) == 0)
        order++;
    return order;
}

static void *take(struct baseline_heap *h, size_t alignment, size_t bytes)
{
    const unsigned order = order_needed(h, alignment, bytes);
    const unsigned found = order_found(h, order);
    if (found == NO_ORDER)
        return NULL;

    struct block *b = block_at(*list_of(h, found));
    free_remove(h, b);
    split(h, b, order);
    char *payload = payload_of(b);
    const size_t way = alignment > h->alignment ? distance_up(payload, alignment) : 0;
    payload += way;
    if (way > 0)
        *(size_t *)below(payload, WORD) = way | USED | OFFSET;
    return payload;
}

static struct block *block_of(const void *payload)
{
    const size_t word = word_below(payload);
    const size_t way = (word & OFFSET) != 0 ? word & ~(size_t)FLAGS : 0;
    return below(payload, way + WORD);
}

/// True if the buddy of a block of this order is there, whole, and free.
static bool may_join(const struct baseline_heap *h, const struct block *b, unsigned order)
{
    if (order == tile_of(b))
        return false;
    const struct block *buddy = buddy_of(h, b, order);
    return is_free(buddy) && order_of(buddy) == order;
}

static void give(struct baseline_heap *h, void *payload)
{
    struct block *b = block_of(payload);
    const unsigned tile = tile_of(b);
    unsigned order = order_of(b);
    while (may_join(h, b, order)) {
        struct block *buddy = buddy_of(h, b, order);
        free_remove(h, buddy);
        b = buddy < b ? buddy : b;
        order++;
    }
    set_header(b, order, tile, 0);
    free_insert(h, b);
}

/// Grows a block upwards, over free buddies. @return false if it cannot become of this order so
static bool grow(struct baseline_heap *h, struct block *b, unsigned order)
{
    for (unsigned at = order_of(b); at < order; at++) {
        if (is_upper(h, b, at) || !may_join(h, b, at))
            return false;
    }
    for (unsigned at = order_of(b); at < order; at++)
        free_remove(h, buddy_of(h, b, at));
    set_header(b, order, tile_of(b), USED);
    return true;
}

static bool resize(struct baseline_heap *h, void *payload, size_t bytes)
{
    struct block *b = block_of(payload);
    const size_t way = (size_t)((char *)payload - (char *)b);
    const unsigned order = order_for(add(way, bytes));
    if (order > order_of(b))
        return grow(h, b, order);
    if (order < order_of(b))
        split(h, b, order);
    return true;
}

static const char *check(const struct baseline_heap *h)
{
    size_t count = 0;
    for (unsigned order = LEAST_ORDER; order < LEAST_ORDER + h->index.buddy.count; order++) {
        const struct link *prev = NULL;
        const struct link *first = *list_of(h, order);
        if ((h->index.buddy.nonempty >> order & 1) != (first != NULL))
            return "the map of orders does not agree with the lists";
        for (const struct link *at = first; at; prev = at, at = at->next) {
            if (++count > h->free_blocks)
                return "the lists hold more blocks than are free";
            if (at->prev != prev)
                return "a list's links do not agree";
            if (!is_free(block_at(at)) || order_of(block_at(at)) != order)
                return "a block is in the list of another order, or not free";
        }
    }
    return count == h->free_blocks ? NULL : "the lists lack a free block";
}

static const char *check_block(const struct baseline_heap *h, const struct block *b, const struct block *lower)
{
    (void)lower;
    const unsigned order = order_of(b);
    if (order < LEAST_ORDER || order > tile_of(b))
        return "a block is larger than its tile, or smaller than the least";
    if ((offset_of(h, b) & (size_of(b) - 1)) != 0)
        return "a block does not begin at a multiple of its size";
    return is_free(b) && may_join(h, b, order) ? "two free buddies are not joined" : NULL;
}

const struct kind buddy_kind = {
    .name = "buddy",
    .least = LEAST,
    .begin = begin,
    .adopt = adopt,
    .insert = insert,
    .remove = drop,
    .check = check,
    .check_block = check_block,
    .size = size_of,
    .run_needed = run_needed,
    .take = take,
    .give = give,
    .resize = resize,
    .block_of = block_of,
};
