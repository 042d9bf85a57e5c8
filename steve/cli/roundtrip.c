/// Bytes -> text -> bytes must be the identity on canonical bytes.
#define _GNU_SOURCE
#include "steve/cli/roundtrip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/cli/catalog.h"


/// The bytes that come back when canonical bytes go through text. NULL with `*what` set if something is refused on the way.
static uint8_t *through_text(const struct steve_sequence *sequence, size_t *count, const char **what)
{
    char *text = NULL;
    size_t length = 0;
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_sequence again = {0};
    uint8_t *bytes = NULL;

    *what = "memory is short";
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL) {
        return NULL;
    }
    bool printed = steve_text_print(steve_known_drivers(), sequence, memory);
    if (fclose(memory) == 0 && printed) {
        *what = "its text is refused by the parser";
        if (steve_text_parse(steve_known_drivers(), "text", text, length, &again, error, sizeof error)) {
            bytes = steve_bytes_encode(steve_known_drivers(), &again, count);
        }
    }
    steve_sequence_free(&again);
    free(text);
    return bytes;
}

static const char *check(const struct steve_sequence *sequence)
{
    const char *what = NULL;
    size_t count = 0;
    size_t back_count = 0;
    struct steve_sequence canonical = {0};
    uint8_t *bytes = steve_bytes_encode(steve_known_drivers(), sequence, &count);
    if (bytes == NULL || !steve_bytes_decode(steve_known_drivers(), bytes, count, &canonical)) {
        free(bytes);
        return "memory is short";
    }
    uint8_t *back = through_text(&canonical, &back_count, &what);
    if (back != NULL) {
        bool same = back_count == count && memcmp(back, bytes, count) == 0;
        what = same ? NULL : "bytes, text and back gives other bytes";
    }
    free(back);
    free(bytes);
    steve_sequence_free(&canonical);
    return what;
}

const char *steve_roundtrip(const struct steve_bytes *file)
{
    char error[STEVE_INPUT_ERROR_SIZE];
    struct steve_sequence sequence = {0};
    const char *what = NULL;
    if (steve_text_parse(steve_known_drivers(), "text", (const char *)file->bytes, file->count, &sequence, error,
                         sizeof error)) {
        what = check(&sequence);
    }
    if (what == NULL) {
        what = steve_bytes_decode(steve_known_drivers(), file->bytes, file->count, &sequence) ? check(&sequence)
                                                                                       : "memory is short";
    }
    steve_sequence_free(&sequence);
    return what;
}
