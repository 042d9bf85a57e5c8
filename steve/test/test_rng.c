/// Random numbers: known answers of both generators, streams that share nothing, and draws that stay in their range.
#include "steve/gen/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/// The answers of the authors' own code (prng.di.unimi.it).
static void generators_give_the_published_numbers(void **state)
{
    (void)state;
    uint64_t mix = 1234567;
    assert_true(steve_splitmix64(&mix) == UINT64_C(6457827717110365317));
    assert_true(steve_splitmix64(&mix) == UINT64_C(3203168211198807973));
    assert_true(steve_splitmix64(&mix) == UINT64_C(9817491932198370423));

    struct steve_rng rng = {{1, 2, 3, 4}};
    assert_true(steve_rng_next(&rng) == UINT64_C(11520));
    assert_true(steve_rng_next(&rng) == UINT64_C(0));
    assert_true(steve_rng_next(&rng) == UINT64_C(1509978240));
    assert_true(steve_rng_next(&rng) == UINT64_C(1215971899390074240));
}

static uint64_t first_of(uint64_t seed, uint64_t episode, enum steve_stream purpose)
{
    struct steve_rng rng;
    steve_rng_seed(&rng, seed, episode, purpose);
    return steve_rng_next(&rng);
}

static void each_seed_episode_and_purpose_has_its_own_stream(void **state)
{
    (void)state;
    uint64_t first = first_of(7, 3, STEVE_STREAM_OPS);
    assert_true(first == first_of(7, 3, STEVE_STREAM_OPS));
    assert_true(first != first_of(8, 3, STEVE_STREAM_OPS));
    assert_true(first != first_of(7, 4, STEVE_STREAM_OPS));
    assert_true(first != first_of(7, 3, STEVE_STREAM_PLAN));
    // Sums that would be alike.
    assert_true(first_of(7, 1, STEVE_STREAM_OPS) != first_of(8, 0, STEVE_STREAM_OPS));
    assert_true(first_of(7, 3, STEVE_STREAM_PLAN) != first_of(7, 2, STEVE_STREAM_OPS));
}

static void below_reaches_all_of_its_range_evenly(void **state)
{
    (void)state;
    struct steve_rng rng;
    unsigned seen[10] = {0};
    steve_rng_seed(&rng, 1, 0, STEVE_STREAM_OPS);
    for (int i = 0; i < 100000; i++) {
        uint32_t draw = steve_rng_below(&rng, 10);
        assert_true(draw < 10);
        seen[draw]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(seen[i], 9500, 10500);
    }
    assert_int_equal(steve_rng_below(&rng, 1), 0);
    assert_int_equal(steve_rng_between(&rng, 5, 5), 5);
}

static void chance_is_of_256(void **state)
{
    (void)state;
    struct steve_rng rng;
    unsigned hits = 0;
    steve_rng_seed(&rng, 2, 0, STEVE_STREAM_OPS);
    for (int i = 0; i < 65536; i++) {
        assert_false(steve_rng_chance(&rng, 0));
        assert_true(steve_rng_chance(&rng, 256));
        hits += steve_rng_chance(&rng, 64);
    }
    assert_in_range(hits, 16000, 16800);
}

static void log_between_gives_every_octave_alike(void **state)
{
    (void)state;
    struct steve_rng rng;
    unsigned octaves[8] = {0};
    steve_rng_seed(&rng, 3, 0, STEVE_STREAM_OPS);
    for (int i = 0; i < 80000; i++) {
        uint64_t draw = steve_rng_log_between(&rng, 64, 16383);
        assert_true(draw >= 64 && draw <= 16383);
        octaves[63 - __builtin_clzll(draw) - 6]++;
    }
    for (int i = 0; i < 8; i++) {
        assert_in_range(octaves[i], 9500, 10500);
    }
}

static void log_between_includes_both_ends(void **state)
{
    (void)state;
    struct steve_rng rng;
    bool low = false;
    bool high = false;
    steve_rng_seed(&rng, 4, 0, STEVE_STREAM_OPS);
    for (int i = 0; i < 1000; i++) {
        uint64_t draw = steve_rng_log_between(&rng, 3, 9);
        assert_true(draw >= 3 && draw <= 9);
        low = low || draw == 3;
        high = high || draw == 9;
        assert_true(steve_rng_log_between(&rng, 1, 1) == 1);
        assert_true(steve_rng_log_between(&rng, 1, UINT64_MAX) >= 1);
        assert_true(steve_rng_log_between(&rng, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    }
    assert_true(low && high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generators_give_the_published_numbers),
        cmocka_unit_test(each_seed_episode_and_purpose_has_its_own_stream),
        cmocka_unit_test(below_reaches_all_of_its_range_evenly),
        cmocka_unit_test(chance_is_of_256),
        cmocka_unit_test(log_between_gives_every_octave_alike),
        cmocka_unit_test(log_between_includes_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
