/// How fast a fuzz target is without its engine: runs saved inputs, cut to so many bytes, again and again, and prints how many that
/// were in a second of CPU time. In a build with an engine the target is instrumented as it is there; in `release` it is not.
///
///     fuzz_jeff_speed BYTES SECONDS FOLDER
#define _GNU_SOURCE // scandir, alphasort, asprintf

#include "fuzz/target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define INPUTS_MOST 4096u

struct input {
    uint8_t *data; ///< of exactly its size, so that a sanitizer sees a read beyond it
    size_t size;
};

static struct input inputs[INPUTS_MOST];
static size_t input_count;

static void leave(const char *what, const char *name)
{
    fprintf(stderr, "%s: %s\n", name, what);
    exit(2);
}

static void read_input(const char *path, size_t most)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(most);
    if (in == NULL || data == NULL)
        leave("cannot be read", path);
    const size_t size = fread(data, 1, most, in);
    fclose(in);
    uint8_t *exact = realloc(data, size == 0 ? 1 : size);
    inputs[input_count++] = (struct input){exact == NULL ? data : exact, size};
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_folder(const char *folder, size_t most)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_visible, alphasort);
    if (count <= 0)
        leave("expected a folder with inputs in it", folder);
    for (int i = 0; i < count && input_count < INPUTS_MOST; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            leave("memory is short", folder);
        read_input(path, most);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void run_all(void)
{
    for (size_t i = 0; i < input_count; i++)
        LLVMFuzzerTestOneInput(inputs[i].data, inputs[i].size);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s BYTES SECONDS FOLDER\n", argv[0]);
        return 2;
    }
    LLVMFuzzerInitialize(&argc, &argv);
    read_folder(argv[3], strtoul(argv[1], NULL, 10));
    const double seconds = strtod(argv[2], NULL);
    run_all(); // so that memory is mapped and caches are warm
    const double begin = cpu_seconds();
    double end = begin;
    size_t rounds = 0;
    do {
        run_all();
        rounds++;
        end = cpu_seconds();
    } while (end - begin < seconds);
    printf("%zu inputs, %.0f exec/s of CPU time\n", input_count, (double)(rounds * input_count) / (end - begin));
    return 0;
}
