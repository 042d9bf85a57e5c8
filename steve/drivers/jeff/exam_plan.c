/// A model of how Jeff plans a run, for exams: which window he empties or slides together, what that moves, and what run comes of it. Jeff
/// walks over headers in place; the model tries all there is of a map, where blocks are of a few sizes that divide each
/// other, and none asks for an alignment. Then it is no matter which of several runs takes a block, if the largest go first.
///
/// What is tried, in turn, for a wanted run, until a plan makes it:
/// 1. the window with the least live memory that is so wide is emptied; then a wider one, by what it lacked, up to PLANS_WIDER times;
/// 2. the window with the least live memory that has so much free is slid together;
/// 3. the widest stretches between two locked blocks, up to EXAM_STRETCHES, and the one with the most free memory;
/// 4. the same with all blocks slid first.
/// The largest run is that which comes of 3 or 4; to slide all first must gain one part in EXAM_WORTH_A_SLIDE on what can be had without.
#include "steve/drivers/jeff/exam_internal.h"

#include "steve/drivers/jeff/policy_internal.h"

#define PLANS_WIDER 6u
#define CLASSES     48u ///< that runs of an exam's heap can have

/// Where the free memory above the last block begins.
static uint32_t top_of(const struct exam_map *map)
{
    const struct exam_piece *const last = &map->piece[map->count - 1];
    return map->count > 0 && last->kind == EXAM_FREE ? last->begin : map->limit;
}

/// Pieces [first, last) of a map, of one stretch.
struct span {
    size_t first, last;
    uint32_t begin, end;
    uint32_t live;
};

struct model {
    const struct exam *e;
    const struct exam_map *map;
    bool may_slide; ///< all blocks, before a window is emptied
    size_t first, last;
    bool planned; ///< something was priced
    uint64_t looks;
    struct exam_plan best;
};

static uint32_t size_of(const struct exam_piece *piece)
{
    return piece->end - piece->begin;
}

static struct span make_span(const struct exam_map *map, size_t first, size_t last)
{
    struct span span = {.first = first, .last = last};
    span.begin = first < map->count ? map->piece[first].begin : map->limit;
    span.end = last > first ? map->piece[last - 1].end : span.begin;
    for (size_t i = first; i < last; i++)
        span.live += map->piece[i].kind == EXAM_MOVABLE ? size_of(&map->piece[i]) : 0;
    return span;
}

/// Of pieces [first, last): the free memory above the last block has no header to look at.
static uint64_t headers(const struct model *m, size_t first, size_t last)
{
    const bool top = last == m->map->count && last > first && m->map->piece[last - 1].kind == EXAM_FREE;
    return last - first - top;
}

static uint64_t headers_of_all(const struct model *m)
{
    return headers(m, 0, m->map->count);
}

/// The stretch that begins with a piece, up to the next locked block.
static struct span stretch_from(const struct exam_map *map, size_t first)
{
    size_t last = first;
    while (last < map->count && map->piece[last].kind != EXAM_PINNED)
        last++;
    return make_span(map, first, last);
}

/// The window with the least in it that has `need` granules, or as many free; of several the first.
static bool find_window(struct model *m, uint32_t need, bool free_only, struct span *window)
{
    const struct exam_piece *const piece = m->map->piece;
    bool found = false;
    size_t stretch = m->first;
    size_t dropped = m->first;
    m->looks += headers(m, m->first, m->last);
    for (size_t last = m->first; last < m->last; last++) {
        uint32_t has = 0;
        if (piece[last].kind == EXAM_PINNED) {
            stretch = dropped = last + 1;
            continue;
        }
        for (size_t first = last + 1; first-- > stretch;) {
            has += !free_only || piece[first].kind == EXAM_FREE ? size_of(&piece[first]) : 0;
            if (has < need)
                continue;
            m->looks += first - dropped;
            dropped = first;
            // The free runs beside it are the window's.
            const bool below = first > stretch && piece[first - 1].kind == EXAM_FREE;
            const bool above = last + 1 < m->last && piece[last + 1].kind == EXAM_FREE;
            const struct span tried = make_span(m->map, first - below, last + 1 + above);
            if (!found || tried.live < window->live)
                *window = tried;
            found = true;
            break;
        }
    }
    return found;
}

/// What all of a stretch slides to.
static void price_slide(const struct exam_map *map, struct exam_plan *plan)
{
    uint32_t to = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct exam_piece *const piece = &map->piece[i];
        if (piece->kind == EXAM_PINNED)
            to = piece->end;
        if (piece->kind != EXAM_MOVABLE)
            continue;
        plan->blocks += to != piece->begin;
        plan->granules += to != piece->begin ? size_of(piece) : 0;
        to += size_of(piece);
    }
}

/// Where the blocks of a window find room.
static void find_room(const struct model *m, const struct span *window, bool slide_first, struct exam_number *room)
{
    for (size_t i = 0; i < m->map->count; i++) {
        const struct exam_piece *const piece = &m->map->piece[i];
        uint32_t free = 0;
        if (!slide_first && piece->kind == EXAM_FREE && (i < window->first || i >= window->last))
            free = size_of(piece);
        if (slide_first && (i == 0 || piece[-1].kind == EXAM_PINNED)) {
            const struct span stretch = stretch_from(m->map, i);
            free = stretch.first != window->first ? stretch.end - stretch.begin - stretch.live : 0;
        }
        steve_exam_add_places(m->e, room, free);
    }
}

/// How often the blocks of a window are looked at to place them, the largest first by halves.
static uint64_t passes(const struct model *m, const struct span *window)
{
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    uint64_t passes = 0;
    for (size_t i = window->first; i < window->last; i++) {
        const struct exam_piece *const piece = &m->map->piece[i];
        if (piece->kind != EXAM_MOVABLE)
            continue;
        least = size_of(piece) < least ? size_of(piece) : least;
        most = size_of(piece) > most ? size_of(piece) : most;
    }
    for (; most >= least; most /= 2)
        passes++;
    return passes;
}

/// To put free runs into bins and slide takes a look at each; to do the former again, to see that the window still stands, and to find room
/// are walks over what has slid.
static void slide_and_look(const struct model *m, const struct span *window, uint64_t rounds, struct exam_plan *plan)
{
    struct exam_map slid;
    steve_exam_slid(m->map, &slid);
    const struct model after = {.map = &slid};
    size_t first = 0;
    while (first < slid.count && slid.piece[first].begin < window->begin)
        first++;
    const uint64_t within = headers(&after, first, stretch_from(&slid, first).last);
    plan->looks = 2 * headers_of_all(m) + 2 * headers_of_all(&after) + first + within * rounds;
    plan->top = top_of(&slid);
}

/// What it takes to empty a window until `enough` of it is free, and what comes of it.
static struct exam_plan price(struct model *m, const struct span *window, uint32_t enough, bool slide_first)
{
    const struct exam *const e = m->e;
    const struct exam_piece *const piece = m->map->piece;
    struct exam_plan plan = {.made = true};
    struct exam_number room = {{0}};
    bool goes[EXAM_PIECES] = {0};
    const uint64_t within = headers(m, window->first, window->last);
    find_room(m, window, slide_first, &room);
    const uint64_t rounds = 1 + passes(m, window);
    plan.looks = headers_of_all(m) + within * rounds;
    m->looks += plan.looks + within;
    plan.top = top_of(m->map);
    if (slide_first)
        slide_and_look(m, window, rounds, &plan);
    m->planned = true;
    if (slide_first)
        price_slide(m->map, &plan);
    uint32_t gone = 0;
    uint32_t stays = 0;
    for (uint32_t k = e->sizes; k-- > 0;) {
        for (size_t i = window->first; i < window->last; i++) {
            if (piece[i].kind != EXAM_MOVABLE || size_of(&piece[i]) != e->size[k])
                continue;
            if (room.of[k] == 0 || window->end - window->begin - window->live + gone >= enough) {
                stays += e->size[k];
                continue;
            }
            goes[i] = true;
            gone += e->size[k];
            plan.blocks++;
            plan.granules += e->size[k];
            for (uint32_t smaller = 0; smaller <= k; smaller++)
                room.of[smaller] -= e->size[k] / e->size[smaller];
        }
    }
    uint32_t to = window->begin;
    uint32_t slid = window->begin;
    for (size_t i = window->first; i < window->last; i++) {
        if (piece[i].kind != EXAM_MOVABLE)
            continue;
        const uint32_t from = slide_first ? slid : piece[i].begin;
        slid += size_of(&piece[i]);
        if (goes[i])
            continue;
        plan.blocks += to != from;
        plan.granules += to != from ? size_of(&piece[i]) : 0;
        to += size_of(&piece[i]);
    }
    plan.run = window->end - window->begin - stays;
    return plan;
}

/// No plan frees more of a window: its blocks up to some class leave it at most, and what goes into the runs of higher ones.
static uint32_t bound(struct model *m, const struct span *window)
{
    uint32_t least = UINT32_MAX;
    m->looks += headers(m, window->first, window->last);
    for (uint32_t class = 0; class < CLASSES; class ++) {
        uint32_t room = 0;
        for (size_t i = 0; i < m->map->count; i++) {
            const struct exam_piece *const piece = &m->map->piece[i];
            const bool within = i >= window->first && i < window->last;
            const bool counts = within ? piece->kind == EXAM_MOVABLE && steve_policy_hole_class(size_of(piece)) <= class
                                       : piece->kind == EXAM_FREE && steve_policy_hole_class(size_of(piece)) > class;
            room += counts ? size_of(piece) : 0;
        }
        least = room < least ? room : least;
    }
    return window->end - window->begin - window->live + least;
}

static void consider(struct model *m, uint32_t need, const struct exam_plan *plan)
{
    if (plan->run >= need)
        m->best = *plan;
}

/// Up to EXAM_STRETCHES, the widest first.
static uint32_t find_stretches(struct model *m, struct span *best)
{
    m->looks += headers_of_all(m);
    uint32_t count = 0;
    bool taken[EXAM_PIECES] = {0};
    for (; count < EXAM_STRETCHES; count++) {
        struct span *const next = &best[count];
        bool found = false;
        for (size_t i = 0; i < m->map->count; i++) {
            const bool begins = i == 0 || m->map->piece[i - 1].kind == EXAM_PINNED;
            const struct span s = stretch_from(m->map, i);
            if (begins && !taken[i] && (!found || s.end - s.begin > next->end - next->begin)) {
                *next = s;
                found = true;
            }
        }
        if (!found)
            break;
        taken[next->first] = true;
    }
    return count;
}

/// Leaves out the stretches at both ends of which so much cannot be made.
static void look_near(struct model *m, uint32_t need)
{
    const uint64_t looks = m->looks + headers_of_all(m); // once at each
    size_t first = m->map->count;
    size_t last = 0;
    for (size_t i = 0; i < m->map->count; i++) {
        const struct span s = stretch_from(m->map, i);
        if ((i > 0 && m->map->piece[i - 1].kind != EXAM_PINNED) || s.end - s.begin < need || bound(m, &s) < need)
            continue;
        first = first < i ? first : i;
        last = s.last;
    }
    m->looks = looks;
    m->first = first < last ? first : 0;
    m->last = last;
}

/// @return whether there is a window that is so wide at all
static bool plan_windows(struct model *m, uint32_t need)
{
    struct span window;
    uint32_t width = need;
    uint32_t tries = 0;
    for (; tries < PLANS_WIDER && !m->best.made && find_window(m, width, false, &window); tries++) {
        uint32_t run = bound(m, &window);
        if (run >= need) {
            const struct exam_plan plan = price(m, &window, need, false);
            consider(m, need, &plan);
            run = plan.run;
        }
        width = window.end - window.begin + need - run;
    }
    if (!m->best.made && find_window(m, need, true, &window)) {
        const struct exam_plan plan = price(m, &window, need, false);
        consider(m, need, &plan);
    }
    return tries > 0;
}

struct exam_plan steve_exam_slid(const struct exam_map *map, struct exam_map *slid)
{
    struct exam_plan plan = {.made = true};
    uint32_t free = 0;
    price_slide(map, &plan);
    slid->count = 0;
    slid->limit = map->limit;
    for (size_t i = 0; i <= map->count; i++) {
        const struct exam_piece end = {.begin = map->limit, .end = map->limit, .kind = EXAM_PINNED};
        struct exam_piece piece = i < map->count ? map->piece[i] : end;
        if (piece.kind == EXAM_FREE) {
            free += size_of(&piece);
            continue;
        }
        if (piece.kind == EXAM_PINNED && free != 0)
            steve_exam_add(slid, &(struct exam_piece){.begin = piece.begin - free, .end = piece.begin});
        free = piece.kind == EXAM_PINNED ? 0 : free;
        piece.begin -= free;
        piece.end -= free;
        if (i < map->count)
            steve_exam_add(slid, &piece);
    }
    steve_exam_count_free(slid);
    return plan;
}

static struct span find_freest(const struct exam_map *map)
{
    struct span best = {0};
    for (size_t i = 0; i < map->count; i++) {
        const struct span s = stretch_from(map, i);
        if ((i == 0 || map->piece[i - 1].kind == EXAM_PINNED) &&
            s.end - s.begin - s.live > best.end - best.begin - best.live)
            best = s;
    }
    return best;
}

static void plan_stretches(struct model *m, uint32_t run, uint32_t enough)
{
    struct span stretch[EXAM_STRETCHES + 1];
    uint32_t count = find_stretches(m, stretch);
    stretch[count++] = find_freest(m->map);
    for (unsigned slide_first = 0; slide_first <= m->may_slide; slide_first++) {
        const uint32_t least = run + (m->best.made ? run / EXAM_WORTH_A_SLIDE : 0);
        for (uint32_t i = 0; i < count && run < enough; i++) {
            const uint32_t most = slide_first ? stretch[i].end - stretch[i].begin : bound(m, &stretch[i]);
            if (most <= run)
                continue; // it is not looked at any closer
            const struct exam_plan plan = price(m, &stretch[i], enough, slide_first);
            if (plan.run <= run || plan.run <= least)
                continue;
            m->best = plan;
            run = plan.run;
        }
    }
}

struct exam_plan steve_exam_plan(const struct exam *e, const struct exam_map *map, uint32_t need, bool may_slide)
{
    struct model m = {.e = e, .map = map, .may_slide = may_slide, .last = map->count};
    const uint64_t all = headers_of_all(&m);
    if (need != 0 && map->largest >= need)
        return (struct exam_plan){.run = map->largest};
    bool possible = map->free >= need;
    m.looks += possible ? all : 0; // what is free is counted by size
    if (possible && need != 0) {
        if (!may_slide)
            look_near(&m, need);
        possible = plan_windows(&m, need);
    }
    if (!m.best.made) {
        m.looks += all; // the stretch with the most free memory is found
        if (possible)
            plan_stretches(&m, need == 0 ? map->largest : need - 1, need == 0 ? UINT32_MAX : need);
    }
    struct exam_plan plan = {.run = map->largest};
    if (m.best.made && steve_exam_capacity(m.best.run) > steve_exam_capacity(map->largest))
        plan = m.best;
    else if (m.planned)
        plan.looks = all; // what was noted in free memory is cleared up
    plan.looks += m.looks;
    return plan;
}

uint64_t steve_exam_looks_to_end(const struct exam_plan *plan, const struct exam_map *after)
{
    return plan->made ? after->headers + (top_of(after) < plan->top) : 0;
}
