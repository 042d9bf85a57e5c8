/// What replay does with the inputs of the text fuzzer: any bytes, of which few are sequences.
#ifndef STEVE_CLI_ROUNDTRIP_H
#define STEVE_CLI_ROUNDTRIP_H

#include "steve/cli/input.h"

/// Decodes the bytes, and parses them as text (a refusal is fine), and checks that what came out survives bytes -> text -> bytes.
/// @return NULL if it does, else a sentence
const char *steve_roundtrip(const struct steve_bytes *file);

#endif
