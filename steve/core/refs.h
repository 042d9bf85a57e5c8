/// The refs that are live, as a set, and those that were freed lately: for the oracle that no live handle is given out again.
#ifndef STEVE_CORE_REFS_H
#define STEVE_CORE_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/driver.h"

#define STEVE_REFS_LEAST 128u
#define STEVE_REFS_MOST  131072u ///< twice the number of slots
#define STEVE_REFS_STALE 512u

/// All zero but for a call of steve_refs_clear(). Open addressing with linear probing (Knuth vol. 3, 6.4, algorithm L and R);
/// the table doubles into the other half of its memory.
struct steve_refs {
    size_t capacity; ///< a power of two
    size_t count;
    unsigned half;                       ///< the half of `table` in use
    steve_ref stale[STEVE_REFS_STALE];   ///< a ref that was freed, at its hash: the last one that went there
    steve_ref table[2][STEVE_REFS_MOST]; ///< 0 where empty
};

/// Forgets all. O(the capacity that was used)
void steve_refs_clear(struct steve_refs *refs);

/// @param ref not 0. @return false if it is there already. At most half of STEVE_REFS_MOST refs. O(1)
bool steve_refs_add(struct steve_refs *refs, steve_ref ref);

/// Takes out a live ref and remembers it as stale. O(1)
void steve_refs_retire(struct steve_refs *refs, steve_ref ref);

bool steve_refs_has(const struct steve_refs *refs, steve_ref ref);

/// @return true if the ref is known to be stale; false tells nothing. O(1)
bool steve_refs_is_stale(const struct steve_refs *refs, steve_ref ref);

#endif
