/// A library with the interface of malloc, by path, as Steve sees it. How it gets into a process is the caller's.
#ifndef STEVE_DRIVERS_MALLOC_LIBRARY_H
#define STEVE_DRIVERS_MALLOC_LIBRARY_H

#include "steve/driver.h"

/// Which functions a library has, as bits. malloc and free it must have.
enum steve_malloc_function {
    STEVE_MALLOC_CALLOC = 1 << 0,
    STEVE_MALLOC_REALLOC = 1 << 1,
    STEVE_MALLOC_ALIGNED = 1 << 2, ///< posix_memalign or aligned_alloc
    STEVE_MALLOC_USABLE = 1 << 3,  ///< malloc_usable_size
};

/// Finds the functions of a library that is loaded, and takes them as those that the driver calls in this process from
/// now on.
/// @param handle as dlopen() gave it. Functions that it has from the C library, while it is not the C library, are not
/// its own
/// @param has    gets which there are
/// @return false if it has no malloc and free
bool steve_malloc_library_use(void *handle, uint32_t *has);

/// Describes the driver for a library with such functions: all but the name. It promises what C does, and no more.
/// @param snippets may be NULL
void steve_malloc_library_describe(uint32_t has, const struct steve_snippets *snippets, struct steve_driver *driver);

/// The snippets of such a driver. @param compile_command see steve_snippets.compile; not copied
struct steve_snippets steve_malloc_library_snippets(uint32_t has, const char *compile_command);

#endif
