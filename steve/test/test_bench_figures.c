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

static void spread_is_the_percentiles_of_a_list(void **state)
{
    (void)state;
    struct bench_values values = {0}, none = {0};
    double spread[BENCH_SINGLES];
    for (int i = 2000; i >= 1; i--)
        assert_true(bench_values_push(&values, i));
    bench_spread(&values, spread);
    assert_true(spread[BENCH_P50] == 1000 && spread[BENCH_P99] == 1980);
    assert_true(spread[BENCH_P999] == 1998 && spread[BENCH_MAX] == 2000);
    bench_spread(&none, spread);
    assert_true(spread[BENCH_P50] == 0 && spread[BENCH_MAX] == 0);
    bench_values_free(&values);
}

static void shuffle_keeps_every_number_once(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    uint64_t random = 5;
    uint32_t order[COUNT];
    bool seen[COUNT] = {0};
    unsigned in_place = 0;
    bench_shuffle(order, COUNT, &random);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_in_range(order[i], 0, COUNT - 1);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        in_place += order[i] == i;
    }
    assert_in_range(in_place, 0, 10); // one, on average
}

static void timer_takes_its_own_cost_off(void **state)
{
    (void)state;
    struct bench_timer timer = {.ns_per_tick = 0.5, .cost_ticks = 40};
    assert_true(bench_timer_ns(&timer, 1000, 1240) == 100);
    assert_true(bench_timer_ns(&timer, 1000, 1040) == 0);
    assert_true(bench_timer_ns(&timer, 1000, 1010) == 0);
    timer = bench_timer_calibrate();
    uint64_t begin = bench_ticks(), begin_ns = bench_now_ns();
    while (bench_now_ns() - begin_ns < 2000000)
        continue;
    double ns = bench_timer_ns(&timer, begin, bench_ticks());
    assert_true(ns > 1000000);
}

static void the_same_seed_makes_the_same_sequence(void **state)
{
    (void)state;
    struct bench_task task = {.live = 50, .seed = 9};
    struct bench_sequence one = bench_make_sequence(&task, 500), two = bench_make_sequence(&task, 500);
    for (size_t i = 0; i < 500; i++) {
        assert_in_range(one.victim[i], 0, 49);
        assert_int_equal(one.victim[i], two.victim[i]);
        assert_int_equal(one.size[i], two.size[i]);
    }
}

/// What blocks take is their size, a header of 4 bytes, and rounding to 16: the most that a size of 1024 adds is 1040.
static void steady_sequence_keeps_the_heap_as_full_as_it_was(void **state)
{
    (void)state;
    for (int uniform = 0; uniform <= 1; uniform++) {
        struct bench_task task = {.live = 100, .seed = 3, .uniform = uniform != 0, .heap_percent = 102};
        struct bench_sequence sequence = bench_make_sequence(&task, 20000);
        size_t sum = 0, extent[100], varied = 0;
        for (size_t i = 0; i < task.live; i++)
            sum += extent[i] = (sequence.first_size[i] + (size_t)4 + 15) / 16 * 16;
        assert_int_equal(sum, sequence.steady_bytes);
        for (size_t i = 0; i < sequence.pairs; i++) {
            size_t *victim = &extent[sequence.victim[i]], fresh = (sequence.size[i] + (size_t)4 + 15) / 16 * 16;
            varied += *victim != fresh;
            sum = sum - *victim + fresh;
            *victim = fresh;
            assert_in_range(sum, sequence.steady_bytes - 1040, sequence.steady_bytes);
        }
        assert_in_range(varied, sequence.pairs / 2, sequence.pairs); // not just the same sizes again
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_is_the_middle_in_any_order),
        cmocka_unit_test(percentile_is_the_least_value_that_the_share_does_not_exceed),
        cmocka_unit_test(sizes_stay_in_range_and_fill_every_octave_alike),
        cmocka_unit_test(the_same_seed_draws_the_same_sizes),
        cmocka_unit_test(spread_is_the_percentiles_of_a_list),
        cmocka_unit_test(shuffle_keeps_every_number_once),
        cmocka_unit_test(timer_takes_its_own_cost_off),
        cmocka_unit_test(the_same_seed_makes_the_same_sequence),
        cmocka_unit_test(steady_sequence_keeps_the_heap_as_full_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
