/// The catalog of the box, and a list of what was loaded beside it. It is the program's, so it is global: a driver is
/// loaded once, and told about once, however many files name it.
#include "steve/cli/catalog.h"

#include <stdio.h>
#include <string.h>

#include "steve/cli/preloaded.h"
#include "steve/core/contract.h"
#include "steve/core/external.h"
#include "steve/drivers/drivers.h"
#include "steve/find/shared_object.h"

/// A driver from outside that was asked for. Children in which malloc() is under test look drivers up, too: all of this
/// is memory of our own.
struct asked {
    char name[STEVE_DRIVER_NAME_SIZE];
    struct steve_external *external; ///< NULL: it is no good
    struct asked *next;
};

static struct asked *first;

static void say(void *context, const char *line)
{
    fprintf(stderr, "steve: driver %s: %s\n", (const char *)context, line);
}

static struct steve_external *look_at(char *name)
{
    if (strncmp(name, STEVE_MALLOC_PREFIX, strlen(STEVE_MALLOC_PREFIX)) == 0) {
        return steve_malloc_library_look(name, say, name);
    }
    if (strchr(name, '/') == NULL) {
        say(name, "expected a path with a '/', or malloc:LIBRARY");
        return NULL;
    }
    return steve_shared_object_look(name, say, name);
}

static const struct steve_driver *load(const char *name)
{
    struct asked *asked = first;
    while (asked != NULL && strcmp(asked->name, name) != 0) {
        asked = asked->next;
    }
    if (asked == NULL && strlen(name) >= sizeof asked->name) {
        fprintf(stderr,
                "steve: driver %.40s...: its name is too long for a reproducer: expected less than %u characters\n",
                name, STEVE_DRIVER_NAME_SIZE);
        return NULL;
    }
    if (asked == NULL) {
        asked = steve_own_memory(sizeof *asked);
        if (asked == NULL) {
            fprintf(stderr, "steve: memory is short\n");
            return NULL;
        }
        strcpy(asked->name, name);
        asked->external = look_at(asked->name);
        asked->next = first;
        first = asked;
    }
    return asked->external != NULL ? &asked->external->driver : NULL;
}

/// A driver that was linked in (steve_add_allocator_test()) goes before those of the box, and so is the default.
#pragma weak steve_exported_driver

static bool has_linked_in(void)
{
    return &steve_exported_driver != NULL;
}

static void say_linked_in(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "steve: the driver in this program: %s\n", line);
}

bool steve_known_drivers_are_sound(void)
{
    return !has_linked_in() || steve_driver_contradictions(&steve_exported_driver, say_linked_in, NULL) == 0;
}

const struct steve_catalog *steve_known_drivers(void)
{
    static struct steve_catalog catalog;
    if (catalog.load != NULL) {
        return &catalog;
    }
    catalog = steve_drivers;
    catalog.load = load;
    const struct steve_driver **all =
        has_linked_in() ? steve_own_memory((steve_drivers.count + 1) * sizeof *all) : NULL;
    if (all != NULL) {
        all[0] = &steve_exported_driver;
        memcpy(all + 1, steve_drivers.drivers, steve_drivers.count * sizeof *all);
        catalog.drivers = all;
        catalog.count = steve_drivers.count + 1;
    }
    return &catalog;
}
