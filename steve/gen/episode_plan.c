/// Draws an episode's plan from a profile: geometry first, then what fits it.
///
/// The number of blocks and their mean size come first and the heap follows from them, since an episode can only
/// fill a heap that its number of ops can fill. Where the heap is given, the mean size follows.
#include "steve/gen/profile.h"

#include <string.h>

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static uint32_t draw(struct steve_rng *rng, struct steve_range range)
{
    return steve_rng_between(rng, (uint32_t)range.low, (uint32_t)range.high);
}

static uint64_t draw_log(struct steve_rng *rng, struct steve_range range)
{
    return steve_rng_log_between(rng, range.low, range.high);
}

/// `bytes * of_1000 / 1000` without overflow.
static uint64_t share(uint64_t bytes, uint32_t of_1000)
{
    return bytes / 1000 * of_1000 + bytes % 1000 * of_1000 / 1000;
}

/// A third as it comes (odd ones too), a third a multiple of 16, a third a power of two.
static uint64_t round_heap(struct steve_rng *rng, uint64_t bytes)
{
    switch (steve_rng_below(rng, 3)) {
    case 0:
        return bytes;
    case 1:
        return (bytes + 15) & ~UINT64_C(15);
    default:
        return UINT64_C(1) << (63 - __builtin_clzll(bytes | 1));
    }
}

/// What the driver and Steve allow. Only regions are mapped lazily by Steve; an allocator that maps its own memory gets
/// no more than it could really use.
static struct steve_range heap_limits(const struct steve_profile *profile, const struct steve_driver *driver)
{
    const uint64_t own_memory = UINT64_C(1) << 28;
    struct steve_range limits = profile->heap;
    if (driver->heap_max != 0 && limits.high > driver->heap_max) {
        limits.high = driver->heap_max;
    }
    if ((driver->promises & STEVE_PROMISE_REGION) == 0 && limits.high > own_memory) {
        limits.high = own_memory;
    }
    limits.low = clamp(limits.low, driver->heap_min > 0 ? driver->heap_min : 1, STEVE_HEAP_LIMIT);
    limits.high = clamp(limits.high, limits.low, STEVE_HEAP_LIMIT);
    return limits;
}

/// Sets the heap's size, the number of blocks and returns their mean size.
static uint32_t draw_scale(struct steve_episode_plan *plan, const struct steve_profile *profile,
                           const struct steve_driver *driver, uint64_t heap_bytes, uint32_t fill, struct steve_rng *rng)
{
    struct steve_range limits = heap_limits(profile, driver);
    bool lazy = (profile->sizes >> STEVE_SIZES_HUGE & 1) != 0;
    // The heap is to be filled in the first quarter of the episode.
    uint32_t reachable = plan->length / 4 + 1;
    uint64_t blocks = clamp(draw_log(rng, profile->blocks), 1, reachable);
    uint64_t mean = draw_log(rng, profile->mean);

    uint64_t heap = blocks * (mean + STEVE_BLOCK_OVERHEAD) * 1000 / (uint32_t)clamp(fill, 1, 1000);
    heap = lazy ? draw_log(rng, limits) : clamp(heap, limits.low, limits.high);
    heap = clamp(round_heap(rng, heap), limits.low, limits.high);
    heap = heap_bytes != 0 ? heap_bytes : heap;
    plan->header.heap_bytes = heap;
    plan->blocks = (uint32_t)blocks;
    if (lazy) {
        return (uint32_t)clamp(mean, 1, heap);
    }

    // The limits may have moved the heap away from what these blocks need.
    uint64_t room = share(heap, (uint32_t)clamp(fill, 1, 1000));
    blocks = clamp(room / (mean + STEVE_BLOCK_OVERHEAD), 1, profile->blocks.high);
    if (blocks > reachable) {
        blocks = reachable;
    }
    if (room / blocks > 2 * (mean + STEVE_BLOCK_OVERHEAD) || mean > room) {
        mean = room / blocks > STEVE_BLOCK_OVERHEAD ? room / blocks - STEVE_BLOCK_OVERHEAD : room / 2;
    }
    plan->blocks = (uint32_t)blocks;
    return (uint32_t)clamp(mean, 1, UINT32_MAX);
}

/// Everything in the header but the heap's size.
static void draw_geometry(struct steve_header *header, const struct steve_driver *driver, struct steve_rng *rng)
{
    const uint64_t dirty_limit = UINT64_C(1) << 24;
    uint32_t unit =
        driver->region_alignment > 0 && driver->region_alignment < 65536 ? (uint32_t)driver->region_alignment : 65536;
    unsigned options = 0;

    strncpy(header->driver, driver->name, sizeof header->driver - 1);
    if (steve_rng_chance(rng, 128)) {
        header->base_offset = (uint16_t)steve_rng_below(rng, steve_rng_chance(rng, 128) ? 16 : 65536 / unit);
    }
    header->dirty = steve_rng_chance(rng, 128) && header->heap_bytes <= dirty_limit;
    while (driver->options != NULL && options < 8 && driver->options[options] != NULL) {
        options++;
    }
    if (steve_rng_chance(rng, 64)) {
        header->options = (uint8_t)steve_rng_below(rng, 1u << options);
    }
}

/// True if the episode has this op: profiles switch a part of them off.
static bool keeps(const struct steve_profile *profile, struct steve_rng *rng)
{
    return !steve_rng_chance(rng, profile->switched_off);
}

/// Turns three weights into thresholds for eight bits, and draws what a malloc is.
static void draw_weights(struct steve_episode_plan *plan, const struct steve_profile *profile,
                         const struct steve_driver *driver, struct steve_rng *rng)
{
    uint32_t churn = draw(rng, profile->churn);
    uint32_t access = draw(rng, profile->access);
    uint32_t resize = keeps(profile, rng) && driver->resize != NULL ? draw(rng, profile->resize) : 0;
    uint32_t sum = churn + access + resize;
    plan->churn = (uint8_t)(churn * 255 / sum);
    plan->resize = (uint8_t)((churn + resize) * 255 / sum);

    plan->calloc = keeps(profile, rng) && driver->calloc != NULL ? (uint8_t)draw(rng, profile->flavours) : 0;
    plan->aligned = plan->calloc;
    if (keeps(profile, rng) && driver->aligned != NULL && driver->largest_aligned > 0) {
        unsigned log = 63 - (unsigned)__builtin_clzll(driver->largest_aligned);
        plan->aligned = (uint8_t)(plan->calloc + draw(rng, profile->flavours));
        plan->log_aligned = (uint8_t)clamp(log, 0, 15);
    }
    plan->hot = (uint8_t)steve_rng_log_between(rng, 1, 16);
    plan->hot_miss = (uint8_t)steve_rng_log_between(rng, 1, 200);
}

/// True if the driver can do it at all.
static bool can(const struct steve_driver *driver, const struct steve_lock_plan *locks, enum steve_event event)
{
    switch (event) {
    case STEVE_EVENT_COMPACT:
    case STEVE_EVENT_BUDGET:
        return driver->compact != NULL;
    case STEVE_EVENT_GOAL:
        return driver->compact_goal != NULL;
    case STEVE_EVENT_MISUSE:
        return (driver->promises & STEVE_PROMISE_REFUSES_MISUSE) != 0;
    case STEVE_EVENT_FREE_LOCKED:
        return (driver->promises & STEVE_PROMISE_REFUSES_LOCKED) != 0 && driver->lock != NULL;
    case STEVE_EVENT_WEAK_LOCK:
        return driver->weak_lock != NULL;
    case STEVE_EVENT_PURGEABLE:
    case STEVE_EVENT_KEEP:
        return driver->set_purgeable != NULL;
    case STEVE_EVENT_SCOPE:
        return locks->stack_depth > 0;
    case STEVE_EVENT_PIN:
        return locks->pins > 0;
    default:
        return true;
    }
}

static void draw_rates(struct steve_episode_plan *plan, const struct steve_profile *profile,
                       const struct steve_driver *driver, struct steve_rng *rng)
{
    for (unsigned i = 0; i < STEVE_EVENTS; i++) {
        const struct steve_rate *rate = steve_profile_rate(profile, (enum steve_event)i);
        bool has = steve_rng_chance(rng, rate->chance);
        uint64_t every = rate->chance > 0 ? draw_log(rng, rate->every) : 0;
        uint64_t least = (uint64_t)plan->blocks * rate->per_block / 8;
        has = has && can(driver, &plan->locks, (enum steve_event)i);
        plan->every[i] = has ? (uint32_t)clamp(every, clamp(least, 1, UINT32_MAX), UINT32_MAX) : 0;
    }

    // These follow from what was drawn elsewhere.
    if (plan->every[STEVE_EVENT_SCOPE] != 0) {
        plan->every[STEVE_EVENT_SCOPE] = plan->locks.stack_interval;
    }
    if (plan->every[STEVE_EVENT_PIN] != 0) {
        plan->every[STEVE_EVENT_PIN] = plan->locks.pin_interval;
    }
    if (plan->every[STEVE_EVENT_TURN] != 0) {
        plan->every[STEVE_EVENT_TURN] = (uint32_t)clamp((uint64_t)plan->blocks * 2, 32, plan->length / 4 + 32);
    }
    if (plan->every[STEVE_EVENT_PURGEABLE] == 0) {
        plan->every[STEVE_EVENT_KEEP] = 0;
    }

    plan->once = plan->every[STEVE_EVENT_COMPACT] != 0 && steve_rng_chance(rng, profile->switched_off / 4);
    // Half the episodes compact in the shortest pauses, where a cursor has to survive what happens between two of them.
    plan->budget_us = (uint32_t)steve_rng_log_between(rng, 1, steve_rng_chance(rng, 128) ? 8 : 400);
}

void steve_episode_plan_draw(struct steve_episode_plan *plan, const struct steve_profile *profile,
                             const struct steve_lock_model *model, const struct steve_driver *driver,
                             uint64_t heap_bytes, uint32_t length, struct steve_rng *rng)
{
    memset(plan, 0, sizeof *plan);
    plan->length = length;

    uint32_t fill = draw(rng, profile->fill);
    uint32_t dip = draw(rng, profile->dip);
    draw_weights(plan, profile, driver, rng);
    uint32_t mean = draw_scale(plan, profile, driver, heap_bytes, fill, rng);
    draw_geometry(&plan->header, driver, rng);

    plan->high = share(plan->header.heap_bytes, fill);
    plan->low = share(plan->header.heap_bytes, fill > dip ? fill - dip : 0);
    plan->most_blocks = (uint32_t)clamp((uint64_t)plan->blocks * 2 + 4, 1, STEVE_SLOTS - 256);
    plan->fill_first = !steve_rng_chance(rng, 48);
    plan->stubborn = (uint8_t)draw(rng, profile->stubborn);
    steve_size_model_draw(&plan->sizes, rng, profile->sizes, plan->header.heap_bytes, mean, plan->blocks);

    const struct steve_lock_scale scale = {
        .length = length,
        .blocks = plan->blocks,
        .access_of_256 = 255u - plan->resize,
        .share_of_1000 = draw(rng, profile->lock_share),
    };
    steve_lock_plan_draw(&plan->locks, model, driver, &scale, rng);
    draw_rates(plan, profile, driver, rng);
}
