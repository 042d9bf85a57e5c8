/// The bench over any drivers: one driver through a script, in a child process.
#ifndef STEVE_CLI_BENCH_LIFE_H
#define STEVE_CLI_BENCH_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/driver.h"

struct bench_life_task {
    const struct steve_driver *driver;
    int script;      ///< file number, from bench_script_share()
    uint64_t cap_ns; ///< processor time
    unsigned passes; ///< the script is gone through so many times, on fresh heaps
    bool asks;       ///< at each sample for the largest request that is served; then no time is taken
};

enum { BENCH_LIFE_SAMPLES = 64 };

/// How things are at some point of the first pass.
struct bench_life_sample {
    size_t calls;     ///< made by then
    size_t payload;   ///< bytes that live blocks were asked for
    size_t footprint; ///< bytes of resident memory beyond those before the heap was opened
    size_t free;      ///< bytes of the heap beyond the payload: the largest request, if nothing else took memory
    size_t largest;   ///< request that is served; BENCH_ROOM_UNKNOWN: not told
};

enum bench_life_end {
    BENCH_LIFE_DONE,
    BENCH_LIFE_CAPPED,
    BENCH_LIFE_FAILED, ///< a message has been printed
};

struct bench_life {
    double ns;      ///< of processor time a call, blocks written included
    size_t refused; ///< requests of a pass
    struct bench_life_sample sample[BENCH_LIFE_SAMPLES];
    size_t samples;
};

enum bench_life_end bench_life_measure(const struct bench_life_task *task, struct bench_life *life);

/// The child's side: the arguments after `--life`. Ends the process, or @return the exit status
int bench_life_child(int argc, char **argv);

#endif
