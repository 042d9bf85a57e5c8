/// Damage that takes more than a word, or just the right one in just the right heap: jeff_check() must find it. Each heap is made for it,
/// damaged, checked, and put right again.
#include "steve/drivers/jeff/probe_internal.h"

#include <stddef.h>
#include <stdint.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff/words_internal.h"

enum { GRANULE = 16 };

/// Flags in the word of an entry: see heap_internal.h.
#define MAPPED  (UINT64_C(1) << 42)
#define HALFWAY (UINT64_C(1) << 46)

static uint32_t slot_of(jeff_handle handle)
{
    return (uint32_t)(handle >> 40);
}

/// Where something begins, as the heap's own words say it.
static uint32_t granule_of(const jeff_heap *heap, const void *address)
{
    return (uint32_t)((size_t)((const char *)address - (const char *)heap) / GRANULE);
}

/// Whether the check finds it, with this value in a word.
static bool is_found(jeff_heap *heap, char *word, uint32_t value)
{
    const uint32_t was = read_word(word);
    write_word(word, value);
    struct jeff_damage damage = {0};
    const bool found = jeff_check(heap, &damage) == JEFF_ERROR_CORRUPT && damage.what != NULL;
    write_word(word, was);
    return found;
}

/// The same with this value in the word of generation, class and flags of a block's entry.
static bool is_found_in_entry(jeff_heap *heap, jeff_handle handle, uint64_t value)
{
    uint32_t *entry = jeff_inline_entry(heap, handle);
    const uint64_t was = jeff_inline_word(entry);
    jeff_inline_set_word(entry, value);
    const bool found = jeff_check(heap, NULL) == JEFF_ERROR_CORRUPT;
    jeff_inline_set_word(entry, was);
    return found;
}

/// @return the word of the control block that has this value, if just one has
static char *find_word(jeff_heap *heap, uint32_t value)
{
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    char *found = NULL;
    for (size_t at = 0; at + WORD <= stats.control_bytes; at += WORD) {
        char *const word = (char *)heap + at;
        if (read_word(word) == value) {
            if (found != NULL) {
                return NULL;
            }
            found = word;
        }
    }
    return found;
}

/* Holes */

/// Makes holes between blocks, the last of which comes first in its bin. @param starts get where they begin
static void make_holes(jeff_heap *heap, const size_t *bytes, char **starts, size_t count)
{
    jeff_handle block[3];
    for (size_t i = 0; i < count; i++) {
        void *begin = NULL;
        block[i] = jeff_malloc(heap, bytes[i]);
        jeff_extent(heap, block[i], &begin);
        starts[i] = (char *)begin + WORD;
        jeff_malloc(heap, 40);
    }
    for (size_t i = 0; i < count; i++) {
        jeff_free(heap, block[i]);
    }
}

/// A hole made two, as if they had not been joined when they came to lie side by side.
static const char *probe_two_holes(jeff_heap *heap)
{
    enum { FIRST = 2 };
    char *start = NULL;
    make_holes(heap, &(size_t){4000}, &start, 1);
    const uint32_t first = granule_of(heap, start);
    const uint32_t size = read_word(start - WORD);
    char *const second = start + (size_t)FIRST * GRANULE;
    char *const end = start + (size_t)size * GRANULE;
    write_word(start + 2 * WORD, FIRST);
    write_word(second - 2 * WORD, first);
    write_word(second - WORD, size - FIRST);
    write_word(second + 2 * WORD, size - FIRST);
    write_word(end - 2 * WORD, first + FIRST);
    const bool found = is_found(heap, start - WORD, FIRST);
    write_word(start + 2 * WORD, size);
    write_word(end - 2 * WORD, first);
    return found ? NULL : "two holes side by side are not found";
}

/// Two holes of a size: the bin leads past the first; and in a circle, while another hole asks for its bin.
static const char *probe_bins(jeff_heap *heap)
{
    char *hole[3];
    make_holes(heap, (const size_t[]){3000, 3000, 9000}, hole, 3);
    char *const head = find_word(heap, granule_of(heap, hole[1]));
    if (head == NULL || read_word(hole[1]) != granule_of(heap, hole[0])) {
        return "the last hole of a size is not the first in its bin";
    }
    bool found = is_found(heap, head, granule_of(heap, hole[0]));
    write_word(hole[0], granule_of(heap, hole[1]));
    found = found && is_found(heap, hole[2] + 2 * WORD, 7);
    write_word(hole[0], 0);
    return found ? NULL : "a bin that leads astray is not found";
}

/* Slots */

/// A freed block that was merged away, whose slot is said to have it still, where its header was left behind.
static const char *probe_left_behind(jeff_heap *heap)
{
    const jeff_handle below = jeff_malloc(heap, 4000);
    const jeff_handle merged = jeff_malloc(heap, 40);
    jeff_malloc(heap, 40);
    const void *was = jeff_weak_lock(heap, merged);
    jeff_free(heap, merged);
    jeff_free(heap, below);
    char *const place = (char *)jeff_inline_entry(heap, merged);
    return is_found(heap, place, granule_of(heap, was)) ? NULL : "a slot that has got a place again is not found";
}

/// A freed block whose slot is said to have it where it was before it moved.
static const char *probe_moved_away(jeff_heap *heap)
{
    const jeff_handle below = jeff_malloc(heap, 200);
    const jeff_handle moved = jeff_malloc(heap, 40);
    const jeff_handle above = jeff_malloc(heap, 40);
    jeff_lock(heap, above);
    const void *was = jeff_weak_lock(heap, moved);
    jeff_free(heap, below);
    jeff_compact(heap, 0);
    jeff_free(heap, moved);
    char *const place = (char *)jeff_inline_entry(heap, moved);
    return is_found(heap, place, granule_of(heap, was)) ? NULL : "a slot with a place of before is not found";
}

static const char *probe_purged(jeff_heap *heap)
{
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    const jeff_handle purged = jeff_malloc(heap, stats.free_bytes / 2);
    jeff_set_purgeable(heap, purged, true);
    jeff_malloc(heap, stats.free_bytes * 2 / 3);
    const uint64_t word = jeff_inline_word(jeff_inline_entry(heap, purged));
    return is_found_in_entry(heap, purged, word | JEFF_INLINE_LOCK) && is_found_in_entry(heap, purged, word | MAPPED)
               ? NULL
               : "a purged block with locks, or with pages, is not found";
}

/// Another block than the one that is halfway is said to be.
static const char *probe_halfway(jeff_heap *heap)
{
    enum { LARGE = 30000 };
    const jeff_handle gap = jeff_malloc(heap, LARGE + 1000);
    const jeff_handle large = jeff_malloc(heap, LARGE);
    const jeff_handle other = jeff_malloc(heap, 100);
    jeff_free(heap, gap);
    const struct jeff_goal goal = {.budget_ns = 1000};
    jeff_compact_goal(heap, &goal, NULL);
    uint32_t *entry = jeff_inline_entry(heap, large);
    char *const slot = find_word(heap, slot_of(large));
    const uint64_t was = jeff_inline_word(entry);
    if (slot == NULL || (was & HALFWAY) == 0) {
        return "a large block is not left halfway";
    }
    const uint64_t marked = jeff_inline_word(jeff_inline_entry(heap, other)) | HALFWAY;
    bool found = is_found_in_entry(heap, other, marked);
    jeff_inline_set_word(entry, was & ~HALFWAY);
    write_word(slot, slot_of(other));
    found = found && is_found_in_entry(heap, other, marked);
    write_word(slot, slot_of(large));
    jeff_inline_set_word(entry, was);
    return found ? NULL : "a block that is wrongly said to be halfway is not found";
}

static uint64_t tick(void *context)
{
    uint64_t *ns = context;
    return *ns += 1000000;
}

const char *steve_jeff_probe_forged(void *region, size_t bytes)
{
    static const char *(*const probes[])(jeff_heap *) = {probe_two_holes,  probe_bins,   probe_left_behind,
                                                         probe_moved_away, probe_purged, probe_halfway};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0] && wrong == NULL; i++) {
        uint64_t clock_ns = 0;
        const struct jeff_config config = {.now_ns = tick, .context = &clock_ns, .handle_salt = 1};
        jeff_heap *heap = jeff_init(region, bytes, &config, NULL);
        wrong = probes[i](heap);
        if (wrong == NULL && jeff_check(heap, NULL) != JEFF_OK) {
            wrong = "a heap that was damaged and put right is no longer sound";
        }
        jeff_destroy(heap);
    }
    return wrong;
}

/* Pages of their own */

/// A hook, which is a pointer and so more than a word, or a size of what is known of the pages.
static bool finds_page_state(jeff_heap *heap)
{
    enum { HOOKS = 4, RESERVED = 6, LOW = 7, TABLE = 8 }; // words of a pointer's size, from the hooks' begin
    char *const hooks = find_word(heap, 1024);
    if (hooks == NULL) {
        return false;
    }
    size_t *state = (size_t *)(void *)heap + (size_t)(hooks - (char *)heap) / sizeof(size_t);
    bool found = true;
    for (size_t i = 1; i <= TABLE; i++) {
        const size_t was = state[i];
        state[i] = i <= HOOKS ? 0 : i == LOW ? 1024 : i == RESERVED || i == TABLE ? was + 1024 : was;
        found = found && (state[i] == was || jeff_check(heap, NULL) == JEFF_ERROR_CORRUPT);
        state[i] = was;
    }
    return found;
}

const char *steve_jeff_probe_forged_pages(jeff_heap *heap, jeff_handle own, jeff_handle small)
{
    char *const first = find_word(heap, slot_of(own));
    const jeff_handle freed = jeff_malloc(heap, 40);
    jeff_free(heap, freed);
    if (first == NULL || !is_found(heap, first, slot_of(freed))) {
        return "a free slot among the blocks with pages of their own is not found";
    }
    // A block that is too small for what it would have to know of its pages, at the head of the list of those that have some.
    const uint64_t word = jeff_inline_word(jeff_inline_entry(heap, small));
    write_word(first, slot_of(small));
    const bool found = is_found_in_entry(heap, small, word | MAPPED);
    write_word(first, slot_of(own));
    if (!found || jeff_check(heap, NULL) != JEFF_OK) {
        return "a block that is too small to have pages of its own is not found";
    }
    return finds_page_state(heap) ? NULL : "damage to what is known of the pages is not found";
}
