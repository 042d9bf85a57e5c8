/// Address space for the page hooks of `jeff-mapped`: the same places in every process where that can be had, which are kept from one
/// heap to the next, so that an episode costs few system calls and page faults.
#ifndef STEVE_DRIVERS_JEFF_PLACES_INTERNAL_H
#define STEVE_DRIVERS_JEFF_PLACES_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/// @param which  the number of the reservation in its episode: the same one has the same place
/// @return address space without access, some pages past a multiple of 64 KiB; NULL if there is none
void *steve_jeff_place_reserve(size_t bytes, unsigned which);

/// Makes pages of a reservation readable and writable, and zero. @return false if the system refuses
bool steve_jeff_place_commit(void *address, size_t bytes);

/// Whether the page at an address of a reservation takes memory, since somebody has written to it or read it. False where that cannot be told:
/// of the first pages, which are kept, and where reservations have no places.
bool steve_jeff_place_is_touched(const void *address);

/// Takes access and contents away: a touch of memory given back faults at its instruction.
void steve_jeff_place_decommit(void *address, size_t bytes);

/// Gives a whole reservation back. No access is left.
void steve_jeff_place_release(void *address, size_t bytes);

#endif
