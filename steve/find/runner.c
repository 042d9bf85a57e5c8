/// The parent's side of a run. It wakes up some twenty times a second, or when a child ends:
///
///     look at the children -> fold the results that have come in, in order -> time over? -> show progress
///
/// A finding in episode k lets the workers that are at earlier episodes finish them, as those may find something too; the
/// earliest is the one that counts.
#define _GNU_SOURCE
#include "steve/find/runner.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "steve/find/interrupt.h"
#include "steve/find/worker.h"

#define LOOK_NS       UINT64_C(50000000)
#define PROGRESS_NS   UINT64_C(200000000)
#define LAST_GRACE_NS UINT64_C(5000000000)

/// A finding that waits for its turn to be reported.
struct waiting {
    uint64_t item;
    struct steve_found found;
    struct waiting *next;
};

struct slot {
    struct steve_child child;
    struct steve_work work;
    struct steve_op *log;
    struct steve_stamps *stamps; ///< NULL: no episode has threads
};

struct runner {
    const struct steve_runner_config *config;
    struct steve_run_result *result;
    struct steve_limits limits; ///< 0 where the oracle is off
    struct steve_board *board;
    struct slot *slots;
    unsigned slot_count;
    struct waiting *waiting;
    bool over; ///< the finding that counts has been reported

    uint64_t begin_ns;
    uint64_t shown_ns;
    uint64_t stopped_ns; ///< when the workers were told to stop; 0: not yet
    char *why;
    size_t why_size;
};

uint64_t steve_digest_fold(uint64_t digest, uint64_t value)
{
    uint64_t mixed = (digest << 23 | digest >> 41) ^ value;
    mixed *= UINT64_C(0x9fb21c651e98df25);
    return mixed ^ mixed >> 29;
}

void steve_found_take(struct steve_found *to, struct steve_found *from)
{
    *to = *from;
    from->sequence = from->linear = (struct steve_sequence){0};
}

void steve_found_free(struct steve_found *found)
{
    steve_sequence_free(&found->sequence);
    steve_sequence_free(&found->linear);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool fail(struct runner *r, const char *what, const char *why)
{
    snprintf(r->why, r->why_size, "%s: %s", what, why);
    return false;
}

/// Results in order

static struct waiting *waiting_for(const struct runner *r, uint64_t item)
{
    struct waiting *w = r->waiting;
    while (w != NULL && w->item != item) {
        w = w->next;
    }
    return w;
}

static void forget(struct runner *r, struct waiting *gone)
{
    struct waiting **link = &r->waiting;
    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
    steve_found_free(&gone->found);
    free(gone);
}

/// The digest of a sequence that ended in a finding. The executor's own may have died with it, so this one is made of the
/// ops.
static uint64_t digest_of_found(const struct steve_found *found)
{
    uint64_t digest = steve_digest_fold(found->finding.oracle + 1, found->finding.op);
    for (size_t i = 0; i < found->sequence.count; i++) {
        uint64_t op;
        static_assert(sizeof op == sizeof(struct steve_op), "an op is eight bytes");
        memcpy(&op, &found->sequence.ops[i], sizeof op);
        digest = steve_digest_fold(digest, op);
    }
    return digest;
}

static void report(struct runner *r, const struct steve_episode_result *episode)
{
    struct steve_run_result *result = r->result;
    result->episodes++;
    result->ops += episode->ops;
    result->digest = steve_digest_fold(result->digest, episode->digest);
    result->findings += episode->found != NULL;
    if (r->config->on_episode != NULL) {
        r->config->on_episode(r->config->context, episode);
    }
    if (episode->found != NULL) {
        r->over = !r->config->keep_going || (r->config->goes_on != NULL && !r->config->goes_on(r->config->context));
    }
}

/// Reports one item if its result is there. @return false if it is not
static bool fold_item(struct runner *r, uint64_t item)
{
    uint64_t episode = r->config->plan.first + item;
    struct waiting *found = waiting_for(r, item);
    if (found != NULL) {
        report(r, &(struct steve_episode_result){
                      .episode = episode,
                      .ops = found->found.sequence.count,
                      .digest = digest_of_found(&found->found),
                      .found = &found->found,
                  });
        forget(r, found);
        return true;
    }
    const struct steve_cell *cell = steve_board_result(r->board, item);
    if (cell == NULL) {
        return false;
    }
    report(r, &(struct steve_episode_result){.episode = episode, .ops = cell->ops, .digest = cell->digest});
    return true;
}

/// Reports what has come in, up to the first item that is still under way.
static void fold(struct runner *r)
{
    uint64_t item = atomic_load(&r->board->folded);
    while (!r->over && fold_item(r, item)) {
        item++;
        atomic_store_explicit(&r->board->folded, item, memory_order_release);
    }
}

/// The end: items that never finished leave gaps, which are passed over.
static void fold_rest(struct runner *r)
{
    uint64_t end = atomic_load(&r->board->next);
    uint64_t first = atomic_load(&r->board->folded);
    for (uint64_t item = first; item < end && item < first + STEVE_BOARD_CELLS && !r->over; item++) {
        fold_item(r, item);
    }
}

/// Findings

/// Which op broke the process while threads ran: the one that a signal came in, or the oldest that was begun and not
/// ended. The others are told.
static void blame_op(const struct runner *r, const struct slot *slot, struct steve_finding *broken)
{
    const struct steve_page *page = slot->child.page;
    const size_t longest = r->config->source->longest;
    const uint64_t dealt = page->dealt < longest ? page->dealt : longest; // who knows what the allocator wrote
    const unsigned threads = page->header.threads > 0 ? page->header.threads : 1;
    uint64_t died_in = atomic_load(&page->died_in);
    size_t length = strlen(broken->what);
    uint32_t oldest = UINT32_MAX;
    broken->op = dealt;
    for (uint64_t i = 0; i < dealt; i++) {
        uint32_t begun = atomic_load(&slot->stamps[i].begun);
        if (begun == 0 || atomic_load(&slot->stamps[i].ended) != 0) {
            continue;
        }
        if (begun < oldest) {
            oldest = begun;
            broken->op = i;
        }
        int written = snprintf(broken->what + length, sizeof broken->what - length, "%s op %" PRIu64 " of thread %u",
                               length == strlen(broken->what) && oldest == begun ? "; under way:" : ",", i,
                               steve_op_thread(slot->log[i]) % threads);
        length += written > 0 && (size_t)written < sizeof broken->what - length ? (size_t)written : 0;
    }
    if (died_in > 0 && died_in <= dealt) {
        broken->op = died_in - 1;
    }
}

/// Of a finding with threads: the interleaving that was seen.
static bool keep_interleaving(const struct slot *slot, struct steve_found *found)
{
    found->linear.header = found->sequence.header;
    found->linear.header.threads = 0;
    return steve_linearize(found->sequence.ops, found->sequence.count, slot->stamps, found->finding.op, &found->linear);
}

/// The allocator may have written into the page as anywhere else. What is taken from it must do no harm here, whatever it then says.
static void make_harmless(struct runner *r, const struct slot *slot, struct waiting *w)
{
    struct steve_header *header = &w->found.sequence.header;
    struct steve_finding *finding = &w->found.finding;
    uint64_t folded = atomic_load(&r->board->folded);
    if (w->item - folded >= STEVE_BOARD_CELLS) {
        w->item = folded;
        w->found.episode = r->config->plan.first + folded;
    }
    header->driver[sizeof header->driver - 1] = '\0';
    header->against[sizeof header->against - 1] = '\0';
    header->threads = slot->stamps != NULL && header->threads <= STEVE_THREADS_MOST ? header->threads : 0;
    finding->what[sizeof finding->what - 1] = '\0';
    if ((unsigned)finding->oracle >= STEVE_ORACLE_COUNT) {
        finding->oracle = STEVE_ORACLE_CRASH;
    }
    if (finding->op > w->found.sequence.count) {
        finding->op = w->found.sequence.count;
    }
}

/// Takes a finding and its sequence out of a slot, whose worker is gone.
static bool keep_finding(struct runner *r, const struct slot *slot, const struct steve_finding *finding, uint64_t ops)
{
    struct waiting *w = calloc(1, sizeof *w);
    const size_t longest = r->config->source->longest;
    const size_t count = ops < longest ? (size_t)ops : longest;
    if (w == NULL || !steve_sequence_reserve(&w->found.sequence, count > 0 ? count : 1)) {
        free(w);
        return fail(r, "a finding could not be kept", "memory is short");
    }
    const struct steve_page *page = slot->child.page;
    w->item = atomic_load(&page->item);
    w->found.episode = r->config->plan.first + w->item;
    w->found.finding = *finding;
    w->found.scene = finding == &page->finding ? page->scene : (struct steve_scene){0};
    w->found.sequence.header = page->header;
    w->found.sequence.count = count;
    memcpy(w->found.sequence.ops, slot->log, count * sizeof slot->log[0]);
    make_harmless(r, slot, w);
    if (w->found.sequence.header.threads > 1 && !keep_interleaving(slot, &w->found)) {
        steve_found_free(&w->found);
        free(w);
        return fail(r, "a finding could not be kept", "memory is short");
    }
    w->next = r->waiting;
    r->waiting = w;
    return true;
}

/// No episode after this one is of interest any more.
static void end_at(struct runner *r, uint64_t item)
{
    uint64_t end = atomic_load(&r->board->end);
    if (item < end) {
        atomic_store(&r->board->end, item);
    }
    for (unsigned i = 0; i < r->slot_count; i++) {
        struct steve_child *child = &r->slots[i].child;
        if (child->pid != 0 && atomic_load(&child->page->item) > item) {
            steve_child_kill(child);
        }
    }
}

/// Workers

static void child_body(void *context)
{
    steve_worker_run(context);
}

static bool start(struct runner *r, struct slot *slot)
{
    return steve_child_start(&slot->child, child_body, &slot->work) ||
           fail(r, "no process could be started", strerror(errno));
}

static bool work_is_left(const struct runner *r)
{
    return !r->over && atomic_load(&r->board->stop) == 0 && atomic_load(&r->board->next) < atomic_load(&r->board->end);
}

/// A worker is gone: what it leaves behind is kept.
static bool after_worker(struct runner *r, struct slot *slot, struct steve_finding *broken)
{
    const struct steve_page *page = slot->child.page;
    uint32_t phase = atomic_load(&page->phase);
    if (broken == NULL && phase == STEVE_WORKER_DONE) {
        return true;
    }
    if (broken != NULL && phase == STEVE_WORKER_IDLE) {
        // No op is to blame.
        return fail(r, "a worker is lost, and no op was under way (a thread or a timer of the allocator's own?)",
                    broken->what);
    }
    if (broken == NULL && phase == STEVE_WORKER_FAILED) {
        return fail(r, "the run could not go on", page->trouble);
    }
    uint64_t item = atomic_load(&page->item);
    if (broken != NULL && (r->config->without >> broken->oracle & 1u) != 0 && steve_board_has_room(r->board, item)) {
        // Nobody wants to know of it: the episode ends there, and another worker goes on with the next.
        uint64_t ops = steve_page_logged(page);
        steve_board_post(r->board, item, steve_digest_fold(broken->oracle + 1, ops), ops);
        return true;
    }
    if (broken != NULL && phase == STEVE_WORKER_THREADS && slot->stamps != NULL) {
        blame_op(r, slot, broken);
    }
    bool kept = broken != NULL ? keep_finding(r, slot, broken, steve_page_logged(page))
                               : keep_finding(r, slot, &page->finding, page->found_ops);
    if (!kept) {
        return false;
    }
    if (!r->config->keep_going) {
        end_at(r, item);
    }
    return true;
}

/// Looks at every child once. `*alive` says how many there are.
static bool look(struct runner *r, unsigned *alive)
{
    *alive = 0;
    for (unsigned i = 0; i < r->slot_count; i++) {
        struct slot *slot = &r->slots[i];
        if (slot->child.pid == 0) {
            continue;
        }
        struct steve_finding finding;
        enum steve_child_state state = steve_child_look(&slot->child, &r->limits, &finding);
        if (state != STEVE_CHILD_RUNNING) {
            if (!after_worker(r, slot, state == STEVE_CHILD_BROKEN ? &finding : NULL)) {
                return false;
            }
            if (work_is_left(r) && !start(r, slot)) {
                return false;
            }
        }
    }
    for (unsigned i = 0; i < r->slot_count; i++) {
        *alive += r->slots[i].child.pid != 0;
    }
    return true;
}

static void kill_all(struct runner *r)
{
    for (unsigned i = 0; i < r->slot_count; i++) {
        steve_child_kill(&r->slots[i].child);
    }
}

/// Time and progress

static void check_time(struct runner *r, uint64_t now)
{
    if (r->config->time_ns != 0 && now - r->begin_ns >= r->config->time_ns) {
        atomic_store(&r->board->stop, 1);
    }
    if (r->stopped_ns == 0 && atomic_load(&r->board->stop) != 0) {
        r->stopped_ns = now;
    }
}

/// Workers that were told to stop and do not, or a second Ctrl-C. Where the time alone is over, one that is stuck is waited for until it
/// is known to hang: that is a finding, and must not be passed over.
static bool patience_is_over(const struct runner *r, uint64_t now)
{
    uint64_t grace = LAST_GRACE_NS;
    if (steve_interrupt_count() == 0 && r->limits.op_time_ns != 0) {
        grace += steve_patience_with_sleep(&r->limits);
    }
    return steve_interrupt_count() > 1 || (r->stopped_ns != 0 && now - r->stopped_ns > grace);
}

static void show_progress(struct runner *r, uint64_t now)
{
    if (r->config->on_progress == NULL || now - r->shown_ns < PROGRESS_NS) {
        return;
    }
    r->shown_ns = now;

    struct steve_progress progress = {
        .seconds = (double)(now - r->begin_ns) / 1e9,
        .episodes = r->result->episodes,
        .ops = r->result->ops,
        .findings = r->result->findings,
    };
    for (const struct waiting *w = r->waiting; w != NULL; w = w->next) {
        progress.findings++;
    }
    for (unsigned i = 0; i < r->slot_count; i++) {
        const struct steve_page *page = r->slots[i].child.page;
        if (atomic_load(&page->phase) == STEVE_WORKER_RUN) {
            progress.ops += atomic_load(&page->op);
        }
        progress.live_blocks += atomic_load(&page->live_blocks);
        progress.compactions += atomic_load(&page->compactions);
        progress.compaction_blocks += atomic_load(&page->compaction_blocks);
        progress.compaction_locked_blocks += atomic_load(&page->compaction_locked_blocks);
    }
    r->config->on_progress(r->config->context, &progress);
}

static uint64_t sleep_time(const struct runner *r, uint64_t now)
{
    uint64_t time = r->config->time_ns;
    uint64_t past = now - r->begin_ns;
    return time > past && time - past < LOOK_NS ? time - past : LOOK_NS;
}

static bool run_isolated(struct runner *r)
{
    for (unsigned i = 0; i < r->slot_count; i++) {
        if (!start(r, &r->slots[i])) {
            return false;
        }
    }
    unsigned alive = r->slot_count;
    while (alive > 0 && !r->over) {
        uint64_t now = now_ns();
        check_time(r, now);
        if (patience_is_over(r, now)) {
            kill_all(r);
            break;
        }
        show_progress(r, now);
        steve_interruptible_sleep(sleep_time(r, now));
        if (!look(r, &alive)) {
            return false;
        }
        fold(r);
    }
    return true;
}

static void pulse(void *context)
{
    struct runner *r = context;
    fold(r);
    uint64_t now = now_ns();
    check_time(r, now);
    show_progress(r, now);
}

static bool run_here(struct runner *r)
{
    struct slot *slot = &r->slots[0];
    slot->work.pulse = pulse;
    slot->work.pulse_context = r;
    do {
        steve_worker_run(&slot->work);
        if (!after_worker(r, slot, NULL)) {
            return false;
        }
        fold(r);
    } while (work_is_left(r));
    return true;
}

/// Set up and tear down

static void make_work(struct runner *r, struct slot *slot)
{
    const struct steve_runner_config *config = r->config;
    slot->work = (struct steve_work){
        .source = config->source,
        .plan = config->plan,
        .without = config->without,
        .level = config->level,
        .memory_bytes = config->no_isolate ? 0 : r->limits.memory_bytes,
        .repeat_every = config->repeat_every,
        .board = r->board,
        .page = slot->child.page,
        .log = slot->log,
        .stamps = slot->stamps,
        .rounds = config->rounds != 0                             ? config->rounds
                  : config->source->kind == STEVE_SOURCE_RECORDED ? STEVE_ROUNDS_RECORDED
                                                                  : STEVE_ROUNDS_DRAWN,
        .is_child = !config->no_isolate,
    };
}

static bool set_up(struct runner *r)
{
    const struct steve_runner_config *config = r->config;
    r->slot_count = config->no_isolate ? 1 : config->jobs;
    r->slots = calloc(r->slot_count, sizeof *r->slots);
    r->board = steve_shared_map(sizeof *r->board);
    if (r->slots == NULL || r->board == NULL) {
        return fail(r, "no memory to share", strerror(errno));
    }
    atomic_store(&r->board->end, config->plan.count);
    for (unsigned i = 0; i < r->slot_count; i++) {
        struct slot *slot = &r->slots[i];
        slot->child.page = steve_shared_map(sizeof *slot->child.page);
        slot->log = steve_shared_map(config->source->longest * sizeof slot->log[0]);
        slot->stamps =
            config->source->has_threads ? steve_shared_map(config->source->longest * sizeof slot->stamps[0]) : NULL;
        if (slot->child.page == NULL || slot->log == NULL || (config->source->has_threads && slot->stamps == NULL)) {
            return fail(r, "no memory to share", strerror(errno));
        }
        make_work(r, slot);
    }
    return true;
}

static struct steve_limits limits_of(const struct steve_runner_config *config)
{
    struct steve_limits limits = config->limits;
    if ((config->without & 1u << STEVE_ORACLE_HANG) != 0) {
        limits.op_time_ns = 0;
    }
    if ((config->without & 1u << STEVE_ORACLE_MEMORY) != 0) {
        limits.memory_bytes = 0;
    }
    return limits;
}

static void tear_down(struct runner *r)
{
    kill_all(r);
    while (r->waiting != NULL) {
        forget(r, r->waiting);
    }
    for (unsigned i = 0; r->slots != NULL && i < r->slot_count; i++) {
        steve_shared_unmap(r->slots[i].child.page, sizeof *r->slots[i].child.page);
        steve_shared_unmap(r->slots[i].log, r->config->source->longest * sizeof r->slots[i].log[0]);
        steve_shared_unmap(r->slots[i].stamps, r->config->source->longest * sizeof r->slots[i].stamps[0]);
    }
    free(r->slots);
    steve_shared_unmap(r->board, sizeof *r->board);
}

bool steve_runner_run(const struct steve_runner_config *config, struct steve_run_result *result, char *why,
                      size_t why_size)
{
    assert(config->no_isolate || (config->jobs >= 1 && config->jobs <= STEVE_JOBS_MAX));

    struct runner r = {
        .config = config,
        .result = result,
        .limits = limits_of(config),
        .why = why,
        .why_size = why_size,
        .begin_ns = now_ns(),
    };
    *result = (struct steve_run_result){0};
    bool ran = set_up(&r);
    if (ran) {
        steve_interrupt_catch(&r.board->stop);
        ran = config->no_isolate ? run_here(&r) : run_isolated(&r);
        kill_all(&r);
        fold_rest(&r);
        for (unsigned i = 0; i < r.slot_count; i++) {
            steve_counts_add(&result->counts, &r.slots[i].child.page->counts);
            steve_crew_counts_add(&result->crew_counts, &r.slots[i].child.page->crew_counts);
        }
        result->interrupted = steve_interrupt_count() > 0;
        result->seconds = (double)(now_ns() - r.begin_ns) / 1e9;
        steve_interrupt_catch(NULL);
    }
    tear_down(&r);
    return ran;
}
