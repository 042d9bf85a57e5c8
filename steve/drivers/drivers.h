/// The drivers in the box, and the catalog that names and wire ids are looked up in.
///
/// Wire ids, never reused: jeff 1, libc 2, baselines 3..15, 19 and 20, jeff-mapped 16, jeff-align8 17, jeff-scramble 18, jeff-threads 21,
/// jeff-callbacks 22, jeff-threads-mapped 23, hostile-* 200..239, hostile 240.
#ifndef STEVE_DRIVERS_DRIVERS_H
#define STEVE_DRIVERS_DRIVERS_H

#include <stddef.h>

#include "steve/core/codec.h"
#include "steve/core/oracle.h"
#include "steve/driver.h"

/// All of them; the first is the default, the hostile ones come last. Those of the baselines are in baseline_internal.h.
extern const struct steve_catalog steve_drivers;

extern const struct steve_driver steve_driver_jeff;                ///< everything inside the region
extern const struct steve_driver steve_driver_jeff_scramble;       ///< the same, moving everything at each request
extern const struct steve_driver steve_driver_jeff_align8;         ///< the same, made for an alignment of 8
extern const struct steve_driver steve_driver_jeff_mapped;         ///< over pages of its own, which grow
extern const struct steve_driver steve_driver_jeff_threads;        ///< in a region, for several threads
extern const struct steve_driver steve_driver_jeff_threads_mapped; ///< over pages of its own, for several threads
extern const struct steve_driver steve_driver_jeff_callbacks;      ///< in a region, with callbacks that free and lock
extern const struct steve_driver steve_driver_libc;
extern const struct steve_driver steve_driver_hostile; ///< behaves well: the yardstick of the hostile family

/// Each hostile driver commits one misdeed, and one oracle should name it. For the tests of Steve.
struct steve_hostile_expectation {
    const struct steve_driver *driver;
    enum steve_oracle oracle;
};

extern const struct steve_hostile_expectation steve_hostile_expectations[];
extern const size_t steve_hostile_expectation_count;

#endif
