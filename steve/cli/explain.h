/// What a finding leaves for a person beside its reproducer: repro.c, the program that shows it without Steve, and report.txt.
#ifndef STEVE_CLI_EXPLAIN_H
#define STEVE_CLI_EXPLAIN_H

#include "steve/cli/options.h"
#include "steve/find/runner.h"

struct steve_explained {
    const struct steve_options *options;
    const struct steve_driver *driver;
    const struct steve_found *found; ///< as it was found
    const struct steve_found *repro; ///< what repro.ops holds, if it was shrunk; NULL: the same
    const char *origin;              ///< which run or file it comes from
    const char *folder;              ///< where repro.ops is
    const char *replay;              ///< the command that replays it
    const char *rerun;               ///< the command that makes it again from the seed; NULL: there is none
};

/// Writes both into the folder, in the place of those that are there. What cannot be written is said on stderr. A shrunk
/// sequence is run once more, in a process of its own, to see how the heap lies.
void steve_explain(const struct steve_explained *explained);

#endif
