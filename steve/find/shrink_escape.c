/// Leaving a dead end. Cutting stops where no single cut helps, though another sequence with far fewer ops may show the same:
/// one large block in the place of twenty small ones, or what would have come out of other cuts before. So when what is left
/// is still long it is made larger on purpose, or begun anew, and cut again; the shorter of the two stays.
#include "steve/find/shrink_internal.h"

#include <string.h>

/// Nobody minds so many ops.
#define SHORT_ENOUGH 6u
/// With so many the whole is begun anew, so often, from the sequence as it was found.
#define LONG     12u
#define RESTARTS 3u

/// Of so many at most each block is given a slot of its own.
#define APART_MOST 256u

/// Sizes of heaps for large blocks.
#define ROOMY ((uint64_t)1 << 20)

/// What best was before it was made larger.
struct retreat {
    struct steve_finding finding;
    uint64_t accepted;
};

/// Remembers best.
static struct retreat remember(struct steve_shrink *s)
{
    steve_shrink_assign(&s->kept, &s->best);
    return (struct retreat){.finding = s->finding, .accepted = s->accepted};
}

/// Takes what is shorter, best or what was remembered. @return true if it is best
static bool keep_shorter(struct steve_shrink *s, const struct retreat *retreat)
{
    if (s->best.count < s->kept.count) {
        return true;
    }
    steve_shrink_assign(&s->candidate, &s->kept);
    if (!steve_shrink_try(s)) { // the time is over, or it is flaky
        steve_shrink_assign(&s->best, &s->kept);
        s->finding = retreat->finding;
        memset(s->outcomes, STEVE_DONE, s->best.count);
        memset(s->sizes, 0, s->best.count * sizeof s->sizes[0]);
    }
    s->accepted = retreat->accepted; // nothing has changed
    return false;
}

static bool is_block_size(struct steve_op op)
{
    return steve_op_uses_size(op.code) && op.code != STEVE_OP_COMPACT_BUDGET;
}

uint64_t steve_shrink_larger_heap(const struct steve_shrink *s, uint64_t bytes)
{
    uint64_t most = s->config->driver->heap_max;
    return most != 0 && bytes > most ? most : bytes;
}

/// The candidate is best with everything so many times as large.
static void scale(struct steve_shrink *s, uint64_t factor)
{
    steve_shrink_copy(s);
    s->candidate.header.heap_bytes = steve_shrink_larger_heap(s, s->best.header.heap_bytes * factor);
    for (size_t i = 0; i < s->candidate.count; i++) {
        struct steve_op op = s->candidate.ops[i];
        if (is_block_size(op) && s->sizes[i] <= UINT32_MAX / factor) {
            s->candidate.ops[i] = steve_op_sized(op.code, op.slot, (uint32_t)(s->sizes[i] * factor));
        }
    }
}

/// The candidate is best in a roomy heap, with one large block.
static void enlarge(struct steve_shrink *s, size_t i, uint32_t bytes)
{
    struct steve_op op = s->best.ops[i];
    steve_shrink_copy(s);
    s->candidate.header.heap_bytes = steve_shrink_larger_heap(s, ROOMY);
    s->candidate.ops[i] = steve_op_sized(op.code, op.slot, bytes);
}

/// Tries the candidate, and cuts it if it shows the finding.
static bool try_and_cut(struct steve_shrink *s)
{
    struct retreat retreat = remember(s);
    if (!steve_shrink_try(s)) {
        return false;
    }
    steve_shrink_cut_chunks(s);
    return keep_shorter(s, &retreat);
}

static void escape_by_size(struct steve_shrink *s)
{
    static const uint64_t factors[] = {1, 4, 16, 64};
    static const uint32_t sizes[] = {1024, 32768, 131072};
    for (size_t k = 0; k < sizeof factors / sizeof factors[0] && s->best.count > SHORT_ENOUGH; k++) {
        scale(s, factors[k]);
        s->candidate.header.heap_bytes = steve_shrink_larger_heap(s, s->candidate.header.heap_bytes * 4);
        try_and_cut(s);
    }
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        for (size_t i = 0; i < s->best.count && s->best.count > SHORT_ENOUGH && !steve_shrink_over(s); i++) {
            if (is_block_size(s->best.ops[i])) {
                enlarge(s, i, sizes[k]);
                try_and_cut(s);
            }
        }
    }
}

static bool begins_life(struct steve_op op)
{
    enum steve_op_kind kind = steve_op_kind(op.code);
    return kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED;
}

/// Where twenty requests are what it takes, the blocks freed on the way are there for want of room and of slots. Tries best in a
/// roomier heap, with a slot for each block that is made; what is then freed for nothing falls to the cuts.
static void escape_by_room(struct steve_shrink *s)
{
    const size_t count = s->best.count;
    if (count <= SHORT_ENOUGH || count > APART_MOST) {
        return;
    }
    steve_shrink_copy(s);
    s->candidate.header.heap_bytes = steve_shrink_larger_heap(s, s->best.header.heap_bytes * 16);
    uint16_t made[APART_MOST]; // for each op, how many blocks were made before it
    uint16_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        made[i] = blocks;
        blocks += begins_life(s->best.ops[i]);
        for (size_t k = i + 1; k-- > 0;) {
            if (begins_life(s->best.ops[k]) && s->best.ops[k].slot == s->best.ops[i].slot) {
                s->candidate.ops[i].slot = made[k];
                break;
            }
        }
    }
    try_and_cut(s);
}

static void begin_anew(struct steve_shrink *s)
{
    for (s->order = 1; s->order <= RESTARTS && s->best.count > LONG && !steve_shrink_over(s); s->order++) {
        struct retreat retreat = remember(s);
        steve_shrink_assign(&s->candidate, s->original);
        if (!steve_shrink_try(s)) {
            break;
        }
        steve_shrink_cut_first(s);
        steve_shrink_cut(s);
        steve_shrink_simplify(s);
        steve_shrink_cut(s);
        keep_shorter(s, &retreat);
    }
    s->order = 0;
}

void steve_shrink_escape(struct steve_shrink *s)
{
    const size_t count = s->best.count;
    escape_by_room(s);
    if (s->best.count == count) {
        escape_by_size(s);
    }
    if (s->best.count == count) { // the longest ways last
        steve_shrink_guess(s);
        begin_anew(s);
    }
}
