/// The drivers that the command line knows: those in the box, one that was linked in beside them, and those from outside
/// that are named by a path, which are loaded when they are first asked for.
#ifndef STEVE_CLI_CATALOG_H
#define STEVE_CLI_CATALOG_H

#include "steve/core/codec.h"

/// All drivers. Looking up one from outside that is no good says why on stderr, a line for each reason, once.
const struct steve_catalog *steve_known_drivers(void);

/// Checks the driver that was linked in, if one was (steve_add_allocator_test). @return false with lines on stderr if it
/// is no good
bool steve_known_drivers_are_sound(void);

#endif
