/// The five functions of rmalloc.h, over the one default heap of the process.
#include "rmalloc.h"

#include "heap_test.h"

enum { MANY = 2000 };
static handle_t *cells[MANY];

static void write_mark(handle_t *cell, size_t bytes, unsigned mark)
{
    unsigned char *p = lock(*cell);
    assert_non_null(p);
    for (size_t i = 0; i < bytes; i++) {
        p[i] = mark_at(mark, i);
    }
    unlock(*cell);
}

static void assert_mark(handle_t *cell, size_t bytes, unsigned mark)
{
    const unsigned char *p = lock(*cell);
    assert_non_null(p);
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(p[i], mark_at(mark, i));
    }
    unlock(*cell);
}

static void make_many(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        cells[i] = rmmalloc(i % 500);
        assert_non_null(cells[i]);
        write_mark(cells[i], i % 500, i);
    }
}

static void free_many(unsigned from, unsigned step)
{
    for (unsigned i = from; i < MANY; i += step) {
        rmfree(cells[i]);
    }
}

static void contents_survive_compaction(void **state)
{
    (void)state;
    make_many();
    free_many(0, 2);
    compact(0);
    compact(1);
    for (unsigned i = 1; i < MANY; i += 2) {
        assert_mark(cells[i], i % 500, i);
    }
    free_many(1, 2);
}

static void cells_stay_where_they_are_and_differ(void **state)
{
    (void)state;
    static handle_t before[MANY];
    make_many();
    for (unsigned i = 0; i < MANY; i++) {
        before[i] = *cells[i];
    }
    handle_t *more[100];
    for (unsigned i = 0; i < 100; i++) {
        more[i] = rmmalloc(100000);
        assert_non_null(more[i]);
    }
    compact(0);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(*cells[i] == before[i]);
        assert_true(i == 0 || cells[i] != cells[i - 1]);
        assert_true(i == 0 || before[i] != before[i - 1]);
    }
    for (unsigned i = 0; i < 100; i++) {
        rmfree(more[i]);
    }
    free_many(0, 1);
}

static void a_locked_block_stays_and_locks_nest(void **state)
{
    (void)state;
    make_many();
    handle_t pinned = *cells[MANY - 1];
    void *address = lock(pinned);
    assert_ptr_equal(lock(pinned), address);
    free_many(0, 2);
    compact(0);
    unlock(pinned);
    compact(0);
    assert_ptr_equal(lock(pinned), address);
    unlock(pinned);
    unlock(pinned);
    assert_mark(cells[MANY - 1], (MANY - 1) % 500, MANY - 1);
    free_many(1, 2);
}

static void a_locked_block_can_be_freed(void **state)
{
    (void)state;
    handle_t *cell = rmmalloc(100);
    handle_t handle = *cell;
    assert_non_null(lock(handle));
    assert_non_null(lock(handle));
    rmfree(cell);
    assert_null(lock(handle));
    unlock(handle); // stale: nothing happens
}

static void misuse_does_nothing(void **state)
{
    (void)state;
    rmfree(NULL);
    assert_null(lock(0));
    unlock(0);
    assert_null(lock(UINT64_MAX));
    unlock(UINT64_MAX);
    handle_t *cell = rmmalloc(64);
    write_mark(cell, 64, 1);
    unlock(*cell); // without a lock
    assert_mark(cell, 64, 1);
    handle_t *freed = rmmalloc(64);
    rmfree(freed);
    rmfree(freed); // silently refused
    assert_mark(cell, 64, 1);
    rmfree(cell);
}

static void freeing_twice_frees_no_other_block(void **state)
{
    (void)state;
    handle_t *freed = rmmalloc(64);
    rmfree(freed);
    rmfree(freed);
    handle_t *first = rmmalloc(64);
    handle_t *second = rmmalloc(64);
    assert_true(first != second);
    write_mark(first, 64, 1);
    write_mark(second, 64, 2);
    assert_mark(first, 64, 1);
    assert_mark(second, 64, 2);
    rmfree(first);
    rmfree(second);
}

static void empty_and_impossible_blocks(void **state)
{
    (void)state;
    handle_t *empty = rmmalloc(0);
    assert_non_null(empty);
    assert_non_null(lock(*empty));
    unlock(*empty);
    rmfree(empty);
    assert_null(rmmalloc(SIZE_MAX));
    assert_null(rmmalloc(SIZE_MAX - 100));
    assert_null(rmmalloc(SIZE_MAX / 2 + 1));
    handle_t *after = rmmalloc(100); // and goes on working
    assert_non_null(after);
    rmfree(after);
}

static void a_large_block_works(void **state)
{
    (void)state;
    handle_t *large = rmmalloc(20 * MIB);
    assert_non_null(large);
    unsigned char *p = lock(*large);
    p[0] = 1;
    p[20 * MIB - 1] = 2;
    unlock(*large);
    compact(0);
    p = lock(*large);
    assert_int_equal(p[0], 1);
    assert_int_equal(p[20 * MIB - 1], 2);
    unlock(*large);
    rmfree(large);
}

static void many_rounds_do_not_run_out(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        make_many();
        free_many(round % 2, 2);
        compact(1);
        free_many(1 - round % 2, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_survive_compaction),
        cmocka_unit_test(cells_stay_where_they_are_and_differ),
        cmocka_unit_test(a_locked_block_stays_and_locks_nest),
        cmocka_unit_test(a_locked_block_can_be_freed),
        cmocka_unit_test(misuse_does_nothing),
        cmocka_unit_test(freeing_twice_frees_no_other_block),
        cmocka_unit_test(empty_and_impossible_blocks),
        cmocka_unit_test(a_large_block_works),
        cmocka_unit_test(many_rounds_do_not_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
