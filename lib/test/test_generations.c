/// What happens when a slot's generations are used up: 2^31 lives are more than a test can live, so this one alone looks inside and
/// sets a generation close to its end.
#include "heap_test.h"

#undef fail // cmocka's; the heap has one of its own
#include "../jeff/heap_internal.h"

/// Makes the slot of a live handle as old as can be, and gives the handle that names it now.
static jeff_handle make_old(jeff_heap *heap, jeff_handle handle, uint32_t gen)
{
    entry_at(heap, slot_of(handle))->gen = gen;
    return (handle & ~(jeff_handle)UINT32_MAX) | gen;
}

static void a_slot_whose_generations_are_used_up_is_retired(void **state)
{
    (void)state;
    const size_t sizes[] = {20, 3000};
    for (unsigned i = 0; i < 2; i++) {
        jeff_heap *heap = heap_new(64 * KIB);
        jeff_handle old = make_old(heap, jeff_malloc(heap, sizes[i]), UINT32_MAX);
        const uint32_t slot = slot_of(old);
        assert_non_null(jeff_weak_lock(heap, old));
        assert_true(jeff_free(heap, old));
        assert_false(jeff_free(heap, old));
        assert_null(jeff_lock(heap, old));
        for (unsigned more = 0; more < 100; more++) {
            jeff_handle fresh = jeff_malloc(heap, sizes[i]);
            assert_true(fresh != JEFF_NULL);
            assert_int_not_equal(slot_of(fresh), slot);
            assert_true(jeff_free(heap, fresh));
        }
        assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
        assert_int_equal(stats_of(heap).live_blocks, 0);
        jeff_compact(heap, 0);
        assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
        assert_null(jeff_lock(heap, old));
    }
}

static void the_last_but_one_generation_still_comes_around(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle old = make_old(heap, jeff_malloc(heap, 20), UINT32_MAX - 2);
    assert_true(jeff_free(heap, old));
    jeff_handle last = jeff_malloc(heap, 20);
    assert_true((uint32_t)last == UINT32_MAX);
    assert_null(jeff_lock(heap, old));
    assert_non_null(jeff_lock(heap, last));
    assert_true(jeff_unlock(heap, last));
    assert_true(jeff_free(heap, last));
    assert_null(jeff_lock(heap, last));
    assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
}

static void slots_dropped_from_the_table_do_not_become_young_again(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    const uint32_t gen = 3000000001u;
    jeff_handle old[50];
    for (unsigned i = 0; i < 50; i++) {
        old[i] = make_old(heap, jeff_malloc(heap, 20), gen + 2 * i);
    }
    for (unsigned i = 0; i < 50; i++) {
        assert_true(jeff_free(heap, old[i]));
    }
    jeff_compact(heap, 0); // drops every slot
    assert_int_equal(stats_of(heap).spare_handles, 0);
    for (unsigned i = 0; i < 50; i++) {
        jeff_handle fresh = jeff_malloc(heap, 20);
        assert_int_equal(slot_of(fresh), slot_of(old[i]));
        assert_true((uint32_t)fresh > (uint32_t)old[i]);
    }
    for (unsigned i = 0; i < 50; i++) {
        assert_null(jeff_lock(heap, old[i]));
    }
}

/// A client that compacts whenever it is idle does so millions of times.
static void a_slot_that_is_dropped_again_and_again_uses_up_no_more_generations_than_it_lives(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    const jeff_handle first = jeff_malloc(heap, 20);
    assert_true(jeff_free(heap, first));
    for (unsigned lives = 1; lives <= 1000; lives++) {
        jeff_compact(heap, 0);
        const jeff_handle handle = jeff_malloc(heap, 20);
        assert_int_equal(slot_of(handle), slot_of(first));
        assert_int_equal((uint32_t)handle - (uint32_t)first, 2 * lives);
        assert_true(jeff_free(heap, handle));
    }
}

/// One slot may have almost all of the lives, as that of a block which is made anew all the time.
static void a_slot_that_was_used_much_takes_no_generations_from_others(void **state)
{
    (void)state;
    const uint32_t gens[] = {GEN_WORN - 1, GEN_WORN + 1, UINT32_MAX - 2, UINT32_MAX};
    for (unsigned i = 0; i < sizeof gens / sizeof gens[0]; i++) {
        jeff_heap *heap = heap_new(16 * KIB);
        jeff_handle old = make_old(heap, jeff_malloc(heap, 20), gens[i]);
        assert_true(jeff_free(heap, old));
        jeff_compact(heap, 0);
        for (unsigned rounds = 0; rounds < 1000; rounds++) { // more than the heap has room for in its table
            jeff_handle pair[] = {jeff_malloc(heap, 20), jeff_malloc(heap, 20)};
            assert_true(jeff_free(heap, pair[0]) && jeff_free(heap, pair[1]));
            jeff_compact(heap, 0);
            assert_null(jeff_lock(heap, old));
        }
        assert_true(stats_of(heap).table_bytes <= 4 * sizeof(struct entry));
        assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_whose_generations_are_used_up_is_retired),
        cmocka_unit_test(the_last_but_one_generation_still_comes_around),
        cmocka_unit_test(slots_dropped_from_the_table_do_not_become_young_again),
        cmocka_unit_test(a_slot_that_is_dropped_again_and_again_uses_up_no_more_generations_than_it_lives),
        cmocka_unit_test(a_slot_that_was_used_much_takes_no_generations_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
