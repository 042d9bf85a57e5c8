/// Purgeable blocks: dropped only when a request would otherwise be refused, never while locked, and the client learns of it.
#include "heap_test.h"

enum { MANY = 2000 };
static jeff_handle handles[MANY];

/// A full heap of blocks of 200 bytes, with a handle to spare, so that no request needs room for a handle of its own.
static jeff_heap *full_heap(size_t *count)
{
    jeff_heap *heap = heap_new(32 * KIB);
    jeff_handle spare = jeff_malloc(heap, 0);
    *count = fill_heap(heap, 200, handles, MANY);
    assert_true(jeff_free(heap, spare));
    return heap;
}

static size_t purged_count(jeff_heap *heap, size_t count)
{
    size_t purged = 0;
    for (size_t i = 0; i < count; i++) {
        purged += jeff_weak_lock(heap, handles[i]) == NULL;
    }
    return purged;
}

static void contents_stay_while_there_is_memory(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle cache = marked_block(heap, 1000, 1);
    assert_true(jeff_set_purgeable(heap, cache, true));
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(jeff_free(heap, marked_block(heap, 20000, 2)));
    }
    jeff_compact(heap, 0);
    jeff_compact_goal(heap, NULL, NULL);
    assert_marked(heap, cache, 1000, 1);
    assert_sound(heap);
}

static void compaction_comes_before_dropping(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0) {
            assert_true(jeff_free(heap, handles[i]));
        } else {
            assert_true(jeff_set_purgeable(heap, handles[i], true));
        }
    }
    assert_true(jeff_malloc(heap, 8000) != JEFF_NULL); // the halves that were freed suffice, once together
    for (size_t i = 1; i < count; i += 2) {
        assert_marked(heap, handles[i], 200, (unsigned)i);
    }
    assert_sound(heap);
}

static void a_purgeable_block_gives_way_to_a_request(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    assert_true(jeff_malloc(heap, 200) == JEFF_NULL);
    assert_true(jeff_set_purgeable(heap, handles[3], true));
    uint64_t compactions = jeff_compactions(heap);
    jeff_handle more = marked_block(heap, 200, 77);
    assert_true(jeff_compactions(heap) != compactions);

    void *begin = NULL;
    assert_null(jeff_lock(heap, handles[3]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_PURGED);
    assert_null(jeff_weak_lock(heap, handles[3]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_PURGED);
    assert_int_equal(jeff_usable_size(heap, handles[3]), 0);
    assert_int_equal(jeff_extent(heap, handles[3], &begin), 0);
    assert_int_equal(jeff_lock_count(heap, handles[3]), 0);
    assert_false(jeff_set_purgeable(heap, handles[3], false));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_PURGED);
    assert_int_equal(stats_of(heap).live_blocks, count + 1); // still live, until it is freed

    for (size_t i = 0; i < count; i++) {
        if (i != 3) {
            assert_marked(heap, handles[i], 200, (unsigned)i);
        }
    }
    assert_marked(heap, more, 200, 77);
    assert_sound(heap);
    assert_true(jeff_free(heap, handles[3]));
    assert_false(jeff_free(heap, handles[3]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    assert_sound(heap);
}

static void a_locked_block_is_never_dropped(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(jeff_set_purgeable(heap, handles[i], true));
        assert_non_null(jeff_lock(heap, handles[i]));
    }
    assert_true(jeff_malloc(heap, 200) == JEFF_NULL);
    for (size_t i = 0; i < count; i++) {
        assert_marked(heap, handles[i], 200, (unsigned)i);
    }
    assert_true(jeff_unlock(heap, handles[count / 2]));
    assert_true(jeff_malloc(heap, 200) != JEFF_NULL);
    assert_null(jeff_lock(heap, handles[count / 2]));
    assert_int_equal(purged_count(heap, count), 1);
    assert_sound(heap);
}

static void a_block_that_is_to_be_kept_again_is_not_dropped(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(jeff_set_purgeable(heap, handles[i], true));
        assert_true(jeff_set_purgeable(heap, handles[i], false));
    }
    assert_true(jeff_malloc(heap, 200) == JEFF_NULL);
    assert_int_equal(purged_count(heap, count), 0);
    for (size_t i = 0; i < count; i++) {
        assert_marked(heap, handles[i], 200, (unsigned)i);
    }
    assert_sound(heap);
}

/// A refused request leaves no trace; so what would not help is not dropped.
static void a_request_that_no_dropping_can_serve_drops_nothing(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = 0; i < count; i += 4) {
        assert_true(jeff_set_purgeable(heap, handles[i], true));
    }
    const size_t hopeless[] = {SIZE_MAX, SIZE_MAX - 16, 64 * KIB, 32 * KIB, 24 * KIB};
    for (size_t i = 0; i < sizeof hopeless / sizeof hopeless[0]; i++) {
        assert_true(jeff_malloc(heap, hopeless[i]) == JEFF_NULL);
        assert_false(jeff_resize(heap, handles[1], hopeless[i]));
        assert_int_equal(purged_count(heap, count), 0);
    }
    assert_sound(heap);
}

static void many_are_dropped_for_a_large_request(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(jeff_set_purgeable(heap, handles[i], i % 2 == 0));
    }
    jeff_handle large = marked_block(heap, 10000, 5);
    assert_marked(heap, large, 10000, 5);
    assert_true(purged_count(heap, count) >= 10000 / 256);
    for (size_t i = 1; i < count; i += 2) {
        assert_marked(heap, handles[i], 200, (unsigned)i);
    }
    assert_sound(heap);
}

static void what_the_handle_table_gives_back_counts(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = count - 60; i < count; i++) {
        assert_true(jeff_free(heap, handles[i]));
    }
    assert_true(jeff_set_purgeable(heap, handles[3], true));
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    // Neither the table's 60 entries nor the block alone would do.
    assert_true(jeff_malloc(heap, stats.free_bytes + 60 * 12 + 100) != JEFF_NULL);
    assert_int_equal(purged_count(heap, count - 60), 1);
    assert_sound(heap);
}

static void a_purged_block_becomes_a_fresh_one_by_resize(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    assert_true(jeff_set_purgeable(heap, handles[0], true));
    assert_true(jeff_malloc(heap, 200) != JEFF_NULL);
    assert_null(jeff_lock(heap, handles[0]));
    assert_false(jeff_resize(heap, handles[0], 200)); // the heap is full: it stays purged
    assert_null(jeff_lock(heap, handles[0]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_PURGED);

    assert_true(jeff_free(heap, handles[1]));
    assert_true(jeff_resize(heap, handles[0], 150));
    mark_block(heap, handles[0], 150, 6);
    assert_marked(heap, handles[0], 150, 6);
    assert_int_equal(jeff_lock_count(heap, handles[0]), 0);
    assert_sound(heap);
    assert_true(jeff_free(heap, handles[0]));
    assert_sound(heap);
}

static void a_resize_drops_others_but_not_the_block_itself(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(jeff_set_purgeable(heap, handles[i], true));
    }
    assert_true(jeff_resize(heap, handles[count / 2], 5000));
    assert_marked(heap, handles[count / 2], 200, (unsigned)(count / 2));
    assert_sound(heap);
}

static bool stop_at_purged(void *context, const struct jeff_block *block)
{
    const jeff_handle *purged = context;
    assert_true(block->handle != *purged);
    return true;
}

static void a_purged_block_is_not_walked(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    assert_true(jeff_set_purgeable(heap, handles[7], true));
    assert_true(jeff_malloc(heap, 200) != JEFF_NULL);
    jeff_walk(heap, stop_at_purged, &handles[7]);
    assert_int_equal(walk_region(heap).live_blocks, stats_of(heap).live_blocks - 1);
}

static void purged_handles_come_back_when_freed(void **state)
{
    (void)state;
    size_t count;
    jeff_heap *heap = full_heap(&count);
    size_t table = stats_of(heap).table_bytes;
    for (unsigned round = 0; round < 200; round++) {
        size_t victim = round * 7 % count;
        assert_true(jeff_set_purgeable(heap, handles[victim], true));
        jeff_handle more = jeff_malloc(heap, 200);
        if (more == JEFF_NULL) {
            assert_true(jeff_set_purgeable(heap, handles[victim], false));
            continue;
        }
        assert_true(jeff_free(heap, handles[victim]));
        handles[victim] = more;
        mark_block(heap, more, 200, (unsigned)victim);
    }
    assert_true(stats_of(heap).table_bytes <= table + 16);
    for (size_t i = 0; i < count; i++) {
        assert_marked(heap, handles[i], 200, (unsigned)i);
    }
    assert_sound(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_stay_while_there_is_memory),
        cmocka_unit_test(compaction_comes_before_dropping),
        cmocka_unit_test(a_purgeable_block_gives_way_to_a_request),
        cmocka_unit_test(a_locked_block_is_never_dropped),
        cmocka_unit_test(a_block_that_is_to_be_kept_again_is_not_dropped),
        cmocka_unit_test(a_request_that_no_dropping_can_serve_drops_nothing),
        cmocka_unit_test(many_are_dropped_for_a_large_request),
        cmocka_unit_test(what_the_handle_table_gives_back_counts),
        cmocka_unit_test(a_purged_block_becomes_a_fresh_one_by_resize),
        cmocka_unit_test(a_resize_drops_others_but_not_the_block_itself),
        cmocka_unit_test(a_purged_block_is_not_walked),
        cmocka_unit_test(purged_handles_come_back_when_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
