/// Heaps that scramble: every request moves what is not locked, keeps all contents, and leaves nothing to be read of what is free.
#include "heap_test.h"

#define COUNT 20u

static void each_request_moves_every_block_that_is_not_locked(void **state)
{
    (void)state;
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.scramble = true});
    jeff_handle handles[COUNT];
    void *before[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        handles[i] = jeff_malloc(heap, 40 + 16 * (i % 5));
        memset(jeff_weak_lock(heap, handles[i]), (int)i + 1, 40);
    }
    void *pinned = jeff_lock(heap, handles[7]);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            before[i] = jeff_weak_lock(heap, handles[i]);
        jeff_handle more = jeff_malloc(heap, 10 + round);
        assert_true(more != JEFF_NULL);
        unsigned moved = 0;
        for (unsigned i = 0; i < COUNT; i++) {
            unsigned char *address = jeff_weak_lock(heap, handles[i]);
            moved += address != before[i];
            for (unsigned byte = 0; byte < 40; byte++)
                assert_int_equal(address[byte], i + 1);
        }
        assert_ptr_equal(jeff_weak_lock(heap, handles[7]), pinned);
        assert_int_equal(moved, COUNT - 1);
        assert_true(jeff_free(heap, more));
        assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
    }
}

static void a_stale_pointer_reads_garbage_after_the_next_request(void **state)
{
    (void)state;
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.scramble = true});
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *stale = jeff_lock(heap, block);
    memset(stale, 0x11, 100);
    assert_true(jeff_free(heap, block) == false);
    assert_true(jeff_unlock(heap, block));
    assert_true(jeff_free(heap, block));
    assert_true(jeff_malloc(heap, 1) != JEFF_NULL);
    unsigned char seen[100];
    raw_copy(seen, stale, sizeof seen);
    unsigned kept = 0;
    for (unsigned i = 0; i < 100; i++)
        kept += seen[i] == 0x11;
    assert_int_equal(kept, 0);
}

static void a_block_can_still_be_resized(void **state)
{
    (void)state;
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.scramble = true});
    jeff_handle first = jeff_malloc(heap, 100);
    jeff_handle second = jeff_malloc(heap, 100);
    memset(jeff_weak_lock(heap, second), 0x22, 100);
    for (size_t bytes = 100; bytes < 9000; bytes += 311) {
        assert_true(jeff_resize(heap, second, bytes));
        const unsigned char *address = jeff_weak_lock(heap, second);
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(address[i], 0x22);
    }
    assert_true(jeff_free(heap, first));
    assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_moves_every_block_that_is_not_locked),
        cmocka_unit_test(a_stale_pointer_reads_garbage_after_the_next_request),
        cmocka_unit_test(a_block_can_still_be_resized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
