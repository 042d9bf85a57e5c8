/// Allocating and freeing. The fast paths take a slot and its block out of a bin, or put both back, and touch the slot's
/// entry alone. Behind them stand, in this order: a block of the next class, a hole that fits, the top, a larger cached block split, a few cached
/// blocks merged, growth of a mapped heap; and before a request is refused: compaction, purging, the client's callback.
#include "gate_internal.h"

/// How many cached blocks a slow malloc or free merges at a time.
#define DRAIN_STEP 16u
/// And how many at a time before a compaction.
#define DRAIN_MUCH 64u
/// How many entries of blocks that were merged away one call takes out of bins, so that it stays O(1).
#define DEAD_MOST 256u
/// For how many mallocs with an empty bin memory counts as scarce after one that had to nudge or compact.
#define SCARCE_FOR 255u

bool request_make(size_t bytes, size_t alignment, struct request *request)
{
    const uint32_t align = larger(1, (uint32_t)(alignment / GRANULE));
    // So that granules are counted in 32 bits. No heap holds a block that comes near.
    if (bytes > HEAP_LIMIT - 4 * GRANULE)
        return false;
    const uint64_t small = ((uint64_t)bytes + HEADER + GRANULE - 1) / GRANULE;
    const bool wide = align > 1 || small > CLASS_MAX;
    *request = (struct request){
        .bytes = bytes,
        .granules = (uint32_t)(small + wide),
        .alignment = align,
        .wide = wide,
    };
    return true;
}

void block_attach(struct jeff_heap *h, uint32_t start, const struct request *request, uint32_t slot)
{
    const uint32_t below = header_of(h, start) & FREE_BELOW;
    const uint32_t class = request->wide ? CLASS_WIDE : request->granules;
    set_header(h, start, make_header(slot, class) | below);
    if (request->wide)
        set_wide(h, start, request->granules, request->alignment);
    entry_at(h, slot)->off = start + request->wide;
    hide_run(h, start, request->granules);
}

/// Takes the head of a bin out of it, and what dead entries are in front of it.
/// @param dead how many of them it may still take out
/// @return its slot with the block still attached, or NIL if there is none
static FLATTENED uint32_t bin_pop(struct jeff_heap *h, uint32_t class, unsigned *dead)
{
    uint32_t slot;
    while (*dead && (slot = h->bin[class].slot) != NIL) {
        struct entry *e = entry_at(h, slot);
        h->bin[class].slot = next_of(e);
        if (e->off) {
            h->bin[class].count--;
            return slot;
        }
        h->dead_count--;
        entry_to_bare(h, slot);
        --*dead;
    }
    return NIL;
}

/// Detaches a popped block from its slot, which becomes bare. @return the block's start, `*size` granules
static uint32_t detach(struct jeff_heap *h, uint32_t slot, uint32_t *size)
{
    struct entry *e = entry_at(h, slot);
    const uint32_t class = e->cw & CW_CLASS;
    const uint32_t start = e->off - (class == CLASS_WIDE);
    *size = block_size(h, start, header_of(h, start));
    if (class > h->binned)
        h->deferred -= *size;
    entry_to_bare(h, slot);
    return start;
}

unsigned drain(struct jeff_heap *h, unsigned count)
{
    const unsigned wanted = count;
    unsigned dead = DEAD_MOST;
    for (unsigned bins = 0; bins <= h->binned && count && dead; bins++) {
        while (count && h->bin[h->drain_bin].slot != NIL) {
            const uint32_t slot = bin_pop(h, h->drain_bin, &dead);
            if (slot == NIL)
                break;
            uint32_t size;
            const uint32_t start = detach(h, slot, &size);
            run_free(h, start, size, header_of(h, start) & FREE_BELOW);
            count--;
        }
        if (count && dead)
            h->drain_bin = h->drain_bin == h->binned ? 0 : h->drain_bin + 1;
    }
    if (!dead)
        memory_came_free(h); // behind them may be what was lacking
    return wanted - count + !dead;
}

/// Cuts the block out of the smallest cached block that is larger.
static uint32_t split_cached(struct jeff_heap *h, const struct request *request)
{
    unsigned dead = DEAD_MOST;
    if (request->alignment > 1)
        return 0;
    for (uint32_t class = request->granules; class <= h->binned; class ++) {
        const uint32_t slot = h->bin[class].count ? bin_pop(h, class, &dead) : NIL;
        if (slot == NIL)
            continue;
        uint32_t size;
        const uint32_t start = detach(h, slot, &size);
        if (size > request->granules)
            run_free(h, start + request->granules, size - request->granules, false);
        return start;
    }
    return 0;
}

/// The cheap means: each is O(1).
static uint32_t room_at_hand(struct jeff_heap *h, const struct request *request, bool thorough)
{
    uint32_t start;
    if ((start = hole_take(h, request, thorough)) != 0)
        return start;
    if ((start = top_take(h, request, false)) != 0)
        return start;
    if ((start = split_cached(h, request)) != 0)
        return start;
    if (drain(h, DRAIN_STEP) && (start = hole_take(h, request, thorough)) != 0)
        return start;
    return top_take(h, request, true);
}

static bool entry_at_hand(struct jeff_heap *h)
{
    if (entry_ensure(h))
        return true;
    drain(h, DRAIN_STEP);
    return entry_ensure(h);
}

static uint32_t room_try(struct jeff_heap *h, const struct request *request, bool needs_entry, bool thorough)
{
    if (needs_entry && !entry_at_hand(h))
        return 0;
    return room_at_hand(h, request, thorough);
}

static uint64_t free_granules(const struct jeff_heap *h)
{
    return (uint64_t)top_free(h) + cached_granules(h) + h->hole_granules;
}

/// Whether all free memory together, and what the handle table could give back, would be enough. O(bins)
static bool compaction_can_help(const struct jeff_heap *h, const struct request *request)
{
    const uint64_t slots = (uint64_t)h->bare_count + h->dead_count + cached_count(h);
    return free_granules(h) + slots * sizeof(struct entry) / GRANULE + 1 >= request->granules;
}

/// What costs less than a compaction of the whole heap: a few blocks moved, and more and more of the cached ones merged.
static uint32_t room_by_nudging(struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    unsigned drained;
    do {
        // What a nudge has made serves; but for want of an entry, and then nothing is cached that could be merged.
        if (!h->no_last_resort && nudge(h, request))
            return room_try(h, request, needs_entry, false);
        uint32_t start;
        drained = drain(h, DRAIN_MUCH);
        if (drained && (start = room_try(h, request, needs_entry, false)) != 0)
            return start;
    } while (drained);
    return 0;
}

/// Brings all free memory together as far as may be, then tries once more.
static COLD uint32_t room_by_compaction(struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    if (!compaction_can_help(h, request))
        return 0;
    exact_classes_for(h, SCARCE_FOR);
    uint32_t start = room_by_nudging(h, request, needs_entry);
    if (start)
        return start;
    struct pass pass = {.stay = h->no_last_resort};
    pass_run(h, &pass, false);
    start = room_try(h, request, needs_entry, true);
    if (start || h->no_last_resort)
        return start;
    pass = (struct pass){.wanted = request};
    evacuate(h, &pass);
    return room_try(h, request, needs_entry, true);
}

/// What a purged block's entry keeps in place of its address, so that it can be given aligned memory again.
static uint32_t alignment_log2(const struct jeff_heap *h, uint32_t start, uint32_t header)
{
    uint32_t log = 0;
    for (uint32_t alignment = alignment_of(h, start, header); alignment > 1; alignment /= 2)
        log++;
    return log;
}

static bool is_purgeable(const struct jeff_heap *h, const struct request *request, uint32_t slot)
{
    const struct entry *e = entry_at(h, slot);
    return is_live(e) && (e->cw & (CW_PURGEABLE | CW_MAPPED)) == CW_PURGEABLE && slot != request->kept &&
           !lock_count(h, slot);
}

/// Whether there is enough to be dropped for the request: what would not help must not be lost.
static bool purge_can_help(struct jeff_heap *h, const struct request *request)
{
    uint64_t purgeable = 0;
    uint32_t size;
    for (uint32_t start = h->first; start < h->top; start += size) {
        const uint32_t header = header_of(h, start);
        size = size_at(h, start);
        if (!is_hole(header) && is_purgeable(h, request, header & SLOT_MASK))
            purgeable += size;
    }
    return purgeable && free_granules(h) + table_spare(h) + purgeable >= request->granules;
}

/// Drops the contents of purgeable blocks in address order, until at least that many granules were freed.
static uint64_t purge(struct jeff_heap *h, const struct request *request, uint64_t granules)
{
    uint64_t purged = 0;
    uint32_t next;
    end_weak_locks(h);
    for (uint32_t start = h->first; start < h->top && purged < granules; start = next) {
        const uint32_t header = header_of(h, start);
        next = start + size_at(h, start);
        if (is_hole(header))
            continue;
        const uint32_t slot = header & SLOT_MASK;
        struct entry *e = entry_at(h, slot);
        if (!is_purgeable(h, request, slot) || !gate_claim(h, slot))
            continue;
        const uint32_t size = next - start;
        e->off = alignment_log2(h, start, header);
        e->cw |= CW_PURGED;
        gate_release_purged(h, slot);
        purged += size;
        // Merging may take in what lies above, so the walk goes on with the hole that has become of it.
        next = header & FREE_BELOW ? hole_below(h, start) : start;
        run_free(h, start, size, header & FREE_BELOW);
    }
    h->compactions++;
    return purged;
}

/// Remembers that a request was refused, so that the next of its size is refused at once.
static void remember_refusal(struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    if (!needs_entry || request->alignment > 1)
        return;
    assert(request->granules < h->refused); // else it was refused at once, or something was merged since
    if (h->refused == NO_REFUSAL)
        h->reached = 0;
    h->refused = request->granules;
}

static bool refused_before(const struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    assert(h->refused == NO_REFUSAL || !cached_count(h)); // what is cached was merged in part, to no avail
    return needs_entry && request->granules >= h->refused;
}

bool ask_client(struct jeff_heap *h, size_t bytes)
{
    if (!h->low_memory)
        return false;
    const size_t small_limit = h->small_limit;
    h->busy = BUSY_LOW_MEMORY;
    h->small_limit = 0;
    const bool again = h->low_memory(h->context, bytes);
    h->small_limit = small_limit;
    h->busy = NOT_BUSY;
    return again;
}

/// Compacts, and drops what may be dropped; to no avail if there are as many blocks as there may be.
static uint32_t room_by_all_means(struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    if (needs_entry && !entry_possible(h))
        return 0;
    uint32_t start = room_by_compaction(h, request, needs_entry);
    // Twice as much each time, so that the walks add up to O(blocks log blocks) at most.
    for (uint64_t granules = request->granules; !start && purge_can_help(h, request) && purge(h, request, granules);
         granules *= 2)
        start = room_by_compaction(h, request, needs_entry);
    return start;
}

static COLD uint32_t room_at_last(struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    uint32_t start = 0;
    gates_watch(h);
    if (!refused_before(h, request, needs_entry)) {
        start = room_by_all_means(h, request, needs_entry);
        if (!start)
            remember_refusal(h, request, needs_entry);
    }
    if (!start && ask_client(h, request->bytes))
        start = room_by_all_means(h, request, needs_entry);
    return start;
}

uint32_t room_find(struct jeff_heap *h, const struct request *request, bool needs_entry)
{
    // A request beyond all memory must not cost a compaction.
    if (request->granules > h->end / GRANULE)
        return 0;
    const uint32_t start = room_try(h, request, needs_entry, false);
    if (LIKELY(start != 0))
        return start;
    if (h->halfway_hole) {
        hole_release(h);
        return room_find(h, request, needs_entry);
    }
    return room_at_last(h, request, needs_entry);
}

static jeff_handle refuse(struct jeff_heap *h, enum jeff_status status)
{
    h->refusals++;
    fail(h, status);
    return JEFF_NULL;
}

/// A cached block of the request's class; or of the next one, 16 bytes larger, unless memory is scarce or the heap still grows: nothing is
/// cut, and no header touched. @return its slot with the block still attached, or NIL
static uint32_t cached_that_fits(struct jeff_heap *h, uint32_t class)
{
    unsigned dead = DEAD_MOST;
    const uint32_t slot = bin_pop(h, class, &dead);
    if (slot != NIL)
        return slot;
    if (h->exact_classes) {
        h->exact_classes--;
        return NIL;
    }
    return class < h->binned ? bin_pop(h, class + 1, &dead) : NIL;
}

static COLD jeff_handle malloc_slow(struct jeff_heap *h, size_t bytes, size_t alignment)
{
    if (h->busy)
        return refuse(h, JEFF_ERROR_BUSY);
    if (h->scramble)
        scramble(h);
    if (h->pages && bytes >= h->pages->own_mapping)
        return mapped_malloc(h, bytes, alignment);
    struct request request;
    if (!request_make(bytes, alignment, &request))
        return refuse(h, JEFF_ERROR_NO_MEMORY);

    if (!request.wide && request.granules <= h->binned) {
        const uint32_t cached = cached_that_fits(h, request.granules);
        if (cached != NIL) {
            struct entry *e = entry_at(h, cached);
            e->gen++;
            e->cw &= CW_CLASS;
            return handle_of_slot(h, cached);
        }
    }
    const uint32_t start = room_find(h, &request, true);
    if (!start)
        return refuse(h, JEFF_ERROR_NO_MEMORY);
    const uint32_t slot = entry_take(h);
    struct entry *e = entry_at(h, slot);
    block_attach(h, start, &request, slot);
    e->gen++;
    const uint32_t class = request.wide ? CLASS_WIDE : request.granules;
    e->cw = class | (request.wide ? CW_WIDE : class > h->binned ? CW_UNBINNED : 0);
    return handle_of_slot(h, slot);
}

jeff_handle jeff_malloc(jeff_heap *h, size_t bytes)
{
    if (LIKELY(bytes < h->small_limit)) {
        const uint32_t class = (uint32_t)(bytes + HEADER + GRANULE - 1) / GRANULE;
        struct bin *bin = &h->bin[class];
        const uint32_t slot = bin->slot;
        struct entry *e = entry_at(h, slot);
        // NIL and the entries whose block was merged away have off 0: one compare answers both.
        if (LIKELY(e->off != 0)) {
            const uint64_t word = entry_word(e);
            const uint64_t life = (uint64_t) class << 32 | ((uint32_t)word + 1);
            bin->slot = (uint32_t)(word >> (32 + CW_NEXT));
            bin->count--;
            set_entry_word(e, life);
            return make_handle(slot, life);
        }
    }
    return malloc_slow(h, bytes, 1);
}

jeff_handle jeff_calloc(jeff_heap *h, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return refuse(h, JEFF_ERROR_NO_MEMORY);
    const size_t bytes = count * size;
    const jeff_handle handle = jeff_malloc(h, bytes);
    const bool fresh_pages = h->pages && bytes >= h->pages->own_mapping;
    if (handle && !fresh_pages)
        memset(jeff_weak_lock(h, handle), 0, bytes);
    end_weak_lock(h, handle);
    return handle;
}

jeff_handle jeff_aligned_alloc(jeff_heap *h, size_t alignment, size_t bytes)
{
    if (!alignment_usable(alignment))
        return refuse(h, JEFF_ERROR_ARGUMENT);
    return malloc_slow(h, bytes, alignment);
}

/// Puts a block that has neither locks nor flags into its bin. Its generation must not be the last one.
static inline void cache(struct jeff_heap *h, struct entry *e, uint32_t slot, uint64_t life)
{
    struct bin *bin = &h->bin[life >> 32];
    set_entry_word(e, (uint64_t)bin->slot << (32 + CW_NEXT) | (life + 1));
    bin->slot = slot;
    bin->count++;
}

/// Counts what is cached, and merges some of it if that is too much; the next free then counts again.
static void tally(struct jeff_heap *h)
{
    const bool much = cached_granules(h) > h->cached_limit;
    if (much)
        drain(h, DRAIN_STEP);
    h->tally_mask = much ? 0 : TALLY_MASK;
}

/// Everything but an unlocked block that has a bin and was never resized; and that too, when it is time for a tally.
static COLD bool free_slow(struct jeff_heap *h, jeff_handle handle)
{
    if (handle == JEFF_NULL)
        return true;
    struct entry *e = live_entry(h, handle);
    if (!e)
        return fail(h, JEFF_ERROR_HANDLE);
    if (locks_of(e))
        return fail(h, JEFF_ERROR_LOCKED);
    if (h->busy == BUSY_MOVING && e->gen == UINT32_MAX)
        return fail(h, JEFF_ERROR_BUSY); // its slot retires, and then no bin can hold the block until the pass is over

    const uint32_t slot = slot_of(handle);
    if (entry_word(e) == life_of(handle) && e->gen != UINT32_MAX) {
        cache(h, e, slot, life_of(handle));
        if (!h->busy)
            tally(h);
        return true;
    }
    if (e->cw & CW_PURGED) {
        entry_release(h, slot);
        return true;
    }
    if (e->cw & CW_MAPPED)
        mapped_release(h, slot);
    const uint32_t start = start_of(e);
    const uint32_t header = header_of(h, start);
    const uint32_t size = block_size(h, start, header);
    if (h->busy == BUSY_MOVING) {
        // A pass is in the middle of its work: the block waits in a bin until it may be merged.
        const uint32_t class = class_of(header);
        struct bin *bin = bin_of(h, class);
        e->gen++;
        e->cw = bin->slot << CW_NEXT | class;
        bin->slot = slot;
        bin->count++;
        if (class > h->binned)
            h->deferred += size;
        return true;
    }
    entry_release(h, slot);
    run_free(h, start, size, header & FREE_BELOW);
    return true;
}

bool jeff_free(jeff_heap *h, jeff_handle handle)
{
    end_weak_lock(h, handle);
    const uint32_t slot = slot_of(handle);
    if (UNLIKELY(slot < h->slot_low))
        return free_slow(h, handle);
    struct entry *e = entry_at(h, slot);
    const uint64_t life = life_of(handle);
    // One compare tells that the block is live, of the class that the handle says, not locked, and without a flag; and one test,
    // that a next generation is left: none has 0.
    if (UNLIKELY(entry_word(e) != life || !(((uint32_t)life + 1) & h->tally_mask)))
        return free_slow(h, handle);
    cache(h, e, slot, life);
    return true;
}
