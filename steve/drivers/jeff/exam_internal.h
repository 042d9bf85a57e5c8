/// What the files of Jeff's exams share: a small heap of their own, a map of it, and how both are made (exam.c).
///
/// An exam makes a heap so small that what is best for it can be worked out by trying all that there is, and holds what Jeff does
/// against that. It needs no op, and disturbs none: the heap under test is left alone.
#ifndef STEVE_DRIVERS_JEFF_EXAM_INTERNAL_H
#define STEVE_DRIVERS_JEFF_EXAM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"

#define GRANULE     16u
#define HEADER      4u
#define EXAM_HEAP   (40u * 1024)
#define EXAM_HUGE   (128u * 1024) ///< for blocks that no budget of less than two steps may move
#define EXAM_BLOCKS 96u
#define EXAM_PIECES (2 * EXAM_BLOCKS + 8)
#define EXAM_SIZES  3u

/// One exam. @param number which it is: the same number is the same exam, in every run
/// @return what is wrong, in static memory; NULL if nothing is. About 20 us
const char *steve_jeff_exam(uint32_t number);

enum exam_kind { EXAM_FREE, EXAM_MOVABLE, EXAM_PINNED };

/// A free run, neighbours joined, or a live block. In granules from the begin of the arena.
struct exam_piece {
    uint32_t begin, end;
    enum exam_kind kind;
    jeff_handle handle;
};

/// A heap as a walk over it tells, from the first block to the handle table.
struct exam_map {
    size_t count;
    struct exam_piece piece[EXAM_PIECES];
    uint32_t limit;   ///< where the arena ends
    uint32_t headers; ///< stretches that have one, before free neighbours are joined
    uint32_t live;    ///< blocks
    uint32_t free;    ///< granules of all free memory
    uint32_t largest; ///< of the largest free run
    bool overfull;    ///< there was more than fits in here: an exam ends
};

struct exam_block {
    jeff_handle handle;
    uint32_t granules;
    uint32_t alignment; ///< in granules; 1: none asked for
    bool wide;
    bool purgeable;
};

struct exam {
    jeff_heap *heap;
    uint64_t draws;
    uintptr_t arena;           ///< address at which its first granule begins
    uint32_t sizes;            ///< blocks are of one of so many sizes, each of which divides the next; 0: of any
    uint32_t size[EXAM_SIZES]; ///< in granules, header included, the least first
    bool aligned;              ///< some blocks have an alignment
    uint64_t unit_ns;          ///< what a byte moved takes by the heap's clock; a block visited takes 16 times that
    uint64_t told_blocks, told_bytes; ///< by the callback `moved`
    bool tells;                       ///< there is that callback
    uint32_t asked;                   ///< for memory, by the callback `low_memory`
    uint32_t freed_when_asked;        ///< blocks that it freed
    uint32_t purgeable;               ///< blocks that are, or were
    bool asks;                        ///< there is that callback
    bool stays;                       ///< no request moves anything
    const char *wrong;
    uint32_t count;
    struct exam_block block[EXAM_BLOCKS];
};

/// How an exam's heap is made.
struct exam_wish {
    size_t bytes;     ///< at most EXAM_HUGE
    uint32_t sizes;   ///< as in struct exam
    uint32_t most;    ///< granules of the largest block
    uint32_t aligned; ///< of 16 blocks so many have an alignment
    uint32_t freed;   ///< and so many are freed
    uint32_t pins;    ///< blocks that are locked, at most
    uint32_t spare;   ///< of 16 parts of the heap so many stay unused at its top, about
    bool tells;       ///< with the callback `moved`
    bool asks;        ///< with the callback `low_memory`, which now and then frees a block
    bool stays;       ///< without compaction as the last resort of a request
    bool crumbs;      ///< every second block is of the smallest size, and nearly all of those are freed, but no others
};

/// @return a number below `below`
uint32_t steve_exam_draw(struct exam *e, uint32_t below);

/// A heap with blocks, some of them freed and some locked. @return false if it could not be made
bool steve_exam_make(struct exam *e, const struct exam_wish *wish);

/// Frees some blocks, takes the locks of some back and locks others. @return true if memory came free, or what can be moved did
bool steve_exam_stir(struct exam *e);

/// Drops what is known of a heap, so that its memory can be used again.
void steve_exam_drop(struct exam *e);

void steve_exam_map(const struct exam *e, struct exam_map *map);

/// Adds a piece at the end of a map; a free run joins one right below.
void steve_exam_add(struct exam_map *map, const struct exam_piece *piece);

/// Counts the free memory of a map, when its pieces are there.
void steve_exam_count_free(struct exam_map *map);

/// Moves the end of the arena to where it is since the handle table gave back what no block needs.
void steve_exam_extend(struct exam_map *map, uint32_t limit);

/// What an exam knows of a live block; NULL if it did not make it.
const struct exam_block *steve_exam_block(const struct exam *e, jeff_handle handle);

/// The first granule at or above `from` at which the block may begin by its alignment.
uint32_t steve_exam_aligned(const struct exam *e, const struct exam_block *block, uint32_t from);

/// Bytes of the largest block that a run of so many granules holds.
size_t steve_exam_capacity(uint32_t granules);

/// Whether pinned blocks lie where they lay, and all others still somewhere. @return what is wrong; NULL if nothing is
const char *steve_exam_kept(const struct exam *e, const struct exam_map *before, const struct exam_map *after);

/* What can be had (exam_reach.c) */

/// Of the stretches between locked blocks so many are tried.
#define EXAM_STRETCHES 4u

/// So little more is not worth sliding everything first: one part in so many.
#define EXAM_WORTH_A_SLIDE 64u

/// How many blocks of each size there are, or find room, where blocks are of a few sizes.
struct exam_number {
    uint32_t of[EXAM_SIZES];
};

/// Adds as many as a free run holds.
static inline void steve_exam_add_places(const struct exam *e, struct exam_number *places, uint32_t free)
{
    for (uint32_t i = 0; i < e->sizes; i++)
        places->of[i] += free / e->size[i];
}

/// Adds a block of so many granules.
static inline void steve_exam_add_block(const struct exam *e, struct exam_number *blocks, uint32_t granules)
{
    for (uint32_t i = 0; i < e->sizes; i++)
        blocks->of[i] += granules == e->size[i];
}

/// Granules of the blocks that find room. Each size divides the next, so the largest go first, and it is no matter where to.
uint32_t steve_exam_place(const struct exam *e, const struct exam_number *blocks, const struct exam_number *places);

/// What can be had in a heap.
struct exam_reach {
    uint32_t freest; ///< the most free granules that a stretch between locked blocks has
    uint32_t widest; ///< granules of the widest
    uint32_t most;   ///< granules of the largest run that can be had, if blocks are of a few sizes
};

/// Granules of a run to want: more than there is, and often as much as can be had or one less. 0: all free memory is in one run
uint32_t steve_exam_draw_need(struct exam *e, const struct exam_map *map);

struct exam_reach steve_exam_reach(const struct exam *e, const struct exam_map *map);

/// Granules of the largest run that can be had of the stretches that are tried. 0 if that is not known: blocks are of any size.
uint32_t steve_exam_most(const struct exam *e, const struct exam_map *map);

/* Plans (exam_plan.c) */

/// What is done for a run, and what comes of it.
struct exam_plan {
    bool made;         ///< something is done
    uint32_t run;      ///< granules of the largest free run then
    uint32_t blocks;   ///< that move, some of them twice
    uint64_t granules; ///< of them
    /// Blocks and free runs looked at, but for what comes after the moves: to slide all first, and to put free runs into bins.
    uint64_t looks;
    uint32_t top; ///< where the free memory above the last block begins, before the window is emptied
};

/// What Jeff does for a run of so many granules, 0: for the largest, where blocks are of a few sizes.
/// @param may_slide there is no budget: all blocks may slide first
struct exam_plan steve_exam_plan(const struct exam *e, const struct exam_map *map, uint32_t need, bool may_slide);

/// What is looked at after the moves of a plan: free runs are put into bins anew, each block and run is looked at once, also the one that then
/// belongs to the top.
uint64_t steve_exam_looks_to_end(const struct exam_plan *plan, const struct exam_map *after);

/// What sliding all blocks moves, and the map then, of which pieces, limit and what is free are filled in. For heaps without alignments.
struct exam_plan steve_exam_slid(const struct exam_map *map, struct exam_map *slid);

/// What a heap has counted of its compactions.
struct exam_counted {
    uint64_t blocks, bytes, visited, passes;
};

struct exam_counted steve_exam_count(const struct exam *e);

/// One call with a budget that did not come to the end, held against the clock.
/// @param bytes   as many can be moved within the budget
/// @param learned the heap knows from the clock what a move takes
/// @param paused  the call has paused while there was something to slide
const char *steve_exam_judge_call(const struct exam *e, uint64_t bytes, const struct exam_counted *was,
                                  const struct exam_counted *is, bool learned, bool paused);

/* The exams. Each makes its heap by draws from `e`, and returns what is wrong, in static memory, or NULL. */

const char *steve_exam_slide(struct exam *e);
const char *steve_exam_goal(struct exam *e);
const char *steve_exam_budget(struct exam *e);
const char *steve_exam_pace(struct exam *e);
const char *steve_exam_meddle(struct exam *e);
const char *steve_exam_settle(struct exam *e);
const char *steve_exam_room(struct exam *e);
const char *steve_exam_between(struct exam *e);
const char *steve_exam_policy(struct exam *e);

#endif
