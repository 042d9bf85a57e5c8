/// Each call of jeff_shared.h alone, in heaps of the driver's own: part of what the option `look` asks for.
#ifndef STEVE_DRIVERS_JEFF_SHARED_DRILL_INTERNAL_H
#define STEVE_DRIVERS_JEFF_SHARED_DRILL_INTERNAL_H

/// Not while another thread is in it. @return NULL, or what is wrong, in static memory
const char *steve_jeff_shared_drill(void);

#endif
