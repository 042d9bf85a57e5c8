/// What has passed in this process. Much that Jeff's drivers try out beside the heap under test depends on a number alone: what has
/// passed once passes again. Fuzzers, which open heaps of few kinds by the million, are spared it.
#ifndef STEVE_DRIVERS_JEFF_PASSED_INTERNAL_H
#define STEVE_DRIVERS_JEFF_PASSED_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEVE_JEFF_PASSED 1024u

/// Numbers of one kind, the latest of each remainder. All zero: none.
struct steve_jeff_passed {
    uint64_t successor[STEVE_JEFF_PASSED]; ///< of the number
};

static inline bool steve_jeff_has_passed(const struct steve_jeff_passed *passed, uint64_t number)
{
    return passed->successor[number % STEVE_JEFF_PASSED] == number + 1;
}

/// @return what is wrong, to be passed on
static inline const char *steve_jeff_note_passed(struct steve_jeff_passed *passed, uint64_t number, const char *wrong)
{
    if (wrong == NULL) {
        passed->successor[number % STEVE_JEFF_PASSED] = number + 1;
    }
    return wrong;
}

#endif
