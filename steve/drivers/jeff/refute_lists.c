/// Cases of trial_refute.c: bins of holes and lists of free slots.
#include "steve/drivers/jeff/refute_internal.h"

void steve_refute_case_map_of_bins(struct refute *r)
{
    const uint32_t size = steve_refute_get(steve_refute_header(r, r->hole[2])) & SLOT_MASK;
    const uint32_t bins[] = {hole_bin_of(size), r->h->hole_bins - 1, r->h->hole_bins, 127, 0, 63, 64};
    for (size_t i = 0; i < sizeof bins / sizeof bins[0]; i++) {
        steve_refute_set(r, steve_refute_map_of(r, bins[i]),
                         *steve_refute_map_of(r, bins[i]) ^ (uint32_t)1 << bins[i] % 32);
        steve_refute_named(r, r->h->hole_map);
    }
    steve_refute_set(r, hole_heads(r->h) + r->h->hole_bins - 1, r->hole[0]);
    steve_refute_named(r, r->h->hole_map);
}

void steve_refute_case_bin_leads_astray(struct refute *r)
{
    const uint32_t size = steve_refute_get(steve_refute_header(r, r->hole[2])) & SLOT_MASK;
    uint32_t *const head = steve_refute_head_of(r, size);
    const uint32_t values[] = {1, r->h->first - 1, r->h->top, r->h->top + 1, 0x0fffffff, UINT32_MAX, r->hole[0]};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        steve_refute_set(r, head, values[i]);
        steve_refute_named(r, head);
    }
    // What a client has written looks like the hole, to its last word.
    const uint32_t inner = steve_refute_start(r, r->wide) + 2;
    if (steve_refute_size_of(r, r->wide) > size + 4) {
        steve_refute_set(r, steve_refute_header(r, inner), size);
        steve_refute_set(r, at(r->h, inner), 0);
        steve_refute_set(r, at(r->h, inner) + 4, 0);
        steve_refute_set(r, at(r->h, inner) + 8, size);
        steve_refute_set(r, at(r->h, inner + size) - 8, inner + 1);
        steve_refute_set(r, head, inner);
        steve_refute_named(r, head);
    }
    // One hole too many, in a bin behind all others.
    const uint32_t many = CLASS_MAX - 10;
    if (hole_bin_of(many) > hole_bin_of(size)) {
        steve_refute_set(r, steve_refute_header(r, inner), many);
        steve_refute_set(r, at(r->h, inner), 0);
        steve_refute_set(r, at(r->h, inner) + 4, 0);
        steve_refute_set(r, at(r->h, inner) + 8, many);
        steve_refute_set(r, at(r->h, inner + many) - 8, inner);
        steve_refute_set(r, steve_refute_head_of(r, many), inner);
        steve_refute_set(r, steve_refute_map_of(r, hole_bin_of(many)),
                         *steve_refute_map_of(r, hole_bin_of(many)) | (uint32_t)1 << hole_bin_of(many) % 32);
        steve_refute_named(r, steve_refute_head_of(r, many));
    }
    // A hole of nothing, in a bin that no hole has.
    steve_refute_set(r, steve_refute_header(r, inner), 0);
    steve_refute_set(r, at(r->h, inner), 0);
    steve_refute_set(r, at(r->h, inner) + 4, 0);
    steve_refute_set(r, at(r->h, inner) + 8, 0);
    steve_refute_set(r, at(r->h, inner) - 8, inner);
    steve_refute_set(r, hole_heads(r->h), inner);
    steve_refute_set(r, steve_refute_map_of(r, 0), *steve_refute_map_of(r, 0) | 1);
    steve_refute_named(r, hole_heads(r->h));
}

void steve_refute_case_links_of_holes(struct refute *r)
{
    const uint32_t size = steve_refute_get(steve_refute_header(r, r->hole[0])) & SLOT_MASK;
    uint32_t *const head = steve_refute_head_of(r, size);
    char *const first = at(r->h, r->hole[1]);
    char *const second = at(r->h, r->hole[0]);
    steve_refute_set(r, head, r->hole[0]); // past the first one
    steve_refute_named(r, head);
    steve_refute_set(r, second + 4, 0);
    steve_refute_named(r, second);
    steve_refute_set(r, second + 4, r->h->top);
    steve_refute_named(r, second);
    steve_refute_set(r, second + 4, 0x0fffffff);
    steve_refute_named(r, second);
    if (r->h->top < top_limit(r->h)) {
        steve_refute_set(r, second + 4, r->h->top);
        steve_refute_set(r, at(r->h, r->h->top), r->hole[0]);
        steve_refute_named(r, second);
    }
    steve_refute_set(r, first + 4, r->hole[0]);
    steve_refute_named(r, first);
    steve_refute_set(r, second, r->hole[1]); // in a circle
    steve_refute_named(r, second);
    steve_refute_set(r, first, 0); // the second one in no bin
    steve_refute_named(r, r->h->hole_map);
}

void steve_refute_case_hole_beside_halfway(struct refute *r)
{
    // A hole of a bin is said to be the one that a block is being copied into.
    if (r->h->halfway_hole == 0) {
        const uint32_t size = steve_refute_get(steve_refute_header(r, r->hole[0])) & SLOT_MASK;
        steve_refute_set(r, &r->h->halfway_hole, r->hole[1]);
        steve_refute_named(r, steve_refute_head_of(r, size));
        steve_refute_set(r, &r->h->halfway_hole, steve_refute_start(r, r->wide));
        steve_refute_named(r, &r->h->halfway_hole);
    }
}

void steve_refute_case_free_lists(struct refute *r)
{
    struct jeff_heap *h = r->h;
    const uint32_t class = steve_refute_size_of(r, r->cached);
    struct bin *bin = &h->bin[class];
    const uint32_t strange[] = {5, h->slot_low - 1, SLOT_END, UINT32_MAX, r->row[0], r->retired};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        steve_refute_set(r, &bin->slot, strange[i]);
        steve_refute_named(r, &bin->slot);
        steve_refute_set(r, &h->bare, strange[i]);
        steve_refute_named(r, &h->bare);
    }
    struct bin *const live = &h->bin[steve_refute_size_of(r, r->row[0])];
    steve_refute_set(r, &live->slot, r->row[0]);
    steve_refute_named(r, live);
    struct entry *e = steve_refute_entry_of(r, r->cached);
    steve_refute_set(r, &e->cw, r->cached << CW_NEXT | class); // in a circle
    steve_refute_named(r, e);
    steve_refute_list_alone(r, class, NIL, 0);
    steve_refute_named(r, e);
    steve_refute_list_alone(r, class, NIL, 0);
    steve_refute_list_alone(r, class + 1, r->cached, 1);
    steve_refute_named(r, &h->bin[class + 1]);
    steve_refute_list_alone(r, class, NIL, 0);
    steve_refute_list_alone(r, BIN_DEFERRED, r->cached, 1);
    steve_refute_named(r, &h->bin[BIN_DEFERRED]);
    struct entry *bare = steve_refute_entry_of(r, h->bare);
    steve_refute_set(r, &bare->cw, bare->cw | 3);
    steve_refute_named(r, &h->bare);
    const uint32_t next = next_of(bare);
    steve_refute_set(r, &h->bare, next);
    steve_refute_named(r, bare);
    if (next != NIL) {
        steve_refute_set(r, &h->bare, next_of(steve_refute_entry_of(r, next)));
        steve_refute_named(r, h->bin);
        // Two in a circle: as many are passed as there should be.
        struct entry *const other = steve_refute_entry_of(r, next);
        steve_refute_set(r, &other->cw, h->bare << CW_NEXT);
        steve_refute_named(r, (h->bare_count + h->dead_count) % 2 == 0 ? other : bare);
    }
}

/// Blocks that a callback has freed, and that are to be merged later.
void steve_refute_case_deferred(struct refute *r)
{
    struct jeff_heap *h = r->h;
    struct entry *e = steve_refute_entry_of(r, r->wide);
    const uint32_t size = steve_refute_size_of(r, r->wide);
    enum { SOUND, RETIRED_NEXT, MISCOUNTED, OTHER_SIZE, KINDS };
    for (unsigned kind = SOUND; kind < KINDS; kind++) {
        const uint32_t next = kind == RETIRED_NEXT ? r->retired : NIL;
        steve_refute_set(r, &e->gen, e->gen + 1);
        steve_refute_set(r, &e->cw, next << CW_NEXT | CLASS_WIDE);
        steve_refute_list_alone(r, BIN_DEFERRED, r->wide, kind != MISCOUNTED);
        steve_refute_set(r, &h->deferred, size - (kind == OTHER_SIZE));
        if (kind == SOUND) {
            steve_refute_sound(r);
        } else {
            steve_refute_named(r, kind == RETIRED_NEXT ? (const void *)e
                                  : kind == MISCOUNTED ? (const void *)&h->bin[BIN_DEFERRED]
                                                       : &h->deferred);
        }
    }
    // The largest class that has a bin is cached there.
    struct entry *even = steve_refute_entry_of(r, r->even);
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        steve_refute_set(r, &even->gen, even->gen + 1);
        steve_refute_set(r, &even->cw, NIL << CW_NEXT | h->binned);
        steve_refute_list_alone(r, wrong ? BIN_DEFERRED : h->binned, r->even, 1);
        if (wrong) {
            steve_refute_named(r, &h->bin[BIN_DEFERRED]);
        } else {
            steve_refute_sound(r);
        }
    }
}
