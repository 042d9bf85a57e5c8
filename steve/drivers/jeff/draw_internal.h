/// Numbers to draw from without a generator's state: the same ones in every run.
#ifndef STEVE_DRIVERS_JEFF_DRAW_INTERNAL_H
#define STEVE_DRIVERS_JEFF_DRAW_INTERNAL_H

#include <stdint.h>

/// Fibonacci hashing (Knuth, TAOCP 3, 6.4), its better half. @param number a count, say
static inline uint32_t steve_jeff_draw(uint64_t number)
{
    number *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((number ^ number >> 29) >> 16);
}

#endif
