/// The bench that compares: the largest request that a heap would serve now.
#define _GNU_SOURCE
#include "steve/cli/bench_room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steve/cli/bench_internal.h"

enum {
    SHARE = 512,  ///< of the heap: what makes no difference
    SECONDS = 10, ///< a copy takes no longer: a request may never end
};

bool bench_room_open(struct bench_room *room, uint64_t for_ns)
{
    void *shared = mmap(NULL, sizeof *room->answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return false;
    *room = (struct bench_room){shared, bench_written_bytes(), bench_now_ns() + for_ns, 1};
    return room->before > 0;
}

/// What is known about the answer: this much is served, and that much is not.
struct bracket {
    size_t served, refused;
    size_t guess, step;
};

/// What to ask for next: right below the guess, right above it, and then as in every bisection.
static size_t next(const struct bracket *b)
{
    const size_t below = b->guess > b->step ? b->guess - b->step : 0, above = b->guess + b->step;
    if (below > b->served && below < b->refused)
        return below;
    if (above < b->refused && b->served <= b->guess)
        return above;
    return b->served + (b->refused - b->served) / 2;
}

static bool is_open(const struct bracket *b)
{
    return b->refused - b->served > b->step;
}

static void note(struct bracket *b, size_t bytes, bool served)
{
    *(served ? &b->served : &b->refused) = bytes;
}

/// Finds the answer; in a copy. A crash leaves what was served until then.
static void ask_region(const struct bench_room *room, const struct bench_heap *heap, struct bracket *b)
{
    for (*room->answer = 0; is_open(b); *room->answer = b->served) {
        const size_t bytes = next(b);
        const steve_ref ref = heap->driver->malloc(heap->heap, bytes);
        note(b, bytes, ref != 0);
        if (ref && !heap->driver->free(heap->heap, ref))
            return;
    }
}

/// Asks once; in a copy, as what is written for it would not go away with it.
static void ask_process(const struct bench_room *room, const struct bench_heap *heap, struct bracket *b)
{
    *room->answer = 0;
    const size_t bytes = next(b);
    if (bench_heap_make(heap->driver, heap->heap, bytes) && bench_written_bytes() <= room->before + heap->bytes)
        *room->answer = bytes;
}

/// @return the answer of a copy of the process
static size_t in_copy(const struct bench_room *room, const struct bench_heap *heap, struct bracket *b,
                      void (*ask)(const struct bench_room *, const struct bench_heap *, struct bracket *))
{
    *room->answer = BENCH_ROOM_UNKNOWN;
    const pid_t copy = fork();
    if (copy == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0)
            dup2(null, STDERR_FILENO); // some libraries complain when they get no memory
        alarm(SECONDS);
        ask(room, heap, b);
        _exit(0);
    }
    int status;
    while (copy > 0 && waitpid(copy, &status, 0) < 0 && errno == EINTR)
        continue;
    return *room->answer;
}

size_t bench_room_largest(struct bench_room *room, const struct bench_heap *heap, size_t most)
{
    struct bracket b = {
        .refused = most + 1,
        .guess = (size_t)((double)most * room->share),
        .step = heap->bytes / SHARE + 1,
    };
    if (bench_now_ns() > room->until_ns)
        return BENCH_ROOM_UNKNOWN;
    if (heap->driver->promises & STEVE_PROMISE_REGION) {
        b.served = in_copy(room, heap, &b, ask_region);
    } else {
        while (is_open(&b)) {
            const size_t bytes = next(&b), answer = in_copy(room, heap, &b, ask_process);
            if (answer == BENCH_ROOM_UNKNOWN)
                return BENCH_ROOM_UNKNOWN;
            note(&b, bytes, answer == bytes);
        }
    }
    if (b.served != BENCH_ROOM_UNKNOWN && most > 0)
        room->share = (double)b.served / (double)most;
    return b.served;
}
