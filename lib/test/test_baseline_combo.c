/// Both trees in one node: what holds of every baseline, with either alignment; which block it takes; its least block.
#include "baseline_test.h"

static void the_least_block_is_the_node(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    const size_t node = 7 * sizeof(size_t); // 56 bytes on 64-bit targets
    const size_t least = (node + granule() - 1) / granule() * granule();
    assert_int_equal(baseline_extent(heap, baseline_malloc(heap, 0), NULL), least);
    assert_int_equal(baseline_extent(heap, baseline_malloc(heap, least - sizeof(size_t)), NULL), least);
    assert_int_equal(baseline_extent(heap, baseline_malloc(heap, least), NULL), least + granule());
}

/// With many free blocks the trees grow and shrink at their ends and in the middle; the check looks at order and balance.
static void the_trees_stay_in_balance(void **state)
{
    (void)state;
    enum { BLOCKS = 1000 };
    static void *blocks[BLOCKS];
    baseline_heap *heap = heap_new(REGION_MAX);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = baseline_malloc(heap, 60 + i % 90);
    for (size_t i = 0; i < BLOCKS; i += 2) { // from below
        baseline_free(heap, blocks[i]);
        assert_null(baseline_check(heap));
    }
    assert_int_equal(stats_of(heap).free_blocks, BLOCKS / 2 + 1);
    for (size_t i = BLOCKS - 1; i < BLOCKS; i -= 2) { // and from above, joining
        baseline_free(heap, blocks[i]);
        assert_null(baseline_check(heap));
    }
    assert_int_equal(stats_of(heap).free_blocks, 1);
}

int main(void)
{
    kind_options = (struct baseline_options){.kind = BASELINE_COMBO};
    const struct CMUnitTest tests[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(best_fit_takes_the_smallest_and_of_these_the_lowest),
        cmocka_unit_test(the_least_block_is_the_node),
        cmocka_unit_test(the_trees_stay_in_balance),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kind_options.alignment = 8;
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
