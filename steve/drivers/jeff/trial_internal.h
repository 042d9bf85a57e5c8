/// Heaps that are made for the purpose, beside the one under test: small, gone after some hundred calls, and for all that no op
/// can ask for. What is done to one is drawn from the number of the trial alone.
#ifndef STEVE_DRIVERS_JEFF_TRIAL_INTERNAL_H
#define STEVE_DRIVERS_JEFF_TRIAL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

/// Blocks that a trial has at a time.
#define STEVE_JEFF_TRIAL_BLOCKS 40u
/// Memory for a trial's heap, or for all pages of one.
#define STEVE_JEFF_TRIAL_BYTES ((size_t)1 << 20)
/// A word of pages that are not committed.
#define STEVE_JEFF_TRIAL_UNCOMMITTED 0x6b6b6b6bu

struct steve_jeff_trial_block {
    jeff_handle handle; ///< JEFF_NULL: none
    size_t bytes;       ///< asked for
    size_t alignment;
    unsigned char mark; ///< all that it holds
    bool purgeable;
};

/// Pages without a system: the trial's memory, given out from its start.
struct steve_jeff_trial_pages {
    size_t page;
    size_t reserved;   ///< bytes given out, of which those of released reservations are not given out again
    size_t open;       ///< reservations that were not released
    size_t held;       ///< their bytes
    size_t heap_bytes; ///< of the first of them
    size_t readable;   ///< of these, what is committed
    unsigned commits;  ///< calls so far
    unsigned reserves;
    unsigned failing_commit; ///< the call that is refused; 0: none
    unsigned failing_reserve;
    unsigned fails_every; ///< later every so many; 0: no more
    size_t most;          ///< more bytes are not committed at a time; 0: no limit
};

struct steve_jeff_trial {
    jeff_heap *heap;
    uint64_t draws; ///< where they are: they began at the trial's number
    uint64_t clock_ns;
    uint64_t ns_a_look; ///< what a look at the clock takes; 0: nothing
    struct steve_jeff_trial_block block[STEVE_JEFF_TRIAL_BLOCKS];
    struct steve_jeff_trial_pages pages;
    bool stays;        ///< the heap does not compact unless it is asked to
    unsigned asked;    ///< how often a heap has asked for memory
    unsigned deed;     ///< what is done then
    const char *wrong; ///< what was seen that must not be, in static memory
};

/// The trial with that number: a heap of some kind, some hundred calls, and a look at all that came of it.
/// @return what is wrong, in static memory; NULL if nothing is. About 50 µs
const char *steve_jeff_trial(uint64_t number);

/* What trials are made of */

uint32_t steve_jeff_trial_draw(struct steve_jeff_trial *trial);
static inline uint32_t steve_jeff_trial_below(struct steve_jeff_trial *trial, uint32_t limit)
{
    return (uint32_t)((uint64_t)steve_jeff_trial_draw(trial) * limit >> 32);
}

/// Keeps the first thing that is wrong.
static inline void steve_jeff_trial_note(struct steve_jeff_trial *trial, const char *wrong)
{
    if (trial->wrong == NULL) {
        trial->wrong = wrong;
    }
}

/// The memory of all trials; one is held at a time. @param bytes its first, which become dirty
char *steve_jeff_trial_memory(size_t bytes);
/// Hooks over that memory, which reads as zero where it was committed, and as something else where it was not.
struct jeff_page_hooks steve_jeff_trial_hooks(struct steve_jeff_trial *trial);
/// What a heap reserves that may grow to so many bytes: whole pages, and `least` of them at least.
size_t steve_jeff_trial_reserved(const struct steve_jeff_trial *trial, size_t bytes, size_t least);
/// The heap's clock, which goes on by each look at it. @param context the trial
uint64_t steve_jeff_trial_now(void *context);
/// One call, drawn: requests, frees, locks, resizes, compactions. What it answers is held against what is known of the block.
void steve_jeff_trial_op(struct steve_jeff_trial *trial);
/// Looks at all blocks, and has the heap check itself.
void steve_jeff_trial_look(struct steve_jeff_trial *trial);
/// Overwrites a block, whose size and alignment are known, with another mark.
void steve_jeff_trial_fill(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block);
/// Whether the first `bytes` of a block are what was written there; it may be purged if it is purgeable.
void steve_jeff_trial_compare(struct steve_jeff_trial *trial, const struct steve_jeff_trial_block *block, size_t bytes);
/// Compares a block, and frees it, whatever locks it has.
void steve_jeff_trial_drop(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block);

/* Trials. Each makes its heap, and destroys it. */

/// Words of a heap are overwritten, and put right again: what jeff_check() says.
void steve_jeff_trial_damage(struct steve_jeff_trial *trial);
/// A part of it, with words that are chosen so that one test of jeff_check() alone can tell, and for what looks odd but is sound.
void steve_jeff_trial_refute(struct steve_jeff_trial *trial);
/// Pages that are refused at one call or the other, and pages of other sizes.
void steve_jeff_trial_pages(struct steve_jeff_trial *trial);
/// How much address space is asked for, and heaps for several threads in pages. A part of the one before.
void steve_jeff_trial_reserve(struct steve_jeff_trial *trial);
/// Heaps of every size, and what they say of themselves.
void steve_jeff_trial_sizes(struct steve_jeff_trial *trial);
/// Handles and arguments that there are not.
void steve_jeff_trial_misuse(struct steve_jeff_trial *trial);
/// Blocks that are resized to every size near an edge.
void steve_jeff_trial_resize(struct steve_jeff_trial *trial);
/// A heap that moves everything at each request.
void steve_jeff_trial_scramble(struct steve_jeff_trial *trial);

#endif
