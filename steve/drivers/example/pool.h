/// A pool allocator: cells of seven sizes, from 16 to 1024 bytes, in memory that the client gives. Larger requests are
/// refused. Every call is O(1), and there is no header before a block.
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pool;

/// Makes a pool in `bytes` bytes of memory, aligned to 16. @return NULL if that is too little
struct pool *pool_init(void *memory, size_t bytes);

/// @return a block aligned to 16, NULL if there is no cell of the size, or if more than 1024 bytes are asked for
void *pool_alloc(struct pool *pool, size_t bytes);
void *pool_calloc(struct pool *pool, size_t count, size_t size);

/// Gives a block back. NULL does nothing.
void pool_free(struct pool *pool, void *block);

/// @return how many bytes of the block may be used: its cell's size
size_t pool_usable(const struct pool *pool, const void *block);

/// @return how many blocks are live
size_t pool_live(const struct pool *pool);

#ifdef __cplusplus
}
#endif

#endif
