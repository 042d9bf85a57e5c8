/// The bench: the tables of malloc+free pairs: steady churn, tight heaps, and calls timed singly.
#include "steve/cli/bench_plan_internal.h"

static const char *spread_names[BENCH_SINGLES] = {"p50", "p99", "p99.9", "max"};

/// A column: the ratio to a peer, and what is to be reached. @param limit 0: nothing is
static void print_ratio(FILE *out, double ratio, double limit)
{
    if (limit > 0)
        fprintf(out, "  %5.2f <= %.2f %-7s", ratio, limit, bench_verdict(ratio, limit));
    else
        fprintf(out, "  %5.2f %15s", ratio, "");
}

static void add_pair_rows(struct bench_plan *plan, struct bench_line *line, enum bench_metric metric)
{
    for (size_t i = 0; i < line->tasks; i++) {
        const struct bench_task *task = &line->task[i];
        if (metric == BENCH_METRIC_PAIR_TIGHT && task->allocator != BENCH_JEFF)
            continue;
        struct bench_row *row = bench_row_add(plan, metric, task->allocator, task->live, "ns");
        row->value = bench_median(&line->value[i][BENCH_PAIR_NS]);
        bench_row_sizes(row, task);
        bench_row_number(row, "touched_bytes", task->touched_bytes);
        bench_row_singles(row, &line->value[i][BENCH_PAIR_SINGLE]);
        if (metric == BENCH_METRIC_PAIR_TIGHT) {
            bench_row_number(row, "heap_factor", task->heap_percent / 100.0);
            bench_row_number(row, "refused_share", bench_median(&line->value[i][BENCH_PAIR_REFUSED]));
        }
    }
}

/// What is to be reached with log-uniform sizes: 0.9 of mimalloc (0.8 at a million blocks, 1.5 if they are touched) and 0.4 of glibc.
static void print_pairs(struct bench_plan *plan, struct bench_line *line, const struct bench_task *task)
{
    size_t jeff = bench_line_find(line, BENCH_JEFF), mimalloc = bench_line_find(line, BENCH_MIMALLOC),
           glibc = bench_line_find(line, BENCH_GLIBC);
    // First the ratios, since taking a median sorts the figures, and they would no longer be in the order of the rounds.
    double to_mimalloc = bench_line_ratio(line, jeff % BENCH_LINE_TASKS, mimalloc % BENCH_LINE_TASKS, BENCH_PAIR_NS);
    double to_glibc = bench_line_ratio(line, jeff % BENCH_LINE_TASKS, glibc % BENCH_LINE_TASKS, BENCH_PAIR_NS);
    fprintf(plan->out, "%12zu", task->live);
    for (size_t i = 0; i < line->tasks; i++)
        fprintf(plan->out, " %9.1f", bench_median(&line->value[i][BENCH_PAIR_NS]));
    if (jeff < line->tasks && mimalloc < line->tasks)
        print_ratio(plan->out, to_mimalloc,
                    task->uniform           ? 0
                    : task->touched_bytes   ? 1.5
                    : task->live >= 1000000 ? 0.8
                                            : 0.9);
    if (jeff < line->tasks && glibc < line->tasks)
        print_ratio(plan->out, to_glibc, task->touched_bytes || task->uniform ? 0 : 0.4);
    fprintf(plan->out, "\n");
    fflush(plan->out);
}

bool bench_table_pairs(struct bench_plan *plan, bool uniform, unsigned touched_bytes)
{
    fprintf(plan->out, "\nmalloc+free pair in steady churn, 16..1024 bytes %s; ns\n",
            uniform ? "uniform" : "log-uniform");
    if (touched_bytes)
        fprintf(plan->out, "the first %u bytes of each new block are written, Jeff's under lock\n", touched_bytes);
    fprintf(plan->out, "%12s", "live blocks");
    bench_print_allocators(plan);
    if (plan->with[BENCH_JEFF] && plan->with[BENCH_MIMALLOC])
        fprintf(plan->out, "  %-21s", "jeff/mimalloc");
    if (plan->with[BENCH_JEFF] && plan->with[BENCH_GLIBC])
        fprintf(plan->out, "  %s", "jeff/libc");
    fprintf(plan->out, "\n");
    for (size_t i = 0; i < plan->live_counts; i++) {
        struct bench_line line = {0};
        struct bench_task task = {.job = BENCH_PAIR,
                                  .live = plan->live[i],
                                  .count = plan->pairs,
                                  .singles = plan->singles,
                                  .uniform = uniform,
                                  .touched_bytes = touched_bytes};
        bench_line_add_all(plan, &line, task);
        bool measured = bench_line_measure(plan, &line, "pairs", BENCH_PAIR_FIGURES);
        if (measured) {
            print_pairs(plan, &line, &task);
            add_pair_rows(plan, &line, BENCH_METRIC_PAIR);
        }
        bench_line_free(&line);
        if (!measured)
            return false;
    }
    return true;
}

static const unsigned heap_percents[] = {102, 110, 125, 200};
enum { HEAP_PERCENTS = sizeof heap_percents / sizeof *heap_percents };

/// Whether a task's single calls are told: those of Jeff's heaps of 1.25 and 2 times the live bytes, and of all peers.
static bool is_timed_singly(const struct bench_task *task)
{
    return task->allocator != BENCH_JEFF || task->heap_percent >= 125;
}

static void add_latency_rows(struct bench_plan *plan, struct bench_line *line, const char *op, size_t figure)
{
    for (size_t i = 0; i < line->tasks; i++) {
        const struct bench_task *task = &line->task[i];
        if (!is_timed_singly(task))
            continue;
        struct bench_row *row = bench_row_add_latency(plan, line, i, op, figure);
        if (task->allocator == BENCH_JEFF)
            bench_row_number(row, "heap_factor", task->heap_percent / 100.0);
    }
}

static void print_latency_head(FILE *out, const struct bench_line *line, size_t live)
{
    fprintf(out, "%12zu live blocks, calls timed singly; ns\n%20s", live, "");
    for (size_t i = 0; i < line->tasks; i++) {
        const struct bench_task *task = &line->task[i];
        if (!is_timed_singly(task))
            continue;
        char name[32];
        if (task->allocator == BENCH_JEFF)
            snprintf(name, sizeof name, "jeff %gx", task->heap_percent / 100.0);
        else
            snprintf(name, sizeof name, "%s", bench_allocators[task->allocator].name);
        fprintf(out, " %10s", name);
    }
    fprintf(out, "\n");
}

/// @param judged whether p99.9 is to be mimalloc's at most
static void print_latency(struct bench_plan *plan, struct bench_line *line, const char *op, size_t figure, bool judged)
{
    for (int k = 0; k < BENCH_SINGLES; k++) {
        double worst = 0, limit = 0;
        fprintf(plan->out, "%12s %7s", op, spread_names[k]);
        for (size_t i = 0; i < line->tasks; i++) {
            if (!is_timed_singly(&line->task[i]))
                continue;
            double ns = bench_median(&line->value[i][figure + (size_t)k]);
            fprintf(plan->out, " %10.0f", ns);
            if (line->task[i].allocator == BENCH_JEFF && ns > worst)
                worst = ns;
            if (line->task[i].allocator == BENCH_MIMALLOC)
                limit = ns;
        }
        if (judged && k == BENCH_P999 && worst > 0 && limit > 0)
            fprintf(plan->out, "  jeff <= mimalloc %s", bench_verdict(worst, limit));
        fprintf(plan->out, "\n");
    }
}

static void print_tight(struct bench_plan *plan, struct bench_line *line, size_t live)
{
    fprintf(plan->out, "%12zu", live);
    double refused = 0;
    for (size_t i = 0; i < line->tasks; i++) {
        if (line->task[i].allocator != BENCH_JEFF)
            continue;
        double share = bench_median(&line->value[i][BENCH_PAIR_REFUSED]);
        refused = share > refused ? share : refused;
        fprintf(plan->out, " %9.1f", bench_median(&line->value[i][BENCH_PAIR_NS]));
    }
    if (refused > 0)
        fprintf(plan->out, "  up to %.2f %% refused", 100 * refused);
    fprintf(plan->out, "\n");
    fflush(plan->out);
}

static bool measure_tight(const struct bench_plan *plan, struct bench_line *line, size_t live)
{
    struct bench_task task = {.job = BENCH_PAIR, .live = live, .count = plan->pairs, .singles = plan->singles};
    bool tight = plan->wanted[BENCH_METRIC_PAIR_TIGHT], singly = plan->wanted[BENCH_METRIC_LATENCY];
    for (size_t i = 0; i < HEAP_PERCENTS; i++) {
        task.allocator = BENCH_JEFF;
        task.heap_percent = heap_percents[i];
        if (tight || is_timed_singly(&task))
            bench_line_add(plan, line, task);
    }
    for (unsigned i = BENCH_JEFF + 1; i < BENCH_ALLOCATORS && singly; i++) {
        task.allocator = (enum bench_allocator)i;
        bench_line_add(plan, line, task);
    }
    return bench_line_measure(plan, line, "pairs in tight heaps", BENCH_PAIR_FIGURES);
}

bool bench_table_tight(struct bench_plan *plan)
{
    struct bench_line lines[BENCH_LIVE_COUNTS] = {0};
    bool all = true;
    if (plan->wanted[BENCH_METRIC_PAIR_TIGHT] && plan->with[BENCH_JEFF]) {
        fprintf(plan->out,
                "\nJeff's malloc+free pair in a heap of so many times the live bytes, which stay steady; ns\n");
        fprintf(plan->out, "%12s %9s %9s %9s %9s\n", "live blocks", "1.02x", "1.1x", "1.25x", "2x");
    }
    for (size_t i = 0; i < plan->live_counts && all; i++) {
        all = measure_tight(plan, &lines[i], plan->live[i]);
        if (!all || !plan->wanted[BENCH_METRIC_PAIR_TIGHT] || !plan->with[BENCH_JEFF])
            continue;
        print_tight(plan, &lines[i], plan->live[i]);
        add_pair_rows(plan, &lines[i], BENCH_METRIC_PAIR_TIGHT);
    }
    if (plan->wanted[BENCH_METRIC_LATENCY] && all)
        fprintf(plan->out, "\nEach call of steady churn, 16..1024 bytes log-uniform; Jeff in a heap of 2 and 1.25 "
                           "times the live bytes\n");
    for (size_t i = 0; i < plan->live_counts && all && plan->wanted[BENCH_METRIC_LATENCY]; i++) {
        print_latency_head(plan->out, &lines[i], plan->live[i]);
        print_latency(plan, &lines[i], "malloc", BENCH_PAIR_MALLOC, true);
        print_latency(plan, &lines[i], "free", BENCH_PAIR_FREE, false);
        add_latency_rows(plan, &lines[i], "malloc", BENCH_PAIR_MALLOC);
        add_latency_rows(plan, &lines[i], "free", BENCH_PAIR_FREE);
    }
    for (size_t i = 0; i < BENCH_LIVE_COUNTS; i++)
        bench_line_free(&lines[i]);
    return all;
}

bool bench_table_calloc(struct bench_plan *plan)
{
    fprintf(plan->out, "\ncalloc in steady churn, 16..1024 bytes log-uniform, calls timed singly; ns\n%20s", "");
    bench_print_allocators(plan);
    fprintf(plan->out, "\n");
    bool all = true;
    for (size_t i = 0; i < plan->live_counts && all; i++) {
        struct bench_line line = {0};
        bench_line_add_all(plan, &line,
                           (struct bench_task){.job = BENCH_PAIR,
                                               .live = plan->live[i],
                                               .count = plan->pairs / 4,
                                               .singles = plan->singles,
                                               .zeroed = true});
        all = bench_line_measure(plan, &line, "calloc", BENCH_PAIR_FIGURES);
        for (size_t k = 0; k < BENCH_SINGLES && all; k++) {
            fprintf(plan->out, "%12zu %7s", plan->live[i], spread_names[k]);
            for (size_t t = 0; t < line.tasks; t++)
                fprintf(plan->out, " %9.0f", bench_median(&line.value[t][BENCH_PAIR_MALLOC + k]));
            fprintf(plan->out, "\n");
        }
        fflush(plan->out);
        for (size_t t = 0; t < line.tasks && all; t++)
            bench_row_add_latency(plan, &line, t, "calloc", BENCH_PAIR_MALLOC);
        bench_line_free(&line);
    }
    return all;
}
