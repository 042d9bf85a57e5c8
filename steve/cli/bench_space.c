/// The bench: what a block takes beyond what was asked for, and how full a heap is when it first refuses a request.
///
/// - Space: blocks are allocated one after the other and written whole; how much more memory is resident then, the requests taken off,
///   is what the allocator adds. No allocator is asked, so that all are measured alike; of Jeff its statistics are
///   told as well. A request is rounded up to 16 bytes first: alignment asks for that of everyone.
/// - Refusal: a heap is filled to four fifths, then churned, a block more every eight pairs, until a request is refused, the last
///   resort included. A malloc library has no heap of a given size: it is stopped when its resident memory has grown to that size.
#include "steve/cli/bench_client.h"

bool bench_overhead(const struct bench_task *task)
{
    struct bench_sequence sequence = bench_make_sequence(task, 0);
    size_t requested = 0, rounded = 0;
    for (size_t i = 0; i < task->live; i++) {
        requested += sequence.first_size[i];
        rounded += (sequence.first_size[i] + (size_t)15) / 16 * 16;
    }
    size_t bench_own = (task->live * sizeof(uint64_t) + 4095) / 4096 * 4096; // made by bench_client_fill()
    size_t before = bench_resident_bytes();
    struct bench_client client;
    if (!bench_client_open(&client, task, &sequence))
        return false;
    const uint64_t *block = bench_client_fill(&client, task, &sequence, SIZE_MAX);
    if (!block)
        return false;
    size_t after = bench_resident_bytes();
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
    struct bench_client client;
    uint64_t *block;
    uint16_t *size;
    size_t count;
    size_t most; ///< room in the two lists
    size_t payload_bytes;
    size_t limit_bytes; ///< of resident memory, where the allocator itself knows no limit
    uint64_t state;     ///< of the random numbers
    size_t looks;
};

/// Whether the memory of an allocator has grown to its limit. Looked at now and then: the system takes its time to tell.
static bool is_used_up(struct holding *holding)
{
    enum { ADDS_A_LOOK = 64 };
    return !holding->client.heap && ++holding->looks % ADDS_A_LOOK == 0 &&
           bench_resident_bytes() > holding->limit_bytes;
}

/// Allocates one more block, and writes all of it. @return false if it was refused, or memory is used up
static bool add(struct holding *holding)
{
    uint16_t bytes = bench_random_size(&holding->state);
    uint64_t block = holding->count < holding->most ? client_malloc(&holding->client, bytes) : 0;
    if (!block || !client_touch(&holding->client, block, bytes, SIZE_MAX))
        return false;
    holding->block[holding->count] = block;
    holding->size[holding->count++] = bytes;
    holding->payload_bytes += bytes;
    return !is_used_up(holding);
}

static void remove_any(struct holding *holding)
{
    size_t victim = bench_random_below(&holding->state, (uint32_t)holding->count);
    client_free(&holding->client, holding->block[victim]);
    holding->payload_bytes -= holding->size[victim];
    holding->count--;
    holding->block[victim] = holding->block[holding->count];
    holding->size[victim] = holding->size[holding->count];
}

bool bench_refusal(const struct bench_task *task)
{
    enum { PAIRS_A_BLOCK_MORE = 8 };
    size_t bytes = task->heap_bytes, most = bytes / 64;
    struct holding holding = {
        .block = bench_memory(most * sizeof *holding.block),
        .size = bench_memory(most * sizeof *holding.size),
        .most = most,
        .state = task->seed,
    };
    const size_t before = bench_resident_bytes();
    holding.limit_bytes = before + bytes;
    if (!before) {
        fprintf(stderr, "steve bench: /proc/self/smaps_rollup does not tell how much memory is resident\n");
        return false;
    }
    if (!bench_client_open(&holding.client, task, NULL))
        return false;
    bool served = true;
    while (served && holding.payload_bytes < bytes / 5 * 4)
        served = add(&holding);
    for (size_t pairs = 1; served; pairs++) {
        remove_any(&holding);
        served = add(&holding) && (pairs % PAIRS_A_BLOCK_MORE != 0 || add(&holding));
    }
    struct jeff_stats stats = {0};
    if (holding.client.heap)
        jeff_stats(holding.client.heap, &stats);
    printf("%.4f\n%.4f\n", 100 * (double)holding.payload_bytes / (double)bytes,
           100 * (double)stats.free_bytes / (double)bytes);
    bench_client_close(&holding.client, holding.block, holding.count);
    return true;
}
