/// What is known about each op code: its kind, and which fields mean something. One table of 256 entries answers for every
/// byte, so that decoding a fuzzer's input needs no branches over codes.
#include "steve/core/op.h"

#include <assert.h>

static_assert(sizeof(struct steve_op) == 8, "an op has the fields of its byte record, and no more");

enum uses {
    USES_SLOT = 1 << 0,
    USES_SIZE = 1 << 1,
    USES_BIT = 1 << 2,
};

struct code_info {
    uint8_t kind; ///< of enum steve_op_kind; codes that are not listed have STEVE_KIND_NONE, which is 0
    uint8_t uses; ///< of enum uses
};

static_assert(STEVE_KIND_NONE == 0, "codes without an entry mean no op");

// clang-format off
#define ALIGNED_TO(k) [STEVE_OP_ALIGNED + (k)] = {STEVE_KIND_ALIGNED, USES_SLOT | USES_SIZE}
#define MISUSE(code) [code] = {STEVE_KIND_MISUSE, USES_SLOT}
#define FORGED(code) [code] = {STEVE_KIND_MISUSE, USES_SLOT | USES_BIT}

static const struct code_info code_infos[256] = {
    [STEVE_OP_MALLOC] = {STEVE_KIND_MALLOC, USES_SLOT | USES_SIZE},
    [STEVE_OP_CALLOC] = {STEVE_KIND_CALLOC, USES_SLOT | USES_SIZE},
    ALIGNED_TO(0), ALIGNED_TO(1), ALIGNED_TO(2), ALIGNED_TO(3), ALIGNED_TO(4), ALIGNED_TO(5), ALIGNED_TO(6), ALIGNED_TO(7),
    ALIGNED_TO(8), ALIGNED_TO(9), ALIGNED_TO(10), ALIGNED_TO(11), ALIGNED_TO(12), ALIGNED_TO(13), ALIGNED_TO(14), ALIGNED_TO(15),
    [STEVE_OP_RESIZE] = {STEVE_KIND_RESIZE, USES_SLOT | USES_SIZE},
    [STEVE_OP_FREE] = {STEVE_KIND_FREE, USES_SLOT},
    [STEVE_OP_LOCK] = {STEVE_KIND_LOCK, USES_SLOT},
    [STEVE_OP_UNLOCK] = {STEVE_KIND_UNLOCK, USES_SLOT},
    [STEVE_OP_WEAK_LOCK] = {STEVE_KIND_WEAK_LOCK, USES_SLOT},
    [STEVE_OP_PURGEABLE] = {STEVE_KIND_PURGEABLE, USES_SLOT},
    [STEVE_OP_KEEP] = {STEVE_KIND_KEEP, USES_SLOT},
    [STEVE_OP_WRITE] = {STEVE_KIND_WRITE, USES_SLOT},
    [STEVE_OP_VERIFY] = {STEVE_KIND_VERIFY, USES_SLOT},
    [STEVE_OP_COMPACT] = {STEVE_KIND_COMPACT, 0},
    [STEVE_OP_COMPACT_BUDGET] = {STEVE_KIND_COMPACT_BUDGET, USES_SIZE},
    [STEVE_OP_COMPACT_GOAL] = {STEVE_KIND_COMPACT_GOAL, USES_SIZE},
    [STEVE_OP_DRAIN] = {STEVE_KIND_DRAIN, 0},
    [STEVE_OP_CHECK] = {STEVE_KIND_CHECK, 0},
    MISUSE(STEVE_OP_FREE_STALE), MISUSE(STEVE_OP_LOCK_STALE), MISUSE(STEVE_OP_UNLOCK_STALE), MISUSE(STEVE_OP_RESIZE_STALE),
    MISUSE(STEVE_OP_FREE_FOREIGN), MISUSE(STEVE_OP_LOCK_FOREIGN), MISUSE(STEVE_OP_UNLOCK_FOREIGN), MISUSE(STEVE_OP_RESIZE_FOREIGN),
    FORGED(STEVE_OP_FREE_FORGED), FORGED(STEVE_OP_LOCK_FORGED), FORGED(STEVE_OP_UNLOCK_FORGED), FORGED(STEVE_OP_RESIZE_FORGED),
    MISUSE(STEVE_OP_UNLOCK_UNLOCKED),
};

static const char *const kind_names[STEVE_KIND_COUNT] = {
    [STEVE_KIND_NONE] = "none", [STEVE_KIND_MALLOC] = "malloc", [STEVE_KIND_CALLOC] = "calloc", [STEVE_KIND_ALIGNED] = "aligned",
    [STEVE_KIND_RESIZE] = "resize", [STEVE_KIND_FREE] = "free", [STEVE_KIND_LOCK] = "lock", [STEVE_KIND_UNLOCK] = "unlock",
    [STEVE_KIND_WEAK_LOCK] = "weak-lock", [STEVE_KIND_PURGEABLE] = "purgeable", [STEVE_KIND_KEEP] = "keep",
    [STEVE_KIND_WRITE] = "write", [STEVE_KIND_VERIFY] = "verify", [STEVE_KIND_COMPACT] = "compact",
    [STEVE_KIND_COMPACT_BUDGET] = "compact-budget", [STEVE_KIND_COMPACT_GOAL] = "compact-goal", [STEVE_KIND_DRAIN] = "drain",
    [STEVE_KIND_CHECK] = "check", [STEVE_KIND_MISUSE] = "misuse",
};
// clang-format on

enum steve_op_kind steve_op_kind(uint8_t code)
{
    return (enum steve_op_kind)code_infos[code].kind;
}

const char *steve_op_kind_name(enum steve_op_kind kind)
{
    return (unsigned)kind < STEVE_KIND_COUNT ? kind_names[kind] : "unknown";
}

bool steve_op_uses_slot(uint8_t code)
{
    return (code_infos[code].uses & USES_SLOT) != 0;
}

bool steve_op_uses_size(uint8_t code)
{
    return (code_infos[code].uses & USES_SIZE) != 0;
}

bool steve_op_uses_bit(uint8_t code)
{
    return (code_infos[code].uses & USES_BIT) != 0;
}

/// Folds the size class to the first value of its range that means the same, and clears `arg` where the class has no use
/// for it.
static void fold_size(struct steve_op *op)
{
    if (op->size_class < STEVE_SIZE_POWER) {
        op->size_class = STEVE_SIZE_ABSOLUTE;
        return;
    }
    if (op->size_class >= STEVE_SIZE_OF_SLOT && op->size_class < STEVE_SIZE_MAX) {
        op->size_class = STEVE_SIZE_OF_SLOT;
        return;
    }
    op->arg = 0;
    if (op->size_class >= STEVE_SIZE_MAX)
        op->size_class = STEVE_SIZE_MAX;
    else if (op->size_class == STEVE_SIZE_HEAP)
        op->size_class = STEVE_SIZE_HEAP + 1;
}

struct steve_op steve_op_canonical(struct steve_op op)
{
    const struct code_info info = code_infos[op.code];

    if (info.kind == STEVE_KIND_NONE)
        return (struct steve_op){0};
    if (!(info.uses & USES_SLOT))
        op.slot = 0;
    if (info.uses & USES_SIZE) {
        // A budget has no use for the heap's or a block's size: whatever its class, its number is read as if absolute.
        if (info.kind == STEVE_KIND_COMPACT_BUDGET)
            op.size_class = STEVE_SIZE_ABSOLUTE;
        fold_size(&op);
        return op;
    }
    op.size_class = 0;
    op.delta = 0;
    op.arg = (info.uses & USES_BIT) ? op.arg % 64u : 0;
    return op;
}

struct steve_op steve_op_sized(uint8_t code, uint16_t slot, uint32_t bytes)
{
    // The lower half keeps its bits: a delta below 0 stands for 2^16 more.
    const uint32_t low = bytes & 0xffffu;
    const int32_t delta = low < 0x8000u ? (int32_t)low : (int32_t)low - 0x10000;

    return (struct steve_op){
        .code = code,
        .size_class = STEVE_SIZE_ABSOLUTE,
        .slot = slot,
        .delta = (int16_t)delta,
        .arg = (uint16_t)(bytes >> 16),
    };
}

/// A sum that stays between 0 and SIZE_MAX.
static size_t shifted(size_t bytes, int16_t delta)
{
    if (delta < 0) {
        size_t down = (size_t) - (int)delta;
        return bytes > down ? bytes - down : 0;
    }
    const size_t up = (size_t)delta;
    return bytes > SIZE_MAX - up ? SIZE_MAX : bytes + up;
}

size_t steve_op_bytes(struct steve_op op, size_t heap_bytes, size_t of_slot)
{
    if (op.size_class < STEVE_SIZE_POWER) {
        return ((size_t)op.arg << 16) + (uint16_t)op.delta;
    }
    if (op.size_class < STEVE_SIZE_HEAP) {
        // Past the width of a size_t it stays the largest.
        const uint64_t power = (uint64_t)1 << (op.size_class - STEVE_SIZE_POWER);
        return shifted((size_t)power == power ? (size_t)power : SIZE_MAX, op.delta);
    }
    if (op.size_class < STEVE_SIZE_OF_SLOT) {
        size_t parts = op.size_class - (size_t)STEVE_SIZE_HEAP;
        return shifted(heap_bytes / (parts == 0 ? 1 : parts), op.delta);
    }
    if (op.size_class < STEVE_SIZE_MAX) {
        return shifted(of_slot, op.delta);
    }
    return SIZE_MAX - (uint16_t)op.delta;
}

/// Where the number of the thread lies: in the low bits of the size class where they are folded away, or in a field that
/// is unused.
enum thread_place { IN_DELTA, IN_ARG, IN_SIZE_CLASS };

static enum thread_place thread_place(struct steve_op op)
{
    if (!steve_op_uses_size(op.code))
        return IN_DELTA;
    bool class_is_folded =
        op.size_class < STEVE_SIZE_POWER || (op.size_class >= STEVE_SIZE_OF_SLOT && op.size_class < STEVE_SIZE_MAX);
    return class_is_folded ? IN_SIZE_CLASS : IN_ARG;
}

unsigned steve_op_thread(struct steve_op op)
{
    switch (thread_place(op)) {
    case IN_DELTA:
        return (uint16_t)op.delta % STEVE_THREADS_MOST;
    case IN_ARG:
        return op.arg % STEVE_THREADS_MOST;
    default:
        return op.size_class % STEVE_THREADS_MOST;
    }
}

struct steve_op steve_op_on_thread(struct steve_op op, unsigned thread)
{
    assert(thread < STEVE_THREADS_MOST);

    switch (thread_place(op)) {
    case IN_DELTA:
        op.delta = (int16_t)thread;
        break;
    case IN_ARG:
        op.arg = (uint16_t)thread;
        break;
    default:
        op.size_class = (uint8_t)((op.size_class & ~(STEVE_THREADS_MOST - 1)) | thread);
    }
    return op;
}
