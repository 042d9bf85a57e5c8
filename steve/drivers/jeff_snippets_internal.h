/// How a client of Jeff's writes what Steve's drivers do: see jeff_snippets.c.
#ifndef STEVE_DRIVERS_JEFF_SNIPPETS_INTERNAL_H
#define STEVE_DRIVERS_JEFF_SNIPPETS_INTERNAL_H

#include "steve/driver.h"

extern const struct steve_snippets steve_jeff_snippets;
extern const struct steve_snippets steve_jeff_align8_snippets;
extern const struct steve_snippets steve_jeff_scramble_snippets;
extern const struct steve_snippets steve_jeff_mapped_snippets;

#endif
