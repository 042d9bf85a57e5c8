/// Loading shared objects: in a child to see what is in them, and again in each process that runs episodes.
///
///     Steve            knows the description: numbers, promises, texts, which functions there are
///     child that looks  loads the object, checks it, copies the description into shared memory
///     workers, trials   load the object and call its functions
#define _GNU_SOURCE
#include "steve/find/shared_object.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steve/find/look.h"

/// Room for all texts of a driver; the snippets are the largest part.
#define TEXTS_SIZE ((size_t)1 << 20)

/// How many options a driver has at most.
#define OPTIONS_MOST 8u

/// What the child that looks leaves behind. It was mapped before the fork, so addresses in it mean the same on both sides.
struct object_look {
    struct steve_look look;
    const char *path;
    struct steve_driver driver;
    struct steve_snippets snippets;
    struct steve_option_snippet option_snippets[OPTIONS_MOST];
    const char *options[OPTIONS_MOST + 1];
    bool texts_are_too_long;
    size_t texts_used;
    char texts[TEXTS_SIZE];
};

/// Copying the description

static const char *copy_text(struct object_look *o, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    if (size > TEXTS_SIZE - o->texts_used) {
        o->texts_are_too_long = true;
        return "";
    }
    char *copy = o->texts + o->texts_used;
    o->texts_used += size;
    return memcpy(copy, text, size);
}

static unsigned copy_options(struct object_look *o, const struct steve_driver *driver)
{
    unsigned count = 0;
    if (driver->options == NULL) {
        return 0;
    }
    while (count < OPTIONS_MOST && driver->options[count] != NULL) {
        o->options[count] = copy_text(o, driver->options[count]);
        count++;
    }
    o->driver.options = o->options;
    return count;
}

/// Snippets are texts, all but the list for the options.
static void copy_snippets(struct object_look *o, const struct steve_snippets *from, unsigned options)
{
    struct steve_snippets *to = &o->snippets;
    const size_t words = sizeof *from / sizeof(const char *);
    const char *texts[sizeof *from / sizeof(const char *)];
    memcpy(texts, from, sizeof texts);
    for (size_t i = 0; i < words; i++) {
        bool is_list = i == offsetof(struct steve_snippets, options) / sizeof(const char *);
        texts[i] = is_list ? NULL : copy_text(o, texts[i]);
    }
    memcpy(to, texts, sizeof texts);
    for (unsigned i = 0; from->options != NULL && i < options; i++) {
        o->option_snippets[i] = (struct steve_option_snippet){
            .code = copy_text(o, from->options[i].code),
            .setting = copy_text(o, from->options[i].setting),
            .before_op = copy_text(o, from->options[i].before_op),
        };
    }
    to->options = from->options != NULL ? o->option_snippets : NULL;
    o->driver.snippets = to;
}

static_assert(sizeof(struct steve_snippets) % sizeof(const char *) == 0, "snippets are pointers and nothing else");

static void copy_description(struct object_look *o, const struct steve_driver *driver)
{
    o->driver = *driver;
    o->driver.wire_id = 0; // numbers are those of the tree
    o->driver.summary = copy_text(o, driver->summary);
    unsigned options = copy_options(o, driver);
    if (driver->snippets != NULL) {
        copy_snippets(o, driver->snippets, options);
    }
    if (o->texts_are_too_long) {
        steve_look_say(&o->look, "its texts take more than 1 MiB");
    }
}

/// Loading

/// What constructors print to stdout goes to stderr: stdout is Steve's alone, also where it runs episodes itself.
static void *load(const char *path)
{
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    fflush(stdout);
    if (kept >= 0) {
        dup2(kept, STDOUT_FILENO);
        close(kept);
    }
    return object;
}

static void look(void *context)
{
    struct object_look *o = context;
    char line[512];
    atomic_store(&o->look.page.phase, STEVE_WORKER_LOAD);
    void *object = load(o->path);
    const struct steve_driver *driver = object != NULL ? dlsym(object, STEVE_EXPORTED_DRIVER) : NULL;
    if (object == NULL) {
        snprintf(line, sizeof line, "no shared object that can be loaded: %s", dlerror());
        steve_look_say(&o->look, line);
    } else if (driver == NULL) {
        steve_look_say(&o->look, "it exports no '" STEVE_EXPORTED_DRIVER "' (steve/driver.h says how)");
    } else if (steve_driver_contradictions(driver, steve_look_say, &o->look) == 0) {
        copy_description(o, driver);
    }
    atomic_store(&o->look.page.phase, STEVE_WORKER_DONE);
    _exit(0); // without the object's destructors
}

static bool enter(struct steve_external *external, const char **why)
{
    if (external->entered) {
        return true;
    }
    void *object = load(external->name);
    const struct steve_driver *driver = object != NULL ? dlsym(object, STEVE_EXPORTED_DRIVER) : NULL;
    if (driver == NULL || steve_driver_contradictions(driver, NULL, NULL) != 0) {
        *why = "the shared object is another one than when it was looked at";
        return false;
    }
    external->driver = *driver;
    external->driver.name = external->name;
    external->driver.wire_id = 0;
    return true;
}

static struct steve_external *make(const struct object_look *o)
{
    struct steve_external *external = steve_own_memory(sizeof *external);
    if (external != NULL) {
        snprintf(external->name, sizeof external->name, "%s", o->path);
        external->driver = o->driver;
        external->driver.name = external->name;
        external->enter = enter;
    }
    return external;
}

/// What can be said without loading anything. @return NULL if it may be a shared object
static const char *no_file(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return errno == ENOENT ? "no such file" : strerror(errno);
    }
    return S_ISREG(status.st_mode) ? NULL : "expected a shared object, and it is no file";
}

struct steve_external *steve_shared_object_look(const char *path, steve_say *say, void *context)
{
    const char *why = no_file(path);
    if (why != NULL) {
        say(context, why);
        return NULL;
    }
    struct object_look *o = steve_shared_map(sizeof *o);
    if (o == NULL) {
        say(context, "memory is short");
        return NULL;
    }
    o->path = path;
    struct steve_external *external = NULL;
    if (steve_look_in_child(&o->look, look, o, say, context)) {
        external = make(o);
    }
    if (external == NULL) {
        steve_shared_unmap(o, sizeof *o);
    }
    return external; // its texts stay where they are
}
