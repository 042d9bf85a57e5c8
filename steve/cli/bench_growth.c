/// The bench: fits of growth.
#include "steve/cli/bench_growth.h"

#include <math.h>
#include <stdbool.h>

/// Below this, costs do not differ by more than what is measured differs from time to time.
#define NOISE 0.08

/// So many times the error of another fit `constant` may have, and is still the simpler explanation.
#define BETTER 1.3

const char *const bench_growth_names[BENCH_UNKNOWN + 1] = {"constant", "log n", "n", "-"};

/// @param first n of the first point. There log n begins: a + b log n may have an a below 0, as the depth of a tree has.
static double function_of(enum bench_growth growth, double n, double first)
{
    return growth == BENCH_CONSTANT ? 0 : growth == BENCH_LOG_N ? log2(n / first) : n;
}

static bool counts(double cost)
{
    return cost > 0 && isfinite(cost);
}

/// The error with a given k. The best s is the geometric mean of cost / (1 + k f(n)).
static double error_with(enum bench_growth growth, double k, const double *n, const double *cost, size_t count)
{
    double sum = 0, squares = 0, points = 0;
    for (size_t i = 0; i < count; i++) {
        if (!counts(cost[i]))
            continue;
        double rest = log(cost[i] / (1 + k * function_of(growth, n[i], n[0])));
        sum += rest;
        squares += rest * rest;
        points++;
    }
    double variance = squares / points - sum / points * (sum / points);
    return variance > 0 ? sqrt(variance) : 0;
}

/// The error has one valley over ln k: k is found by going through the magnitudes.
static double least_error(enum bench_growth growth, const double *n, const double *cost, size_t count)
{
    double least = error_with(growth, 0, n, cost, count);
    if (growth == BENCH_CONSTANT)
        return least;
    for (double k = 1e-9; k < 1e6; k *= 1.1) {
        double error = error_with(growth, k, n, cost, count);
        if (error < least)
            least = error;
    }
    return least;
}

struct bench_fit bench_fit(const double *n, const double *cost, size_t count)
{
    struct bench_fit fit = {.growth = BENCH_UNKNOWN};
    for (size_t i = 0; i < count; i++) {
        if (!counts(cost[i]))
            continue;
        if (fit.points == 0 || cost[i] < fit.least)
            fit.least = cost[i];
        if (cost[i] > fit.most)
            fit.most = cost[i];
        fit.points++;
    }
    if (fit.points < 3)
        return fit;
    for (enum bench_growth growth = BENCH_CONSTANT; growth < BENCH_UNKNOWN; growth++)
        fit.error[growth] = least_error(growth, n, cost, count);
    enum bench_growth grows = fit.error[BENCH_LOG_N] <= fit.error[BENCH_N] ? BENCH_LOG_N : BENCH_N;
    fit.growth = fit.error[BENCH_CONSTANT] <= BETTER * fit.error[grows] + NOISE ? BENCH_CONSTANT : grows;
    return fit;
}
