/// The bench: this program again as a child, with a malloc library preloaded into it.
#define _GNU_SOURCE
#include "steve/cli/bench_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/// Becomes the child. Only async-signal-safe calls: the environment was made before the fork.
static _Noreturn void become_child(char *const *arguments, char **environment, int out, bool hush)
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

bool bench_process_start(struct bench_process *process, const char *what, char *const *arguments, const char *preload,
                         bool hush)
{
    char entry[512];
    char **environment = make_environment(preload, entry, sizeof entry);
    int ends[2];
    if (!environment || pipe2(ends, O_CLOEXEC) != 0) {
        fprintf(stderr, "steve bench: cannot start a child for %s: %s\n", what, strerror(errno));
        free(environment);
        return false;
    }
    fflush(NULL);
    process->pid = fork();
    if (process->pid == 0)
        become_child(arguments, environment, ends[1], hush);
    int error = errno;
    close(ends[1]);
    free(environment);
    process->out = process->pid > 0 ? fdopen(ends[0], "r") : NULL;
    if (process->out)
        return true;
    close(ends[0]);
    if (process->pid > 0)
        bench_process_end(process);
    else
        fprintf(stderr, "steve bench: cannot start a child for %s: %s\n", what, strerror(error));
    return false;
}

int bench_process_end(struct bench_process *process)
{
    if (process->out)
        fclose(process->out);
    int status = -1;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
