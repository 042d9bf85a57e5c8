/// The bench: medians and percentiles, random sizes, the clock and memory.
#define _GNU_SOURCE
#include "steve/cli/bench_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

bool bench_values_reserve(struct bench_values *values, size_t count)
{
    values->count = 0;
    for (size_t i = 0; i < count; i++)
        if (!bench_values_push(values, 0))
            return false;
    values->count = 0;
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

/// @param values sorted
static double at_share(const struct bench_values *values, double share)
{
    if (!values->count)
        return 0;
    size_t rank = (size_t)(share * (double)values->count + 0.999999);
    if (rank < 1)
        rank = 1;
    if (rank > values->count)
        rank = values->count;
    return values->value[rank - 1];
}

double bench_percentile(struct bench_values *values, double share)
{
    sort(values);
    return at_share(values, share);
}

void bench_spread(struct bench_values *values, double spread[BENCH_SINGLES])
{
    static const double share[BENCH_SINGLES] = {0.5, 0.99, 0.999, 1};
    sort(values);
    for (int i = 0; i < BENCH_SINGLES; i++)
        spread[i] = at_share(values, share[i]);
}

void bench_print_spread(struct bench_values *values)
{
    double spread[BENCH_SINGLES];
    bench_spread(values, spread);
    for (int i = 0; i < BENCH_SINGLES; i++)
        printf("%.1f\n", spread[i]);
    bench_values_free(values);
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

void bench_shuffle(uint32_t *order, size_t count, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        uint32_t other = bench_random_below(state, (uint32_t)i);
        uint32_t last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// A line of what the system says about this process's memory, in bytes. Allocates nothing. 0: not told
static size_t rollup_bytes(const char *line)
{
    char text[1024];
    int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    if (file >= 0)
        close(file);
    text[bytes > 0 ? bytes : 0] = '\0';
    const char *found = strstr(text, line);
    return found ? (size_t)strtoull(found + strlen(line), NULL, 10) * 1024 : 0;
}

size_t bench_resident_bytes(void)
{
    return rollup_bytes("Rss:");
}

size_t bench_written_bytes(void)
{
    return rollup_bytes("Anonymous:");
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
