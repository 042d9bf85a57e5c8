/// `--driver malloc:LIBRARY`: any library with the interface of malloc, by path or by the name that the loader finds it
/// under. It is preloaded into the children that run it (find/preload.h).
#ifndef STEVE_CLI_PRELOADED_H
#define STEVE_CLI_PRELOADED_H

#include "steve/core/contract.h"
#include "steve/core/external.h"

#define STEVE_MALLOC_PREFIX "malloc:"

/// Finds out what the library has, in a child process.
/// @param name with the prefix, shorter than STEVE_DRIVER_NAME_SIZE; it becomes the driver's name
/// @param say  gets a line for each thing that is wrong
/// @return the driver, which lasts as long as the process; NULL if anything is wrong
struct steve_external *steve_malloc_library_look(const char *name, steve_say *say, void *context);

/// The main() of a child that became this program anew. @param file its second argument. @return the exit status
int steve_cli_go_on(const char *file);

#endif
