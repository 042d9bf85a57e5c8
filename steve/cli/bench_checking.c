/// `steve bench --checking`: what checking costs. Episodes are drawn once, as `steve run` draws them, and their ops kept; then the same
/// ops are carried out with every oracle of the level on, and with none (payloads are still written), in turn. The third figure is that of
/// drawing and checking at once, which is what `steve run` does, but for its child process.
///
/// Time is that of the processor, so that a busy machine distorts less.
#include "steve/cli/bench_checking.h"

#include <stdio.h>
#include <stdlib.h>

#include "steve/cli/bench_choice.h"
#include "steve/cli/bench_internal.h"
#include "steve/cli/cli.h"
#include "steve/core/exec.h"
#include "steve/find/source.h"
#include "steve/gen/gen.h"

#define REACH_RATIO 0.5
#define REACH_OPS   5e6

#define OPS       1000000u
#define ROUNDS    5u
#define QUICK_OPS 20000u

static const char usage[] =
    "usage: steve bench --checking [--drivers A,B,...] [--seed N] [--quick] [--json]\n"
    "\n"
    "What checking costs: a million ops of the default profile with every oracle on, with none (payloads are still "
    "written),\n"
    "and drawn anew as `steve run` does. Processor time in this process; medians of 5 rounds, the ratio round by "
    "round.\n"
    "\n"
    "  --drivers A,B,...  drivers as in `steve drivers` (default: jeff)\n"
    "  --seed N           what the ops are drawn from (default 1)\n"
    "  --quick            20,000 ops, one round, to see that it works\n"
    "  --json             one JSON document: {seed, rows: [{driver, ops, episodes, run, checked, unchecked, ratio}]}; "
    "ops "
    "a\n"
    "                     second\n"
    "  --help             this text\n";

enum way { DRAWN, CHECKED, UNCHECKED, WAYS };

struct episode {
    struct steve_header header;
    size_t first, count; ///< ops
};

struct checking {
    const struct steve_driver *driver;
    uint64_t seed;
    size_t ops; ///< at least so many
    unsigned rounds;
    struct steve_gen *gen;
    struct steve_exec *exec[WAYS];
    struct episode *episode;
    size_t episodes, episode_capacity;
    struct steve_op *op;
    size_t op_count, op_capacity;
};

/// Makes room for one more. @return false if memory is short
static bool reserve(void **list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 4096;
    void *larger = realloc(*list, more * size);
    if (!larger)
        return false;
    *list = larger;
    *capacity = more;
    return true;
}

/// Draws an episode, on the checked executor, and with `keep` its ops. @return false after a message
static bool draw_episode(struct checking *c, uint64_t number, bool keep)
{
    struct steve_exec *exec = c->exec[DRAWN];
    struct episode drawn = {.first = c->op_count};
    const char *why;
    steve_gen_begin(c->gen, number, &drawn.header);
    if (!steve_exec_begin(exec, &drawn.header, &why)) {
        fprintf(stderr, "steve bench: no heap for episode %llu: %s\n", (unsigned long long)number, why);
        return false;
    }
    enum steve_outcome outcome = STEVE_DONE;
    for (uint64_t left = steve_generated_length(c->gen, number); left > 0 && outcome != STEVE_FOUND; left--) {
        struct steve_op op = steve_gen_next(c->gen, exec);
        outcome = steve_exec_step(exec, op);
        if (!keep)
            continue;
        if (!reserve((void **)&c->op, c->op_count, &c->op_capacity, sizeof *c->op)) {
            fprintf(stderr, "steve bench: no memory for the ops\n");
            return false;
        }
        c->op[c->op_count++] = op;
    }
    if (outcome == STEVE_FOUND || steve_exec_end(exec) == STEVE_FOUND) {
        fprintf(stderr,
                "steve bench: a finding in episode %llu: see steve run --driver %s --seed %llu --episode %llu\n",
                (unsigned long long)number, c->driver->name, (unsigned long long)c->seed, (unsigned long long)number);
        return false;
    }
    if (!keep)
        return true;
    drawn.count = c->op_count - drawn.first;
    if (!reserve((void **)&c->episode, c->episodes, &c->episode_capacity, sizeof *c->episode)) {
        fprintf(stderr, "steve bench: no memory for the episodes\n");
        return false;
    }
    c->episode[c->episodes++] = drawn;
    return true;
}

static bool replay_episode(struct checking *c, enum way way, const struct episode *episode)
{
    struct steve_exec *exec = c->exec[way];
    const char *why;
    if (!steve_exec_begin(exec, &episode->header, &why)) {
        fprintf(stderr, "steve bench: no heap: %s\n", why);
        return false;
    }
    for (size_t i = 0; i < episode->count; i++)
        steve_exec_step(exec, c->op[episode->first + i]);
    return steve_exec_end(exec) != STEVE_FOUND;
}

/// All episodes in one way. @return ops a second, or 0 after a message
static double measure(struct checking *c, enum way way)
{
    uint64_t begin = bench_cpu_ns();
    for (size_t i = 0; i < c->episodes; i++)
        if (way == DRAWN ? !draw_episode(c, i, false) : !replay_episode(c, way, &c->episode[i]))
            return 0;
    return (double)c->op_count * 1e9 / (double)(bench_cpu_ns() - begin);
}

static bool set_up(struct checking *c)
{
    const char *why = "no memory for the generator";
    c->gen = steve_gen_new(&(struct steve_gen_config){.driver = c->driver, .seed = c->seed});
    for (unsigned way = 0; way < WAYS && c->gen; way++) {
        c->exec[way] = steve_exec_new(&(struct steve_exec_config){.driver = c->driver,
                                                                  .level = STEVE_CHECK_NORMAL,
                                                                  .unchecked = way == UNCHECKED},
                                      &why);
        if (!c->exec[way])
            break;
    }
    if (!c->gen || !c->exec[WAYS - 1]) {
        fprintf(stderr, "steve bench: %s\n", why);
        return false;
    }
    while (c->op_count < c->ops)
        if (!draw_episode(c, c->episodes, true))
            return false;
    return true;
}

static void tear_down(struct checking *c)
{
    for (unsigned way = 0; way < WAYS; way++)
        steve_exec_free(c->exec[way]);
    if (c->gen)
        steve_gen_free(c->gen);
    free(c->episode);
    free(c->op);
}

struct figures {
    double rate[WAYS]; ///< ops a second
    double ratio;      ///< checked to unchecked
};

/// @return false after a message
static bool measure_rounds(struct checking *c, struct figures *figures)
{
    struct bench_values rates[WAYS] = {0}, ratios = {0};
    bool all = true;
    for (unsigned round = 0; round < c->rounds && all; round++) {
        double rate[WAYS];
        for (unsigned i = 0; i < WAYS && all; i++) {
            unsigned way = (round + i) % WAYS; // who begins changes
            rate[way] = measure(c, (enum way)way);
            all = rate[way] > 0 && bench_values_push(&rates[way], rate[way]);
        }
        all = all && bench_values_push(&ratios, rate[CHECKED] / rate[UNCHECKED]);
    }
    for (unsigned way = 0; way < WAYS; way++) {
        figures->rate[way] = bench_median(&rates[way]);
        bench_values_free(&rates[way]);
    }
    figures->ratio = bench_median(&ratios);
    bench_values_free(&ratios);
    return all;
}

static void print(const struct checking *c, const struct figures *figures, bool json, bool first)
{
    const double *rate = figures->rate;
    if (json) {
        printf("%s{\"driver\": \"%s\", \"ops\": %zu, \"episodes\": %zu, \"run\": %.0f, \"checked\": %.0f, "
               "\"unchecked\": %.0f, \"ratio\": %.3f}",
               first ? "" : ", ", c->driver->name, c->op_count, c->episodes, rate[DRAWN], rate[CHECKED],
               rate[UNCHECKED], figures->ratio);
        return;
    }
    printf("%s: %zu ops in %zu episodes, million ops a second of a core\n", c->driver->name, c->op_count, c->episodes);
    printf("  drawn and checked  %6.2f   reach %.0f\n", rate[DRAWN] / 1e6, REACH_OPS / 1e6);
    printf("  checked            %6.2f   %.2f x unchecked, reach %.1f\n", rate[CHECKED] / 1e6, figures->ratio,
           REACH_RATIO);
    printf("  unchecked          %6.2f\n", rate[UNCHECKED] / 1e6);
}

int bench_checking_run(int argc, char **argv)
{
    struct bench_choice choice;
    int parsed = bench_choice_parse(argc, argv, usage, "jeff", &choice);
    if (parsed)
        return parsed == 1 ? STEVE_EXIT_PASS : STEVE_EXIT_USAGE;
    bool all = true;
    if (choice.json)
        printf("{\"seed\": %llu, \"rows\": [", (unsigned long long)choice.seed);
    for (size_t i = 0; i < choice.drivers && all; i++) {
        struct checking c = {
            .driver = choice.driver[i],
            .seed = choice.seed,
            .ops = choice.quick ? QUICK_OPS : OPS,
            .rounds = choice.quick ? 1 : ROUNDS,
        };
        struct figures figures;
        all = set_up(&c) && measure_rounds(&c, &figures);
        if (all)
            print(&c, &figures, choice.json, i == 0);
        tear_down(&c);
    }
    if (choice.json)
        printf("]}\n");
    return all ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
}
