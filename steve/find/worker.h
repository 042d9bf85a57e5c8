/// The worker: takes episodes from the board, carries them out on the allocator under test, and keeps its page and its log
/// up to date. It normally is a child process (child.h); with --no-isolate it is the process itself.
#ifndef STEVE_FIND_WORKER_H
#define STEVE_FIND_WORKER_H

#include "steve/find/board.h"
#include "steve/find/plan.h"
#include "steve/find/source.h"

struct steve_work {
    const struct steve_source *source;
    struct steve_plan plan;
    uint32_t without; ///< oracles that are off
    enum steve_check_level level;
    uint64_t
        memory_bytes; ///< resident memory that the process may take; 0: any. The parent looks too, while an episode runs
    unsigned rounds;  ///< how often an episode is run with threads
    unsigned repeat_every; ///< every so many episodes one is run a second time at another base (metamorphic); 0: none

    struct steve_board *board;
    struct steve_page *page;
    struct steve_op *log;        ///< of source->longest ops
    struct steve_stamps *stamps; ///< of as many; NULL if no episode has threads
    bool is_child;               ///< of a process that watches it, so that it may become another program
    bool goes_on;                ///< this process became another program on the way (preload.h): it has an item in hand
    uint64_t item;               ///< which one

    /// Called now and then, also between episodes; NULL in a child, whose parent looks at the page instead.
    void (*pulse)(void *context);
    void *pulse_context;
};

/// Runs episodes until none is left, the board says stop, or one finds something. The page's phase then says which:
/// STEVE_WORKER_DONE, STEVE_WORKER_FOUND or STEVE_WORKER_FAILED.
void steve_worker_run(const struct steve_work *work);

#endif
