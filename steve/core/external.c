/// Drivers outside the box: telling them by their names, and entering them.
#include "steve/core/external.h"

#include <assert.h>
#include <string.h>

static_assert(offsetof(struct steve_external, driver) == 0,
              "a driver outside the box is the beginning of a steve_external");

bool steve_driver_name_is_path(const char *name)
{
    return strpbrk(name, ":/") != NULL;
}

struct steve_external *steve_external_of(const struct steve_driver *driver)
{
    // The names in the box are words, which steve_driver_contradictions() sees to.
    return driver->name != NULL && steve_driver_name_is_path(driver->name) ? (struct steve_external *)(uintptr_t)driver
                                                                           : NULL;
}

bool steve_driver_enter(const struct steve_driver *driver, const char **why)
{
    struct steve_external *external = steve_external_of(driver);
    if (external == NULL) {
        return true;
    }
    external->entered = external->enter(external, why);
    return external->entered;
}
