/// The loop that everything is about: draw an op, log it, carry it out. It makes no system call per op.
///
/// The metamorphic oracle lives here too: every so many episodes the log is run once more at another base, which must lead to
/// the same offsets. And so do threads: what ran in one is run again by several, as it is dealt out to them.
#define _GNU_SOURCE
#include "steve/find/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "steve/core/external.h"
#include "steve/find/preload.h"
#include "steve/gen/deal.h"

/// How many ops pass between two looks at the rest of the world.
#define PULSE_OPS 1024u

struct worker {
    const struct steve_work *work;
    struct steve_page *page;
    const struct steve_driver *driver; ///< what the executors below are made for
    const struct steve_driver *against;
    struct steve_exec *exec;
    struct steve_exec *second; ///< at the other base; made when first needed
    struct steve_crew *crew;   ///< made when first needed
    struct steve_op *drawn;    ///< what was drawn, while the log holds what was dealt out; as long as the log
};

static void set_phase(struct worker *w, enum steve_worker_phase phase, uint64_t op)
{
    // The op first: whoever sees the new phase must not pair it with an index that the log does not reach.
    atomic_store_explicit(&w->page->op, op, memory_order_relaxed);
    atomic_store_explicit(&w->page->phase, phase, memory_order_release);
}

static bool stopped(const struct worker *w)
{
    return atomic_load_explicit(&w->work->board->stop, memory_order_relaxed) != 0;
}

static void pulse(struct worker *w)
{
    struct steve_page *page = w->page;
    if (w->exec != NULL) {
        const struct steve_counts *now = steve_exec_counts(w->exec);
        const struct steve_counts *before = &page->counts;
        atomic_store_explicit(&page->live_blocks, steve_view_live_count(w->exec), memory_order_relaxed);
        atomic_store_explicit(&page->compactions, before->compactions + now->compactions, memory_order_relaxed);
        atomic_store_explicit(&page->compaction_blocks, before->compaction_blocks + now->compaction_blocks,
                              memory_order_relaxed);
        atomic_store_explicit(&page->compaction_locked_blocks,
                              before->compaction_locked_blocks + now->compaction_locked_blocks, memory_order_relaxed);
    }
    if (w->work->pulse != NULL) {
        w->work->pulse(w->work->pulse_context);
    }
}

static void keep_counts(struct worker *w)
{
    struct steve_counts *counts = steve_exec_counts(w->exec);
    steve_counts_add(&w->page->counts, counts);
    *counts = (struct steve_counts){0};
}

/// Ends the worker: something is wrong with the machine, not with the allocator.
static bool fail(struct worker *w, const char *what, const char *why)
{
    snprintf(w->page->trouble, sizeof w->page->trouble, "%s: %s", what, why != NULL ? why : "no reason given");
    set_phase(w, STEVE_WORKER_FAILED, 0);
    return false;
}

static bool found(struct worker *w, const struct steve_finding *finding, uint64_t logged)
{
    w->page->finding = *finding;
    // An oracle that broke in the middle is shown by the ops up to there.
    w->page->found_ops = finding->op < logged ? finding->op + 1 : logged;
    set_phase(w, STEVE_WORKER_FOUND, finding->op);
    return false;
}

/// The same for a finding of an executor, which knows how the heap lies. The page says FOUND only when the scene is taken.
static bool found_by(struct worker *w, struct steve_exec *exec, uint64_t logged)
{
    steve_scene_take(exec, &w->page->scene);
    return found(w, steve_exec_finding(exec), logged);
}

static struct steve_exec *new_exec(struct worker *w, uint8_t base_slot)
{
    const char *why = NULL;
    struct steve_exec *exec = steve_exec_new(
        &(struct steve_exec_config){
            .driver = w->driver,
            .against = base_slot == 0 ? w->against : NULL,
            .without = w->work->without,
            .level = w->work->level,
            .base_slot = base_slot,
        },
        &why);
    if (exec == NULL) {
        fail(w, "no executor could be made", why);
    }
    return exec;
}

static void drop_execs(struct worker *w)
{
    if (w->exec != NULL) {
        steve_exec_free(w->exec);
    }
    if (w->second != NULL) {
        steve_exec_free(w->second);
    }
    w->exec = NULL;
    w->second = NULL;
}

/// Executors stay from episode to episode, as long as the driver does. A driver may need a process of another kind.
static bool have_exec(struct worker *w, const struct steve_driver *driver, const struct steve_driver *against,
                      uint64_t item)
{
    if (w->driver != driver || w->against != against) {
        drop_execs(w);
        w->driver = driver;
        w->against = against;
        const char *why = NULL;
        set_phase(w, STEVE_WORKER_LOAD, 0);
        if (w->work->is_child && steve_preload_is_needed(driver, against)) {
            steve_preload_for_worker(w->work, driver, against, item, &why);
            return fail(w, "the driver could not be loaded", why);
        }
        if (!steve_driver_enter(driver, &why) || (against != NULL && !steve_driver_enter(against, &why))) {
            return fail(w, "the driver could not be loaded", why);
        }
    }
    if (w->exec == NULL) {
        w->exec = new_exec(w, 0);
    }
    return w->exec != NULL;
}

static bool begin(struct worker *w, struct steve_exec *exec)
{
    const char *why = NULL;
    return steve_exec_begin(exec, &w->page->header, &why) || fail(w, "the driver could not open a heap", why);
}

/// The first pass: ops are drawn, logged and carried out. `*count` says how many they were.
static bool run_and_log(struct worker *w, uint64_t length, uint64_t *count)
{
    const struct steve_source *source = w->work->source;
    struct steve_page *page = w->page;
    struct steve_op *log = w->work->log;
    struct steve_exec *exec = w->exec;

    uint64_t i = 0;
    for (; i < length && !stopped(w); i++) {
        struct steve_op op = source->next(source->context, i, exec);
        if (op.code == STEVE_OP_NONE) {
            break;
        }
        log[i] = op;
        // Should the op never return, the parent reads the log up to here: the compiler may not write it later.
        atomic_signal_fence(memory_order_release);
        atomic_store_explicit(&page->op, i, memory_order_relaxed);
        if (i == 0) {
            set_phase(w, STEVE_WORKER_RUN, 0);
        }
        if (steve_exec_step(exec, op) == STEVE_FOUND) {
            return found_by(w, exec, i + 1);
        }
        if (i % PULSE_OPS == PULSE_OPS - 1) {
            pulse(w);
        }
    }
    *count = i;
    set_phase(w, STEVE_WORKER_END, i);
    return steve_exec_end(exec) != STEVE_FOUND || found_by(w, exec, i);
}

/// Finds the op after which the two bases part, by running them side by side.
static uint64_t first_difference(struct worker *w, uint64_t count)
{
    const struct steve_op *log = w->work->log;
    if (!begin(w, w->exec) || !begin(w, w->second)) {
        return count;
    }
    for (uint64_t i = 0; i < count; i++) {
        set_phase(w, STEVE_WORKER_REPEAT, i);
        bool broken = steve_exec_step(w->exec, log[i]) == STEVE_FOUND;
        broken |= steve_exec_step(w->second, log[i]) == STEVE_FOUND;
        if (broken || steve_exec_offset_digest(w->exec) != steve_exec_offset_digest(w->second)) {
            return i;
        }
    }
    return count;
}

/// The second pass: the log once more, at another base.
static bool repeat(struct worker *w, uint64_t count)
{
    const struct steve_op *log = w->work->log;
    if (w->second == NULL) {
        w->second = new_exec(w, 1);
    }
    if (w->second == NULL || !begin(w, w->second)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (stopped(w)) {
            return true;
        }
        set_phase(w, STEVE_WORKER_REPEAT, i);
        if (steve_exec_step(w->second, log[i]) == STEVE_FOUND) {
            return found_by(w, w->second, count);
        }
    }
    set_phase(w, STEVE_WORKER_REPEAT_END, count);
    if (steve_exec_end(w->second) == STEVE_FOUND) {
        return found_by(w, w->second, count);
    }

    uint64_t here = steve_exec_offset_digest(w->exec);
    uint64_t there = steve_exec_offset_digest(w->second);
    if (here == there) {
        return true;
    }
    struct steve_finding finding = {.oracle = STEVE_ORACLE_METAMORPHIC, .op = first_difference(w, count)};
    snprintf(finding.what, sizeof finding.what,
             "the same ops at a congruent base led to other offsets (digests %016llx and %016llx)",
             (unsigned long long)here, (unsigned long long)there);
    return found(w, &finding, count);
}

// Threads

static struct steve_page *page_of_process; ///< for the signal handler alone

/// Says which op it was, and lets the signal do what it does.
static void on_fatal_signal(int number)
{
    uint64_t op = steve_crew_op_in_hand();
    if (op != UINT64_MAX) {
        atomic_store(&page_of_process->died_in, op + 1);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/// A sanitizer has handlers of its own, which say more.
static void watch_for_signals(struct worker *w)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP};
    page_of_process = w->page;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
            signal(numbers[i], on_fatal_signal);
        }
    }
}

/// Zeroed memory as long as the log, mapped, since malloc may be the allocator under test.
static void *map_as_log(const struct worker *w)
{
    void *memory = mmap(NULL, w->work->source->longest * sizeof(struct steve_op), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool have_crew(struct worker *w)
{
    if (w->crew == NULL) {
        w->crew = steve_crew_new(w->work->source->longest);
        w->drawn = map_as_log(w);
        if (w->work->is_child) {
            watch_for_signals(w);
        }
    }
    return (w->crew != NULL && w->drawn != NULL) || fail(w, "threads could not be had", "memory is short");
}

/// The log once, by threads, on a fresh heap.
static bool run_round(struct worker *w, size_t count)
{
    struct steve_page *page = w->page;
    struct steve_stamps *stamps = w->work->stamps;
    if (!begin(w, w->exec)) {
        return false;
    }
    steve_resolve_sizes(w->exec, w->work->log, count);
    memset(stamps, 0, count * sizeof *stamps);
    page->dealt = count;
    atomic_store(&page->died_in, 0);
    set_phase(w, STEVE_WORKER_THREADS, 0);
    enum steve_outcome outcome = steve_crew_run(w->crew, &(struct steve_crew_work){
                                                             .exec = w->exec,
                                                             .ops = w->work->log,
                                                             .count = count,
                                                             .threads = page->header.threads,
                                                             .stamps = stamps,
                                                             .clock = &page->op,
                                                             .stop = &w->work->board->stop,
                                                         });
    struct steve_crew_counts counts = steve_crew_counts(w->crew);
    steve_crew_counts_add(&page->crew_counts, &counts);
    if (outcome == STEVE_REFUSED) {
        return fail(w, "threads could not be had", "the system gives no more");
    }
    if (outcome != STEVE_FOUND) {
        set_phase(w, STEVE_WORKER_THREADS_END, count);
        outcome = steve_exec_end(w->exec);
    }
    if (outcome != STEVE_FOUND) {
        return true;
    }
    found(w, steve_exec_finding(w->exec), count);
    page->found_ops = count; // what other threads did meanwhile may be part of it
    return false;
}

/// What was drawn, and ran in one thread, is dealt out to several, each time in another way.
static bool run_dealt(struct worker *w, uint64_t item, uint64_t count, uint64_t digest)
{
    struct steve_op *log = w->work->log;
    struct steve_rng rng;
    if (!have_crew(w)) {
        return false;
    }
    steve_rng_seed(&rng, digest, w->work->plan.first + item, STEVE_STREAM_DEAL);
    memcpy(w->drawn, log, (size_t)count * sizeof log[0]);
    w->page->header.threads = (uint8_t)w->work->source->threads;
    for (unsigned round = 0; round < w->work->rounds && !stopped(w); round++) {
        set_phase(w, STEVE_WORKER_OPEN, 0);
        memcpy(log, w->drawn, (size_t)count * sizeof log[0]);
        if (!steve_deal(&rng, log, (size_t)count, w->page->header.threads)) {
            return fail(w, "threads could not be had", "memory is short");
        }
        if (!run_round(w, (size_t)count)) {
            return false;
        }
    }
    return true;
}

/// An episode that was recorded with threads.
static bool run_recorded(struct worker *w, uint64_t length, uint64_t *digest)
{
    const struct steve_source *source = w->work->source;
    *digest = 0;
    if (!have_crew(w)) {
        return false;
    }
    for (uint64_t i = 0; i < length; i++) {
        struct steve_op op = source->next(source->context, i, w->exec);
        w->drawn[i] = op;
        *digest =
            (*digest << 23 | *digest >> 41) ^ op.code ^ (uint64_t)op.slot << 8; // outcomes may differ: of ops alone
        *digest *= UINT64_C(0x9fb21c651e98df25);
    }
    for (unsigned round = 0; round < w->work->rounds && !stopped(w); round++) {
        set_phase(w, STEVE_WORKER_OPEN, 0);
        memcpy(w->work->log, w->drawn, (size_t)length * sizeof w->drawn[0]);
        if (!run_round(w, (size_t)length)) {
            return false;
        }
    }
    return true;
}

/// Memory that was given back before the parent had a look.
static bool stayed_small(struct worker *w, uint64_t count)
{
    struct rusage usage;
    uint64_t limit = w->work->memory_bytes;
    if (limit == 0 || getrusage(RUSAGE_SELF, &usage) != 0 || (uint64_t)usage.ru_maxrss << 10 <= limit) {
        return true;
    }
    struct steve_finding finding = {.oracle = STEVE_ORACLE_MEMORY, .op = count};
    snprintf(finding.what, sizeof finding.what,
             "the process had grown to %lld MiB of resident memory in this episode: the limit is %lld MiB (--memory)",
             (long long)usage.ru_maxrss >> 10, (long long)(limit >> 20));
    return found(w, &finding, count);
}

static bool is_to_repeat(const struct worker *w, uint64_t item)
{
    const struct steve_work *work = w->work;
    return work->repeat_every != 0 && (work->plan.first + item) % work->repeat_every == 0 &&
           (work->without & (1u << STEVE_ORACLE_METAMORPHIC)) == 0 &&
           (w->driver->promises & STEVE_PROMISE_RELOCATABLE) != 0;
}

/// One episode, from the empty heap to the posted result.
static bool run_item(struct worker *w, uint64_t item)
{
    const struct steve_work *work = w->work;
    struct steve_page *page = w->page;

    set_phase(w, STEVE_WORKER_IDLE, 0);
    atomic_store_explicit(&page->item, item, memory_order_relaxed);

    uint64_t length = 0;
    page->header = (struct steve_header){0};
    page->scene.taken = false;
    const struct steve_driver *driver =
        work->source->begin(work->source->context, work->plan.first + item, &page->header, &length);
    if (work->plan.last_length != 0 && item + 1 == work->plan.count && length > work->plan.last_length) {
        length = work->plan.last_length;
    }
    const struct steve_driver *against =
        work->source->against_of != NULL ? work->source->against_of(work->source->context) : work->source->against;
    if (!have_exec(w, driver, against, item)) {
        return false;
    }
    snprintf(page->header.against, sizeof page->header.against, "%s", against != NULL ? against->name : "");
    snprintf(page->header.driver, sizeof page->header.driver, "%s", driver->name);

    set_phase(w, STEVE_WORKER_OPEN, 0);
    uint64_t count = 0;
    if (!begin(w, w->exec)) {
        return false;
    }
    uint64_t digest;
    bool passed;
    if (page->header.threads > 1) {
        count = length;
        passed = run_recorded(w, length, &digest);
    } else {
        passed = run_and_log(w, length, &count);
        digest = steve_exec_digest(w->exec);
        if (passed && is_to_repeat(w, item) && !stopped(w)) {
            passed = repeat(w, count);
        }
        if (passed && work->source->threads > 1 && !stopped(w)) {
            passed = run_dealt(w, item, count, digest);
        }
    }
    passed = passed && stayed_small(w, count);
    pulse(w);
    keep_counts(w);
    if (!passed) {
        return false;
    }
    set_phase(w, STEVE_WORKER_IDLE, 0);
    steve_board_post(work->board, item, digest, count);
    return true;
}

/// Waits until the parent has read the result that stood in this item's cell; seldom, as the ring is long.
static void wait_for_room(struct worker *w, uint64_t item)
{
    while (!steve_board_has_room(w->work->board, item) && !stopped(w)) {
        if (w->work->pulse != NULL) {
            w->work->pulse(w->work->pulse_context);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

void steve_worker_run(const struct steve_work *work)
{
    struct worker w = {.work = work, .page = work->page};
    set_phase(&w, STEVE_WORKER_IDLE, 0);

    bool going = true;
    bool going_on = work->goes_on;
    while (going && !stopped(&w)) {
        bool has_item = going_on;
        uint64_t item = has_item ? work->item : atomic_fetch_add(&work->board->next, 1);
        going_on = false;
        if (!has_item && item >= atomic_load(&work->board->end)) {
            break;
        }
        wait_for_room(&w, item);
        if (stopped(&w)) {
            break;
        }
        going = run_item(&w, item);
        pulse(&w);
    }
    if (going) {
        set_phase(&w, STEVE_WORKER_DONE, 0);
    }
    drop_execs(&w);
    steve_crew_free(w.crew);
    if (w.drawn != NULL) {
        munmap(w.drawn, work->source->longest * sizeof w.drawn[0]);
    }
}
