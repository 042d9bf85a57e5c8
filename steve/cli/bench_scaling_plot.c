/// The bench of growth: its plots, one for each op and measure. Both scales are logarithmic: constant is flat, n is a
/// straight slope, log n bends between them.
#include "steve/cli/bench_scaling.h"

#include <math.h>

#include "steve/cli/bench_plot.h"

static size_t points_of(const struct bench_scaling *scaling, size_t driver, int measure, int op)
{
    return scaling->curve[driver].fit[measure][op].points;
}

static void add_curve(struct bench_plot *plot, const struct bench_scaling *scaling, size_t driver, int measure, int op)
{
    const struct bench_curve *curve = &scaling->curve[driver];
    char label[128];
    snprintf(label, sizeof label, "%.80s: %s", scaling->choice.driver[driver]->name,
             bench_growth_names[curve->fit[measure][op].growth]);
    bench_plot_curve(plot, label);
    for (size_t at = 0; at < scaling->points; at++)
        if (curve->cost[measure][op][at] > 0 && isfinite(curve->cost[measure][op][at]))
            bench_plot_point(plot, scaling->live[at], curve->cost[measure][op][at]);
}

static bool draw(const struct bench_scaling *scaling, int measure, int op)
{
    char name[64], title[128];
    snprintf(name, sizeof name, "scaling-%s-%s", bench_point_op_names[op], bench_measure_names[measure]);
    snprintf(title, sizeof title, "%s: %s", bench_point_op_titles[op], bench_measure_names[measure]);
    struct bench_plot plot;
    const struct bench_plot_info info = {
        .folder = scaling->choice.plot,
        .name = name,
        .title = title,
        .x_label = "live blocks, and half as many holes",
        .y_label = bench_measure_names[measure],
        .log_x = true,
        .log_y = true,
    };
    if (!bench_plot_begin(&plot, &info))
        return false;
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++)
        if (points_of(scaling, driver, measure, op))
            add_curve(&plot, scaling, driver, measure, op);
    return bench_plot_end(&plot);
}

bool bench_scaling_draw(const struct bench_scaling *scaling)
{
    for (int measure = 0; measure < BENCH_MEASURES; measure++)
        for (int op = 0; op < BENCH_POINT_OPS; op++) {
            bool any = false;
            for (size_t driver = 0; driver < scaling->choice.drivers; driver++)
                any |= points_of(scaling, driver, measure, op) > 0;
            if (any && !draw(scaling, measure, op))
                return false;
        }
    return true;
}
