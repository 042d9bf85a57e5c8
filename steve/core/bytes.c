/// The form for fuzzers: a header of 16 bytes, then ops of 8 (layout in codec.h). Integers are read and written byte by byte,
/// little endian, whatever the machine is.
#include "steve/core/codec_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum header_at {
    AT_VERSION = STEVE_BYTES_AT_VERSION,
    AT_DRIVER = STEVE_BYTES_AT_DRIVER,
    AT_FLAGS = 2,
    AT_OPTIONS = STEVE_BYTES_AT_OPTIONS,
    AT_HEAP = 4, ///< 6 bytes
    AT_BASE = 10,
};

#define HEAP_BYTES_WIDTH 6u
#define FLAG_DIRTY       0x01u

static uint64_t read_le(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void write_le(uint8_t *bytes, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void steve_bytes_decode_header(const struct steve_catalog *catalog, const uint8_t *bytes, size_t count,
                               struct steve_header *header)
{
    // A header that is cut short goes on with zeros.
    uint8_t record[STEVE_BYTES_HEADER] = {0};
    if (count != 0)
        memcpy(record, bytes, count < sizeof record ? count : sizeof record);

    *header = (struct steve_header){0};
    const struct steve_driver *driver = steve_catalog_by_wire(catalog, record[AT_DRIVER]);
    if (driver != NULL) {
        assert(strlen(driver->name) < sizeof header->driver);
        strncpy(header->driver, driver->name, sizeof header->driver - 1);
    }
    header->heap_bytes = read_le(record + AT_HEAP, HEAP_BYTES_WIDTH);
    header->base_offset = (uint16_t)read_le(record + AT_BASE, 2);
    header->options = record[AT_OPTIONS];
    header->dirty = (record[AT_FLAGS] & FLAG_DIRTY) != 0;
    *header = steve_header_canonical(catalog, header);
}

struct steve_op steve_bytes_decode_op(const uint8_t record[STEVE_BYTES_RECORD])
{
    const uint16_t delta = (uint16_t)read_le(record + 4, 2);

    return steve_op_canonical((struct steve_op){
        .code = record[0],
        .size_class = record[1],
        .slot = (uint16_t)read_le(record + 2, 2),
        .delta = (int16_t)(delta < 0x8000u ? delta : (int32_t)delta - 0x10000),
        .arg = (uint16_t)read_le(record + 6, 2),
    });
}

bool steve_bytes_decode(const struct steve_catalog *catalog, const uint8_t *bytes, size_t count,
                        struct steve_sequence *sequence)
{
    const size_t records = count < STEVE_BYTES_HEADER ? 0 : (count - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
    if (!steve_sequence_reserve(sequence, records))
        return false;

    steve_bytes_decode_header(catalog, bytes, count, &sequence->header);
    sequence->count = 0;
    for (size_t i = 0; i < records; i++) {
        const struct steve_op op = steve_bytes_decode_op(bytes + STEVE_BYTES_HEADER + i * STEVE_BYTES_RECORD);
        if (op.code != STEVE_OP_NONE)
            sequence->ops[sequence->count++] = op;
    }
    return true;
}

static void encode_header(const struct steve_catalog *catalog, const struct steve_header *header, uint8_t *record)
{
    // One that is named by a path has no number, and need not be loaded to know that.
    const struct steve_driver *driver =
        steve_driver_name_is_path(header->driver) ? NULL : steve_catalog_by_name(catalog, header->driver);
    const struct steve_header canonical = steve_header_canonical(catalog, header);
    // A driver without a number cannot be named in bytes, and so its options cannot be told either.
    const bool named = driver != NULL && driver->wire_id != 0;

    memset(record, 0, STEVE_BYTES_HEADER);
    record[AT_VERSION] = STEVE_BYTES_VERSION;
    record[AT_DRIVER] = named ? driver->wire_id : 0;
    record[AT_FLAGS] = canonical.dirty ? FLAG_DIRTY : 0;
    record[AT_OPTIONS] = named ? canonical.options : 0;
    write_le(record + AT_HEAP, HEAP_BYTES_WIDTH, canonical.heap_bytes);
    write_le(record + AT_BASE, 2, canonical.base_offset);
}

void steve_bytes_encode_op(struct steve_op op, uint8_t record[STEVE_BYTES_RECORD])
{
    record[0] = op.code;
    record[1] = op.size_class;
    write_le(record + 2, 2, op.slot);
    write_le(record + 4, 2, (uint16_t)op.delta);
    write_le(record + 6, 2, op.arg);
}

uint8_t *steve_bytes_encode(const struct steve_catalog *catalog, const struct steve_sequence *sequence, size_t *count)
{
    if (sequence->count > (SIZE_MAX - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD)
        return NULL;

    uint8_t *bytes = malloc(STEVE_BYTES_HEADER + sequence->count * STEVE_BYTES_RECORD);
    if (bytes == NULL)
        return NULL;

    encode_header(catalog, &sequence->header, bytes);
    size_t end = STEVE_BYTES_HEADER;
    for (size_t i = 0; i < sequence->count; i++) {
        const struct steve_op op = steve_op_canonical(sequence->ops[i]);
        if (op.code == STEVE_OP_NONE)
            continue;
        steve_bytes_encode_op(op, bytes + end);
        end += STEVE_BYTES_RECORD;
    }
    *count = end;
    return bytes;
}
