/// Recording what is broken. Sentences carry offsets from the region's base and never addresses, so that they are the same in
/// every process.
#include "steve/core/exec_internal.h"

#include <stdarg.h>
#include <stdio.h>

/// Writes which block it is about. @return how many characters
static size_t describe(const struct steve_exec *exec, const struct steve_slot *slot, char *out, size_t size)
{
    int length = snprintf(out, size, "block s%u of %zu bytes", (unsigned)steve_slot_index(exec, slot), slot->bytes);
    uintptr_t base = (uintptr_t)exec->region.base;
    if ((exec->promises & STEVE_PROMISE_REGION) != 0 && slot->address >= base &&
        slot->address - base <= exec->region.bytes) {
        length += snprintf(out + length, size - (size_t)length, " at offset 0x%zx", (size_t)(slot->address - base));
    }
    length += snprintf(out + length, size - (size_t)length, ": ");
    return (size_t)length;
}

bool steve_broken(struct steve_exec *exec, enum steve_oracle oracle, const struct steve_slot *slot, const char *format,
                  ...)
{
    if (!steve_oracle_on(exec, oracle)) {
        return true;
    }
    struct steve_finding *finding = &exec->finding;
    *finding = (struct steve_finding){.oracle = oracle, .op = exec->op, .has_slot = slot != NULL};
    size_t length = 0;
    if (slot != NULL) {
        finding->slot = steve_slot_index(exec, slot);
        length = describe(exec, slot, finding->what, sizeof finding->what);
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->what + length, sizeof finding->what - length, format, arguments);
    va_end(arguments);
    exec->found = true;
    return false;
}
