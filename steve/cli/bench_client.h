/// The bench: one face for Jeff and for a malloc library, so that a task is written once. A block is named by a number: Jeff's handle,
/// or the pointer. 0 is none.
///
/// Every call goes through a pointer that the compiler cannot see through, so that no allocator is inlined while another is not.
#ifndef STEVE_CLI_BENCH_CLIENT_H
#define STEVE_CLI_BENCH_CLIENT_H

#include "steve/cli/bench_internal.h"

#include "jeff.h"

struct bench_client {
    jeff_heap *heap; ///< NULL: malloc
    void *(*allocate)(size_t);
    void (*release)(void *);
    void *(*reallocate)(void *, size_t);
    jeff_handle (*jeff_allocate)(jeff_heap *, size_t);
    bool (*jeff_release)(jeff_heap *, jeff_handle);
    bool (*jeff_change)(jeff_heap *, jeff_handle, size_t);
    void *(*jeff_pin)(jeff_heap *, jeff_handle);
    bool (*jeff_unpin)(jeff_heap *, jeff_handle);
};

/// Jeff's heap is as jeff_create() makes it by default; with task->heap_bytes, one in a region of that size; or, with
/// task->heap_percent, of so much of what `sequence` keeps live, handle table included. @return false after a message
bool bench_client_open(struct bench_client *client, const struct bench_task *task,
                       const struct bench_sequence *sequence);

/// Allocates the first blocks of the sequence, and writes the first `touched_bytes` of each.
/// @return the blocks, in memory of the bench; NULL after a message
uint64_t *bench_client_fill(const struct bench_client *client, const struct bench_task *task,
                            const struct bench_sequence *sequence, size_t touched_bytes);

/// What every task in churn begins with: a client, its blocks, and a sequence of pairs for them.
struct bench_stage {
    struct bench_client client;
    struct bench_sequence sequence;
    uint64_t *block;
};

/// Opens the client and fills it. The sequence has two pairs a block to warm up, those that are measured, and those that are timed
/// singly. @return false after a message
bool bench_stage_open(struct bench_stage *stage, const struct bench_task *task, size_t touched_bytes);
void bench_stage_close(struct bench_stage *stage, const struct bench_task *task);

/// Frees the blocks, and with them the heap.
void bench_client_close(struct bench_client *client, const uint64_t *block, size_t count);

/// Says that a request was refused. @return false
bool bench_client_refused(const struct bench_client *client, const struct bench_task *task);

static inline uint64_t client_malloc(const struct bench_client *client, size_t bytes)
{
    return client->heap ? client->jeff_allocate(client->heap, bytes) : (uint64_t)(uintptr_t)client->allocate(bytes);
}

static inline void client_free(const struct bench_client *client, uint64_t block)
{
    if (client->heap)
        client->jeff_release(client->heap, block);
    else
        client->release((void *)(uintptr_t)block);
}

/// @return whether it succeeded; `block` may be another one then
static inline bool client_resize(const struct bench_client *client, uint64_t *block, size_t bytes)
{
    if (client->heap)
        return client->jeff_change(client->heap, *block, bytes);
    void *moved = client->reallocate((void *)(uintptr_t)*block, bytes);
    if (!moved)
        return false;
    *block = (uint64_t)(uintptr_t)moved;
    return true;
}

/// Writes the first bytes of a block, as a client does that has just allocated it: Jeff's under lock. Blocks are of 16 bytes or more.
static inline bool client_touch(const struct bench_client *client, uint64_t block, size_t size, size_t most)
{
    uint64_t *word = client->heap ? client->jeff_pin(client->heap, block) : (void *)(uintptr_t)block;
    if (!word)
        return false;
    size_t words = (size < most ? size : most) / sizeof *word;
    for (size_t i = 0; i < words; i++)
        word[i] = i;
    return !client->heap || client->jeff_unpin(client->heap, block);
}

#endif
