/// jeff_pins(): which locked blocks are in the way, and how much free memory each one strands.
#include "heap_test.h"

struct seen {
    size_t count;
    struct jeff_pin pins[8];
    size_t most;
};

static bool note(void *context, const struct jeff_pin *pin)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    seen->pins[seen->count++] = *pin;
    return seen->count < seen->most;
}

static struct seen pins_of(jeff_heap *heap, size_t most)
{
    struct seen seen = {.most = most};
    jeff_pins(heap, note, &seen);
    return seen;
}

static void a_locked_block_strands_what_is_free_below_it(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle low = jeff_malloc(heap, 1000);
    jeff_handle pinned = jeff_malloc(heap, 100);
    jeff_handle middle = jeff_malloc(heap, 2900);
    jeff_handle high = jeff_malloc(heap, 100);
    void *address = jeff_lock(heap, pinned);
    assert_non_null(jeff_lock(heap, high));
    assert_non_null(jeff_lock(heap, high));
    assert_int_equal(pins_of(heap, 8).pins[0].stranded_bytes, 0);

    void *begin;
    const size_t low_bytes = jeff_extent(heap, low, &begin);
    const size_t middle_bytes = jeff_extent(heap, middle, &begin);
    assert_true(jeff_free(heap, low));
    assert_true(jeff_free(heap, middle));
    jeff_compact(heap, 0);
    struct seen seen = pins_of(heap, 8);
    assert_int_equal(seen.count, 2);
    assert_true(seen.pins[0].handle == pinned);
    assert_ptr_equal(seen.pins[0].address, address);
    assert_int_equal(seen.pins[0].locks, 1);
    assert_int_equal(seen.pins[0].stranded_bytes, low_bytes);
    assert_int_equal(seen.pins[1].locks, 2);
    assert_int_equal(seen.pins[1].stranded_bytes, middle_bytes);
    assert_int_equal(seen.pins[1].bytes, jeff_usable_size(heap, high));
}

static void the_visitor_can_end_it(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    for (unsigned i = 0; i < 5; i++)
        assert_non_null(jeff_lock(heap, jeff_malloc(heap, 50)));
    assert_int_equal(pins_of(heap, 8).count, 5);
    assert_int_equal(pins_of(heap, 2).count, 2);
}

static void without_locks_there_is_none(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    assert_int_equal(pins_of(heap, 8).count, 0);
    assert_true(jeff_malloc(heap, 50) != JEFF_NULL);
    assert_int_equal(pins_of(heap, 8).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_block_strands_what_is_free_below_it),
        cmocka_unit_test(the_visitor_can_end_it),
        cmocka_unit_test(without_locks_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
