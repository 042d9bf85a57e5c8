/// Heaps of trial_refute.c, whose words are made to agree with one that is wrong: what each case has to work with, and the cases.
#ifndef STEVE_DRIVERS_JEFF_REFUTE_INTERNAL_H
#define STEVE_DRIVERS_JEFF_REFUTE_INTERNAL_H

#include "steve/drivers/jeff/trial_internal.h"

#include "lib/jeff/gate_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define REFUTE_ROW     6u    ///< small blocks side by side
#define REFUTE_CHANGES 48u   ///< words that a case changes
#define REFUTE_PAGE    1024u ///< bytes

/// What a word was.
struct refute_change {
    char *word;
    uint32_t was;
};

/// A heap with something of everything, what is where in it, and what was changed.
struct refute {
    struct steve_jeff_trial *trial;
    struct jeff_heap *h;
    const char *about;        ///< the case, as it is said if it fails
    uint32_t row[REFUTE_ROW]; ///< slots of small blocks, side by side, the last one the highest of all
    uint32_t first;           ///< the lowest block
    uint32_t between;         ///< a small block between two holes of a size
    uint32_t wide;
    uint32_t cached;  ///< a free block, of a class of its own
    uint32_t even;    ///< a live block of the largest class that has a bin
    uint32_t purged;  ///< without a block
    uint32_t retired; ///< used up
    uint32_t own[2];  ///< with pages of their own, the latest first
    uint32_t
        hole[3]; ///< where holes start, from below; of the first two, of one size, the second comes first in their bin
    bool keeps_status; ///< what the case says of the last status is not to be touched
    struct refute_change changes[REFUTE_CHANGES];
    size_t count;
};

/* refute_words.c */

uint32_t steve_refute_get(const void *word);
void steve_refute_set(struct refute *r, void *word, uint32_t value);
void steve_refute_add(struct refute *r, void *word, uint32_t value);
/// A field of any size.
void steve_refute_set_bytes(struct refute *r, void *field, const void *value, size_t bytes);
void steve_refute_set_byte(struct refute *r, uint8_t *field, unsigned value);
void steve_refute_set_size_t(struct refute *r, size_t *field, size_t value);
/// The damage is at this address.
void steve_refute_named(struct refute *r, const void *address);
/// Nothing is wrong.
void steve_refute_sound(struct refute *r);
void steve_refute_is_busy(struct refute *r);
/// Something is wrong, and said to be in the heap: which word it is cannot be told.
void steve_refute_inside(struct refute *r);
struct entry *steve_refute_entry_of(const struct refute *r, uint32_t slot);
uint32_t steve_refute_start(const struct refute *r, uint32_t slot);
char *steve_refute_header(const struct refute *r, uint32_t at_granule);
char *steve_refute_header_of_slot(const struct refute *r, uint32_t slot);
uint32_t steve_refute_size_of(const struct refute *r, uint32_t slot);
uint32_t *steve_refute_head_of(const struct refute *r, uint32_t size);
uint32_t *steve_refute_map_of(const struct refute *r, uint32_t bin);
/// The word in front of the first block's header: the control block ends before it.
char *steve_refute_padding(const struct refute *r);
/// A block may have another size than its handle tells.
void steve_refute_resized(struct refute *r, uint32_t slot);
void steve_refute_set_class(struct refute *r, uint32_t slot, uint32_t class);
/// Takes a slot that has no block off the list of such. @return the slot
uint32_t steve_refute_take_bare(struct refute *r);
/// A slot loses its block, in all that is known of slots.
void steve_refute_make_bare(struct refute *r, uint32_t slot);
/// Memory becomes a hole, the first in its bin, and what lies above is told of it.
void steve_refute_make_hole(struct refute *r, uint32_t begin, uint32_t size);
/// A list of free slots holds this one alone.
void steve_refute_list_alone(struct refute *r, uint32_t class, uint32_t slot, uint32_t count);

/* Cases: each changes words, and says what the check must say of that. */

/* refute_control.c */
void steve_refute_case_where_it_begins(struct refute *r);
void steve_refute_case_where_it_ends(struct refute *r);
void steve_refute_case_layout(struct refute *r);
void steve_refute_case_state(struct refute *r);
void steve_refute_case_busy(struct refute *r);
void steve_refute_case_bounds(struct refute *r);
void steve_refute_case_counters(struct refute *r);
void steve_refute_case_cursor(struct refute *r);

/* refute_slots.c */
void steve_refute_case_live_flags(struct refute *r);
void steve_refute_case_mapped_in_region(struct refute *r);
void steve_refute_case_purged(struct refute *r);
void steve_refute_case_retired(struct refute *r);
void steve_refute_case_place_outside(struct refute *r);
void steve_refute_case_place_of_another(struct refute *r);
void steve_refute_case_size_of_small(struct refute *r);
void steve_refute_case_gates(struct refute *r);

/* refute_memory.c */
void steve_refute_case_swallows(struct refute *r);
void steve_refute_case_leads_into_middle(struct refute *r);
void steve_refute_case_lost(struct refute *r);
void steve_refute_case_lowest(struct refute *r);
void steve_refute_case_wide_of_one(struct refute *r);
void steve_refute_case_alignment(struct refute *r);
void steve_refute_case_hole_sizes(struct refute *r);
void steve_refute_case_small_holes(struct refute *r);
void steve_refute_case_highest_hole(struct refute *r);
void steve_refute_case_two_holes(struct refute *r);
void steve_refute_case_marked_above(struct refute *r);
void steve_refute_case_halfway(struct refute *r);

/* refute_lists.c */
void steve_refute_case_map_of_bins(struct refute *r);
void steve_refute_case_bin_leads_astray(struct refute *r);
void steve_refute_case_links_of_holes(struct refute *r);
void steve_refute_case_hole_beside_halfway(struct refute *r);
void steve_refute_case_free_lists(struct refute *r);
void steve_refute_case_deferred(struct refute *r);

/* refute_pages.c */
void steve_refute_case_page_bounds(struct refute *r);
void steve_refute_case_list_of_own(struct refute *r);
void steve_refute_case_own_pages(struct refute *r);
void steve_refute_case_too_small_for_own(struct refute *r);

#endif
