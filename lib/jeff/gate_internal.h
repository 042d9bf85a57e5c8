/// Shared heaps: where threads that lock a block meet the one that moves it.
///
/// All that changes a shared heap is done by the thread that has its mutex, with the functions of ordinary heaps. Locks are not counted
/// in the entries, which are that thread's alone, but at the *gates*, one word of 64 bits a slot, which any thread changes by compare
/// and swap:
///
///     gate   locks (16) . flags (8) . class at birth (8) . generation (32)         0: no live block
///
/// Its lower 40 bits are those of the handle, as in an entry. A thread that locks or unlocks writes the gate and nothing else, and
/// reads `off` of the entry once the block cannot move. Whoever moves a block *claims* its gate before, which works only while there is no lock, and
/// releases it when the block and its entry are whole again. Who would lock a claimed block waits for that. Nobody waits with a claim in
/// hand, and no callback of the client's runs under one.
///
///     | ... gate n | ... | gate 1 | gate 0 | struct jeff_shared | struct jeff_heap ...
///       <- gates grow downwards, as slots do                      the heap proper
///
/// Gates never move, and never go away, so that one can be looked at for any handle. In an ordinary heap these functions do nothing.
#ifndef JEFF_GATE_INTERNAL_H
#define JEFF_GATE_INTERNAL_H

#include "heap_internal.h"
#include "jeff_shared.h"

#ifndef __STDC_NO_ATOMICS__
#include <stdatomic.h>
#if ATOMIC_LLONG_LOCK_FREE == 2
#define HAS_SHARED 1
#endif
#endif
#ifndef HAS_SHARED
#define HAS_SHARED 0 // no compare and swap of 64 bits on this target: there are no shared heaps
#endif

#define GATE_CLAIMED ((uint64_t)1 << 40) ///< the block is being moved, or its contents dropped
#define GATE_WANTED  ((uint64_t)1 << 41) ///< and somebody waits for it
/// A part of the block was copied to where it will move, and nobody has locked it since: see CW_HALFWAY.
#define GATE_HALFWAY ((uint64_t)1 << 42)
/// The address is not that of the entry, or there is none: CW_PURGED or CW_MAPPED. Its locks are counted under the mutex.
#define GATE_AWAY ((uint64_t)1 << 43)
#define GATE_LOCK ((uint64_t)1 << 48) ///< one lock

#if HAS_SHARED

#define CACHE_LINE 64

/// Written under the mutex or not at all, `watched` aside, so that the line stays in every thread's cache.
struct jeff_shared {
    _Alignas(CACHE_LINE) uintptr_t table_bias; ///< as in the heap, whose first line is written all the time
    struct jeff_mutex_hooks hooks;
    size_t before;              ///< bytes of the heap's memory in front of it: this struct and the gates
    uint32_t slot_least;        ///< lowest slot that has room for a gate
    _Atomic uint32_t gates_low; ///< lowest slot that has a gate
    /// The heap remembers that something was refused, and no block was unlocked since.
    _Atomic uint32_t watched;
    bool own_mutex; ///< it is in `mutex`: the hooks are the default
    _Alignas(CACHE_LINE) unsigned char mutex[CACHE_LINE];
};
static_assert(sizeof(struct jeff_shared) == (size_t)2 * CACHE_LINE, "what all threads read is one line");

#define SHARED_MARK 0x5a ///< of a heap with gates; no single flipped bit makes it out of 0

static inline bool is_shared(const struct jeff_heap *h)
{
    return h->shared == SHARED_MARK;
}

static inline struct jeff_shared *shared_of(const struct jeff_heap *h)
{
    return (struct jeff_shared *)(uintptr_t)h - 1;
}

static inline struct jeff_heap *heap_of(const struct jeff_shared *s)
{
    return (struct jeff_heap *)(uintptr_t)(s + 1);
}

static inline _Atomic uint64_t *gate_at(const struct jeff_shared *s, uint32_t slot)
{
    return (_Atomic uint64_t *)(uintptr_t)s - (SLOT_END - slot);
}

static inline uint64_t gate_word(const struct jeff_heap *h, uint32_t slot)
{
    return atomic_load(gate_at(shared_of(h), slot));
}

/// Bytes that must lie in front of a heap of so many blocks at most, whose memory has `bytes` in all.
size_t gates_before(uint32_t blocks, size_t bytes);
/// Bytes that do.
static inline size_t bytes_before(const struct jeff_heap *h)
{
    return is_shared(h) ? shared_of(h)->before : 0;
}
#if HAS_POSIX
/// Makes a recursive mutex at `place`. @return false if the system has none to give
bool jeff_posix_mutex(struct jeff_mutex_hooks *hooks, void *place);
void jeff_posix_mutex_end(void *place);
#else
static inline bool jeff_posix_mutex(struct jeff_mutex_hooks *hooks, void *place)
{
    (void)hooks;
    (void)place;
    return false;
}

static inline void jeff_posix_mutex_end(void *place)
{
    (void)place;
}
#endif

/// The lowest slot that has a gate if there is memory for so many bytes of them below the control block.
static inline uint32_t gates_down_to(const struct jeff_shared *s, size_t bytes)
{
    const size_t gates = bytes / sizeof(uint64_t);
    return gates < SLOT_END - s->slot_least ? SLOT_END - (uint32_t)gates : s->slot_least;
}

/// Whether a slot to be born has room for a gate at all.
static inline bool gates_reach(const struct jeff_heap *h, uint32_t slot)
{
    return slot >= shared_of(h)->slot_least;
}

/// Makes sure that a slot to be born has a gate. @return false if there is no room for one
bool gates_grow(struct jeff_heap *h, uint32_t slot);
bool gate_claim_shared(struct jeff_heap *h, uint32_t slot);
void gate_release_with(struct jeff_heap *h, uint32_t slot, uint64_t flags);
void gates_note_shared(struct jeff_heap *h, bool note);
void gates_watch_shared(struct jeff_heap *h);

#else

static inline bool is_shared(const struct jeff_heap *h)
{
    (void)h;
    return false;
}

static inline uint64_t gate_word(const struct jeff_heap *h, uint32_t slot)
{
    (void)h;
    (void)slot;
    return 0;
}

static inline bool gates_reach(const struct jeff_heap *h, uint32_t slot)
{
    (void)h;
    (void)slot;
    return true;
}

static inline bool gates_grow(struct jeff_heap *h, uint32_t slot)
{
    (void)h;
    (void)slot;
    return true;
}

static inline size_t gates_before(uint32_t blocks, size_t bytes)
{
    (void)blocks;
    (void)bytes;
    return 0;
}

static inline size_t bytes_before(const struct jeff_heap *h)
{
    (void)h;
    return 0;
}

#define gate_claim_shared(h, slot)        ((void)(h), (void)(slot), true)
#define gate_release_with(h, slot, flags) ((void)(h), (void)(slot), (void)(flags))
#define gates_note_shared(h, note)        ((void)(h), (void)(note))
#define gates_watch_shared(h)             ((void)(h))

#endif

/// Locks of a live block.
static inline uint32_t lock_count(const struct jeff_heap *h, uint32_t slot)
{
    return UNLIKELY(is_shared(h)) ? (uint32_t)(gate_word(h, slot) / GATE_LOCK) : locks_of(entry_at(h, slot));
}

/// Before a block is moved or its contents are dropped, by whoever found it unlocked in its entry. @return false if another
/// thread has locked it: it is to be taken for a locked one then. Blocks with pages of their own need no claim, nor do purged ones
static inline bool gate_claim(struct jeff_heap *h, uint32_t slot)
{
    return LIKELY(!is_shared(h)) || gate_claim_shared(h, slot);
}

/// After it, when block and entry are whole again. Without a claim it does nothing.
static inline void gate_release(struct jeff_heap *h, uint32_t slot)
{
    if (UNLIKELY(is_shared(h)))
        gate_release_with(h, slot, 0);
}

/// Releases a block of which a part was copied.
static inline void gate_release_halfway(struct jeff_heap *h, uint32_t slot)
{
    if (UNLIKELY(is_shared(h)))
        gate_release_with(h, slot, GATE_HALFWAY);
}

/// Releases a block without contents.
static inline void gate_release_purged(struct jeff_heap *h, uint32_t slot)
{
    if (UNLIKELY(is_shared(h)))
        gate_release_with(h, slot, GATE_AWAY);
}

/// Of a claimed block: whether nobody has locked it since gate_release_halfway().
static inline bool gate_is_halfway(const struct jeff_heap *h, uint32_t slot)
{
    return LIKELY(!is_shared(h)) || (gate_word(h, slot) & GATE_HALFWAY) != 0;
}

/// Of a claimed block: whether a thread waits for it.
static inline bool gate_is_wanted(const struct jeff_heap *h, uint32_t slot)
{
    return UNLIKELY(is_shared(h)) && (gate_word(h, slot) & GATE_WANTED) != 0;
}

/// A plan must see the same blocks locked from its first step to its last: gates_note() writes into the entries which are so now, and
/// gates_forget() takes that back. A block that was unlocked meanwhile is taken for a locked one, and one that was locked cannot be
/// claimed. O(handles)
static inline void gates_note(struct jeff_heap *h)
{
    if (UNLIKELY(is_shared(h)))
        gates_note_shared(h, true);
}

static inline void gates_forget(struct jeff_heap *h)
{
    if (UNLIKELY(is_shared(h)))
        gates_note_shared(h, false);
}

/// Before the heap looks for room where it may have found none before: what it remembers is void if a block was unlocked since, and
/// what it finds out from now on will be, once one is.
static inline void gates_watch(struct jeff_heap *h)
{
    if (UNLIKELY(is_shared(h)))
        gates_watch_shared(h);
}

#endif
