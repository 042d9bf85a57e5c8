/// The bench of growth: its document. Every add may fail for want of memory; the document is then not printed.
#include "steve/cli/bench_scaling.h"

#include <cjson/cJSON.h>

#include "steve/cli/bench_plan_internal.h"

/// A curve's op, as both lists name it. @return NULL when memory is short
static cJSON *add_named(cJSON *list, const struct bench_scaling *scaling, size_t driver, int op)
{
    cJSON *object = bench_json_add_object(list);
    return object && cJSON_AddStringToObject(object, "driver", scaling->choice.driver[driver]->name) &&
                   cJSON_AddStringToObject(object, "op", bench_point_op_names[op])
               ? object
               : NULL;
}

/// NAN becomes null: cJSON does that.
static bool add_points(cJSON *list, const struct bench_scaling *scaling, size_t driver, int op)
{
    const struct bench_curve *curve = &scaling->curve[driver];
    bool all = true;
    for (size_t at = 0; at < scaling->points && at < curve->stopped && all; at++) {
        cJSON *point = add_named(list, scaling, driver, op);
        all = point && cJSON_AddNumberToObject(point, "live", scaling->live[at]);
        for (int measure = 0; measure < BENCH_MEASURES && all; measure++)
            all = cJSON_AddNumberToObject(point, bench_measure_names[measure], curve->cost[measure][op][at]);
    }
    return all;
}

static bool add_fit(cJSON *list, const struct bench_scaling *scaling, size_t driver, int op, int measure)
{
    const struct bench_fit *fit = &scaling->curve[driver].fit[measure][op];
    if (fit->growth == BENCH_UNKNOWN)
        return true;
    cJSON *object = add_named(list, scaling, driver, op);
    bool all = object && cJSON_AddStringToObject(object, "measure", bench_measure_names[measure]) &&
               cJSON_AddStringToObject(object, "grows", bench_growth_names[fit->growth]) &&
               cJSON_AddNumberToObject(object, "points", (double)fit->points) &&
               cJSON_AddNumberToObject(object, "least", fit->least) &&
               cJSON_AddNumberToObject(object, "most", fit->most);
    cJSON *errors = all ? cJSON_AddObjectToObject(object, "errors") : NULL;
    all = errors;
    for (int growth = 0; growth < BENCH_UNKNOWN && all; growth++)
        all = cJSON_AddNumberToObject(errors, bench_growth_names[growth], fit->error[growth]);
    return all;
}

static bool add_stop(cJSON *list, const struct bench_scaling *scaling, size_t driver)
{
    const struct bench_curve *curve = &scaling->curve[driver];
    if (curve->stopped == BENCH_SCALING_POINTS)
        return true;
    cJSON *object = bench_json_add_object(list);
    return object && cJSON_AddStringToObject(object, "driver", scaling->choice.driver[driver]->name) &&
           cJSON_AddNumberToObject(object, "live", scaling->live[curve->stopped]) &&
           cJSON_AddStringToObject(object, "why", curve->refused ? "refused" : "cap");
}

bool bench_scaling_print_json(FILE *out, const struct bench_scaling *scaling)
{
    cJSON *document = cJSON_CreateObject();
    bool all = document && bench_json_add_machine(document) &&
               cJSON_AddNumberToObject(document, "seed", (double)scaling->choice.seed) &&
               cJSON_AddNumberToObject(document, "cap_ms", (double)scaling->cap_ns / 1e6) &&
               cJSON_AddNumberToObject(document, "large_bytes", BENCH_POINT_LARGE_BYTES);
    cJSON *points = all ? cJSON_AddArrayToObject(document, "points") : NULL;
    cJSON *fits = points ? cJSON_AddArrayToObject(document, "fits") : NULL;
    cJSON *stopped = fits ? cJSON_AddArrayToObject(document, "stopped") : NULL;
    all = stopped;
    for (size_t driver = 0; driver < scaling->choice.drivers && all; driver++) {
        for (int op = 0; op < BENCH_POINT_OPS && all; op++) {
            all = add_points(points, scaling, driver, op);
            for (int measure = 0; measure < BENCH_MEASURES && all; measure++)
                all = add_fit(fits, scaling, driver, op, measure);
        }
        all = all && add_stop(stopped, scaling, driver);
    }
    return bench_json_finish(out, document, all);
}
