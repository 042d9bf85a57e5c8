/// Watching a child process. A hang is judged by the CPU time that one op takes, so that a busy machine raises no false alarm;
/// memory by the resident size, since sanitizers need any amount of address space.
#define _GNU_SOURCE
#include "steve/find/child.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "steve/sanitizers.h"

/// What a jump of the CPU time between two looks, some 50 ms apart, counts as.
#define STUCK_STEP_NS UINT64_C(100000000)
/// A child that sleeps in one op for so many times the limit, and takes next to no CPU time, waits for something that will never
/// come. A sanitizer's own thread wakes up now and then.
#define ASLEEP_FACTOR    10u
#define ASLEEP_CPU_SHARE 100u
#define ASLEEP_MIN_NS    UINT64_C(10000000000)

/// A sanitizer ends the process in its own way, having said why on stderr.
#if defined(STEVE_ADDRESS_SANITIZER) || defined(STEVE_THREAD_SANITIZER) || defined(STEVE_UNDEFINED_SANITIZER)
#define WITH_SANITIZER 1
#endif
#ifdef STEVE_THREAD_SANITIZER
/// A race ends the process at the op that it shows in, and so is a finding.
const char *__tsan_default_options(void);
__attribute__((used)) const char *__tsan_default_options(void)
{
    return "halt_on_error=1";
}
#endif
#ifdef WITH_SANITIZER
#define SANITIZER_HINT " (as a sanitizer does; its report is on stderr)"
#else
#define SANITIZER_HINT ""
#endif

static uint64_t to_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * UINT64_C(1000000000) + (uint64_t)time->tv_nsec;
}

static uint64_t wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return to_ns(&now);
}

static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec now;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &now) != 0) {
        return 0;
    }
    return to_ns(&now);
}

/// Reads a file of /proc that is short. @return false if there is none
static bool read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    ssize_t count = read(file, text, size - 1);
    close(file);
    if (count <= 0) {
        return false;
    }
    text[count] = '\0';
    return true;
}

static uint64_t resident_bytes(pid_t pid)
{
    char text[128];
    if (!read_proc(pid, "statm", text, sizeof text)) {
        return 0;
    }
    const char *second = strchr(text, ' ');
    return second == NULL ? 0 : strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/// True for one that waits (S), was stopped by a signal (T; one in a debugger is told as t), or has ended while others go on (Z, X).
static bool is_thread_asleep(pid_t pid, const char *thread)
{
    char text[256];
    char name[64];
    snprintf(name, sizeof name, "task/%.20s/stat", thread);
    if (!read_proc(pid, name, text, sizeof text)) {
        return true; // it has just ended
    }
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strncmp(name_end, ") ", 2) == 0 && name_end[2] != '\0' &&
           strchr("STZX", name_end[2]) != NULL;
}

/// True if all threads of the process wait for something other than a CPU or a disk.
static bool is_asleep(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    bool asleep = threads != NULL;
    for (struct dirent *thread = asleep ? readdir(threads) : NULL; thread != NULL && asleep;
         thread = readdir(threads)) {
        asleep = thread->d_name[0] == '.' || is_thread_asleep(pid, thread->d_name);
    }
    if (threads != NULL) {
        closedir(threads);
    }
    return asleep;
}

static struct steve_sight sight_of(const struct steve_child *child)
{
    const struct steve_page *page = child->page;
    return (struct steve_sight){
        .phase = atomic_load(&page->phase),
        .item = atomic_load(&page->item),
        .op = atomic_load(&page->op),
        .cpu_ns = cpu_of(child->pid),
        .wall_ns = wall_now(),
    };
}

static bool is_same_op(const struct steve_sight *a, const struct steve_sight *b)
{
    return a->phase == b->phase && a->item == b->item && a->op == b->op;
}

/// A group of its own: what the child starts, such as a sanitizer's symbolizer, is ended with it.
static void become_child(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    if (getppid() != parent) {
        _exit(3); // the parent was gone before it could be said
    }
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGTTOU, SIG_IGN); // it speaks to the terminal from the background
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    dup2(STDERR_FILENO, STDOUT_FILENO); // stdout is Steve's alone
}

bool steve_child_start(struct steve_child *child, void (*body)(void *context), void *context)
{
    assert(child->pid == 0);

    fflush(NULL); // or the child might write it once more
    atomic_store(&child->page->phase, STEVE_WORKER_IDLE);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        return false;
    }
    if (pid == 0) {
        become_child(parent);
        body(context);
        _exit(0);
    }
    setpgid(pid, pid); // whichever of the two comes first
    child->pid = pid;
    child->since = sight_of(child);
    child->seen_cpu_ns = child->since.cpu_ns;
    child->stuck_cpu_ns = 0;
    return true;
}

/// Takes leave of the child, which is ended if it is not, and of all that it started. While it is not waited for, its group's number
/// is nobody else's. @return what waitpid() gives
static int reap(struct steve_child *child)
{
    int status = 0;
    kill(child->pid, SIGKILL); // its group, too, is gone where it ended before it had one
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0) {
        // interrupted by a signal: it still has to be waited for
    }
    child->pid = 0;
    return status;
}

void steve_child_kill(struct steve_child *child)
{
    if (child->pid != 0) {
        reap(child);
    }
}

static const char *signal_name(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV, invalid memory access";
    case SIGBUS:
        return "SIGBUS, bus error";
    case SIGABRT:
        return "SIGABRT, abort";
    case SIGFPE:
        return "SIGFPE, arithmetic error";
    case SIGILL:
        return "SIGILL, illegal instruction";
    case SIGTRAP:
        return "SIGTRAP, trap";
    case SIGSYS:
        return "SIGSYS, bad system call";
    case SIGKILL:
        return "SIGKILL, from outside: out of memory?";
    default:
        return strsignal(number);
    }
}

static const char *doing(const struct steve_sight *sight)
{
    switch ((enum steve_worker_phase)sight->phase) {
    case STEVE_WORKER_LOAD:
        return "while the driver was loaded";
    case STEVE_WORKER_OPEN:
        return "while the heap was made";
    case STEVE_WORKER_RUN:
        return "in this op";
    case STEVE_WORKER_REPEAT:
        return "in this op, run again at another base";
    case STEVE_WORKER_END:
        return "in the checks after the last op";
    case STEVE_WORKER_REPEAT_END:
        return "in the checks after the last op, run again at another base";
    case STEVE_WORKER_THREADS:
        return "while threads ran";
    case STEVE_WORKER_THREADS_END:
        return "in the checks after threads ran";
    default:
        return "between two episodes";
    }
}

static void describe_crash(const struct steve_sight *sight, int status, struct steve_finding *finding)
{
    *finding = (struct steve_finding){.oracle = STEVE_ORACLE_CRASH, .op = sight->op};
    if (WIFSIGNALED(status)) {
        snprintf(finding->what, sizeof finding->what, "the process died of signal %d (%s) %s", WTERMSIG(status),
                 signal_name(WTERMSIG(status)), doing(sight));
    } else {
        snprintf(finding->what, sizeof finding->what, "the process ended itself with exit status %d %s%s",
                 WEXITSTATUS(status), doing(sight), WEXITSTATUS(status) != 0 ? SANITIZER_HINT : "");
    }
}

/// What an allocator wrote into the page is no phase at all.
static bool ended_by_itself(const struct steve_page *page)
{
    uint32_t phase = atomic_load(&page->phase);
    return phase >= STEVE_WORKER_DONE && phase <= STEVE_WORKER_FAILED;
}

static bool is_gone(const struct steve_child *child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child->pid;
}

static enum steve_child_state after_death(struct steve_child *child, struct steve_finding *finding)
{
    int status = reap(child);
    if (ended_by_itself(child->page)) {
        return STEVE_CHILD_ENDED;
    }
    struct steve_sight sight = {.phase = atomic_load(&child->page->phase), .op = atomic_load(&child->page->op)};
    describe_crash(&sight, status, finding);
    return STEVE_CHILD_BROKEN;
}

/// Stops the child, so that it cannot go on while it is judged. @return what it is doing
static struct steve_sight freeze(const struct steve_child *child)
{
    siginfo_t info;
    kill(child->pid, SIGSTOP);
    while (waitid(P_PID, (id_t)child->pid, &info, WSTOPPED | WEXITED | WNOWAIT) < 0 && errno == EINTR) {
        // it has yet to stop
    }
    return sight_of(child);
}

static bool is_in_episode(const struct steve_sight *sight)
{
    return sight->phase != STEVE_WORKER_IDLE && sight->phase < STEVE_WORKER_DONE;
}

uint64_t steve_patience_with_sleep(const struct steve_limits *limits)
{
    if (limits->asleep_ns != 0) {
        return limits->asleep_ns;
    }
    uint64_t patience = limits->op_time_ns * ASLEEP_FACTOR;
    return patience > ASLEEP_MIN_NS ? patience : ASLEEP_MIN_NS;
}

static bool is_hang(const struct steve_child *child, const struct steve_sight *now, const struct steve_limits *limits,
                    struct steve_finding *finding)
{
    // Each thread may be in an op that takes its time.
    unsigned threads = now->phase == STEVE_WORKER_THREADS ? child->page->header.threads : 1;
    uint64_t limit_ns = limits->op_time_ns * threads;
    if (limit_ns == 0) {
        return false;
    }
    uint64_t cpu = child->stuck_cpu_ns;
    uint64_t wall = now->wall_ns - child->since.wall_ns;
    *finding = (struct steve_finding){.oracle = STEVE_ORACLE_HANG, .op = now->op};
    if (cpu > limit_ns) {
        snprintf(finding->what, sizeof finding->what,
                 "more than %" PRIu64 " ms of CPU time %s, and no end: the limit is %" PRIu64 " ms%s (--op-time)",
                 cpu / 1000000, doing(now), limits->op_time_ns / 1000000, threads > 1 ? " for each thread" : "");
        return true;
    }
    uint64_t patience = steve_patience_with_sleep(limits);
    if (wall > patience && cpu < wall / ASLEEP_CPU_SHARE && is_asleep(child->pid)) {
        snprintf(finding->what, sizeof finding->what, "asleep for %" PRIu64 " ms %s: does it wait for itself?",
                 wall / 1000000, doing(now));
        return true;
    }
    return false;
}

static bool is_too_large(const struct steve_child *child, const struct steve_sight *now, uint64_t limit,
                         struct steve_finding *finding)
{
    uint64_t resident = limit == 0 ? 0 : resident_bytes(child->pid);
    if (resident <= limit) {
        return false;
    }
    *finding = (struct steve_finding){.oracle = STEVE_ORACLE_MEMORY, .op = now->op};
    snprintf(finding->what, sizeof finding->what,
             "the process grew to %" PRIu64 " MiB of resident memory %s: the limit is %" PRIu64 " MiB (--memory)",
             resident >> 20, doing(now), limit >> 20);
    return true;
}

/// Where a virtual machine stood still, a process's CPU time jumps by all of that; a loop spends it bit by bit. What was spent
/// before the op was first seen may have been others': one that sleeps from its beginning must not be charged with it.
static void add_stuck_time(struct steve_child *child, const struct steve_sight *now)
{
    uint64_t spent = now->cpu_ns - child->seen_cpu_ns;
    uint64_t step = spent < STUCK_STEP_NS ? spent : STUCK_STEP_NS;
    child->stuck_cpu_ns = is_same_op(now, &child->since) ? child->stuck_cpu_ns + step : 0;
    child->seen_cpu_ns = now->cpu_ns;
}

enum steve_child_state steve_child_look(struct steve_child *child, const struct steve_limits *limits,
                                        struct steve_finding *finding)
{
    assert(child->pid != 0);

    if (is_gone(child)) {
        return after_death(child, finding);
    }
    struct steve_sight now = sight_of(child);
    add_stuck_time(child, &now);
    if (!is_in_episode(&now)) {
        child->since = now;
        return STEVE_CHILD_RUNNING;
    }
    bool large = is_too_large(child, &now, limits->memory_bytes, finding);
    if (!is_same_op(&now, &child->since)) {
        child->since = now;
        if (!large) {
            return STEVE_CHILD_RUNNING;
        }
    } else if (!large && !is_hang(child, &now, limits, finding)) {
        return STEVE_CHILD_RUNNING;
    }

    // It may have gone on since it was looked at. Memory may be blamed on a later op, a hang may not.
    struct steve_sight frozen = freeze(child);
    if (is_in_episode(&frozen) && (large || is_same_op(&frozen, &now))) {
        finding->op = frozen.op;
        steve_child_kill(child);
        return STEVE_CHILD_BROKEN;
    }
    kill(child->pid, SIGCONT);
    child->since = frozen;
    return STEVE_CHILD_RUNNING;
}
