/// The bench: a task in a child process of its own, with its allocator preloaded.
///
/// The child's arguments are the task's numbers, in the order of `struct bench_task`. Its stdout is one line that says `ok`
/// or `missing` and the allocator's version, then a figure a line.
#define _GNU_SOURCE
#include "steve/cli/bench_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BUILT_WITH_ASAN 1
#endif

#if defined(BUILT_WITH_ASAN)
const bool bench_can_preload = false;
#else
const bool bench_can_preload = true;
#endif

const struct bench_allocator_info bench_allocators[BENCH_ALLOCATORS] = {
    [BENCH_JEFF] = {.name = "jeff"},
    [BENCH_GLIBC] = {.name = "glibc"},
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
    bool is_jeff = task->allocator == BENCH_JEFF;
    switch (task->job) {
    case BENCH_PAIR:
        return is_jeff ? bench_pair_jeff(task) : bench_pair_malloc(task);
    case BENCH_LOCK:
        return is_jeff && bench_lock_jeff(task);
    case BENCH_COMPACT:
        return is_jeff && bench_compact_jeff(task);
    case BENCH_PAUSE:
        return is_jeff && bench_pause_jeff(task);
    default:
        return true;
    }
}

int bench_child(int argc, char **argv)
{
    uint64_t number[7];
    if (argc != 7) {
        fprintf(stderr, "steve bench: --child is for its own use: 7 numbers follow\n");
        return 2;
    }
    for (int i = 0; i < 7; i++)
        number[i] = strtoull(argv[i], NULL, 10);
    if (number[0] >= BENCH_ALLOCATORS || number[1] >= BENCH_JOBS) {
        fprintf(stderr, "steve bench: --child: no such allocator or job\n");
        return 2;
    }
    struct bench_task task = {
        .allocator = (enum bench_allocator)number[0],
        .job = (enum bench_job)number[1],
        .live = (size_t)number[2],
        .count = (size_t)number[3],
        .touched_bytes = (unsigned)number[4],
        .locked_percent = (unsigned)number[5],
        .seed = number[6],
    };

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

/// Becomes the child. Only async-signal-safe calls: the environment was made before the fork.
static _Noreturn void become_child(char **arguments, char **environment, int out, bool hush)
{
    dup2(out, STDOUT_FILENO);
    if (hush) { // of the loader, which complains about a library that is not there; we say so ourselves
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0)
            dup2(null, STDERR_FILENO);
    }
    execve("/proc/self/exe", arguments, environment);
    _exit(127);
}

/// The environment with LD_PRELOAD set to `library`, or without it. @return memory to be freed, or NULL
static char **make_environment(const char *library, char *entry, size_t entry_size)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **environment = malloc((count + 2) * sizeof *environment);
    if (!environment)
        return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
            environment[kept++] = environ[i];
    if (library) {
        snprintf(entry, entry_size, "LD_PRELOAD=%s", library);
        environment[kept++] = entry;
    }
    environment[kept] = NULL;
    return environment;
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
    char number[7][24];
    const uint64_t field[7] = {task->allocator,      task->job, task->live, task->count, task->touched_bytes,
                               task->locked_percent, task->seed};
    char *arguments[11] = {"steve", "bench", "--child"};
    for (int i = 0; i < 7; i++) {
        snprintf(number[i], sizeof number[i], "%" PRIu64, field[i]);
        arguments[3 + i] = number[i];
    }
    char entry[128];
    char **environment = make_environment(info->preload, entry, sizeof entry);

    int ends[2];
    if (!environment || pipe2(ends, O_CLOEXEC) != 0) {
        fprintf(stderr, "steve bench: cannot start a child for %s: %s\n", info->name, strerror(errno));
        free(environment);
        return BENCH_FAILED;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        become_child(arguments, environment, ends[1], task->job == BENCH_PROBE);
    close(ends[1]);
    free(environment);

    FILE *in = fdopen(ends[0], "r");
    enum bench_answer answer = child > 0 && in ? read_answer(in, values, note, note_size) : BENCH_FAILED;
    if (in)
        fclose(in);
    else
        close(ends[0]);
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status == 0 && answer != BENCH_FAILED)
        return answer;
    if (WIFSIGNALED(status))
        fprintf(stderr, "steve bench: %s was ended by signal %d\n", info->name, WTERMSIG(status));
    else
        fprintf(stderr, "steve bench: %s could not be measured (child's exit status %d)\n", info->name,
                WEXITSTATUS(status));
    return BENCH_FAILED;
}
