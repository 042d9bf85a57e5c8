/// What AddressSanitizer and Valgrind are told about a heap's memory, so that a pointer which a client keeps too long faults at the
/// instruction that uses it. Of all memory between the control block and the handle table a client may touch
///
/// - the payload of a locked block: *shown* by jeff_lock(), *hidden* again by the last jeff_unlock();
/// - that of a block weakly locked since `compactions` last changed (CW_SHOWN in its entry, `weakly_shown` in the heap).
///
/// Everything else is hidden: headers, free memory, blocks that are not locked. Jeff himself reaches it through load(), store() and
/// the hidden_ functions, which the tools do not check. Pages of a mapped heap are hidden only while they are committed.
///
/// In ordinary builds all of this compiles to nothing. AddressSanitizer is noticed by itself, Valgrind is asked for by defining
/// JEFF_VALGRIND.
#ifndef JEFF_SANITIZE_INTERNAL_H
#define JEFF_SANITIZE_INTERNAL_H

#include "jeff.h"

#if defined(WITH_ASAN)
// Given, for a file that belongs to such a build but is not watched itself.
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

#ifdef JEFF_VALGRIND
#define WITH_VALGRIND 1
#include <valgrind/memcheck.h>
#else
#define WITH_VALGRIND 0
#endif

#define SANITIZED (WITH_ASAN || WITH_VALGRIND)

/// For functions that read and write what is hidden. Compilers inline them into each other alone, and into them only such as are
/// INLINED by force.
#if WITH_ASAN
#ifdef __clang__
#define UNCHECKED __attribute__((no_sanitize("address", "coverage"))) // a fuzzer learns from what they are called for
#else
#define UNCHECKED __attribute__((no_sanitize("address")))
#endif
#define INLINED __attribute__((always_inline))
#else
#define UNCHECKED
#define INLINED
#endif

/// Around what such a function does.
#if WITH_VALGRIND
#define UNCHECKED_BEGIN VALGRIND_DISABLE_ERROR_REPORTING
#define UNCHECKED_END   VALGRIND_ENABLE_ERROR_REPORTING
#else
#define UNCHECKED_BEGIN ((void)0)
#define UNCHECKED_END   ((void)0)
#endif

struct entry;

#if SANITIZED

/// Of a stretch beyond 256 KiB its ends alone are hidden, 64 KiB each: heaps and blocks may have gigabytes, and the tools keep notes on
/// each byte. What was hidden in it before stays so.
void memory_hide(const void *begin, size_t bytes);
/// Shows all of a stretch, whatever of it was hidden.
void memory_show(const void *begin, size_t bytes);
/// Whether AddressSanitizer hides a part of it. Valgrind is not asked: it would report it.
bool memory_is_hidden(const void *begin, size_t bytes);
/// memmove() between two hidden places, which stay hidden. Both begin at a granule or at the header in front of one.
void hidden_move(char *to, const char *from, size_t bytes);
#define hidden_copy hidden_move
/// memset() on hidden memory.
void hidden_fill(char *to, int byte, size_t bytes);
/// Copies hidden memory out, or into it.
void hidden_read(void *to, const char *from, size_t bytes);
void hidden_write(char *to, const void *from, size_t bytes);

/// Hides a block or a run, with the header in front of it.
void hide_run(const jeff_heap *h, uint32_t start, uint32_t granules);
/// After a lock. @return `address`, which may be NULL
void *show_locked(jeff_heap *h, jeff_handle handle, void *address);
/// After a weak lock. @return `address`, which may be NULL
void *show_weakly(jeff_heap *h, jeff_handle handle, void *address);
/// After an unlock: hides the payload if no lock is left.
void hide_unlocked(jeff_heap *h, jeff_handle handle);
/// A weak lock ends because its block is freed or moved for a resize. A handle that is not live, or a locked block, is left alone.
void end_weak_lock(jeff_heap *h, jeff_handle handle);
/// All weak locks end, because `compactions` changes. O(handles) if there may be one
void end_weak_locks(jeff_heap *h);
/// After a block was resized where it lies, from so many granules: only what may be used now is shown.
void hide_resized(jeff_heap *h, struct entry *e, uint32_t start, uint32_t granules_before);
/// The same for a block with pages of its own.
void hide_resized_pages(jeff_heap *h, struct entry *e);
/// Around the callback `moved`, which may look at the block.
void show_moved(jeff_heap *h, const struct entry *e);
void hide_moved(jeff_heap *h, const struct entry *e, const void *payload, size_t bytes);

#else

#define hidden_move                                memmove
#define hidden_copy                                memcpy
#define hidden_fill                                memset
#define hidden_read                                memcpy
#define hidden_write                               memcpy
#define memory_hide(begin, bytes)                  ((void)(begin), (void)(bytes))
#define memory_show(begin, bytes)                  ((void)(begin), (void)(bytes))
#define memory_is_hidden(begin, bytes)             ((void)(begin), (void)(bytes), false)
#define hide_run(h, start, granules)               ((void)0)
#define show_locked(h, handle, address)            (address)
#define show_weakly(h, handle, address)            (address)
#define hide_unlocked(h, handle)                   ((void)0)
#define end_weak_lock(h, handle)                   ((void)0)
#define end_weak_locks(h)                          ((void)0)
#define hide_resized(h, e, start, granules_before) ((void)0)
#define hide_resized_pages(h, e)                   ((void)0)
#define show_moved(h, e)                           ((void)0)
#define hide_moved(h, e, payload, bytes)           ((void)0)

#endif
#endif
