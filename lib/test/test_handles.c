/// Handles: a live one is never given out again; stale, doubly freed, foreign and made-up ones are refused by every
/// call, with a status, and change nothing.
#include "heap_test.h"

#include <stdlib.h>

enum { MANY = 200 };
static jeff_handle handles[MANY];

/// Every call that takes a handle must refuse this one.
static void assert_refused(jeff_heap *heap, jeff_handle handle)
{
    void *begin = NULL;
    assert_null(jeff_lock(heap, handle));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    assert_null(jeff_weak_lock(heap, handle));
    assert_false(jeff_unlock(heap, handle));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    assert_false(jeff_resize(heap, handle, 10));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    assert_false(jeff_set_purgeable(heap, handle, true));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    assert_int_equal(jeff_usable_size(heap, handle), 0);
    assert_int_equal(jeff_extent(heap, handle, &begin), 0);
    assert_int_equal(jeff_lock_count(heap, handle), 0);
    if (handle != JEFF_NULL) {
        assert_false(jeff_free(heap, handle));
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    }
}

static bool is_one_of(jeff_handle handle, const jeff_handle *live, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (live[i] == handle) {
            return true;
        }
    }
    return false;
}

/// Flips each bit of a handle; what comes out is refused unless it happens to be live.
static void assert_flips_refused(jeff_heap *heap, jeff_handle handle, const jeff_handle *live, size_t count)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        jeff_handle flipped = handle ^ (jeff_handle)1 << bit;
        if (!is_one_of(flipped, live, count)) {
            assert_refused(heap, flipped);
        }
    }
}

static void make_many(jeff_heap *heap)
{
    for (unsigned i = 0; i < MANY; i++) {
        handles[i] = marked_block(heap, i * 7 % 300, i);
    }
}

static void assert_many_whole(jeff_heap *heap)
{
    for (unsigned i = 0; i < MANY; i++) {
        assert_marked(heap, handles[i], i * 7 % 300, i);
        assert_int_equal(jeff_lock_count(heap, handles[i]), 0);
    }
    assert_sound(heap);
}

static void null_is_never_live(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    assert_refused(heap, JEFF_NULL);
    make_many(heap);
    assert_refused(heap, JEFF_NULL);
    assert_true(jeff_free(heap, JEFF_NULL)); // ignored, as free(NULL) is
    assert_many_whole(heap);
}

static void a_stale_handle_is_refused_by_every_call(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    jeff_handle stale = jeff_malloc(heap, 100);
    assert_true(jeff_free(heap, stale));
    struct jeff_stats before = stats_of(heap);
    assert_refused(heap, stale);
    struct jeff_stats after = stats_of(heap);
    assert_true(is_same_but_refusals(before, after));
    assert_many_whole(heap);
}

static void a_stale_handle_stays_stale_when_its_slot_is_used_again(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    static jeff_handle stale[2000];
    for (unsigned i = 0; i < 2000; i++) {
        stale[i] = jeff_malloc(heap, 40);
        assert_true(jeff_free(heap, stale[i]));
    }
    jeff_handle live = marked_block(heap, 40, 9);
    for (unsigned i = 0; i < 2000; i++) {
        assert_refused(heap, stale[i]);
    }
    assert_marked(heap, live, 40, 9);
    assert_int_equal(stats_of(heap).live_blocks, 1);
    assert_sound(heap);
}

static int by_value(const void *left, const void *right)
{
    jeff_handle a = *(const jeff_handle *)left;
    jeff_handle b = *(const jeff_handle *)right;
    return (a > b) - (a < b);
}

static void no_handle_is_given_out_twice(void **state)
{
    (void)state;
    enum { TIMES = 300000 };
    static jeff_handle all[TIMES];
    jeff_heap *heap = heap_new(64 * KIB);
    uint64_t random = 17;
    size_t live = 0;
    size_t made = 0;
    while (made < TIMES) {
        if (live == MANY || (live > 0 && next_random(&random) % 2 == 0)) {
            size_t victim = next_random(&random) % live;
            assert_true(jeff_free(heap, handles[victim]));
            handles[victim] = handles[--live];
        } else {
            handles[live] = jeff_malloc(heap, next_random(&random) % 200);
            assert_true(handles[live] != JEFF_NULL);
            all[made++] = handles[live++];
        }
        if (made % 5000 == 0) {
            jeff_compact(heap, 0);
        }
    }
    qsort(all, TIMES, sizeof all[0], by_value);
    for (size_t i = 1; i < TIMES; i++) {
        assert_true(all[i - 1] != all[i]);
    }
}

/// Draining lets the table shrink; the generations of the slots that are dropped must not start again.
static void no_handle_comes_back_after_the_table_has_shrunk(void **state)
{
    (void)state;
    enum { ROUNDS = 50 };
    static jeff_handle all[ROUNDS * MANY];
    jeff_heap *heap = heap_new(64 * KIB);
    for (unsigned round = 0; round < ROUNDS; round++) {
        make_many(heap);
        memcpy(&all[round * MANY], handles, sizeof handles);
        for (unsigned i = 0; i < MANY; i++) {
            assert_true(jeff_free(heap, handles[round % 2 == 0 ? i : MANY - 1 - i]));
        }
        jeff_compact(heap, 0);
        largest_served(heap);
        assert_sound(heap);
    }
    qsort(all, ROUNDS * MANY, sizeof all[0], by_value);
    for (size_t i = 1; i < ROUNDS * MANY; i++) {
        assert_true(all[i - 1] != all[i]);
    }
}

static void freeing_twice_is_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    for (unsigned i = 0; i < MANY; i += 2) {
        assert_true(jeff_free(heap, handles[i]));
    }
    for (unsigned i = 0; i < MANY; i += 2) {
        assert_false(jeff_free(heap, handles[i]));
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
        handles[i] = marked_block(heap, i * 7 % 300, i);
    }
    assert_many_whole(heap);
}

static void refuse_each_others(const struct jeff_config *low_config, const struct jeff_config *high_config)
{
    arena_reset(128 * KIB);
    jeff_heap *low = jeff_init(arena_region(), 64 * KIB, low_config, NULL);
    jeff_heap *high = jeff_init(arena_region() + 64 * KIB, 64 * KIB, high_config, NULL);
    assert_non_null(low);
    assert_non_null(high);
    static jeff_handle foreign[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        handles[i] = marked_block(low, 100, i);
        foreign[i] = marked_block(high, 100, i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_refused(low, foreign[i]);
        assert_refused(high, handles[i]);
    }
    assert_checked(low);
    assert_checked(high);
}

static void handles_of_another_heap_are_refused(void **state)
{
    (void)state;
    const struct jeff_config salts[] = {{.handle_salt = 1}, {.handle_salt = 2}, {.handle_salt = 0x80000001u}};
    refuse_each_others(&salts[0], &salts[1]);
    refuse_each_others(&salts[0], &salts[2]);
    refuse_each_others(NULL, NULL); // by their addresses
}

static void every_flipped_bit_of_the_only_handle_is_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    for (unsigned i = 0; i < 300; i++) {
        jeff_handle handle = marked_block(heap, i, i);
        struct jeff_stats before = stats_of(heap);
        assert_flips_refused(heap, handle, NULL, 0);
        assert_true(is_same_but_refusals(before, stats_of(heap)));
        assert_marked(heap, handle, i, i);
        assert_true(jeff_free(heap, handle));
        assert_flips_refused(heap, handle, NULL, 0);
    }
    assert_sound(heap);
}

static void every_flipped_bit_among_many_handles_is_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(128 * KIB);
    make_many(heap);
    for (unsigned i = 0; i < MANY; i++) {
        assert_flips_refused(heap, handles[i], handles, MANY);
    }
    assert_many_whole(heap);
}

/// Slots whose block stays attached after the free are the ones that a forged generation could bring back to life.
static void every_flipped_bit_of_a_freed_handle_is_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(128 * KIB);
    make_many(heap);
    static jeff_handle live[MANY];
    size_t count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            live[count++] = handles[i];
        } else {
            assert_true(jeff_free(heap, handles[i]));
        }
    }
    for (unsigned i = 0; i < MANY; i += 3) {
        assert_flips_refused(heap, handles[i], live, count);
    }
    for (unsigned i = 0; i < MANY; i += 3) {
        handles[i] = marked_block(heap, i * 7 % 300, i);
    }
    assert_many_whole(heap);
}

/// A handle may hold what the block was born with; a resize must not make a second handle valid.
static void flipped_bits_are_refused_after_a_resize_too(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(128 * KIB);
    make_many(heap);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(jeff_resize(heap, handles[i], i * 13 % 700 + i * 7 % 300));
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_flips_refused(heap, handles[i], handles, MANY);
        assert_true(jeff_resize(heap, handles[i], i * 7 % 300));
        assert_flips_refused(heap, handles[i], handles, MANY);
    }
    assert_many_whole(heap);
}

static void made_up_handles_are_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(128 * KIB);
    make_many(heap);
    uint64_t random = 23;
    for (unsigned i = 0; i < 50000; i++) {
        jeff_handle made_up = (jeff_handle)next_random(&random) << 32 | next_random(&random);
        assert_refused(heap, made_up);
        assert_refused(heap, made_up & 0xffff);
        jeff_handle near = handles[i % MANY] + (jeff_handle)(next_random(&random) % 4096) - 2048;
        if (!is_one_of(near, handles, MANY)) {
            assert_refused(heap, near);
        }
    }
    assert_refused(heap, UINT64_MAX);
    assert_many_whole(heap);
}

static void handle_of_knows_first_bytes_and_nothing_else(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(128 * KIB);
    make_many(heap);
    for (unsigned i = 0; i < MANY; i += 4) {
        assert_true(jeff_free(heap, handles[i]));
    }
    size_t found = 0;
    const unsigned char *base = arena_region();
    for (ptrdiff_t at = -256; at < (ptrdiff_t)(128 * KIB) + 256; at++) {
        jeff_handle handle = jeff_handle_of(heap, base + at);
        if (handle == JEFF_NULL) {
            continue;
        }
        assert_true(is_one_of(handle, handles, MANY));
        assert_ptr_equal(jeff_weak_lock(heap, handle), base + at);
        found++;
    }
    assert_int_equal(found, stats_of(heap).live_blocks);

    int on_the_stack = 0;
    assert_true(jeff_handle_of(heap, NULL) == JEFF_NULL);
    assert_true(jeff_handle_of(heap, &on_the_stack) == JEFF_NULL);
    assert_true(jeff_handle_of(heap, (const void *)UINTPTR_MAX) == JEFF_NULL);
    assert_true(jeff_handle_of(heap, (const void *)(uintptr_t)16) == JEFF_NULL);
}

/// Contents that look like headers must not make handle_of see a block: it is asked for addresses inside blocks.
static void handle_of_is_not_fooled_by_contents(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(128 * KIB);
    jeff_handle victim = marked_block(heap, 4096, 1);
    for (unsigned i = 0; i < 40; i++) {
        handles[i] = marked_block(heap, 16 * i, i);
    }
    unsigned char *p = jeff_lock(heap, victim);
    // Copies of real headers with their blocks, at each granule of the victim.
    for (unsigned i = 0; i < 40; i++) {
        const unsigned char *block = jeff_weak_lock(heap, handles[i]);
        raw_copy(p + (size_t)i * 64, block - 16, 32);
        raw_copy(p + (size_t)i * 64 + 32, block - 16, 16);
    }
    for (size_t at = 1; at < 4096; at++) {
        assert_true(jeff_handle_of(heap, p + at) == JEFF_NULL);
    }
    assert_true(jeff_handle_of(heap, p) == victim);
    assert_sound(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_never_live),
        cmocka_unit_test(a_stale_handle_is_refused_by_every_call),
        cmocka_unit_test(a_stale_handle_stays_stale_when_its_slot_is_used_again),
        cmocka_unit_test(no_handle_is_given_out_twice),
        cmocka_unit_test(no_handle_comes_back_after_the_table_has_shrunk),
        cmocka_unit_test(freeing_twice_is_refused),
        cmocka_unit_test(handles_of_another_heap_are_refused),
        cmocka_unit_test(every_flipped_bit_of_the_only_handle_is_refused),
        cmocka_unit_test(every_flipped_bit_among_many_handles_is_refused),
        cmocka_unit_test(every_flipped_bit_of_a_freed_handle_is_refused),
        cmocka_unit_test(flipped_bits_are_refused_after_a_resize_too),
        cmocka_unit_test(made_up_handles_are_refused),
        cmocka_unit_test(handle_of_knows_first_bytes_and_nothing_else),
        cmocka_unit_test(handle_of_is_not_fooled_by_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
