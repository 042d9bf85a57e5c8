/// The bench: the tables of space: bytes per block beyond the request, payload at the first refusal, largest free run.
#include "steve/cli/bench_plan_internal.h"

static const char *at_least(double value, double limit)
{
    return value >= limit ? "reached" : "missed";
}

static void add_overhead_row(struct bench_plan *plan, const struct bench_task *task, struct bench_values *value,
                             double rounding, const char *measured_by)
{
    struct bench_row *row =
        bench_row_add(plan, BENCH_METRIC_OVERHEAD_BYTES, task->allocator, task->live, "bytes a block");
    bench_row_rounds(row, value);
    bench_row_text(row, "sizes", "log-uniform");
    bench_row_text(row, "measured_by", measured_by);
    bench_row_number(row, "rounding_bytes", rounding);
}

bool bench_table_overhead(struct bench_plan *plan)
{
    struct bench_line line = {0};
    bench_line_add_all(plan, &line, (struct bench_task){.job = BENCH_OVERHEAD, .live = plan->overhead_blocks});
    if (!bench_line_measure(plan, &line, "space per block", BENCH_OVERHEAD_FIGURES)) {
        bench_line_free(&line);
        return false;
    }
    fprintf(plan->out,
            "\nSpace per block beyond the request, each request rounded up to 16: growth of resident memory over\n"
            "%zu blocks, 16..1024 bytes log-uniform, written whole, nothing freed; bytes a block\n",
            plan->overhead_blocks);
    for (size_t i = 0; i < line.tasks; i++) {
        const struct bench_task *task = &line.task[i];
        double rounding = bench_median(&line.value[i][BENCH_OVERHEAD_ROUNDING]);
        fprintf(plan->out, "%12s %9.1f", bench_allocators[task->allocator].name,
                bench_median(&line.value[i][BENCH_OVERHEAD_RESIDENT]));
        if (task->allocator == BENCH_JEFF) {
            double stated = bench_median(&line.value[i][BENCH_OVERHEAD_STATS]);
            fprintf(plan->out, "  by its statistics, handle table included: %.1f <= 16 %s", stated,
                    bench_verdict(stated, 16.05));
            add_overhead_row(plan, task, &line.value[i][BENCH_OVERHEAD_STATS], rounding, "statistics");
        }
        fprintf(plan->out, "\n");
        add_overhead_row(plan, task, &line.value[i][BENCH_OVERHEAD_RESIDENT], rounding, "resident");
    }
    fflush(plan->out);
    bench_line_free(&line);
    return true;
}

bool bench_table_refusal(struct bench_plan *plan)
{
    fprintf(
        plan->out,
        "\nJeff's heap at the first refusal under steady churn, compacting as the last resort; percent of the heap\n");
    fprintf(plan->out, "%12s %9s %9s\n", "heap", "payload", "free");
    bool all = true;
    for (size_t i = 0; i < plan->heaps && all; i++) {
        enum { PAYLOAD, FREE, FIGURES };
        struct bench_line line = {0};
        size_t bytes = plan->heap_bytes[i];
        bench_line_add(plan, &line,
                       (struct bench_task){.allocator = BENCH_JEFF, .job = BENCH_REFUSAL, .heap_bytes = bytes});
        all = bench_line_measure(plan, &line, "first refusal", FIGURES);
        if (all) {
            double payload = bench_median(&line.value[0][PAYLOAD]), left = bench_median(&line.value[0][FREE]);
            fprintf(plan->out, "%9zu MB %9.2f %9.3f  payload >= 91 %s, free <= 1 %s\n", bytes >> 20, payload, left,
                    at_least(payload, 91), bench_verdict(left, 1));
            fflush(plan->out);
            struct bench_row *row = bench_row_add(plan, BENCH_METRIC_PAYLOAD_AT_REFUSAL, BENCH_JEFF, 0, "%");
            bench_row_rounds(row, &line.value[0][PAYLOAD]);
            bench_row_text(row, "sizes", "log-uniform");
            bench_row_number(row, "heap_bytes", (double)bytes);
            bench_row_number(row, "free_percent", left);
        }
        bench_line_free(&line);
    }
    return all;
}

/// The figures of one share of locked blocks. The ratios are taken round by round.
struct runs {
    double before, after, of_free, of_bound, us, moved_again;
};

static void add_run_row(struct bench_plan *plan, struct bench_line *line, const char *stage, size_t figure,
                        size_t free_figure, const struct runs *runs)
{
    const struct bench_task *task = &line->task[0];
    struct bench_row *row = bench_row_add(plan, BENCH_METRIC_LARGEST_RUN, BENCH_JEFF, task->live, "bytes");
    bool compacted = figure == BENCH_RUN_LARGEST;
    bench_row_rounds(row, &line->value[0][figure]);
    bench_row_text(row, "stage", stage);
    bench_row_number(row, "locked_percent", task->locked_percent);
    bench_row_number(row, "free_bytes", bench_median(&line->value[0][free_figure]));
    bench_row_number(row, "share_of_free", compacted ? runs->of_free : runs->before);
    if (!compacted)
        return;
    bench_row_number(row, "bound_bytes", bench_median(&line->value[0][BENCH_RUN_BOUND]));
    bench_row_number(row, "share_of_bound", runs->of_bound);
    bench_row_number(row, "compaction_us", runs->us);
    bench_row_number(row, "moved_again_bytes", runs->moved_again);
}

static void print_runs(struct bench_plan *plan, struct bench_line *line)
{
    unsigned locked = line->task[0].locked_percent;
    struct bench_values *value = line->value[0];
    struct runs runs = {.of_bound = 1};
    struct bench_values before = {0}, of_free = {0}, of_bound = {0};
    for (size_t i = 0; i < value[0].count; i++) {
        bench_values_push(&before, value[BENCH_RUN_LARGEST_BEFORE].value[i] / value[BENCH_RUN_FREE_BEFORE].value[i]);
        bench_values_push(&of_free, value[BENCH_RUN_LARGEST].value[i] / value[BENCH_RUN_FREE].value[i]);
        bench_values_push(&of_bound, value[BENCH_RUN_LARGEST].value[i] / value[BENCH_RUN_BOUND].value[i]);
    }
    runs.before = bench_median(&before);
    runs.of_free = bench_median(&of_free);
    runs.of_bound = bench_median(&of_bound);
    runs.us = bench_median(&value[BENCH_RUN_NS]) / 1000;
    runs.moved_again = bench_median(&value[BENCH_RUN_MOVED_AGAIN]);
    fprintf(plan->out, "%10u %% %9.3f %9.0f %9.2f %9.0f %9.3f %9.0f %9.0f", locked, 100 * runs.before,
            bench_median(&value[BENCH_RUN_LARGEST]) / 1024, 100 * runs.of_free,
            bench_median(&value[BENCH_RUN_BOUND]) / 1024, runs.of_bound, runs.us, runs.moved_again);
    if (locked)
        fprintf(plan->out, "  of bound >= 0.98 %s\n", at_least(runs.of_bound, 0.98));
    else
        fprintf(plan->out, "  of free >= 99 %% %s\n", at_least(runs.of_free, 0.99));
    fflush(plan->out);
    add_run_row(plan, line, "before", BENCH_RUN_LARGEST_BEFORE, BENCH_RUN_FREE_BEFORE, &runs);
    add_run_row(plan, line, "compacted", BENCH_RUN_LARGEST, BENCH_RUN_FREE, &runs);
    bench_values_free(&before);
    bench_values_free(&of_free);
    bench_values_free(&of_bound);
}

bool bench_table_runs(struct bench_plan *plan)
{
    static const unsigned locked[] = {0, 1, 10, 50};
    fprintf(plan->out,
            "\nJeff's largest free run: a full heap of about %zu blocks, a random half freed, a share of the rest "
            "locked at\n"
            "random; bound: all free bytes or the widest gap between locked blocks, whichever is less\n",
            plan->compact_blocks);
    fprintf(plan->out, "%12s %9s %9s %9s %9s %9s %9s %9s\n", "", "before,", "after,", "after,", "bound,", "after/",
            "time,", "2nd call");
    fprintf(plan->out, "%12s %9s %9s %9s %9s %9s %9s %9s\n", "locked", "% of free", "KiB", "% of free", "KiB", "bound",
            "us", "moves, B");
    bool all = true;
    for (size_t i = 0; i < sizeof locked / sizeof *locked && all; i++) {
        struct bench_line line = {0};
        bench_line_add(
            plan, &line,
            (struct bench_task){
                .allocator = BENCH_JEFF, .job = BENCH_RUN, .live = plan->compact_blocks, .locked_percent = locked[i]});
        all = bench_line_measure(plan, &line, "largest run", BENCH_RUN_FIGURES);
        if (all)
            print_runs(plan, &line);
        bench_line_free(&line);
    }
    return all;
}
