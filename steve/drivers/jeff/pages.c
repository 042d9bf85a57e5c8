/// The page hooks of `jeff-mapped`: they judge each call, and under the option `failing-pages` refuse at fixed intervals.
#define _GNU_SOURCE
#include "steve/drivers/jeff/pages_internal.h"

#include <unistd.h>

#include "steve/drivers/jeff/places_internal.h"

// Coprime, so that both kinds of refusal meet all kinds of ops in time.
#define RESERVE_FAILS_EVERY 5u
#define COMMIT_FAILS_EVERY  7u
#define COMMIT_FAILS_TWICE  (5 * COMMIT_FAILS_EVERY) ///< so often the one that comes next fails, too

#define SHORT_OF_SPACE ((size_t)8 << 20)

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
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
        pages->refusals++;
        return NULL;
    }
    judge(pages, NULL, bytes);
    void *address = steve_jeff_place_reserve(bytes, pages->reserves);
    pages->open += address != NULL;
    pages->refusals += address == NULL;
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
        pages->refusals++;
        return false;
    }
    judge(pages, address, bytes);
    if (!steve_jeff_place_commit(address, bytes)) {
        pages->refusals++;
        return false;
    }
    pages->readable += of_heap(pages, address, bytes);
    return true;
}

static void decommit(void *context, void *address, size_t bytes)
{
    judge(context, address, bytes);
    ((struct steve_jeff_pages *)context)->readable -= of_heap(context, address, bytes);
    steve_jeff_place_decommit(address, bytes);
}

static void release(void *context, void *address, size_t bytes)
{
    judge(context, address, bytes);
    ((struct steve_jeff_pages *)context)->open--;
    steve_jeff_place_release(address, bytes);
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
