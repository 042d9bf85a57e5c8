/// Drivers in shared objects: `--driver ./mine.so`. The object is looked at in a child process, so that whatever it does
/// there, crash in a constructor or print to stdout, leaves Steve alone.
#ifndef STEVE_FIND_SHARED_OBJECT_H
#define STEVE_FIND_SHARED_OBJECT_H

#include "steve/core/contract.h"
#include "steve/core/external.h"

/// The name of what such an object exports, a `const struct steve_driver`.
#define STEVE_EXPORTED_DRIVER "steve_exported_driver"

/// Describes the driver in a shared object.
/// @param path as the user wrote it, with a '/' and shorter than STEVE_DRIVER_NAME_SIZE; it becomes the driver's name
/// @param say  gets a line for each thing that is wrong
/// @return the driver, which lasts as long as the process; NULL if anything is wrong
struct steve_external *steve_shared_object_look(const char *path, steve_say *say, void *context);

#endif
