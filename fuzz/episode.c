/// One input, one episode: its ops are decoded where they are run. The target's name, for messages, is FUZZ_TARGET.
#include "fuzz/episode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/family.h"
#include "steve/core/codec.h"
#include "steve/core/contract.h"
#include "steve/core/exec.h"
#include "steve/core/shadow.h"
#include "steve/drivers/drivers.h"

/// Longer inputs are slow, and what they show a shorter one shows as well.
#define MAX_OPS 4096u

/// What an input may cost. An allocator copies what it moves and zeroes what calloc asks for: with large blocks one op costs seconds and
/// gigabytes. The profile `big` of `steve run` chooses its ops with care for that; a mutation cannot.
struct allowance {
    size_t live; ///< bytes in live blocks at a time
    size_t work; ///< about how many bytes are written, copied or cleared
};

/// Blocks, heaps and bytes moved are large enough here for all that Jeff does in another way beyond a size.
static const struct allowance ample = {.live = (size_t)4 << 20, .work = (size_t)2 << 20};

#ifdef STEVE_FUZZING
/// What most inputs are given: a quarter of them took two thirds of the time of all, for copying what they had shown with less.
static const struct allowance usual = {.live = (size_t)512 << 10, .work = (size_t)128 << 10};
#define USUAL_WORK_PER_OP ((size_t)2 << 10) ///< if that is more

/// One input in so many is given the ample one, by what is in it: so is what grows out of it, now and then. Of the others half may have
/// large blocks, if they make no work of them: to be seen, some bins of holes want 2 MiB.
#define AMPLE_EVERY 16u
#define ROOMY_EVERY 2u
#endif

/// But in a heap so many times larger nothing moves that no op moves: there a block may be larger than what 28 bits can say.
#define MAX_HUGE_BYTES ((size_t)320 << 20)
#define ROOM_FOR_HUGE  16u

/// One input in so many, by its digest, runs at a second base as well, if where its driver's heap lies must make no difference.
#define TWICE_EVERY 32u

#define MAX_DRIVERS 8u

static const struct steve_driver *drivers[MAX_DRIVERS]; ///< of the family
static size_t driver_count;

static struct steve_exec *here;      ///< the drivers take turns with it
static struct steve_exec *elsewhere; ///< at the second base; NULL: none of them needs it

static void say(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, FUZZ_TARGET ": the driver: %s\n", line);
}

static void require_sound(const struct steve_driver *driver)
{
    if (steve_driver_contradictions(driver, NULL, NULL) == 0)
        return;
    fprintf(stderr, FUZZ_TARGET ": driver %s contradicts itself\n", driver->name);
    steve_driver_contradictions(driver, say, NULL);
    exit(3);
}

static struct steve_exec *make_executor(const struct steve_driver *against, uint8_t base)
{
    const char *why = "";
    const struct steve_exec_config config = {
        .driver = drivers[0],
        .against = against,
        .base_slot = base,
        .level = STEVE_CHECK_NORMAL,
        .keep_open = true,
    };
    struct steve_exec *made = steve_exec_new(&config, &why);
    if (made == NULL) {
        fprintf(stderr, FUZZ_TARGET ": no executor: %s\n", why);
        exit(3);
    }
    return made;
}

/// Whether where its heap lies must make no difference.
static bool is_relocatable(const struct steve_driver *driver)
{
    return (driver->promises & STEVE_PROMISE_RELOCATABLE) != 0;
}

void episode_open(const char *family, const char *against)
{
    const struct steve_driver *rival = against[0] == '\0' ? NULL : steve_catalog_by_name(&steve_drivers, against);
    if (rival == NULL && against[0] != '\0') {
        fprintf(stderr, FUZZ_TARGET ": no driver %s to run against\n", against);
        exit(3);
    }
    bool twice = false;
    for (size_t i = 0; i < steve_drivers.count && driver_count < MAX_DRIVERS; i++) {
        const struct steve_driver *driver = steve_drivers.drivers[i];
        if (family[0] != '\0' && !is_of_family(driver, family))
            continue;
        require_sound(driver);
        drivers[driver_count++] = driver;
        twice |= is_relocatable(driver);
    }
    if (driver_count == 0)
        return;
    here = make_executor(rival, 0);
    elsewhere = twice ? make_executor(NULL, 1) : NULL;
}

/// @return NULL if the header names a driver of another family
static const struct steve_driver *driver_for(const struct steve_header *header)
{
    if (header->driver[0] == '\0')
        return drivers[0];
    for (size_t i = 0; i < driver_count; i++) {
        if (strcmp(drivers[i]->name, header->driver) == 0)
            return drivers[i];
    }
    return NULL;
}

static void report(const struct steve_finding *finding)
{
    fprintf(stderr, FUZZ_TARGET ": oracle=%s op=%" PRIu64 " %s\n", steve_oracle_name(finding->oracle), finding->op,
            finding->what);
    abort();
}

/// By the ops and the geometry, as they are decoded: what has the same meaning has the same allowance.
static struct allowance allowance_by_ops(const struct steve_header *header, const uint8_t *records, size_t count)
{
#ifdef STEVE_FUZZING
    uint64_t digest = header->heap_bytes ^ (uint64_t)header->options << 48 ^ (uint64_t)header->base_offset << 32;
    size_t work = 0;
    for (size_t i = 0; i < count; i++) {
        const struct steve_op op = steve_bytes_decode_op(records + i * STEVE_BYTES_RECORD);
        if (op.code == STEVE_OP_NONE)
            continue;
        uint64_t word;
        static_assert(sizeof word == sizeof op, "an op is a word");
        memcpy(&word, &op, sizeof word);
        digest = (digest ^ word) * UINT64_C(0x9fb21c651e98df25);
        digest ^= digest >> 32;
        work += USUAL_WORK_PER_OP;
    }
    if (digest % AMPLE_EVERY == 0)
        return ample;
    return (struct allowance){
        .live = digest / AMPLE_EVERY % ROOMY_EVERY == 0 ? ample.live : usual.live,
        .work = work > usual.work ? work : usual.work,
    };
#else
    (void)header;
    (void)records;
    (void)count;
    return ample;
#endif
}

static struct allowance allowance_of(const struct steve_driver *driver, const struct steve_header *header,
                                     const uint8_t *records, size_t count)
{
    struct allowance allowance = allowance_by_ops(header, records, count);
    // Other drivers and options of a family move blocks without need.
    if (driver == drivers[0] && header->options == 0 && header->heap_bytes / ROOM_FOR_HUGE >= MAX_HUGE_BYTES)
        allowance.live = MAX_HUGE_BYTES;
    return allowance;
}

/// True if the op may make more live bytes than are allowed. A request beyond the heap is refused and costs nothing.
static bool is_too_expensive(const struct steve_exec *exec, struct steve_op op, uint64_t reach, size_t most)
{
    if (!steve_op_uses_slot(op.code) || !steve_op_uses_size(op.code))
        return false;
    const size_t bytes = steve_view_resolve_size(exec, op);
    return bytes <= reach && bytes > most - steve_view_live_bytes(exec);
}

/// Moving is quicker than writing and comparing, by about that much.
#define MOVED_PER_WORK 4u

/// About how many bytes an op writes, copies or clears, apart from those of blocks that it moves.
static size_t work_of(const struct steve_exec *exec, struct steve_op op, uint64_t reach)
{
    const size_t before = steve_op_uses_slot(op.code) ? steve_view_size(exec, op.slot) : 0;
    if (!steve_op_uses_slot(op.code) || !steve_op_uses_size(op.code))
        return steve_shadow_cost(before);
    const size_t bytes = steve_view_resolve_size(exec, op);
    if (bytes > reach)
        return steve_shadow_cost(before);
    return (op.code == STEVE_OP_CALLOC ? bytes : steve_shadow_cost(bytes)) + (before < bytes ? before : bytes);
}

/// @param reach the largest request that might be served
static enum steve_outcome run(struct steve_exec *exec, uint64_t reach, struct allowance allowance,
                              const uint8_t *records, size_t count)
{
    size_t ops = 0;
    size_t work = 0;
    for (size_t i = 0; i < count; i++) {
        const struct steve_op op = steve_bytes_decode_op(records + i * STEVE_BYTES_RECORD);
        if (op.code == STEVE_OP_NONE)
            continue;
        if (ops == MAX_OPS || is_too_expensive(exec, op, reach, allowance.live))
            break;
        work += work_of(exec, op, reach);
        if (work + steve_view_moved_bytes(exec) / MOVED_PER_WORK > allowance.work)
            break;
        if (steve_exec_step(exec, op) == STEVE_FOUND)
            return STEVE_FOUND;
        ops++;
    }
    return steve_exec_end(exec);
}

/// Runs an input with one executor. @return false if the heap cannot be had
static bool run_on(struct steve_exec *exec, const struct steve_driver *driver, const struct steve_header *header,
                   const uint8_t *data, size_t size)
{
    const char *why;
    steve_exec_drive(exec, driver);
    if (!steve_exec_begin(exec, header, &why))
        return false;
    const size_t count = size < STEVE_BYTES_HEADER ? 0 : (size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
    const bool in_region = (driver->promises & STEVE_PROMISE_REGION) != 0;
    const uint64_t reach = in_region ? header->heap_bytes : STEVE_HEAP_LIMIT;
    // Without records `data` may be NULL, which arithmetic does not like.
    const uint8_t *const records = count == 0 ? NULL : data + STEVE_BYTES_HEADER;
    if (run(exec, reach, allowance_of(driver, header, records, count), records, count) == STEVE_FOUND)
        report(steve_exec_finding(exec));
    return true;
}

uint64_t episode_run(const uint8_t *data, size_t size)
{
    struct steve_header header;
    steve_bytes_decode_header(&steve_drivers, data, size, &header);
    const struct steve_driver *driver = driver_for(&header);
    if (driver == NULL || !run_on(here, driver, &header, data, size))
        return 0;

    const uint64_t digest = steve_exec_digest(here);
    if (is_relocatable(driver) && digest % TWICE_EVERY == 0 && run_on(elsewhere, driver, &header, data, size) &&
        steve_exec_offset_digest(here) != steve_exec_offset_digest(elsewhere))
        report(&(struct steve_finding){
            .oracle = STEVE_ORACLE_METAMORPHIC,
            .what = "the same ops at a congruent base led to other offsets",
        });
    return digest;
}
