/// Heaps laid out block by block: see layout_internal.h.
#include "steve/drivers/jeff/layout_internal.h"

#include <string.h>

#include "steve/drivers/jeff/probe_internal.h"

#define GRANULE    LAYOUT_GRANULE
#define HEADER     4u
#define SMALL_MOST 126u ///< granules of a block without a record of its own
#define SLOWER     10u

#define BELOW 4096u ///< bytes below the heap

static _Alignas(4096) char memory[BELOW + LAYOUT_HEAP];

static uint64_t now(void *context)
{
    struct layout *l = context;
    if (l->heap == NULL)
        return 0; // asked while it is being made
    if (l->stands)
        return ++l->looks;
    struct jeff_stats stats;
    jeff_stats(l->heap, &stats);
    const uint64_t work = stats.moved_bytes + LAYOUT_VISIT * stats.visited_blocks;
    const bool slow = l->slow_from != 0 && work > l->slow_from;
    // If nothing was done since the last look, that one has ended the call.
    l->spent_ns += work == l->work && !l->begins ? l->ending_ns : (work - l->work) * l->unit_ns * (slow ? SLOWER : 1);
    l->work = work;
    l->begins = false;
    return l->spent_ns;
}

static void moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct layout *l = context;
    (void)from;
    (void)to;
    (void)bytes;
    if (l->moved != NULL)
        l->moved(l, handle);
}

size_t steve_layout_bytes(uint32_t granules)
{
    return (size_t)(granules - (granules > SMALL_MOST)) * GRANULE - HEADER;
}

uint32_t steve_layout_repeat(struct layout_piece *pieces, uint32_t count, const struct layout_piece *pattern,
                             uint32_t length, uint32_t times)
{
    for (uint32_t i = 0; i < length * times && count + 1 < LAYOUT_PIECES; i++)
        pieces[count++] = pattern[i % length];
    pieces[count] = (struct layout_piece){.kind = END};
    return count;
}

bool steve_layout_open(struct layout *l, bool tells)
{
    const struct jeff_config config = {.now_ns = now, .handle_salt = 1, .moved = tells ? moved : NULL, .context = l};
    *l = (struct layout){.unit_ns = 1};
    // Who takes what lies below the heap for a block finds one that fits nowhere.
    const uint32_t header = 120u << 25;
    memcpy(memory + BELOW - sizeof header, &header, sizeof header);
    l->heap = jeff_init(memory + BELOW, LAYOUT_HEAP, &config, NULL);
    return l->heap != NULL;
}

static jeff_handle make(struct layout *l, const struct layout_piece *piece)
{
    const size_t bytes = steve_layout_bytes(piece->granules - (piece->alignment != 0 && piece->granules <= SMALL_MOST));
    return piece->alignment == 0 ? jeff_malloc(l->heap, bytes)
                                 : jeff_aligned_alloc(l->heap, (size_t)piece->alignment * GRANULE, bytes);
}

/// Takes what is left of the heap, but for a granule or two, in a locked block.
static bool fill(const struct layout *l)
{
    struct jeff_stats stats;
    jeff_stats(l->heap, &stats);
    jeff_handle rest = JEFF_NULL;
    for (size_t bytes = stats.free_bytes; rest == JEFF_NULL && bytes > 2 * GRANULE; bytes -= GRANULE)
        rest = jeff_malloc(l->heap, bytes);
    return jeff_lock(l->heap, rest) != NULL;
}

bool steve_layout_make(struct layout *l, const struct layout_piece *pieces, bool full)
{
    for (l->count = 0; pieces[l->count].kind != END; l->count++) {
        l->handle[l->count] = make(l, &pieces[l->count]);
        if (l->handle[l->count] == JEFF_NULL)
            return false;
    }
    if (full && !fill(l))
        return false;
    for (uint32_t i = 0; i < l->count; i++) {
        if (pieces[i].kind == PINNED)
            jeff_lock(l->heap, l->handle[i]);
        if (pieces[i].kind == FREE)
            jeff_free(l->heap, l->handle[i]);
    }
    // More than there is: what was freed is merged, and nothing moves.
    return steve_layout_reach(l, LAYOUT_BEYOND, 0).moved_blocks == 0;
}

bool steve_layout_make_aligned(struct layout *l, struct layout_piece *pieces, uint32_t aligned)
{
    for (unsigned time = 0; time < 2; time++) {
        void *first = NULL;
        void *address = NULL;
        jeff_destroy(l->heap);
        if (!steve_layout_open(l, false) || !steve_layout_make(l, pieces, true))
            return false;
        jeff_extent(l->heap, l->handle[0], &first);
        jeff_extent(l->heap, l->handle[aligned], &address);
        uint32_t below = 0;
        for (uint32_t i = 0; i < aligned; i++)
            below += pieces[i].granules;
        pieces[0].granules += (uint32_t)(((uintptr_t)address - (uintptr_t)first) / GRANULE) - below;
    }
    return true;
}

struct jeff_report steve_layout_reach(struct layout *l, uint32_t wanted, uint64_t budget_ns)
{
    const struct jeff_goal goal = {.wanted_bytes = wanted == 0 ? 0 : steve_layout_bytes(wanted),
                                   .budget_ns = budget_ns};
    struct jeff_report report;
    l->begins = true;
    jeff_compact_goal(l->heap, &goal, &report);
    return report;
}

const char steve_layout_unmade[] = "a small heap cannot be made";

struct jeff_stats steve_layout_stats(const struct layout *l)
{
    struct jeff_stats stats;
    jeff_stats(l->heap, &stats);
    return stats;
}

uint64_t steve_layout_looks(const struct layout *l)
{
    return steve_layout_stats(l).visited_blocks;
}

const char *steve_layout_try(const char *(*const *probes)(struct layout *), size_t count, bool tells)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < count && wrong == NULL; i++) {
        struct layout l;
        if (!steve_layout_open(&l, tells))
            return "a small heap cannot be made";
        wrong = probes[i](&l);
        if (wrong == NULL && jeff_check(l.heap, NULL) != JEFF_OK)
            wrong = "a heap that was brought to one of the corners of compaction is not sound";
        jeff_destroy(l.heap);
    }
    return wrong;
}
