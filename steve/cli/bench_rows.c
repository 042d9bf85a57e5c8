/// The bench: the rows of a run, and tasks that are done side by side.
#include "steve/cli/bench_plan_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/// Tasks of so many blocks or fewer are short, and get so many times as many rounds.
enum { SHORT_LIVE = 10000, SHORT_ROUNDS = 3 };

const char *const bench_metric_names[BENCH_METRICS] = {
    [BENCH_METRIC_PAIR] = "pair",
    [BENCH_METRIC_PAIR_TIGHT] = "pair_tight",
    [BENCH_METRIC_LATENCY] = "latency",
    [BENCH_METRIC_LOCK_PAIR] = "lock_pair",
    [BENCH_METRIC_RESIZE] = "resize",
    [BENCH_METRIC_OVERHEAD_BYTES] = "overhead_bytes",
    [BENCH_METRIC_PAYLOAD_AT_REFUSAL] = "payload_at_refusal",
    [BENCH_METRIC_LARGEST_RUN] = "largest_run",
    [BENCH_METRIC_COMPACT_TIME] = "compact_time",
    [BENCH_METRIC_MEMMOVE_TIME] = "memmove_time",
    [BENCH_METRIC_BUDGET_OVERSHOOT] = "budget_overshoot",
};

struct bench_row *bench_row_add(struct bench_plan *plan, enum bench_metric metric, enum bench_allocator driver,
                                size_t live, const char *unit)
{
    struct bench_rows *rows = &plan->rows;
    struct bench_row *row = &rows->unwanted;
    if (plan->wanted[metric]) {
        if (rows->count == rows->capacity) {
            rows->capacity = rows->capacity ? rows->capacity * 2 : 128;
            rows->row = realloc(rows->row, rows->capacity * sizeof *rows->row);
            if (!rows->row) {
                fprintf(stderr, "steve bench: no memory for %zu rows\n", rows->capacity);
                exit(3);
            }
        }
        row = &rows->row[rows->count++];
    }
    *row = (struct bench_row){.metric = metric, .driver = driver, .live = live, .unit = unit};
    for (int i = 0; i < BENCH_SINGLES; i++)
        row->spread[i] = NAN;
    return row;
}

static void add_param(struct bench_row *row, struct bench_param param)
{
    assert(row->params < BENCH_ROW_PARAMS);
    if (row->params < BENCH_ROW_PARAMS)
        row->param[row->params++] = param;
}

void bench_row_number(struct bench_row *row, const char *name, double number)
{
    add_param(row, (struct bench_param){.name = name, .number = number});
}

void bench_row_text(struct bench_row *row, const char *name, const char *text)
{
    add_param(row, (struct bench_param){.name = name, .text = text});
}

void bench_row_sizes(struct bench_row *row, const struct bench_task *task)
{
    const struct bench_sizes sizes = bench_sizes_of(task);
    bench_row_text(row, "sizes", sizes.distribution);
    bench_row_number(row, "least_bytes", (double)sizes.least);
    bench_row_number(row, "most_bytes", (double)sizes.most);
}

void bench_row_singles(struct bench_row *row, struct bench_values *first)
{
    for (int i = 0; i < BENCH_SINGLES; i++)
        row->spread[i] = bench_median(&first[i]);
    bench_row_number(row, "max_ns", row->spread[BENCH_MAX]);
}

struct bench_row *bench_row_add_latency(struct bench_plan *plan, struct bench_line *line, size_t index, const char *op,
                                        size_t figure)
{
    const struct bench_task *task = &line->task[index];
    struct bench_row *row = bench_row_add(plan, BENCH_METRIC_LATENCY, task->allocator, task->live, "ns");
    row->value = bench_median(&line->value[index][figure + BENCH_P999]);
    bench_row_text(row, "op", op);
    bench_row_text(row, "value_is", "p999");
    bench_row_sizes(row, task);
    bench_row_singles(row, &line->value[index][figure]);
    return row;
}

void bench_row_rounds(struct bench_row *row, struct bench_values *values)
{
    row->value = bench_median(values);
    if (values->count)
        bench_spread(values, row->spread);
}

void bench_rows_free(struct bench_rows *rows)
{
    free(rows->row);
    *rows = (struct bench_rows){0};
}

void bench_print_allocators(const struct bench_plan *plan)
{
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i])
            fprintf(plan->out, " %9s", bench_allocators[i].name);
}

void bench_show_progress(const char *what, unsigned round, unsigned rounds)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s: round %u of %u\r", what, round + 1, rounds);
}

void bench_clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

const char *bench_verdict(double value, double limit)
{
    return value <= limit ? "reached" : "missed";
}

void bench_line_add(const struct bench_plan *plan, struct bench_line *line, struct bench_task task)
{
    assert(line->tasks < BENCH_LINE_TASKS);
    if (plan->with[task.allocator])
        line->task[line->tasks++] = task;
}

void bench_line_add_all(const struct bench_plan *plan, struct bench_line *line, struct bench_task task)
{
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++) {
        task.allocator = (enum bench_allocator)i;
        bench_line_add(plan, line, task);
    }
}

/// Asks for one task, with the seed of the round, and keeps its figures. @return false after a message
static bool ask(const struct bench_plan *plan, struct bench_line *line, size_t index, unsigned round, size_t figures)
{
    char note[BENCH_VERSION];
    struct bench_task task = line->task[index];
    struct bench_values all = {0};
    task.seed = plan->seed + round;
    enum bench_answer answer = bench_ask(&task, &all, note, sizeof note);
    bool kept = answer == BENCH_ANSWERED && all.count == figures;
    for (size_t i = 0; i < figures && kept; i++)
        kept = bench_values_push(&line->value[index][i], all.value[i]);
    if (!kept && answer != BENCH_FAILED)
        fprintf(stderr, "steve bench: %s %s\n", bench_allocators[task.allocator].name,
                answer == BENCH_MISSING ? "has gone" : "did not give the figures that it was asked for");
    bench_values_free(&all);
    return kept;
}

/// Tasks with few blocks are over in a moment, and an interruption weighs the more: they get more rounds.
static unsigned rounds_of(const struct bench_plan *plan, const struct bench_line *line)
{
    for (size_t i = 0; i < line->tasks; i++)
        if (line->task[i].live > SHORT_LIVE)
            return plan->rounds;
    return plan->rounds * SHORT_ROUNDS;
}

static_assert((int)BENCH_PAIR_FIGURES <= (int)BENCH_LINE_FIGURES, "a line has room for every task's figures");

bool bench_line_measure(const struct bench_plan *plan, struct bench_line *line, const char *what, size_t figures)
{
    bool all = true;
    const unsigned rounds = rounds_of(plan, line);
    for (unsigned round = 0; round < rounds && all; round++) {
        bench_show_progress(what, round, rounds);
        for (size_t i = 0; i < line->tasks && all; i++)
            all = ask(plan, line, (round + i) % line->tasks, round, figures);
    }
    bench_clear_progress();
    return all;
}

void bench_line_free(struct bench_line *line)
{
    for (size_t i = 0; i < BENCH_LINE_TASKS; i++)
        for (size_t k = 0; k < BENCH_LINE_FIGURES; k++)
            bench_values_free(&line->value[i][k]);
    line->tasks = 0;
}

double bench_line_ratio(const struct bench_line *line, size_t task, size_t peer, size_t figure)
{
    const struct bench_values *a = &line->value[task][figure], *b = &line->value[peer][figure];
    struct bench_values ratios = {0};
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (b->value[i] > 0 && !bench_values_push(&ratios, a->value[i] / b->value[i]))
            break;
    double ratio = bench_median(&ratios);
    bench_values_free(&ratios);
    return ratio;
}

size_t bench_line_find(const struct bench_line *line, enum bench_allocator who)
{
    size_t found = 0;
    while (found < line->tasks && line->task[found].allocator != who)
        found++;
    return found;
}
