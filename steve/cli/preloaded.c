/// Looking at a malloc library takes two steps: whether it can be loaded and what it has, and whether a program starts
/// and allocates with it in the place of malloc. One without calloc and realloc is not preloaded: the C library would
/// have to make up for them, with blocks that the library's free() does not know.
#define _GNU_SOURCE
#include "steve/cli/preloaded.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steve/cli/catalog.h"
#include "steve/drivers/malloc_library.h"
#include "steve/find/preload.h"

#define PRELOADABLE ((uint32_t)(STEVE_MALLOC_CALLOC | STEVE_MALLOC_REALLOC))

struct library {
    struct steve_external external; ///< comes first
    struct steve_snippets snippets;
    char compile[STEVE_DRIVER_NAME_SIZE + 96];
};

/// What a child leaves behind that looked at a library.
struct library_look {
    struct steve_look look;
    char path[STEVE_DRIVER_NAME_SIZE];
    bool needs_first_space; ///< it could not be loaded late, but may be preloaded
    uint32_t has;
};

static const char *path_of(const char *name)
{
    return name + strlen(STEVE_MALLOC_PREFIX);
}

/// Checks that the library serves a request, so that one that needs more than to be loaded is told from a broken one.
static void try_it(struct library_look *l, void *handle)
{
    const char *why = "";
    struct steve_driver driver;
    if (!steve_malloc_library_use(handle, &l->has)) {
        steve_look_say(&l->look, "it is no malloc library: it does not define both malloc and free");
        return;
    }
    steve_malloc_library_describe(l->has, NULL, &driver);
    void *heap = driver.open(&(struct steve_geometry){.bytes = 4096}, &why);
    steve_ref ref = heap != NULL ? driver.malloc(heap, 100) : 0;
    if (ref == 0) {
        steve_look_say(&l->look, "its malloc refuses the first 100 bytes");
        return;
    }
    memset((void *)(uintptr_t)ref, 0x5a, 100);
    driver.free(heap, ref);
}

static void be_silent(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
}

/// The first step, in a child.
static void look_late(void *context)
{
    struct library_look *l = context;
    char line[512];
    atomic_store(&l->look.page.phase, STEVE_WORKER_LOAD);
    be_silent();
    void *handle = dlopen(l->path, RTLD_LAZY | RTLD_LOCAL);
    const char *error = handle == NULL ? dlerror() : NULL;
    if (error != NULL && strstr(error, "static TLS") != NULL) {
        l->needs_first_space = true;
    } else if (error != NULL) {
        snprintf(line, sizeof line, "no library that can be loaded: %s", error);
        steve_look_say(&l->look, line);
    } else if (!steve_malloc_library_use(handle, &l->has)) {
        steve_look_say(&l->look, "it is no malloc library: it does not define both malloc and free");
    } else if ((l->has & PRELOADABLE) != PRELOADABLE) {
        try_it(l, handle);
    }
    atomic_store(&l->look.page.phase, STEVE_WORKER_DONE);
    _exit(0);
}

/// The second step begins in a child and goes on in look_preloaded().
static void look_early(void *context)
{
    struct library_look *l = context;
    const char *why = NULL;
    atomic_store(&l->look.page.phase, STEVE_WORKER_LOAD);
    be_silent();
    steve_preload_for_look(l->path, l->path, &l->look, sizeof *l, &why);
    steve_look_say(&l->look, why);
    atomic_store(&l->look.page.phase, STEVE_WORKER_DONE);
    _exit(0);
}

static void look_preloaded(const char *path, struct steve_look *look)
{
    struct library_look *l = (struct library_look *)look;
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL) {
        steve_look_say(look, "the loader did not preload it");
        return;
    }
    try_it(l, handle);
}

static bool enter(struct steve_external *external, const char **why)
{
    uint32_t has;
    const char *path = path_of(external->name);
    void *handle = dlopen(path, external->preload != NULL ? RTLD_NOW | RTLD_NOLOAD : RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        *why = external->preload != NULL
                   ? "it must be preloaded: in a process that forks no children, start Steve with "
                     "LD_PRELOAD set to it"
                   : "it cannot be loaded any more";
        return false;
    }
    *why = "it has no malloc any more";
    return steve_malloc_library_use(handle, &has);
}

static struct steve_external *make(const char *name, uint32_t has, bool preload)
{
    struct library *library = steve_own_memory(sizeof *library);
    if (library == NULL) {
        return NULL;
    }
    struct steve_external *external = &library->external;
    snprintf(external->name, sizeof external->name, "%s", name);
    snprintf(library->compile, sizeof library->compile, "cc -std=c11 -g$flags $file -o repro && LD_PRELOAD=%s ./repro",
             path_of(name));
    library->snippets = steve_malloc_library_snippets(has, library->compile);
    steve_malloc_library_describe(has, &library->snippets, &external->driver);
    external->driver.name = external->name;
    external->enter = enter;
    external->preload = preload ? path_of(external->name) : NULL;
    return external;
}

/// What can be said without loading anything. @return NULL if it may be a library
static const char *no_library(const char *name)
{
    struct stat status;
    const char *path = path_of(name);
    if (*path == '\0') {
        return "expected malloc:LIBRARY, such as malloc:/usr/lib/libjemalloc.so.2";
    }
    if (strpbrk(path, " :") != NULL) {
        return "the loader preloads no path with blanks or colons in it";
    }
    if (strchr(path, '/') == NULL) {
        return NULL; // the loader looks for it
    }
    if (stat(path, &status) != 0) {
        return errno == ENOENT ? "no such file" : strerror(errno);
    }
    return S_ISREG(status.st_mode) ? NULL : "expected a library, and it is no file";
}

static struct steve_external *look(struct library_look *l, const char *name, steve_say *say, void *context)
{
    snprintf(l->path, sizeof l->path, "%s", path_of(name));
    if (!steve_look_in_child(&l->look, look_late, l, say, context)) {
        return NULL;
    }
    bool preload = l->needs_first_space || (l->has & PRELOADABLE) == PRELOADABLE;
    if (preload && !steve_look_in_child(&l->look, look_early, l, say, context)) {
        return NULL;
    }
    return make(name, l->has, preload);
}

struct steve_external *steve_malloc_library_look(const char *name, steve_say *say, void *context)
{
    const char *why = no_library(name);
    if (why != NULL) {
        say(context, why);
        return NULL;
    }
    uint32_t has;
    void *handle = dlopen(path_of(name), RTLD_LAZY | RTLD_NOLOAD);
    if (handle != NULL && steve_malloc_library_use(handle, &has)) {
        return make(name, has, true); // this process has it already
    }
    struct library_look *l = steve_shared_map(sizeof *l);
    if (l == NULL) {
        say(context, "memory is short");
        return NULL;
    }
    struct steve_external *external = look(l, name, say, context);
    steve_shared_unmap(l, sizeof *l);
    return external;
}

static const struct steve_driver *driver_by_name(const char *name)
{
    return steve_catalog_by_name(steve_known_drivers(), name);
}

int steve_cli_go_on(const char *file)
{
    return steve_preload_go_on(file, &(struct steve_preload_callbacks){
                                         .driver_by_name = driver_by_name,
                                         .look = look_preloaded,
                                     });
}
