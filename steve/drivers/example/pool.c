/// The memory is cut into pages of 1024 bytes. A page belongs to one size once a cell of it is needed, for ever:
///
///     struct pool | size of each page, a byte | page 0 | page 1 | ...
///
/// A free cell's first word leads to the next free one of its size.
#include "pool.h"

#include <stdint.h>
#include <string.h>

#define CELL_MIN   ((size_t)16)
#define PAGE_BYTES ((size_t)1024)
#define CLASSES    7u ///< 16, 32, ... 1024

struct cell {
    struct cell *next;
};

struct pool {
    struct cell *free[CLASSES];
    unsigned char *pages; ///< the first page
    size_t page_count;
    size_t pages_used;
    size_t live;
    unsigned char class_of_page[];
};

struct pool *pool_init(void *memory, size_t bytes)
{
    struct pool *pool = memory;
    if (bytes < sizeof *pool + PAGE_BYTES + CELL_MIN + 1) {
        return NULL;
    }
    size_t count = (bytes - sizeof *pool - CELL_MIN) / (PAGE_BYTES + 1);
    size_t head = (sizeof *pool + count + CELL_MIN - 1) / CELL_MIN * CELL_MIN;
    memset(pool, 0, sizeof *pool);
    pool->pages = (unsigned char *)memory + head;
    pool->page_count = count;
    return pool;
}

static unsigned class_of(size_t bytes)
{
    unsigned class = 0;
    while (CELL_MIN << class < bytes) {
        class++;
    }
    return class;
}

/// Takes a fresh page and makes it cells of one size. @return false if there is none left
static int add_page(struct pool *pool, unsigned class)
{
    if (pool->pages_used == pool->page_count) {
        return 0;
    }
    unsigned char *page = pool->pages + pool->pages_used * PAGE_BYTES;
    pool->class_of_page[pool->pages_used++] = (unsigned char)class;
    for (size_t at = PAGE_BYTES; at > 0; at -= CELL_MIN << class) {
        struct cell *cell = (void *)(page + at - (CELL_MIN << class));
        cell->next = pool->free[class];
        pool->free[class] = cell;
    }
    return 1;
}

void *pool_alloc(struct pool *pool, size_t bytes)
{
    if (bytes > PAGE_BYTES) {
        return NULL;
    }
#ifdef POOL_WITH_BUG
    unsigned class = class_of(bytes - bytes / 128); // planted: larger blocks get too small a cell
#else
    unsigned class = class_of(bytes);
#endif
    if (pool->free[class] == NULL && !add_page(pool, class)) {
        return NULL;
    }
    struct cell *cell = pool->free[class];
    pool->free[class] = cell->next;
    pool->live++;
    return cell;
}

void *pool_calloc(struct pool *pool, size_t count, size_t size)
{
    if (size != 0 && count > PAGE_BYTES / size) {
        return NULL;
    }
    void *block = pool_alloc(pool, count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}

static unsigned class_of_block(const struct pool *pool, const void *block)
{
    return pool->class_of_page[(size_t)((const unsigned char *)block - pool->pages) / PAGE_BYTES];
}

void pool_free(struct pool *pool, void *block)
{
    if (block == NULL) {
        return;
    }
    struct cell *cell = block;
    unsigned class = class_of_block(pool, block);
    cell->next = pool->free[class];
    pool->free[class] = cell;
    pool->live--;
}

size_t pool_usable(const struct pool *pool, const void *block)
{
    return CELL_MIN << class_of_block(pool, block);
}

size_t pool_live(const struct pool *pool)
{
    return pool->live;
}
