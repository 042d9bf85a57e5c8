/// A driver from outside the box: one that is known by its description in every process, and whose functions can be
/// called only in a process that has entered it. So Steve itself never runs its code; the children that run episodes do.
///
/// Such a driver's name is a path, as in `./mine.so` or `malloc:/usr/lib/x.so`; those in the box are plain words.
#ifndef STEVE_CORE_EXTERNAL_H
#define STEVE_CORE_EXTERNAL_H

#include "steve/core/op.h"
#include "steve/driver.h"

struct steve_external {
    /// The description; comes first. Which functions are NULL is right, but none may be called before `enter`.
    struct steve_driver driver;
    char name[STEVE_DRIVER_NAME_SIZE]; ///< the driver's name
    /// Makes the functions callable in this process. Called whenever the driver is about to be used, also again.
    /// @return false with `*why` set to a sentence in static memory
    bool (*enter)(struct steve_external *external, const char **why);
    /// The library that a process must have had preloaded for that; NULL: none.
    const char *preload;
    bool entered; ///< in this process
};

/// Zeroed memory that no allocator hands out, for what must live in a process whose malloc() is under test. It is never
/// given back.
/// @return NULL if there is none
void *steve_own_memory(size_t bytes);

/// True for names of drivers outside the box.
bool steve_driver_name_is_path(const char *name);

/// @return what the driver is part of; NULL if it is one of the box
struct steve_external *steve_external_of(const struct steve_driver *driver);

/// Makes sure that the driver's functions can be called. @return false with `*why` set to a sentence in static memory
bool steve_driver_enter(const struct steve_driver *driver, const char **why);

#endif
