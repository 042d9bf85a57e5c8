/// Resizing: where the block lies if that can be, else by moving it. The handle stays either way.
#include "gate_internal.h"

/// Granules that the block would have in the format it has now. @return false if that format cannot hold so much
static bool same_format(const struct request *request, bool wide, uint32_t *granules)
{
    if (wide) {
        *granules = request->granules + !request->wide;
        return true;
    }
    *granules = request->granules;
    return !request->wide;
}

static void set_size(struct jeff_heap *h, struct entry *e, uint32_t start, uint32_t size)
{
    const uint32_t header = header_of(h, start);
    if (class_of(header) == CLASS_WIDE)
        store(at(h, start), size);
    else
        set_header(h, start, (header & (SLOT_MASK | FREE_BELOW)) | size << CLASS_SHIFT);
    e->cw |= CW_RESIZED;
}

static void shrink(struct jeff_heap *h, struct entry *e, uint32_t start, uint32_t size, uint32_t wanted)
{
    set_size(h, e, start, wanted);
    run_free(h, start + wanted, size - wanted, false);
}

/// Makes one hole, or the top, of the free memory right above a block, as far as it is needed. @return whether there is so much
static bool merge_above(struct jeff_heap *h, uint32_t end, uint32_t wanted)
{
    uint32_t merged = 0;
    while (end < h->top && merged < wanted) {
        const uint32_t header = header_of(h, end);
        const uint32_t size = size_at(h, end);
        struct entry *above = entry_at(h, header & SLOT_MASK);
        if (is_hole(header)) {
            if (size == merged)
                return false; // merging has ended at a live block
            hole_unlink(h, end, size);
        } else if (is_cached(above)) {
            entry_bury(h, above, size);
        } else {
            return false;
        }
        merged = size;
        run_free(h, end, size, false);
    }
    if (top_limit(h) - end < wanted && h->pages && (uint64_t)end + wanted <= UINT32_MAX)
        pages_grow(h, end + wanted);
    return top_limit(h) - end >= wanted;
}

/// Takes in free memory right above the block. The caller writes the header anew where the new size has no class.
static bool grow_in_place(struct jeff_heap *h, struct entry *e, uint32_t start, uint32_t size, uint32_t wanted)
{
    const uint32_t end = start + size;
    if (!merge_above(h, end, wanted - size))
        return false;
    if (end == h->top) {
        h->top = start + wanted;
        mend_cursor(h, start, h->top);
    } else {
        const uint32_t hole = size_at(h, end);
        hole_unlink(h, end, hole);
        mend_cursor(h, start, end + hole);
        if (size + hole > wanted)
            hole_make(h, start + wanted, size + hole - wanted);
        else
            clear_free_below(h, end + hole);
    }
    set_size(h, e, start, wanted);
    return true;
}

/// Moves the block into new room of the new size.
static void move_to(struct jeff_heap *h, uint32_t slot, uint32_t room, const struct request *request)
{
    struct entry *e = entry_at(h, slot);
    const uint32_t start = start_of(e);
    const uint32_t header = header_of(h, start);
    const uint32_t size = block_size(h, start, header);
    const size_t had = block_capacity(size, class_of(header) == CLASS_WIDE);
    const char *from = at(h, e->off);
    end_weak_lock(h, handle_of_slot(h, slot));
    block_attach(h, room, request, slot);
    assert(had < block_capacity(request->granules, request->wide)); // to be smaller, it would have stayed
    hidden_copy(at(h, e->off), from, had);
    run_free(h, start, size, header & FREE_BELOW);
}

static bool refuse(struct jeff_heap *h, enum jeff_status status)
{
    h->refusals++;
    return fail(h, status);
}

/// Finds new room for a live block. The client's callback may have freed or locked it meanwhile.
/// @return the room, with the block claimed, or 0 with `*status` set
static uint32_t find_new_room(struct jeff_heap *h, jeff_handle handle, const struct request *request,
                              enum jeff_status *status)
{
    const uint32_t room = room_find(h, request, false);
    const struct entry *e = live_entry(h, handle);
    *status = e ? JEFF_ERROR_NO_MEMORY : JEFF_ERROR_HANDLE;
    if (e && (lock_count(h, slot_of(handle)) || (room && !gate_claim(h, slot_of(handle)))))
        *status = JEFF_ERROR_LOCKED;
    if (room && *status != JEFF_ERROR_NO_MEMORY) {
        const uint32_t header = header_of(h, room);
        run_free(h, room, request->granules, header & FREE_BELOW);
        return 0;
    }
    return room;
}

/// Puts the block into new room, whether it has contents to take along or was purged.
static void settle(struct jeff_heap *h, uint32_t slot, uint32_t room, const struct request *request)
{
    struct entry *e = entry_at(h, slot);
    if (e->cw & CW_PURGED)
        block_attach(h, room, request, slot);
    else
        move_to(h, slot, room, request);
    e->cw = (e->cw & ~(CW_PURGED | CW_WIDE)) | CW_RESIZED | (request->wide ? CW_WIDE : 0);
}

/// A small block becomes a wide one where it lies: its payload moves up by the granule that a wide block's record takes.
static bool widen(struct jeff_heap *h, struct entry *e, const struct request *request)
{
    const uint32_t start = start_of(e);
    const uint32_t size = class_of(header_of(h, start));
    if (!grow_in_place(h, e, start, size, request->granules))
        return false;
    hidden_move(at(h, start + 1), at(h, start), block_capacity(size, false));
    set_header(h, start, (header_of(h, start) & (SLOT_MASK | FREE_BELOW)) | CLASS_WIDE << CLASS_SHIFT);
    set_wide(h, start, request->granules, 1);
    e->off = start + 1;
    e->cw |= CW_WIDE;
    return true;
}

static bool fit_here(struct jeff_heap *h, struct entry *e, const struct request *request, uint32_t start, uint32_t size)
{
    uint32_t wanted;
    const uint32_t slot = header_of(h, start) & SLOT_MASK;
    if (!same_format(request, class_of(header_of(h, start)) == CLASS_WIDE, &wanted)) {
        if (lock_count(h, slot) || !gate_claim(h, slot))
            return false;
        const bool widened = widen(h, e, request);
        gate_release(h, slot);
        return widened;
    }
    if (wanted > size)
        return grow_in_place(h, e, start, size, wanted);
    if (wanted < size)
        shrink(h, e, start, size, wanted);
    return true;
}

/// Within the memory that the block has and the free memory right above it. @return true if it now has the wanted size
static bool resize_here(struct jeff_heap *h, struct entry *e, const struct request *request)
{
    const uint32_t start = start_of(e);
    const uint32_t size = size_at(h, start);
    if (!fit_here(h, e, request, start, size))
        return false;
    hide_resized(h, e, start, size);
    return true;
}

bool jeff_resize(jeff_heap *h, jeff_handle handle, size_t bytes)
{
    struct entry *e = live_entry(h, handle);
    if (!e)
        return fail(h, JEFF_ERROR_HANDLE);
    if (h->busy)
        return refuse(h, JEFF_ERROR_BUSY);
    if (h->scramble) {
        scramble(h);
        e = live_entry(h, handle); // a callback may have freed it
        if (!e)
            return fail(h, JEFF_ERROR_HANDLE);
    }
    const uint32_t slot = slot_of(handle);
    if (e->cw & CW_MAPPED)
        return mapped_resize(h, handle, bytes);

    e->cw &= ~CW_HALFWAY;
    const bool purged = e->cw & CW_PURGED;
    const size_t alignment =
        (size_t)GRANULE * (purged ? (size_t)1 << e->off : alignment_of(h, start_of(e), header_of(h, start_of(e))));
    struct request request;
    if (!request_make(bytes, alignment, &request))
        return refuse(h, lock_count(h, slot) ? JEFF_ERROR_LOCKED : JEFF_ERROR_NO_MEMORY);
    if (!purged && resize_here(h, e, &request))
        return true;
    if (lock_count(h, slot))
        return refuse(h, JEFF_ERROR_LOCKED);

    request.kept = slot;
    enum jeff_status status;
    const uint32_t room = find_new_room(h, handle, &request, &status);
    if (room) {
        settle(h, slot, room, &request);
        gate_release(h, slot);
        return true;
    }
    // Compaction has moved things: there may be room above the block now.
    if (status == JEFF_ERROR_NO_MEMORY && !(e->cw & CW_PURGED) && resize_here(h, e, &request))
        return true;
    return refuse(h, status);
}
