/// The generator's state, and what its files share. gen.c keeps the episode and asks in turn: ops that were promised
/// (the queue), locks that are due, events, and then ordinary traffic.
#ifndef STEVE_GEN_GEN_INTERNAL_H
#define STEVE_GEN_GEN_INTERNAL_H

#include "steve/gen/gen.h"
#include "steve/gen/lock_model.h"
#include "steve/gen/profile.h"
#include "steve/gen/slot_set.h"

#define STEVE_QUEUE      256u /* a power of two */
#define STEVE_HOT_MAX    16u
#define STEVE_LOCK_TRIES 4

enum steve_trend { STEVE_TREND_GROW, STEVE_TREND_HOLD, STEVE_TREND_SHRINK };

/// Where the script of the profile `classic` is.
enum steve_act {
    STEVE_ACT_FILL,
    STEVE_ACT_FREE,
    STEVE_ACT_LOCK,
    STEVE_ACT_COMPACT,
    STEVE_ACT_VERIFY,
    STEVE_ACT_UNLOCK
};

struct steve_script {
    enum steve_act act;
    uint32_t left; ///< ops that the act still has
};

struct steve_gen {
    struct steve_gen_config config;
    struct steve_episode_plan plan;
    struct steve_rng rng;
    uint32_t now;         ///< number of the op being drawn, from 1
    struct steve_op last; ///< the op before it; its outcome is still to be looked at
    enum steve_trend trend;
    bool filling;                    ///< the heap has not been as full as it should be yet
    unsigned refused;                ///< requests for a block refused in a row
    uint64_t aim;                    ///< bytes in use that the trend makes for
    uint32_t next_event;             ///< the least of event_at
    enum steve_event event_due;      ///< whose it is
    uint32_t event_at[STEVE_EVENTS]; ///< op at which an event comes next
    uint32_t hot_count, hot_next;
    uint16_t hot[STEVE_HOT_MAX]; ///< the blocks that accesses run over; some may be gone
    uint32_t queue_first, queue_count;
    struct steve_op queue[STEVE_QUEUE]; ///< ops promised by earlier ones
    struct steve_script script;
    struct steve_slot_set slots;
    struct steve_locker locker;
};

// gen.c

/// Promises an op: it comes before anything else is drawn, if it still applies then. Dropped if the queue is full.
void steve_gen_promise(struct steve_gen *gen, uint8_t code, uint16_t slot);

/// A live block without locks. @return false if a few tries found none. O(1)
bool steve_gen_unlocked(struct steve_gen *gen, const struct steve_exec *view, uint16_t *slot);

/// True if the places of blocks are the same every time: in a region of Steve's. Elsewhere the system decides where
/// memory is mapped, and an episode must not depend on it.
bool steve_gen_knows_places(const struct steve_gen *gen);
/// How much room there is between the end of one block and the start of the next in memory, as last seen.
/// @param rank in address order, of a block that has one above it
uint64_t steve_gen_gap_above(const struct steve_exec *view, uint32_t rank);

static inline struct steve_op steve_gen_op(uint8_t code, uint16_t slot)
{
    return (struct steve_op){.code = code, .slot = slot};
}

static inline bool steve_gen_can_lock(const struct steve_gen *gen)
{
    return gen->config.driver->lock != NULL && gen->config.driver->unlock != NULL;
}

// traffic.c: malloc, free, resize, write, verify. Each gives code STEVE_OP_NONE if there is nothing to do.

struct steve_op steve_traffic_next(struct steve_gen *gen, const struct steve_exec *view);
struct steve_op steve_traffic_malloc(struct steve_gen *gen, const struct steve_exec *view);
struct steve_op steve_traffic_free(struct steve_gen *gen, const struct steve_exec *view);
/// Takes back `holds` locks of a block, as many as it has; frees it too if its model says so. The first op is given,
/// the others are promised.
struct steve_op steve_traffic_release(struct steve_gen *gen, const struct steve_exec *view, uint16_t slot,
                                      unsigned holds);
/// Puts a block into the loop that accesses run over, in place of another or at its end.
void steve_traffic_into_loop(struct steve_gen *gen, uint32_t place, uint16_t slot);
/// Bytes in use, taking each block's overhead as the same.
uint64_t steve_traffic_level(const struct steve_gen *gen, const struct steve_exec *view);

// events.c: what comes at intervals.

void steve_events_begin(struct steve_gen *gen);
/// The op of an event that is due; code STEVE_OP_NONE if it needs none.
struct steve_op steve_events_next(struct steve_gen *gen, const struct steve_exec *view);
/// A compaction by the plan's rates for full, budget and goal, or STEVE_OP_NONE if the driver has none.
struct steve_op steve_events_compaction(struct steve_gen *gen, const struct steve_exec *view);

// classic.c: the script.

void steve_script_begin(struct steve_gen *gen);
struct steve_op steve_script_next(struct steve_gen *gen, const struct steve_exec *view);

#endif
