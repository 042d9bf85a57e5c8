/// Makes raw seeds for the fuzz targets out of what Steve's own generator draws, for ci/corpus to minimise:
///
///     make_seeds fuzz_jeff FOLDER [SEED]    canonical byte files, one for each driver of Jeff, profile and lock model
///     make_seeds fuzz_combo FOLDER [SEED]   the same for any family of drivers: without lock models if they have no locks
///     make_seeds fuzz_text FOLDER [SEED]    a few of Jeff's, short, as text and as bytes, and one text with all ops and sizes
///
/// The ops are executed while they are drawn, as `steve run` does, since the generator looks back at what happened. A
/// finding on the way is reported, and no seed: exit status 1.
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/core/exec.h"
#include "steve/drivers/drivers.h"
#include "steve/gen/gen.h"

/// Lengths of the seeds, in ops. Engines prefer short inputs; these still see a heap filled, emptied and compacted.
#define SHORTEST 60u
#define LONGEST  400u

/// Where blocks neither move nor are locked, less happens: shorter ones reach as much.
#define LONGEST_UNLOCKED 120u

/// Of the seeds for fuzz_text, to which what the ops do does not matter.
#define TEXT_LENGTH 12u

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
    struct steve_exec *exec =
        steve_exec_new(&(struct steve_exec_config){.driver = recipe->driver, .level = STEVE_CHECK_NORMAL}, &why);
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

static bool is_of_family(const struct steve_driver *driver, const char *family)
{
    const size_t length = strlen(family);
    return strncmp(driver->name, family, length) == 0 && (driver->name[length] == '\0' || driver->name[length] == '-');
}

/// The family that a target fuzzes: what follows fuzz_ in its name. @return false if there is no such driver
static bool find_family(const char *target, char *family, size_t size)
{
    if (strncmp(target, "fuzz_", 5) != 0 || strlen(target) >= size)
        return false;
    snprintf(family, size, "%s", target + 5);
    for (char *at = family; *at != '\0'; at++) {
        if (*at == '_')
            *at = '-';
    }
    return steve_catalog_by_name(&steve_drivers, family) != NULL;
}

/// One recipe after the other. `make` is called with a name for it, without an ending. @return how many showed a finding
static unsigned for_each_recipe(const char *family, uint64_t seed, const char *folder,
                                bool (*make)(const struct recipe *, const char *, const char *))
{
    unsigned findings = 0;

    for (size_t d = 0; d < steve_drivers.count; d++) {
        if (!is_of_family(steve_drivers.drivers[d], family))
            continue;
        struct recipe recipe = {.driver = steve_drivers.drivers[d], .seed = seed};
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

static bool make_seed(const struct recipe *recipe, const char *folder, const char *name)
{
    struct steve_sequence sequence = {0};
    const bool sound = draw(recipe, &sequence);
    if (sound) {
        char file[300];
        snprintf(file, sizeof file, "%s.bin", name);
        write_bytes(folder, file, &sequence);
    }
    steve_sequence_free(&sequence);
    return sound;
}

static bool make_text_seed(const struct recipe *recipe, const char *folder, const char *name)
{
    struct recipe small = *recipe;
    small.length = TEXT_LENGTH;

    // Every seventh will do: lock models make no difference in what the ops look like.
    if (recipe->seed % 7 != 1)
        return true;
    struct steve_sequence sequence = {0};
    const bool sound = draw(&small, &sequence);
    if (sound) {
        char file[300];
        snprintf(file, sizeof file, "%s.ops", name);
        write_text(folder, file, &sequence);
        snprintf(file, sizeof file, "%s.bin", name);
        write_bytes(folder, file, &sequence);
    }
    steve_sequence_free(&sequence);
    return sound;
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

int main(int argc, char **argv)
{
    const char *target = argc > 1 ? argv[1] : "";
    const bool of_text = strcmp(target, "fuzz_text") == 0;
    char family[64] = "jeff";
    if (argc < 3 || argc > 4 || (!of_text && !find_family(target, family, sizeof family))) {
        fprintf(stderr, "expected: make_seeds fuzz_text|fuzz_<driver> FOLDER [SEED]\n");
        return 2;
    }

    const uint64_t seed = argc == 4 ? strtoull(argv[3], NULL, 10) : 1;
    if (!of_text)
        return for_each_recipe(family, seed, argv[2], make_seed) == 0 ? 0 : 1;
    make_dictionary(argv[2]);
    return for_each_recipe(family, seed, argv[2], make_text_seed) == 0 ? 0 : 1;
}
