/// The bench: what the ops of one driver cost at one number of live blocks, measured in a child process.
#ifndef STEVE_CLI_BENCH_POINT_H
#define STEVE_CLI_BENCH_POINT_H

#include <stddef.h>
#include <stdint.h>

#include "steve/driver.h"

/// What is measured.
enum bench_point_op {
    BENCH_POINT_MALLOC,
    BENCH_POINT_FREE,
    BENCH_POINT_LARGE, ///< malloc of what no hole between blocks is large enough for
    BENCH_POINT_OPS,
};
extern const char *const bench_point_op_names[BENCH_POINT_OPS];
extern const char *const bench_point_op_titles[BENCH_POINT_OPS]; ///< of tables and plots

enum { BENCH_POINT_LARGE_BYTES = 32768 };

struct bench_point_task {
    const struct steve_driver *driver;
    size_t live;     ///< blocks; the holes between them are half as many, made of as many blocks that were freed
    uint64_t cap_ns; ///< processor time that each of preparing, counting and timing may take
    uint64_t seed;
    unsigned uncounted; ///< bit op set: its instructions are too many to be counted
};

enum bench_point_end {
    BENCH_POINT_DONE,
    BENCH_POINT_CAPPED,  ///< there were no figures by then
    BENCH_POINT_REFUSED, ///< the allocator did not give so many blocks
    BENCH_POINT_FAILED,  ///< a message has been printed
};

/// What an op costs on average; NAN where it was not measured.
struct bench_point {
    double ns[BENCH_POINT_OPS];
    double instructions[BENCH_POINT_OPS]; ///< counted one by one; on x86-64 alone
};

enum bench_point_end bench_point_measure(const struct bench_point_task *task, struct bench_point *point);

/// The child's side: the arguments after `--point`. Ends the process, or @return the exit status
int bench_point_child(int argc, char **argv);

#endif
