/// How a client of Jeff's writes what Steve's drivers do: see snippets.c.
#ifndef STEVE_DRIVERS_JEFF_SNIPPETS_INTERNAL_H
#define STEVE_DRIVERS_JEFF_SNIPPETS_INTERNAL_H

#include "steve/driver.h"

/// The driver's clock as text. @param STATS the function that asks for statistics
#define STEVE_JEFF_CLOCK_CODE(STATS)                                                                                   \
    "/// Time is virtual, so that a budget ends at the same block everywhere: 1 ns a byte moved, 16 ns a block "       \
    "visited.\n"                                                                                                       \
    "static uint64_t virtual_now(void *context)\n"                                                                     \
    "{\n"                                                                                                              \
    "    struct jeff_stats stats;\n"                                                                                   \
    "    (void)context;\n"                                                                                             \
    "    if (heap == NULL) {\n"                                                                                        \
    "        return 0; // asked while the heap is being made\n"                                                        \
    "    }\n"                                                                                                          \
    "    " STATS "(heap, &stats);\n"                                                                                   \
    "    return stats.moved_bytes + stats.visited_blocks * 16;\n"                                                      \
    "}\n"

extern const struct steve_snippets steve_jeff_snippets;
extern const struct steve_snippets steve_jeff_align8_snippets;
extern const struct steve_snippets steve_jeff_scramble_snippets;
extern const struct steve_snippets steve_jeff_mapped_snippets;

#endif
