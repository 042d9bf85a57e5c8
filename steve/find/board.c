/// The shared memory of board.h: mapping it, and posting and reading results.
#define _GNU_SOURCE
#include "steve/find/board.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "atomics must work between processes");

/// In front of what was asked for: how a process that did not inherit the mapping gets at it. A page, so that the rest is
/// aligned.
#define FRONT_BYTES ((size_t)65536)

struct front {
    int file; ///< -1: none
};

static struct front *front_of(const void *memory)
{
    return (struct front *)((uintptr_t)memory - FRONT_BYTES);
}

static void *map_file(int file, size_t bytes)
{
    if (bytes > SIZE_MAX - FRONT_BYTES) {
        return NULL;
    }
    int flags = MAP_SHARED | MAP_NORESERVE | (file < 0 ? MAP_ANONYMOUS : 0);
    unsigned char *memory = mmap(NULL, FRONT_BYTES + bytes, PROT_READ | PROT_WRITE, flags, file, 0);
    return (void *)memory == MAP_FAILED ? NULL : memory + FRONT_BYTES;
}

void *steve_shared_map(size_t bytes)
{
    int file = memfd_create("steve", MFD_CLOEXEC);
    if (file >= 0 && ftruncate(file, (off_t)(FRONT_BYTES + bytes)) != 0) {
        close(file);
        file = -1;
    }
    void *memory = map_file(file, bytes);
    if (memory != NULL) {
        front_of(memory)->file = file;
    } else if (file >= 0) {
        close(file);
    }
    return memory;
}

int steve_shared_file(const void *memory)
{
    return front_of(memory)->file;
}

void *steve_shared_open(int file, size_t bytes)
{
    return file < 0 ? NULL : map_file(file, bytes);
}

void steve_shared_unmap(void *memory, size_t bytes)
{
    if (memory != NULL) {
        if (front_of(memory)->file >= 0) {
            close(front_of(memory)->file);
        }
        munmap(front_of(memory), FRONT_BYTES + bytes);
    }
}

/// What `ready` holds once the result of an item is in: never 0, and different for items that share a cell.
static uint32_t mark(uint64_t item)
{
    return (uint32_t)(item & 0x7fffffffu) + 1;
}

const struct steve_cell *steve_board_result(struct steve_board *board, uint64_t item)
{
    struct steve_cell *cell = &board->cells[item % STEVE_BOARD_CELLS];
    return atomic_load_explicit(&cell->ready, memory_order_acquire) == mark(item) ? cell : NULL;
}

void steve_board_post(struct steve_board *board, uint64_t item, uint64_t digest, uint64_t ops)
{
    assert(steve_board_has_room(board, item));
    struct steve_cell *cell = &board->cells[item % STEVE_BOARD_CELLS];
    cell->digest = digest;
    cell->ops = ops;
    atomic_store_explicit(&cell->ready, mark(item), memory_order_release);
}

bool steve_board_has_room(struct steve_board *board, uint64_t item)
{
    return item < atomic_load_explicit(&board->folded, memory_order_acquire) + STEVE_BOARD_CELLS;
}

uint64_t steve_page_logged(const struct steve_page *page)
{
    switch ((enum steve_worker_phase)atomic_load(&page->phase)) {
    case STEVE_WORKER_RUN:
    case STEVE_WORKER_REPEAT:
        return atomic_load(&page->op) + 1;
    case STEVE_WORKER_END:
    case STEVE_WORKER_REPEAT_END:
        return atomic_load(&page->op);
    case STEVE_WORKER_THREADS:
    case STEVE_WORKER_THREADS_END:
        return page->dealt;
    default:
        return 0;
    }
}
