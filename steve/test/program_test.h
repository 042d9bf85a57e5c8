/// Calling the program as a person does, in a folder of its own. It is taken from beside the test, or from STEVE_PROGRAM.
/// For tests that include it first.
#ifndef STEVE_TEST_PROGRAM_TEST_H
#define STEVE_TEST_PROGRAM_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[4096];
static char folder[] = "/tmp/steve-test-XXXXXX";

struct outcome {
    int status;
    char out[1 << 18];
    char err[8192];
};

static inline void read_back(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t count = fread(text, 1, size - 1, file);
    text[count] = '\0';
    fclose(file);
}

/// Calls `steve ARGUMENTS` through a shell, in a folder of its own.
static inline const struct outcome *steve(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline const struct outcome *steve(const char *format, ...)
{
    static struct outcome outcome;
    char arguments[4096];
    char line[16384];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(line, sizeof line, "'%s' %s >out.txt 2>err.txt </dev/null", program, arguments);
    int status = system(line);
    assert_true(WIFEXITED(status));
    outcome.status = WEXITSTATUS(status);
    read_back("out.txt", outcome.out, sizeof outcome.out);
    read_back("err.txt", outcome.err, sizeof outcome.err);
    return &outcome;
}

static inline void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static inline const char *last_line(const char *text)
{
    size_t length = strlen(text);
    assert_true(length > 0 && text[length - 1] == '\n');
    const char *at = text + length - 1;
    while (at > text && at[-1] != '\n') {
        at--;
    }
    return at;
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("expected '%s' in:\n%s", part, text);
    }
}

/// Bad usage: status 2, nothing on stdout, and one line on stderr that says `part`.
static inline void assert_refused(const char *arguments, const char *part)
{
    const struct outcome *o = steve("%s", arguments);
    if (o->status != 2) {
        fail_msg("steve %s: status %d, expected 2", arguments, o->status);
    }
    assert_string_equal(o->out, "");
    assert_has(o->err, part);
    assert_ptr_equal(strchr(o->err, '\n'), o->err + strlen(o->err) - 1);
}

static inline int enter_folder(void **state)
{
    (void)state;
    const char *given = getenv("STEVE_PROGRAM");
    if (given != NULL) {
        snprintf(program, sizeof program, "%s", given);
    } else {
        ssize_t length = readlink("/proc/self/exe", program, sizeof program - 8);
        if (length <= 0) {
            return -1;
        }
        program[length] = '\0';
        strcpy(strrchr(program, '/'), "/steve");
    }
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static inline int leave_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return chdir("/") != 0 || system(command) != 0;
}

#endif
