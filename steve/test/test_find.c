/// Tests of isolation and of keeping findings: every misdeed of the hostile drivers is named right, results come in order
/// whatever the number of workers, time on the wall is no hang, and nothing that was saved is overwritten.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steve/drivers/drivers.h"
#include "steve/find/child.h"
#include "steve/find/runner.h"
#include "steve/find/save.h"

#define SEED 3u

/// What came in from a run.
struct seen {
    uint64_t episodes;
    bool in_order;
    unsigned findings;
    struct steve_finding first;
    uint64_t first_episode;
    struct steve_run_result result;
};

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct seen *seen = context;
    seen->in_order &= result->episode == seen->episodes;
    seen->episodes++;
    if (result->found != NULL && seen->findings++ == 0) {
        seen->first = result->found->finding;
        seen->first_episode = result->found->episode;
        assert_int_equal(result->found->sequence.count, result->ops);
        assert_true(result->found->finding.op <= result->ops);
    }
}

/// cmocka jumps out of a crash into its next test; in a child that would be the whole suite once more.
static void let_crashes_crash(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal(numbers[i], SIG_DFL);
    }
}

static struct seen run_with(const struct steve_driver *driver, uint64_t ops, struct steve_runner_config config)
{
    struct seen seen = {.in_order = true};
    char why[512] = "";
    let_crashes_crash();
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = driver, .seed = SEED});
    assert_non_null(gen);
    struct steve_generated generated = {.gen = gen, .driver = driver};
    struct steve_source source = steve_source_generated(&generated);
    config.source = &source;
    config.plan = steve_plan_ops(gen, 0, UINT64_MAX, ops);
    config.level = STEVE_CHECK_NORMAL;
    config.repeat_every = 16;
    config.on_episode = on_episode;
    config.context = &seen;
    if (!steve_runner_run(&config, &seen.result, why, sizeof why)) {
        fail_msg("%s", why);
    }
    steve_gen_free(gen);
    return seen;
}

/// Holds the pipe open as long as it lives, which is longer than its parent.
static void start_another(void *pipe)
{
    if (fork() == 0) {
        alarm(60); // should nobody end it
        for (;;) {
            pause();
        }
    }
    close(((int *)pipe)[1]);
    abort();
}

static void what_a_child_started_ends_with_it(void **state)
{
    (void)state;
    int ends[2];
    struct steve_page *page = steve_shared_map(sizeof *page);
    struct steve_child child = {.page = page};
    struct steve_finding finding;
    assert_non_null(page);
    assert_int_equal(pipe(ends), 0);
    signal(SIGABRT, SIG_DFL);
    assert_true(steve_child_start(&child, start_another, ends));
    close(ends[1]);
    while (steve_child_look(&child, &(struct steve_limits){0}, &finding) == STEVE_CHILD_RUNNING) {
        usleep(1000);
    }
    assert_int_equal(poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 10000), 1);
    close(ends[0]);
}

static const struct steve_limits tight = {.op_time_ns = 200000000, .memory_bytes = (uint64_t)512 << 20};

static void every_misdeed_is_named_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < steve_hostile_expectation_count; i++) {
        const struct steve_hostile_expectation *row = &steve_hostile_expectations[i];
        struct seen seen = run_with(row->driver, 1000000, (struct steve_runner_config){.jobs = 1, .limits = tight});
        if (seen.findings == 0) {
            fail_msg("%s: nothing was found", row->driver->name);
        }
        if (seen.first.oracle != row->oracle) {
            fail_msg("%s: oracle %s, expected %s: %s", row->driver->name, steve_oracle_name(seen.first.oracle),
                     steve_oracle_name(row->oracle), seen.first.what);
        }
    }
}

static void good_driver_passes_with_any_number_of_workers_alike(void **state)
{
    (void)state;
    struct seen one = run_with(&steve_driver_hostile, 60000, (struct steve_runner_config){.jobs = 1, .limits = tight});
    struct seen three =
        run_with(&steve_driver_hostile, 60000, (struct steve_runner_config){.jobs = 3, .limits = tight});
    struct seen here = run_with(&steve_driver_hostile, 60000, (struct steve_runner_config){.no_isolate = true});
    assert_int_equal(one.findings, 0);
    assert_int_equal(one.result.ops, 60000);
    assert_true(one.in_order && three.in_order && here.in_order);
    assert_int_equal(one.result.episodes, three.result.episodes);
    assert_int_equal(one.result.ops, three.result.ops);
    assert_int_equal(one.result.digest, three.result.digest);
    assert_int_equal(one.result.digest, here.result.digest);
    assert_int_equal(one.result.counts.ops, three.result.counts.ops);
}

static const struct steve_driver *hostile_by_oracle(enum steve_oracle oracle)
{
    for (size_t i = 0; i < steve_hostile_expectation_count; i++) {
        if (steve_hostile_expectations[i].oracle == oracle) {
            return steve_hostile_expectations[i].driver;
        }
    }
    fail();
    return NULL;
}

static void earliest_finding_counts_with_any_number_of_workers(void **state)
{
    (void)state;
    const struct steve_driver *driver = hostile_by_oracle(STEVE_ORACLE_CRASH);
    struct seen one = run_with(driver, 100000, (struct steve_runner_config){.jobs = 1, .limits = tight});
    struct seen four = run_with(driver, 100000, (struct steve_runner_config){.jobs = 4, .limits = tight});
    assert_int_equal(one.findings, 1);
    assert_int_equal(four.findings, 1);
    assert_int_equal(one.first_episode, four.first_episode);
    assert_int_equal(one.first.op, four.first.op);
    assert_int_equal(one.result.ops, four.result.ops);
    assert_int_equal(one.result.digest, four.result.digest);
}

static void keep_going_reports_every_episode(void **state)
{
    (void)state;
    const struct steve_driver *driver = hostile_by_oracle(STEVE_ORACLE_CRASH);
    struct seen seen =
        run_with(driver, 30000, (struct steve_runner_config){.jobs = 2, .keep_going = true, .limits = tight});
    assert_true(seen.in_order);
    assert_true(seen.findings > 1);
    assert_int_equal(seen.findings, seen.result.findings);
    assert_int_equal(seen.episodes, seen.result.episodes);
}

static steve_ref slow_malloc(void *heap, size_t bytes)
{
    static unsigned calls;
    if (calls++ < 2) {
        usleep(300000); // more time on the wall than an op may take of the CPU
    }
    return steve_driver_hostile.malloc(heap, bytes);
}

static void waiting_is_no_hang(void **state)
{
    (void)state;
    struct steve_driver slow = steve_driver_hostile;
    slow.malloc = slow_malloc;
    struct steve_limits limits = {.op_time_ns = 100000000};
    struct seen seen = run_with(&slow, 100, (struct steve_runner_config){.jobs = 1, .limits = limits});
    assert_int_equal(seen.findings, 0);
    assert_int_equal(seen.result.ops, 100);
    assert_true(seen.result.seconds > 0.5);
}

static steve_ref stopped_malloc(void *heap, size_t bytes)
{
    raise(SIGSTOP);
    return steve_driver_hostile.malloc(heap, bytes);
}

static void *wait_forever(void *nothing)
{
    for (;;) {
        pause();
    }
    return nothing;
}

/// The first thread is gone, and the process is not.
static steve_ref headless_malloc(void *heap, size_t bytes)
{
    pthread_t other;
    (void)heap;
    (void)bytes;
    if (pthread_create(&other, NULL, wait_forever, NULL) == 0) {
        pthread_exit(NULL);
    }
    return 0;
}

static void one_that_stops_itself_hangs(void **state)
{
    (void)state;
    steve_ref (*const ways[])(void *, size_t) = {stopped_malloc, headless_malloc};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct steve_driver driver = steve_driver_hostile;
        driver.malloc = ways[i];
        const struct steve_runner_config config = {
            .jobs = 1,
            .limits = {.op_time_ns = 1000000000, .asleep_ns = 500000000},
            .time_ns = 3000000000, // or it would never end
        };
        struct seen seen = run_with(&driver, 1000, config);
        assert_int_equal(seen.findings, 1);
        assert_int_equal(seen.first.oracle, STEVE_ORACLE_HANG);
    }
}

static steve_ref sleeping_malloc(void *heap, size_t bytes)
{
    (void)heap;
    (void)bytes;
    wait_forever(NULL);
    return 0;
}

static void a_hang_at_the_end_of_a_runs_time_is_waited_for(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_hostile;
    driver.malloc = sleeping_malloc;
    const struct steve_runner_config config = {
        .jobs = 1,
        .limits = {.op_time_ns = 1000000000, .asleep_ns = 6000000000},
        .time_ns = 200000000,
    };
    struct seen seen = run_with(&driver, 1000, config);
    assert_int_equal(seen.findings, 1);
    assert_int_equal(seen.first.oracle, STEVE_ORACLE_HANG);
}

static steve_ref killed_malloc(void *heap, size_t bytes)
{
    (void)heap;
    (void)bytes;
    raise(SIGKILL);
    return 0;
}

static void a_kill_from_outside_is_a_finding_with_its_sequence(void **state)
{
    (void)state;
    struct steve_driver killed = steve_driver_hostile;
    killed.malloc = killed_malloc;
    struct seen seen = run_with(&killed, 1000, (struct steve_runner_config){.jobs = 1, .limits = tight});
    assert_int_equal(seen.findings, 1);
    assert_int_equal(seen.first.oracle, STEVE_ORACLE_CRASH);
    assert_non_null(strstr(seen.first.what, "SIGKILL"));
    assert_int_equal(seen.first.op + 1, seen.result.ops);
}

static steve_ref now_and_then_aborting_malloc(void *heap, size_t bytes)
{
    if (bytes % 64 == 7) {
        abort();
    }
    return steve_driver_hostile.malloc(heap, bytes);
}

static void crashes_that_nobody_wants_to_know_of_are_passed_over(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_hostile;
    driver.malloc = now_and_then_aborting_malloc;
    signal(SIGABRT, SIG_DFL);
    struct steve_runner_config config = {.jobs = 1, .limits = tight, .without = 1u << STEVE_ORACLE_CRASH};
    struct seen one = run_with(&driver, 60000, config);
    config.jobs = 3;
    struct seen three = run_with(&driver, 60000, config);
    assert_int_equal(one.findings, 0);
    assert_true(one.in_order && three.in_order);
    assert_true(one.episodes > 1);
    assert_int_equal(one.episodes, three.episodes);
    assert_int_equal(one.result.digest, three.result.digest);
}

/// What the process shares with Steve, mapping by mapping.
static void visit_shared(void (*visit)(void *memory, size_t bytes))
{
    FILE *maps = fopen("/proc/self/maps", "re");
    struct {
        void *memory;
        size_t bytes;
    } shared[64];
    size_t count = 0;
    char line[512];
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL && count < 64) {
        unsigned long long begin;
        unsigned long long end;
        char access[8];
        if (sscanf(line, "%llx-%llx %7s", &begin, &end, access) == 3 && strcmp(access, "rw-s") == 0) {
            shared[count].memory = (void *)(uintptr_t)begin;
            shared[count++].bytes = (size_t)(end - begin);
        }
    }
    fclose(maps);
    for (size_t i = 0; i < count; i++) {
        visit(shared[i].memory, shared[i].bytes);
    }
}

static void overwrite(void *memory, size_t bytes)
{
    memset(memory, 0xff, bytes < 1u << 20 ? bytes : 1u << 20);
}

static steve_ref overwriting_malloc(void *heap, size_t bytes)
{
    (void)heap;
    (void)bytes;
    visit_shared(overwrite);
    abort();
}

/// Beyond any log.
static void put_far_away(void *memory, size_t bytes)
{
    const size_t front = 65536; // of such memory
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes == (front + sizeof(struct steve_page) + page - 1) / page * page) {
        struct steve_page *shown = (void *)((unsigned char *)memory + front);
        atomic_store(&shown->op, 1u << 26);
    }
}

static steve_ref far_away_malloc(void *heap, size_t bytes)
{
    (void)heap;
    (void)bytes;
    visit_shared(put_far_away);
    abort();
}

static void what_is_written_into_steves_own_memory_is_no_harm_to_it(void **state)
{
    (void)state;
    steve_ref (*const ways[])(void *, size_t) = {overwriting_malloc, far_away_malloc};
    signal(SIGABRT, SIG_DFL);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct steve_driver driver = steve_driver_hostile;
        driver.malloc = ways[i];
        struct seen seen = {.findings = 0};
        char why[512] = "";
        let_crashes_crash();
        struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = &driver, .seed = SEED});
        struct steve_generated generated = {.gen = gen, .driver = &driver};
        struct steve_source source = steve_source_generated(&generated);
        const struct steve_runner_config config = {.jobs = 1,
                                                   .limits = tight,
                                                   .source = &source,
                                                   .plan = steve_plan_ops(gen, 0, UINT64_MAX, 1000),
                                                   .on_episode = on_episode,
                                                   .context = &seen};
        assert_true(steve_runner_run(&config, &seen.result, why, sizeof why));
        assert_int_equal(seen.findings, 1);
        assert_int_equal(seen.first.oracle, STEVE_ORACLE_CRASH);
        steve_gen_free(gen);
    }
}

static void *no_heap(const struct steve_geometry *geometry, const char **why)
{
    (void)geometry;
    *why = "there is none today";
    return NULL;
}

static void a_driver_without_a_heap_fails_the_environment(void **state)
{
    (void)state;
    struct steve_driver broken = steve_driver_hostile;
    broken.open = no_heap;
    struct steve_sequence sequence = {.header = {.heap_bytes = 4096}};
    struct steve_recording recording = {.sequence = &sequence, .driver = &broken};
    struct steve_recorded recorded = {.recordings = &recording, .count = 1};
    struct steve_source source = steve_source_recorded(&recorded);
    struct steve_run_result result;
    char why[512] = "";
    assert_false(steve_runner_run(
        &(struct steve_runner_config){.source = &source, .plan = steve_plan_episodes(0, 1), .jobs = 1, .limits = tight},
        &result, why, sizeof why));
    assert_non_null(strstr(why, "there is none today"));
}

static void plans_hold_exactly_the_ops_asked_for(void **state)
{
    (void)state;
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = &steve_driver_hostile, .seed = SEED});
    uint64_t whole = 0;
    for (uint64_t k = 0; k < 10; k++) {
        whole += steve_generated_length(gen, 5 + k);
    }
    struct steve_plan plan = steve_plan_ops(gen, 5, UINT64_MAX, whole);
    assert_int_equal(plan.count, 10);
    assert_int_equal(plan.last_length, steve_generated_length(gen, 14));
    plan = steve_plan_ops(gen, 5, UINT64_MAX, whole + 1);
    assert_int_equal(plan.count, 11);
    assert_int_equal(plan.last_length, 1);
    // More than anybody waits for: about so many, and the answer comes at once.
    plan = steve_plan_ops(gen, 0, UINT64_MAX, UINT64_MAX);
    assert_true(plan.count > (uint64_t)1 << 48 && plan.count < UINT64_MAX);
    plan = steve_plan_ops(gen, 5, 3, whole);
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.last_length, 0);
    steve_gen_free(gen);
}

static void results_keep_their_order_in_the_ring(void **state)
{
    (void)state;
    struct steve_board *board = steve_shared_map(sizeof *board);
    assert_non_null(board);
    assert_null(steve_board_result(board, 0));
    assert_true(steve_board_has_room(board, STEVE_BOARD_CELLS - 1));
    assert_false(steve_board_has_room(board, STEVE_BOARD_CELLS));
    steve_board_post(board, 0, 7, 8);
    assert_int_equal(steve_board_result(board, 0)->digest, 7);
    assert_null(steve_board_result(board, STEVE_BOARD_CELLS)); // the same cell, another item
    atomic_store(&board->folded, 1);
    steve_board_post(board, STEVE_BOARD_CELLS, 9, 10);
    assert_int_equal(steve_board_result(board, STEVE_BOARD_CELLS)->ops, 10);
    steve_shared_unmap(board, sizeof *board);
}

static struct steve_sequence small_sequence(uint32_t bytes)
{
    struct steve_sequence sequence = {.header = {.driver = "hostile", .heap_bytes = 4096}};
    assert_true(steve_sequence_push(&sequence, steve_op_sized(STEVE_OP_MALLOC, 0, bytes)));
    return sequence;
}

static void saving_never_overwrites(void **state)
{
    (void)state;
    char out[] = "/tmp/steve-test-save-XXXXXX";
    char deep[64], first[STEVE_SAVE_PATH_MAX], again[STEVE_SAVE_PATH_MAX], other[STEVE_SAVE_PATH_MAX], why[256];
    assert_non_null(mkdtemp(out));
    snprintf(deep, sizeof deep, "%s/a/b", out);
    struct steve_sequence a = small_sequence(10);
    struct steve_sequence b = small_sequence(11);
    assert_true(steve_save_finding(deep, "x", &steve_drivers, &a, &a, first, why, sizeof why));
    assert_true(steve_save_finding(deep, "x", &steve_drivers, &a, &a, again, why, sizeof why));
    assert_true(steve_save_finding(deep, "x", &steve_drivers, &b, &b, other, why, sizeof why));
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_true(steve_save_file(first, "report.txt", "one", 3, why, sizeof why));
    assert_true(steve_save_file(first, "report.txt", "two", 3, why, sizeof why));
    char path[STEVE_SAVE_PATH_MAX + 16], text[8] = "";
    snprintf(path, sizeof path, "%s/report.txt", first);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "one");

    assert_false(steve_save_finding(path, "x", &steve_drivers, &a, &a, other, why, sizeof why));
    assert_non_null(strstr(why, "report.txt: Not a directory"));
    steve_sequence_free(&a);
    steve_sequence_free(&b);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", out);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_child_started_ends_with_it),
        cmocka_unit_test(every_misdeed_is_named_right),
        cmocka_unit_test(good_driver_passes_with_any_number_of_workers_alike),
        cmocka_unit_test(earliest_finding_counts_with_any_number_of_workers),
        cmocka_unit_test(keep_going_reports_every_episode),
        cmocka_unit_test(waiting_is_no_hang),
        cmocka_unit_test(one_that_stops_itself_hangs),
        cmocka_unit_test(a_hang_at_the_end_of_a_runs_time_is_waited_for),
        cmocka_unit_test(a_kill_from_outside_is_a_finding_with_its_sequence),
        cmocka_unit_test(crashes_that_nobody_wants_to_know_of_are_passed_over),
        cmocka_unit_test(what_is_written_into_steves_own_memory_is_no_harm_to_it),
        cmocka_unit_test(a_driver_without_a_heap_fails_the_environment),
        cmocka_unit_test(plans_hold_exactly_the_ops_asked_for),
        cmocka_unit_test(results_keep_their_order_in_the_ring),
        cmocka_unit_test(saving_never_overwrites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
