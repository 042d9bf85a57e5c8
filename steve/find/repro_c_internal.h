/// What the files of repro_c.h share: the parts of the program that are the same for every sequence, and the writing of the rest.
#ifndef STEVE_FIND_REPRO_C_INTERNAL_H
#define STEVE_FIND_REPRO_C_INTERNAL_H

#include "steve/find/repro_c.h"

// repro_c_text.c
extern const char steve_repro_region[];
extern const char steve_repro_state[];
extern const char steve_repro_place[];
extern const char steve_repro_look[];
extern const char steve_repro_watch[];

// repro_c_ops.c
extern const char steve_repro_blocks[];
extern const char steve_repro_change[];
extern const char steve_repro_locks[];
extern const char steve_repro_compact[];
extern const char steve_repro_drain[];
extern const char steve_repro_misuse[];

/// A placeholder and what stands for it.
struct steve_repro_value {
    const char *name; ///< without the $; NULL ends a list
    const char *text;
};

/// Writes a snippet with its placeholders filled in. The longest name wins; what is not in the list stays as it is.
void steve_repro_expand(FILE *out, const char *snippet, const struct steve_repro_value *values);

// repro_c_calls.c

/// How many ops the program carries out: up to the finding.
size_t steve_repro_ops(const struct steve_repro_c *repro);

/// Writes the calls of run().
void steve_repro_print_ops(FILE *out, const struct steve_repro_c *repro);

#endif
