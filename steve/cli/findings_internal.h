/// What findings.c and known.c share.
#ifndef STEVE_CLI_FINDINGS_INTERNAL_H
#define STEVE_CLI_FINDINGS_INTERNAL_H

#include "steve/cli/findings.h"

/// The place in the list of a finding of a new shape, for the caller to fill in. Parameters as for steve_distinct_add().
/// @return NULL if there is one of that shape already, and that is counted; or if memory is short
struct steve_kept *steve_findings_enter(struct steve_findings *findings, const struct steve_found *found,
                                        const struct steve_found *shrunk, bool settled);

#endif
