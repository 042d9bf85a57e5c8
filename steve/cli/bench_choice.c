/// The bench over any drivers: its options.
#include "steve/cli/bench_choice.h"

#include <stdio.h>
#include <string.h>

#include "steve/cli/bench_internal.h"
#include "steve/cli/catalog.h"
#include "steve/cli/preloaded.h"
#include "steve/cli/values.h"
#include "steve/core/external.h"
#include "steve/core/op.h"

/// The malloc libraries go by their own names, too. @param name replaced by that of the driver
static void expand_library(char name[STEVE_DRIVER_NAME_SIZE])
{
    for (int i = 0; i < BENCH_ALLOCATORS; i++)
        if (bench_allocators[i].preload && strcmp(name, bench_allocators[i].name) == 0) {
            snprintf(name, STEVE_DRIVER_NAME_SIZE, "%s%s", STEVE_MALLOC_PREFIX, bench_allocators[i].preload);
            return;
        }
}

static bool add_driver(struct bench_choice *choice, const char *text, size_t length)
{
    char name[STEVE_DRIVER_NAME_SIZE];
    if (choice->drivers == BENCH_CHOICE_DRIVERS || length >= sizeof name) {
        fprintf(stderr, "steve bench: --drivers: expected at most %d names of less than %u characters\n",
                BENCH_CHOICE_DRIVERS, STEVE_DRIVER_NAME_SIZE);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    expand_library(name);
    const struct steve_driver *driver = steve_catalog_by_name(steve_known_drivers(), name);
    if (!driver) {
        fprintf(stderr, "steve bench: --drivers: no driver '%s'; see steve drivers\n", name);
        return false;
    }
    if (steve_external_of(driver) && steve_external_of(driver)->preload && !bench_can_preload) {
        fprintf(stderr, "steve bench: --drivers %s: this build has sanitizers, and nothing can be preloaded into it\n",
                name);
        return false;
    }
    for (size_t i = 0; i < choice->drivers; i++)
        if (choice->driver[i] == driver)
            return true;
    choice->driver[choice->drivers++] = driver;
    return true;
}

static bool add_drivers(struct bench_choice *choice, const char *names)
{
    for (const char *name = names;; name++) {
        size_t length = strcspn(name, ",");
        if (!add_driver(choice, name, length))
            return false;
        name += length;
        if (!*name)
            return true;
    }
}

static bool parse_value(const char *option, const char *value, struct bench_choice *choice, const char **drivers)
{
    bool is_seed = strcmp(option, "--seed") == 0, is_cap = strcmp(option, "--cap") == 0;
    bool is_drivers = strcmp(option, "--drivers") == 0, is_plot = strcmp(option, "--plot") == 0;
    if (!is_seed && !is_cap && !is_drivers && !is_plot) {
        fprintf(stderr, "steve bench: unexpected argument '%s'; see steve bench --help\n", option);
        return false;
    }
    const char *expected = is_seed      ? "a number"
                           : is_cap     ? "a time from 1ms to 10m, such as 2s"
                           : is_drivers ? "names of drivers, separated by commas"
                                        : "a folder";
    bool good = value && *value;
    if (good && is_seed)
        good = steve_parse_count(value, &choice->seed);
    else if (good && is_cap)
        good = steve_parse_time(value, &choice->cap_ns) && choice->cap_ns >= 1000000u &&
               choice->cap_ns <= UINT64_C(600000000000);
    else if (good)
        *(is_drivers ? drivers : &choice->plot) = value;
    if (!good)
        fprintf(stderr, "steve bench: %s %s: expected %s\n", option, value ? value : "", expected);
    return good;
}

int bench_choice_parse(int argc, char **argv, const char *usage, const char *defaults, struct bench_choice *choice)
{
    bool takes_files = false;
    *choice = (struct bench_choice){.seed = 1, .file = argv};
    for (int i = 1; i < argc; i++)
        takes_files |= strcmp(argv[i], "--compare") == 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 1;
        }
        if (strcmp(argv[i], "--scaling") == 0 || strcmp(argv[i], "--compare") == 0 ||
            strcmp(argv[i], "--checking") == 0)
            continue;
        if (strcmp(argv[i], "--quick") == 0)
            choice->quick = true;
        else if (strcmp(argv[i], "--json") == 0)
            choice->json = true;
        else if (takes_files && argv[i][0] != '-')
            argv[choice->files++] = argv[i]; // to the front: what stood there has been read
        else if (parse_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL, choice, &defaults))
            i++;
        else
            return 2;
    }
    return add_drivers(choice, defaults) ? 0 : 2;
}
