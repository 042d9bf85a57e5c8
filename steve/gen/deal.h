/// Dealing the ops of an episode out to threads. How blocks go from thread to thread is a matter of style, which is drawn
/// for each dealing: any op anywhere; blocks that mostly stay where they are; long runs of one thread; some threads that
/// make and others that free.
#ifndef STEVE_GEN_DEAL_H
#define STEVE_GEN_DEAL_H

#include "steve/core/op.h"
#include "steve/gen/rng.h"

/// Gives each op a thread (steve_op_on_thread()); what it had is forgotten. Ops are made canonical.
/// @param threads 2..STEVE_THREADS_MOST
/// @return false if memory is short. O(count)
bool steve_deal(struct steve_rng *rng, struct steve_op *ops, size_t count, unsigned threads);

#endif
