/// An exam of where requests are served from: dozens of calls, after each of which all of the heap lies as policy.c says, to the granule; and
/// no more was moved, looked at or refused. What policy.c does not know, exam_room.c and exam_goal.c ask for.
#include "steve/drivers/jeff/exam_internal.h"

#include <string.h>

#include "steve/drivers/jeff/policy_internal.h"

#define HANDLE_SLOT   40u
#define FIRST_SLOT    0xfffffeu ///< the table grows down
#define SMALL_MOST    126u      ///< granules of a block without a record
#define ALIGNMENT_LOG 6u
#define CLEARED_MOST  8192u
/// Less than one part in so many of the free memory is not worth a compaction (lib/include/jeff.h).
#define WORTH_IT   32u
#define LARGE_HEAP (320u * 1024)
#define HUGE_HEAP  (8u * 1024 * 1024)
/// After so many frees of one block what is kept whole is counted.
#define GENERATIONS 256u

static _Alignas(4096) char memory[HUGE_HEAP];
static struct policy policy;

/// What is done beside making and freeing blocks.
enum act { PIN, DROP_CONTENTS, RESIZE, COMPACT, ACTS };

/// Whether blocks are made, freed, or both in turns; or some are made of other sizes than what was freed.
enum tide { FLOOD, SLACK, EBB, SURGE };

/// What the calls are like.
struct manner {
    size_t bytes;         ///< of the heap
    uint32_t calls;       ///< at most
    uint32_t least;       ///< granules of a block
    uint32_t spread;      ///< and how many sizes there are from there on
    uint32_t others;      ///< of 16 requests so many are for another size
    uint32_t aligned;     ///< and so many for aligned memory
    uint32_t share[ACTS]; ///< of 64 calls so many do that
    bool stays;           ///< no request moves anything
};

struct paper {
    struct exam *e;
    const struct manner *manner;
    bool frees_at_once;                ///< the callback `moved` frees all blocks
    uint32_t few;                      ///< blocks, at which the tide turns
    uint32_t count;                    ///< live blocks
    uint32_t live[POLICY_BLOCKS];      ///< their entries
    jeff_handle handle[POLICY_BLOCKS]; ///< by entry
    uint64_t refused;
    size_t table_bytes; ///< without entries
};

/* Whether the heap lies as it should */

struct comparison {
    const struct exam *e;
    uint32_t next;
    bool differs;
};

static bool compare(void *context, const struct jeff_block *block)
{
    struct comparison *const c = context;
    const uint32_t at = (uint32_t)(((uintptr_t)block->address - HEADER - c->e->arena) / GRANULE);
    if (c->next == policy.count) {
        c->differs = block->kind != JEFF_BLOCK_TOP || at != policy.top;
        return false;
    }
    const struct policy_stretch *const s = &policy.stretch[c->next++];
    const bool live = s->kind == POLICY_LIVE;
    const uint64_t slot = FIRST_SLOT - s->entry;
    c->differs = (block->kind == JEFF_BLOCK_LIVE) != live || at != s->begin + (live && s->wide) ||
                 (live && block->handle >> HANDLE_SLOT != slot) ||
                 block->bytes != (live ? (s->granules - s->wide) * GRANULE - HEADER : steve_exam_capacity(s->granules));
    return !c->differs;
}

static const char *judge(const struct paper *paper)
{
    struct comparison c = {.e = paper->e};
    struct jeff_stats stats;
    jeff_walk(paper->e->heap, compare, &c);
    jeff_stats(paper->e->heap, &stats);
    if (stats.moved_blocks != policy.moved_blocks || stats.moved_bytes != policy.moved_granules * GRANULE)
        return "another number of blocks is moved than README says";
    if (stats.visited_blocks != policy.visited)
        return "another number of blocks is looked at than README says";
    if (stats.refused != paper->refused)
        return "another number of requests is refused than README says";
    if (stats.table_bytes != paper->table_bytes + policy.entries * 12)
        return "the handle table is larger or smaller than README says";
    return c.differs || c.next != policy.count ? "a heap lies otherwise than README says" : NULL;
}

/* Calls */

static jeff_handle ask(struct exam *e, const struct policy_request *request, size_t bytes)
{
    if (request->alignment > 1)
        return jeff_aligned_alloc(e->heap, (size_t)request->alignment * GRANULE, bytes);
    if (bytes < CLEARED_MOST && steve_exam_draw(e, 4) == 0)
        return jeff_calloc(e->heap, 1, bytes);
    return jeff_malloc(e->heap, bytes);
}

/// @param others of 16 blocks so many are of another size
static uint32_t draw_granules(struct paper *paper, uint32_t others)
{
    const struct manner *const m = paper->manner;
    if (steve_exam_draw(paper->e, 16) < others)
        return 1 + steve_exam_draw(paper->e, 4 * (m->least + m->spread));
    return m->least + steve_exam_draw(paper->e, m->spread);
}

static const char *make(struct paper *paper, uint32_t others)
{
    struct exam *const e = paper->e;
    const uint32_t granules = draw_granules(paper, others);
    struct policy_request request = {.alignment = 1, .wide = granules > SMALL_MOST};
    if (steve_exam_draw(e, 16) < paper->manner->aligned) {
        request.alignment = 2u << steve_exam_draw(e, ALIGNMENT_LOG);
        request.wide = true;
    }
    const size_t bytes = (size_t)granules * GRANULE - HEADER - steve_exam_draw(e, GRANULE - HEADER);
    request.granules = granules + request.wide;
    const jeff_handle handle = ask(e, &request, bytes);
    const uint32_t entry = steve_policy_malloc(&policy, &request);
    if (policy.unknown || policy.overfull)
        return NULL;
    if (entry == POLICY_NONE) {
        paper->refused++;
        return handle == JEFF_NULL ? NULL : "a request is served that README says is refused";
    }
    if (handle == JEFF_NULL)
        return "a request is refused that README says is served";
    if (handle >> HANDLE_SLOT != FIRST_SLOT - entry)
        return "a request gets another handle than README says";
    paper->handle[entry] = handle;
    paper->live[paper->count++] = entry;
    return NULL;
}

static void drop(struct paper *paper, uint32_t i)
{
    const uint32_t entry = paper->live[i];
    const jeff_handle handle = paper->handle[entry];
    if (policy.entry[entry].locked || !jeff_free(paper->e->heap, handle))
        return;
    steve_policy_free(&policy, entry, (uint32_t)handle + 1);
    paper->live[i] = paper->live[--paper->count];
}

static void drop_entry(struct paper *paper, uint32_t entry)
{
    for (uint32_t i = 0; i < paper->count; i++)
        if (paper->live[i] == entry) {
            drop(paper, i);
            return;
        }
}

/// Frees blocks that lie side by side, from below or from above.
static void drop_neighbours(struct paper *paper)
{
    const bool up = steve_exam_draw(paper->e, 2) == 0;
    uint32_t at = steve_exam_draw(paper->e, policy.count);
    for (uint32_t n = 1 + steve_exam_draw(paper->e, 12); n > 0 && at < policy.count; n--) {
        drop_entry(paper, policy.stretch[at].entry);
        at += up ? 1 : UINT32_MAX;
    }
}

static void make_purgeable(struct paper *paper, uint32_t entry)
{
    const bool purgeable = !policy.entry[entry].purgeable;
    if (jeff_set_purgeable(paper->e->heap, paper->handle[entry], purgeable))
        steve_policy_set_purgeable(&policy, entry, purgeable);
}

static const char *resize(struct paper *paper, uint32_t entry)
{
    const struct policy_stretch *const block = steve_policy_block(&policy, entry);
    const uint32_t granules = draw_granules(paper, paper->manner->others);
    if (block == NULL || block->wide || granules > SMALL_MOST || policy.entry[entry].locked)
        return NULL;
    // Its own contents are not dropped for it.
    if (paper->manner->share[DROP_CONTENTS] != 0 && !policy.entry[entry].purgeable && steve_exam_draw(paper->e, 2) == 0)
        make_purgeable(paper, entry);
    const bool done = jeff_resize(paper->e->heap, paper->handle[entry],
                                  steve_exam_capacity(granules) - steve_exam_draw(paper->e, 12));
    const bool may_be = steve_policy_resize(&policy, entry, granules);
    paper->refused += !may_be;
    return done == may_be || policy.unknown ? NULL : "a resize is refused, or not, against what README says";
}

static void pin(struct paper *paper, uint32_t entry)
{
    struct policy_entry *const e = &policy.entry[entry];
    if (e->locked ? jeff_unlock(paper->e->heap, paper->handle[entry])
                  : jeff_lock(paper->e->heap, paper->handle[entry]) != NULL) {
        e->locked = !e->locked;
        policy.refused = e->locked ? policy.refused : POLICY_NONE;
    }
}

static const char *call(struct paper *paper, enum tide tide)
{
    static const uint32_t made_of_16[] = {[FLOOD] = 15, [SLACK] = 8, [EBB] = 0, [SURGE] = 16};
    struct exam *const e = paper->e;
    const uint32_t others_of_16[] = {[FLOOD] = 0, [SLACK] = paper->manner->others, [SURGE] = 16};
    if (paper->count == 0)
        return make(paper, 0);
    const uint32_t i = steve_exam_draw(e, paper->count);
    uint32_t draw = steve_exam_draw(e, 64);
    unsigned act = 0;
    for (; act < ACTS && draw >= paper->manner->share[act]; act++)
        draw -= paper->manner->share[act];
    switch (act) {
    case PIN:
        pin(paper, paper->live[i]);
        return NULL;
    case DROP_CONTENTS:
        make_purgeable(paper, paper->live[i]);
        return NULL;
    case RESIZE:
        return resize(paper, paper->live[i]);
    case COMPACT:
        jeff_compact(e->heap, 0);
        steve_policy_compact(&policy);
        return NULL;
    default:
        if (steve_exam_draw(e, 16) < made_of_16[tide])
            return make(paper, others_of_16[tide]);
        if (tide == SLACK && steve_exam_draw(e, 8) == 0)
            drop_neighbours(paper);
        else
            drop(paper, i);
        return NULL;
    }
}

/// The tide turns when something is refused, or few blocks are left, and now and then.
static enum tide turn(struct paper *paper, enum tide tide, bool refused)
{
    if (tide == FLOOD && (refused || paper->count == POLICY_BLOCKS)) {
        paper->few = steve_exam_draw(paper->e, paper->count + 1);
        return steve_exam_draw(paper->e, 2) == 0 ? EBB : SLACK;
    }
    if (tide == EBB)
        return paper->count <= paper->few ? SURGE : EBB;
    if (tide == SURGE)
        return steve_exam_draw(paper->e, 4) == 0 ? FLOOD : SURGE;
    return tide == SLACK && steve_exam_draw(paper->e, 32) == 0 ? 2 * steve_exam_draw(paper->e, 2) : tide;
}

/// Once in a while.
static uint32_t draw_share(struct exam *e, uint32_t of_so_many, uint32_t most)
{
    return steve_exam_draw(e, of_so_many) == 0 ? steve_exam_draw(e, most + 1) : 0;
}

static struct manner draw_manner(struct exam *e)
{
    struct manner m = {
        .bytes = 544 + steve_exam_draw(e, steve_exam_draw(e, 2) == 0 ? 1500 : 5000),
        .calls = 32 + steve_exam_draw(e, 64),
        .least = 1 + steve_exam_draw(e, steve_exam_draw(e, 12) + 1),
        .spread = 1 + steve_exam_draw(e, 10),
        .others = draw_share(e, 2, 4),
        .aligned = draw_share(e, 4, 4),
        .share = {[PIN] = draw_share(e, 3, 8),
                  [DROP_CONTENTS] = draw_share(e, 3, 16),
                  [RESIZE] = draw_share(e, 3, 8),
                  [COMPACT] = draw_share(e, 2, 1)},
        .stays = steve_exam_draw(e, 6) == 0,
    };
    switch (steve_exam_draw(e, 16)) {
    case 0: // blocks with records, some of which are dear to move
        m.bytes = 16u * 1024 + steve_exam_draw(e, 48 * 1024);
        m.least = 100 + steve_exam_draw(e, 200);
        m.spread = 1 + steve_exam_draw(e, 100);
        break;
    case 1:
    case 2: // many that are kept whole
        m.bytes = 1500 + steve_exam_draw(e, 6000);
        m.calls = 300;
        m.least = 1 + steve_exam_draw(e, 2);
        m.spread = 1 + steve_exam_draw(e, 3);
        break;
    case 3: // none that is, and holes of one class that are too small
        m.bytes = 64u * 1024 + steve_exam_draw(e, 128 * 1024);
        m.calls = 200;
        m.least = SMALL_MOST + 1;
        m.spread = 31;
        m.others = 0;
        break;
    case 4: // holes of the highest classes
        if (steve_exam_draw(e, 4) == 0) {
            m = (struct manner){.bytes = HUGE_HEAP, .calls = 64, .others = 2, .stays = true};
            m.least = 1 + steve_exam_draw(e, 40000);
            m.spread = 1 + steve_exam_draw(e, 40000);
        }
        break;
    default:
        break;
    }
    return m;
}

/// Frees all blocks: the highest ones, then those whose free counts what is kept whole, then the rest. If anything were merged already, the
/// heap's top would come down below a pass that is under way.
static void moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct paper *const paper = context;
    jeff_heap *const heap = paper->e->heap;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    for (uint32_t i = policy.count; i-- > 0 && policy.count - i < 8;)
        if (policy.stretch[i].kind == POLICY_LIVE)
            jeff_free(heap, paper->handle[policy.stretch[i].entry]);
    for (uint32_t i = 0; i < paper->count; i++)
        if (((paper->handle[paper->live[i]] + 1) & POLICY_TALLY) == 0)
            jeff_free(heap, paper->handle[paper->live[i]]);
    for (uint32_t i = 0; i < paper->count; i++)
        jeff_free(heap, paper->handle[paper->live[i]]);
}

static bool start(struct paper *paper)
{
    struct exam *const e = paper->e;
    const struct manner *const m = paper->manner;
    const struct jeff_config config = {
        .handle_salt = 1 + steve_exam_draw(e, 1000),
        .no_last_resort = m->stays,
        .moved = paper->frees_at_once ? moved : NULL,
        .context = paper,
    };
    e->heap = jeff_init(memory, m->bytes, &config, NULL);
    if (e->heap == NULL)
        return false;
    struct jeff_stats stats;
    jeff_stats(e->heap, &stats);
    e->arena = (uintptr_t)memory + stats.control_bytes;
    paper->table_bytes = stats.table_bytes;
    steve_policy_start(&policy, e->arena, m->bytes - stats.control_bytes - stats.table_bytes, m->bytes, m->stays);
    return true;
}

/// A number of bytes about which the granules that they take are more than 32 bits count.
static size_t beyond_all_heaps(struct exam *e)
{
    return (size_t)(SIZE_MAX > UINT32_MAX ? (uint64_t)GRANULE << 32 : SIZE_MAX / 2) + steve_exam_draw(e, 160) - 80;
}

static uint32_t largest(void)
{
    uint32_t granules = steve_policy_limit(&policy) - policy.top;
    for (uint32_t i = 0; i < policy.count; i++)
        if (policy.stretch[i].kind == POLICY_HOLE && policy.stretch[i].granules > granules)
            granules = policy.stretch[i].granules;
    return granules;
}

/// With nothing in the way a compaction for the largest run makes it larger, if that can be, also right after something was refused that is
/// larger than all free memory.
static const char *gather(struct paper *paper)
{
    struct exam *const e = paper->e;
    struct exam_map map;
    struct jeff_report report;
    const struct jeff_goal price = {.dry_run = true};
    jeff_compact_goal(e->heap, &price, &report);
    if (report.largest_before != steve_exam_capacity(largest()))
        return "the largest run is another one than README says";
    if (jeff_malloc(e->heap, beyond_all_heaps(e)) != JEFF_NULL)
        return "a request is served that no heap can hold";
    for (uint32_t i = steve_exam_draw(e, 4); i > 0; i--)
        jeff_malloc(e->heap, paper->manner->bytes - 4 * GRANULE);
    steve_exam_map(e, &map);
    if (paper->manner->bytes == HUGE_HEAP || paper->manner->share[PIN] != 0 || paper->manner->aligned != 0 ||
        map.overfull || map.free - map.largest <= map.free / WORTH_IT)
        return NULL;
    jeff_compact_goal(e->heap, NULL, &report);
    return report.largest_after > report.largest_before ? NULL : "a compaction for the largest run gains nothing";
}

static const char *take_calls(struct paper *paper)
{
    enum tide tide = FLOOD;
    for (uint32_t i = 0; i < paper->manner->calls; i++) {
        const uint64_t refused = paper->refused;
        const char *wrong = call(paper, tide);
        if (policy.unknown || policy.overfull)
            return NULL;
        if (wrong == NULL)
            wrong = judge(paper);
        if (wrong != NULL)
            return wrong;
        tide = turn(paper, tide, paper->refused != refused);
    }
    return gather(paper);
}

/// So much is kept whole that frees merge some: large blocks with small ones between them that stay.
static const char *keep_much(struct paper *paper)
{
    struct exam *const e = paper->e;
    static const struct manner large = {.least = SMALL_MOST - 6, .spread = 7};
    static const struct manner small = {.least = 1, .spread = 1};
    const char *wrong = NULL;
    while (paper->refused == 0 && wrong == NULL) {
        paper->manner = paper->count % 2 == 0 ? &small : &large; // so that slots of small ones are counted when freed
        wrong = make(paper, 0);
    }
    jeff_compact(e->heap, 0); // the slot of what was refused goes
    steve_policy_compact(&policy);
    for (uint32_t i = 0; i < policy.count; i++)
        if (policy.stretch[i].granules >= large.least)
            drop_entry(paper, policy.stretch[i].entry);
    if (paper->frees_at_once) {
        jeff_compact(e->heap, 0); // what its callback frees is not merged before it has ended
        return wrong;
    }
    const bool all = steve_exam_draw(e, 2) == 0;
    for (uint32_t i = 0; i < policy.count && all; i++)
        if (policy.stretch[i].kind == POLICY_LIVE)
            drop_entry(paper, policy.stretch[i].entry); // the one of the lowest slot at last
    if (all)
        return judge(paper);
    paper->manner = &large;
    for (uint32_t i = steve_exam_draw(e, GENERATIONS) + 16; i > 0 && wrong == NULL; i--) {
        wrong = make(paper, 0);
        if (wrong == NULL)
            drop(paper, paper->count - 1);
    }
    return wrong == NULL ? judge(paper) : wrong;
}

const char *steve_exam_policy(struct exam *e)
{
    const bool much = steve_exam_draw(e, 64) == 0;
    const struct manner manner = much ? (struct manner){.bytes = LARGE_HEAP} : draw_manner(e);
    struct paper paper = {.e = e, .manner = &manner, .frees_at_once = much && steve_exam_draw(e, 2) == 0};
    if (!start(&paper))
        return "a small heap cannot be made";
    return much ? keep_much(&paper) : take_calls(&paper);
}
