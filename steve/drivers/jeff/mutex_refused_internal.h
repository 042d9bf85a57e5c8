/// A C library that refuses a mutex, which POSIX allows and none here ever does.
#ifndef STEVE_DRIVERS_JEFF_MUTEX_REFUSED_INTERNAL_H
#define STEVE_DRIVERS_JEFF_MUTEX_REFUSED_INTERNAL_H

#include <stdbool.h>

/// Ways in which making a recursive mutex can fail.
enum { STEVE_MUTEX_REFUSALS = 3 };

/// The calling thread's mutexes are refused from now on. Costs nothing to other threads.
/// @param way what fails, 1 to STEVE_MUTEX_REFUSALS; 0: nothing any more
/// @return    false if this program is not linked so that it can be done (steve/CMakeLists.txt): nothing is refused then
bool steve_jeff_refuse_mutexes(unsigned way);

/// @return how many mutexes the calling thread has destroyed; 0 where the linker does not lead them here
unsigned steve_jeff_mutexes_ended(void);

#endif
