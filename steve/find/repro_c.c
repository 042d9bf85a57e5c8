/// Writing `repro.c` around its ops: what is said at the top, the constants, the allocator's calls as functions of fixed names, and
/// the heap.
#include "steve/find/repro_c.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/find/repro_c_internal.h"
#include "steve/sanitizers.h"

#define COMMENT_COLUMNS 110

/// Ops that are shown as text at the top; all of them follow as calls.
#define OPS_AT_TOP 40u

/// With more ops, not everything is looked at after every one of them.
#define OPS_ALL_CHECKED 2000u
#define CHECK_SELDOM    64

#define MEMORY_DEFAULT UINT64_C(2147483648)

/// Sanitizers are part of what shows some findings.
#ifdef STEVE_ADDRESS_SANITIZER
#define FLAGS " -fsanitize=address,undefined"
#else
#define FLAGS ""
#endif

struct writer {
    FILE *out;
    const struct steve_repro_c *repro;
    const struct steve_driver *driver;
    const struct steve_snippets *snippets;
    bool locks, compacts, drains, misuses, has_foreign; ///< what the ops ask for
};

const char *steve_repro_c_obstacle(const struct steve_repro_c *repro)
{
    const struct steve_snippets *snippets = repro->driver->snippets;
    if (snippets == NULL) {
        return "its driver supplies no call snippets";
    }
    if (repro->sequence->header.against[0] != '\0') {
        return "it takes two drivers, and a program has but one";
    }
    if (repro->sequence->header.threads > 1) {
        return "it takes threads, and a program has but one";
    }
    assert(snippets->handle_type != NULL && snippets->no_handle != NULL && snippets->malloc != NULL &&
           snippets->free != NULL && snippets->address != NULL && snippets->compile != NULL);
    if (repro->sequence->count > STEVE_REPRO_C_OPS_MOST) {
        return "the sequence is too long for a program to be read or compiled";
    }
    return NULL;
}

static bool is_name(char c)
{
    return c >= 'a' && c <= 'z';
}

void steve_repro_expand(FILE *out, const char *snippet, const struct steve_repro_value *values)
{
    for (const char *at = snippet; *at != '\0'; at++) {
        if (*at != '$') {
            fputc(*at, out);
            continue;
        }
        size_t length = 0;
        while (is_name(at[1 + length])) {
            length++;
        }
        const struct steve_repro_value *value = values;
        while (value->name != NULL && (strlen(value->name) != length || strncmp(value->name, at + 1, length) != 0)) {
            value++;
        }
        if (value->name == NULL) {
            fputc('$', out);
            continue;
        }
        fputs(value->text, out);
        at += length;
    }
}

/// The top

/// Writes a sentence as comment lines, broken between words.
static void print_comment(FILE *out, const char *text)
{
    size_t column = 0;
    for (const char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " \n");
        if (column == 0 || column + 1 + length > COMMENT_COLUMNS) {
            fputs(column == 0 ? "//    " : "\n//    ", out);
            column = 6;
        }
        fprintf(out, " %.*s", (int)length, word);
        column += 1 + length;
        word += length;
        word += strspn(word, " \n");
    }
    fputs(".\n", out); // never a backslash at the end of the line
}

/// What this program can show of findings that are not one wrong answer of one call.
static const char *limits_of(enum steve_oracle oracle)
{
    switch (oracle) {
    case STEVE_ORACLE_CRASH:
        return "The ops are just carried out. Compile with -fsanitize=address,undefined, too, if it does not crash.";
    case STEVE_ORACLE_HANG:
        return "An op that has not ended after 10 s of wall time counts as a hang; Steve went by CPU time.";
    case STEVE_ORACLE_MEMORY:
        return "The most resident memory that this process has had is compared with the limit, ten times a second.";
    case STEVE_ORACLE_METAMORPHIC:
        return "The ops are carried out twice, in regions that are congruent modulo 64 KiB: blocks must lie at the "
               "same offsets.";
    default:
        return NULL;
    }
}

static void expand_command(FILE *out, const struct steve_repro_c *repro, const char *command)
{
    const struct steve_repro_value values[] = {{"file", repro->file}, {"flags", FLAGS}, {NULL, NULL}};
    steve_repro_expand(out, command, values);
}

void steve_repro_c_print_command(FILE *out, const struct steve_repro_c *repro)
{
    expand_command(out, repro, repro->driver->snippets->compile);
}

static void print_command(const struct writer *w, const char *where, const char *command)
{
    fprintf(w->out, "//\n// %s:\n//\n//     ", where);
    expand_command(w->out, w->repro, command);
    fputc('\n', w->out);
}

static void print_ops_as_text(const struct writer *w)
{
    size_t count = steve_repro_ops(w->repro);
    size_t shown = count < OPS_AT_TOP ? count : OPS_AT_TOP;
    fprintf(w->out, "//\n// %s%zu ops:\n//\n", shown < count ? "The last of " : "", count);
    for (size_t i = count - shown; i < count; i++) {
        char text[128];
        steve_text_op(w->repro->sequence->ops[i], text, sizeof text);
        fprintf(w->out, "//     %s\n", text);
    }
}

static void print_top(const struct writer *w)
{
    const struct steve_finding *finding = w->repro->finding;
    fprintf(w->out,
            "// Shows a bug of the allocator '%s' without Steve, which found it: the oracle '%s' is broken.\n//\n",
            w->driver->name, steve_oracle_name(finding->oracle));
    print_comment(w->out, finding->what);
    char where[160];
    snprintf(where, sizeof where, "Compile and run it %s", w->snippets->compile_where);
    print_command(w, where, w->snippets->compile);
    if (w->snippets->compile_installed != NULL) {
        print_command(w, "With an installed library", w->snippets->compile_installed);
    }
    fputs("//\n// It exits with 1 and says what is wrong where the bug is present, and exits with 0 where it is not.\n",
          w->out);
    const char *limits = limits_of(finding->oracle);
    if (limits != NULL) {
        fprintf(w->out, "// %s\n", limits);
    }
    print_ops_as_text(w);
}

static void print_includes(const struct writer *w)
{
    static const char *const headers[] = {"signal.h",   "stdarg.h",       "stdbool.h",  "stddef.h",
                                          "stdint.h",   "stdio.h",        "stdlib.h",   "string.h",
                                          "sys/mman.h", "sys/resource.h", "sys/time.h", "unistd.h"};
    fputs("\n#define _GNU_SOURCE\n", w->out);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        fprintf(w->out, "#include <%s>\n", headers[i]);
    }
    if (w->snippets->includes != NULL) {
        fprintf(w->out, "\n%s", w->snippets->includes);
    }
}

/// Constants

static uint64_t heap_bytes(const struct writer *w)
{
    uint64_t bytes = w->repro->sequence->header.heap_bytes;
    return bytes < w->driver->heap_min ? w->driver->heap_min : bytes;
}

static unsigned slot_count(const struct writer *w)
{
    unsigned most = 0;
    for (size_t i = 0; i < steve_repro_ops(w->repro); i++) {
        struct steve_op op = w->repro->sequence->ops[i];
        bool of_slot =
            steve_op_uses_size(op.code) && op.size_class >= STEVE_SIZE_OF_SLOT && op.size_class < STEVE_SIZE_MAX;
        most = steve_op_uses_slot(op.code) && op.slot > most ? op.slot : most;
        most = of_slot && op.arg > most ? op.arg : most;
    }
    return most + 1;
}

static bool promises(const struct writer *w, enum steve_promise promise)
{
    return (w->driver->promises & (uint32_t)promise) != 0;
}

static bool has_arena(const struct writer *w)
{
    const struct steve_snippets *s = w->snippets;
    return s->arena != NULL && s->extent != NULL && s->run_needed != NULL && promises(w, STEVE_PROMISE_REGION);
}

/// As the executor does (steve_effort.idempotent_every).
static int twice_every(enum steve_check_level level)
{
    return level == STEVE_CHECK_LIGHT ? 16 : level == STEVE_CHECK_NORMAL ? 4 : 1;
}

static void define(const struct writer *w, const char *name, uint64_t value, const char *suffix)
{
    fprintf(w->out, "#define %-14s %" PRIu64 "%s\n", name, value, suffix);
}

static void print_constants(const struct writer *w)
{
    const struct steve_repro_c *repro = w->repro;
    size_t count = steve_repro_ops(repro);
    uint64_t memory = repro->memory_bytes == 0 ? MEMORY_DEFAULT : repro->memory_bytes;
    memory -= memory / 8; // Steve's own bookkeeping took some of it, and the shrunk sequence may go beyond by a hair
    size_t unit = w->driver->region_alignment == 0 ? 1 : w->driver->region_alignment;
    fputs("\n// The heap: so many bytes, so many past a multiple of 64 KiB.\n", w->out);
    fprintf(w->out, "#define HEAP_BYTES     ((size_t)%" PRIu64 "u)\n", heap_bytes(w));
    define(w, "BASE_OFFSET", repro->sequence->header.base_offset * unit % 65536, "");
    fputs("\n// What the allocator promises.\n", w->out);
    define(w, "ALIGNMENT", w->driver->alignment, "u");
    define(w, "ALIGNS_BY_SIZE", promises(w, STEVE_PROMISE_ALIGNS_BY_SIZE), "");
    define(w, "REFUSES_ZERO", w->driver->zero_size == STEVE_ZERO_REFUSED, "");
    define(w, "FREES_ON_REFUSED_RESIZE", w->driver->failed_resize == STEVE_FAILED_RESIZE_FREES, "");
    define(w, "IN_REGION", promises(w, STEVE_PROMISE_REGION), "");
    define(w, "HANDLES", promises(w, STEVE_PROMISE_HANDLES), "");
    define(w, "LOCKS_NEST", promises(w, STEVE_PROMISE_LOCKS_NEST), "");
    define(w, "REFUSES_LOCKED", promises(w, STEVE_PROMISE_REFUSES_LOCKED), "");
    define(w, "RESIZES_LOCKED", promises(w, STEVE_PROMISE_RESIZE_IN_PLACE), "");
    define(w, "COMPACTS_FULLY", promises(w, STEVE_PROMISE_COMPACTS_FULLY), "");
    define(w, "BUDGET_STEP_NS", w->driver->budget_step_ns, "u");
    define(w, "HAS_EXTENTS", w->snippets->extent != NULL, "");
    define(w, "HAS_ARENA", has_arena(w), "");
    define(w, "EXACT_REFUSAL", has_arena(w) && promises(w, STEVE_PROMISE_EXACT_REFUSAL), "");
    fprintf(w->out, "#define HANDLE_BYTES   ((size_t)%s)\n", has_arena(w) ? w->snippets->handle_bytes : "0");
    define(w, "HAS_CLOCK", w->snippets->now != NULL, "");
    fputs("\n// This program.\n", w->out);
    define(w, "SLOTS", slot_count(w), "u");
    define(w, "HANDLES_MOST", count + 2, "u");
    define(w, "CHECK_EVERY", count > OPS_ALL_CHECKED ? CHECK_SELDOM : 1, "");
    define(w, "TWICE_EVERY", (uint64_t)twice_every(repro->level), "u");
    fprintf(w->out, "#define MEMORY_LIMIT   UINT64_C(%" PRIu64 ")\n", memory);
    fputs("#define GUARD_BYTE     0xa5\n", w->out);
}

/// The allocator's calls under fixed names

static void print_function(const struct writer *w, const char *head, const char *body)
{
    fprintf(w->out, "\nstatic inline %s\n{\n%s}\n", head, body);
}

/// A function that is one expression; without a snippet it is `fallback`, statements.
static void print_wrapper(const struct writer *w, const char *head, const char *snippet, const char *fallback)
{
    if (snippet == NULL) {
        print_function(w, head, fallback);
        return;
    }
    const struct steve_repro_value values[] = {
        {"heap", "heap"},   {"handle", "h"},        {"bytes", "bytes"}, {"alignment", "alignment"},
        {"begin", "begin"}, {"purgeable", "false"}, {NULL, NULL}};
    fprintf(w->out, "\nstatic inline %s\n{\n    return ", head);
    steve_repro_expand(w->out, snippet, values);
    fputs(";\n}\n", w->out);
}

/// A function that is made of statements.
static void print_body(const struct writer *w, const char *head, const char *before, const char *snippet,
                       const char *after)
{
    const struct steve_repro_value values[] = {{"heap", "heap"}, {"ns", "budget_ns"}, {NULL, NULL}};
    fprintf(w->out, "\nstatic inline %s\n{\n%s", head, before);
    if (snippet != NULL) {
        steve_repro_expand(w->out, snippet, values);
    }
    fprintf(w->out, "%s}\n", after);
}

static void print_handles(const struct writer *w)
{
    const struct steve_snippets *s = w->snippets;
    fprintf(w->out, "\ntypedef %s handle;\n#define NO_HANDLE ((handle)%s)\n", s->handle_type, s->no_handle);
    if (s->heap_type != NULL) {
        const char *space = s->heap_type[strlen(s->heap_type) - 1] == '*' ? "" : " ";
        fprintf(w->out, "static %s%sheap;\n", s->heap_type, space);
        if (w->has_foreign) {
            fprintf(w->out, "static %s%sforeign_heap; // to take handles from that are wrong in `heap`\n", s->heap_type,
                    space);
        }
    }
}

/// Options whose bit is set: one piece of text of each, by `offset` into struct steve_option_snippet.
static void print_options(const struct writer *w, size_t offset)
{
    const struct steve_snippets *s = w->snippets;
    for (unsigned i = 0; s->options != NULL && w->driver->options != NULL && w->driver->options[i] != NULL && i < 8;
         i++) {
        const char *const *text = (const char *const *)(const void *)((const char *)&s->options[i] + offset);
        if ((w->repro->sequence->header.options >> i & 1u) != 0 && *text != NULL) {
            fprintf(w->out, "%s%s", offset == offsetof(struct steve_option_snippet, code) ? "\n" : "", *text);
        }
    }
}

static void print_code(const struct writer *w)
{
    if (w->snippets->code != NULL) {
        fprintf(w->out, "\n%s", w->snippets->code);
    }
    print_options(w, offsetof(struct steve_option_snippet, code));
}

static void print_wrappers(const struct writer *w)
{
    const struct steve_snippets *s = w->snippets;
    fputs("\n// The allocator's calls, as the checks make them.\n", w->out);
    print_wrapper(w, "void *address_of(handle h)", s->address, "");
    print_wrapper(w, "void *lock_block(handle h)", s->lock != NULL ? s->lock : s->address, "");
    print_wrapper(w, "bool unlock_block(handle h)", s->unlock, "    (void)h;\n    return true;\n");
    print_wrapper(w, "bool was_purged(void)", s->was_purged, "    return false;\n");
    print_wrapper(w, "bool keep_block(handle h)", s->set_purgeable, "    (void)h;\n    return true;\n");
    print_wrapper(w, "uint64_t moves(void)", s->moves, "    return 0;\n");
    print_wrapper(w, "size_t extent_of(handle h, void **begin)", s->extent,
                  "    (void)h;\n    (void)begin;\n    return 0;\n");
    print_body(w, "void arena(uintptr_t *arena_begin, uintptr_t *arena_end, size_t *spare)",
               "    uintptr_t begin = 0, end = 0;\n    size_t spare_handles = SIZE_MAX;\n", s->arena,
               "    *arena_begin = begin;\n    *arena_end = end;\n    *spare = spare_handles;\n");
    print_body(w, "void statistics(size_t *blocks, size_t *bytes, size_t *bytes_free)",
               "    size_t live_blocks = SIZE_MAX, live_bytes = SIZE_MAX, free_bytes = SIZE_MAX;\n", s->statistics,
               "    *blocks = live_blocks;\n    *bytes = live_bytes;\n    *bytes_free = free_bytes;\n");
    print_wrapper(w, "size_t run_needed(size_t alignment, size_t bytes)", s->run_needed,
                  "    (void)alignment;\n    return bytes;\n");
    print_body(w, "const char *own_check(void)", "", s->check, s->check != NULL ? "" : "    return NULL;\n");
    if (w->drains || w->compacts) {
        print_wrapper(w, "bool compact_fully(void)", s->compact, "    return true;\n");
    }
    if (w->drains) {
        print_wrapper(w, "handle malloc_block(size_t bytes)", s->malloc, "");
        print_wrapper(w, "bool free_block(handle h)", s->free, "");
    }
    if (w->compacts) {
        print_wrapper(w, "uint64_t now(void)", s->now, "    return 0;\n");
        print_body(w, "void compact_within(uint64_t budget_ns)", "", s->compact_within,
                   s->compact_within != NULL ? "" : "    (void)budget_ns;\n");
        print_body(w, "bool compact_for(size_t wanted)", "", s->compact_for,
                   s->compact_for != NULL ? "" : "    (void)wanted;\n    return false;\n");
    }
}

static void print_before_op(const struct writer *w)
{
    fputs("\nstatic void before_op(void)\n{\n", w->out);
    print_options(w, offsetof(struct steve_option_snippet, before_op));
    fputs("}\n", w->out);
}

/// In a program for the metamorphic oracle the offsets of the first pass are kept for the second.
static void print_note_offset(const struct writer *w)
{
    if (w->repro->finding->oracle != STEVE_ORACLE_METAMORPHIC) {
        print_function(w, "void note_offset(const void *address)", "    (void)address;\n");
        return;
    }
    print_function(
        w, "void note_offset(const void *address)",
        "    static ptrdiff_t offsets[2 * HANDLES_MOST];\n"
        "    ptrdiff_t offset = (const unsigned char *)address - region;\n"
        "    if (pass == 1 && offsets[noted] != offset) {\n"
        "        wrong(\"metamorphic\", \"a block lies at offset %td, and lay at %td at the other base\", offset,\n"
        "              offsets[noted]);\n"
        "    }\n"
        "    offsets[noted++] = offset;\n");
}

/// The heap

static void print_options_of(const struct writer *w, const char *heap, const char *salt, bool with_options)
{
    // The settings stand in the middle of the body, so it is written in two halves.
    const char *open = w->snippets->open;
    const struct steve_repro_value values[] = {{"heap", heap}, {"salt", salt}, {NULL, NULL}};
    const char *options = strstr(open, "$options");
    if (options == NULL) {
        steve_repro_expand(w->out, open, values);
        return;
    }
    char half[4096];
    snprintf(half, sizeof half, "%.*s", (int)(options - open), open);
    steve_repro_expand(w->out, half, values);
    if (with_options) {
        print_options(w, offsetof(struct steve_option_snippet, setting));
    }
    steve_repro_expand(w->out, options + strlen("$options"), values);
}

static void print_open(const struct writer *w)
{
    if (w->snippets->open == NULL) {
        return;
    }
    fprintf(w->out, "\nstatic %s open_heap(void *region, size_t bytes)\n{\n", w->snippets->heap_type);
    print_options_of(w, "heap", "1", true);
    fputs("}\n", w->out);
    if (w->has_foreign) {
        fprintf(w->out, "\nstatic %s open_foreign_heap(void *region, size_t bytes)\n{\n", w->snippets->heap_type);
        print_options_of(w, "foreign_heap", "2", false);
        fputs("}\n", w->out);
    }
}

/// The second heap, with blocks whose generations differ.
static void print_foreign(const struct writer *w)
{
    const struct steve_snippets *s = w->snippets;
    const struct steve_repro_value values[] = {
        {"heap", "foreign_heap"}, {"bytes", "64"}, {"handle", "foreign[i]"}, {NULL, NULL}};
    fputs("\nstatic handle foreign[8];\n\nstatic void make_foreign(void)\n{\n", w->out);
    if (promises(w, STEVE_PROMISE_REGION)) {
        fputs("    unsigned char *begin, *end;\n"
              "    foreign_heap = open_foreign_heap(map_region(65536, 0, 0, &begin, &end), 65536);\n",
              w->out);
    } else {
        fputs("    foreign_heap = open_foreign_heap(NULL, 65536);\n", w->out);
    }
    fputs("    for (unsigned i = 0; foreign_heap != NULL && i < 8; i++) {\n        foreign[i] = ", w->out);
    steve_repro_expand(w->out, s->malloc, values);
    fputs(";\n        for (unsigned again = 0; again < i % 4 && foreign[i] != NO_HANDLE; again++) {\n            ",
          w->out);
    steve_repro_expand(w->out, s->free, values);
    fputs(";\n            foreign[i] = ", w->out);
    steve_repro_expand(w->out, s->malloc, values);
    fputs(";\n        }\n    }\n}\n", w->out);
}

static void print_make_region(const struct writer *w)
{
    if (!promises(w, STEVE_PROMISE_REGION)) {
        fputs("    (void)pass; // blocks lie where they like\n    (void)day_one_run;\n", w->out);
        return;
    }
    fputs("    // The same address as in Steve where it can be had.\n"
          "    region = map_region(HEAP_BYTES, BASE_OFFSET, (uintptr_t)(UINT64_C(0x200000000000) + pass * "
          "UINT64_C(0x10000010000)),\n"
          "                        &guard_begin, &guard_end);\n"
          "    memset(guard_begin, GUARD_BYTE, (size_t)(region - guard_begin));\n"
          "    memset(region + HEAP_BYTES, GUARD_BYTE, (size_t)(guard_end - region) - HEAP_BYTES);\n",
          w->out);
    if (!w->repro->sequence->header.dirty) {
        return;
    }
    if (heap_bytes(w) <= 2 * 65536) {
        fputs("    memset(region, 0xd7, HEAP_BYTES); // dirty memory\n", w->out);
    } else {
        fputs("    memset(region, 0xd7, 65536); // dirty memory, at both ends\n"
              "    memset(region + HEAP_BYTES - 65536, 0xd7, 65536);\n",
              w->out);
    }
}

static void print_set_up(const struct writer *w)
{
    fputs("\nstatic void set_up(void)\n{\n", w->out);
    fputs("    memset(blocks, 0, sizeof blocks);\n"
          "    used_count = order_count = given_count = compactions = last_twice = noted = 0;\n"
          "    writes = 0;\n",
          w->out);
    print_make_region(w);
    if (w->snippets->open != NULL) {
        fputs("    heap = NULL; // while it is being made\n"
              "    heap = open_heap(region, HEAP_BYTES);\n"
              "    if (heap == NULL) {\n"
              "        puts(\"The allocator opens no heap of this size.\");\n"
              "        is_over = true;\n"
              "        exit(3);\n"
              "    }\n",
              w->out);
    }
    fputs("    last_moves = moves();\n", w->out);
    if (has_arena(w)) {
        fprintf(w->out, "    uintptr_t begin = 0, end = 0;\n"
                        "    size_t spare;\n"
                        "    arena(&begin, &end, &spare);\n"
                        "    day_one_run = end - begin < HANDLE_BYTES ? 0 : (size_t)(end - begin) - HANDLE_BYTES;\n");
    }
    fputs(w->has_foreign ? "    make_foreign();\n}\n" : "}\n", w->out);
}

static void print_main(const struct writer *w)
{
    bool twice = w->repro->finding->oracle == STEVE_ORACLE_METAMORPHIC;
    fprintf(w->out,
            "\nint main(void)\n{\n    setvbuf(stdout, NULL, _IOLBF, 0);\n    watch();\n    set_up();\n    run();\n%s"
            "    on_tick(0);\n"
            "    is_over = true;\n    puts(\"All held: the bug is not here.\");\n    return 0;\n}\n",
            twice ? "    pass = 1;\n    set_up();\n    run();\n" : "");
}

/// The whole

static void look_at_ops(struct writer *w)
{
    for (size_t i = 0; i < steve_repro_ops(w->repro); i++) {
        uint8_t code = w->repro->sequence->ops[i].code;
        enum steve_op_kind kind = steve_op_kind(code);
        w->locks |= kind == STEVE_KIND_LOCK || kind == STEVE_KIND_UNLOCK || kind == STEVE_KIND_WEAK_LOCK ||
                    kind == STEVE_KIND_PURGEABLE || kind == STEVE_KIND_KEEP;
        w->compacts |=
            kind == STEVE_KIND_COMPACT || kind == STEVE_KIND_COMPACT_BUDGET || kind == STEVE_KIND_COMPACT_GOAL;
        w->drains |= kind == STEVE_KIND_DRAIN;
        w->misuses |= kind == STEVE_KIND_MISUSE;
        w->has_foreign |= code >= STEVE_OP_FREE_FOREIGN && code < STEVE_OP_FREE_FORGED;
    }
    w->drains |= w->repro->finding->op >= w->repro->sequence->count;
    const struct steve_snippets *s = w->snippets;
    w->locks = w->locks && s->lock != NULL;
    w->compacts = w->compacts && s->compact != NULL;
    w->misuses = w->misuses && promises(w, STEVE_PROMISE_REFUSES_MISUSE);
    w->has_foreign = w->has_foreign && w->misuses && s->open != NULL;
}

static void print_part(const struct writer *w, bool needed, const char *text)
{
    if (needed) {
        fputs(text, w->out);
    }
}

bool steve_repro_c_print(FILE *out, const struct steve_repro_c *repro)
{
    assert(steve_repro_c_obstacle(repro) == NULL);

    struct writer w = {.out = out, .repro = repro, .driver = repro->driver, .snippets = repro->driver->snippets};
    look_at_ops(&w);
    print_top(&w);
    print_includes(&w);
    print_constants(&w);
    print_handles(&w);
    print_part(&w, true, steve_repro_state);
    print_code(&w);
    print_part(&w, promises(&w, STEVE_PROMISE_REGION), steve_repro_region);
    print_wrappers(&w);
    print_before_op(&w);
    print_note_offset(&w);
    print_part(&w, true, steve_repro_place);
    print_part(&w, true, steve_repro_look);
    print_part(&w, true, steve_repro_blocks);
    print_part(&w, true, steve_repro_change);
    print_part(&w, w.locks, steve_repro_locks);
    print_part(&w, w.compacts, steve_repro_compact);
    print_part(&w, w.drains, steve_repro_drain);
    print_part(&w, w.misuses, steve_repro_misuse);
    print_part(&w, true, steve_repro_watch);
    print_open(&w);
    if (w.has_foreign) {
        print_foreign(&w);
    }
    print_set_up(&w);
    steve_repro_print_ops(out, repro);
    print_main(&w);
    return !ferror(out);
}
