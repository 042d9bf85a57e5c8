/// Clocks that no budget is prepared for: they stand still, jump by seconds or go back, are near their end, or hardly move. A small heap of
/// its own lives under one, and is compacted with budgets and goals; inside of `moved` its other blocks are locked, unlocked and
/// freed, many at a time. All of it is drawn, and the same in every run.
///
/// What must hold: the contents of the blocks, the places of the locked ones, and Jeff's own check, which is also tried on damage: such a
/// heap is often in the middle of something.
#include "steve/drivers/jeff/probe_internal.h"

#include <stdint.h>
#include <string.h>

#include "steve/drivers/jeff/draw_internal.h"
#include "steve/drivers/jeff/passed_internal.h"

enum { BLOCKS = 24, ROUNDS = 80, HEAP = 128 * 1024 };

/// What the clock does.
enum kind { STEADY, STILL, SLOW, FAST, JUMPING, BACKWARDS, NEAR_ITS_END, KINDS };

struct life {
    jeff_heap *heap;
    uint64_t drawn;
    uint64_t now_ns;
    enum kind kind;
    bool meddles; ///< the callback does
    jeff_handle handle[BLOCKS];
    size_t bytes[BLOCKS];
    void *locked_at[BLOCKS]; ///< NULL: not locked
    const char *wrong;
};

static uint32_t draw(struct life *life)
{
    return steve_jeff_draw(++life->drawn);
}

static uint64_t look_at_clock(void *context)
{
    struct life *life = context;
    const uint32_t chance = draw(life);
    switch (life->kind) {
    case STILL:
        break;
    case SLOW:
        life->now_ns += chance % 8 == 0;
        break;
    case FAST:
        life->now_ns += 100000;
        break;
    case JUMPING:
        life->now_ns += chance % 8 == 0 ? UINT64_C(5000000000) : chance % 3 == 0 ? 100000 : 100;
        break;
    case BACKWARDS:
        life->now_ns -= life->now_ns > 5000 ? chance % 5000 : 0;
        break;
    default:
        life->now_ns += 100 + chance % 2000;
    }
    return life->now_ns;
}

/// A clock stays what it is for a while: what it was in some calls is what Jeff expects of it in the next.
static void begin_clock(struct life *life)
{
    const uint32_t chance = draw(life);
    if (chance % 8 == 0) {
        life->kind = (enum kind)(chance / 8 % KINDS);
    }
    life->now_ns = life->kind == NEAR_ITS_END ? UINT64_MAX - 60000 : life->kind == BACKWARDS ? UINT32_MAX : 0;
}

static void unlock(struct life *life, size_t i)
{
    while (jeff_unlock(life->heap, life->handle[i])) {
    }
    life->locked_at[i] = NULL;
}

static void lock(struct life *life, size_t i)
{
    void *address = jeff_lock(life->heap, life->handle[i]);
    if (address != NULL && life->locked_at[i] != NULL && address != life->locked_at[i]) {
        life->wrong = "a locked block has moved";
    }
    life->locked_at[i] = address;
}

static void drop(struct life *life, size_t i)
{
    unlock(life, i);
    if (jeff_free(life->heap, life->handle[i])) {
        life->handle[i] = JEFF_NULL;
    }
}

static void on_moved(void *context, jeff_handle handle, void *from, void *to, size_t bytes)
{
    struct life *life = context;
    (void)handle;
    (void)from;
    (void)to;
    (void)bytes;
    const uint32_t chance = draw(life);
    if (!life->meddles || chance % 4 != 0) {
        return;
    }
    const bool all = chance / 4 % 4 == 0;
    for (size_t i = all ? 0 : chance / 64 % BLOCKS; i < BLOCKS; i += all ? 1 : 1 + chance / 4 % 4) {
        switch (chance / 16 % 4) {
        case 0:
        case 1:
            unlock(life, i);
            break;
        case 2:
            lock(life, i);
            break;
        default:
            drop(life, i);
            break;
        }
    }
}

static bool is_marked(const unsigned char *bytes, size_t block, size_t count)
{
    return count == 0 || (bytes[0] == block + 1 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/// Writes all of a block, or reads it.
static void touch(struct life *life, size_t i, bool fresh)
{
    unsigned char *bytes = jeff_weak_lock(life->heap, life->handle[i]);
    if (bytes == NULL) {
        return; // a callback has freed it
    }
    if (fresh) {
        memset(bytes, (int)i + 1, life->bytes[i]);
    } else if (!is_marked(bytes, i, life->bytes[i])) {
        life->wrong = "a block has lost its contents under an odd clock";
    }
}

static size_t draw_size(struct life *life)
{
    const uint32_t chance = draw(life);
    return chance / 8 % (chance % 4 == 0 ? 20000 : chance % 3 == 0 ? 6000 : 200);
}

static void make(struct life *life, size_t i)
{
    const uint32_t chance = draw(life);
    const size_t bytes = draw_size(life);
    // A callback inside may draw another block into the same place: it makes none.
    life->handle[i] = chance % 4 == 0 ? jeff_aligned_alloc(life->heap, (size_t)32 << chance / 4 % 4, bytes)
                                      : jeff_malloc(life->heap, bytes);
    if (life->handle[i] == JEFF_NULL) {
        // What was refused is refused again, unless a callback has freed something meanwhile.
        life->handle[i] = jeff_malloc(life->heap, bytes);
    }
    life->bytes[i] = bytes;
    touch(life, i, true);
}

static void compact(struct life *life)
{
    const uint32_t chance = draw(life);
    const struct jeff_goal goal = {
        .wanted_bytes = chance % 4 == 0 ? 1 + chance / 16 % 40000 : 0,
        .budget_ns = chance / 4 % 4 == 0   ? 0
                     : chance / 4 % 4 == 1 ? 1 + chance / 16 % 300
                                           : 1000 + chance / 16 % 60000,
    };
    begin_clock(life);
    if (chance % 8 == 5) {
        jeff_compact(life->heap, chance / 8 % 3);
    } else {
        struct jeff_report report;
        jeff_compact_goal(life->heap, &goal, &report);
    }
}

static void step(struct life *life)
{
    const uint32_t chance = draw(life);
    const size_t i = chance % BLOCKS;
    switch (chance / BLOCKS % 16) {
    case 0:
    case 1:
    case 2:
        lock(life, i);
        break;
    case 3:
        jeff_settle(life->heap, life->handle[i]);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        compact(life);
        break;
    default:
        if (life->handle[i] != JEFF_NULL) {
            drop(life, i);
        } else {
            make(life, i);
        }
    }
    for (size_t k = 0; k < BLOCKS; k++) {
        touch(life, k, false);
        if (life->locked_at[k] != NULL) {
            lock(life, k);
            jeff_unlock(life->heap, life->handle[k]);
        }
    }
    struct jeff_damage damage = {.what = "damage without a description"};
    if (jeff_check(life->heap, &damage) != JEFF_OK) {
        life->wrong = damage.what;
    }
}

const char *steve_jeff_probe_clocks(uint64_t seed)
{
    static struct steve_jeff_passed passed;
    static _Alignas(16) char memory[HEAP];
    if (steve_jeff_has_passed(&passed, seed)) {
        return NULL;
    }
    struct life life = {.drawn = seed * 100003};
    life.meddles = seed % 2 != 0;
    const struct jeff_config config = {
        .now_ns = look_at_clock, .moved = seed % 4 != 0 ? on_moved : NULL, .context = &life, .handle_salt = 1};
    const size_t bytes = seed % 3 == 0 ? sizeof memory : sizeof memory / 4;
    life.heap = jeff_init(memory, bytes, &config, NULL);
    for (unsigned i = 0; i < ROUNDS && life.wrong == NULL; i++) {
        step(&life);
        if (i % 4 == 0 && life.wrong == NULL) {
            life.wrong = steve_jeff_probe_damage(life.heap, bytes, i);
        }
    }
    return steve_jeff_note_passed(&passed, seed, life.wrong);
}
