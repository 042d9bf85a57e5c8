/// Replays saved inputs through a fuzz target, for builds without an engine of their own main(), and for AFL++ binaries that
/// are given files. Each input is in a buffer of exactly its size, so that a sanitizer sees a read beyond it.
#define _GNU_SOURCE // scandir, alphasort, asprintf

#include "fuzz/target.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return false;
}

/// Reads all of a file. @param data gets a buffer of the exact size, to be freed by the caller
static bool read_file(const char *path, size_t size, uint8_t **data)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return fail(path, strerror(errno));

    *data = malloc(size == 0 ? 1 : size);
    const bool whole = *data != NULL && fread(*data, 1, size, in) == size;
    fclose(in);
    if (whole)
        return true;
    free(*data);
    return fail(path, "could not be read whole");
}

static bool replay_file(const char *path, size_t size)
{
    uint8_t *data = NULL;
    if (!read_file(path, size, &data))
        return false;

    // The name comes first, so that it is the last line if the input shows a bug.
    printf("%s: %zu bytes, ", path, size);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    printf("ok\n");
    free(data);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool replay_path(const char *path);

static bool replay_folder(const char *path)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        return fail(path, strerror(errno));

    bool well = true;
    for (int i = 0; i < count; i++) {
        char *inner;
        if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) < 0) {
            well = fail(path, "memory is short");
        } else {
            well = replay_path(inner) && well;
            free(inner);
        }
        free(entries[i]);
    }
    free(entries);
    return well;
}

static bool replay_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return fail(path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return replay_folder(path);
    if (!S_ISREG(status.st_mode))
        return fail(path, "expected a file or a folder");
    return replay_file(path, (size_t)status.st_size);
}

int fuzz_replay(int count, char **paths)
{
    if (count == 0) {
        fprintf(stderr, "expected files or folders to replay\n");
        return 2;
    }

    bool well = true;
    for (int i = 0; i < count; i++)
        well = replay_path(paths[i]) && well;
    return well ? 0 : 2;
}
