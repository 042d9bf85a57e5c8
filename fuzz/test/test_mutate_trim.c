/// Trimming by records, alone and through the functions that afl-fuzz calls.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/mutate.h"
#include "fuzz/mutate_afl.h"
#include "fuzz/mutate_trim.h"
#include "steve/core/codec.h"

#define OPS  300u
#define SIZE (STEVE_BYTES_HEADER + OPS * STEVE_BYTES_RECORD)

/// A header, and mallocs each of a slot of its own.
static void fill(uint8_t bytes[SIZE])
{
    mutate_canonical(bytes, 0, STEVE_BYTES_HEADER);
    for (uint16_t i = 0; i < OPS; i++)
        steve_bytes_encode_op(steve_op_sized(STEVE_OP_MALLOC, i, i),
                              bytes + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD);
}

static bool has_slot(const uint8_t *bytes, size_t size, uint16_t slot)
{
    for (size_t at = STEVE_BYTES_HEADER; at < size; at += STEVE_BYTES_RECORD) {
        if (steve_bytes_decode_op(bytes + at).slot == slot)
            return true;
    }
    return false;
}

/// Whole records of the input behind its header, in their order.
static void assert_is_part(const uint8_t *part, size_t size, const uint8_t *whole)
{
    assert_memory_equal(part, whole, STEVE_BYTES_HEADER);
    assert_int_equal((size - STEVE_BYTES_HEADER) % STEVE_BYTES_RECORD, 0);
    int last = -1;
    for (size_t at = STEVE_BYTES_HEADER; at < size; at += STEVE_BYTES_RECORD) {
        const struct steve_op op = steve_bytes_decode_op(part + at);
        assert_int_equal(op.code, STEVE_OP_MALLOC);
        assert_true(op.slot > last);
        last = op.slot;
    }
}

/// Trims as afl-fuzz does, where an input is as good as another if it has the slots 17 and 250. @return what is left of it
static size_t trim(uint8_t bytes[SIZE])
{
    uint8_t original[SIZE];
    memcpy(original, bytes, SIZE);
    void *mutator = afl_custom_init(NULL, 1);
    assert_non_null(mutator);
    const int32_t steps = afl_custom_init_trim(mutator, bytes, SIZE);
    size_t size = SIZE;
    unsigned proposals = 0;
    for (int32_t step = 0; step < steps;) {
        uint8_t *out = NULL;
        const size_t shorter = afl_custom_trim(mutator, &out);
        assert_true(shorter < size);
        assert_is_part(out, shorter, original);
        const bool good = has_slot(out, shorter, 17) && has_slot(out, shorter, 250);
        if (good) {
            memcpy(bytes, out, shorter);
            size = shorter;
        }
        step = afl_custom_post_trim(mutator, good);
        assert_true(++proposals <= (unsigned)steps);
    }
    afl_custom_deinit(mutator);
    return size;
}

static void trimming_keeps_record_boundaries_and_what_matters(void **state)
{
    (void)state;
    uint8_t bytes[SIZE];
    fill(bytes);
    const size_t size = trim(bytes);
    assert_true(has_slot(bytes, size, 17) && has_slot(bytes, size, 250));
    assert_true(size <= STEVE_BYTES_HEADER + 8 * STEVE_BYTES_RECORD);
}

static void nothing_is_trimmed_from_a_header(void **state)
{
    (void)state;
    uint8_t bytes[SIZE];
    struct mutate_trim trim;
    fill(bytes);
    assert_int_equal(mutate_trim_begin(&trim, bytes, STEVE_BYTES_HEADER), 0);
    void *mutator = afl_custom_init(NULL, 1);
    assert_int_equal(afl_custom_init_trim(mutator, bytes, 3), 0);
    afl_custom_deinit(mutator);
}

static void two_passes_in_vain_are_the_last(void **state)
{
    (void)state;
    uint8_t bytes[SIZE];
    struct mutate_trim trim;
    fill(bytes);
    mutate_trim_begin(&trim, bytes, SIZE);
    unsigned proposals = 1;
    while (mutate_trim_next(&trim, false))
        proposals++;
    assert_in_range(proposals, 8 + 16, 9 + 17);

    // Once something goes, two more are made.
    mutate_trim_begin(&trim, bytes, SIZE);
    bool taken = true;
    for (proposals = 1; mutate_trim_next(&trim, taken); proposals++)
        taken = false;
    assert_in_range(proposals, 8 + 15 + 29, 9 + 17 + 33);
}

static void a_single_op_is_proposed_once_to_go(void **state)
{
    (void)state;
    uint8_t bytes[SIZE];
    uint8_t out[SIZE];
    struct mutate_trim trim;
    fill(bytes);
    assert_int_equal(mutate_trim_begin(&trim, bytes, STEVE_BYTES_HEADER + STEVE_BYTES_RECORD), 1);
    assert_int_equal(mutate_trim_propose(&trim, out), STEVE_BYTES_HEADER);
    assert_false(mutate_trim_next(&trim, false));
}

static void afl_gets_the_same_inputs_from_the_same_seed_and_none_beyond_max_size(void **state)
{
    (void)state;
    uint8_t bytes[SIZE];
    fill(bytes);
    void *a = afl_custom_init(NULL, 5);
    void *b = afl_custom_init(NULL, 5);
    unsigned changed = 0;
    for (unsigned i = 0; i < 500; i++) {
        uint8_t *from_a = NULL;
        uint8_t *from_b = NULL;
        const size_t max_size = SIZE - 100 + i;
        const size_t size = afl_custom_fuzz(a, bytes, SIZE, &from_a, i % 2 ? bytes : NULL, i % 2 ? SIZE : 0, max_size);
        assert_int_equal(size,
                         afl_custom_fuzz(b, bytes, SIZE, &from_b, i % 2 ? bytes : NULL, i % 2 ? SIZE : 0, max_size));
        assert_true(size <= max_size);
        assert_memory_equal(from_a, from_b, size);
        changed += size != SIZE || memcmp(from_a, bytes, size) != 0;
    }
    assert_true(changed > 400);
    afl_custom_deinit(a);
    afl_custom_deinit(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trimming_keeps_record_boundaries_and_what_matters),
        cmocka_unit_test(nothing_is_trimmed_from_a_header),
        cmocka_unit_test(two_passes_in_vain_are_the_last),
        cmocka_unit_test(a_single_op_is_proposed_once_to_go),
        cmocka_unit_test(afl_gets_the_same_inputs_from_the_same_seed_and_none_beyond_max_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
