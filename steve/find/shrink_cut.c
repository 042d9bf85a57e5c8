/// Candidates with fewer ops. Ops are marked, and the candidate is what is not marked.
///
/// Guesses that cut most come first: what did nothing; all but a few in a row; a kind of op; a slot, or half of all slots; then
/// runs of ops from half of the sequence down to single ops, from the end backwards; then pairs and triples that only
/// go together (lock and unlock), and two ops that one can stand for.
#include "steve/find/shrink_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 65536u

/// Up to so many ops all pairs are tried, all triples, and all merges. Beyond, only pairs that belong together.
#define PAIRS_MOST   64u
#define TRIPLES_MOST 20u
#define MERGES_MOST  64u

/// Large cuts by chance are given up after so many in vain, sooner where a trial takes long.
#define CUTS_IN_VAIN     100u
#define FEW_CUTS_IN_VAIN 16u
#define MANY_OPS         20000u

/// So many windows of a width are tried, or a few more.
#define WINDOWS_MOST 128u

static void mark(struct steve_shrink *s, size_t begin, size_t end)
{
    memset(s->marks + begin, 1, end - begin);
}

bool steve_shrink_try_unmarked(struct steve_shrink *s)
{
    size_t before = s->best.count;
    size_t kept = 0;
    s->candidate.header = s->best.header;
    for (size_t i = 0; i < before; i++) {
        if (s->marks[i] == 0) {
            s->candidate.ops[kept++] = s->best.ops[i];
        }
    }
    s->candidate.count = kept;
    memset(s->marks, 0, before);
    return kept < before && steve_shrink_try(s);
}

/// What an op does to no block and no heap.
static void cut_skipped(struct steve_shrink *s)
{
    bool any = true;
    while (any && !steve_shrink_over(s)) {
        any = false;
        for (size_t i = 0; i < s->best.count; i++) {
            s->marks[i] = s->outcomes[i] == STEVE_SKIPPED;
        }
        any = steve_shrink_try_unmarked(s);
    }
}

/// Tries the ops from `begin` to `end` alone, in a heap of so many bytes.
static bool try_window(struct steve_shrink *s, size_t begin, size_t end, uint64_t heap_bytes)
{
    s->candidate.header = s->best.header;
    s->candidate.header.heap_bytes = heap_bytes;
    s->candidate.count = end - begin;
    memcpy(s->candidate.ops, s->best.ops + begin, (end - begin) * sizeof s->best.ops[0]);
    return steve_shrink_try(s);
}

static bool cut_to_windows_of(struct steve_shrink *s, size_t width, uint64_t heap_bytes)
{
    size_t count = s->best.count;
    size_t step = width / 4 > count / WINDOWS_MOST ? width / 4 : count / WINDOWS_MOST;
    for (size_t end = count; !steve_shrink_over(s); end -= step) {
        if (try_window(s, end - width, end, heap_bytes)) {
            return true;
        }
        if (end < width + step) {
            return false;
        }
    }
    return false;
}

/// A few ops in a row, and nothing else. All windows of one width together cost a few runs of the whole at most. In a
/// smaller heap a few ops come as far as many do in a large one.
static void cut_to_window(struct steve_shrink *s)
{
    for (size_t width = 8; width <= s->best.count / 4 && !steve_shrink_over(s); width *= 4) {
        uint64_t before = 0;
        for (unsigned shift = 0; shift <= 8; shift += 4) {
            uint64_t bytes = s->best.header.heap_bytes >> shift;
            bytes = bytes < steve_shrink_heap_min(s) ? steve_shrink_heap_min(s) : bytes;
            if (bytes != before && cut_to_windows_of(s, width, bytes)) {
                return;
            }
            before = bytes;
        }
    }
}

static void cut_kinds(struct steve_shrink *s)
{
    for (int kind = STEVE_KIND_COUNT - 1; kind >= 0 && !steve_shrink_over(s); kind--) {
        for (size_t i = 0; i < s->best.count; i++) {
            s->marks[i] = (int)steve_op_kind(s->best.ops[i].code) == kind;
        }
        steve_shrink_try_unmarked(s);
    }
}

/// A set of slots, and the list of those that best uses, in the order of first use.
struct slots {
    bool in_set[SLOTS];
    uint16_t list[SLOTS];
    size_t count;
};

static void list_slots(const struct steve_shrink *s, struct slots *slots)
{
    memset(slots->in_set, 0, sizeof slots->in_set);
    slots->count = 0;
    for (size_t i = 0; i < s->best.count; i++) {
        struct steve_op op = s->best.ops[i];
        if (steve_op_uses_slot(op.code) && !slots->in_set[op.slot]) {
            slots->in_set[op.slot] = true;
            slots->list[slots->count++] = op.slot;
        }
    }
    memset(slots->in_set, 0, sizeof slots->in_set);
}

static bool try_without_slots(struct steve_shrink *s, struct slots *slots, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        slots->in_set[slots->list[i]] = true;
    }
    for (size_t i = 0; i < s->best.count; i++) {
        s->marks[i] = steve_op_uses_slot(s->best.ops[i].code) && slots->in_set[s->best.ops[i].slot];
    }
    for (size_t i = begin; i < end; i++) {
        slots->in_set[slots->list[i]] = false;
    }
    return steve_shrink_try_unmarked(s);
}

/// All slots but the one that the finding is about.
static void cut_other_slots(struct steve_shrink *s, struct slots *slots)
{
    if (!s->finding.has_slot) {
        return;
    }
    size_t others = 0;
    for (size_t i = 0; i < slots->count; i++) {
        if (slots->list[i] != s->finding.slot) {
            slots->list[others++] = slots->list[i];
        }
    }
    slots->count = others;
    try_without_slots(s, slots, 0, slots->count);
}

static void cut_slots(struct steve_shrink *s)
{
    struct slots *slots = malloc(sizeof *slots);
    if (slots == NULL) {
        return;
    }
    list_slots(s, slots);
    cut_other_slots(s, slots);
    list_slots(s, slots);
    for (size_t chunk = slots->count / 2; chunk > 0 && !steve_shrink_over(s); chunk /= 2) {
        size_t end = slots->count;
        while (end > 0 && !steve_shrink_over(s)) {
            size_t begin = end > chunk ? end - chunk : 0;
            if (try_without_slots(s, slots, begin, end)) {
                memmove(slots->list + begin, slots->list + end, (slots->count - end) * sizeof slots->list[0]);
                slots->count -= end - begin;
            }
            end = begin;
        }
    }
    free(slots);
}

/// Runs of ops of one length, from the front.
static void cut_chunks_forward(struct steve_shrink *s, size_t chunk)
{
    size_t begin = 0;
    while (begin < s->best.count && !steve_shrink_over(s)) {
        size_t before = s->best.count;
        mark(s, begin, begin + chunk < before ? begin + chunk : before);
        steve_shrink_try_unmarked(s);
        begin += s->best.count < before ? 0 : chunk;
    }
}

/// Runs of ops of one length, from the end backwards.
static void cut_chunks_of(struct steve_shrink *s, size_t chunk)
{
    if (s->order % 2 == 1) {
        cut_chunks_forward(s, chunk);
        return;
    }
    size_t end = s->best.count;
    while (end > 0 && !steve_shrink_over(s)) {
        size_t begin = end > chunk ? end - chunk : 0;
        mark(s, begin, end);
        steve_shrink_try_unmarked(s);
        end = begin < s->best.count ? begin : s->best.count;
    }
}

void steve_shrink_cut_chunks(struct steve_shrink *s)
{
    for (size_t chunk = s->best.count / 2; chunk > 0 && !steve_shrink_over(s); chunk /= 2) {
        while (chunk > 1 && chunk > s->best.count / 2) {
            chunk /= 2;
        }
        cut_chunks_of(s, chunk);
        cut_skipped(s);
    }
}

/// The op that ends what op `i` began on the same slot: its next unlock or free. @return count if there is none
static size_t partner_of(const struct steve_shrink *s, size_t i)
{
    const struct steve_op *ops = s->best.ops;
    uint8_t ends = ops[i].code == STEVE_OP_LOCK ? STEVE_OP_UNLOCK : STEVE_OP_FREE;
    size_t k = i + 1;
    while (k < s->best.count && (ops[k].code != ends || ops[k].slot != ops[i].slot)) {
        k++;
    }
    return k;
}

static bool begins_something(uint8_t code)
{
    enum steve_op_kind kind = steve_op_kind(code);
    return kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED ||
           kind == STEVE_KIND_LOCK;
}

/// A lock and its unlock; a block's whole life.
static void cut_lives(struct steve_shrink *s)
{
    for (size_t i = s->best.count; i-- > 0 && !steve_shrink_over(s);) {
        if (i >= s->best.count || !begins_something(s->best.ops[i].code)) {
            continue;
        }
        size_t partner = partner_of(s, i);
        size_t end = partner < s->best.count ? partner + 1 : s->best.count;
        bool life = s->best.ops[i].code != STEVE_OP_LOCK;
        for (size_t k = i; k < end; k++) {
            bool same = steve_op_uses_slot(s->best.ops[k].code) && s->best.ops[k].slot == s->best.ops[i].slot;
            s->marks[k] = k == i || k == partner || (life && same);
        }
        steve_shrink_try_unmarked(s);
    }
}

/// Any two, which includes those that belong together in a way nobody thought of.
static void cut_pairs(struct steve_shrink *s)
{
    if (s->best.count > PAIRS_MOST) {
        return;
    }
    for (size_t i = 0; i < s->best.count; i++) {
        for (size_t k = i + 1; k < s->best.count && !steve_shrink_over(s); k++) {
            s->marks[i] = 1;
            s->marks[k] = 1;
            steve_shrink_try_unmarked(s);
        }
    }
}

static void cut_triples(struct steve_shrink *s)
{
    if (s->best.count > TRIPLES_MOST) {
        return;
    }
    for (size_t i = 0; i < s->best.count; i++) {
        for (size_t k = i + 1; k < s->best.count; k++) {
            for (size_t m = k + 1; m < s->best.count && !steve_shrink_over(s); m++) {
                s->marks[i] = 1;
                s->marks[k] = 1;
                s->marks[m] = 1;
                steve_shrink_try_unmarked(s);
            }
        }
    }
}

static bool makes_block(uint8_t code)
{
    enum steve_op_kind kind = steve_op_kind(code);
    return kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED ||
           kind == STEVE_KIND_RESIZE;
}

/// Tries best without op `gone`, and with op `kept` asking for so many bytes.
static bool try_merged(struct steve_shrink *s, size_t kept, size_t gone, uint64_t bytes)
{
    if (bytes > UINT32_MAX) {
        return false;
    }
    struct steve_op op = s->best.ops[kept];
    size_t at = kept < gone ? kept : kept - 1;
    steve_shrink_copy(s);
    memmove(s->candidate.ops + gone, s->candidate.ops + gone + 1,
            (s->candidate.count - gone - 1) * sizeof s->candidate.ops[0]);
    s->candidate.count--;
    struct steve_op sized = steve_op_sized(op.code, op.slot, (uint32_t)bytes);
    s->candidate.ops[at] = sized;
    return steve_shrink_try(s);
}

/// One block as large as two, their headers and rounding included.
static bool try_one_for_two(struct steve_shrink *s, size_t a, size_t b)
{
    static const unsigned headers[] = {0, 8, 16, 32};
    uint64_t sum = s->sizes[a] + s->sizes[b];
    if (s->sizes[a] > UINT32_MAX || s->sizes[b] > UINT32_MAX) {
        return false;
    }
    uint64_t rounded = (s->sizes[a] + 15) / 16 * 16 + (s->sizes[b] + 15) / 16 * 16;
    if (try_merged(s, a, b, sum) || try_merged(s, b, a, sum)) {
        return true;
    }
    for (size_t i = 0; i < sizeof headers / sizeof headers[0] && !steve_shrink_over(s); i++) {
        if (try_merged(s, a, b, rounded + headers[i]) || try_merged(s, b, a, rounded + headers[i])) {
            return true;
        }
    }
    return false;
}

/// A malloc and its resize: a malloc of the size after. Two blocks: a larger one.
static void merge(struct steve_shrink *s)
{
    if (s->best.count > MERGES_MOST) {
        return;
    }
    for (size_t a = 0; a < s->best.count; a++) {
        for (size_t b = a + 1; b < s->best.count && !steve_shrink_over(s); b++) {
            struct steve_op first = s->best.ops[a];
            struct steve_op second = s->best.ops[b];
            if (!makes_block(first.code) || !makes_block(second.code)) {
                continue;
            }
            bool merged = second.code == STEVE_OP_RESIZE ? first.slot == second.slot && try_merged(s, a, b, s->sizes[b])
                                                         : try_one_for_two(s, a, b);
            if (merged) {
                b = a; // what follows has moved
            }
        }
    }
}

/// A heap that is smaller by one block needs that block no longer.
static void cut_with_heap(struct steve_shrink *s)
{
    static const unsigned headers[] = {0, 8, 16, 24, 32};
    if (s->best.count > MERGES_MOST) {
        return;
    }
    for (size_t i = s->best.count; i-- > 0 && !steve_shrink_over(s);) {
        for (size_t k = 0; k < sizeof headers / sizeof headers[0] && i < s->best.count; k++) {
            uint64_t less = (s->sizes[i] + 15) / 16 * 16 + headers[k];
            if (!makes_block(s->best.ops[i].code) || s->sizes[i] > UINT32_MAX ||
                s->best.header.heap_bytes < less + steve_shrink_heap_min(s)) {
                continue;
            }
            steve_shrink_copy(s);
            memmove(s->candidate.ops + i, s->candidate.ops + i + 1,
                    (s->candidate.count - i - 1) * sizeof s->candidate.ops[0]);
            s->candidate.count--;
            s->candidate.header.heap_bytes -= less;
            steve_shrink_try(s);
        }
    }
}

void steve_shrink_cut_first(struct steve_shrink *s)
{
    cut_skipped(s);
    steve_shrink_scale_down(s);
    steve_shrink_guess_cuts(s, FEW_CUTS_IN_VAIN);
    cut_to_window(s);
    steve_shrink_guess_window(s);
    steve_shrink_guess_move(s);
}

void steve_shrink_cut(struct steve_shrink *s)
{
    // Other orders lead to other results: shrink_escape.c counts on it.
    if ((s->order & 2) == 0) {
        cut_kinds(s);
        cut_slots(s);
    }
    if ((s->order & 4) == 0) {
        steve_shrink_heap(s, false);
    }
    cut_skipped(s);
    steve_shrink_guess_cuts(s, s->best.count > MANY_OPS ? FEW_CUTS_IN_VAIN : CUTS_IN_VAIN);
    steve_shrink_cut_chunks(s);
    cut_lives(s);
    cut_pairs(s);
    cut_triples(s);
    merge(s);
    cut_with_heap(s);
}
