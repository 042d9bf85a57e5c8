/// Damage to a heap that has something of everything: which words jeff_check() must see to be wrong, and where it must place
/// that.
///
/// lib/test/test_damage.c flips each bit of a few heaps. Here the heaps are new ones each time, and words change to values that
/// are likely in such a place, too: one more, one less, what another word of the same kind says. To know what a word means, this
/// file looks inside, as that test does. Words that may as well be something else (a generation, a pace) are left alone.
#include "steve/drivers/jeff/trial_internal.h"

#include "lib/jeff/heap_internal.h"
#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/probe_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define LEAST_BYTES 1024u
#define MOST_BYTES  5120u
#define CALLS       80u
#define WORDS       80u ///< that are damaged, one after the other
#define AT_ONCE     4u  ///< or as many at the same time
#define PAGE        1024u
#define OWN_BYTES   4096u ///< blocks of so many bytes have pages of their own

#define NOTHING 0xa5a5a5a5u ///< no slot, no place and no size in so small a heap

/// A word of the heap, and what is known of it.
struct word {
    uint32_t *address;
    uint32_t must;        ///< bits that make it wrong, whatever else is changed
    bool one_by_one;      ///< several of them together may make another value that is as good
    uintptr_t begin;      ///< of the header with its block, of the entry, or of the field that it belongs to
    uintptr_t end;        ///< 0: no telling where the damage is, as what contradicts it is elsewhere
    bool is_link;         ///< of a list, another part of which may be what is named
    const uint32_t *like; ///< a word of the same kind; NULL: none
    uint32_t start;       ///< of the block whose header it is; 0: it is none
    uint32_t itself;      ///< what a link says that leads to where it stands; 0: it is none
    bool is_given;        ///< it gets this value, which is wrong
    uint32_t value;
};

static uint32_t get(const void *address)
{
    return read_word(address);
}

static struct word of_field(void *address, uint32_t must)
{
    return (struct word){.address = address, .must = must};
}

/// The mask of a word that is four fields of a byte each.
static uint32_t bits_of(uint8_t first, uint8_t second, uint8_t third, uint8_t fourth)
{
    const uint8_t bytes[] = {first, second, third, fourth};
    uint32_t mask;
    memcpy(&mask, bytes, sizeof mask);
    return mask;
}

/* The control block */

#define FIELD(name)                                                                                                    \
    {                                                                                                                  \
        offsetof(struct jeff_heap, name), sizeof((struct jeff_heap *)0)->name                                          \
    }

/// What the check must know, as it follows from other words. Sizes are multiples of a word.
static const struct field {
    size_t offset, bytes;
} fields[] = {
    FIELD(table_bias),    FIELD(small_limit),   FIELD(deferred),     FIELD(cached_limit), FIELD(binned),
    FIELD(first),         FIELD(top),           FIELD(bare),         FIELD(bare_count),   FIELD(dead_count),
    FIELD(retired_count), FIELD(hole_granules), FIELD(halfway_hole), FIELD(hole_map),     FIELD(hole_bins),
    FIELD(end),           FIELD(pages),
};

static struct word control_word(struct steve_jeff_trial *trial)
{
    struct jeff_heap *h = trial->heap;
    const uint32_t fixed = sizeof fields / sizeof fields[0];
    const uint32_t draw = steve_jeff_trial_below(trial, fixed + 12);
    if (draw < fixed) {
        const uint32_t which = steve_jeff_trial_below(trial, (uint32_t)(fields[draw].bytes / WORD));
        return of_field((char *)h + fields[draw].offset + which * WORD, UINT32_MAX);
    }
    struct bin *bin = &h->bin[steve_jeff_trial_below(trial, h->binned + 1)];
    const struct bin *other = &h->bin[steve_jeff_trial_below(trial, h->binned + 1)];
    struct word word;
    switch (draw - fixed) {
    case 0:
        word = of_field(&h->tally_mask, TALLY_MASK);
        word.one_by_one = true;
        return word;
    case 1: // no_last_resort, scramble and begin_skip follow
        return of_field(&h->busy, bits_of(0xfc, 0xfe, 0xfe, 0xff));
    case 2: // shared and pace_ps follow
        return of_field(&h->last_status, bits_of(0xf0, 0xff, 0, 0));
    case 3:
        return of_field(&h->gen_floor, 1);
    case 4:
        return of_field(&h->drain_bin, ~(uint32_t)0xff);
    case 5:
        return of_field(&h->cursor, ~(uint32_t)0xffff);
    case 6:
    case 7:
        word = of_field(&bin->slot, UINT32_MAX);
        word.like = &other->slot;
        return word;
    case 8:
        return of_field(&bin->count, UINT32_MAX);
    case 9: // beyond the last slot
        word = (struct word){.address = &h->slot_low, .must = UINT32_MAX, .is_given = true};
        word.value = h->slot_low | SLOT_END << steve_jeff_trial_below(trial, 8);
        word.begin = (uintptr_t)&h->slot_low;
        word.end = word.begin + WORD;
        return word;
    default:
        word = of_field(&hole_heads(h)[steve_jeff_trial_below(trial, h->hole_bins)], UINT32_MAX);
        word.like = &hole_heads(h)[steve_jeff_trial_below(trial, h->hole_bins)];
        return word;
    }
}

/* Blocks and holes */

struct stretch {
    uint32_t start, size, header;
};

/// A stretch drawn from all, each as likely as its neighbours.
static struct stretch draw_stretch(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    struct stretch chosen = {0};
    uint32_t seen = 0;
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        size = size_at(h, start);
        if (steve_jeff_trial_below(trial, ++seen) == 0) {
            chosen = (struct stretch){start, size, header_of(h, start)};
        }
    }
    return chosen;
}

static uint32_t *word_of(const struct jeff_heap *h, const struct stretch *s, ptrdiff_t offset)
{
    return (uint32_t *)(void *)(at(h, s->start) + offset);
}

static struct word stretch_word(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    const struct stretch s = draw_stretch(trial);
    if (s.start == 0) {
        return (struct word){0};
    }
    const uintptr_t begin = (uintptr_t)at(h, s.start) - HEADER;
    struct word word = {.must = UINT32_MAX, .begin = begin, .end = begin + (size_t)s.size * GRANULE};
    const struct stretch other = draw_stretch(trial);
    ptrdiff_t offset = -(ptrdiff_t)HEADER;
    const uint32_t draw = steve_jeff_trial_below(trial, 5);
    if (is_hole(s.header) && draw > 0) {
        offset = draw <= 2 ? (ptrdiff_t)(draw - 1) * 4 : draw == 3 && s.size > 1 ? 8 : (ptrdiff_t)s.size * 16 - 8;
        word.is_link = draw <= 2;
    } else if (class_of(s.header) == CLASS_WIDE && draw > 0) {
        offset = draw % 2 * 4;
        word.one_by_one = offset == 4; // another alignment
    }
    word.start = offset < 0 && !is_hole(s.header) ? s.start : 0;
    word.itself = word.is_link ? s.start : 0;
    word.address = word_of(h, &s, offset);
    word.like = word_of(h, &other, offset < 8 ? offset : -(ptrdiff_t)HEADER);
    return word;
}

/* Entries */

/// Bits of a live entry's third word that cannot be otherwise.
static uint32_t fixed_bits(const struct entry *e)
{
    const uint32_t must = CW_PURGED | CW_MAPPED | CW_UNBINNED | ((uint32_t)3 << 14 & ~CW_SHOWN) | 0x80;
    return e->cw & CW_PURGED ? must | ~(uint32_t)0 << CW_LOCK : must | CW_WIDE | (e->cw & CW_RESIZED ? 0 : CW_CLASS);
}

static struct word entry_word_of(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    const bool first = steve_jeff_trial_below(trial, 16) == 0;
    const uint32_t slot = first ? NIL : h->slot_low + steve_jeff_trial_below(trial, SLOT_END - h->slot_low);
    const uint32_t other = h->slot_low + steve_jeff_trial_below(trial, SLOT_END - h->slot_low);
    struct entry *e = entry_at(h, slot);
    struct entry *like = entry_at(h, other);
    const bool is_purged = is_live(e) && e->cw & CW_PURGED;
    const bool is_fixed = slot == NIL || e->gen == 0;
    struct word word = {.begin = (uintptr_t)e, .end = (uintptr_t)(e + 1), .is_link = is_fixed || !is_live(e)};
    switch (steve_jeff_trial_below(trial, 3)) {
    case 0:
        word.address = &e->off;
        word.must = is_purged ? ~(uint32_t)0xff : UINT32_MAX;
        word.is_link = !is_fixed && !is_live(e);
        word.like = &like->off;
        break;
    case 1:
        word.address = &e->gen;
        word.must = is_fixed ? UINT32_MAX : 1;
        break;
    default:
        word.address = &e->cw;
        word.must = is_live(e) ? fixed_bits(e) : UINT32_MAX;
        word.one_by_one = is_live(e);     // another class, and the flag that it is not the size
        word.is_link |= h->pages != NULL; // a flag says that the block is in their list
        word.like = is_live(e) == is_live(like) ? &like->cw : NULL;
        word.itself = is_live(e) ? 0 : slot << CW_NEXT | (e->cw & CW_CLASS);
    }
    return word;
}

/* Pages */

/// What a block with pages of its own keeps in the heap: its address, that of the reservation, both sizes, links, alignment.
enum { PROXY_ADDRESSES = 2, PROXY_SIZES = 2, PROXY_SLOTS = 2 };

/// A word of that, but for the alignment.
static struct word proxy_word(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    const uint32_t sizes = (PROXY_ADDRESSES + PROXY_SIZES) * sizeof(size_t) / WORD;
    const uint32_t which = steve_jeff_trial_below(trial, sizes + PROXY_SLOTS);
    struct entry *e = h->pages->proxies == NIL ? NULL : entry_at(h, h->pages->proxies);
    if (e == NULL) {
        return (struct word){0};
    }
    uint32_t *const words = (uint32_t *)(void *)at(h, e->off);
    struct word word = of_field(words + which, UINT32_MAX);
    const uint32_t reserved = PROXY_ADDRESSES * sizeof(size_t) / WORD;
    if (which >= reserved / 2 && which < reserved + sizeof(size_t) / WORD) {
        word.must = 0; // where the reservation begins, and how large it is: a block may lie in a larger one
    }
    return word;
}

/// A hook that is missing.
static void damage_hooks(struct steve_jeff_trial *trial)
{
    struct jeff_page_hooks *hooks = &trial->heap->pages->hooks;
    const struct jeff_page_hooks whole = *hooks;
    switch (steve_jeff_trial_below(trial, 4)) {
    case 0:
        hooks->reserve = NULL;
        break;
    case 1:
        hooks->commit = NULL;
        break;
    case 2:
        hooks->decommit = NULL;
        break;
    default:
        hooks->release = NULL;
    }
    const enum jeff_status status = jeff_check(trial->heap, NULL);
    *hooks = whole;
    if (status != JEFF_ERROR_CORRUPT) {
        steve_jeff_trial_note(trial, "jeff_check() passes over a page hook that is missing");
    }
}

static struct word page_word(struct steve_jeff_trial *trial)
{
    struct page_state *p = trial->heap->pages;
    const uint32_t words = sizeof(size_t) / WORD;
    const uint32_t which = steve_jeff_trial_below(trial, words);
    switch (steve_jeff_trial_below(trial, 10)) {
    case 7:
    case 8:
    case 9:
        return proxy_word(trial);
    case 0:
        return of_field((uint32_t *)(void *)&p->hooks.page_bytes + which, UINT32_MAX);
    case 1:
        return of_field((uint32_t *)(void *)&p->reserved + which, UINT32_MAX);
    case 2:
        return of_field(&p->proxies, UINT32_MAX);
    case 3:
        return of_field((uint32_t *)(void *)&p->mapped_blocks + which, UINT32_MAX);
    case 4:
        return of_field((uint32_t *)(void *)&p->mapped_bytes + which, UINT32_MAX);
    case 5:
        return of_field((uint32_t *)(void *)&p->commit_table, PAGE - 1);
    default:
        return of_field((uint32_t *)(void *)&p->commit_low, p->commit_low == SIZE_MAX ? 0 : PAGE - 1);
    }
}

/* What no other word contradicts, but what it may be at all */

static bool one_bit(uint32_t bits)
{
    return (bits & (bits - 1)) == 0;
}

static struct word is_wrong(void *field, uint32_t value)
{
    return (struct word){.address = field, .must = UINT32_MAX, .is_given = true, .value = value};
}

static struct word page_value(struct steve_jeff_trial *trial)
{
    struct page_state *p = trial->heap->pages;
    uint32_t *const low = (void *)&p->commit_low;
    uint32_t *const table = (void *)&p->commit_table;
    uint32_t *const page = (void *)&p->hooks.page_bytes;
    const bool met = p->commit_low == SIZE_MAX;
    switch (steve_jeff_trial_below(trial, 7)) {
    case 0:
        return is_wrong(page, PAGE / 2);
    case 1:
        return is_wrong(page, PAGE + PAGE / 2);
    case 2:
        return is_wrong(table, (uint32_t)p->reserved);
    case 3: // below what the table takes
        return is_wrong(table, (uint32_t)((table_low(trial->heap) + PAGE - 1) / PAGE * PAGE + (met ? PAGE : 0)));
    case 4:
        return is_wrong(low, met ? 5 : (uint32_t)p->commit_table);
    case 5: // below the last block
        return is_wrong(low, met ? 7 : (trial->heap->top * GRANULE - HEADER - 1) / PAGE * PAGE);
    default:
        return is_wrong(table, (uint32_t)p->commit_table + 4);
    }
}

/// A purged entry; NULL if there is none.
static struct entry *purged_entry(const struct jeff_heap *h)
{
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        struct entry *e = entry_at(h, slot);
        if (is_live(e) && e->cw & CW_PURGED) {
            return e;
        }
    }
    return NULL;
}

/// An entry whose block lies one bit away from nowhere, which is what an entry without a block says; NULL if there is none.
static struct entry *nearly_bare(const struct jeff_heap *h)
{
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        struct entry *e = entry_at(h, slot);
        if (e->off != 0 && one_bit(e->off) && !(is_live(e) && e->cw & CW_PURGED)) {
            return e;
        }
    }
    return NULL;
}

/// Such an entry loses its block.
static struct word lost_block(struct steve_jeff_trial *trial)
{
    struct entry *e = nearly_bare(trial->heap);
    if (e == NULL) {
        return (struct word){0};
    }
    struct word word = is_wrong(&e->off, 0);
    word.begin = (uintptr_t)e;
    word.end = (uintptr_t)(e + 1);
    return word;
}

static struct word wrong_value(struct steve_jeff_trial *trial)
{
    struct jeff_heap *h = trial->heap;
    const struct stretch s = draw_stretch(trial);
    struct entry *e = entry_at(h, h->slot_low + steve_jeff_trial_below(trial, NIL - h->slot_low + 1));
    struct entry *purged = purged_entry(h);
    switch (steve_jeff_trial_below(trial, 12)) {
    case 11:
        return lost_block(trial);
    case 0:
        return s.size > 1 ? is_wrong(&h->cursor, s.start + 1) : is_wrong(&h->cursor, h->top + 1);
    case 1:
        return is_wrong(&h->halfway_hole, s.start != 0 ? s.start : 1);
    case 2:
        return is_wrong(&h->gen_floor, 0);
    case 3:
        return is_wrong(&h->drain_bin, h->binned + 1);
    case 4:
        return is_wrong(&h->slot_low, steve_jeff_trial_below(trial, 2) == 0 ? SLOT_END : 0);
    case 5:
        return is_wrong(&h->top, steve_jeff_trial_below(trial, 2) == 0 ? h->first - 1 : (uint32_t)(h->end / GRANULE));
    case 6:
    case 7:
        return h->pages != NULL ? page_value(trial) : is_wrong(&h->first, h->first + 1);
    case 8:
        return purged != NULL ? is_wrong(&purged->off, 13) : is_wrong(&h->end, (uint32_t)h->end - 4);
    case 9:
        return is_live(e) && !(e->cw & CW_PURGED) ? is_wrong(&e->off, h->first - 1)
                                                  : is_wrong(&h->binned, h->binned + 1);
    default:
        return is_live(e) && !(e->cw & CW_PURGED) ? is_wrong(&e->off, h->top + 1)
                                                  : is_wrong(&h->hole_bins, h->hole_bins - 1);
    }
}

/* Damage */

static uint32_t damaged_value(struct steve_jeff_trial *trial, const struct word *word, uint32_t was)
{
    const uint32_t draw = steve_jeff_trial_draw(trial);
    switch (draw % 16) {
    case 0:
        return 0;
    case 1:
        return UINT32_MAX;
    case 2:
        return was + 1;
    case 3:
        return was - 1;
    case 4:
        return word->itself != 0 ? word->itself : was ^ 2;
    case 5:
    case 6:
    case 7:
        return word->like != NULL ? get(word->like) : was ^ 1;
    default:
        return was ^ (uint32_t)1 << draw / 16 % 32;
    }
}

/// Whether a stretch begins there, or the heap ends.
static bool is_stretch(const struct jeff_heap *h, uint32_t wanted)
{
    uint32_t start = h->first;
    while (start < h->top && start < wanted) {
        start += size_at(h, start);
    }
    return start == wanted;
}

/// Whether a header with another size in it leads to where a block starts all the same: its entry may be wrong as well, then.
static bool is_as_good(const struct jeff_heap *h, const struct word *word, uint32_t is, const void *address)
{
    return word->start != 0 && address == entry_at(h, get(word->address) & SLOT_MASK) &&
           is_stretch(h, word->start + class_of(is));
}

static bool is_placed(const struct jeff_heap *h, const struct word *word, const void *address)
{
    const uintptr_t where = (uintptr_t)address;
    const uintptr_t offset = where - (uintptr_t)h;
    if (word->end == 0) {
        return offset < h->end;
    }
    // Of a list, a link is named that leads there, too.
    const bool in_lists =
        offset < (uintptr_t)at(h, h->first) - (uintptr_t)h || (offset >= table_low(h) && offset < h->end);
    return (where >= word->begin && where < word->end) || (word->is_link && in_lists);
}

static enum jeff_status check(struct jeff_heap *h, struct jeff_damage *found)
{
    const uint8_t status_before = h->last_status;
    const enum jeff_status status = jeff_check(h, found);
    if (h->last_status == JEFF_ERROR_CORRUPT) {
        h->last_status = status_before;
    }
    return status;
}

static void damage(struct steve_jeff_trial *trial, const struct word *word)
{
    struct jeff_heap *h = trial->heap;
    const uint32_t was = get(word->address);
    const uint32_t is = word->is_given ? word->value : damaged_value(trial, word, was);
    struct jeff_damage found = {0};
    write_word((char *)word->address, is);
    const enum jeff_status status = check(h, &found);
    const bool agrees = steve_jeff_trial_below(trial, 4) != 0 || check(h, NULL) == status;
    write_word((char *)word->address, was);

    if (!agrees) {
        steve_jeff_trial_note(trial, "jeff_check() finds damage or not by whether it is to describe it");
    } else if (status == JEFF_OK && ((was ^ is) & word->must) != 0 && (!word->one_by_one || one_bit(was ^ is))) {
        steve_jeff_trial_note(trial, "jeff_check() passes over a word that contradicts others");
    } else if (status == JEFF_ERROR_CORRUPT && found.what == NULL) {
        steve_jeff_trial_note(trial, "jeff_check() finds damage that has no name");
    } else if (status == JEFF_ERROR_CORRUPT && one_bit(was ^ is) && !is_placed(h, word, found.address) &&
               !is_as_good(h, word, is, found.address)) {
        steve_jeff_trial_note(trial, "jeff_check() places damage elsewhere than it is");
    }
}

static struct word draw_word(struct steve_jeff_trial *trial)
{
    switch (steve_jeff_trial_below(trial, 9)) {
    case 0:
        return control_word(trial);
    case 1:
        return wrong_value(trial);
    case 2:
        return trial->heap->pages != NULL ? page_word(trial) : control_word(trial);
    case 3:
    case 4:
    case 5:
        return stretch_word(trial);
    default:
        return entry_word_of(trial);
    }
}

/// Several words at once: there is no telling what is wrong, but the check comes to an end, and places it inside the heap.
static void damage_much(struct steve_jeff_trial *trial)
{
    struct jeff_heap *h = trial->heap;
    const struct jeff_heap sound = *h;
    struct word words[AT_ONCE];
    uint32_t was[AT_ONCE];
    for (unsigned i = 0; i < AT_ONCE; i++) {
        // Where the parts of the heap are is known before anything is damaged.
        words[i] = i % 2 == 0 ? stretch_word(trial) : entry_word_of(trial);
    }
    for (unsigned i = 0; i < AT_ONCE; i++) {
        if (words[i].address != NULL) {
            was[i] = get(words[i].address);
            write_word((char *)words[i].address, damaged_value(trial, &words[i], was[i]));
        }
    }
    struct jeff_damage found = {0};
    if (check(h, &found) == JEFF_ERROR_CORRUPT &&
        (found.what == NULL || (uintptr_t)found.address - (uintptr_t)h >= sound.end)) {
        steve_jeff_trial_note(trial, "jeff_check() places damage outside of a heap that is damaged in several places");
    }
    for (unsigned i = AT_ONCE; i-- > 0;) {
        if (words[i].address != NULL) {
            write_word((char *)words[i].address, was[i]);
        }
    }
}

/* Heaps */

static void overwrite(const struct jeff_heap *h, uint32_t start, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        write_word(at(h, start) + i * WORD, NOTHING);
    }
}

/// Overwrites what was left behind where nothing is: it may look as good as what is true, and the check would have to guess.
static void scrub(const struct jeff_heap *h)
{
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        const uint32_t words = (uint32_t)(size * (GRANULE / WORD)) - 1;
        if (is_hole(header)) {
            overwrite(h, start, 3, words - 1);
        } else if (!is_live(entry_at(h, header & SLOT_MASK))) {
            overwrite(h, start, class_of(header) == CLASS_WIDE ? 2 : 0, words);
        } else if (class_of(header) == CLASS_WIDE) {
            overwrite(h, start, 2, 4);
        }
    }
    if (top_limit(h) > h->top) {
        overwrite(h, h->top, 0, (uint32_t)((top_limit(h) - h->top) * (GRANULE / WORD)) - 1);
    }
}

/// As if a compaction had run out of time in the middle of the heap: so small a one is done before the clock is looked at.
static void pause_compaction(struct steve_jeff_trial *trial)
{
    trial->heap->cursor = draw_stretch(trial).start;
}

/// Uses up the slot of a block, and drops it.
static void retire(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    if (block->handle != JEFF_NULL && jeff_lock_count(trial->heap, block->handle) == 0 &&
        jeff_weak_lock(trial->heap, block->handle) != NULL) {
        block->handle = steve_jeff_age(trial->heap, block->handle);
        steve_jeff_trial_drop(trial, block);
    }
}

static void make_heap(struct steve_jeff_trial *trial)
{
    const size_t bytes = LEAST_BYTES + steve_jeff_trial_below(trial, MOST_BYTES - LEAST_BYTES);
    const uint32_t draw = steve_jeff_trial_draw(trial);
    struct jeff_config config = {
        .handle_salt = draw | 1, .alignment = draw % 8 == 0 ? 8 : 16, .now_ns = steve_jeff_trial_now, .context = trial};
    char *const memory = steve_jeff_trial_memory(bytes + 16);
    trial->ns_a_look = draw / 8 % 2 * 1000;
    if (draw / 16 % 4 != 0) {
        trial->heap = jeff_init(memory + (config.alignment == 8 ? 8 : 0), bytes, &config, NULL);
        return;
    }
    trial->pages.page = PAGE;
    const struct jeff_page_hooks hooks = steve_jeff_trial_hooks(trial);
    config.alignment = 16;
    config.pages = &hooks;
    config.own_mapping = OWN_BYTES;
    trial->heap = jeff_create(bytes + 2048, &config, NULL);
    for (size_t i = 0; trial->heap != NULL && i < 4; i++) {
        trial->block[i].bytes = OWN_BYTES + 1000 * i;
        trial->block[i].alignment = i % 2 == 0 ? 8 : 2048;
        trial->block[i].handle = jeff_aligned_alloc(trial->heap, trial->block[i].alignment, trial->block[i].bytes);
    }
}

void steve_jeff_trial_damage(struct steve_jeff_trial *trial)
{
    make_heap(trial);
    if (trial->heap == NULL) {
        steve_jeff_trial_note(trial, "a heap of a trial was refused");
        return;
    }
    for (unsigned i = 0; i < CALLS; i++) {
        steve_jeff_trial_op(trial);
    }
    if (steve_jeff_trial_below(trial, 2) == 0) {
        retire(trial, &trial->block[8 + steve_jeff_trial_below(trial, 8)]);
    }
    if (steve_jeff_trial_below(trial, 8) == 0) {
        trial->heap->drain_bin = trial->heap->binned; // as if merging had come to the last bin
    }
    steve_jeff_trial_look(trial);
    if (trial->wrong == NULL) {
        scrub(trial->heap);
    }
    if (trial->wrong == NULL && steve_jeff_trial_below(trial, 4) == 0) {
        pause_compaction(trial);
    }
    if (trial->wrong == NULL && trial->heap->pages != NULL) {
        damage_hooks(trial);
    }
    for (unsigned i = 0; i < WORDS && trial->wrong == NULL; i++) {
        const struct word word = draw_word(trial);
        if (i % 16 == 15) {
            damage_much(trial);
        } else if (word.address != NULL) {
            damage(trial, &word);
        }
    }
    jeff_destroy(trial->heap);
}
