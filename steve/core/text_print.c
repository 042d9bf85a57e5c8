/// The form for people, outwards: a sequence or an op as text. The grammar is in codec.h, reading it is text_parse.c's.
#include "steve/core/codec_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/// Forms that begin with the same words are neighbours: lists in messages rely on it.
const struct steve_text_form steve_text_forms[] = {
    {STEVE_OP_MALLOC, {"malloc"}},
    {STEVE_OP_CALLOC, {"calloc"}},
    {STEVE_OP_ALIGNED, {"aligned"}},
    {STEVE_OP_RESIZE, {"resize"}},
    {STEVE_OP_FREE, {"free"}},
    {STEVE_OP_LOCK, {"lock"}},
    {STEVE_OP_UNLOCK, {"unlock"}},
    {STEVE_OP_WEAK_LOCK, {"weak-lock"}},
    {STEVE_OP_PURGEABLE, {"purgeable"}},
    {STEVE_OP_KEEP, {"keep"}},
    {STEVE_OP_WRITE, {"write"}},
    {STEVE_OP_VERIFY, {"verify"}},
    {STEVE_OP_COMPACT, {"compact", "full"}},
    {STEVE_OP_COMPACT_GOAL, {"compact", "goal"}},
    {STEVE_OP_DRAIN, {"drain"}},
    {STEVE_OP_CHECK, {"check"}},
    {STEVE_OP_FREE_STALE, {"misuse", "free", "stale"}},
    {STEVE_OP_FREE_FOREIGN, {"misuse", "free", "foreign"}},
    {STEVE_OP_FREE_FORGED, {"misuse", "free", "forged"}},
    {STEVE_OP_LOCK_STALE, {"misuse", "lock", "stale"}},
    {STEVE_OP_LOCK_FOREIGN, {"misuse", "lock", "foreign"}},
    {STEVE_OP_LOCK_FORGED, {"misuse", "lock", "forged"}},
    {STEVE_OP_UNLOCK_STALE, {"misuse", "unlock", "stale"}},
    {STEVE_OP_UNLOCK_FOREIGN, {"misuse", "unlock", "foreign"}},
    {STEVE_OP_UNLOCK_FORGED, {"misuse", "unlock", "forged"}},
    {STEVE_OP_UNLOCK_UNLOCKED, {"misuse", "unlock", "unlocked"}},
    {STEVE_OP_RESIZE_STALE, {"misuse", "resize", "stale"}},
    {STEVE_OP_RESIZE_FOREIGN, {"misuse", "resize", "foreign"}},
    {STEVE_OP_RESIZE_FORGED, {"misuse", "resize", "forged"}},
};
const size_t steve_text_form_count = sizeof steve_text_forms / sizeof steve_text_forms[0];

/// Longer than any op in text: the longest is `aligned s65535 32768 size(s65535)-32768`.
#define OP_TEXT_MAX 64u

/// A buffer that text is added to; what does not fit is cut off.
struct line {
    char text[OP_TEXT_MAX];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t room = sizeof line->text - line->length;
    const int wanted = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);

    if (wanted > 0)
        line->length += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static uint32_t absolute_size(struct steve_op op)
{
    return (uint32_t)op.arg << 16 | (uint16_t)op.delta;
}

static void add_size(struct line *line, struct steve_op op)
{
    if (op.size_class < STEVE_SIZE_POWER) {
        add(line, " %lu", (unsigned long)absolute_size(op));
        return;
    }
    if (op.size_class >= STEVE_SIZE_MAX) {
        add(line, op.delta == 0 ? " max" : " max-%u", (unsigned)(uint16_t)op.delta);
        return;
    }

    if (op.size_class < STEVE_SIZE_HEAP)
        add(line, " 2^%u", (unsigned)op.size_class - STEVE_SIZE_POWER);
    else if (op.size_class < STEVE_SIZE_OF_SLOT)
        add(line, " heap/%u", (unsigned)op.size_class - STEVE_SIZE_HEAP);
    else
        add(line, " size(s%u)", (unsigned)op.arg);
    if (op.delta != 0)
        add(line, "%+d", (int)op.delta);
}

/// STEVE_OP_ALIGNED stands for its whole range.
static uint8_t form_code(uint8_t code)
{
    return code >= STEVE_OP_ALIGNED && code <= STEVE_OP_ALIGNED_LAST ? STEVE_OP_ALIGNED : code;
}

static void add_words(struct line *line, uint8_t code)
{
    for (size_t i = 0; i < steve_text_form_count; i++) {
        const struct steve_text_form *form = &steve_text_forms[i];
        if (form->code != form_code(code))
            continue;
        for (size_t word = 0; word < STEVE_FORM_WORDS && form->words[word] != NULL; word++)
            add(line, word == 0 ? "%s" : " %s", form->words[word]);
        return;
    }
}

int steve_text_op(struct steve_op op, char *out, size_t size)
{
    struct line line = {.length = 0};

    op = steve_op_canonical(op);
    if (op.code == STEVE_OP_NONE) {
        add(&line, "# no op");
    } else if (op.code == STEVE_OP_COMPACT_BUDGET) {
        add(&line, "compact %lu us", (unsigned long)absolute_size(op));
    } else {
        add_words(&line, op.code);
        if (steve_op_uses_slot(op.code))
            add(&line, " s%u", (unsigned)op.slot);
        if (form_code(op.code) == STEVE_OP_ALIGNED)
            add(&line, " %lu", 1ul << (op.code - STEVE_OP_ALIGNED));
        if (steve_op_uses_size(op.code))
            add_size(&line, op);
        if (steve_op_uses_bit(op.code))
            add(&line, " %u", (unsigned)op.arg);
    }
    return snprintf(out, size, "%s", line.text);
}

/// A name that would be read back as another one: with control characters, with blanks at its ends, or with a comment in it.
static bool name_is_printable(const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)name[i];
        if (c < ' ' || c == 0x7f)
            return false;
        if (c == ' ' && (i == 0 || i + 1 == length))
            return false;
        if (c == '#' && (i == 0 || name[i - 1] == ' '))
            return false;
    }
    return true;
}

static bool print_header(const struct steve_catalog *catalog, const struct steve_header *header, FILE *out)
{
    if (!name_is_printable(header->driver) || !name_is_printable(header->against)) {
        errno = EINVAL;
        return false;
    }

    fprintf(out, "%s\n", STEVE_TEXT_MAGIC);
    if (header->driver[0] != '\0')
        fprintf(out, "driver %s\n", header->driver);
    if (header->against[0] != '\0')
        fprintf(out, "against %s\n", header->against);
    fprintf(out, "heap %llu\n", (unsigned long long)header->heap_bytes);
    if (header->base_offset != 0)
        fprintf(out, "base %u\n", (unsigned)header->base_offset);
    if (header->dirty)
        fprintf(out, "memory dirty\n");
    if (header->threads > 1)
        fprintf(out, "threads %u\n", (unsigned)header->threads);

    const struct steve_driver *driver =
        header->options == 0 ? NULL : steve_catalog_by_name(catalog, header->driver);
    for (unsigned i = 0; i < steve_option_count(driver); i++) {
        if (header->options >> i & 1)
            fprintf(out, "option %s\n", driver->options[i]);
    }
    return true;
}

bool steve_text_print(const struct steve_catalog *catalog, const struct steve_sequence *sequence, FILE *out)
{
    const struct steve_header header = steve_header_canonical(catalog, &sequence->header);
    if (!print_header(catalog, &header, out))
        return false;

    for (size_t i = 0; i < sequence->count && !ferror(out); i++) {
        char line[OP_TEXT_MAX];
        if (steve_op_kind(sequence->ops[i].code) == STEVE_KIND_NONE)
            continue;
        steve_text_op(sequence->ops[i], line, sizeof line);
        if (header.threads > 1)
            fprintf(out, "@%u ", steve_op_thread(sequence->ops[i]) % header.threads);
        fprintf(out, "%s\n", line);
    }
    return fflush(out) == 0 && !ferror(out);
}
