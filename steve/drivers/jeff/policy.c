/// Which memory serves a request: see policy_internal.h.
#include "steve/drivers/jeff/policy_internal.h"

#include <string.h>

#define GRANULE 16u
#define HEADER  4u
#define ENTRY   12u
#define PENDING (POLICY_NONE - 1) ///< entry of a block that is being made

// What lib/jeff/README.md calls a few.
#define SMALL_MOST     126u           ///< granules of a block without a record
#define KEPT_LEAST     (262144u / 16) ///< granules that may be kept whole in any heap
#define TRIES          4u             ///< holes of a size class that may be too small
#define SWALLOWED      8u             ///< blocks kept whole that a run takes in
#define MERGED         16u            ///< at a time
#define MERGED_AT_LAST 64u
#define SCARCE         255u
#define GROWING        16u
#define NUDGE_HOLES    16u
#define NUDGE_BLOCKS   4u
#define NUDGE_SIZE     256u

/* The list */

uint32_t steve_policy_hole_class(uint32_t granules)
{
    uint32_t log = 0;
    while (granules >> (log + 1) != 0)
        log++;
    return granules < 8 ? granules : 4 * log + (granules >> (log - 2)) - 8;
}

static uint32_t end_of(const struct policy_stretch *s)
{
    return s->begin + s->granules;
}

/// The first stretch that begins at or above it.
static uint32_t find_from(const struct policy *p, uint32_t begin)
{
    uint32_t i = 0;
    while (i < p->count && p->stretch[i].begin < begin)
        i++;
    return i;
}

static void take_out(struct policy *p, uint32_t i)
{
    p->count--;
    memmove(&p->stretch[i], &p->stretch[i + 1], (p->count - i) * sizeof p->stretch[0]);
}

static void put_in(struct policy *p, const struct policy_stretch *s)
{
    if (p->count == POLICY_STRETCHES) {
        p->overfull = true;
        return;
    }
    const uint32_t i = find_from(p, s->begin);
    memmove(&p->stretch[i + 1], &p->stretch[i], (p->count - i) * sizeof p->stretch[0]);
    p->stretch[i] = *s;
    p->count++;
}

static void put_hole(struct policy *p, uint32_t begin, uint32_t end)
{
    const struct policy_stretch hole = {
        .kind = POLICY_HOLE,
        .begin = begin,
        .granules = end - begin,
        .entry = POLICY_NONE,
        .class = steve_policy_hole_class(end - begin),
        .since = ++p->time,
    };
    put_in(p, &hole);
}

static void put_block(struct policy *p, uint32_t begin, const struct policy_request *request)
{
    const struct policy_stretch block = {
        .kind = POLICY_LIVE,
        .begin = begin,
        .granules = request->granules,
        .entry = PENDING,
        .alignment = request->alignment,
        .wide = request->wide,
    };
    put_in(p, &block);
}

static uint32_t find_block(const struct policy *p, uint32_t entry)
{
    uint32_t i = 0;
    while (i < p->count && p->stretch[i].entry != entry)
        i++;
    return i;
}

const struct policy_stretch *steve_policy_block(const struct policy *p, uint32_t entry)
{
    const uint32_t i = find_block(p, entry);
    return i < p->count ? &p->stretch[i] : NULL;
}

/* The table */

uint32_t steve_policy_limit(const struct policy *p)
{
    return (uint32_t)((p->arena_bytes - (size_t)p->entries * ENTRY) / GRANULE);
}

static uint32_t top_free(const struct policy *p)
{
    return steve_policy_limit(p) - p->top;
}

static void make_bare(struct policy *p, uint32_t entry)
{
    p->entry[entry] = (struct policy_entry){.use = POLICY_BARE, .since = ++p->time};
}

/// The entry that came last into its list; POLICY_NONE: the list is empty.
static uint32_t newest(const struct policy *p, enum policy_use use, enum policy_use or, uint32_t class)
{
    uint32_t found = POLICY_NONE;
    for (uint32_t i = 0; i < p->entries; i++) {
        const struct policy_entry *const e = &p->entry[i];
        const bool listed = (e->use == use || e->use == or) && e->class == class;
        if (listed && (found == POLICY_NONE || e->since > p->entry[found].since))
            found = i;
    }
    return found;
}

static uint32_t bare(const struct policy *p)
{
    return newest(p, POLICY_BARE, POLICY_BARE, 0);
}

static bool has_bare(struct policy *p)
{
    if (bare(p) != POLICY_NONE)
        return true;
    if (p->entries == POLICY_BLOCKS) {
        p->overfull = true;
        return false;
    }
    if (p->arena_bytes - (size_t)p->entries * ENTRY < (size_t)p->top * GRANULE + ENTRY)
        return false;
    make_bare(p, p->entries++);
    return true;
}

static uint32_t kept_granules(const struct policy *p)
{
    uint32_t granules = 0;
    for (uint32_t i = 0; i < p->entries; i++)
        granules += p->entry[i].use == POLICY_WHOLE ? p->entry[i].class : 0;
    return granules;
}

static bool is_kept(const struct policy *p, uint32_t class)
{
    for (uint32_t i = 0; i < p->entries; i++)
        if (p->entry[i].use == POLICY_WHOLE && p->entry[i].class == class)
            return true;
    return false;
}

static bool is_any_listed(const struct policy *p)
{
    for (uint32_t i = 0; i < p->entries; i++)
        if (p->entry[i].use == POLICY_WHOLE || p->entry[i].use == POLICY_BURIED)
            return true;
    return false;
}

/// The block of that class that was freed last. Entries without a block that are met become bare.
static uint32_t pop(struct policy *p, uint32_t class)
{
    uint32_t entry;
    while ((entry = newest(p, POLICY_WHOLE, POLICY_BURIED, class)) != POLICY_NONE) {
        if (p->entry[entry].use == POLICY_WHOLE)
            return entry;
        make_bare(p, entry);
    }
    return POLICY_NONE;
}

/* Free memory */

/// Gives a run back: it is joined with the hole below, and with holes and a few blocks that are kept whole above.
static void give_back(struct policy *p, uint32_t begin, uint32_t granules)
{
    uint32_t end = begin + granules;
    uint32_t i = find_from(p, begin);
    uint32_t swallowed = 0;
    if (i > 0 && p->stretch[i - 1].kind == POLICY_HOLE) {
        begin = p->stretch[--i].begin;
        take_out(p, i);
    }
    while (i < p->count && p->stretch[i].kind != POLICY_LIVE) {
        const struct policy_stretch above = p->stretch[i];
        if (above.kind == POLICY_KEPT) {
            if (swallowed++ == SWALLOWED)
                break;
            p->entry[above.entry].use = POLICY_BURIED;
        }
        end = end_of(&above);
        take_out(p, i);
    }
    p->refused = POLICY_NONE;
    if (i == p->count)
        p->top = begin;
    else
        put_hole(p, begin, end);
}

static uint32_t aligned(const struct policy *p, uint32_t from, uint32_t alignment, bool wide)
{
    uint32_t begin = from;
    while ((p->arena + HEADER + (uintptr_t)(begin + wide) * GRANULE) % ((uintptr_t)alignment * GRANULE) != 0)
        begin++;
    return begin;
}

/// The hole of a class that was made next before `since`; POLICY_NONE: there is none.
static uint32_t next_hole(const struct policy *p, uint32_t class, uint64_t since)
{
    uint32_t found = POLICY_NONE;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct policy_stretch *const s = &p->stretch[i];
        if (s->kind == POLICY_HOLE && s->class == class && s->since < since &&
            (found == POLICY_NONE || s->since > p->stretch[found].since))
            found = i;
    }
    return found;
}

static uint32_t carve(struct policy *p, uint32_t i, const struct policy_request *request)
{
    const struct policy_stretch hole = p->stretch[i];
    const uint32_t begin = aligned(p, hole.begin, request->alignment, request->wide);
    const uint32_t end = begin + request->granules;
    take_out(p, i);
    if (end < end_of(&hole))
        put_hole(p, end, end_of(&hole));
    if (begin > hole.begin)
        put_hole(p, hole.begin, begin);
    put_block(p, begin, request);
    return begin;
}

/// The least class from one on that has a hole; POLICY_NONE: none has.
static uint32_t least_class(const struct policy *p, uint32_t from)
{
    uint32_t least = POLICY_NONE;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->stretch[i].kind == POLICY_HOLE && p->stretch[i].class >= from && p->stretch[i].class < least)
            least = p->stretch[i].class;
    return least;
}

/// A hole of the least class in which one is found that fits: the newest are tried, a few of each class, or all if it is `thorough`.
static uint32_t take_hole(struct policy *p, const struct policy_request *request, bool thorough)
{
    uint32_t class = steve_policy_hole_class(request->granules);
    while ((class = least_class(p, class)) != POLICY_NONE) {
        uint32_t i = next_hole(p, class, UINT64_MAX);
        for (uint32_t tries = 0; i != POLICY_NONE && (tries < TRIES || thorough); tries++) {
            const struct policy_stretch *const hole = &p->stretch[i];
            if (aligned(p, hole->begin, request->alignment, request->wide) + request->granules <= end_of(hole))
                return carve(p, i, request);
            i = next_hole(p, class, hole->since);
        }
        class ++;
    }
    return POLICY_NONE;
}

static void exact_for(struct policy *p, uint32_t requests)
{
    p->exact = p->exact < requests ? requests : p->exact;
}

static uint32_t take_top(struct policy *p, const struct policy_request *request)
{
    const uint32_t begin = aligned(p, p->top, request->alignment, request->wide);
    if ((uint64_t)begin + request->granules > steve_policy_limit(p))
        return POLICY_NONE;
    exact_for(p, GROWING);
    if (begin > p->top)
        put_hole(p, p->top, begin);
    put_block(p, begin, request);
    p->top = begin + request->granules;
    return begin;
}

/// The smallest block that is kept whole and larger, cut.
static uint32_t take_part(struct policy *p, const struct policy_request *request)
{
    if (request->alignment > 1)
        return POLICY_NONE;
    for (uint32_t class = request->granules; class <= p->binned; class ++) {
        if (!is_kept(p, class))
            continue;
        const uint32_t entry = pop(p, class);
        const uint32_t i = find_block(p, entry);
        const uint32_t begin = p->stretch[i].begin;
        make_bare(p, entry);
        take_out(p, i);
        put_block(p, begin, request);
        if (class > request->granules)
            give_back(p, begin + request->granules, class - request->granules);
        return begin;
    }
    return POLICY_NONE;
}

/// Merges blocks that are kept whole with their neighbours, class by class, each time from where it ended. @return how many
static uint32_t merge(struct policy *p, uint32_t most)
{
    uint32_t merged = 0;
    if (!is_any_listed(p))
        return 0;
    for (uint32_t bins = 0; bins <= p->binned && merged < most; bins++) {
        uint32_t entry;
        while (merged < most && (entry = pop(p, p->drain_bin)) != POLICY_NONE) {
            const uint32_t i = find_block(p, entry);
            const struct policy_stretch block = p->stretch[i];
            make_bare(p, entry);
            take_out(p, i);
            give_back(p, block.begin, block.granules);
            merged++;
        }
        if (merged < most)
            p->drain_bin = p->drain_bin == p->binned ? 0 : p->drain_bin + 1;
    }
    return merged;
}

/* Nudging */

struct nudge {
    uint32_t hole; ///< its begin
    uint32_t blocks;
    bool slides;
};

static uint32_t free_from(const struct policy *p, uint32_t i)
{
    if (i == p->count)
        return top_free(p);
    return p->stretch[i].kind == POLICY_HOLE ? p->stretch[i].granules : 0;
}

/// Whether few blocks above a hole are in the way.
static bool is_worth_it(const struct policy *p, uint32_t i, const struct policy_request *request, struct nudge *nudge)
{
    const uint32_t most = request->granules > NUDGE_SIZE ? request->granules : NUDGE_SIZE;
    const uint32_t hole = p->stretch[i].granules;
    uint32_t run = hole;
    *nudge = (struct nudge){.hole = p->stretch[i].begin};
    while (++i < p->count && nudge->blocks < NUDGE_BLOCKS) {
        const struct policy_stretch *const block = &p->stretch[i];
        if (block->kind == POLICY_HOLE)
            continue;
        const bool live = block->kind == POLICY_LIVE;
        if ((live && p->entry[block->entry].locked) || block->granules > most)
            return false;
        const uint32_t beyond = free_from(p, i + 1);
        nudge->blocks++;
        run += block->granules + beyond;
        nudge->slides = nudge->blocks == 1 && live && block->alignment == 1 && hole + beyond >= request->granules;
        if (nudge->slides || run >= request->granules)
            return true;
    }
    return false;
}

static void note_move(struct policy *p, uint32_t granules)
{
    p->moved_blocks++;
    p->moved_granules += granules;
}

/// The block above a hole comes to where the hole was.
static void slide_one(struct policy *p, uint32_t i)
{
    const struct policy_stretch hole = p->stretch[i];
    take_out(p, i);
    struct policy_stretch *const block = &p->stretch[i];
    block->begin = hole.begin;
    note_move(p, block->granules);
    give_back(p, end_of(block), hole.granules);
}

/// The block above a hole goes into another hole. @return false if there is none for it
static bool send_away(struct policy *p, uint32_t i)
{
    const struct policy_stretch hole = p->stretch[i];
    const struct policy_stretch block = p->stretch[i + 1];
    const struct policy_request request = {block.granules, block.alignment, block.wide};
    take_out(p, i);
    const uint32_t room = take_hole(p, &request, false);
    put_hole(p, hole.begin, end_of(&hole));
    if (room == POLICY_NONE)
        return false;
    take_out(p, find_from(p, block.begin));
    p->stretch[find_from(p, room)].entry = block.entry;
    note_move(p, block.granules);
    give_back(p, block.begin, block.granules);
    return true;
}

/// @return whether there is room now
static bool carry_out(struct policy *p, const struct nudge *nudge, const struct policy_request *request)
{
    uint32_t i = find_from(p, nudge->hole);
    if (nudge->slides) {
        slide_one(p, i);
        return true;
    }
    for (uint32_t n = 0; n < nudge->blocks && p->stretch[i].granules < request->granules; n++) {
        const struct policy_stretch above = p->stretch[i + 1];
        if (above.kind == POLICY_KEPT) {
            p->entry[above.entry].use = POLICY_BURIED;
            take_out(p, i + 1);
            give_back(p, above.begin, above.granules);
        } else if (p->entry[above.entry].locked || !send_away(p, i)) {
            return false;
        }
        i = find_from(p, nudge->hole);
        if (i == p->count)
            return true; // the top has come down to it
    }
    return p->stretch[i].granules >= request->granules;
}

static uint32_t buried(const struct policy *p)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->entries; i++)
        count += p->entry[i].use == POLICY_BURIED;
    return count;
}

/// Tries the holes from the largest class down, the newest of each first.
static bool nudge_for(struct policy *p, const struct policy_request *request)
{
    uint32_t tries = 0;
    const uint64_t moved = p->moved_blocks;
    if (request->alignment > 1)
        return false;
    for (uint32_t class = steve_policy_hole_class(p->heap) + 1; class -- > 0;) {
        uint32_t i = next_hole(p, class, UINT64_MAX);
        while (i != POLICY_NONE) {
            if (tries++ == NUDGE_HOLES)
                return false;
            const uint64_t since = p->stretch[i].since;
            const uint32_t had = buried(p);
            struct nudge nudge;
            if (is_worth_it(p, i, request, &nudge)) {
                if (carry_out(p, &nudge, request))
                    return true;
                if (p->moved_blocks != moved || buried(p) != had)
                    return false; // the holes are others now
            }
            i = next_hole(p, class, since);
        }
    }
    return false;
}

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
            s.begin = aligned(p, p->top, s.alignment, s.wide);
        if (s.begin != old[i].begin)
            note_move(p, s.granules);
        if (s.begin > p->top)
            put_hole(p, p->top, s.begin);
        put_in(p, &s);
        p->top = end_of(&s);
    }
    while (p->entries > 0 && p->entry[p->entries - 1].use != POLICY_USED)
        p->entries--;
    for (uint32_t i = p->entries; i-- > 0;)
        if (p->entry[i].use != POLICY_USED)
            make_bare(p, i);
    p->refused = POLICY_NONE;
}

void steve_policy_compact(struct policy *p)
{
    slide_all(p, false);
}

/* Requests */

static uint32_t room_at_hand(struct policy *p, const struct policy_request *request, bool needs_entry, bool thorough)
{
    if (needs_entry && !has_bare(p)) {
        merge(p, MERGED);
        if (!has_bare(p))
            return POLICY_NONE;
    }
    uint32_t room = take_hole(p, request, thorough);
    if (room == POLICY_NONE)
        room = take_top(p, request);
    if (room == POLICY_NONE)
        room = take_part(p, request);
    if (room == POLICY_NONE && merge(p, MERGED) != 0)
        room = take_hole(p, request, thorough);
    return room == POLICY_NONE ? take_top(p, request) : room;
}

static uint32_t free_granules(const struct policy *p)
{
    uint32_t granules = top_free(p) + kept_granules(p);
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
    return entries * ENTRY / GRANULE + 1;
}

static uint32_t room_by_compaction(struct policy *p, const struct policy_request *request, bool needs_entry)
{
    if (free_granules(p) + table_granules(p) < request->granules)
        return POLICY_NONE;
    exact_for(p, SCARCE);
    uint32_t room;
    bool merged;
    do {
        if (!p->stays && nudge_for(p, request) && (room = room_at_hand(p, request, needs_entry, false)) != POLICY_NONE)
            return room;
        merged = merge(p, MERGED_AT_LAST) != 0;
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
    return (uint32_t)((p->arena_bytes - (size_t)used * ENTRY) / GRANULE) - steve_policy_limit(p);
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
        take_out(p, i);
        give_back(p, block.begin, block.granules);
        purged += block.granules;
        i = find_from(p, block.begin) - 1;
    }
    return true;
}

static uint32_t room_at_last(struct policy *p, const struct policy_request *request, bool needs_entry)
{
    if (needs_entry && request->granules >= p->refused && kept_granules(p) == 0)
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
    const uint32_t entry = pop(p, class);
    if (entry != POLICY_NONE)
        return entry;
    if (p->exact > 0) {
        p->exact--;
        return POLICY_NONE;
    }
    return class < p->binned ? pop(p, class + 1) : POLICY_NONE;
}

uint32_t steve_policy_malloc(struct policy *p, const struct policy_request *request)
{
    if (!request->wide && request->granules <= p->binned) {
        const uint32_t entry = take_whole(p, request->granules);
        if (entry != POLICY_NONE) {
            p->entry[entry] = (struct policy_entry){.use = POLICY_USED};
            p->stretch[find_block(p, entry)].kind = POLICY_LIVE;
            return entry;
        }
    }
    const uint32_t room = find_room(p, request, true);
    if (room == POLICY_NONE)
        return POLICY_NONE;
    const uint32_t entry = bare(p);
    p->entry[entry] = (struct policy_entry){.use = POLICY_USED};
    p->stretch[find_from(p, room)].entry = entry;
    return entry;
}

void steve_policy_free(struct policy *p, uint32_t entry, uint32_t generation)
{
    const uint32_t i = find_block(p, entry);
    if (i == p->count) {
        make_bare(p, entry);
        p->refused = POLICY_NONE;
        return;
    }
    const struct policy_stretch block = p->stretch[i];
    if (block.wide || block.granules > p->binned || p->entry[entry].purgeable || p->entry[entry].resized) {
        make_bare(p, entry);
        take_out(p, i);
        give_back(p, block.begin, block.granules);
        return;
    }
    p->stretch[i].kind = POLICY_KEPT;
    p->entry[entry] = (struct policy_entry){.use = POLICY_WHOLE, .class = block.granules, .since = ++p->time};
    if (!p->tallies && (generation & POLICY_TALLY) != 0)
        return;
    p->tallies = kept_granules(p) > p->kept_most;
    if (p->tallies)
        merge(p, MERGED);
}

/// Joins what is free above a block until it is enough. @return whether it is
static bool merge_above(struct policy *p, uint32_t end, uint32_t wanted)
{
    uint32_t merged = 0;
    while (end < p->top && merged < wanted) {
        const uint32_t i = find_from(p, end);
        const struct policy_stretch above = p->stretch[i];
        if (above.kind == POLICY_LIVE || (above.kind == POLICY_HOLE && above.granules == merged))
            return false;
        if (above.kind == POLICY_KEPT)
            p->entry[above.entry].use = POLICY_BURIED;
        take_out(p, i);
        merged = above.granules;
        give_back(p, end, merged);
    }
    return steve_policy_limit(p) - end >= wanted;
}

static bool resize_here(struct policy *p, uint32_t entry, uint32_t granules)
{
    const uint32_t i = find_block(p, entry);
    struct policy_stretch *const block = &p->stretch[i];
    const uint32_t had = block->granules;
    const uint32_t end = block->begin + granules;
    if (granules == had)
        return true;
    if (granules > had) {
        if (!merge_above(p, end_of(block), granules - had))
            return false;
        if (i + 1 == p->count) {
            p->top = end;
        } else {
            const uint32_t hole = end_of(&p->stretch[i + 1]);
            take_out(p, i + 1);
            if (hole > end)
                put_hole(p, end, hole);
        }
    }
    block->granules = granules;
    p->entry[entry].resized = true;
    if (granules < had)
        give_back(p, end, had - granules);
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
    const uint32_t i = find_block(p, entry);
    const struct policy_stretch old = p->stretch[i];
    take_out(p, i);
    p->stretch[find_from(p, room)].entry = entry;
    p->entry[entry].resized = true;
    give_back(p, old.begin, old.granules);
    return true;
}

void steve_policy_set_purgeable(struct policy *p, uint32_t entry, bool purgeable)
{
    p->entry[entry].purgeable = purgeable;
    p->refused = POLICY_NONE;
}

void steve_policy_start(struct policy *p, uintptr_t arena, size_t arena_bytes, size_t heap_bytes, bool stays)
{
    const uint32_t heap = (uint32_t)(heap_bytes / GRANULE);
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
