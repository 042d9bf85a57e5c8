/// `steve bench`: the speed of Jeff beside that of malloc libraries, side by side in one run. Options, and the order of things; the measuring
/// is explained in bench_internal.h.
#include "steve/cli/bench_plan_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/cli.h"

static const char usage[] =
    "usage: steve bench [--drivers A,B,...] [--rounds N] [--seed N] [--quick]\n"
    "\n"
    "Speed of Jeff, glibc, mimalloc, jemalloc and tcmalloc, side by side: the malloc+free pair; and of Jeff: "
    "lock+unlock,\n"
    "a full compaction beside memmove, and how far compact(1) overruns its millisecond. Each figure is taken in a "
    "child\n"
    "process of its own, and is the median of all rounds. What is to be reached stands behind it.\n"
    "\n"
    "  --drivers A,B,...  of jeff, glibc, mimalloc, jemalloc, tcmalloc (default: all that are installed)\n"
    "  --rounds N         1..1000 (default 5)\n"
    "  --seed N           of sizes and victims, the same for all (default 1)\n"
    "  --quick            a few seconds, to see that it works; the figures mean little\n"
    "  --help             this text\n";

static const struct bench_plan full_plan = {
    .rounds = 5,
    .seed = 1,
    .live = {1000, 10000, 100000, 1000000},
    .live_counts = 4,
    .pairs = 1000000,
    .compact_blocks = 100000,
    .pause_blocks = 500000,
    .pauses = 400,
};

static const struct bench_plan quick_plan = {
    .rounds = 1,
    .seed = 1,
    .live = {1000, 10000},
    .live_counts = 2,
    .pairs = 50000,
    .compact_blocks = 10000,
    .pause_blocks = 50000,
    .pauses = 5,
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

/// Reads a list of names, separated by commas, into plan->with.
static bool parse_drivers(const char *text, struct bench_plan *plan)
{
    memset(plan->with, 0, sizeof plan->with);
    for (const char *name = text;; name++) {
        size_t length = strcspn(name, ",");
        unsigned found = 0;
        while (found < BENCH_ALLOCATORS && (strlen(bench_allocators[found].name) != length ||
                                            strncmp(bench_allocators[found].name, name, length) != 0))
            found++;
        if (found == BENCH_ALLOCATORS) {
            fprintf(stderr, "steve bench: --drivers: no '%.*s'; there are jeff, glibc, mimalloc, jemalloc, tcmalloc\n",
                    (int)length, name);
            return false;
        }
        plan->with[found] = true;
        name += length;
        if (!*name)
            return true;
    }
}

/// @return 0 to go on, 1 if there is nothing more to do, 2 after a message about bad usage
static int parse_options(int argc, char **argv, struct bench_plan *plan)
{
    uint64_t rounds = 0, seed = 1;
    const char *drivers = NULL;
    *plan = full_plan;
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool takes_value = true;
        if (strcmp(option, "--help") == 0) {
            fputs(usage, stdout);
            return 1;
        }
        if (strcmp(option, "--quick") == 0) {
            *plan = quick_plan;
            takes_value = false;
        } else if (strcmp(option, "--rounds") == 0) {
            if (!parse_number(option, value, 1, 1000, &rounds))
                return 2;
        } else if (strcmp(option, "--seed") == 0) {
            if (!parse_number(option, value, 0, UINT64_MAX, &seed))
                return 2;
        } else if (strcmp(option, "--drivers") == 0 && value) {
            drivers = value;
        } else {
            fprintf(stderr, "steve bench: %s '%s'; see steve bench --help\n",
                    strcmp(option, "--drivers") == 0 ? "expected names after" : "unexpected argument", option);
            return 2;
        }
        i += takes_value;
    }
    plan->seed = seed;
    if (rounds)
        plan->rounds = (unsigned)rounds;
    memset(plan->with, 1, sizeof plan->with);
    return drivers && !parse_drivers(drivers, plan) ? 2 : 0;
}

/// Finds out whether an allocator is here, and takes it off the plan if not. @return false after a message if a child failed
static bool probe(struct bench_plan *plan, enum bench_allocator who)
{
    const struct bench_allocator_info *info = &bench_allocators[who];
    if (info->preload && !bench_can_preload) {
        printf("left out   %s: this build has sanitizers, and nothing can be preloaded into it\n", info->name);
        plan->with[who] = false;
        return true;
    }
    struct bench_task task = {.allocator = who, .job = BENCH_PROBE};
    struct bench_values none = {0};
    enum bench_answer answer = bench_ask(&task, &none, plan->version[who], BENCH_VERSION);
    bench_values_free(&none);
    if (answer == BENCH_MISSING)
        printf("left out   %s: there is no %s here (Debian's package: %s)\n", info->name, info->preload, info->package);
    plan->with[who] = answer == BENCH_ANSWERED;
    return answer != BENCH_FAILED;
}

static bool run(struct bench_plan *plan)
{
    bench_print_machine(stdout);
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i] && !probe(plan, (enum bench_allocator)i))
            return false;
    if (!memchr(plan->with, true, sizeof plan->with)) {
        fprintf(stderr, "steve bench: none of the allocators is here, so there is nothing to measure\n");
        return false;
    }
    printf("allocators");
    for (unsigned i = 0; i < BENCH_ALLOCATORS; i++)
        if (plan->with[i])
            printf(" %s%s%s", bench_allocators[i].name, *plan->version[i] ? " " : "", plan->version[i]);
    printf("\nrounds     %u, interleaved, seed %llu; medians, and ratios taken round by round\n", plan->rounds,
           (unsigned long long)plan->seed);
    fflush(stdout);

    if (!bench_table_pairs(plan, 0) || !bench_table_pairs(plan, 64))
        return false;
    if (!plan->with[BENCH_JEFF])
        return true;
    return bench_table_locks(plan) && bench_table_compaction(plan) && bench_table_pauses(plan);
}

int steve_cli_bench(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0)
        return bench_child(argc - 2, argv + 2);
    struct bench_plan plan;
    int parsed = parse_options(argc, argv, &plan);
    if (parsed)
        return parsed == 1 ? STEVE_EXIT_PASS : STEVE_EXIT_USAGE;
    return run(&plan) ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}
