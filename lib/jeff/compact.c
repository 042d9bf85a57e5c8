/// Compaction: one address-ordered pass that slides every movable block down to the end of the one below it. Blocks name
/// their slots, so that a move mends one entry; there is no sort and no list of pointers. Free memory that the pass meets, holes and cached
/// blocks alike, becomes the gap between what is done (dst) and what is not (src):
///
///     first                 dst         src                        top
///     | done, packed        |    gap    | holes, blocks, cached ... |
///
/// A block that is locked stays; the gap below it becomes a hole. A pass that runs out of time turns the gap into a hole and
/// leaves a cursor there. Whatever later merges or splits the run at the cursor mends it (mend_cursor).
///
/// A clock costs more than a block, so a pass counts its *work*, a byte moved as 1 and a block visited as 16, and reads the clock
/// every STEP_WORK. What it then measures is its pace. Near the deadline it looks more often: again when half of what can be
/// done in the time that is left is done; and it ends when there is no time for the next block and for ending.
#include "gate_internal.h"

#define VISIT_WORK 16u
#define STEP_WORK  16384u
#define LEAST_WORK 128u ///< between two looks at the clock
/// Weight of the pace that is known when more is measured.
#define PACE_WORK 4096u
/// Blocks that move by the same distance are copied together, up to so many granules and a block.
#define RUN_MOST 1024u
/// A piece of a block that is moved in pieces; it takes less than a microsecond.
#define PIECE       1024u
#define PIECES_FROM 4096u ///< blocks of more bytes are moved in pieces where that can be
/// A report tells the largest of so many free runs, if there is a budget.
#define RUNS_WITHIN_BUDGET 16u
/// How far ahead of the pass headers and table entries are fetched.
#define FETCH_BYTES   6144u
#define FETCH_LINE    64u
#define FETCH_ENTRIES 8u

/// Where a pass stands.
struct slide {
    uint32_t dst, src;
    bool passed;             ///< a live block lies below already
    uint32_t run;            ///< granules below src that are still to be copied to below dst
    uint32_t visited, moved; ///< blocks not booked yet
    uint32_t moved_granules;
    uint32_t halfway_slot; ///< block right above the gap that earlier calls began to copy; 0: there is none
    uint32_t halfway_done; ///< granules of it that were copied; 0: it was used since, and what was copied is void
};

uint64_t heap_now(struct jeff_heap *h)
{
    return h->now_ns ? h->now_ns(h->context) : h->moved_bytes + h->visited_blocks * VISIT_WORK;
}

/// How much work can be done in a time, at the pace of the pass.
static uint64_t work_within(const struct pass *pass, uint64_t ns)
{
    const uint64_t beyond = (uint64_t)1 << 36; // a minute; the product must not overflow
    return (ns < beyond ? ns : beyond) * 1000 / pass->pace_ps;
}

static void pass_set_pace(struct pass *pass, uint64_t work, uint64_t ns)
{
    const uint64_t ps = (ns < UINT32_MAX ? ns : UINT32_MAX) * 1000;
    pass->pace_ps = (pass->pace_ps * PACE_WORK + ps) / (PACE_WORK + work) + 1;
}

bool pass_can_move(const struct pass *pass, uint32_t size)
{
    // A whole step less than the budget, or else a call that begins right at the block might still not get it moved.
    const uint64_t bytes = (uint64_t)size * GRANULE;
    return !pass->deadline_ns || bytes <= STEP_WORK || bytes + STEP_WORK < work_within(pass, pass->budget_ns);
}

/// Reads the clock, and says when it is to be read again.
static COLD bool clock_says_over(struct jeff_heap *h, struct pass *pass, uint64_t work)
{
    const uint64_t now = heap_now(h);
    if (now > pass->read_ns)
        pass_set_pace(pass, pass->work, now - pass->read_ns);
    pass->read_ns = now;
    pass->work = 0;
    pass->due = LEAST_WORK;
    const uint64_t closing = h->closing_ns < pass->budget_ns / 4 ? h->closing_ns : pass->budget_ns / 4;
    if (now >= pass->deadline_ns || pass->deadline_ns - now <= closing)
        return true;
    const uint64_t left = work_within(pass, pass->deadline_ns - now - closing);
    if (left < work)
        return true;
    if (left / 2 > pass->due)
        pass->due = left / 2 < STEP_WORK ? left / 2 : STEP_WORK;
    return false;
}

/// Whether the clock is to be read before so much more work is done.
static inline bool is_due(const struct pass *pass, uint64_t work)
{
    return pass->deadline_ns && pass->work + work >= pass->due;
}

bool pass_over(struct jeff_heap *h, struct pass *pass, uint64_t work)
{
    return is_due(pass, work) && clock_says_over(h, pass, work);
}

static void book(struct jeff_heap *h, struct pass *pass, uint32_t blocks, uint32_t granules)
{
    if (!pass->moved_any) {
        h->compactions++;
        end_weak_locks(h);
    }
    pass->moved_any = true;
    pass->moved_blocks += blocks;
    pass->moved_bytes += (size_t)granules * GRANULE;
    h->moved_blocks += blocks;
    h->moved_bytes += (uint64_t)granules * GRANULE;
}

/// Copying leaves both places hidden, whether the block was locked weakly or not.
static inline void forget_shown(struct entry *e)
{
    if (!(e->cw & CW_MAPPED))
        e->cw &= ~CW_SHOWN;
}

static void tell(struct jeff_heap *h, uint32_t slot, uint32_t from, uint32_t to, uint32_t size)
{
    const struct entry *e = entry_at(h, slot);
    const bool wide = (e->cw & CW_WIDE) != 0;
    if (e->cw & CW_MAPPED)
        return;
    char *const address = at(h, to + wide);
    const size_t bytes = block_capacity(size, wide);
    show_moved(h, e);
    h->moved(h->context, handle_of_slot(h, slot), at(h, from + wide), address, bytes);
    hide_moved(h, e, address, bytes);
}

void pass_book_move(struct jeff_heap *h, struct pass *pass, uint32_t slot, uint32_t from, uint32_t to, uint32_t size)
{
    struct entry *e = entry_at(h, slot);
    // The entry first: booking looks at all blocks if some were locked weakly.
    e->off = to + ((e->cw & CW_WIDE) != 0);
    forget_shown(e);
    gate_release(h, slot);
    book(h, pass, 1, size);
    pass->work += (uint64_t)size * GRANULE;
    if (UNLIKELY(h->moved != NULL))
        tell(h, slot, from, to, size);
}

/// Copies the blocks that moved by the same distance, in one go.
static inline void copy_run(struct jeff_heap *h, struct slide *s)
{
    if (!s->run)
        return;
    hidden_move(at(h, s->dst - s->run) - HEADER, at(h, s->src - s->run) - HEADER, (size_t)s->run * GRANULE);
    s->run = 0;
}

/// Brings memory and counters to where the pass stands. Whoever looks at either from outside must find it so.
static void catch_up(struct jeff_heap *h, struct pass *pass, struct slide *s)
{
    copy_run(h, s);
    h->visited_blocks += s->visited;
    if (s->moved)
        book(h, pass, s->moved, s->moved_granules);
    s->visited = s->moved = s->moved_granules = 0;
}

/// Turns the gap into a hole, or lowers the top if nothing lies above it.
static void close_gap(struct jeff_heap *h, struct slide *s)
{
    if (s->dst == s->src)
        return;
    while (s->src < h->top) {
        const uint32_t header = header_of(h, s->src);
        if (!is_hole(header))
            break;
        const uint32_t size = hole_size(h, s->src, header);
        hole_unlink(h, s->src, size);
        s->src += size;
    }
    if (s->src == h->top)
        h->top = s->dst;
    else
        hole_make(h, s->dst, s->src - s->dst);
}

/// How far memory was fetched.
struct lookahead {
    const char *fetched; ///< headers
    uint32_t entries;    ///< entries of the blocks below
    unsigned count;      ///< of these blocks
};

/// Fetches headers and entries some way ahead: a pass is bound by memory, not by work.
static FLATTENED void fetch_ahead(const struct jeff_heap *h, struct lookahead *ahead, uint32_t src, uint32_t top)
{
    if (top < FETCH_FROM)
        return;
    const char *from = at(h, src);
    if (ahead->fetched < from)
        ahead->fetched = from;
    for (; ahead->fetched < from + FETCH_BYTES; ahead->fetched += FETCH_LINE)
        PREFETCH(ahead->fetched);
    if (ahead->entries < src) {
        ahead->entries = src;
        ahead->count = 0;
    }
    while (ahead->entries < top && ahead->count < FETCH_ENTRIES) {
        const uint32_t header = header_of(h, ahead->entries);
        if (is_hole(header)) {
            ahead->entries += hole_size(h, ahead->entries, header);
        } else {
            PREFETCH(entry_at(h, header & SLOT_MASK));
            ahead->entries += block_size(h, ahead->entries, header);
        }
        ahead->count++;
    }
    assert(ahead->count); // what starts at src is one of them
    ahead->count--;
}

enum step { STEP_NEXT, STEP_PAUSE, STEP_WHOLE };

/// Makes a hole of the gap and goes on above the block, which stays where it is.
static FLATTENED enum step pass_by(struct jeff_heap *h, struct slide *s, uint32_t size)
{
    copy_run(h, s);
    if (s->src > s->dst)
        hole_make(h, s->dst, s->src - s->dst);
    else
        assert(!(header_of(h, s->src) & FREE_BELOW)); // that hole would be the gap
    s->src += size;
    s->dst = s->src;
    s->passed = true;
    return STEP_NEXT;
}

/// Copies a piece of a large block to where it will lie. Both ends come last: the words of the hole that is there between two
/// calls need their place.
static void copy_piece(struct jeff_heap *h, struct pass *pass, const struct slide *s, uint32_t to, uint32_t done,
                       uint32_t granules)
{
    hidden_copy(at(h, to + done) - HEADER, at(h, s->src + done) - HEADER, (size_t)granules * GRANULE);
    book(h, pass, 0, granules);
    pass->work += (uint64_t)granules * GRANULE;
}

/// Moves a large block that does not overlap with its new place, in pieces, over as many calls as it takes. Until all of it is there the
/// block lives where it was; a lock or a resize between two calls clears CW_HALFWAY.
/// @return STEP_WHOLE: it is to be moved as a small one is
static COLD enum step slide_in_pieces(struct jeff_heap *h, struct pass *pass, struct slide *s, uint32_t slot,
                                      uint32_t to, uint32_t size)
{
    struct entry *e = entry_at(h, slot);
    const bool begun = s->halfway_slot == slot;
    const uint32_t had = s->halfway_done;
    s->halfway_slot = s->halfway_done = 0; // unless it pauses once more
    catch_up(h, pass, s);
    if (!gate_claim(h, slot))
        return pass_by(h, s, size); // another thread has locked it, or wants to: what was copied of it is void
    uint32_t done = gate_is_halfway(h, slot) ? had : 0;
    if (begun && !done && pass->deadline_ns) {
        // It is in use: to begin anew in each call would get it nowhere.
        gate_release(h, slot);
        return STEP_WHOLE;
    }
    done = larger(done, 1);
    forget_shown(e);
    while (done < size - 1) {
        if (is_due(pass, 0) && clock_says_over(h, pass, 0) && s->passed) {
            gate_release_halfway(h, slot);
            s->halfway_slot = slot;
            s->halfway_done = done;
            return STEP_PAUSE;
        }
        if (gate_is_wanted(h, slot)) {
            gate_release(h, slot);
            return pass_by(h, s, size);
        }
        const uint32_t left = size - 1 - done, piece = left < PIECE / GRANULE ? left : PIECE / GRANULE;
        copy_piece(h, pass, s, to, done, piece);
        done += piece;
        s->passed = true; // the next call goes on from here
    }
    copy_piece(h, pass, s, to, size - 1, 1);
    copy_piece(h, pass, s, to, 0, 1);
    clear_free_below(h, to);
    if (to > s->dst)
        hole_make(h, s->dst, to - s->dst);
    e->off = to + ((e->cw & CW_WIDE) != 0);
    gate_release(h, slot);
    const uint32_t from = s->src;
    s->dst = to + size;
    s->src += size;
    book(h, pass, 1, 0);
    if (h->moved)
        tell(h, slot, from, to, size);
    return STEP_NEXT;
}

/// Moves a live block down to the gap's start, or lets it stay where it is. `plain`: see slide().
static FLATTENED enum step slide_live(struct jeff_heap *h, struct pass *pass, struct slide *s, struct entry *e,
                                      uint32_t header, uint32_t size, bool plain)
{
    const bool pinned = (!plain && pass->stay) || (locks_of(e) && !(e->cw & CW_MAPPED));
    const bool wide = class_of(header) == CLASS_WIDE;
    uint32_t to = pinned ? s->src : s->dst;
    if (wide && !pinned)
        to = aligned_start(h, s->dst, alignment_of(h, s->src, header), true);
    if (to == s->src)
        return pass_by(h, s, size);

    const uint64_t bytes = (uint64_t)size * GRANULE;
    if (!plain) {
        if ((pass->deadline_ns || is_shared(h)) && bytes > PIECES_FROM && to + size <= s->src) {
            const enum step step = slide_in_pieces(h, pass, s, header & SLOT_MASK, to, size);
            if (step != STEP_WHOLE)
                return step;
        }
        if (!pass_can_move(pass, size)) {
            // It is left for a longer call, and the pass goes around it.
            pass->left_blocks++;
            return pass_by(h, s, size);
        }
        // A call that passed no block would leave as much to the next one as it had found.
        if (is_due(pass, bytes)) {
            catch_up(h, pass, s);
            if (clock_says_over(h, pass, bytes) && s->passed)
                return STEP_PAUSE;
        }
        if (!gate_claim(h, header & SLOT_MASK))
            return pass_by(h, s, size);
        pass->work += bytes;
    }

    const uint32_t from = s->src;
    if (to > s->dst || s->run >= RUN_MOST)
        copy_run(h, s);
    set_header(h, from, header & ~FREE_BELOW);
    if (to > s->dst) {
        hidden_move(at(h, to) - HEADER, at(h, from) - HEADER, (size_t)bytes);
        hole_make(h, s->dst, to - s->dst);
    } else {
        s->run += size;
    }
    e->off = to + wide;
    forget_shown(e);
    s->dst = to + size;
    s->src = from + size;
    s->passed = true;
    s->moved++;
    s->moved_granules += size;
    if (!plain && is_shared(h)) {
        catch_up(h, pass, s);
        gate_release(h, header & SLOT_MASK);
    }
    if (!plain && h->moved != NULL) {
        catch_up(h, pass, s);
        tell(h, header & SLOT_MASK, from, to, size);
    }
    return STEP_NEXT;
}

static bool gap_serves(const struct jeff_heap *h, const struct pass *pass, const struct slide *s)
{
    if (!pass->wanted)
        return false;
    const struct request *wanted = pass->wanted;
    const uint64_t start = aligned_start(h, s->dst, wanted->alignment, wanted->wide);
    return start + wanted->granules <= s->src;
}

static void slide_begin(struct jeff_heap *h, struct slide *s, bool resume)
{
    uint32_t start = resume && h->cursor ? h->cursor : h->first;
    // A hole that grew right below the cursor belongs to the gap.
    if (start < h->top && header_of(h, start) & FREE_BELOW)
        start = hole_below(h, start);
    *s = (struct slide){.dst = start, .src = start};
    if (start == h->halfway_hole) {
        s->halfway_slot = h->halfway_slot;
        struct entry *e = entry_at(h, s->halfway_slot);
        assert(is_live(e)); // else the hole below it would have grown
        if (e->cw & CW_HALFWAY) {
            s->halfway_done = h->halfway_done;
            e->cw &= ~CW_HALFWAY;
        }
        const uint32_t size = hole_size(h, start, header_of(h, start));
        h->halfway_hole = 0;
        h->hole_granules -= size;
        s->src += size;
    } else if (h->halfway_hole) {
        hole_release(h); // another pass has begun below it
    }
}

/// The pass proper, compiled twice. `plain`: everything movable is moved, no matter how long it takes, and nobody is told.
static FLATTENED enum jeff_stop slide(struct jeff_heap *h, struct pass *pass, struct slide *state, bool plain)
{
    struct slide s = *state; // in registers, as far as nobody is given its address
    struct lookahead ahead = {0};
    enum jeff_stop stop = JEFF_STOP_DONE;
    if (plain)
        holes_forget(h);
    const uint32_t top = h->top;
    while (s.src < top) {
        if (!plain) {
            if (gap_serves(h, pass, &s)) {
                stop = JEFF_STOP_GOAL;
                break;
            }
            if (is_due(pass, 0)) {
                catch_up(h, pass, &s);
                if (clock_says_over(h, pass, 0)) {
                    stop = JEFF_STOP_BUDGET;
                    break;
                }
            }
            pass->work += VISIT_WORK;
        }
        fetch_ahead(h, &ahead, s.src, top);
        s.visited++;
        const uint32_t header = header_of(h, s.src);
        if (is_hole(header)) {
            copy_run(h, &s);
            const uint32_t size = hole_size(h, s.src, header);
            if (!plain)
                hole_unlink(h, s.src, size);
            s.src += size;
            continue;
        }
        const uint32_t size = block_size(h, s.src, header);
        struct entry *e = entry_at(h, header & SLOT_MASK);
        if (!is_live(e)) {
            copy_run(h, &s);
            if (!plain)
                entry_bury(h, e, size);
            s.src += size;
            continue;
        }
        if (slide_live(h, pass, &s, e, header, size, plain) == STEP_PAUSE) {
            stop = JEFF_STOP_BUDGET;
            break;
        }
    }
    if (plain)
        cached_forget(h);
    *state = s;
    return stop;
}

/// After a pass that paused in front of a block that is halfway, or in the middle of it: the gap is reserved for it.
static void halfway_keep(struct jeff_heap *h, const struct slide *s)
{
    entry_at(h, s->halfway_slot)->cw |= CW_HALFWAY;
    hole_reserve(h, s->dst);
    h->halfway_slot = s->halfway_slot;
    h->halfway_done = s->halfway_done;
}

enum jeff_stop pass_run(struct jeff_heap *h, struct pass *pass, bool resume)
{
    struct slide s;
    slide_begin(h, &s, resume);
    const size_t small_limit = moving_begin(h);
    const bool plain = !pass->deadline_ns && !pass->stay && !h->moved && !is_shared(h);
    assert(!resume || pass->deadline_ns); // all of the heap, or as much as there is time for
    const enum jeff_stop stop = plain ? slide(h, pass, &s, true) : slide(h, pass, &s, false);
    catch_up(h, pass, &s);
    close_gap(h, &s);
    if (stop == JEFF_STOP_BUDGET && s.halfway_done)
        halfway_keep(h, &s);
    assert(stop == JEFF_STOP_DONE || s.dst < h->top); // it stops in front of something
    h->cursor = stop == JEFF_STOP_DONE ? 0 : s.dst;
    compacting_end(h, small_limit);
    if (!pass->deadline_ns && !pass->keep_ends) {
        if (!cached_count(h))
            table_tidy(h);
        if (h->pages)
            pages_trim(h);
    }
    return stop;
}

static void set_budget(struct jeff_heap *h, struct pass *pass, uint64_t budget_ns, uint64_t begin_ns)
{
    pass->budget_ns = budget_ns;
    pass->deadline_ns = budget_ns > UINT64_MAX - begin_ns ? UINT64_MAX : begin_ns + budget_ns;
    pass->read_ns = begin_ns;
    pass->pace_ps = h->pace_ps;
    const uint64_t half = work_within(pass, budget_ns / 2);
    pass->due = half < LEAST_WORK ? LEAST_WORK : half < STEP_WORK ? half : STEP_WORK;
}

/// Keeps what the next call wants to know beforehand. Ending takes longer at times, and that is what must be reckoned with: the
/// figure rises at once and sinks slowly. An interruption must not make it believe too much.
static void learn(struct jeff_heap *h, const struct pass *pass, uint64_t end_ns)
{
    h->pace_ps = (uint16_t)(pass->pace_ps < UINT16_MAX ? pass->pace_ps : UINT16_MAX);
    const uint64_t took = end_ns > pass->read_ns ? end_ns - pass->read_ns : 0;
    const uint32_t had = h->closing_ns, least = had - had / 16;
    const uint32_t most = had + had / 4 + 128 < UINT16_MAX ? had + had / 4 + 128 : UINT16_MAX;
    h->closing_ns = (uint16_t)(took < least ? least : took < most ? took : most);
}

enum jeff_stop jeff_compact(jeff_heap *h, uint32_t max_ms)
{
    if (h->busy) {
        fail(h, JEFF_ERROR_BUSY);
        return JEFF_STOP_BUSY;
    }
    struct pass pass = {0};
    if (max_ms)
        set_budget(h, &pass, (uint64_t)max_ms * 1000000, heap_now(h));
    const enum jeff_stop stop = pass_run(h, &pass, max_ms != 0);
    if (stop == JEFF_STOP_BUDGET)
        learn(h, &pass, heap_now(h));
    return stop;
}

enum jeff_stop jeff_compact_goal(jeff_heap *h, const struct jeff_goal *goal, struct jeff_report *report)
{
    const struct jeff_goal all = {0};
    struct jeff_report unused;
    goal = goal ? goal : &all;
    report = report ? report : &unused;
    *report = (struct jeff_report){.stop = JEFF_STOP_BUSY};
    if (h->busy) {
        fail(h, JEFF_ERROR_BUSY);
        return JEFF_STOP_BUSY;
    }

    const uint64_t begin = heap_now(h);
    const uint64_t budget_ns = goal->dry_run ? 0 : goal->budget_ns;
    const unsigned most = budget_ns ? RUNS_WITHIN_BUDGET : (unsigned)-1;
    const uint32_t largest = largest_run_among(h, most);
    struct request wanted;
    const bool possible = goal->wanted_bytes && request_make(goal->wanted_bytes, 0, &wanted);
    struct pass pass = {.wanted = possible ? &wanted : NULL};
    *report = (struct jeff_report){
        .stop = JEFF_STOP_GOAL,
        .largest_before = run_capacity(largest),
        .largest_after = run_capacity(largest),
    };
    uint64_t end = begin;
    if (goal->wanted_bytes && !possible) {
        report->stop = JEFF_STOP_DONE;
    } else if (possible && largest >= run_needed(&wanted)) {
        report->stop = JEFF_STOP_GOAL;
    } else if (!budget_ns) {
        goal_reach(h, &pass, goal->dry_run, report);
        end = heap_now(h);
    } else {
        set_budget(h, &pass, budget_ns, begin);
        report->stop = pass_run(h, &pass, true);
        if (report->stop == JEFF_STOP_DONE)
            report->stop = possible && largest_run(h) >= run_needed(&wanted) ? JEFF_STOP_GOAL : evacuate(h, &pass);
        report->moved_blocks = pass.moved_blocks;
        report->moved_bytes = pass.moved_bytes;
        report->left_blocks = pass.left_blocks;
        report->largest_after = run_capacity(largest_run_among(h, most));
        end = heap_now(h);
        if (report->stop == JEFF_STOP_BUDGET)
            learn(h, &pass, end);
    }
    report->time_ns = end - begin;
    return report->stop;
}
