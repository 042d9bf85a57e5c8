/// A JUnit report for CI servers (`steve run --junit FILE`): one test suite, and in it one test case for each oracle. It fails
/// with the findings of that oracle, the reproducers in their text; it is skipped if the oracle was off. A finding that
/// was known before does not fail: it is told in the case's output. One more case, `run`, has an error if the environment failed.
///
/// The format is the one of Ant's JUnit task that CI servers agree on; XML 1.0, UTF-8.
#ifndef STEVE_REPORT_JUNIT_H
#define STEVE_REPORT_JUNIT_H

#include <stdio.h>

#include "steve/report/summary.h"

/// @return false if memory is short or writing failed
bool steve_print_junit(FILE *out, const struct steve_summary *summary);

#endif
