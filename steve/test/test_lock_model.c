/// Lock models: when each of them locks and unlocks, op by op, without a generator around it.
#include "steve/gen/lock_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH 1000u

static struct steve_locker *locker;
static struct steve_rng rng;

/// A locker whose blocks are all of one kind.
static void begin(enum steve_lock_kind kind, const struct steve_lock_plan *parameters)
{
    struct steve_lock_plan plan = *parameters;
    memset(plan.kinds, (int)kind, sizeof plan.kinds);
    steve_locker_begin(locker, &plan, LENGTH);
    steve_rng_seed(&rng, 1, 0, STEVE_STREAM_OPS);
}

static int make_locker(void **state)
{
    (void)state;
    locker = calloc(1, sizeof *locker);
    return locker == NULL;
}

static int drop_locker(void **state)
{
    (void)state;
    free(locker);
    return 0;
}

/// The op at which the locks of the only waiting block end.
static uint32_t op_of_release(uint32_t from)
{
    uint16_t slot;
    unsigned holds;
    for (uint32_t now = from; now <= LENGTH; now++) {
        if (steve_locker_due(locker, now, &slot, &holds)) {
            return now;
        }
    }
    return 0;
}

static void every_model_is_listed_and_found(void **state)
{
    (void)state;
    size_t count = 0;
    assert_string_equal(steve_lock_model_name(steve_lock_model_at(0)), "mixed");
    for (; steve_lock_model_at(count) != NULL; count++) {
        const struct steve_lock_model *model = steve_lock_model_at(count);
        assert_ptr_equal(steve_lock_model_by_name(steve_lock_model_name(model)), model);
        assert_true(strlen(steve_lock_model_summary(model)) > 0);
    }
    assert_int_equal(count, 7);
    assert_null(steve_lock_model_by_name("no-such"));
}

static void none_never_locks(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_NONE,
          &(struct steve_lock_plan){.life_float = 1, .life_sink = 1, .ops_per_access = 2, .nest = true});
    assert_false(steve_locker_born(locker, &rng, 3, 1));
    for (uint32_t now = 2; now < 200; now++) {
        assert_int_equal(steve_locker_access(locker, &rng, 3, now, 0), STEVE_ACCESS_PLAIN);
    }
    assert_int_equal(op_of_release(200), 0);
}

static void float_sink_holds_while_life_is_above_zero(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_FLOAT_SINK,
          &(struct steve_lock_plan){.life_float = STEVE_LIFE_ONE, .life_sink = STEVE_LIFE_ONE / 2});
    steve_locker_born(locker, &rng, 3, 1);
    assert_int_equal(steve_locker_access(locker, &rng, 3, 10, 0), STEVE_ACCESS_HOLD);
    // 1.0 lasts for two ops on other blocks, 11 and 12.
    assert_int_equal(op_of_release(10), 13);
}

static void float_sink_adds_up_what_accesses_give(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_FLOAT_SINK,
          &(struct steve_lock_plan){.life_float = STEVE_LIFE_ONE, .life_sink = STEVE_LIFE_ONE / 4});
    steve_locker_born(locker, &rng, 3, 1);
    assert_int_equal(steve_locker_access(locker, &rng, 3, 10, 0), STEVE_ACCESS_HOLD);
    assert_int_equal(steve_locker_access(locker, &rng, 3, 11, 1), STEVE_ACCESS_PLAIN);
    // 2.0 lasts for eight ops on other blocks, 12 to 19.
    assert_int_equal(op_of_release(11), 20);
}

static void float_sink_never_sinks_below_zero(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_FLOAT_SINK,
          &(struct steve_lock_plan){.life_float = STEVE_LIFE_ONE, .life_sink = STEVE_LIFE_ONE / 2});
    steve_locker_born(locker, &rng, 3, 1);
    steve_locker_access(locker, &rng, 3, 10, 0);
    assert_int_equal(op_of_release(10), 13);
    assert_int_equal(steve_locker_access(locker, &rng, 3, 500, 0), STEVE_ACCESS_HOLD);
    assert_int_equal(op_of_release(500), 503);
}

static void whole_life_lasts_while_own_accesses_are_half_of_all_ops(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_WHOLE_LIFE, &(struct steve_lock_plan){.ops_per_access = 2});
    assert_true(steve_locker_born(locker, &rng, 3, 10));
    uint16_t slot;
    unsigned holds;
    // Ten accesses in the twelve ops from 10 to 21: malloc and lock count as its own.
    for (uint32_t now = 12; now < 22; now++) {
        assert_false(steve_locker_due(locker, now, &slot, &holds));
        steve_locker_access(locker, &rng, 3, now, 1);
    }
    // Twelve own ops are half of 24.
    assert_int_equal(op_of_release(22), 34);
}

static void pin_lasts_until_it_is_due(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_PIN, &(struct steve_lock_plan){.pins = 1});
    steve_locker_born(locker, &rng, 3, 1);
    steve_locker_pin(locker, 3, 700);
    assert_int_equal(locker->pinned, 1);
    assert_int_equal(op_of_release(2), 700);
    assert_int_equal(locker->pinned, 0);
}

static void scopes_end_last_in_first_out(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_STACK, &(struct steve_lock_plan){.stack_depth = 8});
    for (uint16_t slot = 0; slot < 8; slot++) {
        steve_locker_enter(locker, slot);
    }
    uint16_t slot;
    for (int expected = 7; expected >= 0; expected--) {
        assert_true(steve_locker_leave(locker, &slot));
        assert_int_equal(slot, expected);
    }
    assert_false(steve_locker_leave(locker, &slot));
}

static void scopes_wander_between_nothing_and_their_limit(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_STACK, &(struct steve_lock_plan){.stack_depth = 5});
    uint32_t deepest = 0;
    unsigned returns = 0;
    for (int i = 0; i < 1000; i++) {
        uint16_t slot;
        if (steve_locker_scope(locker, &rng) == STEVE_SCOPE_ENTER) {
            steve_locker_enter(locker, 1);
        } else {
            assert_true(steve_locker_leave(locker, &slot));
        }
        deepest = locker->depth > deepest ? locker->depth : deepest;
        returns += locker->depth == 0;
    }
    assert_int_equal(deepest, 5);
    assert_true(returns > 10);
}

/// Blocks share buckets and leave them in any order.
static void each_waiting_block_is_released_once_and_in_time(void **state)
{
    (void)state;
    begin(STEVE_LOCKS_PIN, &(struct steve_lock_plan){.pins = 300});
    bool gone[300] = {false};
    for (uint16_t slot = 0; slot < 300; slot++) {
        steve_locker_born(locker, &rng, slot, 1);
        steve_locker_pin(locker, slot, 100u + slot % 7);
    }
    for (uint16_t slot = 0; slot < 300; slot += 3) {
        steve_locker_forget(locker, slot);
    }

    unsigned released = 0;
    for (uint32_t now = 2; now <= LENGTH; now++) {
        uint16_t slot;
        unsigned holds;
        while (steve_locker_due(locker, now, &slot, &holds)) {
            assert_int_equal(now, 100 + slot % 7);
            assert_int_equal(slot % 3 != 0 && !gone[slot] && holds == 1, true);
            gone[slot] = true;
            released++;
        }
    }
    assert_int_equal(released, 200);
    assert_int_equal(locker->pinned, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_is_listed_and_found),
        cmocka_unit_test(none_never_locks),
        cmocka_unit_test(float_sink_holds_while_life_is_above_zero),
        cmocka_unit_test(float_sink_adds_up_what_accesses_give),
        cmocka_unit_test(float_sink_never_sinks_below_zero),
        cmocka_unit_test(whole_life_lasts_while_own_accesses_are_half_of_all_ops),
        cmocka_unit_test(pin_lasts_until_it_is_due),
        cmocka_unit_test(scopes_end_last_in_first_out),
        cmocka_unit_test(scopes_wander_between_nothing_and_their_limit),
        cmocka_unit_test(each_waiting_block_is_released_once_and_in_time),
    };
    return cmocka_run_group_tests(tests, make_locker, drop_locker);
}
