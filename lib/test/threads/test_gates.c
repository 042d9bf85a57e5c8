/// Two threads at one block, in an order that is made to happen: the hooks of the heap, its clock above all, are where one thread stops
/// until the other is where it should be. And races that have one right outcome whoever wins, run many times.
#define _XOPEN_SOURCE 700
#include "../heap_test.h"

#undef fail
#define fail fail_of_heap // cmocka has one, too
#include "../../jeff/gate_internal.h"
#undef fail
#define fail() _fail(__FILE__, __LINE__)

#include <pthread.h>
#include <sched.h>

enum { LARGE = 60000, ROUNDS = 3000 };

static struct {
    jeff_shared *heap;
    jeff_handle handle;
    pthread_mutex_t mutex; ///< of the heap: recursive
    uint64_t clock_ns;
    unsigned claimed; ///< how often the clock was read while the block was being moved
    bool started;
    pthread_t other;
    _Atomic unsigned waits;
    _Atomic(void *) locked_at;
} scene;

static void take(void *context)
{
    (void)context;
    pthread_mutex_lock(&scene.mutex);
}

static void give(void *context)
{
    (void)context;
    pthread_mutex_unlock(&scene.mutex);
}

static void count_wait(void *context)
{
    (void)context;
    atomic_fetch_add(&scene.waits, 1);
    sched_yield();
}

static const struct jeff_mutex_hooks hooks = {take, give, count_wait, NULL};

static void fill(jeff_handle handle, size_t bytes, unsigned mark)
{
    unsigned char *block = jeff_shared_lock(scene.heap, handle, NULL);
    assert_non_null(block);
    for (size_t i = 0; i < bytes; i++)
        block[i] = mark_at(mark, i);
    assert_true(jeff_shared_unlock(scene.heap, handle, NULL));
}

static void assert_filled(jeff_handle handle, size_t bytes, unsigned mark)
{
    const unsigned char *block = jeff_shared_lock(scene.heap, handle, NULL);
    assert_non_null(block);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(block[i], mark_at(mark, i));
    assert_true(jeff_shared_unlock(scene.heap, handle, NULL));
}

/// A heap with a large block above a gap that is larger, and a small one at the bottom.
static void make_scene(uint64_t (*now_ns)(void *))
{
    memset(&scene, 0, sizeof scene);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&scene.mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    arena_reset(256 * KIB);
    const struct jeff_shared_config config = {.heap.now_ns = now_ns, .mutex = &hooks};
    scene.heap = jeff_shared_init(arena_region(), 256 * KIB, &config, NULL);
    assert_non_null(scene.heap);
    jeff_shared_malloc(scene.heap, 100, NULL);
    const jeff_handle gap = jeff_shared_malloc(scene.heap, LARGE + 1000, NULL);
    scene.handle = jeff_shared_malloc(scene.heap, LARGE, NULL);
    fill(scene.handle, LARGE, 7);
    assert_true(jeff_shared_free(scene.heap, gap, NULL));
}

static void end_scene(void)
{
    struct jeff_damage damage = {0};
    if (jeff_shared_check(scene.heap, &damage) != JEFF_OK)
        fail_msg("%s", damage.what);
    jeff_shared_destroy(scene.heap);
    assert_guards_whole();
    pthread_mutex_destroy(&scene.mutex);
}

static struct jeff_stats figures(void)
{
    struct jeff_stats stats;
    jeff_shared_stats(scene.heap, &stats);
    return stats;
}

#if !SANITIZED // there a lock waits for the mutex

static void *lock_in_other_thread(void *unused)
{
    (void)unused;
    unsigned char *block = jeff_shared_lock(scene.heap, scene.handle, NULL);
    block[5] = 99;
    atomic_store(&scene.locked_at, block);
    return NULL;
}

/// Compaction looks at the clock between two pieces of the block: then another thread wants to lock it.
static uint64_t start_other_when_claimed(void *context)
{
    (void)context;
    scene.clock_ns += 100;
    if (scene.handle == JEFF_NULL || !(gate_word(heap_of(scene.heap), slot_of(scene.handle)) & GATE_CLAIMED))
        return scene.clock_ns;
    scene.claimed++;
    if (!scene.started) {
        scene.started = true;
        assert_int_equal(pthread_create(&scene.other, NULL, lock_in_other_thread, NULL), 0);
        while (atomic_load(&scene.waits) == 0)
            sched_yield();
        assert_null(atomic_load(&scene.locked_at)); // not before this piece is done
    }
    return scene.clock_ns;
}

static void a_lock_waits_for_a_piece_of_its_block_and_no_longer(void **state)
{
    (void)state;
    make_scene(start_other_when_claimed);
    void *address = jeff_shared_lock(scene.heap, scene.handle, NULL);
    assert_true(jeff_shared_unlock(scene.heap, scene.handle, NULL));
    jeff_shared_compact(scene.heap, 1000);
    assert_true(scene.started);
    pthread_join(scene.other, NULL);
    // The other one got the block where it was, and the copy was dropped.
    assert_ptr_equal(scene.locked_at, address);
    assert_int_equal(scene.claimed, 1);
    assert_int_equal(figures().moved_blocks, 0);
    assert_int_equal(jeff_shared_lock_count(scene.heap, scene.handle), 1);
    assert_int_equal(((unsigned char *)address)[5], 99);
    ((unsigned char *)address)[5] = mark_at(7, 5);
    assert_true(jeff_shared_unlock(scene.heap, scene.handle, NULL));
    assert_filled(scene.handle, LARGE, 7);
    // The next one moves it.
    jeff_shared_compact(scene.heap, 0);
    assert_int_equal(figures().moved_blocks, 1);
    assert_filled(scene.handle, LARGE, 7);
    end_scene();
}

#endif

static uint64_t ticking(void *context)
{
    (void)context;
    return scene.clock_ns += 6000; // three looks at it use up the budget below
}

static void *write_in_other_thread(void *unused)
{
    (void)unused;
    fill(scene.handle, LARGE, 8);
    return NULL;
}

/// What was copied when a call ran out of time is void once another thread has had the block.
static void a_block_that_is_halfway_is_not_finished_after_it_was_used(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        make_scene(ticking);
        const struct jeff_goal goal = {.budget_ns = 20000};
        struct jeff_heap *h = heap_of(scene.heap);
        while (!h->halfway_hole && jeff_shared_compact_goal(scene.heap, &goal, NULL) == JEFF_STOP_BUDGET)
            continue;
        assert_true(h->halfway_hole != 0 && h->halfway_slot == slot_of(scene.handle) && h->halfway_done > 1);
        assert_true(gate_word(h, slot_of(scene.handle)) & GATE_HALFWAY);
        assert_int_equal(jeff_shared_check(scene.heap, NULL), JEFF_OK);
        if (way == 0) {
            pthread_create(&scene.other, NULL, write_in_other_thread, NULL);
            pthread_join(scene.other, NULL);
        } else if (way == 1) {
            assert_non_null(jeff_shared_lock(scene.heap, scene.handle, NULL)); // and it stays so
        }
        const uint32_t done = h->halfway_done;
        assert_int_equal(jeff_shared_check(scene.heap, NULL), JEFF_OK);
        jeff_shared_compact_goal(scene.heap, &goal, NULL);
        assert_true(way < 2 || !h->halfway_hole || h->halfway_done > done); // left alone, it goes on
        for (unsigned i = 0; i < 1000 && jeff_shared_compact_goal(scene.heap, &goal, NULL) == JEFF_STOP_BUDGET; i++)
            assert_int_equal(jeff_shared_check(scene.heap, NULL), JEFF_OK);
        assert_filled(scene.handle, LARGE, way == 0 ? 8 : 7);
        assert_true(way != 1 || figures().moved_blocks == 0);
        end_scene();
    }
}

/* Races */

static struct race {
    _Atomic unsigned at_start;
    _Atomic(unsigned) succeeded, locked;
    _Atomic(const char *) wrong;
} race;

static void start_together(unsigned round)
{
    atomic_fetch_add(&race.at_start, 1);
    while (atomic_load(&race.at_start) < 2 * (round + 1))
        sched_yield();
}

static _Atomic uint64_t contested[ROUNDS];

static void *free_each(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++) {
        start_together(i);
        enum jeff_status status = JEFF_OK;
        if (jeff_shared_free(scene.heap, contested[i], &status))
            atomic_fetch_add(&race.succeeded, 1);
        else if (status != JEFF_ERROR_HANDLE && status != JEFF_ERROR_LOCKED)
            race.wrong = jeff_strerror(status);
    }
    return NULL;
}

/// Locks what the other thread frees at the same time, and writes to it if it was first.
static void *lock_each(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++) {
        start_together(i);
        enum jeff_status status = JEFF_OK;
        unsigned char *block = jeff_shared_lock(scene.heap, contested[i], &status);
        if (block != NULL) {
            atomic_fetch_add(&race.locked, 1);
            memset(block, (int)i, 24);
            if (!jeff_shared_unlock(scene.heap, contested[i], NULL))
                race.wrong = "a locked block was freed";
        } else if (status != JEFF_ERROR_HANDLE) {
            race.wrong = jeff_strerror(status);
        }
    }
    return NULL;
}

static void run_race(void *(*one)(void *), void *(*other)(void *))
{
    memset(&race, 0, sizeof race);
    make_scene(NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        contested[i] = jeff_shared_malloc(scene.heap, 24, NULL);
        assert_true(contested[i] != JEFF_NULL);
    }
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, one, NULL);
    pthread_create(&threads[1], NULL, other, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    if (race.wrong != NULL)
        fail_msg("%s", race.wrong);
}

static void of_two_that_free_a_block_one_succeeds(void **state)
{
    (void)state;
    run_race(free_each, free_each);
    assert_int_equal(race.succeeded, ROUNDS);
    assert_int_equal(figures().live_blocks, 2);
    end_scene();
}

static void a_block_is_freed_or_locked(void **state)
{
    (void)state;
    run_race(free_each, lock_each);
    // Each was freed, or was locked at that moment.
    assert_true(race.succeeded + race.locked >= ROUNDS);
    assert_int_equal(figures().live_blocks, 2 + ROUNDS - race.succeeded);
    end_scene();
}

static void *resize_up_and_down(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++)
        jeff_shared_resize(scene.heap, scene.handle, i % 2 ? 100 : 5000 + i % 100, NULL);
    return NULL;
}

static void *look_while_it_moves(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned char *block = jeff_shared_lock(scene.heap, scene.handle, NULL);
        for (size_t k = 0; block != NULL && k < 90; k++) {
            if (block[k] != mark_at(7, k))
                race.wrong = "a block changed while another thread resized it";
        }
        if (block == NULL || !jeff_shared_unlock(scene.heap, scene.handle, NULL))
            race.wrong = "a block that another thread resizes cannot be locked";
    }
    return NULL;
}

/// Small blocks become wide ones in place, or move: either way the payload does.
static void a_block_that_is_resized_keeps_still_while_it_is_locked(void **state)
{
    (void)state;
    run_race(resize_up_and_down, look_while_it_moves);
    end_scene();
}

static void *lock_and_unlock(void *unused)
{
    (void)unused;
    while (atomic_load(&race.at_start) == 0) {
        jeff_shared_lock(scene.heap, scene.handle, NULL);
        jeff_shared_unlock(scene.heap, scene.handle, NULL);
    }
    return NULL;
}

static bool is_locked(void *context, const struct jeff_pin *pin)
{
    (void)context;
    if (pin->locks == 0)
        race.wrong = "a block without a lock is told of as a locked one";
    return true;
}

static void a_pin_has_locks_however_others_unlock_meanwhile(void **state)
{
    (void)state;
    memset(&race, 0, sizeof race);
    make_scene(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, lock_and_unlock, NULL);
    for (unsigned i = 0; i < 30 * ROUNDS; i++)
        jeff_shared_pins(scene.heap, is_locked, NULL);
    atomic_store(&race.at_start, 1);
    pthread_join(thread, NULL);
    assert_null(race.wrong);
    end_scene();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if !SANITIZED
        cmocka_unit_test(a_lock_waits_for_a_piece_of_its_block_and_no_longer),
#endif
        cmocka_unit_test(a_block_that_is_halfway_is_not_finished_after_it_was_used),
        cmocka_unit_test(of_two_that_free_a_block_one_succeeds),
        cmocka_unit_test(a_block_is_freed_or_locked),
        cmocka_unit_test(a_block_that_is_resized_keeps_still_while_it_is_locked),
        cmocka_unit_test(a_pin_has_locks_however_others_unlock_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
