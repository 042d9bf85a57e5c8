/// What the shadow promises: contents come back byte for byte, and any wrong byte, shift, swap or stale write shows.
#include "steve/core/shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 700u

static void fills_exactly_its_bytes_at_any_length_and_address(void **state)
{
    (void)state;
    unsigned char memory[ROOM];
    struct steve_shadow_diff diff;
    for (size_t at = 16; at < 24; at++) {
        for (size_t bytes = 0; bytes < 300; bytes++) {
            memset(memory, 0xee, sizeof memory);
            steve_shadow_fill(memory + at, bytes, steve_shadow_stamp(bytes));
            assert_true(steve_shadow_same(memory + at, bytes, bytes, steve_shadow_stamp(bytes), &diff));
            assert_int_equal(memory[at - 1], 0xee);
            assert_int_equal(memory[at + bytes], 0xee);
        }
    }
}

static void reports_the_first_wrong_byte(void **state)
{
    (void)state;
    unsigned char memory[ROOM];
    uint64_t stamp = steve_shadow_stamp(7);
    for (size_t bytes = 1; bytes < 300; bytes += 13) {
        for (size_t wrong = 0; wrong < bytes; wrong++) {
            steve_shadow_fill(memory, bytes, stamp);
            unsigned char expected = memory[wrong];
            memory[wrong] ^= 0x40;
            memory[bytes - 1] ^= 0x01;
            struct steve_shadow_diff diff;
            assert_false(steve_shadow_same(memory, bytes, bytes, stamp, &diff));
            assert_int_equal(diff.offset, wrong);
            assert_int_equal(diff.expected, expected);
            assert_int_equal(diff.actual, memory[wrong]);
        }
    }
}

static void a_shrunk_block_is_compared_up_to_what_it_kept(void **state)
{
    (void)state;
    unsigned char memory[ROOM];
    struct steve_shadow_diff diff;
    steve_shadow_fill(memory, 200, 5);
    memory[150] ^= 1;
    assert_true(steve_shadow_same(memory, 200, 150, 5, &diff));
    assert_false(steve_shadow_same(memory, 200, 151, 5, &diff));
}

static void shifted_and_stale_contents_differ(void **state)
{
    (void)state;
    unsigned char memory[ROOM];
    struct steve_shadow_diff diff;
    uint64_t stamp = steve_shadow_stamp(1);
    steve_shadow_fill(memory, sizeof memory, stamp);
    for (size_t shift = 1; shift < 256; shift++) {
        assert_false(steve_shadow_same(memory + shift, 16, 16, stamp, &diff));
    }
    for (uint64_t other = 2; other < 1000; other++) {
        assert_false(steve_shadow_same(memory, 16, 16, steve_shadow_stamp(other), &diff));
    }
}

static void the_ends_are_the_first_and_last_bytes(void **state)
{
    (void)state;
    unsigned char memory[ROOM];
    struct steve_shadow_diff diff;
    for (size_t bytes = 1; bytes < 300; bytes++) {
        steve_shadow_fill(memory, bytes, 9);
        assert_true(steve_shadow_same_ends(memory, bytes, 9, &diff));
        memory[bytes - 1] ^= 1;
        assert_false(steve_shadow_same_ends(memory, bytes, 9, &diff));
        assert_int_equal(diff.offset, bytes - 1);
        memory[bytes - 1] ^= 1;
        memory[0] ^= 1;
        assert_false(steve_shadow_same_ends(memory, bytes, 9, &diff));
        assert_int_equal(diff.offset, 0);
    }
}

static void large_blocks_are_sampled_at_both_ends_and_between(void **state)
{
    (void)state;
    size_t bytes = 1000003;
    unsigned char *memory = calloc(1, bytes);
    assert_non_null(memory);
    struct steve_shadow_diff diff;
    steve_shadow_fill(memory, bytes, 3);
    assert_true(steve_shadow_same(memory, bytes, bytes, 3, &diff));
    size_t written = 0;
    for (size_t i = 0; i < bytes; i++) {
        written += memory[i] != 0;
    }
    assert_in_range(written, steve_shadow_cost(bytes) * 9 / 10, steve_shadow_cost(bytes) + 8);
    memory[bytes - 1] ^= 1;
    assert_false(steve_shadow_same(memory, bytes, bytes, 3, &diff));
    assert_int_equal(diff.offset, bytes - 1);
    assert_true(steve_shadow_same(memory, bytes, bytes - 1, 3, &diff));
    free(memory);
}

static void zero_is_told_from_a_single_wrong_byte(void **state)
{
    (void)state;
    unsigned char memory[ROOM] = {0};
    struct steve_shadow_diff diff;
    for (size_t bytes = 1; bytes < 200; bytes++) {
        assert_true(steve_shadow_zero(memory, bytes, &diff));
        memory[bytes - 1] = 4;
        assert_false(steve_shadow_zero(memory, bytes, &diff));
        assert_int_equal(diff.offset, bytes - 1);
        assert_int_equal(diff.actual, 4);
        memory[bytes - 1] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_exactly_its_bytes_at_any_length_and_address),
        cmocka_unit_test(reports_the_first_wrong_byte),
        cmocka_unit_test(a_shrunk_block_is_compared_up_to_what_it_kept),
        cmocka_unit_test(shifted_and_stale_contents_differ),
        cmocka_unit_test(the_ends_are_the_first_and_last_bytes),
        cmocka_unit_test(large_blocks_are_sampled_at_both_ends_and_between),
        cmocka_unit_test(zero_is_told_from_a_single_wrong_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
