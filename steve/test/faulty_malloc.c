/// Malloc libraries for the tests of `--driver malloc:LIBRARY`, made into a shared object each by FAULT. All of them take
/// memory from a large mapping and never give it back; a block's size stands in front of it.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NONE              1
#define ONLY_MALLOC_FREE  2 ///< nothing else is defined: the C library would have to make up for it
#define NEEDS_FIRST_SPACE 3 ///< thread-local space that can only be had at the program's start
#define REFUSES_ALL       4
#define CRASHES_AT_ONCE   5
#define OVERLAPS          6
#define PRINTS_TO_STDOUT  7

#define ARENA_BYTES ((size_t)1 << (sizeof(size_t) > 4 ? 34 : 28))
#define HEAD_BYTES  ((size_t)16)

int posix_memalign(void **block, size_t alignment, size_t bytes);
size_t malloc_usable_size(void *block);

static unsigned char *arena;
static size_t used;

#if FAULT == NEEDS_FIRST_SPACE
static __thread volatile unsigned char large[65536] __attribute__((tls_model("initial-exec")));
#endif

static void *take(size_t alignment, size_t bytes)
{
    if (arena == NULL) {
        arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
#if FAULT == NEEDS_FIRST_SPACE
    large[used % sizeof large]++;
#endif
#if FAULT == CRASHES_AT_ONCE
    abort();
#endif
    if (FAULT == REFUSES_ALL || (void *)arena == MAP_FAILED || bytes > ARENA_BYTES / 2) {
        return NULL;
    }
    size_t past = (size_t)((uintptr_t)arena + used + HEAD_BYTES) & (alignment - 1);
    size_t begin = used + HEAD_BYTES + (past == 0 ? 0 : alignment - past);
    if (begin > ARENA_BYTES - bytes) {
        return NULL;
    }
    used = begin + bytes - (FAULT == OVERLAPS && bytes > 1000 ? 200 : 0);
    memcpy(arena + begin - sizeof bytes, &bytes, sizeof bytes);
    return arena + begin;
}

void *malloc(size_t bytes)
{
#if FAULT == PRINTS_TO_STDOUT
    static const char text[] = "malloc\n";
    if (write(STDOUT_FILENO, text, sizeof text - 1) < 0) {
        return NULL;
    }
#endif
    return take(16, bytes);
}

void free(void *block)
{
    (void)block;
}

#if FAULT != ONLY_MALLOC_FREE
void *calloc(size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : take(16, bytes); // never used before: zero
}

size_t malloc_usable_size(void *block)
{
    size_t bytes = 0;
    if (block != NULL) {
        memcpy(&bytes, (unsigned char *)block - sizeof bytes, sizeof bytes);
    }
    return bytes;
}

void *realloc(void *block, size_t bytes)
{
    void *larger = take(16, bytes);
    size_t before = malloc_usable_size(block);
    if (larger != NULL && block != NULL) {
        memcpy(larger, block, before < bytes ? before : bytes);
    }
    return larger;
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    void *address = take(alignment, bytes);
    if (address == NULL) {
        return 12;
    }
    *block = address;
    return 0;
}
#endif
