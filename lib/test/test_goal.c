/// jeff_compact_goal(): makes the wanted run, moves hardly more than it must, moves nothing the second time and nothing for what
/// cannot be had, reports what it did, and in a dry run what it would do.
#include "heap_test.h"

enum { MANY = 4000 };
static jeff_handle handles[MANY];
static void *pinned[MANY];
static size_t count;

/// A heap half of whose blocks are free, at random, and one in `lock_one_in` of the live ones locked (0: none).
static jeff_heap *half_free_heap(size_t bytes, unsigned lock_one_in, uint64_t *random)
{
    const struct jeff_config config = {.no_last_resort = true}; // so that a malloc after it proves the run is there
    jeff_heap *heap = heap_with(bytes, &config);
    for (count = 0; count < MANY; count++) {
        handles[count] = jeff_malloc(heap, 40 + next_random(random) % 400);
        if (handles[count] == JEFF_NULL) {
            break;
        }
        mark_block(heap, handles[count], 40, (unsigned)count);
        pinned[count] = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (next_random(random) % 2 == 0) {
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
        if (handles[i] != JEFF_NULL) {
            assert_marked(heap, handles[i], 40, (unsigned)i);
        }
        if (pinned[i] != NULL) {
            assert_ptr_equal(jeff_weak_lock(heap, handles[i]), pinned[i]);
        }
    }
    assert_sound(heap);
}

static void assert_serves(jeff_heap *heap, size_t bytes)
{
    jeff_handle handle = jeff_malloc(heap, bytes);
    assert_true(handle != JEFF_NULL);
    assert_true(jeff_free(heap, handle));
}

static void the_wanted_run_is_there_afterwards(void **state)
{
    (void)state;
    uint64_t random = 89;
    jeff_heap *heap = half_free_heap(256 * KIB, 0, &random);
    for (size_t wanted = 1000; wanted <= 100000; wanted *= 10) {
        const struct jeff_goal goal = {.wanted_bytes = wanted};
        struct jeff_report report;
        assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_GOAL);
        assert_int_equal(report.stop, JEFF_STOP_GOAL);
        assert_true(report.largest_after >= wanted);
        assert_serves(heap, wanted);
        assert_whole(heap);
    }
}

static void it_stops_as_soon_as_the_run_is_there(void **state)
{
    (void)state;
    uint64_t random = 97;
    jeff_heap *heap = half_free_heap(MIB, 0, &random);
    const struct jeff_goal goal = {.wanted_bytes = 3000};
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_GOAL);
    assert_true(report.moved_blocks < stats_of(heap).live_blocks / 2);
    assert_whole(heap);
}

static void a_run_that_is_there_already_moves_nothing(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(256 * KIB);
    assert_true(jeff_free(heap, marked_block(heap, 100, 1)));
    marked_block(heap, 100, 2);
    const struct jeff_goal goal = {.wanted_bytes = 1000};
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_GOAL);
    assert_int_equal(report.moved_blocks, 0);
    assert_int_equal(report.moved_bytes, 0);
    assert_int_equal(stats_of(heap).moved_blocks, 0);
}

static void what_cannot_be_had_is_not_reported_as_reached(void **state)
{
    (void)state;
    uint64_t random = 101;
    jeff_heap *heap = half_free_heap(256 * KIB, 0, &random);
    const size_t wanted[] = {256 * KIB, 2 * MIB, SIZE_MAX, SIZE_MAX - 15};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const struct jeff_goal goal = {.wanted_bytes = wanted[i]};
        struct jeff_report report;
        assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_DONE);
        assert_true(report.largest_after < wanted[i]);
        assert_whole(heap);
    }
}

static void doing_it_twice_moves_nothing(void **state)
{
    (void)state;
    uint64_t random = 103;
    for (unsigned lock_one_in = 0; lock_one_in < 40; lock_one_in = lock_one_in * 2 + 1) {
        jeff_heap *heap = half_free_heap(256 * KIB, lock_one_in, &random);
        struct jeff_report first;
        struct jeff_report second;
        assert_int_equal(jeff_compact_goal(heap, NULL, &first), JEFF_STOP_DONE);
        assert_whole(heap);
        assert_int_equal(jeff_compact_goal(heap, NULL, &second), JEFF_STOP_DONE);
        assert_int_equal(second.moved_blocks, 0);
        assert_int_equal(second.moved_bytes, 0);
        assert_int_equal(second.largest_before, first.largest_after);
        assert_int_equal(second.largest_after, first.largest_after);
        assert_whole(heap);
    }
}

/// What no compaction can beat: all free bytes, or the widest gap between two locked blocks.
static size_t bound_of(jeff_heap *heap)
{
    struct jeff_stats stats = stats_of(heap);
    uintptr_t last = (uintptr_t)heap + stats.control_bytes;
    uintptr_t end = (uintptr_t)heap + stats.heap_bytes - stats.table_bytes;
    size_t widest = 0;
    for (;;) {
        uintptr_t next = end;
        uintptr_t next_end = end;
        for (size_t i = 0; i < count; i++) {
            void *begin;
            size_t extent = pinned[i] == NULL ? 0 : jeff_extent(heap, handles[i], &begin);
            if (extent > 0 && (uintptr_t)begin >= last && (uintptr_t)begin < next) {
                next = (uintptr_t)begin;
                next_end = next + extent;
            }
        }
        widest = next - last > widest ? next - last : widest;
        if (next == end) {
            break;
        }
        last = next_end;
    }
    return widest < stats.free_bytes ? widest : stats.free_bytes;
}

static void with_locks_the_run_comes_close_to_what_is_possible(void **state)
{
    (void)state;
    uint64_t random = 107;
    const unsigned lock_one_in[] = {0, 100, 10, 2};
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned round = 0; round < 5; round++) {
            jeff_heap *heap = half_free_heap(512 * KIB, lock_one_in[i], &random);
            size_t bound = bound_of(heap);
            struct jeff_report report;
            jeff_compact_goal(heap, NULL, &report);
            assert_whole(heap);
            assert_serves(heap, report.largest_after);
            assert_true(report.largest_after * 10 >= bound * 9);
        }
    }
}

static void it_never_makes_the_largest_run_smaller(void **state)
{
    (void)state;
    uint64_t random = 109;
    for (unsigned round = 0; round < 40; round++) {
        jeff_heap *heap = half_free_heap(64 * KIB, 1 + round % 6, &random);
        struct jeff_report report;
        jeff_compact_goal(heap, NULL, &report);
        assert_true(report.largest_after >= report.largest_before);
        assert_whole(heap);
    }
}

/// largest_after is what a malloc can have, to the byte: one granule more is refused.
static void the_report_tells_the_largest_block_exactly(void **state)
{
    (void)state;
    uint64_t random = 113;
    for (unsigned round = 0; round < 30; round++) {
        jeff_heap *heap = half_free_heap(64 * KIB, round % 5, &random);
        struct jeff_report report;
        jeff_compact_goal(heap, NULL, &report);
        assert_int_equal(largest_served(heap) / 16, report.largest_after / 16);
        assert_sound(heap);
    }
}

static void the_report_agrees_with_the_statistics(void **state)
{
    (void)state;
    uint64_t random = 127;
    for (unsigned lock_one_in = 2; lock_one_in < 7; lock_one_in++) {
        jeff_heap *heap = half_free_heap(128 * KIB, lock_one_in, &random);
        struct jeff_stats before = stats_of(heap);
        struct jeff_report report;
        enum jeff_stop stop = jeff_compact_goal(heap, NULL, &report);
        struct jeff_stats after = stats_of(heap);
        assert_int_equal(report.stop, stop);
        assert_int_equal(after.moved_blocks - before.moved_blocks, report.moved_blocks);
        assert_int_equal(after.moved_bytes - before.moved_bytes, report.moved_bytes);
        assert_int_equal(report.left_blocks, 0);
        assert_true(report.moved_blocks > 0);
        assert_true(report.moved_bytes >= report.moved_blocks * 16);
    }
}

static uint64_t by_twentieths_of_a_ms(void *context)
{
    uint64_t *now_ns = context;
    return *now_ns += 50000;
}

static void a_budget_in_ns_is_kept_and_resumed(void **state)
{
    (void)state;
    uint64_t now_ns = 0;
    uint64_t random = 131;
    const struct jeff_config config = {.now_ns = by_twentieths_of_a_ms, .context = &now_ns, .no_last_resort = true};
    jeff_heap *heap = heap_with(512 * KIB, &config);
    for (count = 0; count < MANY && (handles[count] = jeff_malloc(heap, 40 + next_random(&random) % 400)) != JEFF_NULL;
         count++) {
        mark_block(heap, handles[count], 40, (unsigned)count);
        pinned[count] = count % 50 == 25 ? jeff_lock(heap, handles[count]) : NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (pinned[i] == NULL && next_random(&random) % 2 == 0) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        }
    }
    const struct jeff_goal goal = {.budget_ns = 200000};
    unsigned calls = 0;
    struct jeff_report report;
    while (jeff_compact_goal(heap, &goal, &report) == JEFF_STOP_BUDGET) {
        assert_true(report.moved_blocks <= 10 * 32);
        assert_whole(heap);
        assert_true(++calls < 2000);
    }
    assert_true(calls > 2);
    size_t reached = report.largest_after;
    const struct jeff_goal no_limit = {0};
    assert_int_equal(jeff_compact_goal(heap, &no_limit, &report), JEFF_STOP_DONE);
    assert_true(report.largest_after >= reached);
    assert_whole(heap);
}

/// A heap of small, large and aligned blocks, some of them freed, some locked, some cached.
static jeff_heap *mixed_heap(size_t bytes, unsigned lock_one_in, uint64_t *random)
{
    const struct jeff_config config = {.no_last_resort = true};
    jeff_heap *heap = heap_with(bytes, &config);
    for (count = 0; count < MANY; count++) {
        size_t most = next_random(random) % 4 == 0 ? 3000 : 200;
        size_t size = next_random(random) % most;
        size_t alignment = (size_t)16 << next_random(random) % 7;
        handles[count] =
            next_random(random) % 8 == 0 ? jeff_aligned_alloc(heap, alignment, size) : jeff_malloc(heap, size);
        pinned[count] = NULL;
        if (handles[count] == JEFF_NULL) {
            break;
        }
        memset(jeff_weak_lock(heap, handles[count]), (int)count, size);
    }
    unsigned kept_of_8 = 1 + next_random(random) % 7;
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

static void assert_same_report(const struct jeff_report *price, const struct jeff_report *done)
{
    assert_int_equal(price->stop, done->stop);
    assert_int_equal(price->moved_blocks, done->moved_blocks);
    assert_int_equal(price->moved_bytes, done->moved_bytes);
    assert_int_equal(price->left_blocks, done->left_blocks);
    assert_int_equal(price->largest_before, done->largest_before);
    assert_int_equal(price->largest_after, done->largest_after);
}

static void a_dry_run_tells_what_the_real_one_does(void **state)
{
    (void)state;
    uint64_t random = 139;
    size_t moves = 0;
    for (unsigned round = 0; round < 600; round++) {
        jeff_heap *heap = mixed_heap((4 + next_random(&random) % 200) * KIB, round % 7, &random);
        struct jeff_stats stats = stats_of(heap);
        // What cannot be had too, and after it something else: the second plan begins with what the first one left.
        for (unsigned call = 0; call < 3; call++) {
            struct jeff_goal goal = {.dry_run = true, .budget_ns = next_random(&random) % 2};
            goal.wanted_bytes = call == 2 ? 0 : next_random(&random) % (stats.free_bytes + stats.free_bytes / 8 + 1);
            struct jeff_report price;
            struct jeff_report done;
            enum jeff_stop stop = jeff_compact_goal(heap, &goal, &price);
            assert_int_equal(stop, price.stop);
            goal.dry_run = false;
            goal.budget_ns = 0;
            jeff_compact_goal(heap, &goal, &done);
            assert_same_report(&price, &done);
            assert_sound(heap);
            moves += done.moved_blocks;
        }
    }
    assert_true(moves > 10000);
}

/// What a client can see of a heap.
struct sight {
    size_t stretches;
    uint64_t digest;
};

static bool take_in(void *context, const struct jeff_block *block)
{
    struct sight *sight = context;
    const uint64_t seen[] = {
        block->kind, (uint64_t)(uintptr_t)block->address, block->bytes, block->handle, block->locks, block->purgeable};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        sight->digest = (sight->digest ^ seen[i]) * 0x100000001b3u;
    }
    for (size_t i = 0; block->kind == JEFF_BLOCK_LIVE && i < block->bytes; i++) {
        sight->digest = (sight->digest ^ ((unsigned char *)block->address)[i]) * 0x100000001b3u;
    }
    sight->stretches++;
    return true;
}

static struct sight sight_of(jeff_heap *heap)
{
    struct sight sight = {0};
    jeff_walk(heap, take_in, &sight);
    return sight;
}

static void a_dry_run_changes_nothing(void **state)
{
    (void)state;
    uint64_t random = 149;
    for (unsigned round = 0; round < 100; round++) {
        jeff_heap *heap = mixed_heap(100 * KIB, round % 5, &random);
        struct jeff_stats stats = stats_of(heap);
        struct sight before = sight_of(heap);
        struct jeff_goal goal = {.wanted_bytes = round % 2 * (stats.free_bytes / 4), .dry_run = true};
        struct jeff_report price;
        jeff_compact_goal(heap, &goal, &price);
        struct sight after = sight_of(heap);
        assert_int_equal(after.stretches, before.stretches);
        assert_true(after.digest == before.digest);
        struct jeff_stats stats_after = stats_of(heap);
        assert_memory_equal(&stats_after, &stats, sizeof stats);
        assert_sound(heap);
    }
}

static void what_cannot_be_had_moves_nothing(void **state)
{
    (void)state;
    uint64_t random = 151;
    jeff_heap *heap = half_free_heap(512 * KIB, 10, &random);
    const struct jeff_goal goal = {.wanted_bytes = 256 * KIB};
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(heap, &goal, &report), JEFF_STOP_DONE);
    assert_int_equal(report.moved_blocks, 0);
    assert_whole(heap);
}

/// The pieces of a heap in address order.
struct pieces {
    size_t count;
    struct piece {
        size_t bytes;
        bool live;
        bool locked;
    } piece[2 * MANY];
    jeff_heap *heap;
};

static bool add_piece(void *context, const struct jeff_block *block)
{
    struct pieces *pieces = context;
    void *begin;
    bool live = block->kind == JEFF_BLOCK_LIVE;
    pieces->piece[pieces->count++] = (struct piece){
        .bytes =
            live ? jeff_extent(pieces->heap, block->handle, &begin) : jeff_run_needed(pieces->heap, 0, block->bytes),
        .live = live,
        .locked = block->locks > 0,
    };
    return true;
}

/// The least live memory in any window of so many bytes between two locked blocks: all of it must move to make a run there.
/// SIZE_MAX if there is none.
static size_t least_that_must_move(jeff_heap *heap, size_t bytes)
{
    static struct pieces pieces;
    pieces.count = 0;
    pieces.heap = heap;
    jeff_walk(heap, add_piece, &pieces);
    size_t least = SIZE_MAX;
    for (size_t first = 0; first < pieces.count; first++) {
        size_t width = 0;
        size_t live = 0;
        for (size_t i = first; i < pieces.count && !pieces.piece[i].locked && width < bytes; i++) {
            width += pieces.piece[i].bytes;
            live += pieces.piece[i].live ? pieces.piece[i].bytes : 0;
        }
        least = width >= bytes && live < least ? live : least;
    }
    return least;
}

static void hardly_more_is_moved_than_must_be(void **state)
{
    (void)state;
    uint64_t random = 157;
    const unsigned lock_one_in[] = {0, 100, 10};
    for (unsigned i = 0; i < 3; i++) {
        for (size_t share = 2; share <= 64; share *= 2) {
            jeff_heap *heap = half_free_heap(700 * KIB, lock_one_in[i], &random);
            const struct jeff_goal goal = {.wanted_bytes = stats_of(heap).free_bytes / share};
            size_t least = least_that_must_move(heap, jeff_run_needed(heap, 0, goal.wanted_bytes));
            struct jeff_report report;
            enum jeff_stop stop = jeff_compact_goal(heap, &goal, &report);
            assert_int_equal(stop, least == SIZE_MAX ? JEFF_STOP_DONE : JEFF_STOP_GOAL);
            // Of what ends at the table a little less must move than the bound says: the table gives slots back.
            assert_true(least == SIZE_MAX || report.moved_bytes * 10 >= least * 9);
            assert_true(report.moved_bytes <= least || (report.moved_bytes - least) * 10 <= least);
            assert_whole(heap);
        }
    }
}

static size_t bytes_of(unsigned granules)
{
    return granules * 16 - 4;
}

/// Two gaps below locked blocks, and in the first stretch one block that just fits into the second gap.
static void a_request_is_served_where_one_block_just_fits_elsewhere(void **state)
{
    (void)state;
    for (unsigned block = 1; block <= 120; block++) {
        for (unsigned gap = 1; gap <= 5; gap += 2) {
            jeff_heap *heap = heap_new(64 * KIB);
            jeff_handle moves = marked_block(heap, bytes_of(block), 1);
            jeff_handle first_gap = jeff_malloc(heap, bytes_of(gap));
            void *first_pin = jeff_lock(heap, jeff_malloc(heap, 100));
            jeff_handle second_gap = jeff_malloc(heap, bytes_of(block));
            void *second_pin = jeff_lock(heap, jeff_malloc(heap, 100));
            assert_true(first_pin != NULL && second_pin != NULL);
            while (jeff_lock(heap, jeff_malloc(heap, largest_served(heap))) != NULL) {
            }
            assert_true(jeff_free(heap, first_gap) && jeff_free(heap, second_gap));
            assert_true(jeff_malloc(heap, bytes_of(block + gap)) != JEFF_NULL);
            assert_marked(heap, moves, bytes_of(block), 1);
            assert_sound(heap);
        }
    }
}

static void neither_goal_nor_report_is_needed(void **state)
{
    (void)state;
    uint64_t random = 137;
    jeff_heap *heap = half_free_heap(64 * KIB, 0, &random);
    assert_int_equal(jeff_compact_goal(heap, NULL, NULL), JEFF_STOP_DONE);
    assert_true(walk_region(heap).free_stretches <= 1);
    assert_whole(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wanted_run_is_there_afterwards),
        cmocka_unit_test(it_stops_as_soon_as_the_run_is_there),
        cmocka_unit_test(a_run_that_is_there_already_moves_nothing),
        cmocka_unit_test(what_cannot_be_had_is_not_reported_as_reached),
        cmocka_unit_test(doing_it_twice_moves_nothing),
        cmocka_unit_test(with_locks_the_run_comes_close_to_what_is_possible),
        cmocka_unit_test(it_never_makes_the_largest_run_smaller),
        cmocka_unit_test(the_report_tells_the_largest_block_exactly),
        cmocka_unit_test(the_report_agrees_with_the_statistics),
        cmocka_unit_test(a_budget_in_ns_is_kept_and_resumed),
        cmocka_unit_test(a_dry_run_tells_what_the_real_one_does),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(what_cannot_be_had_moves_nothing),
        cmocka_unit_test(hardly_more_is_moved_than_must_be),
        cmocka_unit_test(a_request_is_served_where_one_block_just_fits_elsewhere),
        cmocka_unit_test(neither_goal_nor_report_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
