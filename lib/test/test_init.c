/// Making a heap inside a region: what is refused and why, odd sizes, tiny heaps, and that nothing outside is touched.
#include "heap_test.h"

static enum jeff_status refusal_of(void *region, size_t bytes, const struct jeff_config *config)
{
    enum jeff_status status = JEFF_OK;
    assert_null(jeff_init(region, bytes, config, &status));
    return status;
}

static void a_null_region_is_refused(void **state)
{
    (void)state;
    assert_int_equal(refusal_of(NULL, MIB, NULL), JEFF_ERROR_ARGUMENT);
}

static void a_region_below_the_minimum_is_refused_and_not_touched(void **state)
{
    (void)state;
    arena_reset(JEFF_HEAP_MIN);
    for (size_t bytes = 0; bytes < JEFF_HEAP_MIN; bytes++) {
        assert_int_equal(refusal_of(arena_region(), bytes, NULL), JEFF_ERROR_TOO_SMALL);
    }
    for (size_t i = 0; i < JEFF_HEAP_MIN; i++) {
        assert_int_equal(arena_region()[i], DIRTY_BYTE);
    }
}

static void the_smallest_region_holds_a_block_at_every_base(void **state)
{
    (void)state;
    for (size_t offset = 0; offset <= 4096; offset += 16) {
        arena_reset(8 * KIB);
        jeff_heap *heap = jeff_init(arena_region() + offset, JEFF_HEAP_MIN, NULL, NULL);
        assert_non_null(heap);
        jeff_handle block = marked_block(heap, 16, 1);
        assert_marked(heap, block, 16, 1);
        assert_checked(heap);
    }
}

static void a_misaligned_region_is_refused(void **state)
{
    (void)state;
    for (size_t offset = 1; offset < 16; offset++) {
        assert_int_equal(refusal_of(arena_region() + offset, 64 * KIB, NULL), JEFF_ERROR_MISALIGNED);
    }
}

static void a_heap_of_alignment_8_takes_a_region_aligned_to_8(void **state)
{
    (void)state;
    const struct jeff_config config = {.alignment = 8};
    for (size_t offset = 1; offset < 24; offset++) {
        arena_reset(64 * KIB);
        if (offset % 8 != 0) {
            assert_int_equal(refusal_of(arena_region() + offset, 32 * KIB, &config), JEFF_ERROR_MISALIGNED);
            continue;
        }
        jeff_heap *heap = jeff_init(arena_region() + offset, 32 * KIB, &config, NULL);
        assert_non_null(heap);
        assert_checked(heap);
    }
}

static void an_alignment_other_than_0_8_16_is_refused(void **state)
{
    (void)state;
    const size_t bad[] = {1, 2, 4, 7, 9, 12, 24, 32, 64, 4096, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct jeff_config config = {.alignment = bad[i]};
        assert_int_equal(refusal_of(arena_region(), 64 * KIB, &config), JEFF_ERROR_ARGUMENT);
    }
    const struct jeff_config same_as_default = {.alignment = 16};
    assert_sound(heap_with(64 * KIB, &same_as_default));
}

static void a_refusal_needs_no_place_for_its_reason(void **state)
{
    (void)state;
    assert_null(jeff_init(NULL, 0, NULL, NULL));
    assert_null(jeff_init(arena_region(), 1, NULL, NULL));
    assert_null(jeff_init(arena_region() + 1, MIB, NULL, NULL));
}

/// Every size up to 2 KiB, filled to refusal with the smallest blocks, emptied and filled again.
static void small_and_odd_regions_are_used_and_not_left(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= 16; alignment += 8) {
        const struct jeff_config config = {.alignment = alignment};
        for (size_t bytes = JEFF_HEAP_MIN; bytes <= 2 * KIB; bytes++) {
            static jeff_handle handles[256];
            jeff_heap *heap = heap_with(bytes, &config);
            size_t first = fill_heap(heap, 1, handles, 256);
            assert_sound(heap);
            assert_true(first > 0);
            for (size_t i = 0; i < first; i++) {
                assert_marked(heap, handles[i], 1, (unsigned)i);
                assert_true(jeff_free(heap, handles[i]));
            }
            assert_sound(heap);
            assert_int_equal(fill_heap(heap, 1, handles, 256), first);
            assert_sound(heap);
        }
    }
}

static void odd_sizes_are_used_to_the_last_granule(void **state)
{
    (void)state;
    size_t base = largest_served(heap_new(64 * KIB));
    for (size_t odd = 0; odd < 64; odd++) {
        jeff_heap *heap = heap_new(64 * KIB + odd);
        size_t largest = largest_served(heap);
        assert_true(largest + 16 > base + odd);
        assert_true(largest < base + odd + 16);
        assert_sound(heap);
    }
}

/// What a region may have held before.
enum dirt { ZEROS, ONES, FORMER_HEAP, OTHER_HEAP, DIRTS };

static void make_dirty(enum dirt dirt)
{
    unsigned char *region = arena_region();
    arena_reset(128 * KIB);
    raw_fill(region, dirt == ZEROS ? 0 : 0xff, 64 * KIB);
    if (dirt < FORMER_HEAP) {
        return;
    }
    // Blocks of all kinds, some locked, and a compaction that has stopped half way.
    unsigned char *place = dirt == FORMER_HEAP ? region : region + 64 * KIB;
    jeff_heap *heap = jeff_init(place, 64 * KIB, NULL, NULL);
    for (size_t i = 0; i < 150; i++) {
        jeff_handle handle = i % 7 == 0 ? jeff_aligned_alloc(heap, 64, i) : jeff_malloc(heap, i * 29 % 900);
        if (i % 5 == 0) {
            assert_non_null(jeff_lock(heap, handle));
        } else if (i % 2 == 0) {
            assert_true(jeff_free(heap, handle));
        }
    }
    jeff_compact_goal(heap, &(struct jeff_goal){.budget_ns = 1000}, NULL);
    if (dirt == OTHER_HEAP) {
        raw_copy(region, place, 64 * KIB);
    }
}

/// Offsets of the blocks of a fixed sequence, in memory that was dirty.
static void offsets_in(enum dirt dirt, size_t *offsets, size_t count)
{
    static jeff_handle handles[100];
    make_dirty(dirt);
    jeff_heap *heap = jeff_init(arena_region(), 64 * KIB, NULL, NULL);
    assert_non_null(heap);
    assert_int_equal(stats_of(heap).live_blocks, 0);
    assert_int_equal(jeff_last_status(heap), JEFF_OK);
    assert_checked(heap);
    for (size_t i = 0; i < count; i++) {
        handles[i] = i % 9 == 0 ? jeff_calloc(heap, i, 100) : marked_block(heap, i * 13 % 400, (unsigned)i);
        const unsigned char *bytes = jeff_weak_lock(heap, handles[i]);
        for (size_t k = 0; i % 9 == 0 && k < i * 100; k++) {
            assert_int_equal(bytes[k], 0);
        }
        if (i % 3 == 0) {
            assert_true(jeff_free(heap, handles[i]));
        }
    }
    jeff_compact(heap, 0);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = i % 3 == 0 ? 0 : (size_t)((unsigned char *)jeff_weak_lock(heap, handles[i]) - arena_region());
        if (i % 3 != 0) {
            assert_marked(heap, handles[i], i * 13 % 400, (unsigned)i);
        }
    }
    assert_checked(heap);
    assert_true(largest_served(heap) > 30000);
    assert_guards_whole();
}

static void what_the_region_held_before_does_not_matter(void **state)
{
    (void)state;
    static size_t clean[100], dirty[100];
    offsets_in(ZEROS, clean, 100);
    for (enum dirt dirt = ONES; dirt < DIRTS; dirt++) {
        offsets_in(dirt, dirty, 100);
        assert_memory_equal(clean, dirty, sizeof clean);
    }
}

static void two_heaps_do_not_disturb_each_other(void **state)
{
    (void)state;
    arena_reset(128 * KIB);
    jeff_heap *low = jeff_init(arena_region(), 64 * KIB, NULL, NULL);
    jeff_heap *high = jeff_init(arena_region() + 64 * KIB, 64 * KIB, NULL, NULL);
    static jeff_handle lows[512], highs[512];
    size_t low_count = fill_heap(low, 300, lows, 512);
    size_t high_count = fill_heap(high, 200, highs, 512);
    for (size_t i = 0; i < low_count; i += 2) {
        assert_true(jeff_free(low, lows[i]));
    }
    jeff_compact(low, 0);
    for (size_t i = 0; i < high_count; i++) {
        assert_marked(high, highs[i], 200, (unsigned)i);
    }
    for (size_t i = 1; i < low_count; i += 2) {
        assert_marked(low, lows[i], 300, (unsigned)i);
    }
    assert_checked(low);
    assert_checked(high);
    assert_guards_whole();
}

static void a_region_can_be_made_a_heap_again(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    size_t day_one = largest_served(heap);
    assert_true(jeff_lock(heap, marked_block(heap, 1000, 1)) != NULL);
    heap = jeff_init(arena_region(), 64 * KIB, NULL, NULL);
    assert_non_null(heap);
    assert_int_equal(stats_of(heap).live_blocks, 0);
    assert_int_equal(largest_served(heap), day_one);
    assert_sound(heap);
}

static void a_new_heap_is_empty_and_no_call_has_failed(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    struct jeff_stats stats = stats_of(heap);
    assert_int_equal(jeff_last_status(heap), JEFF_OK);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(stats.live_bytes, 0);
    assert_int_equal(stats.refused, 0);
    assert_int_equal(stats.moved_blocks, 0);
    assert_int_equal(walk_region(heap).free_stretches, 1);
    assert_sound(heap);
}

static void destroy_makes_every_handle_of_a_region_stale(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = marked_block(heap, 100, 1);
    jeff_handle locked = marked_block(heap, 100, 2);
    assert_non_null(jeff_lock(heap, locked));
    jeff_destroy(heap);
    assert_null(jeff_lock(heap, block));
    assert_null(jeff_lock(heap, locked));
    assert_false(jeff_free(heap, block));
    assert_guards_whole();
    jeff_destroy(NULL);
}

static void every_status_has_a_sentence(void **state)
{
    (void)state;
    for (int status = -3; status < 40; status++) {
        const char *sentence = jeff_strerror((enum jeff_status)status);
        assert_non_null(sentence);
        assert_true(strlen(sentence) > 1);
        assert_true(sentence[strlen(sentence) - 1] != '.');
    }
    for (int status = JEFF_ERROR_ARGUMENT; status <= JEFF_ERROR_CORRUPT; status++) {
        const char *other = jeff_strerror((enum jeff_status)(status - 1));
        assert_string_not_equal(jeff_strerror((enum jeff_status)status), other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_region_is_refused),
        cmocka_unit_test(a_region_below_the_minimum_is_refused_and_not_touched),
        cmocka_unit_test(the_smallest_region_holds_a_block_at_every_base),
        cmocka_unit_test(a_misaligned_region_is_refused),
        cmocka_unit_test(a_heap_of_alignment_8_takes_a_region_aligned_to_8),
        cmocka_unit_test(an_alignment_other_than_0_8_16_is_refused),
        cmocka_unit_test(a_refusal_needs_no_place_for_its_reason),
        cmocka_unit_test(small_and_odd_regions_are_used_and_not_left),
        cmocka_unit_test(odd_sizes_are_used_to_the_last_granule),
        cmocka_unit_test(what_the_region_held_before_does_not_matter),
        cmocka_unit_test(two_heaps_do_not_disturb_each_other),
        cmocka_unit_test(a_region_can_be_made_a_heap_again),
        cmocka_unit_test(a_new_heap_is_empty_and_no_call_has_failed),
        cmocka_unit_test(destroy_makes_every_handle_of_a_region_stale),
        cmocka_unit_test(every_status_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
