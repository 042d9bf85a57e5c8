/// An exam of budgets by a clock that is known: each byte moved takes as long as the next, and what follows the last look at the
/// clock takes its time, too. Once a heap has learned both, its calls keep to the budget and use it, to one look at the clock and
/// one block; what the clock does once makes little of a difference.
#include "steve/drivers/jeff/exam_internal.h"

#define PACE_HEAP  ((size_t)512 * 1024)
#define VISIT      16u
#define SMALL_MOST 40u  ///< granules of a block
#define LARGE_MOST 600u ///< of a block in some heaps: less than a step
/// Between two looks at the clock so much work is done at least, in a heap with blocks that move in pieces and in others.
#define STEP        16384u
#define PIECE       1040u
#define WALK        (EXAM_BLOCKS * VISIT) ///< over all blocks, which cannot be broken off
#define LOOK        128u
#define LOOKS_MOST  14u ///< near the end, where half of what can be done is done between two
#define PIECES_FROM 4096u
/// A pace is known to one part in so many.
#define EXACT_PARTS 64u
#define SLOWEST     15u  ///< ns for a byte: a heap remembers four times as much
#define ENDING_MOST 600u ///< ns
#define MILLISECOND UINT64_C(1000000)
#define LEARNING    5u ///< calls after which a clock is known, and twice as many if another was known before
#define JUDGED      5u
#define ENDINGS     60u
#define ROUNDED_NS  16u  ///< so little too much may be thought for ever of how long ending takes
#define AT_ONCE_NS  128u ///< and so much more, and a quarter, after one call in which it took for ever

static _Alignas(16) char memory[PACE_HEAP];

struct pace {
    struct exam *e;
    jeff_heap *heap;
    uint64_t work, now_ns;
    uint64_t unit_ns, ending_ns;
    bool begins; ///< the next look is the first of a call
    uint32_t looks;
    uint32_t count;
    uint32_t largest; ///< bytes of the largest block
    jeff_handle handle[EXAM_BLOCKS];
};

static uint64_t look(void *context)
{
    struct pace *p = context;
    if (p->heap == NULL)
        return 0; // asked while it is being made
    struct jeff_stats stats;
    jeff_stats(p->heap, &stats);
    const uint64_t work = stats.moved_bytes + VISIT * stats.visited_blocks;
    if (!p->begins) // nothing was done since the last look: that one ended the call
        p->now_ns += work == p->work ? p->ending_ns : (work - p->work) * p->unit_ns;
    p->work = work;
    p->looks = p->begins ? 1 : p->looks + 1;
    p->begins = false;
    return p->now_ns;
}

static bool make(struct pace *p, uint32_t most)
{
    struct exam *const e = p->e;
    const struct jeff_config config = {.handle_salt = 1, .now_ns = look, .context = p};
    p->heap = NULL;
    p->heap = e->heap = jeff_init(memory, PACE_HEAP, &config, NULL);
    while (p->heap != NULL && p->count < EXAM_BLOCKS) {
        const uint32_t bytes = (1 + steve_exam_draw(e, most)) * GRANULE - HEADER;
        const jeff_handle handle = jeff_malloc(p->heap, bytes);
        if (handle == JEFF_NULL)
            break;
        p->handle[p->count++] = handle;
        p->largest = bytes > p->largest ? bytes : p->largest;
    }
    return p->count == EXAM_BLOCKS;
}

/// Makes room low in the heap, so that all above it moves.
static void make_room(struct pace *p)
{
    const uint32_t i = steve_exam_draw(p->e, 1 + p->count / 4);
    const size_t had = jeff_usable_size(p->heap, p->handle[i]);
    if (p->count > EXAM_BLOCKS / 2 && steve_exam_draw(p->e, 2) == 0) {
        jeff_free(p->heap, p->handle[i]);
        for (uint32_t k = i + 1; k < p->count; k++)
            p->handle[k - 1] = p->handle[k];
        p->count--;
    } else if (had > 2 * GRANULE) {
        jeff_resize(p->heap, p->handle[i], had - GRANULE);
    }
}

/// What is known of a call.
struct call {
    uint64_t ns;
    uint64_t blocks; ///< that came to their places
    enum jeff_stop stop;
};

static struct call compact(struct pace *p, uint64_t budget_ns)
{
    const struct jeff_goal goal = {.wanted_bytes = 2 * PACE_HEAP, .budget_ns = budget_ns};
    struct jeff_stats was;
    struct jeff_stats is;
    jeff_stats(p->heap, &was);
    p->begins = true;
    const uint64_t begin_ns = look(p);
    p->begins = true;
    const enum jeff_stop stop =
        budget_ns == MILLISECOND ? jeff_compact(p->heap, 1) : jeff_compact_goal(p->heap, &goal, NULL);
    jeff_stats(p->heap, &is);
    // A call without a budget would not look at the clock when it ends.
    p->now_ns += (is.moved_bytes + VISIT * is.visited_blocks - p->work) * p->unit_ns;
    return (struct call){.ns = p->now_ns - begin_ns, .blocks = is.moved_blocks - was.moved_blocks, .stop = stop};
}

/// Calls under a clock that has changed. @param late_ns what the heap may believe beyond the truth that ending takes
static const char *judge_calls(struct pace *p, uint64_t budget_ns, uint32_t calls, uint32_t learning, uint64_t late_ns)
{
    const uint64_t slack_ns = budget_ns / EXACT_PARTS;
    const uint64_t look_ns = (p->largest > PIECES_FROM ? PIECE : LOOK) * p->unit_ns;
    uint64_t unused_ns = 0; // of the call before
    for (uint32_t i = 0; i < calls + learning; i++) {
        const struct call call = compact(p, budget_ns);
        if (call.blocks != 0 && unused_ns > p->largest * p->unit_ns + late_ns + slack_ns)
            return "a call with a budget ends although it has time for another block";
        unused_ns = 0;
        const bool paused = call.stop == JEFF_STOP_BUDGET;
        if (i >= learning && call.blocks > 1 &&
            call.ns > budget_ns + look_ns + slack_ns + (paused ? 0 : p->ending_ns + WALK * p->unit_ns))
            return "a call with a budget overruns it although it knows how long a move takes";
        if (i >= learning && p->looks > LOOKS_MOST + 2 * budget_ns / (p->unit_ns * STEP))
            return "a call with a budget looks at the clock more often than it has to";
        if (!paused)
            make_room(p);
        if (!paused || i < learning)
            continue;
        unused_ns = call.ns < budget_ns ? budget_ns - call.ns : 0;
    }
    return NULL;
}

/// Ending takes longer in every third call that pauses than in others: that is remembered from one such call to the next.
static const char *judge_endings(struct exam *e)
{
    struct pace p = {.e = e, .unit_ns = 1};
    if (!make(&p, SMALL_MOST))
        return NULL;
    const uint64_t budget_ns = 4096 + steve_exam_draw(e, 4096);
    const uint64_t longest_ns = ENDING_MOST / 2 + steve_exam_draw(e, ENDING_MOST / 2);
    uint32_t paused = 0;
    for (uint32_t i = 0; i < ENDINGS; i++) {
        p.ending_ns = paused % 3 == 0 ? longest_ns : longest_ns / 8;
        const struct call call = compact(&p, budget_ns);
        if (call.stop != JEFF_STOP_BUDGET)
            make_room(&p); // and nothing is learned
        else if (++paused > ENDINGS / 2 && call.ns > budget_ns + LOOK + budget_ns / EXACT_PARTS + longest_ns / 4)
            return "a call with a budget overruns it because ending takes as long as it did some calls ago";
    }
    return NULL;
}

const char *steve_exam_pace(struct exam *e)
{
    if (steve_exam_draw(e, 8) == 0)
        return judge_endings(e);
    const bool large = steve_exam_draw(e, 8) == 0;
    struct pace p = {.e = e, .unit_ns = 1 + steve_exam_draw(e, SLOWEST)};
    if (!make(&p, large ? LARGE_MOST : SMALL_MOST))
        return NULL;
    const uint64_t bytes = 4096 + steve_exam_draw(e, 8 * 1024);
    const uint64_t budget_ns = large ? MILLISECOND : bytes * p.unit_ns;
    p.ending_ns = steve_exam_draw(e, ENDING_MOST);
    make_room(&p);
    const char *wrong = judge_calls(&p, budget_ns, JUDGED, LEARNING, ROUNDED_NS);
    if (wrong != NULL)
        return wrong;
    // One call is interrupted when it ends.
    const uint64_t ending_ns = p.ending_ns;
    p.ending_ns = 1000 * budget_ns;
    const struct call interrupted = compact(&p, budget_ns);
    p.ending_ns = ending_ns;
    const uint64_t believed_ns = ending_ns / 4 + AT_ONCE_NS;
    wrong = judge_calls(&p, budget_ns, 2, 0, ROUNDED_NS + believed_ns);
    if (wrong != NULL || interrupted.stop != JEFF_STOP_BUDGET)
        return wrong;
    // From then on each move takes up to four times as long, or a part of it.
    const uint64_t factor = 1 + steve_exam_draw(e, 4);
    p.unit_ns = steve_exam_draw(e, 2) == 0 ? p.unit_ns * factor : 1 + p.unit_ns / factor;
    return judge_calls(&p, large ? MILLISECOND : bytes * p.unit_ns, JUDGED, 2 * LEARNING, ROUNDED_NS + believed_ns);
}
