/// Damage, one word at a time or two, to a heap that is sound otherwise: jeff_check() must come to an end and stay inside the heap, and what
/// it says must be in there. The unit tests know for each single bit what must be found; here the heaps are those that Steve's ops
/// make, and words change to values that are likely in such a place.
#include "steve/drivers/jeff/probe_internal.h"

#include "jeff_inline.h"
#include "steve/drivers/jeff/draw_internal.h"
#include "steve/drivers/jeff/words_internal.h"

/// Words that one call damages.
#define WORDS 2u
/// A larger heap is checked too slowly for that.
#define BLOCKS_MOST 400u

/// Looks for one stretch of the heap.
struct search {
    unsigned left;  ///< stretches to pass over
    bool own_pages; ///< one of those with pages of their own is wanted
    const char *heap;
    size_t bytes;
    struct jeff_block block;
    bool found;
};

static bool visit(void *context, const struct jeff_block *block)
{
    struct search *search = context;
    const size_t offset = (size_t)((uintptr_t)block->address - (uintptr_t)search->heap);
    const bool outside = offset >= search->bytes;
    if (outside != search->own_pages || block->kind == JEFF_BLOCK_TOP) {
        return true;
    }
    search->block = *block;
    search->found = true;
    return search->left-- > 0;
}

/// A word of a block's header, or, of free memory, of what links it; of a block with pages of its own, of what says where they are.
static char *word_of_block(jeff_heap *heap, size_t bytes, uint32_t draw)
{
    struct search search = {.left = draw % 32, .own_pages = draw / 32 % 2 != 0, .heap = (char *)heap, .bytes = bytes};
    jeff_walk(heap, visit, &search);
    if (!search.found) {
        return NULL;
    }
    const uint32_t where = draw / 64;
    if (search.own_pages) {
        return (char *)heap + (size_t)jeff_inline_entry(heap, search.block.handle)[0] * 16 + where % 11 * WORD;
    }
    char *const first = search.block.address;
    if (search.block.kind == JEFF_BLOCK_LIVE) {
        void *begin = first;
        jeff_extent(heap, search.block.handle, &begin);
        return (char *)begin + where % (1 + ((size_t)(first - (char *)begin) - 1) / WORD) * WORD;
    }
    // Header, links, size; or the last word.
    return where % 8 < 5 ? first + (where % 8) * WORD - WORD : first + search.block.bytes / WORD * WORD - WORD;
}

static char *choose(jeff_heap *heap, size_t bytes, const struct jeff_stats *stats, uint32_t draw)
{
    const size_t control = stats->control_bytes / WORD * WORD;
    const size_t table = stats->table_bytes;
    switch (draw % 4) {
    case 0:
        return (char *)heap + draw / 4 * WORD % control;
    case 1:
        return (char *)heap + bytes - table + draw / 4 * WORD % table;
    default:
        return word_of_block(heap, bytes, draw / 4);
    }
}

static uint32_t damaged_value(const jeff_heap *heap, size_t bytes, const struct jeff_stats *stats, uint32_t was,
                              uint32_t draw)
{
    const uint32_t which = draw % 12;
    if (which < LIKELY_VALUES) {
        return likely_value(was, which);
    }
    const char *const table = (const char *)heap + bytes - stats->table_bytes;
    switch (which) {
    case 4:
        // What another entry says: a place, a generation, a class and a link, or locks.
        return read_word(table + draw / 8 * WORD % stats->table_bytes);
    case 5:
        // And what the control block says: a hole, the top, a slot, a count.
        return read_word((const char *)heap + draw / 8 * WORD % (stats->control_bytes / WORD * WORD));
    case 6:
        return (uint32_t)1 << draw / 8 % 32;
    case 7:
        return draw / 8 % 2 == 0 ? was + 1024 : was - 1024; // a page, somewhere
    default:
        return flip_bit(was, draw / 8);
    }
}

const char *steve_jeff_probe_damage(jeff_heap *heap, size_t bytes, unsigned turn)
{
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    if (stats.live_blocks > BLOCKS_MOST || stats.spare_handles > BLOCKS_MOST) {
        return NULL;
    }
    // Another choice in each heap, and always the same one in the same heap.
    const uint64_t heap_is = stats.live_bytes + stats.moved_bytes + 31 * (stats.visited_blocks + stats.refused);
    for (uint64_t i = 0; i < WORDS; i++) {
        const uint64_t number = 4 * ((turn + 1021 * heap_is) * (uint64_t)WORDS + i);
        char *const word = choose(heap, bytes, &stats, steve_jeff_draw(number));
        char *const other = i % 3 == 2 ? choose(heap, bytes, &stats, steve_jeff_draw(number + 2)) : NULL;
        if (word == NULL) {
            continue;
        }
        const uint32_t was = read_word(word);
        const uint32_t other_was = other != NULL ? read_word(other) : 0;
        write_word(word, damaged_value(heap, bytes, &stats, was, steve_jeff_draw(number + 1)));
        if (other != NULL) {
            write_word(other, damaged_value(heap, bytes, &stats, other_was, steve_jeff_draw(number + 3)));
        }
        struct jeff_damage damage = {0};
        const enum jeff_status status = jeff_check(heap, i % 2 == 0 ? &damage : NULL);
        if (other != NULL) {
            write_word(other, other_was);
        }
        write_word(word, was);
        const size_t offset = (size_t)((uintptr_t)damage.address - (uintptr_t)heap);
        if (status == JEFF_ERROR_CORRUPT && i % 2 == 0 && (damage.what == NULL || offset >= bytes)) {
            return "damage was found outside of the heap, or has no name";
        }
        if (jeff_check(heap, NULL) != JEFF_OK) {
            return "a heap that was damaged and put right is no longer sound";
        }
    }
    return NULL;
}
