/// Tests of the calls that a comparison consists of: what becomes of a saved sequence, and what a life that is drawn holds.
#include "steve/cli/bench_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "steve/core/codec.h"

static const char *const names[] = {
    [BENCH_CALL_OPEN] = "open",       [BENCH_CALL_MALLOC] = "malloc",     [BENCH_CALL_CALLOC] = "calloc",
    [BENCH_CALL_ALIGNED] = "aligned", [BENCH_CALL_RESIZE] = "resize",     [BENCH_CALL_FREE] = "free",
    [BENCH_CALL_LOCK] = "lock",       [BENCH_CALL_UNLOCK] = "unlock",     [BENCH_CALL_ACCESS] = "access",
    [BENCH_CALL_COMPACT] = "compact", [BENCH_CALL_COMPACT_GOAL] = "goal",
};

/// Records the ops on a heap of 1000 bytes, and says what became of them: `name slot bytes`, without what is 0 at the end.
static void assert_recorded(const char *ops, const char *expected)
{
    char text[1024], error[256], calls[1024] = "";
    const int length = snprintf(text, sizeof text, "steve-ops 1\nheap 1000\n%s", ops);
    struct steve_sequence sequence = {0};
    if (!steve_text_parse(NULL, "ops", text, (size_t)length, &sequence, error, sizeof error))
        fail_msg("%s", error);
    struct bench_script script = {0};
    assert_true(bench_script_record(&script, &sequence));
    assert_int_equal(script.call[0].kind, BENCH_CALL_OPEN);
    assert_int_equal(script.call[0].bytes, 1000);
    for (size_t i = 1, at = 0; i < script.calls; i++) {
        const struct bench_call *call = &script.call[i];
        at += (size_t)snprintf(calls + at, sizeof calls - at, "%s%s s%u", i > 1 ? "; " : "", names[call->kind],
                               (unsigned)call->slot);
        if (call->bytes)
            at += (size_t)snprintf(calls + at, sizeof calls - at, " %u", (unsigned)call->bytes);
    }
    assert_string_equal(calls, expected);
    steve_sequence_free(&sequence);
    bench_script_free(&script);
}

static void sizes_are_those_of_a_run_in_which_nothing_is_refused(void **state)
{
    (void)state;
    assert_recorded("malloc s0 heap/4\ncalloc s1 size(s0)+1\naligned s2 64 2^5\nresize s2 size(s1)\n",
                    "malloc s0 250; calloc s1 251; aligned s2 32; resize s2 251");
}

static void requests_that_no_heap_could_hold_are_left_out(void **state)
{
    (void)state;
    assert_recorded(
        "malloc s0 600\nmalloc s1 401\nmalloc s1 400\nresize s0 601\nresize s0 600\nmalloc s2 max\nfree s2\n",
        "malloc s0 600; malloc s1 400; resize s0 600");
}

static void ops_that_do_not_apply_are_left_out(void **state)
{
    (void)state;
    assert_recorded("free s0\nlock s0\nwrite s0\nmalloc s0 1\nmalloc s0 2\nunlock s0\ncheck\nmisuse free stale s0\n"
                    "purgeable s0\nlock s0\nfree s0\nresize s0 3\nunlock s0\nfree s0\nfree s0\n",
                    "malloc s0 1; lock s0; unlock s0; free s0");
}

static void a_block_is_locked_once_at_a_time(void **state)
{
    (void)state;
    assert_recorded(
        "malloc s3 8\nverify s3\nlock s3\nlock s3\nwrite s3\nunlock s3\nweak-lock s3\nunlock s3\nwrite s3\n",
        "malloc s3 8; access s3; lock s3; unlock s3; access s3");
}

static void a_drain_is_so_many_frees(void **state)
{
    (void)state;
    assert_recorded("malloc s0 1\nmalloc s1 2\nlock s1\nlock s1\nmalloc s2 3\nfree s2\ndrain\nmalloc s1 4\nfree s1\n",
                    "malloc s0 1; malloc s1 2; lock s1; malloc s2 3; free s2; free s0; unlock s1; free s1; "
                    "malloc s1 4; free s1");
}

static void compactions_keep_budgets_and_goals(void **state)
{
    (void)state;
    assert_recorded("compact full\ncompact 20 us\ncompact goal 77\n", "compact s0; compact s0 20000; goal s0 77");
}

static void each_sequence_has_a_heap_of_its_own(void **state)
{
    (void)state;
    struct steve_op op = steve_op_sized(STEVE_OP_MALLOC, 0, 100);
    struct steve_sequence sequence = {.header = {.heap_bytes = 100}, .ops = &op, .count = 1};
    struct bench_script script = {0};
    assert_true(bench_script_record(&script, &sequence) && bench_script_record(&script, &sequence));
    assert_int_equal(script.calls, 4);
    assert_int_equal(script.call[2].kind, BENCH_CALL_OPEN);
    assert_int_equal(script.call[3].kind, BENCH_CALL_MALLOC);
    assert_int_equal(script.most_payload, 100);
    bench_script_free(&script);
}

enum { LIVE = 100 };

/// Lives through a script as it would be if nothing was refused. @return how many blocks live at the end
static size_t live_through(const struct bench_script *script)
{
    size_t bytes[LIVE] = {0}, live = 0, payload = 0, most = 0;
    for (size_t i = 1; i < script->calls; i++) {
        const struct bench_call *call = &script->call[i];
        assert_true(call->slot < script->slots);
        assert_true(call->kind == BENCH_CALL_MALLOC || call->kind == BENCH_CALL_FREE);
        assert_int_equal(bytes[call->slot] == 0, call->kind == BENCH_CALL_MALLOC);
        payload += (size_t)call->bytes - bytes[call->slot];
        live += call->kind == BENCH_CALL_MALLOC ? 1 : (size_t)-1;
        bytes[call->slot] = (size_t)call->bytes;
        most = payload > most ? payload : most;
    }
    assert_int_equal(most, script->most_payload);
    return live;
}

static void a_life_ends_with_a_quarter_of_its_blocks_in_a_heap_of_twice_its_payload(void **state)
{
    (void)state;
    struct bench_script script;
    assert_true(bench_script_draw(&script, LIVE, 1));
    assert_int_equal(script.slots, LIVE);
    assert_int_equal(live_through(&script), LIVE / 4);
    assert_int_equal(script.call[0].kind, BENCH_CALL_OPEN);
    assert_int_equal(script.call[0].bytes, 2 * script.most_payload);
    bench_script_free(&script);
}

static void a_life_depends_on_its_seed_alone(void **state)
{
    (void)state;
    struct bench_script script, same, other;
    assert_true(bench_script_draw(&script, LIVE, 7) && bench_script_draw(&same, LIVE, 7));
    assert_true(bench_script_draw(&other, LIVE, 8));
    assert_int_equal(script.calls, same.calls);
    assert_int_equal(script.calls, other.calls);
    assert_memory_equal(script.call, same.call, script.calls * sizeof *script.call);
    assert_memory_not_equal(script.call, other.call, script.calls * sizeof *script.call);
    bench_script_free(&script);
    bench_script_free(&same);
    bench_script_free(&other);
}

static void what_is_shared_is_inherited_as_it_was(void **state)
{
    (void)state;
    struct bench_script script, inherited;
    assert_true(bench_script_draw(&script, LIVE, 1));
    const int number = bench_script_share(&script);
    assert_true(number >= 0 && bench_script_inherit(number, &inherited));
    assert_int_equal(inherited.calls, script.calls);
    assert_int_equal(inherited.slots, script.slots);
    assert_memory_equal(inherited.call, script.call, script.calls * sizeof *script.call);
    close(number);
    assert_false(bench_script_inherit(number, &inherited));
    bench_script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_a_run_in_which_nothing_is_refused),
        cmocka_unit_test(requests_that_no_heap_could_hold_are_left_out),
        cmocka_unit_test(ops_that_do_not_apply_are_left_out),
        cmocka_unit_test(a_block_is_locked_once_at_a_time),
        cmocka_unit_test(a_drain_is_so_many_frees),
        cmocka_unit_test(compactions_keep_budgets_and_goals),
        cmocka_unit_test(each_sequence_has_a_heap_of_its_own),
        cmocka_unit_test(a_life_ends_with_a_quarter_of_its_blocks_in_a_heap_of_twice_its_payload),
        cmocka_unit_test(a_life_depends_on_its_seed_alone),
        cmocka_unit_test(what_is_shared_is_inherited_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
