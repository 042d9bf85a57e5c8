/// What the mutator's files share: the fields of a sequence's header in bytes (steve/core/codec.h).
#ifndef STEVE_FUZZ_MUTATE_INTERNAL_H
#define STEVE_FUZZ_MUTATE_INTERNAL_H

#include <stdint.h>

/// Where the header has what is changed or completed.
enum {
    AT_FLAGS = 2,
    AT_OPTIONS = 3,
    AT_HEAP = 4,
    HEAP_WIDTH = 6,
    AT_BASE = 10,
    AT_ZERO = 12,
};

static inline uint64_t read_heap(const uint8_t *bytes)
{
    uint64_t heap = 0;
    for (unsigned i = 0; i < HEAP_WIDTH; i++)
        heap |= (uint64_t)bytes[AT_HEAP + i] << (8 * i);
    return heap;
}

static inline void write_heap(uint8_t *bytes, uint64_t heap)
{
    for (unsigned i = 0; i < HEAP_WIDTH; i++)
        bytes[AT_HEAP + i] = (uint8_t)(heap >> (8 * i));
}

#endif
