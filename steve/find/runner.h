/// A run: hands episodes out to workers, watches them, and puts their results together in episode order. Neither the digest
/// nor the finding that comes first depends on how many workers there are, or on their speed.
///
/// The parent never touches the allocator under test. What a worker was doing when it broke is read from its page and its
/// log (board.h), without running anything again.
#ifndef STEVE_FIND_RUNNER_H
#define STEVE_FIND_RUNNER_H

#include "steve/find/child.h"
#include "steve/find/plan.h"
#include "steve/find/source.h"

#define STEVE_JOBS_MAX 256u

/// How often threads run an episode. What is recorded is there to be seen again; what is drawn is soon followed by more.
#define STEVE_ROUNDS_DRAWN    2u
#define STEVE_ROUNDS_RECORDED 20u

/// What is known of a finding that threads made: threads_again.h.
struct steve_threads_seen {
    unsigned count;           ///< of threads; 0: it was made by one
    bool alone;               ///< one thread shows it, too, by the interleaving that was seen
    enum steve_oracle oracle; ///< then: the one that threads broke
    unsigned tries, shown;    ///< else: how often threads ran it again, and how often it showed
};

/// A finding and what shows it again.
struct steve_found {
    uint64_t episode;
    struct steve_finding finding;
    struct steve_scene scene;       ///< of a crash and its like none is taken
    struct steve_sequence sequence; ///< up to the op that broke, with threads all ops; owned, steve_found_free()
    struct steve_sequence
        linear; ///< of a finding with threads: their interleaving as it was seen, for one thread; owned
    struct steve_threads_seen threads;
};

/// Moves a finding and what it owns. `from` is left without sequences.
void steve_found_take(struct steve_found *to, struct steve_found *from);
void steve_found_free(struct steve_found *found);

/// How an episode ended. They are reported in episode order.
struct steve_episode_result {
    uint64_t episode;
    uint64_t ops;
    uint64_t digest;
    struct steve_found *found; ///< NULL if all held. The callee may have it: steve_found_take().
};

/// How a run fares, for the live line.
struct steve_progress {
    double seconds;
    uint64_t episodes;
    uint64_t ops;
    uint64_t live_blocks;
    uint64_t compactions;
    uint64_t compaction_blocks, compaction_locked_blocks;
    uint64_t findings;
};

struct steve_runner_config {
    const struct steve_source *source;
    struct steve_plan plan;
    uint64_t time_ns; ///< ends after so much wall time; 0: no limit
    unsigned jobs;    ///< worker processes, 1..STEVE_JOBS_MAX
    bool no_isolate;  ///< run in this process, one worker: for debuggers
    bool keep_going;  ///< go on after a finding, as long as goes_on() says so
    uint32_t without; ///< oracles that are off
    enum steve_check_level level;
    unsigned repeat_every; ///< see struct steve_work
    unsigned rounds;       ///< see struct steve_work; 0: as often as is usual for the source
    struct steve_limits limits;

    void (*on_episode)(void *context, const struct steve_episode_result *result); ///< may be NULL
    /// Asked after a finding was reported, with keep_going; NULL: always true.
    bool (*goes_on)(void *context);
    void (*on_progress)(void *context, const struct steve_progress *progress); ///< about 5 times a second; may be NULL
    void *context;
};

struct steve_run_result {
    uint64_t episodes; ///< finished, the one with the finding included
    uint64_t ops;
    uint64_t digest;
    uint64_t findings;
    double seconds;
    bool interrupted;
    struct steve_counts counts;
    struct steve_crew_counts crew_counts;
};

/// Runs until the plan is done, the time is over, something is found (unless keep_going) or Ctrl-C.
/// @param why gets a sentence if the environment failed
/// @return false if it did: no process, no memory, no heap
bool steve_runner_run(const struct steve_runner_config *config, struct steve_run_result *result, char *why,
                      size_t why_size);

/// Adds a value to a digest; the order matters. Start with 0.
uint64_t steve_digest_fold(uint64_t digest, uint64_t value);

#endif
