/// What jeff_shared.h says and no op asks for: the options `look`, `damage` and `meet` of the drivers for Jeff with threads. Each function
/// returns NULL, or what is wrong, in static memory.
#ifndef STEVE_DRIVERS_JEFF_SHARED_PROBE_INTERNAL_H
#define STEVE_DRIVERS_JEFF_SHARED_PROBE_INTERNAL_H

#include <stdint.h>

#include "jeff_shared.h"

/// Calls with arguments that are out of range, for which there is no heap, and heaps with few blocks.
const char *steve_jeff_shared_probe_arguments(void);

/// Asks for what no op asks for, locks a block as often as that can be, and calls with handles that there are not. No other thread may be
/// in a call.
const char *steve_jeff_shared_probe_look(jeff_shared *heap);

/// Inside the callback `moved`: whatever may not be done there is refused.
const char *steve_jeff_shared_probe_busy(jeff_shared *heap, jeff_handle handle);

/// Damages gates of a sound heap, one bit at a time, has it checked, and puts them right again. No other thread may be in a call.
/// @param purgeable a block that was purgeable once and may be purged now, or JEFF_NULL
/// @param freed     one that was freed once, or JEFF_NULL
const char *steve_jeff_shared_probe_damage(jeff_shared *heap, jeff_handle purgeable, jeff_handle freed);

/// A heap of its own in which another thread locks and unlocks blocks at moments that are drawn: whenever Jeff looks at the clock, between
/// a plan and the moves, between two pieces of a block. The moments are the same ones in every run. (meeting.c)
const char *steve_jeff_shared_probe_meeting(uint64_t seed);

#endif
