/// What a client may use is told from what it may not: a locked block to its end and no further, a block in a callback, the region
/// once the heap is gone. And nothing that it may do is told.
#include "watched_test.h"

// The bounds of a locked block

struct locked {
    jeff_heap *heap;
    jeff_handle handle;
    unsigned char *address;
    size_t usable;
};

static struct locked locked_block(size_t bytes)
{
    struct locked locked = {.heap = heap_new(64 * KIB)};
    jeff_malloc(locked.heap, 30);
    locked.handle = jeff_malloc(locked.heap, bytes);
    jeff_malloc(locked.heap, 30);
    locked.address = jeff_lock(locked.heap, locked.handle);
    locked.usable = jeff_usable_size(locked.heap, locked.handle);
    return locked;
}

static void use_all_of_it(void)
{
    for (size_t bytes = 0; bytes < 6000; bytes = bytes * 2 + 1) {
        struct locked locked = locked_block(bytes);
        use_all(locked.address, locked.usable);
    }
}

static void read_past_the_end(void)
{
    struct locked locked = locked_block(100);
    read_at(locked.address + locked.usable);
}

static void write_past_the_end_of_a_large_block(void)
{
    struct locked locked = locked_block(5000);
    write_at(locked.address + locked.usable);
}

static void write_in_front(void)
{
    struct locked locked = locked_block(100);
    write_at(locked.address - 1);
}

static void use_what_was_cut_off(void)
{
    struct locked locked = locked_block(100);
    assert_true(jeff_resize(locked.heap, locked.handle, 20));
    read_at(locked.address + 90);
}

static void use_all_after_resizes(void)
{
    struct jeff_config config = {.alignment = 8};
    jeff_heap *heap = heap_with(64 * KIB, &config);
    jeff_handle block = jeff_malloc(heap, 1000);
    unsigned char *address = jeff_lock(heap, block);
    static const size_t sizes[] = {10, 500, 1900, 30};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(jeff_resize(heap, block, sizes[i]));
        use_all(address, jeff_usable_size(heap, block));
    }
}

static void a_locked_block_may_be_used_to_its_end_and_no_further(void **state)
{
    (void)state;
    assert_not_told(use_all_of_it);
    assert_not_told(use_all_after_resizes);
    assert_told(read_past_the_end);
    assert_told(write_past_the_end_of_a_large_block);
    assert_told(write_in_front);
    assert_told(use_what_was_cut_off);
}

static void use_zeroed_block(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_calloc(heap, 10, 10);
    unsigned char *address = jeff_lock(heap, block);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(address[i], 0);
    }
}

static unsigned char *calloc_address;

static void use_calloc_before_a_lock(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    calloc_address = jeff_weak_lock(heap, block);
    jeff_free(heap, block);
    assert_true(jeff_calloc(heap, 1, 100) != JEFF_NULL);
    read_at(calloc_address);
}

static void calloc_leaves_the_block_to_be_locked(void **state)
{
    (void)state;
    assert_not_told(use_zeroed_block);
    assert_told(use_calloc_before_a_lock);
}

// Callbacks

static unsigned char *kept; ///< what a callback has kept

static void look_at_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context, (void)handle, (void)from;
    use_all(to, bytes);
    kept = to;
}

static void move_blocks_that_are_looked_at(void)
{
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.moved = look_at_moved});
    jeff_handle low = jeff_malloc(heap, 100);
    jeff_malloc(heap, 3000);
    jeff_malloc(heap, 100);
    jeff_free(heap, low);
    jeff_compact(heap, 0);
    assert_non_null(kept);
}

static void use_after_the_callback(void)
{
    move_blocks_that_are_looked_at();
    read_at(kept);
}

static void the_callback_moved_may_use_the_block(void **state)
{
    (void)state;
    assert_not_told(move_blocks_that_are_looked_at);
    assert_told(use_after_the_callback);
}

static bool use_kept(void *context, size_t bytes)
{
    (void)context, (void)bytes;
    use_all(kept, 100);
    return false;
}

static void use_locked_block_while_memory_is_low(void)
{
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.low_memory = use_kept});
    jeff_handle block = jeff_malloc(heap, 100);
    jeff_malloc(heap, 100);
    kept = jeff_lock(heap, block);
    assert_true(jeff_malloc(heap, 60 * KIB) != JEFF_NULL);
    assert_true(jeff_malloc(heap, 60 * KIB) == JEFF_NULL);
    assert_false(jeff_resize(heap, block, 60 * KIB));
    use_all(kept, 100);
}

static void a_locked_block_may_be_used_in_callbacks(void **state)
{
    (void)state;
    assert_not_told(use_locked_block_while_memory_is_low);
}

// The client's memory

static void use_region_after_destroy(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 1000);
    jeff_free(heap, jeff_malloc(heap, 100));
    jeff_lock(heap, block);
    jeff_destroy(heap);
    use_all(arena_region(), 64 * KIB);
}

/// Heaps at odd places over those that were forgotten.
static void make_heaps_in_each_others_remains(void)
{
    heap_new(128 * KIB);
    for (size_t shift = 0; shift < 200; shift += 8) {
        struct jeff_config config = {.alignment = 8};
        jeff_heap *heap = jeff_init(arena_region() + shift, 20000 + shift / 3, &config, NULL);
        jeff_handle blocks[100];
        for (size_t i = 0; i < 100; i++) {
            blocks[i] = jeff_malloc(heap, i);
            use_all(jeff_lock(heap, blocks[i]), i);
            jeff_unlock(heap, blocks[i]);
        }
        for (size_t i = 0; i < 100; i += 2) {
            jeff_free(heap, blocks[i]);
        }
        jeff_compact_goal(heap, NULL, NULL);
        assert_checked(heap);
    }
}

static void the_region_is_the_clients_again_after_destroy(void **state)
{
    (void)state;
    assert_not_told(use_region_after_destroy);
    assert_not_told(make_heaps_in_each_others_remains);
}

/// Of large stretches only the ends are hidden, but all of a locked block can be used, whatever was there before.
static void use_large_blocks(void)
{
    jeff_heap *heap = heap_new(6 * MIB);
    jeff_handle small[200];
    for (unsigned i = 0; i < 200; i++) {
        small[i] = jeff_malloc(heap, 5000);
        use_all(jeff_lock(heap, small[i]), 5000);
        jeff_unlock(heap, small[i]);
    }
    for (unsigned i = 0; i < 200; i++) {
        jeff_free(heap, small[i]);
    }
    jeff_handle large = jeff_malloc(heap, 3 * MIB);
    use_all(jeff_lock(heap, large), 3 * MIB);
    assert_true(jeff_resize(heap, large, 5 * MIB));
    use_all(jeff_lock(heap, large), 5 * MIB);
    jeff_destroy(heap);
    use_all(arena_region(), 6 * MIB);
}

static unsigned char *unlocked_large_block(size_t *usable)
{
    jeff_heap *heap = heap_new(6 * MIB);
    jeff_handle large = jeff_malloc(heap, 3 * MIB);
    unsigned char *address = jeff_lock(heap, large);
    *usable = jeff_usable_size(heap, large);
    jeff_unlock(heap, large);
    return address;
}

static void use_the_begin_of_a_large_block(void)
{
    size_t usable;
    read_at(unlocked_large_block(&usable) + 1000);
}

static void use_the_end_of_a_large_block(void)
{
    size_t usable;
    unsigned char *address = unlocked_large_block(&usable);
    read_at(address + usable - 1);
}

static void large_blocks_are_told_at_their_ends(void **state)
{
    (void)state;
    assert_not_told(use_large_blocks);
    assert_told(use_the_begin_of_a_large_block);
    assert_told(use_the_end_of_a_large_block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_block_may_be_used_to_its_end_and_no_further),
        cmocka_unit_test(calloc_leaves_the_block_to_be_locked),
        cmocka_unit_test(the_callback_moved_may_use_the_block),
        cmocka_unit_test(a_locked_block_may_be_used_in_callbacks),
        cmocka_unit_test(the_region_is_the_clients_again_after_destroy),
        cmocka_unit_test(large_blocks_are_told_at_their_ends),
    };
    return RUN_WATCHED(tests);
}
