/// An exam of jeff_settle(): the block comes to the lowest place there is for it, against the start of the heap or a locked block,
/// and no more than what lies there moves out of its way.
#include "steve/drivers/jeff/exam_internal.h"

/// Blocks that are settled in one heap, at most.
#define CALLS 4u

/// What the lowest place of one stretch would take.
struct place {
    uint32_t at;        ///< the block would begin there
    uint32_t blocks;    ///< others that lie in the way
    size_t first, last; ///< pieces that it covers, in part or in whole
    bool fits;
};

static struct place find_place(const struct exam *e, const struct exam_map *map, size_t first,
                               const struct exam_block *block)
{
    const uint32_t begin = first < map->count ? map->piece[first].begin : map->limit;
    struct place place = {.at = steve_exam_aligned(e, block, begin), .first = first, .last = first};
    const uint32_t end = place.at + block->granules;
    for (size_t i = first; i < map->count && map->piece[i].kind != EXAM_PINNED && !place.fits; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        place.blocks += piece->kind == EXAM_MOVABLE && piece->handle != block->handle;
        place.last = i;
        place.fits = piece->end >= end;
    }
    return place;
}

/// Whether what lies in the way finds room in the free runs elsewhere as they are. Blocks are of a few sizes, each of which divides the next.
static bool can_give_way(const struct exam *e, const struct exam_map *map, const struct place *place,
                         jeff_handle settled, uint32_t end)
{
    struct exam_number places = {{0}};
    struct exam_number blocks = {{0}};
    uint32_t granules = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        const bool within = i >= place->first && i <= place->last;
        uint32_t free = piece->kind == EXAM_FREE ? piece->end - piece->begin : 0;
        if (within)
            free = free > 0 && piece->end > end ? piece->end - end : 0;
        steve_exam_add_places(e, &places, free);
        if (within && piece->kind == EXAM_MOVABLE && piece->handle != settled)
            steve_exam_add_block(e, &blocks, piece->end - piece->begin);
    }
    for (uint32_t size = 0; size < e->sizes; size++)
        granules += blocks.of[size] * e->size[size];
    return steve_exam_place(e, &blocks, &places) == granules;
}

/// What is known beforehand.
struct expected {
    bool lies_well;  ///< it need not move
    bool stays;      ///< and will not, nor will any other
    bool lowest;     ///< no stretch below would hold it
    bool is_certain; ///< it comes to `at`, or lower where room that it gives up itself allows that
    uint32_t at;
    uint32_t blocks; ///< that move then
};

static struct expected expect(const struct exam *e, const struct exam_map *map, const struct exam_block *block,
                              uint32_t begin)
{
    struct expected expected = {.at = begin};
    uint32_t stretches = 0;
    for (size_t i = 0; i < map->count && map->piece[i].begin <= begin; i++) {
        const struct place place = find_place(e, map, i, block);
        if (place.fits) {
            stretches++;
            if (place.at == begin) {
                // Where blocks may have any size, a lower place may be had that is not known of here.
                expected.lies_well = true;
                expected.lowest = stretches == 1;
                expected.stays = stretches == 1 || e->sizes != 0;
                return expected;
            }
            if (stretches <= EXAM_STRETCHES && e->sizes != 0 &&
                can_give_way(e, map, &place, block->handle, place.at + block->granules)) {
                expected.is_certain = true;
                expected.at = place.at;
                expected.blocks = place.blocks + 1;
                return expected;
            }
        }
        while (i < map->count && map->piece[i].kind != EXAM_PINNED)
            i++;
    }
    return expected;
}

/// Whether a block begins at a granule and lies against the start of the arena, or what is locked, apart from its alignment.
static bool lies_against(const struct exam *e, const struct exam_map *map, const struct exam_block *block, uint32_t at)
{
    uint32_t below = 0;
    for (size_t i = 0; i < map->count && map->piece[i].begin < at; i++)
        if (map->piece[i].kind == EXAM_PINNED)
            below = map->piece[i].end;
    return steve_exam_aligned(e, block, below) == at;
}

static const char *judge(const struct exam *e, const struct expected *expected, const struct exam_map *after,
                         const struct exam_block *block, bool done, uint32_t begin, uint32_t at, uint64_t moved)
{
    if (!done)
        return expected->lies_well || expected->is_certain ? "a block is not settled although there is a place for it"
               : moved != 0 && at != begin                 ? "a block is not settled, and moves"
                                                           : NULL;
    if (!lies_against(e, after, block, at))
        return "a settled block lies against neither the start of the heap nor a locked block";
    if (expected->stays)
        return moved == 0 ? NULL : "something moves to settle a block that lies well";
    if (at > begin)
        return "a block is settled above where it was";
    if (expected->is_certain && at > expected->at)
        return "a block is settled higher than it could be";
    return expected->is_certain && at == expected->at && moved > expected->blocks
               ? "more is moved to settle a block than what lies there"
               : NULL;
}

/// Blocks and holes up to the end of what begins at a granule.
static uint32_t count_below(const struct exam_map *map, uint32_t begin)
{
    uint32_t count = 0;
    for (size_t i = 0; i < map->count && map->piece[i].begin <= begin; i++)
        count++;
    return count;
}

static uint32_t begin_of(const struct exam *e, const struct exam_block *block)
{
    void *begin = NULL;
    jeff_extent(e->heap, block->handle, &begin);
    return (uint32_t)(((uintptr_t)begin - e->arena) / GRANULE);
}

/// @param merged freed blocks were merged
static const char *settle(const struct exam *e, const struct exam_block *block, bool merged)
{
    struct exam_map before;
    struct exam_map after;
    struct jeff_stats was;
    struct jeff_stats is;
    steve_exam_map(e, &before);
    jeff_stats(e->heap, &was);
    if (before.overfull)
        return NULL;
    const uint32_t begin = begin_of(e, block);
    const struct expected expected = expect(e, &before, block, begin);
    const bool done = jeff_settle(e->heap, block->handle);
    const uint32_t at = begin_of(e, block);
    jeff_stats(e->heap, &is);
    steve_exam_map(e, &after);
    const char *wrong = judge(e, &expected, &after, block, done, begin, at, is.moved_blocks - was.moved_blocks);
    if (wrong == NULL)
        wrong = steve_exam_kept(e, &before, &after);
    // A block that lies well in the lowest stretch is found to do so on the way to it, where no freed blocks are kept.
    if (wrong == NULL && merged && expected.stays && expected.lowest &&
        is.visited_blocks - was.visited_blocks > 2 * (uint64_t)count_below(&before, begin))
        wrong = "to settle a block that lies well more is looked at than what lies below it";
    // The place that it left may be what a lower one lacked.
    if (wrong == NULL && done && expect(e, &after, block, at).is_certain)
        wrong = "a block is settled although it could lie lower";
    return wrong;
}

const char *steve_exam_settle(struct exam *e)
{
    const struct exam_wish wish = {
        .bytes = 768 + steve_exam_draw(e, 4 * 1024),
        .sizes = steve_exam_draw(e, 4) == 0 ? 0 : 1 + steve_exam_draw(e, EXAM_SIZES),
        .most = 1 + steve_exam_draw(e, 24),
        .aligned = steve_exam_draw(e, 3) == 0 ? steve_exam_draw(e, 4) : 0,
        .freed = 1 + steve_exam_draw(e, 8),
        .pins = steve_exam_draw(e, steve_exam_draw(e, 3) == 0 ? 30 : 6),
        .spare = steve_exam_draw(e, 3),
        .tells = steve_exam_draw(e, 4) == 0,
    };
    if (!steve_exam_make(e, &wish))
        return "a small heap cannot be made";
    const char *wrong = NULL;
    bool merged = false;
    for (uint32_t calls = 0; calls < CALLS && wrong == NULL && e->count > 0; calls++) {
        const struct exam_block *const block = &e->block[steve_exam_draw(e, e->count)];
        if (jeff_lock_count(e->heap, block->handle) != 0)
            continue;
        wrong = settle(e, block, merged);
        merged = true;
        jeff_lock(e->heap, block->handle); // as whoever settles a block does
    }
    return wrong;
}
