/// The bench: a full compaction beside a plain memmove of the same moves.
///
/// Blocks of 16..1024 bytes are allocated one after the other, a random half is freed, and a share of the rest locked. That
/// is done twice in the same way: in the first heap the moves are recorded (the callback costs time), and the second is
/// compacted against the clock. Then the heap of the first is dropped, and in its memory the moves are made once more with
/// memmove. Both are timed with cold caches.
#include "steve/cli/bench_internal.h"

#include <string.h>

#include "jeff.h"

struct move {
    size_t from; ///< offsets in the region
    size_t to;
    size_t bytes;
};

struct moves {
    unsigned char *region;
    struct move *move;
    size_t count;
    size_t capacity;
};

static void record_move(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct moves *moves = context;
    (void)handle;
    if (moves->count == moves->capacity)
        return; // every block moves once at most; a heap that does otherwise is found by comparing the sums
    moves->move[moves->count++] = (struct move){
        .from = (size_t)((unsigned char *)from - moves->region),
        .to = (size_t)((unsigned char *)to - moves->region),
        .bytes = bytes,
    };
}

/// Half of what is allocated stays; a share of that is locked. The same seed gives the same heap.
static bool fragment(jeff_heap *heap, const struct bench_task *task)
{
    uint64_t state = task->seed;
    jeff_handle *handle = bench_memory(task->live * sizeof *handle);
    uint32_t *order = bench_memory(task->live * sizeof *order);
    for (size_t i = 0; i < task->live; i++) {
        size_t bytes = bench_random_size(&state);
        handle[i] = jeff_malloc(heap, bytes);
        void *address = jeff_weak_lock(heap, handle[i]);
        if (!address)
            return false;
        memset(address, (int)(i & 0xff), bytes);
    }
    bench_shuffle(order, task->live, &state);
    size_t freed = task->live / 2;
    for (size_t i = 0; i < freed; i++)
        if (!jeff_free(heap, handle[order[i]]))
            return false;
    size_t locked = (task->live - freed) * task->locked_percent / 100;
    for (size_t i = freed; i < freed + locked; i++)
        if (!jeff_lock(heap, handle[order[i]]))
            return false;
    return true;
}

/// Pushes everything else out of the caches, so that both sides begin cold.
static void chill(unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        *(volatile unsigned char *)&memory[i] += 1;
}

static uint64_t time_memmove(unsigned char *region, const struct moves *moves)
{
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < moves->count; i++)
        memmove(region + moves->move[i].to, region + moves->move[i].from, moves->move[i].bytes);
    return bench_now_ns() - begin;
}

static jeff_heap *make_heap(void *region, size_t bytes, struct moves *moves)
{
    struct jeff_config config = {.moved = moves ? record_move : NULL, .context = moves, .handle_salt = 1};
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_init(region, bytes, &config, &status);
    if (!heap)
        fprintf(stderr, "steve bench: jeff_init: %s\n", jeff_strerror(status));
    return heap;
}

static bool report_failure(const char *what)
{
    fprintf(stderr, "steve bench: compaction: %s\n", what);
    return false;
}

bool bench_compact(const struct bench_task *task)
{
    const size_t region_bytes = task->live * 400 + ((size_t)1 << 20); // mean block 242 bytes
    const size_t cold_bytes = (size_t)64 << 20;
    unsigned char *cold = bench_memory(cold_bytes);

    struct moves moves = {.region = bench_memory(region_bytes), .capacity = task->live};
    moves.move = bench_memory(moves.capacity * sizeof *moves.move);
    jeff_heap *recorded = make_heap(moves.region, region_bytes, &moves);
    if (!recorded || !fragment(recorded, task))
        return report_failure("the heap could not be filled");
    jeff_compact(recorded, 0);
    jeff_destroy(recorded); // its memory is ours again

    unsigned char *region = bench_memory(region_bytes);
    jeff_heap *heap = make_heap(region, region_bytes, NULL);
    if (!heap || !fragment(heap, task))
        return report_failure("the heap could not be filled");
    struct jeff_stats before, after;
    jeff_stats(heap, &before);

    // Odd seeds do it the other way round, in case the order matters.
    uint64_t memmove_ns = 0;
    if (task->seed % 2) {
        chill(cold, cold_bytes);
        memmove_ns = time_memmove(moves.region, &moves);
    }
    chill(cold, cold_bytes);
    uint64_t begin = bench_now_ns();
    enum jeff_stop stop = jeff_compact(heap, 0);
    uint64_t compact_ns = bench_now_ns() - begin;
    if (task->seed % 2 == 0) {
        chill(cold, cold_bytes);
        memmove_ns = time_memmove(moves.region, &moves);
    }

    jeff_stats(heap, &after);
    uint64_t moved_blocks = after.moved_blocks - before.moved_blocks;
    if (stop != JEFF_STOP_DONE)
        return report_failure("a full compaction stopped before it was done");
    if (moved_blocks != moves.count)
        return report_failure("two heaps made alike were not compacted alike");

    double figures[BENCH_COMPACT_FIGURES] = {
        [BENCH_COMPACT_NS] = (double)compact_ns,
        [BENCH_COMPACT_MEMMOVE_NS] = (double)memmove_ns,
        [BENCH_COMPACT_MOVED_BYTES] = (double)(after.moved_bytes - before.moved_bytes),
        [BENCH_COMPACT_MOVED_BLOCKS] = (double)moved_blocks,
        [BENCH_COMPACT_WALKED_BLOCKS] = (double)(after.visited_blocks - before.visited_blocks),
    };
    for (int i = 0; i < BENCH_COMPACT_FIGURES; i++)
        printf("%.0f\n", figures[i]);
    return true;
}
