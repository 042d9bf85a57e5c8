/// The bench over any drivers (`--scaling`, `--compare`): its options.
#ifndef STEVE_CLI_BENCH_CHOICE_H
#define STEVE_CLI_BENCH_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/driver.h"

enum { BENCH_CHOICE_DRIVERS = 24 };

struct bench_choice {
    const struct steve_driver *driver[BENCH_CHOICE_DRIVERS];
    size_t drivers;
    uint64_t seed;   ///< 1 where nothing is said
    uint64_t cap_ns; ///< 0: not said
    bool quick;
    bool json;
    const char *plot; ///< folder; NULL: no plots
    char **file;      ///< saved sequences, or folders of them: arguments. --compare alone has them
    size_t files;
};

/// Reads the arguments after `bench`; the option that chose this bench is passed over.
/// @param usage    what --help prints
/// @param defaults drivers when none are named, separated by commas
/// @return 0 to go on, 1 if there is nothing more to do, 2 after a message about bad usage
int bench_choice_parse(int argc, char **argv, const char *usage, const char *defaults, struct bench_choice *choice);

#endif
