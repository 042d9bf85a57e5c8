/// The bench that compares: rounds and ranks.
#include "steve/cli/bench_compare.h"

#include <stdlib.h>
#include <unistd.h>

#include "steve/cli/bench_internal.h"
#include "steve/cli/bench_plot.h"
#include "steve/cli/bench_room.h"
#include "steve/cli/cli.h"
#include "steve/cli/input.h"

#define DEFAULT_DRIVERS "jeff,freelist,freelist-best,freelist-size,tree-size,tree-addr,combo,buddy,libc"

enum {
    ROUNDS = 5,
    LIVE = 10000,
    QUICK_LIVE = 500,
    CALLS_LEAST = 100000, ///< in a round: a short script is gone through again and again
};

#define CAP_NS UINT64_C(10000000000)

/// Footprints are told in pages, and a page more or less is no difference; nor is as much of the room.
#define SAME 1.01

static const char usage[] =
    "usage: steve bench --compare [FILE|DIR...] [--drivers A,B,...] [--cap TIME] [--seed N] [--quick] [--json]\n"
    "                             [--plot DIR]\n"
    "\n"
    "Any drivers side by side, through the same calls: saved sequences, as text or bytes, each on a heap of its size;\n"
    "or, if none are given, a life of 10 000 blocks: grow, churn, shrink, grow with larger blocks, churn, shrink, in "
    "a\n"
    "heap of twice the payload at its peak. Each driver in a child of its own, in interleaved rounds, medians.\n"
    "\n"
    "  time    processor time a call, with the blocks written. Drivers tie where the best round of one is as fast as\n"
    "          the median of the other\n"
    "  space   resident memory at its peak over payload at its peak. Within 1 % is a tie\n"
    "  room    the largest request that would be served, over what the heap has beyond the payload, at 64 points in\n"
    "          time: 1 without any fragmentation. An allocator with memory of its own may make the process grow by\n"
    "          as much as the heap. Within 1 % is a tie\n"
    "\n"
    "Requests that are refused are told. What no heap of the size could hold with what is live is not asked for; "
    "misuse,\n"
    "checks and purging are left out of sequences.\n"
    "\n"
    "  --drivers A,B,...  drivers as in `steve drivers`, ./mine.so, malloc:LIBRARY, or mimalloc, jemalloc, tcmalloc\n"
    "                     (default: " DEFAULT_DRIVERS ")\n"
    "  --cap TIME         processor time that a driver may take for a round (default 10s); one that takes longer is\n"
    "                     left out\n"
    "  --seed N           of sizes and victims, the same for all (default 1)\n"
    "  --quick            a round with 500 blocks, to see that it works\n"
    "  --json             one JSON document instead of the table\n"
    "  --plot DIR         footprint over payload, largest request and room as time goes on as DIR/compare-*.svg, and "
    "the\n"
    "                     gnuplot scripts\n"
    "  --help             this text\n";

/// The rounds' figures of one driver.
struct rounds {
    struct bench_values ns, ratio;
};

// The calls

/// Adds a file's sequence to the script. @return 0, or the exit status after a message
static int add_file(struct bench_comparison *comparison, const char *path)
{
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_bytes bytes;
    struct steve_sequence sequence = {0};
    if (steve_is_text_input(path))
        return 0;
    bool loaded = steve_read_file(path, &bytes, error);
    if (loaded) {
        loaded = steve_load_sequence(path, &bytes, &sequence, error);
        free(bytes.bytes);
    }
    if (!loaded) {
        fprintf(stderr, "steve bench: %s\n", error);
        return STEVE_EXIT_USAGE;
    }
    bool all = true;
    if (sequence.header.heap_bytes > BENCH_SCRIPT_HEAP_MOST) {
        comparison->left_out++;
    } else {
        all = bench_script_record(&comparison->script, &sequence);
        comparison->sequences++;
    }
    steve_sequence_free(&sequence);
    if (!all)
        fprintf(stderr, "steve bench: memory is short\n");
    return all ? 0 : STEVE_EXIT_ENVIRONMENT;
}

/// Makes the script of recorded sequences. @return 0, or the exit status after a message
static int record(struct bench_comparison *comparison)
{
    struct steve_paths paths = {0};
    char error[STEVE_INPUT_ERROR_SIZE];
    int status = 0;
    for (size_t i = 0; i < comparison->choice.files && !status; i++)
        if (!steve_paths_add(&paths, comparison->choice.file[i], error)) {
            fprintf(stderr, "steve bench: %s\n", error);
            status = STEVE_EXIT_USAGE;
        }
    for (size_t i = 0; i < paths.count && !status; i++)
        status = add_file(comparison, paths.paths[i]);
    steve_paths_free(&paths);
    if (!status && comparison->left_out)
        fprintf(stderr,
                "steve bench: --compare: left out: %zu whose heaps have more than 1 GiB, which would be written\n",
                comparison->left_out);
    if (!status && comparison->sequences == 0) {
        fprintf(stderr, "steve bench: --compare: expected saved sequences, and there are none in what was named\n");
        status = STEVE_EXIT_USAGE;
    }
    return status;
}

/// The calls of a round, for children. @return their file number; -1 after a message
static int share_calls(const struct bench_comparison *comparison, unsigned round)
{
    if (comparison->live == 0 || round == 0)
        return bench_script_share(&comparison->script);
    struct bench_script script;
    int shared = -1;
    if (bench_script_draw(&script, comparison->live, comparison->choice.seed + round))
        shared = bench_script_share(&script);
    else
        fprintf(stderr, "steve bench: memory is short\n");
    bench_script_free(&script);
    return shared;
}

// Rounds

static void find_peaks(const struct bench_life *life, size_t *footprint, size_t *payload)
{
    *footprint = *payload = 0;
    for (size_t i = 0; i < life->samples; i++) {
        if (life->sample[i].footprint > *footprint)
            *footprint = life->sample[i].footprint;
        if (life->sample[i].payload > *payload)
            *payload = life->sample[i].payload;
    }
}

static void say(const char *what, const struct steve_driver *driver)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s: %s", what, driver->name);
}

/// @return false after a message
static bool run_one(const struct bench_comparison *comparison, int script, struct bench_contestant *who,
                    struct rounds *rounds)
{
    const struct bench_life_task task = {
        .driver = comparison->choice.driver[who->driver],
        .script = script,
        .cap_ns = comparison->cap_ns,
        .passes = comparison->passes,
    };
    if (who->end != BENCH_LIFE_DONE)
        return true;
    struct bench_life life;
    who->end = bench_life_measure(&task, &life);
    if (who->end != BENCH_LIFE_DONE)
        return who->end != BENCH_LIFE_FAILED;
    size_t footprint, payload;
    find_peaks(&life, &footprint, &payload);
    if (rounds->ns.count == 0) {
        who->life = life;
        who->peak_footprint = footprint;
        who->peak_payload = payload;
    }
    return bench_values_push(&rounds->ns, life.ns) &&
           bench_values_push(&rounds->ratio, payload ? (double)footprint / (double)payload : 0);
}

double bench_compare_room(const struct bench_life_sample *sample)
{
    if (sample->largest == BENCH_ROOM_UNKNOWN || sample->free == 0)
        return -1;
    return (double)sample->largest / (double)sample->free;
}

/// Adds what the largest requests are to the samples of the first round. In a child of its own: the copies of the process
/// that are made to find out would be felt in the others' time and memory. @return false after a message
static bool ask_for_room(const struct bench_comparison *comparison, int script, struct bench_contestant *who)
{
    const struct bench_life_task task = {
        .driver = comparison->choice.driver[who->driver],
        .script = script,
        .cap_ns = comparison->cap_ns,
        .passes = 1,
        .asks = true,
    };
    who->room = who->least_room = -1;
    if (who->end != BENCH_LIFE_DONE)
        return true;
    struct bench_life life;
    const enum bench_life_end end = bench_life_measure(&task, &life);
    if (end != BENCH_LIFE_DONE)
        return end != BENCH_LIFE_FAILED;
    double sum = 0, least = 1;
    size_t told = 0;
    for (size_t i = 0; i < life.samples && i < who->life.samples; i++) {
        if (life.sample[i].largest == BENCH_ROOM_UNKNOWN)
            return true; // a mean of some points says nothing beside those of all
        const double room = bench_compare_room(&life.sample[i]);
        who->life.sample[i].largest = life.sample[i].largest;
        if (room < 0)
            continue;
        sum += room;
        least = room < least ? room : least;
        told++;
    }
    if (told) {
        who->room = sum / (double)told;
        who->least_room = least;
    }
    return true;
}

static void sum_up(struct bench_contestant *who, struct rounds *rounds)
{
    who->ns = bench_median(&rounds->ns); // sorts
    who->least_ns = rounds->ns.count ? rounds->ns.value[0] : 0;
    who->most_ns = rounds->ns.count ? rounds->ns.value[rounds->ns.count - 1] : 0;
    who->ratio = bench_median(&rounds->ratio);
    bench_values_free(&rounds->ns);
    bench_values_free(&rounds->ratio);
}

/// @return false after a message
static bool run_round(struct bench_comparison *comparison, unsigned round, struct rounds *rounds)
{
    char what[32];
    snprintf(what, sizeof what, "round %u", round + 1);
    const int script = share_calls(comparison, round);
    bool done = script >= 0;
    for (size_t i = 0; i < comparison->choice.drivers && done; i++) {
        say(what, comparison->choice.driver[i]);
        done = run_one(comparison, script, &comparison->contestant[i], &rounds[i]);
    }
    for (size_t i = 0; i < comparison->choice.drivers && done && round == 0; i++) {
        say("room", comparison->choice.driver[i]);
        done = ask_for_room(comparison, script, &comparison->contestant[i]);
    }
    if (script >= 0)
        close(script);
    return done;
}

static bool run_rounds(struct bench_comparison *comparison)
{
    struct rounds rounds[BENCH_CHOICE_DRIVERS] = {0};
    bool done = true;
    for (unsigned round = 0; round < comparison->rounds && done; round++)
        done = run_round(comparison, round, rounds);
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        sum_up(&comparison->contestant[i], &rounds[i]);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    return done;
}

// Ranks

/// Whether there is a figure to be ranked by.
static bool is_ranked(const struct bench_contestant *who, enum bench_rank by)
{
    return who->end == BENCH_LIFE_DONE && (by != BENCH_RANK_ROOM || who->room >= 0);
}

/// The figure, such that less is better.
static double figure_of(const struct bench_contestant *who, enum bench_rank by)
{
    return by == BENCH_RANK_TIME ? who->ns : by == BENCH_RANK_SPACE ? who->ratio : -who->room;
}

static bool is_tie(const struct bench_contestant *first, const struct bench_contestant *who, enum bench_rank by)
{
    if (by == BENCH_RANK_TIME)
        return who->least_ns <= first->ns;
    if (by == BENCH_RANK_SPACE)
        return who->ratio <= first->ratio * SAME;
    return first->room <= who->room * SAME;
}

/// Puts the best first, and those without a figure last; in the order in which they were named else.
static void sort(struct bench_contestant *all, size_t count, enum bench_rank by)
{
    for (size_t i = 1; i < count; i++) {
        const struct bench_contestant who = all[i];
        size_t at = i;
        for (; at > 0; at--) {
            const struct bench_contestant *other = &all[at - 1];
            if (is_ranked(other, by) && (!is_ranked(&who, by) || figure_of(other, by) <= figure_of(&who, by)))
                break;
            if (!is_ranked(other, by) && !is_ranked(&who, by))
                break;
            all[at] = *other;
        }
        all[at] = who;
    }
}

/// A tie is with the first of those that tie, so that small steps do not add up to one rank for all.
static void rank(struct bench_contestant *all, size_t count, enum bench_rank by)
{
    sort(all, count, by);
    for (size_t i = 0, first = 0; i < count && is_ranked(&all[i], by); i++) {
        if (!is_tie(&all[first], &all[i], by))
            first = i;
        all[i].rank[by] = first + 1;
    }
}

static bool compare(struct bench_comparison *comparison)
{
    if (comparison->choice.plot && !bench_plot_ready(comparison->choice.plot))
        return false;
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        comparison->contestant[i].driver = i;
    if (!run_rounds(comparison))
        return false;
    rank(comparison->contestant, comparison->choice.drivers, BENCH_RANK_ROOM);
    rank(comparison->contestant, comparison->choice.drivers, BENCH_RANK_SPACE);
    rank(comparison->contestant, comparison->choice.drivers, BENCH_RANK_TIME);
    if (comparison->choice.json && !bench_compare_print_json(stdout, comparison))
        return false;
    if (!comparison->choice.json)
        bench_compare_print(stdout, comparison);
    return !comparison->choice.plot || bench_compare_draw(comparison);
}

/// What is run: the script of the first round, and how often. @return 0, or the exit status after a message
static int plan(struct bench_comparison *comparison)
{
    const struct bench_choice *choice = &comparison->choice;
    comparison->rounds = choice->quick ? 1 : ROUNDS;
    comparison->cap_ns = choice->cap_ns ? choice->cap_ns : CAP_NS;
    if (choice->files > 0) {
        int status = record(comparison);
        if (status)
            return status;
    } else {
        comparison->live = choice->quick ? QUICK_LIVE : LIVE;
        if (!bench_script_draw(&comparison->script, comparison->live, choice->seed)) {
            fprintf(stderr, "steve bench: memory is short\n");
            return STEVE_EXIT_ENVIRONMENT;
        }
    }
    const size_t calls = comparison->script.calls;
    comparison->passes = choice->quick || calls >= CALLS_LEAST ? 1 : (unsigned)(CALLS_LEAST / calls);
    return 0;
}

int bench_compare_run(int argc, char **argv)
{
    struct bench_comparison *comparison = calloc(1, sizeof *comparison);
    if (!comparison) {
        fprintf(stderr, "steve bench: memory is short\n");
        return STEVE_EXIT_ENVIRONMENT;
    }
    int status = bench_choice_parse(argc, argv, usage, DEFAULT_DRIVERS, &comparison->choice);
    if (status) {
        free(comparison);
        return status == 1 ? STEVE_EXIT_PASS : STEVE_EXIT_USAGE;
    }
    status = plan(comparison);
    if (!status)
        status = compare(comparison) ? STEVE_EXIT_PASS : STEVE_EXIT_ENVIRONMENT;
    bench_script_free(&comparison->script);
    free(comparison);
    return status;
}
