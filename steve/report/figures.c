/// Short figures.
#include "steve/report/figures.h"

#include <inttypes.h>
#include <stdio.h>

char *steve_figure(uint64_t value, char text[STEVE_FIGURE_SIZE])
{
    static const char letters[] = {'k', 'M', 'G', 'T', 'P', 'E'};

    if (value < 10000) {
        snprintf(text, STEVE_FIGURE_SIZE, "%" PRIu64, value);
        return text;
    }
    double scaled = (double)value / 1000;
    unsigned i = 0;
    while (scaled >= 999.5 && i + 1 < sizeof letters) {
        scaled /= 1000;
        i++;
    }
    int decimals = scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
    snprintf(text, STEVE_FIGURE_SIZE, "%.*f%c", decimals, scaled, letters[i]);
    return text;
}

double steve_percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}
