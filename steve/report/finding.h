/// A finding in words: for the terminal, and at more length for report.txt.
#ifndef STEVE_REPORT_FINDING_H
#define STEVE_REPORT_FINDING_H

#include <stdio.h>

#include "steve/find/runner.h"

/// What there is to say beside the finding itself. Strings may be NULL where there is nothing to say.
struct steve_finding_story {
    const struct steve_found *found;
    const char *version;
    const char *origin;  ///< which run or file it comes from, e.g. `seed 7, episode 3`
    const char *folder;  ///< where it was saved
    const char *unsaved; ///< why it could not be saved
    const char *replay;  ///< the command that replays what was saved
    const char *rerun;   ///< the command that makes it again from the seed
};

/// A few lines: what broke, where, where it was saved, and the exact command that shows it again.
void steve_print_finding(FILE *out, const struct steve_finding_story *story);

/// report.txt: the same, what the oracle asks for, the heap, and the last ops before it.
void steve_print_report(FILE *out, const struct steve_finding_story *story);

#endif
