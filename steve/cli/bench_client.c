/// The bench: opening Jeff's heap, or malloc, and filling it.
#include "steve/cli/bench_client.h"

#include <stdlib.h>

static void *zeroed(size_t bytes)
{
    return calloc(1, bytes);
}

static jeff_handle jeff_zeroed(jeff_heap *heap, size_t bytes)
{
    return jeff_calloc(heap, 1, bytes);
}

static void *(*volatile allocate)(size_t) = malloc;
static void *(*volatile allocate_zeroed)(size_t) = zeroed;
static jeff_handle (*volatile jeff_allocate_zeroed)(jeff_heap *, size_t) = jeff_zeroed;
static void (*volatile release)(void *) = free;
static void *(*volatile reallocate)(void *, size_t) = realloc;
static jeff_handle (*volatile jeff_allocate)(jeff_heap *, size_t) = jeff_malloc;
static bool (*volatile jeff_release)(jeff_heap *, jeff_handle) = jeff_free;
static bool (*volatile jeff_change)(jeff_heap *, jeff_handle, size_t) = jeff_resize;
static void *(*volatile jeff_pin)(jeff_heap *, jeff_handle) = jeff_lock;
static bool (*volatile jeff_unpin)(jeff_heap *, jeff_handle) = jeff_unlock;

/// The least region that holds a heap's own data, `live` handles, and so many percent of all that.
static size_t tight_region(const struct bench_task *task, size_t steady_bytes)
{
    const size_t entry_bytes = 12; // see jeff_extent()
    size_t probe_bytes = (size_t)1 << 20;
    struct jeff_stats stats;
    jeff_stats(jeff_init(bench_memory(probe_bytes), probe_bytes, NULL, NULL), &stats);
    size_t needed = steady_bytes + task->live * entry_bytes;
    return stats.control_bytes + needed / 100 * task->heap_percent + needed % 100 * task->heap_percent / 100;
}

bool bench_client_open(struct bench_client *client, const struct bench_task *task,
                       const struct bench_sequence *sequence)
{
    enum jeff_status status = JEFF_OK;
    *client = (struct bench_client){
        .allocate = task->zeroed ? allocate_zeroed : allocate,
        .release = release,
        .reallocate = reallocate,
        .jeff_allocate = task->zeroed ? jeff_allocate_zeroed : jeff_allocate,
        .jeff_release = jeff_release,
        .jeff_change = jeff_change,
        .jeff_pin = jeff_pin,
        .jeff_unpin = jeff_unpin,
    };
    if (task->allocator != BENCH_JEFF)
        return true;
    if (task->heap_percent || task->heap_bytes) {
        size_t bytes = task->heap_bytes ? task->heap_bytes : tight_region(task, sequence->steady_bytes);
        client->heap = jeff_init(bench_memory(bytes), bytes, NULL, &status);
    } else {
        client->heap = jeff_create(0, NULL, &status);
    }
    if (!client->heap)
        fprintf(stderr, "steve bench: jeff makes no heap: %s\n", jeff_strerror(status));
    return client->heap;
}

void bench_client_close(struct bench_client *client, const uint64_t *block, size_t count)
{
    for (size_t i = 0; i < count; i++)
        client_free(client, block[i]);
    jeff_destroy(client->heap);
    client->heap = NULL;
}

bool bench_client_refused(const struct bench_client *client, const struct bench_task *task)
{
    fprintf(stderr, "steve bench: %s refused a request%s%s\n", bench_allocators[task->allocator].name,
            client->heap ? ": " : "", client->heap ? jeff_strerror(jeff_last_status(client->heap)) : "");
    return false;
}

uint64_t *bench_client_fill(const struct bench_client *client, const struct bench_task *task,
                            const struct bench_sequence *sequence, size_t touched_bytes)
{
    uint64_t *block = bench_memory(task->live * sizeof *block);
    for (size_t i = 0; i < task->live; i++) {
        block[i] = client_malloc(client, sequence->first_size[i]);
        bool there =
            block[i] && (!touched_bytes || client_touch(client, block[i], sequence->first_size[i], touched_bytes));
        if (!there && !task->heap_percent) {
            bench_client_refused(client, task);
            return NULL;
        }
    }
    return block;
}

bool bench_stage_open(struct bench_stage *stage, const struct bench_task *task, size_t touched_bytes)
{
    const size_t warm_up = 2 * task->live, measured_end = warm_up + task->count;
    stage->sequence = bench_make_sequence(task, measured_end + task->singles);
    stage->sequence.warm_up = warm_up;
    stage->sequence.measured_end = measured_end;
    if (!bench_client_open(&stage->client, task, &stage->sequence))
        return false;
    stage->block = bench_client_fill(&stage->client, task, &stage->sequence, touched_bytes);
    return stage->block;
}

void bench_stage_close(struct bench_stage *stage, const struct bench_task *task)
{
    bench_client_close(&stage->client, stage->block, task->live);
}
