/// The bench that compares: the largest request that a heap would serve now. It is asked, not computed, so that it can be told
/// of any allocator; and in copies of the process, so that the heap itself knows nothing of it, whatever it moves to serve.
#ifndef STEVE_CLI_BENCH_ROOM_H
#define STEVE_CLI_BENCH_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/cli/bench_heap.h"

#define BENCH_ROOM_UNKNOWN SIZE_MAX

struct bench_room {
    size_t *answer;    ///< shared with the copies
    size_t before;     ///< bytes of memory that the process had written before there was a heap
    uint64_t until_ns; ///< by bench_now_ns(): nothing is asked from then on
    double share;      ///< of what was asked for at most, the last time: where to begin
};

/// Gets ready, before the heap is opened. @param for_ns for so long may be asked, all in all @return false when memory is
/// short, or the system does not tell
bool bench_room_open(struct bench_room *room, uint64_t for_ns);

/// Asks for the largest block, to within 1/512 of the heap. In a region what counts is whether it is served. An allocator with
/// memory of its own serves what it likes; there the block must also fit, written, into what the process may hold: the
/// heap's bytes beyond what it had before.
/// @param most no more than this is asked for
/// @return 0 if nothing is served; BENCH_ROOM_UNKNOWN if it cannot be told
/// @cost 3 to 11 requests and a fork; with memory of its own, as many forks, and the blocks are written
size_t bench_room_largest(struct bench_room *room, const struct bench_heap *heap, size_t most);

#endif
