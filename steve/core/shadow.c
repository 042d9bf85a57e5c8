/// Making contents from stamps, and comparing with them. The loops work on lanes of the compiler's vector type, which every
/// 64-bit target turns into its widest baseline registers; memcpy() in and out of them needs no alignment.
#include "steve/core/shadow.h"

#include <string.h>

/// Beyond STEVE_SHADOW_WHOLE: the head, SAMPLES short stretches between, and the tail.
#define END_BYTES    ((size_t)4096)
#define SAMPLE_BYTES ((size_t)512)
#define SAMPLES      6u

typedef uint64_t lanes __attribute__((vector_size(32)));

/// The stretch of a block that is written: all of it, or one of the samples.
struct piece {
    size_t offset; ///< a multiple of 8
    size_t bytes;
};

/// The mixing of splitmix64 (Steele, Lea, Flood 2014): a bijection, so different numbers give different stamps.
uint64_t steve_shadow_stamp(uint64_t number)
{
    uint64_t z = number + UINT64_C(0x5bf03635d1c2c5b1);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t piece_count(size_t bytes)
{
    return bytes <= STEVE_SHADOW_WHOLE ? 1 : SAMPLES + 2;
}

/// The i-th piece, in address order, cut off at `kept`.
static struct piece piece_at(size_t bytes, size_t kept, size_t i)
{
    struct piece piece = {0, bytes};
    if (bytes > STEVE_SHADOW_WHOLE) {
        if (i == 0) {
            piece.bytes = END_BYTES;
        } else if (i <= SAMPLES) {
            piece.offset = (bytes / (SAMPLES + 1) * i) & ~(size_t)7;
            piece.bytes = SAMPLE_BYTES;
        } else {
            piece.offset = (bytes - END_BYTES) & ~(size_t)7;
            piece.bytes = bytes - piece.offset;
        }
    }
    if (piece.offset >= kept) {
        piece.bytes = 0;
    } else if (piece.bytes > kept - piece.offset) {
        piece.bytes = kept - piece.offset;
    }
    return piece;
}

size_t steve_shadow_cost(size_t bytes)
{
    return bytes <= STEVE_SHADOW_WHOLE ? bytes : 2 * END_BYTES + SAMPLES * SAMPLE_BYTES;
}

static uint64_t word_at(uint64_t stamp, size_t offset)
{
    return stamp + (uint64_t)(offset / 8) * STEVE_SHADOW_STEP;
}

/// The words from `word` on, through memory: a vector as a return value is a matter of the ABI.
static void lanes_from(lanes *to, uint64_t word)
{
    *to = (lanes){word, word + STEVE_SHADOW_STEP, word + 2 * STEVE_SHADOW_STEP, word + 3 * STEVE_SHADOW_STEP};
}

static void fill_run(unsigned char *to, size_t bytes, uint64_t word)
{
    if (bytes >= 64) {
        const lanes next = {4 * STEVE_SHADOW_STEP, 4 * STEVE_SHADOW_STEP, 4 * STEVE_SHADOW_STEP, 4 * STEVE_SHADOW_STEP};
        lanes low;
        lanes_from(&low, word);
        for (; bytes >= 64; bytes -= 64, to += 64) {
            lanes high = low + next;
            memcpy(to, &low, sizeof low);
            memcpy(to + sizeof low, &high, sizeof high);
            low = high + next;
        }
        word = low[0];
    }
    for (; bytes >= 8; bytes -= 8, to += 8, word += STEVE_SHADOW_STEP) {
        memcpy(to, &word, 8);
    }
    unsigned char last[8];
    memcpy(last, &word, 8);
    for (size_t i = 0; i < bytes; i++) {
        to[i] = last[i];
    }
}

static bool same_run(const unsigned char *at, size_t bytes, uint64_t word)
{
    uint64_t wrong = 0;
    if (bytes >= 64) {
        const lanes next = {4 * STEVE_SHADOW_STEP, 4 * STEVE_SHADOW_STEP, 4 * STEVE_SHADOW_STEP, 4 * STEVE_SHADOW_STEP};
        lanes low;
        lanes_from(&low, word);
        lanes differs = {0, 0, 0, 0};
        for (; bytes >= 64; bytes -= 64, at += 64) {
            lanes seen_low;
            lanes seen_high;
            lanes high = low + next;
            memcpy(&seen_low, at, sizeof seen_low);
            memcpy(&seen_high, at + sizeof seen_low, sizeof seen_high);
            differs |= (seen_low ^ low) | (seen_high ^ high);
            low = high + next;
        }
        wrong = differs[0] | differs[1] | differs[2] | differs[3];
        word = low[0];
    }
    for (; bytes >= 8; bytes -= 8, at += 8, word += STEVE_SHADOW_STEP) {
        uint64_t seen;
        memcpy(&seen, at, 8);
        wrong |= seen ^ word;
    }
    unsigned char last[8];
    memcpy(last, &word, 8);
    for (size_t i = 0; i < bytes; i++) {
        wrong |= (uint64_t)(at[i] ^ last[i]);
    }
    return wrong == 0;
}

/// Finds the first wrong byte of a run that is known to differ.
static void locate(const unsigned char *block, struct piece piece, uint64_t stamp, struct steve_shadow_diff *diff)
{
    for (size_t offset = piece.offset; offset < piece.offset + piece.bytes; offset++) {
        unsigned char expected[8];
        uint64_t word = word_at(stamp, offset);
        memcpy(expected, &word, 8);
        if (block[offset] != expected[offset % 8]) {
            *diff = (struct steve_shadow_diff){offset, block[offset], expected[offset % 8]};
            return;
        }
    }
}

static bool same_piece(const unsigned char *block, struct piece piece, uint64_t stamp, struct steve_shadow_diff *diff)
{
    if (same_run(block + piece.offset, piece.bytes, word_at(stamp, piece.offset))) {
        return true;
    }
    locate(block, piece, stamp, diff);
    return false;
}

void steve_shadow_fill(void *block, size_t bytes, uint64_t stamp)
{
    size_t count = piece_count(bytes);
    for (size_t i = 0; i < count; i++) {
        struct piece piece = piece_at(bytes, bytes, i);
        fill_run((unsigned char *)block + piece.offset, piece.bytes, word_at(stamp, piece.offset));
    }
}

bool steve_shadow_same(const void *block, size_t bytes, size_t kept, uint64_t stamp, struct steve_shadow_diff *diff)
{
    size_t count = piece_count(bytes);
    for (size_t i = 0; i < count; i++) {
        if (!same_piece(block, piece_at(bytes, kept, i), stamp, diff)) {
            return false;
        }
    }
    return true;
}

bool steve_shadow_same_ends(const void *block, size_t bytes, uint64_t stamp, struct steve_shadow_diff *diff)
{
    if (bytes <= 32) {
        return same_piece(block, (struct piece){0, bytes}, stamp, diff);
    }
    size_t tail = (bytes - 16) & ~(size_t)7;
    return same_piece(block, (struct piece){0, 16}, stamp, diff) &&
           same_piece(block, (struct piece){tail, bytes - tail}, stamp, diff);
}

static bool zero_run(const unsigned char *at, size_t bytes)
{
    uint64_t seen = 0;
    lanes sum = {0, 0, 0, 0};
    for (; bytes >= 32; bytes -= 32, at += 32) {
        lanes some;
        memcpy(&some, at, sizeof some);
        sum |= some;
    }
    seen = sum[0] | sum[1] | sum[2] | sum[3];
    for (size_t i = 0; i < bytes; i++) {
        seen |= at[i];
    }
    return seen == 0;
}

bool steve_shadow_zero(const void *block, size_t bytes, struct steve_shadow_diff *diff)
{
    const unsigned char *at = block;
    size_t count = piece_count(bytes);
    for (size_t i = 0; i < count; i++) {
        struct piece piece = piece_at(bytes, bytes, i);
        if (zero_run(at + piece.offset, piece.bytes)) {
            continue;
        }
        size_t offset = piece.offset;
        while (at[offset] == 0) {
            offset++;
        }
        *diff = (struct steve_shadow_diff){offset, at[offset], 0};
        return false;
    }
    return true;
}

bool steve_shadow_byte(size_t bytes, uint64_t stamp, size_t offset, uint8_t *expected)
{
    size_t count = piece_count(bytes);
    for (size_t i = 0; i < count; i++) {
        struct piece piece = piece_at(bytes, bytes, i);
        if (offset >= piece.offset && offset - piece.offset < piece.bytes) {
            uint64_t word = word_at(stamp, offset);
            unsigned char written[8];
            memcpy(written, &word, sizeof written);
            *expected = written[offset % 8];
            return true;
        }
    }
    return false;
}

size_t steve_shadow_next(size_t bytes, size_t offset)
{
    size_t count = piece_count(bytes);
    for (size_t i = 0; i < count; i++) {
        struct piece piece = piece_at(bytes, bytes, i);
        if (piece.offset > offset) {
            return piece.offset;
        }
    }
    return bytes;
}
