/// How a heap is laid out, and the small functions that read and write that layout. Every other file of Jeff builds on this one.
///
///     h                 first            top                      table_low                          end
///     | control | bins  | block | hole | block |  free memory ... | entry n | ... | entry 1 | entry 0 |
///                         -> blocks grow upwards                  <- the handle table grows downwards
///
/// Memory is counted in granules of 16 bytes from `h`. A block that starts at granule b has its 4-byte header right *before*
/// 16 b, so that the payload is aligned; it ends 4 bytes before 16 (b + size).
///
///     small block  [header]                     [payload ... 16 size - 4 bytes]
///     wide block   [header][size|alignment|-|-] [payload ... 16 (size - 1) - 4 bytes]     from 127 granules on, or aligned
///     hole         [header][next|previous|size| ... |own start]                           free memory that belongs to no slot
///
///     header       slot (24 bits) . "a hole lies right below me" (1) . class (7): granules of a small block, 127 wide, 0 hole;
///                  in a hole the 24 bits are its size, 0 if it needs more
///
/// A block names its slot, and the slot's entry in the handle table says where the block lies. A freed small block stays
/// attached to its slot, with the *slot* in the bin of its class (a "cached" block): malloc and free touch the entry alone.
///
///     entry   off  granule of the payload; 0: no block; purged: log2 of its alignment in granules, always below `first`
///             gen  generation, odd while live
///             cw   live: locks (16) . flags (8) . class at birth (8)        free: next slot in its list (24) . class (8)
///     handle  slot (24) . class at birth (8) . generation (32)
///
/// Generation and cw are read and written as one word of 64 bits where it counts: its lower 40 bits are then those of the handle. The
/// word of a block that may be freed at once, neither locked nor flagged, is the handle without its slot; no free entry has such
/// a word, as slot 0 is never given out and no link in a list is 0.
///
/// Nothing is unlinked from the middle of a bin: when a cached block is merged into a hole its entry stays behind with off 0,
/// and whoever pops it moves it to the list of bare entries.
///
/// Slots count down from SLOT_END - 1, as the table grows down: an entry's address is then a fixed bias plus 12 * slot.
#ifndef JEFF_HEAP_INTERNAL_H
#define JEFF_HEAP_INTERNAL_H

#include "jeff.h"

#if __STDC_HOSTED__
#include <assert.h>
#include <string.h>
#else
// A freestanding target has neither header. These three functions are all that it must bring along: compilers ask for them too.
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
#define assert(condition) ((void)0)
#define static_assert _Static_assert
#endif

#include "sanitize_internal.h"

/// Whether pages_posix.c has hooks for this target.
#if __STDC_HOSTED__ && (defined(__unix__) || defined(__APPLE__))
#define HAS_POSIX 1
#else
#define HAS_POSIX 0
#endif

#define GRANULE      16u
#define HEADER       4u
#define SLOT_END     ((uint32_t)1 << 24)
#define SLOT_MASK    (SLOT_END - 1)
#define NIL          (SLOT_END - 1) ///< the first entry: never live, off 0, ends every list
#define CLASS_WIDE   127u
#define CLASS_MAX    126u ///< largest class of a small block
#define FREE_BELOW   ((uint32_t)1 << 24)
#define CLASS_SHIFT  25u
#define HOLE_BINS    124u
#define FETCH_FROM   (256u * 1024 / GRANULE) ///< a walk over less than that finds it in the second cache, if anything is in one
#define BIN_DEFERRED 0u ///< bin of the wide blocks freed inside a callback, which may not be merged yet

#define CW_CLASS     ((uint32_t)0xff) ///< at birth; of a free entry, that of its block
#define CW_PURGEABLE ((uint32_t)1 << 8)
#define CW_PURGED    ((uint32_t)1 << 9)
#define CW_MAPPED    ((uint32_t)1 << 10) ///< the block is a proxy: its payload has pages of its own
#define CW_RESIZED   ((uint32_t)1 << 11) ///< the class at birth no longer tells the size
#define CW_WIDE      ((uint32_t)1 << 12) ///< the block is a wide one now
#define CW_UNBINNED  ((uint32_t)1 << 13) ///< the class at birth has no bin in this heap
/// A part of it was copied to where it will move: whoever may write to it clears this.
#define CW_HALFWAY ((uint32_t)1 << 14)
/// While a price is worked out and nothing is halfway: a plan moves the block.
#define CW_PLANNED  CW_HALFWAY
#define CW_SHOWN    ((uint32_t)SANITIZED << 15) ///< weakly locked since `compactions` changed; 0 in ordinary builds
#define CW_LOCK     16u                         ///< shift of the locks
#define CW_NEXT     8u                          ///< shift of the link in a free entry
#define HANDLE_SLOT 40u                         ///< shift of the slot in a handle
#define TALLY_MASK  0x1feu                      ///< a slot's every 256th free counts what is cached
#define GEN_WORN    0xc0000000u                 ///< a slot of a higher generation stays in the table
#define NO_REFUSAL  UINT32_MAX

#if SIZE_MAX > UINT32_MAX
#define HEAP_LIMIT ((uint64_t)GRANULE << 32) ///< granules are counted in 32 bits
#else
#define HEAP_LIMIT ((uint64_t)SIZE_MAX / 2 + 1) ///< no distance in a heap is beyond ptrdiff_t
#endif

#define HEAP_MOST (HEAP_LIMIT - GRANULE) ///< what is beyond it of a region is not used

#define ALIGNMENT_MOST 65536u ///< bytes of the largest alignment that a block may have

#if defined(__GNUC__)
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define PREFETCH(p) __builtin_prefetch(p)
#define COLD        __attribute__((noinline, cold))
#ifdef __OPTIMIZE_SIZE__
#define FLATTENED
#else
#define FLATTENED inline __attribute__((always_inline))
#endif
#else
#define LIKELY(x)   (x)
#define UNLIKELY(x) (x)
#define PREFETCH(p) ((void)(p))
#define COLD
#define FLATTENED inline
#endif

struct entry {
    uint32_t off;
    uint32_t gen;
    uint32_t cw;
};
static_assert(sizeof(struct entry) == 12, "an entry is 12 bytes: part of the 16 bytes a block that the heap promises");
static_assert(offsetof(struct entry, cw) == offsetof(struct entry, gen) + 4,
              "gen and cw are one word: see entry_word()");

/// Cached blocks of one class.
struct bin {
    uint32_t slot;  ///< the first of the list; NIL: none
    uint32_t count; ///< blocks in it; entries whose block was merged away are not counted
};

/// What only a heap with pages of its own needs. It lies right behind the control block.
struct page_state {
    struct jeff_page_hooks hooks;
    size_t reserved;     ///< bytes of address space
    size_t commit_low;   ///< bytes committed from h upwards
    size_t commit_table; ///< offset of the lowest committed byte of the handle table
    size_t own_mapping;  ///< blocks of this many bytes get pages of their own
    uint32_t proxies;    ///< slot of the first of them; NIL: none
    size_t mapped_blocks;
    size_t mapped_bytes;
};

struct jeff_heap {
    // These three come first for jeff_inline.h.
    uintptr_t table_bias; ///< address of entry 0, which as a rule is not there
    uint32_t slot_low;    ///< lowest slot that the table has
    uint32_t refused;     ///< granules of the smallest request refused since memory last came free; NO_REFUSAL

    size_t small_limit;    ///< requests below it have a bin; 0 while a callback runs, so that all take the slow path
    uint32_t tally_mask;   ///< a free counts what is cached if the new generation has none of these bits
    uint32_t cached_limit; ///< granules that may be cached before free starts to merge them
    uint32_t deferred;     ///< granules of the blocks in BIN_DEFERRED
    uint32_t binned;       ///< largest class that has a bin

    uint32_t first;  ///< start of the lowest block
    uint32_t top;    ///< end of the highest
    uint32_t cursor; ///< where a paused compaction goes on; 0: at the start
    uint32_t bare;   ///< list of entries without a block
    uint32_t bare_count;
    uint32_t dead_count;    ///< entries in bins whose block was merged away
    uint32_t retired_count; ///< slots whose generations are used up
    uint32_t gen_floor;     ///< generation that new slots start from, each some way apart: dropped ones were not beyond
    uint32_t drain_bin;     ///< where draining goes on
    uint32_t hole_granules;
    uint32_t halfway_hole;            ///< hole that the block above it is being copied into; it is in no bin. 0: none
    uint32_t halfway_slot;            ///< of that block
    uint32_t halfway_done;            ///< granules of it that were copied
    uint32_t reached;                 ///< granules of the largest run that can be had; known only while `refused` is
    _Alignas(8) uint64_t hole_map[2]; ///< bit i: hole bin i is not empty
    uint32_t hole_bins;               ///< number of hole bins: as many as the heap can need

    uint8_t busy; ///< of enum busy
    uint8_t no_last_resort;
    uint8_t scramble;
    uint8_t begin_skip;       ///< bytes of the region before h
    uint8_t last_status;      ///< of enum jeff_status
    uint8_t shared;           ///< locks are counted at gates: see gate_internal.h
    uint16_t pace_ps;         ///< what a unit of a pass's work took lately, by the heap's clock
    uint16_t closing_ns;      ///< and what followed the look at the clock that ended a call
    uint8_t weakly_shown;     ///< some entry may have CW_SHOWN
    uint8_t exact_classes;    ///< so many mallocs with an empty bin to come get a block of their own class only
    size_t end;               ///< bytes from h to the end of the table
    size_t region_bytes;      ///< as the client gave it, but for what is not used
    struct page_state *pages; ///< NULL for a heap in client memory

    uint64_t (*now_ns)(void *context);
    void (*moved)(void *context, jeff_handle handle, void *from, void *to, size_t bytes);
    bool (*low_memory)(void *context, size_t bytes);
    void *context;

    _Alignas(8) uint64_t compactions;
    uint64_t moved_blocks;
    uint64_t moved_bytes;
    uint64_t visited_blocks;
    uint64_t refusals;

    struct bin bin[]; ///< binned + 1 of them, then hole_bins heads of bins of holes
};

enum busy { NOT_BUSY, BUSY_MOVING, BUSY_LOW_MEMORY, BUSY_DESTROYED };

/// What a request comes down to.
struct request {
    size_t bytes;
    uint32_t granules;  ///< of the whole block
    uint32_t alignment; ///< in granules, a power of two; 1: none beyond the granule
    bool wide;
    uint32_t kept; ///< slot of the block that it is to be room for, whose contents are not dropped for it; 0: a new one
};

/* Entries and handles */

static inline struct entry *entry_at(const struct jeff_heap *h, uint32_t slot)
{
    // Three words an entry rather than twelve bytes: x86 has an address mode for words.
    uint32_t *const words = (uint32_t *)h->table_bias; // NOLINT(performance-no-int-to-ptr)
    return (struct entry *)(void *)(words + (size_t)slot * 3);
}

static inline bool is_live(const struct entry *e)
{
    return e->gen & 1;
}

/// Of an entry that the header of a block names: the block was freed, and is kept whole.
static inline bool is_cached(const struct entry *e)
{
    return !is_live(e);
}

static inline uint32_t locks_of(const struct entry *e)
{
    return e->cw >> CW_LOCK;
}

/// The next slot in the list that a free entry is in.
static inline uint32_t next_of(const struct entry *e)
{
    return e->cw >> CW_NEXT;
}

/// cw . gen
static inline uint64_t entry_word(const struct entry *e)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, (const char *)e + offsetof(struct entry, gen), sizeof word);
    return word;
#else
    return (uint64_t)e->cw << 32 | e->gen;
#endif
}

static inline void set_entry_word(struct entry *e, uint64_t word)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy((char *)e + offsetof(struct entry, gen), &word, sizeof word);
#else
    e->gen = (uint32_t)word;
    e->cw = (uint32_t)(word >> 32);
#endif
}

static inline uint32_t slot_of(jeff_handle handle)
{
    return (uint32_t)(handle >> HANDLE_SLOT);
}

/// A handle without its slot: class and generation.
static inline uint64_t life_of(jeff_handle handle)
{
    return handle << (64 - HANDLE_SLOT) >> (64 - HANDLE_SLOT);
}

static inline jeff_handle make_handle(uint32_t slot, uint64_t life)
{
    return (uint64_t)slot << HANDLE_SLOT | life;
}

static inline jeff_handle handle_of_slot(const struct jeff_heap *h, uint32_t slot)
{
    return make_handle(slot, life_of(entry_word(entry_at(h, slot))));
}

/// Whether the word is that of a live entry of this class and generation: all bits of the handle must be right. Live generations are odd.
static inline bool is_life(uint64_t word, jeff_handle handle)
{
    return life_of(word ^ handle) == 0 && (handle & 1) != 0;
}

/// The live entry that a handle names, or NULL.
static inline struct entry *live_entry(const struct jeff_heap *h, jeff_handle handle)
{
    const uint32_t slot = slot_of(handle);
    if (UNLIKELY(slot < h->slot_low))
        return NULL;
    struct entry *e = entry_at(h, slot);
    return LIKELY(is_life(entry_word(e), handle)) ? e : NULL;
}

/// The start of the block of a live entry that has one.
static inline uint32_t start_of(const struct entry *e)
{
    return e->off - ((e->cw & CW_WIDE) != 0);
}

/* Words in the heap's memory. Clients write there with other types, hence memcpy. */

static inline INLINED char *at(const struct jeff_heap *h, uint32_t granule)
{
    return (char *)(uintptr_t)h + (size_t)granule * GRANULE;
}

static inline UNCHECKED uint32_t load(const char *address)
{
    uint32_t word;
    UNCHECKED_BEGIN;
    memcpy(&word, address, sizeof word);
    UNCHECKED_END;
    return word;
}

static inline UNCHECKED void store(char *address, uint32_t word)
{
    UNCHECKED_BEGIN;
    memcpy(address, &word, sizeof word);
    UNCHECKED_END;
}

static inline UNCHECKED uint32_t header_of(const struct jeff_heap *h, uint32_t start)
{
    return load(at(h, start) - HEADER);
}

static inline UNCHECKED void set_header(struct jeff_heap *h, uint32_t start, uint32_t header)
{
    store(at(h, start) - HEADER, header);
}

static inline uint32_t make_header(uint32_t slot, uint32_t class)
{
    return slot | class << CLASS_SHIFT;
}

static inline INLINED uint32_t class_of(uint32_t header)
{
    return header >> CLASS_SHIFT;
}

static inline INLINED bool is_hole(uint32_t header)
{
    return class_of(header) == 0;
}

static inline UNCHECKED void set_free_below(struct jeff_heap *h, uint32_t start)
{
    set_header(h, start, header_of(h, start) | FREE_BELOW);
}

static inline UNCHECKED void clear_free_below(struct jeff_heap *h, uint32_t start)
{
    set_header(h, start, header_of(h, start) & ~FREE_BELOW);
}

/// Granules of a block that is no hole.
static inline UNCHECKED uint32_t block_size(const struct jeff_heap *h, uint32_t start, uint32_t header)
{
    const uint32_t class = class_of(header);
    return LIKELY(class != CLASS_WIDE) ? class : load(at(h, start));
}

static inline UNCHECKED uint32_t hole_size(const struct jeff_heap *h, uint32_t start, uint32_t header)
{
    const uint32_t size = header & SLOT_MASK;
    return LIKELY(size != 0) ? size : load(at(h, start) + 8);
}

/// Granules of whatever starts there.
static inline UNCHECKED uint32_t size_at(const struct jeff_heap *h, uint32_t start)
{
    const uint32_t header = header_of(h, start);
    return is_hole(header) ? hole_size(h, start, header) : block_size(h, start, header);
}

/// Where the hole that ends right below `start` begins; `start` must be marked FREE_BELOW.
static inline UNCHECKED uint32_t hole_below(const struct jeff_heap *h, uint32_t start)
{
    return load(at(h, start) - 2 * HEADER);
}

/// The alignment of a block in granules.
static inline uint32_t alignment_of(const struct jeff_heap *h, uint32_t start, uint32_t header)
{
    return class_of(header) == CLASS_WIDE ? load(at(h, start) + 4) : 1;
}

static inline void set_wide(struct jeff_heap *h, uint32_t start, uint32_t size, uint32_t alignment)
{
    store(at(h, start), size);
    store(at(h, start) + 4, alignment);
}

static inline size_t block_capacity(uint32_t size, bool wide)
{
    return (size_t)(size - wide) * GRANULE - HEADER;
}

/// Bytes of the largest block that fits in a free run.
static inline size_t run_capacity(uint32_t granules)
{
    return granules ? block_capacity(granules, granules > CLASS_MAX) : 0;
}

/// Offset of the lowest byte of the handle table.
static inline size_t table_low(const struct jeff_heap *h)
{
    return h->end - (size_t)(SLOT_END - h->slot_low) * sizeof(struct entry);
}

/// Granule that the last block must end at or below.
static inline uint32_t top_limit(const struct jeff_heap *h)
{
    size_t bytes = table_low(h);
    if (h->pages && h->pages->commit_low < bytes)
        bytes = h->pages->commit_low;
    return (uint32_t)((bytes + HEADER) / GRANULE);
}

/// Granules between the last block and where it must end.
static inline uint32_t top_free(const struct jeff_heap *h)
{
    assert(h->top <= top_limit(h));
    return top_limit(h) - h->top;
}

static inline uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/// Granules of a free run that holds the block wherever it begins.
static inline uint32_t run_needed(const struct request *request)
{
    const uint64_t run = (uint64_t)request->granules + request->alignment - 1;
    return run < UINT32_MAX ? (uint32_t)run : UINT32_MAX;
}

static inline uint32_t *hole_heads(struct jeff_heap *h)
{
    return (uint32_t *)(void *)(h->bin + h->binned + 1);
}

static inline void memory_came_free(struct jeff_heap *h)
{
    h->refused = NO_REFUSAL;
}

static inline bool fail(struct jeff_heap *h, enum jeff_status status)
{
    h->last_status = (uint8_t)status;
    return false;
}

/* hole.c */

/// Makes [start, start + size) a hole: writes it, links it, marks what lies above. Neighbours are not looked at; the run must end below top.
void hole_make(struct jeff_heap *h, uint32_t start, uint32_t size);
void hole_unlink(struct jeff_heap *h, uint32_t start, uint32_t size);
/// Takes all holes out of their bins, for a pass that turns each of them into something else. O(bins)
void holes_forget(struct jeff_heap *h);
/// Gives a run back: merges it with the holes and some cached blocks around it, or with top. `below`: a hole ends right below it.
void run_free(struct jeff_heap *h, uint32_t start, uint32_t size, bool below);
/// Takes a block out of a hole. `thorough`: looks at every hole that could do, not at a few. @return its start, 0 if there is none
uint32_t hole_take(struct jeff_heap *h, const struct request *request, bool thorough);
/// Takes a block from top, growing a mapped heap if allowed.
uint32_t top_take(struct jeff_heap *h, const struct request *request, bool grow);
/// The lowest start at or above `from` at which the payload of such a block is aligned.
uint32_t aligned_start(const struct jeff_heap *h, uint32_t from, uint32_t alignment, bool wide);
/// Granules of the largest free run, top included. `most`: looks at so many holes of the largest bin; what is left out is at most a
/// quarter larger. O(holes of the largest bin)
uint32_t largest_run_among(struct jeff_heap *h, unsigned most);
static inline uint32_t largest_run(struct jeff_heap *h)
{
    return largest_run_among(h, (unsigned)-1);
}
unsigned hole_bin_of(uint32_t size);
/* A map of bins: bit i of its 128 is set if something is in bin i. */

static inline void bin_fill(uint64_t map[2], unsigned bin)
{
    map[bin / 64] |= (uint64_t)1 << bin % 64;
}
static inline void bin_clear(uint64_t map[2], unsigned bin)
{
    map[bin / 64] &= ~((uint64_t)1 << bin % 64);
}
/// The first bin from one on, or the last of all, that is not empty; HOLE_BINS, or 0: none.
unsigned bin_from(const uint64_t map[2], unsigned bin);
unsigned bin_last(const uint64_t map[2]);
/// The next hole in the same bin; 0: none.
uint32_t hole_next(const struct jeff_heap *h, uint32_t start);
/// Takes a hole out of its bin, so that nobody allocates from it while a block is copied into it, or puts it back.
void hole_reserve(struct jeff_heap *h, uint32_t start);
void hole_release(struct jeff_heap *h);
/// Nobody is to go on with a block that is halfway.
static inline void halfway_end(struct jeff_heap *h)
{
    if (h->halfway_hole)
        hole_release(h);
}
/// A run became part of something larger, or of nothing: a paused compaction must not go on in its middle.
static inline void mend_cursor(struct jeff_heap *h, uint32_t start, uint32_t end)
{
    if (h->cursor > start && h->cursor < end)
        h->cursor = start;
}

/* table.c */

/// Makes sure that a bare entry is there. @return false if the table cannot grow
bool entry_ensure(struct jeff_heap *h);
/// Whether there could be a bare entry if only there were memory: not all slots that there may be are in use. O(bins)
bool entry_possible(const struct jeff_heap *h);
/// Takes the bare entry that entry_ensure() promised.
uint32_t entry_take(struct jeff_heap *h);
void entry_to_bare(struct jeff_heap *h, uint32_t slot);
/// Ends the life of an entry whose block is gone: bare, or retired when its generations are used up.
void entry_release(struct jeff_heap *h, uint32_t slot);
/// A cached block was merged away: its entry stays in its bin without it.
void entry_bury(struct jeff_heap *h, struct entry *e, uint32_t size);
/// Cached blocks in all. O(bins)
/// No block is cached any more: a pass has merged them all without burying each. table_tidy() must follow.
void cached_forget(struct jeff_heap *h);
uint32_t cached_count(const struct jeff_heap *h);
/// Their granules. O(bins)
uint32_t cached_granules(const struct jeff_heap *h);
/// The bin of cached blocks of a class.
static inline struct bin *bin_of(struct jeff_heap *h, uint32_t class)
{
    return &h->bin[class <= h->binned ? class : BIN_DEFERRED];
}
/// The lowest slot that table_tidy() leaves. O(slots below it)
uint32_t slot_kept(const struct jeff_heap *h);
/// With nothing cached: empties the bins, drops the slots at the table's low end, orders the bare list. O(entries)
void table_tidy(struct jeff_heap *h);
/// Granules that blocks would have more if the table dropped the slots at its low end. O(those slots)
uint32_t table_spare(const struct jeff_heap *h);

/// Makes the next mallocs with an empty bin, so many at least, do without a cached block of the next class.
static inline void exact_classes_for(struct jeff_heap *h, uint8_t mallocs)
{
    if (h->exact_classes < mallocs)
        h->exact_classes = mallocs;
}

/* malloc.c */

/// Whether a client may ask for an alignment of so many bytes.
static inline bool alignment_usable(size_t alignment)
{
    return alignment != 0 && (alignment & (alignment - 1)) == 0 && alignment <= ALIGNMENT_MOST;
}

/// What a request comes down to. @return false if no heap can serve it
bool request_make(size_t bytes, size_t alignment, struct request *request);
/// Finds room for a block, by every means up to compaction and the callback. Blocks may have moved. @return its start, 0 if refused
uint32_t room_find(struct jeff_heap *h, const struct request *request, bool needs_entry);
/// Asks the client for memory, before a request for so many bytes is refused. @return true if it asks for one more try
bool ask_client(struct jeff_heap *h, size_t bytes);
/// Writes header and entry of a new block.
void block_attach(struct jeff_heap *h, uint32_t start, const struct request *request, uint32_t slot);
/// Merges up to `count` cached blocks with their neighbours. @return how many it came upon; 0: none is left
unsigned drain(struct jeff_heap *h, unsigned count);

/* nudge.c */

/// Moves a few blocks so that a hole becomes large enough for a request. @return false if that cannot be
/// had for little
bool nudge(struct jeff_heap *h, const struct request *request);

/* compact.c, goal.c; plan_internal.h has the rest */

struct pass {
    uint64_t deadline_ns; ///< 0: no limit
    uint64_t budget_ns;
    uint64_t read_ns;             ///< when the clock was last read
    uint64_t work;                ///< work done since then: bytes moved, and 16 for a block visited
    uint64_t due;                 ///< the clock is read again when that much work is done
    uint64_t pace_ps;             ///< what a unit of it lately took
    const struct request *wanted; ///< stop when it fits; NULL: go to the end
    bool stay;                    ///< move nothing, merge only
    bool keep_ends;               ///< leave the handle table and the committed pages as they are
    bool moved_any;
    size_t moved_blocks, moved_bytes, left_blocks;
};

/// One pass over the heap, from the cursor if `resume`, else from the start.
enum jeff_stop pass_run(struct jeff_heap *h, struct pass *pass, bool resume);
/// Makes the wanted run, or the largest that can be had, by emptying a stretch between locked blocks.
enum jeff_stop evacuate(struct jeff_heap *h, struct pass *pass);
/// jeff_compact_goal() without a budget, for pass->wanted. @param dry tell the price alone
void goal_reach(struct jeff_heap *h, struct pass *pass, bool dry, struct jeff_report *report);
/// Moves every block that is not locked, and overwrites all free memory.
void scramble(struct jeff_heap *h);
/// While blocks move, callbacks find every way into the heap that needs room closed. @return what moving_end() needs
static inline size_t moving_begin(struct jeff_heap *h)
{
    const size_t small_limit = h->small_limit;
    h->busy = BUSY_MOVING;
    h->small_limit = 0;
    return small_limit;
}

static inline void moving_end(struct jeff_heap *h, size_t small_limit)
{
    h->small_limit = small_limit;
    h->busy = NOT_BUSY;
}

/// The same after a pass or a plan, which may have made room for what was refused.
static inline void compacting_end(struct jeff_heap *h, size_t small_limit)
{
    moving_end(h, small_limit);
    memory_came_free(h);
}

/// Whether a block can be moved within the budget at all.
bool pass_can_move(const struct pass *pass, uint32_t size);
/// Whether the time will be over before `work` more is done. Reads the clock every 16 KiB of work, and more often near the end.
bool pass_over(struct jeff_heap *h, struct pass *pass, uint64_t work);
/// Books the move of a block that now starts at `to`, and tells the client.
void pass_book_move(struct jeff_heap *h, struct pass *pass, uint32_t slot, uint32_t from, uint32_t to, uint32_t size);
uint64_t heap_now(struct jeff_heap *h);
uint64_t jeff_posix_now_ns(void *context);

/* heap.c */

/// What follows from the size of a heap alone.
struct geometry {
    size_t page_state; ///< offset of the page_state, where there is one
    size_t control;    ///< bytes of control block, bins and page_state
    uint32_t first;
    uint32_t binned;
    uint32_t hole_bins;
    size_t small_limit;
    uint32_t cached_limit;
};

struct geometry heap_geometry(size_t end, bool with_pages);
/// Writes control block, bins and table into `bytes` from `h` on, which are as many as they need.
void heap_lay_out(struct jeff_heap *h, size_t bytes, bool with_pages, const struct jeff_config *config);

/* pages.c, mapped.c */

/// As jeff_create(). @param blocks 0, or how many blocks at most a shared heap may have: room for their gates lies in front of it
/// @param before gets the bytes of that room, whole pages, of which the last is committed
jeff_heap *pages_create(size_t max_bytes, const struct jeff_config *config, uint32_t blocks, size_t *before,
                        enum jeff_status *status);
/// Address space, which begins with a page; NULL if the system refuses.
char *pages_reserve(const struct jeff_page_hooks *hooks, size_t bytes);
bool pages_grow(struct jeff_heap *h, uint32_t granules);
bool pages_grow_table(struct jeff_heap *h, size_t low);
void pages_trim(struct jeff_heap *h);
jeff_handle mapped_malloc(struct jeff_heap *h, size_t bytes, size_t alignment);
/// The slot of the next block with pages of its own, NIL at the end.
uint32_t mapped_next(const struct jeff_heap *h, uint32_t slot);
/// Whether what a block knows of its pages can be so, and `previous` is the slot before it in their list.
bool mapped_is_sound(const struct jeff_heap *h, const struct entry *e, uint32_t previous);
/// Gives back the pages of every block and of the heap itself.
void pages_destroy(struct jeff_heap *h);
/// Bytes of memory that the heap has from the system, blocks with pages of their own aside.
size_t pages_committed(const struct jeff_heap *h);
void *mapped_address(const struct jeff_heap *h, const struct entry *e);
size_t mapped_usable(const struct jeff_heap *h, const struct entry *e);
size_t mapped_extent(const struct jeff_heap *h, const struct entry *e, void **begin);
bool mapped_resize(struct jeff_heap *h, jeff_handle handle, size_t bytes);
/// Gives the pages back. The proxy is to be freed next: its entry still says that it has pages.
void mapped_release(struct jeff_heap *h, uint32_t slot);
/// The system's own pages. @return false where there are none
#if HAS_POSIX
bool jeff_posix_pages(struct jeff_page_hooks *hooks);
#else
static inline bool jeff_posix_pages(struct jeff_page_hooks *hooks)
{
    (void)hooks;
    return false;
}
#endif

#endif
