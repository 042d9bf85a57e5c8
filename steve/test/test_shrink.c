/// Tests of shrinking: the result breaks the same oracle, time after time; nothing more can be taken out of it; and it is found in
/// time, whether the allocator lies, crashes, hangs, sleeps or does it only now and then.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steve/drivers/drivers.h"
#include "steve/find/save.h"
#include "steve/find/shrink.h"
#include "steve/find/trial.h"

#define SEED 3u

static const struct steve_limits tight = {.op_time_ns = 100000000, .memory_bytes = (uint64_t)160 << 20};

/// cmocka jumps out of a crash into its next test; in a child that would be the whole suite once more.
static void let_crashes_crash(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal(numbers[i], SIG_DFL);
    }
}

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct steve_found *found = context;
    if (result->found != NULL && found->sequence.ops == NULL) {
        *found = *result->found;
        result->found->sequence = (struct steve_sequence){0};
    }
}

/// Runs a driver until it breaks something. @return what it broke, to be freed by steve_sequence_free()
static struct steve_found find(const struct steve_driver *driver)
{
    struct steve_found found = {0};
    struct steve_run_result result;
    char why[256] = "";
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = driver, .seed = SEED});
    assert_non_null(gen);
    struct steve_generated generated = {.gen = gen, .driver = driver};
    struct steve_source source = steve_source_generated(&generated);
    let_crashes_crash();
    bool ran = steve_runner_run(
        &(struct steve_runner_config){
            .source = &source,
            .plan = steve_plan_ops(gen, 0, UINT64_MAX, 1000000),
            .jobs = 1,
            .level = STEVE_CHECK_NORMAL,
            .repeat_every = 16,
            .limits = tight,
            .on_episode = on_episode,
            .context = &found,
        },
        &result, why, sizeof why);
    steve_gen_free(gen);
    if (!ran || found.sequence.ops == NULL) {
        fail_msg("%s: nothing was found: %s", driver->name, why);
    }
    return found;
}

static struct steve_shrink_config config_for(const struct steve_driver *driver)
{
    // More time than a person would wait: a slow machine is no reason for a test to fail.
    return (struct steve_shrink_config){
        .driver = driver, .level = STEVE_CHECK_NORMAL, .limits = tight, .time_ns = UINT64_C(60000000000)};
}

static struct steve_found shrink_with(const struct steve_shrink_config *config, const struct steve_found *found,
                                      struct steve_shrink_report *report)
{
    struct steve_found shrunk;
    char why[256] = "";
    let_crashes_crash();
    if (!steve_shrink(config, found, &shrunk, report, why, sizeof why)) {
        fail_msg("%s", why);
    }
    return shrunk;
}

static struct steve_found shrink(const struct steve_driver *driver, const struct steve_found *found,
                                 struct steve_shrink_report *report)
{
    struct steve_shrink_config config = config_for(driver);
    return shrink_with(&config, found, report);
}

// The hostile family

/// The misdeeds that begin at the n-th malloc need as many ops to show; none needs more than that and a few.
#define HOSTILE_MOST 24u

static void every_misdeed_shrinks_and_shows_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < steve_hostile_expectation_count; i++) {
        const struct steve_hostile_expectation *row = &steve_hostile_expectations[i];
        struct steve_shrink_report report;
        struct steve_found found = find(row->driver);
        struct steve_shrink_config config = config_for(row->driver);
        config.time_ns = UINT64_C(4000000000);
        struct steve_found shrunk = shrink_with(&config, &found, &report);
        if (!report.shown || report.runs_broken != report.runs || shrunk.finding.oracle != row->oracle ||
            (report.finished && shrunk.sequence.count > HOSTILE_MOST) || shrunk.sequence.count > found.sequence.count) {
            fail_msg("%s: %zu ops became %zu, oracle %s, broken in %u of %u runs", row->driver->name,
                     found.sequence.count, shrunk.sequence.count, steve_oracle_name(shrunk.finding.oracle),
                     report.runs_broken, report.runs);
        }
        steve_sequence_free(&found.sequence);
        steve_sequence_free(&shrunk.sequence);
    }
}

static const struct steve_driver *moves_locked(void)
{
    return steve_catalog_by_name(&steve_drivers, "hostile-moves-locked");
}

static bool breaks(struct steve_trial *trial, const struct steve_sequence *sequence, enum steve_oracle oracle)
{
    struct steve_trial_verdict verdict = steve_trial_run(trial, &(struct steve_trial_request){
                                                                    .header = &sequence->header,
                                                                    .ops = sequence->ops,
                                                                    .count = sequence->count,
                                                                    .op_time_ns = tight.op_time_ns,
                                                                });
    return verdict.end == STEVE_TRIAL_BROKE && verdict.finding.oracle == oracle;
}

static void nothing_more_can_be_taken_out(void **state)
{
    (void)state;
    struct steve_shrink_report report;
    struct steve_found found = find(moves_locked());
    struct steve_found shrunk = shrink(moves_locked(), &found, &report);
    assert_true(report.finished);
    struct steve_trial trial;
    assert_true(steve_trial_open(&trial, &(struct steve_trial_config){.driver = moves_locked(),
                                                                      .level = STEVE_CHECK_NORMAL,
                                                                      .longest = shrunk.sequence.count}));
    assert_true(breaks(&trial, &shrunk.sequence, STEVE_ORACLE_PIN));
    for (size_t i = 0; i < shrunk.sequence.count; i++) {
        struct steve_op ops[HOSTILE_MOST];
        struct steve_sequence less = {.header = shrunk.sequence.header, .ops = ops};
        for (size_t k = 0; k < shrunk.sequence.count; k++) {
            if (k != i) {
                ops[less.count++] = shrunk.sequence.ops[k];
            }
        }
        assert_false(breaks(&trial, &less, STEVE_ORACLE_PIN));
    }
    steve_trial_close(&trial);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

// Drivers made for the purpose: they break when a block of BAD bytes is asked for while the heap has seen one of ARMING bytes.

#define ARMING 77u
#define BAD    4242u

static bool armed;
static void (*on_bad)(void);
static size_t bad_calloc_from; ///< not 0: a calloc of so many bytes or more breaks it, too

static void *open_armed(const struct steve_geometry *geometry, const char **why)
{
    armed = false;
    return steve_driver_hostile.open(geometry, why);
}

static steve_ref armed_malloc(void *heap, size_t bytes)
{
    armed |= bytes == ARMING;
    if (armed && bytes == BAD) {
        on_bad();
    }
    return steve_driver_hostile.malloc(heap, bytes);
}

static steve_ref armed_calloc(void *heap, size_t count, size_t size)
{
    if (bad_calloc_from != 0 && count * size >= bad_calloc_from) {
        on_bad();
    }
    return steve_driver_hostile.calloc(heap, count, size);
}

static struct steve_driver armed_driver(void (*does)(void))
{
    struct steve_driver driver = steve_driver_hostile;
    driver.open = open_armed;
    driver.malloc = armed_malloc;
    driver.calloc = armed_calloc;
    on_bad = does;
    bad_calloc_from = 0;
    return driver;
}

static void crash(void)
{
    raise(SIGSEGV);
}

static void loop(void)
{
    for (volatile unsigned turns = 0;; turns++) {
    }
}

static void sleep_forever(void)
{
    for (;;) {
        pause();
    }
}

/// In a row of runs every third one crashes.
static atomic_uint *runs;
static void crash_now_and_then(void)
{
    if (atomic_fetch_add(runs, 1) % 3 == 0) {
        raise(SIGSEGV);
    }
}

static void push(struct steve_sequence *sequence, struct steve_op op)
{
    assert_true(steve_sequence_push(sequence, op));
}

/// Blocks that come, are locked, unlocked and go, `count` ops or so; the arming one in the middle, the bad one at the end.
static struct steve_found long_sequence(size_t count, enum steve_oracle oracle)
{
    struct steve_found found = {.finding.oracle = oracle};
    struct steve_sequence *sequence = &found.sequence;
    sequence->header = (struct steve_header){.driver = "hostile", .heap_bytes = 65536, .base_offset = 3, .dirty = true};
    for (size_t i = 0; i < count / 4; i++) {
        uint16_t slot = (uint16_t)(100 + i % 50);
        push(sequence, steve_op_sized(STEVE_OP_MALLOC, slot, i == count / 8 ? ARMING : 100 + (uint32_t)i % 300));
        push(sequence, (struct steve_op){.code = STEVE_OP_LOCK, .slot = slot});
        push(sequence, (struct steve_op){.code = STEVE_OP_UNLOCK, .slot = slot});
        push(sequence, (struct steve_op){.code = STEVE_OP_FREE, .slot = (uint16_t)(100 + (i + 25) % 50)});
    }
    push(sequence, steve_op_sized(STEVE_OP_MALLOC, 999, BAD));
    return found;
}

static void assert_is_arming_and_bad(const struct steve_found *shrunk)
{
    const struct steve_sequence *sequence = &shrunk->sequence;
    // The same slot will do for both: the heap is so small that the first one is refused.
    const struct steve_op expected[] = {steve_op_sized(STEVE_OP_MALLOC, 0, ARMING),
                                        steve_op_sized(STEVE_OP_MALLOC, 0, BAD)};
    assert_int_equal(sequence->count, 2);
    assert_memory_equal(sequence->ops, expected, sizeof expected);
    assert_int_equal(sequence->header.heap_bytes, steve_driver_hostile.heap_min);
    assert_int_equal(sequence->header.base_offset, 0);
    assert_false(sequence->header.dirty);
}

static void shrinks_to_two_ops(void (*does)(void), enum steve_oracle oracle, size_t count)
{
    struct steve_driver driver = armed_driver(does);
    struct steve_shrink_report report;
    struct steve_found found = long_sequence(count, oracle);
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_true(report.shown);
    assert_int_equal(report.runs_broken, report.runs);
    assert_int_equal(shrunk.finding.oracle, oracle);
    assert_is_arming_and_bad(&shrunk);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void a_crash_at_op_100000_shrinks(void **state)
{
    (void)state;
    shrinks_to_two_ops(crash, STEVE_ORACLE_CRASH, 100000);
}

static void a_hang_at_op_100000_shrinks(void **state)
{
    (void)state;
    shrinks_to_two_ops(loop, STEVE_ORACLE_HANG, 100000);
}

static void a_hang_asleep_shrinks(void **state)
{
    (void)state;
    struct steve_driver driver = armed_driver(sleep_forever);
    struct steve_shrink_report report;
    struct steve_found found = long_sequence(200, STEVE_ORACLE_HANG);
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_true(report.shown);
    assert_int_equal(shrunk.finding.oracle, STEVE_ORACLE_HANG);
    assert_true(shrunk.sequence.count <= 4);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static steve_ref malloc_that_closes_files(void *heap, size_t bytes)
{
    steve_ref ref = steve_driver_hostile.malloc(heap, bytes);
    if (bytes != 77) {
        return ref;
    }
    for (int file = 3; file < 256; file++) {
        close(file);
    }
    return ref ^ 1; // and it is not the block's
}

/// It cannot say any more what it found, and that is there all the same.
static void one_that_closes_all_files_shrinks(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_hostile;
    driver.malloc = malloc_that_closes_files;
    struct steve_shrink_report report;
    struct steve_found found = {.sequence = {.header = {.heap_bytes = 65536}}};
    for (uint16_t slot = 0; slot < 20; slot++) {
        push(&found.sequence, steve_op_sized(STEVE_OP_MALLOC, slot, slot == 19 ? 77 : 16));
    }
    found.finding = (struct steve_finding){.oracle = STEVE_ORACLE_HANDLE, .op = 19};
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_true(report.shown);
    assert_int_equal(report.runs_broken, report.runs);
    assert_int_equal(shrunk.finding.oracle, STEVE_ORACLE_HANDLE);
    assert_int_equal(shrunk.sequence.count, 1);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void a_flaky_one_is_said_to_be_flaky(void **state)
{
    (void)state;
    struct steve_driver driver = armed_driver(crash_now_and_then);
    struct steve_shrink_report report;
    struct steve_found found = long_sequence(400, STEVE_ORACLE_CRASH);
    runs = steve_shared_map(sizeof *runs);
    assert_non_null(runs);
    atomic_store(runs, 1); // the first retry is green
    struct steve_shrink_config config = config_for(&driver);
    config.time_ns = UINT64_C(5000000000);
    struct steve_found shrunk = shrink_with(&config, &found, &report);
    assert_true(report.shown);
    assert_true(report.runs_broken > 0 && report.runs_broken < report.runs);
    // How far it comes in its time is the machine's matter.
    assert_true(shrunk.sequence.count <= found.sequence.count);
    steve_shared_unmap(runs, sizeof *runs);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void sizes_and_heap_become_as_small_as_they_go(void **state)
{
    (void)state;
    struct steve_driver driver = armed_driver(crash);
    bad_calloc_from = 1234;
    struct steve_shrink_report report;
    struct steve_found found = {.finding.oracle = STEVE_ORACLE_COUNT};
    found.sequence.header = (struct steve_header){.heap_bytes = 100000, .base_offset = 7, .dirty = true};
    push(&found.sequence, (struct steve_op){.code = STEVE_OP_CALLOC, .slot = 7, .size_class = STEVE_SIZE_HEAP + 3});
    struct steve_found shrunk = shrink(&driver, &found, &report);
    const struct steve_op expected = steve_op_sized(STEVE_OP_CALLOC, 0, 1234);
    assert_int_equal(shrunk.finding.oracle, STEVE_ORACLE_CRASH);
    assert_int_equal(shrunk.sequence.count, 1);
    assert_memory_equal(shrunk.sequence.ops, &expected, sizeof expected);
    assert_int_equal(shrunk.sequence.header.heap_bytes, driver.heap_min);
    assert_int_equal(shrunk.sequence.header.base_offset, 0);
    assert_false(shrunk.sequence.header.dirty);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void what_shows_nothing_stays_as_it_is(void **state)
{
    (void)state;
    struct steve_shrink_report report;
    struct steve_found found = long_sequence(400, STEVE_ORACLE_CRASH);
    struct steve_found shrunk = shrink(&steve_driver_hostile, &found, &report);
    assert_false(report.shown);
    assert_int_equal(shrunk.sequence.count, found.sequence.count);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void another_oracle_is_no_substitute(void **state)
{
    (void)state;
    struct steve_shrink_report report;
    struct steve_driver driver = armed_driver(crash);
    struct steve_found found = long_sequence(400, STEVE_ORACLE_CONTENT);
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_false(report.shown);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static steve_ref malloc_that_loops_or_lies(void *heap, size_t bytes)
{
    armed |= bytes == ARMING;
    if (armed && bytes == BAD) {
        loop();
    }
    return steve_driver_hostile.malloc(heap, bytes) ^ (bytes == BAD); // else it is not the block's
}

/// @return what a hang of two ops shrinks to, of which the second alone breaks `handle`
static struct steve_found shrink_hang(bool any_oracle)
{
    struct steve_driver driver = armed_driver(loop);
    struct steve_shrink_report report;
    struct steve_shrink_config config = config_for(&driver);
    struct steve_found found = long_sequence(200, STEVE_ORACLE_HANG);
    driver.malloc = malloc_that_loops_or_lies;
    config.any_oracle = any_oracle;
    struct steve_found shrunk = shrink_with(&config, &found, &report);
    assert_true(report.shown && report.finished);
    assert_int_equal(report.runs_broken, report.runs);
    steve_sequence_free(&found.sequence);
    return shrunk;
}

static void if_any_oracle_will_do_what_is_smaller_may_break_another(void **state)
{
    (void)state;
    struct steve_found same = shrink_hang(false);
    assert_int_equal(same.finding.oracle, STEVE_ORACLE_HANG);
    assert_int_equal(same.sequence.count, 2);
    struct steve_found any = shrink_hang(true);
    assert_int_equal(any.finding.oracle, STEVE_ORACLE_HANDLE);
    assert_int_equal(any.sequence.count, 1);
    steve_sequence_free(&same.sequence);
    steve_sequence_free(&any.sequence);
}

// What is simpler

static unsigned freed;

static void *open_unused(const struct steve_geometry *geometry, const char **why)
{
    freed = 0;
    return steve_driver_hostile.open(geometry, why);
}

static bool counted_free(void *heap, steve_ref ref)
{
    bool done = steve_driver_hostile.free(heap, ref);
    freed += done;
    return done;
}

static bool unlock_of_anything_once_one_was_freed(void *heap, steve_ref ref)
{
    return steve_driver_hostile.unlock(heap, ref) || freed > 0;
}

static void a_stale_ref_is_simpler_than_a_forged_one(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_hostile;
    driver.open = open_unused;
    driver.free = counted_free;
    driver.unlock = unlock_of_anything_once_one_was_freed;
    struct steve_shrink_report report;
    struct steve_found found = {.finding.oracle = STEVE_ORACLE_HANDLE, .sequence.header = {.heap_bytes = 65536}};
    push(&found.sequence, steve_op_sized(STEVE_OP_MALLOC, 3, 50));
    push(&found.sequence, (struct steve_op){.code = STEVE_OP_FREE, .slot = 3});
    push(&found.sequence, (struct steve_op){.code = STEVE_OP_UNLOCK_FORGED, .slot = 3, .arg = 9});
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_int_equal(shrunk.finding.oracle, STEVE_ORACLE_HANDLE);
    assert_int_equal(shrunk.sequence.count, 3);
    assert_int_equal(shrunk.sequence.ops[2].code, STEVE_OP_UNLOCK_STALE);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

/// What a compaction of a heap costs, more or less: each block, and all bytes above a gap.
static size_t blocks, bytes_made;

static void *open_costly(const struct steve_geometry *geometry, const char **why)
{
    blocks = 0;
    bytes_made = 0;
    return open_unused(geometry, why);
}

static steve_ref counted_malloc(void *heap, size_t bytes)
{
    steve_ref ref = steve_driver_hostile.malloc(heap, bytes);
    blocks += ref != 0;
    bytes_made += ref != 0 ? bytes : 0;
    return ref;
}

static bool compact_that_must_not_cost_much(void *heap, uint64_t budget_ns)
{
    if (blocks + (freed > 0 ? bytes_made / 64 : 0) > 180) {
        raise(SIGSEGV);
    }
    return steve_driver_hostile.compact(heap, budget_ns);
}

static void many_blocks_that_a_compaction_visits_become_one_that_it_moves(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_hostile;
    driver.open = open_costly;
    driver.malloc = counted_malloc;
    driver.free = counted_free;
    driver.compact = compact_that_must_not_cost_much;
    struct steve_shrink_report report;
    struct steve_found found = {.finding.oracle = STEVE_ORACLE_CRASH, .sequence.header = {.heap_bytes = 65536}};
    for (uint16_t slot = 0; slot < 200; slot++) {
        push(&found.sequence, steve_op_sized(STEVE_OP_MALLOC, slot, 0));
    }
    push(&found.sequence, (struct steve_op){.code = STEVE_OP_COMPACT});
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_int_equal(shrunk.finding.oracle, STEVE_ORACLE_CRASH);
    assert_true(shrunk.sequence.count <= 4);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void when_time_is_over_the_best_so_far_comes_out(void **state)
{
    (void)state;
    struct steve_driver driver = armed_driver(crash);
    struct steve_shrink_report report;
    struct steve_shrink_config config = config_for(&driver);
    config.time_ns = 1; // over before it begins
    struct steve_found found = long_sequence(400, STEVE_ORACLE_CRASH);
    struct steve_found shrunk = shrink_with(&config, &found, &report);
    assert_true(report.shown);
    assert_false(report.finished);
    assert_true(report.runs_broken > 0);
    assert_int_equal(shrunk.sequence.count, found.sequence.count);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

static void *interrupt_soon(const struct steve_geometry *geometry, const char **why)
{
    kill(getppid(), SIGINT);
    return open_armed(geometry, why);
}

static void an_interrupt_keeps_a_sequence_that_shows_it(void **state)
{
    (void)state;
    struct steve_driver driver = armed_driver(crash);
    struct steve_shrink_report report;
    struct steve_found found = long_sequence(4000, STEVE_ORACLE_CRASH);
    driver.open = interrupt_soon;
    struct steve_found shrunk = shrink(&driver, &found, &report);
    assert_true(report.interrupted);
    assert_false(report.finished);
    assert_true(shrunk.sequence.count > 0);
    assert_int_equal(shrunk.sequence.ops[shrunk.sequence.count - 1].slot, 999);
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&shrunk.sequence);
}

// Keeping it

static void read_file(const char *folder, const char *name, char *text, size_t size)
{
    char path[STEVE_SAVE_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void the_smaller_one_takes_the_place_of_the_reproducer_alone(void **state)
{
    (void)state;
    char out[] = "/tmp/steve-test-shrink-XXXXXX";
    char folder[STEVE_SAVE_PATH_MAX], why[256], text[8192];
    assert_non_null(mkdtemp(out));
    struct steve_found found = long_sequence(40, STEVE_ORACLE_CRASH);
    struct steve_sequence small = {.header = found.sequence.header};
    push(&small, steve_op_sized(STEVE_OP_MALLOC, 0, 5));
    assert_true(
        steve_save_finding(out, "x", &steve_drivers, &found.sequence, &found.sequence, folder, why, sizeof why));
    assert_true(steve_save_smaller(folder, &steve_drivers, &small, why, sizeof why));
    read_file(folder, "repro.ops", text, sizeof text);
    assert_non_null(strstr(text, "malloc s0 5\n"));
    assert_null(strstr(text, "s999"));
    read_file(folder, "full.ops", text, sizeof text);
    assert_non_null(strstr(text, "malloc s999 4242\n"));
    steve_sequence_free(&found.sequence);
    steve_sequence_free(&small);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", out);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_misdeed_shrinks_and_shows_again),
        cmocka_unit_test(nothing_more_can_be_taken_out),
        cmocka_unit_test(a_crash_at_op_100000_shrinks),
        cmocka_unit_test(a_hang_at_op_100000_shrinks),
        cmocka_unit_test(a_hang_asleep_shrinks),
        cmocka_unit_test(one_that_closes_all_files_shrinks),
        cmocka_unit_test(a_flaky_one_is_said_to_be_flaky),
        cmocka_unit_test(sizes_and_heap_become_as_small_as_they_go),
        cmocka_unit_test(what_shows_nothing_stays_as_it_is),
        cmocka_unit_test(another_oracle_is_no_substitute),
        cmocka_unit_test(if_any_oracle_will_do_what_is_smaller_may_break_another),
        cmocka_unit_test(a_stale_ref_is_simpler_than_a_forged_one),
        cmocka_unit_test(many_blocks_that_a_compaction_visits_become_one_that_it_moves),
        cmocka_unit_test(when_time_is_over_the_best_so_far_comes_out),
        cmocka_unit_test(an_interrupt_keeps_a_sequence_that_shows_it),
        cmocka_unit_test(the_smaller_one_takes_the_place_of_the_reproducer_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
