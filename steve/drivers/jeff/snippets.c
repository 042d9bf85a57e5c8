/// Jeff's API as text, from which programs are written that show a finding without Steve. What they do must be what driver.c and
/// pages.c do: the same configuration, the same clock, the same callbacks.
#include "steve/drivers/jeff/snippets_internal.h"

static const char region_code[] = STEVE_JEFF_CLOCK_CODE("jeff_stats");

static const char mapped_code[] = STEVE_JEFF_CLOCK_CODE(
    "jeff_stats") "\n"
                  "/// Pages, always so many past a multiple of 64 KiB: nothing depends on where the system puts "
                  "them.\n"
                  "struct pages {\n"
                  "    unsigned reserves, commits;\n"
                  "    bool failing; ///< every fifth reservation is refused, and every seventh commitment, each fifth "
                  "time twice\n"
                  "};\n"
                  "static struct pages heap_pages; ///< and those of a second heap, where there is one:\n"
                  "static struct pages foreign_heap_pages __attribute__((unused));\n"
                  "\n"
                  "static void *reserve(void *context, size_t bytes)\n"
                  "{\n"
                  "    struct pages *pages = context;\n"
                  "    if (++pages->reserves % 5 == 0 && pages->failing) {\n"
                  "        return NULL;\n"
                  "    }\n"
                  "    size_t past = pages->reserves % 15 * (size_t)sysconf(_SC_PAGESIZE) % 65536;\n"
                  "    size_t whole = bytes + past + 65536;\n"
                  "    char *all = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);\n"
                  "    if (all == MAP_FAILED) {\n"
                  "        return NULL;\n"
                  "    }\n"
                  "    size_t before = (65536 - (uintptr_t)all % 65536) % 65536 + past;\n"
                  "    if (before > 0) {\n"
                  "        munmap(all, before);\n"
                  "    }\n"
                  "    if (whole > before + bytes) {\n"
                  "        munmap(all + before + bytes, whole - before - bytes);\n"
                  "    }\n"
                  "    return all + before;\n"
                  "}\n"
                  "\n"
                  "static bool commit(void *context, void *address, size_t bytes)\n"
                  "{\n"
                  "    struct pages *pages = context;\n"
                  "    pages->commits++;\n"
                  "    if (pages->failing && (pages->commits % 7 == 0 || pages->commits % 35 == 1)) {\n"
                  "        return false;\n"
                  "    }\n"
                  "    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;\n"
                  "}\n"
                  "\n"
                  "static void decommit(void *context, void *address, size_t bytes)\n"
                  "{\n"
                  "    (void)context;\n"
                  "    madvise(address, bytes, MADV_DONTNEED);\n"
                  "    mprotect(address, bytes, PROT_NONE);\n"
                  "}\n"
                  "\n"
                  "static void release_pages(void *context, void *address, size_t bytes)\n"
                  "{\n"
                  "    (void)context;\n"
                  "    munmap(address, bytes);\n"
                  "}\n";

static const char low_memory_code[] = "static bool asked_again;\n"
                                      "\n"
                                      "/// Frees nothing, but asks for one more try per request.\n"
                                      "static bool on_low_memory(void *context, size_t bytes)\n"
                                      "{\n"
                                      "    (void)context;\n"
                                      "    (void)bytes;\n"
                                      "    bool again = !asked_again;\n"
                                      "    asked_again = true;\n"
                                      "    return again;\n"
                                      "}\n";

static const char moved_code[] = STEVE_JEFF_MOVED_CODE("jeff_weak_lock", "jeff_usable_size", "jeff_malloc(heap, 1)");

static const char settle_code[] =
    "static unsigned requests;\n"
    "static jeff_handle to_settle;\n"
    "\n"
    "/// Every 4th request settles the block that was given out two requests before, later every 32nd.\n"
    "static void settle_some(jeff_heap *of)\n"
    "{\n"
    "    requests += of == heap;\n"
    "    if (of == heap && requests % (requests < 64 ? 4 : 32) == 0) {\n"
    "        jeff_settle(heap, to_settle);\n"
    "    }\n"
    "}\n"
    "\n"
    "static jeff_handle remember(jeff_heap *of, jeff_handle handle)\n"
    "{\n"
    "    if (of == heap && requests % 4 == 2) {\n"
    "        to_settle = handle;\n"
    "    }\n"
    "    return handle;\n"
    "}\n"
    "\n"
    "#define jeff_malloc(of, bytes)        (settle_some(of), remember(of, jeff_malloc(of, bytes)))\n"
    "#define jeff_calloc(of, count, bytes) (settle_some(of), remember(of, jeff_calloc(of, count, bytes)))\n"
    "#define jeff_aligned_alloc(of, alignment, bytes) \\\n"
    "    (settle_some(of), remember(of, jeff_aligned_alloc(of, alignment, bytes)))\n";

#define COMMON_OPTIONS                                                                                                 \
    {.setting = "        .no_last_resort = true,\n"},                                                                  \
        {.code = low_memory_code,                                                                                      \
         .setting = "        .low_memory = on_low_memory,\n",                                                          \
         .before_op = "    asked_again = false;\n"},                                                                   \
    {                                                                                                                  \
        .code = moved_code, .setting = "        .moved = on_moved,\n",                                                 \
        .before_op = "    if (callback_damage != NULL) {\n"                                                            \
                     "        wrong(\"check\", \"%s\", callback_damage);\n"                                            \
                     "    }\n"                                                                                         \
    }

// `look`, `worn`, `damage`, `exam` and `system` come without code: what they find shows in Steve alone.
static const struct steve_option_snippet region_options[] = {COMMON_OPTIONS, {.code = settle_code}, {0}, {0}, {0}, {0}};
static const struct steve_option_snippet mapped_options[] = {
    COMMON_OPTIONS, {.before_op = "    heap_pages.failing = true;\n"}, {.code = settle_code}, {0}, {0}, {0},
};

#define REGION_OPEN(settings)                                                                                          \
    "    const struct jeff_config config = {\n" settings "        .handle_salt = $salt,\n"                             \
    "        .now_ns = virtual_now,\n"                                                                                 \
    "$options"                                                                                                         \
    "    };\n"                                                                                                         \
    "    return jeff_init(region, bytes, &config, NULL);\n"

static const char mapped_open[] = "    const size_t page = (size_t)sysconf(_SC_PAGESIZE);\n"
                                  "    const struct jeff_page_hooks hooks = {\n"
                                  "        .page_bytes = page,\n"
                                  "        .reserve = reserve,\n"
                                  "        .commit = commit,\n"
                                  "        .decommit = decommit,\n"
                                  "        .release = release_pages,\n"
                                  "        .context = &$heap_pages,\n"
                                  "    };\n"
                                  "    const struct jeff_config config = {\n"
                                  "        .handle_salt = $salt,\n"
                                  "        .own_mapping = 65536,\n"
                                  "        .pages = &hooks,\n"
                                  "        .now_ns = virtual_now,\n"
                                  "$options"
                                  "    };\n"
                                  "    (void)region;\n"
                                  "    return jeff_create((bytes + page - 1) / page * page, &config, NULL);\n";

#define STATISTICS_IN_REGION                                                                                           \
    "    struct jeff_stats stats;\n"                                                                                   \
    "    jeff_stats(heap, &stats);\n"                                                                                  \
    "    live_blocks = stats.live_blocks;\n"                                                                           \
    "    live_bytes = stats.live_bytes;\n"                                                                             \
    "    free_bytes = stats.free_bytes;\n"

// What blocks with pages of their own take is counted in another way than their extents.
#define STATISTICS_OF_MAPPED                                                                                           \
    "    struct jeff_stats stats;\n"                                                                                   \
    "    jeff_stats(heap, &stats);\n"                                                                                  \
    "    live_blocks = stats.live_blocks;\n"                                                                           \
    "    live_bytes = stats.mapped_blocks == 0 ? stats.live_bytes : SIZE_MAX;\n"

#define ARENA                                                                                                          \
    "    struct jeff_stats stats;\n"                                                                                   \
    "    jeff_stats(heap, &stats);\n"                                                                                  \
    "    spare_handles = stats.spare_handles;\n"                                                                       \
    "    begin = (uintptr_t)region + stats.control_bytes;\n"                                                           \
    "    end = (uintptr_t)region + stats.heap_bytes - stats.table_bytes;\n"

#define COMMON                                                                                                         \
    .compile = "cc -std=c11 -g$flags -I lib/include $file lib/jeff/*.c -o repro && ./repro",                           \
    .compile_where = "from the root of Jeff's source tree",                                                            \
    .compile_installed = "cc -std=c11 -g$flags $file -ljeff -o repro && ./repro", .includes = "#include \"jeff.h\"\n", \
    .heap_type = "jeff_heap *", .handle_type = "jeff_handle", .no_handle = "JEFF_NULL",                                \
    .malloc = "jeff_malloc($heap, $bytes)", .calloc = "jeff_calloc($heap, $count, $size)",                             \
    .aligned = "jeff_aligned_alloc($heap, $alignment, $bytes)",                                                        \
    .resize = "jeff_resize($heap, $handle, $bytes) ? $handle : JEFF_NULL",                                             \
    .forge = "$handle ^ (jeff_handle)1 << $bit", .free = "jeff_free($heap, $handle)",                                  \
    .lock = "jeff_lock($heap, $handle)", .unlock = "jeff_unlock($heap, $handle)",                                      \
    .weak_lock = "jeff_weak_lock($heap, $handle)", .address = "jeff_weak_lock($heap, $handle)",                        \
    .was_purged = "jeff_last_status($heap) == JEFF_ERROR_PURGED",                                                      \
    .set_purgeable = "jeff_set_purgeable($heap, $handle, $purgeable)",                                                 \
    .compact = "jeff_compact($heap, 0) == JEFF_STOP_DONE", .moves = "jeff_compactions($heap)",                         \
    .now = "virtual_now(NULL)", .extent = "jeff_extent($heap, $handle, $begin)",                                       \
    .run_needed = "jeff_run_needed($heap, $alignment, $bytes)",                                                        \
    .compact_within = "    if ($ns % 1000000 == 0 && $ns / 1000000 <= UINT32_MAX) {\n"                                 \
                      "        jeff_compact($heap, (uint32_t)($ns / 1000000));\n"                                      \
                      "        return;\n"                                                                              \
                      "    }\n"                                                                                        \
                      "    const struct jeff_goal goal = {.budget_ns = $ns};\n"                                        \
                      "    jeff_compact_goal($heap, &goal, NULL);\n",                                                  \
    .compact_for = "    const struct jeff_goal goal = {.wanted_bytes = wanted};\n"                                     \
                   "    struct jeff_report report;\n"                                                                  \
                   "    jeff_compact_goal($heap, &goal, &report);\n"                                                   \
                   "    return report.largest_after >= wanted;\n",                                                     \
    .check = "    struct jeff_damage damage = {.what = \"damage without a description\"};\n"                           \
             "    return jeff_check($heap, &damage) == JEFF_OK ? NULL : damage.what;\n"

// How a heap in a region is made is all that its kinds differ in.
#define REGION_SNIPPETS(settings)                                                                                      \
    {                                                                                                                  \
        COMMON, .code = region_code, .options = region_options, .open = REGION_OPEN(settings), .arena = ARENA,         \
                .handle_bytes = "12", .statistics = STATISTICS_IN_REGION,                                              \
    }

const struct steve_snippets steve_jeff_snippets = REGION_SNIPPETS("        .alignment = 16,\n");
const struct steve_snippets steve_jeff_align8_snippets = REGION_SNIPPETS("        .alignment = 8,\n");
const struct steve_snippets steve_jeff_scramble_snippets = REGION_SNIPPETS("        .alignment = 16,\n"
                                                                           "        .scramble = true,\n");

const struct steve_snippets steve_jeff_mapped_snippets = {
    COMMON, .code = mapped_code, .options = mapped_options, .open = mapped_open, .statistics = STATISTICS_OF_MAPPED,
};
