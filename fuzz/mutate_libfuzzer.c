/// The mutator as libFuzzer calls it, and every engine that knows these names. It is left to itself now and then, and always where
/// STEVE_MUTATOR is `off` in the environment.
#include "fuzz/mutate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/// Of 16 inputs so many are left to libFuzzer's own mutations: they reach bytes that no op of ours would have.
#define LEFT_OF_16 1u

/// The engine's own mutations; NULL where it has none to offer.
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t max_size, unsigned seed);

static bool is_off(void)
{
    static int off = -1; // until it is known: the environment is read once
    if (off < 0) {
        const char *value = getenv("STEVE_MUTATOR");
        off = value != NULL && strcmp(value, "off") == 0;
    }
    return off != 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (LLVMFuzzerMutate != NULL && (is_off() || seed % 16 < LEFT_OF_16))
        return LLVMFuzzerMutate(data, size, max_size);
    return mutate(seed, data, size, max_size);
}

/// 0 makes libFuzzer choose again among its mutators.
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t max_size, unsigned seed)
{
    if (is_off() || seed % 4 != 0)
        return 0;
    const size_t size = first_size < max_size ? first_size : max_size;
    if (size != 0)
        memcpy(out, first, size);
    return mutate_splice(seed, out, size, max_size, second, second_size);
}
