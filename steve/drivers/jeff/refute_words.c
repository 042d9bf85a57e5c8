/// What cases of trial_refute.c are made of: words that are changed and put right, what the check must say, where things are.
#include "steve/drivers/jeff/refute_internal.h"

/* Words */

uint32_t steve_refute_get(const void *word)
{
    return read_word(word);
}

void steve_refute_set(struct refute *r, void *word, uint32_t value)
{
    if (r->count == REFUTE_CHANGES) {
        steve_jeff_trial_note(r->trial, "a trial changes more words than it can put right");
        return;
    }
    r->changes[r->count++] = (struct refute_change){word, steve_refute_get(word)};
    write_word(word, value);
}

void steve_refute_add(struct refute *r, void *word, uint32_t value)
{
    steve_refute_set(r, word, steve_refute_get(word) + value);
}

/// A field of any size.
void steve_refute_set_bytes(struct refute *r, void *field, const void *value, size_t bytes)
{
    char *const begin = (char *)field - (uintptr_t)field % WORD;
    uint32_t words[4];
    const size_t count = ((uintptr_t)field % WORD + bytes + WORD - 1) / WORD;
    for (size_t i = 0; i < count; i++) {
        words[i] = steve_refute_get(begin + i * WORD);
    }
    memcpy((char *)words + (uintptr_t)field % WORD, value, bytes);
    for (size_t i = 0; i < count; i++) {
        steve_refute_set(r, begin + i * WORD, words[i]);
    }
}

void steve_refute_set_byte(struct refute *r, uint8_t *field, unsigned value)
{
    const uint8_t byte = (uint8_t)value;
    steve_refute_set_bytes(r, field, &byte, 1);
}

void steve_refute_set_size_t(struct refute *r, size_t *field, size_t value)
{
    steve_refute_set_bytes(r, field, &value, sizeof value);
}

static void put_right(struct refute *r)
{
    while (r->count > 0) {
        r->count--;
        write_word(r->changes[r->count].word, r->changes[r->count].was);
    }
}

/* What the check must say */

static enum jeff_status check(struct refute *r, struct jeff_damage *found)
{
    if (r->h->last_status == JEFF_ERROR_CORRUPT && !r->keeps_status) {
        r->h->last_status = JEFF_OK; // it must be set anew
    }
    const enum jeff_status status = jeff_check(r->h, found);
    if (status != JEFF_OK && jeff_last_status(r->h) != status) {
        steve_jeff_trial_note(r->trial, "jeff_check() finds damage, and leaves the last status as it was");
    }
    put_right(r);
    return status;
}

/// The damage is at this address.
void steve_refute_named(struct refute *r, const void *address)
{
    struct jeff_damage found = {0};
    if (check(r, &found) != JEFF_ERROR_CORRUPT || found.address != address || found.what == NULL) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

/// Nothing is wrong.
void steve_refute_sound(struct refute *r)
{
    struct jeff_damage found = {0};
    if (check(r, &found) != JEFF_OK || found.what != NULL) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

void steve_refute_is_busy(struct refute *r)
{
    if (check(r, NULL) != JEFF_ERROR_BUSY) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

/// Something is wrong, and said to be in the heap: which word it is cannot be told.
void steve_refute_inside(struct refute *r)
{
    struct jeff_damage found = {0};
    const size_t end = r->h->end;
    if (check(r, &found) != JEFF_ERROR_CORRUPT || (uintptr_t)found.address - (uintptr_t)r->h >= end) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

/* Where things are */

struct entry *steve_refute_entry_of(const struct refute *r, uint32_t slot)
{
    return entry_at(r->h, slot);
}

uint32_t steve_refute_start(const struct refute *r, uint32_t slot)
{
    const struct entry *e = steve_refute_entry_of(r, slot);
    return is_live(e) ? start_of(e) : e->off - ((e->cw & CW_CLASS) == CLASS_WIDE);
}

char *steve_refute_header(const struct refute *r, uint32_t at_granule)
{
    return at(r->h, at_granule) - HEADER;
}

char *steve_refute_header_of_slot(const struct refute *r, uint32_t slot)
{
    return steve_refute_header(r, steve_refute_start(r, slot));
}

uint32_t steve_refute_size_of(const struct refute *r, uint32_t slot)
{
    return size_at(r->h, steve_refute_start(r, slot));
}

uint32_t *steve_refute_head_of(const struct refute *r, uint32_t size)
{
    return &hole_heads(r->h)[hole_bin_of(size)];
}

uint32_t *steve_refute_map_of(const struct refute *r, uint32_t bin)
{
    // Words of a number of 64 bits, the lower one first where bytes are.
    const uint32_t one = 1;
    const bool little = *(const unsigned char *)&one == 1;
    uint32_t *const words = (uint32_t *)(void *)&r->h->hole_map[bin / 64];
    return &words[(bin % 64 < 32) == little ? 0 : 1];
}

/// The word in front of the first block's header: the control block ends before it.
char *steve_refute_padding(const struct refute *r)
{
    return steve_refute_header(r, r->h->first) - WORD;
}

/* What several cases make */

/// A block may have another size than its handle tells.
void steve_refute_resized(struct refute *r, uint32_t slot)
{
    struct entry *e = steve_refute_entry_of(r, slot);
    steve_refute_set(r, &e->cw, e->cw | CW_RESIZED);
}

void steve_refute_set_class(struct refute *r, uint32_t slot, uint32_t class)
{
    char *const word = steve_refute_header_of_slot(r, slot);
    steve_refute_set(r, word, (steve_refute_get(word) & (SLOT_MASK | FREE_BELOW)) | class << CLASS_SHIFT);
}

/// Takes a slot that has no block off the list of such. @return the slot
uint32_t steve_refute_take_bare(struct refute *r)
{
    const uint32_t slot = r->h->bare;
    steve_refute_set(r, &r->h->bare, next_of(steve_refute_entry_of(r, slot)));
    steve_refute_add(r, &r->h->bare_count, (uint32_t)-1);
    return slot;
}

/// A slot loses its block, in all that is known of slots.
void steve_refute_make_bare(struct refute *r, uint32_t slot)
{
    struct entry *e = steve_refute_entry_of(r, slot);
    steve_refute_set(r, &e->off, 0);
    steve_refute_set(r, &e->gen, e->gen + 1);
    steve_refute_set(r, &e->cw, r->h->bare << CW_NEXT);
    steve_refute_set(r, &r->h->bare, slot);
    steve_refute_add(r, &r->h->bare_count, 1);
}

/// Memory becomes a hole, the first in its bin, and what lies above is told of it.
void steve_refute_make_hole(struct refute *r, uint32_t begin, uint32_t size)
{
    uint32_t *const head = steve_refute_head_of(r, size);
    const uint32_t bin = hole_bin_of(size);
    steve_refute_set(r, steve_refute_header(r, begin), size);
    if (size > 1) {
        steve_refute_set(r, at(r->h, begin) + 8, size);
    }
    steve_refute_set(r, at(r->h, begin), *head);
    steve_refute_set(r, at(r->h, begin) + 4, 0);
    steve_refute_set(r, at(r->h, begin + size) - 8, begin);
    if (*head != 0) {
        steve_refute_set(r, at(r->h, *head) + 4, begin);
    }
    steve_refute_set(r, head, begin);
    steve_refute_set(r, steve_refute_map_of(r, bin), *steve_refute_map_of(r, bin) | (uint32_t)1 << bin % 32);
    steve_refute_add(r, &r->h->hole_granules, size);
    if (begin + size < r->h->top) {
        steve_refute_set(r, steve_refute_header(r, begin + size),
                         steve_refute_get(steve_refute_header(r, begin + size)) | FREE_BELOW);
    }
}

/// A list of free slots holds this one alone.
void steve_refute_list_alone(struct refute *r, uint32_t class, uint32_t slot, uint32_t count)
{
    steve_refute_set(r, &r->h->bin[class].slot, slot);
    steve_refute_set(r, &r->h->bin[class].count, count);
}
