/// Damage to a heap that has something of everything: which words jeff_check() must see to be wrong, and where it must place
/// that.
///
/// lib/test/test_damage.c flips each bit of a few heaps. Here the heaps are new ones each time, and words change to values that
/// are likely in such a place, too: one more, one less, what another word of the same kind says. To know what a word means, this
/// file and those that draw words (damage_internal.h) look inside, as that test does.
#include "steve/drivers/jeff/damage_internal.h"

#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/probe_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define LEAST_BYTES 1024u
#define MOST_BYTES  5120u
#define CALLS       80u
#define WORDS       80u   ///< that are damaged, one after the other
#define AT_ONCE     4u    ///< or as many at the same time
#define OWN_BYTES   4096u ///< blocks of so many bytes have pages of their own

#define NOTHING 0xa5a5a5a5u ///< no slot, no place and no size in so small a heap

/* Damage */

static uint32_t damaged_value(struct steve_jeff_trial *trial, const struct damage_word *word, uint32_t was)
{
    const uint32_t draw = steve_jeff_trial_draw(trial);
    const uint32_t which = draw % 16;
    if (which < LIKELY_VALUES) {
        return likely_value(was, which);
    }
    switch (which) {
    case 4:
        return word->itself != 0 ? word->itself : was ^ 2;
    case 5:
    case 6:
    case 7:
        return word->like != NULL ? read_word(word->like) : was ^ 1;
    default:
        return flip_bit(was, draw / 16);
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
static bool is_as_good(const struct jeff_heap *h, const struct damage_word *word, uint32_t is, const void *address)
{
    return word->start != 0 && address == entry_at(h, read_word(word->address) & SLOT_MASK) &&
           is_stretch(h, word->start + class_of(is));
}

static bool is_placed(const struct jeff_heap *h, const struct damage_word *word, const void *address)
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

static void damage(struct steve_jeff_trial *trial, const struct damage_word *word)
{
    struct jeff_heap *h = trial->heap;
    const uint32_t was = read_word(word->address);
    const uint32_t is = word->is_given ? word->value : damaged_value(trial, word, was);
    struct jeff_damage found = {0};
    write_word(word->address, is);
    const enum jeff_status status = check(h, &found);
    const bool agrees = steve_jeff_trial_below(trial, 4) != 0 || check(h, NULL) == status;
    write_word(word->address, was);

    if (!agrees) {
        steve_jeff_trial_note(trial, "jeff_check() finds damage or not by whether it is to describe it");
    } else if (status == JEFF_OK && ((was ^ is) & word->must) != 0 &&
               (!word->one_by_one || damage_is_one_bit(was ^ is))) {
        steve_jeff_trial_note(trial, "jeff_check() passes over a word that contradicts others");
    } else if (status == JEFF_ERROR_CORRUPT && found.what == NULL) {
        steve_jeff_trial_note(trial, "jeff_check() finds damage that has no name");
    } else if (status == JEFF_ERROR_CORRUPT && damage_is_one_bit(was ^ is) && !is_placed(h, word, found.address) &&
               !is_as_good(h, word, is, found.address)) {
        steve_jeff_trial_note(trial, "jeff_check() places damage elsewhere than it is");
    }
}

static struct damage_word draw_word(struct steve_jeff_trial *trial)
{
    switch (steve_jeff_trial_below(trial, 9)) {
    case 0:
        return steve_damage_control_word(trial);
    case 1:
        return steve_damage_wrong_value(trial);
    case 2:
        return trial->heap->pages != NULL ? steve_damage_page_word(trial) : steve_damage_control_word(trial);
    case 3:
    case 4:
    case 5:
        return steve_damage_stretch_word(trial);
    default:
        return steve_damage_entry_word(trial);
    }
}

/// Several words at once: there is no telling what is wrong, but the check comes to an end, and places it inside the heap.
static void damage_much(struct steve_jeff_trial *trial)
{
    struct jeff_heap *h = trial->heap;
    const struct jeff_heap sound = *h;
    struct damage_word words[AT_ONCE];
    uint32_t was[AT_ONCE];
    for (unsigned i = 0; i < AT_ONCE; i++) {
        // Where the parts of the heap are is known before anything is damaged.
        words[i] = i % 2 == 0 ? steve_damage_stretch_word(trial) : steve_damage_entry_word(trial);
    }
    for (unsigned i = 0; i < AT_ONCE; i++) {
        if (words[i].address != NULL) {
            was[i] = read_word(words[i].address);
            write_word(words[i].address, damaged_value(trial, &words[i], was[i]));
        }
    }
    struct jeff_damage found = {0};
    if (check(h, &found) == JEFF_ERROR_CORRUPT &&
        (found.what == NULL || (uintptr_t)found.address - (uintptr_t)h >= sound.end)) {
        steve_jeff_trial_note(trial, "jeff_check() places damage outside of a heap that is damaged in several places");
    }
    for (unsigned i = AT_ONCE; i-- > 0;) {
        if (words[i].address != NULL) {
            write_word(words[i].address, was[i]);
        }
    }
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
    trial->heap->cursor = steve_damage_draw_stretch(trial).start;
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
    trial->pages.page = DAMAGE_PAGE;
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
        const struct damage_word word = draw_word(trial);
        if (i % 16 == 15) {
            damage_much(trial);
        } else if (word.address != NULL) {
            damage(trial, &word);
        }
    }
    jeff_destroy(trial->heap);
}
