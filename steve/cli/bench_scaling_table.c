/// The bench of growth: its tables.
#include "steve/cli/bench_scaling.h"

#include <math.h>

#include "steve/cli/bench_plan_internal.h"

enum { NAME_WIDTH = 16, CELL_WIDTH = 9 };

static void print_head(FILE *out, const struct bench_scaling *scaling)
{
    fprintf(out, "%*s", NAME_WIDTH, "live blocks");
    for (size_t at = 0; at < scaling->points; at++)
        fprintf(out, "%*.0f", CELL_WIDTH, scaling->live[at]);
    fprintf(out, "   grows as\n");
}

static void print_cost(FILE *out, double cost)
{
    if (!isfinite(cost))
        fprintf(out, "%*s", CELL_WIDTH, "-");
    else if (cost < 1e6)
        fprintf(out, "%*.*f", CELL_WIDTH, cost < 100 ? 1 : 0, cost);
    else
        fprintf(out, "%*.1f M", CELL_WIDTH - 2, cost / 1e6);
}

static void print_table(FILE *out, const struct bench_scaling *scaling, enum bench_measure measure,
                        enum bench_point_op op)
{
    fprintf(out, "\n%s: %s\n", bench_point_op_titles[op], bench_measure_names[measure]);
    print_head(out, scaling);
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++) {
        const struct bench_curve *curve = &scaling->curve[driver];
        fprintf(out, "%*s", NAME_WIDTH, scaling->choice.driver[driver]->name);
        for (size_t at = 0; at < scaling->points; at++)
            print_cost(out, curve->cost[measure][op][at]);
        fprintf(out, "   %s\n", bench_growth_names[curve->fit[measure][op].growth]);
    }
}

static void print_stops(FILE *out, const struct bench_scaling *scaling)
{
    fprintf(out, "\n");
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++) {
        const struct bench_curve *curve = &scaling->curve[driver];
        if (curve->stopped == BENCH_SCALING_POINTS)
            continue;
        fprintf(out, "stopped    %s before %.0f live blocks: ", scaling->choice.driver[driver]->name,
                scaling->live[curve->stopped]);
        if (curve->refused)
            fprintf(out, "it refuses to make so many\n");
        else
            fprintf(out, "more than %.3g s to prepare them (--cap)\n", (double)scaling->cap_ns / 1e9);
    }
}

static bool has_any(const struct bench_scaling *scaling, enum bench_measure measure)
{
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++)
        if (isfinite(scaling->curve[driver].cost[measure][BENCH_POINT_MALLOC][0]))
            return true;
    return false;
}

/// The summary: what the bench is for. Where too few points were counted, times have to tell.
static void print_growth(FILE *out, const struct bench_scaling *scaling, enum bench_measure measure)
{
    bool by_time = false;
    fprintf(out, "\nGrowth, fitted to %s\n%*s", bench_measure_names[measure], NAME_WIDTH, "");
    for (int op = 0; op < BENCH_POINT_OPS; op++)
        fprintf(out, " %-13s", bench_point_op_names[op]);
    fprintf(out, "\n");
    for (size_t driver = 0; driver < scaling->choice.drivers; driver++) {
        const struct bench_curve *curve = &scaling->curve[driver];
        fprintf(out, "%*s", NAME_WIDTH, scaling->choice.driver[driver]->name);
        for (int op = 0; op < BENCH_POINT_OPS; op++) {
            bool known = curve->fit[measure][op].growth != BENCH_UNKNOWN;
            char text[16];
            snprintf(text, sizeof text, "%s%s", bench_growth_names[curve->fit[known ? measure : BENCH_NS][op].growth],
                     known ? "" : " *");
            fprintf(out, " %-13s", text);
            by_time |= !known;
        }
        fprintf(out, "\n");
    }
    if (by_time)
        fprintf(
            out,
            "* fitted to ns, which grow with cache misses, too: at most two points could be counted within --cap\n");
}

void bench_scaling_print(FILE *out, const struct bench_scaling *scaling)
{
    struct bench_machine machine = bench_machine_read();
    bench_machine_print(out, &machine);
    fprintf(out,
            "scaling    half as many holes as live blocks, seed %llu, at most %.3g s for each of preparing, counting "
            "and timing\n",
            (unsigned long long)scaling->choice.seed, (double)scaling->cap_ns / 1e9);
    bool counted = has_any(scaling, BENCH_INSTRUCTIONS);
    for (int measure = counted ? BENCH_INSTRUCTIONS : BENCH_NS; measure < BENCH_MEASURES; measure++)
        for (int op = 0; op < BENCH_POINT_OPS; op++)
            print_table(out, scaling, (enum bench_measure)measure, (enum bench_point_op)op);
    print_growth(out, scaling, counted ? BENCH_INSTRUCTIONS : BENCH_NS);
    print_stops(out, scaling);
    if (!counted)
        fprintf(out,
                "instructions cannot be counted on this machine: the growth is that of time, cache misses included\n");
}
