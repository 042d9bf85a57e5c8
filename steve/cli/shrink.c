/// steve shrink: the smallest sequence that breaks the same oracle.
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/command.h"
#include "steve/cli/input.h"
#include "steve/cli/output.h"
#include "steve/cli/shrinking.h"
#include "steve/find/distinct.h"
#include "steve/report/finding.h"
#include "steve/report/shrunk.h"
#include "steve/report/word.h"

static bool ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path);
    size_t end = strlen(suffix);
    return length >= end && strcmp(path + length - end, suffix) == 0;
}

/// Writes the result: bytes if the name ends in .bin, else text. @return false with a line on stderr
static bool write_result(const struct steve_options *options, const struct steve_sequence *sequence)
{
    size_t count = 0;
    char *bytes = NULL;
    if (ends_in(options->output, ".bin")) {
        bytes = (char *)steve_bytes_encode(steve_known_drivers(), sequence, &count);
    } else {
        FILE *text = open_memstream(&bytes, &count);
        bool printed = text != NULL && steve_text_print(steve_known_drivers(), sequence, text);
        if (text == NULL || fclose(text) != 0 || !printed) {
            free(bytes);
            bytes = NULL;
        }
    }
    char why[512] = "memory is short";
    bool written = bytes != NULL && steve_write_output(options->output, bytes, count, why, sizeof why);
    free(bytes);
    if (!written) {
        steve_complain(options->command, "%s", why);
    }
    return written;
}

/// What tells it from others that break the same oracle, to be compared by scripts; `none` if it might be smaller yet.
static void print_shape(const struct steve_found *shrunk, const struct steve_shrink_report *report)
{
    struct steve_shape shape;
    if (!report->finished || !steve_shape(shrunk, &shape)) {
        printf(" shape=none\n");
        return;
    }
    printf(" shape=%016" PRIx64 "\n", steve_shape_digest(&shape));
    steve_shape_free(&shape);
}

static void print_verdict(const struct steve_options *options, const struct steve_found *shrunk,
                          const struct steve_shrink_report *report, bool written)
{
    if (!report->shown) {
        printf("verdict=pass file=");
        steve_print_word(stdout, options->files[0]);
        printf(" ops=%zu seconds=%.2f\n", report->ops_before, report->seconds);
        return;
    }
    printf("verdict=fail oracle=%s file=", steve_oracle_name(shrunk->finding.oracle));
    steve_print_word(stdout, options->files[0]);
    printf(" op=%" PRIu64 " ops=%zu seconds=%.2f reproducer=", shrunk->finding.op, report->ops_before, report->seconds);
    steve_print_word(stdout, written ? options->output : "none");
    printf(" repro_ops=%zu", report->ops_after);
    print_shape(shrunk, report);
}

static int tell(const struct steve_options *options, const struct steve_found *shrunk,
                const struct steve_shrink_report *report)
{
    bool written = report->shown && options->output != NULL && write_result(options, &shrunk->sequence);
    int status = report->shown ? STEVE_EXIT_FOUND : STEVE_EXIT_PASS;
    if (!report->shown) {
        printf("%s: nothing is broken%s\n", options->files[0],
               report->interrupted ? ", as far as it was run; interrupted" : " in 10 runs");
    } else {
        char *again = written ? steve_command_replay(options, options->output) : NULL;
        steve_print_finding(stdout,
                            &(struct steve_finding_story){.found = shrunk, .version = STEVE_VERSION, .replay = again});
        steve_print_shrink_report(stdout, report);
        free(again);
        if (!written) { // also where it was to be, but cannot: it took long to make
            steve_print_sequence(stdout, steve_known_drivers(), &shrunk->sequence);
        } else {
            steve_print_short_sequence(stdout, steve_known_drivers(), &shrunk->sequence);
        }
    }
    print_verdict(options, shrunk, report, written);
    return report->shown && options->output != NULL && !written ? STEVE_EXIT_ENVIRONMENT : status;
}

static int shrink(const struct steve_options *options, struct steve_found *found, const struct steve_driver *driver)
{
    struct steve_shrinking shrinking;
    snprintf(found->sequence.header.driver, sizeof found->sequence.header.driver, "%s", driver->name);
    steve_shrink_with_options(options, driver, options->time_ns, found, &shrinking);
    if (!shrinking.ran) {
        steve_complain(options->command, "%s", shrinking.why);
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = tell(options, &shrinking.shrunk, &shrinking.report);
    steve_sequence_free(&shrinking.shrunk.sequence);
    return status;
}

int steve_cli_shrink(const struct steve_options *options)
{
    const char *path = options->files[0];
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_bytes file;
    struct steve_found found = {.finding = {.oracle = STEVE_ORACLE_COUNT}};
    if (!steve_read_file(path, &file, error)) {
        return steve_complain(options->command, "%s", error);
    }
    const struct steve_driver *driver = NULL;
    if (steve_load_sequence(path, &file, &found.sequence, error)) {
        driver = steve_driver_for(path, options->driver, &found.sequence.header, error);
    }
    free(file.bytes);
    const struct steve_driver *against;
    if (driver != NULL && !steve_against_for(path, options->against, driver, &found.sequence.header, &against, error)) {
        driver = NULL;
    }
    int status = driver == NULL ? steve_complain(options->command, "%s", error) : shrink(options, &found, driver);
    steve_sequence_free(&found.sequence);
    return status;
}
