/// What a client's stray write does to a heap: one bit of the heap's own words is flipped, which jeff_check() must notice and place
/// inside the heap, or one of a block's payload, which is no damage. lib/test flips every bit of a few heaps; here they are the
/// heaps that Steve's ops make, and the words that their layout is known of from outside.
#include "steve/drivers/jeff/audit_internal.h"

#include "jeff_inline.h"
#include "steve/drivers/jeff/draw_internal.h"
#include "steve/drivers/jeff/words_internal.h"

#define SLOT_MASK   0xffffffu
#define CLASS_SHIFT 25u
#define SLOTS       ((size_t)1 << 24)
#define WIDE_HEADER 20u ///< bytes from the begin of a wide block to its payload

/// A larger heap is checked too slowly for this.
#define STRETCHES_MOST 64u
/// Two bits of a heap with fewer are flipped, one of a larger one.
#define FEW 8u

static void flip(char *address, uint32_t bit)
{
    write_word(address, read_word(address) ^ (uint32_t)1 << bit);
}

struct stretches {
    uintptr_t begin, end; ///< of the heap proper
    size_t count;
    size_t wanted;
    struct jeff_block block; ///< the wanted one
};

static bool visit(void *context, const struct jeff_block *block)
{
    struct stretches *s = context;
    const uintptr_t address = (uintptr_t)block->address;
    if (block->kind == JEFF_BLOCK_TOP || address < s->begin || address >= s->end)
        return true;
    if (s->count == s->wanted)
        s->block = *block;
    return s->count++ < STRETCHES_MOST;
}

/// @return a word of the heap's own whose every bit counts; NULL if the draw finds none in this stretch
static char *own_word(jeff_heap *heap, const struct jeff_block *block, uint32_t draw)
{
    char *const first = block->address;
    if (block->kind == JEFF_BLOCK_LIVE) {
        void *begin = NULL;
        jeff_extent(heap, block->handle, &begin);
        const size_t before = (size_t)(first - (char *)begin);
        if (draw % 4 == 0)
            return (char *)jeff_inline_entry(heap, block->handle); // where the block lies
        return (char *)begin + (before == WIDE_HEADER ? draw / 4 % 3 : 0) * WORD;
    }
    const uint32_t header = read_word(first - WORD);
    if (header >> CLASS_SHIFT != 0 || draw % 4 == 0)
        return first - WORD; // a freed block that is kept whole: behind its header is what the client left there
    if (draw % 4 == 3 && (header & SLOT_MASK) != 0)
        return first + (size_t)(header & SLOT_MASK) * 16 - 2 * WORD; // the last word of a hole
    return first + (draw % 4 - 1) % 2 * WORD;                        // its links
}

/// What jeff_check() says with one bit flipped.
struct seen {
    enum jeff_status status;
    struct jeff_damage damage;
    bool agrees; ///< it says the same when it need not describe it
};

static struct seen check_flipped(jeff_heap *heap, char *word, uint32_t bit)
{
    struct seen seen = {.damage = {0}};
    flip(word, bit);
    seen.status = jeff_check(heap, &seen.damage);
    seen.agrees = jeff_check(heap, NULL) == seen.status;
    flip(word, bit);
    return seen;
}

/// Where the damage must be placed: in the entry or the stretch that the word is in.
static bool is_placed(jeff_heap *heap, const struct jeff_block *block, const char *word, const void *address)
{
    const bool live = block->kind == JEFF_BLOCK_LIVE;
    const char *const entry = live ? (const char *)jeff_inline_entry(heap, block->handle) : NULL;
    void *begin = (char *)block->address - WORD;
    size_t bytes = block->bytes + WORD;
    if (word == entry) {
        begin = (void *)(uintptr_t)entry;
        bytes = JEFF_INLINE_WORDS * WORD;
    } else if (live) {
        bytes = jeff_extent(heap, block->handle, &begin);
    }
    return (uintptr_t)address - (uintptr_t)begin < bytes;
}

/// Flips one bit of the stretch that the draw chooses, and back.
static const char *overrun(jeff_heap *heap, struct stretches *s, uint32_t draw)
{
    *s = (struct stretches){.begin = s->begin, .end = s->end, .wanted = s->count == 0 ? 0 : draw % s->count};
    jeff_walk(heap, visit, s);
    if (s->count > STRETCHES_MOST || s->block.address == NULL)
        return NULL;

    const bool payload = draw / 64 % 8 == 0 && s->block.kind == JEFF_BLOCK_LIVE && s->block.bytes >= WORD;
    char *const word = payload ? s->block.address : own_word(heap, &s->block, draw / 512);
    const uint32_t bit = draw / 16384 % 32;
    struct seen seen = check_flipped(heap, word, bit);
    if (!seen.agrees)
        return "jeff_check() finds damage or not by whether it is to describe it";
    if (payload)
        return seen.status == JEFF_OK ? NULL : "jeff_check() takes what a client wrote for damage";
    // What a header says of the hole below it may as well be wrong there, and what was left behind in free memory may look as good
    // as what is true: one bit in tens of thousands is placed elsewhere, but not three of a word.
    for (uint32_t i = 1; i <= 3; i++) {
        if (seen.status != JEFF_ERROR_CORRUPT)
            return "jeff_check() passes over a bit that was flipped";
        if (seen.damage.what == NULL)
            return "jeff_check() finds damage that has no name";
        if (is_placed(heap, &s->block, word, seen.damage.address))
            return NULL;
        seen = check_flipped(heap, word, (bit + 11 * i) % 32);
    }
    return "jeff_check() finds damage elsewhere than it is";
}

const char *steve_jeff_audit_overrun(jeff_heap *heap, uint64_t turn)
{
    const uintptr_t table = ((const struct jeff_inline_heap *)heap)->table_bias;
    struct stretches s = {.begin = (uintptr_t)heap, .end = table + SLOTS * JEFF_INLINE_WORDS * WORD};
    jeff_walk(heap, visit, &s);
    const char *damage = NULL;
    for (unsigned i = 0; damage == NULL && i < (s.count < FEW ? 2u : 1u); i++)
        damage = overrun(heap, &s, steve_jeff_draw(turn * 8 + i));
    return damage;
}
