/// What the trips of a sequence through its two forms are checked by. A broken one is printed as the oracle `roundtrip` of the
/// target, and aborts; so does memory that is short.
#ifndef STEVE_FUZZ_TRIP_H
#define STEVE_FUZZ_TRIP_H

#include <stdbool.h>
#include <stddef.h>

#include "steve/core/op.h"

/// The name that the text has in the parser's messages.
#define TRIP_NAME "input"

struct trip_text {
    char *at; ///< to be freed by the caller
    size_t length;
};

/// Aborts unless it holds.
void trip_expect(bool holds, const char *what);

bool trip_equal(const struct steve_sequence *a, const struct steve_sequence *b);

struct trip_text trip_print(const struct steve_sequence *sequence);

/// @return what the printed text says, to be freed by the caller: it must be accepted
struct steve_sequence trip_parse(const struct trip_text *text);

/// Printing and parsing must not change the sequence, and print it in one way.
/// @return it after the trip, to be freed by the caller
struct steve_sequence trip_through_text(const struct steve_sequence *sequence);

#endif
