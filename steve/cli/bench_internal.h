/// The bench: what its files share.
///
/// Each figure is taken in a child process of its own, `steve bench --child …`, in which one allocator does one task. Allocators
/// that replace malloc are preloaded into it. Rounds are interleaved: every allocator does a task before any does the next,
/// so that a machine that slows down slows down for all of them.
///
///     bench.c             options, the plan of rounds, what is printed
///     bench_child.c       starting a child and reading its figures; the child's entry
///     bench_churn.c       task: malloc+free pair, lock+unlock pair
///     bench_compaction.c  task: full compaction beside memmove
///     bench_pause.c       task: how far compact(1) overruns
///     bench_figures.c     medians, percentiles, and what machine this is
#ifndef STEVE_CLI_BENCH_INTERNAL_H
#define STEVE_CLI_BENCH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum bench_allocator {
    BENCH_JEFF,
    BENCH_GLIBC,
    BENCH_MIMALLOC,
    BENCH_JEMALLOC,
    BENCH_TCMALLOC,
    BENCH_ALLOCATORS,
};

/// What is known of an allocator before it runs.
struct bench_allocator_info {
    const char *name;
    const char *preload; ///< soname of the library to preload; NULL: none is needed
    const char *package; ///< Debian's, for the message when it is missing
};
extern const struct bench_allocator_info bench_allocators[BENCH_ALLOCATORS];

/// False in a build with AddressSanitizer: its own malloc cannot be replaced.
extern const bool bench_can_preload;

enum bench_job {
    BENCH_PROBE,   ///< figures: none; is the allocator there, and which version is it
    BENCH_PAIR,    ///< figures: ns a malloc+free pair
    BENCH_LOCK,    ///< figures: ns a lock+unlock pair, ns of a bare access to a table as large
    BENCH_COMPACT, ///< figures: see enum bench_compact_figure
    BENCH_PAUSE,   ///< figures: by turns µs that compact(1) took beyond 1 ms, and a memmove loop did
    BENCH_JOBS,
};

enum bench_compact_figure {
    BENCH_COMPACT_NS,
    BENCH_COMPACT_MEMMOVE_NS,
    BENCH_COMPACT_MOVED_BYTES,
    BENCH_COMPACT_MOVED_BLOCKS,
    BENCH_COMPACT_WALKED_BLOCKS,
    BENCH_COMPACT_FIGURES,
};

/// One allocator, one job.
struct bench_task {
    enum bench_allocator allocator;
    enum bench_job job;
    size_t live;             ///< blocks
    size_t count;            ///< pairs measured, or pauses
    unsigned touched_bytes;  ///< PAIR: how much of a new block is written, at most
    unsigned locked_percent; ///< COMPACT
    uint64_t seed;
};

/// A growing list of figures. Zero is an empty one.
struct bench_values {
    double *value;
    size_t count;
    size_t capacity;
};
bool bench_values_push(struct bench_values *values, double value); ///< @return false when memory is short
void bench_values_free(struct bench_values *values);

/// @param values sorted in place @return 0 if there are none
double bench_median(struct bench_values *values);
/// The value that `share` of all (0..1) do not exceed, by nearest rank. @param values sorted in place
double bench_percentile(struct bench_values *values, double share);

enum bench_answer {
    BENCH_ANSWERED,
    BENCH_MISSING, ///< the allocator is not on this machine
    BENCH_FAILED,  ///< a message has been printed
};

/// Does a task in a child and adds its figures to `values`.
/// @param note gets the version of the allocator
enum bench_answer bench_ask(const struct bench_task *task, struct bench_values *values, char *note, size_t note_size);

/// The child's side of bench_ask(): does the task that the arguments after `--child` say. @return the exit status
int bench_child(int argc, char **argv);

/// The tasks. Each prints its figures, one a line, and @return false, with a message on stderr, if it could not be done.
bool bench_pair_malloc(const struct bench_task *task);
bool bench_pair_jeff(const struct bench_task *task);
bool bench_lock_jeff(const struct bench_task *task);
bool bench_compact_jeff(const struct bench_task *task);
bool bench_pause_jeff(const struct bench_task *task);

/// Prints what this was measured on.
void bench_print_machine(FILE *out);

/// Memory for the bench itself, from mmap and touched beforehand, so that it never comes from the allocator that is measured.
/// @return zeroed memory, never NULL: the process ends with a message when memory is short. Never given back.
void *bench_memory(size_t bytes);

uint64_t bench_now_ns(void); ///< monotonic

/// splitmix64 (Steele, Lea, Flood 2014). The same numbers for every allocator.
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/// @return 0..below-1, below > 0 (multiply and shift, Lemire 2019, without the correction)
static inline uint32_t bench_random_below(uint64_t *state, uint32_t below)
{
    return (uint32_t)(((bench_random(state) >> 32) * below) >> 32);
}

/// @return a size of 16..1024 bytes, its logarithm uniform
uint16_t bench_random_size(uint64_t *state);

#endif
