/// The canonical form of any bytes: what mutations begin with and keep to.
#include "fuzz/mutate.h"
#include "fuzz/mutate_internal.h"

#include <string.h>

#include "steve/core/codec.h"

static size_t canonical_header(uint8_t *bytes, size_t size, size_t max_size)
{
    uint8_t header[STEVE_BYTES_HEADER] = {0};
    const size_t known = size < sizeof header ? size : sizeof header;
    if (known != 0)
        memcpy(header, bytes, known);
    header[STEVE_BYTES_AT_VERSION] = STEVE_BYTES_VERSION;
    header[AT_FLAGS] &= 1;
    memset(header + AT_ZERO, 0, sizeof header - AT_ZERO);
    const uint64_t heap = mutate_read_heap(header);
    if (heap == 0)
        mutate_write_heap(header, STEVE_HEAP_DEFAULT);
    else if (heap > STEVE_HEAP_LIMIT)
        mutate_write_heap(header, heap % STEVE_HEAP_LIMIT == 0 ? STEVE_HEAP_DEFAULT : heap % STEVE_HEAP_LIMIT);

    const size_t fits = max_size < sizeof header ? max_size : sizeof header;
    if (fits != 0)
        memcpy(bytes, header, fits);
    return fits;
}

size_t mutate_canonical(uint8_t *bytes, size_t size, size_t max_size)
{
    if (size > max_size)
        size = max_size;
    size_t end = canonical_header(bytes, size, max_size);
    for (size_t at = STEVE_BYTES_HEADER; at < size && size - at >= STEVE_BYTES_RECORD; at += STEVE_BYTES_RECORD) {
        const struct steve_op op = steve_bytes_decode_op(bytes + at);
        if (op.code == STEVE_OP_NONE)
            continue;
        steve_bytes_encode_op(op, bytes + end);
        end += STEVE_BYTES_RECORD;
    }
    return end;
}
