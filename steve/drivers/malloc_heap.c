/// A heap over the interface of malloc, whoever provides it: the C library or a library by path. Blocks never move, and a
/// ref is the address.
///
/// A registry of the live blocks, in mapped memory (never in the allocator under test), lets `close` free what is left: a
/// hash set with linear probing. With several threads it has a lock of its own, which no call into the allocator is made under; a
/// block leaves it before it is freed, and enters it after it was made, so that another thread may be given its address.
#define _GNU_SOURCE
#include "steve/drivers/malloc_heap_internal.h"

#include <assert.h>
#include <pthread.h>
#include <sys/mman.h>

#define FIRST_CAPACITY 1024u

struct registry {
    const struct steve_malloc_functions *functions;
    steve_ref *cells; ///< 0: empty
    size_t capacity;  ///< a power of two, at least twice `count`
    size_t count;
    size_t expected;  ///< cells kept free for blocks that are being made or resized
    bool has_threads; ///< the next is needed: it guards the four above
    pthread_mutex_t lock;
};

static void enter(struct registry *registry)
{
    if (registry->has_threads) {
        pthread_mutex_lock(&registry->lock);
    }
}

static void leave(struct registry *registry)
{
    if (registry->has_threads) {
        pthread_mutex_unlock(&registry->lock);
    }
}

static steve_ref *map_cells(size_t capacity)
{
    void *cells = mmap(NULL, capacity * sizeof(steve_ref), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return cells == MAP_FAILED ? NULL : cells;
}

static size_t home_of(const struct registry *registry, steve_ref ref)
{
    return (size_t)((ref * 0x9e3779b97f4a7c15u) >> 32) & (registry->capacity - 1);
}

/// @return the cell that holds `ref`, or the empty one where it belongs
static size_t cell_of(const struct registry *registry, steve_ref ref)
{
    size_t i = home_of(registry, ref);
    while (registry->cells[i] != 0 && registry->cells[i] != ref) {
        i = (i + 1) & (registry->capacity - 1);
    }
    return i;
}

static bool registry_grow(struct registry *registry)
{
    struct registry larger = {.capacity = registry->capacity * 2};
    larger.cells = map_cells(larger.capacity);
    if (larger.cells == NULL) {
        return false;
    }
    for (size_t i = 0; i < registry->capacity; i++) {
        if (registry->cells[i] != 0) {
            larger.cells[cell_of(&larger, registry->cells[i])] = registry->cells[i];
        }
    }
    munmap(registry->cells, registry->capacity * sizeof(steve_ref));
    registry->cells = larger.cells;
    registry->capacity = larger.capacity;
    return true;
}

/// Makes room for one more, before the block exists: afterwards nothing can fail.
static bool registry_expect(struct registry *registry)
{
    enter(registry);
    bool has_room = (registry->count + registry->expected + 1) * 2 <= registry->capacity || registry_grow(registry);
    registry->expected += has_room;
    leave(registry);
    return has_room;
}

/// The block that was expected is there. @param ref 0: it is not, after all
static void registry_add(struct registry *registry, steve_ref ref)
{
    enter(registry);
    assert(registry->expected > 0);
    registry->expected--;
    if (ref != 0) {
        registry->cells[cell_of(registry, ref)] = ref;
        registry->count++;
    }
    leave(registry);
}

/// Empties a cell and closes the gap, so that no probe ends too early (Knuth, volume 3, algorithm 6.4 R).
static void close_gap(struct registry *registry, size_t gap)
{
    size_t mask = registry->capacity - 1;
    for (size_t i = (gap + 1) & mask; registry->cells[i] != 0; i = (i + 1) & mask) {
        size_t home = home_of(registry, registry->cells[i]);
        bool reaches_gap = ((i - home) & mask) >= ((i - gap) & mask);
        if (reaches_gap) {
            registry->cells[gap] = registry->cells[i];
            gap = i;
        }
    }
    registry->cells[gap] = 0;
}

/// Takes a ref out. @param expect the block will be back, perhaps under another ref: its cell is kept free
static void registry_remove(struct registry *registry, steve_ref ref, bool expect)
{
    enter(registry);
    size_t cell = cell_of(registry, ref);
    if (registry->cells[cell] != 0) {
        registry->count--;
        close_gap(registry, cell);
    }
    registry->expected += expect;
    leave(registry);
}

void *steve_malloc_heap_open(const struct steve_malloc_functions *functions, unsigned threads, const char **why)
{
    void *memory = mmap(NULL, sizeof(struct registry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct registry *registry = memory == MAP_FAILED ? NULL : memory;
    steve_ref *cells = map_cells(FIRST_CAPACITY);
    if (registry == NULL || cells == NULL) {
        *why = "no memory for the driver's own bookkeeping";
        return NULL;
    }
    *registry = (struct registry){
        .functions = functions,
        .cells = cells,
        .capacity = FIRST_CAPACITY,
        .has_threads = threads > 1,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    return registry;
}

void steve_malloc_heap_close(void *heap)
{
    struct registry *registry = heap;
    for (size_t i = 0; i < registry->capacity; i++) {
        if (registry->cells[i] != 0) {
            registry->functions->free((void *)(uintptr_t)registry->cells[i]);
        }
    }
    munmap(registry->cells, registry->capacity * sizeof(steve_ref));
    munmap(registry, sizeof *registry);
}

/// What no address space can hold is asked for, where the library is known to refuse it in peace.
static bool is_asked(const struct registry *registry, size_t bytes)
{
    return bytes <= STEVE_MALLOC_LARGEST || (bytes > PTRDIFF_MAX && registry->functions->refuses_the_impossible);
}

static bool is_served(struct registry *registry, size_t bytes)
{
    return is_asked(registry, bytes) && registry_expect(registry);
}

static steve_ref registered(struct registry *registry, void *address)
{
    steve_ref ref = (steve_ref)(uintptr_t)address;
    registry_add(registry, ref);
    return ref;
}

steve_ref steve_malloc_heap_malloc(void *heap, size_t bytes)
{
    struct registry *registry = heap;
    return is_served(registry, bytes) ? registered(registry, registry->functions->malloc(bytes)) : 0;
}

steve_ref steve_malloc_heap_calloc(void *heap, size_t count, size_t size)
{
    struct registry *registry = heap;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        bytes = SIZE_MAX;
    }
    return is_served(registry, bytes) ? registered(registry, registry->functions->calloc(count, size)) : 0;
}

/// An alignment of 1 asks for nothing beyond malloc's.
static size_t alignment_asked(size_t alignment)
{
    if (alignment == 1) {
        return _Alignof(max_align_t);
    }
    return alignment < sizeof(void *) ? sizeof(void *) : alignment;
}

/// posix_memalign() rather than aligned_alloc(), which asks for a size that is a multiple of the alignment.
steve_ref steve_malloc_heap_aligned(void *heap, size_t alignment, size_t bytes)
{
    struct registry *registry = heap;
    const struct steve_malloc_functions *functions = registry->functions;
    size_t least = alignment_asked(alignment);
    if (!is_served(registry, bytes)) {
        return 0;
    }
    if (functions->posix_memalign == NULL) {
        size_t rounded = bytes > SIZE_MAX - least ? bytes : (bytes + least - 1) & ~(least - 1);
        return registered(registry, functions->aligned_alloc(least, rounded));
    }
    void *address = NULL;
    return registered(registry, functions->posix_memalign(&address, least, bytes) == 0 ? address : NULL);
}

steve_ref steve_malloc_heap_resize(void *heap, steve_ref ref, size_t bytes)
{
    struct registry *registry = heap;
    if (!is_asked(registry, bytes)) {
        return 0;
    }
    size_t at_least_one = bytes == 0 ? 1 : bytes; // realloc(p, 0) frees p, or not, as the library likes
    registry_remove(registry, ref, true);
    void *address = registry->functions->realloc((void *)(uintptr_t)ref, at_least_one);
    if (address == NULL) {
        registry_add(registry, ref);
        return 0;
    }
    return registered(registry, address);
}

bool steve_malloc_heap_free(void *heap, steve_ref ref)
{
    struct registry *registry = heap;
    registry_remove(registry, ref, false);
    registry->functions->free((void *)(uintptr_t)ref);
    return true;
}

size_t steve_malloc_heap_usable(void *heap, steve_ref ref)
{
    const struct registry *registry = heap;
    return registry->functions->usable_size((void *)(uintptr_t)ref);
}

void steve_malloc_heap_stats(void *heap, struct steve_stats *stats)
{
    const struct registry *registry = heap;
    *stats = (struct steve_stats){.live_blocks = registry->count, .live_bytes = SIZE_MAX, .free_bytes = SIZE_MAX};
}

static const char snippet_code[] =
    "/// Requests beyond this are refused here: Linux would grant a terabyte.\n"
    "#define LARGEST_REQUEST ((size_t)1 << 30)\n"
    "\n"
    "static inline void *aligned_block(size_t alignment, size_t bytes)\n"
    "{\n"
    "    void *address = NULL;\n"
    "    alignment = alignment == 1 ? 16 : alignment < sizeof address ? sizeof address : alignment;\n"
    "    return posix_memalign(&address, alignment, bytes) == 0 ? address : NULL;\n"
    "}\n"
    "\n"
    "static inline bool freed_block(void *address)\n"
    "{\n"
    "    free(address);\n"
    "    return true;\n"
    "}\n";

const struct steve_snippets steve_malloc_heap_snippets = {
    .compile = "cc -std=c11 -g$flags $file -o repro && ./repro",
    .compile_where = "from anywhere",
    .code = snippet_code,
    .handle_type = "void *",
    .no_handle = "NULL",
    .malloc = "$bytes <= LARGEST_REQUEST ? malloc($bytes) : NULL",
    .calloc = "$count <= LARGEST_REQUEST / ($size) ? calloc($count, $size) : NULL",
    .aligned = "$bytes <= LARGEST_REQUEST ? aligned_block($alignment, $bytes) : NULL",
    .resize = "$bytes <= LARGEST_REQUEST ? realloc($handle, $bytes == 0 ? 1 : $bytes) : NULL",
    .free = "freed_block($handle)",
    .address = "$handle",
};
