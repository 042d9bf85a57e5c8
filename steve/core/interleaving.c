/// From ops of several threads to a sequence for one.
#define _GNU_SOURCE
#include "steve/core/threads.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "steve/core/exec_internal.h"

// Sizes

static struct steve_op with_number(struct steve_op op, size_t bytes)
{
    uint32_t number = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    struct steve_op sized = steve_op_sized(op.code, op.slot, number);
    return steve_op_on_thread(sized, steve_op_thread(op));
}

void steve_resolve_sizes(const struct steve_exec *exec, struct steve_op *ops, size_t count)
{
    // Mapped, since malloc may be the allocator under test.
    size_t *sizes = mmap(NULL, STEVE_SLOTS * sizeof *sizes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((void *)sizes == MAP_FAILED) {
        return; // such sizes are then as of empty slots
    }
    for (size_t i = 0; i < count; i++) {
        struct steve_op *op = &ops[i];
        if (op->code == STEVE_OP_FREE) {
            sizes[op->slot] = 0;
        }
        if (!steve_op_uses_size(op->code)) {
            continue;
        }
        size_t bytes = steve_op_bytes(*op, exec->heap_bytes, sizes[op->arg]);
        if (op->size_class >= STEVE_SIZE_OF_SLOT && op->size_class < STEVE_SIZE_MAX) {
            *op = with_number(*op, bytes);
        }
        if (steve_op_uses_slot(op->code)) {
            sizes[op->slot] = bytes;
        }
    }
    munmap(sizes, STEVE_SLOTS * sizeof *sizes);
}

// Order

struct timed {
    uint32_t time;
    uint32_t op;
};

static int by_time(const void *left, const void *right)
{
    const struct timed *a = left;
    const struct timed *b = right;
    return a->time < b->time ? -1 : a->time > b->time;
}

/// When the op took effect, as seen by others: it was then or after it, at the latest when it ended.
/// Memory that a free gives back may be given to another thread while the call still goes on.
static uint32_t time_of(struct steve_op op, uint32_t begun, uint32_t ended)
{
    return op.code == STEVE_OP_FREE ? begun : ended;
}

bool steve_linearize(const struct steve_op *ops, size_t count, const struct steve_stamps *stamps, uint64_t broken,
                     struct steve_sequence *sequence)
{
    struct timed *timed = malloc((count + 1) * sizeof *timed);
    sequence->count = 0;
    if (timed == NULL || !steve_sequence_reserve(sequence, count + 1)) {
        free(timed);
        return false;
    }
    uint32_t last = broken < count ? atomic_load(&stamps[broken].ended) : UINT32_MAX;
    last = last == 0 ? UINT32_MAX : last;
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t begun = atomic_load(&stamps[i].begun);
        uint32_t ended = atomic_load(&stamps[i].ended);
        if (begun == 0 || begun > last || i == broken) {
            continue;
        }
        timed[taken++] = (struct timed){time_of(ops[i], begun, ended == 0 ? UINT32_MAX : ended), (uint32_t)i};
    }
    qsort(timed, taken, sizeof *timed, by_time);
    for (size_t i = 0; i < taken; i++) {
        sequence->ops[sequence->count++] = steve_op_canonical(ops[timed[i].op]);
    }
    if (broken < count) {
        sequence->ops[sequence->count++] = steve_op_canonical(ops[broken]);
    }
    free(timed);
    return true;
}
