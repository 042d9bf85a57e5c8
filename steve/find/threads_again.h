/// What becomes of a finding that threads made: it is tried in one thread, and if it does not show there, again with
/// threads.
#ifndef STEVE_FIND_THREADS_AGAIN_H
#define STEVE_FIND_THREADS_AGAIN_H

#include "steve/find/rerun.h"

/// Runs the interleaving that was seen in one thread. If an oracle breaks there, the finding becomes that one: its
/// sequence is for one thread, and is shrunk and explained like any other. If not, the sequence for threads is run some
/// 20 times, to say how often it shows. `found->threads` tells which; nothing is done to a finding of one thread.
/// @param how its sequence and rounds are of no matter
void steve_threads_again(struct steve_found *found, const struct steve_rerun_config *how);

#endif
