/// The mutator as a library for afl-fuzz (AFL_CUSTOM_MUTATOR_LIBRARY). AFL++'s own mutations go on beside it, unless it is
/// told AFL_CUSTOM_MUTATOR_ONLY. It brings no header for these functions; they are as its docs/custom_mutators.md has them.
#ifndef STEVE_FUZZ_MUTATE_AFL_H
#define STEVE_FUZZ_MUTATE_AFL_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default) // all else in the library is hidden

/// @return the mutator, for the other calls; NULL when memory is short. All that it ever allocates.
void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(void *data);

/// An input of the mutation stage: mutated, or spliced with `other`, which may be NULL. @param out gets the mutator's own buffer
/// @return its size
size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *other, size_t other_size,
                       size_t max_size);

/// How many inputs afl-fuzz is to ask for at a time, from one entry of its queue.
uint32_t afl_custom_fuzz_count(void *data, const uint8_t *bytes, size_t size);

/// One step among those of AFL++'s havoc stage, and how many of 100 steps are to be such.
size_t afl_custom_havoc_mutation(void *data, uint8_t *bytes, size_t size, uint8_t **out, size_t max_size);
uint8_t afl_custom_havoc_mutation_probability(void *data);

/// Trimming on record boundaries (mutate_trim.h). The first gives how many proposals there are at most, the last how many of them
/// are done.
int32_t afl_custom_init_trim(void *data, uint8_t *bytes, size_t size);
size_t afl_custom_trim(void *data, uint8_t **out);
int32_t afl_custom_post_trim(void *data, unsigned char success);

#pragma GCC visibility pop

#endif
