/// Keeping, telling apart and announcing.
#define _GNU_SOURCE
#include "steve/cli/catalog.h"
#include "steve/cli/findings_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/cli.h"
#include "steve/cli/command.h"
#include "steve/cli/explain.h"
#include "steve/cli/shrinking.h"
#include "steve/find/save.h"
#include "steve/find/trial.h"
#include "steve/report/finding.h"

/// What shrinking one of many findings may take, and what it gets at least when the time of the run is over.
#define SHRINK_MOST_NS  UINT64_C(5000000000)
#define SHRINK_LEAST_NS UINT64_C(1000000000)

// The list

/// Makes room for the entry of `distinct` that has just been made. @return NULL if memory is short
static struct steve_kept *new_kept(struct steve_findings *findings, size_t entry)
{
    if (entry >= findings->capacity) {
        size_t wanted = findings->capacity == 0 ? 16 : 2 * findings->capacity;
        struct steve_kept *grown = realloc(findings->kept, wanted * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + findings->capacity, 0, (wanted - findings->capacity) * sizeof *grown);
        findings->kept = grown;
        findings->capacity = wanted;
    }
    return &findings->kept[entry];
}

struct steve_kept *steve_findings_enter(struct steve_findings *findings, const struct steve_found *found,
                                        const struct steve_found *shrunk, bool settled)
{
    bool is_new;
    size_t entry = steve_distinct_add(&findings->distinct, found, shrunk, settled, &is_new);
    return is_new ? new_kept(findings, entry) : NULL;
}

static bool copy_sequence(struct steve_sequence *copy, const struct steve_sequence *sequence)
{
    *copy = (struct steve_sequence){.header = sequence->header};
    if (!steve_sequence_reserve(copy, sequence->count > 0 ? sequence->count : 1)) {
        return false;
    }
    if (sequence->count > 0) {
        memcpy(copy->ops, sequence->ops, sequence->count * sizeof copy->ops[0]);
    }
    copy->count = sequence->count;
    return true;
}

// Saving and announcing

static void name_folder(const struct steve_findings *findings, const struct steve_found *found, char *name, size_t size)
{
    char origin[32] = "exhaustive";
    if (findings->options->exhaustive == 0) {
        snprintf(origin, sizeof origin, "seed%" PRIu64, findings->seed);
    }
    snprintf(name, size, "%s-ep%" PRIu64 "-op%" PRIu64 "-%s", origin, found->episode, found->finding.op,
             steve_oracle_name(found->finding.oracle));
}

/// Which run a finding comes from.
static void name_origin(const struct steve_findings *findings, const struct steve_found *found, char origin[64])
{
    if (findings->options->exhaustive != 0) {
        snprintf(origin, 64, "sequence %" PRIu64, found->episode);
    } else {
        snprintf(origin, 64, "seed %" PRIu64 ", episode %" PRIu64, findings->seed, found->episode);
    }
}

/// Writes report.txt and repro.c. @param repro what repro.ops holds, if it was shrunk; else NULL
static void explain(const struct steve_findings *findings, const struct steve_kept *kept,
                    const struct steve_found *found, const struct steve_found *repro)
{
    char origin[64];
    name_origin(findings, found, origin);
    if (kept->folder != NULL) {
        steve_explain(&(struct steve_explained){
            .options = findings->options,
            .driver = findings->driver,
            .found = found,
            .repro = repro,
            .origin = origin,
            .folder = kept->folder,
            .replay = kept->replay,
            .rerun = kept->rerun,
        });
    }
}

/// Saves a finding and only then announces it.
static void save_and_announce(struct steve_findings *findings, struct steve_kept *kept, const struct steve_found *found,
                              const struct steve_sequence *repro)
{
    char name[128];
    char folder[STEVE_SAVE_PATH_MAX];
    char unsaved[512];
    name_folder(findings, found, name, sizeof name);
    if (steve_save_finding(findings->options->out, name, steve_known_drivers(), &found->sequence, repro, folder, unsaved,
                           sizeof unsaved) &&
        asprintf(&kept->reproducer, "%s/repro.ops", folder) >= 0) {
        kept->folder = strdup(folder);
        kept->replay = steve_command_replay(findings->options, kept->reproducer);
    }
    // A finding in the checks after the last op shows again only if the episode ends there again.
    bool is_cut = found->threads.count == 0 && found->finding.op >= found->sequence.count;
    uint64_t cut = is_cut ? found->sequence.count : 0;
    kept->rerun = steve_command_run(findings->options, findings->driver, findings->seed, found->episode, cut);

    char origin[64];
    name_origin(findings, found, origin);
    struct steve_finding_story story = {
        .found = found,
        .version = STEVE_VERSION,
        .origin = origin,
        .folder = kept->folder,
        .unsaved = kept->folder != NULL ? NULL : unsaved,
        .replay = kept->replay,
        .rerun = kept->rerun,
    };
    steve_print_finding(findings->text, &story);
    fflush(findings->text);
}

void steve_findings_keep(struct steve_findings *findings, const struct steve_found *found, bool shrink)
{
    struct steve_kept *kept = steve_findings_enter(findings, found, found, true);
    if (kept == NULL) {
        return;
    }
    kept->episode = found->episode;
    kept->finding = found->finding;
    save_and_announce(findings, kept, found, &found->sequence);
    explain(findings, kept, found, NULL);
    if (shrink && steve_shrinking_wanted(findings->options)) {
        struct steve_shrinking shrinking;
        steve_shrink_kept(findings->options, findings->driver, found, kept->folder, &shrinking);
        steve_print_shrinking(findings->text, findings->options, &shrinking);
        if (shrinking.folder[0] != '\0') {
            explain(findings, kept, found, &shrinking.shrunk);
            kept->sequence = shrinking.shrunk.sequence;
            return;
        }
        steve_sequence_free(&shrinking.shrunk.sequence);
    }
    copy_sequence(&kept->sequence, &found->sequence);
}

// Telling apart

/// Without shrinking, all that tells one finding from another is what its signature holds: the op that broke.
static bool last_op_alone(const struct steve_found *found, struct steve_found *last)
{
    *last = *found;
    last->sequence = (struct steve_sequence){.header = found->sequence.header};
    uint64_t op = found->finding.op;
    return op >= found->sequence.count || steve_sequence_push(&last->sequence, found->sequence.ops[op]);
}

static uint64_t time_to_shrink(const struct steve_findings *findings)
{
    uint64_t now = steve_trial_now();
    if (findings->deadline_ns == 0 || findings->deadline_ns > now + SHRINK_MOST_NS) {
        return SHRINK_MOST_NS;
    }
    uint64_t left = findings->deadline_ns > now ? findings->deadline_ns - now : 0;
    return left > SHRINK_LEAST_NS ? left : SHRINK_LEAST_NS;
}

/// @param shrinking NULL: it was not shrunk
static void meet_new(struct steve_findings *findings, struct steve_kept *kept, const struct steve_found *found,
                     const struct steve_shrinking *shrinking)
{
    bool shrunk = shrinking != NULL && shrinking->ran && shrinking->report.shown;
    const struct steve_found *best = shrunk ? &shrinking->shrunk : found;
    kept->episode = found->episode;
    kept->finding = found->finding;
    save_and_announce(findings, kept, found, &best->sequence);
    explain(findings, kept, found, shrunk ? best : NULL);
    if (shrinking != NULL) {
        steve_print_shrinking(findings->text, findings->options, shrinking);
        fflush(findings->text);
    }
    copy_sequence(&kept->sequence, &best->sequence);
}

static void meet_unshrunk(struct steve_findings *findings, const struct steve_found *found)
{
    struct steve_found last;
    struct steve_kept *kept = last_op_alone(found, &last) ? steve_findings_enter(findings, found, &last, true) : NULL;
    if (kept != NULL) {
        meet_new(findings, kept, found, NULL);
    }
    steve_sequence_free(&last.sequence);
}

void steve_findings_meet(struct steve_findings *findings, const struct steve_found *found)
{
    if (steve_distinct_meet(&findings->distinct, found) != STEVE_DISTINCT_NONE) {
        return;
    }
    if (!steve_shrinking_wanted(findings->options)) {
        meet_unshrunk(findings, found);
        return;
    }
    struct steve_shrinking shrinking;
    steve_shrink_with_options(findings->options, findings->driver, time_to_shrink(findings), found, &shrinking);
    bool shown = shrinking.ran && shrinking.report.shown;
    const struct steve_found *best = shown ? &shrinking.shrunk : found;
    struct steve_kept *kept = steve_findings_enter(findings, found, best, shown && shrinking.report.finished);
    if (kept != NULL) {
        meet_new(findings, kept, found, &shrinking);
    }
    steve_sequence_free(&shrinking.shrunk.sequence);
}

// What came

const struct steve_kept *steve_findings_first(const struct steve_findings *findings)
{
    for (size_t i = 0; i < findings->distinct.count; i++) {
        if (!findings->kept[i].known) {
            return &findings->kept[i];
        }
    }
    return NULL;
}

uint64_t steve_findings_count(const struct steve_findings *findings, bool known)
{
    uint64_t count = 0;
    for (size_t i = 0; i < findings->distinct.count; i++) {
        count += findings->kept[i].known == known && findings->distinct.entries[i].count > 0;
    }
    return count;
}

static void list_of(const struct steve_findings *findings, bool known, struct steve_summary_finding *list,
                    size_t *count)
{
    for (size_t i = 0; i < findings->distinct.count; i++) {
        const struct steve_kept *kept = &findings->kept[i];
        if (kept->known != known || findings->distinct.entries[i].count == 0) {
            continue;
        }
        list[(*count)++] = (struct steve_summary_finding){
            .finding = &kept->finding,
            .episode = kept->episode,
            .count = findings->distinct.entries[i].count,
            .known = known,
            .folder = kept->folder,
            .reproducer = kept->reproducer,
            .sequence = &kept->sequence,
            .replay = kept->replay,
            .rerun = kept->rerun,
        };
    }
}

size_t steve_findings_list(const struct steve_findings *findings, struct steve_summary_finding **list)
{
    size_t count = 0;
    *list = calloc(findings->distinct.count > 0 ? findings->distinct.count : 1, sizeof **list);
    if (*list != NULL) {
        list_of(findings, false, *list, &count);
        list_of(findings, true, *list, &count);
    }
    return count;
}

void steve_findings_free(struct steve_findings *findings)
{
    for (size_t i = 0; i < findings->distinct.count && i < findings->capacity; i++) {
        struct steve_kept *kept = &findings->kept[i];
        steve_sequence_free(&kept->sequence);
        free(kept->folder);
        free(kept->reproducer);
        free(kept->replay);
        free(kept->rerun);
    }
    free(findings->kept);
    steve_distinct_free(&findings->distinct);
}
