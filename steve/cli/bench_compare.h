/// `steve bench --compare`: any drivers through the same life, ranked by time and by space.
///
///     bench_choice.c         options
///     bench_compare.c        rounds and ranks
///     bench_life.c           the life of one heap, in a child
///     bench_compare_out.c    table, document and plots
#ifndef STEVE_CLI_BENCH_COMPARE_H
#define STEVE_CLI_BENCH_COMPARE_H

#include <stdio.h>

#include "steve/cli/bench_choice.h"
#include "steve/cli/bench_life.h"

/// What the rounds of one driver say. Drivers that tie have the same rank, and the next rank is as if they had not.
struct bench_contestant {
    size_t driver;           ///< in struct bench_choice
    enum bench_life_end end; ///< without BENCH_LIFE_DONE there are no figures
    double ns, least_ns, most_ns;
    double ratio;                        ///< peak footprint over peak payload, median
    size_t peak_footprint, peak_payload; ///< of the first round
    size_t rank_by_ns, rank_by_ratio;    ///< from 1
    struct bench_life life;              ///< the first round
};

struct bench_comparison {
    struct bench_choice choice;
    size_t live;
    unsigned rounds;
    uint64_t cap_ns;
    struct bench_contestant contestant[BENCH_CHOICE_DRIVERS]; ///< fastest first, those without figures last
};

void bench_compare_print(FILE *out, const struct bench_comparison *comparison);
/// Prints {machine, seed, rounds, live, drivers: [{driver, end, ns, least_ns, most_ns, rank_by_ns, peak_footprint,
/// peak_payload, footprint_per_payload, rank_by_footprint, over_time: [{ops, payload, footprint}]}]}; `end` is `done`,
/// `cap` or `refused`, and the rest is there with `done` alone. @return false after a message
bool bench_compare_print_json(FILE *out, const struct bench_comparison *comparison);
bool bench_compare_draw(const struct bench_comparison *comparison); ///< @return false after a message

/// @return the exit status
int bench_compare_run(int argc, char **argv);

#endif
