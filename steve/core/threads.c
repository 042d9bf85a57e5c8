/// Letting threads run: an episode is cut into stretches at `check` and `drain`; the ops of a stretch are dealt out,
/// threads begin together, and when all have ended the executor is made right again for what a single thread does.
///
/// Turns. Of each slot a word says how many of its ops are done in this stretch; the op with that number may begin. Who
/// waits sets a flag in the word and sleeps (struct steve_lot), so that a thread that waits takes no CPU time:
///
///     bit 31 the episode is over      bit 30 somebody waits      bits 0..29 ops done
#define _GNU_SOURCE
#include "steve/core/threads_internal.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define TURN_OVER   0x80000000u
#define TURN_WAITED 0x40000000u
#define TURN_DONE   0x3fffffffu

/// How often a turn is looked at before its thread goes to sleep.
#define LOOKS_AWAKE 100u

#define CREDIT_MOST ((size_t)4 << 20)

static _Thread_local uint64_t op_in_hand = UINT64_MAX;

uint64_t steve_crew_op_in_hand(void)
{
    return op_in_hand;
}

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

struct steve_crew *steve_crew_new(size_t longest)
{
    struct steve_crew *crew = map(sizeof *crew);
    if (crew == NULL) {
        return NULL;
    }
    crew->longest = longest > 0 ? longest : 1;
    crew->turn_of = map(crew->longest * sizeof crew->turn_of[0]);
    crew->order = map(crew->longest * sizeof crew->order[0]);
    if (crew->turn_of == NULL || crew->order == NULL) {
        steve_crew_free(crew);
        return NULL;
    }
    pthread_mutex_init(&crew->finding_lock, NULL);
    pthread_mutex_init(&crew->index_lock, NULL);
    for (unsigned i = 0; i < STEVE_LOTS; i++) {
        pthread_mutex_init(&crew->lots[i].lock, NULL);
        pthread_cond_init(&crew->lots[i].changed, NULL);
    }
    return crew;
}

void steve_crew_free(struct steve_crew *crew)
{
    if (crew == NULL) {
        return;
    }
    if (crew->turn_of != NULL) {
        munmap(crew->turn_of, crew->longest * sizeof crew->turn_of[0]);
    }
    if (crew->order != NULL) {
        munmap(crew->order, crew->longest * sizeof crew->order[0]);
    }
    munmap(crew, sizeof *crew);
}

// Turns and the end

/// Where threads sleep that wait for the turn of a slot.
static struct steve_lot *lot_of(struct steve_crew *crew, uint16_t slot)
{
    return &crew->lots[slot % STEVE_LOTS];
}

static void wake(struct steve_crew *crew, uint16_t slot)
{
    struct steve_lot *lot = lot_of(crew, slot);
    pthread_mutex_lock(&lot->lock);
    pthread_cond_broadcast(&lot->changed);
    pthread_mutex_unlock(&lot->lock);
}

/// Goes to sleep unless the turn has changed. Whoever changes it sees the flag, and then takes the lock that is held here.
static void sleep_on(struct steve_crew *crew, uint16_t slot, uint32_t seen)
{
    struct steve_lot *lot = lot_of(crew, slot);
    uint32_t waited = seen | TURN_WAITED;
    pthread_mutex_lock(&lot->lock);
    if (atomic_compare_exchange_strong(&crew->turns[slot], &seen, waited)) {
        pthread_cond_wait(&lot->changed, &lot->lock);
    }
    pthread_mutex_unlock(&lot->lock);
}

/// @return false if the episode is over
static bool wait_for_turn(struct steve_crew *crew, uint16_t slot, uint32_t number)
{
    for (unsigned looks = 0;; looks++) {
        uint32_t now = atomic_load(&crew->turns[slot]);
        if ((now & TURN_OVER) != 0) {
            return false;
        }
        if ((now & TURN_DONE) == number) {
            return true;
        }
        if (looks == LOOKS_AWAKE) {
            sched_yield();
        } else if (looks > LOOKS_AWAKE) {
            sleep_on(crew, slot, now);
        }
    }
}

static void pass_turn(struct steve_crew *crew, uint16_t slot)
{
    _Atomic uint32_t *turn = &crew->turns[slot];
    uint32_t now = atomic_load(turn);
    while (!atomic_compare_exchange_weak(turn, &now, (now & TURN_OVER) | ((now & TURN_DONE) + 1))) {
        // a thread began to wait meanwhile, or the episode is over
    }
    if ((now & TURN_WAITED) != 0) {
        wake(crew, slot);
    }
}

void steve_crew_stop(struct steve_crew *crew)
{
    if (atomic_exchange(&crew->over, true)) {
        return;
    }
    for (size_t slot = 0; slot < STEVE_SLOTS; slot++) {
        // Only slots of this stretch can be waited for.
        if (crew->next_turn[slot] > 0 && (atomic_fetch_or(&crew->turns[slot], TURN_OVER) & TURN_WAITED) != 0) {
            wake(crew, (uint16_t)slot);
        }
    }
}

bool steve_hand_broken(struct steve_hand *hand, enum steve_oracle oracle, const struct steve_slot *slot,
                       const char *format, ...)
{
    struct steve_crew *crew = hand->crew;
    if (!steve_oracle_on(crew->exec, oracle)) {
        return true;
    }
    char what[sizeof crew->exec->finding.what];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);

    pthread_mutex_lock(&crew->finding_lock);
    if (!crew->exec->found) {
        crew->exec->op = hand->op;
        steve_broken(crew->exec, oracle, slot, "%s (thread %u)", what, hand->number);
    }
    pthread_mutex_unlock(&crew->finding_lock);
    steve_crew_stop(crew);
    return false;
}

// A thread

static uint32_t tick(const struct steve_crew *crew)
{
    return (uint32_t)atomic_fetch_add(crew->work.clock, 1) + 1;
}

static bool is_stopped(struct steve_crew *crew)
{
    if (atomic_load_explicit(crew->work.stop, memory_order_relaxed) != 0) {
        steve_crew_stop(crew);
    }
    return atomic_load_explicit(&crew->over, memory_order_relaxed);
}

static enum steve_outcome carry_out_timed(struct steve_hand *hand, struct steve_op op)
{
    struct steve_crew *crew = hand->crew;
    struct steve_stamps *stamps = &crew->work.stamps[hand->op];
    size_t credit = hand->credit + crew->exec->effort.credit_per_op;
    hand->credit = credit < CREDIT_MOST ? credit : CREDIT_MOST;
    op_in_hand = hand->op;
    atomic_store_explicit(&stamps->begun, tick(crew), memory_order_release);
    enum steve_outcome outcome = steve_hand_op(hand, op);
    atomic_store_explicit(&stamps->ended, tick(crew), memory_order_release);
    op_in_hand = UINT64_MAX;
    return outcome;
}

/// One op in its turn. @return false if the episode is over
static bool take_turn(struct steve_hand *hand, struct steve_op op)
{
    struct steve_crew *crew = hand->crew;
    bool has_slot = steve_op_uses_slot(op.code);
    if (has_slot && !wait_for_turn(crew, op.slot, crew->turn_of[hand->op])) {
        return false;
    }
    bool had_block = has_slot && crew->exec->slots[op.slot].ref != 0;
    enum steve_outcome outcome = carry_out_timed(hand, op);
    if (outcome == STEVE_FOUND) {
        steve_crew_stop(crew); // also where the oracle is off, and no way leads on
        return false;
    }
    hand->counts.ops += outcome != STEVE_SKIPPED;
    if (has_slot) {
        hand->counts.handed_over += had_block && outcome != STEVE_SKIPPED && crew->last_by[op.slot] != hand->number;
        crew->last_by[op.slot] = (uint8_t)hand->number;
        pass_turn(crew, op.slot);
    }
    return true;
}

static void *run_hand(void *context)
{
    struct steve_hand *hand = context;
    struct steve_crew *crew = hand->crew;
    while (atomic_load_explicit(&crew->gate, memory_order_acquire) == 0) {
        sched_yield(); // all begin together: otherwise the first is done before the last is there
    }
    for (size_t i = 0; i < hand->count && !is_stopped(crew); i++) {
        hand->op = crew->order[hand->first + i];
        if (!take_turn(hand, steve_op_canonical(crew->work.ops[hand->op]))) {
            break;
        }
    }
    return NULL;
}

// A stretch

static bool is_for_one(struct steve_op op)
{
    return op.code == STEVE_OP_CHECK || op.code == STEVE_OP_DRAIN;
}

/// Deals out the ops from `first` up to `end`: each thread gets a list, each op its number on its slot.
static void deal_out(struct steve_crew *crew, size_t first, size_t end)
{
    const struct steve_op *ops = crew->work.ops;
    unsigned threads = crew->work.threads;
    memset(crew->next_turn, 0, sizeof crew->next_turn);
    for (unsigned t = 0; t < threads; t++) {
        crew->hands[t].count = 0;
    }
    for (size_t i = first; i < end; i++) {
        crew->hands[steve_op_thread(ops[i]) % threads].count++;
        crew->turn_of[i] = steve_op_uses_slot(ops[i].code) ? crew->next_turn[ops[i].slot]++ : 0;
    }
    size_t at = 0;
    for (unsigned t = 0; t < threads; t++) {
        crew->hands[t].first = at;
        at += crew->hands[t].count;
        crew->hands[t].count = 0;
    }
    for (size_t i = first; i < end; i++) {
        struct steve_hand *hand = &crew->hands[steve_op_thread(ops[i]) % threads];
        crew->order[hand->first + hand->count++] = (uint32_t)i;
    }
    for (size_t slot = 0; slot < STEVE_SLOTS; slot++) {
        if (crew->next_turn[slot] > 0) {
            atomic_store_explicit(&crew->turns[slot], 0, memory_order_relaxed);
        }
    }
}

/// What one thread knows goes into the index of all.
static void enter_all(struct steve_crew *crew)
{
    struct steve_exec *exec = crew->exec;
    steve_layout_clear(&crew->index);
    for (size_t i = 0; i < exec->used_count; i++) {
        const struct steve_slot *slot = &exec->slots[exec->used[i]];
        uint16_t other;
        if (steve_is_indexed(exec, slot)) {
            steve_layout_insert(&crew->index,
                                (struct steve_span){slot->address, slot->address + slot->bytes, exec->used[i]}, &other);
        }
    }
}

/// @return false if the system gives no thread
static bool run_threads(struct steve_crew *crew)
{
    unsigned begun = 0;
    atomic_store(&crew->gate, 0);
    for (; begun < crew->work.threads; begun++) {
        struct steve_hand *hand = &crew->hands[begun];
        hand->crew = crew;
        hand->number = begun;
        if (pthread_create(&hand->thread, NULL, run_hand, hand) != 0) {
            steve_crew_stop(crew);
            break;
        }
    }
    bool all = begun == crew->work.threads;
    atomic_store_explicit(&crew->gate, 1, memory_order_release);
    while (begun > 0) {
        pthread_join(crew->hands[--begun].thread, NULL);
    }
    return all;
}

// One thread again

/// A block, as the executor keeps it: counted, its extent learned. `*span` is where it lies.
static bool adopt(struct steve_exec *exec, uint16_t index, struct steve_span *span)
{
    struct steve_slot *slot = &exec->slots[index];
    void *address;
    exec->live_blocks++;
    exec->live_bytes += slot->bytes;
    if (slot->locks > 0) {
        exec->locked_blocks++;
        exec->locked_bytes += slot->bytes;
    }
    enum steve_lock_result result = steve_peek(exec, slot, &address);
    if (result != STEVE_LOCK_OK) {
        return steve_unreachable(exec, slot, result);
    }
    if (steve_is_indexed(exec, slot) && !steve_place_same(exec, slot, address)) {
        return false;
    }
    if (!steve_place_learn(exec, slot, (uintptr_t)address)) {
        return false;
    }
    *span = (struct steve_span){slot->begin, slot->begin + slot->extent, index};
    return steve_peek_end(exec, slot);
}

/// Threads have ended: what the executor keeps beside the slots is made anew. @return false if an oracle is broken
static bool adopt_all(struct steve_crew *crew, size_t first, size_t end)
{
    struct steve_exec *exec = crew->exec;
    for (size_t i = first; i < end; i++) {
        struct steve_slot *slot = &exec->slots[crew->work.ops[i].slot];
        if (steve_op_uses_slot(crew->work.ops[i].code) && (slot->state & STEVE_SLOT_USED) == 0) {
            slot->state = STEVE_SLOT_USED;
            exec->used[exec->used_count++] = steve_slot_index(exec, slot);
        }
    }
    exec->live_blocks = exec->live_bytes = exec->live_extent = exec->locked_blocks = exec->locked_bytes = 0;
    exec->moves = exec->driver->moves != NULL ? exec->driver->moves(exec->heap) : 0;
    steve_layout_clear(&exec->layout);
    size_t count = 0;
    for (size_t i = 0; i < exec->used_count; i++) {
        struct steve_slot *slot = &exec->slots[exec->used[i]];
        slot->extent = 0;
        if (slot->ref != 0 && !adopt(exec, exec->used[i], &exec->spans[count++])) {
            return false;
        }
    }
    steve_spans_sort(exec->spans, exec->scratch, count);
    steve_layout_rebuild(&exec->layout, exec->spans, count);
    if (exec->live_blocks > exec->counts.peak_blocks) {
        exec->counts.peak_blocks = exec->live_blocks;
    }
    // The contents, and the order of the spans.
    return steve_sweep(exec, STEVE_DEPTH_CREDIT);
}

/// An op for one thread.
static bool carry_out_alone(struct steve_crew *crew, size_t i)
{
    struct steve_stamps *stamps = &crew->work.stamps[i];
    crew->exec->op = i;
    atomic_store_explicit(&stamps->begun, tick(crew), memory_order_relaxed);
    enum steve_outcome outcome = steve_carry_out(crew->exec, steve_op_canonical(crew->work.ops[i]), 0);
    atomic_store_explicit(&stamps->ended, tick(crew), memory_order_relaxed);
    return outcome != STEVE_FOUND;
}

/// @return false if the run ends there
static bool run_stretch(struct steve_crew *crew, size_t first, size_t end, bool *has_threads)
{
    deal_out(crew, first, end);
    enter_all(crew);
    *has_threads = run_threads(crew);
    crew->exec->op = end;
    return *has_threads && !crew->exec->found && adopt_all(crew, first, end) && !atomic_load(&crew->over);
}

enum steve_outcome steve_crew_run(struct steve_crew *crew, const struct steve_crew_work *work)
{
    assert(work->threads >= 2 && work->threads <= STEVE_THREADS_MOST && work->count <= crew->longest);
    assert(work->exec->checked && work->exec->rival == NULL);

    crew->work = *work;
    crew->exec = work->exec;
    atomic_store(&crew->over, false);
    atomic_store(&crew->live_bytes, 0);
    for (unsigned t = 0; t < work->threads; t++) {
        crew->hands[t].counts = (struct steve_crew_counts){0};
    }
    bool has_threads = true;
    bool going_on = true;
    for (size_t first = 0; going_on && first < work->count;) {
        size_t end = first;
        while (end < work->count && !is_for_one(work->ops[end])) {
            end++;
        }
        going_on = first == end || run_stretch(crew, first, end, &has_threads);
        if (going_on && end < work->count) {
            going_on = carry_out_alone(crew, end);
            atomic_store(&crew->live_bytes, crew->exec->live_bytes);
        }
        first = end + 1;
    }
    if (crew->exec->found) {
        return STEVE_FOUND;
    }
    return has_threads ? STEVE_DONE : STEVE_REFUSED;
}

struct steve_crew_counts steve_crew_counts(const struct steve_crew *crew)
{
    struct steve_crew_counts sum = {0};
    for (unsigned t = 0; t < crew->work.threads; t++) {
        steve_crew_counts_add(&sum, &crew->hands[t].counts);
    }
    return sum;
}

void steve_crew_counts_add(struct steve_crew_counts *sum, const struct steve_crew_counts *more)
{
    sum->ops += more->ops;
    sum->handed_over += more->handed_over;
    sum->freed_elsewhere += more->freed_elsewhere;
}
