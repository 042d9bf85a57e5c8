/// The bench: what a malloc+free pair costs in steady churn, also in a heap that holds little more than what is live.
///
/// Before measuring, every block has been replaced twice on average. Then pairs are timed all together, and after that a few more with
/// each call timed singly. A heap that is all but full may refuse a request: that is counted, the block is missing until its
/// turn comes again, and what such pairs cost counts as well. Measuring ends after a second or two, however few pairs that makes.
#include "steve/cli/bench_client.h"

enum { BATCH = 4096 };
static const uint64_t most_ns = 1500000000;

/// @param touched_bytes and is_jeff are constants where this is inlined, so that each loop holds nothing that it does not need
/// @return how many requests were refused
static inline __attribute__((always_inline)) size_t churn(const struct bench_client *client,
                                                          const struct bench_sequence *sequence, uint64_t *block,
                                                          size_t from, size_t to, bool is_jeff, size_t touched_bytes)
{
    void *(*const allocate)(size_t) = client->allocate;
    void (*const release)(void *) = client->release;
    jeff_handle (*const jeff_allocate)(jeff_heap *, size_t) = client->jeff_allocate;
    bool (*const jeff_release)(jeff_heap *, jeff_handle) = client->jeff_release;
    jeff_heap *const heap = client->heap;
    size_t refused = 0;
    for (size_t i = from; i < to; i++) {
        uint64_t *victim = &block[sequence->victim[i]];
        size_t size = sequence->size[i];
        uint64_t fresh;
        if (is_jeff) {
            jeff_release(heap, *victim);
            fresh = jeff_allocate(heap, size);
        } else {
            release((void *)(uintptr_t)*victim);
            fresh = (uint64_t)(uintptr_t)allocate(size);
        }
        *victim = fresh;
        refused += !fresh;
        if (touched_bytes && fresh)
            client_touch(client, fresh, size, touched_bytes);
    }
    return refused;
}

static size_t churn_batch(const struct bench_client *client, const struct bench_task *task,
                          const struct bench_sequence *sequence, uint64_t *block, size_t from, size_t to)
{
    bool is_jeff = client->heap;
    size_t touched = task->touched_bytes;
    if (is_jeff)
        return touched ? churn(client, sequence, block, from, to, true, touched)
                       : churn(client, sequence, block, from, to, true, 0);
    return touched ? churn(client, sequence, block, from, to, false, touched)
                   : churn(client, sequence, block, from, to, false, 0);
}

struct churned {
    size_t pairs;
    size_t refused;
    uint64_t ns;
};

/// Pairs `from` up to `to`, or as many as there is time for.
static struct churned churn_timed(const struct bench_client *client, const struct bench_task *task,
                                  const struct bench_sequence *sequence, uint64_t *block, size_t from, size_t to)
{
    struct churned churned = {0};
    uint64_t begin = bench_now_ns();
    while (from < to && churned.ns < most_ns) {
        size_t end = to - from > BATCH ? from + BATCH : to;
        churned.refused += churn_batch(client, task, sequence, block, from, end);
        churned.pairs += end - from;
        churned.ns = bench_now_ns() - begin;
        from = end;
    }
    return churned;
}

/// Times the last pairs of the sequence call by call, and prints the spread of both, of malloc's and of free's.
static bool print_singles(const struct bench_client *client, const struct bench_sequence *sequence, uint64_t *block)
{
    struct bench_timer timer = bench_timer_calibrate();
    struct bench_values both = {0}, malloc_ns = {0}, free_ns = {0};
    size_t count = sequence->pairs - sequence->measured_end;
    if (!bench_values_reserve(&both, count) || !bench_values_reserve(&malloc_ns, count) ||
        !bench_values_reserve(&free_ns, count))
        return false;
    uint64_t begin_ns = bench_now_ns();
    for (size_t i = sequence->measured_end; i < sequence->pairs; i++) {
        uint64_t *victim = &block[sequence->victim[i]];
        uint64_t before = bench_ticks();
        client_free(client, *victim);
        uint64_t between = bench_ticks();
        *victim = client_malloc(client, sequence->size[i]);
        uint64_t after = bench_ticks();
        double freed = bench_timer_ns(&timer, before, between), made = bench_timer_ns(&timer, between, after);
        bench_values_push(&free_ns, freed);
        bench_values_push(&malloc_ns, made);
        bench_values_push(&both, freed + made);
        if (i % BATCH == 0 && bench_now_ns() - begin_ns > most_ns)
            break;
    }
    bench_print_spread(&both);
    bench_print_spread(&malloc_ns);
    bench_print_spread(&free_ns);
    return true;
}

bool bench_pair(const struct bench_task *task)
{
    struct bench_stage stage;
    if (!bench_stage_open(&stage, task, 0))
        return false;
    const struct bench_client *client = &stage.client;
    const struct bench_sequence *sequence = &stage.sequence;
    churn_timed(client, task, sequence, stage.block, 0, sequence->warm_up);
    struct churned churned =
        churn_timed(client, task, sequence, stage.block, sequence->warm_up, sequence->measured_end);
    if (churned.refused && !task->heap_percent)
        return bench_client_refused(client, task);
    printf("%.3f\n%.6f\n", (double)churned.ns / (double)churned.pairs, (double)churned.refused / (double)churned.pairs);
    bool all = print_singles(client, sequence, stage.block);
    bench_stage_close(&stage, task);
    return all;
}
