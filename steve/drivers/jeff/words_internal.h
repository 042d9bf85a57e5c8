/// A heap's own words, read and written behind its back, and what they may be damaged to.
#ifndef STEVE_DRIVERS_JEFF_WORDS_INTERNAL_H
#define STEVE_DRIVERS_JEFF_WORDS_INTERNAL_H

#include <stdint.h>

#define WORD sizeof(uint32_t)

// Memory that is not the client's is hidden from it where a sanitizer watches.
#if defined(__clang__) || defined(__GNUC__)
#define UNWATCHED __attribute__((no_sanitize("address"), noinline, unused))
#else
#define UNWATCHED
#endif

UNWATCHED static uint32_t read_word(const void *address)
{
    return *(const volatile uint32_t *)address;
}

UNWATCHED static void write_word(void *address, uint32_t word)
{
    *(volatile uint32_t *)address = word;
}

/// Values that are likely in place of any word.
enum { LIKELY_NONE, LIKELY_ALL, LIKELY_MORE, LIKELY_LESS, LIKELY_VALUES };

/// @param which one of them, LIKELY_VALUES excluded
static inline uint32_t likely_value(uint32_t was, uint32_t which)
{
    switch (which) {
    case LIKELY_NONE:
        return 0;
    case LIKELY_ALL:
        return UINT32_MAX;
    case LIKELY_MORE:
        return was + 1;
    default:
        return was - 1;
    }
}

/// The word with one bit changed. @param draw which, modulo 32
static inline uint32_t flip_bit(uint32_t was, uint32_t draw)
{
    return was ^ (uint32_t)1 << draw % 32;
}

#endif
