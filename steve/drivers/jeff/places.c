/// Places: reservations that outlive their heaps. Access is taken away as ever when one is given back, but its first pages
/// stay, and are cleared when they are committed again: a page fault costs more than that.
///
/// Under a fuzzer most reservations are lax: what was readable once stays so, since the calls that change that took a third of an
/// input's time. What Jeff gives back is overwritten there, some of each page, and hidden from AddressSanitizer; a fault at the touch is
/// left to every 64th heap, the first of a process being one, and to `steve replay`.
#define _GNU_SOURCE
#include "steve/drivers/jeff/places_internal.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "steve/sanitizers.h"

#ifdef STEVE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)   ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

#define ALIGNMENT ((size_t)65536)

/// Far from where programs, libraries and sanitizers put things, and from where Steve's regions are: a place for each of so many
/// reservations of an episode. 32 bits have no such places, ThreadSanitizer allows none, and an emulator, which is what runs other
/// machines here, keeps books of all pages that were ever reserved, at each place anew.
#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(STEVE_THREAD_SANITIZER)
#define PLACES      16u
#define PLACE_BYTES ((size_t)0x20 << 32)
#else
#define PLACES      1u
#define PLACE_BYTES ((size_t)0)
#endif
#define FIRST_PLACE ((uintptr_t)0x3000 << 32)
#define APART       ((uintptr_t)0x40 << 32)

/// Pages of a place up to here are kept.
#define KEPT ((size_t)256 * 1024)

#ifdef STEVE_FUZZING
#define STRICT_EVERY 64u
#else
#define STRICT_EVERY 1u
#endif
#define LOST_BYTE  0xd9 ///< what is left of memory that was given back, where it is still readable,
#define LOST_EVERY ((size_t)1024)
#define LOST_BYTES ((size_t)64) ///< in so many of so many bytes

static struct place {
    size_t mapped; ///< bytes from its first on
    size_t used;   ///< up to here it was committed since its pages were new
    size_t open;   ///< up to here all of it is readable; 0 where access follows what is committed
    bool taken;
    bool lax;
} places[PLACES];

static unsigned heaps; ///< made so far: the first reservation of an episode begins one

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static char *first_of(unsigned which)
{
    return (char *)(FIRST_PLACE + which * APART); // NOLINT(performance-no-int-to-ptr)
}

/// @param offset of the address in its place @return NULL if it is in none
static struct place *place_of(const void *address, size_t *offset)
{
    const uintptr_t past = (uintptr_t)address - FIRST_PLACE;
    const uintptr_t which = past / APART;
    *offset = past % APART;
    return which < PLACES && places[which].taken && *offset < places[which].mapped ? &places[which] : NULL;
}

/// @return false if the place holds fewer bytes and cannot be made larger
static bool map_place(unsigned which, size_t bytes)
{
    struct place *place = &places[which];
    char *const first = first_of(which);
    if (bytes <= place->mapped) {
        return true;
    }
    if (place->mapped > 0) {
        munmap(first, place->mapped);
    }
    *place = (struct place){.lax = place->lax};
    void *address =
        mmap(first, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (address == first) {
        place->mapped = bytes;
        return true;
    }
    if (address != MAP_FAILED) {
        munmap(address, bytes); // an old kernel takes the wish for a hint
    }
    return false;
}

/// Elsewhere, but as far past a multiple of the largest alignment: what is allocated and what is refused does not depend on the system's
/// choice then, and no block is aligned by chance.
static void *map_at(size_t bytes, size_t past)
{
    size_t whole = bytes + past + ALIGNMENT;
    char *address = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) {
        return NULL;
    }
    size_t before = (ALIGNMENT - (uintptr_t)address % ALIGNMENT) % ALIGNMENT + past;
    if (before > 0) {
        munmap(address, before);
    }
    if (whole > before + bytes) {
        munmap(address + before + bytes, whole - before - bytes);
    }
    return address + before;
}

/// Whether a reservation is lax or not is chosen anew. @return false if access to it cannot be taken away
static bool choose_access(struct place *place, bool lax)
{
    if (!lax && place->open > 0) {
        if (mprotect(first_of((unsigned)(place - places)), place->open, PROT_NONE) != 0) {
            return false;
        }
        place->open = 0;
    }
    place->lax = lax;
    return true;
}

void *steve_jeff_place_reserve(size_t bytes, unsigned which)
{
    const size_t past = which % 15 * page_bytes() % ALIGNMENT;
    heaps += which == 1;
    which %= PLACES;
    if (bytes <= PLACE_BYTES - (PLACE_BYTES > 0 ? ALIGNMENT : 0) && !places[which].taken &&
        map_place(which, past + bytes) && choose_access(&places[which], heaps % STRICT_EVERY != 1 % STRICT_EVERY)) {
        places[which].taken = true;
        return first_of(which) + past;
    }
    return map_at(bytes, past);
}

/// How many of these bytes are of pages that are kept.
static size_t kept_of(const struct place *place, size_t offset, size_t bytes)
{
    const size_t kept = place == NULL || offset >= KEPT ? 0 : KEPT - offset;
    return bytes < kept ? bytes : kept;
}

/// Gives pages beyond those that are kept back to the system.
static void drop(const struct place *place, size_t offset, char *address, size_t bytes)
{
    const size_t kept = kept_of(place, offset, bytes);
    if (bytes > kept) {
        madvise(address + kept, bytes - kept, MADV_DONTNEED);
    }
}

/// Makes all of a lax place readable, up to `end`.
static bool open_up(struct place *place, size_t end)
{
    if (end <= place->open) {
        return true;
    }
    char *const first = first_of((unsigned)(place - places));
    if (mprotect(first + place->open, end - place->open, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    place->open = end;
    return true;
}

bool steve_jeff_place_commit(void *address, size_t bytes)
{
    size_t offset;
    struct place *const place = place_of(address, &offset);
    const bool lax = place != NULL && place->lax;
    if (lax ? !open_up(place, offset + bytes) : mprotect(address, bytes, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    if (lax) {
        ASAN_UNPOISON_MEMORY_REGION(address, kept_of(place, offset, bytes));
    }
    if (place != NULL) {
        const size_t used = place->used < KEPT ? place->used : KEPT;
        if (offset < used) {
            memset(address, 0, bytes < used - offset ? bytes : used - offset);
        }
        place->used = place->used > offset + bytes ? place->used : offset + bytes;
    }
    return true;
}

/// Which pages of a reservation are asked for does not depend on how many pages past a multiple of the alignment it begins.
bool steve_jeff_place_is_touched(const void *address)
{
    size_t offset;
    const uintptr_t page = (uintptr_t)address - (uintptr_t)address % page_bytes();
    const struct place *const place = place_of(address, &offset);
    unsigned char resident = 0;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return place != NULL && offset >= KEPT + ALIGNMENT && mincore((void *)page, page_bytes(), &resident) == 0 &&
           (resident & 1) != 0;
}

/// Overwrites some of each page of memory that is lost: what is read there is wrong soon enough.
static void lose(char *begin, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LOST_EVERY) {
        memset(begin + at, LOST_BYTE, bytes - at < LOST_BYTES ? bytes - at : LOST_BYTES);
    }
}

void steve_jeff_place_decommit(void *address, size_t bytes)
{
    size_t offset;
    const struct place *const place = place_of(address, &offset);
    drop(place, offset, address, bytes);
    if (place == NULL || !place->lax) {
        mprotect(address, bytes, PROT_NONE);
        return;
    }
    const size_t kept = kept_of(place, offset, bytes);
    lose(address, kept);
    ASAN_POISON_MEMORY_REGION(address, kept);
}

void steve_jeff_place_release(void *address, size_t bytes)
{
    size_t offset;
    struct place *const place = place_of(address, &offset);
    if (place == NULL) {
        munmap(address, bytes);
        return;
    }
    const size_t used = place->used > offset ? place->used - offset : 0;
    if (used > 0) {
        drop(place, offset, address, used);
    }
    if (used > 0 && !place->lax) {
        mprotect(address, used, PROT_NONE);
    } else if (used > 0) {
        ASAN_UNPOISON_MEMORY_REGION(address, kept_of(place, offset, used));
    }
    place->used = place->used < KEPT ? place->used : KEPT;
    place->taken = false;
}
