/// The blocks that `jeff-callbacks` has beside Steve's. They are freed, locked, unlocked and marked purgeable inside Jeff's
/// callbacks, while he is moving blocks or is about to refuse a request: plans that he has made then no longer hold.
///
/// Each block's first byte says which one it is.
#include "steve/drivers/jeff/callbacks_internal.h"

#include "jeff_inline.h"
#include "steve/drivers/jeff/draw_internal.h"
#include "steve/drivers/jeff/probe_internal.h"

uint32_t steve_jeff_own_draw(struct steve_jeff_own *own)
{
    return steve_jeff_draw(++own->drawn);
}

static size_t draw_size(struct steve_jeff_own *own)
{
    uint32_t draw = steve_jeff_own_draw(own);
    size_t most = draw % 16 == 0 ? 40000 : draw % 4 == 0 ? 3000 : 200;
    return 1 + draw / 16 % most;
}

static unsigned char mark_of(size_t i)
{
    return (unsigned char)(0xb0 + i);
}

static void mark(struct steve_jeff_own *own, jeff_heap *heap, size_t i)
{
    unsigned char *bytes = jeff_weak_lock(heap, own->handle[i]);
    if (bytes != NULL) {
        *bytes = mark_of(i);
    }
}

static jeff_handle request(struct steve_jeff_own *own, jeff_heap *heap)
{
    uint32_t draw = steve_jeff_own_draw(own);
    size_t bytes = draw_size(own);
    return draw % 4 == 0 ? jeff_aligned_alloc(heap, (size_t)16 << draw / 4 % 8, bytes) : jeff_malloc(heap, bytes);
}

/// Frees a block, whatever locks it has; what is refused inside a callback stays for later.
static bool drop(struct steve_jeff_own *own, jeff_heap *heap, size_t i)
{
    while (jeff_unlock(heap, own->handle[i])) {
    }
    if (!jeff_free(heap, own->handle[i])) {
        return false;
    }
    own->handle[i] = JEFF_NULL;
    return true;
}

void steve_jeff_own_step(struct steve_jeff_own *own, jeff_heap *heap)
{
    uint32_t draw = steve_jeff_own_draw(own);
    size_t i = draw % STEVE_JEFF_OWN_BLOCKS;
    if (own->handle[i] == JEFF_NULL) {
        // Callbacks that come meanwhile may free what is there, but do not make blocks: the place stays empty.
        own->handle[i] = request(own, heap);
        mark(own, heap, i);
        return;
    }
    switch (draw / STEVE_JEFF_OWN_BLOCKS % 8) {
    case 0:
        drop(own, heap, i);
        break;
    case 1:
    case 2:
        jeff_lock(heap, own->handle[i]);
        break;
    case 3:
        jeff_set_purgeable(heap, own->handle[i], draw & 256);
        break;
    case 4:
        jeff_settle(heap, own->handle[i]);
        break;
    case 5:
        jeff_unlock(heap, own->handle[i]);
        break;
    default:
        // A callback may have freed it meanwhile; a purged one is fresh again.
        if (jeff_resize(heap, own->handle[i], draw_size(own))) {
            mark(own, heap, i);
        }
        break;
    }
}

/// A block whose slot has no generation left: while blocks are being moved it cannot be freed, since no bin could hold it.
static const char *free_aged(struct steve_jeff_own *own, jeff_heap *heap, size_t i)
{
    if (own->aged || jeff_lock_count(heap, own->handle[i]) > 0) {
        return NULL;
    }
    own->aged = true;
    own->handle[i] = steve_jeff_age(heap, own->handle[i]);
    if (jeff_free(heap, own->handle[i]) || jeff_last_status(heap) != JEFF_ERROR_BUSY) {
        return "a block of the last generation was freed inside the moved callback";
    }
    return NULL;
}

const char *steve_jeff_own_step_inside(struct steve_jeff_own *own, jeff_heap *heap, bool moving)
{
    uint32_t draw = steve_jeff_own_draw(own);
    size_t i = draw % STEVE_JEFF_OWN_BLOCKS;
    if (own->handle[i] == JEFF_NULL) {
        return NULL;
    }
    switch (draw / STEVE_JEFF_OWN_BLOCKS % 8) {
    case 0:
        return moving ? free_aged(own, heap, i) : NULL;
    case 1:
    case 2:
        drop(own, heap, i);
        return NULL;
    case 3:
    case 4:
        jeff_lock_inline(heap, own->handle[i]);
        return NULL;
    case 5:
    case 6:
        jeff_unlock_inline(heap, own->handle[i]);
        return NULL;
    default:
        jeff_set_purgeable(heap, own->handle[i], draw & 256);
        return NULL;
    }
}

bool steve_jeff_own_has(const struct steve_jeff_own *own, jeff_handle handle)
{
    bool has = false;
    for (size_t i = 0; i < STEVE_JEFF_OWN_BLOCKS; i++) {
        has = has || (handle != JEFF_NULL && own->handle[i] == handle);
    }
    return has;
}

size_t steve_jeff_own_count(const struct steve_jeff_own *own)
{
    size_t count = 0;
    for (size_t i = 0; i < STEVE_JEFF_OWN_BLOCKS; i++) {
        count += own->handle[i] != JEFF_NULL;
    }
    return count;
}

const char *steve_jeff_own_check(const struct steve_jeff_own *own, jeff_heap *heap)
{
    for (size_t i = 0; i < STEVE_JEFF_OWN_BLOCKS; i++) {
        if (own->handle[i] == JEFF_NULL) {
            continue;
        }
        const unsigned char *bytes = jeff_weak_lock_inline(heap, own->handle[i]);
        if (bytes == NULL && jeff_last_status(heap) != JEFF_ERROR_PURGED) {
            return "a block of the driver's own is no longer live";
        }
        if (bytes != NULL && *bytes != mark_of(i)) {
            return "a block of the driver's own has lost its contents";
        }
    }
    return NULL;
}
