/// What shrinking came to, in words.
#ifndef STEVE_REPORT_SHRUNK_H
#define STEVE_REPORT_SHRUNK_H

#include <stdio.h>

#include "steve/core/codec.h"
#include "steve/find/shrink.h"

/// As many ops are printed for a person to see.
#define STEVE_SHRUNK_SEEN 12u

/// One line: from how many ops to how many, and in what time; another one if the finding is flaky, or did not show again.
void steve_print_shrink_report(FILE *out, const struct steve_shrink_report *report);

/// The sequence as text, indented.
void steve_print_sequence(FILE *out, const struct steve_catalog *catalog, const struct steve_sequence *sequence);

/// The same if it has STEVE_SHRUNK_SEEN ops or fewer.
void steve_print_short_sequence(FILE *out, const struct steve_catalog *catalog, const struct steve_sequence *sequence);

#endif
