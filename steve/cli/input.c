/// Reading files and folders.
#define _GNU_SOURCE
#include "steve/cli/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "steve/cli/catalog.h"
#include "steve/cli/preloaded.h"
#include "steve/core/external.h"
#include "steve/drivers/drivers.h"
#include "steve/find/preload.h"

/// How deep folders may lie in each other; a symbolic link that leads in a circle ends here.
#define DEPTH_MAX 32

/// Inputs of the text fuzzer lie in folders of this name.
#define TEXT_FOLDER "fuzz_text"

static bool fail(char *error, const char *path, const char *what)
{
    snprintf(error, STEVE_INPUT_ERROR_SIZE, "%.300s: %s", path, what);
    return false;
}

static bool read_all(FILE *in, struct steve_bytes *file)
{
    size_t capacity = 0;
    for (;;) {
        if (capacity - file->count < 2) {
            capacity = capacity < 4096 ? 4096 : capacity * 2;
            uint8_t *more = realloc(file->bytes, capacity);
            if (more == NULL) {
                errno = ENOMEM;
                return false;
            }
            file->bytes = more;
        }
        size_t count = fread(file->bytes + file->count, 1, capacity - file->count - 1, in);
        file->count += count;
        if (count == 0) {
            file->bytes[file->count] = '\0';
            return !ferror(in);
        }
    }
}

bool steve_read_file(const char *path, struct steve_bytes *file, char error[STEVE_INPUT_ERROR_SIZE])
{
    *file = (struct steve_bytes){0};
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat status;
    if (!is_stdin && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return fail(error, path, "is a folder; expected a file");
    }
    FILE *in = is_stdin ? stdin : fopen(path, "rbe");
    if (in == NULL) {
        return fail(error, path, errno == ENOENT ? "no such file" : strerror(errno));
    }
    bool read = read_all(in, file);
    int reason = errno;
    if (!is_stdin) {
        fclose(in);
    }
    if (!read) {
        free(file->bytes);
        *file = (struct steve_bytes){0};
        return fail(error, path, strerror(reason));
    }
    return true;
}

/// Bytes of another version of the format, or for a driver that is not known here, decode like any others. What they
/// show may then be something else, so it is said.
static void tell_if_foreign(const char *path, const struct steve_bytes *file)
{
    if (file->count < STEVE_BYTES_HEADER) {
        return;
    }
    uint8_t version = file->bytes[STEVE_BYTES_AT_VERSION];
    uint8_t wire_id = file->bytes[STEVE_BYTES_AT_DRIVER];
    if (version != 0 && version != STEVE_BYTES_VERSION) {
        fprintf(stderr, "steve: %s: made for version %u of the format, and read as version %u\n", path,
                (unsigned)version, STEVE_BYTES_VERSION);
    }
    if (wire_id != 0 && steve_catalog_by_wire(steve_known_drivers(), wire_id) == NULL) {
        fprintf(stderr,
                "steve: %s: made for driver number %u, which is not known here; --driver says which one to take\n",
                path, (unsigned)wire_id);
    }
}

/// Such as people write, without its first line: only characters that can be read, and a first line that begins with a word of the text
/// form. No engine makes that by chance.
static bool is_text_without_its_first_line(const struct steve_bytes *file)
{
    static const char *const words[] = {"driver", "against", "heap", "base", "memory", "option", "threads"};
    for (size_t i = 0; i < file->count; i++) {
        uint8_t c = file->bytes[i];
        if ((c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t') {
            return false;
        }
    }
    const char *line = (const char *)file->bytes;
    while (line != NULL && strchr("#\r\n", *line) != NULL && *line != '\0') {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    size_t length = line != NULL ? strcspn(line, " \t\r\n") : 0;
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        known |= strlen(words[i]) == length && strncmp(line, words[i], length) == 0;
    }
    for (int kind = 0; kind < STEVE_KIND_COUNT && length > 0; kind++) {
        const char *name = steve_op_kind_name((enum steve_op_kind)kind);
        known |= strlen(name) == length && strncmp(line, name, length) == 0;
    }
    return known;
}

bool steve_load_sequence(const char *path, const struct steve_bytes *file, struct steve_sequence *sequence,
                         char error[STEVE_INPUT_ERROR_SIZE])
{
    if (steve_text_looks_like(file->bytes, file->count)) {
        return steve_text_parse(steve_known_drivers(), path, (const char *)file->bytes, file->count, sequence, error,
                                STEVE_INPUT_ERROR_SIZE);
    }
    if (file->count > 0 && is_text_without_its_first_line(file)) {
        return fail(error, path, "it looks like a sequence as text, and does not begin with `steve-ops 1`");
    }
    tell_if_foreign(path, file);
    return steve_bytes_decode(steve_known_drivers(), file->bytes, file->count, sequence) ||
           fail(error, path, "memory is short");
}

bool steve_is_text_input(const char *path)
{
    for (const char *at = strstr(path, TEXT_FOLDER); at != NULL; at = strstr(at + 1, TEXT_FOLDER)) {
        if ((at == path || at[-1] == '/') && at[strlen(TEXT_FOLDER)] == '/') {
            return true;
        }
    }
    return false;
}

/// The driver that a sequence names, or the one that is wanted. @return NULL with a message if there is none
static const struct steve_driver *named_driver(const char *path, const struct steve_driver *wanted,
                                               const struct steve_header *header, char error[STEVE_INPUT_ERROR_SIZE])
{
    if (wanted != NULL && header->driver[0] != '\0' && strcmp(wanted->name, header->driver) != 0) {
        fprintf(stderr, "steve: %s: made for driver '%s', and run on '%s'\n", path, header->driver, wanted->name);
    }
    if (wanted != NULL || header->driver[0] == '\0') {
        return wanted != NULL ? wanted : steve_known_drivers()->drivers[0];
    }
    const struct steve_driver *driver = steve_catalog_by_name(steve_known_drivers(), header->driver);
    if (driver == NULL) {
        snprintf(error, STEVE_INPUT_ERROR_SIZE,
                 steve_driver_name_is_path(header->driver)
                     ? "%.160s: its driver %s could not be loaded; --driver says which one to take"
                     : "%.160s: there is no driver '%s'; expected one that `steve drivers` lists",
                 path, header->driver);
    }
    return driver;
}

const struct steve_driver *steve_driver_for(const char *path, const struct steve_driver *wanted,
                                            const struct steve_header *header, char error[STEVE_INPUT_ERROR_SIZE])
{
    const struct steve_driver *driver = named_driver(path, wanted, header, error);
    if (driver == NULL || header->threads < 2 || (driver->promises & STEVE_PROMISE_THREADS) != 0) {
        return driver;
    }
    snprintf(error, STEVE_INPUT_ERROR_SIZE,
             "%.100s: it is for %u threads, and driver %.100s does not promise that several may use it; without its "
             "`threads` line and the @N it runs in one",
             path, (unsigned)header->threads, driver->name);
    return NULL;
}

static bool is_malloc_library(const struct steve_driver *driver)
{
    return strncmp(driver->name, STEVE_MALLOC_PREFIX, strlen(STEVE_MALLOC_PREFIX)) == 0;
}

const char *steve_pair_obstacle(const struct steve_driver *driver, const struct steve_driver *against)
{
    if (against == NULL) {
        return NULL;
    }
    if (driver == against) {
        return "expected another driver than the first";
    }
    if (is_malloc_library(driver) && is_malloc_library(against)) {
        return "each would take the place of malloc(): expected one malloc: library at most";
    }
    const bool libc = driver == &steve_driver_libc || against == &steve_driver_libc;
    return libc && (steve_preload_library(driver) != NULL || steve_preload_library(against) != NULL)
               ? "it would take the place of libc's malloc(): expected no malloc: library beside libc"
               : NULL;
}

bool steve_against_for(const char *path, const struct steve_driver *wanted, const struct steve_driver *driver,
                       struct steve_header *header, const struct steve_driver **against,
                       char error[STEVE_INPUT_ERROR_SIZE])
{
    *against = wanted;
    if (wanted == NULL && header->against[0] != '\0') {
        *against = steve_catalog_by_name(steve_known_drivers(), header->against);
        if (*against == NULL) {
            snprintf(error, STEVE_INPUT_ERROR_SIZE,
                     "%.160s: it is to run against %s, which cannot be had; --against says which one to take", path,
                     header->against);
            return false;
        }
    }
    const char *obstacle = steve_pair_obstacle(driver, *against);
    if (*against != NULL && header->threads > 1) {
        obstacle = "with threads there is one driver: expected no second one";
    }
    if (obstacle != NULL) {
        snprintf(error, STEVE_INPUT_ERROR_SIZE, "%.100s: driver %.120s against %.120s: %s", path, driver->name,
                 (*against)->name, obstacle);
        return false;
    }
    snprintf(header->against, sizeof header->against, "%s", *against != NULL ? (*against)->name : "");
    return true;
}

static bool push(struct steve_paths *paths, const char *path, char *error)
{
    if (paths->count == paths->capacity) {
        size_t capacity = paths->capacity == 0 ? 64 : paths->capacity * 2;
        char **more = realloc(paths->paths, capacity * sizeof *more);
        if (more == NULL) {
            return fail(error, path, "memory is short");
        }
        paths->paths = more;
        paths->capacity = capacity;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return fail(error, path, "memory is short");
    }
    paths->paths[paths->count++] = copy;
    return true;
}

static bool is_left_out(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' || strncmp(name, "README", 6) == 0 || strcmp(name, "report.txt") == 0 ||
           strcmp(name, "repro.c") == 0 || (length > 3 && strcmp(name + length - 3, ".md") == 0);
}

static bool add_folder(struct steve_paths *paths, const char *folder, int depth, char *error);

static bool add_entry(struct steve_paths *paths, const char *folder, const char *name, int depth, char *error)
{
    if (is_left_out(name)) {
        return true;
    }
    size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    char *path;
    if (asprintf(&path, "%s%s%s", folder, slash, name) < 0) {
        return fail(error, folder, "memory is short");
    }
    struct stat status;
    bool added = true;
    if (stat(path, &status) != 0) {
        added = fail(error, path, strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        added = add_folder(paths, path, depth + 1, error);
    } else if (S_ISREG(status.st_mode)) {
        added = push(paths, path, error);
    }
    free(path);
    return added;
}

static bool add_folder(struct steve_paths *paths, const char *folder, int depth, char *error)
{
    if (depth > DEPTH_MAX) {
        return fail(error, folder, "folders lie too deep in each other");
    }
    DIR *open = opendir(folder);
    if (open == NULL) {
        return fail(error, folder, strerror(errno));
    }
    bool added = true;
    for (struct dirent *entry = readdir(open); added && entry != NULL; entry = readdir(open)) {
        added = add_entry(paths, folder, entry->d_name, depth, error);
    }
    closedir(open);
    return added;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool steve_paths_add(struct steve_paths *paths, const char *path, char error[STEVE_INPUT_ERROR_SIZE])
{
    struct stat status;
    if (strcmp(path, "-") == 0) {
        return push(paths, path, error);
    }
    if (stat(path, &status) != 0) {
        return fail(error, path, errno == ENOENT ? "no such file or folder" : strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return push(paths, path, error);
    }
    size_t before = paths->count;
    if (!add_folder(paths, path, 0, error)) {
        return false;
    }
    if (paths->count > before) {
        qsort(paths->paths + before, paths->count - before, sizeof paths->paths[0], compare);
    }
    return true;
}

void steve_paths_free(struct steve_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        free(paths->paths[i]);
    }
    free(paths->paths);
    *paths = (struct steve_paths){0};
}
