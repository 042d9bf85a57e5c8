/// The catalog of an installed fuzz target: the one driver that is linked in (steve_add_allocator_test).
#include "steve/drivers/drivers.h"

static const struct steve_driver *const linked_in[] = {&steve_exported_driver};

const struct steve_catalog steve_drivers = {.drivers = linked_in, .count = 1};
