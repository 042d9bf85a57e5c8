/// The bench: what is measured in a run, and the tables that say what came out.
#ifndef STEVE_CLI_BENCH_PLAN_INTERNAL_H
#define STEVE_CLI_BENCH_PLAN_INTERNAL_H

#include "steve/cli/bench_internal.h"

enum { BENCH_LIVE_COUNTS = 4, BENCH_VERSION = 32 };

/// How much is measured, and with whom.
struct bench_plan {
    unsigned rounds;
    uint64_t seed;
    size_t live[BENCH_LIVE_COUNTS]; ///< numbers of live blocks, for pairs and locks
    size_t live_counts;
    size_t pairs;          ///< measured in a task
    size_t compact_blocks; ///< before half of them is freed
    size_t pause_blocks;
    size_t pauses; ///< a round
    bool with[BENCH_ALLOCATORS];
    char version[BENCH_ALLOCATORS][BENCH_VERSION];
};

/// Each runs its tasks and prints a table. @return false after a message if a child failed
bool bench_table_pairs(const struct bench_plan *plan, unsigned touched_bytes);
bool bench_table_locks(const struct bench_plan *plan);
bool bench_table_compaction(const struct bench_plan *plan);
bool bench_table_pauses(const struct bench_plan *plan);

#endif
