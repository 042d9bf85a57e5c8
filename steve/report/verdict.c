/// The verdict line.
#include "steve/report/verdict.h"

#include <inttypes.h>

#include "steve/report/word.h"

/// What all was drawn from.
static void print_origin(FILE *out, const struct steve_verdict *v)
{
    if (v->exhaustive != 0) {
        fprintf(out, " exhaustive=%u", v->exhaustive);
    } else {
        fprintf(out, " seed=%" PRIu64, v->seed);
    }
}

static void print_where(FILE *out, const struct steve_verdict *v)
{
    fprintf(out, " oracle=%s", v->oracle);
    if (v->has_seed) {
        print_origin(out, v);
        fprintf(out, " episode=%" PRIu64 " op=%" PRIu64, v->episode, v->op);
    } else {
        fprintf(out, " file=");
        steve_print_word(out, v->file);
        fprintf(out, " op=%" PRIu64 " files=%" PRIu64, v->op, v->files);
    }
}

void steve_print_verdict(FILE *out, const struct steve_verdict *v)
{
    const struct steve_run_result *result = v->result;
    fprintf(out, "verdict=%s", v->failed ? "fail" : "pass");
    if (v->failed) {
        print_where(out, v);
    } else if (v->has_seed) {
        print_origin(out, v);
        fprintf(out, " episodes=%" PRIu64, result->episodes);
    } else {
        fprintf(out, " files=%" PRIu64, v->files);
    }
    fprintf(out, " ops=%" PRIu64 " digest=%016" PRIx64 " seconds=%.2f", result->ops, result->digest, result->seconds);
    if (v->failed) {
        fprintf(out, " reproducer=");
        steve_print_word(out, v->reproducer != NULL ? v->reproducer : "none");
        fprintf(out, " repro_ops=%" PRIu64, v->repro_ops);
    }
    if (v->has_findings) {
        fprintf(out, " findings=%" PRIu64, v->findings);
    }
    if (v->has_known) {
        fprintf(out, " known=%" PRIu64, v->known);
    }
    fputc('\n', out);
    fflush(out);
}
