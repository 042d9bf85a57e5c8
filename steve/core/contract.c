/// The rules of the driver interface: a table of what needs what, and a few that are about numbers and names.
#include "steve/core/contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "steve/core/op.h"
#include "steve/core/region.h"

/// How many options fit into a header.
#define OPTIONS_MOST 8u

struct contract {
    const struct steve_driver *driver;
    steve_say *say;
    void *context;
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void wrong(struct contract *c, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    c->count++;
    if (c->say != NULL) {
        c->say(c->context, line);
    }
}

/// What a driver may have or state, a bit each: promises, and above them the functions.
#define HAS_CALLOC       (UINT64_C(1) << 32)
#define HAS_ALIGNED      (UINT64_C(1) << 33)
#define HAS_RESIZE       (UINT64_C(1) << 34)
#define HAS_LOCK         (UINT64_C(1) << 35)
#define HAS_UNLOCK       (UINT64_C(1) << 36)
#define HAS_WEAK_LOCK    (UINT64_C(1) << 37)
#define HAS_PURGEABLE    (UINT64_C(1) << 38)
#define HAS_COMPACT      (UINT64_C(1) << 39)
#define HAS_COMPACT_GOAL (UINT64_C(1) << 40)
#define HAS_MOVES        (UINT64_C(1) << 41)
#define HAS_NOW          (UINT64_C(1) << 42)
#define HAS_EXTENT       (UINT64_C(1) << 43)
#define HAS_ARENA        (UINT64_C(1) << 44)
#define HAS_RUN_NEEDED   (UINT64_C(1) << 45)
#define HAS_BUDGET_STEP  (UINT64_C(1) << 46)
#define FREES_ON_FAILURE (UINT64_C(1) << 47)

#define REGION         ((uint64_t)STEVE_PROMISE_REGION)
#define HANDLES        ((uint64_t)STEVE_PROMISE_HANDLES)
#define REFUSES_LOCKED ((uint64_t)STEVE_PROMISE_REFUSES_LOCKED)
#define MOVES          ((uint64_t)STEVE_PROMISE_MOVES)
#define IN_PLACE       ((uint64_t)STEVE_PROMISE_RESIZE_IN_PLACE)
#define EXACT_REFUSAL  ((uint64_t)STEVE_PROMISE_EXACT_REFUSAL)
#define COMPACTS_FULLY ((uint64_t)STEVE_PROMISE_COMPACTS_FULLY)
#define RELOCATABLE    ((uint64_t)STEVE_PROMISE_RELOCATABLE)
#define LOCKS_NEST     ((uint64_t)STEVE_PROMISE_LOCKS_NEST)
#define ALIGNS_BY_SIZE ((uint64_t)STEVE_PROMISE_ALIGNS_BY_SIZE)
#define THREADS        ((uint64_t)STEVE_PROMISE_THREADS)

#define ALL_PROMISES ((uint32_t)(2 * STEVE_PROMISE_THREADS - 1))

/// For messages.
static const struct {
    uint64_t bit;
    const char *name;
} names[] = {
    {REGION, "STEVE_PROMISE_REGION"},
    {HANDLES, "STEVE_PROMISE_HANDLES"},
    {REFUSES_LOCKED, "STEVE_PROMISE_REFUSES_LOCKED"},
    {MOVES, "STEVE_PROMISE_MOVES"},
    {IN_PLACE, "STEVE_PROMISE_RESIZE_IN_PLACE"},
    {EXACT_REFUSAL, "STEVE_PROMISE_EXACT_REFUSAL"},
    {COMPACTS_FULLY, "STEVE_PROMISE_COMPACTS_FULLY"},
    {RELOCATABLE, "STEVE_PROMISE_RELOCATABLE"},
    {LOCKS_NEST, "STEVE_PROMISE_LOCKS_NEST"},
    {ALIGNS_BY_SIZE, "STEVE_PROMISE_ALIGNS_BY_SIZE"},
    {THREADS, "STEVE_PROMISE_THREADS"},
    {HAS_RESIZE, "resize"},
    {HAS_LOCK, "lock"},
    {HAS_UNLOCK, "unlock"},
    {HAS_WEAK_LOCK, "weak_lock"},
    {HAS_PURGEABLE, "set_purgeable"},
    {HAS_COMPACT, "compact"},
    {HAS_COMPACT_GOAL, "compact_goal"},
    {HAS_MOVES, "moves"},
    {HAS_NOW, "now"},
    {HAS_EXTENT, "extent"},
    {HAS_ARENA, "arena"},
    {HAS_RUN_NEEDED, "run_needed"},
    {HAS_BUDGET_STEP, "budget_step_ns"},
    {FREES_ON_FAILURE, "STEVE_FAILED_RESIZE_FREES"},
};

/// What is had or stated, and what that needs. Alternatives are not needed so far.
static const struct {
    uint64_t has;
    uint64_t needs;
} needs[] = {
    {HAS_LOCK, HAS_UNLOCK},
    {HAS_UNLOCK, HAS_LOCK},
    {HAS_WEAK_LOCK, HAS_LOCK | HAS_MOVES},
    {HAS_PURGEABLE, HAS_LOCK | HAS_MOVES},
    {HAS_COMPACT, MOVES},
    {HAS_COMPACT_GOAL, MOVES},
    {HAS_BUDGET_STEP, HAS_COMPACT | HAS_NOW},
    {HANDLES, HAS_LOCK},
    {REFUSES_LOCKED, HAS_LOCK},
    {MOVES, HAS_LOCK | HAS_MOVES},
    {IN_PLACE, HAS_RESIZE | HAS_LOCK},
    {EXACT_REFUSAL, REGION | HAS_EXTENT | HAS_ARENA | HAS_RUN_NEEDED},
    {COMPACTS_FULLY, MOVES | HAS_COMPACT},
    {RELOCATABLE, REGION},
    {LOCKS_NEST, HAS_LOCK},
    {FREES_ON_FAILURE, HAS_RESIZE},
};

static uint64_t when(bool has, uint64_t bit)
{
    return has ? bit : 0;
}

static uint64_t bits_of(const struct steve_driver *driver)
{
    return driver->promises | when(driver->calloc != NULL, HAS_CALLOC) | when(driver->aligned != NULL, HAS_ALIGNED) |
           when(driver->resize != NULL, HAS_RESIZE) | when(driver->lock != NULL, HAS_LOCK) |
           when(driver->unlock != NULL, HAS_UNLOCK) | when(driver->weak_lock != NULL, HAS_WEAK_LOCK) |
           when(driver->set_purgeable != NULL, HAS_PURGEABLE) | when(driver->compact != NULL, HAS_COMPACT) |
           when(driver->compact_goal != NULL, HAS_COMPACT_GOAL) | when(driver->moves != NULL, HAS_MOVES) |
           when(driver->now != NULL, HAS_NOW) | when(driver->extent != NULL, HAS_EXTENT) |
           when(driver->arena != NULL, HAS_ARENA) | when(driver->run_needed != NULL, HAS_RUN_NEEDED) |
           when(driver->budget_step_ns != 0, HAS_BUDGET_STEP) |
           when(driver->failed_resize == STEVE_FAILED_RESIZE_FREES, FREES_ON_FAILURE);
}

static const char *name_of(uint64_t bit)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].bit == bit) {
            return names[i].name;
        }
    }
    return "?";
}

static void check_needs(struct contract *c)
{
    uint64_t bits = bits_of(c->driver);
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        uint64_t missing = (bits & needs[i].has) != 0 ? needs[i].needs & ~bits : 0;
        for (; missing != 0; missing &= missing - 1) {
            wrong(c, "it has %s without %s", name_of(needs[i].has), name_of(missing & (~missing + 1)));
        }
    }
}

static void require(struct contract *c, bool has, const char *what)
{
    if (!has) {
        wrong(c, "it lacks %s, which every driver must have", what);
    }
}

static bool is_word(const char *text)
{
    return text != NULL && *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static void check_words(struct contract *c)
{
    const struct steve_driver *driver = c->driver;
    if (driver->name == NULL || !is_word(driver->name)) {
        wrong(c, "its name is '%.40s': expected small letters, digits and '-'",
              driver->name == NULL ? "" : driver->name);
    }
    if (driver->name != NULL && strlen(driver->name) >= STEVE_DRIVER_NAME_SIZE) {
        wrong(c, "its name has %zu characters: reproducers take %u at most", strlen(driver->name),
              STEVE_DRIVER_NAME_SIZE - 1);
    }
    require(c, driver->summary != NULL, "a summary");
    for (unsigned i = 0; driver->options != NULL && driver->options[i] != NULL; i++) {
        if (i == OPTIONS_MOST) {
            wrong(c, "it has more than %u options, or no NULL at the end of them", OPTIONS_MOST);
            return;
        }
        if (!is_word(driver->options[i])) {
            wrong(c, "its option %u is '%.40s': expected small letters, digits and '-'", i, driver->options[i]);
        }
    }
}

static bool is_power_of_two(size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static void check_numbers(struct contract *c)
{
    const struct steve_driver *driver = c->driver;
    const uint64_t heap_min = driver->heap_min;
    if (!is_power_of_two(driver->alignment)) {
        wrong(c, "its alignment is %zu: expected a power of two", driver->alignment);
    }
    if (driver->region_alignment != 0 && !is_power_of_two(driver->region_alignment)) {
        wrong(c, "its region_alignment is %zu: expected a power of two, or 0", driver->region_alignment);
    }
    if (driver->region_alignment > STEVE_REGION_UNIT) {
        wrong(c, "its region_alignment is %zu: regions are aligned to %zu at most", driver->region_alignment,
              STEVE_REGION_UNIT);
    }
    if ((driver->promises & STEVE_PROMISE_RELOCATABLE) != 0 && driver->alignment > STEVE_REGION_UNIT) {
        wrong(c, "it has STEVE_PROMISE_RELOCATABLE, and its alignment is %zu: bases are alike to %zu at most",
              driver->alignment, STEVE_REGION_UNIT);
    }
    if (driver->aligned == NULL && driver->largest_aligned != 0) {
        wrong(c, "its largest_aligned is %zu, and it has no aligned", driver->largest_aligned);
    }
    if (driver->aligned != NULL && !is_power_of_two(driver->largest_aligned)) {
        wrong(c, "it has aligned, and its largest_aligned is %zu: expected a power of two", driver->largest_aligned);
    }
    if (heap_min > STEVE_HEAP_LIMIT) {
        wrong(c, "its heap_min is %zu bytes: no heap has more than %llu", driver->heap_min,
              (unsigned long long)STEVE_HEAP_LIMIT);
    }
    if (driver->heap_max != 0 && driver->heap_max < driver->heap_min) {
        wrong(c, "its heap_max of %zu bytes is less than its heap_min of %zu", driver->heap_max, driver->heap_min);
    }
    if ((driver->promises & ~ALL_PROMISES) != 0) {
        wrong(c, "it promises 0x%lx, which means nothing", (unsigned long)(driver->promises & ~ALL_PROMISES));
    }
    if ((unsigned)driver->zero_size > STEVE_ZERO_REFUSED) {
        wrong(c, "its zero_size is %u: expected one of enum steve_zero_size", (unsigned)driver->zero_size);
    }
    if ((unsigned)driver->failed_resize > STEVE_FAILED_RESIZE_FREES) {
        wrong(c, "its failed_resize is %u: expected one of enum steve_failed_resize", (unsigned)driver->failed_resize);
    }
}

static void check_snippets(struct contract *c)
{
    const struct steve_snippets *s = c->driver->snippets;
    if (s == NULL) {
        return;
    }
    const struct {
        const char *text;
        const char *name;
    } required[] = {
        {s->compile, "compile"},         {s->compile_where, "compile_where"},
        {s->handle_type, "handle_type"}, {s->no_handle, "no_handle"},
        {s->malloc, "malloc"},           {s->free, "free"},
        {s->address, "address"},
    };
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (required[i].text == NULL) {
            wrong(c, "its snippets lack %s, without which no program can be written", required[i].name);
        }
    }
}

size_t steve_driver_contradictions(const struct steve_driver *driver, steve_say *say, void *context)
{
    struct contract c = {.driver = driver, .say = say, .context = context};
    if (driver == NULL) {
        wrong(&c, "there is no driver");
        return c.count;
    }
    if (driver->version != STEVE_DRIVER_VERSION) {
        wrong(&c, "it was made for version %lu of steve/driver.h, and this is version %u: it has to be compiled anew",
              (unsigned long)driver->version, STEVE_DRIVER_VERSION);
        return c.count;
    }
    check_words(&c);
    require(&c, driver->open != NULL, "open");
    require(&c, driver->close != NULL, "close");
    require(&c, driver->malloc != NULL, "malloc");
    require(&c, driver->free != NULL, "free");
    check_numbers(&c);
    check_needs(&c);
    check_snippets(&c);
    return c.count;
}
