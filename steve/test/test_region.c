/// The region and its guards, and the set of refs.
#include "steve/core/refs.h"
#include "steve/core/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void base_is_congruent_and_memory_zero_or_dirty(void **state)
{
    (void)state;
    struct steve_region region = {0};
    for (size_t bytes = 1; bytes < 1000000; bytes = bytes * 3 + 5) {
        for (unsigned shift = 0; shift < 2; shift++) {
            size_t offset = bytes % 65537;
            struct steve_region_place place = {.bytes = bytes, .offset = offset, .shift = shift};
            assert_true(steve_region_place(&region, &place));
            assert_int_equal((uintptr_t)region.base % STEVE_REGION_UNIT, offset % STEVE_REGION_UNIT);
            for (size_t i = 0; i < bytes; i++) {
                assert_int_equal(region.base[i], 0);
            }
            memset(region.base, 0x33, bytes);
            assert_true(steve_region_place(&region, &place));
            assert_int_equal(region.base[0] | region.base[bytes / 2] | region.base[bytes - 1], 0);
            memset(region.base, 0x33, bytes);
            place.dirty = true;
            assert_true(steve_region_place(&region, &place));
            assert_int_not_equal(region.base[0], 0);
            assert_int_not_equal(region.base[0], 0x33);
            assert_int_equal(region.base[bytes - 1], region.base[0]);
            memset(region.base, 0x33, bytes);
        }
    }
    steve_region_release(&region);
}

static void a_byte_written_on_either_side_shows(void **state)
{
    (void)state;
    struct steve_region region = {0};
    struct steve_region_damage damage;
    static const size_t distances[] = {1, 2, 64, 4095, 4096};
    for (size_t bytes = 511; bytes < 600000; bytes = bytes * 7 + 1) {
        for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
            assert_true(steve_region_place(&region, &(struct steve_region_place){.bytes = bytes, .offset = 16 * i}));
            assert_true(steve_region_guards_hold(&region, &damage));
            region.base[bytes - 1 + distances[i]] ^= 1;
            assert_false(steve_region_guards_hold(&region, &damage));
            assert_true(damage.above);
            assert_int_equal(damage.distance, distances[i]);
            region.base[bytes - 1 + distances[i]] ^= 1;
            *(region.base - distances[i]) ^= 1;
            assert_false(steve_region_guards_hold(&region, &damage));
            assert_false(damage.above);
            assert_int_equal(damage.distance, distances[i]);
        }
    }
    steve_region_release(&region);
}

/// A terabyte, or what of it 32 bits can address with ease.
static void a_large_region_costs_what_is_touched(void **state)
{
    (void)state;
    struct steve_region region = {0};
    struct steve_region_damage damage;
    const size_t bytes = (size_t)1 << (sizeof(size_t) > 4 ? 40 : 29);
    for (unsigned round = 0; round < 50; round++) {
        assert_true(steve_region_place(&region, &(struct steve_region_place){.bytes = bytes, .dirty = true}));
        assert_int_equal(region.base[bytes / 2], 0);
        region.base[bytes / 2] = 1;
        assert_true(steve_region_guards_hold(&region, &damage));
        assert_true(steve_region_place(&region, &(struct steve_region_place){.bytes = 1000}));
        assert_int_equal(region.base[999], 0);
    }
    steve_region_release(&region);
}

/// Small regions, those whose present pages are cleared, those that have too many of them, and some beyond what is looked for.
static size_t most_of(unsigned round)
{
    return round % 30 == 1 ? (size_t)24 << 20 : round % 3 == 0 ? 2500000 : 50000;
}

static void nothing_of_earlier_regions_is_left(bool keep_open)
{
    struct steve_region region = {0};
    struct steve_region_damage damage;
    uint64_t random = 7;
    for (unsigned round = 0; round < 300; round++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        const struct steve_region_place place = {
            .bytes = 1 + (size_t)(random >> 33) % most_of(round),
            .offset = (size_t)(random >> 17) % STEVE_REGION_UNIT,
            .keep_open = keep_open,
        };
        assert_true(steve_region_place(&region, &place));
        assert_true(steve_region_guards_hold(&region, &damage));
        unsigned char seen = 0;
        for (size_t i = 0; i < place.bytes; i++) {
            seen |= region.base[i];
        }
        assert_int_equal(seen, 0);
        memset(region.base, 0x33, place.bytes);
        assert_true(steve_region_guards_hold(&region, &damage));
        region.base[place.bytes] ^= 1;
        assert_false(steve_region_guards_hold(&region, &damage));
    }
    steve_region_release(&region);
}

static void nothing_of_earlier_regions_is_left_where_pages_stay_open_or_not(void **state)
{
    (void)state;
    nothing_of_earlier_regions_is_left(true);
    nothing_of_earlier_regions_is_left(false);
}

static void refs_are_a_set_of_what_is_live(void **state)
{
    (void)state;
    struct steve_refs *refs = calloc(1, sizeof *refs);
    assert_non_null(refs);
    for (unsigned round = 0; round < 3; round++) {
        steve_refs_clear(refs);
        for (steve_ref ref = 1; ref <= 65536; ref++) {
            assert_true(steve_refs_add(refs, ref * 0x10001));
            assert_false(steve_refs_add(refs, ref * 0x10001));
        }
        for (steve_ref ref = 1; ref <= 65536; ref += 2) {
            steve_refs_retire(refs, ref * 0x10001);
            assert_true(steve_refs_is_stale(refs, ref * 0x10001));
        }
        for (steve_ref ref = 1; ref <= 65536; ref++) {
            assert_int_equal(steve_refs_has(refs, ref * 0x10001), ref % 2 == 0);
        }
    }
    free(refs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_is_congruent_and_memory_zero_or_dirty),
        cmocka_unit_test(a_byte_written_on_either_side_shows),
        cmocka_unit_test(a_large_region_costs_what_is_touched),
        cmocka_unit_test(nothing_of_earlier_regions_is_left_where_pages_stay_open_or_not),
        cmocka_unit_test(refs_are_a_set_of_what_is_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
