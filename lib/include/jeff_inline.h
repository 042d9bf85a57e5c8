/// Jeff's lock and unlock without a call, for loops in which the two calls cost more than what they do.
///
/// jeff_lock_inline(), jeff_unlock_inline() and jeff_weak_lock_inline() are jeff_lock(), jeff_unlock() and jeff_weak_lock() in
/// every respect, and both kinds may be mixed. What is out of the ordinary (stale handles, purged blocks, blocks with pages of their own, a lock too
/// many) they leave to the functions. They know the layout of the heap: header and library must be of the same version. Under
/// AddressSanitizer and in a library built for Valgrind they are plain calls, since locking then shows memory to the checker.
#ifndef JEFF_INLINE_H
#define JEFF_INLINE_H

#include "jeff.h"

#if __STDC_HOSTED__
#include <string.h>
#elif defined(__cplusplus)
extern "C" void *memcpy(void *to, const void *from, size_t bytes);
#else
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JEFF_INLINE_CALLS 1
#endif
#endif
#if !defined(JEFF_INLINE_CALLS) && (defined(__SANITIZE_ADDRESS__) || defined(JEFF_VALGRIND))
#define JEFF_INLINE_CALLS 1
#endif

// Where library and client are compiled as one, a compiler must not take the two views of these words for two places.
#if defined(__GNUC__)
#define JEFF_INLINE_VIEW __attribute__((may_alias))
#else
#define JEFF_INLINE_VIEW
#endif

/// How every heap begins. The library asserts that it does.
struct JEFF_INLINE_VIEW jeff_inline_heap {
    uintptr_t table_bias; ///< address of entry 0 of the handle table, which as a rule is not there
    uint32_t slot_low;    ///< lowest slot that the table has
    uint32_t refused;     ///< all bits set when memory may have come free since the last refusal
};

/// Three words a slot: where the payload lies in units of 16 bytes from the heap, the generation, and from the top: locks (16), flags (8),
/// class (8). The last two are read as one: see heap_internal.h.
enum { JEFF_INLINE_WORDS = 3 };
/// The flags of a block that is not, or not for long, where the entry says.
#define JEFF_INLINE_AWAY (UINT64_C(0x46) << 40)
#define JEFF_INLINE_LIFE ((UINT64_C(1) << 40) - 1) ///< class and generation, in a handle and in an entry
#define JEFF_INLINE_LOCK (UINT64_C(1) << 48)       ///< one lock

/// Whether the handle may be looked up at all. Generations of live blocks are odd.
static inline bool jeff_inline_has_entry(const jeff_heap *heap, jeff_handle handle)
{
    const struct jeff_inline_heap *view = (const struct jeff_inline_heap *)heap;
    return (uint32_t)(handle >> 40) >= view->slot_low && (handle & 1) != 0;
}

static inline uint32_t *jeff_inline_entry(const jeff_heap *heap, jeff_handle handle)
{
    const struct jeff_inline_heap *view = (const struct jeff_inline_heap *)heap;
    // Words rather than entries: x86 has an address mode for words.
    return (uint32_t *)view->table_bias +
           (size_t)(handle >> 40) * JEFF_INLINE_WORDS; // NOLINT(performance-no-int-to-ptr)
}

static inline uint64_t jeff_inline_word(const uint32_t *entry)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, entry + 1, sizeof word);
    return word;
#else
    return (uint64_t)entry[2] << 32 | entry[1];
#endif
}

static inline void jeff_inline_set_word(uint32_t *entry, uint64_t word)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(entry + 1, &word, sizeof word);
#else
    entry[1] = (uint32_t)word;
    entry[2] = (uint32_t)(word >> 32);
#endif
}

/// Adds a lock, or none, to a block of the ordinary kind. @return its address, or NULL: not done
static inline void *jeff_inline_lock(jeff_heap *heap, jeff_handle handle, bool count)
{
    if (!jeff_inline_has_entry(heap, handle))
        return NULL;
    uint32_t *entry = jeff_inline_entry(heap, handle);
    const uint64_t word = jeff_inline_word(entry);
    if (((word ^ handle) & JEFF_INLINE_LIFE) != 0 || (word & JEFF_INLINE_AWAY) != 0)
        return NULL;
    if (count) {
        // The locks are the top of the word: one too many carries out of it.
        const uint64_t locked = word + JEFF_INLINE_LOCK;
        if (locked < word)
            return NULL;
        jeff_inline_set_word(entry, locked);
    }
    return (char *)heap + (size_t)entry[0] * 16;
}

/// Takes back a lock. @return false: not done
static inline bool jeff_inline_unlock(jeff_heap *heap, jeff_handle handle)
{
    if (!jeff_inline_has_entry(heap, handle))
        return false;
    uint32_t *entry = jeff_inline_entry(heap, handle);
    const uint64_t word = jeff_inline_word(entry);
    if (((word ^ handle) & JEFF_INLINE_LIFE) != 0 || word < JEFF_INLINE_LOCK)
        return false;
    jeff_inline_set_word(entry, word - JEFF_INLINE_LOCK);
    ((struct jeff_inline_heap *)heap)->refused = UINT32_MAX;
    return true;
}

/// As jeff_lock(). O(1), about 12 instructions
static inline void *jeff_lock_inline(jeff_heap *heap, jeff_handle handle)
{
#ifndef JEFF_INLINE_CALLS
    void *address = jeff_inline_lock(heap, handle, true);
    if (address)
        return address;
#endif
    return jeff_lock(heap, handle);
}

/// As jeff_weak_lock(). O(1)
static inline void *jeff_weak_lock_inline(jeff_heap *heap, jeff_handle handle)
{
#ifndef JEFF_INLINE_CALLS
    void *address = jeff_inline_lock(heap, handle, false);
    if (address)
        return address;
#endif
    return jeff_weak_lock(heap, handle);
}

/// As jeff_unlock(). O(1)
static inline bool jeff_unlock_inline(jeff_heap *heap, jeff_handle handle)
{
#ifndef JEFF_INLINE_CALLS
    if (jeff_inline_unlock(heap, handle))
        return true;
#endif
    return jeff_unlock(heap, handle);
}

#ifdef __cplusplus
}
#endif

#endif
