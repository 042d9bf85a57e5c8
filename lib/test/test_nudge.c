/// Before the whole heap is compacted for a request, a block or a few are moved if that is enough.
#include "heap_test.h"

enum { MOST = 4000 };
static jeff_handle handles[MOST];

static unsigned fill(jeff_heap *heap, size_t bytes)
{
    return (unsigned)fill_heap(heap, bytes, handles, MOST);
}

static void assert_all_marked(jeff_heap *heap, unsigned count, size_t bytes)
{
    for (unsigned i = 0; i < count; i++)
        if (jeff_usable_size(heap, handles[i]))
            assert_marked(heap, handles[i], bytes, i);
    assert_sound(heap);
}

static void sliding_one_block_joins_the_holes_beside_it(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    unsigned count = fill(heap, 100);
    assert_true(jeff_free(heap, handles[10]));
    assert_true(jeff_free(heap, handles[12]));
    const struct jeff_stats before = stats_of(heap);
    assert_true(jeff_malloc(heap, 200) != JEFF_NULL);
    assert_int_equal(stats_of(heap).moved_blocks - before.moved_blocks, 1);
    assert_true(jeff_compactions(heap) != before.compactions);
    assert_all_marked(heap, count, 100);
}

static void a_block_in_the_way_goes_where_it_fits(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle gap = jeff_malloc(heap, 300), in_the_way = marked_block(heap, 20, 7), end = jeff_malloc(heap, 100);
    jeff_handle elsewhere = jeff_malloc(heap, 40);
    unsigned count = fill(heap, 100);
    while (jeff_malloc(heap, 0))
        ;
    assert_true(jeff_free(heap, gap));
    assert_true(jeff_free(heap, elsewhere));
    const struct jeff_stats before = stats_of(heap);
    assert_true(jeff_malloc(heap, 330) != JEFF_NULL);
    assert_int_equal(stats_of(heap).moved_blocks - before.moved_blocks, 1);
    assert_marked(heap, in_the_way, 20, 7);
    assert_true(jeff_free(heap, end));
    assert_all_marked(heap, count, 100);
}

static void a_locked_block_is_not_nudged(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    unsigned count = fill(heap, 100);
    assert_true(jeff_free(heap, handles[10]));
    assert_true(jeff_free(heap, handles[12]));
    void *address = jeff_lock(heap, handles[11]);
    assert_true(jeff_malloc(heap, 200) != JEFF_NULL || jeff_last_status(heap) == JEFF_ERROR_NO_MEMORY);
    assert_ptr_equal(jeff_weak_lock(heap, handles[11]), address);
    assert_all_marked(heap, count, 100);
}

static void a_heap_without_a_last_resort_moves_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.no_last_resort = true});
    unsigned count = fill(heap, 100);
    assert_true(jeff_free(heap, handles[10]));
    assert_true(jeff_free(heap, handles[12]));
    assert_true(jeff_malloc(heap, 200) == JEFF_NULL);
    assert_int_equal(stats_of(heap).moved_blocks, 0);
    assert_all_marked(heap, count, 100);
}

/// A pass that was paused goes on at a block, and must not be left in the middle of it when it is nudged.
static void a_paused_pass_goes_on_after_a_nudge(void **state)
{
    (void)state;
    // A pass looks at the clock after at most 1024 blocks.
    for (unsigned above = 1024 - 40; above < 1024 + 40; above++) {
        jeff_heap *heap = heap_new(256 * KIB);
        unsigned count = fill(heap, 100);
        assert_true(count > above + 100);
        jeff_compact_goal(heap, &(struct jeff_goal){.budget_ns = 1}, NULL);
        // A hole that is smaller than the block which slides into it.
        assert_true(jeff_resize(heap, handles[above - 1], 40));
        assert_true(jeff_free(heap, handles[above + 1]));
        assert_true(jeff_malloc(heap, 150) != JEFF_NULL);
        assert_sound(heap);
        jeff_compact_goal(heap, &(struct jeff_goal){.budget_ns = 100000}, NULL);
        assert_true(jeff_free(heap, handles[above - 1]));
        assert_all_marked(heap, count, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sliding_one_block_joins_the_holes_beside_it),
        cmocka_unit_test(a_block_in_the_way_goes_where_it_fits),
        cmocka_unit_test(a_locked_block_is_not_nudged),
        cmocka_unit_test(a_heap_without_a_last_resort_moves_nothing),
        cmocka_unit_test(a_paused_pass_goes_on_after_a_nudge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
