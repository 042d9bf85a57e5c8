/// An allocator of cells for several threads, and ways in which it is wrong for them alone: in one thread each passes.
#ifndef STEVE_TEST_RACY_HEAP_H
#define STEVE_TEST_RACY_HEAP_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "steve/driver.h"

#define RACY_CELLS      2048u
#define RACY_CELL_BYTES 2048u

enum racy_fault {
    RACY_NONE,
    RACY_NO_LOCK,    ///< the list of free cells is popped by two at once: one cell is given out twice
    RACY_DEADLOCK,   ///< a thread that frees while another allocates waits for ever
    RACY_CRASH,      ///< a thread that frees while another allocates dies
    RACY_MISCOUNTS,  ///< the count of live blocks loses updates
    RACY_AFTER_NINE, ///< 7 bytes that are asked for right after 9 get the same cell: shows in one thread, in that order
};

struct racy_heap {
    unsigned char *cells;
    pthread_mutex_t lock;
    atomic_uint free_count; ///< atomic so that a race is one of the allocator's logic, and not of the language
    atomic_uint free_cells[RACY_CELLS];
    atomic_uint live;
    atomic_size_t last_bytes;
    atomic_uint allocating; ///< threads that are in malloc
    enum racy_fault fault;
};

static inline void *racy_open(enum racy_fault fault)
{
    struct racy_heap *heap = calloc(1, sizeof *heap);
    unsigned char *cells = aligned_alloc(RACY_CELL_BYTES, (size_t)RACY_CELLS * RACY_CELL_BYTES);
    if (heap == NULL || cells == NULL) {
        free(heap);
        free(cells);
        return NULL;
    }
    heap->cells = cells;
    pthread_mutex_init(&heap->lock, NULL);
    for (unsigned i = 0; i < RACY_CELLS; i++) {
        atomic_store(&heap->free_cells[i], i);
    }
    atomic_store(&heap->free_count, RACY_CELLS);
    heap->fault = fault;
    return heap;
}

static inline void racy_close(void *memory)
{
    struct racy_heap *heap = memory;
    free(heap->cells);
    free(heap);
}

static inline void racy_lock(struct racy_heap *heap)
{
    if (heap->fault != RACY_NO_LOCK) {
        pthread_mutex_lock(&heap->lock);
    }
}

static inline void racy_unlock(struct racy_heap *heap)
{
    if (heap->fault != RACY_NO_LOCK) {
        pthread_mutex_unlock(&heap->lock);
    }
}

static inline void racy_count(struct racy_heap *heap, int by)
{
    if (heap->fault == RACY_MISCOUNTS) {
        unsigned before = atomic_load(&heap->live);
        sched_yield();
        atomic_store(&heap->live, before + (unsigned)by);
    } else {
        atomic_fetch_add(&heap->live, (unsigned)by);
    }
}

static inline steve_ref racy_malloc(void *memory, size_t bytes)
{
    struct racy_heap *heap = memory;
    steve_ref ref = 0;
    atomic_fetch_add(&heap->allocating, 1);
    racy_lock(heap);
    unsigned count = atomic_load(&heap->free_count);
    if (bytes <= RACY_CELL_BYTES && count > 0) {
        unsigned cell = atomic_load(&heap->free_cells[count - 1]);
        sched_yield(); // widens the window
        atomic_store(&heap->free_count, count - 1);
        ref = (uintptr_t)heap->cells + (size_t)cell * RACY_CELL_BYTES;
    }
    if (heap->fault == RACY_AFTER_NINE && bytes == 7 && atomic_load(&heap->last_bytes) == 9) {
        ref += RACY_CELL_BYTES;
    }
    atomic_store(&heap->last_bytes, bytes);
    racy_unlock(heap);
    if (heap->fault == RACY_DEADLOCK || heap->fault == RACY_CRASH) {
        sched_yield();
    }
    atomic_fetch_sub(&heap->allocating, 1);
    if (ref != 0) {
        racy_count(heap, 1);
    }
    return ref;
}

static inline bool racy_free(void *memory, steve_ref ref)
{
    struct racy_heap *heap = memory;
    if (heap->fault == RACY_DEADLOCK && atomic_load(&heap->allocating) > 0) {
        pthread_mutex_lock(&heap->lock);
        pthread_mutex_lock(&heap->lock);
    }
    if (heap->fault == RACY_CRASH && atomic_load(&heap->allocating) > 0) {
        abort();
    }
    racy_lock(heap);
    unsigned count = atomic_load(&heap->free_count);
    atomic_store(&heap->free_cells[count], (unsigned)((ref - (uintptr_t)heap->cells) / RACY_CELL_BYTES));
    atomic_store(&heap->free_count, count + 1);
    racy_unlock(heap);
    racy_count(heap, -1);
    return true;
}

static inline void racy_stats(void *memory, struct steve_stats *stats)
{
    struct racy_heap *heap = memory;
    *stats =
        (struct steve_stats){.live_blocks = atomic_load(&heap->live), .live_bytes = SIZE_MAX, .free_bytes = SIZE_MAX};
}

#define RACY_DRIVER(identifier, fault)                                                                                 \
    static void *open_##identifier(const struct steve_geometry *geometry, const char **why)                            \
    {                                                                                                                  \
        (void)geometry;                                                                                                \
        *why = "memory is short";                                                                                      \
        return racy_open(fault);                                                                                       \
    }                                                                                                                  \
    static const struct steve_driver identifier = {                                                                    \
        .version = STEVE_DRIVER_VERSION,                                                                               \
        .name = "racy",                                                                                                \
        .summary = "cells of 2 KiB",                                                                                   \
        .promises = STEVE_PROMISE_THREADS,                                                                             \
        .alignment = 16,                                                                                               \
        .heap_min = 1,                                                                                                 \
        .open = open_##identifier,                                                                                     \
        .close = racy_close,                                                                                           \
        .malloc = racy_malloc,                                                                                         \
        .free = racy_free,                                                                                             \
        .stats = racy_stats,                                                                                           \
    }

#endif
