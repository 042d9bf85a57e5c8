/// Who watches what a client does with memory: AddressSanitizer; or Valgrind, if Jeff is built with JEFF_VALGRIND; or nobody, and
/// then the program is skipped. For tests that include it first. Each use that is tried is a function: AddressSanitizer ends
/// a child that runs it, Valgrind counts its errors.
#ifndef JEFF_TEST_WATCHED_TEST_H
#define JEFF_TEST_WATCHED_TEST_H

#define _POSIX_C_SOURCE 200809L
#include "heap_test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77 ///< as CMakeLists.txt says

#if defined(WITH_ASAN)
static inline bool is_watched(void)
{
    return true;
}

/// @return true if AddressSanitizer has ended a child in which `use` ran, with the report that it was to give
static inline bool is_told(void (*use)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        use();
        _exit(0);
    }
    assert_true(child > 0);
    close(ends[1]);
    static char report[65536];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof report - 1 && (got = read(ends[0], report + length, sizeof report - 1 - length)) > 0) {
        length += (size_t)got;
    }
    report[length] = 0;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    const bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended_well != (strstr(report, "use-after-poison") == NULL)) {
        fail_msg("expected no report, or one of a use-after-poison; got: %s", report);
    }
    return !ended_well;
}

#elif defined(JEFF_VALGRIND)
static inline bool is_watched(void)
{
    return RUNNING_ON_VALGRIND != 0;
}

static inline bool is_told(void (*use)(void))
{
    const unsigned long before = VALGRIND_COUNT_ERRORS;
    use();
    return VALGRIND_COUNT_ERRORS != before;
}

#else
static inline bool is_watched(void)
{
    return false;
}

static inline bool is_told(void (*use)(void))
{
    (void)use;
    return false;
}
#endif

static inline void assert_told(void (*use)(void))
{
    assert_true(is_told(use));
}

static inline void assert_not_told(void (*use)(void))
{
    assert_false(is_told(use));
}

/// Makes a read that neither a compiler leaves out nor Valgrind, which drops a load whose result is not used.
static inline void read_at(const unsigned char *at)
{
    static volatile unsigned sum;
    sum = sum + *(const volatile unsigned char *)at;
}

static inline void write_at(unsigned char *at)
{
    *(volatile unsigned char *)at = 1;
}

static inline void use_all(unsigned char *at, size_t bytes)
{
    memset(at, 0x5a, bytes);
    for (size_t i = 0; i < bytes; i++) {
        read_at(at + i);
    }
}

/// Runs the tests, or skips them where nobody watches; main()'s part.
#define RUN_WATCHED(tests) (is_watched() ? cmocka_run_group_tests(tests, NULL, NULL) : skip_unwatched())

static inline int skip_unwatched(void)
{
    puts("skipped: neither AddressSanitizer nor Valgrind watches");
    return SKIPPED;
}

#endif
