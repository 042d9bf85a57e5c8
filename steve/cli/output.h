/// Writing the file that -o names.
#ifndef STEVE_CLI_OUTPUT_H
#define STEVE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/// Writes a file, in the place of the one that is there, if any: at every moment there is a whole one, so it may be the one that was
/// read. What is no file (a device, a pipe) is written to as it is.
/// @param why gets a sentence on failure
/// @return false if it could not be written; the file that was there then still is
bool steve_write_output(const char *path, const void *bytes, size_t count, char *why, size_t why_size);

#endif
