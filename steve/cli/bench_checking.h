/// `steve bench --checking`: what checking costs, on the same ops.
#ifndef STEVE_CLI_BENCH_CHECKING_H
#define STEVE_CLI_BENCH_CHECKING_H

/// @return the exit status
int bench_checking_run(int argc, char **argv);

#endif
