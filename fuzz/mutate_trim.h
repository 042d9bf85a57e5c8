/// Shortens an input by whole records, as AFL++'s trimming stage asks for it: it runs each proposal, and says whether the
/// same code was reached. Runs of ops are left out, from the end to the beginning, long ones first.
#ifndef STEVE_FUZZ_MUTATE_TRIM_H
#define STEVE_FUZZ_MUTATE_TRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mutate_trim {
    const uint8_t *bytes; ///< what is left, the caller's; changed by mutate_trim_done()
    size_t count;         ///< of its ops
    size_t end;           ///< ops from here on have been tried in this pass
    size_t run;           ///< ops left out at a time
    size_t shortest;      ///< the run of the last pass
    unsigned in_vain;     ///< passes in a row, the current one among them, of which nothing was taken
};

/// @param bytes canonical, at least a header. O(1)
/// @return how many proposals there will be at most; 0 if there is nothing to leave out
size_t mutate_trim_begin(struct mutate_trim *trim, const uint8_t *bytes, size_t size);

/// Writes the next proposal. @param out room for the input. @return its size. O(size)
size_t mutate_trim_propose(const struct mutate_trim *trim, uint8_t *out);

/// Goes on to the next proposal; `taken` says that the caller has put the last one in the place of `bytes`.
/// @return false if there are no more. O(1)
bool mutate_trim_next(struct mutate_trim *trim, bool taken);

#endif
