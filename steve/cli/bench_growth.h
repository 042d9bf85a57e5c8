/// The bench: which function of n a row of costs grows like.
#ifndef STEVE_CLI_BENCH_GROWTH_H
#define STEVE_CLI_BENCH_GROWTH_H

#include <stddef.h>

enum bench_growth { BENCH_CONSTANT, BENCH_LOG_N, BENCH_N, BENCH_UNKNOWN };

extern const char *const bench_growth_names[BENCH_UNKNOWN + 1];

/// How well each of them describes the costs.
struct bench_fit {
    enum bench_growth growth;    ///< the choice; BENCH_UNKNOWN with fewer than three points
    double error[BENCH_UNKNOWN]; ///< root mean square of ln(cost / fitted cost) for each: 0.1 is 10 %
    double least, most;          ///< of the costs
    size_t points;
};

/// Fits cost = s (1 + k f(n)), s and k >= 0, for f = 0, log2(n / the first n) and n, by least squares of the logarithms: a
/// cost counts as much at a hundred blocks as at a million, and what does not depend on n may be there. `log n` and `n`
/// must be better than `constant` by more than noise to be chosen.
/// @param n, cost so many of each, n ascending; costs that are not above 0 (NAN, too) are left out
/// @cost O(points), some hundred times
struct bench_fit bench_fit(const double *n, const double *cost, size_t count);

#endif
