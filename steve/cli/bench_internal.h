/// The bench: what its files share.
///
/// Each figure is taken in a child process of its own, `steve bench --child …`, in which one allocator does one task. Allocators
/// that replace malloc are preloaded into it. Rounds are interleaved: every allocator does a task before any does the next,
/// so that a machine that slows down slows down for all of them.
///
///     bench.c             options, what is measured in which order
///     bench_child.c       a child's task and its figures; the child's entry
///     bench_process.c     starting a child, with a malloc library preloaded
///     bench_sequence.c    the sequences that all allocators run: victims and sizes, drawn beforehand
///     bench_client.h      one face for Jeff and for malloc, so that a task is written once
///     bench_churn.c       task: malloc+free pair, also in a tight heap or with calloc, and each call timed singly
///     bench_resize.c      task: resize
///     bench_lock.c        task: lock+unlock pair
///     bench_space.c       tasks: space per block; payload at the first refusal
///     bench_run.c         task: the largest free run before and after compacting
///     bench_compaction.c  task: full compaction beside memmove
///     bench_pause.c       task: how far a compaction overruns its budget
///     bench_timer.c       timing single calls
///     bench_figures.c     medians, percentiles, the clock, memory
///     bench_rows.c        the rows of a run; bench_json.c prints them for machines, and what machine this is
///     bench_table_*.c     running the tasks of each metric round by round, and its table for people
///
/// Two more benches take any driver through its interface; they share children and figures with this one:
///
///     bench_compare.h     time, space and room of all of them, through the same calls
///     bench_scaling.h     how costs grow with the number of blocks
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
    BENCH_PROBE,    ///< figures: none; is the allocator there, and which version is it
    BENCH_PAIR,     ///< figures: see enum bench_pair_figure
    BENCH_LOCK,     ///< figures: see enum bench_lock_figure
    BENCH_RESIZE,   ///< figures: ns a resize, of one timed singly
    BENCH_OVERHEAD, ///< figures: see enum bench_overhead_figure
    BENCH_REFUSAL,  ///< figures: percent of the memory that is payload when it is used up, percent that is free (Jeff)
    BENCH_RUN,      ///< figures: see enum bench_run_figure
    BENCH_COMPACT,  ///< figures: see enum bench_compact_figure
    BENCH_PAUSE, ///< figures: see enum bench_pause_figure; then by turns µs that a call took too long, and a memmove loop
    BENCH_JOBS,
};

/// The spread of calls that are timed singly, in ns.
enum bench_single { BENCH_P50, BENCH_P99, BENCH_P999, BENCH_MAX, BENCH_SINGLES };

enum bench_pair_figure {
    BENCH_PAIR_NS,
    BENCH_PAIR_REFUSED, ///< share of the requests
    BENCH_PAIR_SINGLE,  ///< four figures, enum bench_single, of malloc and free together
    BENCH_PAIR_MALLOC = BENCH_PAIR_SINGLE + BENCH_SINGLES,
    BENCH_PAIR_FREE = BENCH_PAIR_MALLOC + BENCH_SINGLES,
    BENCH_PAIR_FIGURES = BENCH_PAIR_FREE + BENCH_SINGLES,
};

enum bench_lock_figure {
    BENCH_LOCK_NS,   ///< of a pair
    BENCH_LOCK_INLINE, ///< of a pair of jeff_inline.h
    BENCH_LOCK_CALLS,  ///< of two calls that do nothing
    BENCH_LOCK_BARE,   ///< of a bare access to a table as large
    BENCH_LOCK_PAIR, ///< four figures, enum bench_single, of both together
    BENCH_LOCK_LOCK = BENCH_LOCK_PAIR + BENCH_SINGLES,
    BENCH_LOCK_UNLOCK = BENCH_LOCK_LOCK + BENCH_SINGLES,
    BENCH_LOCK_FIGURES = BENCH_LOCK_UNLOCK + BENCH_SINGLES,
};

/// Bytes a block.
enum bench_overhead_figure {
    BENCH_OVERHEAD_RESIDENT, ///< growth of resident memory beyond the requests, each rounded up to 16
    BENCH_OVERHEAD_STATS,    ///< the same by the allocator's statistics; Jeff only, else 0
    BENCH_OVERHEAD_ROUNDING, ///< what that rounding adds
    BENCH_OVERHEAD_FIGURES,
};

enum bench_run_figure {
    BENCH_RUN_FREE_BEFORE, ///< bytes
    BENCH_RUN_LARGEST_BEFORE,
    BENCH_RUN_FREE,
    BENCH_RUN_LARGEST,
    BENCH_RUN_BOUND,       ///< what locked blocks leave possible
    BENCH_RUN_NS,          ///< of the compaction
    BENCH_RUN_MOVED,       ///< bytes
    BENCH_RUN_MOVED_AGAIN, ///< bytes that a second call moves
    BENCH_RUN_HALF_MOVED,  ///< bytes that are moved for a run half as large, in the same heap as it was before
    BENCH_RUN_HALF_LEAST,  ///< bytes of blocks that must move for it
    BENCH_RUN_FIGURES,
};

enum bench_compact_figure {
    BENCH_COMPACT_NS,
    BENCH_COMPACT_MEMMOVE_NS,
    BENCH_COMPACT_MOVED_BYTES,
    BENCH_COMPACT_MOVED_BLOCKS,
    BENCH_COMPACT_WALKED_BLOCKS,
    BENCH_COMPACT_FIGURES,
};

enum bench_pause_figure {
    BENCH_PAUSE_LEFT,       ///< share of calls that left a block as too large
    BENCH_PAUSE_MOVED,      ///< bytes a call
    BENCH_PAUSE_LOOP_MOVED, ///< bytes that the memmove loop moves in the same time
    BENCH_PAUSE_FIGURES,
};

/// One allocator, one job. What does not apply is 0.
struct bench_task {
    enum bench_allocator allocator;
    enum bench_job job;
    size_t live;             ///< blocks
    size_t count;            ///< of what is measured: pairs, resizes, locks, pauses at most
    size_t singles;          ///< calls timed singly
    bool uniform;            ///< sizes are uniform, not their logarithms
    bool large;              ///< OVERHEAD: sizes of 2 to 64 KiB, log-uniform
    bool zeroed;             ///< PAIR: calloc instead of malloc
    unsigned touched_bytes;  ///< PAIR: how much of a new block is written, at most
    unsigned heap_percent;   ///< PAIR: sizes that keep the live bytes steady; Jeff's heap is so much of them
    unsigned locked_percent; ///< COMPACT, RUN
    size_t heap_bytes;       ///< REFUSAL: of Jeff's heap, and what the resident memory of others may grow to
    size_t block_bytes;      ///< PAUSE: size of every block; 0: small ones
    uint64_t budget_ns;      ///< PAUSE
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
/// Empties the list and makes room for so many, so that it does not grow while something is measured. @return false when memory is short
bool bench_values_reserve(struct bench_values *values, size_t count);

/// @param values sorted in place @return 0 if there are none
double bench_median(struct bench_values *values);
/// The value that `share` of all (0..1) do not exceed, by nearest rank. @param values sorted in place
double bench_percentile(struct bench_values *values, double share);
/// All of enum bench_single at once: sorted only once.
void bench_spread(struct bench_values *values, double spread[BENCH_SINGLES]);

/// A child prints the spread of calls timed singly, a figure a line. @param values sorted in place, and freed
void bench_print_spread(struct bench_values *values);

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
bool bench_pair(const struct bench_task *task);
bool bench_lock(const struct bench_task *task);
bool bench_resize(const struct bench_task *task);
bool bench_overhead(const struct bench_task *task);
bool bench_refusal(const struct bench_task *task);
bool bench_run(const struct bench_task *task);
bool bench_compact(const struct bench_task *task);
bool bench_pause(const struct bench_task *task);

/// Memory for the bench itself, from mmap and touched beforehand, so that it never comes from the allocator that is measured.
/// @return zeroed memory, never NULL: the process ends with a message when memory is short. Never given back.
void *bench_memory(size_t bytes);

uint64_t bench_now_ns(void); ///< monotonic
uint64_t bench_cpu_ns(void); ///< what this process has used of the processor

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

/// The sizes that a task asks for.
struct bench_sizes {
    const char *distribution;
    size_t least, most; ///< bytes
};
struct bench_sizes bench_sizes_of(const struct bench_task *task);

/// Resident memory of this process in bytes; exact, unlike /proc/self/statm, whose counters lag behind. Allocates nothing. 0: not told
size_t bench_resident_bytes(void);
/// The part of it that was written, which a copy of the process has from the first moment on, unlike the rest.
size_t bench_written_bytes(void);

/// Shuffles 0..count-1 (Fisher and Yates).
void bench_shuffle(uint32_t *order, size_t count, uint64_t *state);

/// What malloc and free are asked for.
struct bench_sequence {
    uint16_t *first_size; ///< of the blocks that are there at the beginning
    uint32_t *victim;     ///< of each pair
    uint16_t *size;
    size_t pairs;
    size_t warm_up;      ///< bench_stage_open(): so many of them come before what is measured,
    size_t measured_end; ///< up to here; the rest is timed call by call
    size_t steady_bytes; ///< with heap_percent: what the live blocks take in a Jeff heap, never exceeded; else 0
};

/// Draws `pairs` pairs. With task->heap_percent the live bytes stay where they are at the beginning, up to 1 KiB less.
struct bench_sequence bench_make_sequence(const struct bench_task *task, size_t pairs);

/// How calls are timed singly: the processor's own clock where it has one that can be read in a few ns.
struct bench_timer {
    double ns_per_tick;
    uint64_t cost_ticks; ///< of reading the clock, median
};
struct bench_timer bench_timer_calibrate(void); ///< takes 5 ms
double bench_timer_ns(const struct bench_timer *timer, uint64_t begin, uint64_t end);

static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
    // Fences keep the call that is timed from overlapping with the reading of the clock.
    __builtin_ia32_lfence();
    uint64_t ticks = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return ticks;
#else
    return bench_now_ns();
#endif
}

#endif
