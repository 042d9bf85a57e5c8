/// Tests of threads: an allocator that is right passes and one that is wrong for several threads alone is found out, what was
/// seen is put in an order for one thread, and each op is dealt to a thread. Runs are bounded by ops, and none is judged by time.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"
#include "steve/find/shrink.h"
#include "steve/find/threads_again.h"
#include "steve/gen/deal.h"
#include "steve/test/racy_heap.h"

RACY_DRIVER(right, RACY_NONE);
RACY_DRIVER(no_lock, RACY_NO_LOCK);
RACY_DRIVER(deadlock, RACY_DEADLOCK);
RACY_DRIVER(crash, RACY_CRASH);
RACY_DRIVER(miscounts, RACY_MISCOUNTS);
RACY_DRIVER(after_nine, RACY_AFTER_NINE);

// A compactor behind one lock: Jeff's driver, each call of it alone. Its heaps are one at a time here.

static pthread_mutex_t jeff_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool jeff_forgets_pins; ///< planted: nothing is pinned while there are threads

#define JEFF_ALONE(type, call)                                                                                         \
    pthread_mutex_lock(&jeff_lock);                                                                                    \
    type result = steve_driver_jeff.call;                                                                              \
    pthread_mutex_unlock(&jeff_lock);                                                                                  \
    return result

static steve_ref jeff_malloc(void *heap, size_t bytes)
{
    JEFF_ALONE(steve_ref, malloc(heap, bytes));
}
static steve_ref jeff_calloc(void *heap, size_t count, size_t size)
{
    JEFF_ALONE(steve_ref, calloc(heap, count, size));
}
static steve_ref jeff_aligned(void *heap, size_t alignment, size_t bytes)
{
    JEFF_ALONE(steve_ref, aligned(heap, alignment, bytes));
}
static steve_ref jeff_resize(void *heap, steve_ref ref, size_t bytes)
{
    JEFF_ALONE(steve_ref, resize(heap, ref, bytes));
}
static bool jeff_free(void *heap, steve_ref ref)
{
    JEFF_ALONE(bool, free(heap, ref));
}
static enum steve_lock_result jeff_pin(void *heap, steve_ref ref, void **address)
{
    pthread_mutex_lock(&jeff_lock);
    enum steve_lock_result result = steve_driver_jeff.lock(heap, ref, address);
    if (atomic_load(&jeff_forgets_pins) && result == STEVE_LOCK_OK) {
        steve_driver_jeff.unlock(heap, ref);
    }
    pthread_mutex_unlock(&jeff_lock);
    return result;
}
static bool jeff_unpin(void *heap, steve_ref ref)
{
    if (atomic_load(&jeff_forgets_pins)) {
        return true;
    }
    JEFF_ALONE(bool, unlock(heap, ref));
}
static bool jeff_compact(void *heap, uint64_t budget_ns)
{
    JEFF_ALONE(bool, compact(heap, budget_ns));
}
static bool jeff_compact_goal(void *heap, size_t wanted)
{
    JEFF_ALONE(bool, compact_goal(heap, wanted));
}
static uint64_t jeff_moves(void *heap)
{
    JEFF_ALONE(uint64_t, moves(heap));
}
static size_t jeff_usable(void *heap, steve_ref ref)
{
    JEFF_ALONE(size_t, usable(heap, ref));
}

static struct steve_driver jeff_behind_a_lock(void)
{
    struct steve_driver driver = steve_driver_jeff;
    driver.wire_id = 0;
    driver.promises |= STEVE_PROMISE_THREADS;
    driver.malloc = jeff_malloc;
    driver.calloc = jeff_calloc;
    driver.aligned = jeff_aligned;
    driver.resize = jeff_resize;
    driver.free = jeff_free;
    driver.lock = jeff_pin;
    driver.unlock = jeff_unpin;
    driver.compact = jeff_compact;
    driver.compact_goal = jeff_compact_goal;
    driver.moves = jeff_moves;
    driver.usable = driver.usable != NULL ? jeff_usable : NULL;
    return driver;
}

static const struct steve_limits limits = {.op_time_ns = 5000000000, .asleep_ns = 2000000000};

struct seen {
    bool any;
    struct steve_found found;
    struct steve_run_result result;
};

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct seen *seen = context;
    if (result->found != NULL && !seen->any) {
        seen->any = true;
        steve_found_take(&seen->found, result->found);
    }
}

/// cmocka jumps out of a crash into its next test; in a child that would be the whole suite once more.
static void let_crashes_crash(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal(numbers[i], SIG_DFL);
    }
}

static struct seen run(const struct steve_driver *driver, unsigned threads, uint64_t ops)
{
    struct seen seen = {.any = false};
    char why[512] = "";
    let_crashes_crash();
    struct steve_driver drawn_for = steve_threads_driver(driver);
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = &drawn_for, .seed = 5});
    assert_non_null(gen);
    struct steve_generated generated = {.gen = gen, .driver = driver, .threads = threads};
    struct steve_source source = steve_source_generated(&generated);
    if (!steve_runner_run(
            &(struct steve_runner_config){
                .source = &source,
                .plan = steve_plan_ops(gen, 0, UINT64_MAX, ops),
                .jobs = 1,
                .level = STEVE_CHECK_NORMAL,
                .limits = limits,
                .on_episode = on_episode,
                .context = &seen,
            },
            &seen.result, why, sizeof why)) {
        fail_msg("%s", why);
    }
    steve_gen_free(gen);
    return seen;
}

static struct steve_sequence parse(const char *text)
{
    struct steve_sequence sequence = {.count = 0};
    char error[256] = "";
    if (!steve_text_parse(&steve_drivers, "test", text, strlen(text), &sequence, error, sizeof error)) {
        fail_msg("%s", error);
    }
    return sequence;
}

static struct steve_rerun_config how(const struct steve_driver *driver)
{
    return (struct steve_rerun_config){.driver = driver, .level = STEVE_CHECK_NORMAL, .limits = limits};
}

static void an_allocator_with_a_lock_passes(void **state)
{
    (void)state;
    struct seen seen = run(&right, 4, 60000);
    if (seen.any) {
        fail_msg("%s", seen.found.finding.what);
    }
    assert_true(seen.result.crew_counts.handed_over > 1000);
    assert_true(seen.result.crew_counts.freed_elsewhere > 1000);
}

static void the_c_library_passes_and_the_digest_is_that_of_one_thread(void **state)
{
    (void)state;
    struct seen four = run(&steve_driver_libc, 4, 30000);
    struct seen two = run(&steve_driver_libc, 2, 30000);
    struct seen one = run(&steve_driver_libc, 1, 30000);
    assert_false(four.any || two.any || one.any);
    assert_int_equal(four.result.digest, one.result.digest);
    assert_int_equal(two.result.digest, one.result.digest);
    assert_int_equal(one.result.crew_counts.ops, 0);
}

static void a_compactor_behind_a_lock_passes(void **state)
{
    (void)state;
    const struct steve_driver driver = jeff_behind_a_lock();
    struct seen seen = run(&driver, 4, 200000);
    if (seen.any) {
        fail_msg("%s: %s", steve_oracle_name(seen.found.finding.oracle), seen.found.finding.what);
    }
    assert_true(seen.result.crew_counts.handed_over > 1000);
}

static void *open_forgetful(const struct steve_geometry *geometry, const char **why)
{
    atomic_store(&jeff_forgets_pins, geometry->threads > 1);
    return steve_driver_jeff.open(geometry, why);
}

static void a_locked_block_that_another_thread_moves_is_found(void **state)
{
    (void)state;
    struct steve_driver driver = jeff_behind_a_lock();
    driver.open = open_forgetful;
    assert_false(run(&driver, 1, 100000).any);
    struct seen seen = run(&driver, 4, 200000);
    assert_true(seen.any);
    assert_int_equal(seen.found.sequence.header.threads, 4);
    steve_found_free(&seen.found);
}

static void what_is_wrong_for_threads_alone_passes_in_one(void **state)
{
    (void)state;
    assert_false(run(&no_lock, 1, 60000).any);
    assert_false(run(&deadlock, 1, 60000).any);
    assert_false(run(&crash, 1, 60000).any);
    assert_false(run(&miscounts, 1, 60000).any);
}

static void a_cell_given_out_twice_is_found_and_only_threads_show_it(void **state)
{
    (void)state;
    struct seen seen = run(&no_lock, 4, 1000000);
    assert_true(seen.any);
    assert_int_equal(seen.found.sequence.header.threads, 4);
    assert_true(seen.found.linear.count > 0 && seen.found.linear.count <= seen.found.sequence.count);
    assert_int_equal(seen.found.linear.header.threads, 0);
    struct steve_rerun_config again = how(&no_lock);
    steve_threads_again(&seen.found, &again);
    assert_int_equal(seen.found.threads.count, 4);
    assert_false(seen.found.threads.alone);
    assert_true(seen.found.threads.tries > 0);
    steve_found_free(&seen.found);
}

static void what_one_thread_shows_in_the_order_that_was_seen_becomes_its_finding(void **state)
{
    (void)state;
    struct steve_found found = {
        .finding = {.oracle = STEVE_ORACLE_CONTENT, .op = 3},
        .sequence = parse("steve-ops 1\nthreads 2\n@0 malloc s0 9\n@0 malloc s2 100\n@1 malloc s1 7\n@1 write s0\n"),
        .linear = parse("steve-ops 1\nmalloc s0 9\nmalloc s1 7\nmalloc s2 100\nwrite s0\n"),
    };
    struct steve_rerun_config again = how(&after_nine);
    steve_threads_again(&found, &again);
    assert_true(found.threads.alone);
    assert_int_equal(found.threads.count, 2);
    assert_int_equal(found.threads.oracle, STEVE_ORACLE_CONTENT);
    assert_int_equal(found.finding.oracle, STEVE_ORACLE_OVERLAP);
    assert_int_equal(found.sequence.header.threads, 0);
    assert_int_equal(found.sequence.count, 2);
    steve_found_free(&found);
}

static void a_race_is_shrunk_as_long_as_it_shows(void **state)
{
    (void)state;
    struct seen seen = run(&no_lock, 4, 1000000);
    struct steve_found shrunk;
    struct steve_shrink_report report;
    char why[256];
    assert_true(seen.any);
    assert_true(steve_shrink(
        &(struct steve_shrink_config){
            .driver = &no_lock, .level = STEVE_CHECK_NORMAL, .limits = limits, .time_ns = 3000000000},
        &seen.found, &shrunk, &report, why, sizeof why));
    if (report.shown) {
        assert_true(shrunk.sequence.count < seen.found.sequence.count);
        assert_int_equal(shrunk.sequence.header.threads, 4);
    }
    steve_sequence_free(&shrunk.sequence);
    steve_found_free(&seen.found);
}

static void threads_that_wait_for_each_other_are_a_hang(void **state)
{
    (void)state;
    struct seen seen = run(&deadlock, 4, 1000000);
    assert_true(seen.any);
    assert_int_equal(seen.found.finding.oracle, STEVE_ORACLE_HANG);
    assert_true(seen.found.finding.op < seen.found.sequence.count);
    assert_non_null(strstr(seen.found.finding.what, "under way: op "));
    steve_found_free(&seen.found);
}

static void a_thread_that_dies_is_a_crash_in_its_op(void **state)
{
    (void)state;
    struct seen seen = run(&crash, 4, 1000000);
    assert_true(seen.any);
    assert_int_equal(seen.found.finding.oracle, STEVE_ORACLE_CRASH);
    assert_true(seen.found.finding.op < seen.found.sequence.count);
    assert_int_equal(seen.found.sequence.ops[seen.found.finding.op].code, STEVE_OP_FREE);
    steve_found_free(&seen.found);
}

static void a_count_that_loses_updates_is_seen_when_threads_have_ended(void **state)
{
    (void)state;
    struct seen seen = run(&miscounts, 4, 1000000);
    assert_true(seen.any);
    assert_int_equal(seen.found.finding.oracle, STEVE_ORACLE_ACCOUNT);
    steve_found_free(&seen.found);
}

// Sequences that are not random

static void a_block_goes_from_thread_to_thread_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct steve_sequence sequence = parse("steve-ops 1\ndriver libc\nthreads 3\n"
                                           "@0 malloc s0 100\n@1 write s0\n@2 resize s0 size(s0)+50\n@1 verify s0\n"
                                           "@2 malloc s1 size(s0)\ncheck\n@0 free s0\n@1 malloc s0 7\n@2 drain\n");
    struct steve_found seen;
    struct steve_rerun_config config = how(&steve_driver_libc);
    config.sequence = &sequence;
    assert_false(steve_rerun(&config, &seen));
    steve_sequence_free(&sequence);
}

static void threads_survive_text_and_mean_nothing_in_bytes(void **state)
{
    (void)state;
    const char *text =
        "steve-ops 1\ndriver libc\nheap 65536\nthreads 4\n@3 malloc s0 100\n@1 calloc s1 2^4\n@2 free s0\n"
        "@0 aligned s2 64 heap/8\n@3 malloc s3 max-5\n@1 resize s1 size(s2)\n@2 compact 20 us\n";
    struct steve_sequence sequence = parse(text);
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    assert_true(steve_text_print(&steve_drivers, &sequence, out));
    fclose(out);
    assert_string_equal(printed, text);
    free(printed);

    size_t count;
    uint8_t *bytes = steve_bytes_encode(&steve_drivers, &sequence, &count);
    struct steve_sequence decoded = {.count = 0};
    assert_true(steve_bytes_decode(&steve_drivers, bytes, count, &decoded));
    assert_int_equal(decoded.header.threads, 0);
    assert_int_equal(decoded.count, sequence.count);
    for (size_t i = 0; i < decoded.count; i++) {
        struct steve_op alone = steve_op_canonical(sequence.ops[i]);
        assert_memory_equal(&decoded.ops[i], &alone, sizeof alone);
    }
    free(bytes);
    steve_sequence_free(&decoded);
    steve_sequence_free(&sequence);
}

static void a_threads_line_that_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"steve-ops 1\nthreads 33\n", "test:2: number of threads 33 is out of range; expected 1 to 32"},
        {"steve-ops 1\nthreads\n", "test:2: expected 'threads NUMBER', not 'threads'"},
        {"steve-ops 1\n@1 malloc s0 1\n", "test:2: expected '@' only after a 'threads' line that says 2 or more"},
        {"steve-ops 1\nthreads 2\n@2 malloc s0 1\n", "test:3: thread 2 is out of range; expected 0 to 1"},
        {"steve-ops 1\nthreads 2\n@x malloc s0 1\n", "test:3: expected a thread, a number from 0 to 1, not 'x'"},
        {"steve-ops 1\nthreads 2\n@1\n", "test:3: expected '@THREAD OP', not '@1' alone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct steve_sequence sequence = {.count = 0};
        char error[256] = "";
        assert_false(steve_text_parse(&steve_drivers, "test", rows[i].text, strlen(rows[i].text), &sequence, error,
                                      sizeof error));
        assert_string_equal(error, rows[i].error);
    }
}

// Order

static void an_interleaving_is_put_in_order_by_when_memory_changed_hands(void **state)
{
    (void)state;
    struct steve_sequence ops =
        parse("steve-ops 1\nthreads 2\n"
              "@0 malloc s0 1\n@0 free s0\n@1 malloc s1 2\n@1 write s1\n@0 malloc s2 3\n@1 free s1\n");
    // The free gave its memory to the malloc while it still went on; the last two came after the write that broke.
    static const uint32_t times[][2] = {{1, 2}, {3, 6}, {4, 5}, {7, 9}, {8, 0}, {10, 11}};
    struct steve_stamps stamps[6];
    for (size_t i = 0; i < 6; i++) {
        atomic_init(&stamps[i].begun, times[i][0]);
        atomic_init(&stamps[i].ended, times[i][1]);
    }
    struct steve_sequence line = {.count = 0};
    assert_true(steve_linearize(ops.ops, ops.count, stamps, 3, &line));
    static const uint8_t codes[] = {STEVE_OP_MALLOC, STEVE_OP_FREE, STEVE_OP_MALLOC, STEVE_OP_MALLOC, STEVE_OP_WRITE};
    static const uint16_t slots[] = {0, 0, 1, 2, 1};
    assert_int_equal(line.count, 5);
    for (size_t i = 0; i < line.count; i++) {
        assert_int_equal(line.ops[i].code, codes[i]);
        assert_int_equal(line.ops[i].slot, slots[i]);
        assert_int_equal(steve_op_thread(line.ops[i]), 0);
    }
    steve_sequence_free(&line);
    steve_sequence_free(&ops);
}

static void every_dealing_keeps_the_ops_and_uses_all_threads(void **state)
{
    (void)state;
    struct steve_rng rng;
    struct steve_op ops[4000];
    struct steve_op dealt[4000];
    for (size_t i = 0; i < 4000; i++) {
        ops[i] = i % 3 == 2
                     ? steve_op_canonical((struct steve_op){.code = STEVE_OP_FREE, .slot = (uint16_t)(i / 3)})
                     : steve_op_sized(i % 2 == 0 ? STEVE_OP_MALLOC : STEVE_OP_RESIZE, (uint16_t)(i / 3), (uint32_t)i);
    }
    steve_rng_seed(&rng, 1, 0, STEVE_STREAM_DEAL);
    for (unsigned round = 0; round < 50; round++) {
        unsigned threads = 2 + round % 31;
        unsigned counts[STEVE_THREADS_MOST] = {0};
        memcpy(dealt, ops, sizeof ops);
        assert_true(steve_deal(&rng, dealt, 4000, threads));
        for (size_t i = 0; i < 4000; i++) {
            struct steve_op alone = steve_op_canonical(dealt[i]);
            assert_memory_equal(&alone, &ops[i], sizeof alone);
            assert_true(steve_op_thread(dealt[i]) < threads);
            counts[steve_op_thread(dealt[i])]++;
        }
        for (unsigned t = 0; t < threads; t++) {
            assert_true(counts[t] > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocator_with_a_lock_passes),
        cmocka_unit_test(the_c_library_passes_and_the_digest_is_that_of_one_thread),
        cmocka_unit_test(a_compactor_behind_a_lock_passes),
        cmocka_unit_test(a_locked_block_that_another_thread_moves_is_found),
        cmocka_unit_test(what_is_wrong_for_threads_alone_passes_in_one),
        cmocka_unit_test(a_cell_given_out_twice_is_found_and_only_threads_show_it),
        cmocka_unit_test(what_one_thread_shows_in_the_order_that_was_seen_becomes_its_finding),
        cmocka_unit_test(a_race_is_shrunk_as_long_as_it_shows),
        cmocka_unit_test(threads_that_wait_for_each_other_are_a_hang),
        cmocka_unit_test(a_thread_that_dies_is_a_crash_in_its_op),
        cmocka_unit_test(a_count_that_loses_updates_is_seen_when_threads_have_ended),
        cmocka_unit_test(a_block_goes_from_thread_to_thread_in_the_order_of_the_file),
        cmocka_unit_test(threads_survive_text_and_mean_nothing_in_bytes),
        cmocka_unit_test(a_threads_line_that_is_wrong_is_said),
        cmocka_unit_test(an_interleaving_is_put_in_order_by_when_memory_changed_hands),
        cmocka_unit_test(every_dealing_keeps_the_ops_and_uses_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
