/// The bench over any drivers: heaps in a child process.
#ifndef STEVE_CLI_BENCH_HEAP_H
#define STEVE_CLI_BENCH_HEAP_H

#include <stddef.h>
#include <stdio.h>

#include "steve/driver.h"

struct bench_heap {
    const struct steve_driver *driver;
    void *heap; ///< NULL: it is not open
    size_t bytes;
    void *mapping; ///< that its region lies in; NULL without one
    size_t mapping_bytes;
};

/// Enters the driver and opens a heap.
/// @param bytes of its region, which takes no memory until it is touched, or the limit; raised to the driver's minimum
/// @return false after a message
bool bench_heap_open(struct bench_heap *heap, const struct steve_driver *driver, size_t bytes);

/// Closes it, whatever is live. One that is not open is fine.
void bench_heap_close(struct bench_heap *heap);

/// Makes a block and writes a byte in each of its pages, as a client would sooner or later. @return 0 if refused
steve_ref bench_heap_make(const struct steve_driver *driver, void *heap, size_t bytes);

/// Writes a byte in each page of a block, under a lock where the driver has one.
void bench_heap_touch(const struct steve_driver *driver, void *heap, steve_ref ref, size_t bytes);

/// A driver's code may print to stdout: it goes to stderr from now on. @return where stdout was; NULL if that fails
FILE *bench_heap_take_stdout(void);

#endif
