/// The bench: plots.
#define _GNU_SOURCE
#include "steve/cli/bench_plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// Runs gnuplot with one argument; what it prints to stdout goes nowhere. @return 0, or what is wrong: an errno, -1 if it failed
static int run_gnuplot(const char *argument)
{
    char *arguments[] = {"gnuplot", (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    pid_t child = 0;
    error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return error;
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status == 0 ? 0 : -1;
}

bool bench_plot_ready(const char *folder)
{
    struct stat status;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "steve bench: --plot %s: cannot make the folder: %s\n", folder, strerror(errno));
        return false;
    }
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        fprintf(stderr, "steve bench: --plot %s: expected a folder, and it is none\n", folder);
        return false;
    }
    int error = run_gnuplot("--version");
    if (error == ENOENT)
        fprintf(stderr, "steve bench: --plot: there is no gnuplot here (Debian's package: gnuplot-nox)\n");
    else if (error)
        fprintf(stderr, "steve bench: --plot: gnuplot does not run: %s\n", error > 0 ? strerror(error) : "it fails");
    return error == 0;
}

/// A text as gnuplot takes it: in single quotes, those in it doubled.
static void print_text(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', script);
        fputc(*text, script);
    }
    fputc('\'', script);
}

static void print_setting(FILE *script, const char *setting, const char *text)
{
    fprintf(script, "set %s ", setting);
    print_text(script, text);
    fprintf(script, "\n");
}

bool bench_plot_begin(struct bench_plot *plot, const struct bench_plot_info *info)
{
    *plot = (struct bench_plot){.info = *info};
    snprintf(plot->path, sizeof plot->path, "%s/%s.gp", info->folder, info->name);
    plot->script = fopen(plot->path, "we");
    if (!plot->script) {
        fprintf(stderr, "steve bench: --plot: cannot write %s: %s\n", plot->path, strerror(errno));
        return false;
    }
    char output[sizeof plot->path];
    snprintf(output, sizeof output, "%s/%s.svg", info->folder, info->name);
    fprintf(plot->script, "set terminal svg size 900,560 noenhanced font 'sans,13' background 'white'\n");
    print_setting(plot->script, "output", output);
    print_setting(plot->script, "title", info->title);
    print_setting(plot->script, "xlabel", info->x_label);
    print_setting(plot->script, "ylabel", info->y_label);
    fprintf(
        plot->script,
        "set key outside right top reverse Left samplen 2\nset grid\nset format x '%%.0s%%c'\nset format y '%%g'\n");
    if (info->log_x)
        fprintf(plot->script, "set logscale x\n");
    if (info->log_y)
        fprintf(plot->script, "set logscale y\n");
    return true;
}

static void close_curve(struct bench_plot *plot)
{
    if (plot->open)
        fprintf(plot->script, "EOD\n");
    plot->open = false;
}

void bench_plot_curve(struct bench_plot *plot, const char *label)
{
    close_curve(plot);
    if (plot->curves == BENCH_PLOT_CURVES)
        return;
    snprintf(plot->label[plot->curves], sizeof plot->label[0], "%s", label);
    fprintf(plot->script, "$curve%zu << EOD\n", plot->curves++);
    plot->open = true;
}

void bench_plot_point(struct bench_plot *plot, double x, double y)
{
    if (plot->open)
        fprintf(plot->script, "%.9g %.9g\n", x, y);
}

bool bench_plot_end(struct bench_plot *plot)
{
    close_curve(plot);
    for (size_t i = 0; i < plot->curves; i++) {
        fprintf(plot->script, "%s$curve%zu with linespoints linewidth 2 linetype %zu pointtype %zu title ",
                i ? ", \\\n     " : "plot ", i, i + 1, i + 1);
        print_text(plot->script, plot->label[i]);
    }
    fprintf(plot->script, "\n");
    bool written = !ferror(plot->script);
    written &= fclose(plot->script) == 0;
    if (!written || run_gnuplot(plot->path) != 0) {
        fprintf(stderr, "steve bench: --plot: %s could not be %s\n", plot->path, written ? "drawn" : "written");
        return false;
    }
    return true;
}
