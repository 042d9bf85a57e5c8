/// Exams: see exam_internal.h. Here their heap is made, looked at, and the exams are given their turns.
#include "steve/drivers/jeff/exam_internal.h"

#include "steve/drivers/jeff/passed_internal.h"

#define SMALL_MOST    126u ///< granules of a block without a record of its own
#define VISIT         16u
#define ALIGNMENT_LOG 3u ///< alignments up to so many powers of two of granules
#define LARGE_LOG     6u ///< and of some more: what they leave is the largest free run, at times

static _Alignas(4096) char memory[EXAM_HUGE + 64];

uint32_t steve_exam_draw(struct exam *e, uint32_t below)
{
    // SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)
    uint64_t mixed = e->draws += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((mixed >> 32) * below >> 32);
}

static uint64_t now(void *context)
{
    const struct exam *e = context;
    if (e->heap == NULL)
        return 0; // asked while it is being made
    struct jeff_stats stats;
    jeff_stats(e->heap, &stats);
    return (stats.moved_bytes + VISIT * stats.visited_blocks) * e->unit_ns;
}

static void moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct exam *e = context;
    void *begin = NULL;
    e->told_blocks++;
    e->told_bytes += jeff_extent(e->heap, handle, &begin);
    if (from == to || jeff_weak_lock(e->heap, handle) != to || jeff_usable_size(e->heap, handle) != bytes)
        e->wrong = "the callback `moved` is told another place or size than the block has";
}

static bool asked(void *context, size_t bytes)
{
    struct exam *e = context;
    (void)bytes;
    e->asked++;
    if (e->count == 0 || e->asked > 1 || steve_exam_draw(e, 2) == 0)
        return false;
    struct exam_block *const block = &e->block[steve_exam_draw(e, e->count)];
    if (!jeff_free(e->heap, block->handle))
        return false;
    *block = e->block[--e->count];
    e->freed_when_asked++;
    return true;
}

static bool make_heap(struct exam *e, const struct exam_wish *wish)
{
    const bool narrow = steve_exam_draw(e, 4) == 0;
    struct jeff_config config = {
        .alignment = narrow ? 8 : 16,
        .handle_salt = 1 + steve_exam_draw(e, 1000),
        .now_ns = now,
        .no_last_resort = wish->stays,
        .moved = wish->tells ? moved : NULL,
        .low_memory = wish->asks ? asked : NULL,
        .context = e,
    };
    char *const region = memory + (narrow ? 8 * steve_exam_draw(e, 4) : 16 * steve_exam_draw(e, 2));
    e->heap = NULL;
    e->heap = jeff_init(region, wish->bytes, &config, NULL);
    if (e->heap == NULL)
        return false;
    struct jeff_stats stats;
    jeff_stats(e->heap, &stats);
    e->arena = (uintptr_t)region + stats.control_bytes;
    e->tells = wish->tells;
    e->asks = wish->asks;
    e->stays = wish->stays;
    return true;
}

static jeff_handle make_block(struct exam *e, const struct exam_wish *wish)
{
    struct exam_block block = {.alignment = 1, .granules = 1 + steve_exam_draw(e, wish->most)};
    if (e->sizes != 0)
        block.granules = e->size[wish->crumbs && e->count % 2 == 0 ? 0 : steve_exam_draw(e, e->sizes)];
    block.wide = block.granules > SMALL_MOST;
    size_t bytes = (size_t)(block.granules - block.wide) * GRANULE - HEADER;
    if (steve_exam_draw(e, 16) < wish->aligned) {
        block.alignment = 2u << steve_exam_draw(e, steve_exam_draw(e, 2) == 0 ? ALIGNMENT_LOG : LARGE_LOG);
        block.granules += !block.wide;
        block.wide = true;
        e->aligned = true;
        block.handle = jeff_aligned_alloc(e->heap, (size_t)block.alignment * GRANULE, bytes);
    } else {
        block.handle = jeff_malloc(e->heap, bytes);
    }
    if (block.handle != JEFF_NULL)
        e->block[e->count++] = block;
    return block.handle;
}

/// Sizes of which each divides the next, up to the largest that is wished for.
static void draw_sizes(struct exam *e, const struct exam_wish *wish)
{
    const uint32_t factors_most = 5;
    e->sizes = 0;
    for (uint32_t size = 1 + steve_exam_draw(e, 7); e->sizes < wish->sizes && size <= wish->most;
         size *= 2 + steve_exam_draw(e, factors_most - 1))
        e->size[e->sizes++] = size;
}

bool steve_exam_make(struct exam *e, const struct exam_wish *wish)
{
    e->count = 0;
    e->aligned = false;
    e->purgeable = 0;
    draw_sizes(e, wish);
    e->unit_ns = 1;
    if (!make_heap(e, wish))
        return false;
    struct jeff_stats stats;
    do {
        jeff_stats(e->heap, &stats);
    } while (stats.free_bytes > wish->bytes / 16 * wish->spare && e->count < EXAM_BLOCKS &&
             make_block(e, wish) != JEFF_NULL);
    for (uint32_t i = 0; i < wish->pins && e->count > 0; i++)
        jeff_lock(e->heap, e->block[steve_exam_draw(e, e->count)].handle);
    // Crumbs between larger blocks: room that only comes of it when all slide.
    const bool crumbs = e->sizes > 1 && (wish->crumbs || steve_exam_draw(e, 2) == 0);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        const uint32_t few = e->block[i].granules != e->size[0] ? 0 : wish->crumbs ? 15 : wish->freed + 4;
        const bool chosen = steve_exam_draw(e, 16) < (crumbs ? few : wish->freed);
        const bool freed = chosen && jeff_lock_count(e->heap, e->block[i].handle) == 0;
        if (!freed || !jeff_free(e->heap, e->block[i].handle))
            e->block[kept++] = e->block[i];
    }
    e->count = kept;
    e->sizes = e->aligned ? 0 : e->sizes; // a record is one granule more
    e->told_blocks = e->told_bytes = 0;
    return true;
}

bool steve_exam_stir(struct exam *e)
{
    bool came_free = false;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        const jeff_handle handle = e->block[i].handle;
        const uint32_t draw = steve_exam_draw(e, 32);
        if (draw == 0)
            jeff_lock(e->heap, handle);
        else if (draw < 8 && jeff_unlock(e->heap, handle))
            came_free = true;
        if (draw < 28 || !jeff_free(e->heap, handle))
            e->block[kept++] = e->block[i];
        else
            came_free = true;
    }
    e->count = kept;
    return came_free;
}

void steve_exam_drop(struct exam *e)
{
    jeff_destroy(e->heap);
    e->heap = NULL;
}

/* The map */

struct mapping {
    const struct exam *e;
    struct exam_map *map;
};

void steve_exam_add(struct exam_map *map, const struct exam_piece *piece)
{
    struct exam_piece *const last = map->count > 0 ? &map->piece[map->count - 1] : NULL;
    if (piece->kind == EXAM_FREE && last != NULL && last->kind == EXAM_FREE) {
        last->end = piece->end;
    } else if (map->count < EXAM_PIECES) {
        map->piece[map->count++] = *piece;
    } else {
        map->overfull = true;
    }
}

static bool visit(void *context, const struct jeff_block *block)
{
    const struct mapping *m = context;
    void *first = (char *)block->address - HEADER;
    size_t extent = 0;
    if (block->kind == JEFF_BLOCK_LIVE)
        extent = jeff_extent(m->e->heap, block->handle, &first);
    struct exam_piece piece = {
        .begin = (uint32_t)(((uintptr_t)first - m->e->arena) / GRANULE),
        .kind = block->kind != JEFF_BLOCK_LIVE ? EXAM_FREE
                : block->locks != 0            ? EXAM_PINNED
                                               : EXAM_MOVABLE,
        .handle = block->handle,
    };
    // Free memory ends where the next stretch begins.
    if (m->map->count > 0 && m->map->piece[m->map->count - 1].kind == EXAM_FREE)
        m->map->piece[m->map->count - 1].end = piece.begin;
    piece.end = piece.kind == EXAM_FREE ? m->map->limit : piece.begin + (uint32_t)(extent / GRANULE);
    m->map->live += piece.kind != EXAM_FREE;
    m->map->headers += block->kind != JEFF_BLOCK_TOP;
    steve_exam_add(m->map, &piece);
    return true;
}

void steve_exam_count_free(struct exam_map *map)
{
    map->free = map->largest = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        const uint32_t size = piece->kind == EXAM_FREE ? piece->end - piece->begin : 0;
        map->free += size;
        map->largest = size > map->largest ? size : map->largest;
    }
}

void steve_exam_map(const struct exam *e, struct exam_map *map)
{
    struct jeff_stats stats;
    jeff_stats(e->heap, &stats);
    map->limit = (uint32_t)((stats.heap_bytes - stats.control_bytes - stats.table_bytes) / GRANULE);
    map->count = 0;
    map->headers = map->live = 0;
    map->overfull = false;
    struct mapping m = {e, map};
    jeff_walk(e->heap, visit, &m);
    steve_exam_count_free(map);
}

void steve_exam_extend(struct exam_map *map, uint32_t limit)
{
    const struct exam_piece top = {.begin = map->limit, .end = limit, .kind = EXAM_FREE};
    if (limit > map->limit)
        steve_exam_add(map, &top);
    map->limit = limit;
    steve_exam_count_free(map);
}

const struct exam_block *steve_exam_block(const struct exam *e, jeff_handle handle)
{
    for (uint32_t i = 0; i < e->count; i++)
        if (e->block[i].handle == handle)
            return &e->block[i];
    return NULL;
}

uint32_t steve_exam_aligned(const struct exam *e, const struct exam_block *block, uint32_t from)
{
    const uintptr_t mask = (uintptr_t)block->alignment * GRANULE - 1;
    const uintptr_t payload = e->arena + HEADER + (uintptr_t)(from + block->wide) * GRANULE;
    return block->alignment == 1 ? from : from + (uint32_t)((((payload + mask) & ~mask) - payload) / GRANULE);
}

size_t steve_exam_capacity(uint32_t granules)
{
    return granules == 0 ? 0 : (size_t)(granules - (granules > SMALL_MOST)) * GRANULE - HEADER;
}

const char *steve_exam_kept(const struct exam *e, const struct exam_map *before, const struct exam_map *after)
{
    if (before->live != after->live)
        return "a compaction leaves another number of blocks";
    for (size_t i = 0; i < before->count; i++) {
        const struct exam_piece *const piece = &before->piece[i];
        void *begin = NULL;
        if (piece->kind == EXAM_FREE)
            continue;
        if (jeff_extent(e->heap, piece->handle, &begin) != (size_t)(piece->end - piece->begin) * GRANULE)
            return "a compaction changes the size of a block";
        if (piece->kind == EXAM_PINNED && (uintptr_t)begin != e->arena + (uintptr_t)piece->begin * GRANULE)
            return "a compaction moves a locked block";
    }
    return NULL;
}

/* Turns */

const char *steve_jeff_exam(uint32_t number)
{
    // The more there is to be seen by one, and the sooner it is done, the more often it has its turn.
    static const char *(*const exams[])(struct exam *) = {
        steve_exam_goal,    steve_exam_goal,   steve_exam_goal,   steve_exam_goal,   steve_exam_slide,
        steve_exam_slide,   steve_exam_settle, steve_exam_settle, steve_exam_settle, steve_exam_room,
        steve_exam_room,    steve_exam_room,   steve_exam_room,   steve_exam_budget, steve_exam_budget,
        steve_exam_budget,  steve_exam_budget, steve_exam_meddle, steve_exam_meddle, steve_exam_pace,
        steve_exam_meddle,  steve_exam_policy, steve_exam_policy, steve_exam_policy, steve_exam_policy,
        steve_exam_policy,  steve_exam_policy, steve_exam_policy, steve_exam_policy, steve_exam_between,
        steve_exam_between,
    };
    static struct steve_jeff_passed passed;
    if (steve_jeff_has_passed(&passed, number))
        return NULL;
    struct exam e = {.draws = (uint64_t)number << 32};
    const char *wrong = exams[steve_exam_draw(&e, sizeof exams / sizeof exams[0])](&e);
    if (wrong == NULL)
        wrong = e.wrong;
    if (wrong == NULL && jeff_check(e.heap, NULL) != JEFF_OK)
        wrong = "a heap is damaged by what an exam did";
    if (e.heap != NULL)
        steve_exam_drop(&e);
    return steve_jeff_note_passed(&passed, number, wrong);
}
