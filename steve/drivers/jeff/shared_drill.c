/// One call of jeff_shared.h after the other, each against what it promises beyond jeff.h: how often it takes the mutex, that it tells a
/// status always or never, and that a thread waits at a gate until it is let in.
#include "steve/drivers/jeff/shared_drill_internal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "jeff_inline.h"
#include "jeff_shared.h"
#include "steve/drivers/jeff/mutex_refused_internal.h"

/// In a build that is watched by a sanitizer a lock takes the mutex.
#ifdef JEFF_INLINE_CALLS
enum { LOCKS_TAKE_THE_MUTEX = 1 };
#else
enum { LOCKS_TAKE_THE_MUTEX = 0 };
#endif

enum {
    REGION = 32768,
    UNTOLD = 0x7777 ///< a status that there is not
};

static _Alignas(64) char memory[2 * REGION]; ///< all of it for a block that moves in pieces

/* The mutex */

static unsigned depth, taken, yields;
static _Atomic uint64_t *claimed; ///< a gate to be let go by the first yield
static bool was_wanted;

#define CLAIMED ((uint64_t)1 << 40)
#define WANTED  ((uint64_t)1 << 41)

static void lock_counted(void *context)
{
    (void)context;
    depth++;
    taken++;
}

static void unlock_counted(void *context)
{
    (void)context;
    depth--;
}

static void yield_counted(void *context)
{
    (void)context;
    yields++;
    if (claimed != NULL) {
        was_wanted = (atomic_load(claimed) & WANTED) != 0;
        atomic_fetch_and(claimed, ~(CLAIMED | WANTED));
    }
}

static const struct jeff_mutex_hooks counted = {lock_counted, unlock_counted, yield_counted, NULL};

static _Atomic uint64_t *gate_of(jeff_shared *heap, jeff_handle handle)
{
    return (_Atomic uint64_t *)(void *)heap - (((size_t)1 << 24) - (size_t)(handle >> 40));
}

/// @return whether the mutex was taken so often since the last such question, and given back
static bool took(unsigned times)
{
    const bool right = taken == times && depth == 0;
    taken = depth = 0;
    return right;
}

static bool count_block(void *context, const struct jeff_block *block)
{
    *(unsigned *)context += block->kind == JEFF_BLOCK_LIVE;
    return depth == 1;
}

static bool count_pin(void *context, const struct jeff_pin *pin)
{
    *(unsigned *)context += pin->locks;
    return depth == 1;
}

/// What asks only.
static bool asks_under_mutex(jeff_shared *heap, jeff_handle live)
{
    jeff_shared_compactions(heap);
    bool right = took(1) && jeff_shared_usable_size(heap, live) != 0 && took(1);
    void *begin = NULL;
    right = right && jeff_shared_extent(heap, live, &begin) != 0 && took(1);
    right = right && jeff_shared_run_needed(heap, 16, 40) != 0 && took(1);
    right = right && jeff_shared_handle_of(heap, NULL) == JEFF_NULL && took(1);
    struct jeff_stats stats;
    jeff_shared_stats(heap, &stats);
    right = right && took(1);
    unsigned blocks = 0;
    jeff_shared_walk(heap, count_block, &blocks);
    right = right && took(1) && blocks == stats.live_blocks;
    unsigned locks = 0;
    jeff_shared_pins(heap, count_pin, &locks);
    return right && took(1) && locks == 2 && jeff_shared_check(heap, NULL) == JEFF_OK && took(1);
}

/// What changes the heap, with a status told and without.
static bool changes_under_mutex(jeff_shared *heap, enum jeff_status *status)
{
    const jeff_handle a = jeff_shared_malloc(heap, 40, status);
    bool right = took(1);
    const jeff_handle b = jeff_shared_calloc(heap, 4, 10, status);
    right = right && took(1);
    const jeff_handle c = jeff_shared_aligned_alloc(heap, 64, 40, status);
    right = right && took(1) && a != JEFF_NULL && b != JEFF_NULL && c != JEFF_NULL;
    right = right && jeff_shared_resize(heap, b, 400, status) && took(1);
    right = right && jeff_shared_set_purgeable(heap, b, true, status) && took(1);
    right = right && jeff_shared_free(heap, a, status) && took(1);
    right = right && jeff_shared_settle(heap, c, status) && took(1);
    right = right && jeff_shared_compact(heap, 0) == JEFF_STOP_DONE && took(1);
    const struct jeff_goal little = {.wanted_bytes = 16};
    right = right && jeff_shared_compact_goal(heap, &little, NULL) == JEFF_STOP_GOAL && took(1);
    right = right && jeff_shared_free(heap, JEFF_NULL, status) && took(1);
    right = right && !jeff_shared_free(heap, a, status) && took(1);
    return right && jeff_shared_free(heap, b, status) && jeff_shared_free(heap, c, status) && took(2);
}

static jeff_shared *open_counted(size_t bytes, size_t max_blocks)
{
    const struct jeff_shared_config config = {.mutex = &counted, .max_blocks = max_blocks};
    jeff_shared *heap = jeff_shared_init(memory, bytes, &config, NULL);
    taken = depth = yields = 0;
    return heap;
}

static const char *drill_mutex(void)
{
    jeff_shared *heap = open_counted(REGION, 0);
    enum jeff_status status = JEFF_OK;
    const jeff_handle live = jeff_shared_malloc(heap, 100, NULL);
    took(1);
    const unsigned by_lock = LOCKS_TAKE_THE_MUTEX ? 1 : 0;
    bool right = jeff_shared_lock(heap, live, NULL) != NULL && took(by_lock);
    right = right && jeff_shared_lock(heap, live, &status) != NULL && took(by_lock);
    right = right && asks_under_mutex(heap, live) && jeff_shared_lock_count(heap, live) == 2 && took(0);
    right = right && jeff_shared_unlock(heap, live, NULL) && took(by_lock);
    right = right && jeff_shared_unlock(heap, live, &status) && took(by_lock);
    right = right && changes_under_mutex(heap, NULL) && changes_under_mutex(heap, &status);
    jeff_shared_destroy(heap);
    return right ? NULL : "a call takes the mutex more often or less than once, or keeps it";
}

/* What is told */

static bool is_told(enum jeff_status *status, enum jeff_status expected)
{
    const bool right = *status == expected;
    *status = (enum jeff_status)UNTOLD;
    return right;
}

static bool tells_success(jeff_shared *heap)
{
    enum jeff_status status = (enum jeff_status)UNTOLD;
    const jeff_handle handle = jeff_shared_malloc(heap, 40, &status);
    bool right = is_told(&status, JEFF_OK);
    right = right && jeff_shared_lock(heap, handle, &status) != NULL && is_told(&status, JEFF_OK);
    right = right && !jeff_shared_free(heap, handle, &status) && is_told(&status, JEFF_ERROR_LOCKED);
    right = right && jeff_shared_unlock(heap, handle, &status) && is_told(&status, JEFF_OK);
    right = right && !jeff_shared_unlock(heap, handle, &status) && is_told(&status, JEFF_ERROR_NOT_LOCKED);
    right = right && jeff_shared_resize(heap, handle, 80, &status) && is_told(&status, JEFF_OK);
    right = right && jeff_shared_settle(heap, handle, &status) && is_told(&status, JEFF_OK);
    right = right && jeff_shared_set_purgeable(heap, handle, false, &status) && is_told(&status, JEFF_OK);
    right = right && jeff_shared_free(heap, handle, &status) && is_told(&status, JEFF_OK);
    right = right && jeff_shared_free(heap, JEFF_NULL, &status) && is_told(&status, JEFF_OK);
    // The heap remembers a refusal; a success is told nevertheless.
    right = right && !jeff_shared_free(heap, handle, &status) && is_told(&status, JEFF_ERROR_HANDLE);
    return right && jeff_shared_free(heap, JEFF_NULL, &status) && is_told(&status, JEFF_OK);
}

static bool tells_handle(jeff_shared *heap, jeff_handle dead)
{
    enum jeff_status status = (enum jeff_status)UNTOLD;
    bool right = jeff_shared_lock(heap, dead, &status) == NULL && is_told(&status, JEFF_ERROR_HANDLE);
    right = right && !jeff_shared_unlock(heap, dead, &status) && is_told(&status, JEFF_ERROR_HANDLE);
    right = right && !jeff_shared_free(heap, dead, &status) && is_told(&status, JEFF_ERROR_HANDLE);
    right = right && !jeff_shared_resize(heap, dead, 40, &status) && is_told(&status, JEFF_ERROR_HANDLE);
    right = right && !jeff_shared_settle(heap, dead, &status) && is_told(&status, JEFF_ERROR_HANDLE);
    right = right && !jeff_shared_set_purgeable(heap, dead, true, &status) && is_told(&status, JEFF_ERROR_HANDLE);
    return right && jeff_shared_lock_count(heap, dead) == 0 && jeff_shared_lock(heap, dead, NULL) == NULL &&
           !jeff_shared_unlock(heap, dead, NULL);
}

static const char *drill_status(void)
{
    jeff_shared *heap = open_counted(REGION, 0);
    const jeff_handle slot = (jeff_handle)1 << 40;
    const jeff_handle live = jeff_shared_malloc(heap, 40, NULL);
    const jeff_handle freed = jeff_shared_malloc(heap, 40, NULL);
    bool right = jeff_shared_free(heap, freed, NULL) && tells_success(heap);
    // What is locked is another block than that of a handle with other lives.
    right = right && jeff_shared_lock(heap, live, NULL) != NULL;
    right = right && tells_handle(heap, freed) && tells_handle(heap, live + 2) && tells_handle(heap, live - 1);
    // No life, of a slot that had one.
    right = right && tells_handle(heap, freed >> 40 << 40) && tells_handle(heap, live >> 40 << 40);
    // A slot that no table has, and those at the ends: the one that has a gate for no block, and the lowest.
    right =
        right && tells_handle(heap, slot + 1) && tells_handle(heap, 1) && tells_handle(heap, (slot << 24) - slot + 1);
    right = right && jeff_shared_lock_count(heap, live) == 1;
    right = right && jeff_shared_usable_size(heap, live) >= 40 && jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return right ? NULL : "a call does not tell what it has done, or takes a handle of no block";
}

/* Waiting */

/// A gate that another thread has claimed is let go when that one is let run.
static const char *drill_waiting(void)
{
    jeff_shared *heap = open_counted(REGION, 0);
    const jeff_handle live = jeff_shared_malloc(heap, 40, NULL);
    enum jeff_status status = (enum jeff_status)UNTOLD;
    bool right = true;
    for (unsigned round = 0; round < 2 && right && !LOCKS_TAKE_THE_MUTEX; round++) {
        claimed = gate_of(heap, live);
        was_wanted = false;
        yields = 0;
        atomic_fetch_or(claimed, CLAIMED);
        right = jeff_shared_lock(heap, live, round == 0 ? &status : NULL) != NULL && yields == 1 && was_wanted;
        right = right && (round != 0 || is_told(&status, JEFF_OK)) && jeff_shared_lock_count(heap, live) == 1;
        right = right && jeff_shared_unlock(heap, live, NULL) && jeff_shared_lock_count(heap, live) == 0;
        claimed = NULL;
    }
    jeff_shared_destroy(heap);
    return right ? NULL
                 : "a thread that would lock a block which is being moved does not wait, or not until it is let in";
}

/// A request that a locked block stood in the way of is served once it is unlocked, however often it was refused before.
static const char *drill_unlocked(void)
{
    enum { MANY = 400, SMALL = 100, LARGE = REGION / 2 };
    static jeff_handle handles[MANY];
    jeff_shared *heap = open_counted(REGION, 0);
    size_t count = 0;
    while (count < MANY && (handles[count] = jeff_shared_malloc(heap, SMALL, NULL)) != JEFF_NULL) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        if (i != count / 2) {
            jeff_shared_free(heap, handles[i], NULL);
        }
    }
    bool right = count > 2;
    for (unsigned round = 0; round < 3 && right; round++) {
        const jeff_handle stays = handles[count / 2];
        jeff_shared_lock(heap, stays, NULL);
        enum jeff_status status = JEFF_OK;
        for (unsigned i = 0; i <= round && right; i++) {
            right = jeff_shared_malloc(heap, LARGE, &status) == JEFF_NULL && status == JEFF_ERROR_NO_MEMORY;
        }
        jeff_shared_unlock(heap, stays, NULL);
        const jeff_handle served = jeff_shared_malloc(heap, LARGE, &status);
        right = right && served != JEFF_NULL && status == JEFF_OK && jeff_shared_free(heap, served, NULL);
        // Back to the middle.
        const jeff_handle below = jeff_shared_malloc(heap, REGION / 3, NULL);
        handles[count / 2] = jeff_shared_malloc(heap, SMALL, NULL);
        right = right && jeff_shared_free(heap, stays, NULL) && jeff_shared_free(heap, below, NULL);
    }
    right = right && jeff_shared_check(heap, NULL) == JEFF_OK;
    jeff_shared_destroy(heap);
    return right ? NULL : "a request is refused although the block that stood in its way was unlocked";
}

/* Blocks that are not where their entry says */

/// A purged block is not locked; resized, it is one as others are.
static const char *drill_purged(void)
{
    jeff_shared *heap = open_counted(REGION, 0);
    enum jeff_status status = (enum jeff_status)UNTOLD;
    const jeff_handle purged = jeff_shared_malloc(heap, REGION / 2, NULL);
    bool right = jeff_shared_set_purgeable(heap, purged, true, NULL);
    const jeff_handle other = jeff_shared_malloc(heap, REGION / 2, NULL);
    took(0);
    right = right && other != JEFF_NULL && jeff_shared_lock(heap, purged, &status) == NULL && took(1) &&
            is_told(&status, JEFF_ERROR_PURGED) && jeff_shared_lock(heap, purged, NULL) == NULL && took(1);
    right = right && jeff_shared_lock_count(heap, purged) == 0 && jeff_shared_free(heap, other, NULL);
    right = right && jeff_shared_resize(heap, purged, 40, NULL) && took(2);
    right = right && jeff_shared_lock(heap, purged, &status) != NULL && took(LOCKS_TAKE_THE_MUTEX ? 1 : 0) &&
            is_told(&status, JEFF_OK) && jeff_shared_lock_count(heap, purged) == 1;
    jeff_shared_destroy(heap);
    return right ? NULL : "a purged block is locked, or one that was resized after it is none like others";
}

/// A block with pages of its own is locked as others are.
static const char *drill_own_pages(void)
{
    enum { OWN = 1 << 20 };
    const struct jeff_shared_config config = {.heap = {.own_mapping = OWN / 4}, .mutex = &counted};
    jeff_shared *heap = jeff_shared_create((size_t)64 << 20, &config, NULL);
    if (heap == NULL) {
        return NULL; // no address space: trials of pages ask for that
    }
    taken = depth = 0;
    enum jeff_status status = (enum jeff_status)UNTOLD;
    const jeff_handle own = jeff_shared_malloc(heap, OWN, NULL);
    bool right = own == JEFF_NULL;
    if (own != JEFF_NULL) {
        took(1);
        void *begin = NULL;
        right = jeff_shared_extent(heap, own, &begin) != 0 && took(1);
        for (unsigned locks = 1; locks <= 3 && right; locks++) {
            right = jeff_shared_lock(heap, own, locks == 2 ? NULL : &status) == begin && took(1) &&
                    (locks == 2 || is_told(&status, JEFF_OK)) && jeff_shared_lock_count(heap, own) == locks;
        }
        atomic_fetch_add(gate_of(heap, own), (JEFF_LOCK_MAX - 3) * JEFF_INLINE_LOCK);
        right = right && jeff_shared_lock(heap, own, &status) == NULL && is_told(&status, JEFF_ERROR_LOCK_LIMIT);
        atomic_fetch_sub(gate_of(heap, own), (JEFF_LOCK_MAX - 3) * JEFF_INLINE_LOCK);
        right = right && !jeff_shared_free(heap, own, &status) && is_told(&status, JEFF_ERROR_LOCKED);
        for (unsigned locks = 3; locks > 0 && right; locks--) {
            right = jeff_shared_unlock(heap, own, NULL) && jeff_shared_lock_count(heap, own) == locks - 1;
        }
        right = right && jeff_shared_free(heap, own, &status) && is_told(&status, JEFF_OK);
    }
    jeff_shared_destroy(heap);
    return right ? NULL : "a block with pages of its own is not locked as others are";
}

/* Callbacks */

struct called {
    jeff_shared *heap;
    jeff_handle locked; ///< by the plan's begin
    bool right;
    unsigned moves;
};

/// Unlocks and frees the block that the compaction works around.
static void unlock_and_free(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct called *called = context;
    (void)from;
    (void)bytes;
    called->right = called->right && jeff_shared_lock(called->heap, handle, NULL) == to &&
                    jeff_shared_unlock(called->heap, handle, NULL);
    if (called->moves++ == 0) {
        called->right = called->right && jeff_shared_unlock(called->heap, called->locked, NULL) &&
                        jeff_shared_free(called->heap, called->locked, NULL);
    }
}

static const char *drill_callback(void)
{
    enum { MANY = 110, MIDDLE = 60 };
    struct called called = {.right = true};
    const struct jeff_shared_config config = {.heap = {.moved = unlock_and_free, .context = &called},
                                              .mutex = &counted};
    called.heap = jeff_shared_init(memory, REGION, &config, NULL);
    depth = 0;
    jeff_handle handles[MANY];
    for (size_t i = 0; i < MANY; i++) {
        handles[i] = jeff_shared_malloc(called.heap, 200, NULL);
    }
    called.locked = handles[MIDDLE];
    jeff_shared_lock(called.heap, called.locked, NULL);
    for (size_t i = 0; i < MANY; i += 3) {
        if (i != MIDDLE) {
            jeff_shared_free(called.heap, handles[i], NULL);
        }
    }
    const struct jeff_goal goal = {.wanted_bytes = REGION / 5};
    jeff_shared_compact_goal(called.heap, &goal, NULL);
    const bool right =
        called.right && called.moves != 0 && jeff_shared_check(called.heap, NULL) == JEFF_OK && depth == 0;
    jeff_shared_destroy(called.heap);
    return right ? NULL : "a callback cannot lock the block that was moved, or free one that it has unlocked";
}

static bool destroy_low(void *context, size_t bytes)
{
    (void)bytes;
    jeff_shared_destroy(((struct called *)context)->heap);
    return false;
}

static void destroy_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct called *called = context;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    called->moves++;
    jeff_shared_destroy(called->heap);
}

/// Called from a callback, it does nothing: the mutex is there still.
static const char *drill_destroy_inside(void)
{
    struct called called = {0};
    const struct jeff_shared_config config = {
        .heap = {.moved = destroy_moved, .low_memory = destroy_low, .context = &called}};
    const unsigned before = steve_jeff_mutexes_ended();
    called.heap = jeff_shared_init(memory, REGION, &config, NULL);
    const jeff_handle below = jeff_shared_malloc(called.heap, 100, NULL);
    const jeff_handle above = jeff_shared_malloc(called.heap, 100, NULL);
    jeff_shared_free(called.heap, below, NULL);
    jeff_shared_compact(called.heap, 0);
    jeff_shared_malloc(called.heap, REGION / 2 + REGION / 4, NULL);
    jeff_shared_malloc(called.heap, REGION / 2, NULL);
    const bool right = called.moves == 1 && steve_jeff_mutexes_ended() == before &&
                       jeff_shared_free(called.heap, above, NULL) && jeff_shared_check(called.heap, NULL) == JEFF_OK;
    jeff_shared_destroy(called.heap);
    return right ? NULL : "a callback has given back the heap's mutex";
}

static uint64_t now_ns;

/// So slow that a budget is over after one piece.
static uint64_t look_at_slow_clock(void *context)
{
    (void)context;
    return now_ns += 1000000;
}

/// A block that moves in pieces arrives, though each call has time for one; and what is written to it on the way arrives with it.
static const char *drill_pieces(void)
{
    enum { HOLE = 24000, LARGE = 22000, CALLS = 40 };
    const struct jeff_shared_config config = {.heap = {.now_ns = look_at_slow_clock}, .mutex = &counted};
    bool right = true;
    for (unsigned wakes = 0; wakes < 3 && right; wakes++) {
        jeff_shared *heap = jeff_shared_init(memory, sizeof memory, &config, NULL);
        const jeff_handle below = jeff_shared_malloc(heap, HOLE, NULL);
        const jeff_handle block = jeff_shared_malloc(heap, LARGE, NULL);
        char *began = jeff_shared_lock(heap, block, NULL);
        memset(began, 7, LARGE);
        jeff_shared_unlock(heap, block, NULL);
        jeff_shared_free(heap, below, NULL);
        char *lies = began;
        unsigned calls = 0;
        for (bool written = false; lies == began && calls < CALLS; calls++) {
            const struct jeff_goal goal = {.budget_ns = 1};
            jeff_shared_compact_goal(heap, &goal, NULL);
            void *extent = NULL;
            jeff_shared_extent(heap, block, &extent);
            lies = (char *)extent < began - HOLE / 2 ? extent : began;
            if (wakes != 0 && !written && lies == began) {
                char *bytes = jeff_shared_lock(heap, block, NULL);
                memset(bytes, 9, LARGE);
                right = jeff_shared_unlock(heap, block, NULL);
                written = wakes == 1 || calls == 2;
            }
        }
        const char *bytes = jeff_shared_lock(heap, block, NULL);
        const char is = wakes != 0 ? 9 : 7;
        // Written to, it may take one that overlaps no more and has all the time there is.
        right = right && bytes != NULL && bytes[0] == is && memcmp(bytes, bytes + 1, LARGE - 1) == 0 &&
                (wakes != 0 || lies != began) && jeff_shared_unlock(heap, block, NULL) &&
                jeff_shared_check(heap, NULL) == JEFF_OK;
        jeff_shared_destroy(heap);
    }
    return right ? NULL : "a block that moves in pieces never arrives, or not as it was written";
}

/// The system's mutex is given back with its heap, and not before.
static const char *drill_own_mutex(void)
{
    const unsigned before = steve_jeff_mutexes_ended();
    jeff_shared_destroy(jeff_shared_init(memory, REGION, NULL, NULL));
    jeff_shared_destroy(open_counted(REGION, 0));
    const bool right = steve_jeff_mutexes_ended() == before + 1;
    enum jeff_status status = JEFF_OK;
    jeff_shared *created = jeff_shared_create(REGION, NULL, &status);
    if (created == NULL && status != JEFF_ERROR_MAP) {
        return "a shared heap with every default is refused";
    }
    jeff_shared_destroy(created);
    return right || !steve_jeff_refuse_mutexes(0) ? NULL : "the system's mutex is not given back with its heap";
}

const char *steve_jeff_shared_drill(void)
{
    static const char *(*const drills[])(void) = {
        drill_mutex,     drill_status,   drill_waiting,   drill_unlocked,       drill_purged,
        drill_own_pages, drill_callback, drill_own_mutex, drill_destroy_inside, drill_pieces};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof drills / sizeof drills[0] && wrong == NULL; i++) {
        wrong = drills[i]();
    }
    return wrong;
}
