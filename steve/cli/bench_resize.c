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

static bool print_singles(const struct bench_client *client, const struct bench_sequence *sequence, uint64_t *block)
{
    struct bench_timer timer = bench_timer_calibrate();
    struct bench_values ns = {0};
    bool all = bench_values_reserve(&ns, sequence->pairs - sequence->measured_end);
    for (size_t i = sequence->measured_end; i < sequence->pairs && all; i++) {
        uint64_t *victim = &block[sequence->victim[i]];
        uint64_t begin = bench_ticks();
        all = client_resize(client, victim, sequence->size[i]);
        uint64_t end = bench_ticks();
        bench_values_push(&ns, bench_timer_ns(&timer, begin, end));
    }
    bench_print_spread(&ns);
    return all;
}

bool bench_resize(const struct bench_task *task)
{
    struct bench_stage stage;
    if (!bench_stage_open(&stage, task, SIZE_MAX))
        return false;
    const struct bench_sequence *sequence = &stage.sequence;
    bool all = resize(&stage.client, sequence, stage.block, 0, sequence->warm_up);
    uint64_t begin = bench_now_ns();
    all = resize(&stage.client, sequence, stage.block, sequence->warm_up, sequence->measured_end) && all;
    uint64_t ns = bench_now_ns() - begin;
    if (!all)
        return bench_client_refused(&stage.client, task);
    printf("%.3f\n", (double)ns / (double)task->count);
    all = print_singles(&stage.client, sequence, stage.block) || bench_client_refused(&stage.client, task);
    bench_stage_close(&stage, task);
    return all;
}
