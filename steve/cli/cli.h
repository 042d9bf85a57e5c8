/// The subcommands, one file each. main.c knows them by name.
#ifndef STEVE_CLI_CLI_H
#define STEVE_CLI_CLI_H

#include "steve/cli/options.h"

#ifndef STEVE_VERSION
#define STEVE_VERSION "0.1.0"
#endif

/// The exit statuses.
enum steve_exit {
    STEVE_EXIT_PASS = 0,
    STEVE_EXIT_FOUND = 1,
    STEVE_EXIT_USAGE = 2,       ///< bad usage or bad input
    STEVE_EXIT_ENVIRONMENT = 3, ///< no process, no memory, ...
};

/// Each carries out one subcommand and returns the exit status.
int steve_cli_run(const struct steve_options *options);
int steve_cli_replay(const struct steve_options *options);
int steve_cli_shrink(const struct steve_options *options);
int steve_cli_show(const struct steve_options *options);
int steve_cli_encode(const struct steve_options *options);
int steve_cli_new_driver(const struct steve_options *options);
int steve_cli_drivers(const struct steve_options *options);
int steve_cli_profiles(const struct steve_options *options);
int steve_cli_oracles(const struct steve_options *options);
int steve_cli_locks(const struct steve_options *options);

/// bench.c: parses its own options; argv[0] is "bench".
int steve_cli_bench(int argc, char **argv);

#endif
