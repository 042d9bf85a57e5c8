/// A simple, correct handle allocator, and the misdeeds that can be wished for (hostile_internal.h lists them). How blocks lie
/// and how handles work is hostile_heap.c's.
#define _GNU_SOURCE
#include "steve/drivers/hostile_heap_internal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOCKS_MAX   65535u
#define EATEN_FIRST ((size_t)16 << 20)
#define EATEN_STEP  ((size_t)32 << 20) ///< at each later request
#define EATEN_MOST  ((size_t)(SIZE_MAX > UINT32_MAX ? (uint64_t)8 << 30 : (uint64_t)1 << 30))

#define NS_PER_MOVED_BYTE    1u
#define NS_PER_VISITED_BLOCK 16u

// Misdeeds of a malloc

static void loop_forever(void)
{
    for (volatile unsigned turns = 0;; turns++) {
    }
}

/// The heap gives it all back when it is closed, so that one episode does not answer for another.
static void eat_memory(struct hostile_heap *h)
{
    if (h->eaten == NULL) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        void *memory = mmap(NULL, EATEN_MOST, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (memory != MAP_FAILED) {
            h->eaten = memory;
            madvise(memory, EATEN_MOST, MADV_HUGEPAGE); // where page faults are dear, one for each page takes too long
        }
    }
    // Not ever more at a time, or a slow machine would see an op that hangs before it sees the memory go.
    size_t more = h->eaten_bytes == 0 ? EATEN_FIRST : EATEN_STEP;
    if (h->eaten != NULL && h->eaten_bytes + more <= EATEN_MOST) {
        memset(h->eaten + h->eaten_bytes, 0xff, more);
        h->eaten_bytes += more;
    }
}

/// What goes wrong in the process, whatever the request. @return true if the request is to be refused
static bool misbehave_before_malloc(struct hostile_heap *h)
{
    if (hostile_is_due(h, MISDEED_LOOPS)) {
        loop_forever();
    } else if (hostile_is_due(h, MISDEED_CRASHES)) {
        raise(SIGSEGV);
    } else if (hostile_is_due(h, MISDEED_EXITS)) {
        _exit(0);
    } else if (hostile_is_due(h, MISDEED_EATS_MEMORY)) {
        eat_memory(h);
    } else if (hostile_is_due(h, MISDEED_WRITES_GUARD)) {
        h->base[h->end]++;
    }
    return hostile_is_due(h, MISDEED_REFUSES);
}

/// Where the new block should lie instead. The gap at `*offset` fits it.
static void misplace(struct hostile_heap *h, size_t alignment, size_t *bytes, size_t *offset)
{
    size_t elsewhere;
    if (h->live > 0 && hostile_at(h, 0)->offset + *bytes <= h->end && hostile_is_due(h, MISDEED_OVERLAP)) {
        *offset = hostile_at(h, 0)->offset;
    } else if (hostile_is_due(h, MISDEED_OUT_OF_HEAP)) {
        *offset = hostile_align_offset(h, h->end, alignment) - HOSTILE_GRANULE;
        *bytes += HOSTILE_GRANULE; // so that it sticks out whatever its size
    } else if (hostile_find_gap(h, alignment, *bytes + HOSTILE_GRANULE, &elsewhere) &&
               hostile_is_due(h, MISDEED_MISALIGNED)) {
        *offset = elsewhere + HOSTILE_GRANULE / 2;
    } else if (hostile_is_due(h, MISDEED_BASE_DEPENDENT)) {
        size_t shift = ((uintptr_t)h->base >> 16) % 7 * HOSTILE_GRANULE;
        size_t gap = hostile_gap_end(h, hostile_rank_of(h, *offset)) - *offset;
        if (alignment <= HOSTILE_GRANULE && gap >= *bytes + shift) {
            *offset += shift;
        }
    }
}

/// A byte in a block that lies where a freed one lay is changed, as by a late write through a stale pointer.
static void write_after_free(struct hostile_heap *h)
{
    if (!h->has_freed_offset) {
        return;
    }
    size_t above = hostile_rank_of(h, h->freed_offset + 1);
    if (above > 0 && h->freed_offset < hostile_gap_begin(h, above)) {
        h->base[h->freed_offset] ^= 0xff;
        h->has_freed_offset = false; // a second flip would undo the first
    }
}

// Allocation

static steve_ref allocate(struct hostile_heap *h, size_t alignment, size_t requested)
{
    size_t offset;
    size_t bytes = hostile_extent_for(requested);
    write_after_free(h);
    if (requested > h->end || !hostile_find_gap(h, alignment, bytes, &offset)) {
        return 0;
    }
    if (misbehave_before_malloc(h)) {
        return 0;
    }
    if (h->live > 0 && hostile_is_due(h, MISDEED_SAME_HANDLE)) {
        return hostile_at(h, 0)->ref;
    }
    struct hostile_block *block = hostile_take_slot(h);
    if (block == NULL) {
        return 0;
    }
    misplace(h, alignment, &bytes, &offset);
    block->offset = offset;
    block->bytes = bytes;
    block->alignment = alignment;
    hostile_order_insert(h, block);
    return block->ref;
}

steve_ref hostile_malloc(void *heap, size_t bytes)
{
    return allocate(heap, HOSTILE_GRANULE, bytes);
}

steve_ref hostile_calloc(void *heap, size_t count, size_t size)
{
    struct hostile_heap *h = heap;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return 0;
    }
    steve_ref ref = allocate(h, HOSTILE_GRANULE, bytes);
    struct hostile_block *block = hostile_find(h, ref);
    if (block != NULL && h->misdeed != MISDEED_SAME_HANDLE) {
        memset(h->base + block->offset, 0, bytes);
        if (bytes > 0 && hostile_is_due(h, MISDEED_DIRTY_CALLOC)) {
            h->base[block->offset + bytes - 1] = 0xa5;
        }
    }
    return ref;
}

steve_ref hostile_aligned(void *heap, size_t alignment, size_t bytes)
{
    return allocate(heap, alignment < HOSTILE_GRANULE ? HOSTILE_GRANULE : alignment, bytes);
}

/// Puts the block elsewhere, larger: into another gap, or into the run made by itself and the gaps beside it.
static bool resize_by_moving(struct hostile_heap *h, struct hostile_block *block, size_t bytes)
{
    size_t offset;
    size_t kept = block->bytes < bytes ? block->bytes : bytes;
    size_t rank = hostile_rank_of(h, block->offset);
    if (!hostile_find_gap(h, block->alignment, bytes, &offset) &&
        !hostile_fits(h, hostile_gap_begin(h, rank), hostile_gap_end(h, rank + 1), block->alignment, bytes, &offset)) {
        return false;
    }
    hostile_order_remove(h, block);
    memmove(h->base + offset, h->base + block->offset, kept);
    if (hostile_is_due(h, MISDEED_RESIZE_LOSES)) {
        h->base[offset] ^= 0xff;
    }
    block->offset = offset;
    block->bytes = bytes;
    hostile_order_insert(h, block);
    h->moves++;
    return true;
}

static bool resize(struct hostile_heap *h, struct hostile_block *block, size_t requested)
{
    if (requested > h->end) {
        return false;
    }
    size_t bytes = hostile_extent_for(requested);
    size_t room = hostile_gap_end(h, hostile_rank_of(h, block->offset) + 1) - block->offset;
    if (bytes <= room) {
        h->live_bytes += bytes - block->bytes;
        block->bytes = bytes;
        return true;
    }
    return block->locks == 0 && resize_by_moving(h, block, bytes);
}

steve_ref hostile_resize(void *heap, steve_ref ref, size_t bytes)
{
    struct hostile_heap *h = heap;
    struct hostile_block *block = hostile_find(h, ref);
    if (block == NULL) {
        return 0;
    }
    if (resize(h, block, bytes)) {
        return ref;
    }
    if (hostile_is_due(h, MISDEED_FAILED_RESIZE_FREES)) {
        hostile_order_remove(h, block);
        hostile_give_slot_back(h, block);
    }
    return 0;
}

static void lose_capacity(struct hostile_heap *h)
{
    size_t part = (h->end - h->begin) / 4 / HOSTILE_GRANULE * HOSTILE_GRANULE;
    if (h->live == 0 && hostile_is_due(h, MISDEED_LOSES_CAPACITY)) {
        h->begin += part;
    }
}

bool hostile_free(void *heap, steve_ref ref)
{
    struct hostile_heap *h = heap;
    struct hostile_block *block = hostile_find(h, ref);
    if (block == NULL) {
        return hostile_is_due(h, MISDEED_ACCEPTS_STALE);
    }
    if (block->locks > 0) {
        return false;
    }
    if (hostile_is_due(h, MISDEED_WRITES_AFTER_FREE)) {
        h->freed_offset = block->offset;
        h->has_freed_offset = true;
    }
    hostile_order_remove(h, block);
    hostile_give_slot_back(h, block);
    lose_capacity(h);
    return true;
}

// Locks

enum steve_lock_result hostile_weak_lock(void *heap, steve_ref ref, void **address)
{
    struct hostile_heap *h = heap;
    const struct hostile_block *block = hostile_find(h, ref);
    if (block == NULL) {
        *address = h->base;
        return hostile_is_due(h, MISDEED_ACCEPTS_STALE) ? STEVE_LOCK_OK : STEVE_LOCK_REFUSED;
    }
    *address = h->base + block->offset;
    return STEVE_LOCK_OK;
}

enum steve_lock_result hostile_lock(void *heap, steve_ref ref, void **address)
{
    struct hostile_block *block = hostile_find(heap, ref);
    if (block != NULL) {
        if (block->locks == LOCKS_MAX) {
            return STEVE_LOCK_REFUSED;
        }
        block->locks++;
    }
    return hostile_weak_lock(heap, ref, address);
}

bool hostile_unlock(void *heap, steve_ref ref)
{
    struct hostile_heap *h = heap;
    struct hostile_block *block = hostile_find(h, ref);
    if (block == NULL) {
        return hostile_is_due(h, MISDEED_ACCEPTS_STALE);
    }
    if (block->locks == 0) {
        return false;
    }
    block->locks--;
    return true;
}

// Compaction

static void slide(struct hostile_heap *h, struct hostile_block *block, size_t target)
{
    bool forgets = hostile_is_due(h, MISDEED_FORGETS);
    memmove(h->base + target, h->base + block->offset, block->bytes);
    if (forgets) {
        h->base[target] ^= 0xff;
    }
    block->offset = target;
    h->moved_bytes += block->bytes;
    h->moves++;
}

/// Swaps two unlocked neighbours of one size: a move that no compaction needs.
static void swap_neighbours(struct hostile_heap *h)
{
    for (size_t i = 0; i + 1 < h->live; i++) {
        struct hostile_block *low = hostile_at(h, i);
        struct hostile_block *high = hostile_at(h, i + 1);
        if (low->locks + high->locks > 0 || low->bytes != high->bytes ||
            low->alignment + high->alignment > 2 * HOSTILE_GRANULE) {
            continue;
        }
        for (size_t k = 0; k < low->bytes; k++) {
            unsigned char byte = h->base[low->offset + k];
            h->base[low->offset + k] = h->base[high->offset + k];
            h->base[high->offset + k] = byte;
        }
        size_t offset = low->offset;
        low->offset = high->offset;
        high->offset = offset;
        h->order[i] = (uint32_t)(high - h->blocks);
        h->order[i + 1] = (uint32_t)(low - h->blocks);
        h->moved_bytes += low->bytes * 2;
        h->moves++;
        return;
    }
}

/// @return false if moving that many bytes more, and the next visit, would overrun the budget
static bool is_within(struct hostile_heap *h, uint64_t begun, uint64_t budget_ns, size_t bytes)
{
    return budget_ns == 0 || hostile_now(h) - begun + bytes * NS_PER_MOVED_BYTE <= budget_ns;
}

bool hostile_compact(void *heap, uint64_t budget_ns)
{
    struct hostile_heap *h = heap;
    if (budget_ns != 0 && hostile_is_due(h, MISDEED_OVERRUNS_BUDGET)) {
        budget_ns = 0;
    }
    bool moves_locked = hostile_is_due(h, MISDEED_MOVES_LOCKED);
    size_t count = h->live - (h->live > 0 && hostile_is_due(h, MISDEED_NOT_COMPACTED));
    uint64_t begun = hostile_now(h);

    for (size_t i = 0; i < count; i++) {
        struct hostile_block *block = hostile_at(h, i);
        size_t target = hostile_align_offset(h, hostile_gap_begin(h, i), block->alignment);
        h->visited++;
        bool moves = target < block->offset && (block->locks == 0 || moves_locked);
        if (!is_within(h, begun, budget_ns, moves ? block->bytes : 0)) {
            return false;
        }
        if (moves) {
            slide(h, block, target);
        }
    }
    if (hostile_is_due(h, MISDEED_NOT_IDEMPOTENT)) {
        swap_neighbours(h);
    }
    return true;
}

bool hostile_compact_goal(void *heap, size_t wanted)
{
    struct hostile_heap *h = heap;
    hostile_compact(h, 0);
    return wanted <= h->end && hostile_largest_gap(h) >= hostile_extent_for(wanted);
}

uint64_t hostile_moves(void *heap)
{
    return ((struct hostile_heap *)heap)->moves;
}

uint64_t hostile_now(void *heap)
{
    const struct hostile_heap *h = heap;
    return h->moved_bytes * NS_PER_MOVED_BYTE + h->visited * NS_PER_VISITED_BLOCK;
}

// Queries

size_t hostile_usable(void *heap, steve_ref ref)
{
    const struct hostile_block *block = hostile_find(heap, ref);
    return block == NULL ? 0 : block->bytes;
}

struct steve_extent hostile_extent(void *heap, steve_ref ref)
{
    struct hostile_heap *h = heap;
    const struct hostile_block *block = hostile_find(h, ref);
    if (block == NULL) {
        return (struct steve_extent){0};
    }
    return (struct steve_extent){.begin = (uintptr_t)(h->base + block->offset), .bytes = block->bytes};
}

struct steve_arena hostile_arena(void *heap)
{
    const struct hostile_heap *h = heap;
    return (struct steve_arena){
        .begin = (uintptr_t)(h->base + h->begin),
        .end = (uintptr_t)(h->base + h->end),
        .spare_handles = HOSTILE_BLOCKS_MAX - h->slots_used,
    };
}

size_t hostile_run_needed(void *heap, size_t alignment, size_t bytes)
{
    const struct hostile_heap *h = heap;
    if (bytes > h->end) {
        return SIZE_MAX;
    }
    return hostile_extent_for(bytes) + (alignment > HOSTILE_GRANULE ? alignment - HOSTILE_GRANULE : 0);
}

void hostile_stats(void *heap, struct steve_stats *stats)
{
    struct hostile_heap *h = heap;
    size_t lie = hostile_is_due(h, MISDEED_LIES) ? HOSTILE_GRANULE : 0;
    *stats = (struct steve_stats){
        .live_blocks = h->live,
        .live_bytes = h->live_bytes + lie,
        .free_bytes = h->end - h->begin - h->live_bytes,
    };
}

const char *hostile_check(void *heap)
{
    struct hostile_heap *h = heap;
    if (hostile_is_due(h, MISDEED_CHECK_FAILS)) {
        return "made-up damage";
    }
    for (size_t i = 1; i < h->live; i++) {
        if (hostile_at(h, i)->offset < hostile_gap_begin(h, i)) {
            return "two blocks overlap";
        }
    }
    return NULL;
}

// Opening and closing

void *hostile_open(const struct steve_geometry *geometry, enum misdeed misdeed, unsigned after, const char **why)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    struct hostile_heap *h = mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (h == MAP_FAILED) {
        *why = "no memory for the driver's own bookkeeping";
        return NULL;
    }
    h->base = geometry->region;
    h->end = geometry->bytes < HOSTILE_LARGEST_HEAP ? geometry->bytes : HOSTILE_LARGEST_HEAP;
    h->salt = geometry->salt;
    h->misdeed = misdeed;
    h->after = after;
    return h;
}

void hostile_close(void *heap)
{
    struct hostile_heap *h = heap;
    if (h->eaten != NULL) {
        munmap(h->eaten, EATEN_MOST);
    }
    munmap(h, sizeof *h);
}
