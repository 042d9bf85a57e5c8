/// An input of a fuzz target, run as a sequence in its byte form (steve/core/codec.h) on a fresh heap under every oracle.
///
/// What runs is a beginning of what the bytes say, and all of it in the common case, so that `steve replay` of a crash file
/// shows the same: an input that becomes too expensive ends where it does, or, if its blocks are too large to look at, is left there
/// with nothing more checked.
///
/// There is one set of executors in a process: made once, so that an input allocates nothing.
#ifndef STEVE_FUZZ_EPISODE_H
#define STEVE_FUZZ_EPISODE_H

#include <stddef.h>
#include <stdint.h>

/// Makes an executor for each driver of a family: the one of this name, and those whose names go on with '-'. "" takes all that
/// there are. Ends the process with exit status 3 if one cannot be made.
///
/// @param against the driver that runs the same ops beside it (`steve run --against`); "": none
void episode_open(const char *family, const char *against);

/// Runs one input. The header's wire id chooses the driver; an id that no driver has means the first of the family.
/// Prints the broken oracle and aborts if there is one.
///
/// @return the digest of ops and outcomes; 0 if nothing ran: the header names a driver of another family, or its heap cannot be had
uint64_t episode_run(const uint8_t *data, size_t size);

#endif
