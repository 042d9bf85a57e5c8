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
    bench_row_sizes(row, task);
    bench_row_text(row, "measured_by", measured_by);
    bench_row_number(row, "rounding_bytes", rounding);
}

/// A line of the table: so many blocks of such sizes.
static bool measure_overhead(struct bench_plan *plan, size_t live, bool large)
{
    const struct bench_task task = {.job = BENCH_OVERHEAD, .live = live, .large = large};
    struct bench_line line = {0};
    bench_line_add_all(plan, &line, task);
    const bool measured = bench_line_measure(plan, &line, "space per block", BENCH_OVERHEAD_FIGURES);
    if (measured)
        fprintf(plan->out, "%12zu %13s", live, large ? "2..64 KiB" : "16..1024");
    for (size_t i = 0; i < line.tasks && measured; i++) {
        double rounding = bench_median(&line.value[i][BENCH_OVERHEAD_ROUNDING]);
        fprintf(plan->out, " %9.1f", bench_median(&line.value[i][BENCH_OVERHEAD_RESIDENT]));
        add_overhead_row(plan, &line.task[i], &line.value[i][BENCH_OVERHEAD_RESIDENT], rounding, "resident");
        if (line.task[i].allocator == BENCH_JEFF)
            add_overhead_row(plan, &line.task[i], &line.value[i][BENCH_OVERHEAD_STATS], rounding, "statistics");
    }
    const size_t jeff = bench_line_find(&line, BENCH_JEFF);
    if (measured && jeff < line.tasks) {
        const double stated = bench_median(&line.value[jeff][BENCH_OVERHEAD_STATS]);
        fprintf(plan->out, "  %8.1f", stated);
        if (!large) // a large block has a header of 16 bytes more
            fprintf(plan->out, " <= 16 %s", bench_verdict(stated, 16.05));
    }
    if (measured)
        fprintf(plan->out, "\n");
    fflush(plan->out);
    bench_line_free(&line);
    return measured;
}

bool bench_table_overhead(struct bench_plan *plan)
{
    fprintf(plan->out, "\nSpace per block beyond the request, each request rounded up to 16: growth of resident memory "
                       "over so many blocks,\n"
                       "log-uniform sizes, written whole, nothing freed; bytes a block\n");
    fprintf(plan->out, "%12s %13s", "blocks", "bytes");
    bench_print_allocators(plan);
    fprintf(plan->out, "%s\n", plan->with[BENCH_JEFF] ? "  jeff, by its statistics, handle table included" : "");
    for (size_t i = 0; i < plan->live_counts; i++)
        if (!measure_overhead(plan, plan->live[i], false))
            return false;
    return measure_overhead(plan, plan->overhead_blocks, true);
}

bool bench_table_refusal(struct bench_plan *plan)
{
    fprintf(plan->out, "\nPayload at the first refusal under steady churn, Jeff compacting as the last resort; malloc "
                       "libraries when their\n"
                       "resident memory has grown to that size, percent of it\n");
    fprintf(plan->out, "%12s", "heap");
    bench_print_allocators(plan);
    fprintf(plan->out, "%s\n", plan->with[BENCH_JEFF] ? "  jeff, free" : "");
    bool all = true;
    for (size_t i = 0; i < plan->heaps && all; i++) {
        enum { PAYLOAD, FREE, FIGURES };
        const struct bench_task task = {.job = BENCH_REFUSAL, .heap_bytes = plan->heap_bytes[i]};
        struct bench_line line = {0};
        bench_line_add_all(plan, &line, task);
        all = bench_line_measure(plan, &line, "first refusal", FIGURES);
        if (all)
            fprintf(plan->out, "%9zu MB", task.heap_bytes >> 20);
        for (size_t t = 0; t < line.tasks && all; t++) {
            const bool is_jeff = line.task[t].allocator == BENCH_JEFF;
            fprintf(plan->out, " %9.2f", bench_median(&line.value[t][PAYLOAD]));
            struct bench_row *row =
                bench_row_add(plan, BENCH_METRIC_PAYLOAD_AT_REFUSAL, line.task[t].allocator, 0, "%");
            bench_row_rounds(row, &line.value[t][PAYLOAD]);
            bench_row_sizes(row, &task);
            bench_row_text(row, "of", is_jeff ? "heap" : "resident memory");
            bench_row_number(row, is_jeff ? "heap_bytes" : "resident_bytes", (double)task.heap_bytes);
            if (is_jeff)
                bench_row_number(row, "free_percent", bench_median(&line.value[t][FREE]));
        }
        const size_t jeff = bench_line_find(&line, BENCH_JEFF);
        if (all && jeff < line.tasks) {
            const double payload = bench_median(&line.value[jeff][PAYLOAD]),
                         left = bench_median(&line.value[jeff][FREE]);
            fprintf(plan->out, "  %10.3f  payload >= 91 %s, free <= 1 %s", left, at_least(payload, 91),
                    bench_verdict(left, 1));
        }
        if (all)
            fprintf(plan->out, "\n");
        fflush(plan->out);
        bench_line_free(&line);
    }
    return all;
}

/// The figures of one share of locked blocks. The ratios are taken round by round.
struct runs {
    double before, after, of_free, of_bound, us, moved, moved_again, half_moved, half_of_least;
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
    bench_row_number(row, "moved_bytes", runs->moved);
    bench_row_number(row, "moved_again_bytes", runs->moved_again);
    bench_row_number(row, "half_moved_bytes", runs->half_moved);
    bench_row_number(row, "half_moved_of_least", runs->half_of_least);
}

static void print_runs(struct bench_plan *plan, struct bench_line *line)
{
    unsigned locked = line->task[0].locked_percent;
    struct bench_values *value = line->value[0];
    struct runs runs = {.of_bound = 1};
    struct bench_values before = {0}, of_free = {0}, of_bound = {0}, of_least = {0};
    for (size_t i = 0; i < value[0].count; i++) {
        bench_values_push(&before, value[BENCH_RUN_LARGEST_BEFORE].value[i] / value[BENCH_RUN_FREE_BEFORE].value[i]);
        bench_values_push(&of_free, value[BENCH_RUN_LARGEST].value[i] / value[BENCH_RUN_FREE].value[i]);
        bench_values_push(&of_bound, value[BENCH_RUN_LARGEST].value[i] / value[BENCH_RUN_BOUND].value[i]);
        const double least = value[BENCH_RUN_HALF_LEAST].value[i];
        bench_values_push(&of_least, least > 0 ? value[BENCH_RUN_HALF_MOVED].value[i] / least : 1);
    }
    runs.before = bench_median(&before);
    runs.of_free = bench_median(&of_free);
    runs.of_bound = bench_median(&of_bound);
    runs.us = bench_median(&value[BENCH_RUN_NS]) / 1000;
    runs.moved = bench_median(&value[BENCH_RUN_MOVED]);
    runs.half_moved = bench_median(&value[BENCH_RUN_HALF_MOVED]);
    runs.half_of_least = bench_median(&of_least);
    runs.moved_again = bench_median(&value[BENCH_RUN_MOVED_AGAIN]);
    fprintf(plan->out, "%10u %% %9.3f %9.0f %9.2f %9.0f %9.3f %9.0f %9.0f %9.0f %9.0f %9.3f", locked, 100 * runs.before,
            bench_median(&value[BENCH_RUN_LARGEST]) / 1024, 100 * runs.of_free,
            bench_median(&value[BENCH_RUN_BOUND]) / 1024, runs.of_bound, runs.us, runs.moved / 1024, runs.moved_again,
            runs.half_moved / 1024, runs.half_of_least);
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
    bench_values_free(&of_least);
}

bool bench_table_runs(struct bench_plan *plan)
{
    static const unsigned locked[] = {0, 1, 10, 50};
    fprintf(plan->out,
            "\nJeff's largest free run: a full heap of about %zu blocks, a random half freed, a share of the rest "
            "locked at\n"
            "random; bound: all free bytes or the widest gap between locked blocks, whichever is less; half: the same "
            "heap, and "
            "a\n"
            "run half as large; least: what must move for it\n",
            plan->compact_blocks);
    static const char *const heads[][11] = {
        {"", "before,", "after,", "after,", "bound,", "after/", "time,", "moves,", "2nd call", "half", "half/"},
        {"locked", "% of free", "KiB", "% of free", "KiB", "bound", "us", "KiB", "moves, B", "moves, K", "least"},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        fprintf(plan->out, "%12s", heads[i][0]);
        for (size_t column = 1; column < sizeof heads[i] / sizeof *heads[i]; column++)
            fprintf(plan->out, " %9s", heads[i][column]);
        fprintf(plan->out, "\n");
    }
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
