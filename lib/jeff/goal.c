/// Goal-directed compaction: which window of the heap to empty. A window lies between two neighbours that stay, or between one
/// and an end of the heap. To make a run of a given size, every movable block in some window that wide must move at least once, so
/// that the window with the least live memory is a bound on the cost; the search begins there.
///
/// One plan is chosen by its price and carried out as a whole. For the largest run the heap then remembers that it was
/// reached, until memory comes free: a second call moves nothing.
#include "plan_internal.h"

#include "gate_internal.h"

#define CANDIDATES  4u
#define WIDTHS_MOST 6u
/// Sliding everything first must gain at least one part in so many on what can be had without.
#define WORTH_A_SLIDE 64u

struct choice {
    struct window window;
    uint32_t enough; ///< as for window_empty()
    bool slide_first;
    bool found;
    struct price price;
};

/// The cheapest window that has `need` granules, whatever is in them, or (`free_only`) of free memory. O(blocks)
/// @param within where to look: whole stretches between blocks that stay
static bool cheapest_window(struct planner *p, const struct window *within, uint64_t need, bool free_only,
                            struct window *best)
{
    struct piece right = {.end = within->begin}, left = right; // the first piece of the window, once there is one
    uint32_t begin = right.end;                                // with the free run right below the window
    uint32_t live = 0, free = 0;
    best->end = 0;
    while (right.end < within->end && piece_next(p, &right)) {
        if (right.kind == PIECE_PINNED) {
            begin = right.end;
            live = free = 0;
            continue;
        }
        if (begin == right.start)
            left = right;
        if (right.kind == PIECE_FREE)
            free += right.end - right.start;
        else
            live += right.end - right.start;
        uint64_t has = free_only ? free : (uint64_t)free + live;
        // What is not needed is dropped at the window's low end.
        for (;;) {
            const uint32_t size = left.end - left.start;
            const uint32_t loses = free_only && left.kind != PIECE_FREE ? 0 : size;
            if (has < need + loses)
                break;
            has -= loses;
            if (left.kind == PIECE_FREE)
                free -= size;
            else
                live -= size;
            begin = left.kind == PIECE_FREE ? left.start : left.end;
            if (!piece_next(p, &left))
                break; // the time is over
        }
        if (has >= need && (!best->end || live < best->live))
            *best = (struct window){begin, right.end, live};
        else if (right.kind == PIECE_FREE && best->end == right.start)
            best->end = right.end; // the run that comes of it goes on
    }
    return best->end != 0;
}

/// Prices a window, and keeps it if it makes the run. @return granules of the run that it makes
static uint32_t consider(struct planner *p, const struct window *window, uint32_t need, struct choice *best)
{
    const struct price price = window_price(p, window, need, false);
    if (price.run >= need)
        *best = (struct choice){*window, need, false, true, price};
    return price.made;
}

/// Windows emptied as far as there is room, or slid together, in the heap as it is.
/// @return whether there is one that is so wide at all
static bool choose_window(struct planner *p, const struct supply *supply, const struct window *within, uint32_t need,
                          struct choice *best)
{
    struct window window;
    uint64_t width = need;
    unsigned tries = 0;
    for (; tries < WIDTHS_MOST && !best->found && cheapest_window(p, within, width, false, &window); tries++) {
        uint64_t run = window_bound(p, supply, &window);
        if (run >= need)
            run = consider(p, &window, need, best);
        // What found no room stays in the window, and makes it so much less wide.
        width = (uint64_t)window.end - window.begin + need - run;
    }
    // What is free in a window makes the run, if all of it stays and slides; but for what alignments take.
    if (!best->found && cheapest_window(p, within, need, true, &window))
        (void)consider(p, &window, need, best);
    return tries > 0;
}

/// The widest stretches between blocks that stay.
/// @param best has room for one more
static unsigned find_stretches(struct planner *p, struct window *best)
{
    unsigned count = 0;
    struct piece piece = {.end = p->h->first};
    struct window s = {.begin = piece.end};
    bool more = true;
    while (more) {
        more = piece_next(p, &piece);
        if (more && piece.kind != PIECE_PINNED)
            continue;
        s.end = more ? piece.start : p->limit;
        unsigned place = count;
        for (; place > 0 && best[place - 1].end - best[place - 1].begin < s.end - s.begin; place--)
            best[place] = best[place - 1];
        best[place] = s;
        count += count < CANDIDATES;
        s.begin = piece.end;
    }
    return count;
}

/// The stretch that has the most free memory, in however many pieces.
/// @param largest raised to the largest free run
static struct window most_free(struct planner *p, uint32_t *largest)
{
    struct window best = {0}, s = {.begin = p->h->first};
    uint32_t most = 0, free = 0;
    struct piece piece = {.end = p->h->first};
    bool more = true;
    while (more) {
        more = piece_next(p, &piece);
        const uint32_t size = piece.end - piece.start;
        if (more && piece.kind == PIECE_FREE) {
            free += size;
            *largest = larger(*largest, size);
        }
        if (more && piece.kind != PIECE_PINNED)
            continue;
        s.end = more ? piece.start : p->limit;
        if (free > most) {
            most = free;
            best = s;
        }
        free = 0;
        s = (struct window){.begin = piece.end};
    }
    return best;
}

/// Stretches emptied as far as there is room, in the heap as it is, or after everything has slid: what makes the largest run, and a larger
/// one than best->price.run, or the first that makes `enough`.
static void choose_stretch(struct planner *p, const struct supply *supply, const struct window *freest, uint32_t enough,
                           struct choice *best)
{
    struct window stretch[CANDIDATES + 1];
    unsigned count = find_stretches(p, stretch);
    stretch[count++] = *freest;
    for (unsigned slide_first = 0; slide_first < (p->slid ? 1 : 2); slide_first++) {
        const uint64_t least = best->price.run + (uint64_t)(best->found ? best->price.run / WORTH_A_SLIDE : 0);
        for (unsigned i = 0; i < count && best->price.run < enough && !p->over; i++) {
            const struct window *s = &stretch[i];
            const uint64_t most = slide_first ? s->end - s->begin : window_bound(p, supply, s);
            if (most <= best->price.run)
                continue;
            const struct price price = window_price(p, s, enough, slide_first);
            if (price.run > best->price.run && price.run > least)
                *best = (struct choice){*s, enough, slide_first, true, price};
        }
    }
}

/// End of the arena once the table has dropped the slots at its low end that no live block has.
static uint32_t tidy_limit(const struct jeff_heap *h)
{
    size_t bytes = h->end - (size_t)(SLOT_END - slot_kept(h)) * sizeof(struct entry);
    if (h->pages && h->pages->commit_low < bytes)
        bytes = h->pages->commit_low;
    return (uint32_t)((bytes + HEADER) / GRANULE);
}

/// Nothing is cached any more when a plan is carried out.
static struct planner make_planner(struct jeff_heap *h, struct pass *pass, bool dry)
{
    struct planner p = {.h = h, .pass = pass, .limit = tidy_limit(h), .settled = NIL, .dry = dry};
    if (cached_count(h) && !dry)
        holes_relink(&p, true);
    return p;
}

/// Granules of all that is free in the arena.
static uint64_t all_free(const struct planner *p)
{
    return (uint64_t)p->h->hole_granules + cached_granules(p->h) + (p->limit - p->h->top);
}

/// What to do, and what comes of it; if that is nothing, the largest run that there is.
static struct choice choose(struct planner *p)
{
    const struct request *wanted = p->pass->wanted;
    const uint32_t need = wanted ? run_needed(wanted) : 0;
    struct choice choice = {0};
    struct supply supply;
    if (wanted && largest_run(p->h) >= need)
        return choice; // cached blocks that were merged have made it
    bool possible = all_free(p) >= need;
    if (possible)
        supply_count(p, &supply);
    if (possible && wanted) {
        const struct window all = {.begin = p->h->first, .end = p->limit};
        const struct window within = p->slid ? supply_reaches(p, &supply, need) : all;
        possible = choose_window(p, &supply, &within, need, &choice);
    }
    uint32_t largest = 0;
    if (!choice.found) {
        const struct window freest = most_free(p, &largest);
        choice.price.run = wanted ? need - 1 : largest;
        if (possible)
            choose_stretch(p, &supply, &freest, wanted ? need : UINT32_MAX, &choice);
    }
    // Of the first run that wants a record of its own, a block's capacity is no larger than that of a run one granule smaller.
    if (p->over || !choice.found || run_capacity(choice.price.run) == run_capacity(largest))
        choice = (struct choice){.price.run = largest};
    return choice;
}

/// Carries a choice out, or clears up what its price has left.
static void carry_out(struct planner *p, const struct choice *choice)
{
    if (choice->found)
        window_empty(p, &choice->window, choice->enough, choice->slide_first);
    else if (p->noted)
        holes_relink(p, !p->dry);
    steps_book(p, 0);
}

/// Whether no larger run than the one that is there can be had, as was found before, and nothing has come free since.
static bool is_reached(const struct jeff_heap *h, uint32_t largest)
{
    return h->refused != NO_REFUSAL && h->reached == largest && !cached_count(h);
}

/// Whatever comes free takes back that a request was refused, and this with it. No heap can serve the request that stands for
/// none.
static void remember_reached(struct jeff_heap *h, uint32_t largest)
{
    h->reached = largest;
    if (h->refused == NO_REFUSAL)
        h->refused = NO_REFUSAL - 1;
}

void goal_reach(struct jeff_heap *h, struct pass *pass, bool dry, struct jeff_report *report)
{
    const struct request *wanted = pass->wanted;
    uint32_t largest = largest_run(h);
    report->stop = JEFF_STOP_DONE;
    gates_watch(h);
    if (!wanted && is_reached(h, largest))
        return;
    halfway_end(h);
    gates_note(h);
    struct planner p = make_planner(h, pass, dry);
    pass->keep_ends = true;
    if (!dry)
        table_tidy(h);
    struct choice choice = choose(&p);
    if (dry) {
        largest = choice.price.run;
        report->moved_blocks = choice.price.blocks;
        report->moved_bytes = (size_t)choice.price.granules * GRANULE;
        choice.found = false;
    }
    carry_out(&p, &choice);
    gates_forget(h);
    if (!dry) {
        report->moved_blocks = pass->moved_blocks;
        report->moved_bytes = pass->moved_bytes;
        largest = largest_run(h);
        if (!wanted)
            remember_reached(h, largest);
    }
    report->largest_after = run_capacity(largest);
    if (wanted && largest >= run_needed(wanted))
        report->stop = JEFF_STOP_GOAL;
}

enum jeff_stop evacuate(struct jeff_heap *h, struct pass *pass)
{
    assert(!h->busy && !h->halfway_hole); // a pass is over
    // A call that may not get that far with its next budget either must not begin anew each time.
    pass->due = 0; // so that the clock is read now
    if (pass_over(h, pass, 4 * walk_work(h)))
        return pass->moved_any ? JEFF_STOP_BUDGET : JEFF_STOP_DONE;
    gates_note(h);
    struct planner p = make_planner(h, pass, false);
    p.limit = top_limit(h);
    p.slid = true;
    const struct choice choice = choose(&p);
    carry_out(&p, &choice);
    gates_forget(h);
    if (pass->wanted && largest_run(h) >= run_needed(pass->wanted))
        return JEFF_STOP_GOAL;
    return p.over && pass->moved_any ? JEFF_STOP_BUDGET : JEFF_STOP_DONE;
}
