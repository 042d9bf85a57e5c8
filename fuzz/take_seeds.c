/// Takes byte inputs for a target that runs sequences, and writes them as seeds are: in canonical bytes, under the names that they have.
///
///     take_seeds fuzz_jeff TO FROM...    FROM: folders, of which only the files are looked at; one that is missing is empty
///
/// What names a driver that the target does not have is left out: there it passes unseen. What names none is written with the target's first
/// driver, which is what runs it. A file that TO has already stays as it is. Exit status 3 if something cannot be read or written.
#define _GNU_SOURCE // scandir, alphasort

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/family.h"
#include "steve/core/codec.h"

/// What is larger no target is given.
#define BYTES_MOST ((size_t)1 << 20)

_Noreturn static void die(const char *path, const char *why)
{
    fprintf(stderr, "take_seeds: %s: %s\n", path, why);
    exit(3);
}

/// @param size gets the bytes that there are, BYTES_MOST at most
static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    uint8_t *bytes = malloc(BYTES_MOST);
    if (in == NULL || bytes == NULL)
        die(path, strerror(errno));
    *size = fread(bytes, 1, BYTES_MOST, in);
    if (ferror(in) != 0)
        die(path, strerror(errno));
    fclose(in);
    return bytes;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *out = fopen(path, "wbx");
    if (out == NULL && errno == EEXIST)
        return;
    if (out == NULL || fwrite(bytes, 1, size, out) != size || fclose(out) != 0)
        die(path, strerror(errno));
}

/// Whether the target runs it; if it names no driver it gets the first.
static bool is_for(const struct family *family, struct steve_header *header)
{
    if (header->driver[0] == '\0')
        snprintf(header->driver, sizeof header->driver, "%s", family->name);
    const struct steve_driver *driver = steve_catalog_by_name(&steve_drivers, header->driver);
    return driver != NULL && is_of_family(driver, family->name);
}

static bool take(const struct family *family, const char *from, const char *to)
{
    size_t size;
    uint8_t *given = read_file(from, &size);
    struct steve_sequence sequence = {0};
    if (!steve_bytes_decode(&steve_drivers, given, size, &sequence))
        die(from, "memory is short");
    const bool is_ours = is_for(family, &sequence.header);
    if (is_ours) {
        size_t count;
        uint8_t *bytes = steve_bytes_encode(&steve_drivers, &sequence, &count);
        if (bytes == NULL)
            die(from, "memory is short");
        write_file(to, bytes, count);
        free(bytes);
    }
    steve_sequence_free(&sequence);
    free(given);
    return is_ours;
}

static void take_folder(const struct family *family, const char *from, const char *to, unsigned *taken, unsigned *left)
{
    struct dirent **entries;
    const int count = scandir(from, &entries, NULL, alphasort);
    if (count < 0 && errno != ENOENT)
        die(from, strerror(errno));
    for (int i = 0; i < count; i++) {
        char source[4096];
        char place[4096];
        struct stat status;
        const char *name = entries[i]->d_name;
        if ((size_t)snprintf(source, sizeof source, "%s/%s", from, name) >= sizeof source ||
            (size_t)snprintf(place, sizeof place, "%s/%s", to, name) >= sizeof place)
            die(name, "the path is too long");
        if (name[0] != '.' && stat(source, &status) == 0 && S_ISREG(status.st_mode))
            *(take(family, source, place) ? taken : left) += 1;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    struct family family = {0};
    if (argc < 4 || !find_family(argv[1], &family)) {
        fprintf(stderr, "expected: take_seeds fuzz_<driver>[_against_<driver>] TO FROM...\n");
        return 2;
    }
    unsigned taken = 0;
    unsigned left = 0;
    for (int i = 3; i < argc; i++)
        take_folder(&family, argv[i], argv[2], &taken, &left);
    printf("%s: %u inputs taken, %u for other drivers left out\n", argv[1], taken, left);
    return 0;
}
