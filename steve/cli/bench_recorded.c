/// The bench that compares: scripts made of saved sequences.
#include <assert.h>
#include <stdlib.h>

#include "steve/cli/bench_script.h"

#define SLOTS 65536u

/// A slot, as it is if nothing is refused.
struct slot {
    size_t bytes;
    unsigned locks;
    bool live;
};

struct recorder {
    struct bench_script *script;
    size_t heap_bytes, payload;
    struct slot slot[SLOTS];
};

static bool push(struct recorder *r, enum bench_call_kind kind, uint16_t slot, uint64_t bytes)
{
    return bench_script_push(r->script, (struct bench_call){.bytes = bytes, .slot = slot, .kind = (uint8_t)kind});
}

static bool set_payload(struct recorder *r, struct slot *slot, size_t bytes)
{
    r->payload += bytes - slot->bytes;
    slot->bytes = bytes;
    if (r->payload > r->script->most_payload)
        r->script->most_payload = r->payload;
    return true;
}

/// Whether a block of so many bytes fits beside all others, if nothing else took memory.
static bool could_fit(const struct recorder *r, const struct slot *slot, size_t bytes)
{
    return bytes <= r->heap_bytes - (r->payload - slot->bytes);
}

static bool request(struct recorder *r, struct steve_op op, size_t bytes)
{
    struct slot *slot = &r->slot[op.slot];
    if (slot->live || !could_fit(r, slot, bytes))
        return true;
    *slot = (struct slot){.live = true};
    set_payload(r, slot, bytes);
    if (op.code == STEVE_OP_MALLOC || op.code == STEVE_OP_CALLOC)
        return push(r, op.code == STEVE_OP_MALLOC ? BENCH_CALL_MALLOC : BENCH_CALL_CALLOC, op.slot, bytes);
    return bench_script_push(r->script, (struct bench_call){
                                            .bytes = bytes,
                                            .slot = op.slot,
                                            .kind = BENCH_CALL_ALIGNED,
                                            .alignment = (uint8_t)(op.code - STEVE_OP_ALIGNED),
                                        });
}

static bool resize(struct recorder *r, uint16_t number, size_t bytes)
{
    struct slot *slot = &r->slot[number];
    if (!slot->live || slot->locks > 0 || !could_fit(r, slot, bytes))
        return true;
    set_payload(r, slot, bytes);
    return push(r, BENCH_CALL_RESIZE, number, bytes);
}

static bool free_block(struct recorder *r, uint16_t number)
{
    struct slot *slot = &r->slot[number];
    if (!slot->live || slot->locks > 0)
        return true;
    set_payload(r, slot, 0);
    slot->live = false;
    return push(r, BENCH_CALL_FREE, number, 0);
}

static bool lock(struct recorder *r, uint16_t number)
{
    struct slot *slot = &r->slot[number];
    return !slot->live || slot->locks++ > 0 || push(r, BENCH_CALL_LOCK, number, 0);
}

static bool unlock(struct recorder *r, uint16_t number)
{
    struct slot *slot = &r->slot[number];
    return slot->locks == 0 || --slot->locks > 0 || push(r, BENCH_CALL_UNLOCK, number, 0);
}

static bool access_block(struct recorder *r, uint16_t number)
{
    const struct slot *slot = &r->slot[number];
    return !slot->live || slot->locks > 0 || push(r, BENCH_CALL_ACCESS, number, 0);
}

static bool drain(struct recorder *r)
{
    bool all = true;
    for (uint32_t number = 0; number < SLOTS && all; number++) {
        if (r->slot[number].locks > 1)
            r->slot[number].locks = 1;
        all = unlock(r, (uint16_t)number) && free_block(r, (uint16_t)number);
    }
    return all;
}

static bool record(struct recorder *r, struct steve_op op)
{
    const size_t bytes = steve_op_bytes(op, r->heap_bytes, r->slot[op.arg].bytes);
    switch (steve_op_kind(op.code)) {
    case STEVE_KIND_MALLOC:
    case STEVE_KIND_CALLOC:
    case STEVE_KIND_ALIGNED:
        return request(r, op, bytes);
    case STEVE_KIND_RESIZE:
        return resize(r, op.slot, bytes);
    case STEVE_KIND_FREE:
        return free_block(r, op.slot);
    case STEVE_KIND_LOCK:
        return lock(r, op.slot);
    case STEVE_KIND_UNLOCK:
        return unlock(r, op.slot);
    case STEVE_KIND_WEAK_LOCK:
    case STEVE_KIND_WRITE:
    case STEVE_KIND_VERIFY:
        return access_block(r, op.slot);
    case STEVE_KIND_COMPACT:
        return push(r, BENCH_CALL_COMPACT, 0, 0);
    case STEVE_KIND_COMPACT_BUDGET: // in microseconds
        return push(r, BENCH_CALL_COMPACT, 0, (uint64_t)bytes * 1000);
    case STEVE_KIND_COMPACT_GOAL:
        return push(r, BENCH_CALL_COMPACT_GOAL, 0, bytes);
    case STEVE_KIND_DRAIN:
        return drain(r);
    default:
        return true;
    }
}

bool bench_script_record(struct bench_script *script, const struct steve_sequence *sequence)
{
    assert(sequence->header.heap_bytes <= BENCH_SCRIPT_HEAP_MOST);

    struct recorder *r = calloc(1, sizeof *r);
    if (!r)
        return false;
    r->script = script;
    r->heap_bytes = (size_t)sequence->header.heap_bytes;
    bool all = push(r, BENCH_CALL_OPEN, 0, sequence->header.heap_bytes);
    for (size_t i = 0; i < sequence->count && all; i++)
        all = record(r, steve_op_canonical(sequence->ops[i]));
    free(r);
    return all;
}
