/// Drivers that do not do what they state: the oracles bite where the hostile drivers have no misdeed for them. Each is the well-behaved
/// `hostile` with one function exchanged, or a small allocator of its own.
#include "steve/test/exec_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
