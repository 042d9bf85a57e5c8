/// The last line of `run` and `replay`: the verdict, for machines and for people.
///
///     verdict=pass seed=7 episodes=12 ops=200000 digest=9f3c… seconds=1.23
///     verdict=fail oracle=pin seed=7 episode=3 op=118 ops=61231 digest=… seconds=… reproducer=steve-out/…/repro.ops repro_ops=6
///     verdict=fail oracle=pin seed=7 … reproducer=… repro_ops=6 findings=3 known=1
///     verdict=pass exhaustive=5 episodes=123456 ops=654321 digest=… seconds=…
///     verdict=pass files=12 ops=4711 digest=… seconds=…
///     verdict=fail oracle=pin file=corpus/… op=118 files=12 ops=4711 digest=… seconds=… reproducer=corpus/… repro_ops=119
///
/// Paths are words of a shell: in quotes where they have blanks or anything else that is not plain.
#ifndef STEVE_REPORT_VERDICT_H
#define STEVE_REPORT_VERDICT_H

#include <stdio.h>

#include "steve/find/runner.h"

struct steve_verdict {
    const struct steve_run_result *result;
    bool has_seed;
    uint64_t seed;
    unsigned exhaustive; ///< not 0: of a run over all sequences of so many ops; stands in the place of the seed
    uint64_t files;      ///< of a replay; without a seed

    bool has_findings; ///< said: how many distinct ones there are
    uint64_t findings;
    bool has_known; ///< said: how many known ones came
    uint64_t known;

    bool failed; ///< then:
    const char *oracle;
    uint64_t episode; ///< with a seed
    const char *file; ///< of a replay
    uint64_t op;
    const char *reproducer; ///< NULL if it could not be saved
    uint64_t repro_ops;
};

void steve_print_verdict(FILE *out, const struct steve_verdict *verdict);

#endif
