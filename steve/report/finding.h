/// A finding in words: for the terminal, and at more length for report.txt.
#ifndef STEVE_REPORT_FINDING_H
#define STEVE_REPORT_FINDING_H

#include <stdio.h>

#include "steve/find/runner.h"

/// What there is to say beside the finding itself. Strings may be NULL where there is nothing to say.
struct steve_finding_story {
    const struct steve_found *found;   ///< as it was found
    const struct steve_found *repro;   ///< what the reproducer shows, if it was shrunk; NULL: the same
    const struct steve_driver *driver; ///< for the names of its options
    const char *version;
    const char *origin;        ///< which run or file it comes from, e.g. `seed 7, episode 3`
    const char *folder;        ///< where it was saved
    const char *unsaved;       ///< why it could not be saved
    const char *replay;        ///< the command that replays what was saved
    const char *rerun;         ///< the command that makes it again from the seed
    const char *program;       ///< the command that compiles and runs repro.c
    const char *program_where; ///< and from where
    const char *no_program;    ///< why there is none
};

/// A few lines: what broke, where, where it was saved, and the exact command that shows it again.
void steve_print_finding(FILE *out, const struct steve_finding_story *story);

/// report.txt: what did not hold, the ops that led to it, the heap around it, the bytes, and how to see it again.
void steve_print_report(FILE *out, const struct steve_finding_story *story);

#endif
