/// malloc, calloc and aligned_alloc: what is served and what is refused, alignment, zeroing, space per block, and that
/// no byte of the heap is ever lost.
#include "heap_test.h"

static jeff_handle handles[100000];

static void zero_bytes_give_live_blocks_that_differ(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle first = jeff_malloc(heap, 0);
    jeff_handle second = jeff_malloc(heap, 0);
    assert_true(first != JEFF_NULL && second != JEFF_NULL && first != second);
    assert_non_null(jeff_lock(heap, first));
    assert_true(jeff_unlock(heap, first));
    assert_int_equal(stats_of(heap).live_blocks, 2);
    assert_sound(heap);
    assert_true(jeff_free(heap, first));
    assert_true(jeff_free(heap, second));
    assert_sound(heap);
}

/// 2^power, or SIZE_MAX where a size_t has not as many bits.
static size_t power_of_two(unsigned power)
{
    const uint64_t size = (uint64_t)1 << power;
    return (size_t)size == size ? (size_t)size : SIZE_MAX;
}

static void sizes_that_no_heap_has_are_refused_and_change_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(MIB);
    jeff_handle block = marked_block(heap, 1000, 1);
    struct jeff_stats before = stats_of(heap);
    const size_t around[] = {SIZE_MAX,         SIZE_MAX / 2, SIZE_MAX / 4, power_of_two(36),
                             power_of_two(32), 2 * MIB,      MIB + 64};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        for (size_t less = 0; less < 64; less++) {
            assert_true(jeff_malloc(heap, around[i] - less) == JEFF_NULL);
            assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
            assert_true(jeff_calloc(heap, 1, around[i] - less) == JEFF_NULL);
            assert_true(jeff_calloc(heap, around[i] - less, 1) == JEFF_NULL);
            assert_true(jeff_aligned_alloc(heap, 4096, around[i] - less) == JEFF_NULL);
            assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
        }
    }
    assert_true(is_same_but_refusals(before, stats_of(heap)));
    assert_marked(heap, block, 1000, 1);
    assert_sound(heap);
}

static void the_size_of_the_whole_heap_is_refused(void **state)
{
    (void)state;
    for (size_t bytes = JEFF_HEAP_MIN; bytes <= 64 * KIB; bytes *= 2) {
        jeff_heap *heap = heap_new(bytes);
        assert_true(jeff_malloc(heap, bytes) == JEFF_NULL);
        assert_true(jeff_malloc(heap, 2 * bytes) == JEFF_NULL);
        assert_sound(heap);
    }
}

static void calloc_refuses_a_product_that_overflows(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    const size_t half = SIZE_MAX / 2 + 1;
    const size_t root = (size_t)1 << (sizeof(size_t) * 4);
    const size_t pairs[][2] = {{half, 2},     {2, half},     {root, root},     {SIZE_MAX, SIZE_MAX},
                               {SIZE_MAX, 2}, {half + 1, 2}, {root + 1, root}, {SIZE_MAX / 16 + 2, 16}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_true(jeff_calloc(heap, pairs[i][0], pairs[i][1]) == JEFF_NULL);
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    }
    assert_true(jeff_calloc(heap, 0, SIZE_MAX) != JEFF_NULL);
    assert_true(jeff_calloc(heap, SIZE_MAX, 0) != JEFF_NULL);
    assert_sound(heap);
}

static void calloc_zeroes_memory_that_was_used(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(256 * KIB);
    for (size_t bytes = 1; bytes < 5000; bytes = bytes * 5 / 4 + 1) {
        size_t count = fill_heap(heap, bytes, handles, 100000);
        for (size_t i = 0; i < count; i++) {
            assert_true(jeff_free(heap, handles[i]));
        }
        for (size_t i = 0; i < 10; i++) {
            jeff_handle zeroed = jeff_calloc(heap, bytes, 1);
            const unsigned char *p = jeff_weak_lock(heap, zeroed);
            assert_non_null(p);
            for (size_t k = 0; k < bytes; k++) {
                assert_int_equal(p[k], 0);
            }
            mark_block(heap, zeroed, bytes, (unsigned)i);
            assert_true(jeff_free(heap, zeroed));
        }
    }
    assert_sound(heap);
}

static void every_block_is_aligned_as_the_heap_says(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= 16; alignment += 8) {
        const struct jeff_config config = {.alignment = alignment};
        jeff_heap *heap = heap_with(MIB, &config);
        for (size_t bytes = 0; bytes < 600; bytes++) {
            jeff_handle handle = jeff_malloc(heap, bytes);
            assert_int_equal((uintptr_t)jeff_weak_lock(heap, handle) % alignment, 0);
            if (bytes % 3 == 0) {
                assert_true(jeff_free(heap, handle));
            }
        }
        assert_sound(heap);
    }
}

static void all_usable_bytes_can_be_written_without_harm(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(MIB);
    for (unsigned i = 0; i < 700; i++) {
        handles[i] = jeff_malloc(heap, i);
        size_t usable = jeff_usable_size(heap, handles[i]);
        assert_true(usable >= i);
        mark_block(heap, handles[i], usable, i);
    }
    assert_sound(heap);
    for (unsigned i = 0; i < 700; i++) {
        assert_marked(heap, handles[i], jeff_usable_size(heap, handles[i]), i);
        assert_true(jeff_free(heap, handles[i]));
    }
    assert_sound(heap);
}

/// A header of 4 bytes and a table entry of 12; header and request together are rounded to 16. Below 2 KiB, where it counts.
static void a_block_costs_at_most_16_bytes_beyond_its_size(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 12, 13, 16, 17, 28, 32, 48, 60, 100, 256, 1000, 1012, 2000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        jeff_heap *heap = heap_new(4 * MIB);
        size_t cost = (sizes[i] + 4 + 15) / 16 * 16 + 12;
        size_t count = fill_heap(heap, sizes[i], handles, sizeof handles / sizeof handles[0]);
        struct jeff_stats stats = stats_of(heap);
        assert_int_equal(stats.live_blocks, count);
        assert_true(stats.live_bytes + 12 * count <= count * cost);
        if (count < sizeof handles / sizeof handles[0]) {
            size_t used = stats.heap_bytes - stats.control_bytes;
            assert_true(count >= used / cost - 1);
        }
    }
}

/// Costs 16 bytes, and saves cutting one out of something larger. A heap that grows gives exact sizes.
static void a_cached_block_of_the_next_size_serves_once_the_heap_has_stopped_growing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_with(64 * KIB, NULL);
    const jeff_handle hole = jeff_malloc(heap, 16 * KIB);
    assert_true(jeff_malloc(heap, 8) != JEFF_NULL);
    for (int growing = 1; growing >= 0; growing--) {
        const jeff_handle larger = jeff_malloc(heap, 108);
        const void *where = jeff_weak_lock(heap, larger);
        assert_true(jeff_free(heap, larger));
        const jeff_handle smaller = jeff_malloc(heap, 92);
        assert_int_equal(jeff_weak_lock(heap, smaller) == where, !growing);
        assert_int_equal(jeff_usable_size(heap, smaller), growing ? 92 : 108);
        assert_sound(heap);
        if (!growing)
            break;
        // Room for the next ones that is not at the top.
        assert_true(jeff_free(heap, hole));
        for (unsigned i = 0; i < 300; i++)
            assert_true(jeff_malloc(heap, 8) != JEFF_NULL);
    }
}

static void a_full_heap_takes_a_block_of_the_size_that_was_freed(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    for (size_t bytes = 1; bytes < 8000; bytes = bytes * 3 / 2 + 3) {
        size_t count = fill_heap(heap, bytes, handles, 100000);
        assert_true(jeff_malloc(heap, bytes) == JEFF_NULL);
        for (size_t i = 0; i < count; i++) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = marked_block(heap, bytes, (unsigned)i);
        }
        assert_sound(heap);
        for (size_t i = 0; i < count; i++) {
            assert_marked(heap, handles[i], bytes, (unsigned)i);
            assert_true(jeff_free(heap, handles[i]));
        }
    }
}

/// The promise of jeff_run_needed(): with everything else locked, a run of that many bytes serves the request.
static void a_run_as_large_as_needed_is_enough(void **state)
{
    (void)state;
    for (size_t hole = 16; hole < 3000; hole = hole * 5 / 4 + 7) {
        jeff_heap *heap = heap_new(16 * KIB);
        jeff_handle below = jeff_malloc(heap, 200);
        jeff_handle middle = jeff_malloc(heap, hole);
        assert_non_null(jeff_lock(heap, below));
        size_t rest = fill_heap(heap, 100, handles, 100000);
        rest += fill_heap(heap, 0, handles + rest, 100000 - rest);
        for (size_t i = 0; i < rest; i++) {
            assert_non_null(jeff_lock(heap, handles[i]));
        }
        void *begin;
        size_t run = jeff_extent(heap, middle, &begin);
        assert_true(jeff_free(heap, middle));
        for (size_t alignment = 0; alignment <= 256; alignment = alignment == 0 ? 16 : alignment * 2) {
            for (size_t bytes = 0; bytes <= hole + 16; bytes++) {
                if (jeff_run_needed(heap, alignment, bytes) > run) {
                    continue;
                }
                jeff_handle handle =
                    alignment == 0 ? jeff_malloc(heap, bytes) : jeff_aligned_alloc(heap, alignment, bytes);
                assert_true(handle != JEFF_NULL);
                assert_true(jeff_free(heap, handle));
            }
        }
        assert_sound(heap);
    }
}

static void the_run_needed_grows_with_the_request(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    size_t before = 0;
    for (size_t bytes = 0; bytes < 60000; bytes += 3) {
        size_t needed = jeff_run_needed(heap, 0, bytes);
        assert_true(needed >= bytes && needed >= before);
        assert_true(needed <= bytes + 16 + 32);
        assert_true(jeff_run_needed(heap, 4096, bytes) >= needed);
        before = needed;
    }
    assert_int_equal(jeff_run_needed(heap, 0, SIZE_MAX), SIZE_MAX);
    assert_int_equal(jeff_run_needed(heap, 0, SIZE_MAX - 8), SIZE_MAX);
    assert_int_equal(jeff_run_needed(heap, 65536, SIZE_MAX - 65536), SIZE_MAX);
}

static void no_stretch_that_fits_is_left_when_a_request_is_refused(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (unsigned round = 0; round < 50; round++) {
        jeff_heap *heap = heap_new(32 * KIB);
        size_t count = fill_heap(heap, 1 + next_random(&random) % 300, handles, 100000);
        for (size_t i = 0; i < count; i++) {
            if (next_random(&random) % 4 == 0) {
                assert_true(jeff_free(heap, handles[i]));
            } else if (next_random(&random) % 4 == 0) {
                assert_non_null(jeff_lock(heap, handles[i]));
            }
        }
        for (size_t bytes = 4000; bytes > 16; bytes = bytes * 9 / 10) {
            if (jeff_malloc(heap, bytes) == JEFF_NULL && stats_of(heap).spare_handles > 0) {
                assert_true(walk_region(heap).largest_free < bytes);
            }
        }
        assert_sound(heap);
    }
}

static void a_drained_heap_serves_what_it_did_on_day_one(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (size_t bytes = JEFF_HEAP_MIN; bytes <= MIB; bytes = bytes * 3 + 5) {
        jeff_heap *heap = heap_new(bytes);
        size_t day_one = largest_served(heap);
        size_t count = 0;
        for (unsigned i = 0; i < 3000; i++) {
            jeff_handle handle = jeff_malloc(heap, next_random(&random) % (bytes / 8));
            if (handle != JEFF_NULL) {
                handles[count++] = handle;
            } else if (count > 0) {
                size_t victim = next_random(&random) % count;
                assert_true(jeff_free(heap, handles[victim]));
                handles[victim] = handles[--count];
            }
        }
        while (count > 0) {
            assert_true(jeff_free(heap, handles[--count]));
        }
        jeff_compact(heap, 0);
        assert_sound(heap);
        assert_int_equal(stats_of(heap).live_bytes, 0);
        assert_int_equal(largest_served(heap), day_one);
    }
}

/// Freed blocks may stay attached to their slots for a while, so the mark lies above the live blocks; but it stands.
static void a_million_ops_keep_the_handle_table_at_its_high_water_mark(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(MIB);
    uint64_t random = 3;
    enum { LIVE = 1000, OPS = 1000000 };
    for (size_t i = 0; i < LIVE; i++) {
        handles[i] = jeff_malloc(heap, 16 + next_random(&random) % 500);
        assert_true(handles[i] != JEFF_NULL);
    }
    size_t high_water = 0;
    for (unsigned i = 0; i < OPS / 2; i++) {
        size_t victim = next_random(&random) % LIVE;
        assert_true(jeff_free(heap, handles[victim]));
        handles[victim] = jeff_malloc(heap, 16 + next_random(&random) % 500);
        assert_true(handles[victim] != JEFF_NULL);
        high_water = i == OPS / 10 ? stats_of(heap).table_bytes : high_water;
    }
    assert_true(stats_of(heap).table_bytes <= high_water + high_water / 10);
    assert_true(stats_of(heap).table_bytes <= (size_t)12 * 3 * LIVE);
    assert_sound(heap);
    for (size_t i = 0; i < LIVE; i++) {
        assert_true(jeff_free(heap, handles[i]));
    }
    jeff_compact(heap, 0);
    assert_true(stats_of(heap).table_bytes < 100);
    assert_sound(heap);
}

/// One slot after another would be used up by a table that leaks, or by a generation that is too short.
static void one_block_made_a_million_times_keeps_the_table_small(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(4 * KIB);
    size_t table = 0;
    for (unsigned i = 0; i < 1000000; i++) {
        jeff_handle handle = jeff_malloc(heap, 64);
        assert_true(handle != JEFF_NULL);
        table = i == 0 ? stats_of(heap).table_bytes : table;
        assert_true(jeff_free(heap, handle));
    }
    assert_int_equal(stats_of(heap).table_bytes, table);
    assert_sound(heap);
}

/// A refusal is remembered until memory comes free. It does when a compaction merges what was freed, though it moves nothing.
static void a_request_that_was_refused_is_tried_again_after_freed_blocks_were_merged(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(1024);
    jeff_handle small[64];
    const size_t count = fill_heap(heap, 12, small, 64);
    assert_true(jeff_malloc(heap, 60) == JEFF_NULL);
    for (size_t i = 0; i < count; i += 2)
        assert_true(jeff_free(heap, small[i]));
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(heap, &(struct jeff_goal){.wanted_bytes = 65536}, &report), JEFF_STOP_DONE);
    assert_int_equal(report.moved_blocks, 0);
    assert_true(jeff_malloc(heap, 60) != JEFF_NULL);
    assert_sound(heap);
}

static void alignments_that_are_no_power_of_two_or_too_large_are_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(MIB);
    const size_t bad[] = {0, 3, 5, 12, 24, 48, 100, 4095, 4097, 65535, 65537, 131072, power_of_two(40), SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(jeff_aligned_alloc(heap, bad[i], 16) == JEFF_NULL);
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_ARGUMENT);
    }
    assert_sound(heap);
}

static void aligned_blocks_are_aligned_and_stay_so(void **state)
{
    (void)state;
    for (size_t heap_alignment = 8; heap_alignment <= 16; heap_alignment += 8) {
        const struct jeff_config config = {.alignment = heap_alignment};
        jeff_heap *heap = heap_with(4 * MIB, &config);
        size_t count = 0;
        for (size_t round = 0; round < 4; round++) {
            for (unsigned power = 0; power <= 16; power++) {
                handles[count] = jeff_aligned_alloc(heap, (size_t)1 << power, 50 + count);
                assert_true(handles[count] != JEFF_NULL);
                mark_block(heap, handles[count], 50 + count, (unsigned)count);
                count++;
                assert_true(jeff_free(heap, marked_block(heap, 40 + 100 * round, 0)));
            }
        }
        assert_sound(heap);
        for (size_t i = 0; i < count; i += 3) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        }
        jeff_compact(heap, 0);
        assert_sound(heap);
        for (size_t i = 0; i < count; i++) {
            if (handles[i] != JEFF_NULL) {
                size_t alignment = (size_t)1 << (i % 17);
                alignment = alignment < heap_alignment ? heap_alignment : alignment;
                assert_int_equal((uintptr_t)jeff_weak_lock(heap, handles[i]) % alignment, 0);
                assert_marked(heap, handles[i], 50 + i, (unsigned)i);
            }
        }
    }
}

static void the_way_to_an_alignment_is_not_lost(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(256 * KIB);
    size_t day_one = largest_served(heap);
    for (unsigned i = 0; i < 100; i++) {
        jeff_handle small = marked_block(heap, 24, 1);
        jeff_handle aligned = jeff_aligned_alloc(heap, 65536, 100);
        assert_true(aligned != JEFF_NULL);
        assert_true(jeff_free(heap, small));
        assert_sound(heap);
        assert_true(jeff_free(heap, aligned));
    }
    jeff_compact(heap, 0);
    assert_int_equal(largest_served(heap), day_one);
    assert_sound(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_bytes_give_live_blocks_that_differ),
        cmocka_unit_test(sizes_that_no_heap_has_are_refused_and_change_nothing),
        cmocka_unit_test(the_size_of_the_whole_heap_is_refused),
        cmocka_unit_test(calloc_refuses_a_product_that_overflows),
        cmocka_unit_test(calloc_zeroes_memory_that_was_used),
        cmocka_unit_test(every_block_is_aligned_as_the_heap_says),
        cmocka_unit_test(all_usable_bytes_can_be_written_without_harm),
        cmocka_unit_test(a_block_costs_at_most_16_bytes_beyond_its_size),
        cmocka_unit_test(a_cached_block_of_the_next_size_serves_once_the_heap_has_stopped_growing),
        cmocka_unit_test(a_full_heap_takes_a_block_of_the_size_that_was_freed),
        cmocka_unit_test(a_run_as_large_as_needed_is_enough),
        cmocka_unit_test(the_run_needed_grows_with_the_request),
        cmocka_unit_test(no_stretch_that_fits_is_left_when_a_request_is_refused),
        cmocka_unit_test(a_drained_heap_serves_what_it_did_on_day_one),
        cmocka_unit_test(a_million_ops_keep_the_handle_table_at_its_high_water_mark),
        cmocka_unit_test(one_block_made_a_million_times_keeps_the_table_small),
        cmocka_unit_test(a_request_that_was_refused_is_tried_again_after_freed_blocks_were_merged),
        cmocka_unit_test(alignments_that_are_no_power_of_two_or_too_large_are_refused),
        cmocka_unit_test(aligned_blocks_are_aligned_and_stay_so),
        cmocka_unit_test(the_way_to_an_alignment_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
