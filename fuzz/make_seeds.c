/// Makes raw seeds for the fuzz targets out of what Steve's own generator draws, for ci/corpus to minimise:
///
///     make_seeds fuzz_jeff FOLDER [SEED]    canonical byte files, one for each driver of Jeff, profile and lock model, and some
///                                           written by hand for what no profile comes to
///     make_seeds fuzz_combo FOLDER [SEED]   the same for any family of drivers: without lock models if they have no locks
///     make_seeds fuzz_jeff_against_freelist FOLDER [SEED]    Jeff's again, drawn while the other ran beside him
///     make_seeds fuzz_roundtrip FOLDER [SEED]    a few of Jeff's, short, and one that is not canonical: all codes, odd fields
///     make_seeds fuzz_text FOLDER [SEED]    the same few as text, and one text with all ops and sizes
///
/// The ops are executed while they are drawn, as `steve run` does, since the generator looks back at what happened. A
/// finding on the way is reported, and no seed: exit status 1.
#define _GNU_SOURCE // open_memstream

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/family.h"
#include "steve/core/codec.h"
#include "steve/core/exec.h"
#include "steve/drivers/drivers.h"
#include "steve/gen/gen.h"

/// Lengths of the seeds, in ops. Engines prefer short inputs; these still see a heap filled, emptied and compacted.
#define SHORTEST 60u
#define LONGEST  400u

/// Where blocks neither move nor are locked, less happens: shorter ones reach as much.
#define LONGEST_UNLOCKED 120u

/// Of the seeds for fuzz_text and fuzz_roundtrip, to which what the ops do matters little.
#define SHORT_LENGTH 12u

_Noreturn __attribute__((format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "make_seeds: ");
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(3);
}

/// What one seed is drawn from.
struct recipe {
    const struct steve_driver *driver;
    const struct steve_driver *against; ///< runs the same ops; NULL: none
    const struct steve_profile *profile;
    const struct steve_lock_model *locks;
    uint64_t seed;
    uint64_t length;
};

/// Runs the beginning of the recipe's first episode. @param sequence gets what was run
/// @return false if it showed a finding
static bool draw(const struct recipe *recipe, struct steve_sequence *sequence)
{
    const char *why = "memory is short";
    struct steve_exec *exec = steve_exec_new(
        &(struct steve_exec_config){.driver = recipe->driver, .against = recipe->against, .level = STEVE_CHECK_NORMAL},
        &why);
    struct steve_gen *gen = steve_gen_new(&(struct steve_gen_config){
        .driver = recipe->driver, .profile = recipe->profile, .locks = recipe->locks, .seed = recipe->seed});
    if (exec == NULL || gen == NULL)
        die("%s: %s", recipe->driver->name, why);

    sequence->count = 0;
    steve_gen_begin(gen, 0, &sequence->header);
    if (!steve_exec_begin(exec, &sequence->header, &why))
        die("%s: %s", recipe->driver->name, why);
    enum steve_outcome outcome = STEVE_DONE;
    const uint64_t drawn = steve_gen_length(gen, 0);
    for (uint64_t i = 0; i < drawn && i < recipe->length && outcome != STEVE_FOUND; i++) {
        const struct steve_op op = steve_gen_next(gen, exec);
        if (!steve_sequence_push(sequence, op))
            die("memory is short");
        outcome = steve_exec_step(exec, op);
    }
    if (outcome != STEVE_FOUND)
        outcome = steve_exec_end(exec);
    if (outcome == STEVE_FOUND) {
        const struct steve_finding *finding = steve_exec_finding(exec);
        fprintf(stderr, "make_seeds: %s %s %s seed %" PRIu64 ": oracle=%s op=%" PRIu64 " %s\n", recipe->driver->name,
                steve_profile_name(recipe->profile), steve_lock_model_name(recipe->locks), recipe->seed,
                steve_oracle_name(finding->oracle), finding->op, finding->what);
        steve_gen_free(gen);
        return false; // the executor is left as it is: its heap is not to be touched again
    }
    steve_gen_free(gen);
    steve_exec_free(exec);
    return true;
}

static FILE *create(const char *folder, const char *name)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        die("%s: the path is too long", folder);
    FILE *out = fopen(path, "wb");
    if (out == NULL)
        die("%s: %s", path, strerror(errno));
    return out;
}

static void finish(FILE *out, const char *name)
{
    if (fclose(out) != 0)
        die("%s: %s", name, strerror(errno));
}

static void write_bytes(const char *folder, const char *name, const struct steve_sequence *sequence)
{
    size_t count;
    uint8_t *bytes = steve_bytes_encode(&steve_drivers, sequence, &count);
    if (bytes == NULL)
        die("memory is short");
    FILE *out = create(folder, name);
    if (fwrite(bytes, 1, count, out) != count)
        die("%s: %s", name, strerror(errno));
    finish(out, name);
    free(bytes);
}

static void write_text(const char *folder, const char *name, const struct steve_sequence *sequence)
{
    FILE *out = create(folder, name);
    if (!steve_text_print(&steve_drivers, sequence, out))
        die("%s: %s", name, strerror(errno));
    finish(out, name);
}

/// One recipe after the other. `make` is called with a name for it, without an ending. @return how many showed a finding
static unsigned for_each_recipe(const struct family *family, uint64_t seed, const char *folder,
                                bool (*make)(const struct recipe *, const char *, const char *))
{
    unsigned findings = 0;

    for (size_t d = 0; d < steve_drivers.count; d++) {
        if (!is_of_family(steve_drivers.drivers[d], family->name))
            continue;
        struct recipe recipe = {.driver = steve_drivers.drivers[d], .against = family->against, .seed = seed};
        const bool locks = recipe.driver->lock != NULL;
        const uint64_t longest = locks ? LONGEST : LONGEST_UNLOCKED;
        for (size_t p = 0; (recipe.profile = steve_profile_at(p)) != NULL; p++) {
            for (size_t m = 0; (recipe.locks = steve_lock_model_at(m)) != NULL && (locks || m == 0); m++) {
                char name[256];
                snprintf(name, sizeof name, "%s-%s-%s-%" PRIu64, recipe.driver->name,
                         steve_profile_name(recipe.profile), steve_lock_model_name(recipe.locks), recipe.seed);
                // Spread evenly and without a pattern over the lengths.
                recipe.length = SHORTEST + recipe.seed * 137 % (longest - SHORTEST + 1);
                findings += !make(&recipe, folder, name);
                recipe.seed++;
            }
        }
    }
    return findings;
}

static bool make_with(const struct recipe *recipe, const char *folder, const char *name, const char *ending,
                      void (*write)(const char *, const char *, const struct steve_sequence *))
{
    struct steve_sequence sequence = {0};
    const bool sound = draw(recipe, &sequence);
    if (sound) {
        char file[300];
        snprintf(file, sizeof file, "%s%s", name, ending);
        write(folder, file, &sequence);
    }
    steve_sequence_free(&sequence);
    return sound;
}

static bool make_bytes(const struct recipe *recipe, const char *folder, const char *name)
{
    return make_with(recipe, folder, name, ".bin", write_bytes);
}

/// Short ones: of all recipes every seventh will do, since lock models make no difference in what the ops look like.
static bool shorten(struct recipe *recipe)
{
    recipe->length = SHORT_LENGTH;
    return recipe->seed % 7 == 1;
}

static bool make_short_text(const struct recipe *recipe, const char *folder, const char *name)
{
    struct recipe small = *recipe;
    return !shorten(&small) || make_with(&small, folder, name, ".ops", write_text);
}

static bool make_short_bytes(const struct recipe *recipe, const char *folder, const char *name)
{
    struct recipe small = *recipe;
    return !shorten(&small) || make_with(&small, folder, name, ".bin", write_bytes);
}

/// Every code once, dead ones too, with something in every field, behind a header that has the same; and a partial last record. The heap is
/// not larger than an emulator can keep the books of.
static void make_odd_bytes(const char *folder)
{
    FILE *out = create(folder, "all-codes.bin");
    for (unsigned i = 0; i < STEVE_BYTES_HEADER; i++)
        fputc(i == STEVE_BYTES_AT_VERSION ? 0x7f : i >= 7 && i <= 9 ? 0 : 0xa5, out);
    for (unsigned code = 0; code < 256; code++) {
        const uint8_t record[STEVE_BYTES_RECORD] = {
            (uint8_t)code, (uint8_t)(code * 7), (uint8_t)(code % 4), 0, (uint8_t)(code * 3), 0x80, 0xff, 0x5a};
        fwrite(record, 1, sizeof record, out);
    }
    fputc(STEVE_OP_MALLOC, out);
    finish(out, "all-codes.bin");
}

/// A text with every code, and every size class under one of them.
static void make_dictionary(const char *folder)
{
    struct steve_sequence sequence = {
        .header = {.heap_bytes = STEVE_HEAP_DEFAULT, .base_offset = 3, .dirty = true, .options = 0xff}};
    memcpy(sequence.header.driver, steve_drivers.drivers[0]->name, strlen(steve_drivers.drivers[0]->name));

    bool pushed = true;
    for (unsigned code = 0; code < 256; code++) {
        if (steve_op_kind((uint8_t)code) != STEVE_KIND_NONE)
            pushed = pushed &&
                     steve_sequence_push(&sequence, (struct steve_op){.code = (uint8_t)code, .slot = 1, .delta = 8});
    }
    for (unsigned size_class = STEVE_SIZE_POWER; size_class < 256; size_class += 0x15)
        pushed =
            pushed && steve_sequence_push(&sequence, (struct steve_op){STEVE_OP_MALLOC, (uint8_t)size_class, 2, -8, 1});
    if (!pushed)
        die("memory is short");
    write_text(folder, "all-ops.ops", &sequence);
    steve_sequence_free(&sequence);
}

/* By hand */

static void print_mallocs(FILE *out, unsigned first_slot, unsigned count, unsigned bytes)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "malloc s%u %u\n", first_slot + i, bytes);
}

/// More cached blocks than a heap may have.
static void print_much_cached(FILE *out)
{
    fputs("driver jeff\nheap 4194304\n", out);
    print_mallocs(out, 0, 350, 2000);
    for (unsigned i = 0; i < 350; i++)
        fprintf(out, "free s%u\n", i);
    fputs("check\nmalloc s0 100000\n", out);
}

/// Budgets of whole milliseconds, too short for all that there is to move.
static void print_milliseconds(FILE *out)
{
    fputs("driver jeff\nheap 8388608\nmalloc s0 200000\n", out);
    print_mallocs(out, 1, 29, 120000);
    fputs("free s0\ncompact 1000 us\ncompact 1000 us\ncompact 2000 us\ncompact full\n", out);
}

/// More memory than a heap can use.
static void print_giant(FILE *out)
{
    fputs("driver jeff\nheap 68719476736\nmalloc s0 100\nmalloc s1 max\ncompact full\ncheck\n", out);
}

/// A mapped heap in which all is taken, so that not even a block with pages of its own has its place, and one that the
/// handle table fills.
static void print_mapped_full(FILE *out)
{
    fputs("driver jeff-mapped\nheap 65536\n", out);
    print_mallocs(out, 0, 17, 4000);
    print_mallocs(out, 20, 17, 300);
    print_mallocs(out, 40, 40, 0);
    fputs("malloc s100 70000\nmalloc s101 70000\ncheck\n", out);
}

static void print_mapped_handles(FILE *out)
{
    fputs("driver jeff-mapped\nheap 12288\n", out);
    print_mallocs(out, 0, 500, 0);
    fputs("check\n", out);
}

/// Pages are refused to blocks that have their own, when these grow in their place and when they move.
static void print_mapped_resizes(FILE *out)
{
    fputs("driver jeff-mapped\nheap 1048576\noption failing-pages\nmalloc s0 66000\nmalloc s1 300000\n", out);
    for (unsigned i = 0; i < 24; i++)
        fprintf(out, "resize s0 %u\nresize s1 100000\nresize s1 %u\ncheck\n", 70000 + 9000 * i, 200000 + 4096 * i);
}

/// The same, until the handle table has to grow when two calls in a row are refused.
static void print_refused_table(FILE *out, unsigned commits)
{
    fputs("driver jeff-mapped\nheap 1048576\noption failing-pages\nmalloc s0 131072\n", out);
    for (unsigned i = 0; i < commits; i++)
        fputs("resize s0 65536\nresize s0 131072\n", out);
    print_mallocs(out, 1, 359, 0);
    fputs("check\n", out);
}

static void write_by_hand(const char *folder, const char *name, void (*print)(FILE *), unsigned commits)
{
    char *text = NULL;
    size_t length = 0;
    char error[256] = "memory is short";
    struct steve_sequence sequence = {0};
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        die("%s", error);
    fputs(STEVE_TEXT_MAGIC "\n", out);
    if (print != NULL)
        print(out);
    else
        print_refused_table(out, commits);
    finish(out, name);
    if (!steve_text_parse(&steve_drivers, name, text, length, &sequence, error, sizeof error))
        die("%s", error);
    write_bytes(folder, name, &sequence);
    steve_sequence_free(&sequence);
    free(text);
}

static void make_by_hand(const char *folder)
{
    write_by_hand(folder, "hand-much-cached.bin", print_much_cached, 0);
    write_by_hand(folder, "hand-milliseconds.bin", print_milliseconds, 0);
    write_by_hand(folder, "hand-giant.bin", print_giant, 0);
    write_by_hand(folder, "hand-mapped-full.bin", print_mapped_full, 0);
    write_by_hand(folder, "hand-mapped-handles.bin", print_mapped_handles, 0);
    write_by_hand(folder, "hand-mapped-resizes.bin", print_mapped_resizes, 0);
    for (unsigned commits = 22; commits < 34; commits++) {
        char name[64];
        snprintf(name, sizeof name, "hand-refused-table-%u.bin", commits);
        write_by_hand(folder, name, NULL, commits);
    }
}

int main(int argc, char **argv)
{
    const char *target = argc > 1 ? argv[1] : "";
    const bool of_text = strcmp(target, "fuzz_text") == 0;
    const bool of_trip = strcmp(target, "fuzz_roundtrip") == 0;
    struct family family = {.name = "jeff"};
    if (argc < 3 || argc > 4 || (!of_text && !of_trip && !find_family(target, &family))) {
        fprintf(stderr,
                "expected: make_seeds fuzz_text|fuzz_roundtrip|fuzz_<driver>[_against_<driver>] FOLDER [SEED]\n");
        return 2;
    }

    const char *folder = argv[2];
    const uint64_t seed = argc == 4 ? strtoull(argv[3], NULL, 10) : 1;
    if (of_text)
        make_dictionary(folder);
    else if (of_trip)
        make_odd_bytes(folder);
    else if (strcmp(target, "fuzz_jeff") == 0)
        make_by_hand(folder);
    return for_each_recipe(&family, seed, folder,
                           of_text   ? make_short_text
                           : of_trip ? make_short_bytes
                                     : make_bytes) != 0;
}
