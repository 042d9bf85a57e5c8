/// The ops of a `repro.c`, each as the call that it is and the name of what judges its result.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/find/repro_c_internal.h"

/// Ops in one function: compilers take more than linear time for long ones.
#define OPS_IN_FUNCTION 500u

#define RESIZED_TO "24" ///< what misuse resizes to

struct writer {
    FILE *out;
    const struct steve_repro_c *repro;
    const struct steve_snippets *snippets;
};

size_t steve_repro_ops(const struct steve_repro_c *repro)
{
    size_t count = repro->sequence->count;
    uint64_t op = repro->finding->op;
    return op < count ? (size_t)op + 1 : count;
}

static void expand(const struct writer *w, const char *snippet, const struct steve_repro_value *values)
{
    steve_repro_expand(w->out, snippet, values);
}

/// Sizes

static uint64_t shifted(uint64_t bytes, int delta)
{
    if (delta < 0) {
        uint64_t down = (uint64_t)-delta;
        return bytes > down ? bytes - down : 0;
    }
    return bytes > UINT64_MAX - (uint64_t)delta ? UINT64_MAX : bytes + (uint64_t)delta;
}

static uint64_t heap_bytes(const struct steve_repro_c *repro)
{
    uint64_t bytes = repro->sequence->header.heap_bytes;
    return bytes < repro->driver->heap_min ? repro->driver->heap_min : bytes;
}

/// The size of an op that does not depend on another block's.
static uint64_t known_size(const struct steve_repro_c *repro, struct steve_op op)
{
    if (op.size_class < STEVE_SIZE_POWER) {
        return ((uint64_t)op.arg << 16) + (uint16_t)op.delta;
    }
    if (op.size_class < STEVE_SIZE_HEAP) {
        return shifted(UINT64_C(1) << (op.size_class - STEVE_SIZE_POWER), op.delta);
    }
    if (op.size_class < STEVE_SIZE_OF_SLOT) {
        unsigned parts = op.size_class - (unsigned)STEVE_SIZE_HEAP;
        return shifted(heap_bytes(repro) / (parts == 0 ? 1 : parts), op.delta);
    }
    return UINT64_MAX - (uint16_t)op.delta;
}

static bool is_size_of_slot(struct steve_op op)
{
    return op.size_class >= STEVE_SIZE_OF_SLOT && op.size_class < STEVE_SIZE_MAX;
}

/// A size as C: a number, or an expression for "as large as that block", which only the run can know.
static void size_text(const struct steve_repro_c *repro, struct steve_op op, char text[64])
{
    if (is_size_of_slot(op)) {
        snprintf(text, 64, op.delta == 0 ? "blocks[%u].bytes" : "plus(blocks[%u].bytes, %d)", (unsigned)op.arg,
                 (int)op.delta);
        return;
    }
    uint64_t bytes = known_size(repro, op);
    snprintf(text, 64, "%" PRIu64 "%s", bytes, bytes > INT32_MAX ? "u" : "");
}

/// The factors that Steve splits a calloc into. A size beyond half of the address space is made to overflow to a small product.
static void calloc_factors(const struct steve_repro_c *repro, struct steve_op op, const char *bytes, char count[160],
                           char size[96])
{
    if (is_size_of_slot(op)) {
        snprintf(count, 160, "(%s / (%s %% 8 == 0 ? 8 : 1))", bytes, bytes);
        snprintf(size, 96, "(%s %% 8 == 0 ? 8 : 1)", bytes);
        return;
    }
    uint64_t known = known_size(repro, op);
    if (known > UINT64_MAX / 2) {
        snprintf(count, 160, "SIZE_MAX / 2 + 1 + %u", (unsigned)(known % 64));
        snprintf(size, 96, "2");
        return;
    }
    unsigned factor = known % 8 == 0 ? 8 : 1;
    snprintf(count, 160, "%" PRIu64 "%s", known / factor, known / factor > INT32_MAX ? "u" : "");
    snprintf(size, 96, "%u", factor);
}

/// Calls

static void print_request(const struct writer *w, struct steve_op op)
{
    char bytes[64], count[160], size[96], alignment[16];
    const char *snippet = w->snippets->aligned;
    unsigned aligned_to = 0;
    size_text(w->repro, op, bytes);
    calloc_factors(w->repro, op, bytes, count, size);
    if (op.code == STEVE_OP_MALLOC) {
        snippet = w->snippets->malloc;
    } else if (op.code == STEVE_OP_CALLOC) {
        snippet = w->snippets->calloc;
    } else {
        aligned_to = 1u << (op.code - STEVE_OP_ALIGNED);
    }
    if (snippet == NULL || aligned_to > w->repro->driver->largest_aligned) {
        return;
    }
    snprintf(alignment, sizeof alignment, "%u", aligned_to);
    const struct steve_repro_value values[] = {{"heap", "heap"}, {"bytes", bytes},         {"count", count},
                                               {"size", size},   {"alignment", alignment}, {NULL, NULL}};
    fprintf(w->out, "    if (!blocks[%u].live) {\n", (unsigned)op.slot);
    if (op.code == STEVE_OP_CALLOC) {
        fprintf(w->out, "        made_zero(%u, %s, ", (unsigned)op.slot, bytes);
    } else {
        fprintf(w->out, "        made(%u, %s, %s, ", (unsigned)op.slot, bytes, alignment);
    }
    expand(w, snippet, values);
    fputs(");\n    }\n", w->out);
}

static void print_resize(const struct writer *w, struct steve_op op, const char *handle)
{
    char bytes[64];
    size_text(w->repro, op, bytes);
    if (w->snippets->resize == NULL) {
        return;
    }
    const struct steve_repro_value values[] = {{"heap", "heap"}, {"handle", handle}, {"bytes", bytes}, {NULL, NULL}};
    fprintf(w->out, "    if (can_resize(%u)) {\n        resized(%u, %s, ", (unsigned)op.slot, (unsigned)op.slot, bytes);
    expand(w, w->snippets->resize, values);
    fputs(");\n    }\n", w->out);
}

/// A call on one block whose result goes to `judge`, under a condition.
struct block_call {
    const char *condition;
    const char *judge; ///< with its arguments, up to the result
    const char *snippet;
};

static struct block_call block_call(const struct steve_snippets *s, uint8_t code)
{
    switch (code) {
    case STEVE_OP_FREE:
        return (struct block_call){"can_free($slot)", "freed($slot, ", s->free};
    case STEVE_OP_LOCK:
        return (struct block_call){"can_lock($slot)", "locked($slot, ", s->lock};
    case STEVE_OP_UNLOCK:
        return (struct block_call){"blocks[$slot].locks > 0", "unlocked($slot, ", s->unlock};
    case STEVE_OP_WEAK_LOCK:
        return (struct block_call){"blocks[$slot].live", "weakly_locked($slot, ", s->weak_lock};
    default:
        return (struct block_call){"has_memory($slot)", "marked($slot, $purgeable, ", s->set_purgeable};
    }
}

static void print_block_call(const struct writer *w, struct steve_op op, const char *handle)
{
    char slot[16];
    snprintf(slot, sizeof slot, "%u", (unsigned)op.slot);
    const struct block_call call = block_call(w->snippets, op.code);
    if (call.snippet == NULL) {
        return;
    }
    const struct steve_repro_value values[] = {{"heap", "heap"},
                                               {"slot", slot},
                                               {"handle", handle},
                                               {"purgeable", op.code == STEVE_OP_PURGEABLE ? "true" : "false"},
                                               {NULL, NULL}};
    fputs("    if (", w->out);
    expand(w, call.condition, values);
    fputs(") {\n        ", w->out);
    expand(w, call.judge, values);
    expand(w, call.snippet, values);
    fputs(");\n    }\n", w->out);
}

static void print_compact(const struct writer *w, struct steve_op op)
{
    char bytes[64];
    if (op.code == STEVE_OP_COMPACT && w->snippets->compact != NULL) {
        fputs("    compacted(", w->out);
        expand(w, w->snippets->compact, (const struct steve_repro_value[]){{"heap", "heap"}, {NULL, NULL}});
        fputs(");\n", w->out);
    } else if (op.code == STEVE_OP_COMPACT_BUDGET && w->snippets->compact_within != NULL) {
        uint64_t budget_us = ((uint64_t)op.arg << 16) + (uint16_t)op.delta;
        fprintf(w->out, "    compact_in_budget(%" PRIu64 ");\n", (budget_us == 0 ? 1 : budget_us) * 1000);
    } else if (op.code == STEVE_OP_COMPACT_GOAL && w->snippets->compact_for != NULL) {
        size_text(w->repro, op, bytes);
        fprintf(w->out, "    compact_to_goal(%s);\n", bytes);
    }
}

static const char *kind_of_wrong_handle(struct steve_op op)
{
    return op.code == STEVE_OP_UNLOCK_UNLOCKED ? "a live but unlocked block's"
           : op.code < STEVE_OP_FREE_FOREIGN   ? "a stale"
           : op.code < STEVE_OP_FREE_FORGED    ? "a foreign"
                                               : "a made-up";
}

/// Writes the handle that a misuse op calls with, as C.
static void print_wrong_handle(const struct writer *w, struct steve_op op)
{
    unsigned slot = op.slot;
    if (op.code == STEVE_OP_UNLOCK_UNLOCKED) {
        fprintf(w->out, "blocks[%u].handle", slot);
    } else if (op.code < STEVE_OP_FREE_FOREIGN) {
        fprintf(w->out, "blocks[%u].has_stale ? blocks[%u].stale : NO_HANDLE", slot, slot);
    } else if (op.code < STEVE_OP_FREE_FORGED) {
        fprintf(w->out, "foreign[%u]", slot % 8);
    } else {
        char any[32], bit[16];
        snprintf(any, sizeof any, "any_handle(%u)", slot);
        snprintf(bit, sizeof bit, "%u", op.arg % 64u);
        fprintf(w->out, "%s == NO_HANDLE ? NO_HANDLE : ", any);
        expand(w, w->snippets->forge, (const struct steve_repro_value[]){{"handle", any}, {"bit", bit}, {NULL, NULL}});
    }
}

static void print_misuse(const struct writer *w, struct steve_op op)
{
    static const char *const names[] = {"free", "lock", "unlock", "resize"};
    const struct steve_snippets *s = w->snippets;
    bool is_unlocked = op.code == STEVE_OP_UNLOCK_UNLOCKED;
    unsigned call = is_unlocked ? 2 : (op.code - (unsigned)STEVE_OP_FREE_STALE) % 4;
    const char *snippet = (const char *const[]){s->free, s->lock, s->unlock, s->resize}[call];
    if ((w->repro->driver->promises & STEVE_PROMISE_REFUSES_MISUSE) == 0 || snippet == NULL ||
        (op.code >= STEVE_OP_FREE_FORGED && !is_unlocked && s->forge == NULL)) {
        return;
    }
    const struct steve_repro_value values[] = {
        {"heap", "heap"}, {"handle", "wrong_handle"}, {"bytes", RESIZED_TO}, {NULL, NULL}};
    fputs("    {\n        const handle wrong_handle = ", w->out);
    print_wrong_handle(w, op);
    fputs(";\n", w->out);
    if (is_unlocked) {
        fprintf(w->out, "        if (blocks[%u].live && blocks[%u].locks == 0 && can_misuse(wrong_handle, true)) {\n",
                (unsigned)op.slot, (unsigned)op.slot);
    } else {
        bool is_foreign = op.code >= STEVE_OP_FREE_FOREIGN && op.code < STEVE_OP_FREE_FORGED;
        fprintf(w->out, "        if (can_misuse(wrong_handle, %s)) {\n", is_foreign ? "true" : "false");
    }
    fprintf(w->out, "            misused(\"%s with %s handle\", %s", names[call], kind_of_wrong_handle(op),
            call % 2 == 0 ? "!(" : "(");
    expand(w, snippet, values);
    fprintf(w->out, "%s);\n        }\n    }\n", call == 1 ? ") == NULL" : call == 3 ? ") == NO_HANDLE" : ")");
}

static void print_call(const struct writer *w, struct steve_op op)
{
    char handle[32];
    snprintf(handle, sizeof handle, "blocks[%u].handle", (unsigned)op.slot);
    switch (steve_op_kind(op.code)) {
    case STEVE_KIND_MALLOC:
    case STEVE_KIND_CALLOC:
    case STEVE_KIND_ALIGNED:
        print_request(w, op);
        return;
    case STEVE_KIND_RESIZE:
        print_resize(w, op, handle);
        return;
    case STEVE_KIND_WRITE:
        fprintf(w->out, "    write_block(%u);\n", (unsigned)op.slot);
        return;
    case STEVE_KIND_VERIFY:
        fprintf(w->out, "    verify(%u);\n", (unsigned)op.slot);
        return;
    case STEVE_KIND_COMPACT:
    case STEVE_KIND_COMPACT_BUDGET:
    case STEVE_KIND_COMPACT_GOAL:
        print_compact(w, op);
        return;
    case STEVE_KIND_DRAIN:
        fputs("    drain();\n", w->out);
        return;
    case STEVE_KIND_CHECK:
        fputs("    check();\n", w->out);
        return;
    case STEVE_KIND_MISUSE:
        print_misuse(w, op);
        return;
    default:
        print_block_call(w, op, handle);
    }
}

static void print_op(const struct writer *w, size_t index)
{
    struct steve_op op = steve_op_canonical(w->repro->sequence->ops[index]);
    char text[128];
    steve_text_op(op, text, sizeof text);
    fprintf(w->out, "    op(%zu, \"%s\");\n", index, text);
    if (op.code != STEVE_OP_NONE) {
        print_call(w, op);
    }
}

void steve_repro_print_ops(FILE *out, const struct steve_repro_c *repro)
{
    const struct writer w = {out, repro, repro->driver->snippets};
    size_t count = steve_repro_ops(repro);
    size_t functions = 0;
    for (size_t i = 0; count > OPS_IN_FUNCTION && i < count; i++) {
        if (i % OPS_IN_FUNCTION == 0) {
            fprintf(out, "%sstatic void ops_%zu(void)\n{\n", i == 0 ? "\n" : "}\n\n", functions++);
        }
        print_op(&w, i);
    }
    fprintf(out, "%s\nstatic void run(void)\n{\n", functions > 0 ? "}\n" : "");
    for (size_t i = 0; i < functions; i++) {
        fprintf(out, "    ops_%zu();\n", i);
    }
    for (size_t i = 0; functions == 0 && i < count; i++) {
        print_op(&w, i);
    }
    fprintf(out, "    check();\n");
    if (repro->finding->op >= repro->sequence->count) {
        fprintf(out, "    op(%zu, \"the end\");\n    drain();\n    check();\n", count);
    }
    fputs("}\n", out);
}
