/// Drivers outside the box: telling them by their names, and entering them.
#define _GNU_SOURCE
#include "steve/core/external.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

static_assert(offsetof(struct steve_external, driver) == 0,
              "a driver outside the box is the beginning of a steve_external");

void *steve_own_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

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
