/// The bench: what a lock+unlock pair costs, on random blocks, by calls and inline, beside two calls that do nothing and a bare add and
/// subtract in a table as large.
#include "steve/cli/bench_client.h"

#include "jeff_inline.h"

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

/// What stands between lock and unlock in a client's program, as far as the compiler knows.
static inline void use(void)
{
    __asm__ volatile("" ::: "memory");
}

static uint64_t time_inline(jeff_heap *heap, const jeff_handle *handle, size_t count, bool *all)
{
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        *all &= jeff_lock_inline(heap, handle[i]) != NULL;
        use();
        *all &= jeff_unlock_inline(heap, handle[i]);
    }
    return bench_now_ns() - begin;
}

static void *lock_nothing(jeff_heap *heap, jeff_handle handle)
{
    (void)handle;
    return heap;
}

static bool unlock_nothing(jeff_heap *heap, jeff_handle handle)
{
    (void)heap;
    return handle != JEFF_NULL;
}

/// Pairs by calls that the compiler cannot see through.
static uint64_t time_calls(void *(*pin)(jeff_heap *, jeff_handle), bool (*unpin)(jeff_heap *, jeff_handle),
                           jeff_heap *heap, const jeff_handle *handle, size_t count, bool *all)
{
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        *all &= pin(heap, handle[i]) != NULL;
        *all &= unpin(heap, handle[i]);
    }
    return bench_now_ns() - begin;
}

/// Times `count` pairs call by call, and prints the spread of both, of lock's and of unlock's.
static bool print_singles(const struct bench_client *client, const jeff_handle *handle, size_t count)
{
    struct bench_timer timer = bench_timer_calibrate();
    struct bench_values both = {0}, lock_ns = {0}, unlock_ns = {0};
    bool all = bench_values_reserve(&both, count) && bench_values_reserve(&lock_ns, count) &&
               bench_values_reserve(&unlock_ns, count);
    for (size_t i = 0; i < count && all; i++) {
        uint64_t before = bench_ticks();
        all = client->jeff_pin(client->heap, handle[i]);
        uint64_t between = bench_ticks();
        all = client->jeff_unpin(client->heap, handle[i]) && all;
        uint64_t after = bench_ticks();
        double locked = bench_timer_ns(&timer, before, between), unlocked = bench_timer_ns(&timer, between, after);
        bench_values_push(&lock_ns, locked);
        bench_values_push(&unlock_ns, unlocked);
        bench_values_push(&both, locked + unlocked);
    }
    bench_print_spread(&both);
    bench_print_spread(&lock_ns);
    bench_print_spread(&unlock_ns);
    return all;
}

bool bench_lock(const struct bench_task *task)
{
    struct bench_stage stage;
    if (!bench_stage_open(&stage, task, 0))
        return false;
    const struct bench_client *client = &stage.client;
    const size_t pairs = task->count + task->singles;
    const uint32_t *order = stage.sequence.victim + stage.sequence.warm_up;
    // Handles are read in sequence as well: where a client keeps them is not Jeff's cost.
    jeff_handle *handle = bench_memory(pairs * sizeof *handle);
    for (size_t i = 0; i < pairs; i++)
        handle[i] = stage.block[order[i]];

    void *(*volatile pin)(jeff_heap *, jeff_handle) = lock_nothing;
    bool (*volatile unpin)(jeff_heap *, jeff_handle) = unlock_nothing;
    bool all = true;
    const uint64_t ns[] = {
        time_calls(client->jeff_pin, client->jeff_unpin, client->heap, handle, task->count, &all),
        time_inline(client->heap, handle, task->count, &all),
        time_calls(pin, unpin, client->heap, handle, task->count, &all),
        time_bare_table(order, task->count, task->live),
    };
    if (!all)
        return bench_client_refused(client, task);
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
        printf("%.3f\n", (double)ns[i] / (double)task->count);
    all = print_singles(client, handle + task->count, task->singles) || bench_client_refused(client, task);
    bench_stage_close(&stage, task);
    return all;
}
