/// Goal-directed compaction. Sliding alone leaves one hole in front of every locked block; this file empties a stretch between two
/// locked blocks by moving its movable blocks into holes elsewhere, so that the whole stretch becomes one free run.
///
/// Each stretch is planned before anything moves: room for its blocks is taken, the largest first, and what is planned is chained
/// through the room itself. If the run that would come of it is no gain, all the room is given back and nothing has moved;
/// doing it twice therefore moves nothing the second time.
#include "heap_internal.h"

#define CANDIDATES  4u
#define ROUNDS_MOST 8u

/// What lies between two neighbours that stay, or between one and an end of the heap.
struct stretch {
    uint32_t begin, end; ///< end: the top's limit for the last one
    uint32_t live;       ///< granules of movable blocks in it
    uint32_t largest;    ///< granules of the largest of them
    uint32_t pieces;     ///< blocks and holes in it
    bool last;           ///< it ends with the top
};

struct plan {
    uint32_t chain;    ///< first room taken; 0: none
    uint32_t unplaced; ///< granules for which there was no room
    bool over;         ///< the time ran out
};

static bool stays(const struct entry *e)
{
    return is_live(e) && locks_of(e) && !(e->cw & CW_MAPPED);
}

static bool better(const struct stretch *a, const struct stretch *b, const struct request *wanted)
{
    if (wanted)
        return a->live < b->live;
    return a->end - a->begin > b->end - b->begin;
}

static void consider(const struct stretch *s, const struct request *wanted, uint32_t least, struct stretch *best,
                     unsigned *count)
{
    if (s->end <= s->begin || s->end - s->begin < least || s->live == 0)
        return;
    unsigned place = *count;
    while (place > 0 && better(s, &best[place - 1], wanted))
        place--;
    if (place == CANDIDATES)
        return;
    const unsigned last = *count < CANDIDATES ? (*count)++ : CANDIDATES - 1;
    for (unsigned i = last; i > place; i--)
        best[i] = best[i - 1];
    best[place] = *s;
}

/// The most promising stretches at least that wide; none if the time runs out. O(blocks)
static unsigned find_candidates(struct jeff_heap *h, struct pass *pass, uint32_t least, struct stretch *best)
{
    unsigned count = 0;
    struct stretch s = {.begin = h->first};
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        h->visited_blocks++;
        pass->work += 16;
        if (pass_over(h, pass, 0))
            return 0;
        s.pieces++;
        if (is_hole(header))
            continue;
        const struct entry *e = entry_at(h, header & SLOT_MASK);
        if (stays(e)) {
            s.end = start;
            consider(&s, pass->wanted, least, best, &count);
            s = (struct stretch){.begin = start + size};
        } else if (is_live(e)) {
            s.live += size;
            s.largest = size > s.largest ? size : s.largest;
        }
    }
    s.end = top_limit(h);
    s.last = true;
    consider(&s, pass->wanted, least, best, &count);
    return count;
}

static uint32_t end_of(const struct jeff_heap *h, const struct stretch *s)
{
    return s->last ? h->top : s->end;
}

/// Merges the cached blocks of a stretch into holes.
static void merge_cached(struct jeff_heap *h, const struct stretch *s)
{
    uint32_t start = s->begin;
    while (start < end_of(h, s)) {
        const uint32_t header = header_of(h, start);
        const uint32_t size = size_at(h, start);
        if (is_hole(header) || !is_cached(entry_at(h, header & SLOT_MASK))) {
            start += size;
            continue;
        }
        const bool below = header & FREE_BELOW;
        const uint32_t merged = below ? hole_below(h, start) : start;
        entry_bury(h, entry_at(h, header & SLOT_MASK), size);
        run_free(h, start, size, below);
        start = merged;
    }
}

/// Takes the holes of a stretch out of their bins, or puts them back, so that no room is planned in the stretch itself.
static void hide_holes(struct jeff_heap *h, const struct stretch *s, bool hide)
{
    uint32_t size;
    for (uint32_t start = s->begin; start < end_of(h, s); start += size) {
        size = size_at(h, start);
        if (!is_hole(header_of(h, start)))
            continue;
        if (hide)
            hole_unlink(h, start, size);
        else
            hole_make(h, start, size);
    }
}

/// Where a room keeps the plan: the block that is to come, and the next room. Behind size and alignment if it is wide.
static char *note_in(const struct jeff_heap *h, uint32_t room)
{
    return at(h, room) + (class_of(header_of(h, room)) == CLASS_WIDE ? 8 : 0);
}

static bool plan_block(struct jeff_heap *h, struct plan *plan, uint32_t start, uint32_t header, uint32_t size,
                       bool may_use_top)
{
    const bool wide = class_of(header) == CLASS_WIDE;
    const struct request request = {.granules = size, .alignment = alignment_of(h, start, header), .wide = wide};
    uint32_t room = hole_take(h, &request, true);
    if (!room && may_use_top)
        room = top_take(h, &request, false);
    if (!room)
        return false;
    // The room names the slot of the block that is to come: whoever looks at it sees a live block.
    set_header(h, room, (header_of(h, room) & FREE_BELOW) | (header & ~FREE_BELOW));
    if (wide)
        set_wide(h, room, size, request.alignment);
    store(note_in(h, room), start);
    store(note_in(h, room) + 4, plan->chain);
    plan->chain = room;
    return true;
}

/// Plans room for the blocks of a stretch, the largest first by powers of two, until `enough` granules of it are free.
static struct plan plan_stretch(struct jeff_heap *h, struct pass *pass, const struct stretch *s, uint32_t enough)
{
    struct plan plan = {0};
    // Rooms taken from the top lie above the stretch: the end must not follow them.
    const uint32_t end = end_of(h, s);
    uint32_t to_go = s->live;
    uint64_t limit = 2;
    while (limit <= s->largest)
        limit *= 2;
    for (; limit > 1 && to_go; limit /= 2) {
        uint32_t size;
        for (uint32_t start = s->begin; start < end; start += size) {
            const uint32_t header = header_of(h, start);
            size = size_at(h, start);
            h->visited_blocks++;
            pass->work += 16;
            if (pass_over(h, pass, 0)) {
                plan.over = true;
                return plan;
            }
            if (is_hole(header) || size >= limit || size < limit / 2)
                continue;
            to_go -= size;
            const uint32_t width = s->end - s->begin;
            if (enough && width - plan.unplaced - to_go - size >= enough)
                plan.unplaced += size; // it may stay: what was planned so far will do
            else if (!pass_can_move(pass, size) || !plan_block(h, &plan, start, header, size, !s->last))
                plan.unplaced += size;
        }
    }
    return plan;
}

static void give_back(struct jeff_heap *h, uint32_t room)
{
    while (room) {
        const uint32_t next = load(note_in(h, room) + 4);
        run_free(h, room, size_at(h, room), header_of(h, room) & FREE_BELOW);
        room = next;
    }
}

/// Moves one planned block into its room. @return false if the time is over before
static bool carry_out(struct jeff_heap *h, struct pass *pass, uint32_t room)
{
    const uint32_t start = load(note_in(h, room));
    const uint32_t header = header_of(h, start);
    const uint32_t size = size_at(h, start);
    const uint32_t slot = header_of(h, room) & SLOT_MASK;
    const struct entry *e = entry_at(h, slot);
    // A callback may have locked or freed it since.
    if (is_hole(header) || (header & SLOT_MASK) != slot || !is_live(e) || stays(e)) {
        run_free(h, room, size_at(h, room), header_of(h, room) & FREE_BELOW);
        return true;
    }
    if (pass_over(h, pass, (uint64_t)size * GRANULE))
        return false;
    hidden_copy(at(h, room), at(h, start), (size_t)size * GRANULE - HEADER);
    pass_book_move(h, pass, slot, start, room, size);
    return true;
}

/// Moves what was planned. @return false if the time is over
static bool carry_out_all(struct jeff_heap *h, struct pass *pass, uint32_t room)
{
    bool in_time = true;
    const size_t small_limit = moving_begin(h);
    while (room && in_time) {
        const uint32_t next = load(note_in(h, room) + 4);
        const uint32_t start = load(note_in(h, room));
        const uint32_t header = header_of(h, start);
        const size_t moved = pass->moved_blocks;
        in_time = carry_out(h, pass, room);
        if (!in_time) {
            give_back(h, room);
        } else if (pass->moved_blocks != moved) {
            // Only now, since the callback may still look at where the block lay.
            run_free(h, start, size_at(h, start), header & FREE_BELOW);
        }
        room = next;
    }
    moving_end(h, small_limit);
    return in_time;
}

enum jeff_stop evacuate(struct jeff_heap *h, struct pass *pass)
{
    assert(!h->busy);
    const struct request *wanted = pass->wanted;
    const uint64_t need = wanted ? (uint64_t)wanted->granules + wanted->alignment - 1 : 0;
    for (unsigned round = 0; round < ROUNDS_MOST; round++) {
        const uint32_t largest = largest_run(h);
        if (wanted && largest >= need)
            return JEFF_STOP_GOAL;
        if (need > UINT32_MAX)
            return JEFF_STOP_DONE;
        const uint32_t least = wanted ? (uint32_t)need : largest + 1;
        struct stretch best[CANDIDATES];
        const unsigned count = find_candidates(h, pass, least, best);
        bool gained = false;
        for (unsigned i = 0; i < count && !gained; i++) {
            // Planning walks the stretch a few times, and cannot stop in the middle of each.
            if (pass_over(h, pass, (uint64_t)best[i].pieces * 64))
                return pass->moved_any ? JEFF_STOP_BUDGET : JEFF_STOP_DONE;
            merge_cached(h, &best[i]);
            hide_holes(h, &best[i], true);
            struct plan plan = plan_stretch(h, pass, &best[i], wanted ? (uint32_t)need : 0);
            hide_holes(h, &best[i], false);
            if (plan.over || best[i].end - best[i].begin - plan.unplaced < least) {
                give_back(h, plan.chain);
                if (plan.over) // a call of this length may never get further
                    return pass->moved_any ? JEFF_STOP_BUDGET : JEFF_STOP_DONE;
                continue;
            }
            const bool all = carry_out_all(h, pass, plan.chain);
            gained = true;
            if (!all)
                return JEFF_STOP_BUDGET;
            if (plan.unplaced) {
                // What found no room stays in the stretch, and slides to its start.
                const enum jeff_stop stop = pass_run(h, pass, false);
                if (stop != JEFF_STOP_DONE)
                    return stop;
            }
        }
        if (!gained)
            return wanted && largest_run(h) >= need ? JEFF_STOP_GOAL : JEFF_STOP_DONE;
    }
    return JEFF_STOP_DONE;
}
