/// A pointer that a client keeps longer than it may is told at the instruction that uses it: by AddressSanitizer, and by Valgrind if
/// Jeff is built with JEFF_VALGRIND. Where neither watches the whole program is skipped.
///
/// Each use is a function. AddressSanitizer ends a child that runs it; Valgrind counts its errors.
#define _POSIX_C_SOURCE 200809L
#include "heap_test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77 ///< as CMakeLists.txt says

#if defined(WITH_ASAN)
static bool is_watched(void)
{
    return true;
}

/// @return true if AddressSanitizer has ended a child in which `use` ran, with the report that it was to give
static bool is_told(void (*use)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        use();
        _exit(0);
    }
    assert_true(child > 0);
    close(ends[1]);
    static char report[65536];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof report - 1 && (got = read(ends[0], report + length, sizeof report - 1 - length)) > 0) {
        length += (size_t)got;
    }
    report[length] = 0;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    const bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended_well != (strstr(report, "use-after-poison") == NULL)) {
        fail_msg("expected no report, or one of a use-after-poison; got: %s", report);
    }
    return !ended_well;
}

#elif defined(JEFF_VALGRIND)
static bool is_watched(void)
{
    return RUNNING_ON_VALGRIND != 0;
}

static bool is_told(void (*use)(void))
{
    const unsigned long before = VALGRIND_COUNT_ERRORS;
    use();
    return VALGRIND_COUNT_ERRORS != before;
}

#else
static bool is_watched(void)
{
    return false;
}

static bool is_told(void (*use)(void))
{
    (void)use;
    return false;
}
#endif

static void assert_told(void (*use)(void))
{
    assert_true(is_told(use));
}

static void assert_not_told(void (*use)(void))
{
    assert_false(is_told(use));
}

/// Makes a read that neither a compiler leaves out nor Valgrind, which drops a load whose result is not used.
static void read_at(const unsigned char *at)
{
    static volatile unsigned sum;
    sum = sum + *(const volatile unsigned char *)at;
}

static void write_at(unsigned char *at)
{
    *(volatile unsigned char *)at = 1;
}

static void use_all(unsigned char *at, size_t bytes)
{
    memset(at, 0x5a, bytes);
    for (size_t i = 0; i < bytes; i++) {
        read_at(at + i);
    }
}

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
    if (!is_watched()) {
        puts("skipped: neither AddressSanitizer nor Valgrind watches");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_use_after_unlock_is_told),
        cmocka_unit_test(the_last_of_nested_unlocks_ends_the_use),
        cmocka_unit_test(a_block_with_pages_of_its_own_is_no_exception),
        cmocka_unit_test(a_use_after_free_is_told),
        cmocka_unit_test(memory_that_was_never_allocated_is_told),
        cmocka_unit_test(a_weak_lock_ends_when_the_counter_changes),
        cmocka_unit_test(a_weak_lock_ends_with_a_resize),
        cmocka_unit_test(a_locked_block_may_be_used_to_its_end_and_no_further),
        cmocka_unit_test(calloc_leaves_the_block_to_be_locked),
        cmocka_unit_test(the_callback_moved_may_use_the_block),
        cmocka_unit_test(a_locked_block_may_be_used_in_callbacks),
        cmocka_unit_test(the_region_is_the_clients_again_after_destroy),
        cmocka_unit_test(large_blocks_are_told_at_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
