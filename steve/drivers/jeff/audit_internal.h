/// What Jeff tells of himself in several ways must be one story.
#ifndef STEVE_DRIVERS_JEFF_AUDIT_INTERNAL_H
#define STEVE_DRIVERS_JEFF_AUDIT_INTERNAL_H

#include "jeff.h"

/// Compares the walk over a heap, the list of pins, the statistics and the queries about single blocks with each other. Changes
/// nothing. @param begin where the heap's region begins; 0 for a heap with pages of its own
/// @return what contradicts what, in static memory; NULL if nothing does. O(blocks)
const char *steve_jeff_audit(jeff_heap *heap, uintptr_t begin);

/// Flips a bit and back: jeff_check() must see it where it is the heap's own, and must not where it is a client's. @param turn what
/// it is drawn from @return what is wrong, in static memory; NULL if nothing is, or the heap is too large. O(blocks + handles)
const char *steve_jeff_audit_overrun(jeff_heap *heap, uint64_t turn);

/// Whether the reason that the heap gives for what it just refused can be true. @param allowed the statuses that jeff.h lists
/// for the call, as bits @return what is wrong, in static memory; NULL if nothing is. O(1)
const char *steve_jeff_audit_refusal(jeff_heap *heap, jeff_handle handle, unsigned allowed);

/// Whether a block that was settled lies against the start of the heap or against a locked block. @param slack bytes that its
/// alignment may ask for below it @return what is wrong, in static memory; NULL if nothing is. O(blocks)
const char *steve_jeff_audit_settled(jeff_heap *heap, jeff_handle handle, size_t slack);

/// Whether a block that could not be settled lies well as it is: then it was to be left there, and called settled.
/// @return what is wrong, in static memory; NULL if nothing is. O(blocks)
const char *steve_jeff_audit_unsettled(jeff_heap *heap, jeff_handle handle);

/// Whether a compaction did what its report says. @param before statistics from right before it @param took by the heap's clock
/// @return what is wrong, in static memory; NULL if nothing is. O(1)
const char *steve_jeff_audit_report(const jeff_heap *heap, const struct jeff_goal *goal,
                                    const struct jeff_stats *before, uint64_t took_ns,
                                    const struct jeff_report *report);

#endif
