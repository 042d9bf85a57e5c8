/// The bench that compares: the calls that every driver goes through. They are made before anything is measured, and shared
/// with the children, so that they are the same for all.
///
///     bench_script.c    the script, and the life that is drawn
///     bench_recorded.c  scripts made of saved sequences
#ifndef STEVE_CLI_BENCH_SCRIPT_H
#define STEVE_CLI_BENCH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steve/core/op.h"

enum bench_call_kind {
    BENCH_CALL_OPEN, ///< a fresh heap of so many bytes, and the one before is closed
    BENCH_CALL_MALLOC,
    BENCH_CALL_CALLOC,
    BENCH_CALL_ALIGNED,
    BENCH_CALL_RESIZE,
    BENCH_CALL_FREE,
    BENCH_CALL_LOCK,    ///< once at a time
    BENCH_CALL_UNLOCK,  ///< of a locked block
    BENCH_CALL_ACCESS,  ///< a byte of each page of a block that is not locked is written
    BENCH_CALL_COMPACT, ///< `bytes`: the budget in ns; 0: full
    BENCH_CALL_COMPACT_GOAL,
};

/// One call. It applies if all before it were served: a block is live, or is not, as it must be.
struct bench_call {
    uint64_t bytes;
    uint32_t slot;
    uint8_t kind;      ///< of enum bench_call_kind
    uint8_t alignment; ///< log2
};

struct bench_script {
    struct bench_call *call; ///< owned; the first is BENCH_CALL_OPEN
    size_t calls;
    size_t capacity;
    size_t slots;        ///< one more than the highest that is used
    size_t most_payload; ///< bytes asked for that are live at a time
    size_t most_heap;    ///< bytes of the largest heap
};

/// Draws a life: grow to `live` blocks of 16 to 1024 bytes, churn, shrink to half, grow again with blocks four times as large,
/// for which most holes are too small, churn, shrink to a quarter; in a heap of twice the payload at its peak.
/// @return false when memory is short
bool bench_script_draw(struct bench_script *script, size_t live, uint64_t seed);

/// The largest heap of a sequence that is recorded in a script: its blocks are written.
#define BENCH_SCRIPT_HEAP_MOST ((uint64_t)1 << 30)

/// Adds a saved sequence on a heap of its own. It becomes calls that are the same for every driver, whatever that one
/// refuses: ops that do not apply are left out, and so are requests that no heap of that size could hold with what is live,
/// misuse, checks, and what is about purging. Blocks are locked once at a time. `write`, `verify` and `weak-lock` are accesses
/// where the block is not locked, and a drain is so many frees.
/// @param sequence its heap has BENCH_SCRIPT_HEAP_MOST bytes at most
/// @return false when memory is short
bool bench_script_record(struct bench_script *script, const struct steve_sequence *sequence);

/// Adds one call. @return false when memory is short
bool bench_script_push(struct bench_script *script, struct bench_call call);

/// Puts the calls into memory that child processes inherit. @return its file number, to be closed; -1 after a message
int bench_script_share(const struct bench_script *script);

/// A child's side: the calls of a file number, to be read alone. @return false if it is none
bool bench_script_inherit(int number, struct bench_script *script);

void bench_script_free(struct bench_script *script);

#endif
