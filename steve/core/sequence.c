/// A growing array of ops with a header.
#include "steve/core/op.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64u

bool steve_sequence_reserve(struct steve_sequence *sequence, size_t count)
{
    if (count <= sequence->capacity)
        return true;
    if (count > SIZE_MAX / sizeof *sequence->ops)
        return false;

    struct steve_op *ops = realloc(sequence->ops, count * sizeof *ops);
    if (ops == NULL)
        return false;
    sequence->ops = ops;
    sequence->capacity = count;
    return true;
}

bool steve_sequence_push(struct steve_sequence *sequence, struct steve_op op)
{
    if (sequence->count == sequence->capacity) {
        // A capacity can double without overflow: the array of it fits into memory, and an op has more than two bytes.
        const size_t larger = sequence->capacity == 0 ? FIRST_CAPACITY : 2 * sequence->capacity;
        if (!steve_sequence_reserve(sequence, larger))
            return false;
    }
    sequence->ops[sequence->count++] = op;
    return true;
}

void steve_sequence_free(struct steve_sequence *sequence)
{
    free(sequence->ops);
    *sequence = (struct steve_sequence){0};
}
