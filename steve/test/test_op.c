/// What ops are: codes, kinds, canonical form. And sequences of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steve/test/codec_samples.h"

static void kinds_and_names_are_distinct(void **state)
{
    (void)state;
    for (unsigned a = 0; a < STEVE_KIND_COUNT; a++) {
        assert_true(steve_op_kind_name((enum steve_op_kind)a)[0] != '\0');
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(steve_op_kind_name((enum steve_op_kind)a),
                                    steve_op_kind_name((enum steve_op_kind)b));
    }
}

static void every_kind_has_a_code(void **state)
{
    (void)state;
    bool has_code[STEVE_KIND_COUNT] = {false};
    for (unsigned code = 0; code < 256; code++)
        has_code[steve_op_kind((uint8_t)code)] = true;
    for (unsigned kind = 0; kind < STEVE_KIND_COUNT; kind++)
        assert_true(has_code[kind]);
}

static void codes_not_in_use_do_nothing(void **state)
{
    (void)state;
    const uint8_t unused[] = {0x00, 0x01, 0x0f, 0x12, 0x1f, 0x31, 0x39, 0x43, 0x4a, 0x52, 0x63, 0x6a, 0x7d, 0x80, 0xff};
    for (size_t i = 0; i < sizeof unused; i++) {
        const struct steve_op op = {.code = unused[i], .size_class = 1, .slot = 2, .delta = 3, .arg = 4};
        assert_int_equal(steve_op_kind(unused[i]), STEVE_KIND_NONE);
        assert_true(sample_ops_equal(steve_op_canonical(op), (struct steve_op){0}));
    }
}

static void canonical_form_is_a_fixed_point(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (unsigned i = 0; i < 100000; i++) {
        const struct steve_op once = steve_op_canonical(sample_op(&random));
        assert_true(sample_ops_equal(steve_op_canonical(once), once));
    }
}

static void canonical_form_clears_what_is_not_used(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (unsigned i = 0; i < 100000; i++) {
        const struct steve_op op = steve_op_canonical(sample_op(&random));
        if (!steve_op_uses_slot(op.code))
            assert_int_equal(op.slot, 0);
        if (steve_op_uses_size(op.code))
            continue;
        assert_int_equal(op.size_class, 0);
        assert_int_equal(op.delta, 0);
        if (steve_op_uses_bit(op.code))
            assert_in_range(op.arg, 0, 63);
        else
            assert_int_equal(op.arg, 0);
    }
}

static void assert_folds(uint8_t from, uint8_t to, bool keeps_arg)
{
    const struct steve_op op = steve_op_canonical(
        (struct steve_op){.code = STEVE_OP_MALLOC, .size_class = from, .slot = 3, .delta = -5, .arg = 77});
    assert_int_equal(op.size_class, to);
    assert_int_equal(op.slot, 3);
    assert_int_equal(op.delta, -5);
    assert_int_equal(op.arg, keeps_arg ? 77 : 0);
}

static void size_classes_fold_to_the_first_of_their_range(void **state)
{
    (void)state;
    for (unsigned low = 0; low < 0x40; low++) {
        assert_folds((uint8_t)low, STEVE_SIZE_ABSOLUTE, true);
        assert_folds((uint8_t)(STEVE_SIZE_POWER + low), (uint8_t)(STEVE_SIZE_POWER + low), false);
        assert_folds((uint8_t)(STEVE_SIZE_HEAP + low), (uint8_t)(STEVE_SIZE_HEAP + (low == 0 ? 1 : low)), false);
    }
    for (unsigned low = 0; low < 0x20; low++) {
        assert_folds((uint8_t)(STEVE_SIZE_OF_SLOT + low), STEVE_SIZE_OF_SLOT, true);
        assert_folds((uint8_t)(STEVE_SIZE_MAX + low), STEVE_SIZE_MAX, false);
    }
}

static void a_budget_is_always_absolute(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < 256; size_class++) {
        const struct steve_op op = steve_op_canonical((struct steve_op){
            .code = STEVE_OP_COMPACT_BUDGET, .size_class = (uint8_t)size_class, .slot = 9, .delta = 20, .arg = 1});
        assert_true(sample_ops_equal(op, steve_op_sized(STEVE_OP_COMPACT_BUDGET, 0, 65556)));
    }
}

static void a_sized_op_has_the_bits_of_its_size(void **state)
{
    (void)state;
    const uint32_t sizes[] = {0, 1, 100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x18000, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct steve_op op = steve_op_sized(STEVE_OP_MALLOC, 4, sizes[i]);
        assert_int_equal((uint32_t)op.arg * 65536u + (uint16_t)op.delta, sizes[i]);
        assert_true(sample_ops_equal(steve_op_canonical(op), op));
    }
}

static void a_sequence_keeps_what_is_pushed(void **state)
{
    (void)state;
    struct steve_sequence sequence = {0};
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(steve_sequence_push(&sequence, steve_op_sized(STEVE_OP_MALLOC, (uint16_t)i, i)));
    assert_int_equal(sequence.count, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(sample_ops_equal(sequence.ops[i], steve_op_sized(STEVE_OP_MALLOC, (uint16_t)i, i)));
    steve_sequence_free(&sequence);
    assert_null(sequence.ops);
    assert_int_equal(sequence.count, 0);
}

static void a_sequence_too_large_for_memory_is_refused_unchanged(void **state)
{
    (void)state;
    struct steve_sequence sequence = {0};
    assert_true(steve_sequence_push(&sequence, steve_op_sized(STEVE_OP_MALLOC, 0, 1)));
    assert_false(steve_sequence_reserve(&sequence, SIZE_MAX));
    assert_false(steve_sequence_reserve(&sequence, SIZE_MAX / sizeof(struct steve_op) + 1));
    assert_int_equal(sequence.count, 1);
    assert_int_equal(sequence.ops[0].code, STEVE_OP_MALLOC);
    steve_sequence_free(&sequence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_names_are_distinct),
        cmocka_unit_test(every_kind_has_a_code),
        cmocka_unit_test(codes_not_in_use_do_nothing),
        cmocka_unit_test(canonical_form_is_a_fixed_point),
        cmocka_unit_test(canonical_form_clears_what_is_not_used),
        cmocka_unit_test(size_classes_fold_to_the_first_of_their_range),
        cmocka_unit_test(a_budget_is_always_absolute),
        cmocka_unit_test(a_sized_op_has_the_bits_of_its_size),
        cmocka_unit_test(a_sequence_keeps_what_is_pushed),
        cmocka_unit_test(a_sequence_too_large_for_memory_is_refused_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
