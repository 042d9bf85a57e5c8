/// Each call of jeff_shared.h alone, in heaps of the driver's own: part of what the option `look` asks for.
#ifndef STEVE_DRIVERS_JEFF_SHARED_DRILL_INTERNAL_H
#define STEVE_DRIVERS_JEFF_SHARED_DRILL_INTERNAL_H

#include <stdint.h>

/// Not while another thread is in it. @return NULL, or what is wrong, in static memory
const char *steve_jeff_shared_drill(void);

/// How many blocks a shared heap holds, and what lies in front of it for them (shared_gates.c). @return as above
const char *steve_jeff_shared_gates(void);

/// The same calls to a shared heap and to an ordinary one, for several dozen blocks, drawn from the seed (shared_twin.c). @return as above
const char *steve_jeff_shared_twin(uint64_t seed);

#endif
