/// What memory there is for requests, and which of it is taken: see policy_memory_internal.h.
#include "steve/drivers/jeff/policy_memory_internal.h"

#include <string.h>

// What lib/jeff/README.md calls a few.
#define TRIES     4u ///< holes of a size class that may be too small
#define SWALLOWED 8u ///< blocks kept whole that a run takes in
#define GROWING   16u

#define HEADER 4u

/* The list */

uint32_t steve_policy_hole_class(uint32_t granules)
{
    uint32_t log = 0;
    while (granules >> (log + 1) != 0)
        log++;
    return granules < 8 ? granules : 4 * log + (granules >> (log - 2)) - 8;
}

uint32_t steve_policy_end_of(const struct policy_stretch *s)
{
    return s->begin + s->granules;
}

uint32_t steve_policy_find_from(const struct policy *p, uint32_t begin)
{
    uint32_t i = 0;
    while (i < p->count && p->stretch[i].begin < begin)
        i++;
    return i;
}

void steve_policy_take_out(struct policy *p, uint32_t i)
{
    p->count--;
    memmove(&p->stretch[i], &p->stretch[i + 1], (p->count - i) * sizeof p->stretch[0]);
}

void steve_policy_put_in(struct policy *p, const struct policy_stretch *s)
{
    if (p->count == POLICY_STRETCHES) {
        p->overfull = true;
        return;
    }
    const uint32_t i = steve_policy_find_from(p, s->begin);
    memmove(&p->stretch[i + 1], &p->stretch[i], (p->count - i) * sizeof p->stretch[0]);
    p->stretch[i] = *s;
    p->count++;
}

void steve_policy_put_hole(struct policy *p, uint32_t begin, uint32_t end)
{
    const struct policy_stretch hole = {
        .kind = POLICY_HOLE,
        .begin = begin,
        .granules = end - begin,
        .entry = POLICY_NONE,
        .class = steve_policy_hole_class(end - begin),
        .since = ++p->time,
    };
    steve_policy_put_in(p, &hole);
}

static void put_block(struct policy *p, uint32_t begin, const struct policy_request *request)
{
    const struct policy_stretch block = {
        .kind = POLICY_LIVE,
        .begin = begin,
        .granules = request->granules,
        .entry = POLICY_PENDING,
        .alignment = request->alignment,
        .wide = request->wide,
    };
    steve_policy_put_in(p, &block);
}

uint32_t steve_policy_find_block(const struct policy *p, uint32_t entry)
{
    uint32_t i = 0;
    while (i < p->count && p->stretch[i].entry != entry)
        i++;
    return i;
}

const struct policy_stretch *steve_policy_block(const struct policy *p, uint32_t entry)
{
    const uint32_t i = steve_policy_find_block(p, entry);
    return i < p->count ? &p->stretch[i] : NULL;
}

/* The table */

uint32_t steve_policy_limit(const struct policy *p)
{
    return (uint32_t)((p->arena_bytes - (size_t)p->entries * POLICY_ENTRY) / POLICY_GRANULE);
}

uint32_t steve_policy_top_free(const struct policy *p)
{
    return steve_policy_limit(p) - p->top;
}

void steve_policy_make_bare(struct policy *p, uint32_t entry)
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

uint32_t steve_policy_bare(const struct policy *p)
{
    return newest(p, POLICY_BARE, POLICY_BARE, 0);
}

bool steve_policy_has_bare(struct policy *p)
{
    if (steve_policy_bare(p) != POLICY_NONE)
        return true;
    if (p->entries == POLICY_BLOCKS) {
        p->overfull = true;
        return false;
    }
    if (p->arena_bytes - (size_t)p->entries * POLICY_ENTRY < (size_t)p->top * POLICY_GRANULE + POLICY_ENTRY)
        return false;
    steve_policy_make_bare(p, p->entries++);
    return true;
}

uint32_t steve_policy_kept_granules(const struct policy *p)
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

uint32_t steve_policy_pop_whole(struct policy *p, uint32_t class)
{
    uint32_t entry;
    while ((entry = newest(p, POLICY_WHOLE, POLICY_BURIED, class)) != POLICY_NONE) {
        if (p->entry[entry].use == POLICY_WHOLE)
            return entry;
        steve_policy_make_bare(p, entry);
    }
    return POLICY_NONE;
}

/* Free memory */

void steve_policy_give_back(struct policy *p, uint32_t begin, uint32_t granules)
{
    uint32_t end = begin + granules;
    uint32_t i = steve_policy_find_from(p, begin);
    uint32_t swallowed = 0;
    if (i > 0 && p->stretch[i - 1].kind == POLICY_HOLE) {
        begin = p->stretch[--i].begin;
        steve_policy_take_out(p, i);
    }
    while (i < p->count && p->stretch[i].kind != POLICY_LIVE) {
        const struct policy_stretch above = p->stretch[i];
        if (above.kind == POLICY_KEPT) {
            if (swallowed++ == SWALLOWED)
                break;
            p->entry[above.entry].use = POLICY_BURIED;
        }
        end = steve_policy_end_of(&above);
        steve_policy_take_out(p, i);
    }
    p->refused = POLICY_NONE;
    if (i == p->count)
        p->top = begin;
    else
        steve_policy_put_hole(p, begin, end);
}

uint32_t steve_policy_aligned(const struct policy *p, uint32_t from, uint32_t alignment, bool wide)
{
    uint32_t begin = from;
    while ((p->arena + HEADER + (uintptr_t)(begin + wide) * POLICY_GRANULE) % ((uintptr_t)alignment * POLICY_GRANULE) !=
           0)
        begin++;
    return begin;
}

uint32_t steve_policy_next_hole(const struct policy *p, uint32_t class, uint64_t since)
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
    const uint32_t begin = steve_policy_aligned(p, hole.begin, request->alignment, request->wide);
    const uint32_t end = begin + request->granules;
    steve_policy_take_out(p, i);
    if (end < steve_policy_end_of(&hole))
        steve_policy_put_hole(p, end, steve_policy_end_of(&hole));
    if (begin > hole.begin)
        steve_policy_put_hole(p, hole.begin, begin);
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

uint32_t steve_policy_take_hole(struct policy *p, const struct policy_request *request, bool thorough)
{
    uint32_t class = steve_policy_hole_class(request->granules);
    while ((class = least_class(p, class)) != POLICY_NONE) {
        uint32_t i = steve_policy_next_hole(p, class, UINT64_MAX);
        for (uint32_t tries = 0; i != POLICY_NONE && (tries < TRIES || thorough); tries++) {
            const struct policy_stretch *const hole = &p->stretch[i];
            if (steve_policy_aligned(p, hole->begin, request->alignment, request->wide) + request->granules <=
                steve_policy_end_of(hole))
                return carve(p, i, request);
            i = steve_policy_next_hole(p, class, hole->since);
        }
        class ++;
    }
    return POLICY_NONE;
}

void steve_policy_stay_exact(struct policy *p, uint32_t requests)
{
    p->exact = p->exact < requests ? requests : p->exact;
}

uint32_t steve_policy_take_top(struct policy *p, const struct policy_request *request)
{
    const uint32_t begin = steve_policy_aligned(p, p->top, request->alignment, request->wide);
    if ((uint64_t)begin + request->granules > steve_policy_limit(p))
        return POLICY_NONE;
    steve_policy_stay_exact(p, GROWING);
    if (begin > p->top)
        steve_policy_put_hole(p, p->top, begin);
    put_block(p, begin, request);
    p->top = begin + request->granules;
    return begin;
}

uint32_t steve_policy_take_part(struct policy *p, const struct policy_request *request)
{
    if (request->alignment > 1)
        return POLICY_NONE;
    for (uint32_t class = request->granules; class <= p->binned; class ++) {
        if (!is_kept(p, class))
            continue;
        const uint32_t entry = steve_policy_pop_whole(p, class);
        const uint32_t i = steve_policy_find_block(p, entry);
        const uint32_t begin = p->stretch[i].begin;
        steve_policy_make_bare(p, entry);
        steve_policy_take_out(p, i);
        put_block(p, begin, request);
        if (class > request->granules)
            steve_policy_give_back(p, begin + request->granules, class - request->granules);
        return begin;
    }
    return POLICY_NONE;
}

uint32_t steve_policy_merge(struct policy *p, uint32_t most)
{
    uint32_t merged = 0;
    if (!is_any_listed(p))
        return 0;
    for (uint32_t bins = 0; bins <= p->binned && merged < most; bins++) {
        uint32_t entry;
        while (merged < most && (entry = steve_policy_pop_whole(p, p->drain_bin)) != POLICY_NONE) {
            const uint32_t i = steve_policy_find_block(p, entry);
            const struct policy_stretch block = p->stretch[i];
            steve_policy_make_bare(p, entry);
            steve_policy_take_out(p, i);
            steve_policy_give_back(p, block.begin, block.granules);
            merged++;
        }
        if (merged < most)
            p->drain_bin = p->drain_bin == p->binned ? 0 : p->drain_bin + 1;
    }
    return merged;
}

void steve_policy_note_move(struct policy *p, uint32_t granules)
{
    p->moved_blocks++;
    p->moved_granules += granules;
}
