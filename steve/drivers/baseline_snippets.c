/// The API of the baselines as text, from which programs are written that show a finding without Steve. What they do must
/// be what baseline.c and baseline_chunks.c do: the same options, chunks at the same places, the same judgement.
#include "steve/drivers/baseline_internal.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__

#define COMMON                                                                                                         \
    .compile = "cc -std=c11 -g$flags -I lib/include $file lib/baseline/*.c -o repro && ./repro",                       \
    .compile_where = "from the root of the source tree of the baselines",                                              \
    .compile_installed = "cc -std=c11 -g$flags $file -lbaseline -o repro && ./repro",                                  \
    .includes = "#include \"baseline.h\"\n", .heap_type = "baseline_heap *", .handle_type = "void *",                  \
    .no_handle = "NULL", .extent = "baseline_extent($heap, $handle, $begin)",                                          \
    .run_needed = "baseline_run_needed($heap, $alignment, $bytes)", .address = "$handle",                              \
    .statistics = "    struct baseline_stats stats;\n"                                                                 \
                  "    baseline_stats(heap, &stats);\n"                                                                \
                  "    live_blocks = stats.live_blocks;\n"                                                             \
                  "    live_bytes = stats.live_bytes;\n"                                                               \
                  "    free_bytes = stats.free_bytes;\n"

#define REGION_SNIPPETS(identifier, name, wire, alignment, settings, what)                                             \
    const struct steve_snippets steve_baseline_snippets_##identifier = {                                               \
        COMMON,                                                                                                        \
        .code = freed_code,                                                                                            \
        .open = "    const struct baseline_options options = {" TEXT settings "};\n"                                   \
                "    return baseline_init(region, bytes, &options, NULL);\n",                                          \
        .malloc = "baseline_malloc($heap, $bytes)",                                                                    \
        .calloc = "baseline_calloc($heap, $count, $size)",                                                             \
        .aligned = "baseline_aligned_alloc($heap, $alignment, $bytes)",                                                \
        .resize = "baseline_resize($heap, $handle, $bytes)",                                                           \
        .free = "freed_block($heap, $handle)",                                                                         \
        .handle_bytes = "0",                                                                                           \
        .arena = "    struct baseline_stats stats;\n"                                                                  \
                 "    baseline_stats(heap, &stats);\n"                                                                 \
                 "    spare_handles = SIZE_MAX;\n"                                                                     \
                 "    begin = (uintptr_t)stats.arena;\n"                                                               \
                 "    end = (uintptr_t)stats.arena + stats.arena_bytes;\n",                                            \
        .check = "    return baseline_check($heap);\n",                                                                \
    };

#define MAPPED_SNIPPETS(identifier, name, wire, alignment, settings, what)                                             \
    const struct steve_snippets steve_baseline_snippets_##identifier = {                                               \
        COMMON,                                                                                                        \
        .code = judged_code,                                                                                           \
        .open = "    const struct baseline_options options = {" TEXT settings                                          \
                ", .limit = bytes, .map = map_chunk, .unmap = unmap_chunk};\n"                                         \
                "    (void)region;\n"                                                                                  \
                "    return baseline_create(&options, NULL);\n",                                                       \
        .malloc = "judged($heap, baseline_malloc(called($heap), $bytes), 0, $bytes)",                                  \
        .calloc = "judged($heap, baseline_calloc(called($heap), $count, $size), 0, product($count, $size))",           \
        .aligned = "judged($heap, baseline_aligned_alloc(called($heap), $alignment, $bytes), $alignment, $bytes)",     \
        .resize = "judged($heap, baseline_resize(called($heap), $handle, $bytes), 0, $bytes)",                         \
        .free = "freed_block(called($heap), $handle)",                                                                 \
        .options = mapped_options,                                                                                     \
        .check = "    return wrong_refusal ? wrong_refusal : baseline_check($heap);\n",                                \
    };

#define FREED                                                                                                          \
    "static inline bool freed_block(baseline_heap *in, void *address)\n"                                               \
    "{\n"                                                                                                              \
    "    baseline_free(in, address);\n"                                                                                \
    "    return true;\n"                                                                                               \
    "}\n"

static const char freed_code[] = FREED;

static const char judged_code[] =
    "/// Chunks, always in the same order of addresses: nothing depends on where the system puts them.\n"
    "enum { PLACE = 512 * 1024, PLACES = sizeof(void *) > 4 ? 32768 : 1024 };\n"
    "static unsigned char *places;\n"
    "static bool is_taken[PLACES];\n"
    "\n"
    "static void *map_chunk(void *context, size_t bytes)\n"
    "{\n"
    "    (void)context;\n"
    "    if (places == NULL) {\n"
    "        const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;\n"
    "        unsigned char *all = mmap(NULL, (PLACES + (size_t)1) * PLACE, PROT_NONE, flags, -1, 0);\n"
    "        if (all == MAP_FAILED) {\n"
    "            return NULL;\n"
    "        }\n"
    "        places = all + (0 - (uintptr_t)all) % PLACE;\n"
    "    }\n"
    "    size_t place = 0;\n"
    "    while (place < PLACES && is_taken[place]) {\n"
    "        place++;\n"
    "    }\n"
    "    if (bytes > PLACE - 65536 || place == PLACES) {\n"
    "        return NULL;\n"
    "    }\n"
    "    size_t page = (size_t)sysconf(_SC_PAGESIZE);\n"
    "    unsigned char *pages = places + place * PLACE + place * 20480 % 65536 / page * page;\n"
    "    is_taken[place] = mprotect(pages, bytes, PROT_READ | PROT_WRITE) == 0;\n"
    "    return is_taken[place] ? pages : NULL;\n"
    "}\n"
    "\n"
    "static void unmap_chunk(void *context, void *pages, size_t bytes)\n"
    "{\n"
    "    (void)context;\n"
    "    is_taken[(size_t)((unsigned char *)pages - places) / PLACE] = false;\n"
    "    madvise(pages, bytes, MADV_DONTNEED);\n"
    "    mprotect(pages, bytes, PROT_NONE);\n"
    "}\n"
    "\n"
    "static bool trims; ///< before every call\n"
    "\n"
    "static inline baseline_heap *called(baseline_heap *in)\n"
    "{\n"
    "    if (trims) {\n"
    "        baseline_trim(in);\n"
    "    }\n"
    "    return in;\n"
    "}\n"
    "\n"
    "static const char *wrong_refusal; ///< what is wrong with a refusal\n"
    "\n"
    "/// A free block that is large enough, and pages of a heap that has room for them, are there to be used.\n"
    "static inline void *judged(baseline_heap *in, void *address, size_t alignment, size_t bytes)\n"
    "{\n"
    "    struct baseline_stats stats;\n"
    "    baseline_stats(in, &stats);\n"
    "    size_t needed = baseline_run_needed(in, alignment, bytes);\n"
    "    size_t page = (size_t)sysconf(_SC_PAGESIZE);\n"
    "    if (address == NULL && needed < 1u << 30 && (needed + 128 + page - 1) / page * page <= stats.room_bytes) {\n"
    "        wrong_refusal = \"a request was refused although the limit has room for the pages that it needs\";\n"
    "    }\n"
    "    if (address == NULL && needed <= baseline_largest_free(in)) {\n"
    "        wrong_refusal = \"a request was refused although a free block is large enough\";\n"
    "    }\n"
    "    return address;\n"
    "}\n"
    "\n"
    "static inline size_t product(size_t count, size_t size)\n"
    "{\n"
    "    return size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;\n"
    "}\n"
    "\n" FREED;

static const struct steve_option_snippet mapped_options[] = {{.before_op = "    trims = true;\n"}};

BASELINE_REGION_DRIVERS(REGION_SNIPPETS)
BASELINE_MAPPED_DRIVERS(MAPPED_SNIPPETS)
