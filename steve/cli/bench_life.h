/// The bench over any drivers: one driver through the same life, in a child process.
#ifndef STEVE_CLI_BENCH_LIFE_H
#define STEVE_CLI_BENCH_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/driver.h"

struct bench_life_task {
    const struct steve_driver *driver;
    size_t live;     ///< blocks, most of the time
    uint64_t cap_ns; ///< processor time
    uint64_t seed;
};

enum { BENCH_LIFE_SAMPLES = 64 };

struct bench_life_sample {
    size_t ops;       ///< done by then: each malloc, each free
    size_t payload;   ///< bytes that live blocks were asked for
    size_t footprint; ///< bytes of resident memory beyond those before the heap was opened
};

enum bench_life_end {
    BENCH_LIFE_DONE,
    BENCH_LIFE_CAPPED,
    BENCH_LIFE_REFUSED,
    BENCH_LIFE_FAILED, ///< a message has been printed
};

struct bench_life {
    double ns; ///< of processor time an op, blocks written included
    struct bench_life_sample sample[BENCH_LIFE_SAMPLES];
    size_t samples;
};

enum bench_life_end bench_life_measure(const struct bench_life_task *task, struct bench_life *life);

/// The child's side: the arguments after `--life`. Ends the process, or @return the exit status
int bench_life_child(int argc, char **argv);

#endif
