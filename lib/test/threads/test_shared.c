/// What a shared heap does, seen from one thread: the functions of jeff_shared.h against what the header says, and what it says of jeff.h.
#include "../heap_test.h"

#include "jeff_shared.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 4096 };

static jeff_handle handles[MANY];

static jeff_shared *region_with(size_t bytes, const struct jeff_shared_config *config)
{
    arena_reset(bytes);
    enum jeff_status status = JEFF_ERROR_CORRUPT;
    jeff_shared *heap = jeff_shared_init(arena_region(), bytes, config, &status);
    if (heap == NULL)
        fail_msg("%s", jeff_strerror(status));
    assert_int_equal(status, JEFF_OK);
    return heap;
}

static void end(jeff_shared *heap)
{
    struct jeff_damage damage = {0};
    if (jeff_shared_check(heap, &damage) != JEFF_OK)
        fail_msg("%s", damage.what);
    jeff_shared_destroy(heap);
    assert_guards_whole();
}

static void fill(jeff_shared *heap, jeff_handle handle, size_t bytes, unsigned mark)
{
    unsigned char *block = jeff_shared_lock(heap, handle, NULL);
    assert_non_null(block);
    for (size_t i = 0; i < bytes; i++)
        block[i] = mark_at(mark, i);
    assert_true(jeff_shared_unlock(heap, handle, NULL));
}

static jeff_handle filled(jeff_shared *heap, size_t bytes, unsigned mark)
{
    const jeff_handle handle = jeff_shared_malloc(heap, bytes, NULL);
    assert_true(handle != JEFF_NULL);
    fill(heap, handle, bytes, mark);
    return handle;
}

static void assert_filled(jeff_shared *heap, jeff_handle handle, size_t bytes, unsigned mark)
{
    const unsigned char *block = jeff_shared_lock(heap, handle, NULL);
    assert_non_null(block);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(block[i], mark_at(mark, i));
    assert_true(jeff_shared_unlock(heap, handle, NULL));
}

static struct jeff_stats figures(jeff_shared *heap)
{
    struct jeff_stats stats;
    jeff_shared_stats(heap, &stats);
    return stats;
}

static char *slurp(const char *header)
{
    char path[4096];
    const char *name = strrchr(__FILE__, '/');
    assert_true(name != NULL && (size_t)snprintf(path, sizeof path, "%.*s/../../include/%s", (int)(name - __FILE__),
                                                 __FILE__, header) < sizeof path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        skip(); // the tests run without their sources
    char *text = calloc(1, 65536);
    assert_non_null(text);
    size_t at = 0;
    while (fgets(text + at, 512, file) != NULL) {
        text[at + strcspn(text + at, "/")] = '\0'; // comments aside
        at += strlen(text + at);
    }
    fclose(file);
    return text;
}

static void every_function_of_jeff_h_has_its_like_but_those_that_cannot(void **state)
{
    (void)state;
    // Names that mean the state of one thread, or none.
    static const char *const without[] = {"strerror", "weak_lock", "last_status"};
    char *plain = slurp("jeff.h");
    char *shared = slurp("jeff_shared.h");
    size_t known = 0;
    for (const char *at = plain; (at = strstr(at, "jeff_")) != NULL; at++) {
        const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        if (at[length] != '(')
            continue;
        char wanted[64];
        snprintf(wanted, sizeof wanted, "jeff_shared_%.*s(", (int)length - 5, at + 5);
        bool is_known = strstr(shared, wanted) != NULL;
        for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
            is_known |= strlen(without[i]) == length - 5 && strncmp(without[i], at + 5, length - 5) == 0;
        if (!is_known)
            fail_msg("jeff_shared.h has no %s)", wanted);
        known++;
    }
    assert_true(known > 20);
    free(plain);
    free(shared);
}

/* Making */

static void heaps_of_any_size_stay_inside_their_region(void **state)
{
    (void)state;
    for (size_t skip = 0; skip < 64; skip += 8) {
        for (size_t bytes = JEFF_SHARED_MIN; bytes < JEFF_SHARED_MIN + 200; bytes++) {
            arena_reset(2 * KIB);
            unsigned char *region = arena_region() + skip;
            memset(region + bytes, GUARD_BYTE, 256);
            const struct jeff_shared_config config = {.heap.alignment = 8};
            jeff_shared *heap = jeff_shared_init(region, bytes, &config, NULL);
            assert_non_null(heap);
            size_t count = 0;
            while (count < MANY && (handles[count] = jeff_shared_malloc(heap, 20, NULL)) != JEFF_NULL) {
                fill(heap, handles[count], 20, (unsigned)count);
                count++;
            }
            assert_true(count >= 7 && count <= bytes / 64);
            assert_int_equal(figures(heap).heap_bytes, bytes);
            for (size_t i = 0; i < count; i++)
                assert_filled(heap, handles[i], 20, (unsigned)i);
            assert_int_equal(jeff_shared_check(heap, NULL), JEFF_OK);
            jeff_shared_destroy(heap);
            for (size_t i = 0; i < 256; i++)
                assert_int_equal(region[bytes + i], GUARD_BYTE);
        }
    }
}

static void what_cannot_be_a_heap_is_refused(void **state)
{
    (void)state;
    arena_reset(64 * KIB);
    unsigned char *region = arena_region();
    enum jeff_status status;
    assert_null(jeff_shared_init(NULL, 64 * KIB, NULL, &status));
    assert_int_equal(status, JEFF_ERROR_ARGUMENT);
    assert_null(jeff_shared_init(region + 8, 60 * KIB, NULL, &status));
    assert_int_equal(status, JEFF_ERROR_MISALIGNED);
    for (size_t bytes = 0; bytes < JEFF_HEAP_MIN + 128; bytes += 7) {
        assert_null(jeff_shared_init(region, bytes, NULL, &status));
        assert_int_equal(status, JEFF_ERROR_TOO_SMALL);
    }
    struct jeff_shared_config config = {.max_blocks =
                                            SIZE_MAX}; // no more than could ever be, which is a third of the region
    assert_null(jeff_shared_init(region, JEFF_HEAP_MIN + 200, &config, &status));
    assert_int_equal(status, JEFF_ERROR_TOO_SMALL);
    config = (struct jeff_shared_config){.heap.alignment = 32};
    assert_null(jeff_shared_init(region, 64 * KIB, &config, &status));
    assert_int_equal(status, JEFF_ERROR_ARGUMENT);
    assert_null(jeff_shared_create(64 * KIB, &config, &status));
    assert_int_equal(status, JEFF_ERROR_ARGUMENT);
    assert_null(jeff_shared_create(100, NULL, &status));
    assert_int_equal(status, JEFF_ERROR_TOO_SMALL);
    const struct jeff_mutex_hooks half = {0};
    config = (struct jeff_shared_config){.mutex = &half};
    assert_null(jeff_shared_init(region, 64 * KIB, &config, &status));
    assert_int_equal(status, JEFF_ERROR_ARGUMENT);
    assert_null(jeff_shared_create(64 * KIB, &config, NULL));
    jeff_shared_destroy(NULL);
    assert_guards_whole();
}

static void there_are_as_many_blocks_as_the_client_said(void **state)
{
    (void)state;
    for (unsigned pages = 0; pages < 2; pages++) {
        for (size_t most = 1; most < 2000; most = most * 3 + 1) {
            const struct jeff_shared_config config = {.max_blocks = most};
            jeff_shared *heap = pages ? jeff_shared_create(MIB, &config, NULL) : region_with(MIB, &config);
            assert_non_null(heap);
            for (unsigned round = 0; round < 3; round++) {
                for (size_t i = 0; i < most; i++)
                    handles[i] = filled(heap, 30, (unsigned)i);
                enum jeff_status status = JEFF_OK;
                assert_true(jeff_shared_malloc(heap, 30, &status) == JEFF_NULL);
                assert_int_equal(status, JEFF_ERROR_NO_MEMORY);
                assert_true(jeff_shared_malloc(heap, 3000, NULL) == JEFF_NULL);
                for (size_t i = 0; i < most; i++) {
                    assert_filled(heap, handles[i], 30, (unsigned)i);
                    assert_true(jeff_shared_free(heap, handles[i], NULL));
                }
            }
            end(heap);
        }
    }
}

static void an_empty_heap_serves_again_what_it_did_on_its_first_day(void **state)
{
    (void)state;
    jeff_shared *heap = region_with(64 * KIB, NULL);
    const jeff_handle first = jeff_shared_malloc(heap, 50000, NULL);
    assert_true(first != JEFF_NULL && jeff_shared_free(heap, first, NULL));
    size_t count = 0;
    while ((handles[count] = jeff_shared_malloc(heap, 40, NULL)) != JEFF_NULL)
        count++;
    assert_true(count > 500);
    for (size_t i = 0; i < count; i++)
        assert_true(jeff_shared_free(heap, handles[i], NULL));
    const jeff_handle again = jeff_shared_malloc(heap, 50000, NULL);
    assert_true(again != JEFF_NULL);
    end(heap);
}

/* Locks */

static void locks_are_counted_up_to_the_limit(void **state)
{
    (void)state;
    jeff_shared *heap = region_with(8 * KIB, NULL);
    const jeff_handle handle = filled(heap, 100, 1);
    enum jeff_status status;
    void *address = jeff_shared_lock(heap, handle, &status);
    assert_int_equal(status, JEFF_OK);
    for (unsigned i = 1; i < JEFF_LOCK_MAX; i++)
        assert_ptr_equal(jeff_shared_lock(heap, handle, NULL), address);
    assert_int_equal(jeff_shared_lock_count(heap, handle), JEFF_LOCK_MAX);
    assert_null(jeff_shared_lock(heap, handle, &status));
    assert_int_equal(status, JEFF_ERROR_LOCK_LIMIT);
    assert_int_equal(jeff_shared_lock_count(heap, handle), JEFF_LOCK_MAX);
    assert_false(jeff_shared_free(heap, handle, &status));
    assert_int_equal(status, JEFF_ERROR_LOCKED);
    for (unsigned i = 0; i < JEFF_LOCK_MAX; i++)
        assert_true(jeff_shared_unlock(heap, handle, NULL));
    assert_false(jeff_shared_unlock(heap, handle, &status));
    assert_int_equal(status, JEFF_ERROR_NOT_LOCKED);
    assert_int_equal(jeff_shared_lock_count(heap, handle), 0);
    assert_filled(heap, handle, 100, 1);
    end(heap);
}

struct seen {
    size_t blocks, locks, pins;
};

static bool see_block(void *context, const struct jeff_block *block)
{
    struct seen *seen = context;
    seen->blocks += block->kind == JEFF_BLOCK_LIVE;
    seen->locks += block->locks;
    return true;
}

static bool see_pin(void *context, const struct jeff_pin *pin)
{
    struct seen *seen = context;
    seen->pins += pin->locks;
    return true;
}

static void a_locked_block_stays_and_others_move(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        jeff_shared *heap = region_with(20 * KIB, NULL);
        void *address[40];
        for (size_t i = 0; i < 40; i++)
            handles[i] = filled(heap, 300 + i, (unsigned)i);
        for (size_t i = 1; i < 40; i += 3) {
            address[i] = jeff_shared_lock(heap, handles[i], NULL);
            jeff_shared_lock(heap, handles[i], NULL);
        }
        struct seen seen = {0};
        jeff_shared_walk(heap, see_block, &seen);
        jeff_shared_pins(heap, see_pin, &seen);
        assert_true(seen.blocks == 40 && seen.locks == 26 && seen.pins == 26);
        for (size_t i = 2; i < 40; i += 3)
            assert_true(jeff_shared_free(heap, handles[i], NULL));
        if (way == 0)
            jeff_shared_compact(heap, 0);
        else if (way == 1)
            jeff_shared_compact_goal(heap, NULL, NULL);
        else if (way == 2)
            jeff_shared_compact_goal(heap, &(struct jeff_goal){.wanted_bytes = 4500, .budget_ns = 1000000}, NULL);
        else
            while (jeff_shared_malloc(heap, 350, NULL) != JEFF_NULL) // nudges, and compacts in the end
                continue;
        assert_true(figures(heap).moved_blocks > 0);
        for (size_t i = 1; i < 40; i += 3) {
            assert_ptr_equal(jeff_shared_lock(heap, handles[i], NULL), address[i]);
            assert_int_equal(jeff_shared_lock_count(heap, handles[i]), 3);
            assert_filled(heap, handles[i], 300 + i, (unsigned)i);
            assert_filled(heap, handles[i - 1], 300 + i - 1, (unsigned)i - 1);
        }
        end(heap);
    }
}

static void a_locked_block_grows_where_it_lies_or_not_at_all(void **state)
{
    (void)state;
    jeff_shared *heap = region_with(32 * KIB, NULL);
    const jeff_handle low = filled(heap, 100, 1), high = filled(heap, 100, 2);
    void *address = jeff_shared_lock(heap, low, NULL);
    enum jeff_status status;
    assert_false(jeff_shared_resize(heap, low, 1000, &status));
    assert_int_equal(status, JEFF_ERROR_LOCKED);
    assert_true(jeff_shared_free(heap, high, NULL));
    assert_true(jeff_shared_resize(heap, low, 1000, &status));
    assert_int_equal(status, JEFF_OK);
    assert_false(jeff_shared_resize(heap, low, 5000, NULL)); // it would need another header
    assert_ptr_equal(jeff_shared_lock(heap, low, NULL), address);
    assert_true(jeff_shared_unlock(heap, low, NULL) && jeff_shared_unlock(heap, low, NULL));
    assert_true(jeff_shared_resize(heap, low, 5000, NULL));
    assert_filled(heap, low, 100, 1);
    assert_true(jeff_shared_settle(heap, low, &status));
    jeff_shared_lock(heap, low, NULL);
    assert_false(jeff_shared_settle(heap, low, &status));
    assert_int_equal(status, JEFF_ERROR_LOCKED);
    end(heap);
}

/// A heap remembers what it refused; an unlock, which leaves no trace in it, must make it forget.
static void an_unlock_makes_room_that_was_refused(void **state)
{
    (void)state;
    for (unsigned goal = 0; goal < 2; goal++) {
        jeff_shared *heap = region_with(16 * KIB, NULL);
        size_t count = 0;
        while ((handles[count] = jeff_shared_malloc(heap, 400, NULL)) != JEFF_NULL)
            count++;
        for (size_t i = 1; i < count; i += 2)
            jeff_shared_lock(heap, handles[i], NULL);
        for (size_t i = 0; i < count; i += 2)
            assert_true(jeff_shared_free(heap, handles[i], NULL));
        const size_t wanted = 2000;
        struct jeff_report report;
        for (unsigned i = 0; i < 3; i++) {
            if (goal) {
                jeff_shared_compact_goal(heap, NULL, &report);
                assert_true(report.largest_after < wanted);
            } else {
                assert_true(jeff_shared_malloc(heap, wanted, NULL) == JEFF_NULL);
            }
        }
        for (size_t i = 1; i < count; i += 2)
            assert_true(jeff_shared_unlock(heap, handles[i], NULL));
        if (goal) {
            jeff_shared_compact_goal(heap, NULL, &report);
            assert_true(report.largest_after >= wanted);
        } else {
            assert_true(jeff_shared_malloc(heap, wanted, NULL) != JEFF_NULL);
        }
        end(heap);
    }
}

/* Blocks that are not where their entry says */

static void a_purged_block_says_so_until_it_is_resized(void **state)
{
    (void)state;
    jeff_shared *heap = region_with(16 * KIB, NULL);
    const jeff_handle purgeable = filled(heap, 8000, 1);
    assert_true(jeff_shared_set_purgeable(heap, purgeable, true, NULL));
    // Not while it is locked.
    assert_non_null(jeff_shared_lock(heap, purgeable, NULL));
    assert_true(jeff_shared_malloc(heap, 9000, NULL) == JEFF_NULL);
    assert_true(jeff_shared_unlock(heap, purgeable, NULL));
    const jeff_handle large = jeff_shared_malloc(heap, 9000, NULL);
    assert_true(large != JEFF_NULL);
    enum jeff_status status;
    for (unsigned i = 0; i < 2; i++) {
        assert_null(jeff_shared_lock(heap, purgeable, &status));
        assert_int_equal(status, JEFF_ERROR_PURGED);
    }
    assert_int_equal(jeff_shared_lock_count(heap, purgeable), 0);
    assert_false(jeff_shared_unlock(heap, purgeable, &status));
    assert_int_equal(status, JEFF_ERROR_NOT_LOCKED);
    assert_int_equal(jeff_shared_usable_size(heap, purgeable), 0);
    assert_int_equal(jeff_shared_check(heap, NULL), JEFF_OK);
    assert_true(jeff_shared_resize(heap, purgeable, 500, NULL));
    fill(heap, purgeable, 500, 2);
    assert_filled(heap, purgeable, 500, 2);
    assert_true(jeff_shared_free(heap, large, NULL) && jeff_shared_free(heap, purgeable, NULL));
    end(heap);
}

static void blocks_with_pages_of_their_own_are_locked_there(void **state)
{
    (void)state;
    const struct jeff_shared_config config = {.heap.own_mapping = 4096};
    jeff_shared *heap = jeff_shared_create(4 * MIB, &config, NULL);
    assert_non_null(heap);
    jeff_handle large[20];
    void *address[20];
    for (unsigned i = 0; i < 20; i++) {
        handles[i] = filled(heap, 500, i);
        large[i] = filled(heap, 5000 + 1000 * i, i);
        address[i] = jeff_shared_lock(heap, large[i], NULL);
    }
    for (unsigned i = 0; i < 20; i += 2)
        assert_true(jeff_shared_free(heap, handles[i], NULL));
    jeff_shared_compact(heap, 0); // moves their proxies, locked or not
    assert_true(figures(heap).moved_blocks >= 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_ptr_equal(jeff_shared_lock(heap, large[i], NULL), address[i]);
        assert_int_equal(jeff_shared_lock_count(heap, large[i]), 2);
        enum jeff_status status;
        assert_false(jeff_shared_resize(heap, large[i], 100000, &status));
        assert_int_equal(status, JEFF_ERROR_LOCKED);
        assert_false(jeff_shared_free(heap, large[i], NULL));
        assert_true(jeff_shared_unlock(heap, large[i], NULL) && jeff_shared_unlock(heap, large[i], NULL));
        assert_true(jeff_shared_resize(heap, large[i], 100000, NULL));
        assert_filled(heap, large[i], 5000 + 1000 * i, i);
        assert_true(jeff_shared_handle_of(heap, jeff_shared_lock(heap, large[i], NULL)) == large[i]);
        assert_true(jeff_shared_unlock(heap, large[i], NULL));
    }
    assert_true(jeff_shared_free(heap, large[3], NULL));
    enum jeff_status status;
    assert_null(jeff_shared_lock(heap, large[3], &status));
    assert_int_equal(status, JEFF_ERROR_HANDLE);
    end(heap);
}

/* Misuse */

static void assert_refused(jeff_shared *heap, jeff_handle handle)
{
    enum jeff_status status = JEFF_OK;
    assert_null(jeff_shared_lock(heap, handle, &status));
    assert_int_equal(status, JEFF_ERROR_HANDLE);
    assert_false(jeff_shared_unlock(heap, handle, &status));
    assert_int_equal(status, JEFF_ERROR_HANDLE);
    assert_false(jeff_shared_free(heap, handle, &status));
    assert_int_equal(status, JEFF_ERROR_HANDLE);
    assert_false(jeff_shared_resize(heap, handle, 10, &status));
    assert_int_equal(status, JEFF_ERROR_HANDLE);
    assert_false(jeff_shared_set_purgeable(heap, handle, true, &status));
    assert_int_equal(status, JEFF_ERROR_HANDLE);
    assert_int_equal(jeff_shared_lock_count(heap, handle), 0);
    assert_int_equal(jeff_shared_usable_size(heap, handle), 0);
}

static void handles_that_are_not_live_are_refused(void **state)
{
    (void)state;
    for (unsigned pages = 0; pages < 2; pages++) {
        jeff_shared *heap = pages ? jeff_shared_create(MIB, NULL, NULL) : region_with(MIB, NULL);
        const jeff_handle live = filled(heap, 100, 1), freed = filled(heap, 100, 2);
        assert_true(jeff_shared_free(heap, freed, NULL));
        assert_refused(heap, freed);
        // Each bit of a live one, and what no slot has.
        for (unsigned bit = 0; bit < 64; bit++)
            assert_refused(heap, live ^ (uint64_t)1 << bit);
        assert_refused(heap, 1);
        assert_refused(heap, UINT64_MAX);
        uint64_t random = 5;
        for (unsigned i = 0; i < 1000; i++)
            assert_refused(heap, (uint64_t)next_random(&random) << 32 | next_random(&random));
        const jeff_handle again = filled(heap, 100, 3); // in the same slot
        assert_refused(heap, freed);
        assert_true(jeff_shared_free(heap, JEFF_NULL, NULL));
        assert_filled(heap, live, 100, 1);
        assert_filled(heap, again, 100, 3);
        end(heap);
    }
}

/* Hooks */

static struct {
    unsigned depth, deepest, taken;
    jeff_shared *heap;
    size_t moved, pages;
    bool fails;
} seen_by_hooks;

static void take(void *context)
{
    assert_ptr_equal(context, &seen_by_hooks);
    seen_by_hooks.taken++;
    if (++seen_by_hooks.depth > seen_by_hooks.deepest)
        seen_by_hooks.deepest = seen_by_hooks.depth;
}

static void give(void *context)
{
    (void)context;
    assert_true(seen_by_hooks.depth-- > 0);
}

static void yield(void *context)
{
    (void)context;
    fail_msg("one thread alone has nobody to wait for");
}

static const struct jeff_mutex_hooks counting = {take, give, yield, &seen_by_hooks};

static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)from;
    (void)bytes;
    seen_by_hooks.moved++;
    assert_int_equal(seen_by_hooks.depth, 1);
    jeff_shared *heap = seen_by_hooks.heap;
    assert_ptr_equal(jeff_shared_lock(heap, handle, NULL), to);
    assert_true(jeff_shared_unlock(heap, handle, NULL));
    enum jeff_status status = JEFF_OK;
    assert_true(jeff_shared_malloc(heap, 10, &status) == JEFF_NULL);
    assert_int_equal(status, JEFF_ERROR_BUSY);
    assert_false(jeff_shared_resize(heap, handle, 10, &status));
    assert_int_equal(status, JEFF_ERROR_BUSY);
    assert_int_equal(jeff_shared_check(heap, NULL), JEFF_ERROR_BUSY);
    assert_int_equal(jeff_shared_compact(heap, 0), JEFF_STOP_BUSY);
    jeff_shared_destroy(heap);
    if (seen_by_hooks.moved % 3 == 0) {
        assert_true(jeff_shared_free(heap, handle, NULL));
        for (size_t i = 0; i < MANY; i++)
            handles[i] = handles[i] == handle ? JEFF_NULL : handles[i];
    }
}

static void callbacks_take_the_mutex_again(void **state)
{
    (void)state;
    for (unsigned goal = 0; goal < 2; goal++) {
        memset(&seen_by_hooks, 0, sizeof seen_by_hooks);
        memset(handles, 0, sizeof handles);
        const struct jeff_shared_config config = {.mutex = &counting, .heap.moved = on_moved};
        jeff_shared *heap = region_with(32 * KIB, &config);
        seen_by_hooks.heap = heap;
        size_t count = 0;
        while ((handles[count] = jeff_shared_malloc(heap, 300, NULL)) != JEFF_NULL) {
            fill(heap, handles[count], 300, (unsigned)count);
            count++;
        }
        // Half of the blocks stay locked, the half of these until the callback looks.
        for (size_t i = 0; i < count; i += 2) {
            assert_true(jeff_shared_free(heap, handles[i], NULL));
            handles[i] = JEFF_NULL;
        }
        jeff_shared_lock(heap, handles[count / 4 * 2 + 1], NULL);
        if (goal)
            jeff_shared_compact_goal(heap, NULL, NULL);
        else
            jeff_shared_compact(heap, 0);
        assert_true(seen_by_hooks.moved > 10);
        assert_int_equal(seen_by_hooks.depth, 0);
        assert_int_equal(seen_by_hooks.deepest, 2);
        for (size_t i = 0; i < count; i++) {
            if (handles[i] != JEFF_NULL)
                assert_filled(heap, handles[i], 300, (unsigned)i);
        }
        end(heap);
    }
}

#if !defined(WITH_ASAN) && !defined(JEFF_VALGRIND)
static void lock_and_unlock_do_not_take_the_mutex(void **state)
{
    (void)state;
    memset(&seen_by_hooks, 0, sizeof seen_by_hooks);
    const struct jeff_shared_config config = {.mutex = &counting};
    jeff_shared *heap = region_with(32 * KIB, &config);
    for (size_t i = 0; i < 50; i++)
        handles[i] = jeff_shared_malloc(heap, 100, NULL);
    assert_true(jeff_shared_free(heap, handles[0], NULL));
    assert_int_equal(seen_by_hooks.taken, 51);
    for (size_t i = 0; i < 50; i++) {
        assert_true((jeff_shared_lock(heap, handles[i], NULL) != NULL) == (i > 0));
        assert_int_equal(jeff_shared_lock_count(heap, handles[i]), i > 0);
        assert_true(jeff_shared_unlock(heap, handles[i], NULL) == (i > 0));
        assert_false(jeff_shared_unlock(heap, handles[i], NULL));
    }
    assert_int_equal(seen_by_hooks.taken, 51);
    end(heap);
}
#endif

/* Pages from hooks */

enum { PAGE = 1024 };

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    unsigned char *memory = aligned_alloc(PAGE, bytes);
    if (memory != NULL)
        memset(memory, DIRTY_BYTE, bytes); // what is not committed is not to be read
    return memory;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    if (seen_by_hooks.fails)
        return false;
    assert_true((uintptr_t)address % PAGE == 0 && bytes % PAGE == 0);
    memset(address, 0, bytes);
    seen_by_hooks.pages += bytes / PAGE;
    return true;
}

static void decommit(void *context, void *address, size_t bytes)
{
    (void)context;
    memset(address, DIRTY_BYTE, bytes);
    seen_by_hooks.pages -= bytes / PAGE;
}

static void release(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(address);
}

static const struct jeff_page_hooks page_hooks = {PAGE, reserve, commit, decommit, release, NULL};

static void gates_are_committed_as_the_handles_come(void **state)
{
    (void)state;
    memset(&seen_by_hooks, 0, sizeof seen_by_hooks);
    const struct jeff_shared_config config = {.heap.pages = &page_hooks};
    jeff_shared *heap = jeff_shared_create(2 * MIB, &config, NULL);
    assert_non_null(heap);
    assert_true(seen_by_hooks.pages < 10);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < MANY; i++)
            handles[i] = filled(heap, 50, i);
        assert_int_equal(figures(heap).heap_bytes, seen_by_hooks.pages * PAGE);
        const size_t control = figures(heap).control_bytes;
        assert_true(control > MANY * 8 && control < MANY * 8 + 24 * KIB);
        for (unsigned i = 0; i < MANY; i++) {
            assert_filled(heap, handles[i], 50, i);
            assert_true(jeff_shared_free(heap, handles[i], NULL));
        }
        jeff_shared_compact(heap, 0);
        for (unsigned i = 0; i < MANY; i += 100) // their slots are gone from the table
            assert_refused(heap, handles[i]);
    }
    end(heap);
}

static void without_a_gate_a_block_is_refused(void **state)
{
    (void)state;
    memset(&seen_by_hooks, 0, sizeof seen_by_hooks);
    const struct jeff_shared_config config = {.heap.pages = &page_hooks};
    jeff_shared *heap = jeff_shared_create(2 * MIB, &config, NULL);
    size_t count = 0;
    seen_by_hooks.fails = true;
    enum jeff_status status;
    while ((handles[count] = jeff_shared_malloc(heap, 1, &status)) != JEFF_NULL)
        count++;
    assert_int_equal(status, JEFF_ERROR_NO_MEMORY);
    assert_true(count > 10 && count < 200);
    seen_by_hooks.fails = false;
    for (unsigned i = 0; i < 2000; i++)
        assert_non_null(jeff_shared_lock(heap, jeff_shared_malloc(heap, 1, NULL), NULL));
    end(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_of_jeff_h_has_its_like_but_those_that_cannot),
        cmocka_unit_test(heaps_of_any_size_stay_inside_their_region),
        cmocka_unit_test(what_cannot_be_a_heap_is_refused),
        cmocka_unit_test(there_are_as_many_blocks_as_the_client_said),
        cmocka_unit_test(an_empty_heap_serves_again_what_it_did_on_its_first_day),
        cmocka_unit_test(locks_are_counted_up_to_the_limit),
        cmocka_unit_test(a_locked_block_stays_and_others_move),
        cmocka_unit_test(a_locked_block_grows_where_it_lies_or_not_at_all),
        cmocka_unit_test(an_unlock_makes_room_that_was_refused),
        cmocka_unit_test(a_purged_block_says_so_until_it_is_resized),
        cmocka_unit_test(blocks_with_pages_of_their_own_are_locked_there),
        cmocka_unit_test(handles_that_are_not_live_are_refused),
        cmocka_unit_test(callbacks_take_the_mutex_again),
#if !defined(WITH_ASAN) && !defined(JEFF_VALGRIND)
        cmocka_unit_test(lock_and_unlock_do_not_take_the_mutex),
#endif
        cmocka_unit_test(gates_are_committed_as_the_handles_come),
        cmocka_unit_test(without_a_gate_a_block_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
