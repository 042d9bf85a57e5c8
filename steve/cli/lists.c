/// steve drivers, profiles, oracles, locks: what there is.
#include <inttypes.h>
#include <stdio.h>

#include "steve/cli/catalog.h"
#include "steve/cli/cli.h"
#include "steve/core/oracle.h"

#define NAME_WIDTH 24

static void print_row(const char *name, const char *summary)
{
    printf("%-*s %s\n", NAME_WIDTH, name, summary);
}

static void print_word(bool has, const char *word)
{
    if (has) {
        printf(" %s", word);
    }
}

/// The functions beyond malloc and free.
static void print_functions(const struct steve_driver *driver)
{
    printf("%-*s has     ", NAME_WIDTH, "");
    print_word(driver->calloc != NULL, "calloc");
    print_word(driver->aligned != NULL, "aligned");
    print_word(driver->resize != NULL, "resize");
    print_word(driver->lock != NULL, "lock");
    print_word(driver->weak_lock != NULL, "weak-lock");
    print_word(driver->set_purgeable != NULL, "purgeable");
    print_word(driver->compact != NULL, "compact");
    print_word(driver->compact_goal != NULL, "goal");
    print_word(driver->stats != NULL, "stats");
    print_word(driver->usable != NULL, "usable");
    print_word(driver->check != NULL, "check");
    printf("\n");
}

static void print_promises(const struct steve_driver *driver)
{
    static const struct {
        uint32_t promise;
        const char *word;
    } words[] = {
        {STEVE_PROMISE_REGION, "region"},
        {STEVE_PROMISE_HANDLES, "handles"},
        {STEVE_PROMISE_REFUSES_MISUSE, "refuses-misuse"},
        {STEVE_PROMISE_REFUSES_LOCKED, "refuses-locked"},
        {STEVE_PROMISE_MOVES, "moves"},
        {STEVE_PROMISE_RESIZE_IN_PLACE, "resize-in-place"},
        {STEVE_PROMISE_EXACT_REFUSAL, "exact-refusal"},
        {STEVE_PROMISE_COMPACTS_FULLY, "compacts-fully"},
        {STEVE_PROMISE_RELOCATABLE, "relocatable"},
        {STEVE_PROMISE_LOCKS_NEST, "locks-nest"},
        {STEVE_PROMISE_ALIGNS_BY_SIZE, "aligns-by-size"},
        {STEVE_PROMISE_THREADS, "threads"},
    };
    if (driver->promises == 0) {
        return;
    }
    printf("%-*s promises", NAME_WIDTH, "");
    int column = NAME_WIDTH + 9;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if ((driver->promises & words[i].promise) == 0) {
            continue;
        }
        if (column > 64) {
            printf("\n%-*s         ", NAME_WIDTH, "");
            column = NAME_WIDTH + 9;
        }
        column += printf(" %s", words[i].word);
    }
    printf("\n");
}

static void print_driver(const struct steve_driver *driver)
{
    static const char *const zero[] = {"a block or a refusal", "a block", "a refusal"};
    print_row(driver->name, driver->summary);
    print_functions(driver);
    print_promises(driver);
    printf("%-*s blocks aligned to %zu, heap from %zu bytes, 0 bytes give %s%s\n", NAME_WIDTH, "", driver->alignment,
           driver->heap_min, zero[driver->zero_size],
           driver->failed_resize == STEVE_FAILED_RESIZE_FREES ? ", a failed resize frees" : "");
}

/// All that there are, or the one of --driver, such as `./mine.so`.
int steve_cli_drivers(const struct steve_options *options)
{
    if (options->driver != NULL) {
        print_driver(options->driver);
        return STEVE_EXIT_PASS;
    }
    for (size_t i = 0; i < steve_known_drivers()->count; i++) {
        print_driver(steve_known_drivers()->drivers[i]);
    }
    return STEVE_EXIT_PASS;
}

int steve_cli_profiles(const struct steve_options *options)
{
    (void)options;
    for (size_t i = 0; steve_profile_at(i) != NULL; i++) {
        print_row(steve_profile_name(steve_profile_at(i)), steve_profile_summary(steve_profile_at(i)));
    }
    return STEVE_EXIT_PASS;
}

int steve_cli_oracles(const struct steve_options *options)
{
    (void)options;
    for (int i = 0; i < STEVE_ORACLE_COUNT; i++) {
        print_row(steve_oracle_name((enum steve_oracle)i), steve_oracle_holds_when((enum steve_oracle)i));
    }
    return STEVE_EXIT_PASS;
}

int steve_cli_locks(const struct steve_options *options)
{
    (void)options;
    for (size_t i = 0; steve_lock_model_at(i) != NULL; i++) {
        print_row(steve_lock_model_name(steve_lock_model_at(i)), steve_lock_model_summary(steve_lock_model_at(i)));
    }
    return STEVE_EXIT_PASS;
}
