/// Commands to copy: what a person types to see a finding again. They hold every option that matters for it, and call the
/// program as it was called.
#ifndef STEVE_CLI_COMMAND_H
#define STEVE_CLI_COMMAND_H

#include "steve/cli/options.h"

/// `steve replay ... PATH`, with the options of this run that change what a sequence shows.
/// @return text to be freed by the caller; NULL when memory is short
char *steve_command_replay(const struct steve_options *options, const char *path);

/// `steve run --seed N --episode K ...`: the episode again, from its seed.
/// @param ops where the episode was cut short; 0: nowhere
char *steve_command_run(const struct steve_options *options, const struct steve_driver *driver, uint64_t seed,
                        uint64_t episode, uint64_t ops);

/// A word as a shell takes it: bare if it can be, else in quotes. @return text to be freed; NULL when memory is short
char *steve_command_word(const char *word);

#endif
