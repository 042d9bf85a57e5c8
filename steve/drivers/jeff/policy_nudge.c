/// Blocks that make way for a request, the few that are in the way above a hole: see policy_memory_internal.h.
#include "steve/drivers/jeff/policy_memory_internal.h"

#define NUDGE_HOLES  16u
#define NUDGE_BLOCKS 4u
#define NUDGE_SIZE   256u

struct nudge {
    uint32_t hole; ///< its begin
    uint32_t blocks;
    bool slides;
};

static uint32_t free_from(const struct policy *p, uint32_t i)
{
    if (i == p->count)
        return steve_policy_top_free(p);
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

/// The block above a hole comes to where the hole was.
static void slide_one(struct policy *p, uint32_t i)
{
    const struct policy_stretch hole = p->stretch[i];
    steve_policy_take_out(p, i);
    struct policy_stretch *const block = &p->stretch[i];
    block->begin = hole.begin;
    steve_policy_note_move(p, block->granules);
    steve_policy_give_back(p, steve_policy_end_of(block), hole.granules);
}

/// The block above a hole goes into another hole. @return false if there is none for it
static bool send_away(struct policy *p, uint32_t i)
{
    const struct policy_stretch hole = p->stretch[i];
    const struct policy_stretch block = p->stretch[i + 1];
    const struct policy_request request = {block.granules, block.alignment, block.wide};
    steve_policy_take_out(p, i);
    const uint32_t room = steve_policy_take_hole(p, &request, false);
    steve_policy_put_hole(p, hole.begin, steve_policy_end_of(&hole));
    if (room == POLICY_NONE)
        return false;
    steve_policy_take_out(p, steve_policy_find_from(p, block.begin));
    p->stretch[steve_policy_find_from(p, room)].entry = block.entry;
    steve_policy_note_move(p, block.granules);
    steve_policy_give_back(p, block.begin, block.granules);
    return true;
}

/// @return whether there is room now
static bool carry_out(struct policy *p, const struct nudge *nudge, const struct policy_request *request)
{
    uint32_t i = steve_policy_find_from(p, nudge->hole);
    if (nudge->slides) {
        slide_one(p, i);
        return true;
    }
    for (uint32_t n = 0; n < nudge->blocks && p->stretch[i].granules < request->granules; n++) {
        const struct policy_stretch above = p->stretch[i + 1];
        if (above.kind == POLICY_KEPT) {
            p->entry[above.entry].use = POLICY_BURIED;
            steve_policy_take_out(p, i + 1);
            steve_policy_give_back(p, above.begin, above.granules);
        } else if (p->entry[above.entry].locked || !send_away(p, i)) {
            return false;
        }
        i = steve_policy_find_from(p, nudge->hole);
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
bool steve_policy_nudge(struct policy *p, const struct policy_request *request)
{
    uint32_t tries = 0;
    const uint64_t moved = p->moved_blocks;
    if (request->alignment > 1)
        return false;
    for (uint32_t class = steve_policy_hole_class(p->heap) + 1; class -- > 0;) {
        uint32_t i = steve_policy_next_hole(p, class, UINT64_MAX);
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
            i = steve_policy_next_hole(p, class, since);
        }
    }
    return false;
}
