/// jeff_compact_goal(): stops when the wanted run is there, empties the widest stretch between locked blocks when sliding is not
/// enough, moves nothing the second time, and reports what it did.
#include "heap_test.h"

enum { MANY = 4000 };
static jeff_handle handles[MANY];
static void *pinned[MANY];
static size_t count;

/// A heap half of whose blocks are free, at random, and one in `lock_one_in` of the live ones locked (0: none).
static jeff_heap *half_free_heap(size_t bytes, unsigned lock_one_in, uint64_t *random)
{
    const struct jeff_config config = {.no_last_resort = true}; // so that a malloc after it proves the run is there
    jeff_heap *heap = heap_with(bytes, &config);
    for (count = 0; count < MANY; count++) {
        handles[count] = jeff_malloc(heap, 40 + next_random(random) % 400);
        if (handles[count] == JEFF_NULL) {
            break;
        }
        mark_block(heap, handles[count], 40, (unsigned)count);
        pinned[count] = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (next_random(random) % 2 == 0) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        } else if (lock_one_in > 0 && next_random(random) % lock_one_in == 0) {
            pinned[i] = jeff_lock(heap, handles[i]);
        }
    }
    return heap;
}

static void assert_whole(jeff_heap *heap)
{
    for (size_t i = 0; i < count; i++) {
        if (handles[i] != JEFF_NULL) {
            assert_marked(heap, handles[i], 40, (unsigned)i);
        }
        if (pinned[i] != NULL) {
            assert_ptr_equal(jeff_weak_lock(heap, handles[i]), pinned[i]);
        }
    }
    assert_sound(heap);
}

static void assert_serves(jeff_heap *heap, size_t bytes)
{
    jeff_handle handle = jeff_malloc(heap, bytes);
    assert_true(handle != JEFF_NULL);
    assert_true(jeff_free(heap, handle));
}

static void the_wanted_run_is_there_afterwards(void **state)
{
    (void)state;
    uint64_t random = 89;
    jeff_heap *heap = half_free_heap(256 * KIB, 0, &random);
    for (size_t wanted = 1000; wanted <= 100000; wanted *= 10) {
        const struct jeff_goal goal = {.wanted_bytes = wanted};
        struct jeff_report report;
        assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_GOAL);
        assert_int_equal(report.stop, JEFF_STOP_GOAL);
        assert_true(report.largest_after >= wanted);
        assert_serves(heap, wanted);
        assert_whole(heap);
    }
}

static void it_stops_as_soon_as_the_run_is_there(void **state)
{
    (void)state;
    uint64_t random = 97;
    jeff_heap *heap = half_free_heap(MIB, 0, &random);
    const struct jeff_goal goal = {.wanted_bytes = 3000};
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_GOAL);
    assert_true(report.moved_blocks < stats_of(heap).live_blocks / 2);
    assert_whole(heap);
}

static void a_run_that_is_there_already_moves_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(256 * KIB);
    assert_true(jeff_free(heap, marked_block(heap, 100, 1)));
    marked_block(heap, 100, 2);
    const struct jeff_goal goal = {.wanted_bytes = 1000};
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_GOAL);
    assert_int_equal(report.moved_blocks, 0);
    assert_int_equal(report.moved_bytes, 0);
    assert_int_equal(stats_of(heap).moved_blocks, 0);
}

static void what_cannot_be_had_is_not_reported_as_reached(void **state)
{
    (void)state;
    uint64_t random = 101;
    jeff_heap *heap = half_free_heap(256 * KIB, 0, &random);
    const size_t wanted[] = {256 * KIB, 2 * MIB, SIZE_MAX, SIZE_MAX - 15};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const struct jeff_goal goal = {.wanted_bytes = wanted[i]};
        struct jeff_report report;
        assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_DONE);
        assert_true(report.largest_after < wanted[i]);
        assert_whole(heap);
    }
}

static void doing_it_twice_moves_nothing(void **state)
{
    (void)state;
    uint64_t random = 103;
    for (unsigned lock_one_in = 0; lock_one_in < 40; lock_one_in = lock_one_in * 2 + 1) {
        jeff_heap *heap = half_free_heap(256 * KIB, lock_one_in, &random);
        struct jeff_report first;
        struct jeff_report second;
        assert_int_equal(jeff_compact_goal(heap, NULL, &first), JEFF_STOP_DONE);
        assert_whole(heap);
        assert_int_equal(jeff_compact_goal(heap, NULL, &second), JEFF_STOP_DONE);
        assert_int_equal(second.moved_blocks, 0);
        assert_int_equal(second.moved_bytes, 0);
        assert_int_equal(second.largest_before, first.largest_after);
        assert_int_equal(second.largest_after, first.largest_after);
        assert_whole(heap);
    }
}

/// What no compaction can beat: all free bytes, or the widest gap between two locked blocks.
static size_t bound_of(jeff_heap *heap)
{
    struct jeff_stats stats = stats_of(heap);
    uintptr_t last = (uintptr_t)heap + stats.control_bytes;
    uintptr_t end = (uintptr_t)heap + stats.heap_bytes - stats.table_bytes;
    size_t widest = 0;
    for (;;) {
        uintptr_t next = end;
        uintptr_t next_end = end;
        for (size_t i = 0; i < count; i++) {
            void *begin;
            size_t extent = pinned[i] == NULL ? 0 : jeff_extent(heap, handles[i], &begin);
            if (extent > 0 && (uintptr_t)begin >= last && (uintptr_t)begin < next) {
                next = (uintptr_t)begin;
                next_end = next + extent;
            }
        }
        widest = next - last > widest ? next - last : widest;
        if (next == end) {
            break;
        }
        last = next_end;
    }
    return widest < stats.free_bytes ? widest : stats.free_bytes;
}

static void with_locks_the_run_comes_close_to_what_is_possible(void **state)
{
    (void)state;
    uint64_t random = 107;
    const unsigned lock_one_in[] = {0, 100, 10, 2};
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned round = 0; round < 5; round++) {
            jeff_heap *heap = half_free_heap(512 * KIB, lock_one_in[i], &random);
            size_t bound = bound_of(heap);
            struct jeff_report report;
            jeff_compact_goal(heap, NULL, &report);
            assert_whole(heap);
            assert_serves(heap, report.largest_after);
            assert_true(report.largest_after * 10 >= bound * 9);
        }
    }
}

static void it_never_makes_the_largest_run_smaller(void **state)
{
    (void)state;
    uint64_t random = 109;
    for (unsigned round = 0; round < 40; round++) {
        jeff_heap *heap = half_free_heap(64 * KIB, 1 + round % 6, &random);
        struct jeff_report report;
        jeff_compact_goal(heap, NULL, &report);
        assert_true(report.largest_after >= report.largest_before);
        assert_whole(heap);
    }
}

/// largest_after is what a malloc can have, to the byte: one granule more is refused.
static void the_report_tells_the_largest_block_exactly(void **state)
{
    (void)state;
    uint64_t random = 113;
    for (unsigned round = 0; round < 30; round++) {
        jeff_heap *heap = half_free_heap(64 * KIB, round % 5, &random);
        struct jeff_report report;
        jeff_compact_goal(heap, NULL, &report);
        assert_int_equal(largest_served(heap) / 16, report.largest_after / 16);
        assert_sound(heap);
    }
}

static void the_report_agrees_with_the_statistics(void **state)
{
    (void)state;
    uint64_t random = 127;
    for (unsigned lock_one_in = 2; lock_one_in < 7; lock_one_in++) {
        jeff_heap *heap = half_free_heap(128 * KIB, lock_one_in, &random);
        struct jeff_stats before = stats_of(heap);
        struct jeff_report report;
        enum jeff_stop stop = jeff_compact_goal(heap, NULL, &report);
        struct jeff_stats after = stats_of(heap);
        assert_int_equal(report.stop, stop);
        assert_int_equal(after.moved_blocks - before.moved_blocks, report.moved_blocks);
        assert_int_equal(after.moved_bytes - before.moved_bytes, report.moved_bytes);
        assert_int_equal(report.left_blocks, 0);
        assert_true(report.moved_blocks > 0);
        assert_true(report.moved_bytes >= report.moved_blocks * 16);
    }
}

static uint64_t by_twentieths_of_a_ms(void *context)
{
    uint64_t *now_ns = context;
    return *now_ns += 50000;
}

static void a_budget_in_ns_is_kept_and_resumed(void **state)
{
    (void)state;
    uint64_t now_ns = 0;
    uint64_t random = 131;
    const struct jeff_config config = {.now_ns = by_twentieths_of_a_ms, .context = &now_ns, .no_last_resort = true};
    jeff_heap *heap = heap_with(512 * KIB, &config);
    for (count = 0; count < MANY && (handles[count] = jeff_malloc(heap, 40 + next_random(&random) % 400)) != JEFF_NULL;
         count++) {
        mark_block(heap, handles[count], 40, (unsigned)count);
        pinned[count] = count % 50 == 25 ? jeff_lock(heap, handles[count]) : NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (pinned[i] == NULL && next_random(&random) % 2 == 0) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        }
    }
    const struct jeff_goal goal = {.budget_ns = 200000};
    unsigned calls = 0;
    struct jeff_report report;
    while (jeff_compact_goal(heap, &goal, &report) == JEFF_STOP_BUDGET) {
        assert_true(report.time_ns >= 200000);
        assert_true(report.moved_blocks <= 10 * 32);
        assert_whole(heap);
        assert_true(++calls < 2000);
    }
    assert_true(calls > 2);
    size_t reached = report.largest_after;
    const struct jeff_goal no_limit = {0};
    assert_int_equal(jeff_compact_goal(heap, &no_limit, &report), JEFF_STOP_DONE);
    assert_true(report.largest_after >= reached);
    assert_whole(heap);
}

static void neither_goal_nor_report_is_needed(void **state)
{
    (void)state;
    uint64_t random = 137;
    jeff_heap *heap = half_free_heap(64 * KIB, 0, &random);
    assert_int_equal(jeff_compact_goal(heap, NULL, NULL), JEFF_STOP_DONE);
    assert_true(walk_region(heap).free_stretches <= 1);
    assert_whole(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wanted_run_is_there_afterwards),
        cmocka_unit_test(it_stops_as_soon_as_the_run_is_there),
        cmocka_unit_test(a_run_that_is_there_already_moves_nothing),
        cmocka_unit_test(what_cannot_be_had_is_not_reported_as_reached),
        cmocka_unit_test(doing_it_twice_moves_nothing),
        cmocka_unit_test(with_locks_the_run_comes_close_to_what_is_possible),
        cmocka_unit_test(it_never_makes_the_largest_run_smaller),
        cmocka_unit_test(the_report_tells_the_largest_block_exactly),
        cmocka_unit_test(the_report_agrees_with_the_statistics),
        cmocka_unit_test(a_budget_in_ns_is_kept_and_resumed),
        cmocka_unit_test(neither_goal_nor_report_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
