/// What can be had in an exam's heap at all, whatever is planned: the largest run that a stretch between two locked blocks can be made
/// to have, if all its blocks go where there is room for them elsewhere.
#include "steve/drivers/jeff/exam_internal.h"

uint32_t steve_exam_place(const struct exam *e, const struct exam_number *blocks, const struct exam_number *places)
{
    uint32_t taken = 0;
    for (uint32_t i = e->sizes; i-- > 0;) {
        const uint32_t room = places->of[i] - taken / e->size[i];
        taken += (blocks->of[i] < room ? blocks->of[i] : room) * e->size[i];
    }
    return taken;
}

struct stretch {
    uint32_t begin, end, free;
    struct exam_number blocks;
};

/// The stretch that begins with a piece. @return the index of the piece that ends it, `map->count` at the end
static size_t stretch_at(const struct exam *e, const struct exam_map *map, size_t i, struct stretch *s)
{
    *s = (struct stretch){.begin = i < map->count ? map->piece[i].begin : map->limit, .end = map->limit};
    for (; i < map->count; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        if (piece->kind == EXAM_PINNED) {
            s->end = piece->begin;
            return i;
        }
        if (piece->kind == EXAM_FREE)
            s->free += piece->end - piece->begin;
        else
            steve_exam_add_block(e, &s->blocks, piece->end - piece->begin);
    }
    return i;
}

/// All stretches of a heap.
struct stretches {
    uint32_t count;
    struct stretch of[EXAM_BLOCKS + 1];
    struct exam_number places; ///< in all of them
};

static void find_stretches(const struct exam *e, const struct exam_map *map, struct stretches *all)
{
    all->count = 0;
    all->places = (struct exam_number){{0}};
    for (size_t i = 0; i <= map->count; i++) {
        struct stretch *const s = &all->of[all->count];
        i = stretch_at(e, map, i, s);
        steve_exam_add_places(e, &all->places, s->free);
        all->count += s->end > s->begin;
    }
}

/// The largest run that one stretch can be made to have, if blocks are of a few sizes.
static uint32_t most_of(const struct exam *e, const struct stretches *all, const struct stretch *s)
{
    struct exam_number elsewhere = all->places;
    for (uint32_t size = 0; size < e->sizes; size++)
        elsewhere.of[size] -= s->free / e->size[size];
    return s->free + steve_exam_place(e, &s->blocks, &elsewhere);
}

/// Whether a stretch is one of those that are tried.
static bool is_tried(const struct stretches *all, const struct stretch *s)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < all->count; i++)
        before += all->of[i].end - all->of[i].begin >= s->end - s->begin; // itself as well
    return before <= EXAM_STRETCHES;
}

uint32_t steve_exam_most(const struct exam *e, const struct exam_map *map)
{
    struct stretches all;
    find_stretches(e, map, &all);
    uint32_t most = 0;
    for (uint32_t i = 0; i < all.count && e->sizes != 0; i++) {
        const uint32_t run = most_of(e, &all, &all.of[i]);
        if (run > most && is_tried(&all, &all.of[i]))
            most = run;
    }
    return most;
}

struct exam_reach steve_exam_reach(const struct exam *e, const struct exam_map *map)
{
    struct exam_reach reach = {0};
    struct stretches all;
    find_stretches(e, map, &all);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct stretch *const s = &all.of[i];
        const uint32_t most = most_of(e, &all, s);
        reach.freest = s->free > reach.freest ? s->free : reach.freest;
        reach.widest = s->end - s->begin > reach.widest ? s->end - s->begin : reach.widest;
        reach.most = most > reach.most ? most : reach.most;
    }
    return reach;
}

uint32_t steve_exam_draw_need(struct exam *e, const struct exam_map *map)
{
    if (map->free <= map->largest)
        return 0;
    const struct exam_reach reach = steve_exam_reach(e, map);
    uint32_t need = map->largest + 1 + steve_exam_draw(e, map->free - map->largest);
    if (steve_exam_draw(e, 2) == 0 && reach.most > map->largest + 1)
        need = reach.most - steve_exam_draw(e, 2);
    return need + (need == 127); // 126 granules hold as much
}
