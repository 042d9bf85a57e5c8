/// The bench: what is measured in a run, the rows that come out, and the tables that say it to people.
#ifndef STEVE_CLI_BENCH_PLAN_INTERNAL_H
#define STEVE_CLI_BENCH_PLAN_INTERNAL_H

#include "steve/cli/bench_internal.h"

/// In the order in which they are measured.
enum bench_metric {
    BENCH_METRIC_PAIR,       ///< ns a malloc+free pair; percentiles of pairs timed singly
    BENCH_METRIC_PAIR_TIGHT, ///< the same in a heap of so many times the live bytes
    BENCH_METRIC_LATENCY,    ///< ns of an op timed singly, param `op`: p99.9, and the other percentiles
    BENCH_METRIC_LOCK_PAIR,
    BENCH_METRIC_RESIZE,
    BENCH_METRIC_OVERHEAD_BYTES, ///< space per block beyond the request, that rounded up to 16
    BENCH_METRIC_PAYLOAD_AT_REFUSAL, ///< percent of the heap; of others, of the resident memory when it has grown to so much
    BENCH_METRIC_LARGEST_RUN,        ///< bytes
    BENCH_METRIC_COMPACT_TIME,
    BENCH_METRIC_MEMMOVE_TIME, ///< of the same moves
    BENCH_METRIC_BUDGET_OVERSHOOT,
    BENCH_METRICS,
};
extern const char *const bench_metric_names[BENCH_METRICS];

enum { BENCH_ROW_PARAMS = 12 };

/// What a figure was measured with: a number, or a text.
struct bench_param {
    const char *name;
    const char *text; ///< NULL: a number
    double number;
};

/// One figure of the document. Percentiles are NAN where there are none.
struct bench_row {
    enum bench_metric metric;
    enum bench_allocator driver;
    size_t live;
    double value;
    const char *unit;
    double spread[BENCH_SINGLES];
    struct bench_param param[BENCH_ROW_PARAMS];
    size_t params;
};

struct bench_rows {
    struct bench_row *row;
    size_t count;
    size_t capacity;
    struct bench_row unwanted; ///< where the rows go that nobody asked for
};

enum { BENCH_LIVE_COUNTS = 4, BENCH_HEAPS = 2, BENCH_BUDGETS = 4, BENCH_VERSION = 32 };

/// How much is measured, and with whom.
struct bench_plan {
    unsigned rounds;
    uint64_t seed;
    size_t live[BENCH_LIVE_COUNTS]; ///< numbers of live blocks
    size_t live_counts;
    size_t pairs;           ///< measured in a task
    size_t singles;         ///< calls timed singly in a task
    size_t overhead_blocks; ///< of 2 to 64 KiB, for space per block
    size_t heap_bytes[BENCH_HEAPS];
    size_t heaps;
    size_t compact_blocks; ///< before half of them is freed
    size_t pause_blocks;
    size_t large_blocks; ///< of 1 MiB, for pauses
    uint64_t budget_ns[BENCH_BUDGETS];
    size_t budgets;
    size_t pauses; ///< a round, at most
    bool with[BENCH_ALLOCATORS];
    char version[BENCH_ALLOCATORS][BENCH_VERSION];
    bool wanted[BENCH_METRICS];
    FILE *out; ///< where the tables go
    struct bench_rows rows;
};

/// Adds a row with no percentiles and no parameters yet. @return the row, until the next one is added; never NULL
struct bench_row *bench_row_add(struct bench_plan *plan, enum bench_metric metric, enum bench_allocator driver,
                                size_t live, const char *unit);
void bench_row_number(struct bench_row *row, const char *name, double number);
void bench_row_text(struct bench_row *row, const char *name, const char *text); ///< `text` must outlive the row
/// The parameters that tell of the sizes of a task.
void bench_row_sizes(struct bench_row *row, const struct bench_task *task);
/// The percentiles of calls timed singly. @param first of four lists of figures, enum bench_single, a value a round in each
void bench_row_singles(struct bench_row *row, struct bench_values *first);
/// Value: the median of all rounds; percentiles: of the rounds too. @param values sorted in place
void bench_row_rounds(struct bench_row *row, struct bench_values *values);
void bench_rows_free(struct bench_rows *rows);

/// What this was measured on.
struct bench_machine {
    char processor[128];
    long cores;
    char system[192];
    char compiler[64];
    bool optimized; ///< a release build
};
struct bench_machine bench_machine_read(void);
void bench_machine_print(FILE *out, const struct bench_machine *machine);

/// Prints the document of `steve bench --json`:
///
///     {"machine": {processor, cores, system, compiler, optimized},
///      "rows": [{metric, driver, live, value, unit, p50, p99, p999, params: {…}}, …]}
///
/// Percentiles are null where there are none. `params` tells the sizes, what was touched, and whatever else tells rows of a
/// metric apart; and seed and rounds.
/// @return false after a message
bool bench_print_json(FILE *out, const struct bench_plan *plan);

/// What every document has. @return false when memory is short
struct cJSON;
bool bench_json_add_machine(struct cJSON *document);
/// Adds an empty object at a list's end. @return it, the list's; NULL if memory is short
struct cJSON *bench_json_add_object(struct cJSON *list);
/// Prints the document, and frees it. @param all false: it lacks something, for want of memory @return false after a message
bool bench_json_finish(FILE *out, struct cJSON *document, bool all);

/// Tasks that are done side by side, and their figures: one list for each task and figure, one value a round in each.
/// As many figures as the task has that has most of them.
enum { BENCH_LINE_TASKS = 8, BENCH_LINE_FIGURES = BENCH_LOCK_FIGURES };
struct bench_line {
    struct bench_task task[BENCH_LINE_TASKS];
    struct bench_values value[BENCH_LINE_TASKS][BENCH_LINE_FIGURES];
    size_t tasks;
};
/// Adds a task, unless its allocator is not on the plan.
void bench_line_add(const struct bench_plan *plan, struct bench_line *line, struct bench_task task);
/// Adds the task for each allocator on the plan.
void bench_line_add_all(const struct bench_plan *plan, struct bench_line *line, struct bench_task task);
/// Does all rounds; who begins changes from round to round, and so does the seed.
/// @param what for the progress line @param figures how many each task has @return false after a message
bool bench_line_measure(const struct bench_plan *plan, struct bench_line *line, const char *what, size_t figures);
void bench_line_free(struct bench_line *line);
/// The median ratio of a figure in two tasks, taken round by round; 0 if there are none. Before any median of them is taken, which sorts.
double bench_line_ratio(const struct bench_line *line, size_t task, size_t peer, size_t figure);
/// @return the index of the allocator's first task; line->tasks if it has none
size_t bench_line_find(const struct bench_line *line, enum bench_allocator who);

/// Prints a column head for each allocator on the plan.
void bench_print_allocators(const struct bench_plan *plan);
/// A row of metric `latency` for each task that is not left out: its value is the 99.9th percentile.
/// @param op what was timed @param figure of the first of its four figures
struct bench_row *bench_row_add_latency(struct bench_plan *plan, struct bench_line *line, size_t task, const char *op,
                                        size_t figure);

/// Says on a terminal what is going on; silent in a pipe.
void bench_show_progress(const char *what, unsigned round, unsigned rounds);
void bench_clear_progress(void);

const char *bench_verdict(double value, double limit); ///< `reached` if it is not above the limit, else `missed`

/// Each runs its tasks, adds their rows, and prints a table. @return false after a message if a child failed
bool bench_table_pairs(struct bench_plan *plan, bool uniform, unsigned touched_bytes);
bool bench_table_tight(struct bench_plan *plan);  ///< pair_tight; latency of malloc and free
bool bench_table_calloc(struct bench_plan *plan); ///< latency of calloc
bool bench_table_locks(struct bench_plan *plan);  ///< lock_pair; latency of lock and unlock
bool bench_table_resize(struct bench_plan *plan); ///< resize, and its latency
bool bench_table_overhead(struct bench_plan *plan);
bool bench_table_refusal(struct bench_plan *plan);
bool bench_table_runs(struct bench_plan *plan);
bool bench_table_compaction(struct bench_plan *plan); ///< compact_time and memmove_time
bool bench_table_pauses(struct bench_plan *plan);

#endif
