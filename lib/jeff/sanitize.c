/// Telling AddressSanitizer and Valgrind which memory of a heap a client may touch. An ordinary build leaves this file empty.
#define _DEFAULT_SOURCE
#include "gate_internal.h"

#if SANITIZED

#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif
#endif

#define HIDDEN_WHOLE ((size_t)262144)
#define HIDDEN_END   ((size_t)65536)

static void hide(const void *begin, size_t bytes)
{
#if WITH_ASAN
    __asan_poison_memory_region(begin, bytes);
#endif
#if WITH_VALGRIND
    (void)VALGRIND_MAKE_MEM_NOACCESS(begin, bytes);
#endif
}

static void show(const void *begin, size_t bytes)
{
#if WITH_ASAN
    __asan_unpoison_memory_region(begin, bytes);
#endif
#if WITH_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(begin, bytes);
#endif
}

void memory_hide(const void *begin, size_t bytes)
{
    if (bytes <= HIDDEN_WHOLE) {
        hide(begin, bytes);
        return;
    }
    hide(begin, HIDDEN_END);
    hide((const char *)begin + bytes - HIDDEN_END, HIDDEN_END);
}

#if WITH_ASAN && defined(__linux__)
/// AddressSanitizer's notes on a large stretch are given back to the system rather than written: zeros there mean that all is shown.
/// @return false if they do not fill a page
static bool drop_notes(const char *begin, const char *end)
{
    size_t scale;
    size_t offset;
    __asan_get_shadow_mapping(&scale, &offset);
    const uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    const uintptr_t notes = (((uintptr_t)begin >> scale) + offset + mask) & ~mask;
    const uintptr_t notes_end = (((uintptr_t)end >> scale) + offset) & ~mask;
    if (notes >= notes_end)
        return false;
    madvise((void *)notes, notes_end - notes, MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
    // The first page and the last have notes on other memory, too.
    show(begin, ((notes - offset) << scale) - (uintptr_t)begin);
    const uintptr_t above = (notes_end - offset) << scale;
    show((const char *)above, (uintptr_t)end - above); // NOLINT(performance-no-int-to-ptr)
    return true;
}
#endif

void memory_show(const void *begin, size_t bytes)
{
#if WITH_ASAN && defined(__linux__)
    if (bytes > HIDDEN_WHOLE && drop_notes(begin, (const char *)begin + bytes))
        return;
#endif
    show(begin, bytes);
}

bool memory_is_hidden(const void *begin, size_t bytes)
{
#if WITH_ASAN
    return __asan_region_is_poisoned((void *)(uintptr_t)begin, bytes) != NULL; // NOLINT(performance-no-int-to-ptr)
#else
    (void)begin;
    (void)bytes;
    return false;
#endif
}

void hidden_move(char *to, const char *from, size_t bytes)
{
    // A header shares its eight bytes with the end of what lies below, which must stay as it is: it goes by itself.
    const bool with_header = (uintptr_t)to % GRANULE != 0;
    const uint32_t header = with_header ? load(from) : 0;
    const size_t skipped = with_header ? HEADER : 0;
    memory_show(from + skipped, bytes - skipped);
    memory_show(to + skipped, bytes - skipped);
    memmove(to + skipped, from + skipped, bytes - skipped);
    memory_hide(from + skipped, bytes - skipped);
    memory_hide(to + skipped, bytes - skipped);
    if (with_header)
        store(to, header);
}

void hidden_fill(char *to, int byte, size_t bytes)
{
    memory_show(to, bytes);
    memset(to, byte, bytes);
    memory_hide(to, bytes);
}

void hidden_read(void *to, const char *from, size_t bytes)
{
    show(from, bytes);
    memcpy(to, from, bytes);
    hide(from, bytes);
}

void hidden_write(char *to, const void *from, size_t bytes)
{
    show(to, bytes);
    memcpy(to, from, bytes);
    hide(to, bytes);
}

void hide_run(const jeff_heap *h, uint32_t start, uint32_t granules)
{
    // With the header of what lies above, if there is room for one: it shares its eight bytes with the end of this run.
    const size_t end = ((size_t)start + granules) * GRANULE;
    const size_t bytes = (size_t)granules * GRANULE;
    memory_hide(at(h, start) - HEADER, end <= table_low(h) ? bytes + HEADER : bytes);
}

static uint32_t locks_now(const jeff_heap *h, const struct entry *e)
{
    return lock_count(h, (uint32_t)((uintptr_t)((uintptr_t)e - h->table_bias) / sizeof(struct entry)));
}

/// The payload of a live block that is not purged.
static void *payload(const jeff_heap *h, const struct entry *e, size_t *bytes)
{
    if (e->cw & CW_MAPPED) {
        *bytes = mapped_usable(h, e);
        return mapped_address(h, e);
    }
    const uint32_t start = start_of(e);
    *bytes = block_capacity(block_size(h, start, header_of(h, start)), e->cw & CW_WIDE);
    return at(h, e->off);
}

static void hide_payload(const jeff_heap *h, const struct entry *e)
{
    size_t bytes;
    const void *begin = payload(h, e, &bytes);
    memory_hide(begin, bytes);
}

static void show_payload(const jeff_heap *h, const struct entry *e)
{
    size_t bytes;
    const void *begin = payload(h, e, &bytes);
    memory_show(begin, bytes);
}

void *show_locked(jeff_heap *h, jeff_handle handle, void *address)
{
    const struct entry *e = entry_at(h, slot_of(handle));
    if (address && locks_now(h, e) == 1 && !(e->cw & CW_SHOWN))
        show_payload(h, e);
    return address;
}

void *show_weakly(jeff_heap *h, jeff_handle handle, void *address)
{
    struct entry *e = entry_at(h, slot_of(handle));
    if (!address || e->cw & CW_SHOWN)
        return address;
    e->cw |= CW_SHOWN;
    h->weakly_shown = true;
    if (!locks_now(h, e))
        show_payload(h, e);
    return address;
}

void hide_unlocked(jeff_heap *h, jeff_handle handle)
{
    const struct entry *e = entry_at(h, slot_of(handle));
    if (!locks_now(h, e) && !(e->cw & CW_SHOWN))
        hide_payload(h, e);
}

void end_weak_lock(jeff_heap *h, jeff_handle handle)
{
    struct entry *e = live_entry(h, handle);
    if (!e || !(e->cw & CW_SHOWN) || locks_now(h, e))
        return;
    e->cw &= ~CW_SHOWN;
    hide_payload(h, e);
}

void end_weak_locks(jeff_heap *h)
{
    if (!h->weakly_shown)
        return;
    h->weakly_shown = false;
    for (uint32_t slot = h->slot_low; slot < NIL; slot++) {
        struct entry *e = entry_at(h, slot);
        if (!is_live(e) || !(e->cw & CW_SHOWN))
            continue;
        e->cw &= ~CW_SHOWN;
        if (!locks_now(h, e))
            hide_payload(h, e);
    }
}

void hide_resized(jeff_heap *h, struct entry *e, uint32_t start, uint32_t granules_before)
{
    const uint32_t size = size_at(h, start);
    hide_run(h, start, size);
    if (granules_before > size)
        hide_run(h, start + size, granules_before - size);
    e->cw &= ~CW_SHOWN;
    if (locks_now(h, e))
        show_payload(h, e);
}

void hide_resized_pages(jeff_heap *h, struct entry *e)
{
    hide_payload(h, e);
    e->cw &= ~CW_SHOWN;
    if (locks_now(h, e))
        show_payload(h, e);
}

void show_moved(jeff_heap *h, const struct entry *e)
{
    show_payload(h, e);
}

void hide_moved(jeff_heap *h, const struct entry *e, const void *payload_begin, size_t bytes)
{
    (void)h;
    if (!is_live(e) || (!locks_now(h, e) && !(e->cw & CW_SHOWN)))
        memory_hide(payload_begin, bytes);
}

#endif
