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

/// `2=` with others of the same rank.
static void print_rank(FILE *out, const struct bench_comparison *comparison, const struct bench_contestant *who,
                       bool by_ns)
{
    size_t same = 0, rank = by_ns ? who->rank_by_ns : who->rank_by_ratio;
    for (size_t i = 0; i < comparison->choice.drivers; i++) {
        const struct bench_contestant *other = &comparison->contestant[i];
        same += other->end == BENCH_LIFE_DONE && (by_ns ? other->rank_by_ns : other->rank_by_ratio) == rank;
    }
    fprintf(out, "%5zu%s", rank, same > 1 ? "=" : " ");
}

static void print_row(FILE *out, const struct bench_comparison *comparison, const struct bench_contestant *who)
{
    print_rank(out, comparison, who, true);
    fprintf(out, "%9.1f %8.1f-%-9.1f", who->ns, who->least_ns, who->most_ns);
    print_rank(out, comparison, who, false);
    fprintf(out, "%9.3f %8.2f %8.2f   %s\n", who->ratio, (double)who->peak_footprint / MIB,
            (double)who->peak_payload / MIB, name_of(comparison, who));
}

void bench_compare_print(FILE *out, const struct bench_comparison *comparison)
{
    struct bench_machine machine = bench_machine_read();
    bench_machine_print(out, &machine);
    fprintf(out, "compare    a life with %zu live blocks, %u rounds, interleaved, seed %llu; medians\n\n",
            comparison->live, comparison->rounds, (unsigned long long)comparison->choice.seed);
    fprintf(out, " time       ns an op: least-most      space  peak footprint / payload\n");
    fprintf(out, " rank   median                        rank     ratio  MiB of    MiB\n");
    for (size_t i = 0; i < comparison->choice.drivers; i++)
        if (comparison->contestant[i].end == BENCH_LIFE_DONE)
            print_row(out, comparison, &comparison->contestant[i]);
    for (size_t i = 0; i < comparison->choice.drivers; i++) {
        const struct bench_contestant *who = &comparison->contestant[i];
        if (who->end == BENCH_LIFE_CAPPED)
            fprintf(out, "left out   %s: more than %.3g s for a round (--cap)\n", name_of(comparison, who),
                    (double)comparison->cap_ns / 1e9);
        else if (who->end == BENCH_LIFE_REFUSED)
            fprintf(out, "left out   %s: it refuses a request\n", name_of(comparison, who));
    }
}

static cJSON *add_object(cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    if (object && cJSON_AddItemToArray(list, object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

static bool add_samples(cJSON *object, const struct bench_life *life)
{
    cJSON *list = cJSON_AddArrayToObject(object, "over_time");
    bool all = list;
    for (size_t i = 0; i < life->samples && all; i++) {
        cJSON *sample = add_object(list);
        all = sample && cJSON_AddNumberToObject(sample, "ops", (double)life->sample[i].ops) &&
              cJSON_AddNumberToObject(sample, "payload", (double)life->sample[i].payload) &&
              cJSON_AddNumberToObject(sample, "footprint", (double)life->sample[i].footprint);
    }
    return all;
}

static bool add_contestant(cJSON *list, const struct bench_comparison *comparison, const struct bench_contestant *who)
{
    static const char *const ends[] = {"done", "cap", "refused", "failed"};
    cJSON *object = add_object(list);
    bool all = object && cJSON_AddStringToObject(object, "driver", name_of(comparison, who)) &&
               cJSON_AddStringToObject(object, "end", ends[who->end]);
    if (!all || who->end != BENCH_LIFE_DONE)
        return all;
    return cJSON_AddNumberToObject(object, "ns", who->ns) &&
           cJSON_AddNumberToObject(object, "least_ns", who->least_ns) &&
           cJSON_AddNumberToObject(object, "most_ns", who->most_ns) &&
           cJSON_AddNumberToObject(object, "rank_by_ns", (double)who->rank_by_ns) &&
           cJSON_AddNumberToObject(object, "peak_footprint", (double)who->peak_footprint) &&
           cJSON_AddNumberToObject(object, "peak_payload", (double)who->peak_payload) &&
           cJSON_AddNumberToObject(object, "footprint_per_payload", who->ratio) &&
           cJSON_AddNumberToObject(object, "rank_by_footprint", (double)who->rank_by_ratio) &&
           add_samples(object, &who->life);
}

bool bench_compare_print_json(FILE *out, const struct bench_comparison *comparison)
{
    cJSON *document = cJSON_CreateObject();
    bool all = document && bench_json_add_machine(document) &&
               cJSON_AddNumberToObject(document, "seed", (double)comparison->choice.seed) &&
               cJSON_AddNumberToObject(document, "rounds", comparison->rounds) &&
               cJSON_AddNumberToObject(document, "live", (double)comparison->live);
    cJSON *list = all ? cJSON_AddArrayToObject(document, "drivers") : NULL;
    all = list;
    for (size_t i = 0; i < comparison->choice.drivers && all; i++)
        all = add_contestant(list, comparison, &comparison->contestant[i]);
    return bench_json_finish(out, document, all);
}

bool bench_compare_draw(const struct bench_comparison *comparison)
{
    const struct bench_plot_info info = {
        .folder = comparison->choice.plot,
        .name = "compare-footprint",
        .title = "resident memory over payload",
        .x_label = "ops: grow, churn, shrink, and again with larger blocks",
        .y_label = "bytes a byte of payload",
    };
    struct bench_plot plot;
    if (!bench_plot_begin(&plot, &info))
        return false;
    for (size_t i = 0; i < comparison->choice.drivers; i++) {
        const struct bench_contestant *who = &comparison->contestant[i];
        if (who->end != BENCH_LIFE_DONE)
            continue;
        bench_plot_curve(&plot, name_of(comparison, who));
        for (size_t k = 0; k < who->life.samples; k++)
            if (who->life.sample[k].payload)
                bench_plot_point(&plot, (double)who->life.sample[k].ops,
                                 (double)who->life.sample[k].footprint / (double)who->life.sample[k].payload);
    }
    return bench_plot_end(&plot);
}
