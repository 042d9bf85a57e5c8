/// The bench: what a block takes beyond what was asked for, and how full a heap is when it first refuses a request.
///
/// - Space: blocks are allocated one after the other and written whole; how much more memory is resident then, the requests taken off,
///   is what the allocator adds. No allocator is asked, so that all are measured alike; of Jeff its statistics are
///   told as well. A request is rounded up to 16 bytes first: alignment asks for that of everyone.
/// - Refusal: a heap is filled to four fifths, then churned, a block more every eight pairs, until a request is refused, the last
///   resort included.
#include "steve/cli/bench_client.h"

#include <string.h>

/// Resident memory of this process in bytes; exact, unlike /proc/self/statm, whose counters lag behind.
static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    if (!file)
        return 0;
    char line[256];
    size_t kilobytes = 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %zu kB", &kilobytes) == 1)
            break;
    fclose(file);
    return kilobytes * 1024;
}

bool bench_overhead(const struct bench_task *task)
{
    struct bench_sequence sequence = bench_make_sequence(task, 0);
    size_t requested = 0, rounded = 0;
    for (size_t i = 0; i < task->live; i++) {
        requested += sequence.first_size[i];
        rounded += (sequence.first_size[i] + (size_t)15) / 16 * 16;
    }
    size_t bench_own = (task->live * sizeof(uint64_t) + 4095) / 4096 * 4096; // made by bench_client_fill()
    resident_bytes();                                                        // stdio's buffers are there now
    size_t before = resident_bytes();
    struct bench_client client;
    if (!bench_client_open(&client, task, &sequence))
        return false;
    const uint64_t *block = bench_client_fill(&client, task, &sequence, SIZE_MAX);
    if (!block)
        return false;
    size_t after = resident_bytes();
    if (!before || !after) {
        fprintf(stderr, "steve bench: /proc/self/smaps_rollup does not tell how much memory is resident\n");
        return false;
    }
    double blocks = (double)task->live, stated = 0;
    if (client.heap) {
        struct jeff_stats stats;
        jeff_stats(client.heap, &stats);
        stated = ((double)(stats.live_bytes + stats.table_bytes) - (double)rounded) / blocks;
    }
    bench_client_close(&client, block, task->live);
    double figure[BENCH_OVERHEAD_FIGURES] = {
        [BENCH_OVERHEAD_RESIDENT] = ((double)after - (double)before - (double)bench_own - (double)rounded) / blocks,
        [BENCH_OVERHEAD_STATS] = stated,
        [BENCH_OVERHEAD_ROUNDING] = (double)(rounded - requested) / blocks,
    };
    for (int i = 0; i < BENCH_OVERHEAD_FIGURES; i++)
        printf("%.3f\n", figure[i]);
    return true;
}

struct holding {
    jeff_heap *heap;
    jeff_handle *handle;
    uint16_t *size;
    size_t count;
    size_t most; ///< room in the two lists
    size_t payload_bytes;
    uint64_t state; ///< of the random numbers
};

/// Allocates one more block. @return false if it was refused
static bool add(struct holding *holding)
{
    uint16_t bytes = bench_random_size(&holding->state);
    jeff_handle handle = holding->count < holding->most ? jeff_malloc(holding->heap, bytes) : JEFF_NULL;
    if (handle == JEFF_NULL)
        return false;
    holding->handle[holding->count] = handle;
    holding->size[holding->count++] = bytes;
    holding->payload_bytes += bytes;
    return true;
}

static void remove_any(struct holding *holding)
{
    size_t victim = bench_random_below(&holding->state, (uint32_t)holding->count);
    jeff_free(holding->heap, holding->handle[victim]);
    holding->payload_bytes -= holding->size[victim];
    holding->count--;
    holding->handle[victim] = holding->handle[holding->count];
    holding->size[victim] = holding->size[holding->count];
}

bool bench_refusal(const struct bench_task *task)
{
    enum { PAIRS_A_BLOCK_MORE = 8 };
    size_t bytes = task->heap_bytes, most = bytes / 64;
    enum jeff_status status = JEFF_OK;
    struct holding holding = {
        .heap = jeff_init(bench_memory(bytes), bytes, NULL, &status),
        .handle = bench_memory(most * sizeof *holding.handle),
        .size = bench_memory(most * sizeof *holding.size),
        .most = most,
        .state = task->seed,
    };
    if (!holding.heap) {
        fprintf(stderr, "steve bench: jeff_init: %s\n", jeff_strerror(status));
        return false;
    }
    bool served = true;
    while (served && holding.payload_bytes < bytes / 5 * 4)
        served = add(&holding);
    for (size_t pairs = 1; served; pairs++) {
        remove_any(&holding);
        served = add(&holding) && (pairs % PAIRS_A_BLOCK_MORE != 0 || add(&holding));
    }
    struct jeff_stats stats;
    jeff_stats(holding.heap, &stats);
    printf("%.4f\n%.4f\n", 100 * (double)holding.payload_bytes / (double)bytes,
           100 * (double)stats.free_bytes / (double)bytes);
    return true;
}
