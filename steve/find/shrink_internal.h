/// What the files of the shrinker share:
///
///     shrink.c           the order of things: is it shown again, rounds to a fixed point, the proof
///     shrink_cut.c       candidates with fewer ops
///     shrink_escape.c    ways out of dead ends
///     shrink_guess.c     more of them, by chance
///     shrink_threads.c   another way for what only threads show
///     shrink_simplify.c  candidates with as many ops, but simpler ones, and a simpler header
///
/// Every pass builds a candidate from `best` and tries it; if the oracle breaks again the candidate is the new best. No pass
/// undoes what another does: ops may only become fewer; then simpler; then smaller; then the header and the slots.
#ifndef STEVE_FIND_SHRINK_INTERNAL_H
#define STEVE_FIND_SHRINK_INTERNAL_H

#include "steve/find/shrink.h"
#include "steve/find/trial.h"

struct steve_shrink {
    const struct steve_shrink_config *config;
    struct steve_shrink_report *report;
    struct steve_trial trial;
    enum steve_oracle oracle; ///< that best breaks; STEVE_ORACLE_COUNT: not known yet
    bool is_kind_known;       ///< the next two are
    bool beside;              ///< it is about something else than the heap under test (STEVE_BESIDE)
    bool at_end;              ///< it shows after the last op

    struct steve_sequence best; ///< breaks the oracle
    struct steve_finding finding;
    uint8_t *outcomes;               ///< of best's ops, enum steve_outcome
    uint64_t *sizes;                 ///< and the bytes that they ask for
    struct steve_sequence candidate; ///< where the next one is built
    struct steve_sequence proven;    ///< the last best that broke in a fresh process
    struct steve_sequence kept;      ///< best, while a longer way is tried
    const struct steve_sequence *original;
    uint8_t *marks; ///< of best's ops, for a pass; all 0 between passes

    bool repeat;            ///< it shows at another base only
    bool careful;           ///< a process of its own for each trial, since what went before in one changed what showed
    unsigned tries;         ///< how often a candidate is run before it counts as green: flaky ones take several
    uint64_t op_time_ns;    ///< CPU time an op may take: adapts to the length of best
    uint64_t op_time_floor; ///< but never below
    uint64_t best_ns;       ///< CPU time that all of best takes
    unsigned order;         ///< in which cuts are tried; 0: from the end
    uint64_t memory_bytes;  ///< the limit by the options
    uint64_t accepted;      ///< candidates that became best

    uint64_t begin_ns, deadline_ns, shown_ns;
    atomic_int stop;
    bool failed; ///< no process can be had
};

/// steve_shrink() for a sequence with threads.
bool steve_shrink_threads(const struct steve_shrink_config *config, const struct steve_found *found,
                          struct steve_found *shrunk, struct steve_shrink_report *report, char *why, size_t why_size);

/// Time is over, or Ctrl-C, or the environment fails: passes return at once.
bool steve_shrink_over(struct steve_shrink *s);

/// Judges `candidate`. @return true if it breaks the oracle; it then is `best`, without the ops after the one that broke
bool steve_shrink_try(struct steve_shrink *s);

/// The least heap that the driver can make.
uint64_t steve_shrink_heap_min(const struct steve_shrink *s);

/// So many bytes, or the most that the driver can make a heap of.
uint64_t steve_shrink_larger_heap(const struct steve_shrink *s, uint64_t bytes);

/// Tries best without the ops that are marked, and clears the marks.
bool steve_shrink_try_unmarked(struct steve_shrink *s);

/// Makes `candidate` a copy of `best`.
void steve_shrink_copy(struct steve_shrink *s);

/// Copies a sequence into one that has room for it.
void steve_shrink_assign(struct steve_sequence *to, const struct steve_sequence *from);

/// Cuts big pieces off what is long: whatever does nothing, all but the end.
void steve_shrink_cut_first(struct steve_shrink *s);
/// Cuts pieces of every kind, from big to small.
void steve_shrink_cut(struct steve_shrink *s);
/// Cuts runs of ops alone, from half of them down to one.
void steve_shrink_cut_chunks(struct steve_shrink *s);
/// Where what is left is long: tries to make it shorter by making it larger, or other, first.
void steve_shrink_escape(struct steve_shrink *s);
/// The same by chance.
void steve_shrink_guess(struct steve_shrink *s);
/// A few ops in a row of what is long, in another heap, with other sizes and budgets, by chance.
void steve_shrink_guess_window(struct steve_shrink *s);
/// What is long and ends in a compaction: the same compaction where there is but one block, to be moved.
void steve_shrink_guess_move(struct steve_shrink *s);
/// Large pieces of what is long, by chance. @param in_vain it ends after so many in a row
void steve_shrink_guess_cuts(struct steve_shrink *s, unsigned in_vain);
/// Makes what is left simpler.
void steve_shrink_simplify(struct steve_shrink *s);
/// A large heap and all sizes divided by the same, if that shows it, too: then trials are quick.
void steve_shrink_scale_down(struct steve_shrink *s);
/// A smaller heap, by powers of two: it can make ops needless that only filled it.
void steve_shrink_heap(struct steve_shrink *s, bool exactly);

#endif
