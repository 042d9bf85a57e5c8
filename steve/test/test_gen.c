/// The generator against a stand-in for the executor that only keeps books: what it emits applies, covers every op, and
/// depends on nothing but the seed, the episode and the view.
#include "steve/gen/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "steve/gen/lock_model.h"

// The stand-in: every block costs 16 bytes beyond its size, and what fits is granted

#define OVERHEAD 16u

struct steve_exec {
    size_t heap, used, bytes, count;
    enum steve_outcome last;
    struct {
        size_t size;
        uint32_t place;
        uint16_t locks;
        bool live, stale;
    } slots[65536];
    uint16_t by_place[65536];
};

bool steve_view_live(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].live;
}

size_t steve_view_size(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].size;
}

unsigned steve_view_locks(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].locks;
}

bool steve_view_has_stale(const struct steve_exec *exec, uint16_t slot)
{
    return exec->slots[slot].stale;
}

size_t steve_view_live_count(const struct steve_exec *exec)
{
    return exec->count;
}

size_t steve_view_live_bytes(const struct steve_exec *exec)
{
    return exec->bytes;
}

static unsigned looks_by_address;

uint16_t steve_view_slot_by_address(const struct steve_exec *exec, size_t rank)
{
    looks_by_address++;
    return exec->by_place[rank];
}

uintptr_t steve_view_address(const struct steve_exec *exec, uint16_t slot)
{
    return 4096 + (uintptr_t)exec->slots[slot].place * 64;
}

enum steve_outcome steve_view_last(const struct steve_exec *exec)
{
    return exec->last;
}

size_t steve_view_resolve_size(const struct steve_exec *exec, struct steve_op op)
{
    switch (op.size_class & 0xc0) {
    case STEVE_SIZE_POWER:
        return ((size_t)1 << (op.size_class & 63)) + (size_t)op.delta;
    case STEVE_SIZE_HEAP: {
        size_t parts = op.size_class & 63 ? op.size_class & 63 : 1;
        return exec->heap / parts + (size_t)op.delta;
    }
    case STEVE_SIZE_OF_SLOT:
        return op.size_class >= STEVE_SIZE_MAX ? SIZE_MAX - (uint16_t)op.delta
                                               : exec->slots[op.arg].size + (size_t)op.delta;
    default:
        return (size_t)op.arg * 65536 + (uint16_t)op.delta;
    }
}

static void take(struct steve_exec *exec, uint16_t slot, size_t size)
{
    exec->slots[slot].size = size;
    exec->slots[slot].live = true;
    exec->slots[slot].place = (uint32_t)exec->count;
    exec->by_place[exec->count++] = slot;
    exec->bytes += size;
    exec->used += size + OVERHEAD;
}

static void give(struct steve_exec *exec, uint16_t slot)
{
    uint16_t last = exec->by_place[--exec->count];
    exec->by_place[exec->slots[slot].place] = last;
    exec->slots[last].place = exec->slots[slot].place;
    exec->bytes -= exec->slots[slot].size;
    exec->used -= exec->slots[slot].size + OVERHEAD;
    exec->slots[slot].size = 0;
    exec->slots[slot].locks = 0;
    exec->slots[slot].live = false;
    exec->slots[slot].stale = true;
}

static enum steve_outcome resize(struct steve_exec *exec, uint16_t slot, size_t size)
{
    size_t old = exec->slots[slot].size;
    if (size > exec->heap || exec->used - old + size > exec->heap) {
        return STEVE_REFUSED;
    }
    exec->bytes += size - old;
    exec->used += size - old;
    exec->slots[slot].size = size;
    return STEVE_DONE;
}

static enum steve_outcome carry_out(struct steve_exec *exec, struct steve_op op)
{
    bool live = exec->slots[op.slot].live;
    uint16_t *locks = &exec->slots[op.slot].locks;
    size_t size = steve_view_resolve_size(exec, op);

    switch (steve_op_kind(op.code)) {
    case STEVE_KIND_MALLOC:
    case STEVE_KIND_CALLOC:
    case STEVE_KIND_ALIGNED:
        if (live) {
            return STEVE_SKIPPED;
        }
        if (size > exec->heap || exec->used + size + OVERHEAD > exec->heap) {
            return STEVE_REFUSED;
        }
        take(exec, op.slot, size);
        return STEVE_DONE;
    case STEVE_KIND_FREE:
        if (!live || *locks > 0) {
            return live ? STEVE_REFUSED : STEVE_SKIPPED;
        }
        give(exec, op.slot);
        return STEVE_DONE;
    case STEVE_KIND_RESIZE:
        return live ? resize(exec, op.slot, size) : STEVE_SKIPPED;
    case STEVE_KIND_LOCK:
        *locks = (uint16_t)(*locks + live);
        return live ? STEVE_DONE : STEVE_SKIPPED;
    case STEVE_KIND_UNLOCK:
        if (*locks == 0) {
            return STEVE_SKIPPED;
        }
        --*locks;
        return STEVE_DONE;
    case STEVE_KIND_WRITE:
    case STEVE_KIND_VERIFY:
    case STEVE_KIND_WEAK_LOCK:
    case STEVE_KIND_PURGEABLE:
    case STEVE_KIND_KEEP:
        return live ? STEVE_DONE : STEVE_SKIPPED;
    case STEVE_KIND_DRAIN:
        while (exec->count > 0) {
            give(exec, exec->by_place[exec->count - 1]);
        }
        return STEVE_DONE;
    default:
        return STEVE_DONE;
    }
}

// A driver that has everything, and one that has little; neither is ever called

static void *no_open(const struct steve_geometry *geometry, const char **why)
{
    (void)geometry;
    (void)why;
    return NULL;
}

static steve_ref no_calloc(void *heap, size_t count, size_t size)
{
    (void)heap;
    return count * size;
}

static steve_ref no_aligned(void *heap, size_t alignment, size_t bytes)
{
    (void)heap;
    return alignment + bytes;
}

static steve_ref no_resize(void *heap, steve_ref ref, size_t bytes)
{
    (void)heap;
    return ref + bytes;
}

static enum steve_lock_result no_lock(void *heap, steve_ref ref, void **address)
{
    (void)heap;
    (void)ref;
    *address = NULL;
    return STEVE_LOCK_REFUSED;
}

static bool no_unlock(void *heap, steve_ref ref)
{
    (void)heap;
    return ref == 0;
}

static bool no_purgeable(void *heap, steve_ref ref, bool purgeable)
{
    (void)heap;
    return ref == 0 && purgeable;
}

static bool no_compact(void *heap, uint64_t budget_ns)
{
    (void)heap;
    return budget_ns == 0;
}

static bool no_goal(void *heap, size_t wanted)
{
    (void)heap;
    return wanted == 0;
}

static const char *const options[] = {"one", "two", "three", NULL};

static const struct steve_driver rich = {
    .name = "rich",
    .promises = STEVE_PROMISE_REGION | STEVE_PROMISE_HANDLES | STEVE_PROMISE_REFUSES_MISUSE |
                STEVE_PROMISE_REFUSES_LOCKED | STEVE_PROMISE_MOVES | STEVE_PROMISE_RESIZE_IN_PLACE |
                STEVE_PROMISE_LOCKS_NEST,
    .alignment = 16,
    .largest_aligned = 65536,
    .region_alignment = 16,
    .heap_min = 512,
    .heap_max = (size_t)1 << (sizeof(size_t) > 4 ? 36 : 29),
    .options = options,
    .open = no_open,
    .calloc = no_calloc,
    .aligned = no_aligned,
    .resize = no_resize,
    .lock = no_lock,
    .unlock = no_unlock,
    .weak_lock = no_lock,
    .set_purgeable = no_purgeable,
    .compact = no_compact,
    .compact_goal = no_goal,
};

static const struct steve_driver poor = {
    .name = "poor", .alignment = 16, .region_alignment = 16, .heap_min = 64, .open = no_open};

// Running episodes, and what was counted on the way

struct tally {
    uint64_t ops, skipped, mallocs, refused, compactions, locked_permille, nested;
    uint64_t kinds[STEVE_KIND_COUNT];
    uint64_t digest;
};

static struct steve_exec *book;
/// Called before each op is carried out, if set.
static void (*watch)(const struct steve_exec *exec, struct steve_op op);

static int make_book(void **state)
{
    (void)state;
    book = calloc(1, sizeof *book);
    return book == NULL;
}

static int drop_book(void **state)
{
    (void)state;
    free(book);
    return 0;
}

static uint64_t locked_permille(void)
{
    uint64_t locked = 0;
    for (size_t i = 0; i < book->count; i++) {
        locked += book->slots[book->by_place[i]].locks > 0;
    }
    return book->count > 0 ? locked * 1000 / book->count : 0;
}

static uint64_t mixed_in(uint64_t digest, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return digest;
}

static void count_op(struct tally *tally, struct steve_op op)
{
    enum steve_op_kind kind = steve_op_kind(op.code);
    bool makes = kind == STEVE_KIND_MALLOC || kind == STEVE_KIND_CALLOC || kind == STEVE_KIND_ALIGNED;
    tally->ops++;
    tally->kinds[kind]++;
    tally->skipped += book->last == STEVE_SKIPPED;
    tally->mallocs += makes;
    tally->refused += makes && book->last == STEVE_REFUSED;
    tally->nested += kind == STEVE_KIND_LOCK && book->slots[op.slot].locks > 1;
    tally->digest = mixed_in(tally->digest, &op, sizeof op);
    if (kind == STEVE_KIND_COMPACT || kind == STEVE_KIND_COMPACT_BUDGET || kind == STEVE_KIND_COMPACT_GOAL) {
        tally->compactions++;
        tally->locked_permille += locked_permille();
    }
}

static struct steve_header run_episode(struct steve_gen *gen, uint64_t episode, struct tally *tally)
{
    struct steve_header header;
    memset(book, 0, sizeof *book);
    steve_gen_begin(gen, episode, &header);
    book->heap = header.heap_bytes;
    tally->digest = mixed_in(tally->digest, &header, sizeof header);
    for (uint64_t left = steve_gen_length(gen, episode); left > 0; left--) {
        struct steve_op op = steve_gen_next(gen, book);
        assert_int_not_equal(steve_op_kind(op.code), STEVE_KIND_NONE);
        if (watch != NULL) {
            watch(book, op);
        }
        book->last = carry_out(book, op);
        count_op(tally, op);
    }
    return header;
}

static struct tally run(const struct steve_driver *driver, const char *profile, const char *locks, uint64_t seed,
                        uint64_t first, uint64_t count)
{
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = driver,
                                                                     .profile = steve_profile_by_name(profile),
                                                                     .locks = steve_lock_model_by_name(locks),
                                                                     .seed = seed});
    struct tally tally = {0};
    assert_non_null(gen);
    for (uint64_t i = 0; i < count; i++) {
        run_episode(gen, first + i, &tally);
    }
    steve_gen_free(gen);
    return tally;
}

static void every_profile_is_listed_and_found(void **state)
{
    (void)state;
    static const char *const names[] = {"swarm", "steady", "churn", "lock-heavy", "full",
                                        "tiny",  "brief",  "big",   "misuse",     "classic"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct steve_profile *profile = steve_profile_at(i);
        assert_string_equal(steve_profile_name(profile), names[i]);
        assert_ptr_equal(steve_profile_by_name(names[i]), profile);
        assert_true(strlen(steve_profile_summary(profile)) > 0);
    }
    assert_null(steve_profile_at(sizeof names / sizeof names[0]));
    assert_null(steve_profile_by_name("no-such"));
}

static void an_episode_depends_on_seed_and_number_alone(void **state)
{
    (void)state;
    uint64_t fourth = run(&rich, "swarm", "mixed", 7, 4, 1).digest;
    assert_true(fourth == run(&rich, "swarm", "mixed", 7, 4, 1).digest);
    assert_true(fourth != run(&rich, "swarm", "mixed", 8, 4, 1).digest);
    assert_true(fourth != run(&rich, "swarm", "mixed", 7, 5, 1).digest);
}

static void an_episode_is_the_same_from_a_generator_that_has_drawn_others(void **state)
{
    (void)state;
    for (size_t i = 0; steve_profile_at(i) != NULL; i++) {
        const char *name = steve_profile_name(steve_profile_at(i));
        struct steve_gen_config config = {.driver = &rich, .profile = steve_profile_at(i), .seed = 7};
        struct steve_gen *gen = steve_gen_new(&config);
        for (uint64_t episode = 0; episode < 40; episode++) {
            struct tally tally = {0};
            run_episode(gen, episode, &tally);
            assert_true(tally.digest == run(&rich, name, "mixed", 7, episode, 1).digest);
        }
        steve_gen_free(gen);
    }
}

static void lengths_are_spread_and_known_ahead(void **state)
{
    (void)state;
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){.driver = &rich, .seed = 1});
    uint64_t sum = 0;
    for (uint64_t episode = 0; episode < 4000; episode++) {
        uint64_t length = steve_gen_length(gen, episode);
        assert_true(length >= 64 && length <= STEVE_LENGTH_MAX);
        sum += length;
    }
    steve_gen_free(gen);
    assert_in_range(sum / 4000, 2500, 3500);
}

static void swarm_covers_every_op(void **state)
{
    (void)state;
    struct tally tally = run(&rich, "swarm", "mixed", 1, 0, 200);
    for (unsigned kind = STEVE_KIND_NONE + 1; kind < STEVE_KIND_COUNT; kind++) {
        assert_true(tally.kinds[kind] > 0);
    }
    assert_true(tally.nested > 100);
}

static void few_ops_are_skipped(void **state)
{
    (void)state;
    for (size_t i = 0; steve_profile_at(i) != NULL; i++) {
        struct tally tally = run(&rich, steve_profile_name(steve_profile_at(i)), "mixed", 2, 0, 40);
        assert_true(tally.skipped * 20 < tally.ops);
    }
}

static void what_a_driver_lacks_is_not_generated(void **state)
{
    (void)state;
    static const enum steve_op_kind has[] = {STEVE_KIND_MALLOC, STEVE_KIND_FREE,  STEVE_KIND_WRITE,
                                             STEVE_KIND_VERIFY, STEVE_KIND_DRAIN, STEVE_KIND_CHECK};
    for (size_t i = 0; steve_profile_at(i) != NULL; i++) {
        struct tally tally = run(&poor, steve_profile_name(steve_profile_at(i)), "mixed", 3, 0, 20);
        uint64_t allowed = 0;
        for (size_t k = 0; k < sizeof has / sizeof has[0]; k++) {
            allowed += tally.kinds[has[k]];
        }
        assert_true(allowed == tally.ops);
    }
}

/// Where the system maps memory is not the same every time; only in a region of Steve's are places part of the episode.
static void places_outside_a_region_do_not_matter(void **state)
{
    (void)state;
    struct steve_driver mapped = rich;
    mapped.promises &= ~(uint32_t)STEVE_PROMISE_REGION;
    looks_by_address = 0;
    run(&mapped, "swarm", "pin", 10, 0, 50);
    assert_int_equal(looks_by_address, 0);
    run(&rich, "swarm", "pin", 10, 0, 50);
    assert_true(looks_by_address > 0);
}

static void full_is_refused_often_and_steady_seldom(void **state)
{
    (void)state;
    struct tally full = run(&rich, "full", "mixed", 4, 0, 60);
    struct tally steady = run(&rich, "steady", "mixed", 4, 0, 60);
    assert_true(full.refused * 8 > full.mallocs);
    assert_true(steady.refused * 20 < steady.mallocs);
}

static void float_sink_locks_from_none_to_about_half(void **state)
{
    (void)state;
    uint64_t seen[4] = {0};
    for (uint64_t episode = 0; episode < 200; episode++) {
        struct tally tally = run(&rich, "swarm", "float-sink", 5, episode, 1);
        if (tally.compactions > 4) {
            uint64_t share = tally.locked_permille / tally.compactions;
            seen[share < 10 ? 0 : share < 150 ? 1 : share < 350 ? 2 : 3]++;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_true(seen[i] >= 5);
    }
}

/// The locks of an episode in the order they were taken.
static uint16_t lock_order[65536];
static uint32_t lock_count;
static bool lock_order_kept;

static void watch_scopes(const struct steve_exec *exec, struct steve_op op)
{
    if (op.code == STEVE_OP_LOCK) {
        lock_order[lock_count++] = op.slot;
    }
    if (op.code == STEVE_OP_UNLOCK && exec->slots[op.slot].locks > 0) {
        lock_order_kept = lock_order_kept && lock_count > 0 && lock_order[lock_count - 1] == op.slot;
        lock_count--;
    }
    if (op.code == STEVE_OP_DRAIN) {
        lock_count = 0;
    }
}

static void stack_unlocks_last_in_first_out(void **state)
{
    (void)state;
    uint64_t locks = 0;
    watch = watch_scopes;
    lock_order_kept = true;
    for (uint64_t episode = 0; episode < 50; episode++) {
        lock_count = 0;
        locks += run(&rich, "swarm", "stack", 6, episode, 1).kinds[STEVE_KIND_LOCK];
        assert_true(lock_order_kept);
    }
    watch = NULL;
    assert_true(locks > 1000);
}

static void none_and_drivers_without_locks_lock_nothing(void **state)
{
    (void)state;
    struct tally tally = run(&rich, "lock-heavy", "none", 7, 0, 20);
    assert_true(tally.kinds[STEVE_KIND_LOCK] == 0 && tally.kinds[STEVE_KIND_UNLOCK] == 0);
}

static void classic_fills_frees_locks_compacts_and_verifies(void **state)
{
    (void)state;
    struct tally tally = run(&rich, "classic", "mixed", 8, 0, 20);
    assert_true(tally.refused >= 20);
    assert_true(tally.compactions >= 20);
    // An eighth, rounded up: more where only a few blocks fit.
    assert_in_range(tally.locked_permille / tally.compactions, 120, 250);
    assert_true(tally.kinds[STEVE_KIND_VERIFY] > tally.ops / 20);
    assert_true(tally.kinds[STEVE_KIND_FREE] > tally.ops / 10);
}

static void headers_obey_driver_and_user(void **state)
{
    (void)state;
    bool dirty = false;
    bool odd = false;
    bool shifted = false;
    for (size_t i = 0; steve_profile_at(i) != NULL; i++) {
        struct steve_gen_config config = {.driver = &rich, .profile = steve_profile_at(i), .seed = 9};
        struct steve_gen *gen = steve_gen_new(&config);
        for (uint64_t episode = 0; episode < 50; episode++) {
            struct steve_header header;
            steve_gen_begin(gen, episode, &header);
            assert_string_equal(header.driver, "rich");
            assert_true(header.heap_bytes >= rich.heap_min && header.heap_bytes <= rich.heap_max);
            assert_true(header.options < 8);
            dirty = dirty || header.dirty;
            odd = odd || header.heap_bytes % 2 == 1;
            shifted = shifted || header.base_offset != 0;
        }
        steve_gen_free(gen);

        config.heap_bytes = 12345;
        gen = steve_gen_new(&config);
        struct tally tally = {0};
        for (uint64_t episode = 0; episode < 5; episode++) {
            assert_true(run_episode(gen, episode, &tally).heap_bytes == 12345);
        }
        steve_gen_free(gen);
    }
    assert_true(dirty && odd && shifted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_is_listed_and_found),
        cmocka_unit_test(an_episode_depends_on_seed_and_number_alone),
        cmocka_unit_test(an_episode_is_the_same_from_a_generator_that_has_drawn_others),
        cmocka_unit_test(lengths_are_spread_and_known_ahead),
        cmocka_unit_test(swarm_covers_every_op),
        cmocka_unit_test(few_ops_are_skipped),
        cmocka_unit_test(what_a_driver_lacks_is_not_generated),
        cmocka_unit_test(places_outside_a_region_do_not_matter),
        cmocka_unit_test(full_is_refused_often_and_steady_seldom),
        cmocka_unit_test(float_sink_locks_from_none_to_about_half),
        cmocka_unit_test(stack_unlocks_last_in_first_out),
        cmocka_unit_test(none_and_drivers_without_locks_lock_nothing),
        cmocka_unit_test(classic_fills_frees_locks_compacts_and_verifies),
        cmocka_unit_test(headers_obey_driver_and_user),
    };
    return cmocka_run_group_tests(tests, make_book, drop_book);
}
