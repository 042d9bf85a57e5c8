/// Several threads in one shared heap, drawing their ops at random. Blocks of two kinds are handed around:
///
/// - *owned* ones: whoever takes the handle out of its cell has the block to itself, writes to it, resizes it, frees it or puts it into
///   another cell, so that blocks are freed by threads that did not allocate them;
/// - *public* ones: any thread locks, reads, unlocks and frees them, at the same time as the others.
///
/// Each block says what it must hold, and is looked at in full. Meanwhile any thread compacts, with budgets that end it in the middle
/// too, and malloc does so by itself in heaps that are too small. Everything is counted in ops, nothing in time.
#include "../heap_test.h"

#include "jeff_shared.h"

#include <pthread.h>
#include <stdatomic.h>

#if defined(__SANITIZE_THREAD__)
#define IS_SLOW 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_SLOW 1
#endif
#endif
#if defined(WITH_ASAN) && !defined(IS_SLOW)
#define IS_SLOW 1
#endif
#ifndef IS_SLOW
#define IS_SLOW 0
#endif

enum { THREADS = 4, OWNED = 192, PUBLIC = 48, HELD = 3, OPS = IS_SLOW ? 5000 : 25000 };

/// What stands at the beginning of each block.
struct stamp {
    uint32_t bytes; ///< of the block
    uint32_t seed;  ///< of what follows
    uint32_t check; ///< of both
};

/// A block that a thread has, and what it knows of it.
struct held {
    jeff_handle handle;
    unsigned char *address;
    uint32_t bytes;
};

static struct world {
    jeff_shared *heap;
    _Atomic uint64_t owned[OWNED];
    _Atomic uint64_t public[PUBLIC];
    _Atomic uint64_t clock_ns;
    _Atomic size_t allocated, freed, refused, purged, moved;
    _Atomic(const char *) wrong; ///< what did not hold first
    bool purges;
    bool calls_back; ///< the callbacks lock, too
} world;

struct client {
    pthread_t thread;
    uint64_t random;
    jeff_handle stale; ///< freed by this thread
    struct held held[HELD];
};

/// cmocka's assertions end the test with a jump, which only its own thread may do.
static bool must(bool holds, const char *what)
{
    const char *none = NULL;
    if (!holds)
        atomic_compare_exchange_strong(&world.wrong, &none, what);
    return holds;
}

static uint32_t draw(struct client *c, uint32_t below)
{
    return next_random(&c->random) % below;
}

static uint32_t check_of(const struct stamp *stamp)
{
    return (stamp->bytes ^ stamp->seed * 2654435769u) * 2246822519u + 1;
}

static unsigned char byte_at(const struct stamp *stamp, size_t i)
{
    return (unsigned char)(stamp->seed + i * 7 + (i >> 8) * 13);
}

static void fill(unsigned char *address, uint32_t bytes, uint32_t seed)
{
    struct stamp stamp = {.bytes = bytes, .seed = seed};
    stamp.check = check_of(&stamp);
    memcpy(address, &stamp, sizeof stamp);
    for (size_t i = sizeof stamp; i < bytes; i++)
        address[i] = byte_at(&stamp, i);
}

/// @param bytes how many must be there; the stamp may tell of more, before a resize
static void look_at(const unsigned char *address, uint32_t bytes, const char *what)
{
    struct stamp stamp;
    memcpy(&stamp, address, sizeof stamp);
    bool good = stamp.check == check_of(&stamp) && (bytes == 0 || stamp.bytes >= bytes);
    const uint32_t most = bytes ? bytes : stamp.bytes;
    for (size_t i = sizeof stamp; good && i < most; i++)
        good = address[i] == byte_at(&stamp, i);
    must(good, what);
}

static uint32_t draw_size(struct client *c)
{
    const uint32_t kind = draw(c, 64);
    const uint32_t least = sizeof(struct stamp);
    if (kind == 0)
        return least + draw(c, 40000);
    return least + draw(c, kind < 8 ? 6000 : kind < 24 ? 1000 : 200);
}

static uint64_t ticking(void *context)
{
    (void)context;
    return atomic_fetch_add(&world.clock_ns, 700);
}

/* Owned blocks */

static jeff_handle make(struct client *c)
{
    const uint32_t bytes = draw_size(c);
    const uint32_t kind = draw(c, 8);
    enum jeff_status status = JEFF_ERROR_CORRUPT;
    const jeff_handle handle = kind == 0 ? jeff_shared_calloc(world.heap, 1, bytes, &status)
                               : kind == 1
                                   ? jeff_shared_aligned_alloc(world.heap, (size_t)32 << draw(c, 4), bytes, &status)
                                   : jeff_shared_malloc(world.heap, bytes, &status);
    if (handle == JEFF_NULL) {
        must(status == JEFF_ERROR_NO_MEMORY, "malloc was refused for another reason than that memory is short");
        atomic_fetch_add(&world.refused, 1);
        return handle;
    }
    must(status == JEFF_OK, "malloc gave a handle and an error");
    atomic_fetch_add(&world.allocated, 1);
    unsigned char *address = jeff_shared_lock(world.heap, handle, &status);
    if (!must(address != NULL && status == JEFF_OK, "a new block could not be locked"))
        return handle;
    for (size_t i = 0; kind == 0 && i < bytes; i++)
        must(address[i] == 0, "calloc gave memory that is not zero");
    fill(address, bytes, next_random(&c->random));
    // Or twice: it may have been moved meanwhile, and the callback that is told of it locks it, too.
    const unsigned locks = jeff_shared_lock_count(world.heap, handle);
    must(locks == 1 || (locks == 2 && world.calls_back), "a locked block is not locked once");
    must(jeff_shared_unlock(world.heap, handle, &status) && status == JEFF_OK, "a locked block could not be unlocked");
    return handle;
}

static void drop(struct client *c, jeff_handle handle)
{
    enum jeff_status status;
    must(jeff_shared_free(world.heap, handle, &status) && status == JEFF_OK, "an owned block could not be freed");
    atomic_fetch_add(&world.freed, 1);
    c->stale = handle;
}

/// Puts a block into some empty cell, or frees it.
static void put(struct client *c, jeff_handle handle)
{
    uint64_t none = JEFF_NULL;
    if (!atomic_compare_exchange_strong(&world.owned[draw(c, OWNED)], &none, handle))
        drop(c, handle);
}

static jeff_handle take(struct client *c)
{
    return atomic_exchange(&world.owned[draw(c, OWNED)], JEFF_NULL);
}

/// Gives a purged block contents again, if there is memory for them.
static void revive(struct client *c, jeff_handle handle)
{
    const uint32_t bytes = draw_size(c);
    atomic_fetch_add(&world.purged, 1);
    if (!jeff_shared_resize(world.heap, handle, bytes, NULL))
        return;
    enum jeff_status status;
    unsigned char *address = jeff_shared_lock(world.heap, handle, &status);
    if (address == NULL) {
        must(status == JEFF_ERROR_PURGED,
             "a block that was purged and resized could not be locked"); // purged once more
        return;
    }
    fill(address, bytes, next_random(&c->random));
    must(jeff_shared_unlock(world.heap, handle, NULL), "a revived block could not be unlocked");
}

/// Locks an owned block and looks at it. @return false if it is purged
static bool hold(struct held *held, jeff_handle handle)
{
    enum jeff_status status;
    unsigned char *address = jeff_shared_lock(world.heap, handle, &status);
    if (address == NULL) {
        must(status == JEFF_ERROR_PURGED && world.purges, "an owned block could not be locked");
        return false;
    }
    look_at(address, 0, "an owned block lost its contents");
    struct stamp stamp;
    memcpy(&stamp, address, sizeof stamp);
    *held = (struct held){.handle = handle, .address = address, .bytes = stamp.bytes};
    return true;
}

static void let_go(struct client *c, struct held *held)
{
    if (held->handle == JEFF_NULL)
        return;
    look_at(held->address, held->bytes, "a locked block changed");
    must(jeff_shared_lock(world.heap, held->handle, NULL) == held->address, "a locked block moved");
    enum jeff_status status = JEFF_OK;
    must(!jeff_shared_free(world.heap, held->handle, &status) && status == JEFF_ERROR_LOCKED,
         "free of a locked block was not refused");
    must(jeff_shared_unlock(world.heap, held->handle, NULL) && jeff_shared_unlock(world.heap, held->handle, NULL),
         "two locks could not be taken back");
    must(world.calls_back ||
             (!jeff_shared_unlock(world.heap, held->handle, &status) && status == JEFF_ERROR_NOT_LOCKED),
         "a third unlock was not refused");
    put(c, held->handle);
    *held = (struct held){0};
}

static void resize(struct client *c, jeff_handle handle)
{
    struct held held;
    if (!hold(&held, handle)) {
        revive(c, handle);
        return;
    }
    const uint32_t bytes = draw_size(c);
    const bool in_place = draw(c, 4) == 0;
    if (!in_place) {
        // Purged in between it would be a fresh block after the resize.
        must(!world.purges || jeff_shared_set_purgeable(world.heap, handle, false, NULL),
             "a locked block could not be made one that is kept");
        jeff_shared_unlock(world.heap, handle, NULL);
    }
    enum jeff_status status;
    const bool done = jeff_shared_resize(world.heap, handle, bytes, &status);
    must(done || status == JEFF_ERROR_NO_MEMORY || (in_place && status == JEFF_ERROR_LOCKED),
         "resize failed for another reason than memory or locks");
    if (in_place)
        jeff_shared_unlock(world.heap, handle, NULL);
    // A resize that was refused may have purged others, but not this one, unless it was purgeable.
    unsigned char *address = jeff_shared_lock(world.heap, handle, &status);
    if (address == NULL) {
        must(status == JEFF_ERROR_PURGED && world.purges, "a resized block could not be locked");
        return;
    }
    const uint32_t kept = done && bytes < held.bytes ? bytes : held.bytes;
    look_at(address, kept, "resize lost contents");
    fill(address, done ? bytes : held.bytes, next_random(&c->random));
    jeff_shared_unlock(world.heap, handle, NULL);
}

static void use_owned(struct client *c, uint32_t what)
{
    const jeff_handle handle = take(c);
    if (handle == JEFF_NULL) {
        const jeff_handle made = make(c);
        if (made != JEFF_NULL)
            put(c, made);
        return;
    }
    struct held held;
    switch (what) {
    case 0:
        drop(c, handle);
        return;
    case 1:
        resize(c, handle);
        break;
    case 2:
        jeff_shared_settle(world.heap, handle, NULL);
        break;
    case 3:
        if (world.purges)
            jeff_shared_set_purgeable(world.heap, handle, draw(c, 2) == 0, NULL);
        break;
    case 4: {
        struct held *place = &c->held[draw(c, HELD)];
        let_go(c, place);
        if (hold(place, handle))
            return;
        break;
    }
    default:
        if (!hold(&held, handle))
            break;
        fill(held.address, held.bytes, next_random(&c->random));
        jeff_shared_unlock(world.heap, handle, NULL);
    }
    put(c, handle);
}

/* Public blocks */

/// Locks a block that others lock and free as well, and reads it.
static void read_public(struct client *c, _Atomic uint64_t *cell)
{
    const jeff_handle handle = atomic_load(cell);
    enum jeff_status status;
    const unsigned char *address = jeff_shared_lock(world.heap, handle, &status);
    if (address == NULL) {
        must(status == JEFF_ERROR_HANDLE, "a public block was refused though it is live");
        return;
    }
    look_at(address, 0, "a public block changed");
    must(jeff_shared_lock_count(world.heap, handle) > 0, "a locked block has no locks");
    if (draw(c, 8) == 0)
        must(jeff_shared_lock(world.heap, handle, NULL) == address && jeff_shared_unlock(world.heap, handle, NULL),
             "a locked public block moved");
    must(jeff_shared_unlock(world.heap, handle, NULL), "a locked public block could not be unlocked");
}

/// Frees a block that others may be freeing as well: one of them succeeds, and makes a new one.
static void renew_public(struct client *c, _Atomic uint64_t *cell)
{
    const jeff_handle handle = atomic_load(cell);
    enum jeff_status status;
    if (handle != JEFF_NULL && !jeff_shared_free(world.heap, handle, &status)) {
        must(status == JEFF_ERROR_HANDLE || status == JEFF_ERROR_LOCKED, "free failed for another reason than misuse");
        return;
    }
    if (handle != JEFF_NULL) {
        atomic_fetch_add(&world.freed, 1);
        c->stale = handle;
    }
    // An empty cell may be filled by several at a time.
    const jeff_handle made = make(c);
    uint64_t old = handle;
    if (made != JEFF_NULL && !atomic_compare_exchange_strong(cell, &old, made)) {
        must(handle == JEFF_NULL, "two threads freed the same block");
        drop(c, made);
    } else if (made == JEFF_NULL) {
        atomic_compare_exchange_strong(cell, &old, JEFF_NULL);
    }
}

static void misuse(struct client *c)
{
    if (c->stale == JEFF_NULL)
        return;
    enum jeff_status status = JEFF_OK;
    must(jeff_shared_lock(world.heap, c->stale, &status) == NULL && status == JEFF_ERROR_HANDLE,
         "a stale handle was locked");
    must(!jeff_shared_unlock(world.heap, c->stale, &status) && status == JEFF_ERROR_HANDLE,
         "a stale handle was unlocked");
    must(!jeff_shared_free(world.heap, c->stale, &status) && status == JEFF_ERROR_HANDLE, "a stale handle was freed");
    must(!jeff_shared_resize(world.heap, c->stale, 10, &status) && status == JEFF_ERROR_HANDLE,
         "a stale handle was resized");
}

/* The heap as a whole */

static bool count_block(void *context, const struct jeff_block *block)
{
    *(size_t *)context += block->kind == JEFF_BLOCK_LIVE;
    return true;
}

static void compact(struct client *c)
{
    const uint32_t kind = draw(c, 8);
    if (kind == 0) {
        jeff_shared_compact(world.heap, 0);
    } else if (kind == 1) {
        jeff_shared_compact(world.heap, 1);
    } else {
        const struct jeff_goal goal = {
            .wanted_bytes = draw(c, 2) ? draw(c, 20000) : 0,
            .budget_ns = kind < 4 ? 0 : 1 + draw(c, 30000),
            .dry_run = kind == 2,
        };
        struct jeff_report report;
        const enum jeff_stop stop = jeff_shared_compact_goal(world.heap, &goal, &report);
        must(stop == report.stop && stop != JEFF_STOP_BUSY, "a compaction was refused");
    }
}

static void look_at_heap(struct client *c)
{
    struct jeff_stats stats;
    size_t live = 0;
    switch (draw(c, 4)) {
    case 0:
        must(jeff_shared_check(world.heap, NULL) == JEFF_OK, "the heap is damaged");
        break;
    case 1:
        jeff_shared_walk(world.heap, count_block, &live);
        break;
    default:
        jeff_shared_stats(world.heap, &stats);
        must(stats.live_blocks <= OWNED + PUBLIC + THREADS * (HELD + 2), "more blocks are live than there are");
    }
}

static void *run_client(void *argument)
{
    struct client *c = argument;
    for (unsigned op = 0; op < OPS && atomic_load_explicit(&world.wrong, memory_order_relaxed) == NULL; op++) {
        const uint32_t kind = draw(c, 1000);
        _Atomic uint64_t *cell = &world.public[draw(c, PUBLIC)];
        if (kind < 550)
            use_owned(c, kind % 10);
        else if (kind < 900)
            read_public(c, cell);
        else if (kind < 970)
            renew_public(c, cell);
        else if (kind < 980)
            misuse(c);
        else if (kind < 995)
            compact(c);
        else
            look_at_heap(c);
    }
    for (size_t i = 0; i < HELD; i++)
        let_go(c, &c->held[i]);
    return NULL;
}

/// Runs the threads and frees what they have left.
static void run_threads(uint64_t seed)
{
    static struct client clients[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.random = seed * THREADS + i + 1};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    if (world.wrong != NULL)
        fail_msg("%s", world.wrong);
    struct jeff_damage damage = {0};
    if (jeff_shared_check(world.heap, &damage) != JEFF_OK)
        fail_msg("%s", damage.what);
    struct client rest = {.random = 1};
    for (size_t i = 0; i < OWNED; i++) {
        struct held held;
        if (world.owned[i] != JEFF_NULL && hold(&held, world.owned[i]))
            jeff_shared_unlock(world.heap, held.handle, NULL);
        if (world.owned[i] != JEFF_NULL)
            drop(&rest, world.owned[i]);
    }
    for (size_t i = 0; i < PUBLIC; i++) {
        if (world.public[i] != JEFF_NULL && jeff_shared_lock_count(world.heap, world.public[i]) == 0 &&
            jeff_shared_free(world.heap, world.public[i], NULL))
            atomic_fetch_add(&world.freed, 1);
    }
    if (world.wrong != NULL)
        fail_msg("%s", world.wrong);
    assert_int_equal(world.allocated, world.freed);
    struct jeff_stats stats;
    jeff_shared_stats(world.heap, &stats);
    assert_int_equal(stats.live_blocks, 0);
    assert_true(stats.moved_blocks > 0); // it would not be much of a test otherwise
    assert_int_equal(jeff_shared_check(world.heap, NULL), JEFF_OK);
}

static jeff_shared *open_region(size_t bytes, const struct jeff_shared_config *config)
{
    arena_reset(bytes);
    enum jeff_status status;
    jeff_shared *heap = jeff_shared_init(arena_region(), bytes, config, &status);
    if (heap == NULL)
        fail_msg("%s", jeff_strerror(status));
    return heap;
}

static void start(void)
{
    memset(&world, 0, sizeof world);
}

/// Bytes of the largest block that the heap serves when it is empty.
static size_t largest(void)
{
    jeff_shared_compact(world.heap, 0);
    struct jeff_report report;
    jeff_shared_compact_goal(world.heap, NULL, &report);
    return report.largest_after;
}

static void in_a_region(size_t bytes, struct jeff_shared_config config, bool purges)
{
    start();
    world.purges = purges;
    world.calls_back = config.heap.moved != NULL;
    config.heap.now_ns = ticking;
    world.heap = open_region(bytes, &config);
    const size_t first = largest();
    run_threads(bytes + purges);
    assert_int_equal(largest(), first);
    assert_guards_whole();
    jeff_shared_destroy(world.heap);
}

static void blocks_keep_their_contents_in_a_region(void **state)
{
    (void)state;
    in_a_region(512 * KIB, (struct jeff_shared_config){0}, false);
}

static void blocks_keep_their_contents_in_a_region_that_is_too_small(void **state)
{
    (void)state;
    in_a_region(100 * KIB, (struct jeff_shared_config){.max_blocks = 500}, false);
    assert_true(world.refused > 0);
}

static void blocks_keep_their_contents_where_some_are_purged(void **state)
{
    (void)state;
    in_a_region(48 * KIB, (struct jeff_shared_config){.max_blocks = 500}, true);
    assert_true(world.purged > 0);
}

static void blocks_keep_their_contents_without_the_last_resort(void **state)
{
    (void)state;
    in_a_region(120 * KIB, (struct jeff_shared_config){.heap.no_last_resort = true, .heap.alignment = 8}, false);
}

/// The callbacks are told of by one thread at a time, and may do what jeff.h says.
static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)from;
    (void)bytes;
    atomic_fetch_add(&world.moved, 1);
    must(jeff_shared_lock(world.heap, handle, NULL) == to, "a moved block is not where the callback was told");
    must(jeff_shared_unlock(world.heap, handle, NULL), "a moved block could not be unlocked");
    enum jeff_status status = JEFF_OK;
    must(jeff_shared_malloc(world.heap, 1, &status) == JEFF_NULL && status == JEFF_ERROR_BUSY,
         "a callback could allocate");
}

/// Frees some public block, if it can.
static bool on_low_memory(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    const size_t some = atomic_load(&world.freed);
    for (size_t i = 0; i < PUBLIC; i++) {
        _Atomic uint64_t *cell = &world.public[(some + i) % PUBLIC];
        uint64_t handle = atomic_load(cell);
        if (handle != JEFF_NULL && jeff_shared_free(world.heap, handle, NULL)) {
            atomic_fetch_add(&world.freed, 1);
            atomic_compare_exchange_strong(cell, &handle, JEFF_NULL);
            return true;
        }
    }
    return false;
}

static void callbacks_may_use_the_heap(void **state)
{
    (void)state;
    in_a_region(100 * KIB, (struct jeff_shared_config){.heap.moved = on_moved, .heap.low_memory = on_low_memory},
                false);
    assert_true(world.moved > 0);
}

static void blocks_keep_their_contents_in_a_heap_that_scrambles(void **state)
{
    (void)state;
    in_a_region(64 * KIB, (struct jeff_shared_config){.heap.scramble = true, .max_blocks = 400}, false);
}

static void blocks_keep_their_contents_in_pages(void **state)
{
    (void)state;
    start();
    const struct jeff_shared_config config = {.heap.now_ns = ticking, .heap.own_mapping = 6000};
    world.heap = jeff_shared_create(4 * MIB, &config, NULL);
    assert_non_null(world.heap);
    run_threads(77);
    jeff_shared_destroy(world.heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_contents_in_a_region),
        cmocka_unit_test(blocks_keep_their_contents_in_a_region_that_is_too_small),
        cmocka_unit_test(blocks_keep_their_contents_where_some_are_purged),
        cmocka_unit_test(blocks_keep_their_contents_without_the_last_resort),
        cmocka_unit_test(callbacks_may_use_the_heap),
        cmocka_unit_test(blocks_keep_their_contents_in_a_heap_that_scrambles),
        cmocka_unit_test(blocks_keep_their_contents_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
