/// The system gives no more: what ulimit -v (address space) and ulimit -d (memory) do to heaps with pages of their own. Every
/// refusal is clean, all that lives keeps its contents, and the heap goes on when there is memory again. What page hooks
/// refuse at a certain call is in test_mapped.c.
#define _DEFAULT_SOURCE
#include "heap_test.h"

#include "rmalloc.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { MANY = 40000 };
static jeff_handle handles[MANY];

/// What this process has, in bytes: of "VmSize" or "VmData".
static size_t had(const char *what)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long kib = 0;
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, what, strlen(what)) == 0) {
            sscanf(line + strlen(what) + 1, "%lu", &kib);
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return (size_t)kib * KIB;
}

struct limit {
    int resource;
    const char *what;
    struct rlimit before;
};

static const struct limit address_space = {.resource = RLIMIT_AS, .what = "VmSize"};
static const struct limit memory = {.resource = RLIMIT_DATA, .what = "VmData"};

/// Whether the system minds the limit: an emulator of other machines does not.
static bool is_felt(const struct limit *limit)
{
    void *pages = mmap(NULL, 512 * MIB, limit->resource == RLIMIT_AS ? PROT_NONE : PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages != MAP_FAILED) {
        assert_int_equal(munmap(pages, 512 * MIB), 0);
    }
    return pages == MAP_FAILED;
}

static void lift(const struct limit *limit)
{
    assert_int_equal(setrlimit(limit->resource, &limit->before), 0);
}

/// Leaves that many bytes above what there is. The test is skipped where that has no effect.
static struct limit leave(struct limit limit, size_t bytes)
{
    assert_int_equal(getrlimit(limit.resource, &limit.before), 0);
    struct rlimit tight = limit.before;
    tight.rlim_cur = (rlim_t)(had(limit.what) + bytes);
    assert_int_equal(setrlimit(limit.resource, &tight), 0);
    if (!is_felt(&limit)) {
        lift(&limit);
        skip();
    }
    return limit;
}

static void assert_all_marked(jeff_heap *heap, size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        assert_marked(heap, handles[i], bytes, (unsigned)i);
    }
    assert_checked(heap);
}

static void create_is_refused_without_address_space(void **state)
{
    (void)state;
    struct limit limit = leave(address_space, MIB);
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(64 * MIB, NULL, &status);
    lift(&limit);
    assert_null(heap);
    assert_int_equal(status, JEFF_ERROR_MAP);
    heap = jeff_create(64 * MIB, NULL, &status);
    assert_non_null(heap);
    assert_int_equal(status, JEFF_OK);
    jeff_destroy(heap);
}

static void create_is_refused_without_memory(void **state)
{
    (void)state;
    const size_t before = had("VmSize");
    struct limit limit = leave(memory, 0);
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(64 * MIB, NULL, &status);
    lift(&limit);
    assert_null(heap);
    assert_int_equal(status, JEFF_ERROR_MAP);
    assert_true(had("VmSize") < before + 64 * MIB); // nothing is left reserved
}

/// Who states no limit gets what there is.
static void a_heap_without_a_limit_takes_the_address_space_there_is(void **state)
{
    (void)state;
    struct limit limit = leave(address_space, 96 * MIB);
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(0, NULL, &status);
    const size_t count = heap != NULL ? fill_heap(heap, 1000, handles, MANY) : 0;
    handle_t *classic = rmmalloc(100);
    lift(&limit);
    assert_non_null(heap);
    assert_int_equal(status, JEFF_OK);
    assert_true(count > 10000 && count < MANY);
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    assert_all_marked(heap, count, 1000);
    assert_non_null(classic);
    rmfree(classic);
    jeff_destroy(heap);
}

/// Fills a heap of blocks of that size while memory lasts, and again when there is more.
static void fill_and_go_on(size_t bytes, size_t left)
{
    jeff_heap *heap = jeff_create(64 * MIB, NULL, NULL);
    assert_non_null(heap);
    struct limit limit = leave(memory, left);
    const size_t count = fill_heap(heap, bytes, handles, MANY);
    const enum jeff_status status = jeff_last_status(heap);
    const struct jeff_stats before = stats_of(heap);
    const bool more = jeff_malloc(heap, 100000) != JEFF_NULL || jeff_resize(heap, handles[0], 200000) ||
                      jeff_aligned_alloc(heap, 4096, 50000) != JEFF_NULL;
    const struct jeff_stats after = stats_of(heap);
    lift(&limit);
    assert_true(count > 0 && count < MANY);
    assert_int_equal(status, JEFF_ERROR_NO_MEMORY);
    assert_false(more);
    assert_true(is_same_but_refusals(before, after));
    assert_true(before.heap_bytes <= left + 4 * 65536); // what was committed before the limit came, too
    assert_all_marked(heap, count, bytes);

    jeff_handle next = marked_block(heap, bytes, 77); // the very request that was refused
    jeff_handle large = marked_block(heap, 100000, 78);
    assert_marked(heap, next, bytes, 77);
    assert_marked(heap, large, 100000, 78);
    assert_all_marked(heap, count, bytes);
    jeff_destroy(heap);
}

static void growth_is_refused_and_goes_on_later(void **state)
{
    (void)state;
    fill_and_go_on(3000, MIB);
    fill_and_go_on(200, MIB);
}

/// The smaller the blocks, the more of the growth is the handle table's.
static void growth_of_the_table_is_refused_and_goes_on_later(void **state)
{
    (void)state;
    for (size_t left = 64 * KIB; left <= 512 * KIB; left += 44 * KIB) {
        fill_and_go_on(1, left);
    }
}

static void own_pages_are_refused_and_can_be_had_later(void **state)
{
    (void)state;
    const struct limit limits[] = {address_space, memory};
    const struct jeff_config config = {.own_mapping = 65536};
    for (unsigned i = 0; i < 2; i++) {
        jeff_heap *heap = jeff_create(16 * MIB, &config, NULL);
        assert_non_null(heap);
        handles[0] = marked_block(heap, 500, 0);
        handles[1] = marked_block(heap, 300000, 1);
        const struct jeff_stats before = stats_of(heap);
        const size_t space = had("VmSize");
        struct limit limit = leave(limits[i], 2 * MIB);
        const bool served = jeff_malloc(heap, 20 * MIB) != JEFF_NULL || jeff_calloc(heap, 20, MIB) != JEFF_NULL ||
                            jeff_aligned_alloc(heap, 65536, 20 * MIB) != JEFF_NULL ||
                            jeff_resize(heap, handles[1], 20 * MIB);
        const enum jeff_status status = jeff_last_status(heap);
        const struct jeff_stats after = stats_of(heap);
        lift(&limit);
        assert_false(served);
        assert_int_equal(status, JEFF_ERROR_NO_MEMORY);
        assert_true(is_same_but_refusals(before, after));
        assert_true(had("VmSize") < space + MIB); // nothing was left behind
        assert_marked(heap, handles[0], 500, 0);
        assert_marked(heap, handles[1], 300000, 1);
        assert_checked(heap);

        assert_true(jeff_resize(heap, handles[1], 20 * MIB));
        assert_marked(heap, handles[1], 300000, 1);
        handles[2] = marked_block(heap, 20 * MIB, 2);
        assert_marked(heap, handles[2], 20 * MIB, 2);
        assert_checked(heap);
        jeff_destroy(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_is_refused_without_address_space),
        cmocka_unit_test(create_is_refused_without_memory),
        cmocka_unit_test(a_heap_without_a_limit_takes_the_address_space_there_is),
        cmocka_unit_test(growth_is_refused_and_goes_on_later),
        cmocka_unit_test(growth_of_the_table_is_refused_and_goes_on_later),
        cmocka_unit_test(own_pages_are_refused_and_can_be_had_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
