/// Where the ops of an episode come from: the generator, or sequences that were read from files. The worker asks for nothing
/// else, so that `run` and `replay` go through the same checks, the same isolation and the same digest.
#ifndef STEVE_FIND_SOURCE_H
#define STEVE_FIND_SOURCE_H

#include "steve/gen/exhaustive.h"
#include "steve/gen/gen.h"

/// The longest episode that is generated. Recorded ones are as long as they are.
#define STEVE_EPISODE_OPS_MAX ((uint64_t)1 << 24)

enum steve_source_kind {
    STEVE_SOURCE_OWN, ///< a caller's: it cannot be handed on to another program
    STEVE_SOURCE_GENERATED,
    STEVE_SOURCE_EXHAUSTIVE,
    STEVE_SOURCE_RECORDED,
};

struct steve_source {
    enum steve_source_kind kind;
    void *context;
    size_t longest; ///< ops of the longest episode: sizes the log
    unsigned threads; ///< so many carry out what is drawn, once more, after it ran in one thread; 0 or 1: none do
    bool has_threads; ///< that, or a recorded episode is for threads
    const struct steve_driver *against; ///< what all episodes are run against, beside their driver; NULL: see against_of
    /// The same of the episode that was begun last; NULL: `against`. It too gives NULL where there is none.
    const struct steve_driver *(*against_of)(void *context);
    /// Begins an episode: fills in its header and its length. @return the driver that it runs on
    const struct steve_driver *(*begin)(void *context, uint64_t episode, struct steve_header *header, uint64_t *length);
    /// The op at `index`, asked for in order, each once. STEVE_OP_NONE: the episode ends before it.
    struct steve_op (*next)(void *context, uint64_t index, const struct steve_exec *view);
};

/// Episodes drawn by a generator, for its driver. `generated` must outlive the source.
struct steve_generated {
    struct steve_gen *gen; ///< with threads: made for steve_threads_driver()
    const struct steve_driver *driver;
    unsigned threads; ///< see struct steve_source
};
/// The same driver without what threads leave out: ops are drawn for it.
struct steve_driver steve_threads_driver(const struct steve_driver *driver);

struct steve_source steve_source_generated(struct steve_generated *generated);

/// How many ops an episode of the generator has: steve_gen_length(), at least 1 and at most STEVE_EPISODE_OPS_MAX. O(1)
uint64_t steve_generated_length(const struct steve_gen *gen, uint64_t episode);

/// Every sequence of a small scope; episode k is number k. `all` must outlive the source.
struct steve_source steve_source_exhaustive(struct steve_exhaustive *all);

/// Sequences as they were recorded; episode k is `recordings[k]`. `recorded` must outlive the source.
struct steve_recording {
    const struct steve_sequence *sequence;
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< NULL: it runs alone
};
struct steve_recorded {
    const struct steve_recording *recordings;
    size_t count;
    const struct steve_recording *current; ///< the source's own
};
struct steve_source steve_source_recorded(struct steve_recorded *recorded);

#endif
