/// Two drivers, one sequence: the first runs as if it were alone, the second follows with the same ops and sizes. Each is held to
/// all oracles by an executor of its own; here is what only the two together can show: outcomes that differ beyond what the
/// drivers state.
///
/// The second follows as far as it can. An op that it does not have, or that the first did not carry out, is skipped there; a block
/// that only the second got is given back. So whatever is live on the second is live on the first, locked no more often, and
/// two outcomes are compared only if both sides were in the same state before the op.
///
/// One refusal and one block are a difference only if the one that refused had room to spare in its own terms:
///
///     - it states what serves a request for certain, and a free run has it (twice as much without a promise of exact refusals); or,
///     - of a driver that states no free runs, it held far more in this episode than it holds now, blocks and bytes, and as large a
///       block: so much that by the pigeonhole principle some gap between the live blocks takes the request several times over.
///       Nothing is locked: a locked block may be in the way of bookkeeping that must grow. And none of its options is on: one may
///       be to refuse.
///
/// What a heap's bookkeeping takes, how it rounds, or that it has size classes, speaks for itself in either; a request beyond all
/// that it ever served is never held against it.
#include "steve/core/exec_internal.h"

#include <stdio.h>

/// Above this the system may refuse what the allocator would serve, and moving it all takes too long. The first driver's heap, by
/// which sizes are drawn, may be a lazily mapped region that is far larger.
#define BEARABLE ((size_t)64 << 20)

/// What one live block may keep from others beside its extent: its place in tables; and where nothing is stated, all that is
/// of its size class.
#define TAKEN_BY_BLOCK  ((size_t)64)
#define PINNED_BY_BLOCK ((size_t)64 << 10)

/// By how much room must exceed the request where it is judged by the past.
#define MARGIN 4u

bool steve_rival_new(struct steve_exec *exec, const char **why)
{
    struct steve_exec_config config = exec->config;
    config.driver = config.against;
    config.against = NULL;
    exec->rival = steve_exec_new(&config, why);
    return exec->rival != NULL;
}

bool steve_rival_begin(struct steve_exec *exec, const struct steve_header *header, const char **why)
{
    struct steve_header geometry = *header;
    if (exec->driver->options != exec->rival->driver->options) {
        geometry.options = 0; // they are the first driver's own
    }
    return steve_exec_begin(exec->rival, &geometry, why);
}

/// The second driver broke an oracle by itself: the finding is passed on, with its name.
static bool pass_on(struct steve_exec *exec)
{
    const struct steve_finding *found = &exec->rival->finding;
    exec->finding = *found;
    exec->finding.op = exec->op;
    const size_t size = sizeof exec->finding.what;
    const int length = snprintf(exec->finding.what, size, "%.80s: ", exec->rival->driver->name);
    snprintf(exec->finding.what + length, size - (size_t)length, "%.*s", (int)size - length - 1, found->what);
    exec->blames_rival = true;
    exec->found = true;
    return false;
}

bool steve_rival_end(struct steve_exec *exec)
{
    struct steve_exec *rival = exec->rival;
    rival->op = exec->op;
    rival->digest = exec->digest; // it decides what is done at the end
    return steve_exec_end(rival) != STEVE_FOUND || pass_on(exec);
}

static bool is_request(struct steve_op op)
{
    return op.code >= STEVE_OP_MALLOC && op.code <= STEVE_OP_ALIGNED_LAST;
}

/// Whether the second driver can be given so much. What nobody can serve is let through.
static bool can_bear(const struct steve_exec *rival, size_t bytes)
{
    const bool lies_still =
        (rival->promises & STEVE_PROMISE_MOVES) == 0 && (rival->promises & STEVE_PROMISE_REGION) != 0;
    return lies_still || bytes >= SIZE_MAX / 4 || (bytes <= BEARABLE && rival->live_bytes <= BEARABLE - bytes);
}

/// Whether the second driver takes part in an op whose outcome on the first is known.
static bool follows(const struct steve_exec *exec, struct steve_op op, enum steve_outcome outcome)
{
    const struct steve_slot *there = &exec->rival->slots[op.slot];
    switch (op.code) {
    case STEVE_OP_FREE:
        // Refused on the first since it is locked: to be asked again only of one that is locked, too.
        return outcome == STEVE_DONE || (outcome == STEVE_REFUSED && there->locks > 0);
    case STEVE_OP_LOCK:
    case STEVE_OP_UNLOCK:
    case STEVE_OP_PURGEABLE:
    case STEVE_OP_KEEP:
        return outcome == STEVE_DONE;
    default:
        return outcome != STEVE_SKIPPED;
    }
}

/// One side of a comparison.
struct side {
    struct steve_exec *exec;
    bool refused;
    bool broke; ///< looking at it broke an oracle of its own
    char what[128];
};

/// By what the driver states of runs.
static bool has_run(struct side *side, size_t alignment, size_t bytes)
{
    struct steve_exec *exec = side->exec;
    const size_t factor = (exec->promises & STEVE_PROMISE_EXACT_REFUSAL) != 0 ? 1 : 2;
    struct steve_room room = steve_room_for_block(exec, alignment, bytes);
    if (room.needed == SIZE_MAX || room.run / factor < room.needed) {
        return false;
    }
    // As for the oracle refusal: what is known of extents may be old.
    if (!steve_sweep(exec, STEVE_DEPTH_ENDS)) {
        side->broke = true;
        return false;
    }
    room = steve_room_for_block(exec, alignment, bytes);
    snprintf(side->what, sizeof side->what, "it needs a run of %zu bytes, and one of %zu is free", room.needed,
             room.run);
    return room.needed != SIZE_MAX && room.run / factor >= room.needed;
}

/// By what it held before. Live blocks cut what is free into one run more than there are of them at most.
static bool held_more(struct side *side, size_t alignment, size_t bytes)
{
    const struct steve_exec *exec = side->exec;
    const size_t need = bytes + alignment;
    // Large blocks may have lain in pages of their own, beside a heap that has no more than was asked for.
    size_t unused = (exec->past.bytes < exec->heap_bytes ? exec->past.bytes : exec->heap_bytes) / 2;
    const size_t live = exec->driver->extent != NULL ? exec->live_extent : exec->live_bytes;
    const size_t pinned =
        live + exec->live_blocks * (exec->driver->run_needed != NULL ? TAKEN_BY_BLOCK : PINNED_BY_BLOCK);
    if (exec->options != 0 || exec->locked_blocks > 0 || exec->live_blocks > exec->past.blocks / 2) {
        return false;
    }
    if (need < bytes || need > exec->past.largest || exec->past.bytes > BEARABLE || pinned >= unused) {
        return false;
    }
    unused -= pinned;
    snprintf(side->what, sizeof side->what, "it holds %zu bytes in %zu blocks, and has held %zu, and as large a block",
             exec->live_bytes, exec->live_blocks, exec->past.bytes);
    return unused / (exec->live_blocks + 1) / MARGIN >= (need == 0 ? 1 : need);
}

static bool has_room_to_spare(struct side *side, size_t alignment, size_t bytes)
{
    if (bytes == 0 && side->exec->driver->zero_size != STEVE_ZERO_BLOCK) {
        return false;
    }
    return side->exec->gaps ? has_run(side, alignment, bytes) : held_more(side, alignment, bytes);
}

/// @return false: the episode is over
static bool compare_refusals(struct steve_exec *exec, struct side *refuser, const struct side *server,
                             struct steve_op op, size_t alignment, size_t bytes)
{
    bool differ = has_room_to_spare(refuser, alignment, bytes);
    if (refuser->broke) {
        return refuser->exec == exec ? false : pass_on(exec);
    }
    return !differ || steve_broken(exec, STEVE_ORACLE_DIFFERENTIAL, NULL,
                                   "%.40s refused %s %zu bytes (alignment %zu) that %.40s serves: %s",
                                   refuser->exec->driver->name, is_request(op) ? "a request for" : "a resize to", bytes,
                                   alignment, server->exec->driver->name, refuser->what);
}

static bool serves_less(const struct steve_exec *exec, uint16_t slot, size_t *usable)
{
    const struct steve_slot *block = &exec->slots[slot];
    if (exec->driver->usable == NULL) {
        return false;
    }
    *usable = exec->driver->usable(exec->heap, block->ref);
    return *usable < block->bytes;
}

/// Both served it: one may not have less of it than the other has and was asked for.
static bool compare_sizes(struct steve_exec *exec, uint16_t slot)
{
    size_t here = 0;
    size_t there = 0;
    const bool less_here = serves_less(exec, slot, &here);
    const bool less_there = serves_less(exec->rival, slot, &there);
    if (less_here == less_there) {
        return true;
    }
    return steve_broken(exec, STEVE_ORACLE_DIFFERENTIAL, &exec->slots[slot], "only %zu bytes of it are usable in %.80s",
                        less_here ? here : there, less_here ? exec->driver->name : exec->rival->driver->name);
}

static bool compare(struct steve_exec *exec, struct steve_op op, size_t bytes, enum steve_outcome here,
                    enum steve_outcome there)
{
    if (here == STEVE_DONE && there == STEVE_DONE) {
        return compare_sizes(exec, op.slot);
    }
    if (here == there || here == STEVE_SKIPPED || there == STEVE_SKIPPED) {
        return true;
    }
    struct side first = {.exec = exec, .refused = here == STEVE_REFUSED};
    struct side second = {.exec = exec->rival, .refused = there == STEVE_REFUSED};
    struct side *refuser = first.refused ? &first : &second;
    const struct side *server = first.refused ? &second : &first;
    size_t alignment = steve_alignment_of(op);
    if (op.code == STEVE_OP_RESIZE && refuser->exec->slots[op.slot].alignment != 0) {
        alignment = (size_t)1 << refuser->exec->slots[op.slot].alignment;
    }
    return compare_refusals(exec, refuser, server, op, alignment, bytes);
}

static void note_past(struct steve_exec *exec, struct steve_op op, size_t bytes, enum steve_outcome outcome)
{
    if (outcome != STEVE_DONE) {
        return;
    }
    const size_t served = bytes + steve_alignment_of(op);
    exec->past.largest = served > exec->past.largest ? served : exec->past.largest;
    exec->past.blocks = exec->live_blocks > exec->past.blocks ? exec->live_blocks : exec->past.blocks;
    exec->past.bytes = exec->live_bytes > exec->past.bytes ? exec->live_bytes : exec->past.bytes;
}

/// What is not live on the first goes from the second as well. @return false: the episode is over
static bool give_back(struct steve_exec *exec, uint16_t index)
{
    struct steve_slot *there = &exec->rival->slots[index];
    bool freed;
    if (exec->slots[index].ref != 0 || there->ref == 0 || there->locks > 0) {
        return true;
    }
    return steve_free_block(exec->rival, there, &freed) || pass_on(exec);
}

/// Whether a block op would find the same on both sides. Locked and purged blocks have rules of their own.
static bool are_alike(const struct steve_exec *exec, struct steve_op op)
{
    const struct steve_slot *here = &exec->slots[op.slot];
    const struct steve_slot *there = &exec->rival->slots[op.slot];
    if (is_request(op)) {
        return here->ref == 0 && there->ref == 0;
    }
    return op.code == STEVE_OP_RESIZE && steve_slot_has_memory(here) && steve_slot_has_memory(there) &&
           here->bytes == there->bytes && here->locks == 0 && there->locks == 0;
}

enum steve_outcome steve_differential_step(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    struct steve_exec *rival = exec->rival;
    const bool alike = are_alike(exec, op);
    const bool makes = is_request(op) || op.code == STEVE_OP_RESIZE;
    const enum steve_outcome here = steve_carry_out(exec, op, bytes);
    if (here == STEVE_FOUND) {
        return STEVE_FOUND;
    }
    if (!follows(exec, op, here) || (makes && !can_bear(rival, bytes))) {
        return steve_outcome_of(!makes || give_back(exec, op.slot), here);
    }
    rival->op = exec->op;
    const enum steve_outcome there = steve_carry_out(rival, op, bytes);
    if (there == STEVE_FOUND) {
        return steve_outcome_of(pass_on(exec), here);
    }
    if (alike && exec->checked && !compare(exec, op, bytes, here, there)) {
        return STEVE_FOUND;
    }
    if (makes) {
        note_past(exec, op, bytes, here);
        note_past(rival, op, bytes, there);
    }
    return steve_outcome_of(!steve_op_uses_slot(op.code) || give_back(exec, op.slot), here);
}
