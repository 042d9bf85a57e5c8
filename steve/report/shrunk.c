/// Shrinking in words.
#define _GNU_SOURCE
#include "steve/report/shrunk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *why_unfinished(const struct steve_shrink_report *report)
{
    if (report->finished) {
        return "";
    }
    return report->interrupted ? "; interrupted, so perhaps not the smallest"
                               : "; the time was over, so perhaps not the smallest";
}

void steve_print_shrink_report(FILE *out, const struct steve_shrink_report *report)
{
    if (!report->shown) {
        fprintf(out, "  shrunk   no: %s\n",
                report->interrupted ? "interrupted" : "flaky: run again 10 times, it did not show once");
        return;
    }
    fprintf(out, "  shrunk   %zu ops to %zu in %.2f s, %" PRIu64 " trials%s\n", report->ops_before, report->ops_after,
            report->seconds, report->trials, why_unfinished(report));
    if (report->runs_broken < report->runs) {
        fprintf(out, "  flaky    the same sequence breaks it in %u of %u runs\n", report->runs_broken, report->runs);
    }
}

void steve_print_sequence(FILE *out, const struct steve_catalog *catalog, const struct steve_sequence *sequence)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return;
    }
    bool printed = steve_text_print(catalog, sequence, memory);
    if (fclose(memory) == 0 && printed) {
        fputc('\n', out);
        for (const char *line = text; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            fprintf(out, "    %.*s\n", (int)length, line);
            line += length + (line[length] == '\n');
        }
        fputc('\n', out);
    }
    free(text);
}

void steve_print_short_sequence(FILE *out, const struct steve_catalog *catalog, const struct steve_sequence *sequence)
{
    if (sequence->count <= STEVE_SHRUNK_SEEN) {
        steve_print_sequence(out, catalog, sequence);
    }
}
