/// Fuzzes the way of a sequence through its forms, and that it means the same in all of them: the input is a sequence in
/// its byte form (steve/core/codec.h).
///
/// Covers: any bytes become canonical in one trip through the decoder and the encoder; canonical bytes come back from text as they
/// were; on Jeff's drivers the canonical bytes run as the input did, with the same outcome of every op (the digest), under
/// every oracle.
///
/// Does not cover: text that Steve did not print (fuzz_text); that other drivers run them alike; what an episode of fuzz_jeff does
/// not cover either; memory that is short.
#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/episode.h"
#include "fuzz/trip.h"
#include "steve/core/codec.h"
#include "steve/drivers/drivers.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    episode_open("jeff", "");
    return 0;
}

static struct steve_sequence decode(const uint8_t *bytes, size_t size)
{
    struct steve_sequence sequence = {0};
    trip_expect(steve_bytes_decode(&steve_drivers, bytes, size, &sequence), "memory is short");
    return sequence;
}

/// @return the canonical bytes, to be freed by the caller
static uint8_t *encode(const struct steve_sequence *sequence, size_t *size)
{
    uint8_t *bytes = steve_bytes_encode(&steve_drivers, sequence, size);
    trip_expect(bytes != NULL, "memory is short");
    return bytes;
}

/// Canonical bytes, through text, are the same bytes.
static void check_text(const struct steve_sequence *sequence, const uint8_t *bytes, size_t size)
{
    struct steve_sequence again = trip_through_text(sequence);
    size_t size_again;
    uint8_t *bytes_again = encode(&again, &size_again);
    trip_expect(size == size_again && memcmp(bytes, bytes_again, size) == 0,
                "canonical bytes changed on their way through text");
    free(bytes_again);
    steve_sequence_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct steve_sequence given = decode(data, size);
    size_t canonical_size;
    uint8_t *canonical = encode(&given, &canonical_size);
    struct steve_sequence taken = decode(canonical, canonical_size);

    trip_expect(trip_equal(&given, &taken), "a sequence changed on its way through bytes");
    check_text(&taken, canonical, canonical_size);
    trip_expect(episode_run(data, size) == episode_run(canonical, canonical_size),
                "canonical bytes run otherwise than what they were made of");

    steve_sequence_free(&taken);
    free(canonical);
    steve_sequence_free(&given);
    return 0;
}
