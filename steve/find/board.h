/// The memory that the parent and its workers share: the board, one for all, where episodes are handed out and results come
/// in, and a page for each worker, which says at every moment what it is doing. A worker that dies leaves its page and its
/// log behind, and so the exact sequence that broke it; nothing has to be run again to know it.
///
///     board   next end folded stop | cells: a ring of results, one an episode, read by the parent in episode order
///     page    phase item op | header, finding, scene, counts
///     log     the ops of the current episode, each written before it is carried out (8 bytes an op)
///     stamps  of an episode with threads: when each op was begun and ended (8 bytes an op)
///
/// Workers write and the parent reads; plain fields are read only after the worker has ended, or after an atomic one said so.
/// How a worker fills this is worker.h's, what the parent makes of it runner.h's.
#ifndef STEVE_FIND_BOARD_H
#define STEVE_FIND_BOARD_H

#include <stdatomic.h>

#include "steve/core/exec.h"
#include "steve/core/scene.h"
#include "steve/core/threads.h"

/// How far the quickest worker may be ahead of the slowest, in episodes.
#define STEVE_BOARD_CELLS 16384u

/// An item is an episode counted from 0 in this run; what number the episode has is the source's matter.
struct steve_cell {
    _Atomic uint32_t ready; ///< 0, or 1 + item modulo 2^31: the result of which item this is
    uint32_t unused;
    uint64_t digest;
    uint64_t ops;
};

struct steve_board {
    _Atomic uint64_t next;   ///< the item that will be handed out next
    _Atomic uint64_t end;    ///< no item from here on is handed out
    _Atomic uint64_t folded; ///< results of the items below have been read; their cells are free again
    atomic_int stop;         ///< finish the op at hand, end the episode there, and take no other
    struct steve_cell cells[STEVE_BOARD_CELLS];
};

enum steve_worker_phase {
    STEVE_WORKER_IDLE,   ///< between two episodes
    STEVE_WORKER_LOAD,   ///< entering a driver from outside the box
    STEVE_WORKER_OPEN,   ///< making the heap
    STEVE_WORKER_RUN,    ///< carrying out op `op`; the log holds it and all before it
    STEVE_WORKER_END,    ///< last checks; `op` is the number of ops
    STEVE_WORKER_REPEAT, ///< carrying out op `op` again, at another base
    STEVE_WORKER_REPEAT_END,
    STEVE_WORKER_THREADS, ///< threads carry out the log, all of which is written; `op` ticks whenever one begins or ends an op
    STEVE_WORKER_THREADS_END, ///< last checks; they have ended
    STEVE_WORKER_DONE,        ///< no more episodes; this and those below are how a worker ends
    STEVE_WORKER_FOUND,       ///< `finding` is set
    STEVE_WORKER_FAILED,      ///< `trouble` is set
};

struct steve_page {
    _Atomic uint32_t phase;
    _Atomic uint64_t item;
    _Atomic uint64_t op;

    /// For the live line: as of a moment ago.
    _Atomic uint64_t live_blocks;
    _Atomic uint64_t compactions;
    _Atomic uint64_t compaction_blocks;
    _Atomic uint64_t compaction_locked_blocks;

    _Atomic uint64_t died_in; ///< 1 + the op that a thread had in hand when a signal came for it; 0: none
    uint64_t dealt;           ///< in STEVE_WORKER_THREADS: how many ops the log holds

    struct steve_header header;           ///< of the current episode
    struct steve_finding finding;         ///< in STEVE_WORKER_FOUND
    struct steve_scene scene;             ///< in STEVE_WORKER_FOUND
    uint64_t found_ops;                   ///< in STEVE_WORKER_FOUND: how many ops of the log show it again
    char trouble[192];                    ///< in STEVE_WORKER_FAILED: a sentence
    struct steve_counts counts;           ///< of all episodes that this page has seen
    struct steve_crew_counts crew_counts; ///< the same of their threads
};

/// Maps zeroed memory that children share. @return NULL if there is none. Untouched pages cost nothing.
void *steve_shared_map(size_t bytes);
void steve_shared_unmap(void *memory, size_t bytes);
/// The file behind such memory, for a child that becomes another program: it stays open there if FD_CLOEXEC is cleared, and
/// steve_shared_open() maps it again. @return -1 if the system has no such files
int steve_shared_file(const void *memory);
void *steve_shared_open(int file, size_t bytes);

/// The result of an item, if it has come in. @return its cell or NULL. O(1)
const struct steve_cell *steve_board_result(struct steve_board *board, uint64_t item);
/// Posts the result of an item. The caller has waited until the cell was free.
void steve_board_post(struct steve_board *board, uint64_t item, uint64_t digest, uint64_t ops);
/// True if the cell of this item is free: at most STEVE_BOARD_CELLS items are under way.
bool steve_board_has_room(struct steve_board *board, uint64_t item);

/// How many ops of the log the worker had begun, and so what a reproducer of a sudden end must hold. O(1)
uint64_t steve_page_logged(const struct steve_page *page);

#endif
