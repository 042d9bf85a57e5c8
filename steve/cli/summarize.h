/// From the options of a run to the reports for machines: --json and --junit.
#ifndef STEVE_CLI_SUMMARIZE_H
#define STEVE_CLI_SUMMARIZE_H

#include <stdio.h>

#include "steve/cli/options.h"
#include "steve/report/summary.h"

/// Where what people read goes: stdout, or nowhere with --json. @return NULL if it cannot be opened, after a line on stderr
FILE *steve_text_out(const struct steve_options *options);
void steve_text_close(FILE *text);

/// A summary with everything that the options say; the rest is the caller's to fill in.
struct steve_summary steve_summarize(const struct steve_options *options, const struct steve_run_result *result);

/// Opens the file of --junit, before anything is run, so that one that cannot be written is said at once.
/// @return false after a line on stderr. `*file` is NULL without --junit
bool steve_open_junit(const struct steve_options *options, FILE **file);

/// Writes what the options ask for, and closes `junit`. @return false after a line on stderr if it could not be written
bool steve_write_summary(const struct steve_options *options, const struct steve_summary *summary, FILE *junit);

#endif
