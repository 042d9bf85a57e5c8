/// The scene of a finding: taken from the executor when an oracle breaks, and drawn for a person.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/exec.h"
#include "steve/core/scene.h"
#include "steve/core/shadow.h"
#include "steve/drivers/drivers.h"
#include "steve/report/picture.h"

/// Carries out ops on a driver until one finds something. @return its finding and scene
static void find(const struct steve_driver *driver, const struct steve_op *ops, size_t count,
                 struct steve_finding *finding, struct steve_scene *scene)
{
    const char *why;
    struct steve_exec *exec =
        steve_exec_new(&(struct steve_exec_config){.driver = driver, .level = STEVE_CHECK_PARANOID}, &why);
    assert_non_null(exec);
    assert_true(steve_exec_begin(exec, &(struct steve_header){.heap_bytes = 4096}, &why));
    enum steve_outcome outcome = STEVE_DONE;
    for (size_t i = 0; i < count && outcome != STEVE_FOUND; i++) {
        outcome = steve_exec_step(exec, ops[i]);
    }
    assert_int_equal(outcome, STEVE_FOUND);
    *finding = *steve_exec_finding(exec);
    steve_scene_take(exec, scene);
    steve_exec_free(exec);
}

/// A block that is written behind Steve's back.
static void *scribbled;

static enum steve_lock_result lock_and_scribble(void *heap, steve_ref ref, void **address)
{
    enum steve_lock_result result = steve_driver_jeff.lock(heap, ref, address);
    if (scribbled == NULL) {
        scribbled = *address;
    } else if (*address == scribbled) {
        ((unsigned char *)*address)[20] ^= 0xff;
    }
    return result;
}

static void wrong_bytes_are_taken(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_jeff;
    driver.lock = lock_and_scribble;
    driver.weak_lock = NULL;
    scribbled = NULL;
    const struct steve_op ops[] = {
        steve_op_sized(STEVE_OP_MALLOC, 3, 100),
        steve_op_sized(STEVE_OP_MALLOC, 5, 200),
        {.code = STEVE_OP_VERIFY, .slot = 3},
    };
    struct steve_finding finding;
    struct steve_scene scene;
    find(&driver, ops, 3, &finding, &scene);

    assert_int_equal(finding.oracle, STEVE_ORACLE_CONTENT);
    assert_true(scene.taken && scene.has_region);
    assert_int_equal(scene.dump, STEVE_SCENE_OF_BLOCK);
    assert_int_equal(scene.first_wrong, 20);
    assert_int_equal(scene.last_wrong, 20);
    assert_int_equal(scene.wrong_bytes, 1);
    assert_int_equal(scene.actual[20] ^ scene.expected[20], 0xff);
    assert_int_equal(scene.dump_end, 100);
}

static void blocks_are_taken_in_address_order(void **state)
{
    (void)state;
    struct steve_driver driver = steve_driver_jeff;
    driver.lock = lock_and_scribble;
    driver.weak_lock = NULL;
    scribbled = NULL;
    const struct steve_op ops[] = {
        steve_op_sized(STEVE_OP_MALLOC, 9, 100),
        steve_op_sized(STEVE_OP_MALLOC, 2, 200),
        {.code = STEVE_OP_VERIFY, .slot = 9},
    };
    struct steve_finding finding;
    struct steve_scene scene;
    find(&driver, ops, 3, &finding, &scene);

    assert_true(scene.count >= 1);
    assert_int_equal(scene.blocks[0].slot, 9);
    for (size_t i = 1; i < scene.count; i++) {
        assert_true(scene.blocks[i].begin >= scene.blocks[i - 1].begin + scene.blocks[i - 1].extent);
    }
    assert_true(scene.blocks[0].begin >= scene.blocks_begin);
}

/// What the shadow says of a byte is what it would write there.
static void shadow_bytes_are_those_written(void **state)
{
    (void)state;
    static unsigned char block[100000];
    const size_t sizes[] = {1, 7, 8, 333, 65536, 65537, sizeof block};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t written = 0;
        memset(block, 0, sizeof block);
        steve_shadow_fill(block, sizes[i], 77);
        for (size_t at = 0; at < sizes[i]; at++) {
            uint8_t expected = 0;
            written += steve_shadow_byte(sizes[i], 77, at, &expected);
            assert_int_equal(block[at], expected);
        }
        assert_in_range(written, steve_shadow_cost(sizes[i]),
                        steve_shadow_cost(sizes[i]) + 7); // the tail begins at a word
    }
}

/// What a part of a report looks like, until the next call.
static const char *print(void (*part)(FILE *, const struct steve_scene *, const struct steve_finding *),
                         const struct steve_scene *scene, const struct steve_finding *finding)
{
    static char text[32768];
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    part(out, scene, finding);
    fclose(out);
    return text;
}

static const struct steve_scene drawn = {
    .taken = true,
    .has_region = true,
    .heap_bytes = 1024,
    .blocks_begin = 256,
    .live_blocks = 3,
    .count = 3,
    .blocks = {{.begin = 256, .extent = 128, .first = 256, .bytes = 120, .slot = 1, .locks = 2},
               {.begin = 384, .extent = 128, .first = 384, .bytes = 100, .slot = 7},
               {.begin = 640, .extent = 160, .first = 656, .bytes = 140, .slot = 4}},
};

static void picture_is_to_scale(void **state)
{
    (void)state;
    struct steve_finding finding = {.oracle = STEVE_ORACLE_CONTENT, .has_slot = true, .slot = 4};
    const char *text = print(steve_print_picture, &drawn, &finding);
    // 16 bytes a column: 16 of the heap's own, 8 and 8 for blocks, 8 free, 10 for the block of the finding, 14 free.
    assert_non_null(strstr(text, "0x000000  ::::::::::::::::[s1####][s7----]........[s4******].............."));
}

static void overlap_is_marked(void **state)
{
    (void)state;
    struct steve_scene scene = drawn;
    scene.blocks[1].begin = 320;
    struct steve_finding finding = {.oracle = STEVE_ORACLE_OVERLAP, .has_slot = true, .slot = 4};
    const char *text = print(steve_print_picture, &scene, &finding);
    assert_non_null(strstr(text, "!"));
    assert_non_null(strchr(strstr(text, "0x000000"), '!'));
}

/// Also where both lie in one column.
static void an_overlap_of_a_byte_is_marked(void **state)
{
    (void)state;
    struct steve_scene scene = drawn;
    scene.blocks[0].extent = 129;
    struct steve_finding finding = {.oracle = STEVE_ORACLE_OVERLAP, .has_slot = true, .slot = 7};
    const char *text = print(steve_print_picture, &scene, &finding);
    assert_non_null(strstr(text, "0x000000  ::::::::::::::::[s1#####!s7****]........[s4------].............."));
    scene = drawn;
    text = print(steve_print_picture, &scene, &finding);
    assert_null(strchr(strstr(text, "0x000000"), '!'));
}

/// Of a driver that states neither extents nor an arena nobody knows what a gap is.
static void what_is_not_known_to_be_free_is_not_called_so(void **state)
{
    (void)state;
    struct steve_scene scene = drawn;
    scene.blocks_begin = 0;
    struct steve_finding finding = {.oracle = STEVE_ORACLE_CONTENT, .has_slot = true, .slot = 4};
    assert_non_null(strstr(print(steve_print_blocks, &scene, &finding), "128  free, or the heap's own\n"));
    assert_non_null(strstr(print(steve_print_blocks, &drawn, &finding), "128  free\n"));
}

static void table_names_blocks_and_free_runs(void **state)
{
    (void)state;
    struct steve_finding finding = {.oracle = STEVE_ORACLE_CONTENT, .has_slot = true, .slot = 4};
    const char *text = print(steve_print_blocks, &drawn, &finding);
    assert_non_null(strstr(text, "locked 2 times"));
    assert_non_null(strstr(text, "0x000200         128  free"));
    assert_non_null(strstr(text, "> 0x000280         160  s4"));
    assert_null(strstr(text, "> 0x000100"));
}

/// A heap of one tiny block, or of none, has a picture too; so has one whose block lies nowhere near it.
static void odd_scenes_are_printed(void **state)
{
    (void)state;
    struct steve_finding finding = {.oracle = STEVE_ORACLE_BOUNDS, .has_slot = true, .slot = 0};
    struct steve_scene scenes[] = {
        {.taken = true, .has_region = true, .heap_bytes = 1},
        {.taken = true},
        {.taken = true,
         .has_region = true,
         .heap_bytes = 64,
         .count = 1,
         .blocks = {{.begin = UINT64_MAX - 99, .extent = 64}}},
        {.taken = true,
         .has_region = true,
         .heap_bytes = UINT64_C(1) << 40,
         .count = 1,
         .blocks = {{.begin = 16, .extent = 16}}},
        // Extents as a driver may state them: up to the end of all addresses, and beyond.
        {.taken = true,
         .has_region = true,
         .heap_bytes = 64,
         .count = 1,
         .blocks = {{.begin = 16, .extent = UINT64_MAX - 15}}},
        {.taken = true, .count = 1, .blocks = {{.begin = 0, .extent = UINT64_MAX}}},
        {.taken = true,
         .has_region = true,
         .heap_bytes = 4096,
         .left_out_below = 1,
         .count = 2,
         .blocks = {{.begin = 512, .extent = UINT64_MAX}, {.begin = 1024, .extent = 16, .slot = 1}}},
    };
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        assert_non_null(print(steve_print_picture, &scenes[i], &finding));
        const char *text = print(steve_print_blocks, &scenes[i], &finding);
        assert_true(strlen(text) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_bytes_are_taken),
        cmocka_unit_test(blocks_are_taken_in_address_order),
        cmocka_unit_test(shadow_bytes_are_those_written),
        cmocka_unit_test(picture_is_to_scale),
        cmocka_unit_test(overlap_is_marked),
        cmocka_unit_test(an_overlap_of_a_byte_is_marked),
        cmocka_unit_test(what_is_not_known_to_be_free_is_not_called_so),
        cmocka_unit_test(table_names_blocks_and_free_runs),
        cmocka_unit_test(odd_scenes_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
