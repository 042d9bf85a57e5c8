/// Seeding of the streams, and the log-uniform draw. The rest of the random numbers is inline in the header.
#include "steve/gen/rng.h"

uint64_t steve_splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/// Three rounds, one per part of the name, so that neighbouring seeds and episodes share nothing: were the parts only
/// added up, episode 1 of seed 7 would be episode 0 of seed 8.
void steve_rng_seed(struct steve_rng *rng, uint64_t seed, uint64_t episode, enum steve_stream purpose)
{
    uint64_t state = seed;
    state = steve_splitmix64(&state) ^ episode;
    state = steve_splitmix64(&state) ^ (uint64_t)purpose;
    for (int i = 0; i < 4; i++) {
        rng->state[i] = steve_splitmix64(&state);
    }
}

/// Bits of fraction in a fixed-point logarithm.
#define LOG_FRACTION 24

/// Logarithm to base 2 in fixed point, linear between powers of two.
static uint64_t log_of(uint64_t value)
{
    unsigned octave = 63 - (unsigned)__builtin_clzll(value);
    uint64_t rest = value - (UINT64_C(1) << octave);
    uint64_t fraction = octave >= LOG_FRACTION ? rest >> (octave - LOG_FRACTION) : rest << (LOG_FRACTION - octave);
    return ((uint64_t)octave << LOG_FRACTION) + fraction;
}

/// The inverse, rounded down.
static uint64_t power_of(uint64_t log)
{
    unsigned octave = (unsigned)(log >> LOG_FRACTION);
    uint64_t fraction = log & ((UINT64_C(1) << LOG_FRACTION) - 1);
    uint64_t rest = octave >= LOG_FRACTION ? fraction << (octave - LOG_FRACTION) : fraction >> (LOG_FRACTION - octave);
    return (UINT64_C(1) << octave) + rest;
}

uint64_t steve_rng_log_between(struct steve_rng *rng, uint64_t low, uint64_t high)
{
    assert(low >= 1 && low <= high);

    // One step beyond `high`, since the draw is rounded down. It may come out below `low` where the fraction is too
    // short.
    uint64_t from = log_of(low);
    uint64_t span = (high == UINT64_MAX ? (uint64_t)64 << LOG_FRACTION : log_of(high + 1)) - from;
    uint64_t value = power_of(from + (((steve_rng_next(rng) >> 32) * span) >> 32));
    return value > high ? high : value < low ? low : value;
}
