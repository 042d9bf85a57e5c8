/// What the tests of the codec share: a catalog of two drivers that never run, and random sequences.
#ifndef STEVE_TEST_CODEC_SAMPLES_H
#define STEVE_TEST_CODEC_SAMPLES_H

#include <string.h>

#include "steve/core/codec.h"

static const char *const sample_options[] = {"eager", "scramble", NULL};
static const struct steve_driver sample_jeff = {
    .version = STEVE_DRIVER_VERSION, .wire_id = 1, .name = "jeff", .options = sample_options};
static const struct steve_driver sample_libc = {.version = STEVE_DRIVER_VERSION, .wire_id = 2, .name = "libc"};
static const struct steve_driver *const sample_drivers[] = {&sample_jeff, &sample_libc};
static const struct steve_catalog samples = {.drivers = sample_drivers, .count = 2};

/// splitmix64 (Steele, Lea, Flood 2014)
static inline uint64_t sample_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/// Every code that does something, each with random fields, a quarter of the time with small ones.
static inline struct steve_op sample_op(uint64_t *state)
{
    uint8_t code;
    do
        code = (uint8_t)sample_random(state);
    while (steve_op_kind(code) == STEVE_KIND_NONE);

    const uint64_t fields = sample_random(state);
    const bool small = sample_random(state) % 4 == 0;
    const uint16_t low = (uint16_t)(fields >> 32 & 0xffff);
    return (struct steve_op){
        .code = code,
        .size_class = (uint8_t)fields,
        .slot = (uint16_t)(small ? fields >> 8 & 7 : fields >> 8 & 0xffff),
        .delta = (int16_t)(small ? (int32_t)(low % 5u) - 2 : (int32_t)low - 0x8000),
        .arg = (uint16_t)(fields >> 48),
    };
}

static inline bool sample_ops_equal(struct steve_op a, struct steve_op b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static inline bool sample_headers_equal(const struct steve_header *a, const struct steve_header *b)
{
    return strcmp(a->driver, b->driver) == 0 && a->heap_bytes == b->heap_bytes && a->base_offset == b->base_offset &&
           a->options == b->options && a->dirty == b->dirty;
}

static inline bool sample_sequences_equal(const struct steve_sequence *a, const struct steve_sequence *b)
{
    return sample_headers_equal(&a->header, &b->header) && a->count == b->count &&
           (a->count == 0 || memcmp(a->ops, b->ops, a->count * sizeof *a->ops) == 0);
}

#endif
