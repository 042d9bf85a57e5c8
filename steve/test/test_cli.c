/// Tests of the command line, by calling it as a person does: exit statuses, messages, first and last lines, digests.
#define _GNU_SOURCE
#include "steve/test/program_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static void assert_begins(const char *text, const char *part)
{
    if (strncmp(text, part, strlen(part)) != 0) {
        fail_msg("expected '%s' at the start of:\n%s", part, text);
    }
}

static void digest_of(const char *out, char digest[17])
{
    const char *at = strstr(last_line(out), " digest=");
    assert_non_null(at);
    memcpy(digest, at + strlen(" digest="), 16);
    digest[16] = '\0';
    assert_int_equal(strspn(digest, "0123456789abcdef"), 16);
}

static void bad_usage_gets_one_line_and_status_2(void **state)
{
    (void)state;
    assert_refused("", "expected a command");
    assert_refused("stress", "unknown command 'stress'");
    assert_refused("--frobnicate", "unknown option '--frobnicate'");
    assert_refused("run --frobnicate", "unknown option '--frobnicate'");
    assert_refused("run -x", "unknown option '-x'");
    assert_refused("run extra", "unexpected argument 'extra'");
    assert_refused("run --ops", "--ops needs a value");
    assert_refused("run --no-isolate=3", "--no-isolate takes no value");
    assert_refused("show", "expected FILE");
    assert_refused("replay", "expected FILE|DIR");
    assert_refused("drivers x", "unexpected argument 'x'");
    assert_refused("--help extra", "unexpected argument 'extra'");
    assert_refused("help nope", "unexpected argument 'nope'");
    assert_refused("help run extra", "unexpected argument");
    assert_refused("--version extra", "unexpected argument 'extra'");
    assert_refused("drivers --seed 1", "unknown option '--seed'");
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_refused("run --ops 0", "--ops '0': expected");
    assert_refused("run --ops -5", "--ops '-5'");
    assert_refused("run --ops 12x", "--ops '12x'");
    assert_refused("run --ops 18446744073709551616", "--ops");
    assert_refused("run --episodes 0", "--episodes '0'");
    assert_refused("run --seed abc", "--seed 'abc'");
    assert_refused("run --seed ''", "--seed ''");
    assert_refused("run --seed 0x", "--seed '0x'");
    assert_refused("run --seed 0x0x10", "--seed '0x0x10'");
    assert_refused("run --time 10q", "--time '10q'");
    assert_refused("run --time 0s", "--time '0s'");
    assert_refused("run --time 99999999999999999999d", "--time");
    assert_refused("run --heap 0", "--heap '0'");
    assert_refused("run --heap 1", "expected at least");
    assert_refused("run --heap 2T", "--heap '2T'");
    assert_refused("run --heap 64X", "--heap '64X'");
    assert_refused("run --jobs 0", "--jobs '0'");
    assert_refused("run --jobs 257", "--jobs '257'");
    assert_refused("run --memory 1", "--memory '1'");
    assert_refused("run --op-time 1ns", "--op-time '1ns'");
    assert_refused("run --op-time 25h", "--op-time '25h': expected a time from 1ms to 1d");
    assert_refused("run --driver nobody", "--driver 'nobody': expected");
    assert_refused("run --profile nobody", "--profile 'nobody'");
    assert_refused("run --locks nobody", "--locks 'nobody'");
    assert_refused("run --check all", "--check 'all': expected light, normal or paranoid");
    assert_refused("run --without content,nobody", "--without 'content,nobody'");
    assert_refused("run --episode 1 --episodes 2", "--episode");
}

static void bad_files_are_named(void **state)
{
    (void)state;
    assert_int_equal(mkdir("empty", 0777), 0);
    write_text("bad.ops", "steve-ops 1\ndriver jeff\nmaloc s0 100\n");
    write_text("headless.ops", "# a sequence\nheap 4096\nmalloc s0 100\n");
    write_text("nodriver.ops", "steve-ops 1\ndriver nobody\nmalloc s0 100\n");

    assert_refused("show missing", "missing: no such file");
    assert_refused("encode missing", "missing: no such file");
    assert_refused("replay missing", "missing: no such file");
    assert_refused("show empty", "empty: is a folder; expected a file");
    assert_refused("encode empty -o x", "empty: is a folder");
    assert_refused("replay empty", "empty: expected sequences");
    assert_refused("encode bad.ops", "bad.ops:3: ");
    assert_refused("replay bad.ops", "bad.ops:3: ");
    assert_refused("show bad.ops", "bad.ops:3: ");
    assert_refused("replay nodriver.ops", "nobody");
    assert_refused("show headless.ops",
                   "headless.ops: it looks like a sequence as text, and does not begin with `steve-ops 1`");
    assert_refused("replay headless.ops", "headless.ops: it looks like a sequence as text");
    assert_refused("encode bad.ops -o nowhere/x", "bad.ops:3: ");
    if (geteuid() != 0) {
        write_text("secret.ops", "steve-ops 1\n");
        assert_int_equal(chmod("secret.ops", 0), 0);
        assert_refused("replay secret.ops", "secret.ops: Permission denied");
    }
}

static void lists_and_help_pass(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        const char *part;
    } cases[] = {
        {"--help", "steve run --seed 1"},
        {"--version", "steve "},
        {"drivers", "jeff"},
        {"profiles", "swarm"},
        {"oracles", "metamorphic"},
        {"locks", "float-sink"},
        {"run --help", "--op-time T"},
        {"help replay", "Usage: steve replay FILE"},
        {"help bench", "bench"},
        {"replay --help", "--no-isolate"},
        {"show --help", "Usage: steve show FILE"},
        {"encode --help", "--output OUT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct outcome *o = steve("%s", cases[i].arguments);
        assert_int_equal(o->status, 0);
        assert_has(o->out, cases[i].part);
        assert_string_equal(o->err, "");
    }
}

static void run_states_its_seed_first_and_its_verdict_last(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --seed 7 --ops 20000");
    assert_int_equal(o->status, 0);
    assert_string_equal(o->err, "");
    assert_begins(o->out, "steve ");
    assert_has(o->out, " driver=jeff seed=7 profile=swarm locks=mixed");
    assert_begins(last_line(o->out), "verdict=pass seed=7 episodes=");
    assert_has(last_line(o->out), " ops=20000 digest=");
    assert_has(o->out, "malloc");
}

static void run_draws_a_seed_and_says_so(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --driver hostile --episodes 2");
    assert_int_equal(o->status, 0);
    assert_has(o->out, " seed=");
    assert_has(last_line(o->out), " episodes=2 ");
}

static void digest_depends_on_the_seed_and_not_on_jobs_or_isolation(void **state)
{
    (void)state;
    char first[17], again[17], jobs[17], here[17], other[17];
    digest_of(steve("run --seed 7 --ops 100000")->out, first);
    digest_of(steve("run --seed 7 --ops 100000")->out, again);
    digest_of(steve("run --seed 7 --ops 100000 --jobs 2")->out, jobs);
    digest_of(steve("run --seed 7 --ops 100000 --no-isolate")->out, here);
    digest_of(steve("run --seed 8 --ops 100000")->out, other);
    assert_string_equal(first, again);
    assert_string_equal(first, jobs);
    assert_string_equal(first, here);
    assert_string_not_equal(first, other);
}

static void time_ends_a_run(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --driver hostile --seed 1 --time 300ms");
    assert_int_equal(o->status, 0);
    assert_begins(last_line(o->out), "verdict=pass seed=1 ");
}

/// The path of the reproducer that a verdict names.
static void reproducer_of(const char *out, char *path, size_t size)
{
    const char *at = strstr(last_line(out), " reproducer=");
    assert_non_null(at);
    at += strlen(" reproducer=");
    snprintf(path, size, "%.*s", (int)strcspn(at, " \n"), at);
}

static void findings_are_saved_and_replay_shows_them_again(void **state)
{
    (void)state;
    static const struct {
        const char *driver;
        const char *oracle;
        const char *options;
    } cases[] = {
        {"hostile-overlap", "oracle=overlap ", ""},
        {"hostile-moves-locked", "oracle=pin ", ""},
        {"hostile-crashes", "oracle=crash ", ""},
        {"hostile-exits", "oracle=crash ", ""},
        {"hostile-loops", "oracle=hang ", "--op-time 200ms"},
        {"hostile-eats-memory", "oracle=memory ", "--memory 200M"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[4096];
        char full[4096];
        const struct outcome *o = steve("run --driver %s --seed 3 --ops 200000 --out found --no-shrink %s",
                                        cases[i].driver, cases[i].options);
        assert_int_equal(o->status, 1);
        assert_begins(last_line(o->out), "verdict=fail oracle=");
        assert_has(last_line(o->out), cases[i].oracle);
        reproducer_of(o->out, path, sizeof path);
        assert_has(o->out, " replay ");

        static const char *const kept[] = {"full.ops", "repro.bin", "report.txt"};
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
            snprintf(full, sizeof full, "%.*s/%s", (int)(strrchr(path, '/') - path), path, kept[k]);
            assert_int_equal(access(full, R_OK), 0);
        }
        o = steve("replay --no-shrink %s %s", cases[i].options, path);
        assert_int_equal(o->status, 1);
        assert_begins(last_line(o->out), "verdict=fail ");
        assert_has(last_line(o->out), cases[i].oracle);

        snprintf(full, sizeof full, "%.*s/repro.bin", (int)(strrchr(path, '/') - path), path);
        o = steve("replay --no-shrink %s %s", cases[i].options, full);
        assert_has(last_line(o->out), cases[i].oracle);
    }
}

static void paths_in_a_verdict_are_words_of_a_shell(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --driver hostile-overlap --seed 3 --out \"it's found\" --no-shrink");
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), " reproducer='it'\\''s found/");
    assert_has(last_line(o->out), "/repro.ops' repro_ops=");
    o = steve("replay --no-shrink \"it's found\"/*/repro.ops");
    assert_has(last_line(o->out), " file='it'\\''s found/");
    o = steve("shrink \"it's found\"/*/repro.ops -o \"as small\"");
    assert_has(last_line(o->out), " file='it'\\''s found/");
    assert_has(last_line(o->out), " reproducer='as small' ");
}

static void a_second_driver_must_be_another_that_can_run_beside_the_first(void **state)
{
    (void)state;
    write_text("own.ops", "steve-ops 1\ndriver jeff\nagainst jeff\nmalloc s0 1\n");
    write_text("any.ops", "steve-ops 1\nmalloc s0 1\n");
    write_text("nobody.ops", "steve-ops 1\ndriver jeff\nagainst nobody\nmalloc s0 1\n");
    write_text("lost.ops", "steve-ops 1\ndriver jeff\nagainst ./lost.so\nmalloc s0 1\n");
    assert_refused("run --against nobody", "--against 'nobody': expected one that `steve drivers` lists");
    assert_refused("run --against ./lost.so", "driver ./lost.so: no such file");
    assert_refused("run --against", "--against needs a value");
    assert_refused("run --against jeff", "--against 'jeff' beside driver jeff: expected another driver");
    assert_refused("replay own.ops", "own.ops: driver jeff against jeff: expected another driver");
    assert_refused("replay --against libc --driver libc any.ops", "driver libc against libc: expected another");
    assert_refused("replay nobody.ops", "nobody.ops:3: no driver 'nobody'");
    assert_refused("shrink own.ops", "own.ops: driver jeff against jeff: expected another driver");
    const struct outcome *o = steve("replay lost.ops");
    assert_int_equal(o->status, 2);
    assert_has(o->err, "lost.ops: it is to run against ./lost.so, which cannot be had");
    assert_int_equal(steve("replay --against libc own.ops")->status, 0);
}

static void the_first_of_two_drivers_runs_as_if_alone(void **state)
{
    (void)state;
    char alone[17], beside[17];
    digest_of(steve("run --seed 7 --ops 30000")->out, alone);
    const struct outcome *o = steve("run --seed 7 --ops 30000 --against freelist");
    assert_int_equal(o->status, 0);
    assert_has(o->out, " driver=jeff against=freelist seed=7 ");
    digest_of(o->out, beside);
    assert_string_equal(alone, beside);
}

static void a_difference_is_saved_shrunk_and_replayed_with_both_drivers(void **state)
{
    (void)state;
    char path[4096];
    char text[65536];
    const struct outcome *o = steve("run --driver hostile-refuses --against freelist --seed 1 --ops 200000 --out pair "
                                    "--without refusal,capacity");
    assert_int_equal(o->status, 1);
    assert_begins(last_line(o->out), "verdict=fail oracle=differential ");
    assert_has(o->out, "hostile-refuses refused a request for ");
    reproducer_of(o->out, path, sizeof path);
    read_back(path, text, sizeof text);
    assert_begins(text, "steve-ops 1\ndriver hostile-refuses\nagainst freelist\n");
    o = steve("replay --without refusal,capacity %s", path);
    assert_int_equal(o->status, 1);
    assert_begins(last_line(o->out), "verdict=fail oracle=differential ");
    o = steve("shrink --without refusal,capacity %s", path);
    assert_int_equal(o->status, 1);
    assert_has(o->out, "against freelist\n");
    assert_int_equal(steve("replay --without refusal,capacity,differential %s", path)->status, 0);
    assert_int_equal(steve("replay --driver jeff %s", path)->status, 0);
}

static void what_the_second_driver_breaks_is_found_too(void **state)
{
    (void)state;
    char path[4096];
    const struct outcome *o = steve("run --against hostile-overlap --seed 3 --ops 200000 --out pair");
    assert_int_equal(o->status, 1);
    assert_begins(last_line(o->out), "verdict=fail oracle=overlap ");
    assert_has(o->out, "hostile-overlap: block s");
    reproducer_of(o->out, path, sizeof path);
    assert_has(steve("replay %s", path)->out, "verdict=fail oracle=overlap ");
    assert_int_equal(steve("run --against hostile-crashes --seed 3 --ops 200000 --out pair")->status, 1);
}

static void the_same_finding_comes_first_with_any_jobs(void **state)
{
    (void)state;
    char one[65536];
    const struct outcome *o = steve("run --no-shrink --driver hostile-overlap --seed 5 --out jobs1");
    const char *at = strstr(last_line(o->out), "oracle=");
    snprintf(one, sizeof one, "%.*s", (int)(strstr(at, " seconds=") - at), at);
    o = steve("run --no-shrink --driver hostile-overlap --seed 5 --jobs 3 --out jobs3");
    assert_has(last_line(o->out), one);
}

static void a_finding_is_kept_beside_an_older_one_of_its_name(void **state)
{
    (void)state;
    const char *run = "run --no-shrink --driver hostile-crashes --seed 9 --ops 100000 --out kept";
    char first[4096], again[4096], third[4096];
    char full[8192];
    reproducer_of(steve("%s", run)->out, first, sizeof first);
    reproducer_of(steve("%s", run)->out, again, sizeof again);
    assert_string_equal(first, again);

    snprintf(full, sizeof full, "%.*s/full.ops", (int)(strrchr(first, '/') - first), first);
    write_text(full, "something else");
    reproducer_of(steve("%s", run)->out, third, sizeof third);
    assert_string_not_equal(first, third);
    read_back(full, again, sizeof again);
    assert_string_equal(again, "something else");
}

static void an_out_that_cannot_be_written_is_refused_before_the_run(void **state)
{
    (void)state;
    write_text("plainfile", "");
    write_text("one.ops", "steve-ops 1\ndriver jeff\nmalloc s0 100\n");
    assert_refused("run --ops 100 --out plainfile", "--out plainfile: plainfile: Not a directory; expected a folder");
    assert_refused("run --ops 100 --out plainfile/x", "--out plainfile/x: ");
    assert_refused("replay one.ops --out plainfile/x/y", "--out plainfile/x/y: ");
    assert_int_equal(steve("run --ops 100 --out not/yet/there")->status, 0);
    assert_int_not_equal(access("not", F_OK), 0);
}

static void a_finding_that_cannot_be_saved_still_counts(void **state)
{
    (void)state;
    write_text("steve-out", ""); // where findings go if nothing is said
    const struct outcome *o = steve("run --no-shrink --driver hostile-crashes --seed 9 --ops 100000");
    assert_int_equal(o->status, 1);
    assert_has(o->out, "not saved: ");
    assert_has(o->out, "--seed 9 --episode ");
    assert_has(last_line(o->out), "reproducer=none");
    assert_int_equal(unlink("steve-out"), 0);
}

static void what_shrinking_has_made_is_not_lost_with_its_file(void **state)
{
    (void)state;
    char path[4096];
    reproducer_of(steve("run --no-shrink --driver hostile-crashes --seed 9 --ops 100000 --out long")->out, path,
                  sizeof path);
    const struct outcome *o = steve("shrink --time 1ms %s -o nowhere/x", path);
    assert_int_equal(o->status, 3);
    assert_has(o->err, "nowhere/x: No such file");
    assert_has(o->out, "steve-ops 1\n");
    assert_has(last_line(o->out), "reproducer=none");
}

static void a_file_that_cannot_be_made_is_the_environments_fault(void **state)
{
    (void)state;
    write_text("made.ops", "steve-ops 1\ndriver jeff\nmalloc s0 100\n");
    const struct outcome *o = steve("encode made.ops -o nowhere/x");
    assert_int_equal(o->status, 3);
    assert_has(o->err, "nowhere/x: No such file");
    assert_int_equal(steve("encode made.ops -o /dev/full")->status, 3);
    assert_int_equal(steve("run --ops 10 --junit nowhere/x")->status, 3);
}

/// Calls it where files end after so many bytes, as on a disk that is full.
static const struct outcome *steve_on_full_disk(rlim_t bytes, const char *arguments)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit little = {.rlim_cur = bytes, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    const struct outcome *o = steve("%s", arguments);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    return o;
}

static void what_is_written_over_is_not_lost_on_a_full_disk(void **state)
{
    (void)state;
    char text[4096] = "steve-ops 1\ndriver jeff\n";
    char after[4096];
    for (int slot = 0; slot < 100; slot++) {
        snprintf(text + strlen(text), 32, "malloc s%d 100\n", slot);
    }
    write_text("over.ops", text);
    const struct outcome *o = steve_on_full_disk(512, "encode over.ops -o over.ops");
    assert_int_equal(o->status, 3);
    assert_has(o->err, "over.ops: File too large");
    read_back("over.ops", after, sizeof after);
    assert_string_equal(after, text);
    assert_int_equal(system("test \"$(echo .over* over*)\" = '.over* over.ops'"), 0);
    assert_int_equal(steve("encode over.ops -o over.ops")->status, 0);
    assert_int_equal(steve("replay over.ops")->status, 0);
}

static void a_driver_that_is_written_in_part_is_taken_away_again(void **state)
{
    (void)state;
    const struct outcome *o = steve_on_full_disk(1024, "new-driver parted");
    assert_int_equal(o->status, 3);
    assert_has(o->err, "parted_driver.c: File too large");
    assert_int_equal(steve("new-driver parted")->status, 0);
}

static void one_episode_shows_its_finding_again(void **state)
{
    (void)state;
    const struct outcome *o = steve("run --no-shrink --driver hostile-crashes --seed 9 --ops 100000 --out one");
    const char *at = strstr(last_line(o->out), " episode=");
    char episode[64], op[64];
    assert_int_equal(sscanf(at, " episode=%63s op=%63s", episode, op), 2);
    o = steve("run --no-shrink --driver hostile-crashes --seed 9 --episode %s --out one", episode);
    assert_int_equal(o->status, 1);
    at = strstr(last_line(o->out), " episode=");
    char again[64];
    assert_int_equal(sscanf(at, " episode=%63s op=%63s", episode, again), 2);
    assert_string_equal(op, again);
}

static void an_oracle_can_be_turned_off(void **state)
{
    (void)state;
    assert_int_equal(steve("run --no-shrink --driver hostile-lies --seed 1 --ops 20000 --out off")->status, 1);
    assert_int_equal(steve("run --no-shrink --driver hostile-lies --seed 1 --ops 20000 --without account")->status, 0);
}

static void bytes_and_text_go_back_and_forth(void **state)
{
    (void)state;
    write_text("trip.ops", "steve-ops 1\ndriver jeff\nheap 65536\nmalloc s0 100\nlock s0\ncompact full\n");
    assert_int_equal(steve("encode trip.ops -o trip.bin")->status, 0);
    const struct outcome *o = steve("show trip.bin");
    assert_int_equal(o->status, 0);
    assert_has(o->out, "malloc s0 100\nlock s0\ncompact full\n");
    write_text("trip2.ops", o->out);
    assert_int_equal(steve("encode trip2.ops -o trip2.bin")->status, 0);
    char first[4096], second[4096];
    struct stat a, b;
    assert_int_equal(stat("trip.bin", &a) | stat("trip2.bin", &b), 0);
    assert_int_equal(a.st_size, 16 + 3 * 8);
    assert_int_equal(b.st_size, a.st_size);
    read_back("trip.bin", first, sizeof first);
    read_back("trip2.bin", second, sizeof second);
    assert_memory_equal(first, second, (size_t)a.st_size);
    assert_int_equal(steve("show -")->status, 0); // no bytes at all decode too
}

static void replay_goes_through_folders_in_order(void **state)
{
    (void)state;
    assert_int_equal(mkdir("tree", 0777) | mkdir("tree/b", 0777) | mkdir("tree/fuzz_text", 0777), 0);
    write_text("tree/c.ops", "steve-ops 1\nmalloc s0 100\nfree s0\n");
    write_text("tree/b/x", "");
    write_text("tree/a.bin", "any bytes will do, they always decode");
    write_text("tree/fuzz_text/t", "steve-ops 1\nthis is not an op\n");
    write_text("tree/README.md", "not a sequence");
    write_text("tree/.hidden", "not one either");
    const struct outcome *o = steve("replay tree");
    assert_int_equal(o->status, 0);
    assert_begins(o->out, "pass  tree/a.bin  jeff ops=");
    const char *b = strstr(o->out, "pass  tree/b/x  jeff ops=0\n");
    const char *c = strstr(o->out, "pass  tree/c.ops  jeff ops=2\n");
    const char *t = strstr(o->out, "pass  tree/fuzz_text/t  round trip\n");
    assert_true(b != NULL && c > b && t > c);
    assert_begins(last_line(o->out), "verdict=pass files=4 ops=");
    assert_int_equal(steve("replay --no-isolate tree")->status, 0);
}

static void replay_goes_on_after_a_file_that_fails(void **state)
{
    (void)state;
    assert_int_equal(mkdir("mixed", 0777), 0);
    write_text("mixed/a.ops", "steve-ops 1\nmalloc s0 100\n");
    char crash[2048] = "steve-ops 1\ndriver hostile-crashes\n";
    for (int i = 0; i < 60; i++) {
        strcat(crash, "malloc s0 100\nfree s0\n");
    }
    write_text("mixed/b.ops", crash);
    write_text("mixed/c.ops", "steve-ops 1\nmalloc s0 100\n");
    const struct outcome *o = steve("replay mixed");
    assert_int_equal(o->status, 1);
    assert_has(o->out, "pass  mixed/a.ops");
    assert_has(o->out, "FAIL  mixed/b.ops");
    assert_has(o->out, "oracle crash broken at op 38 (malloc s0 100)");
    assert_has(o->out, "pass  mixed/c.ops");
    assert_begins(last_line(o->out), "verdict=fail oracle=crash file=mixed/b.ops op=");
    assert_has(last_line(o->out), " files=3 ");
}

/// Which base a heap gets is the system's choice, so this finding may pass unseen in a sequence as short as its reproducer.
static void two_bases_are_compared(void **state)
{
    (void)state;
    const struct outcome *o =
        steve("run --no-shrink --driver hostile-base-dependent --seed 3 --ops 400000 --out bases");
    assert_int_equal(o->status, 1);
    assert_has(last_line(o->out), "oracle=metamorphic ");
}

/// Starts `steve ARGUMENTS` in the background, with stdout in out.txt.
static pid_t start(const char *const *arguments)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int out = open("out.txt", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(out, STDOUT_FILENO);
        execv(program, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    return pid;
}

static void interrupt_ends_a_run_with_its_verdict(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = start((const char *const[]){"steve", "run", "--driver", "hostile", "--seed", "1", "--time", "1h",
                                                "--jobs", "2", NULL});
        usleep(500000);
        kill(pid, signals[i]);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        char out[65536];
        read_back("out.txt", out, sizeof out);
        assert_begins(last_line(out), "verdict=pass seed=1 ");
        assert_has(out, "interrupted");
    }
}

static void workers_die_with_their_parent(void **state)
{
    (void)state;
    pid_t pid =
        start((const char *const[]){"steve", "run", "--driver", "hostile", "--seed", "1", "--time", "1h", NULL});
    usleep(300000);
    char command[128], children[64];
    snprintf(command, sizeof command, "pgrep -P %d > children.txt", (int)pid);
    assert_int_equal(system(command), 0);
    read_back("children.txt", children, sizeof children);
    pid_t child = (pid_t)atoi(children);
    assert_true(child > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 100 && kill(child, 0) == 0; i++) {
        char state_path[64], state_text[512];
        snprintf(state_path, sizeof state_path, "/proc/%d/stat", (int)child);
        FILE *file = fopen(state_path, "r");
        if (file == NULL) {
            break;
        }
        size_t count = fread(state_text, 1, sizeof state_text - 1, file);
        state_text[count] = '\0';
        fclose(file);
        if (strstr(state_text, ") Z") != NULL) {
            return; // dead, and nobody's to wait for
        }
        usleep(20000);
        assert_int_not_equal(i, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_usage_gets_one_line_and_status_2),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(lists_and_help_pass),
        cmocka_unit_test(run_states_its_seed_first_and_its_verdict_last),
        cmocka_unit_test(run_draws_a_seed_and_says_so),
        cmocka_unit_test(digest_depends_on_the_seed_and_not_on_jobs_or_isolation),
        cmocka_unit_test(time_ends_a_run),
        cmocka_unit_test(findings_are_saved_and_replay_shows_them_again),
        cmocka_unit_test(paths_in_a_verdict_are_words_of_a_shell),
        cmocka_unit_test(a_second_driver_must_be_another_that_can_run_beside_the_first),
        cmocka_unit_test(the_first_of_two_drivers_runs_as_if_alone),
        cmocka_unit_test(a_difference_is_saved_shrunk_and_replayed_with_both_drivers),
        cmocka_unit_test(what_the_second_driver_breaks_is_found_too),
        cmocka_unit_test(the_same_finding_comes_first_with_any_jobs),
        cmocka_unit_test(a_finding_is_kept_beside_an_older_one_of_its_name),
        cmocka_unit_test(an_out_that_cannot_be_written_is_refused_before_the_run),
        cmocka_unit_test(a_finding_that_cannot_be_saved_still_counts),
        cmocka_unit_test(what_shrinking_has_made_is_not_lost_with_its_file),
        cmocka_unit_test(a_file_that_cannot_be_made_is_the_environments_fault),
        cmocka_unit_test(what_is_written_over_is_not_lost_on_a_full_disk),
        cmocka_unit_test(a_driver_that_is_written_in_part_is_taken_away_again),
        cmocka_unit_test(one_episode_shows_its_finding_again),
        cmocka_unit_test(an_oracle_can_be_turned_off),
        cmocka_unit_test(bytes_and_text_go_back_and_forth),
        cmocka_unit_test(replay_goes_through_folders_in_order),
        cmocka_unit_test(replay_goes_on_after_a_file_that_fails),
        cmocka_unit_test(two_bases_are_compared),
        cmocka_unit_test(interrupt_ends_a_run_with_its_verdict),
        cmocka_unit_test(workers_die_with_their_parent),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
