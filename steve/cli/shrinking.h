/// Shrinking on behalf of `run`, `replay` and `shrink`: with their options, a live line, and the folder where a finding is kept.
#ifndef STEVE_CLI_SHRINKING_H
#define STEVE_CLI_SHRINKING_H

#include <stdio.h>

#include "steve/cli/options.h"
#include "steve/find/save.h"
#include "steve/find/shrink.h"

/// A sequence that `replay` was given is shrunk if it is longer than this. Shorter ones a person can read as they are.
#define STEVE_REPLAY_SHRINKS_ABOVE 12u

/// What became of a finding.
struct steve_shrinking {
    bool ran;                          ///< it was tried, and the environment did not fail
    struct steve_found shrunk;         ///< owned: steve_sequence_free(); empty if it was not tried
    struct steve_shrink_report report; ///< if it ran
    char folder[STEVE_SAVE_PATH_MAX];  ///< where the shrunk sequence was saved; empty: nowhere
    char why[512];                     ///< what went wrong, if anything did
};

/// True if findings are to be shrunk: neither --no-shrink nor --no-isolate says otherwise.
bool steve_shrinking_wanted(const struct steve_options *options);

/// steve_shrink() with the checks and the limits of these options, and the live line.
/// @param time_ns 0: STEVE_SHRINK_TIME_NS
void steve_shrink_with_options(const struct steve_options *options, const struct steve_driver *driver, uint64_t time_ns,
                               const struct steve_found *found, struct steve_shrinking *shrinking);

/// Shrinks a finding of `run`, which has been saved in `folder` (NULL: could not be) and announced. What is smaller takes the
/// place of repro.ops and repro.bin there.
void steve_shrink_kept(const struct steve_options *options, const struct steve_driver *driver,
                       const struct steve_found *found, const char *folder, struct steve_shrinking *shrinking);

/// Shrinks a finding of `replay`. If something smaller comes out it is saved under --out, in a folder named after the file.
void steve_shrink_replayed(const struct steve_options *options, const struct steve_driver *driver,
                           const struct steve_found *found, const char *path, struct steve_shrinking *shrinking);

/// Says what became of it: a few lines, and the sequence if it is short.
void steve_print_shrinking(FILE *out, const struct steve_options *options, const struct steve_shrinking *shrinking);

#endif
