/// Heaps with pages of their own: address space is reserved once, and memory is committed at both of its ends as the blocks grow
/// upwards and the handle table grows downwards.
///
///     h          commit_low                       commit_table          end
///     | committed |        reserved only          | committed: table    |
#include "gate_internal.h"

#define PAGE_LEAST  1024u
#define PAGE_MOST   (HEAP_LIMIT / 4) ///< a heap has three of them at least
#define GROW_LEAST  65536u
#define TRIM_LEAST  262144u
#define OWN_DEFAULT 1048576u
#define OWN_LEAST   4096u
#define ANY_LEAST   1048576u ///< of address space, for a heap whose client states no limit
#define EVERYTHING  SIZE_MAX ///< commit_low once both ends have met

static size_t round_up(size_t value, size_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

static jeff_heap *refuse(enum jeff_status *status, enum jeff_status why)
{
    if (status)
        *status = why;
    return NULL;
}

static bool hooks_usable(const struct jeff_page_hooks *hooks)
{
    return hooks->reserve && hooks->commit && hooks->decommit && hooks->release && hooks->page_bytes >= PAGE_LEAST &&
           hooks->page_bytes <= PAGE_MOST && (hooks->page_bytes & (hooks->page_bytes - 1)) == 0;
}

char *pages_reserve(const struct jeff_page_hooks *hooks, size_t bytes)
{
    char *const all = hooks->reserve(hooks->context, bytes);
    if (!((uintptr_t)all & (hooks->page_bytes - 1)))
        return all;
    hooks->release(hooks->context, all, bytes); // what is committed and given back would not be whole pages
    return NULL;
}

/// Where the system has not the address space of the default to give: half of what it has, so that some is left to others.
/// @param least bytes that a heap over such pages needs
static char *reserve_a_share(const struct jeff_page_hooks *hooks, size_t least, size_t *reserved)
{
    size_t bytes = *reserved;
    char *all = NULL;
    while (!all && bytes / 2 >= ANY_LEAST && bytes / 2 >= least) {
        bytes = round_up(bytes / 2, hooks->page_bytes);
        all = pages_reserve(hooks, bytes);
    }
    if (!all)
        return NULL;
    hooks->release(hooks->context, all, bytes);
    const size_t half = round_up(bytes / 2, hooks->page_bytes);
    *reserved = half < least ? least : half;
    return pages_reserve(hooks, *reserved);
}

jeff_heap *jeff_create(size_t max_bytes, const struct jeff_config *config, enum jeff_status *status)
{
    const struct jeff_config defaults = {0};
    size_t before;
    return pages_create(max_bytes, config ? config : &defaults, 0, &before, status);
}

jeff_heap *pages_create(size_t max_bytes, const struct jeff_config *config, uint32_t blocks, size_t *before,
                        enum jeff_status *status)
{
    struct jeff_page_hooks system;
    const struct jeff_page_hooks *hooks = config->pages ? config->pages : &system;
    if ((!config->pages && !jeff_posix_pages(&system)) || !hooks_usable(hooks) ||
        (config->alignment != 0 && config->alignment != GRANULE && config->alignment != 8))
        return refuse(status, JEFF_ERROR_ARGUMENT);
    const bool any = !max_bytes;
    if (any)
        max_bytes = sizeof(void *) > 4 ? (size_t)HEAP_LIMIT : (size_t)256 << 20;
    if (max_bytes < JEFF_HEAP_MIN)
        return refuse(status, JEFF_ERROR_TOO_SMALL);
    const size_t page = hooks->page_bytes;
    if ((uint64_t)max_bytes > HEAP_LIMIT - page)
        max_bytes = (size_t)(HEAP_LIMIT - page);
    size_t reserved = round_up(max_bytes, page);
    const size_t least = (blocks ? 3 : 2) * page; // for either end, and for gates
    if (reserved < least)
        reserved = least;

    char *base = pages_reserve(hooks, reserved);
    if (!base && any)
        base = reserve_a_share(hooks, least, &reserved);
    if (!base)
        return refuse(status, JEFF_ERROR_MAP);
    *before = blocks ? round_up(gates_before(blocks, reserved), page) : 0;
    const size_t head = blocks ? page : 0;
    char *const begin = base;
    const size_t all = reserved;
    base += *before;
    reserved -= *before;
    const size_t low = round_up((size_t)heap_geometry(reserved, true).first * GRANULE, page);
    assert(low + page <= reserved);
    if (!hooks->commit(hooks->context, base - head, head + low) ||
        !hooks->commit(hooks->context, base + reserved - page, page)) {
        hooks->release(hooks->context, begin, all);
        return refuse(status, JEFF_ERROR_MAP);
    }
    struct jeff_heap *h = (struct jeff_heap *)(void *)base;
    heap_lay_out(h, reserved, true, config);
    *h->pages = (struct page_state){
        .hooks = *hooks,
        .reserved = reserved,
        .commit_low = low + page == reserved ? EVERYTHING : low,
        .commit_table = reserved - page,
        .own_mapping = config->own_mapping ? config->own_mapping : OWN_DEFAULT,
        .proxies = NIL,
    };
    memory_hide(at(h, h->first) - HEADER, low + HEADER - (size_t)h->first * GRANULE);
    memory_hide(base + reserved - page, table_low(h) - (reserved - page));
    if (h->pages->own_mapping < OWN_LEAST)
        h->pages->own_mapping = OWN_LEAST;
    if (status)
        *status = JEFF_OK;
    return h;
}

static bool commit_low_to(struct jeff_heap *h, size_t target)
{
    struct page_state *p = h->pages;
    if (target > p->commit_table)
        target = p->commit_table;
    assert(target > p->commit_low);
    if (!p->hooks.commit(p->hooks.context, (char *)h + p->commit_low, target - p->commit_low))
        return false;
    memory_hide((char *)h + p->commit_low, target - p->commit_low);
    p->commit_low = target == p->commit_table ? EVERYTHING : target;
    return true;
}

bool pages_grow(struct jeff_heap *h, uint32_t granules)
{
    struct page_state *p = h->pages;
    const size_t page = p->hooks.page_bytes;
    // In 64 bits: of a heap of 2 GiB, a request for as much again ends beyond what 32 bits can tell.
    if ((uint64_t)granules * GRANULE - HEADER > table_low(h))
        return false;
    const size_t need = round_up((size_t)granules * GRANULE, page);
    assert(p->commit_low != EVERYTHING); // or there would be room
    // Some more than asked for, so that growth costs O(log) calls; exactly what is needed where that is refused.
    const size_t ample = round_up(p->commit_low + p->commit_low / 8 + GROW_LEAST, page);
    return commit_low_to(h, need > ample ? need : ample) || commit_low_to(h, need);
}

bool pages_grow_table(struct jeff_heap *h, size_t low)
{
    struct page_state *p = h->pages;
    if (p->commit_low == EVERYTHING || low >= p->commit_table)
        return true;
    const size_t page = p->hooks.page_bytes;
    size_t target = low & ~(page - 1);
    assert(target >= p->commit_low);
    // Some more than asked for, as with the blocks.
    const size_t ample = target - p->commit_low > GROW_LEAST ? target - (GROW_LEAST & ~(page - 1)) : target;
    if (p->hooks.commit(p->hooks.context, (char *)h + ample, p->commit_table - ample))
        target = ample;
    else if (!p->hooks.commit(p->hooks.context, (char *)h + target, p->commit_table - target))
        return false;
    memory_hide((char *)h + target, p->commit_table - target);
    p->commit_table = target;
    if (p->commit_low == target)
        p->commit_low = EVERYTHING;
    return true;
}

void pages_trim(struct jeff_heap *h)
{
    struct page_state *p = h->pages;
    const size_t page = p->hooks.page_bytes;
    const size_t table = table_low(h) & ~(page - 1);
    const size_t low = round_up((size_t)h->top * GRANULE + GROW_LEAST, page);
    // Once both ends have met, the table grows into what was committed for blocks.
    if (p->commit_low == EVERYTHING)
        p->commit_table = table;
    const size_t had_low = p->commit_low == EVERYTHING ? p->commit_table : p->commit_low;
    if (had_low >= low + TRIM_LEAST) {
        memory_show((char *)h + low, had_low - low);
        p->hooks.decommit(p->hooks.context, (char *)h + low, had_low - low);
        p->commit_low = low;
    }
    assert(table >= p->commit_table);
    if (table - p->commit_table >= TRIM_LEAST) {
        memory_show((char *)h + p->commit_table, table - p->commit_table);
        p->hooks.decommit(p->hooks.context, (char *)h + p->commit_table, table - p->commit_table);
        p->commit_table = table;
    }
}

size_t pages_committed(const struct jeff_heap *h)
{
    const struct page_state *p = h->pages;
    if (p->commit_low == EVERYTHING)
        return p->reserved;
    return p->commit_low + p->reserved - p->commit_table;
}

void pages_destroy(struct jeff_heap *h)
{
    struct page_state *p = h->pages;
    while (p->proxies != NIL)
        mapped_release(h, p->proxies);
    const struct jeff_page_hooks hooks = p->hooks;
    const size_t before = bytes_before(h);
    char *const begin = (char *)h - before;
    const size_t reserved = before + p->reserved;
    memory_show(h, p->reserved);
    hooks.release(hooks.context, begin, reserved);
}
