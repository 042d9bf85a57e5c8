/// jeff_compact(): one free run where no lock is in the way, order and contents kept, locked blocks anywhere respected,
/// and time budgets by a clock of the test's own.
#include "heap_test.h"

enum { MANY = 2000 };
static jeff_handle handles[MANY];
static size_t count;

/// Fills a heap with blocks of random sizes, marked with their index. Heap sizes here hold fewer than MANY of them.
static jeff_heap *full_heap(size_t bytes, const struct jeff_config *config, uint64_t *random)
{
    jeff_heap *heap = heap_with(bytes, config);
    for (count = 0; count < MANY; count++) {
        size_t most = bytes / 16 < 400 ? bytes / 16 : 400;
        handles[count] = jeff_malloc(heap, 40 + next_random(random) % most);
        if (handles[count] == JEFF_NULL) {
            break;
        }
        mark_block(heap, handles[count], 40, (unsigned)count);
    }
    assert_true(count > 0);
    return heap;
}

static void free_some(jeff_heap *heap, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        if (next_random(random) % 2 == 0 && jeff_lock_count(heap, handles[i]) == 0) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        }
    }
}

static void assert_blocks_whole(jeff_heap *heap)
{
    for (size_t i = 0; i < count; i++) {
        if (handles[i] != JEFF_NULL) {
            assert_marked(heap, handles[i], 40, (unsigned)i);
        }
    }
    assert_sound(heap);
}

static void without_locks_the_free_memory_becomes_one_run(void **state)
{
    (void)state;
    uint64_t random = 41;
    for (size_t bytes = JEFF_HEAP_MIN; bytes <= 512 * KIB; bytes = bytes * 2 + 3) {
        jeff_heap *heap = full_heap(bytes, NULL, &random);
        free_some(heap, &random);
        assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
        assert_blocks_whole(heap);
        struct walk_sum sum = walk_region(heap);
        assert_true(sum.free_stretches <= 1);
        assert_true(sum.largest_free + 64 >= stats_of(heap).free_bytes);
    }
}

static void blocks_keep_their_order(void **state)
{
    (void)state;
    uint64_t random = 43;
    jeff_heap *heap = full_heap(256 * KIB, NULL, &random);
    static uintptr_t before[MANY];
    free_some(heap, &random);
    for (size_t i = 0; i < count; i++) {
        before[i] = (uintptr_t)jeff_weak_lock(heap, handles[i]);
    }
    jeff_compact(heap, 0);
    for (size_t i = 1; i < count; i++) {
        if (handles[i] == JEFF_NULL || handles[i - 1] == JEFF_NULL) {
            continue;
        }
        uintptr_t low = (uintptr_t)jeff_weak_lock(heap, handles[i - 1]);
        uintptr_t high = (uintptr_t)jeff_weak_lock(heap, handles[i]);
        assert_int_equal(low < high, before[i - 1] < before[i]);
        assert_true(low <= before[i - 1] && high <= before[i]);
    }
}

static void a_second_compaction_moves_nothing(void **state)
{
    (void)state;
    uint64_t random = 47;
    for (unsigned locked = 0; locked <= 2; locked++) {
        jeff_heap *heap = full_heap(256 * KIB, NULL, &random);
        for (size_t i = 0; i < count && locked > 0; i += 20 / locked) {
            assert_non_null(jeff_lock(heap, handles[i]));
        }
        free_some(heap, &random);
        jeff_compact(heap, 0);
        uint64_t moved = stats_of(heap).moved_blocks;
        assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
        assert_int_equal(stats_of(heap).moved_blocks, moved);
        assert_blocks_whole(heap);
    }
}

static void an_empty_heap_compacts_to_itself(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(JEFF_HEAP_MIN);
    assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
    assert_int_equal(jeff_compact(heap, 1), JEFF_STOP_DONE);
    assert_int_equal(jeff_compact(heap, UINT32_MAX), JEFF_STOP_DONE);
    assert_int_equal(stats_of(heap).moved_blocks, 0);
    assert_sound(heap);
}

struct gap_search {
    uintptr_t free_end; ///< of the free stretch just seen; 0: none
};

static bool no_gap_below_a_movable_block(void *context, const struct jeff_block *block)
{
    struct gap_search *search = context;
    if (block->kind == JEFF_BLOCK_LIVE) {
        assert_true(search->free_end == 0 || block->locks > 0);
        search->free_end = 0;
    } else if (block->bytes > 0) {
        search->free_end = (uintptr_t)block->address + block->bytes;
    }
    return true;
}

static void locked_blocks_anywhere_stay_and_the_rest_closes_up(void **state)
{
    (void)state;
    static void *pinned[MANY];
    uint64_t random = 53;
    for (unsigned round = 0; round < 60; round++) {
        jeff_heap *heap = full_heap(64 * KIB, NULL, &random);
        unsigned one_in = 1 + next_random(&random) % 12;
        for (size_t i = 0; i < count; i++) {
            bool is_chosen = next_random(&random) % one_in == 0;
            is_chosen |= round % 3 == 0 && i == 0;
            is_chosen |= round % 3 == 1 && i == count - 1; // the very last one
            pinned[i] = is_chosen ? jeff_lock(heap, handles[i]) : NULL;
        }
        free_some(heap, &random);
        assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
        for (size_t i = 0; i < count; i++) {
            if (pinned[i] != NULL) {
                assert_ptr_equal(jeff_weak_lock(heap, handles[i]), pinned[i]);
            }
        }
        assert_blocks_whole(heap);
        struct gap_search search = {0};
        jeff_walk(heap, no_gap_below_a_movable_block, &search);
    }
}

/// The refusal is remembered; an unlock must make it forgotten, for now there is something to compact.
static void an_unlock_lets_a_refused_request_succeed(void **state)
{
    (void)state;
    uint64_t random = 151;
    jeff_heap *heap = full_heap(64 * KIB, NULL, &random);
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0) {
            assert_true(jeff_free(heap, handles[i]));
            handles[i] = JEFF_NULL;
        } else {
            assert_non_null(jeff_lock(heap, handles[i]));
        }
    }
    assert_true(jeff_malloc(heap, 20000) == JEFF_NULL);
    assert_true(jeff_malloc(heap, 20000) == JEFF_NULL);
    for (size_t i = 1; i < count; i += 2) {
        assert_true(jeff_unlock(heap, handles[i]));
    }
    assert_true(jeff_malloc(heap, 20000) != JEFF_NULL);
    assert_blocks_whole(heap);
}

static void with_everything_locked_nothing_moves(void **state)
{
    (void)state;
    uint64_t random = 59;
    jeff_heap *heap = full_heap(64 * KIB, NULL, &random);
    for (size_t i = 0; i < count; i += 2) {
        assert_non_null(jeff_lock(heap, handles[i]));
    }
    for (size_t i = 1; i < count; i += 2) {
        assert_true(jeff_free(heap, handles[i]));
        handles[i] = JEFF_NULL;
    }
    assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
    assert_int_equal(stats_of(heap).moved_blocks, 0);
    assert_blocks_whole(heap);
}

// Budgets

/// A clock that advances by a fixed step whenever it is read.
struct step_clock {
    uint64_t now_ns;
    uint64_t step_ns;
    unsigned reads;
};

static uint64_t read_clock(void *context)
{
    struct step_clock *clock = context;
    clock->reads++;
    clock->now_ns += clock->step_ns;
    return clock->now_ns;
}

static struct jeff_config with_clock(struct step_clock *clock)
{
    return (struct jeff_config){.now_ns = read_clock, .context = clock};
}

static void a_budget_stops_compaction_and_the_next_call_goes_on(void **state)
{
    (void)state;
    uint64_t random = 61;
    struct step_clock clock = {.step_ns = 300000}; // the fourth read is past 1 ms
    struct jeff_config config = with_clock(&clock);
    jeff_heap *heap = full_heap(512 * KIB, &config, &random);
    free_some(heap, &random);
    assert_int_equal(jeff_compact(heap, 1), JEFF_STOP_BUDGET);
    uint64_t moved = stats_of(heap).moved_blocks;
    assert_true(moved > 0);
    assert_true(moved < stats_of(heap).live_blocks);
    assert_blocks_whole(heap);

    unsigned calls = 1;
    while (jeff_compact(heap, 1) == JEFF_STOP_BUDGET) {
        assert_true(stats_of(heap).moved_blocks >= moved);
        moved = stats_of(heap).moved_blocks;
        calls++;
        assert_true(calls < 1000);
        assert_sound(heap);
    }
    assert_true(calls > 3);
    assert_true(stats_of(heap).visited_blocks <= 2 * count); // each call went on where the one before had stopped
    assert_blocks_whole(heap);
    assert_true(walk_region(heap).free_stretches <= 1);
    moved = stats_of(heap).moved_blocks;
    jeff_compact(heap, 0);
    assert_int_equal(stats_of(heap).moved_blocks, moved);
}

/// One step is at most 16 KiB; the clock is read at least once a step.
static void a_budget_is_overrun_by_at_most_a_step(void **state)
{
    (void)state;
    uint64_t random = 67;
    struct step_clock clock = {.step_ns = 10000000}; // over at the first look
    struct jeff_config config = with_clock(&clock);
    jeff_heap *heap = full_heap(512 * KIB, &config, &random);
    free_some(heap, &random);
    unsigned calls = 0;
    for (;;) {
        struct jeff_stats before = stats_of(heap);
        enum jeff_stop stop = jeff_compact(heap, 1);
        struct jeff_stats after = stats_of(heap);
        assert_true(after.moved_blocks - before.moved_blocks <= 2 * 32);
        assert_true(after.moved_bytes - before.moved_bytes <= 2 * 16 * KIB + 1024);
        if (stop == JEFF_STOP_DONE) {
            break;
        }
        assert_true(++calls < 10000);
    }
    assert_true(calls > 5);
    assert_blocks_whole(heap);
}

/// A machine that does a unit of work in so many ns, and is asked the time as rarely as may be.
struct work_clock {
    jeff_heap *heap;
    uint64_t ns_num, ns_den;
    unsigned reads;
};

static uint64_t work_so_far(jeff_heap *heap)
{
    const struct jeff_stats stats = stats_of(heap);
    return stats.moved_bytes + 16 * stats.visited_blocks;
}

static uint64_t read_work_clock(void *context)
{
    struct work_clock *clock = context;
    clock->reads++;
    return clock->heap ? work_so_far(clock->heap) * clock->ns_num / clock->ns_den : 0;
}

/// The largest block here has 440 bytes: a budget ends within the time for one, and little of it is left unused.
static void a_budget_is_used_up_and_holds_whatever_the_machine_s_pace(void **state)
{
    (void)state;
    static const struct work_clock paces[] = {
        {.ns_num = 1, .ns_den = 1}, {.ns_num = 1, .ns_den = 5}, {.ns_num = 7, .ns_den = 1}};
    uint64_t random = 163;
    for (size_t i = 0; i < sizeof paces / sizeof paces[0]; i++) {
        struct work_clock clock = paces[i];
        struct jeff_config config = {.now_ns = read_work_clock, .context = &clock};
        jeff_heap *heap = clock.heap = full_heap(512 * KIB, &config, &random);
        free_some(heap, &random);
        const uint64_t one_block = 500 * clock.ns_num / clock.ns_den;
        const struct jeff_goal goal = {.budget_ns = 20000 * clock.ns_num / clock.ns_den};
        unsigned paused = 0, early = 0;
        for (;;) {
            const unsigned reads = clock.reads;
            struct jeff_report report;
            const enum jeff_stop stop = jeff_compact_goal(heap, &goal, &report);
            assert_true(report.time_ns <= goal.budget_ns + one_block);
            assert_true(clock.reads - reads < 20);
            if (stop != JEFF_STOP_BUDGET) {
                break;
            }
            early += report.time_ns + one_block < goal.budget_ns;
            paused++;
        }
        assert_true(paused > 3);
        assert_true(early <= 2); // when all is slid down, the time may not do for what comes next
        assert_blocks_whole(heap);
    }
}

static void without_a_budget_time_does_not_matter(void **state)
{
    (void)state;
    uint64_t random = 71;
    struct step_clock clock = {.step_ns = UINT64_C(1) << 40};
    struct jeff_config config = with_clock(&clock);
    jeff_heap *heap = full_heap(256 * KIB, &config, &random);
    free_some(heap, &random);
    assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
    assert_true(walk_region(heap).free_stretches <= 1);
    assert_blocks_whole(heap);
}

static void a_clock_that_wraps_does_no_harm(void **state)
{
    (void)state;
    uint64_t random = 73;
    struct step_clock clock = {.step_ns = 300000, .now_ns = UINT64_MAX - 400000};
    struct jeff_config config = with_clock(&clock);
    jeff_heap *heap = full_heap(256 * KIB, &config, &random);
    free_some(heap, &random);
    unsigned calls = 0;
    while (jeff_compact(heap, 1) == JEFF_STOP_BUDGET) {
        assert_true(++calls < 10000);
    }
    assert_blocks_whole(heap);
}

/// The paused cursor must survive merges, splits, a shrinking top, locks and resizes.
static void a_paused_compaction_survives_whatever_happens_in_between(void **state)
{
    (void)state;
    enum { SLOTS = 1500 };
    static size_t bytes[SLOTS];
    uint64_t random = 79;
    unsigned pauses = 0;
    for (unsigned round = 0; round < 4; round++) {
        struct step_clock clock = {.step_ns = 300000u << 2 * round};
        struct jeff_config config = with_clock(&clock);
        jeff_heap *heap = heap_with((96 + 32 * round) * KIB, &config);
        memset(handles, 0, sizeof handles);
        for (unsigned op = 0; op < 20000; op++) {
            unsigned slot = next_random(&random) % SLOTS;
            size_t wanted = next_random(&random) % (next_random(&random) % 8 == 0 ? 3000 : 250);
            switch (next_random(&random) % 24) {
            case 0:
                pauses += jeff_compact(heap, 1) == JEFF_STOP_BUDGET;
                break;
            case 1:
                if (handles[slot] != JEFF_NULL && jeff_resize(heap, handles[slot], wanted)) {
                    bytes[slot] = wanted;
                    mark_block(heap, handles[slot], wanted, slot);
                }
                break;
            case 2:
                jeff_lock(heap, handles[slot]);
                break;
            case 3:
                jeff_unlock(heap, handles[slot]);
                break;
            default:
                if (handles[slot] == JEFF_NULL) {
                    handles[slot] = jeff_malloc(heap, wanted);
                    bytes[slot] = wanted;
                    if (handles[slot] != JEFF_NULL) {
                        mark_block(heap, handles[slot], wanted, slot);
                    }
                } else {
                    assert_marked(heap, handles[slot], bytes[slot], slot);
                    if (jeff_free(heap, handles[slot])) {
                        handles[slot] = JEFF_NULL;
                    }
                }
            }
            if (op % 64 == 0) {
                assert_sound(heap);
            }
        }
        for (unsigned i = 0; i < SLOTS; i++) {
            while (jeff_unlock(heap, handles[i])) {
            }
            if (handles[i] != JEFF_NULL) {
                assert_marked(heap, handles[i], bytes[i], i);
            }
        }
        unsigned calls = 0;
        while (jeff_compact(heap, 1) == JEFF_STOP_BUDGET) {
            assert_true(++calls < 10000);
        }
        jeff_compact(heap, 0);
        assert_sound(heap);
        assert_true(walk_region(heap).free_stretches <= 1);
    }
    assert_true(pauses > 300);
}

/// A block too large for the budget is left where it is, and what lies above it moves; a call without a budget takes it along.
static void a_large_block_waits_for_a_longer_call(void **state)
{
    (void)state;
    struct step_clock clock = {.step_ns = 0};
    struct jeff_config config = with_clock(&clock);
    jeff_heap *heap = heap_with(4 * MIB, &config);
    jeff_handle hole = jeff_malloc(heap, 100);
    jeff_handle large = marked_block(heap, 3 * MIB, 1);
    jeff_handle gap = jeff_malloc(heap, 200);
    jeff_handle small = marked_block(heap, 300, 2);
    unsigned char *large_address = jeff_weak_lock(heap, large);
    unsigned char *small_address = jeff_weak_lock(heap, small);
    assert_true(jeff_free(heap, hole));
    assert_true(jeff_free(heap, gap));

    assert_int_equal(jeff_compact(heap, 1), JEFF_STOP_DONE); // at 1 ns a byte it would take 3 ms
    assert_ptr_equal(jeff_weak_lock(heap, large), large_address);
    assert_true((unsigned char *)jeff_weak_lock(heap, small) < small_address);
    const struct jeff_goal goal = {.budget_ns = 100000};
    struct jeff_report report;
    jeff_compact_goal(heap, &goal, &report);
    assert_true(report.left_blocks > 0);
    assert_ptr_equal(jeff_weak_lock(heap, large), large_address);

    assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
    assert_true((unsigned char *)jeff_weak_lock(heap, large) < large_address);
    assert_marked(heap, large, 3 * MIB, 1);
    assert_marked(heap, small, 300, 2);
    assert_int_equal(walk_region(heap).free_stretches, 1);
    assert_sound(heap);
}

/// A heap whose clock tells the work done, with a free MiB below a block of as much that is marked with 1.
static jeff_heap *heap_with_large_block(struct work_clock *clock, jeff_handle *large)
{
    *clock = (struct work_clock){.ns_num = 1, .ns_den = 1};
    struct jeff_config config = {.now_ns = read_work_clock, .context = clock};
    jeff_heap *heap = clock->heap = heap_with(4 * MIB, &config);
    jeff_handle below = jeff_malloc(heap, MIB);
    *large = marked_block(heap, MIB, 1);
    assert_true(jeff_free(heap, below));
    return heap;
}

static enum jeff_stop compact_for(jeff_heap *heap, uint64_t budget_ns, struct jeff_report *report)
{
    const struct jeff_goal goal = {.budget_ns = budget_ns};
    return jeff_compact_goal(heap, &goal, report);
}

/// Blocks come and go meanwhile; none of it makes the copying start over.
static void a_block_larger_than_the_budget_moves_in_pieces(void **state)
{
    (void)state;
    static const uint64_t budgets[] = {1000, 20000, 100000, 300000};
    uint64_t random = 167;
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        struct work_clock clock;
        jeff_handle large;
        jeff_heap *heap = heap_with_large_block(&clock, &large);
        jeff_handle small[50] = {0};
        struct jeff_report report;
        unsigned calls = 1;
        uint64_t copied = 0;
        while (compact_for(heap, budgets[i], &report) == JEFF_STOP_BUDGET) {
            copied = !copied && report.moved_blocks ? stats_of(heap).moved_bytes : copied;
            assert_true(report.time_ns <= budgets[i] + 6000); // a small block at least, or a piece
            assert_int_equal(report.left_blocks, 0);
            // Until it has moved: at some budgets a pass only just keeps up with what comes and goes, and would end by luck.
            for (unsigned k = 0; k < 10 && !copied; k++) {
                jeff_handle *one = &small[next_random(&random) % 50];
                if (*one != JEFF_NULL) {
                    assert_true(jeff_free(heap, *one));
                    *one = JEFF_NULL;
                } else {
                    *one = jeff_malloc(heap, next_random(&random) % 5000);
                    assert_true(*one != JEFF_NULL);
                }
            }
            assert_checked(heap); // not assert_sound(), whose weak locks void what was copied
            assert_true(++calls < 2000);
        }
        assert_true(calls >= MIB / (budgets[i] + 1100));
        assert_true(copied == 0 || copied < MIB + budgets[i] + 6000);
        assert_marked(heap, large, MIB, 1);
        assert_true((size_t)((char *)jeff_weak_lock(heap, large) - (char *)heap) < 8 * KIB);
        assert_sound(heap);
    }
}

/// What was copied is void once the client may have written to the block.
static void a_block_that_is_used_while_it_moves_in_pieces_keeps_what_was_written(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct work_clock clock;
        jeff_handle large;
        jeff_heap *heap = heap_with_large_block(&clock, &large);
        struct jeff_report report;
        const uint64_t voids = jeff_compactions(heap);
        for (unsigned call = 0; call < 10; call++) {
            assert_int_equal(compact_for(heap, 50000, &report), JEFF_STOP_BUDGET);
        }
        assert_true(jeff_compactions(heap) != voids); // a weak lock from before must not be written to
        size_t bytes = MIB;
        if (how == 0) {
            assert_non_null(jeff_lock(heap, large));
        } else if (how == 2) {
            bytes = MIB / 2;
            assert_true(jeff_resize(heap, large, bytes));
        }
        mark_block(heap, large, bytes, 2);
        if (how == 0) {
            assert_true(jeff_unlock(heap, large));
        }
        compact_for(heap, 50000, &report);
        assert_int_equal(report.left_blocks, 1); // it is in use
        assert_marked(heap, large, bytes, 2);
        unsigned calls = 0;
        while (compact_for(heap, 50000, &report) == JEFF_STOP_BUDGET) {
            assert_checked(heap);
            assert_true(++calls < 100);
        }
        assert_marked(heap, large, bytes, 2);
        assert_int_equal(walk_region(heap).free_stretches, 1);
        assert_sound(heap);
    }
}

static void the_room_that_a_block_moves_to_in_pieces_is_there_for_who_needs_it(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        struct work_clock clock;
        jeff_handle large;
        jeff_heap *heap = heap_with_large_block(&clock, &large);
        struct jeff_report report;
        assert_int_equal(compact_for(heap, 50000, &report), JEFF_STOP_BUDGET);
        assert_true(report.largest_after >= MIB);
        jeff_handle rest = jeff_malloc(heap, 19 * MIB / 10); // the memory above it
        assert_true(rest != JEFF_NULL);
        if (how == 0) {
            jeff_handle other = marked_block(heap, 900 * KIB, 3);
            assert_marked(heap, other, 900 * KIB, 3);
        } else if (how == 1) {
            assert_true(jeff_free(heap, large));
            assert_sound(heap);
            large = marked_block(heap, 2 * MIB, 1);
        } else if (how == 2) {
            assert_int_equal(jeff_compact(heap, 0), JEFF_STOP_DONE);
        } else {
            const struct jeff_goal goal = {.wanted_bytes = 300 * KIB};
            jeff_compact_goal(heap, &goal, &report);
            assert_int_equal(compact_for(heap, 50000, &report), JEFF_STOP_BUDGET);
        }
        assert_sound(heap);
        assert_marked(heap, large, how == 1 ? 2 * MIB : MIB, 1);
        jeff_compact(heap, 0);
        assert_sound(heap);
        assert_marked(heap, large, how == 1 ? 2 * MIB : MIB, 1);
    }
}

/// Contents are looked at seldom, since looking voids what was copied.
static void moving_in_pieces_survives_whatever_happens_in_between(void **state)
{
    (void)state;
    enum { SLOTS = 40 };
    static size_t bytes[SLOTS];
    uint64_t random = 173;
    unsigned begun = 0, ended = 0;
    for (unsigned round = 0; round < 6; round++) {
        struct work_clock clock = {.ns_num = 1, .ns_den = 1};
        struct jeff_config config = {.now_ns = read_work_clock, .context = &clock, .alignment = round % 2 ? 8 : 0};
        jeff_heap *heap = clock.heap = heap_with(2 * MIB, &config);
        memset(handles, 0, sizeof handles);
        for (unsigned op = 0; op < 6000; op++) {
            const unsigned slot = next_random(&random) % SLOTS;
            const size_t wanted = next_random(&random) % (slot % 4 == 0 ? 150 * KIB : 3000);
            struct jeff_report report;
            switch (next_random(&random) % 16) {
            case 0:
                if (handles[slot] != JEFF_NULL && jeff_resize(heap, handles[slot], wanted)) {
                    bytes[slot] = wanted;
                    mark_block(heap, handles[slot], wanted, slot);
                }
                break;
            case 1:
                if (jeff_lock(heap, handles[slot]) != NULL) {
                    assert_marked(heap, handles[slot], bytes[slot], slot);
                }
                break;
            case 2:
            case 3:
                jeff_unlock(heap, handles[slot]);
                break;
            case 4:
            case 5:
            case 6:
                if (handles[slot] == JEFF_NULL) {
                    const size_t alignment = (size_t)16 << next_random(&random) % 9;
                    handles[slot] = jeff_aligned_alloc(heap, alignment, wanted);
                    bytes[slot] = wanted;
                    if (handles[slot] != JEFF_NULL) {
                        mark_block(heap, handles[slot], wanted, slot);
                    }
                } else if (jeff_lock_count(heap, handles[slot]) == 0) {
                    if (op % 4 == 0) {
                        assert_marked(heap, handles[slot], bytes[slot], slot);
                    }
                    assert_true(jeff_free(heap, handles[slot]));
                    handles[slot] = JEFF_NULL;
                }
                break;
            case 7:
                if (op % 8 == 0) {
                    jeff_compact(heap, 0);
                }
                break;
            default:
                compact_for(heap, 3000 + next_random(&random) % 20000, &report);
                begun += report.moved_bytes > 0 && report.moved_blocks == 0;
                ended += report.moved_blocks == 1 && report.moved_bytes < 15 * KIB;
            }
            assert_checked(heap); // not assert_sound(), whose weak locks void what was copied
        }
        for (unsigned i = 0; i < SLOTS; i++) {
            while (jeff_unlock(heap, handles[i])) {
            }
            if (handles[i] != JEFF_NULL) {
                assert_marked(heap, handles[i], bytes[i], i);
            }
        }
        jeff_compact(heap, 0);
        assert_sound(heap);
    }
    assert_true(begun > 500);
    assert_true(ended > 300);
}

static void the_real_clock_serves_when_no_hook_is_given(void **state)
{
    (void)state;
    uint64_t random = 83;
    jeff_heap *heap = full_heap(512 * KIB, NULL, &random);
    free_some(heap, &random);
    assert_int_equal(jeff_compact(heap, 60000), JEFF_STOP_DONE); // a minute is ample
    assert_blocks_whole(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_locks_the_free_memory_becomes_one_run),
        cmocka_unit_test(blocks_keep_their_order),
        cmocka_unit_test(a_second_compaction_moves_nothing),
        cmocka_unit_test(an_empty_heap_compacts_to_itself),
        cmocka_unit_test(locked_blocks_anywhere_stay_and_the_rest_closes_up),
        cmocka_unit_test(an_unlock_lets_a_refused_request_succeed),
        cmocka_unit_test(with_everything_locked_nothing_moves),
        cmocka_unit_test(a_budget_stops_compaction_and_the_next_call_goes_on),
        cmocka_unit_test(a_budget_is_overrun_by_at_most_a_step),
        cmocka_unit_test(a_budget_is_used_up_and_holds_whatever_the_machine_s_pace),
        cmocka_unit_test(without_a_budget_time_does_not_matter),
        cmocka_unit_test(a_clock_that_wraps_does_no_harm),
        cmocka_unit_test(a_paused_compaction_survives_whatever_happens_in_between),
        cmocka_unit_test(a_large_block_waits_for_a_longer_call),
        cmocka_unit_test(a_block_larger_than_the_budget_moves_in_pieces),
        cmocka_unit_test(a_block_that_is_used_while_it_moves_in_pieces_keeps_what_was_written),
        cmocka_unit_test(the_room_that_a_block_moves_to_in_pieces_is_there_for_who_needs_it),
        cmocka_unit_test(moving_in_pieces_survives_whatever_happens_in_between),
        cmocka_unit_test(the_real_clock_serves_when_no_hook_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
