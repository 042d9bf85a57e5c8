/// Writing the file that -o names.
#define _GNU_SOURCE
#include "steve/cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steve/find/save.h"

static bool fail(char *why, size_t why_size, const char *path)
{
    snprintf(why, why_size, "%.300s: %s", path, strerror(errno));
    return false;
}

static bool write_in_place(const char *path, const void *bytes, size_t count, char *why, size_t why_size)
{
    FILE *out = fopen(path, "wbe");
    bool written = out != NULL && fwrite(bytes, 1, count, out) == count && fflush(out) == 0;
    int reason = errno;
    if (out != NULL && fclose(out) != 0 && written) {
        written = false;
        reason = errno;
    }
    errno = reason;
    return written || fail(why, why_size, path);
}

bool steve_write_output(const char *path, const void *bytes, size_t count, char *why, size_t why_size)
{
    struct stat old;
    if (stat(path, &old) != 0 || !S_ISREG(old.st_mode)) {
        return write_in_place(path, bytes, count, why, why_size); // nothing can be lost
    }
    if (access(path, W_OK) != 0) { // a rename would not mind
        return fail(why, why_size, path);
    }
    char *file = realpath(path, NULL); // what a link leads to, not the link
    if (file == NULL) {
        return fail(why, why_size, path);
    }
    char *slash = strrchr(file, '/');
    *slash = '\0';
    const char *folder = slash == file ? "/" : file;
    // Without a place for a second file beside it there is no other way.
    bool written = access(folder, W_OK) == 0 ? steve_replace_file(folder, slash + 1, bytes, count, why, why_size)
                                             : write_in_place(path, bytes, count, why, why_size);
    free(file);
    return written;
}
