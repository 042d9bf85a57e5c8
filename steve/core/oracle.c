/// What the oracles are called and what each one asks for. Where they are checked: place.c (content, bounds, overlap, align,
/// pin), region.c (guard), blocks.c (zero, handle), refusal.c, drain.c (capacity), compaction.c (compacted, idempotent,
/// budget), health.c (account, check), misuse.c (handle). The runner checks metamorphic, crash, hang and memory.
#include "steve/core/oracle.h"

#include <string.h>

static const struct {
    const char *name;
    const char *holds_when;
} oracles[STEVE_ORACLE_COUNT] = {
    [STEVE_ORACLE_CONTENT] = {"content",
                              "every byte of a block equals its shadow, after any move, resize or compaction"},
    [STEVE_ORACLE_BOUNDS] = {"bounds", "a block lies inside the heap"},
    [STEVE_ORACLE_GUARD] = {"guard", "the zones around the heap are untouched"},
    [STEVE_ORACLE_OVERLAP] = {"overlap", "no two live blocks share a byte"},
    [STEVE_ORACLE_ALIGN] = {"align", "the address honours the driver's and the request's alignment"},
    [STEVE_ORACLE_PIN] = {"pin", "while a block is locked its address does not change, however often it is locked"},
    [STEVE_ORACLE_HANDLE] = {"handle",
                             "a live handle is never given out again; a stale one is refused and nothing changes"},
    [STEVE_ORACLE_ZERO] = {"zero", "calloc memory is zero"},
    [STEVE_ORACLE_REFUSAL] =
        {"refusal", "a refused op changes nothing, and a request is refused only when no free run is large enough"},
    [STEVE_ORACLE_CAPACITY] = {"capacity", "after everything is freed the heap can serve what it could on day one"},
    [STEVE_ORACLE_COMPACTED] = {"compacted", "after a full compaction no movable block has a free gap right below it"},
    [STEVE_ORACLE_IDEMPOTENT] = {"idempotent", "a second full compaction moves nothing"},
    [STEVE_ORACLE_BUDGET] = {"budget",
                             "a compaction stops within its budget by the virtual clock, up to one stated step"},
    [STEVE_ORACLE_ACCOUNT] = {"account", "the allocator's statistics agree with the shadow"},
    [STEVE_ORACLE_CHECK] = {"check", "the allocator's own heap check passes"},
    [STEVE_ORACLE_METAMORPHIC] = {"metamorphic",
                                  "the same ops at a base congruent to the largest alignment give the same offsets"},
    [STEVE_ORACLE_DIFFERENTIAL] =
        {"differential", "with --against: what one driver serves the other does not refuse with room to spare"},
    [STEVE_ORACLE_CRASH] = {"crash", "no signal, sanitizer report or exit"},
    [STEVE_ORACLE_HANG] = {"hang", "every op ends within its budget of CPU time"},
    [STEVE_ORACLE_MEMORY] = {"memory", "resident memory stays below its limit"},
};

const char *steve_oracle_name(enum steve_oracle oracle)
{
    return (unsigned)oracle < STEVE_ORACLE_COUNT ? oracles[oracle].name : "unknown";
}

const char *steve_oracle_holds_when(enum steve_oracle oracle)
{
    return (unsigned)oracle < STEVE_ORACLE_COUNT ? oracles[oracle].holds_when : "unknown";
}

enum steve_oracle steve_oracle_by_name(const char *name)
{
    for (unsigned i = 0; i < STEVE_ORACLE_COUNT; i++) {
        if (strcmp(oracles[i].name, name) == 0) {
            return (enum steve_oracle)i;
        }
    }
    return STEVE_ORACLE_COUNT;
}
