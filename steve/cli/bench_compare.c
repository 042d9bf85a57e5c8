/// The bench that compares: rounds and ranks.
#include "steve/cli/bench_compare.h"

#include <stdlib.h>
#include <unistd.h>

#include "steve/cli/bench_internal.h"
#include "steve/cli/bench_plot.h"
#include "steve/cli/cli.h"

#define DEFAULT_DRIVERS "jeff,freelist,freelist-best,freelist-size,tree-size,tree-addr,combo,buddy,libc"

enum { ROUNDS = 5, LIVE = 10000, QUICK_LIVE = 500 };

#define CAP_NS UINT64_C(10000000000)

/// Footprints are told in pages, and a page more or less is no difference.
#define SAME_RATIO 1.01

static const char usage[] =
    "usage: steve bench --compare [--drivers A,B,...] [--cap TIME] [--seed N] [--quick] [--json] [--plot DIR]\n"
    "\n"
    "Any drivers side by side, through the same life of 10 000 blocks: grow, churn, shrink, grow with larger blocks,\n"
    "churn, shrink. Processor time an op, with the blocks written, and resident memory at its peak over payload at its peak; "
    "each\n"
    "in a child of its own, in interleaved rounds, medians. Drivers tie in time where the best round of one is as "
    "fast\n"
    "as the median of the other, and in space within 1 %.\n"
    "\n"
    "  --drivers A,B,...  drivers as in `steve drivers`, ./mine.so, malloc:LIBRARY, or mimalloc, jemalloc, tcmalloc\n"
    "                     (default: " DEFAULT_DRIVERS ")\n"
    "  --cap TIME         processor time that a driver may take for a round (default 10s); one that takes longer is\n"
    "                     left out\n"
    "  --seed N           of sizes and victims, the same for all (default 1)\n"
    "  --quick            a round with 500 blocks, to see that it works\n"
    "  --json             one JSON document instead of the table\n"
    "  --plot DIR         footprint over payload as time goes on as DIR/compare-*.svg, and the gnuplot scripts\n"
    "  --help             this text\n";

/// The rounds' figures of one driver.
struct rounds {
    struct bench_values ns, ratio;
};

static void find_peaks(const struct bench_life *life, size_t *footprint, size_t *payload)
{
    *footprint = *payload = 0;
    for (size_t i = 0; i < life->samples; i++) {
        if (life->sample[i].footprint > *footprint)
            *footprint = life->sample[i].footprint;
        if (life->sample[i].payload > *payload)
            *payload = life->sample[i].payload;
    }
}

/// @return false after a message
static bool run_round(struct bench_comparison *comparison, unsigned round, struct bench_contestant *who,
                      struct rounds *rounds)
{
    const struct bench_life_task task = {
        .driver = comparison->choice.driver[who->driver],
        .live = comparison->live,
        .cap_ns = comparison->cap_ns,
        .seed = comparison->choice.seed + round,
    };
    if (who->end != BENCH_LIFE_DONE)
        return true;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[Kround %u: %s", round + 1, task.driver->name);
    struct bench_life life;
    who->end = bench_life_measure(&task, &life);
    if (who->end != BENCH_LIFE_DONE)
        return who->end != BENCH_LIFE_FAILED;
    size_t footprint, payload;
    find_peaks(&life, &footprint, &payload);
    if (round == 0) {
        who->life = life;
        who->peak_footprint = footprint;
        who->peak_payload = payload;
    }
    return bench_values_push(&rounds->ns, life.ns) &&
           bench_values_push(&rounds->ratio, payload ? (double)footprint / (double)payload : 0);
}

static void sum_up(struct bench_contestant *who, struct rounds *rounds)
{
    who->ns = bench_median(&rounds->ns); // sorts
    who->least_ns = rounds->ns.count ? rounds->ns.value[0] : 0;
    who->most_ns = rounds->ns.count ? rounds->ns.value[rounds->ns.count - 1] : 0;
    who->ratio = bench_median(&rounds->ratio);
    bench_values_free(&rounds->ns);
    bench_values_free(&rounds->ratio);
}

static bool run_rounds(struct bench_comparison *comparison)
{
    struct rounds rounds[BENCH_CHOICE_DRIVERS] = {0};
    bool done = true;
    for (unsigned round = 0; round < comparison->rounds; round++)
        for (size_t i = 0; i < comparison->choice.drivers && done; i++)
            done = run_round(comparison, round, &comparison->contestant[i], &rounds[i]);
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        sum_up(&comparison->contestant[i], &rounds[i]);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    return done;
}

static bool has_no_figures(const struct bench_contestant *who)
{
    return who->end != BENCH_LIFE_DONE;
}

static int by_ratio(const void *left, const void *right)
{
    const struct bench_contestant *a = left, *b = right;
    if (has_no_figures(a) != has_no_figures(b))
        return has_no_figures(a) - has_no_figures(b);
    return (a->ratio > b->ratio) - (a->ratio < b->ratio);
}

static int by_ns(const void *left, const void *right)
{
    const struct bench_contestant *a = left, *b = right;
    if (has_no_figures(a) != has_no_figures(b))
        return has_no_figures(a) - has_no_figures(b);
    return (a->ns > b->ns) - (a->ns < b->ns);
}

/// A tie is with the first of those that tie, so that small steps do not add up to one rank for all.
static void rank(struct bench_comparison *comparison)
{
    struct bench_contestant *all = comparison->contestant;
    const size_t count = comparison->choice.drivers;
    qsort(all, count, sizeof *all, by_ratio);
    for (size_t i = 0, first = 0; i < count; i++) {
        if (all[i].ratio > all[first].ratio * SAME_RATIO)
            first = i;
        all[i].rank_by_ratio = first + 1;
    }
    qsort(all, count, sizeof *all, by_ns);
    for (size_t i = 0, first = 0; i < count; i++) {
        if (all[i].least_ns > all[first].ns)
            first = i;
        all[i].rank_by_ns = first + 1;
    }
}

static bool compare(struct bench_comparison *comparison)
{
    if (comparison->choice.plot && !bench_plot_ready(comparison->choice.plot))
        return false;
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        comparison->contestant[i].driver = i;
    if (!run_rounds(comparison))
        return false;
    rank(comparison);
    if (comparison->choice.json && !bench_compare_print_json(stdout, comparison))
        return false;
    if (!comparison->choice.json)
        bench_compare_print(stdout, comparison);
    return !comparison->choice.plot || bench_compare_draw(comparison);
}

int bench_compare_run(int argc, char **argv)
{
    struct bench_comparison *comparison = calloc(1, sizeof *comparison);
    if (!comparison) {
        fprintf(stderr, "steve bench: memory is short\n");
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = bench_choice_parse(argc, argv, usage, DEFAULT_DRIVERS, &comparison->choice);
    if (status) {
        free(comparison);
        return status == 1 ? STEVE_EXIT_PASS : STEVE_EXIT_USAGE;
    }
    comparison->live = comparison->choice.quick ? QUICK_LIVE : LIVE;
    comparison->rounds = comparison->choice.quick ? 1 : ROUNDS;
    comparison->cap_ns = comparison->choice.cap_ns ? comparison->choice.cap_ns : CAP_NS;
    bool done = compare(comparison);
    free(comparison);
    return done ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}
