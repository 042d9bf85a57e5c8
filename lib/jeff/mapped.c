/// Blocks with pages of their own, in heaps from jeff_create(): the heap holds a small proxy, which may move, and the proxy
/// says where the pages are, which never do.
#include "gate_internal.h"

/// The payload of a proxy block.
struct proxy {
    char *address; ///< of the block, aligned as requested
    char *reserved;
    size_t reserved_bytes;
    size_t committed;        ///< bytes from `address` on
    uint32_t next, previous; ///< slots, NIL at the ends
    uint32_t alignment;      ///< as requested, to be kept when the block has to move; 1: none
};

/// Bytes of it that are written to the heap: not those behind its last field, which nobody sets.
#define PROXY_BYTES (offsetof(struct proxy, alignment) + sizeof(uint32_t))

static struct proxy load_proxy(const struct jeff_heap *h, const struct entry *e)
{
    struct proxy proxy;
    hidden_read(&proxy, at(h, e->off), sizeof proxy);
    return proxy;
}

static void store_proxy(struct jeff_heap *h, uint32_t slot, const struct proxy *proxy)
{
    hidden_write(at(h, entry_at(h, slot)->off), proxy, PROXY_BYTES);
}

static size_t round_to_pages(const struct jeff_heap *h, size_t bytes)
{
    const size_t page = h->pages->hooks.page_bytes;
    return bytes ? (bytes + page - 1) & ~(page - 1) : page;
}

/// Whether a block can be so large: no distance in its pages is beyond ptrdiff_t.
static bool is_mappable(const struct jeff_heap *h, size_t bytes)
{
    return bytes <= SIZE_MAX / 2 - h->pages->hooks.page_bytes;
}

/// Address space beyond the block's own, so that its alignment can be had.
static size_t room_to_align(const struct jeff_heap *h, size_t alignment)
{
    return alignment > h->pages->hooks.page_bytes ? alignment : 0;
}

/// Maps pages for a block. @return false if the system refuses
static bool map(struct jeff_heap *h, size_t bytes, size_t alignment, struct proxy *proxy)
{
    const struct jeff_page_hooks *hooks = &h->pages->hooks;
    const size_t extra = room_to_align(h, alignment);
    assert(is_mappable(h, bytes));
    const size_t committed = round_to_pages(h, bytes);
    char *reserved = pages_reserve(hooks, committed + extra);
    if (!reserved)
        return false;
    char *address = reserved + (-(uintptr_t)reserved & (alignment - 1));
    if (!hooks->commit(hooks->context, address, committed)) {
        hooks->release(hooks->context, reserved, committed + extra);
        return false;
    }
    memory_hide(address, committed);
    *proxy = (struct proxy){
        .address = address,
        .reserved = reserved,
        .reserved_bytes = committed + extra,
        .committed = committed,
        .next = NIL,
        .previous = NIL,
        .alignment = (uint32_t)alignment,
    };
    return true;
}

/// Maps pages for a block; where the system refuses, the client may give some back first.
static bool map_or_ask(struct jeff_heap *h, size_t bytes, size_t alignment, struct proxy *proxy)
{
    return map(h, bytes, alignment, proxy) || (ask_client(h, bytes) && map(h, bytes, alignment, proxy));
}

static void unmap(struct jeff_heap *h, const struct proxy *proxy)
{
    const struct jeff_page_hooks *hooks = &h->pages->hooks;
    memory_show(proxy->address, proxy->committed);
    hooks->release(hooks->context, proxy->reserved, proxy->reserved_bytes);
}

static jeff_handle refuse(struct jeff_heap *h)
{
    h->refusals++;
    fail(h, JEFF_ERROR_NO_MEMORY);
    return JEFF_NULL;
}

jeff_handle mapped_malloc(struct jeff_heap *h, size_t bytes, size_t alignment)
{
    struct proxy proxy;
    if (!is_mappable(h, bytes) || !map_or_ask(h, bytes, alignment, &proxy))
        return refuse(h);
    const jeff_handle handle = jeff_malloc(h, sizeof proxy);
    if (!handle) {
        unmap(h, &proxy);
        return JEFF_NULL;
    }
    const uint32_t slot = slot_of(handle);
    proxy.next = h->pages->proxies;
    if (proxy.next != NIL) {
        struct proxy next = load_proxy(h, entry_at(h, proxy.next));
        next.previous = slot;
        store_proxy(h, proxy.next, &next);
    }
    h->pages->proxies = slot;
    h->pages->mapped_blocks++;
    h->pages->mapped_bytes += proxy.committed;
    store_proxy(h, slot, &proxy);
    entry_at(h, slot)->cw |= CW_MAPPED;
    return handle;
}

void mapped_release(struct jeff_heap *h, uint32_t slot)
{
    const struct proxy proxy = load_proxy(h, entry_at(h, slot));
    if (proxy.next != NIL) {
        struct proxy next = load_proxy(h, entry_at(h, proxy.next));
        next.previous = proxy.previous;
        store_proxy(h, proxy.next, &next);
    }
    if (proxy.previous != NIL) {
        struct proxy previous = load_proxy(h, entry_at(h, proxy.previous));
        previous.next = proxy.next;
        store_proxy(h, proxy.previous, &previous);
    } else {
        h->pages->proxies = proxy.next;
    }
    unmap(h, &proxy);
    h->pages->mapped_blocks--;
    h->pages->mapped_bytes -= proxy.committed;
}

uint32_t mapped_next(const struct jeff_heap *h, uint32_t slot)
{
    return load_proxy(h, entry_at(h, slot)).next;
}

bool mapped_is_sound(const struct jeff_heap *h, const struct entry *e, uint32_t previous)
{
    const uint32_t start = start_of(e);
    const uint32_t header = header_of(h, start);
    if (block_capacity(block_size(h, start, header), class_of(header) == CLASS_WIDE) < sizeof(struct proxy))
        return false;
    const struct proxy proxy = load_proxy(h, e);
    const size_t page = h->pages->hooks.page_bytes;
    const size_t extra = room_to_align(h, proxy.alignment);
    const size_t mask = (size_t)proxy.alignment - 1;
    return proxy.previous == previous && !(proxy.alignment & (proxy.alignment - 1)) &&
           proxy.reserved_bytes % page == 0 && proxy.committed && proxy.committed % page == 0 &&
           proxy.committed <= proxy.reserved_bytes && extra <= proxy.reserved_bytes - proxy.committed &&
           (uintptr_t)proxy.address == (((uintptr_t)proxy.reserved + mask) & ~mask);
}

void *mapped_address(const struct jeff_heap *h, const struct entry *e)
{
    return load_proxy(h, e).address;
}

size_t mapped_usable(const struct jeff_heap *h, const struct entry *e)
{
    return load_proxy(h, e).committed;
}

size_t mapped_extent(const struct jeff_heap *h, const struct entry *e, void **begin)
{
    const struct proxy proxy = load_proxy(h, e);
    *begin = proxy.address;
    return proxy.committed;
}

/// Within the address space that it has. @return false if that is too small or the system refuses
static bool resize_here(struct jeff_heap *h, struct proxy *proxy, size_t bytes)
{
    const struct jeff_page_hooks *hooks = &h->pages->hooks;
    const size_t wanted = round_to_pages(h, bytes);
    // Not what happens to be left above the address: that would depend on where the system has put the pages.
    const size_t room = proxy->reserved_bytes - room_to_align(h, proxy->alignment);
    if (wanted > room)
        return false;
    if (wanted < proxy->committed) {
        memory_show(proxy->address + wanted, proxy->committed - wanted);
        hooks->decommit(hooks->context, proxy->address + wanted, proxy->committed - wanted);
        h->pages->mapped_bytes -= proxy->committed - wanted;
    } else if (wanted > proxy->committed) {
        if (!hooks->commit(hooks->context, proxy->address + proxy->committed, wanted - proxy->committed))
            return false;
        h->pages->mapped_bytes += wanted - proxy->committed;
    }
    proxy->committed = wanted;
    return true;
}

static bool refuse_resize(struct jeff_heap *h, enum jeff_status status)
{
    h->refusals++;
    return fail(h, status);
}

bool mapped_resize(struct jeff_heap *h, jeff_handle handle, size_t bytes)
{
    const uint32_t slot = slot_of(handle);
    struct entry *e = entry_at(h, slot);
    struct proxy old = load_proxy(h, e);
    if (!is_mappable(h, bytes))
        return refuse_resize(h, JEFF_ERROR_NO_MEMORY);
    if (resize_here(h, &old, bytes)) {
        store_proxy(h, slot, &old);
        hide_resized_pages(h, e);
        return true;
    }
    if (lock_count(h, slot))
        return refuse_resize(h, JEFF_ERROR_LOCKED);
    struct proxy grown;
    const bool mapped = map_or_ask(h, bytes, old.alignment, &grown);
    // The callback may have freed the block, or locked it, or freed the one next to it in the list.
    const enum jeff_status why = !live_entry(h, handle) ? JEFF_ERROR_HANDLE
                                 : lock_count(h, slot)  ? JEFF_ERROR_LOCKED
                                                        : JEFF_ERROR_NO_MEMORY;
    if (!mapped || why != JEFF_ERROR_NO_MEMORY) {
        if (mapped)
            unmap(h, &grown);
        return refuse_resize(h, why);
    }
    old = load_proxy(h, e);
    assert(old.committed < grown.committed); // to be smaller, it would have stayed
    hidden_copy(grown.address, old.address, old.committed);
    grown.next = old.next;
    grown.previous = old.previous;
    unmap(h, &old);
    h->pages->mapped_bytes += grown.committed - old.committed;
    store_proxy(h, slot, &grown);
    hide_resized_pages(h, e);
    return true;
}
