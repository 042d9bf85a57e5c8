/// The free list: what holds of every baseline, in each order and with each fit; which block it takes; its boundary tags.
#include "baseline_test.h"

static void the_check_notices_a_lost_boundary_tag(void **state)
{
    (void)state;
    baseline_heap *heap = heap_new(16 * KIB);
    unsigned char *block = baseline_malloc(heap, 100);
    const size_t usable = baseline_usable_size(heap, block);
    assert_non_null(baseline_malloc(heap, 100));
    baseline_free(heap, block);
    assert_sound(heap);
    memset(block + usable - sizeof(size_t), 0, sizeof(size_t));
    assert_string_equal(baseline_check(heap), "a free block's boundary tag is not its size");
}

/// Of two that are as large it is the one that was freed last.
static void by_size_the_smallest_is_taken(void **state)
{
    (void)state;
    const struct holes holes = heap_with_holes();
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[3]);
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[1]);
    assert_ptr_equal(baseline_malloc(holes.heap, 90), holes.blocks[2]);
}

int main(void)
{
    const struct CMUnitTest first[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(first_fit_takes_the_lowest),
        cmocka_unit_test(the_check_notices_a_lost_boundary_tag),
    };
    const struct CMUnitTest best[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(best_fit_takes_the_smallest_and_of_these_the_lowest),
    };
    const struct CMUnitTest by_size[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(by_size_the_smallest_is_taken),
    };
    kind_options = (struct baseline_options){.kind = BASELINE_FREELIST};
    int failed = cmocka_run_group_tests(first, NULL, NULL);
    kind_options.alignment = 8;
    failed += cmocka_run_group_tests(first, NULL, NULL);
    kind_options = (struct baseline_options){.fit = BASELINE_BEST_FIT};
    failed += cmocka_run_group_tests(best, NULL, NULL);
    kind_options = (struct baseline_options){.order = BASELINE_BY_SIZE};
    return failed + cmocka_run_group_tests(by_size, NULL, NULL);
}
