/// The bench that compares: scripts, and the life that is drawn.
#define _GNU_SOURCE
#include "steve/cli/bench_script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steve/cli/bench_internal.h"

enum { LARGER = 4 }; ///< the second half's blocks

bool bench_script_push(struct bench_script *script, struct bench_call call)
{
    if (script->calls == script->capacity) {
        size_t capacity = script->capacity ? 2 * script->capacity : 4096;
        struct bench_call *more = realloc(script->call, capacity * sizeof *more);
        if (!more)
            return false;
        script->call = more;
        script->capacity = capacity;
    }
    if (call.slot >= script->slots)
        script->slots = (size_t)call.slot + 1;
    if (call.kind == BENCH_CALL_OPEN && call.bytes > script->most_heap)
        script->most_heap = (size_t)call.bytes;
    script->call[script->calls++] = call;
    return true;
}

void bench_script_free(struct bench_script *script)
{
    free(script->call);
    *script = (struct bench_script){0};
}

/// A life in the making.
struct life {
    struct bench_script *script;
    uint32_t *slot; ///< the live ones come first, then those that are free
    uint16_t *size; ///< by slot
    size_t live, payload;
    uint64_t random;
    uint16_t factor; ///< of sizes
};

static bool make_one(struct life *life)
{
    const uint32_t slot = life->slot[life->live++];
    const uint16_t size = (uint16_t)(bench_random_size(&life->random) * life->factor);
    life->size[slot] = size;
    life->payload += size;
    if (life->payload > life->script->most_payload)
        life->script->most_payload = life->payload;
    return bench_script_push(life->script, (struct bench_call){size, slot, BENCH_CALL_MALLOC, 0});
}

static bool free_one(struct life *life)
{
    const size_t victim = bench_random_below(&life->random, (uint32_t)life->live);
    const uint32_t slot = life->slot[victim];
    life->slot[victim] = life->slot[--life->live];
    life->slot[life->live] = slot;
    life->payload -= life->size[slot];
    return bench_script_push(life->script, (struct bench_call){0, slot, BENCH_CALL_FREE, 0});
}

static bool resize_to(struct life *life, size_t live)
{
    bool all = true;
    while (all && life->live != live)
        all = life->live < live ? make_one(life) : free_one(life);
    return all;
}

static bool churn(struct life *life, size_t pairs)
{
    bool all = true;
    for (size_t i = 0; i < pairs && all; i++)
        all = free_one(life) && make_one(life);
    return all;
}

static bool draw(struct life *life, size_t live)
{
    bool all = resize_to(life, live) && churn(life, 2 * live) && resize_to(life, live / 2);
    life->factor = LARGER;
    return all && resize_to(life, live) && churn(life, 2 * live) && resize_to(life, live / 4);
}

bool bench_script_draw(struct bench_script *script, size_t live, uint64_t seed)
{
    struct life life = {.script = script, .random = seed, .factor = 1};
    *script = (struct bench_script){0};
    life.slot = malloc(live * sizeof *life.slot);
    life.size = malloc(live * sizeof *life.size);
    bool all = life.slot && life.size && bench_script_push(script, (struct bench_call){.kind = BENCH_CALL_OPEN});
    for (size_t i = 0; i < live && all; i++)
        life.slot[i] = (uint32_t)i;
    all = all && draw(&life, live);
    free(life.slot);
    free(life.size);
    if (all)
        script->call[0].bytes = script->most_heap = 2 * script->most_payload;
    return all;
}

static bool write_all(int file, const void *memory, size_t bytes)
{
    for (const char *at = memory; bytes > 0;) {
        const ssize_t written = write(file, at, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        bytes -= (size_t)written;
    }
    return true;
}

int bench_script_share(const struct bench_script *script)
{
    int file = memfd_create("steve-bench-script", 0); // to be inherited, unlike all others
    if (file >= 0 && write_all(file, script->call, script->calls * sizeof *script->call))
        return file;
    fprintf(stderr, "steve bench: no memory for %zu calls: %s\n", script->calls, strerror(errno));
    if (file >= 0)
        close(file);
    return -1;
}

bool bench_script_inherit(int number, struct bench_script *script)
{
    struct stat status;
    *script = (struct bench_script){0};
    if (fstat(number, &status) != 0 || status.st_size < (off_t)sizeof *script->call)
        return false;
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, number, 0);
    if (memory == MAP_FAILED)
        return false;
    script->call = memory;
    script->calls = (size_t)status.st_size / sizeof *script->call;
    for (size_t i = 0; i < script->calls; i++)
        if (script->call[i].slot >= script->slots)
            script->slots = (size_t)script->call[i].slot + 1;
    return script->call[0].kind == BENCH_CALL_OPEN;
}
