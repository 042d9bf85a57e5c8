/// `steve bench --scaling`: how the cost of each op grows with the number of live blocks.
///
///     bench_choice.c         options
///     bench_scaling.c        which points are measured, and when a driver is left behind
///     bench_point.c          one driver at one number of blocks, in a child
///     bench_steps.c          counting instructions
///     bench_growth.c         fits
///     bench_scaling_table.c  what people read
///     bench_scaling_json.c   what machines read
///     bench_scaling_plot.c   the plots, which bench_plot.c draws
#ifndef STEVE_CLI_BENCH_SCALING_H
#define STEVE_CLI_BENCH_SCALING_H

#include <stdio.h>

#include "steve/cli/bench_choice.h"
#include "steve/cli/bench_growth.h"
#include "steve/cli/bench_point.h"

enum { BENCH_SCALING_POINTS = 9 };

enum bench_measure { BENCH_INSTRUCTIONS, BENCH_NS, BENCH_MEASURES };
extern const char *const bench_measure_names[BENCH_MEASURES];

/// What one driver costs: NAN where it was not measured.
struct bench_curve {
    double cost[BENCH_MEASURES][BENCH_POINT_OPS][BENCH_SCALING_POINTS];
    struct bench_fit fit[BENCH_MEASURES][BENCH_POINT_OPS];
    size_t stopped;     ///< the point that it was too slow for; BENCH_SCALING_POINTS: none
    unsigned uncounted; ///< bit op set: its instructions were too many to be counted
    bool refused;       ///< it was not too slow, but did not give so many blocks
};

struct bench_scaling {
    struct bench_choice choice;
    double live[BENCH_SCALING_POINTS]; ///< blocks
    size_t points;
    uint64_t cap_ns;
    struct bench_curve curve[BENCH_CHOICE_DRIVERS];
};

void bench_scaling_print(FILE *out, const struct bench_scaling *scaling);

/// Prints {machine, seed, cap_ms, large_bytes, points: [{driver, op, live, instructions, ns}],
/// fits: [{driver, op, measure, grows, errors: {constant, "log n", n}, points, least, most}], stopped: [{driver, live, why}]}.
/// What was not measured is null. @return false after a message
bool bench_scaling_print_json(FILE *out, const struct bench_scaling *scaling);

/// Draws a plot for each op and measure into the folder of --plot. @return false after a message
bool bench_scaling_draw(const struct bench_scaling *scaling);

/// @return the exit status
int bench_scaling_run(int argc, char **argv);

#endif
