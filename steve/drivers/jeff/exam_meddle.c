/// An exam of blocks that are used while others move: large ones that move in pieces, over several calls, and a callback that frees, locks
/// and unlocks blocks in the middle of a plan. What is in the blocks must be what was written last, and what is locked must stay.
#include "steve/drivers/jeff/exam_internal.h"

#include <string.h>

#define ROUNDS     12u
#define CALLS_MOST 200u
/// So many free runs of about the size of a request are tried before blocks are moved for it.
#define TRIED 4u
/// The handle may take some of it.
#define TABLE_SLACK 32u
/// What a call moves at once of a block that moves in pieces, and some visits.
#define PIECE       1280u
#define PIECES_FROM 4096u

struct meddler {
    struct exam *e;
    uint8_t mark[EXAM_BLOCKS];    ///< what each byte of the block is
    void *locked_at[EXAM_BLOCKS]; ///< NULL: not locked
    jeff_handle handle[EXAM_BLOCKS];
    uint32_t count;
    uint8_t next;
    bool meddles;   ///< the callback does
    bool used;      ///< some block was, since the last call
    uint32_t plain; ///< of so many blocks one has an alignment
};

static void fill(struct meddler *m, uint32_t i, void *bytes)
{
    m->used = true;
    m->mark[i] = m->next++;
    memset(bytes, m->mark[i], jeff_usable_size(m->e->heap, m->handle[i]));
}

static void drop(struct meddler *m, uint32_t i)
{
    if (m->locked_at[i] != NULL || !jeff_free(m->e->heap, m->handle[i]))
        return;
    m->count--;
    m->mark[i] = m->mark[m->count];
    m->handle[i] = m->handle[m->count];
    m->locked_at[i] = m->locked_at[m->count];
}

static void lock(struct meddler *m, uint32_t i)
{
    m->used = true;
    void *const address = jeff_lock(m->e->heap, m->handle[i]);
    if (address == NULL || (m->locked_at[i] != NULL && m->locked_at[i] != address))
        m->e->wrong = "a locked block has moved, or cannot be locked again";
    if (m->locked_at[i] != NULL)
        jeff_unlock(m->e->heap, m->handle[i]);
    m->locked_at[i] = address;
}

static void unlock(struct meddler *m, uint32_t i)
{
    if (m->locked_at[i] != NULL)
        jeff_unlock(m->e->heap, m->handle[i]);
    m->locked_at[i] = NULL;
}

/// The next one that is locked.
static void unlock_next(struct meddler *m, uint32_t i)
{
    for (uint32_t tried = 1; tried < m->count && m->locked_at[i] == NULL; tried++)
        i = (i + 1) % m->count;
    unlock(m, i);
}

/// Uses a block, in one of the ways that a client has also inside of a callback.
static void use(struct meddler *m)
{
    if (m->count == 0)
        return;
    const uint32_t i = steve_exam_draw(m->e, m->count);
    switch (steve_exam_draw(m->e, 8)) {
    case 0:
        drop(m, i);
        break;
    case 1:
    case 2:
        lock(m, i);
        break;
    case 3:
    case 4:
        unlock_next(m, i);
        break;
    case 5:
        fill(m, i, jeff_weak_lock(m->e->heap, m->handle[i]));
        break;
    default:
        fill(m, i, jeff_lock(m->e->heap, m->handle[i]));
        jeff_unlock(m->e->heap, m->handle[i]);
    }
}

static void moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct meddler *m = context;
    (void)from;
    if (jeff_usable_size(m->e->heap, handle) != bytes || jeff_weak_lock(m->e->heap, handle) != to)
        m->e->wrong = "the callback `moved` is told of a block that is none, or lies elsewhere";
    while (m->meddles && steve_exam_draw(m->e, 3) == 0)
        use(m);
    if (m->meddles && m->plain == 2 && m->count > 8 && steve_exam_draw(m->e, 4) == 0)
        drop(m, steve_exam_draw(m->e, m->count));
}

static uint64_t now(void *context)
{
    const struct meddler *m = context;
    struct jeff_stats stats;
    if (m->e->heap == NULL)
        return 0; // asked while it is being made
    jeff_stats(m->e->heap, &stats);
    return stats.moved_bytes + 16 * stats.visited_blocks;
}

static const char *look(struct meddler *m)
{
    m->used = true;
    // Before the blocks are looked at, which ends what is left of marks.
    if (jeff_check(m->e->heap, NULL) != JEFF_OK)
        return "a heap is damaged in which blocks were used while others moved";
    for (uint32_t i = 0; i < m->count; i++) {
        const unsigned char *const bytes = jeff_weak_lock(m->e->heap, m->handle[i]);
        const size_t size = jeff_usable_size(m->e->heap, m->handle[i]);
        if (bytes == NULL || (m->locked_at[i] != NULL && m->locked_at[i] != bytes))
            return "a block is lost, or moved although it is locked";
        if (size != 0 && (bytes[0] != m->mark[i] || memcmp(bytes, bytes + 1, size - 1) != 0))
            return "a block that was used while others moved has lost its contents";
    }
    return m->e->wrong;
}

static void make(struct meddler *m, uint32_t least, uint32_t most)
{
    if (m->count == EXAM_BLOCKS)
        return;
    const size_t bytes = steve_exam_capacity(least + steve_exam_draw(m->e, most - least + 1));
    const jeff_handle handle = steve_exam_draw(m->e, m->plain) == 0 ? jeff_aligned_alloc(m->e->heap, 64, bytes)
                                                                    : jeff_malloc(m->e->heap, bytes);
    if (handle == JEFF_NULL)
        return;
    m->handle[m->count] = handle;
    m->locked_at[m->count] = NULL;
    fill(m, m->count++, jeff_weak_lock(m->e->heap, handle));
}

static bool count_free(void *context, const struct jeff_block *block)
{
    *(uint32_t *)context += block->kind == JEFF_BLOCK_FREE;
    return true;
}

/// A run that a report tells of serves a request at once, also one that a block is being copied into.
static const char *take_told(struct meddler *m, size_t bytes)
{
    struct jeff_stats was;
    struct jeff_stats is;
    jeff_stats(m->e->heap, &was);
    uint32_t runs = 0;
    jeff_walk(m->e->heap, count_free, &runs);
    if (was.spare_handles == 0 || bytes < 2 * TABLE_SLACK || runs > TRIED)
        return NULL;
    const jeff_handle handle = jeff_malloc(m->e->heap, bytes - TABLE_SLACK);
    jeff_stats(m->e->heap, &is);
    if (handle == JEFF_NULL || is.visited_blocks != was.visited_blocks || is.moved_blocks != was.moved_blocks)
        return "a request is refused, or moves blocks, although a report tells of a run for it";
    jeff_free(m->e->heap, handle);
    return NULL;
}

/// The block right above the first gap, which is the one that a call has paused in, if in any.
struct above_gap {
    bool gap;
    jeff_handle handle;
};

static bool find_above_gap(void *context, const struct jeff_block *block)
{
    struct above_gap *above = context;
    above->gap = above->gap || block->kind != JEFF_BLOCK_LIVE;
    above->handle = above->gap && block->kind == JEFF_BLOCK_LIVE ? block->handle : JEFF_NULL;
    return above->handle == JEFF_NULL;
}

static void drop_above_gap(struct meddler *m)
{
    struct above_gap above = {false, JEFF_NULL};
    jeff_walk(m->e->heap, find_above_gap, &above);
    for (uint32_t i = 0; i < m->count; i++)
        if (m->handle[i] == above.handle) {
            drop(m, i);
            return;
        }
}

/// A large block that a call has brought to where it does not overlap with its old place, and nobody had used, did not take longer than
/// the budget.
static const char *judge_pieces(struct meddler *m, const uintptr_t *was_at, uint64_t budget, uint64_t took)
{
    uint32_t moved = 0;
    bool in_pieces = false;
    for (uint32_t i = 0; i < m->count; i++) {
        void *begin = NULL;
        const size_t size = jeff_extent(m->e->heap, m->handle[i], &begin);
        moved += (uintptr_t)begin != was_at[i];
        in_pieces = in_pieces || (size > PIECES_FROM && (uintptr_t)begin + size <= was_at[i]);
    }
    return moved == 1 && in_pieces && took > budget + PIECE
               ? "a large block that can be moved in pieces is moved at once although the time is over"
               : NULL;
}

/// Calls with a budget until nothing is left to do, and blocks that are used between them.
static const char *in_calls(struct meddler *m)
{
    // Each block after each call, so that no piece of one is left as it was copied, or none.
    const uint32_t draw = steve_exam_draw(m->e, 4);
    const bool all = draw == 0;
    const bool none = draw == 1;
    const struct jeff_goal goal = {.wanted_bytes = 16 * (size_t)EXAM_HEAP,
                                   .budget_ns = 1200 + steve_exam_draw(m->e, 4096)};
    struct jeff_report report;
    const char *wrong = NULL;
    m->used = true;
    for (uint32_t calls = 0; calls < CALLS_MOST && wrong == NULL; calls++) {
        uintptr_t was_at[EXAM_BLOCKS];
        for (uint32_t i = 0; i < m->count; i++) {
            void *begin = NULL;
            jeff_extent(m->e->heap, m->handle[i], &begin);
            was_at[i] = (uintptr_t)begin;
        }
        const bool used = m->used || m->meddles || calls == 0; // the first has to learn how long a move takes
        m->used = false;
        const enum jeff_stop stop = jeff_compact_goal(m->e->heap, &goal, &report);
        if (report.left_blocks != 0)
            return "a call with a budget leaves a block of less than a step for a longer one";
        if (!used)
            wrong = judge_pieces(m, was_at, goal.budget_ns, report.time_ns);
        // Some end early: whatever is done next meets a block that is halfway.
        if (wrong == NULL && (stop != JEFF_STOP_BUDGET || (!all && !none && steve_exam_draw(m->e, 16) == 0)))
            return look(m);
        if (all) {
            for (uint32_t i = 0; i < m->count; i++) {
                fill(m, i, jeff_lock(m->e->heap, m->handle[i]));
                jeff_unlock(m->e->heap, m->handle[i]);
            }
        } else if (none) {
            continue;
        } else if (steve_exam_draw(m->e, 8) == 0) {
            drop_above_gap(m);
        } else if (steve_exam_draw(m->e, 2) == 0) {
            use(m);
        } else if (steve_exam_draw(m->e, 4) == 0) {
            wrong = take_told(m, report.largest_after);
        } else if (steve_exam_draw(m->e, 4) == 0) {
            make(m, 1, 20);
        }
        if (wrong == NULL && (all || steve_exam_draw(m->e, 4) == 0))
            wrong = look(m);
    }
    return wrong != NULL ? wrong : "calls with a budget do not come to an end while blocks are used";
}

/// The largest run, or one a little larger than what there is.
static void reach(struct meddler *m)
{
    struct jeff_goal goal = {.dry_run = true};
    struct jeff_report report;
    jeff_compact_goal(m->e->heap, &goal, &report);
    goal.dry_run = steve_exam_draw(m->e, 8) == 0;
    if (steve_exam_draw(m->e, 4) != 0)
        goal.wanted_bytes = report.largest_before + GRANULE * steve_exam_draw(m->e, 20);
    jeff_compact_goal(m->e->heap, &goal, NULL);
}

static const char *step(struct meddler *m, bool pieces)
{
    const uint32_t draw = steve_exam_draw(m->e, 16);
    if (draw < 5) {
        make(m, 1, pieces ? 600 : 16);
    } else if (draw < 9) {
        use(m);
    } else if (draw < 10) {
        jeff_compact(m->e->heap, 0);
    } else if (draw < 11 && m->count > 0) {
        jeff_settle(m->e->heap, m->handle[steve_exam_draw(m->e, m->count)]);
    } else if (pieces || draw == 15) {
        return in_calls(m);
    } else {
        reach(m);
    }
    return look(m);
}

/// Blocks with crumbs of free memory between them: hardly anything can be had but by sliding everything first.
static void make_crumbs(struct meddler *m)
{
    const uint32_t crumb = 1 + steve_exam_draw(m->e, 2);
    for (uint32_t i = 0; i < EXAM_BLOCKS / 2; i++) {
        make(m, crumb, crumb);
        make(m, crumb + 1, 12);
    }
    for (uint32_t i = m->count; i-- > 0;)
        if (jeff_usable_size(m->e->heap, m->handle[i]) == steve_exam_capacity(crumb))
            drop(m, i);
    for (uint32_t i = 0; i < m->count; i++)
        if (steve_exam_draw(m->e, 6) == 0)
            lock(m, i);
}

const char *steve_exam_meddle(struct exam *e)
{
    static _Alignas(16) char memory[EXAM_HEAP];
    const bool pieces = steve_exam_draw(e, 2) == 0;
    struct meddler m = {.e = e, .meddles = !pieces || steve_exam_draw(e, 4) == 0};
    m.plain = pieces || steve_exam_draw(e, 2) == 0 ? 8 : 2;
    const struct jeff_config config = {
        .handle_salt = 1, .now_ns = now, .moved = m.meddles ? moved : NULL, .context = &m};
    e->heap = NULL;
    e->heap = jeff_init(memory, pieces ? EXAM_HEAP : 1024 + steve_exam_draw(e, 2048), &config, NULL);
    if (e->heap == NULL)
        return "a small heap cannot be made";
    const char *wrong = NULL;
    if (!pieces && steve_exam_draw(e, 2) == 0) {
        make_crumbs(&m);
        reach(&m);
        wrong = look(&m);
    } else {
        for (uint32_t i = 0; i < (pieces ? 8 : 48); i++)
            make(&m, 1, pieces ? 600 : 16);
        for (uint32_t i = 0; i < (pieces ? 2 : 12); i++)
            use(&m);
        if (m.count > 2)
            drop(&m, steve_exam_draw(e, m.count / 2));
        for (uint32_t i = 0; !pieces && i < 3 && wrong == NULL; i++) {
            jeff_compact(e->heap, 0);
            reach(&m); // with what the callback has freed meanwhile where it was
            wrong = look(&m);
            use(&m);
        }
    }
    for (uint32_t i = 0; i < ROUNDS && wrong == NULL; i++)
        wrong = step(&m, pieces);
    return wrong;
}
