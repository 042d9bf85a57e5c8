/// A pointer that a client keeps longer than it may is told at the instruction that uses it: after an unlock, after a free, after
/// what ends a weak lock.
#include "watched_test.h"

// After unlock

static unsigned char *unlocked_block(size_t bytes, size_t alignment)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_malloc(heap, 40);
    jeff_handle block = jeff_aligned_alloc(heap, alignment, bytes);
    jeff_malloc(heap, 40);
    unsigned char *address = jeff_lock(heap, block);
    use_all(address, bytes);
    jeff_unlock(heap, block);
    return address;
}

static void read_first_byte_after_unlock(void)
{
    read_at(unlocked_block(100, 1));
}

static void read_last_byte_after_unlock(void)
{
    read_at(unlocked_block(100, 1) + 99);
}

static void write_after_unlock(void)
{
    write_at(unlocked_block(100, 1) + 50);
}

static void write_into_large_block_after_unlock(void)
{
    write_at(unlocked_block(9000, 1) + 8999);
}

static void read_aligned_block_after_unlock(void)
{
    read_at(unlocked_block(100, 4096));
}

static void a_use_after_unlock_is_told(void **state)
{
    (void)state;
    assert_told(read_first_byte_after_unlock);
    assert_told(read_last_byte_after_unlock);
    assert_told(write_after_unlock);
    assert_told(write_into_large_block_after_unlock);
    assert_told(read_aligned_block_after_unlock);
}

static void use_between_unlocks(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_lock(heap, block);
    jeff_lock(heap, block);
    jeff_unlock(heap, block);
    use_all(address, 100);
}

static void use_after_the_last_of_two_unlocks(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_lock(heap, block);
    jeff_lock(heap, block);
    jeff_unlock(heap, block);
    jeff_unlock(heap, block);
    read_at(address);
}

static void the_last_of_nested_unlocks_ends_the_use(void **state)
{
    (void)state;
    assert_not_told(use_between_unlocks);
    assert_told(use_after_the_last_of_two_unlocks);
}

static unsigned char *unlocked_mapped_block(bool resized)
{
    jeff_heap *heap = jeff_create(MIB, &(struct jeff_config){.own_mapping = 8192}, NULL);
    jeff_handle block = jeff_malloc(heap, 20000);
    unsigned char *address = jeff_lock(heap, block);
    use_all(address, jeff_usable_size(heap, block));
    if (resized) {
        jeff_unlock(heap, block);
        jeff_resize(heap, block, 200000);
        address = jeff_lock(heap, block);
        use_all(address, 200000);
    }
    jeff_unlock(heap, block);
    return address;
}

static void use_mapped_block_after_unlock(void)
{
    read_at(unlocked_mapped_block(false) + 10000);
}

static void use_resized_mapped_block_after_unlock(void)
{
    read_at(unlocked_mapped_block(true));
}

/// Page hooks over the arena, which write to all memory that they give or get back.
static size_t reserved;

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    void *address = arena_region() + reserved;
    reserved += bytes;
    return reserved <= ARENA_MAX ? address : NULL;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    memset(address, 0, bytes);
    return true;
}

static void give_back(void *context, void *address, size_t bytes)
{
    (void)context;
    memset(address, 0x77, bytes);
}

static void give_pages_back(void)
{
    arena_reset(ARENA_MAX);
    reserved = 0;
    const struct jeff_page_hooks hooks = {4096, reserve, commit, give_back, give_back, NULL};
    jeff_heap *heap = jeff_create(4 * MIB, &(struct jeff_config){.own_mapping = 8192, .pages = &hooks}, NULL);
    static jeff_handle small[500];
    for (unsigned i = 0; i < 500; i++) {
        small[i] = jeff_malloc(heap, 4000);
        use_all(jeff_lock(heap, small[i]), 4000);
        jeff_unlock(heap, small[i]);
    }
    jeff_handle large = jeff_malloc(heap, 20000);
    static const size_t sizes[] = {40000, 10000, 16000, 90000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(jeff_resize(heap, large, sizes[i]));
        use_all(jeff_lock(heap, large), sizes[i]);
        jeff_unlock(heap, large);
    }
    for (unsigned i = 1; i < 500; i++) {
        jeff_free(heap, small[i]);
    }
    jeff_compact(heap, 0); // gives pages back, too
    assert_checked(heap);
    jeff_free(heap, large);
    large = jeff_malloc(heap, 50000);
    use_all(jeff_lock(heap, large), 50000);
    jeff_destroy(heap);
}

static void a_block_with_pages_of_its_own_is_no_exception(void **state)
{
    (void)state;
    assert_told(use_mapped_block_after_unlock);
    assert_told(use_resized_mapped_block_after_unlock);
    assert_not_told(give_pages_back);
}

// After free

static void use_after_free(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_lock(heap, block);
    jeff_unlock(heap, block);
    jeff_free(heap, block);
    read_at(address);
}

static void use_weakly_locked_after_free(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_weak_lock(heap, block);
    jeff_free(heap, block);
    read_at(address);
}

static void use_the_next_block_in_its_place(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_weak_lock(heap, block);
    jeff_free(heap, block);
    block = jeff_malloc(heap, 100);
    assert_ptr_equal(jeff_lock(heap, block), address);
    jeff_unlock(heap, block);
    read_at(address);
}

static void a_use_after_free_is_told(void **state)
{
    (void)state;
    assert_told(use_after_free);
    assert_told(use_weakly_locked_after_free);
    assert_told(use_the_next_block_in_its_place);
}

static void use_free_memory(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    unsigned char *address = jeff_lock(heap, jeff_malloc(heap, 100));
    read_at(address + 32 * KIB);
}

static void memory_that_was_never_allocated_is_told(void **state)
{
    (void)state;
    assert_told(use_free_memory);
}

// Weak locks

/// A block in front of which another was freed, weakly locked, and what came after.
static unsigned char *weakly_locked(bool compacted, bool moved)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle low = jeff_malloc(heap, 100);
    jeff_handle middle = jeff_malloc(heap, 200);
    jeff_handle high = jeff_malloc(heap, 300);
    unsigned char *address = jeff_weak_lock(heap, moved ? high : low);
    use_all(address, 100);
    jeff_free(heap, middle);
    if (compacted) {
        jeff_compact(heap, 0);
    }
    return address;
}

static void use_before_compaction(void)
{
    use_all(weakly_locked(false, true), 300);
}

static void use_after_compaction(void)
{
    read_at(weakly_locked(true, false));
}

static void use_after_it_was_moved(void)
{
    read_at(weakly_locked(true, true) + 250);
}

static void use_after_an_idle_compaction(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    unsigned char *address = jeff_weak_lock(heap, jeff_malloc(heap, 100));
    const uint64_t before = jeff_compactions(heap);
    jeff_compact(heap, 0);
    assert_true(jeff_compactions(heap) == before);
    use_all(address, 100);
}

static void use_after_a_lock_and_unlock(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_weak_lock(heap, block);
    jeff_lock(heap, block);
    jeff_unlock(heap, block);
    use_all(address, 100);
}

static void use_after_a_refused_resize(void)
{
    jeff_heap *heap = heap_with(64 * KIB, &(struct jeff_config){.no_last_resort = true});
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_weak_lock(heap, block);
    assert_false(jeff_resize(heap, block, MIB));
    use_all(address, 100);
}

static void use_after_resize(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    unsigned char *address = jeff_weak_lock(heap, block);
    assert_true(jeff_resize(heap, block, 50));
    read_at(address);
}

static void use_after_resize_elsewhere(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    jeff_malloc(heap, 100);
    unsigned char *address = jeff_weak_lock(heap, block);
    assert_true(jeff_resize(heap, block, 5000));
    read_at(address);
}

static void use_after_a_new_weak_lock(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 100);
    jeff_malloc(heap, 100);
    jeff_weak_lock(heap, block);
    assert_true(jeff_resize(heap, block, 5000));
    use_all(jeff_weak_lock(heap, block), 5000);
}

static void use_of_purged(void)
{
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle block = jeff_malloc(heap, 40000);
    unsigned char *address = jeff_weak_lock(heap, block);
    jeff_set_purgeable(heap, block, true);
    assert_true(jeff_malloc(heap, 30000) != JEFF_NULL);
    read_at(address + 35000); // above the new block, where nothing is yet
}

static void a_weak_lock_ends_when_the_counter_changes(void **state)
{
    (void)state;
    assert_not_told(use_before_compaction);
    assert_not_told(use_after_an_idle_compaction);
    assert_not_told(use_after_a_lock_and_unlock);
    assert_told(use_after_compaction);
    assert_told(use_after_it_was_moved);
    assert_told(use_of_purged);
}

static void a_weak_lock_ends_with_a_resize(void **state)
{
    (void)state;
    assert_not_told(use_after_a_refused_resize);
    assert_not_told(use_after_a_new_weak_lock);
    assert_told(use_after_resize);
    assert_told(use_after_resize_elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_use_after_unlock_is_told),
        cmocka_unit_test(the_last_of_nested_unlocks_ends_the_use),
        cmocka_unit_test(a_block_with_pages_of_its_own_is_no_exception),
        cmocka_unit_test(a_use_after_free_is_told),
        cmocka_unit_test(memory_that_was_never_allocated_is_told),
        cmocka_unit_test(a_weak_lock_ends_when_the_counter_changes),
        cmocka_unit_test(a_weak_lock_ends_with_a_resize),
    };
    return RUN_WATCHED(tests);
}
