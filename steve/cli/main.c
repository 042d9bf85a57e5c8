/// steve: finds the subcommand and hands over.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/preloaded.h"
#include "steve/find/preload.h"

#define BIT(option) (1u << STEVE_OPTION_##option)

#define EXIT_STATUS_HELP "Exit status: 0 nothing found, 1 a finding, 2 bad usage or input,\n3 the environment failed.\n"

static const struct steve_command commands[] = {
    {
        .name = "run",
        .arguments = "[OPTION]...",
        .summary = "Stresses an allocator with random sequences of operations.",
        .details = "Without --ops, --episodes or --time a run is 5 million ops; given together,\n"
                   "whichever comes first ends it.\n"
                   "With --threads N each episode that held in one thread is dealt out to N and run\n"
                   "twice more: blocks go from thread to thread, and are freed by another than their\n"
                   "maker. It takes a driver that promises it (steve drivers).\n" EXIT_STATUS_HELP,
        .takes = BIT(DRIVER) | BIT(AGAINST) | BIT(SEED) | BIT(OPS) | BIT(EPISODES) | BIT(TIME) |
                 BIT(EPISODE) | BIT(PROFILE) |
                 BIT(LOCKS) | BIT(HEAP) | BIT(CHECK) | BIT(WITHOUT) | BIT(JOBS) | BIT(THREADS) | BIT(OP_TIME) | BIT(MEMORY) |
                 BIT(OUT) | BIT(NO_SHRINK) | BIT(NO_ISOLATE) | BIT(KEEP_GOING) | BIT(KNOWN) | BIT(EXHAUSTIVE) | BIT(JSON) | BIT(JUNIT),
        .carry_out = steve_cli_run,
    },
    {
        .name = "replay",
        .arguments = "FILE|DIR...",
        .summary = "Runs saved sequences: text, bytes, or a fuzzer's crash file.",
        .details = "Folders are searched for files, in sorted order. A file is run on the driver\n"
                   "that it names, or --driver's, and against the one that it names, or --against's.\n"
                   "README, *.md, hidden files, and what stands beside\n"
                   "a reproducer (report.txt) are left out. Files in a folder called fuzz_text are\n"
                   "no sequences: they go through the parser and back.\n"
                   "A finding longer than 12 ops is shrunk, and the result saved under --out.\n" EXIT_STATUS_HELP,
        .takes = BIT(DRIVER) | BIT(AGAINST) | BIT(CHECK) | BIT(WITHOUT) | BIT(OP_TIME) | BIT(MEMORY) |
                 BIT(OUT) | BIT(NO_SHRINK) | BIT(NO_ISOLATE) | BIT(JSON),
        .files_min = 1,
        .files_max = 1 << 30,
        .carry_out = steve_cli_replay,
    },
    {
        .name = "shrink",
        .arguments = "FILE [-o OUT]",
        .summary = "Makes a sequence the smallest that breaks the same oracle.",
        .details = "Without -o the result is printed. OUT is written as text, or as bytes if it ends\n"
                   "in .bin. A finding that does not show every time is said to be flaky, and how\n"
                   "often it shows. The best that was found in --time is what comes out, by default\n"
                   "in 10s, and also after Ctrl-C.\n"
                   "With --any-oracle it slips to whatever breaks in a smaller sequence: what shows\n"
                   "as a hang or a crash late may be a wrong address or a lost byte before that.\n"
                   "Exit status: 0 nothing is broken, 1 the result breaks an oracle, 2 bad usage or\n"
                   "input, 3 the environment failed.\n",
        .takes = BIT(DRIVER) | BIT(AGAINST) | BIT(CHECK) | BIT(WITHOUT) | BIT(ANY_ORACLE) | BIT(TIME) | BIT(OP_TIME) | BIT(MEMORY) |
                 BIT(OUTPUT),
        .files_min = 1,
        .files_max = 1,
        .carry_out = steve_cli_shrink,
    },
    {
        .name = "show",
        .arguments = "FILE",
        .summary = "Prints a byte file as text.",
        .files_min = 1,
        .files_max = 1,
        .carry_out = steve_cli_show,
    },
    {
        .name = "encode",
        .arguments = "FILE [-o OUT]",
        .summary = "Turns text into bytes.",
        .takes = BIT(OUTPUT),
        .files_min = 1,
        .files_max = 1,
        .carry_out = steve_cli_encode,
    },
    {
        .name = "new-driver",
        .arguments = "NAME",
        .summary = "Writes NAME_driver.c: a driver to begin with.",
        .details = "It compiles and runs as it is, on a small allocator of its own; put yours in its\n"
                   "place. A file that is there already is left alone.\n",
        .files_min = 1,
        .files_max = 1,
        .carry_out = steve_cli_new_driver,
    },
    {.name = "bench", .summary = "Measures allocators side by side."},
    {.name = "drivers",
     .arguments = "[--driver D]",
     .summary = "Lists the allocators that there are, and what they state.",
     .takes = BIT(DRIVER),
     .carry_out = steve_cli_drivers},
    {.name = "profiles", .arguments = "", .summary = "Lists the profiles.", .carry_out = steve_cli_profiles},
    {.name = "oracles",
     .arguments = "",
     .summary = "Lists the oracles: what must hold.",
     .carry_out = steve_cli_oracles},
    {.name = "locks", .arguments = "", .summary = "Lists the lock models.", .carry_out = steve_cli_locks},
};

static void print_help(FILE *out)
{
    fprintf(out, "Steve, a randomized stress tester and fuzzing harness for memory allocators.\n\n"
                 "Usage: steve COMMAND [ARGUMENT]...\n\nCommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out, "\n  steve COMMAND --help says more.   steve --version\n\n"
                 "To begin: steve run --seed 1\n");
}

static const struct steve_command *command_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int carry_out(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "steve: expected a command, such as `steve run`; see `steve --help`\n");
        return STEVE_EXIT_USAGE;
    }
    const char *name = argv[1];
    const bool asks_for_help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    const bool asks_for_version = strcmp(name, "--version") == 0;
    if (asks_for_help && argc == 3 && command_by_name(argv[2]) != NULL) {
        char *again[] = {argv[0], argv[2], "--help", NULL};
        return carry_out(3, again);
    }
    if ((asks_for_help || asks_for_version) && argc > 2) {
        fprintf(stderr, "steve: unexpected argument '%s' after %s%s\n", argv[2], name,
                asks_for_help ? "; expected a command, see `steve --help`" : "");
        return STEVE_EXIT_USAGE;
    }
    if (asks_for_help) {
        print_help(stdout);
        return STEVE_EXIT_PASS;
    }
    if (asks_for_version) {
        printf("steve %s\n", STEVE_VERSION);
        return STEVE_EXIT_PASS;
    }
    if (strcmp(name, STEVE_PRELOAD_ARGUMENT) == 0 && argc == 3) {
        return steve_cli_go_on(argv[2]);
    }
    if (!steve_known_drivers_are_sound()) {
        return STEVE_EXIT_USAGE;
    }
    const struct steve_command *command = command_by_name(name);
    if (command == NULL) {
        fprintf(stderr, "steve: unknown %s '%s'; see `steve --help`\n", name[0] == '-' ? "option" : "command", name);
        return STEVE_EXIT_USAGE;
    }
    if (strcmp(command->name, "bench") == 0) {
        return steve_cli_bench(argc - 1, argv + 1);
    }
    struct steve_options options;
    int status = steve_options_parse(argc - 1, argv + 1, argv[0], command, &options);
    return status >= 0 ? status : command->carry_out(&options);
}

int main(int argc, char **argv)
{
    int status = carry_out(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "steve: stdout could not be written\n");
        return status == STEVE_EXIT_PASS ? STEVE_EXIT_ENVIRONMENT : status;
    }
    return status;
}
