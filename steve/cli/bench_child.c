/// The bench: a task in a child process of its own, with its allocator preloaded.
///
/// The child's arguments are the task's numbers, in the order of `struct bench_task`. Its stdout is one line that says `ok`
/// or `missing` and the allocator's version, then a figure a line.
#define _GNU_SOURCE
#include "steve/cli/bench_internal.h"
#include "steve/cli/bench_process.h"
#include "steve/sanitizers.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#ifdef STEVE_ADDRESS_SANITIZER
const bool bench_can_preload = false;
#else
const bool bench_can_preload = true;
#endif

const struct bench_allocator_info bench_allocators[BENCH_ALLOCATORS] = {
    [BENCH_JEFF] = {.name = "jeff"},
    [BENCH_GLIBC] = {.name = "libc"},
    [BENCH_MIMALLOC] = {.name = "mimalloc", .preload = "libmimalloc.so.2", .package = "libmimalloc2.0"},
    [BENCH_JEMALLOC] = {.name = "jemalloc", .preload = "libjemalloc.so.2", .package = "libjemalloc2"},
    [BENCH_TCMALLOC] = {.name = "tcmalloc", .preload = "libtcmalloc_minimal.so.4", .package = "libtcmalloc-minimal4"},
};

/// Whether this process's malloc() comes from the library that was to be preloaded: the loader goes on without one that it
/// does not find.
static bool is_preloaded(const char *library)
{
    void *(*allocate)(size_t) = malloc;
    void *address;
    memcpy(&address, &allocate, sizeof address);
    Dl_info info;
    return dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, library);
}

/// Finds a function of a preloaded library; none if it is not there.
static void find_function(const char *name, void *function, size_t size)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &address, size);
}

static void print_version(enum bench_allocator allocator)
{
    int (*number)(void) = NULL;
    int (*control)(const char *, void *, size_t *, void *, size_t) = NULL;
    const char *(*text)(int *, int *, const char **) = NULL;
    const char *value = "";
    int major = 0, minor = 0;
    size_t size = sizeof value;

    switch (allocator) {
    case BENCH_GLIBC:
        value = gnu_get_libc_version();
        break;
    case BENCH_MIMALLOC: // 209 is 2.0.9
        find_function("mi_version", &number, sizeof number);
        if (number)
            printf("%d.%d.%d", number() / 100, number() / 10 % 10, number() % 10);
        break;
    case BENCH_JEMALLOC:
        find_function("mallctl", &control, sizeof control);
        if (control)
            control("version", &value, &size, NULL, 0);
        break;
    case BENCH_TCMALLOC:
        find_function("tc_version", &text, sizeof text);
        if (text)
            text(&major, &minor, &value);
        if (major)
            printf("%d.%d", major, minor);
        break;
    default:
        break;
    }
    // jemalloc's version ends in a commit: what comes before it is enough.
    printf("%.*s", (int)strcspn(value, "-"), allocator == BENCH_TCMALLOC ? "" : value);
}

static bool run_task(const struct bench_task *task)
{
    switch (task->job) {
    case BENCH_PAIR:
        return bench_pair(task);
    case BENCH_RESIZE:
        return bench_resize(task);
    case BENCH_OVERHEAD:
        return bench_overhead(task);
    case BENCH_REFUSAL:
        return bench_refusal(task);
    default:
        break;
    }
    if (task->job != BENCH_PROBE && task->allocator != BENCH_JEFF)
        return false; // the other jobs are about what only Jeff does
    switch (task->job) {
    case BENCH_LOCK:
        return bench_lock(task);
    case BENCH_RUN:
        return bench_run(task);
    case BENCH_COMPACT:
        return bench_compact(task);
    case BENCH_PAUSE:
        return bench_pause(task);
    default:
        return true;
    }
}

/// A task as numbers, in the order of its fields.
enum { TASK_NUMBERS = 15 };

static void task_to_numbers(const struct bench_task *task, uint64_t number[TASK_NUMBERS])
{
    const uint64_t fields[TASK_NUMBERS] = {
        task->allocator,   task->job,           task->live,         task->count,          task->singles,
        task->uniform,     task->touched_bytes, task->heap_percent, task->locked_percent, task->heap_bytes,
        task->block_bytes, task->budget_ns,     task->seed,         task->large,          task->zeroed,
    };
    memcpy(number, fields, sizeof fields);
}

static struct bench_task task_from_numbers(const uint64_t number[TASK_NUMBERS])
{
    return (struct bench_task){
        .allocator = (enum bench_allocator)number[0],
        .job = (enum bench_job)number[1],
        .live = (size_t)number[2],
        .count = (size_t)number[3],
        .singles = (size_t)number[4],
        .uniform = number[5] != 0,
        .touched_bytes = (unsigned)number[6],
        .heap_percent = (unsigned)number[7],
        .locked_percent = (unsigned)number[8],
        .heap_bytes = (size_t)number[9],
        .block_bytes = (size_t)number[10],
        .budget_ns = number[11],
        .seed = number[12],
        .large = number[13] != 0,
        .zeroed = number[14] != 0,
    };
}

int bench_child(int argc, char **argv)
{
    uint64_t number[TASK_NUMBERS];
    if (argc != TASK_NUMBERS) {
        fprintf(stderr, "steve bench: --child is for its own use: %d numbers follow\n", TASK_NUMBERS);
        return 2;
    }
    for (int i = 0; i < TASK_NUMBERS; i++)
        number[i] = strtoull(argv[i], NULL, 10);
    if (number[0] >= BENCH_ALLOCATORS || number[1] >= BENCH_JOBS) {
        fprintf(stderr, "steve bench: --child: no such allocator or job\n");
        return 2;
    }
    struct bench_task task = task_from_numbers(number);

    const char *preload = bench_allocators[task.allocator].preload;
    if (preload && !is_preloaded(preload)) {
        printf("missing\n");
        return 0;
    }
    printf("ok ");
    print_version(task.allocator);
    printf("\n");
    return run_task(&task) ? 0 : 3;
}

/// Reads what the child prints, to its end.
static enum bench_answer read_answer(FILE *in, struct bench_values *values, char *note, size_t note_size)
{
    char line[256];
    if (!fgets(line, sizeof line, in))
        return BENCH_FAILED;
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "missing") == 0)
        return BENCH_MISSING;
    if (strncmp(line, "ok ", 3) != 0)
        return BENCH_FAILED;
    snprintf(note, note_size, "%s", line + 3);
    while (fgets(line, sizeof line, in))
        if (!bench_values_push(values, strtod(line, NULL)))
            return BENCH_FAILED;
    return BENCH_ANSWERED;
}

enum bench_answer bench_ask(const struct bench_task *task, struct bench_values *values, char *note, size_t note_size)
{
    const struct bench_allocator_info *info = &bench_allocators[task->allocator];
    uint64_t field[TASK_NUMBERS];
    char number[TASK_NUMBERS][24];
    char *arguments[TASK_NUMBERS + 4] = {"steve", "bench", "--child"};
    task_to_numbers(task, field);
    for (int i = 0; i < TASK_NUMBERS; i++) {
        snprintf(number[i], sizeof number[i], "%" PRIu64, field[i]);
        arguments[3 + i] = number[i];
    }
    struct bench_process process;
    if (!bench_process_start(&process, info->name, arguments, info->preload, task->job == BENCH_PROBE))
        return BENCH_FAILED;
    enum bench_answer answer = read_answer(process.out, values, note, note_size);
    int status = bench_process_end(&process);
    if (status == 0 && answer != BENCH_FAILED)
        return answer;
    if (WIFSIGNALED(status))
        fprintf(stderr, "steve bench: %s was ended by signal %d\n", info->name, WTERMSIG(status));
    else
        fprintf(stderr, "steve bench: %s could not be measured (child's exit status %d)\n", info->name,
                WEXITSTATUS(status));
    return BENCH_FAILED;
}
