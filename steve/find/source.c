/// The sources of episodes.
#include "steve/find/source.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct steve_op) == 8, "the log takes 8 bytes an op");

uint64_t steve_generated_length(const struct steve_gen *gen, uint64_t episode)
{
    uint64_t length = steve_gen_length(gen, episode);
    if (length == 0) {
        return 1;
    }
    return length < STEVE_EPISODE_OPS_MAX ? length : STEVE_EPISODE_OPS_MAX;
}

static const struct steve_driver *generated_begin(void *context, uint64_t episode, struct steve_header *header,
                                                  uint64_t *length)
{
    struct steve_generated *generated = context;
    steve_gen_begin(generated->gen, episode, header);
    *length = steve_generated_length(generated->gen, episode);
    return generated->driver;
}

static struct steve_op generated_next(void *context, uint64_t index, const struct steve_exec *view)
{
    (void)index;
    struct steve_generated *generated = context;
    return steve_gen_next(generated->gen, view);
}

struct steve_driver steve_threads_driver(const struct steve_driver *driver)
{
    struct steve_driver drawn_for = *driver;
    drawn_for.promises &= ~(uint32_t)STEVE_PROMISE_REFUSES_MISUSE;
    drawn_for.weak_lock = NULL;
    drawn_for.set_purgeable = NULL;
    return drawn_for;
}

struct steve_source steve_source_generated(struct steve_generated *generated)
{
    return (struct steve_source){
        .kind = STEVE_SOURCE_GENERATED,
        .context = generated,
        .threads = generated->threads,
        .has_threads = generated->threads > 1,
        .longest = STEVE_EPISODE_OPS_MAX,
        .begin = generated_begin,
        .next = generated_next,
    };
}

static const struct steve_driver *exhaustive_begin(void *context, uint64_t episode, struct steve_header *header,
                                                   uint64_t *length)
{
    struct steve_exhaustive *all = context;
    *header = all->header;
    *length = steve_exhaustive_begin(all, episode);
    return all->driver;
}

static struct steve_op exhaustive_next(void *context, uint64_t index, const struct steve_exec *view)
{
    return steve_exhaustive_next(context, (unsigned)index, view);
}

struct steve_source steve_source_exhaustive(struct steve_exhaustive *all)
{
    return (struct steve_source){
        .kind = STEVE_SOURCE_EXHAUSTIVE,
        .context = all,
        .longest = STEVE_EXHAUSTIVE_MOST,
        .begin = exhaustive_begin,
        .next = exhaustive_next,
    };
}

static const struct steve_driver *recorded_begin(void *context, uint64_t episode, struct steve_header *header,
                                                 uint64_t *length)
{
    struct steve_recorded *recorded = context;
    assert(episode < recorded->count);

    const struct steve_recording *recording = &recorded->recordings[episode];
    recorded->current = recording;
    *header = recording->sequence->header;
    *length = recording->sequence->count;
    return recording->driver;
}

static struct steve_op recorded_next(void *context, uint64_t index, const struct steve_exec *view)
{
    (void)view;
    const struct steve_recorded *recorded = context;
    return recorded->current->sequence->ops[index];
}

static const struct steve_driver *recorded_against(void *context)
{
    const struct steve_recorded *recorded = context;
    return recorded->current->against;
}

struct steve_source steve_source_recorded(struct steve_recorded *recorded)
{
    size_t longest = 1;
    bool has_threads = false;
    for (size_t i = 0; i < recorded->count; i++) {
        if (recorded->recordings[i].sequence->count > longest) {
            longest = recorded->recordings[i].sequence->count;
        }
        has_threads |= recorded->recordings[i].sequence->header.threads > 1;
    }
    return (struct steve_source){
        .kind = STEVE_SOURCE_RECORDED,
        .context = recorded,
        .longest = longest,
        .has_threads = has_threads,
        .begin = recorded_begin,
        .next = recorded_next,
        .against_of = recorded_against,
    };
}
