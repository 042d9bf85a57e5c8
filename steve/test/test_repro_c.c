/// repro.c: the program that shows a finding without Steve. Its text is looked at here, and for planted bugs of different kinds it is
/// compiled by the very command that it states against a broken library, and against a sound one that is compiled but once.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"
#include "steve/find/repro_c.h"

#define COMMAND_MAX 8192u

static char folder[] = "/tmp/steve-test-repro-XXXXXX";
static char root[4096]; ///< of the source tree

static void parse(const char *text, struct steve_sequence *sequence)
{
    char error[512];
    if (!steve_text_parse(&steve_drivers, "test", text, strlen(text), sequence, error, sizeof error)) {
        fail_msg("%s", error);
    }
}

/// The program for a sequence whose last op breaks an oracle; `at_end`: the checks after it do. @return its text, to be freed
static char *program_of(const char *ops, enum steve_oracle oracle, bool at_end)
{
    struct steve_sequence sequence = {0};
    parse(ops, &sequence);
    struct steve_finding finding = {.oracle = oracle, .op = sequence.count - (at_end ? 0 : 1), .what = "so and so"};
    const struct steve_repro_c repro = {
        .driver = steve_catalog_by_name(&steve_drivers, sequence.header.driver),
        .sequence = &sequence,
        .finding = &finding,
        .level = STEVE_CHECK_NORMAL,
        .file = "repro.c",
    };
    assert_null(steve_repro_c_obstacle(&repro));
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(steve_repro_c_print(out, &repro));
    fclose(out);
    steve_sequence_free(&sequence);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("the program lacks `%s`", part);
    }
}

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
    char command[COMMAND_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The command at the top of a program: the first comment line that begins with `cc`.
static void stated_command(const char *program, char command[COMMAND_MAX])
{
    const char *at = strstr(program, "//     cc ");
    assert_non_null(at);
    at += strlen("//     ");
    snprintf(command, COMMAND_MAX, "%.*s", (int)strcspn(at, "\n"), at);
}

/// Puts `with` in the place of a part of the command. @return false if it has no such part
static bool replace(char command[COMMAND_MAX], const char *part, const char *with)
{
    char rest[COMMAND_MAX];
    char *at = strstr(command, part);
    if (at == NULL) {
        return false;
    }
    snprintf(rest, sizeof rest, "%s", at + strlen(part));
    snprintf(at, COMMAND_MAX - (size_t)(at - command), "%s%s", with, rest);
    return true;
}

/// The sound libraries are compiled by stated commands too, but once: nearly all of the time would go into that.
static void take_compiled(char command[COMMAND_MAX])
{
    static const char *const names[] = {"jeff", "baseline"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char sources[64], objects[64];
        snprintf(sources, sizeof sources, "lib/%s/*.c", names[i]);
        snprintf(objects, sizeof objects, "objects/%s/*.o", names[i]);
        if (!replace(command, sources, objects)) {
            continue;
        }
        assert_int_equal(shell("cd %s/sound && { test -d objects/%s || { mkdir -p objects/%s && cd objects/%s && "
                               "cc -std=c11 -g -c -I ../../lib/include ../../%s; }; }",
                               folder, names[i], names[i], names[i], sources),
                         0);
    }
}

/// Compiles and runs a program in a source tree by its stated command: in the broken one to the letter. @return its exit status
static int run_in(const char *tree, const char *program)
{
    char path[8192];
    char command[COMMAND_MAX];
    snprintf(path, sizeof path, "%s/%s/repro.c", folder, tree);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(program, file);
    fclose(file);
    stated_command(program, command);
    if (strcmp(tree, "sound") == 0) {
        take_compiled(command);
    }
    return shell("cd %s/%s && { %s; } >out.txt 2>&1", folder, tree, command);
}

struct planted {
    const char *bug; ///< of fuzz/bugs
    enum steve_oracle oracle;
    bool at_end;
    const char *ops;
};

static void assert_shows(const struct planted *planted)
{
    assert_int_equal(shell("cd %s && rm -rf broken && mkdir broken && cp -R %s/lib broken && "
                           "patch -d broken -p1 -s --fuzz=0 <%s/fuzz/bugs/%s.patch",
                           folder, root, root, planted->bug),
                     0);
    char *program = program_of(planted->ops, planted->oracle, planted->at_end);
    if (run_in("broken", program) != 1 ||
        shell("grep -q ': %s: ' %s/broken/out.txt", steve_oracle_name(planted->oracle), folder) != 0) {
        shell("cat %s/broken/out.txt", folder);
        fail_msg("%s: the program does not show it", planted->bug);
    }
    if (run_in("sound", program) != 0) {
        shell("cat %s/sound/out.txt", folder);
        fail_msg("%s: the program fails on the sound library", planted->bug);
    }
    free(program);
}

static void fails_on_lost_contents(void **state)
{
    (void)state;
    assert_shows(&(struct planted){"move-loses-last-granule", STEVE_ORACLE_CONTENT, false,
                                   "steve-ops 1\ndriver jeff\nheap 65536\n"
                                   "malloc s0 1000\naligned s1 32 5001\nmalloc s2 109\nfree s0\ncompact full\n"});
}

static void fails_on_a_lost_lock(void **state)
{
    (void)state;
    assert_shows(&(struct planted){"nested-locks-forgotten", STEVE_ORACLE_PIN, true,
                                   "steve-ops 1\ndriver jeff\nheap 512\nmalloc s0 0\nlock s0\nwrite s0\n"});
}

static void fails_on_calloc_memory_that_is_not_zero(void **state)
{
    (void)state;
    assert_shows(&(struct planted){"calloc-skips-tail", STEVE_ORACLE_ZERO, false,
                                   "steve-ops 1\ndriver jeff\nheap 4096\nmemory dirty\ncalloc s0 101\n"});
}

static void fails_on_a_handle_given_out_again(void **state)
{
    (void)state;
    assert_shows(&(struct planted){"generation-not-bumped", STEVE_ORACLE_HANDLE, false,
                                   "steve-ops 1\ndriver jeff\nheap 512\nmalloc s0 0\nfree s0\nmalloc s0 0\n"});
}

/// Every kind of op there is, with sizes of all classes.
#define ALL_OPS                                                                                                        \
    "malloc s0 100\ncalloc s5 size(s0)+3\ncalloc s6 max-3\naligned s1 256 heap/4\nlock s0\nweak-lock s5\n"             \
    "malloc s2 4000\nwrite s2\nverify s1\nresize s0 200\nresize s2 size(s2)-10\nfree s5\nmalloc s7 2^20\n"             \
    "compact full\ncompact 3 us\ncompact goal 20000\ncompact full\nunlock s0\nmisuse free stale s5\n"                  \
    "misuse lock foreign s3\nmisuse resize forged s1 7\nmisuse unlock unlocked s1\nmisuse lock forged s1 3\n"          \
    "purgeable s1\nkeep s1\ncheck\ndrain\nmalloc s0 16\n"

static void assert_passes_on(const char *header)
{
    char ops[4096];
    snprintf(ops, sizeof ops, "steve-ops 1\n%s%s", header, ALL_OPS);
    char *program = program_of(ops, STEVE_ORACLE_CONTENT, true);
    if (run_in("sound", program) != 0) {
        shell("cat %s/sound/out.txt", folder);
        fail_msg("the program fails on a sound library: %s", header);
    }
    free(program);
}

static void passes_on_sound_allocators(void **state)
{
    (void)state;
    assert_passes_on("driver jeff\nheap 65536\nbase 3\nmemory dirty\noption low-memory\noption moved\n");
    assert_passes_on("driver jeff-scramble\nheap 65536\n");
    assert_passes_on("driver jeff-align8\nheap 4096\noption no-last-resort\n");
    assert_passes_on("driver jeff\nheap 65536\noption moved\noption settle\n");
    assert_passes_on("driver jeff-mapped\nheap 1048576\noption settle\n");
    assert_passes_on("driver jeff-mapped\nheap 1048576\noption failing-pages\n");
    assert_passes_on("driver jeff-threads\nheap 65536\nbase 3\nmemory dirty\noption moved\n");
    assert_passes_on("driver libc\n");
    assert_passes_on("driver freelist-size\nheap 65536\nbase 3\nmemory dirty\n");
    assert_passes_on("driver combo-align8\nheap 4096\n");
    assert_passes_on("driver buddy-mmap\nheap 1048576\noption trim\n");
}

/// Warnings would be the first thing that whoever gets the program sees.
static void compiles_without_warnings(void **state)
{
    (void)state;
    char *program = program_of("steve-ops 1\ndriver jeff\nheap 65536\n" ALL_OPS, STEVE_ORACLE_CONTENT, true);
    run_in("sound", program);
    free(program);
    assert_int_equal(
        shell("cd %s/sound && cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I lib/include repro.c "
              "2>out.txt || { cat out.txt; false; }",
              folder),
        0);
}

static void says_what_it_is(void **state)
{
    (void)state;
    char *text = program_of("steve-ops 1\ndriver jeff\nheap 512\nmalloc s0 0\nfree s0\n", STEVE_ORACLE_PIN, false);
    assert_has(text, "the oracle 'pin' is broken");
    assert_has(text, "//     so and so.");
    assert_has(text, "cc -std=c11 -g");
    assert_has(text, "//     free s0");
    assert_null(strstr(text, "$"));
    free(text);
}

static void ops_are_calls_of_the_allocator(void **state)
{
    (void)state;
    char *text = program_of("steve-ops 1\ndriver jeff\nheap 4096\nmalloc s3 heap/2-5\nlock s3\nresize s3 size(s3)+7\n"
                            "compact 3 us\nfree s3\n",
                            STEVE_ORACLE_PIN, false);
    assert_has(text, "made(3, 2043, 0, jeff_malloc(heap, 2043));");
    assert_has(text, "locked(3, jeff_lock(heap, blocks[3].handle));");
    assert_has(text, "jeff_resize(heap, blocks[3].handle, plus(blocks[3].bytes, 7))");
    assert_has(text, "compact_in_budget(3000);");
    assert_has(text, "freed(3, jeff_free(heap, blocks[3].handle));");
    free(text);
}

/// What came after the broken op has not been run.
static void ends_at_the_broken_op(void **state)
{
    (void)state;
    struct steve_sequence sequence = {0};
    parse("steve-ops 1\ndriver jeff\nheap 512\nmalloc s0 0\nfree s0\nmalloc s0 9\n", &sequence);
    struct steve_finding finding = {.oracle = STEVE_ORACLE_PIN, .op = 1};
    const struct steve_repro_c repro = {
        .driver = &steve_driver_jeff, .sequence = &sequence, .finding = &finding, .file = "x"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    steve_repro_c_print(out, &repro);
    fclose(out);
    assert_has(text, "op(1, \"free s0\")");
    assert_null(strstr(text, "op(2,"));
    free(text);
    steve_sequence_free(&sequence);
}

static void says_why_there_is_none(void **state)
{
    (void)state;
    struct steve_sequence sequence = {0};
    struct steve_finding finding = {.oracle = STEVE_ORACLE_PIN};
    struct steve_driver bare = {.name = "bare"};
    struct steve_repro_c repro = {.driver = &bare, .sequence = &sequence, .finding = &finding};
    assert_non_null(steve_repro_c_obstacle(&repro));

    repro.driver = &steve_driver_jeff;
    assert_null(steve_repro_c_obstacle(&repro));
    sequence.count = STEVE_REPRO_C_OPS_MOST + 1;
    assert_non_null(steve_repro_c_obstacle(&repro));
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "%s", __FILE__);
    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(root, '/');
        if (slash == NULL) {
            return -1; // not compiled by its full path
        }
        *slash = '\0';
    }
    return mkdtemp(folder) == NULL || shell("mkdir %s/sound && cp -R %s/lib %s/sound", folder, root, folder) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf %s", folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_is),
        cmocka_unit_test(ops_are_calls_of_the_allocator),
        cmocka_unit_test(ends_at_the_broken_op),
        cmocka_unit_test(says_why_there_is_none),
        cmocka_unit_test(fails_on_lost_contents),
        cmocka_unit_test(fails_on_a_lost_lock),
        cmocka_unit_test(fails_on_calloc_memory_that_is_not_zero),
        cmocka_unit_test(fails_on_a_handle_given_out_again),
        cmocka_unit_test(passes_on_sound_allocators),
        cmocka_unit_test(compiles_without_warnings),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
