/// Lock models: heuristics for how long blocks stay locked. Lock lifetimes decide what a compactor can do.
///
/// The locker keeps one episode's locks. It is told what happens to blocks, and says when one is to be locked or
/// unlocked; making ops of that is gen.c's. Nothing in it is O(live blocks): a block's *life* is stored as of its
/// last access, so that the op at which it sinks to 0 is known; blocks wait for theirs in a bucket for each op of the
/// episode.
#ifndef STEVE_GEN_LOCK_MODEL_H
#define STEVE_GEN_LOCK_MODEL_H

#include "steve/gen/gen.h"
#include "steve/gen/rng.h"
#include "steve/gen/slot_set.h"

/// What a block's locks follow. `mixed` draws one of these for each block.
enum steve_lock_kind {
    STEVE_LOCKS_NONE,
    STEVE_LOCKS_ACCESS,
    STEVE_LOCKS_FLOAT_SINK,
    STEVE_LOCKS_WHOLE_LIFE,
    STEVE_LOCKS_STACK,
    STEVE_LOCKS_PIN,
    STEVE_LOCKS_KINDS
};

struct steve_lock_model {
    const char *name;
    const char *summary;
    enum steve_lock_kind kind; ///< STEVE_LOCKS_KINDS: drawn per block
};

/// Life in fixed point.
#define STEVE_LIFE_ONE UINT32_C(65536)
/// The longest episode, in ops.
#define STEVE_LENGTH_MAX 16384u
#define STEVE_STACK_MAX  1024u

/// What an episode's locks are drawn from.
struct steve_lock_plan {
    uint8_t kinds[32];       ///< of enum steve_lock_kind: a new block draws one of these
    uint32_t life_float;     ///< float-sink: what an access adds, in units of 1 / STEVE_LIFE_ONE
    uint32_t life_sink;      ///< float-sink: what an op on any other block takes off, 1 or more
    uint32_t ops_per_access; ///< whole-life: it lives while ops in its life <= own accesses times this; macro rule: 2
    uint32_t stack_depth;    ///< stack: the most locks in nested scopes, 0: none
    uint32_t stack_interval; ///< stack: ops between two of its lock or unlock ops, on average
    uint32_t pins;           ///< pin: the most blocks pinned at a time, 0: none
    uint32_t pin_interval;
    uint32_t pin_ops; ///< pin: for how many ops at most
    bool nest;        ///< the driver counts locks
};

/// What lock_plan_draw() has to know of the episode.
struct steve_lock_scale {
    uint32_t length;        ///< ops in the episode
    uint32_t blocks;        ///< live blocks that are expected
    uint32_t access_of_256; ///< share of accesses among the ops
    uint32_t share_of_1000; ///< of the blocks that are to be locked, about
};

/// Draws the parameters of one episode. O(1)
/// @param driver whose lock may be NULL: then nothing is ever locked
void steve_lock_plan_draw(struct steve_lock_plan *plan, const struct steve_lock_model *model,
                          const struct steve_driver *driver, const struct steve_lock_scale *scale,
                          struct steve_rng *rng);

/// The lock state of one block. Set anew when a block is born, so that nothing need be cleared between episodes.
struct steve_lock_state {
    uint32_t due;        ///< op at which its locks end; 0: not waiting
    uint32_t next, prev; ///< neighbours in the bucket of `due`: slot + 1, 0 for none
    uint32_t life;       ///< as of op `last`
    uint32_t last;       ///< op of the last access
    uint32_t born;       ///< op of its malloc
    uint32_t own;        ///< accesses since
    uint8_t kind;        ///< of enum steve_lock_kind
    uint8_t holds;       ///< locks that end at `due`
};

struct steve_locker {
    struct steve_lock_plan plan;
    uint32_t length;
    uint32_t cursor;    ///< buckets below are empty
    uint32_t pinned;    ///< blocks of kind pin that are held
    uint32_t depth;     ///< locks on the stack
    uint32_t depth_aim; ///< where the stack is going
    uint32_t buckets[STEVE_LENGTH_MAX + 2];
    uint16_t stack[STEVE_STACK_MAX];
    struct steve_lock_state states[STEVE_SLOTS];
};

/// Begins an episode. Ops are numbered from 1. O(length)
void steve_locker_begin(struct steve_locker *locker, const struct steve_lock_plan *plan, uint32_t length);

/// A block was made in `slot` by op `now`. @return true if it is to be locked at once. O(1)
bool steve_locker_born(struct steve_locker *locker, struct steve_rng *rng, uint16_t slot, uint32_t now);

/// The block in `slot` is gone, or none of its locks is waited for any more. O(1)
void steve_locker_forget(struct steve_locker *locker, uint16_t slot);

/// How an access is to be made.
enum steve_lock_advice {
    STEVE_ACCESS_PLAIN,   ///< just so
    STEVE_ACCESS_BRACKET, ///< lock, access, unlock
    STEVE_ACCESS_HOLD,    ///< lock, access; the unlock comes from steve_locker_due()
};

/// The block in `slot` is about to be accessed by op `now`. O(1)
/// @param locks that it has now
enum steve_lock_advice steve_locker_access(struct steve_locker *locker, struct steve_rng *rng, uint16_t slot,
                                           uint32_t now, unsigned locks);

/// Pins a block until op `until`, whatever its model was: its kind is then pin. O(1)
void steve_locker_pin(struct steve_locker *locker, uint16_t slot, uint32_t until);

/// Keeps the lock that the client is about to take until op `until`. O(1)
void steve_locker_hold(struct steve_locker *locker, uint16_t slot, uint32_t until);

/// Ends the locks of a block that are due at op `now`, one block a call. O(1), amortised
/// @param holds gets how many locks are to be taken back @return false if none is due
bool steve_locker_due(struct steve_locker *locker, uint32_t now, uint16_t *slot, unsigned *holds);

/// What a scope does next.
enum steve_scope { STEVE_SCOPE_ENTER, STEVE_SCOPE_LEAVE };
enum steve_scope steve_locker_scope(struct steve_locker *locker, struct steve_rng *rng);
void steve_locker_enter(struct steve_locker *locker, uint16_t slot);
/// Gives the latest that was entered and not left. @return false if there is none
bool steve_locker_leave(struct steve_locker *locker, uint16_t *slot);

/// Everything was unlocked. O(length)
void steve_locker_clear(struct steve_locker *locker);

static inline enum steve_lock_kind steve_locker_kind(const struct steve_locker *locker, uint16_t slot)
{
    return (enum steve_lock_kind)locker->states[slot].kind;
}

#endif
