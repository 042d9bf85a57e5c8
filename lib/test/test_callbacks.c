/// The callbacks: `moved` sees every move, `low_memory` gets its chance before a refusal; both may do what the header says,
/// and all else is refused with JEFF_ERROR_BUSY.
#include "heap_test.h"

enum { MANY = 600 };

/// What a test wants its callbacks to do, and what they saw.
struct watcher {
    jeff_heap *heap;
    jeff_handle handles[MANY];
    void *addresses[MANY]; ///< as the moves told
    size_t count;
    size_t moves;
    size_t moved_bytes;
    size_t low_calls;
    size_t low_bytes;
    size_t answers_left; ///< how often low_memory says "try again"
    void (*on_move)(struct watcher *watcher, jeff_handle handle);
    void (*on_low)(struct watcher *watcher);
};

static struct watcher watcher;

static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct watcher *w = context;
    w->moves++;
    w->moved_bytes += bytes;
    assert_ptr_equal(jeff_weak_lock(w->heap, handle), to);
    assert_true(from != to);
    for (size_t i = 0; i < w->count; i++) {
        if (w->handles[i] == handle) {
            assert_ptr_equal(w->addresses[i], from);
            w->addresses[i] = to;
        }
    }
    if (w->on_move != NULL) {
        w->on_move(w, handle);
    }
}

static bool on_low_memory(void *context, size_t bytes)
{
    struct watcher *w = context;
    w->low_calls++;
    w->low_bytes = bytes;
    if (w->on_low != NULL) {
        w->on_low(w);
    }
    if (w->answers_left == 0) {
        return false;
    }
    w->answers_left--;
    return true;
}

/// A heap of that size, full of blocks of 100 bytes.
static struct watcher *full_heap(size_t bytes, bool watches_moves, bool watches_memory)
{
    const struct jeff_config config = {
        .moved = watches_moves ? on_moved : NULL,
        .low_memory = watches_memory ? on_low_memory : NULL,
        .context = &watcher,
    };
    watcher = (struct watcher){.heap = heap_with(bytes, &config)};
    watcher.count = fill_heap(watcher.heap, 100, watcher.handles, MANY);
    for (size_t i = 0; i < watcher.count; i++) {
        watcher.addresses[i] = jeff_weak_lock(watcher.heap, watcher.handles[i]);
    }
    watcher.low_calls = 0; // filling ended with a refusal
    return &watcher;
}

static void drop(struct watcher *w, size_t i)
{
    assert_true(jeff_free(w->heap, w->handles[i]));
    w->handles[i] = JEFF_NULL;
}

static void drop_every_other(struct watcher *w)
{
    for (size_t i = 0; i < w->count; i += 2) {
        drop(w, i);
    }
}

static void assert_whole(struct watcher *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->handles[i] != JEFF_NULL) {
            assert_marked(w->heap, w->handles[i], 100, (unsigned)i);
            assert_ptr_equal(jeff_weak_lock(w->heap, w->handles[i]), w->addresses[i]);
        }
    }
    assert_sound(w->heap);
}

static void moved_sees_every_move_of_a_compaction(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, false);
    assert_non_null(jeff_lock(w->heap, w->handles[101]));
    drop_every_other(w);
    jeff_compact(w->heap, 0);
    assert_true(w->moves > 0);
    assert_int_equal(w->moves, stats_of(w->heap).moved_blocks);
    assert_whole(w);

    struct jeff_report report;
    size_t before = w->moves;
    jeff_compact_goal(w->heap, NULL, &report);
    assert_int_equal(w->moves - before, report.moved_blocks);
    assert_whole(w);
}

static void moved_sees_the_moves_of_a_last_resort(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, false);
    drop_every_other(w);
    assert_true(jeff_malloc(w->heap, 8000) != JEFF_NULL);
    assert_true(w->moves > 0);
    assert_whole(w);
}

static void lock_what_moved(struct watcher *w, jeff_handle handle)
{
    assert_non_null(jeff_lock(w->heap, handle));
}

static void a_block_locked_while_moved_is_told_stays(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, false);
    drop_every_other(w);
    w->on_move = lock_what_moved;
    jeff_compact(w->heap, 0);
    assert_whole(w);
    size_t moves = w->moves;
    jeff_compact(w->heap, 0);
    jeff_compact_goal(w->heap, NULL, NULL);
    assert_int_equal(w->moves, moves);
    assert_whole(w);
}

static void free_what_moved(struct watcher *w, jeff_handle handle)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->handles[i] == handle) {
            drop(w, i);
        }
    }
}

static void the_moved_block_may_be_freed(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, false);
    drop_every_other(w);
    w->on_move = free_what_moved;
    jeff_compact(w->heap, 0);
    assert_whole(w);
    w->on_move = NULL;
    jeff_compact(w->heap, 0);
    assert_int_equal(walk_region(w->heap).free_stretches, 1);
    assert_whole(w);
}

static void free_at_random(struct watcher *w, jeff_handle handle)
{
    static uint64_t random = 139;
    (void)handle;
    for (unsigned i = 0; i < 3; i++) {
        size_t victim = next_random(&random) % w->count;
        if (w->handles[victim] != JEFF_NULL) {
            drop(w, victim);
        }
    }
}

/// Blocks that the pass has been at, is at, and has not come to.
static void any_block_may_be_freed_while_compaction_runs(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        struct watcher *w = full_heap(32 * KIB, true, false);
        for (size_t i = 0; i < w->count; i += 5) {
            drop(w, i);
        }
        w->on_move = free_at_random;
        round % 2 == 0 ? (void)jeff_compact(w->heap, 0) : (void)jeff_compact_goal(w->heap, NULL, NULL);
        assert_whole(w);
        w->on_move = NULL;
        jeff_compact(w->heap, 0);
        assert_int_equal(walk_region(w->heap).free_stretches, 1);
        assert_whole(w);
    }
}

static void lock_at_random(struct watcher *w, jeff_handle handle)
{
    static uint64_t random = 149;
    (void)handle;
    jeff_handle chosen = w->handles[next_random(&random) % w->count];
    if (chosen != JEFF_NULL) {
        assert_non_null(jeff_lock(w->heap, chosen));
    }
}

static void any_block_may_be_locked_while_compaction_runs(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        struct watcher *w = full_heap(32 * KIB, true, false);
        for (size_t i = 0; i < w->count; i += 5) {
            drop(w, i);
        }
        w->on_move = lock_at_random;
        round % 2 == 0 ? (void)jeff_compact(w->heap, 0) : (void)jeff_compact_goal(w->heap, NULL, NULL);
        assert_whole(w);
    }
}

static void assert_all_busy(struct watcher *w)
{
    assert_true(jeff_malloc(w->heap, 1) == JEFF_NULL);
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_BUSY);
    assert_true(jeff_malloc(w->heap, 0) == JEFF_NULL);
    assert_true(jeff_calloc(w->heap, 1, 1) == JEFF_NULL);
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_BUSY);
    assert_true(jeff_aligned_alloc(w->heap, 16, 1) == JEFF_NULL);
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_BUSY);
    assert_false(jeff_resize(w->heap, w->handles[w->count - 1], 300));
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_BUSY);
    assert_int_equal(jeff_compact(w->heap, 0), JEFF_STOP_BUSY);
    assert_int_equal(jeff_compact(w->heap, 1), JEFF_STOP_BUSY);
    struct jeff_report report;
    assert_int_equal(jeff_compact_goal(w->heap, NULL, &report), JEFF_STOP_BUSY);
    assert_int_equal(report.stop, JEFF_STOP_BUSY);
    assert_int_equal(report.moved_blocks, 0);
}

static void try_everything_forbidden(struct watcher *w, jeff_handle handle)
{
    (void)handle;
    assert_all_busy(w);
}

static void what_needs_space_is_refused_while_compaction_runs(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, false);
    size_t last = w->count - 1;
    for (size_t i = 0; i < last; i += 2) {
        drop(w, i);
    }
    w->on_move = try_everything_forbidden;
    jeff_compact(w->heap, 0);
    assert_true(w->moves > 0);
    assert_whole(w);
    assert_true(jeff_malloc(w->heap, 100) != JEFF_NULL); // and works again afterwards
    assert_true(jeff_resize(w->heap, w->handles[last], 300));
}

static void low_memory_is_not_asked_while_requests_are_served(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    drop_every_other(w);
    assert_true(jeff_malloc(w->heap, 8000) != JEFF_NULL); // needs compaction, no more
    assert_int_equal(w->low_calls, 0);
}

static void low_memory_is_asked_before_a_refusal(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    assert_true(jeff_malloc(w->heap, 3000) == JEFF_NULL);
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_NO_MEMORY);
    assert_int_equal(w->low_calls, 1);
    assert_true(w->low_bytes >= 3000);
    assert_true(w->low_bytes <= 3100);
    assert_true(jeff_malloc(w->heap, 3000) == JEFF_NULL); // and every time again
    assert_int_equal(w->low_calls, 2);
    assert_false(jeff_resize(w->heap, w->handles[0], 3000));
    assert_int_equal(w->low_calls, 3);
    assert_true(jeff_calloc(w->heap, 30, 100) == JEFF_NULL);
    assert_int_equal(w->low_calls, 4);
    assert_whole(w);
}

static void free_half(struct watcher *w)
{
    for (size_t i = 0; i < w->count; i += 2) {
        if (w->handles[i] != JEFF_NULL) {
            drop(w, i);
        }
    }
}

static void memory_that_low_memory_frees_serves_the_request(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, true);
    w->on_low = free_half;
    w->answers_left = 1;
    jeff_handle large = jeff_malloc(w->heap, 9000);
    assert_true(large != JEFF_NULL);
    assert_int_equal(w->low_calls, 1);
    mark_block(w->heap, large, 9000, 7);
    assert_whole(w);
    assert_marked(w->heap, large, 9000, 7);
}

static void make_half_purgeable(struct watcher *w)
{
    for (size_t i = 0; i < w->count; i += 2) {
        assert_true(jeff_set_purgeable(w->heap, w->handles[i], true));
    }
}

static void memory_that_low_memory_makes_purgeable_serves_the_request(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    w->on_low = make_half_purgeable;
    w->answers_left = 1;
    assert_true(jeff_malloc(w->heap, 9000) != JEFF_NULL);
    for (size_t i = 1; i < w->count; i += 2) {
        assert_marked(w->heap, w->handles[i], 100, (unsigned)i);
    }
    assert_sound(w->heap);
}

static void a_promise_that_is_not_kept_ends_in_a_refusal(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    w->answers_left = 5;
    assert_true(jeff_malloc(w->heap, 9000) == JEFF_NULL);
    assert_true(w->low_calls >= 1 && w->low_calls <= 6);
    assert_whole(w);
}

static void what_needs_space_is_refused_while_memory_is_low(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    w->on_low = assert_all_busy;
    w->answers_left = 1;
    assert_true(jeff_malloc(w->heap, 9000) == JEFF_NULL);
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_NO_MEMORY);
    assert_true(w->low_calls > 0);
    assert_whole(w);
}

static void free_the_first(struct watcher *w)
{
    if (w->handles[0] != JEFF_NULL) {
        drop(w, 0);
    }
}

/// The nastiest moment: the block that is being resized goes away.
static void the_block_being_resized_may_be_freed(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, true);
    jeff_handle first = w->handles[0];
    w->on_low = free_the_first;
    w->answers_left = 1;
    assert_false(jeff_resize(w->heap, first, 150));
    assert_int_equal(jeff_last_status(w->heap), JEFF_ERROR_HANDLE);
    assert_whole(w);
}

static void lock_the_first_and_free_half(struct watcher *w)
{
    if (jeff_lock_count(w->heap, w->handles[1]) == 0) {
        assert_non_null(jeff_lock(w->heap, w->handles[1]));
    }
    free_half(w);
}

static void the_block_being_resized_may_be_locked(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, true, true);
    w->on_low = lock_the_first_and_free_half;
    w->answers_left = 1;
    void *address = w->addresses[1];
    bool resized = jeff_resize(w->heap, w->handles[1], 9000);
    assert_ptr_equal(jeff_weak_lock(w->heap, w->handles[1]), address);
    assert_true(resized || jeff_last_status(w->heap) == JEFF_ERROR_LOCKED);
    assert_whole(w);
}

static void make_all_purgeable(struct watcher *w)
{
    for (size_t i = 0; i < w->count; i++) {
        assert_true(jeff_set_purgeable(w->heap, w->handles[i], true));
    }
}

/// What the block holds is what the client wants to have more room for.
static void the_block_being_resized_keeps_what_it_holds_although_it_becomes_purgeable(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    w->on_low = make_all_purgeable;
    w->answers_left = 1;
    assert_true(jeff_resize(w->heap, w->handles[20], 9000));
    assert_int_equal(w->low_calls, 1);
    assert_marked(w->heap, w->handles[20], 100, 20);
    assert_sound(w->heap);
}

static bool find_purgeable(void *context, const struct jeff_block *block)
{
    jeff_handle *found = context;
    if (block->purgeable) {
        *found = block->handle;
    }
    return true;
}

static jeff_handle purgeable_when_asked;

static void keep_the_first(struct watcher *w)
{
    purgeable_when_asked = JEFF_NULL;
    jeff_walk(w->heap, find_purgeable, &purgeable_when_asked);
    assert_true(jeff_set_purgeable(w->heap, w->handles[0], false));
}

static void whether_the_block_being_resized_is_purgeable_can_be_asked_and_said(void **state)
{
    (void)state;
    struct watcher *w = full_heap(32 * KIB, false, true);
    assert_true(jeff_set_purgeable(w->heap, w->handles[0], true));
    w->on_low = keep_the_first;
    assert_false(jeff_resize(w->heap, w->handles[0], 9000));
    assert_true(purgeable_when_asked == w->handles[0]);
    jeff_handle found = JEFF_NULL;
    jeff_walk(w->heap, find_purgeable, &found);
    assert_true(found == JEFF_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_sees_every_move_of_a_compaction),
        cmocka_unit_test(moved_sees_the_moves_of_a_last_resort),
        cmocka_unit_test(a_block_locked_while_moved_is_told_stays),
        cmocka_unit_test(the_moved_block_may_be_freed),
        cmocka_unit_test(any_block_may_be_freed_while_compaction_runs),
        cmocka_unit_test(any_block_may_be_locked_while_compaction_runs),
        cmocka_unit_test(what_needs_space_is_refused_while_compaction_runs),
        cmocka_unit_test(low_memory_is_not_asked_while_requests_are_served),
        cmocka_unit_test(low_memory_is_asked_before_a_refusal),
        cmocka_unit_test(memory_that_low_memory_frees_serves_the_request),
        cmocka_unit_test(memory_that_low_memory_makes_purgeable_serves_the_request),
        cmocka_unit_test(a_promise_that_is_not_kept_ends_in_a_refusal),
        cmocka_unit_test(what_needs_space_is_refused_while_memory_is_low),
        cmocka_unit_test(the_block_being_resized_may_be_freed),
        cmocka_unit_test(the_block_being_resized_may_be_locked),
        cmocka_unit_test(the_block_being_resized_keeps_what_it_holds_although_it_becomes_purgeable),
        cmocka_unit_test(whether_the_block_being_resized_is_purgeable_can_be_asked_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
