/// What threads.c, which lets threads run, and threads_ops.c, which carries out one op, share.
#ifndef STEVE_CORE_THREADS_INTERNAL_H
#define STEVE_CORE_THREADS_INTERNAL_H

#include <pthread.h>

#include "steve/core/exec_internal.h"
#include "steve/core/threads.h"

/// One thread of a crew.
struct steve_hand {
    struct steve_crew *crew;
    pthread_t thread;
    unsigned number;
    size_t first, count; ///< its ops of this stretch, in crew->order
    uint64_t op;         ///< index of the one in hand
    size_t credit;       ///< bytes of contents that may be compared now
    struct steve_crew_counts counts;
};

#define STEVE_LOTS 64u

/// Where threads sleep that wait for a slot.
struct steve_lot {
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct steve_crew {
    struct steve_crew_work work;
    struct steve_exec
        *exec; ///< its slots are the threads', each while it is its turn; all else is written by one thread alone
    size_t longest;
    struct steve_hand hands[STEVE_THREADS_MOST];

    pthread_mutex_t finding_lock; ///< around what steve_broken() writes
    atomic_bool over;             ///< no op is begun any more
    _Atomic unsigned gate;        ///< not 0: begin

    pthread_mutex_t index_lock; ///< around the index, and the handles in exec->refs
    struct steve_layout index;  ///< the blocks whose addresses are known now: [address, address + bytes)
    atomic_size_t live_bytes;   ///< as asked for

    struct steve_lot lots[STEVE_LOTS];
    _Atomic uint32_t turns[STEVE_SLOTS]; ///< see threads.c
    uint32_t next_turn[STEVE_SLOTS];     ///< while a stretch is dealt out
    uint8_t made_by[STEVE_SLOTS];        ///< the thread that made the slot's block; whose turn it is may look
    uint8_t last_by[STEVE_SLOTS];        ///< the thread of the last op on it
    uint32_t *turn_of;                   ///< of each op: its number among those on its slot
    uint32_t *order;                     ///< the ops of a stretch, thread by thread
};

/// Ends the episode for all threads: those that wait for a turn are woken.
void steve_crew_stop(struct steve_crew *crew);

/// steve_broken() for a thread. The first finding counts, and ends the episode for all.
bool steve_hand_broken(struct steve_hand *hand, enum steve_oracle oracle, const struct steve_slot *slot,
                       const char *format, ...) __attribute__((cold, format(printf, 4, 5)));

/// Carries out an op that is neither check nor drain. It is the slot's turn.
enum steve_outcome steve_hand_op(struct steve_hand *hand, struct steve_op op);

/// True if the address of a live block is known for certain, so that it belongs into the index.
static inline bool steve_is_indexed(const struct steve_exec *exec, const struct steve_slot *slot)
{
    return slot->ref != 0 && ((exec->promises & STEVE_PROMISE_MOVES) == 0 || slot->locks > 0);
}

#endif
