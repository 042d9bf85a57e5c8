/// The bench: what a lock+unlock pair costs, on random blocks, beside a bare add and subtract in a table as large.
#include "steve/cli/bench_client.h"

/// The yardstick: what it costs to add to and take from a random entry of a table of 12 bytes an entry.
static uint64_t time_bare_table(const uint32_t *order, size_t count, size_t live)
{
    struct entry {
        uint32_t word[3];
    } *table = bench_memory(live * sizeof *table);
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        volatile uint32_t *locks = &table[order[i]].word[2];
        *locks = *locks + 1;
        *locks = *locks - 1;
    }
    return bench_now_ns() - begin;
}

/// Times `count` pairs singly and prints their spread.
static bool print_singles(const struct bench_client *client, const jeff_handle *handle, size_t count)
{
    struct bench_timer timer = bench_timer_calibrate();
    struct bench_values ns = {0};
    bool all = true;
    for (size_t i = 0; i < count && all; i++) {
        uint64_t begin = bench_ticks();
        all = client->jeff_pin(client->heap, handle[i]) && client->jeff_unpin(client->heap, handle[i]);
        uint64_t end = bench_ticks();
        all = all && bench_values_push(&ns, bench_timer_ns(&timer, begin, end));
    }
    double spread[BENCH_SINGLES];
    bench_spread(&ns, spread);
    for (int i = 0; i < BENCH_SINGLES; i++)
        printf("%.1f\n", spread[i]);
    bench_values_free(&ns);
    return all;
}

bool bench_lock(const struct bench_task *task)
{
    size_t pairs = task->count + task->singles;
    struct bench_sequence sequence = bench_make_sequence(task, pairs);
    struct bench_client client;
    if (!bench_client_open(&client, task, &sequence))
        return false;
    uint64_t *block = bench_client_fill(&client, task, &sequence, 0);
    if (!block)
        return false;
    // Handles are read in sequence as well: where a client keeps them is not Jeff's cost.
    jeff_handle *handle = bench_memory(pairs * sizeof *handle);
    for (size_t i = 0; i < pairs; i++)
        handle[i] = block[sequence.victim[i]];

    bool all = true;
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < task->count; i++) {
        all &= client.jeff_pin(client.heap, handle[i]) != NULL;
        all &= client.jeff_unpin(client.heap, handle[i]);
    }
    uint64_t ns = bench_now_ns() - begin;
    if (!all)
        return bench_client_refused(&client, task);
    printf("%.3f\n", (double)ns / (double)task->count);
    if (!print_singles(&client, handle + task->count, task->singles))
        return bench_client_refused(&client, task);
    printf("%.3f\n", (double)time_bare_table(sequence.victim, task->count, task->live) / (double)task->count);
    bench_client_close(&client, block, task->live);
    return true;
}
