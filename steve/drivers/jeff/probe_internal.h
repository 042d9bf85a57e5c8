/// What jeff.h says and no op asks for: the options `look`, `worn`, `damage` and `system` of the drivers for Jeff. Each function returns
/// NULL, or what is wrong, in static memory.
#ifndef STEVE_DRIVERS_JEFF_PROBE_INTERNAL_H
#define STEVE_DRIVERS_JEFF_PROBE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

/// Calls with arguments that are out of range, for which there is no heap.
const char *steve_jeff_probe_arguments(void);

/// Asks for the handles of addresses, locks a block as often as that can be, and calls with handles and sizes that there are not.
/// @param turn a count of calls, from which it takes where a walk is broken off
const char *steve_jeff_probe_look(jeff_heap *heap, unsigned turn);

/// Inside a callback: whatever may not be done there is refused.
/// @param moving in the callback `moved`
const char *steve_jeff_probe_busy(jeff_heap *heap, jeff_handle handle, bool moving);

/// Damages some words of a sound heap, one at a time, has it checked, and puts them right again. That the check reads nothing outside
/// the heap shows where it would crash.
/// @param bytes how much of memory from `heap` on is the heap's
/// @param turn  a count of calls, from which it takes what it does
const char *steve_jeff_probe_damage(jeff_heap *heap, size_t bytes, unsigned turn);

/// Heaps beside the one under test, over the system's pages and clock, and the classic interface.
/// @param large one with many handles, too, which takes a millisecond
const char *steve_jeff_probe_system(bool large);

// Reserving 64 GiB, as a heap without a limit does, is one system call; under an emulator, which keeps books of all pages, it takes seconds.
#if defined(__x86_64__) || defined(__aarch64__) || UINTPTR_MAX == UINT32_MAX
#define RESERVING_IS_CHEAP 1
#else
#define RESERVING_IS_CHEAP 0
#endif

/// Heaps of its own that are brought to where no op comes. (corners.c) @param large one of 64 GiB, too
const char *steve_jeff_probe_corners(bool large);
/// The same for compactions with a budget, and for plans, settled blocks and requests. (corners_budget.c, corners_plan.c, corners_request.c)
const char *steve_jeff_probe_budgets(void);
const char *steve_jeff_probe_plans(void);
const char *steve_jeff_probe_requests(void);
/// The same for plans with alignments. (corners_gap.c)
const char *steve_jeff_probe_gaps(void);
/// The same for what callbacks do meanwhile (corners_callbacks.c), and for heaps of 64 GiB (corners_largest.c).
const char *steve_jeff_probe_callbacks(void);
const char *steve_jeff_probe_largest(void);
/// The same for what is left behind by blocks that were made and freed very often. (corners_lives.c)
const char *steve_jeff_probe_lives(void);

/// Heaps in a region that are damaged in ways that take more than a word. (forged.c)
const char *steve_jeff_probe_forged(void *region, size_t bytes);
/// The same for a heap over 1 KiB pages. @param own the only block with pages of its own @param small a block of a few bytes
const char *steve_jeff_probe_forged_pages(jeff_heap *heap, jeff_handle own, jeff_handle small);

/// A heap of its own under clocks that no budget is prepared for, with callbacks that lock, unlock and free. (clocks.c)
const char *steve_jeff_probe_clocks(uint64_t seed);

/// The classic interface where no address space is to be had, before anything else has used it. (short.c)
const char *steve_jeff_probe_short(void);

/// Gives a live block the last generation that there is, as if its slot had been used two billion times.
/// @return its new handle
jeff_handle steve_jeff_age(jeff_heap *heap, jeff_handle handle);

/// Uses up a slot of a fresh heap. @param worn gets its handle, which must be refused from now on; JEFF_NULL: there was no room
const char *steve_jeff_probe_worn(jeff_heap *heap, jeff_handle *worn);

#endif
