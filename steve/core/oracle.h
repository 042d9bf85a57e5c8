/// The oracles: named properties that must hold. A broken one is a finding.
#ifndef STEVE_CORE_ORACLE_H
#define STEVE_CORE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum steve_oracle {
    STEVE_ORACLE_CONTENT, STEVE_ORACLE_BOUNDS, STEVE_ORACLE_GUARD, STEVE_ORACLE_OVERLAP, STEVE_ORACLE_ALIGN,
    STEVE_ORACLE_PIN, STEVE_ORACLE_HANDLE, STEVE_ORACLE_ZERO, STEVE_ORACLE_REFUSAL, STEVE_ORACLE_CAPACITY,
    STEVE_ORACLE_COMPACTED, STEVE_ORACLE_IDEMPOTENT, STEVE_ORACLE_BUDGET, STEVE_ORACLE_ACCOUNT, STEVE_ORACLE_CHECK,
    STEVE_ORACLE_METAMORPHIC, STEVE_ORACLE_DIFFERENTIAL, STEVE_ORACLE_CRASH, STEVE_ORACLE_HANG, STEVE_ORACLE_MEMORY,
    STEVE_ORACLE_COUNT
};

#define STEVE_ORACLES_ALL ((uint32_t)((1u << STEVE_ORACLE_COUNT) - 1))

const char *steve_oracle_name(enum steve_oracle oracle);
const char *steve_oracle_holds_when(enum steve_oracle oracle); ///< one line
/// @return STEVE_ORACLE_COUNT if there is none of that name
enum steve_oracle steve_oracle_by_name(const char *name);

/// How much is checked. Digests belong to a level, since looking at a block means locking it.
enum steve_check_level { STEVE_CHECK_LIGHT, STEVE_CHECK_NORMAL, STEVE_CHECK_PARANOID };

/// A broken oracle. Plain data without pointers, so that it can pass through shared memory.
struct steve_finding {
    enum steve_oracle oracle;
    uint64_t op;        ///< index of the op in its sequence, from 0
    uint16_t slot;      ///< of the block concerned
    bool has_slot;
    char what[256];     ///< a sentence: what did not hold, with the figures
};

#endif
