/// The words of a heap that are damaged, drawn by the part of the heap in which they are, and what is known of each.
///
/// Words that may as well be something else (a generation, a pace) are left alone.
#include "steve/drivers/jeff/damage_internal.h"

#include "steve/drivers/jeff/words_internal.h"

static struct damage_word of_field(void *address, uint32_t must)
{
    return (struct damage_word){.address = address, .must = must};
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

struct damage_word steve_damage_control_word(struct steve_jeff_trial *trial)
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
    struct damage_word word;
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
        word = (struct damage_word){.address = &h->slot_low, .must = UINT32_MAX, .is_given = true};
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

/// A stretch drawn from all, each as likely as its neighbours.
struct damage_stretch steve_damage_draw_stretch(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    struct damage_stretch chosen = {0};
    uint32_t seen = 0;
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        size = size_at(h, start);
        if (steve_jeff_trial_below(trial, ++seen) == 0) {
            chosen = (struct damage_stretch){start, size, header_of(h, start)};
        }
    }
    return chosen;
}

static uint32_t *word_of(const struct jeff_heap *h, const struct damage_stretch *s, ptrdiff_t offset)
{
    return (uint32_t *)(void *)(at(h, s->start) + offset);
}

struct damage_word steve_damage_stretch_word(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    const struct damage_stretch s = steve_damage_draw_stretch(trial);
    if (s.start == 0) {
        return (struct damage_word){0};
    }
    const uintptr_t begin = (uintptr_t)at(h, s.start) - HEADER;
    struct damage_word word = {.must = UINT32_MAX, .begin = begin, .end = begin + (size_t)s.size * GRANULE};
    const struct damage_stretch other = steve_damage_draw_stretch(trial);
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

struct damage_word steve_damage_entry_word(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    const bool first = steve_jeff_trial_below(trial, 16) == 0;
    const uint32_t slot = first ? NIL : h->slot_low + steve_jeff_trial_below(trial, SLOT_END - h->slot_low);
    const uint32_t other = h->slot_low + steve_jeff_trial_below(trial, SLOT_END - h->slot_low);
    struct entry *e = entry_at(h, slot);
    struct entry *like = entry_at(h, other);
    const bool is_purged = is_live(e) && e->cw & CW_PURGED;
    const bool is_fixed = slot == NIL || e->gen == 0;
    struct damage_word word = {.begin = (uintptr_t)e, .end = (uintptr_t)(e + 1), .is_link = is_fixed || !is_live(e)};
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
static struct damage_word proxy_word(struct steve_jeff_trial *trial)
{
    const struct jeff_heap *h = trial->heap;
    const uint32_t sizes = (PROXY_ADDRESSES + PROXY_SIZES) * sizeof(size_t) / WORD;
    const uint32_t which = steve_jeff_trial_below(trial, sizes + PROXY_SLOTS);
    struct entry *e = h->pages->proxies == NIL ? NULL : entry_at(h, h->pages->proxies);
    if (e == NULL) {
        return (struct damage_word){0};
    }
    uint32_t *const words = (uint32_t *)(void *)at(h, e->off);
    struct damage_word word = of_field(words + which, UINT32_MAX);
    const uint32_t reserved = PROXY_ADDRESSES * sizeof(size_t) / WORD;
    if (which >= reserved / 2 && which < reserved + sizeof(size_t) / WORD) {
        word.must = 0; // where the reservation begins, and how large it is: a block may lie in a larger one
    }
    return word;
}

struct damage_word steve_damage_page_word(struct steve_jeff_trial *trial)
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
        return of_field((uint32_t *)(void *)&p->commit_table, DAMAGE_PAGE - 1);
    default:
        return of_field((uint32_t *)(void *)&p->commit_low, p->commit_low == SIZE_MAX ? 0 : DAMAGE_PAGE - 1);
    }
}
