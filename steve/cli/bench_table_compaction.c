/// The bench: the tables of compaction: beside memmove of the same moves, and how far budgets are overrun.
#include "steve/cli/bench_plan_internal.h"

static void add_time_row(struct bench_plan *plan, struct bench_line *line, enum bench_metric metric, size_t figure)
{
    struct bench_values us = {0}, *value = line->value[0];
    for (size_t i = 0; i < value[figure].count; i++)
        bench_values_push(&us, value[figure].value[i] / 1000);
    struct bench_row *row = bench_row_add(plan, metric, BENCH_JEFF, line->task[0].live, "us");
    bench_row_rounds(row, &us);
    bench_row_text(row, "sizes", "log-uniform");
    bench_row_number(row, "locked_percent", line->task[0].locked_percent);
    bench_row_number(row, "freed_percent", 50);
    bench_row_number(row, "moved_bytes", bench_median(&value[BENCH_COMPACT_MOVED_BYTES]));
    bench_row_number(row, "moved_blocks", bench_median(&value[BENCH_COMPACT_MOVED_BLOCKS]));
    bench_row_number(row, "walked_blocks", bench_median(&value[BENCH_COMPACT_WALKED_BLOCKS]));
    bench_values_free(&us);
}

/// The limit is memmove's time ÷ 0.8 and 15 ns for each block walked, round by round. @return the median time in µs
static double print_compaction(struct bench_plan *plan, struct bench_line *line)
{
    struct bench_values *value = line->value[0], limit = {0}, rate = {0}, memmove_rate = {0};
    for (size_t i = 0; i < value[0].count; i++) {
        double ns = value[BENCH_COMPACT_NS].value[i], memmove_ns = value[BENCH_COMPACT_MEMMOVE_NS].value[i];
        double bytes = value[BENCH_COMPACT_MOVED_BYTES].value[i];
        bench_values_push(&limit, (memmove_ns / 0.8 + 15 * value[BENCH_COMPACT_WALKED_BLOCKS].value[i]) / 1000);
        bench_values_push(&rate, bytes / ns);
        bench_values_push(&memmove_rate, bytes / memmove_ns);
    }
    double us = bench_median(&value[BENCH_COMPACT_NS]) / 1000, limit_us = bench_median(&limit);
    fprintf(plan->out, "%12zu %6u %% %9.0f %9.0f %9.0f %9.0f %9.2f %9.2f  <= %.0f us %s\n", line->task[0].live,
            line->task[0].locked_percent, bench_median(&value[BENCH_COMPACT_MOVED_BLOCKS]),
            bench_median(&value[BENCH_COMPACT_WALKED_BLOCKS]), us,
            bench_median(&value[BENCH_COMPACT_MEMMOVE_NS]) / 1000, bench_median(&rate), bench_median(&memmove_rate),
            limit_us, bench_verdict(us, limit_us));
    fflush(plan->out);
    bench_values_free(&limit);
    bench_values_free(&rate);
    bench_values_free(&memmove_rate);
    return us;
}

/// @param us gets the median time @return false after a message
static bool compaction_line(struct bench_plan *plan, size_t blocks, unsigned locked_percent, double *us)
{
    struct bench_line line = {0};
    bench_line_add(
        plan, &line,
        (struct bench_task){
            .allocator = BENCH_JEFF, .job = BENCH_COMPACT, .live = blocks, .locked_percent = locked_percent});
    bool all = bench_line_measure(plan, &line, "compaction", BENCH_COMPACT_FIGURES);
    if (all) {
        *us = print_compaction(plan, &line);
        add_time_row(plan, &line, BENCH_METRIC_COMPACT_TIME, BENCH_COMPACT_NS);
        add_time_row(plan, &line, BENCH_METRIC_MEMMOVE_TIME, BENCH_COMPACT_MEMMOVE_NS);
    }
    bench_line_free(&line);
    return all;
}

bool bench_table_compaction(struct bench_plan *plan)
{
    static const unsigned locked[] = {0, 1, 10, 50};
    fprintf(
        plan->out,
        "\nJeff's full compaction, a random half of the blocks freed, beside memmove of the same moves, both cold\n");
    fprintf(plan->out, "%12s %8s %9s %9s %9s %9s %9s %9s\n", "blocks", "locked", "moved", "walked", "us", "memmove",
            "GB/s", "memmove");
    double us = 0, once = 0, twice = 0;
    for (size_t i = 0; i < sizeof locked / sizeof *locked; i++) {
        if (!compaction_line(plan, plan->compact_blocks, locked[i], &us))
            return false;
        if (locked[i] == 10)
            once = us;
    }
    if (!compaction_line(plan, 2 * plan->compact_blocks, 10, &twice))
        return false;
    if (once > 0) // half of twice as many: all caches overflow alike, so doubling is all that growth should cost
        fprintf(plan->out, "%12s twice the blocks take %.2f times as long, 10 %% locked\n", "", twice / once);
    return true;
}

/// One kind of heap and one budget, all rounds.
struct pauses {
    struct bench_values jeff, loop; ///< µs beyond the budget
    struct bench_values round[BENCH_PAUSE_FIGURES];
};

static bool measure_pauses(const struct bench_plan *plan, struct bench_task task, struct pauses *pauses)
{
    for (unsigned round = 0; round < plan->rounds; round++) {
        char note[BENCH_VERSION];
        struct bench_values all = {0};
        bench_show_progress("pauses", round, plan->rounds);
        task.seed = plan->seed + round;
        bool kept = bench_ask(&task, &all, note, sizeof note) == BENCH_ANSWERED && all.count >= BENCH_PAUSE_FIGURES;
        for (size_t i = 0; kept && i < BENCH_PAUSE_FIGURES; i++)
            kept = bench_values_push(&pauses->round[i], all.value[i]);
        for (size_t i = BENCH_PAUSE_FIGURES; kept && i + 1 < all.count; i += 2)
            kept = bench_values_push(&pauses->jeff, all.value[i]) && bench_values_push(&pauses->loop, all.value[i + 1]);
        bench_values_free(&all);
        if (!kept)
            return false;
    }
    return true;
}

static void print_pauses(struct bench_plan *plan, const struct bench_task *task, struct pauses *pauses)
{
    fprintf(plan->out, "%8g us %8s %7zu", (double)task->budget_ns / 1000, task->block_bytes ? "1 MiB" : "small",
            pauses->jeff.count);
    if (!pauses->jeff.count) {
        fprintf(plan->out, "  no call ran out of its time\n");
        return;
    }
    double jeff[BENCH_SINGLES], loop[BENCH_SINGLES], left = bench_median(&pauses->round[BENCH_PAUSE_LEFT]);
    double moved = bench_median(&pauses->round[BENCH_PAUSE_MOVED]),
           loop_moved = bench_median(&pauses->round[BENCH_PAUSE_LOOP_MOVED]);
    bench_spread(&pauses->jeff, jeff);
    bench_spread(&pauses->loop, loop);
    for (int i = 0; i < BENCH_SINGLES; i++)
        fprintf(plan->out, " %8.1f", jeff[i]);
    fprintf(plan->out, " %8.1f %8.1f %8.0f %8.0f", loop[BENCH_P99], loop[BENCH_P999], moved / 1024, loop_moved / 1024);
    fprintf(plan->out, "  p99 <= 20 %s, p99.9 <= loop's %s", bench_verdict(jeff[BENCH_P99], 20),
            bench_verdict(jeff[BENCH_P999], loop[BENCH_P999]));
    fprintf(plan->out, "\n");
    fflush(plan->out);

    struct bench_row *row = bench_row_add(plan, BENCH_METRIC_BUDGET_OVERSHOOT, BENCH_JEFF, task->live, "us");
    row->value = jeff[BENCH_P99];
    for (int i = 0; i < BENCH_SINGLES; i++)
        row->spread[i] = jeff[i];
    bench_row_number(row, "budget_us", (double)task->budget_ns / 1000);
    bench_row_text(row, "blocks", task->block_bytes ? "very large" : "small");
    if (task->block_bytes)
        bench_row_number(row, "block_bytes", (double)task->block_bytes);
    bench_row_text(row, "value_is", "p99");
    bench_row_number(row, "calls", (double)pauses->jeff.count);
    bench_row_number(row, "max_us", jeff[BENCH_MAX]);
    bench_row_number(row, "memmove_p99_us", loop[BENCH_P99]);
    bench_row_number(row, "memmove_p999_us", loop[BENCH_P999]);
    bench_row_number(row, "share_that_left_blocks", left);
    bench_row_number(row, "moved_bytes", moved);
    bench_row_number(row, "memmove_moved_bytes", loop_moved);
}

bool bench_table_pauses(struct bench_plan *plan)
{
    fprintf(plan->out,
            "\nBeyond the budget of Jeff's compaction of a half freed heap, of %zu small blocks or %zu of 1 MiB;\n"
            "beside a memmove loop that looks at the clock every 16 KiB; us\n",
            plan->pause_blocks, plan->large_blocks);
    fprintf(plan->out, "%11s %8s %7s %8s %8s %8s %8s %8s %8s %8s %8s\n", "budget", "blocks", "calls", "p50", "p99",
            "p99.9", "max", "loop p99", "p99.9", "KiB/call", "loop");
    bool all = true;
    for (int large = 0; large <= 1; large++) {
        for (size_t i = 0; i < plan->budgets && all; i++) {
            struct pauses pauses = {0};
            struct bench_task task = {.allocator = BENCH_JEFF,
                                      .job = BENCH_PAUSE,
                                      .live = large ? plan->large_blocks : plan->pause_blocks,
                                      .count = plan->pauses,
                                      .block_bytes = large ? (size_t)1 << 20 : 0,
                                      .budget_ns = plan->budget_ns[i]};
            all = measure_pauses(plan, task, &pauses);
            bench_clear_progress();
            if (all)
                print_pauses(plan, &task, &pauses);
            bench_values_free(&pauses.jeff);
            bench_values_free(&pauses.loop);
            for (size_t k = 0; k < BENCH_PAUSE_FIGURES; k++)
                bench_values_free(&pauses.round[k]);
        }
    }
    return all;
}
