/// The two forms of a sequence. Bytes, for fuzzers: total, local, stable. Text, for people.
///
/// Bytes: a header record of 16 bytes, then records of 8 bytes, little endian; a partial last record is ignored.
///
///     header  0 version (1)  1 driver's wire id  2 flags (bit 0: dirty)  3 options  4..9 heap bytes  10..11 base offset  12..15 zero
///     record  0 code  1 size class  2..3 slot  4..5 delta  6..7 arg
///
/// Every byte string decodes: a header that is cut short as if zeros followed, an unknown version as 1, an unknown wire id as "",
/// heap bytes 0 as STEVE_HEAP_DEFAULT and beyond STEVE_HEAP_LIMIT modulo it, a budget's number as if its class were absolute.
/// Bytes name no second driver (`against`) and no threads; they are the sequence of the first driver alone, in one thread.
/// A driver outside the box has no number: bytes for it have 0, which names none, and no options. Its text names it.
/// What Steve writes is canonical: no dead records, unused fields zero, no options that the driver does not have (an unknown one
/// has none).
///
/// Text: see steve_text_parse().
#ifndef STEVE_CORE_CODEC_H
#define STEVE_CORE_CODEC_H

#include <stdio.h>

#include "steve/core/op.h"
#include "steve/driver.h"

#define STEVE_BYTES_HEADER     16u
#define STEVE_BYTES_RECORD     8u
#define STEVE_BYTES_VERSION    1u
#define STEVE_BYTES_AT_VERSION 0u ///< where the header has its version,
#define STEVE_BYTES_AT_DRIVER  1u ///< its driver's wire id,
#define STEVE_BYTES_AT_OPTIONS 3u ///< and its options
#define STEVE_TEXT_MAGIC       "steve-ops 1"

/// The drivers that names and numbers are looked up in. NULL in place of a catalog: none are known.
struct steve_catalog {
    const struct steve_driver *const *drivers;
    size_t count;
    /// Looks up what is named by a path, a driver outside the box. @return NULL if there is none, or it is no good; NULL:
    /// none are known
    const struct steve_driver *(*load)(const char *name);
};
const struct steve_driver *steve_catalog_by_name(const struct steve_catalog *catalog, const char *name);
const struct steve_driver *steve_catalog_by_wire(const struct steve_catalog *catalog, uint8_t wire_id);

/// Decodes any byte string; dead records are dropped. `sequence` must be zeroed or valid; it is overwritten and its memory reused.
/// @return false only when memory is short
bool steve_bytes_decode(const struct steve_catalog *catalog, const uint8_t *bytes, size_t count,
                        struct steve_sequence *sequence);

/// The two halves of steve_bytes_decode(), for fuzz targets that must not allocate: neither does. The op may be STEVE_OP_NONE.
void steve_bytes_decode_header(const struct steve_catalog *catalog, const uint8_t *bytes, size_t count,
                               struct steve_header *header);
struct steve_op steve_bytes_decode_op(const uint8_t record[STEVE_BYTES_RECORD]);

/// Writes the op's record: canonical bytes if the op is canonical. O(1)
void steve_bytes_encode_op(struct steve_op op, uint8_t record[STEVE_BYTES_RECORD]);

/// @return the canonical bytes, to be freed by the caller, `*count` of them; NULL when memory is short
uint8_t *steve_bytes_encode(const struct steve_catalog *catalog, const struct steve_sequence *sequence, size_t *count);

/// Parses text. The first line is `steve-ops 1`. Header lines, in any order, before the first op:
///
///     driver NAME      against NAME (a second driver that runs the same ops)
///     heap BYTES      base UNITS      memory zero|dirty      option NAME   (once per option)
///     threads NUMBER (2..32: the ops are carried out by as many, each op by the one in front of it: `@1 malloc s0 100`)
///
/// Ops, one a line; `#` starts a comment; blank lines are skipped; a slot is s0..s65535:
///
///     malloc s0 SIZE      calloc s0 SIZE      aligned s0 ALIGNMENT SIZE      resize s0 SIZE      free s0
///     lock s0   unlock s0   weak-lock s0   purgeable s0   keep s0   write s0   verify s0
///     compact full        compact MICROSECONDS us        compact goal SIZE        drain        check
///     misuse free|lock|unlock|resize stale|foreign s0    misuse free|lock|unlock|resize forged s0 BIT    misuse unlock unlocked s0
///
/// SIZE is a number up to 2^32-1, or 2^K, heap/N, size(sM), max, each with an optional +D or -D (max: only -D), D up to 32767 (-D:
/// 32768, max: 65535).
///
/// @param name  of the file, for messages
/// @param error gets `name:line: what is wrong, and what was expected`
/// @return false on an error or when memory is short; the sequence is then empty
bool steve_text_parse(const struct steve_catalog *catalog, const char *name, const char *text, size_t length,
                      struct steve_sequence *sequence, char *error, size_t error_size);

/// Writes text that steve_text_parse() reads back to the same canonical sequence. @return false if writing failed
bool steve_text_print(const struct steve_catalog *catalog, const struct steve_sequence *sequence, FILE *out);

/// Writes one op without a line end, as in text. @return as snprintf()
int steve_text_op(struct steve_op op, char *out, size_t size);

/// True if the bytes begin like text (`steve-ops`, whatever the version, after blank lines and comments).
bool steve_text_looks_like(const uint8_t *bytes, size_t count);

#endif
