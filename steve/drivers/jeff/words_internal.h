/// A heap's own words, read and written behind its back.
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

UNWATCHED static uint32_t read_word(const char *address)
{
    return *(const volatile uint32_t *)(const void *)address;
}

UNWATCHED static void write_word(char *address, uint32_t word)
{
    *(volatile uint32_t *)(void *)address = word;
}

#endif
