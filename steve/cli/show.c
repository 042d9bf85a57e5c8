/// steve show: a sequence as text. A byte file is what it is for; text comes out in its canonical form.
#include <stdio.h>
#include <stdlib.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/input.h"

int steve_cli_show(const struct steve_options *options)
{
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_bytes file;
    struct steve_sequence sequence = {0};
    if (!steve_read_file(options->files[0], &file, error)) {
        return steve_complain(options->command, "%s", error);
    }
    bool loaded = steve_load_sequence(options->files[0], &file, &sequence, error);
    free(file.bytes);
    if (!loaded) {
        steve_sequence_free(&sequence);
        return steve_complain(options->command, "%s", error);
    }
    steve_text_print(steve_known_drivers(), &sequence, stdout); // main() sees whether stdout took it
    steve_sequence_free(&sequence);
    return STEVE_EXIT_PASS;
}
