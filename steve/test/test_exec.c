/// The executor: what ops do, what repeats, and that oracles bite where the hostile drivers have no misdeed for them. The
/// driver under it is the well-behaved `hostile`, here and there with one function exchanged; `jeff` where a block is purged.
#include "steve/core/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "steve/drivers/drivers.h"

static const struct steve_header header = {.heap_bytes = 20000};

static struct steve_exec *new_exec(const struct steve_driver *driver, enum steve_check_level level)
{
    const char *why = NULL;
    struct steve_exec *exec = steve_exec_new(&(struct steve_exec_config){.driver = driver, .level = level}, &why);
    assert_non_null(exec);
    return exec;
}

static void begin(struct steve_exec *exec)
{
    const char *why = NULL;
    assert_true(steve_exec_begin(exec, &header, &why));
}

static enum steve_outcome step(struct steve_exec *exec, uint8_t code, uint16_t slot, uint32_t bytes)
{
    return steve_exec_step(exec, steve_op_sized(code, slot, bytes));
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 16;
}

/// Any eight bytes, with few slots and mostly small sizes, so that ops meet.
static struct steve_op random_op(uint64_t *seed)
{
    static const uint8_t codes[] = {
        STEVE_OP_MALLOC,          STEVE_OP_MALLOC,         STEVE_OP_CALLOC,        STEVE_OP_ALIGNED + 6,
        STEVE_OP_RESIZE,          STEVE_OP_FREE,           STEVE_OP_FREE,          STEVE_OP_LOCK,
        STEVE_OP_UNLOCK,          STEVE_OP_WEAK_LOCK,      STEVE_OP_WRITE,         STEVE_OP_VERIFY,
        STEVE_OP_COMPACT,         STEVE_OP_COMPACT_BUDGET, STEVE_OP_COMPACT_GOAL,  STEVE_OP_CHECK,
        STEVE_OP_FREE_STALE,      STEVE_OP_LOCK_FOREIGN,   STEVE_OP_UNLOCK_FORGED, STEVE_OP_RESIZE_STALE,
        STEVE_OP_UNLOCK_UNLOCKED,
    };
    uint64_t random = next_random(seed);
    uint16_t slot = (uint16_t)(random >> 8 & 31);
    struct steve_op op = steve_op_sized(codes[random % sizeof codes], slot, (uint32_t)(random >> 20 & 1023));
    if ((random >> 40 & 15) == 0) {
        op.size_class = (uint8_t)(random >> 32);
    }
    if ((random >> 44 & 15) == 0) {
        op.code = (uint8_t)(random >> 24);
    }
    return op;
}

/// Runs an episode of random ops. @return its digest
static uint64_t run(struct steve_exec *exec, uint64_t seed, size_t count)
{
    begin(exec);
    for (size_t i = 0; i < count; i++) {
        if (steve_exec_step(exec, random_op(&seed)) == STEVE_FOUND) {
            break;
        }
    }
    if (steve_exec_end(exec) == STEVE_FOUND) {
        const struct steve_finding *finding = steve_exec_finding(exec);
        fail_msg("op %llu: %s: %s", (unsigned long long)finding->op, steve_oracle_name(finding->oracle), finding->what);
    }
    return steve_exec_digest(exec);
}

static void an_op_that_does_not_apply_is_skipped(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_FREE, 1, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_UNLOCK, 1, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_PURGEABLE, 1, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_FREE_STALE, 1, 0), STEVE_SKIPPED);
    uint64_t digest = steve_exec_digest(exec);
    assert_int_equal(step(exec, 0xff, 1, 0), STEVE_SKIPPED);
    assert_int_equal(steve_exec_digest(exec), digest);
    assert_int_equal(steve_exec_counts(exec)->ops, 6);
    assert_int_equal(steve_exec_counts(exec)->by_kind[STEVE_KIND_MALLOC][STEVE_SKIPPED], 1);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

static void refusals_are_told_apart(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_PARANOID);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 30000), STEVE_REFUSED);
    assert_int_equal(steve_exec_step(exec, (struct steve_op){.code = STEVE_OP_CALLOC, .size_class = STEVE_SIZE_MAX}),
                     STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 15000), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_FREE, 0, 0), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 30000), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 10), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

static void sizes_resolve_as_their_classes_say(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_LIGHT);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 7, 300), STEVE_DONE);
    const struct {
        struct steve_op op;
        size_t bytes;
    } cases[] = {
        {{.size_class = STEVE_SIZE_ABSOLUTE, .delta = -1, .arg = 2}, 2 * 65536 + 65535},
        {{.size_class = STEVE_SIZE_POWER + 12, .delta = -1}, 4095},
        {{.size_class = STEVE_SIZE_POWER + 3, .delta = -100}, 0},
        {{.size_class = STEVE_SIZE_POWER + 63, .delta = 5},
         SIZE_MAX > UINT32_MAX ? (size_t)(((uint64_t)1 << 63) + 5) : SIZE_MAX},
        {{.size_class = STEVE_SIZE_HEAP}, 20000},
        {{.size_class = STEVE_SIZE_HEAP + 3, .delta = 1}, 6667},
        {{.size_class = STEVE_SIZE_OF_SLOT, .arg = 7, .delta = -1}, 299},
        {{.size_class = STEVE_SIZE_OF_SLOT, .arg = 8, .delta = 4}, 4},
        {{.size_class = STEVE_SIZE_MAX, .delta = -1}, SIZE_MAX - 65535},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(steve_view_resolve_size(exec, cases[i].op), cases[i].bytes);
    }
    steve_exec_free(exec);
}

static void the_view_ranks_blocks_by_address(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    uint64_t seed = 11;
    begin(exec);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_not_equal(steve_exec_step(exec, random_op(&seed)), STEVE_FOUND);
        for (size_t rank = 1; rank < steve_view_live_count(exec); rank++) {
            assert_true(steve_view_address(exec, steve_view_slot_by_address(exec, rank - 1)) <
                        steve_view_address(exec, steve_view_slot_by_address(exec, rank)));
        }
    }
    steve_exec_free(exec);
}

static void random_ops_on_good_drivers_find_nothing(void **state)
{
    (void)state;
    const struct steve_driver *const drivers[] = {&steve_driver_hostile, &steve_driver_libc};
    for (size_t d = 0; d < 2; d++) {
        struct steve_exec *exec = new_exec(drivers[d], STEVE_CHECK_NORMAL);
        for (uint64_t seed = 1; seed < 60; seed++) {
            run(exec, seed, 500);
        }
        steve_exec_free(exec);
    }
}

static void the_same_ops_give_the_same_digest(void **state)
{
    (void)state;
    const char *why;
    struct steve_exec *first = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    struct steve_exec *shifted = steve_exec_new(
        &(struct steve_exec_config){.driver = &steve_driver_hostile, .level = STEVE_CHECK_NORMAL, .base_slot = 1},
        &why);
    struct steve_exec *unchecked =
        steve_exec_new(&(struct steve_exec_config){.driver = &steve_driver_hostile, .unchecked = true}, &why);
    for (uint64_t seed = 1; seed < 20; seed++) {
        uint64_t digest = run(first, seed, 400);
        uint64_t offsets = steve_exec_offset_digest(first);
        assert_int_equal(run(shifted, seed, 400), digest);
        assert_int_equal(steve_exec_offset_digest(shifted), offsets);
        assert_int_equal(run(unchecked, seed, 400), digest);
        assert_int_equal(run(first, seed, 400), digest);
        assert_int_not_equal(run(first, seed, 380), digest);
    }
    steve_exec_free(first);
    steve_exec_free(shifted);
    steve_exec_free(unchecked);
}

static unsigned closed;

static void close_counted(void *heap)
{
    closed++;
    steve_driver_hostile.close(heap);
}

static void an_executor_with_another_driver_is_as_good_as_new(void **state)
{
    (void)state;
    const struct steve_driver *const drivers[] = {&steve_driver_jeff, &steve_driver_hostile, &steve_driver_jeff_mapped};
    struct steve_exec *turns = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    for (uint64_t seed = 0; seed < 12; seed++) {
        const struct steve_driver *driver = drivers[seed % 3];
        struct steve_exec *fresh = new_exec(driver, STEVE_CHECK_NORMAL);
        const uint64_t expected = run(fresh, seed, 300);
        steve_exec_drive(turns, driver);
        assert_int_equal(run(turns, seed, 300), expected);
        assert_int_equal(steve_exec_offset_digest(turns), steve_exec_offset_digest(fresh));
        steve_exec_free(fresh);
    }
    steve_exec_free(turns);
}

static void a_driver_closes_its_heaps_before_another_takes_over(void **state)
{
    (void)state;
    struct steve_driver counted = steve_driver_hostile;
    counted.close = close_counted;
    struct steve_exec *exec = new_exec(&counted, STEVE_CHECK_NORMAL);
    begin(exec);
    step(exec, STEVE_OP_MALLOC, 0, 100);
    step(exec, STEVE_OP_LOCK_FOREIGN, 0, 0);
    steve_exec_drive(exec, &steve_driver_jeff);
    assert_int_equal(closed, 2);
    begin(exec);
    assert_int_equal(steve_view_live_count(exec), 0);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 100), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
    assert_int_equal(closed, 2);
}

static void a_purged_block_is_live_without_memory_until_it_is_resized(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_jeff, STEVE_CHECK_PARANOID);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 12000), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 12000), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_PURGEABLE, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 12000), STEVE_DONE);
    assert_true(steve_view_live(exec, 0));
    assert_int_equal(steve_view_address(exec, 0), 0);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_WRITE, 0, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

static void the_same_ops_write_the_same_bytes(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    unsigned char seen[2][100];
    for (size_t round = 0; round < 2; round++) {
        begin(exec);
        assert_int_equal(step(exec, STEVE_OP_MALLOC, 2, 100), STEVE_DONE);
        memcpy(seen[round], (const void *)steve_view_address(exec, 2), sizeof seen[round]);
        assert_int_equal(step(exec, STEVE_OP_WRITE, 2, 0), STEVE_DONE);
        assert_memory_not_equal(seen[round], (const void *)steve_view_address(exec, 2), sizeof seen[round]);
        assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    }
    assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    steve_exec_free(exec);
}

static void a_run_may_end_anywhere_and_begin_again(void **state)
{
    (void)state;
    struct steve_exec *exec = new_exec(&steve_driver_hostile, STEVE_CHECK_NORMAL);
    uint64_t digest = run(exec, 5, 300);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 9, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 9, 0), STEVE_DONE);
    assert_int_equal(run(exec, 5, 300), digest); // without an end in between
    steve_exec_free(exec);
}

// One function of the driver exchanged

static unsigned calls;

static bool unlock_nothing(void *heap, steve_ref ref)
{
    (void)heap;
    (void)ref;
    calls++;
    return true;
}

static uint64_t clock_that_stands(void *heap)
{
    (void)heap;
    return 5;
}

static bool compact_without_budget(void *heap, uint64_t budget_ns)
{
    (void)budget_ns;
    return steve_driver_hostile.compact(heap, 0);
}

static steve_ref calloc_that_overflows(void *heap, size_t count, size_t size)
{
    return steve_driver_hostile.calloc(heap, count * size, 1);
}

static bool goal_that_is_never_missed(void *heap, size_t wanted)
{
    (void)heap;
    (void)wanted;
    return true;
}

static void stats_of_a_dreamer(void *heap, struct steve_stats *stats)
{
    steve_driver_hostile.stats(heap, stats);
    stats->free_bytes += 20000;
}

static void stats_of_a_miser(void *heap, struct steve_stats *stats)
{
    steve_driver_hostile.stats(heap, stats);
    stats->free_bytes -= stats->free_bytes > 0;
}

static uint64_t moves_untold(void *heap)
{
    (void)heap;
    return 1;
}

static size_t usable_of_a_braggart(void *heap, steve_ref ref)
{
    return steve_driver_hostile.usable(heap, ref) + 1;
}

static size_t usable_up_to_the_next(void *heap, steve_ref ref)
{
    return steve_driver_hostile.usable(heap, ref);
}

static struct steve_arena arena_that_begins_late(void *heap)
{
    struct steve_arena arena = steve_driver_hostile.arena(heap);
    arena.begin += 16;
    return arena;
}

static struct steve_arena arena_that_ends_early(void *heap)
{
    struct steve_arena arena = steve_driver_hostile.arena(heap);
    arena.end -= (arena.end - arena.begin) / 2;
    return arena;
}

static struct steve_arena arena_out_of_this_world(void *heap)
{
    struct steve_arena arena = steve_driver_hostile.arena(heap);
    return (struct steve_arena){.begin = arena.begin - 0x10000, .end = arena.begin - 0x10000};
}

/// Random ops on the well-behaved driver with one function exchanged. @return the oracle of the finding
static enum steve_oracle found_with(const struct steve_driver *driver, uint32_t without)
{
    const char *why;
    struct steve_exec *exec = steve_exec_new(
        &(struct steve_exec_config){.driver = driver, .level = STEVE_CHECK_NORMAL, .without = without}, &why);
    enum steve_oracle oracle = STEVE_ORACLE_COUNT;
    for (uint64_t seed = 1; seed < 20 && oracle == STEVE_ORACLE_COUNT; seed++) {
        uint64_t drawn = seed;
        begin(exec);
        for (size_t i = 0; i < 500; i++) {
            steve_exec_step(exec, random_op(&drawn));
        }
        if (steve_exec_end(exec) == STEVE_FOUND) {
            oracle = steve_exec_finding(exec)->oracle;
        }
    }
    steve_exec_free(exec);
    return oracle;
}

static void each_lie_is_named_by_its_oracle(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.unlock = unlock_nothing;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_HANDLE);

    liar = steve_driver_hostile;
    liar.compact_goal = goal_that_is_never_missed;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_COMPACTED);

    liar = steve_driver_hostile;
    liar.stats = stats_of_a_dreamer;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_ACCOUNT);

    liar = steve_driver_hostile;
    liar.stats = stats_of_a_miser;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_ACCOUNT);

    liar = steve_driver_hostile;
    liar.moves = moves_untold;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_PIN);
}

static void a_usable_size_ends_where_the_block_does(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.usable = usable_of_a_braggart;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_ACCOUNT);

    // Where no extents are known the next block says so.
    liar.extent = NULL;
    liar.promises &= ~(uint32_t)STEVE_PROMISE_EXACT_REFUSAL;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_ACCOUNT);
    liar.usable = usable_up_to_the_next;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_COUNT);
}

static void a_block_outside_of_the_arena_is_out_of_bounds(void **state)
{
    (void)state;
    struct steve_arena (*const arenas[])(void *heap) = {arena_that_begins_late, arena_that_ends_early,
                                                        arena_out_of_this_world};
    for (size_t i = 0; i < sizeof arenas / sizeof arenas[0]; i++) {
        // What else an arena that is too small would break is not asked.
        struct steve_driver liar = steve_driver_hostile;
        liar.arena = arenas[i];
        liar.promises &= ~(uint32_t)(STEVE_PROMISE_EXACT_REFUSAL | STEVE_PROMISE_COMPACTS_FULLY);
        liar.stats = NULL;
        assert_int_equal(found_with(&liar, 1u << STEVE_ORACLE_CAPACITY), STEVE_ORACLE_BOUNDS);
    }
}

static void what_is_beyond_the_largest_heap_is_not_used(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.heap_max = 8000;
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_BOUNDS);
}

/// Takes memory from the region's begin and never gives it back; nothing for 0 bytes.
static steve_ref malloc_by_pointer(void *heap, size_t bytes)
{
    size_t *used = heap;
    uintptr_t address = (uintptr_t)heap + 16 + *used;
    if (bytes > header.heap_bytes - 32 || *used + bytes > header.heap_bytes - 32) {
        return 0;
    }
    *used += (bytes + 15) / 16 * 16;
    return address;
}

static void *open_by_pointer(const struct steve_geometry *geometry, const char **why)
{
    (void)why;
    return memset(geometry->region, 0, sizeof(size_t));
}

static void close_by_pointer(void *heap)
{
    (void)heap;
}

static bool free_by_pointer(void *heap, steve_ref ref)
{
    (void)heap;
    (void)ref;
    return true;
}

/// What a block of the allocator below has on both sides of its payload.
#define FENCE_BYTES 16u

/// The same with a fence around each block: its size below the payload, and its complement above.
static steve_ref malloc_fenced(void *heap, size_t bytes)
{
    size_t payload = (bytes + 15) / 16 * 16;
    steve_ref below = bytes > header.heap_bytes ? 0 : malloc_by_pointer(heap, payload + 2 * FENCE_BYTES);
    if (below == 0) {
        return 0;
    }
    *(size_t *)(uintptr_t)below = payload;
    *(size_t *)(uintptr_t)(below + FENCE_BYTES + payload) = ~payload;
    return below + FENCE_BYTES;
}

static const char *check_fences(void *heap)
{
    uintptr_t at = (uintptr_t)heap + 16;
    for (uintptr_t end = at + *(size_t *)heap; at < end; at += *(size_t *)at + 2 * FENCE_BYTES) {
        size_t payload = *(size_t *)at;
        if (*(size_t *)(at + FENCE_BYTES + payload) != ~payload) {
            return "a fence is damaged";
        }
    }
    return NULL;
}

static size_t usable_fenced(void *heap, steve_ref ref)
{
    (void)heap;
    return *(size_t *)(uintptr_t)(ref - FENCE_BYTES);
}

static size_t usable_with_the_fence(void *heap, steve_ref ref)
{
    return usable_fenced(heap, ref) + sizeof(size_t);
}

static struct steve_driver bump_allocator(void)
{
    return (struct steve_driver){
        .version = STEVE_DRIVER_VERSION,
        .name = "by-pointer",
        .summary = "a bump allocator",
        .promises = STEVE_PROMISE_REGION,
        .alignment = 16,
        .region_alignment = 16,
        .heap_min = (size_t)header.heap_bytes,
        .open = open_by_pointer,
        .close = close_by_pointer,
        .malloc = malloc_by_pointer,
        .free = free_by_pointer,
    };
}

static void all_that_is_usable_is_written_to(void **state)
{
    (void)state;
    struct steve_driver sound = bump_allocator();
    sound.malloc = malloc_fenced;
    sound.usable = usable_fenced;
    sound.check = check_fences;
    struct steve_driver liar = sound;
    liar.usable = usable_with_the_fence;
    assert_int_equal(found_with(&sound, 0), STEVE_ORACLE_COUNT);
    assert_int_equal(found_with(&liar, 0), STEVE_ORACLE_CHECK);
}

static void empty_blocks_have_places_of_their_own_where_that_is_stated(void **state)
{
    (void)state;
    struct steve_driver driver = bump_allocator();
    for (uint32_t second = 0; second <= 10; second += 10) {
        struct steve_exec *exec = new_exec(&driver, STEVE_CHECK_NORMAL);
        begin(exec);
        assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 0), STEVE_DONE);
        assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, second), STEVE_DONE);
        steve_exec_free(exec);

        struct steve_driver liar = driver;
        liar.zero_size = STEVE_ZERO_BLOCK;
        exec = new_exec(&liar, STEVE_CHECK_NORMAL);
        begin(exec);
        assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 0), STEVE_DONE);
        assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, second), STEVE_FOUND);
        assert_int_equal(steve_exec_finding(exec)->oracle, STEVE_ORACLE_OVERLAP);
        steve_exec_free(exec);
    }
}

static void a_calloc_that_overflows_gives_a_block_out_of_bounds(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.calloc = calloc_that_overflows;
    struct steve_exec *exec = new_exec(&liar, STEVE_CHECK_LIGHT);
    begin(exec);
    assert_int_equal(steve_exec_step(exec, (struct steve_op){.code = STEVE_OP_CALLOC, .size_class = STEVE_SIZE_MAX}),
                     STEVE_FOUND);
    assert_int_equal(steve_exec_finding(exec)->oracle, STEVE_ORACLE_BOUNDS);
    steve_exec_free(exec);
}

static void a_clock_that_stands_still_is_no_excuse(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.now = clock_that_stands;
    liar.compact = compact_without_budget;
    struct steve_exec *exec = new_exec(&liar, STEVE_CHECK_NORMAL);
    begin(exec);
    for (uint16_t slot = 0; slot < 10; slot++) {
        assert_int_equal(step(exec, STEVE_OP_MALLOC, slot, 1600), STEVE_DONE);
    }
    assert_int_equal(step(exec, STEVE_OP_FREE, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_COMPACT_BUDGET, 0, 1), STEVE_FOUND);
    assert_int_equal(steve_exec_finding(exec)->oracle, STEVE_ORACLE_BUDGET);
    steve_exec_free(exec);
}

static uint64_t clock_that_runs(void *heap)
{
    static uint64_t now;
    (void)heap;
    return now += UINT64_C(1) << 40;
}

static void a_step_without_bounds_is_no_overrun(void **state)
{
    (void)state;
    const uint64_t steps[] = {UINT64_MAX, UINT64_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct steve_driver patient = steve_driver_hostile;
        patient.now = clock_that_runs;
        patient.compact = compact_without_budget;
        patient.budget_step_ns = steps[i];
        struct steve_exec *exec = new_exec(&patient, STEVE_CHECK_NORMAL);
        begin(exec);
        for (uint16_t slot = 0; slot < 10; slot++) {
            assert_int_equal(step(exec, STEVE_OP_MALLOC, slot, 1600), STEVE_DONE);
        }
        assert_int_equal(step(exec, STEVE_OP_FREE, 0, 0), STEVE_DONE);
        assert_int_equal(step(exec, STEVE_OP_COMPACT_BUDGET, 0, 1), STEVE_DONE);
        steve_exec_free(exec);
    }
}

static steve_ref resize_that_scribbles(void *heap, steve_ref ref, size_t bytes)
{
    void *address;
    (void)bytes;
    assert_int_equal(steve_driver_hostile.lock(heap, ref, &address), STEVE_LOCK_OK);
    *(unsigned char *)address ^= 1;
    assert_true(steve_driver_hostile.unlock(heap, ref));
    return 0;
}

/// Steve's own lock does not stay behind where it was found that the contents are wrong, and nobody wants to know.
static void what_is_found_by_an_oracle_that_is_off_locks_nothing(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.weak_lock = NULL;
    liar.resize = resize_that_scribbles;
    const char *why = NULL;
    struct steve_exec *exec = steve_exec_new(
        &(struct steve_exec_config){
            .driver = &liar,
            .without = 1u << STEVE_ORACLE_REFUSAL | 1u << STEVE_ORACLE_CONTENT,
            .level = STEVE_CHECK_NORMAL,
        },
        &why);
    assert_non_null(exec);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, 100), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 200), STEVE_REFUSED);
    assert_int_equal(step(exec, STEVE_OP_FREE, 0, 0), STEVE_DONE);
    steve_exec_free(exec);
}

static void *opened_last;

static void *open_and_remember(const struct steve_geometry *geometry, const char **why)
{
    return opened_last = steve_driver_hostile.open(geometry, why);
}

/// Refuses what is another heap's, and frees it there all the same.
static bool free_anywhere(void *heap, steve_ref ref)
{
    bool freed = steve_driver_hostile.free(heap, ref);
    if (!freed && heap != opened_last) {
        steve_driver_hostile.free(opened_last, ref);
    }
    return freed;
}

static void a_refused_foreign_ref_changes_nothing_in_its_own_heap(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.open = open_and_remember;
    for (int bad = 0; bad < 2; bad++) {
        liar.free = bad ? free_anywhere : steve_driver_hostile.free;
        struct steve_exec *exec = new_exec(&liar, STEVE_CHECK_NORMAL);
        begin(exec);
        assert_int_equal(step(exec, STEVE_OP_FREE_FOREIGN, 1, 0), bad ? STEVE_FOUND : STEVE_REFUSED);
        if (bad) {
            assert_int_equal(steve_exec_finding(exec)->oracle, STEVE_ORACLE_HANDLE);
        }
        steve_exec_free(exec);
    }
}

static void an_oracle_that_is_off_is_silent(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.stats = stats_of_a_dreamer;
    assert_int_equal(found_with(&liar, 1u << STEVE_ORACLE_ACCOUNT), STEVE_ORACLE_COUNT);
}

static void after_a_finding_the_heap_is_not_touched(void **state)
{
    (void)state;
    struct steve_driver liar = steve_driver_hostile;
    liar.unlock = unlock_nothing;
    struct steve_exec *exec = new_exec(&liar, STEVE_CHECK_NORMAL);
    begin(exec);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 3, 10), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_UNLOCK_UNLOCKED, 3, 0), STEVE_FOUND);
    const struct steve_finding *finding = steve_exec_finding(exec);
    assert_int_equal(finding->oracle, STEVE_ORACLE_HANDLE);
    assert_int_equal(finding->op, 1);
    assert_true(strlen(finding->what) > 20);
    unsigned before = calls;
    assert_int_equal(step(exec, STEVE_OP_WRITE, 3, 0), STEVE_FOUND);
    assert_int_equal(steve_exec_end(exec), STEVE_FOUND);
    assert_int_equal(calls, before);
    begin(exec); // and a new heap in the same region
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 3, 10), STEVE_DONE);
    steve_exec_free(exec);
}

static void oracles_have_names_that_lead_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STEVE_ORACLE_COUNT; i++) {
        assert_int_equal(steve_oracle_by_name(steve_oracle_name((enum steve_oracle)i)), i);
        assert_true(strlen(steve_oracle_holds_when((enum steve_oracle)i)) > 10);
    }
    assert_int_equal(steve_oracle_by_name("none"), STEVE_ORACLE_COUNT);
}

/// More than anybody could fill, where there is as much address space.
#define LAZY_BYTES ((size_t)1 << (sizeof(size_t) > 4 ? 36 : 29))

/// Of memory that is only mapped a compaction would touch all.
static void nothing_moves_while_huge_blocks_lie_unlocked_in_a_lazy_heap(void **state)
{
    (void)state;
    if (sizeof(size_t) <= 4) {
        skip();
    }
    const struct steve_header lazy = {.heap_bytes = LAZY_BYTES};
    const uint32_t huge = 3u << 30;
    struct steve_exec *exec = new_exec(steve_catalog_by_name(&steve_drivers, "jeff"), STEVE_CHECK_NORMAL);
    const char *why = NULL;
    assert_true(steve_exec_begin(exec, &lazy, &why));
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, huge), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_RESIZE, 0, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_COMPACT_GOAL, 0, 100), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_LOCK, 0, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 1, huge), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_SKIPPED);
    assert_int_equal(step(exec, STEVE_OP_FREE, 1, 0), STEVE_DONE);
    assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_DONE);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

/// Megabytes that move often are as good as gigabytes: each place that they come to is touched.
static void what_moved_in_a_lazy_heap_counts(void **state)
{
    (void)state;
    if (sizeof(size_t) <= 4) {
        skip();
    }
    const struct steve_header lazy = {.heap_bytes = LAZY_BYTES};
    const uint32_t large = 100u << 20;
    struct steve_exec *exec = new_exec(steve_catalog_by_name(&steve_drivers, "jeff"), STEVE_CHECK_NORMAL);
    const char *why = NULL;
    assert_true(steve_exec_begin(exec, &lazy, &why));
    assert_int_equal(step(exec, STEVE_OP_MALLOC, 0, large), STEVE_DONE);
    uint16_t lower = 0;
    unsigned moved = 0;
    // The lower of two is freed and the other slides to its place.
    while (moved < 100 && step(exec, STEVE_OP_MALLOC, 1 - lower, large) == STEVE_DONE) {
        assert_int_equal(step(exec, STEVE_OP_FREE, lower, 0), STEVE_DONE);
        assert_int_equal(step(exec, STEVE_OP_COMPACT, 0, 0), STEVE_DONE);
        lower = 1 - lower;
        moved++;
    }
    assert_in_range(moved, 3, 5);
    assert_int_equal(steve_exec_end(exec), STEVE_DONE);
    steve_exec_free(exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_that_does_not_apply_is_skipped),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(sizes_resolve_as_their_classes_say),
        cmocka_unit_test(the_view_ranks_blocks_by_address),
        cmocka_unit_test(random_ops_on_good_drivers_find_nothing),
        cmocka_unit_test(the_same_ops_give_the_same_digest),
        cmocka_unit_test(an_executor_with_another_driver_is_as_good_as_new),
        cmocka_unit_test(a_driver_closes_its_heaps_before_another_takes_over),
        cmocka_unit_test(a_purged_block_is_live_without_memory_until_it_is_resized),
        cmocka_unit_test(the_same_ops_write_the_same_bytes),
        cmocka_unit_test(a_run_may_end_anywhere_and_begin_again),
        cmocka_unit_test(each_lie_is_named_by_its_oracle),
        cmocka_unit_test(a_usable_size_ends_where_the_block_does),
        cmocka_unit_test(a_block_outside_of_the_arena_is_out_of_bounds),
        cmocka_unit_test(what_is_beyond_the_largest_heap_is_not_used),
        cmocka_unit_test(all_that_is_usable_is_written_to),
        cmocka_unit_test(empty_blocks_have_places_of_their_own_where_that_is_stated),
        cmocka_unit_test(a_calloc_that_overflows_gives_a_block_out_of_bounds),
        cmocka_unit_test(a_clock_that_stands_still_is_no_excuse),
        cmocka_unit_test(a_step_without_bounds_is_no_overrun),
        cmocka_unit_test(what_is_found_by_an_oracle_that_is_off_locks_nothing),
        cmocka_unit_test(a_refused_foreign_ref_changes_nothing_in_its_own_heap),
        cmocka_unit_test(an_oracle_that_is_off_is_silent),
        cmocka_unit_test(after_a_finding_the_heap_is_not_touched),
        cmocka_unit_test(oracles_have_names_that_lead_back),
        cmocka_unit_test(nothing_moves_while_huge_blocks_lie_unlocked_in_a_lazy_heap),
        cmocka_unit_test(what_moved_in_a_lazy_heap_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
