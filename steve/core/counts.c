/// Adding up the counts of several executors.
#include "steve/core/exec.h"

void steve_counts_add(struct steve_counts *sum, const struct steve_counts *more)
{
    sum->ops += more->ops;
    for (unsigned kind = 0; kind < STEVE_KIND_COUNT; kind++) {
        for (unsigned outcome = 0; outcome < 3; outcome++) {
            sum->by_kind[kind][outcome] += more->by_kind[kind][outcome];
        }
    }
    sum->compactions += more->compactions;
    sum->compaction_blocks += more->compaction_blocks;
    sum->compaction_locked_blocks += more->compaction_locked_blocks;
    sum->compaction_bytes += more->compaction_bytes;
    sum->compaction_locked_bytes += more->compaction_locked_bytes;
    sum->moved_blocks += more->moved_blocks;
    sum->peak_blocks = more->peak_blocks > sum->peak_blocks ? more->peak_blocks : sum->peak_blocks;
}
