/// The bench: what a resize costs. A random block gets a new size of the same distribution; the payload of all of them has been
/// written, so that what must be copied is there. Every block has been resized twice on average before.
#include "steve/cli/bench_client.h"

/// Resizes `from` up to `to` of the sequence. @return false if one was refused
static bool resize(const struct bench_client *client, const struct bench_sequence *sequence, uint64_t *block,
                   size_t from, size_t to)
{
    bool all = true;
    for (size_t i = from; i < to; i++)
        all &= client_resize(client, &block[sequence->victim[i]], sequence->size[i]);
    return all;
}

static bool print_singles(const struct bench_client *client, const struct bench_sequence *sequence, uint64_t *block,
                          size_t from)
{
    struct bench_timer timer = bench_timer_calibrate();
    struct bench_values ns = {0};
    bool all = true;
    for (size_t i = from; i < sequence->pairs; i++)
        all &= bench_values_push(&ns, 0); // makes room
    ns.count = 0;
    for (size_t i = from; i < sequence->pairs && all; i++) {
        uint64_t *victim = &block[sequence->victim[i]];
        uint64_t begin = bench_ticks();
        all = client_resize(client, victim, sequence->size[i]);
        uint64_t end = bench_ticks();
        bench_values_push(&ns, bench_timer_ns(&timer, begin, end));
    }
    double spread[BENCH_SINGLES];
    bench_spread(&ns, spread);
    for (int i = 0; i < BENCH_SINGLES; i++)
        printf("%.1f\n", spread[i]);
    bench_values_free(&ns);
    return all;
}

bool bench_resize(const struct bench_task *task)
{
    size_t warm_up = 2 * task->live, measured = warm_up + task->count;
    struct bench_sequence sequence = bench_make_sequence(task, measured + task->singles);
    struct bench_client client;
    if (!bench_client_open(&client, task, &sequence))
        return false;
    uint64_t *block = bench_client_fill(&client, task, &sequence, SIZE_MAX);
    if (!block)
        return false;
    bool all = resize(&client, &sequence, block, 0, warm_up);
    uint64_t begin = bench_now_ns();
    all = resize(&client, &sequence, block, warm_up, measured) && all;
    uint64_t ns = bench_now_ns() - begin;
    if (!all)
        return bench_client_refused(&client, task);
    printf("%.3f\n", (double)ns / (double)task->count);
    all = print_singles(&client, &sequence, block, measured) || bench_client_refused(&client, task);
    bench_client_close(&client, block, task->live);
    return all;
}
