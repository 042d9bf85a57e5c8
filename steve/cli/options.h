/// Options: one table of all that there are, from which parsing and help are made. A subcommand says which of them it takes.
#ifndef STEVE_CLI_OPTIONS_H
#define STEVE_CLI_OPTIONS_H

#include "steve/core/exec.h"
#include "steve/gen/gen.h"

enum steve_option {
    STEVE_OPTION_DRIVER,
    STEVE_OPTION_AGAINST,
    STEVE_OPTION_SEED,
    STEVE_OPTION_OPS,
    STEVE_OPTION_EPISODES,
    STEVE_OPTION_TIME,
    STEVE_OPTION_EPISODE,
    STEVE_OPTION_PROFILE,
    STEVE_OPTION_LOCKS,
    STEVE_OPTION_HEAP,
    STEVE_OPTION_CHECK,
    STEVE_OPTION_WITHOUT,
    STEVE_OPTION_JOBS,
    STEVE_OPTION_THREADS,
    STEVE_OPTION_OP_TIME,
    STEVE_OPTION_MEMORY,
    STEVE_OPTION_OUT,
    STEVE_OPTION_ANY_ORACLE,
    STEVE_OPTION_NO_SHRINK,
    STEVE_OPTION_NO_ISOLATE,
    STEVE_OPTION_OUTPUT,
    STEVE_OPTION_KEEP_GOING,
    STEVE_OPTION_KNOWN,
    STEVE_OPTION_EXHAUSTIVE,
    STEVE_OPTION_JSON,
    STEVE_OPTION_JUNIT,
    STEVE_OPTION_COUNT
};

struct steve_options {
    const struct steve_command *command;
    const char *program; ///< as it was called, for commands to copy
    uint32_t given;      ///< bits 1 << enum steve_option

    const struct steve_driver *driver;  ///< NULL: not said
    const struct steve_driver *against; ///< NULL: not said
    uint64_t seed;
    uint64_t ops;
    uint64_t episodes;
    uint64_t time_ns;
    uint64_t episode;
    const struct steve_profile *profile;  ///< never NULL
    const struct steve_lock_model *locks; ///< never NULL
    uint64_t heap_bytes;                  ///< 0: not said
    enum steve_check_level level;
    uint32_t without;
    unsigned jobs;
    unsigned threads;
    uint64_t op_time_ns;
    uint64_t memory_bytes;
    const char *out;
    bool any_oracle;
    bool no_shrink;
    bool no_isolate;
    const char *output; ///< NULL: stdout
    bool keep_going;
    const char *known;   ///< NULL: not said
    uint64_t exhaustive; ///< 0: not said
    bool json;
    const char *junit; ///< NULL: not said

    char **files;
    int file_count;
};

struct steve_command {
    const char *name;
    const char *arguments; ///< for the usage line
    const char *summary;
    const char *details; ///< more lines of help, or NULL
    uint32_t takes;      ///< options: bits 1 << enum steve_option
    int files_min, files_max;
    int (*carry_out)(const struct steve_options *options);
};

/// Parses the arguments of a subcommand; argv[0] is its name. What is wrong goes to stderr in one line, help to stdout.
/// @return -1 to carry it out, else the exit status
int steve_options_parse(int argc, char **argv, const char *program, const struct steve_command *command,
                        struct steve_options *options);

bool steve_option_given(const struct steve_options *options, enum steve_option option);

/// One line on stderr, `steve NAME: ...`. @return STEVE_EXIT_USAGE
int steve_complain(const struct steve_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *steve_check_level_name(enum steve_check_level level);

#endif
