/// Cases of trial_refute.c: pages of the heap, and blocks that have their own.
#include "steve/drivers/jeff/refute_internal.h"

void steve_refute_case_page_bounds(struct refute *r)
{
    struct page_state *p = r->h->pages;
    const size_t page = p->hooks.page_bytes;
    const size_t sizes[] = {0, 1, 512, 1023, 1025, 1536, 3072};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        steve_refute_set_size_t(r, &p->hooks.page_bytes, sizes[i]);
        steve_refute_named(r, p);
    }
    steve_refute_set_size_t(r, &p->reserved, p->reserved + page);
    steve_refute_named(r, p);
    const bool met = p->commit_low == SIZE_MAX;
    const size_t table = p->commit_table;
    steve_refute_set_size_t(r, &p->commit_table, table + 4);
    steve_refute_named(r, &p->commit_low);
    steve_refute_set_size_t(r, &p->commit_table, p->reserved);
    steve_refute_named(r, &p->commit_low);
    if (!met) {
        const size_t low = p->commit_low;
        steve_refute_set_size_t(r, &p->commit_low, low + 4);
        steve_refute_named(r, &p->commit_low);
        steve_refute_set_size_t(r, &p->commit_low, table);
        steve_refute_named(r, &p->commit_low);
        steve_refute_set_size_t(r, &p->commit_low, ((size_t)r->h->top * GRANULE - HEADER) / page * page);
        steve_refute_named(r, &p->commit_low);
        steve_refute_set_size_t(r, &p->commit_table, table_low(r->h) / page * page + page);
        steve_refute_named(r, &p->commit_low);
    } else {
        steve_refute_set_size_t(r, &p->commit_table, page);
        steve_refute_sound(r);
    }
    uintptr_t *const hooks = (uintptr_t *)(void *)&p->hooks.reserve;
    for (size_t i = 0; i < 4; i++) {
        const uintptr_t none = 0;
        steve_refute_set_bytes(r, &hooks[i], &none, sizeof none);
        steve_refute_named(r, p);
    }
    struct page_state *const other = (struct page_state *)(void *)((char *)p + 8);
    steve_refute_set_bytes(r, &r->h->pages, &other, sizeof(void *));
    steve_refute_named(r, &r->h->pages);
}

/// As mapped.c has it.
struct proxy {
    char *address;
    char *reserved;
    size_t reserved_bytes;
    size_t committed;
    uint32_t next, previous;
    uint32_t alignment;
};

/// Where it lies. What is in there is hidden from all but the heap.
static struct proxy *proxy_of(const struct refute *r, uint32_t slot)
{
    return (struct proxy *)(void *)at(r->h, steve_refute_entry_of(r, slot)->off);
}

static struct proxy read_proxy(const struct proxy *proxy)
{
    uint32_t words[sizeof(struct proxy) / WORD];
    struct proxy copy;
    for (size_t i = 0; i < sizeof words / WORD; i++) {
        words[i] = steve_refute_get((const char *)proxy + i * WORD);
    }
    memcpy(&copy, words, sizeof copy);
    return copy;
}

void steve_refute_case_list_of_own(struct refute *r)
{
    struct page_state *p = r->h->pages;
    struct proxy *const first = proxy_of(r, r->own[0]);
    struct proxy *const last = proxy_of(r, r->own[1]);
    steve_refute_set(r, &p->proxies, 5);
    steve_refute_named(r, &p->proxies);
    steve_refute_set(r, &p->proxies, r->h->bare);
    steve_refute_named(r, &p->proxies);
    steve_refute_set(r, &p->proxies, r->row[0]);
    steve_refute_named(r, steve_refute_entry_of(r, r->row[0]));
    steve_refute_set(r, &p->proxies, r->own[1]);
    steve_refute_named(r, last);
    steve_refute_set(r, &p->proxies, NIL);
    steve_refute_named(r, p);
    steve_refute_set(r, &first->next, 5);
    steve_refute_named(r, first);
    steve_refute_set(r, &first->next, r->h->bare);
    steve_refute_named(r, first);
    steve_refute_set(r, &first->next, NIL);
    steve_refute_named(r, p);
    steve_refute_set(r, &last->next, r->own[0]);
    steve_refute_named(r, first);
    steve_refute_set(r, &first->previous, r->own[1]);
    steve_refute_named(r, first);
    steve_refute_set(r, &last->previous, NIL);
    steve_refute_named(r, last);
    steve_refute_set_size_t(r, &p->mapped_blocks, p->mapped_blocks + 1);
    steve_refute_named(r, p);
    steve_refute_set_size_t(r, &p->mapped_bytes, p->mapped_bytes + REFUTE_PAGE);
    steve_refute_named(r, p);
    struct entry *e = steve_refute_entry_of(r, r->row[0]);
    steve_refute_set(r, &e->cw, e->cw | CW_MAPPED);
    steve_refute_named(r, p);
}

void steve_refute_case_own_pages(struct refute *r)
{
    struct page_state *p = r->h->pages;
    for (size_t i = 0; i < 2; i++) {
        struct proxy *const proxy = proxy_of(r, r->own[i]);
        const struct proxy is = read_proxy(proxy);
        for (uint32_t bit = steve_jeff_trial_below(r->trial, 4); bit < 32; bit += 4) {
            steve_refute_set(r, &proxy->alignment, is.alignment ^ (uint32_t)1 << bit);
            steve_refute_named(r, proxy);
        }
        steve_refute_set_size_t(r, &proxy->reserved_bytes, is.reserved_bytes + REFUTE_PAGE / 2);
        steve_refute_named(r, proxy);
        steve_refute_set_size_t(r, &p->mapped_bytes, p->mapped_bytes - is.committed);
        steve_refute_set_size_t(r, &proxy->committed, 0);
        steve_refute_named(r, proxy);
        steve_refute_set_size_t(r, &p->mapped_bytes, p->mapped_bytes - 4);
        steve_refute_set_size_t(r, &proxy->committed, is.committed - 4);
        steve_refute_named(r, proxy);
        steve_refute_set_size_t(r, &p->mapped_bytes, p->mapped_bytes + REFUTE_PAGE);
        steve_refute_set_size_t(r, &proxy->committed, is.committed + REFUTE_PAGE);
        steve_refute_named(r, proxy);
        steve_refute_set_size_t(r, &proxy->reserved_bytes, REFUTE_PAGE);
        steve_refute_named(r, proxy);
        char *const address = is.address + GRANULE;
        steve_refute_set_bytes(r, &proxy->address, &address, sizeof address);
        steve_refute_named(r, proxy);
    }
}

/// A block that is too small for what it would have to know of its pages: that lies in the next one's memory, to whose header it agrees.
void steve_refute_case_too_small_for_own(struct refute *r)
{
    enum { HEADER_WORD = 3 };
    struct page_state *p = r->h->pages;
    struct entry *e = steve_refute_entry_of(r, r->row[3]); // of one granule
    if (sizeof(void *) < 8) {
        return; // that header would be a size, and is no multiple of a page
    }
    struct proxy forged = read_proxy(proxy_of(r, r->row[3]));
    forged.address = forged.reserved;
    forged.reserved_bytes = forged.committed = REFUTE_PAGE;
    forged.next = r->own[0];
    forged.previous = NIL;
    forged.alignment = 1;
    for (size_t i = 0; i < offsetof(struct proxy, alignment) / WORD + 1; i++) {
        if (i != HEADER_WORD) {
            steve_refute_set(r, at(r->h, e->off) + i * WORD, steve_refute_get((char *)&forged + i * WORD));
        }
    }
    steve_refute_set(r, &e->cw, e->cw | CW_MAPPED);
    steve_refute_set(r, &p->proxies, r->row[3]);
    steve_refute_set(r, &proxy_of(r, r->own[0])->previous, r->row[3]);
    steve_refute_set_size_t(r, &p->mapped_blocks, p->mapped_blocks + 1);
    steve_refute_set_size_t(r, &p->mapped_bytes, p->mapped_bytes + REFUTE_PAGE);
    steve_refute_named(r, at(r->h, e->off));
}
