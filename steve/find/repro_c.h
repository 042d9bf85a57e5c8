/// Writing `repro.c`: a stand-alone C program that shows a finding through the allocator's own public API, from the call snippets
/// that a driver supplies (struct steve_snippets).
///
///     comment      what was found, the command that compiles and runs it, the ops as text
///     the heap     made as Steve made it: same address where it can be had, size, offset, memory, options
///     the checks   what Steve's oracles check, after every op (repro_c_text.c, repro_c_ops.c)
///     the ops      one call each, in run()
///
/// It exits with 1 and a sentence where the bug is present, and with 0 where it is not. What an op refuses or makes is judged
/// while it runs, so that the same program is right for the broken allocator and the mended one.
#ifndef STEVE_FIND_REPRO_C_H
#define STEVE_FIND_REPRO_C_H

#include <stdio.h>

#include "steve/core/op.h"
#include "steve/core/oracle.h"
#include "steve/driver.h"

/// Longer sequences make no program that a person, or a compiler, would want to read.
#define STEVE_REPRO_C_OPS_MOST ((size_t)20000)

struct steve_repro_c {
    const struct steve_driver *driver;
    const struct steve_sequence *sequence;
    const struct steve_finding *finding;
    enum steve_check_level level; ///< that it was found with: it decides which compactions are done twice
    uint64_t memory_bytes;        ///< resident memory that the process may take; 0: 2 GiB
    const char *file;             ///< the program's path, as a shell takes it
};

/// @return NULL if such a program can be written; else why not: a sentence in static memory
const char *steve_repro_c_obstacle(const struct steve_repro_c *repro);

/// Writes the program. There must be no obstacle. @return false if writing failed
bool steve_repro_c_print(FILE *out, const struct steve_repro_c *repro);

/// Writes the command that compiles and runs it, without a line end. There must be no obstacle.
void steve_repro_c_print_command(FILE *out, const struct steve_repro_c *repro);

#endif
