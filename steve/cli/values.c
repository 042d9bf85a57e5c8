/// Parsing of values.
#include "steve/cli/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// strtoull() takes spaces and signs; neither has a place here. A number of base 16 begins with 0x.
static bool parse_digits(const char *text, int base, uint64_t *value, const char **rest)
{
    char *end;
    if (!is_digit(*text)) {
        return false;
    }
    errno = 0;
    *value = strtoull(text, &end, base);
    *rest = end;
    return errno == 0;
}

bool steve_parse_count(const char *text, uint64_t *value)
{
    const char *rest;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    return parse_digits(text, hex ? 16 : 10, value, &rest) && *rest == '\0';
}

bool steve_parse_size(const char *text, uint64_t *bytes)
{
    static const char letters[] = "KMGT";
    uint64_t value;
    const char *rest;
    if (!parse_digits(text, 10, &value, &rest)) {
        return false;
    }
    unsigned shift = 0;
    for (unsigned i = 0; letters[i] != '\0'; i++) {
        if (*rest == letters[i] || *rest == letters[i] + ('a' - 'A')) {
            shift = 10 * (i + 1);
            rest++;
            break;
        }
    }
    bool ends = *rest == '\0' || strcasecmp(rest, "B") == 0 || (shift != 0 && strcasecmp(rest, "iB") == 0);
    if (!ends || value > UINT64_MAX >> shift) {
        return false;
    }
    *bytes = value << shift;
    return true;
}

static uint64_t unit_ns(const char *unit)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"ns", 1},
        {"us", UINT64_C(1000)},
        {"ms", UINT64_C(1000000)},
        {"s", UINT64_C(1000000000)},
        {"", UINT64_C(1000000000)},
        {"m", UINT64_C(60000000000)},
        {"min", UINT64_C(60000000000)},
        {"h", UINT64_C(3600000000000)},
        {"d", UINT64_C(86400000000000)},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return units[i].ns;
        }
    }
    return 0;
}

bool steve_parse_time(const char *text, uint64_t *ns)
{
    uint64_t whole;
    const char *rest;
    if (!parse_digits(text, 10, &whole, &rest)) {
        return false;
    }
    double fraction = 0;
    if (*rest == '.') {
        rest++;
        if (!is_digit(*rest)) {
            return false;
        }
        for (double place = 0.1; is_digit(*rest); place /= 10) {
            fraction += place * (*rest++ - '0');
        }
    }
    uint64_t unit = unit_ns(rest);
    if (unit == 0 || whole > (uint64_t)INT64_MAX / unit - 1) {
        return false;
    }
    *ns = whole * unit + (uint64_t)(fraction * (double)unit + 0.5);
    return true;
}
