/// Which drivers a target fuzzes: the one that it is named after, and those whose names go on with '-'.
#ifndef FUZZ_FAMILY_H
#define FUZZ_FAMILY_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "steve/drivers/drivers.h"

static inline bool is_of_family(const struct steve_driver *driver, const char *family)
{
    const size_t length = strlen(family);
    return strncmp(driver->name, family, length) == 0 && (driver->name[length] == '\0' || driver->name[length] == '-');
}

/// What a target fuzzes.
struct family {
    char name[64];                      ///< of its first driver
    const struct steve_driver *against; ///< NULL: none
};

/// By its name: fuzz_<driver>, or fuzz_<driver>_against_<driver>, with '_' for '-'. @return false if there are no such drivers
static inline bool find_family(const char *target, struct family *family)
{
    if (strncmp(target, "fuzz_", 5) != 0 || strlen(target) >= sizeof family->name)
        return false;
    snprintf(family->name, sizeof family->name, "%s", target + 5);
    for (char *at = family->name; *at != '\0'; at++) {
        if (*at == '_')
            *at = '-';
    }
    char *against = strstr(family->name, "-against-");
    if (against != NULL) {
        *against = '\0';
        family->against = steve_catalog_by_name(&steve_drivers, against + strlen("-against-"));
    }
    return steve_catalog_by_name(&steve_drivers, family->name) != NULL &&
           (against == NULL) == (family->against == NULL);
}

#endif
