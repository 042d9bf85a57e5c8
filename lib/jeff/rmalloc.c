/// The classic interface over one default heap. The only file of Jeff's with global state: the interface has no heap to
/// name. The cells that rmmalloc() gives out are blocks of a second heap that is never compacted, so that they stay where they are.
#include "rmalloc.h"

#include "jeff.h"

struct cell {
    handle_t handle;
};

static jeff_heap *blocks;
static jeff_heap *cells;

static bool make_heaps(void)
{
    if (!blocks)
        blocks = jeff_create(0, NULL, NULL);
    if (!cells)
        cells = jeff_create(0, &(struct jeff_config){.no_last_resort = true}, NULL);
    return blocks && cells;
}

static handle_t *make_block(size_t nbytes)
{
    const jeff_handle handle = jeff_malloc(blocks, nbytes);
    const jeff_handle cell_handle = handle ? jeff_malloc(cells, sizeof(struct cell)) : JEFF_NULL;
    struct cell *cell = jeff_weak_lock(cells, cell_handle);
    if (!cell) {
        jeff_free(blocks, handle);
        return NULL;
    }
    cell->handle = handle;
    return &cell->handle;
}

handle_t *rmmalloc(size_t nbytes)
{
    return make_heaps() ? make_block(nbytes) : NULL;
}

void rmfree(handle_t *handle)
{
    // A cell that was freed already, or is none, has no handle here, and is then not read.
    const jeff_handle cell_handle = handle && cells ? jeff_handle_of(cells, handle) : JEFF_NULL;
    if (!cell_handle)
        return;
    const jeff_handle block = *handle;
    while (jeff_unlock(blocks, block)) {
        // A block may be freed while it is locked: its locks end with it.
    }
    jeff_free(blocks, block);
    jeff_free(cells, cell_handle);
}

void *lock(handle_t handle)
{
    return blocks ? jeff_lock(blocks, handle) : NULL;
}

void unlock(handle_t handle)
{
    if (blocks)
        jeff_unlock(blocks, handle);
}

void compact(uint32_t compact_time_max_ms)
{
    if (blocks)
        jeff_compact(blocks, compact_time_max_ms);
}
