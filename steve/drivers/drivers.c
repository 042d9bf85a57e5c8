/// The catalog of the drivers in the box.
#include "steve/drivers/drivers.h"

#include "steve/drivers/baseline_internal.h"
#include "steve/drivers/hostile_internal.h"

#define BASELINE_ROW(identifier, ...)                                    &steve_driver_##identifier,
#define HOSTILE_ROW(suffix, identifier, wire, opportunity, oracle, what) &steve_driver_hostile_##identifier,
// clang-format off
static const struct steve_driver *const all_drivers[] = {
    &steve_driver_jeff, &steve_driver_libc, &steve_driver_jeff_mapped, &steve_driver_jeff_align8, &steve_driver_jeff_scramble,
    &steve_driver_jeff_threads, &steve_driver_jeff_threads_mapped, &steve_driver_jeff_callbacks,
    BASELINE_REGION_DRIVERS(BASELINE_ROW)
    BASELINE_MAPPED_DRIVERS(BASELINE_ROW)
    &steve_driver_hostile,
    HOSTILE_MISDEEDS(HOSTILE_ROW)
};
// clang-format on

const struct steve_catalog steve_drivers = {
    .drivers = all_drivers,
    .count = sizeof all_drivers / sizeof all_drivers[0],
};

#define EXPECTATION(suffix, identifier, wire, opportunity, oracle_name, what)                                          \
    {.driver = &steve_driver_hostile_##identifier, .oracle = STEVE_ORACLE_##oracle_name},
const struct steve_hostile_expectation steve_hostile_expectations[] = {HOSTILE_MISDEEDS(EXPECTATION)};

const size_t steve_hostile_expectation_count = sizeof steve_hostile_expectations / sizeof steve_hostile_expectations[0];
