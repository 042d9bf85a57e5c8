/// What a driver states against what it provides: the rules of steve/driver.h, checked when a driver is loaded. Nothing
/// of the allocator is called; whether it keeps its promises is for the oracles to say.
#ifndef STEVE_CORE_CONTRACT_H
#define STEVE_CORE_CONTRACT_H

#include "steve/driver.h"

/// Says what is wrong, one contradiction a call, without the driver's name and without a line end.
typedef void steve_say(void *context, const char *line);

/// Checks a driver. Of one that was made for another version, or that is NULL, nothing but that is said.
/// @param say called for each contradiction; may be NULL
/// @return how many there are
size_t steve_driver_contradictions(const struct steve_driver *driver, steve_say *say, void *context);

#endif
