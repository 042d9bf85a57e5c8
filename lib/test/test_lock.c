/// Locks: a locked block stays where it is, locks nest and are counted; a weak lock gives the address and pins nothing.
#include "heap_test.h"

enum { MANY = 100 };
static jeff_handle handles[MANY];

static void make_many(jeff_heap *heap)
{
    for (unsigned i = 0; i < MANY; i++) {
        handles[i] = marked_block(heap, 100, i);
    }
}

static void a_locked_block_stays_where_it_is(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    for (unsigned pinned = 1; pinned < MANY; pinned += 7) {
        make_many(heap);
        void *address = jeff_lock(heap, handles[pinned]);
        for (unsigned i = 0; i < pinned; i++) {
            assert_true(jeff_free(heap, handles[i]));
        }
        jeff_compact(heap, 0);
        jeff_compact_goal(heap, NULL, NULL);
        assert_ptr_equal(jeff_lock(heap, handles[pinned]), address);
        assert_marked(heap, handles[pinned], 100, pinned);
        assert_sound(heap);
        assert_true(jeff_unlock(heap, handles[pinned]));
        assert_true(jeff_unlock(heap, handles[pinned]));
        for (unsigned i = pinned; i < MANY; i++) {
            assert_true(jeff_free(heap, handles[i]));
        }
    }
}

static void a_block_moves_after_as_many_unlocks_as_locks(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    unsigned char *address = NULL;
    for (unsigned i = 0; i < 5; i++) {
        address = jeff_lock(heap, handles[1]);
        assert_int_equal(jeff_lock_count(heap, handles[1]), i + 1);
    }
    assert_true(jeff_free(heap, handles[0]));
    for (unsigned left = 5; left > 0; left--) {
        jeff_compact(heap, 0);
        assert_ptr_equal(jeff_weak_lock(heap, handles[1]), address);
        assert_true(jeff_unlock(heap, handles[1]));
        assert_int_equal(jeff_lock_count(heap, handles[1]), left - 1);
    }
    jeff_compact(heap, 0);
    assert_true((unsigned char *)jeff_weak_lock(heap, handles[1]) < address);
    assert_marked(heap, handles[1], 100, 1);
    assert_sound(heap);
}

static void locks_nest_up_to_the_limit_and_no_further(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    void *address = jeff_lock(heap, handles[5]);
    for (unsigned i = 1; i < JEFF_LOCK_MAX; i++) {
        assert_ptr_equal(jeff_lock(heap, handles[5]), address);
    }
    assert_int_equal(jeff_lock_count(heap, handles[5]), JEFF_LOCK_MAX);
    assert_null(jeff_lock(heap, handles[5]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCK_LIMIT);
    assert_int_equal(jeff_lock_count(heap, handles[5]), JEFF_LOCK_MAX);
    assert_ptr_equal(jeff_weak_lock(heap, handles[5]), address);
    assert_false(jeff_free(heap, handles[5]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCKED);
    assert_true(jeff_free(heap, handles[4]));
    jeff_compact(heap, 0);
    assert_ptr_equal(jeff_weak_lock(heap, handles[5]), address);
    assert_sound(heap);
    for (unsigned i = 0; i < JEFF_LOCK_MAX; i++) {
        assert_true(jeff_unlock(heap, handles[5]));
    }
    assert_false(jeff_unlock(heap, handles[5]));
    assert_true(jeff_free(heap, handles[5]));
    assert_sound(heap);
}

static void an_unlock_without_a_lock_is_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = marked_block(heap, 50, 1);
    assert_false(jeff_unlock(heap, block));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NOT_LOCKED);
    assert_int_equal(jeff_lock_count(heap, block), 0);
    assert_non_null(jeff_lock(heap, block));
    assert_true(jeff_unlock(heap, block));
    assert_false(jeff_unlock(heap, block));
    assert_non_null(jeff_weak_lock(heap, block));
    assert_false(jeff_unlock(heap, block)); // a weak lock is none
    assert_marked(heap, block, 50, 1);
    assert_sound(heap);
}

static void freeing_a_locked_block_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    void *address = jeff_lock(heap, handles[50]);
    struct jeff_stats before = stats_of(heap);
    assert_false(jeff_free(heap, handles[50]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCKED);
    assert_true(is_same_but_refusals(before, stats_of(heap)));
    assert_ptr_equal(jeff_weak_lock(heap, handles[50]), address);
    assert_int_equal(jeff_lock_count(heap, handles[50]), 1);
    assert_marked(heap, handles[50], 100, 50);
    assert_true(jeff_unlock(heap, handles[50]));
    assert_true(jeff_free(heap, handles[50]));
    assert_sound(heap);
}

static void a_weak_lock_gives_the_address_and_pins_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    unsigned char *weak = jeff_weak_lock(heap, handles[1]);
    assert_int_equal(jeff_lock_count(heap, handles[1]), 0);
    assert_ptr_equal(jeff_lock(heap, handles[1]), weak);
    assert_true(jeff_unlock(heap, handles[1]));
    assert_true(jeff_free(heap, handles[0]));
    jeff_compact(heap, 0);
    assert_true((unsigned char *)jeff_weak_lock(heap, handles[1]) < weak);
}

/// What a client that keeps weak locks relies on: as long as the counter stands, so do the addresses.
static void a_weak_lock_holds_while_the_counter_of_compactions_stands(void **state)
{
    (void)state;
    enum { SLOTS = 60 };
    static jeff_handle live[SLOTS];
    static void *weak[SLOTS];
    jeff_heap *heap = heap_new(8 * KIB);
    uint64_t random = 29;
    uint64_t counter = jeff_compactions(heap);
    unsigned changes = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        live[i] = JEFF_NULL;
    }
    for (unsigned op = 0; op < 20000; op++) {
        unsigned slot = next_random(&random) % SLOTS;
        assert_true(jeff_free(heap, live[slot]));
        live[slot] = jeff_malloc(heap, next_random(&random) % 300);
        bool changed = jeff_compactions(heap) != counter;
        changes += changed;
        counter = jeff_compactions(heap);
        for (unsigned i = 0; i < SLOTS; i++) {
            if (live[i] != JEFF_NULL && !changed && i != slot) {
                assert_ptr_equal(jeff_weak_lock(heap, live[i]), weak[i]);
            }
            weak[i] = live[i] == JEFF_NULL ? NULL : jeff_weak_lock(heap, live[i]);
        }
    }
    assert_true(changes > 0);
    assert_sound(heap);
}

static void the_counter_of_compactions_changes_when_a_block_moves(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    uint64_t before = jeff_compactions(heap);
    assert_true(jeff_free(heap, handles[10]));
    assert_true(jeff_compactions(heap) == before);
    jeff_compact(heap, 0);
    assert_true(jeff_compactions(heap) != before);
}

static void an_empty_block_can_be_locked(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle below = marked_block(heap, 200, 1);
    jeff_handle empty = jeff_malloc(heap, 0);
    void *address = jeff_lock(heap, empty);
    assert_non_null(address);
    assert_true(jeff_free(heap, below));
    jeff_compact(heap, 0);
    assert_ptr_equal(jeff_weak_lock(heap, empty), address);
    assert_sound(heap);
}

static void locking_touches_no_other_block(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    make_many(heap);
    for (unsigned i = 0; i < MANY; i += 2) {
        assert_non_null(jeff_lock(heap, handles[i]));
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(jeff_lock_count(heap, handles[i]), i % 2 == 0);
        assert_marked(heap, handles[i], 100, i);
    }
    assert_sound(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_block_stays_where_it_is),
        cmocka_unit_test(a_block_moves_after_as_many_unlocks_as_locks),
        cmocka_unit_test(locks_nest_up_to_the_limit_and_no_further),
        cmocka_unit_test(an_unlock_without_a_lock_is_refused),
        cmocka_unit_test(freeing_a_locked_block_is_refused_and_changes_nothing),
        cmocka_unit_test(a_weak_lock_gives_the_address_and_pins_nothing),
        cmocka_unit_test(a_weak_lock_holds_while_the_counter_of_compactions_stands),
        cmocka_unit_test(the_counter_of_compactions_changes_when_a_block_moves),
        cmocka_unit_test(an_empty_block_can_be_locked),
        cmocka_unit_test(locking_touches_no_other_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
