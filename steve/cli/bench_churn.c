/// The bench: what a malloc+free pair and a lock+unlock pair cost in steady churn.
///
/// A fixed number of blocks is live; a pair frees a random one and allocates another in its place. Sizes are log-uniform,
/// 16..1024 bytes. Victims and sizes are drawn beforehand and read in sequence, so that drawing them costs nothing, and they
/// never repeat: a plan run twice would ask for exactly the sizes that were just freed. Before measuring, every block has been
/// replaced twice on average.
///
/// Every call goes through a pointer that the compiler cannot see through, so that no allocator is inlined while another is not.
#include "steve/cli/bench_internal.h"

#include <stdlib.h>

#include "jeff.h"

struct plan {
    uint16_t *first_size; ///< of the blocks that are there at the beginning
    uint32_t *victim;
    uint16_t *size;
    size_t warm_up; ///< pairs
    size_t measured;
};

static struct plan make_plan(const struct bench_task *task)
{
    uint64_t state = task->seed;
    size_t warm_up = 2 * task->live;
    size_t pairs = warm_up + task->count;
    struct plan plan = {
        .first_size = bench_memory(task->live * sizeof *plan.first_size),
        .victim = bench_memory(pairs * sizeof *plan.victim),
        .size = bench_memory(pairs * sizeof *plan.size),
        .warm_up = warm_up,
        .measured = task->count,
    };
    for (size_t i = 0; i < task->live; i++)
        plan.first_size[i] = bench_random_size(&state);
    for (size_t i = 0; i < pairs; i++) {
        plan.victim[i] = bench_random_below(&state, (uint32_t)task->live);
        plan.size[i] = bench_random_size(&state);
    }
    return plan;
}

/// Writes the first bytes of a block, as a client does that has just allocated it. Blocks are of 16 bytes or more.
static inline void touch(void *block, size_t size, size_t most)
{
    size_t words = (size < most ? size : most) / sizeof(uint64_t);
    uint64_t *word = block;
    for (size_t i = 0; i < words; i++)
        word[i] = i;
}

static void print_ns(uint64_t ns, size_t count)
{
    printf("%.3f\n", (double)ns / (double)count);
}

static void *(*volatile allocate_hidden)(size_t) = malloc;
static void (*volatile release_hidden)(void *) = free;

/// Pairs `from` up to `to` of the plan. @return false if a request was refused
static bool churn_malloc(const struct plan *plan, void **block, size_t from, size_t to, unsigned touched_bytes)
{
    void *(*allocate)(size_t) = allocate_hidden;
    void (*release)(void *) = release_hidden;
    bool all = true;
    if (!touched_bytes) {
        for (size_t i = from; i < to; i++) {
            uint32_t victim = plan->victim[i];
            release(block[victim]);
            block[victim] = allocate(plan->size[i]);
            all &= block[victim] != NULL;
        }
        return all;
    }
    for (size_t i = from; i < to; i++) {
        uint32_t victim = plan->victim[i];
        release(block[victim]);
        block[victim] = allocate(plan->size[i]);
        if (!block[victim])
            return false;
        touch(block[victim], plan->size[i], touched_bytes);
    }
    return all;
}

bool bench_pair_malloc(const struct bench_task *task)
{
    struct plan plan = make_plan(task);
    void **block = bench_memory(task->live * sizeof *block);
    void *(*allocate)(size_t) = allocate_hidden;
    bool all = true;
    for (size_t i = 0; i < task->live; i++) {
        block[i] = allocate(plan.first_size[i]);
        all &= block[i] != NULL;
    }
    all = all && churn_malloc(&plan, block, 0, plan.warm_up, task->touched_bytes);

    uint64_t begin = bench_now_ns();
    all = all && churn_malloc(&plan, block, plan.warm_up, plan.warm_up + plan.measured, task->touched_bytes);
    uint64_t ns = bench_now_ns() - begin;

    for (size_t i = 0; i < task->live; i++)
        free(block[i]);
    if (!all) {
        fprintf(stderr, "steve bench: %s refused a request\n", bench_allocators[task->allocator].name);
        return false;
    }
    print_ns(ns, plan.measured);
    return true;
}

static jeff_handle (*volatile jeff_malloc_hidden)(jeff_heap *, size_t) = jeff_malloc;
static bool (*volatile jeff_free_hidden)(jeff_heap *, jeff_handle) = jeff_free;
static void *(*volatile jeff_lock_hidden)(jeff_heap *, jeff_handle) = jeff_lock;
static bool (*volatile jeff_unlock_hidden)(jeff_heap *, jeff_handle) = jeff_unlock;

static bool churn_jeff(jeff_heap *heap, const struct plan *plan, jeff_handle *block, size_t from, size_t to,
                       unsigned touched_bytes)
{
    jeff_handle (*allocate)(jeff_heap *, size_t) = jeff_malloc_hidden;
    bool (*release)(jeff_heap *, jeff_handle) = jeff_free_hidden;
    void *(*lock_block)(jeff_heap *, jeff_handle) = jeff_lock_hidden;
    bool (*unlock_block)(jeff_heap *, jeff_handle) = jeff_unlock_hidden;
    bool all = true;
    if (!touched_bytes) {
        for (size_t i = from; i < to; i++) {
            uint32_t victim = plan->victim[i];
            release(heap, block[victim]);
            block[victim] = allocate(heap, plan->size[i]);
            all &= block[victim] != JEFF_NULL;
        }
        return all;
    }
    for (size_t i = from; i < to; i++) {
        uint32_t victim = plan->victim[i];
        release(heap, block[victim]);
        jeff_handle fresh = allocate(heap, plan->size[i]);
        void *address = lock_block(heap, fresh);
        if (!address)
            return false;
        touch(address, plan->size[i], touched_bytes);
        unlock_block(heap, fresh);
        block[victim] = fresh;
    }
    return all;
}

/// A heap as jeff_create() makes it by default, filled with the plan's first blocks. @return NULL after a message
static jeff_heap *fill_heap(const struct bench_task *task, const uint16_t *size, jeff_handle *block)
{
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(0, NULL, &status);
    if (!heap) {
        fprintf(stderr, "steve bench: jeff_create: %s\n", jeff_strerror(status));
        return NULL;
    }
    for (size_t i = 0; i < task->live; i++) {
        block[i] = jeff_malloc(heap, size[i]);
        if (block[i] == JEFF_NULL) {
            fprintf(stderr, "steve bench: jeff_malloc: %s\n", jeff_strerror(jeff_last_status(heap)));
            jeff_destroy(heap);
            return NULL;
        }
    }
    return heap;
}

bool bench_pair_jeff(const struct bench_task *task)
{
    struct plan plan = make_plan(task);
    jeff_handle *block = bench_memory(task->live * sizeof *block);
    jeff_heap *heap = fill_heap(task, plan.first_size, block);
    if (!heap)
        return false;
    bool all = churn_jeff(heap, &plan, block, 0, plan.warm_up, task->touched_bytes);

    uint64_t begin = bench_now_ns();
    all = all && churn_jeff(heap, &plan, block, plan.warm_up, plan.warm_up + plan.measured, task->touched_bytes);
    uint64_t ns = bench_now_ns() - begin;

    if (!all)
        fprintf(stderr, "steve bench: jeff refused a request: %s\n", jeff_strerror(jeff_last_status(heap)));
    else
        print_ns(ns, plan.measured);
    jeff_destroy(heap);
    return all;
}

/// The yardstick of lock+unlock: what it costs to add to and take from a random entry of a table of 12 bytes an entry.
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

bool bench_lock_jeff(const struct bench_task *task)
{
    struct plan plan = make_plan(task);
    jeff_handle *block = bench_memory(task->live * sizeof *block);
    jeff_heap *heap = fill_heap(task, plan.first_size, block);
    if (!heap)
        return false;
    // Handles are read in sequence as well: where a client keeps them is not Jeff's cost.
    jeff_handle *handle = bench_memory(task->count * sizeof *handle);
    for (size_t i = 0; i < task->count; i++)
        handle[i] = block[plan.victim[i]];

    void *(*lock_block)(jeff_heap *, jeff_handle) = jeff_lock_hidden;
    bool (*unlock_block)(jeff_heap *, jeff_handle) = jeff_unlock_hidden;
    bool all = true;
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < task->count; i++) {
        all &= lock_block(heap, handle[i]) != NULL;
        all &= unlock_block(heap, handle[i]);
    }
    uint64_t ns = bench_now_ns() - begin;

    if (!all) {
        fprintf(stderr, "steve bench: jeff refused a lock: %s\n", jeff_strerror(jeff_last_status(heap)));
        jeff_destroy(heap);
        return false;
    }
    print_ns(ns, task->count);
    print_ns(time_bare_table(plan.victim, task->count, task->live), task->count);
    jeff_destroy(heap);
    return true;
}
