/// Corners of heaps that live long: what blocks leave behind that were made and freed more often than any run has time for, or all
/// at once.
#include "steve/drivers/jeff/probe_internal.h"

#include "jeff_inline.h"
#include "lib/jeff/heap_internal.h"

#define GENERATION UINT64_C(0xffffffff) ///< in a handle; each life takes two
#define ENTRY      12u                  ///< bytes of a handle in the table

static _Alignas(64) char memory[8192];
static _Alignas(64) char much_memory[160 * 1024];

/// Gives a live block another generation, as if its slot had been used so much. @return its new handle
static jeff_handle with_generation(jeff_heap *heap, jeff_handle handle, uint32_t generation)
{
    uint32_t *const entry = jeff_inline_entry(heap, handle);
    jeff_inline_set_word(entry, (jeff_inline_word(entry) & ~GENERATION) | generation);
    return (handle & ~GENERATION) | generation;
}

static size_t table_of(const jeff_heap *heap)
{
    struct jeff_stats stats;
    jeff_stats(heap, &stats);
    return stats.table_bytes;
}

/// A heap that is compacted whenever it is empty uses up its generations no sooner than one that never is: two a life.
static const char *probe_idle(jeff_heap *heap)
{
    enum { LIVES = 64 };
    const jeff_handle first = jeff_malloc(heap, 40);
    jeff_handle last = first;
    for (unsigned i = 0; i < LIVES; i++) {
        jeff_free(heap, last);
        jeff_compact(heap, 0);
        last = jeff_malloc(heap, 40);
    }
    if (last >> 40 != first >> 40)
        return "a heap that was empty does not begin with the slot that it began with";
    return (uint32_t)last - (uint32_t)first == 2 * LIVES ? NULL
                                                         : "a compaction uses up generations that no block has had";
}

/// Where one block was made and freed over and over, its slot wears out, and no other: the table does not grow.
static const char *probe_used_much(jeff_heap *heap, uint32_t generation)
{
    enum { ROUNDS = 8, BLOCKS = 3 };
    const jeff_handle old = with_generation(heap, jeff_malloc(heap, 40), generation);
    jeff_handle block[BLOCKS];
    jeff_free(heap, old);
    jeff_compact(heap, 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < BLOCKS; i++)
            block[i] = jeff_malloc(heap, 40);
        for (unsigned i = 0; i < BLOCKS; i++)
            if (!jeff_free(heap, block[i]))
                return "a small block cannot be had, or not be freed, beside a slot that was used much";
        jeff_compact(heap, 0);
        if (jeff_lock(heap, old) != NULL)
            return "a slot begins anew with generations that it has had";
    }
    // What the blocks had, the slot that was used much, and the table's first entry, which no block has.
    return table_of(heap) <= (BLOCKS + 2) * ENTRY ? NULL : "a slot that was used much leaves no generations to others";
}

enum { ROWS = 200, ABOVE = 8, LARGE = 1000 };

/// A full heap in which each freed block that was merged has taken in some that lie above it, whose slots stay in a list.
/// @param last gets blocks of LARGE bytes that lie one above the other @return NULL if one was refused
static jeff_heap *open_merged(jeff_handle *last, unsigned count)
{
    static jeff_handle below[ROWS], above[ROWS][ABOVE];
    const struct jeff_config config = {.handle_salt = 1};
    jeff_heap *const heap = jeff_init(much_memory, sizeof much_memory, &config, NULL);
    bool made = true;
    for (unsigned row = 0; row < ROWS; row++) {
        below[row] = jeff_malloc(heap, 0);
        for (unsigned i = 0; i < ABOVE; i++) {
            above[row][i] = jeff_malloc(heap, 20);
            made = made && above[row][i] != JEFF_NULL;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        last[i] = jeff_malloc(heap, LARGE);
        made = made && last[i] != JEFF_NULL;
    }
    while (jeff_malloc(heap, LARGE) != JEFF_NULL || jeff_malloc(heap, 0) != JEFF_NULL) {
    }
    for (unsigned i = 0; i < ROWS * ABOVE; i++)
        jeff_free(heap, above[i / ABOVE][i % ABOVE]);
    for (unsigned row = 0; row < ROWS; row++)
        jeff_free(heap, below[row]);
    for (unsigned row = 0; row + 20 < ROWS; row++) // each as large as a row
        made = made && jeff_malloc(heap, 17 * 16 - 4) != JEFF_NULL;
    return made ? heap : NULL;
}

static const char not_merged[] = "a block is refused that there is room for where others were merged away";

/// No call may clear up all of it at once.
static const char *probe_merged_away(void)
{
    enum { MOST = ROWS * ABOVE / 2 };
    jeff_heap *const heap = open_merged(NULL, 0);
    if (heap == NULL)
        return not_merged;
    const uint32_t had = heap->dead_count;
    bool made = had > MOST && jeff_malloc(heap, 20) != JEFF_NULL;
    const bool few = had - heap->dead_count < MOST;
    for (unsigned i = 0; i < 40 && heap->dead_count != 0; i++)
        made = made && jeff_malloc(heap, 20) != JEFF_NULL;
    const bool sound = made && heap->dead_count == 0 && jeff_check(heap, NULL) == JEFF_OK;
    jeff_destroy(heap);
    if (!sound)
        return "slots of blocks that were merged away are lost, or a block is refused that there is room for";
    return few ? NULL : "one request clears up what all blocks have left behind that were merged away";
}

/// What was refused before is not refused again because there is still so much to be cleared up that no call comes to what was freed since.
static const char *probe_behind_merged(void)
{
    enum { BLOCKS = 40, WANTED = BLOCKS * LARGE };
    static jeff_handle last[BLOCKS];
    jeff_heap *const heap = open_merged(last, BLOCKS);
    if (heap == NULL)
        return not_merged;
    const bool refused = jeff_malloc(heap, WANTED) == JEFF_NULL;
    const bool left = heap->dead_count > 600;
    for (unsigned i = 0; i < BLOCKS; i++)
        jeff_free(heap, last[i]);
    const bool served = jeff_malloc(heap, WANTED) != JEFF_NULL;
    const bool sound = jeff_check(heap, NULL) == JEFF_OK;
    jeff_destroy(heap);
    return refused && left && served && sound ? NULL
                                              : "a request that was refused is refused again although memory came free";
}

const char *steve_jeff_probe_lives(void)
{
    static const uint32_t used[] = {0, UINT32_MAX, UINT32_MAX - 2, UINT32_MAX - 64, 3u << 30 | 1, (3u << 30) - 1};
    const struct jeff_config config = {.handle_salt = 1};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof used / sizeof used[0] && wrong == NULL; i++) {
        jeff_heap *const heap = jeff_init(memory, sizeof memory, &config, NULL);
        wrong = used[i] == 0 ? probe_idle(heap) : probe_used_much(heap, used[i]);
        if (wrong == NULL && jeff_check(heap, NULL) != JEFF_OK)
            wrong = "a heap that has lived long is not sound";
        jeff_destroy(heap);
    }
    if (wrong == NULL)
        wrong = probe_merged_away();
    return wrong == NULL ? probe_behind_merged() : wrong;
}
