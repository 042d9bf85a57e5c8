/// steve encode: text to bytes.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/input.h"
#include "steve/cli/output.h"

static int write_bytes(const struct steve_options *options, const uint8_t *bytes, size_t count)
{
    char why[512];
    bool written;
    if (options->output != NULL) {
        written = steve_write_output(options->output, bytes, count, why, sizeof why);
    } else {
        written = fwrite(bytes, 1, count, stdout) == count && fflush(stdout) == 0;
        snprintf(why, sizeof why, "stdout: %s", strerror(errno));
    }
    if (!written) {
        steve_complain(options->command, "%s", why);
        return STEVE_EXIT_ENVIRONMENT;
    }
    return STEVE_EXIT_PASS;
}

int steve_cli_encode(const struct steve_options *options)
{
    if (options->output == NULL && isatty(STDOUT_FILENO)) {
        return steve_complain(options->command,
                              "stdout is a terminal, and bytes are not for reading: expected -o OUT, or a pipe");
    }
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_bytes file;
    struct steve_sequence sequence = {0};
    if (!steve_read_file(options->files[0], &file, error)) {
        return steve_complain(options->command, "%s", error);
    }
    bool parsed = steve_text_parse(steve_known_drivers(), options->files[0], (const char *)file.bytes, file.count,
                                   &sequence, error, sizeof error);
    free(file.bytes);
    size_t count = 0;
    uint8_t *bytes = parsed ? steve_bytes_encode(steve_known_drivers(), &sequence, &count) : NULL;
    steve_sequence_free(&sequence);
    if (!parsed) {
        return steve_complain(options->command, "%s", error);
    }
    if (bytes == NULL) {
        steve_complain(options->command, "%s: memory is short", options->files[0]);
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = write_bytes(options, bytes, count);
    free(bytes);
    return status;
}
