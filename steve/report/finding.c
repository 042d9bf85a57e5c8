/// Findings in words.
#include "steve/report/finding.h"

#include <inttypes.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/core/external.h"
#include "steve/report/picture.h"

/// How many ops before the broken one report.txt shows.
#define LAST_OPS 20u

#define REPORT_COLUMNS 100

static void print_op(FILE *out, const struct steve_sequence *sequence, uint64_t index)
{
    char text[128];
    if (index < sequence->count) {
        if (sequence->header.threads > 1) {
            fprintf(out, "@%u ", steve_op_thread(sequence->ops[index]) % sequence->header.threads);
        }
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

/// What became of a finding that threads made.
static void print_threads(FILE *out, const struct steve_threads_seen *seen)
{
    if (seen->count == 0) {
        return;
    }
    fprintf(out, "  threads  ");
    if (seen->alone) {
        fprintf(out, "%u broke the oracle %s; one thread shows it, too, by the interleaving that was seen\n",
                seen->count, steve_oracle_name(seen->oracle));
    } else {
        fprintf(out, "%u broke it; one thread does not, by the interleaving that was seen; %u again: %u of %u times\n",
                seen->count, seen->count, seen->shown, seen->tries);
    }
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
    print_threads(out, &story->found->threads);
    print_again(out, story);
}

/// Writes a sentence, broken between words, in lines that all begin like the first.
static void print_wrapped(FILE *out, const char *text, size_t indent)
{
    size_t column = indent;
    for (const char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " ");
        if (column > indent && column + 1 + length > REPORT_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(out, "%s%.*s", column > indent ? " " : "", (int)length, word);
        column += length + 1;
        word += length;
        word += strspn(word, " ");
    }
    fputc('\n', out);
}

static void print_field(FILE *out, const char *name, const char *text)
{
    fprintf(out, "  %-8s ", name);
    print_wrapped(out, text, 11);
}

static void print_heap(FILE *out, const struct steve_header *header, const struct steve_driver *driver)
{
    fprintf(out, "  heap     %" PRIu64 " bytes, base offset %u, memory %s, options", header->heap_bytes,
            (unsigned)header->base_offset, header->dirty ? "dirty" : "zero");
    unsigned named = 0;
    for (unsigned i = 0; driver != NULL && driver->options != NULL && driver->options[i] != NULL && i < 8; i++) {
        if ((header->options >> i & 1u) != 0) {
            fprintf(out, "%s %s", named++ > 0 ? "," : "", driver->options[i]);
        }
    }
    fprintf(out, "%s\n", named == 0 ? " none" : "");
}

static void print_summary(FILE *out, const struct steve_finding_story *story, const struct steve_found *shown)
{
    const struct steve_finding *finding = &shown->finding;
    const struct steve_header *header = &shown->sequence.header;
    fprintf(out, "The oracle %s is broken", steve_oracle_name(finding->oracle));
    if (finding->op < shown->sequence.count) {
        fprintf(out, " at op %" PRIu64 " (", finding->op);
        print_op(out, &shown->sequence, finding->op);
        fputc(')', out);
    } else {
        fputs(" in the checks after the last op", out);
    }
    fputs(".\n\n", out);
    print_field(out, "rule", steve_oracle_holds_when(finding->oracle));
    print_field(out, "broken", finding->what);
    fprintf(out, "  driver   %s, as of steve %s\n", header->driver, story->version);
    print_heap(out, header, story->driver);
    print_threads(out, &story->found->threads);
    if (story->origin != NULL) {
        fprintf(out, "  found    %s, op %" PRIu64 "\n", story->origin, story->found->finding.op);
    }
    if (shown != story->found && strcmp(finding->what, story->found->finding.what) != 0) {
        print_field(out, "there", story->found->finding.what);
    }
}

/// Where the ops that are shown end. What other threads do next may be part of it.
static uint64_t last_shown(const struct steve_found *shown)
{
    const struct steve_sequence *sequence = &shown->sequence;
    uint64_t end = shown->finding.op + 1 + (sequence->header.threads > 1 ? LAST_OPS / 2 : 0);
    return end < sequence->count ? end : sequence->count;
}

static void print_ops(FILE *out, const struct steve_found *shown, bool is_full)
{
    const struct steve_sequence *sequence = &shown->sequence;
    uint64_t end = last_shown(shown);
    uint64_t begin = end > LAST_OPS ? end - LAST_OPS : 0;
    if (begin == 0) {
        fprintf(out, "\nThe ops (repro.ops%s):\n\n", is_full ? "" : ", shrunk from full.ops");
    } else {
        fprintf(out, "\nThe %s %" PRIu64 " of %zu ops (repro.ops has them all):\n\n",
                end == sequence->count ? "last" : "nearest", end - begin, sequence->count);
    }
    for (uint64_t i = begin; i < end; i++) {
        fprintf(out, "  %s %6" PRIu64 "  ", i == shown->finding.op ? ">" : " ", i);
        print_op(out, sequence, i);
        fputc('\n', out);
    }
    if (shown->finding.op >= sequence->count) {
        fputs("  >    end  all blocks are looked at, unlocked and freed\n", out);
    }
}

/// A sudden end leaves the log and nothing else.
static void print_scene(FILE *out, const struct steve_found *shown)
{
    const struct steve_scene *scene = &shown->scene;
    if (shown->sequence.header.threads > 1) {
        fputs("\nThere is no picture of the heap: other threads were at work.\n", out);
        return;
    }
    if (!scene->taken) {
        fputs("\nThere is no picture of the heap: the process ended, or had to be ended, in the middle of an op.\n",
              out);
        return;
    }
    fprintf(out, "\nThe heap at that moment, as last seen: %" PRIu64 " live block%s", scene->live_blocks,
            scene->live_blocks == 1 ? "" : "s");
    fprintf(out, " (%" PRIu64 " bytes asked for), %" PRIu64 " locked, %" PRIu64 " purged; offsets are from %s.\n\n",
            scene->live_bytes, scene->locked_blocks, scene->purged_blocks,
            scene->has_region ? "the heap's base" : "the lowest block shown");
    steve_print_picture(out, scene, &shown->finding);
    fputc('\n', out);
    steve_print_blocks(out, scene, &shown->finding);
    if (scene->dump != STEVE_SCENE_NO_BYTES) {
        fputs("\nThe bytes:\n\n", out);
        steve_print_bytes(out, scene);
    }
}

static void print_commands(FILE *out, const struct steve_finding_story *story, bool has_scene)
{
    if (story->replay != NULL) {
        fprintf(out, "\nTo see it again:\n\n    %s\n", story->replay);
        fprintf(out, "\nUnder gdb (%s):\n\n",
                has_scene ? "steve_broken() is called where an oracle breaks"
                          : "a crash stops there by itself; stop an endless loop with Ctrl-C");
        const struct steve_external *external = story->driver != NULL ? steve_external_of(story->driver) : NULL;
        fputs("    gdb ", out);
        if (external != NULL && external->preload != NULL) {
            fprintf(out, "-ex 'set environment LD_PRELOAD %s' ", external->preload);
        }
        fprintf(out, "-ex 'break steve_broken' -ex run --args %s --no-isolate\n", story->replay);
    }
    if (story->rerun != NULL) {
        fprintf(out, "\nAs it was found, from the seed:\n\n    %s\n", story->rerun);
    }
    if (story->program != NULL) {
        fprintf(out, "\nWithout Steve, %s:\n\n    %s\n",
                story->program_where != NULL ? story->program_where : "with repro.c", story->program);
    } else if (story->no_program != NULL) {
        fprintf(out, "\nThere is no repro.c: %s.\n", story->no_program);
    }
}

void steve_print_report(FILE *out, const struct steve_finding_story *story)
{
    const struct steve_found *shown = story->repro != NULL ? story->repro : story->found;
    print_summary(out, story, shown);
    print_ops(out, shown, shown == story->found);
    print_scene(out, shown);
    print_commands(out, story, shown->scene.taken);
}
