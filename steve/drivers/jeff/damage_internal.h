/// What trial_damage.c damages: words of a heap, each drawn with what is known of it (damage_words.c), and values that are wrong
/// wherever they stand (damage_values.c).
#ifndef STEVE_DRIVERS_JEFF_DAMAGE_INTERNAL_H
#define STEVE_DRIVERS_JEFF_DAMAGE_INTERNAL_H

#include "steve/drivers/jeff/trial_internal.h"

#include "lib/jeff/heap_internal.h"

#define DAMAGE_PAGE 1024u ///< bytes

/// A word of the heap, and what is known of it.
struct damage_word {
    uint32_t *address;    ///< NULL: the heap has no such word
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

/// A block, or a hole.
struct damage_stretch {
    uint32_t start, size, header;
};

static inline bool damage_is_one_bit(uint32_t bits)
{
    return (bits & (bits - 1)) == 0;
}

/// A stretch drawn from all, each as likely as its neighbours. Its start is 0 if there is none.
struct damage_stretch steve_damage_draw_stretch(struct steve_jeff_trial *trial);

/* Words, drawn from a part of the heap each */

struct damage_word steve_damage_control_word(struct steve_jeff_trial *trial);
/// Of a block's header or of a hole.
struct damage_word steve_damage_stretch_word(struct steve_jeff_trial *trial);
struct damage_word steve_damage_entry_word(struct steve_jeff_trial *trial);
/// Of what a heap keeps of its pages: it has some.
struct damage_word steve_damage_page_word(struct steve_jeff_trial *trial);

/// A word of any of these parts with the value that it gets.
struct damage_word steve_damage_wrong_value(struct steve_jeff_trial *trial);

#endif
