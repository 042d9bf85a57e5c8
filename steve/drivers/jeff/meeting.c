/// Two threads at one block, at moments that are drawn. One calls into the heap, and compacts, resizes, settles; whenever Jeff looks at the
/// clock it gives the other an order, to lock some block or to unlock it, and goes on when that is done, or when the other one waits for a
/// block that is being moved. So all of it happens in one order, the same in every run.
///
/// What must hold: the contents of the blocks, above all of the locked ones, and Jeff's own check.
#define _DEFAULT_SOURCE
#include "steve/drivers/jeff/shared_probe_internal.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff/draw_internal.h"

enum { BLOCKS = 10, ROUNDS = 60, HEAP = 160 * 1024, END = BLOCKS };

/// In a build that is watched by a sanitizer a lock takes the mutex, which the thread that gives the order has: nobody could carry it out.
#ifdef JEFF_INLINE_CALLS
enum { LOCKS_TAKE_THE_MUTEX = 1 };
#else
enum { LOCKS_TAKE_THE_MUTEX = 0 };
#endif

struct meeting {
    jeff_shared *heap;
    jeff_handle handle[BLOCKS];
    size_t bytes[BLOCKS];
    unsigned char *locked_at[BLOCKS]; ///< by the other thread, whose they are while it has an order; NULL: not locked
    uint64_t drawn;
    uint64_t now_ns;
    bool open; ///< orders may be given
    pthread_t other;
    sem_t order, done;
    size_t ordered; ///< the block of the order, or END
    bool at_order;  ///< an order was given, and is not known to be carried out
    const char *wrong;
    const char *seen; ///< wrong by what the other thread has seen
};

static uint32_t draw(struct meeting *meeting)
{
    return steve_jeff_draw(++meeting->drawn);
}

/// Every byte but the last says which block it is.
static void mark(unsigned char *bytes, size_t block, size_t count)
{
    memset(bytes, (int)block, count);
    bytes[count - 1] = 0xee;
}

static bool is_marked(const unsigned char *bytes, size_t block, size_t count)
{
    return bytes[count - 1] == 0xee && (count == 1 || (bytes[0] == block && memcmp(bytes, bytes + 1, count - 2) == 0));
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

/* The other thread */

static void carry_out(struct meeting *meeting, size_t i)
{
    unsigned char *had = meeting->locked_at[i];
    enum jeff_status status = JEFF_OK;
    enum jeff_status *told = i % 2 == 0 ? &status : NULL;
    unsigned char *bytes = had != NULL ? had : jeff_shared_lock(meeting->heap, meeting->handle[i], told);
    meeting->locked_at[i] = had != NULL ? NULL : bytes;
    if (bytes == NULL) {
        meeting->seen = "a live block cannot be locked by another thread";
    } else if (!is_marked(bytes, i, meeting->bytes[i])) {
        meeting->seen = "a block has lost its contents when another thread looks at it";
    }
    if (had != NULL && !jeff_shared_unlock(meeting->heap, meeting->handle[i], NULL)) {
        meeting->seen = "a block that another thread has locked cannot be unlocked";
    }
}

static void *other_thread(void *context)
{
    struct meeting *meeting = context;
    wait_for(&meeting->order);
    while (meeting->ordered != END) {
        carry_out(meeting, meeting->ordered);
        sem_post(&meeting->done);
        wait_for(&meeting->order);
    }
    return NULL;
}

static void give_order(struct meeting *meeting, size_t what)
{
    meeting->ordered = what;
    meeting->at_order = true;
    sem_post(&meeting->order);
}

/// Until the other thread has carried out its last order.
static void let_finish(struct meeting *meeting)
{
    if (meeting->at_order) {
        wait_for(&meeting->done);
    }
    meeting->at_order = false;
}

/// Whether a thread waits until the block has been moved, by the word in front of the heap where its locks are counted.
static bool is_wanted(const struct meeting *meeting, jeff_handle handle)
{
    const uint64_t wanted = (uint64_t)1 << 41;
    const _Atomic uint64_t *gates_end = (const _Atomic uint64_t *)(const void *)meeting->heap;
    return (atomic_load(gates_end - (((size_t)1 << 24) - (size_t)(handle >> 40))) & wanted) != 0;
}

static uint64_t look_at_clock(void *context)
{
    struct meeting *meeting = context;
    const uint32_t chance = draw(meeting);
    meeting->now_ns += chance % 16 == 0 ? 40000 : 200 + chance % 3000;
    const size_t i = chance / 64 % BLOCKS;
    let_finish(meeting); // a block that is waited for is let go before the clock is looked at again
    if (!meeting->open || chance / 16 % 4 == 0 || meeting->handle[i] == JEFF_NULL) {
        return meeting->now_ns;
    }
    give_order(meeting, i);
    while (meeting->at_order && !is_wanted(meeting, meeting->handle[i])) {
        meeting->at_order = sem_trywait(&meeting->done) != 0;
        sched_yield();
    }
    if (meeting->at_order) {
        usleep(20); // let it wait for long enough to yield
    }
    return meeting->now_ns;
}

/* The one that calls */

static void fill(struct meeting *meeting, size_t i, size_t bytes)
{
    meeting->bytes[i] = bytes;
    unsigned char *address = jeff_shared_lock(meeting->heap, meeting->handle[i], NULL);
    if (address != NULL) {
        mark(address, i, bytes);
    }
    if (address == NULL || !jeff_shared_unlock(meeting->heap, meeting->handle[i], NULL)) {
        meeting->wrong = "a block that was made just now cannot be locked";
    }
}

static size_t draw_size(struct meeting *meeting)
{
    const uint32_t chance = draw(meeting);
    const size_t most = chance % 2 == 0 ? 30000 : chance % 3 == 0 ? 6000 : 300;
    return 1 + chance / 8 % most;
}

static void make_or_free(struct meeting *meeting, size_t i)
{
    const uint32_t chance = draw(meeting);
    if (meeting->handle[i] == JEFF_NULL) {
        const size_t bytes = draw_size(meeting);
        const size_t alignment = chance % 4 == 0 ? (size_t)32 << chance / 4 % 5 : 16;
        meeting->handle[i] = jeff_shared_aligned_alloc(meeting->heap, alignment, bytes, NULL);
        if (meeting->handle[i] != JEFF_NULL) {
            fill(meeting, i, bytes);
        }
    } else if (chance % 2 == 0 && jeff_shared_free(meeting->heap, meeting->handle[i], NULL)) {
        meeting->handle[i] = JEFF_NULL;
        if (meeting->locked_at[i] != NULL) {
            meeting->wrong = "a block that another thread has locked was freed";
        }
    }
}

static void resize(struct meeting *meeting, size_t i)
{
    const size_t bytes = draw_size(meeting);
    if (meeting->handle[i] != JEFF_NULL && meeting->locked_at[i] == NULL &&
        jeff_shared_resize(meeting->heap, meeting->handle[i], bytes, NULL)) {
        fill(meeting, i, bytes);
    }
}

static void compact(struct meeting *meeting)
{
    const uint32_t chance = draw(meeting);
    const uint32_t length = chance / 8 % 4;
    const struct jeff_goal goal = {
        .wanted_bytes = chance % 3 == 0 ? 1000 + chance / 32 % 60000 : 0,
        .budget_ns = length == 0 ? 0 : 2000 + chance / 32 % (length == 1 ? 200000 : 30000),
    };
    meeting->open = true;
    if (chance % 8 == 0) {
        jeff_shared_compact(meeting->heap, 1);
    } else {
        jeff_shared_compact_goal(meeting->heap, &goal, NULL);
    }
    meeting->open = false;
    let_finish(meeting);
}

static void step(struct meeting *meeting)
{
    const uint32_t chance = draw(meeting);
    const size_t i = chance % BLOCKS;
    switch (chance / BLOCKS % 8) {
    case 0:
    case 1:
    case 2:
        make_or_free(meeting, i);
        break;
    case 3:
        resize(meeting, i);
        break;
    case 4:
        jeff_shared_settle(meeting->heap, meeting->handle[i], NULL);
        break;
    default:
        compact(meeting);
        break;
    }
    struct jeff_damage damage = {.what = "damage without a description"};
    if (jeff_shared_check(meeting->heap, &damage) != JEFF_OK) {
        meeting->wrong = damage.what;
    }
    if (meeting->wrong == NULL) {
        meeting->wrong = meeting->seen;
    }
}

static void meet(struct meeting *meeting)
{
    if (pthread_create(&meeting->other, NULL, other_thread, meeting) != 0) {
        return; // the system has none to give
    }
    for (unsigned i = 0; i < ROUNDS && meeting->wrong == NULL; i++) {
        step(meeting);
    }
    give_order(meeting, END);
    pthread_join(meeting->other, NULL);
}

const char *steve_jeff_shared_probe_meeting(uint64_t seed)
{
    static _Alignas(64) char memory[HEAP];
    static struct meeting meeting;
    meeting = (struct meeting){.drawn = seed * 100003};
    if (LOCKS_TAKE_THE_MUTEX || sem_init(&meeting.order, 0, 0) != 0 || sem_init(&meeting.done, 0, 0) != 0) {
        return NULL;
    }
    const struct jeff_shared_config config = {.heap = {.now_ns = look_at_clock, .context = &meeting, .handle_salt = 1}};
    meeting.heap = jeff_shared_init(memory, sizeof memory, &config, NULL);
    meet(&meeting);
    jeff_shared_destroy(meeting.heap);
    sem_destroy(&meeting.order);
    sem_destroy(&meeting.done);
    return meeting.wrong;
}
