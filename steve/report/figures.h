/// Figures for people: three digits that count and a letter, never wider than five columns.
#ifndef STEVE_REPORT_FIGURES_H
#define STEVE_REPORT_FIGURES_H

#include <stdint.h>

#define STEVE_FIGURE_SIZE 16u

/// 0..9999 as they are, then 12.3k, 4.56M, 789G. @return `text`
char *steve_figure(uint64_t value, char text[STEVE_FIGURE_SIZE]);

/// A share in percent, 0 if there is nothing to share.
double steve_percent(uint64_t part, uint64_t whole);

#endif
