/// Fuzzes Jeff: the input is a sequence in its byte form (steve/core/codec.h), run on a fresh heap under every oracle.
///
/// Covers: all ops of a sequence on the drivers of Jeff (in a given region, the same with 8-byte alignment, over its own pages);
/// heaps of 1 byte to 4 MiB at any base, clean or dirty; all options of the drivers; the end of the episode (drain, capacity).
/// The header's wire id chooses the driver; an id that no driver has means the first.
///
/// Does not cover: the other drivers, and larger heaps (an input that names one passes unseen); callbacks of Jeff that no op reaches; two
/// bases side by side (the oracle `metamorphic`), hangs and memory by Steve's own measure (the engines have theirs): `steve run` does.
///
/// What runs is exactly what the bytes say, up to MAX_OPS ops, so that `steve replay` of a crash file shows the same.
#include "fuzz/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/core/exec.h"
#include "steve/drivers/drivers.h"

/// Longer inputs are slow, and what they show a shorter one shows as well.
#define MAX_OPS 4096u

/// Jeff copies what it moves and zeroes what calloc asks for: in a large heap one op can cost seconds and gigabytes. The profile
/// `big` of `steve run` chooses its ops with care for that; a mutation cannot.
#define MAX_HEAP ((uint64_t)4 << 20)

#define MAX_EXECUTORS 8u

/// One for each driver of Jeff, made once: an episode then allocates nothing.
static struct executor {
    const struct steve_driver *driver;
    struct steve_exec *exec;
} executors[MAX_EXECUTORS];
static size_t executor_count;

static bool is_jeff(const struct steve_driver *driver)
{
    return strcmp(driver->name, "jeff") == 0 || strncmp(driver->name, "jeff-", 5) == 0;
}

static struct steve_exec *make_executor(const struct steve_driver *driver)
{
    const char *why = "";
    struct steve_exec *exec =
        steve_exec_new(&(struct steve_exec_config){.driver = driver, .level = STEVE_CHECK_NORMAL}, &why);
    if (exec == NULL) {
        fprintf(stderr, "fuzz_jeff: no executor for driver %s: %s\n", driver->name, why);
        exit(3);
    }
    return exec;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < steve_drivers.count && executor_count < MAX_EXECUTORS; i++) {
        const struct steve_driver *driver = steve_drivers.drivers[i];
        if (is_jeff(driver))
            executors[executor_count++] = (struct executor){driver, make_executor(driver)};
    }
    return 0;
}

/// @return NULL if the header names another allocator than Jeff
static struct steve_exec *executor_for(const struct steve_header *header)
{
    if (header->driver[0] == '\0')
        return executors[0].exec;
    for (size_t i = 0; i < executor_count; i++) {
        if (strcmp(executors[i].driver->name, header->driver) == 0)
            return executors[i].exec;
    }
    return NULL;
}

static void report(const struct steve_exec *exec)
{
    const struct steve_finding *finding = steve_exec_finding(exec);
    fprintf(stderr, "fuzz_jeff: oracle=%s op=%" PRIu64 " %s\n", steve_oracle_name(finding->oracle), finding->op,
            finding->what);
    abort();
}

static enum steve_outcome run(struct steve_exec *exec, const uint8_t *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct steve_op op = steve_bytes_decode_op(records + i * STEVE_BYTES_RECORD);
        if (op.code != STEVE_OP_NONE && steve_exec_step(exec, op) == STEVE_FOUND)
            return STEVE_FOUND;
    }
    return steve_exec_end(exec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct steve_header header;
    const char *why;

    steve_bytes_decode_header(&steve_drivers, data, size, &header);
    struct steve_exec *exec = executor_for(&header);
    if (exec == NULL || header.heap_bytes > MAX_HEAP || !steve_exec_begin(exec, &header, &why))
        return 0;

    size_t count = size < STEVE_BYTES_HEADER ? 0 : (size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
    if (count > MAX_OPS)
        count = MAX_OPS;
    // Without records `data` may be NULL, which arithmetic does not like.
    if (run(exec, count == 0 ? NULL : data + STEVE_BYTES_HEADER, count) == STEVE_FOUND)
        report(exec);
    return 0;
}
