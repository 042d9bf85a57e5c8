/// The parent's side of a trial: having a child, handing it a candidate, and waiting for the answer, or for its end.
#define _GNU_SOURCE
#include "steve/find/trial_internal.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/// How often a child that takes its time is looked at.
#define LOOK_MS 2

/// Nobody has to sleep in an allocator; so it need not be long before that is a hang.
#define ASLEEP_FACTOR 3u

/// How many heaps one child may leave behind.
#define ABANDONED_MOST 64u

/// How long a child that closed its socket may take to be gone.
#define LAST_BREATH_NS UINT64_C(1000000000)

enum answer {
    ANSWERED,
    BROKEN,  ///< the child is gone, and that is a finding
    LOST,    ///< it went between two candidates: no finding
    GAVE_UP, ///< it was ended
};

uint64_t steve_trial_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

bool steve_trial_open(struct steve_trial *trial, const struct steve_trial_config *config)
{
    size_t count = config->longest + 1;
    *trial = (struct steve_trial){.config = *config, .socket = -1};
    trial->shared = steve_shared_map(sizeof *trial->shared);
    trial->ops = steve_shared_map(count * sizeof trial->ops[0]);
    trial->outcomes = steve_shared_map(count * sizeof trial->outcomes[0]);
    trial->sizes = steve_shared_map(count * sizeof trial->sizes[0]);
    if (trial->shared != NULL && trial->ops != NULL && trial->outcomes != NULL && trial->sizes != NULL) {
        trial->child.page = &trial->shared->page;
        return true;
    }
    steve_trial_close(trial);
    return false;
}

static void end_child(struct steve_trial *trial)
{
    steve_child_kill(&trial->child);
    if (trial->socket >= 0) {
        close(trial->socket);
    }
    trial->socket = -1;
}

void steve_trial_close(struct steve_trial *trial)
{
    size_t count = trial->config.longest + 1;
    end_child(trial);
    steve_shared_unmap(trial->shared, sizeof *trial->shared);
    steve_shared_unmap(trial->ops, count * sizeof trial->ops[0]);
    steve_shared_unmap(trial->outcomes, count * sizeof trial->outcomes[0]);
    steve_shared_unmap(trial->sizes, count * sizeof trial->sizes[0]);
    *trial = (struct steve_trial){.socket = -1};
}

static bool start_child(struct steve_trial *trial)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    struct steve_trial_server server = {.trial = trial, .socket = ends[1], .socket_of_parent = ends[0]};
    bool started = steve_child_start(&trial->child, steve_trial_serve, &server);
    int reason = errno;
    close(ends[1]);
    if (!started) {
        close(ends[0]);
        errno = reason;
        return false;
    }
    trial->socket = ends[0];
    trial->judged = 0;
    trial->abandoned = 0;
    return true;
}

/// Sees to it that there is a child that may judge the request.
static bool have_child(struct steve_trial *trial, bool fresh)
{
    if (trial->child.pid != 0 && ((fresh && trial->judged > 0) || trial->abandoned >= ABANDONED_MOST)) {
        end_child(trial);
    }
    return trial->child.pid != 0 || start_child(trial);
}

static enum answer end_broken(struct steve_trial *trial)
{
    bool idle = atomic_load(&trial->shared->page.phase) == STEVE_WORKER_IDLE;
    end_child(trial);
    return idle ? LOST : BROKEN;
}

/// Its socket is closed: it is about to be gone. What did it?
static enum answer see_it_end(struct steve_trial *trial, struct steve_finding *finding)
{
    const struct steve_limits none = {0};
    uint64_t since = steve_trial_now();
    while (steve_trial_now() - since < LAST_BREATH_NS) {
        if (steve_child_look(&trial->child, &none, finding) == STEVE_CHILD_BROKEN) {
            return end_broken(trial);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    end_child(trial);
    return LOST;
}

static bool is_time_to_give_up(const struct steve_trial *trial, const struct steve_trial_request *request)
{
    return (trial->config.stop != NULL && atomic_load(trial->config.stop) != 0) ||
           (request->deadline_ns != 0 && steve_trial_now() >= request->deadline_ns);
}

/// Sends the byte that begins a trial. What the child did before is no part of it.
static bool send_request(struct steve_trial *trial)
{
    const struct steve_limits none = {0};
    struct steve_finding finding;
    char byte = 0;
    return steve_child_look(&trial->child, &none, &finding) == STEVE_CHILD_RUNNING &&
           send(trial->socket, &byte, 1, MSG_NOSIGNAL) == 1;
}

static enum answer wait_for_answer(struct steve_trial *trial, const struct steve_trial_request *request,
                                   struct steve_finding *finding)
{
    const struct steve_limits limits = {
        .op_time_ns = request->op_time_ns,
        .asleep_ns = request->op_time_ns * ASLEEP_FACTOR,
        .memory_bytes = trial->config.memory_bytes,
    };
    for (;;) {
        char byte;
        struct pollfd reply = {.fd = trial->socket, .events = POLLIN};
        if (poll(&reply, 1, LOOK_MS) > 0) {
            return recv(trial->socket, &byte, 1, 0) == 1 ? ANSWERED : see_it_end(trial, finding);
        }
        if (is_time_to_give_up(trial, request)) {
            end_child(trial);
            return GAVE_UP;
        }
        if (steve_child_look(&trial->child, &limits, finding) == STEVE_CHILD_BROKEN) {
            return end_broken(trial);
        }
    }
}

static void put_request(struct steve_trial *trial, const struct steve_trial_request *request)
{
    struct steve_trial_shared *shared = trial->shared;
    assert(request->count <= trial->config.longest);
    shared->page.header = *request->header;
    atomic_fetch_add(&shared->page.item, 1); // another candidate: its ops are not those of the last one
    shared->count = request->count;
    shared->repeat = request->repeat;
    shared->broke = false;
    shared->is_judged = false;
    if (request->count > 0) {
        memcpy(trial->ops, request->ops, request->count * sizeof request->ops[0]);
    }
}

static struct steve_trial_verdict verdict_of_answer(struct steve_trial *trial)
{
    const struct steve_trial_shared *shared = trial->shared;
    struct steve_trial_verdict verdict = {.end = STEVE_TRIAL_HELD, .cpu_ns = shared->cpu_ns};
    if (shared->unusable) {
        verdict.end = STEVE_TRIAL_GAVE_UP;
    } else if (shared->broke) {
        verdict.end = STEVE_TRIAL_BROKE;
        verdict.finding = shared->finding;
        verdict.ops = shared->shown_by;
        verdict.certain = shared->certain;
        trial->abandoned++;
    }
    // What such a one took stays in the count of the most that its process ever took.
    if (shared->broke && shared->finding.oracle == STEVE_ORACLE_MEMORY) {
        end_child(trial);
    }
    return verdict;
}

static struct steve_trial_verdict verdict_of_end(const struct steve_trial *trial, const struct steve_finding *finding)
{
    uint32_t phase = atomic_load(&trial->shared->page.phase);
    uint64_t logged = steve_page_logged(&trial->shared->page);
    uint64_t begun = trial->shared->begun_cpu_ns;
    uint64_t cpu = trial->child.since.cpu_ns;
    return (struct steve_trial_verdict){
        .end = STEVE_TRIAL_BROKE,
        .finding = *finding,
        .ops = (size_t)logged,
        .certain = phase <= STEVE_WORKER_END,
        .cpu_ns = cpu > begun ? cpu - begun : 0,
    };
}

struct steve_trial_verdict steve_trial_run(struct steve_trial *trial, const struct steve_trial_request *request)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        if (!have_child(trial, request->fresh)) {
            return (struct steve_trial_verdict){.end = STEVE_TRIAL_FAILED};
        }
        put_request(trial, request);
        struct steve_finding finding = {0};
        enum answer answer = LOST;
        if (send_request(trial)) {
            answer = wait_for_answer(trial, request, &finding);
        } else {
            end_child(trial);
        }
        trial->judged++;
        if (answer == LOST && trial->shared->is_judged) {
            answer = ANSWERED; // the child is gone
        }
        switch (answer) {
        case ANSWERED:
            return verdict_of_answer(trial);
        case BROKEN:
            return verdict_of_end(trial, &finding);
        case GAVE_UP:
            return (struct steve_trial_verdict){.end = STEVE_TRIAL_GAVE_UP};
        case LOST:
            break; // once more, in another one
        }
    }
    return (struct steve_trial_verdict){.end = STEVE_TRIAL_GAVE_UP};
}
