/// A doubly linked list of free blocks; the links are each block's node, right above its header.
#ifndef BASELINE_LIST_INTERNAL_H
#define BASELINE_LIST_INTERNAL_H

#include "heap_internal.h"

static inline struct link *link_of(const struct block *b)
{
    return payload_of(b);
}

static inline struct block *block_at(const struct link *link)
{
    return below(link, WORD);
}

/// Puts a link between two neighbours, either of which may be NULL.
static inline void link_between(struct link **first, struct link *link, struct link *prev, struct link *next)
{
    *link = (struct link){.next = next, .prev = prev};
    if (next)
        next->prev = link;
    if (prev)
        prev->next = link;
    else
        *first = link;
}

static inline void link_remove(struct link **first, const struct link *link)
{
    if (link->next)
        link->next->prev = link->prev;
    if (link->prev)
        link->prev->next = link->next;
    else
        *first = link->next;
}

#endif
