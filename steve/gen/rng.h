/// Random numbers for the generator: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Integer arithmetic
/// only, so that every machine draws the same.
///
/// Each (seed, episode, purpose) has a stream of its own: an episode can be drawn without the ones before it, its
/// length without its ops, and a change in how a plan is drawn leaves lengths alone.
#ifndef STEVE_GEN_RNG_H
#define STEVE_GEN_RNG_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct steve_rng {
    uint64_t state[4];
};

/// What a stream is for. Never renumber: seeds would draw other episodes.
enum steve_stream {
    STEVE_STREAM_LENGTH = 1, ///< how many ops an episode has
    STEVE_STREAM_PLAN = 2,   ///< geometry, weights and distributions
    STEVE_STREAM_OPS = 3,    ///< the ops themselves
    STEVE_STREAM_DEAL = 4,   ///< which thread carries out which op
};

/// One step of splitmix64: advances `*state` and gives a well mixed number. O(1)
uint64_t steve_splitmix64(uint64_t *state);

/// Begins the stream of (seed, episode, purpose). O(1)
void steve_rng_seed(struct steve_rng *rng, uint64_t seed, uint64_t episode, enum steve_stream purpose);

/// Log-uniform between `low` and `high`, both included: each octave is as likely as any other, and within an octave all
/// values are alike. @param low 1 or more, at most `high`. O(1)
uint64_t steve_rng_log_between(struct steve_rng *rng, uint64_t low, uint64_t high);

static inline uint64_t steve_rotate_left(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

/// 64 random bits. O(1)
static inline uint64_t steve_rng_next(struct steve_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = steve_rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = steve_rotate_left(s[3], 45);
    return result;
}

/// Uniform in 0..count-1. @param count 1 or more. By multiplication (Lemire), so without a division; off by 2^-32 at
/// most.
static inline uint32_t steve_rng_below(struct steve_rng *rng, uint32_t count)
{
    assert(count > 0);
    return (uint32_t)(((steve_rng_next(rng) >> 32) * count) >> 32);
}

/// Uniform in low..high, both included; the difference is below 2^32 - 1.
static inline uint32_t steve_rng_between(struct steve_rng *rng, uint32_t low, uint32_t high)
{
    assert(low <= high && high - low < UINT32_MAX);
    return low + steve_rng_below(rng, high - low + 1);
}

/// True in `of_256` cases of 256.
static inline bool steve_rng_chance(struct steve_rng *rng, unsigned of_256)
{
    return (steve_rng_next(rng) >> 56) < of_256;
}

#endif
