/// Tests of telling findings apart: what counts for a shape and what does not, and how many findings of one kind are shrunk.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "steve/find/distinct.h"

static struct steve_op op(uint8_t code, uint16_t slot, uint32_t bytes)
{
    return steve_op_sized(code, slot, bytes);
}

static struct steve_found found_of(enum steve_oracle oracle, struct steve_op *ops, size_t count)
{
    struct steve_found found = {.finding = {.oracle = oracle, .op = count - 1}};
    found.sequence.ops = ops;
    found.sequence.count = count;
    return found;
}

static bool same(const struct steve_found *a, const struct steve_found *b)
{
    struct steve_shape left, right;
    assert_true(steve_shape(a, &left));
    assert_true(steve_shape(b, &right));
    bool result = steve_shape_same(&left, &right);
    steve_shape_free(&left);
    steve_shape_free(&right);
    return result;
}

static uint64_t digest(const struct steve_found *found)
{
    struct steve_shape shape;
    assert_true(steve_shape(found, &shape));
    uint64_t result = steve_shape_digest(&shape);
    steve_shape_free(&shape);
    return result;
}

/// Scripts keep it: a change of the figure makes all that they have on record unknown.
static void the_digest_is_of_the_shape_and_stays(void **state)
{
    (void)state;
    struct steve_op a[] = {op(STEVE_OP_MALLOC, 7, 100), op(STEVE_OP_FREE, 7, 0)};
    struct steve_op b[] = {op(STEVE_OP_MALLOC, 1, 9), op(STEVE_OP_FREE, 1, 0)};
    struct steve_op other[] = {op(STEVE_OP_MALLOC, 1, 9), op(STEVE_OP_FREE, 2, 0)};
    struct steve_found found = found_of(STEVE_ORACLE_PIN, a, 2);
    struct steve_found same_shape = found_of(STEVE_ORACLE_PIN, b, 2);
    struct steve_found other_shape = found_of(STEVE_ORACLE_PIN, other, 2);
    assert_int_equal(digest(&found), digest(&same_shape));
    assert_int_not_equal(digest(&found), digest(&other_shape));
    assert_int_equal(digest(&found), UINT64_C(0xcf52a5718b6fe218));
}

static void sizes_and_names_of_slots_make_no_difference(void **state)
{
    (void)state;
    struct steve_op a[] = {op(STEVE_OP_MALLOC, 7, 100), op(STEVE_OP_MALLOC, 3, 20), op(STEVE_OP_FREE, 7, 0)};
    struct steve_op b[] = {op(STEVE_OP_MALLOC, 0, 1), op(STEVE_OP_MALLOC, 1, 9), op(STEVE_OP_FREE, 0, 0)};
    struct steve_found left = found_of(STEVE_ORACLE_PIN, a, 3);
    struct steve_found right = found_of(STEVE_ORACLE_PIN, b, 3);
    assert_true(same(&left, &right));
}

static void oracle_kinds_and_slots_do(void **state)
{
    (void)state;
    struct steve_op a[] = {op(STEVE_OP_MALLOC, 0, 1), op(STEVE_OP_MALLOC, 1, 1), op(STEVE_OP_FREE, 0, 0)};
    struct steve_op other_slot[] = {a[0], a[1], op(STEVE_OP_FREE, 1, 0)};
    struct steve_op other_kind[] = {a[0], op(STEVE_OP_CALLOC, 1, 1), a[2]};
    struct steve_found left = found_of(STEVE_ORACLE_PIN, a, 3);
    struct steve_found right = found_of(STEVE_ORACLE_PIN, other_slot, 3);
    assert_false(same(&left, &right));
    right = found_of(STEVE_ORACLE_PIN, other_kind, 3);
    assert_false(same(&left, &right));
    right = found_of(STEVE_ORACLE_ALIGN, a, 3);
    assert_false(same(&left, &right));
    right = found_of(STEVE_ORACLE_PIN, a, 2);
    assert_false(same(&left, &right));
}

/// The same bug in every episode: the figures in its sentence differ.
static void a_bug_in_every_episode_is_shrunk_seldom(void **state)
{
    (void)state;
    struct steve_distinct distinct = {0};
    struct steve_op ops[] = {op(STEVE_OP_MALLOC, 0, 1), op(STEVE_OP_FREE, 0, 0)};
    unsigned shrunk = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct steve_found found = found_of(STEVE_ORACLE_CONTENT, ops, 2);
        snprintf(found.finding.what, sizeof found.finding.what, "block s%u of %u bytes: byte 0x%x is wrong", i, 2 * i,
                 i * 977);
        size_t entry = steve_distinct_meet(&distinct, &found);
        if (entry == STEVE_DISTINCT_NONE) {
            bool is_new;
            shrunk++;
            assert_int_equal(steve_distinct_add(&distinct, &found, &found, true, &is_new), 0);
            assert_int_equal(is_new, i == 0);
        } else {
            assert_int_equal(entry, 0);
        }
    }
    assert_int_equal(shrunk, 4 + 7); // 1 to 4, 8, 16, 32, ... 512
    assert_int_equal(distinct.count, 1);
    assert_int_equal(distinct.entries[0].count, 1000);
    steve_distinct_free(&distinct);
}

static void what_does_not_shrink_to_the_end_is_one(void **state)
{
    (void)state;
    struct steve_distinct distinct = {0};
    struct steve_op ops[] = {op(STEVE_OP_MALLOC, 0, 1), op(STEVE_OP_FREE, 0, 0), op(STEVE_OP_MALLOC, 0, 1)};
    unsigned shrunk = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct steve_found found = found_of(STEVE_ORACLE_CONTENT, ops, 3);
        struct steve_found best = found_of(STEVE_ORACLE_CONTENT, ops + 2 - i % 2, 1 + i % 2);
        if (steve_distinct_meet(&distinct, &found) == STEVE_DISTINCT_NONE) {
            bool is_new;
            shrunk++;
            steve_distinct_add(&distinct, &found, &best, false, &is_new);
        }
    }
    assert_int_equal(shrunk, 1);
    assert_int_equal(distinct.count, 1);
    assert_int_equal(distinct.entries[0].count, 100);
    steve_distinct_free(&distinct);
}

static void another_oracle_is_shrunk_at_once(void **state)
{
    (void)state;
    struct steve_distinct distinct = {0};
    struct steve_op ops[] = {op(STEVE_OP_MALLOC, 0, 1)};
    bool is_new;
    for (unsigned i = 0; i < 20; i++) {
        struct steve_found found = found_of(STEVE_ORACLE_CONTENT, ops, 1);
        if (steve_distinct_meet(&distinct, &found) == STEVE_DISTINCT_NONE) {
            steve_distinct_add(&distinct, &found, &found, true, &is_new);
        }
    }
    struct steve_found other = found_of(STEVE_ORACLE_PIN, ops, 1);
    assert_int_equal(steve_distinct_meet(&distinct, &other), STEVE_DISTINCT_NONE);
    assert_int_equal(steve_distinct_add(&distinct, &other, &other, true, &is_new), 1);
    assert_true(is_new);
    steve_distinct_free(&distinct);
}

/// What was recorded before is there, but has not come.
static void the_known_are_not_counted(void **state)
{
    (void)state;
    struct steve_distinct distinct = {0};
    struct steve_op ops[] = {op(STEVE_OP_MALLOC, 0, 1)};
    struct steve_found found = found_of(STEVE_ORACLE_PIN, ops, 1);
    bool is_new;
    assert_int_equal(steve_distinct_add(&distinct, NULL, &found, true, &is_new), 0);
    assert_true(is_new);
    assert_int_equal(distinct.entries[0].count, 0);
    assert_int_equal(steve_distinct_meet(&distinct, &found), STEVE_DISTINCT_NONE);
    assert_int_equal(steve_distinct_add(&distinct, &found, &found, true, &is_new), 0);
    assert_false(is_new);
    assert_int_equal(distinct.entries[0].count, 1);
    steve_distinct_free(&distinct);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_names_of_slots_make_no_difference),
        cmocka_unit_test(oracle_kinds_and_slots_do),
        cmocka_unit_test(the_digest_is_of_the_shape_and_stays),
        cmocka_unit_test(a_bug_in_every_episode_is_shrunk_seldom),
        cmocka_unit_test(what_does_not_shrink_to_the_end_is_one),
        cmocka_unit_test(another_oracle_is_shrunk_at_once),
        cmocka_unit_test(the_known_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
