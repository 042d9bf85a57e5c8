/// All that a finished run or replay has to say, for the reports that machines read: json.h and junit.h.
#ifndef STEVE_REPORT_SUMMARY_H
#define STEVE_REPORT_SUMMARY_H

#include "steve/find/runner.h"

/// One distinct finding. Strings may be NULL where there is nothing to say.
struct steve_summary_finding {
    const struct steve_finding *finding; ///< NULL: a file that does not survive the trip through the parser and back,
    const char *round_trip;              ///< and why not
    uint64_t episode;
    const char *file; ///< of a replay
    uint64_t count;   ///< how often it came
    bool known;       ///< recorded before: does not make the verdict fail
    const char *folder;
    const char *reproducer;
    const struct steve_sequence *sequence; ///< what the reproducer holds
    const char *replay;                    ///< the command that replays it
    const char *rerun;                     ///< the command that makes it again from the seed
};

/// What a run was asked to do. Zero or NULL: not said, or does not apply.
struct steve_summary_setup {
    const char *driver;  ///< NULL: each file's own
    const char *against; ///< the second one; NULL: none, or each file's own
    bool has_seed;
    uint64_t seed;
    uint64_t exhaustive;
    const char *profile;
    const char *lock_model;
    const char *check;
    uint32_t without; ///< bits 1 << enum steve_oracle
    uint64_t heap_bytes;
    uint64_t ops, episodes, time_ns; ///< the bounds
    bool has_episode;
    uint64_t episode; ///< the only one
    unsigned jobs;
    unsigned threads; ///< 0 or 1: one
    uint64_t op_time_ns;
    uint64_t memory_bytes;
    const char *out;
    const char *known;
    bool keep_going, no_shrink, no_isolate;
};

struct steve_summary {
    const char *version;
    const char *command; ///< run or replay
    struct steve_summary_setup setup;
    const struct steve_run_result *result;
    const char *trouble; ///< not NULL: the environment failed, and this is why
    uint64_t files;      ///< of a replay
    bool failed;         ///< there is a finding that is not known

    const struct steve_catalog *catalog; ///< to print sequences with
    const struct steve_summary_finding *findings;
    size_t finding_count;
};

/// `pass`, `fail`, or `error` if the environment failed.
const char *steve_summary_verdict(const struct steve_summary *summary);

/// A copy that is valid UTF-8: what is not becomes U+FFFD, and so does what XML 1.0 has no place for if `xml` is set. File names
/// and messages may hold anything. @return text to be freed by the caller; NULL when memory is short
char *steve_clean_text(const char *text, bool xml);

#endif
