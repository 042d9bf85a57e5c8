/// Fuzzes one allocator: the input is a sequence in its byte form (steve/core/codec.h), run on a fresh heap under every
/// oracle. This file is compiled once for each target, with FUZZ_FAMILY set to a driver's name: fuzz_jeff, fuzz_freelist,
/// fuzz_combo, ... With FUZZ_AGAINST set as well, the driver of that name runs the same ops beside it, and the oracle
/// `differential` compares the two: fuzz_jeff_against_freelist.
///
/// Covers: all ops of a sequence on the drivers of the family, that is the one of this name and those whose names go on
/// with '-' (for Jeff: in a given region, the same with 8-byte alignment, over its own pages; for a baseline: in a region
/// and over mmap); heaps of 1 byte to 1 TiB at any base, clean or dirty; all options of the drivers; the end of the episode
/// (drain, capacity). The header's wire id chooses the driver; an id that no driver has means the first of the family.
///
/// Does not cover: other drivers (an input that names one passes unseen); live blocks of more than 4 MiB in sum (episode.c says where it
/// is more), and what comes after 2 MiB were written or copied, in most inputs 128 KiB; callbacks of Jeff that no op reaches; a second
/// base beside the first (the oracle `metamorphic`), but for one input in 32; hangs and memory by Steve's own measure (the engines have
/// theirs). `steve run` does these.
///
/// Installed, it comes with the catalog of linked_in.c, which holds one driver, the user's; FUZZ_FAMILY is then "", for
/// all that there are. Bytes do not tell the options of a driver without a number, so these are not covered.
#include "fuzz/target.h"

#include "fuzz/episode.h"

#ifndef FUZZ_AGAINST
#define FUZZ_AGAINST ""
#endif

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    episode_open(FUZZ_FAMILY, FUZZ_AGAINST);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    episode_run(data, size);
    return 0;
}
