/// steve replay: runs saved sequences, a line for each file, and ends with a verdict.
///
/// All files are read before any is run, so that bad input is said at once and nothing is half done.
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/cli.h"
#include "steve/cli/command.h"
#include "steve/cli/explain.h"
#include "steve/cli/input.h"
#include "steve/cli/roundtrip.h"
#include "steve/cli/shrinking.h"
#include "steve/cli/summarize.h"
#include "steve/drivers/drivers.h"
#include "steve/find/runner.h"
#include "steve/find/trial.h"
#include "steve/report/finding.h"
#include "steve/report/verdict.h"

/// No finding is shrunk any more after so long: `steve shrink` will do it.
#define SHRINKING_NS UINT64_C(60000000000)

struct replay_file {
    const char *path;
    bool is_text_input; ///< not to be run: only parsed
    const char *broken; ///< then: what did not survive the trip, or NULL
    struct steve_sequence sequence;
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< NULL: none
    bool has_found;
    struct steve_found found;
    char *shrunk_path;            ///< where something smaller was saved; NULL: nowhere
    struct steve_sequence shrunk; ///< and what that is
};

struct replay {
    const struct steve_options *options;
    FILE *text; ///< what people read; nothing of it with --json
    struct replay_file *files;
    size_t count;
    size_t *runs;   ///< which file is which episode
    size_t printed; ///< files whose line is out
    bool failed;
    struct steve_verdict verdict; ///< of the first file that failed
};

/// Reads one file. @return false with a line on stderr
static bool load(const struct steve_options *options, const char *path, struct replay_file *file)
{
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_bytes bytes;
    *file = (struct replay_file){.path = path, .is_text_input = steve_is_text_input(path)};
    if (!steve_read_file(path, &bytes, error)) {
        steve_complain(options->command, "%s", error);
        return false;
    }
    if (file->is_text_input) {
        file->broken = steve_roundtrip(&bytes);
        free(bytes.bytes);
        return true;
    }
    if (steve_load_sequence(path, &bytes, &file->sequence, error)) {
        file->driver = steve_driver_for(path, options->driver, &file->sequence.header, error);
    }
    free(bytes.bytes);
    if (file->driver == NULL ||
        !steve_against_for(path, options->against, file->driver, &file->sequence.header, &file->against, error)) {
        steve_complain(options->command, "%s", error);
        return false;
    }
    return true;
}

static void fail_verdict(struct replay *replay, const struct replay_file *file, const char *oracle, uint64_t op,
                         uint64_t ops)
{
    if (replay->failed) {
        return;
    }
    replay->failed = true;
    replay->verdict.failed = true;
    replay->verdict.oracle = oracle;
    replay->verdict.file = file->path;
    replay->verdict.op = op;
    replay->verdict.reproducer = file->path;
    replay->verdict.repro_ops = ops;
}

/// Prints the lines of files that are not run, up to the next one that is, which waits for its result.
static void print_text_inputs(struct replay *replay)
{
    for (; replay->printed < replay->count && replay->files[replay->printed].is_text_input; replay->printed++) {
        const struct replay_file *file = &replay->files[replay->printed];
        if (file->broken == NULL) {
            fprintf(replay->text, "pass  %s  round trip\n", file->path);
        } else {
            fprintf(replay->text, "FAIL  %s  round trip: %s\n", file->path, file->broken);
            fail_verdict(replay, file, "roundtrip", 0, 0);
        }
    }
}

static void print_found(struct replay *replay, const struct replay_file *file, const struct steve_found *found)
{
    char *again = steve_command_replay(replay->options, file->path);
    fprintf(replay->text, "FAIL  %s\n", file->path);
    steve_print_finding(replay->text, &(struct steve_finding_story){
                                          .found = found,
                                          .version = STEVE_VERSION,
                                          .origin = file->path,
                                          .replay = again,
                                      });
    free(again);
}

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct replay *replay = context;
    print_text_inputs(replay);
    struct replay_file *file = &replay->files[replay->runs[result->episode]];
    if (result->found == NULL) {
        fprintf(replay->text, "pass  %s  %s%s%s ops=%" PRIu64, file->path, file->driver->name,
                file->against != NULL ? " against " : "", file->against != NULL ? file->against->name : "",
                result->ops);
        if (file->sequence.header.threads > 1) {
            fprintf(replay->text, " threads=%u, run %u times", (unsigned)file->sequence.header.threads,
                    STEVE_ROUNDS_RECORDED);
        }
        fputc('\n', replay->text);
    } else {
        const struct steve_finding *finding = &result->found->finding;
        print_found(replay, file, result->found);
        fail_verdict(replay, file, steve_oracle_name(finding->oracle), finding->op, file->sequence.count);
        file->has_found = true;
        steve_found_take(&file->found, result->found);
    }
    fflush(replay->text);
    replay->printed++;
}

/// Shrinks what a file showed, if it is long.
static void shrink_file(struct replay *replay, struct replay_file *file)
{
    struct steve_shrinking shrinking;
    if (file->found.sequence.count <= STEVE_REPLAY_SHRINKS_ABOVE) {
        return;
    }
    steve_shrink_replayed(replay->options, file->driver, &file->found, file->path, &shrinking);
    fprintf(replay->text, "%s:\n", file->path);
    steve_print_shrinking(replay->text, replay->options, &shrinking);
    fflush(replay->text);
    if (shrinking.folder[0] == '\0' || asprintf(&file->shrunk_path, "%s/repro.ops", shrinking.folder) < 0) {
        file->shrunk_path = NULL;
        steve_sequence_free(&shrinking.shrunk.sequence);
        return;
    }
    char *again = steve_command_replay(replay->options, file->shrunk_path);
    steve_explain(&(struct steve_explained){
        .options = replay->options,
        .driver = file->driver,
        .found = &file->found,
        .repro = &shrinking.shrunk,
        .origin = file->path,
        .folder = shrinking.folder,
        .replay = again,
    });
    free(again);
    file->shrunk = shrinking.shrunk.sequence;
    if (replay->verdict.file == file->path) {
        replay->verdict.reproducer = file->shrunk_path;
        replay->verdict.repro_ops = file->shrunk.count;
    }
}

static void shrink_all(struct replay *replay)
{
    uint64_t begin = steve_trial_now();
    for (size_t i = 0; i < replay->count && steve_trial_now() - begin < SHRINKING_NS; i++) {
        if (replay->files[i].has_found) {
            shrink_file(replay, &replay->files[i]);
        }
    }
}

/// What there is to say about a file that failed.
static struct steve_summary_finding summarize_file(const struct replay *replay, const struct replay_file *file)
{
    const char *reproducer = file->shrunk_path != NULL ? file->shrunk_path : file->path;
    return (struct steve_summary_finding){
        .finding = file->has_found ? &file->found.finding : NULL,
        .round_trip = file->broken,
        .file = file->path,
        .count = 1,
        .reproducer = reproducer,
        .sequence = file->shrunk_path != NULL ? &file->shrunk : &file->sequence,
        .replay = steve_command_replay(replay->options, reproducer),
    };
}

/// Prints the document of --json. @return false if it could not be printed
static bool write_summary(const struct replay *replay, const struct steve_run_result *result, const char *trouble)
{
    struct steve_summary summary = steve_summarize(replay->options, result);
    struct steve_summary_finding *list = calloc(replay->count, sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < replay->count; i++) {
        if (replay->files[i].has_found || replay->files[i].broken != NULL) {
            list[summary.finding_count++] = summarize_file(replay, &replay->files[i]);
        }
    }
    summary.findings = list;
    summary.failed = replay->failed;
    summary.files = replay->printed;
    summary.trouble = trouble;
    bool written = steve_write_summary(replay->options, &summary, NULL);
    for (size_t i = 0; i < summary.finding_count; i++) {
        free((char *)(uintptr_t)list[i].replay);
    }
    free(list);
    return written;
}

static int run_all(struct replay *replay, struct steve_recorded *recorded)
{
    const struct steve_options *options = replay->options;
    struct steve_source source = steve_source_recorded(recorded);
    struct steve_run_result result;
    char why[512];
    bool ran = steve_runner_run(
        &(struct steve_runner_config){
            .source = &source,
            .plan = steve_plan_episodes(0, recorded->count),
            .jobs = 1,
            .no_isolate = options->no_isolate,
            .keep_going = true,
            .without = options->without,
            .level = options->level,
            .repeat_every = 1,
            .limits = {.op_time_ns = options->op_time_ns, .memory_bytes = options->memory_bytes},
            .on_episode = on_episode,
            .context = replay,
        },
        &result, why, sizeof why);
    if (!ran) {
        steve_complain(options->command, "%s", why);
    }
    if (!ran && !replay->failed) {
        write_summary(replay, &result, why);
        return STEVE_EXIT_ENVIRONMENT;
    }
    print_text_inputs(replay);
    if (steve_shrinking_wanted(options) && !result.interrupted) {
        shrink_all(replay);
    }
    if (result.interrupted) {
        fprintf(replay->text, "interrupted: the verdict is about what was run until then\n");
    }
    replay->verdict.result = &result;
    replay->verdict.files = replay->printed;
    steve_print_verdict(replay->text, &replay->verdict);
    bool written = write_summary(replay, &result, ran ? NULL : why);
    return replay->failed ? STEVE_EXIT_FOUND : written ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}

/// Makes the list of what is to be run, and runs it.
static int carry_out(struct replay *replay)
{
    struct steve_recorded recorded = {0};
    struct steve_recording *recordings = calloc(replay->count, sizeof *recordings);
    replay->runs = calloc(replay->count, sizeof *replay->runs);
    int status = STEVE_EXIT_ENVIRONMENT;
    if (recordings == NULL || replay->runs == NULL) {
        steve_complain(replay->options->command, "memory is short");
    } else {
        for (size_t i = 0; i < replay->count; i++) {
            if (!replay->files[i].is_text_input) {
                replay->runs[recorded.count] = i;
                recordings[recorded.count++] = (struct steve_recording){
                    .sequence = &replay->files[i].sequence,
                    .driver = replay->files[i].driver,
                    .against = replay->files[i].against,
                };
            }
        }
        recorded.recordings = recordings;
        status = run_all(replay, &recorded);
    }
    free(recordings);
    free(replay->runs);
    return status;
}

static int load_and_run(const struct steve_options *options, const struct steve_paths *paths)
{
    struct replay replay = {.options = options, .count = paths->count, .text = steve_text_out(options)};
    if (replay.text == NULL) {
        return STEVE_EXIT_ENVIRONMENT;
    }
    replay.files = calloc(paths->count, sizeof *replay.files);
    if (replay.files == NULL) {
        steve_complain(options->command, "memory is short");
        steve_text_close(replay.text);
        return STEVE_EXIT_ENVIRONMENT;
    }
    bool loaded = true;
    for (size_t i = 0; i < paths->count; i++) {
        loaded &= load(options, paths->paths[i], &replay.files[i]);
    }
    int status = loaded ? carry_out(&replay) : STEVE_EXIT_USAGE;
    for (size_t i = 0; i < paths->count; i++) {
        steve_sequence_free(&replay.files[i].sequence);
        steve_found_free(&replay.files[i].found);
        steve_sequence_free(&replay.files[i].shrunk);
        free(replay.files[i].shrunk_path);
    }
    free(replay.files);
    steve_text_close(replay.text);
    return status;
}

int steve_cli_replay(const struct steve_options *options)
{
    struct steve_paths paths = {0};
    char error[STEVE_INPUT_ERROR_SIZE];
    int status = STEVE_EXIT_PASS;
    for (int i = 0; i < options->file_count && status == STEVE_EXIT_PASS; i++) {
        size_t before = paths.count;
        if (!steve_paths_add(&paths, options->files[i], error)) {
            status = steve_complain(options->command, "%s", error);
        } else if (paths.count == before) {
            status = steve_complain(options->command, "%s: expected sequences, and the folder holds none",
                                    options->files[i]);
        }
    }
    if (status == STEVE_EXIT_PASS) {
        status = load_and_run(options, &paths);
    }
    steve_paths_free(&paths);
    return status;
}
