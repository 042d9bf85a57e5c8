/// Tests of the small scope: that it holds every sequence, none twice, and none that is another one with its slots renamed. The yardstick is brute
/// force: all words over the alphabet, run on the executor, which knows best whether an op applies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "steve/drivers/drivers.h"
#include "steve/gen/exhaustive.h"

/// Words of three ops over 39 letters are 59319 runs.
#define LONGEST 3u

struct set {
    uint32_t keys[65536];
    size_t count;
};

static struct set numbered, forced;

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void put(struct set *set, uint32_t key)
{
    assert_true(set->count < sizeof set->keys / sizeof set->keys[0]);
    set->keys[set->count++] = key;
}

static struct steve_exec *begin(const struct steve_exhaustive *all, struct steve_exec *exec)
{
    const char *why = NULL;
    if (exec == NULL) {
        exec = steve_exec_new(&(struct steve_exec_config){.driver = all->driver, .level = STEVE_CHECK_LIGHT}, &why);
        assert_non_null(exec);
    }
    assert_true(steve_exec_begin(exec, &all->header, &why));
    return exec;
}

static unsigned letter_of(const struct steve_exhaustive *all, struct steve_op op)
{
    unsigned letter = 0;
    while (memcmp(&all->ops[letter], &op, sizeof op) != 0) {
        letter++;
    }
    return letter;
}

/// Runs a numbered sequence. @return its key; 0 if it proves void
static uint32_t run_numbered(struct steve_exhaustive *all, struct steve_exec *exec, uint64_t number)
{
    uint32_t key = 0;
    unsigned length = steve_exhaustive_begin(all, number);
    assert_int_equal(length, steve_exhaustive_length(all, number));
    begin(all, exec);
    for (unsigned i = 0; i < length; i++) {
        struct steve_op op = steve_exhaustive_next(all, i, exec);
        if (op.code == STEVE_OP_NONE) {
            return 0;
        }
        enum steve_outcome outcome = steve_exec_step(exec, op);
        assert_true(outcome == STEVE_DONE || outcome == STEVE_REFUSED);
        key = key * 64 + letter_of(all, op) + 1;
    }
    return key;
}

static bool is_request(struct steve_op op)
{
    return op.code >= STEVE_OP_MALLOC && op.code <= STEVE_OP_ALIGNED_LAST;
}

/// Runs a word. @return false if an op does not apply, or a block does not go to the lowest empty slot
static bool run_word(const struct steve_exhaustive *all, struct steve_exec *exec, const unsigned *letters,
                     unsigned length)
{
    begin(all, exec);
    for (unsigned i = 0; i < length; i++) {
        struct steve_op op = all->ops[letters[i]];
        if (is_request(op) && op.slot == 1 && !steve_view_live(exec, 0)) {
            return false;
        }
        if (steve_exec_step(exec, op) == STEVE_SKIPPED) {
            return false;
        }
    }
    return true;
}

static void force(const struct steve_exhaustive *all, struct steve_exec *exec, unsigned *letters, unsigned length)
{
    if (length > 0) {
        if (!run_word(all, exec, letters, length)) {
            return;
        }
        uint32_t key = 0;
        for (unsigned i = 0; i < length; i++) {
            key = key * 64 + letters[i] + 1;
        }
        put(&forced, key);
    }
    for (unsigned letter = 0; length < LONGEST && letter < all->op_count; letter++) {
        letters[length] = letter;
        force(all, exec, letters, length + 1);
    }
}

static void check_driver(const char *name)
{
    struct steve_exhaustive all;
    const struct steve_driver *driver = steve_catalog_by_name(&steve_drivers, name);
    assert_non_null(driver);
    steve_exhaustive_init(&all, driver, LONGEST, 0);
    struct steve_exec *exec = begin(&all, NULL);

    numbered.count = 0;
    forced.count = 0;
    for (uint64_t i = 0; i < steve_exhaustive_count(&all); i++) {
        uint32_t key = run_numbered(&all, exec, i);
        if (key != 0) {
            put(&numbered, key);
        }
    }
    unsigned letters[LONGEST];
    force(&all, exec, letters, 0);
    steve_exec_free(exec);

    qsort(numbered.keys, numbered.count, sizeof numbered.keys[0], compare);
    qsort(forced.keys, forced.count, sizeof forced.keys[0], compare);
    assert_true(forced.count > 1000);
    assert_int_equal(numbered.count, forced.count);
    assert_memory_equal(numbered.keys, forced.keys, forced.count * sizeof forced.keys[0]);
}

static void holds_every_sequence_once(void **state)
{
    (void)state;
    check_driver("jeff");
    check_driver("jeff-mapped");
    check_driver("libc");
    check_driver("hostile");
}

static void shorter_ones_come_first(void **state)
{
    (void)state;
    struct steve_exhaustive all;
    unsigned before = 1;
    steve_exhaustive_init(&all, steve_drivers.drivers[0], LONGEST, 0);
    for (uint64_t i = 0; i < steve_exhaustive_count(&all); i++) {
        unsigned length = steve_exhaustive_length(&all, i);
        assert_true(length >= before);
        before = length;
    }
    assert_int_equal(before, LONGEST);
}

static void the_longest_scope_can_be_numbered(void **state)
{
    (void)state;
    struct steve_exhaustive all;
    steve_exhaustive_init(&all, steve_drivers.drivers[0], STEVE_EXHAUSTIVE_MOST, 0);
    uint64_t count = steve_exhaustive_count(&all);
    assert_true(count > UINT64_C(1000000000));
    assert_int_equal(steve_exhaustive_begin(&all, count - 1), STEVE_EXHAUSTIVE_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_every_sequence_once),
        cmocka_unit_test(shorter_ones_come_first),
        cmocka_unit_test(the_longest_scope_can_be_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
