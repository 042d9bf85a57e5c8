/// What an op is: eight bytes that name a kind, a slot and at most two arguments. In memory an op has the fields of its byte
/// record (codec.h), so that decoding costs next to nothing. What an op *does* is exec.h's.
#ifndef STEVE_CORE_OP_H
#define STEVE_CORE_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Codes in ranges with room to spare. A code that is not listed means "no op". Never renumber: files depend on it.
enum steve_op_code {
    STEVE_OP_NONE = 0x00,
    STEVE_OP_MALLOC = 0x10, ///< slot, size
    STEVE_OP_CALLOC = 0x11, ///< slot, size
    STEVE_OP_ALIGNED = 0x20, ///< 0x20 + k: slot, size, alignment 2^k, k = 0..15
    STEVE_OP_ALIGNED_LAST = 0x2f,
    STEVE_OP_RESIZE = 0x30, ///< slot, size
    STEVE_OP_FREE = 0x38,   ///< slot
    STEVE_OP_LOCK = 0x40,
    STEVE_OP_UNLOCK = 0x41,
    STEVE_OP_WEAK_LOCK = 0x42,
    STEVE_OP_PURGEABLE = 0x48, ///< slot: contents may be dropped
    STEVE_OP_KEEP = 0x49,      ///< slot: they may not
    STEVE_OP_WRITE = 0x50,     ///< slot: new contents, all of the block
    STEVE_OP_VERIFY = 0x51,    ///< slot: all of the block
    STEVE_OP_COMPACT = 0x60,   ///< full
    STEVE_OP_COMPACT_BUDGET = 0x61, ///< budget in virtual microseconds: the size fields, absolute
    STEVE_OP_COMPACT_GOAL = 0x62,   ///< wanted bytes: the size fields
    STEVE_OP_DRAIN = 0x68, ///< unlocks and frees every live block
    STEVE_OP_CHECK = 0x69, ///< the allocator's own check, and a sweep over all blocks
    STEVE_OP_FREE_STALE = 0x70, ///< misuse with the last ref that slot's previous block had
    STEVE_OP_LOCK_STALE = 0x71,
    STEVE_OP_UNLOCK_STALE = 0x72,
    STEVE_OP_RESIZE_STALE = 0x73,
    STEVE_OP_FREE_FOREIGN = 0x74, ///< misuse with a live ref of another heap of the same allocator
    STEVE_OP_LOCK_FOREIGN = 0x75,
    STEVE_OP_UNLOCK_FOREIGN = 0x76,
    STEVE_OP_RESIZE_FOREIGN = 0x77,
    STEVE_OP_FREE_FORGED = 0x78, ///< misuse with slot's ref, one bit of it (argument modulo 64) flipped
    STEVE_OP_LOCK_FORGED = 0x79,
    STEVE_OP_UNLOCK_FORGED = 0x7a,
    STEVE_OP_RESIZE_FORGED = 0x7b,
    STEVE_OP_UNLOCK_UNLOCKED = 0x7c, ///< slot: an unlock without a lock
};

/// Size classes: how `delta` and `arg` make a size. Each is a range of values of `size_class`; the low bits are k.
enum steve_size_class {
    STEVE_SIZE_ABSOLUTE = 0x00, ///< 0x00..0x3f: arg * 65536 + (uint16_t)delta
    STEVE_SIZE_POWER = 0x40,    ///< 0x40 + k: 2^k + delta
    STEVE_SIZE_HEAP = 0x80,     ///< 0x80 + n: heap / max(n, 1) + delta
    STEVE_SIZE_OF_SLOT = 0xc0,  ///< 0xc0..0xdf: the size of the block in slot `arg` (0 if empty) + delta
    STEVE_SIZE_MAX = 0xe0,      ///< 0xe0..0xff: SIZE_MAX - (uint16_t)delta
};

struct steve_op {
    uint8_t code;       ///< of enum steve_op_code
    uint8_t size_class; ///< of enum steve_size_class
    uint16_t slot;
    int16_t delta;
    uint16_t arg;
};

/// What an op does, apart from its arguments: the unit of counting, weighing and naming.
enum steve_op_kind {
    STEVE_KIND_NONE, STEVE_KIND_MALLOC, STEVE_KIND_CALLOC, STEVE_KIND_ALIGNED, STEVE_KIND_RESIZE, STEVE_KIND_FREE,
    STEVE_KIND_LOCK, STEVE_KIND_UNLOCK, STEVE_KIND_WEAK_LOCK, STEVE_KIND_PURGEABLE, STEVE_KIND_KEEP, STEVE_KIND_WRITE,
    STEVE_KIND_VERIFY, STEVE_KIND_COMPACT, STEVE_KIND_COMPACT_BUDGET, STEVE_KIND_COMPACT_GOAL, STEVE_KIND_DRAIN,
    STEVE_KIND_CHECK, STEVE_KIND_MISUSE,
    STEVE_KIND_COUNT
};

enum steve_op_kind steve_op_kind(uint8_t code);
const char *steve_op_kind_name(enum steve_op_kind kind);

/// Which fields mean something for a code; all others are zero in canonical form.
bool steve_op_uses_slot(uint8_t code);
bool steve_op_uses_size(uint8_t code);
bool steve_op_uses_bit(uint8_t code); ///< the forged ops: `arg` modulo 64

/// The same op with every unused field zero and ranges folded to their first value; code STEVE_OP_NONE if it does nothing.
struct steve_op steve_op_canonical(struct steve_op op);

/// The bytes that an op's size fields ask for, between 0 and SIZE_MAX. O(1)
/// @param heap_bytes of the heap that the op is for
/// @param of_slot    size of the block in slot `arg`, 0 if there is none; asked of STEVE_SIZE_OF_SLOT alone
size_t steve_op_bytes(struct steve_op op, size_t heap_bytes, size_t of_slot);

/// Whose turn an op is in a sequence with threads (steve_header.threads). The number lies in bits that mean nothing else and are
/// zero in canonical form: whoever does not ask for it reads the same ops in one thread.
#define STEVE_THREADS_MOST 32u
unsigned steve_op_thread(struct steve_op op);
/// @param op in canonical form @param thread less than STEVE_THREADS_MOST
struct steve_op steve_op_on_thread(struct steve_op op, unsigned thread);

/// An op with an absolute size. @param bytes at most 2^32 - 1
struct steve_op steve_op_sized(uint8_t code, uint16_t slot, uint32_t bytes);

#define STEVE_HEAP_DEFAULT 65536u
#define STEVE_HEAP_LIMIT ((uint64_t)1 << 40) ///< largest heap of a sequence, in bytes

/// Room for a driver's name, which may be a path, and the 0 behind it.
#define STEVE_DRIVER_NAME_SIZE 240u

/// What comes before the ops: which allocator, and the geometry of its heap.
struct steve_header {
    char driver[STEVE_DRIVER_NAME_SIZE]; ///< "" for whichever is asked for
    char against[STEVE_DRIVER_NAME_SIZE]; ///< a second one that runs the same ops; "": none. Text alone has it
    uint64_t heap_bytes;   ///< 1..STEVE_HEAP_LIMIT
    uint16_t base_offset;  ///< the region begins this many units of the driver's region alignment past a 64 KiB boundary
    uint8_t options;       ///< bits of steve_driver.options
    bool dirty;            ///< the region's memory is not zero at the start
    uint8_t threads;       ///< how many carry the ops out, up to STEVE_THREADS_MOST; 0 or 1: one. Text alone has it
};

/// A header and its ops. @note `ops` is owned; steve_sequence_free() gives it back.
struct steve_sequence {
    struct steve_header header;
    struct steve_op *ops;
    size_t count;
    size_t capacity;
};

/// Both @return false when memory is short, and the sequence is unchanged.
bool steve_sequence_push(struct steve_sequence *sequence, struct steve_op op);
bool steve_sequence_reserve(struct steve_sequence *sequence, size_t count);
void steve_sequence_free(struct steve_sequence *sequence);

#endif
