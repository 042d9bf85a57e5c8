/// Chunks for the baselines over mmap, always in the same order of addresses.
#ifndef STEVE_DRIVERS_BASELINE_CHUNKS_INTERNAL_H
#define STEVE_DRIVERS_BASELINE_CHUNKS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The place of one chunk: twice the default, since the buddy system needs nearly twice the largest block that is not
/// mapped apart.
#define STEVE_BASELINE_CHUNK_MOST ((size_t)512 * 1024)

/// As many as can be in use at a time: 65,536 blocks of up to 64 KiB; with 32-bit addresses what half a gigabyte holds.
#define STEVE_BASELINE_CHUNKS ((size_t)(SIZE_MAX > UINT32_MAX ? 32768 : 1024))

struct steve_baseline_chunks {
    unsigned char *all; ///< the reserved address space
    size_t all_bytes;
    unsigned char *first;
    size_t used[32768 / 8 / sizeof(size_t)]; ///< a bit for each place
};

/// An all-zero struct becomes one that can be used. @return false if there is no address space
bool steve_baseline_chunks_open(struct steve_baseline_chunks *chunks);
void steve_baseline_chunks_close(struct steve_baseline_chunks *chunks);

/// For baseline_options.map and .unmap; the context is the struct.
void *steve_baseline_chunks_map(void *context, size_t bytes);
void steve_baseline_chunks_unmap(void *context, void *pages, size_t bytes);

#endif
