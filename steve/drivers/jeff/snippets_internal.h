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

/// The callback `moved` as text. @param LOOK_UP and USABLE_SIZE functions @param MALLOC a request, which must be refused
#define STEVE_JEFF_MOVED_CODE(LOOK_UP, USABLE_SIZE, MALLOC)                                                            \
    "static const char *callback_damage; ///< what the callback saw that must not be\n"                                \
    "\n"                                                                                                               \
    "static void on_moved(void *context, jeff_handle moved, void *from, void *to, size_t bytes)\n"                     \
    "{\n"                                                                                                              \
    "    (void)context;\n"                                                                                             \
    "    (void)from;\n"                                                                                                \
    "    if (" LOOK_UP "(heap, moved) != to) {\n"                                                                      \
    "        callback_damage = \"the moved callback was told another address than a lock gives\";\n"                   \
    "    } else if (" USABLE_SIZE "(heap, moved) < bytes) {\n"                                                         \
    "        callback_damage = \"the moved callback was told more bytes than the block has\";\n"                       \
    "    } else if (" MALLOC " != JEFF_NULL) {\n"                                                                      \
    "        callback_damage = \"malloc was not refused inside the moved callback\";\n"                                \
    "    }\n"                                                                                                          \
    "}\n"

extern const struct steve_snippets steve_jeff_snippets;
extern const struct steve_snippets steve_jeff_align8_snippets;
extern const struct steve_snippets steve_jeff_scramble_snippets;
extern const struct steve_snippets steve_jeff_mapped_snippets;

#endif
