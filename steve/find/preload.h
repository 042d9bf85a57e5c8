/// Some libraries must be in a process from its beginning: malloc libraries, which take the place of the C library's and
/// may need thread-local space that only the first libraries get. So a child that is to run one becomes this program
/// anew, with the library preloaded, and goes on where it was:
///
///     Steve --fork--> child --exec, LD_PRELOAD--> the same process: steve_preload_go_on()
///
/// What it needs to know goes along in a file without a name, a *parcel*; the memory that it shares with Steve stays open.
/// Steve's own memory never comes from such a library: the parent never loads it, and the children map what they need.
#ifndef STEVE_FIND_PRELOAD_H
#define STEVE_FIND_PRELOAD_H

#include "steve/find/look.h"
#include "steve/find/trial.h"
#include "steve/find/worker.h"

/// What such a child is called with: the program's first argument. The second is the number of the parcel's file.
#define STEVE_PRELOAD_ARGUMENT "--go-on"

/// The library that a process must have had preloaded to run the driver; NULL: none.
const char *steve_preload_library(const struct steve_driver *driver);

/// True if one of two drivers that run side by side needs a library that this process was not started with. Only one of them may
/// have one: it takes the place of malloc() for the whole process. @param against NULL: there is just one
bool steve_preload_is_needed(const struct steve_driver *driver, const struct steve_driver *against);

/// These become the program anew and return only if that fails, with `*why` set.
void steve_preload_for_worker(const struct steve_work *work, const struct steve_driver *driver,
                              const struct steve_driver *against, uint64_t item, const char **why);
void steve_preload_for_trial(const struct steve_trial *trial, int socket, const char **why);
/// @param name what to look at; it comes back in struct steve_preload_callbacks
void steve_preload_for_look(const char *library, const char *name, struct steve_look *look, size_t look_size,
                            const char **why);

struct steve_preload_callbacks {
    /// Finds the driver of this name. @return NULL if it cannot be used
    const struct steve_driver *(*driver_by_name)(const char *name);
    void (*look)(const char *name, struct steve_look *look);
};

/// Goes on: the work of such a child. @param file number of the parcel's file, as it was given
/// @return the exit status
int steve_preload_go_on(const char *file, const struct steve_preload_callbacks *callbacks);

#endif
