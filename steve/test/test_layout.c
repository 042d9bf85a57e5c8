/// The layout against a model: a plain sorted array that is searched from end to end.
#include "steve/core/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS 65536u

struct model {
    struct steve_span spans[SLOTS];
    size_t count;
};

static struct steve_layout *layout;
static struct model *model;
static struct steve_span *scratch;

static int set_up(void **state)
{
    (void)state;
    layout = calloc(1, sizeof *layout);
    model = calloc(1, sizeof *model);
    scratch = calloc(SLOTS, sizeof *scratch);
    return layout == NULL || model == NULL || scratch == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    free(layout);
    free(model);
    free(scratch);
    return 0;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/// Block `slot` has its own cell of 64 bytes, somewhere in it.
static struct steve_span span_of(uint16_t slot, uint64_t random)
{
    uintptr_t begin = 0x100000 + (uintptr_t)slot * 64 + random % 16;
    return (struct steve_span){begin, begin + 1 + random / 16 % 48, slot};
}

static void model_insert(struct steve_span span)
{
    size_t i = model->count++;
    for (; i > 0 && model->spans[i - 1].begin > span.begin; i--) {
        model->spans[i] = model->spans[i - 1];
    }
    model->spans[i] = span;
}

static bool model_take(uint16_t slot, struct steve_span *span)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->spans[i].slot == slot) {
            *span = model->spans[i];
            memmove(&model->spans[i], &model->spans[i + 1], (--model->count - i) * sizeof *span);
            return true;
        }
    }
    return false;
}

static size_t model_gap(uintptr_t begin)
{
    size_t largest = 0;
    uintptr_t below = begin;
    for (size_t i = 0; i < model->count; i++) {
        size_t gap = model->spans[i].begin - below;
        largest = gap > largest ? gap : largest;
        below = model->spans[i].end;
    }
    return largest;
}

static void assert_as_model(void)
{
    assert_int_equal(layout->count, model->count);
    for (size_t rank = 0; rank < model->count; rank++) {
        assert_int_equal(steve_layout_at(layout, rank), model->spans[rank].slot);
    }
    assert_int_equal(steve_layout_largest_gap(layout, 0x100000), model_gap(0x100000));
    uintptr_t top = model->count == 0 ? 0x100000 : model->spans[model->count - 1].end;
    assert_int_equal(steve_layout_top(layout, 0x100000), top);
}

static void agrees_with_a_sorted_array(void **state)
{
    (void)state;
    uint64_t seed = 1;
    uint16_t other;
    for (size_t round = 0; round < 20000; round++) {
        uint16_t slot = (uint16_t)(next_random(&seed) % 700);
        struct steve_span span;
        if (model_take(slot, &span)) {
            assert_true(steve_layout_remove(layout, span.begin, slot));
            assert_false(steve_layout_remove(layout, span.begin, slot));
        } else {
            span = span_of(slot, next_random(&seed));
            assert_true(steve_layout_insert(layout, span, &other));
            model_insert(span);
        }
        if (round % 97 == 0) {
            assert_as_model();
        }
    }
}

static void never_runs_out_of_chunks(void **state)
{
    (void)state;
    uint16_t other;
    steve_layout_clear(layout);
    // Fill, thin out to one block in 40, fill again: many small chunks, unless they are merged.
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            uint16_t mixed = (uint16_t)(slot * 40503u);
            if (round == 0 || mixed % 40 != 0) {
                assert_true(steve_layout_insert(layout, span_of(mixed, 0), &other));
            }
        }
        assert_int_equal(layout->count, SLOTS);
        assert_true(layout->chunks <= STEVE_LAYOUT_CHUNKS);
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            if (slot % 40 != 0) {
                assert_true(steve_layout_remove(layout, span_of((uint16_t)slot, 0).begin, (uint16_t)slot));
            }
        }
        assert_true(layout->chunks <= 2 * layout->count / (STEVE_LAYOUT_FILL / 2) + 1);
    }
}

static void an_overlap_names_the_other_slot(void **state)
{
    (void)state;
    uint16_t other = 0;
    steve_layout_clear(layout);
    assert_true(steve_layout_insert(layout, (struct steve_span){100, 200, 1}, &other));
    assert_true(steve_layout_insert(layout, (struct steve_span){200, 300, 2}, &other));
    assert_false(steve_layout_insert(layout, (struct steve_span){299, 310, 3}, &other));
    assert_int_equal(other, 2);
    assert_false(steve_layout_insert(layout, (struct steve_span){90, 101, 4}, &other));
    assert_int_equal(other, 1);
    assert_false(steve_layout_insert(layout, (struct steve_span){120, 130, 5}, &other));
    assert_int_equal(other, 1);
}

static void empty_blocks_may_share_an_address(void **state)
{
    (void)state;
    uint16_t other;
    steve_layout_clear(layout);
    assert_true(steve_layout_insert(layout, (struct steve_span){100, 200, 1}, &other));
    for (uint16_t slot = 2; slot < 300; slot++) {
        assert_true(steve_layout_insert(layout, (struct steve_span){100, 100, slot}, &other));
    }
    for (uint16_t slot = 299; slot >= 1; slot--) {
        assert_true(steve_layout_remove(layout, 100, slot));
    }
    assert_int_equal(layout->count, 0);
}

static void knows_whether_a_place_is_shared(void **state)
{
    (void)state;
    uint16_t other;
    steve_layout_clear(layout);
    assert_false(steve_layout_is_shared(layout, 100, 1));
    assert_true(steve_layout_insert(layout, (struct steve_span){100, 100, 1}, &other));
    assert_false(steve_layout_is_shared(layout, 100, 1));
    assert_true(steve_layout_insert(layout, (struct steve_span){100, 200, 2}, &other));
    assert_true(steve_layout_is_shared(layout, 100, 1));
    assert_true(steve_layout_is_shared(layout, 100, 2));
    // In chunks of their own, too.
    steve_layout_clear(layout);
    for (uint16_t slot = 0; slot < 2 * STEVE_LAYOUT_FILL + 1; slot++) {
        assert_true(steve_layout_insert(layout, (struct steve_span){slot * 100u, slot * 100u + 60, slot}, &other));
    }
    for (uint16_t slot = 0; slot < 2 * STEVE_LAYOUT_FILL + 1; slot++) {
        assert_false(steve_layout_is_shared(layout, slot * 100u, slot));
        assert_true(steve_layout_is_shared(layout, slot * 100u, 1000));
    }
}

static void knows_what_lies_above(void **state)
{
    (void)state;
    uint16_t other;
    steve_layout_clear(layout);
    for (uint16_t slot = 0; slot < 200; slot++) {
        assert_true(steve_layout_insert(layout, (struct steve_span){slot * 100u, slot * 100u + 60, slot}, &other));
    }
    for (uint16_t slot = 0; slot < 199; slot++) {
        assert_int_equal(steve_layout_above(layout, slot * 100u, slot, 50000), slot * 100 + 100);
    }
    assert_int_equal(steve_layout_above(layout, 19900, 199, 50000), 50000);
}

static void sorting_and_rebuilding_keep_every_span(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t count = 0; count < 2000; count = count * 3 + 1) {
        model->count = 0;
        for (uint16_t slot = 0; slot < count; slot++) {
            model_insert(span_of(slot, 0));
        }
        memcpy(scratch, model->spans, count * sizeof *scratch);
        for (size_t i = 0; i + 1 < count; i += 1 + next_random(&seed) % 5) {
            size_t j = next_random(&seed) % count;
            struct steve_span span = scratch[i];
            scratch[i] = scratch[j];
            scratch[j] = span;
        }
        steve_spans_sort(scratch, scratch + SLOTS / 2, count);
        steve_layout_rebuild(layout, scratch, count);
        assert_as_model();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_sorted_array),
        cmocka_unit_test(never_runs_out_of_chunks),
        cmocka_unit_test(an_overlap_names_the_other_slot),
        cmocka_unit_test(empty_blocks_may_share_an_address),
        cmocka_unit_test(knows_whether_a_place_is_shared),
        cmocka_unit_test(knows_what_lies_above),
        cmocka_unit_test(sorting_and_rebuilding_keep_every_span),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
