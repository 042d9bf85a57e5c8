/// Reading what --known records: folders as --out has them, or loose .ops and .bin files. Which oracle a file breaks, and what
/// it shrinks to, is found out by running it: it is known only as long as it shows something.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "steve/cli/cli.h"
#include "steve/cli/command.h"
#include "steve/cli/findings_internal.h"
#include "steve/cli/input.h"
#include "steve/cli/shrinking.h"
#include "steve/drivers/drivers.h"

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/// In a folder of --out, repro.ops stands for the others.
static bool is_beside_repro(const struct steve_paths *paths, const char *path)
{
    const char *base = base_of(path);
    size_t folder = (size_t)(base - path);
    if (strcmp(base, "full.ops") != 0 && strcmp(base, "repro.bin") != 0) {
        return false;
    }
    for (size_t i = 0; i < paths->count; i++) {
        const char *other = paths->paths[i];
        if (strncmp(other, path, folder) == 0 && strcmp(other + folder, "repro.ops") == 0) {
            return true;
        }
    }
    return false;
}

static void remember(struct steve_findings *findings, const char *path, struct steve_shrinking *shrinking)
{
    struct steve_kept *kept = steve_findings_enter(findings, NULL, &shrinking->shrunk, true);
    if (kept == NULL) {
        return; // there are several of this one
    }
    kept->known = true;
    kept->finding = shrinking->shrunk.finding;
    kept->sequence = shrinking->shrunk.sequence;
    shrinking->shrunk.sequence = (struct steve_sequence){0};
    kept->reproducer = strdup(path);
    kept->replay = steve_command_replay(findings->options, path);
}

static int shrink_known(struct steve_findings *findings, const char *path, const struct steve_sequence *sequence)
{
    const struct steve_found found = {.finding = {.oracle = STEVE_ORACLE_COUNT}, .sequence = *sequence};
    struct steve_shrinking shrinking;
    steve_shrink_with_options(findings->options, findings->driver, 0, &found, &shrinking);
    if (!shrinking.ran) {
        steve_complain(findings->options->command, "%s: %s", path, shrinking.why);
        return STEVE_EXIT_ENVIRONMENT;
    }
    if (shrinking.report.shown) {
        findings->known.recorded++;
        remember(findings, path, &shrinking);
    } else {
        findings->known.silent++;
    }
    steve_sequence_free(&shrinking.shrunk.sequence);
    return -1;
}

static int load_file(struct steve_findings *findings, const char *path)
{
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_bytes file;
    struct steve_sequence sequence = {0};
    if (!steve_read_file(path, &file, error)) {
        return steve_complain(findings->options->command, "%s", error);
    }
    const struct steve_driver *against;
    int status = -1;
    if (!steve_load_sequence(path, &file, &sequence, error)) {
        status = steve_complain(findings->options->command, "%s", error);
    } else if (sequence.header.driver[0] != '\0' && strcmp(sequence.header.driver, findings->driver->name) != 0) {
        findings->known.others++;
    } else if (!steve_against_for(path, NULL, findings->driver, &sequence.header, &against, error)) {
        status = steve_complain(findings->options->command, "%s", error);
    } else {
        status = shrink_known(findings, path, &sequence);
    }
    free(file.bytes);
    steve_sequence_free(&sequence);
    return status;
}

int steve_findings_load_known(struct steve_findings *findings)
{
    const char *folder = findings->options->known;
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_paths paths = {0};
    int status = -1;
    if (!steve_paths_add(&paths, folder, error)) {
        status = steve_complain(findings->options->command, "--known %s", error);
    }
    for (size_t i = 0; i < paths.count && status < 0; i++) {
        if (!is_beside_repro(&paths, paths.paths[i])) {
            status = load_file(findings, paths.paths[i]);
        }
    }
    steve_paths_free(&paths);
    return status;
}

void steve_findings_print_known(const struct steve_findings *findings)
{
    fprintf(findings->text, "known: %u recorded in %s", findings->known.recorded, findings->options->known);
    if (findings->known.others > 0) {
        fprintf(findings->text, ", %u for other drivers left out", findings->known.others);
    }
    if (findings->known.silent > 0) {
        fprintf(findings->text, ", %u that show nothing any more left out", findings->known.silent);
    }
    fputc('\n', findings->text);
}
