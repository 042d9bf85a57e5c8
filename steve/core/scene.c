/// Taking the scene of a finding from the executor's shadow and layout.
#include "steve/core/scene.h"

#include <string.h>

#include "steve/core/exec_internal.h"
#include "steve/core/shadow.h"

/// Bytes shown before the first wrong one, so that what is right is seen too.
#define BYTES_BEFORE 16u

/// All that has memory, in address order, into exec->spans. The episode is over: nobody else needs them.
static size_t collect(struct steve_exec *exec)
{
    size_t count = 0;
    for (size_t i = 0; i < exec->used_count; i++) {
        uint16_t index = exec->used[i];
        const struct steve_slot *slot = &exec->slots[index];
        if (steve_slot_has_memory(slot) && slot->begin != 0) {
            exec->spans[count++] = (struct steve_span){slot->begin, slot->begin + slot->extent, index};
        }
    }
    steve_spans_sort(exec->spans, exec->scratch, count);
    return count;
}

/// Where the excerpt begins that has the block of the finding in its middle.
static size_t first_shown(const struct steve_exec *exec, size_t count)
{
    if (count <= STEVE_SCENE_BLOCKS || !exec->finding.has_slot) {
        return 0;
    }
    size_t at = 0;
    while (at < count && exec->spans[at].slot != exec->finding.slot) {
        at++;
    }
    size_t before = STEVE_SCENE_BLOCKS / 2;
    size_t first = at > before ? at - before : 0;
    return first + STEVE_SCENE_BLOCKS <= count ? first : count - STEVE_SCENE_BLOCKS;
}

static struct steve_scene_block describe(const struct steve_exec *exec, uint16_t index, uintptr_t origin)
{
    const struct steve_slot *slot = &exec->slots[index];
    return (struct steve_scene_block){
        .begin = slot->begin - origin,
        .extent = slot->extent,
        .first = slot->address - origin,
        .bytes = slot->bytes,
        .alignment = slot->alignment == 0 ? 0 : (uint64_t)1 << slot->alignment,
        .slot = index,
        .locks = slot->locks,
        .purgeable = (slot->state & STEVE_SLOT_PURGEABLE) != 0,
    };
}

static void take_blocks(struct steve_exec *exec, struct steve_scene *scene)
{
    size_t count = collect(exec);
    size_t first = first_shown(exec, count);
    size_t shown = count - first < STEVE_SCENE_BLOCKS ? count - first : STEVE_SCENE_BLOCKS;
    if (!scene->has_region && shown > 0) {
        scene->origin = exec->spans[first].begin;
    }
    for (size_t i = 0; i < shown; i++) {
        scene->blocks[i] = describe(exec, exec->spans[first + i].slot, (uintptr_t)scene->origin);
    }
    scene->count = (uint32_t)shown;
    scene->left_out_below = first;
    scene->left_out_above = count - first - shown;
}

/// The memory that a comparison found wrong, and how to make what was expected there.
struct compared {
    const unsigned char *memory;
    size_t bytes;
    bool (*expected)(const struct compared *compared, size_t offset, uint8_t *byte);
    uint64_t stamp;
    const struct steve_region *region;
};

static bool expected_contents(const struct compared *compared, size_t offset, uint8_t *byte)
{
    return steve_shadow_byte(compared->bytes, compared->stamp, offset, byte);
}

static bool expected_zero(const struct compared *compared, size_t offset, uint8_t *byte)
{
    // Of large blocks the same samples are looked at as in every comparison.
    bool looked_at = steve_shadow_byte(compared->bytes, 0, offset, byte);
    *byte = 0;
    return looked_at;
}

static bool expected_guard(const struct compared *compared, size_t offset, uint8_t *byte)
{
    *byte = steve_region_guard_byte(compared->region, compared->memory + offset);
    return true;
}

/// A byte of that memory. It may be poisoned by its allocator at the end of an episode, and is told all the same.
__attribute__((no_sanitize("address"))) static uint8_t byte_at(const struct compared *compared, size_t offset)
{
    return ((const volatile unsigned char *)compared->memory)[offset];
}

/// Counts the wrong bytes and finds the first and the last of them. @return false if none is wrong
static bool find_wrong(const struct compared *compared, struct steve_scene *scene)
{
    scene->wrong_bytes = 0;
    for (size_t offset = 0; offset < compared->bytes; offset++) {
        uint8_t expected;
        if (!compared->expected(compared, offset, &expected)) {
            offset = steve_shadow_next(compared->bytes, offset) - 1;
            continue;
        }
        if (byte_at(compared, offset) == expected) {
            continue;
        }
        if (scene->wrong_bytes++ == 0) {
            scene->first_wrong = offset;
        }
        scene->last_wrong = offset;
    }
    return scene->wrong_bytes > 0;
}

static void take_bytes(const struct compared *compared, enum steve_scene_dump dump, struct steve_scene *scene)
{
    if (!find_wrong(compared, scene)) {
        return;
    }
    size_t first = (size_t)scene->first_wrong;
    size_t begin = (first > BYTES_BEFORE ? first - BYTES_BEFORE : 0) & ~(size_t)15;
    scene->dump = dump;
    scene->dump_begin = begin;
    scene->dump_end = compared->bytes;
    for (size_t i = 0; i < STEVE_SCENE_BYTES && begin + i < compared->bytes; i++) {
        scene->compared[i] = compared->expected(compared, begin + i, &scene->expected[i]);
        // What was not compared was perhaps never touched: a page of its own would be made for it.
        scene->actual[i] = scene->compared[i] ? byte_at(compared, begin + i) : 0;
        scene->dump_count = (uint32_t)i + 1;
    }
}

static void take_block_bytes(const struct steve_exec *exec, struct steve_scene *scene, bool zero)
{
    const struct steve_slot *slot = &exec->slots[exec->finding.slot];
    if (!exec->finding.has_slot || !steve_slot_has_memory(slot) || slot->address == 0) {
        return;
    }
    const struct compared compared = {
        .memory = (const unsigned char *)slot->address,
        .bytes = slot->bytes,
        .expected = zero ? expected_zero : expected_contents,
        .stamp = slot->stamp,
    };
    take_bytes(&compared, STEVE_SCENE_OF_BLOCK, scene);
}

static void take_guard_bytes(const struct steve_exec *exec, struct steve_scene *scene)
{
    const struct steve_region *region = &exec->region;
    const unsigned char *end = region->base + region->bytes;
    struct compared compared = {.memory = region->open_begin, .expected = expected_guard, .region = region};
    compared.bytes = (size_t)(region->base - region->open_begin);
    take_bytes(&compared, STEVE_SCENE_OF_GUARD_BELOW, scene);
    if (scene->dump == STEVE_SCENE_NO_BYTES) {
        compared.memory = end;
        compared.bytes = (size_t)(region->open_end - end);
        take_bytes(&compared, STEVE_SCENE_OF_GUARD_ABOVE, scene);
    }
}

/// True if the finding comes from a comparison of this block's contents, which lies at its known address then. Others (a block
/// that cannot be locked, that has moved, or was dropped) say nothing about what may be read.
static bool has_compared(const struct steve_finding *finding)
{
    return strstr(finding->what, ", expected 0x") != NULL;
}

void steve_scene_take(struct steve_exec *exec, struct steve_scene *scene)
{
    assert(exec->found);
    if (exec->blames_rival) {
        exec = exec->rival;
    }

    uintptr_t base = (uintptr_t)exec->region.base;
    *scene = (struct steve_scene){
        .taken = true,
        .has_region = (exec->promises & STEVE_PROMISE_REGION) != 0,
        .heap_bytes = exec->heap_bytes,
        .live_blocks = exec->live_blocks,
        .locked_blocks = exec->locked_blocks,
        .purged_blocks = exec->purged_blocks,
        .live_bytes = exec->live_bytes,
    };
    if (scene->has_region) {
        scene->origin = base;
        scene->blocks_begin = exec->gaps && exec->first_arena.begin > base ? exec->first_arena.begin - base : 0;
    }
    take_blocks(exec, scene);
    const struct steve_finding *finding = &exec->finding;
    if (finding->oracle == STEVE_ORACLE_GUARD && scene->has_region) {
        take_guard_bytes(exec, scene);
    } else if (finding->oracle == STEVE_ORACLE_ZERO) {
        take_block_bytes(exec, scene, true);
    } else if (has_compared(finding)) {
        take_block_bytes(exec, scene, false);
    }
}
