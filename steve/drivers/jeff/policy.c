/// Which memory serves a request: see policy_internal.h.
#include "steve/drivers/jeff/policy_memory_internal.h"

#include <string.h>

// What lib/jeff/README.md calls a few.
#define SMALL_MOST     126u           ///< granules of a block without a record
#define KEPT_LEAST     (262144u / 16) ///< granules that may be kept whole in any heap
#define MERGED_AT_LAST 64u
#define SCARCE         255u

/* Compaction */

/// Slides all blocks down that are not locked, and shrinks the table.
static void slide_all(struct policy *p, bool stays)
{
    const uint32_t count = p->count;
    static struct policy_stretch old[POLICY_STRETCHES];
    memcpy(old, p->stretch, count * sizeof old[0]);
    p->visited += count;
    p->count = 0;
    p->top = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct policy_stretch s = old[i];
        if (s.kind != POLICY_LIVE)
            continue;
        if (!stays && !p->entry[s.entry].locked)
            s.begin = steve_policy_aligned(p, p->top, s.alignment, s.wide);
        if (s.begin != old[i].begin)
            steve_policy_note_move(p, s.granules);
        if (s.begin > p->top)
            steve_policy_put_hole(p, p->top, s.begin);
        steve_policy_put_in(p, &s);
        p->top = steve_policy_end_of(&s);
    }
    while (p->entries > 0 && p->entry[p->entries - 1].use != POLICY_USED)
        p->entries--;
    for (uint32_t i = p->entries; i-- > 0;)
        if (p->entry[i].use != POLICY_USED)
            steve_policy_make_bare(p, i);
    p->refused = POLICY_NONE;
}

void steve_policy_compact(struct policy *p)
{
    slide_all(p, false);
}

/* Requests */

static uint32_t room_at_hand(struct policy *p, const struct policy_request *request, bool needs_entry, bool thorough)
{
    if (needs_entry && !steve_policy_has_bare(p)) {
        steve_policy_merge(p, POLICY_MERGED);
        if (!steve_policy_has_bare(p))
            return POLICY_NONE;
    }
    uint32_t room = steve_policy_take_hole(p, request, thorough);
    if (room == POLICY_NONE)
        room = steve_policy_take_top(p, request);
    if (room == POLICY_NONE)
        room = steve_policy_take_part(p, request);
    if (room == POLICY_NONE && steve_policy_merge(p, POLICY_MERGED) != 0)
        room = steve_policy_take_hole(p, request, thorough);
    return room == POLICY_NONE ? steve_policy_take_top(p, request) : room;
}

static uint32_t free_granules(const struct policy *p)
{
    uint32_t granules = steve_policy_top_free(p) + steve_policy_kept_granules(p);
    for (uint32_t i = 0; i < p->count; i++)
        granules += p->stretch[i].kind == POLICY_HOLE ? p->stretch[i].granules : 0;
    return granules;
}

/// What the table gives back at most.
static uint32_t table_granules(const struct policy *p)
{
    uint32_t entries = 0;
    for (uint32_t i = 0; i < p->entries; i++)
        entries += p->entry[i].use != POLICY_USED;
    return entries * POLICY_ENTRY / POLICY_GRANULE + 1;
}

static uint32_t room_by_compaction(struct policy *p, const struct policy_request *request, bool needs_entry)
{
    if (free_granules(p) + table_granules(p) < request->granules)
        return POLICY_NONE;
    steve_policy_stay_exact(p, SCARCE);
    uint32_t room;
    bool merged;
    do {
        if (!p->stays && steve_policy_nudge(p, request) &&
            (room = room_at_hand(p, request, needs_entry, false)) != POLICY_NONE)
            return room;
        merged = steve_policy_merge(p, MERGED_AT_LAST) != 0;
        if (merged && (room = room_at_hand(p, request, needs_entry, false)) != POLICY_NONE)
            return room;
    } while (merged);
    slide_all(p, p->stays);
    room = room_at_hand(p, request, needs_entry, true);
    if (room != POLICY_NONE || p->stays)
        return room;
    p->visited += p->count; // to see where most is free
    for (uint32_t i = 0; i < p->count; i++)
        p->unknown = p->unknown || p->stretch[i].kind == POLICY_HOLE; // a plan may be made
    return POLICY_NONE;
}

/// What it does give back: its end, as far as no entry there is in use.
static uint32_t table_end_granules(const struct policy *p)
{
    uint32_t used = p->entries;
    while (used > 0 && p->entry[used - 1].use != POLICY_USED)
        used--;
    return (uint32_t)((p->arena_bytes - (size_t)used * POLICY_ENTRY) / POLICY_GRANULE) - steve_policy_limit(p);
}

static bool may_purge(const struct policy *p, const struct policy_stretch *s)
{
    return s->kind == POLICY_LIVE && p->entry[s->entry].purgeable && !p->entry[s->entry].locked;
}

/// Drops purgeable blocks from the lowest on, until so much is free. @return whether there was enough
static bool purge(struct policy *p, const struct policy_request *request, uint64_t granules)
{
    uint32_t purgeable = 0;
    for (uint32_t i = 0; i < p->count; i++)
        purgeable += may_purge(p, &p->stretch[i]) ? p->stretch[i].granules : 0;
    if (purgeable == 0 || free_granules(p) + table_end_granules(p) + purgeable < request->granules)
        return false;
    uint64_t purged = 0;
    for (uint32_t i = 0; i < p->count && purged < granules; i++) {
        const struct policy_stretch block = p->stretch[i];
        if (!may_purge(p, &block))
            continue;
        steve_policy_take_out(p, i);
        steve_policy_give_back(p, block.begin, block.granules);
        purged += block.granules;
        i = steve_policy_find_from(p, block.begin) - 1;
    }
    return true;
}

static uint32_t room_at_last(struct policy *p, const struct policy_request *request, bool needs_entry)
{
    if (needs_entry && request->granules >= p->refused && steve_policy_kept_granules(p) == 0)
        return POLICY_NONE;
    uint32_t room = room_by_compaction(p, request, needs_entry);
    for (uint64_t granules = request->granules; room == POLICY_NONE && purge(p, request, granules); granules *= 2)
        room = room_by_compaction(p, request, needs_entry);
    if (room == POLICY_NONE && needs_entry && request->alignment == 1 && request->granules < p->refused)
        p->refused = request->granules;
    return room;
}

static uint32_t find_room(struct policy *p, const struct policy_request *request, bool needs_entry)
{
    if (request->granules > p->heap)
        return POLICY_NONE;
    const uint32_t room = room_at_hand(p, request, needs_entry, false);
    return room == POLICY_NONE ? room_at_last(p, request, needs_entry) : room;
}

/// A block that is kept whole: of this class, or of the next unless memory is scarce or the heap grows.
static uint32_t take_whole(struct policy *p, uint32_t class)
{
    const uint32_t entry = steve_policy_pop_whole(p, class);
    if (entry != POLICY_NONE)
        return entry;
    if (p->exact > 0) {
        p->exact--;
        return POLICY_NONE;
    }
    return class < p->binned ? steve_policy_pop_whole(p, class + 1) : POLICY_NONE;
}

uint32_t steve_policy_malloc(struct policy *p, const struct policy_request *request)
{
    if (!request->wide && request->granules <= p->binned) {
        const uint32_t entry = take_whole(p, request->granules);
        if (entry != POLICY_NONE) {
            p->entry[entry] = (struct policy_entry){.use = POLICY_USED};
            p->stretch[steve_policy_find_block(p, entry)].kind = POLICY_LIVE;
            return entry;
        }
    }
    const uint32_t room = find_room(p, request, true);
    if (room == POLICY_NONE)
        return POLICY_NONE;
    const uint32_t entry = steve_policy_bare(p);
    p->entry[entry] = (struct policy_entry){.use = POLICY_USED};
    p->stretch[steve_policy_find_from(p, room)].entry = entry;
    return entry;
}

void steve_policy_free(struct policy *p, uint32_t entry, uint32_t generation)
{
    const uint32_t i = steve_policy_find_block(p, entry);
    if (i == p->count) {
        steve_policy_make_bare(p, entry);
        p->refused = POLICY_NONE;
        return;
    }
    const struct policy_stretch block = p->stretch[i];
    if (block.wide || block.granules > p->binned || p->entry[entry].purgeable || p->entry[entry].resized) {
        steve_policy_make_bare(p, entry);
        steve_policy_take_out(p, i);
        steve_policy_give_back(p, block.begin, block.granules);
        return;
    }
    p->stretch[i].kind = POLICY_KEPT;
    p->entry[entry] = (struct policy_entry){.use = POLICY_WHOLE, .class = block.granules, .since = ++p->time};
    if (!p->tallies && (generation & POLICY_TALLY) != 0)
        return;
    p->tallies = steve_policy_kept_granules(p) > p->kept_most;
    if (p->tallies)
        steve_policy_merge(p, POLICY_MERGED);
}

/// Joins what is free above a block until it is enough. @return whether it is
static bool merge_above(struct policy *p, uint32_t end, uint32_t wanted)
{
    uint32_t merged = 0;
    while (end < p->top && merged < wanted) {
        const uint32_t i = steve_policy_find_from(p, end);
        const struct policy_stretch above = p->stretch[i];
        if (above.kind == POLICY_LIVE || (above.kind == POLICY_HOLE && above.granules == merged))
            return false;
        if (above.kind == POLICY_KEPT)
            p->entry[above.entry].use = POLICY_BURIED;
        steve_policy_take_out(p, i);
        merged = above.granules;
        steve_policy_give_back(p, end, merged);
    }
    return steve_policy_limit(p) - end >= wanted;
}

static bool resize_here(struct policy *p, uint32_t entry, uint32_t granules)
{
    const uint32_t i = steve_policy_find_block(p, entry);
    struct policy_stretch *const block = &p->stretch[i];
    const uint32_t had = block->granules;
    const uint32_t end = block->begin + granules;
    if (granules == had)
        return true;
    if (granules > had) {
        if (!merge_above(p, steve_policy_end_of(block), granules - had))
            return false;
        if (i + 1 == p->count) {
            p->top = end;
        } else {
            const uint32_t hole = steve_policy_end_of(&p->stretch[i + 1]);
            steve_policy_take_out(p, i + 1);
            if (hole > end)
                steve_policy_put_hole(p, end, hole);
        }
    }
    block->granules = granules;
    p->entry[entry].resized = true;
    if (granules < had)
        steve_policy_give_back(p, end, had - granules);
    return true;
}

bool steve_policy_resize(struct policy *p, uint32_t entry, uint32_t granules)
{
    const struct policy_request request = {.granules = granules, .alignment = 1};
    if (resize_here(p, entry, granules))
        return true;
    const bool purgeable = p->entry[entry].purgeable;
    p->entry[entry].purgeable = false; // its own contents are not dropped for it
    const uint32_t room = find_room(p, &request, false);
    p->entry[entry].purgeable = purgeable;
    if (room == POLICY_NONE)
        return resize_here(p, entry, granules);
    const uint32_t i = steve_policy_find_block(p, entry);
    const struct policy_stretch old = p->stretch[i];
    steve_policy_take_out(p, i);
    p->stretch[steve_policy_find_from(p, room)].entry = entry;
    p->entry[entry].resized = true;
    steve_policy_give_back(p, old.begin, old.granules);
    return true;
}

void steve_policy_set_purgeable(struct policy *p, uint32_t entry, bool purgeable)
{
    p->entry[entry].purgeable = purgeable;
    p->refused = POLICY_NONE;
}

void steve_policy_start(struct policy *p, uintptr_t arena, size_t arena_bytes, size_t heap_bytes, bool stays)
{
    const uint32_t heap = (uint32_t)(heap_bytes / POLICY_GRANULE);
    p->arena = arena;
    p->arena_bytes = arena_bytes;
    p->heap = heap;
    p->binned = heap / 8 < SMALL_MOST ? heap / 8 : SMALL_MOST;
    p->kept_most = heap / 8 > KEPT_LEAST ? heap / 8 : KEPT_LEAST;
    p->stays = stays;
    p->count = p->entries = 0;
    p->top = p->drain_bin = p->exact = 0;
    p->time = p->moved_blocks = p->moved_granules = p->visited = 0;
    p->refused = POLICY_NONE;
    p->tallies = p->unknown = p->overfull = false;
}
