/// Tests of the bench's arithmetic: what a median and a percentile are, and how its sizes are spread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steve/cli/bench_internal.h"

static struct bench_values values_of(const double *value, size_t count)
{
    struct bench_values values = {0};
    for (size_t i = 0; i < count; i++)
        assert_true(bench_values_push(&values, value[i]));
    return values;
}

static void median_is_the_middle_in_any_order(void **state)
{
    (void)state;
    struct bench_values odd = values_of((const double[]){9, 1, 5}, 3);
    struct bench_values even = values_of((const double[]){8, 1, 2, 100}, 4);
    struct bench_values none = {0};
    assert_true(bench_median(&odd) == 5);
    assert_true(bench_median(&even) == 5);
    assert_true(bench_median(&none) == 0);
    bench_values_free(&odd);
    bench_values_free(&even);
}

static void percentile_is_the_least_value_that_the_share_does_not_exceed(void **state)
{
    (void)state;
    struct bench_values values = {0};
    for (int i = 1000; i >= 1; i--)
        assert_true(bench_values_push(&values, i));
    assert_true(bench_percentile(&values, 0.5) == 500);
    assert_true(bench_percentile(&values, 0.99) == 990);
    assert_true(bench_percentile(&values, 0.999) == 999);
    assert_true(bench_percentile(&values, 0.9995) == 1000);
    assert_true(bench_percentile(&values, 1) == 1000);
    assert_true(bench_percentile(&values, 0) == 1);
    bench_values_free(&values);
}

static void sizes_stay_in_range_and_fill_every_octave_alike(void **state)
{
    (void)state;
    enum { DRAWS = 60000 };
    uint64_t random = 7;
    size_t octave[6] = {0}, lower_half = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint16_t size = bench_random_size(&random);
        assert_in_range(size, 16, 1024);
        for (unsigned k = 0; k < 6; k++)
            octave[k] += size >= 16u << k && size < 32u << k;
        lower_half += size >= 512 && size < 724; // 512 * sqrt(2): half of the last octave, by logarithm
    }
    for (unsigned k = 0; k < 6; k++)
        assert_in_range(octave[k], DRAWS / 6 - 500, DRAWS / 6 + 500);
    assert_in_range(lower_half, DRAWS / 12 - 300, DRAWS / 12 + 300);
}

static void the_same_seed_draws_the_same_sizes(void **state)
{
    (void)state;
    uint64_t one = 3, two = 3, other = 4;
    unsigned equal = 0;
    for (int i = 0; i < 100; i++) {
        uint16_t size = bench_random_size(&one);
        assert_int_equal(size, bench_random_size(&two));
        equal += size == bench_random_size(&other);
    }
    assert_in_range(equal, 0, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_is_the_middle_in_any_order),
        cmocka_unit_test(percentile_is_the_least_value_that_the_share_does_not_exceed),
        cmocka_unit_test(sizes_stay_in_range_and_fill_every_octave_alike),
        cmocka_unit_test(the_same_seed_draws_the_same_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
