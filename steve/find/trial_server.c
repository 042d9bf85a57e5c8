/// The child's side of a trial: it runs a candidate as a worker would, and notes what the shrinker can use: each op's outcome
/// and the size it asked for. What it says on stderr is dropped: it would be the same a thousand times over.
#define _GNU_SOURCE
#include "steve/find/trial_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "steve/core/external.h"
#include "steve/find/preload.h"

struct server {
    struct steve_trial *trial;
    struct steve_trial_shared *shared;
    struct steve_exec *first;
    struct steve_exec *second; ///< at the other base; made when first needed
    uint64_t *places;          ///< digest of the offsets after each op of the first pass
};

static void set_phase(struct server *s, enum steve_worker_phase phase, uint64_t op)
{
    atomic_store_explicit(&s->shared->page.op, op, memory_order_relaxed);
    atomic_store_explicit(&s->shared->page.phase, phase, memory_order_release);
}

/// @param shown_by how many ops show it again
static bool found(struct server *s, const struct steve_finding *finding, size_t shown_by, bool certain)
{
    s->shared->broke = true;
    s->shared->finding = *finding;
    s->shared->shown_by = shown_by;
    s->shared->certain = certain;
    return false;
}

static bool begin(struct server *s, struct steve_exec **exec, uint8_t base_slot)
{
    const char *why = NULL;
    const struct steve_trial_config *config = &s->trial->config;
    const struct steve_driver *against = base_slot == 0 ? config->against : NULL;
    if (*exec == NULL && steve_driver_enter(config->driver, &why) &&
        (against == NULL || steve_driver_enter(against, &why))) {
        *exec = steve_exec_new(
            &(struct steve_exec_config){
                .driver = config->driver,
                .against = against,
                .without = config->without,
                .level = config->level,
                .base_slot = base_slot,
            },
            &why);
    }
    s->shared->unusable = *exec == NULL || !steve_exec_begin(*exec, &s->shared->page.header, &why);
    return !s->shared->unusable;
}

/// The most that this process ever took.
static bool took_too_much(const struct server *s, struct steve_finding *finding, uint64_t op)
{
    struct rusage usage;
    uint64_t limit = s->trial->config.memory_bytes;
    if (limit == 0 || getrusage(RUSAGE_SELF, &usage) != 0 || (uint64_t)usage.ru_maxrss << 10 <= limit) {
        return false;
    }
    *finding = (struct steve_finding){.oracle = STEVE_ORACLE_MEMORY, .op = op};
    snprintf(finding->what, sizeof finding->what,
             "the process grew to %lld MiB of resident memory: the limit is %lld MiB (--memory)",
             (long long)usage.ru_maxrss >> 10, (long long)(limit >> 20));
    return true;
}

static bool run_first(struct server *s)
{
    const struct steve_trial *trial = s->trial;
    size_t count = s->shared->count;
    if (!begin(s, &s->first, 0)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct steve_finding greedy;
        trial->outcomes[i] = STEVE_FOUND; // should it never return
        trial->sizes[i] = steve_op_uses_size(trial->ops[i].code) ? steve_view_resolve_size(s->first, trial->ops[i]) : 0;
        set_phase(s, STEVE_WORKER_RUN, i);
        trial->outcomes[i] = (uint8_t)steve_exec_step(s->first, trial->ops[i]);
        if (trial->outcomes[i] == STEVE_FOUND) {
            return found(s, steve_exec_finding(s->first), i + 1, true);
        }
        if (trial->config.count_memory && took_too_much(s, &greedy, i)) {
            return found(s, &greedy, i + 1, true);
        }
        s->places[i] = steve_exec_offset_digest(s->first);
    }
    set_phase(s, STEVE_WORKER_END, count);
    return steve_exec_end(s->first) != STEVE_FOUND || found(s, steve_exec_finding(s->first), count, true);
}

/// The second pass. Where it first differs from the first one is remembered, but what breaks in it goes before.
static bool run_second(struct server *s)
{
    const struct steve_op *ops = s->trial->ops;
    size_t count = s->shared->count;
    size_t parted = SIZE_MAX;
    if (!begin(s, &s->second, 1)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        set_phase(s, STEVE_WORKER_REPEAT, i);
        if (steve_exec_step(s->second, ops[i]) == STEVE_FOUND) {
            return found(s, steve_exec_finding(s->second), count, false);
        }
        if (parted == SIZE_MAX && steve_exec_offset_digest(s->second) != s->places[i]) {
            parted = i;
        }
    }
    set_phase(s, STEVE_WORKER_REPEAT_END, count);
    if (steve_exec_end(s->second) == STEVE_FOUND) {
        return found(s, steve_exec_finding(s->second), count, false);
    }
    if (steve_exec_offset_digest(s->first) == steve_exec_offset_digest(s->second)) {
        return true;
    }
    struct steve_finding finding = {.oracle = STEVE_ORACLE_METAMORPHIC, .op = parted < count ? parted : count};
    snprintf(finding.what, sizeof finding.what, "the same ops at a congruent base led to other offsets");
    return found(s, &finding, parted < count ? parted + 1 : count, false);
}

static bool is_to_repeat(const struct server *s)
{
    const struct steve_trial_config *config = &s->trial->config;
    return s->shared->repeat && (config->without & 1u << STEVE_ORACLE_METAMORPHIC) == 0 &&
           (config->driver->promises & STEVE_PROMISE_RELOCATABLE) != 0;
}

static uint64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void judge(struct server *s)
{
    struct steve_finding greedy;
    s->shared->begun_cpu_ns = cpu_now();
    set_phase(s, STEVE_WORKER_OPEN, 0);
    bool held = run_first(s) && (!is_to_repeat(s) || run_second(s));
    if (held && took_too_much(s, &greedy, s->shared->count)) {
        found(s, &greedy, s->shared->count, true);
    }
    set_phase(s, STEVE_WORKER_IDLE, 0);
    s->shared->cpu_ns = cpu_now() - s->shared->begun_cpu_ns;
    s->shared->is_judged = true;
}

/// A sanitizer looks up the names for its report before it prints a word, for a second of CPU time and more: not where nobody
/// reads it.
static bool is_silent;
void __asan_on_error(void);
__attribute__((used)) void __asan_on_error(void)
{
    if (is_silent) {
        _exit(EXIT_FAILURE);
    }
}

static void be_silent(void)
{
    is_silent = true;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
}

void steve_trial_serve(void *context)
{
    const struct steve_trial_server *ends = context;
    struct server s = {.trial = ends->trial, .shared = ends->trial->shared};
    char byte;
    if (ends->socket_of_parent >= 0) {
        close(ends->socket_of_parent);
    }
    be_silent();
    if (steve_preload_is_needed(ends->trial->config.driver, ends->trial->config.against)) {
        const char *why;
        steve_preload_for_trial(ends->trial, ends->socket, &why);
        _exit(3);
    }
    // Private memory of this process: it goes with it.
    s.places = steve_shared_map((ends->trial->config.longest + 1) * sizeof s.places[0]);
    while (s.places != NULL && recv(ends->socket, &byte, 1, 0) == 1) {
        judge(&s);
        if (send(ends->socket, &byte, 1, MSG_NOSIGNAL) != 1) {
            break;
        }
    }
    _exit(0);
}
