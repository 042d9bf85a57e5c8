/// What Jeff's unit tests share: heaps in dirty, guarded memory, marked blocks, and what must hold of any heap at any time.
#ifndef JEFF_TEST_HEAP_TEST_H
#define JEFF_TEST_HEAP_TEST_H

#include "jeff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef JEFF_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define KIB       ((size_t)1024)
#define MIB       (1024 * KIB)
#define ARENA_MAX (8 * MIB)
#define GUARD     ((size_t)65536)

/// The most that may lie between two stretches of a walk: the headers of large blocks, and less than a granule.
#define GAP_MAX 48u

#define DIRTY_BYTE 0xd1
#define GUARD_BYTE 0xfd

/// The region of heap_new() lies between two guards, and begins at a multiple of 64 KiB.
static _Alignas(65536) unsigned char arena[GUARD + ARENA_MAX + GUARD];
static size_t arena_bytes;

static inline unsigned char *arena_region(void)
{
    return arena + GUARD;
}

/// Makes the region dirty and both guards whole.
static inline void arena_reset(size_t bytes)
{
    assert_true(bytes <= ARENA_MAX);
    // Tests forget their heaps, which a client must not do where free memory is hidden.
#ifdef WITH_ASAN
    ASAN_UNPOISON_MEMORY_REGION(arena, sizeof arena);
#endif
#ifdef JEFF_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(arena, sizeof arena);
#endif
    memset(arena, GUARD_BYTE, GUARD);
    memset(arena_region(), DIRTY_BYTE, bytes);
    memset(arena_region() + bytes, GUARD_BYTE, 256);
    arena_bytes = bytes;
}

static inline void assert_guards_whole(void)
{
    for (size_t i = 0; i < 256; i++) {
        assert_int_equal(arena_region()[-1 - (ptrdiff_t)i], GUARD_BYTE);
        assert_int_equal(arena_region()[arena_bytes + i], GUARD_BYTE);
    }
}

static inline jeff_heap *heap_with(size_t bytes, const struct jeff_config *config)
{
    arena_reset(bytes);
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_init(arena_region(), bytes, config, &status);
    assert_int_equal(status, JEFF_OK);
    assert_non_null(heap);
    return heap;
}

static inline jeff_heap *heap_new(size_t bytes)
{
    return heap_with(bytes, NULL);
}

static inline struct jeff_stats stats_of(const jeff_heap *heap)
{
    struct jeff_stats stats;
    memset(&stats, 0, sizeof stats);
    jeff_stats(heap, &stats);
    return stats;
}

// What must hold at any time

struct walk_sum {
    jeff_heap *heap;
    uintptr_t begin;
    uintptr_t end; ///< of the last stretch
    size_t live_blocks;
    size_t live_extents;
    size_t free_stretches; ///< the top, too
    size_t largest_free;
    bool in_region;
};

static inline bool sum_stretch(void *context, const struct jeff_block *block)
{
    struct walk_sum *sum = context;
    uintptr_t address = (uintptr_t)block->address;
    if (block->kind == JEFF_BLOCK_TOP && block->bytes == 0) {
        return true; // the last block ends so near to the handle table that nothing fits between
    }
    if (sum->in_region) {
        assert_true(address >= sum->end);
        assert_true(address - sum->end <= GAP_MAX);
        sum->end = address + block->bytes;
    }
    if (block->kind != JEFF_BLOCK_LIVE) {
        assert_true(block->handle == JEFF_NULL);
        sum->free_stretches += block->bytes > 0;
        sum->largest_free = block->bytes > sum->largest_free ? block->bytes : sum->largest_free;
        return true;
    }
    void *begin = NULL;
    size_t extent = jeff_extent(sum->heap, block->handle, &begin);
    assert_true((uintptr_t)begin <= address);
    assert_true((uintptr_t)begin + extent >= address + block->bytes);
    assert_ptr_equal(jeff_weak_lock(sum->heap, block->handle), block->address);
    assert_int_equal(jeff_usable_size(sum->heap, block->handle), block->bytes);
    assert_int_equal(jeff_lock_count(sum->heap, block->handle), block->locks);
    assert_true(jeff_handle_of(sum->heap, block->address) == block->handle);
    sum->live_blocks++;
    sum->live_extents += extent;
    return true;
}

/// Walks a heap in a region; every stretch must follow the one before without a gap.
static inline struct walk_sum walk_region(jeff_heap *heap)
{
    struct jeff_stats stats = stats_of(heap);
    struct walk_sum sum = {.heap = heap, .in_region = true};
    sum.begin = (uintptr_t)heap + stats.control_bytes;
    sum.end = sum.begin;
    jeff_walk(heap, sum_stretch, &sum);
    uintptr_t end = (uintptr_t)heap + stats.heap_bytes - stats.table_bytes;
    assert_true(sum.end <= end);
    assert_true(end - sum.end <= GAP_MAX);
    return sum;
}

static inline void assert_checked(jeff_heap *heap)
{
    struct jeff_damage damage = {.what = "(not told)"};
    if (jeff_check(heap, &damage) != JEFF_OK) {
        fail_msg("jeff_check: %s", damage.what);
    }
}

/// For a heap of heap_new(): its own check, the guards, a walk without gaps, and statistics that agree with it.
static inline void assert_sound(jeff_heap *heap)
{
    assert_checked(heap);
    assert_guards_whole();
    struct jeff_stats stats = stats_of(heap);
    struct walk_sum sum = walk_region(heap);
    assert_int_equal(sum.live_extents, stats.live_bytes);
    assert_true(sum.live_blocks <= stats.live_blocks); // purged ones are counted, but not visited
    assert_int_equal(stats.heap_bytes, stats.control_bytes + stats.table_bytes + stats.live_bytes + stats.free_bytes);
    assert_true(stats.heap_bytes <= arena_bytes);
    assert_true(arena_bytes - stats.heap_bytes < 16);
}

/// @return true if a refused call left no trace that a client could see; it may have looked for memory in vain
static inline bool is_same_but_refusals(struct jeff_stats before, struct jeff_stats after)
{
    before.refused = after.refused;
    before.visited_blocks = after.visited_blocks;
    before.compactions = after.compactions;
    return memcmp(&before, &after, sizeof before) == 0;
}

// Marked blocks

static inline unsigned char mark_at(unsigned mark, size_t i)
{
    return (unsigned char)(mark * 131u + i * 7u + (i >> 8));
}

static inline void mark_block(jeff_heap *heap, jeff_handle handle, size_t bytes, unsigned mark)
{
    unsigned char *p = jeff_lock(heap, handle);
    assert_non_null(p);
    for (size_t i = 0; i < bytes; i++) {
        p[i] = mark_at(mark, i);
    }
    assert_true(jeff_unlock(heap, handle));
}

static inline void assert_marked(jeff_heap *heap, jeff_handle handle, size_t bytes, unsigned mark)
{
    const unsigned char *p = jeff_weak_lock(heap, handle);
    assert_non_null(p);
    for (size_t i = 0; i < bytes; i++) {
        if (p[i] != mark_at(mark, i)) {
            fail_msg("byte %zu of the block of %zu bytes, mark %u, has changed", i, bytes, mark);
        }
    }
}

/// A new block of that size that holds the mark.
static inline jeff_handle marked_block(jeff_heap *heap, size_t bytes, unsigned mark)
{
    jeff_handle handle = jeff_malloc(heap, bytes);
    assert_true(handle != JEFF_NULL);
    mark_block(heap, handle, bytes, mark);
    return handle;
}

/// Fills the heap with marked blocks of one size (mark = index) until one is refused. @return how many
static inline size_t fill_heap(jeff_heap *heap, size_t bytes, jeff_handle *handles, size_t capacity)
{
    size_t count = 0;
    while (count < capacity) {
        jeff_handle handle = jeff_malloc(heap, bytes);
        if (handle == JEFF_NULL) {
            break;
        }
        handles[count] = handle;
        mark_block(heap, handle, bytes, (unsigned)count);
        count++;
    }
    return count;
}

/// The largest size that malloc serves now. It leaves the heap as it was, but for compactions.
static inline size_t largest_served(jeff_heap *heap)
{
    size_t low = 0;
    size_t high = ARENA_MAX;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        jeff_handle handle = jeff_malloc(heap, middle);
        if (handle != JEFF_NULL) {
            assert_true(jeff_free(heap, handle));
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

// Memory that is not the client's: looked at byte by byte, since sanitizers watch over memcpy and memcmp

#if defined(__clang__) || defined(__GNUC__)
#define UNWATCHED __attribute__((no_sanitize("address"), unused))
#else
#define UNWATCHED
#endif

UNWATCHED static void raw_copy(void *to, const void *from, size_t bytes)
{
    volatile unsigned char *t = to;
    const volatile unsigned char *f = from;
    for (size_t i = 0; i < bytes; i++) {
        t[i] = f[i];
    }
}

/// @return the first byte in which they differ, `bytes` if there is none
UNWATCHED static size_t raw_difference(const void *one, const void *other, size_t bytes)
{
    const volatile unsigned char *a = one;
    const volatile unsigned char *b = other;
    size_t i = 0;
    while (i < bytes && a[i] == b[i]) {
        i++;
    }
    return i;
}

UNWATCHED static void raw_flip(void *address, unsigned char bits)
{
    volatile unsigned char *byte = address;
    *byte = (unsigned char)(*byte ^ bits);
}

UNWATCHED static void raw_fill(void *address, unsigned char value, size_t bytes)
{
    volatile unsigned char *byte = address;
    for (size_t i = 0; i < bytes; i++) {
        byte[i] = value;
    }
}

/// xorshift64*: the same numbers on every machine.
static inline uint32_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 2685821657736338717u) >> 32);
}

#endif
