/// The closing table, in two halves side by side.
#include "steve/report/table.h"

#include "steve/report/figures.h"

static bool came(const struct steve_counts *counts, enum steve_op_kind kind)
{
    const uint64_t *by_outcome = counts->by_kind[kind];
    return (by_outcome[0] | by_outcome[1] | by_outcome[2]) != 0;
}

static void print_head(FILE *out)
{
    fprintf(out, "%-14s %7s %7s %7s", "op", "done", "refused", "skipped");
}

static void print_kind(FILE *out, const struct steve_counts *counts, enum steve_op_kind kind)
{
    fprintf(out, "%-14s", steve_op_kind_name(kind));
    for (int outcome = 0; outcome < 3; outcome++) {
        char figure[STEVE_FIGURE_SIZE];
        fprintf(out, " %7s", steve_figure(counts->by_kind[kind][outcome], figure));
    }
}

/// Of an allocator that never compacted and never moved a block there is nothing to say but how many blocks there were.
static void print_compactions(FILE *out, const struct steve_counts *counts)
{
    char compactions[STEVE_FIGURE_SIZE], moved[STEVE_FIGURE_SIZE], peak[STEVE_FIGURE_SIZE];
    if (counts->compactions > 0) {
        fprintf(out, "compactions %s; locked when they came: %.1f%% of the blocks, %.1f%% of the bytes\n",
                steve_figure(counts->compactions, compactions),
                steve_percent(counts->compaction_locked_blocks, counts->compaction_blocks),
                steve_percent(counts->compaction_locked_bytes, counts->compaction_bytes));
    }
    if (counts->compactions > 0 || counts->moved_blocks > 0) {
        fprintf(out, "moves seen %s, ", steve_figure(counts->moved_blocks, moved));
    }
    fprintf(out, "most live blocks at a time %s\n", steve_figure(counts->peak_blocks, peak));
}

void steve_print_table(FILE *out, const struct steve_counts *counts)
{
    enum steve_op_kind kinds[STEVE_KIND_COUNT];
    int count = 0;
    for (int kind = STEVE_KIND_NONE + 1; kind < STEVE_KIND_COUNT; kind++) {
        if (came(counts, (enum steve_op_kind)kind)) {
            kinds[count++] = (enum steve_op_kind)kind;
        }
    }
    if (count == 0) {
        return;
    }
    int rows = (count + 1) / 2;
    for (int row = -1; row < rows; row++) {
        for (int half = 0; half < 2; half++) {
            int at = row + half * rows;
            if (half == 1 && (row < 0 ? rows : at) >= count) {
                break;
            }
            fputs(half == 0 ? "" : "  ", out);
            if (row < 0) {
                print_head(out);
            } else {
                print_kind(out, counts, kinds[at]);
            }
        }
        fputc('\n', out);
    }
    print_compactions(out, counts);
}
