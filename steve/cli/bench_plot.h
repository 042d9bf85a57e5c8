/// The bench: plots, made by gnuplot. Each is a script DIR/NAME.gp with its data in it, which anybody may run again after a
/// change, and what it draws: DIR/NAME.svg.
#ifndef STEVE_CLI_BENCH_PLOT_H
#define STEVE_CLI_BENCH_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/// Makes the folder, and sees whether there is a gnuplot: before anything is measured.
/// @return false after a message
bool bench_plot_ready(const char *folder);

struct bench_plot_info {
    const char *folder;
    const char *name; ///< of the files: [a-z0-9-]+
    const char *title, *x_label, *y_label;
    bool log_x, log_y;
};

enum { BENCH_PLOT_CURVES = 24 };

/// A plot in the making.
struct bench_plot {
    struct bench_plot_info info;
    FILE *script;
    char path[512];
    char label[BENCH_PLOT_CURVES][128];
    bool open; ///< a curve
    size_t curves;
};

bool bench_plot_begin(struct bench_plot *plot, const struct bench_plot_info *info); ///< @return false after a message
/// Begins a curve; points that follow are its. @param label copied. More than BENCH_PLOT_CURVES are left out.
void bench_plot_curve(struct bench_plot *plot, const char *label);
void bench_plot_point(struct bench_plot *plot, double x, double y);
bool bench_plot_end(struct bench_plot *plot); ///< Draws it. @return false after a message

#endif
