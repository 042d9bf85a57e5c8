/// Looking drivers up, by name for text and by number for bytes, and what a driver makes of a header.
#include "steve/core/codec_internal.h"

#include <string.h>

const struct steve_driver *steve_catalog_by_name(const struct steve_catalog *catalog, const char *name)
{
    if (catalog == NULL || name == NULL)
        return NULL;
    for (size_t i = 0; i < catalog->count; i++) {
        if (strcmp(catalog->drivers[i]->name, name) == 0)
            return catalog->drivers[i];
    }
    return catalog->load != NULL && steve_driver_name_is_path(name) ? catalog->load(name) : NULL;
}

const struct steve_driver *steve_catalog_by_wire(const struct steve_catalog *catalog, uint8_t wire_id)
{
    // 0 is what drivers outside the tree have, any number of them: it names none.
    if (catalog == NULL || wire_id == 0)
        return NULL;
    for (size_t i = 0; i < catalog->count; i++) {
        if (catalog->drivers[i]->wire_id == wire_id)
            return catalog->drivers[i];
    }
    return NULL;
}

unsigned steve_option_count(const struct steve_driver *driver)
{
    if (driver == NULL || driver->options == NULL)
        return 0;

    unsigned count = 0;
    while (count < STEVE_OPTIONS_MAX && driver->options[count] != NULL)
        count++;
    return count;
}

/// Every number becomes a heap size: 0 is the default, and what is too large counts modulo the limit.
static uint64_t canonical_heap(uint64_t bytes)
{
    if (bytes > STEVE_HEAP_LIMIT)
        bytes %= STEVE_HEAP_LIMIT;
    return bytes == 0 ? STEVE_HEAP_DEFAULT : bytes;
}

struct steve_header steve_header_canonical(const struct steve_catalog *catalog, const struct steve_header *header)
{
    // Options alone need the driver, which may have to be loaded.
    const unsigned options = header->options == 0 ? 0 : steve_option_count(steve_catalog_by_name(catalog, header->driver));

    struct steve_header canonical = *header;
    canonical.heap_bytes = canonical_heap(header->heap_bytes);
    canonical.options = (uint8_t)(header->options & ((1u << options) - 1u));
    return canonical;
}
