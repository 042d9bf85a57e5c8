/// The document, made with cJSON. Every add may fail for want of memory; cJSON then leaves the field out, so that is noted in
/// the writer and the document is not printed.
#include "steve/report/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

struct writer {
    bool failed;
};

static cJSON *checked(struct writer *w, cJSON *added)
{
    if (added == NULL) {
        w->failed = true;
    }
    return added;
}

static void add_text(struct writer *w, cJSON *object, const char *name, const char *text)
{
    if (text == NULL) {
        checked(w, cJSON_AddNullToObject(object, name));
        return;
    }
    char *clean = steve_clean_text(text, false);
    checked(w, clean != NULL ? cJSON_AddStringToObject(object, name, clean) : NULL);
    free(clean);
}

/// As it is: cJSON's own numbers are doubles, which end at 2^53.
static void add_whole(struct writer *w, cJSON *object, const char *name, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    checked(w, cJSON_AddRawToObject(object, name, digits));
}

static void add_whole_if(struct writer *w, cJSON *object, const char *name, bool said, uint64_t value)
{
    if (said) {
        add_whole(w, object, name, value);
    } else {
        checked(w, cJSON_AddNullToObject(object, name));
    }
}

static void add_bool(struct writer *w, cJSON *object, const char *name, bool value)
{
    checked(w, cJSON_AddBoolToObject(object, name, value));
}

static void add_number(struct writer *w, cJSON *object, const char *name, double value)
{
    checked(w, cJSON_AddNumberToObject(object, name, value));
}

static void add_without(struct writer *w, cJSON *options, uint32_t without)
{
    cJSON *list = checked(w, cJSON_AddArrayToObject(options, "without"));
    for (int i = 0; i < STEVE_ORACLE_COUNT; i++) {
        if ((without >> i & 1u) != 0) {
            cJSON *name = checked(w, cJSON_CreateString(steve_oracle_name((enum steve_oracle)i)));
            cJSON_AddItemToArray(list, name);
        }
    }
}

static void add_options(struct writer *w, cJSON *document, const struct steve_summary_setup *setup)
{
    cJSON *options = checked(w, cJSON_AddObjectToObject(document, "options"));
    add_whole_if(w, options, "heap_bytes", setup->heap_bytes != 0, setup->heap_bytes);
    add_whole_if(w, options, "ops", setup->ops != 0, setup->ops);
    add_whole_if(w, options, "episodes", setup->episodes != 0, setup->episodes);
    add_whole_if(w, options, "episode", setup->has_episode, setup->episode);
    add_whole_if(w, options, "time_ns", setup->time_ns != 0, setup->time_ns);
    add_whole(w, options, "jobs", setup->jobs);
    if (setup->threads > 1) {
        add_whole(w, options, "threads", setup->threads);
    }
    add_whole(w, options, "op_time_ns", setup->op_time_ns);
    add_whole(w, options, "memory_bytes", setup->memory_bytes);
    add_text(w, options, "out", setup->out);
    add_text(w, options, "known", setup->known);
    add_without(w, options, setup->without);
    add_bool(w, options, "keep_going", setup->keep_going);
    add_bool(w, options, "shrink", !setup->no_shrink);
    add_bool(w, options, "isolate", !setup->no_isolate);
}

static void add_head(struct writer *w, cJSON *document, const struct steve_summary *summary)
{
    const struct steve_summary_setup *setup = &summary->setup;
    add_text(w, document, "format", "steve-result 1");
    add_text(w, document, "version", summary->version);
    add_text(w, document, "command", summary->command);
    add_text(w, document, "verdict", steve_summary_verdict(summary));
    add_text(w, document, "trouble", summary->trouble);
    add_bool(w, document, "interrupted", summary->result->interrupted);
    add_text(w, document, "driver", setup->driver);
    add_text(w, document, "against", setup->against);
    add_whole_if(w, document, "seed", setup->has_seed, setup->seed);
    add_text(w, document, "profile", setup->profile);
    add_text(w, document, "lock_model", setup->lock_model);
    add_text(w, document, "check", setup->check);
    add_whole_if(w, document, "exhaustive", setup->exhaustive != 0, setup->exhaustive);
    add_options(w, document, setup);
}

static void add_finding(struct writer *w, cJSON *list, const struct steve_summary_finding *found)
{
    const struct steve_finding *finding = found->finding;
    cJSON *object = checked(w, cJSON_CreateObject());
    add_text(w, object, "oracle", finding != NULL ? steve_oracle_name(finding->oracle) : "roundtrip");
    add_whole_if(w, object, "episode", found->file == NULL, found->episode);
    add_whole_if(w, object, "op", finding != NULL, finding != NULL ? finding->op : 0);
    add_text(w, object, "file", found->file);
    bool has_slot = finding != NULL && finding->has_slot;
    add_whole_if(w, object, "slot", has_slot, has_slot ? finding->slot : 0);
    add_text(w, object, "what", finding != NULL ? finding->what : found->round_trip);
    add_whole(w, object, "count", found->count);
    add_bool(w, object, "known", found->known);
    add_text(w, object, "folder", found->folder);
    add_text(w, object, "reproducer", found->reproducer);
    add_whole(w, object, "repro_ops", found->sequence != NULL ? found->sequence->count : 0);
    add_text(w, object, "replay", found->replay);
    add_text(w, object, "rerun", found->rerun);
    cJSON_AddItemToArray(list, object);
}

static void add_findings(struct writer *w, cJSON *document, const struct steve_summary *summary)
{
    uint64_t known = 0;
    cJSON *list = checked(w, cJSON_AddArrayToObject(document, "findings"));
    for (size_t i = 0; i < summary->finding_count; i++) {
        add_finding(w, list, &summary->findings[i]);
        known += summary->findings[i].known;
    }
    add_whole(w, document, "findings_seen", summary->result->findings);
    add_whole(w, document, "known", known);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static void add_coverage(struct writer *w, cJSON *document, const struct steve_counts *counts)
{
    add_whole(w, document, "compactions", counts->compactions);
    cJSON *locks = checked(w, cJSON_AddObjectToObject(document, "locks"));
    add_number(w, locks, "share_of_blocks", share(counts->compaction_locked_blocks, counts->compaction_blocks));
    add_number(w, locks, "share_of_bytes", share(counts->compaction_locked_bytes, counts->compaction_bytes));
    add_whole(w, document, "moved_blocks", counts->moved_blocks);
    add_whole(w, document, "peak_blocks", counts->peak_blocks);

    cJSON *coverage = checked(w, cJSON_AddObjectToObject(document, "coverage_of_ops"));
    for (int kind = STEVE_KIND_NONE + 1; kind < STEVE_KIND_COUNT; kind++) {
        const char *name = steve_op_kind_name((enum steve_op_kind)kind);
        cJSON *outcomes = checked(w, cJSON_AddObjectToObject(coverage, name));
        add_whole(w, outcomes, "done", counts->by_kind[kind][STEVE_DONE]);
        add_whole(w, outcomes, "refused", counts->by_kind[kind][STEVE_REFUSED]);
        add_whole(w, outcomes, "skipped", counts->by_kind[kind][STEVE_SKIPPED]);
    }
}

static void add_figures(struct writer *w, cJSON *document, const struct steve_summary *summary)
{
    const struct steve_run_result *result = summary->result;
    char digest[24];
    snprintf(digest, sizeof digest, "%016" PRIx64, result->digest);
    add_whole_if(w, document, "files", summary->files != 0, summary->files);
    add_whole(w, document, "episodes", result->episodes);
    add_whole(w, document, "ops", result->ops);
    add_text(w, document, "digest", digest);
    add_number(w, document, "seconds", result->seconds);
    add_number(w, document, "ops_per_second", result->seconds > 0 ? (double)result->ops / result->seconds : 0);
}

bool steve_print_json(FILE *out, const struct steve_summary *summary)
{
    struct writer w = {0};
    cJSON *document = checked(&w, cJSON_CreateObject());
    add_head(&w, document, summary);
    add_figures(&w, document, summary);
    add_findings(&w, document, summary);
    add_coverage(&w, document, &summary->result->counts);

    char *text = w.failed ? NULL : cJSON_Print(document);
    bool printed = text != NULL && fprintf(out, "%s\n", text) >= 0 && fflush(out) == 0;
    cJSON_free(text);
    cJSON_Delete(document);
    return printed;
}
