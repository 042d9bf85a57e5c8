/// Packing what a child needs, becoming the program anew, and unpacking.
///
///     parcel   struct parcel | recordings, each struct packed_recording | their ops
///
/// It is mapped where it is unpacked, and never copied: ops are used as they lie there.
#define _GNU_SOURCE
#include "steve/find/preload.h"

#include <assert.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steve/core/external.h"
#include "steve/find/trial_internal.h"

#define NAME_SIZE        64u
#define ENVIRONMENT_MOST 4096u

enum parcel_kind { PARCEL_WORK, PARCEL_TRIAL, PARCEL_LOOK };

struct packed_recording {
    char driver[STEVE_DRIVER_NAME_SIZE];
    char against[STEVE_DRIVER_NAME_SIZE]; ///< "": none
    struct steve_header header;
    uint64_t count;
};

struct packed_work {
    int board, page, log, stamps; ///< files; stamps may be -1
    struct steve_plan plan;
    uint64_t item; ///< the one to begin with
    uint32_t without;
    enum steve_check_level level;
    uint64_t memory_bytes;
    unsigned repeat_every;
    unsigned rounds;
    unsigned threads;
    enum steve_source_kind source;
    uint64_t longest; ///< ops of the longest episode; of an exhaustive source, K

    char profile[NAME_SIZE]; ///< these are of a generated source
    char locks[NAME_SIZE];
    uint64_t seed;
    uint64_t heap_bytes; ///< and of an exhaustive one
    uint64_t recordings; ///< of a recorded one
};

struct packed_trial {
    int socket, shared, ops, outcomes, sizes; ///< files
    uint32_t without;
    enum steve_check_level level;
    uint64_t memory_bytes;
    bool count_memory;
    uint64_t longest;
};

struct packed_look {
    int look; ///< a file
    uint64_t size;
};

struct parcel {
    enum parcel_kind kind;
    char driver[STEVE_DRIVER_NAME_SIZE];
    char against[STEVE_DRIVER_NAME_SIZE]; ///< "": none
    struct packed_work work;
    struct packed_trial trial;
    struct packed_look look;
};

/// Packing

static bool put(int file, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(file, at, size);
        if (written <= 0) {
            return false;
        }
        at += written;
        size -= (size_t)written;
    }
    return true;
}

static void copy_name(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void copy_against(char to[STEVE_DRIVER_NAME_SIZE], const struct steve_driver *against)
{
    copy_name(to, STEVE_DRIVER_NAME_SIZE, against != NULL ? against->name : "");
}

static void pack_source(struct packed_work *packed, const struct steve_source *source)
{
    packed->source = source->kind;
    packed->longest = source->longest;
    if (source->kind == STEVE_SOURCE_GENERATED) {
        const struct steve_generated *generated = source->context;
        const struct steve_gen_config *config = steve_gen_config_of(generated->gen);
        copy_name(packed->profile, sizeof packed->profile, steve_profile_name(config->profile));
        copy_name(packed->locks, sizeof packed->locks, steve_lock_model_name(config->locks));
        packed->seed = config->seed;
        packed->heap_bytes = config->heap_bytes;
    } else if (source->kind == STEVE_SOURCE_EXHAUSTIVE) {
        const struct steve_exhaustive *all = source->context;
        packed->longest = all->longest;
        packed->heap_bytes = all->header.heap_bytes;
    } else if (source->kind == STEVE_SOURCE_RECORDED) {
        const struct steve_recorded *recorded = source->context;
        packed->recordings = recorded->count;
    }
}

static bool put_recordings(int file, const struct steve_recorded *recorded)
{
    for (size_t i = 0; i < recorded->count; i++) {
        const struct steve_recording *from = &recorded->recordings[i];
        struct packed_recording packed = {.header = from->sequence->header, .count = from->sequence->count};
        copy_name(packed.driver, sizeof packed.driver, from->driver->name);
        copy_against(packed.against, from->against);
        if (!put(file, &packed, sizeof packed)) {
            return false;
        }
    }
    for (size_t i = 0; i < recorded->count; i++) {
        const struct steve_sequence *sequence = recorded->recordings[i].sequence;
        if (!put(file, sequence->ops, sequence->count * sizeof sequence->ops[0])) {
            return false;
        }
    }
    return true;
}

static int open_parcel(const struct parcel *parcel)
{
    int file = memfd_create("steve-parcel", 0); // stays open in the new program
    if (file >= 0 && !put(file, parcel, sizeof *parcel)) {
        close(file);
        file = -1;
    }
    return file;
}

static void keep_open(int file)
{
    fcntl(file, F_SETFD, 0);
}

/// Becoming another program

/// LD_PRELOAD as it is to be. What was preloaded before stays so, after the library. @return false if it cannot be said
static bool set_preload(const char *library)
{
    char value[ENVIRONMENT_MOST];
    const char *before = getenv("LD_PRELOAD");
    bool has_before = before != NULL && *before != '\0';
    int length = snprintf(value, sizeof value, "%s%s%s", library, has_before ? ":" : "", has_before ? before : "");
    return length > 0 && (size_t)length < sizeof value && strpbrk(library, " :") == NULL &&
           setenv("LD_PRELOAD", value, 1) == 0;
}

/// Is called in a forked child that runs nothing else. Returns if it fails.
static void become(const char *library, int parcel, const char **why)
{
    char number[16];
    snprintf(number, sizeof number, "%d", parcel);
    char program[] = "steve";
    char argument[] = STEVE_PRELOAD_ARGUMENT;
    char *arguments[] = {program, argument, number, NULL};
    if (!set_preload(library)) {
        *why = "the library's path cannot be preloaded: expected one without blanks and colons";
        return;
    }
    execv("/proc/self/exe", arguments);
    *why = "the program could not be started anew";
}

const char *steve_preload_library(const struct steve_driver *driver)
{
    const struct steve_external *external = steve_external_of(driver);
    return external != NULL ? external->preload : NULL;
}

static const char *library_of_pair(const struct steve_driver *driver, const struct steve_driver *against)
{
    const char *library = steve_preload_library(driver);
    return library == NULL && against != NULL ? steve_preload_library(against) : library;
}

bool steve_preload_is_needed(const struct steve_driver *driver, const struct steve_driver *against)
{
    const char *library = library_of_pair(driver, against);
    if (library == NULL) {
        return false;
    }
    void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
    if (handle != NULL) {
        dlclose(handle);
    }
    return handle == NULL;
}

void steve_preload_for_worker(const struct steve_work *work, const struct steve_driver *driver,
                              const struct steve_driver *against, uint64_t item, const char **why)
{
    struct parcel parcel = {
        .kind = PARCEL_WORK,
        .work =
            {
                .board = steve_shared_file(work->board),
                .page = steve_shared_file(work->page),
                .log = steve_shared_file(work->log),
                .stamps = work->stamps != NULL ? steve_shared_file(work->stamps) : -1,
                .rounds = work->rounds,
                .threads = work->source->threads,
                .plan = work->plan,
                .item = item,
                .without = work->without,
                .level = work->level,
                .memory_bytes = work->memory_bytes,
                .repeat_every = work->repeat_every,
            },
    };
    copy_name(parcel.driver, sizeof parcel.driver, driver->name);
    copy_against(parcel.against, against);
    pack_source(&parcel.work, work->source);
    *why = "what it needs to know could not be handed on";
    if (parcel.work.source == STEVE_SOURCE_OWN) {
        return;
    }
    int file = open_parcel(&parcel);
    if (file < 0 || (parcel.work.source == STEVE_SOURCE_RECORDED && !put_recordings(file, work->source->context))) {
        return;
    }
    keep_open(parcel.work.board);
    keep_open(parcel.work.page);
    keep_open(parcel.work.log);
    if (parcel.work.stamps >= 0) {
        keep_open(parcel.work.stamps);
    }
    become(library_of_pair(driver, against), file, why);
}

void steve_preload_for_trial(const struct steve_trial *trial, int socket, const char **why)
{
    const struct steve_trial_config *config = &trial->config;
    struct parcel parcel = {
        .kind = PARCEL_TRIAL,
        .trial =
            {
                .socket = socket,
                .shared = steve_shared_file(trial->shared),
                .ops = steve_shared_file(trial->ops),
                .outcomes = steve_shared_file(trial->outcomes),
                .sizes = steve_shared_file(trial->sizes),
                .without = config->without,
                .level = config->level,
                .memory_bytes = config->memory_bytes,
                .count_memory = config->count_memory,
                .longest = config->longest,
            },
    };
    copy_name(parcel.driver, sizeof parcel.driver, config->driver->name);
    copy_against(parcel.against, config->against);
    int file = open_parcel(&parcel);
    *why = "what it needs to know could not be handed on";
    if (file < 0) {
        return;
    }
    keep_open(socket);
    keep_open(parcel.trial.shared);
    keep_open(parcel.trial.ops);
    keep_open(parcel.trial.outcomes);
    keep_open(parcel.trial.sizes);
    become(library_of_pair(config->driver, config->against), file, why);
}

void steve_preload_for_look(const char *library, const char *name, struct steve_look *look, size_t look_size,
                            const char **why)
{
    struct parcel parcel = {
        .kind = PARCEL_LOOK,
        .look = {.look = steve_shared_file(look), .size = look_size},
    };
    copy_name(parcel.driver, sizeof parcel.driver, name);
    int file = open_parcel(&parcel);
    *why = "what it needs to know could not be handed on";
    if (file >= 0) {
        keep_open(parcel.look.look);
        become(library, file, why);
    }
}

/// Going on

static void *map_again(int file, size_t bytes)
{
    fcntl(file, F_SETFD, FD_CLOEXEC);
    return steve_shared_open(file, bytes);
}

/// Ends the worker with a sentence for the parent.
static int fail(struct steve_page *page, const char *what)
{
    snprintf(page->trouble, sizeof page->trouble, "%s", what);
    atomic_store(&page->phase, STEVE_WORKER_FAILED);
    return 0;
}

/// The driver of a name that was packed. @return false if it cannot be used. `*driver` is NULL for none
static bool unpack_against(const struct steve_preload_callbacks *callbacks, const char *name,
                           const struct steve_driver **driver)
{
    *driver = name[0] != '\0' ? callbacks->driver_by_name(name) : NULL;
    return name[0] == '\0' || *driver != NULL;
}

/// Recordings' ops stay as they lie in the parcel.
static bool unpack_recordings(const struct parcel *parcel, const struct steve_preload_callbacks *callbacks,
                              struct steve_recorded *recorded)
{
    size_t count = (size_t)parcel->work.recordings;
    struct steve_recording *recordings = steve_own_memory((count + 1) * sizeof *recordings);
    struct steve_sequence *sequences = steve_own_memory((count + 1) * sizeof *sequences);
    if (recordings == NULL || sequences == NULL) {
        return false;
    }
    struct packed_recording *packed = (void *)((uintptr_t)parcel + sizeof *parcel);
    struct steve_op *ops = (void *)(packed + count);
    for (size_t i = 0; i < count; i++) {
        sequences[i] = (struct steve_sequence){.header = packed[i].header,
                                               .ops = ops,
                                               .count = (size_t)packed[i].count,
                                               .capacity = (size_t)packed[i].count};
        recordings[i] =
            (struct steve_recording){.sequence = &sequences[i], .driver = callbacks->driver_by_name(packed[i].driver)};
        ops += packed[i].count;
        if (recordings[i].driver == NULL || !unpack_against(callbacks, packed[i].against, &recordings[i].against)) {
            return false;
        }
    }
    *recorded = (struct steve_recorded){.recordings = recordings, .count = count};
    return true;
}

static int go_on_working(const struct parcel *parcel, const struct steve_preload_callbacks *callbacks)
{
    static struct steve_exhaustive all; // large, and there is but one
    const struct packed_work *packed = &parcel->work;
    struct steve_page *page = map_again(packed->page, sizeof *page);
    struct steve_board *board = map_again(packed->board, sizeof *board);
    struct steve_op *log = map_again(packed->log, (size_t)packed->longest * sizeof *log);
    struct steve_stamps *stamps =
        packed->stamps >= 0 ? map_again(packed->stamps, (size_t)packed->longest * sizeof *stamps) : NULL;
    if (page == NULL || board == NULL || log == NULL || (packed->stamps >= 0 && stamps == NULL)) {
        return 3;
    }
    const struct steve_driver *driver = callbacks->driver_by_name(parcel->driver);
    const struct steve_driver *against;
    if (driver == NULL || !unpack_against(callbacks, parcel->against, &against) ||
        steve_preload_is_needed(driver, against)) {
        return fail(page, "the library was not preloaded: is it gone?");
    }
    struct steve_recorded recorded = {0};
    struct steve_generated generated = {.driver = driver, .threads = packed->threads};
    static struct steve_driver drawn_for; // as long as the generator
    drawn_for = packed->threads > 1 ? steve_threads_driver(driver) : *driver;
    struct steve_source source;
    if (packed->source == STEVE_SOURCE_RECORDED) {
        if (!unpack_recordings(parcel, callbacks, &recorded)) {
            return fail(page, "a driver is gone, or memory is short");
        }
        source = steve_source_recorded(&recorded);
    } else if (packed->source == STEVE_SOURCE_EXHAUSTIVE) {
        steve_exhaustive_init(&all, driver, (unsigned)packed->longest, packed->heap_bytes);
        source = steve_source_exhaustive(&all);
    } else {
        generated.gen = steve_gen_new(&(struct steve_gen_config){
            .driver = packed->threads > 1 ? &drawn_for : driver,
            .profile = steve_profile_by_name(packed->profile),
            .locks = steve_lock_model_by_name(packed->locks),
            .seed = packed->seed,
            .heap_bytes = packed->heap_bytes,
        });
        if (generated.gen == NULL) {
            return fail(page, "memory is short");
        }
        source = steve_source_generated(&generated);
    }
    if (source.against_of == NULL) {
        source.against = against;
    }
    steve_worker_run(&(struct steve_work){
        .source = &source,
        .plan = packed->plan,
        .without = packed->without,
        .level = packed->level,
        .memory_bytes = packed->memory_bytes,
        .repeat_every = packed->repeat_every,
        .board = board,
        .page = page,
        .log = log,
        .stamps = stamps,
        .rounds = packed->rounds,
        .is_child = true,
        .goes_on = true,
        .item = packed->item,
    });
    return 0;
}

static int go_on_judging(const struct parcel *parcel, const struct steve_preload_callbacks *callbacks)
{
    const struct packed_trial *packed = &parcel->trial;
    size_t count = (size_t)packed->longest + 1;
    struct steve_trial trial = {
        .config =
            {
                .driver = callbacks->driver_by_name(parcel->driver),
                .without = packed->without,
                .level = packed->level,
                .memory_bytes = packed->memory_bytes,
                .count_memory = packed->count_memory,
                .longest = (size_t)packed->longest,
            },
        .shared = map_again(packed->shared, sizeof *trial.shared),
        .ops = map_again(packed->ops, count * sizeof trial.ops[0]),
        .outcomes = map_again(packed->outcomes, count * sizeof trial.outcomes[0]),
        .sizes = map_again(packed->sizes, count * sizeof trial.sizes[0]),
        .socket = -1,
    };
    if (trial.config.driver == NULL || !unpack_against(callbacks, parcel->against, &trial.config.against) ||
        trial.shared == NULL || trial.ops == NULL || trial.outcomes == NULL || trial.sizes == NULL ||
        steve_preload_is_needed(trial.config.driver, trial.config.against)) {
        return 3;
    }
    steve_trial_serve(&(struct steve_trial_server){.trial = &trial, .socket = packed->socket, .socket_of_parent = -1});
    return 0;
}

static int go_on_looking(const struct parcel *parcel, const struct steve_preload_callbacks *callbacks)
{
    struct steve_look *look = map_again(parcel->look.look, (size_t)parcel->look.size);
    if (look == NULL) {
        return 3;
    }
    callbacks->look(parcel->driver, look);
    atomic_store(&look->page.phase, STEVE_WORKER_DONE);
    return 0;
}

int steve_preload_go_on(const char *file, const struct steve_preload_callbacks *callbacks)
{
    struct stat status;
    int number = atoi(file);
    if (fstat(number, &status) != 0 || status.st_size < (off_t)sizeof(struct parcel)) {
        fprintf(stderr, "steve: %s is for its own use\n", STEVE_PRELOAD_ARGUMENT);
        return 2;
    }
    fcntl(number, F_SETFD, FD_CLOEXEC);
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, number, 0);
    if (memory == MAP_FAILED) {
        return 3;
    }
    close(number);
    const struct parcel *parcel = memory;
    int exit_status = parcel->kind == PARCEL_WORK    ? go_on_working(parcel, callbacks)
                      : parcel->kind == PARCEL_TRIAL ? go_on_judging(parcel, callbacks)
                                                     : go_on_looking(parcel, callbacks);
    _exit(exit_status); // what the library does at exit is no part of an episode
}
