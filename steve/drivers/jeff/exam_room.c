/// An exam of requests in a heap that is all but full: what can be had is served, for no more than it takes, a refusal is
/// remembered, and neither is the client asked nor are contents dropped without need.
#include "steve/drivers/jeff/exam_internal.h"

/// Blocks that are moved at most before the whole heap is looked at: by nudges of four (lib/jeff/README.md).
#define NUDGED_MOST 12u
/// A block of no more granules is cheap to move.
#define CHEAP_SIZE 256u
/// The size classes of free runs are no wider than one part in so many.
#define CLASS_PARTS 4u
/// Granules that a handle may take from the free memory, and rounding.
#define TABLE_SLACK 2u

struct state {
    struct exam_map map;
    struct jeff_stats stats;
    uint32_t purged; ///< blocks
};

static void look(const struct exam *e, struct state *state)
{
    steve_exam_map(e, &state->map);
    jeff_stats(e->heap, &state->stats);
    state->purged = (uint32_t)state->stats.live_blocks - state->map.live;
}

/// Whether a request needs neither a slot nor a move: what is free is in one run, and no freed block is kept whole.
static bool fits(const struct state *was, uint32_t granules)
{
    return was->map.largest >= granules && was->stats.spare_handles > 0;
}

static uint32_t size_of(const struct exam_piece *piece)
{
    return piece->end - piece->begin;
}

static bool has_pins(const struct exam_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->piece[i].kind == EXAM_PINNED)
            return true;
    return false;
}

/// The least hole that holds so much, in granules; UINT32_MAX if there is none.
static uint32_t least_hole(const struct exam_map *map, uint32_t granules)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < map->count; i++) {
        const uint32_t size = size_of(&map->piece[i]);
        if (map->piece[i].kind == EXAM_FREE && size >= granules && size < least && map->piece[i].end != map->limit)
            least = size;
    }
    return least;
}

/// Where a request without moves was served from: a hole of the least class in which any fits, or the top if there is none.
static const char *judge_place(const struct exam *e, const struct exam_map *map, jeff_handle handle, uint32_t granules)
{
    void *begin = NULL;
    jeff_extent(e->heap, handle, &begin);
    const uint32_t at = (uint32_t)(((uintptr_t)begin - e->arena) / GRANULE);
    const uint32_t least = least_hole(map, granules + granules / CLASS_PARTS + 1);
    for (size_t i = 0; i < map->count; i++) {
        const struct exam_piece *const run = &map->piece[i];
        if (run->kind != EXAM_FREE || at < run->begin || at >= run->end)
            continue;
        const bool larger = run->end == map->limit || size_of(run) > least + least / CLASS_PARTS + 1;
        return least != UINT32_MAX && larger ? "a block is made in a larger free run than it needs" : NULL;
    }
    return "a block is made where no free memory was";
}

/// The largest hole, if it is so much larger than all others that none is tried before it; `map->count` if there is none.
static size_t largest_hole(const struct exam_map *map)
{
    size_t largest = map->count;
    uint32_t others = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (map->piece[i].kind != EXAM_FREE || map->piece[i].end == map->limit)
            continue;
        const uint32_t had = largest < map->count ? size_of(&map->piece[largest]) : 0;
        const uint32_t size = size_of(&map->piece[i]);
        others = size > had ? (had > others ? had : others) : (size > others ? size : others);
        largest = size > had ? i : largest;
    }
    return largest < map->count && size_of(&map->piece[largest]) > others + others / 2 + 1 ? largest : map->count;
}

/// Whether one block moved makes the largest hole large enough: the one right above it slides into it, or fits into another one.
static bool one_move_is_enough(const struct exam *e, const struct exam_map *map, uint32_t granules)
{
    const size_t i = largest_hole(map);
    if (i + 1 >= map->count || map->piece[i + 1].kind != EXAM_MOVABLE || size_of(&map->piece[i + 1]) > CHEAP_SIZE)
        return false;
    const uint32_t hole = size_of(&map->piece[i]);
    const uint32_t block = size_of(&map->piece[i + 1]);
    const struct exam_block *const known = steve_exam_block(e, map->piece[i + 1].handle);
    if (known == NULL || known->alignment != 1)
        return false;
    const bool is_free_above = i + 2 < map->count && map->piece[i + 2].kind == EXAM_FREE;
    const bool is_hole_above = is_free_above && map->piece[i + 2].end != map->limit;
    const uint32_t above = is_free_above ? size_of(&map->piece[i + 2]) : 0;
    bool has_room = false;
    for (size_t other = 0; other < map->count; other++)
        has_room =
            has_room || (map->piece[other].kind == EXAM_FREE && map->piece[other].end != map->limit && other != i &&
                         other != i + 2 && size_of(&map->piece[other]) > block + block / CLASS_PARTS);
    return hole + above >= granules || (has_room && !is_hole_above && hole + block + above >= granules);
}

static const char *judge_served(const struct exam *e, const struct state *was, const struct state *is,
                                jeff_handle handle, uint32_t granules, bool plain)
{
    const uint64_t moved = is->stats.moved_blocks - was->stats.moved_blocks;
    const uint64_t visited = is->stats.visited_blocks - was->stats.visited_blocks;
    if (is->stats.refused != was->stats.refused)
        return "a request that is served counts as refused";
    if (e->asked != 0 && e->freed_when_asked == 0)
        return "the client was asked for memory for a request that is served without";
    if (moved > NUDGED_MOST && visited == 0)
        return "more blocks are moved for a request than it is worth";
    if (plain && fits(was, granules))
        return moved != 0 || visited != 0 ? "blocks are moved for a request that a free run holds"
                                          : judge_place(e, &was->map, handle, granules);
    if (plain && visited != 0 && was->stats.spare_handles > 0 && one_move_is_enough(e, &was->map, granules))
        return "all of the heap is looked at for a request that one block moved makes room for";
    return NULL;
}

/// Granules of blocks whose contents may be dropped.
static uint32_t droppable(const struct exam *e, const struct exam_map *map)
{
    uint32_t granules = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        const struct exam_block *const block = piece->kind == EXAM_MOVABLE ? steve_exam_block(e, piece->handle) : NULL;
        granules += block != NULL && block->purgeable ? size_of(piece) : 0;
    }
    return granules;
}

static const char *judge_refused(const struct exam *e, const struct state *was, const struct state *is,
                                 uint32_t granules)
{
    const uint64_t visited = is->stats.visited_blocks - was->stats.visited_blocks;
    const struct exam_reach reach = steve_exam_reach(e, &was->map);
    if (is->stats.refused != was->stats.refused + 1)
        return "a refusal is not counted";
    if (e->asks && e->asked != 1)
        return "the client is not asked once for memory for a request that is refused";
    if (fits(was, granules))
        return "a request is refused that a free run holds";
    if (!e->aligned && was->stats.spare_handles > 0 && reach.freest > granules)
        return "a request is refused although one stretch between locked blocks has so much free";
    if (was->stats.spare_handles > 0 && steve_exam_most(e, &was->map) > granules)
        return "a request is refused although a run for it can be had";
    const uint64_t table = was->stats.spare_handles * 12 / GRANULE + TABLE_SLACK;
    const uint32_t dropped = droppable(e, &was->map);
    if (was->map.free + table + dropped < granules && is->purged != was->purged)
        return "contents are dropped although that is not enough";
    if (was->stats.spare_handles > 1 && !e->aligned && !has_pins(&was->map) && was->map.free + dropped > granules)
        return "a request is refused although contents that may be dropped make room for it";
    if (e->purgeable == 0 && was->map.free + table < granules && visited != 0)
        return "the heap is looked at for a request that is larger than all free memory";
    return NULL;
}

/// What was dropped, if nothing is locked: no more than it takes.
static const char *judge_purged(const struct exam *e, const struct state *was, uint32_t granules)
{
    uint32_t dropped = 0;
    uint32_t largest = 0;
    for (size_t i = 0; i < was->map.count; i++) {
        const struct exam_piece *const piece = &was->map.piece[i];
        void *begin = NULL;
        if (piece->kind == EXAM_FREE || jeff_extent(e->heap, piece->handle, &begin) != 0)
            continue;
        dropped += size_of(piece);
        largest = size_of(piece) > largest ? size_of(piece) : largest;
    }
    const bool sure = !has_pins(&was->map) && was->stats.spare_handles > 1 && !e->aligned && e->freed_when_asked == 0;
    return sure && dropped > 0 && dropped - largest >= granules ? "contents are dropped that need not be" : NULL;
}

/// What was refused a moment ago is refused at once, and a compaction of all makes no difference.
static const char *ask_again(struct exam *e, size_t bytes, const struct state *refused)
{
    struct state is;
    e->asked = 0;
    const jeff_handle second = jeff_malloc(e->heap, bytes);
    look(e, &is);
    if (second != JEFF_NULL && e->freed_when_asked == 0)
        return "a request is served right after it was refused";
    jeff_free(e->heap, second);
    if (e->freed_when_asked != 0)
        return NULL;
    if (is.stats.visited_blocks != refused->stats.visited_blocks ||
        is.stats.moved_blocks != refused->stats.moved_blocks || is.purged != refused->purged)
        return "a request that was refused a moment ago is not refused at once";
    if (e->asks || e->aligned || e->purgeable != 0 || steve_exam_draw(e, 4) != 0)
        return NULL;
    jeff_compact(e->heap, 0);
    const jeff_handle third = jeff_malloc(e->heap, bytes);
    jeff_free(e->heap, third);
    return third == JEFF_NULL ? NULL : "a request is refused that a compaction makes room for";
}

static const char *ask(struct exam *e, uint32_t granules, bool plain)
{
    struct state was;
    struct state is;
    look(e, &was);
    if (was.map.overfull)
        return NULL;
    e->asked = e->freed_when_asked = 0;
    const size_t bytes = steve_exam_capacity(granules);
    const jeff_handle handle = jeff_malloc(e->heap, bytes);
    look(e, &is);
    const char *wrong = judge_purged(e, &was, granules);
    if (wrong != NULL)
        return wrong;
    if (handle != JEFF_NULL) {
        wrong = judge_served(e, &was, &is, handle, granules, plain);
        void *begin = NULL;
        const uint32_t size = (uint32_t)(jeff_extent(e->heap, handle, &begin) / GRANULE);
        if (size != granules)
            e->sizes = 0; // it got a freed block as it was, which was a little larger
        if (e->count < EXAM_BLOCKS)
            e->block[e->count++] = (struct exam_block){.handle = handle, .granules = size, .alignment = 1};
        return wrong;
    }
    if (e->freed_when_asked == 0)
        wrong = judge_refused(e, &was, &is, granules);
    else if (!e->aligned && is.stats.spare_handles > 1 && steve_exam_reach(e, &is.map).freest > granules)
        wrong = "a request is refused although the client has made room for it when it was asked";
    if (wrong != NULL || e->freed_when_asked != 0)
        return wrong;
    return ask_again(e, bytes, &is);
}

/// Whether a freed block of so many granules is kept whole. Larger ones are merged at once.
static bool is_kept_whole(const struct jeff_stats *stats, uint32_t granules)
{
    return granules <= 126 && granules < (uint32_t)((stats->heap_bytes - 64) / GRANULE / 8);
}

/// A freed block is kept whole, and the next request of its size takes it.
static const char *take_back(struct exam *e, struct exam_block *block)
{
    void *before = NULL;
    void *after = NULL;
    struct jeff_stats stats;
    jeff_stats(e->heap, &stats);
    if (block->alignment != 1 || !is_kept_whole(&stats, block->granules) || block->purgeable)
        return NULL;
    jeff_extent(e->heap, block->handle, &before);
    if (!jeff_free(e->heap, block->handle))
        return NULL;
    block->handle = jeff_malloc(e->heap, steve_exam_capacity(block->granules));
    jeff_extent(e->heap, block->handle, &after);
    return before == after ? NULL : "a request does not get the block of its size that was freed last";
}

/// While one block is freed and kept whole: a smaller request takes a free run that holds it, and only if there is none, a part of that block.
/// Sizes that the block would serve as it is are not asked for.
static const char *take_a_part(struct exam *e)
{
    struct state was;
    look(e, &was);
    struct exam_block *const block = &e->block[steve_exam_draw(e, e->count)];
    void *begin = NULL;
    const size_t extent = jeff_extent(e->heap, block->handle, &begin);
    const uint32_t size = (uint32_t)(extent / GRANULE);
    if (block->alignment != 1 || size < 3 || !is_kept_whole(&was.stats, size) || !jeff_free(e->heap, block->handle))
        return NULL;
    *block = e->block[--e->count];
    const uint32_t granules = 1 + steve_exam_draw(e, size - 2);
    const jeff_handle handle = jeff_malloc(e->heap, steve_exam_capacity(granules));
    void *at = NULL;
    jeff_extent(e->heap, handle, &at);
    const char *wrong = NULL;
    if (handle == JEFF_NULL)
        return "a request is refused that a freed block holds";
    if (fits(&was, granules))
        wrong = judge_place(e, &was.map, handle, granules);
    else if (was.map.largest < granules && was.stats.spare_handles > 0 && at != begin)
        wrong = "a request takes something else than a part of the block that is free";
    if (e->count < EXAM_BLOCKS)
        e->block[e->count++] = (struct exam_block){.handle = handle, .granules = granules, .alignment = 1};
    return wrong;
}

static void mark_purgeable(struct exam *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        e->block[i].purgeable = steve_exam_draw(e, 4) == 0 && jeff_set_purgeable(e->heap, e->block[i].handle, true);
        e->purgeable += e->block[i].purgeable;
    }
}

/// Merges what is kept whole, and moves nothing: as much as is wanted here cannot be had. Once that is done, all free memory together is
/// known to be less, and no plan is made: one walk tells the largest run.
static const char *merge(struct exam *e)
{
    const struct jeff_goal beyond = {.wanted_bytes = 16 * (size_t)EXAM_HEAP};
    struct jeff_stats was;
    struct jeff_stats is;
    jeff_compact_goal(e->heap, &beyond, NULL);
    struct exam_map map;
    steve_exam_map(e, &map);
    jeff_stats(e->heap, &was);
    jeff_compact_goal(e->heap, &beyond, NULL);
    jeff_stats(e->heap, &is);
    return is.visited_blocks - was.visited_blocks <= map.headers && is.moved_blocks == was.moved_blocks
               ? NULL
               : "plans are made for a run that is larger than all free memory";
}

/// Asks that a block be as large as what is asked for next. What is refused to it need not be refused then: its own contents
/// are not dropped for it. @return whether it is
static bool widen(struct exam *e, uint32_t granules)
{
    struct exam_block *const block = &e->block[steve_exam_draw(e, e->count)];
    if (block->granules >= granules || !jeff_resize(e->heap, block->handle, steve_exam_capacity(granules)))
        return false;
    void *begin = NULL;
    block->granules = (uint32_t)(jeff_extent(e->heap, block->handle, &begin) / GRANULE);
    // One that was purged is no longer purgeable then.
    block->purgeable = block->purgeable && jeff_set_purgeable(e->heap, block->handle, true);
    e->sizes = 0;
    return true;
}

const char *steve_exam_room(struct exam *e)
{
    const struct exam_wish wish = {
        .bytes = 640 + steve_exam_draw(e, 3 * 1024),
        .sizes = steve_exam_draw(e, 2) == 0 ? 0 : 1 + steve_exam_draw(e, EXAM_SIZES),
        .most = 1 + steve_exam_draw(e, 24),
        .aligned = steve_exam_draw(e, 4) == 0 ? steve_exam_draw(e, 4) : 0,
        .freed = 1 + steve_exam_draw(e, 6),
        .pins = steve_exam_draw(e, 2) * steve_exam_draw(e, 8),
        .spare = steve_exam_draw(e, 2),
        .tells = steve_exam_draw(e, 4) == 0,
        .asks = steve_exam_draw(e, 4) == 0,
    };
    if (!steve_exam_make(e, &wish))
        return "a small heap cannot be made";
    if (steve_exam_draw(e, 4) == 0)
        mark_purgeable(e);
    const bool merges = steve_exam_draw(e, 3) != 0;
    bool plain = false;
    bool widened = false; // such a block is not kept whole when it is freed
    const char *wrong = NULL;
    for (uint32_t i = 0; i < 8 && wrong == NULL; i++) {
        if (merges && !plain)
            wrong = merge(e);
        plain = merges && e->purgeable == 0;
        if (wrong != NULL)
            return wrong;
        const uint32_t granules =
            e->sizes == 0 ? 1 + steve_exam_draw(e, wish.most + 4) : e->size[steve_exam_draw(e, e->sizes)];
        if (e->count > 0 && steve_exam_draw(e, e->purgeable != 0 ? 3 : 8) == 0) {
            widened = widen(e, granules) || widened;
            plain = false;
        }
        wrong = ask(e, granules, plain);
        plain = plain && e->freed_when_asked == 0;
        if (wrong != NULL || e->count == 0 || steve_exam_draw(e, 2) == 0)
            continue;
        if (plain && !widened && steve_exam_draw(e, 2) == 0) {
            wrong = merge(e);
            wrong = wrong == NULL && e->count > 0 ? take_a_part(e) : wrong;
            plain = false;
            continue;
        }
        struct exam_block *const block = &e->block[steve_exam_draw(e, e->count)];
        plain = false;
        if (!widened && steve_exam_draw(e, 2) == 0)
            wrong = take_back(e, block);
        else if (jeff_free(e->heap, block->handle))
            *block = e->block[--e->count];
    }
    return wrong;
}

/// Makes a block where there is room for it, whatever has to move.
static void make_one(struct exam *e, uint32_t granules)
{
    const struct exam_block block = {
        .handle = e->count < EXAM_BLOCKS ? jeff_malloc(e->heap, steve_exam_capacity(granules)) : JEFF_NULL,
        .granules = granules,
        .alignment = 1,
    };
    if (block.handle != JEFF_NULL)
        e->block[e->count++] = block;
}

/// A full heap, and blocks freed and made in it between the calls of a compaction: whatever is joined, cut or slid then, the next call does not
/// begin in the middle of it.
const char *steve_exam_between(struct exam *e)
{
    const struct exam_wish wish = {
        .bytes = 640 + steve_exam_draw(e, 3 * 1024),
        .most = 2 + steve_exam_draw(e, 48),
        .freed = steve_exam_draw(e, 4),
    };
    if (!steve_exam_make(e, &wish))
        return "a small heap cannot be made";
    for (uint32_t rounds = 0; rounds < 6; rounds++) {
        const struct jeff_goal goal = {.budget_ns = 1 + 16 * (uint64_t)steve_exam_draw(e, 1 + e->count)};
        jeff_compact_goal(e->heap, &goal, NULL);
        const uint32_t freed = steve_exam_draw(e, 12);
        for (uint32_t i = e->count; i-- > 0;)
            if (steve_exam_draw(e, 16) < freed && jeff_free(e->heap, e->block[i].handle))
                e->block[i] = e->block[--e->count];
        for (uint32_t i = 0; i < 8; i++) {
            make_one(e, 1 + steve_exam_draw(e, 2 * wish.most));
            if (jeff_check(e->heap, NULL) != JEFF_OK)
                return "a heap is damaged in which blocks were made between the calls of a compaction";
        }
        for (uint32_t i = 0; i < EXAM_BLOCKS / 8; i++)
            make_one(e, 1 + steve_exam_draw(e, wish.most / 2));
    }
    return NULL;
}
