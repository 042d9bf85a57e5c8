/// What `steve run --exhaustive` says about its scope: the alphabet and how many sequences there are, before and after.
#ifndef STEVE_CLI_SCOPE_H
#define STEVE_CLI_SCOPE_H

#include <stdio.h>

#include "steve/gen/exhaustive.h"

/// The alphabet, the number of sequences, and how long that may take if it is long.
void steve_scope_print(FILE *out, const struct steve_exhaustive *all, unsigned jobs);

/// How many were run. @param voided how many of them proved the same as shorter ones
void steve_scope_print_result(FILE *out, const struct steve_exhaustive *all, uint64_t run, uint64_t voided);

#endif
