/// Trimming as in AFL (Zalewski, 2013), by records instead of bytes: from an eighth of the ops at a time to a 128th. But it gives up
/// early: to AFL++ code that is run once less is other code, so that of an input that makes good use of its ops nothing can go, and
/// to try them all took as many executions as half of the mutations.
#include "fuzz/mutate_trim.h"

#include <assert.h>
#include <string.h>

#include "steve/core/codec.h"

#define LONGEST_PART  8u
#define SHORTEST_PART 128u
#define VAIN_PASSES   2u

static size_t at_least_one(size_t number)
{
    return number == 0 ? 1 : number;
}

size_t mutate_trim_begin(struct mutate_trim *trim, const uint8_t *bytes, size_t size)
{
    assert(size >= STEVE_BYTES_HEADER);
    const size_t count = (size - STEVE_BYTES_HEADER) / STEVE_BYTES_RECORD;
    *trim = (struct mutate_trim){
        .bytes = bytes,
        .count = count,
        .end = count,
        .run = at_least_one(count / LONGEST_PART),
        .shortest = at_least_one(count / SHORTEST_PART),
        .in_vain = 1,
    };
    size_t steps = 0;
    for (size_t run = trim->run; count > 0; run /= 2) {
        steps += (count + run - 1) / run;
        if (run / 2 < trim->shortest)
            break;
    }
    return steps;
}

static size_t begin_of_run(const struct mutate_trim *trim)
{
    return trim->end > trim->run ? trim->end - trim->run : 0;
}

size_t mutate_trim_propose(const struct mutate_trim *trim, uint8_t *out)
{
    const size_t head = STEVE_BYTES_HEADER + begin_of_run(trim) * STEVE_BYTES_RECORD;
    const size_t tail = (trim->count - trim->end) * STEVE_BYTES_RECORD;
    memcpy(out, trim->bytes, head);
    memcpy(out + head, trim->bytes + STEVE_BYTES_HEADER + trim->end * STEVE_BYTES_RECORD, tail);
    return head + tail;
}

bool mutate_trim_next(struct mutate_trim *trim, bool taken)
{
    const size_t begin = begin_of_run(trim);
    if (taken) {
        trim->count -= trim->end - begin;
        trim->in_vain = 0;
    }
    trim->end = begin;
    if (trim->end > 0)
        return true;
    trim->run /= 2;
    trim->end = trim->count;
    return trim->run >= trim->shortest && trim->count > 0 && trim->in_vain++ < VAIN_PASSES;
}
