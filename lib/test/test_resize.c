/// Resize: the handle stays, contents stay up to the smaller size, the alignment stays; a locked block is resized where it
/// lies or not at all; a resize that fails changes nothing.
#include "heap_test.h"

static jeff_handle handles[5000];

static const size_t sizes[] = {0, 1, 11, 12, 13, 16, 28, 29, 100, 500, 2020, 2030, 2040, 3000, 10000, 60000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void contents_and_handle_stay_from_any_size_to_any_other(void **state)
{
    (void)state;
    for (unsigned from = 0; from < SIZES; from++) {
        for (unsigned to = 0; to < SIZES; to++) {
            jeff_heap *heap = heap_new(256 * KIB);
            jeff_handle below = marked_block(heap, 77, 1);
            jeff_handle block = marked_block(heap, sizes[from], 2);
            jeff_handle above = marked_block(heap, 77, 3);
            assert_true(jeff_resize(heap, block, sizes[to]));
            size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            assert_marked(heap, block, kept, 2);
            assert_true(jeff_usable_size(heap, block) >= sizes[to]);
            mark_block(heap, block, sizes[to], 4);
            assert_marked(heap, below, 77, 1);
            assert_marked(heap, above, 77, 3);
            assert_sound(heap);
            assert_true(jeff_free(heap, block));
            assert_true(jeff_free(heap, below));
            assert_true(jeff_free(heap, above));
            assert_sound(heap);
        }
    }
}

static void a_resize_to_the_same_size_does_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(256 * KIB);
    for (unsigned i = 0; i < SIZES; i++) {
        jeff_handle block = marked_block(heap, sizes[i], i);
        void *address = jeff_weak_lock(heap, block);
        assert_true(jeff_resize(heap, block, sizes[i]));
        assert_ptr_equal(jeff_weak_lock(heap, block), address);
        assert_marked(heap, block, sizes[i], i);
    }
    assert_sound(heap);
}

static void many_resizes_disturb_no_neighbour(void **state)
{
    (void)state;
    enum { SLOTS = 80 };
    static size_t bytes[SLOTS];
    uint64_t random = 31;
    jeff_heap *heap = heap_new(32 * KIB);
    for (unsigned i = 0; i < SLOTS; i++) {
        bytes[i] = next_random(&random) % 200;
        handles[i] = marked_block(heap, bytes[i], i);
    }
    unsigned refused = 0;
    for (unsigned op = 0; op < 20000; op++) {
        unsigned slot = next_random(&random) % SLOTS;
        size_t wanted = next_random(&random) % (next_random(&random) % 16 == 0 ? 8000 : 500);
        if (jeff_resize(heap, handles[slot], wanted)) {
            assert_marked(heap, handles[slot], wanted < bytes[slot] ? wanted : bytes[slot], slot);
            bytes[slot] = wanted;
            mark_block(heap, handles[slot], wanted, slot);
        } else {
            assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
            refused++;
        }
        if (op % 100 == 0) {
            for (unsigned i = 0; i < SLOTS; i++) {
                assert_marked(heap, handles[i], bytes[i], i);
            }
            assert_sound(heap);
        }
    }
    assert_true(refused > 0);
}

static void a_resize_that_fails_changes_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = marked_block(heap, 1000, 1);
    jeff_handle other = marked_block(heap, 1000, 2);
    struct jeff_stats before = stats_of(heap);
    const size_t too_large[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 16, SIZE_MAX / 2, 128 * KIB, 64 * KIB, 63 * KIB};
    for (unsigned i = 0; i < sizeof too_large / sizeof too_large[0]; i++) {
        assert_false(jeff_resize(heap, block, too_large[i]));
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
        assert_int_equal(stats_of(heap).live_bytes, before.live_bytes);
        assert_int_equal(stats_of(heap).free_bytes, before.free_bytes);
        assert_marked(heap, block, 1000, 1);
        assert_marked(heap, other, 1000, 2);
        assert_sound(heap);
    }
}

static void a_locked_block_shrinks_where_it_lies(void **state)
{
    (void)state;
    for (unsigned from = 0; from < SIZES; from++) {
        for (unsigned to = 0; to <= from; to++) {
            jeff_heap *heap = heap_new(256 * KIB);
            assert_true(jeff_free(heap, marked_block(heap, 300, 9)));
            jeff_handle block = marked_block(heap, sizes[from], 1);
            jeff_handle above = marked_block(heap, 50, 2);
            void *address = jeff_lock(heap, block);
            assert_true(jeff_resize(heap, block, sizes[to]));
            assert_ptr_equal(jeff_weak_lock(heap, block), address);
            assert_int_equal(jeff_lock_count(heap, block), 1);
            assert_marked(heap, block, sizes[to], 1);
            assert_marked(heap, above, 50, 2);
            assert_sound(heap);
        }
    }
}

static void a_locked_block_grows_only_where_it_lies(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(256 * KIB);
    jeff_handle block = marked_block(heap, 100, 1);
    void *address = jeff_lock(heap, block);
    assert_true(jeff_resize(heap, block, 1500)); // all above is free
    assert_ptr_equal(jeff_weak_lock(heap, block), address);
    assert_marked(heap, block, 100, 1);
    mark_block(heap, block, 1500, 1);

    jeff_handle above = marked_block(heap, 100, 2);
    assert_non_null(jeff_lock(heap, above));
    const size_t too_large[] = {1600, 6000, 256 * KIB, SIZE_MAX};
    for (size_t i = 0; i < sizeof too_large / sizeof too_large[0]; i++) {
        assert_false(jeff_resize(heap, block, too_large[i]));
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCKED);
    }
    assert_ptr_equal(jeff_weak_lock(heap, block), address);
    assert_marked(heap, block, 1500, 1);
    assert_marked(heap, above, 100, 2);
    assert_sound(heap);
}

static void a_locked_block_in_the_way_is_not_overwritten(void **state)
{
    (void)state;
    for (size_t gap = 0; gap < 400; gap += 16) {
        jeff_heap *heap = heap_new(8 * KIB);
        jeff_handle block = marked_block(heap, 100, 1);
        jeff_handle hole = marked_block(heap, gap, 2);
        jeff_handle pinned = marked_block(heap, 100, 3);
        void *address = jeff_lock(heap, pinned);
        assert_true(jeff_free(heap, hole));
        for (size_t bytes = 100; bytes < 1000; bytes += 37) {
            if (jeff_resize(heap, block, bytes)) {
                mark_block(heap, block, bytes, 1);
            }
            assert_ptr_equal(jeff_weak_lock(heap, pinned), address);
            assert_marked(heap, pinned, 100, 3);
            assert_sound(heap);
        }
    }
}

static void the_alignment_stays(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(MIB);
    uint64_t random = 37;
    for (unsigned power = 0; power <= 16; power++) {
        handles[power] = jeff_aligned_alloc(heap, (size_t)1 << power, 10);
        mark_block(heap, handles[power], 10, power);
    }
    for (unsigned op = 0; op < 2000; op++) {
        unsigned power = next_random(&random) % 17;
        assert_true(jeff_resize(heap, handles[power], 10 + next_random(&random) % 3000));
        assert_int_equal((uintptr_t)jeff_weak_lock(heap, handles[power]) % ((size_t)1 << power), 0);
        assert_marked(heap, handles[power], 10, power);
        if (op % 50 == 0) {
            jeff_compact(heap, 0);
            assert_sound(heap);
        }
    }
    for (unsigned power = 0; power <= 16; power++) {
        assert_int_equal((uintptr_t)jeff_weak_lock(heap, handles[power]) % ((size_t)1 << power), 0);
        assert_marked(heap, handles[power], 10, power);
    }
    assert_sound(heap);
}

static void what_a_shrink_gives_back_can_be_used(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = marked_block(heap, 20000, 1);
    size_t count = fill_heap(heap, 100, handles, 5000);
    assert_true(jeff_malloc(heap, 15000) == JEFF_NULL);
    assert_true(jeff_resize(heap, block, 4000));
    jeff_handle more = marked_block(heap, 15000, 2);
    assert_marked(heap, block, 4000, 1);
    assert_marked(heap, more, 15000, 2);
    for (unsigned i = 0; i < count; i++) {
        assert_marked(heap, handles[i], 100, i);
    }
    assert_sound(heap);
}

static void the_only_block_can_grow_to_what_an_empty_heap_serves(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    size_t largest = largest_served(heap);
    for (size_t bytes = 10; bytes < 60000; bytes *= 4) {
        jeff_handle block = marked_block(heap, bytes, 1);
        // A small block may have to move on its way, and then its own memory is not free.
        assert_true(jeff_resize(heap, block, largest - (bytes < 2048 ? 2112 : 0)));
        assert_marked(heap, block, bytes, 1);
        assert_true(jeff_resize(heap, block, largest));
        assert_false(jeff_resize(heap, block, largest + 64));
        assert_marked(heap, block, bytes, 1);
        assert_sound(heap);
        assert_true(jeff_free(heap, block));
        jeff_compact(heap, 0);
    }
}

static void growth_finds_memory_that_is_in_pieces(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = marked_block(heap, 100, 1);
    size_t count = fill_heap(heap, 500, handles, 5000);
    for (unsigned i = 0; i < count; i += 2) {
        assert_true(jeff_free(heap, handles[i]));
    }
    assert_true(jeff_resize(heap, block, 25000));
    assert_marked(heap, block, 100, 1);
    for (unsigned i = 1; i < count; i += 2) {
        assert_marked(heap, handles[i], 500, i);
    }
    assert_sound(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_and_handle_stay_from_any_size_to_any_other),
        cmocka_unit_test(a_resize_to_the_same_size_does_nothing),
        cmocka_unit_test(many_resizes_disturb_no_neighbour),
        cmocka_unit_test(a_resize_that_fails_changes_nothing),
        cmocka_unit_test(a_locked_block_shrinks_where_it_lies),
        cmocka_unit_test(a_locked_block_grows_only_where_it_lies),
        cmocka_unit_test(a_locked_block_in_the_way_is_not_overwritten),
        cmocka_unit_test(the_alignment_stays),
        cmocka_unit_test(what_a_shrink_gives_back_can_be_used),
        cmocka_unit_test(the_only_block_can_grow_to_what_an_empty_heap_serves),
        cmocka_unit_test(growth_finds_memory_that_is_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
