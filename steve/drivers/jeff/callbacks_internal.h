/// What `jeff-callbacks` does with blocks of its own, beside Steve's: most of it from inside Jeff's callbacks.
#ifndef STEVE_DRIVERS_JEFF_CALLBACKS_INTERNAL_H
#define STEVE_DRIVERS_JEFF_CALLBACKS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

#define STEVE_JEFF_OWN_BLOCKS 8u

/// The driver's own blocks. All zero is the beginning.
struct steve_jeff_own {
    jeff_handle handle[STEVE_JEFF_OWN_BLOCKS]; ///< JEFF_NULL: none
    uint32_t drawn;                            ///< numbers so far
    bool aged;                                 ///< one block was given the last generation that there is
};

/// Does one thing with one of them: outside of any callback.
void steve_jeff_own_step(struct steve_jeff_own *own, jeff_heap *heap);

/// The same inside a callback, where only some of it may be done.
/// @param moving in the callback `moved`, where more is refused than in `low_memory`
/// @return NULL, or what Jeff did that he must not
const char *steve_jeff_own_step_inside(struct steve_jeff_own *own, jeff_heap *heap, bool moving);

/// A number to draw from: the same ones in every episode.
uint32_t steve_jeff_own_draw(struct steve_jeff_own *own);

/// @return true if the handle is that of one of them
bool steve_jeff_own_has(const struct steve_jeff_own *own, jeff_handle handle);

/// @return how many there are
size_t steve_jeff_own_count(const struct steve_jeff_own *own);

/// @return NULL, or what is wrong with one of them
const char *steve_jeff_own_check(const struct steve_jeff_own *own, jeff_heap *heap);

#endif
