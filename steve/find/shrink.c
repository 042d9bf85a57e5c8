/// The order of things in shrinking.
#define _GNU_SOURCE
#include "steve/find/shrink_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/find/interrupt.h"

/// How often a sequence is run that did not break at the first retry, and how often the result is.
#define RUNS 10u
/// What the runs of the result may take beyond the first.
#define PROOF_NS UINT64_C(2000000000)
/// What breaks the memory limit breaks it by this part of it, where that can be had.
#define MEMORY_MARGIN 16u
/// However flaky: no candidate is run more often.
#define TRIES_MOST 20u

/// An op that takes more CPU time than all the ops before it, several times over, hangs; but a page fault or two may not
/// look like it. Where no hang is sought, one is seldom met, and may cost some time; where they are met, it is half as much each time.
#define HANG_FLOOR_NS    UINT64_C(20000000)
#define OP_TIME_FLOOR_NS UINT64_C(300000000)
#define OP_TIME_FACTOR   4u

/// How often ways out of a dead end are looked for, if there was one the last time.
#define ESCAPES 3u

#define PROGRESS_NS UINT64_C(200000000)

static bool is_stopped(const struct steve_shrink *s)
{
    return s->failed || atomic_load(&s->stop) != 0;
}

bool steve_shrink_over(struct steve_shrink *s)
{
    return is_stopped(s) || steve_trial_now() >= s->deadline_ns;
}

void steve_shrink_copy(struct steve_shrink *s)
{
    s->candidate.header = s->best.header;
    s->candidate.count = s->best.count;
    if (s->best.count > 0) {
        memcpy(s->candidate.ops, s->best.ops, s->best.count * sizeof s->best.ops[0]);
    }
}

static void show_progress(struct steve_shrink *s)
{
    uint64_t now = steve_trial_now();
    if (s->config->on_progress == NULL || now - s->shown_ns < PROGRESS_NS) {
        return;
    }
    s->shown_ns = now;
    s->config->on_progress(s->config->context, &(struct steve_shrink_progress){
                                                   .seconds = (double)(now - s->begin_ns) / 1e9,
                                                   .trials = s->report->trials,
                                                   .ops_before = s->report->ops_before,
                                                   .ops = s->best.count,
                                               });
}

/// What ops show is not what an allocator tries out by itself at their end: a bug that shows there, too, would shrink to no op at all.
static bool is_of_kind(const struct steve_shrink *s, const struct steve_sequence *sequence,
                       const struct steve_finding *finding)
{
    const bool anywhere = s->at_end || finding->op < sequence->count;
    const bool beside = strstr(finding->what, STEVE_BESIDE) != NULL;
    switch (finding->oracle) {
    case STEVE_ORACLE_CHECK:
        return beside == s->beside || (s->config->any_oracle && s->beside);
    case STEVE_ORACLE_CRASH:
    case STEVE_ORACLE_HANG:
        return anywhere;
    default:
        return true;
    }
}

static void learn_kind(struct steve_shrink *s, const struct steve_sequence *sequence,
                       const struct steve_finding *finding)
{
    s->is_kind_known = true;
    s->beside = strstr(finding->what, STEVE_BESIDE) != NULL;
    s->at_end = finding->op >= sequence->count &&
                (finding->oracle == STEVE_ORACLE_CRASH || finding->oracle == STEVE_ORACLE_HANG);
}

/// A hang or a lack of memory is never plainer than what else shows, and each takes its time to see.
static bool is_sought(const struct steve_shrink *s, enum steve_oracle oracle)
{
    const bool may_slip = s->config->any_oracle && oracle != STEVE_ORACLE_HANG && oracle != STEVE_ORACLE_MEMORY;
    return may_slip || s->oracle == STEVE_ORACLE_COUNT || s->oracle == oracle;
}

/// One trial of any sequence. @return true if the oracle that is sought broke
static bool run_once(struct steve_shrink *s, const struct steve_sequence *sequence,
                     const struct steve_trial_request *how, struct steve_trial_verdict *verdict)
{
    struct steve_trial_request request = *how;
    request.header = &sequence->header;
    request.ops = sequence->ops;
    request.count = sequence->count;
    *verdict = steve_trial_run(&s->trial, &request);
    s->report->trials++;
    show_progress(s);
    if (verdict->end == STEVE_TRIAL_FAILED) {
        s->failed = true;
    }
    return verdict->end == STEVE_TRIAL_BROKE && is_sought(s, verdict->finding.oracle) &&
           (!s->is_kind_known || is_of_kind(s, sequence, &verdict->finding));
}

/// How long an op may take from here on, by what all of best takes.
static void adapt_op_time(struct steve_shrink *s)
{
    uint64_t most = s->config->limits.op_time_ns;
    uint64_t time = OP_TIME_FACTOR * s->best_ns;
    if (time < s->op_time_floor) {
        time = s->op_time_floor;
    }
    s->op_time_ns = most != 0 && time > most ? most : time;
}

/// The oracle that shrinking is about from here on.
static void seek(struct steve_shrink *s, enum steve_oracle oracle)
{
    if (s->op_time_floor == 0 || s->oracle != oracle) {
        s->oracle = oracle;
        s->op_time_floor = s->oracle == STEVE_ORACLE_HANG ? HANG_FLOOR_NS : OP_TIME_FLOOR_NS;
    }
}

/// The candidate is red: it is the new best.
static void adopt(struct steve_shrink *s, const struct steve_trial_verdict *verdict)
{
    seek(s, verdict->finding.oracle);
    if (!s->is_kind_known || s->config->any_oracle) {
        learn_kind(s, &s->candidate, &verdict->finding);
    }
    struct steve_sequence old = s->best;
    s->best = s->candidate;
    s->candidate = old;
    s->finding = verdict->finding;
    s->accepted++;
    memcpy(s->outcomes, s->trial.outcomes, s->best.count * sizeof s->outcomes[0]);
    memcpy(s->sizes, s->trial.sizes, s->best.count * sizeof s->sizes[0]);
    s->best_ns = verdict->cpu_ns;
    adapt_op_time(s);
    if (verdict->ops >= s->best.count) {
        return;
    }
    if (verdict->certain) {
        s->best.count = verdict->ops;
        return;
    }
    steve_shrink_copy(s);
    s->candidate.count = verdict->ops;
    steve_shrink_try(s);
}

/// A candidate broke nothing that is sought. If it hung, the next one that does is to cost less.
static void learn_from_green(struct steve_shrink *s, const struct steve_trial_verdict *verdict)
{
    const bool hung = verdict->end == STEVE_TRIAL_BROKE && verdict->finding.oracle == STEVE_ORACLE_HANG;
    if (hung && s->oracle != STEVE_ORACLE_HANG && s->op_time_floor / 2 >= HANG_FLOOR_NS) {
        s->op_time_floor /= 2;
        adapt_op_time(s);
    }
}

bool steve_shrink_try(struct steve_shrink *s)
{
    struct steve_trial_request how = {
        .repeat = s->repeat,
        .fresh = s->careful,
        .op_time_ns = s->op_time_ns,
        .deadline_ns = s->deadline_ns,
    };
    for (unsigned i = 0; i < s->tries && !steve_shrink_over(s); i++) {
        struct steve_trial_verdict verdict;
        if (run_once(s, &s->candidate, &how, &verdict)) {
            adopt(s, &verdict);
            return true;
        }
        learn_from_green(s, &verdict);
        how.op_time_ns = s->op_time_ns;
        how.fresh = s->careful || i % 4 == 2; // what comes and goes may be the process's
    }
    return false;
}

/// Runs a sequence in a fresh process, with all the time it may take by the limits.
static bool run_fresh(struct steve_shrink *s, const struct steve_sequence *sequence,
                      struct steve_trial_verdict *verdict)
{
    const struct steve_trial_request how = {
        .repeat = s->repeat,
        .fresh = true,
        .op_time_ns = s->config->limits.op_time_ns,
    };
    return run_once(s, sequence, &how, verdict);
}

/// How often to try so that a flaky sequence is missed once in ten times at most.
static unsigned tries_for(unsigned broken)
{
    double missed = 1;
    unsigned tries = 0;
    while (missed > 0.1 && tries < TRIES_MOST) {
        missed *= 1 - (double)broken / RUNS;
        tries++;
    }
    return tries;
}

/// Does the sequence break the oracle again, and how: in the first pass, at another base only, or now and then?
static bool is_shown(struct steve_shrink *s)
{
    struct steve_trial_verdict verdict;
    struct steve_trial_verdict shown;
    unsigned runs = 0;
    unsigned broken = 0;
    for (; runs < RUNS && !is_stopped(s); runs++) {
        if (run_fresh(s, &s->candidate, &verdict)) {
            broken++;
            shown = verdict;
            seek(s, verdict.finding.oracle);
            if (runs <= 1) {
                break; // the first run of its kind: not flaky
            }
        }
        s->repeat = true;
    }
    if (broken == 0) {
        return false;
    }
    s->tries = runs <= 1 ? 1 : tries_for(broken);
    adopt(s, &shown);
    return true;
}

/// A round: all cuts, then all that makes it simpler. @return false if it changed nothing
static bool do_round(struct steve_shrink *s)
{
    uint64_t before = s->accepted;
    steve_shrink_cut(s);
    steve_shrink_simplify(s);
    return s->accepted != before;
}

void steve_shrink_assign(struct steve_sequence *to, const struct steve_sequence *from)
{
    assert(to->capacity >= from->count);
    to->header = from->header;
    to->count = from->count;
    if (from->count > 0) {
        memcpy(to->ops, from->ops, from->count * sizeof from->ops[0]);
    }
}

/// Goes back to what was proven.
static void go_back(struct steve_shrink *s)
{
    steve_shrink_assign(&s->candidate, &s->proven);
    steve_shrink_try(s);
    steve_shrink_assign(&s->best, &s->proven); // also when the time is over
}

/// What best shows may be the doing of sequences that the same process ran before: a fresh one tells.
static void prove_round(struct steve_shrink *s)
{
    if (steve_shrink_over(s)) {
        return;
    }
    bool was_careful = s->careful;
    s->careful = true;
    steve_shrink_assign(&s->candidate, &s->best);
    if (steve_shrink_try(s)) {
        steve_shrink_assign(&s->proven, &s->best);
        s->careful = was_careful;
    } else if (!steve_shrink_over(s)) {
        go_back(s);
    }
}

static void shrink_to_fixed_point(struct steve_shrink *s)
{
    steve_shrink_cut_first(s);
    prove_round(s);
    bool changed = true;
    unsigned escapes = 0;
    while (changed && !steve_shrink_over(s)) {
        bool was_careful = s->careful;
        changed = do_round(s);
        if (!changed && escapes < ESCAPES) {
            escapes++;
            uint64_t before = s->accepted;
            steve_shrink_escape(s);
            changed = s->accepted != before;
        }
        prove_round(s);
        changed |= s->careful != was_careful;
    }
    s->report->finished = !steve_shrink_over(s);
}

/// What is proven must break the limit by itself; what is searched for breaks it by some more, since a process that is made in
/// another way has a little more or less memory to begin with.
static void ask_for_more_memory(struct steve_shrink *s)
{
    uint64_t limit = s->trial.config.memory_bytes;
    bool was_careful = s->careful;
    s->trial.config.memory_bytes = limit + limit / MEMORY_MARGIN;
    s->careful = true; // the limit is a new child's
    steve_shrink_assign(&s->candidate, &s->best);
    if (!steve_shrink_try(s)) {
        s->trial.config.memory_bytes = limit;
    }
    s->careful = was_careful;
}

/// Runs the result as often as is cheap. @return true if it broke at the first time
static bool prove(struct steve_shrink *s, const struct steve_sequence *result)
{
    struct steve_trial_verdict verdict;
    s->report->runs = 0;
    s->report->runs_broken = 0;
    s->trial.config.memory_bytes = s->memory_bytes;
    bool first = run_fresh(s, result, &verdict);
    if (is_stopped(s)) {
        return true; // nobody waits for the proof
    }
    s->report->runs = 1;
    s->report->runs_broken = first;
    if (first) {
        s->finding = verdict.finding;
    }
    const struct steve_trial_request how = {
        .repeat = s->repeat,
        .fresh = true,
        .op_time_ns = s->oracle == STEVE_ORACLE_HANG ? s->op_time_ns : s->config->limits.op_time_ns,
    };
    uint64_t begin = steve_trial_now();
    while (s->report->runs < RUNS && steve_trial_now() - begin < PROOF_NS) {
        bool broke = run_once(s, result, &how, &verdict);
        if (is_stopped(s)) {
            break;
        }
        s->report->runs++;
        if (broke) {
            s->report->runs_broken++;
            s->finding = verdict.finding;
        }
    }
    return first;
}

static bool is_hang_too_short(const struct steve_shrink *s)
{
    return s->oracle == STEVE_ORACLE_HANG && s->op_time_floor < s->config->limits.op_time_ns;
}

/// Shrinks `best`, which shows the finding, and makes sure that the result does.
static void shrink_and_prove(struct steve_shrink *s)
{
    if (s->oracle == STEVE_ORACLE_MEMORY) {
        ask_for_more_memory(s);
    }
    shrink_to_fixed_point(s);
    if (prove(s, &s->best) || s->report->runs_broken > 0) {
        return;
    }
    if (is_hang_too_short(s)) {
        // It was slow, but not as slow as that: once more, with all the time there is.
        s->op_time_floor = s->config->limits.op_time_ns;
        steve_shrink_assign(&s->candidate, s->original);
        steve_shrink_assign(&s->proven, s->original);
        if (steve_shrink_try(s)) {
            shrink_to_fixed_point(s);
        }
        if (prove(s, &s->best)) {
            return;
        }
    }
    steve_shrink_assign(&s->best, s->original);
    s->finding = (struct steve_finding){.oracle = s->oracle};
    prove(s, &s->best);
}

static bool set_up(struct steve_shrink *s, const struct steve_found *found)
{
    size_t count = found->sequence.count + 1;
    const struct steve_shrink_config *config = s->config;
    const struct steve_trial_config trial = {
        .driver = config->driver,
        .against = config->against,
        .without = config->without,
        .level = config->level,
        .memory_bytes = (config->without & 1u << STEVE_ORACLE_MEMORY) != 0 ? 0 : config->limits.memory_bytes,
        .count_memory = s->oracle == STEVE_ORACLE_MEMORY,
        .longest = count,
        .stop = &s->stop,
    };
    s->outcomes = calloc(count, sizeof *s->outcomes);
    s->sizes = calloc(count, sizeof *s->sizes);
    s->marks = calloc(count, sizeof *s->marks);
    if (s->outcomes == NULL || s->sizes == NULL || s->marks == NULL || !steve_sequence_reserve(&s->best, count) ||
        !steve_sequence_reserve(&s->candidate, count) || !steve_sequence_reserve(&s->proven, count) ||
        !steve_sequence_reserve(&s->kept, count)) {
        errno = ENOMEM;
        return false;
    }
    steve_shrink_assign(&s->candidate, &found->sequence);
    steve_shrink_assign(&s->best, &found->sequence);
    steve_shrink_assign(&s->proven, &found->sequence);
    s->memory_bytes = trial.memory_bytes;
    return steve_trial_open(&s->trial, &trial);
}

static void tear_down(struct steve_shrink *s)
{
    steve_trial_close(&s->trial);
    steve_sequence_free(&s->best);
    steve_sequence_free(&s->candidate);
    steve_sequence_free(&s->proven);
    steve_sequence_free(&s->kept);
    free(s->outcomes);
    free(s->sizes);
    free(s->marks);
}

bool steve_shrink(const struct steve_shrink_config *config, const struct steve_found *found, struct steve_found *shrunk,
                  struct steve_shrink_report *report, char *why, size_t why_size)
{
    if (found->sequence.header.threads > 1) {
        return steve_shrink_threads(config, found, shrunk, report, why, why_size);
    }
    *report = (struct steve_shrink_report){.ops_before = found->sequence.count};
    struct steve_shrink s = {
        .config = config,
        .report = report,
        .original = &found->sequence,
        .oracle = found->finding.oracle,
        .finding = found->finding,
        .tries = 1,
        .op_time_ns = config->limits.op_time_ns,
        .begin_ns = steve_trial_now(),
    };
    s.deadline_ns = s.begin_ns + (config->time_ns != 0 ? config->time_ns : STEVE_SHRINK_TIME_NS);
    *shrunk = (struct steve_found){.episode = found->episode};
    if (!set_up(&s, found)) {
        snprintf(why, why_size, "no memory to shrink in: %s", strerror(errno));
        tear_down(&s);
        return false;
    }
    steve_interrupt_catch(&s.stop);
    report->shown = is_shown(&s);
    if (report->shown) {
        shrink_and_prove(&s);
    }
    report->interrupted = steve_interrupt_count() > 0;
    steve_interrupt_catch(NULL);
    report->ops_after = s.best.count;
    report->seconds = (double)(steve_trial_now() - s.begin_ns) / 1e9;
    if (s.failed) {
        snprintf(why, why_size, "no process could be started: %s", strerror(errno));
    } else {
        shrunk->finding = s.finding;
        shrunk->sequence = s.best;
        s.best = (struct steve_sequence){0};
    }
    tear_down(&s);
    return !s.failed;
}
