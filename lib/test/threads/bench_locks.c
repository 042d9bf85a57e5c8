/// What lock and unlock cost where several threads do both all the time, each with blocks of its own: at the gates of a shared heap, and in
/// an ordinary heap with a mutex around each call. Prints nanoseconds a pair: medians of rounds in which the ways take turns. Only
/// threads that run at the same time get in each other's way: a machine that is busy otherwise hides that. It is no test.
#define _XOPEN_SOURCE 700
#include "jeff_shared.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BLOCKS = 64, PAIRS = 200000, ROUNDS = 31, THREADS_MOST = 4 };

enum way { GATES, GATES_IN_TURN, MUTEX, WAYS };

static struct {
    jeff_shared *shared;
    jeff_heap *heap;
    pthread_mutex_t mutex;
    pthread_barrier_t barrier;
    jeff_handle at_gates[THREADS_MOST * BLOCKS]; ///< in the order of their gates, eight of which make a cache line
    jeff_handle plain[THREADS_MOST * BLOCKS];
    enum way way;
    size_t threads;
    double took_ns[THREADS_MOST];
} bench = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void lock_at_gate(jeff_handle handle)
{
    *(volatile char *)jeff_shared_lock(bench.shared, handle, NULL) = 1;
    jeff_shared_unlock(bench.shared, handle, NULL);
}

static void lock_under_mutex(jeff_handle handle)
{
    pthread_mutex_lock(&bench.mutex);
    volatile char *address = jeff_lock(bench.heap, handle);
    pthread_mutex_unlock(&bench.mutex);
    *address = 1;
    pthread_mutex_lock(&bench.mutex);
    jeff_unlock(bench.heap, handle);
    pthread_mutex_unlock(&bench.mutex);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *run(void *argument)
{
    const size_t thread = *(const size_t *)argument;
    pthread_barrier_wait(&bench.barrier);
    const double begin = now_ns();
    for (size_t i = 0; i < PAIRS; i++) {
        const size_t block = i % BLOCKS;
        if (bench.way == MUTEX)
            lock_under_mutex(bench.plain[thread * BLOCKS + block]);
        else if (bench.way == GATES)
            lock_at_gate(bench.at_gates[thread * BLOCKS + block]);
        else
            lock_at_gate(bench.at_gates[block * bench.threads + thread]);
    }
    bench.took_ns[thread] = now_ns() - begin;
    return NULL;
}

/// @return nanoseconds a pair, on average over all threads
static double measure(enum way way, size_t threads)
{
    static const size_t number[THREADS_MOST] = {0, 1, 2, 3};
    pthread_t thread[THREADS_MOST];
    bench.way = way;
    bench.threads = threads;
    pthread_barrier_init(&bench.barrier, NULL, (unsigned)threads);
    for (size_t i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, run, (void *)(uintptr_t)&number[i]);
    double took_ns = 0;
    for (size_t i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        took_ns += bench.took_ns[i];
    }
    pthread_barrier_destroy(&bench.barrier);
    return took_ns / ((double)PAIRS * (double)threads);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof values[0], compare);
    return values[ROUNDS / 2];
}

int main(void)
{
    bench.shared = jeff_shared_create(0, NULL, NULL);
    bench.heap = jeff_create(0, NULL, NULL);
    if (bench.shared == NULL || bench.heap == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < THREADS_MOST * BLOCKS; i++) {
        bench.at_gates[i] = jeff_shared_malloc(bench.shared, 100, NULL);
        bench.plain[i] = jeff_malloc(bench.heap, 100);
    }
    printf("ns a pair   gates   gates in turn   mutex   mutex / gates\n");
    for (size_t threads = 1; threads <= THREADS_MOST; threads *= 2) {
        static double ns[WAYS][ROUNDS];
        for (size_t round = 0; round < ROUNDS; round++)
            for (unsigned way = 0; way < WAYS; way++)
                ns[way][round] = measure((enum way)way, threads);
        const double gates = median(ns[GATES]), in_turn = median(ns[GATES_IN_TURN]), mutex = median(ns[MUTEX]);
        printf("%zu thread%s  %7.1f  %14.1f %7.1f  %14.1f\n", threads, threads > 1 ? "s" : " ", gates, in_turn, mutex,
               mutex / gates);
    }
    jeff_shared_destroy(bench.shared);
    jeff_destroy(bench.heap);
    return EXIT_SUCCESS;
}
