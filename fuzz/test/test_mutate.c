/// The mutator: total, within its bounds, canonical, the same for the same seed; and each kind does what its name says.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/mutate.h"
#include "fuzz/mutate_internal.h"
#include "steve/core/codec.h"

#define CAPACITY 1024u
#define SEEDS    3000u
#define GUARD    0xa5u

/// Bytes with room to grow, and a guard behind that room.
struct input {
    uint8_t bytes[CAPACITY + 64];
    size_t size;
};

static struct steve_rng rng_of(uint64_t seed)
{
    struct steve_rng rng;
    steve_rng_seed(&rng, seed, 0, STEVE_STREAM_OPS);
    return rng;
}

static size_t ops_of(const struct input *input)
{
    return input->size < STEVE_BYTES_HEADER ? 0 : (input->size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
}

static struct steve_op op_of(const struct input *input, size_t i)
{
    return steve_bytes_decode_op(input->bytes + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD);
}

static void push(struct input *input, struct steve_op op)
{
    steve_bytes_encode_op(op, input->bytes + input->size);
    input->size += STEVE_BYTES_RECORD;
}

static struct input empty(void)
{
    struct input input = {.size = 0};
    memset(input.bytes, GUARD, sizeof input.bytes);
    input.size = mutate_canonical(input.bytes, 0, CAPACITY);
    return input;
}

/// Ten blocks of sizes that are all different, every second of them freed.
static struct input sample(void)
{
    struct input input = empty();
    for (uint16_t slot = 0; slot < 10; slot++)
        push(&input, steve_op_sized(STEVE_OP_MALLOC, slot, 100u * slot + 100));
    for (uint16_t slot = 0; slot < 10; slot += 2)
        push(&input, (struct steve_op){.code = STEVE_OP_FREE, .slot = slot});
    return input;
}

static struct input random_input(struct steve_rng *rng)
{
    struct input input = {.size = steve_rng_below(rng, CAPACITY + 1)};
    memset(input.bytes, GUARD, sizeof input.bytes);
    for (size_t i = 0; i < input.size; i++)
        input.bytes[i] = (uint8_t)steve_rng_below(rng, 256);
    return input;
}

static void assert_untouched_from(const struct input *input, size_t at)
{
    for (size_t i = at; i < sizeof input->bytes; i++)
        assert_int_equal(input->bytes[i], GUARD);
}

static void assert_canonical(const struct input *input)
{
    struct input again = *input;
    assert_int_equal(mutate_canonical(again.bytes, again.size, CAPACITY), input->size);
    assert_memory_equal(again.bytes, input->bytes, input->size);
    assert_int_equal(input->bytes[STEVE_BYTES_AT_VERSION], STEVE_BYTES_VERSION);
    for (size_t i = 0; i < ops_of(input); i++)
        assert_int_not_equal(op_of(input, i).code, STEVE_OP_NONE);
}

static bool same(const struct input *a, const struct input *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/// How often each op of `a` occurs in `b`, in sum: the number of ops of `a` if `b` has them all.
static size_t shared_ops(const struct input *a, const struct input *b)
{
    size_t shared = 0;
    for (size_t i = 0; i < ops_of(a); i++) {
        const struct steve_op op = op_of(a, i);
        for (size_t k = 0; k < ops_of(b); k++) {
            const struct steve_op other = op_of(b, k);
            if (memcmp(&op, &other, sizeof op) == 0) {
                shared++;
                break;
            }
        }
    }
    return shared;
}

static void any_bytes_become_canonical_ones_within_max_size(void **state)
{
    (void)state;
    struct steve_rng rng = rng_of(1);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct input input = random_input(&rng);
        const size_t size = input.size;
        const size_t max_size = size + steve_rng_below(&rng, (uint32_t)(CAPACITY - size) + 1);
        input.size = mutate(seed, input.bytes, size, max_size);
        assert_true(input.size <= max_size);
        assert_untouched_from(&input, max_size);
        if (max_size >= STEVE_BYTES_HEADER)
            assert_canonical(&input);
    }
}

static void spliced_bytes_are_canonical_and_within_max_size(void **state)
{
    (void)state;
    struct steve_rng rng = rng_of(2);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct input input = random_input(&rng);
        const struct input other = random_input(&rng);
        const size_t size = input.size;
        const size_t max_size = size + steve_rng_below(&rng, (uint32_t)(CAPACITY - size) + 1);
        input.size = mutate_splice(seed, input.bytes, size, max_size, other.bytes, other.size);
        assert_true(input.size <= max_size);
        assert_untouched_from(&input, max_size);
        if (max_size >= STEVE_BYTES_HEADER)
            assert_canonical(&input);
    }
}

static void every_kind_keeps_canonical_bytes_canonical_and_within_max_size(void **state)
{
    (void)state;
    struct steve_rng rng = rng_of(3);
    for (unsigned round = 0; round < SEEDS; round++) {
        struct input input = round % 2 == 0 ? sample() : random_input(&rng);
        const size_t max_size = CAPACITY - steve_rng_below(&rng, 3) * 300;
        input.size = mutate_canonical(input.bytes, input.size, max_size);
        memset(input.bytes + input.size, GUARD, sizeof input.bytes - input.size);
        const enum mutate_kind kind = (enum mutate_kind)(round % MUTATE_KIND_COUNT);
        input.size = mutate_one(kind, &rng, input.bytes, input.size, max_size);
        assert_true(input.size <= max_size);
        assert_untouched_from(&input, max_size);
        if (input.size >= STEVE_BYTES_HEADER)
            assert_canonical(&input);
    }
}

static void a_short_max_size_gives_the_beginning_of_a_header(void **state)
{
    (void)state;
    struct input input = sample();
    for (size_t max_size = 0; max_size < STEVE_BYTES_HEADER; max_size++) {
        struct input cut = input;
        assert_int_equal(mutate(7, cut.bytes, max_size, max_size), max_size);
        assert_memory_equal(cut.bytes, input.bytes, max_size);
    }
}

static void the_header_is_made_valid(void **state)
{
    (void)state;
    struct input input = {.size = STEVE_BYTES_HEADER};
    memset(input.bytes, 0xff, STEVE_BYTES_HEADER);
    input.size = mutate_canonical(input.bytes, input.size, CAPACITY);
    struct steve_header header;
    steve_bytes_decode_header(NULL, input.bytes, input.size, &header);
    assert_true(header.heap_bytes >= 1 && header.heap_bytes <= STEVE_HEAP_LIMIT);
    assert_true(header.dirty);
    assert_int_equal(header.base_offset, 0xffff);
    assert_int_equal(input.bytes[2], 1);
    assert_int_equal(input.bytes[15], 0);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    unsigned different = 0;
    for (unsigned seed = 0; seed < 200; seed++) {
        struct input a = sample();
        struct input b = sample();
        struct input c = sample();
        a.size = mutate(seed, a.bytes, a.size, CAPACITY);
        b.size = mutate(seed, b.bytes, b.size, CAPACITY);
        c.size = mutate(seed + 1, c.bytes, c.size, CAPACITY);
        assert_true(same(&a, &b));
        different += !same(&a, &c);
    }
    assert_true(different > 180);
}

/// Applies the kind with many seeds to the sample. `holds` must be true whenever the bytes are others afterwards.
/// @return how often they are
static unsigned happens(enum mutate_kind kind, bool (*holds)(const struct input *before, const struct input *after))
{
    unsigned count = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        const struct input before = sample();
        struct input after = before;
        struct steve_rng rng = rng_of(seed);
        after.size = mutate_one(kind, &rng, after.bytes, after.size, CAPACITY);
        if (same(&before, &after))
            continue;
        if (!holds(&before, &after))
            fail_msg("%s with seed %u does something else", mutate_kind_name(kind), seed);
        count++;
    }
    return count;
}

static bool is_longer(const struct input *before, const struct input *after)
{
    return ops_of(after) > ops_of(before) && shared_ops(before, after) == ops_of(before);
}

static bool has_lost_ops_alone(const struct input *before, const struct input *after)
{
    return ops_of(after) < ops_of(before) && shared_ops(after, before) == ops_of(after);
}

static bool has_the_same_ops(const struct input *before, const struct input *after)
{
    return ops_of(before) == ops_of(after) && shared_ops(before, after) == ops_of(before);
}

static bool has_one_other_op(const struct input *before, const struct input *after)
{
    unsigned changed = 0;
    for (size_t i = 0; i < ops_of(before); i++) {
        const struct steve_op a = op_of(before, i);
        const struct steve_op b = op_of(after, i);
        changed += memcmp(&a, &b, sizeof a) != 0;
    }
    return ops_of(before) == ops_of(after) && changed == 1;
}

/// The difference of two sizes that the sample has, or such a size, -1 to +1.
static bool has_a_neighbours_size(const struct input *before, const struct input *after)
{
    for (size_t i = 0; i < 10; i++) {
        const int off = (op_of(after, i).delta + 1) % 100;
        if (off > 2)
            return false;
    }
    return has_one_other_op(before, after);
}

static bool has_a_compaction(const struct input *before, const struct input *after)
{
    unsigned compactions = 0;
    for (size_t i = 0; i < ops_of(after); i++) {
        const enum steve_op_kind kind = steve_op_kind(op_of(after, i).code);
        compactions +=
            kind == STEVE_KIND_COMPACT || kind == STEVE_KIND_COMPACT_BUDGET || kind == STEVE_KIND_COMPACT_GOAL;
    }
    return compactions == 1 && ops_of(after) == ops_of(before) + 1;
}

static bool has_a_lock_and_a_later_unlock(const struct input *before, const struct input *after)
{
    size_t lock = SIZE_MAX;
    for (size_t i = 0; i < ops_of(after); i++) {
        const struct steve_op op = op_of(after, i);
        if (op.code == STEVE_OP_LOCK)
            lock = i;
        if (op.code == STEVE_OP_UNLOCK)
            return lock < i && op_of(after, lock).slot == op.slot && ops_of(after) == ops_of(before) + 2;
    }
    return false;
}

static bool has_another_header(const struct input *before, const struct input *after)
{
    return before->size == after->size && memcmp(before->bytes, after->bytes, STEVE_BYTES_HEADER) != 0 &&
           memcmp(before->bytes + STEVE_BYTES_HEADER, after->bytes + STEVE_BYTES_HEADER,
                  before->size - STEVE_BYTES_HEADER) == 0;
}

/// The sample's blocks are of 100 to 1000 bytes, 5500 in all.
static bool has_a_heap_that_is_full(const struct input *before, const struct input *after)
{
    struct steve_header header;
    steve_bytes_decode_header(NULL, after->bytes, after->size, &header);
    return header.heap_bytes > 100 && header.heap_bytes < 12000 && has_another_header(before, after);
}

static void every_kind_does_what_it_says(void **state)
{
    (void)state;
    static bool (*const what[MUTATE_KIND_COUNT])(const struct input *, const struct input *) = {
        [MUTATE_INSERT] = is_longer,
        [MUTATE_INSERT_RUN] = is_longer,
        [MUTATE_DELETE] = has_lost_ops_alone,
        [MUTATE_DUPLICATE] = is_longer,
        [MUTATE_SWAP] = has_the_same_ops,
        [MUTATE_MOVE] = has_the_same_ops,
        [MUTATE_CODE] = has_one_other_op,
        [MUTATE_SLOT] = has_one_other_op,
        [MUTATE_COPY_SIZE] = has_a_neighbours_size,
        [MUTATE_SNAP_SIZE] = has_one_other_op,
        [MUTATE_COMPACT] = has_a_compaction,
        [MUTATE_LOCK_PAIR] = has_a_lock_and_a_later_unlock,
        [MUTATE_PAUSE] = is_longer,
        [MUTATE_PRESSURE] = is_longer,
        [MUTATE_LARGE] = is_longer,
        [MUTATE_HOLE] = is_longer,
        [MUTATE_FIT] = has_a_heap_that_is_full,
        [MUTATE_HEADER] = has_another_header,
    };
    for (unsigned kind = 0; kind < MUTATE_KIND_COUNT; kind++) {
        const unsigned count = happens((enum mutate_kind)kind, what[kind]);
        if (count < 150)
            fail_msg("%s happens %u times of 300", mutate_kind_name((enum mutate_kind)kind), count);
    }
}

static void ops_stand_between_a_lock_and_its_unlock(void **state)
{
    (void)state;
    unsigned apart = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct input input = sample();
        struct steve_rng rng = rng_of(seed);
        input.size = mutate_one(MUTATE_LOCK_PAIR, &rng, input.bytes, input.size, CAPACITY);
        for (size_t i = 0; i + 2 < ops_of(&input); i++)
            apart += op_of(&input, i).code == STEVE_OP_LOCK && op_of(&input, i + 1).code != STEVE_OP_UNLOCK;
    }
    assert_true(apart > 150);
}

static void snapped_sizes_are_at_boundaries(void **state)
{
    (void)state;
    bool seen[256] = {false};
    for (unsigned seed = 0; seed < 2000; seed++) {
        struct input input = sample();
        struct steve_rng rng = rng_of(seed);
        mutate_one(MUTATE_SNAP_SIZE, &rng, input.bytes, input.size, CAPACITY);
        for (size_t i = 0; i < 10; i++)
            seen[op_of(&input, i).size_class] = true;
    }
    assert_true(seen[STEVE_SIZE_HEAP + 1] && seen[STEVE_SIZE_HEAP + 2] && seen[STEVE_SIZE_HEAP + 9]);
    assert_true(seen[STEVE_SIZE_POWER + 3] && seen[STEVE_SIZE_POWER + 17]);
    assert_true(seen[STEVE_SIZE_OF_SLOT] && seen[STEVE_SIZE_MAX]);
}

static void a_new_allocation_takes_an_empty_slot_and_a_new_free_a_live_one(void **state)
{
    (void)state;
    unsigned frees = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        const struct input before = sample();
        struct input after = before;
        struct steve_rng rng = rng_of(seed);
        after.size = mutate_one(MUTATE_INSERT, &rng, after.bytes, after.size, CAPACITY);
        size_t at = 0;
        while (at < ops_of(&before) &&
               memcmp(after.bytes + STEVE_BYTES_HEADER + at * STEVE_BYTES_RECORD,
                      before.bytes + STEVE_BYTES_HEADER + at * STEVE_BYTES_RECORD, STEVE_BYTES_RECORD) == 0)
            at++;
        if (at != 10 || ops_of(&after) != ops_of(&before) + 1)
            continue;
        // Behind all allocations and before all frees: slots 0 to 9 live.
        const struct steve_op op = op_of(&after, at);
        if (steve_op_kind(op.code) == STEVE_KIND_MALLOC)
            assert_true(op.slot > 9);
        if (op.code == STEVE_OP_FREE) {
            assert_true(op.slot <= 9);
            frees++;
        }
    }
    assert_true(frees > 0);
}

static void a_stale_ref_is_often_one_of_a_block_that_was_freed_just_now(void **state)
{
    (void)state;
    unsigned stale = 0;
    unsigned at_once = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct input input = sample();
        struct steve_rng rng = rng_of(seed);
        input.size = mutate_one(MUTATE_INSERT, &rng, input.bytes, input.size, CAPACITY);
        for (size_t i = 1; i < ops_of(&input); i++) {
            const struct steve_op op = op_of(&input, i);
            if (op.code < STEVE_OP_FREE_STALE || op.code > STEVE_OP_RESIZE_STALE)
                continue;
            stale++;
            at_once += op_of(&input, i - 1).code == STEVE_OP_FREE && op_of(&input, i - 1).slot == op.slot;
        }
    }
    assert_true(stale > 20);
    assert_true(at_once >= stale / 3);
}

static void splicing_renames_slots(void **state)
{
    (void)state;
    struct input other = empty();
    push(&other, steve_op_sized(STEVE_OP_CALLOC, 3, 7));
    push(&other,
         (struct steve_op){.code = STEVE_OP_RESIZE, .size_class = STEVE_SIZE_OF_SLOT, .slot = 3, .arg = 3, .delta = 1});
    push(&other, (struct steve_op){.code = STEVE_OP_VERIFY, .slot = 3});

    unsigned whole = 0;
    for (unsigned seed = 0; seed < 500; seed++) {
        struct input input = sample();
        input.size = mutate_splice(seed, input.bytes, input.size, CAPACITY, other.bytes, other.size);
        unsigned met = 0;
        for (size_t i = 0; i < ops_of(&input); i++) {
            const struct steve_op op = op_of(&input, i);
            if (op.code == STEVE_OP_MALLOC || op.code == STEVE_OP_FREE)
                continue;
            // Slot 3 is one of the sample's; 10 is the first that it does not use.
            assert_int_equal(op.slot, 10);
            if (op.code == STEVE_OP_RESIZE)
                assert_int_equal(op.arg, 10);
            met++;
        }
        whole += met == 3;
    }
    assert_true(whole > 50);
}

static void a_large_heap_becomes_a_small_one_most_often(void **state)
{
    (void)state;
    unsigned small = 0;
    unsigned kept = 0;
    for (unsigned seed = 0; seed < 400; seed++) {
        struct input input = sample();
        mutate_write_heap(input.bytes, 3 << 20);
        input.size = mutate(seed, input.bytes, input.size, CAPACITY);
        small += mutate_read_heap(input.bytes) <= 128u << 10;
        kept += mutate_read_heap(input.bytes) == 3u << 20;
    }
    assert_in_range(small, 280, 360);
    assert_in_range(kept, 20, 80);
}

static void a_full_input_is_mutated_without_growing(void **state)
{
    (void)state;
    unsigned changed = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        const struct input before = sample();
        struct input after = before;
        after.size = mutate(seed, after.bytes, after.size, before.size);
        assert_true(after.size <= before.size);
        changed += !same(&before, &after);
    }
    assert_true(changed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_become_canonical_ones_within_max_size),
        cmocka_unit_test(spliced_bytes_are_canonical_and_within_max_size),
        cmocka_unit_test(every_kind_keeps_canonical_bytes_canonical_and_within_max_size),
        cmocka_unit_test(a_short_max_size_gives_the_beginning_of_a_header),
        cmocka_unit_test(the_header_is_made_valid),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(every_kind_does_what_it_says),
        cmocka_unit_test(ops_stand_between_a_lock_and_its_unlock),
        cmocka_unit_test(snapped_sizes_are_at_boundaries),
        cmocka_unit_test(a_new_allocation_takes_an_empty_slot_and_a_new_free_a_live_one),
        cmocka_unit_test(a_stale_ref_is_often_one_of_a_block_that_was_freed_just_now),
        cmocka_unit_test(splicing_renames_slots),
        cmocka_unit_test(a_large_heap_becomes_a_small_one_most_often),
        cmocka_unit_test(a_full_input_is_mutated_without_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
