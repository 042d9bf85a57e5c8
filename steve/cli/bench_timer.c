/// The bench: timing single calls, with the cost of reading the clock taken off.
#include "steve/cli/bench_internal.h"

enum { CALIBRATION_NS = 5000000 };

struct bench_timer bench_timer_calibrate(void)
{
    struct bench_values empty = {0};
    uint64_t begin_ns = bench_now_ns(), begin = bench_ticks(), now_ns = begin_ns;
    while (now_ns - begin_ns < CALIBRATION_NS) {
        uint64_t tick = bench_ticks();
        if (!bench_values_push(&empty, (double)(bench_ticks() - tick)))
            break;
        now_ns = bench_now_ns();
    }
    uint64_t ticks = bench_ticks() - begin;
    struct bench_timer timer = {
        .ns_per_tick = ticks ? (double)(now_ns - begin_ns) / (double)ticks : 1,
        .cost_ticks = (uint64_t)bench_median(&empty),
    };
    bench_values_free(&empty);
    return timer;
}

double bench_timer_ns(const struct bench_timer *timer, uint64_t begin, uint64_t end)
{
    uint64_t ticks = end - begin;
    return ticks > timer->cost_ticks ? (double)(ticks - timer->cost_ticks) * timer->ns_per_tick : 0;
}
