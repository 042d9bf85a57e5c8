/// Each driver of the hostile family commits one misdeed: a run must end in a finding that names the right oracle, and its
/// reproducer must show it again. The well-behaved one of the family must pass.
/// The program is taken from beside this one, or from STEVE_PROGRAM.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steve/drivers/drivers.h"

/// Little memory and time, so that the greedy and the endless ones are caught soon. Memory is looked at now and then only, so a
/// reproducer, which stops where the run was caught, shows it again for certain only under a lower limit.
#define RUN_LIMITS    "--no-shrink --ops 200000 --memory 512M --op-time 300ms"
#define REPLAY_LIMITS "--no-shrink --memory 128M --op-time 300ms"

static char program[4096];
static char folder[] = "/tmp/steve-test-hostile-XXXXXX";

#define LINE_MAX_BYTES 8192u

/// Calls `steve ARGUMENTS` in the test's folder. @return its exit status; `last` gets the last line of its output
static int steve(char last[LINE_MAX_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
static int steve(char last[LINE_MAX_BYTES], const char *format, ...)
{
    char arguments[2048];
    char line[LINE_MAX_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(line, sizeof line, "'%s' %s 2>err.txt </dev/null", program, arguments);
    FILE *out = popen(line, "r");
    assert_non_null(out);
    last[0] = '\0';
    while (fgets(line, sizeof line, out) != NULL) {
        memcpy(last, line, sizeof line);
    }
    int status = pclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_names(const char *line, enum steve_oracle oracle)
{
    char expected[64];
    snprintf(expected, sizeof expected, "verdict=fail oracle=%s ", steve_oracle_name(oracle));
    if (strncmp(line, expected, strlen(expected)) != 0) {
        fail_msg("expected %s..., got: %s", expected, line);
    }
}

/// Copies the value of `reproducer=` in a verdict line.
static void reproducer_of(const char *line, char *path, size_t size)
{
    const char *begin = strstr(line, "reproducer=");
    assert_non_null(begin);
    begin += strlen("reproducer=");
    snprintf(path, size, "%.*s", (int)strcspn(begin, " \n"), begin);
}

static void the_misdeed_is_named_and_shown_again(void **state)
{
    const struct steve_hostile_expectation *expectation = *state;
    const char *name = expectation->driver->name;
    char line[LINE_MAX_BYTES];
    char path[1024];
    assert_int_equal(steve(line, "run --driver %s --seed 1 %s --out %s", name, RUN_LIMITS, name), 1);
    assert_names(line, expectation->oracle);
    reproducer_of(line, path, sizeof path);
    assert_int_equal(steve(line, "replay %s %s", REPLAY_LIMITS, path), 1);
    assert_names(line, expectation->oracle);
}

static void the_well_behaved_one_passes(void **state)
{
    (void)state;
    char line[LINE_MAX_BYTES];
    assert_int_equal(steve(line, "run --driver hostile --seed 1 %s", RUN_LIMITS), 0);
    assert_memory_equal(line, "verdict=pass ", strlen("verdict=pass "));
    assert_int_equal(steve(line, "run --driver hostile --seed 2 --check paranoid %s", RUN_LIMITS), 0);
}

static void the_table_knows_every_hostile_driver(void **state)
{
    (void)state;
    size_t hostile = 0;
    for (size_t i = 0; i < steve_drivers.count; i++) {
        hostile += strncmp(steve_drivers.drivers[i]->name, "hostile-", strlen("hostile-")) == 0;
    }
    assert_int_equal(hostile, steve_hostile_expectation_count);
}

static void names_and_wire_ids_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < steve_drivers.count; i++) {
        const struct steve_driver *driver = steve_drivers.drivers[i];
        assert_int_equal(driver->version, STEVE_DRIVER_VERSION);
        assert_true(driver->wire_id != 0);
        assert_true(strlen(driver->name) < sizeof((struct steve_header *)0)->driver);
        assert_int_equal(strspn(driver->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(driver->name));
        for (size_t k = 0; k < i; k++) {
            assert_true(steve_drivers.drivers[k]->wire_id != driver->wire_id);
            assert_string_not_equal(steve_drivers.drivers[k]->name, driver->name);
        }
    }
}

/// @return false if there is no such program
static bool find_program(void)
{
    const char *given = getenv("STEVE_PROGRAM");
    if (given != NULL) {
        snprintf(program, sizeof program, "%s", given);
        return access(program, X_OK) == 0;
    }
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - sizeof "/steve");
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    strcpy(strrchr(program, '/'), "/steve");
    return access(program, X_OK) == 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[sizeof folder + 16];
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    return chdir("/") != 0 || system(line) != 0;
}

int main(void)
{
    if (!find_program() || mkdtemp(folder) == NULL || chdir(folder) != 0) {
        fprintf(stderr, "no program at %s, or no folder to work in\n", program);
        return 1;
    }

    struct CMUnitTest tests[64] = {
        cmocka_unit_test(the_well_behaved_one_passes),
        cmocka_unit_test(the_table_knows_every_hostile_driver),
        cmocka_unit_test(names_and_wire_ids_are_unique),
    };
    size_t count = 3;
    for (size_t i = 0; i < steve_hostile_expectation_count && count < 64; i++) {
        tests[count++] = (struct CMUnitTest){
            .name = steve_hostile_expectations[i].driver->name,
            .test_func = the_misdeed_is_named_and_shown_again,
            .initial_state = (void *)(uintptr_t)&steve_hostile_expectations[i],
        };
    }
    return _cmocka_run_group_tests("hostile", tests, count, NULL, remove_folder);
}
