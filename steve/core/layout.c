/// The layout's two-level sorted array. What the spans mean, and when they are stale, is the business of place.c and sweep.c.
#include "steve/core/layout.h"

#include <assert.h>
#include <string.h>

/// Chunks of a rebuilt layout leave room to grow.
#define REBUILT_FILL (STEVE_LAYOUT_FILL * 3 / 4)

/// A place between spans: before entry `i` of the c-th chunk in order.
struct place {
    size_t c;
    size_t i;
};

static struct steve_layout_chunk *chunk_at(struct steve_layout *layout, size_t c)
{
    return &layout->chunk[layout->order[c]];
}

static const struct steve_layout_chunk *const_chunk_at(const struct steve_layout *layout, size_t c)
{
    return &layout->chunk[layout->order[c]];
}

void steve_layout_clear(struct steve_layout *layout)
{
    layout->count = 0;
    layout->chunks = 0;
    layout->fresh = 0;
    layout->spares = 0;
    layout->version++;
}

/// How many of the ascending `keys` are below `key`. Without branches on the keys: they cannot be predicted.
static size_t count_below(const uintptr_t *keys, size_t count, uintptr_t key)
{
    const uintptr_t *base = keys;
    while (count > 1) {
        size_t half = count / 2;
        base += half * (size_t)(base[half - 1] < key);
        count -= half;
    }
    return (size_t)(base - keys) + (count == 1 && *base < key);
}

/// The first span that does not begin below `begin`. The place may be the end of a chunk that is not the last.
static struct place lower_bound(const struct steve_layout *layout, uintptr_t begin)
{
    size_t below = count_below(layout->first, layout->chunks, begin);
    if (below == 0) {
        return (struct place){0, 0};
    }
    size_t c = below - 1;
    return (struct place){c, count_below(const_chunk_at(layout, c)->begin, layout->fill[c], begin)};
}

/// Puts a chunk without spans at c-th place in order.
static void chunk_add(struct steve_layout *layout, size_t c)
{
    assert(layout->chunks < STEVE_LAYOUT_CHUNKS);

    size_t above = layout->chunks - c;
    memmove(&layout->first[c + 1], &layout->first[c], above * sizeof layout->first[0]);
    memmove(&layout->fill[c + 1], &layout->fill[c], above * sizeof layout->fill[0]);
    memmove(&layout->order[c + 1], &layout->order[c], above * sizeof layout->order[0]);
    layout->chunks++;
    layout->fill[c] = 0;
    layout->order[c] = layout->spares > 0 ? layout->spare[--layout->spares] : (uint16_t)layout->fresh++;
    chunk_at(layout, c)->gap_known = false;
}

static void chunk_drop(struct steve_layout *layout, size_t c)
{
    layout->spare[layout->spares++] = layout->order[c];
    layout->chunks--;
    size_t above = layout->chunks - c;
    memmove(&layout->first[c], &layout->first[c + 1], above * sizeof layout->first[0]);
    memmove(&layout->fill[c], &layout->fill[c + 1], above * sizeof layout->fill[0]);
    memmove(&layout->order[c], &layout->order[c + 1], above * sizeof layout->order[0]);
}

/// Moves the spans of chunk `from` from entry `i` on to the end of chunk `to`.
static void move_spans(struct steve_layout *layout, size_t to, size_t from, size_t i)
{
    struct steve_layout_chunk *source = chunk_at(layout, from);
    struct steve_layout_chunk *target = chunk_at(layout, to);
    size_t count = layout->fill[from] - i;
    size_t at = layout->fill[to];
    assert(at + count <= STEVE_LAYOUT_FILL);
    memcpy(&target->begin[at], &source->begin[i], count * sizeof source->begin[0]);
    memcpy(&target->end[at], &source->end[i], count * sizeof source->end[0]);
    memcpy(&target->slot[at], &source->slot[i], count * sizeof source->slot[0]);
    layout->fill[to] = (uint16_t)(at + count);
    layout->fill[from] = (uint16_t)i;
    source->gap_known = false;
    target->gap_known = false;
}

/// Makes room in a full chunk. At the very end the new chunk begins empty: addresses that only rise then fill chunks whole.
static struct place split(struct steve_layout *layout, struct place at)
{
    bool rising = at.c + 1 == layout->chunks && at.i == STEVE_LAYOUT_FILL;
    size_t keep = rising ? STEVE_LAYOUT_FILL : STEVE_LAYOUT_FILL / 2;
    chunk_add(layout, at.c + 1);
    move_spans(layout, at.c + 1, at.c, keep);
    layout->first[at.c + 1] = chunk_at(layout, at.c + 1)->begin[0];
    return at.i > keep || rising ? (struct place){at.c + 1, at.i - keep} : at;
}

/// Whether `span` comes before the one at `at` that begins where it begins: empty ones come first.
static bool comes_before(struct steve_span span, const struct steve_layout_chunk *chunk, size_t i)
{
    return span.end < chunk->end[i] || (span.end == chunk->end[i] && span.slot < chunk->slot[i]);
}

/// Where to insert: behind those at the same address that come before it.
static struct place insert_place(const struct steve_layout *layout, struct steve_span span)
{
    struct place at = lower_bound(layout, span.begin);
    for (;;) {
        if (at.i == layout->fill[at.c]) {
            if (at.c + 1 == layout->chunks || layout->first[at.c + 1] > span.begin) {
                return at;
            }
            if (comes_before(span, const_chunk_at(layout, at.c + 1), 0)) {
                return at;
            }
            at = (struct place){at.c + 1, 0};
        }
        const struct steve_layout_chunk *chunk = const_chunk_at(layout, at.c);
        if (chunk->begin[at.i] != span.begin || comes_before(span, chunk, at.i)) {
            return at;
        }
        at.i++;
    }
}

static bool overlaps_below(const struct steve_layout *layout, struct place at, uintptr_t begin, uint16_t *other)
{
    if (at.i == 0) {
        if (at.c == 0) {
            return false;
        }
        at = (struct place){at.c - 1, layout->fill[at.c - 1]};
    }
    const struct steve_layout_chunk *chunk = const_chunk_at(layout, at.c);
    if (chunk->end[at.i - 1] <= begin) {
        return false;
    }
    *other = chunk->slot[at.i - 1];
    return true;
}

static bool overlaps_above(const struct steve_layout *layout, struct place at, uintptr_t end, uint16_t *other)
{
    if (at.i == layout->fill[at.c]) {
        if (at.c + 1 == layout->chunks) {
            return false;
        }
        at = (struct place){at.c + 1, 0};
    }
    const struct steve_layout_chunk *chunk = const_chunk_at(layout, at.c);
    if (chunk->begin[at.i] >= end) {
        return false;
    }
    *other = chunk->slot[at.i];
    return true;
}

bool steve_layout_insert(struct steve_layout *layout, struct steve_span span, uint16_t *other)
{
    if (layout->chunks == 0) {
        chunk_add(layout, 0);
    }
    struct place at = insert_place(layout, span);
    bool alone = !overlaps_below(layout, at, span.begin, other) && !overlaps_above(layout, at, span.end, other);
    if (layout->fill[at.c] == STEVE_LAYOUT_FILL) {
        at = split(layout, at);
    }
    struct steve_layout_chunk *chunk = chunk_at(layout, at.c);
    size_t above = layout->fill[at.c] - at.i;
    memmove(&chunk->begin[at.i + 1], &chunk->begin[at.i], above * sizeof chunk->begin[0]);
    memmove(&chunk->end[at.i + 1], &chunk->end[at.i], above * sizeof chunk->end[0]);
    memmove(&chunk->slot[at.i + 1], &chunk->slot[at.i], above * sizeof chunk->slot[0]);
    chunk->begin[at.i] = span.begin;
    chunk->end[at.i] = span.end;
    chunk->slot[at.i] = span.slot;
    chunk->gap_known = false;
    layout->fill[at.c]++;
    layout->first[at.c] = chunk->begin[0];
    layout->count++;
    layout->version++;
    return alone;
}

/// The place of the span of `slot` at `begin`. @return false if it is not there
static bool find(const struct steve_layout *layout, uintptr_t begin, uint16_t slot, struct place *found)
{
    if (layout->chunks == 0) {
        return false;
    }
    struct place at = lower_bound(layout, begin);
    for (;; at.i++) {
        if (at.i == layout->fill[at.c]) {
            at = (struct place){at.c + 1, 0};
            if (at.c == layout->chunks) {
                return false;
            }
        }
        const struct steve_layout_chunk *chunk = const_chunk_at(layout, at.c);
        if (chunk->begin[at.i] != begin) {
            return false;
        }
        if (chunk->slot[at.i] == slot) {
            *found = at;
            return true;
        }
    }
}

/// Keeps the promise that two neighbours hold more than half a chunk together.
static void merge_around(struct steve_layout *layout, size_t c)
{
    if (c + 1 < layout->chunks && layout->fill[c] + layout->fill[c + 1] <= STEVE_LAYOUT_FILL / 2) {
        move_spans(layout, c, c + 1, 0);
        layout->first[c] = chunk_at(layout, c)->begin[0];
        chunk_drop(layout, c + 1);
    }
    if (c > 0 && layout->fill[c - 1] + layout->fill[c] <= STEVE_LAYOUT_FILL / 2) {
        move_spans(layout, c - 1, c, 0);
        chunk_drop(layout, c);
    }
}

bool steve_layout_remove(struct steve_layout *layout, uintptr_t begin, uint16_t slot)
{
    struct place at;
    if (!find(layout, begin, slot, &at)) {
        return false;
    }
    struct steve_layout_chunk *chunk = chunk_at(layout, at.c);
    layout->fill[at.c]--;
    size_t above = layout->fill[at.c] - at.i;
    memmove(&chunk->begin[at.i], &chunk->begin[at.i + 1], above * sizeof chunk->begin[0]);
    memmove(&chunk->end[at.i], &chunk->end[at.i + 1], above * sizeof chunk->end[0]);
    memmove(&chunk->slot[at.i], &chunk->slot[at.i + 1], above * sizeof chunk->slot[0]);
    chunk->gap_known = false;
    layout->count--;
    layout->version++;
    if (layout->fill[at.c] == 0) {
        chunk_drop(layout, at.c);
        // The two that are neighbours now may be small ones.
        if (at.c > 0) {
            merge_around(layout, at.c - 1);
        }
        return true;
    }
    layout->first[at.c] = chunk->begin[0];
    if (layout->fill[at.c] <= STEVE_LAYOUT_FILL / 2) {
        merge_around(layout, at.c);
    }
    return true;
}

uint16_t steve_layout_at(const struct steve_layout *layout, size_t rank)
{
    assert(rank < layout->count);
    size_t c = 0;
    while (rank >= layout->fill[c]) {
        rank -= layout->fill[c];
        c++;
    }
    return const_chunk_at(layout, c)->slot[rank];
}

uintptr_t steve_layout_above(const struct steve_layout *layout, uintptr_t begin, uint16_t slot, uintptr_t end)
{
    struct place at;
    if (!find(layout, begin, slot, &at)) {
        return end;
    }
    at.i++;
    if (at.i == layout->fill[at.c]) {
        at = (struct place){at.c + 1, 0};
    }
    return at.c == layout->chunks ? end : const_chunk_at(layout, at.c)->begin[at.i];
}

bool steve_layout_is_shared(const struct steve_layout *layout, uintptr_t begin, uint16_t slot)
{
    for (struct place at = lower_bound(layout, begin);; at.i++) {
        if (at.c < layout->chunks && at.i == layout->fill[at.c]) {
            at = (struct place){at.c + 1, 0};
        }
        if (at.c >= layout->chunks || const_chunk_at(layout, at.c)->begin[at.i] != begin) {
            return false;
        }
        if (const_chunk_at(layout, at.c)->slot[at.i] != slot) {
            return true;
        }
    }
}

static size_t gap_between(uintptr_t below, uintptr_t above)
{
    return above > below ? above - below : 0;
}

static void learn_gap(struct steve_layout_chunk *chunk, size_t fill)
{
    chunk->gap = 0;
    for (size_t i = 1; i < fill; i++) {
        size_t gap = gap_between(chunk->end[i - 1], chunk->begin[i]);
        chunk->gap = gap > chunk->gap ? gap : chunk->gap;
    }
    chunk->gap_known = true;
}

size_t steve_layout_largest_gap(struct steve_layout *layout, uintptr_t begin)
{
    size_t largest = 0;
    uintptr_t below = begin;
    for (size_t c = 0; c < layout->chunks; c++) {
        struct steve_layout_chunk *chunk = chunk_at(layout, c);
        if (!chunk->gap_known) {
            learn_gap(chunk, layout->fill[c]);
        }
        size_t gap = gap_between(below, chunk->begin[0]);
        gap = chunk->gap > gap ? chunk->gap : gap;
        largest = gap > largest ? gap : largest;
        below = chunk->end[layout->fill[c] - 1];
    }
    return largest;
}

uintptr_t steve_layout_top(const struct steve_layout *layout, uintptr_t begin)
{
    if (layout->count == 0) {
        return begin;
    }
    size_t c = layout->chunks - 1;
    return const_chunk_at(layout, c)->end[layout->fill[c] - 1];
}

void steve_layout_rewritten(struct steve_layout *layout, size_t c)
{
    struct steve_layout_chunk *chunk = chunk_at(layout, c);
    layout->first[c] = chunk->begin[0];
    chunk->gap_known = false;
    layout->version++;
}

void steve_layout_rebuild(struct steve_layout *layout, const struct steve_span *spans, size_t count)
{
    steve_layout_clear(layout);
    for (size_t done = 0; done < count;) {
        size_t c = layout->chunks;
        chunk_add(layout, c);
        struct steve_layout_chunk *chunk = chunk_at(layout, c);
        size_t fill = count - done < REBUILT_FILL ? count - done : REBUILT_FILL;
        for (size_t i = 0; i < fill; i++, done++) {
            chunk->begin[i] = spans[done].begin;
            chunk->end[i] = spans[done].end;
            chunk->slot[i] = spans[done].slot;
        }
        layout->first[c] = chunk->begin[0];
        layout->fill[c] = (uint16_t)fill;
    }
    layout->count = count;
}

static bool span_after(const struct steve_span *a, const struct steve_span *b)
{
    if (a->begin != b->begin) {
        return a->begin > b->begin;
    }
    return a->end != b->end ? a->end > b->end : a->slot > b->slot;
}

/// The end of the ascending run that begins at `from`.
static size_t run_end(const struct steve_span *spans, size_t from, size_t count)
{
    size_t end = from + 1;
    while (end < count && !span_after(&spans[end - 1], &spans[end])) {
        end++;
    }
    return end;
}

/// Merges [from, middle) and [middle, end) of `spans` into the same places of `to`.
static void merge_runs(const struct steve_span *spans, struct steve_span *to, size_t from, size_t middle, size_t end)
{
    size_t a = from;
    size_t b = middle;
    for (size_t i = from; i < end; i++) {
        bool take_b = b < end && (a == middle || span_after(&spans[a], &spans[b]));
        to[i] = take_b ? spans[b++] : spans[a++];
    }
}

void steve_spans_sort(struct steve_span *spans, struct steve_span *scratch, size_t count)
{
    while (count > 0 && run_end(spans, 0, count) < count) {
        for (size_t from = 0; from < count;) {
            size_t middle = run_end(spans, from, count);
            size_t end = middle < count ? run_end(spans, middle, count) : count;
            merge_runs(spans, scratch, from, middle, end);
            from = end;
        }
        memcpy(spans, scratch, count * sizeof *spans);
    }
}
