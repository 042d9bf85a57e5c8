/// The trips, with the catalog of the drivers in the box. The target's name, for messages, is FUZZ_TARGET.
#define _GNU_SOURCE // open_memstream

#include "fuzz/trip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"

void trip_expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, FUZZ_TARGET ": oracle=roundtrip %s\n", what);
    abort();
}

static bool headers_equal(const struct steve_header *a, const struct steve_header *b)
{
    return strcmp(a->driver, b->driver) == 0 && strcmp(a->against, b->against) == 0 && a->heap_bytes == b->heap_bytes &&
           a->base_offset == b->base_offset && a->options == b->options && a->dirty == b->dirty;
}

bool trip_equal(const struct steve_sequence *a, const struct steve_sequence *b)
{
    return headers_equal(&a->header, &b->header) && a->count == b->count &&
           (a->count == 0 || memcmp(a->ops, b->ops, a->count * sizeof *a->ops) == 0);
}

struct trip_text trip_print(const struct steve_sequence *sequence)
{
    struct trip_text text = {NULL, 0};
    FILE *out = open_memstream(&text.at, &text.length);
    trip_expect(out != NULL, "memory is short");
    const bool printed = steve_text_print(&steve_drivers, sequence, out);
    fclose(out);
    trip_expect(printed, "a sequence could not be printed");
    return text;
}

struct steve_sequence trip_parse(const struct trip_text *text)
{
    struct steve_sequence sequence = {0};
    char error[512] = "";
    const bool parsed =
        steve_text_parse(&steve_drivers, TRIP_NAME, text->at, text->length, &sequence, error, sizeof error);
    trip_expect(parsed, error);
    return sequence;
}

struct steve_sequence trip_through_text(const struct steve_sequence *sequence)
{
    struct trip_text text = trip_print(sequence);
    struct steve_sequence again = trip_parse(&text);
    trip_expect(trip_equal(sequence, &again), "a sequence changed on its way through text");

    struct trip_text text_again = trip_print(&again);
    trip_expect(text.length == text_again.length && memcmp(text.at, text_again.at, text.length) == 0,
                "the same sequence was printed in two ways");
    free(text_again.at);
    free(text.at);
    return again;
}
