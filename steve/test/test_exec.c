/// The executor: what ops do, what repeats, and what a purged block and a lazy heap are. The driver under it is the well-behaved `hostile`,
/// or Jeff's.
#include "steve/test/exec_test.h"

/// Runs an episode of random ops. @return its digest
static uint64_t run(struct steve_exec *exec, uint64_t seed, size_t count)
{
    begin(exec);
    for (size_t i = 0; i < count; i++) {
        if (steve_exec_step(exec, random_op(&seed)) == STEVE_FOUND) {
            break;
        }
    }
    if (steve_exec_end(exec) == STEVE_FOUND) {
        const struct steve_finding *finding = steve_exec_finding(exec);
        fail_msg("op %llu: %s: %s", (unsigned long long)finding->op, steve_oracle_name(finding->oracle), finding->what);
    }
    return steve_exec_digest(exec);
}

static void an_op_that_does_not_apply_is_skipped(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_FREE, 1, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_UNLOCK, 1, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_PURGEABLE, 1, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_FREE_STALE, 1, 0), STEVE_SKIPPED);
    uint64_t digest = steve_exec_digest(exec);
    assert_int_equal(step(exec, 0xff, 1, 0), STEVE_SKIPPED);
    assert_int_equal(steve_exec_digest(exec), digest);
    assert_int_equal(steve_exec_counts(exec)->ops, 6);
    assert_int_equal(steve_exec_counts(exec)->by_kind[STEVE_KIND_MALLOC][STEVE_SKIPPED], 1);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

static void refusals_are_told_apart(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_PARANOID);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 30000), STEVE_REFUSED);
    assert_int_equal(steve_exec_step(exec, (struct steve_op){.code = STEVE_OP_CALLOC, .size_class = STEVE_SIZE_MAX}),
                     STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 15000), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_FREE, 0, 0), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 30000), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 10), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

static void sizes_resolve_as_their_classes_say(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_LIGHT);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 7, 300), STEVE_DONE);
    const struct {
        struct steve_op op;
        size_t bytes;
    } cases[] = {
        {{.size_class = STEVE_SIZE_ABSOLUTE, .delta = -1, .arg = 2}, 2 * 65536 + 65535},
        {{.size_class = STEVE_SIZE_POWER + 12, .delta = -1}, 4095},
        {{.size_class = STEVE_SIZE_POWER + 3, .delta = -100}, 0},
        {{.size_class = STEVE_SIZE_POWER + 63, .delta = 5},
         SIZE_MAX > UINT32_MAX ? (size_t)(((uint64_t)1 << 63) + 5) : SIZE_MAX},
        {{.size_class = STEVE_SIZE_HEAP}, 20000},
        {{.size_class = STEVE_SIZE_HEAP + 3, .delta = 1}, 6667},
        {{.size_class = STEVE_SIZE_OF_SLOT, .arg = 7, .delta = -1}, 299},
        {{.size_class = STEVE_SIZE_OF_SLOT, .arg = 8, .delta = 4}, 4},
        {{.size_class = STEVE_SIZE_MAX, .delta = -1}, SIZE_MAX - 65535},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(steve_view_resolve_size(exec, cases[i].op), cases[i].bytes);
    }
    steve_exec_free(exec);
}

static void the_view_ranks_blocks_by_address(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    uint64_t seed = 11;
    begin(exec);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_not_equal(steve_exec_step(exec, random_op(&seed)), STEVE_FOUND);
        for (size_t rank = 1; rank < steve_view_live_count(exec); rank++) {
            assert_true(steve_view_address(exec, steve_view_slot_by_address(exec, rank - 1)) <
                        steve_view_address(exec, steve_view_slot_by_address(exec, rank)));
        }
    }
    steve_exec_free(exec);
}

static void random_ops_on_good_drivers_find_nothing(void **state)
{
    (void)state;
    const struct steve_driver *const drivers[] = {&steve_driver_hostile, &steve_driver_libc};
    for (size_t d = 0; d < 2; d++) {
        struct steve_exec *exec = new_exec(drivers[d], STEVE_CHECK_NORMAL);
        for (uint64_t seed = 1; seed < 60; seed++) {
            run(exec, seed, 500);
        }
        steve_exec_free(exec);
    }
}

static void the_same_ops_give_the_same_digest(void **state)
{
    (void)state;
    const char *why;
    struct steve_exec *first = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    struct steve_exec *shifted = steve_exec_new(
        &(struct steve_exec_config){.driver = &steve_driver_hostile, .level = STEVE_CHECK_NORMAL, .base_slot = 1},
        &why);
    struct steve_exec *unchecked =
        steve_exec_new(&(struct steve_exec_config){.driver = &steve_driver_hostile, .unchecked = true}, &why);
    for (uint64_t seed = 1; seed < 20; seed++) {
        uint64_t digest = run(first, seed, 400);
        uint64_t offsets = steve_exec_offset_digest(first);
        assert_int_equal(run(shifted, seed, 400), digest);
        assert_int_equal(steve_exec_offset_digest(shifted), offsets);
        assert_int_equal(run(unchecked, seed, 400), digest);
        assert_int_equal(run(first, seed, 400), digest);
        assert_int_not_equal(run(first, seed, 380), digest);
    }
    steve_exec_free(first);
    steve_exec_free(shifted);
    steve_exec_free(unchecked);
}

static unsigned closed;

static void close_counted(void *heap)
{
    closed++;
    steve_driver_hostile.close(heap);
}

static void an_executor_with_another_driver_is_as_good_as_new(void **state)
{
    (void)state;
    const struct steve_driver *const drivers[] = {&steve_driver_jeff, &steve_driver_hostile, &steve_driver_jeff_mapped};
    struct steve_exec *turns = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    for (uint64_t seed = 0; seed < 12; seed++) {
        const struct steve_driver *driver = drivers[seed % 3];
        struct steve_exec *fresh = new_exec(driver, STEVE_CHECK_NORMAL);
        const uint64_t expected = run(fresh, seed, 300);
        steve_exec_drive(turns, driver);
        assert_int_equal(run(turns, seed, 300), expected);
        assert_int_equal(steve_exec_offset_digest(turns), steve_exec_offset_digest(fresh));
        steve_exec_free(fresh);
    }
    steve_exec_free(turns);
}

static void a_driver_closes_its_heaps_before_another_takes_over(void **state)
{
    (void)state;
    struct steve_driver counted = steve_driver_hostile;
    counted.close = close_counted;
    struct steve_exec *exec = new_exec(&counted, STEVE_CHECK_NORMAL);
    begin(exec);
    step(exec, STEVE_OP_MALLOC, 0, 100);
    step(exec, STEVE_OP_LOCK_FOREIGN, 0, 0);
    steve_exec_drive(exec, &steve_driver_jeff);
    assert_int_equal(closed, 2);
    begin(exec);
    assert_int_equal(steve_view_live_count(exec), 0);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 100), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
    assert_int_equal(closed, 2);
}

static void a_purged_block_is_live_without_memory_until_it_is_resized(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_jeff, STEVE_CHECK_PARANOID);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 12000), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 12000), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_PURGEABLE, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 12000), STEVE_DONE);
    assert_true(steve_view_live(exec, 0));
    assert_int_equal(steve_view_address(exec, 0), 0);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_WRITE, 0, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

static void the_same_ops_write_the_same_bytes(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    unsigned char seen[2][100];
    for (size_t round = 0; round < 2; round++) {
        begin(exec);
        assert_int_equal(step(exec, STEVE_OP_MALLOC, 2, 100), STEVE_DONE);
        memcpy(seen[round], (const void *)steve_view_address(exec, 2), sizeof seen[round]);
        assert_int_equal(step(exec, STEVE_OP_WRITE, 2, 0), STEVE_DONE);
        assert_memory_not_equal(seen[round], (const void *)steve_view_address(exec, 2), sizeof seen[round]);
        assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    }
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    steve_exec_free(exec);
}

static void a_run_may_end_anywhere_and_begin_again(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    uint64_t digest = run(exec, 5, 300);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 9, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 9, 0), STEVE_DONE);
    assert_int_equal(run(exec, 5, 300), digest); // without an end in between
    steve_exec_free(exec);
}

static void oracles_have_names_that_lead_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STEVE_ORACLE_COUNT; i++) {
        assert_int_equal(steve_oracle_by_name(steve_oracle_name((enum steve_oracle)i)), i);
        assert_true(strlen(steve_oracle_holds_when((enum steve_oracle)i)) > 10);
    }
    assert_int_equal(steve_oracle_by_name("none"), STEVE_ORACLE_COUNT);
}

/// More than anybody could fill, where there is as much address space.
#define LAZY_BYTES ((size_t)1 << (sizeof(size_t) > 4 ? 36 : 29))

/// Of memory that is only mapped a compaction would touch all.
static void nothing_moves_while_huge_blocks_lie_unlocked_in_a_lazy_heap(void **state)
{
    (void)state;
    if (sizeof(size_t) <= 4) {
        skip();
    }
    const struct steve_header lazy = {.heap_bytes = LAZY_BYTES};
    const uint32_t huge = 3u << 30;
    struct steve_exec *exec = new_exec(steve_catalog_by_name(&steve_drivers, "jeff"), STEVE_CHECK_NORMAL);
    const char *why = NULL;
    assert_true(steve_exec_begin(exec, &lazy, &why));
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, huge), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_COMPACT_GOAL, 0, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, huge), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_FREE, 1, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

/// Megabytes that move often are as good as gigabytes: each place that they come to is touched.
static void what_moved_in_a_lazy_heap_counts(void **state)
{
    (void)state;
    if (sizeof(size_t) <= 4) {
        skip();
    }
    const struct steve_header lazy = {.heap_bytes = LAZY_BYTES};
    const uint32_t large = 100u << 20;
    struct steve_exec *exec = new_exec(steve_catalog_by_name(&steve_drivers, "jeff"), STEVE_CHECK_NORMAL);
    const char *why = NULL;
    assert_true(steve_exec_begin(exec, &lazy, &why));
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, large), STEVE_DONE);
    uint16_t lower = 0;
    unsigned moved = 0;
    // The lower of two is freed and the other slides to its place.
    while (moved < 100 && step(exec, STEVE_OP_MALLOC, 1 - lower, large) == STEVE_DONE) {
        assert_int_equal(step(exec, STEVE_OP_FREE, lower, 0), STEVE_DONE);
        assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_DONE);
        lower = 1 - lower;
        moved++;
    }
    assert_in_range(moved, 3, 5);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_that_does_not_apply_is_skipped),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(sizes_resolve_as_their_classes_say),
        cmocka_unit_test(the_view_ranks_blocks_by_address),
        cmocka_unit_test(random_ops_on_good_drivers_find_nothing),
        cmocka_unit_test(the_same_ops_give_the_same_digest),
        cmocka_unit_test(an_executor_with_another_driver_is_as_good_as_new),
        cmocka_unit_test(a_driver_closes_its_heaps_before_another_takes_over),
        cmocka_unit_test(a_purged_block_is_live_without_memory_until_it_is_resized),
        cmocka_unit_test(the_same_ops_write_the_same_bytes),
        cmocka_unit_test(a_run_may_end_anywhere_and_begin_again),
        cmocka_unit_test(oracles_have_names_that_lead_back),
        cmocka_unit_test(nothing_moves_while_huge_blocks_lie_unlocked_in_a_lazy_heap),
        cmocka_unit_test(what_moved_in_a_lazy_heap_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
