/// Keeping a finding: a folder for each, in which nothing is ever overwritten but the reproducer, by a smaller one, and what explains
/// it. A finding that was saved before, byte for byte, gets the same folder; another one of the same name gets one with a number.
#ifndef STEVE_FIND_SAVE_H
#define STEVE_FIND_SAVE_H

#include "steve/core/codec.h"
#include "steve/find/runner.h"

#define STEVE_SAVE_PATH_MAX 4096u

/// Whether findings can be kept in a folder, as far as can be told without making anything: it may not be there yet.
/// @return false if not (`why`)
bool steve_save_is_possible(const char *out, char *why, size_t why_size);

/// Writes `out`/`name`/full.ops, repro.ops and repro.bin; folders are made where they are missing. When this returns true they
/// are on disk.
/// @param full  the sequence as it was found
/// @param repro what shows it again; may be the same
/// @param path  gets the folder, STEVE_SAVE_PATH_MAX bytes
/// @param why   gets a sentence on failure
/// @return false if they could not be written
bool steve_save_finding(const char *out, const char *name, const struct steve_catalog *catalog,
                        const struct steve_sequence *full, const struct steve_sequence *repro, char *path, char *why,
                        size_t why_size);

/// Puts a smaller reproducer in the place of repro.ops and repro.bin, each at one stroke: there always is a whole one.
/// @return false if it could not be written (`why`)
bool steve_save_smaller(const char *folder, const struct steve_catalog *catalog, const struct steve_sequence *repro,
                        char *why, size_t why_size);

/// Writes a file into such a folder, unless there is one of that name. @return false if it could not be written (`why`)
bool steve_save_file(const char *folder, const char *name, const void *bytes, size_t count, char *why, size_t why_size);

/// The same, in the place of one that is there. At any moment there is a whole one.
bool steve_replace_file(const char *folder, const char *name, const void *bytes, size_t count, char *why,
                        size_t why_size);

#endif
