/// jeff_create(): a heap in pages of its own that grows, blocks with pages of their own, and what happens when the system gives none.
#define _GNU_SOURCE
#include "heap_test.h"

#include <sys/mman.h>

enum { PAGE = 4096 };

/// Page hooks over mmap that keep books, and refuse on demand. Memory that is not committed faults.
struct pages {
    size_t reserved;
    size_t committed;
    size_t reserves;
    size_t refuse_reserves_from; ///< the how-manieth call is the first to be refused; 0: none
    size_t refuse_commits_from;
    size_t commits;
    const char *refuse_above; ///< commits of addresses from here on are refused; NULL: none
    size_t commit_most;       ///< bytes that one commit may ask for; 0: any
};

static struct pages pages;

static void *reserve(void *context, size_t bytes)
{
    struct pages *p = context;
    assert_int_equal(bytes % PAGE, 0);
    p->reserves++;
    if (p->refuse_reserves_from != 0 && p->reserves >= p->refuse_reserves_from) {
        return NULL;
    }
    void *address = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) {
        assert_true(bytes > SIZE_MAX / 4); // else the machine is too small for the tests
        return NULL;
    }
    p->reserved += bytes;
    return address;
}

static bool commit(void *context, void *address, size_t bytes)
{
    struct pages *p = context;
    assert_int_equal(bytes % PAGE, 0);
    assert_int_equal((uintptr_t)address % PAGE, 0);
    p->commits++;
    if ((p->refuse_commits_from != 0 && p->commits >= p->refuse_commits_from) ||
        (p->refuse_above != NULL && (const char *)address >= p->refuse_above) ||
        (p->commit_most != 0 && bytes > p->commit_most)) {
        return false;
    }
    p->committed += bytes;
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void decommit(void *context, void *address, size_t bytes)
{
    struct pages *p = context;
    assert_int_equal(bytes % PAGE, 0);
    assert_true(p->committed >= bytes);
    p->committed -= bytes;
    assert_int_equal(madvise(address, bytes, MADV_DONTNEED), 0);
    assert_int_equal(mprotect(address, bytes, PROT_NONE), 0);
}

static void release(void *context, void *address, size_t bytes)
{
    struct pages *p = context;
    assert_int_equal(bytes % PAGE, 0);
    assert_true(p->reserved >= bytes);
    p->reserved -= bytes;
    assert_int_equal(munmap(address, bytes), 0);
}

static const struct jeff_page_hooks good_hooks = {
    .page_bytes = PAGE,
    .reserve = reserve,
    .commit = commit,
    .decommit = decommit,
    .release = release,
    .context = &pages,
};

static jeff_heap *booked_heap(size_t max_bytes, size_t own_mapping)
{
    pages = (struct pages){0};
    struct jeff_page_hooks hooks = good_hooks;
    const struct jeff_config config = {.pages = &hooks, .own_mapping = own_mapping};
    enum jeff_status status = JEFF_OK;
    jeff_heap *heap = jeff_create(max_bytes, &config, &status);
    assert_int_equal(status, JEFF_OK);
    assert_non_null(heap);
    memset(&hooks, 0, sizeof hooks); // they were copied
    return heap;
}

static void destroy_gives_everything_back(void **state)
{
    (void)state;
    jeff_heap *heap = booked_heap(64 * MIB, 64 * KIB);
    for (unsigned i = 0; i < 500; i++) {
        jeff_handle handle = marked_block(heap, 100 + i * 400, i);
        if (i % 3 == 0) {
            assert_non_null(jeff_lock(heap, handle));
        }
    }
    assert_true(stats_of(heap).mapped_blocks > 0);
    assert_checked(heap);
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

static void the_heap_grows_with_what_is_asked_of_it(void **state)
{
    (void)state;
    static jeff_handle handles[3000];
    jeff_heap *heap = jeff_create(0, NULL, NULL);
    assert_non_null(heap);
    size_t small = stats_of(heap).heap_bytes;
    for (unsigned i = 0; i < 3000; i++) {
        handles[i] = marked_block(heap, 5000, i);
    }
    assert_true(stats_of(heap).heap_bytes > small);
    assert_true(stats_of(heap).heap_bytes >= 3000u * 5000u);
    assert_checked(heap);
    for (unsigned i = 0; i < 3000; i++) {
        assert_marked(heap, handles[i], 5000, i);
        if (i % 2 == 0) {
            assert_true(jeff_free(heap, handles[i]));
        }
    }
    jeff_compact(heap, 0);
    assert_checked(heap);
    for (unsigned i = 1; i < 3000; i += 2) {
        assert_marked(heap, handles[i], 5000, i);
    }
    jeff_destroy(heap);
}

static void locked_blocks_stay_while_the_heap_grows(void **state)
{
    (void)state;
    jeff_heap *heap = booked_heap(64 * MIB, 0);
    jeff_handle pinned = marked_block(heap, 1000, 1);
    void *address = jeff_lock(heap, pinned);
    for (unsigned i = 0; i < 30000; i++) {
        assert_true(jeff_malloc(heap, 500) != JEFF_NULL);
    }
    assert_ptr_equal(jeff_weak_lock(heap, pinned), address);
    assert_marked(heap, pinned, 1000, 1);
    assert_checked(heap);
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

static void it_grows_no_further_than_its_limit(void **state)
{
    (void)state;
    static jeff_handle handles[4000];
    jeff_heap *heap = booked_heap(MIB, 0);
    size_t count = fill_heap(heap, 1000, handles, 4000);
    assert_true(count < 4000);
    assert_true(count > 900); // it does use the megabyte
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    assert_true(stats_of(heap).heap_bytes <= MIB);
    assert_true(pages.committed <= MIB);
    for (size_t i = 0; i < count; i++) {
        assert_marked(heap, handles[i], 1000, (unsigned)i);
    }
    assert_true(jeff_malloc(heap, SIZE_MAX) == JEFF_NULL);
    assert_true(jeff_malloc(heap, SIZE_MAX / 2) == JEFF_NULL);
    assert_checked(heap);
    jeff_destroy(heap);
}

static bool find_handle(void *context, const struct jeff_block *block)
{
    jeff_handle *wanted = context;
    if (block->handle == *wanted) {
        *wanted = JEFF_NULL; // seen
    }
    return true;
}

static void a_large_block_gets_pages_of_its_own_and_gives_them_back(void **state)
{
    (void)state;
    jeff_heap *heap = booked_heap(64 * MIB, 64 * KIB);
    jeff_handle small = marked_block(heap, 60000, 1);
    assert_int_equal(stats_of(heap).mapped_blocks, 0);
    size_t reserved = pages.reserved;
    jeff_handle large = marked_block(heap, 300000, 2);
    assert_int_equal(stats_of(heap).mapped_blocks, 1);
    assert_true(stats_of(heap).mapped_bytes >= 300000);
    assert_int_equal(stats_of(heap).live_blocks, 2);

    unsigned char *address = jeff_lock(heap, large);
    void *begin = NULL;
    size_t extent = jeff_extent(heap, large, &begin);
    assert_int_equal((uintptr_t)address % 16, 0);
    assert_true((unsigned char *)begin <= address && extent >= 300000);
    assert_true(jeff_handle_of(heap, address) == large);
    assert_true(jeff_handle_of(heap, address + 16) == JEFF_NULL);
    assert_false(jeff_free(heap, large));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCKED);
    jeff_handle looked_for = large;
    jeff_walk(heap, find_handle, &looked_for);
    assert_true(looked_for == JEFF_NULL);
    jeff_compact(heap, 0);
    assert_ptr_equal(jeff_weak_lock(heap, large), address);
    assert_true(jeff_unlock(heap, large));
    assert_checked(heap);

    assert_true(jeff_free(heap, large));
    assert_int_equal(stats_of(heap).mapped_blocks, 0);
    assert_int_equal(stats_of(heap).mapped_bytes, 0);
    assert_int_equal(pages.reserved, reserved);
    assert_false(jeff_free(heap, large));
    assert_marked(heap, small, 60000, 1);
    assert_checked(heap);
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

static void resize_goes_from_shared_pages_to_own_ones_and_back(void **state)
{
    (void)state;
    const size_t sizes[] = {100, 70000, 200, 500000, 70000, 65536, 65535, 3, 0, 1000000, 40000};
    jeff_heap *heap = booked_heap(64 * MIB, 64 * KIB);
    jeff_handle other = marked_block(heap, 500, 9);
    jeff_handle block = marked_block(heap, 10, 1);
    size_t before = 10;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(jeff_resize(heap, block, sizes[i]));
        assert_marked(heap, block, before < sizes[i] ? before : sizes[i], 1);
        assert_true(jeff_usable_size(heap, block) >= sizes[i]);
        mark_block(heap, block, sizes[i], 1);
        before = sizes[i];
        assert_marked(heap, other, 500, 9);
        assert_checked(heap);
    }
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

static void a_locked_block_with_own_pages_is_not_moved_by_resize(void **state)
{
    (void)state;
    jeff_heap *heap = booked_heap(64 * MIB, 64 * KIB);
    jeff_handle block = marked_block(heap, 100000, 1);
    void *address = jeff_lock(heap, block);
    const size_t sizes[] = {101000, 300000, 80000, 100, 10000000};
    size_t kept = 100000;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (jeff_resize(heap, block, sizes[i])) {
            kept = sizes[i] < kept ? sizes[i] : kept;
        } else {
            assert_int_equal(jeff_last_status(heap), JEFF_ERROR_LOCKED);
        }
        assert_ptr_equal(jeff_weak_lock(heap, block), address);
        assert_marked(heap, block, kept, 1);
        assert_checked(heap);
    }
    jeff_destroy(heap);
}

static void aligned_and_zeroed_blocks_work_with_own_pages(void **state)
{
    (void)state;
    jeff_heap *heap = booked_heap(64 * MIB, 64 * KIB);
    for (size_t alignment = 16; alignment <= 65536; alignment *= 2) {
        jeff_handle block = jeff_aligned_alloc(heap, alignment, 100000);
        assert_true(block != JEFF_NULL);
        assert_int_equal((uintptr_t)jeff_weak_lock(heap, block) % alignment, 0);
        mark_block(heap, block, 100000, 3);
        assert_true(jeff_free(heap, block));
    }
    for (unsigned i = 0; i < 10; i++) {
        jeff_handle block = jeff_calloc(heap, 1000, 100);
        const unsigned char *p = jeff_weak_lock(heap, block);
        for (size_t k = 0; k < 100000; k++) {
            assert_int_equal(p[k], 0);
        }
        mark_block(heap, block, 100000, i);
        assert_true(jeff_free(heap, block));
    }
    assert_checked(heap);
    jeff_destroy(heap);
}

/// Growing through the room that the alignment left, then beyond it: the alignment must not be forgotten on the way.
static void the_alignment_stays_with_own_pages(void **state)
{
    (void)state;
    enum { BLOCKS = 64 };
    jeff_heap *heap = booked_heap(256 * MIB, 64 * KIB);
    for (unsigned i = 0; i < BLOCKS; i++) {
        jeff_handle block = jeff_aligned_alloc(heap, 65536, 70000);
        mark_block(heap, block, 70000, i);
        for (size_t bytes = 70000; bytes < 400000; bytes += 4096) {
            assert_true(jeff_resize(heap, block, bytes));
            assert_int_equal((uintptr_t)jeff_weak_lock(heap, block) % 65536, 0);
        }
        assert_marked(heap, block, 70000, i);
    }
    assert_checked(heap);
    jeff_destroy(heap);
}

static void a_purgeable_block_may_have_own_pages(void **state)
{
    (void)state;
    jeff_heap *heap = booked_heap(2 * MIB, 64 * KIB);
    jeff_handle block = marked_block(heap, 500000, 1);
    assert_true(jeff_set_purgeable(heap, block, true));
    jeff_malloc(heap, 60000000); // whether it is dropped for this is Jeff's choice; it must be whole, or purged
    if (jeff_weak_lock(heap, block) != NULL) {
        assert_marked(heap, block, 500000, 1);
    } else {
        assert_int_equal(jeff_last_status(heap), JEFF_ERROR_PURGED);
    }
    assert_true(jeff_free(heap, block));
    assert_checked(heap);
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

static enum jeff_status creation_refused(size_t max_bytes, const struct jeff_page_hooks *hooks)
{
    const struct jeff_config config = {.pages = hooks};
    enum jeff_status status = JEFF_OK;
    assert_null(jeff_create(max_bytes, &config, &status));
    assert_null(jeff_create(max_bytes, &config, NULL));
    return status;
}

static void create_refuses_what_cannot_be(void **state)
{
    (void)state;
    struct jeff_page_hooks hooks = good_hooks;
    assert_int_equal(creation_refused(100, &hooks), JEFF_ERROR_TOO_SMALL);
    const size_t bad_page_sizes[] = {0, 512, 1000, 4095, 12288, SIZE_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof bad_page_sizes / sizeof bad_page_sizes[0]; i++) {
        hooks.page_bytes = bad_page_sizes[i];
        assert_int_equal(creation_refused(MIB, &hooks), JEFF_ERROR_ARGUMENT);
    }
    for (unsigned missing = 0; missing < 4; missing++) {
        hooks = good_hooks;
        hooks.reserve = missing == 0 ? NULL : hooks.reserve;
        hooks.commit = missing == 1 ? NULL : hooks.commit;
        hooks.decommit = missing == 2 ? NULL : hooks.decommit;
        hooks.release = missing == 3 ? NULL : hooks.release;
        assert_int_equal(creation_refused(MIB, &hooks), JEFF_ERROR_ARGUMENT);
    }
    const struct jeff_config config = {.alignment = 32};
    enum jeff_status status = JEFF_OK;
    assert_null(jeff_create(MIB, &config, &status));
    assert_int_equal(status, JEFF_ERROR_ARGUMENT);
}

static void create_without_pages_fails_and_leaves_nothing(void **state)
{
    (void)state;
    pages = (struct pages){.refuse_reserves_from = 1};
    assert_int_equal(creation_refused(MIB, &good_hooks), JEFF_ERROR_MAP);
    assert_int_equal(pages.reserved, 0);
    for (size_t from = 1; from < 4; from++) {
        pages = (struct pages){.refuse_commits_from = from};
        const struct jeff_config config = {.pages = &good_hooks};
        enum jeff_status status = JEFF_OK;
        jeff_heap *heap = jeff_create(MIB, &config, &status);
        if (heap == NULL) {
            assert_int_equal(status, JEFF_ERROR_MAP);
        }
        jeff_destroy(heap);
        assert_int_equal(pages.reserved, 0);
    }
}

/// The system gives no more pages from some call on, and then does again.
static void a_heap_survives_when_pages_run_out(void **state)
{
    (void)state;
    static jeff_handle handles[4000];
    for (size_t more = 1; more < 12; more++) {
        jeff_heap *heap = booked_heap(64 * MIB, 64 * KIB);
        pages.refuse_commits_from = pages.commits + more;
        size_t count = fill_heap(heap, 3000, handles, 4000);
        assert_true(count < 4000);
        assert_int_not_equal(jeff_last_status(heap), JEFF_OK);
        size_t reserved = pages.reserved;
        assert_true(jeff_malloc(heap, 100000) == JEFF_NULL);
        assert_true(count == 0 || !jeff_resize(heap, handles[0], 200000));
        assert_int_equal(pages.reserved, reserved);
        assert_checked(heap);

        pages.refuse_commits_from = 0;
        jeff_handle large = marked_block(heap, 100000, 1);
        jeff_handle after = marked_block(heap, 3000, 2);
        assert_marked(heap, large, 100000, 1);
        assert_marked(heap, after, 3000, 2);
        for (size_t i = 0; i < count; i++) {
            assert_marked(heap, handles[i], 3000, (unsigned)i);
        }
        assert_checked(heap);

        pages.refuse_reserves_from = pages.reserves + 1;
        jeff_handle refused = jeff_malloc(heap, 100000); // own pages, or else shared ones
        assert_checked(heap);
        assert_true(refused == JEFF_NULL || jeff_free(heap, refused));
        jeff_destroy(heap);
        assert_int_equal(pages.reserved, 0);
    }
}

/// Blocks could still grow, but the handle table cannot.
/// What low_memory does when the pages of a block are refused.
static struct {
    jeff_heap *heap;
    jeff_handle to_free, to_lock;
    size_t bytes;
    unsigned calls;
} asked;

static bool give_pages(void *context, size_t bytes)
{
    (void)context;
    asked.calls++;
    asked.bytes = bytes;
    const bool freed = jeff_free(asked.heap, asked.to_free) && asked.to_free != JEFF_NULL;
    if (freed) {
        pages.refuse_reserves_from = 0;
    }
    return freed || jeff_lock(asked.heap, asked.to_lock) != NULL;
}

/// A heap with three blocks that have pages of their own; more is refused.
static jeff_heap *heap_without_more_pages(jeff_handle *handles)
{
    pages = (struct pages){0};
    memset(&asked, 0, sizeof asked);
    const struct jeff_config config = {.pages = &good_hooks, .own_mapping = 64 * KIB, .low_memory = give_pages};
    asked.heap = jeff_create(MIB, &config, NULL);
    for (unsigned i = 0; i < 3; i++) {
        handles[i] = marked_block(asked.heap, 100 * KIB, i);
    }
    pages.refuse_reserves_from = pages.reserves + 1;
    return asked.heap;
}

static void low_memory_is_asked_before_a_block_is_refused_its_pages(void **state)
{
    (void)state;
    jeff_handle handles[3];
    jeff_heap *heap = heap_without_more_pages(handles);
    assert_true(jeff_malloc(heap, 200 * KIB) == JEFF_NULL);
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    assert_int_equal(asked.calls, 1);
    assert_int_equal(asked.bytes, 200 * KIB);
    assert_false(jeff_resize(heap, handles[1], 300 * KIB));
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    assert_int_equal(asked.calls, 2);
    asked.to_free = handles[2];
    jeff_handle served = jeff_malloc(heap, 200 * KIB);
    assert_true(served != JEFF_NULL);
    assert_int_equal(asked.calls, 3);
    mark_block(heap, served, 200 * KIB, 9);

    pages.refuse_reserves_from = pages.reserves + 1;
    asked.to_free = handles[0]; // beside the one that grows in the list of such blocks
    assert_true(jeff_resize(heap, handles[1], 300 * KIB));
    assert_int_equal(asked.calls, 4);
    assert_marked(heap, handles[1], 100 * KIB, 1);
    assert_marked(heap, served, 200 * KIB, 9);
    assert_checked(heap);
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

static void a_block_may_be_freed_or_locked_while_pages_are_sought_for_it(void **state)
{
    (void)state;
    for (unsigned locks = 0; locks < 2; locks++) {
        jeff_handle handles[3];
        jeff_heap *heap = heap_without_more_pages(handles);
        *(locks ? &asked.to_lock : &asked.to_free) = handles[1];
        assert_false(jeff_resize(heap, handles[1], 300 * KIB));
        assert_int_equal(jeff_last_status(heap), locks ? JEFF_ERROR_LOCKED : JEFF_ERROR_HANDLE);
        assert_int_equal(asked.calls, 1);
        assert_int_equal(stats_of(heap).mapped_blocks, 2 + locks);
        assert_checked(heap);
        jeff_destroy(heap);
        assert_int_equal(pages.reserved, 0);
    }
}

static void a_handle_table_without_pages_refuses_new_blocks_alone(void **state)
{
    (void)state;
    static jeff_handle handles[20000];
    jeff_heap *heap = booked_heap(16 * MIB, 0);
    pages.refuse_above = (const char *)heap + 8 * MIB;
    size_t count = fill_heap(heap, 1, handles, 20000);
    assert_true(count > 100 && count < 20000);
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    assert_true(jeff_malloc(heap, 5000) == JEFF_NULL);
    assert_true(jeff_resize(heap, handles[0], 500000)); // needs no handle
    assert_checked(heap);
    assert_true(jeff_free(heap, handles[1]));
    handles[1] = marked_block(heap, 1, 1);

    pages.refuse_above = NULL;
    jeff_handle next = marked_block(heap, 5000, 2);
    assert_marked(heap, next, 5000, 2);
    for (size_t i = 0; i < count; i++) {
        assert_marked(heap, handles[i], 1, (unsigned)i);
    }
    assert_checked(heap);
    jeff_destroy(heap);
    assert_int_equal(pages.reserved, 0);
}

/// Growth asks for more than it needs; where that is refused, it makes do with what it needs.
static void the_last_pages_are_used_too(void **state)
{
    (void)state;
    static jeff_handle handles[40000];
    for (size_t bytes = 1; bytes <= 1000; bytes += 333) {
        jeff_heap *heap = booked_heap(MIB, 0);
        pages.commit_most = PAGE;
        size_t count = fill_heap(heap, bytes, handles, 40000);
        assert_int_equal(pages.committed, MIB);
        for (size_t i = 0; i < count; i++) {
            assert_marked(heap, handles[i], bytes, (unsigned)i);
        }
        assert_checked(heap);
        jeff_destroy(heap);
    }
}

/// Nothing of it is touched: it takes address space alone.
static void a_block_with_own_pages_may_be_larger_than_any_heap(void **state)
{
    (void)state;
#if SIZE_MAX > UINT32_MAX
    const size_t huge = (size_t)100 << 30;
    void *room = mmap(NULL, huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        skip(); // no such address space
    }
    munmap(room, huge);
    jeff_heap *heap = booked_heap(MIB, 0);
    jeff_handle handle = jeff_calloc(heap, huge / 8, 8);
    assert_true(handle != JEFF_NULL);
    char *bytes = jeff_lock(heap, handle);
    bytes[huge - 1] = (char)(bytes[huge - 1] + 7);
    assert_int_equal(bytes[0] + bytes[huge - 1], 7);
    assert_true(jeff_unlock(heap, handle));
    assert_true(jeff_free(heap, handle));
    assert_true(jeff_malloc(heap, SIZE_MAX / 2 + 1) == JEFF_NULL);
    assert_int_equal(jeff_last_status(heap), JEFF_ERROR_NO_MEMORY);
    jeff_destroy(heap);
#else
    skip();
#endif
}

static void default_pages_work(void **state)
{
    (void)state;
    jeff_heap *heap = jeff_create(16 * MIB, NULL, NULL);
    assert_non_null(heap);
    jeff_handle large = marked_block(heap, 3 * MIB, 1);
    jeff_handle small = marked_block(heap, 100, 2);
    assert_int_equal(stats_of(heap).mapped_blocks, 1); // 1 MiB is the default
    assert_marked(heap, large, 3 * MIB, 1);
    assert_marked(heap, small, 100, 2);
    assert_checked(heap);
    jeff_destroy(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroy_gives_everything_back),
        cmocka_unit_test(the_heap_grows_with_what_is_asked_of_it),
        cmocka_unit_test(locked_blocks_stay_while_the_heap_grows),
        cmocka_unit_test(it_grows_no_further_than_its_limit),
        cmocka_unit_test(a_large_block_gets_pages_of_its_own_and_gives_them_back),
        cmocka_unit_test(resize_goes_from_shared_pages_to_own_ones_and_back),
        cmocka_unit_test(a_locked_block_with_own_pages_is_not_moved_by_resize),
        cmocka_unit_test(aligned_and_zeroed_blocks_work_with_own_pages),
        cmocka_unit_test(the_alignment_stays_with_own_pages),
        cmocka_unit_test(a_purgeable_block_may_have_own_pages),
        cmocka_unit_test(create_refuses_what_cannot_be),
        cmocka_unit_test(create_without_pages_fails_and_leaves_nothing),
        cmocka_unit_test(a_heap_survives_when_pages_run_out),
        cmocka_unit_test(low_memory_is_asked_before_a_block_is_refused_its_pages),
        cmocka_unit_test(a_block_may_be_freed_or_locked_while_pages_are_sought_for_it),
        cmocka_unit_test(a_handle_table_without_pages_refuses_new_blocks_alone),
        cmocka_unit_test(the_last_pages_are_used_too),
        cmocka_unit_test(a_block_with_own_pages_may_be_larger_than_any_heap),
        cmocka_unit_test(default_pages_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
