/// The tree by address: what holds of every baseline, and which block it takes.
#include "baseline_test.h"

int main(void)
{
    kind_options = (struct baseline_options){.kind = BASELINE_TREE_ADDR};
    const struct CMUnitTest tests[] = {
        BASELINE_COMMON_TESTS,
        cmocka_unit_test(first_fit_takes_the_lowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
