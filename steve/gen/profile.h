/// Profiles: named weights for ops, sizes and geometry. A profile is a row of ranges; a *plan* is what one episode drew
/// from them. The profiles differ in nothing but their row, `classic` apart, which is a script (classic.c).
#ifndef STEVE_GEN_PROFILE_H
#define STEVE_GEN_PROFILE_H

#include "steve/gen/gen.h"
#include "steve/gen/lock_model.h"
#include "steve/gen/rng.h"
#include "steve/gen/size_model.h"

struct steve_range {
    uint64_t low, high; ///< both included
};

/// Ops that come at intervals, and what else happens at intervals. The others (malloc, free, resize, write, verify) are
/// drawn in between by weight.
enum steve_event {
    STEVE_EVENT_COMPACT,
    STEVE_EVENT_BUDGET,
    STEVE_EVENT_GOAL,
    STEVE_EVENT_CHECK,
    STEVE_EVENT_DRAIN,
    STEVE_EVENT_MISUSE,
    STEVE_EVENT_FREE_LOCKED, ///< a free that must be refused
    STEVE_EVENT_WEAK_LOCK,
    STEVE_EVENT_PURGEABLE,
    STEVE_EVENT_KEEP,
    STEVE_EVENT_SWEEP, ///< frees neighbours in address order, or every second one
    STEVE_EVENT_SKIP,  ///< an op that does not apply, so that skipping is tested
    STEVE_EVENT_SCOPE, ///< of the lock model `stack`
    STEVE_EVENT_PIN,   ///< of the lock model `pin`
    STEVE_EVENT_TURN,  ///< grow, hold or shrink
    STEVE_EVENTS
};

/// How often an event comes.
struct steve_rate {
    uint16_t chance;          ///< that an episode has it at all, of 256
    struct steve_range every; ///< mean ops between two, log-uniform
    uint8_t per_block;        ///< it costs O(live blocks): at least so many eighths of their number lie between two
};

struct steve_profile {
    const char *name;
    const char *summary;
    bool script;                   ///< fill, free, lock, compact, verify in turn
    struct steve_range length;     ///< ops, log-uniform
    struct steve_range heap;       ///< bytes, log-uniform where blocks and size leave it open
    struct steve_range blocks;     ///< live blocks at the most, log-uniform
    struct steve_range mean;       ///< bytes, log-uniform
    struct steve_range fill;       ///< share of the heap aimed at, of 1000, rounding and headers included
    struct steve_range dip;        ///< how far below that it shrinks, of 1000
    struct steve_range stubborn;   ///< chance to go on allocating after a refusal, of 256
    struct steve_range churn;      ///< weight of malloc and free
    struct steve_range access;     ///< weight of write and verify
    struct steve_range resize;     ///< weight of resize
    struct steve_range flavours;   ///< chance that a malloc is a calloc, or an aligned one, of 256 each
    struct steve_range lock_share; ///< of the blocks, of 1000
    uint16_t switched_off;         ///< chance that an episode does without resize, without calloc, …, of 256 each
    uint32_t sizes;                ///< bits 1 << enum steve_size_kind
    struct steve_rate rates[STEVE_EVENTS]; ///< rows of zeros: as in most profiles, see steve_profile_rate()
};

/// What an episode drew.
struct steve_episode_plan {
    struct steve_header header;
    uint32_t length;
    uint32_t blocks;      ///< live blocks that it aims at
    uint32_t most_blocks; ///< and never exceeds by malloc
    uint64_t high, low;   ///< bytes in use, overhead included, between which it swings
    uint8_t stubborn;     ///< of 256
    uint8_t churn;        ///< thresholds for eight random bits: below it malloc or free,
    uint8_t resize;       ///< then resize below this, else an access
    uint8_t calloc;       ///< thresholds for what a malloc is
    uint8_t aligned;
    uint8_t log_aligned; ///< largest alignment drawn, a power of two
    uint8_t hot;         ///< blocks in the loop that accesses run over
    uint8_t hot_miss;    ///< chance that an access goes elsewhere and takes that block into the loop, of 256
    uint32_t budget_us;  ///< mean budget
    bool fill_first;     ///< begins with hardly anything but mallocs
    bool once;           ///< the only full compaction comes at the end
    struct steve_size_model sizes;
    struct steve_lock_plan locks;
    uint32_t every[STEVE_EVENTS]; ///< mean ops between two; 0: never
};

/// What a block is taken to need beyond its size: a header, rounding, its share of a table.
#define STEVE_BLOCK_OVERHEAD 24u

/// Blocks from this size on stay locked all their life: moving one would touch memory that is only mapped.
#define STEVE_HUGE_BLOCK (UINT64_C(1) << 20)

/// How often an event comes in a profile: its own row, else the common one.
const struct steve_rate *steve_profile_rate(const struct steve_profile *profile, enum steve_event event);

/// The length of an episode. O(1)
uint32_t steve_profile_length(const struct steve_profile *profile, struct steve_rng *rng);

/// Draws the plan of one episode, header included. O(1)
/// @param heap_bytes 0: drawn
void steve_episode_plan_draw(struct steve_episode_plan *plan, const struct steve_profile *profile,
                             const struct steve_lock_model *model, const struct steve_driver *driver,
                             uint64_t heap_bytes, uint32_t length, struct steve_rng *rng);

#endif
