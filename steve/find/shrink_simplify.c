/// Candidates with as many ops: simpler kinds, smaller sizes, a smaller and plainer heap, fewer slots.
#include "steve/find/shrink_internal.h"

#include <stdlib.h>
#include <string.h>

/// Beyond, ops are too many to look at each.
#define EACH_MOST 128u

#define SLOTS 65536u

/// Trials in larger ones are slow.
#define LARGE_HEAP ((uint64_t)1 << 20)

/// Tries best with another op at `i`.
static bool try_op(struct steve_shrink *s, size_t i, struct steve_op op)
{
    op = steve_op_canonical(op);
    if (steve_shrink_over(s) || i >= s->best.count || memcmp(&op, &s->best.ops[i], sizeof op) == 0) {
        return false;
    }
    steve_shrink_copy(s);
    s->candidate.ops[i] = op;
    return steve_shrink_try(s);
}

// Kinds

static bool try_code(struct steve_shrink *s, size_t i, uint8_t code)
{
    struct steve_op op = s->best.ops[i];
    op.code = code;
    return try_op(s, i, op);
}

static void lower_alignment(struct steve_shrink *s, size_t i)
{
    uint8_t code = s->best.ops[i].code;
    for (uint8_t lower = STEVE_OP_ALIGNED; lower < code; lower++) {
        if (try_code(s, i, lower)) {
            return;
        }
    }
}

/// A drain as the free of one block.
static void replace_drain(struct steve_shrink *s, size_t i)
{
    for (size_t k = 0; k < i && i < s->best.count; k++) {
        struct steve_op op = s->best.ops[k];
        if (steve_op_uses_slot(op.code) && try_op(s, i, (struct steve_op){.code = STEVE_OP_FREE, .slot = op.slot})) {
            return;
        }
    }
}

static void replace_misuse(struct steve_shrink *s, size_t i)
{
    uint8_t code = s->best.ops[i].code;
    if (code >= STEVE_OP_UNLOCK_UNLOCKED) {
        return;
    }
    // From the plainest: a stale ref, a foreign one, one made up.
    for (uint8_t plainer = (uint8_t)(STEVE_OP_FREE_STALE | (code & 3u)); plainer < code; plainer += 4) {
        if (try_code(s, i, plainer)) {
            code = plainer;
            break;
        }
    }
    // Four ops each, from the simplest: free, lock, unlock, resize.
    uint8_t first = (uint8_t)(code & ~3u);
    for (uint8_t simpler = first; simpler < code; simpler++) {
        if (try_code(s, i, simpler)) {
            return;
        }
    }
}

static void simplify_bit(struct steve_shrink *s, size_t i)
{
    struct steve_op op = s->best.ops[i];
    for (uint16_t bit = 0; steve_op_uses_bit(op.code) && bit < op.arg % 64; bit++) {
        struct steve_op lower = op;
        lower.arg = bit;
        if (try_op(s, i, lower)) {
            return;
        }
    }
}

static void simplify_kind(struct steve_shrink *s, size_t i)
{
    switch (steve_op_kind(s->best.ops[i].code)) {
    case STEVE_KIND_CALLOC:
        try_code(s, i, STEVE_OP_MALLOC);
        break;
    case STEVE_KIND_ALIGNED:
        if (!try_code(s, i, STEVE_OP_MALLOC)) {
            lower_alignment(s, i);
        }
        break;
    case STEVE_KIND_COMPACT_BUDGET:
    case STEVE_KIND_COMPACT_GOAL:
        try_code(s, i, STEVE_OP_COMPACT);
        break;
    case STEVE_KIND_WEAK_LOCK:
        try_code(s, i, STEVE_OP_LOCK);
        break;
    case STEVE_KIND_DRAIN:
        replace_drain(s, i);
        break;
    case STEVE_KIND_MISUSE:
        replace_misuse(s, i);
        simplify_bit(s, i);
        break;
    default:
        break;
    }
}

// Sizes

static bool try_size(struct steve_shrink *s, size_t i, uint32_t bytes)
{
    return try_op(s, i, steve_op_sized(s->best.ops[i].code, s->best.ops[i].slot, bytes));
}

static bool is_absolute(struct steve_op op)
{
    return op.size_class < STEVE_SIZE_POWER;
}

/// Every size that is larger made as small as this, at once.
static bool try_all_sizes(struct steve_shrink *s, uint32_t bytes)
{
    bool any = false;
    steve_shrink_copy(s);
    for (size_t i = 0; i < s->candidate.count; i++) {
        struct steve_op op = s->candidate.ops[i];
        if (steve_op_uses_size(op.code) && op.code != STEVE_OP_COMPACT_BUDGET && s->sizes[i] > bytes) {
            s->candidate.ops[i] = steve_op_sized(op.code, op.slot, bytes);
            any = true;
        }
    }
    return any && steve_shrink_try(s);
}

static void simplify_all_sizes(struct steve_shrink *s)
{
    static const uint32_t sizes[] = {0, 1, 16, 64, 256, 1024, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && !steve_shrink_over(s); i++) {
        if (try_all_sizes(s, sizes[i])) {
            return;
        }
    }
}

/// 0 and the powers of two from below, until one will do. @return the last that would not do
static uint64_t try_powers(struct steve_shrink *s, size_t i, uint64_t below)
{
    uint64_t failed = 0;
    // A budget of 0 is no budget.
    if (s->best.ops[i].code != STEVE_OP_COMPACT_BUDGET && below > 0 && try_size(s, i, 0)) {
        return 0;
    }
    for (uint64_t power = 1; power < below && power <= UINT32_MAX && !steve_shrink_over(s); power *= 2) {
        if (try_size(s, i, (uint32_t)power)) {
            break;
        }
        failed = power;
    }
    return failed;
}

static void simplify_symbolic(struct steve_shrink *s, size_t i)
{
    struct steve_op op = s->best.ops[i];
    op.delta = 0;
    if (!is_absolute(op)) {
        try_op(s, i, op);
    }
}

static void simplify_size(struct steve_shrink *s, size_t i)
{
    if (!steve_op_uses_size(s->best.ops[i].code)) {
        return;
    }
    uint64_t bytes = s->sizes[i];
    if (!is_absolute(s->best.ops[i]) && bytes <= UINT32_MAX) {
        try_size(s, i, (uint32_t)bytes);
    }
    uint64_t low = try_powers(s, i, bytes);
    if (i >= s->best.count || !is_absolute(s->best.ops[i])) {
        if (i < s->best.count) {
            simplify_symbolic(s, i);
        }
        return;
    }
    while (i < s->best.count && s->sizes[i] > low + 1 && !steve_shrink_over(s)) {
        uint64_t middle = low + (s->sizes[i] - low) / 2;
        if (!try_size(s, i, (uint32_t)middle)) {
            low = middle;
        }
    }
}

// Sizes together with the heap, where both matter: a heap that is nearly full, a request nearly as large as it

static bool is_shrinkable(const struct steve_shrink *s, size_t i)
{
    struct steve_op op = s->best.ops[i];
    return steve_op_uses_size(op.code) && is_absolute(op) && op.code != STEVE_OP_COMPACT_BUDGET;
}

/// Tries best with the heap and all sizes divided by 2^shift.
static bool try_divided(struct steve_shrink *s, unsigned shift)
{
    if (s->best.header.heap_bytes >> shift < steve_shrink_heap_min(s)) {
        return false;
    }
    steve_shrink_copy(s);
    s->candidate.header.heap_bytes >>= shift;
    for (size_t i = 0; i < s->candidate.count; i++) {
        struct steve_op op = s->candidate.ops[i];
        if (steve_op_uses_size(op.code) && op.code != STEVE_OP_COMPACT_BUDGET && s->sizes[i] <= UINT32_MAX) {
            s->candidate.ops[i] = steve_op_sized(op.code, op.slot, (uint32_t)(s->sizes[i] >> shift));
        }
    }
    return steve_shrink_try(s);
}

static void halve_all(struct steve_shrink *s)
{
    while (!steve_shrink_over(s) && try_divided(s, 1)) {
    }
}

void steve_shrink_scale_down(struct steve_shrink *s)
{
    if (s->best.header.heap_bytes < LARGE_HEAP) {
        return;
    }
    for (unsigned shift = 16; shift > 0 && !steve_shrink_over(s); shift /= 2) {
        while (s->best.header.heap_bytes >> shift >= LARGE_HEAP / 16 && try_divided(s, shift)) {
        }
    }
}

/// Takes the same off the heap and off one size, or off all that are as large.
static bool try_less(struct steve_shrink *s, size_t i, uint64_t less)
{
    uint64_t bytes = s->sizes[i];
    if (bytes < less || s->best.header.heap_bytes < less + steve_shrink_heap_min(s)) {
        return false;
    }
    steve_shrink_copy(s);
    s->candidate.header.heap_bytes -= less;
    struct steve_op op = s->best.ops[i];
    s->candidate.ops[i] = steve_op_sized(op.code, op.slot, (uint32_t)(bytes - less));
    return steve_shrink_try(s);
}

static void shift_with_heap(struct steve_shrink *s)
{
    for (size_t i = 0; i < s->best.count && !steve_shrink_over(s); i++) {
        if (!is_shrinkable(s, i)) {
            continue;
        }
        for (uint64_t less = (uint64_t)1 << 31; less > 0 && i < s->best.count; less /= 2) {
            while (i < s->best.count && !steve_shrink_over(s) && try_less(s, i, less)) {
            }
        }
    }
}

// The header

static bool try_header(struct steve_shrink *s, const struct steve_header *header)
{
    if (steve_shrink_over(s) || memcmp(header, &s->best.header, sizeof *header) == 0) {
        return false;
    }
    steve_shrink_copy(s);
    s->candidate.header = *header;
    return steve_shrink_try(s);
}

static bool try_heap(struct steve_shrink *s, uint64_t bytes)
{
    struct steve_header header = s->best.header;
    header.heap_bytes = bytes;
    return try_header(s, &header);
}

uint64_t steve_shrink_heap_min(const struct steve_shrink *s)
{
    return s->config->driver->heap_min > 0 ? s->config->driver->heap_min : 1;
}

void steve_shrink_heap(struct steve_shrink *s, bool exactly)
{
    uint64_t least = steve_shrink_heap_min(s);
    if (s->best.header.heap_bytes <= least || try_heap(s, least)) {
        return;
    }
    uint64_t failed = least;
    for (uint64_t power = 1; power < s->best.header.heap_bytes && !steve_shrink_over(s); power *= 2) {
        if (power <= least) {
            continue;
        }
        if (try_heap(s, power)) {
            break;
        }
        failed = power;
    }
    while (exactly && s->best.header.heap_bytes > failed + 1 && !steve_shrink_over(s)) {
        uint64_t middle = failed + (s->best.header.heap_bytes - failed) / 2;
        if (!try_heap(s, middle)) {
            failed = middle;
        }
    }
}

static void simplify_header(struct steve_shrink *s)
{
    struct steve_header header = s->best.header;
    header.dirty = false;
    try_header(s, &header);

    for (unsigned bit = 0; bit < 8; bit++) {
        header = s->best.header;
        header.options = (uint8_t)(header.options & ~(1u << bit));
        try_header(s, &header);
    }
    header = s->best.header;
    uint16_t base = header.base_offset;
    bool plainer = false;
    for (uint32_t units = 0; units < base && !plainer; units = units == 0 ? 1 : units * 2) {
        header.base_offset = (uint16_t)units;
        plainer = try_header(s, &header);
    }
}

// Slots

static bool names_slot_in_size(struct steve_op op)
{
    return steve_op_uses_size(op.code) && op.size_class >= STEVE_SIZE_OF_SLOT && op.size_class < STEVE_SIZE_MAX;
}

/// Tries best with slot `from` called `to` in every op.
static bool try_slot_as(struct steve_shrink *s, uint16_t from, uint16_t to)
{
    steve_shrink_copy(s);
    for (size_t i = 0; i < s->candidate.count; i++) {
        struct steve_op *op = &s->candidate.ops[i];
        if (steve_op_uses_slot(op->code) && op->slot == from) {
            op->slot = to;
        }
        if (names_slot_in_size(*op) && op->arg == from) {
            op->arg = to;
        }
    }
    return steve_shrink_try(s);
}

/// Two slots may be one where their blocks do not live at the same time.
static void join_slots(struct steve_shrink *s)
{
    for (size_t i = 0; i < s->best.count; i++) {
        for (size_t k = 0; k < i && i < s->best.count && !steve_shrink_over(s); k++) {
            struct steve_op early = s->best.ops[k];
            struct steve_op late = s->best.ops[i];
            if (steve_op_uses_slot(early.code) && steve_op_uses_slot(late.code) && early.slot != late.slot) {
                try_slot_as(s, late.slot, early.slot);
            }
        }
    }
}

/// Numbers of slots in the order of first use.
struct renumbering {
    bool known[SLOTS];
    uint16_t number[SLOTS];
    uint32_t next;
};

static uint16_t number_of(struct renumbering *r, uint16_t slot)
{
    if (!r->known[slot]) {
        r->known[slot] = true;
        r->number[slot] = (uint16_t)r->next++;
    }
    return r->number[slot];
}

static void renumber(struct steve_shrink *s)
{
    struct renumbering *r = calloc(1, sizeof *r); // too large for the stack
    if (r == NULL) {
        return;
    }
    steve_shrink_copy(s);
    for (size_t i = 0; i < s->candidate.count; i++) {
        struct steve_op *op = &s->candidate.ops[i];
        if (steve_op_uses_slot(op->code)) {
            op->slot = number_of(r, op->slot);
        }
        if (names_slot_in_size(*op)) {
            op->arg = number_of(r, op->arg);
        }
    }
    free(r);
    if (memcmp(s->candidate.ops, s->best.ops, s->best.count * sizeof s->best.ops[0]) != 0) {
        steve_shrink_try(s);
    }
}

void steve_shrink_simplify(struct steve_shrink *s)
{
    simplify_all_sizes(s);
    simplify_header(s);
    if (s->best.count <= EACH_MOST) {
        for (size_t i = 0; i < s->best.count && !steve_shrink_over(s); i++) {
            simplify_kind(s, i);
        }
        for (size_t i = 0; i < s->best.count && !steve_shrink_over(s); i++) {
            simplify_size(s, i);
        }
        halve_all(s);
        shift_with_heap(s);
        steve_shrink_heap(s, true);
        join_slots(s);
    }
    renumber(s);
}
