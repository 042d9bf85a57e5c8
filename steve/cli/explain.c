/// Writing repro.c and report.txt.
#define _GNU_SOURCE
#include "steve/cli/explain.h"

#include <stdlib.h>
#include <string.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/command.h"
#include "steve/find/repro_c.h"
#include "steve/find/rerun.h"
#include "steve/find/save.h"
#include "steve/report/finding.h"

/// A text that is being written to memory.
struct text {
    FILE *out;
    char *bytes;
    size_t count;
};

static bool text_begin(struct text *text)
{
    *text = (struct text){0};
    text->out = open_memstream(&text->bytes, &text->count);
    return text->out != NULL;
}

static bool text_end(struct text *text)
{
    bool whole = fclose(text->out) == 0;
    text->out = NULL;
    return whole;
}

static void put(const struct steve_explained *explained, const char *name, struct text *text)
{
    char why[512] = "memory is short";
    if (!text_end(text) || !steve_replace_file(explained->folder, name, text->bytes, text->count, why, sizeof why)) {
        steve_complain(explained->options->command, "%s could not be written: %s", name, why);
    }
    free(text->bytes);
}

/// Whether a sequence is worth running again for the sake of its scene: a sudden end leaves none.
static bool leaves_a_scene(enum steve_oracle oracle)
{
    return oracle != STEVE_ORACLE_CRASH && oracle != STEVE_ORACLE_HANG && oracle != STEVE_ORACLE_MEMORY;
}

/// Looks at how the heap lies when the shrunk sequence breaks the oracle.
static void take_scene(const struct steve_explained *explained, struct steve_found *shown)
{
    const struct steve_options *options = explained->options;
    struct steve_found seen;
    if (shown->scene.taken || options->no_isolate || shown->sequence.header.threads > 1 ||
        !leaves_a_scene(shown->finding.oracle)) {
        return;
    }
    const char *against = shown->sequence.header.against;
    const struct steve_rerun_config config = {
        .driver = explained->driver,
        .against = against[0] != '\0' ? steve_catalog_by_name(steve_known_drivers(), against) : NULL,
        .sequence = &shown->sequence,
        .without = options->without,
        .level = options->level,
        .limits = {.op_time_ns = options->op_time_ns, .memory_bytes = options->memory_bytes},
    };
    if (steve_rerun(&config, &seen) && seen.finding.oracle == shown->finding.oracle) {
        shown->finding = seen.finding;
        shown->scene = seen.scene;
    }
}

/// Writes repro.c. @return the command that compiles and runs it, to be freed; NULL: there is none (`*why_not`)
static char *write_program(const struct steve_explained *explained, const struct steve_found *shown,
                           const char **why_not)
{
    char path[STEVE_SAVE_PATH_MAX + 16];
    struct text program;
    struct text command;
    snprintf(path, sizeof path, "%s/repro.c", explained->folder);
    char *word = steve_command_word(path);
    const struct steve_repro_c repro = {
        .driver = explained->driver,
        .sequence = &shown->sequence,
        .finding = &shown->finding,
        .level = explained->options->level,
        .memory_bytes = explained->options->memory_bytes,
        .file = word,
    };
    *why_not = word == NULL ? "memory is short" : steve_repro_c_obstacle(&repro);
    if (*why_not != NULL || !text_begin(&program)) {
        free(word);
        return NULL;
    }
    steve_repro_c_print(program.out, &repro);
    put(explained, "repro.c", &program);
    if (text_begin(&command)) {
        steve_repro_c_print_command(command.out, &repro);
        text_end(&command);
    }
    free(word);
    return command.bytes;
}

static void write_report(const struct steve_explained *explained, const struct steve_finding_story *story)
{
    struct text text;
    if (text_begin(&text)) {
        steve_print_report(text.out, story);
        put(explained, "report.txt", &text);
    }
}

void steve_explain(const struct steve_explained *explained)
{
    struct steve_found shown = explained->repro != NULL ? *explained->repro : *explained->found;
    take_scene(explained, &shown);
    const char *why_not;
    char *command = write_program(explained, &shown, &why_not);
    const struct steve_snippets *snippets = explained->driver->snippets;
    write_report(explained, &(struct steve_finding_story){
                                .found = explained->found,
                                .repro = explained->repro != NULL ? &shown : NULL,
                                .driver = explained->driver,
                                .version = STEVE_VERSION,
                                .origin = explained->origin,
                                .folder = explained->folder,
                                .replay = explained->replay,
                                .rerun = explained->rerun,
                                .program = command,
                                .program_where = snippets != NULL ? snippets->compile_where : NULL,
                                .no_program = why_not,
                            });
    free(command);
}
