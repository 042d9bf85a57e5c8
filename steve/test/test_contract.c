/// Tests of what a driver may not state without providing it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "steve/core/contract.h"
#include "steve/drivers/drivers.h"

static char said[4096];

static void say(void *context, const char *line)
{
    (void)context;
    size_t length = strlen(said);
    snprintf(said + length, sizeof said - length, "%s\n", line);
}

static void assert_says(const struct steve_driver *driver, const char *lines)
{
    said[0] = '\0';
    steve_driver_contradictions(driver, say, NULL);
    assert_string_equal(said, lines);
}

static void the_drivers_in_the_box_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < steve_drivers.count; i++) {
        assert_says(steve_drivers.drivers[i], "");
    }
}

static void of_another_version_nothing_else_is_looked_at(void **state)
{
    (void)state;
    const struct steve_driver old = {.version = 1};
    char expected[128];
    snprintf(expected, sizeof expected,
             "it was made for version 1 of steve/driver.h, and this is version %u: it has to be compiled anew\n",
             STEVE_DRIVER_VERSION);
    assert_says(&old, expected);
    assert_says(NULL, "there is no driver\n");
}

static void what_is_missing_is_named_each_by_its_line(void **state)
{
    (void)state;
    const struct steve_driver empty = {.version = STEVE_DRIVER_VERSION};
    assert_says(&empty, "its name is '': expected small letters, digits and '-'\n"
                        "it lacks a summary, which every driver must have\n"
                        "it lacks open, which every driver must have\n"
                        "it lacks close, which every driver must have\n"
                        "it lacks malloc, which every driver must have\n"
                        "it lacks free, which every driver must have\n"
                        "its alignment is 0: expected a power of two\n");
}

/// One fault on top of a driver that is sound.
#define WITH(change, lines)                                                                                            \
    do {                                                                                                               \
        struct steve_driver driver = steve_driver_libc;                                                                \
        change;                                                                                                        \
        assert_says(&driver, lines);                                                                                   \
    } while (0)

static void numbers_and_names_are_in_range(void **state)
{
    (void)state;
    static const char *const many[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", NULL};
    static const char *const odd[] = {"a b", NULL};
    WITH(driver.alignment = 12, "its alignment is 12: expected a power of two\n");
    WITH(driver.region_alignment = 3, "its region_alignment is 3: expected a power of two, or 0\n");
    WITH(driver.region_alignment = 131072, "its region_alignment is 131072: regions are aligned to 65536 at most\n");
    WITH(driver.largest_aligned = 0, "it has aligned, and its largest_aligned is 0: expected a power of two\n");
    WITH(driver.heap_max = 1; driver.heap_min = 2, "its heap_max of 1 bytes is less than its heap_min of 2\n");
    WITH(driver.promises |= 1u << 31, "it promises 0x80000000, which means nothing\n");
    WITH(driver.name = "a b", "its name is 'a b': expected small letters, digits and '-'\n");
    static char long_name[STEVE_DRIVER_NAME_SIZE + 1];
    memset(long_name, 'a', STEVE_DRIVER_NAME_SIZE - 1);
    WITH(driver.name = long_name, "");
    long_name[STEVE_DRIVER_NAME_SIZE - 1] = 'a';
    WITH(driver.name = long_name, "its name has 240 characters: reproducers take 239 at most\n");
#if SIZE_MAX > UINT32_MAX
    WITH(driver.heap_min = (size_t)STEVE_HEAP_LIMIT, "");
    WITH(driver.heap_min = (size_t)STEVE_HEAP_LIMIT + 1,
         "its heap_min is 1099511627777 bytes: no heap has more than 1099511627776\n");
#endif
    WITH(driver.options = many, "it has more than 8 options, or no NULL at the end of them\n");
    WITH(driver.options = odd, "its option 0 is 'a b': expected small letters, digits and '-'\n");
}

static void a_promise_needs_its_functions(void **state)
{
    (void)state;
    WITH(driver.promises |= STEVE_PROMISE_HANDLES, "it has STEVE_PROMISE_HANDLES without lock\n");
    WITH(driver.promises |= STEVE_PROMISE_RELOCATABLE,
         "it has STEVE_PROMISE_RELOCATABLE without STEVE_PROMISE_REGION\n");
    WITH(driver.promises |= STEVE_PROMISE_EXACT_REFUSAL,
         "it has STEVE_PROMISE_EXACT_REFUSAL without STEVE_PROMISE_REGION\n"
         "it has STEVE_PROMISE_EXACT_REFUSAL without extent\n"
         "it has STEVE_PROMISE_EXACT_REFUSAL without arena\n"
         "it has STEVE_PROMISE_EXACT_REFUSAL without run_needed\n");
    WITH(driver.resize = NULL;
         driver.failed_resize = STEVE_FAILED_RESIZE_FREES, "it has STEVE_FAILED_RESIZE_FREES without resize\n");
    WITH(driver.budget_step_ns = 1, "it has budget_step_ns without compact\nit has budget_step_ns without now\n");
}

static void bases_to_compare_are_congruent_to_64_kib_at_most(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_jeff;
    driver.alignment = 65536;
    assert_says(&driver, "");
    driver.alignment = 131072;
    assert_says(&driver,
                "it has STEVE_PROMISE_RELOCATABLE, and its alignment is 131072: bases are alike to 65536 at most\n");
}

static void half_a_pair_is_a_contradiction(void **state)
{
    (void)state;
    WITH(driver.lock = steve_driver_jeff.lock, "it has lock without unlock\n");
    WITH(driver.compact = steve_driver_jeff.compact, "it has compact without STEVE_PROMISE_MOVES\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drivers_in_the_box_are_sound),
        cmocka_unit_test(of_another_version_nothing_else_is_looked_at),
        cmocka_unit_test(what_is_missing_is_named_each_by_its_line),
        cmocka_unit_test(numbers_and_names_are_in_range),
        cmocka_unit_test(a_promise_needs_its_functions),
        cmocka_unit_test(bases_to_compare_are_congruent_to_64_kib_at_most),
        cmocka_unit_test(half_a_pair_is_a_contradiction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
