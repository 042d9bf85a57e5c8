/// Drawing the live line.
#define _GNU_SOURCE
#include "steve/report/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "steve/report/figures.h"

struct steve_live steve_live_begin(void)
{
    return (struct steve_live){.silent = !isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO)};
}

/// The rate of the last moments, smoothed over about a second, so that it can be read.
static void update_rate(struct steve_live *live, const struct steve_progress *progress)
{
    double seconds = progress->seconds - live->last_seconds;
    if (seconds <= 0 || progress->ops < live->last_ops) {
        return;
    }
    double now = (double)(progress->ops - live->last_ops) / seconds;
    live->rate = live->last_ops == 0 ? now : 0.8 * live->rate + 0.2 * now;
    live->last_ops = progress->ops;
    live->last_seconds = progress->seconds;
}

static const char *print_time(double seconds, char text[16])
{
    unsigned whole = (unsigned)seconds;
    if (seconds < 100) {
        snprintf(text, 16, "%.1fs", seconds);
    } else if (whole < 6000) {
        snprintf(text, 16, "%um%02us", whole / 60, whole % 60);
    } else {
        snprintf(text, 16, "%uh%02um", whole / 3600, whole / 60 % 60);
    }
    return text;
}

void steve_live_show(struct steve_live *live, const struct steve_progress *progress, double share)
{
    if (live->silent) {
        return;
    }
    update_rate(live, progress);

    char done[8] = "    ";
    char time[16];
    char rate[STEVE_FIGURE_SIZE];
    char blocks[STEVE_FIGURE_SIZE];
    char compactions[STEVE_FIGURE_SIZE];
    if (share >= 0) {
        snprintf(done, sizeof done, "%3.0f%%", 100 * (share < 1 ? share : 1));
    }
    double locked = steve_percent(progress->compaction_locked_blocks, progress->compaction_blocks);
    fprintf(stderr, "\r\033[K%s %6s %5s ops/s  live %-5s locked %2.0f%%  compactions %-5s findings %" PRIu64, done,
            print_time(progress->seconds, time), steve_figure((uint64_t)live->rate, rate),
            steve_figure(progress->live_blocks, blocks), locked, steve_figure(progress->compactions, compactions),
            progress->findings);
    fflush(stderr);
    live->shown = true;
}

void steve_live_show_shrinking(struct steve_live *live, const struct steve_shrink_progress *progress)
{
    char time[16];
    if (live->silent) {
        return;
    }
    fprintf(stderr, "\r\033[K%6s shrinking: %zu ops to %zu, %" PRIu64 " trials", print_time(progress->seconds, time),
            progress->ops_before, progress->ops, progress->trials);
    fflush(stderr);
    live->shown = true;
}

void steve_live_clear(struct steve_live *live)
{
    if (live->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        live->shown = false;
    }
}
