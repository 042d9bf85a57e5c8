/// Findings in words.
#include "steve/report/finding.h"

#include <inttypes.h>

#include "steve/core/codec.h"

/// How many ops before the broken one report.txt shows.
#define LAST_OPS 20u

static void print_op(FILE *out, const struct steve_sequence *sequence, uint64_t index)
{
    char text[128];
    if (index < sequence->count) {
        steve_text_op(sequence->ops[index], text, sizeof text);
        fprintf(out, "%s", text);
    } else {
        fprintf(out, "after the last op");
    }
}

static void print_what(FILE *out, const struct steve_finding_story *story)
{
    const struct steve_finding *finding = &story->found->finding;
    fprintf(out, "finding: oracle %s broken at op %" PRIu64 " (", steve_oracle_name(finding->oracle), finding->op);
    print_op(out, &story->found->sequence, finding->op);
    fprintf(out, ")%s%s\n", story->origin != NULL ? " of " : "", story->origin != NULL ? story->origin : "");
    fprintf(out, "  what     %s\n", finding->what);
}

static void print_again(FILE *out, const struct steve_finding_story *story)
{
    if (story->folder != NULL) {
        fprintf(out, "  saved    %s\n", story->folder);
    }
    if (story->unsaved != NULL) {
        fprintf(out, "  not saved: %s\n", story->unsaved);
    }
    if (story->replay != NULL) {
        fprintf(out, "  again    %s\n", story->replay);
    }
    if (story->rerun != NULL) {
        fprintf(out, "  %s    %s\n", story->replay != NULL ? "or   " : "again", story->rerun);
    }
}

void steve_print_finding(FILE *out, const struct steve_finding_story *story)
{
    print_what(out, story);
    print_again(out, story);
}

static void print_heap(FILE *out, const struct steve_header *header)
{
    fprintf(out, "  driver   %s\n", header->driver);
    fprintf(out, "  heap     %" PRIu64 " bytes, base offset %u, memory %s, options 0x%02x\n", header->heap_bytes,
            (unsigned)header->base_offset, header->dirty ? "dirty" : "zero", (unsigned)header->options);
}

static void print_last_ops(FILE *out, const struct steve_found *found)
{
    const struct steve_sequence *sequence = &found->sequence;
    uint64_t end = found->finding.op < sequence->count ? found->finding.op + 1 : sequence->count;
    uint64_t begin = end > LAST_OPS ? end - LAST_OPS : 0;
    fprintf(out, "\nThe last %" PRIu64 " of %zu ops (full.ops has them all):\n\n", end - begin, sequence->count);
    for (uint64_t i = begin; i < end; i++) {
        fprintf(out, "%s %8" PRIu64 "  ", i == found->finding.op ? ">" : " ", i);
        print_op(out, sequence, i);
        fputc('\n', out);
    }
}

void steve_print_report(FILE *out, const struct steve_finding_story *story)
{
    const struct steve_finding *finding = &story->found->finding;
    fprintf(out, "steve %s\n\n", story->version);
    print_what(out, story);
    fprintf(out, "  holds    when %s\n", steve_oracle_holds_when(finding->oracle));
    if (finding->has_slot) {
        fprintf(out, "  slot     s%u\n", (unsigned)finding->slot);
    }
    print_heap(out, &story->found->sequence.header);
    print_again(out, story);
    if (story->replay != NULL) {
        fprintf(out, "  gdb      gdb --args %s --no-isolate\n", story->replay);
    }
    print_last_ops(out, story->found);
}
