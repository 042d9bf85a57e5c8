/// What the tests of the baselines share: heaps in dirty, guarded memory, marked blocks, and what must hold of every kind.
///
/// A test file sets `kind_options` and lists BASELINE_COMMON_TESTS beside its own.
#ifndef BASELINE_TEST_H
#define BASELINE_TEST_H

#include "baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KIB        ((size_t)1024)
#define REGION_MAX (256 * KIB)
#define GUARD      ((size_t)256)
#define GUARD_BYTE 0xfd
#define DIRTY_BYTE 0xd1

/// How the heaps of this file are made.
static struct baseline_options kind_options;

static _Alignas(65536) unsigned char memory[65536 + REGION_MAX + GUARD];
static size_t region_offset;
static size_t region_bytes;

static inline unsigned char *region_base(void)
{
    return memory + 4096 + region_offset;
}

static inline baseline_heap *heap_at(size_t offset, size_t bytes)
{
    assert_true(offset + bytes <= REGION_MAX);
    region_offset = offset;
    region_bytes = bytes;
    memset(memory, GUARD_BYTE, sizeof memory);
    memset(region_base(), DIRTY_BYTE, bytes);
    enum baseline_status status = BASELINE_ERROR_ARGUMENT;
    baseline_heap *heap = baseline_init(region_base(), bytes, &kind_options, &status);
    assert_int_equal(status, BASELINE_OK);
    assert_non_null(heap);
    return heap;
}

static inline baseline_heap *heap_new(size_t bytes)
{
    return heap_at(0, bytes);
}

static inline baseline_heap *heap_mapped(size_t direct, size_t limit)
{
    struct baseline_options options = kind_options;
    options.direct = direct;
    options.limit = limit;
    options.chunk = 16 * KIB;
    baseline_heap *heap = baseline_create(&options, NULL);
    assert_non_null(heap);
    return heap;
}

static inline struct baseline_stats stats_of(const baseline_heap *heap)
{
    struct baseline_stats stats;
    baseline_stats(heap, &stats);
    return stats;
}

static inline void assert_sound(const baseline_heap *heap)
{
    const char *damage = baseline_check(heap);
    if (damage)
        fail_msg("%s", damage);
    unsigned char guard[GUARD];
    memset(guard, GUARD_BYTE, GUARD);
    assert_memory_equal(region_base() - GUARD, guard, GUARD);
    assert_memory_equal(region_base() + region_bytes, guard, GUARD);
}

static inline void mark(void *block, size_t bytes, unsigned char tag)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)block)[i] = (unsigned char)(tag + i * 7);
}

static inline void assert_marked(const void *block, size_t bytes, unsigned char tag)
{
    size_t same = 0;
    while (same < bytes && ((const unsigned char *)block)[same] == (unsigned char)(tag + same * 7))
        same++;
    assert_int_equal(same, bytes);
}

static inline void *begin_of(const baseline_heap *heap, const void *block)
{
    void *begin;
    baseline_extent(heap, block, &begin);
    return begin;
}

static inline size_t granule(void)
{
    return kind_options.alignment ? kind_options.alignment : 16;
}

static inline bool is_buddy(void)
{
    return kind_options.kind == BASELINE_BUDDY;
}

/// The largest request that a run of so many bytes serves for certain, by what the heap states.
static inline size_t largest_served(const baseline_heap *heap, size_t run)
{
    size_t bytes = 0;
    for (size_t step = SIZE_MAX / 2 + 1; step > 0; step /= 2) {
        if (baseline_run_needed(heap, 0, bytes + step) <= run)
            bytes += step;
    }
    return bytes;
}

// What must hold of every kind

static inline void takes_a_region_at_any_address(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 64; offset++) {
        baseline_heap *heap = heap_at(offset, BASELINE_REGION_MIN + offset);
        assert_sound(heap);
        void *block = baseline_malloc(heap, 1);
        assert_non_null(block);
        mark(block, 1, 1);
        assert_sound(heap);
        baseline_free(heap, block);
        assert_sound(heap);
    }
}

static inline void begins_at_a_multiple_of_16_on_every_machine(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 64; offset++)
        assert_ptr_equal(heap_at(offset, BASELINE_REGION_MIN), memory + 4096 + (offset + 15) / 16 * 16);
}

static inline void refuses_bad_options_and_small_regions(void **state)
{
    (void)state;
    enum baseline_status status = BASELINE_OK;
    struct baseline_options options = kind_options;
    assert_null(baseline_init(NULL, 4096, &options, &status));
    assert_int_equal(status, BASELINE_ERROR_ARGUMENT);
    assert_null(baseline_init(memory, BASELINE_REGION_MIN - 1, &options, &status));
    assert_int_equal(status, BASELINE_ERROR_TOO_SMALL);
    options.alignment = 32;
    assert_null(baseline_init(memory, 4096, &options, &status));
    assert_int_equal(status, BASELINE_ERROR_ARGUMENT);
    options.alignment = 0;
    options.kind = (enum baseline_kind)99;
    assert_null(baseline_create(&options, &status));
    assert_int_equal(status, BASELINE_ERROR_ARGUMENT);
    options.kind = kind_options.kind;
    options.limit = 1;
    assert_null(baseline_create(&options, &status));
    assert_int_equal(status, BASELINE_ERROR_NO_PAGES);
    assert_string_not_equal(baseline_strerror(status), baseline_strerror(BASELINE_OK));
}

static inline void blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(64 * KIB);
    unsigned char *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = baseline_malloc(heap, i * 5);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % granule(), 0);
        assert_true(baseline_usable_size(heap, blocks[i]) >= i * 5);
        mark(blocks[i], i * 5, (unsigned char)i);
    }
    assert_sound(heap);
    assert_int_equal(stats_of(heap).live_blocks, 64);
    for (size_t i = 0; i < 64; i++)
        assert_marked(blocks[i], i * 5, (unsigned char)i);
}

static inline void the_whole_arena_can_be_one_block(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(64 * KIB);
    const size_t arena = stats_of(heap).arena_bytes;
    const size_t most = largest_served(heap, arena);
    void *block = baseline_malloc(heap, most);
    assert_non_null(block);
    mark(block, most, 3);
    assert_sound(heap);
    assert_null(baseline_malloc(heap, arena));
    baseline_free(heap, block);
    assert_sound(heap);
    assert_int_equal(stats_of(heap).free_bytes, arena);
}

static inline void free_neighbours_are_joined_in_any_order(void **state)
{
    (void)state;
    static const unsigned char orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}, {1, 3, 2, 0},
                                              {2, 0, 3, 1}, {1, 2, 0, 3}, {3, 0, 2, 1}, {0, 3, 1, 2}};
    for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
        baseline_heap *heap = heap_new(16 * KIB);
        const struct baseline_stats first = stats_of(heap);
        void *blocks[4];
        for (size_t i = 0; i < 4; i++)
            blocks[i] = baseline_malloc(heap, 100);
        for (size_t i = 0; i < 4; i++) {
            baseline_free(heap, blocks[orders[o][i]]);
            assert_sound(heap);
        }
        assert_int_equal(stats_of(heap).free_blocks, first.free_blocks);
        assert_int_equal(stats_of(heap).free_bytes, first.free_bytes);
    }
}

static inline void a_refused_request_changes_nothing(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX,     SIZE_MAX - 7, SIZE_MAX - 16,   SIZE_MAX - 64,
                                   SIZE_MAX / 2, SIZE_MAX / 4, (size_t)1 << 30, 64 * KIB};
    baseline_heap *heap = heap_new(16 * KIB);
    void *block = baseline_malloc(heap, 200);
    mark(block, 200, 9);
    const struct baseline_stats before = stats_of(heap);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_null(baseline_malloc(heap, sizes[i]));
        assert_null(baseline_calloc(heap, 1, sizes[i]));
        assert_null(baseline_aligned_alloc(heap, 4096, sizes[i]));
        assert_null(baseline_resize(heap, block, sizes[i]));
    }
    const struct baseline_stats after = stats_of(heap);
    assert_memory_equal(&after, &before, sizeof after);
    assert_marked(block, 200, 9);
    assert_sound(heap);
}

static inline void calloc_is_zero_and_sees_overflow(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    const unsigned char *block = baseline_calloc(heap, 33, 31);
    assert_non_null(block);
    for (size_t i = 0; i < 33 * 31; i++)
        assert_int_equal(block[i], 0);
    assert_null(baseline_calloc(heap, SIZE_MAX / 2 + 1, 2));
    assert_null(baseline_calloc(heap, SIZE_MAX / 16 + 2, 16));
    assert_non_null(baseline_calloc(heap, 0, 5));
    assert_sound(heap);
}

static inline void every_alignment_is_honoured(void **state)
{
    (void)state;
    for (size_t alignment = 1; alignment <= BASELINE_ALIGNMENT_MAX; alignment *= 2) {
        baseline_heap *heap = heap_new(REGION_MAX);
        void *before = baseline_malloc(heap, 40);
        void *block = baseline_aligned_alloc(heap, alignment, 100);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % alignment, 0);
        assert_int_equal((uintptr_t)block % granule(), 0);
        mark(block, 100, 5);
        assert_true(baseline_usable_size(heap, block) >= 100);
        assert_sound(heap);
        block = baseline_resize(heap, block, 60);
        assert_marked(block, 60, 5);
        assert_sound(heap);
        baseline_free(heap, before);
        baseline_free(heap, block);
        assert_sound(heap);
        assert_int_equal(stats_of(heap).free_bytes, stats_of(heap).arena_bytes);
    }
    baseline_heap *heap = heap_new(REGION_MAX);
    assert_null(baseline_aligned_alloc(heap, 0, 1));
    assert_null(baseline_aligned_alloc(heap, 48, 1));
    assert_null(baseline_aligned_alloc(heap, 2 * (size_t)BASELINE_ALIGNMENT_MAX, 1));
}

static inline void resize_keeps_contents(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(64 * KIB);
    void *block = baseline_malloc(heap, 300);
    void *above = baseline_malloc(heap, 300);
    mark(block, 300, 1);
    mark(above, 300, 2);
    unsigned char *moved = baseline_resize(heap, block, 3000); // it cannot grow where it lies
    assert_non_null(moved);
    assert_marked(moved, 300, 1);
    assert_marked(above, 300, 2);
    assert_sound(heap);
    mark(moved, 3000, 3);
    assert_ptr_equal(baseline_resize(heap, moved, 50), moved);
    assert_marked(moved, 50, 3);
    assert_sound(heap);
    assert_true(baseline_usable_size(heap, moved) < 200);
    assert_non_null(baseline_resize(heap, NULL, 10));
}

static inline void a_block_grows_over_free_memory_above_it(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(64 * KIB);
    void *block = baseline_malloc(heap, 4000);
    assert_ptr_equal(baseline_resize(heap, block, 1000), block); // what follows is free now
    mark(block, 1000, 1);
    void *grown = baseline_resize(heap, block, 3900);
    assert_ptr_equal(grown, block);
    assert_marked(grown, 1000, 1);
    assert_sound(heap);
    baseline_free(heap, grown);
    assert_int_equal(stats_of(heap).free_bytes, stats_of(heap).arena_bytes);
}

/// A request is refused only if no free block is as large as the heap says that it needs.
static inline void what_it_needs_is_enough(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(32 * KIB);
    void *blocks[512];
    size_t count = 0;
    while (count < 512 && (blocks[count] = baseline_malloc(heap, 40 + count % 5 * 30)))
        count++;
    assert_true(count < 512);
    for (size_t i = 0; i < count; i += 2)
        baseline_free(heap, blocks[i]);
    const size_t run = baseline_largest_free(heap);
    const size_t bytes = largest_served(heap, run);
    assert_true(baseline_run_needed(heap, 0, bytes) <= run);
    void *block = baseline_malloc(heap, bytes);
    assert_non_null(block);
    baseline_free(heap, block);
    assert_null(baseline_malloc(heap, run));
    if (!is_buddy()) // whose runs of free memory may be several blocks
        assert_null(baseline_malloc(heap, bytes + granule()));
    assert_sound(heap);
}

static inline void requests_are_stated_as_the_header_says(void **state)
{
    (void)state;
    const baseline_heap *heap = heap_new(64 * KIB);
    const size_t unit = granule();
    for (size_t bytes = 0; bytes < 500; bytes++) {
        size_t size;
        if (is_buddy()) {
            for (size = 32; size < bytes + sizeof(size_t); size *= 2) {
            }
            assert_int_equal(baseline_run_needed(heap, 0, bytes), 2 * size - 32);
            continue;
        }
        size_t least = (kind_options.kind == BASELINE_COMBO ? 7 : 4) * sizeof(size_t);
        least = (least + unit - 1) / unit * unit;
        size = (bytes + sizeof(size_t) + unit - 1) / unit * unit;
        size = size < least ? least : size;
        assert_int_equal(baseline_run_needed(heap, 0, bytes), size);
        assert_int_equal(baseline_run_needed(heap, 256, bytes), size + 256 - unit + least);
    }
    assert_int_equal(baseline_run_needed(heap, 0, SIZE_MAX), SIZE_MAX);
    assert_int_equal(baseline_run_needed(heap, 65536, SIZE_MAX - 65536), SIZE_MAX);
}

/// Random calls, with every block marked; at the end the heap is as it was.
static inline void churn(baseline_heap *heap, size_t most)
{
    enum { SLOTS = 200 };
    static struct slot {
        unsigned char *block;
        size_t bytes;
    } slots[SLOTS];
    memset(slots, 0, sizeof slots);
    uint32_t random = 12345;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        const size_t s = (random >> 8) % SLOTS;
        const size_t bytes = (random >> 16) % most;
        const unsigned char tag = (unsigned char)s;
        struct slot *slot = &slots[s];
        if (slot->block && random >> 30 == 0) {
            unsigned char *block = baseline_resize(heap, slot->block, bytes);
            if (block) {
                assert_marked(block, bytes < slot->bytes ? bytes : slot->bytes, tag);
                *slot = (struct slot){block, bytes};
                mark(block, bytes, tag);
            }
        } else if (slot->block) {
            assert_marked(slot->block, slot->bytes, tag);
            baseline_free(heap, slot->block);
            slot->block = NULL;
        } else {
            slot->bytes = bytes;
            slot->block = random >> 29 == 1 ? baseline_aligned_alloc(heap, (size_t)16 << random % 6, bytes)
                                            : baseline_malloc(heap, bytes);
            if (slot->block)
                mark(slot->block, bytes, tag);
        }
        if (i % 64 == 0)
            assert_sound(heap);
    }
    for (size_t s = 0; s < SLOTS; s++) {
        if (slots[s].block)
            assert_marked(slots[s].block, slots[s].bytes, (unsigned char)s);
        baseline_free(heap, slots[s].block);
    }
    assert_sound(heap);
    assert_int_equal(stats_of(heap).live_blocks, 0);
    assert_int_equal(stats_of(heap).live_bytes, 0);
}

static inline void churn_in_a_region_leaves_it_as_it_was(void **state)
{
    (void)state;
    baseline_heap *heap = heap_at(24, 60 * KIB + 5);
    const struct baseline_stats first = stats_of(heap);
    churn(heap, 700);
    const struct baseline_stats last = stats_of(heap);
    assert_memory_equal(&last, &first, sizeof last);
}

static inline void churn_over_pages_can_all_be_trimmed(void **state)
{
    (void)state;
    baseline_heap *heap = heap_mapped(2 * KIB, 0);
    churn(heap, 4 * KIB);
    assert_int_equal(stats_of(heap).direct_blocks, 0);
    const size_t mapped = stats_of(heap).mapped_bytes;
    const size_t trimmed = baseline_trim(heap);
    assert_true(trimmed > 0);
    assert_int_equal(stats_of(heap).chunks, 0);
    assert_int_equal(stats_of(heap).mapped_bytes, mapped - trimmed);
    assert_int_equal(stats_of(heap).free_bytes, 0);
    assert_int_equal(baseline_trim(heap), 0);
    assert_sound(heap);
    assert_non_null(baseline_malloc(heap, 100)); // and it grows again
    assert_sound(heap);
    baseline_destroy(heap);
}

static inline void trim_keeps_live_blocks(void **state)
{
    (void)state;
    baseline_heap *heap = heap_mapped(64 * KIB, 0);
    unsigned char *blocks[40];
    for (size_t i = 0; i < 40; i++) {
        blocks[i] = baseline_malloc(heap, 6000);
        assert_non_null(blocks[i]);
        mark(blocks[i], 6000, (unsigned char)i);
    }
    for (size_t i = 0; i < 40; i++) {
        if (i % 8 != 0)
            baseline_free(heap, blocks[i]);
    }
    assert_true(baseline_trim(heap) > 0);
    assert_sound(heap);
    for (size_t i = 0; i < 40; i += 8)
        assert_marked(blocks[i], 6000, (unsigned char)i);
    for (size_t i = 1; i < 40; i += 8)
        assert_non_null(baseline_malloc(heap, 6000)); // pages inside free blocks can be used again
    assert_sound(heap);
    baseline_destroy(heap);
}

static inline void big_requests_have_pages_of_their_own(void **state)
{
    (void)state;
    baseline_heap *heap = heap_mapped(0, 0);
    void *small = baseline_malloc(heap, 64 * KIB);
    const size_t mapped = stats_of(heap).mapped_bytes;
    assert_int_equal(stats_of(heap).direct_blocks, 0);

    unsigned char *big = baseline_calloc(heap, 1, 64 * KIB + 1);
    assert_int_equal(stats_of(heap).direct_blocks, 1);
    assert_true(stats_of(heap).mapped_bytes > mapped + 64 * KIB);
    assert_int_equal(big[64 * KIB], 0);
    mark(big, 64 * KIB, 1);
    big = baseline_resize(heap, big, 1024 * KIB);
    assert_marked(big, 64 * KIB, 1);
    mark(big, 1024 * KIB, 2);
    assert_sound(heap);
    big = baseline_resize(heap, big, 70 * KIB);
    assert_marked(big, 70 * KIB, 2);
    assert_true(stats_of(heap).mapped_bytes < mapped + 80 * KIB);
    void *aligned = baseline_aligned_alloc(heap, 32 * KIB, 100 * KIB);
    assert_int_equal((uintptr_t)aligned % (32 * KIB), 0);
    mark(aligned, 100 * KIB, 3);
    assert_sound(heap);

    baseline_free(heap, big);
    assert_sound(heap);
    baseline_free(heap, aligned);
    assert_int_equal(stats_of(heap).mapped_bytes, mapped);
    baseline_free(heap, small);
    assert_sound(heap);
    baseline_destroy(heap);
}

static inline void the_limit_is_kept(void **state)
{
    (void)state;
    baseline_heap *heap = heap_mapped(8 * KIB, 96 * KIB);
    assert_null(baseline_malloc(heap, 100 * KIB));
    assert_null(baseline_malloc(heap, SIZE_MAX / 2));
    void *block = baseline_malloc(heap, 20 * KIB);
    assert_non_null(block);
    mark(block, 20 * KIB, 1);
    assert_null(baseline_resize(heap, block, 96 * KIB));
    assert_marked(block, 20 * KIB, 1);
    size_t count = 0;
    while (baseline_malloc(heap, 1000)) {
        assert_true(stats_of(heap).mapped_bytes <= 96 * KIB);
        count++;
    }
    assert_true(count > 20);
    assert_sound(heap);
    assert_true(stats_of(heap).room_bytes < 4096);
    baseline_destroy(heap);
}

/// Places for chunks that a client gives, and how many are in use.
static struct {
    _Alignas(4096) unsigned char places[4][64 * 1024];
    size_t used;
} client_pages;

static inline void *client_map(void *context, size_t bytes)
{
    assert_ptr_equal(context, &client_pages);
    const bool is_there = bytes <= sizeof client_pages.places[0] && client_pages.used < 4;
    return is_there ? client_pages.places[client_pages.used++] : NULL;
}

static inline void client_unmap(void *context, void *pages, size_t bytes)
{
    assert_ptr_equal(context, &client_pages);
    memset(pages, DIRTY_BYTE, bytes);
    client_pages.used--;
}

static inline void chunks_can_come_from_the_client(void **state)
{
    (void)state;
    struct baseline_options options = kind_options;
    options.chunk = 64 * KIB;
    options.map = client_map;
    assert_null(baseline_create(&options, NULL)); // one without the other
    options.unmap = client_unmap;
    options.context = &client_pages;
    baseline_heap *heap = baseline_create(&options, NULL);
    assert_non_null(heap);
    size_t count = 0;
    for (const unsigned char *block; (block = baseline_malloc(heap, 5000)) != NULL; count++)
        assert_in_range((uintptr_t)block - (uintptr_t)client_pages.places, 1, sizeof client_pages.places - 5000);
    assert_true(count > 20);
    assert_int_equal(client_pages.used, 4);
    assert_sound(heap);
    baseline_destroy(heap);
    assert_int_equal(client_pages.used, 0);
}

static inline void a_region_can_have_big_requests_apart(void **state)
{
    (void)state;
    kind_options.direct = 4 * KIB;
    baseline_heap *heap = heap_new(16 * KIB);
    kind_options.direct = 0;
    void *big = baseline_malloc(heap, 100 * KIB);
    assert_non_null(big);
    mark(big, 100 * KIB, 1);
    assert_int_equal(stats_of(heap).direct_blocks, 1);
    assert_sound(heap);
    baseline_destroy(heap); // gives its pages back; the region is the client's
    assert_int_equal(stats_of(heap).mapped_bytes, 0);
}

static inline bool count_visit(void *context, void *begin, size_t bytes, bool live)
{
    (void)begin;
    size_t *sums = context;
    sums[live] += bytes;
    return true;
}

static inline void a_walk_sees_every_block(void **state)
{
    (void)state;
    baseline_heap *heap = heap_mapped(4 * KIB, 0);
    for (size_t i = 0; i < 30; i++)
        assert_non_null(baseline_malloc(heap, 200 * i));
    size_t sums[2] = {0, 0};
    assert_true(baseline_walk(heap, count_visit, sums));
    assert_int_equal(sums[true], stats_of(heap).live_bytes);
    assert_int_equal(sums[false], stats_of(heap).free_bytes);
    baseline_destroy(heap);
    baseline_destroy(NULL);
}

static inline void the_check_notices_an_overwritten_header(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    unsigned char *first = baseline_malloc(heap, 100);
    assert_non_null(baseline_malloc(heap, 100));
    memset(first + baseline_usable_size(heap, first), 0xff, sizeof(size_t)); // the header of what lies above
    assert_non_null(baseline_check(heap));
}

static inline void the_check_notices_an_overwritten_node(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    void *block = baseline_malloc(heap, 100);
    void *between = baseline_malloc(heap, 100);
    baseline_free(heap, block);
    void *const stale[] = {block, block, block};
    memcpy(block, stale, sizeof stale); // written after it was freed
    assert_non_null(baseline_check(heap));
    (void)between;
}

#define BASELINE_COMMON_TESTS                                                                                          \
    cmocka_unit_test(takes_a_region_at_any_address), cmocka_unit_test(begins_at_a_multiple_of_16_on_every_machine),    \
        cmocka_unit_test(refuses_bad_options_and_small_regions), cmocka_unit_test(blocks_are_aligned_and_apart),       \
        cmocka_unit_test(the_whole_arena_can_be_one_block), cmocka_unit_test(free_neighbours_are_joined_in_any_order), \
        cmocka_unit_test(a_refused_request_changes_nothing), cmocka_unit_test(calloc_is_zero_and_sees_overflow),       \
        cmocka_unit_test(every_alignment_is_honoured), cmocka_unit_test(resize_keeps_contents),                        \
        cmocka_unit_test(a_block_grows_over_free_memory_above_it), cmocka_unit_test(what_it_needs_is_enough),          \
        cmocka_unit_test(requests_are_stated_as_the_header_says),                                                      \
        cmocka_unit_test(churn_in_a_region_leaves_it_as_it_was),                                                       \
        cmocka_unit_test(churn_over_pages_can_all_be_trimmed), cmocka_unit_test(trim_keeps_live_blocks),               \
        cmocka_unit_test(big_requests_have_pages_of_their_own), cmocka_unit_test(the_limit_is_kept),                   \
        cmocka_unit_test(chunks_can_come_from_the_client), cmocka_unit_test(a_region_can_have_big_requests_apart),     \
        cmocka_unit_test(a_walk_sees_every_block), cmocka_unit_test(the_check_notices_an_overwritten_header),          \
        cmocka_unit_test(the_check_notices_an_overwritten_node)

// Which free block serves a request

/// A heap with free blocks of 300, 100, 200, 100 bytes from low to high, live ones between, and nothing else that is free.
struct holes {
    baseline_heap *heap;
    void *blocks[4];
};

static inline struct holes heap_with_holes(void)
{
    static const size_t sizes[] = {300, 100, 200, 100};
    struct holes holes = {.heap = heap_new(16 * KIB)};
    for (size_t i = 0; i < 4; i++) {
        holes.blocks[i] = baseline_malloc(holes.heap, sizes[i]);
        assert_non_null(baseline_malloc(holes.heap, 10));
    }
    assert_non_null(baseline_malloc(holes.heap, largest_served(holes.heap, baseline_largest_free(holes.heap))));
    for (size_t i = 0; i < 4; i++)
        baseline_free(holes.heap, holes.blocks[i]);
    assert_sound(holes.heap);
    assert_int_equal(stats_of(holes.heap).free_blocks, 4);
    return holes;
}

static inline void first_fit_takes_the_lowest(void **state)
{
    (void)state;
    const struct holes holes = heap_with_holes();
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[0]);
}

static inline void best_fit_takes_the_smallest_and_of_these_the_lowest(void **state)
{
    (void)state;
    const struct holes holes = heap_with_holes();
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[1]);
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[3]);
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[2]);
}

#endif
