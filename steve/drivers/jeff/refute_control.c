/// Cases of trial_refute.c: the control block.
#include "steve/drivers/jeff/refute_internal.h"

void steve_refute_case_where_it_begins(struct refute *r)
{
    const size_t region = r->h->region_bytes;
    steve_refute_set_byte(r, &r->h->begin_skip, GRANULE);
    steve_refute_set_size_t(r, &r->h->region_bytes, region + GRANULE);
    steve_refute_named(r, &r->h->end);
    steve_refute_set_byte(r, &r->h->begin_skip, 4);
    steve_refute_set_size_t(r, &r->h->region_bytes, region + 4);
    steve_refute_named(r, &r->h->end);
    steve_refute_set_byte(r, &r->h->begin_skip, 8);
    steve_refute_set_size_t(r, &r->h->region_bytes, region + 8);
    steve_refute_sound(r);
}

void steve_refute_case_where_it_ends(struct refute *r)
{
    const size_t end = r->h->end;
    const uintptr_t bias = r->h->table_bias;
    steve_refute_set_size_t(r, &r->h->end, end - 4);
    steve_refute_set_size_t(r, &r->h->table_bias, bias - 4);
    steve_refute_named(r, &r->h->end);
    steve_refute_set_size_t(r, &r->h->table_bias, bias + sizeof(struct entry));
    steve_refute_named(r, &r->h->table_bias);
    steve_refute_set_size_t(r, &r->h->region_bytes, r->h->region_bytes + 3); // less than a word
    steve_refute_sound(r);
}

void steve_refute_case_layout(struct refute *r)
{
    uint32_t *const fields[] = {&r->h->first, &r->h->binned, &r->h->hole_bins, &r->h->cached_limit};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        steve_refute_add(r, fields[i], 1);
        steve_refute_named(r, &r->h->first);
        steve_refute_add(r, fields[i], (uint32_t)-1);
        steve_refute_named(r, &r->h->first);
    }
}

void steve_refute_case_state(struct refute *r)
{
    struct jeff_heap *h = r->h;
    uint8_t *const bytes[] = {&h->busy, &h->no_last_resort, &h->scramble, &h->last_status};
    const unsigned too_much[] = {BUSY_DESTROYED + 1, 2, 2, JEFF_ERROR_CORRUPT + 1};
    const unsigned most[] = {BUSY_LOW_MEMORY, 1, 1, JEFF_ERROR_CORRUPT};
    for (size_t i = 0; i < 4; i++) {
        r->keeps_status = bytes[i] == &h->last_status;
        for (unsigned much = 0; much < 2; much++) {
            if (i % 2 == 0) {
                steve_refute_set_size_t(r, &h->small_limit, 0); // while a callback runs, and in a heap that scrambles
            }
            steve_refute_set_byte(r, bytes[i], much ? too_much[i] : most[i]);
            if (much) {
                steve_refute_named(r, &h->small_limit);
            } else {
                steve_refute_sound(r);
            }
        }
    }
    r->keeps_status = false;
    steve_refute_set_size_t(r, &h->small_limit, h->small_limit - 1);
    steve_refute_named(r, &h->small_limit);
    steve_refute_set_size_t(r, &h->small_limit, 0);
    steve_refute_named(r, &h->small_limit);
    steve_refute_set_byte(r, &h->busy, BUSY_LOW_MEMORY);
    steve_refute_named(r, &h->small_limit);
    steve_refute_set_byte(r, &h->scramble, 1);
    steve_refute_named(r, &h->small_limit);
    steve_refute_set(r, &h->tally_mask, 2);
    steve_refute_named(r, &h->small_limit);
    steve_refute_set(r, &h->tally_mask, h->tally_mask == 0 ? TALLY_MASK : 0);
    steve_refute_sound(r);
    if (!is_shared(h)) {
        steve_refute_set_byte(r, &h->shared, 1);
        steve_refute_named(r, &h->small_limit);
    }
}

void steve_refute_case_busy(struct refute *r)
{
    const uint8_t all[] = {BUSY_MOVING, BUSY_DESTROYED};
    for (size_t i = 0; i < 2; i++) {
        steve_refute_set_size_t(r, &r->h->small_limit, 0);
        steve_refute_set_byte(r, &r->h->busy, all[i]);
        steve_refute_is_busy(r);
        steve_refute_set_size_t(r, &r->h->small_limit, 0);
        steve_refute_set_byte(r, &r->h->busy, all[i]);
        steve_refute_add(r, &r->h->first, 1);
        steve_refute_named(r, &r->h->first);
    }
}

void steve_refute_case_bounds(struct refute *r)
{
    struct jeff_heap *h = r->h;
    const uint32_t limit = (uint32_t)((table_low(h) + HEADER) / GRANULE);
    steve_refute_set(r, &h->slot_low, SLOT_END);
    steve_refute_named(r, &h->slot_low);
    steve_refute_set(r, &h->top, h->first - 1);
    steve_refute_named(r, &h->top);
    steve_refute_set(r, &h->top, limit + 1);
    steve_refute_named(r, &h->top);
    struct entry *nil = steve_refute_entry_of(r, NIL);
    steve_refute_set(r, &nil->off, h->first);
    steve_refute_named(r, nil);
    steve_refute_set(r, &nil->gen, 2);
    steve_refute_named(r, nil);
    steve_refute_set(r, &nil->cw, nil->cw | 1);
    steve_refute_named(r, nil);
}

void steve_refute_case_counters(struct refute *r)
{
    struct jeff_heap *h = r->h;
    steve_refute_set(r, &h->gen_floor, 0);
    steve_refute_named(r, &h->gen_floor);
    steve_refute_set(r, &h->gen_floor, h->gen_floor + 1);
    steve_refute_named(r, &h->gen_floor);
    steve_refute_set(r, &h->gen_floor, GEN_WORN + 2);
    steve_refute_named(r, &h->gen_floor);
    steve_refute_set(r, &h->gen_floor, GEN_WORN);
    steve_refute_sound(r);
    steve_refute_set(r, &h->gen_floor, 2);
    steve_refute_sound(r);
    steve_refute_set(r, &h->drain_bin, h->binned + 1);
    steve_refute_named(r, &h->drain_bin);
    steve_refute_set(r, &h->drain_bin, h->binned);
    steve_refute_sound(r);
    steve_refute_add(r, &h->retired_count, 1);
    steve_refute_named(r, &h->retired_count);
    steve_refute_add(r, &h->deferred, 1);
    steve_refute_named(r, &h->deferred);
    steve_refute_add(r, &h->hole_granules, 1);
    steve_refute_named(r, &h->hole_granules);
    steve_refute_add(r, &h->bare_count, 1);
    steve_refute_named(r, &h->bare_count);
    steve_refute_add(r, &h->dead_count, 1);
    steve_refute_named(r, &h->bare_count);
    steve_refute_add(r, &h->bin[steve_refute_size_of(r, r->cached)].count, 1);
    steve_refute_named(r, &h->bin[steve_refute_size_of(r, r->cached)]);
}

void steve_refute_case_cursor(struct refute *r)
{
    steve_refute_set(r, &r->h->cursor, steve_refute_start(r, r->wide));
    steve_refute_sound(r);
    steve_refute_set(r, &r->h->cursor, r->h->top);
    steve_refute_sound(r);
    steve_refute_set(r, &r->h->cursor, r->hole[0]);
    steve_refute_sound(r);
    steve_refute_set(r, &r->h->cursor, steve_refute_start(r, r->wide) + 1);
    steve_refute_named(r, &r->h->cursor);
    steve_refute_set(r, &r->h->cursor, r->h->top + 1);
    steve_refute_named(r, &r->h->cursor);
}
