/// The closing table: what a run exercised, so that a person sees that it was not vacuous. At most 80 columns wide.
#ifndef STEVE_REPORT_TABLE_H
#define STEVE_REPORT_TABLE_H

#include <stdio.h>

#include "steve/core/exec.h"

/// Ops by kind and outcome, then compactions and what was locked at them. Kinds that never came are left out.
void steve_print_table(FILE *out, const struct steve_counts *counts);

#endif
