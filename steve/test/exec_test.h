/// What the executor's tests share: an executor for a driver, and ops at random. For tests that include it first.
#ifndef STEVE_TEST_EXEC_TEST_H
#define STEVE_TEST_EXEC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "steve/core/exec.h"
#include "steve/drivers/drivers.h"

static const struct steve_header header = {.heap_bytes = 20000};

static inline struct steve_exec *new_exec(const struct steve_driver *driver, enum steve_check_level level)
{
    const char *why = NULL;
    struct steve_exec *exec = steve_exec_new(&(struct steve_exec_config){.driver = driver, .level = level}, &why);
    assert_non_null(exec);
    return exec;
}

static inline void begin(struct steve_exec *exec)
{
    const char *why = NULL;
    assert_true(steve_exec_begin(exec, &header, &why));
}

static inline enum steve_outcome step(struct steve_exec *exec, uint8_t code, uint16_t slot, uint32_t bytes)
{
    return steve_exec_step(exec, steve_op_sized(code, slot, bytes));
}

static inline uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 16;
}

/// Any eight bytes, with few slots and mostly small sizes, so that ops meet.
static inline struct steve_op random_op(uint64_t *seed)
{
    static const uint8_t codes[] = {
        STEVE_OP_MALLOC,          STEVE_OP_MALLOC,         STEVE_OP_CALLOC,        STEVE_OP_ALIGNED + 6,
        STEVE_OP_RESIZE,          STEVE_OP_FREE,           STEVE_OP_FREE,          STEVE_OP_LOCK,
        STEVE_OP_UNLOCK,          STEVE_OP_WEAK_LOCK,      STEVE_OP_WRITE,         STEVE_OP_VERIFY,
        STEVE_OP_COMPACT,         STEVE_OP_COMPACT_BUDGET, STEVE_OP_COMPACT_GOAL,  STEVE_OP_CHECK,
        STEVE_OP_FREE_STALE,      STEVE_OP_LOCK_FOREIGN,   STEVE_OP_UNLOCK_FORGED, STEVE_OP_RESIZE_STALE,
        STEVE_OP_UNLOCK_UNLOCKED,
    };
    uint64_t random = next_random(seed);
    uint16_t slot = (uint16_t)(random >> 8 & 31);
    struct steve_op op = steve_op_sized(codes[random % sizeof codes], slot, (uint32_t)(random >> 20 & 1023));
    if ((random >> 40 & 15) == 0) {
        op.size_class = (uint8_t)(random >> 32);
    }
    if ((random >> 44 & 15) == 0) {
        op.code = (uint8_t)(random >> 24);
    }
    return op;
}

#endif
