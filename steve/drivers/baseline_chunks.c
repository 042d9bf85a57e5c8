/// Chunks for the baselines over mmap, always in the same order of addresses: which block serves a request depends on that,
/// and the system promises nothing. Address space for as many as there can be is reserved; the lowest free place is taken.
#define _GNU_SOURCE
#include "steve/drivers/baseline_chunks_internal.h"

#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

/// Chunks begin up to so much past the beginning of their place, each at another distance: a chunk may lie anywhere.
#define SHIFT_MOST ((size_t)64 * 1024)

#define WORD_BITS (sizeof(size_t) * CHAR_BIT)

/// Where the places begin if they can, below those of regions (steve/core/region.c): what depends on addresses shows again in
/// every process. And an emulator keeps some bytes about each page that was ever mapped, 100 MiB for all the places: it must
/// be the same ones time and again. 32 bits have no such place.
#if UINTPTR_MAX > UINT32_MAX
#define PLACES_WISH ((uintptr_t)0x1c00 << 32)
#endif

static void *reserve(size_t bytes)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#ifdef PLACES_WISH
    void *wished = mmap((void *)PLACES_WISH, bytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (wished != MAP_FAILED) {
        return wished;
    }
#endif
    return mmap(NULL, bytes, PROT_NONE, flags, -1, 0);
}

bool steve_baseline_chunks_open(struct steve_baseline_chunks *chunks)
{
    const size_t bytes = STEVE_BASELINE_CHUNKS * STEVE_BASELINE_CHUNK_MOST;
    void *all = reserve(bytes + STEVE_BASELINE_CHUNK_MOST);
    if (all == MAP_FAILED) {
        return false;
    }
    chunks->all = all;
    chunks->all_bytes = bytes + STEVE_BASELINE_CHUNK_MOST;
    // The buddy system looks at the low bits of addresses.
    chunks->first = chunks->all + (0 - (uintptr_t)all) % STEVE_BASELINE_CHUNK_MOST;
    return true;
}

void steve_baseline_chunks_close(struct steve_baseline_chunks *chunks)
{
    munmap(chunks->all, chunks->all_bytes);
}

static unsigned char *begin_of(const struct steve_baseline_chunks *chunks, size_t place)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t shift = place * 20480 % SHIFT_MOST;
    return chunks->first + place * STEVE_BASELINE_CHUNK_MOST + shift / page * page;
}

/// The lowest place that is free. @return STEVE_BASELINE_CHUNKS if none is
static size_t free_place(const struct steve_baseline_chunks *chunks)
{
    size_t place = 0;
    while (place < STEVE_BASELINE_CHUNKS && chunks->used[place / WORD_BITS] == SIZE_MAX) {
        place += WORD_BITS;
    }
    while (place < STEVE_BASELINE_CHUNKS && (chunks->used[place / WORD_BITS] >> place % WORD_BITS & 1) != 0) {
        place++;
    }
    return place;
}

void *steve_baseline_chunks_map(void *context, size_t bytes)
{
    struct steve_baseline_chunks *chunks = context;
    const size_t place = free_place(chunks);
    if (bytes > STEVE_BASELINE_CHUNK_MOST - SHIFT_MOST || place == STEVE_BASELINE_CHUNKS) {
        return NULL;
    }
    unsigned char *pages = begin_of(chunks, place);
    if (mprotect(pages, bytes, PROT_READ | PROT_WRITE) != 0) {
        return NULL;
    }
    chunks->used[place / WORD_BITS] |= (size_t)1 << place % WORD_BITS;
    return pages;
}

void steve_baseline_chunks_unmap(void *context, void *pages, size_t bytes)
{
    struct steve_baseline_chunks *chunks = context;
    const size_t place = (size_t)((unsigned char *)pages - chunks->first) / STEVE_BASELINE_CHUNK_MOST;
    chunks->used[place / WORD_BITS] &= ~((size_t)1 << place % WORD_BITS);
    madvise(pages, bytes, MADV_DONTNEED);
    mprotect(pages, bytes, PROT_NONE);
}
