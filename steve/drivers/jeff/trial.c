/// Which trial has which number, and what all of them share: memory, pages, a clock, and calls drawn at random that are held
/// against what is known of the blocks.
#include "steve/drivers/jeff/trial_internal.h"

#include <string.h>

#include "jeff_inline.h"
#include "steve/drivers/jeff/audit_internal.h"
#include "steve/drivers/jeff/passed_internal.h"
#include "steve/drivers/jeff/probe_internal.h"

#define DIRTY 0xa7

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#define SHOW(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#else
#define SHOW(address, bytes) ((void)(address), (void)(bytes))
#endif

/// Steve calls drivers from one thread, and a trial ends before the call that began it.
static _Alignas(65536) char memory[STEVE_JEFF_TRIAL_BYTES];

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): what one draw decides must not hint at the next.
uint32_t steve_jeff_trial_draw(struct steve_jeff_trial *trial)
{
    uint64_t z = trial->draws += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 32);
}

char *steve_jeff_trial_memory(size_t bytes)
{
    SHOW(memory, sizeof memory);
    memset(memory, DIRTY, bytes);
    return memory;
}

uint64_t steve_jeff_trial_now(void *context)
{
    struct steve_jeff_trial *trial = context;
    return trial->clock_ns += trial->ns_a_look;
}

/* Pages */

static bool is_due(unsigned call, unsigned failing, unsigned every)
{
    return failing != 0 && (call == failing || (every != 0 && call > failing && (call - failing) % every == 0));
}

static void judge(struct steve_jeff_trial *trial, const void *address, size_t bytes)
{
    const size_t offset = (size_t)((uintptr_t)address - (uintptr_t)memory);
    const size_t page = trial->pages.page;
    if (bytes == 0 || bytes % page != 0 || offset % page != 0) {
        steve_jeff_trial_note(trial, "a page hook was called for something else than whole pages");
    } else if (offset >= trial->pages.reserved || bytes > trial->pages.reserved - offset) {
        steve_jeff_trial_note(trial, "a page hook was called for what was never reserved");
    }
}

/// @return the bytes, if they are the heap's own and not those of a block with pages
static size_t of_heap(const struct steve_jeff_trial *trial, const void *address, size_t bytes)
{
    return (size_t)((uintptr_t)address - (uintptr_t)memory) < trial->pages.heap_bytes ? bytes : 0;
}

static void *reserve(void *context, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    struct steve_jeff_trial_pages *pages = &trial->pages;
    pages->reserves++;
    if (is_due(pages->reserves, pages->failing_reserve, pages->fails_every) ||
        bytes > sizeof memory - pages->reserved) {
        return NULL;
    }
    char *const address = memory + pages->reserved;
    pages->heap_bytes = pages->reserved == 0 ? bytes : pages->heap_bytes;
    pages->reserved += bytes;
    pages->open++;
    pages->held += bytes;
    judge(trial, address, bytes);
    return address;
}

static bool commit(void *context, void *address, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    judge(trial, address, bytes);
    trial->pages.commits++;
    if (trial->wrong != NULL || is_due(trial->pages.commits, trial->pages.failing_commit, trial->pages.fails_every) ||
        (trial->pages.most != 0 && bytes > trial->pages.most)) {
        return false;
    }
    memset(address, 0, bytes);
    trial->pages.readable += of_heap(trial, address, bytes);
    return true;
}

static void decommit(void *context, void *address, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    judge(trial, address, bytes);
    if (trial->wrong == NULL) {
        memset(address, STEVE_JEFF_TRIAL_UNCOMMITTED & 0xff, bytes);
        trial->pages.readable -= of_heap(trial, address, bytes);
    }
}

static void release(void *context, void *address, size_t bytes)
{
    struct steve_jeff_trial *trial = context;
    judge(trial, address, bytes);
    trial->pages.open--;
    trial->pages.held -= bytes;
    if (trial->pages.open == 0 && trial->pages.held != 0) {
        steve_jeff_trial_note(trial, "more, or less, was released than had been reserved");
    }
}

struct jeff_page_hooks steve_jeff_trial_hooks(struct steve_jeff_trial *trial)
{
    return (struct jeff_page_hooks){
        .page_bytes = trial->pages.page,
        .reserve = reserve,
        .commit = commit,
        .decommit = decommit,
        .release = release,
        .context = trial,
    };
}

size_t steve_jeff_trial_reserved(const struct steve_jeff_trial *trial, size_t bytes, size_t least)
{
    const size_t pages = (bytes + trial->pages.page - 1) / trial->pages.page;
    return (pages > least ? pages : least) * trial->pages.page;
}

/* Calls */

static size_t draw_size(struct steve_jeff_trial *trial)
{
    const uint32_t draw = steve_jeff_trial_draw(trial);
    switch (draw % 16) {
    case 0:
        return 1980 + draw / 16 % 400;
    case 1:
        return 0;
    case 2:
    case 3:
    case 4:
        return 400 + draw / 16 % 900;
    default:
        return draw / 16 % 130;
    }
}

void steve_jeff_trial_fill(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    void *address = jeff_lock(trial->heap, block->handle);
    if (address == NULL || (uintptr_t)address % block->alignment != 0) {
        steve_jeff_trial_note(trial, "a block of a trial cannot be locked, or is not aligned");
        return;
    }
    block->mark = (unsigned char)(0x80 + steve_jeff_trial_below(trial, 0x70)); // words of it are no slot and no place
    memset(address, block->mark, jeff_usable_size(trial->heap, block->handle));
    if (!jeff_unlock(trial->heap, block->handle)) {
        steve_jeff_trial_note(trial, "a block that was locked cannot be unlocked");
    }
}

void steve_jeff_trial_compare(struct steve_jeff_trial *trial, const struct steve_jeff_trial_block *block, size_t bytes)
{
    const char *address = jeff_weak_lock(trial->heap, block->handle);
    if (address == NULL) {
        if (!block->purgeable || jeff_last_status(trial->heap) != JEFF_ERROR_PURGED) {
            steve_jeff_trial_note(trial, "a block of a trial cannot be reached");
        }
        return;
    }
    if (jeff_usable_size(trial->heap, block->handle) < bytes) {
        steve_jeff_trial_note(trial, "a block has fewer bytes than were asked for");
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)address[i] != block->mark) {
            steve_jeff_trial_note(trial, "a block of a trial holds something else than was written there");
            return;
        }
    }
}

static void request(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    const uint32_t draw = steve_jeff_trial_draw(trial);
    *block = (struct steve_jeff_trial_block){.bytes = draw_size(trial), .alignment = 8};
    if (draw % 8 == 0) {
        block->alignment = (size_t)32 << draw / 8 % 4;
        block->handle = jeff_aligned_alloc(trial->heap, block->alignment, block->bytes);
    } else if (draw % 8 == 1) {
        block->handle = jeff_calloc(trial->heap, block->bytes, 1);
        if (block->handle != JEFF_NULL) {
            steve_jeff_trial_compare(trial, block, block->bytes);
        }
    } else {
        block->handle = jeff_malloc(trial->heap, block->bytes);
    }
    if (block->handle != JEFF_NULL) {
        steve_jeff_trial_fill(trial, block);
    }
}

void steve_jeff_trial_drop(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    steve_jeff_trial_compare(trial, block, block->bytes);
    for (unsigned locks = jeff_lock_count(trial->heap, block->handle); locks > 0; locks--) {
        jeff_unlock(trial->heap, block->handle);
    }
    if (!jeff_free(trial->heap, block->handle)) {
        steve_jeff_trial_note(trial, "a block of a trial cannot be freed");
    }
    block->handle = JEFF_NULL;
}

static void resize(struct steve_jeff_trial *trial, struct steve_jeff_trial_block *block)
{
    const size_t bytes = draw_size(trial);
    if (!jeff_resize(trial->heap, block->handle, bytes)) {
        steve_jeff_trial_compare(trial, block, block->bytes);
        return;
    }
    const size_t kept = bytes < block->bytes ? bytes : block->bytes;
    block->bytes = bytes;
    if (!block->purgeable) { // else it may be a fresh one
        steve_jeff_trial_compare(trial, block, kept);
    }
    steve_jeff_trial_fill(trial, block);
}

static void compact(struct steve_jeff_trial *trial, uint32_t draw)
{
    if (draw % 8 == 0) {
        jeff_compact(trial->heap, 0);
        return;
    }
    struct jeff_goal goal = {.budget_ns = draw % 2 == 0 ? 1 + draw / 16 % 4096 : 0, .dry_run = draw % 8 == 1};
    goal.wanted_bytes = draw / 16 % 4 == 0 ? 100 + draw / 64 % 1000 : 0;
    jeff_compact_goal(trial->heap, &goal, NULL);
}

void steve_jeff_trial_op(struct steve_jeff_trial *trial)
{
    struct steve_jeff_trial_block *block = &trial->block[steve_jeff_trial_below(trial, STEVE_JEFF_TRIAL_BLOCKS)];
    if (block->handle == JEFF_NULL) {
        request(trial, block);
        return;
    }
    const uint32_t draw = steve_jeff_trial_draw(trial);
    switch (draw % 16) {
    case 0:
        jeff_lock(trial->heap, block->handle);
        break;
    case 1:
        jeff_unlock(trial->heap, block->handle);
        break;
    case 2:
    case 3:
        if (jeff_set_purgeable(trial->heap, block->handle, draw & 64)) {
            block->purgeable = draw & 64;
        }
        break;
    case 4:
    case 5:
    case 6:
        resize(trial, block);
        break;
    case 7:
        compact(trial, draw / 16);
        break;
    default:
        steve_jeff_trial_drop(trial, block);
    }
}

/// What a walk tells of a block that the trial knows.
static bool visit(void *context, const struct jeff_block *found)
{
    struct steve_jeff_trial *trial = context;
    for (size_t i = 0; found->kind == JEFF_BLOCK_LIVE && i < STEVE_JEFF_TRIAL_BLOCKS; i++) {
        const struct steve_jeff_trial_block *block = &trial->block[i];
        if (block->handle == found->handle && (block->purgeable != found->purgeable || found->bytes < block->bytes)) {
            steve_jeff_trial_note(trial, "a block is purgeable, or is not, or is smaller, against what was asked for");
        }
    }
    return trial->wrong == NULL;
}

void steve_jeff_trial_look(struct steve_jeff_trial *trial)
{
    struct jeff_damage damage = {.what = "a trial's heap is damaged, and the damage has no name"};
    if (jeff_check(trial->heap, &damage) != JEFF_OK) {
        steve_jeff_trial_note(trial, damage.what);
        return;
    }
    for (size_t i = 0; i < STEVE_JEFF_TRIAL_BLOCKS; i++) {
        if (trial->block[i].handle != JEFF_NULL) {
            steve_jeff_trial_compare(trial, &trial->block[i], trial->block[i].bytes);
        }
    }
    jeff_walk(trial->heap, visit, trial);
}

static void system_pages(struct steve_jeff_trial *trial)
{
    steve_jeff_trial_note(trial, steve_jeff_probe_system(false));
}

const char *steve_jeff_trial(uint64_t number)
{
    static void (*const trials[])(struct steve_jeff_trial *) = {
        steve_jeff_trial_damage, steve_jeff_trial_damage, steve_jeff_trial_pages,    steve_jeff_trial_sizes,
        steve_jeff_trial_misuse, steve_jeff_trial_resize, steve_jeff_trial_scramble, system_pages,
    };
    static struct steve_jeff_passed passed;
    if (steve_jeff_has_passed(&passed, number)) {
        return NULL;
    }
    struct steve_jeff_trial trial = {.draws = number << 32};
    const uint32_t which = steve_jeff_trial_below(&trial, sizeof trials / sizeof trials[0]);
    trials[which](&trial);
    if (trials[which] == steve_jeff_trial_damage && trial.wrong == NULL) {
        struct steve_jeff_trial another = {.draws = ~number << 32};
        steve_jeff_trial_refute(&another);
        trial.wrong = another.wrong;
    }
    return steve_jeff_note_passed(&passed, number, trial.wrong);
}
