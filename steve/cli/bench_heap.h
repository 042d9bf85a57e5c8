/// The bench over any drivers: heaps in a child process.
#ifndef STEVE_CLI_BENCH_HEAP_H
#define STEVE_CLI_BENCH_HEAP_H

#include <stddef.h>
#include <stdio.h>

#include "steve/driver.h"

/// Enters the driver and opens a heap. @param bytes of its region, which takes no memory until it is touched, or the limit
/// @return the heap; NULL after a message
void *bench_heap_open(const struct steve_driver *driver, size_t bytes);

/// Makes a block and writes a byte in each of its pages, as a client would sooner or later. @return 0 if refused
steve_ref bench_heap_make(const struct steve_driver *driver, void *heap, size_t bytes);

/// A driver's code may print to stdout: it goes to stderr from now on. @return where stdout was; NULL if that fails
FILE *bench_heap_take_stdout(void);

#endif
