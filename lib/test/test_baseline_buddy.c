/// The buddy system: what holds of every baseline; sizes, places and joining of buddies.
#include "baseline_test.h"

static size_t offset_in_arena(const baseline_heap *heap, const void *block)
{
    return (size_t)((char *)begin_of(heap, block) - (char *)stats_of(heap).arena);
}

static void blocks_are_powers_of_two_at_multiples_of_their_size(void **state)
{
    (void)state;
    baseline_heap *heap = heap_at(40, 100 * KIB + 3);
    for (size_t bytes = 0; bytes < 20000; bytes = bytes * 3 / 2 + 7) {
        void *block = baseline_malloc(heap, bytes);
        assert_non_null(block);
        size_t size = 32;
        while (size < bytes + sizeof(size_t))
            size *= 2;
        assert_int_equal(baseline_extent(heap, block, NULL), size);
        assert_int_equal(offset_in_arena(heap, block) % size, 0);
    }
    assert_sound(heap);
}

static void buddies_are_joined_and_others_are_not(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    // Four of 128 bytes out of one of 512: what is split off is used first.
    void *blocks[4];
    blocks[0] = baseline_resize(heap, baseline_malloc(heap, 500), 100);
    blocks[1] = baseline_malloc(heap, 100);
    blocks[2] = baseline_resize(heap, baseline_malloc(heap, 200), 100);
    blocks[3] = baseline_malloc(heap, 100);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(offset_in_arena(heap, blocks[i]) - offset_in_arena(heap, blocks[0]), i * 128);
    const size_t before = stats_of(heap).free_blocks;
    baseline_free(heap, blocks[1]);
    baseline_free(heap, blocks[2]); // side by side, but no buddies
    assert_int_equal(stats_of(heap).free_blocks, before + 2);
    baseline_free(heap, blocks[0]);
    assert_int_equal(stats_of(heap).free_blocks, before + 2);
    baseline_free(heap, blocks[3]);
    assert_sound(heap);
    assert_int_equal(stats_of(heap).free_bytes, stats_of(heap).arena_bytes);
}

/// A region of any size is tiled: nothing of it is lost but what makes no least block.
static void memory_of_any_size_is_used(void **state)
{
    (void)state;
    for (size_t bytes = BASELINE_REGION_MIN; bytes < 20 * KIB; bytes += 523) {
        baseline_heap *heap = heap_new(bytes);
        const struct baseline_stats first = stats_of(heap);
        assert_int_equal(first.free_bytes, first.arena_bytes);
        assert_true(first.arena_bytes + 400 > bytes);
        size_t count = 0;
        while (baseline_malloc(heap, 24))
            count++;
        assert_int_equal(count * 32, first.arena_bytes);
        assert_sound(heap);
    }
}

static void a_block_shrinks_to_its_lower_half(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    void *block = baseline_malloc(heap, 2000);
    assert_ptr_equal(baseline_resize(heap, block, 100), block);
    assert_int_equal(baseline_extent(heap, block, NULL), 128);
    assert_sound(heap);
    assert_ptr_equal(baseline_resize(heap, block, 2000), block);
    assert_int_equal(baseline_extent(heap, block, NULL), 2048);
    assert_sound(heap);
}

int main(void)
{
    kind_options = (struct baseline_options){.kind = BASELINE_BUDDY};
    const struct CMUnitTest tests[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(blocks_are_powers_of_two_at_multiples_of_their_size),
        cmocka_unit_test(buddies_are_joined_and_others_are_not),
        cmocka_unit_test(memory_of_any_size_is_used),
        cmocka_unit_test(a_block_shrinks_to_its_lower_half),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kind_options.alignment = 8;
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
