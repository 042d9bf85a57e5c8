/// Heaps for several threads: making them, the functions of jeff.h under their mutex, and lock and unlock without it. What a
/// thread does at a gate, and what the one that has the mutex does there, is told in gate_internal.h.
#include "gate_internal.h"

#if HAS_SHARED

#define GATE_LIFE (((uint64_t)1 << HANDLE_SLOT) - 1) ///< class and generation, in a handle and in a gate

/// How often a thread looks at a claimed gate before it lets others run.
#define SPINS 64u
/// Bytes of a region for one block, unless the client says how many there may be.
#define REGION_PER_BLOCK 64u

/* Making */

static void *refuse(enum jeff_status *status, enum jeff_status why)
{
    if (status)
        *status = why;
    return NULL;
}

/// Writes the control block in front of a heap. @return false if there is no mutex to be had
static bool lay_out(struct jeff_heap *h, size_t before, uint32_t blocks, const struct jeff_mutex_hooks *mutex)
{
    struct jeff_shared *s = shared_of(h);
    memory_show(s, sizeof *s);
    memset(s, 0, sizeof *s);
    const size_t gates = (before - sizeof *s) / sizeof(uint64_t);
    s->before = before;
    s->table_bias = h->table_bias;
    s->slot_least = NIL - (uint32_t)(blocks < gates - 1 ? blocks : gates - 1);
    // One page of them is committed with the control block.
    atomic_init(&s->gates_low, gates_down_to(s, h->pages ? h->pages->hooks.page_bytes - sizeof *s : 0));
    atomic_init(&s->watched, 0);
    if (mutex)
        s->hooks = *mutex;
    else
        s->own_mutex = jeff_posix_mutex(&s->hooks, s->mutex);
    h->shared = SHARED_MARK;
    const bool has_first = gates_grow(h, NIL); // its room was reckoned with
    assert(has_first);
    (void)has_first;
    return mutex || s->own_mutex;
}

static bool mutex_usable(const struct jeff_mutex_hooks *mutex)
{
    return mutex ? mutex->lock && mutex->unlock && mutex->yield : HAS_POSIX;
}

/// @return blocks that there may be, 0 where a default is asked for
static uint32_t blocks_of(const struct jeff_shared_config *config)
{
    return config->max_blocks < NIL - 1 ? (uint32_t)config->max_blocks : NIL - 1; // slot 0 is never given out
}

jeff_shared *jeff_shared_init(void *region, size_t bytes, const struct jeff_shared_config *config,
                              enum jeff_status *status)
{
    const struct jeff_shared_config defaults = {0};
    config = config ? config : &defaults;
    if (!region || !mutex_usable(config->mutex))
        return refuse(status, JEFF_ERROR_ARGUMENT);
    // An alignment that there is not is refused by jeff_init().
    if ((uintptr_t)region % (config->heap.alignment == 8 ? 8 : GRANULE) != 0)
        return refuse(status, JEFF_ERROR_MISALIGNED);
    if (bytes > HEAP_MOST)
        bytes = (size_t)HEAP_MOST; // the gates count, too
    const size_t share = bytes / REGION_PER_BLOCK < NIL - 1 ? bytes / REGION_PER_BLOCK : NIL - 1;
    const uint32_t blocks = config->max_blocks ? blocks_of(config) : (uint32_t)share;
    size_t before = gates_before(blocks, bytes);
    before += (CACHE_LINE - ((uintptr_t)region + before) % CACHE_LINE) % CACHE_LINE;
    if (bytes < JEFF_HEAP_MIN || bytes - JEFF_HEAP_MIN < before)
        return refuse(status, JEFF_ERROR_TOO_SMALL);
    struct jeff_heap *h = jeff_init((char *)region + before, bytes - before, &config->heap, status);
    if (!h)
        return NULL;
    return lay_out(h, before, blocks, config->mutex) ? shared_of(h) : refuse(status, JEFF_ERROR_ARGUMENT);
}

jeff_shared *jeff_shared_create(size_t max_bytes, const struct jeff_shared_config *config, enum jeff_status *status)
{
    const struct jeff_shared_config defaults = {0};
    config = config ? config : &defaults;
    if (!mutex_usable(config->mutex))
        return refuse(status, JEFF_ERROR_ARGUMENT);
    const uint32_t blocks = config->max_blocks ? blocks_of(config) : NIL - 1;
    size_t before;
    struct jeff_heap *h = pages_create(max_bytes, &config->heap, blocks, &before, status);
    if (!h)
        return NULL;
    if (lay_out(h, before, blocks, config->mutex))
        return shared_of(h);
    jeff_shared_destroy(shared_of(h));
    return refuse(status, JEFF_ERROR_ARGUMENT);
}

void jeff_shared_destroy(jeff_shared *s)
{
    if (!s || heap_of(s)->busy == BUSY_MOVING || heap_of(s)->busy == BUSY_LOW_MEMORY)
        return;
    if (s->own_mutex)
        jeff_posix_mutex_end(s->mutex);
    jeff_destroy(heap_of(s));
}

/* The mutex */

static struct jeff_heap *enter(struct jeff_shared *s)
{
    s->hooks.lock(s->hooks.context);
    return heap_of(s);
}

static void leave(struct jeff_shared *s)
{
    s->hooks.unlock(s->hooks.context);
}

/// Leaves after a call that has succeeded or not. @return whether it has
static bool leave_with(struct jeff_shared *s, bool done, enum jeff_status *status)
{
    const enum jeff_status why = done ? JEFF_OK : (enum jeff_status)heap_of(s)->last_status;
    leave(s);
    if (status)
        *status = why;
    return done;
}

/* Gates, as every thread sees them */

/// The gate of a handle; NULL where no such block can be.
static _Atomic uint64_t *gate_of(const struct jeff_shared *s, jeff_handle handle)
{
    const uint32_t slot = slot_of(handle);
    const uint32_t low = atomic_load_explicit(&s->gates_low, memory_order_acquire);
    return LIKELY(slot >= low && (handle & 1) != 0) ? gate_at(s, slot) : NULL;
}

static bool is_of(uint64_t word, jeff_handle handle)
{
    return ((word ^ handle) & GATE_LIFE) == 0;
}

/// Where a block lies that is locked, and has no pages of its own.
static void *address_of(struct jeff_shared *s, jeff_handle handle)
{
    const uint32_t *const words = (const uint32_t *)s->table_bias; // NOLINT(performance-no-int-to-ptr)
    return at(heap_of(s), words[(size_t)slot_of(handle) * 3]);
}

/// Adds a lock to the gate of a block, by the thread that has the mutex: it is not claimed, and stays that block's.
static enum jeff_status add_lock(_Atomic uint64_t *gate)
{
    uint64_t word = atomic_load_explicit(gate, memory_order_relaxed);
    do {
        if (word + GATE_LOCK < GATE_LOCK)
            return JEFF_ERROR_LOCK_LIMIT;
    } while (!atomic_compare_exchange_weak_explicit(gate, &word, (word & ~GATE_HALFWAY) + GATE_LOCK,
                                                    memory_order_acquire, memory_order_relaxed));
    return JEFF_OK;
}

/// While one has the mutex, no gate is claimed by others, and nothing is purged or resized.
static COLD void *lock_under_mutex(struct jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
    struct jeff_heap *h = enter(s);
    _Atomic uint64_t *gate = gate_of(s, handle);
    const struct entry *e = entry_at(h, slot_of(handle));
    enum jeff_status why = JEFF_ERROR_HANDLE;
    if (gate && is_of(atomic_load(gate), handle))
        why = e->cw & CW_PURGED ? JEFF_ERROR_PURGED : add_lock(gate);
    void *address = NULL;
    if (why == JEFF_OK)
        address = show_locked(h, handle, e->cw & CW_MAPPED ? mapped_address(h, e) : at(h, e->off));
    leave(s);
    if (status)
        *status = why;
    return address;
}

/// Waits while a gate is claimed. @return its word
static uint64_t wait_at(const struct jeff_shared *s, _Atomic uint64_t *gate)
{
    uint64_t word = atomic_load_explicit(gate, memory_order_relaxed);
    for (unsigned looks = 1; word & GATE_CLAIMED; looks++) {
        // So that a block which moves in pieces is left to whom needs it.
        if (!(word & GATE_WANTED))
            (void)atomic_compare_exchange_weak_explicit(gate, &word, word | GATE_WANTED, memory_order_relaxed,
                                                        memory_order_relaxed);
        if (looks % SPINS == 0)
            s->hooks.yield(s->hooks.context);
        word = atomic_load_explicit(gate, memory_order_relaxed);
    }
    return word;
}

/// What the fast way could not do.
static COLD void *lock_slow(struct jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
    _Atomic uint64_t *gate = gate_of(s, handle);
    if (!gate)
        return refuse(status, JEFF_ERROR_HANDLE);
    for (;;) {
        uint64_t word = wait_at(s, gate);
        if (!is_of(word, handle))
            return refuse(status, JEFF_ERROR_HANDLE);
        if (word & GATE_AWAY)
            return lock_under_mutex(s, handle, status);
        const uint64_t locked = (word & ~GATE_HALFWAY) + GATE_LOCK;
        if (locked < GATE_LOCK)
            return refuse(status, JEFF_ERROR_LOCK_LIMIT);
        if (atomic_compare_exchange_weak_explicit(gate, &word, locked, memory_order_acquire, memory_order_relaxed))
            break;
    }
    if (status)
        *status = JEFF_OK;
    return address_of(s, handle);
}

void *jeff_shared_lock(jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
#if SANITIZED
    return lock_under_mutex(s, handle, status);
#endif
    _Atomic uint64_t *gate = gate_of(s, handle);
    if (UNLIKELY(!gate))
        return lock_slow(s, handle, status);
    uint64_t word = atomic_load_explicit(gate, memory_order_relaxed);
    const uint64_t locked = (word & ~GATE_HALFWAY) + GATE_LOCK;
    if (UNLIKELY(
            !is_of(word, handle) || word & (GATE_CLAIMED | GATE_AWAY) || locked < GATE_LOCK ||
            !atomic_compare_exchange_strong_explicit(gate, &word, locked, memory_order_acquire, memory_order_relaxed)))
        return lock_slow(s, handle, status);
    if (status)
        *status = JEFF_OK;
    return address_of(s, handle);
}

/// Takes a lock off a gate.
static inline enum jeff_status take_lock(struct jeff_shared *s, jeff_handle handle)
{
    _Atomic uint64_t *gate = gate_of(s, handle);
    if (UNLIKELY(!gate))
        return JEFF_ERROR_HANDLE;
    uint64_t word = atomic_load_explicit(gate, memory_order_relaxed);
    do {
        if (UNLIKELY(!is_of(word, handle)))
            return JEFF_ERROR_HANDLE;
        if (UNLIKELY(word < GATE_LOCK))
            return JEFF_ERROR_NOT_LOCKED;
        // In one order with the look at `watched` below: see gates_watch().
    } while (!atomic_compare_exchange_weak_explicit(gate, &word, word - GATE_LOCK, memory_order_seq_cst,
                                                    memory_order_relaxed));
    if (UNLIKELY(atomic_load(&s->watched)))
        atomic_store(&s->watched, 0);
    return JEFF_OK;
}

bool jeff_shared_unlock(jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
#if SANITIZED
    struct jeff_heap *h = enter(s);
#endif
    const enum jeff_status why = take_lock(s, handle);
#if SANITIZED
    if (why == JEFF_OK)
        hide_unlocked(h, handle);
    leave(s);
#endif
    if (status)
        *status = why;
    return why == JEFF_OK;
}

unsigned jeff_shared_lock_count(const jeff_shared *s, jeff_handle handle)
{
    const _Atomic uint64_t *gate = gate_of(s, handle);
    const uint64_t word = gate ? atomic_load_explicit(gate, memory_order_relaxed) : 0;
    return is_of(word, handle) ? (unsigned)(word / GATE_LOCK) : 0;
}

/* Gates, for who has the mutex */

/// Lets all threads to a block that is new, or has become another one. @param locks how often it is locked
static void open_gate(struct jeff_shared *s, jeff_handle handle)
{
    const struct entry *e = entry_at(heap_of(s), slot_of(handle));
    const uint64_t away = e->cw & (CW_MAPPED | CW_PURGED) ? GATE_AWAY : 0;
    atomic_store_explicit(gate_at(s, slot_of(handle)), (handle & GATE_LIFE) | away, memory_order_release);
}

/// Lets nobody in any more. @return false with the gate as it was: the handle is not live, or the block locked
static enum jeff_status close_gate(struct jeff_shared *s, jeff_handle handle)
{
    _Atomic uint64_t *gate = gate_of(s, handle);
    if (!gate)
        return JEFF_ERROR_HANDLE;
    uint64_t word = atomic_load_explicit(gate, memory_order_relaxed);
    do {
        if (!is_of(word, handle))
            return JEFF_ERROR_HANDLE;
        if (word >= GATE_LOCK)
            return JEFF_ERROR_LOCKED;
        // Acquires what the threads have written that have locked it: the block is now this one's.
    } while (!atomic_compare_exchange_weak_explicit(gate, &word, 0, memory_order_acquire, memory_order_relaxed));
    return JEFF_OK;
}

/// A block that was resized may be no purged one any more.
static void renew_gate(struct jeff_shared *s, jeff_handle handle)
{
    if (!(entry_at(heap_of(s), slot_of(handle))->cw & (CW_MAPPED | CW_PURGED)))
        atomic_fetch_and_explicit(gate_at(s, slot_of(handle)), ~GATE_AWAY, memory_order_release);
}

/// Leaves with a new block. @return its handle
static jeff_handle leave_with_block(struct jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
    if (LIKELY(handle != JEFF_NULL))
        open_gate(s, handle);
    leave_with(s, handle != JEFF_NULL, status);
    return handle;
}

jeff_handle jeff_shared_malloc(jeff_shared *s, size_t bytes, enum jeff_status *status)
{
    return leave_with_block(s, jeff_malloc(enter(s), bytes), status);
}

jeff_handle jeff_shared_calloc(jeff_shared *s, size_t count, size_t size, enum jeff_status *status)
{
    return leave_with_block(s, jeff_calloc(enter(s), count, size), status);
}

jeff_handle jeff_shared_aligned_alloc(jeff_shared *s, size_t alignment, size_t bytes, enum jeff_status *status)
{
    return leave_with_block(s, jeff_aligned_alloc(enter(s), alignment, bytes), status);
}

bool jeff_shared_resize(jeff_shared *s, jeff_handle handle, size_t bytes, enum jeff_status *status)
{
    const bool done = jeff_resize(enter(s), handle, bytes);
    if (done)
        renew_gate(s, handle);
    return leave_with(s, done, status);
}

static bool free_closed(struct jeff_heap *h, jeff_handle handle)
{
    struct entry *e = entry_at(h, slot_of(handle));
    e->cw &= ((uint32_t)1 << CW_LOCK) -
             1; // gates_note() may have written otherwise, for the plan that a callback is called from
    return jeff_free(h, handle);
}

bool jeff_shared_free(jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
    struct jeff_heap *h = enter(s);
    if (handle == JEFF_NULL)
        return leave_with(s, true, status);
    const enum jeff_status why = close_gate(s, handle);
    bool done = why == JEFF_OK;
    if (done) {
        done = free_closed(h, handle);
        if (!done)
            open_gate(s, handle);
    } else {
        fail(h, why);
    }
    return leave_with(s, done, status);
}

bool jeff_shared_set_purgeable(jeff_shared *s, jeff_handle handle, bool purgeable, enum jeff_status *status)
{
    return leave_with(s, jeff_set_purgeable(enter(s), handle, purgeable), status);
}

bool jeff_shared_settle(jeff_shared *s, jeff_handle handle, enum jeff_status *status)
{
    return leave_with(s, jeff_settle(enter(s), handle), status);
}

/* The rest of jeff.h */

enum jeff_stop jeff_shared_compact(jeff_shared *s, uint32_t max_ms)
{
    const enum jeff_stop stop = jeff_compact(enter(s), max_ms);
    leave(s);
    return stop;
}

enum jeff_stop jeff_shared_compact_goal(jeff_shared *s, const struct jeff_goal *goal, struct jeff_report *report)
{
    const enum jeff_stop stop = jeff_compact_goal(enter(s), goal, report);
    leave(s);
    return stop;
}

uint64_t jeff_shared_compactions(jeff_shared *s)
{
    const uint64_t compactions = jeff_compactions(enter(s));
    leave(s);
    return compactions;
}

size_t jeff_shared_usable_size(jeff_shared *s, jeff_handle handle)
{
    const size_t bytes = jeff_usable_size(enter(s), handle);
    leave(s);
    return bytes;
}

size_t jeff_shared_extent(jeff_shared *s, jeff_handle handle, void **begin)
{
    const size_t bytes = jeff_extent(enter(s), handle, begin);
    leave(s);
    return bytes;
}

size_t jeff_shared_run_needed(jeff_shared *s, size_t alignment, size_t bytes)
{
    const size_t needed = jeff_run_needed(enter(s), alignment, bytes);
    leave(s);
    return needed;
}

jeff_handle jeff_shared_handle_of(jeff_shared *s, const void *address)
{
    const jeff_handle handle = jeff_handle_of(enter(s), address);
    leave(s);
    return handle;
}

/// Memory in front of the heap; of its own pages, what is committed.
static size_t committed_before(const struct jeff_shared *s)
{
    const struct jeff_heap *h = heap_of(s);
    if (!h->pages)
        return s->before;
    const size_t page = h->pages->hooks.page_bytes;
    const uint32_t low = atomic_load_explicit(&s->gates_low, memory_order_relaxed);
    return ((size_t)((const char *)h - (const char *)gate_at(s, low)) + page - 1) & ~(page - 1);
}

void jeff_shared_stats(jeff_shared *s, struct jeff_stats *stats)
{
    jeff_stats(enter(s), stats);
    stats->heap_bytes += committed_before(s);
    stats->control_bytes += committed_before(s);
    leave(s);
}

void jeff_shared_walk(jeff_shared *s, bool (*visit)(void *context, const struct jeff_block *block), void *context)
{
    jeff_walk(enter(s), visit, context);
    leave(s);
}

void jeff_shared_pins(jeff_shared *s, bool (*visit)(void *context, const struct jeff_pin *pin), void *context)
{
    jeff_pins(enter(s), visit, context);
    leave(s);
}

enum jeff_status jeff_shared_check(jeff_shared *s, struct jeff_damage *damage)
{
    const enum jeff_status status = jeff_check(enter(s), damage);
    leave(s);
    return status;
}

#endif
