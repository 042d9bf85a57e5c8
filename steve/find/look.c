/// A child that answers one question.
#define _GNU_SOURCE
#include "steve/find/look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/// What loading a library may take: CPU time, and time on the wall asleep.
#define PATIENCE_NS UINT64_C(10000000000)

void steve_look_say(void *context, const char *line)
{
    struct steve_look *look = context;
    size_t size = strlen(line) + 1;
    if (size <= sizeof look->lines - look->length) {
        memcpy(look->lines + look->length, line, size);
        look->length += size;
    }
}

bool steve_look_in_child(struct steve_look *look, void (*body)(void *context), void *context, steve_say *say,
                         void *say_context)
{
    const struct steve_limits limits = {.op_time_ns = PATIENCE_NS, .asleep_ns = PATIENCE_NS};
    struct steve_child child = {.page = &look->page};
    struct steve_finding finding;
    char line[sizeof finding.what + 64];
    if (!steve_child_start(&child, body, context)) {
        snprintf(line, sizeof line, "no process could be started: %s", strerror(errno));
        say(say_context, line);
        return false;
    }
    enum steve_child_state state;
    while ((state = steve_child_look(&child, &limits, &finding)) == STEVE_CHILD_RUNNING) {
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    size_t length = look->length < sizeof look->lines ? look->length : 0;
    for (size_t at = 0; at < length; at += strlen(look->lines + at) + 1) {
        say(say_context, look->lines + at);
    }
    if (state == STEVE_CHILD_BROKEN) {
        say(say_context,
            finding.oracle == STEVE_ORACLE_HANG ? "it does not come to an end while it is loaded" : finding.what);
    }
    return state == STEVE_CHILD_ENDED && length == 0;
}
