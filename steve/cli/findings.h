/// What `steve run` does with findings: saves, announces and shrinks them, and with --keep-going or --known tells which of them are the
/// same (distinct.h).
///
/// A run that ends at its first finding saves and announces it before it is shrunk, so that it is kept whatever happens.
/// One that goes on shrinks first, to know whether it is a new one.
#ifndef STEVE_CLI_FINDINGS_H
#define STEVE_CLI_FINDINGS_H

#include <stdio.h>

#include "steve/cli/options.h"
#include "steve/find/distinct.h"
#include "steve/report/summary.h"

/// A distinct finding, recorded before or come in this run.
struct steve_kept {
    bool known; ///< recorded in --known
    uint64_t episode;
    struct steve_finding finding;
    struct steve_sequence sequence; ///< what the reproducer holds; owned
    char *folder;                   ///< owned, as are the next three; NULL: it could not be saved
    char *reproducer;
    char *replay;
    char *rerun;
};

/// The first five are the caller's to set, the rest begins as zero.
struct steve_findings {
    const struct steve_options *options;
    const struct steve_driver *driver;
    uint64_t seed;
    FILE *text;           ///< where findings are announced
    uint64_t deadline_ns; ///< by steve_trial_now(): shrinking in the middle of a run ends soon after it; 0: never

    struct steve_distinct distinct;
    struct steve_kept *kept; ///< one for each of distinct.entries
    size_t capacity;
    struct {
        unsigned recorded, others, silent; ///< files of --known: used, for other drivers, showing nothing any more
    } known;
};

/// Reads what is recorded in --known, and sees what it shrinks to: files that show nothing any more, and those for other drivers, are
/// left out. @return -1, or the exit status after a line on stderr
int steve_findings_load_known(struct steve_findings *findings);

/// One line about that.
void steve_findings_print_known(const struct steve_findings *findings);

/// The only finding of a run: saves, announces, and shrinks if `shrink` and the options want it.
void steve_findings_keep(struct steve_findings *findings, const struct steve_found *found, bool shrink);

/// One of many: counts it; saves and announces it if it is new.
void steve_findings_meet(struct steve_findings *findings, const struct steve_found *found);

/// The first that was not known. @return NULL if there is none
const struct steve_kept *steve_findings_first(const struct steve_findings *findings);

/// How many distinct ones came, known or not.
uint64_t steve_findings_count(const struct steve_findings *findings, bool known);

/// Those that came, new ones first. `*list` is to be freed by the caller. @return how many; 0 also when memory is short
size_t steve_findings_list(const struct steve_findings *findings, struct steve_summary_finding **list);

void steve_findings_free(struct steve_findings *findings);

#endif
