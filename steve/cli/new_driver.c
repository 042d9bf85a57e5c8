/// steve new-driver: writes a driver to begin with. It works as it is, so that what is wrong after a change is the change.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steve/cli/cli.h"

#define NAME_LONGEST 64u

/// $ stands for the name.
static const char skeleton[] =
    "/// The driver that shows the allocator \"$\" to Steve. <steve/driver.h> says what each field means and what else "
    "there is.\n"
    "///\n"
    "/// As it stands it drives a small allocator of its own, at the top, so that it compiles and passes. Replace that "
    "by yours:\n"
    "///\n"
    "///     cc -shared -fPIC -o $.so $_driver.c          # add your sources, and -I where steve/driver.h is\n"
    "///     steve run --driver ./$.so\n"
    "#include <steve/driver.h>\n"
    "\n"
    "// ---- The stand-in: takes memory from the bottom of the region and never gives it back. Put `#include \"$.h\"` "
    "here.\n"
    "\n"
    "struct stand_in {\n"
    "    size_t used, bytes;\n"
    "};\n"
    "\n"
    "static void *stand_in_malloc(struct stand_in *heap, size_t bytes)\n"
    "{\n"
    "    size_t needed = bytes == 0 ? 16 : (bytes + 15) / 16 * 16;\n"
    "    if (bytes > heap->bytes || needed > heap->bytes - heap->used) {\n"
    "        return 0;\n"
    "    }\n"
    "    heap->used += needed;\n"
    "    return (char *)heap + heap->used - needed;\n"
    "}\n"
    "\n"
    "// ---- The driver. A `heap` is whatever open_heap() returns; a `ref` is a pointer or a handle as a number, 0 for "
    "none.\n"
    "\n"
    "/// Makes a heap in geometry->region. If your allocator has memory of its own, take STEVE_PROMISE_REGION out "
    "below: there is no\n"
    "/// region then. Heaps are opened and closed many times in one process, so nothing may stay behind from the last "
    "one.\n"
    "static void *open_heap(const struct steve_geometry *geometry, const char **why)\n"
    "{\n"
    "    struct stand_in *heap = (struct stand_in *)geometry->region;\n"
    "    *why = \"the region is too small\"; // said if this returns NULL\n"
    "    if (geometry->bytes < 64) {\n"
    "        return 0;\n"
    "    }\n"
    "    heap->used = 32;\n"
    "    heap->bytes = geometry->bytes;\n"
    "    return heap;\n"
    "}\n"
    "\n"
    "/// Forgets the heap, whatever is live in it.\n"
    "static void close_heap(void *heap)\n"
    "{\n"
    "    (void)heap;\n"
    "}\n"
    "\n"
    "/// 0 means refused.\n"
    "static steve_ref call_malloc(void *heap, size_t bytes)\n"
    "{\n"
    "    return (steve_ref)(uintptr_t)stand_in_malloc((struct stand_in *)heap, bytes);\n"
    "}\n"
    "\n"
    "/// false means refused; where freeing cannot fail, true.\n"
    "static bool call_free(void *heap, steve_ref ref)\n"
    "{\n"
    "    (void)heap;\n"
    "    (void)ref;\n"
    "    return true;\n"
    "}\n"
    "\n"
    "/// What is left out is not asked for: an allocator without realloc has no .resize here, and none is generated.\n"
    "const struct steve_driver steve_exported_driver = {\n"
    "    .version = STEVE_DRIVER_VERSION,\n"
    "    .name = \"$\",\n"
    "    .summary = \"what it is, in a line\",\n"
    "\n"
    "    // What it promises beyond having a function: each promise is one more thing that Steve holds it to.\n"
    "    .promises = STEVE_PROMISE_REGION,\n"
    "    .alignment = 16,        // of every block\n"
    "    .region_alignment = 16, // of the region that it wants\n"
    "    .heap_min = 64,         // the least region that open_heap() takes\n"
    "    .zero_size = STEVE_ZERO_EITHER,                // what a request for 0 bytes gives\n"
    "    .failed_resize = STEVE_FAILED_RESIZE_KEEPS,    // what a refused resize does to the block\n"
    "\n"
    "    .open = open_heap,\n"
    "    .close = close_heap,\n"
    "    .malloc = call_malloc,\n"
    "    .free = call_free,\n"
    "\n"
    "    // .calloc = call_calloc,     steve_ref (void *heap, size_t count, size_t size)        its memory must be "
    "zero\n"
    "    // .aligned = call_aligned,   steve_ref (void *heap, size_t alignment, size_t bytes)   and .largest_aligned\n"
    "    // .resize = call_resize,     steve_ref (void *heap, steve_ref ref, size_t bytes)\n"
    "    // .usable = call_usable,     size_t (void *heap, steve_ref ref)\n"
    "    // .stats = call_stats,       void (void *heap, struct steve_stats *stats)\n"
    "    // .check = call_check,       const char *(void *heap): NULL, or what is damaged\n"
    "    // Handles: .lock and .unlock give and take back the address. A compactor: .compact, .moves, "
    "STEVE_PROMISE_MOVES.\n"
    "    // Several threads at once: STEVE_PROMISE_THREADS, and then `steve run --threads 4`.\n"
    "};\n";

/// Must do in a file's name and as the driver's.
static bool is_name(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= NAME_LONGEST &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool write_skeleton(FILE *out, const char *name)
{
    for (const char *at = skeleton; *at != '\0'; at++) {
        if (*at == '$') {
            fputs(name, out);
        } else {
            fputc(*at, out);
        }
    }
    return fclose(out) == 0;
}

/// Where steve/driver.h is installed beside this program. @return false if it is not
static bool find_include(char *path, size_t size)
{
    char program[PATH_MAX];
    char header[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    for (int up = 0; up < 2 && length > 0; up++) { // the file, and bin/
        while (length > 0 && program[--length] != '/') {
        }
    }
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    snprintf(path, size, "%s/include", program);
    snprintf(header, sizeof header, "%s/include/steve/driver.h", program);
    return access(header, R_OK) == 0;
}

int steve_cli_new_driver(const struct steve_options *options)
{
    const char *name = options->files[0];
    char path[NAME_LONGEST + 16];
    if (!is_name(name)) {
        return steve_complain(options->command,
                              "'%s': expected a name of small letters, digits and '-', of at most %u characters", name,
                              NAME_LONGEST);
    }
    snprintf(path, sizeof path, "%s_driver.c", name);
    FILE *out = fopen(path, "wxe");
    if (out == NULL && errno == EEXIST) {
        return steve_complain(options->command, "%s is there already, and is left alone", path);
    }
    if (out == NULL || !write_skeleton(out, name)) {
        steve_complain(options->command, "%s: %s", path, strerror(errno));
        if (out != NULL) {
            remove(path); // a part of it would be left alone the next time
        }
        return STEVE_EXIT_ENVIRONMENT;
    }
    char include[PATH_MAX + 16];
    bool installed = find_include(include, sizeof include);
    printf("%s is written. It compiles and passes as it is; put your allocator in the place of the stand-in. To run "
           "it:\n\n"
           "    cc -shared -fPIC -I %s -o %s.so %s\n"
           "    %s run --driver ./%s.so\n",
           path, installed ? include : "FOLDER-OF-STEVE", name, path, options->program, name);
    return STEVE_EXIT_PASS;
}
