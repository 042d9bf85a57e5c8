/// The tree by size: what holds of every baseline, and which block it takes.
#include "baseline_test.h"

int main(void)
{
    kind_options = (struct baseline_options){.kind = BASELINE_TREE_SIZE};
    const struct CMUnitTest tests[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(best_fit_takes_the_smallest_and_of_these_the_lowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
