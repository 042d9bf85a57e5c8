/// The table of options, and what each does with its value.
#define _GNU_SOURCE
#include "steve/cli/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/values.h"
#include "steve/core/external.h"
#include "steve/find/runner.h"
#include "steve/find/save.h"
#include "steve/gen/exhaustive.h"

#define HELP_CODE      1000
#define OP_TIME_MIN_NS UINT64_C(1000000)
#define OP_TIME_MAX_NS (UINT64_C(86400) * 1000000000) // times all threads and more it is still a number
#define MEMORY_MIN     ((uint64_t)16 << 20)

static const char *const level_names[] = {"light", "normal", "paranoid"};

/// Each applies a value. @return false if it is not one: then the option's `expected` is said.
typedef bool apply_function(struct steve_options *options, const char *value);

static bool apply_driver(struct steve_options *options, const char *value)
{
    options->driver = steve_catalog_by_name(steve_known_drivers(), value);
    return options->driver != NULL;
}

static bool apply_against(struct steve_options *options, const char *value)
{
    options->against = steve_catalog_by_name(steve_known_drivers(), value);
    return options->against != NULL;
}

static bool apply_seed(struct steve_options *options, const char *value)
{
    return steve_parse_count(value, &options->seed);
}

static bool apply_ops(struct steve_options *options, const char *value)
{
    return steve_parse_count(value, &options->ops) && options->ops > 0;
}

static bool apply_episodes(struct steve_options *options, const char *value)
{
    return steve_parse_count(value, &options->episodes) && options->episodes > 0;
}

static bool apply_time(struct steve_options *options, const char *value)
{
    return steve_parse_time(value, &options->time_ns) && options->time_ns > 0;
}

static bool apply_episode(struct steve_options *options, const char *value)
{
    return steve_parse_count(value, &options->episode) && options->episode < UINT64_MAX;
}

static bool apply_profile(struct steve_options *options, const char *value)
{
    options->profile = steve_profile_by_name(value);
    return options->profile != NULL;
}

static bool apply_locks(struct steve_options *options, const char *value)
{
    options->locks = steve_lock_model_by_name(value);
    return options->locks != NULL;
}

static bool apply_heap(struct steve_options *options, const char *value)
{
    return steve_parse_size(value, &options->heap_bytes) && options->heap_bytes > 0 &&
           options->heap_bytes <= STEVE_HEAP_LIMIT;
}

static bool apply_check(struct steve_options *options, const char *value)
{
    for (int level = 0; level < 3; level++) {
        if (strcmp(value, level_names[level]) == 0) {
            options->level = (enum steve_check_level)level;
            return true;
        }
    }
    return false;
}

static bool apply_without(struct steve_options *options, const char *value)
{
    char names[256];
    if (snprintf(names, sizeof names, "%s", value) >= (int)sizeof names) {
        return false;
    }
    char *rest = names;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        enum steve_oracle oracle = steve_oracle_by_name(name);
        if (oracle == STEVE_ORACLE_COUNT) {
            return false;
        }
        options->without |= 1u << oracle;
    }
    return true;
}

static bool apply_jobs(struct steve_options *options, const char *value)
{
    uint64_t jobs;
    if (!steve_parse_count(value, &jobs) || jobs < 1 || jobs > STEVE_JOBS_MAX) {
        return false;
    }
    options->jobs = (unsigned)jobs;
    return true;
}

static bool apply_threads(struct steve_options *options, const char *value)
{
    uint64_t threads;
    if (!steve_parse_count(value, &threads) || threads < 1 || threads > STEVE_THREADS_MOST) {
        return false;
    }
    options->threads = (unsigned)threads;
    return true;
}

static bool apply_op_time(struct steve_options *options, const char *value)
{
    return steve_parse_time(value, &options->op_time_ns) && options->op_time_ns >= OP_TIME_MIN_NS &&
           options->op_time_ns <= OP_TIME_MAX_NS;
}

static bool apply_memory(struct steve_options *options, const char *value)
{
    return steve_parse_size(value, &options->memory_bytes) && options->memory_bytes >= MEMORY_MIN;
}

static bool apply_out(struct steve_options *options, const char *value)
{
    options->out = value;
    return *value != '\0';
}

static bool apply_any_oracle(struct steve_options *options, const char *value)
{
    (void)value;
    options->any_oracle = true;
    return true;
}

static bool apply_no_shrink(struct steve_options *options, const char *value)
{
    (void)value;
    options->no_shrink = true;
    return true;
}

static bool apply_no_isolate(struct steve_options *options, const char *value)
{
    (void)value;
    options->no_isolate = true;
    return true;
}

static bool apply_output(struct steve_options *options, const char *value)
{
    options->output = value;
    return *value != '\0';
}

static bool apply_keep_going(struct steve_options *options, const char *value)
{
    (void)value;
    options->keep_going = true;
    return true;
}

static bool apply_known(struct steve_options *options, const char *value)
{
    options->known = value;
    return *value != '\0';
}

static bool apply_exhaustive(struct steve_options *options, const char *value)
{
    return steve_parse_count(value, &options->exhaustive) && options->exhaustive > 0 &&
           options->exhaustive <= STEVE_EXHAUSTIVE_MOST;
}

static bool apply_json(struct steve_options *options, const char *value)
{
    (void)value;
    options->json = true;
    return true;
}

static bool apply_junit(struct steve_options *options, const char *value)
{
    options->junit = value;
    return *value != '\0';
}

struct option_row {
    const char *name;
    const char *value; ///< what stands for it in the help; NULL: takes none
    const char *help;
    const char *expected; ///< of the value, for messages
    apply_function *apply;
};

static const struct option_row rows[STEVE_OPTION_COUNT] = {
    [STEVE_OPTION_DRIVER] = {"driver", "D",
                             "the allocator to test (steve drivers), ./FILE.so or malloc:LIBRARY; default jeff",
                             "one that `steve drivers` lists, ./FILE.so or malloc:LIBRARY", apply_driver},
    [STEVE_OPTION_AGAINST] = {"against", "D", "a second allocator that runs the same: where do outcomes differ?",
                              "one that `steve drivers` lists, ./FILE.so or malloc:LIBRARY", apply_against},
    [STEVE_OPTION_SEED] = {"seed", "N", "what all is drawn from; default: drawn and printed",
                           "a whole number from 0 to 2^64 - 1", apply_seed},
    [STEVE_OPTION_OPS] = {"ops", "N", "end after N ops; default 5000000", "a whole number from 1 to 2^64 - 1",
                          apply_ops},
    [STEVE_OPTION_EPISODES] = {"episodes", "N", "end after N episodes", "a whole number from 1 to 2^64 - 1",
                               apply_episodes},
    [STEVE_OPTION_TIME] = {"time", "T", "end after a time: 10s, 500ms, 2m", "a time such as 10s, 500ms or 2m",
                           apply_time},
    [STEVE_OPTION_EPISODE] = {"episode", "K", "run episode K alone", "a whole number from 0 to 2^64 - 2",
                              apply_episode},
    [STEVE_OPTION_PROFILE] = {"profile", "P", "weights of ops, sizes, heaps (steve profiles); default swarm",
                              "one that `steve profiles` lists", apply_profile},
    [STEVE_OPTION_LOCKS] = {"locks", "M", "how long blocks stay locked (steve locks); default mixed",
                            "one that `steve locks` lists", apply_locks},
    [STEVE_OPTION_HEAP] = {"heap", "SIZE", "size of the heap: 4096, 64K, 2G; default: drawn",
                           "a size in bytes such as 4096, 64K or 2G, up to 1T", apply_heap},
    [STEVE_OPTION_CHECK] = {"check", "LEVEL", "light, normal or paranoid; default normal", "light, normal or paranoid",
                            apply_check},
    [STEVE_OPTION_WITHOUT] = {"without", "ORACLE", "turn an oracle off, or several: A,B (steve oracles)",
                              "names that `steve oracles` lists, with commas between them", apply_without},
    [STEVE_OPTION_JOBS] = {"jobs", "N", "worker processes; default 1", "a whole number from 1 to 256", apply_jobs},
    [STEVE_OPTION_THREADS] = {"threads", "N", "run each episode again in N threads; default 1: do not",
                              "a whole number from 1 to 32", apply_threads},
    [STEVE_OPTION_OP_TIME] = {"op-time", "T", "CPU time that one op may take; default 1s",
                              "a time from 1ms to 1d, such as 1s", apply_op_time},
    [STEVE_OPTION_MEMORY] = {"memory", "SIZE", "resident memory that a worker may take; default 2G",
                             "a size of 16M or more, such as 2G", apply_memory},
    [STEVE_OPTION_OUT] = {"out", "DIR", "where findings are saved; default steve-out", "a folder's name", apply_out},
    [STEVE_OPTION_ANY_ORACLE] = {"any-oracle", NULL, "what is smaller may break another oracle", NULL,
                                 apply_any_oracle},
    [STEVE_OPTION_NO_SHRINK] = {"no-shrink", NULL, "keep findings as they are found", NULL, apply_no_shrink},
    [STEVE_OPTION_NO_ISOLATE] = {"no-isolate", NULL, "run in this process, for a debugger; shrinks nothing", NULL,
                                 apply_no_isolate},
    [STEVE_OPTION_OUTPUT] = {"output", "OUT", "write to OUT instead of stdout (also -o)", "a file's name",
                             apply_output},
    [STEVE_OPTION_KEEP_GOING] = {"keep-going", NULL, "go on after a finding; collect the distinct ones", NULL,
                                 apply_keep_going},
    [STEVE_OPTION_KNOWN] = {"known", "DIR", "pass over findings that are recorded there", "a folder's or file's name",
                            apply_known},
    [STEVE_OPTION_EXHAUSTIVE] = {"exhaustive", "K", "every sequence of up to K ops; needs no seed",
                                 "a whole number from 1 to 8", apply_exhaustive},
    [STEVE_OPTION_JSON] = {"json", NULL, "print one JSON document and nothing else", NULL, apply_json},
    [STEVE_OPTION_JUNIT] = {"junit", "FILE", "write a JUnit report for a CI server, too", "a file's name", apply_junit},
};

int steve_complain(const struct steve_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "steve %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return STEVE_EXIT_USAGE;
}

const char *steve_check_level_name(enum steve_check_level level)
{
    return level_names[level];
}

bool steve_option_given(const struct steve_options *options, enum steve_option option)
{
    return (options->given >> option & 1u) != 0;
}

static bool takes(const struct steve_command *command, int option)
{
    return (command->takes >> option & 1u) != 0;
}

static int print_help(const struct steve_command *command)
{
    printf("Usage: steve %s %s\n\n%s\n", command->name, command->arguments, command->summary);
    if (command->details != NULL) {
        printf("\n%s", command->details);
    }
    printf("\nOptions:\n");
    for (int i = 0; i < STEVE_OPTION_COUNT; i++) {
        if (takes(command, i)) {
            char left[32];
            snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
                     rows[i].value != NULL ? rows[i].value : "");
            printf("  %-18s %s\n", left, rows[i].help);
        }
    }
    printf("  %-18s %s\n", "--help", "this text");
    return STEVE_EXIT_PASS;
}

static size_t make_long_options(const struct steve_command *command, struct option *long_options)
{
    size_t count = 0;
    for (int i = 0; i < STEVE_OPTION_COUNT; i++) {
        if (takes(command, i)) {
            long_options[count++] = (struct option){
                .name = rows[i].name,
                .has_arg = rows[i].value != NULL ? required_argument : no_argument,
                .val = HELP_CODE + 1 + i,
            };
        }
    }
    long_options[count++] = (struct option){.name = "help", .has_arg = no_argument, .val = HELP_CODE};
    long_options[count] = (struct option){0};
    return count;
}

static int apply(const struct steve_command *command, struct steve_options *options, int option, const char *value)
{
    const struct option_row *row = &rows[option];
    options->given |= 1u << option;
    if (row->apply(options, value)) {
        return -1;
    }
    if ((option == STEVE_OPTION_DRIVER || option == STEVE_OPTION_AGAINST) && steve_driver_name_is_path(value)) {
        return STEVE_EXIT_USAGE; // what is wrong with it has been said
    }
    return steve_complain(command, "--%s '%s': expected %s", row->name, value, row->expected);
}

/// getopt_long() met something it does not know, or an option without its value.
static int complain_unknown(const struct steve_command *command, int code, const char *argument)
{
    if (code == ':') {
        const char *name = optopt == 'o' ? "output" : optopt > HELP_CODE ? rows[optopt - HELP_CODE - 1].name : "?";
        return steve_complain(command, "--%s needs a value; see `steve %s --help`", name, command->name);
    }
    if (optopt > HELP_CODE) {
        return steve_complain(command, "--%s takes no value", rows[optopt - HELP_CODE - 1].name);
    }
    return steve_complain(command, "unknown option '%s'; see `steve %s --help`", argument, command->name);
}

/// What only shows when all options are known.
static int check_together(const struct steve_command *command, const struct steve_options *options)
{
    if (steve_option_given(options, STEVE_OPTION_EPISODE) && steve_option_given(options, STEVE_OPTION_EPISODES)) {
        return steve_complain(command, "--episode runs one episode alone: expected no --episodes beside it");
    }
    char why[512];
    if (steve_option_given(options, STEVE_OPTION_OUT) && !steve_save_is_possible(options->out, why, sizeof why)) {
        return steve_complain(command, "--out %s: %s; expected a folder to write to", options->out, why);
    }
    if (options->no_isolate && options->jobs > 1) {
        return steve_complain(command, "--no-isolate runs in this one process: expected no --jobs beside it");
    }
    if (options->threads > 1 && (options->against != NULL || options->exhaustive != 0)) {
        return steve_complain(command, "--threads draws episodes for one allocator: expected no --%s beside it",
                              options->against != NULL ? "against" : "exhaustive");
    }
    static const enum steve_option drawing[] = {STEVE_OPTION_PROFILE, STEVE_OPTION_LOCKS, STEVE_OPTION_OPS};
    for (size_t i = 0; i < sizeof drawing / sizeof drawing[0]; i++) {
        if (options->exhaustive != 0 && steve_option_given(options, drawing[i])) {
            return steve_complain(command, "--exhaustive draws nothing: expected no --%s beside it",
                                  rows[drawing[i]].name);
        }
    }
    const struct steve_driver *driver = options->driver != NULL ? options->driver : steve_known_drivers()->drivers[0];
    if (options->threads > 1 && (driver->promises & STEVE_PROMISE_THREADS) == 0) {
        return steve_complain(command,
                              "--threads %u: driver %s does not promise that several threads may use it; expected one "
                              "of those with `threads` among their promises (steve drivers)",
                              options->threads, driver->name);
    }
    if (steve_option_given(options, STEVE_OPTION_HEAP) && options->heap_bytes < driver->heap_min) {
        return steve_complain(command, "--heap %" PRIu64 ": expected at least %zu bytes, the least heap of driver %s",
                              options->heap_bytes, driver->heap_min, driver->name);
    }
    if (options->file_count < command->files_min) {
        return steve_complain(command, "expected %s; see `steve %s --help`", command->arguments, command->name);
    }
    if (options->file_count > command->files_max) {
        return steve_complain(command, "unexpected argument '%s'; see `steve %s --help`",
                              options->files[command->files_max], command->name);
    }
    return -1;
}

int steve_options_parse(int argc, char **argv, const char *program, const struct steve_command *command,
                        struct steve_options *options)
{
    struct option long_options[STEVE_OPTION_COUNT + 2];
    make_long_options(command, long_options);
    *options = (struct steve_options){
        .command = command,
        .program = program,
        .profile = steve_profile_at(0),
        .locks = steve_lock_model_at(0),
        .level = STEVE_CHECK_NORMAL,
        .jobs = 1,
        .threads = 1,
        .op_time_ns = UINT64_C(1000000000),
        .memory_bytes = (uint64_t)2 << 30,
        .out = "steve-out",
    };

    const char *short_options = takes(command, STEVE_OPTION_OUTPUT) ? ":ho:" : ":h";
    opterr = 0;
    optind = 0; // 0, not 1: makes glibc begin anew
    for (;;) {
        const char *argument = argv[optind > 0 ? optind : 1];
        int code = getopt_long(argc, argv, short_options, long_options, NULL);
        if (code == -1) {
            break;
        }
        if (code == HELP_CODE || code == 'h') {
            return print_help(command);
        }
        if (code == '?' || code == ':') {
            return complain_unknown(command, code, argv[optind - 1] != NULL ? argv[optind - 1] : argument);
        }
        int status = apply(command, options, code == 'o' ? STEVE_OPTION_OUTPUT : code - HELP_CODE - 1, optarg);
        if (status >= 0) {
            return status;
        }
    }
    options->files = argv + optind;
    options->file_count = argc - optind;
    return check_together(command, options);
}
