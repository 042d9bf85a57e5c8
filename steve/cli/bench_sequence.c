/// The bench: the sequences that all allocators run alike.
///
/// A fixed number of blocks is live; a pair frees a random one and allocates another in its place. Victims and sizes are
/// drawn beforehand and read in sequence, so that drawing them costs nothing while time is taken, and they never repeat: a
/// plan run twice would ask for exactly the sizes that were just freed.
///
/// For heaps that hold little more than the live blocks, sizes are drawn until the sum of what all blocks take lies within 1 KiB below
/// where it began. That is the same distribution under the condition that the heap stays as full as it is.
#include "steve/cli/bench_internal.h"

#include <stdlib.h>
#include <string.h>

#include "jeff.h"

enum { LEAST = 16, MOST = 1024, DRAWS = 256, LARGE_LEAST = 2048, LARGE_MOST = 65535 };

struct bench_sizes bench_sizes_of(const struct bench_task *task)
{
    if (task->large)
        return (struct bench_sizes){.distribution = "log-uniform", .least = LARGE_LEAST, .most = LARGE_MOST};
    return (struct bench_sizes){
        .distribution = task->uniform ? "uniform" : "log-uniform", .least = LEAST, .most = MOST};
}

static uint16_t draw_size(const struct bench_task *task, uint64_t *state)
{
    if (task->uniform)
        return (uint16_t)(LEAST + bench_random_below(state, MOST - LEAST + 1));
    // Large sizes are five of the small ones' six octaves, 128 times as large.
    uint16_t size = bench_random_size(state);
    while (task->large && size >= MOST / 2)
        size = bench_random_size(state);
    return task->large ? (uint16_t)(size * (LARGE_LEAST / LEAST)) : size;
}

/// What a block of each size takes in a Jeff heap, its part of the handle table aside.
static void measure_extents(size_t extent[MOST + 1])
{
    const size_t bytes = (size_t)4 << 20;
    jeff_heap *heap = jeff_init(bench_memory(bytes), bytes, NULL, NULL);
    for (size_t size = LEAST; size <= MOST; size++) {
        void *begin;
        extent[size] = jeff_extent(heap, jeff_malloc(heap, size), &begin);
        if (!extent[size]) {
            fprintf(stderr, "steve bench: a new heap refuses %zu bytes\n", size);
            exit(3);
        }
    }
}

/// Draws a size for each pair such that the sum stays in [steady_bytes - window, steady_bytes].
static void draw_steady(struct bench_sequence *sequence, const struct bench_task *task, uint64_t *state)
{
    size_t extent[MOST + 1] = {0};
    measure_extents(extent);
    const size_t window = extent[MOST];
    uint16_t *current = bench_memory(task->live * sizeof *current);
    memcpy(current, sequence->first_size, task->live * sizeof *current);
    for (size_t i = 0; i < task->live; i++)
        sequence->steady_bytes += extent[current[i]];

    size_t sum = sequence->steady_bytes;
    for (size_t i = 0; i < sequence->pairs; i++) {
        uint16_t *victim = &current[sequence->victim[i]];
        size_t room = sequence->steady_bytes - (sum - extent[*victim]);
        uint16_t size = *victim; // fits for certain
        for (int draws = 0; draws < DRAWS; draws++) {
            uint16_t drawn = draw_size(task, state);
            if (extent[drawn] <= room && extent[drawn] + window >= room) {
                size = drawn;
                break;
            }
        }
        sum = sum - extent[*victim] + extent[size];
        *victim = sequence->size[i] = size;
    }
}

struct bench_sequence bench_make_sequence(const struct bench_task *task, size_t pairs)
{
    uint64_t state = task->seed;
    struct bench_sequence sequence = {
        .first_size = bench_memory(task->live * sizeof *sequence.first_size),
        .victim = bench_memory(pairs * sizeof *sequence.victim),
        .size = bench_memory(pairs * sizeof *sequence.size),
        .pairs = pairs,
    };
    for (size_t i = 0; i < task->live; i++)
        sequence.first_size[i] = draw_size(task, &state);
    for (size_t i = 0; i < pairs; i++) {
        sequence.victim[i] = bench_random_below(&state, (uint32_t)task->live);
        sequence.size[i] = draw_size(task, &state);
    }
    if (task->heap_percent)
        draw_steady(&sequence, task, &state);
    return sequence;
}
