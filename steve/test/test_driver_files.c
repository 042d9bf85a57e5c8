/// Tests of `--driver ./FILE.so`: a driver in a shared object is run like one in the box, what is wrong with one is said
/// in a clear line, and a statement that does not hold is a finding. The faulty ones are made from faulty_driver.c.
#define _GNU_SOURCE
#include "steve/test/program_test.h"

/// Where the test suite's shared objects are. They are called by relative paths, as a person would.
static const char *objects(void)
{
    const char *folder_of_objects = getenv("STEVE_TEST_OBJECTS");
    return folder_of_objects != NULL ? folder_of_objects : ".";
}

static const struct outcome *run_faulty(const char *fault, const char *more)
{
    return steve("run --driver '%s/faulty-%s.so' --seed 1 --ops 20000 %s", objects(), fault, more);
}

/// Said in one line on stderr that has `part`, with nothing on stdout.
static void assert_told(const char *fault, const char *part, int status)
{
    const struct outcome *o = run_faulty(fault, "");
    if (o->status != status) {
        fail_msg("%s: status %d, expected %d; %s", fault, o->status, status, o->err);
    }
    assert_has(o->err, part);
    if (status == 2) {
        assert_string_equal(o->out, "");
    }
}

static void assert_found(const char *fault, const char *oracle)
{
    char part[64];
    snprintf(part, sizeof part, "verdict=fail oracle=%s ", oracle);
    const struct outcome *o = run_faulty(fault, "");
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), part);
}

static void a_file_that_is_none_is_said(void **state)
{
    (void)state;
    write_text("text.so", "this is no shared object\n");
    write_text("empty.so", "");
    assert_refused("run --driver ./missing.so", "driver ./missing.so: no such file");
    assert_refused("run --driver ./text.so", "driver ./text.so: no shared object that can be loaded");
    assert_refused("run --driver ./empty.so", "driver ./empty.so: no shared object that can be loaded");
    assert_refused("run --driver /tmp", "expected a shared object, and it is no file");
    char arguments[512];
    snprintf(arguments, sizeof arguments, "run --driver ./%0300d.so", 0);
    assert_refused(arguments, "its name is too long for a reproducer: expected less than 240 characters");
    assert_refused("run --driver text.so", "expected one that `steve drivers` lists, ./FILE.so or malloc:LIBRARY");
}

static void an_object_that_exports_no_driver_is_said(void **state)
{
    (void)state;
    assert_told("exports-nothing", "it exports no 'steve_exported_driver'", 2);
    assert_told("other-version", "it was made for version 99 of steve/driver.h", 2);
    assert_told("lacks-free", "it lacks free, which every driver must have", 2);
}

static void each_contradiction_is_a_line(void **state)
{
    (void)state;
    assert_told("contradicts-itself", "its alignment is 24: expected a power of two", 2);
    assert_told("contradicts-itself", "its largest_aligned is 64, and it has no aligned", 2);
    assert_told("contradicts-itself", "it has STEVE_PROMISE_LOCKS_NEST without lock", 2);
    assert_told("contradicts-itself", "it has STEVE_PROMISE_RELOCATABLE without STEVE_PROMISE_REGION", 2);
}

static void a_constructor_that_crashes_or_exits_is_said(void **state)
{
    (void)state;
    assert_told("crashes-in-constructor", "while the driver was loaded", 2);
    assert_told("exits-in-constructor", "ended itself with exit status 0 while the driver was loaded", 2);
}

static void a_heap_that_cannot_be_opened_is_said(void **state)
{
    (void)state;
    assert_told("fails-to-open", "the driver could not open a heap: the moon is in the wrong phase", 3);
}

static void what_a_driver_prints_is_kept_out_of_stdout(void **state)
{
    (void)state;
    const struct outcome *o = run_faulty("prints-to-stdout", "--json --jobs 2");
    assert_int_equal(o->status, 0);
    assert_int_equal(o->out[0], '{');
    assert_null(strstr(o->out, "hello"));
    assert_null(strstr(o->out, "malloc "));
    o = run_faulty("prints-to-stdout", "--check light");
    assert_int_equal(o->status, 0);
    assert_null(strstr(o->out, "hello"));
    assert_null(strstr(o->out, "goodbye"));
    assert_has(last_line(o->out), "verdict=pass");
}

static void a_statement_that_does_not_hold_is_a_finding(void **state)
{
    (void)state;
    assert_found("lies-about-alignment", "align");
    assert_found("lies-about-zero", "refusal");
    assert_found("refuses-zero", "refusal");
    assert_found("lies-about-usable", "account");
    assert_found("lies-about-refusals", "refusal");
    assert_found("loses-failed-resizes", "refusal");
}

static void a_weaker_statement_asks_for_less(void **state)
{
    (void)state;
    assert_int_equal(run_faulty("aligns-by-size", "")->status, 0);
    assert_int_equal(run_faulty("frees-on-failed-resize", "")->status, 0);
}

static void a_block_elsewhere_breaks_the_promise_of_a_region(void **state)
{
    (void)state;
    write_text("elsewhere.ops", "steve-ops 1\nheap 4096\nmalloc s0 100\n");
    const struct outcome *o = steve("replay --driver '%s/faulty-lies-about-the-region.so' elsewhere.ops", objects());
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), "oracle=bounds");
}

static void what_it_states_is_listed(void **state)
{
    (void)state;
    const struct outcome *o = steve("drivers --driver '%s/faulty-frees-on-failed-resize.so'", objects());
    assert_int_equal(o->status, 0);
    assert_has(o->out, "resize");
    assert_has(o->out, "promises region");
    assert_has(o->out, "0 bytes give a block or a refusal, a failed resize frees");
}

static void a_reproducer_names_its_shared_object(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof command, "cp '%s/faulty-lies-about-alignment.so' mine.so", objects());
    assert_int_equal(system(command), 0);
    const struct outcome *o = steve("run --driver ./mine.so --seed 1 --out kept");
    assert_int_equal(o->status, 1);
    assert_has(o->out, "driver ./mine.so\n");
    o = steve("replay kept/*/repro.ops");
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), "oracle=align");
    o = steve("replay --driver ./mine.so kept/*/repro.bin"); // in bytes it has no name
    assert_int_equal(o->status, 1);
    assert_int_equal(steve("shrink kept/*/full.ops")->status, 1);
    o = steve("run --driver ./mine.so --seed 1 --no-isolate --out again");
    assert_int_equal(o->status, 1);

    assert_int_equal(rename("mine.so", "gone.so"), 0);
    o = steve("replay kept/*/repro.ops");
    assert_int_equal(o->status, 2);
    assert_has(o->err, "driver ./mine.so: no such file");
    assert_has(o->err, "its driver ./mine.so could not be loaded; --driver says which one to take");
    assert_int_equal(steve("replay --driver ./gone.so kept/*/repro.ops")->status, 1);
    assert_int_equal(steve("encode kept/*/repro.ops -o bytes.bin")->status, 0); // which loads nothing
}

static void threads_are_for_those_who_promise_them(void **state)
{
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments, "run --driver '%s/faulty-aligns-by-size.so' --threads 2", objects());
    assert_refused(arguments, "does not promise that several threads may use it");
    assert_refused("run --driver jeff --threads 4", "driver jeff does not promise that several threads may use it");
    assert_refused("run --driver libc --threads 0", "--threads '0': expected a whole number from 1 to 32");
    assert_refused("run --driver libc --threads 33", "--threads '33': expected a whole number from 1 to 32");
    assert_refused("run --driver libc --threads 2 --against jeff", "expected no --against beside it");
    assert_refused("run --driver libc --threads 2 --exhaustive 3", "expected no --exhaustive beside it");
    assert_int_equal(steve("run --driver jeff --threads 1 --ops 1000")->status, 0);
}

static void a_sequence_for_threads_needs_the_promise_and_runs_many_times(void **state)
{
    (void)state;
    write_text("threads.ops", "steve-ops 1\nthreads 2\n@1 malloc s0 10\n@0 free s0\n");
    const struct outcome *o = steve("replay --driver libc threads.ops");
    assert_int_equal(o->status, 0);
    assert_has(o->out, "pass  threads.ops  libc ops=2 threads=2, run 20 times");
    assert_refused("replay --driver jeff threads.ops", "driver jeff does not promise that several may use it");
    assert_refused("replay --driver libc --against jeff threads.ops", "with threads there is one driver");
}

static void a_race_in_a_driver_is_found_by_threads_alone(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --driver '%s/racy-no-lock.so' --seed 1 --ops 200000", objects());
    assert_int_equal(o->status, 0);
    o = steve("run --driver '%s/racy-none.so' --seed 1 --ops 30000 --threads 4", objects());
    assert_int_equal(o->status, 0);
    assert_has(o->out, "threads: ");
    o = steve("run --driver '%s/racy-no-lock.so' --seed 1 --ops 1000000 --threads 4 --no-shrink --out race", objects());
    assert_int_equal(o->status, 1);
    assert_has(o->out, "  threads  4 broke it; one thread does not, by the interleaving that was seen; 4 again: ");
    assert_has(o->out, "reproducer=race/");
    o = steve("drivers --driver '%s/racy-no-lock.so'", objects());
    assert_has(o->out, "promises threads");
    assert_int_equal(system("grep -q '^threads 4$' race/*/full.ops && grep -q '4 broke it; one thread does not' "
                            "race/*/report.txt"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_none_is_said),
        cmocka_unit_test(an_object_that_exports_no_driver_is_said),
        cmocka_unit_test(each_contradiction_is_a_line),
        cmocka_unit_test(a_constructor_that_crashes_or_exits_is_said),
        cmocka_unit_test(a_heap_that_cannot_be_opened_is_said),
        cmocka_unit_test(what_a_driver_prints_is_kept_out_of_stdout),
        cmocka_unit_test(a_statement_that_does_not_hold_is_a_finding),
        cmocka_unit_test(a_weaker_statement_asks_for_less),
        cmocka_unit_test(a_block_elsewhere_breaks_the_promise_of_a_region),
        cmocka_unit_test(what_it_states_is_listed),
        cmocka_unit_test(a_reproducer_names_its_shared_object),
        cmocka_unit_test(threads_are_for_those_who_promise_them),
        cmocka_unit_test(a_sequence_for_threads_needs_the_promise_and_runs_many_times),
        cmocka_unit_test(a_race_in_a_driver_is_found_by_threads_alone),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
