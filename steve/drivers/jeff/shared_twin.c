/// A shared heap that one thread uses does what an ordinary one does: both are given the same calls, and must answer the same, lay the
/// same blocks at the same offsets, and report the same of each compaction. Without budgets: the shared one looks at its clock more often.
#include "steve/drivers/jeff/shared_drill_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "jeff_shared.h"
#include "steve/drivers/jeff/draw_internal.h"

enum { BLOCKS = 48, STEPS = 400, BYTES = 96 * 1024, BEFORE = 64 * 1024, ALIGNMENT = 1024 };

enum { CONTROL = 128 }; ///< bytes of a shared heap's control block, in front of the ordinary one

struct twins {
    jeff_heap *alone;
    jeff_shared *shared;
    char *alone_begin, *shared_begin;
    struct {
        jeff_handle alone, shared; ///< JEFF_NULL: no block
        unsigned locks;
        size_t bytes;
    } block[BLOCKS];
    uint64_t drawn;
    bool same;
};

static _Alignas(ALIGNMENT) char alone_memory[BYTES + ALIGNMENT];
static _Alignas(ALIGNMENT) char shared_memory[BYTES + BEFORE];

static void nothing(void *context)
{
    (void)context;
}

static void expect(struct twins *twins, bool same)
{
    twins->same = twins->same && same;
}

static uint32_t draw(struct twins *twins, uint32_t below)
{
    return steve_jeff_draw(++twins->drawn) % below;
}

/// What a call said to the two heaps.
static void expect_status(struct twins *twins, bool done, bool done_shared, enum jeff_status status)
{
    expect(twins, done == done_shared && (done ? status == JEFF_OK : status == jeff_last_status(twins->alone)));
}

/// Locks a block in both heaps, and compares where it is and what is in it. @return where it is in the shared one, or NULL
static char *lock_both(struct twins *twins, size_t i, char **alone)
{
    enum jeff_status status;
    *alone = jeff_lock(twins->alone, twins->block[i].alone);
    char *shared = jeff_shared_lock(twins->shared, twins->block[i].shared, &status);
    expect_status(twins, *alone != NULL, shared != NULL, status);
    if (*alone == NULL || shared == NULL) {
        return NULL;
    }
    expect(twins, *alone - twins->alone_begin == shared - twins->shared_begin &&
                      memcmp(*alone, shared, twins->block[i].bytes) == 0);
    return shared;
}

static void unlock_both(struct twins *twins, size_t i)
{
    enum jeff_status status;
    const bool done = jeff_unlock(twins->alone, twins->block[i].alone);
    const bool done_shared = jeff_shared_unlock(twins->shared, twins->block[i].shared, &status);
    expect_status(twins, done, done_shared, status);
}

static void write_both(struct twins *twins, size_t i)
{
    char *alone, *shared = lock_both(twins, i, &alone);
    if (shared != NULL) {
        const size_t at = draw(twins, (uint32_t)twins->block[i].bytes + 1);
        const int value = (int)draw(twins, 256);
        memset(alone + at, value, twins->block[i].bytes - at);
        memset(shared + at, value, twins->block[i].bytes - at);
        unlock_both(twins, i);
    }
}

static size_t draw_size(struct twins *twins)
{
    static const uint32_t most[] = {16, 200, 3000, 30000};
    return draw(twins, most[draw(twins, 4)]);
}

static void make(struct twins *twins, size_t i)
{
    const size_t bytes = draw_size(twins);
    const size_t alignment = (size_t)16 << draw(twins, 5);
    const uint32_t kind = draw(twins, 4);
    enum jeff_status status;
    jeff_handle alone, shared;
    if (kind == 0) {
        alone = jeff_aligned_alloc(twins->alone, alignment, bytes);
        shared = jeff_shared_aligned_alloc(twins->shared, alignment, bytes, &status);
    } else if (kind == 1) {
        alone = jeff_calloc(twins->alone, bytes, 1);
        shared = jeff_shared_calloc(twins->shared, bytes, 1, &status);
    } else {
        alone = jeff_malloc(twins->alone, bytes);
        shared = jeff_shared_malloc(twins->shared, bytes, &status);
    }
    expect_status(twins, alone != JEFF_NULL, shared != JEFF_NULL, status);
    twins->block[i].alone = alone;
    twins->block[i].shared = shared;
    twins->block[i].locks = 0;
    twins->block[i].bytes = 0; // nothing is in it yet that could be compared
    if (twins->same && alone != JEFF_NULL) {
        char *at_alone, *at_shared = lock_both(twins, i, &at_alone);
        if (at_shared != NULL) {
            twins->block[i].bytes = bytes;
            memset(at_alone, (int)i, bytes);
            memset(at_shared, (int)i, bytes);
            unlock_both(twins, i);
        }
    }
}

static void release(struct twins *twins, size_t i)
{
    enum jeff_status status;
    const bool done = jeff_free(twins->alone, twins->block[i].alone);
    const bool done_shared = jeff_shared_free(twins->shared, twins->block[i].shared, &status);
    expect_status(twins, done, done_shared, status);
    if (done) {
        twins->block[i].alone = twins->block[i].shared = JEFF_NULL;
    }
}

static void resize(struct twins *twins, size_t i)
{
    const size_t bytes = draw_size(twins);
    char *alone;
    if (lock_both(twins, i, &alone) != NULL) {
        unlock_both(twins, i);
    } else {
        twins->block[i].bytes = 0; // it was purged: what a resize makes of it is not said
    }
    enum jeff_status status;
    const bool done = jeff_resize(twins->alone, twins->block[i].alone, bytes);
    const bool done_shared = jeff_shared_resize(twins->shared, twins->block[i].shared, bytes, &status);
    expect_status(twins, done, done_shared, status);
    if (done) {
        twins->block[i].bytes = bytes < twins->block[i].bytes ? bytes : twins->block[i].bytes;
        write_both(twins, i);
    }
}

static void lock_or_unlock(struct twins *twins, size_t i)
{
    char *alone;
    if (twins->block[i].locks == 0 || draw(twins, 4) == 0) {
        twins->block[i].locks += lock_both(twins, i, &alone) != NULL;
    } else {
        unlock_both(twins, i);
        twins->block[i].locks--;
    }
    expect(twins, jeff_lock_count(twins->alone, twins->block[i].alone) == twins->block[i].locks &&
                      jeff_shared_lock_count(twins->shared, twins->block[i].shared) == twins->block[i].locks);
}

static void mark_or_settle(struct twins *twins, size_t i)
{
    enum jeff_status status;
    bool done, done_shared;
    if (draw(twins, 2) == 0) {
        const bool purgeable = draw(twins, 3) == 0;
        done = jeff_set_purgeable(twins->alone, twins->block[i].alone, purgeable);
        done_shared = jeff_shared_set_purgeable(twins->shared, twins->block[i].shared, purgeable, &status);
    } else {
        done = jeff_settle(twins->alone, twins->block[i].alone);
        done_shared = jeff_shared_settle(twins->shared, twins->block[i].shared, &status);
    }
    expect_status(twins, done, done_shared, status);
}

static bool is_same_report(const struct jeff_report *a, const struct jeff_report *b)
{
    return a->stop == b->stop && a->moved_blocks == b->moved_blocks && a->moved_bytes == b->moved_bytes &&
           a->left_blocks == b->left_blocks && a->largest_before == b->largest_before &&
           a->largest_after == b->largest_after;
}

static void compact(struct twins *twins)
{
    const struct jeff_goal goal = {
        .wanted_bytes = draw(twins, 2) == 0 ? 0 : draw_size(twins) * 2,
        .dry_run = draw(twins, 8) == 0,
    };
    if (draw(twins, 3) == 0) {
        expect(twins, jeff_compact(twins->alone, 0) == jeff_shared_compact(twins->shared, 0));
        return;
    }
    struct jeff_report alone, shared;
    const enum jeff_stop stop = jeff_compact_goal(twins->alone, &goal, &alone);
    expect(twins, stop == jeff_shared_compact_goal(twins->shared, &goal, &shared) && is_same_report(&alone, &shared));
}

static void compare(struct twins *twins)
{
    struct jeff_stats alone, shared;
    jeff_stats(twins->alone, &alone);
    jeff_shared_stats(twins->shared, &shared);
    expect(twins, alone.live_blocks == shared.live_blocks && alone.compactions == shared.compactions &&
                      alone.moved_blocks == shared.moved_blocks && alone.moved_bytes == shared.moved_bytes &&
                      alone.heap_bytes - alone.control_bytes == shared.heap_bytes - shared.control_bytes &&
                      jeff_compactions(twins->alone) == jeff_shared_compactions(twins->shared));
    for (size_t i = 0; i < BLOCKS; i++) {
        void *begin_alone = NULL, *begin_shared = NULL;
        expect(twins, jeff_usable_size(twins->alone, twins->block[i].alone) ==
                          jeff_shared_usable_size(twins->shared, twins->block[i].shared));
        const size_t bytes = jeff_extent(twins->alone, twins->block[i].alone, &begin_alone);
        expect(twins, bytes == jeff_shared_extent(twins->shared, twins->block[i].shared, &begin_shared));
        expect(twins,
               bytes == 0 || (char *)begin_alone - twins->alone_begin == (char *)begin_shared - twins->shared_begin);
    }
    expect(twins, jeff_shared_check(twins->shared, NULL) == JEFF_OK);
}

static void step(struct twins *twins)
{
    const size_t i = draw(twins, BLOCKS);
    const uint32_t kind = draw(twins, 16);
    if (kind < 3) {
        compact(twins);
    } else if (twins->block[i].alone == JEFF_NULL) {
        make(twins, i);
    } else if (kind < 6) {
        release(twins, i);
    } else if (kind < 8) {
        resize(twins, i);
    } else if (kind < 11) {
        lock_or_unlock(twins, i);
    } else if (kind < 13) {
        mark_or_settle(twins, i);
    } else {
        write_both(twins, i);
    }
}

const char *steve_jeff_shared_twin(uint64_t seed)
{
    static const struct jeff_mutex_hooks no_mutex = {nothing, nothing, nothing, NULL};
    static struct twins twins;
    twins = (struct twins){.drawn = seed << 20, .same = true};
    const struct jeff_shared_config config = {
        .heap = {.handle_salt = 1},
        .mutex = &no_mutex,
        .max_blocks = 1000,
    };
    const struct jeff_config alone = {.handle_salt = 1};
    // The shared heap's control block and gates come first: however much that is, for so many blocks.
    jeff_shared *first = jeff_shared_init(shared_memory, sizeof shared_memory, &config, NULL);
    if (first == NULL) {
        return "a shared heap over a region was refused";
    }
    const size_t before = (size_t)((char *)first - shared_memory) + CONTROL;
    jeff_shared_destroy(first);
    twins.shared = jeff_shared_init(shared_memory, BYTES + before, &config, NULL);
    twins.shared_begin = shared_memory + before;
    twins.alone_begin = alone_memory + before % ALIGNMENT;
    twins.alone = jeff_init(twins.alone_begin, BYTES, &alone, NULL);
    if (twins.shared == NULL || twins.alone == NULL) {
        return "a shared heap over a region was refused";
    }
    for (unsigned i = 0; i < STEPS && twins.same; i++) {
        step(&twins);
        if (i % 16 == 0) {
            compare(&twins);
        }
    }
    compare(&twins);
    jeff_destroy(twins.alone);
    jeff_shared_destroy(twins.shared);
    return twins.same ? NULL : "a shared heap that one thread uses does not do what an ordinary heap does";
}
