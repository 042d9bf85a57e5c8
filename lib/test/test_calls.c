/// Every function of jeff.h at the wrong time or with the wrong handle: from both callbacks, on a heap that was destroyed,
/// with handles that are stale, foreign or made up. What is refused changes nothing: the whole heap is compared, byte by
/// byte.
#include "heap_test.h"

#undef fail
#define fail fail_of_heap // cmocka has one, too
#include "../jeff/heap_internal.h"
#undef fail
#define fail() _fail(__FILE__, __LINE__)

#include <stdio.h>

enum { HEAP = 8 * KIB, MANY = 64 };

/// The heap of a test, and handles of it to call with.
struct scene {
    jeff_heap *heap;
    jeff_handle handles[MANY];
    size_t count;
    jeff_handle handle; ///< that the calls are about
    void *address;      ///< of its block
    size_t visits;
    size_t moves;
    bool was_called; ///< back, that is
};

static struct scene scene;

static bool visit_block(void *context, const struct jeff_block *block)
{
    (void)context;
    (void)block;
    scene.visits++;
    return true;
}

static bool visit_pin(void *context, const struct jeff_pin *pin)
{
    (void)context;
    (void)pin;
    scene.visits++;
    return true;
}

/* A function each. They give what the function says: true for success, as far as it can say so */

static bool call_strerror(struct scene *s)
{
    return jeff_strerror(jeff_last_status(s->heap)) != NULL;
}

static bool call_init(struct scene *s)
{
    (void)s;
    static _Alignas(16) unsigned char other[JEFF_HEAP_MIN];
    return jeff_init(other, sizeof other, NULL, NULL) != NULL;
}

static bool call_create(struct scene *s)
{
    (void)s;
    jeff_heap *other = jeff_create(MIB, NULL, NULL);
    const bool works = other != NULL && jeff_malloc(other, 100) != JEFF_NULL;
    jeff_destroy(other);
    return works;
}

static bool call_destroy(struct scene *s)
{
    jeff_destroy(s->heap);
    return true;
}

static bool call_malloc(struct scene *s)
{
    return jeff_malloc(s->heap, 0) != JEFF_NULL || jeff_malloc(s->heap, 100) != JEFF_NULL ||
           jeff_malloc(s->heap, 3000) != JEFF_NULL;
}

static bool call_calloc(struct scene *s)
{
    return jeff_calloc(s->heap, 0, 5) != JEFF_NULL || jeff_calloc(s->heap, 3, 5) != JEFF_NULL;
}

static bool call_aligned_alloc(struct scene *s)
{
    return jeff_aligned_alloc(s->heap, 8, 10) != JEFF_NULL || jeff_aligned_alloc(s->heap, 256, 10) != JEFF_NULL;
}

static bool call_resize(struct scene *s)
{
    return jeff_resize(s->heap, s->handle, 10) || jeff_resize(s->heap, s->handle, 500);
}

static bool call_free(struct scene *s)
{
    return jeff_free(s->heap, s->handle);
}

static bool call_lock(struct scene *s)
{
    return jeff_lock(s->heap, s->handle) != NULL;
}

static bool call_unlock(struct scene *s)
{
    return jeff_unlock(s->heap, s->handle);
}

static bool call_weak_lock(struct scene *s)
{
    return jeff_weak_lock(s->heap, s->handle) != NULL;
}

static bool call_compactions(struct scene *s)
{
    jeff_compactions(s->heap);
    return true;
}

static bool call_settle(struct scene *s)
{
    return jeff_settle(s->heap, s->handle);
}

static bool call_lock_count(struct scene *s)
{
    jeff_lock_count(s->heap, s->handle);
    return true;
}

static bool call_set_purgeable(struct scene *s)
{
    return jeff_set_purgeable(s->heap, s->handle, true);
}

static bool call_usable_size(struct scene *s)
{
    return jeff_usable_size(s->heap, s->handle) != 0;
}

static bool call_extent(struct scene *s)
{
    void *begin;
    return jeff_extent(s->heap, s->handle, &begin) != 0;
}

static bool call_run_needed(struct scene *s)
{
    return jeff_run_needed(s->heap, 64, 100) >= 100;
}

static bool call_handle_of(struct scene *s)
{
    return jeff_handle_of(s->heap, s->address) == s->handle;
}

static bool call_compact(struct scene *s)
{
    return jeff_compact(s->heap, 0) != JEFF_STOP_BUSY || jeff_compact(s->heap, 1) != JEFF_STOP_BUSY;
}

static bool call_compact_goal(struct scene *s)
{
    struct jeff_report report = {.stop = JEFF_STOP_DONE, .moved_bytes = 77};
    const enum jeff_stop stop = jeff_compact_goal(s->heap, &(struct jeff_goal){.wanted_bytes = 5000}, &report);
    assert_int_equal(report.stop, stop);
    assert_true(stop != JEFF_STOP_BUSY || report.moved_bytes == 0);
    return stop != JEFF_STOP_BUSY || jeff_compact_goal(s->heap, NULL, NULL) != JEFF_STOP_BUSY;
}

static bool call_stats(struct scene *s)
{
    stats_of(s->heap);
    return true;
}

static bool call_walk(struct scene *s)
{
    s->visits = 0;
    jeff_walk(s->heap, visit_block, NULL);
    return s->visits > 0;
}

static bool call_pins(struct scene *s)
{
    s->visits = 0;
    jeff_pins(s->heap, visit_pin, NULL);
    return s->visits > 0;
}

static bool call_check(struct scene *s)
{
    return jeff_check(s->heap, NULL) == JEFF_OK;
}

static bool call_last_status(struct scene *s)
{
    jeff_last_status(s->heap);
    return true;
}

/// What becomes of a call.
enum outcome {
    WORKS,   ///< and changes nothing
    CHANGES, ///< works, and changes the heap
    BUSY,
    STALE, ///< no handle is live: JEFF_ERROR_HANDLE
    EMPTY, ///< no handle is live, and there is no way to say so but 0 or NULL
};

struct call {
    const char *name;
    bool (*call)(struct scene *);
    enum outcome in_moved, in_low_memory, when_destroyed;
};

static const struct call calls[] = {
    {"jeff_strerror", call_strerror, WORKS, WORKS, WORKS},
    {"jeff_init", call_init, WORKS, WORKS, WORKS}, // of another heap
    {"jeff_create", call_create, WORKS, WORKS, WORKS},
    {"jeff_destroy", call_destroy, BUSY, BUSY, WORKS},
    {"jeff_malloc", call_malloc, BUSY, BUSY, BUSY},
    {"jeff_calloc", call_calloc, BUSY, BUSY, BUSY},
    {"jeff_aligned_alloc", call_aligned_alloc, BUSY, BUSY, BUSY},
    {"jeff_resize", call_resize, BUSY, BUSY, STALE},
    {"jeff_lock", call_lock, CHANGES, CHANGES, STALE},
    {"jeff_weak_lock", call_weak_lock, WORKS, WORKS, STALE},
    {"jeff_settle", call_settle, BUSY, BUSY, BUSY},
    {"jeff_lock_count", call_lock_count, WORKS, WORKS, WORKS},
    {"jeff_usable_size", call_usable_size, WORKS, WORKS, EMPTY},
    {"jeff_extent", call_extent, WORKS, WORKS, EMPTY},
    {"jeff_run_needed", call_run_needed, WORKS, WORKS, WORKS},
    {"jeff_handle_of", call_handle_of, WORKS, WORKS, EMPTY},
    {"jeff_compactions", call_compactions, WORKS, WORKS, WORKS},
    {"jeff_compact", call_compact, BUSY, BUSY, BUSY},
    {"jeff_compact_goal", call_compact_goal, BUSY, BUSY, BUSY},
    {"jeff_stats", call_stats, WORKS, WORKS, WORKS},
    {"jeff_walk", call_walk, BUSY, WORKS, BUSY},
    {"jeff_pins", call_pins, BUSY, WORKS, BUSY}, // of the block that jeff_lock() locked above
    {"jeff_check", call_check, BUSY, WORKS, BUSY},
    {"jeff_last_status", call_last_status, WORKS, WORKS, WORKS},
    {"jeff_unlock", call_unlock, CHANGES, CHANGES, STALE},
    {"jeff_set_purgeable", call_set_purgeable, CHANGES, CHANGES, STALE},
    {"jeff_free", call_free, CHANGES, CHANGES, STALE},
};

enum { CALLS = sizeof calls / sizeof calls[0] };

/* Comparing */

static unsigned char image[HEAP];

static void take_image(const jeff_heap *heap)
{
    raw_copy(image, heap, HEAP);
}

/// All but what tells of the refusal itself: the last status, and how many requests were refused.
static bool is_unchanged(jeff_heap *heap)
{
    unsigned char *status = image + offsetof(struct jeff_heap, last_status);
    raw_copy(status, &heap->last_status, sizeof heap->last_status);
    raw_copy(image + offsetof(struct jeff_heap, refusals), &heap->refusals, sizeof heap->refusals);
    return raw_difference(image, heap, HEAP) == HEAP;
}

static void assert_outcome(struct scene *s, const struct call *call, enum outcome expected)
{
    s->heap->last_status = JEFF_OK;
    take_image(s->heap);
    const bool works = call->call(s);
    const enum jeff_status status = jeff_last_status(s->heap);
    const bool changes = !is_unchanged(s->heap);
    const enum jeff_status wanted = expected == BUSY    ? JEFF_ERROR_BUSY
                                    : expected == STALE ? JEFF_ERROR_HANDLE
                                                        : JEFF_OK;
    const bool must_work = expected == WORKS || expected == CHANGES || call->call == call_destroy; // which cannot say
    if (works != must_work || status != wanted || changes != (expected == CHANGES))
        fail_msg("%s: %s, %s the heap, status: %s", call->name, works ? "works" : "fails",
                 changes ? "changes" : "leaves", jeff_strerror(status));
}

/* Tests */

/// All names that are followed by a parenthesis in the header, its comments aside.
static void no_function_of_the_header_is_missing_here(void **state)
{
    (void)state;
    char path[4096];
    const char *name = strrchr(__FILE__, '/');
    assert_true(name != NULL && (size_t)snprintf(path, sizeof path, "%.*s/../include/jeff.h", (int)(name - __FILE__),
                                                 __FILE__) < sizeof path);
    FILE *header = fopen(path, "r");
    if (header == NULL)
        skip(); // the tests run without their sources
    size_t declared = 0;
    char line[512];
    while (fgets(line, sizeof line, header) != NULL) {
        line[strcspn(line, "/")] = '\0';
        for (char *at = line; (at = strstr(at, "jeff_")) != NULL;) {
            const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            bool is_known = at[length] != '(';
            declared += !is_known;
            for (size_t i = 0; i < CALLS; i++)
                is_known |= strlen(calls[i].name) == length && strncmp(calls[i].name, at, length) == 0;
            if (!is_known)
                fail_msg("%.*s() is not in the table of this test", (int)length, at);
            at += length;
        }
    }
    fclose(header);
    assert_int_equal(declared, CALLS);
}

static jeff_heap *full_heap(const struct jeff_config *config)
{
    scene = (struct scene){.heap = heap_with(HEAP, config), .was_called = true};
    scene.count = fill_heap(scene.heap, 150, scene.handles, MANY);
    assert_true(scene.count > 20 && scene.count < MANY);
    scene.was_called = false;
    return scene.heap;
}

static void assert_whole_from(size_t first)
{
    for (size_t i = first; i < scene.count; i++) {
        if (scene.handles[i] != JEFF_NULL)
            assert_marked(scene.heap, scene.handles[i], 150, (unsigned)i);
    }
    assert_sound(scene.heap);
}

static void call_all_from_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    (void)context;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    if (scene.was_called || ++scene.moves < 5)
        return;
    scene.was_called = true;
    // About the block that has moved, about one above that is still to be moved, and about one below that has moved before.
    const size_t about[] = {scene.count - 3, 1};
    for (size_t i = 0; i < 3; i++) {
        scene.handle = i == 0 ? handle : scene.handles[about[i - 1]];
        scene.address = jeff_weak_lock(scene.heap, scene.handle);
        for (size_t k = 0; k < CALLS; k++)
            assert_outcome(&scene, &calls[k], calls[k].in_moved);
        for (size_t k = 0; k < scene.count; k++) {
            if (scene.handles[k] == scene.handle)
                scene.handles[k] = JEFF_NULL;
        }
    }
}

static void moved_may_do_what_the_header_says_and_no_more(void **state)
{
    (void)state;
    const struct jeff_config config = {.moved = call_all_from_moved};
    for (unsigned way = 0; way < 3; way++) {
        jeff_heap *heap = full_heap(&config);
        for (size_t i = 0; i < scene.count; i += 2) {
            assert_true(jeff_free(heap, scene.handles[i]));
            scene.handles[i] = JEFF_NULL;
        }
        if (scene.handles[scene.count - 3] == JEFF_NULL)
            scene.handles[scene.count - 3] = marked_block(heap, 150, (unsigned)scene.count - 3);
        // By compaction, by compaction with a goal, by a request's last resort.
        if (way == 0)
            jeff_compact(heap, 0);
        else if (way == 1)
            jeff_compact_goal(heap, NULL, NULL);
        else
            assert_true(jeff_malloc(heap, 2000) != JEFF_NULL);
        assert_true(scene.was_called);
        assert_whole_from(0);
        jeff_compact(heap, 0);
        assert_whole_from(0);
    }
}

static bool call_all_from_low_memory(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    if (scene.was_called)
        return false;
    scene.was_called = true;
    scene.handle = scene.handles[5];
    scene.address = jeff_weak_lock(scene.heap, scene.handle);
    for (size_t i = 0; i < CALLS; i++)
        assert_outcome(&scene, &calls[i], calls[i].in_low_memory);
    scene.handles[5] = JEFF_NULL;
    return true;
}

static void low_memory_may_do_what_the_header_says_and_no_more(void **state)
{
    (void)state;
    const struct jeff_config config = {.low_memory = call_all_from_low_memory};
    for (unsigned way = 0; way < 2; way++) {
        jeff_heap *heap = full_heap(&config);
        if (way == 0)
            assert_true(jeff_malloc(heap, 150) != JEFF_NULL); // what the callback frees
        else
            assert_false(jeff_resize(heap, scene.handles[0], 3000));
        assert_true(scene.was_called);
        assert_whole_from(0);
    }
}

static bool check_from_low_memory(void *context, size_t bytes)
{
    (void)context;
    (void)bytes;
    scene.was_called = true;
    assert_checked(scene.heap);
    assert_int_equal(stats_of(scene.heap).mapped_blocks, 1);
    return false;
}

/// The pages of a block are there before its slot is.
static void the_heap_is_sound_when_memory_is_low_for_a_block_with_own_pages(void **state)
{
    (void)state;
    const struct jeff_config config = {.low_memory = check_from_low_memory, .own_mapping = 4096};
    scene = (struct scene){.heap = jeff_create(64 * KIB, &config, NULL)};
    assert_non_null(scene.heap);
    jeff_handle large = marked_block(scene.heap, 5000, 1);
    while (jeff_malloc(scene.heap, 1000) != JEFF_NULL)
        continue;
    while (jeff_malloc(scene.heap, 1) != JEFF_NULL)
        continue;
    scene.was_called = false;
    assert_true(jeff_malloc(scene.heap, 5000) == JEFF_NULL);
    assert_true(scene.was_called);
    assert_int_equal(jeff_last_status(scene.heap), JEFF_ERROR_NO_MEMORY);
    assert_marked(scene.heap, large, 5000, 1);
    assert_checked(scene.heap);
    jeff_destroy(scene.heap);
}

static void a_destroyed_heap_refuses_every_call(void **state)
{
    (void)state;
    jeff_heap *heap = full_heap(NULL);
    for (size_t i = 0; i < scene.count; i += 2)
        assert_non_null(jeff_lock(heap, scene.handles[i]));
    assert_true(jeff_free(heap, scene.handles[1]));
    scene.address = jeff_weak_lock(heap, scene.handles[2]);
    jeff_destroy(heap);
    for (size_t i = 0; i < scene.count; i++) {
        scene.handle = scene.handles[i];
        for (size_t k = 0; k < CALLS; k++)
            assert_outcome(&scene, &calls[k], calls[k].when_destroyed);
    }
    assert_true(jeff_free(heap, JEFF_NULL));
    assert_guards_whole();
}

static void a_heap_of_its_own_pages_can_be_destroyed_with_locked_blocks(void **state)
{
    (void)state;
    const struct jeff_config config = {.own_mapping = 4096};
    for (unsigned round = 0; round < 10; round++) {
        jeff_heap *heap = jeff_create(256 * MIB, &config, NULL);
        assert_non_null(heap);
        for (unsigned i = 0; i < 50; i++)
            assert_non_null(jeff_lock(heap, marked_block(heap, (size_t)i * 500, i)));
        jeff_destroy(heap);
    }
}

/* Misuse of handles, in heaps of any age */

static const struct call *const about_handles[] = {
    &(const struct call){"jeff_resize", call_resize, STALE, STALE, STALE},
    &(const struct call){"jeff_lock", call_lock, STALE, STALE, STALE},
    &(const struct call){"jeff_weak_lock", call_weak_lock, STALE, STALE, STALE},
    &(const struct call){"jeff_unlock", call_unlock, STALE, STALE, STALE},
    &(const struct call){"jeff_settle", call_settle, STALE, STALE, STALE},
    &(const struct call){"jeff_set_purgeable", call_set_purgeable, STALE, STALE, STALE},
    &(const struct call){"jeff_free", call_free, STALE, STALE, STALE},
    &(const struct call){"jeff_usable_size", call_usable_size, EMPTY, EMPTY, EMPTY},
    &(const struct call){"jeff_extent", call_extent, EMPTY, EMPTY, EMPTY},
    &(const struct call){"jeff_lock_count", call_lock_count, WORKS, WORKS, WORKS},
};

static void assert_stale(jeff_handle handle)
{
    scene.handle = handle;
    for (size_t i = 0; i < sizeof about_handles / sizeof about_handles[0]; i++)
        assert_outcome(&scene, about_handles[i], about_handles[i]->in_moved);
}

static void assert_refused_with(bool (*call)(struct scene *), jeff_handle handle, enum jeff_status why)
{
    scene.handle = handle;
    take_image(scene.heap);
    assert_false(call(&scene));
    assert_int_equal(jeff_last_status(scene.heap), why);
    assert_true(is_unchanged(scene.heap));
}

/// The slot of that handle has had so many lives before: what 2^32 and some allocations would come to.
static jeff_handle aged(jeff_handle handle, uint32_t gen)
{
    entry_at(scene.heap, slot_of(handle))->gen = gen;
    return (handle & ~(jeff_handle)UINT32_MAX) | gen;
}

static void misuse_in_a_heap_of_age(uint32_t gen)
{
    full_heap(NULL);
    jeff_heap *heap = scene.heap;
    const jeff_handle young = scene.handles[7];
    for (size_t i = 0; i < scene.count && gen; i++)
        scene.handles[i] = aged(scene.handles[i], gen);

    // Stale, freed twice: in slots that are cached, bare, retired, in use again.
    const jeff_handle gone = scene.handles[3];
    assert_true(jeff_free(heap, gone));
    assert_stale(gone);
    const jeff_handle next = jeff_malloc(heap, 150);
    assert_true(next != gone);
    assert_stale(gone);
    scene.handles[3] = next;
    if (gen)
        assert_stale(young);
    for (size_t i = scene.count - 8; i < scene.count; i++) {
        const jeff_handle handle = scene.handles[i];
        assert_true(jeff_free(heap, handle));
        assert_stale(handle);
        jeff_compact(heap, 0);
        assert_stale(handle);
        scene.handles[i] = JEFF_NULL;
    }
    for (unsigned bit = 0; bit < 64; bit++) // every one of them is another heap's, or nobody's
        assert_stale(scene.handles[9] ^ (jeff_handle)1 << bit ^ (bit >= HANDLE_SLOT ? 2 : 0));

    const jeff_handle block = scene.handles[9];
    assert_refused_with(call_unlock, block, JEFF_ERROR_NOT_LOCKED);
    for (unsigned i = 0; i < JEFF_LOCK_MAX; i++)
        assert_non_null(jeff_lock(heap, block));
    assert_refused_with(call_lock, block, JEFF_ERROR_LOCK_LIMIT);
    assert_refused_with(call_free, block, JEFF_ERROR_LOCKED);
    for (unsigned i = 0; i < JEFF_LOCK_MAX; i++)
        assert_true(jeff_unlock(heap, block));
    assert_refused_with(call_unlock, block, JEFF_ERROR_NOT_LOCKED);
    assert_checked(heap);
}

static void misuse_changes_nothing(void **state)
{
    (void)state;
    misuse_in_a_heap_of_age(0);
}

static void misuse_changes_nothing_after_all_generations_but_some(void **state)
{
    (void)state;
    misuse_in_a_heap_of_age(UINT32_MAX - 2);
    misuse_in_a_heap_of_age(UINT32_MAX); // the slots retire as they are freed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_function_of_the_header_is_missing_here),
        cmocka_unit_test(moved_may_do_what_the_header_says_and_no_more),
        cmocka_unit_test(low_memory_may_do_what_the_header_says_and_no_more),
        cmocka_unit_test(the_heap_is_sound_when_memory_is_low_for_a_block_with_own_pages),
        cmocka_unit_test(a_destroyed_heap_refuses_every_call),
        cmocka_unit_test(a_heap_of_its_own_pages_can_be_destroyed_with_locked_blocks),
        cmocka_unit_test(misuse_changes_nothing),
        cmocka_unit_test(misuse_changes_nothing_after_all_generations_but_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
