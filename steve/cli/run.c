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

#include "steve/cli/cli.h"
#include "steve/cli/command.h"
#include "steve/cli/shrinking.h"
#include "steve/cli/scope.h"
#include "steve/drivers/drivers.h"
#include "steve/find/runner.h"
#include "steve/find/save.h"
#include "steve/report/finding.h"
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
    bool has_found;
    struct steve_found found;
    char folder[STEVE_SAVE_PATH_MAX]; ///< of the saved finding; empty: not saved
    char reproducer[STEVE_SAVE_PATH_MAX + 16];
    char unsaved[512]; ///< why it is not
    size_t repro_ops;  ///< ops of what shows it again
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
    printf("steve %s driver=%s ", STEVE_VERSION, run->driver->name);
    if (run->all != NULL) {
        printf("exhaustive=%u", run->all->longest);
    } else {
        printf("seed=%" PRIu64 " profile=%s locks=%s", run->seed, steve_profile_name(options->profile),
               steve_lock_model_name(options->locks));
    }
    printf(" check=%s", steve_check_level_name(options->level));
    if (options->heap_bytes != 0) {
        printf(" heap=%" PRIu64, options->heap_bytes);
    }
    if (steve_option_given(options, STEVE_OPTION_EPISODE)) {
        printf(" episode=%" PRIu64, options->episode);
    }
    putchar('\n');
    if (run->all != NULL) {
        steve_scope_print(stdout, run->all, options->jobs);
    }
    fflush(stdout);
}

static void on_episode(void *context, const struct steve_episode_result *result)
{
    struct run *run = context;
    if (run->all != NULL && result->found == NULL && result->ops < steve_exhaustive_length(run->all, result->episode)) {
        run->void_count++;
    }
    if (result->found != NULL && !run->has_found) {
        run->has_found = true;
        run->found = *result->found;
        result->found->sequence = (struct steve_sequence){0};
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

static bool save_report(struct run *run, const struct steve_finding_story *story)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return false;
    }
    steve_print_report(memory, story);
    bool saved = fclose(memory) == 0 &&
                 steve_save_file(run->folder, "report.txt", text, size, run->unsaved, sizeof run->unsaved);
    free(text);
    return saved;
}

static bool save(struct run *run)
{
    char name[128];
    const struct steve_found *found = &run->found;
    char origin[32];
    snprintf(origin, sizeof origin, "seed%" PRIu64, run->seed);
    snprintf(name, sizeof name, "%s-ep%" PRIu64 "-op%" PRIu64 "-%s", run->all != NULL ? "exhaustive" : origin,
             found->episode, found->finding.op, steve_oracle_name(found->finding.oracle));
    if (!steve_save_finding(run->options->out, name, &steve_drivers, &found->sequence, &found->sequence, run->folder,
                            run->unsaved, sizeof run->unsaved)) {
        run->folder[0] = '\0';
        return false;
    }
    snprintf(run->reproducer, sizeof run->reproducer, "%s/repro.ops", run->folder);
    return true;
}

/// Makes the reproducer smaller. The finding has been saved and announced: nothing is lost if this ends midway.
static void shrink(struct run *run)
{
    struct steve_shrinking shrinking;
    steve_shrink_kept(run->options, run->driver, &run->found, run->folder[0] != '\0' ? run->folder : NULL, &shrinking);
    steve_print_shrinking(stdout, run->options, &shrinking);
    if (shrinking.folder[0] != '\0') {
        run->repro_ops = shrinking.shrunk.sequence.count;
    }
    steve_sequence_free(&shrinking.shrunk.sequence);
}

/// Saves the finding and only then announces it.
static void announce(struct run *run)
{
    const struct steve_found *found = &run->found;
    bool saved = save(run);
    // A finding in the checks after the last op shows again only if the episode ends there again.
    uint64_t cut = found->finding.op >= found->sequence.count ? found->sequence.count : 0;
    char *replay = saved ? steve_command_replay(run->options, run->reproducer) : NULL;
    char *rerun = steve_command_run(run->options, run->driver, run->seed, found->episode, cut);
    char origin[64];
    if (run->all != NULL) {
        snprintf(origin, sizeof origin, "sequence %" PRIu64, found->episode);
    } else {
        snprintf(origin, sizeof origin, "seed %" PRIu64 ", episode %" PRIu64, run->seed, found->episode);
    }

    struct steve_finding_story story = {
        .found = found,
        .version = STEVE_VERSION,
        .origin = origin,
        .folder = saved ? run->folder : NULL,
        .unsaved = saved ? NULL : run->unsaved,
        .replay = replay,
        .rerun = rerun,
    };
    if (saved && !save_report(run, &story)) {
        fprintf(stderr, "steve run: report.txt could not be written: %s\n", run->unsaved);
    }
    steve_print_finding(stdout, &story);
    fflush(stdout);
    run->repro_ops = found->sequence.count;
    free(replay);
    free(rerun);
}

static void print_verdict(const struct run *run, const struct steve_run_result *result)
{
    struct steve_verdict verdict = {
        .result = result,
        .has_seed = true,
        .seed = run->seed,
        .exhaustive = run->all != NULL ? run->all->longest : 0,
        .failed = run->has_found,
    };
    if (run->has_found) {
        verdict.oracle = steve_oracle_name(run->found.finding.oracle);
        verdict.episode = run->found.episode;
        verdict.op = run->found.finding.op;
        verdict.reproducer = run->folder[0] != '\0' ? run->reproducer : NULL;
        verdict.repro_ops = run->repro_ops;
    }
    steve_print_verdict(stdout, &verdict);
}

static int carry_out(struct run *run, struct steve_gen *gen)
{
    const struct steve_options *options = run->options;
    struct steve_generated generated = {.gen = gen, .driver = run->driver};
    struct steve_source source =
        run->all != NULL ? steve_source_exhaustive(run->all) : steve_source_generated(&generated);
    struct steve_run_result result;
    char why[512];

    run->ops_limit = ops_limit(options);
    run->plan = make_plan(run, gen);
    print_first_line(run);
    run->live = steve_live_begin();
    bool ran = steve_runner_run(
        &(struct steve_runner_config){
            .source = &source,
            .plan = run->plan,
            .time_ns = options->time_ns,
            .jobs = options->jobs,
            .no_isolate = options->no_isolate,
            .without = options->without,
            .level = options->level,
            .repeat_every = REPEAT_EVERY,
            .limits = {.op_time_ns = options->op_time_ns, .memory_bytes = options->memory_bytes},
            .on_episode = on_episode,
            .on_progress = on_progress,
            .context = run,
        },
        &result, why, sizeof why);
    steve_live_clear(&run->live);
    if (!ran && !run->has_found) {
        steve_complain(options->command, "%s", why);
        return STEVE_EXIT_ENVIRONMENT;
    }

    if (run->has_found) {
        announce(run);
        if (steve_shrinking_wanted(options) && !result.interrupted) {
            shrink(run);
        }
    }
    steve_print_table(stdout, &result.counts);
    if (run->all != NULL) {
        steve_scope_print_result(stdout, run->all, result.episodes, run->void_count);
    }
    if (result.interrupted) {
        printf("interrupted: the verdict is about what was run until then\n");
    }
    print_verdict(run, &result);
    steve_sequence_free(&run->found.sequence);
    return run->has_found ? STEVE_EXIT_FOUND : STEVE_EXIT_PASS;
}

int steve_cli_run(const struct steve_options *options)
{
    struct run run = {
        .options = options,
        .driver = options->driver != NULL ? options->driver : steve_drivers.drivers[0],
        .seed = options->seed,
    };
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
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){
        .driver = run.driver,
        .profile = options->profile,
        .locks = options->locks,
        .seed = run.seed,
        .heap_bytes = options->heap_bytes,
    });
    if (gen == NULL) {
        steve_complain(options->command, "memory is short");
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = carry_out(&run, gen);
    steve_gen_free(gen);
    return status;
}
