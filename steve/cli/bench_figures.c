/// The bench: medians and percentiles, random sizes, the clock, memory, and what machine this is.
#define _GNU_SOURCE
#include "steve/cli/bench_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

bool bench_values_push(struct bench_values *values, double value)
{
    if (values->count == values->capacity) {
        size_t capacity = values->capacity ? values->capacity * 2 : 64;
        double *grown = realloc(values->value, capacity * sizeof *grown);
        if (!grown)
            return false;
        values->value = grown;
        values->capacity = capacity;
    }
    values->value[values->count++] = value;
    return true;
}

void bench_values_free(struct bench_values *values)
{
    free(values->value);
    *values = (struct bench_values){0};
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void sort(struct bench_values *values)
{
    if (values->count)
        qsort(values->value, values->count, sizeof *values->value, compare_doubles);
}

double bench_median(struct bench_values *values)
{
    if (!values->count)
        return 0;
    sort(values);
    size_t middle = values->count / 2;
    return values->count % 2 ? values->value[middle] : (values->value[middle - 1] + values->value[middle]) / 2;
}

double bench_percentile(struct bench_values *values, double share)
{
    if (!values->count)
        return 0;
    sort(values);
    size_t rank = (size_t)(share * (double)values->count + 0.999999);
    if (rank < 1)
        rank = 1;
    if (rank > values->count)
        rank = values->count;
    return values->value[rank - 1];
}

uint16_t bench_random_size(uint64_t *state)
{
    uint32_t octave = 4 + bench_random_below(state, 6);
    uint32_t fraction = bench_random_below(state, 1u << 16);
    // 2^f is within 0.3 % of 1 + 0.6565 f + 0.3435 f²; here in units of 2^-16.
    uint64_t square = ((uint64_t)fraction * fraction) >> 16;
    uint64_t power = 65536 + ((43024 * (uint64_t)fraction + 22512 * square) >> 16);
    return (uint16_t)((power << octave) >> 16);
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *bench_memory(size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    void *memory = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "steve bench: the system gives no %zu bytes of memory\n", bytes);
        exit(3);
    }
    return memory;
}

/// The value of the first line of /proc/cpuinfo that begins with `key`; "" if there is none.
static void read_cpuinfo(const char *key, char *value, size_t size)
{
    *value = '\0';
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return;
    char line[512];
    while (!*value && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon)
            continue;
        colon += 1 + strspn(colon + 1, " ");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(value, size, "%s", colon);
    }
    fclose(file);
}

void bench_print_machine(FILE *out)
{
    char model[256];
    read_cpuinfo("model name", model, sizeof model);
    struct utsname system;
    if (uname(&system) != 0)
        return;
    fprintf(out, "machine    %s, %ld cores, %s %s %s\n", *model ? model : "unknown CPU", sysconf(_SC_NPROCESSORS_ONLN),
            system.sysname, system.release, system.machine);
#if defined(__clang__)
    fprintf(out, "compiler   clang %d.%d.%d", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
    fprintf(out, "compiler   gcc %d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
#if defined(__OPTIMIZE__) && defined(NDEBUG)
    fprintf(out, "\n");
#else
    fprintf(out, ", NOT a release build: the figures mean nothing\n");
#endif
}
