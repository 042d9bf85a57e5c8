/// The form for fuzzers: total, local, stable, and canonical when written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "steve/test/codec_samples.h"

static struct steve_sequence decoded(const uint8_t *bytes, size_t count)
{
    struct steve_sequence sequence = {0};
    assert_true(steve_bytes_decode(&samples, bytes, count, &sequence));
    return sequence;
}

static struct steve_header decoded_header(const uint8_t *bytes, size_t count)
{
    struct steve_header header;
    steve_bytes_decode_header(&samples, bytes, count, &header);
    return header;
}

/// Random bytes of which some records make sense: half of the codes are those of ops.
static size_t random_bytes(uint64_t *random, uint8_t *bytes, size_t capacity)
{
    const size_t count = (size_t)(sample_random(random) % (capacity + 1));
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)sample_random(random);
    if (count > 1 && sample_random(random) % 2 == 0)
        bytes[1] = (uint8_t)(sample_random(random) % 3);
    for (size_t at = STEVE_BYTES_HEADER; at < count; at += STEVE_BYTES_RECORD) {
        if (sample_random(random) % 2 == 0)
            bytes[at] = sample_op(random).code;
    }
    return count;
}

static void no_bytes_are_an_empty_sequence_on_the_default_heap(void **state)
{
    (void)state;
    struct steve_sequence sequence = decoded(NULL, 0);
    assert_string_equal(sequence.header.driver, "");
    assert_int_equal(sequence.header.heap_bytes, STEVE_HEAP_DEFAULT);
    assert_int_equal(sequence.header.base_offset, 0);
    assert_int_equal(sequence.header.options, 0);
    assert_false(sequence.header.dirty);
    assert_int_equal(sequence.count, 0);
    steve_sequence_free(&sequence);
}

static void the_layout_is_the_documented_one(void **state)
{
    (void)state;
    const uint8_t bytes[] = {
        1,    1,    1,    2,    0x11, 0x22, 0x33, 0x44, 0x05, 0x00, 0x34, 0x12, 0, 0, 0, 0, // header
        0x10, 0x00, 0x02, 0x01, 0x64, 0x80, 0x01, 0x00,                                     // malloc s258 98404
        0x30, 0xc0, 0x03, 0x00, 0xff, 0xff, 0x09, 0x00,                                     // resize s3 size(s9)-1
    };
    struct steve_sequence sequence = decoded(bytes, sizeof bytes);
    assert_string_equal(sequence.header.driver, "jeff");
    assert_true(sequence.header.dirty);
    assert_int_equal(sequence.header.options, 2);
    assert_int_equal(sequence.header.heap_bytes, UINT64_C(0x0544332211));
    assert_int_equal(sequence.header.base_offset, 0x1234);
    assert_int_equal(sequence.count, 2);
    assert_true(sample_ops_equal(sequence.ops[0], steve_op_sized(STEVE_OP_MALLOC, 258, 98404)));
    assert_true(sample_ops_equal(
        sequence.ops[1],
        (struct steve_op){
            .code = STEVE_OP_RESIZE, .size_class = STEVE_SIZE_OF_SLOT, .slot = 3, .delta = -1, .arg = 9}));

    size_t count;
    uint8_t *again = steve_bytes_encode(&samples, &sequence, &count);
    assert_int_equal(count, sizeof bytes);
    assert_memory_equal(again, bytes, count);
    free(again);
    steve_sequence_free(&sequence);
}

static void every_heap_number_is_a_heap(void **state)
{
    (void)state;
    const struct {
        uint64_t number, heap;
    } cases[] = {
        {0, STEVE_HEAP_DEFAULT},
        {1, 1},
        {STEVE_HEAP_LIMIT, STEVE_HEAP_LIMIT},
        {STEVE_HEAP_LIMIT + 1, 1},
        {2 * STEVE_HEAP_LIMIT, STEVE_HEAP_DEFAULT},
        {UINT64_C(0xffffffffffff), STEVE_HEAP_LIMIT - 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[STEVE_BYTES_HEADER] = {0};
        for (unsigned byte = 0; byte < 6; byte++)
            bytes[4 + byte] = (uint8_t)(cases[i].number >> (8 * byte));
        assert_int_equal(decoded_header(bytes, sizeof bytes).heap_bytes, cases[i].heap);
    }
}

static void options_that_the_driver_lacks_are_dropped(void **state)
{
    (void)state;
    const uint8_t jeff[STEVE_BYTES_HEADER] = {1, 1, 0, 0xff};
    const uint8_t libc[STEVE_BYTES_HEADER] = {1, 2, 0, 0xff};
    const uint8_t unknown[STEVE_BYTES_HEADER] = {1, 99, 0, 0xff};
    assert_int_equal(decoded_header(jeff, sizeof jeff).options, 3);
    assert_int_equal(decoded_header(libc, sizeof libc).options, 0);
    assert_int_equal(decoded_header(unknown, sizeof unknown).options, 0);
    assert_string_equal(decoded_header(unknown, sizeof unknown).driver, "");
}

static void a_driver_without_a_number_leaves_no_trace_in_bytes(void **state)
{
    (void)state;
    const struct steve_sequence sequence = {.header = {.driver = "./mine.so", .heap_bytes = 4096, .options = 1}};
    size_t count;
    uint8_t *bytes = steve_bytes_encode(&samples, &sequence, &count);
    assert_int_equal(count, STEVE_BYTES_HEADER);
    assert_int_equal(bytes[1], 0);
    assert_int_equal(bytes[3], 0);
    free(bytes);
}

static void without_a_catalog_no_driver_is_known(void **state)
{
    (void)state;
    const uint8_t jeff[STEVE_BYTES_HEADER] = {1, 1, 0, 0xff};
    struct steve_header header;
    steve_bytes_decode_header(NULL, jeff, sizeof jeff, &header);
    assert_string_equal(header.driver, "");
    assert_int_equal(header.options, 0);
}

static void a_partial_record_is_ignored(void **state)
{
    (void)state;
    uint8_t bytes[STEVE_BYTES_HEADER + 2 * STEVE_BYTES_RECORD] = {0};
    bytes[STEVE_BYTES_HEADER] = STEVE_OP_CHECK;
    bytes[STEVE_BYTES_HEADER + STEVE_BYTES_RECORD] = STEVE_OP_DRAIN;
    for (size_t count = 0; count <= sizeof bytes; count++) {
        struct steve_sequence sequence = decoded(bytes, count);
        assert_int_equal(sequence.count, count < 24 ? 0 : count < 32 ? 1 : 2);
        steve_sequence_free(&sequence);
    }
}

static void records_mean_the_same_wherever_they_stand(void **state)
{
    (void)state;
    uint64_t random = 3;
    uint8_t bytes[STEVE_BYTES_HEADER + 20 * STEVE_BYTES_RECORD];
    for (unsigned i = 0; i < 1000; i++) {
        for (size_t at = 0; at < sizeof bytes; at++)
            bytes[at] = (uint8_t)sample_random(&random);
        const size_t cut = STEVE_BYTES_HEADER + (size_t)(sample_random(&random) % 20) * STEVE_BYTES_RECORD;
        bytes[cut] = STEVE_OP_CHECK;
        struct steve_sequence whole = decoded(bytes, sizeof bytes);
        memmove(bytes + cut, bytes + cut + STEVE_BYTES_RECORD, sizeof bytes - cut - STEVE_BYTES_RECORD);
        struct steve_sequence shorter = decoded(bytes, sizeof bytes - STEVE_BYTES_RECORD);

        assert_int_equal(shorter.count + 1, whole.count);
        size_t removed = 0;
        while (removed < shorter.count && sample_ops_equal(whole.ops[removed], shorter.ops[removed]))
            removed++;
        for (size_t at = removed; at < shorter.count; at++)
            assert_true(sample_ops_equal(whole.ops[at + 1], shorter.ops[at]));
        steve_sequence_free(&whole);
        steve_sequence_free(&shorter);
    }
}

static void any_bytes_are_canonical_after_one_trip(void **state)
{
    (void)state;
    uint64_t random = 4;
    uint8_t bytes[200];
    struct steve_sequence first = {0};
    struct steve_sequence second = {0};
    for (unsigned i = 0; i < 100000; i++) {
        const size_t count = random_bytes(&random, bytes, sizeof bytes);
        assert_true(steve_bytes_decode(&samples, bytes, count, &first));
        size_t once_count;
        uint8_t *once = steve_bytes_encode(&samples, &first, &once_count);
        assert_true(steve_bytes_decode(&samples, once, once_count, &second));
        size_t twice_count;
        uint8_t *twice = steve_bytes_encode(&samples, &second, &twice_count);

        assert_true(sample_sequences_equal(&first, &second));
        assert_int_equal(once_count, twice_count);
        assert_memory_equal(once, twice, once_count);
        assert_int_equal(once_count, STEVE_BYTES_HEADER + first.count * STEVE_BYTES_RECORD);
        free(once);
        free(twice);
    }
    steve_sequence_free(&first);
    steve_sequence_free(&second);
}

static void encoding_drops_dead_ops_and_unused_fields(void **state)
{
    (void)state;
    struct steve_op ops[] = {
        {.code = 0xee, .slot = 1},
        {.code = STEVE_OP_FREE, .size_class = 7, .slot = 2, .delta = 8, .arg = 9},
        {.code = STEVE_OP_NONE},
    };
    const struct steve_sequence sequence = {.header = {.heap_bytes = 1}, .ops = ops, .count = 3};
    const uint8_t expected[STEVE_BYTES_RECORD] = {STEVE_OP_FREE, 0, 2};
    size_t count;
    uint8_t *bytes = steve_bytes_encode(&samples, &sequence, &count);
    assert_int_equal(count, STEVE_BYTES_HEADER + STEVE_BYTES_RECORD);
    assert_memory_equal(bytes + STEVE_BYTES_HEADER, expected, sizeof expected);
    free(bytes);
}

static void drivers_are_found_by_name_and_number(void **state)
{
    (void)state;
    assert_ptr_equal(steve_catalog_by_name(&samples, "libc"), &sample_libc);
    assert_ptr_equal(steve_catalog_by_wire(&samples, 1), &sample_jeff);
    assert_null(steve_catalog_by_name(&samples, "jef"));
    assert_null(steve_catalog_by_name(&samples, ""));
    assert_null(steve_catalog_by_wire(&samples, 0));
    assert_null(steve_catalog_by_wire(&samples, 3));
    assert_null(steve_catalog_by_name(NULL, "jeff"));
    assert_null(steve_catalog_by_wire(NULL, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bytes_are_an_empty_sequence_on_the_default_heap),
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(every_heap_number_is_a_heap),
        cmocka_unit_test(options_that_the_driver_lacks_are_dropped),
        cmocka_unit_test(a_driver_without_a_number_leaves_no_trace_in_bytes),
        cmocka_unit_test(without_a_catalog_no_driver_is_known),
        cmocka_unit_test(a_partial_record_is_ignored),
        cmocka_unit_test(records_mean_the_same_wherever_they_stand),
        cmocka_unit_test(any_bytes_are_canonical_after_one_trip),
        cmocka_unit_test(encoding_drops_dead_ops_and_unused_fields),
        cmocka_unit_test(drivers_are_found_by_name_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
