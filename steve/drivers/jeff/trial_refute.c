/// Damage that is made for one test of jeff_check() each: all that another test would notice is made to agree, so that what is wrong
/// is told by that one alone, and the address must be that of the word which the others refute. And what looks odd, but is sound.
///
/// trial_damage.c draws words and values; what it damages is noticed by several tests at once, as a rule. The heap lies right against
/// memory that faults, above or below it: the check reads nothing outside.
#define _DEFAULT_SOURCE
#include "steve/drivers/jeff/trial_internal.h"

#include <sys/mman.h>

#include "lib/jeff/gate_internal.h"
#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/probe_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define WALL    ((size_t)65536) ///< no system has larger pages
#define BYTES   ((size_t)12288)
#define ROW     6u  ///< small blocks side by side
#define CASES   24u ///< of one heap, drawn
#define CHANGES 48u ///< words that a case changes
#define PAGE    1024u
#define OWN     4096u ///< blocks of so many bytes have pages of their own
#define LARGE   30000u
#define DIRTY   0xa7
#define BLANK   0xa5a5a5a5u ///< no slot, no place and no size

struct change {
    char *word;
    uint32_t was;
};

/// A heap with something of everything, what is where in it, and what was changed.
struct refute {
    struct steve_jeff_trial *trial;
    struct jeff_heap *h;
    const char *about; ///< the case, as it is said if it fails
    uint32_t row[ROW]; ///< slots of small blocks, side by side, the last one the highest of all
    uint32_t first;    ///< the lowest block
    uint32_t between;  ///< a small block between two holes of a size
    uint32_t wide;
    uint32_t cached;  ///< a free block, of a class of its own
    uint32_t even;    ///< a live block of the largest class that has a bin
    uint32_t purged;  ///< without a block
    uint32_t retired; ///< used up
    uint32_t own[2];  ///< with pages of their own, the latest first
    uint32_t hole
        [3]; ///< where holes start, from below; the first two are of a size, and the second comes first in their bin
    bool keeps_status; ///< what the case says of the last status is not to be touched
    struct change changes[CHANGES];
    size_t count;
};

/* Words */

static uint32_t get(const void *word)
{
    return read_word(word);
}

static void set(struct refute *r, void *word, uint32_t value)
{
    if (r->count == CHANGES) {
        steve_jeff_trial_note(r->trial, "a trial changes more words than it can put right");
        return;
    }
    r->changes[r->count++] = (struct change){word, get(word)};
    write_word(word, value);
}

static void add(struct refute *r, void *word, uint32_t value)
{
    set(r, word, get(word) + value);
}

/// A field of any size.
static void set_bytes(struct refute *r, void *field, const void *value, size_t bytes)
{
    char *const begin = (char *)field - (uintptr_t)field % WORD;
    uint32_t words[4];
    const size_t count = ((uintptr_t)field % WORD + bytes + WORD - 1) / WORD;
    for (size_t i = 0; i < count; i++) {
        words[i] = get(begin + i * WORD);
    }
    memcpy((char *)words + (uintptr_t)field % WORD, value, bytes);
    for (size_t i = 0; i < count; i++) {
        set(r, begin + i * WORD, words[i]);
    }
}

static void set_byte(struct refute *r, uint8_t *field, unsigned value)
{
    const uint8_t byte = (uint8_t)value;
    set_bytes(r, field, &byte, 1);
}

static void set_size_t(struct refute *r, size_t *field, size_t value)
{
    set_bytes(r, field, &value, sizeof value);
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
static void named(struct refute *r, const void *address)
{
    struct jeff_damage found = {0};
    if (check(r, &found) != JEFF_ERROR_CORRUPT || found.address != address || found.what == NULL) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

/// Nothing is wrong.
static void sound(struct refute *r)
{
    struct jeff_damage found = {0};
    if (check(r, &found) != JEFF_OK || found.what != NULL) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

static void is_busy(struct refute *r)
{
    if (check(r, NULL) != JEFF_ERROR_BUSY) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

/// Something is wrong, and said to be in the heap: which word it is cannot be told.
static void inside(struct refute *r)
{
    struct jeff_damage found = {0};
    const size_t end = r->h->end;
    if (check(r, &found) != JEFF_ERROR_CORRUPT || (uintptr_t)found.address - (uintptr_t)r->h >= end) {
        steve_jeff_trial_note(r->trial, r->about);
    }
}

/* Where things are */

static struct entry *entry_of(const struct refute *r, uint32_t slot)
{
    return entry_at(r->h, slot);
}

static uint32_t start(const struct refute *r, uint32_t slot)
{
    const struct entry *e = entry_of(r, slot);
    return is_live(e) ? start_of(e) : e->off - ((e->cw & CW_CLASS) == CLASS_WIDE);
}

static char *header(const struct refute *r, uint32_t at_granule)
{
    return at(r->h, at_granule) - HEADER;
}

static char *header_of_slot(const struct refute *r, uint32_t slot)
{
    return header(r, start(r, slot));
}

static uint32_t size_of(const struct refute *r, uint32_t slot)
{
    return size_at(r->h, start(r, slot));
}

static uint32_t *head_of(const struct refute *r, uint32_t size)
{
    return &hole_heads(r->h)[hole_bin_of(size)];
}

static uint32_t *map_of(const struct refute *r, uint32_t bin)
{
    // Words of a number of 64 bits, the lower one first where bytes are.
    const uint32_t one = 1;
    const bool little = *(const unsigned char *)&one == 1;
    uint32_t *const words = (uint32_t *)(void *)&r->h->hole_map[bin / 64];
    return &words[(bin % 64 < 32) == little ? 0 : 1];
}

/// The word in front of the first block's header: the control block ends before it.
static char *padding(const struct refute *r)
{
    return header(r, r->h->first) - WORD;
}

/* What several cases make */

/// A block may have another size than its handle tells.
static void resized(struct refute *r, uint32_t slot)
{
    struct entry *e = entry_of(r, slot);
    set(r, &e->cw, e->cw | CW_RESIZED);
}

static void set_class(struct refute *r, uint32_t slot, uint32_t class)
{
    char *const word = header_of_slot(r, slot);
    set(r, word, (get(word) & (SLOT_MASK | FREE_BELOW)) | class << CLASS_SHIFT);
}

/// Takes a slot that has no block off the list of such. @return the slot
static uint32_t take_bare(struct refute *r)
{
    const uint32_t slot = r->h->bare;
    set(r, &r->h->bare, next_of(entry_of(r, slot)));
    add(r, &r->h->bare_count, (uint32_t)-1);
    return slot;
}

/// A slot loses its block, in all that is known of slots.
static void make_bare(struct refute *r, uint32_t slot)
{
    struct entry *e = entry_of(r, slot);
    set(r, &e->off, 0);
    set(r, &e->gen, e->gen + 1);
    set(r, &e->cw, r->h->bare << CW_NEXT);
    set(r, &r->h->bare, slot);
    add(r, &r->h->bare_count, 1);
}

/// Memory becomes a hole, the first in its bin, and what lies above is told of it.
static void make_hole(struct refute *r, uint32_t begin, uint32_t size)
{
    uint32_t *const head = head_of(r, size);
    const uint32_t bin = hole_bin_of(size);
    set(r, header(r, begin), size);
    if (size > 1) {
        set(r, at(r->h, begin) + 8, size);
    }
    set(r, at(r->h, begin), *head);
    set(r, at(r->h, begin) + 4, 0);
    set(r, at(r->h, begin + size) - 8, begin);
    if (*head != 0) {
        set(r, at(r->h, *head) + 4, begin);
    }
    set(r, head, begin);
    set(r, map_of(r, bin), *map_of(r, bin) | (uint32_t)1 << bin % 32);
    add(r, &r->h->hole_granules, size);
    if (begin + size < r->h->top) {
        set(r, header(r, begin + size), get(header(r, begin + size)) | FREE_BELOW);
    }
}

/// A list of free slots holds this one alone.
static void list_alone(struct refute *r, uint32_t class, uint32_t slot, uint32_t count)
{
    set(r, &r->h->bin[class].slot, slot);
    set(r, &r->h->bin[class].count, count);
}

/* The control block */

static void where_it_begins(struct refute *r)
{
    const size_t region = r->h->region_bytes;
    set_byte(r, &r->h->begin_skip, GRANULE);
    set_size_t(r, &r->h->region_bytes, region + GRANULE);
    named(r, &r->h->end);
    set_byte(r, &r->h->begin_skip, 4);
    set_size_t(r, &r->h->region_bytes, region + 4);
    named(r, &r->h->end);
    set_byte(r, &r->h->begin_skip, 8);
    set_size_t(r, &r->h->region_bytes, region + 8);
    sound(r);
}

static void where_it_ends(struct refute *r)
{
    const size_t end = r->h->end;
    const uintptr_t bias = r->h->table_bias;
    set_size_t(r, &r->h->end, end - 4);
    set_size_t(r, &r->h->table_bias, bias - 4);
    named(r, &r->h->end);
    set_size_t(r, &r->h->table_bias, bias + sizeof(struct entry));
    named(r, &r->h->table_bias);
    set_size_t(r, &r->h->region_bytes, r->h->region_bytes + 3); // less than a word
    sound(r);
}

static void layout(struct refute *r)
{
    uint32_t *const fields[] = {&r->h->first, &r->h->binned, &r->h->hole_bins, &r->h->cached_limit};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        add(r, fields[i], 1);
        named(r, &r->h->first);
        add(r, fields[i], (uint32_t)-1);
        named(r, &r->h->first);
    }
}

static void state(struct refute *r)
{
    struct jeff_heap *h = r->h;
    uint8_t *const bytes[] = {&h->busy, &h->no_last_resort, &h->scramble, &h->last_status};
    const unsigned too_much[] = {BUSY_DESTROYED + 1, 2, 2, JEFF_ERROR_CORRUPT + 1};
    const unsigned most[] = {BUSY_LOW_MEMORY, 1, 1, JEFF_ERROR_CORRUPT};
    for (size_t i = 0; i < 4; i++) {
        r->keeps_status = bytes[i] == &h->last_status;
        for (unsigned much = 0; much < 2; much++) {
            if (i % 2 == 0) {
                set_size_t(r, &h->small_limit, 0); // while a callback runs, and in a heap that scrambles
            }
            set_byte(r, bytes[i], much ? too_much[i] : most[i]);
            if (much) {
                named(r, &h->small_limit);
            } else {
                sound(r);
            }
        }
    }
    r->keeps_status = false;
    set_size_t(r, &h->small_limit, h->small_limit - 1);
    named(r, &h->small_limit);
    set_size_t(r, &h->small_limit, 0);
    named(r, &h->small_limit);
    set_byte(r, &h->busy, BUSY_LOW_MEMORY);
    named(r, &h->small_limit);
    set_byte(r, &h->scramble, 1);
    named(r, &h->small_limit);
    set(r, &h->tally_mask, 2);
    named(r, &h->small_limit);
    set(r, &h->tally_mask, h->tally_mask == 0 ? TALLY_MASK : 0);
    sound(r);
    if (!is_shared(h)) {
        set_byte(r, &h->shared, 1);
        named(r, &h->small_limit);
    }
}

static void busy(struct refute *r)
{
    const uint8_t all[] = {BUSY_MOVING, BUSY_DESTROYED};
    for (size_t i = 0; i < 2; i++) {
        set_size_t(r, &r->h->small_limit, 0);
        set_byte(r, &r->h->busy, all[i]);
        is_busy(r);
        set_size_t(r, &r->h->small_limit, 0);
        set_byte(r, &r->h->busy, all[i]);
        add(r, &r->h->first, 1);
        named(r, &r->h->first);
    }
}

static void bounds(struct refute *r)
{
    struct jeff_heap *h = r->h;
    const uint32_t limit = (uint32_t)((table_low(h) + HEADER) / GRANULE);
    set(r, &h->slot_low, SLOT_END);
    named(r, &h->slot_low);
    set(r, &h->top, h->first - 1);
    named(r, &h->top);
    set(r, &h->top, limit + 1);
    named(r, &h->top);
    struct entry *nil = entry_of(r, NIL);
    set(r, &nil->off, h->first);
    named(r, nil);
    set(r, &nil->gen, 2);
    named(r, nil);
    set(r, &nil->cw, nil->cw | 1);
    named(r, nil);
}

static void counters(struct refute *r)
{
    struct jeff_heap *h = r->h;
    set(r, &h->gen_floor, 0);
    named(r, &h->gen_floor);
    set(r, &h->gen_floor, h->gen_floor + 1);
    named(r, &h->gen_floor);
    set(r, &h->gen_floor, 2);
    sound(r);
    set(r, &h->drain_bin, h->binned + 1);
    named(r, &h->drain_bin);
    set(r, &h->drain_bin, h->binned);
    sound(r);
    add(r, &h->retired_count, 1);
    named(r, &h->retired_count);
    add(r, &h->deferred, 1);
    named(r, &h->deferred);
    add(r, &h->hole_granules, 1);
    named(r, &h->hole_granules);
    add(r, &h->bare_count, 1);
    named(r, &h->bare_count);
    add(r, &h->dead_count, 1);
    named(r, &h->bare_count);
    add(r, &h->bin[size_of(r, r->cached)].count, 1);
    named(r, &h->bin[size_of(r, r->cached)]);
}

static void cursor(struct refute *r)
{
    set(r, &r->h->cursor, start(r, r->wide));
    sound(r);
    set(r, &r->h->cursor, r->h->top);
    sound(r);
    set(r, &r->h->cursor, r->hole[0]);
    sound(r);
    set(r, &r->h->cursor, start(r, r->wide) + 1);
    named(r, &r->h->cursor);
    set(r, &r->h->cursor, r->h->top + 1);
    named(r, &r->h->cursor);
}

/* Entries */

static void live_flags(struct refute *r)
{
    struct entry *e = entry_of(r, r->row[1]);
    const uint32_t none = e->cw & ~(CW_CLASS | CW_UNBINNED);
    if (CW_SHOWN == 0) { // else it has a meaning
        set(r, &e->cw, e->cw | (uint32_t)1 << 15);
        named(r, e);
    }
    resized(r, r->row[1]);
    sound(r);
    set(r, &e->cw, none | CW_RESIZED);
    named(r, e);
    set(r, &e->cw, none | CW_RESIZED | CW_UNBINNED | (CLASS_WIDE + 1));
    named(r, e);
    set(r, &e->cw, none | CW_RESIZED | CLASS_WIDE);
    sound(r);
    set(r, &e->cw, none | CW_RESIZED | r->h->binned);
    sound(r);
    set(r, &e->cw, none | CW_RESIZED | CW_UNBINNED | r->h->binned);
    named(r, e);
    if (r->h->binned < CLASS_MAX) {
        set(r, &e->cw, none | CW_RESIZED | CW_UNBINNED | (r->h->binned + 1));
        sound(r);
        set(r, &e->cw, none | CW_RESIZED | (r->h->binned + 1));
        named(r, e);
    }
    struct entry *lowest = entry_of(r, r->first);
    set(r, &lowest->cw, lowest->cw | CW_HALFWAY);
    named(r, lowest);
    set(r, &lowest->cw, lowest->cw | CW_HALFWAY); // where there is no hole to go to
    set(r, &r->h->halfway_slot, r->first);
    named(r, lowest);
}

static void mapped_in_region(struct refute *r)
{
    struct entry *e = entry_of(r, r->row[2]);
    if (r->h->pages == NULL) {
        set(r, &e->cw, e->cw | CW_MAPPED);
        named(r, e);
    }
}

static void purged(struct refute *r)
{
    struct entry *e = entry_of(r, r->purged);
    if (r->purged == NIL) {
        return;
    }
    set(r, &e->off, 12);
    sound(r);
    set(r, &e->off, 13);
    named(r, e);
    set(r, &e->cw, e->cw + (1u << CW_LOCK));
    named(r, e);
    set(r, &e->cw, e->cw | CW_MAPPED);
    named(r, e);
}

static void retired(struct refute *r)
{
    struct entry *e = entry_of(r, r->retired);
    set(r, &e->off, r->h->first);
    named(r, e);
    set(r, &e->cw, e->cw - 1);
    named(r, e);
    set(r, &e->cw, e->cw - (1u << CW_NEXT));
    named(r, e);
}

/// Headers that were left behind where the heap has no block may look like one.
static void place_outside(struct refute *r)
{
    struct entry *e = entry_of(r, r->row[1]);
    const uint32_t is = get(header_of_slot(r, r->row[1]));
    if (r->h->top < top_limit(r->h)) {
        set(r, header(r, r->h->top), is & ~FREE_BELOW);
        set(r, &e->off, r->h->top);
        named(r, e);
    }
    set(r, header(r, r->h->first - 1), is & ~FREE_BELOW);
    set(r, &e->off, r->h->first - 1);
    named(r, e);
    set(r, &e->off, 0);
    named(r, e);
}

static void place_of_another(struct refute *r)
{
    struct entry *e = entry_of(r, r->row[1]);
    set(r, &e->off, start(r, r->row[2]));
    named(r, e);
    set(r, &e->off, r->hole[0]);
    named(r, e);
    set(r, &e->off, r->h->top - 1);
    set(r, header(r, r->h->top - 1), 5);
    named(r, e);
    set(r, header_of_slot(r, r->row[1]), (get(header_of_slot(r, r->row[1])) & ~SLOT_MASK) | r->row[2]);
    named(r, header_of_slot(r, r->row[1]));
    set(r, header_of_slot(r, r->row[1]), 0); // a hole of what was written there
    named(r, header_of_slot(r, r->row[1]));
    if (r->h->top < top_limit(r->h)) { // to which leads what lies at the top, to which a bin leads
        set(r, header_of_slot(r, r->row[1]), 0);
        set(r, hole_heads(r->h) + r->h->hole_bins - 1, r->h->top);
        set(r, at(r->h, r->h->top), start(r, r->row[1]));
        named(r, header_of_slot(r, r->row[1]));
    }
    if (r->h->pages == NULL) { // to which the word behind the last bin leads
        set(r, header_of_slot(r, r->row[1]), 0);
        set(r, hole_heads(r->h) + r->h->hole_bins, start(r, r->row[1]));
        named(r, header_of_slot(r, r->row[1]));
    }
    struct entry *cached = entry_of(r, r->cached);
    set(r, &cached->off, start(r, r->row[2]));
    named(r, cached);
}

/// Of header and entry, that one is wrong which does not lead to the next block.
static void size_of_small(struct refute *r)
{
    const uint32_t i = steve_jeff_trial_below(r->trial, ROW - 1);
    const uint32_t slot = r->row[i];
    struct entry *e = entry_of(r, slot);
    const uint32_t size = size_of(r, slot);
    set(r, &e->cw, e->cw + 1);
    named(r, e);
    set_class(r, slot, size + size_of(r, r->row[i + 1])); // past the next block, to where another one starts
    named(r, header_of_slot(r, slot));
    set_class(r, slot, CLASS_MAX);
    named(r, header_of_slot(r, slot));
    resized(r, slot);
    set_class(r, slot, CLASS_WIDE);
    named(r, header_of_slot(r, slot));
    char *const record = header_of_slot(r, slot) + WORD;
    resized(r, slot); // and what a client has written is the record of a large block
    set_class(r, slot, CLASS_WIDE);
    set(r, record, size);
    set(r, record + WORD, 1);
    named(r, header_of_slot(r, slot));
    // The last block, above which nothing is.
    struct entry *highest = entry_of(r, r->row[ROW - 1]);
    set(r, &highest->cw, highest->cw + 1);
    named(r, highest);
    if (r->h->pages == NULL) { // over a hole, to where a header says that there is one
        const uint32_t hole = get(header(r, r->hole[0])) & SLOT_MASK;
        set_class(r, r->first, size_of(r, r->first) + hole);
        named(r, header_of_slot(r, r->first));
    }
    // Right below a hole, and right above another one.
    const uint32_t below = r->between;
    set_class(r, below, size_of(r, below) + 1);
    named(r, header_of_slot(r, below));
    struct entry *low = entry_of(r, below);
    set(r, &low->cw, low->cw + 1);
    named(r, low);
    struct entry *cached = entry_of(r, r->cached);
    set_class(r, r->cached, size_of(r, r->cached) - 1);
    named(r, header_of_slot(r, r->cached));
    set(r, &cached->cw, cached->cw + 1);
    named(r, cached);
}

/* Memory */

/// A block reaches to where the one after the next begins.
static void swallows(struct refute *r)
{
    const uint32_t i = steve_jeff_trial_below(r->trial, ROW - 1);
    resized(r, r->row[i]);
    set_class(r, r->row[i], size_of(r, r->row[i]) + size_of(r, r->row[i + 1]));
    named(r, header_of_slot(r, r->row[i]));
    // The last block, and as much as there is.
    const uint32_t last = r->row[ROW - 1];
    resized(r, last);
    set_class(r, last, size_of(r, last) + 1);
    named(r, header_of_slot(r, last));
    // A wide one, with a hole and what lies on it.
    const uint32_t wide = start(r, r->wide);
    const uint32_t above = wide + size_of(r, r->wide);
    if (above < r->h->top && !is_hole(header_of(r->h, above))) {
        set(r, at(r->h, wide), size_of(r, r->wide) + size_at(r->h, above));
        named(r, header(r, wide));
    }
}

/// What is in the middle of a block looks like another one.
static void leads_into_middle(struct refute *r)
{
    const uint32_t slot = r->row[0];
    const uint32_t size = size_of(r, slot);
    if (size < 2) {
        return;
    }
    resized(r, slot);
    set_class(r, slot, size - 1);
    set(r, header(r, start(r, slot) + size - 1), make_header(r->row[2], 1)); // a slot that has its block elsewhere
    named(r, header_of_slot(r, slot));
    resized(r, slot);
    set_class(r, slot, size - 1);
    set(r, header(r, start(r, slot) + size - 1), make_header(NIL, 1));
    named(r, header_of_slot(r, slot));
}

/// A free slot that has lost its block.
static void lost(struct refute *r)
{
    struct entry *e = entry_of(r, r->cached);
    char *const word = header_of_slot(r, r->cached);
    const uint32_t size = size_of(r, r->cached);
    set(r, &e->off, 0);
    named(r, e);
    set(r, &e->off, 0); // and another slot's name, that there is not
    set(r, word, make_header(5, size));
    inside(r);
}

/// The lowest block has nothing below it that could be what is wrong.
static void lowest(struct refute *r)
{
    char *const word = header(r, r->h->first);
    set(r, word, get(word) | FREE_BELOW);
    set(r, padding(r), r->hole[1]);
    named(r, word);
    // A block of nobody's, whose slot is as it should be without it.
    make_bare(r, r->first);
    named(r, word);
    // A hole in no bin.
    const uint32_t size = size_of(r, r->first);
    make_bare(r, r->first);
    set(r, word, size + 1);
    named(r, word);
}

static void wide_of_one(struct refute *r)
{
    const uint32_t begin = start(r, r->wide);
    const uint32_t size = size_of(r, r->wide);
    const uint32_t slot = take_bare(r);
    struct entry *e = entry_of(r, slot);
    set(r, at(r->h, begin), 1);
    set(r, header(r, begin + 1), make_header(slot, CLASS_WIDE));
    set(r, at(r->h, begin + 1), size - 1);
    set(r, at(r->h, begin + 1) + 4, 1);
    set(r, &e->off, begin + 2);
    set(r, &e->gen, e->gen + 1);
    set(r, &e->cw, CLASS_WIDE | CW_WIDE);
    named(r, header(r, begin));
}

static void alignment(struct refute *r)
{
    char *const record = at(r->h, start(r, r->wide));
    set(r, record + 4, 3 + 2 * steve_jeff_trial_below(r->trial, 30));
    named(r, header_of_slot(r, r->wide));
    const uint32_t payload = start(r, r->wide) + 1;
    uint32_t most = 1;
    while (((uintptr_t)at(r->h, payload) / GRANULE) % (2 * most) == 0) {
        most *= 2;
    }
    set(r, record + 4, most);
    sound(r);
    set(r, record + 4, 2 * most);
    named(r, header_of_slot(r, r->wide));
    set(r, record + 4, 0);
    named(r, header_of_slot(r, r->wide));
}

static void hole_sizes(struct refute *r)
{
    const uint32_t hole = r->hole[2];
    char *const word = header(r, hole);
    const uint32_t size = get(word) & SLOT_MASK;
    char *const record = at(r->h, hole);
    const uint32_t beyond = (uint32_t)(r->h->end / GRANULE) - hole + 1;
    set(r, word, beyond);
    set(r, record + 8, beyond);
    named(r, word);
    set(r, word, 0);
    named(r, word);
    set(r, record + 8, size + 1);
    named(r, word);
    set(r, word, 0);
    set(r, record + 8, 0);
    named(r, word);
    set(r, word, 0); // what it should say were it a large one
    set(r, record + 8, SLOT_END);
    named(r, word);
    set(r, at(r->h, hole + size) - 8, hole + 1);
    named(r, word);
    set(r, word, get(word) | FREE_BELOW);
    named(r, word);
}

/// Holes of one and of two granules.
static void small_holes(struct refute *r)
{
    const uint32_t slot = r->row[1];
    const uint32_t size = size_of(r, slot);
    const uint32_t begin = start(r, slot);
    make_bare(r, slot);
    make_hole(r, begin, size);
    sound(r);
    if (size > 1) {
        make_bare(r, slot);
        make_hole(r, begin, size);
        set(r, at(r->h, begin) + 8, size + 1);
        named(r, header(r, begin));
    }
}

/// A hole right below the top, which would be part of it.
static void highest_hole(struct refute *r)
{
    const uint32_t slot = r->row[ROW - 1];
    const uint32_t begin = start(r, slot);
    const uint32_t size = size_of(r, slot);
    make_bare(r, slot);
    make_hole(r, begin, size);
    named(r, header(r, begin));
}

static void two_holes(struct refute *r)
{
    const uint32_t first = r->hole[2];
    const uint32_t size = get(header(r, first)) & SLOT_MASK;
    const uint32_t bin = hole_bin_of(size);
    // The hole leaves its bin, where it is alone, and comes back as two.
    set(r, head_of(r, size), 0);
    set(r, map_of(r, bin), *map_of(r, bin) & ~((uint32_t)1 << bin % 32));
    add(r, &r->h->hole_granules, 0 - size);
    make_hole(r, first + 3, size - 3);
    make_hole(r, first, 3);
    set(r, header(r, first + 3), get(header(r, first + 3)) & ~FREE_BELOW);
    named(r, header(r, first + 3));
}

static void marked_above(struct refute *r)
{
    char *const word = header_of_slot(r, r->row[2]);
    set(r, word, get(word) | FREE_BELOW);
    named(r, word);
    char *const above = header_of_slot(r, r->between);
    set(r, above, get(above) & ~FREE_BELOW);
    named(r, above);
    // Marked, and what is below leads to a hole: that has become a block, so it seems.
    set(r, word, get(word) | FREE_BELOW);
    set(r, word - WORD, r->hole[1]);
    named(r, header_of_slot(r, r->row[1]));
    set(r, word, get(word) | FREE_BELOW);
    set(r, word - WORD, r->hole[1] + 1);
    named(r, word);
}

/* Lists */

static void map_of_bins(struct refute *r)
{
    const uint32_t size = get(header(r, r->hole[2])) & SLOT_MASK;
    const uint32_t bins[] = {hole_bin_of(size), r->h->hole_bins - 1, r->h->hole_bins, 127, 0, 63, 64};
    for (size_t i = 0; i < sizeof bins / sizeof bins[0]; i++) {
        set(r, map_of(r, bins[i]), *map_of(r, bins[i]) ^ (uint32_t)1 << bins[i] % 32);
        named(r, r->h->hole_map);
    }
    set(r, hole_heads(r->h) + r->h->hole_bins - 1, r->hole[0]);
    named(r, r->h->hole_map);
}

static void bin_leads_astray(struct refute *r)
{
    const uint32_t size = get(header(r, r->hole[2])) & SLOT_MASK;
    uint32_t *const head = head_of(r, size);
    const uint32_t values[] = {1, r->h->first - 1, r->h->top, r->h->top + 1, 0x0fffffff, UINT32_MAX, r->hole[0]};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        set(r, head, values[i]);
        named(r, head);
    }
    // What a client has written looks like the hole, to its last word.
    const uint32_t inner = start(r, r->wide) + 2;
    if (size_of(r, r->wide) > size + 4) {
        set(r, header(r, inner), size);
        set(r, at(r->h, inner), 0);
        set(r, at(r->h, inner) + 4, 0);
        set(r, at(r->h, inner) + 8, size);
        set(r, at(r->h, inner + size) - 8, inner + 1);
        set(r, head, inner);
        named(r, head);
    }
    // One hole too many, in a bin behind all others.
    const uint32_t many = CLASS_MAX - 10;
    if (hole_bin_of(many) > hole_bin_of(size)) {
        set(r, header(r, inner), many);
        set(r, at(r->h, inner), 0);
        set(r, at(r->h, inner) + 4, 0);
        set(r, at(r->h, inner) + 8, many);
        set(r, at(r->h, inner + many) - 8, inner);
        set(r, head_of(r, many), inner);
        set(r, map_of(r, hole_bin_of(many)), *map_of(r, hole_bin_of(many)) | (uint32_t)1 << hole_bin_of(many) % 32);
        named(r, head_of(r, many));
    }
    // A hole of nothing, in a bin that no hole has.
    set(r, header(r, inner), 0);
    set(r, at(r->h, inner), 0);
    set(r, at(r->h, inner) + 4, 0);
    set(r, at(r->h, inner) + 8, 0);
    set(r, at(r->h, inner) - 8, inner);
    set(r, hole_heads(r->h), inner);
    set(r, map_of(r, 0), *map_of(r, 0) | 1);
    named(r, hole_heads(r->h));
}

static void links_of_holes(struct refute *r)
{
    const uint32_t size = get(header(r, r->hole[0])) & SLOT_MASK;
    uint32_t *const head = head_of(r, size);
    char *const first = at(r->h, r->hole[1]);
    char *const second = at(r->h, r->hole[0]);
    set(r, head, r->hole[0]); // past the first one
    named(r, head);
    set(r, second + 4, 0);
    named(r, second);
    set(r, second + 4, r->h->top);
    named(r, second);
    set(r, second + 4, 0x0fffffff);
    named(r, second);
    if (r->h->top < top_limit(r->h)) {
        set(r, second + 4, r->h->top);
        set(r, at(r->h, r->h->top), r->hole[0]);
        named(r, second);
    }
    set(r, first + 4, r->hole[0]);
    named(r, first);
    set(r, second, r->hole[1]); // in a circle
    named(r, second);
    set(r, first, 0); // the second one in no bin
    named(r, r->h->hole_map);
}

static void hole_beside_halfway(struct refute *r)
{
    // A hole of a bin is said to be the one that a block is being copied into.
    if (r->h->halfway_hole == 0) {
        const uint32_t size = get(header(r, r->hole[0])) & SLOT_MASK;
        set(r, &r->h->halfway_hole, r->hole[1]);
        named(r, head_of(r, size));
        set(r, &r->h->halfway_hole, start(r, r->wide));
        named(r, &r->h->halfway_hole);
    }
}

static void free_lists(struct refute *r)
{
    struct jeff_heap *h = r->h;
    const uint32_t class = size_of(r, r->cached);
    struct bin *bin = &h->bin[class];
    const uint32_t strange[] = {5, h->slot_low - 1, SLOT_END, UINT32_MAX, r->row[0], r->retired};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        set(r, &bin->slot, strange[i]);
        named(r, &bin->slot);
        set(r, &h->bare, strange[i]);
        named(r, &h->bare);
    }
    struct bin *const live = &h->bin[size_of(r, r->row[0])];
    set(r, &live->slot, r->row[0]);
    named(r, live);
    struct entry *e = entry_of(r, r->cached);
    set(r, &e->cw, r->cached << CW_NEXT | class); // in a circle
    named(r, e);
    list_alone(r, class, NIL, 0);
    named(r, e);
    list_alone(r, class, NIL, 0);
    list_alone(r, class + 1, r->cached, 1);
    named(r, &h->bin[class + 1]);
    list_alone(r, class, NIL, 0);
    list_alone(r, BIN_DEFERRED, r->cached, 1);
    named(r, &h->bin[BIN_DEFERRED]);
    struct entry *bare = entry_of(r, h->bare);
    set(r, &bare->cw, bare->cw | 3);
    named(r, &h->bare);
    const uint32_t next = next_of(bare);
    set(r, &h->bare, next);
    named(r, bare);
    if (next != NIL) {
        set(r, &h->bare, next_of(entry_of(r, next)));
        named(r, h->bin);
        // Two in a circle: as many are passed as there should be.
        struct entry *const other = entry_of(r, next);
        set(r, &other->cw, h->bare << CW_NEXT);
        named(r, (h->bare_count + h->dead_count) % 2 == 0 ? other : bare);
    }
}

/// Blocks that a callback has freed, and that are to be merged later.
static void deferred(struct refute *r)
{
    struct jeff_heap *h = r->h;
    struct entry *e = entry_of(r, r->wide);
    const uint32_t size = size_of(r, r->wide);
    enum { SOUND, RETIRED_NEXT, MISCOUNTED, OTHER_SIZE, KINDS };
    for (unsigned kind = SOUND; kind < KINDS; kind++) {
        const uint32_t next = kind == RETIRED_NEXT ? r->retired : NIL;
        set(r, &e->gen, e->gen + 1);
        set(r, &e->cw, next << CW_NEXT | CLASS_WIDE);
        list_alone(r, BIN_DEFERRED, r->wide, kind != MISCOUNTED);
        set(r, &h->deferred, size - (kind == OTHER_SIZE));
        if (kind == SOUND) {
            sound(r);
        } else {
            named(r, kind == RETIRED_NEXT ? (const void *)e
                     : kind == MISCOUNTED ? (const void *)&h->bin[BIN_DEFERRED]
                                          : &h->deferred);
        }
    }
    // The largest class that has a bin is cached there.
    struct entry *even = entry_of(r, r->even);
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        set(r, &even->gen, even->gen + 1);
        set(r, &even->cw, NIL << CW_NEXT | h->binned);
        list_alone(r, wrong ? BIN_DEFERRED : h->binned, r->even, 1);
        if (wrong) {
            named(r, &h->bin[BIN_DEFERRED]);
        } else {
            sound(r);
        }
    }
}

/* Pages */

static void page_bounds(struct refute *r)
{
    struct page_state *p = r->h->pages;
    const size_t page = p->hooks.page_bytes;
    const size_t sizes[] = {0, 1, 512, 1023, 1025, 1536, 3072};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        set_size_t(r, &p->hooks.page_bytes, sizes[i]);
        named(r, p);
    }
    set_size_t(r, &p->reserved, p->reserved + page);
    named(r, p);
    const bool met = p->commit_low == SIZE_MAX;
    const size_t table = p->commit_table;
    set_size_t(r, &p->commit_table, table + 4);
    named(r, &p->commit_low);
    set_size_t(r, &p->commit_table, p->reserved);
    named(r, &p->commit_low);
    if (!met) {
        const size_t low = p->commit_low;
        set_size_t(r, &p->commit_low, low + 4);
        named(r, &p->commit_low);
        set_size_t(r, &p->commit_low, table);
        named(r, &p->commit_low);
        set_size_t(r, &p->commit_low, ((size_t)r->h->top * GRANULE - HEADER) / page * page);
        named(r, &p->commit_low);
        set_size_t(r, &p->commit_table, table_low(r->h) / page * page + page);
        named(r, &p->commit_low);
    } else {
        set_size_t(r, &p->commit_table, page);
        sound(r);
    }
    uintptr_t *const hooks = (uintptr_t *)(void *)&p->hooks.reserve;
    for (size_t i = 0; i < 4; i++) {
        const uintptr_t none = 0;
        set_bytes(r, &hooks[i], &none, sizeof none);
        named(r, p);
    }
    struct page_state *const other = (struct page_state *)(void *)((char *)p + 8);
    set_bytes(r, &r->h->pages, &other, sizeof(void *));
    named(r, &r->h->pages);
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
    return (struct proxy *)(void *)at(r->h, entry_of(r, slot)->off);
}

static struct proxy read_proxy(const struct proxy *proxy)
{
    uint32_t words[sizeof(struct proxy) / WORD];
    struct proxy copy;
    for (size_t i = 0; i < sizeof words / WORD; i++) {
        words[i] = get((const char *)proxy + i * WORD);
    }
    memcpy(&copy, words, sizeof copy);
    return copy;
}

static void list_of_own(struct refute *r)
{
    struct page_state *p = r->h->pages;
    struct proxy *const first = proxy_of(r, r->own[0]);
    struct proxy *const last = proxy_of(r, r->own[1]);
    set(r, &p->proxies, 5);
    named(r, &p->proxies);
    set(r, &p->proxies, r->h->bare);
    named(r, &p->proxies);
    set(r, &p->proxies, r->row[0]);
    named(r, entry_of(r, r->row[0]));
    set(r, &p->proxies, r->own[1]);
    named(r, last);
    set(r, &p->proxies, NIL);
    named(r, p);
    set(r, &first->next, 5);
    named(r, first);
    set(r, &first->next, r->h->bare);
    named(r, first);
    set(r, &first->next, NIL);
    named(r, p);
    set(r, &last->next, r->own[0]);
    named(r, first);
    set(r, &first->previous, r->own[1]);
    named(r, first);
    set(r, &last->previous, NIL);
    named(r, last);
    set_size_t(r, &p->mapped_blocks, p->mapped_blocks + 1);
    named(r, p);
    set_size_t(r, &p->mapped_bytes, p->mapped_bytes + PAGE);
    named(r, p);
    struct entry *e = entry_of(r, r->row[0]);
    set(r, &e->cw, e->cw | CW_MAPPED);
    named(r, p);
}

static void own_pages(struct refute *r)
{
    struct page_state *p = r->h->pages;
    for (size_t i = 0; i < 2; i++) {
        struct proxy *const proxy = proxy_of(r, r->own[i]);
        const struct proxy is = read_proxy(proxy);
        for (uint32_t bit = steve_jeff_trial_below(r->trial, 4); bit < 32; bit += 4) {
            set(r, &proxy->alignment, is.alignment ^ (uint32_t)1 << bit);
            named(r, proxy);
        }
        set_size_t(r, &proxy->reserved_bytes, is.reserved_bytes + PAGE / 2);
        named(r, proxy);
        set_size_t(r, &p->mapped_bytes, p->mapped_bytes - is.committed);
        set_size_t(r, &proxy->committed, 0);
        named(r, proxy);
        set_size_t(r, &p->mapped_bytes, p->mapped_bytes - 4);
        set_size_t(r, &proxy->committed, is.committed - 4);
        named(r, proxy);
        set_size_t(r, &p->mapped_bytes, p->mapped_bytes + PAGE);
        set_size_t(r, &proxy->committed, is.committed + PAGE);
        named(r, proxy);
        set_size_t(r, &proxy->reserved_bytes, PAGE);
        named(r, proxy);
        char *const address = is.address + GRANULE;
        set_bytes(r, &proxy->address, &address, sizeof address);
        named(r, proxy);
    }
}

/// A block that is too small for what it would have to know of its pages: that lies in the next one's memory, to whose header it agrees.
static void too_small_for_own(struct refute *r)
{
    enum { HEADER_WORD = 3 };
    struct page_state *p = r->h->pages;
    struct entry *e = entry_of(r, r->row[3]); // of one granule
    if (sizeof(void *) < 8) {
        return; // that header would be a size, and is no multiple of a page
    }
    struct proxy forged = read_proxy(proxy_of(r, r->row[3]));
    forged.address = forged.reserved;
    forged.reserved_bytes = forged.committed = PAGE;
    forged.next = r->own[0];
    forged.previous = NIL;
    forged.alignment = 1;
    for (size_t i = 0; i < offsetof(struct proxy, alignment) / WORD + 1; i++) {
        if (i != HEADER_WORD) {
            set(r, at(r->h, e->off) + i * WORD, get((char *)&forged + i * WORD));
        }
    }
    set(r, &e->cw, e->cw | CW_MAPPED);
    set(r, &p->proxies, r->row[3]);
    set(r, &proxy_of(r, r->own[0])->previous, r->row[3]);
    set_size_t(r, &p->mapped_blocks, p->mapped_blocks + 1);
    set_size_t(r, &p->mapped_bytes, p->mapped_bytes + PAGE);
    named(r, at(r->h, e->off));
}

/* A block that is halfway to elsewhere: it is the wide one, and the first hole is where it goes */

static void halfway(struct refute *r)
{
    struct jeff_heap *h = r->h;
    struct entry *large = entry_of(r, r->wide);
    struct entry *other = entry_of(r, r->first);
    const uint32_t hole = h->halfway_hole;
    set(r, &h->halfway_slot, r->first);
    named(r, large);
    set(r, &h->halfway_hole, 0);
    named(r, large);
    set(r, &h->halfway_hole, start(r, r->wide));
    named(r, large);
    set(r, &other->cw, other->cw | CW_HALFWAY);
    named(r, other);
    set(r, &large->cw, large->cw & ~CW_HALFWAY);
    sound(r);
    set(r, &large->cw, large->cw & ~CW_HALFWAY);
    set(r, &other->cw, other->cw | CW_HALFWAY);
    set(r, &h->halfway_slot, r->first);
    named(r, other);
    const uint32_t size = hole_size(h, hole, header_of(h, hole));
    const uint32_t bin = hole_bin_of(size);
    set(r, at(h, hole), 0);
    set(r, at(h, hole) + 4, 0);
    set(r, head_of(r, size), hole);
    set(r, map_of(r, bin), *map_of(r, bin) | (uint32_t)1 << bin % 32);
    named(r, head_of(r, size));
}

/* Gates of a shared heap */

static void gate(struct refute *r, uint32_t slot, uint64_t change)
{
    uint64_t *const word = (uint64_t *)(void *)gate_at(shared_of(r->h), slot);
    const uint64_t changed = *word + change;
    set_bytes(r, word, &changed, sizeof changed);
}

static void gates(struct refute *r)
{
    struct entry *live = entry_of(r, r->first);
    struct entry *purged = entry_of(r, r->purged);
    struct entry *cached = entry_of(r, r->cached);
    gate(r, r->first, GATE_LOCK);
    sound(r);
    gate(r, r->first, 2);
    named(r, live);
    gate(r, r->first, GATE_CLAIMED);
    named(r, live);
    gate(r, r->first, GATE_AWAY);
    named(r, live);
    gate(r, r->cached, 1);
    named(r, cached);
    gate(r, r->cached, GATE_LOCK);
    named(r, cached);
    gate(r, r->purged, GATE_LOCK);
    named(r, purged);
    gate(r, r->purged, 2 * GATE_LOCK);
    named(r, purged);
    gate(r, r->purged, 0 - GATE_AWAY);
    named(r, purged);
    gate(r, r->purged, GATE_CLAIMED);
    named(r, purged);
}

/* Heaps */

/// Memory between pages that fault; NULL if the system has none.
static char *walled(void)
{
    static char *begin;
    if (begin == NULL) {
        char *const all = mmap(NULL, 3 * WALL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED || mprotect(all + WALL, WALL, PROT_READ | PROT_WRITE) != 0) {
            return NULL;
        }
        begin = all + WALL;
    }
    return begin;
}

static uint32_t slot_of_block(const struct refute *r, jeff_handle handle)
{
    if (handle == JEFF_NULL) {
        steve_jeff_trial_note(r->trial, "a heap of a trial refuses what it has room for");
        return NIL;
    }
    return slot_of(handle);
}

static jeff_handle make(const struct refute *r, uint32_t granules)
{
    return jeff_malloc(r->h, block_capacity(granules, granules > CLASS_MAX));
}

/// A block whose contents were dropped for another one, which is gone.
static void make_purged(struct refute *r, size_t bytes)
{
    const jeff_handle doomed = jeff_aligned_alloc(r->h, (size_t)64 << steve_jeff_trial_below(r->trial, 4), bytes / 2);
    jeff_set_purgeable(r->h, doomed, true);
    const jeff_handle other = jeff_malloc(r->h, bytes / 2);
    r->purged = jeff_weak_lock(r->h, doomed) == NULL ? slot_of_block(r, doomed) : NIL;
    jeff_free(r->h, other);
}

/// What was left behind in memory that nobody has written to since may look like a header.
static void blank(const struct refute *r)
{
    const struct jeff_heap *h = r->h;
    uint32_t size;
    for (uint32_t begin = h->first; begin < h->top; begin += size) {
        const uint32_t is = header_of(h, begin);
        const struct entry *e = is_hole(is) ? NULL : entry_at(h, is & SLOT_MASK);
        size = size_at(h, begin);
        const uint32_t words = size * (uint32_t)(GRANULE / WORD) - 1 - (e == NULL);
        for (uint32_t i = e == NULL ? 3 : class_of(is) == CLASS_WIDE ? 2 : 0; i < words; i++) {
            if (e == NULL || !is_live(e) || !(e->cw & CW_MAPPED)) {
                write_word(at(h, begin) + i * WORD, BLANK);
            }
        }
    }
}

/// Where holes are to be, blocks that no bin caches; what lies above the third one is merged into it, and leaves its slot behind.
static void fill(struct refute *r)
{
    const uint32_t binned = r->h->binned;
    const uint32_t sizes[ROW] = {2 + steve_jeff_trial_below(r->trial, 3), 1 + steve_jeff_trial_below(r->trial, 4),
                                 1 + steve_jeff_trial_below(r->trial, 4), 1,
                                 3 + steve_jeff_trial_below(r->trial, 2), 2 + steve_jeff_trial_below(r->trial, 3)};
    jeff_handle doomed[3];
    r->first = slot_of_block(r, make(r, 3));
    if (r->h->pages != NULL) {
        r->own[1] = slot_of_block(r, jeff_aligned_alloc(r->h, (size_t)2 * PAGE, OWN + 1000));
        r->own[0] = slot_of_block(r, jeff_malloc(r->h, OWN));
    }
    doomed[0] = make(r, binned + 2);
    r->between = slot_of_block(r, make(r, 3));
    doomed[1] = make(r, binned + 2);
    r->wide = slot_of_block(r, make(r, CLASS_MAX + 8));
    const jeff_handle cached = make(r, 6);
    r->even = slot_of_block(r, make(r, binned));
    doomed[2] = make(r, binned + 5);
    const jeff_handle dead = make(r, 2);
    for (size_t i = 0; i < ROW; i++) {
        r->row[i] = slot_of_block(r, make(r, sizes[i]));
    }
    const jeff_handle last = make(r, 1);
    r->cached = slot_of_block(r, cached);
    r->retired = slot_of_block(r, last);
    for (size_t i = 0; i < 3; i++) {
        r->hole[i] = slot_of_block(r, doomed[i]);
    }
    if (r->trial->wrong == NULL) {
        for (size_t i = 0; i < 3; i++) {
            r->hole[i] = start(r, r->hole[i]);
        }
        jeff_free(r->h, steve_jeff_age(r->h, last));
        jeff_free(r->h, dead);
        jeff_free(r->h, doomed[2]);
        jeff_free(r->h, doomed[0]);
        jeff_free(r->h, doomed[1]);
        jeff_free(r->h, cached);
        blank(r);
    }
}

static void nothing(void *context)
{
    (void)context;
}

/// A heap in a region, at either end of what there is, shared or not.
static void make_in_region(struct refute *r, bool shared)
{
    char *const memory = walled();
    const size_t bytes = BYTES - (size_t)16 * steve_jeff_trial_below(r->trial, 24);
    if (memory == NULL) {
        return;
    }
    char *const region = memory + steve_jeff_trial_below(r->trial, 2) * (WALL - bytes);
    memset(region, DIRTY, bytes);
    const struct jeff_config config = {
        .handle_salt = steve_jeff_trial_draw(r->trial) | 1, .now_ns = steve_jeff_trial_now, .context = r->trial};
    if (shared) {
        const struct jeff_mutex_hooks mutex = {nothing, nothing, nothing, NULL};
        const struct jeff_shared_config both = {.heap = config, .mutex = &mutex};
        jeff_shared *s = jeff_shared_init(region, bytes, &both, NULL);
        r->h = s == NULL ? NULL : heap_of(s);
        return;
    }
    r->h = jeff_init(region, bytes, &config, NULL);
}

static void make_shared(struct refute *r)
{
    make_in_region(r, true);
    if (r->h == NULL) {
        return;
    }
    jeff_shared *s = shared_of(r->h);
    r->purged = NIL;
    const jeff_handle doomed = jeff_shared_malloc(s, BYTES / 2, NULL);
    jeff_shared_set_purgeable(s, doomed, true, NULL);
    const jeff_handle other = jeff_shared_malloc(s, BYTES / 2, NULL);
    r->purged = slot_of_block(r, doomed);
    r->first = slot_of_block(r, jeff_shared_malloc(s, 40, NULL));
    const jeff_handle cached = jeff_shared_malloc(s, 90, NULL);
    jeff_shared_free(s, other, NULL);
    r->cached = slot_of_block(r, cached);
    jeff_shared_free(s, cached, NULL);
}

static void make_plain(struct refute *r)
{
    make_in_region(r, false);
    if (r->h != NULL) {
        make_purged(r, BYTES);
        fill(r);
    }
}

/// With pages of its own: all that there are, or some.
static void make_paged(struct refute *r)
{
    steve_jeff_trial_memory(0);
    r->trial->pages.page = PAGE;
    const struct jeff_page_hooks hooks = steve_jeff_trial_hooks(r->trial);
    const struct jeff_config config = {.handle_salt = steve_jeff_trial_draw(r->trial) | 1,
                                       .now_ns = steve_jeff_trial_now,
                                       .context = r->trial,
                                       .pages = &hooks,
                                       .own_mapping = OWN};
    r->h = jeff_create(BYTES + steve_jeff_trial_below(r->trial, 2) * 16 * BYTES, &config, NULL);
    if (r->h != NULL) {
        r->purged = NIL;
        fill(r);
    }
}

static uint64_t slow_clock(void *context)
{
    struct steve_jeff_trial *trial = context;
    return trial->clock_ns += 1000000;
}

static void make_halfway(struct refute *r)
{
    const struct jeff_config config = {
        .handle_salt = steve_jeff_trial_draw(r->trial) | 1, .now_ns = slow_clock, .context = r->trial};
    r->h = jeff_init(steve_jeff_trial_memory(0), 4 * LARGE, &config, NULL);
    if (r->h == NULL) {
        return;
    }
    const jeff_handle gap = jeff_malloc(r->h, LARGE + 1000);
    r->wide = slot_of_block(r, jeff_malloc(r->h, LARGE));
    r->first = slot_of_block(r, jeff_malloc(r->h, 100));
    jeff_free(r->h, gap);
    const struct jeff_goal goal = {.budget_ns = 1000};
    jeff_compact_goal(r->h, &goal, NULL);
    if (r->h->halfway_hole == 0) {
        steve_jeff_trial_note(r->trial, "a large block is not left halfway");
    }
}

struct one {
    void (*try)(struct refute *r);
    const char *wrong;
};

#define ALL(cases) cases, sizeof(cases) / sizeof(cases)[0]

static const struct one plain[] = {
    {where_it_begins, "jeff_check() misjudges where a heap begins"},
    {where_it_ends, "jeff_check() misjudges where a heap ends"},
    {layout, "jeff_check() misjudges the layout of a heap"},
    {state, "jeff_check() misjudges the state of a heap"},
    {busy, "jeff_check() of a heap that is busy says something else"},
    {bounds, "jeff_check() misjudges the bounds of blocks and table"},
    {counters, "jeff_check() misjudges a counter"},
    {cursor, "jeff_check() misjudges where a paused compaction goes on"},
    {live_flags, "jeff_check() misjudges the flags of a live slot"},
    {mapped_in_region, "jeff_check() passes over pages in a heap that has none"},
    {purged, "jeff_check() misjudges a purged slot"},
    {retired, "jeff_check() misjudges a retired slot"},
    {place_outside, "jeff_check() misjudges a slot whose block lies outside"},
    {place_of_another, "jeff_check() misjudges a slot whose block lies where another one does"},
    {size_of_small, "jeff_check() misjudges which of two sizes is right"},
    {swallows, "jeff_check() misjudges a block that holds others"},
    {leads_into_middle, "jeff_check() misjudges a header that leads into the middle of a block"},
    {lost, "jeff_check() misjudges a slot that has lost its block"},
    {lowest, "jeff_check() misjudges damage to the lowest block"},
    {wide_of_one, "jeff_check() passes over a large block without room"},
    {alignment, "jeff_check() misjudges the alignment of a block"},
    {hole_sizes, "jeff_check() misjudges the size of a hole"},
    {small_holes, "jeff_check() misjudges a small hole"},
    {highest_hole, "jeff_check() passes over a hole right below the top"},
    {two_holes, "jeff_check() passes over two holes side by side"},
    {marked_above, "jeff_check() misjudges what says that a hole lies below it"},
    {map_of_bins, "jeff_check() misjudges the map of bins"},
    {bin_leads_astray, "jeff_check() misjudges a bin that leads astray"},
    {links_of_holes, "jeff_check() misjudges the links of holes"},
    {hole_beside_halfway, "jeff_check() misjudges the hole that a block is being copied into"},
    {free_lists, "jeff_check() misjudges a list of free slots"},
    {deferred, "jeff_check() misjudges blocks that are to be merged later"},
};

static const struct one paged[] = {
    {page_bounds, "jeff_check() misjudges the bounds of a heap's pages"},
    {list_of_own, "jeff_check() misjudges the list of blocks with pages of their own"},
    {own_pages, "jeff_check() misjudges what a block knows of its pages"},
    {too_small_for_own, "jeff_check() passes over a block that is too small to have pages of its own"},
};

static const struct one of_halfway[] = {{halfway, "jeff_check() misjudges a block that is halfway to elsewhere"}};

static const struct one shared[] = {
    {gates, "jeff_check() misjudges a gate"},
    {state, "jeff_check() misjudges the state of a shared heap"},
};

static void try_some(struct refute *r, const struct one *cases, uint32_t count, uint32_t most)
{
    for (uint32_t i = 0; i < most && r->trial->wrong == NULL; i++) {
        const struct one *const one = &cases[steve_jeff_trial_below(r->trial, count)];
        r->about = one->wrong;
        one->try(r);
    }
}

void steve_jeff_trial_refute(struct steve_jeff_trial *trial)
{
    static const struct {
        void (*make)(struct refute *r);
        const struct one *cases;
        uint32_t count;
        uint32_t most;
    } kinds[] = {
        {make_plain, ALL(plain), CASES},     {make_plain, ALL(plain), CASES},    {make_plain, ALL(plain), CASES},
        {make_paged, ALL(paged), CASES / 4}, {make_halfway, ALL(of_halfway), 1}, {make_shared, ALL(shared), 2},
    };
    const uint32_t kind = steve_jeff_trial_below(trial, sizeof kinds / sizeof kinds[0]);
    struct refute r = {.trial = trial};
    kinds[kind].make(&r);
    if (r.h == NULL) {
        return; // the system has no walls to give
    }
    r.about = "jeff_check() finds something in a heap that is sound";
    sound(&r);
    try_some(&r, kinds[kind].cases, kinds[kind].count, kinds[kind].most);
    if (r.h->pages != NULL) {
        try_some(&r, ALL(plain), CASES / 2);
    }
    struct jeff_stats stats;
    jeff_stats(r.h, &stats);
    if (stats.table_bytes / sizeof(struct entry) != 1 + stats.live_blocks + stats.spare_handles + r.h->retired_count) {
        steve_jeff_trial_note(trial, "the slots of a heap are neither of live blocks nor spare ones");
    }
    r.about = "a heap that was damaged and put right is no longer sound";
    sound(&r);
    if (is_shared(r.h)) {
        jeff_shared_destroy(shared_of(r.h));
        return;
    }
    jeff_destroy(r.h);
}
