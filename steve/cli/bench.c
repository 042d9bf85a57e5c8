/// `steve bench`: speed, space and pauses of Jeff beside malloc libraries, side by side in one run. Options, and the order of
/// things; the measuring is explained in bench_internal.h.
#include "steve/cli/bench_plan_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/bench_checking.h"
#include "steve/cli/bench_compare.h"
#include "steve/cli/bench_scaling.h"
#include "steve/cli/cli.h"

static const char usage[] =
    "usage: steve bench [--drivers A,B,...] [--metric A,B,...] [--rounds N] [--seed N] [--quick] [--json]\n"
    "       steve bench --compare ...   any drivers through the same calls, ranked: see --compare --help\n"
    "       steve bench --scaling ...   how costs grow with the number of blocks, any driver: see --scaling --help\n"
    "       steve bench --checking ...  what Steve's own checking costs: see --checking --help\n"
    "\n"
    "Jeff, libc (glibc), mimalloc, jemalloc and tcmalloc, side by side on the same sequences. Each figure is taken in "
    "a\n"
    "child process of its own, and is the median of all rounds. What is to be reached stands behind it.\n"
    "\n"
    "  --drivers A,B,...  of jeff, libc, mimalloc, jemalloc, tcmalloc (default: all that are installed)\n"
    "  --metric A,B,...   what is measured (default: everything):\n"
    "                       pair                malloc+free at 1 k to 1 M live blocks\n"
    "                       pair_tight          the same in a heap of 1.02 to 2 times the live bytes (jeff)\n"
    "                       latency             p50, p99, p99.9 and max of each op: malloc, free, calloc, resize, "
    "lock,\n"
    "                                           unlock\n"
    "                       lock_pair           lock+unlock (jeff)\n"
    "                       resize              resize, realloc\n"
    "                       overhead_bytes      space per block beyond the request\n"
    "                       payload_at_refusal  how full the heap is at the first refusal; of others, how much of "
    "their\n"
    "                                           memory is payload when it has grown to that size\n"
    "                       largest_run         largest free run before and after compacting (jeff)\n"
    "                       compact_time        full compaction (jeff)\n"
    "                       memmove_time        memmove of the same moves\n"
    "                       budget_overshoot    how far a compaction overruns its budget (jeff)\n"
    "  --rounds N         1..1000 (default 5); short tasks, of up to 10,000 blocks, get three times as many\n"
    "  --seed N           of sizes and victims, the same for all (default 1)\n"
    "  --quick            a few seconds, to see that it works; the figures mean little\n"
    "  --json             one JSON document instead of tables: {machine, rows: [{metric, driver, live, value, unit,\n"
    "                     p50, p99, p999, params}, ...]}\n"
    "  --help             this text\n";

static const struct bench_plan full_plan = {
    .rounds = 5,
    .seed = 1,
    .live = {1000, 10000, 100000, 1000000},
    .live_counts = 4,
    .pairs = 1000000,
    .singles = 50000,
    .overhead_blocks = 5000,
    .heap_bytes = {(size_t)16 << 20, (size_t)64 << 20},
    .heaps = 2,
    .compact_blocks = 100000,
    .pause_blocks = 500000,
    .large_blocks = 128,
    .budget_ns = {20000, 100000, 1000000, 10000000},
    .budgets = 4,
    .pauses = 2000,
};

static const struct bench_plan quick_plan = {
    .rounds = 1,
    .seed = 1,
    .live = {1000, 10000},
    .live_counts = 2,
    .pairs = 50000,
    .singles = 5000,
    .overhead_blocks = 500,
    .heap_bytes = {(size_t)4 << 20},
    .heaps = 1,
    .compact_blocks = 10000,
    .pause_blocks = 50000,
    .large_blocks = 16,
    .budget_ns = {20000, 1000000},
    .budgets = 2,
    .pauses = 20,
};

/// What the command line says, before it becomes a plan.
struct options {
    bool quick;
    bool json;
    uint64_t rounds; ///< 0: not said
    uint64_t seed;
    const char *drivers; ///< NULL: not said
    const char *metrics; ///< NULL: not said
};

static bool parse_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    // strtoull() would take a sign, and blanks before it.
    unsigned long long number = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end || errno || number < least || number > most) {
        fprintf(stderr, "steve bench: %s %s: expected a number from %llu to %llu\n", option, text ? text : "",
                (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    *value = number;
    return true;
}

static const char *driver_name(unsigned index)
{
    return bench_allocators[index].name;
}

static const char *metric_name(unsigned index)
{
    return bench_metric_names[index];
}

/// Reads a list of names, separated by commas. @param chosen gets true for each @return false after a message
static bool parse_names(const char *option, const char *text, const char *(*name_of)(unsigned), unsigned count,
                        bool *chosen)
{
    memset(chosen, 0, count * sizeof *chosen);
    for (const char *name = text;; name++) {
        size_t length = strcspn(name, ",");
        unsigned found = 0;
        while (found < count && (strlen(name_of(found)) != length || strncmp(name_of(found), name, length) != 0))
            found++;
        if (found == count) {
            fprintf(stderr, "steve bench: %s: no '%.*s'; there are", option, (int)length, name);
            for (unsigned i = 0; i < count; i++)
                fprintf(stderr, "%s %s", i ? "," : "", name_of(i));
            fprintf(stderr, "\n");
            return false;
        }
        chosen[found] = true;
        name += length;
        if (!*name)
            return true;
    }
}

/// Reads an option that takes a value. @return false after a message
static bool parse_value(const char *option, const char *value, struct options *options)
{
    if (strcmp(option, "--rounds") == 0)
        return parse_number(option, value, 1, 1000, &options->rounds);
    if (strcmp(option, "--seed") == 0)
        return parse_number(option, value, 0, UINT64_MAX, &options->seed);
    bool drivers = strcmp(option, "--drivers") == 0;
    if (!drivers && strcmp(option, "--metric") != 0) {
        fprintf(stderr, "steve bench: unexpected argument '%s'; see steve bench --help\n", option);
        return false;
    }
    if (!value) {
        fprintf(stderr, "steve bench: expected names after '%s'; see steve bench --help\n", option);
        return false;
    }
    *(drivers ? &options->drivers : &options->metrics) = value;
    return true;
}

/// @return 0 to go on, 1 if there is nothing more to do, 2 after a message about bad usage
static int parse_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.seed = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 1;
        }
        if (strcmp(argv[i], "--quick") == 0)
            options->quick = true;
        else if (strcmp(argv[i], "--json") == 0)
            options->json = true;
        else if (parse_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL, options))
            i++;
        else
            return 2;
    }
    return 0;
}

/// @return false after a message about bad usage
static bool make_plan(const struct options *options, struct bench_plan *plan)
{
    *plan = options->quick ? quick_plan : full_plan;
    plan->seed = options->seed;
    plan->out = stdout;
    if (options->rounds)
        plan->rounds = (unsigned)options->rounds;
    memset(plan->with, 1, sizeof plan->with);
    memset(plan->wanted, 1, sizeof plan->wanted);
    return (!options->drivers ||
            parse_names("--drivers", options->drivers, driver_name, BENCH_ALLOCATORS, plan->with)) &&
           (!options->metrics || parse_names("--metric", options->metrics, metric_name, BENCH_METRICS, plan->wanted));
}

/// Finds out whether an allocator is here, and takes it off the plan if not. @return false after a message if a child failed
static bool probe(struct bench_plan *plan, enum bench_allocator who)
{
    const struct bench_allocator_info *info = &bench_allocators[who];
    if (info->preload && !bench_can_preload) {
        fprintf(plan->out, "left out   %s: this build has sanitizers, and nothing can be preloaded into it\n",
                info->name);
        plan->with[who] = false;
        return true;
    }
    struct bench_task task = {.allocator = who, .job = BENCH_PROBE};
    struct bench_values none = {0};
    enum bench_answer answer = bench_ask(&task, &none, plan->version[who], BENCH_VERSION);
    bench_values_free(&none);
    if (answer == BENCH_MISSING)
        fprintf(plan->out, "left out   %s: there is no %s here (Debian's package: %s)\n", info->name, info->preload,
                info->package);
    plan->with[who] = answer == BENCH_ANSWERED;
    return answer != BENCH_FAILED;
}

static bool measure_pairs(struct bench_plan *plan)
{
    return bench_table_pairs(plan, false, 0) && bench_table_pairs(plan, false, 64) &&
           bench_table_pairs(plan, true, 0) && bench_table_pairs(plan, true, 64);
}

/// What is measured, in this order. A metric that shares its measuring with another stands beside it.
static const struct {
    enum bench_metric metric, other;
    bool jeff_only;
    bool (*measure)(struct bench_plan *plan);
} parts[] = {
    {BENCH_METRIC_PAIR, BENCH_METRIC_PAIR, false, measure_pairs},
    {BENCH_METRIC_PAIR_TIGHT, BENCH_METRIC_LATENCY, false, bench_table_tight},
    {BENCH_METRIC_LATENCY, BENCH_METRIC_LATENCY, false, bench_table_calloc},
    {BENCH_METRIC_LOCK_PAIR, BENCH_METRIC_LATENCY, true, bench_table_locks},
    {BENCH_METRIC_RESIZE, BENCH_METRIC_LATENCY, false, bench_table_resize},
    {BENCH_METRIC_OVERHEAD_BYTES, BENCH_METRIC_OVERHEAD_BYTES, false, bench_table_overhead},
    {BENCH_METRIC_PAYLOAD_AT_REFUSAL, BENCH_METRIC_PAYLOAD_AT_REFUSAL, false, bench_table_refusal},
    {BENCH_METRIC_LARGEST_RUN, BENCH_METRIC_LARGEST_RUN, true, bench_table_runs},
    {BENCH_METRIC_COMPACT_TIME, BENCH_METRIC_MEMMOVE_TIME, true, bench_table_compaction},
    {BENCH_METRIC_BUDGET_OVERSHOOT, BENCH_METRIC_BUDGET_OVERSHOOT, true, bench_table_pauses},
};

static bool run(struct bench_plan *plan)
{
    struct bench_machine machine = bench_machine_read();
    bench_machine_print(plan->out, &machine);
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i] && !probe(plan, (enum bench_allocator)i))
            return false;
    if (!memchr(plan->with, true, sizeof plan->with)) {
        fprintf(stderr, "steve bench: none of the allocators is here, so there is nothing to measure\n");
        return false;
    }
    fprintf(plan->out, "allocators");
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i])
            fprintf(plan->out, " %s%s%s", bench_allocators[i].name, *plan->version[i] ? " " : "", plan->version[i]);
    fprintf(plan->out, "\nrounds     %u, interleaved, seed %llu; medians, and ratios taken round by round\n",
            plan->rounds, (unsigned long long)plan->seed);
    fflush(plan->out);

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool wanted = plan->wanted[parts[i].metric] || plan->wanted[parts[i].other];
        if (wanted && (plan->with[BENCH_JEFF] || !parts[i].jeff_only) && !parts[i].measure(plan))
            return false;
    }
    return true;
}

/// With --json the tables go nowhere: stdout is one document.
static bool run_for_machines(struct bench_plan *plan)
{
    plan->out = fopen("/dev/null", "we");
    if (!plan->out) {
        fprintf(stderr, "steve bench: cannot open /dev/null: %s\n", strerror(errno));
        return false;
    }
    bool done = run(plan) && bench_print_json(stdout, plan);
    fclose(plan->out);
    return done;
}

static bool has_option(int argc, char **argv, const char *option)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

int steve_cli_bench(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0)
        return bench_child(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--point") == 0)
        return bench_point_child(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--life") == 0)
        return bench_life_child(argc - 2, argv + 2);
    if (has_option(argc, argv, "--compare"))
        return bench_compare_run(argc, argv);
    if (has_option(argc, argv, "--checking"))
        return bench_checking_run(argc, argv);
    if (has_option(argc, argv, "--scaling"))
        return bench_scaling_run(argc, argv);
    struct options options;
    struct bench_plan plan;
    int parsed = parse_options(argc, argv, &options);
    if (parsed)
        return parsed == 1 ? STEVE_EXIT_PASS : STEVE_EXIT_USAGE;
    if (!make_plan(&options, &plan))
        return STEVE_EXIT_USAGE;
    bool done = options.json ? run_for_machines(&plan) : run(&plan);
    bench_rows_free(&plan.rows);
    return done ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}
