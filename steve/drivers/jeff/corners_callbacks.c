/// Corners of what callbacks do while a compaction or a request is at work: they free, lock and compact what it has just planned with.
#include "steve/drivers/jeff/probe_internal.h"

#include "steve/drivers/jeff/layout_internal.h"

#define GRANULE LAYOUT_GRANULE

static jeff_handle freed;

static void free_one(struct layout *l, jeff_handle handle)
{
    (void)handle;
    if (freed == JEFF_NULL && jeff_free(l->heap, l->handle[3]))
        freed = l->handle[3];
}

/// A block that is freed while another moves is gone for good: its handle is never given out again.
static const char *probe_freed_while_moving(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 5, 0},      {MOVABLE, 3, 0}, {PINNED, 1, 0},
                                                 {MOVABLE, 130, 0}, {MOVABLE, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    for (uint32_t i = 0; i < 4; i++) {
        // Its slot has been used before.
        jeff_free(l->heap, l->handle[3]);
        l->handle[3] = jeff_malloc(l->heap, steve_layout_bytes(pieces[3].granules));
    }
    freed = JEFF_NULL;
    l->moved = free_one;
    jeff_compact(l->heap, 0);
    l->moved = NULL;
    for (uint32_t i = 0; i < 4; i++)
        if (jeff_malloc(l->heap, steve_layout_bytes(pieces[3].granules)) == freed)
            return "a handle is given out that was another block's";
    return freed != JEFF_NULL && jeff_lock(l->heap, freed) == NULL
               ? NULL
               : "a block that was freed while another moved can be reached";
}

static bool says_busy;

static void compact_inside(struct layout *l, jeff_handle handle)
{
    jeff_free(l->heap, handle ^ 1); // there is no such block: the last status is that
    says_busy = jeff_last_status(l->heap) != JEFF_ERROR_BUSY && jeff_compact(l->heap, 0) == JEFF_STOP_BUSY &&
                jeff_last_status(l->heap) == JEFF_ERROR_BUSY;
}

static const char *probe_busy(struct layout *l)
{
    static const struct layout_piece pieces[] = {{FREE, 5, 0}, {MOVABLE, 3, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, false))
        return steve_layout_unmade;
    says_busy = false;
    l->moved = compact_inside;
    jeff_compact(l->heap, 0);
    l->moved = NULL;
    return says_busy ? NULL : "a compaction inside a callback is not refused for that reason";
}

/// What a callback frees in the window of a plan stays where it is, and nobody is told that it moves.
static bool told_of_none;

static void free_beside(struct layout *l, jeff_handle handle)
{
    told_of_none = told_of_none || jeff_usable_size(l->heap, handle) == 0;
    if (handle == l->handle[3])
        jeff_free(l->heap, l->handle[2]);
}

static const char *probe_freed_in_window(struct layout *l)
{
    static const struct layout_piece pieces[] = {{PINNED, 1, 0}, {FREE, 5, 0}, {MOVABLE, 30, 0}, {MOVABLE, 5, 0},
                                                 {PINNED, 1, 0}, {FREE, 5, 0}, {PINNED, 1, 0},   {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    told_of_none = false;
    l->moved = free_beside;
    const struct jeff_report report = steve_layout_reach(l, 10, 0);
    l->moved = NULL;
    return report.stop == JEFF_STOP_GOAL && report.moved_blocks == 1 && !told_of_none
               ? NULL
               : "a plan moves what was freed while it was carried out";
}

/// A large block was freed while others moved, and is free memory like any other for a plan.
static void free_large(struct layout *l, jeff_handle handle)
{
    if (handle == l->handle[2])
        jeff_free(l->heap, l->handle[1]);
}

static const char *probe_plan_with_freed(struct layout *l)
{
    static const struct layout_piece pieces[] = {
        {FREE, 5, 0},     {MOVABLE, 130, 0}, {MOVABLE, 3, 0}, {PINNED, 1, 0}, {MOVABLE, 40, 0}, {MOVABLE, 40, 0},
        {MOVABLE, 40, 0}, {MOVABLE, 40, 0},  {PINNED, 1, 0},  {FREE, 40, 0},  {PINNED, 1, 0},   {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    l->moved = free_large;
    jeff_compact(l->heap, 0);
    l->moved = NULL;
    struct jeff_goal goal = {.wanted_bytes = steve_layout_bytes(160), .dry_run = true};
    struct jeff_report price;
    jeff_compact_goal(l->heap, &goal, &price);
    const struct jeff_report report = steve_layout_reach(l, 160, 0);
    return price.stop == JEFF_STOP_GOAL && report.stop == JEFF_STOP_GOAL && price.moved_blocks == report.moved_blocks &&
                   price.largest_after == report.largest_after
               ? NULL
               : "a plan does not use what was freed while others moved, or its price is another";
}

/// A block settles, and a lower place can be had where it was. Before that one is taken, a callback locks the block, or frees it.
enum { SETTLED = 8, IN_THE_WAY = 0 };
static unsigned told;
static unsigned lock_when, free_when;

static void lock_or_free(struct layout *l, jeff_handle handle)
{
    (void)handle;
    told++;
    if (told == lock_when)
        jeff_lock(l->heap, l->handle[SETTLED]);
    if (told == free_when)
        jeff_free(l->heap, l->handle[SETTLED]);
}

static const char *settle_twice(struct layout *l, unsigned locks, unsigned frees)
{
    static const struct layout_piece pieces[] = {{MOVABLE, 16, 0}, {PINNED, 1, 0}, {FREE, 14, 0},  {PINNED, 1, 0},
                                                 {FREE, 2, 0},     {PINNED, 1, 0}, {PINNED, 1, 0}, {FREE, 2, 0},
                                                 {MOVABLE, 14, 0}, {PINNED, 1, 0}, {END, 0, 0}};
    if (!steve_layout_make(l, pieces, true))
        return steve_layout_unmade;
    void *other = NULL;
    jeff_extent(l->heap, l->handle[IN_THE_WAY], &other);
    told = 0;
    lock_when = locks;
    free_when = frees;
    l->moved = lock_or_free;
    const bool settled = jeff_settle(l->heap, l->handle[SETTLED]);
    l->moved = NULL;
    void *own = NULL;
    jeff_extent(l->heap, l->handle[SETTLED], &own);
    if (frees != 0)
        return told == 1 ? NULL : "something moves for a block that was freed when it had moved";
    if (locks != 0)
        return settled && own != other && told == locks
                   ? NULL
                   : "a block moves that was locked, or is not settled although it has been";
    return settled && own == other && told == 3 ? NULL : "a block is not settled where it could be";
}

static const char *probe_settle_twice(struct layout *l)
{
    return settle_twice(l, 0, 0);
}

static const char *probe_settle_locked(struct layout *l)
{
    return settle_twice(l, 1, 0);
}

static const char *probe_settle_locked_later(struct layout *l)
{
    return settle_twice(l, 2, 0);
}

static const char *probe_settle_freed(struct layout *l)
{
    return settle_twice(l, 0, 1);
}

const char *steve_jeff_probe_callbacks(void)
{
    static const char *(*const probes[])(struct layout *) = {
        probe_freed_while_moving, probe_busy,          probe_freed_in_window,     probe_plan_with_freed,
        probe_settle_twice,       probe_settle_locked, probe_settle_locked_later, probe_settle_freed};
    return steve_layout_try(probes, sizeof probes / sizeof probes[0], true);
}
