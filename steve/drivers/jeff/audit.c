/// An audit of what Jeff tells of himself, through jeff.h alone: jeff_walk() and jeff_pins() are held against the queries about
/// single blocks and against the statistics. jeff_check() does not do that: it looks inside, not at what clients are told.
#include "steve/drivers/jeff/audit_internal.h"

/// What of a free stretch a client could not use: the record of a wide block.
#define WIDE_RECORD 16u

/// What the pins of a heap come down to.
struct pins {
    size_t count;
    uint64_t digest; ///< of all that is told of them, in their order
};

struct audit {
    jeff_heap *heap;
    struct jeff_stats stats;
    uintptr_t low;      ///< the next stretch begins here or above
    uintptr_t high;     ///< and here or below
    bool gaps;          ///< blocks with pages of their own have small ones in the heap that no walk visits
    uintptr_t live_end; ///< of the last live block, or where the first could begin
    size_t visits;
    size_t most_visits; ///< after so many the walk is to end
    size_t live_bytes;
    size_t mapped_blocks;
    size_t mapped_bytes;
    struct pins pins;
    const char *damage;
};

static bool broken(struct audit *a, const char *what)
{
    a->damage = what;
    return false;
}

static void pins_add(struct pins *pins, const struct jeff_pin *pin)
{
    const uint64_t told[] = {pin->handle, (uintptr_t)pin->address, pin->bytes, pin->locks, pin->stranded_bytes};
    pins->count++;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        pins->digest = (pins->digest ^ told[i]) * 0x9e3779b97f4a7c15u;
        pins->digest ^= pins->digest >> 29;
    }
}

/// Where a stretch of the heap begins, against where the last one ended.
static bool follows(struct audit *a, uintptr_t begin)
{
    if (begin < a->low)
        return broken(a, "a walk visits a stretch that begins below the end of the one before");
    if (!a->gaps && begin > a->high)
        return broken(a, "a walk passes over memory between two stretches");
    return true;
}

static bool queries_agree(struct audit *a, const struct jeff_block *block)
{
    if (jeff_usable_size(a->heap, block->handle) != block->bytes)
        return broken(a, "a walk and jeff_usable_size() tell different sizes of a block");
    if (jeff_lock_count(a->heap, block->handle) != block->locks)
        return broken(a, "a walk and jeff_lock_count() tell different numbers of locks");
    if (jeff_handle_of(a->heap, block->address) != block->handle)
        return broken(a, "jeff_handle_of() does not find the block at the address that a walk tells");
    if (jeff_handle_of(a->heap, (const char *)block->address + 8) != JEFF_NULL)
        return broken(a, "jeff_handle_of() takes an address inside of a block for its first byte");
    return true;
}

static bool visit_live(struct audit *a, const struct jeff_block *block)
{
    void *first = NULL;
    const size_t extent = jeff_extent(a->heap, block->handle, &first);
    const uintptr_t begin = (uintptr_t)first;
    const uintptr_t address = (uintptr_t)block->address;
    if (extent == 0 || address < begin || address - begin + block->bytes > extent)
        return broken(a, "a walk visits a block that is not within its extent");
    if (!queries_agree(a, block))
        return false;
    if (begin % 8 == 0) { // not behind a header of 4 bytes: it has pages of its own
        a->mapped_blocks++;
        a->mapped_bytes += extent;
        return true;
    }
    if (!follows(a, begin))
        return false;
    if (block->locks != 0 && !a->gaps) {
        const struct jeff_pin pin = {block->handle, block->address, block->bytes, block->locks, begin - a->live_end};
        pins_add(&a->pins, &pin);
    }
    a->live_bytes += extent;
    a->live_end = a->low = a->high = begin + extent;
    return true;
}

static bool visit_free(struct audit *a, const struct jeff_block *block)
{
    const uintptr_t address = (uintptr_t)block->address;
    const uintptr_t header = 4;
    if (block->handle != JEFF_NULL || block->locks != 0 || block->purgeable)
        return broken(a, "a walk tells a handle, locks or a flag of free memory");
    if (block->bytes == 0)
        return broken(a, "a walk visits free memory that could hold nothing");
    if (!follows(a, address - header))
        return false;
    if (block->bytes > a->stats.free_bytes)
        return broken(a, "a walk visits more free memory than there is");
    a->low = address + block->bytes;
    a->high = address + block->bytes + WIDE_RECORD;
    return true;
}

static bool visit(void *context, const struct jeff_block *block)
{
    struct audit *a = context;
    a->visits++;
    if (block->kind == JEFF_BLOCK_LIVE ? !visit_live(a, block) : !visit_free(a, block))
        return false;
    return a->visits < a->most_visits;
}

static bool visit_pin(void *context, const struct jeff_pin *pin)
{
    pins_add(context, pin);
    return true;
}

static bool visit_first_pin(void *context, const struct jeff_pin *pin)
{
    pins_add(context, pin);
    return false;
}

static const char *sums_agree(const struct audit *a)
{
    const struct jeff_stats *stats = &a->stats;
    if (a->mapped_blocks != stats->mapped_blocks || a->mapped_bytes != stats->mapped_bytes)
        return "a walk and the statistics tell different numbers or sizes of blocks with pages of their own";
    if (!a->gaps && a->live_bytes != stats->live_bytes)
        return "a walk and the statistics tell different sizes of all live blocks";
    const size_t parts = stats->control_bytes + stats->table_bytes + stats->live_bytes + stats->free_bytes;
    if (stats->free_bytes > stats->heap_bytes || parts > stats->heap_bytes ||
        (!a->gaps && parts < stats->heap_bytes)) // pages between the blocks and the table
        return "the parts of the heap that the statistics tell are not the whole";
    if (stats->compactions != jeff_compactions(a->heap))
        return "the statistics and jeff_compactions() tell different numbers";
    return NULL;
}

static const char *pins_agree(const struct audit *a)
{
    struct pins pins = {0};
    struct pins first = {0};
    jeff_pins(a->heap, visit_pin, &pins);
    jeff_pins(a->heap, visit_first_pin, &first);
    if (!a->gaps && (pins.count != a->pins.count || pins.digest != a->pins.digest))
        return "a walk and jeff_pins() tell different things of the locked blocks";
    return first.count == (pins.count != 0) ? NULL : "jeff_pins() does not end when it is told to";
}

const char *steve_jeff_audit(jeff_heap *heap, uintptr_t begin)
{
    struct audit a = {.heap = heap, .most_visits = SIZE_MAX};
    jeff_stats(heap, &a.stats);
    a.gaps = begin == 0;
    a.low = a.high = a.live_end = begin + a.stats.control_bytes;
    jeff_walk(heap, visit, &a);
    const char *damage = a.damage != NULL ? a.damage : sums_agree(&a);
    if (damage != NULL)
        return damage;

    struct audit first = {.heap = heap, .stats = a.stats, .most_visits = 1, .gaps = true};
    jeff_walk(heap, visit, &first);
    return first.visits == (a.visits != 0) ? pins_agree(&a) : "a walk does not end when it is told to";
}

const char *steve_jeff_audit_refusal(jeff_heap *heap, jeff_handle handle, unsigned allowed)
{
    const enum jeff_status status = jeff_last_status(heap);
    void *begin = NULL;
    const bool usable = jeff_extent(heap, handle, &begin) != 0;
    const unsigned locks = jeff_lock_count(heap, handle);
    if ((allowed >> status & 1) == 0)
        return "a call was refused for a reason that it cannot have";
    switch (status) {
    case JEFF_ERROR_HANDLE:
    case JEFF_ERROR_PURGED:
        return usable || locks != 0 ? "a handle was refused as stale or purged that is neither" : NULL;
    case JEFF_ERROR_LOCKED:
        return locks == 0 ? "a call was refused because of a lock that there is not" : NULL;
    case JEFF_ERROR_NOT_LOCKED:
        return locks != 0 ? "an unlock was refused although there is a lock" : NULL;
    case JEFF_ERROR_LOCK_LIMIT:
        return locks != JEFF_LOCK_MAX ? "a lock was refused although there are not yet that many" : NULL;
    default:
        return NULL;
    }
}

/// Whether it was worth it: without a limit of time, a plan is made before anything moves.
static const char *gain(const struct jeff_goal *goal, const struct jeff_report *report)
{
    if (goal->wanted_bytes == 0 && report->largest_after < report->largest_before)
        return "a compaction for the largest run left a smaller one";
    if (report->moved_blocks == 0)
        return NULL;
    if (goal->wanted_bytes == 0)
        return report->largest_after > report->largest_before ? NULL : "a compaction moved blocks and gained nothing";
    if (report->largest_before >= goal->wanted_bytes)
        return "a compaction moved blocks for a run that was there";
    return report->stop == JEFF_STOP_GOAL ? NULL : "a compaction moved blocks for what it did not reach";
}

const char *steve_jeff_audit_report(const jeff_heap *heap, const struct jeff_goal *goal,
                                    const struct jeff_stats *before, uint64_t took_ns, const struct jeff_report *report)
{
    struct jeff_stats after;
    jeff_stats(heap, &after);
    if (report->moved_blocks != after.moved_blocks - before->moved_blocks ||
        report->moved_bytes != after.moved_bytes - before->moved_bytes)
        return "a compaction reports to have moved something else than the statistics say";
    if (report->time_ns != took_ns)
        return "a compaction reports to have taken another time than the clock says";
    if (report->stop == JEFF_STOP_BUDGET ? goal->budget_ns == 0
                                         : report->stop != JEFF_STOP_GOAL && report->stop != JEFF_STOP_DONE)
        return "a compaction reports to have stopped for a reason that it cannot have";
    if (goal->wanted_bytes != 0 && report->stop != JEFF_STOP_BUDGET &&
        (report->stop == JEFF_STOP_GOAL) != (report->largest_after >= goal->wanted_bytes))
        return "a compaction reports to have reached its goal and not to have it, or the other way round";
    return goal->budget_ns == 0 ? gain(goal, report) : NULL;
}

/// What lies below a block.
struct below {
    jeff_heap *heap;
    jeff_handle handle; ///< of the block
    size_t bytes;       ///< at least, from the start of the heap or the last locked block to it
    bool found;
};

static bool visit_below(void *context, const struct jeff_block *block)
{
    struct below *below = context;
    if (block->kind == JEFF_BLOCK_LIVE && block->handle == below->handle) {
        below->found = true;
        return false;
    }
    below->bytes = block->locks != 0 ? 0 : below->bytes + block->bytes;
    return true;
}

const char *steve_jeff_audit_settled(jeff_heap *heap, jeff_handle handle, size_t slack)
{
    struct below below = {.heap = heap, .handle = handle};
    jeff_walk(heap, visit_below, &below);
    return below.found && below.bytes > slack
               ? "a block that was settled lies against neither the start of the heap nor a locked block"
               : NULL;
}

const char *steve_jeff_audit_unsettled(jeff_heap *heap, jeff_handle handle)
{
    struct below below = {.heap = heap, .handle = handle};
    jeff_walk(heap, visit_below, &below);
    return below.found && below.bytes == 0 ? "a block was not settled although it lies well" : NULL;
}
