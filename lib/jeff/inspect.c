/// Looking at a heap: statistics from its counters, and a walk over every stretch of its memory.
#include "gate_internal.h"

static size_t top_bytes(const struct jeff_heap *h)
{
    const size_t begin = (size_t)h->top * GRANULE - HEADER;
    size_t end = table_low(h);
    if (h->pages && h->pages->commit_low < end)
        end = h->pages->commit_low;
    return end - begin;
}

void jeff_stats(const jeff_heap *h, struct jeff_stats *stats)
{
    if (h->busy == BUSY_DESTROYED) {
        *stats = (struct jeff_stats){0};
        return;
    }
    const size_t blocks_bytes = (size_t)(h->top - h->first) * GRANULE;
    const size_t idle_bytes = ((size_t)cached_granules(h) + h->hole_granules) * GRANULE;
    const size_t entries = NIL - h->slot_low;
    const size_t cached_blocks = cached_count(h);
    *stats = (struct jeff_stats){
        .heap_bytes = h->pages ? pages_committed(h) : h->region_bytes,
        .control_bytes = h->begin_skip + (size_t)h->first * GRANULE - HEADER,
        .table_bytes = h->region_bytes - h->begin_skip - table_low(h),
        .spare_handles = h->bare_count + cached_blocks + h->dead_count,
        .live_blocks = entries - h->bare_count - h->dead_count - cached_blocks - h->retired_count,
        .live_bytes = blocks_bytes - idle_bytes,
        .free_bytes = top_bytes(h) + idle_bytes,
        .mapped_blocks = h->pages ? h->pages->mapped_blocks : 0,
        .mapped_bytes = h->pages ? h->pages->mapped_bytes : 0,
        .compactions = h->compactions,
        .moved_blocks = h->moved_blocks,
        .moved_bytes = h->moved_bytes,
        .visited_blocks = h->visited_blocks,
        .refused = h->refusals,
    };
}

/// What a walk tells of a block that is no hole.
static struct jeff_block describe(const struct jeff_heap *h, uint32_t start, uint32_t header, uint32_t size)
{
    const uint32_t slot = header & SLOT_MASK;
    const struct entry *e = entry_at(h, slot);
    const bool wide = class_of(header) == CLASS_WIDE;
    if (!is_live(e))
        return (struct jeff_block){.kind = JEFF_BLOCK_FREE, .address = at(h, start), .bytes = run_capacity(size)};
    return (struct jeff_block){
        .kind = JEFF_BLOCK_LIVE,
        .address = at(h, start + wide),
        .bytes = block_capacity(size, wide),
        .handle = handle_of_slot(h, slot),
        .locks = lock_count(h, slot),
        .purgeable = e->cw & CW_PURGEABLE,
    };
}

static bool walk_mapped(struct jeff_heap *h, bool (*visit)(void *, const struct jeff_block *), void *context)
{
    for (uint32_t slot = h->pages->proxies; slot != NIL; slot = mapped_next(h, slot)) {
        const struct entry *e = entry_at(h, slot);
        const struct jeff_block block = {
            .kind = JEFF_BLOCK_LIVE,
            .address = mapped_address(h, e),
            .bytes = mapped_usable(h, e),
            .handle = handle_of_slot(h, slot),
            .locks = lock_count(h, slot),
            .purgeable = e->cw & CW_PURGEABLE,
        };
        if (!visit(context, &block))
            return false;
    }
    return true;
}

void jeff_walk(jeff_heap *h, bool (*visit)(void *context, const struct jeff_block *block), void *context)
{
    if (h->busy == BUSY_MOVING || h->busy == BUSY_DESTROYED) {
        fail(h, JEFF_ERROR_BUSY); // there is a gap in the middle of the heap that no header describes
        return;
    }
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        struct jeff_block block = {.kind = JEFF_BLOCK_FREE, .address = at(h, start), .bytes = run_capacity(size)};
        if (!is_hole(header))
            block = describe(h, start, header, size);
        const bool proxy = block.kind == JEFF_BLOCK_LIVE && entry_at(h, header & SLOT_MASK)->cw & CW_MAPPED;
        if (!proxy && !visit(context, &block))
            return;
    }
    const uint32_t top = (uint32_t)((top_bytes(h)) / GRANULE);
    const struct jeff_block block = {.kind = JEFF_BLOCK_TOP, .address = at(h, h->top), .bytes = run_capacity(top)};
    if (top && !visit(context, &block))
        return;
    if (h->pages)
        walk_mapped(h, visit, context);
}

void jeff_pins(jeff_heap *h, bool (*visit)(void *context, const struct jeff_pin *pin), void *context)
{
    if (h->busy == BUSY_MOVING || h->busy == BUSY_DESTROYED) {
        fail(h, JEFF_ERROR_BUSY);
        return;
    }
    size_t stranded = 0;
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        const struct entry *e = is_hole(header) ? NULL : entry_at(h, header & SLOT_MASK);
        if (!e || !is_live(e)) {
            stranded += (size_t)size * GRANULE;
            continue;
        }
        const uint32_t locks = lock_count(h, header & SLOT_MASK); // another thread may unlock it meanwhile
        if (locks && !(e->cw & CW_MAPPED)) {
            const struct jeff_block block = describe(h, start, header, size);
            const struct jeff_pin pin = {
                .handle = block.handle,
                .address = block.address,
                .bytes = block.bytes,
                .locks = locks,
                .stranded_bytes = stranded,
            };
            if (!visit(context, &pin))
                return;
        }
        stranded = 0;
    }
}
