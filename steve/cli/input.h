/// Reading what the user points at: files, folders of files, and sequences in either form.
#ifndef STEVE_CLI_INPUT_H
#define STEVE_CLI_INPUT_H

#include "steve/core/codec.h"

#define STEVE_INPUT_ERROR_SIZE 512u

struct steve_bytes {
    uint8_t *bytes; ///< owned: free(); with a 0 behind the last
    size_t count;
};

/// Reads a whole file; `-` is stdin. @return false with `file: what is wrong, and what was expected` in `error`
bool steve_read_file(const char *path, struct steve_bytes *file, char error[STEVE_INPUT_ERROR_SIZE]);

/// A sequence from bytes or text, whichever they are. @return false if it is text with an error, or memory is short
bool steve_load_sequence(const char *path, const struct steve_bytes *file, struct steve_sequence *sequence,
                         char error[STEVE_INPUT_ERROR_SIZE]);

/// Whether the file lies in a folder `fuzz_text`: those are the text fuzzer's inputs, which only are parsed.
bool steve_is_text_input(const char *path);

/// The driver that a sequence runs on: --driver's, or else the one that it names, or the default one if it names none.
/// @return NULL with `file: what is wrong` in `error` if there is no such driver
const struct steve_driver *steve_driver_for(const char *path, const struct steve_driver *wanted,
                                            const struct steve_header *header, char error[STEVE_INPUT_ERROR_SIZE]);

/// Whether the two can run side by side. @param against NULL: there is none
/// @return NULL if they can, else what is wrong, in static memory
const char *steve_pair_obstacle(const struct steve_driver *driver, const struct steve_driver *against);

/// The second driver that a sequence runs on: --against's, or else the one that it names. The header then names it.
/// @param against gets it; NULL: none
/// @return false with `file: what is wrong` in `error` if there is no such driver, or the two cannot run side by side
bool steve_against_for(const char *path, const struct steve_driver *wanted, const struct steve_driver *driver,
                       struct steve_header *header, const struct steve_driver **against,
                       char error[STEVE_INPUT_ERROR_SIZE]);

struct steve_paths {
    char **paths;
    size_t count, capacity;
};

/// Adds a file, or all files in a folder and the folders in it, in sorted order. Left out of folders: what is hidden,
/// README, *.md, and what stands beside a reproducer (report.txt, repro.c). @return false with a sentence in `error`
bool steve_paths_add(struct steve_paths *paths, const char *path, char error[STEVE_INPUT_ERROR_SIZE]);
void steve_paths_free(struct steve_paths *paths);

#endif
