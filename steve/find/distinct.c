/// Shapes and signatures.
#include "steve/find/distinct.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// Shapes

/// Slots in the order in which they come. Shrunk sequences have few, so a list will do.
struct slots {
    uint16_t seen[256];
    unsigned count;
};

/// The number that a slot gets; beyond 256 of them their own, which are as good for what never was shrunk.
static unsigned renumber(struct slots *slots, uint16_t slot)
{
    for (unsigned i = 0; i < slots->count; i++) {
        if (slots->seen[i] == slot) {
            return i;
        }
    }
    if (slots->count == sizeof slots->seen / sizeof slots->seen[0]) {
        return slot;
    }
    slots->seen[slots->count] = slot;
    return slots->count++;
}

bool steve_shape(const struct steve_found *found, struct steve_shape *shape)
{
    struct slots slots = {.count = 0};
    size_t count = found->sequence.count;
    *shape = (struct steve_shape){.oracle = found->finding.oracle, .count = count};
    shape->ops = malloc((count > 0 ? count : 1) * sizeof shape->ops[0]);
    if (shape->ops == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct steve_op op = found->sequence.ops[i];
        unsigned slot = steve_op_uses_slot(op.code) ? renumber(&slots, op.slot) : 0;
        shape->ops[i] = (uint32_t)steve_op_kind(op.code) << 16 | slot;
    }
    return true;
}

bool steve_shape_same(const struct steve_shape *a, const struct steve_shape *b)
{
    return a->oracle == b->oracle && a->count == b->count && memcmp(a->ops, b->ops, a->count * sizeof a->ops[0]) == 0;
}

uint64_t steve_shape_digest(const struct steve_shape *shape)
{
    uint64_t digest = shape->count;
    for (size_t i = 0; i < shape->count; i++) {
        digest = steve_digest_fold(digest, shape->ops[i]);
    }
    return digest;
}

void steve_shape_free(struct steve_shape *shape)
{
    free(shape->ops);
    *shape = (struct steve_shape){0};
}

// Signatures

/// A copy without figures: what begins with a digit, to the end of its digits, hexadecimal ones too.
static void strip_figures(const char *what, char *stripped, size_t size)
{
    size_t length = 0;
    for (const char *at = what; *at != '\0' && length + 1 < size; at++) {
        if (isdigit((unsigned char)*at)) {
            while (isxdigit((unsigned char)at[1]) || at[1] == 'x') {
                at++;
            }
        } else {
            stripped[length++] = *at;
        }
    }
    stripped[length] = '\0';
}

static struct steve_signature signature_of(const struct steve_found *found)
{
    struct steve_signature signature = {.oracle = found->finding.oracle, .entry = STEVE_DISTINCT_NONE};
    if (found->finding.op < found->sequence.count) {
        signature.kind = steve_op_kind(found->sequence.ops[found->finding.op].code);
    }
    strip_figures(found->finding.what, signature.what, sizeof signature.what);
    return signature;
}

/// Makes room for one more of `size` bytes. @return false if memory is short
static bool reserve(void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 16 : 2 * *capacity;
    void *grown = realloc(*items, wanted * size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

/// @return NULL if memory is short
static struct steve_signature *signature_for(struct steve_distinct *distinct, const struct steve_found *found)
{
    struct steve_signature wanted = signature_of(found);
    for (size_t i = 0; i < distinct->signature_count; i++) {
        struct steve_signature *signature = &distinct->signatures[i];
        if (signature->oracle == wanted.oracle && signature->kind == wanted.kind &&
            strcmp(signature->what, wanted.what) == 0) {
            return signature;
        }
    }
    void *items = distinct->signatures;
    if (!reserve(&items, distinct->signature_count, &distinct->signature_capacity, sizeof wanted)) {
        return NULL;
    }
    distinct->signatures = items;
    distinct->signatures[distinct->signature_count] = wanted;
    return &distinct->signatures[distinct->signature_count++];
}

// Both

size_t steve_distinct_meet(struct steve_distinct *distinct, const struct steve_found *found)
{
    struct steve_signature *signature = signature_for(distinct, found);
    if (signature == NULL) {
        return STEVE_DISTINCT_NONE;
    }
    uint64_t number = ++signature->seen;
    bool to_shrink = !signature->unsettled && (number <= STEVE_DISTINCT_ALL || (number & (number - 1)) == 0);
    if (to_shrink || signature->entry == STEVE_DISTINCT_NONE) {
        return STEVE_DISTINCT_NONE;
    }
    distinct->entries[signature->entry].count++;
    return signature->entry;
}

/// @return the entry of this shape, which it takes; STEVE_DISTINCT_NONE if memory is short
static size_t entry_for(struct steve_distinct *distinct, struct steve_shape *shape, bool *is_new)
{
    *is_new = false;
    for (size_t i = 0; i < distinct->count; i++) {
        if (steve_shape_same(&distinct->entries[i].shape, shape)) {
            steve_shape_free(shape);
            return i;
        }
    }
    void *items = distinct->entries;
    if (!reserve(&items, distinct->count, &distinct->capacity, sizeof distinct->entries[0])) {
        steve_shape_free(shape);
        return STEVE_DISTINCT_NONE;
    }
    *is_new = true;
    distinct->entries = items;
    distinct->entries[distinct->count] = (struct steve_distinct_entry){.shape = *shape};
    return distinct->count++;
}

/// Of a finding that came: counts it. @return false if it is to be taken for the first of its signature
static bool settle(struct steve_distinct *distinct, struct steve_signature *signature, bool settled)
{
    signature->unsettled |= !settled;
    if (settled || signature->entry == STEVE_DISTINCT_NONE) {
        return true;
    }
    distinct->entries[signature->entry].count++;
    return false;
}

size_t steve_distinct_add(struct steve_distinct *distinct, const struct steve_found *found,
                          const struct steve_found *shrunk, bool settled, bool *is_new)
{
    struct steve_shape shape;
    struct steve_signature *signature = found != NULL ? signature_for(distinct, found) : NULL;
    *is_new = false;
    if (signature != NULL && !settle(distinct, signature, settled)) {
        return signature->entry;
    }
    if (!steve_shape(shrunk, &shape)) {
        return STEVE_DISTINCT_NONE;
    }
    size_t entry = entry_for(distinct, &shape, is_new);
    if (entry == STEVE_DISTINCT_NONE || found == NULL) {
        return entry;
    }
    if (signature != NULL && signature->entry == STEVE_DISTINCT_NONE) {
        signature->entry = entry;
    }
    distinct->entries[entry].count++;
    return entry;
}

void steve_distinct_free(struct steve_distinct *distinct)
{
    for (size_t i = 0; i < distinct->count; i++) {
        steve_shape_free(&distinct->entries[i].shape);
    }
    free(distinct->entries);
    free(distinct->signatures);
    *distinct = (struct steve_distinct){0};
}
