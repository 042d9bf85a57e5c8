/// The bench: this program again as a child, with a malloc library preloaded into it.
#ifndef STEVE_CLI_BENCH_PROCESS_H
#define STEVE_CLI_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct bench_process {
    pid_t pid;
    FILE *out; ///< what it prints to stdout
};

/// @param what      whom it is for, in messages
/// @param arguments of the program, from its name on, NULL at the end
/// @param preload   path or soname of the library; NULL: none
/// @param hush      its stderr goes nowhere: the loader complains about a library that is not there
/// @return false after a message
bool bench_process_start(struct bench_process *process, const char *what, char *const *arguments, const char *preload,
                         bool hush);

/// Waits until it ends. @return its status as from waitpid(), -1 if there is none
int bench_process_end(struct bench_process *process);

#endif
