/// Fuzzes the parser and the printer of text.
///
/// Covers: the input as text. A refusal must say `name:line: ` and leave nothing behind; what is accepted must be the same after
/// printing and parsing it again.
///
/// Does not cover: bytes, and what the ops do (fuzz_roundtrip, fuzz_jeff); reading and writing files (the tests of the command
/// line); memory that is short.
#include "fuzz/target.h"

#include <ctype.h>
#include <string.h>

#include "fuzz/trip.h"
#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/// `name:line: what`, on one line of printable characters.
static bool is_message(const char *error)
{
    const char *at = error + strlen(TRIP_NAME ":");
    if (strncmp(error, TRIP_NAME ":", strlen(TRIP_NAME ":")) != 0 || !isdigit((unsigned char)*at))
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct steve_sequence sequence = {0};
    char error[512] = "";

    if (!steve_text_parse(&steve_drivers, TRIP_NAME, (const char *)data, size, &sequence, error, sizeof error)) {
        trip_expect(is_message(error), "an error without file and line");
        trip_expect(sequence.ops == NULL && sequence.count == 0, "a refused text left ops behind");
        return 0;
    }
    trip_expect(steve_text_looks_like(data, size), "the parser accepts what does not look like text");
    struct steve_sequence again = trip_through_text(&sequence);
    steve_sequence_free(&again);
    steve_sequence_free(&sequence);
    return 0;
}
