/// Shrinking for the subcommands.
#define _GNU_SOURCE
#include "steve/cli/shrinking.h"

#include <stdlib.h>
#include <string.h>

#include "steve/cli/catalog.h"
#include "steve/cli/command.h"
#include "steve/report/live.h"
#include "steve/report/shrunk.h"

bool steve_shrinking_wanted(const struct steve_options *options)
{
    return !options->no_shrink && !options->no_isolate;
}

static void on_progress(void *context, const struct steve_shrink_progress *progress)
{
    steve_live_show_shrinking(context, progress);
}

void steve_shrink_with_options(const struct steve_options *options, const struct steve_driver *driver, uint64_t time_ns,
                               const struct steve_found *found, struct steve_shrinking *shrinking)
{
    // A finding names the second driver, if it was found with one.
    const char *against = found->sequence.header.against;
    struct steve_live live = steve_live_begin();
    *shrinking = (struct steve_shrinking){0};
    shrinking->ran = steve_shrink(
        &(struct steve_shrink_config){
            .driver = driver,
            .against = against[0] != '\0' ? steve_catalog_by_name(steve_known_drivers(), against) : NULL,
            .without = options->without,
            .any_oracle = options->any_oracle,
            .level = options->level,
            .limits = {.op_time_ns = options->op_time_ns, .memory_bytes = options->memory_bytes},
            .time_ns = time_ns,
            .on_progress = on_progress,
            .context = &live,
        },
        found, &shrinking->shrunk, &shrinking->report, shrinking->why, sizeof shrinking->why);
    steve_live_clear(&live);
}

static bool is_smaller(const struct steve_shrinking *shrinking)
{
    return shrinking->ran && shrinking->report.shown;
}

void steve_shrink_kept(const struct steve_options *options, const struct steve_driver *driver,
                       const struct steve_found *found, const char *folder, struct steve_shrinking *shrinking)
{
    steve_shrink_with_options(options, driver, 0, found, shrinking);
    if (is_smaller(shrinking) && folder != NULL &&
        steve_save_smaller(folder, steve_known_drivers(), &shrinking->shrunk.sequence, shrinking->why,
                           sizeof shrinking->why)) {
        snprintf(shrinking->folder, sizeof shrinking->folder, "%s", folder);
    }
}

/// The name of a file without its folders and what follows the last dot.
static void name_of(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    int length = dot != NULL && dot > base ? (int)(dot - base) : (int)strlen(base);
    snprintf(name, size, "%.*s", length < 100 ? length : 100, strcmp(path, "-") == 0 ? "stdin" : base);
}

void steve_shrink_replayed(const struct steve_options *options, const struct steve_driver *driver,
                           const struct steve_found *found, const char *path, struct steve_shrinking *shrinking)
{
    char base[128];
    char name[160];
    steve_shrink_with_options(options, driver, 0, found, shrinking);
    if (!is_smaller(shrinking) || shrinking->shrunk.sequence.count >= found->sequence.count) {
        return;
    }
    name_of(path, base, sizeof base);
    snprintf(name, sizeof name, "%s-%s", base, steve_oracle_name(found->finding.oracle));
    if (!steve_save_finding(options->out, name, steve_known_drivers(), &found->sequence, &shrinking->shrunk.sequence,
                            shrinking->folder, shrinking->why, sizeof shrinking->why)) {
        shrinking->folder[0] = '\0';
    }
}

void steve_print_shrinking(FILE *out, const struct steve_options *options, const struct steve_shrinking *shrinking)
{
    if (!shrinking->ran) {
        fprintf(out, "  not shrunk: %s\n", shrinking->why);
        return;
    }
    steve_print_shrink_report(out, &shrinking->report);
    if (!shrinking->report.shown) {
        return;
    }
    if (shrinking->folder[0] != '\0') {
        char path[STEVE_SAVE_PATH_MAX + 16];
        snprintf(path, sizeof path, "%s/repro.ops", shrinking->folder);
        char *again = steve_command_replay(options, path);
        fprintf(out, "  again    %s\n", again != NULL ? again : path);
        free(again);
    } else if (shrinking->why[0] != '\0') {
        fprintf(out, "  not saved: %s\n", shrinking->why);
    }
    steve_print_short_sequence(out, steve_known_drivers(), &shrinking->shrunk.sequence);
}
