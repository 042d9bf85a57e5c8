/// Writing the report. Whatever goes into it passes through print_escaped().
#define _GNU_SOURCE
#include "steve/report/junit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "steve/core/codec.h"

/// A reproducer of so many ops or fewer is printed; a longer one is named.
#define PRINTED_OPS 200u

struct writer {
    FILE *out;
    bool failed; ///< memory is short
};

/// As text or as the value of an attribute. Parsers make blanks of bare tabs and returns, so those are written as numbers.
static void print_escaped(struct writer *w, const char *text)
{
    char *clean = steve_clean_text(text, true);
    if (clean == NULL) {
        w->failed = true;
        return;
    }
    for (const char *at = clean; *at != '\0'; at++) {
        switch (*at) {
        case '&':
            fputs("&amp;", w->out);
            break;
        case '<':
            fputs("&lt;", w->out);
            break;
        case '>':
            fputs("&gt;", w->out);
            break;
        case '"':
            fputs("&quot;", w->out);
            break;
        case '\t':
        case '\r':
            fprintf(w->out, "&#%d;", *at);
            break;
        default:
            fputc(*at, w->out);
        }
    }
    free(clean);
}

static void print(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct writer *w, const char *format, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) {
        text = NULL;
        w->failed = true;
    }
    va_end(list);
    if (text != NULL) {
        print_escaped(w, text);
    }
    free(text);
}

static void print_attribute(struct writer *w, const char *name, const char *text)
{
    fprintf(w->out, " %s=\"", name);
    print_escaped(w, text);
    fputc('"', w->out);
}

// Findings

static void print_reproducer(struct writer *w, const struct steve_summary *summary,
                             const struct steve_summary_finding *found)
{
    if (found->sequence == NULL || found->sequence->count > PRINTED_OPS) {
        return;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    bool printed = memory != NULL && steve_text_print(summary->catalog, found->sequence, memory);
    if (memory != NULL && fclose(memory) == 0 && printed) {
        print(w, "\n%s", text);
    } else {
        w->failed = true;
    }
    free(text);
}

static void print_finding(struct writer *w, const struct steve_summary *summary,
                          const struct steve_summary_finding *found)
{
    if (found->file != NULL) {
        print(w, "%s", found->file);
    } else {
        print(w, "episode %" PRIu64, found->episode);
    }
    print(w, ", op %" PRIu64 ", seen %" PRIu64 " time%s\n", found->finding->op, found->count,
          found->count == 1 ? "" : "s");
    print(w, "%s\n", found->finding->what);
    if (found->reproducer != NULL) {
        print(w, "reproducer: %s\n", found->reproducer);
    }
    if (found->replay != NULL) {
        print(w, "again: %s\n", found->replay);
    }
    if (found->rerun != NULL) {
        print(w, "%s: %s\n", found->replay != NULL ? "or" : "again", found->rerun);
    }
    print_reproducer(w, summary, found);
    fputc('\n', w->out);
}

/// The next finding of an oracle from `*index` on. @return NULL if there is none
static const struct steve_summary_finding *next_of(const struct steve_summary *summary, enum steve_oracle oracle,
                                                   bool known, size_t *index)
{
    while (*index < summary->finding_count) {
        const struct steve_summary_finding *found = &summary->findings[(*index)++];
        if (found->finding->oracle == oracle && found->known == known) {
            return found;
        }
    }
    return NULL;
}

static void print_findings(struct writer *w, const struct steve_summary *summary, enum steve_oracle oracle, bool known)
{
    size_t index = 0;
    const struct steve_summary_finding *found;
    while ((found = next_of(summary, oracle, known, &index)) != NULL) {
        print_finding(w, summary, found);
    }
}

// Cases

static bool is_off(const struct steve_summary *summary, enum steve_oracle oracle)
{
    return (summary->setup.without >> oracle & 1u) != 0;
}

static void begin_case(struct writer *w, const struct steve_summary *summary, const char *name)
{
    char class_name[160];
    snprintf(class_name, sizeof class_name, "steve.%s",
             summary->setup.driver != NULL ? summary->setup.driver : summary->command);
    fputs("  <testcase", w->out);
    print_attribute(w, "classname", class_name);
    print_attribute(w, "name", name);
    fputs(" time=\"0\">\n", w->out);
}

static void print_case(struct writer *w, const struct steve_summary *summary, enum steve_oracle oracle)
{
    size_t index = 0;
    const struct steve_summary_finding *first = next_of(summary, oracle, false, &index);
    begin_case(w, summary, steve_oracle_name(oracle));
    if (is_off(summary, oracle)) {
        fputs("    <skipped message=\"turned off by --without\"/>\n", w->out);
    } else if (first != NULL) {
        fputs("    <failure", w->out);
        print_attribute(w, "message", first->finding->what);
        print_attribute(w, "type", steve_oracle_name(oracle));
        fputc('>', w->out);
        print_findings(w, summary, oracle, false);
        fputs("</failure>\n", w->out);
    }
    index = 0;
    if (next_of(summary, oracle, true, &index) != NULL) {
        fputs("    <system-out>known findings:\n", w->out);
        print_findings(w, summary, oracle, true);
        fputs("</system-out>\n", w->out);
    }
    fputs("  </testcase>\n", w->out);
}

/// Carries the time of the run, and what went wrong with it.
static void print_run_case(struct writer *w, const struct steve_summary *summary)
{
    begin_case(w, summary, summary->command);
    if (summary->trouble != NULL) {
        fputs("    <error", w->out);
        print_attribute(w, "message", summary->trouble);
        fputs(" type=\"environment\"/>\n", w->out);
    }
    if (summary->result->interrupted) {
        fputs("    <system-out>interrupted: the verdict is about what was run until then</system-out>\n", w->out);
    }
    fputs("  </testcase>\n", w->out);
}

static void print_property(struct writer *w, const char *name, const char *value)
{
    if (value != NULL) {
        fputs("    <property", w->out);
        print_attribute(w, "name", name);
        print_attribute(w, "value", value);
        fputs("/>\n", w->out);
    }
}

static void print_number_property(struct writer *w, const char *name, bool said, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    print_property(w, name, said ? digits : NULL);
}

static void print_properties(struct writer *w, const struct steve_summary *summary)
{
    const struct steve_summary_setup *setup = &summary->setup;
    char digest[24];
    snprintf(digest, sizeof digest, "%016" PRIx64, summary->result->digest);
    fputs("  <properties>\n", w->out);
    print_property(w, "version", summary->version);
    print_property(w, "driver", setup->driver);
    print_property(w, "against", setup->against);
    print_number_property(w, "seed", setup->has_seed, setup->seed);
    print_number_property(w, "exhaustive", setup->exhaustive != 0, setup->exhaustive);
    print_property(w, "profile", setup->profile);
    print_property(w, "lock_model", setup->lock_model);
    print_property(w, "check", setup->check);
    print_number_property(w, "episodes", true, summary->result->episodes);
    print_number_property(w, "ops", true, summary->result->ops);
    print_property(w, "digest", digest);
    print_property(w, "verdict", steve_summary_verdict(summary));
    fputs("  </properties>\n", w->out);
}

static void print_suite_begin(struct writer *w, const struct steve_summary *summary)
{
    unsigned failures = 0;
    unsigned skipped = 0;
    for (int i = 0; i < STEVE_ORACLE_COUNT; i++) {
        size_t index = 0;
        bool off = is_off(summary, (enum steve_oracle)i);
        skipped += off;
        failures += !off && next_of(summary, (enum steve_oracle)i, false, &index) != NULL;
    }
    fprintf(w->out,
            "<testsuite name=\"steve\" tests=\"%d\" failures=\"%u\" errors=\"%d\" skipped=\"%u\" time=\"%.3f\">\n",
            STEVE_ORACLE_COUNT + 1, failures, summary->trouble != NULL, skipped, summary->result->seconds);
}

bool steve_print_junit(FILE *out, const struct steve_summary *summary)
{
    struct writer w = {.out = out};
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    print_suite_begin(&w, summary);
    print_properties(&w, summary);
    print_run_case(&w, summary);
    for (int i = 0; i < STEVE_ORACLE_COUNT; i++) {
        print_case(&w, summary, (enum steve_oracle)i);
    }
    fputs("</testsuite>\n", out);
    return !w.failed && fflush(out) == 0 && ferror(out) == 0;
}
