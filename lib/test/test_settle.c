/// jeff_settle(): the block goes to where it strands nothing when it is locked, what lay there survives, and what cannot be done
/// changes nothing.
#include "heap_test.h"

enum { MANY = 2000, MARKED = 30 };
static jeff_handle handles[MANY];
static void *pinned[MANY];
static size_t count;

/// A heap filled to the brim, of which `kept_of_8` eighths of the blocks are kept, and one in `lock_one_in` of them locked
/// (0: none).
static jeff_heap *random_heap(size_t bytes, unsigned kept_of_8, unsigned lock_one_in, uint64_t *random)
{
    const struct jeff_config config = {.no_last_resort = true};
    jeff_heap *heap = heap_with(bytes, &config);
    for (count = 0; count < MANY; count++) {
        size_t most = next_random(random) % 8 == 0 ? 3000 : 300;
        size_t size = MARKED + next_random(random) % most;
        unsigned shift = next_random(random) % 8 == 0 ? next_random(random) % 6 : 0;
        size_t alignment = (size_t)16 << shift;
        handles[count] = jeff_aligned_alloc(heap, alignment, size);
        pinned[count] = NULL;
        if (handles[count] == JEFF_NULL)
            break;
        mark_block(heap, handles[count], MARKED, (unsigned)count);
    }
    for (size_t i = 0; i < count; i++) {
        if (next_random(random) % 8 >= kept_of_8) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        } else if (lock_one_in > 0 && next_random(random) % lock_one_in == 0) {
            pinned[i] = jeff_lock(heap, handles[i]);
        }
    }
    return heap;
}

static void assert_whole(jeff_heap *heap)
{
    for (size_t i = 0; i < count; i++) {
        if (handles[i] != JEFF_NULL)
            assert_marked(heap, handles[i], MARKED, (unsigned)i);
        if (pinned[i] != NULL)
            assert_ptr_equal(jeff_weak_lock(heap, handles[i]), pinned[i]);
    }
    assert_sound(heap);
}

/// What lies between a block and the locked block below it, or the start: no more than its alignment asks for if it is settled.
struct below {
    jeff_handle handle;
    size_t bytes;
    bool found;
};
enum { GAP_MOST = 1024 };

static bool look_below(void *context, const struct jeff_block *block)
{
    struct below *below = context;
    if (block->handle == below->handle) {
        below->found = true;
        return false;
    }
    below->bytes = block->locks > 0 ? 0 : below->bytes + block->bytes;
    return true;
}

static size_t bytes_below(jeff_heap *heap, jeff_handle handle)
{
    struct below below = {.handle = handle};
    jeff_walk(heap, look_below, &below);
    assert_true(below.found);
    return below.bytes;
}

static void it_goes_to_the_start_of_the_heap(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle low = marked_block(heap, 100, 1);
    jeff_handle middle = marked_block(heap, 500, 2);
    jeff_handle high = marked_block(heap, 300, 3);
    void *lowest = jeff_weak_lock(heap, low);
    assert_true(jeff_settle(heap, high));
    assert_ptr_equal(jeff_weak_lock(heap, high), lowest);
    assert_marked(heap, low, 100, 1);
    assert_marked(heap, middle, 500, 2);
    assert_marked(heap, high, 300, 3);
    assert_sound(heap);
}

static void settled_and_locked_blocks_lie_side_by_side(void **state)
{
    (void)state;
    uint64_t random = 3;
    jeff_heap *heap = random_heap(256 * KIB, 4, 0, &random);
    size_t locked = 0;
    for (size_t i = count; i-- > 0 && locked < 20;) {
        if (handles[i] == JEFF_NULL)
            continue;
        assert_true(jeff_settle(heap, handles[i]));
        pinned[i] = jeff_lock(heap, handles[i]);
        assert_true(bytes_below(heap, handles[i]) < GAP_MOST);
        locked++;
    }
    assert_int_equal(locked, 20);
    assert_whole(heap);
}

static void doing_it_twice_moves_nothing(void **state)
{
    (void)state;
    uint64_t random = 5;
    jeff_heap *heap = random_heap(64 * KIB, 4, 9, &random);
    for (size_t i = 0; i < count; i++) {
        if (handles[i] == JEFF_NULL || pinned[i] != NULL || !jeff_settle(heap, handles[i]))
            continue;
        struct jeff_stats before = stats_of(heap);
        assert_true(jeff_settle(heap, handles[i]));
        assert_int_equal(stats_of(heap).moved_blocks, before.moved_blocks);
        assert_int_equal(jeff_compactions(heap), before.compactions);
    }
    assert_whole(heap);
}

/// In heaps of any fill, with locked and aligned blocks: what is settled has only locked blocks below it, and nothing is lost.
static void a_settled_block_strands_nothing(void **state)
{
    (void)state;
    uint64_t random = 7;
    size_t settled = 0;
    size_t refused = 0;
    for (unsigned round = 0; round < 300; round++) {
        jeff_heap *heap = random_heap((2 + next_random(&random) % 60) * KIB, 2 + round % 7, round % 6, &random);
        for (unsigned tries = 0; tries < 10 && count > 0; tries++) {
            size_t i = next_random(&random) % count;
            if (handles[i] == JEFF_NULL || pinned[i] != NULL)
                continue;
            if (!jeff_settle(heap, handles[i])) {
                assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
                refused++;
            } else {
                assert_true(bytes_below(heap, handles[i]) < GAP_MOST);
                settled++;
                if (next_random(&random) % 2 == 0)
                    pinned[i] = jeff_lock(heap, handles[i]);
            }
            assert_whole(heap);
        }
    }
    assert_true(settled > 500);
    assert_true(refused > 10);
}

static void what_lies_there_and_can_go_nowhere_stays(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(4 * KIB);
    count = fill_heap(heap, 200, handles, MANY);
    memset(pinned, 0, sizeof pinned);
    for (size_t i = 0; i < count; i++)
        mark_block(heap, handles[i], MARKED, (unsigned)i);
    void *address = jeff_weak_lock(heap, handles[count - 1]);
    assert_false(jeff_settle(heap, handles[count - 1]));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    assert_ptr_equal(jeff_weak_lock(heap, handles[count - 1]), address);
    assert_int_equal(stats_of(heap).moved_blocks, 0);
    assert_whole(heap);
}

/// A heap filled with equal blocks, every other one of them locked: none has room elsewhere, and each lies against a locked one.
static void it_stays_where_it_lies_well_however_many_lower_places_cannot_be_had(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(4 * KIB);
    count = fill_heap(heap, 100, handles, MANY);
    for (size_t i = 1; i < count; i += 2)
        assert_non_null(jeff_lock(heap, handles[i]));
    for (size_t i = 0; i < count; i += 2)
        assert_true(jeff_settle(heap, handles[i]));
    assert_int_equal(stats_of(heap).moved_blocks, 0);
    assert_sound(heap);
}

static void misuse_is_refused(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(64 * KIB);
    jeff_handle handle = marked_block(heap, 100, 1);
    assert_non_null(jeff_lock(heap, handle));
    assert_false(jeff_settle(heap, handle));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCKED);
    assert_true(jeff_unlock(heap, handle));
    assert_true(jeff_free(heap, handle));
    assert_false(jeff_settle(heap, handle));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_HANDLE);
    assert_false(jeff_settle(heap, JEFF_NULL));
    assert_sound(heap);
}

/// Percent of the free bytes in the largest run, once one block in ten is locked.
static size_t share_after_locking(bool settled, uint64_t random)
{
    jeff_heap *heap = random_heap(512 * KIB, 4, 0, &random);
    for (size_t i = 0; i < count; i++) {
        if (handles[i] == JEFF_NULL || next_random(&random) % 10 != 0)
            continue;
        assert_true(!settled || jeff_settle(heap, handles[i]));
        pinned[i] = jeff_lock(heap, handles[i]);
    }
    struct jeff_report report;
    jeff_compact_goal(heap, NULL, &report);
    assert_whole(heap);
    return report.largest_after * 100 / stats_of(heap).free_bytes;
}

static void locked_blocks_that_were_settled_leave_all_free_memory_in_one_run(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed < 16; seed++) {
        assert_true(share_after_locking(false, seed) < 50);
        assert_true(share_after_locking(true, seed) >= 95);
    }
}

static void refuse_in_callback(void *context, jeff_handle moved, void *from, void *to, size_t bytes)
{
    jeff_heap *const *heap = context;
    (void)from;
    (void)to;
    (void)bytes;
    assert_false(jeff_settle(*heap, moved));
    assert_int_equal(jeff_last_status(*heap), JEFF_ERROR_BUSY);
}

static void a_callback_may_not_settle(void **state)
{
    (void)state;
    jeff_heap *heap = NULL;
    const struct jeff_config config = {.moved = refuse_in_callback, .context = &heap};
    heap = heap_with(64 * KIB, &config);
    marked_block(heap, 100, 1);
    assert_true(jeff_settle(heap, marked_block(heap, 200, 2)));
    assert_int_equal(stats_of(heap).moved_blocks, 2);
}

/// Locks whatever moves first, which is in the way of what is to be settled.
static void lock_in_callback(void *context, jeff_handle moved, void *from, void *to, size_t bytes)
{
    jeff_heap *const *heap = context;
    (void)from;
    (void)bytes;
    assert_ptr_equal(jeff_lock(*heap, moved), to);
}

static void a_callback_that_locks_blocks_loses_none(void **state)
{
    (void)state;
    jeff_heap *heap = NULL;
    const struct jeff_config config = {.moved = lock_in_callback, .context = &heap};
    heap = heap_with(64 * KIB, &config);
    jeff_handle low = marked_block(heap, 100, 1);
    jeff_handle middle = marked_block(heap, 60, 2);
    jeff_handle high = marked_block(heap, 1000, 3);
    jeff_settle(heap, high);
    assert_marked(heap, low, 100, 1);
    assert_marked(heap, middle, 60, 2);
    assert_marked(heap, high, 1000, 3);
    assert_sound(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_to_the_start_of_the_heap),
        cmocka_unit_test(settled_and_locked_blocks_lie_side_by_side),
        cmocka_unit_test(doing_it_twice_moves_nothing),
        cmocka_unit_test(a_settled_block_strands_nothing),
        cmocka_unit_test(what_lies_there_and_can_go_nowhere_stays),
        cmocka_unit_test(it_stays_where_it_lies_well_however_many_lower_places_cannot_be_had),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(locked_blocks_that_were_settled_leave_all_free_memory_in_one_run),
        cmocka_unit_test(a_callback_may_not_settle),
        cmocka_unit_test(a_callback_that_locks_blocks_loses_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
