/// The bench of growth: which points are measured, and when a driver is left behind.
#include "steve/cli/bench_scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steve/cli/bench_plot.h"
#include "steve/cli/cli.h"

#define DEFAULT_DRIVERS "jeff,freelist,freelist-best,freelist-size,tree-size,tree-addr,combo,buddy,libc"
#define CAP_NS          UINT64_C(5000000000)
#define QUICK_CAP_NS    UINT64_C(300000000)

static const char usage[] =
    "usage: steve bench --scaling [--drivers A,B,...] [--cap TIME] [--seed N] [--quick] [--json] [--plot DIR]\n"
    "\n"
    "How the cost of malloc and free grows with the number of live blocks: each driver is measured at 10^2 to 10^6 of\n"
    "them, with half as many holes between them, and a function of n is fitted to what it costs: constant, log n or "
    "n.\n"
    "Instructions are counted (on x86-64): they grow as the algorithm does. Times grow with cache misses, too.\n"
    "`malloc-large` is a request that no hole is large enough for.\n"
    "\n"
    "  --drivers A,B,...  drivers as in `steve drivers`, ./mine.so, malloc:LIBRARY, or mimalloc, jemalloc, tcmalloc\n"
    "                     (default: " DEFAULT_DRIVERS ")\n"
    "  --cap TIME         processor time that each of preparing, counting and timing a point may take (default 5s). A\n"
    "                     driver that is not ready by then is not measured with more blocks\n"
    "  --seed N           of sizes and victims, the same for all (default 1)\n"
    "  --quick            a few seconds, 100 to 1000 blocks, to see that it works\n"
    "  --json             one JSON document instead of tables\n"
    "  --plot DIR         a plot of each table as DIR/scaling-*.svg, and the gnuplot scripts that drew them\n"
    "  --help             this text\n";

const char *const bench_measure_names[BENCH_MEASURES] = {"instructions", "ns"};

/// On a terminal alone.
static void show_progress(const struct bench_scaling *scaling, size_t driver, size_t point)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%.0f blocks: %s", scaling->live[point], scaling->choice.driver[driver]->name);
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

/// @return false after a message
static bool measure(struct bench_scaling *scaling, size_t driver, size_t at)
{
    struct bench_curve *curve = &scaling->curve[driver];
    const struct bench_point_task task = {
        .driver = scaling->choice.driver[driver],
        .live = (size_t)scaling->live[at],
        .cap_ns = scaling->cap_ns,
        .seed = scaling->choice.seed,
        .uncounted = curve->uncounted,
    };
    struct bench_point point;
    show_progress(scaling, driver, at);
    enum bench_point_end end = bench_point_measure(&task, &point);
    if (end == BENCH_POINT_CAPPED || end == BENCH_POINT_REFUSED) {
        curve->stopped = at;
        curve->refused = end == BENCH_POINT_REFUSED;
        return true;
    }
    for (int op = 0; op < BENCH_POINT_OPS; op++) {
        curve->cost[BENCH_INSTRUCTIONS][op][at] = point.instructions[op];
        curve->cost[BENCH_NS][op][at] = point.ns[op];
        curve->uncounted |= isfinite(point.instructions[op]) ? 0 : 1u << op;
    }
    return end == BENCH_POINT_DONE;
}

static void forget(struct bench_curve *curve)
{
    curve->stopped = BENCH_SCALING_POINTS;
    for (int measure = 0; measure < BENCH_MEASURES; measure++)
        for (int op = 0; op < BENCH_POINT_OPS; op++)
            for (int at = 0; at < BENCH_SCALING_POINTS; at++)
                curve->cost[measure][op][at] = NAN;
}

/// Every driver is measured at a number of blocks before any is at the next. @return false after a message
static bool measure_all(struct bench_scaling *scaling)
{
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++)
        forget(&scaling->curve[driver]);
    for (size_t at = 0; at < scaling->points; at++)
        for (size_t driver = 0; driver < scaling->choice.drivers; driver++)
            if (scaling->curve[driver].stopped == BENCH_SCALING_POINTS && !measure(scaling, driver, at))
                return false;
    return true;
}

static void fit_all(struct bench_scaling *scaling)
{
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++)
        for (int measure = 0; measure < BENCH_MEASURES; measure++)
            for (int op = 0; op < BENCH_POINT_OPS; op++) {
                struct bench_curve *curve = &scaling->curve[driver];
                curve->fit[measure][op] = bench_fit(scaling->live, curve->cost[measure][op], scaling->points);
            }
}

int bench_scaling_run(int argc, char **argv)
{
    struct bench_scaling *scaling = calloc(1, sizeof *scaling);
    if (!scaling) {
        fprintf(stderr, "steve bench: memory is short\n");
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = bench_choice_parse(argc, argv, usage, DEFAULT_DRIVERS, &scaling->choice);
    if (status) {
        free(scaling);
        return status == 1 ? STEVE_EXIT_PASS : STEVE_EXIT_USAGE;
    }
    scaling->cap_ns = scaling->choice.quick ? QUICK_CAP_NS : CAP_NS;
    if (scaling->choice.cap_ns)
        scaling->cap_ns = scaling->choice.cap_ns;
    scaling->points = scaling->choice.quick ? 3 : BENCH_SCALING_POINTS;
    for (size_t at = 0; at < scaling->points; at++)
        scaling->live[at] = round(pow(10, 2 + (double)at / 2));

    bool done = (!scaling->choice.plot || bench_plot_ready(scaling->choice.plot)) && measure_all(scaling);
    clear_progress();
    if (done) {
        fit_all(scaling);
        if (scaling->choice.json)
            done = bench_scaling_print_json(stdout, scaling);
        else
            bench_scaling_print(stdout, scaling);
        done = done && (!scaling->choice.plot || bench_scaling_draw(scaling));
    }
    free(scaling);
    return done ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}
