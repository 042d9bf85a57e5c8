/// The bench: runs the tasks of each table, round by round, and prints it, with the figure to reach beside it.
#include "steve/cli/bench_plan_internal.h"

#include <string.h>
#include <unistd.h>

/// Says on a terminal what is going on; silent in a pipe.
static void show_progress(const struct bench_plan *plan, const char *what, unsigned round)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s: round %u of %u\r", what, round + 1, plan->rounds);
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

static const char *verdict(double value, double limit)
{
    return value <= limit ? "reached" : "missed";
}

/// Asks for one task, with the seed of the round. @return false after a message
static bool ask(struct bench_task task, const struct bench_plan *plan, unsigned round, struct bench_values *values)
{
    char note[BENCH_VERSION];
    task.seed = plan->seed + round;
    enum bench_answer answer = bench_ask(&task, values, note, sizeof note);
    if (answer == BENCH_MISSING)
        fprintf(stderr, "steve bench: %s has gone\n", bench_allocators[task.allocator].name);
    return answer == BENCH_ANSWERED;
}

/// Jeff's median ratio to a peer, taken round by round; 0 if there are none.
static double median_ratio(const struct bench_values *jeff, const struct bench_values *peer)
{
    struct bench_values ratios = {0};
    for (size_t i = 0; i < jeff->count && i < peer->count; i++)
        if (peer->value[i] > 0 && !bench_values_push(&ratios, jeff->value[i] / peer->value[i]))
            break;
    double ratio = bench_median(&ratios);
    bench_values_free(&ratios);
    return ratio;
}

/// A column: the ratio to a peer, and what is to be reached. @param limit 0: nothing is
static void print_ratio(double ratio, double limit)
{
    if (limit > 0)
        printf("  %5.2f <= %.2f %-7s", ratio, limit, verdict(ratio, limit));
    else
        printf("  %5.2f %15s", ratio, "");
}

/// All rounds of one line of a table of pairs: a figure a round for each allocator.
static bool measure_pairs(const struct bench_plan *plan, size_t live, unsigned touched_bytes,
                          struct bench_values *values)
{
    for (unsigned round = 0; round < plan->rounds; round++) {
        show_progress(plan, "pairs", round);
        // Who begins changes from round to round.
        for (unsigned i = 0; i < BENCH_ALLOCATORS; i++) {
            unsigned who = (round + i) % BENCH_ALLOCATORS;
            struct bench_task task = {.allocator = (enum bench_allocator)who,
                                      .job = BENCH_PAIR,
                                      .live = live,
                                      .count = plan->pairs,
                                      .touched_bytes = touched_bytes};
            if (plan->with[who] && !ask(task, plan, round, &values[who]))
                return false;
        }
    }
    return true;
}

/// What is to be reached: 0.9 of mimalloc (0.8 at a million blocks, 1.5 if they are touched) and 0.4 of glibc.
static void print_pairs(const struct bench_plan *plan, size_t live, unsigned touched_bytes, struct bench_values *values)
{
    // First the ratios, since taking a median sorts the figures, and they would no longer be in the order of the rounds.
    double mimalloc = median_ratio(&values[BENCH_JEFF], &values[BENCH_MIMALLOC]);
    double glibc = median_ratio(&values[BENCH_JEFF], &values[BENCH_GLIBC]);
    printf("%12zu", live);
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i])
            printf(" %9.1f", bench_median(&values[i]));
    if (plan->with[BENCH_JEFF] && plan->with[BENCH_MIMALLOC])
        print_ratio(mimalloc, touched_bytes ? 1.5 : live >= 1000000 ? 0.8 : 0.9);
    if (plan->with[BENCH_JEFF] && plan->with[BENCH_GLIBC])
        print_ratio(glibc, touched_bytes ? 0 : 0.4);
    printf("\n");
    fflush(stdout);
}

static bool pairs_line(const struct bench_plan *plan, size_t live, unsigned touched_bytes)
{
    struct bench_values values[BENCH_ALLOCATORS] = {0};
    bool measured = measure_pairs(plan, live, touched_bytes, values);
    clear_progress();
    if (measured)
        print_pairs(plan, live, touched_bytes, values);
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        bench_values_free(&values[i]);
    return measured;
}

bool bench_table_pairs(const struct bench_plan *plan, unsigned touched_bytes)
{
    printf("\nmalloc+free pair in steady churn, 16..1024 bytes log-uniform; ns\n");
    if (touched_bytes)
        printf("the first %u bytes of each new block are written, Jeff's under lock\n", touched_bytes);
    printf("%12s", "live blocks");
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i])
            printf(" %9s", bench_allocators[i].name);
    if (plan->with[BENCH_JEFF] && plan->with[BENCH_MIMALLOC])
        printf("  %-21s", "jeff/mimalloc");
    if (plan->with[BENCH_JEFF] && plan->with[BENCH_GLIBC])
        printf("  %s", "jeff/glibc");
    printf("\n");
    for (size_t i = 0; i < plan->live_counts; i++)
        if (!pairs_line(plan, plan->live[i], touched_bytes))
            return false;
    return true;
}

bool bench_table_locks(const struct bench_plan *plan)
{
    printf("\nJeff's lock+unlock pair on random blocks, beside a bare add and subtract in a table as large; ns\n");
    printf("%12s %9s %9s\n", "live blocks", "jeff", "bare");
    for (size_t i = 0; i < plan->live_counts; i++) {
        struct bench_values jeff = {0}, bare = {0};
        bool all = true;
        for (unsigned round = 0; round < plan->rounds && all; round++) {
            struct bench_values both = {0};
            show_progress(plan, "locks", round);
            struct bench_task task = {
                .allocator = BENCH_JEFF, .job = BENCH_LOCK, .live = plan->live[i], .count = plan->pairs};
            all = ask(task, plan, round, &both) && both.count == 2 && bench_values_push(&jeff, both.value[0]) &&
                  bench_values_push(&bare, both.value[1]);
            bench_values_free(&both);
        }
        clear_progress();
        double ns = bench_median(&jeff);
        if (all)
            printf("%12zu %9.2f %9.2f", plan->live[i], ns, bench_median(&bare));
        if (all && plan->live[i] <= 1000) // so few entries fit the first cache
            printf("  <= 3.00 %s", verdict(ns, 3));
        printf("\n");
        bench_values_free(&jeff);
        bench_values_free(&bare);
        if (!all)
            return false;
    }
    return true;
}

/// Figures of one round of compaction, with what follows from them.
struct compaction {
    struct bench_values us, memmove_us, limit_us, gigabytes, memmove_gigabytes, moved, walked;
};

static bool keep_compaction(struct compaction *kept, const double figure[BENCH_COMPACT_FIGURES])
{
    double limit_ns = figure[BENCH_COMPACT_MEMMOVE_NS] / 0.8 + 15 * figure[BENCH_COMPACT_WALKED_BLOCKS];
    double bytes = figure[BENCH_COMPACT_MOVED_BYTES];
    return bench_values_push(&kept->us, figure[BENCH_COMPACT_NS] / 1000) &&
           bench_values_push(&kept->memmove_us, figure[BENCH_COMPACT_MEMMOVE_NS] / 1000) &&
           bench_values_push(&kept->limit_us, limit_ns / 1000) &&
           bench_values_push(&kept->gigabytes, bytes / figure[BENCH_COMPACT_NS]) &&
           bench_values_push(&kept->memmove_gigabytes, bytes / figure[BENCH_COMPACT_MEMMOVE_NS]) &&
           bench_values_push(&kept->moved, figure[BENCH_COMPACT_MOVED_BLOCKS]) &&
           bench_values_push(&kept->walked, figure[BENCH_COMPACT_WALKED_BLOCKS]);
}

static void print_compaction(struct compaction *kept, unsigned locked_percent)
{
    double us = bench_median(&kept->us), limit_us = bench_median(&kept->limit_us);
    printf("%10u %% %9.0f %9.0f %9.0f %9.0f %9.2f %9.2f  <= %.0f us %s\n", locked_percent, bench_median(&kept->moved),
           bench_median(&kept->walked), us, bench_median(&kept->memmove_us), bench_median(&kept->gigabytes),
           bench_median(&kept->memmove_gigabytes), limit_us, verdict(us, limit_us));
}

static void free_compaction(struct compaction *kept)
{
    struct bench_values *all[] = {&kept->us,        &kept->memmove_us,        &kept->limit_us,
                                  &kept->gigabytes, &kept->memmove_gigabytes, &kept->moved,
                                  &kept->walked};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bench_values_free(all[i]);
}

bool bench_table_compaction(const struct bench_plan *plan)
{
    static const unsigned locked[] = {0, 10};
    printf("\nJeff's full compaction of %zu blocks, a random half freed, beside memmove of the same moves, both cold\n",
           plan->compact_blocks);
    printf("%12s %9s %9s %9s %9s %9s %9s\n", "locked", "moved", "walked", "us", "memmove", "GB/s", "memmove");
    bool all = true;
    for (size_t i = 0; i < sizeof locked / sizeof *locked && all; i++) {
        struct compaction kept = {0};
        for (unsigned round = 0; round < plan->rounds && all; round++) {
            struct bench_values figures = {0};
            show_progress(plan, "compaction", round);
            struct bench_task task = {.allocator = BENCH_JEFF,
                                      .job = BENCH_COMPACT,
                                      .live = plan->compact_blocks,
                                      .locked_percent = locked[i]};
            all = ask(task, plan, round, &figures) && figures.count == BENCH_COMPACT_FIGURES &&
                  keep_compaction(&kept, figures.value);
            bench_values_free(&figures);
        }
        clear_progress();
        if (all)
            print_compaction(&kept, locked[i]);
        free_compaction(&kept);
    }
    return all;
}

static void print_pauses(const char *name, struct bench_values *us)
{
    printf("%12s %9.1f %9.1f %9.1f %9.1f", name, bench_percentile(us, 0.5), bench_percentile(us, 0.99),
           bench_percentile(us, 0.999), bench_percentile(us, 1));
}

static void print_pause_table(size_t blocks, struct bench_values *jeff, struct bench_values *loop)
{
    printf("\nBeyond the millisecond of jeff_compact(1), %zu calls, %zu blocks half freed; beside a memmove loop in 16 "
           "KiB; us\n",
           jeff->count, blocks);
    if (!jeff->count) {
        printf("no call ran out of its time\n");
        return;
    }
    printf("%12s %9s %9s %9s %9s\n", "", "p50", "p99", "p99.9", "max");
    double p99 = bench_percentile(jeff, 0.99), p999 = bench_percentile(jeff, 0.999);
    double limit = bench_percentile(loop, 0.999);
    print_pauses("jeff", jeff);
    printf("  p99 <= 20 %s, p99.9 <= %.1f %s\n", verdict(p99, 20), limit, verdict(p999, limit));
    print_pauses("memmove", loop);
    printf("\n");
}

bool bench_table_pauses(const struct bench_plan *plan)
{
    struct bench_values jeff = {0}, loop = {0};
    bool all = true;
    for (unsigned round = 0; round < plan->rounds && all; round++) {
        struct bench_values both = {0};
        show_progress(plan, "pauses", round);
        struct bench_task task = {
            .allocator = BENCH_JEFF, .job = BENCH_PAUSE, .live = plan->pause_blocks, .count = plan->pauses};
        all = ask(task, plan, round, &both);
        for (size_t i = 0; all && i + 1 < both.count; i += 2)
            all = bench_values_push(&jeff, both.value[i]) && bench_values_push(&loop, both.value[i + 1]);
        bench_values_free(&both);
    }
    clear_progress();
    if (all)
        print_pause_table(plan->pause_blocks, &jeff, &loop);
    bench_values_free(&jeff);
    bench_values_free(&loop);
    return all;
}
