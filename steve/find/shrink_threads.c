/// Shrinking what threads alone show. Whether a candidate breaks is a matter of luck, so each is run many times, in a
/// process of its own, and any oracle will do: a race shows as an overlap now and as wrong contents or a crash the next
/// time. Ops are cut in pieces, the largest first, until time is over or none can go.
#include "steve/find/shrink_internal.h"

#include <stdio.h>
#include <string.h>

#include "steve/find/interrupt.h"
#include "steve/find/rerun.h"

/// How often the result is run at the end, and what that may take.
#define RUNS     10u
#define PROOF_NS UINT64_C(3000000000)

struct search {
    const struct steve_shrink_config *config;
    struct steve_shrink_report *report;
    struct steve_sequence best;
    struct steve_sequence candidate;
    struct steve_found shown; ///< what best showed; no sequences
    uint64_t deadline_ns;
    atomic_int stop;
};

static bool is_over(const struct search *s)
{
    return steve_trial_now() >= s->deadline_ns || steve_interrupt_count() > 0;
}

/// Runs it as often as a replay does.
static bool breaks(struct search *s, const struct steve_sequence *sequence)
{
    struct steve_found seen;
    s->report->trials++;
    bool broken = steve_rerun(
        &(struct steve_rerun_config){
            .driver = s->config->driver,
            .sequence = sequence,
            .without = s->config->without,
            .level = s->config->level,
            .limits = s->config->limits,
        },
        &seen);
    if (broken) {
        s->shown = seen;
    }
    return broken;
}

static void copy(struct steve_sequence *to, const struct steve_sequence *from)
{
    to->header = from->header;
    to->count = from->count;
    memcpy(to->ops, from->ops, from->count * sizeof from->ops[0]);
}

/// Tries without `count` ops from `first` on.
static bool cut(struct search *s, size_t first, size_t count)
{
    copy(&s->candidate, &s->best);
    memmove(s->candidate.ops + first, s->candidate.ops + first + count,
            (s->best.count - first - count) * sizeof s->best.ops[0]);
    s->candidate.count -= count;
    if (!breaks(s, &s->candidate)) {
        return false;
    }
    copy(&s->best, &s->candidate);
    return true;
}

/// Pieces of one size, from the end: what comes late needs what comes early. @return true if any could go
static bool cut_pieces(struct search *s, size_t size)
{
    bool any = false;
    for (size_t end = s->best.count; end >= size && end > 0 && !is_over(s);) {
        if (size < s->best.count && cut(s, end - size, size)) {
            any = true;
        }
        end = end > size ? end - size : 0;
        end = end < s->best.count ? end : s->best.count;
    }
    return any;
}

static void search(struct search *s)
{
    size_t size = s->best.count / 2;
    while (size > 0 && !is_over(s)) {
        bool any = cut_pieces(s, size);
        size = any && size <= 2 ? size : size / 2;
    }
    s->report->finished = !is_over(s);
}

static void prove(struct search *s)
{
    uint64_t begin = steve_trial_now();
    struct steve_found shown = s->shown;
    while (s->report->runs < RUNS && (s->report->runs == 0 || steve_trial_now() - begin < PROOF_NS)) {
        s->report->runs++;
        s->report->runs_broken += breaks(s, &s->best);
    }
    s->shown = s->report->runs_broken > 0 ? s->shown : shown;
}

bool steve_shrink_threads(const struct steve_shrink_config *config, const struct steve_found *found,
                          struct steve_found *shrunk, struct steve_shrink_report *report, char *why, size_t why_size)
{
    uint64_t begin = steve_trial_now();
    size_t count = found->sequence.count;
    struct search s = {
        .config = config,
        .report = report,
        .shown = *found,
        .deadline_ns = begin + (config->time_ns != 0 ? config->time_ns : STEVE_SHRINK_TIME_NS),
    };
    *report = (struct steve_shrink_report){.ops_before = count};
    *shrunk = (struct steve_found){.episode = found->episode};
    if (!steve_sequence_reserve(&s.best, count + 1) || !steve_sequence_reserve(&s.candidate, count + 1)) {
        snprintf(why, why_size, "no memory to shrink in");
        steve_sequence_free(&s.best);
        return false;
    }
    copy(&s.best, &found->sequence);
    steve_interrupt_catch(&s.stop);
    report->shown = breaks(&s, &s.best);
    if (report->shown) {
        search(&s);
        prove(&s);
    }
    report->interrupted = steve_interrupt_count() > 0;
    steve_interrupt_catch(NULL);
    report->ops_after = s.best.count;
    report->seconds = (double)(steve_trial_now() - begin) / 1e9;
    shrunk->finding = s.shown.finding;
    shrunk->threads = found->threads;
    shrunk->sequence = s.best;
    steve_sequence_free(&s.candidate);
    return true;
}
