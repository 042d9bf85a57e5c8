/// The driver interface: how one allocator is presented to Steve. This header is all that a driver needs, in C or in C++.
///
/// A driver is one file that fills in one `struct steve_driver`. It gets into Steve in one of three ways, the same source
/// in all:
///
///     built in          steve_add_allocator_test(NAME mine SOURCES mine_driver.c ...)    after find_package(steve)
///     a shared object   cc -shared -fPIC -o mine.so mine_driver.c ...                    steve run --driver ./mine.so
///     not at all        steve run --driver malloc:/usr/lib/.../libjemalloc.so.2          for what has the interface of malloc
///
/// The first two need the name under which Steve finds it:
///
///     const struct steve_driver steve_exported_driver = {
///         .version = STEVE_DRIVER_VERSION,
///         .name = "mine",
///         .summary = "first fit in a fixed region",
///         .promises = STEVE_PROMISE_REGION,
///         .alignment = 16,
///         .heap_min = 1024,
///         .open = open_heap, .close = close_heap, .malloc = call_malloc, .free = call_free,
///     };
///
/// Version, name, summary, alignment and these four functions are what a driver must have; in all the rest zero means "not
/// promised" or "does not have it". Nothing is guessed: a function that is NULL is never called, an op that needs it is never
/// generated, an oracle that needs it is silent. What is stated is held against the allocator, and a promise that it breaks is
/// a finding. Statements that contradict each other are told when the driver is loaded, a line each, and nothing is run.
///
/// Steve calls the functions in a child process, from one thread unless STEVE_PROMISE_THREADS is promised and asked for; a
/// driver may crash or hang as it likes. Heaps are made one after the other, thousands in one process, and two at a time
/// where STEVE_PROMISE_REFUSES_MISUSE or _RELOCATABLE is promised; so a driver keeps no state outside the heap that `open`
/// returns. After a finding a heap is left without `close`. What a driver prints to stdout goes to stderr. Steve's own memory
/// comes from elsewhere than the allocator.
///
/// Stable: what is compiled against one STEVE_DRIVER_VERSION works with every Steve that has the same, and is refused by
/// others.
#ifndef STEVE_DRIVER_H
#define STEVE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Changes whenever a driver must be compiled anew: with any change to the structs and enums below.
#define STEVE_DRIVER_VERSION 3u

/// See steve_driver.check.
#define STEVE_BESIDE "beside this heap: "

/// What the allocator calls a block: a handle, or a pointer cast to this type. 0 means "none".
typedef uint64_t steve_ref;

/// What a driver promises beyond having a function. Or-ed together in steve_driver.promises. In brackets: the oracle that
/// is broken where it is not kept, and what else the promise needs.
enum steve_promise {
    /// The heap lives in the region that Steve gives, and nowhere else [bounds, guard]. Without it `open` gets no region:
    /// the allocator has memory of its own.
    STEVE_PROMISE_REGION = 1 << 0,
    /// A ref is a handle that never becomes live again once it is freed [handle; needs lock]. Without it a ref may be given
    /// again: a pointer, or a handle that is reused.
    STEVE_PROMISE_HANDLES = 1 << 1,
    /// Stale, foreign and made-up refs are refused and nothing changes [handle]. Without it Steve never misuses the
    /// allocator.
    STEVE_PROMISE_REFUSES_MISUSE = 1 << 2,
    /// Free of a locked block is refused [pin; needs lock]. Without it Steve never does that.
    STEVE_PROMISE_REFUSES_LOCKED = 1 << 3,
    /// Unlocked blocks may move, and `moves` then changes [pin; needs lock and moves]. Without it blocks stay where they
    /// are.
    STEVE_PROMISE_MOVES = 1 << 4,
    /// A locked block may be resized: where it lies, or refused [pin; needs resize and lock]. Without it Steve never does
    /// that.
    STEVE_PROMISE_RESIZE_IN_PLACE = 1 << 5,
    /// Refuses only if no free run has `run_needed` bytes [refusal; needs STEVE_PROMISE_REGION, extent, arena and
    /// run_needed].
    STEVE_PROMISE_EXACT_REFUSAL = 1 << 6,
    /// A full compaction leaves no free gap below a movable block [compacted, where there are STEVE_PROMISE_REGION,
    /// extent, arena and run_needed], and a second one moves nothing [idempotent]; needs STEVE_PROMISE_MOVES and compact.
    STEVE_PROMISE_COMPACTS_FULLY = 1 << 7,
    /// The same calls in a region at another base give the same offsets [metamorphic; needs STEVE_PROMISE_REGION,
    /// and an `alignment` of 65536 at most].
    STEVE_PROMISE_RELOCATABLE = 1 << 8,
    /// Locks are counted: a block is free to move after as many unlocks as locks [pin; needs lock]. Without it Steve
    /// locks a block once at a time.
    STEVE_PROMISE_LOCKS_NEST = 1 << 9,
    /// Less than the plain promise of `alignment`, as C has it for malloc(): a block of fewer bytes is aligned to the
    /// largest power of two that is no larger than its size, and what comes from `aligned` to what was asked for alone
    /// [align].
    STEVE_PROMISE_ALIGNS_BY_SIZE = 1 << 10,
    /// malloc, calloc, aligned, resize, free, lock, unlock, compact, compact_goal, moves and usable may be called from several
    /// threads at once, for different blocks of one heap. A block may be used and freed by any thread; threads come and go.
    /// Two calls for the same block are never made at once, and all other functions are called while no thread is in any.
    /// Without it there is one thread. [content, overlap, and whatever else breaks]
    STEVE_PROMISE_THREADS = 1 << 11,
};

/// What a request for 0 bytes gives.
enum steve_zero_size {
    STEVE_ZERO_EITHER,  ///< a block or a refusal: the client must be ready for both
    STEVE_ZERO_BLOCK,   ///< a live ref of its own, as any other [refusal: it was refused, and one byte is served; overlap]
    STEVE_ZERO_REFUSED, ///< 0, always [refusal]
};

/// What becomes of the block when `resize` gives 0.
enum steve_failed_resize {
    STEVE_FAILED_RESIZE_KEEPS, ///< it stays as it was, as after realloc() [refusal]
    STEVE_FAILED_RESIZE_FREES, ///< it is freed, as after reallocf()
};

/// How a heap is to be made.
struct steve_geometry {
    void *region;     ///< the memory to use; NULL for drivers without STEVE_PROMISE_REGION
    size_t bytes;     ///< size of the region; a limit to grow to where the driver maps its own memory
    uint8_t options;  ///< bit i set: steve_driver.options[i] is on
    uint32_t salt;    ///< tells heaps apart that are open at the same time
    unsigned threads; ///< how many will call at once; 0 or 1: one, always so without STEVE_PROMISE_THREADS
};

/// The part of the region in which blocks may lie now [bounds].
struct steve_arena {
    uintptr_t begin;
    uintptr_t end;
    size_t spare_handles; ///< blocks that can be made before the bookkeeping grows at the arena's end
    size_t handle_bytes;  ///< by how much it then grows a block; 0 if it never does
};

struct steve_extent {
    uintptr_t begin;
    size_t bytes; ///< header, payload and rounding
};

struct steve_stats {
    size_t live_blocks;
    size_t live_bytes; ///< in extents of live blocks; SIZE_MAX if the driver cannot tell
    size_t free_bytes; ///< all that is in the arena and not in extents; SIZE_MAX if the driver cannot tell
};

enum steve_lock_result {
    STEVE_LOCK_OK,
    STEVE_LOCK_REFUSED,
    STEVE_LOCK_PURGED, ///< the contents of a purgeable block were dropped
};

/// What one of the driver's options means for a client. Each may be NULL.
struct steve_option_snippet {
    const char *code;      ///< at file scope, after steve_snippets.code
    const char *setting;   ///< what stands for $options in steve_snippets.open
    const char *before_op; ///< statements before every op
};

/// C code of a client that uses the allocator by its own public API, for `repro.c`: a stand-alone program that shows a finding
/// without Steve. It is C11 (with _GNU_SOURCE), each piece as it stands in the program, lines ended. Placeholders in it:
///
///     $heap       the variable of heap_type              $handle     an expression of handle_type
///     $bytes $count $size $alignment   size_t            $ns         a budget in ns, uint64_t
///     $purgeable  true or false                          $bit        0..63
///     $begin      `void **` for the extent's first byte  $options    the settings of the options that are on
///     $region $salt  memory to use and steve_geometry.salt, in `open`
///     $file       the program's path, $flags compiler options, in the commands
///
/// What is NULL is not used: the program then skips the ops and checks that need it, as Steve does where a driver lacks a function.
struct steve_snippets {
    const char *compile;           ///< a shell command that compiles and runs it; ends in `-o repro && ./repro`
    const char *compile_where;     ///< a few words: from which folder
    const char *compile_installed; ///< the same where the allocator is installed

    const char *includes; ///< #include lines
    const char *code;     ///< definitions at file scope, after the heap variable
    const struct steve_option_snippet *options; ///< one for each of steve_driver.options

    const char *heap_type;   ///< of a heap; NULL: there is just one, which has no name
    const char *handle_type; ///< a scalar
    const char *no_handle;   ///< "none" of it
    const char *open;        ///< body of a function that has `region` and `bytes` and returns the heap, NULL if refused

    // Expressions. The first five give a handle, `no_handle` if refused.
    const char *malloc;  ///< $bytes
    const char *calloc;  ///< $count $size
    const char *aligned; ///< $alignment $bytes
    const char *resize;  ///< $handle $bytes
    const char *forge;   ///< $handle $bit: the handle with one bit of it flipped
    const char *free;    ///< $handle; true if done
    const char *lock;    ///< $handle; `void *`, NULL if refused
    const char *unlock;  ///< $handle; true if done
    const char *weak_lock;     ///< $handle; `void *`, NULL if refused
    const char *address;       ///< $handle; as weak_lock, for looking at blocks; never NULL here
    const char *was_purged;    ///< the last lock failed because the contents were dropped
    const char *set_purgeable; ///< $handle $purgeable; true if done
    const char *compact;       ///< true if nothing is left to do
    const char *moves;         ///< uint64_t
    const char *now;           ///< uint64_t, ns by a virtual clock that the heap is made to use
    const char *extent;        ///< $handle $begin; size_t
    const char *run_needed;    ///< $alignment $bytes; size_t
    const char *handle_bytes;  ///< size_t: what one more handle may take from the arena

    // Statements.
    const char *compact_within; ///< $ns
    const char *compact_for;    ///< body of a function that has `wanted` and returns true if a block of that size fits now
    const char *arena;          ///< set `begin` and `end` (uintptr_t) and `spare_handles` (size_t), as in struct steve_arena
    const char *statistics;     ///< set those of `live_blocks`, `live_bytes`, `free_bytes` (size_t) that are known
    const char *check;          ///< body of a function that returns NULL, or what is wrong in static memory
};

struct steve_driver {
    uint32_t version;    ///< STEVE_DRIVER_VERSION
    uint8_t wire_id;     ///< its number in byte files, for the drivers in Steve's own tree; 0 for all others
    const char *name;    ///< [a-z0-9-]+; a shared object goes by its path instead
    const char *summary; ///< one line for `steve drivers`
    uint32_t promises;   ///< of enum steve_promise

    size_t alignment;        ///< of every block, in bytes, a power of two
    size_t largest_aligned;  ///< largest alignment that `aligned` takes, a power of two; 0 without `aligned`
    size_t region_alignment; ///< of the base that `open` takes, a power of two, 65536 at most; 0: any
    size_t heap_min;         ///< least region in bytes with which `open` never fails
    size_t heap_max;         ///< what of a region is beyond is not used [bounds]; 0: no limit
    uint64_t budget_step_ns; ///< by how much a compaction may overrun its budget, by `now` [budget]
    const char *const *options; ///< names of up to 8 options, [a-z0-9-]+, NULL at the end; NULL: none. Bits beyond are ignored.
    enum steve_zero_size zero_size;
    enum steve_failed_resize failed_resize;

    /// Makes a heap. @return the heap, or NULL with `*why` set to a sentence in static memory
    void *(*open)(const struct steve_geometry *geometry, const char **why);
    /// Forgets it, whatever is live.
    void (*close)(void *heap);

    /// Each gives a new live ref, or 0 if refused. calloc's memory is zero [zero], and count * size may overflow: refused.
    /// aligned's alignment is a power of two up to largest_aligned.
    steve_ref (*malloc)(void *heap, size_t bytes);
    steve_ref (*calloc)(void *heap, size_t count, size_t size);
    steve_ref (*aligned)(void *heap, size_t alignment, size_t bytes);
    /// Contents stay up to the smaller size [content]. @return the new ref (the same for handles), or 0 if refused
    steve_ref (*resize)(void *heap, steve_ref ref, size_t bytes);
    /// @return false if refused, and then nothing changed
    bool (*free)(void *heap, steve_ref ref);

    /// Pins and gives the address. NULL function: blocks never move, and a ref is the address.
    enum steve_lock_result (*lock)(void *heap, steve_ref ref, void **address);
    bool (*unlock)(void *heap, steve_ref ref);
    /// As lock, without pinning: valid until `moves` changes.
    enum steve_lock_result (*weak_lock)(void *heap, steve_ref ref, void **address);
    bool (*set_purgeable)(void *heap, steve_ref ref, bool purgeable);

    /// Moves unlocked blocks together. @param budget_ns by `now`; 0: all of it. @return true if nothing is left to do, which is
    /// held against a full compaction alone [compacted]
    bool (*compact)(void *heap, uint64_t budget_ns);
    /// Compacts until a block of `wanted` bytes fits. @return true if it is there
    bool (*compact_goal)(void *heap, size_t wanted);
    /// A counter that changes whenever blocks may have moved or been purged.
    uint64_t (*moves)(void *heap);
    /// The heap's virtual clock, the one that budgets are judged by: it advances by bytes moved and blocks visited.
    uint64_t (*now)(void *heap);

    /// How many bytes of the block the client may use: no fewer than it asked for, and none that lie beyond its extent, or,
    /// where extents are not known, in the next block or behind the heap [account]. Now and then the last of them are written to.
    size_t (*usable)(void *heap, steve_ref ref);
    /// Where the block lies with all that belongs to it; extents do not overlap [overlap]. NULL: the payload alone is
    /// known.
    struct steve_extent (*extent)(void *heap, steve_ref ref);
    struct steve_arena (*arena)(void *heap);
    /// Bytes of a free run that serve such a request for certain. SIZE_MAX: no heap can. @param alignment 0: none asked for
    size_t (*run_needed)(void *heap, size_t alignment, size_t bytes);
    /// What the allocator knows about itself [account].
    void (*stats)(void *heap, struct steve_stats *stats);
    /// The allocator's own heap check. @return NULL if all is well, else what is wrong, in static memory [check]. A sentence that begins
    /// with STEVE_BESIDE is about something else than this heap: then a reproducer may do without what this heap went through
    const char *(*check)(void *heap);

    const struct steve_snippets *snippets; ///< NULL: no `repro.c` is made
};

/// What a driver outside Steve's tree defines: see the top. A shared object shows it, whatever -fvisibility says.
extern __attribute__((visibility("default"))) const struct steve_driver steve_exported_driver;

#ifdef __cplusplus
}
#endif

#endif
