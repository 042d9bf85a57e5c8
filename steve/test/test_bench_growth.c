/// Tests of the fits: rows of costs that grow in a known way are named right, with noise in them, too.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steve/cli/bench_growth.h"

enum { POINTS = 9 };

static const double blocks[POINTS] = {100, 316, 1000, 3162, 10000, 31623, 100000, 316228, 1000000};
static const double noise[POINTS] = {1.04, 0.97, 1.02, 0.95, 1.05, 0.98, 1.03, 0.96, 1.01};

static enum bench_growth growth_of(double fixed, double per_log, double per_n, size_t points)
{
    double cost[POINTS];
    for (int i = 0; i < POINTS; i++)
        cost[i] = (fixed + per_log * log2(blocks[i]) + per_n * blocks[i]) * noise[i];
    return bench_fit(blocks, cost, points).growth;
}

static void growth_is_told_in_spite_of_noise_and_fixed_costs(void **state)
{
    (void)state;
    assert_int_equal(growth_of(50, 0, 0, POINTS), BENCH_CONSTANT);
    assert_int_equal(growth_of(0, 10, 0, POINTS), BENCH_LOG_N);
    assert_int_equal(growth_of(20, 10, 0, POINTS), BENCH_LOG_N);
    assert_int_equal(growth_of(0, 0, 1, POINTS), BENCH_N);
    assert_int_equal(growth_of(200, 0, 0.5, POINTS), BENCH_N);
}

/// Such as the instructions of a search in a tree: there is less to do at a hundred blocks than the depth says.
static void growth_by_depth_is_log_n_though_it_begins_low(void **state)
{
    (void)state;
    const double cost[POINTS] = {752, 1020, 1291, 1485, 1527, 3162, 2929, 3854, NAN};
    assert_int_equal(bench_fit(blocks, cost, POINTS).growth, BENCH_LOG_N);
}

static void a_few_points_tell_n_from_log_n(void **state)
{
    (void)state;
    assert_int_equal(growth_of(20, 0, 0.5, 4), BENCH_N);
    assert_int_equal(growth_of(0, 10, 0, 5), BENCH_LOG_N);
    assert_int_equal(growth_of(50, 0, 0, 3), BENCH_CONSTANT);
}

static void points_that_were_not_measured_are_left_out(void **state)
{
    (void)state;
    const double cost[POINTS] = {NAN, 316, NAN, 3162, 10000, 31623, NAN, 0, INFINITY};
    struct bench_fit fit = bench_fit(blocks, cost, POINTS);
    assert_int_equal(fit.growth, BENCH_N);
    assert_int_equal(fit.points, 4);
    assert_true(fit.least == 316 && fit.most == 31623);
    assert_true(fit.error[BENCH_N] < 0.05 && fit.error[BENCH_LOG_N] > 0.5);
}

static void fewer_than_three_points_tell_nothing(void **state)
{
    (void)state;
    assert_int_equal(growth_of(0, 0, 1, 2), BENCH_UNKNOWN);
    assert_int_equal(growth_of(0, 0, 1, 0), BENCH_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_told_in_spite_of_noise_and_fixed_costs),
        cmocka_unit_test(growth_by_depth_is_log_n_though_it_begins_low),
        cmocka_unit_test(a_few_points_tell_n_from_log_n),
        cmocka_unit_test(points_that_were_not_measured_are_left_out),
        cmocka_unit_test(fewer_than_three_points_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
