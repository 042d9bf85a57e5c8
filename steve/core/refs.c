/// The set of live refs.
#include "steve/core/refs.h"

#include <assert.h>
#include <string.h>

static uint64_t hash(steve_ref ref)
{
    uint64_t h = ref * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 32);
}

static size_t home(const struct steve_refs *refs, steve_ref ref)
{
    return (size_t)hash(ref) & (refs->capacity - 1);
}

void steve_refs_clear(struct steve_refs *refs)
{
    if (refs->count > 0 || refs->capacity == 0) {
        memset(refs->table[refs->half], 0, refs->capacity * sizeof(steve_ref));
    }
    // The other half is cleared whenever the table leaves it.
    refs->capacity = STEVE_REFS_LEAST;
    refs->count = 0;
    memset(refs->stale, 0, sizeof refs->stale);
}

/// Where `ref` is, or the empty place where it belongs.
static size_t probe(const struct steve_refs *refs, steve_ref ref)
{
    const steve_ref *table = refs->table[refs->half];
    size_t i = home(refs, ref);
    while (table[i] != 0 && table[i] != ref) {
        i = (i + 1) & (refs->capacity - 1);
    }
    return i;
}

static void grow(struct steve_refs *refs)
{
    steve_ref *old = refs->table[refs->half];
    size_t old_capacity = refs->capacity;
    refs->half ^= 1u;
    refs->capacity *= 2;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i] != 0) {
            refs->table[refs->half][probe(refs, old[i])] = old[i];
        }
    }
    memset(old, 0, old_capacity * sizeof *old);
}

bool steve_refs_add(struct steve_refs *refs, steve_ref ref)
{
    assert(ref != 0);
    if (refs->count * 2 >= refs->capacity && refs->capacity < STEVE_REFS_MOST) {
        grow(refs);
    }
    size_t i = probe(refs, ref);
    if (refs->table[refs->half][i] == ref) {
        return false;
    }
    refs->table[refs->half][i] = ref;
    refs->count++;
    return true;
}

/// Closes the hole at `i`, so that no probe ends too early.
static void close_hole(struct steve_refs *refs, size_t i)
{
    steve_ref *table = refs->table[refs->half];
    size_t mask = refs->capacity - 1;
    for (size_t j = (i + 1) & mask; table[j] != 0; j = (j + 1) & mask) {
        size_t distance = (j - home(refs, table[j])) & mask;
        if (distance >= ((j - i) & mask)) {
            table[i] = table[j];
            i = j;
        }
    }
    table[i] = 0;
}

void steve_refs_retire(struct steve_refs *refs, steve_ref ref)
{
    size_t i = probe(refs, ref);
    if (refs->table[refs->half][i] == ref) {
        close_hole(refs, i);
        refs->count--;
    }
    refs->stale[hash(ref) >> 8 & (STEVE_REFS_STALE - 1)] = ref;
}

bool steve_refs_has(const struct steve_refs *refs, steve_ref ref)
{
    return ref != 0 && refs->table[refs->half][probe(refs, ref)] == ref;
}

bool steve_refs_is_stale(const struct steve_refs *refs, steve_ref ref)
{
    return refs->stale[hash(ref) >> 8 & (STEVE_REFS_STALE - 1)] == ref;
}
