/// `steve bench --compare`: any drivers through the same calls, ranked by time, by space and by room.
///
///     bench_choice.c         options
///     bench_script.h         the calls: a life that is drawn, or saved sequences
///     bench_life.c           one driver through them, in a child
///     bench_room.c           the largest request that a heap would serve
///     bench_compare.c        rounds and ranks
///     bench_compare_out.c    table, document and plots
#ifndef STEVE_CLI_BENCH_COMPARE_H
#define STEVE_CLI_BENCH_COMPARE_H

#include <stdio.h>

#include "steve/cli/bench_choice.h"
#include "steve/cli/bench_life.h"
#include "steve/cli/bench_script.h"

/// What drivers are ranked by.
enum bench_rank {
    BENCH_RANK_TIME,  ///< processor time a call
    BENCH_RANK_SPACE, ///< peak footprint over peak payload
    BENCH_RANK_ROOM,  ///< what one request can have of what is free
    BENCH_RANKS,
};

/// What the rounds of one driver say. Drivers that tie have the same rank, and the next rank is as if they had not.
struct bench_contestant {
    size_t driver;           ///< in struct bench_choice
    enum bench_life_end end; ///< without BENCH_LIFE_DONE there are no figures
    double ns, least_ns, most_ns;
    double ratio;                        ///< peak footprint over peak payload, median
    size_t peak_footprint, peak_payload; ///< of the first round
    double room, least_room;             ///< 0 to 1: mean and least over the first round; below 0: not told
    size_t rank[BENCH_RANKS];            ///< from 1; 0: none
    struct bench_life life;              ///< the first round
};

struct bench_comparison {
    struct bench_choice choice;
    struct bench_script script; ///< of the first round; of recorded sequences the same in all
    size_t live;                ///< blocks of the life that is drawn; 0: sequences were recorded
    size_t sequences, left_out; ///< that were recorded, and whose heaps are too large
    unsigned rounds, passes;
    uint64_t cap_ns;
    struct bench_contestant contestant[BENCH_CHOICE_DRIVERS]; ///< fastest first, those without figures last
};

/// What one request can have of what is free, 0 to 1: the opposite of fragmentation. Below 0: not told
double bench_compare_room(const struct bench_life_sample *sample);

void bench_compare_print(FILE *out, const struct bench_comparison *comparison);
/// Prints {machine, seed, rounds, live, sequences, calls, heap, drivers: [{driver, end, ns, least_ns, most_ns, rank_by_ns,
/// peak_footprint, peak_payload, footprint_per_payload, rank_by_footprint, refused, room, least_room, rank_by_room,
/// over_time: [{ops, payload, footprint, free, largest, fragmentation}]}]}; `end` is `done` or `cap`, and the rest is there
/// with `done` alone. `live` is there for a life that is drawn, `sequences` for recorded ones. What is about room is there where
/// it can be told: `largest` is the largest request that is served, `free` what the heap has beyond the payload,
/// `fragmentation` 1 - largest / free. @return false after a message
bool bench_compare_print_json(FILE *out, const struct bench_comparison *comparison);
bool bench_compare_draw(const struct bench_comparison *comparison); ///< @return false after a message

/// @return the exit status
int bench_compare_run(int argc, char **argv);

#endif
