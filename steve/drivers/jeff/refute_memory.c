/// Cases of trial_refute.c: blocks and holes where they lie, and a block that is halfway to elsewhere.
#include "steve/drivers/jeff/refute_internal.h"

/* Memory */

/// A block reaches to where the one after the next begins.
void steve_refute_case_swallows(struct refute *r)
{
    const uint32_t i = steve_jeff_trial_below(r->trial, REFUTE_ROW - 1);
    steve_refute_resized(r, r->row[i]);
    steve_refute_set_class(r, r->row[i], steve_refute_size_of(r, r->row[i]) + steve_refute_size_of(r, r->row[i + 1]));
    steve_refute_named(r, steve_refute_header_of_slot(r, r->row[i]));
    // The last block, and as much as there is.
    const uint32_t last = r->row[REFUTE_ROW - 1];
    steve_refute_resized(r, last);
    steve_refute_set_class(r, last, steve_refute_size_of(r, last) + 1);
    steve_refute_named(r, steve_refute_header_of_slot(r, last));
    // A wide one, with a hole and what lies on it.
    const uint32_t wide = steve_refute_start(r, r->wide);
    const uint32_t above = wide + steve_refute_size_of(r, r->wide);
    if (above < r->h->top && !is_hole(header_of(r->h, above))) {
        steve_refute_set(r, at(r->h, wide), steve_refute_size_of(r, r->wide) + size_at(r->h, above));
        steve_refute_named(r, steve_refute_header(r, wide));
    }
}

/// What is in the middle of a block looks like another one.
void steve_refute_case_leads_into_middle(struct refute *r)
{
    const uint32_t slot = r->row[0];
    const uint32_t size = steve_refute_size_of(r, slot);
    if (size < 2) {
        return;
    }
    steve_refute_resized(r, slot);
    steve_refute_set_class(r, slot, size - 1);
    steve_refute_set(r, steve_refute_header(r, steve_refute_start(r, slot) + size - 1),
                     make_header(r->row[2], 1)); // a slot that has its block elsewhere
    steve_refute_named(r, steve_refute_header_of_slot(r, slot));
    steve_refute_resized(r, slot);
    steve_refute_set_class(r, slot, size - 1);
    steve_refute_set(r, steve_refute_header(r, steve_refute_start(r, slot) + size - 1), make_header(NIL, 1));
    steve_refute_named(r, steve_refute_header_of_slot(r, slot));
}

/// A free slot that has lost its block.
void steve_refute_case_lost(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->cached);
    char *const word = steve_refute_header_of_slot(r, r->cached);
    const uint32_t size = steve_refute_size_of(r, r->cached);
    steve_refute_set(r, &e->off, 0);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->off, 0); // and another slot's name, that there is not
    steve_refute_set(r, word, make_header(5, size));
    steve_refute_inside(r);
}

/// The lowest block has nothing below it that could be what is wrong.
void steve_refute_case_lowest(struct refute *r)
{
    char *const word = steve_refute_header(r, r->h->first);
    steve_refute_set(r, word, steve_refute_get(word) | FREE_BELOW);
    steve_refute_set(r, steve_refute_padding(r), r->hole[1]);
    steve_refute_named(r, word);
    // A block of nobody's, whose slot is as it should be without it.
    steve_refute_make_bare(r, r->first);
    steve_refute_named(r, word);
    // A hole in no bin.
    const uint32_t size = steve_refute_size_of(r, r->first);
    steve_refute_make_bare(r, r->first);
    steve_refute_set(r, word, size + 1);
    steve_refute_named(r, word);
}

void steve_refute_case_wide_of_one(struct refute *r)
{
    const uint32_t begin = steve_refute_start(r, r->wide);
    const uint32_t size = steve_refute_size_of(r, r->wide);
    const uint32_t slot = steve_refute_take_bare(r);
    struct entry *e = steve_refute_entry_of(r, slot);
    steve_refute_set(r, at(r->h, begin), 1);
    steve_refute_set(r, steve_refute_header(r, begin + 1), make_header(slot, CLASS_WIDE));
    steve_refute_set(r, at(r->h, begin + 1), size - 1);
    steve_refute_set(r, at(r->h, begin + 1) + 4, 1);
    steve_refute_set(r, &e->off, begin + 2);
    steve_refute_set(r, &e->gen, e->gen + 1);
    steve_refute_set(r, &e->cw, CLASS_WIDE | CW_WIDE);
    steve_refute_named(r, steve_refute_header(r, begin));
}

void steve_refute_case_alignment(struct refute *r)
{
    char *const record = at(r->h, steve_refute_start(r, r->wide));
    steve_refute_set(r, record + 4, 3 + 2 * steve_jeff_trial_below(r->trial, 30));
    steve_refute_named(r, steve_refute_header_of_slot(r, r->wide));
    const uint32_t payload = steve_refute_start(r, r->wide) + 1;
    uint32_t most = 1;
    while (((uintptr_t)at(r->h, payload) / GRANULE) % (2 * most) == 0) {
        most *= 2;
    }
    steve_refute_set(r, record + 4, most);
    steve_refute_sound(r);
    steve_refute_set(r, record + 4, 2 * most);
    steve_refute_named(r, steve_refute_header_of_slot(r, r->wide));
    steve_refute_set(r, record + 4, 0);
    steve_refute_named(r, steve_refute_header_of_slot(r, r->wide));
}

void steve_refute_case_hole_sizes(struct refute *r)
{
    const uint32_t hole = r->hole[2];
    char *const word = steve_refute_header(r, hole);
    const uint32_t size = steve_refute_get(word) & SLOT_MASK;
    char *const record = at(r->h, hole);
    const uint32_t beyond = (uint32_t)(r->h->end / GRANULE) - hole + 1;
    steve_refute_set(r, word, beyond);
    steve_refute_set(r, record + 8, beyond);
    steve_refute_named(r, word);
    steve_refute_set(r, word, 0);
    steve_refute_named(r, word);
    steve_refute_set(r, record + 8, size + 1);
    steve_refute_named(r, word);
    steve_refute_set(r, word, 0);
    steve_refute_set(r, record + 8, 0);
    steve_refute_named(r, word);
    steve_refute_set(r, word, 0); // what it should say were it a large one
    steve_refute_set(r, record + 8, SLOT_END);
    steve_refute_named(r, word);
    steve_refute_set(r, at(r->h, hole + size) - 8, hole + 1);
    steve_refute_named(r, word);
    steve_refute_set(r, word, steve_refute_get(word) | FREE_BELOW);
    steve_refute_named(r, word);
}

/// Holes of one and of two granules.
void steve_refute_case_small_holes(struct refute *r)
{
    const uint32_t slot = r->row[1];
    const uint32_t size = steve_refute_size_of(r, slot);
    const uint32_t begin = steve_refute_start(r, slot);
    steve_refute_make_bare(r, slot);
    steve_refute_make_hole(r, begin, size);
    steve_refute_sound(r);
    if (size > 1) {
        steve_refute_make_bare(r, slot);
        steve_refute_make_hole(r, begin, size);
        steve_refute_set(r, at(r->h, begin) + 8, size + 1);
        steve_refute_named(r, steve_refute_header(r, begin));
    }
}

/// A hole right below the top, which would be part of it.
void steve_refute_case_highest_hole(struct refute *r)
{
    const uint32_t slot = r->row[REFUTE_ROW - 1];
    const uint32_t begin = steve_refute_start(r, slot);
    const uint32_t size = steve_refute_size_of(r, slot);
    steve_refute_make_bare(r, slot);
    steve_refute_make_hole(r, begin, size);
    steve_refute_named(r, steve_refute_header(r, begin));
}

void steve_refute_case_two_holes(struct refute *r)
{
    const uint32_t first = r->hole[2];
    const uint32_t size = steve_refute_get(steve_refute_header(r, first)) & SLOT_MASK;
    const uint32_t bin = hole_bin_of(size);
    // The hole leaves its bin, where it is alone, and comes back as two.
    steve_refute_set(r, steve_refute_head_of(r, size), 0);
    steve_refute_set(r, steve_refute_map_of(r, bin), *steve_refute_map_of(r, bin) & ~((uint32_t)1 << bin % 32));
    steve_refute_add(r, &r->h->hole_granules, 0 - size);
    steve_refute_make_hole(r, first + 3, size - 3);
    steve_refute_make_hole(r, first, 3);
    steve_refute_set(r, steve_refute_header(r, first + 3),
                     steve_refute_get(steve_refute_header(r, first + 3)) & ~FREE_BELOW);
    steve_refute_named(r, steve_refute_header(r, first + 3));
}

void steve_refute_case_marked_above(struct refute *r)
{
    char *const word = steve_refute_header_of_slot(r, r->row[2]);
    steve_refute_set(r, word, steve_refute_get(word) | FREE_BELOW);
    steve_refute_named(r, word);
    char *const above = steve_refute_header_of_slot(r, r->between);
    steve_refute_set(r, above, steve_refute_get(above) & ~FREE_BELOW);
    steve_refute_named(r, above);
    // Marked, and what is below leads to a hole: that has become a block, so it seems.
    steve_refute_set(r, word, steve_refute_get(word) | FREE_BELOW);
    steve_refute_set(r, word - WORD, r->hole[1]);
    steve_refute_named(r, steve_refute_header_of_slot(r, r->row[1]));
    steve_refute_set(r, word, steve_refute_get(word) | FREE_BELOW);
    steve_refute_set(r, word - WORD, r->hole[1] + 1);
    steve_refute_named(r, word);
}

/* Halfway: the wide block, and the first hole is where it goes */

void steve_refute_case_halfway(struct refute *r)
{
    struct jeff_heap *h = r->h;
    struct entry *large = steve_refute_entry_of(r, r->wide);
    struct entry *other = steve_refute_entry_of(r, r->first);
    const uint32_t hole = h->halfway_hole;
    steve_refute_set(r, &h->halfway_slot, r->first);
    steve_refute_named(r, large);
    steve_refute_set(r, &h->halfway_hole, 0);
    steve_refute_named(r, large);
    steve_refute_set(r, &h->halfway_hole, steve_refute_start(r, r->wide));
    steve_refute_named(r, large);
    steve_refute_set(r, &other->cw, other->cw | CW_HALFWAY);
    steve_refute_named(r, other);
    steve_refute_set(r, &large->cw, large->cw & ~CW_HALFWAY);
    steve_refute_sound(r);
    steve_refute_set(r, &large->cw, large->cw & ~CW_HALFWAY);
    steve_refute_set(r, &other->cw, other->cw | CW_HALFWAY);
    steve_refute_set(r, &h->halfway_slot, r->first);
    steve_refute_named(r, other);
    const uint32_t size = hole_size(h, hole, header_of(h, hole));
    const uint32_t bin = hole_bin_of(size);
    steve_refute_set(r, at(h, hole), 0);
    steve_refute_set(r, at(h, hole) + 4, 0);
    steve_refute_set(r, steve_refute_head_of(r, size), hole);
    steve_refute_set(r, steve_refute_map_of(r, bin), *steve_refute_map_of(r, bin) | (uint32_t)1 << bin % 32);
    steve_refute_named(r, steve_refute_head_of(r, size));
}
