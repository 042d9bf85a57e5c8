/// jeff_check() finds damage: every single bit of a heap is flipped, one at a time. What is wrong then must be found and
/// placed; what could just as well be so, or means nothing, must not be taken for damage where the client's own bytes are;
/// and whatever is flipped, the check ends, touches nothing and reads nothing outside of the heap. To know what a bit means,
/// this test looks inside.
#define _DEFAULT_SOURCE
#include "heap_test.h"

#include <sys/mman.h>

#undef fail
#define fail fail_of_heap // cmocka has one, too
#include "../jeff/heap_internal.h"
#undef fail
#define fail() _fail(__FILE__, __LINE__)

enum { HEAP = 6 * KIB, SLOTS = 48, PAGE = 1024, WALL = 65536 };

/// What a byte of the heap is.
struct byte {
    unsigned char must; ///< bits whose flip must be reported
    unsigned char may;  ///< bits whose flip may be: another value of theirs is as good
    bool is_link;       ///< of a list: the damage may be placed at another part of it
    uint32_t begin;     ///< of the header with its block, or the entry, that it belongs to
    uint32_t end;
};

static struct byte map[HEAP];
static unsigned char image[HEAP];
static jeff_handle live[SLOTS];
static uint64_t clock_ns;

/// What the heaps of this test had in them. A kind that none has is not tested.
struct kinds {
    unsigned dead, bare, cached, retired, purged, wide, aligned, resized, unbinned, locked, purgeable, mapped, holes,
        small_holes, hole_lists, paused;
};

static struct kinds kinds;
static size_t found;
static size_t misplaced;

static uint64_t ticking(void *context)
{
    (void)context;
    clock_ns += 1000;
    return clock_ns;
}

/* A heap with something of everything */

static void retire(jeff_heap *heap, jeff_handle handle)
{
    entry_at(heap, slot_of(handle))->gen = UINT32_MAX;
    assert_true(jeff_free(heap, handle | UINT32_MAX));
}

static void drop(jeff_heap *heap, jeff_handle *handle)
{
    while (jeff_unlock(heap, *handle))
        continue;
    assert_true(jeff_free(heap, *handle));
    *handle = JEFF_NULL;
}

static size_t random_size(uint64_t *random)
{
    const uint32_t draw = next_random(random);
    return draw % 16 == 0 ? 2040 + draw % 300 : draw % 5 == 0 ? 500 + draw / 16 % 900 : draw / 16 % 120;
}

static void random_op(jeff_heap *heap, uint64_t *random)
{
    jeff_handle *handle = &live[next_random(random) % SLOTS];
    const uint32_t draw = next_random(random);
    if (*handle == JEFF_NULL) {
        *handle = draw % 8 == 0 ? jeff_aligned_alloc(heap, (size_t)32 << draw / 8 % 4, random_size(random))
                                : jeff_malloc(heap, random_size(random));
        unsigned char *bytes = jeff_weak_lock(heap, *handle);
        for (size_t i = 0; bytes != NULL && i < jeff_usable_size(heap, *handle); i++)
            bytes[i] = (unsigned char)next_random(random);
        return;
    }
    switch (draw % 16) {
    case 0:
        jeff_lock(heap, *handle);
        break;
    case 1:
        jeff_unlock(heap, *handle);
        break;
    case 2:
    case 7:
        jeff_set_purgeable(heap, *handle, draw & 64);
        break;
    case 3:
    case 4:
        jeff_resize(heap, *handle, random_size(random));
        break;
    case 5:
        clock_ns = 0;
        jeff_compact_goal(heap, &(struct jeff_goal){.budget_ns = 1 + draw / 16 % 4096}, NULL);
        break;
    case 6:
        if (draw / 16 % 8 == 0)
            jeff_compact(heap, 0);
        break;
    default:
        drop(heap, handle);
    }
}

/// As if a compaction had run out of time in the middle of the heap: so small a one is always done before the clock is looked at.
static void pause_compaction(jeff_heap *heap)
{
    uint32_t start = heap->first;
    for (unsigned i = 0; i < 3 && start < heap->top; i++)
        start += size_at(heap, start);
    heap->cursor = start < heap->top ? start : 0;
}

static void fill_at_random(jeff_heap *heap, uint64_t seed)
{
    uint64_t random = seed * 2654435769u + 1;
    memset(live, 0, sizeof live);
    for (unsigned i = 0; i < 400; i++)
        random_op(heap, &random);
    for (unsigned i = 0; i < SLOTS && seed % 2; i++) {
        if (jeff_weak_lock(heap, live[i]) != NULL && jeff_lock_count(heap, live[i]) == 0) {
            retire(heap, live[i]);
            live[i] = JEFF_NULL;
            break;
        }
    }
    for (unsigned i = 0; i < SLOTS / 4; i++) {
        if (live[i] != JEFF_NULL && i % 3)
            drop(heap, &live[i]);
    }
    // A block that shrinks takes in the cached one above it, whose entry stays behind dead.
    for (unsigned i = SLOTS / 4; i < SLOTS; i++) {
        if (live[i] != JEFF_NULL && i % 2)
            jeff_resize(heap, live[i], jeff_usable_size(heap, live[i]) / 2);
    }
    if (seed % 3 == 0)
        pause_compaction(heap);
    assert_checked(heap);
}

/* What each bit means */

static uint32_t offset_in(const jeff_heap *heap, const void *address)
{
    return (uint32_t)((const char *)address - (const char *)heap);
}

/// The bits of `mask` of the word there belong to [begin, end).
static void mark(uint32_t offset, uint32_t mask, bool must, bool is_link, uint32_t begin, uint32_t end)
{
    unsigned char bits[4];
    memcpy(bits, &mask, sizeof bits);
    for (uint32_t i = 0; i < 4; i++) {
        struct byte *byte = &map[offset + i];
        if (must)
            byte->must |= bits[i];
        else
            byte->may |= bits[i];
        byte->is_link |= is_link;
        byte->begin = begin;
        byte->end = end;
    }
}

static void mark_field(const jeff_heap *heap, const void *field, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        map[offset_in(heap, field) + i].must = 0xff;
        map[offset_in(heap, field) + i].may = 0;
    }
}

#define MARK(heap, field) mark_field(heap, &(heap)->field, sizeof(heap)->field)

/// Of the control block, damage is found; that the address given is in it cannot be asked: what contradicts it is elsewhere.
static void map_control(jeff_heap *heap)
{
    const uint32_t control = heap->first * GRANULE - HEADER;
    for (uint32_t i = 0; i < control; i++)
        map[i] = (struct byte){.may = 0xff, .begin = 0, .end = HEAP};
    MARK(heap, table_bias);
    MARK(heap, small_limit);
    MARK(heap, deferred);
    MARK(heap, tally_mask);
    MARK(heap, cached_limit);
    MARK(heap, binned);
    MARK(heap, first);
    MARK(heap, top);
    MARK(heap, bare);
    MARK(heap, bare_count);
    MARK(heap, dead_count);
    MARK(heap, retired_count);
    MARK(heap, hole_granules);
    MARK(heap, hole_map);
    MARK(heap, hole_bins);
    MARK(heap, busy);
    MARK(heap, scramble);
    MARK(heap, begin_skip);
    MARK(heap, end);
    MARK(heap, pages);
    mark_field(heap, heap->bin, (heap->binned + 1) * sizeof heap->bin[0] + heap->hole_bins * sizeof(uint32_t));
    if (heap->pages) {
        MARK(heap, pages->hooks.page_bytes);
        MARK(heap, pages->reserved);
        MARK(heap, pages->proxies);
        MARK(heap, pages->mapped_blocks);
        MARK(heap, pages->mapped_bytes);
    }
}

static void map_hole(uint32_t start, uint32_t size, uint32_t begin, uint32_t end)
{
    const uint32_t payload = start * GRANULE;
    mark(payload, UINT32_MAX, true, true, begin, end);
    mark(payload + 4, UINT32_MAX, true, true, begin, end);
    if (size > 1)
        mark(payload + 8, UINT32_MAX, true, false, begin, end);
    mark((start + size) * GRANULE - 2 * HEADER, UINT32_MAX, true, false, begin, end);
    kinds.holes++;
    kinds.small_holes += size == 1;
}

static void map_memory(jeff_heap *heap)
{
    uint32_t size;
    for (uint32_t start = heap->first; start < heap->top; start += size) {
        const uint32_t header = header_of(heap, start);
        size = size_at(heap, start);
        const uint32_t begin = start * GRANULE - HEADER;
        const uint32_t end = begin + size * GRANULE;
        for (uint32_t offset = begin; offset < end; offset += 4)
            mark(offset, offset == begin ? UINT32_MAX : 0, true, false, begin, end);
        if (is_hole(header)) {
            map_hole(start, size, begin, end);
            kinds.hole_lists += load(at(heap, start)) != 0;
        } else if (class_of(header) == CLASS_WIDE) {
            mark(start * GRANULE, UINT32_MAX, true, false, begin, end);
            mark(start * GRANULE + 4, UINT32_MAX, true, false, begin, end);
            kinds.wide++;
            kinds.aligned += alignment_of(heap, start, header) > 1;
        }
    }
}

static uint32_t bits_of_live(const struct entry *e)
{
    const uint32_t must = CW_PURGED | CW_MAPPED | CW_UNBINNED | ((uint32_t)3 << 14 & ~CW_SHOWN) | 0x80;
    if (e->cw & CW_PURGED)
        return must | ~(uint32_t)0 << CW_LOCK;
    return must | CW_WIDE | (e->cw & CW_RESIZED ? 0 : CW_CLASS);
}

static void map_entry(jeff_heap *heap, uint32_t slot)
{
    const struct entry *e = entry_at(heap, slot);
    const uint32_t begin = offset_in(heap, e);
    const uint32_t end = begin + sizeof *e;
    const bool is_purged = is_live(e) && e->cw & CW_PURGED;
    const bool is_fixed = slot == NIL || e->gen == 0;
    const bool is_listed = !is_live(e) && !is_fixed;
    const uint32_t must_gen = is_fixed ? UINT32_MAX : 1;
    const uint32_t must_cw = is_live(e) ? bits_of_live(e) : UINT32_MAX;
    mark(begin, UINT32_MAX, !is_purged, is_listed, begin, end);
    mark(begin + 4, must_gen, true, is_listed || is_fixed, begin, end);
    mark(begin + 4, ~must_gen, false, false, begin, end);
    mark(begin + 8, must_cw, true, is_listed || heap->pages, begin, end); // CW_MAPPED says that it is in a list
    mark(begin + 8, ~must_cw, false, false, begin, end);

    kinds.purged += is_purged;
    kinds.cached += is_cached(e) && e->off != 0;
    kinds.resized += is_live(e) && e->cw & CW_RESIZED;
    kinds.unbinned += is_live(e) && e->cw & CW_UNBINNED;
    kinds.locked += is_live(e) && locks_of(e);
    kinds.purgeable += is_live(e) && !is_purged && e->cw & CW_PURGEABLE;
    if (is_live(e) && e->cw & CW_MAPPED) {
        // All that a proxy knows: not all of it can be checked.
        for (uint32_t i = 0; i < 4 * sizeof(size_t) + 3 * sizeof(uint32_t); i++)
            map[e->off * GRANULE + i] = (struct byte){.may = 0xff, .begin = 0, .end = HEAP};
        kinds.mapped++;
    }
}

static void map_heap(jeff_heap *heap)
{
    memset(map, 0, sizeof map);
    map_control(heap);
    map_memory(heap);
    const unsigned purged = kinds.purged;
    for (uint32_t slot = heap->slot_low; slot <= NIL; slot++)
        map_entry(heap, slot);
    if (kinds.purged == purged)
        MARK(heap, slot_low); // nobody would miss a purged slot at the end of the table
    kinds.dead += heap->dead_count;
    kinds.bare += heap->bare_count;
    kinds.retired += heap->retired_count;
    kinds.paused += heap->cursor != 0;
}

/* Flipping */

/// Whether the address given is in what was damaged.
static bool is_near(const jeff_heap *heap, uint32_t flipped, const struct jeff_damage *damage)
{
    const struct byte *byte = &map[flipped];
    const ptrdiff_t where = (const char *)damage->address - (const char *)heap;
    const bool is_in_it = where >= (ptrdiff_t)byte->begin && where < (ptrdiff_t)byte->end;
    const bool is_in_lists =
        where >= 0 && (where < (ptrdiff_t)(heap->first * GRANULE) || where >= (ptrdiff_t)table_low(heap));
    return is_in_it || (byte->is_link && is_in_lists);
}

static void flip(jeff_heap *heap, uint32_t offset, unsigned bit)
{
    unsigned char *byte = (unsigned char *)heap + offset;
    const struct byte *means = &map[offset];
    const unsigned char mask = (unsigned char)(1u << bit);
    raw_flip(byte, mask);
    struct jeff_damage damage = {0};
    const enum jeff_status status = jeff_check(heap, &damage);
    raw_flip(byte, mask);
    heap->last_status = image[offsetof(struct jeff_heap, last_status)];
    if (status != JEFF_OK && !(means->must & mask) && !(means->may & mask))
        fail_msg("bit %u of byte %u means nothing, but was taken for damage: %s", bit, offset, damage.what);
    if (status == JEFF_OK && means->must & mask)
        fail_msg("bit %u of byte %u, which belongs to [%u, %u), was flipped unnoticed", bit, offset, means->begin,
                 means->end);
    if (status == JEFF_OK)
        return;
    assert_int_equal(status, JEFF_ERROR_CORRUPT);
    assert_non_null(damage.what);
    found++;
    if (!is_near(heap, offset, &damage)) {
        misplaced++;
        print_message("bit %u of byte %u, which belongs to [%u, %u), was flipped, and placed at %td: %s\n", bit, offset,
                      means->begin, means->end, (const char *)damage.address - (const char *)heap, damage.what);
    }
    assert_int_equal(raw_difference(heap, image, heap->end), heap->end);
}

static void flip_each_bit(jeff_heap *heap)
{
    map_heap(heap);
    raw_copy(image, heap, heap->end);
    for (uint32_t offset = 0; offset < heap->end; offset++) {
        for (unsigned bit = 0; bit < 8; bit++)
            flip(heap, offset, bit);
    }
    assert_checked(heap);
}

/// Headers that were left behind in free memory may look as good as a true one; that is rare.
static void assert_well_placed(void)
{
    assert_true(found > 30000);
    assert_true(misplaced <= found / 10000);
}

static void every_flipped_bit_is_found_or_means_nothing(void **state)
{
    (void)state;
    kinds = (struct kinds){0};
    found = misplaced = 0;
    for (uint64_t seed = 1; seed <= 18; seed++) {
        const struct jeff_config config = {.now_ns = ticking, .alignment = seed % 4 ? 16 : 8};
        jeff_heap *heap = heap_with((size_t)1024 << seed % 3, &config);
        fill_at_random(heap, seed);
        flip_each_bit(heap);
        assert_guards_whole();
    }
    assert_well_placed();
    assert_true(kinds.dead && kinds.bare && kinds.cached && kinds.retired && kinds.purged && kinds.paused);
    assert_true(kinds.wide && kinds.aligned && kinds.resized && kinds.unbinned && kinds.locked && kinds.purgeable);
    assert_true(kinds.holes && kinds.small_holes && kinds.hole_lists);
}

/* Heaps with pages of their own: the same arena, all of it there from the beginning, so that any part can be looked at */

static size_t reserved;

static void *reserve(void *context, size_t bytes)
{
    (void)context;
    void *address = arena_region() + reserved;
    reserved += (bytes + 65535) / 65536 * 65536;
    return address;
}

static bool commit(void *context, void *address, size_t bytes)
{
    (void)context;
    memset(address, 0, bytes);
    return true;
}

static void forget(void *context, void *address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
}

static void the_same_holds_with_pages_of_its_own(void **state)
{
    (void)state;
    kinds = (struct kinds){0};
    found = misplaced = 0;
    const struct jeff_page_hooks hooks = {
        .page_bytes = PAGE, .reserve = reserve, .commit = commit, .decommit = forget, .release = forget};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        arena_reset(ARENA_MAX);
        reserved = 0;
        const struct jeff_config config = {.now_ns = ticking, .pages = &hooks, .own_mapping = 4096};
        jeff_heap *heap = jeff_create(HEAP, &config, NULL);
        assert_non_null(heap);
        jeff_handle large[4];
        for (unsigned i = 0; i < 4; i++) {
            large[i] = i % 2 ? jeff_malloc(heap, 5000) : jeff_aligned_alloc(heap, 4096, 9000);
            assert_true(large[i] != JEFF_NULL);
        }
        fill_at_random(heap, seed);
        assert_true(jeff_free(heap, large[seed % 4]));
        flip_each_bit(heap);
    }
    assert_well_placed();
    assert_true(kinds.mapped && kinds.cached && kinds.holes && kinds.purged);
}

static void a_heap_whose_ends_meet_when_it_is_made_is_sound(void **state)
{
    (void)state;
    const struct jeff_page_hooks hooks = {
        .page_bytes = PAGE, .reserve = reserve, .commit = commit, .decommit = forget, .release = forget};
    const struct jeff_config config = {.now_ns = ticking, .pages = &hooks};
    for (size_t bytes = JEFF_HEAP_MIN; bytes <= 8 * PAGE; bytes += PAGE / 2) {
        arena_reset(ARENA_MAX);
        reserved = 0;
        jeff_heap *heap = jeff_create(bytes, &config, NULL);
        assert_non_null(heap);
        assert_checked(heap);
        assert_true(jeff_free(heap, marked_block(heap, 100, 1)));
        assert_checked(heap);
    }
}

/// A region between pages that fault.
static unsigned char *walled_region(size_t bytes)
{
    unsigned char *all = mmap(NULL, bytes + 2 * WALL, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(all != MAP_FAILED);
    assert_int_equal(mprotect(all + WALL, bytes, PROT_READ | PROT_WRITE), 0);
    return all + WALL;
}

static void overwrite_at_random(unsigned char *region, size_t bytes, uint64_t *random)
{
    const uint32_t count = 1 + next_random(random) % 8;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t draw = next_random(random);
        // The control block is where a wild word does most harm.
        const size_t at = next_random(random) % (draw % 2 ? 1024 : bytes) & ~(size_t)3;
        const uint32_t words[] = {0, UINT32_MAX, next_random(random),
                                  (uint32_t)(next_random(random) % (bytes / GRANULE)), draw};
        raw_copy(region + at, &words[draw / 2 % 5], sizeof words[0]);
    }
}

/// What is wrong with a heap may be much at once: there is no telling what it is, but the check must end, and stay inside.
static void whatever_was_written_the_check_ends(void **state)
{
    (void)state;
    unsigned char *region = walled_region(WALL);
    found = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        const struct jeff_config config = {.now_ns = ticking};
        jeff_heap *heap = jeff_init(region + WALL - HEAP, HEAP, &config, NULL);
        assert_non_null(heap);
        fill_at_random(heap, seed);
        raw_copy(image, heap, HEAP);
        uint64_t random = seed;
        for (unsigned i = 0; i < 8000; i++) {
            overwrite_at_random(region + WALL - HEAP, HEAP, &random);
            found += jeff_check(heap, NULL) != JEFF_OK;
            raw_copy(heap, image, HEAP);
        }
        raw_fill(heap, seed % 2 ? 0xff : 0, HEAP);
        found += jeff_check(heap, NULL) != JEFF_OK;
    }
    assert_true(found > 16000);
    assert_int_equal(munmap(region - WALL, 3 * WALL), 0);
}

static void neither_place_nor_words_for_the_damage_are_needed(void **state)
{
    (void)state;
    jeff_heap *heap = heap_new(4 * KIB);
    unsigned char *block = jeff_weak_lock(heap, marked_block(heap, 100, 1));
    raw_flip(block - 1, 0x10);
    assert_int_equal(jeff_check(heap, NULL), JEFF_ERROR_CORRUPT);
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_CORRUPT);
    raw_flip(block - 1, 0x10);
    assert_int_equal(jeff_check(heap, NULL), JEFF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_found_or_means_nothing),
        cmocka_unit_test(the_same_holds_with_pages_of_its_own),
        cmocka_unit_test(a_heap_whose_ends_meet_when_it_is_made_is_sound),
        cmocka_unit_test(whatever_was_written_the_check_ends),
        cmocka_unit_test(neither_place_nor_words_for_the_damage_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
