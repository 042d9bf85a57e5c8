/// Values that no other word contradicts, but what the word may be at all.
#include "steve/drivers/jeff/damage_internal.h"

static struct damage_word is_wrong(void *field, uint32_t value)
{
    return (struct damage_word){.address = field, .must = UINT32_MAX, .is_given = true, .value = value};
}

static struct damage_word page_value(struct steve_jeff_trial *trial)
{
    struct page_state *p = trial->heap->pages;
    uint32_t *const low = (void *)&p->commit_low;
    uint32_t *const table = (void *)&p->commit_table;
    uint32_t *const page = (void *)&p->hooks.page_bytes;
    const bool met = p->commit_low == SIZE_MAX;
    switch (steve_jeff_trial_below(trial, 7)) {
    case 0:
        return is_wrong(page, DAMAGE_PAGE / 2);
    case 1:
        return is_wrong(page, DAMAGE_PAGE + DAMAGE_PAGE / 2);
    case 2:
        return is_wrong(table, (uint32_t)p->reserved);
    case 3: // below what the table takes
        return is_wrong(table, (uint32_t)((table_low(trial->heap) + DAMAGE_PAGE - 1) / DAMAGE_PAGE * DAMAGE_PAGE +
                                          (met ? DAMAGE_PAGE : 0)));
    case 4:
        return is_wrong(low, met ? 5 : (uint32_t)p->commit_table);
    case 5: // below the last block
        return is_wrong(low, met ? 7 : (trial->heap->top * GRANULE - HEADER - 1) / DAMAGE_PAGE * DAMAGE_PAGE);
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
        if (e->off != 0 && damage_is_one_bit(e->off) && !(is_live(e) && e->cw & CW_PURGED)) {
            return e;
        }
    }
    return NULL;
}

/// Such an entry loses its block.
static struct damage_word lost_block(struct steve_jeff_trial *trial)
{
    struct entry *e = nearly_bare(trial->heap);
    if (e == NULL) {
        return (struct damage_word){0};
    }
    struct damage_word word = is_wrong(&e->off, 0);
    word.begin = (uintptr_t)e;
    word.end = (uintptr_t)(e + 1);
    return word;
}

struct damage_word steve_damage_wrong_value(struct steve_jeff_trial *trial)
{
    struct jeff_heap *h = trial->heap;
    const struct damage_stretch s = steve_damage_draw_stretch(trial);
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
