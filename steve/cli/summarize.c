/// Filling in summaries, and writing them where they are wanted.
#include "steve/cli/summarize.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/report/json.h"
#include "steve/report/junit.h"

FILE *steve_text_out(const struct steve_options *options)
{
    if (!options->json) {
        return stdout;
    }
    FILE *text = fopen("/dev/null", "we");
    if (text == NULL) {
        steve_complain(options->command, "/dev/null: %s", strerror(errno));
    }
    return text;
}

void steve_text_close(FILE *text)
{
    if (text != NULL && text != stdout) {
        fclose(text);
    }
}

struct steve_summary steve_summarize(const struct steve_options *options, const struct steve_run_result *result)
{
    return (struct steve_summary){
        .version = STEVE_VERSION,
        .command = options->command->name,
        .result = result,
        .catalog = steve_known_drivers(),
        .setup =
            {
                .driver = options->driver != NULL ? options->driver->name : NULL,
                .against = options->against != NULL ? options->against->name : NULL,
                .exhaustive = options->exhaustive,
                .check = steve_check_level_name(options->level),
                .without = options->without,
                .heap_bytes = options->heap_bytes,
                .ops = options->ops,
                .episodes = options->episodes,
                .time_ns = options->time_ns,
                .has_episode = steve_option_given(options, STEVE_OPTION_EPISODE),
                .episode = options->episode,
                .jobs = options->jobs,
                .threads = options->threads,
                .op_time_ns = options->op_time_ns,
                .memory_bytes = options->memory_bytes,
                .out = options->out,
                .known = options->known,
                .keep_going = options->keep_going,
                .no_shrink = options->no_shrink,
                .no_isolate = options->no_isolate,
            },
    };
}

bool steve_open_junit(const struct steve_options *options, FILE **file)
{
    *file = NULL;
    if (options->junit == NULL) {
        return true;
    }
    *file = fopen(options->junit, "we");
    if (*file == NULL) {
        steve_complain(options->command, "--junit %s: %s", options->junit, strerror(errno));
        return false;
    }
    return true;
}

static bool write_junit(const struct steve_options *options, const struct steve_summary *summary, FILE *junit)
{
    bool written = steve_print_junit(junit, summary);
    if (fclose(junit) != 0 || !written) {
        steve_complain(options->command, "--junit %s: it could not be written", options->junit);
        return false;
    }
    return true;
}

bool steve_write_summary(const struct steve_options *options, const struct steve_summary *summary, FILE *junit)
{
    bool written = junit == NULL || write_junit(options, summary, junit);
    if (options->json && !steve_print_json(stdout, summary)) {
        steve_complain(options->command, "--json: the document could not be written");
        written = false;
    }
    return written;
}
