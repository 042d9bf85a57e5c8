/// Tests of asking a heap for the largest request: the answer is one that the heap gives, and the heap knows nothing of it.
#include "steve/cli/bench_room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"

#define KIB     ((size_t)1024)
#define HEAP    (256 * KIB)
#define STEP    (HEAP / 512 + 1)
#define SECONDS UINT64_C(1000000000)

static const char *const names[] = {"freelist", "buddy", "jeff", "freelist-mmap", "libc"};

enum { NAMES = sizeof names / sizeof *names };

/// A heap with holes that lie apart: every other block of 8 KiB is freed. Ready to be asked.
static void open_with_holes(struct bench_room *room, struct bench_heap *heap, const char *name)
{
    assert_true(bench_room_open(room, 100 * SECONDS));
    const struct steve_driver *driver = steve_catalog_by_name(&steve_drivers, name);
    steve_ref ref[12];
    assert_true(bench_heap_open(heap, driver, HEAP));
    for (int i = 0; i < 12; i++)
        assert_true((ref[i] = bench_heap_make(driver, heap->heap, 8 * KIB)) != 0);
    for (int i = 0; i < 12; i += 2)
        assert_true(driver->free(heap->heap, ref[i]));
}

static bool serves(const struct bench_heap *heap, size_t bytes)
{
    const steve_ref ref = heap->driver->malloc(heap->heap, bytes);
    return ref && heap->driver->free(heap->heap, ref);
}

static void in_a_region_the_largest_is_served_and_a_larger_one_is_not(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct bench_room room;
        struct bench_heap heap;
        open_with_holes(&room, &heap, names[i]);
        if (heap.driver->promises & STEVE_PROMISE_REGION) {
            const size_t largest = bench_room_largest(&room, &heap, HEAP);
            assert_true(largest > 0 && serves(&heap, largest));
            assert_false(serves(&heap, largest + STEP));
        }
        bench_heap_close(&heap);
    }
}

static void where_it_begins_to_ask_makes_no_difference(void **state)
{
    (void)state;
    struct bench_room room;
    struct bench_heap heap;
    open_with_holes(&room, &heap, "freelist");
    const size_t largest = bench_room_largest(&room, &heap, HEAP);
    const double shares[] = {0, 0.3, room.share - 0.001, room.share, room.share + 0.001, 0.9, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        room.share = shares[i];
        const size_t again = bench_room_largest(&room, &heap, HEAP);
        assert_true(again <= largest + STEP && largest <= again + STEP);
    }
    bench_heap_close(&heap);
}

static void asking_leaves_the_heap_as_it_is(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct bench_room room;
        struct bench_heap heap;
        open_with_holes(&room, &heap, names[i]);
        const uint64_t moves = heap.driver->moves ? heap.driver->moves(heap.heap) : 0;
        struct steve_stats before = {0}, after = {0};
        if (heap.driver->stats)
            heap.driver->stats(heap.heap, &before);
        assert_true(bench_room_largest(&room, &heap, HEAP / 2) <= HEAP / 2);
        if (heap.driver->stats)
            heap.driver->stats(heap.heap, &after);
        assert_memory_equal(&before, &after, sizeof before);
        if (heap.driver->moves)
            assert_int_equal(heap.driver->moves(heap.heap), moves);
        bench_heap_close(&heap);
    }
}

static void nothing_is_told_when_the_time_is_up(void **state)
{
    (void)state;
    struct bench_room room;
    struct bench_heap heap;
    open_with_holes(&room, &heap, "freelist");
    room.until_ns = 0;
    assert_true(bench_room_largest(&room, &heap, HEAP) == BENCH_ROOM_UNKNOWN);
    bench_heap_close(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_region_the_largest_is_served_and_a_larger_one_is_not),
        cmocka_unit_test(where_it_begins_to_ask_makes_no_difference),
        cmocka_unit_test(asking_leaves_the_heap_as_it_is),
        cmocka_unit_test(nothing_is_told_when_the_time_is_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
