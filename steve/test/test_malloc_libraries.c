/// Tests of `--driver malloc:LIBRARY`: what has the interface of malloc is run, wherever it must be loaded from; what has
/// not is said in a clear line. The libraries are made from faulty_malloc.c; those of the system are tried where they are
/// installed.
#include "steve/test/program_test.h"

static const char *objects(void)
{
    const char *folder_of_objects = getenv("STEVE_TEST_OBJECTS");
    return folder_of_objects != NULL ? folder_of_objects : ".";
}

static const struct outcome *run_library(const char *kind, const char *more)
{
    return steve("run --driver 'malloc:%s/malloc-%s.so' --seed 1 --ops 20000 %s", objects(), kind, more);
}

/// Line after line on stderr, nothing on stdout, and status 2.
static void assert_told(const char *library, const char *part)
{
    const struct outcome *o = steve("run --driver 'malloc:%s'", library);
    if (o->status != 2) {
        fail_msg("%s: status %d, expected 2", library, o->status);
    }
    assert_string_equal(o->out, "");
    assert_has(o->err, part);
}

static void assert_kind_told(const char *kind, const char *part)
{
    char library[4096];
    snprintf(library, sizeof library, "%s/malloc-%s.so", objects(), kind);
    assert_told(library, part);
}

static void what_is_no_library_is_said(void **state)
{
    (void)state;
    write_text("text.so", "this is no library\n");
    assert_told("", "expected malloc:LIBRARY");
    assert_told("./missing.so", "driver malloc:./missing.so: no such file");
    assert_told("/tmp", "expected a library, and it is no file");
    assert_told("./text.so", "no library that can be loaded");
    assert_told("libno-such-library.so.7", "no library that can be loaded");
    assert_refused("run --driver 'malloc:./a b.so'", "the loader preloads no path with blanks or colons in it");
    assert_refused("run --driver other:./text.so", "no such file");
    assert_refused("run --driver other:text", "expected a path with a '/', or malloc:LIBRARY");
}

static void a_library_without_malloc_is_said(void **state)
{
    (void)state;
    assert_told("libm.so.6", "it is no malloc library: it does not define both malloc and free");
}

static void a_library_that_does_not_get_going_is_said(void **state)
{
    (void)state;
    assert_kind_told("refuses-all", "");
    assert_kind_told("crashes-at-once", "while the driver was loaded");
}

static void a_library_runs_with_all_that_it_has(void **state)
{
    (void)state;
    const struct outcome *o = run_library("none", "--jobs 2");
    assert_int_equal(o->status, 0);
    assert_has(o->out, "calloc");
    assert_has(o->out, "aligned");
    assert_has(o->out, "resize");
}

static void functions_that_it_lacks_are_not_borrowed(void **state)
{
    (void)state;
    const struct outcome *o = run_library("only-malloc-free", "");
    assert_int_equal(o->status, 0);
    assert_has(o->out, "malloc");
    assert_null(strstr(o->out, "calloc"));
    assert_null(strstr(o->out, "aligned"));
    assert_null(strstr(o->out, "resize"));
}

static void one_that_needs_the_first_thread_local_space_is_preloaded(void **state)
{
    (void)state;
    assert_int_equal(run_library("needs-first-space", "")->status, 0);
    const struct outcome *o = steve("run --driver 'malloc:%s/malloc-needs-first-space.so' --exhaustive 2", objects());
    assert_int_equal(o->status, 0);
    o = run_library("needs-first-space", "--no-isolate");
    assert_int_equal(o->status, 3);
    assert_has(o->err, "start Steve with LD_PRELOAD set to it");
}

static void a_library_runs_beside_one_with_memory_of_its_own(void **state)
{
    (void)state;
    const struct outcome *o = run_library("none", "--against jeff");
    assert_int_equal(o->status, 0);
    o = steve("run --against 'malloc:%s/malloc-needs-first-space.so' --seed 1 --ops 20000", objects());
    assert_int_equal(o->status, 0);
    o = steve("run --against 'malloc:%s/malloc-overlaps.so' --seed 1 --ops 20000 --out beside", objects());
    assert_int_equal(o->status, 1);
    assert_int_equal(steve("replay beside/*/repro.ops")->status, 1);
    assert_int_equal(steve("shrink beside/*/full.ops")->status, 1);
}

static void two_libraries_cannot_take_the_place_of_one_malloc(void **state)
{
    (void)state;
    char arguments[4096];
    snprintf(arguments, sizeof arguments, "--against 'malloc:%s/malloc-only-malloc-free.so'", objects());
    const struct outcome *o = run_library("none", arguments);
    assert_int_equal(o->status, 2);
    assert_has(o->err, "expected one malloc: library at most");
    o = run_library("none", "--against libc");
    assert_int_equal(o->status, 2);
    assert_has(o->err, "expected no malloc: library beside libc");
}

static void what_a_library_prints_is_kept_out_of_stdout(void **state)
{
    (void)state;
    const struct outcome *o =
        steve("run --driver 'malloc:%s/malloc-prints-to-stdout.so' --seed 1 --ops 2000 --json", objects());
    assert_int_equal(o->status, 0);
    assert_int_equal(o->out[0], '{');
    assert_null(strstr(o->out, "malloc\n"));
}

static void the_same_seed_gives_the_same_digest_for_any_library(void **state)
{
    (void)state;
    char first[256];
    snprintf(first, sizeof first, "%s", last_line(run_library("none", "")->out));
    *strstr(first, " seconds=") = '\0';
    assert_has(run_library("needs-first-space", "--jobs 2")->out, first);
}

static void a_bug_is_found_shrunk_and_shown_again(void **state)
{
    (void)state;
    const struct outcome *o = run_library("overlaps", "--out kept");
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), "oracle=overlap");
    assert_has(last_line(o->out), "repro_ops=2");
    char command[4096];
    snprintf(command, sizeof command, "grep -q '^driver malloc:%s/malloc-overlaps.so$' kept/*/repro.ops", objects());
    assert_int_equal(system(command), 0);
    o = steve("replay kept/*/repro.ops");
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), "oracle=overlap");
    assert_int_equal(steve("shrink kept/*/full.ops")->status, 1);
    o = steve("replay --driver 'malloc:%s/malloc-none.so' kept/*/repro.ops", objects());
    assert_int_equal(o->status, 0);
}

static void its_program_shows_the_bug_without_steve(void **state)
{
    (void)state;
    assert_int_equal(run_library("overlaps", "--out program")->status, 1);
    char command[4096];
    snprintf(command, sizeof command,
             "cc -std=c11 program/*/repro.c -o repro && LD_PRELOAD='%s/malloc-overlaps.so' ./repro >/dev/null 2>&1; "
             "test $? = 1",
             objects());
    assert_int_equal(system(command), 0);
}

static void files_of_several_drivers_replay_in_one_go(void **state)
{
    (void)state;
    char text[4096];
    static const char *const kinds[] = {"none", "needs-first-space", "only-malloc-free", "none"};
    for (int i = 0; i < 4; i++) {
        char path[16];
        snprintf(path, sizeof path, "m%d.ops", i);
        snprintf(text, sizeof text, "steve-ops 1\ndriver malloc:%s/malloc-%s.so\nmalloc s0 100\nwrite s0\nfree s0\n",
                 objects(), kinds[i]);
        write_text(path, text);
    }
    write_text("m4.ops", "steve-ops 1\ndriver jeff\nmalloc s0 100\nlock s0\nunlock s0\n");
    const struct outcome *o = steve("replay m0.ops m1.ops m2.ops m3.ops m4.ops");
    assert_int_equal(o->status, 0);
    assert_has(last_line(o->out), "files=5");
}

/// Debian's names; what is not installed is passed over.
static void those_of_the_system_pass(void **state)
{
    (void)state;
    static const char *const libraries[] = {"libc.so.6", "libjemalloc.so.2", "libtcmalloc_minimal.so.4",
                                            "libmimalloc.so.2"};
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        // mimalloc 2.0.9 gives posix_memalign(256, 256) a multiple of 128: that is no fault of ours.
        const struct outcome *o = steve("run --driver malloc:%s --seed 1 --ops 100000 --without align", libraries[i]);
        if (o->status == 2 && strstr(o->err, "no library that can be loaded") != NULL) {
            print_message("%s is not installed\n", libraries[i]);
        } else if (o->status != 0) {
            fail_msg("%s: status %d\n%s%s", libraries[i], o->status, o->out, o->err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_library_is_said),
        cmocka_unit_test(a_library_without_malloc_is_said),
        cmocka_unit_test(a_library_that_does_not_get_going_is_said),
        cmocka_unit_test(a_library_runs_with_all_that_it_has),
        cmocka_unit_test(functions_that_it_lacks_are_not_borrowed),
        cmocka_unit_test(one_that_needs_the_first_thread_local_space_is_preloaded),
        cmocka_unit_test(a_library_runs_beside_one_with_memory_of_its_own),
        cmocka_unit_test(two_libraries_cannot_take_the_place_of_one_malloc),
        cmocka_unit_test(what_a_library_prints_is_kept_out_of_stdout),
        cmocka_unit_test(the_same_seed_gives_the_same_digest_for_any_library),
        cmocka_unit_test(a_bug_is_found_shrunk_and_shown_again),
        cmocka_unit_test(its_program_shows_the_bug_without_steve),
        cmocka_unit_test(files_of_several_drivers_replay_in_one_go),
        cmocka_unit_test(those_of_the_system_pass),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
