/// What every fuzz target is, for whichever engine drives it. The names are libFuzzer's; AFL++ and the replayer keep to them.
#ifndef STEVE_FUZZ_TARGET_H
#define STEVE_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/// Called once, before any input.
int LLVMFuzzerInitialize(int *argc, char ***argv);

/// Runs one input. Returns 0 if it shows no bug, else prints the broken oracle's name and aborts.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/// Runs the target on files, and on all files in folders, however deep; prints a line for each.
/// @return the exit status: 0, or 2 if something could not be read, or nothing was named
int fuzz_replay(int count, char **paths);

#endif
