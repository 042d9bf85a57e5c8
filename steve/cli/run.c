/// steve run: draws episodes from a seed, runs them in workers, and says how it went.
///
///     first line   steve VERSION driver=... seed=... profile=... locks=... check=...
///     a finding    what broke, where it was saved, the command that shows it again
///     a table      what was exercised
///     last line    verdict=...
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/cli/findings.h"
#include "steve/cli/input.h"
#include "steve/cli/scope.h"
#include "steve/cli/summarize.h"
#include "steve/find/runner.h"
#include "steve/find/threads_again.h"
#include "steve/find/trial.h"
#include "steve/report/live.h"
#include "steve/report/table.h"
#include "steve/report/verdict.h"

#define DEFAULT_OPS UINT64_C(5000000)

/// Every so many episodes one is run at a second base too: a bounded share of the time.
#define REPEAT_EVERY 16u

struct run {
    const struct steve_options *options;
    const struct steve_driver *driver;
    uint64_t seed;
    uint64_t ops_limit; ///< 0: none
    struct steve_plan plan;
    struct steve_exhaustive *all; ///< of --exhaustive, else NULL
    uint64_t void_count;          ///< sequences of it that proved void
    struct steve_live live;
    FILE *text; ///< what people read; nothing of it with --json
    struct steve_findings findings;
    bool has_found; ///< of a run that ends at its first finding:
    struct steve_found found;
};

static bool draw_seed(uint64_t *seed)
{
    uint32_t drawn; // short enough to be typed again
    if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) {
        return false;
    }
    *seed = drawn;
    return true;
}

static struct steve_plan make_plan(const struct run *run, const struct steve_gen *gen)
{
    const struct steve_options *options = run->options;
    bool one = steve_option_given(options, STEVE_OPTION_EPISODE);
    bool counted = steve_option_given(options, STEVE_OPTION_EPISODES);
    uint64_t first = one ? options->episode : 0;
    uint64_t most = one ? 1 : counted ? options->episodes : UINT64_MAX;
    if (run->all != NULL) {
        uint64_t left = steve_exhaustive_count(run->all) - first;
        return steve_plan_episodes(first, most < left ? most : left);
    }
    if (run->ops_limit != 0) {
        return steve_plan_ops(gen, first, most, run->ops_limit);
    }
    return steve_plan_episodes(first, most);
}

/// Without any bound a run has a default one.
static uint64_t ops_limit(const struct steve_options *options)
{
    bool bounded = steve_option_given(options, STEVE_OPTION_EPISODE) ||
                   steve_option_given(options, STEVE_OPTION_EPISODES) || steve_option_given(options, STEVE_OPTION_TIME);
    return steve_option_given(options, STEVE_OPTION_OPS) ? options->ops : bounded ? 0 : DEFAULT_OPS;
}

static void print_first_line(const struct run *run)
{
    const struct steve_options *options = run->options;
    FILE *text = run->text;
    fprintf(text, "steve %s driver=%s ", STEVE_VERSION, run->driver->name);
    if (options->against != NULL) {
        fprintf(text, "against=%s ", options->against->name);
    }
    if (run->all != NULL) {
        fprintf(text, "exhaustive=%u", run->all->longest);
    } else {
        fprintf(text, "seed=%" PRIu64 " profile=%s locks=%s", run->seed, steve_profile_name(options->profile),
                steve_lock_model_name(options->locks));
    }
    fprintf(text, " check=%s", steve_check_level_name(options->level));
    if (options->heap_bytes != 0) {
        fprintf(text, " heap=%" PRIu64, options->heap_bytes);
    }
    if (options->threads > 1) {
        fprintf(text, " threads=%u", options->threads);
    }
    if (steve_option_given(options, STEVE_OPTION_EPISODE)) {
        fprintf(text, " episode=%" PRIu64, options->episode);
    }
    fputc('\n', text);
    if (run->all != NULL) {
        steve_scope_print(text, run->all, options->jobs);
    }
    fflush(text);
}

static bool goes_on_after_findings(const struct steve_options *options)
{
    return options->keep_going || options->known != NULL;
}

static bool goes_on(void *context)
{
    const struct run *run = context;
    return run->options->keep_going || steve_findings_first(&run->findings) == NULL;
}

/// A finding that threads made: does one thread show it?
static void show_again(const struct run *run, struct steve_found *found)
{
    const struct steve_options *options = run->options;
    if (!options->no_isolate) {
        steve_threads_again(found,
                            &(struct steve_rerun_config){
                                .driver = run->driver,
                                .without = options->without,
                                .level = options->level,
                                .limits = {.op_time_ns = options->op_time_ns, .memory_bytes = options->memory_bytes},
                            });
    }
}

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct run *run = context;
    if (run->all != NULL && result->found == NULL && result->ops < steve_exhaustive_length(run->all, result->episode)) {
        run->void_count++;
    }
    if (result->found != NULL && goes_on_after_findings(run->options)) {
        steve_live_clear(&run->live);
        show_again(run, result->found);
        steve_findings_meet(&run->findings, result->found);
    } else if (result->found != NULL && !run->has_found) {
        run->has_found = true;
        steve_found_take(&run->found, result->found);
    }
}

/// How much of the run is done, by whichever bound is nearest.
static double share_done(const struct run *run, const struct steve_progress *progress)
{
    double share = -1;
    if (run->ops_limit != 0) {
        share = (double)progress->ops / (double)run->ops_limit;
    }
    if (run->plan.count != UINT64_MAX && (double)progress->episodes / (double)run->plan.count > share) {
        share = (double)progress->episodes / (double)run->plan.count;
    }
    if (run->options->time_ns != 0 && progress->seconds * 1e9 / (double)run->options->time_ns > share) {
        share = progress->seconds * 1e9 / (double)run->options->time_ns;
    }
    return share;
}

static void on_progress(void *context, const struct steve_progress *progress)
{
    struct run *run = context;
    steve_live_show(&run->live, progress, share_done(run, progress));
}

static void print_verdict(const struct run *run, const struct steve_run_result *result)
{
    const struct steve_kept *first = steve_findings_first(&run->findings);
    struct steve_verdict verdict = {
        .result = result,
        .has_seed = true,
        .seed = run->seed,
        .exhaustive = run->all != NULL ? run->all->longest : 0,
        .failed = first != NULL,
        .has_findings = run->options->keep_going,
        .findings = steve_findings_count(&run->findings, false),
        .has_known = run->options->known != NULL,
        .known = steve_findings_count(&run->findings, true),
    };
    if (first != NULL) {
        verdict.oracle = steve_oracle_name(first->finding.oracle);
        verdict.episode = first->episode;
        verdict.op = first->finding.op;
        verdict.reproducer = first->reproducer;
        verdict.repro_ops = first->sequence.count;
    }
    steve_print_verdict(run->text, &verdict);
}

/// Writes the reports for machines. @return false if they could not be written
static bool write_summary(const struct run *run, const struct steve_run_result *result, const char *trouble,
                          FILE *junit)
{
    struct steve_summary_finding *list;
    struct steve_summary summary = steve_summarize(run->options, result);
    summary.setup.driver = run->driver->name;
    if (run->all == NULL) {
        summary.setup.has_seed = true;
        summary.setup.seed = run->seed;
        summary.setup.profile = steve_profile_name(run->options->profile);
        summary.setup.lock_model = steve_lock_model_name(run->options->locks);
    }
    summary.trouble = trouble;
    summary.failed = steve_findings_first(&run->findings) != NULL;
    summary.finding_count = steve_findings_list(&run->findings, &list);
    summary.findings = list;
    bool written = steve_write_summary(run->options, &summary, junit);
    free(list);
    return written;
}

static bool run_episodes(struct run *run, struct steve_gen *gen, struct steve_run_result *result, char *why,
                         size_t why_size)
{
    const struct steve_options *options = run->options;
    struct steve_generated generated = {.gen = gen, .driver = run->driver, .threads = options->threads};
    struct steve_source source =
        run->all != NULL ? steve_source_exhaustive(run->all) : steve_source_generated(&generated);
    source.against = options->against;
    run->live = steve_live_begin();
    run->findings.deadline_ns = options->time_ns != 0 ? steve_trial_now() + options->time_ns : 0;
    bool ran = steve_runner_run(
        &(struct steve_runner_config){
            .source = &source,
            .plan = run->plan,
            .time_ns = options->time_ns,
            .jobs = options->jobs,
            .no_isolate = options->no_isolate,
            .keep_going = goes_on_after_findings(options),
            .without = options->without,
            .level = options->level,
            .repeat_every = REPEAT_EVERY,
            .limits = {.op_time_ns = options->op_time_ns, .memory_bytes = options->memory_bytes},
            .on_episode = on_episode,
            .goes_on = goes_on,
            .on_progress = on_progress,
            .context = run,
        },
        result, why, why_size);
    steve_live_clear(&run->live);
    if (run->has_found) {
        show_again(run, &run->found);
        steve_findings_keep(&run->findings, &run->found, !result->interrupted);
        steve_found_free(&run->found);
    }
    return ran;
}

static void print_threads(const struct run *run, const struct steve_crew_counts *counts)
{
    if (run->options->threads > 1) {
        fprintf(run->text,
                "threads: %" PRIu64 " ops by %u threads, %" PRIu64
                " of them on a block that another had before, %" PRIu64 " frees by another than its maker\n",
                counts->ops, run->options->threads, counts->handed_over, counts->freed_elsewhere);
    }
}

/// The run, from the first line to the last. @param junit NULL: none is wanted; is closed
static int carry_out(struct run *run, struct steve_gen *gen, FILE *junit)
{
    struct steve_run_result result;
    char why[512];

    run->ops_limit = ops_limit(run->options);
    run->plan = make_plan(run, gen);
    print_first_line(run);
    if (run->options->known != NULL) {
        steve_findings_print_known(&run->findings);
    }
    bool ran = run_episodes(run, gen, &result, why, sizeof why);
    bool failed = steve_findings_first(&run->findings) != NULL;
    if (!ran) {
        steve_complain(run->options->command, "%s", why);
    }
    if (ran || failed) {
        steve_print_table(run->text, &result.counts);
        print_threads(run, &result.crew_counts);
        if (run->all != NULL) {
            steve_scope_print_result(run->text, run->all, result.episodes, run->void_count);
        }
        if (result.interrupted) {
            fprintf(run->text, "interrupted: the verdict is about what was run until then\n");
        }
        print_verdict(run, &result);
    }
    bool written = write_summary(run, &result, ran ? NULL : why, junit);
    if (failed) {
        return STEVE_EXIT_FOUND;
    }
    return ran && written ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}

/// Opens what is written to, reads what is known, and runs.
static int run_with_files(struct run *run, struct steve_gen *gen)
{
    FILE *junit;
    int status = STEVE_EXIT_ENVIRONMENT;
    run->text = steve_text_out(run->options);
    if (run->text != NULL) {
        run->findings = (struct steve_findings){
            .options = run->options,
            .driver = run->driver,
            .seed = run->seed,
            .text = run->text,
        };
        int known = run->options->known != NULL ? steve_findings_load_known(&run->findings) : -1;
        if (known >= 0) {
            status = known;
        } else if (steve_open_junit(run->options, &junit)) {
            status = carry_out(run, gen, junit);
        }
        steve_findings_free(&run->findings);
    }
    steve_text_close(run->text);
    return status;
}

int steve_cli_run(const struct steve_options *options)
{
    struct run run = {
        .options = options,
        .driver = options->driver != NULL ? options->driver : steve_known_drivers()->drivers[0],
        .seed = options->seed,
    };
    const char *obstacle = steve_pair_obstacle(run.driver, options->against);
    if (obstacle != NULL) {
        return steve_complain(options->command, "--against '%s' beside driver %s: %s", options->against->name,
                              run.driver->name, obstacle);
    }
    if (!steve_option_given(options, STEVE_OPTION_SEED) && !draw_seed(&run.seed)) {
        steve_complain(options->command, "no seed could be drawn: %s; expected --seed", strerror(errno));
        return STEVE_EXIT_ENVIRONMENT;
    }
    struct steve_exhaustive all;
    if (options->exhaustive != 0) {
        steve_exhaustive_init(&all, run.driver, (unsigned)options->exhaustive, options->heap_bytes);
        run.all = &all;
        if (options->episode >= steve_exhaustive_count(&all)) {
            return steve_complain(options->command,
                                  "--episode %" PRIu64 ": expected less than %" PRIu64 ", the number of sequences",
                                  options->episode, steve_exhaustive_count(&all));
        }
    }
    const struct steve_driver without = steve_threads_driver(run.driver);
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){
        .driver = options->threads > 1 ? &without : run.driver,
        .profile = options->profile,
        .locks = options->locks,
        .seed = run.seed,
        .heap_bytes = options->heap_bytes,
    });
    if (gen == NULL) {
        steve_complain(options->command, "memory is short");
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = run_with_files(&run, gen);
    steve_gen_free(gen);
    return status;
}
