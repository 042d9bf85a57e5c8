/// The inline lock and unlock do what the functions do, whatever the handle, and both kinds may be mixed.
#include "heap_test.h"

#include "jeff_inline.h"

#undef fail // cmocka's; the heap has one of its own
#include "../jeff/heap_internal.h"

/// Locks, looks and unlocks with one kind; what came of it.
struct outcome {
    void *address, *weak;
    bool unlocked;
    unsigned locks;
    enum jeff_status status;
};

static struct outcome by_call(jeff_heap *heap, jeff_handle handle)
{
    struct outcome o = {.weak = jeff_weak_lock(heap, handle), .address = jeff_lock(heap, handle)};
    o.locks = jeff_lock_count(heap, handle);
    o.unlocked = jeff_unlock(heap, handle);
    o.status = jeff_last_status(heap);
    return o;
}

static struct outcome by_inline(jeff_heap *heap, jeff_handle handle)
{
    struct outcome o = {.weak = jeff_weak_lock_inline(heap, handle), .address = jeff_lock_inline(heap, handle)};
    o.locks = jeff_lock_count(heap, handle);
    o.unlocked = jeff_unlock_inline(heap, handle);
    o.status = jeff_last_status(heap);
    return o;
}

static void assert_alike(jeff_heap *heap, jeff_handle handle)
{
    const struct outcome call = by_call(heap, handle), in = by_inline(heap, handle);
    assert_ptr_equal(call.address, in.address);
    assert_ptr_equal(call.weak, in.weak);
    assert_int_equal(call.unlocked, in.unlocked);
    assert_int_equal(call.locks, in.locks);
    assert_int_equal(call.status, in.status);
}

static void inline_and_call_agree_on_every_kind_of_handle(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle small = jeff_malloc(heap, 100), wide = jeff_malloc(heap, 5000),
                aligned = jeff_aligned_alloc(heap, 256, 10);
    jeff_handle resized = jeff_malloc(heap, 40), stale = jeff_malloc(heap, 40), purgeable = jeff_malloc(heap, 20000);
    assert_true(jeff_resize(heap, resized, 400));
    assert_true(jeff_free(heap, stale));
    assert_true(jeff_set_purgeable(heap, purgeable, true));
    const jeff_handle all[] = {small, wide, aligned, resized, stale, purgeable, JEFF_NULL, ~(jeff_handle)0};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        assert_alike(heap, all[i]);
        for (unsigned bit = 0; bit < 64; bit++)
            assert_alike(heap, all[i] ^ (jeff_handle)1 << bit);
    }
    while (jeff_malloc(heap, 1000))
        ;
    assert_int_equal(jeff_usable_size(heap, purgeable), 0);
    assert_alike(heap, purgeable);
    assert_true(jeff_free(heap, small));
    assert_alike(heap, small);
}

static void inline_locks_nest_and_mix_with_calls_up_to_the_limit(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle handle = jeff_malloc(heap, 100);
    void *address = jeff_lock(heap, handle);
    for (unsigned locks = 1; locks < JEFF_LOCK_MAX; locks++)
        assert_ptr_equal(locks % 3 ? jeff_lock_inline(heap, handle) : jeff_lock(heap, handle), address);
    assert_int_equal(jeff_lock_count(heap, handle), JEFF_LOCK_MAX);
    assert_null(jeff_lock_inline(heap, handle));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCK_LIMIT);
    for (unsigned locks = JEFF_LOCK_MAX; locks > 0; locks--)
        assert_true(locks % 3 ? jeff_unlock(heap, handle) : jeff_unlock_inline(heap, handle));
    assert_false(jeff_unlock_inline(heap, handle));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NOT_LOCKED);
    assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
}

static void inline_lock_reaches_blocks_with_pages_of_their_own(void **state)
{
    (void)state;
    jeff_heap *heap = jeff_create(64 * MIB, NULL, NULL);
    assert_non_null(heap);
    jeff_handle handle = jeff_malloc(heap, 2 * MIB);
    assert_alike(heap, handle);
    unsigned char *bytes = jeff_lock_inline(heap, handle);
    bytes[2 * MIB - 1] = 1;
    assert_true(jeff_unlock_inline(heap, handle));
    jeff_destroy(heap);
}

/// A refused size is remembered until memory may have come free: an unlock is such an event, inline too.
static void inline_unlock_lets_a_refused_request_be_tried_again(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(16 * KIB);
    jeff_handle low = jeff_malloc(heap, 5000), middle = jeff_malloc(heap, 1000), high = jeff_malloc(heap, 5000);
    assert_non_null(jeff_lock_inline(heap, middle));
    assert_true(jeff_free(heap, low));
    assert_true(jeff_free(heap, high));
    assert_true(jeff_malloc(heap, 11000) == JEFF_NULL);
    assert_true(jeff_unlock_inline(heap, middle));
    assert_true(jeff_malloc(heap, 11000) != JEFF_NULL);
}

/// As a compiler sees it that has the library and its client before it at once.
static __attribute__((noinline)) uint32_t write_by_both(struct jeff_heap *heap, struct jeff_inline_heap *view)
{
    view->refused = 1;
    heap->refused = NO_REFUSAL;
    return view->refused;
}

static void a_word_written_by_the_library_is_read_inline(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(16 * KIB);
    assert_true(write_by_both(heap, (struct jeff_inline_heap *)heap) == NO_REFUSAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inline_and_call_agree_on_every_kind_of_handle),
        cmocka_unit_test(inline_locks_nest_and_mix_with_calls_up_to_the_limit),
        cmocka_unit_test(inline_lock_reaches_blocks_with_pages_of_their_own),
        cmocka_unit_test(inline_unlock_lets_a_refused_request_be_tried_again),
        cmocka_unit_test(a_word_written_by_the_library_is_read_inline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
