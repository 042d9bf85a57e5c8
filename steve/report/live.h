/// The live line: one line on the terminal that says how a run fares, redrawn in place. It shows only where there is a person to
/// see it: when both stdout and stderr are terminals.
#ifndef STEVE_REPORT_LIVE_H
#define STEVE_REPORT_LIVE_H

#include "steve/find/runner.h"
#include "steve/find/shrink.h"

struct steve_live {
    bool shown; ///< a line stands on the terminal
    bool silent;
    uint64_t last_ops;
    double last_seconds;
    double rate; ///< ops a second, smoothed
};

struct steve_live steve_live_begin(void);

/// @param share how much of the run is done, 0 to 1; below 0 if it has no end
void steve_live_show(struct steve_live *live, const struct steve_progress *progress, double share);

/// The same line while a finding is being shrunk.
void steve_live_show_shrinking(struct steve_live *live, const struct steve_shrink_progress *progress);

/// Wipes the line, so that something else can be printed.
void steve_live_clear(struct steve_live *live);

#endif
