/// What the files of Jeff's drivers share: an open heap, how it is opened (open.c), and its compaction (compaction.c). The other
/// calls, and the drivers that all of it makes, are driver.c's.
#ifndef STEVE_DRIVERS_JEFF_INTERNAL_H
#define STEVE_DRIVERS_JEFF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jeff.h"
#include "steve/driver.h"
#include "steve/drivers/jeff/callbacks_internal.h"
#include "steve/drivers/jeff/figures_internal.h"
#include "steve/drivers/jeff/pages_internal.h"

/// The largest heap of `jeff-scramble`: each request costs a pass over all of it.
#define STEVE_JEFF_SCRAMBLED_MOST ((size_t)65536)

/// An open heap, with what the callbacks note. It lives outside the region, because the region is Jeff's alone.
struct instance {
    jeff_heap *heap;
    uintptr_t region; ///< where the heap's memory begins; 0 for a mapped heap
    bool used;
    bool pooled;
    bool settles;              ///< the option `settle` is on
    bool looks;                ///< `look`
    bool damages;              ///< `damage`
    bool exams;                ///< `exam`
    uint32_t exam;             ///< the next one's number
    bool tried;                ///< what is tried once beside an episode has been
    uint32_t trial;            ///< the number of the trial, drawn from the geometry
    uint64_t seed;             ///< of the clocks, drawn from the geometry
    bool large;                ///< a geometry for what takes longer
    unsigned requests;         ///< under it
    unsigned goals;            ///< compactions with a goal so far
    jeff_handle worn;          ///< of a slot that was used up
    struct steve_jeff_own own; ///< of `jeff-callbacks`
    bool meddles;              ///< `jeff-callbacks` itself
    jeff_handle to_settle;
    bool asked_again;    ///< low_memory has had its one more try in this request
    uint64_t checks;     ///< so far
    bool may_be_halfway; ///< a compaction has paused since the last one that went to the end
    bool purges;         ///< some block is purgeable, or was: it may have no memory
    bool last_resort;    ///< compacts before it refuses
    bool scrambles;      ///< moves everything at each request
    size_t locks;        ///< of all blocks together
    size_t stranded;     ///< at most, below blocks that are aligned: their alignments, with those of the freed ones
    const char *damage;  ///< what a callback or a dry run saw that must not be; told by `check`
    struct steve_jeff_pages pages;
};

static inline struct jeff_stats stats_of(const struct instance *instance)
{
    struct jeff_stats stats;
    jeff_stats(instance->heap, &stats);
    return stats;
}

/// What a callback, a probe or an audit found is told by the next `check`.
static inline void note(struct instance *instance, const char *wrong)
{
    if (wrong != NULL) {
        instance->damage = wrong;
    }
}

/* Opening: `options` and `open` of struct steve_driver, for each driver. jeff-align8 and jeff-scramble have the options of `jeff`. */

extern const char *const steve_jeff_region_options[];
extern const char *const steve_jeff_mapped_options[];
extern const char *const steve_jeff_callbacks_options[];

void *steve_jeff_open_region(const struct steve_geometry *geometry, const char **why);
void *steve_jeff_open_align8(const struct steve_geometry *geometry, const char **why);
void *steve_jeff_open_scramble(const struct steve_geometry *geometry, const char **why);
void *steve_jeff_open_callbacks(const struct steve_geometry *geometry, const char **why);
void *steve_jeff_open_mapped(const struct steve_geometry *geometry, const char **why);
void steve_jeff_close(void *heap);

/* Compaction: `now`, `compact` and `compact_goal` of struct steve_driver. */

/// @return virtual nanoseconds: what the heap has moved and visited so far. O(1)
uint64_t steve_jeff_now(void *heap);
bool steve_jeff_compact(void *heap, uint64_t budget_ns);
bool steve_jeff_compact_goal(void *heap, size_t wanted);

/// What is held against heaps beside the one under test: a trial, and under `exam` corners, clocks and exams. At an episode's end, when nothing
/// lives any more: what ops show has been shown by then. It depends on the geometry and on how many checks there were, so that no op is
/// needed to show again what is found.
/// @return what is wrong, in static memory; NULL if nothing is
const char *steve_jeff_look_beside(struct instance *instance);

#endif
