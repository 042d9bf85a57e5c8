/// The executor: begins an episode, sends each op where it belongs, spreads the checks that belong to no op, and ends the episode.
#define _GNU_SOURCE
#include "steve/core/exec_internal.h"

#include <string.h>
#include <sys/mman.h>

#include "steve/core/contract.h"
#include "steve/core/external.h"

#define MAIN_SALT 1u

/// What a sequence asks for beyond it is cut off where addresses are short: two such heaps are mapped side by side.
#define HEAP_MOST (SIZE_MAX / 8)

/// How many bytes of comparing may be saved up for a sweep.
#define CREDIT_MOST ((size_t)4 << 20)

static const struct steve_effort efforts[] = {
    [STEVE_CHECK_LIGHT] = {.credit_per_op = 64,
                           .probe_every = 64,
                           .account_every = 256,
                           .check_every = 4096,
                           .idempotent_every = 16,
                           .drain_every = 4},
    [STEVE_CHECK_NORMAL] = {.credit_per_op = 384,
                            .probe_every = 16,
                            .account_every = 32,
                            .check_every = 256,
                            .idempotent_every = 4,
                            .drain_every = 1},
    [STEVE_CHECK_PARANOID] = {.credit_per_op = 1u << 30,
                              .probe_every = 1,
                              .account_every = 1,
                              .check_every = 1,
                              .idempotent_every = 1,
                              .drain_every = 1,
                              .everything = true},
};

static bool is_sound(const struct steve_driver *driver)
{
    if (driver == NULL || driver->version != STEVE_DRIVER_VERSION || steve_external_of(driver) == NULL) {
        return steve_driver_contradictions(driver, NULL, NULL) == 0;
    }
    struct steve_driver named = *driver; // those from outside the box go by a path
    named.name = "external";
    return steve_driver_contradictions(&named, NULL, NULL) == 0;
}

/// Notes a driver, and what follows from what it states.
static void take_driver(struct steve_exec *exec, const struct steve_driver *driver)
{
    exec->config.driver = driver;
    exec->driver = driver;
    exec->promises = driver->promises;
    exec->handles = (driver->promises & STEVE_PROMISE_HANDLES) != 0 && exec->checked;
    exec->gaps = driver->arena != NULL && driver->extent != NULL && driver->run_needed != NULL &&
                 (driver->promises & STEVE_PROMISE_REGION) != 0;
}

struct steve_exec *steve_exec_new(const struct steve_exec_config *config, const char **why)
{
    *why = is_sound(config->driver) ? NULL : "the driver contradicts itself: steve_driver_contradictions() says how";
    if (*why == NULL && (unsigned)config->level > STEVE_CHECK_PARANOID) {
        *why = "the check level is none of light, normal and paranoid";
    }
    if (*why != NULL) {
        return NULL;
    }
    void *memory = mmap(NULL, sizeof(struct steve_exec), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        *why = "no memory for the executor";
        return NULL;
    }
    struct steve_exec *exec = memory;
    exec->config = *config;
    exec->checked = !config->unchecked;
    take_driver(exec, config->driver);
    exec->effort = efforts[config->level];
    if (config->against != NULL && !steve_rival_new(exec, why)) {
        steve_exec_free(exec);
        return NULL;
    }
    return exec;
}

/// Closes what the driver has open. After a finding the heaps are left as they are.
static void close_heaps(struct steve_exec *exec)
{
    if (!exec->found) {
        if (exec->heap != NULL) {
            exec->driver->close(exec->heap);
        }
        if (exec->foreign_heap != NULL) {
            exec->driver->close(exec->foreign_heap);
        }
    }
    exec->heap = NULL;
    exec->foreign_heap = NULL;
    exec->foreign_tried = false;
}

void steve_exec_drive(struct steve_exec *exec, const struct steve_driver *driver)
{
    close_heaps(exec);
    take_driver(exec, driver);
}

void steve_exec_free(struct steve_exec *exec)
{
    if (exec == NULL) {
        return;
    }
    steve_exec_free(exec->rival);
    close_heaps(exec);
    steve_region_release(&exec->region);
    steve_region_release(&exec->foreign_region);
    munmap(exec, sizeof *exec);
}

/// Forgets the last episode. O(slots that it used)
static void reset(struct steve_exec *exec)
{
    for (size_t i = 0; i < exec->used_count; i++) {
        exec->slots[exec->used[i]] = (struct steve_slot){0};
    }
    if (exec->found) {
        exec->foreign_heap = NULL;
        exec->foreign_tried = false;
    }
    steve_refs_clear(&exec->refs);
    steve_layout_clear(&exec->layout);
    exec->used_count = 0;
    exec->heap = NULL;
    exec->found = false;
    exec->last = STEVE_SKIPPED;
    exec->op = 0;
    exec->digest = UINT64_C(0x243f6a8885a308d3);
    exec->offset_digest = UINT64_C(0x13198a2e03707344);
    exec->stamps = 0;
    exec->moves = 0;
    exec->credit = 0;
    exec->live_blocks = 0;
    exec->live_bytes = 0;
    exec->live_extent = 0;
    exec->huge_written = 0;
    exec->locked_blocks = 0;
    exec->locked_bytes = 0;
    exec->purged_blocks = 0;
    exec->purgeable_blocks = 0;
    exec->sweep_start = 0;
    exec->moved_bytes = 0;
    exec->probe_next = 0;
    exec->last_check = 0;
    exec->last_twice = 0;
    exec->full_compactions = 0;
    exec->run_version = exec->layout.version - 1;
    exec->blames_rival = false;
    exec->past = (struct steve_past){0};
}

static bool place_region(struct steve_exec *exec, const struct steve_header *header, struct steve_geometry *geometry,
                         const char **why)
{
    if ((exec->promises & STEVE_PROMISE_REGION) == 0) {
        return true;
    }
    size_t unit = exec->driver->region_alignment == 0 ? 1 : exec->driver->region_alignment;
    const struct steve_region_place place = {
        .bytes = geometry->bytes,
        .offset = header->base_offset * unit,
        .shift = exec->config.base_slot,
        .dirty = header->dirty,
        .keep_open = exec->config.keep_open,
    };
    if (!steve_region_place(&exec->region, &place)) {
        *why = "the system gives no address space for a heap of this size";
        return false;
    }
    geometry->region = exec->region.base;
    return true;
}

static uint64_t mix(uint64_t digest, uint64_t word)
{
    digest = (digest ^ word) * UINT64_C(0x9fb21c651e98df25);
    return digest ^ digest >> 32;
}

bool steve_exec_begin(struct steve_exec *exec, const struct steve_header *header, const char **why)
{
    if (exec->heap != NULL && !exec->found) {
        exec->driver->close(exec->heap);
    }
    reset(exec);
    exec->heap_bytes = header->heap_bytes < HEAP_MOST ? (size_t)header->heap_bytes : HEAP_MOST;
    if (exec->heap_bytes < exec->driver->heap_min) {
        exec->heap_bytes = exec->driver->heap_min;
    }
    exec->options = header->options;
    struct steve_geometry geometry = {
        .bytes = exec->heap_bytes,
        .options = header->options,
        .salt = MAIN_SALT,
        .threads = (exec->promises & STEVE_PROMISE_THREADS) != 0 ? header->threads : 0,
    };
    if (!place_region(exec, header, &geometry, why)) {
        return false;
    }
    *why = "the driver gave no reason";
    exec->heap = exec->driver->open(&geometry, why);
    if (exec->heap == NULL) {
        return false;
    }
    if (exec->driver->moves != NULL) {
        exec->moves = exec->driver->moves(exec->heap);
    }
    exec->clock_begin_ns = exec->driver->now != NULL ? exec->driver->now(exec->heap) : 0;
    exec->clock_ns = 0;
    exec->clock_moves = exec->moves;
    if (exec->gaps) {
        exec->first_arena = exec->driver->arena(exec->heap);
    }
    uint64_t shape = (uint64_t)header->base_offset << 16 | (uint64_t)header->options << 8 | (header->dirty ? 1u : 0u);
    exec->digest = mix(mix(exec->digest, header->heap_bytes), shape);
    return exec->rival == NULL || steve_rival_begin(exec, header, why);
}

/// Looks at the next block in turn, so that damage shows also where no op goes.
static bool probe(struct steve_exec *exec)
{
    if (exec->used_count == 0) {
        return true;
    }
    if (exec->probe_next >= exec->used_count) {
        exec->probe_next = 0;
    }
    const struct steve_slot *slot = &exec->slots[exec->used[exec->probe_next++]];
    return slot->ref == 0 || !steve_slot_has_memory(slot) || steve_look(exec, slot, STEVE_DEPTH_CREDIT);
}

static bool check_everything(struct steve_exec *exec)
{
    return steve_sweep(exec, STEVE_DEPTH_WHOLE) && steve_arena_holds(exec) && steve_account(exec, true) &&
           steve_health(exec);
}

/// How many ops must lie between two of the allocator's own checks: they walk the heap, so it grows with the blocks.
static uint64_t check_interval(const struct steve_exec *exec)
{
    uint64_t by_blocks = 8 * (uint64_t)exec->live_blocks;
    return by_blocks > exec->effort.check_every ? by_blocks : exec->effort.check_every;
}

/// The checks that belong to no op in particular, spread so that they stay a bounded share of the time.
static bool check_between(struct steve_exec *exec)
{
    const struct steve_effort *effort = &exec->effort;
    if (!steve_sweep_if_moved(exec)) {
        return false;
    }
    if (effort->everything) {
        exec->credit = CREDIT_MOST;
        return check_everything(exec);
    }
    exec->credit = exec->credit < CREDIT_MOST ? exec->credit + effort->credit_per_op : exec->credit;
    if ((exec->op & (effort->probe_every - 1)) != 0) {
        return true;
    }
    if (!probe(exec) || !steve_health_if_due(exec, check_interval(exec))) {
        return false;
    }
    return (exec->op & (effort->account_every - 1)) != 0 || steve_account(exec, false);
}

static enum steve_outcome op_check(struct steve_exec *exec)
{
    if (!exec->checked) {
        return STEVE_DONE;
    }
    return steve_outcome_of(check_everything(exec), STEVE_DONE);
}

static enum steve_outcome dispatch(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    if (op.code < STEVE_OP_COMPACT) {
        return steve_op_block(exec, op, bytes);
    }
    if (op.code < STEVE_OP_DRAIN) {
        return steve_op_compact(exec, op, bytes);
    }
    if (op.code == STEVE_OP_DRAIN) {
        return steve_op_drain(exec);
    }
    return op.code == STEVE_OP_CHECK ? op_check(exec) : steve_op_misuse(exec, op);
}

static uint64_t op_as_word(struct steve_op op)
{
    return (uint64_t)op.code | (uint64_t)op.size_class << 8 | (uint64_t)op.slot << 16 |
           (uint64_t)(uint16_t)op.delta << 32 | (uint64_t)op.arg << 48;
}

static void count(struct steve_exec *exec, struct steve_op op, enum steve_outcome outcome)
{
    exec->counts.ops++;
    if (outcome != STEVE_FOUND) {
        exec->counts.by_kind[steve_op_kind(op.code)][outcome]++;
    }
}

enum steve_outcome steve_carry_out(struct steve_exec *exec, struct steve_op op, size_t bytes)
{
    enum steve_outcome outcome = dispatch(exec, op, bytes);
    return outcome == STEVE_FOUND || !exec->checked || check_between(exec) ? outcome : STEVE_FOUND;
}

enum steve_outcome steve_exec_step(struct steve_exec *exec, struct steve_op op)
{
    if (exec->found) {
        return STEVE_FOUND;
    }
    op = steve_op_canonical(op);
    if (op.code == STEVE_OP_NONE || exec->heap == NULL) {
        return exec->last = STEVE_SKIPPED;
    }
    size_t bytes = steve_op_uses_size(op.code) ? steve_view_resolve_size(exec, op) : 0;
    enum steve_outcome outcome =
        exec->rival == NULL ? steve_carry_out(exec, op, bytes) : steve_differential_step(exec, op, bytes);
    exec->digest = mix(mix(exec->digest, op_as_word(op)), bytes * 4 + (unsigned)outcome);
    count(exec, op, outcome);
    exec->op++;
    return exec->last = outcome;
}

static bool check_end(struct steve_exec *exec)
{
    if (!check_everything(exec)) {
        return false;
    }
    // The digest decides, so that the same sequence always ends in the same way.
    if (exec->digest % exec->effort.drain_every != 0) {
        return true;
    }
    return steve_op_drain(exec) != STEVE_FOUND && steve_account(exec, true) && steve_health(exec);
}

enum steve_outcome steve_exec_end(struct steve_exec *exec)
{
    if (exec->found) {
        return STEVE_FOUND;
    }
    if (exec->heap == NULL) {
        return STEVE_DONE;
    }
    if (exec->checked && !check_end(exec)) {
        return STEVE_FOUND;
    }
    if (exec->rival != NULL && !steve_rival_end(exec)) {
        return STEVE_FOUND;
    }
    exec->driver->close(exec->heap);
    exec->heap = NULL;
    return STEVE_DONE;
}

const struct steve_finding *steve_exec_finding(const struct steve_exec *exec)
{
    return &exec->finding;
}

uint64_t steve_exec_digest(const struct steve_exec *exec)
{
    return exec->digest;
}

uint64_t steve_exec_offset_digest(const struct steve_exec *exec)
{
    return mix(exec->digest, exec->offset_digest);
}

struct steve_counts *steve_exec_counts(struct steve_exec *exec)
{
    return &exec->counts;
}
