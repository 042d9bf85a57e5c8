/// The catalog of the box, and a list of what was loaded beside it. It is the program's, so it is global: a driver is loaded once,
/// and told about once, however many files name it.
#define _GNU_SOURCE
#include "steve/cli/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/preloaded.h"
#include "steve/drivers/drivers.h"
#include "steve/find/shared_object.h"

/// A driver from outside that was asked for.
struct asked {
    char *name;
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
    if (asked == NULL) {
        asked = calloc(1, sizeof *asked);
        char *copy = strdup(name);
        if (asked == NULL || copy == NULL) {
            fprintf(stderr, "steve: memory is short\n");
            free(asked);
            free(copy);
            return NULL;
        }
        *asked = (struct asked){.name = copy, .external = look_at(copy), .next = first};
        first = asked;
    }
    return asked->external != NULL ? &asked->external->driver : NULL;
}

const struct steve_catalog *steve_known_drivers(void)
{
    static struct steve_catalog catalog;
    catalog = steve_drivers;
    catalog.load = load;
    return &catalog;
}
