/// The bench that compares: its table, document and plots.
#include "steve/cli/bench_compare.h"

#include <cjson/cJSON.h>

#include "steve/cli/bench_plan_internal.h"
#include "steve/cli/bench_plot.h"

enum { MIB = 1 << 20 };

static const char *name_of(const struct bench_comparison *comparison, const struct bench_contestant *who)
{
    return comparison->choice.driver[who->driver]->name;
}

/// `2=` with others of the same rank; `-` without one.
static void print_rank(FILE *out, const struct bench_comparison *comparison, const struct bench_contestant *who,
                       enum bench_rank by)
{
    size_t same = 0;
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        same += comparison->contestant[i].rank[by] == who->rank[by];
    if (who->rank[by])
        fprintf(out, "%5zu%s", who->rank[by], same > 1 ? "=" : " ");
    else
        fprintf(out, "    - ");
}

static void print_row(FILE *out, const struct bench_comparison *comparison, const struct bench_contestant *who)
{
    print_rank(out, comparison, who, BENCH_RANK_TIME);
    fprintf(out, "%9.1f %8.1f-%-9.1f", who->ns, who->least_ns, who->most_ns);
    print_rank(out, comparison, who, BENCH_RANK_SPACE);
    fprintf(out, "%9.3f %8.2f %8.2f", who->ratio, (double)who->peak_footprint / MIB, (double)who->peak_payload / MIB);
    print_rank(out, comparison, who, BENCH_RANK_ROOM);
    if (who->rank[BENCH_RANK_ROOM])
        fprintf(out, "%8.3f %7.3f", who->room, who->least_room);
    else
        fprintf(out, "%8s %7s", "-", "-");
    fprintf(out, "   %s", name_of(comparison, who));
    if (who->life.refused)
        fprintf(out, " (refuses %zu requests)", who->life.refused);
    fprintf(out, "\n");
}

static void print_what_was_run(FILE *out, const struct bench_comparison *comparison)
{
    const struct bench_script *script = &comparison->script;
    if (comparison->live)
        fprintf(out, "compare    a life with %zu live blocks: %zu calls in a heap of %.2f MiB", comparison->live,
                script->calls, (double)script->most_heap / MIB);
    else
        fprintf(out, "compare    %zu recorded sequence%s: %zu calls in heaps of up to %.2f MiB", comparison->sequences,
                comparison->sequences == 1 ? "" : "s", script->calls, (double)script->most_heap / MIB);
    fprintf(out, "; %u rounds, interleaved, seed %llu; medians\n\n", comparison->rounds,
            (unsigned long long)comparison->choice.seed);
}

void bench_compare_print(FILE *out, const struct bench_comparison *comparison)
{
    struct bench_machine machine = bench_machine_read();
    bench_machine_print(out, &machine);
    print_what_was_run(out, comparison);
    fprintf(out,
            " time      ns a call: least-most      space  peak footprint / payload  room  largest request / free\n");
    fprintf(out, " rank   median                        rank     ratio  MiB of    MiB    rank    mean   least\n");
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        if (comparison->contestant[i].end == BENCH_LIFE_DONE)
            print_row(out, comparison, &comparison->contestant[i]);
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        if (comparison->contestant[i].end == BENCH_LIFE_CAPPED)
            fprintf(out, "left out   %s: more than %.3g s for a round (--cap)\n",
                    name_of(comparison, &comparison->contestant[i]), (double)comparison->cap_ns / 1e9);
}

static bool add_sample(cJSON *list, const struct bench_life_sample *sample)
{
    const double room = bench_compare_room(sample);
    cJSON *object = bench_json_add_object(list);
    return object && cJSON_AddNumberToObject(object, "ops", (double)sample->calls) &&
           cJSON_AddNumberToObject(object, "payload", (double)sample->payload) &&
           cJSON_AddNumberToObject(object, "footprint", (double)sample->footprint) &&
           cJSON_AddNumberToObject(object, "free", (double)sample->free) &&
           (room < 0 || (cJSON_AddNumberToObject(object, "largest", (double)sample->largest) &&
                         cJSON_AddNumberToObject(object, "fragmentation", 1 - room)));
}

static bool add_samples(cJSON *object, const struct bench_life *life)
{
    cJSON *list = cJSON_AddArrayToObject(object, "over_time");
    bool all = list;
    for (size_t i = 0; i < life->samples && all; i++)
        all = add_sample(list, &life->sample[i]);
    return all;
}

static bool add_room(cJSON *object, const struct bench_contestant *who)
{
    return who->room < 0 || (cJSON_AddNumberToObject(object, "room", who->room) &&
                             cJSON_AddNumberToObject(object, "least_room", who->least_room) &&
                             cJSON_AddNumberToObject(object, "rank_by_room", (double)who->rank[BENCH_RANK_ROOM]));
}

static bool add_contestant(cJSON *list, const struct bench_comparison *comparison, const struct bench_contestant *who)
{
    static const char *const ends[] = {"done", "cap", "failed"};
    cJSON *object = bench_json_add_object(list);
    bool all = object && cJSON_AddStringToObject(object, "driver", name_of(comparison, who)) &&
               cJSON_AddStringToObject(object, "end", ends[who->end]);
    if (!all || who->end != BENCH_LIFE_DONE)
        return all;
    return cJSON_AddNumberToObject(object, "ns", who->ns) &&
           cJSON_AddNumberToObject(object, "least_ns", who->least_ns) &&
           cJSON_AddNumberToObject(object, "most_ns", who->most_ns) &&
           cJSON_AddNumberToObject(object, "rank_by_ns", (double)who->rank[BENCH_RANK_TIME]) &&
           cJSON_AddNumberToObject(object, "peak_footprint", (double)who->peak_footprint) &&
           cJSON_AddNumberToObject(object, "peak_payload", (double)who->peak_payload) &&
           cJSON_AddNumberToObject(object, "footprint_per_payload", who->ratio) &&
           cJSON_AddNumberToObject(object, "rank_by_footprint", (double)who->rank[BENCH_RANK_SPACE]) &&
           cJSON_AddNumberToObject(object, "refused", (double)who->life.refused) && add_room(object, who) &&
           add_samples(object, &who->life);
}

bool bench_compare_print_json(FILE *out, const struct bench_comparison *comparison)
{
    const bool is_drawn = comparison->live > 0;
    cJSON *document = cJSON_CreateObject();
    bool all = document && bench_json_add_machine(document) &&
               cJSON_AddNumberToObject(document, "seed", (double)comparison->choice.seed) &&
               cJSON_AddNumberToObject(document, "rounds", comparison->rounds) &&
               cJSON_AddNumberToObject(document, is_drawn ? "live" : "sequences",
                                       (double)(is_drawn ? comparison->live : comparison->sequences)) &&
               cJSON_AddNumberToObject(document, "calls", (double)comparison->script.calls) &&
               cJSON_AddNumberToObject(document, "heap", (double)comparison->script.most_heap);
    cJSON *list = all ? cJSON_AddArrayToObject(document, "drivers") : NULL;
    all = list;
    for (size_t i = 0; i < comparison->choice.drivers && all; i++)
        all = add_contestant(list, comparison, &comparison->contestant[i]);
    return bench_json_finish(out, document, all);
}

// Plots

static double footprint_of(const struct bench_life_sample *sample)
{
    return sample->payload ? (double)sample->footprint / (double)sample->payload : -1;
}

static double largest_of(const struct bench_life_sample *sample)
{
    return bench_compare_room(sample) < 0 ? -1 : (double)sample->largest / MIB;
}

static double free_of(const struct bench_life_sample *sample)
{
    return (double)sample->free / MIB;
}

/// @param value_of below 0: there is no point
static void add_curve(struct bench_plot *plot, const char *label, const struct bench_life *life,
                      double (*value_of)(const struct bench_life_sample *sample))
{
    bench_plot_curve(plot, label);
    for (size_t i = 0; i < life->samples; i++)
        if (value_of(&life->sample[i]) >= 0)
            bench_plot_point(plot, (double)life->sample[i].calls, value_of(&life->sample[i]));
}

/// @param beside a curve of its own, the same for all; NULL: none
static bool draw(const struct bench_comparison *comparison, const struct bench_plot_info *info,
                 double (*value_of)(const struct bench_life_sample *sample), const char *beside)
{
    struct bench_plot plot;
    if (!bench_plot_begin(&plot, info))
        return false;
    for (size_t i = 0; i < comparison->choice.drivers; i++) {
        const struct bench_contestant *who = &comparison->contestant[i];
        const bool is_told = value_of == footprint_of || who->room >= 0;
        if (who->end == BENCH_LIFE_DONE && is_told)
            add_curve(&plot, name_of(comparison, who), &who->life, value_of);
    }
    if (beside && comparison->contestant[0].end == BENCH_LIFE_DONE)
        add_curve(&plot, beside, &comparison->contestant[0].life, free_of);
    return bench_plot_end(&plot);
}

bool bench_compare_draw(const struct bench_comparison *comparison)
{
    struct bench_plot_info info = {
        .folder = comparison->choice.plot,
        .name = "compare-footprint",
        .title = "resident memory over payload",
        .x_label = comparison->live ? "calls: grow, churn, shrink, and again with larger blocks" : "calls",
        .y_label = "bytes a byte of payload",
    };
    if (!draw(comparison, &info, footprint_of, NULL))
        return false;
    info.name = "compare-largest";
    info.title = "largest request that is served";
    info.y_label = "MiB";
    if (!draw(comparison, &info, largest_of, "all that is free"))
        return false;
    info.name = "compare-room";
    info.title = "largest request over what the heap has beyond the payload";
    info.y_label = "share; what is missing is fragmentation";
    return draw(comparison, &info, bench_compare_room, NULL);
}
