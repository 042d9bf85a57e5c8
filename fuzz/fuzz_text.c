/// Fuzzes the two forms of a sequence: the parser and printer of text, the decoder and encoder of bytes.
///
/// Covers: the input as text (a refusal must say `name:line: `; what is accepted must be the same after printing and parsing it
/// again), and the same input as bytes (what the decoder makes of them is canonical after one trip, and canonical bytes come
/// back from text as they were).
///
/// Does not cover: what the ops do (fuzz_jeff); reading and writing files (the tests of the command line); memory that is short.
#define _GNU_SOURCE // open_memstream

#include "fuzz/target.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"

#define NAME "input"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/// Aborts unless it holds.
static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_text: oracle=roundtrip %s\n", what);
    abort();
}

struct text {
    char *at;
    size_t length;
};

static struct text print(const struct steve_sequence *sequence)
{
    struct text text = {NULL, 0};
    FILE *out = open_memstream(&text.at, &text.length);
    expect(out != NULL, "memory is short");
    const bool printed = steve_text_print(&steve_drivers, sequence, out);
    fclose(out);
    expect(printed, "a sequence could not be printed");
    return text;
}

static struct steve_sequence parse_printed(const struct text *text)
{
    struct steve_sequence sequence = {0};
    char error[512] = "";
    const bool parsed = steve_text_parse(&steve_drivers, NAME, text->at, text->length, &sequence, error, sizeof error);
    expect(parsed, error);
    return sequence;
}

static bool headers_equal(const struct steve_header *a, const struct steve_header *b)
{
    return strcmp(a->driver, b->driver) == 0 && a->heap_bytes == b->heap_bytes && a->base_offset == b->base_offset &&
           a->options == b->options && a->dirty == b->dirty;
}

static bool sequences_equal(const struct steve_sequence *a, const struct steve_sequence *b)
{
    return headers_equal(&a->header, &b->header) && a->count == b->count &&
           (a->count == 0 || memcmp(a->ops, b->ops, a->count * sizeof *a->ops) == 0);
}

/// `name:line: what`, on one line of printable characters.
static bool is_message(const char *error)
{
    const char *at = error + strlen(NAME ":");
    if (strncmp(error, NAME ":", strlen(NAME ":")) != 0 || !isdigit((unsigned char)*at))
        return false;
    at += strspn(at, "0123456789");
    if (strncmp(at, ": ", 2) != 0 || at[2] == '\0')
        return false;
    for (; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            return false;
    }
    return true;
}

/// Printing and parsing must not change the sequence.
static void check_text_trip(const struct steve_sequence *sequence)
{
    struct text text = print(sequence);
    struct steve_sequence again = parse_printed(&text);
    expect(sequences_equal(sequence, &again), "a sequence changed on its way through text");

    struct text text_again = print(&again);
    expect(text.length == text_again.length && memcmp(text.at, text_again.at, text.length) == 0,
           "the same sequence was printed in two ways");
    free(text_again.at);
    steve_sequence_free(&again);
    free(text.at);
}

static void check_as_text(const uint8_t *data, size_t size)
{
    struct steve_sequence sequence = {0};
    char error[512] = "";

    if (!steve_text_parse(&steve_drivers, NAME, (const char *)data, size, &sequence, error, sizeof error)) {
        expect(is_message(error), "an error without file and line");
        expect(sequence.ops == NULL && sequence.count == 0, "a refused text left ops behind");
        return;
    }
    expect(steve_text_looks_like(data, size), "the parser accepts what does not look like text");
    check_text_trip(&sequence);
    steve_sequence_free(&sequence);
}

static void check_as_bytes(const uint8_t *data, size_t size)
{
    struct steve_sequence first = {0};
    struct steve_sequence second = {0};
    size_t once_size;
    size_t twice_size;

    expect(steve_bytes_decode(&steve_drivers, data, size, &first), "memory is short");
    uint8_t *once = steve_bytes_encode(&steve_drivers, &first, &once_size);
    expect(once != NULL && steve_bytes_decode(&steve_drivers, once, once_size, &second), "memory is short");
    expect(sequences_equal(&first, &second), "a sequence changed on its way through bytes");

    // Through text as well: what comes back must be the canonical bytes.
    check_text_trip(&second);
    struct text text = print(&second);
    struct steve_sequence third = parse_printed(&text);
    uint8_t *twice = steve_bytes_encode(&steve_drivers, &third, &twice_size);
    expect(twice != NULL, "memory is short");
    expect(once_size == twice_size && memcmp(once, twice, once_size) == 0,
           "canonical bytes changed on their way through text");

    free(twice);
    steve_sequence_free(&third);
    free(text.at);
    steve_sequence_free(&second);
    free(once);
    steve_sequence_free(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_as_text(data, size);
    check_as_bytes(data, size);
    return 0;
}
