/// Writing reproducers. Every file appears under its name only when it is whole, so that a full disk or a kill leaves no
/// half of one behind.
#define _GNU_SOURCE
#include "steve/find/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/// How many different findings of one name are kept.
#define NUMBERED_MAX 1000

struct text {
    char *bytes;
    size_t count;
};

static bool fail(char *why, size_t why_size, const char *path)
{
    snprintf(why, why_size, "%.160s: %s", path, strerror(errno));
    return false;
}

static bool join(char *path, size_t size, const char *folder, const char *name)
{
    int length = snprintf(path, size, "%s/%s", folder, name);
    if (length >= 0 && (size_t)length < size) {
        return true;
    }
    errno = ENAMETOOLONG;
    return false;
}

static bool print_sequence(const struct steve_catalog *catalog, const struct steve_sequence *sequence,
                           struct text *text)
{
    FILE *memory = open_memstream(&text->bytes, &text->count);
    if (memory == NULL) {
        return false;
    }
    bool printed = steve_text_print(catalog, sequence, memory);
    return fclose(memory) == 0 && printed;
}

/// Makes a folder and those above it. It is no error if they are there.
static bool make_folders(const char *path)
{
    char part[STEVE_SAVE_PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    if (mkdir(part, 0777) == 0) {
        return true;
    }
    struct stat status;
    if (errno == EEXIST && stat(part, &status) == 0 && !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    return errno == EEXIST;
}

bool steve_save_is_possible(const char *out, char *why, size_t why_size)
{
    char folder[STEVE_SAVE_PATH_MAX];
    struct stat status;
    if (snprintf(folder, sizeof folder, "%s", out) >= (int)sizeof folder) {
        errno = ENAMETOOLONG;
        return fail(why, why_size, out);
    }
    while (stat(folder, &status) != 0) { // up to what is there
        char *slash = strrchr(folder, '/');
        if (errno != ENOENT || strcmp(folder, ".") == 0 || strcmp(folder, "/") == 0) {
            return fail(why, why_size, folder);
        }
        if (slash == NULL || slash == folder) {
            strcpy(folder, slash == NULL ? "." : "/");
        } else {
            *slash = '\0';
        }
    }
    errno = ENOTDIR;
    return (S_ISDIR(status.st_mode) && access(folder, W_OK | X_OK) == 0) || fail(why, why_size, folder);
}

static bool write_all(int file, const void *bytes, size_t count)
{
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(file, next, count);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            next += written;
            count -= (size_t)written;
        }
    }
    return fsync(file) == 0;
}

/// Writes a file into a folder, over one of that name if there is one and it may.
static bool put_file(const char *folder, const char *name, const void *bytes, size_t count, bool over, char *why,
                     size_t why_size)
{
    char path[STEVE_SAVE_PATH_MAX];
    char unfinished[STEVE_SAVE_PATH_MAX];
    char hidden[64];
    snprintf(hidden, sizeof hidden, ".%.40s.%ld", name, (long)getpid());
    if (!join(path, sizeof path, folder, name) || !join(unfinished, sizeof unfinished, folder, hidden)) {
        return fail(why, why_size, folder);
    }
    if (!over && access(path, F_OK) == 0) {
        return true;
    }
    int file = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        return fail(why, why_size, path);
    }
    bool written = write_all(file, bytes, count);
    int reason = errno;
    if (close(file) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(unfinished, path) == 0) {
        return true;
    }
    errno = written ? errno : reason;
    fail(why, why_size, path);
    unlink(unfinished);
    return false;
}

bool steve_save_file(const char *folder, const char *name, const void *bytes, size_t count, char *why, size_t why_size)
{
    return put_file(folder, name, bytes, count, false, why, why_size);
}

bool steve_replace_file(const char *folder, const char *name, const void *bytes, size_t count, char *why,
                        size_t why_size)
{
    return put_file(folder, name, bytes, count, true, why, why_size);
}

/// True if the folder holds this very finding.
static bool holds(const char *folder, const struct text *full)
{
    char path[STEVE_SAVE_PATH_MAX];
    if (!join(path, sizeof path, folder, "full.ops")) {
        return false;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    char block[4096];
    size_t at = 0;
    size_t count;
    bool same = true;
    while (same && (count = fread(block, 1, sizeof block, file)) > 0) {
        same = count <= full->count - at && memcmp(block, full->bytes + at, count) == 0;
        at += count;
    }
    fclose(file);
    return same && at == full->count;
}

/// Finds or makes the folder for a finding.
static bool choose_folder(const char *out, const char *name, const struct text *full, char *path, char *why,
                          size_t why_size)
{
    if (!make_folders(out)) {
        return fail(why, why_size, out);
    }
    for (int number = 1; number <= NUMBERED_MAX; number++) {
        char numbered[256];
        snprintf(numbered, sizeof numbered, number == 1 ? "%.200s" : "%.200s-%d", name, number);
        if (!join(path, STEVE_SAVE_PATH_MAX, out, numbered)) {
            return fail(why, why_size, out);
        }
        if (mkdir(path, 0777) == 0) {
            return true;
        }
        if (errno != EEXIST) {
            return fail(why, why_size, path);
        }
        if (holds(path, full)) {
            return true;
        }
    }
    snprintf(why, why_size, "%.100s: %d findings of that name are there already", path, NUMBERED_MAX);
    return false;
}

/// Writes repro.ops and repro.bin.
static bool write_repro(const char *folder, const struct steve_catalog *catalog, const struct steve_sequence *repro,
                        bool over, char *why, size_t why_size)
{
    struct text text = {0};
    size_t count = 0;
    uint8_t *bytes = steve_bytes_encode(catalog, repro, &count);
    bool written = false;
    if (bytes == NULL || !print_sequence(catalog, repro, &text)) {
        snprintf(why, why_size, "memory is short");
    } else {
        written = put_file(folder, "repro.ops", text.bytes, text.count, over, why, why_size) &&
                  put_file(folder, "repro.bin", bytes, count, over, why, why_size);
    }
    free(text.bytes);
    free(bytes);
    return written;
}

bool steve_save_smaller(const char *folder, const struct steve_catalog *catalog, const struct steve_sequence *repro,
                        char *why, size_t why_size)
{
    return write_repro(folder, catalog, repro, true, why, why_size);
}

bool steve_save_finding(const char *out, const char *name, const struct steve_catalog *catalog,
                        const struct steve_sequence *full, const struct steve_sequence *repro, char *path, char *why,
                        size_t why_size)
{
    struct text text = {0};
    if (!print_sequence(catalog, full, &text)) {
        snprintf(why, why_size, "memory is short");
        free(text.bytes);
        return false;
    }
    // full.ops comes last: a folder that holds it is complete.
    bool saved = choose_folder(out, name, &text, path, why, why_size) &&
                 write_repro(path, catalog, repro, false, why, why_size) &&
                 steve_save_file(path, "full.ops", text.bytes, text.count, why, why_size);
    free(text.bytes);
    return saved;
}
