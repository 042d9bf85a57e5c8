/// The generator: draws episodes of ops from a seed. What it emits are plain ops; it looks back only through the narrow view
/// (steve_view_*), and never at the allocator. Integer arithmetic only, so that every machine draws the same.
///
/// An episode is drawn from the seed and its number alone.
#ifndef STEVE_GEN_GEN_H
#define STEVE_GEN_GEN_H

#include "steve/core/exec.h"

struct steve_gen;
struct steve_profile;    ///< profile.h
struct steve_lock_model; ///< lock_model.h

/// By name, and by number for the lists (NULL past the end). The first of each is the default (`swarm`, `mixed`).
const struct steve_profile *steve_profile_by_name(const char *name);
const struct steve_profile *steve_profile_at(size_t index);
const char *steve_profile_name(const struct steve_profile *profile);
const char *steve_profile_summary(const struct steve_profile *profile);
const struct steve_lock_model *steve_lock_model_by_name(const char *name);
const struct steve_lock_model *steve_lock_model_at(size_t index);
const char *steve_lock_model_name(const struct steve_lock_model *model);
const char *steve_lock_model_summary(const struct steve_lock_model *model);

struct steve_gen_config {
    const struct steve_driver *driver;    ///< what it lacks is not generated
    const struct steve_profile *profile;  ///< NULL: swarm
    const struct steve_lock_model *locks; ///< NULL: mixed
    uint64_t seed;
    uint64_t heap_bytes; ///< 0: drawn by the profile
};

/// @return NULL if memory is short
struct steve_gen *steve_gen_new(const struct steve_gen_config *config);
void steve_gen_free(struct steve_gen *gen);

/// What it was made from, with nothing left NULL. O(1)
const struct steve_gen_config *steve_gen_config_of(const struct steve_gen *gen);

/// How many ops an episode has. Needs nothing run: O(1), so that a run can be cut into episodes ahead of time.
uint64_t steve_gen_length(const struct steve_gen *gen, uint64_t episode);

/// Begins an episode; fills in the header. The length is that of steve_gen_length().
void steve_gen_begin(struct steve_gen *gen, uint64_t episode, struct steve_header *header);

/// The next op, given what happened so far. Never STEVE_OP_NONE.
struct steve_op steve_gen_next(struct steve_gen *gen, const struct steve_exec *view);

#endif
