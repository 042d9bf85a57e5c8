/// Shrinking: from the sequence that broke an oracle to the smallest one that breaks the same oracle. Smallest is: fewest ops;
/// then the simplest ones with the smallest sizes; then the smallest heap, and few slots, numbered from 0.
///
/// That the oracle is the same keeps it from slipping to another bug. If that may be (`any_oracle`), what comes out is the plainest way in which
/// anything breaks: two findings that come to the same so are most likely two symptoms of one bug.
///
/// A greedy search to a fixed point, as in delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing
/// Input", 2002): the biggest pieces are cut first, and every step is judged by a trial (trial.h), so a wrong guess costs
/// time and nothing else.
#ifndef STEVE_FIND_SHRINK_H
#define STEVE_FIND_SHRINK_H

#include "steve/find/runner.h"

#define STEVE_SHRINK_TIME_NS UINT64_C(10000000000)

/// How it fares, for a live line.
struct steve_shrink_progress {
    double seconds;
    uint64_t trials;
    size_t ops_before;
    size_t ops;
};

struct steve_shrink_config {
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< the second one that it was found with; NULL: none
    uint32_t without;                   ///< as in the run that found it
    bool any_oracle;                    ///< a smaller sequence may break another oracle
    enum steve_check_level level;
    struct steve_limits limits;
    uint64_t time_ns; ///< wall time to spend; 0: STEVE_SHRINK_TIME_NS
    void (*on_progress)(void *context,
                        const struct steve_shrink_progress *progress); ///< some 5 times a second; may be NULL
    void *context;
};

struct steve_shrink_report {
    bool shown;           ///< the sequence did break the oracle again, at least once
    bool finished;        ///< nothing more could be cut; else time was over, or Ctrl-C came
    bool interrupted;     ///< Ctrl-C
    unsigned runs;        ///< how often the result was run, each time in a fresh process
    unsigned runs_broken; ///< in how many of them the oracle broke; fewer than `runs`: flaky
    size_t ops_before, ops_after;
    uint64_t trials;
    double seconds;
};

/// Shrinks. Ctrl-C ends it early, with the best so far.
/// @param found  what was found. Of its finding, the oracle alone matters; STEVE_ORACLE_COUNT: the one that breaks first.
/// @param shrunk gets the result: a sequence (owned, steve_sequence_free()) and what it shows. Where nothing could be shown again
///               it is as `found`.
/// @param why    gets a sentence if the environment failed
/// @return false if it did: no process, no memory. `shrunk` then is empty
bool steve_shrink(const struct steve_shrink_config *config, const struct steve_found *found, struct steve_found *shrunk,
                  struct steve_shrink_report *report, char *why, size_t why_size);

#endif
