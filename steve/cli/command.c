/// Writing commands for a shell.
#define _GNU_SOURCE
#include "steve/cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/oracle.h"
#include "steve/report/word.h"

char *steve_command_word(const char *word)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    steve_print_word(out, word);
    fclose(out);
    return text;
}

/// The options that change what is checked, and so what is found.
static void print_checks(FILE *out, const struct steve_options *options)
{
    if (options->against != NULL) {
        fputs(" --against ", out);
        steve_print_word(out, options->against->name);
    }
    if (options->level != STEVE_CHECK_NORMAL) {
        fprintf(out, " --check %s", steve_check_level_name(options->level));
    }
    const char *before = " --without ";
    for (int i = 0; i < STEVE_ORACLE_COUNT; i++) {
        if ((options->without >> i & 1u) != 0) {
            fprintf(out, "%s%s", before, steve_oracle_name((enum steve_oracle)i));
            before = ",";
        }
    }
    if (steve_option_given(options, STEVE_OPTION_OP_TIME)) {
        fprintf(out, " --op-time %" PRIu64 "ns", options->op_time_ns);
    }
    if (steve_option_given(options, STEVE_OPTION_MEMORY)) {
        fprintf(out, " --memory %" PRIu64, options->memory_bytes);
    }
}

/// A command while it is written: the text is the caller's once the stream is closed.
struct command {
    char *text;
    size_t size;
};

/// Begins a command with the program and the subcommand. @return where to write the rest; NULL if memory is short
static FILE *begin(struct command *command, const struct steve_options *options, const char *subcommand)
{
    *command = (struct command){0};
    FILE *out = open_memstream(&command->text, &command->size);
    if (out != NULL) {
        steve_print_word(out, options->program);
        fprintf(out, " %s", subcommand);
    }
    return out;
}

char *steve_command_replay(const struct steve_options *options, const char *path)
{
    struct command command;
    FILE *out = begin(&command, options, "replay");
    if (out == NULL) {
        return NULL;
    }
    print_checks(out, options);
    fputc(' ', out);
    steve_print_word(out, path);
    fclose(out);
    return command.text;
}

char *steve_command_run(const struct steve_options *options, const struct steve_driver *driver, uint64_t seed,
                        uint64_t episode, uint64_t ops)
{
    struct command command;
    FILE *out = begin(&command, options, "run");
    if (out == NULL) {
        return NULL;
    }
    if (options->driver != NULL) {
        fputs(" --driver ", out);
        steve_print_word(out, driver->name);
    }
    if (options->exhaustive != 0) {
        fprintf(out, " --exhaustive %" PRIu64, options->exhaustive);
    } else {
        fprintf(out, " --seed %" PRIu64, seed);
    }
    fprintf(out, " --episode %" PRIu64, episode);
    if (steve_option_given(options, STEVE_OPTION_PROFILE)) {
        fprintf(out, " --profile %s", steve_profile_name(options->profile));
    }
    if (steve_option_given(options, STEVE_OPTION_LOCKS)) {
        fprintf(out, " --locks %s", steve_lock_model_name(options->locks));
    }
    if (options->heap_bytes != 0) {
        fprintf(out, " --heap %" PRIu64, options->heap_bytes);
    }
    if (options->threads > 1) {
        fprintf(out, " --threads %u", options->threads);
    }
    if (ops != 0) {
        fprintf(out, " --ops %" PRIu64, ops);
    }
    print_checks(out, options);
    fclose(out);
    return command.text;
}
