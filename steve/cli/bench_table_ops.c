/// The bench: the tables of lock+unlock and of resize.
#include "steve/cli/bench_plan_internal.h"

enum { RESIZE_NS, RESIZE_SINGLE, RESIZE_FIGURES = RESIZE_SINGLE + BENCH_SINGLES };

/// @param single the first of the figures of calls timed singly
static struct bench_row *add_row(struct bench_plan *plan, struct bench_line *line, size_t index,
                                 enum bench_metric metric, size_t single)
{
    const struct bench_task *task = &line->task[index];
    struct bench_row *row = bench_row_add(plan, metric, task->allocator, task->live, "ns");
    row->value = bench_median(&line->value[index][0]);
    bench_row_sizes(row, task);
    bench_row_singles(row, &line->value[index][single]);
    return row;
}

bool bench_table_locks(struct bench_plan *plan)
{
    fprintf(plan->out,
            "\nJeff's lock+unlock pair on random blocks: inline (jeff_inline.h), by two calls, and beside them two "
            "calls that do\n"
            "nothing, and a bare add and subtract in a table as large; p50 and so on are those of the calls; ns\n");
    fprintf(plan->out, "%12s %9s %9s %9s %9s %9s %9s %9s\n", "live blocks", "inline", "calls", "empty", "bare", "p50",
            "p99", "p99.9");
    bool all = true;
    for (size_t i = 0; i < plan->live_counts && all; i++) {
        struct bench_line line = {0};
        size_t live = plan->live[i];
        bench_line_add(plan, &line,
                       (struct bench_task){.allocator = BENCH_JEFF,
                                           .job = BENCH_LOCK,
                                           .live = live,
                                           .count = plan->pairs,
                                           .singles = plan->singles});
        all = bench_line_measure(plan, &line, "locks", BENCH_LOCK_FIGURES);
        if (all) {
            double bare = bench_median(&line.value[0][BENCH_LOCK_BARE]);
            struct bench_row *row = add_row(plan, &line, 0, BENCH_METRIC_LOCK_PAIR, BENCH_LOCK_PAIR);
            const double inlined = bench_median(&line.value[0][BENCH_LOCK_INLINE]);
            const double calls = bench_median(&line.value[0][BENCH_LOCK_CALLS]);
            bench_row_number(row, "inline_ns", inlined);
            bench_row_number(row, "empty_calls_ns", calls);
            bench_row_number(row, "bare_table_ns", bare);
            const double ns = inlined;
            fprintf(plan->out, "%12zu %9.2f %9.2f %9.2f %9.2f %9.1f %9.1f %9.1f", live, ns, row->value, calls, bare,
                    row->spread[BENCH_P50], row->spread[BENCH_P99], row->spread[BENCH_P999]);
            if (live <= 1000) // so few entries fit the first cache
                fprintf(plan->out, "  <= 3.00 %s", bench_verdict(ns, 3));
            bench_row_add_latency(plan, &line, 0, "lock", BENCH_LOCK_LOCK);
            bench_row_add_latency(plan, &line, 0, "unlock", BENCH_LOCK_UNLOCK);
            fprintf(plan->out, "\n");
            fflush(plan->out);
        }
        bench_line_free(&line);
    }
    return all;
}

bool bench_table_resize(struct bench_plan *plan)
{
    static const char *column[] = {"mean", "p99.9"};
    fprintf(plan->out, "\nresize (realloc) of a random block to another size, 16..1024 bytes log-uniform; ns\n");
    fprintf(plan->out, "%12s %6s", "live blocks", "");
    bench_print_allocators(plan);
    fprintf(plan->out, "\n");
    bool all = true;
    for (size_t i = 0; i < plan->live_counts && all; i++) {
        struct bench_line line = {0};
        bench_line_add_all(
            plan, &line,
            (struct bench_task){
                .job = BENCH_RESIZE, .live = plan->live[i], .count = plan->pairs, .singles = plan->singles});
        all = bench_line_measure(plan, &line, "resize", RESIZE_FIGURES);
        for (size_t k = 0; k < 2 && all; k++) {
            fprintf(plan->out, "%12zu %6s", plan->live[i], column[k]);
            for (size_t t = 0; t < line.tasks; t++)
                fprintf(plan->out, " %9.1f", bench_median(&line.value[t][k ? RESIZE_SINGLE + BENCH_P999 : RESIZE_NS]));
            fprintf(plan->out, "\n");
        }
        fflush(plan->out);
        for (size_t t = 0; t < line.tasks && all; t++) {
            add_row(plan, &line, t, BENCH_METRIC_RESIZE, RESIZE_SINGLE);
            bench_row_add_latency(plan, &line, t, "resize", RESIZE_SINGLE);
        }
        bench_line_free(&line);
    }
    return all;
}
