/// The page hooks of `jeff-mapped`: mmap and its kin, at addresses as like as can be; under the option `failing-pages` with
/// refusals at fixed intervals.
#define _GNU_SOURCE
#include "steve/drivers/jeff_pages_internal.h"

#include <sys/mman.h>
#include <unistd.h>

// Coprime, so that both kinds of refusal meet all kinds of ops in time.
#define RESERVE_FAILS_EVERY 5u
#define COMMIT_FAILS_EVERY  7u
#define COMMIT_FAILS_TWICE  (5 * COMMIT_FAILS_EVERY) ///< so often the one that comes next fails, too

#define SHORT_OF_SPACE ((size_t)8 << 20)

#define ALIGNMENT ((size_t)65536)

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/// Far from where programs, libraries and sanitizers put things, and from where Steve's regions are: a place for each of so many
/// reservations of an episode. 32 bits have no such places; and an emulator, which is what runs other machines here, keeps books of all
/// pages that were ever reserved, at each place anew.
#if defined(__x86_64__) || defined(__aarch64__)
#define WISHES      16u
#define WISH(which) ((uintptr_t)(0x3000 + 0x40 * (uintptr_t)(which)) << 32)
#define WISH_BYTES  ((size_t)0x20 << 32)
#endif

/// At an address of our own choice, the same in every process, where that can be had: one system call.
static void *map_where_wished(size_t bytes, size_t past, unsigned which)
{
#ifdef WISH
    if (bytes > WISH_BYTES) {
        return NULL;
    }
    void *wish = (void *)(WISH(which % WISHES) + past); // NOLINT(performance-no-int-to-ptr)
    void *address =
        mmap(wish, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (address == wish) {
        return address;
    }
    if (address != MAP_FAILED) {
        munmap(address, bytes); // an old kernel takes the wish for a hint
    }
#else
    (void)bytes;
    (void)past;
    (void)which;
#endif
    return NULL;
}

/// Some pages past a multiple of the largest alignment: what is allocated and what is refused does not depend on the system's
/// choice then, and no block is aligned by chance.
static void *map_at(size_t bytes, size_t past)
{
    size_t whole = bytes + past + ALIGNMENT;
    char *address = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) {
        return NULL;
    }
    size_t before = (ALIGNMENT - (uintptr_t)address % ALIGNMENT) % ALIGNMENT + past;
    if (before > 0) {
        munmap(address, before);
    }
    if (whole > before + bytes) {
        munmap(address + before + bytes, whole - before - bytes);
    }
    return address + before;
}

/// Every call is about whole pages, and within the heap's own reservation if it begins there.
static void judge(struct steve_jeff_pages *pages, const void *address, size_t bytes)
{
    if (bytes == 0 || bytes % page_bytes() != 0 || (uintptr_t)address % page_bytes() != 0) {
        pages->damage = "a page hook was called for something else than whole pages";
    }
}

/// @return the bytes, if they are the heap's own
static size_t of_heap(struct steve_jeff_pages *pages, const void *address, size_t bytes)
{
    const uintptr_t begin = (uintptr_t)address;
    if (begin < pages->heap || begin - pages->heap >= pages->bytes) {
        return 0;
    }
    if (bytes > pages->bytes - (begin - pages->heap)) {
        pages->damage = "a page hook was called for pages beyond the reservation";
    }
    return bytes;
}

static void *reserve(void *context, size_t bytes)
{
    struct steve_jeff_pages *pages = context;
    pages->reserves++;
    if ((pages->failing && pages->reserves % RESERVE_FAILS_EVERY == 0) || pages->reserves == pages->refused_reserve ||
        (pages->most > 0 && bytes > pages->most)) {
        return NULL;
    }
    judge(pages, NULL, bytes);
    size_t past = pages->reserves % 15 * page_bytes() % ALIGNMENT;
    void *address = map_where_wished(bytes, past, pages->reserves);
    if (address == NULL) {
        address = map_at(bytes, past);
    }
    pages->open += address != NULL;
    if (address != NULL && pages->heap == 0) {
        pages->heap = (uintptr_t)address;
        pages->bytes = bytes;
    }
    return address;
}

static bool commit(void *context, void *address, size_t bytes)
{
    struct steve_jeff_pages *pages = context;
    pages->commits++;
    if ((pages->failing && (pages->commits % COMMIT_FAILS_EVERY == 0 || pages->commits % COMMIT_FAILS_TWICE == 1)) ||
        pages->commits == pages->refused_commit) {
        return false;
    }
    judge(pages, address, bytes);
    if (mprotect(address, bytes, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    pages->readable += of_heap(pages, address, bytes);
    return true;
}

/// Takes access away too, so that a touch of memory given back faults at its instruction.
static void decommit(void *context, void *address, size_t bytes)
{
    judge(context, address, bytes);
    ((struct steve_jeff_pages *)context)->readable -= of_heap(context, address, bytes);
    madvise(address, bytes, MADV_DONTNEED);
    mprotect(address, bytes, PROT_NONE);
}

static void release(void *context, void *address, size_t bytes)
{
    judge(context, address, bytes);
    ((struct steve_jeff_pages *)context)->open--;
    munmap(address, bytes);
}

struct jeff_page_hooks steve_jeff_pages_hooks(struct steve_jeff_pages *pages)
{
    return (struct jeff_page_hooks){
        .page_bytes = page_bytes(),
        .reserve = reserve,
        .commit = commit,
        .decommit = decommit,
        .release = release,
        .context = pages,
    };
}

size_t steve_jeff_pages_round(size_t bytes)
{
    size_t mask = page_bytes() - 1;
    return bytes > SIZE_MAX - mask ? SIZE_MAX & ~mask : (bytes + mask) & ~mask;
}

const char *steve_jeff_pages_audit(const struct steve_jeff_pages *pages, const struct jeff_stats *stats)
{
    if (pages->damage != NULL) {
        return pages->damage;
    }
    if (pages->open != 1 + stats->mapped_blocks) {
        return "another number of reservations is open than the heap has blocks with pages of their own";
    }
    return stats->heap_bytes == pages->readable ? NULL : "the heap says to have other memory than it was given";
}
/// @return false if a heap was made after all, or not all of what was reserved for it was given back
static bool is_refused(struct steve_jeff_pages *pages, size_t bytes, const struct jeff_config *config)
{
    enum jeff_status status = JEFF_OK;
    return jeff_create(bytes, config, &status) == NULL && status == JEFF_ERROR_MAP && pages->open == 0;
}

const char *steve_jeff_pages_refuse(struct steve_jeff_pages *pages, size_t bytes, const struct jeff_config *config)
{
    // The episode has no part in it: what has passed once for a size passes again.
    static size_t passed[64];
    size_t *const known = &passed[bytes / page_bytes() % (sizeof passed / sizeof passed[0])];
    *pages = (struct steve_jeff_pages){0};
    if (*known == bytes) {
        return NULL;
    }
    const struct steve_jeff_pages refusals[] = {
        {.refused_reserve = 1}, {.refused_commit = 1}, {.refused_commit = 2}, {.most = 1}};
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        *pages = refusals[i];
        if (!is_refused(pages, pages->most > 0 ? 0 : bytes, config)) {
            wrong = "a heap that was refused pages was made, or has kept some";
        }
    }
    *pages = (struct steve_jeff_pages){.most = SHORT_OF_SPACE};
    jeff_heap *heap = jeff_create(0, config, NULL);
    if (heap == NULL || pages->open != 1) {
        wrong = "where address space is short, a heap was refused, or kept more than it needs";
    }
    jeff_destroy(heap);
    if (pages->open != 0) {
        wrong = "a heap was destroyed and has kept pages";
    }
    *pages = (struct steve_jeff_pages){0};
    *known = wrong == NULL ? bytes : 0;
    return wrong;
}
