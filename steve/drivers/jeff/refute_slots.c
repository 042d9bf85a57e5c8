/// Cases of trial_refute.c: entries of the handle table, and gates.
#include "steve/drivers/jeff/refute_internal.h"

/* Entries */

void steve_refute_case_live_flags(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->row[1]);
    const uint32_t none = e->cw & ~(CW_CLASS | CW_UNBINNED);
    if (CW_SHOWN == 0) { // else it has a meaning
        steve_refute_set(r, &e->cw, e->cw | (uint32_t)1 << 15);
        steve_refute_named(r, e);
    }
    steve_refute_resized(r, r->row[1]);
    steve_refute_sound(r);
    steve_refute_set(r, &e->cw, none | CW_RESIZED);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->cw, none | CW_RESIZED | CW_UNBINNED | (CLASS_WIDE + 1));
    steve_refute_named(r, e);
    steve_refute_set(r, &e->cw, none | CW_RESIZED | CLASS_WIDE);
    steve_refute_sound(r);
    steve_refute_set(r, &e->cw, none | CW_RESIZED | r->h->binned);
    steve_refute_sound(r);
    steve_refute_set(r, &e->cw, none | CW_RESIZED | CW_UNBINNED | r->h->binned);
    steve_refute_named(r, e);
    if (r->h->binned < CLASS_MAX) {
        steve_refute_set(r, &e->cw, none | CW_RESIZED | CW_UNBINNED | (r->h->binned + 1));
        steve_refute_sound(r);
        steve_refute_set(r, &e->cw, none | CW_RESIZED | (r->h->binned + 1));
        steve_refute_named(r, e);
    }
    struct entry *lowest = steve_refute_entry_of(r, r->first);
    steve_refute_set(r, &lowest->cw, lowest->cw | CW_HALFWAY);
    steve_refute_named(r, lowest);
    steve_refute_set(r, &lowest->cw, lowest->cw | CW_HALFWAY); // where there is no hole to go to
    steve_refute_set(r, &r->h->halfway_slot, r->first);
    steve_refute_named(r, lowest);
}

void steve_refute_case_mapped_in_region(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->row[2]);
    if (r->h->pages == NULL) {
        steve_refute_set(r, &e->cw, e->cw | CW_MAPPED);
        steve_refute_named(r, e);
    }
}

void steve_refute_case_purged(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->purged);
    if (r->purged == NIL) {
        return;
    }
    steve_refute_set(r, &e->off, 12);
    steve_refute_sound(r);
    steve_refute_set(r, &e->off, 13);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->cw, e->cw + (1u << CW_LOCK));
    steve_refute_named(r, e);
    steve_refute_set(r, &e->cw, e->cw | CW_MAPPED);
    steve_refute_named(r, e);
}

void steve_refute_case_retired(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->retired);
    steve_refute_set(r, &e->off, r->h->first);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->cw, e->cw - 1);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->cw, e->cw - (1u << CW_NEXT));
    steve_refute_named(r, e);
}

/// Headers that were left behind where the heap has no block may look like one.
void steve_refute_case_place_outside(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->row[1]);
    const uint32_t is = steve_refute_get(steve_refute_header_of_slot(r, r->row[1]));
    if (r->h->top < top_limit(r->h)) {
        steve_refute_set(r, steve_refute_header(r, r->h->top), is & ~FREE_BELOW);
        steve_refute_set(r, &e->off, r->h->top);
        steve_refute_named(r, e);
    }
    steve_refute_set(r, steve_refute_header(r, r->h->first - 1), is & ~FREE_BELOW);
    steve_refute_set(r, &e->off, r->h->first - 1);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->off, 0);
    steve_refute_named(r, e);
}

void steve_refute_case_place_of_another(struct refute *r)
{
    struct entry *e = steve_refute_entry_of(r, r->row[1]);
    steve_refute_set(r, &e->off, steve_refute_start(r, r->row[2]));
    steve_refute_named(r, e);
    steve_refute_set(r, &e->off, r->hole[0]);
    steve_refute_named(r, e);
    steve_refute_set(r, &e->off, r->h->top - 1);
    steve_refute_set(r, steve_refute_header(r, r->h->top - 1), 5);
    steve_refute_named(r, e);
    steve_refute_set(r, steve_refute_header_of_slot(r, r->row[1]),
                     (steve_refute_get(steve_refute_header_of_slot(r, r->row[1])) & ~SLOT_MASK) | r->row[2]);
    steve_refute_named(r, steve_refute_header_of_slot(r, r->row[1]));
    steve_refute_set(r, steve_refute_header_of_slot(r, r->row[1]), 0); // a hole of what was written there
    steve_refute_named(r, steve_refute_header_of_slot(r, r->row[1]));
    if (r->h->top < top_limit(r->h)) { // to which leads what lies at the top, to which a bin leads
        steve_refute_set(r, steve_refute_header_of_slot(r, r->row[1]), 0);
        steve_refute_set(r, hole_heads(r->h) + r->h->hole_bins - 1, r->h->top);
        steve_refute_set(r, at(r->h, r->h->top), steve_refute_start(r, r->row[1]));
        steve_refute_named(r, steve_refute_header_of_slot(r, r->row[1]));
    }
    if (r->h->pages == NULL) { // to which the word behind the last bin leads
        steve_refute_set(r, steve_refute_header_of_slot(r, r->row[1]), 0);
        steve_refute_set(r, hole_heads(r->h) + r->h->hole_bins, steve_refute_start(r, r->row[1]));
        steve_refute_named(r, steve_refute_header_of_slot(r, r->row[1]));
    }
    struct entry *cached = steve_refute_entry_of(r, r->cached);
    steve_refute_set(r, &cached->off, steve_refute_start(r, r->row[2]));
    steve_refute_named(r, cached);
}

/// Of header and entry, that one is wrong which does not lead to the next block.
void steve_refute_case_size_of_small(struct refute *r)
{
    const uint32_t i = steve_jeff_trial_below(r->trial, REFUTE_ROW - 1);
    const uint32_t slot = r->row[i];
    struct entry *e = steve_refute_entry_of(r, slot);
    const uint32_t size = steve_refute_size_of(r, slot);
    steve_refute_set(r, &e->cw, e->cw + 1);
    steve_refute_named(r, e);
    steve_refute_set_class(
        r, slot, size + steve_refute_size_of(r, r->row[i + 1])); // past the next block, to where another one starts
    steve_refute_named(r, steve_refute_header_of_slot(r, slot));
    steve_refute_set_class(r, slot, CLASS_MAX);
    steve_refute_named(r, steve_refute_header_of_slot(r, slot));
    steve_refute_resized(r, slot);
    steve_refute_set_class(r, slot, CLASS_WIDE);
    steve_refute_named(r, steve_refute_header_of_slot(r, slot));
    char *const record = steve_refute_header_of_slot(r, slot) + WORD;
    steve_refute_resized(r, slot); // and what a client has written is the record of a large block
    steve_refute_set_class(r, slot, CLASS_WIDE);
    steve_refute_set(r, record, size);
    steve_refute_set(r, record + WORD, 1);
    steve_refute_named(r, steve_refute_header_of_slot(r, slot));
    // The last block, above which nothing is.
    struct entry *highest = steve_refute_entry_of(r, r->row[REFUTE_ROW - 1]);
    steve_refute_set(r, &highest->cw, highest->cw + 1);
    steve_refute_named(r, highest);
    if (r->h->pages == NULL) { // over a hole, to where a header says that there is one
        const uint32_t hole = steve_refute_get(steve_refute_header(r, r->hole[0])) & SLOT_MASK;
        steve_refute_set_class(r, r->first, steve_refute_size_of(r, r->first) + hole);
        steve_refute_named(r, steve_refute_header_of_slot(r, r->first));
    }
    // Right below a hole, and right above another one.
    const uint32_t below = r->between;
    steve_refute_set_class(r, below, steve_refute_size_of(r, below) + 1);
    steve_refute_named(r, steve_refute_header_of_slot(r, below));
    struct entry *low = steve_refute_entry_of(r, below);
    steve_refute_set(r, &low->cw, low->cw + 1);
    steve_refute_named(r, low);
    struct entry *cached = steve_refute_entry_of(r, r->cached);
    steve_refute_set_class(r, r->cached, steve_refute_size_of(r, r->cached) - 1);
    steve_refute_named(r, steve_refute_header_of_slot(r, r->cached));
    steve_refute_set(r, &cached->cw, cached->cw + 1);
    steve_refute_named(r, cached);
}

/* Gates of a shared heap */

static void gate(struct refute *r, uint32_t slot, uint64_t change)
{
    uint64_t *const word = (uint64_t *)(void *)gate_at(shared_of(r->h), slot);
    const uint64_t changed = *word + change;
    steve_refute_set_bytes(r, word, &changed, sizeof changed);
}

void steve_refute_case_gates(struct refute *r)
{
    struct entry *live = steve_refute_entry_of(r, r->first);
    struct entry *purged = steve_refute_entry_of(r, r->purged);
    struct entry *cached = steve_refute_entry_of(r, r->cached);
    gate(r, r->first, GATE_LOCK);
    steve_refute_sound(r);
    gate(r, r->first, 2);
    steve_refute_named(r, live);
    gate(r, r->first, GATE_CLAIMED);
    steve_refute_named(r, live);
    gate(r, r->first, GATE_AWAY);
    steve_refute_named(r, live);
    gate(r, r->cached, 1);
    steve_refute_named(r, cached);
    gate(r, r->cached, GATE_LOCK);
    steve_refute_named(r, cached);
    gate(r, r->purged, GATE_LOCK);
    steve_refute_named(r, purged);
    gate(r, r->purged, 2 * GATE_LOCK);
    steve_refute_named(r, purged);
    gate(r, r->purged, 0 - GATE_AWAY);
    steve_refute_named(r, purged);
    gate(r, r->purged, GATE_CLAIMED);
    steve_refute_named(r, purged);
}
