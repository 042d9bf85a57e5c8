/// Two drivers, one sequence: which outcomes count as a difference, and which the drivers' own statements explain. The drivers
/// are `hostile` and `libc`, here and there with one function exchanged. A finding leaves the first one's heap as it is, so what
/// has memory of its own has none of it live then, or comes second.
#include "steve/core/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"

#define WITHOUT_OWN (1u << STEVE_ORACLE_REFUSAL | 1u << STEVE_ORACLE_ACCOUNT | 1u << STEVE_ORACLE_CAPACITY)

static struct steve_exec *begin_pair(const struct steve_driver *driver, const struct steve_driver *against,
                                     size_t heap_bytes)
{
    const char *why = NULL;
    const struct steve_exec_config config = {.driver = driver, .against = against, .without = WITHOUT_OWN};
    struct steve_exec *exec = steve_exec_new(&config, &why);
    assert_non_null(exec);
    const struct steve_header header = {.heap_bytes = heap_bytes};
    assert_true(steve_exec_begin(exec, &header, &why));
    return exec;
}

static enum steve_outcome step(struct steve_exec *exec, uint8_t code, uint16_t slot, uint32_t bytes)
{
    return steve_exec_step(exec, steve_op_sized(code, slot, bytes));
}

/// A step that is expected to come out so, on both sides together.
struct expected {
    uint8_t code;
    uint16_t slot;
    uint32_t bytes;
    enum steve_outcome outcome;
};

static void assert_steps(struct steve_exec *exec, const struct expected *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const enum steve_outcome outcome = step(exec, steps[i].code, steps[i].slot, steps[i].bytes);
        if (outcome != steps[i].outcome) {
            fail_msg("step %zu: outcome %d, expected %d", i, (int)outcome, (int)steps[i].outcome);
        }
    }
}

#define ASSERT_STEPS(exec, steps) assert_steps(exec, steps, sizeof(steps) / sizeof *(steps))

static void assert_differs(struct steve_exec *exec, uint64_t op, const char *part)
{
    const struct steve_finding *finding = steve_exec_finding(exec);
    assert_int_equal(finding->oracle, STEVE_ORACLE_DIFFERENTIAL);
    assert_int_equal(finding->op, op);
    if (strstr(finding->what, part) == NULL) {
        fail_msg("expected '%s' in: %s", part, finding->what);
    }
    steve_exec_free(exec);
}

static void assert_ends_well(struct steve_exec *exec)
{
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

/// Refuses what is a multiple of 1000.
static steve_ref hostile_that_refuses(void *heap, size_t bytes)
{
    return bytes % 1000 == 0 ? 0 : steve_driver_hostile.malloc(heap, bytes);
}

static steve_ref libc_that_refuses(void *heap, size_t bytes)
{
    return bytes % 1000 == 0 ? 0 : steve_driver_libc.malloc(heap, bytes);
}

static struct steve_driver refusing_hostile(void)
{
    struct steve_driver driver = steve_driver_hostile;
    driver.name = "refusing";
    driver.malloc = hostile_that_refuses;
    return driver;
}

static struct steve_driver refusing_libc(void)
{
    struct steve_driver driver = steve_driver_libc;
    driver.name = "refusing";
    driver.malloc = libc_that_refuses;
    return driver;
}

static void a_refusal_beside_a_free_run_differs_on_either_side(void **state)
{
    (void)state;
    const struct steve_driver refusing = refusing_hostile();
    struct steve_exec *exec = begin_pair(&refusing, &steve_driver_libc, 20000);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 1001), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 1000), STEVE_FOUND);
    assert_differs(exec, 1,
                   "refusing refused a request for 1000 bytes (alignment 0) that libc serves: it needs a run of");

    exec = begin_pair(&steve_driver_jeff, &refusing, 20000);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 1000), STEVE_FOUND);
    assert_differs(exec, 0, "refusing refused a request for 1000 bytes (alignment 0) that jeff serves");
}

static void a_refusal_for_want_of_room_does_not_differ(void **state)
{
    (void)state;
    struct steve_exec *exec = begin_pair(&steve_driver_hostile, &steve_driver_libc, 20000);
    const struct expected steps[] = {
        {STEVE_OP_MALLOC, 0, 15000, STEVE_DONE},
        {STEVE_OP_MALLOC, 1, 15000, STEVE_REFUSED},
        {STEVE_OP_RESIZE, 0, 30000, STEVE_REFUSED},
        // What libc got alone it has no longer: the slots are alike again.
        {STEVE_OP_MALLOC, 1, 100, STEVE_DONE},
        {STEVE_OP_FREE, 0, 0, STEVE_DONE},
        {STEVE_OP_MALLOC, 0, 14000, STEVE_DONE},
    };
    ASSERT_STEPS(exec, steps);
    assert_ends_well(exec);
}

static void without_stated_runs_only_what_was_held_before_counts(void **state)
{
    (void)state;
    const struct steve_driver refusing = refusing_libc();
    struct steve_exec *exec = begin_pair(&refusing, &steve_driver_hostile, 200000);
    const struct expected steps[] = {
        // It may have no more than that, or not beside another, or not that much.
        {STEVE_OP_MALLOC, 0, 1000, STEVE_REFUSED},  {STEVE_OP_MALLOC, 0, 50001, STEVE_DONE},
        {STEVE_OP_MALLOC, 1, 1000, STEVE_REFUSED},  {STEVE_OP_FREE, 0, 0, STEVE_DONE},
        {STEVE_OP_MALLOC, 0, 60000, STEVE_REFUSED}, {STEVE_OP_MALLOC, 0, 1000, STEVE_FOUND},
    };
    ASSERT_STEPS(exec, steps);
    assert_differs(exec, 5, "it holds 0 bytes in 0 blocks, and has held 50001, and as large a block");
}

static steve_ref refuses_nothing_asked_for(void *heap, size_t bytes)
{
    return bytes == 0 ? 0 : steve_driver_libc.malloc(heap, bytes);
}

static void zero_bytes_may_be_refused_where_the_driver_says_so(void **state)
{
    (void)state;
    struct steve_driver refusing = steve_driver_libc;
    refusing.name = "refusing";
    refusing.malloc = refuses_nothing_asked_for;
    refusing.zero_size = STEVE_ZERO_REFUSED;
    struct steve_exec *exec = begin_pair(&steve_driver_hostile, &refusing, 200000);
    const struct expected steps[] = {
        {STEVE_OP_MALLOC, 0, 50000, STEVE_DONE},
        {STEVE_OP_FREE, 0, 0, STEVE_DONE},
        {STEVE_OP_MALLOC, 0, 0, STEVE_DONE},
    };
    ASSERT_STEPS(exec, steps);
    assert_ends_well(exec);
}

static size_t usable_less_one(void *heap, steve_ref ref)
{
    return steve_driver_libc.usable(heap, ref) - 20;
}

static void a_block_that_is_too_small_on_one_side_differs(void **state)
{
    (void)state;
    struct steve_driver less = steve_driver_libc;
    less.name = "less";
    less.usable = usable_less_one;
    struct steve_exec *exec = begin_pair(&steve_driver_hostile, &less, 20000);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 100), STEVE_FOUND);
    assert_differs(exec, 0, "usable in less");
}

static void what_the_second_breaks_alone_is_told_with_its_name(void **state)
{
    (void)state;
    struct steve_exec *exec =
        begin_pair(&steve_driver_jeff, steve_catalog_by_name(&steve_drivers, "hostile-misaligned"), 200000);
    enum steve_outcome outcome = STEVE_DONE;
    for (uint16_t slot = 0; slot < 1000 && outcome == STEVE_DONE; slot++) {
        outcome = step(exec, STEVE_OP_MALLOC, slot, 50);
    }
    assert_int_equal(outcome, STEVE_FOUND);
    assert_int_equal(steve_exec_finding(exec)->oracle, STEVE_ORACLE_ALIGN);
    assert_int_equal(strncmp(steve_exec_finding(exec)->what, "hostile-misaligned: block s", 27), 0);
    assert_int_equal(step(exec, STEVE_OP_FREE, 0, 0), STEVE_FOUND);
    steve_exec_free(exec);
}

static void an_op_that_the_second_lacks_is_skipped_there(void **state)
{
    (void)state;
    struct steve_driver poor = steve_driver_libc;
    poor.name = "poor";
    poor.calloc = NULL;
    poor.resize = NULL;
    struct steve_exec *exec = begin_pair(&steve_driver_jeff, &poor, 200000);
    const struct expected steps[] = {
        {STEVE_OP_CALLOC, 0, 100, STEVE_DONE},
        {STEVE_OP_MALLOC, 1, 100, STEVE_DONE},
        {STEVE_OP_RESIZE, 1, 5000, STEVE_DONE},
        {STEVE_OP_LOCK, 1, 0, STEVE_DONE},
        // And not freed there either.
        {STEVE_OP_FREE, 1, 0, STEVE_REFUSED},
        {STEVE_OP_FREE_STALE, 1, 0, STEVE_SKIPPED},
        {STEVE_OP_UNLOCK, 1, 0, STEVE_DONE},
        {STEVE_OP_COMPACT, 0, 0, STEVE_DONE},
        {STEVE_OP_VERIFY, 1, 0, STEVE_DONE},
        {STEVE_OP_FREE, 0, 0, STEVE_DONE},
        {STEVE_OP_FREE, 1, 0, STEVE_DONE},
    };
    ASSERT_STEPS(exec, steps);
    assert_ends_well(exec);
}

static void the_first_runs_as_if_it_were_alone(void **state)
{
    (void)state;
    const struct steve_driver *freelist = steve_catalog_by_name(&steve_drivers, "freelist");
    uint64_t digests[2];
    for (int paired = 0; paired < 2; paired++) {
        struct steve_exec *exec = begin_pair(&steve_driver_jeff, paired ? freelist : NULL, 4000);
        for (uint16_t i = 0; i < 2000; i++) {
            uint16_t slot = (uint16_t)(i * 7919u % 37);
            assert_int_not_equal(step(exec, i % 3 == 2 ? STEVE_OP_FREE : STEVE_OP_MALLOC, slot, i * 31u % 700),
                                 STEVE_FOUND);
        }
        digests[paired] = steve_exec_offset_digest(exec);
        assert_ends_well(exec);
    }
    assert_true(digests[0] == digests[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_beside_a_free_run_differs_on_either_side),
        cmocka_unit_test(a_refusal_for_want_of_room_does_not_differ),
        cmocka_unit_test(without_stated_runs_only_what_was_held_before_counts),
        cmocka_unit_test(zero_bytes_may_be_refused_where_the_driver_says_so),
        cmocka_unit_test(a_block_that_is_too_small_on_one_side_differs),
        cmocka_unit_test(what_the_second_breaks_alone_is_told_with_its_name),
        cmocka_unit_test(an_op_that_the_second_lacks_is_skipped_there),
        cmocka_unit_test(the_first_runs_as_if_it_were_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
