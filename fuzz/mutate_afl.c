/// The mutator as afl-fuzz uses it. What afl-fuzz calls is given a buffer of the mutator's, which it does not keep.
#include "fuzz/mutate_afl.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/mutate.h"
#include "fuzz/mutate_trim.h"

/// The longest input that afl-fuzz ever hands out (MAX_FILE in its config.h).
#define CAPACITY ((size_t)1 << 20)

/// Of 4 inputs so many are spliced with another.
#define SPLICED_OF_4 1u

/// Of 100 steps within AFL++'s havoc so many are ours.
#define HAVOC_PERCENT 30u

/// Inputs that are made of one entry of the queue before the next has its turn. Left to itself AFL++ doubles their number
/// with every new path, and so spends the first minute on the first seed.
#define INPUTS_AT_A_TIME 256u

/// Of 16 inputs so many have bytes changed wherever they are: with AFL_CUSTOM_MUTATOR_ONLY nothing else reaches what no op
/// of ours would have.
#define SCATTERED_OF_16 1u

struct afl_mutator {
    struct steve_rng rng; ///< a seed for each call
    struct mutate_trim trim;
    int32_t steps; ///< proposals at most,
    int32_t step;  ///< and those made
    uint8_t out[CAPACITY];
    uint8_t trimmed[CAPACITY];
};

void *afl_custom_init(void *afl, unsigned int seed)
{
    (void)afl;
    struct afl_mutator *mutator = calloc(1, sizeof *mutator);
    if (mutator == NULL)
        return NULL;
    uint64_t state = seed;
    for (unsigned i = 0; i < 4; i++)
        mutator->rng.state[i] = steve_splitmix64(&state);
    return mutator;
}

void afl_custom_deinit(void *data)
{
    free(data);
}

/// Copies what fits. @return its size; `*max_size` is brought down to what there is room for
static size_t take(struct afl_mutator *mutator, const uint8_t *bytes, size_t size, size_t *max_size)
{
    if (*max_size > CAPACITY)
        *max_size = CAPACITY;
    if (size > *max_size)
        size = *max_size;
    memcpy(mutator->out, bytes, size);
    return size;
}

/// Sets one to four bytes at random.
static void scatter(struct steve_rng *rng, uint8_t *bytes, size_t size)
{
    for (uint32_t left = steve_rng_between(rng, 1, 4); left > 0 && size > 0; left--)
        bytes[steve_rng_below(rng, (uint32_t)size)] = (uint8_t)steve_rng_below(rng, 256);
}

size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *other, size_t other_size,
                       size_t max_size)
{
    struct afl_mutator *mutator = data;
    size = take(mutator, bytes, size, &max_size);
    *out = mutator->out;
    const uint64_t seed = steve_rng_next(&mutator->rng);
    if (steve_rng_below(&mutator->rng, 16) < SCATTERED_OF_16) {
        scatter(&mutator->rng, mutator->out, size);
        return size;
    }
    if (other != NULL && steve_rng_below(&mutator->rng, 4) < SPLICED_OF_4)
        return mutate_splice(seed, mutator->out, size, max_size, other, other_size);
    return mutate(seed, mutator->out, size, max_size);
}

size_t afl_custom_havoc_mutation(void *data, uint8_t *bytes, size_t size, uint8_t **out, size_t max_size)
{
    return afl_custom_fuzz(data, bytes, size, out, NULL, 0, max_size);
}

uint32_t afl_custom_fuzz_count(void *data, const uint8_t *bytes, size_t size)
{
    (void)data;
    (void)bytes;
    (void)size;
    return INPUTS_AT_A_TIME;
}

uint8_t afl_custom_havoc_mutation_probability(void *data)
{
    (void)data;
    return HAVOC_PERCENT;
}

int32_t afl_custom_init_trim(void *data, uint8_t *bytes, size_t size)
{
    struct afl_mutator *mutator = data;
    if (size > CAPACITY)
        return 0;
    memcpy(mutator->trimmed, bytes, size);
    size = mutate_canonical(mutator->trimmed, size, CAPACITY);
    mutator->step = 0;
    mutator->steps = (int32_t)mutate_trim_begin(&mutator->trim, mutator->trimmed, size);
    return mutator->steps;
}

size_t afl_custom_trim(void *data, uint8_t **out)
{
    struct afl_mutator *mutator = data;
    *out = mutator->out;
    return mutate_trim_propose(&mutator->trim, mutator->out);
}

int32_t afl_custom_post_trim(void *data, unsigned char success)
{
    struct afl_mutator *mutator = data;
    if (success)
        memcpy(mutator->trimmed, mutator->out, mutate_trim_propose(&mutator->trim, mutator->out));
    if (!mutate_trim_next(&mutator->trim, success != 0))
        mutator->step = mutator->steps;
    else
        mutator->step++;
    return mutator->step;
}
